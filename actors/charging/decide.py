"""What the keeper of a station's charging profiles decides: pure functions of state, message and time.

The book follows what the station confirmed: a profile is in it when its SetChargingProfile was accepted or a report
named it, and goes when a clear was answered or a complete report no longer has it. From the book comes the composite
schedule that the station's own is compared with, and the profile that a vehicle's needs are answered with.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from actors.charging import facts as f
from actors.charging import messages as m
from actors.charging.rows import COMPOSITES, NEEDS, changes, event
from actors.charging.state import ChargingState, apply
from actors.limits import DomainLimits
from actors.model.books import entry
from actors.model.composite import EXTERNAL, TX, Held, Period, Running, composite, limit_at
from actors.model.decision import NOTHING, AddressKey, Decision, Letter
from actors.model.ids import digest, station_address
from actors.model.intents import (
    AnyIntent,
    ChargingProfile,
    ChargingSchedule,
    ClearChargingProfile,
    CommandFailure,
    GetChargingProfiles,
    GetCompositeSchedule,
    RequestStart,
    SchedulePeriod,
    SetChargingProfile,
)
from actors.station.letters import IntentDone, Order, OrderEnded
from actors.station.messages import Done

DONE = Decision(reply=Done())
_TOLERANCE = Decimal("1.01")
"""A station rounds; what it allows beyond this is no rounding."""


class Beside(msgspec.Struct, frozen=True, gc=False):
    """A message with what the decision needs besides the state: the transactions open at the station."""

    message: Any
    running: tuple[Running, ...]


def decide(here: AddressKey, state: ChargingState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """`here`: the actor's address. A message of no known class is a bug and raises KeyError."""
    running: tuple[Running, ...] = ()
    if isinstance(message, Beside):
        message, running = message.message, message.running
    return _DECIDE[type(message)](here, state, message, running, now, limits)


def constraints(state: ChargingState) -> tuple[Held, ...]:
    """What is held, and what others limit, in one shape: an external limit counts from when it was told (K11, K12)."""
    others = []
    for n, told in enumerate(state.limits.values()):
        schedules = tuple(
            schedule if schedule.start_schedule is not None else msgspec.structs.replace(schedule, start_schedule=told.at)
            for schedule in told.schedules
        )
        profile = ChargingProfile(-1 - n, 0, EXTERNAL, "Absolute", schedules)
        others.append(Held(told.evse or 0, profile, told.at, told.source))
    return (*state.held.values(), *others)


def _told(here: AddressKey, before: ChargingState, facts: Sequence[Any], now: datetime, *rows: Any, **more: Any) -> Decision:
    after = before
    for fact in facts:
        after = apply(after, fact)
    return Decision(facts=facts, rows=(*changes(here, before, after, now), *rows), **more)


# -- what the station confirmed ------------------------------------------------------------------------------------------


