"""Composite schedules: what all charging profiles together allow an EVSE, second by second (OCPP 2.0.1 K08; PROTOCOLS 2.5).

Within a purpose the highest stack level that is active wins; a TxProfile takes the place of every TxDefaultProfile; over
the purposes the lowest limit counts. A profile whose schedule is over, or not yet valid, gives way to the next below it.
Times are aware UTC. A limit in amperes is per phase, one in watts is of all phases together.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from actors.model.intents import ChargingProfile, ChargingSchedule
from actors.model.limits import COMPOSITE_PERIODS, NOMINAL_VOLTAGE

STATION_MAX = "ChargingStationMaxProfile"
EXTERNAL = "ChargingStationExternalConstraints"
TX_DEFAULT = "TxDefaultProfile"
TX = "TxProfile"
DEFAULT_PHASES = 3
"""Where a period does not say (PROTOCOLS 2.5)."""
_PERIOD = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}
_CENT = Decimal("0.01")


class Held(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A profile that a station holds at `evse` (0: the station, or each of its EVSEs) since `at`. `source`: who set it (CSO:
    we; EMS, SO, Other)."""

    evse: int
    profile: ChargingProfile
    at: datetime
    source: str = "CSO"


class Criteria(Protocol):
    """GetChargingProfiles (K09): `ids`, or all else that is given."""

    @property
    def evse(self) -> int | None: ...
    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def purpose(self) -> str | None: ...
    @property
    def stack_level(self) -> int | None: ...
    @property
    def sources(self) -> tuple[str, ...]: ...


def is_asked(asked: Criteria, held: Held) -> bool:
    """Would a report that was asked for in this way name this profile?"""
    profile = held.profile
    if asked.evse is not None and held.evse != asked.evse:
        return False
    if asked.ids:
        return profile.id in asked.ids
    return (
        (asked.purpose is None or profile.purpose == asked.purpose)
        and (asked.stack_level is None or profile.stack_level == asked.stack_level)
        and (not asked.sources or held.source in asked.sources)
    )


class Running(msgspec.Struct, frozen=True, gc=False):
    """A transaction that is open on an EVSE. `ids`: every name it goes by (the station's, our number)."""

    evse: int
    ids: tuple[str, ...]
    started_at: datetime | None


