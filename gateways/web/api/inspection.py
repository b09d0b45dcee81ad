"""What one watches a node by: its actors as a sorted list or a branch of the tree, who waits for whom, timers, what waits in the
database, and the raw counters that rates are made of. The console and `csms top` show the same.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from gateways.web import identity, limits
from gateways.web.call import Call
from gateways.web.census import SORTS, WORDS, Entry
from gateways.web.census import Query as Search
from gateways.web.problems import Problem, wrong_parameter
from gateways.web.pulse import resident_bytes
from gateways.web.table import CURSOR, Query, Route, Scope
from runtime.address import Address
from runtime.survey import Line

TAG = "Actors"


class ActorLine(msgspec.Struct, frozen=True):
    """`handled` counts messages since its activation; `rate` is messages a second between the node's last two looks, null at
    the first; `current_age` in seconds."""

    address: str
    kind: str
    status: str
    seq: int
    mailbox: int
    handled: int
    rate: float | None
    current: str | None
    current_age: float | None
    restarts: int
    crashes: int
    crashed_at: datetime | None
    error: str | None


class ActorLines(msgspec.Struct, frozen=True):
    """`total`: how many there are on all pages."""

    items: list[ActorLine]
    total: int


class BranchLine(ActorLine, frozen=True):
    """`below`: how many children it has."""

    below: int


class BranchView(msgspec.Struct, frozen=True):
    """`hidden`: how many follow after `next`."""

    at: str | None
    items: list[BranchLine]
    hidden: int
    next: str | None


def _fields(line: Line, rate: float | None) -> dict[str, Any]:
    return {
        "address": str(line.address), "kind": line.address.kind, "status": line.status, "seq": line.seq, "mailbox": line.mailbox,
        "handled": line.handled, "rate": rate, "current": line.current, "current_age": line.age, "restarts": line.restarts,
        "crashes": line.crashes, "crashed_at": line.crashed_at, "error": line.error,
    }  # fmt: skip


def actor_line(entry: Entry) -> ActorLine:
    return ActorLine(**_fields(entry.line, entry.rate))


async def list_actors(call: Call) -> ActorLines:
    query = call.query
    sort = query["sort"]
    down = sort not in WORDS if query["order"] is None else query["order"] == "desc"
    if query["offset"] < 0:
        raise wrong_parameter("offset", "0 or more")
    search = Search(
        tenant=call.tenant, kind=query["kind"] or "", status=query["status"] or "", text=query["q"] or "", sort=sort, down=down,
        offset=query["offset"], limit=query["limit"],
    )  # fmt: skip
    found = await call.services.census.find(search)
    return ActorLines([actor_line(entry) for entry in found.entries], found.total)


async def actor_branch(call: Call) -> BranchView:
    at, after = _own_address(call, "at"), _own_address(call, "after")
    branch = await call.env.system.inspect.branch(at, tenant=call.tenant, limit=call.query["limit"], after=after)
    lines = [BranchLine(**_fields(line, None), below=below) for line, below in zip(branch.lines, branch.below, strict=True)]
    return BranchView(call.query["at"], lines, branch.hidden, str(branch.next) if branch.next is not None else None)


def _own_address(call: Call, name: str) -> Address | None:
    """The address in a parameter; another tenant's is as good as none."""
    text = call.query[name]
    if text is None:
        return None
    try:
        address = Address.parse(text)
    except ValueError as error:
        raise wrong_parameter(name, str(error)) from None
    if call.tenant is not None and address.tenant != call.tenant:
        raise Problem("not-found", "there is no such thing here")
    return address


async def actor_waits(call: Call) -> dict[str, Any]:
    edges = call.env.system.inspect.waits(call.tenant)
    edges.sort(key=lambda edge: edge["age"], reverse=True)
    return {"items": edges[: call.query["limit"]], "total": len(edges)}


async def actor_timers(call: Call) -> dict[str, Any]:
    address = _own_address(call, "address")
    found: dict[str, Any] = await call.env.system.inspect.timers(call.tenant, address, call.query["limit"], call.query["cursor"])
    return found


async def actor_waiting(call: Call) -> dict[str, Any]:
    address = Address.parse(call.query["address"])
    inspect = call.env.system.inspect
    timers = await inspect.timers(None, address, limits.CONSOLE_WAITING_ROWS)
    return {"timers": timers, **await inspect.obligations(address, limits.CONSOLE_WAITING_ROWS)}


