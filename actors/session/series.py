"""What a session keeps of its readings: a bounded series for rating, and signed records for the CDR. Pure."""

from datetime import datetime
from typing import Any

from actors.limits import DomainLimits
from actors.model.meter import Reading
from actors.model.usage import Point

LIMITS = DomainLimits()
FOLD = 8
"""Readings that may be in `latest`, so that not every one copies the whole series."""


def folded(
    series: tuple[Point, ...], latest: tuple[Point, ...], points: list[Point]
) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """(series, latest) with `points`."""
    latest = (*latest, *points)
    if len(latest) < FOLD:
        return series, latest
    series = (*series, *latest)
    return (thinned(tuple(sorted(series, key=moment))) if len(series) > LIMITS.series_points else series), ()


def thinned(series: tuple[Point, ...]) -> tuple[Point, ...]:
    """At most `series_points` readings: beyond it every second interior one goes.

    The energy billed is stop register minus start register, which no reading can change: readings only say *when*
    within the session it flowed. So thinning halves the resolution in time, evenly, and nothing else; power and
    current of a reading that goes are lost with it.
    """
    if len(series) <= LIMITS.series_points:
        return series
    return (series[0], *series[1:-1:2], series[-1])


def in_full(point: Point) -> tuple[Any, ...]:
    """Readings of one moment in an order of their own, so that it does not matter which event came first."""
    return (point.at, *(-1 if value is None else value for value in (point.energy_wh, point.power_w, point.current_a)))


def bounded(signed: tuple[Reading, ...]) -> tuple[Reading, ...]:
    return signed if len(signed) <= LIMITS.signed_readings else (signed[0], *signed[1 - LIMITS.signed_readings :])


def useful(point: Point) -> bool:
    return point.energy_wh is not None or point.power_w is not None or point.current_a is not None


def moment(point: Point) -> datetime:
    return point.at


def signed_in(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    return tuple(reading for reading in readings if any(sample.signed for sample in reading.samples))


def read_at(reading: Reading) -> datetime:
    return reading.at
