"""What a session answers: pure functions of state, message and time.

A transaction message is always recorded and always answered; what is doubtful goes to quarantine, never to a bill
and never back to the station as a refusal (PROTOCOLS 2.5, quirks 14-22). Retries are recognised by their natural
keys and change nothing. `stop.py` ends, rates and books; `resolve.py` is the operator's way out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.evse.messages import SessionClosed, SessionOpened
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, Decision, Letter, Signal, Timer
from actors.model.ids import (
    evse_address,
    session_address,
    session_id_for_repeated_start,
    session_id_for_start,
    station_address,
)
from actors.model.meter import Reading
from actors.model.rows import NumberRow
from actors.model.token import TokenVerdict
from actors.model.usage import point_of
from actors.payment.messages import TellCost
from actors.session import facts as f
from actors.session import messages as m
from actors.session import payer
from actors.session.apply import apply
from actors.session.conclude import GAP
from actors.session.crediting import decide_credit
from actors.session.events import decide_event, decide_gap_over
from actors.session.letters import reservation_used
from actors.session.phases import allows
from actors.session.resolve import decide_resolve
from actors.session.rows import event, has_evse, session_row
from actors.session.running import running_cost
from actors.session.state import SessionState, charging_event, row_due
from actors.session.stop import decide_claim, decide_stop, decide_stray
from actors.session.wallet import trimmed
from actors.station.letters import OrderEnded
from actors.station.messages import Done, RouteKnown, StartReply, StopReply, TransactionReply
from actors.wallet.messages import HoldTold
from actors.wallet.sizing import without_hold

DONE = Decision(reply=Done())
OVERDUE = "overdue"
OPENING = frozenset({"start", "event"})
"""Kinds of unreadable messages that open a session of their own, with a number."""


def decide(session: str, state: SessionState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """Dispatch by the message's class; a message of no known class is a bug and raises KeyError. Whoever pays and has to hear of
    it, a card or a wallet, is told in the same turn."""
    decision = _DECIDE[type(message)](session, state, message, now, limits)
    if state.paying is None and not payer.comes_with(message):
        return decision
    return payer.completed(session, state, message, decision, now, limits)


def decide_start(session: str, state: SessionState, start: m.Start, now: datetime, limits: DomainLimits) -> Decision:
    """Record the start, whatever the token is worth (quirks 16, 17); a retry answers the first one's number."""
    if state.phase != "new":
        return _started_again(state, start, limits)
    place = start.place
    flags = start.flags if start.generation == 0 else (*start.flags, "repeated_after_stop")
    fact = f.Started(
        place, start.token, start.verdict, start.tariff, start.number, start.meter_start_wh,
        start.at, start.received, start.generation, start.reservation, flags, trimmed(start.merchant),
    )  # fmt: skip
    after = apply(state, fact)
    return Decision(
        facts=(fact,),
        rows=(
            session_row(session, after, now),
            NumberRow(tenant=place.tenant, number=start.number, station=place.station, session=session),
            event(session, after, "session.started", now),
        ),
        letters=(
            *_opened(session, place, start),
            *_repeated(session, start, now, limits),
            *reservation_used(session, state, after),
        ),
        signals=(_route(session, after),),
        timers=(Timer(OVERDUE, now + limits.overdue_after, m.Overdue(now)),),
        reply=StartReply(start.number, start.verdict),
    )


def _opened(session: str, place: m.Place, start: m.Start) -> Sequence[Letter]:
    if not has_evse(place):
        return ()
    opened = SessionOpened(session, place.connector, start.at, start.token.ref)
    return (Letter(evse_address(place.tenant, place.station, place.evse), opened),)


def _started_again(state: SessionState, start: m.Start, limits: DomainLimits) -> Decision:
    """A retry while open, or after an unreadable message: the same number. After the stop it is suspect: a session
    of its own, which quarantines itself, made by the session of the next generation.

    A station without clock and register repeats the same key for ever, and each start is a charge. Those beyond the
    last generation get a session by their number. The last generation remembers the latest of them, by letter, and sends
    every further start there, so that a retry finds its own session as long as that has not stopped; only one that
    overtakes the letter, or comes after the stop, is a session more. Quarantined is each of them."""
    if state.stop is None or state.started_at is None:
        return Decision(reply=StartReply(state.number, state.verdict or start.verdict))
    generation = min(start.generation + 1, limits.start_generations)
    if generation < limits.start_generations:
        following = _keyed(start, generation)
    else:
        following = state.repeated or session_id_for_repeated_start(start.place.station, start.number)
    return Decision(forward=(session_address(start.place.tenant, following), _next_generation(start, generation)))


