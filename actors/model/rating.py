"""Rating: what a usage costs by a tariff. The one place where a price is computed, for display and for billing.

`rate` walks the usage once (walk.py): a period is cut wherever a restriction can change its mind, and in each piece
the first matching component per dimension is active (PROTOCOLS 6.4). Volumes are collected per component and priced
once, at the end, so that cutting a session into more pieces does not change its price.

Exactness: time is integer microseconds, energy Decimal kWh (interpolated values rounded to 1e-9 kWh), prices are
multiplied first and divided by 3600 last. Money is rounded once per document (rounding.py).

Where the specification is silent: a FLAT component is charged once per session; a reservation's time has a
step_size of its own; when a reservation expires, the fees of RESERVATION and RESERVATION_EXPIRES are both due.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.model.limits import MAX_RATED_SPAN
from actors.model.money import Cost, Money
from actors.model.rounding import Part, settle
from actors.model.tariff import Choice, Choices, Tariff
from actors.model.usage import Usage, UsagePeriod
from actors.model.walk import RatedPeriod, Tally, UsageError, walk

__all__ = ["KindNet", "Rated", "RatedLine", "RatedPeriod", "UsageError", "rate"]

_SECOND = 1_000_000
_HOUR = Decimal(3600 * _SECOND)
_HUNDRED = Decimal(100)
_KILO = Decimal(1000)
_ZERO = Decimal(0)
_ONE = Decimal(1)

_KINDS = {"ENERGY": "energy", "TIME": "time", "PARKING_TIME": "occupancy", "FLAT": "flat"}


class RatedLine(msgspec.Struct, frozen=True, gc=False):
    """One price component's share, as the preview shows it. `kind`: energy, time, occupancy, flat or reservation.
    `volume` and `billed` (after step_size) in `unit`: kWh, s or 1; `price` per kWh, per hour or once, as the tariff
    states it; `excl` and `incl` exact, in major units, before min_price and max_price."""

    element: int
    dimension: str
    kind: str
    volume: Decimal
    billed: Decimal
    unit: str
    price: Decimal
    vat: Decimal | None
    excl: Decimal
    incl: Decimal


class KindNet(msgspec.Struct, frozen=True, gc=False):
    """Revenue of one kind: net, rounded so that all kinds sum to the cost's `excl`."""

    kind: str
    net: Money


class Rated(msgspec.Struct, frozen=True):
    """`limit`: "min_price" or "max_price" where the tariff's bound decided; seconds by what the vehicle did."""

    cost: Cost
    lines: tuple[RatedLine, ...]
    periods: tuple[RatedPeriod, ...]
    kinds: tuple[KindNet, ...]
    energy_kwh: Decimal
    charging_s: Decimal
    parking_s: Decimal
    reserved_s: Decimal
    tariff: str
    fingerprint: str
    limit: str | None = None


def rate(tariff: Tariff, usage: Usage, *, time_zone: str) -> Rated:
    """What `usage` costs by `tariff` at a location in `time_zone` (IANA name).

    Raises UsageError where the usage is empty, not in order or longer than MAX_RATED_SPAN, or the zone unknown.
    """
    if not usage.periods:
        raise UsageError("a usage without periods has no price")
    if usage.periods[-1].end - usage.periods[0].start > MAX_RATED_SPAN:
        raise UsageError(f"a usage of more than {MAX_RATED_SPAN.days} days is not rated")
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{time_zone!r} is not a time zone") from error
    reserved = [p for p in usage.periods if p.activity == "reserved"]
    charged = [p for p in usage.periods if p.activity != "reserved"]
    lines: list[RatedLine] = []
    periods: list[RatedPeriod] = []
    if reserved:
        first, extra = _reservation_choices(tariff, usage.reservation_expired)
        tally = walk(tariff.plan, first, reserved, zone)
        lines += _lines(tariff, tally, "reservation")
        periods += tally.periods
        if extra.flat:
            lines += _lines(tariff, walk(tariff.plan, extra, reserved, zone), "reservation")
    if charged and not usage.reservation_expired:
        tally = walk(tariff.plan, tariff.plan.charging, charged, zone)
        lines += _lines(tariff, tally, None)
        periods += tally.periods
    settled = settle(tariff, [Part(line.kind, line.excl, line.incl, line.vat) for line in lines])
    return Rated(
        cost=settled.cost,
        lines=tuple(lines),
        periods=tuple(periods),
        kinds=tuple([KindNet(kind, net) for kind, net in settled.kinds]),
        energy_kwh=sum([p.energy_kwh for p in charged], _ZERO),
        charging_s=_seconds(p for p in charged if p.activity != "parking"),
        parking_s=_seconds(p for p in charged if p.activity == "parking"),
        reserved_s=_seconds(reserved),
        tariff=tariff.id,
        fingerprint=tariff.fingerprint,
        limit=settled.limit,
    )


