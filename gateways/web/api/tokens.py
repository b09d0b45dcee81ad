"""idTokens of a tenant. The UID goes into the vault; everything else knows the token by its reference."""

from typing import Annotated, Literal, get_args

import msgspec

from actors.model.ids import tenant_address
from actors.model.rows import TokenRow
from actors.model.token import TokenCard, TokenStatus, TokenType
from actors.tenant.messages import DeleteToken, PutToken, TokenStored
from gateways.web import identity
from gateways.web.api.types import Moment
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Route, Scope
from gateways.web.views import TokenView, token_view

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


class TokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`group` is the id of the token's group (a 1.6 parentIdTag)."""

    status: PutStatus = "Accepted"
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None
    expires: Moment | None = None
    payment: Payment = "invoice"


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
    if body.payment.startswith("wallet:"):
        detail = "wallets do not exist in this version; use invoice or free"
        raise Problem("unsupported", detail, errors=[FieldError(detail, pointer="/payment")])
    vault, tenant = call.env.vault, call.own
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
    )
    message = PutToken(
        card=card,
        sealed=vault.seal(tenant, token.ref, VAULT_KIND, uid.strip()),
        who=call.principal.who,
        sealed_group=vault.seal(tenant, group.ref, VAULT_KIND, body.group.strip()) if group and body.group else None,
    )
    stored: TokenStored = await call.ask(tenant_address(tenant), message)
    view = TokenView(kind, token.masked, token.ref, body.status, body.group, body.expires, body.payment)
    return Answer(view, status=201 if stored.created else 200)


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
        body=TokenBody, body_optional=True, answer=TokenView, other_statuses={201: "It is new"}, problems=("unsupported",),
    ),
    Route(
        method="DELETE", path=_T + "/{type}/{uid}", handler=delete_token, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Delete a token", status=204,
    ),
)  # fmt: skip
