"""Charging sessions, their CDRs, and what an operator decides on the ones that no machine may bill."""

from typing import Any, Literal

import msgspec

from actors.model.documents import invoice_id
from actors.model.ids import session_address
from actors.model.rows import CdrRow, SessionRow
from actors.ports import TariffCard
from actors.session.messages import Credit, Look, Resolve
from gateways.web import identity, limits
from gateways.web.api.types import EnergyWh, Moment, Reason
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_fields
from gateways.web.session_views import SessionDetail, SessionView, cdr_view, session_detail, session_view
from gateways.web.signed import judge_signed
from gateways.web.table import PAGED, Items, Query, Route, Scope

TAG = "Sessions"


class ResolveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bill` as recorded (`tariff` names the one to use where the session had none), `correct` bills what is given here
    instead of what was recorded, `waive` bills nothing. The reason is kept."""

    action: Literal["bill", "correct", "waive"]
    reason: Reason
    energy_wh: EnergyWh | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    tariff: str | None = None


class SessionCreditBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason is kept."""

    reason: Reason


class CdrPage(msgspec.Struct, frozen=True):
    """OCPI 2.2.1 CDR objects, each with our `session` and `journal` beside its own fields."""

    items: list[dict[str, Any]]
    next: str | None = None


async def list_sessions(call: Call) -> Items[SessionView]:
    query = call.query
    page = await call.env.queries.sessions(call.own, query["station"], query["state"], query["limit"], query["cursor"])
    return page_of(page, [session_view(row) for row in page.items])


async def _row(call: Call) -> SessionRow:
    row: SessionRow | None = await call.env.queries.session(call.own, call.path["session"])
    if row is None:
        raise Problem("not-found", f"there is no session {call.path['session']!r}")
    return row


async def get_session(call: Call) -> SessionDetail:
    """The row of an active session may be 10 s old: then its actor is asked."""
    row = await _row(call)
    if row.state == "active":
        row = await _fresh(call, row)
    readings = await call.env.queries.meter_values(call.own, row.id)
    signed = any(sample.signed for reading in readings for sample in reading.samples)
    key = await _meter_key(call, row) if signed else ""
    return session_detail(row, readings, judge_signed(readings, key))


async def _meter_key(call: Call, row: SessionRow) -> str:
    """The meter's public key as the station told it: FiscalMetering.PublicKey of the EVSE (1.6 MeterPublicKey<n>)."""
    cursor: str | None = None
    while True:
        page = await call.env.queries.variables(call.own, row.station, limits.PAGE_MAX, cursor)
        for variable in page.items:
            if (variable.component, variable.variable) == ("FiscalMetering", "PublicKey") and variable.evse in (None, row.evse):
                return next((str(each["value"]) for each in variable.attributes if each.get("value")), "")
        cursor = page.next
        if cursor is None:
            return ""


async def _fresh(call: Call, row: SessionRow) -> SessionRow:
    try:
        reply = await call.ask(session_address(call.own, row.id), Look(), deadline=limits.LOOK_SECONDS)
    except Problem:
        return row
    return reply if isinstance(reply, SessionRow) else row


async def resolve_session(call: Call) -> SessionView:
    body: ResolveBody = call.body
    row = await _row(call)
    message = Resolve(
        action=body.action,
        reason=body.reason,
        who=call.principal.who,
        energy_wh=body.energy_wh,
        started_at=body.started_at,
        ended_at=body.ended_at,
        tariff=_checked(call, body, row),
    )
    await call.ask(session_address(call.own, row.id), message)
    return session_view(await _fresh(call, await _row(call)))


async def credit_session(call: Call) -> SessionView:
    body: SessionCreditBody = call.body
    row = await _row(call)
    queries = call.env.queries
    cdr = await queries.cdr(call.own, row.cdr) if row.cdr is not None else None
    journal = await queries.journal(call.own, cdr.journal) if cdr is not None and cdr.journal is not None else None
    if cdr is None or journal is None:
        raise Problem("refused", "the session was not booked to be paid later: there is nothing to credit")
    invoice = await queries.document(call.own, invoice_id(row.id))
    await call.ask(session_address(call.own, row.id), Credit(body.reason, call.principal.who, cdr, journal, invoice))
    call.audit("session.credit", row.id, reason=body.reason)
    return session_view(await _fresh(call, await _row(call)))


def _checked(call: Call, body: ResolveBody, row: SessionRow) -> TariffCard | None:
    errors = []
    corrections = {"energy_wh": body.energy_wh, "started_at": body.started_at, "ended_at": body.ended_at}
    if body.action == "correct" and not any(value is not None for value in corrections.values()):
        errors.append(FieldError("a correction needs energy_wh, started_at or ended_at", pointer="/action"))
    if body.action != "correct":
        errors += [
            FieldError("only with action 'correct'", pointer=f"/{name}")
            for name, value in corrections.items()
            if value is not None
        ]
    started, ended = body.started_at or row.started_at, body.ended_at or row.ended_at
    if body.action == "correct" and started is not None and ended is not None and ended < started:
        errors.append(FieldError("the end lies before the start", pointer="/ended_at"))
    card = None
    if body.tariff is not None:
        card = call.env.snapshots.tariff(call.own, body.tariff, started or call.env.now())
        if card is None:
            errors.append(FieldError(f"no version of tariff {body.tariff!r} was in force then", pointer="/tariff"))
    if errors:
        raise wrong_fields(errors)
    return card


async def list_cdrs(call: Call) -> CdrPage:
    page = await call.env.queries.cdrs(call.own, call.query["limit"], call.query["cursor"])
    return CdrPage([cdr_view(row) for row in page.items], page.next)


async def get_cdr(call: Call) -> dict[str, Any]:
    row: CdrRow | None = await call.env.queries.cdr(call.own, call.path["cdr"])
    if row is None:
        raise Problem("not-found", f"there is no CDR {call.path['cdr']!r}")
    return cdr_view(row)


_T = "/api/v1/tenants/{tenant}"
ROUTES = (
    Route(
        method="GET", path=_T + "/sessions", handler=list_sessions, tag=TAG, scope=Scope.TENANT,
        summary="Sessions, newest first",
        query=(
            *PAGED,
            Query("station", str, "Only of this station"),
            Query("state", Literal["active", "ended", "quarantined"], "Only in this state"),
        ),
        answer=Items[SessionView],
    ),
    Route(
        method="GET", path=_T + "/sessions/{session}", handler=get_session, tag=TAG, scope=Scope.TENANT,
        summary="One session with its meter values", answer=SessionDetail,
    ),
    Route(
        method="POST", path=_T + "/sessions/{session}/resolve", handler=resolve_session, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Settle a quarantined or unpriced session", body=ResolveBody, answer=SessionView,
        problems=("conflict", "refused"),
    ),
    Route(
        method="POST", path=_T + "/sessions/{session}/credit", handler=credit_session, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Take the whole bill of an invoiced session back",
        description="Its journal is reversed, a credit CDR and a credit note are issued, all at once. What a card or a wallet "
        "paid is refunded there. Credited twice is credited once.",
        body=SessionCreditBody, answer=SessionView, problems=("conflict", "refused"),
    ),
    Route(
        method="GET", path=_T + "/cdrs", handler=list_cdrs, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Charge detail records, newest first", description="OCPI 2.2.1 CDR objects, with `session` and `journal`.",
        answer=CdrPage,
    ),
    Route(
        method="GET", path=_T + "/cdrs/{cdr}", handler=get_cdr, tag=TAG, scope=Scope.TENANT, summary="One CDR",
        answer=dict[str, Any],
    ),
)  # fmt: skip
