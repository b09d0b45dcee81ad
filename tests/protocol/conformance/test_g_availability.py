"""Block G, availability, and P, data transfer."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import TAG, Csms, case, now

WORDS = [("Inoperative", "Unavailable"), ("Operative", "Available")]


@case("TC_G_03", "TC_G_04", "TC_G_05", "TC_G_06", "TC_G_07", "TC_G_08", "TC_G_11", "TC_G_14", "TC_G_17")
@pytest.mark.parametrize("place", [{"id": 1}, None, {"id": 1, "connectorId": 1}], ids=["evse", "station", "connector"])
@pytest.mark.parametrize(("operational", "status"), WORDS, ids=["off", "on"])
@pytest.mark.parametrize("answer", ["Accepted", "Scheduled"], ids=["idle", "charging"])
async def test_availability_is_changed_at_every_level(
    csms: Csms, place: dict[str, int] | None, operational: str, status: str, answer: str
) -> None:
    """With a transaction under way the station answers Scheduled and changes after it."""
    async with csms.station(answers={"ChangeAvailability": {"status": answer}}) as station:
        token = {"idToken": TAG, "type": "ISO14443"}
        if answer == "Scheduled":
            await station.event("Started", "tx-g", 0, "Authorized", idToken=token, evse={"id": 1, "connectorId": 1})
        payload: dict[str, Any] = {"operationalStatus": operational} | ({"evse": place} if place else {})
        told = await station.command("ChangeAvailability", payload)
        assert told["result"]["status"] == answer
        assert station.said("ChangeAvailability") == [payload]
        if answer == "Scheduled":
            assert (await station.session())["state"] == "active"
            await station.event("Ended", "tx-g", 1, "StopAuthorized", idToken=token)
        for evse in (1, 2) if place is None else (1,):
            await station.status(evse, status)
        shown = await csms.until(station.get, lambda row: row["evses"][0]["status"] == status)
        assert shown["evses"][0]["connectors"] == [{**shown["evses"][0]["connectors"][0], "id": 1, "status": status}]


@case("TC_G_20")
async def test_a_lock_that_failed_is_an_alert_of_the_device_model(csms: Csms) -> None:
    async with csms.station() as station:
        event = {
            "eventId": 1, "timestamp": now(), "trigger": "Delta", "actualValue": "true",
            "eventNotificationType": "HardWiredNotification", "variable": {"name": "Problem"},
            "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}},
        }  # fmt: skip
        assert await station.call("NotifyEvent", {"generatedAt": now(), "seqNo": 0, "eventData": [event]}) == {}
        rows = await csms.until(lambda: station.get("variables", limit=1000))
        kept = next(row for row in rows if row["component"]["name"] == "ConnectorPlugRetentionLock")
        assert (kept["component"]["evse"], kept["attributes"][0]["value"]) == (1, "true")


@case("TC_P_02")
async def test_data_of_an_unknown_vendor_is_answered_as_such(csms: Csms) -> None:
    async with csms.station() as station:
        answer = await station.call("DataTransfer", {"vendorId": "com.example.nobody", "messageId": "x", "data": {"a": [1]}})
        assert answer["status"] == "UnknownVendorId"


@case("P01_data for a station")
@pytest.mark.parametrize("answer", [{"status": "Accepted", "data": {"said": ["back"]}}, {"status": "UnknownMessageId"}])
async def test_data_of_a_vendor_reach_the_station_as_they_are_and_its_answer_comes_back(
    csms: Csms, answer: dict[str, Any]
) -> None:
    async with csms.station(answers={"DataTransfer": answer}) as station:
        payload = {"vendorId": "com.example", "messageId": "tune", "data": {"deep": [1, {"two": "x"}]}}
        told = await station.command("DataTransfer", payload)
        assert station.said("DataTransfer") == [payload]
        assert told["result"] == answer
        assert (told["translated"], told["lost"]) == (False, [])


@case("TC_P_03")
async def test_custom_data_is_taken_everywhere_and_changes_nothing(csms: Csms) -> None:
    async with csms.station() as station:
        custom = {"customData": {"vendorId": "com.example", "anything": {"deep": [1, 2]}}}
        assert "currentTime" in await station.call("Heartbeat", custom)
        payload = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": now(), **custom}
        assert await station.call("StatusNotification", payload) == {}
        answer = await station.call("Authorize", {"idToken": {"idToken": TAG, "type": "ISO14443", **custom}, **custom})
        assert answer["idTokenInfo"]["status"] == "Accepted"
