"""Money: integer minor units with a currency. Never a float, never two currencies in one sum."""

from decimal import ROUND_HALF_UP, Decimal

import msgspec

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD
    XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)
"""ISO 4217: what people pay in. No metals, no funds, no codes for tests; ANG and BGN were withdrawn only lately."""

_EXPONENTS = {
    **dict.fromkeys(("BIF CLP DJF GNF JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ISK").split(), 0),  # noqa: SIM905
    **dict.fromkeys(("BHD IQD JOD KWD LYD OMR TND").split(), 3),  # noqa: SIM905
}


def exponent(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def card_step(currency: str) -> int:
    """Cards are charged and paid back in multiples of so many minor units (MONEY 1.2): three decimals in tens, and a fifth of an
    ariary (MGA) not at all."""
    return 100 if currency == "MGA" else 10 if exponent(currency) == 3 else 1


def chargeable(minor: int, currency: str) -> int:
    """What a card can be charged with, or can be paid back or transferred, for `minor`: itself, or the next amount below."""
    return minor - minor % card_step(currency)


class Money(msgspec.Struct, frozen=True, gc=False):
    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def major(self) -> Decimal:
        """12.34 for 1234 EUR cents."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """Round an exact amount in major units half away from zero to minor units (MONEY 3.5)."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP))


class VatAmount(msgspec.Struct, frozen=True, gc=False):
    """VAT of one rate: `rate` in percent."""

    rate: Decimal
    amount: Money


class Cost(msgspec.Struct, frozen=True, gc=False):
    excl: Money
    incl: Money
    vat: tuple[VatAmount, ...] = ()
