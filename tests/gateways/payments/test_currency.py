"""Amounts as ISO 4217 has them and as Stripe counts them: zero, two and three decimals, and the odd ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.money import CURRENCIES, card_step, chargeable, exponent
from actors.payment.floors import FLOORS
from gateways.payments.currency import (
    UnknownCurrency,
    from_stripe,
    to_stripe,
)

EVERY = st.sampled_from(sorted(CURRENCIES))


@pytest.mark.parametrize(
    ("currency", "minor", "stripe"),
    [
        ("EUR", 1234, 1234),
        ("CZK", 1500, 1500),
        ("JPY", 1234, 1234),
        ("KRW", 50, 50),
        ("ISK", 1234, 123400),
        ("UGX", 5000, 500000),
        ("KWD", 1230, 1230),
        ("TND", 10, 10),
        ("HUF", 17550, 17550),
        ("MGA", 12300, 123),
    ],
)
def test_each_kind_of_currency_is_counted_as_stripe_counts_it(currency: str, minor: int, stripe: int) -> None:
    assert to_stripe(minor, currency) == stripe
    assert from_stripe(stripe, currency) == minor


@pytest.mark.parametrize(("currency", "minor", "charged"), [("KWD", 1239, 1230), ("BHD", 9, 0), ("MGA", 1299, 1200)])
def test_what_cannot_be_charged_is_charged_less_never_more(currency: str, minor: int, charged: int) -> None:
    assert chargeable(minor, currency) == charged
    assert from_stripe(to_stripe(minor, currency), currency) == charged


@given(EVERY, st.integers(0, 10**12))
def test_there_and_back_loses_less_than_one_step_and_gains_nothing(currency: str, minor: int) -> None:
    back = from_stripe(to_stripe(minor, currency), currency)
    assert 0 <= minor - back < card_step(currency)
    assert back == chargeable(minor, currency)


@given(EVERY, st.integers(0, 10**9))
def test_stripe_s_own_rules_hold_for_every_amount(currency: str, minor: int) -> None:
    amount = to_stripe(minor, currency)
    if currency in ("ISK", "UGX"):
        assert amount % 100 == 0
    if exponent(currency) == 3:
        assert amount % 10 == 0


def test_balances_below_zero_come_back_as_such() -> None:
    assert from_stripe(-44, "EUR") == -44
    assert from_stripe(-123400, "ISK") == -1234
    assert from_stripe(-150, "ISK") == -1


def test_a_foreign_code_or_a_negative_amount_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        to_stripe(100, "XAU")
    with pytest.raises(UnknownCurrency):
        from_stripe(100, "eur")
    with pytest.raises(ValueError, match="below zero"):
        to_stripe(-1, "EUR")


def test_the_floors_that_are_known() -> None:
    floors = {
        currency: FLOORS.get(currency) for currency in ("EUR", "GBP", "CHF", "CZK", "HUF", "SEK", "NOK", "DKK", "PLN", "RON")
    }
    assert floors == {
        "EUR": 50, "GBP": 30, "CHF": 50, "CZK": 1500, "HUF": 17500, "SEK": 300, "NOK": 300, "DKK": 250, "PLN": 200, "RON": 200,
    }  # fmt: skip
    assert "KWD" not in FLOORS
    assert all(to_stripe(floor, currency) for currency in CURRENCIES if (floor := FLOORS.get(currency)) is not None)
