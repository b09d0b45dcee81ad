"""The smallest amount that a card is charged with, by currency: what is below is released and waived (MONEY 1.2).

Providers judge by the currency in which they pay out; for others than those listed a card is charged with any amount, and one
that is refused is released all the same. A merchant may set an amount of its own.
"""

FLOORS: dict[str, int] = {
    "EUR": 50, "GBP": 30, "CHF": 50, "USD": 50, "CZK": 1500, "HUF": 17500, "SEK": 300, "NOK": 300, "DKK": 250, "PLN": 200,
    "RON": 200, "BGN": 100, "JPY": 50, "CAD": 50, "AUD": 50, "NZD": 50, "SGD": 50, "AED": 200, "HKD": 400, "MXN": 1000,
    "MYR": 200, "THB": 1000, "INR": 50, "BRL": 50,
}  # fmt: skip
"""In minor units of ISO 4217."""


def smallest(currency: str, own: int | None = None) -> int:
    """`own`: the merchant's, which may only be higher. At least 1: nothing is no payment."""
    return max(FLOORS.get(currency, 1), own or 0, 1)
