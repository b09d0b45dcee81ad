"""A session's state and how facts change it. Pure and total over facts that `decide` makes.

The state keeps what the next decision needs, not the history: a compact series of readings for rating
(`actors/model/usage.Point`), the natural keys of recent meter messages, the stop as it was told.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.token import IdToken, TokenVerdict
from actors.model.usage import Point, point_of
from actors.ports import TariffCard
from actors.session import book as b
from actors.session import facts as f
from actors.session.messages import Place
from actors.session.phases import OPEN, SETTLED, Phase, after, allows
from actors.session.series import FOLD, bounded, folded, in_full, read_at, signed_in, useful

LIMITS = DomainLimits()


class StopTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The stop that ended the session: what a retry must equal. The register is None where a 2.x station told none."""

    meter_stop_wh: int | None
    at: datetime
    reason: str
    token: IdToken | None = None
    verdict: TokenVerdict | None = None


class SessionState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """`flags` inform an operator; `anomalies` are why the session is (or was) quarantined.

    `meters` and `latest_meters` hold the natural keys (moment, content hash) of recent meter messages. `row_at` is when the
    read-model row was last written: it is coalesced between transitions.
    """

    phase: Phase = "new"
    place: Place | None = None
    number: int = 0
    transaction_id: str = ""
    token: IdToken | None = None
    verdict: TokenVerdict | None = None
    tariff: TariffCard | None = None
    meter_start_wh: int | None = None
    started_at: datetime | None = None
    generation: int = 0
    reservation: int | None = None
    series: tuple[Point, ...] = ()
    signed: tuple[Reading, ...] = ()
    """Readings with a signed record, for the CDR: the first and the last ones."""
    latest: tuple[Point, ...] = ()
    """Readings that are not yet in `series`: a tuple that grows by one is copied, and every element touched, each time."""
    meters: tuple[tuple[datetime, str], ...] = ()
    latest_meters: tuple[tuple[datetime, str], ...] = ()
    newest: datetime | None = None
    """The latest moment in `meters` and `latest_meters`: what is later than all is no retry. None: not known."""
    charging: tuple[tuple[datetime, str], ...] = ()
    heard_at: datetime | None = None
    row_at: datetime | None = None
    stop: StopTold | None = None
    contradictions: tuple[StopTold, ...] = ()
    """Stops that said something else, or came after an operator had closed the session: their retries change nothing."""
    ended_at: datetime | None = None
    energy_wh: int | None = None
    flags: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()
    cost: Cost | None = None
    cdr: str | None = None
    journal: str | None = None
    resolution: str | None = None
    matched: str | None = None
    repeated: str | None = None
    """The latest session with this start's key beyond its generations."""
    book: b.Book | None = None
    """The events of a 2.x transaction; None for a session of 1.6."""
    billed_from: datetime | None = None

    @property
    def curve(self) -> tuple[Point, ...]:
        """All readings."""
        return (*self.series, *self.latest) if self.latest else self.series

    @property
    def meter_keys(self) -> tuple[tuple[datetime, str], ...]:
        return (*self.meters, *self.latest_meters)

    @property
    def open(self) -> bool:
        return self.phase in OPEN

    @property
    def remarks(self) -> tuple[str, ...]:
        """Anomalies and flags for people: what is both is said once."""
        return (*self.anomalies, *(flag for flag in self.flags if flag not in self.anomalies))


