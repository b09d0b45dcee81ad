"""How facts change a session's state. Pure and total over facts that `decide` makes."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors.model.usage import Point, point_of
from actors.session import book as b
from actors.session import facts as f
from actors.session import told
from actors.session.phases import SETTLED, after, allows
from actors.session.series import FOLD, bounded, folded, useful
from actors.session.state import LIMITS, Paying, SessionState, StopTold, add_flags, charging_event, row_due


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
        merchant=fact.merchant,
    )


def _metered(state: SessionState, fact: f.Metered) -> SessionState:
    """Values of a 2.x transaction come with its events. What comes beside them may be of another meter of the EVSE: kept, and
    not reckoned with."""
    points, signed = [], []
    for reading in fact.readings if state.book is None else ():
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
    return replace(
        state,
        phase=after(state.phase, "rated"),
        cost=fact.cost,
        energy_wh=fact.energy_wh,
        kinds=fact.kinds,
        fingerprint=fact.tariff or "" if fact.kinds else "",
        row_at=fact.at,
    )


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


def _credited(state: SessionState, fact: f.Credited) -> SessionState:
    return replace(state, credited=fact.cdr, row_at=fact.at)


def _payer_told(state: SessionState, fact: f.PayerTold) -> SessionState:
    if fact.what == "began":
        return replace(state, paying=Paying(fact.payment, fact.accepted, fact.funds, fact.n))
    assert state.paying is not None, "whoever hears of an outcome has heard of the beginning"
    funds = None if fact.what != "rated" else state.paying.funds  # a session that is not booked lets its hold go
    return replace(state, paying=replace(state.paying, n=fact.n, outcome=fact.what, funds=funds))


def _funded(state: SessionState, fact: f.Funded) -> SessionState:
    assert state.paying is not None, "only what somebody pays for is funded"
    return replace(state, paying=replace(state.paying, funds=fact.funds or state.paying.funds, broke=fact.reason))


def _stop_ordered(state: SessionState, fact: f.StopOrdered) -> SessionState:
    assert state.paying is not None, "only what somebody pays for is stopped"
    paying = replace(state.paying, order=fact.order, stops=state.paying.stops + 1, stopped="")
    return replace(state, paying=paying, flags=add_flags(state.flags, (fact.reason,)), row_at=fact.at)


def _stop_answered(state: SessionState, fact: f.StopAnswered) -> SessionState:
    if state.paying is None or state.paying.order != fact.order:
        return state
    return replace(state, paying=replace(state.paying, stopped=fact.status))


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
    f.Credited: _credited,
    f.EventTold: told.event_told,
    f.EventMetered: told.event_metered,
    f.EventContradicted: told.event_contradicted,
    f.Concluded: told.concluded,
    f.PayerTold: _payer_told,
    f.Funded: _funded,
    f.StopOrdered: _stop_ordered,
    f.StopAnswered: _stop_answered,
}


def apply(state: SessionState, fact: Any) -> SessionState:
    """The state after `fact`. Raises IllegalTransition for one that the table of phases does not allow."""
    return _APPLY[type(fact)](state, fact)
