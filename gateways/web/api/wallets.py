"""Wallets: a driver's money at the brand, for charging only. Tokens name the wallet that pays (`payment`: wallet:ID).

What a wallet is asked carries an id of the caller's, so that a repeated request changes nothing.
"""

import csv
import io
import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from actors.model.ids import digest, payment_address, wallet_address
from actors.model.rows import WalletLineRow, WalletRow
from actors.payment.messages import AttemptOpened, OpenAttempt, TopUp
from actors.wallet import messages as m
from gateways.web import identity, limits
from gateways.web.api.types import Identifier, Moment, Reason
from gateways.web.call import Call, page_of
from gateways.web.problems import FieldError, Problem, wrong_fields, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope

TAG = "Wallets"

Minor = Annotated[int, msgspec.Meta(gt=0, le=100_000_000, description="minor units of the tenant's currency")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[\w.:-]{1,64}$", description="yours: the same again changes nothing")]
Page = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]{1,1000}$")]


class AutoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When less than `below_minor` is available, `amount_minor` is charged to the saved card, at most `per_day` times a day.
    `mandate`: version of the text that the driver agreed to, and `agreed_at` when: an explicit opt-in."""

    below_minor: Minor
    amount_minor: Minor
    mandate: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    agreed_at: Moment
    per_day: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2


class WalletBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`owner`: a pseudonym of yours, never a name; it is that of the first request. `session_limit_minor`: the most that is held
    for one session."""

    owner: Annotated[str, msgspec.Meta(pattern=r"^[\w.:-]{0,64}$")] = ""
    session_limit_minor: Minor | None = None
    auto: AutoBody | None = None
    blocked: bool = False


class TopUpBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`id` makes the attempt: the same again answers the same page. `return_url`, `cancel_url`: where the driver comes back to.
    `save_card`: for automatic top-ups, with the version of the text (`mandate`) that the driver agrees to."""

    amount_minor: Minor
    return_url: Page
    cancel_url: Page
    id: Key | None = None
    save_card: bool = False
    mandate: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    language: Literal["en", "de"] = "en"


class TopUpView(msgspec.Struct, frozen=True):
    """`url`: the provider's page, null once it is over."""

    payment: str
    url: str | None


class PromoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`funded_by` brand: a discount, which lowers the tax base where the brand sells; sponsor: who owes it, the price stays."""

    id: Key
    amount_minor: Minor
    funded_by: Literal["brand", "sponsor"] = "brand"
    sponsor: Identifier | None = None
    expires: Moment | None = None


class SessionRefundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gives back (part of) what a session cost: first off what is owed of it, then into the wallet."""

    id: Key
    session: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    amount_minor: Minor
    reason: Reason


class WalletCloseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`paid_out`: reference of the transfer that paid out what no card could take back."""

    reason: Reason
    paid_out: Annotated[str, msgspec.Meta(max_length=100)] = ""


class WalletView(msgspec.Struct, frozen=True):
    """`state`: open, blocked, closing or closed. `available_minor` = `balance_minor` - `held_minor`; `promo_minor` is credit that
    is not the driver's money; `owed_minor`: what sessions cost beyond the wallet, collected when money comes in."""

    id: str
    state: str
    currency: str
    balance_minor: int
    held_minor: int
    available_minor: int
    promo_minor: int
    owed_minor: int
    owner: str
    session_limit_minor: int | None
    auto: dict[str, Any] | None
    has_card: bool
    created_at: datetime
    updated_at: datetime


class WalletLineView(msgspec.Struct, frozen=True):
    """`kind`: topup, session, promo, refund, payout, collected. `amount_minor` is signed from the driver's side, `balance_minor`
    what was there after it; `ref`: the payment, session or credit concerned."""

    id: str
    at: datetime
    kind: str
    amount_minor: int
    balance_minor: int
    currency: str
    ref: str
    journal: str | None
    detail: dict[str, Any]


def _view(row: WalletRow) -> WalletView:
    fields = {name: getattr(row, name) for name in WalletView.__struct_fields__ if hasattr(row, name)}
    return WalletView(**fields, available_minor=row.balance_minor - row.held_minor)


def _line(row: WalletLineRow) -> WalletLineView:
    return WalletLineView(
        row.id, row.at, row.kind, row.amount_minor, row.balance_minor, row.currency, row.ref, row.journal, row.detail
    )


def _address(call: Call) -> tuple[str, str, str]:
    try:
        return wallet_address(call.own, msgspec.convert(call.path["wallet"], Identifier))
    except msgspec.ValidationError as error:
        raise wrong_parameter("wallet", str(error)) from None


async def _wallet(call: Call) -> WalletRow:
    """As the actor has it now."""
    row = await call.ask(_address(call), m.Look())
    if row is None:
        raise Problem("not-found", f"there is no wallet {call.path['wallet']!r}")
    assert isinstance(row, WalletRow)
    return row


async def put_wallet(call: Call) -> Answer:
    body: WalletBody = call.body if call.body is not None else WalletBody()
    to, who = _address(call), call.principal.who
    known = await call.ask(to, m.Look())
    if known is None:
        await call.ask(to, m.OpenWallet(who, body.owner, body.session_limit_minor))
    auto = None
    if body.auto is not None:
        told = body.auto
        auto = m.AutoTopUp(told.below_minor, told.amount_minor, told.mandate, told.agreed_at, told.per_day)
    if known is not None or auto is not None or body.blocked:
        await call.ask(to, m.ChangeWallet(who, body.session_limit_minor, auto, body.blocked))
    return Answer(_view(await _wallet(call)), status=201 if known is None else 200)


async def get_wallet(call: Call) -> WalletView:
    return _view(await _wallet(call))


