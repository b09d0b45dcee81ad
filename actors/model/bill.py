"""What one session delivered and cost, line by line, as a document shows it: whole minor units that add up to the cost.

Lines carry the price as the driver saw it (gross, per minute where that is exact) beside what it came to. Where a least or
highest price of the tariff decided, a line per rate of VAT says by how much.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model.display import per_minute
from actors.model.money import Cost, to_minor
from actors.model.rating import Rated, RatedLine
from actors.model.rounding import apportion
from actors.model.tariff import Tariff

_HUNDRED = Decimal(100)
_SIXTY = Decimal(60)
_HOUR = Decimal(3600)
_ZERO = Decimal(0)
_PLACE = ("name", "address", "postal_code", "city", "country")


class BillLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`kind`: energy, time, occupancy, flat, reservation; min_price and max_price are the tariff's bounds. `quantity` in `unit`
    (kWh, min, h or session), after step_size. `price` per unit, gross, None for a bound. `vat` in percent, None: no tax named."""

    kind: str
    unit: str
    quantity: Decimal
    price: Decimal | None
    vat: Decimal | None
    net_minor: int
    gross_minor: int


class Bill(msgspec.Struct, frozen=True, omit_defaults=True):
    """`place`: what the station's location says of the address; nothing of the driver. Registers in Wh."""

    session: str
    station: str
    evse: int
    connector: int
    started_at: datetime
    ended_at: datetime
    time_zone: str
    energy_wh: int
    cost: Cost
    lines: tuple[BillLine, ...]
    tariff: str
    fingerprint: str
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    charging_s: int = 0
    parking_s: int = 0
    place: dict[str, str] = {}
    evse_id: str = ""
    signed: bool = False
    """The meter signed its values: they stand in the CDR, byte for byte."""
    cdr: str = ""


def place_lines(location: Mapping[str, Any]) -> dict[str, str]:
    return {field: str(location[field])[:100] for field in _PLACE if location.get(field)}


def bill_lines(tariff: Tariff, rated: Rated) -> tuple[BillLine, ...]:
    """The lines of a rating, in whole minor units: per rate of VAT they add up to the cost's net and tax."""
    lines = list(rated.lines)
    wanted = bases(rated.cost, [(line.vat, line.excl) for line in lines])
    whole = dict(wanted)
    if rated.limit is not None:
        for rate in wanted:
            mine = [line for line in lines if line.vat == rate]
            net = to_minor(sum((line.excl for line in mine), _ZERO), tariff.currency)
            whole[rate] = (net, to_minor(sum((line.incl for line in mine), _ZERO), tariff.currency) - net)
    shares: dict[int, tuple[int, int]] = {}
    for rate, (net, tax) in whole.items():
        places = [n for n, line in enumerate(lines) if line.vat == rate]
        nets = apportion(net, [lines[n].excl for n in places])
        grosses = apportion(net + tax, [lines[n].incl for n in places])
        shares |= {n: (one, other) for n, one, other in zip(places, nets, grosses, strict=True)}
    found = [_line(tariff, line, *shares[n]) for n, line in enumerate(lines)]
    return (*found, *corrections(found, wanted, rated.limit or "rounding"))


def rated_bases(rated: Rated) -> tuple[tuple[Decimal | None, int], ...]:
    """The net per rate of VAT of a rated session."""
    found = bases(rated.cost, [(line.vat, line.excl) for line in rated.lines])
    return tuple((rate, net) for rate, (net, _) in found.items())


def bases(cost: Cost, weights: list[tuple[Decimal | None, Decimal]]) -> dict[Decimal | None, tuple[int, int]]:
    """{rate: (net, VAT)} of a cost: the net in proportion to `weights` (rate, exact net), the VAT as the cost has it."""
    taxes = {vat.rate: vat.amount.amount_minor for vat in cost.vat}
    sums: dict[Decimal | None, Decimal] = {}
    for rate, exact in weights:
        sums[rate] = sums.get(rate, _ZERO) + exact
    if not any(sums.values()):  # only a least price can make a cost of such lines
        sums[next(iter(taxes), next(iter(sums), None))] = Decimal(1)
    for rate in taxes:
        sums.setdefault(rate, _ZERO)
    nets = apportion(cost.excl.amount_minor, list(sums.values()))
    return {rate: (net, 0 if rate is None else taxes.get(rate, 0)) for rate, net in zip(sums, nets, strict=True)}


def corrections(lines: list[BillLine], wanted: dict[Decimal | None, tuple[int, int]], kind: str) -> list[BillLine]:
    """A line per rate for what the lines of that rate lack of (net, VAT); none where nothing is lacking."""
    found = []
    for rate, (net, vat) in wanted.items():
        mine = [line for line in lines if line.vat == rate]
        net_left = net - sum(line.net_minor for line in mine)
        gross_left = net + vat - sum(line.gross_minor for line in mine)
        if net_left or gross_left:
            found.append(BillLine(kind, "session", Decimal(1), None, rate, net_left, gross_left))
    return found


def _line(tariff: Tariff, line: RatedLine, net: int, gross: int) -> BillLine:
    price, unit, quantity = line.price, "session", line.billed
    if tariff.tax_included == "NO" and line.vat is not None:
        price = price * (_HUNDRED + line.vat) / _HUNDRED
    if line.unit == "kWh":
        unit = "kWh"
    elif line.unit == "s":
        minute = per_minute(price)
        unit, price, quantity = ("h", price, quantity / _HOUR) if minute is None else ("min", minute, quantity / _SIXTY)
    return BillLine(line.kind, unit, round(quantity, 6).normalize() + 0, price.normalize() + 0, line.vat, net, gross)
