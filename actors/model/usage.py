"""What a session used, as rating wants to see it: periods with energy and what the vehicle was doing.

`usage_of` makes it from meter readings and charging states. Between two readings energy flows evenly over the time in
which the vehicle charged; restrictions of a tariff that change inside a period are `rate`'s business. Three rules
decide about money:

* The energy of the session is stop register minus start register. Readings only shape the curve in between.
* Occupancy (PARKING_TIME) runs only while the vehicle no longer asks for power: SuspendedEV, and EVConnected after
  it once charged (1.6 Finishing). Never while the station withholds it, SuspendedEVSE (MONEY 2.2): that is
  charging time, as the vehicle asks for power (PROTOCOLS 6.4).
* Without any state the vehicle is taken to charge: what was not reported is not billed as occupancy.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import msgspec

from actors.model.limits import MAX_READING
from actors.model.meter import ENERGY_IMPORT, Reading, Sample

Activity = Literal["charging", "withheld", "parking", "reserved"]

POWER_IMPORT = "Power.Active.Import"
CURRENT_IMPORT = "Current.Import"
_OF_USE = frozenset((ENERGY_IMPORT, POWER_IMPORT, CURRENT_IMPORT))
_AT_OUTLET = frozenset(("Outlet", "Cable"))
_PHASES = frozenset(("L1", "L2", "L3", "L1-N", "L2-N", "L3-N"))
_LEAST = -MAX_READING
_KILO = Decimal(1000)
_MICRO_WH = Decimal("1e-6")


class UsagePeriod(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`start` <= `end`. `power_kw` and `current_a` (summed over the phases) where the station told them."""

    start: datetime
    end: datetime
    energy_kwh: Decimal = Decimal(0)
    activity: Activity = "charging"
    power_kw: Decimal | None = None
    current_a: Decimal | None = None


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Periods in order of time, without overlap; those of a reservation come first. `reservation_expired`: nobody
    came, there are no others."""

    periods: tuple[UsagePeriod, ...]
    reservation_expired: bool = False


class Point(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What rating needs of a reading: small enough to keep in a session's state."""

    at: datetime
    energy_wh: Decimal | None = None
    power_w: Decimal | None = None
    current_a: Decimal | None = None


def point_of(reading: Reading) -> Point:
    """The energy register, power and current of a reading, each at the outlet: the unphased value, else the sum of L1..L3 (or
    L1-N..L3-N; quirk 24)."""
    totals: dict[str, Decimal] = {}
    phases: dict[str, dict[str, Decimal]] | None = None
    for sample in reading.samples:
        value, measurand, phase = sample.value, sample.measurand, sample.phase
        if measurand not in _OF_USE or value is None or sample.location not in _AT_OUTLET:
            continue
        if not _LEAST <= value <= MAX_READING:
            value = MAX_READING.copy_sign(value)
        if phase is None:
            totals[measurand] = value
        elif phase in _PHASES:
            phases = {} if phases is None else phases
            phases.setdefault(measurand, {})[phase[:2]] = value
    if phases is not None:
        for measurand, each in phases.items():
            totals.setdefault(measurand, sum(each.values(), Decimal(0)))
    return Point(reading.at, totals.get(ENERGY_IMPORT), totals.get(POWER_IMPORT), totals.get(CURRENT_IMPORT))


def measured(samples: Iterable[Sample], measurand: str) -> Decimal | None:
    """The value of any one measurand at the outlet, in the same way."""
    total: Decimal | None = None
    phases: dict[str, Decimal] = {}
    for sample in samples:
        if sample.measurand != measurand or sample.value is None or sample.location not in _AT_OUTLET:
            continue
        value = sample.value
        if not _LEAST <= value <= MAX_READING:
            value = MAX_READING.copy_sign(value)
        if sample.phase is None:
            total = value
        elif sample.phase in _PHASES:
            phases[sample.phase[:2]] = value
    if total is None and phases:
        total = sum(phases.values(), Decimal(0))
    return total


