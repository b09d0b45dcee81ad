"""What the console's templates are given: plain values, already bounded, scoped and in words that people read."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from gateways.web import limits
from gateways.web.api.actors import inspected
from gateways.web.console.session import Visit
from runtime.address import Address

SORTS = ("address", "kind", "status", "mailbox", "seq", "restarts", "crashes")
_SPARK_WIDTH, _SPARK_HEIGHT = 160, 32


def overview(visit: Visit) -> dict[str, Any]:
    """The node for the platform owner; for a tenant only what is its own."""
    env, services = visit.env, visit.services
    if visit.tenant is not None:
        return {"by_kind": _by_kind(env.system.inspect.actors(visit.tenant)), "node": None}
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
        "tiles": [
            _tile("Turns per second", f"{last.turns:,.0f}", [s.turns for s in samples]),
            _tile("Commits per second", f"{last.commits:,.0f}", [s.commits for s in samples]),
            _tile(
                "Commit p50 / p99", f"{last.commit_p50_ms:.1f} / {last.commit_p99_ms:.1f} ms", [s.commit_p99_ms for s in samples]
            ),
            _tile(
                "Loop lag p99", f"{last.lag_p99_ms:.1f} ms", [s.lag_p99_ms for s in samples], f"worst {last.lag_worst_ms:.0f} ms"
            ),
            _tile("Memory", f"{last.memory / 1_048_576:,.0f} MB", [s.memory for s in samples]),
            _tile("Actors", f"{last.actors:,}", [s.actors for s in samples]),
            _tile("Waiting messages", f"{last.queued:,}", [s.queued for s in samples]),
            _tile("Crashes", f"{last.raw.get('crashes', 0):,}", [], f"{last.raw.get('dead_letters', 0)} dead letters"),
        ],
    }
    return found


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


def _by_kind(lines: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        kind = found.setdefault(line["kind"], {})
        kind[line["status"]] = kind.get(line["status"], 0) + 1
    return dict(sorted(found.items()))


def tree(visit: Visit) -> dict[str, Any]:
    return visit.env.system.inspect.tree(visit.tenant, limits.CONSOLE_TREE_ROWS)


def actor_list(visit: Visit, kind: str, text: str, sort: str) -> dict[str, Any]:
    lines = [
        line
        for line in visit.env.system.inspect.actors(visit.tenant, kind or None)
        if text.casefold() in line["address"].casefold()
    ]
    key = sort if sort in SORTS else "address"
    lines.sort(key=lambda line: line[key], reverse=key not in ("address", "kind", "status"))
    return {"lines": lines[: limits.CONSOLE_TREE_ROWS], "total": len(lines), "sort": key, "kind": kind, "q": text}


def actor(visit: Visit, address: Address) -> dict[str, Any] | None:
    found = inspected(visit.env.system.inspect, address)
    if found is None:
        return None
    found["state_text"] = pretty(found.get("state"))
    return found


async def trace(visit: Visit, address: Address, action: str) -> list[Any]:
    """The newest OCPP frames of a station, newest first."""
    page = await visit.env.queries.messages(address.tenant, address.id, limits.CONSOLE_TRACE_ROWS, None, action=action or None)
    return list(page.items)


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


def ago(value: datetime | None) -> str:
    if value is None:
        return "never"
    seconds = (datetime.now(UTC) - value).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 1 else "just now"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
