"""Transfers from the brand's balance to connected accounts, and their reversals."""

from gateways.payments.sandbox import amounts
from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal, invalid, missing
from gateways.payments.sandbox.money import available, book
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World


def create(call: Call) -> Obj:
    world, params = call.world, call.params
    if call.connected:
        raise Refusal("A transfer is made on the platform's account, without the Stripe-Account header.")
    currency = amounts.currency(params["currency"])
    if "amount" not in params:
        raise missing("amount")
    amount = amounts.amount(params["amount"], currency)
    target = world.account(params["destination"])
    if target is None or not target["_connected"] or target["id"] == world.platform:
        raise Refusal(f"No such destination: '{params['destination']}'", code="resource_missing", param="destination")
    if target["capabilities"].get("transfers") != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers",
            code="insufficient_capabilities_for_transfer",
        )
    tied = _source(call, amount, currency)
    if tied is None and available(world, call.account, currency) < amount:
        raise Refusal(
            "You have insufficient available funds in your Stripe account for this transfer.", code="balance_insufficient"
        )
    wait = max(0, tied["available_on"] - world.now()) if tied is not None else 0
    transfer: Obj = {
        "id": world.new_id("tr"), "object": "transfer", "amount": amount, "amount_reversed": 0, "balance_transaction": None,
        "created": world.now(), "currency": currency, "description": params.get("description"), "destination": target["id"],
        "destination_payment": None, "livemode": False, "metadata": metadata(params.get("metadata")),
        "reversals": {"object": "list", "data": [], "has_more": False, "url": ""}, "reversed": False,
        "source_transaction": params.get("source_transaction"), "source_type": "card",
        "transfer_group": params.get("transfer_group"),
    }  # fmt: skip
    transfer["reversals"]["url"] = f"/v1/transfers/{transfer['id']}/reversals"
    world.add(call.account, transfer)
    payment = _payment(world, transfer, wait)
    line = book(world, call.account, "transfer", -amount, currency, transfer["id"], category="transfer", wait=wait)
    transfer.update(balance_transaction=line["id"], destination_payment=payment["id"])
    world.save(transfer)
    world.emit(call.account, "transfer.created", transfer)
    world.emit(target["id"], "payment.created", payment)
    return transfer


def _source(call: Call, amount: int, currency: str) -> Obj | None:
    """The balance transaction of the charge that the transfer is tied to; together they cannot be more than it."""
    if not call.has("source_transaction"):
        return None
    world, wanted = call.world, call.params["source_transaction"]
    charge = world.get(call.account, "charge", wanted, "source_transaction")
    if charge["balance_transaction"] is None or charge["currency"] != currency:
        raise invalid("source_transaction", "The charge must be captured, and in the transfer's currency.")
    sent = sum(one["amount"] for one in world.newest(call.account, "transfer") if one["source_transaction"] == charge["id"])
    if sent + amount > charge["amount_captured"]:
        raise Refusal("Transfers using this transaction as a source must not exceed the source amount.", param="amount")
    return world.objects[charge["balance_transaction"]]


def _payment(world: World, transfer: Obj, wait: int) -> Obj:
    """What the connected account sees of it: a charge of kind payment."""
    payment: Obj = {
        "id": world.new_id("py"), "object": "charge", "amount": transfer["amount"], "amount_captured": transfer["amount"],
        "amount_refunded": 0, "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}, "captured": True,
        "created": world.now(), "currency": transfer["currency"], "customer": None, "description": None, "disputed": False,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "fraud_details": {},
        "livemode": False, "metadata": {}, "on_behalf_of": None, "outcome": None, "paid": True, "payment_intent": None,
        "payment_method": None, "payment_method_details": None, "receipt_url": None, "refunded": False, "review": None,
        "source": None, "source_transfer": transfer["id"], "status": "succeeded", "transfer": None,
        "transfer_group": transfer["transfer_group"], "_card": None, "_rest": 0,
    }  # fmt: skip
    world.add(transfer["destination"], payment)
    line = book(
        world, payment["_account"], "payment", payment["amount"], payment["currency"], payment["id"], category="charge", wait=wait
    )
    payment["balance_transaction"] = line["id"]
    return payment


def reverse(call: Call) -> Obj:
    world, params = call.world, call.params
    transfer = world.get(call.account, "transfer", call.ids["id"], "transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = amounts.amount(params.get("amount", left), transfer["currency"]) if left else 0
    if left == 0 or amount > left:
        raise Refusal(f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left}).", param="amount")
    if params.get("refund_application_fee"):
        raise invalid("refund_application_fee", "This transfer's payment has no application fee.")
    target = world.objects[transfer["destination"]]
    if available(world, target["id"], transfer["currency"]) < amount and not target["_may_owe"]:
        raise Refusal(
            "Insufficient funds: the connected account's balance is too small for this reversal.", code="balance_insufficient"
        )
    return _reversal(world, transfer, amount, params)


def _reversal(world: World, transfer: Obj, amount: int, params: Obj) -> Obj:
    payment = world.objects[transfer["destination_payment"]]
    back: Obj = {
        "id": world.new_id("pyr"), "object": "refund", "amount": amount, "balance_transaction": None, "charge": payment["id"],
        "created": world.now(), "currency": transfer["currency"], "customer": None, "failure_balance_transaction": None,
        "metadata": {}, "payment_intent": None, "payment_method": None, "pending_reason": None, "reason": None,
        "receipt_number": None, "source_transfer_reversal": None, "status": "succeeded", "transfer_reversal": None,
    }  # fmt: skip
    reversal: Obj = {
        "id": world.new_id("trr"), "object": "transfer_reversal", "amount": amount, "balance_transaction": None,
        "created": world.now(), "currency": transfer["currency"], "destination_payment_refund": back["id"],
        "metadata": metadata(params.get("metadata")), "source_refund": None, "transfer": transfer["id"],
    }  # fmt: skip
    back["source_transfer_reversal"] = reversal["id"]
    world.add(payment["_account"], back)
    world.add(transfer["_account"], reversal)
    theirs = book(world, payment["_account"], "payment_refund", -amount, back["currency"], back["id"], category="refund")
    ours = book(
        world, transfer["_account"], "transfer_refund", amount, back["currency"], reversal["id"], category="transfer_reversal"
    )
    back["balance_transaction"], reversal["balance_transaction"] = theirs["id"], ours["id"]
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    shown = {key: value for key, value in reversal.items() if key[0] != "_"}
    transfer["reversals"]["data"] = [shown, *transfer["reversals"]["data"]][:10]
    world.save(payment, transfer, back, reversal)
    world.emit(transfer["_account"], "transfer.reversed", transfer)
    return reversal


def list_reversals(call: Call) -> Obj:
    transfer = call.world.get(call.account, "transfer", call.ids["id"], "transfer")
    rows = (one for one in call.world.newest(call.account, "transfer_reversal") if one["transfer"] == transfer["id"])
    return page(call, rows, call.path)


def get_reversal(call: Call) -> Obj:
    reversal = call.world.get(call.account, "transfer_reversal", call.ids["sub"])
    if reversal["transfer"] != call.ids["id"]:
        raise Refusal(f"No such transfer reversal: '{call.ids['sub']}'", code="resource_missing", status=404)
    return reversal
