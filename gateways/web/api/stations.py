"""Stations: registering, reading their live state, the CSV import, the inbox of unknown ones, device model and trace."""

from typing import Any, Literal
from urllib.parse import quote

import msgspec

from actors.model.ids import station_address
from actors.model.rows import InboxRow
from actors.station import messages
from actors.station.auth import hash_secret, new_password
from gateways.web import identity, limits
from gateways.web.api.station_body import StationBody, check_station, identity_problem
from gateways.web.api.station_csv import ImportReport, read_csv, run_import
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_parameter
from gateways.web.station_views import (
    AuthView,
    EvseView,
    InboxView,
    StationSummary,
    StationView,
    VariableView,
    inbox_view,
    station_summary,
    station_view,
    variable_view,
)
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope
from gateways.web.views import MessageView, message_view

TAG = "Stations"


async def put_station(call: Call) -> Answer:
    station = call.path["station"]
    problem = identity_problem(station)
    if problem:
        raise wrong_parameter("station", problem)
    body: StationBody = call.body if call.body is not None else StationBody()
    check_station(call, body)
    return await _registered(call, station, body)


async def _registered(call: Call, station: str, body: StationBody) -> Answer:
    reply, password = await register(call, station, body)
    view = await _read(call, station, password)
    if len(view.evses) != len(reply.evse_codes):  # their rows follow, once the letters to the EVSEs have arrived
        view = msgspec.structs.replace(view, evses=with_codes(view.evses, reply.evse_codes))
    location = f"/api/v1/tenants/{call.own}/stations/{quote(station, safe='')}"
    return Answer(view, status=201 if reply.created else 200, headers={"Location": location})


async def register(call: Call, station: str, body: StationBody) -> tuple[messages.Registered, str | None]:
    """Tell the station actor; returns its answer and the generated password, to be shown once."""
    auth = body.auth
    profile = 1 if auth is None else auth.profile
    keep = False
    if auth is None and call.env.snapshots.station(call.own, station) is not None:
        found = await call.env.queries.station(call.own, station)
        if found is not None and found[0].registered:
            keep, profile = True, found[0].profile
    if ":" in station and profile in (1, 2):
        detail = "without a colon where a password is used: Basic authentication ends the user's name at it"
        raise Problem("invalid-parameter", detail, errors=[FieldError(detail, parameter="station")])
    password, generated = (auth.password if auth else None), None
    if profile in (1, 2) and not keep and password is None:
        password = generated = new_password(call.env.token_bytes)
    secret = hash_secret(password.encode(), call.env.token_bytes) if password and profile in (1, 2) else None
    message = messages.Register(
        evses=body.evses,
        profile=profile,
        secret=secret,
        keep_secret=keep,
        versions=tuple(body.versions) or call.env.protocols,
        tariff=body.tariff,
        location=body.location,
        who=call.principal.who,
        serial=auth.serial if auth is not None else None,
        merchant=body.merchant,
    )
    return await call.ask(station_address(call.own, station), message), generated


def with_codes(evses: list[EvseView], codes: tuple[str, ...]) -> list[EvseView]:
    known = {evse.id: evse for evse in evses}
    return [
        known.get(n) or EvseView(id=n, status="Unknown", detail="Unknown", code=code, connectors=[], session=None)
        for n, code in enumerate(codes, start=1)
    ]


async def get_station(call: Call) -> StationView:
    return await _read(call, call.path["station"])


async def _read(call: Call, station: str, password: str | None = None) -> StationView:
    found = await call.env.queries.station(call.own, station)
    if found is None:
        raise Problem("not-found", f"there is no station {station!r}")
    row, seen, evses = found
    quirks = await call.env.queries.quirks(call.own, station)
    view = station_view(row, seen, evses, await live_station(call, station), password, quirks)
    return view if password is None else msgspec.structs.replace(view, auth=AuthView(row.profile, password))


async def live_station(call: Call, station: str) -> messages.LiveStation | None:
    """What the actor knows right now; None when it cannot say (the row is then the answer)."""
    try:
        reply = await call.ask(station_address(call.own, station), messages.Look(), deadline=limits.LOOK_SECONDS)
    except Problem:
        return None
    return reply if isinstance(reply, messages.LiveStation) else None


async def delete_station(call: Call) -> Answer:
    await known(call)
    await call.ask(station_address(call.own, call.path["station"]), messages.Unregister(call.principal.who))
    return Answer()


async def known(call: Call) -> Any:
    """The rows of the station in the path, or 404."""
    found = await call.env.queries.station(call.own, call.path["station"])
    if found is None:
        raise Problem("not-found", f"there is no station {call.path['station']!r}")
    return found


async def list_stations(call: Call) -> Items[StationSummary]:
    query = call.query
    page = await call.env.queries.stations(call.own, query["status"], query["q"], query["limit"], query["cursor"])
    return page_of(page, [station_summary(row, seen) for row, seen in page.items])


