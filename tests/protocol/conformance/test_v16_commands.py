"""OCPP 1.6: every command of the CSMS, as the station hears it, and what is kept of its answer."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, case, now

V16 = "ocpp1.6"
PROFILE = {
    "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "chargingRateUnit": "A", "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
    },
}  # fmt: skip
LATER = now(7200)[:19] + "Z"
COMMANDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, {"status": "Scheduled"}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}, {"status": "Accepted"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, {"status": "RebootRequired"}),
    ("ChangeConfiguration", {"key": "VendorKey", "value": "x"}, {"status": "NotSupported"}),
    ("ClearCache", {}, {"status": "Rejected"}),
    ("ClearChargingProfile", {"connectorId": 1, "stackLevel": 0}, {"status": "Unknown"}),
    ("DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": "d"}, {"status": "Accepted", "data": "back"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}, {"status": "Rejected"}),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]},
     {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}], "unknownKey": ["Nonsense"]}),
    ("GetDiagnostics", {"location": "ftp://example.com/up", "retries": 2}, {"fileName": "diag.zip"}),
    ("GetLocalListVersion", {}, {"listVersion": -1}),
    ("RemoteStartTransaction", {"idTag": TAG, "connectorId": 1}, {"status": "Accepted"}),
    ("RemoteStopTransaction", {"transactionId": 77}, {"status": "Rejected"}),
    ("Reset", {"type": "Hard"}, {"status": "Accepted"}),
    ("Reset", {"type": "Soft"}, {"status": "Rejected"}),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
    ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}, {"status": "NotImplemented"}),
    ("UnlockConnector", {"connectorId": 2}, {"status": "UnlockFailed"}),
    ("UpdateFirmware", {"location": "https://example.com/fw", "retrieveDate": LATER}, {}),
]  # fmt: skip


@case(*(f"16_{action}" for action, _, _ in COMMANDS))
@pytest.mark.parametrize(("action", "payload", "answer"), COMMANDS, ids=[f"{n}-{c[0]}" for n, c in enumerate(COMMANDS)])
async def test_the_station_hears_just_what_was_said_and_its_answer_comes_back(
    csms: Csms, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    async with csms.station(V16, answers={action: answer}) as station:
        told = await station.command(action, payload)
        assert payload in station.said(action), "we may ask for other things of our own accord"
        assert told["result"] == answer
        assert (told["protocol"], told["translated"], told["lost"]) == (V16, False, [])
        assert told["sent"] == payload | ({"idTag": told["sent"]["idTag"]} if "idTag" in payload else {})
        assert TAG not in str(told), "an idTag is not shown in plain text"


@case("16_ChangeConfiguration_kept", "16_GetConfiguration_kept")
async def test_a_key_that_was_changed_or_told_stands_in_the_device_model(csms: Csms) -> None:
    keys = [
        {"key": "MeterValueSampleInterval", "readonly": False, "value": "30"},
        {"key": "Vendor.X", "readonly": True, "value": "7"},
    ]
    answers: Any = {"ChangeConfiguration": ACCEPTED, "GetConfiguration": {"configurationKey": keys}}
    async with csms.station(V16, answers=answers) as station:
        await station.command("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "61"})
        kept = await csms.until(lambda: station.variable("OCPPCommCtrlr", "HeartbeatInterval"))
        assert (kept["attributes"][0]["value"], kept["key"]) == ("61", "HeartbeatInterval")
        await station.command("GetConfiguration", {})
        vendor = await csms.until(lambda: station.variable("OCPP16", "Vendor.X"))
        assert (vendor["attributes"][0]["value"], vendor["attributes"][0]["mutability"]) == ("7", "ReadOnly")
        sampled = await csms.until(lambda: station.variable("SampledDataCtrlr", "TxUpdatedInterval"))
        assert sampled["attributes"][0]["value"] == "30"


@case("16_SetChargingProfile_kept", "16_ClearChargingProfile_kept")
async def test_a_profile_is_in_the_book_until_it_is_cleared(csms: Csms) -> None:
    async with csms.station(V16, answers={"SetChargingProfile": ACCEPTED, "ClearChargingProfile": ACCEPTED}) as station:
        await station.command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE})
        book = await csms.until(lambda: station.book("profile"))
        assert (book["1"]["evse"], book["1"]["profile"]["purpose"]) == (1, "TxDefaultProfile")
        composite = await station.get("composite", evse=1, duration=60)
        assert [p["limit"] for p in composite["periods"]] == [16.1]
        await station.command("ClearChargingProfile", {"id": 1})
        await csms.until(lambda: station.book("profile"), lambda found: not found)


@case("16_ReserveNow", "16_CancelReservation")
@pytest.mark.parametrize("end", ["used", "cancelled"])
async def test_a_reservation_is_kept_until_it_is_used_or_cancelled(csms: Csms, end: str) -> None:
    async with csms.station(V16, answers={"ReserveNow": ACCEPTED, "CancelReservation": ACCEPTED}) as station:
        payload = {"connectorId": 1, "expiryDate": LATER, "idTag": TAG, "reservationId": 9}
        told = await station.command("ReserveNow", payload)
        assert station.said("ReserveNow") == [payload]
        assert told["result"] == ACCEPTED
        book = await csms.until(lambda: station.book("reservation"))
        assert (book["9"]["state"], book["9"]["evse"]) == ("reserved", 1)
        assert TAG not in str(book)
        if end == "used":
            began = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": now(), "reservationId": 9}
            assert (await station.call("StartTransaction", began))["idTagInfo"]["status"] == "Accepted"
        else:
            await station.command("CancelReservation", {"reservationId": 9})
        book = await csms.until(lambda: station.book("reservation"), lambda found: found["9"]["state"] != "reserved")
        assert book["9"]["state"] == end


@case("16_SendLocalList", "16_GetLocalListVersion_kept")
async def test_a_local_list_sent_by_hand_stands_in_the_book(csms: Csms) -> None:
    async with csms.station(V16, answers={"SendLocalList": ACCEPTED, "GetLocalListVersion": {"listVersion": 8}}) as station:
        entry = {"idTag": TAG, "idTagInfo": {"status": "Accepted"}}
        payload = {"listVersion": 8, "updateType": "Full", "localAuthorizationList": [entry]}
        told = await station.command("SendLocalList", payload)
        assert told["result"] == ACCEPTED
        assert station.said("SendLocalList") == [payload]
        kept = await csms.until(lambda: station.get("local-list"), lambda row: row["held"] == 1)
        assert (kept["state"], kept["version"]) == ("by hand", 8)
        told = await station.command("GetLocalListVersion", {}, V16)
        assert told["result"] == {"listVersion": 8}


@case("16_kept_local_list")
async def test_a_kept_local_list_reaches_a_1_6_station_in_parts_of_what_it_takes(csms: Csms) -> None:
    tags = [f"16LIST{n:02d}" for n in range(5)]
    for tag in tags:
        await csms.put_token(tag)
    keys = [{"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}]
    answers: Any = {"SendLocalList": ACCEPTED, "GetConfiguration": {"configurationKey": keys}}
    async with csms.station(V16, answers=answers) as station:
        await station.command("GetConfiguration", {})
        await csms.until(lambda: station.variable("LocalAuthListCtrlr", "ItemsPerMessage"))
        body = {"tokens": [{"uid": tag} for tag in tags]}
        answer = await csms.api.put(f"{station.path}/local-list", json=body)
        assert answer.status_code == 200, answer.text
        await station.hears("SendLocalList", 3)
        sent = station.said("SendLocalList")
        assert [one["updateType"] for one in sent] == ["Full", "Differential", "Differential"]
        assert [one["listVersion"] for one in sent] == sorted({one["listVersion"] for one in sent})
        assert [entry["idTag"] for one in sent for entry in one["localAuthorizationList"]] == tags
        await csms.put_token(tags[0], status="Blocked")
        await csms.api.put(f"{station.path}/local-list", json={"tokens": body["tokens"][:-1]})
        await csms.until(lambda: station.get("local-list"), lambda row: row["held"] == 4 and row["state"] == "kept")
        # In one message or in two: the keeper may have looked between the two changes.
        entries = [entry for one in station.said("SendLocalList")[3:] for entry in one["localAuthorizationList"]]
        changes = {entry["idTag"]: entry.get("idTagInfo", {}).get("status") for entry in entries}
        assert changes == {tags[0]: "Blocked", tags[4]: None}


@case("16_one_call_at_a_time", "16_timeout")
async def test_a_station_that_is_away_is_told_as_such(csms: Csms) -> None:
    async with csms.station(V16) as station:
        identity = station.identity
    async with csms.connected(identity, V16) as again:
        path = again.path
    await csms.until(lambda: csms.get(path), lambda row: row["connection"]["state"] == "offline")
    answer = await csms.api.post(f"{path}/commands/Reset", json={"type": "Soft"}, params={"version": V16})
    assert answer.status_code == 409
