"""A station's page: how it stands, which quirks it was seen to have, its device model, and the small books that are kept of it.

All of it is read only. What is shown of a book is what its rows say: no token and no secret is in them.
"""

from typing import Any

from quart import request

from actors.model.ids import STATION, station_address
from actors.station.messages import LiveStation, Look
from gateways.web import limits
from gateways.web.call import ask
from gateways.web.console import model
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from gateways.web.station_views import VariableView, station_view, variable_view

BOOKS = {
    "configuration": "Configuration", "configuration_summary": "State of the configuration",
    "profile": "Charging profiles", "limit": "Charging limits", "composite": "Composite schedules", "needs": "Charging needs",
    "reservation": "Reservations", "display": "Display messages", "local_list": "Local list",
    "local_list_entry": "Local list entries",
    "certificate": "Certificates", "monitor": "Monitors", "alert": "Alerts", "report": "Reports",
    "security": "Security events", "firmware": "Firmware", "log": "Logs", "customer_report": "Customer reports",
}  # fmt: skip
"""Book -> what people call it (actors/model/rows.BookRow)."""
VARIABLES = "variables"
TIERS = {"repair": "read as what it means", "accept": "taken as it came, and flagged", "reject": "refused, or not sent"}
"""Tier of a quirk -> what that means for the station."""


async def page(visit: Visit) -> dict[str, Any]:
    """What the template is given. `view`: overview, variables, or the name of a book."""
    address = visit.address(request.args.get("address", ""))
    view = request.args.get("view", "overview")
    if address.kind != STATION:
        raise Problem("not-found", f"{address} is no station")
    found = await visit.env.queries.station(address.tenant, address.id)
    if found is None:
        raise Problem("not-found", f"there is no station {address.id!r}")
    row, seen, evses = found
    values: dict[str, Any] = {"address": str(address), "station": address.id, "view": view, "books": BOOKS}
    values["tabs"] = {"overview": "Overview", VARIABLES: "Device model", **BOOKS}
    cursor = request.args.get("cursor")
    if view == VARIABLES:
        component = request.args.get("component", "").strip()
        rows = await visit.env.queries.variables(
            address.tenant, address.id, limits.CONSOLE_BOOK_ROWS, cursor, component=component or None
        )
        values |= {"rows": [_variable(variable_view(item)) for item in rows.items], "next": rows.next, "component": component}
    elif view in BOOKS:
        rows = await visit.env.queries.book(address.tenant, address.id, view, limits.CONSOLE_BOOK_ROWS, cursor)
        values |= {"rows": [(item.key, item.updated_at, model.pretty(item.body)) for item in rows.items], "next": rows.next}
    else:
        quirks = await visit.env.queries.quirks(address.tenant, address.id)
        says = {quirk.id: quirk.says for quirk in visit.env.quirks.quirks}
        values |= {
            "view": "overview",
            "shown": station_view(row, seen, evses, await _live(visit, address.tenant, address.id), None, quirks),
            "says": says,
            "tiers": TIERS,
        }
    return values


async def _live(visit: Visit, tenant: str, station: str) -> LiveStation | None:
    """The actor's word; None when it cannot say (the row is shown then)."""
    try:
        reply = await ask(visit.env, station_address(tenant, station), Look(), limits.LOOK_SECONDS, "")
    except Problem:
        return None
    return reply if isinstance(reply, LiveStation) else None


def _variable(view: VariableView) -> dict[str, Any]:
    """One line: where it is, what it is called, its attributes in words."""
    where = view.component
    place = "" if where.evse is None else f"EVSE {where.evse}" + ("" if where.connector is None else f".{where.connector}")
    named = where.name if where.instance is None else f"{where.name} ({where.instance})"
    variable = view.variable.name if view.variable.instance is None else f"{view.variable.name} ({view.variable.instance})"
    values = ", ".join(f"{part.get('type', 'Actual')}: {part.get('value', '')}" for part in view.attributes)
    mutability = ", ".join(sorted({str(part["mutability"]) for part in view.attributes if part.get("mutability")}))
    return {"place": place, "component": named, "variable": variable, "values": values, "mutability": mutability, "key": view.key}
