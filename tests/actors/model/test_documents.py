"""What documents say: lines, taxes and totals that add up, whatever the tariff, the capture and the refunds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.merchant.messages import Seller
from actors.model.bill import Bill, bill_lines
from actors.model.documents import credit_note, invoice, number_text, receipt
from actors.model.posting import captured, refund_direct
from actors.model.rating import Rated, rate
from actors.model.rows import DocumentRow, JournalRow
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Usage, UsagePeriod
from actors.ports import MerchantCard
from tests.actors.model.strategies import ZONES, tariffs, usages

AT = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
SELLER = Seller("Parkhaus GmbH", ("Hauptstr. 1", "10115 Berlin"), "DE", "DE123456789")
MERCHANT = MerchantCard("acme", "m1", SELLER, "acct_1", True)


def rated_by(tariff: Tariff, usage: Usage, zone: str = "Europe/Berlin") -> Rated:
    return rate(tariff, usage, time_zone=zone)


def bill_of(tariff: Tariff, rated: Rated, usage: Usage) -> Bill:
    start, end = usage.periods[0].start, usage.periods[-1].end
    return Bill(
        "s1", "CP1", 1, 1, start, end, "Europe/Berlin", int(rated.energy_kwh * 1000), rated.cost, bill_lines(tariff, rated),
        tariff.id, tariff.fingerprint, 1000, 1000 + int(rated.energy_kwh * 1000),
    )  # fmt: skip


def paid(rated: Rated, bill: Bill | None, minor: int) -> DocumentRow:
    found = receipt(
        tenant="acme", payment="p1", session="s1", seller_id="m1", seller=SELLER, country="DE", cost=rated.cost,
        kinds=rated.kinds, paid_minor=minor, at=AT, bill=bill, language="de", shown="abc",
    )  # fmt: skip
    assert found is not None
    return found


def twenty_kwh() -> tuple[Tariff, Usage, Rated]:
    components = [
        {"type": "ENERGY", "price": 0.59, "vat": 19, "step_size": 1},
        {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 60},
    ]
    tariff = parse_tariff({"id": "std", "currency": "EUR", "tax_included": "YES", "elements": [{"price_components": components}]})
    begin = datetime(2026, 12, 31, 20, tzinfo=UTC)
    there = begin + timedelta(hours=1)
    usage = Usage(
        (UsagePeriod(begin, there, Decimal("20.917")), UsagePeriod(there, there + timedelta(minutes=10), activity="parking"))
    )
    return tariff, usage, rated_by(tariff, usage)


def test_a_receipt_says_what_was_delivered_at_which_price_and_with_which_tax() -> None:
    tariff, usage, rated = twenty_kwh()
    found = paid(rated, bill_of(tariff, rated, usage), 1334)
    body = found.body
    assert (found.kind, found.gross_minor, found.ref, found.seller) == ("receipt", 1334, "s1", "m1")
    assert [(line["kind"], line["quantity"], line["unit"], line["price"]) for line in body["lines"]] == [
        ("energy", "20.917", "kWh", "0.59"),
        ("occupancy", "10", "min", "0.1"),
    ]
    assert body["vat"] == [{"rate": "19", "net_minor": 1121, "vat_minor": 213}]
    assert (body["meter_start_wh"], body["meter_stop_wh"], body["energy_wh"]) == (1000, 21917, 20917)
    assert body["paid"] == {"method": "card", "amount_minor": 1334, "payment": "p1"}
    assert body["seller"]["vat_id"] == "DE123456789"


def test_the_year_of_a_number_is_that_of_the_place() -> None:
    """Half past eleven at night by UTC on New Year's Eve is the new year in Berlin."""
    tariff, usage, rated = twenty_kwh()
    found = paid(rated, bill_of(tariff, rated, usage), 1334)
    assert found.series == "m1/receipt/2027"
    assert number_text(found) == ""
    assert number_text(_numbered(found, 17)) == "R-2027-000017"


def test_what_the_seller_waived_is_a_line_and_bears_no_tax() -> None:
    tariff, usage, rated = twenty_kwh()
    body = paid(rated, bill_of(tariff, rated, usage), 1000).body
    assert [(line["kind"], line["gross_minor"]) for line in body["lines"]][-1] == ("waived", -334)
    assert (body["net_minor"], body["vat_minor"], body["gross_minor"], body["cost_minor"]) == (840, 160, 1000, 1334)


