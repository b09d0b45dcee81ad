"""An account with the provider compared with our books, once a day and whenever a payout comes (MONEY 3.6, I9 to I11).

The movements since the last time are fetched, page by page, and each is judged (matching.py). What stays unexplained for a day,
or is of a kind that nobody here knows, is booked to 2400 suspense and told, so that the books say what the account says;
it leaves suspense when the books explain it after all, or when an operator says what it is. At the end both sums are compared.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from actors.merchant import facts as f
from actors.merchant import messages as m
from actors.merchant.matching import (
    ELSEWHERE,
    KNOWN,
    MATCHED,
    RESOLVED,
    UNEXPLAINED,
    UNMATCHED,
    Booked,
    Line,
    Subject,
    candidates,
    judge,
)
from actors.merchant.messages import BRAND
from actors.merchant.turn import Turn
from actors.model import posting, psp
from actors.model.decision import Refused
from actors.model.ledger import CHART
from actors.model.platforms import Platforms
from actors.model.rows import BalanceLineRow, BookRow

RECONCILE, EXAMINE = "reconcile", "examine"
Amounts = tuple[tuple[str, int, int], ...]


class Known(msgspec.Struct, frozen=True):
    """What the shell looked up for some lines: the rows there are of them, what they are about (by their ids), and what the
    journals did that may have booked them."""

    rows: Mapping[str, BalanceLineRow]
    subjects: Mapping[str, Subject]
    booked: Mapping[str, Booked]


def begin(turn: Turn, *, at_once: bool) -> None:
    """Ask for the movements since the last time; a question that is still open is enough. A brand that has had several platform
    accounts is asked for all of them, one after the other, since the books have them as one."""
    balance = turn.state.money.balance
    if at_once and not balance.asked:
        since = (balance.upto or datetime.fromtimestamp(0, turn.now.tzinfo)) - turn.limits.reconcile_back
        _ask(turn, max(since, datetime.fromtimestamp(0, turn.now.tzinfo)), None, turn.platform)
    turn.timer(RECONCILE, turn.now + turn.limits.reconcile_every, m.ReconcileDue())


def _ask(turn: Turn, since: datetime, after: str | None, platform: str) -> None:
    number = turn.state.money.balance.number + 1
    turn.put(f.BalanceAsked(number, since, turn.now, after))
    key = f"balance:{turn.tenant}:{turn.id}:{number}"
    turn.ask(psp.FetchBalance(key=key, made_at=turn.now, account=turn.account, since=since, after=after), platform)


def refused(turn: Turn, call: psp.FetchBalance) -> None:
    """The question is over; the next day asks again."""
    balance = turn.state.money.balance
    if int(call.key.rpartition(":")[2]) == balance.asked:
        turn.put(f.BalanceTold(balance.asked, balance.amounts, balance.upto or call.since, turn.now, more=""))


def page_told(turn: Turn, seen: psp.BalanceSeen, asked: psp.FetchBalance, known: Known) -> None:
    balance = turn.state.money.balance
    if int(asked.key.rpartition(":")[2]) != balance.asked:
        return
    upto = max([line.created for line in seen.lines], default=asked.made_at)
    amounts, following = seen.amounts, None
    if turn.id == BRAND and asked.platform in turn.homes:
        place = turn.homes.index(asked.platform)
        following = next(iter(turn.homes[place + 1 :]), None)
        if place:
            # The lines of the accounts before it are known up to when it was asked for, not up to its answer.
            upto = min(upto, asked.made_at)
            amounts = balance.amounts if seen.more is not None else _together(balance.amounts, seen.amounts)
    more = seen.more if seen.more is not None or following is None else ""
    turn.put(f.BalanceTold(balance.asked, amounts, max(upto, balance.upto or upto), turn.now, more))
    take(turn, seen.lines, known)
    if seen.more is not None:
        _ask(turn, asked.since, seen.more, asked.platform)
    elif following is not None:
        _ask(turn, asked.since, None, following)
    else:
        turn.timer(EXAMINE, turn.now, m.ExamineDue())


def _together(one: Amounts, other: Amounts) -> Amounts:
    """By currency, available and pending."""
    sums: dict[str, tuple[int, int]] = {}
    for currency, available, pending in (*one, *other):
        known = sums.get(currency, (0, 0))
        sums[currency] = known[0] + available, known[1] + pending
    return tuple((currency, *sums[currency]) for currency in sorted(sums))


def take(turn: Turn, lines: Sequence[psp.BalanceLine], known: Known, payout: str | None = None) -> None:
    """New movements, and known ones of which something is new (the payout that they belong to)."""
    rows = []
    for line in lines:
        row = known.rows.get(line.id)
        if row is None:
            row = _fresh(turn, line, payout)
        elif payout in (None, row.payout) and row.state in (MATCHED, RESOLVED, ELSEWHERE):
            continue
        rows.append(msgspec.structs.replace(row, payout=payout or row.payout))
    _judge_all(turn, rows, known)


def _fresh(turn: Turn, line: psp.BalanceLine, payout: str | None) -> BalanceLineRow:
    return BalanceLineRow(
        tenant=turn.tenant, account=turn.holder, id=line.id, merchant=turn.id, kind=line.kind, currency=line.currency,
        amount_minor=line.amount_minor, fee_minor=line.fee_minor, net_minor=line.net_minor, created=line.created,
        state=UNMATCHED, first_seen_at=turn.now, updated_at=turn.now, available_on=line.available_on, source=line.source,
        about=line.about, payout=payout,
    )  # fmt: skip


def line_of(row: BalanceLineRow | psp.BalanceLine) -> Line:
    return Line(row.id, row.kind, row.net_minor, row.currency, row.created, row.source, row.about)


def subject_of(line: Line, subjects: Mapping[str, Subject]) -> Subject:
    for id in (line.source, line.about):
        if id is not None and id in subjects:
            return subjects[id]
    return Subject()


def _judge_all(turn: Turn, rows: Sequence[BalanceLineRow], known: Known) -> None:
    """Journals that one of these lines takes are no other's in the same turn."""
    booked = dict(known.booked)
    open_: list[BalanceLineRow] = []
    journals: list[str] = []
    for row in sorted(rows, key=lambda row: (row.created, row.id)):
        after, ids = _judged(turn, row, known, booked)
        for id in after.journals:
            if id in booked:
                booked[id] = msgspec.structs.replace(booked[id], line=row.id)
        journals += ids
        turn.rows.append(after)
        if after.state in UNEXPLAINED:
            open_.append(after)
    if not rows:
        return
    turn.put(f.LinesJudged(len(rows), len(open_), turn.now, tuple(journals)))
    suspended = [row for row in open_ if row.suspense_minor and row.corrections[-1] in journals]
    if suspended:
        items = [
            {"line": row.id, "kind": row.kind, "state": row.state, "net_minor": row.net_minor}
            for row in suspended[: turn.limits.merchant_told]
        ]
        turn.tell("unmatched", account=turn.holder, count=len(suspended), items=items)


