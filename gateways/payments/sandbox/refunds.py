"""Refunds of charges, and the brand's fee given back in proportion."""

from gateways.payments.sandbox import amounts
from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal, invalid, missing, no_such
from gateways.payments.sandbox.methods import card_of
from gateways.payments.sandbox.money import book
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World

SETTLES_AFTER = 5 * 86400
FAILS_AFTER = 3600


def _charge(call: Call) -> Obj:
    world, params = call.world, call.params
    if call.has("charge") == call.has("payment_intent"):
        if call.has("charge"):
            raise invalid("charge", "You may only specify one of these parameters: charge, payment_intent.")
        raise missing("payment_intent")
    if call.has("charge"):
        return world.get(call.account, "charge", params["charge"], "charge")
    intent = world.get(call.account, "payment_intent", params["payment_intent"], "payment_intent")
    if intent["latest_charge"] is None or intent["status"] not in ("succeeded", "requires_capture"):
        raise Refusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", code="charge_not_refundable",
            param="payment_intent",
        )  # fmt: skip
    return world.objects[intent["latest_charge"]]


def refundable(charge: Obj) -> int:
    """What is left of what was taken."""
    rest = charge["_rest"] if charge["amount_refunded"] >= charge["_rest"] else 0
    return int(charge["amount_captured"] - (charge["amount_refunded"] - rest))


def create(call: Call) -> Obj:
    world, params, charge = call.world, call.params, _charge(call)
    if not charge["captured"] or charge["status"] != "succeeded":
        raise Refusal(
            f"Charge {charge['id']} has not been captured: cancel its PaymentIntent instead.", code="charge_not_refundable"
        )
    left = refundable(charge)
    if left <= 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise Refusal(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    amount = amounts.amount(params.get("amount", left), charge["currency"])
    if amount > left:
        raise Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).",
            code="amount_too_large",
            param="amount",
        )
    if params.get("reverse_transfer"):
        raise invalid("reverse_transfer", "Cannot reverse transfer: this charge has no associated transfer.")
    if params.get("refund_application_fee") and charge["application_fee"] is None:
        raise Refusal("Cannot refund application fee: this charge has no application fee.", param="refund_application_fee")
    return _refund(world, charge, amount, params)


def _refund(world: World, charge: Obj, amount: int, params: Obj) -> Obj:
    account, card = charge["_account"], card_of(charge)
    refund: Obj = {
        "id": world.new_id("re"), "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
        "created": world.now(), "currency": charge["currency"], "customer": charge["customer"],
        "destination_details": {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                                         "type": "refund"}, "type": "card"},
        "failure_balance_transaction": None, "metadata": metadata(params.get("metadata")),
        "payment_intent": charge["payment_intent"], "payment_method": charge["payment_method"], "pending_reason": None,
        "reason": params.get("reason"), "receipt_number": None, "source_transfer_reversal": None, "status": "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip
    world.add(account, refund)
    given = 0
    if params.get("refund_application_fee"):
        fee = world.objects[charge["application_fee"]]
        taken = charge["amount_captured"] - refundable(charge) + amount
        given = max(0, _share(fee["amount"], taken, charge["amount_captured"]) - fee["amount_refunded"])
        if given:
            return_fee(world, fee, given)
    line = book(
        world, account, "refund", -amount, charge["currency"], refund["id"], category="refund",
        fees=(("application_fee", -given, charge["application"]),),
    )  # fmt: skip
    refund["balance_transaction"] = line["id"]
    if card.refund == "pending":
        refund["status"], refund["pending_reason"] = "pending", "processing"
        world.later(world.now() + SETTLES_AFTER, "refund_settles", refund["id"])
    elif card.refund == "fails":
        world.later(world.now() + FAILS_AFTER, "refund_fails", refund["id"])
    charge["amount_refunded"] += amount
    charge["refunded"] = refundable(charge) == 0
    world.save(charge, refund)
    world.emit(account, "refund.created", refund)
    world.emit(account, "charge.refunded", charge)
    return refund


def _share(fee: int, part: int, whole: int) -> int:
    """The fee's share of what was refunded altogether, half a cent up: many small refunds end exactly at the whole fee."""
    return (2 * fee * part + whole) // (2 * whole)


def return_fee(world: World, fee: Obj, amount: int, meta: dict[str, str] | None = None) -> Obj:
    refund: Obj = {
        "id": world.new_id("fr"), "object": "fee_refund", "amount": amount, "balance_transaction": None,
        "created": world.now(), "currency": fee["currency"], "fee": fee["id"], "metadata": meta or {},
    }  # fmt: skip
    world.add(world.platform, refund)
    line = book(
        world, world.platform, "application_fee_refund", -amount, fee["currency"], refund["id"],
        category="platform_earning_refund",
    )  # fmt: skip
    refund["balance_transaction"] = line["id"]
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"] = [{key: value for key, value in refund.items() if key[0] != "_"}, *fee["refunds"]["data"]][:10]
    fee["refunds"]["has_more"] = False
    world.save(fee, refund)
    world.emit(world.platform, "application_fee.refunded", fee)
    return refund


def fail(world: World, refund: Obj, reason: str = "expired_or_canceled_card") -> None:
    """The bank sends it back: the money is on the balance again, and the driver has nothing."""
    if refund["status"] not in ("succeeded", "pending") or refund["balance_transaction"] is None:
        raise Refusal(f"Refund {refund['id']} cannot fail: it is {refund['status']}.")
    account = refund["_account"]
    line = book(world, account, "refund_failure", refund["amount"], refund["currency"], refund["id"], category="refund_failure")
    refund.update(status="failed", failure_reason=reason, failure_balance_transaction=line["id"], pending_reason=None)
    charge = world.objects[refund["charge"]]
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.save(refund, charge)
    world.emit(account, "refund.failed", refund)
    world.emit(account, "charge.refund.updated", refund)


def settle(world: World, refund: Obj) -> None:
    if refund["status"] == "pending":
        refund.update(status="succeeded", pending_reason=None)
        world.save(refund)
        world.emit(refund["_account"], "refund.updated", refund)
        world.emit(refund["_account"], "charge.refund.updated", refund)


# -- application fees ------------------------------------------------------------------------------------------------


def get_fee(call: Call) -> Obj:
    fee = call.world.objects.get(call.ids["id"])
    if fee is None or fee["object"] != "application_fee" or call.account not in (fee["_account"], fee["account"]):
        raise no_such("application_fee", call.ids["id"])
    return fee


def create_fee_refund(call: Call) -> Obj:
    fee = call.world.get(call.account, "application_fee", call.ids["id"], "fee")
    left = fee["amount"] - fee["amount_refunded"]
    amount = call.params.get("amount", left)
    if left == 0 or not 1 <= amount <= left:
        raise Refusal(f"Refund amount ({amount}) is greater than unrefunded amount on fee ({left}).", param="amount")
    return return_fee(call.world, fee, amount, metadata(call.params.get("metadata")))


def list_fee_refunds(call: Call) -> Obj:
    fee = get_fee(call)
    rows = (one for one in call.world.newest(call.world.platform, "fee_refund") if one["fee"] == fee["id"])
    return page(call, rows, call.path)
