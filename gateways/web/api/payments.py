"""Card payments: the attempts, what came of them, and giving money back."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from actors.merchant.messages import BRAND, HandInEvidence
from actors.model.ids import digest, merchant_address, payment_address
from actors.model.money import Cost, Money
from actors.model.rows import PaymentRow
from actors.payment import messages as m
from gateways.web import identity, limits
from gateways.web.api.types import Reason
from gateways.web.call import Call, page_of
from gateways.web.evidence import pack
from gateways.web.idempotency import HEADER
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope

TAG = "Payments"


class RefundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount_minor` in the payment's currency; left out: all that is left. `return_fee`: the brand's application fee goes back
    in proportion."""

    reason: Reason
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None
    return_fee: bool = True


class RefundTakenView(msgspec.Struct, frozen=True):
    """It is committed; what the provider says of it comes into the payment's `refunds`."""

    refund: str
    amount: Money


class EvidenceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`texts`: fields of the payment provider's evidence that are better said by hand."""

    texts: dict[
        Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,60}$")], Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    ] = {}


class EvidenceView(msgspec.Struct, frozen=True):
    """What is handed in."""

    dispute: str
    texts: dict[str, str]


class PaymentView(msgspec.Struct, frozen=True):
    """A payment attempt. `purpose`: session, topup or auto_topup. `hold`: what was held at most, `limit`: the cost at which
    charging stops. `excess`: what somebody captured beyond the cost in the provider's dashboard; it is refunded by itself.
    `reason`: why it went no further. `fee`: the brand's application fee, `provider_fee` the provider's own (null: not told
    yet, or told in another currency). `proof`: what the check of strong customer authentication saw and said."""

    id: str
    purpose: str
    state: str
    hold: Money
    limit: Money
    captured: Money
    excess: Money
    refunded: Money
    fee: Money
    provider_fee: Money | None
    cost: Cost | None
    merchant: str
    account: str | None
    platform: str
    station: str
    evse: int
    session: str | None
    wallet: str
    intent: str | None
    charge: str | None
    capture_before: datetime | None
    reason: str | None
    proof: dict[str, Any] | None
    refunds: list[dict[str, Any]]
    dispute: dict[str, Any] | None
    journals: list[str]
    created_at: datetime
    updated_at: datetime


def payment_view(row: PaymentRow) -> PaymentView:
    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    return PaymentView(
        row.id, row.purpose, row.state, money(row.hold_minor), money(row.limit_minor), money(row.captured_minor),
        money(row.excess_minor),
        money(row.refunded_minor), money(row.fee_minor), None if row.psp_fee_minor is None else money(row.psp_fee_minor),
        row.cost, row.merchant, row.account, row.platform, row.station, row.evse, row.session,
        row.wallet, row.intent, row.charge, row.capture_before, row.reason, row.proof, row.refunds, row.dispute, row.journals,
        row.created_at, row.updated_at,
    )  # fmt: skip


async def list_payments(call: Call) -> Items[PaymentView]:
    query = call.query
    names = ("state", "station", "session", "wallet", "merchant")
    filters = {name: query[name] for name in names}
    page = await call.env.queries.payments(call.own, query["limit"], query["cursor"], **filters)
    return page_of(page, [payment_view(row) for row in page.items])


async def get_payment(call: Call) -> PaymentView:
    return payment_view(await payment_row(call))


async def payment_row(call: Call) -> PaymentRow:
    row = await call.env.queries.payment(call.own, call.path["payment"])
    if row is None:
        raise Problem("not-found", f"there is no payment {call.path['payment']!r}")
    return row


async def refund_payment(call: Call) -> Answer:
    row, body = await payment_row(call), call.body
    key = call.headers.get(HEADER)
    id = "r" + (digest("refund", call.principal.id, row.id, key) if key else call.env.token_bytes(12).hex())
    message = m.RefundPayment(id, call.principal.who, body.reason, body.amount_minor, body.return_fee)
    taken = await call.ask(payment_address(call.own, row.id), message)
    assert isinstance(taken, m.RefundTaken)
    return Answer(RefundTakenView(taken.refund, Money(taken.amount_minor, row.currency)))


