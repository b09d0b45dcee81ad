"""From an ended session to its price, its CDR and its journal: where the session meets the model room.

Pure: everything it needs is the state. The price is that of the tariff version frozen at the start.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from actors.model.cdr import SessionFacts, build_cdr, cdr_id, party_of
from actors.model.decision import Letter, lane_of
from actors.model.ledger import journal_for_invoice
from actors.model.plausible import QUARANTINE, judge_session
from actors.model.power import power_of
from actors.model.rating import Rated, UsageError, rate
from actors.model.rows import CdrRow, HoldRow, JournalRow
from actors.model.tariff import Tariff
from actors.model.tariff_parse import TariffError, parse_tariff, tariff_of
from actors.model.usage import Usage, usage_of
from actors.session import facts as f
from actors.session.rows import place_of
from actors.session.state import SessionState
from actors.session.wallet import PREFIX, booked

MOST_WH = 2**63 - 1
"""What a row can hold."""


class NotBillable(Exception):
    """The tariff cannot be read or the usage cannot be rated: an operator decides."""


class Settlement(msgspec.Struct, frozen=True):
    """Facts and rows (CDR, journal) that price a session."""

    facts: Sequence[Any]
    rows: Sequence[Any] = ()
    letters: Sequence[Letter] = ()

    @property
    def lane(self) -> str:
        """Of the turn that it is part of."""
        return lane_of(self.rows)


def energy_of(state: SessionState, meter_stop_wh: int) -> int | None:
    """Stop register minus start register, never negative; None where no start was recorded. Two absurd 64-bit registers
    may be further apart than 64 bits hold: such a session goes to an operator, and its row must be writable."""
    return None if state.meter_start_wh is None else min(max(0, meter_stop_wh - state.meter_start_wh), MOST_WH)


def findings(state: SessionState, meter_stop_wh: int, at: datetime, received: datetime) -> tuple[list[str], list[str]]:
    """(anomalies that forbid a bill, flags that only inform) of a session at its stop."""
    assert state.meter_start_wh is not None, "an open session has a start"
    assert state.started_at is not None
    judgement = judge_session(
        meter_start_wh=state.meter_start_wh,
        meter_stop_wh=meter_stop_wh,
        start=state.started_at,
        end=at,
        received=received,
        readings=state.curve,
        max_power_w=max_power(state),
    )
    names = judgement.names
    return [n for n in names if n in QUARANTINE], [n for n in names if n not in QUARANTINE]


def settle(session: str, state: SessionState, now: datetime) -> Settlement:
    """Price an ended session: Rated, Booked and their rows; Unpriced without a tariff (never "free").

    A token whose payment is "free" is rated at zero and gets a CDR without a journal; what a card pays is posted when it is
    captured (actors/payment), what a wallet pays here (wallet.py). Raises NotBillable.
    """
    place = place_of(state)
    tariff = tariff_in(state)
    if tariff is None:
        return Settlement((f.Unpriced(now),))
    try:
        rated = rate(tariff, usage_in(state, tariff), time_zone=place.time_zone)
    except UsageError as error:
        raise NotBillable(str(error)) from error
    paid_by = state.verdict.paid_by if state.verdict is not None else ""
    journal, posted, letters = _posted(session, state, rated, now, paid_by)
    cdr = CdrRow(
        tenant=place.tenant,
        id=cdr_id(session),
        session=session,
        journal=journal,
        at=now,
        body=build_cdr(
            id=cdr_id(session),
            party=party_of({"country_code": place.country_code, "party_id": place.party_id}, place.country, place.tenant),
            facts=_cdr_facts(session, state),
            tariff=tariff,
            rated=rated,
            at=now,
        ),
    )
    facts = (
        f.Rated(rated.cost, state.energy_wh or 0, tariff.fingerprint, now, rated.kinds if paid_by else ()),
        f.Booked(cdr.id, now, journal),
    )
    return Settlement(facts, (cdr, *posted), letters)


def _posted(
    session: str, state: SessionState, rated: Rated, now: datetime, paid_by: str
) -> tuple[str | None, Sequence[JournalRow | HoldRow], Sequence[Letter]]:
    """(id of the journal that books the price, its rows, letters); of a card nothing yet."""
    if paid_by.startswith(PREFIX):
        booking = booked(session, state, rated, now)
        return booking.journal, booking.rows, booking.letters
    if paid_by:
        return None, (), ()
    place = place_of(state)
    row = journal_for_invoice(
        tenant=place.tenant,
        session=session,
        token_ref=state.token.ref if state.token is not None else None,
        country=place.country,
        rated=rated,
        at=now,
    )
    return (row.id, (row,), ()) if row is not None else (None, (), ())


def tariff_in(state: SessionState) -> Tariff | None:
    """That of the session, frozen at its start; None without one. Raises NotBillable."""
    if state.verdict is not None and state.verdict.payment == "free":
        return _free(place_of(state).currency)
    card = state.tariff
    if card is None:
        return None
    try:
        return tariff_of(card.fingerprint, card.body)
    except TariffError as error:
        raise NotBillable(f"the tariff {card.id} cannot be read: {error}") from error


@lru_cache(maxsize=64)
def _free(currency: str) -> Tariff:
    """Nothing costs anything: what a free token is rated by."""
    return parse_tariff(
        {
            "id": "free",
            "currency": currency,
            "elements": [{"price_components": [{"type": "FLAT", "price": 0, "step_size": 1}]}],
            "last_updated": "1970-01-01T00:00:00Z",
        }
    )


def usage_in(state: SessionState, tariff: Tariff) -> Usage:
    """The energy that is billed is the state's; readings and charging states only say when it flowed."""
    assert state.started_at is not None, "only a session with both ends is priced"
    assert state.ended_at is not None
    start = state.meter_start_wh or 0
    stop = start + (state.energy_wh or 0)
    return usage_of(state.curve, state.charging, billed_from(state), state.ended_at, start, stop, even=tariff.plan.even)


def billed_from(state: SessionState) -> datetime:
    """A 2.x transaction may begin long before the charge; a session of 1.6 is billed from its start."""
    assert state.started_at is not None, "only a session with both ends is priced"
    return state.billed_from or state.started_at


def max_power(state: SessionState) -> int | None:
    """W that the EVSE can give, where the station's location says."""
    place = place_of(state)
    return power_of(place.location, place.evse)


def _cdr_facts(session: str, state: SessionState) -> SessionFacts:
    place = place_of(state)
    assert state.started_at is not None
    assert state.ended_at is not None
    return SessionFacts(
        session=session,
        station=place.station,
        evse=place.evse,
        connector=place.connector,
        start=billed_from(state),
        end=state.ended_at,
        token=state.token,
        location=place.location,
        country=place.country,
        auth_method="COMMAND" if "remote_start" in state.flags else "AUTH_REQUEST",
        readings=state.signed,
        anomalies=state.remarks,
    )
