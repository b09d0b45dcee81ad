"""Is a tariff fit for paying ad hoc? The price rules of AFIR (Regulation (EU) 2023/1804, Art. 5) and what follows from them.

At 50 kW and more, deployed since 13 April 2024: a price per kWh, perhaps an occupancy fee per minute, and nothing else; below
any mix that can be shown in the legal order (MONEY 2.2). Everywhere: prices gross, a price per minute that multiplies back
to the stored price per hour exactly. That occupancy runs only while the vehicle no longer asks for power is how usage is
read (usage.py), so no tariff can break it; a price for time that looks like an occupancy fee is pointed out.

An error keeps the tariff from ad hoc payment, a warning is advice. Other uses (roaming, RFID) are not judged here.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from actors.model.display import gross_price, per_minute, shown
from actors.model.money import exponent
from actors.model.tariff import Component, Restrictions, Tariff

Severity = Literal["error", "warning"]

FAST_W = 50_000
"""From this power on the strict shape holds."""
IN_FORCE = date(2024, 4, 13)
"""For points deployed since."""
_ALWAYS = Restrictions()
_TIMED = ("TIME", "PARKING_TIME")


class Finding(msgspec.Struct, frozen=True):
    """`rule` is a stable name, `pointer` a JSON pointer into the tariff object, `detail` says what to change."""

    rule: str
    severity: Severity
    pointer: str
    detail: str


def lint(
    tariff: Tariff, max_power_w: int | None = None, deployed: date | None = None, *, strict: bool = True
) -> tuple[Finding, ...]:
    """What keeps `tariff` from ad hoc payment at an EVSE of `max_power_w`, and what is doubtful; errors first.

    Without a power the rules for fast points are warnings: it is not known whether they apply. Without `deployed` the point
    counts as a new one. `strict`: a fee per session breaks the shape of a fast point, too (the careful reading).
    """
    fast = max_power_w is None or max_power_w >= FAST_W
    bound = max_power_w is not None and (deployed is None or deployed >= IN_FORCE)
    found = [*_prices(tariff), *_bounds(tariff), *_occupancy(tariff)]
    if fast:
        found += _fast(tariff, "error" if bound else "warning", strict)
    found.sort(key=lambda finding: (finding.severity != "error", finding.pointer))
    return tuple(found)


def fit(findings: Iterable[Finding]) -> bool:
    """May be paid ad hoc: no finding is an error."""
    return all(finding.severity != "error" for finding in findings)


def _components(tariff: Tariff) -> Iterable[tuple[str, Component, Restrictions]]:
    """Those that price a charge, with their pointers. Nobody reserves ad hoc."""
    for e, element in enumerate(tariff.elements):
        limits = element.restrictions or _ALWAYS
        if limits.reservation is None:
            for c, component in enumerate(element.components):
                yield f"/elements/{e}/price_components/{c}", component, limits


def _fast(tariff: Tariff, severity: Severity, strict: bool) -> Iterable[Finding]:
    """The shape at 50 kW and more."""
    at = "at a point of 50 kW or more"
    energy = [limits for _, component, limits in _components(tariff) if component.type == "ENERGY"]
    if not energy:
        yield Finding("no_kwh_price", severity, "/elements", f"{at} there must be a price per kWh: add a component ENERGY")
    elif all(limits.clock or limits.running for limits in energy):
        detail = f"{at} every kWh should have a stated price: add an element with ENERGY and without restrictions at the end"
        yield Finding("kwh_price_gap", "warning", "/elements", detail)
    fee: Severity = severity if strict else "warning"
    for pointer, component, _ in _components(tariff):
        if component.type == "TIME" and component.price:
            detail = f"{at} charging time must not have a price: drop it, or make it PARKING_TIME if it is an occupancy fee"
            yield Finding("time_price", severity, pointer + "/type", detail)
        elif component.type == "FLAT" and component.price:
            detail = f"{at} a fee per session cannot be shown under the rule: drop it, or put it into the price per kWh"
            yield Finding("session_fee", fee, pointer + "/type", detail)
    if tariff.min_price is not None and tariff.min_price.excl:
        detail = f"{at} a least price is a fee per session for whoever charges little: drop it"
        yield Finding("least_price", fee, "/min_price", detail)


def _prices(tariff: Tariff) -> Iterable[Finding]:
    most = exponent(tariff.currency) + 2
    for pointer, component, limits in _components(tariff):
        gross = gross_price(tariff, component)
        if gross is None:
            detail = "taxes come on top and are not named, so no gross price can be shown: say vat, or tax_included YES"
            yield Finding("gross_unknown", "error", pointer, detail)
        elif component.vat is None and tariff.tax_included == "NO" and component.price:
            detail = "no VAT is named, so the price is shown and charged as it stands: say vat, 0 if none is due"
            yield Finding("no_vat", "warning", pointer, detail)
        price = component.price if gross is None else gross
        if component.type in _TIMED:
            minute = per_minute(price)
            if minute is None:
                detail = f"{_text(price)} per hour has no exact price per minute: take a multiple of 0.06 (gross), say"
                yield Finding("per_minute_inexact", "error", pointer + "/price", detail)
            price = minute or Decimal(0)
        if _places(price) > most:
            detail = f"{_text(price)} gross has more than {most} decimals, which people do not read"
            yield Finding("fine_price", "warning", pointer + "/price", detail)
        yield from _steps(pointer, component)
        if component.price and (limits.min_power, limits.max_power, limits.min_current, limits.max_current) != (None,) * 4:
            detail = "the price depends on power or current, which a driver cannot know before the start"
            yield Finding("depends_on_power", "warning", pointer, detail)
    if tariff.type is not None and tariff.type.startswith("PROFILE_"):
        detail = "a tariff for a charging preference, which nobody states who pays ad hoc: REGULAR or AD_HOC_PAYMENT is meant"
        yield Finding("not_ad_hoc", "warning", "/type", detail)


def _steps(pointer: str, component: Component) -> Iterable[Finding]:
    if not component.price:
        return
    if component.type == "ENERGY" and component.step_size > 1:
        detail = f"energy is billed in steps of {component.step_size} Wh, so not by the kWh that was delivered: make it 1"
        yield Finding("energy_step", "warning", pointer + "/step_size", detail)
    elif component.type in _TIMED and component.step_size > 60:
        detail = f"time is billed in steps of {component.step_size} s, so not by the minute: make it 60 or less"
        yield Finding("time_step", "warning", pointer + "/step_size", detail)


def _bounds(tariff: Tariff) -> Iterable[Finding]:
    seen = shown(tariff)
    for field, limit in (("min_price", seen.min_price), ("max_price", seen.max_price)):
        if limit is not None and limit.gross is None:
            part = "after_taxes" if tariff.version == "2.3.0" else "incl_vat"
            detail = f"is stated before taxes of more than one rate, so it cannot be shown gross: say {part}"
            yield Finding("gross_unknown", "error", f"/{field}", detail)


def _occupancy(tariff: Tariff) -> Iterable[Finding]:
    for pointer, component, limits in _components(tariff):
        if component.type == "TIME" and component.price and limits.min_duration:
            detail = "a price for time from a duration on runs while the vehicle still charges: an occupancy fee is PARKING_TIME"
            yield Finding("blocking_fee_as_time", "warning", pointer + "/type", detail)


def _places(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
