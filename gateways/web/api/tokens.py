"""idTokens of a tenant. The UID goes into the vault; everything else knows the token by its reference."""

from typing import Annotated, Literal, get_args

import msgspec

from actors.model.ids import tenant_address
from actors.model.rows import TokenRow
from actors.model.token import Site, TokenCard, TokenStatus, TokenTerms, TokenType
from actors.tenant.messages import DeleteToken, PutToken, TokenStored
from gateways.web import identity
from gateways.web.api.types import Moment
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_fields, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Route, Scope
from gateways.web.views import TokenView, terms_view, token_view

TAG = "Tokens"
VAULT_KIND = "token"
"""The kind under which UIDs are sealed."""
UID_CHARS = 255

PutStatus = Literal[
    "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx",
    "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime",
]  # fmt: skip
Payment = Annotated[
    str, msgspec.Meta(pattern=r"^(invoice|free|wallet:[\w.:-]{1,64})$", description='"invoice", "free" or "wallet:ID"')
]


class SiteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A station where the token may charge; `evses`: only on these, none named: on all."""

    station: Annotated[str, msgspec.Meta(min_length=1, max_length=48)]
    evses: Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=100)]], msgspec.Meta(max_length=100)] = []


Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?$", max_length=8, description="de, en-GB")]


class TokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`group` is the id of the token's group (a 1.6 parentIdTag). `sites`: where it may charge, none named: everywhere.
    `languages`: the driver's, preferred one first. `priority`: what a station of OCPP 2.x is told, before the tenant's own."""

    status: PutStatus = "Accepted"
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None
    expires: Moment | None = None
    payment: Payment = "invoice"
    sites: Annotated[list[SiteBody], msgspec.Meta(max_length=100)] = []
    languages: Annotated[list[Language], msgspec.Meta(max_length=2)] = []
    priority: Annotated[int, msgspec.Meta(ge=-9, le=9)] | None = None


def _type(call: Call) -> TokenType:
    given = call.path["type"]
    for known in get_args(TokenType):
        if known == given:
            return known  # type: ignore[no-any-return]
    raise wrong_parameter("type", f"unknown; known are {', '.join(get_args(TokenType))}")


async def put_token(call: Call) -> Answer:
    body: TokenBody = call.body if call.body is not None else TokenBody()
    kind, uid = _type(call), call.path["uid"]
    if not uid.strip() or len(uid) > UID_CHARS:
        raise wrong_parameter("uid", f"1 to {UID_CHARS} characters")
    vault, tenant = call.env.vault, call.own
    if body.payment.startswith("wallet:"):
        wallet = body.payment.removeprefix("wallet:")
        if await call.env.queries.wallet(tenant, wallet) is None:
            raise wrong_fields([FieldError(f"there is no wallet {wallet!r}: open it first", pointer="/payment")])
    token = vault.token(tenant, uid, kind)
    group = vault.token(tenant, body.group) if body.group else None
    card = TokenCard(
        ref=token.ref,
        type=kind,
        status=body.status,
        masked=token.masked,
        group_ref=group.ref if group else None,
        expires=body.expires,
        payment=body.payment,
        terms=_terms(body),
    )
    message = PutToken(
        card=card,
        sealed=vault.seal(tenant, token.ref, VAULT_KIND, uid.strip()),
        who=call.principal.who,
        sealed_group=vault.seal(tenant, group.ref, VAULT_KIND, body.group.strip()) if group and body.group else None,
    )
    stored: TokenStored = await call.ask(tenant_address(tenant), message)
    view = TokenView(
        kind, token.masked, token.ref, body.status, body.group, body.expires, body.payment, *terms_view(card.terms)
    )  # fmt: skip
    return Answer(view, status=201 if stored.created else 200)


def _terms(body: TokenBody) -> TokenTerms | None:
    stations = [site.station for site in body.sites]
    for n, station in enumerate(stations):
        if station in stations[:n]:
            raise wrong_fields([FieldError("this station stands in the list already", pointer=f"/sites/{n}/station")])
    sites = tuple(Site(site.station, tuple(dict.fromkeys(site.evses))) for site in body.sites)
    terms = TokenTerms(sites, tuple(body.languages), body.priority)
    return None if terms == TokenTerms() else terms


async def get_token(call: Call) -> TokenView:
    row = await _row(call)
    return token_view(row, await _group(call, row))


async def _row(call: Call) -> TokenRow:
    kind = _type(call)
    ref = call.env.vault.token(call.own, call.path["uid"], kind).ref
    row: TokenRow | None = await call.env.queries.token(call.own, ref)
    status_known: tuple[str, ...] = get_args(TokenStatus)
    if row is None or row.deleted or row.type != kind or row.status not in status_known:
        raise Problem("not-found", "there is no such token")
    return row


async def _group(call: Call, row: TokenRow) -> str | None:
    """The group's id in plain: whoever reads one token by its UID set it. None when it was erased."""
    if row.group_ref is None:
        return None
    sealed = await call.env.queries.vault_row(call.own, row.group_ref)
    return None if sealed is None or not sealed.key else call.env.vault.open(sealed)


async def delete_token(call: Call) -> Answer:
    row = await _row(call)
    await call.ask(tenant_address(call.own), DeleteToken(row.ref, call.principal.who))
    return Answer()


async def list_tokens(call: Call) -> Items[TokenView]:
    page = await call.env.queries.tokens(call.own, call.query["limit"], call.query["cursor"])
    return page_of(page, [token_view(row) for row in page.items])


_T = "/api/v1/tenants/{tenant}/tokens"
ROUTES = (
    Route(
        method="GET", path=_T, handler=list_tokens, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="List tokens, masked", answer=Items[TokenView],
    ),
    Route(
        method="GET", path=_T + "/{type}/{uid}", handler=get_token, tag=TAG, scope=Scope.TENANT, summary="One token",
        answer=TokenView,
    ),
    Route(
        method="PUT", path=_T + "/{type}/{uid}", handler=put_token, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Create or change a token",
        description="`type` as in OCPP 2.x; a 1.6 idTag matches any type. Upper and lower case of the UID are the same.",
        body=TokenBody, body_optional=True, answer=TokenView, other_statuses={201: "It is new"},
    ),
    Route(
        method="DELETE", path=_T + "/{type}/{uid}", handler=delete_token, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Delete a token", status=204,
    ),
)  # fmt: skip
