"""Between minor units of ISO 4217 and the integers that Stripe counts in, which are not always the same (MONEY 1.2).

Most currencies have two decimals on both sides, JPY and its like none. ISK and UGX have none any more, but Stripe takes them with
two, which must be 00. The three-decimal ones must end in 0. So not every amount can be charged: what can is always the next
one *below*, so that nobody is charged more than was rated.
"""

from typing import Final

from actors.model.money import CURRENCIES, chargeable, exponent

_ZERO_DECIMAL: Final = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
"""Stripe counts them in whole units. MGA has a minor unit of a fifth, which ISO 4217 writes with two decimals."""
_WHOLE_BUT_TWO_DECIMAL: Final = frozenset(("ISK", "UGX"))


class UnknownCurrency(ValueError):
    """Not a currency that people pay in (actors/model/money.CURRENCIES)."""


def _ratio(currency: str) -> tuple[int, int]:
    """(multiply, divide): Stripe's integer is minor * multiply // divide."""
    if currency not in CURRENCIES:
        raise UnknownCurrency(f"{currency!r} is no currency of ISO 4217")
    if currency in _WHOLE_BUT_TWO_DECIMAL:
        return 100, 1
    if currency in _ZERO_DECIMAL:
        return 1, 10 ** exponent(currency)
    return 1, 1


def to_stripe(minor: int, currency: str) -> int:
    """Stripe's integer for `chargeable(minor, currency)`. Raises UnknownCurrency, and ValueError for less than nothing."""
    if minor < 0:
        raise ValueError(f"{minor} {currency}: an amount is never below zero")
    multiply, divide = _ratio(currency)
    return chargeable(minor, currency) * multiply // divide


def from_stripe(amount: int, currency: str) -> int:
    """Minor units for an integer of Stripe's, which may be negative (a balance). A fraction of a minor unit, as an exchanged
    ISK balance may have, is cut off towards zero."""
    multiply, divide = _ratio(currency)
    whole = abs(amount) * divide // multiply
    return whole if amount >= 0 else -whole