def _judged(
    turn: Turn, row: BalanceLineRow, known: Known, booked: Mapping[str, Booked]
) -> tuple[BalanceLineRow, tuple[str, ...]]:
    if row.state in (MATCHED, RESOLVED, ELSEWHERE):
        return _moved(turn, row)
    line = line_of(row)
    subject = subject_of(line, known.subjects)
    verdict = judge(line, candidates(turn.tenant, turn.book, line, subject), booked)
    if verdict.state == UNMATCHED and any(one.tenant != turn.tenant for one in (*subject.payments, *subject.transfers)):
        return msgspec.structs.replace(row, state=ELSEWHERE, updated_at=turn.now), ()
    after = msgspec.structs.replace(
        row, state=verdict.state, journals=list(verdict.journals), expected_minor=verdict.expected_minor,
        pending_minor=verdict.pending_minor, updated_at=turn.now,
    )  # fmt: skip
    after, ids = _suspense(turn, after)
    after, more = _moved(turn, after)
    return after, (*ids, *more)


def _suspense(turn: Turn, row: BalanceLineRow, *, now: bool = False) -> tuple[BalanceLineRow, tuple[str, ...]]:
    """So much of it should be in suspense; what is there more or less is moved, each time by a journal of its own. `now`: do not
    wait for the books to explain it."""
    old = turn.now - max(row.created, row.first_seen_at) >= turn.limits.unmatched_after
    unknown = row.kind not in KNOWN and row.state == UNMATCHED
    due = now or old or unknown or row.suspense_minor
    wanted = row.net_minor - (row.expected_minor or 0) if row.state != MATCHED and due else 0
    step = wanted - row.suspense_minor
    if not step:
        return row, ()
    pending = row.available_on is not None and row.available_on > turn.now
    ids = turn.book_all(
        posting.suspense_in(
            tenant=turn.tenant, book=turn.book, account=turn.account, item=_nth(row.id, len(row.corrections)), amount_minor=step,
            currency=row.currency, at=turn.now, pending=pending,
        )
    )  # fmt: skip
    after = msgspec.structs.replace(
        row, suspense_minor=wanted, corrections=[*row.corrections, *ids],
        suspense_pending_minor=row.suspense_pending_minor + (step if pending else 0),
    )  # fmt: skip
    return after, ids


