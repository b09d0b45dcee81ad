"""What a fleet counts while it runs."""

from collections import Counter, deque
from dataclasses import dataclass, field

from gateways.simulator import limits


@dataclass
class Stats:
    online: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """connects, refused, lost, boots, messages, errors, retries, dropped, started, stopped, garbage, faults ..."""
    energy_wh: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=limits.LATENCIES_KEPT))
    last_problem: str = ""

    def problem(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        self.last_problem = text

    def percentile(self, share: float) -> float:
        """Round trip in milliseconds below which `share` of the remembered ones are; 0 when there is none."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0

    def summary(self) -> dict[str, object]:
        return {
            **dict(sorted(self.counts.items())),
            "energy_wh": self.energy_wh,
            "p50_ms": round(self.percentile(0.5), 1),
            "p99_ms": round(self.percentile(0.99), 1),
        }