def usage_of(
    readings: Sequence[Reading | Point],
    states: Sequence[tuple[datetime, str]],
    start: datetime,
    end: datetime,
    meter_start_wh: int | Decimal,
    meter_stop_wh: int | Decimal,
    *,
    reserved_from: datetime | None = None,
    even: bool = False,
) -> Usage:
    """The usage of a session from `start` to `end`.

    `states`: (moment, OCPP 2.x charging state: Charging, SuspendedEV, SuspendedEVSE, EVConnected, Idle), in any
    order; the last one before `start` holds at the start. `reserved_from`: the reservation that ended with `start`.
    A stop register below the start counts as no energy, an end before the start as no time: whether such a session
    may be billed is `plausible.py`'s question. `even` (see Plan.even): the tariff does not ask when energy flowed, so
    the readings are needed only to split it between what the vehicle was doing.
    """
    end = max(start, end)
    low, high = Decimal(meter_start_wh), max(Decimal(meter_start_wh), Decimal(meter_stop_wh))
    activities = _activities(states, start, end)
    told = readings if len(activities) > 1 or not even else ()
    points = sorted([_as_point(reading) for reading in told], key=_at)
    curve = _while_charging(_curve(points, start, end, low, high), activities)
    moments = _moments(points, start, end)
    periods: list[UsagePeriod] = []
    if reserved_from is not None and reserved_from < start:
        periods.append(UsagePeriod(reserved_from, start, activity="reserved"))
    cuts = sorted({at for at, _ in curve} | {at for at, _ in activities} | {at for at, _, _ in moments} | {start, end})
    _fill(periods, cuts, curve, activities, moments)
    return Usage(tuple(periods))


def _at(point: Point) -> datetime:
    return point.at


def _as_point(reading: Reading | Point) -> Point:
    return reading if isinstance(reading, Point) else point_of(reading)


def _curve(points: list[Point], start: datetime, end: datetime, low: Decimal, high: Decimal) -> list[tuple[datetime, Decimal]]:
    """The energy register over time from (start, low) to (end, high), never falling.

    Some stations sample a register that starts at 0 with the session while start and stop are lifetime values
    (quirk 23): samples that all lie below the start register, and within the session's energy, are shifted by it.
    """
    inside = [(p.at, p.energy_wh) for p in points if p.energy_wh is not None and start < p.at < end]
    if inside and low > 0 and all(energy < low for _, energy in inside) and inside[-1][1] <= high - low:
        inside = [(at, energy + low) for at, energy in inside]
    curve = [(start, low)]
    reached = low
    for at, energy in inside:
        reached = min(max(reached, energy), high)
        if at == curve[-1][0]:
            curve[-1] = (at, reached)
        else:
            curve.append((at, reached))
    if end == start:
        return [(start, low), (end, high)]
    curve.append((end, high))
    return curve


def _while_charging(
    curve: list[tuple[datetime, Decimal]], activities: list[tuple[datetime, Activity]]
) -> list[tuple[datetime, Decimal]]:
    """The curve with the energy of each gap moved to where in the gap the vehicle charged, if it did at all."""
    if len(activities) == 1:
        return curve
    found = [curve[0]]
    for (t0, e0), (t1, e1) in pairwise(curve):
        changes = [at for at, _ in activities if t0 < at < t1]
        if changes and e1 > e0:
            found += _gap(t0, e0, t1, e1, changes, activities)
        found.append((t1, e1))
    return found


def _gap(
    t0: datetime,
    e0: Decimal,
    t1: datetime,
    e1: Decimal,
    changes: list[datetime],
    activities: list[tuple[datetime, Activity]],
) -> list[tuple[datetime, Decimal]]:
    """The register at each change of activity inside one gap between two readings."""
    spans: list[tuple[datetime, float]] = []
    for begin, end in pairwise([t0, *changes, t1]):
        activity = [what for at, what in activities if at <= begin][-1]
        spans.append((end, (end - begin).total_seconds() if activity == "charging" else 0.0))
    whole = sum(span for _, span in spans)
    if whole == 0:
        return []
    found = []
    charged = 0.0
    for at, span in spans[:-1]:
        charged += span
        found.append((at, e0 + ((e1 - e0) * Decimal(charged) / Decimal(whole)).quantize(_MICRO_WH)))
    return found


