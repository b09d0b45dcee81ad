"""To whom a transaction message goes: pure functions from what the station knows to a forward.

One owner answers each message and its single commit gates the reply. A start goes to the session whose id is the
digest of its natural key; meter values and a stop to the session of their number; a stop that belongs to no known
number to a desk of its own (actors/session/messages.ClaimStop). No guess ever ends a session (quirk 14). An event of a
2.x transaction goes to the session whose id follows from the station's own id of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.model.decision import Decision
from actors.model.ids import (
    evse_address,
    session_address,
    session_id_for_start,
    session_id_for_stray_stop,
    session_id_for_transaction,
)
from actors.model.token import TokenNotes, TokenVerdict
from actors.ports import MerchantCard, NumberedSession, TariffCard, TenantCard
from actors.session import messages as s
from actors.station import messages as m
from actors.station.decide import Station, decide_unattributed
from actors.station.state import StationState


class Routes:
    """Transaction number -> session, of this station, as far as known. Only a cache: sessions tell (RouteKnown), and
    what is missing is looked up. A number keeps its session for ever, open or not. Bounded: the oldest go first."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._known: dict[int, NumberedSession] = {}
        self._foreign: dict[int, None] = {}
        self._transactions: dict[str, int] = {}

    def get(self, number: int) -> NumberedSession | None:
        return self._known.get(number)

    def learn(self, route: NumberedSession) -> None:
        known = self._known
        known.pop(route.number, None)
        known[route.number] = route
        self._foreign.pop(route.number, None)
        if len(known) > self._bound:
            gone = known.pop(next(iter(known)))
            self._transactions.pop(gone.transaction_id, None)
        if route.transaction_id:
            self._transactions[route.transaction_id] = route.number

    def knows(self, transaction_id: str) -> bool:
        """Has the session of this transaction said that it exists?"""
        return transaction_id in self._transactions

    def learn_foreign(self, number: int) -> None:
        """Looked up, and no session of this station has it: numbers are never reused, so that stays true."""
        self._foreign[number] = None
        if len(self._foreign) > self._bound:
            del self._foreign[next(iter(self._foreign))]

    def needs_lookup(self, number: int) -> bool:
        return number > 0 and number not in self._known and number not in self._foreign


class PendingStart(msgspec.Struct, frozen=True, gc=False):
    """A remote start that the station accepted: it explains a start by its number in 2.x, else by token, EVSE and time
    (PROTOCOLS 5.1)."""

    token_ref: str
    evse: int | None
    until: datetime
    remote_start_id: int = 0

    def explains(self, token_ref: str, evse: int, now: datetime) -> bool:
        return self.token_ref == token_ref and self.evse in (None, 0, evse) and now <= self.until


def place(here: Station, state: StationState, tenant: TenantCard, evse: int, connector: int) -> s.Place:
    settings = tenant.settings
    return s.Place(
        tenant=here.tenant,
        station=here.id,
        evse=evse,
        connector=connector,
        time_zone=str(state.location.get("time_zone") or tenant.time_zone),
        country=tenant.country,
        currency=tenant.currency,
        location=state.location,
        country_code=str(settings.get("country_code", "")),
        party_id=str(settings.get("party_id", "")),
    )


def route_start(
    where: s.Place,
    state: StationState,
    start: m.TransactionStart,
    number: int,
    verdict: TokenVerdict,
    tariff: TariffCard | None,
    remote: bool,
    now: datetime,
    merchant: MerchantCard | None = None,
) -> Decision:
    flags = start.flags
    if not 1 <= start.evse <= state.evses:
        flags = (*flags, "unknown_evse")
    if remote:
        flags = (*flags, "remote_start")
    token = start.token
    session = session_id_for_start(where.station, start.evse, token.ref, start.meter_start_wh, start.at)
    message = s.Start(
        where, token, verdict, tariff, number, start.meter_start_wh, start.at, now, 0, start.reservation, flags, merchant
    )
    return Decision(forward=(session_address(where.tenant, session), message))


def route_event(
    where: s.Place,
    state: StationState,
    event: m.TransactionEvent,
    number: int,
    verdict: TokenVerdict | None,
    tariff: TariffCard | None,
    remote: bool,
    settings: Mapping[str, Any],
    notes: TokenNotes | None,
    now: datetime,
    merchant: MerchantCard | None = None,
) -> Decision:
    """`number`: 0 where the session is known to exist; `settings`: the tenant's; `notes`: of the event's token, whose priority
    goes before the tenant's."""
    flags: tuple[str, ...] = ("remote_start",) if remote else ()
    if event.evse is not None and not 1 <= event.evse <= state.evses:
        flags = (*flags, "unknown_evse")
    session = session_id_for_transaction(where.station, event.transaction_id)
    priority, patience = settings.get("charging_priority"), settings.get("transaction_gap_timeout")
    if notes is not None and notes.priority is not None:
        priority = notes.priority
    message = s.Event(
        where, event, verdict, tariff, number, now, flags,
        priority if type(priority) is int and -9 <= priority <= 9 else None, 0,
        patience if type(patience) is int and patience > 0 else None, notes, merchant,
    )  # fmt: skip
    return Decision(forward=(session_address(where.tenant, session), message))


def route_meter(
    here: Station, state: StationState, meter: m.TransactionMeter, route: NumberedSession | None, now: datetime
) -> Decision:
    if route is not None:
        message = s.Meter(meter.readings, meter.content, now, meter.flags)
        return Decision(forward=(session_address(here.tenant, route.session), message))
    if 1 <= meter.evse <= state.evses:
        if meter.number is not None:
            meter = msgspec.structs.replace(meter, flags=(*meter.flags, "unknown_number"))
        return Decision(forward=(evse_address(here.tenant, here.id, meter.evse), meter))
    return decide_unattributed(state, meter, now)


def route_stop(
    where: s.Place,
    stop: m.TransactionStop,
    route: NumberedSession | None,
    ahead: tuple[str, ...],
    verdict: TokenVerdict | None,
    now: datetime,
    limits: DomainLimits,
) -> Decision:
    """By its number; without a usable one by asking the open sessions (`ahead`); else to a desk of its own, where an
    operator finds it."""
    message = s.Stop(
        stop.meter_stop_wh, stop.at, now, stop.reason, stop.token, verdict, stop.readings, stop.flags
    )  # fmt: skip
    if route is not None:
        return Decision(forward=(session_address(where.tenant, route.session), message))
    ref = stop.token.ref if stop.token is not None else None
    desk = session_id_for_stray_stop(where.station, stop.number, stop.at, stop.meter_stop_wh, ref)
    stray = s.StrayStop(where, stop.number, message)
    if stop.number > 0:
        return Decision(forward=(session_address(where.tenant, desk), stray))
    claim = s.ClaimStop(stray, desk, ahead if len(ahead) <= limits.claimants else ())
    return Decision(forward=(session_address(where.tenant, desk), claim))
