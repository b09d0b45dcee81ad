"""What documents need of a session: its bill, and the document of one that its own turn books. Pure functions.

The bill is reckoned by the same rating as the price, from the same state, so that it cannot say anything else. The document is a
row of the booking turn: its number is given with the journal, or neither is.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.merchant.messages import BRAND, Seller
from actors.model.bill import Bill, bill_lines, place_lines
from actors.model.cdr import cdr_id, evse_name, party_of
from actors.model.decision import Decision
from actors.model.documents import invoice
from actors.model.rating import Rated, rate
from actors.model.rows import DocumentRow, JournalRow
from actors.session import facts as f
from actors.session.apply import apply
from actors.session.booking import billed_from, tariff_in, usage_in
from actors.session.messages import Place
from actors.session.rows import place_of
from actors.session.state import SessionState
from actors.wallet.messages import WalletCharged
from actors.wallet.papers import seller_of, wallet_receipt

Sellers = Callable[[str], Seller | None]
"""By the merchant's id: as it says now who it is, None where it has not."""
_GERMAN = ("DE", "AT", "LI")


def bill_in(session: str, state: SessionState, facts: Sequence[Any]) -> Bill | None:
    """Of the session that these facts of a turn book; None where they book none. Booking forgets what only rating needs, so it is
    reckoned as of the moment before."""
    found = _billed(session, state, facts)
    return None if found is None else found[0]


def _billed(session: str, state: SessionState, facts: Sequence[Any]) -> tuple[Bill, Rated, SessionState] | None:
    for fact in facts:
        if type(fact) is f.Booked:
            break
        state = apply(state, fact)
    else:
        return None
    tariff = tariff_in(state)
    if tariff is None or state.ended_at is None:
        return None
    place = place_of(state)
    rated = rate(tariff, usage_in(state, tariff), time_zone=place.time_zone)
    party = party_of({"country_code": place.country_code, "party_id": place.party_id}, place.country, place.tenant)
    energy, start = state.energy_wh or 0, state.meter_start_wh
    bill = Bill(
        session=session,
        station=place.station,
        evse=place.evse,
        connector=place.connector,
        started_at=billed_from(state),
        ended_at=max(state.ended_at, billed_from(state)),
        time_zone=place.time_zone,
        energy_wh=energy,
        cost=rated.cost,
        lines=bill_lines(tariff, rated),
        tariff=tariff.id,
        fingerprint=tariff.fingerprint,
        meter_start_wh=start,
        meter_stop_wh=None if start is None else start + energy,
        charging_s=int(rated.charging_s),
        parking_s=int(rated.parking_s),
        place=place_lines(place.location),
        evse_id=evse_name(place.location, party, place.station, place.evse),
        signed=bool(state.signed),
        cdr=cdr_id(session),
    )
    return bill, rated, state


def documented(session: str, state: SessionState, decision: Decision, now: datetime, sellers: Sellers) -> Decision:
    """The same turn with the document of what it books: the invoice of a session that is paid later, the receipt of one that a
    wallet paid. Only where the seller has said who it is: a document without a seller is none."""
    if not any(type(row) is JournalRow for row in decision.rows):
        return decision
    sale = next((one.message.sale for one in decision.letters if type(one.message) is WalletCharged), None)
    seller_id = BRAND if sale is None else seller_of(sale)
    seller = sellers(seller_id)
    found = _billed(session, state, decision.facts) if seller is not None else None
    if seller is None or found is None:
        return decision
    bill, rated, priced = found
    row: DocumentRow | None = None
    if sale is not None:
        row = wallet_receipt(sale, seller, bill, now, _language(place_of(priced)))
    elif priced.verdict is None or not priced.verdict.paid_by:
        row = _invoice(bill, rated, priced, seller, now)
    return decision if row is None else replace(decision, rows=(*decision.rows, row))


def _language(place: Place) -> str:
    return "de" if place.country in _GERMAN else "en"


def _invoice(bill: Bill, rated: Rated, priced: SessionState, seller: Seller, now: datetime) -> DocumentRow | None:
    place = place_of(priced)
    return invoice(
        tenant=place.tenant,
        seller_id=BRAND,
        seller=seller,
        country=place.country,
        kinds=rated.kinds,
        bill=bill,
        at=now,
        customer=priced.token.ref if priced.token is not None else "",
        language=_language(place),
    )
