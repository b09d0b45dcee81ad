"""The walk of rating: which price component is active when, and how much of everything it saw.

Periods are cut where a restriction can change its mind; in each piece the first matching component per dimension is
active. Between two clock cuts the restrictions on date and time of day cannot change, so they are asked once per
stretch of clock and not once per period. This is the hot path of a session's stop.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from actors.model.clock import clock_cuts
from actors.model.limits import ENERGY_QUANTUM, NOMINAL_VOLTAGE
from actors.model.tariff import Choice, Choices, Plan, Restrictions
from actors.model.usage import UsagePeriod

_SECOND = 1_000_000
_MICRO = timedelta(microseconds=1)
_FOREVER = 1 << 62
_ZERO = Decimal(0)
_KILO = Decimal(1000)
_HOUR = Decimal(3600 * _SECOND)


class UsageError(ValueError):
    """A usage that cannot be rated (empty, too long, out of order)."""


class RatedPeriod(msgspec.Struct, frozen=True, gc=False):
    """A stretch in which the same components were active (an OCPI ChargingPeriod)."""

    start: datetime
    end: datetime
    activity: str
    energy_kwh: Decimal


class Tally:
    """What each component (by `Choice.key`) saw: kWh, microseconds, or that it was active at all. `order` keeps the
    components in order of first appearance; `last_*` are the last ones with a volume, whose step_size counts."""

    __slots__ = ("energy", "last_energy", "last_time", "order", "periods", "time")

    def __init__(self, size: int) -> None:
        self.energy = [_ZERO] * size
        self.time = [0] * size
        self.order: dict[int, Choice] = {}
        self.last_energy: Choice | None = None
        self.last_time: Choice | None = None
        self.periods: list[RatedPeriod] = []


class _Stretch(msgspec.Struct):
    """Up to `until` (microseconds from the origin) these components pass the clock. `fixed`: none of them looks at
    anything else, so the head of each tuple is active."""

    until: int
    choices: Choices
    fixed: bool


class _Piece(msgspec.Struct, gc=False):
    start: int
    end: int
    energy: Decimal
    before: Decimal


def walk(plan: Plan, choices: Choices, periods: Sequence[UsagePeriod], zone: ZoneInfo) -> Tally:
    """Walk `periods` (in order) and tally what the components of `choices` saw. Raises UsageError for disorder."""
    tally = Tally(plan.size)
    origin = periods[0].start
    stretches = _stretches(plan, choices, origin, periods[-1].end, zone)
    marks = [seconds * _SECOND for seconds in plan.seconds]
    here = 0
    reached = 0
    used = _ZERO
    writer = _PeriodWriter(tally.periods)
    for period in periods:
        start, end = (period.start - origin) // _MICRO, (period.end - origin) // _MICRO
        if start < reached or end < start or period.energy_kwh < 0:
            raise UsageError(f"the period at {period.start.isoformat()} is out of order")
        reached = end
        energy = period.energy_kwh
        while stretches[here].until <= start:
            here += 1
        pieces = [_Piece(start, end, energy, used)]
        if marks or plan.kwh or stretches[here].until < end:
            inner = _inner_cuts(stretches, here, marks, plan.kwh, start, end, used, energy)
            if inner:
                pieces = _pieces(inner, start, end, used, energy)
        for piece in pieces:
            while stretches[here].until <= piece.start:
                here += 1
            active = _active(stretches[here], period, piece, plan.momentary)
            _count(tally, piece, *active)
            writer.add(origin, period, piece, active[0], active[1])
        used += energy
    writer.close()
    return tally


def _stretches(plan: Plan, choices: Choices, start: datetime, end: datetime, zone: ZoneInfo) -> list[_Stretch]:
    if not plan.clock:
        return [_stretch(_FOREVER, choices, None)]
    cuts = clock_cuts(start, end, plan.minutes, zone)
    begins = [start, *cuts]
    untils = [(cut - start) // _MICRO for cut in cuts] + [_FOREVER]
    # A long stay meets the same time of the week again and again: what passes then is asked once.
    known: dict[tuple[int, int, date | None], _Stretch] = {}
    found = []
    for at, until in zip(begins, untils, strict=True):
        local = at.astimezone(zone)
        key = (local.weekday(), local.hour * 60 + local.minute, local.date() if plan.dates else None)
        same = known.get(key)
        if same is None:
            same = known[key] = _stretch(until, choices, local)
        found.append(_Stretch(until, same.choices, same.fixed))
    return found


def _stretch(until: int, choices: Choices, local: datetime | None) -> _Stretch:
    passing = Choices(*(_passing(getattr(choices, name), local) for name in choices.__struct_fields__))
    lists = (passing.energy, passing.time, passing.parking, passing.flat)
    return _Stretch(until, passing, all(len(found) <= 1 and not (found and found[0].running) for found in lists))


def _passing(choices: tuple[Choice, ...], local: datetime | None) -> tuple[Choice, ...]:
    """Those that the clock admits, up to the first that nothing else can refuse."""
    found: list[Choice] = []
    for choice in choices:
        limits = choice.restrictions
        if local is None or limits is None or not limits.clock or limits.admits_clock(local):
            found.append(choice)
            if not choice.running:
                break
    return tuple(found)


def _inner_cuts(
    stretches: list[_Stretch],
    here: int,
    marks: list[int],
    kwh: tuple[Decimal, ...],
    start: int,
    end: int,
    used: Decimal,
    energy: Decimal,
) -> list[tuple[int, Decimal]]:
    """(moment, energy used by then) of every cut inside the period, in order. Energy is linear in the period."""
    found: list[tuple[int, Decimal]] = []
    span = end - start
    n = here
    while stretches[n].until < end:
        found.append((stretches[n].until, _at(stretches[n].until - start, span, used, energy)))
        n += 1
    found += [(mark, _at(mark - start, span, used, energy)) for mark in marks if start < mark < end]
    found += [(start + int(span * (k - used) / energy), k) for k in kwh if used < k < used + energy]
    if len(found) > 1:
        found.sort()
    return found


def _at(passed: int, span: int, used: Decimal, energy: Decimal) -> Decimal:
    return used + (energy * passed / span).quantize(ENERGY_QUANTUM)


def _pieces(cuts: list[tuple[int, Decimal]], start: int, end: int, used: Decimal, energy: Decimal) -> list[_Piece]:
    pieces: list[_Piece] = []
    last = used + energy
    for moment, register in [*cuts, (end, last)]:
        # Rounding may put an interpolated value a hair beyond a bound that was met in the same microsecond.
        reached = min(max(register, used), last)
        if moment > start or reached > used:
            pieces.append(_Piece(start, moment, reached - used, used))
        start, used = moment, reached
    return pieces


def _active(
    stretch: _Stretch, period: UsagePeriod, piece: _Piece, momentary: bool
) -> tuple[Choice | None, Choice | None, Choice | None]:
    """The active components for energy, time (TIME or PARKING_TIME by what the vehicle does) and FLAT."""
    choices = stretch.choices
    times = choices.parking if period.activity == "parking" else choices.time
    if stretch.fixed:
        return (
            choices.energy[0] if choices.energy else None,
            times[0] if times else None,
            choices.flat[0] if choices.flat else None,
        )
    power = current = _ZERO
    if momentary:
        power, current = _power_and_current(period)
    return (
        _first(choices.energy, piece, power, current),
        _first(times, piece, power, current),
        _first(choices.flat, piece, power, current),
    )


def _first(choices: tuple[Choice, ...], piece: _Piece, power: Decimal, current: Decimal) -> Choice | None:
    for choice in choices:
        if not choice.running or _admits(choice.restrictions, piece, power, current):
            return choice
    return None


def _admits(limits: Restrictions | None, piece: _Piece, power: Decimal, current: Decimal) -> bool:
    """Lower bounds are inclusive, upper bounds exclusive (PROTOCOLS 6.4)."""
    if limits is None:
        return True
    used, passed = piece.before, piece.start
    return not (
        (limits.min_kwh is not None and used < limits.min_kwh)
        or (limits.max_kwh is not None and used >= limits.max_kwh)
        or (limits.min_duration is not None and passed < limits.min_duration * _SECOND)
        or (limits.max_duration is not None and passed >= limits.max_duration * _SECOND)
        or (limits.min_power is not None and power < limits.min_power)
        or (limits.max_power is not None and power >= limits.max_power)
        or (limits.min_current is not None and current < limits.min_current)
        or (limits.max_current is not None and current >= limits.max_current)
    )


def _power_and_current(period: UsagePeriod) -> tuple[Decimal, Decimal]:
    """As the station told it; else the period's average power, and the current that it is at nominal voltage."""
    power = period.power_kw
    if power is None:
        span = (period.end - period.start) // _MICRO
        power = period.energy_kwh * _HOUR / span if span else _ZERO
        if period.current_a is not None and not period.energy_kwh:
            power = period.current_a * NOMINAL_VOLTAGE / _KILO
    current = period.current_a
    if current is None:
        current = power * _KILO / NOMINAL_VOLTAGE
    return power, current


