"""Is this session's energy believable? Anomalies by name, and which of them keep it from a bill.

Stations send impossible registers, clocks that were never set and samples in the wrong unit (QUIRKS 20-24). What
can be read safely is read and noted; what would make a wrong bill puts the session into quarantine, where an operator
bills, corrects or waives it. Nothing here raises: a wrong number is a fact like any other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from actors.model import limits
from actors.model.meter import ENERGY_IMPORT, Reading
from actors.model.usage import POWER_IMPORT, Point, point_of

_HOUR_S = 3600
_ENERGY_UNITS = frozenset(("Wh", "kWh"))

QUARANTINE = frozenset(
    {
        "meter_backwards",
        "lifetime_register",
        "energy_exceeds_power",
        "energy_implausible",
        "samples_exceed_stop",
        "clock_unset",
        "clock_future",
        "end_before_start",
        "duration_implausible",
    }
)
"""Anomalies that keep a session from being billed by itself. All others are noted on the session and in its CDR."""


class Anomaly(msgspec.Struct, frozen=True, gc=False):
    """`name` is a stable word; `detail` says it to the operator, with the numbers."""

    name: str
    detail: str

    @property
    def quarantine(self) -> bool:
        return self.name in QUARANTINE


class Judgement(msgspec.Struct, frozen=True):
    """`energy_wh` is what may be billed once `quarantine` is false; never negative."""

    energy_wh: int
    anomalies: tuple[Anomaly, ...]

    @property
    def quarantine(self) -> bool:
        return any(anomaly.quarantine for anomaly in self.anomalies)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(anomaly.name for anomaly in self.anomalies)


def judge_session(
    *,
    meter_start_wh: int,
    meter_stop_wh: int,
    start: datetime,
    end: datetime,
    received: datetime,
    readings: Sequence[Reading | Point] = (),
    max_power_w: int | None = None,
) -> Judgement:
    """Judge a session at its stop. `received`: our clock when the stop came; `max_power_w`: of the EVSE, if known."""
    points = [reading if isinstance(reading, Point) else point_of(reading) for reading in readings]
    registers = [point.energy_wh for point in points if point.energy_wh is not None]
    found = [*judge_moment(start, received, "start"), *judge_moment(end, received, "stop")]
    found += _duration(start, end)
    if start - end <= limits.CLOCK_STEP:
        end = max(start, end)
    energy = meter_stop_wh - meter_start_wh
    found += _registers(meter_start_wh, meter_stop_wh, registers)
    found += _energy(energy, meter_start_wh, start, end, points, max_power_w)
    return Judgement(max(0, energy), tuple(_once(found)))


def judge_moment(at: datetime, received: datetime, what: str) -> list[Anomaly]:
    """A timestamp of a station against our clock when it came. Old is fine: offline queues arrive days later."""
    if at < limits.EARLIEST:
        return [Anomaly("clock_unset", f"the {what} is dated {at.isoformat()}: the station's clock was not set")]
    ahead = at - received
    if ahead > limits.CLOCK_FUTURE:
        return [Anomaly("clock_future", f"the {what} is dated {_hours(ahead)} h in the future")]
    if ahead > limits.CLOCK_SKEW:
        return [Anomaly("clock_ahead", f"the {what} is dated {int(ahead.total_seconds() // 60)} min in the future")]
    return []


_ODD = ("no_energy", "phase_only", "power_in_wh", "unreadable_value")
"""No energy register (quirk 22); energy only per phase: the phases are summed; power in an energy unit: read as power (quirk
24); a value that is no number: kept as it came."""


def odd_readings(readings: Iterable[Reading]) -> tuple[str, ...]:
    """Names of what is odd about the samples of any of these readings, each once. On every meter message's way: one pass."""
    found: set[str] | None = None
    for reading in readings:
        total = phased = False
        for sample in reading.samples:
            measurand = sample.measurand
            if measurand == ENERGY_IMPORT:
                total = total or sample.phase is None
                phased = True
            elif measurand == POWER_IMPORT and sample.unit in _ENERGY_UNITS:
                found = {"power_in_wh"} if found is None else found | {"power_in_wh"}
            if sample.value is None and not sample.signed:
                found = {"unreadable_value"} if found is None else found | {"unreadable_value"}
        if not total:
            name = "phase_only" if phased else "no_energy"
            found = {name} if found is None else found | {name}
    return () if found is None else tuple(name for name in _ODD if name in found)


