"""Tenants (brands) and the bearer tokens of their administrators."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from actors.model.countries import ALPHA_3
from actors.model.ids import tenant_address
from actors.model.money import CURRENCIES
from actors.model.rows import TenantRow
from actors.ports import ApiToken
from actors.tenant.messages import Change, Create
from gateways.web import identity
from gateways.web.api.tenant_settings import wrong_settings
from gateways.web.api.types import Country, Currency, Identifier, Moment, ShortText, known_time_zone
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_field, wrong_fields
from gateways.web.table import PAGED, Answer, Items, Route, Scope
from gateways.web.views import ApiTokenView, AuditView, TenantView, api_token_view, audit_view, tenant_view

TAG = "Tenants"


class TenantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unknown_stations` says what happens to a station nobody registered: it is refused, noted in the inbox, or
    accepted."""

    id: Identifier
    currency: Currency
    country: Country
    name: ShortText = ""
    time_zone: str = "UTC"
    unknown_stations: Literal["refuse", "inbox", "accept"] = "refuse"
    settings: dict[str, Any] = {}


class TenantChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a brand, whole: what is left out goes back to its default. Its currency and its country stay."""

    name: ShortText = ""
    time_zone: str = "UTC"
    unknown_stations: Literal["refuse", "inbox", "accept"] = "refuse"
    settings: dict[str, Any] = {}


class TenantCreated(TenantView, frozen=True):
    """`token` is the first administrator's, shown once."""

    tenant: str
    token: str


class ApiTokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: ShortText
    role: Literal["admin", "viewer"] = "admin"
    expires: Moment | None = None


def unknown_words(body: TenantBody | TenantChange) -> Iterator[tuple[str, str]]:
    """(pointer, what is wrong) of every field that has the right form, but stands in no table."""
    if isinstance(body, TenantBody):
        if body.currency not in CURRENCIES:
            yield "/currency", "not a currency of ISO 4217 (EUR, say)"
        if body.country not in ALPHA_3:
            yield "/country", "not a country of ISO 3166-1 (DE, say)"
    if not known_time_zone(body.time_zone):
        yield "/time_zone", "not a time zone of the IANA database (Europe/Berlin, say)"
    yield from wrong_settings(body.settings)


def _checked(body: TenantBody | TenantChange) -> None:
    wrong = [FieldError(detail, pointer=pointer) for pointer, detail in unknown_words(body)]
    if wrong:
        raise wrong_fields(wrong)


async def create_tenant(call: Call) -> Answer:
    body: TenantBody = call.body
    _checked(body)
    now = call.env.now()
    message = Create(
        name=body.name or body.id,
        currency=body.currency,
        country=body.country,
        time_zone=body.time_zone,
        unknown_stations=body.unknown_stations,
        who=call.principal.who,
        settings=body.settings,
    )
    await call.ask(tenant_address(body.id), message)
    token = await issue(call, body.id, "first administrator", identity.ADMIN, None)
    created = TenantCreated(
        body.id, message.name, body.currency, body.country, body.time_zone, body.unknown_stations, now, body.settings,
        body.id, token.token or "",
    )  # fmt: skip
    return Answer(created, headers={"Location": f"/api/v1/tenants/{body.id}"})


async def list_tenants(call: Call) -> Items[TenantView]:
    if call.principal.tenant is not None or call.tenant is not None:
        row = await tenant_row(call, call.own)
        return Items([tenant_view(row)])
    page = await call.env.queries.tenants(call.query["limit"], call.query["cursor"])
    return page_of(page, [tenant_view(row) for row in page.items])


async def get_tenant(call: Call) -> TenantView:
    return tenant_view(await tenant_row(call, call.own))


async def change_tenant(call: Call) -> TenantView:
    body: TenantChange = call.body
    _checked(body)
    message = Change(
        name=body.name or call.own,
        time_zone=body.time_zone,
        unknown_stations=body.unknown_stations,
        who=call.principal.who,
        settings=body.settings,
    )
    await call.ask(tenant_address(call.own), message)
    return tenant_view(await tenant_row(call, call.own))


