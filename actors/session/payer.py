"""Sessions that a card or a wallet pays: whoever pays is told that it began and what became of it, and the station is told to
stop before it costs more than there is. Pure functions.

`decide.py` adds to the turn what `completed` finds, so a letter is in the very commit that it tells of. Sessions that are paid
by invoice never come here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.bill import Bill
from actors.model.decision import MONEY, NOTHING, AddressKey, Decision, Letter, Timer
from actors.model.ids import payment_address, session_address, station_address, wallet_address
from actors.model.intents import CommandResult, RequestStop
from actors.model.money import Cost
from actors.model.rows import EventRow, HoldRow, SessionRow
from actors.model.token import Funds, TokenVerdict
from actors.payment.messages import CostTold, SessionBegan, SessionEnded, TellCost
from actors.session import facts as f
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.invoicing import bill_in
from actors.session.rows import event, place_of, session_row
from actors.session.running import delivered, last_word, next_look, rated_so_far, running_cost, unmetered_cost
from actors.session.state import Paying, SessionState
from actors.session.wallet import finished
from actors.station.letters import Order, OrderEnded
from actors.wallet.messages import HoldTold
from actors.wallet.sizing import funds_of, size

CHECK = "cost"
"""Name of the timer that looks at the cost."""
OUTCOMES: dict[str, Any] = {"booked": "rated", "waived": "waived", "quarantined": "quarantined", "unpriced": "unpriced"}
"""Phase -> what whoever pays is told."""


def comes_with(message: Any) -> bool:
    """Does this bring a token that a card or a wallet pays for?"""
    if type(message) is not m.Start and type(message) is not m.Event:
        return False
    return message.verdict is not None and bool(message.verdict.paid_by)


def address_of(tenant: str, payment: str) -> AddressKey:
    kind, _, id = payment.partition(":")
    return payment_address(tenant, id) if kind == "attempt" else wallet_address(tenant, id)


def completed(
    session: str, state: SessionState, message: Any, decision: Decision, now: datetime, limits: DomainLimits
) -> Decision:
    """The same turn with what a payer has to hear, and with the order to stop where it is time."""
    after = _applied(state, decision.facts)
    if after.place is None or not (decision.facts or type(message) is m.CheckCost):
        return decision
    more, letters, timers, holds = _told(session, after, now, lambda: bill_in(session, state, decision.facts))
    after = _applied(after, more)
    running = running_cost(after, now)
    reason = _reason_to_stop(after, running, now, limits)
    if reason is not None:
        stop, letter = _stop(session, after, reason, now, limits)
        after = apply(after, stop)
        more.append(stop)
        letters.append(letter)
    if after.open and (type(message) is m.CheckCost or any(type(fact) is f.PayerTold for fact in more)):
        due = _next_look(after, running, now, limits)
        timers += [] if due is None else [Timer(CHECK, due, m.CheckCost())]
    return replace(
        decision,
        facts=(*decision.facts, *more),
        letters=(*decision.letters, *letters),
        timers=(*decision.timers, *timers),
        rows=[*_rows(session, after, decision.rows, running, now, flagged=reason is not None), *holds],
        lane=MONEY if holds else decision.lane,
    )


def _applied(state: SessionState, facts: Sequence[Any]) -> SessionState:
    for fact in facts:
        state = apply(state, fact)
    return state


# -- what whoever pays hears


def _told(
    session: str, after: SessionState, now: datetime, bill: Callable[[], Bill | None]
) -> tuple[list[Any], list[Letter], list[Timer], list[Any]]:
    """That it began, what became of it, or both at once (where it began and ended in one turn)."""
    facts: list[Any] = []
    letters: list[Letter] = []
    timers: list[Timer] = []
    rows: list[Any] = []
    known, verdict, tenant = after.paying, after.verdict, place_of(after).tenant
    payment, liable = (verdict.paid_by, verdict.liable) if verdict is not None else ("", False)
    if known is not None and known.payment != payment and known.outcome != "waived":
        funds = known.funds
        waived = SessionEnded(
            session, "waived", known.n + 1, 0, now, reason="another token pays for it", hold=funds.hold if funds else None
        )
        rows += _let_go(after, known, session, now)
        letters.append(Letter(address_of(tenant, known.payment), waived))
        facts.append(f.PayerTold(known.payment, "waived", known.n + 1, now))
    if payment and verdict is not None and (known is None or (known.payment, known.accepted) != (payment, liable)):
        n = known.n if known is not None else 0
        letters.append(Letter(address_of(tenant, payment), _began(session, after, verdict)))
        facts.append(f.PayerTold(payment, "began", n, now, liable, _funds(verdict)))
    after = _applied(after, facts)
    outcome, paying = OUTCOMES.get(after.phase), after.paying
    if payment and outcome is not None and paying is not None and paying.outcome != outcome:
        letters.append(Letter(address_of(tenant, payment), _ended(session, after, outcome, paying.n + 1, now, bill)))
        facts.append(f.PayerTold(payment, outcome, paying.n + 1, now, paying.accepted))
        if outcome != "rated":
            rows += _let_go(after, paying, session, now)
        timers.append(Timer(CHECK, None))
    return facts, letters, timers, rows


def _let_go(state: SessionState, paying: Paying, session: str, now: datetime) -> list[HoldRow]:
    """A wallet's hold that nothing is posted under."""
    hold = finished(place_of(state), paying.payment, paying.funds, session, now)
    return [] if hold is None else [hold]


