"""The small books that are kept of a station: monitors, alerts, security events, firmware, logs, reports.

One list for each, all with the same face; an entry is what its keeper wrote, with its `book` as the tag of its type. A new
book is a Struct below and its place in `Entry`. Customer reports are personal: the book says how far one has come, its text
is a route of its own, for administrators, and leaves a line in the audit log.
"""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from actors.model.composite import Period
from actors.model.intents import ChargingProfile, ChargingSchedule, MessageText
from actors.model.rows import BookRow
from actors.station.upkeep import customer_ref
from gateways.web import identity
from gateways.web.api.stations import known
from gateways.web.call import Call
from gateways.web.problems import Problem, wrong_parameter
from gateways.web.station_views import ComponentRef, VariableName
from gateways.web.table import PAGED, Route, Scope

TAG = "Stations"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="book"):
    key: str
    updated_at: datetime


class MonitorEntry(_Entry, frozen=True, kw_only=True, tag="monitor"):
    """A monitor of a variable (OCPP 2.0.1 block N), as it was set or reported."""

    id: int
    component: ComponentRef
    variable: VariableName
    type: str
    value: float
    severity: int
    transaction: bool = False


class AlertEntry(_Entry, frozen=True, kw_only=True, tag="alert"):
    """An active alert: told and not cleared. `at` by the station's clock, `severity` of its monitor where that is known."""

    event_id: int
    at: datetime
    received: datetime
    component: ComponentRef
    variable: VariableName
    value: str
    kind: str
    monitor: int | None = None
    severity: int | None = None
    transaction_id: str | None = None
    tech_code: str | None = None
    tech_info: str | None = None


class SecurityEntry(_Entry, frozen=True, kw_only=True, tag="security"):
    """A security event, oldest first. `critical` by the standard's table."""

    type: str
    at: datetime
    critical: bool
    tech_info: str | None = None


class FirmwareEntry(_Entry, frozen=True, kw_only=True, tag="firmware"):
    """A step of an update, oldest first. `what`: requested, status, publish_requested, publish or unpublished; `status` the
    station's word."""

    what: str
    status: str
    at: datetime
    request_id: int | None = None
    locations: list[str] = []


class LogEntry(_Entry, frozen=True, kw_only=True, tag="log"):
    """A step of an upload, oldest first. `what`: requested or status."""

    what: str
    status: str
    at: datetime
    request_id: int | None = None
    log_type: str | None = None
    file_name: str | None = None


class ReportEntry(_Entry, frozen=True, kw_only=True, tag="report"):
    """A report in parts, of variables or monitors. `status`: running, complete or incomplete; `full`: it was to mention
    everything."""

    request_id: int
    what: str
    full: bool
    parts: int
    status: str
    began: datetime


class RebootEntry(_Entry, frozen=True, kw_only=True, tag="reboot_required"):
    """A setting that the station took for after its next reboot. `value` null: a secret."""

    component: ComponentRef
    variable: VariableName
    attribute: str
    at: datetime
    value: str | None = None
    key_1_6: str | None = None


class NetworkEntry(_Entry, frozen=True, kw_only=True, tag="network_profile"):
    """A network connection profile that the station accepted (B09), without its passwords."""

    slot: int
    csms_url: str
    security_profile: int
    interface: str
    ocpp_version: str
    message_timeout: int


class CustomerReportEntry(_Entry, frozen=True, kw_only=True, tag="customer_report"):
    """How far a customer report has come. `cut`: it was longer than what is kept."""

    request_id: int
    parts: int
    complete: bool
    cut: bool


class ProfileEntry(_Entry, frozen=True, kw_only=True, tag="profile"):
    """A charging profile that the station holds, by what it confirmed. `source`: who set it (CSO: we)."""

    evse: int
    profile: ChargingProfile
    at: datetime
    source: str = "CSO"


class LimitEntry(_Entry, frozen=True, kw_only=True, tag="limit"):
    """What somebody else limits, until it is lifted."""

    source: str
    at: datetime
    evse: int | None = None
    grid_critical: bool | None = None
    schedules: tuple[ChargingSchedule, ...] = ()