def _keyed(start: m.Start, generation: int) -> str:
    place = start.place
    return session_id_for_start(place.station, place.evse, start.token.ref, start.meter_start_wh, start.at, generation)


def _repeated(session: str, start: m.Start, now: datetime, limits: DomainLimits) -> Sequence[Letter]:
    if start.generation < limits.start_generations:
        return ()
    last = _keyed(start, limits.start_generations - 1)
    return (Letter(session_address(start.place.tenant, last), m.Repeated(session, now)),)


def _next_generation(start: m.Start, generation: int) -> m.Start:
    return replace(start, generation=generation, verdict=without_hold(start.verdict) or start.verdict)


def _route(session: str, state: SessionState) -> Signal:
    place = state.place
    assert place is not None
    return Signal(
        station_address(place.tenant, place.station),
        RouteKnown(state.number, session, place.evse, place.connector, state.transaction_id),
    )


def decide_meter(session: str, state: SessionState, meter: m.Meter, now: datetime, limits: DomainLimits) -> Decision:
    """Keep every reading. The same moment with the same content is a retry; another energy at the same moment is
    flagged. Other measurands at the same moment are not: many stations send them in messages of their own."""
    readings = meter.readings
    flags = meter.flags
    if readings:
        first = readings[0].at
        if state.newest is None or first <= state.newest:
            known = state.meter_keys
            if (first, meter.content) in known:
                return DONE
            if any(at == first for at, _ in known) and _contradicts(state, readings):
                flags = (*flags, "meter_contradicted")
    if state.stop is not None:
        flags = (*flags, "meter_after_stop")
    fact = f.Metered(readings, meter.content, meter.received, flags)
    if not row_due(state, meter.received):
        return Decision(facts=(fact,), reply=Done())
    after = apply(state, fact)
    if after.place is None:
        return Decision(facts=(fact,), reply=Done())
    return Decision(
        facts=(fact,),
        rows=(session_row(session, after, now), event(session, after, "session.updated", now)),
        reply=Done(),
    )


def _contradicts(state: SessionState, readings: Sequence[Reading]) -> bool:
    known = {point.at: point.energy_wh for point in state.curve if point.energy_wh is not None}
    told = [(point.at, point.energy_wh) for point in map(point_of, readings) if point.energy_wh is not None]
    return any(known.get(at, energy) != energy for at, energy in told)


def decide_charging(session: str, state: SessionState, message: m.ChargingState, now: datetime, limits: DomainLimits) -> Decision:
    """What the vehicle does, from connector statuses. Order is arbitrary (quirk 18): rating sorts them by time."""
    if not state.open or (message.at, message.state) in state.charging:
        return NOTHING
    fact = f.ChargingChanged(message.state, message.at, now)
    after = apply(state, fact)
    if after.phase == state.phase and not allows(state.phase, charging_event(message.state)):
        return Decision(facts=(fact,))
    return Decision(facts=(fact,), rows=(session_row(session, after, now), event(session, after, "session.updated", now)))


def decide_superseded(session: str, state: SessionState, message: m.Superseded, now: datetime, limits: DomainLimits) -> Decision:
    """Another session took the EVSE. This one stays open: its stop may still come from an offline queue (quirk 15)."""
    if not state.open or "superseded" in state.flags:
        return NOTHING
    return _flag(session, state, f.Flagged("superseded", now, message.by), now)


def decide_overdue(session: str, state: SessionState, message: m.Overdue, now: datetime, limits: DomainLimits) -> Decision:
    """Silent for long: flag it, never end it (quirk 15). The timer is the open session's obligation, so it is set
    again for as long as the session is open."""
    if not state.open:
        return NOTHING
    heard = state.heard_at or now
    due = heard + limits.overdue_after
    if due > now:
        return Decision(timers=(Timer(OVERDUE, due, m.Overdue(heard)),))
    timers = (Timer(OVERDUE, now + limits.overdue_after, m.Overdue(now)),)
    if OVERDUE in state.flags:
        return Decision(timers=timers)
    return _flag(session, state, f.Flagged(OVERDUE, now), now, timers)


