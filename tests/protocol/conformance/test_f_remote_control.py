"""Block F, remote control: remote starts and stops, unlocking, triggers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, TAG, TENANT, Csms, Station, case, now

TOKEN = {"idToken": TAG, "type": "ISO14443"}
BEGIN = [{"timestamp": now(), "sampledValue": [{"value": 1000.0, "context": "Transaction.Begin"}]}]


def _meter(value: float, context: str) -> list[dict[str, Any]]:
    return [{"timestamp": now(), "sampledValue": [{"value": value, "context": context}]}]


async def _remote_start(station: Station, remote: int, **more: Any) -> dict[str, Any]:
    payload = {"idToken": TOKEN, "remoteStartId": remote, "evseId": 1, **more}
    told = await station.command("RequestStartTransaction", payload)
    assert told["result"]["status"] == "Accepted"
    assert (await station.hears("RequestStartTransaction"))["remoteStartId"] == remote
    return told


async def _ended(station: Station, transaction: str, seq: int, trigger: str = "RemoteStop", reason: str = "Remote") -> None:
    answer = await station.event(
        "Ended", transaction, seq, trigger, info={"stoppedReason": reason, "chargingState": "Idle"},
        meterValue=_meter(3000.0, "Transaction.End"),
    )  # fmt: skip
    assert answer["totalCost"] == 1.19
    session = await station.session()
    assert (session["state"], session["energy_wh"], session["stop_reason"]) == ("ended", 2000, reason)
    assert session["cdr"]


@case("TC_F_01")
async def test_a_remote_start_after_the_cable_was_plugged_in(csms: Csms) -> None:
    async with csms.station(answers={"RequestStartTransaction": {"status": "Accepted", "transactionId": "tx-f01"}}) as station:
        await station.status(1, "Occupied")
        await station.event("Started", "tx-f01", 0, "CablePluggedIn", evse={"id": 1, "connectorId": 1},
                            info={"chargingState": "EVConnected"}, meterValue=_meter(1000.0, "Transaction.Begin"))  # fmt: skip
        told = await _remote_start(station, 11)
        assert told["result"]["transactionId"] == "tx-f01"
        answer = await station.event("Updated", "tx-f01", 1, "RemoteStart", idToken=TOKEN, info={"remoteStartId": 11})
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await station.event("Updated", "tx-f01", 2, "ChargingStateChanged", info={"chargingState": "Charging"})
        session = await csms.until(station.session, lambda row: row["token"] is not None)
        assert (session["state"], session["transaction_id"]) == ("active", "tx-f01")
        await _ended(station, "tx-f01", 3)


@case("TC_F_02")
@pytest.mark.parametrize("status", ["Accepted"])
async def test_a_remote_start_that_the_station_has_authorised(csms: Csms, status: str) -> None:
    async with csms.station(answers={"RequestStartTransaction": ACCEPTED}) as station:
        await _remote_start(station, 12)
        assert (await station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]["status"] == status
        answer = await station.event("Started", "tx-f02", 0, "RemoteStart", idToken=TOKEN, evse={"id": 1, "connectorId": 1},
                                     info={"remoteStartId": 12}, meterValue=_meter(1000.0, "Transaction.Begin"))  # fmt: skip
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await station.event("Updated", "tx-f02", 1, "CablePluggedIn", info={"chargingState": "EVConnected"})
        await station.event("Updated", "tx-f02", 2, "ChargingStateChanged", info={"chargingState": "Charging"})
        await _ended(station, "tx-f02", 3)


@case("TC_F_03")
async def test_a_remote_start_without_an_authorisation_of_its_own(csms: Csms) -> None:
    async with csms.station(answers={"RequestStartTransaction": ACCEPTED}) as station:
        await _remote_start(station, 13)
        answer = await station.event("Started", "tx-f03", 0, "RemoteStart", idToken=TOKEN, evse={"id": 1, "connectorId": 1},
                                     info={"remoteStartId": 13}, meterValue=_meter(1000.0, "Transaction.Begin"))  # fmt: skip
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert (await station.session())["state"] == "active"
        await _ended(station, "tx-f03", 1)


@case("TC_F_04")
async def test_a_remote_start_whose_cable_never_came(csms: Csms) -> None:
    async with csms.station(answers={"RequestStartTransaction": ACCEPTED}) as station:
        await _remote_start(station, 14)
        await station.event("Started", "tx-f04", 0, "RemoteStart", idToken=TOKEN, info={"remoteStartId": 14},
                            evse={"id": 1, "connectorId": 1}, meterValue=_meter(1000.0, "Transaction.Begin"))  # fmt: skip
        answer = await station.event("Ended", "tx-f04", 1, "EVConnectTimeout", info={"stoppedReason": "Timeout"},
                                     meterValue=_meter(1000.0, "Transaction.End"))  # fmt: skip
        assert answer["totalCost"] == 0
        session = await station.session()
        assert (session["state"], session["energy_wh"], session["stop_reason"]) == ("ended", 0, "Timeout")


@case("TC_F_06")
@pytest.mark.parametrize("status", ["Unlocked", "UnlockFailed"])
async def test_a_connector_is_unlocked(csms: Csms, status: str) -> None:
    async with csms.station(answers={"UnlockConnector": {"status": status}}) as station:
        told = await station.command("UnlockConnector", {"evseId": 1, "connectorId": 1})
        assert told["result"]["status"] == status
        assert station.said("UnlockConnector") == [{"evseId": 1, "connectorId": 1}]


@case("TC_E_21")
async def test_a_transaction_is_stopped_by_its_own_id_or_by_our_number(csms: Csms) -> None:
    for by_number in (False, True):
        async with csms.station(answers={"RequestStopTransaction": ACCEPTED}) as station:
            await station.event("Started", "tx-e21", 0, "Authorized", idToken=TOKEN, evse={"id": 1, "connectorId": 1},
                                meterValue=_meter(1000.0, "Transaction.Begin"))  # fmt: skip
            session = await station.session()
            if by_number:
                told = await station.command("RemoteStopTransaction", {"transactionId": session["number"]}, "ocpp1.6")
                assert told["translated"] is True
            else:
                told = await station.command("RequestStopTransaction", {"transactionId": "tx-e21"})
            assert told["result"] == ACCEPTED
            assert station.said("RequestStopTransaction") == [{"transactionId": "tx-e21"}]
            await _ended(station, "tx-e21", 1)


@case("TC_F_11", "TC_F_12", "TC_F_13", "TC_F_14", "TC_F_15", "TC_F_18", "TC_F_20", "TC_F_23", "TC_F_24")
@pytest.mark.parametrize(
    ("message", "evse"),
    [
        ("MeterValues", {"id": 1}),
        ("MeterValues", None),
        ("TransactionEvent", {"id": 1}),
        ("TransactionEvent", None),
        ("LogStatusNotification", None),
        ("FirmwareStatusNotification", None),
        ("Heartbeat", None),
        ("StatusNotification", {"id": 1, "connectorId": 1}),
    ],
)
async def test_a_message_is_triggered_and_taken(csms: Csms, message: str, evse: dict[str, int] | None) -> None:
    sample = [{"timestamp": now(), "sampledValue": [{"value": 5.0, "context": "Trigger"}]}]
    async with csms.station(answers={"TriggerMessage": ACCEPTED}) as station:
        payload: dict[str, Any] = {"requestedMessage": message} | ({"evse": evse} if evse else {})
        told = await station.command("TriggerMessage", payload)
        assert told["result"] == ACCEPTED
        assert station.said("TriggerMessage")[-1] == payload
        match message:
            case "MeterValues":
                for one in (1, 2) if evse is None else (1,):
                    assert await station.call("MeterValues", {"evseId": one, "meterValue": sample}) == {}
                    shown = await csms.get("/actors/one", address=f"{TENANT}/evse/{station.identity}#{one}")
                    kept = datetime.fromisoformat(shown["state"]["unattributed"][0])
                    assert kept == datetime.fromisoformat(sample[0]["timestamp"]), "the EVSE's, of no session"
            case "TransactionEvent":
                await station.event("Started", "tx-f13", 0, "Authorized", idToken=TOKEN, evse={"id": 1})
                await station.event("Updated", "tx-f13", 1, "Trigger", meterValue=sample, info={"chargingState": "Charging"})
                session = await csms.until(station.session, lambda row: len(row["meter_values"]) == 1)
                assert session["state"] == "active"
            case "LogStatusNotification" | "FirmwareStatusNotification":
                assert await station.call(message, {"status": "Idle"}) == {}
                name = "log" if message == "LogStatusNotification" else "firmware"
                book = await csms.until(lambda: station.book(name))
                assert [(row["status"], row["request_id"]) for row in book.values()] == [("Idle", None)]
            case "Heartbeat":
                beat = datetime.fromisoformat((await station.call("Heartbeat", {}))["currentTime"])
                assert abs(beat - datetime.now(UTC)) < timedelta(minutes=5)
            case "StatusNotification":
                for status in ("Available", "Occupied"):
                    await station.status(1, status)
                    shown = await csms.until(station.get, lambda row, status=status: row["evses"][0]["status"] == status)  # type: ignore[misc]
                    assert shown["evses"][0]["connectors"][0]["status"] == status


@case("TC_F_27")
async def test_a_trigger_that_the_station_does_not_implement_is_told_as_such(csms: Csms) -> None:
    async with csms.station(answers={"TriggerMessage": {"status": "NotImplemented"}}) as station:
        told = await station.command("TriggerMessage", {"requestedMessage": "SignCombinedCertificate"})
        assert told["result"]["status"] == "NotImplemented"
        assert station.said("TriggerMessage") == [{"requestedMessage": "SignCombinedCertificate"}]
