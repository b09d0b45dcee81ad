"""Disputes: opened by a card or by the control API, answered with evidence, won or lost."""

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal
from gateways.payments.sandbox.methods import card_of
from gateways.payments.sandbox.money import book
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World, bare

FILES = frozenset(
    [
        "cancellation_policy",
        "customer_communication",
        "customer_signature",
        "duplicate_charge_documentation",
        "receipt",
        "refund_policy",
        "service_documentation",
        "shipping_documentation",
        "uncategorized_file",
    ]
)
TEXTS = frozenset(
    [
        "access_activity_log",
        "billing_address",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_tracking_number",
        "uncategorized_text",
    ]
)
WINNING, LOSING = "winning_evidence", "losing_evidence"
"""As `uncategorized_text` of submitted evidence these decide at once, as in Stripe's test mode."""


def open_dispute(world: World, charge: Obj, amount: int | None = None, reason: str = "fraudulent") -> Obj:
    """The cardholder's bank takes the money back, and Stripe its fee."""
    if not charge["captured"] or charge["disputed"]:
        raise Refusal(f"Charge {charge['id']} cannot be disputed: it is not captured, or disputed already.")
    account, amount = charge["_account"], amount or charge["amount_captured"]
    dispute: Obj = {
        "id": world.new_id("du"), "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge["id"],
        "created": world.now(), "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(sorted(FILES | TEXTS)) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": world.now() + limits.EVIDENCE_TIME, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False,
            "submission_count": 0, "submission_method": "not_submitted",
        },
        "is_charge_refundable": False, "livemode": False, "metadata": {}, "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": (brand := card_of(charge).brand), "case_type": "chargeback", "network": brand,
                     "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": reason, "status": "needs_response",
    }  # fmt: skip
    world.add(account, dispute)
    line = book(
        world, account, "adjustment", -amount, charge["currency"], dispute["id"], category="dispute",
        fees=(("stripe_fee", world.config.dispute_fee, None),), description=f"Chargeback withdrawal for {charge['id']}",
    )  # fmt: skip
    dispute["balance_transactions"] = [bare(line)]
    charge["disputed"] = True
    world.save(charge, dispute)
    world.later(dispute["evidence_details"]["due_by"], "evidence_due", dispute["id"])
    world.emit(account, "charge.dispute.created", dispute)
    world.emit(account, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(world: World, dispute: Obj, *, won: bool) -> None:
    if dispute["status"] in ("won", "lost"):
        raise Refusal(f"Dispute {dispute['id']} is {dispute['status']} already.")
    account = dispute["_account"]
    dispute["status"] = "won" if won else "lost"
    if won:
        line = book(
            world, account, "adjustment", dispute["amount"], dispute["currency"], dispute["id"], category="dispute_reversal",
            description=f"Chargeback reversal for {dispute['charge']}",
        )  # fmt: skip
        dispute["balance_transactions"].append(bare(line))
        world.emit(account, "charge.dispute.funds_reinstated", dispute)
    world.save(dispute)
    world.emit(account, "charge.dispute.closed", dispute)


def overdue(world: World, dispute: Obj) -> None:
    """Nobody answered in time: lost."""
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        decide(world, dispute, won=False)


def update(call: Call) -> Obj:
    world, params = call.world, call.params
    dispute = world.get(call.account, "dispute", call.ids["id"], "dispute")
    if call.has("metadata"):
        dispute["metadata"] = metadata(params["metadata"], dispute["metadata"])
    evidence = params.get("evidence") or {}
    if evidence and dispute["status"] != "needs_response":
        raise Refusal("This dispute is already closed or under review: evidence can no longer be changed.")
    for name, value in evidence.items():
        if name in FILES and value:
            file = world.get(call.account, "file", value, f"evidence[{name}]")
            if file["purpose"] != "dispute_evidence":
                raise Refusal("The file's purpose must be dispute_evidence.", param=f"evidence[{name}]")
        dispute["evidence"][name] = value or None
    details = dispute["evidence_details"]
    details["has_evidence"] = details["has_evidence"] or bool(evidence)
    if params.get("submit", True) and details["has_evidence"] and dispute["status"] == "needs_response":
        details["submission_count"] += 1
        details["submission_method"] = "manual"
        dispute["status"] = "under_review"
    world.save(dispute)
    world.emit(call.account, "charge.dispute.updated", dispute)
    text = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "under_review" and text in (WINNING, LOSING):
        decide(world, dispute, won=text == WINNING)
    return dispute


def close(call: Call) -> Obj:
    dispute = call.world.get(call.account, "dispute", call.ids["id"], "dispute")
    decide(call.world, dispute, won=False)
    return dispute


def listed(call: Call) -> Obj:
    params = call.params
    rows = (
        one
        for one in call.world.newest(call.account, "dispute")
        if all(one[name] == params[name] for name in ("charge", "payment_intent") if name in params)
    )
    return page(call, rows, call.path)
