"""Deadlines without a cancel scope each: one sleeping task for all asks and volatile timers of a node.

A cancel scope per ask costs 10 to 15 us. Here an entry is put into the bucket of its tick, taken out again when the answer
came, and only what is really overdue is ever looked at by the sleeper.
"""

import heapq
from collections.abc import Iterator
from math import ceil
from typing import Any, Protocol

import trio


class Expiring(Protocol):
    bucket: int
    """The tick it waits in; owned by the wheel. -1: none."""

    def expire(self) -> None:
        """Its time has come. Must not raise or block."""
        ...


class Wheel:
    """Buckets by tick. `add` and `discard` are O(1) but for the first entry of a tick (a heap push)."""

    __slots__ = ("_buckets", "_parked", "_sleeping_until", "_tick", "_ticks")

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._buckets: dict[int, dict[Any, None]] = {}
        """Ordered, since a set of objects has another order in every process: a simulation must repeat itself."""
        self._ticks: list[int] = []
        self._parked: trio.lowlevel.Task | None = None
        self._sleeping_until: int | None = None

    def add(self, entry: Expiring, at: float) -> None:
        tick = ceil(at / self._tick)
        entry.bucket = tick
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket[entry] = None
            return
        self._buckets[tick] = {entry: None}
        heapq.heappush(self._ticks, tick)
        task = self._parked
        if task is not None and (self._sleeping_until is None or tick < self._sleeping_until):
            self._parked = None
            trio.lowlevel.reschedule(task)

    def discard(self, entry: Expiring) -> None:
        bucket = self._buckets.get(entry.bucket)
        if bucket is not None:
            bucket.pop(entry, None)
            if not bucket:
                del self._buckets[entry.bucket]
        entry.bucket = -1

    def due(self, entry: Expiring) -> float:
        """When an entry that waits here expires, on the clock of `add`."""
        return entry.bucket * self._tick

    def __iter__(self) -> Iterator[Any]:
        for bucket in list(self._buckets.values()):
            yield from list(bucket)

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets.values())

    async def run(self) -> None:
        while True:
            self._expire_due()
            await self._sleep()

    def _expire_due(self) -> None:
        now = trio.current_time()
        while self._ticks and (self._ticks[0] not in self._buckets or self._ticks[0] * self._tick <= now):
            bucket = self._buckets.pop(heapq.heappop(self._ticks), None)
            for entry in bucket or ():
                entry.bucket = -1
                entry.expire()

    async def _sleep(self) -> None:
        self._sleeping_until = self._ticks[0] if self._ticks else None
        deadline = self._sleeping_until * self._tick if self._sleeping_until is not None else float("inf")

        def abort(_: Any) -> trio.lowlevel.Abort:
            self._parked = None
            return trio.lowlevel.Abort.SUCCEEDED

        with trio.CancelScope(deadline=deadline):
            self._parked = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(abort)
