"""Block E, transactions: every point at which a station may begin and end one, in every order in which it may tell.

A scenario is a list of events. It is told in order, in order and each twice (a station that lost the answers), and from an
offline queue the wrong way round. Whatever the way: one session, one bill, the same bill.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.protocol.conformance.charging import FIRST_WH, LAST_WH, PRICE, Charge, billed, evse, reading
from tests.protocol.conformance.kit import ACCEPTED, TAG, TENANT, Csms, Station, case, now

Events = list[dict[str, Any]]
BLOCKED = "04BLOCKED000E16"


async def _told(station: Station, events: Events) -> list[dict[str, Any]]:
    return [await station.call("TransactionEvent", event) for event in events]


async def _told_twice(station: Station, events: Events) -> list[dict[str, Any]]:
    answers = []
    for event in events:
        answers.append(await station.call("TransactionEvent", event))
        again = await station.call("TransactionEvent", event)
        told = ("idTokenInfo",) if event["eventType"] == "Updated" else ("idTokenInfo", "totalCost")
        assert [again.get(name) for name in told] == [answers[-1].get(name) for name in told]
    return answers


async def _told_backwards(station: Station, events: Events) -> list[dict[str, Any]]:
    answers = [await station.call("TransactionEvent", {**event, "offline": True}) for event in reversed(events)]
    assert "totalCost" not in answers[0], "nobody can tell the cost before the start came"
    return answers[::-1]


Way = Callable[[Station, Events], Awaitable[list[dict[str, Any]]]]
WAYS = {"in order": _told, "each twice": _told_twice, "backwards from a queue": _told_backwards}


def _verdicts(events: Events, answers: list[dict[str, Any]]) -> None:
    """Who names a token is told what we think of it; who does not, is not."""
    for event, answer in zip(events, answers, strict=True):
        if "idToken" in event:
            assert answer["idTokenInfo"]["status"] == "Accepted"
        else:
            assert "idTokenInfo" not in answer


def ev_connected(c: Charge) -> Events:
    """TxStartPoint EVConnected."""
    return [
        c.made("Started", "CablePluggedIn", 0, evse=1, state="EVConnected", wh=FIRST_WH),
        c.made("Updated", "Authorized", 1, token=TAG, state="EVConnected"),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


def authorized(c: Charge) -> Events:
    """TxStartPoint Authorized: the EVSE becomes known with the cable."""
    return [
        c.made("Started", "Authorized", 0, token=TAG),
        c.made("Updated", "CablePluggedIn", 1, evse=1, state="EVConnected", wh=FIRST_WH, context="Transaction.Begin"),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


SIGNED = {
    "signedMeterData": "T0NNRnx7fXx7fQ==", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "AA==",
}  # fmt: skip


def data_signed(c: Charge) -> Events:
    """TxStartPoint DataSigned: the first event carries the record that the meter signed."""
    first = reading(FIRST_WH, c.began, "Transaction.Begin", signedMeterValue=SIGNED)
    return [
        c.made("Started", "SignedDataReceived", 0, evse=1, token=TAG, state="EVConnected", meterValue=first),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


def power_path_closed(c: Charge) -> Events:
    """TxStartPoint PowerPathClosed: cable and token were there before, as in 1.6."""
    return [
        c.made("Started", "Authorized", 0, evse=1, token=TAG, state="EVConnected", wh=FIRST_WH),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


def energy_transfer(c: Charge) -> Events:
    """TxStartPoint EnergyTransfer: it begins with the first watt."""
    return [c.made("Started", "ChargingStateChanged", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)]


def parking_bay(c: Charge) -> Events:
    """TxStartPoint ParkingBayOccupancy: long before anybody is known."""
    return [
        c.made("Started", "EVDetected", 0, evse=1),
        c.made("Updated", "Authorized", 1, token=TAG),
        c.made("Updated", "CablePluggedIn", 1.5, state="EVConnected", wh=FIRST_WH, context="Transaction.Begin"),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


def not_ready(c: Charge) -> Events:
    """The vehicle lets the station wait."""
    return [
        c.made("Started", "CablePluggedIn", 0, evse=1, state="EVConnected", wh=FIRST_WH),
        c.made("Updated", "Authorized", 1, token=TAG),
        c.made("Updated", "ChargingStateChanged", 1.5, state="SuspendedEV"),
        c.made("Updated", "ChargingStateChanged", 20, state="Charging"),
    ]


STARTS = {
    "TC_E_03": (ev_connected, "EVConnected"), "TC_E_04": (authorized, None), "TC_E_09": (ev_connected, "EVConnected"),
    "TC_E_10": (authorized, None), "TC_E_11": (data_signed, "EVConnected"), "TC_E_01": (power_path_closed, "EVConnected"),
    "TC_E_02": (energy_transfer, "Charging"), "TC_E_12": (parking_bay, None), "TC_E_38": (not_ready, "EVConnected"),
}  # fmt: skip
"""Case -> its beginning, and the charging state that its first event tells."""


@case(*STARTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", sorted({start.__name__ for start, _ in STARTS.values()}))
async def test_a_transaction_begins_where_the_station_is_told_it_begins(csms: Csms, which: str, way: str) -> None:
    start = globals()[which]
    async with csms.station() as station:
        await station.status(1, "Occupied")
        charge = Charge(station)
        events = [
            *start(charge),
            charge.made("Updated", "MeterValuePeriodic", 30, wh=103_000),
            charge.made("Ended", "StopAuthorized", 40, wh=LAST_WH, token=TAG, state="EVConnected", reason="Local"),
        ]
        answers = await WAYS[way](station, events)
        _verdicts(events, answers)
        if not way.startswith("backwards"):
            assert answers[-1]["totalCost"] == PRICE
        session = await billed(charge)
        assert (session["evse"], session["connector"], session["stop_reason"]) == (1, 1, "Local")
        assert datetime.fromisoformat(session["started_at"]) == datetime.fromisoformat(events[0]["timestamp"])
        assert session["transaction"]["missing"] == []
        assert session["transaction"]["last_seq"] == len(events) - 1
        assert session["transaction"]["offline"] is way.startswith("backwards")
        assert len(await station.sessions()) == 1
        await csms.until(lambda: evse(csms, station, 1), lambda one: one["session"] is None)


@case("TC_E_01", "TC_E_02", "TC_E_09", "TC_E_12", "TC_E_38")
@pytest.mark.parametrize("which", ["ev_connected", "energy_transfer", "parking_bay", "not_ready"])
async def test_while_it_runs_the_evse_and_the_session_show_what_the_vehicle_does(csms: Csms, which: str) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        events = globals()[which](charge)
        expected: str | None = None
        for event in events:
            await station.call("TransactionEvent", event)
            expected = event["transactionInfo"].get("chargingState", expected)
            session = await csms.until(charge.session, lambda row, seq=event["seqNo"]: row["transaction"]["last_seq"] == seq)  # type: ignore[misc]
            assert session["transaction"]["charging_state"] == expected
            assert session["state"] == "active"
        assert session["phase"] == "charging"
        shown = await csms.until(lambda: evse(csms, station, 1), lambda one: one["session"] is not None)
        assert shown["session"] == session["id"]


def _running(c: Charge) -> Events:
    return [
        c.made("Started", "Authorized", 0, evse=1, token=TAG, state="EVConnected", wh=FIRST_WH),
        c.made("Updated", "ChargingStateChanged", 2, state="Charging"),
    ]


def stop_cable_at_station(c: Charge) -> Events:
    """TxStopPoint EVConnected: the driver stops, and unplugs at the station's side."""
    return [
        c.made("Updated", "StopAuthorized", 38, token=TAG, state="EVConnected"),
        c.made("Ended", "EVCommunicationLost", 40, wh=LAST_WH, state="Idle", reason="Local"),
    ]


