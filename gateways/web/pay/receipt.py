"""The receipt of a card payment, from what is written down: the payment, its session, the CDR, the meter's records.

It shows what was delivered (meter readings, energy, time), at which prices, what was taken and which VAT is in it, by whom it
was sold, and what was given back since. Before the capture there is none: a hold is no payment.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.merchant.messages import Seller
from actors.model import ocmf
from actors.model.display import shown
from actors.model.meter import Reading
from actors.model.money import Cost, Money
from actors.model.rows import PaymentRow, SessionRow
from actors.model.tariff import Tariff
from actors.model.tariff_parse import TariffError, parse_tariff
from gateways.web import limits
from gateways.web.pay.guest import Guest
from gateways.web.pay.place import address_of
from gateways.web.pay.prices import PriceText, price_list

_GIVEN_BACK = frozenset(("asked", "pending", "succeeded"))


class CostLine(msgspec.Struct, frozen=True):
    """A kind of cost as the CDR adds it up, in major units, gross and exact to its four decimals."""

    kind: str
    gross: Decimal


class Refund(msgspec.Struct, frozen=True):
    at: datetime | None
    amount_minor: int
    pending: bool


class Receipt(msgspec.Struct, frozen=True):
    """`paid_minor` was taken, `refunded_minor` given back of it; `cost` as it was rated, which may be more than was taken.
    `registers` in Wh at start and stop; `signed` the meter's records, byte for byte; `file_name` without its end."""

    number: str
    file_name: str
    seller: Seller | None
    station: str
    evse: int
    place: str
    zone: str
    paid_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    energy_wh: int | None
    registers: tuple[int, int] | None
    prices: Sequence[PriceText]
    lines: Sequence[CostLine]
    cost: Cost | None
    paid_minor: int
    refunded_minor: int
    refunds: Sequence[Refund]
    currency: str
    reference: str
    session: str
    hold_minor: int
    signed: Sequence[str]
    public_key: str


async def receipt_of(guest: Guest, row: PaymentRow, session: SessionRow | None) -> Receipt:
    tenant, queries = guest.tenant.tenant, guest.env.queries
    cdr = await queries.cdr(tenant, session.cdr) if session is not None and session.cdr else None
    body: dict[str, Any] = cdr.body if cdr is not None else {}
    readings = await queries.meter_values(tenant, row.session) if row.session else ()
    merchant = guest.env.snapshots.merchant(tenant, row.merchant) if row.merchant else None
    station = guest.env.snapshots.station(tenant, row.station)
    signed, key = _signed(readings)
    return Receipt(
        number=row.id,
        file_name=f"receipt-{row.id}",
        seller=merchant.seller if merchant is not None else None,
        station=row.station,
        evse=row.evse,
        place=address_of(station.location) if station is not None else "",
        zone=str(station.location.get("time_zone") or guest.tenant.time_zone) if station else guest.tenant.time_zone,
        paid_at=await _paid_at(guest, row),
        started_at=session.started_at if session is not None else None,
        ended_at=session.ended_at if session is not None else None,
        energy_wh=session.energy_wh if session is not None else None,
        registers=await queries.meter_registers(tenant, row.session) if row.session else None,
        prices=_prices(guest, body),
        lines=_lines(body),
        cost=row.cost,
        paid_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        refunds=_refunds(row),
        currency=row.currency,
        reference=row.charge or row.intent or row.id,
        session=row.session or "",
        hold_minor=row.hold_minor,
        signed=signed,
        public_key=key or await _meter_key(guest, row),
    )


async def _paid_at(guest: Guest, row: PaymentRow) -> datetime | None:
    """The capture's journal is the first that a payment of a session has."""
    if not row.captured_minor or not row.journals:
        return None
    journal = await guest.env.queries.journal(guest.tenant.tenant, row.journals[0])
    return None if journal is None else journal.at


def _prices(guest: Guest, cdr: dict[str, Any]) -> Sequence[PriceText]:
    """The unit prices of the very version that the session was rated by: the CDR holds it."""
    for body in cdr.get("tariffs") or ():
        tariff = _parsed(body)
        if tariff is not None:
            return price_list(shown(tariff), guest.t)
    return ()


def _parsed(body: dict[str, Any]) -> Tariff | None:
    try:
        return parse_tariff(body)
    except TariffError:
        return None


def _lines(cdr: dict[str, Any]) -> Sequence[CostLine]:
    kinds = (("energy", "energy"), ("time", "time"), ("parking", "occupancy"), ("fixed", "flat"), ("reservation", "reservation"))
    found = []
    for name, kind in kinds:
        price = cdr.get(f"total_{name}_cost")
        if isinstance(price, dict) and price.get("incl_vat"):
            found.append(CostLine(kind, Decimal(str(price["incl_vat"]))))
    return found


def _refunds(row: PaymentRow) -> Sequence[Refund]:
    return [
        Refund(_time(refund.get("at")), int(refund.get("amount_minor", 0)), refund.get("status") != "succeeded")
        for refund in row.refunds
        if refund.get("status") in _GIVEN_BACK
    ]


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime) or value is None:
        return value
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None


def _signed(readings: Sequence[Reading]) -> tuple[Sequence[str], str]:
    """Records as they were signed, and the public key that one of them brought along."""
    raw = [sample.raw for reading in readings for sample in reading.samples if sample.signed]
    opened = [ocmf.open_signed(text) for text in raw[: limits.PAY_SIGNED_RECORDS]]
    return [signed.text for signed in opened], next((signed.key for signed in opened if signed.key), "")


async def _meter_key(guest: Guest, row: PaymentRow) -> str:
    """The public key that the station told of this EVSE's meter."""
    page = await guest.env.queries.variables(
        guest.tenant.tenant, row.station, limits.PAGE_MAX, None, component="FiscalMetering", variable="PublicKey"
    )
    for variable in page.items:
        if variable.evse in (None, row.evse):
            return next((str(each["value"]) for each in variable.attributes if each.get("value")), "")
    return ""


def vat_of(receipt: Receipt) -> Sequence[tuple[Decimal, Money, Money]]:
    """(rate, VAT, gross of that rate) where the whole cost was taken; empty otherwise: a part of a cost has its VAT in the
    document that the books made of it."""
    cost = receipt.cost
    if cost is None or cost.incl.amount_minor != receipt.paid_minor:
        return ()
    if len(cost.vat) == 1:
        return [(cost.vat[0].rate, cost.vat[0].amount, cost.incl)]
    return [(vat.rate, vat.amount, _gross(vat.rate, vat.amount)) for vat in cost.vat]


def _gross(rate: Decimal, vat: Money) -> Money:
    if not rate:
        return vat
    return Money(int((vat.amount_minor * (100 + rate) / rate).to_integral_value()), vat.currency)
