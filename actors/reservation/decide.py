"""What the keeper of a station's reservations decides (OCPP 2.0.1 block H): pure functions of state, message and time.

A reservation begins when the station accepted it and ends once: used by a session, cancelled, expired, or let go by the
station. Whichever word comes first counts; later ones change nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.evse.messages import EvseReserved, EvseUnreserved
from actors.limits import DomainLimits
from actors.model.books import entry
from actors.model.decision import NOTHING, AddressKey, Decision, Letter, Timer
from actors.model.feed import event
from actors.model.ids import evse_address
from actors.model.intents import CancelReservation
from actors.model.rows import BookRow, Row
from actors.reservation import facts as f
from actors.reservation import messages as m
from actors.reservation.state import ReservationState
from actors.station.letters import IntentDone
from actors.station.messages import Done

BOOK = "reservation"
_HOW = {"Expired": "expired", "Removed": "removed"}


def decide(here: AddressKey, state: ReservationState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """`here`: the actor's address. A message of no known class is a bug and raises KeyError."""
    return _DECIDE[type(message)](here, state, message, now, limits)


def _timer(id: int) -> str:
    return f"due-{id}"


def _reserved(
    here: AddressKey, state: ReservationState, done: m.ReservationDone, now: datetime, limits: DomainLimits
) -> Decision:
    if done.status != "Accepted":
        return Decision(rows=(event(here, "station.reservation", now, id=done.id, status=done.status, evse=done.evse),))
    fact = f.Reserved(done.id, done.token, done.expires, done.at, done.evse, done.connector_type, done.group_ref)
    due = done.expires + limits.reservation_grace
    letters = [*_unreserved(here, state, done.id, done.evse), *_told(here, fact)]
    facts: list[Any] = [fact]
    rows: list[Row] = [
        _open_row(here, fact, now),
        event(here, "station.reservation", now, id=done.id, status="Accepted", evse=done.evse),
    ]
    timers = [Timer(_timer(done.id), due, m.ReservationDue(done.id, done.expires))]
    while len(state.open) - sum(isinstance(one, f.Ended) for one in facts) >= limits.reservations_open:
        gone = {one.id for one in facts if isinstance(one, f.Ended)}
        oldest = next(id for id in state.open if id not in gone and id != done.id)
        facts.insert(0, f.Ended(oldest, "removed", now))
        rows += _ended_rows(here, state, facts[0], now)
        timers.append(Timer(_timer(oldest), None))
        letters += _unreserved(here, state, oldest)
    return Decision(facts=facts, rows=rows, timers=timers, letters=letters)


def _told(here: AddressKey, fact: f.Reserved) -> Sequence[Letter]:
    """To the EVSE that a reservation names: nobody may pay for its place meanwhile."""
    if not fact.evse:
        return ()
    to = evse_address(here[0], here[2], fact.evse)
    return (Letter(to, EvseReserved(fact.id, fact.token.ref, fact.expires, fact.group_ref)),)


def _unreserved(here: AddressKey, state: ReservationState, id: int, evse: int | None = None) -> Sequence[Letter]:
    """To the EVSE that reservation `id` named until now, unless it goes on with `evse`."""
    known = state.open.get(id)
    if known is None or not known.evse or known.evse == evse:
        return ()
    return (Letter(evse_address(here[0], here[2], known.evse), EvseUnreserved(id)),)


def _intent_done(here: AddressKey, state: ReservationState, done: IntentDone, now: datetime, limits: DomainLimits) -> Decision:
    """A cancellation that the station rejects is of one that it does not have."""
    intent = done.intent
    if not isinstance(intent, CancelReservation) or done.result.status not in ("Accepted", "Rejected"):
        return NOTHING
    how = "cancelled" if done.result.status == "Accepted" else "removed"
    return _end(here, state, intent.id, how, done.at, now)


def _status(
    here: AddressKey, state: ReservationState, told: m.ReservationStatus, now: datetime, limits: DomainLimits
) -> Decision:
    ended = _end(here, state, told.id, _HOW.get(told.status, "removed"), now, now)
    return msgspec.structs.replace(ended, reply=Done())


def _used(here: AddressKey, state: ReservationState, used: m.ReservationUsed, now: datetime, limits: DomainLimits) -> Decision:
    return _end(here, state, used.id, "used", used.at, now, used.session)


def _due(here: AddressKey, state: ReservationState, due: m.ReservationDue, now: datetime, limits: DomainLimits) -> Decision:
    known = state.open.get(due.id)
    if known is None or known.expires != due.expires:
        return NOTHING
    return _end(here, state, due.id, "expired", due.expires, now)


def _end(
    here: AddressKey, state: ReservationState, id: int, how: str, at: datetime, now: datetime, session: str | None = None
) -> Decision:
    if id not in state.open:
        return NOTHING
    fact = f.Ended(id, how, at, session)
    return Decision(
        facts=(fact,),
        rows=_ended_rows(here, state, fact, now),
        timers=(Timer(_timer(id), None),),
        letters=_unreserved(here, state, id),
    )


def _open_row(here: AddressKey, told: f.Reserved, now: datetime) -> BookRow:
    body = {
        "id": told.id, "state": "reserved", "evse": told.evse, "connector_type": told.connector_type,
        "token": told.token.masked, "expires": told.expires, "reserved_at": told.at,
    }  # fmt: skip
    return entry(here, BOOK, told.id, body, now)


def _ended_rows(here: AddressKey, state: ReservationState, ended: f.Ended, now: datetime) -> Sequence[Row]:
    known = state.open[ended.id]
    body = {
        "id": ended.id, "state": ended.how, "evse": known.evse, "connector_type": known.connector_type,
        "token": known.token.masked, "expires": known.expires, "reserved_at": known.at, "ended_at": ended.at,
        "session": ended.session,
    }  # fmt: skip
    forgotten = [] if len(state.over) < _KEPT else [entry(here, BOOK, next(iter(state.over)), None, now)]
    return (
        *forgotten,
        entry(here, BOOK, ended.id, body, now),
        event(here, "station.reservation", now, id=ended.id, status=ended.how, evse=known.evse),
    )


_KEPT = DomainLimits().reservations_over


_Decider = Callable[[AddressKey, ReservationState, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    m.ReservationDone: _reserved,
    IntentDone: _intent_done,
    m.ReservationStatus: _status,
    m.ReservationUsed: _used,
    m.ReservationDue: _due,
}
