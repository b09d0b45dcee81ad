"""What the console's templates are given: plain values, already bounded, scoped and in words that people read."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateways.web import limits
from gateways.web.api.actors import inspected
from gateways.web.census import SORTS, WORDS, Query
from gateways.web.console.language import Words
from gateways.web.console.session import Visit
from gateways.web.pulse import Sample
from runtime.address import Address
from runtime.status import Status
from runtime.store import StoreAway
from runtime.survey import Branch

STATUSES = tuple(status.value for status in Status)
_SPARK_WIDTH, _SPARK_HEIGHT = 160, 32


async def overview(visit: Visit) -> dict[str, Any]:
    """The node for the platform owner; for a tenant only what is its own."""
    env, services = visit.env, visit.services
    if visit.tenant is not None:
        return {"by_kind": await services.census.by_kind(visit.tenant), "node": None}
    samples = list(services.pulse.samples) or [services.pulse.take()]
    last = samples[-1]
    found: dict[str, Any] = {"by_kind": dict(sorted(last.raw.get("actors", {}).items()))}
    found["node"] = {
        "name": env.system.node,
        "last": last,
        "ready": env.health.ready,
        "database": flat(env.health.describe()),
        "ocpp": [line for line in flat(env.ocpp_stats()) if line[1] != "0"],
        "ocpp_quiet": [name for name, value in flat(env.ocpp_stats()) if value == "0"],
        "versions": env.versions,
        "services": env.system.root.describe(),
        "waits": env.system.inspect.waits()[: limits.CONSOLE_TRACE_ROWS],
        "tiles": _tiles(samples, visit.t),
    }
    return found


def _tiles(samples: list[Sample], t: Words) -> list[dict[str, Any]]:
    last = samples[-1]
    return [
        _tile(t("Turns per second"), t.n(last.turns), [s.turns for s in samples], t("{n} asks per second", n=t.n(last.asks))),
        _tile(t("Commits per second"), t.n(last.commits), [s.commits for s in samples]),
        _tile(
            t("Durable turn p50 / p99"), _pair(t, last.turn_p50_ms, last.turn_p99_ms), [s.turn_p99_ms for s in samples],
            t("from taking a message to its commit"),
        ),
        _tile(t("Commit p50 / p99"), _pair(t, last.commit_p50_ms, last.commit_p99_ms), [s.commit_p99_ms for s in samples]),
        _tile(
            t("Loop lag p99"), f"{t.n(last.lag_p99_ms, 1)} ms", [s.lag_p99_ms for s in samples],
            t("worst {n} ms", n=t.n(last.lag_worst_ms)),
        ),
        _tile(t("Memory"), f"{t.n(last.memory / 1_048_576)} MB", [s.memory for s in samples]),
        _tile(t("Actors"), t.n(last.actors), [s.actors for s in samples]),
        _tile(t("Waiting messages"), t.n(last.queued), [s.queued for s in samples]),
        _tile(
            t("Crashes"), t.n(last.raw.get("crashes", 0)), [s.crashes for s in samples],
            t("{n} dead letters", n=t.n(last.raw.get("dead_letters", 0))),
        ),
    ]  # fmt: skip


def _pair(t: Words, low: float, high: float) -> str:
    return f"{t.n(low, 1)} / {t.n(high, 1)} ms"


def _tile(label: str, value: str, series: Iterable[float], note: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "note": note, "spark": spark(list(series))}


def spark(series: list[float]) -> str:
    """Points of an SVG polyline in a box of 160 by 32."""
    if len(series) < 2:
        return ""
    low, high = min(series), max(series)
    span = (high - low) or 1.0
    step = _SPARK_WIDTH / (len(series) - 1)
    return " ".join(
        f"{n * step:.1f},{_SPARK_HEIGHT - 2 - (value - low) / span * (_SPARK_HEIGHT - 4):.1f}" for n, value in enumerate(series)
    )


async def actor_list(visit: Visit, args: Mapping[str, str]) -> dict[str, Any]:
    """A page of the list, and what it was asked for: {entries, total, query, previous, next}."""
    sort = args.get("sort", "address")
    sort = sort if sort in SORTS else "address"
    order = args.get("order", "")
    offset = int(args["offset"]) if args.get("offset", "").isdecimal() and len(args["offset"]) < 9 else 0
    query = Query(
        tenant=visit.tenant, kind=args.get("kind", ""), status=args.get("status", ""), text=args.get("q", ""), sort=sort,
        down=order == "desc" if order in ("asc", "desc") else sort not in WORDS, offset=offset,
    )  # fmt: skip
    found = await visit.services.census.find(query)
    return {
        "entries": found.entries,
        "total": found.total,
        "query": query,
        "link": _link_of(query),
        "previous": max(0, offset - query.limit) if offset else None,
        "next": offset + query.limit if offset + query.limit < found.total else None,
    }


def _link_of(query: Query) -> dict[str, str]:
    """The query as a link says it; what is as usual is left out."""
    order = "" if query.down == (query.sort not in WORDS) else ("desc" if query.down else "asc")
    said = {"kind": query.kind, "status": query.status, "q": query.text, "sort": query.sort, "order": order}
    return {name: value for name, value in said.items() if value}


def actor(visit: Visit, address: Address) -> dict[str, Any] | None:
    """What is in memory: shown also while the database is away."""
    found = inspected(visit.env.system.inspect, address)
    if found is None:
        return None
    found["state_text"] = pretty(found.get("state"))
    text = str(address)
    found["waits"] = [edge for edge in visit.env.system.inspect.waits(address.tenant) if text in (edge["from"], edge["to"])][
        : limits.CONSOLE_WAITING_ROWS
    ]
    found["trace"] = visit.env.system.inspect.traced(address)[::-1]
    return found


async def below(visit: Visit, address: Address) -> Branch:
    found: Branch = await visit.env.system.inspect.branch(address, tenant=visit.tenant, limit=limits.CONSOLE_WAITING_ROWS)
    return found


async def stored(visit: Visit, address: Address) -> dict[str, Any] | None:
    """Timers, letters and effects of an actor, active or not; None while the database is away."""
    inspect = visit.env.system.inspect
    try:
        timers = await inspect.timers(None, address, limits.CONSOLE_WAITING_ROWS)
        return {"timers": timers, **await inspect.obligations(address, limits.CONSOLE_WAITING_ROWS)}
    except StoreAway:
        return None


def waits(visit: Visit) -> dict[str, Any]:
    """Open asks, the longest first."""
    edges = visit.env.system.inspect.waits(visit.tenant)
    edges.sort(key=lambda edge: edge["age"], reverse=True)
    return {"edges": edges[: limits.CONSOLE_LIST_ROWS], "total": len(edges)}


async def timers(visit: Visit, cursor: str | None) -> dict[str, Any]:
    found: dict[str, Any] = await visit.env.system.inspect.timers(visit.tenant, None, limits.CONSOLE_BRANCH_ROWS, cursor)
    return found


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def pretty_frame(body: str) -> str:
    """An OCPP frame for people; left alone when it is no JSON."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body


def flat(raw: Any) -> list[tuple[str, str]]:
    """Counters as lines of a table; histograms are told by their quantiles."""
    found = []
    for key, value in raw.items():
        if isinstance(value, dict):
            shown = ", ".join(f"{name} {part}" for name, part in value.items() if name != "log2" and not isinstance(part, dict))
        else:
            shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
        found.append((str(key).replace("_", " "), shown))
    return found