async def look_at_payment(call: Call) -> PaymentView:
    """Ask the provider what it has now, as the driver's return to our page does."""
    row = await payment_row(call)
    seen = await call.ask(payment_address(call.own, row.id), m.LookAgain(), deadline=limits.PROVIDER_SECONDS)
    return payment_view(seen if isinstance(seen, PaymentRow) else row)


async def hand_in_evidence(call: Call) -> Answer:
    """The texts are built here and now; an operator's own ones go before them, field by field."""
    row, body = await payment_row(call), call.body
    dispute = str((row.dispute or {}).get("id") or "")
    if not dispute:
        raise Problem("conflict", "this payment is not disputed")
    queries = call.env.queries
    session = await queries.session(call.own, row.session) if row.session else None
    readings = await queries.meter_values(call.own, row.session) if row.session else ()
    documents = await queries.documents(call.own, limits.EVIDENCE_DOCUMENTS, None, ref=row.session or row.id)
    texts = {**pack(row, session, readings, documents.items), **({} if body is None else body.texts)}
    key = call.headers.get(HEADER)
    id = digest("evidence", call.principal.id, row.id, key) if key else call.env.token_bytes(12).hex()
    merchant = BRAND if row.account is None else row.merchant
    message = HandInEvidence(id, call.principal.who, row.id, dispute, texts, row.platform)
    await call.ask(merchant_address(call.own, merchant), message)
    return Answer(EvidenceView(dispute, texts))


async def list_disputes(call: Call) -> Items[PaymentView]:
    query = call.query
    page = await call.env.queries.payments(call.own, query["limit"], query["cursor"], state=query["state"])
    return page_of(page, [payment_view(row) for row in page.items])


_P = "/api/v1/tenants/{tenant}/payments"
ROUTES = (
    Route(
        method="GET", path=_P, handler=list_payments, tag=TAG, scope=Scope.TENANT, summary="Payment attempts, newest first",
        query=(
            *PAGED,
            Query("state", str, "Only those in this state: charging, captured, settled, released, disputed ..."),
            Query("station", str, "Only those at this station"),
            Query("session", str, "Only that of this session"),
            Query("wallet", str, "Only those that top this wallet up"),
            Query("merchant", str, "Only those paid to this merchant"),
        ),
        answer=Items[PaymentView],
    ),
    Route(
        method="GET", path=_P + "/{payment}", handler=get_payment, tag=TAG, scope=Scope.TENANT, summary="One payment attempt",
        answer=PaymentView,
    ),
    Route(
        method="POST", path=_P + "/{payment}/refund", handler=refund_payment, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Give money back", body=RefundBody, answer=RefundTakenView, status=202, problems=("conflict",),
        description="In whole or in part. The same Idempotency-Key is the same refund, also after a restart of the node.",
    ),
    Route(
        method="POST", path=_P + "/{payment}/look", handler=look_at_payment, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Ask the payment provider what it has now", answer=PaymentView,
    ),
    Route(
        method="POST", path=_P + "/{payment}/evidence", handler=hand_in_evidence, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Hand in evidence in a payment's dispute", body=EvidenceBody, body_optional=True,
        answer=EvidenceView, status=202, problems=("conflict",),
        description="Built from what is known: the price and the terms that were agreed to, the authentication by the card's "
        "issuer, the station's start, stop and meter readings, the receipt. The provider takes evidence once.",
    ),
    Route(
        method="GET", path="/api/v1/tenants/{tenant}/disputes", handler=list_disputes, tag=TAG, scope=Scope.TENANT,
        summary="Payments that are disputed, newest first", answer=Items[PaymentView],
        query=(*PAGED, Query("state", str, "disputed, or dispute_lost", "disputed")),
    ),
)  # fmt: skip