def _moved(turn: Turn, row: BalanceLineRow) -> tuple[BalanceLineRow, tuple[str, ...]]:
    """Money that has become available is booked so, once it is settled what of it our books have as pending."""
    settled = row.state in (MATCHED, RESOLVED) or row.suspense_minor
    if not settled or row.available_on is None or row.available_on > turn.now:
        return row, ()
    step = row.pending_minor + row.suspense_pending_minor - row.moved_minor
    if not step:
        return row, ()
    ids = turn.book_all(
        posting.funds_available(
            tenant=turn.tenant, book=turn.book, account=turn.account, line=_nth(row.id, row.moved_minor), amount_minor=step,
            currency=row.currency, at=turn.now,
        )
    )  # fmt: skip
    return msgspec.structs.replace(row, moved_minor=row.moved_minor + step, updated_at=turn.now), ids


def _nth(id: str, n: int) -> str:
    return f"{id}#{n}" if n else id


def examine(turn: Turn, rows: Sequence[BalanceLineRow], known: Known, sums: Mapping[str, int] | None) -> None:
    """A slice of the lines that are not settled. `sums`: this was the last one, and our books have so much by currency."""
    _judge_all(turn, rows, known)
    if sums is None:
        turn.timer(EXAMINE, turn.now, m.ExamineDue(rows[-1].id))
        return
    amounts = {currency: available + pending for currency, available, pending in turn.state.money.balance.amounts}
    both = tuple((currency, amounts.get(currency, 0), sums.get(currency, 0)) for currency in sorted({*amounts, *sums}))
    # What this very turn has booked is not in `sums` yet; another look is due then.
    if any(row for row in turn.rows if type(row).__name__ == "JournalRow"):
        turn.timer(EXAMINE, turn.now, m.ExamineDue())
        return
    turn.put(f.BalanceCompared(both, turn.now))
    open_ = turn.state.money.balance.open
    for currency, theirs, ours in both:
        parts = next(((a, p) for c, a, p in turn.state.money.balance.amounts if c == currency), (0, 0))
        body = {
            "account": turn.holder, "merchant": turn.id, "currency": currency, "available_minor": parts[0],
            "pending_minor": parts[1], "booked_minor": ours, "difference_minor": theirs - ours, "at": turn.now,
        }  # fmt: skip
        key = f"{turn.holder}/{currency}"
        turn.rows.append(BookRow(tenant=turn.tenant, station="", book="psp_balance", key=key, body=body, updated_at=turn.now))
    differs = [currency for currency, theirs, ours in both if theirs != ours]
    turn.tell("reconciled", account=turn.holder, open=open_, differs=differs)


def resolve(turn: Turn, message: m.ResolveItem, row: BalanceLineRow | None) -> None:
    """An operator says what it is: out of suspense, into the account that is named."""
    wrong = _wrong(turn, message, row)
    if wrong is not None:
        turn.reply = wrong
        return
    assert row is not None, "_wrong looks"
    row, _ = _suspense(turn, row, now=True)
    ids = turn.book_all(
        posting.suspense_out(
            tenant=turn.tenant, book=turn.book, item=row.id, account=message.account, amount_minor=row.suspense_minor,
            currency=row.currency, at=turn.now,
        )
    )  # fmt: skip
    after = msgspec.structs.replace(
        row, state=RESOLVED, suspense_minor=0, corrections=[*row.corrections, *ids], resolved_to=message.account,
        reason=message.reason, updated_at=turn.now,
    )  # fmt: skip
    turn.rows.append(after)
    turn.put(f.LineResolved(row.id, message.account, message.reason, message.who, turn.now))
    turn.tell("resolved", line=row.id, to=message.account, who=message.who, reason=message.reason)


def _wrong(turn: Turn, message: m.ResolveItem, row: BalanceLineRow | None) -> Refused | None:
    if row is None:
        return Refused("unknown", "there is no such item on this merchant's account")
    if row.state not in UNEXPLAINED:
        return Refused("conflict", f"it is {row.state}")
    code, _, qualifier = message.account.partition("/")
    account = CHART.get(code)
    if account is None:
        return Refused("invalid", "no account of the chart (5000, say)", "account")
    if code in ("1100", "1110", "2400") or account.floor:
        return Refused("invalid", "an account that says what it was: not the provider's, not suspense, not a wallet's", "account")
    if account.qualifiers and len(qualifier.split("/")) != len(account.qualifiers):
        names = "/".join(f"<{name}>" for name in account.qualifiers)
        return Refused("invalid", f"say which: {code}/{names}", "account")
    if not account.qualifiers and qualifier:
        return Refused("invalid", f"{code} has no parts", "account")
    return None


def reconciles(tenant: str, id: str, platforms: Platforms, sole: str | None, account: str | None) -> bool:
    """Does this merchant have an account of its own to compare with? Of several tenants on the installation's platform account
    one is said to be its owner; `sole`: the tenant, where there is only one."""
    if id != BRAND:
        return account is not None and (platforms.installed or bool(platforms.keyed))
    if platforms.all_of(tenant):
        return any(platforms.with_key(one) for one in platforms.all_of(tenant))
    return platforms.installed and (platforms.owner or sole) == tenant