def add_flags(have: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Each flag once, in order of appearance, bounded."""
    fresh = tuple(flag for flag in dict.fromkeys(more) if flag not in have)
    return (have + fresh)[: LIMITS.flags] if fresh else have


def row_due(state: SessionState, now: datetime) -> bool:
    """Is a coalesced row to be written now? Between transitions at most one in `row_every`."""
    return state.row_at is None or now - state.row_at >= LIMITS.row_every


def _event_told(state: SessionState, fact: f.EventTold) -> SessionState:
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
        tariff=fact.tariff if fact.kind == "Started" or state.tariff is None else state.tariff,
        started_at=b.started_at(book),
        reservation=state.reservation if fact.reservation is None else fact.reservation,
        flags=add_flags(state.flags, fact.flags) if fact.flags else state.flags,
        heard_at=fact.received,
        row_at=fact.received if worth_showing(state, fact) else state.row_at,
        book=book,
    )


def worth_showing(state: SessionState, fact: f.EventTold | f.EventMetered) -> bool:
    """Is the row to be written for this? Chatty stations say the same in every event."""
    if isinstance(fact, f.EventMetered):
        return row_due(state, fact.received)
    if fact.kind != "Updated" or fact.place is not None or fact.token is not None or row_due(state, fact.received):
        return True
    moves = state.book.moves if state.book is not None else ()
    return fact.charging_state is not None and (not moves or moves[-1].state != fact.charging_state)


def _event_metered(state: SessionState, fact: f.EventMetered) -> SessionState:
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
        book=replace(book, priced_at=fact.received) if cost_due(book, fact.received) else book,
    )


def expects_events(state: SessionState) -> bool:
    """Do further events of a 2.x transaction count?"""
    return state.stop is None and state.phase not in SETTLED and state.resolution is None


def cost_due(book: b.Book, now: datetime) -> bool:
    """Is the running cost to be told now?"""
    return book.priced_at is None or now - book.priced_at >= LIMITS.cost_every


def _charged_phase(phase: Phase, book: b.Book) -> Phase:
    """By what the vehicle did last. Before it first asks for energy a session is started, neither charging nor suspended."""
    if not book.moves or phase not in OPEN or (phase == "started" and b.never_charged(book)):
        return phase
    event = charging_event(book.moves[-1].state)
    return after(phase, event) if allows(phase, event) else phase


def _event_contradicted(state: SessionState, fact: f.EventContradicted) -> SessionState:
    book = state.book or b.EMPTY
    contested = (*book.contested, (fact.seq, fact.content))[-LIMITS.contradictions :]
    flags = add_flags(state.flags, ("event_contradicted",))
    return replace(state, book=replace(book, contested=contested), flags=flags, heard_at=fact.received, row_at=fact.received)


def _concluded(state: SessionState, fact: f.Concluded) -> SessionState:
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


def _started(state: SessionState, fact: f.Started) -> SessionState:
    phase = after(state.phase, "authorised") if fact.verdict.accepted else state.phase
    return replace(
        state,
        phase=after(phase, "started"),
        place=fact.place,
        number=fact.number,
        transaction_id=str(fact.number),
        token=fact.token,
        verdict=fact.verdict,
        tariff=fact.tariff,
        meter_start_wh=fact.meter_start_wh,
        started_at=fact.at,
        generation=fact.generation,
        reservation=fact.reservation,
        flags=add_flags(state.flags, fact.flags),
        heard_at=fact.received,
        row_at=fact.received,
    )


def _metered(state: SessionState, fact: f.Metered) -> SessionState:
    points, signed = [], []
    for reading in fact.readings:
        point = point_of(reading)
        if useful(point):
            points.append(point)
        for sample in reading.samples:
            if sample.signed:
                signed.append(reading)
                break
    series, latest = state.series, state.latest
    if points and state.phase not in SETTLED:
        series, latest = folded(series, latest, points)
    meters, latest_meters, newest = state.meters, state.latest_meters, state.newest
    if fact.readings:
        first = fact.readings[0].at
        latest_meters = (*latest_meters, (first, fact.content))
        if len(latest_meters) >= FOLD:
            meters, latest_meters = (*meters, *latest_meters)[-LIMITS.recent_meters :], ()
        if newest is None:
            newest = max((at for at, _ in state.meters), default=first)
        newest = max(newest, first)
    energy, phase = state.energy_wh, state.phase
    if points and state.stop is None and state.resolution is None:
        energy = energy_so_far(state, points)
        if phase == "started" and energy is not None and energy > 0:
            phase = after(phase, "charging")
    return replace(
        state,
        phase=phase,
        series=series,
        latest=latest,
        signed=bounded((*state.signed, *signed)) if signed else state.signed,
        meters=meters,
        latest_meters=latest_meters,
        newest=newest,
        energy_wh=energy,
        flags=add_flags(state.flags, fact.flags) if fact.flags else state.flags,
        heard_at=fact.received,
        row_at=fact.received if row_due(state, fact.received) else state.row_at,
    )


def energy_so_far(state: SessionState, points: list[Point]) -> int | None:
    """Energy by the latest register, for showing only; a register below the start counts from zero (quirk 23)."""
    registers = [point.energy_wh for point in points if point.energy_wh is not None]
    if not registers or state.meter_start_wh is None:
        return state.energy_wh
    register = int(registers[-1])
    energy = register - state.meter_start_wh if register >= state.meter_start_wh else register
    return max(energy, state.energy_wh or 0)


def _charging_changed(state: SessionState, fact: f.ChargingChanged) -> SessionState:
    event = charging_event(fact.state)
    phase = after(state.phase, event) if allows(state.phase, event) else state.phase
    changes = (*state.charging, (fact.at, fact.state))[-LIMITS.charging_changes :]
    return replace(state, phase=phase, charging=changes, row_at=fact.received)


def charging_event(state: str) -> Any:
    """Charging is charging; every other state of the vehicle or station suspends."""
    return "charging" if state == "Charging" else "suspended"


def _ended(state: SessionState, fact: f.Ended) -> SessionState:
    return replace(
        state,
        phase=after(state.phase, "ended"),
        stop=StopTold(fact.meter_stop_wh, fact.at, fact.reason, fact.token, fact.verdict),
        ended_at=fact.at,
        energy_wh=fact.energy_wh,
        flags=add_flags(state.flags, fact.flags),
        heard_at=fact.received,
        row_at=fact.received,
    )


def _rated(state: SessionState, fact: f.Rated) -> SessionState:
    return replace(state, phase=after(state.phase, "rated"), cost=fact.cost, energy_wh=fact.energy_wh, row_at=fact.at)


def _booked(state: SessionState, fact: f.Booked) -> SessionState:
    """Settled: what only rating needed is let go (the tariff's version is named in the CDR and in Rated)."""
    phase = after(state.phase, "booked")
    return replace(
        state, phase=phase, cdr=fact.cdr, journal=fact.journal, tariff=None, series=(), latest=(), signed=(), charging=(),
        row_at=fact.at, book=None if state.book is None else b.settled(state.book),
    )  # fmt: skip


def _unpriced(state: SessionState, fact: f.Unpriced) -> SessionState:
    return replace(state, phase=after(state.phase, "unpriced"), row_at=fact.at)


def _quarantined(state: SessionState, fact: f.Quarantined) -> SessionState:
    phase = state.phase if state.phase == "quarantined" else after(state.phase, "quarantined")
    return replace(state, phase=phase, anomalies=add_flags(state.anomalies, fact.anomalies), row_at=fact.at)


def _flagged(state: SessionState, fact: f.Flagged) -> SessionState:
    return replace(state, flags=add_flags(state.flags, (fact.flag,)), row_at=fact.at)


def _stop_contradicted(state: SessionState, fact: f.StopContradicted) -> SessionState:
    told = StopTold(fact.meter_stop_wh, fact.at, fact.reason, fact.token)
    flags = add_flags(state.flags, ("stop_contradicted",))
    contradictions = (*state.contradictions, told)[-LIMITS.contradictions :]
    return replace(state, contradictions=contradictions, flags=flags, row_at=fact.received)


def _stray_stopped(state: SessionState, fact: f.StrayStopped) -> SessionState:
    return replace(
        state,
        phase=after(state.phase, "stray"),
        place=fact.place,
        transaction_id=str(fact.number),
        token=fact.token,
        stop=StopTold(fact.meter_stop_wh, fact.at, fact.reason, fact.token),
        ended_at=fact.at,
        anomalies=add_flags(state.anomalies, ("stray_stop",)),
        flags=add_flags(state.flags, fact.flags),
        heard_at=fact.received,
        row_at=fact.received,
    )


def _stop_matched(state: SessionState, fact: f.StopMatched) -> SessionState:
    return replace(state, phase=after(state.phase, "matched"), matched=fact.session, ended_at=fact.at)


def _repeated(state: SessionState, fact: f.Repeated) -> SessionState:
    return replace(state, repeated=fact.session)


def _unread(state: SessionState, fact: f.Unread) -> SessionState:
    phase = after(state.phase, "unreadable") if allows(state.phase, "unreadable") else state.phase
    number = fact.number if fact.number is not None and not state.number else state.number
    return replace(
        state,
        phase=phase,
        place=state.place or fact.place,
        number=number,
        transaction_id=state.transaction_id or fact.transaction_id or str(number),
        started_at=state.started_at or (fact.at if fact.kind == "start" else None),
        anomalies=add_flags(state.anomalies, ("unreadable",)),
        row_at=fact.at,
    )


def _resolved(state: SessionState, fact: f.Resolved) -> SessionState:
    return replace(
        state,
        resolution=fact.action,
        tariff=fact.tariff or state.tariff,
        energy_wh=state.energy_wh if fact.energy_wh is None else fact.energy_wh,
        started_at=fact.started_at or state.started_at,
        billed_from=state.billed_from if fact.started_at is None else None,
        ended_at=fact.ended_at or state.ended_at,
        row_at=fact.at,
    )


def _waived(state: SessionState, fact: f.Waived) -> SessionState:
    ended = state.ended_at or fact.at
    return replace(state, phase=after(state.phase, "waived"), ended_at=ended, series=(), latest=(), charging=(), row_at=fact.at)


_APPLY: dict[type, Callable[[SessionState, Any], SessionState]] = {
    f.Started: _started,
    f.Metered: _metered,
    f.ChargingChanged: _charging_changed,
    f.Ended: _ended,
    f.Rated: _rated,
    f.Booked: _booked,
    f.Unpriced: _unpriced,
    f.Quarantined: _quarantined,
    f.Flagged: _flagged,
    f.StopContradicted: _stop_contradicted,
    f.StrayStopped: _stray_stopped,
    f.StopMatched: _stop_matched,
    f.Repeated: _repeated,
    f.Unread: _unread,
    f.Resolved: _resolved,
    f.Waived: _waived,
    f.EventTold: _event_told,
    f.EventMetered: _event_metered,
    f.EventContradicted: _event_contradicted,
    f.Concluded: _concluded,
}


def apply(state: SessionState, fact: Any) -> SessionState:
    """The state after `fact`. Raises IllegalTransition for one that the table of phases does not allow."""
    return _APPLY[type(fact)](state, fact)
