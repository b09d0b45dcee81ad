"""A card is asked, money is held, taken, released: what happens to a charge, whoever wanted it."""

from gateways.payments.sandbox.cards import DECLINED, Card, Decline
from gateways.payments.sandbox.errors import Obj, Refusal
from gateways.payments.sandbox.methods import EXPIRY, card_of, wallet_of
from gateways.payments.sandbox.money import book, fee_of
from gateways.payments.sandbox.world import World, bare


def proof_of(card: Card, asked: str, *, away: bool, challenged: bool) -> Obj | None:
    """`three_d_secure` of the charge: null where it did not run. A wallet brings its own proof, and a charge without the person
    (`away`) has none."""
    runs = card.required or asked in ("any", "challenge")
    if away or card.wallet is not None or card.result is None or not runs:
        return None
    flow = "challenge" if challenged else "frictionless"
    return {
        "authentication_flow": flow if card.result in ("authenticated", "failed") else None,
        "electronic_commerce_indicator": card.eci, "exemption_indicator": card.exemption,
        "exemption_indicator_applied": True if card.exemption else None, "result": card.result, "result_reason": card.reason,
        "transaction_id": "9f8b1d0c-0000-4000-8000-000000000000", "version": "2.2.0",
    }  # fmt: skip


def _details(world: World, intent: Obj, card: Card, proof: Obj | None, away: bool) -> Obj:
    config = world.config
    kept = config.hold_kept_off_session if away else config.hold_kept
    held = intent["capture_method"] == "manual"
    wallet = wallet_of(card)
    no = {"status": "unavailable"}
    return {
        "type": "card",
        "card": {
            "amount_authorized": intent["amount"], "authorization_code": "123456", "brand": card.brand,
            "capture_before": world.now() + kept if held else None,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None if away else "pass"},
            "country": card.country, "electronic_commerce_indicator": card.eci if proof else None,
            "exp_month": EXPIRY[0], "exp_year": EXPIRY[1], "extended_authorization": {"status": "disabled"},
            "fingerprint": f"print{card.number}", "funding": card.funding, "incremental_authorization": no,
            "installments": None, "last4": card.last4, "mandate": None, "multicapture": no, "network": card.brand,
            "network_token": {"used": False}, "network_transaction_id": "104102013840165",
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "regulated_status": "unregulated", "three_d_secure": proof, "wallet": wallet,
        },
    }  # fmt: skip


def _charge(world: World, intent: Obj, method: Obj, proof: Obj | None, *, away: bool, failed: Decline | None) -> Obj:
    card = card_of(method)
    status = "blocked" if failed else "authorized"
    outcome = {
        "advice_code": "try_again_later" if failed else None, "network_advice_code": None,
        "network_decline_code": "05" if failed else None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": (failed.decline_code or failed.code) if failed else None, "risk_level": "normal", "risk_score": 20,
        "seller_message": failed.message if failed else "Payment complete.",
        "type": "issuer_declined" if status == "blocked" else status,
    }  # fmt: skip
    charge: Obj = {
        "id": world.new_id("ch"), "object": "charge", "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0,
        "application": intent["application"], "application_fee": None,
        "application_fee_amount": intent["application_fee_amount"], "balance_transaction": None,
        "billing_details": dict(method["billing_details"]), "calculated_statement_descriptor": "SANDBOX", "captured": False,
        "created": world.now(), "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None,
        "failure_code": failed.code if failed else None, "failure_message": failed.message if failed else None,
        "fraud_details": {}, "livemode": False, "metadata": dict(intent["metadata"]), "on_behalf_of": None, "outcome": outcome,
        "paid": failed is None, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": _details(world, intent, card, proof, away), "radar_options": {}, "receipt_email": None,
        "receipt_number": None, "receipt_url": None, "refunded": False, "review": None, "shipping": None, "source": None,
        "source_transfer": None, "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if failed else "succeeded", "transfer": None, "transfer_data": None,
        "transfer_group": intent["transfer_group"], "_card": card.name, "_rest": 0,
    }  # fmt: skip
    return world.add(intent["_account"], charge)


def decline(world: World, intent: Obj, method: Obj, why: Decline, proof: Obj | None, *, away: bool) -> Refusal:
    """The issuer says no: a failed charge, and the intent waits for another card. Answers the error to raise."""
    charge = _charge(world, intent, method, proof, away=away, failed=why)
    more = {"charge": charge["id"], **({"decline_code": why.decline_code} if why.decline_code else {})}
    refusal = Refusal(why.message, code=why.code, kind="card_error", status=402, **more)
    fail(world, intent, refusal, method, charge)
    world.emit(charge["_account"], "charge.failed", charge)
    return refusal


def fail(world: World, intent: Obj, refusal: Refusal, method: Obj, charge: Obj | None = None) -> None:
    """The attempt came to nothing; the intent remembers why."""
    intent.update(
        status="requires_payment_method", payment_method=None, next_action=None, latest_charge=charge["id"] if charge else None,
        last_payment_error={**refusal.error, "payment_method": bare(method)},
    )  # fmt: skip
    world.save(intent)
    world.emit(intent["_account"], "payment_intent.payment_failed", intent)
    refusal.error.update(payment_intent=bare(intent), payment_method=bare(method))