class CompositeEntry(_Entry, frozen=True, kw_only=True, tag="composite"):
    """The composite schedule that the station told of an EVSE beside ours. `differs`: it allows more than our book does."""

    evse: int
    unit: str
    at: datetime
    differs: bool
    ours: tuple[Period, ...] = ()
    theirs: tuple[Period, ...] = ()


class NeedsEntry(_Entry, frozen=True, kw_only=True, tag="needs"):
    """What the last vehicle at an EVSE wanted (ChargingNeedsType), and the profile that it got."""

    evse: int
    needs: dict[str, Any]
    status: str
    at: datetime
    profile: int | None = None


class DisplayEntry(_Entry, frozen=True, kw_only=True, tag="display"):
    """A message that the station's display holds."""

    id: int
    priority: str
    message: MessageText
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    transaction_id: str | None = None
    component: str | None = None
    component_instance: str | None = None
    evse: int | None = None
    connector: int | None = None


class ReservationEntry(_Entry, frozen=True, kw_only=True, tag="reservation"):
    """`state`: reserved, used, cancelled, expired or removed."""

    id: int
    state: str
    token: str
    expires: datetime
    reserved_at: datetime
    evse: int | None = None
    connector_type: str | None = None
    ended_at: datetime | None = None
    session: str | None = None


Entry = (
    MonitorEntry | AlertEntry | SecurityEntry | FirmwareEntry | LogEntry | ReportEntry | RebootEntry | NetworkEntry
    | CustomerReportEntry | ProfileEntry | LimitEntry | CompositeEntry | NeedsEntry | DisplayEntry | ReservationEntry
)  # fmt: skip
BOOKS: dict[str, Any] = {str(entry.__struct_config__.tag): entry for entry in get_args(Entry)}


def entry_of(row: BookRow) -> Any:
    body = {"book": row.book, "key": row.key, "updated_at": row.updated_at.astimezone(UTC), **row.body}
    return msgspec.convert(body, BOOKS[row.book])


class BookPage(msgspec.Struct, frozen=True):
    """A page of one book: `next` is the cursor of the following page, null at the end."""

    items: list[Entry]
    next: str | None = None


async def list_book(call: Call) -> BookPage:
    book = call.path["book"]
    if book not in BOOKS:
        raise Problem("not-found", f"there is no book {book!r}; there are {', '.join(sorted(BOOKS))}")
    await known(call)
    page = await call.env.queries.book(call.own, call.path["station"], book, call.query["limit"], call.query["cursor"])
    return BookPage([entry_of(row) for row in page.items], page.next)


class CustomerReportView(msgspec.Struct, frozen=True):
    """`text` as far as it came, its parts in their order."""

    request_id: int
    complete: bool
    cut: bool
    text: str


async def get_customer_report(call: Call) -> CustomerReportView:
    """The text of what a station knows of a customer (N09)."""
    station, number = call.path["station"], call.path["request_id"]
    if not number.isascii() or not number.isdecimal() or len(number) > 10:
        raise wrong_parameter("request_id", "a number: the request id of the CustomerInformation command")
    await known(call)
    page = await call.env.queries.book(call.own, station, "customer_report", 100, None)
    row = next((row for row in page.items if row.key == str(int(number))), None)
    if row is None:
        raise Problem("not-found", f"there is no customer report {number} of this station")
    text, seq, missing = [], 0, row.body["parts"]
    while missing and seq < row.body["parts"] + 1000:
        sealed = await call.env.queries.vault_row(call.own, customer_ref(station, row.body["request_id"], seq))
        if sealed is not None and sealed.key:
            text.append(call.env.vault.open(sealed))
            missing -= 1
        seq += 1
    call.audit("customer_report.read", station, request_id=row.body["request_id"])
    return CustomerReportView(row.body["request_id"], row.body["complete"], row.body["cut"], "".join(text))


_S = "/api/v1/tenants/{tenant}/stations/{station}"
ROUTES = (
    Route(
        method="GET", path=_S + "/books/{book}", handler=list_book, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="One of the small books kept of a station",
        description="`book` is one of " + ", ".join(f"`{name}`" for name in BOOKS) + "; it is the tag of the entries' type.",
        answer=BookPage,
    ),
    Route(
        method="GET", path=_S + "/customer-reports/{request_id}", handler=get_customer_report, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="What a station told of a customer (personal: for administrators, audited)",
        answer=CustomerReportView,
    ),
)  # fmt: skip