def stop_cable_at_vehicle(c: Charge) -> Events:
    """TxStopPoint EVConnected: the cable is pulled out of the vehicle while it charges."""
    return [c.made("Ended", "EVCommunicationLost", 40, wh=LAST_WH, state="Idle", reason="EVDisconnected")]


def stop_authorized(c: Charge) -> Events:
    """TxStopPoint Authorized: by the driver's token."""
    return [c.made("Ended", "StopAuthorized", 40, wh=LAST_WH, token=TAG, state="EVConnected", reason="Local")]


def stop_power_path(c: Charge) -> Events:
    """TxStopPoint PowerPathClosed: the contactor opens after the driver's token."""
    return [
        c.made("Updated", "StopAuthorized", 39, token=TAG),
        c.made("Ended", "ChargingStateChanged", 40, wh=LAST_WH, state="EVConnected", reason="Local"),
    ]


def stop_energy(c: Charge) -> Events:
    """TxStopPoint EnergyTransfer, after the driver's token."""
    return [c.made("Ended", "StopAuthorized", 40, wh=LAST_WH, token=TAG, state="SuspendedEVSE", reason="Local")]


def stop_suspended(c: Charge) -> Events:
    """TxStopPoint EnergyTransfer: the vehicle is full."""
    return [c.made("Ended", "ChargingStateChanged", 40, wh=LAST_WH, state="SuspendedEV", reason="StoppedByEV")]