async def list_audit(call: Call) -> Items[AuditView]:
    page = await call.env.queries.audit(call.own, call.query["limit"], call.query["cursor"])
    return page_of(page, [audit_view(row) for row in page.items])


async def tenant_row(call: Call, tenant: str) -> TenantRow:
    """The row of one tenant, by the list that the port has: its cursor order is the id's."""
    cursor: str | None = None
    while True:
        page = await call.env.queries.tenants(1000, cursor)
        for row in page.items:
            if row.tenant == tenant:
                return row  # type: ignore[no-any-return]
        cursor = page.next
        if cursor is None:
            raise Problem("not-found", f"there is no tenant {tenant!r}")


async def issue(call: Call, tenant: str, name: str, role: str, expires: Any) -> ApiTokenView:
    token = identity.new_token()
    hashed = identity.token_hash(call.env.settings.token_key, token)
    row = ApiToken(
        id=identity.new_token_id(),
        tenant=tenant,
        name=name,
        role=role,
        hash=hashed,
        created_at=call.env.now(),
        expires=expires,
    )
    await call.env.api_tokens.create(row)
    return api_token_view(row, token)


async def create_api_token(call: Call) -> Answer:
    body: ApiTokenBody = call.body
    if body.expires is not None and body.expires <= call.env.now():
        raise wrong_field("/expires", "is in the past")
    created = await issue(call, call.own, body.name, body.role, body.expires)
    return Answer(created, headers={"Location": f"/api/v1/tenants/{call.own}/api-tokens/{created.id}"})


async def list_api_tokens(call: Call) -> Items[ApiTokenView]:
    return Items([api_token_view(row) for row in await call.env.api_tokens.list(call.own)])


async def revoke_api_token(call: Call) -> Answer:
    row = await call.env.api_tokens.get(call.path["token_id"])
    if row is None or row.tenant != call.own or not await call.env.api_tokens.revoke(row.id, call.env.now()):
        raise Problem("not-found", "there is no such token, or it is revoked already")
    call.services.identities.forget(row.id)
    return Answer()


_T = "/api/v1/tenants/{tenant}"
ROUTES = (
    Route(
        method="POST", path="/api/v1/tenants", handler=create_tenant, tag=TAG, scope=Scope.PLATFORM, right=identity.PLATFORM,
        summary="Create a tenant", description="The answer holds the first administrator's token, once.",
        body=TenantBody, answer=TenantCreated, status=201, problems=("conflict",),
    ),
    Route(
        method="GET", path="/api/v1/tenants", handler=list_tenants, tag=TAG, scope=Scope.OWN, query=PAGED,
        summary="The tenants the caller reaches", answer=Items[TenantView],
    ),
    Route(method="GET", path=_T, handler=get_tenant, tag=TAG, scope=Scope.TENANT, summary="One tenant", answer=TenantView),
    Route(
        method="PUT", path=_T, handler=change_tenant, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Change a tenant's settings", description="Stations feel it from their next message on.",
        body=TenantChange, answer=TenantView,
    ),
    Route(
        method="GET", path=_T + "/audit", handler=list_audit, tag=TAG, scope=Scope.TENANT, right=identity.WRITE, query=PAGED,
        summary="Who did what through the API and the console, newest first", answer=Items[AuditView],
    ),
    Route(
        method="GET", path=_T + "/api-tokens", handler=list_api_tokens, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="The tenant's API tokens, without their secrets", answer=Items[ApiTokenView],
    ),
    Route(
        method="POST", path=_T + "/api-tokens", handler=create_api_token, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Create an API token", description="`admin` may change things, `viewer` may read. The token is shown once.",
        body=ApiTokenBody, answer=ApiTokenView, status=201,
    ),
    Route(
        method="DELETE", path=_T + "/api-tokens/{token_id}", handler=revoke_api_token, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Revoke an API token", status=204,
    ),
)  # fmt: skip
