"""Transfers to owners and partners, payouts to banks, and the accounts with the payment provider compared with the books."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from actors.merchant import messages as m
from actors.merchant.matching import UNEXPLAINED
from actors.model.ids import merchant_address
from actors.model.money import Money
from actors.model.rows import BalanceLineRow, PayoutRow, TransferRow
from actors.ports import MissingLine
from gateways.web import identity, limits
from gateways.web.api.merchants import merchant_row
from gateways.web.api.types import Reason
from gateways.web.call import Call, page_of
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope

TAG = "Payouts and reconciliation"


class TransferView(msgspec.Struct, frozen=True):
    """`kind`: transfer or reversal. `state`: asked, waiting (refused for `reason`, asked again) or done. `refs`: what it is for,
    with amounts in minor units. `left`: what of a transfer was not taken back."""

    id: str
    merchant: str
    kind: str
    role: str
    state: str
    amount: Money
    left: Money
    transfer: str | None
    reversal: str | None
    refs: list[list[Any]]
    reason: str | None
    journals: list[str]
    created_at: datetime
    updated_at: datetime


class PayoutView(msgspec.Struct, frozen=True):
    """`reconciled`: the provider's list of its `lines` is complete; they come to `lines_sum`."""

    id: str
    merchant: str
    account: str
    status: str
    amount: Money
    arrival: datetime | None
    automatic: bool
    reconciled: bool
    lines: int
    lines_sum: Money | None
    failure: str | None
    bank_reference: str | None
    journals: list[str]
    created_at: datetime
    updated_at: datetime


class ItemView(msgspec.Struct, frozen=True):
    """A movement on an account with the provider. `state`: matched, differs (our books come to `expected`), doubled, unmatched,
    resolved or elsewhere. `suspense`: what of it stands in suspense."""

    id: str
    merchant: str
    account: str
    kind: str
    state: str
    net: Money
    fee: Money
    expected: Money | None
    suspense: Money
    source: str | None
    about: str | None
    payout: str | None
    journals: list[str]
    corrections: list[str]
    resolved_to: str | None
    reason: str | None
    created: datetime
    updated_at: datetime


class CountView(msgspec.Struct, frozen=True):
    account: str
    merchant: str
    currency: str
    state: str
    lines: int
    net_minor: int
    suspense_minor: int


class BalanceView(msgspec.Struct, frozen=True):
    """What the provider said that it has, and what our books had then (available and pending together)."""

    account: str
    merchant: str
    currency: str
    available_minor: int
    pending_minor: int
    booked_minor: int
    difference_minor: int
    at: datetime


class MissingView(msgspec.Struct, frozen=True):
    """Our books have it, the provider does not show it."""

    journal: str
    book: str
    account: str
    ref: str
    amount: Money
    at: datetime


class ReconciliationView(msgspec.Struct, frozen=True):
    """`unmatched`: the newest items that are to be explained; all of them: `GET .../reconciliation/items`."""

    balances: list[BalanceView]
    counts: list[CountView]
    unmatched: list[ItemView]
    missing: list[MissingView]


class ResolveItemBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account` of the chart with what qualifies it: `5000`, `5080`, `1260/SPONSOR` ..."""

    account: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{3}(/[^\s/]{1,60}){0,3}$")]
    reason: Reason


def transfer_view(row: TransferRow) -> TransferView:
    amount, left = Money(row.amount_minor, row.currency), Money(row.left_minor, row.currency)
    return TransferView(
        row.id, row.merchant, row.kind, row.role, row.state, amount, left, row.transfer, row.reversal, row.refs, row.reason,
        row.journals, row.created_at, row.updated_at,
    )  # fmt: skip


def payout_view(row: PayoutRow) -> PayoutView:
    total = None if row.lines_minor is None else Money(row.lines_minor, row.currency)
    return PayoutView(
        row.id, row.merchant, row.account, row.status, Money(row.amount_minor, row.currency), row.arrival, row.automatic,
        row.reconciled, row.lines, total, row.failure, row.bank_reference, row.journals, row.created_at, row.updated_at,
    )  # fmt: skip


def item_view(row: BalanceLineRow) -> ItemView:
    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    return ItemView(
        row.id, row.merchant, row.account, row.kind, row.state, money(row.net_minor), money(row.fee_minor),
        None if row.expected_minor is None else money(row.expected_minor), money(row.suspense_minor), row.source, row.about,
        row.payout, row.journals, row.corrections, row.resolved_to, row.reason, row.created, row.updated_at,
    )  # fmt: skip


def missing_view(one: MissingLine) -> MissingView:
    return MissingView(one.journal, one.book, one.account, one.ref, Money(one.minor, one.currency), one.at)


async def list_transfers(call: Call) -> Items[TransferView]:
    query = call.query
    page = await call.env.queries.transfers(call.own, query["merchant"], query["state"], query["limit"], query["cursor"])
    return page_of(page, [transfer_view(row) for row in page.items])


async def list_payouts(call: Call) -> Items[PayoutView]:
    query = call.query
    page = await call.env.queries.payouts(call.own, query["merchant"], query["status"], query["limit"], query["cursor"])
    return page_of(page, [payout_view(row) for row in page.items])


async def get_payout(call: Call) -> PayoutView:
    row = await call.env.queries.payout(call.own, call.path["payout"])
    if row is None:
        raise Problem("not-found", f"there is no payout {call.path['payout']!r}")
    return payout_view(row)


async def get_reconciliation(call: Call) -> ReconciliationView:
    queries, now = call.env.queries, call.env.now()
    balances = await queries.book(call.own, "", "psp_balance", limits.BALANCES_SHOWN, None)
    counts = await queries.balance_counts(call.own)
    unmatched = await queries.balance_lines(call.own, limits.UNEXPLAINED_SHOWN, None, states=UNEXPLAINED)
    missing = await queries.missing_lines(call.own, now - limits.MISSING_BACK, now - limits.MISSING_AFTER)
    return ReconciliationView(
        [msgspec.convert(row.body, BalanceView, strict=False) for row in balances.items],
        [
            CountView(
                one["account"], one["merchant"], one["currency"], one["state"], one["lines"], one["net"], one["suspense"]
            )
            for one in counts
        ],
        [item_view(row) for row in unmatched.items],
        [missing_view(one) for one in missing],
    )  # fmt: skip


async def list_items(call: Call) -> Items[ItemView]:
    query = call.query
    states = UNEXPLAINED if query["state"] == "open" else None if query["state"] is None else (query["state"],)
    page = await call.env.queries.balance_lines(
        call.own, query["limit"], query["cursor"], merchant=query["merchant"], states=states, payout=query["payout"]
    )
    return page_of(page, [item_view(row) for row in page.items])


async def reconcile_merchant(call: Call) -> Answer:
    row = await merchant_row(call)
    await call.ask(merchant_address(call.own, row.id), m.Reconcile(call.principal.who))
    return Answer(status=204)


async def resolve_item(call: Call) -> Answer:
    row = await merchant_row(call)
    message = m.ResolveItem(call.principal.who, call.path["item"], call.body.account, call.body.reason)
    await call.ask(merchant_address(call.own, row.id), message)
    return Answer(status=204)


_T = "/api/v1/tenants/{tenant}"
_MERCHANT = Query("merchant", str, "Only those of this merchant")
ROUTES = (
    Route(
        method="GET", path=_T + "/transfers", handler=list_transfers, tag=TAG, scope=Scope.TENANT, answer=Items[TransferView],
        summary="Transfers to owners and partners, and what was taken back, newest first",
        query=(*PAGED, _MERCHANT, Query("state", str, "asked, waiting or done")),
    ),
    Route(
        method="GET", path=_T + "/payouts", handler=list_payouts, tag=TAG, scope=Scope.TENANT, answer=Items[PayoutView],
        summary="Payouts to banks, newest first",
        query=(*PAGED, _MERCHANT, Query("status", str, "pending, in_transit, paid, failed or canceled")),
    ),
    Route(
        method="GET", path=_T + "/payouts/{payout}", handler=get_payout, tag=TAG, scope=Scope.TENANT, summary="One payout",
        answer=PayoutView,
    ),
    Route(
        method="GET", path=_T + "/reconciliation", handler=get_reconciliation, tag=TAG, scope=Scope.TENANT,
        summary="Do the provider's accounts and our books agree?", answer=ReconciliationView,
        description="`missing`: what our books have, and the provider has not shown for a day.",
    ),
    Route(
        method="GET", path=_T + "/reconciliation/items", handler=list_items, tag=TAG, scope=Scope.TENANT, answer=Items[ItemView],
        summary="Movements on the provider's accounts, newest first",
        query=(
            *PAGED,
            _MERCHANT,
            Query("state", str, "open (all that is to be explained), or one state"),
            Query("payout", str, "Only those of this payout"),
        ),
    ),
    Route(
        method="POST", path=_T + "/merchants/{merchant}/reconcile", handler=reconcile_merchant, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, status=204, summary="Compare an account with the books now",
    ),
    Route(
        method="POST", path=_T + "/merchants/{merchant}/items/{item}/resolve", handler=resolve_item, tag=TAG,
        scope=Scope.TENANT, right=identity.WRITE, status=204, body=ResolveItemBody, problems=("conflict",),
        summary="Say what an unexplained movement is", description="It leaves suspense for the account that is named.",
    ),
)  # fmt: skip