def stop_parking(c: Charge) -> Events:
    """TxStopPoint ParkingBayOccupancy: it ends when the vehicle has gone."""
    return [
        c.made("Updated", "StopAuthorized", 35, token=TAG, state="EVConnected", wh=LAST_WH),
        c.made("Updated", "EVCommunicationLost", 36, state="Idle"),
        c.made("Ended", "EVDeparted", 40, wh=LAST_WH, state="Idle", reason="Local"),
    ]


def stop_deauthorized_by_vehicle(c: Charge) -> Events:
    """TxStopPoint Authorized: unplugging takes the authorisation with it."""
    return [
        c.made("Updated", "EVCommunicationLost", 39, state="Idle"),
        c.made("Ended", "Deauthorized", 40, wh=LAST_WH, reason="EVDisconnected"),
    ]


def stop_suspended_cable(c: Charge) -> Events:
    """TxStopPoint not reached by the cable: it is pulled out, put back, and the same transaction goes on."""
    return [
        c.made("Updated", "EVCommunicationLost", 15, wh=104_000, state="Idle"),
        c.made("Updated", "CablePluggedIn", 20, state="EVConnected"),
        c.made("Updated", "ChargingStateChanged", 21, state="Charging"),
        c.made("Ended", "StopAuthorized", 40, wh=LAST_WH, token=TAG, state="EVConnected", reason="Local"),
    ]


STOPS = {
    "TC_E_14": stop_cable_at_station, "TC_E_20": stop_cable_at_vehicle, "TC_E_15": stop_authorized, "TC_E_07": stop_power_path,
    "TC_E_08": stop_energy, "TC_E_22": stop_suspended, "TC_E_19": stop_parking, "TC_E_17": stop_deauthorized_by_vehicle,
    "TC_E_26": stop_suspended_cable,
}  # fmt: skip


