"""OCPP 1.6: every message of the station, and what a CSMS owes it (PROTOCOLS 2.1 to 2.5)."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import TAG, CallError, Csms, Station, case, now

V16 = "ocpp1.6"


async def start(station: Station, tag: str = TAG, meter: int = 1000, connector: int = 1, **more: Any) -> dict[str, Any]:
    payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": more.pop("at", now(-600)), **more}
    return await station.call("StartTransaction", payload)


async def stop(station: Station, number: int, meter: int = 3000, **more: Any) -> dict[str, Any]:
    payload = {"transactionId": number, "meterStop": meter, "timestamp": more.pop("at", now()), **more}
    return await station.call("StopTransaction", payload)


@case("16_BootNotification_Accepted")
async def test_a_boot_is_accepted_with_time_and_interval_and_shown(csms: Csms) -> None:
    async with csms.station(V16, boot=False) as station:
        answer = await station.boot(
            chargePointSerialNumber="SN16", firmwareVersion="1.9", iccid="89", imsi="26", meterType="EM", meterSerialNumber="M1"
        )
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        shown = await station.get()
        boot = shown["boot"]
        assert (boot["vendor"], boot["model"], boot["serial"], boot["firmware"]) == ("Conf", "One", "SN16", "1.9")
        assert shown["connection"]["protocol"] == V16


@case("16_before_acceptance_SecurityError")
async def test_before_its_first_boot_a_station_may_not_authorise(csms: Csms) -> None:
    async with csms.station(V16, boot=False) as station:
        with pytest.raises(CallError) as refused:
            await station.call("Authorize", {"idTag": TAG})
        assert refused.value.code == "SecurityError"
        assert await station.boot()
        assert (await station.call("Authorize", {"idTag": TAG}))["idTagInfo"]["status"] == "Accepted"


@case("16_Heartbeat")
async def test_a_heartbeat_is_answered_with_the_time(csms: Csms) -> None:
    async with csms.station(V16) as station:
        assert (await station.call("Heartbeat", {}))["currentTime"].endswith("Z")
        assert (await station.get())["connection"]["state"] == "online"


@case("16_Authorize")
@pytest.mark.parametrize(("status", "told"), [("Accepted", "Accepted"), ("Blocked", "Blocked"), ("Expired", "Expired"),
                                              ("NoCredit", "Blocked"), (None, "Invalid")])  # fmt: skip
async def test_an_id_tag_is_judged_in_the_words_of_1_6(csms: Csms, status: str | None, told: str) -> None:
    tag = f"16{status or 'NOBODY'}".upper()[:20]
    if status is not None:
        await csms.put_token(tag, status=status, group="FLEET16")
    async with csms.station(V16) as station:
        info = (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]
        assert info["status"] == told
        assert info.get("parentIdTag") == ("FLEET16" if status else None)


@case("16_Authorize_expiry")
async def test_a_token_whose_expiry_has_passed_is_expired_and_a_later_one_is_told(csms: Csms) -> None:
    await csms.put_token("16PAST", expires=now(-60))
    await csms.put_token("16FUTURE", expires=now(3600))
    async with csms.station(V16) as station:
        assert (await station.call("Authorize", {"idTag": "16PAST"}))["idTagInfo"]["status"] == "Expired"
        info = (await station.call("Authorize", {"idTag": "16future"}))["idTagInfo"]
        assert info["status"] == "Accepted", "tags are compared without regard to case"
        assert info["expiryDate"].endswith("Z")


@case("16_StatusNotification")
@pytest.mark.parametrize(
    ("told", "shown"),
    [("Available", "Available"), ("Preparing", "Occupied"), ("Charging", "Occupied"), ("SuspendedEV", "Occupied"),
     ("SuspendedEVSE", "Occupied"), ("Finishing", "Occupied"), ("Reserved", "Reserved"), ("Unavailable", "Unavailable"),
     ("Faulted", "Faulted")],
)  # fmt: skip
async def test_every_connector_status_is_shown(csms: Csms, told: str, shown: str) -> None:
    async with csms.station(V16) as station:
        await station.status(1, told)
        found = await csms.until(station.get, lambda row: row["evses"][0]["status"] == shown)
        assert found["evses"][0]["id"] == 1


@case("16_StatusNotification_connector_0")
async def test_the_status_of_the_station_itself_is_taken(csms: Csms) -> None:
    async with csms.station(V16) as station:
        await station.status(0, "Unavailable")
        await station.status(0, "Available")


@case("16_StartTransaction", "16_MeterValues", "16_StopTransaction")
async def test_a_session_is_recorded_priced_and_booked(csms: Csms) -> None:
    async with csms.station(V16) as station:
        began = await start(station, at=now(-3600))
        assert began["idTagInfo"]["status"] == "Accepted"
        number = began["transactionId"]
        assert number > 0
        sample = {"value": "2.0", "unit": "kWh", "measurand": "Energy.Active.Import.Register", "context": "Sample.Periodic"}
        meter = {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": now(-1800), "sampledValue": [sample]}]}
        assert await station.call("MeterValues", meter) == {}
        live = await station.session()
        assert (live["state"], live["number"], live["transaction_id"]) == ("active", number, str(number))
        assert (await stop(station, number, idTag=TAG, reason="EVDisconnected"))["idTagInfo"]["status"] == "Accepted"
        session = await station.session()
        assert (session["state"], session["energy_wh"], session["stop_reason"]) == ("ended", 2000, "EVDisconnected")
        assert session["cost"]["incl"] == {"amount_minor": 119, "currency": "EUR"}
        cdr = await csms.get(f"/tenants/conf/cdrs/{session['cdr']}")
        assert cdr["session"] == session["id"]
        journals = await csms.get("/tenants/conf/ledger/journals", ref=session["id"])
        entries = journals[0]["entries"]
        debit = sum(entry["amount_minor"] for entry in entries if entry["side"] == "debit")
        assert debit == sum(entry["amount_minor"] for entry in entries if entry["side"] == "credit") == 119


@case("16_retries")
async def test_a_start_and_a_stop_that_come_again_with_other_message_ids_change_nothing(csms: Csms) -> None:
    async with csms.station(V16) as station:
        at = now(-600)
        numbers = {(await start(station, at=at))["transactionId"] for _ in range(3)}
        assert len(numbers) == 1
        (number,) = numbers
        ended = now()
        answers = [await stop(station, number, at=ended, idTag=TAG) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert len(await station.sessions()) == 1
        assert len(await csms.get("/tenants/conf/ledger/journals", ref=(await station.session())["id"])) == 1


@case("16_StartTransaction_unknown_tag")
async def test_a_start_with_an_unknown_tag_is_recorded_numbered_and_never_billed(csms: Csms) -> None:
    async with csms.station(V16) as station:
        began = await start(station, tag="NOBODY16")
        assert began["idTagInfo"]["status"] == "Invalid"
        assert began["transactionId"] > 0
        await stop(station, began["transactionId"], reason="DeAuthorized")
        session = await station.session()
        assert session["state"] == "quarantined"
        assert "token_not_accepted" in session["anomalies"], "and that is why"
        assert session["cdr"] is None


@case("16_StopTransaction_unknown_number")
@pytest.mark.parametrize("number", [0, -1, 999_999_999])
async def test_a_stop_of_nothing_is_answered_kept_and_ends_no_other_session(csms: Csms, number: int) -> None:
    async with csms.station(V16) as station:
        running = (await start(station, meter=50_000))["transactionId"]
        assert await stop(station, number, meter=10) is not None
        rows = {row["state"] for row in await station.sessions()}
        assert rows == {"active", "quarantined"}
        await stop(station, running, meter=50_500)


@case("16_StopTransaction_group")
async def test_a_tag_of_the_same_group_may_stop(csms: Csms) -> None:
    await csms.put_token("16GROUPA", group="G16")
    await csms.put_token("16GROUPB", group="G16")
    async with csms.station(V16) as station:
        began = await start(station, tag="16GROUPA")
        assert began["idTagInfo"]["parentIdTag"] == "G16"
        answer = await stop(station, began["transactionId"], idTag="16GROUPB")
        assert answer["idTagInfo"] == {"status": "Accepted", "parentIdTag": "G16"}
        assert (await station.session())["state"] == "ended"


@case("16_StopTransaction_transactionData")
async def test_the_data_of_a_transaction_that_come_with_its_stop_are_kept(csms: Csms) -> None:
    async with csms.station(V16) as station:
        number = (await start(station, at=now(-3600)))["transactionId"]
        data = [
            {"timestamp": now(-3600), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
            {"timestamp": now(), "sampledValue": [{"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.End"}]},
        ]
        await stop(station, number, transactionData=data)
        session = await station.session()
        assert session["energy_wh"] == 2000
        assert len(session["meter_values"]) == 2


@case("16_MeterValues_without_transaction")
async def test_values_outside_a_transaction_are_taken(csms: Csms) -> None:
    async with csms.station(V16) as station:
        for connector in (0, 1, 2):
            value = [{"timestamp": now(), "sampledValue": [{"value": "5", "context": "Sample.Clock"}]}]
            assert await station.call("MeterValues", {"connectorId": connector, "meterValue": value}) == {}
        assert await station.sessions() == []


@case("16_offline_queue")
async def test_a_queue_from_an_outage_is_taken_in_its_own_order_of_time(csms: Csms) -> None:
    async with csms.station(V16) as station:
        await station.status(1, "Available")
        for hours in (5, 4):
            at, until = now(-hours * 3600), now(-hours * 3600 + 1800)
            number = (await start(station, at=at, meter=hours * 100))["transactionId"]
            await stop(station, number, meter=hours * 100 + 50, at=until)
        rows = await station.sessions()
        assert [row["state"] for row in rows] == ["ended", "ended"]
        assert {row["energy_wh"] for row in rows} == {50}


@case("16_DataTransfer")
async def test_data_of_an_unknown_vendor_is_answered_as_such(csms: Csms) -> None:
    async with csms.station(V16) as station:
        answer = await station.call("DataTransfer", {"vendorId": "com.example.nobody", "messageId": "x", "data": "y"})
        assert answer["status"] == "UnknownVendorId"


@case("16_DiagnosticsStatusNotification", "16_FirmwareStatusNotification")
async def test_progress_of_firmware_and_diagnostics_is_kept(csms: Csms) -> None:
    async with csms.station(V16) as station:
        for status in ("Downloading", "Downloaded", "Installing", "Installed"):
            assert await station.call("FirmwareStatusNotification", {"status": status}) == {}
        for status in ("Uploading", "UploadFailed"):
            assert await station.call("DiagnosticsStatusNotification", {"status": status}) == {}
        firmware = await csms.until(lambda: station.book("firmware"))
        assert [row["status"] for row in firmware.values()][-1] == "Installed"
        log = await csms.until(lambda: station.book("log"))
        assert [row["status"] for row in log.values()][-1] == "UploadFailure"


@case("16_errors")
@pytest.mark.parametrize(
    ("action", "payload", "expected"),
    [
        ("MakeCoffee", {}, "NotImplemented"),
        ("Reset", {"type": "Hard"}, "NotSupported"),
        ("Heartbeat", {"unexpected": 1}, ""),
        ("StartTransaction", {"connectorId": 1}, "OccurenceConstraintViolation"),
        ("StatusNotification", {"connectorId": "x", "errorCode": "NoError", "status": "Available"}, "TypeConstraintViolation"),
    ],
)
async def test_what_is_wrong_gets_the_error_that_the_standard_names(
    csms: Csms, action: str, payload: dict[str, Any], expected: str
) -> None:
    """ "" stands for an answer: what can be mended is taken."""
    async with csms.station(V16) as station:
        try:
            await station.raw(action, payload)
            code = ""
        except CallError as error:
            code = error.code
        assert code == expected
        assert (await station.call("Heartbeat", {}))["currentTime"], "the connection stays"
