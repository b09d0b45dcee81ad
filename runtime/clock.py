"""Time as a port: `now` is the wall clock that goes into facts, `monotonic` measures and schedules.

`monotonic` is always trio's own time, so that the two never drift apart and trio's MockClock drives a whole
simulated node.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import trio


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on trio's clock."""
        ...


class SystemClock:
    """The machine's wall clock. Asked some ten times a message, it has no method between who asks and what knows.
    It belongs to one run of trio."""

    __slots__ = ("monotonic", "now")

    def __init__(self) -> None:
        self.now: Callable[[], datetime] = partial(datetime.now, UTC)
        self.monotonic: Callable[[], float] = self._first

    def _first(self) -> float:
        self.monotonic = trio.lowlevel.current_clock().current_time
        return self.monotonic()


class ManualClock:
    """A wall clock that shows `start` when trio's time is `origin` (the first look when None) and moves with trio's time,
    a MockClock in tests, or by `advance`."""

    __slots__ = ("_origin", "_start")

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), origin: float | None = None) -> None:
        self._start = start
        self._origin = origin

    def now(self) -> datetime:
        time = trio.current_time()
        if self._origin is None:
            self._origin = time
        return self._start + timedelta(seconds=time - self._origin)

    def monotonic(self) -> float:
        return trio.current_time()

    def advance(self, seconds: float) -> None:
        """Move the wall clock alone, as an operator or NTP would."""
        self._start += timedelta(seconds=seconds)