def _flag(session: str, state: SessionState, fact: f.Flagged, now: datetime, timers: Sequence[Timer] = ()) -> Decision:
    after = apply(state, fact)
    rows = (session_row(session, after, now), event(session, after, "session.flagged", now))
    return Decision(facts=(fact,), rows=rows, timers=timers)


def decide_unreadable(
    session: str, state: SessionState, message: m.MarkUnreadable, now: datetime, limits: DomainLimits
) -> Decision:
    """A message of this session is a dead letter: nothing of it is billed before an operator has looked."""
    new = state.phase == "new"
    place = state.place or message.place
    if place is None or (state.place is not None and not allows(state.phase, "unreadable")):
        return Decision(reply=_neutral(state, message))  # settled: the dead letter itself is what is kept
    number = message.number if message.number is not None and message.number > 0 else None
    fact = f.Unread(
        message.dead_letter, message.kind, message.at,
        place if new else None, number if new else None, message.transaction_id if new else "",
    )  # fmt: skip
    after = apply(state, fact)
    rows: list[Any] = [session_row(session, after, now), event(session, after, "session.quarantined", now)]
    signals: Sequence[Signal] = ()
    if new and number is not None and message.kind in OPENING:
        rows.append(NumberRow(tenant=place.tenant, number=number, station=place.station, session=session))
        signals = (_route(session, after),)
    letters: Sequence[Letter] = ()
    timers: Sequence[Timer] = ()
    if state.open:
        timers = (Timer(OVERDUE, None),) if state.book is None else (Timer(OVERDUE, None), Timer(GAP, None))
        if has_evse(place):
            letters = (Letter(evse_address(place.tenant, place.station, place.evse), SessionClosed(session, now)),)
    return Decision(facts=(fact,), rows=rows, letters=letters, signals=signals, timers=timers, reply=_neutral(after, message))


def _neutral(state: SessionState, message: m.MarkUnreadable) -> StartReply | StopReply | TransactionReply | Done:
    """What the station hears about a message that we could not read: nothing that would make it repeat it or break off
    the charge. An operator decides what it is worth."""
    if message.kind == "start":
        return StartReply(state.number, state.verdict or TokenVerdict("Accepted"))
    if message.kind == "event":
        return TransactionReply(TokenVerdict("Accepted") if message.with_token else None)
    return StopReply(None) if message.kind == "stop" else Done()


def decide_claimed(session: str, state: SessionState, message: m.StopClaimed, now: datetime, limits: DomainLimits) -> Decision:
    """This address is the desk of a stop that ended another session."""
    if state.phase != "new":
        return NOTHING
    return Decision(facts=(f.StopMatched(message.session, message.at),))


def decide_repeated(session: str, state: SessionState, message: m.Repeated, now: datetime, limits: DomainLimits) -> Decision:
    return NOTHING if state.repeated == message.session else Decision(facts=(f.Repeated(message.session, message.at),))


def decide_look(session: str, state: SessionState, message: m.Look, now: datetime, limits: DomainLimits) -> Decision:
    return Decision(reply=None if state.place is None else session_row(session, state, now, running_cost(state, now)))


_Decider = Callable[[str, SessionState, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    m.Start: decide_start,
    m.Meter: decide_meter,
    m.Stop: decide_stop,
    m.StrayStop: decide_stray,
    m.ClaimStop: decide_claim,
    m.MarkUnreadable: decide_unreadable,
    m.Resolve: decide_resolve,
    m.Credit: decide_credit,
    m.Look: decide_look,
    m.Superseded: decide_superseded,
    m.ChargingState: decide_charging,
    m.Overdue: decide_overdue,
    m.StopClaimed: decide_claimed,
    m.Repeated: decide_repeated,
    m.Event: decide_event,
    m.GapOver: decide_gap_over,
    m.CheckCost: payer.decide_check,
    TellCost: payer.decide_tell_cost,
    OrderEnded: payer.decide_order_ended,
    HoldTold: payer.decide_hold_told,
}