@case(*STOPS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", STOPS)
async def test_a_transaction_ends_where_the_station_is_told_it_ends(csms: Csms, which: str, way: str) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        events = _running(charge) + STOPS[which](charge)
        answers = await WAYS[way](station, events)
        _verdicts(events, answers)
        if not way.startswith("backwards"):
            assert answers[-1]["totalCost"] == PRICE
        session = await billed(charge)
        ended = events[-1]
        assert session["stop_reason"] == ended["transactionInfo"]["stoppedReason"]
        assert datetime.fromisoformat(session["ended_at"]) == datetime.fromisoformat(ended["timestamp"])
        assert session["transaction"]["ended"] is True
        assert session["transaction"]["trigger"] == ended["triggerReason"]
        assert len(await station.sessions()) == 1


@case("TC_E_26")
async def test_a_cable_pulled_and_put_back_is_one_session_that_was_suspended(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        for event in _running(charge):
            await station.call("TransactionEvent", event)
        await charge.tells("Updated", "EVCommunicationLost", 15, wh=104_000, state="Idle")
        session = await csms.until(charge.session, lambda row: row["phase"] == "suspended")
        assert session["state"] == "active"
        await charge.tells("Updated", "CablePluggedIn", 20, state="EVConnected")
        await charge.tells("Updated", "ChargingStateChanged", 21, state="Charging")
        await csms.until(charge.session, lambda row: row["phase"] == "charging")


@case("TC_E_16")
@pytest.mark.parametrize(("wh", "state"), [(FIRST_WH, "ended"), (FIRST_WH + 500, "quarantined")])
async def test_a_token_that_is_refused_after_the_start_ends_it(csms: Csms, wh: int, state: str) -> None:
    """Nothing is billed to who may not charge: without energy it is waived, with some an operator decides."""
    await csms.put_token(BLOCKED, status="Blocked")
    async with csms.station() as station:
        charge = Charge(station)
        answer = await charge.tells("Started", "Authorized", 0, evse=1, token=BLOCKED, state="EVConnected", wh=FIRST_WH)
        assert answer["idTokenInfo"]["status"] == "Blocked"
        ended = await charge.tells("Ended", "Deauthorized", 1, wh=wh, state="EVConnected", reason="DeAuthorized")
        session = await charge.settled(state)
        assert session["stop_reason"] == "DeAuthorized"
        assert session["cdr"] is None
        if state == "ended":
            assert ended["totalCost"] == 0
            assert session["phase"] == "waived"
        else:
            assert "totalCost" not in ended
            assert "token_not_accepted" in session["anomalies"]


@case("TC_E_39")
async def test_an_authorisation_that_no_cable_followed_costs_nothing(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        answer = await charge.tells("Started", "Authorized", 0, token=TAG)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        session = await charge.session()
        assert (session["state"], session["evse"]) == ("active", 0)
        ended = await charge.tells("Ended", "EVConnectTimeout", 2, reason="Timeout", wh=FIRST_WH, state="Idle")
        assert ended["totalCost"] == 0
        session = await charge.settled()
        assert (session["phase"], session["stop_reason"], session["energy_wh"]) == ("waived", "Timeout", 0)
        assert session["cdr"] is None


@case("TC_E_29", "TC_E_30", "TC_E_31", "TC_E_33", "TC_E_34")
@pytest.mark.parametrize("ongoing", [True, False, None])
@pytest.mark.parametrize("queued", [True, False])
async def test_what_became_of_a_transaction_is_asked(csms: Csms, ongoing: bool | None, queued: bool) -> None:
    said: dict[str, Any] = {"messagesInQueue": queued} | ({} if ongoing is None else {"ongoingIndicator": ongoing})
    async with csms.station(answers={"GetTransactionStatus": said}) as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=TAG, state="Charging", wh=FIRST_WH)
        asked = {} if ongoing is None else {"transactionId": charge.id}
        told = await station.command("GetTransactionStatus", asked)
        assert station.said("GetTransactionStatus") == [asked]
        assert told["result"] == said
        if queued:
            late = charge.made("Updated", "MeterValuePeriodic", 20, wh=104_000, offline=True)
            assert "idTokenInfo" not in await station.call("TransactionEvent", late)
        if ongoing is False:
            ended = await charge.tells("Ended", "EVCommunicationLost", 40, wh=LAST_WH, offline=True, reason="EVDisconnected")
            assert ended["totalCost"] == PRICE
            session = await billed(charge)
            assert session["transaction"]["offline"] is True
        else:
            assert (await charge.session())["state"] == "active"


@case("TC_E_53")
async def test_every_transaction_counts_its_events_from_zero(csms: Csms) -> None:
    async with csms.station() as station:
        for minutes in (-7200, -3600):
            charge = Charge(station, began=minutes)
            events = [*_running(charge), *stop_authorized(charge)]
            assert [event["seqNo"] for event in events] == [0, 1, 2]
            await _told(station, events)
            session = await billed(charge)
            assert session["transaction"]["missing"] == []
        rows = await station.sessions()
        assert len({row["id"] for row in rows}) == 2
        assert len({row["cdr"] for row in rows}) == 2


@case("TC_E_53")
async def test_a_transaction_whose_numbers_go_on_from_the_one_before_is_whole_as_well(csms: Csms) -> None:
    """Older stations count on over all transactions of an EVSE."""
    async with csms.station() as station:
        charge = Charge(station)
        events = [*_running(charge), *stop_authorized(charge)]
        for event in events:
            event["seqNo"] += 4711
        answers = await _told(station, events)
        assert answers[-1]["totalCost"] == PRICE
        session = await billed(charge)
        assert session["transaction"]["missing"] == []


@case("TC_E_15")
async def test_an_end_that_overtook_an_event_waits_for_it(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        started, moved, ended = [*_running(charge), *stop_authorized(charge)]
        await station.call("TransactionEvent", started)
        answer = await station.call("TransactionEvent", ended)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert "totalCost" not in answer
        session = await charge.session()
        assert session["cdr"] is None
        assert session["transaction"]["missing"] == [[1, 1]]
        await station.call("TransactionEvent", {**moved, "offline": True})
        await billed(charge)


@case("TC_E_15")
async def test_another_content_under_a_known_number_is_kept_and_flagged_and_not_billed_twice(csms: Csms) -> None:
    async with csms.station() as station:
        charge = Charge(station)
        events = [*_running(charge), *stop_authorized(charge)]
        await _told(station, events)
        contested = {**events[-1], "meterValue": reading(LAST_WH + 5000, -600, "Transaction.End")}
        answer = await station.call("TransactionEvent", contested)
        assert answer["totalCost"] == PRICE
        session = await csms.until(charge.session, lambda row: "event_contradicted" in row["anomalies"])
        assert session["energy_wh"] == LAST_WH - FIRST_WH
        cdrs = await csms.get(f"/tenants/{TENANT}/cdrs", limit=1000)
        assert sum(cdr["session"] == session["id"] for cdr in cdrs) == 1


@case("TC_E_21")
async def test_a_stop_by_the_operator_ends_at_once_what_ran(csms: Csms) -> None:
    async with csms.station(answers={"RequestStopTransaction": ACCEPTED}) as station:
        charge = Charge(station)
        await _told(station, _running(charge))
        told = await station.command("RequestStopTransaction", {"transactionId": charge.id})
        assert told["result"]["status"] == "Accepted"
        assert station.said("RequestStopTransaction") == [{"transactionId": charge.id}]
        answer = await charge.tells("Ended", "RemoteStop", 40, wh=LAST_WH, state="EVConnected", reason="Remote")
        assert answer["totalCost"] == PRICE
        assert (await billed(charge))["stop_reason"] == "Remote"


@case("TC_E_15")
async def test_a_driver_who_stays_plugged_in_after_the_stop_point_leaves_the_bill_alone(csms: Csms) -> None:
    """Statuses after the end belong to the EVSE, not to the session."""
    async with csms.station() as station:
        charge = Charge(station)
        await _told(station, [*_running(charge), *stop_authorized(charge)])
        before = await billed(charge)
        await station.status(1, "Occupied")
        assert (await evse(csms, station, 1))["status"] == "Occupied"
        assert await charge.session() == before
        ended = datetime.fromisoformat(before["ended_at"])
        assert datetime.fromisoformat(now()) - ended > timedelta(minutes=10)