def _activities(states: Sequence[tuple[datetime, str]], start: datetime, end: datetime) -> list[tuple[datetime, Activity]]:
    """What the vehicle was doing from which moment on; the first entry is at `start`."""
    found: list[tuple[datetime, Activity]] = [(start, "charging")]
    charged = False
    for at, state in sorted(states, key=_told_at):
        if at <= start:
            # Only the state that holds at the start matters, and this session has not charged yet.
            charged = state in ("Charging", "SuspendedEVSE", "SuspendedEV")
            found[0] = (start, _activity(state, charged))
            continue
        if at >= end:
            break
        charged = charged or state in ("Charging", "SuspendedEVSE", "SuspendedEV")
        activity = _activity(state, charged)
        if activity != found[-1][1]:
            found.append((at, activity))
    return found


def _told_at(state: tuple[datetime, str]) -> datetime:
    """Of one moment (clocks often count whole seconds) the last one told holds."""
    return state[0]


def _activity(state: str, charged: bool) -> Activity:
    if state == "SuspendedEVSE":
        return "withheld"
    if state == "SuspendedEV" or (charged and state in ("EVConnected", "Idle")):
        return "parking"
    return "charging"


def _moments(points: list[Point], start: datetime, end: datetime) -> list[tuple[datetime, Decimal | None, Decimal | None]]:
    """Power (kW) and current (A) from which moment on: a momentary value holds until the next one; the first one
    also for the time before it."""
    found: list[tuple[datetime, Decimal | None, Decimal | None]] = []
    for p in points:
        if (p.power_w is None and p.current_a is None) or p.at >= end:
            continue
        power = None if p.power_w is None else p.power_w / _KILO
        entry = (max(p.at, start) if found else start, power, p.current_a)
        if found and found[-1][0] == entry[0]:
            found[-1] = entry
        elif not found or found[-1][1:] != entry[1:]:
            found.append(entry)
    return found


def _fill(
    periods: list[UsagePeriod],
    cuts: list[datetime],
    curve: list[tuple[datetime, Decimal]],
    activities: list[tuple[datetime, Activity]],
    moments: list[tuple[datetime, Decimal | None, Decimal | None]],
) -> None:
    """Walk all change moments once and add a period between each two."""
    if len(cuts) == 1:
        energy = (curve[-1][1] - curve[0][1]) / _KILO
        periods.append(UsagePeriod(cuts[0], cuts[0], energy, activities[0][1]))
        return
    c = a = m = 0
    before = curve[0][1]
    for start, end in pairwise(cuts):
        while c + 1 < len(curve) and curve[c + 1][0] <= start:
            c += 1
        while a + 1 < len(activities) and activities[a + 1][0] <= start:
            a += 1
        while m + 1 < len(moments) and moments[m + 1][0] <= start:
            m += 1
        after = _energy_at(curve, c, end)
        power, current = (moments[m][1], moments[m][2]) if moments else (None, None)
        periods.append(UsagePeriod(start, end, (after - before) / _KILO, activities[a][1], power, current))
        before = after


def _energy_at(curve: list[tuple[datetime, Decimal]], c: int, at: datetime) -> Decimal:
    """The register at `at`, which lies in the curve's piece `c`; interpolated to a millionth of a Wh."""
    (t0, e0), (t1, e1) = curve[c], curve[c + 1]
    if at >= t1 or e1 == e0:
        return e1
    part = Decimal((at - t0).total_seconds()) / Decimal((t1 - t0).total_seconds())
    return e0 + ((e1 - e0) * part).quantize(_MICRO_WH)
