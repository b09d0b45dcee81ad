"""Currencies: which there are, and how fine they are."""

from actors.model.money import _EXPONENTS, CURRENCIES, exponent


def test_every_currency_with_decimals_of_its_own_is_in_the_table() -> None:
    assert set(_EXPONENTS) <= CURRENCIES
    assert {code for code in CURRENCIES if len(code) != 3 or not (code.isascii() and code.isupper())} == set()
    assert (exponent("EUR"), exponent("JPY"), exponent("KWD")) == (2, 0, 3)
    assert not {"XXX", "XTS", "XAU", "XYZ"} & CURRENCIES
