"""The wall clock of a location: at which instants a local time of day is passed.

Days on which the clocks change are the reason for this module: a local time may not exist, or come twice, and the
clock itself jumps. `clock_cuts` names every instant at which a restriction on the local time of day, the weekday or
the date can change; between two of them it cannot.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def clock_cuts(start: datetime, end: datetime, minutes: Sequence[int], zone: ZoneInfo) -> list[datetime]:
    """Instants (UTC, sorted) strictly between `start` and `end` at which a local minute of the day in `minutes`
    (0 is midnight) is passed, and every jump of the local clock."""
    found: set[datetime] = set()
    day = start.astimezone(zone).date() - _DAY
    last = end.astimezone(zone).date()
    begin = _midnight(day, zone)
    while day <= last:
        following = _midnight(day + _DAY, zone)
        if following > start:
            if following - begin == _DAY:
                found.update([begin + timedelta(minutes=m) for m in minutes])
            else:
                found.update(_changing_day(day, begin, following, minutes, zone))
        day, begin = day + _DAY, following
    return sorted(at for at in found if start < at < end)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _changing_day(day: date, begin: datetime, end: datetime, minutes: Sequence[int], zone: ZoneInfo) -> set[datetime]:
    """A day of 23 or 25 hours: both readings of each local time, and the jump itself."""
    found = {_jump(begin, end, zone)}
    for minute in minutes:
        local = datetime.combine(day, time(minute // 60, minute % 60), zone)
        found.add(local.astimezone(UTC))
        found.add(local.replace(fold=1).astimezone(UTC))
    return found


def _jump(begin: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The instant between `begin` and `end` at which the offset from UTC changes, to the second."""
    before = begin.astimezone(zone).utcoffset()
    while end - begin > _SECOND:
        middle = (begin + (end - begin) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            begin = middle if middle > begin else begin + _SECOND
        else:
            end = middle
    return end
