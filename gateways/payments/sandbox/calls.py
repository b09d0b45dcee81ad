"""What a route's handler gets: the call with its checked parameters, and lists answered page by page."""

from collections.abc import Callable, Iterable

import msgspec

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.errors import Obj, Refusal
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World


class Call(msgspec.Struct):
    """`account`: on which it is made (the platform's without Stripe-Account). `params`: checked and typed. `ids`: of the path."""

    world: World
    account: str
    params: Obj
    ids: dict[str, str]
    path: str = ""

    def has(self, name: str) -> bool:
        return name in self.params

    @property
    def connected(self) -> bool:
        return self.account != self.world.platform


def page(call: Call, found: Iterable[Obj], url: str) -> Obj:
    """`found`, newest first, cut to what `limit`, `starting_after`, `ending_before` and `created` ask for."""
    params = call.params
    most = params.get("limit", limits.PAGE_USUAL)
    if not 1 <= most <= limits.PAGE_MOST:
        raise Refusal(f"This value must be between 1 and {limits.PAGE_MOST}.", code="parameter_invalid_integer", param="limit")
    rows = [obj for obj in found if _created(params.get("created"), obj)]
    after, before = params.get("starting_after"), params.get("ending_before")
    ids = [obj["id"] for obj in rows]
    for name, mark in (("starting_after", after), ("ending_before", before)):
        if mark is not None and mark not in ids:
            raise Refusal(f"No such object: '{mark}'", code="resource_missing", param=name)
    more = False
    if before is not None:
        rows = rows[: ids.index(before)]
        rows, more = rows[-most:], len(rows) > most
    else:
        if after is not None:
            rows = rows[ids.index(after) + 1 :]
        rows, more = rows[:most], len(rows) > most
    return {"object": "list", "url": url, "has_more": more, "data": rows}


def _created(wanted: object, obj: Obj) -> bool:
    if wanted is None:
        return True
    at = obj["created"]
    if isinstance(wanted, int):
        return bool(at == wanted)
    assert isinstance(wanted, dict)
    return all(_COMPARE[name](at, bound) for name, bound in wanted.items())


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}


def lister(kind: str, *filters: str) -> Callable[[Call], Obj]:
    """A handler that lists the account's objects of a kind, narrowed by equal fields."""

    def listed(call: Call) -> Obj:
        wanted = {name: call.params[name] for name in filters if name in call.params}
        rows = (
            obj for obj in call.world.newest(call.account, kind) if all(obj.get(name) == value for name, value in wanted.items())
        )
        return page(call, rows, call.path)

    return listed


def getter(kind: str) -> Callable[[Call], Obj]:
    """A handler that retrieves one object."""
    return lambda call: call.world.get(call.account, kind, call.ids["id"])


def updater(kind: str, *fields: str) -> Callable[[Call], Obj]:
    """A handler that changes metadata and plain fields."""

    def updated(call: Call) -> Obj:
        obj = call.world.get(call.account, kind, call.ids["id"])
        if call.has("metadata"):
            obj["metadata"] = metadata(call.params["metadata"], obj.get("metadata"))
        for name in fields:
            if call.has(name):
                obj[name] = call.params[name] or None
        call.world.save(obj)
        return obj

    return updated


def paged(data: list[Obj], url: str) -> Obj:
    """A list inside an object."""
    return {"object": "list", "data": data, "has_more": False, "url": url}
