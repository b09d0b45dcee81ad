"""The node's pulse for the overview: a sample of its raw counters every second, rates as differences of two.

Sampled only while somebody watches, once per node however many watch.
"""

import os
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import trio

from gateways.web import limits
from gateways.web.env import WebEnv

KEPT = 120
_STATM = Path("/proc/self/statm")


class Sample(msgspec.Struct, frozen=True):
    """`turns`, `commits`, `asks` and `crashes` per second since the sample before; times in milliseconds (`turn_*`: from taking a
    message to its durable end); `memory` resident bytes."""

    at: datetime
    turns: float
    commits: float
    asks: float
    crashes: float
    turn_p50_ms: float
    turn_p99_ms: float
    commit_p50_ms: float
    commit_p99_ms: float
    lag_p99_ms: float
    lag_worst_ms: float
    memory: int
    actors: int
    queued: int
    raw: dict[str, Any]


class Pulse:
    def __init__(self, env: WebEnv) -> None:
        self._env = env
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self._before: tuple[float, Mapping[str, Any]] | None = None
        self._watchers = 0
        self._wanted = trio.Event()
        self._beat = trio.Event()

    async def run(self) -> None:
        while True:
            await self._wanted.wait()
            while self._watchers:
                began = trio.current_time()
                self.take()
                cost = trio.current_time() - began
                self._beat.set()
                self._beat = trio.Event()
                await trio.sleep(max(limits.CONSOLE_TICK_SECONDS, limits.CONSOLE_SHARE * cost))
            self._wanted = trio.Event()
            self._before = None

    async def beats(self) -> AsyncGenerator[None, None]:
        """One item per sample, while the caller iterates."""
        self._watchers += 1
        self._wanted.set()
        try:
            while True:
                await self._beat.wait()
                yield
        finally:
            self._watchers -= 1

    def take(self) -> Sample:
        stats = self._env.system.inspect.stats()
        now = trio.current_time()
        before, self._before = self._before, (now, stats)
        elapsed = now - before[0] if before else 0.0
        old = before[1] if before else stats
        commits = _difference(stats.get("commit_us", {}), old.get("commit_us", {}))
        lag = _difference({"": stats.get("lag_us", {})}, {"": old.get("lag_us", {})})
        durable = _difference({"": stats.get("turn_us", {})}, {"": old.get("turn_us", {})})
        sample = Sample(
            at=self._env.now(),
            turns=_rate(stats, old, "turns", elapsed),
            commits=_rate(stats, old, "commits", elapsed),
            asks=_rate(stats, old, "asks", elapsed),
            crashes=_rate(stats, old, "crashes", elapsed),
            turn_p50_ms=quantile(durable, 0.5) / 1000,
            turn_p99_ms=quantile(durable, 0.99) / 1000,
            commit_p50_ms=quantile(commits, 0.5) / 1000,
            commit_p99_ms=quantile(commits, 0.99) / 1000,
            lag_p99_ms=quantile(lag, 0.99) / 1000,
            lag_worst_ms=stats.get("lag_max_us", 0) / 1000,
            memory=resident_bytes(),
            actors=sum(sum(kind.values()) for kind in stats.get("actors", {}).values()),
            queued=stats.get("queued", 0),
            raw=stats,
        )
        self.samples.append(sample)
        return sample


def _rate(now: Mapping[str, Any], before: Mapping[str, Any], name: str, elapsed: float) -> float:
    return (now.get(name, 0) - before.get(name, 0)) / elapsed if elapsed > 0 else 0.0


def _difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[int]:
    """Bucket counts of all lanes together that are new since `before` (all of them, when nothing is)."""
    totals = _summed(now)
    new = [count - old for count, old in zip(totals, _summed(before), strict=True)]
    return new if any(new) else totals


def _summed(lanes: Mapping[str, Any]) -> list[int]:
    buckets = [lane["log2"] for lane in lanes.values() if lane and "log2" in lane]
    return [sum(column) for column in zip(*buckets, strict=True)] if buckets else [0] * 32


def quantile(counts: list[int], q: float) -> int:
    """Upper bound of the power-of-two bucket in which the quantile lies."""
    wanted, seen = q * sum(counts), 0
    for bits, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return (1 << bits) - 1
    return 0


def resident_bytes() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