def _seconds(periods: Iterable[UsagePeriod]) -> Decimal:
    total = 0
    for period in periods:
        span = period.end - period.start
        total += (span.days * 86_400 + span.seconds) * _SECOND + span.microseconds
    return Decimal(total) / _SECOND


def _reservation_choices(tariff: Tariff, expired: bool) -> tuple[Choices, Choices]:
    """What prices a reservation, and what is due on top of it because nobody came. The time of RESERVATION_EXPIRES
    replaces that of RESERVATION, its fee is added (PROTOCOLS 6.4)."""
    plan = tariff.plan
    if not expired:
        return plan.reserved, Choices()
    time = plan.expired.time + plan.reserved.time
    return Choices(time=time, flat=plan.reserved.flat), Choices(flat=plan.expired.flat)


def _lines(tariff: Tariff, tally: Tally, kind: str | None) -> list[RatedLine]:
    """Price what each component saw, in order of first appearance."""
    energy_step, time_step = _energy_step(tally), _time_step(tally)
    lines = []
    for key, choice in tally.order.items():
        dimension, price = choice.component.type, choice.component.price
        if dimension == "ENERGY":
            volume = tally.energy[key]
            billed = volume + energy_step if choice is tally.last_energy else volume
            lines.append(_line(tariff, choice, kind or _KINDS[dimension], volume, billed, "kWh", price * billed, _ONE))
        elif dimension == "FLAT":
            lines.append(_line(tariff, choice, kind or _KINDS[dimension], _ONE, _ONE, "1", price, _ONE))
        else:
            micros = tally.time[key]
            more = micros + (time_step if choice is tally.last_time else 0)
            volume, billed = Decimal(micros) / _SECOND, Decimal(more) / _SECOND
            lines.append(_line(tariff, choice, kind or _KINDS[dimension], volume, billed, "s", price * more, _HOUR))
    return lines


def _line(
    tariff: Tariff, choice: Choice, kind: str, volume: Decimal, billed: Decimal, unit: str, amount: Decimal, per: Decimal
) -> RatedLine:
    """`amount` / `per` is the price by the tariff's own reading of taxes. It is divided last: a third of an hour at half as
    much again with taxes is exactly a half, and rounds as one."""
    component = choice.component
    vat = component.vat if tariff.tax_included != "N/A" else None
    excl = incl = amount / per
    if vat:
        if tariff.tax_included == "YES":
            excl = amount * _HUNDRED / (per * (_HUNDRED + vat))
        else:
            incl = amount * (_HUNDRED + vat) / (per * _HUNDRED)
    return RatedLine(choice.element, component.type, kind, volume, billed, unit, component.price, vat, excl, incl)


def _energy_step(tally: Tally) -> Decimal:
    """kWh added to the last energy component: step_size counts once per session, on the total of all of them."""
    last = tally.last_energy
    if last is None or last.component.step_size <= 1:
        return _ZERO
    step = Decimal(last.component.step_size) / _KILO
    total = sum(tally.energy, _ZERO)
    return (total / step).to_integral_value(ROUND_CEILING) * step - total


def _time_step(tally: Tally) -> int:
    """Microseconds added to the last time-based component: time followed by another time-based dimension is not
    rounded, so the total is that of the last dimension only."""
    last = tally.last_time
    if last is None or last.component.step_size <= 1:
        return 0
    step = last.component.step_size * _SECOND
    total = sum(tally.time[key] for key, choice in tally.order.items() if choice.component.type == last.component.type)
    return -total % step
