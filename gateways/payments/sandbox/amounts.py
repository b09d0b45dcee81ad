"""Currencies: which Stripe takes here, their minimum charge, and which amounts of them it refuses (MONEY 1.2)."""

from gateways.payments.sandbox.errors import Refusal

MINIMUM: dict[str, int] = {
    "eur": 50, "usd": 50, "gbp": 30, "chf": 50, "czk": 1_500, "huf": 17_500, "sek": 300, "nok": 300, "dkk": 250, "pln": 200,
    "ron": 200, "bgn": 100, "isk": 10_000, "jpy": 50, "krw": 600, "clp": 500, "ugx": 200_000, "kwd": 150, "bhd": 200, "jod": 400,
    "tnd": 1_600,
}  # fmt: skip
"""Smallest charge in Stripe's minor units. JPY, KRW and CLP have none below the unit; KWD, BHD, JOD and TND have three
decimals."""
WHOLE = frozenset({"isk", "ugx"})
"""Without minor units, but counted in hundredths: an amount must end in 00."""
THREE = frozenset({"kwd", "bhd", "jod", "tnd"})
"""Three decimals, the last of which must be 0."""
MOST = 99_999_999


def currency(given: str, param: str = "currency") -> str:
    if given.lower() not in MINIMUM:
        known = ", ".join(MINIMUM)
        raise Refusal(f"Invalid currency: {given}. Stripe currently supports these currencies here: {known}", param=param)
    return given.lower()


def amount(given: int, of: str, param: str = "amount", *, least: int = 1) -> int:
    """`given` if it is an amount that can be moved in this currency at all."""
    if given < least:
        raise Refusal(f"This value must be greater than or equal to {least}.", code="parameter_invalid_integer", param=param)
    if given > MOST:
        raise Refusal("Amount must be no more than 999,999.99.", code="amount_too_large", param=param)
    if (of in WHOLE and given % 100) or (of in THREE and given % 10):
        unit = "100" if of in WHOLE else "10"
        raise Refusal(f"Invalid amount: in {of} it must be divisible by {unit}.", code="invalid_amount", param=param)
    return given


def charge(given: int, of: str, param: str = "amount") -> int:
    """`given` if a card can be charged with it."""
    amount(given, of, param)
    if given < MINIMUM[of]:
        raise Refusal(f"Amount must be at least {MINIMUM[of]} in the minor unit of {of}.", code="amount_too_small", param=param)
    return given
