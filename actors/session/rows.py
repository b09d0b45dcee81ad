"""What a session shows to the outside: its read-model row and its lines in the event feed."""

from datetime import datetime
from typing import Any

from actors.model.money import Cost
from actors.model.rows import EventRow, SessionRow
from actors.session.book import Book, missing
from actors.session.messages import Place
from actors.session.phases import public_state
from actors.session.state import SessionState


def place_of(state: SessionState) -> Place:
    """Every session that shows itself has a place: it comes with its first fact."""
    assert state.place is not None, "a session without a first fact has no row"
    return state.place


def has_evse(place: Place) -> bool:
    """False where the station named no EVSE of its own (connector 0)."""
    return place.evse > 0


def session_row(session: str, state: SessionState, now: datetime, running: Cost | None = None) -> SessionRow:
    """`running`: what an open session costs so far, where somebody wants to know."""
    place = place_of(state)
    token = state.token
    return SessionRow(
        tenant=place.tenant,
        id=session,
        number=state.number,
        station=place.station,
        evse=place.evse,
        connector=place.connector,
        transaction_id=state.transaction_id,
        token_ref=token.ref if token is not None else None,
        token_masked=token.masked if token is not None else None,
        state=public_state(state.phase),
        phase=state.phase,
        started_at=state.started_at,
        ended_at=state.ended_at,
        energy_wh=state.energy_wh,
        stop_reason=state.stop.reason if state.stop is not None else None,
        cost=state.cost or running,
        unpriced=state.phase == "unpriced",
        cdr=state.cdr,
        anomalies=state.remarks,
        updated_at=now,
        transaction=None if state.book is None else transaction_view(state.book),
    )


def transaction_view(book: Book) -> dict[str, Any]:
    """What an operator sees of a 2.x transaction: what the vehicle does, and whether its events are complete. `missing`:
    their numbers, as inclusive ranges."""
    view: dict[str, Any] = {
        "charging_state": book.moves[-1].state if book.moves else None,
        "trigger": book.trigger,
        "last_seq": book.ranges[-1][1] if book.ranges else None,
        "started": book.started is not None,
        "ended": book.ended is not None,
        "missing": [list(gap) for gap in missing(book)],
        "offline": book.offline,
    }
    for name in ("remote_start_id", "time_spent_charging", "cable_max_current", "phases_used"):
        value = getattr(book, name)
        if value is not None:
            view[name] = value
    return view


def event(session: str, state: SessionState, kind: str, now: datetime, running: Cost | None = None) -> EventRow:
    place = place_of(state)
    body: dict[str, Any] = {
        "session": session,
        "number": state.number,
        "station": place.station,
        "evse": place.evse,
        "state": public_state(state.phase),
        "phase": state.phase,
        "energy_wh": state.energy_wh,
    }
    if state.cdr is not None and state.cost is not None:
        incl = state.cost.incl
        body["cdr"] = state.cdr
        body["cost"] = {"amount_minor": incl.amount_minor, "currency": incl.currency}
    elif running is not None:
        body["cost_so_far"] = {"amount_minor": running.incl.amount_minor, "currency": running.incl.currency}
    if state.anomalies or state.flags:
        body["anomalies"] = list(state.remarks)
    return EventRow(tenant=place.tenant, kind=kind, subject=session, at=now, body=body)
