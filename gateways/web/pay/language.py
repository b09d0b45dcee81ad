"""The pay page's languages, and how each of them writes money, energy and time.

English texts stand in the templates, German ones in german.py; what a driver agrees to is versioned (`TERMS`), so change it
when a text beside the order button changes its meaning.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from actors.model.money import Money, exponent
from gateways.web.console.language import ENGLISH, Words
from gateways.web.pay.german import GERMAN

TERMS = "2026-1"
"""Version of the texts that stand around the order button."""
_SYMBOLS = {"EUR": "€", "GBP": "£"}
_NBSP = "\u00a0"
_DECIMALS_SHOWN = 6


class PayWords(Words):
    catalogues: ClassVar[Mapping[str, Mapping[str, str]]] = {"de": GERMAN}

    def decimal(self, value: Decimal, least: int = 0, most: int = _DECIMALS_SHOWN) -> str:
        """At least `least` decimals, and as many as it needs."""
        digits = max(least, min(most, -int(value.normalize().as_tuple().exponent)))
        text = f"{value:,.{digits}f}"
        return text if self.code == ENGLISH else text.translate(str.maketrans(",.", ".,"))

    def price(self, value: Decimal, currency: str) -> str:
        """An amount in major units, to its last digit: €0.395, 0,395 €."""
        number = self.decimal(value, exponent(currency))
        symbol = _SYMBOLS.get(currency)
        if self.code == ENGLISH:
            return f"{symbol}{number}" if symbol else f"{currency}{_NBSP}{number}"
        return f"{number}{_NBSP}{symbol or currency}"

    def minor(self, amount_minor: int, currency: str) -> str:
        return self.price(Money(amount_minor, currency).major(), currency)

    def money(self, money: Money) -> str:
        return self.minor(money.amount_minor, money.currency)

    def kwh(self, wh: int | None, digits: int = 3) -> str:
        return "" if wh is None else f"{self.decimal(Decimal(wh) / 1000, digits, digits)}{_NBSP}kWh"

    def percent(self, value: Decimal) -> str:
        return f"{self.decimal(value)}{_NBSP}%"

    def kw(self, watts: int) -> str:
        return f"{self.decimal(Decimal(watts) / 1000, most=1)}{_NBSP}kW"

    def when(self, at: datetime, zone: str) -> str:
        """Date and time at the place, with the zone's name."""
        local = at.astimezone(ZoneInfo(zone))
        text = "%d.%m.%Y, %H:%M" if self.code == "de" else "%d %b %Y, %H:%M"
        return f"{local.strftime(text)} {local.tzname()}"

    def day(self, iso: str) -> str:
        year, month, day = iso.split("-")
        return f"{day}.{month}.{year}" if self.code == "de" else iso

    def span(self, seconds: float) -> str:
        """1 h 05 min, 12 min, 40 s."""
        whole = int(seconds)
        if whole < 60:
            return f"{whole}{_NBSP}s"
        hours, minutes = divmod(whole // 60, 60)
        if not hours:
            return f"{minutes}{_NBSP}min"
        return f"{hours}{_NBSP}h" + (f" {minutes:02}{_NBSP}min" if minutes else "")