def _funds(verdict: TokenVerdict) -> Funds | None:
    return verdict.funds if isinstance(verdict.funds, Funds) else None


def _began(session: str, after: SessionState, verdict: TokenVerdict) -> SessionBegan:
    place, funds = place_of(after), _funds(verdict)
    assert after.started_at is not None, "a token came with a start"
    return SessionBegan(
        session, place.station, place.evse, after.transaction_id, verdict.liable, after.started_at,
        after.token.ref if after.token is not None else "", funds.hold if funds is not None else None,
    )  # fmt: skip


def _ended(
    session: str, after: SessionState, outcome: Any, n: int, now: datetime, bill: Callable[[], Bill | None]
) -> SessionEnded:
    ended = SessionEnded(session, outcome, n, after.energy_wh or 0, after.ended_at or now)
    if outcome == "rated":
        known = {"cost": after.cost, "kinds": after.kinds, "cdr": after.cdr, "fingerprint": after.fingerprint}
        return replace(ended, **known, bill=bill())
    funds = after.paying.funds if after.paying is not None else None
    ended = replace(ended, hold=funds.hold if funds is not None else None)
    return replace(ended, reason=", ".join(after.anomalies)) if outcome == "quarantined" else ended


def decide_tell_cost(session: str, state: SessionState, asked: TellCost, now: datetime, limits: DomainLimits) -> Decision:
    """Only the attempt that pays hears a price."""
    if state.place is None:
        return NOTHING
    mine = state.paying is not None and state.paying.payment == f"attempt:{asked.attempt}"
    told = cost_told(session, state, now) if mine else CostTold(session, 0, now)
    return Decision(letters=(Letter(payment_address(state.place.tenant, asked.attempt), told),))


def cost_told(session: str, state: SessionState, now: datetime) -> CostTold:
    """By what is durable: neither what may have flowed since the last word of the station nor the time since."""
    if state.phase == "booked":
        return CostTold(session, state.energy_wh or 0, now, state.cost, state.kinds, state.fingerprint)
    if not state.open or not state.curve:
        return CostTold(session, 0, now)
    rated = rated_so_far(state, last_word(state))
    if rated is None:
        return CostTold(session, delivered(state), now)
    return CostTold(session, delivered(state), now, rated.cost, rated.kinds, rated.fingerprint)


# -- what stops it


