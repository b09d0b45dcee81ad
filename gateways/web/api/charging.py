"""Smart charging and local lists of a station: what our books say, and what an operator wants of the list."""

from typing import Annotated, Any, Literal

import msgspec

from actors.charging.messages import Composite, CompositeReply
from actors.locallist.messages import DropList, PutList
from actors.model.ids import CHARGING, LOCAL_LIST, sibling_address
from actors.model.token import TokenType
from gateways.web import identity, limits
from gateways.web.api.stations import known
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, wrong_fields, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope

TAG = "Charging profiles and local lists"


class CompositePeriod(msgspec.Struct, frozen=True):
    """From `start` seconds on. `limit` in the unit of the schedule, null where nothing limits."""

    start: int
    limit: float | None
    phases: int | None


class CompositeView(msgspec.Struct, frozen=True):
    evse: int
    start: str
    duration: int
    unit: str
    periods: list[CompositePeriod]


async def get_composite(call: Call) -> CompositeView:
    await known(call)
    query = call.query
    if not 1 <= query["duration"] <= limits.COMPOSITE_SECONDS:
        raise wrong_parameter("duration", f"1 to {limits.COMPOSITE_SECONDS} seconds")
    asked = Composite(query["evse"], query["duration"], query["unit"])
    reply: CompositeReply = await call.ask(sibling_address(call.own, CHARGING, call.path["station"]), asked)
    periods = [CompositePeriod(at, None if limit is None else float(limit), phases) for at, limit, phases in reply.periods]
    start = reply.start.isoformat().replace("+00:00", "Z")
    return CompositeView(query["evse"], start, query["duration"], reply.unit, periods)


class ListedToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    type: TokenType = "ISO14443"


class LocalListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens that the tenant knows; what it says of them later reaches the station by itself."""

    tokens: Annotated[list[ListedToken], msgspec.Meta(max_length=10_000)]


class LocalListView(msgspec.Struct, frozen=True):
    """`state`: kept (by us), by hand, sending, failing, not supported, none. `held`: tokens that the station has by our
    book; `version` of its list."""

    state: str
    version: int
    held: int
    wanted: int
    failures: int
    outcome: str


_NONE = LocalListView("none", 0, 0, 0, 0, "")


async def get_local_list(call: Call) -> LocalListView:
    await known(call)
    page = await call.env.queries.book(call.own, call.path["station"], "local_list", 1, None)
    return msgspec.convert(page.items[0].body, LocalListView) if page.items else _NONE


async def put_local_list(call: Call) -> Answer:
    await known(call)
    body: LocalListBody = call.body
    refs, wrong = [], []
    for n, token in enumerate(body.tokens):
        ref = call.env.vault.token(call.own, token.uid, token.type).ref
        if call.env.snapshots.token(call.own, ref) is None:
            wrong.append(FieldError("the tenant has no such token: PUT it under /tokens first", pointer=f"/tokens/{n}/uid"))
        refs.append(ref)
    if wrong:
        raise wrong_fields(wrong[: limits.PAGE_DEFAULT])
    await call.ask(_list(call), PutList(tuple(refs), call.principal.who))
    return Answer(await get_local_list(call))


async def delete_local_list(call: Call) -> Answer:
    await known(call)
    await call.ask(_list(call), DropList(call.principal.who))
    return Answer()


def _list(call: Call) -> tuple[str, str, str]:
    return sibling_address(call.own, LOCAL_LIST, call.path["station"])


class LocalListEntryView(msgspec.Struct, frozen=True):
    """`status`: what the tenant says of the token today; null for one that it does not know."""

    token: str
    status: str | None


async def list_local_list_entries(call: Call) -> Items[LocalListEntryView]:
    await known(call)
    query = call.query
    page = await call.env.queries.book(call.own, call.path["station"], "local_list_entry", query["limit"], query["cursor"])
    return page_of(page, [_entry(call, row.key, row.body) for row in page.items])


def _entry(call: Call, ref: str, body: dict[str, Any]) -> LocalListEntryView:
    card = call.env.snapshots.token(call.own, ref)
    if card is None:
        return LocalListEntryView(body.get("token", ""), None)
    return LocalListEntryView(card.masked, card.status)


_S = "/api/v1/tenants/{tenant}/stations/{station}"
ROUTES = (
    Route(
        method="GET", path=_S + "/composite", handler=get_composite, tag=TAG, scope=Scope.TENANT, answer=CompositeView,
        summary="The composite schedule of an EVSE by our own book",
        description="What all profiles that the station confirmed, and the limits that others told, allow from now on. "
        "GetCompositeSchedule asks the station itself; the two are compared then.",
        query=(
            Query("evse", int, "EVSE (0: the grid connection)", 0),
            Query("duration", int, "Seconds from now", 86_400),
            Query("unit", Literal["A", "W"], "A (per phase) or W", "A"),
        ),
    ),
    Route(
        method="GET", path=_S + "/local-list", handler=get_local_list, tag=TAG, scope=Scope.TENANT, answer=LocalListView,
        summary="How the station's local list stands",
    ),
    Route(
        method="PUT", path=_S + "/local-list", handler=put_local_list, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="What the station's local list should hold, from now on",
        description="Kept in step: sent in parts of what the station takes, with rising versions; again after new firmware; "
        "changed when a token changes.",
        body=LocalListBody, answer=LocalListView,
    ),
    Route(
        method="DELETE", path=_S + "/local-list", handler=delete_local_list, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Empty the station's local list", status=204,
    ),
    Route(
        method="GET", path=_S + "/local-list/entries", handler=list_local_list_entries, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Tokens that the station has, by our book", answer=Items[LocalListEntryView],
    ),
)  # fmt: skip
