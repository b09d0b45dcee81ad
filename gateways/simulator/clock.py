"""The station's clock and its meter: plain functions of time, and honest.

A meter that runs faster than its clock would be caught by any CSMS that checks energy against time and power; so
energy is power times the clock's own seconds, unless a demonstration asks for another pace.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

TOLERATED = timedelta(seconds=2)


class StationClock:
    """UTC as the station believes it to be: real time plus an error that its next boot may correct."""

    def __init__(self, error: timedelta = timedelta()) -> None:
        self.error = error

    def now(self) -> datetime:
        return datetime.now(UTC) + self.error

    def adjust(self, central: datetime) -> None:
        """Take over the central system's time on a boot reply, unless they all but agree: the reply may say whole
        seconds, and a clock that steps back by less than its message took is worse than one that is a little off."""
        error = central - datetime.now(UTC)
        if abs(error - self.error) >= TOLERATED:
            self.error = error


def wire_time(at: datetime) -> str:
    """RFC 3339 with milliseconds and Z, the form that most stations send."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Meter:
    """A lifetime register in Wh behind one connector. Power ramps up in two seconds and wobbles by some per cent."""

    power_w: float
    rng: random.Random
    register_wh: float = 0.0
    drawing: bool = False
    limit_w: float | None = None
    pace: float = 1.0
    _since: datetime | None = field(default=None, repr=False)
    _until: datetime | None = field(default=None, repr=False)

    def begin(self, now: datetime) -> None:
        self.drawing, self._since, self._until = True, now, now

    def end(self, now: datetime) -> None:
        self.read(now)
        self.drawing, self._since, self._until = False, None, None

    def power(self, now: datetime) -> float:
        """Power in W at this moment."""
        if not self.drawing or self._since is None:
            return 0.0
        ramp = min(1.0, max(0.0, (now - self._since).total_seconds()) / 2.0)
        full = self.power_w if self.limit_w is None else min(self.power_w, self.limit_w)
        return full * ramp * self.rng.uniform(0.95, 1.0)

    def read(self, now: datetime) -> int:
        """Register in whole Wh; never runs backwards, whatever the clock does."""
        if self.drawing and self._until is not None and now > self._until:
            self.register_wh += self.pace * self.power(now) * (now - self._until).total_seconds() / 3600
            self._until = now
        return int(self.register_wh)
