"""The part of a merchant's state that is about money: what it is owed, what is on its way, its payouts and its balance.

Everything is bounded: what is forgotten (an old transfer, an old payout) is only remembered so that it need not be looked up.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.merchant import facts as f
from actors.model.money import chargeable
from actors.model.platforms import INSTALLATION

REFS = 100
"""What a transfer is for is listed up to so many; beyond it only the sum counts."""
TRANSFERS = 200
PAYOUTS = 100
"""The last so many are remembered; their rows stay. `apply` takes no limits: what it forgets is the same in every replay."""

TRANSFER, REVERSAL = "transfer", "reversal"
ASKED, WAITING, DONE = "asked", "waiting", "done"


class Due(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the brand owes the merchant and has not sent; below zero: what is to come back. `refs` of it, as far as listed."""

    amount_minor: int = 0
    refs: tuple[tuple[str, int], ...] = ()
    since: datetime | None = None


class Move(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Money on its way. `transfer`: of a reversal, which one it takes back. `platform`: the platform account that sends it."""

    id: str
    kind: str
    role: str
    currency: str
    amount_minor: int
    refs: tuple[tuple[str, int], ...]
    begun_at: datetime
    attempt: int = 1
    state: str = ASKED
    transfer: str | None = None
    reason: str | None = None
    platform: str = INSTALLATION


class Sent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A transfer that was made; `left_minor` of it may still be taken back."""

    id: str
    transfer: str
    role: str
    currency: str
    left_minor: int
    refs: tuple[tuple[str, int], ...]
    amount_minor: int
    begun_at: datetime
    journals: tuple[str, ...] = ()
    platform: str = INSTALLATION


class Payout(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    status: str
    amount_minor: int
    currency: str
    begun_at: datetime
    arrival: datetime | None = None
    automatic: bool = True
    failure: str | None = None
    bank_reference: str | None = None
    asked: int = 0
    reconciled: bool = False
    lines: int = 0
    lines_minor: int | None = None
    journals: tuple[str, ...] = ()
    was_paid: bool = False
    platform: str = INSTALLATION


class Balance(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`asked`: the number of the question that is open, 0: none is. `upto`: all lines made before are known."""

    number: int = 0
    asked: int = 0
    since: datetime | None = None
    upto: datetime | None = None
    amounts: tuple[tuple[str, int, int], ...] = ()
    open: int = 0
    compared: tuple[tuple[str, int, int], ...] = ()
    compared_at: datetime | None = None


class MoneyState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    due: dict[str, Due] = {}
    """By role/currency."""
    moves: dict[str, Move] = {}
    moved: int = 0
    """How many there were: the next one's number."""
    sent: tuple[Sent, ...] = ()
    payouts: dict[str, Payout] = {}
    balance: Balance = Balance()


def due_key(role: str, currency: str) -> str:
    return f"{role}/{currency}"


def _changed(state: MoneyState, key: str, due: Due) -> MoneyState:
    others = {name: known for name, known in state.due.items() if name != key}
    return replace(state, due=others if due == Due() else {**others, key: due})


def _credited(state: MoneyState, fact: f.Credited) -> MoneyState:
    key = due_key(fact.role, fact.currency)
    due = state.due.get(key, Due())
    amount = due.amount_minor + fact.amount_minor
    if amount <= 0:
        return _changed(state, key, Due(amount, due.refs, due.since) if amount else Due())
    refs = (*due.refs, (fact.ref, fact.amount_minor))[-REFS:]
    return _changed(state, key, Due(amount, refs, due.since or fact.at))


def _debited(state: MoneyState, fact: f.Debited) -> MoneyState:
    key = due_key(fact.role, fact.currency)
    due = state.due.get(key, Due())
    amount = due.amount_minor - fact.amount_minor
    if amount == 0:
        return _changed(state, key, Due())
    refs = (*due.refs, (fact.session, -fact.amount_minor))[-REFS:]
    return _changed(state, key, Due(amount, refs, due.since or fact.at))


def _move_asked(state: MoneyState, fact: f.MoveAsked) -> MoneyState:
    known = state.moves.get(fact.id)
    if known is not None:
        again = replace(known, attempt=fact.attempt, state=ASKED, platform=fact.platform)
        return replace(state, moves={**state.moves, fact.id: again})
    move = Move(
        fact.id, fact.kind, fact.role, fact.currency, fact.amount_minor, fact.refs, fact.at, fact.attempt, ASKED, fact.transfer,
        platform=fact.platform,
    )  # fmt: skip
    key = due_key(fact.role, fact.currency)
    due = state.due.get(key, Due())
    amount = due.amount_minor + (fact.amount_minor if fact.kind == REVERSAL else -fact.amount_minor)
    more = chargeable(abs(amount), fact.currency) > 0  # a rest that cannot be moved waits for what it comes with
    taken = _changed(state, key, Due(amount, due.refs if more else (), due.since if more else None))
    sent = tuple(
        replace(one, left_minor=one.left_minor - fact.amount_minor)
        if fact.kind == REVERSAL and one.transfer == fact.transfer
        else one
        for one in taken.sent
    )
    return replace(taken, moves={**taken.moves, fact.id: move}, moved=taken.moved + 1, sent=sent)


def _move_done(state: MoneyState, fact: f.MoveDone) -> MoneyState:
    move = state.moves.get(fact.id)
    if move is None:
        return state
    moves = {id: known for id, known in state.moves.items() if id != fact.id}
    if move.kind == REVERSAL:
        return replace(state, moves=moves)
    made = Sent(
        move.id,
        fact.transfer,
        move.role,
        move.currency,
        move.amount_minor,
        move.refs,
        move.amount_minor,
        move.begun_at,
        fact.journals,
        move.platform,
    )
    return replace(state, moves=moves, sent=(*state.sent, made)[-TRANSFERS:])


def _move_refused(state: MoneyState, fact: f.MoveRefused) -> MoneyState:
    move = state.moves.get(fact.id)
    if move is None:
        return state
    return replace(state, moves={**state.moves, fact.id: replace(move, state=WAITING, reason=fact.code)})


def _payout_told(state: MoneyState, fact: f.PayoutTold) -> MoneyState:
    known = state.payouts.get(fact.payout)
    payout = Payout(
        fact.status, fact.amount_minor, fact.currency, known.begun_at if known is not None else fact.at, fact.arrival,
        fact.automatic, fact.failure, fact.bank_reference, platform=fact.platform,
    )  # fmt: skip
    if known is not None:
        payout = replace(
            payout, asked=known.asked, reconciled=known.reconciled, lines=known.lines, lines_minor=known.lines_minor,
            journals=known.journals, was_paid=known.was_paid,
        )  # fmt: skip
    new = tuple(id for id in fact.journals if id not in payout.journals)
    payout = replace(payout, journals=(*payout.journals, *new), was_paid=payout.was_paid or fact.status == "paid")
    payouts = {**state.payouts, fact.payout: payout}
    while len(payouts) > PAYOUTS:
        del payouts[min(payouts, key=lambda id: payouts[id].begun_at)]
    return replace(state, payouts=payouts)


def _payout(state: MoneyState, id: str, **changes: Any) -> MoneyState:
    known = state.payouts.get(id)
    return state if known is None else replace(state, payouts={**state.payouts, id: replace(known, **changes)})


def _lines_asked(state: MoneyState, fact: f.PayoutLinesAsked) -> MoneyState:
    return _payout(state, fact.payout, asked=fact.number)


def _reconciled(state: MoneyState, fact: f.PayoutReconciled) -> MoneyState:
    return _payout(state, fact.payout, reconciled=True, lines=fact.lines, lines_minor=fact.lines_minor)


def _balance_asked(state: MoneyState, fact: f.BalanceAsked) -> MoneyState:
    balance = state.balance
    return replace(state, balance=replace(balance, number=fact.number, asked=fact.number, since=fact.since))


def _balance_told(state: MoneyState, fact: f.BalanceTold) -> MoneyState:
    """Only a complete answer tells up to when all lines are known."""
    balance = replace(state.balance, asked=0, amounts=fact.amounts)
    return replace(state, balance=balance if fact.more is not None else replace(balance, upto=fact.upto, open=0))


def _judged(state: MoneyState, fact: f.LinesJudged) -> MoneyState:
    return replace(state, balance=replace(state.balance, open=state.balance.open + fact.open))


def _compared(state: MoneyState, fact: f.BalanceCompared) -> MoneyState:
    return replace(state, balance=replace(state.balance, compared=fact.sums, compared_at=fact.at))


def _unchanged(state: MoneyState, fact: Any) -> MoneyState:
    return state


APPLY: dict[type, Callable[[MoneyState, Any], MoneyState]] = {
    f.Credited: _credited,
    f.Debited: _debited,
    f.MoveAsked: _move_asked,
    f.MoveDone: _move_done,
    f.MoveRefused: _move_refused,
    f.PayoutTold: _payout_told,
    f.PayoutLinesAsked: _lines_asked,
    f.PayoutReconciled: _reconciled,
    f.BalanceAsked: _balance_asked,
    f.BalanceTold: _balance_told,
    f.LinesJudged: _judged,
    f.LineResolved: _unchanged,
    f.BalanceCompared: _compared,
    f.EvidenceAsked: _unchanged,
    f.PaymentsTold: _unchanged,
}
