"""All money of all accounts in one answer, for verifiers that compare it with other books: one effect each, to the cent."""

from collections import Counter

from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.refunds import refundable
from gateways.payments.sandbox.world import World


def report(world: World) -> Obj:
    """{"accounts": {id: {...}}, "consistent": whether every balance is the sum of its balance transactions}. Amounts are Stripe's
    minor units; `rest_minor` of an intent is what was held and never taken."""
    accounts: dict[str, Obj] = {}
    holders = [obj["id"] for obj in world.objects.values() if obj["object"] == "account"]
    for account in holders:
        accounts[account] = _of(world, account)
    return {"now": world.now(), "accounts": accounts, "consistent": all(one["consistent"] for one in accounts.values())}


def _of(world: World, account: str) -> Obj:
    sums: dict[str, Counter[str]] = {}
    nets: Counter[str] = Counter()
    for line in world.newest(account, "balance_transaction"):
        sums.setdefault(line["currency"], Counter())[line["type"]] += line["amount"]
        sums[line["currency"]]["fee"] += line["fee"]
        nets[line["currency"]] += line["net"]
    held = {currency: {"available": both[0], "pending": both[1]} for currency, both in world.balances[account].items()}
    return {
        "connected": world.objects[account]["_connected"], "balance": held, "by_type": {one: dict(sums[one]) for one in sums},
        "consistent": all(nets[one] == sum(both.values()) for one, both in held.items()),
        "intents": [_intent(world, one) for one in world.newest(account, "payment_intent")],
        "refunds": [
            {"id": one["id"], "charge": one["charge"], "amount": one["amount"], "status": one["status"],
             "metadata": one["metadata"]}
            for one in world.newest(account, "refund")
            if one["balance_transaction"] is not None
        ],
        "transfers": [
            {"id": one["id"], "to": one["destination"], "amount": one["amount"], "reversed": one["amount_reversed"],
             "currency": one["currency"], "metadata": one["metadata"], "group": one["transfer_group"]}
            for one in world.newest(account, "transfer")
        ],
        "disputes": [
            {"id": one["id"], "charge": one["charge"], "amount": one["amount"], "status": one["status"]}
            for one in world.newest(account, "dispute")
        ],
        "payouts": [
            {"id": one["id"], "amount": one["amount"], "currency": one["currency"], "status": one["status"],
             "automatic": one["automatic"]}
            for one in world.newest(account, "payout")
        ],
    }  # fmt: skip


def _intent(world: World, intent: Obj) -> Obj:
    charge = world.objects.get(intent["latest_charge"] or "")
    fee = world.objects.get(charge["application_fee"] or "") if charge is not None else None
    return {
        "id": intent["id"], "session": intent["_session"], "status": intent["status"], "amount": intent["amount"],
        "currency": intent["currency"], "held": intent["amount_capturable"], "captured": intent["amount_received"],
        "refunded": intent["amount_received"] - refundable(charge) if charge is not None and charge["captured"] else 0,
        "fee": fee["amount"] if fee is not None else 0, "fee_refunded": fee["amount_refunded"] if fee is not None else 0,
        "charge": intent["latest_charge"], "disputed": bool(charge is not None and charge["disputed"]),
        "metadata": intent["metadata"],
    }  # fmt: skip
