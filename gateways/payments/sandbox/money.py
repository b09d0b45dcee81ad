"""Balances: every movement is a balance transaction, and a balance is nothing but their sum."""

from collections.abc import Iterable

from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.world import World

EEA = frozenset(
    ("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL",
     "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO")
)  # fmt: skip


def fee_of(world: World, amount: int, country: str) -> int:
    """Stripe's own fee of a charge."""
    basis = world.config.fee_bp if country in EEA else world.config.foreign_fee_bp
    return (amount * basis + 5_000) // 10_000 + world.config.fee_fixed


def book(
    world: World, account: str, kind: str, amount: int, currency: str, source: str, *, category: str,
    fees: Iterable[tuple[str, int, str | None]] = (), wait: int = 0, description: str | None = None,
) -> Obj:  # fmt: skip
    """A balance transaction. `fees`: (kind, amount, application) each. `wait`: seconds until it is available."""
    details = [
        {"amount": fee, "application": application, "currency": currency, "description": _LABELS[name], "type": name}
        for name, fee, application in fees
        if fee
    ]
    total = sum(one["amount"] for one in details)  # type: ignore[misc]
    now = world.now()
    line: Obj = {
        "id": world.new_id("txn"), "object": "balance_transaction", "amount": amount, "available_on": now + wait,
        "balance_type": "payments", "created": now, "currency": currency, "description": description, "exchange_rate": None,
        "fee": total, "fee_details": details, "net": amount - total, "reporting_category": category, "source": source,
        "status": "pending" if wait else "available", "type": kind, "_payout": None,
    }  # fmt: skip
    world.add(account, line)
    count(world, line)
    if wait:
        world.later(now + wait, "available", line["id"])
    return line


_LABELS = {"stripe_fee": "Stripe processing fees", "application_fee": "Application fee"}


def count(world: World, line: Obj) -> None:
    """Take a line into its account's balance (also when the state is read back)."""
    both = world.balances[line["_account"]].setdefault(line["currency"], [0, 0])
    both[0 if line["status"] == "available" else 1] += line["net"]


def mature(world: World, line: Obj) -> None:
    """The clock: pending money becomes available."""
    if line["status"] == "pending":
        both = world.balances[line["_account"]][line["currency"]]
        both[1] -= line["net"]
        both[0] += line["net"]
        line["status"] = "available"
        world.save(line)


def available(world: World, account: str, currency: str) -> int:
    return world.balances[account].get(currency, [0, 0])[0]


def balance(world: World, account: str) -> Obj:
    held = world.balances[account] or {world.config.currency: [0, 0]}
    return {
        "object": "balance", "livemode": False,
        "available": [{"amount": both[0], "currency": one, "source_types": {"card": both[0]}} for one, both in held.items()],
        "pending": [{"amount": both[1], "currency": one, "source_types": {"card": both[1]}} for one, both in held.items()],
    }  # fmt: skip
