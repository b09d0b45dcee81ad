"""What a driver is shown of a tariff: every price component that can become due, gross, in the order the law asks for.

Per kWh, per minute, per session, then what else there is (MONEY 2.2). The words are the page's business: here stand keys
and values in no language. Nothing is rounded for the eye: a price per hour that has no finite price per minute is shown
per hour. The lines say all that rating knows, so a session priced from them alone costs what `rate` says. `text` is the
canonical form of what was shown; its hash is frozen in a quote, as the proof of the price that was agreed to.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

import msgspec
import rfc8785

from actors.model.tariff import RESERVATION, Component, Element, PriceLimit, Restrictions, Tariff, applicable

Kind = Literal["energy", "time", "occupancy", "flat", "reservation", "reservation_expired"]
Unit = Literal["kWh", "min", "h", "session"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS: dict[str, Kind] = {"ENERGY": "energy", "TIME": "time", "PARKING_TIME": "occupancy", "FLAT": "flat"}
_ORDER: dict[str, int] = {"energy": 0, "time": 1, "occupancy": 2, "flat": 3, "reservation": 4, "reservation_expired": 5}
_HUNDRED = Decimal(100)
_SIXTY = Decimal(60)
_HOUR = 3600


class When(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a price applies, all of it together. Local times `HH:MM` (`until` exclusive, below `since` where the window wraps
    over midnight; 24:00 the day's end), local dates (`last_date` exclusive, as `until`), kWh and seconds since the session began
    (of an occupancy fee, too), kW and A as they are at the moment. Lower bounds count in, upper ones out."""

    since: str | None = None
    until: str | None = None
    first_date: str | None = None
    last_date: str | None = None
    days: tuple[str, ...] = ()
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_s: int | None = None
    max_s: int | None = None
    min_kw: Decimal | None = None
    max_kw: Decimal | None = None
    min_a: Decimal | None = None
    max_a: Decimal | None = None


class PriceLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`gross` per `unit`, exact, in major units; None where the tariff does not say which tax comes on top (then `net` alone
    is known). `vat` in percent, None: no tax is named. `step` in Wh or s: what is billed is counted in steps of it, 0: exactly.
    `rank`: of the lines of one kind that apply at a moment, the one of the lowest rank is due. No `when`: at any time."""

    kind: Kind
    unit: Unit
    gross: Decimal | None
    net: Decimal
    vat: Decimal | None
    rank: int
    step: int = 0
    when: When | None = None

    @property
    def amount(self) -> Decimal:
        """What is to be shown: gross, or net where taxes of an unknown rate come on top."""
        return self.net if self.gross is None else self.gross


class Occupancy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fee for staying once the vehicle no longer asks for power; it never runs while power is withheld from it. `gross` of
    the dearest line, per `unit`. `after_s`: seconds of the session before which there is none; `cap`: at most this much gross,
    None where only the stay bounds it."""

    gross: Decimal | None
    unit: Unit
    after_s: int = 0
    cap: Decimal | None = None


