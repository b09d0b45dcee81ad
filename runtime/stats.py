"""Raw counters of a node; whoever reads them computes rates. Never reset while the node lives."""

from typing import Any


class Histogram:
    """Counts by power of two: microseconds for times, turns for batches. Constant memory, one shift per value."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * 32
        self.total = 0

    def add(self, value: int) -> None:
        self.counts[min(31, value.bit_length())] += 1
        self.total += value

    def quantile(self, q: float) -> int:
        """Upper bound of the bucket in which the quantile lies."""
        wanted = q * sum(self.counts)
        seen = 0
        for bits, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return (1 << bits) - 1
        return 0

    def describe(self) -> dict[str, Any]:
        return {
            "count": sum(self.counts),
            "sum": self.total,
            "p50": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "log2": list(self.counts),
        }


class Stats:
    __slots__ = (
        "activations", "asks", "batch_sizes", "commit_us", "commits", "conflicts", "crashes", "dead_letters", "dropped",
        "gone", "lag_max_us", "lag_us", "letters_delivered", "letters_swept", "outbox_done", "outbox_failed", "passivations",
        "recover_batches", "rejected", "releases", "restarts", "store_away", "timers_fired", "turn_us", "turns", "volatile_turns",
    )  # fmt: skip

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)
        self.turns: int
        """Decisions made, durable or not."""
        self.volatile_turns: int
        self.commits: int
        """Batches written."""
        self.releases: int
        """Turns found committed."""
        self.asks: int
        self.conflicts: int
        self.gone: int
        self.rejected: int
        self.crashes: int
        self.restarts: int
        self.activations: int
        self.passivations: int
        self.recover_batches: int
        self.dead_letters: int
        self.dropped: int
        self.letters_delivered: int
        self.letters_swept: int
        self.timers_fired: int
        self.outbox_done: int
        self.outbox_failed: int
        self.store_away: int
        self.lag_max_us: int
        self.batch_sizes = {"main": Histogram(), "money": Histogram()}
        self.commit_us = {"main": Histogram(), "money": Histogram()}
        self.turn_us = Histogram()
        """From taking a message to releasing its durable turn."""
        self.lag_us = Histogram()

    def flushed(self, lane: str, turns: int, seconds: float) -> None:
        self.commits += 1
        self.batch_sizes[lane].add(turns)
        self.commit_us[lane].add(int(seconds * 1e6))

    def lag(self, seconds: float) -> None:
        micros = int(seconds * 1e6)
        self.lag_us.add(micros)
        self.lag_max_us = max(self.lag_max_us, micros)

    def describe(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in sorted(self.__slots__):
            value = getattr(self, name)
            if isinstance(value, Histogram):
                value = value.describe()
            elif isinstance(value, dict):
                value = {lane: histogram.describe() for lane, histogram in value.items()}
            found[name] = value
        return found