async def actor_counters(call: Call) -> dict[str, Any]:
    by_kind = await call.services.census.by_kind(call.tenant)
    found: dict[str, Any] = {"node": call.env.system.node, "at": call.env.now(), "actors": by_kind}
    if call.principal.may(identity.PLATFORM) and call.tenant is None:
        found |= {
            "counters": call.env.system.inspect.stats(),
            "memory": resident_bytes(),
            "services": call.env.system.root.describe(),
            "database": {"ready": call.env.health.ready, **call.env.health.describe()},
            "ocpp": dict(call.env.ocpp_stats()),
        }
    return found


async def trace_actor(call: Call) -> dict[str, Any]:
    address = Address.parse(call.query["address"])
    if not 1 <= call.query["seconds"] <= limits.ACTOR_TRACE_SECONDS:
        raise wrong_parameter("seconds", f"from 1 to {limits.ACTOR_TRACE_SECONDS}")
    if not call.env.system.inspect.trace(address, float(call.query["seconds"])):
        raise Problem("not-found", f"{address} is not active on this node")
    return {"address": str(address), "seconds": call.query["seconds"]}


async def actor_trace(call: Call) -> dict[str, Any]:
    return {"items": call.env.system.inspect.traced(Address.parse(call.query["address"]))}


_ADDRESS = Query("address", str, "The actor's address: tenant/kind/id", required=True)
_TENANT = Query("tenant", str, "Only this tenant")
_LIMIT = Query("limit", int, f"How many at most (1 to {limits.PAGE_MAX})", limits.CONSOLE_BRANCH_ROWS)
ROUTES = (
    Route(
        method="GET", path="/api/v1/actors/list", handler=list_actors, tag=TAG, scope=Scope.OWN,
        summary="Active actors, searched and sorted",
        description="Raw counters: whoever wants rates over a time of their own takes the difference of two answers.",
        query=(
            _TENANT,
            Query("kind", str, "Only this kind"),
            Query("status", str, "Only in this status"),
            Query("q", str, "Only with this in the address"),
            Query("sort", Literal[tuple(SORTS)], "By what", "address"),
            Query("order", Literal["asc", "desc"], "Words ascend, numbers descend unless told"),
            Query("offset", int, "How many to leave out", 0),
            _LIMIT,
        ),
        answer=ActorLines,
    ),
    Route(
        method="GET", path="/api/v1/actors/branch", handler=actor_branch, tag=TAG, scope=Scope.OWN,
        summary="One branch of the supervision tree, a page at a time",
        query=(
            _TENANT,
            Query("at", str, "The parent's address; without it what stands at the top"),
            Query("after", str, "Where to go on: `next` of the previous page"),
            _LIMIT,
        ),
        answer=BranchView,
    ),
    Route(
        method="GET", path="/api/v1/actors/waits", handler=actor_waits, tag=TAG, scope=Scope.OWN,
        summary="Who waits for whom: open asks, the longest first",
        description="`from` is null where a gateway asks; `age` and `left` (until its deadline) in seconds.",
        query=(_TENANT, _LIMIT), answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/actors/timers", handler=actor_timers, tag=TAG, scope=Scope.OWN,
        summary="Timers, the next first",
        description="Durable ones are in the database and fire on whatever node the actor lives; volatile ones are this node's.",
        query=(_TENANT, Query("address", str, "Only this actor's"), _LIMIT, CURSOR), answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/actors/waiting", handler=actor_waiting, tag=TAG, scope=Scope.ADDRESS,
        summary="What waits for one actor: timers, letters, effects",
        description="By type and time, without contents. The actor need not be active.",
        query=(_ADDRESS,), answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/actors/counters", handler=actor_counters, tag=TAG, scope=Scope.OWN,
        summary="Raw counters of the node, and its actors by kind and status",
        description="A tenant's administrator gets its own actors by kind; the rest is the platform owner's.",
        query=(_TENANT,), answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/actors/trace", handler=actor_trace, tag=TAG, scope=Scope.ADDRESS,
        summary="What a traced actor has handled: types and times, no contents", query=(_ADDRESS,), answer=dict[str, Any],
    ),
    Route(
        method="POST", path="/api/v1/actors/trace", handler=trace_actor, tag=TAG, scope=Scope.ADDRESS, right=identity.WRITE,
        summary="Trace an actor for a while: it ends by itself",
        query=(_ADDRESS, Query("seconds", int, "How long (1 to 600)", 60)), answer=dict[str, Any],
    ),
)  # fmt: skip
