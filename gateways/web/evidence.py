"""What speaks for us when a driver's bank disputes a payment: built from rows, without a name in it (MONEY 1.5).

The provider takes texts by field. What the driver was shown and agreed to, what the card's issuer vouched for, what the station
metered, and what the receipt says.
"""

from collections.abc import Sequence
from datetime import datetime

from actors.model.documents import number_text
from actors.model.meter import Reading
from actors.model.rows import DocumentRow, PaymentRow, SessionRow
from gateways.web.limits import EVIDENCE_CHARACTERS


def pack(
    payment: PaymentRow, session: SessionRow | None, readings: Sequence[Reading], documents: Sequence[DocumentRow]
) -> dict[str, str]:
    texts = {
        "product_description": _what(payment, session),
        "access_activity_log": _log(payment, session, readings),
        "uncategorized_text": _price(payment, documents),
    }
    if session is not None and session.started_at is not None:
        texts["service_date"] = session.started_at.date().isoformat()
    return {field: text[:EVIDENCE_CHARACTERS] for field, text in texts.items() if text}


def _what(payment: PaymentRow, session: SessionRow | None) -> str:
    where = f"station {payment.station}, EVSE {payment.evse}"
    if session is None:
        return f"Credit for charging an electric vehicle, payment {payment.id}." if payment.wallet else f"Charging at {where}."
    energy = "" if session.energy_wh is None else f" {session.energy_wh} Wh were delivered."
    return f"Charging of an electric vehicle at {where}, session {session.id}.{energy}"


def _log(payment: PaymentRow, session: SessionRow | None, readings: Sequence[Reading]) -> str:
    quote, proof = payment.quote or {}, payment.proof or {}
    lines = []
    if quote:
        lines.append(f"{quote.get('clicked_at')}: the driver was shown the price (hash {quote.get('shown')}, tariff "
            f"{quote.get('fingerprint')}) and ordered under the terms of version {quote.get('terms')}.")  # fmt: skip
    if proof:
        told = ", ".join(f"{name} {proof[name]}" for name in ("result", "flow", "eci", "wallet", "rule") if proof.get(name))
        lines.append(f"Strong customer authentication by the card's issuer: {told}.")
    if session is not None:
        if session.started_at is not None:
            lines.append(f"{_at(session.started_at)}: charging began (transaction {session.transaction_id} of the station).")
        lines += [f"{_at(reading.at)}: {_values(reading)}" for reading in _ends(readings)]
        if session.ended_at is not None:
            lines.append(f"{_at(session.ended_at)}: charging ended ({session.stop_reason or 'no reason given'}).")
    return "\n".join(lines)


def _ends(readings: Sequence[Reading]) -> Sequence[Reading]:
    """The first and the last reading of the meter: what is billed is what lies between."""
    return readings if len(readings) < 2 else (readings[0], readings[-1])


def _values(reading: Reading) -> str:
    """A signed record byte for byte; else the value."""
    return ", ".join(
        f"{one.measurand} {one.raw or one.value} {'(signed)' if one.signed else one.unit}" for one in reading.samples
    )


def _at(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _refunded(payment: PaymentRow) -> list[str]:
    """First of all: what the driver has got back before the bank was asked."""
    lines = []
    for refund in payment.refunds:
        if refund.get("status") == "succeeded":
            name = refund.get("refund") or refund.get("id")
            back = f"{refund.get('amount_minor')} (minor units of {payment.currency})"
            lines.append(f"{refund.get('at')}: {back} of this charge were refunded to the same card, refund {name}.")
    twice = int((payment.dispute or {}).get("refunded_before_minor") or 0)
    if twice:
        lines.append(f"So {twice} of what is disputed had been given back already: the cardholder would have it twice.")
    return lines


def _price(payment: PaymentRow, documents: Sequence[DocumentRow]) -> str:
    currency = payment.currency
    held, taken, back = payment.hold_minor, payment.captured_minor, payment.refunded_minor
    lines = [*_refunded(payment), f"Held: {held}, charged: {taken}, refunded: {back} (minor units of {currency})."]
    if payment.cost is not None:
        vat = ", ".join(f"{part.rate} % VAT {part.amount.amount_minor}" for part in payment.cost.vat)
        lines.append(f"Price of the session: {payment.cost.incl.amount_minor} with {vat or 'no VAT'}.")
    lines += [f"{document.kind} {number_text(document)} of {_at(document.at)}: {document.gross_minor}." for document in documents]
    return "\n".join(lines)
