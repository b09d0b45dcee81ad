"""The provider's money against the API and the books, attempt by attempt, by nothing that the CSMS itself computed: what people
asked for was done once, at the provider and in the books, and nothing else was."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.process import TENANT

if TYPE_CHECKING:
    from tests.chaos.street import Street

Line = dict[str, Any]
Demand = Callable[[bool, str], None]
ENDED = ("settled", "released", "expired", "refunded", "refunded_partial")
NOT_BEGUN = ("quoted", "checkout_open")
TOLD = ("payments", "transfers", "ledger/journals", "cdrs")


@dataclass
class Asked:
    """What people were told would be done."""

    refunds: dict[str, list[int]] = field(default_factory=dict)
    """Amounts by payment."""
    sessions: list[str] = field(default_factory=list)
    """Of the wallet: each is a credit of the owner."""
    credits: dict[str, int] = field(default_factory=dict)
    """Given back of them."""


async def verify_money(
    street: "Street", asked: Asked, problems: list[str], counts: Counter[str], left_open: bool = False
) -> None:
    """`left_open`: pages on which nobody paid may be open still."""
    api = {what: await _all(street, what) for what in TOLD}
    money = await street.sandbox.driver.look("money")
    judge(api, money, street.sandbox.platform, asked, problems, counts, ENDED + NOT_BEGUN if left_open else ENDED)


async def _all(street: "Street", what: str) -> list[Line]:
    found: list[Line] = []
    more = ""
    while True:
        page = await street.api("GET", f"/tenants/{TENANT}/{what}?limit=1000{more}")
        found += page["items"]
        if page["next"] is None:
            return found
        more = f"&cursor={page['next']}"


def judge(
    api: dict[str, list[Line]],
    money: Line,
    platform: str,
    asked: Asked,
    problems: list[str],
    counts: Counter[str],
    ends: Sequence[str] = ENDED,
) -> None:
    """`api`: lists by path, `money`: the sandbox's report, `ends`: states in which a payment may be. What is wrong is added to
    `problems`."""

    def demand(holds: bool, problem: str) -> None:
        if not holds:
            problems.append(problem)

    demand(money["consistent"], "the provider's own balances do not add up")
    _payments(api, money["accounts"], asked, ends, demand, counts)
    _transfers(api["transfers"], money["accounts"], asked, demand, counts)
    _books(api["ledger/journals"], money["accounts"], platform, demand, counts)


def _payments(
    api: dict[str, list[Line]], accounts: Line, asked: Asked, ends: Sequence[str], demand: Demand, counts: Counter[str]
) -> None:
    intents: dict[str, list[Line]] = {}
    refunds: dict[str, list[Line]] = {}
    for account in accounts.values():
        for intent in account["intents"]:
            intents.setdefault(intent["metadata"]["attempt"], []).append(intent)
        for refund in account["refunds"]:
            refunds.setdefault(refund["charge"], []).append(refund)
    journals = {journal["id"]: journal for journal in api["ledger/journals"]}
    cost = {cdr["session"]: round(100 * float(cdr["total_cost"]["incl_vat"])) for cdr in api["cdrs"]}
    known = {payment["id"] for payment in api["payments"]}
    demand(set(intents) <= known, f"holds of no payment: {set(intents) - known}")
    demand(set(asked.refunds) <= known, f"payments that are lost: {set(asked.refunds) - known}")
    for payment in api["payments"]:
        id = payment["id"]
        held = [intent for intent in intents.get(id, []) if intent["charge"]]
        counts["payments"] += 1
        demand(payment["state"] in ends, f"{id} is {payment['state']}: {payment['reason']}")
        demand(len(held) <= 1, f"{id}: {len(held)} holds")
        demand(not any(intent["held"] for intent in held), f"{id}: something is held at the end")
        captured = sum(intent["captured"] for intent in held)
        demand(captured == payment["captured"]["amount_minor"], f"{id}: {captured} captured, the API says {payment['captured']}")
        if captured and payment["session"] is not None:
            due = min(cost.get(payment["session"], 0), payment["limit"]["amount_minor"])
            demand(captured == due, f"{id}: {captured} captured of a session that costs {due}")
        given = sorted(refund["amount"] for intent in held for refund in refunds.get(intent["charge"], []))
        _refunds(payment, given, sorted(asked.refunds.get(id, [])), demand)
        _booked(payment, held, journals, demand)
        counts["captures"] += captured > 0
        counts["releases"] += bool(held) and not captured
        counts["refunds"] += len(given)


def _refunds(payment: Line, given: list[int], ours: list[int], demand: Demand) -> None:
    id = payment["id"]
    listed = sorted(one["amount_minor"] for one in payment["refunds"])
    demand(given == ours, f"{id}: refunds of {given} at the provider, asked were {ours}")
    demand(listed == ours, f"{id}: refunds of {listed} in the API, asked were {ours}")
    states = {one["status"] for one in payment["refunds"]}
    demand(states <= {"succeeded"}, f"{id}: refunds are {states}")


def _booked(payment: Line, held: list[Line], journals: dict[str, Line], demand: Demand) -> None:
    """What its journals did to the balances with the provider is what came of its charge there, and each fact has one."""
    id, own = payment["id"], payment["journals"]
    demand(len(set(own)) == len(own) and set(own) <= set(journals), f"{id}: its journals {own} are not all there, once")
    booked: Counter[str] = Counter()
    for one in own:
        booked.update(_provider(journals[one]) if one in journals else {})
    captured = sum(intent["captured"] for intent in held)
    fee = sum(intent["fee"] - intent["fee_refunded"] for intent in held if captured)
    returned = sum(intent["refunded"] for intent in held)
    psp = payment["provider_fee"]["amount_minor"] if payment["provider_fee"] is not None else 0
    demand(fee == payment["fee"]["amount_minor"] - sum(one["fee_minor"] for one in payment["refunds"]), f"{id}: a fee of {fee}")
    wanted = Counter({payment["account"] or "brand": captured - fee - returned - psp})
    if payment["account"] is not None:
        wanted["brand"] = fee
    for account in wanted.keys() | booked.keys():
        told = f"{id}: {booked[account]} are booked on {account}, the provider moved {wanted[account]}"
        demand(booked[account] == wanted[account], told)


def _transfers(rows: list[Line], accounts: Line, asked: Asked, demand: Demand, counts: Counter[str]) -> None:
    made = {one["id"]: one for account in accounts.values() for one in account["transfers"]}
    sent = [row for row in rows if row["kind"] == "transfer"]
    back = [row for row in rows if row["kind"] == "reversal"]
    counts["transfers"], counts["reversals"] = len(made), len(back)
    waiting = [row["id"] for row in rows if row["state"] != "done"]
    demand(not waiting, f"transfers that were not made: {waiting}")
    told = sorted(row["transfer"] or "" for row in sent)
    demand(told == sorted(made), f"transfers {sorted(made)} at the provider, {told} in the API")
    sessions = Counter(ref for row in sent for ref, _ in row["refs"])
    demand(sessions == Counter(asked.sessions), f"sessions that were sent: {sessions}, ended: {asked.sessions}")
    for row in sent:
        one = made.get(row["transfer"], {"amount": 0, "reversed": 0})
        demand(one["amount"] == row["amount"]["amount_minor"], f"{row['id']}: {one['amount']} sent, not {row['amount']}")
        taken = sum(other["amount"]["amount_minor"] for other in back if other["transfer"] == row["transfer"])
        demand(one["reversed"] == taken, f"{row['id']}: {one['reversed']} taken back at the provider, {taken} in the API")
    credited = Counter(ref.rpartition("/")[2] for row in back for ref, _ in row["refs"])
    demand(len(back) == len(asked.credits) == len(credited), f"{len(back)} reversals of {len(asked.credits)} refunds: {credited}")


def _books(journals: list[Line], accounts: Line, platform: str, demand: Demand, counts: Counter[str]) -> None:
    ids = Counter(journal["id"] for journal in journals)
    counts["journals"] = len(ids)
    demand(all(count == 1 for count in ids.values()), f"a journal twice: {ids.most_common(1)}")
    booked: Counter[str] = Counter()
    for journal in journals:
        total = sum(_signed(entry) for entry in journal["entries"])
        demand(total == 0, f"journal {journal['id']} does not balance")
        booked.update(_provider(journal))
    for account, money in accounts.items():
        has = sum(sum(both.values()) for both in money["balance"].values())
        ours = booked["brand" if account == platform else account]
        demand(has == ours, f"{account}: the provider has {has}, the books say {ours}")


def _provider(journal: Line) -> Counter[str]:
    """What it does to balances with the provider: by account, `brand` for the brand's own."""
    found: Counter[str] = Counter()
    for entry in journal["entries"]:
        code, _, account = entry["account"].partition("/")
        if code in ("1100", "1110"):
            found[account] += _signed(entry)
    return found


def _signed(entry: Line) -> int:
    return int(entry["amount_minor"]) * (1 if entry["side"] == "debit" else -1)
