"""The receipt of a card payment, from what is written down: the payment, its session, the CDR, the meter's records.

It shows what was delivered (meter readings, energy, time), at which prices, what was taken and which VAT is in it, by whom it
was sold, and what was given back since. Before the capture there is none: a hold is no payment. Number, seller, lines and VAT
are those of the fiscal document that the capture issued, as it was then; a charge of which there is none shows its CDR.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.merchant.messages import Seller
from actors.model import ocmf
from actors.model.display import shown
from actors.model.documents import CREDIT_NOTE, number_text, receipt_id
from actors.model.meter import Reading
from actors.model.money import Cost, Money
from actors.model.rows import DocumentRow, PaymentRow, SessionRow
from actors.model.tariff_parse import TariffError, tariff_of
from gateways.web import limits
from gateways.web.pay.guest import Guest
from gateways.web.pay.language import PayWords
from gateways.web.pay.place import address_of, seller_of
from gateways.web.pay.prices import BILLED, UNITS, PriceText, price_list

_GIVEN_BACK = frozenset(("asked", "pending", "succeeded"))


class CostLine(msgspec.Struct, frozen=True):
    """A line of the bill, gross in major units. `quantity` in `unit` (kWh, min, h or session) at `price`, where the document
    tells them."""

    kind: str
    gross: Decimal
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None


class Vat(msgspec.Struct, frozen=True):
    """`rate` in percent, None: no tax is named; `tax` in it of `gross`."""

    rate: Decimal
    tax: Money
    gross: Money


class Refund(msgspec.Struct, frozen=True):
    at: datetime | None
    amount_minor: int
    pending: bool
    number: str = ""
    """Of its credit note."""


class Receipt(msgspec.Struct, frozen=True):
    """`paid_minor` was taken, `refunded_minor` given back of it; `excess_minor` was taken too much, and goes back. `cost` as it
    was rated, which may be more than was taken.
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
    vats: Sequence[Vat]
    paid_minor: int
    refunded_minor: int
    excess_minor: int
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
    document = await queries.document(tenant, receipt_id(row.id))
    station = guest.env.snapshots.station(tenant, row.station)
    signed, key = _signed(readings)
    return Receipt(
        number=number_text(document) if document is not None else row.id,
        file_name=f"receipt-{number_text(document) if document is not None else row.id}",
        seller=_seller(guest, row, document),
        station=row.station,
        evse=row.evse,
        place=address_of(station.location) if station is not None else "",
        zone=str(station.location.get("time_zone") or guest.tenant.time_zone) if station else guest.tenant.time_zone,
        paid_at=document.at if document is not None else None,
        started_at=session.started_at if session is not None else None,
        ended_at=session.ended_at if session is not None else None,
        energy_wh=session.energy_wh if session is not None else None,
        registers=await queries.meter_registers(tenant, row.session) if row.session else None,
        prices=_prices(guest, row, session),
        lines=_lines_of(document) if document is not None else _lines(body),
        cost=row.cost,
        vats=_vats_of(document) if document is not None else _vats(row),
        paid_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        excess_minor=row.excess_minor,
        refunds=await _refunds(guest, row),
        currency=row.currency,
        reference=row.charge or row.intent or row.id,
        session=row.session or "",
        hold_minor=row.hold_minor,
        signed=signed,
        public_key=key or await _meter_key(guest, row),
    )


def _seller(guest: Guest, row: PaymentRow, document: DocumentRow | None) -> Seller | None:
    """As the document names it; without one as it is now."""
    if document is not None:
        return msgspec.convert(document.body["seller"], Seller)
    merchant = guest.env.snapshots.merchant(guest.tenant.tenant, row.merchant) if row.merchant else None
    return seller_of(guest.env, merchant) if merchant is not None else None


def _lines_of(document: DocumentRow) -> Sequence[CostLine]:
    return [
        CostLine(
            str(line["kind"]),
            Money(int(line["gross_minor"]), document.currency).major(),
            _decimal(line.get("quantity")),
            str(line.get("unit") or ""),
            _decimal(line.get("price")),
        )
        for line in document.body["lines"]
    ]


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


def billed(line: CostLine, currency: str, t: PayWords) -> str:
    """What a line is for: Energy, 12.340 kWh, €0.59 per kWh."""
    parts = [t(BILLED.get(line.kind, line.kind))]
    if line.quantity is not None and line.unit in ("kWh", "min", "h"):
        digits = 3 if line.unit == "kWh" else 0
        parts.append(f"{t.decimal(line.quantity, digits, max(digits, 2))}\u00a0{line.unit}")
    if line.price is not None and line.unit in UNITS:
        parts.append(f"{t.price(line.price, currency)} {t(UNITS[line.unit])}")
    return ", ".join(parts)


def _vats_of(document: DocumentRow) -> Sequence[Vat]:
    found = []
    for vat in document.body["vat"]:
        if vat["rate"] is not None:
            net, tax = int(vat["net_minor"]), int(vat["vat_minor"])
            money = Money(tax, document.currency), Money(net + tax, document.currency)
            found.append(Vat(Decimal(str(vat["rate"])), *money))
    return found


def _vats(row: PaymentRow) -> Sequence[Vat]:
    """Without a document only the VAT of a cost of one rate that was taken whole can be told."""
    cost = row.cost
    if cost is None or len(cost.vat) != 1 or cost.incl.amount_minor != row.captured_minor:
        return ()
    return [Vat(cost.vat[0].rate, cost.vat[0].amount, cost.incl)]


def _prices(guest: Guest, row: PaymentRow, session: SessionRow | None) -> Sequence[PriceText]:
    """The price list that was agreed to, as long as that version of the tariff is known; what was due of it stands in the lines.
    The CDR's own tariff is one without taxes, whose prices are rounded."""
    quote = row.quote or {}
    if session is None or session.started_at is None:
        return ()
    card = guest.env.snapshots.tariff(guest.tenant.tenant, str(quote.get("tariff", "")), session.started_at)
    if card is None or card.fingerprint != quote.get("fingerprint"):
        return ()
    try:
        return price_list(shown(tariff_of(card.fingerprint, card.body)), guest.t)
    except TariffError:
        return ()


def _lines(cdr: dict[str, Any]) -> Sequence[CostLine]:
    kinds = (("energy", "energy"), ("time", "time"), ("parking", "occupancy"), ("fixed", "flat"), ("reservation", "reservation"))
    found = []
    for name, kind in kinds:
        price = cdr.get(f"total_{name}_cost")
        if isinstance(price, dict) and price.get("incl_vat"):
            found.append(CostLine(kind, Decimal(str(price["incl_vat"]))))
    return found


async def _refunds(guest: Guest, row: PaymentRow) -> Sequence[Refund]:
    given = [refund for refund in row.refunds if refund.get("status") in _GIVEN_BACK and _sold(refund)]
    if not given:
        return ()
    page = await guest.env.queries.documents(
        guest.tenant.tenant, limits.PAGE_MAX, None, kind=CREDIT_NOTE, ref=row.session or row.id
    )
    numbers = {str(note.body.get("refund")): number_text(note) for note in page.items}
    return [
        Refund(
            _time(refund.get("at")), _sold(refund), refund.get("status") != "succeeded",
            next((numbers[name] for name in (str(refund.get("id")), str(refund.get("refund"))) if name in numbers), ""),
        )
        for refund in given
    ]  # fmt: skip


def _sold(refund: dict[str, Any]) -> int:
    """What of a refund takes the sale back: the rest gives back what was taken too much."""
    return int(refund.get("amount_minor", 0)) - int(refund.get("excess_minor", 0))


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