def authorise(world: World, intent: Obj, method: Obj, *, away: bool, challenged: bool) -> Obj:
    """The issuer says yes or no. Raises the decline; otherwise the money is held, or taken at once where that was asked."""
    card = card_of(method)
    asked = intent["payment_method_options"]["card"]["request_three_d_secure"]
    proof = proof_of(card, asked, away=away, challenged=challenged)
    why = card.decline or (DECLINED if away and card.off_session == "decline" else None)
    if why is not None:
        raise decline(world, intent, method, why, proof, away=away)
    charge = _charge(world, intent, method, proof, away=away, failed=None)
    intent.update(payment_method=method["id"], latest_charge=charge["id"], last_payment_error=None, next_action=None)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        world.later(charge["payment_method_details"]["card"]["capture_before"], "hold", intent["id"])
        world.emit(charge["_account"], "charge.succeeded", charge)
        world.emit(charge["_account"], "payment_intent.amount_capturable_updated", intent)
    else:
        intent["status"] = "requires_capture"
        take(world, intent, intent["amount"], intent["application_fee_amount"], event="charge.succeeded")
    world.save(intent, charge)
    return charge


def take(world: World, intent: Obj, amount: int, fee: int | None, event: str = "charge.captured") -> None:
    """Capture: this much is taken with the fees, the rest of the hold goes back."""
    account = intent["_account"]
    charge = world.objects[intent["latest_charge"]]
    card = card_of(charge)
    fee = min(fee, amount) if fee else 0
    stripe_fee = fee_of(world, amount, card.country)
    wait = 0 if card.instant else world.config.available_after
    line = book(
        world, account, "charge", amount, intent["currency"], charge["id"], category="charge", wait=wait,
        fees=(("application_fee", fee, intent["application"]), ("stripe_fee", stripe_fee, None)),
    )  # fmt: skip
    rest = charge["amount"] - amount
    charge.update(captured=True, amount_captured=amount, balance_transaction=line["id"], _rest=rest)
    charge["payment_method_details"]["card"]["capture_before"] = None
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    if fee:
        _application_fee(world, charge, fee, wait)
    intent["application_fee_amount"] = charge["application_fee_amount"] = fee or intent["application_fee_amount"]
    if rest and world.config.rest_as_refund:
        charge["amount_refunded"] = rest
        unmoved_refund(world, charge, rest)
    world.save(charge, intent)
    world.emit(account, event, charge)
    world.emit(account, "payment_intent.succeeded", intent)
    if card.dispute is not None:
        world.later(world.now(), "dispute", charge["id"])


def _application_fee(world: World, charge: Obj, amount: int, wait: int) -> None:
    """The brand's income, on the brand's own balance."""
    fee: Obj = {
        "id": world.new_id("fee"), "object": "application_fee", "account": charge["_account"], "amount": amount,
        "amount_refunded": 0, "application": charge["application"], "balance_transaction": None, "charge": charge["id"],
        "created": world.now(), "currency": charge["currency"], "fee_source": {"charge": charge["id"], "type": "charge"},
        "livemode": False, "originating_transaction": None, "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": ""},
    }  # fmt: skip
    fee["refunds"]["url"] = f"/v1/application_fees/{fee['id']}/refunds"
    world.add(world.platform, fee)
    line = book(
        world, world.platform, "application_fee", amount, fee["currency"], fee["id"], category="platform_earning", wait=wait
    )
    fee["balance_transaction"] = line["id"]
    charge["application_fee"] = fee["id"]
    world.emit(world.platform, "application_fee.created", fee)


def unmoved_refund(world: World, charge: Obj, amount: int, reason: str | None = None) -> Obj:
    """What was held and never taken, as Stripe shows it: a refund without a balance transaction."""
    refund: Obj = {
        "id": world.new_id("re"), "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
        "created": world.now(), "currency": charge["currency"], "customer": charge["customer"],
        "destination_details": {"card": {"type": "reversal"}, "type": "card"}, "failure_balance_transaction": None,
        "metadata": {}, "payment_intent": charge["payment_intent"], "payment_method": charge["payment_method"],
        "pending_reason": None, "reason": reason, "receipt_number": None, "source_transfer_reversal": None,
        "status": "succeeded", "transfer_reversal": None,
    }  # fmt: skip
    return world.add(charge["_account"], refund)


def release(world: World, intent: Obj, reason: str | None, *, lapsed: bool = False) -> None:
    """The whole hold goes back: cancelled by us, or (`lapsed`) by the card's network after `capture_before`."""
    intent.update(status="canceled", amount_capturable=0, canceled_at=world.now(), cancellation_reason=reason, next_action=None)
    world.save(intent)
    charge = world.objects.get(intent["latest_charge"] or "")
    if charge is not None and charge["paid"] and not charge["captured"]:
        charge.update(amount_refunded=charge["amount"], refunded=True, _rest=charge["amount"])
        unmoved_refund(world, charge, charge["amount"], "expired_uncaptured_charge" if lapsed else None)
        world.save(charge)
        world.emit(charge["_account"], "charge.expired" if lapsed else "charge.refunded", charge)
    world.emit(intent["_account"], "payment_intent.canceled", intent)