class Period(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """From `start` seconds on. `limit` None: nothing limits."""

    start: int
    limit: Decimal | None
    phases: int | None = None


def composite(
    held: Sequence[Held], running: Sequence[Running], evse: int, start: datetime, duration: int, unit: str
) -> tuple[Period, ...]:
    """The schedule of `evse` (0: the grid connection, which only profiles of the whole station limit) over `duration` seconds
    from `start`, in `unit` A or W. Equal neighbours are one period; COMPOSITE_PERIODS of them at most."""
    end = start + timedelta(seconds=duration)
    here = [one for one in held if _concerns(one, evse)]
    moments = sorted({start, *(at for one in here for at in _changes(one, running, start, end))})
    periods: list[Period] = []
    for at in moments:
        limit, phases = limit_at(here, running, evse, at, start, unit)
        last = periods[-1] if periods else None
        if last is not None and (last.limit, last.phases) == (limit, phases):
            continue
        periods.append(Period(int((at - start).total_seconds()), limit, phases))
        if len(periods) == COMPOSITE_PERIODS:
            break
    return tuple(periods)


def limit_at(
    held: Sequence[Held], running: Sequence[Running], evse: int, at: datetime, start: datetime, unit: str
) -> tuple[Decimal | None, int | None]:
    """(lowest limit, its number of phases) at one moment; (None, None) where nothing limits. `start`: what a profile
    without a beginning of its own counts from."""
    transaction = next((one for one in running if one.evse == evse), None)
    found: list[tuple[Decimal, int | None]] = []
    for purpose in (STATION_MAX, EXTERNAL):
        limit = _top(held, purpose, transaction, at, start, unit)
        if limit is not None:
            found.append(limit)
    if evse:
        limit = _top(held, TX, transaction, at, start, unit) if transaction is not None else None
        limit = limit or _top(held, TX_DEFAULT, transaction, at, start, unit)
        if limit is not None:
            found.append(limit)
    return min(found, key=lambda pair: pair[0]) if found else (None, None)


def belongs(held: Held, transaction: Running) -> bool:
    """Is this TxProfile of that transaction? One without an id came with a remote start: it is of the next transaction."""
    if held.evse not in (0, transaction.evse):
        return False
    wanted = held.profile.transaction_id
    if wanted is not None:
        return wanted in transaction.ids
    return transaction.started_at is None or transaction.started_at >= held.at - timedelta(minutes=10)


def _concerns(held: Held, evse: int) -> bool:
    if held.profile.purpose in (TX, TX_DEFAULT):
        return evse != 0 and held.evse in (0, evse)
    return held.evse in (0, evse)


def _top(
    held: Iterable[Held], purpose: str, transaction: Running | None, at: datetime, start: datetime, unit: str
) -> tuple[Decimal, int | None] | None:
    """Of the highest active stack level; at the same level what was set for the EVSE itself before what is set for all."""
    best: tuple[tuple[int, bool], tuple[Decimal, int | None]] | None = None
    for one in held:
        profile = one.profile
        if profile.purpose != purpose or (purpose == TX and (transaction is None or not belongs(one, transaction))):
            continue
        rank = (profile.stack_level, one.evse != 0)
        if best is not None and best[0] >= rank:
            continue
        limit = _limit(one, transaction, at, start, unit)
        if limit is not None:
            best = (rank, limit)
    return best[1] if best is not None else None


def _limit(
    held: Held, transaction: Running | None, at: datetime, start: datetime, unit: str
) -> tuple[Decimal, int | None] | None:
    profile = held.profile
    if (profile.valid_from is not None and at < profile.valid_from) or (profile.valid_to is not None and at >= profile.valid_to):
        return None
    for schedule in profile.schedules:
        offset = _offset(profile, schedule, transaction, at, start)
        if offset is None:
            continue
        period = None
        for candidate in schedule.periods:
            if candidate.start_period > offset:
                break
            period = candidate
        if period is not None:
            phases = period.number_phases
            return _in_unit(period.limit, schedule.charging_rate_unit, unit, phases or DEFAULT_PHASES), phases
    return None


def _begin(profile: ChargingProfile, schedule: ChargingSchedule, transaction: Running | None, start: datetime) -> datetime:
    if profile.kind != "Relative" and schedule.start_schedule is not None:
        return schedule.start_schedule
    if profile.kind == "Recurring":
        return datetime(2000, 1, 1, tzinfo=UTC)  # a Saturday at midnight: the standard leaves it open
    began = transaction.started_at if transaction is not None else None
    return began if began is not None else start


def _offset(
    profile: ChargingProfile, schedule: ChargingSchedule, transaction: Running | None, at: datetime, start: datetime
) -> float | None:
    """Seconds into the schedule; None where it is not running."""
    elapsed = (at - _begin(profile, schedule, transaction, start)).total_seconds()
    if elapsed < 0:
        return None
    length = schedule.duration
    if profile.kind == "Recurring":
        cycle = _PERIOD[profile.recurrency_kind or "Daily"].total_seconds()
        elapsed %= cycle
    return None if length is not None and elapsed >= length else elapsed


def _in_unit(limit: Decimal, has: str, wants: str, phases: int) -> Decimal:
    if has == wants:
        return limit
    full = NOMINAL_VOLTAGE * phases
    return (limit * full if wants == "W" else limit / full).quantize(_CENT)


def _changes(held: Held, running: Sequence[Running], start: datetime, end: datetime) -> Iterable[datetime]:
    """Every moment between start and end at which this profile may begin, change or end."""
    profile = held.profile
    for at in (profile.valid_from, profile.valid_to):
        if at is not None and start < at < end:
            yield at
    for transaction in (None, *running):
        for schedule in profile.schedules:
            begin = _begin(profile, schedule, transaction, start)
            marks = [timedelta(seconds=period.start_period) for period in schedule.periods]
            if schedule.duration is not None:
                marks.append(timedelta(seconds=schedule.duration))
            if profile.kind != "Recurring":
                yield from (begin + mark for mark in (timedelta(0), *marks) if start < begin + mark < end)
                continue
            cycle = _PERIOD[profile.recurrency_kind or "Daily"]
            turn = begin + max(0, (start - begin) // cycle) * cycle
            while turn < end:
                yield from (turn + mark for mark in (timedelta(0), *marks) if mark <= cycle and start < turn + mark < end)
                turn += cycle
