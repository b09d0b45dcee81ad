"""What an EVSE answers: pure functions of state, message and time.

Statuses arrive in any order (quirk 18): the station's own timestamp decides which is the newest. Sessions tell when
they open and close here; one that finds another still open supersedes it, without ending it (quirk 15). Who has paid for
the place is `claims.py`'s.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from actors.evse import claims
from actors.evse import facts as f
from actors.evse import messages as m
from actors.evse.rows import Here, evse_rows
from actors.evse.state import Connector, EvseState, apply, connector_of
from actors.evse.statuses import CHARGING_STATE
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, Decision, Letter
from actors.model.ids import session_address
from actors.model.rows import EventRow
from actors.payment.messages import ClaimEvse, ReleaseEvse
from actors.session.messages import ChargingState, Meter, Superseded
from actors.station.messages import Done, TransactionMeter

DONE = Decision(reply=Done())


def decide(here: Here, state: EvseState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """Dispatch by the message's class; a message of no known class is a bug and raises KeyError."""
    return _DECIDE[type(message)](here, state, message, now, limits)


def decide_status(here: Here, state: EvseState, told: m.ConnectorStatus, now: datetime, limits: DomainLimits) -> Decision:
    """Record the status; the newest is current: by the station's clock where it says clearly, else the last to come (a
    clock that was just set steps back a little). A charging state goes to the session."""
    at = told.at if told.at is not None and told.at <= now + limits.status_future else now
    known = connector_of(state, told.connector)
    if known is not None and known.at == at and _same(known, told):
        return DONE
    late = known is not None and at < known.at - limits.status_slack
    fact = f.StatusTold(
        told.connector, told.status, told.detail, at, now, told.error, told.info, told.vendor_id, told.vendor_error, late
    )
    if late:
        return Decision(facts=(fact,), reply=Done())
    after = apply(state, fact)
    body = {"evse": here.evse, "connector": told.connector, "status": told.status, "detail": told.detail, "error": told.error}
    event = EventRow(tenant=here.tenant, kind="evse.status", subject=here.station, at=now, body=body)
    return Decision(
        facts=(fact,),
        rows=(*evse_rows(here, after, now), event),
        letters=_charging_letters(here, state, told, known, at),
        reply=Done(),
    )


def _same(known: Connector, told: m.ConnectorStatus) -> bool:
    return (
        known.status == told.status
        and known.detail == told.detail
        and known.error == told.error
        and known.info == told.info
        and known.vendor_error == told.vendor_error
    )


def _charging_letters(
    here: Here, state: EvseState, told: m.ConnectorStatus, known: Connector | None, at: datetime
) -> Sequence[Letter]:
    charging = CHARGING_STATE.get(told.detail)
    if charging is None or state.session is None or told.connector != state.connector:
        return ()
    if known is not None and CHARGING_STATE.get(known.detail) == charging and _since_opened(state, known.at):
        return ()
    return (Letter(session_address(here.tenant, state.session), ChargingState(charging, at)),)


def _since_opened(state: EvseState, at: datetime) -> bool:
    return state.opened_at is not None and at >= state.opened_at


def decide_opened(here: Here, state: EvseState, opened: m.SessionOpened, now: datetime, limits: DomainLimits) -> Decision:
    """The newest session by its start occupies the EVSE; the older one is told that it was superseded."""
    if opened.session == state.session or opened.session in state.closed:
        return NOTHING
    letters: list[Letter] = []
    if state.session is not None and state.opened_at is not None:
        if opened.at < state.opened_at:  # an older one, late from an offline queue
            return Decision(letters=(Letter(session_address(here.tenant, opened.session), Superseded(state.session, now)),))
        letters.append(Letter(session_address(here.tenant, state.session), Superseded(opened.session, now)))
    fact = f.Occupied(opened.session, opened.connector, opened.at, opened.token_ref)
    claimed = claims.begun(here, state, opened.token_ref, now)
    after = apply(state, fact)
    for ended in claimed.facts:
        after = apply(after, ended)
    known = connector_of(state, opened.connector)
    charging = CHARGING_STATE.get(known.detail) if known is not None else None
    if charging is not None and known is not None and known.at >= opened.at:
        # The status overtook the start (live statuses arrive before a queued transaction).
        letters.append(Letter(session_address(here.tenant, opened.session), ChargingState(charging, known.at)))
    return Decision(
        facts=(fact, *claimed.facts),
        rows=evse_rows(here, after, now),
        letters=(*letters, *claimed.letters),
        timers=claimed.timers,
    )


def decide_closed(here: Here, state: EvseState, closed: m.SessionClosed, now: datetime, limits: DomainLimits) -> Decision:
    if closed.session in state.closed:
        return NOTHING
    fact = f.Released(closed.session, closed.at)
    if state.session != closed.session:
        return Decision(facts=(fact,))
    return Decision(facts=(fact,), rows=evse_rows(here, apply(state, fact), now))


def decide_provision(here: Here, state: EvseState, told: m.Provision, now: datetime, limits: DomainLimits) -> Decision:
    if state.code == told.code and state.present == told.present:
        return NOTHING
    fact = f.Provisioned(told.code, told.present, now)
    return Decision(facts=(fact,), rows=evse_rows(here, apply(state, fact), now))


def decide_meter(here: Here, state: EvseState, meter: TransactionMeter, now: datetime, limits: DomainLimits) -> Decision:
    """Meter values without a usable number: the open session's if their time fits, else kept here (quirk 22)."""
    readings = meter.readings
    if (
        state.session is not None
        and state.opened_at is not None
        and readings
        and meter.connector in (state.connector, 0)
        and readings[0].at >= state.opened_at
    ):
        message = Meter(readings, meter.content, now, (*meter.flags, "meter_without_number"))
        return Decision(forward=(session_address(here.tenant, state.session), message))
    if not readings or state.unattributed == (readings[0].at, meter.content):
        return DONE
    fact = f.Unattributed(meter.connector, meter.number, readings, meter.content, now, meter.flags)
    return Decision(facts=(fact,), reply=Done())


_Decider = Callable[[Here, EvseState, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    m.ConnectorStatus: decide_status,
    m.SessionOpened: decide_opened,
    m.SessionClosed: decide_closed,
    m.Provision: decide_provision,
    ClaimEvse: claims.decide_claim,
    ReleaseEvse: claims.decide_release,
    m.ClaimOver: claims.decide_over,
    m.SessionAuthorised: claims.decide_authorised,
    m.EvseReserved: claims.decide_reserved,
    m.EvseUnreserved: claims.decide_unreserved,
    TransactionMeter: decide_meter,
}
