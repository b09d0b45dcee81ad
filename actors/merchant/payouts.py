"""Payouts from an account with the provider to a bank: booked as they go forward, and their lines asked for (MONEY 1.5).

One that is paid may fail days later; then the money is in the balance again.
"""

from typing import Any

from actors.merchant import facts as f
from actors.merchant import messages as m
from actors.merchant.money_state import Payout
from actors.merchant.turn import Turn
from actors.model import posting, psp
from actors.model.rows import PayoutRow

_RANK = {"pending": 0, "in_transit": 1, "paid": 2, "failed": 3, "canceled": 3}


def told(turn: Turn, seen: psp.PayoutSeen, platform: str) -> None:
    """What the provider has now, on this platform account. Only forward: what we know better already changes nothing."""
    known = turn.state.money.payouts.get(seen.payout)
    if seen.status not in _RANK or (known is not None and _RANK[seen.status] < _RANK[known.status]):
        return
    if known is None or known.status != seen.status or _said(known) != _of(seen):
        ids = turn.book_all(*_journals(turn, known, seen))
        turn.put(
            f.PayoutTold(
                seen.payout, seen.status, seen.amount_minor, seen.currency, turn.now, seen.arrival, seen.automatic,
                seen.failure, seen.bank_reference, ids, platform,
            )
        )  # fmt: skip
        turn.rows.append(payout_row(turn, seen.payout))
        if known is None or known.status != seen.status:
            turn.tell(
                "payout", payout=seen.payout, status=seen.status, amount_minor=seen.amount_minor, currency=seen.currency,
                failure=seen.failure,
            )  # fmt: skip
    payout = turn.state.money.payouts[seen.payout]
    if seen.automatic and seen.status in ("paid", "failed") and not payout.reconciled and not payout.asked:
        ask_lines(turn, seen.payout)


def _said(payout: Payout) -> tuple[Any, ...]:
    return (payout.amount_minor, payout.arrival, payout.failure, payout.bank_reference)


def _of(seen: psp.PayoutSeen) -> tuple[Any, ...]:
    return (seen.amount_minor, seen.arrival, seen.failure, seen.bank_reference)


def _journals(turn: Turn, known: Payout | None, seen: psp.PayoutSeen) -> list[Any]:
    """Every step of its way is booked, also where we hear of several at once; each once, by its id."""
    what: dict[str, Any] = {
        "tenant": turn.tenant, "book": turn.book, "payout": seen.payout, "amount_minor": seen.amount_minor,
        "currency": seen.currency, "at": turn.now,
    }  # fmt: skip
    journals = [] if known is not None else [posting.payout_created(account=turn.account, **what)]
    if known is not None and known.status == seen.status:
        return journals
    if seen.status == "paid":
        journals.append(posting.payout_paid(**what))
    elif seen.status in ("failed", "canceled"):
        was_paid = known is not None and known.was_paid
        journals.append(posting.payout_failed(account=turn.account, was_paid=was_paid, **what))
    return journals


def ask_lines(turn: Turn, id: str) -> None:
    payout = turn.state.money.payouts[id]
    number = payout.asked + 1
    turn.put(f.PayoutLinesAsked(id, number, turn.now))
    key = f"payout:{turn.tenant}:{turn.id}:{id}:{number}"
    turn.ask(psp.FetchPayout(key=key, made_at=turn.now, account=turn.account, payout=id, lines=True), payout.platform)


def due(turn: Turn, message: m.PayoutDue) -> None:
    payout = turn.state.money.payouts.get(message.payout)
    if payout is not None and not payout.reconciled:
        ask_lines(turn, message.payout)


def lines_told(turn: Turn, seen: psp.PayoutSeen, platform: str) -> None:
    """The answer to `ask_lines`: complete, or to be asked for again. The lines themselves are judged by reconcile.py."""
    told(turn, seen, platform)
    payout = turn.state.money.payouts.get(seen.payout)
    if payout is None or payout.reconciled:
        return
    if not seen.reconciled:
        if payout.asked < turn.limits.payout_tries:
            turn.timer(f"payout/{seen.payout}", turn.now + turn.limits.payout_again, m.PayoutDue(seen.payout))
        return
    others = [line for line in seen.lines if not _is_itself(line, seen.payout)]
    total = sum(line.net_minor for line in others)
    turn.put(f.PayoutReconciled(seen.payout, len(others), total, turn.now))
    turn.rows.append(payout_row(turn, seen.payout))
    turn.timer(f"payout/{seen.payout}", None)
    if total != seen.amount_minor:
        turn.tell("payout_differs", payout=seen.payout, amount_minor=seen.amount_minor, lines_minor=total)


def _is_itself(line: psp.BalanceLine, payout: str) -> bool:
    return line.source == payout and line.kind.startswith("payout")


def payout_row(turn: Turn, id: str) -> PayoutRow:
    payout = turn.state.money.payouts[id]
    return PayoutRow(
        tenant=turn.tenant,
        id=id,
        merchant=turn.id,
        account=turn.holder,
        status=payout.status,
        currency=payout.currency,
        amount_minor=payout.amount_minor,
        created_at=payout.begun_at,
        updated_at=turn.now,
        arrival=payout.arrival,
        automatic=payout.automatic,
        reconciled=payout.reconciled,
        lines=payout.lines,
        lines_minor=payout.lines_minor,
        failure=payout.failure,
        bank_reference=payout.bank_reference,
        journals=list(payout.journals),
    )
