"""Journals balance, whatever was charged."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given

from actors.model.ledger import (
    CHART,
    Unbalanced,
    check_balanced,
    journal_for_invoice,
    journal_id,
    reversal,
    vat_output,
)
from actors.model.rating import Rated, rate
from actors.model.rows import Entry, JournalRow
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Usage, usage_of
from tests.actors.model.strategies import ZONES, tariffs, usages

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


def rated(price: float, vat: float | None = 19, energy: int = 20_917) -> Rated:
    component = {"type": "ENERGY", "price": price, "vat": vat, "step_size": 1}
    fee = {"type": "FLAT", "price": price, "vat": vat, "step_size": 1}
    tariff = parse_tariff({"currency": "EUR", "tax_included": "YES", "elements": [{"price_components": [component, fee]}]})
    return rate(tariff, usage_of([], [], AT, AT, 0, energy), time_zone="UTC")


def journal(cost: Rated, token: str | None = "t_ab12") -> JournalRow | None:
    return journal_for_invoice(tenant="acme", session="s1", token_ref=token, country="DE", rated=cost, at=AT)


def test_an_invoice_session_debits_the_customer_and_credits_revenue_and_vat() -> None:
    row = journal(rated(0.5))
    assert row is not None
    assert [(e.side, e.account, e.amount_minor) for e in row.entries] == [
        ("debit", "1220/t_ab12", 1096),
        ("credit", "4000/flat", 42),
        ("credit", "4000/energy", 879),
        ("credit", "2300/DE/19", 175),
    ]
    assert (row.book, row.ref, row.id) == ("brand", "s1", journal_id("s1"))


def test_a_session_that_costs_nothing_posts_nothing() -> None:
    assert journal(rated(0)) is None


def test_a_session_without_vat_has_two_sides_all_the_same() -> None:
    row = journal(rated(0.5, None))
    assert row is not None
    assert {e.account for e in row.entries} == {"1220/t_ab12", "4000/energy", "4000/flat"}


def test_a_session_without_a_token_is_owed_by_nobody_known() -> None:
    row = journal(rated(0.5), None)
    assert row is not None
    assert row.entries[0].account == "1220/unknown"


def test_a_reversal_swaps_the_sides_and_is_one_however_often_it_is_asked() -> None:
    row = journal(rated(0.5))
    assert row is not None
    back, again = reversal(row, at=AT), reversal(row, at=AT)
    assert back == again
    assert (back.reverses, back.ref) == (row.id, "s1")
    balance: dict[str, int] = {}
    for entry in (*row.entries, *back.entries):
        balance[entry.account] = balance.get(entry.account, 0) + entry.amount_minor * (1 if entry.side == "debit" else -1)
    assert set(balance.values()) == {0}


@given(tariffs(), usages(), ZONES)
def test_every_journal_balances_and_uses_accounts_of_the_chart(tariff: Tariff, usage: Usage, zone: str) -> None:
    cost = rate(tariff, usage, time_zone=zone)
    row = journal(cost)
    assert (row is None) == (cost.cost.incl.amount_minor == 0)
    if row is not None:
        check_balanced(row.entries)
        assert row.entries[0].amount_minor == cost.cost.incl.amount_minor


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [Entry("1220/x", "debit", 1, "EUR")],
        [Entry("1220/x", "debit", 2, "EUR"), Entry("4000/energy", "credit", 1, "EUR")],
        [Entry("1220/x", "debit", 1, "EUR"), Entry("4000/energy", "credit", 1, "USD")],
        [Entry("1220/x", "debit", 0, "EUR"), Entry("4000/energy", "credit", 0, "EUR")],
        [Entry("1220/x", "debit", -1, "EUR"), Entry("4000/energy", "credit", -1, "EUR")],
        [Entry("9999", "debit", 1, "EUR"), Entry("4000/energy", "credit", 1, "EUR")],
        [Entry("1220/x", "left", 1, "EUR"), Entry("4000/energy", "credit", 1, "EUR")],
    ],
)
def test_an_unbalanced_journal_cannot_be_made(entries: list[Entry]) -> None:
    with pytest.raises(Unbalanced):
        check_balanced(entries)


def test_an_account_is_increased_by_its_debit_or_its_credit() -> None:
    assert {account.normal for account in CHART.values()} == {"debit", "credit"}


def test_a_rate_with_decimals_keeps_them() -> None:
    assert vat_output("CH", Decimal("8.10")) == "2300/CH/8.1"
    assert vat_output("DE", Decimal("20.0")) == "2300/DE/20"
