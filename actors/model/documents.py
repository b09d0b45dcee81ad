"""Fiscal documents as values: the receipt of what a card or wallet paid, the invoice of a session that is paid later, and the
credit note that takes back a part of either (MONEY 2.5, 3.5).

Each function returns the row that is written in the turn that makes the money move; the store gives it its number. `body` says
everything a page, a PDF or an e-invoice needs, as JSON values with amounts in minor units, and nothing personal: a simplified
invoice names no recipient. Per rate of VAT the lines add up to its base, and bases and taxes to the total. A credit note is
reckoned on all that was credited so far less what was credited before, so many small refunds end exactly at the original.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from actors.merchant.messages import Seller
from actors.model.bill import Bill, BillLine, bases, corrections
from actors.model.ids import digest
from actors.model.money import Cost
from actors.model.rating import KindNet
from actors.model.rows import DocumentRow
from actors.model.shares import Split, share, split_of

RECEIPT, INVOICE, CREDIT_NOTE = "receipt", "invoice", "credit_note"
KINDS = (RECEIPT, INVOICE, CREDIT_NOTE)
_LETTER = {RECEIPT: "R", INVOICE: "I", CREDIT_NOTE: "C"}
_HUNDRED = Decimal(100)


def number_text(document: DocumentRow) -> str:
    """The number as people quote it, unique for the seller: R-2026-000017. Empty before the store gave one."""
    if document.number is None:
        return ""
    return f"{_LETTER.get(document.kind, 'D')}-{document.series.rpartition('/')[2]}-{document.number:06}"


def receipt_id(payment: str) -> str:
    return "d" + digest("receipt", payment)


def invoice_id(session: str) -> str:
    return "d" + digest("invoice", session)


def credit_note_id(refund: str) -> str:
    return "d" + digest("credit note", refund)


def receipt(
    *,
    tenant: str,
    payment: str,
    session: str,
    seller_id: str,
    seller: Seller,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    paid_minor: int,
    at: datetime,
    bill: Bill | None = None,
    nets: Sequence[tuple[Decimal | None, int]] = (),
    method: str = "card",
    language: str = "en",
    shown: str = "",
    customer: str = "",
    time_zone: str = "UTC",
) -> DocumentRow | None:
    """Of what was paid for a session. `payment`: id of the attempt (or wallet posting), which makes the document's. `paid_minor`
    may be less than the cost: the seller waives the rest, and the taxes are those of what was paid. `nets`: of the cost, per
    rate of VAT, for one without a bill. None for nothing paid.

    Raises ValueError where more was paid than the session cost, or kinds and VAT are not the cost's.
    """
    if paid_minor == 0:
        return None
    body = _sale(seller, country, cost, kinds, paid_minor, bill, nets)
    body |= {
        "session": session,
        "paid": {"method": method, "amount_minor": paid_minor, "payment": payment},
        "language": language,
        "shown": shown,
    }
    zone = bill.time_zone if bill is not None else time_zone
    return _row(tenant, receipt_id(payment), seller_id, RECEIPT, zone, at, session, cost.incl.currency, body, customer)


def invoice(
    *,
    tenant: str,
    seller_id: str,
    seller: Seller,
    country: str,
    kinds: Sequence[KindNet],
    bill: Bill,
    at: datetime,
    customer: str = "",
    language: str = "en",
) -> DocumentRow | None:
    """Of a session that is paid later, by whom `customer` (a token_ref) stands for. None where it cost nothing."""
    cost = bill.cost
    if cost.incl.amount_minor == 0:
        return None
    body = _sale(seller, country, cost, kinds, cost.incl.amount_minor, bill)
    body["language"] = language
    id = invoice_id(bill.session)
    return _row(tenant, id, seller_id, INVOICE, bill.time_zone, at, bill.session, cost.incl.currency, body, customer)


def credit_note(
    original: DocumentRow, *, refund: str, amount_minor: int, credited_before_minor: int, at: datetime, time_zone: str = "UTC"
) -> DocumentRow | None:
    """Takes back `amount_minor` of a receipt or invoice of which `credited_before_minor` was taken back already. Amounts are
    negative. `refund`: what makes the document's id (the refund, or the credit CDR). None for nothing; ValueError beyond the
    original."""
    if amount_minor == 0:
        return None
    before, after = credited_before_minor, credited_before_minor + amount_minor
    sold = original.body
    back = split_in(sold).between(before, after)
    rates = [_rate(vat["rate"]) for vat in sold["vat"]]
    low, high = _nets(sold, before), _nets(sold, after)
    taxes = dict(back.vat)
    vat = [(rate, -(high[n] - low[n]), 0 if rate is None else -taxes.get(rate, 0)) for n, rate in enumerate(rates)]
    lines = [
        BillLine("refund", "session", Decimal(1), None, rate, net, net + tax) for rate, net, tax in vat if net or tax
    ]  # fmt: skip
    body = _body(
        sold["seller"],
        sold["country"],
        lines,
        vat,
        [(kind, -minor) for kind, minor in back.kinds],
        -amount_minor,
    )
    body |= {"language": sold["language"], "refund": refund, "corrects": original.id, "session": sold["session"]}
    return _row(
        original.tenant, credit_note_id(refund), original.seller, CREDIT_NOTE, sold.get("time_zone", time_zone), at,
        original.ref, original.currency, body, original.customer, original.id,
    )  # fmt: skip


def reinstated(note: DocumentRow, *, at: datetime) -> DocumentRow:
    """Takes a credit note back: the refund never reached anybody, so what it credited is paid again. A receipt that names it."""
    body = dict(note.body)
    for field in ("net_minor", "vat_minor", "gross_minor"):
        body[field] = -body[field]
    for field in ("lines", "vat", "kinds"):
        rows = body[field]
        body[field] = [{name: -value if name.endswith("_minor") else value for name, value in row.items()} for row in rows]
    body["lines"] = [{**line, "kind": "refund_failed"} for line in body["lines"]]
    body["corrects"] = note.id
    zone = body.get("time_zone", "UTC")
    return _row(
        note.tenant, "d" + digest("reinstated", note.id), note.seller, RECEIPT, zone, at, note.ref, note.currency, body,
        note.customer, note.id,
    )  # fmt: skip


def split_in(body: Mapping[str, Any]) -> Split:
    """Net per kind and VAT per rate, as the document has them."""
    rates = [(_rate(vat["rate"]), int(vat["vat_minor"])) for vat in body["vat"]]
    return Split(
        tuple([(str(kind["kind"]), int(kind["net_minor"])) for kind in body["kinds"]]),
        tuple([(rate, minor) for rate, minor in rates if rate is not None]),
    )


def _sale(
    seller: Seller, country: str, cost: Cost, kinds: Sequence[KindNet], paid_minor: int, bill: Bill | None,
    told: Sequence[tuple[Decimal | None, int]] = (),
) -> dict[str, Any]:  # fmt: skip
    split = split_of(cost, kinds).of(paid_minor)
    taxes = dict(split.vat)
    lines = list(bill.lines) if bill is not None else []
    weights = [(rate, Decimal(net)) for rate, net in told] if told and not lines else _weights(cost, lines)
    whole = bases(cost, weights)
    nets = share(split.net, [net for net, _ in whole.values()])
    vat = [(rate, net, 0 if rate is None else taxes.get(rate, 0)) for rate, net in zip(whole, nets, strict=True)]
    wanted = {rate: (net, tax) for rate, net, tax in vat}
    lines += corrections(lines, wanted, "waived" if lines else "charging")
    body = _body(msgspec.to_builtins(seller), country, lines, vat, split.kinds, paid_minor)
    body |= {"session": bill.session if bill is not None else "", "cost_minor": cost.incl.amount_minor}
    return body if bill is None else body | _delivery(bill)


def _weights(cost: Cost, lines: Sequence[BillLine]) -> list[tuple[Decimal | None, Decimal]]:
    """How the net divides among the rates: as the lines have it; without lines as the taxes suggest."""
    if lines:
        return [(line.vat, Decimal(line.net_minor)) for line in lines]
    return [(vat.rate, Decimal(vat.amount.amount_minor) * _HUNDRED / vat.rate) for vat in cost.vat if vat.rate]


def _delivery(bill: Bill) -> dict[str, Any]:
    return {
        "station": bill.station, "evse": bill.evse, "evse_id": bill.evse_id, "place": bill.place,
        "started_at": _utc(bill.started_at), "ended_at": _utc(bill.ended_at), "time_zone": bill.time_zone,
        "energy_wh": bill.energy_wh, "meter_start_wh": bill.meter_start_wh, "meter_stop_wh": bill.meter_stop_wh,
        "charging_s": bill.charging_s, "parking_s": bill.parking_s, "signed": bill.signed,
        "cdr": bill.cdr, "tariff": bill.tariff, "fingerprint": bill.fingerprint,
    }  # fmt: skip


def _body(
    seller: Any,
    country: str,
    lines: Sequence[BillLine],
    vat: Sequence[tuple[Decimal | None, int, int]],
    kinds: Sequence[tuple[str, int]],
    gross: int,
) -> dict[str, Any]:
    net = sum(base for _, base, _ in vat)
    assert net + sum(tax for _, _, tax in vat) == gross, "the rates of a document make its total"
    assert sum(line.net_minor for line in lines) == net, "the lines of a document make its net"
    return {
        "seller": seller,
        "country": country,
        "lines": [_json_line(line) for line in lines],
        "vat": [{"rate": _text(rate), "net_minor": base, "vat_minor": tax} for rate, base, tax in vat],
        "kinds": [{"kind": kind, "net_minor": minor} for kind, minor in kinds],
        "net_minor": net,
        "vat_minor": gross - net,
        "gross_minor": gross,
    }


def _json_line(line: BillLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "unit": line.unit,
        "quantity": f"{line.quantity:f}",
        "price": None if line.price is None else f"{line.price:f}",
        "rate": _text(line.vat),
        "net_minor": line.net_minor,
        "gross_minor": line.gross_minor,
    }


def _nets(body: Mapping[str, Any], gross: int) -> list[int]:
    """The base of each rate in the first `gross` of a document."""
    return share(split_in(body).of(gross).net, [int(vat["net_minor"]) for vat in body["vat"]])


def _row(
    tenant: str, id: str, seller: str, kind: str, zone: str, at: datetime, ref: str, currency: str, body: dict[str, Any],
    customer: str, corrects: str | None = None,
) -> DocumentRow:  # fmt: skip
    year = at.astimezone(ZoneInfo(zone)).year
    return DocumentRow(
        tenant=tenant, id=id, seller=seller, kind=kind, series=f"{seller}/{kind}/{year}", at=at, ref=ref, currency=currency,
        gross_minor=int(body["gross_minor"]), body=body, corrects=corrects, customer=customer,
    )  # fmt: skip


def _text(rate: Decimal | None) -> str:
    """A rate as JSON: percent without trailing zeros; empty where no tax was named."""
    return "" if rate is None else f"{rate.normalize() + 0:f}"


def _rate(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _utc(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z")
