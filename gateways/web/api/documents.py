"""Receipts, invoices and credit notes: as they were issued, as PDF, CSV and e-invoice, and a month of them summed up.

A document names no recipient. Whoever needs an e-invoice with one posts who they are; that is answered and kept nowhere.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from actors.model.documents import number_text
from actors.model.rows import DocumentRow
from actors.ports import DocumentSum
from gateways.web import identity, limits
from gateways.web.api.types import Country, Moment, ShortText
from gateways.web.call import Call, page_of
from gateways.web.documents.language import DocumentWords
from gateways.web.documents.pdf import pdf_of, statement_pdf
from gateways.web.documents.rules import broken
from gateways.web.documents.sheet import lines_csv, list_csv
from gateways.web.documents.ubl import Buyer, NotCarried, text_of, xml_of
from gateways.web.problems import FieldError, Problem, wrong_parameter
from gateways.web.table import PAGED, Items, Query, Route, Scope

TAG = "Documents"
Kind = Literal["receipt", "invoice", "credit_note"]
Language = Annotated[str, msgspec.Meta(pattern="^(de|en)$")]


class DocumentView(msgspec.Struct, frozen=True):
    """`number` as people quote it, without gaps for a seller, kind and year. `ref`: the session, else what was paid. `customer`:
    whose it is, a pseudonym. `corrects`: id of the document that it takes back, whose amounts are then negative."""

    id: str
    number: str
    kind: str
    seller: str
    at: datetime
    ref: str
    customer: str
    currency: str
    gross_minor: int
    corrects: str | None
    body: dict[str, Any]


class BuyerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recipient of an e-invoice (EN 16931 BG-7). It goes into the answer and is kept nowhere."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    country: Country
    street: ShortText = ""
    postal_code: ShortText = ""
    city: ShortText = ""
    vat_id: ShortText = ""
    reference: ShortText = ""


class SumView(msgspec.Struct, frozen=True):
    """`vat_percent` empty: no tax was named. Credit notes are negative. `documents`: how many name this rate."""

    kind: str
    currency: str
    vat_percent: str
    net_minor: int
    vat_minor: int
    gross_minor: int
    documents: int


class TotalView(msgspec.Struct, frozen=True):
    currency: str
    net_minor: int
    vat_minor: int
    gross_minor: int


class StatementView(msgspec.Struct, frozen=True):
    """A month at the tenant's place: `sums` by kind and rate, `totals` of all of them."""

    month: str
    seller: str | None
    customer: str | None
    sums: list[SumView]
    totals: list[TotalView]


def document_view(row: DocumentRow) -> DocumentView:
    return DocumentView(
        row.id, number_text(row), row.kind, row.seller, row.at, row.ref, row.customer, row.currency, row.gross_minor,
        row.corrects, row.body,
    )  # fmt: skip


async def list_documents(call: Call) -> Items[DocumentView]:
    asked = {name: call.query[name] for name in ("kind", "seller", "ref", "customer", "since", "until")}
    page = await call.env.queries.documents(call.own, call.query["limit"], call.query["cursor"], **asked)
    return page_of(page, [document_view(row) for row in page.items])


async def _row(call: Call) -> DocumentRow:
    row = await call.env.queries.document(call.own, call.path["document"])
    if row is None:
        raise Problem("not-found", f"there is no document {call.path['document']!r}")
    return row


async def _original(call: Call, row: DocumentRow) -> DocumentRow | None:
    return None if row.corrects is None else await call.env.queries.document(call.own, row.corrects)


async def get_document(call: Call) -> DocumentView:
    return document_view(await _row(call))


async def get_document_pdf(call: Call) -> bytes:
    row = await _row(call)
    words = DocumentWords(call.query["lang"] or str(row.body.get("language", "en")))
    return pdf_of(row, await _original(call, row), words)


async def get_document_csv(call: Call) -> bytes:
    return lines_csv(await _row(call))


async def get_document_xml(call: Call) -> bytes:
    return await _xml(call, None)


async def post_document_xml(call: Call) -> bytes:
    body: BuyerBody = call.body
    return await _xml(call, Buyer(**{name: getattr(body, name) for name in BuyerBody.__struct_fields__}))


async def _xml(call: Call, buyer: Buyer | None) -> bytes:
    row = await _row(call)
    try:
        tree = xml_of(row, await _original(call, row), buyer)
    except NotCarried as reason:
        raise Problem("refused", str(reason)) from None
    wrong = broken(tree)
    if wrong:
        errors = [FieldError(f"{found.rule}: {found.detail}") for found in wrong]
        raise Problem("refused", "the document cannot be told as an e-invoice of EN 16931", errors=errors)
    return text_of(tree)


# -- a month


def _month(call: Call) -> tuple[datetime, datetime]:
    """Its begin and end by the tenant's clock."""
    zone = ZoneInfo(call.card.time_zone)
    try:
        begin = datetime.strptime(call.path["month"], "%Y-%m").replace(tzinfo=zone)
    except ValueError:
        raise wrong_parameter("month", "a month such as 2026-01") from None
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return begin.astimezone(UTC), end.astimezone(UTC)


