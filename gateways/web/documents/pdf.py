"""A document, or a month's statement, as a PDF: seller, what was delivered, lines, taxes per rate, total."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from fpdf.enums import XPos, YPos

from actors.model.documents import number_text
from actors.model.rows import DocumentRow
from actors.ports import DocumentSum
from gateways.web.documents.language import LINES, PLURALS, TITLES, DocumentWords
from gateways.web.pay.receipt_pdf import FONT, Paper, plain


def pdf_of(row: DocumentRow, original: DocumentRow | None, t: DocumentWords) -> bytes:
    """`original`: the document that this one corrects."""
    title = t(TITLES.get(row.kind, row.kind))
    paper = _paper(f"{title} {number_text(row)}", t)
    _seller(paper, row.body.get("seller") or {}, t)
    paper.gap(rule=True)
    paper.say(f"{title} {number_text(row)}", 16, bold=True)
    paper.gap(1)
    for label, value in _facts(row, original, t):
        paper.fact(label, value)
    paper.gap(rule=True)
    for line in row.body["lines"]:
        paper.fact(_line_label(line, row.currency, t), t.minor(line["gross_minor"], row.currency), right=True)
    paper.gap(1, rule=True)
    paper.fact(t("Total"), t.minor(row.gross_minor, row.currency), bold=True, right=True)
    paper.gap(1)
    _taxes(paper, row, t)
    paid = row.body.get("paid")
    if isinstance(paid, Mapping):
        paper.gap(1)
        label = t("Paid from the wallet") if paid.get("method") == "wallet" else t("Paid by card")
        paper.fact(label, t.minor(int(paid["amount_minor"]), row.currency), right=True)
    return bytes(paper.output())


def statement_pdf(
    month: str, names: Mapping[str, str], sums: Sequence[DocumentSum], rows: Sequence[DocumentRow], t: DocumentWords
) -> bytes:
    """`names`: what stands at the top (seller, customer). `rows`: the documents, oldest first."""
    paper = _paper(t("Statement for {month}", month=month), t)
    paper.say(t("Statement for {month}", month=month), 16, bold=True)
    for label, value in names.items():
        paper.fact(label, value)
    paper.gap(rule=True)
    for total in sums:
        net, vat = t.minor(total.net_minor, total.currency), t.minor(total.vat_minor, total.currency)
        gross = t.minor(total.net_minor + total.vat_minor, total.currency)
        label = f"{t(PLURALS.get(total.kind, total.kind))}, {_rate(total.rate, t)} ({t('Net')} {net}, {t('VAT')} {vat})"
        paper.fact(label, gross, right=True)
    paper.gap(rule=True)
    for row in rows:
        zone = row.body.get("time_zone", "UTC")
        paper.fact(f"{number_text(row)}, {t.when(row.at, zone)}", t.minor(row.gross_minor, row.currency), right=True)
    return bytes(paper.output())


def _paper(title: str, t: DocumentWords) -> Paper:
    paper = Paper(plain(title))
    paper.set_title(plain(title))
    paper.set_lang(t.code)
    paper.set_creator("Voltroupe")
    paper.add_page()
    paper.set_font(FONT, size=10)
    paper.cell(0, 0, "", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return paper


def _seller(paper: Paper, seller: Mapping[str, Any], t: DocumentWords) -> None:
    paper.say(str(seller.get("name", "")), 12, bold=True)
    for line in seller.get("address", ()):
        paper.say(str(line), 9)
    if seller.get("vat_id"):
        paper.say(f"{t('VAT id')}: {seller['vat_id']}", 9)
    reach = ", ".join(str(seller[name]) for name in ("email", "phone") if seller.get(name))
    if reach:
        paper.say(reach, 9)


def _facts(row: DocumentRow, original: DocumentRow | None, t: DocumentWords) -> list[tuple[str, str]]:
    body, zone = row.body, row.body.get("time_zone", "UTC")
    found = [(t("Issued"), t.when(row.at, zone))]
    if original is not None:
        found.append((t("Correction of the receipt or invoice"), number_text(original)))
    if body.get("station"):
        found.append((t("Station"), f"{body['station']}, {t('EVSE')} {body['evse']}"))
        found.append((t("EVSE"), str(body.get("evse_id", ""))))
        found.append((t("Place"), _place(body.get("place") or {})))
        started, ended = _moment(body["started_at"]), _moment(body["ended_at"])
        found += [(t("Start"), t.when(started, zone)), (t("End"), t.when(ended, zone))]
        found.append((t("Duration"), t.span((ended - started).total_seconds())))
        found.append((t("Energy"), t.kwh(body["energy_wh"])))
        found.append((t("Meter reading at the start"), t.kwh(body.get("meter_start_wh"))))
        found.append((t("Meter reading at the end"), t.kwh(body.get("meter_stop_wh"))))
    found.append((t("Session"), str(body.get("session") or row.ref)))
    return [(label, value) for label, value in found if value]


def _place(place: Mapping[str, str]) -> str:
    town = " ".join(place[name] for name in ("postal_code", "city") if place.get(name))
    return ", ".join(part for part in (place.get("name", ""), place.get("address", ""), town) if part)


def _line_label(line: Mapping[str, Any], currency: str, t: DocumentWords) -> str:
    label = t(LINES.get(line["kind"], line["kind"]))
    if line["price"] is None or line["unit"] == "session":
        return label
    quantity, price = t.decimal(Decimal(line["quantity"]), most=3), t.price(Decimal(line["price"]), currency)
    return f"{label}: {quantity} {line['unit']} x {price}/{line['unit']}"


def _taxes(paper: Paper, row: DocumentRow, t: DocumentWords) -> None:
    for vat in row.body["vat"]:
        net, tax = t.minor(vat["net_minor"], row.currency), t.minor(vat["vat_minor"], row.currency)
        paper.fact(f"{_rate(vat['rate'], t)} ({t('Net')} {net})", tax, right=True)


def _rate(rate: str, t: DocumentWords) -> str:
    return t("{rate} VAT", rate=t.percent(Decimal(rate))) if rate else t("No tax named")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
