"""Documents as CSV, for a spreadsheet or the bookkeeper: amounts in major units with a point, one line each.

A cell that a spreadsheet would run as a formula is kept from it by an apostrophe."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from actors.model.documents import number_text
from actors.model.money import Money, exponent
from actors.model.rows import DocumentRow

_LINES = ("number", "kind", "issued_at", "line", "quantity", "unit", "price_gross", "vat_percent", "net", "gross", "currency")
_LIST = ("number", "kind", "issued_at", "ref", "customer", "corrects", "vat_percent", "net", "vat", "gross", "currency")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines_csv(row: DocumentRow) -> bytes:
    """A document, line by line."""
    rows = [
        [
            number_text(row), row.kind, row.at.isoformat(), line["kind"], line["quantity"], line["unit"], line["price"] or "",
            line["rate"], _major(line["net_minor"], row.currency), _major(line["gross_minor"], row.currency), row.currency,
        ]
        for line in row.body["lines"]
    ]  # fmt: skip
    return _written(_LINES, rows)


def list_csv(rows: Sequence[DocumentRow]) -> bytes:
    """A line per document and rate of VAT."""
    found = [
        [
            number_text(row), row.kind, row.at.isoformat(), row.ref, row.customer, row.corrects or "", vat["rate"],
            _major(vat["net_minor"], row.currency), _major(vat["vat_minor"], row.currency),
            _major(vat["net_minor"] + vat["vat_minor"], row.currency), row.currency,
        ]
        for row in rows
        for vat in row.body["vat"]
    ]  # fmt: skip
    return _written(_LIST, found)


def _major(amount_minor: int, currency: str) -> str:
    return f"{Money(amount_minor, currency).major():.{exponent(currency)}f}"


def _written(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([[_cell(str(value)) for value in row] for row in rows])
    return out.getvalue().encode()


def _cell(text: str) -> str:
    number = text.lstrip("-").replace(".", "", 1).isdecimal()
    return f"'{text}" if text.startswith(_FORMULA) and not number else text
