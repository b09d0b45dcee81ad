"""Merchants: who sells at a tenant's stations and is paid by card."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from actors.merchant import messages as m
from actors.merchant.rows import card_of
from actors.model.ids import merchant_address
from actors.model.rows import MerchantRow
from gateways.web import identity
from gateways.web.api.types import Identifier
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_fields, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Route, Scope

TAG = "Merchants"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Link = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s]{1,490})?$", description="a web address, or empty")]
Percent = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", description="percent as decimal text")]
Account = Annotated[str, msgspec.Meta(pattern=r"^acct_[A-Za-z0-9]{1,64}$")]


class SellerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The seller of record, as receipts and pay pages name it. `complaints`: where a driver complains; `renewable`: 100 %
    renewable energy, null makes no claim; `public_key_url`: where keys of signed meter values can be looked up."""

    name: Name
    address: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(max_length=6)] = []
    country: Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$")] = ""
    vat_id: Annotated[str, msgspec.Meta(max_length=40)] = ""
    email: Text = ""
    phone: Annotated[str, msgspec.Meta(max_length=40)] = ""
    complaints: Text = ""
    terms_url: Link = ""
    privacy_url: Link = ""
    renewable: bool | None = None
    public_key_url: Link = ""


class ShareBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`percent` of each session's net goes to the merchant `partner`."""

    partner: Identifier
    percent: Percent


class MerchantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`commission_percent`: of the gross, what the brand keeps, VAT of `commission_vat_percent` included. `sells`: whether the
    owner or the brand is the seller of record. `account`: an account that is connected already. `min_minor`: the smallest
    amount that is charged; below it a session is free."""

    seller: SellerBody
    commission_percent: Percent = "0"
    commission_vat_percent: Percent = "19"
    sells: Literal["owner", "brand"] = "owner"
    partners: Annotated[list[ShareBody], msgspec.Meta(max_length=8)] = []
    account: Account | None = None
    min_minor: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None


class SellerView(SellerBody, frozen=True):
    pass


class MerchantView(msgspec.Struct, frozen=True):
    """`onboarding`: none, started, pending, done or disconnected. `due`: what the payment provider still wants to know, by its
    own field names. `platform`: the brand's account at the provider to which `account` is connected, empty for the
    installation's. `open`: it can be paid by card now. `draining`: it is to be disconnected."""

    id: str
    seller: SellerView
    commission_percent: str
    commission_vat_percent: str
    sells: str
    partners: list[ShareBody]
    min_minor: int | None
    account: str | None
    platform: str
    onboarding: str
    charges_enabled: bool
    payouts_enabled: bool
    card_payments: str
    due: list[str]
    open: bool
    draining: bool
    updated_at: datetime


def merchant_view(call: Call, row: MerchantRow) -> MerchantView:
    fields: dict[str, Any] = {name: getattr(row, name) for name in MerchantView.__struct_fields__ if hasattr(row, name)}
    return msgspec.convert({**row.terms, **fields, "open": call.env.takes_cards(card_of(row))}, MerchantView)


def checked_id(call: Call) -> str:
    id = call.path["merchant"]
    try:
        return msgspec.convert(id, Identifier)
    except msgspec.ValidationError as error:
        raise wrong_parameter("merchant", str(error)) from None


async def merchant_row(call: Call) -> MerchantRow:
    """As the actor has it now."""
    row = await call.ask(merchant_address(call.own, call.path["merchant"]), m.Look())
    if row is None:
        raise Problem("not-found", f"there is no merchant {call.path['merchant']!r}")
    assert isinstance(row, MerchantRow)
    return row


async def put_merchant(call: Call) -> Answer:
    id, body = checked_id(call), call.body
    snapshots = call.env.snapshots
    wrong = [
        FieldError(f"there is no merchant {share.partner!r}", pointer=f"/partners/{n}/partner")
        for n, share in enumerate(body.partners)
        if snapshots.merchant(call.own, share.partner) is None
    ]
    if wrong:
        raise wrong_fields(wrong)
    created = snapshots.merchant(call.own, id) is None
    message = m.PutMerchant(
        who=call.principal.who,
        seller=msgspec.convert(msgspec.to_builtins(body.seller), m.Seller),
        commission_percent=body.commission_percent,
        commission_vat_percent=body.commission_vat_percent,
        sells=body.sells,
        partners=tuple(m.PartnerShare(share.partner, share.percent) for share in body.partners),
        account=body.account,
        min_minor=body.min_minor,
    )
    row = await call.ask(merchant_address(call.own, id), message)
    return Answer(merchant_view(call, row), status=201 if created else 200)


async def get_merchant(call: Call) -> MerchantView:
    return merchant_view(call, await merchant_row(call))


async def list_merchants(call: Call) -> Items[MerchantView]:
    page = await call.env.queries.merchants(call.own, call.query["limit"], call.query["cursor"])
    return page_of(page, [merchant_view(call, row) for row in page.items])


_M = "/api/v1/tenants/{tenant}/merchants"
ROUTES = (
    Route(
        method="GET", path=_M, handler=list_merchants, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Merchants and their connected accounts", answer=Items[MerchantView],
    ),
    Route(
        method="GET", path=_M + "/{merchant}", handler=get_merchant, tag=TAG, scope=Scope.TENANT,
        summary="One merchant", answer=MerchantView,
    ),
    Route(
        method="PUT", path=_M + "/{merchant}", handler=put_merchant, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Create or change a merchant",
        description="`brand` is the tenant itself, paid on the brand's own account. Every other one needs an account of its own "
        "with the payment provider: see `onboarding`. What is left out goes back to its default; the account stays.",
        body=MerchantBody, answer=MerchantView, other_statuses={201: "It is new"}, problems=("conflict",),
    ),
)  # fmt: skip
