"""The words of a price: what actors/model/display.py shows without a language, as lines that a driver reads."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from actors.model.display import PriceLine, Shown, When
from gateways.web.pay.language import PayWords

KINDS = {
    "energy": "Energy",
    "time": "Charging time",
    "occupancy": "Occupancy fee",
    "flat": "Per charge",
    "reservation": "Reservation",
    "reservation_expired": "Reservation not used",
}
BILLED = KINDS | {
    "charging": "Charging",
    "min_price": "Least price of the tariff",
    "max_price": "Highest price of the tariff",
    "rounding": "Rounding",
    "waived": "Waived by the seller",
}
"""Kinds of lines of a receipt (actors/model/bill.py)."""
UNITS = {"kWh": "per kWh", "min": "per minute", "h": "per hour", "session": "per charge"}
DAYS = {
    "monday": "Monday", "tuesday": "Tuesday", "wednesday": "Wednesday", "thursday": "Thursday", "friday": "Friday",
    "saturday": "Saturday", "sunday": "Sunday",
}  # fmt: skip


class PriceText(msgspec.Struct, frozen=True):
    """One line of the price list: `amount` gross with its currency, `unit` what it is for, `notes` when it applies."""

    label: str
    amount: str
    unit: str
    notes: Sequence[str]


def price_list(shown: Shown, t: PayWords) -> list[PriceText]:
    """In the legal order; a component that costs nothing at any time is left out."""
    lines = [line for line in shown.lines if line.gross is not None and (line.gross or line.when is not None)]
    found = [_text(line, shown.currency, t) for line in lines]
    for label, limit in (("At least per charge", shown.min_price), ("At most per charge", shown.max_price)):
        if limit is not None and limit.gross is not None:
            found.append(PriceText(t(label), t.price(limit.gross, shown.currency), "", ()))
    return found


def _text(line: PriceLine, currency: str, t: PayWords) -> PriceText:
    assert line.gross is not None, "only a price that is known gross is listed"
    notes = [] if line.when is None else conditions(line.when, t)
    if line.kind == "occupancy":
        notes.append(t("only while the vehicle takes no more power by its own choice"))
    if line.step:
        size = t.kwh(line.step, 0 if line.step % 1000 == 0 else 3) if line.kind == "energy" else t.span(line.step)
        notes.append(t("counted in steps of {size}", size=size))
    if line.vat:
        notes.append(t("including {rate} VAT", rate=t.percent(line.vat)))
    return PriceText(t(KINDS[line.kind]), t.price(line.gross, currency), t(UNITS[line.unit]), notes)


def conditions(when: When, t: PayWords) -> list[str]:
    """When a price applies, one phrase for each kind of bound."""
    found = []
    if when.days:
        found.append(", ".join(t(DAYS[day]) for day in when.days))
    if when.since or when.until:
        found.append(t("from {since} to {until}", since=when.since or "00:00", until=when.until or "24:00"))
    if when.first_date or when.last_date:
        last = (date.fromisoformat(when.last_date) - timedelta(days=1)).isoformat() if when.last_date else None
        first = t.day(when.first_date) if when.first_date else None
        found.append(_range(first, t.day(last) if last else None, t))
    bounds = (
        (_energy(when.min_kwh, t), _energy(when.max_kwh, t), "of energy"),
        (_span(when.min_s, t), _span(when.max_s, t), "after the start"),
        (_power(when.min_kw, t), _power(when.max_kw, t), "of power"),
        (_current(when.min_a, t), _current(when.max_a, t), "of current"),
    )
    found += [f"{_range(low, high, t)} {t(what)}" for low, high, what in bounds if low or high]
    return found


def _range(low: str | None, high: str | None, t: PayWords) -> str:
    if low and high:
        return t("from {low} to {high}", low=low, high=high)
    return t("from {low} on", low=low) if low else t("up to {high}", high=high)


def _energy(value: Decimal | None, t: PayWords) -> str | None:
    return None if value is None else f"{t.decimal(value)}\u00a0kWh"


def _span(value: int | None, t: PayWords) -> str | None:
    return None if value is None else t.span(value)


def _power(value: Decimal | None, t: PayWords) -> str | None:
    return None if value is None else f"{t.decimal(value)}\u00a0kW"


def _current(value: Decimal | None, t: PayWords) -> str | None:
    return None if value is None else f"{t.decimal(value)}\u00a0A"
