"""Times as they stand on the wire, in the clock that the domain calculates with."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that a station did not say or that cannot be read. Nobody takes it for real."""
_CLOCK_SET = datetime(2015, 1, 1, tzinfo=UTC)
_CLOCK_END = datetime(2200, 1, 1, tzinfo=UTC)
_FUTURE = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_LAST = datetime.max.replace(tzinfo=UTC, microsecond=0) - timedelta(days=1)
"""People write the end of the calendar for "for ever": it cannot be rounded up, in whatever zone."""


def utc(at: datetime, now: datetime, flags: tuple[str, ...]) -> tuple[datetime, tuple[str, ...]]:
    """In UTC and within the years that can be calculated with; a clock that cannot be right is flagged, never corrected:
    the time is part of natural keys, so a retry must carry the same (quirk 20)."""
    if at.tzinfo is not UTC:
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            return EPOCH, (*flags, "clock")
    if at >= _CLOCK_SET and (at <= now or at <= now + _FUTURE):
        return at, flags
    if not EPOCH <= at < _CLOCK_END:
        at = EPOCH
    return at, (*flags, "clock")


def wire_time(at: datetime) -> datetime:
    """To the nearest second: stations are known to stumble over fractions, and none needs them."""
    if not at.microsecond:
        return at
    whole = at.replace(microsecond=0)
    return whole + _SECOND if at.microsecond >= 500_000 and whole < _LAST else whole