def test_a_least_price_is_a_line_of_its_own() -> None:
    component = {"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1}
    least = {"before_taxes": 1, "after_taxes": 1.19}
    tariff = parse_tariff(
        {"currency": "EUR", "tax_included": "YES", "min_price": least, "elements": [{"price_components": [component]}]}
    )
    usage = Usage((UsagePeriod(AT, AT + timedelta(hours=1), Decimal("0.5")),))
    rated = rated_by(tariff, usage)
    lines = paid(rated, bill_of(tariff, rated, usage), 119).body["lines"]
    assert [(line["kind"], line["gross_minor"]) for line in lines] == [("energy", 25), ("min_price", 94)]


def test_nothing_paid_is_no_document_and_more_than_the_cost_is_refused() -> None:
    _, _, rated = twenty_kwh()
    asked: dict[str, Any] = {
        "tenant": "acme", "payment": "p1", "session": "s1", "seller_id": "m1", "seller": SELLER, "country": "DE",
        "cost": rated.cost, "kinds": rated.kinds, "at": AT,
    }  # fmt: skip
    assert receipt(paid_minor=0, **asked) is None
    with pytest.raises(ValueError, match="no part"):
        receipt(paid_minor=1335, **asked)


@given(tariffs(), usages(), ZONES, st.integers(1, 10_000), st.booleans(), st.lists(st.integers(1, 400), max_size=6))
def test_documents_add_up_and_say_what_the_books_say(
    tariff: Tariff, usage: Usage, zone: str, part: int, with_bill: bool, refunds: list[int]
) -> None:
    rated = rated_by(tariff, usage, zone)
    gross = rated.cost.incl.amount_minor
    minor = max(1, gross * part // 10_000) if gross else 0
    if not minor:
        return
    sale = paid(rated, bill_of(tariff, rated, usage) if with_bill else None, minor)
    _adds_up(sale)
    posted: dict[str, Any] = {"tenant": "acme", "session": "s1", "merchant": MERCHANT, "country": "DE", "cost": rated.cost}
    posted |= {"kinds": rated.kinds, "captured_minor": minor, "at": AT}
    assert _taxes(captured(attempt="p1", fee_minor=0, **posted)) == _told(sale)
    steps, taken = [min(step, minor) for step in refunds], 0
    notes = []
    for n, step in enumerate([*steps, minor]):
        amount = min(step, minor - taken)
        note = credit_note(sale, refund=f"r{n}", amount_minor=amount, credited_before_minor=taken, at=AT)
        if note is not None:
            _adds_up(note)
            assert (note.corrects, note.gross_minor) == (sale.id, -amount)
            books = refund_direct(refund=f"r{n}", refunded_before_minor=taken, amount_minor=amount, **posted)
            assert _taxes(books) == _told(note)
            notes.append(note)
        taken += amount
    everything = [sale, *notes]
    assert sum(row.gross_minor for row in everything) == 0
    for rate_ in {vat["rate"] for row in everything for vat in row.body["vat"]}:
        rows = [vat for row in everything for vat in row.body["vat"] if vat["rate"] == rate_]
        assert sum(vat["net_minor"] for vat in rows) == sum(vat["vat_minor"] for vat in rows) == 0


@given(tariffs(), usages(), ZONES)
def test_an_invoice_asks_for_what_the_session_cost(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rated_by(tariff, usage, zone)
    bill = bill_of(tariff, rated, usage)
    found = invoice(
        tenant="acme", seller_id="brand", seller=SELLER, country="DE", kinds=rated.kinds, bill=bill, at=AT, customer="t_1"
    )  # fmt: skip
    assert (found is None) == (rated.cost.incl.amount_minor == 0)
    if found is not None:
        _adds_up(found)
        assert (found.gross_minor, found.customer) == (rated.cost.incl.amount_minor, "t_1")
        assert not [line for line in found.body["lines"] if line["kind"] in ("rounding", "waived")]


def _numbered(row: DocumentRow, number: int) -> DocumentRow:

    return msgspec.structs.replace(row, number=number)


def _adds_up(row: DocumentRow) -> None:
    body = row.body
    assert body["net_minor"] + body["vat_minor"] == body["gross_minor"] == row.gross_minor
    assert sum(vat["net_minor"] for vat in body["vat"]) == sum(line["net_minor"] for line in body["lines"]) == body["net_minor"]
    assert sum(kind["net_minor"] for kind in body["kinds"]) == body["net_minor"]
    assert sum(vat["vat_minor"] for vat in body["vat"]) == body["vat_minor"]
    for vat in body["vat"]:
        mine = [line for line in body["lines"] if line["rate"] == vat["rate"]]
        assert sum(line["net_minor"] for line in mine) == vat["net_minor"]
        assert sum(line["gross_minor"] for line in mine) == vat["net_minor"] + vat["vat_minor"]


def _taxes(journals: tuple[JournalRow, ...]) -> dict[str, int]:
    """VAT per rate as booked: a credit is what is owed to the state."""
    found: dict[str, int] = {}
    for entry in (entry for journal in journals for entry in journal.entries if entry.account.startswith("2300/")):
        name = entry.account.rpartition("/")[2]
        found[name] = found.get(name, 0) + (entry.amount_minor if entry.side == "credit" else -entry.amount_minor)
    return found


def _told(row: DocumentRow) -> dict[str, int]:
    return {vat["rate"]: vat["vat_minor"] for vat in row.body["vat"] if vat["vat_minor"]}
