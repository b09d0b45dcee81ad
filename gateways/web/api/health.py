"""Is the process alive, may it get traffic, and what do its counters say. Open to everyone: no tenant, no name in it."""

from typing import Any

import msgspec

from gateways.web.call import Call
from gateways.web.table import Answer, Route, Scope

TAG = "Health"


class HealthView(msgspec.Struct, frozen=True):
    status: str
    versions: dict[str, str]


class ReadyView(msgspec.Struct, frozen=True):
    """`database`: ready or away, and since when. Where it is and what it met last is for the console and the log: this
    route asks nobody who they are."""

    ready: bool
    database: dict[str, Any]


async def healthz(call: Call) -> HealthView:
    return HealthView("ok", dict(call.env.versions))


async def readyz(call: Call) -> Answer:
    """503 while the database is away or the node drains. Sockets stay open meanwhile."""
    ready = call.env.health.ready and not call.services.closing.is_set()
    said = call.env.health.describe()
    shown: dict[str, Any] = {name: said[name] for name in ("state", "since") if name in said}
    return Answer(ReadyView(ready, shown), status=200 if ready else 503)


async def metrics(call: Call) -> Answer:
    return Answer(call.services.metrics.render())


ROUTES = (
    Route(
        method="GET", path="/healthz", handler=healthz, tag=TAG, scope=Scope.PUBLIC, summary="Liveness", answer=HealthView
    ),
    Route(
        method="GET", path="/readyz", handler=readyz, tag=TAG, scope=Scope.PUBLIC, summary="Readiness", answer=ReadyView,
        other_statuses={503: "Not ready"},
    ),
    Route(
        method="GET", path="/metrics", handler=metrics, tag=TAG, scope=Scope.PUBLIC, summary="Prometheus metrics", answer=str,
        answer_media="text/plain; version=0.0.4; charset=utf-8",
    ),
)  # fmt: skip