class Limit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bound of the whole price. `gross` None: it is stated before taxes, of more than one rate."""

    net: Decimal
    gross: Decimal | None = None


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """`lines` and `reservation` in the legal order. `determinable`: every price is known gross."""

    tariff: str
    fingerprint: str
    currency: str
    lines: tuple[PriceLine, ...]
    reservation: tuple[PriceLine, ...] = ()
    occupancy: Occupancy | None = None
    min_price: Limit | None = None
    max_price: Limit | None = None
    determinable: bool = True

    @property
    def free(self) -> bool:
        """Nothing that charging could cost."""
        return not any(line.amount for line in self.lines) and (self.min_price is None or not self.min_price.net)

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON values, numbers as decimal text: what was shown, to the last digit."""
        found: dict[str, Any] = _plain(self)
        return found

    @property
    def text(self) -> str:
        """`plain` as canonical JSON (RFC 8785)."""
        return rfc8785.dumps(self.plain).decode()

    @property
    def hash(self) -> str:
        """SHA-256 of `text`, 32 hex digits: `shown` of a quote."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


def shown(tariff: Tariff) -> Shown:
    """What is to be shown of `tariff` before anybody charges by it."""
    lines = [_line(tariff, element, component, rank) for rank, element, component in applicable(tariff.elements)]
    lines.sort(key=lambda line: (_ORDER[line.kind], line.rank))
    charging = tuple(line for line in lines if _ORDER[line.kind] <= _ORDER["flat"])
    return Shown(
        tariff=tariff.id,
        fingerprint=tariff.fingerprint,
        currency=tariff.currency,
        lines=charging,
        reservation=tuple(line for line in lines if _ORDER[line.kind] > _ORDER["flat"]),
        occupancy=_occupancy([line for line in charging if line.kind == "occupancy" and line.amount]),
        min_price=_limit(tariff, tariff.min_price),
        max_price=_limit(tariff, tariff.max_price),
        determinable=all(line.gross is not None for line in lines),
    )


def gross_price(tariff: Tariff, component: Component) -> Decimal | None:
    """The component's price with its tax: exact, since a percentage has a finite form. None where OCPI 2.3.0 says that taxes
    come on top without saying which."""
    if tariff.tax_included != "NO":
        return component.price
    if component.vat is None:
        return component.price if tariff.version == "2.2.1" else None
    return component.price * (_HUNDRED + component.vat) / _HUNDRED


def per_minute(per_hour: Decimal) -> Decimal | None:
    """The price per minute, where it multiplies back to the price per hour exactly (MONEY 2.2); else None."""
    found = per_hour / _SIXTY
    return found if found * _SIXTY == per_hour and len(found.as_tuple().digits) < 28 else None


def _line(tariff: Tariff, element: Element, component: Component, rank: int) -> PriceLine:
    gross = gross_price(tariff, component)
    unit: Unit = "session"
    vat = component.vat if tariff.tax_included != "N/A" else None
    net = component.price
    if tariff.tax_included == "YES" and vat:
        net = component.price * _HUNDRED / (_HUNDRED + vat)
    if component.type == "ENERGY":
        unit = "kWh"
    elif component.type != "FLAT":
        unit = "h"
        minute = per_minute(component.price if gross is None else gross)
        if minute is not None:
            unit, net = "min", net / _SIXTY
            gross = None if gross is None else minute
    limits = element.restrictions
    kind = _KINDS[component.type]
    if limits is not None and limits.reservation is not None:
        kind = "reservation" if limits.reservation == RESERVATION else "reservation_expired"
    return PriceLine(
        kind=kind,
        unit=unit,
        gross=None if gross is None else _trimmed(gross),
        net=_trimmed(net),
        vat=None if vat is None else _trimmed(vat),
        rank=rank,
        step=component.step_size if component.step_size > 1 and component.type != "FLAT" else 0,
        when=_when(limits),
    )


def _when(limits: Restrictions | None) -> When | None:
    if limits is None:
        return None
    found = When(
        since=_clock(limits.start_minute),
        until=_clock(limits.end_minute),
        first_date=None if limits.start_date is None else limits.start_date.isoformat(),
        last_date=None if limits.end_date is None else limits.end_date.isoformat(),
        days=() if limits.days is None else tuple(DAYS[day] for day in sorted(limits.days)),
        min_kwh=_bound(limits.min_kwh or None),
        max_kwh=_bound(limits.max_kwh),
        min_s=limits.min_duration or None,
        max_s=limits.max_duration,
        min_kw=_bound(limits.min_power or None),
        max_kw=_bound(limits.max_power),
        min_a=_bound(limits.min_current or None),
        max_a=_bound(limits.max_current),
    )
    return None if found == When() else found


def _clock(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _bound(value: Decimal | None) -> Decimal | None:
    return None if value is None else _trimmed(value)


def _occupancy(lines: list[PriceLine]) -> Occupancy | None:
    if not lines:
        return None
    dearest = max(lines, key=_per_hour)
    after = min((line.when.min_s or 0 if line.when else 0) for line in lines)
    return Occupancy(dearest.gross, dearest.unit, after, _cap(lines))


def _cap(lines: Iterable[PriceLine]) -> Decimal | None:
    """What staying can cost at most: each line from the moment it can begin to the one at which it must end, a step more."""
    total = Decimal(0)
    for line in lines:
        if line.when is None or line.when.max_s is None or line.gross is None:
            return None
        seconds = line.when.max_s - (line.when.min_s or 0) + line.step
        total += line.gross * seconds / (60 if line.unit == "min" else _HOUR)
    return _trimmed(total)


def _per_hour(line: PriceLine) -> Decimal:
    return line.amount * _SIXTY if line.unit == "min" else line.amount


def _limit(tariff: Tariff, limit: PriceLimit | None) -> Limit | None:
    if limit is None:
        return None
    gross = limit.incl
    if gross is None:
        rates = {component.vat for _, _, component in applicable(tariff.elements) if tariff.tax_included != "N/A"}
        rate = rates.pop() if len(rates) == 1 else None
        if rate is not None:
            gross = limit.excl * (_HUNDRED + rate) / _HUNDRED
        elif not rates and (tariff.version == "2.2.1" or tariff.tax_included == "N/A"):
            gross = limit.excl
    return Limit(_trimmed(limit.excl), None if gross is None else _trimmed(gross))


def _trimmed(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent: 0.50 is 0.5, 1E+2 is 100."""
    found = value.normalize()
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        if fields.get("gross") is not None:
            fields.pop("net", None)  # of a price with taxes it may have no finite form, and nobody was shown it
        return {name: _plain(item) for name, item in fields.items() if item is not None and item != ()}
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
