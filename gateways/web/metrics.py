"""Prometheus metrics of the node, in a registry of their own.

The runtime and the OCPP listener keep raw counters and know nothing of Prometheus; they are read at scrape time. A
key that is new there appears here by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client import Histogram as RequestHistogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from gateways.web.connections import Room
from gateways.web.env import WebEnv

PREFIX = "voltroupe"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
_GAUGES = frozenset(
    (
        "connections", "online", "queued", "waiting", "lag_max_us", "asks_open", "pending", "size", "idle", "free",
        "soap_stations", "soap_answering",
    )
)  # fmt: skip
"""Raw numbers that go up and down; all others only grow."""


class Metrics:
    def __init__(self, env: WebEnv, streams: Sized, room: Room) -> None:
        self._registry = CollectorRegistry()
        self._requests = RequestHistogram(
            f"{PREFIX}_http_request_seconds",
            "Admin API requests",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._refused = Counter(f"{PREFIX}_http_refused", "Requests refused, by reason", ("reason",), registry=self._registry)
        self._registry.register(_NodeCollector(env, streams, room))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def render(self) -> bytes:
        return generate_latest(self._registry)


class _NodeCollector:
    """Reads runtime, listener and database when Prometheus asks."""

    def __init__(self, env: WebEnv, streams: Sized, room: Room) -> None:
        self._env = env
        self._streams = streams
        self._room = room

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the registry must not collect from a node that is not up yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from _families(f"{PREFIX}_runtime", self._env.system.inspect.stats())
        yield from _families(f"{PREFIX}_ocpp", self._env.ocpp_stats())
        yield from _families(f"{PREFIX}_http", self._room.stats())
        yield from _families(f"{PREFIX}_payments", self._env.payment_stats())
        yield from _families(f"{PREFIX}_database", self._env.health.describe())
        yield GaugeMetricFamily(f"{PREFIX}_database_ready", "1 while the database answers", float(self._env.health.ready))
        yield GaugeMetricFamily(f"{PREFIX}_sse_streams", "Open event streams", float(len(self._streams)))
        versions = GaugeMetricFamily(f"{PREFIX}_info", "Versions", labels=("component", "version"))
        for component, version in self._env.versions.items():
            versions.add_metric((component, version), 1.0)
        yield versions


def _families(prefix: str, raw: Mapping[str, Any]) -> Iterator[Metric]:
    """Numbers become counters or gauges, log2 histograms histograms; a map of them is one family with a label, a map of
    maps of numbers one with two."""
    for key, value in raw.items():
        name = f"{prefix}_{key}"
        if isinstance(value, bool):
            yield GaugeMetricFamily(name, key, float(value))
        elif isinstance(value, int | float):
            growing = isinstance(value, int) and key not in _GAUGES
            yield CounterMetricFamily(name, key, value) if growing else GaugeMetricFamily(name, key, value)
        elif isinstance(value, Mapping) and "log2" in value:
            yield _histogram(name, key, {"": value})
        elif isinstance(value, Mapping) and value:
            yield from _labelled(name, key, value)


def _labelled(name: str, key: str, value: Mapping[str, Any]) -> Iterator[Metric]:
    parts = list(value.values())
    if all(isinstance(part, Mapping) and "log2" in part for part in parts):
        yield _histogram(name, key, value)
    elif all(isinstance(part, Mapping) for part in parts):
        family = GaugeMetricFamily(name, key, labels=("kind", "status"))
        for kind, statuses in value.items():
            for status, count in statuses.items():
                if isinstance(count, int | float):
                    family.add_metric((str(kind), str(status)), count)
        yield family
    elif all(isinstance(part, int | float) for part in parts):
        family = GaugeMetricFamily(name, key, labels=("kind",))
        for kind, count in value.items():
            family.add_metric((str(kind),), count)
        yield family


def _histogram(name: str, help_text: str, by_label: Mapping[str, Any]) -> Metric:
    """Bucket n of the raw counts holds values of n bits: below 2**n."""
    bare = list(by_label) == [""]
    family = HistogramMetricFamily(name, help_text, labels=() if bare else ("kind",))
    for label, raw in by_label.items():
        buckets, total = [], 0
        for bits, count in enumerate(raw["log2"]):
            total += count
            buckets.append((str(float((1 << bits) - 1)), float(total)))
        buckets[-1] = ("+Inf", float(total))
        family.add_metric(() if bare else (label,), buckets, float(raw.get("sum", 0)))
    return family