async def _sums(call: Call) -> list[DocumentSum]:
    since, until = _month(call)
    return list(await call.env.queries.document_sums(call.own, since, until, call.query["seller"], call.query["customer"]))


async def _of_month(call: Call) -> list[DocumentRow]:
    """All of them, oldest first; refused where there are too many for one file."""
    since, until = _month(call)
    found: list[DocumentRow] = []
    cursor: str | None = None
    asked = {"seller": call.query["seller"], "customer": call.query["customer"], "since": since, "until": until}
    while True:
        page = await call.env.queries.documents(call.own, limits.PAGE_MAX, cursor, **asked)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found[::-1]
        if len(found) >= limits.STATEMENT_DOCUMENTS:
            most = limits.STATEMENT_DOCUMENTS
            raise Problem(
                "refused", f"more than {most} documents in that month: ask by seller or customer, or list them by pages"
            )


async def get_statement(call: Call) -> StatementView:
    sums = await _sums(call)
    totals: dict[str, list[int]] = {}
    for each in sums:
        total = totals.setdefault(each.currency, [0, 0])
        total[0] += each.net_minor
        total[1] += each.vat_minor
    return StatementView(
        call.path["month"],
        call.query["seller"],
        call.query["customer"],
        [SumView(e.kind, e.currency, e.rate, e.net_minor, e.vat_minor, e.net_minor + e.vat_minor, e.documents) for e in sums],
        [TotalView(currency, net, vat, net + vat) for currency, (net, vat) in sorted(totals.items())],
    )


async def get_statement_csv(call: Call) -> bytes:
    return list_csv(await _of_month(call))


async def get_statement_pdf(call: Call) -> bytes:
    t = DocumentWords(call.query["lang"] or "en")
    rows = await _of_month(call)
    names = {t("Seller"): call.query["seller"] or "", t("Customer"): call.query["customer"] or ""}
    return statement_pdf(call.path["month"], {k: v for k, v in names.items() if v}, await _sums(call), rows, t)


_T = "/api/v1/tenants/{tenant}"
_D = _T + "/documents/{document}"
_M = _T + "/statements/{month}"
_LANG = Query("lang", Language, "de or en; otherwise the document's own")
_WHOSE = (
    Query("seller", str, "Only of this seller: a merchant's id, or `brand`"),
    Query("customer", str, "Only of this customer"),
)
_ONE: dict[str, Any] = {"tag": TAG, "scope": Scope.TENANT, "method": "GET", "answer": bytes}
ROUTES = (
    Route(
        method="GET", path=_T + "/documents", handler=list_documents, tag=TAG, scope=Scope.TENANT,
        summary="Receipts, invoices and credit notes, newest first",
        query=(
            *PAGED, Query("kind", Kind, "receipt, invoice or credit_note"), *_WHOSE,
            Query("ref", str, "Only of this session (or whatever was paid)"),
            Query("since", Moment, "Only those of this time or later"), Query("until", Moment, "Only those before this time"),
        ),
        answer=Items[DocumentView],
    ),
    Route(method="GET", path=_D, handler=get_document, tag=TAG, scope=Scope.TENANT, summary="One document", answer=DocumentView),
    Route(path=_D + ".pdf", handler=get_document_pdf, summary="As PDF", answer_media="application/pdf", query=(_LANG,), **_ONE),
    Route(path=_D + ".csv", handler=get_document_csv, summary="Its lines as CSV", answer_media="text/csv", **_ONE),
    Route(
        path=_D + ".xml", handler=get_document_xml, summary="As an e-invoice of EN 16931 (UBL 2.1)",
        answer_media="application/xml",
        description="The buyer appears by the pseudonym that the document has. Refused with the rules that it would break.",
        problems=("refused",), **_ONE,
    ),
    Route(
        method="POST", path=_D + ".xml", handler=post_document_xml, tag=TAG, scope=Scope.TENANT, right=identity.READ,
        summary="As an e-invoice made out to somebody", description="Who they are goes into the answer and is kept nowhere.",
        body=BuyerBody, answer=bytes, answer_media="application/xml", problems=("refused",),
    ),
    Route(
        method="GET", path=_M, handler=get_statement, tag=TAG, scope=Scope.TENANT, query=_WHOSE,
        summary="A month, summed up by kind and rate of VAT", answer=StatementView,
    ),
    Route(
        path=_M + ".csv", handler=get_statement_csv, summary="The documents of a month as CSV", answer_media="text/csv",
        query=_WHOSE, problems=("refused",), **_ONE,
    ),
    Route(
        path=_M + ".pdf", handler=get_statement_pdf, summary="The statement of a month as PDF", answer_media="application/pdf",
        query=(*_WHOSE, _LANG), problems=("refused",), **_ONE,
    ),
)  # fmt: skip