def _duration(start: datetime, end: datetime) -> list[Anomaly]:
    span = (start - end).total_seconds()
    if 0 < span <= limits.CLOCK_STEP.total_seconds():
        return [Anomaly("clock_stepped", f"the stop is dated {span:.1f} s before the start: the session took no time")]
    if end < start:
        return [Anomaly("end_before_start", f"the stop is dated {_hours(start - end)} h before the start")]
    if end - start > limits.MAX_SESSION:
        return [Anomaly("duration_implausible", f"the session lasted {(end - start).days} days")]
    return []


def _registers(low: int, high: int, registers: Sequence[Decimal]) -> list[Anomaly]:
    """Stop against start, and the samples against both."""
    if high < low:
        if low - high <= limits.METER_SLACK_WH:
            return [Anomaly("meter_rounding", f"stop is {low - high} Wh below start: no energy (quirk 23)")]
        return [Anomaly("meter_backwards", f"stop register {high} Wh is below start register {low} Wh")]
    if not registers:
        return []
    slack = limits.REGISTER_SLACK_WH
    if max(registers) > high + slack:
        return [Anomaly("samples_exceed_stop", f"a sample says {max(registers)} Wh, the stop register {high} Wh")]
    if max(registers) < low - slack:
        if max(registers) <= high - low + slack:
            return [Anomaly("relative_register", "samples count from the session's start, not the meter's (quirk 23)")]
        return [Anomaly("samples_below_start", f"samples up to {max(registers)} Wh, start register {low} Wh")]
    return []


def _energy(
    energy: int, low: int, start: datetime, end: datetime, points: Sequence[Point], max_power_w: int | None
) -> list[Anomaly]:
    """Energy against what the station could have delivered in the time, and against a register that began at 0."""
    if energy <= 0:
        return []
    power = max_power_w or limits.ASSUMED_MAX_POWER_W
    slack = limits.ENERGY_SLACK_WH if max_power_w else limits.UNKNOWN_POWER_SLACK_WH
    if low == 0:
        jump = _first_jump(start, points, power, slack)
        if jump is not None or energy > limits.ZERO_START_ENERGY_WH:
            detail = jump or f"start register 0, stop {energy} Wh"
            return [Anomaly("lifetime_register", f"{detail}: the start register was lost (quirk 21)")]
    if energy > limits.MAX_ENERGY_WH:
        return [Anomaly("energy_implausible", f"{energy} Wh is more than any vehicle holds")]
    if end >= start and energy > _possible(end - start, power, slack):
        minutes = (end - start).total_seconds() / 60
        return [Anomaly("energy_exceeds_power", f"{energy} Wh in {minutes:.1f} min is more than {power} W can deliver")]
    return []


def _first_jump(start: datetime, points: Sequence[Point], power: int, slack: int) -> str | None:
    """The first sample of a session that began at 0 already shows more than could have flowed by then."""
    timed = [(point.at, point.energy_wh) for point in points if point.energy_wh is not None and point.at >= start]
    if not timed:
        return None
    at, register = min(timed)
    if register <= _possible(at - start, power, slack):
        return None
    return f"start register 0, but {register} Wh at the first sample"


def _possible(span: timedelta, power: int, slack: int) -> Decimal:
    hours = Decimal(span.total_seconds()) / _HOUR_S
    return power * hours * limits.POWER_TOLERANCE + slack


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / _HOUR_S:.1f}"


def _once(found: Sequence[Anomaly]) -> list[Anomaly]:
    named: dict[str, Anomaly] = {}
    for anomaly in found:
        named.setdefault(anomaly.name, anomaly)
    return list(named.values())