def _intent_done(
    here: AddressKey, state: ChargingState, done: IntentDone, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    intent: AnyIntent | None = done.intent
    status = done.result.status
    if isinstance(intent, SetChargingProfile):
        if status != "Accepted":
            return NOTHING
        held = Held(intent.evse, intent.profile, done.at)
        shown = event(here, "station.profile", now, evse=intent.evse, profile=intent.profile.id, change="installed")
        return _told(here, state, (f.ProfileInstalled(held),), now, shown)
    if isinstance(intent, RequestStart) and intent.profile is not None and status == "Accepted":
        # Bound to the transaction that it starts, whose id nobody knows yet.
        return _told(here, state, (f.ProfileInstalled(Held(intent.evse or 0, intent.profile, done.at)),), now)
    if isinstance(intent, ClearChargingProfile):
        ids = _cleared(state, intent) if status in ("Accepted", "Unknown") else ()
        if not ids:
            return NOTHING
        shown = event(here, "station.profile", now, profiles=list(ids), change="cleared")
        return _told(here, state, (f.ProfilesGone(ids, done.at),), now, shown)
    if isinstance(intent, GetChargingProfiles):
        return _inventory(here, state, intent, done, now)
    if isinstance(intent, GetCompositeSchedule) and status == "Accepted":
        return _compare(here, state, intent, done, running, now)
    return NOTHING


def _cleared(state: ChargingState, intent: ClearChargingProfile) -> tuple[int, ...]:
    """By id alone, or by all other criteria together (K10); what others set cannot be cleared."""
    if intent.id is not None:
        return (intent.id,) if intent.id in state.held else ()
    return tuple(
        id
        for id, one in state.held.items()
        if one.profile.purpose != EXTERNAL
        and (intent.evse is None or one.evse == intent.evse)
        and (intent.purpose is None or one.profile.purpose == intent.purpose)
        and (intent.stack_level is None or one.profile.stack_level == intent.stack_level)
    )


def _inventory(here: AddressKey, state: ChargingState, intent: GetChargingProfiles, done: IntentDone, now: datetime) -> Decision:
    request_id = done.request_id or intent.request_id
    asked = f.InventoryAsked(request_id, done.at, intent.evse, intent.ids, intent.purpose, intent.stack_level, intent.sources)
    if done.result.status == "Accepted":
        return _told(here, state, (asked,), now)
    if done.result.status != "NoProfiles":
        return NOTHING
    nothing = f.PartTold(request_id, intent.evse or 0, "CSO", False, done.at)
    return _told(here, state, (asked, nothing), now)


def _compare(
    here: AddressKey,
    state: ChargingState,
    intent: GetCompositeSchedule,
    done: IntentDone,
    running: Sequence[Running],
    now: datetime,
) -> Decision:
    told = done.result.data.get("schedule") or {}
    periods = told.get("periods") or ()
    start = _moment(told.get("start")) or done.at
    unit = told.get("unit") or intent.charging_rate_unit or "A"
    theirs = tuple(
        Period(int(p.get("start_period") or 0), Decimal(str(p["limit"])), p.get("number_phases"))
        for p in periods
        if p.get("limit") is not None
    )
    held = constraints(state)
    ours = composite(held, running, intent.evse, start, intent.duration, unit)
    differs = False
    for period in theirs:
        limit, _ = limit_at(held, running, intent.evse, start + timedelta(seconds=period.start), start, unit)
        differs = differs or (limit is not None and period.limit is not None and period.limit > limit * _TOLERANCE)
    fact = f.Compared(intent.evse, unit, done.at, differs, ours, theirs)
    rows = [entry(here, COMPOSITES, intent.evse, fact, now)]
    if differs:
        rows.append(event(here, "station.schedule_differs", now, evse=intent.evse))  # type: ignore[arg-type]
    return Decision(facts=(fact,), rows=rows)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return msgspec.convert(value, datetime) if value else None
    except msgspec.ValidationError:
        return None


def _part(
    here: AddressKey, state: ChargingState, part: m.ProfilesPart, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    fact = f.PartTold(part.request_id, part.evse, part.source, part.more, now, part.profiles)
    if apply(state, fact) == state:
        return DONE
    return _told(here, state, (fact,), now, reply=Done())


# -- limits of others ----------------------------------------------------------------------------------------------------


def _limit(
    here: AddressKey, state: ChargingState, told: m.LimitNotified, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    fact = f.LimitTold(told.source, told.at, told.evse, told.grid_critical, told.schedules)
    shown = event(here, "station.limit", now, source=told.source, evse=told.evse, grid_critical=told.grid_critical)
    return _told(here, state, (fact,), now, shown, reply=Done())


def _limit_gone(
    here: AddressKey, state: ChargingState, told: m.LimitCleared, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    fact = f.LimitGone(told.source, told.at, told.evse)
    shown = event(here, "station.limit_cleared", now, source=told.source, evse=told.evse)
    return _told(here, state, (fact,), now, shown, reply=Done())


# -- what vehicles want (K15-K17) ----------------------------------------------------------------------------------------


def _needs(
    here: AddressKey,
    state: ChargingState,
    told: m.ChargingNeeds,
    running: Sequence[Running],
    now: datetime,
    limits: DomainLimits,
) -> Decision:
    """Answered at once; the profile follows well within the 60 s that ISO 15118 gives. Without an open transaction there is
    nothing to bind a TxProfile to: Rejected."""
    profile = tx_profile(state, running, told.evse, told.needs, told.max_schedule_tuples, now, limits)
    status = "Rejected" if profile is None else "Accepted"
    fact = f.NeedsTold(told.evse, told.needs, status, now, None if profile is None else profile.id)
    ordered, letters = _ordered(here, told.evse, profile, now, limits)
    rows = (entry(here, NEEDS, told.evse, fact, now), event(here, "station.charging_needs", now, evse=told.evse, status=status))
    return Decision(facts=(fact, *ordered), rows=rows, letters=letters, reply=m.NeedsReply(status))


def _ev_schedule(
    here: AddressKey,
    state: ChargingState,
    told: m.EvSchedule,
    running: Sequence[Running],
    now: datetime,
    limits: DomainLimits,
) -> Decision:
    """A vehicle must stay within what we allow; where it does not, a new profile renegotiates (K16.FR.04)."""
    held, unit = constraints(state), told.schedule.charging_rate_unit
    over = False
    for period in told.schedule.periods:
        at = told.time_base + timedelta(seconds=period.start_period)
        limit, _ = limit_at(held, running, told.evse, at, told.time_base, unit)
        over = over or (limit is not None and period.limit > limit * _TOLERANCE)
    needs = state.needs.get(told.evse)
    profile = tx_profile(state, running, told.evse, needs.needs if needs else {}, None, now, limits) if over else None
    status = "Rejected" if over else "Accepted"
    fact = f.EvScheduleTold(told.evse, told.time_base, told.schedule, status, now, profile.id if profile is not None else None)
    ordered, letters = _ordered(here, told.evse, profile, now, limits)
    shown = event(here, "station.ev_schedule", now, evse=told.evse, status=status)
    return Decision(facts=(fact, *ordered), rows=(shown,), letters=letters, reply=m.NeedsReply(status))


def tx_profile(
    state: ChargingState,
    running: Sequence[Running],
    evse: int,
    needs: dict[str, Any],
    tuples: int | None,
    now: datetime,
    limits: DomainLimits,
) -> ChargingProfile | None:
    """The TxProfile that gives a vehicle all it can take within the limits; None without a transaction to bind it to."""
    transaction = next((one for one in running if one.evse == evse), None)
    if transaction is None or not transaction.ids:
        return None
    unit, most = _vehicle(needs)
    departure = _moment(needs.get("departureTime"))
    left = (departure - now).total_seconds() if departure is not None else 0.0
    duration = int(left) if left > 0 else int(limits.profile_span.total_seconds())
    bounds = tuple(one for one in constraints(state) if one.profile.purpose != TX)
    allowed = composite(bounds, running, evse, now, duration, unit)
    periods = [SchedulePeriod(p.start, _least(p.limit, most), p.phases) for p in allowed]
    keep = max(1, min(tuples or limits.profile_periods, limits.profile_periods))
    if len(periods) > keep:  # too many for the vehicle: the last one is as careful as the strictest that it stands for
        last = periods[keep - 1]
        periods[keep - 1 :] = [msgspec.structs.replace(last, limit=min(p.limit for p in periods[keep - 1 :]))]
    schedule = ChargingSchedule(unit, tuple(periods), start_schedule=now.replace(microsecond=0), duration=duration)  # type: ignore[arg-type]
    level = max((one.profile.stack_level for one in state.held.values() if one.profile.purpose == TX), default=0)
    return ChargingProfile(state.next_profile, level, TX, "Absolute", (schedule,), transaction_id=transaction.ids[0])


def _vehicle(needs: dict[str, Any]) -> tuple[str, Decimal | None]:
    """(unit, what the vehicle takes at most) of ChargingNeedsType."""
    dc = needs.get("dcChargingParameters")
    if dc or needs.get("requestedEnergyTransfer") == "DC":
        dc = dc or {}
        power = dc.get("evMaxPower") or (dc.get("evMaxCurrent") or 0) * (dc.get("evMaxVoltage") or 0)
        return "W", Decimal(power) if power else None
    current = (needs.get("acChargingParameters") or {}).get("evMaxCurrent")
    return "A", Decimal(current) if current else None


_NO_LIMIT = Decimal(500)
"""A or kW: beyond every vehicle. A period needs a limit, also where nothing limits."""


def _least(limit: Decimal | None, most: Decimal | None) -> Decimal:
    known = [value for value in (limit, most) if value is not None]
    return min(known) if known else _NO_LIMIT


def _ordered(
    here: AddressKey, evse: int, profile: ChargingProfile | None, now: datetime, limits: DomainLimits
) -> tuple[Sequence[Any], Sequence[Letter]]:
    """The fact and the letter that send a profile of our own making to the station."""
    if profile is None:
        return (), ()
    id = "k" + digest(here[2], evse, profile.id, now)
    order = Order(id, now + limits.profile_within, here, SetChargingProfile(evse, profile))
    return (f.ProfileOrdered(id, Held(evse, profile, now)),), (Letter(station_address(here[0], here[2]), order),)


def _order_ended(
    here: AddressKey, state: ChargingState, ended: OrderEnded, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    held = state.orders.get(ended.id)
    if held is None:
        return NOTHING
    outcome = ended.outcome
    told = outcome.reason if isinstance(outcome, CommandFailure) else outcome.status
    settled = f.OrderSettled(ended.id, told, now)
    if told == "Accepted":
        shown = event(here, "station.profile", now, evse=held.evse, profile=held.profile.id, change="installed")
        return _told(here, state, (settled, f.ProfileInstalled(msgspec.structs.replace(held, at=now))), now, shown)
    shown = event(here, "station.profile", now, evse=held.evse, profile=held.profile.id, change="refused", reason=told)
    return Decision(facts=(settled,), rows=(shown,))


def _composite(
    here: AddressKey, state: ChargingState, asked: m.Composite, running: Sequence[Running], now: datetime, limits: DomainLimits
) -> Decision:
    start = now.replace(microsecond=0)
    unit = asked.unit or "A"
    periods = composite(constraints(state), running, asked.evse, start, asked.duration, unit)
    return Decision(reply=m.CompositeReply(start, unit, tuple((p.start, p.limit, p.phases) for p in periods)))


def _look(
    here: AddressKey, state: ChargingState, asked: m.Holding, running: Any, now: datetime, limits: DomainLimits
) -> Decision:
    return Decision(reply=m.HoldingReply(tuple(state.held.values())))


_Decider = Callable[[AddressKey, ChargingState, Any, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    IntentDone: _intent_done,
    OrderEnded: _order_ended,
    m.ProfilesPart: _part,
    m.LimitNotified: _limit,
    m.LimitCleared: _limit_gone,
    m.ChargingNeeds: _needs,
    m.EvSchedule: _ev_schedule,
    m.Composite: _composite,
    m.Holding: _look,
}
