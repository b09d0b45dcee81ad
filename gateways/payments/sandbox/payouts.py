"""Payouts to a bank account: made by hand through the API, or by Stripe's schedule, which the control API plays. An automatic one
knows its balance transactions, and says so with `payout.reconciliation_completed`."""

from collections.abc import Iterator

from gateways.payments.sandbox import amounts
from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal, unplayed
from gateways.payments.sandbox.money import available, book
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World

ARRIVES_AFTER = 2 * 86400


def _new(world: World, account: str, amount: int, currency: str, *, automatic: bool, params: Obj) -> Obj:
    payout: Obj = {
        "id": world.new_id("po"), "object": "payout", "amount": amount, "application_fee": None, "application_fee_amount": None,
        "arrival_date": world.now() + ARRIVES_AFTER, "automatic": automatic, "balance_transaction": None,
        "created": world.now(), "currency": currency, "description": params.get("description") or "STRIPE PAYOUT",
        "destination": f"ba_{account[5:]}", "failure_balance_transaction": None, "failure_code": None, "failure_message": None,
        "livemode": False, "metadata": metadata(params.get("metadata")), "method": "standard", "original_payout": None,
        "payout_method": None, "reconciliation_status": "in_progress" if automatic else "not_applicable", "reversed_by": None,
        "source_type": "card", "statement_descriptor": params.get("statement_descriptor") or None, "status": "pending",
        "trace_id": {"status": "pending", "value": None}, "type": "bank_account",
    }  # fmt: skip
    world.add(account, payout)
    line = book(world, account, "payout", -amount, currency, payout["id"], category="payout")
    payout["balance_transaction"] = line["id"]
    if automatic:
        line["_payout"] = payout["id"]
    world.save(payout, line)
    world.later(payout["arrival_date"], "payout", payout["id"])
    world.emit(account, "payout.created", payout)
    return payout


def create(call: Call) -> Obj:
    world, params = call.world, call.params
    if params.get("method", "standard") != "standard":
        raise unplayed("method")
    currency = amounts.currency(params["currency"])
    amount = amounts.amount(params["amount"], currency)
    if currency == "huf" and amount % 100:
        raise Refusal("Payouts in HUF must be divisible by 100.", code="payouts_amount_invalid", param="amount")
    if not world.objects[call.account]["payouts_enabled"]:
        raise Refusal("Payouts are not enabled on this account.", code="payouts_not_allowed")
    if available(world, call.account, currency) < amount:
        raise Refusal("You have insufficient funds in your Stripe account for this payout.", code="balance_insufficient")
    return _new(world, call.account, amount, currency, automatic=False, params=params)


def sweep(world: World, account: str, currency: str | None = None) -> list[Obj]:
    """Stripe's schedule: everything available goes out, with the balance transactions it is made of. What was paid out by hand,
    or came back, is among them, so that their sum is the payout."""
    made: list[Obj] = []
    for one in sorted(world.balances[account]):
        amount = available(world, account, one)
        if currency in (None, one) and amount > 0:
            lines = [
                line
                for line in world.newest(account, "balance_transaction")
                if line["currency"] == one and line["status"] == "available" and line["_payout"] is None
            ]
            payout = _new(world, account, amount, one, automatic=True, params={})
            for line in lines:
                line["_payout"] = payout["id"]
            world.save(*lines)
            made.append(payout)
    return made


def arrive(world: World, payout: Obj) -> None:
    """The bank has it. `reconciliation_completed` follows for an automatic one."""
    if payout["status"] not in ("pending", "in_transit"):
        return
    account = payout["_account"]
    payout["status"] = "paid"
    payout["trace_id"] = {"status": "supported", "value": f"SANDBOX{payout['id'][-10:].upper()}"}
    world.save(payout)
    world.emit(account, "payout.paid", payout)
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
        world.emit(account, "payout.reconciliation_completed", payout)


def fail(world: World, payout: Obj, code: str = "account_closed") -> None:
    """The bank sends it back, perhaps after it was paid. The payout keeps its lines; the money is on the balance again."""
    if payout["status"] in ("failed", "canceled"):
        raise Refusal(f"Payout {payout['id']} is {payout['status']} already.")
    line = book(
        world, payout["_account"], "payout_failure", payout["amount"], payout["currency"], payout["id"],
        category="payout_reversal",
    )  # fmt: skip
    payout.update(
        status="failed", failure_code=code, failure_message="The bank account has been closed.",
        failure_balance_transaction=line["id"],
    )  # fmt: skip
    world.save(payout)
    world.emit(payout["_account"], "payout.failed", payout)


def cancel(call: Call) -> Obj:
    world = call.world
    payout = world.get(call.account, "payout", call.ids["id"], "payout")
    if payout["status"] != "pending" or payout["automatic"]:
        raise Refusal("Only a pending payout that was made by hand can be canceled.", code="payouts_not_allowed")
    line = book(
        world, call.account, "payout_cancel", payout["amount"], payout["currency"], payout["id"], category="payout_reversal"
    )
    payout.update(status="canceled", failure_balance_transaction=line["id"])
    world.save(payout)
    world.emit(call.account, "payout.canceled", payout)
    return payout


def list_lines(call: Call) -> Obj:
    """Balance transactions, also those of one automatic payout."""
    world, params = call.world, call.params
    rows = world.newest(call.account, "balance_transaction")
    if call.has("payout"):
        payout = world.get(call.account, "payout", params["payout"], "payout")
        if not payout["automatic"]:
            raise Refusal("Balance transaction history can only be filtered on automatic transfers, not manual.", param="payout")
        rows = (one for one in rows if one["_payout"] == payout["id"])
    for name in ("currency", "source", "type"):
        if call.has(name):
            rows = _equal(rows, name, params[name])
    return page(call, rows, call.path)


def _equal(rows: Iterator[Obj], name: str, value: str) -> Iterator[Obj]:
    return (one for one in rows if one[name] == value)
