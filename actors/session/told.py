"""How the events of an OCPP 2.x transaction change a session's state: everything is derived again from all of them, so that
their order does not matter (`book.py`). Pure.
"""

from datetime import datetime

from msgspec.structs import replace

from actors.model.usage import point_of
from actors.ports import TariffCard
from actors.session import book as b
from actors.session import facts as f
from actors.session.phases import OPEN, Phase, after, allows
from actors.session.series import bounded, folded, in_full, read_at, signed_in, useful
from actors.session.state import LIMITS, SessionState, StopTold, add_flags, charging_event, expects_events, row_due


def event_told(state: SessionState, fact: f.EventTold) -> SessionState:
    """Until the session is concluded everything is derived again from all events; afterwards they are only kept."""
    book = state.book or b.EMPTY
    if not expects_events(state):
        flags = add_flags(state.flags, fact.flags)
        return replace(state, book=b.numbered(book, fact.seq, fact.content), flags=flags, heard_at=fact.received)
    phase = state.phase
    if phase == "new":
        if fact.verdict is not None and fact.verdict.accepted:
            phase = after(phase, "authorised")
        phase = after(phase, "started")
    book = b.told(book, fact)
    payer = b.payer(book)
    return replace(
        state,
        phase=_charged_phase(phase, book),
        place=fact.place or state.place,
        number=fact.number or state.number,
        transaction_id=fact.transaction_id or state.transaction_id,
        generation=fact.generation or state.generation,
        token=None if payer is None else payer.token,
        verdict=None if payer is None else payer.verdict,
        tariff=_tariff(state, fact, payer),
        started_at=b.started_at(book),
        reservation=state.reservation if fact.reservation is None else fact.reservation,
        flags=add_flags(state.flags, fact.flags) if fact.flags else state.flags,
        heard_at=fact.received,
        row_at=fact.received if worth_showing(state, fact) else state.row_at,
        book=book,
        merchant=fact.merchant or state.merchant,
    )


def _tariff(state: SessionState, fact: f.EventTold, payer: b.TokenTold | None) -> TariffCard | None:
    """A start brings its own, also none; but nothing takes away what the driver agreed to who pays by card."""
    if fact.tariff is not None or state.tariff is None:
        return fact.tariff
    bound = payer is not None and payer.verdict.payment.startswith("attempt:")
    return None if fact.kind == "Started" and not bound else state.tariff


def worth_showing(state: SessionState, fact: f.EventTold | f.EventMetered) -> bool:
    """Is the row to be written for this? Chatty stations say the same in every event."""
    if isinstance(fact, f.EventMetered):
        return row_due(state, fact.received)
    if fact.kind != "Updated" or fact.place is not None or fact.token is not None or row_due(state, fact.received):
        return True
    moves = state.book.moves if state.book is not None else ()
    return fact.charging_state is not None and (not moves or moves[-1].state != fact.charging_state)


def event_metered(state: SessionState, fact: f.EventMetered) -> SessionState:
    book = state.book or b.EMPTY
    flags = add_flags(state.flags, fact.flags) if fact.flags else state.flags
    if not expects_events(state):
        return replace(state, book=b.numbered(book, fact.seq, fact.content), flags=flags, heard_at=fact.received)
    points = [point_of(reading) for reading in fact.readings]
    book = b.metered(book, fact, points)
    series, latest = folded(state.series, state.latest, [point for point in points if useful(point)])
    signed = signed_in(fact.readings)
    metering = b.metering(book)
    energy, phase = state.energy_wh, state.phase
    if metering is not None and state.resolution is None:
        energy = max(0, metering.stop_wh - metering.start_wh)
        if energy and phase == "started" and not book.moves:
            phase = after(phase, "charging")
    return replace(
        state,
        phase=phase,
        started_at=b.started_at(book),
        series=series,
        latest=latest,
        signed=bounded(tuple(sorted((*state.signed, *signed), key=read_at))) if signed else state.signed,
        meter_start_wh=state.meter_start_wh if metering is None else metering.start_wh,
        energy_wh=energy,
        flags=flags,
        heard_at=fact.received,
        row_at=fact.received if row_due(state, fact.received) else state.row_at,
        book=replace(book, priced_at=fact.received, priced_seq=fact.seq) if _answered_with_cost(book, fact) else book,
    )


def _answered_with_cost(book: b.Book, fact: f.EventMetered) -> bool:
    """The answer to Started carries no cost, so the first update after it does."""
    return cost_due(book, fact.received) and (book.started is None or book.started[0] != fact.seq)


def cost_due(book: b.Book, now: datetime) -> bool:
    """Is the running cost to be told now?"""
    return book.priced_at is None or now - book.priced_at >= LIMITS.cost_every


def _charged_phase(phase: Phase, book: b.Book) -> Phase:
    """By what the vehicle did last. Before it first asks for energy a session is started, neither charging nor suspended."""
    if not book.moves or phase not in OPEN or (phase == "started" and b.never_charged(book)):
        return phase
    event = charging_event(book.moves[-1].state)
    return after(phase, event) if allows(phase, event) else phase


def event_contradicted(state: SessionState, fact: f.EventContradicted) -> SessionState:
    book = state.book or b.EMPTY
    contested = (*book.contested, (fact.seq, fact.content))[-LIMITS.contradictions :]
    flags = add_flags(state.flags, ("event_contradicted",))
    return replace(state, book=replace(book, contested=contested), flags=flags, heard_at=fact.received, row_at=fact.received)


def concluded(state: SessionState, fact: f.Concluded) -> SessionState:
    book = state.book or b.EMPTY
    series = state.curve
    if fact.summed:
        series = (*(replace(point, energy_wh=None) for point in series), *b.summed(book))
    return replace(
        state,
        phase=after(state.phase, "ended"),
        started_at=fact.started_at,
        ended_at=fact.at,
        billed_from=fact.billed_from,
        stop=StopTold(fact.meter_stop_wh, fact.at, fact.reason),
        meter_start_wh=fact.meter_start_wh,
        energy_wh=fact.energy_wh,
        series=tuple(sorted(series, key=in_full)),
        latest=(),
        charging=tuple((move.at, move.state) for move in book.moves),
        flags=add_flags(state.flags, fact.flags),
        row_at=fact.received,
    )