async def list_wallets(call: Call) -> Items[WalletView]:
    query = call.query
    page = await call.env.queries.wallets(call.own, query["limit"], query["cursor"], state=query["state"])
    return page_of(page, [_view(row) for row in page.items])


async def list_wallet_lines(call: Call) -> Items[WalletLineView]:
    await _wallet(call)
    page = await call.env.queries.wallet_lines(call.own, call.path["wallet"], call.query["limit"], call.query["cursor"])
    return page_of(page, [_line(row) for row in page.items])


async def get_wallet_statement(call: Call) -> bytes:
    """The newest lines, oldest of them first."""
    await _wallet(call)
    lines: list[WalletLineRow] = []
    cursor = None
    while len(lines) < limits.STATEMENT_LINES:
        page = await call.env.queries.wallet_lines(call.own, call.path["wallet"], limits.PAGE_MAX, cursor)
        lines += page.items
        cursor = page.next
        if cursor is None:
            break
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "at", "kind", "amount_minor", "balance_minor", "currency", "ref", "journal"))
    for row in reversed(lines):
        writer.writerow(
            (
                row.id, row.at.isoformat(), row.kind, row.amount_minor, row.balance_minor, row.currency, _plain(row.ref),
                row.journal or "",
            )
        )  # fmt: skip
    return text.getvalue().encode()


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula: references of pay-outs are free text."""
    return "'" + text if text[:1] in "=+-@\t\r" else text


async def top_up_wallet(call: Call) -> Answer:
    body, row = call.body, await _wallet(call)
    if row.state not in ("open", "blocked"):
        raise Problem("conflict", f"the wallet is {row.state}")
    attempt = "w" + (digest("top-up", call.own, row.id, body.id) if body.id else secrets.token_hex(12))
    if body.save_card and body.mandate is None:
        raise wrong_fields([FieldError("name the version of the text that the driver agrees to", pointer="/mandate")])
    order = TopUp(
        row.id, body.amount_minor, row.currency, save_card=body.save_card, mandate=body.mandate if body.save_card else None,
        language=body.language,
    )  # fmt: skip
    message = OpenAttempt(order, body.return_url, body.cancel_url, "Wallet")
    opened = await call.ask(payment_address(call.own, attempt), message, limits.PROVIDER_SECONDS)
    assert isinstance(opened, AttemptOpened)
    return Answer(TopUpView(opened.attempt, opened.url), status=201)


async def give_promo(call: Call) -> WalletView:
    body = call.body
    given = m.GivePromo(body.id, call.principal.who, body.amount_minor, body.funded_by, body.sponsor, body.expires)
    return await _changed(call, given)


async def credit_wallet(call: Call) -> WalletView:
    body = call.body
    return await _changed(call, m.CreditWallet(body.id, call.principal.who, body.session, body.amount_minor, body.reason))


async def close_wallet(call: Call) -> WalletView:
    return await _changed(call, m.CloseWallet(call.principal.who, call.body.reason, call.body.paid_out))


async def _changed(call: Call, message: Any) -> WalletView:
    await _wallet(call)
    row = await call.ask(_address(call), message)
    assert isinstance(row, WalletRow)
    return _view(row)


_W = "/api/v1/tenants/{tenant}/wallets"
_ONE = _W + "/{wallet}"
_READ: dict[str, Any] = {"method": "GET", "tag": TAG, "scope": Scope.TENANT}
_WRITE: dict[str, Any] = {"method": "POST", "tag": TAG, "scope": Scope.TENANT, "right": identity.WRITE}
ROUTES = (
    Route(
        path=_W, handler=list_wallets, query=(*PAGED, Query("state", str, "open, blocked, closing or closed")),
        summary="List wallets", answer=Items[WalletView], **_READ,
    ),
    Route(path=_ONE, handler=get_wallet, summary="One wallet", answer=WalletView, **_READ),
    Route(
        method="PUT", path=_ONE, handler=put_wallet, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Open or change a wallet",
        description="What is left out goes back to its default: without `auto` nothing is charged by itself. Saving `auto` again "
        "lets a card that had failed be charged again.",
        body=WalletBody, body_optional=True, answer=WalletView, other_statuses={201: "It is new"},
        problems=("refused", "conflict"),
    ),
    Route(
        path=_ONE + "/lines", handler=list_wallet_lines, query=PAGED, summary="A wallet's statement, newest line first",
        answer=Items[WalletLineView], **_READ,
    ),
    Route(
        path=_ONE + "/lines.csv", handler=get_wallet_statement, summary="A wallet's statement as CSV", answer=bytes,
        answer_media="text/csv", **_READ,
    ),
    Route(
        path=_ONE + "/topup", handler=top_up_wallet, summary="Top a wallet up by card",
        description="Answers the provider's page, to which the driver goes. The money is there when the provider says so.",
        body=TopUpBody, answer=TopUpView, status=201, problems=("refused", "conflict"), **_WRITE,
    ),
    Route(
        path=_ONE + "/promo", handler=give_promo, summary="Give promo credit", body=PromoBody, answer=WalletView,
        problems=("refused",), **_WRITE,
    ),
    Route(
        path=_ONE + "/credit", handler=credit_wallet, summary="Refund a session into its wallet", body=SessionRefundBody,
        answer=WalletView, problems=("refused",), **_WRITE,
    ),
    Route(
        path=_ONE + "/close", handler=close_wallet, summary="Close a wallet",
        description="What is left goes back to the cards of the latest top-ups; the wallet is `closing` until that is through. "
        "What they do not cover is paid out by other means: then close it again with `paid_out`, not before ten days have "
        "passed, since a card's refund may still come.",
        body=WalletCloseBody, answer=WalletView, problems=("refused",), **_WRITE,
    ),
)  # fmt: skip
