"""Tariffs (OCPI objects, versioned by content) and what a described session would cost by one, line by line."""

from datetime import date
from typing import Annotated, Any

import msgspec

from actors.model.afir import Finding, fit, lint
from actors.model.display import shown
from actors.model.ids import tenant_address
from actors.model.preview import preview
from actors.model.rows import TariffRow
from actors.model.tariff import Tariff
from actors.model.tariff_parse import TariffError, parse_tariff
from actors.tenant.messages import DeleteTariff, PutTariff, TariffStored
from gateways.web import identity, limits
from gateways.web.call import Call
from gateways.web.problems import FieldError, Problem, wrong_fields, wrong_parameter
from gateways.web.table import PAGED, Answer, Route, Scope
from gateways.web.views import TARIFF_OURS, tariff_view

TAG = "Tariffs"
ID_CHARS = 36
"""OCPI CiString(36)."""


class TariffPage(msgspec.Struct, frozen=True):
    """OCPI tariff objects, each with our `version`, `valid_from` and `fingerprint` beside its own fields."""

    items: list[dict[str, Any]]
    next: str | None = None


class LintBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`power_w`: of the EVSE; without it the rules for 50 kW and more are warnings. `deployed`: since when the point stands,
    None: since lately. `strict`: a fee per session breaks the shape of a fast point."""

    power_w: Annotated[int, msgspec.Meta(ge=0, le=limits.MOST_POWER_W)] | None = None
    deployed: date | None = None
    strict: bool = True


class LintAnswer(msgspec.Struct, frozen=True):
    """`ad_hoc`: no finding is an error, so the tariff may be paid ad hoc. `shown`: what drivers see, gross, in the legal order
    (numbers as text, to the last digit), and `hash` of it."""

    ad_hoc: bool
    findings: list[Finding]
    shown: dict[str, Any]
    hash: str


async def put_tariff(call: Call) -> Answer:
    tariff_id, card = call.path["tariff"], call.card
    if not tariff_id.isprintable() or len(tariff_id) > ID_CHARS:
        raise wrong_parameter("tariff", f"1 to {ID_CHARS} printable characters")
    given = {field: value for field, value in call.body.items() if field not in TARIFF_OURS}  # as it was read here
    parsed = _parsed(given, card.currency)
    if parsed.id and parsed.id != tariff_id:
        raise wrong_fields([FieldError(f"must be {tariff_id!r} as in the path", pointer="/id")])
    message = PutTariff(tariff_id, {**given, "id": tariff_id}, parsed.valid_from, call.principal.who)
    stored: TariffStored = await call.ask(tenant_address(call.own), message)
    return Answer(_with_lint(await _row(call)), status=201 if stored.created else 200)


def _with_lint(row: TariffRow) -> dict[str, Any]:
    """Beside the tariff what its price rules say: advice, since only paying ad hoc is refused by them."""
    return {**tariff_view(row), "lint": list(lint(_parsed(row.body, None)))}


def _parsed(body: Any, currency: str | None) -> Tariff:
    try:
        return parse_tariff(body, currency=currency)
    except TariffError as error:
        raise wrong_fields([FieldError(wrong.detail, pointer=wrong.pointer) for wrong in error.problems]) from None


async def _row(call: Call) -> TariffRow:
    row: TariffRow | None = await call.env.queries.tariff(call.own, call.path["tariff"])
    if row is None or row.deleted:
        raise Problem("not-found", f"there is no tariff {call.path['tariff']!r}")
    return row


async def get_tariff(call: Call) -> dict[str, Any]:
    return _with_lint(await _row(call))


async def list_tariffs(call: Call) -> TariffPage:
    page = await call.env.queries.tariffs(call.own, call.query["limit"], call.query["cursor"])
    return TariffPage([tariff_view(row) for row in page.items], page.next)


async def delete_tariff(call: Call) -> Answer:
    """Not while stations charge by it: their next sessions would have no price."""
    await _row(call)
    named = limits.STATIONS_NAMED
    stations = await call.env.queries.stations_with_tariff(call.own, call.path["tariff"], named + 1)
    if stations:
        names = ", ".join(stations[:named]) + (" and more" if len(stations) > named else "")
        raise Problem("conflict", f"stations charge by this tariff, give them another one first: {names}")
    await call.ask(tenant_address(call.own), DeleteTariff(call.path["tariff"], call.principal.who))
    return Answer()


async def preview_tariff(call: Call) -> dict[str, Any]:
    """The price comes from the very function that bills."""
    row = await _row(call)
    try:
        return preview(_parsed(row.body, None), call.body, time_zone=call.card.time_zone)
    except TariffError as error:
        raise wrong_fields([FieldError(wrong.detail, pointer=wrong.pointer) for wrong in error.problems]) from None


async def lint_tariff(call: Call) -> LintAnswer:
    tariff = _parsed((await _row(call)).body, None)
    body: LintBody = call.body
    findings = list(lint(tariff, body.power_w, body.deployed, strict=body.strict))
    seen = shown(tariff)
    return LintAnswer(fit(findings), findings, seen.plain, seen.hash)


_T = "/api/v1/tenants/{tenant}/tariffs"
ROUTES = (
    Route(
        method="GET", path=_T, handler=list_tariffs, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="List tariffs in their newest version", answer=TariffPage,
    ),
    Route(
        method="GET", path=_T + "/{tariff}", handler=get_tariff, tag=TAG, scope=Scope.TENANT,
        summary="One tariff in its newest version",
        description="The OCPI object as it was put; `version`, `valid_from`, `fingerprint` and `lint` beside its own fields.",
        answer=dict[str, Any],
    ),
    Route(
        method="PUT", path=_T + "/{tariff}", handler=put_tariff, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Create or change a tariff",
        description="An OCPI 2.2.1 or 2.3.0 tariff object. A change makes a new version; sessions under way keep theirs. "
        "`lint` in the answer is what the rules for ad hoc prices say of it: advice here, while paying ad hoc by a tariff with "
        "an error is refused.",
        body=dict[str, Any], answer=dict[str, Any], other_statuses={201: "It is new"},
    ),
    Route(
        method="DELETE", path=_T + "/{tariff}", handler=delete_tariff, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Delete a tariff", description="Refused with 409 while stations charge by it.", status=204,
        problems=("conflict",),
    ),
    Route(
        method="POST", path=_T + "/{tariff}/preview", handler=preview_tariff, tag=TAG, scope=Scope.TENANT,
        right=identity.READ, summary="What a session would cost, line by line",
        description="Describe a session: `start` (RFC 3339, or local `MONDAY 09:30`), `time_zone`, and one stretch "
        "(`energy_wh`, `charging_s`, `parking_s`, `power_w`, `current_a`) or `periods`, a list of them with an `activity` "
        "(charging, withheld, parking); `reservation_s` before it.",
        body=dict[str, Any], answer=dict[str, Any],
    ),
    Route(
        method="POST", path=_T + "/{tariff}/lint", handler=lint_tariff, tag=TAG, scope=Scope.TENANT, right=identity.READ,
        summary="Is it fit for paying ad hoc?",
        description="The price rules of AFIR for an EVSE of the given power: findings with pointers into the tariff, and the "
        "price components as drivers see them.",
        body=LintBody, answer=LintAnswer,
    ),
)  # fmt: skip