def _count(tally: Tally, piece: _Piece, energy: Choice | None, time: Choice | None, flat: Choice | None) -> None:
    order = tally.order
    if flat is not None and flat.key not in order:
        order[flat.key] = flat
    if energy is not None and piece.energy:
        key = energy.key
        if key not in order:
            order[key] = energy
        tally.energy[key] += piece.energy
        tally.last_energy = energy
    span = piece.end - piece.start
    if time is not None and span:
        key = time.key
        if key not in order:
            order[key] = time
        tally.time[key] += span
        tally.last_time = time


class _PeriodWriter:
    """Joins neighbouring pieces with the same active components into one period."""

    __slots__ = ("_activity", "_end", "_energy", "_key", "_out", "_start")

    def __init__(self, out: list[RatedPeriod]) -> None:
        self._out = out
        self._key: tuple[int, int, str] | None = None
        self._activity = ""
        self._energy = _ZERO
        self._start = self._end = datetime.min

    def add(self, origin: datetime, period: UsagePeriod, piece: _Piece, energy: Choice | None, time: Choice | None) -> None:
        key = (-1 if energy is None else energy.key, -1 if time is None else time.key, period.activity)
        if key == self._key:
            self._energy += piece.energy
            self._end = period.end if piece.end == (period.end - origin) // _MICRO else origin + piece.end * _MICRO
            return
        self.close()
        self._key = key
        self._activity = period.activity
        self._energy = piece.energy
        self._start = origin + piece.start * _MICRO
        self._end = origin + piece.end * _MICRO

    def close(self) -> None:
        if self._key is not None:
            self._out.append(RatedPeriod(self._start, self._end, self._activity, self._energy))