def _reason_to_stop(state: SessionState, running: Cost | None, now: datetime, limits: DomainLimits) -> str | None:
    paying = state.paying
    if paying is None or not state.open or not _may_order(paying, limits):
        return None
    if not paying.accepted:
        return "token_not_accepted"
    if paying.broke or (state.verdict is not None and state.verdict.status == "NoCredit"):
        return "no_credit"
    if paying.funds is None or running is None:
        return None
    limit = paying.funds.limit_minor
    if running.incl.amount_minor >= limit:
        return "cost_limit"
    worst = unmetered_cost(state, now, limits)
    return "cost_limit" if worst is not None and worst.incl.amount_minor >= limit else None


def _may_order(paying: Paying, limits: DomainLimits) -> bool:
    """Once; again only when the station did not take it."""
    return not paying.order or (paying.stopped not in ("", "Accepted") and paying.stops < limits.stop_attempts)


def _next_look(state: SessionState, running: Cost | None, now: datetime, limits: DomainLimits) -> datetime | None:
    paying = state.paying
    if paying is None:
        return None
    if paying.order:  # did it end? If the station did not take the order, it gets another one
        return now + limits.stop_pause if paying.stops < limits.stop_attempts else None
    if paying.funds is None or not paying.accepted:
        return None
    return next_look(state, running, paying.funds.limit_minor, now, limits)


def _stop(session: str, state: SessionState, reason: str, now: datetime, limits: DomainLimits) -> tuple[f.StopOrdered, Letter]:
    """The order's id follows from the session, so that a turn that is taken again orders the same."""
    place, paying = place_of(state), state.paying
    assert paying is not None
    order = f"stop:{session}:{paying.stops}"
    by = session_address(place.tenant, session)
    told = Order(order, now + limits.stop_within, by, RequestStop(state.transaction_id))
    return f.StopOrdered(order, reason, now), Letter(station_address(place.tenant, place.station), told)


def decide_order_ended(session: str, state: SessionState, ended: OrderEnded, now: datetime, limits: DomainLimits) -> Decision:
    if state.paying is None or state.paying.order != ended.id or state.paying.stopped:
        return NOTHING
    outcome = ended.outcome
    status = outcome.status if isinstance(outcome, CommandResult) else outcome.reason
    return Decision(facts=(f.StopAnswered(ended.id, status, now),))


def decide_hold_told(session: str, state: SessionState, told: HoldTold, now: datetime, limits: DomainLimits) -> Decision:
    """Of a wallet, for a session that began without a hold. One that has ended lets it go by saying so."""
    paying = state.paying
    if paying is None or not state.open or (paying.funds is not None and paying.funds.hold is not None):
        return NOTHING
    if told.granted is None:
        return Decision(facts=(f.Funded(now, None, told.reason or "no_credit"),))
    sized = size(state.tariff, place_of(state).location, limits)
    funds = funds_of(told.granted, sized)
    if paying.funds is not None:
        funds = replace(funds, limit_minor=min(funds.limit_minor, paying.funds.limit_minor))
    return Decision(facts=(f.Funded(now, funds),))


def decide_check(session: str, state: SessionState, message: m.CheckCost, now: datetime, limits: DomainLimits) -> Decision:
    """The timer's turn: `completed` does the looking."""
    return NOTHING


def _rows(
    session: str, after: SessionState, rows: Sequence[Any], running: Cost | None, now: datetime, *, flagged: bool
) -> Sequence[Any]:
    """The rows of the turn as the session is at its end, with the cost so far."""
    fresh: list[Any] = []
    for row in rows:
        if type(row) is SessionRow:
            fresh.append(session_row(session, after, now, running))
        elif type(row) is EventRow and row.subject == session:
            fresh.append(event(session, after, row.kind, now, running))
        else:
            fresh.append(row)
    if flagged:
        fresh += [session_row(session, after, now, running), event(session, after, "session.flagged", now, running)]
    return fresh