async def import_stations(call: Call) -> ImportReport:
    rows = read_csv(call.body)
    return await run_import(call, rows, register)


async def list_inbox(call: Call) -> Items[InboxView]:
    page = await call.env.queries.inbox(call.own, call.query["limit"], call.query["cursor"])
    return page_of(page, [inbox_view(row) for row in page.items])


async def adopt_station(call: Call) -> Answer:
    """Registers a station that knocked and takes it out of the inbox."""
    station = call.path["station"]
    waiting = await _waiting(call, station)
    body: StationBody = call.body if call.body is not None else StationBody()
    check_station(call, body)
    answer = await _registered(call, station, body)
    call.env.sink.put(msgspec.structs.replace(waiting, state="adopted", attempts=0))
    return answer


async def _waiting(call: Call, station: str) -> InboxRow:
    cursor: str | None = None
    while True:
        page = await call.env.queries.inbox(call.own, limits.PAGE_MAX, cursor)
        for row in page.items:
            if row.station == station:
                return row  # type: ignore[no-any-return]
        cursor = page.next
        if cursor is None:
            raise Problem("not-found", f"no station {station!r} is waiting in the inbox")


async def list_variables(call: Call) -> Items[VariableView]:
    await known(call)
    query = call.query
    page = await call.env.queries.variables(
        call.own, call.path["station"], query["limit"], query["cursor"],
        component=query["component"], variable=query["variable"], evse=query["evse"],
    )  # fmt: skip
    return page_of(page, [variable_view(row) for row in page.items])


async def list_messages(call: Call) -> Items[MessageView]:
    """Not only of registered stations: what an unknown one said is what one wants to see."""
    query = call.query
    page = await call.env.queries.messages(
        call.own, call.path["station"], query["limit"], query["cursor"], action=query["action"], unique_id=query["unique_id"]
    )
    return page_of(page, [message_view(row) for row in page.items])


_S = "/api/v1/tenants/{tenant}/stations"
StationStatus = Literal["online", "offline", "Available", "Occupied", "Reserved", "Unavailable", "Faulted"]
ROUTES = (
    Route(
        method="GET", path=_S, handler=list_stations, tag=TAG, scope=Scope.TENANT, summary="List stations",
        query=(
            *PAGED,
            Query("status", StationStatus, "Connected or not, or the status of any of its EVSEs"),
            Query("q", str, "Text in the identity or the location"),
        ),
        answer=Items[StationSummary],
    ),
    Route(
        method="POST", path=_S + "/import", handler=import_stations, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Import stations from CSV",
        description="A header line names the columns: `station` and any of `evses`, `profile`, `password`, `versions` "
        "(separated by spaces), `tariff`, `name`, `address`, `city`, `postal_code`, `country`, `latitude`, `longitude`, "
        "`time_zone`. Every line is checked before anything is written.",
        body=bytes, body_media="text/csv", body_limit=limits.IMPORT_BYTES, answer=ImportReport,
    ),
    Route(
        method="GET", path=_S + "/inbox", handler=list_inbox, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Unknown stations that knocked", answer=Items[InboxView],
    ),
    Route(
        method="POST", path=_S + "/inbox/{station}/adopt", handler=adopt_station, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Register a station from the inbox", body=StationBody, body_optional=True,
        answer=StationView, status=201, other_statuses={200: "It was registered already"},
    ),
    Route(
        method="GET", path=_S + "/{station}", handler=get_station, tag=TAG, scope=Scope.TENANT,
        summary="One station, live", answer=StationView,
    ),
    Route(
        method="PUT", path=_S + "/{station}", handler=put_station, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Register or change a station",
        description="Without `auth` a new station gets security profile 1 and a generated password, which this answer shows "
        "once, and a known one keeps what it has. `auth` without a password generates a new one. `{\"profile\": 0}` is the "
        "explicit choice of none. All other fields are replaced.",
        body=StationBody, body_optional=True, answer=StationView, other_statuses={201: "It is new"},
    ),
    Route(
        method="DELETE", path=_S + "/{station}", handler=delete_station, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Unregister a station", description="Refused with 409 while a session is open. Its history stays.",
        status=204, problems=("conflict",),
    ),
    Route(
        method="GET", path=_S + "/{station}/variables", handler=list_variables, tag=TAG, scope=Scope.TENANT,
        summary="The station's device model, 1.6 keys too",
        query=(
            *PAGED,
            Query("component", str, "Only of components of this name"),
            Query("variable", str, "Only variables of this name"),
            Query("evse", int, "Only of this EVSE; 0: of the station itself"),
        ), answer=Items[VariableView],
    ),
    Route(
        method="GET", path=_S + "/{station}/messages", handler=list_messages, tag=TAG, scope=Scope.TENANT,
        summary="The OCPP trace, newest first",
        query=(*PAGED, Query("action", str, "Only this action"), Query("unique_id", str, "Only this message and its answer")),
        answer=Items[MessageView],
    ),
)  # fmt: skip
