"""Where a transaction of OCPP 2.x begins and ends is the station's setting (TxStartPoint, TxStopPoint). Each row is a charge
as one of them tells it: what the session shows after every event, and what is billed at the end.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from actors.limits import DomainLimits
from actors.model.meter import Reading
from actors.model.rows import CdrRow
from actors.model.token import IdToken
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.rows import session_row
from actors.session.state import SessionState
from actors.station.messages import TransactionEvent
from tests.actors.kit import at, event, sample
from tests.actors.session.test_event_properties import CARD, NOW, VERDICTS, place

GOOD, BAD = IdToken("good", "good"), IdToken("bad", "bad")
Told = tuple[TransactionEvent, str, str | None]
"""An event, and the phase and the charging state that the session shows after it."""


def begin(minutes: float = 0) -> tuple[Reading, ...]:
    return (Reading(at(minutes), (sample(1000, "Transaction.Begin"),)),)


def end(minutes: float, wh: int = 11_000) -> tuple[Reading, ...]:
    return (Reading(at(minutes), (sample(wh, "Transaction.End"),)),)


def of(*told: tuple[Any, ...]) -> list[Told]:
    """(minutes, trigger, phase, fields...) each: Started first, Ended last."""
    found: list[Told] = []
    for n, (minutes, trigger, phase, *rest) in enumerate(told):
        fields: dict[str, Any] = rest[0] if rest else {}
        kind = "Started" if n == 0 else "Ended" if n == len(told) - 1 else "Updated"
        state = fields.get("charging_state") or (found[-1][2] if found else None)
        found.append((event(kind, n, minutes, trigger, **fields), phase, state))
    return found


ON, PLUGGED, PAUSED, GONE = ({"charging_state": s} for s in ("Charging", "EVConnected", "SuspendedEV", "Idle"))
CHARGES: dict[str, tuple[list[Told], Any]] = {
    # name: (events, (billed from, occupied hours) or the phase in which it ends unbilled)
    "the cable first, its token later (EVConnected)": (
        of(
            (0, "CablePluggedIn", "started", {**PLUGGED, "evse": 1, "readings": begin()}),
            (5, "Authorized", "started", {"token": GOOD}),
            (6, "ChargingStateChanged", "charging", ON),
            (60, "StopAuthorized", "suspended", {**PLUGGED, "token": GOOD}),
            (90, "EVCommunicationLost", "booked", {**GONE, "stopped_reason": "EVDisconnected", "readings": end(90)}),
        ),
        (6, 0.5),
    ),
    "the token first (Authorized), the cable later": (
        of(
            (0, "Authorized", "started", {"token": GOOD}),
            (3, "CablePluggedIn", "started", {**PLUGGED, "evse": 1, "readings": begin(3)}),
            (4, "ChargingStateChanged", "charging", ON),
            (60, "StopAuthorized", "booked", {"token": GOOD, "stopped_reason": "Local", "readings": end(60)}),
        ),
        (4, 0),
    ),
    "signed data first (DataSigned)": (
        of(
            (0, "SignedDataReceived", "started", {"evse": 1, "token": GOOD, **PLUGGED, "readings": begin()}),
            (2, "ChargingStateChanged", "charging", ON),
            (60, "StopAuthorized", "booked", {"readings": end(60)}),
        ),
        (2, 0),
    ),
    "power path closed, as 1.6 does it": (
        of(
            (0, "Authorized", "charging", {"evse": 1, "token": GOOD, **ON, "readings": begin()}),
            (60, "StopAuthorized", "booked", {"stopped_reason": "Local", **PLUGGED, "readings": end(60)}),
        ),
        (0, 0),
    ),
    "energy transfer only": (
        of(
            (0, "ChargingStateChanged", "charging", {"evse": 1, "token": GOOD, **ON, "readings": begin()}),
            (50, "ChargingStateChanged", "booked", {**PAUSED, "stopped_reason": "StoppedByEV", "readings": end(50)}),
        ),
        (0, 0),
    ),
    "the parking bay (ParkingBayOccupancy)": (
        of(
            (0, "EVDetected", "started", {"evse": 1, **GONE}),
            (2, "CablePluggedIn", "started", {**PLUGGED, "readings": begin(2)}),
            (3, "Authorized", "started", {"token": GOOD}),
            (4, "ChargingStateChanged", "charging", ON),
            (64, "ChargingStateChanged", "suspended", PAUSED),
            (70, "EVCommunicationLost", "suspended", GONE),
            (94, "EVDeparted", "booked", {"stopped_reason": "Local", "readings": end(94)}),
        ),
        (4, 0.5),
    ),
    "the vehicle pauses, and the cable comes out": (
        of(
            (0, "Authorized", "charging", {"evse": 1, "token": GOOD, **ON, "readings": begin()}),
            (30, "ChargingStateChanged", "suspended", PAUSED),
            (36, "ChargingStateChanged", "charging", ON),
            (60, "EVCommunicationLost", "booked", {"stopped_reason": "EVDisconnected", **GONE, "readings": end(60)}),
        ),
        (0, 0.1),
    ),
    "the vehicle never comes (EVConnectTimeout)": (
        of(
            (0, "Authorized", "started", {"token": GOOD, "evse": 1, **GONE, "readings": begin()}),
            (2, "EVConnectTimeout", "waived", {"stopped_reason": "Timeout", "readings": end(2, 1000)}),
        ),
        "waived",
    ),
    "the vehicle is not ready": (
        of(
            (0, "Authorized", "started", {"token": GOOD, "evse": 1, **PLUGGED, "readings": begin()}),
            (1, "ChargingStateChanged", "suspended", PAUSED),
            (31, "EVCommunicationLost", "booked", {"stopped_reason": "EVDisconnected", **GONE, "readings": end(31, 1000)}),
        ),
        (1, 0.5),
    ),
    "a token that is refused, and nothing delivered": (
        of(
            (0, "CablePluggedIn", "started", {"evse": 1, **PLUGGED, "readings": begin()}),
            (1, "Authorized", "started", {"token": BAD}),
            (2, "Deauthorized", "waived", {"stopped_reason": "DeAuthorized", "readings": end(2, 1000)}),
        ),
        "waived",
    ),
    "a token that is refused, and energy delivered all the same": (
        of(
            (0, "Authorized", "charging", {"evse": 1, "token": BAD, **ON, "readings": begin()}),
            (2, "Deauthorized", "quarantined", {"stopped_reason": "DeAuthorized", "readings": end(2, 1200)}),
        ),
        "quarantined",
    ),
    "over in the moment in which it began": (
        of(
            (0, "Authorized", "started", {"evse": 1, "token": GOOD, **PLUGGED, "readings": begin()}),
            (0, "AbnormalCondition", "waived", {"stopped_reason": "EmergencyStop", "readings": end(0, 1000)}),
        ),
        "waived",
    ),
    "no state is ever told": (
        of(
            (0, "CablePluggedIn", "started", {"evse": 1, "readings": begin()}),
            (5, "Authorized", "started", {"token": GOOD}),
            (65, "StopAuthorized", "booked", {"readings": end(65)}),
        ),
        (5, 0),
    ),
}


def play(told: Sequence[Told]) -> tuple[SessionState, list[Any]]:
    state, rows = SessionState(), list[Any]()
    for each, phase, charging in told:
        verdict = VERDICTS[each.token.ref] if each.token is not None else None
        decision = decide("s1", state, m.Event(place(each.evse or 0), each, verdict, CARD, 7, NOW), NOW, DomainLimits())
        for fact in decision.facts:
            state = apply(state, msgspec.json.decode(msgspec.json.encode(fact), type=type(fact)))
        rows += decision.rows
        shown = session_row("s1", state, NOW)
        assert shown.transaction is not None
        assert (state.phase, shown.transaction["charging_state"]) == (phase, charging), each
    return state, rows


@pytest.mark.parametrize("name", CHARGES)
def test_the_session_follows_and_bills_from_the_first_request_for_energy(name: str) -> None:
    told, wanted = CHARGES[name]
    state, rows = play(told)
    cdrs = [row.body for row in rows if isinstance(row, CdrRow)]
    if isinstance(wanted, str):
        assert (state.phase, cdrs) == (wanted, [])
        return
    billed_from, occupied = wanted
    (cdr,) = cdrs
    assert state.billed_from == at(billed_from)
    assert cdr["start_date_time"] == at(billed_from).isoformat().replace("+00:00", "Z")
    assert cdr.get("total_parking_time", 0) == occupied
    assert state.started_at == told[0][0].at
    assert state.ended_at == told[-1][0].at
    assert state.stop is not None
    assert state.stop.reason == (told[-1][0].stopped_reason or "Local")
