"""Every command of OCPP 2.0.1 is answered, and what follows from the answer is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio

from gateways.simulator import limits
from gateways.simulator.v201.commands import COMMANDS
from tests.simulator.ca import Authority
from tests.simulator.central import Central
from tests.simulator.test_v201 import ask, events, put, station

TOKEN = {"idToken": "A1", "type": "ISO14443"}
LATER = "2100-01-01T00:00:00Z"
SOON = {"location": "https://x/fw-2.0.1.bin", "retrieveDateTime": "2026-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STAGE_PAUSE", 0.01)


def schedule(limit: float, unit: str = "W") -> dict[str, Any]:
    return {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}


def profile(number: int, limit: float, purpose: str = "TxDefaultProfile", stack: int = 0) -> dict[str, Any]:
    return {"id": number, "stackLevel": stack, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule(limit)]}  # fmt: skip


def message(number: int, **more: Any) -> dict[str, Any]:
    return {"message": {"id": number, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}, **more}}


def variable(component: str, name: str) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": name}}


HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
NETWORK = {"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "ws://x/y", "messageTimeout": 30,
           "securityProfile": 0, "ocppInterface": "Wired0"}  # fmt: skip
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("CancelReservation", {"reservationId": 9}, "Rejected"),
    ("CertificateSigned", {"certificateChain": "nonsense"}, "Rejected"),
    ("ChangeAvailability", {"operationalStatus": "Operative"}, "Accepted"),
    ("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 7}}, "Rejected"),
    ("ClearCache", {}, "Accepted"),
    ("ClearChargingProfile", {"chargingProfileId": 3}, "Unknown"),
    ("ClearDisplayMessage", {"id": 3}, "Unknown"),
    ("CustomerInformation", {"requestId": 1, "report": True, "clear": False}, "Invalid"),
    ("DataTransfer", {"vendorId": "Other"}, "UnknownVendorId"),
    ("DataTransfer", {"vendorId": "Vendor", "messageId": "echo", "data": "x"}, "Accepted"),
    ("DeleteCertificate", {"certificateHashData": HASHES}, "NotFound"),
    ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}, "NoProfiles"),
    ("GetCompositeSchedule", {"duration": 60, "evseId": 9}, "Rejected"),
    ("GetDisplayMessages", {"requestId": 1}, "Unknown"),
    ("GetInstalledCertificateIds", {}, "NotFound"),
    ("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": "nonsense"}, "Rejected"),
    ("GetReport", {"requestId": 1, "componentVariable": [variable("Nothing", "X")]}, "EmptyResultSet"),
    ("RequestStopTransaction", {"transactionId": "none"}, "Rejected"),
    ("ReserveNow", {"id": 1, "expiryDateTime": LATER, "idToken": TOKEN, "evseId": 4}, "Rejected"),
    ("SendLocalList", {"versionNumber": 2, "updateType": "Differential"}, "Accepted"),
    ("SendLocalList", {"versionNumber": 2, "updateType": "Differential"}, "VersionMismatch"),
    ("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(1, 1, "TxProfile")}, "Rejected"),
    ("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(1, 1, "ChargingStationExternalConstraints")}, "Rejected"),
    ("SetDisplayMessage", message(1, priority="InFront"), "Accepted"),
    ("SetDisplayMessage", message(1, transactionId="none"), "UnknownTransaction"),
    ("SetMonitoringBase", {"monitoringBase": "All"}, "Accepted"),
    ("SetMonitoringLevel", {"severity": 12}, "Rejected"),
    ("SetMonitoringLevel", {"severity": 9}, "Accepted"),
    ("SetNetworkProfile", {"configurationSlot": 1, "connectionData": NETWORK}, "Accepted"),
    ("SetNetworkProfile", {"configurationSlot": 99, "connectionData": NETWORK}, "Rejected"),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "TransactionEvent"}, "Rejected"),
    ("UnlockConnector", {"evseId": 1, "connectorId": 1}, "Unlocked"),
    ("UnlockConnector", {"evseId": 1, "connectorId": 2}, "UnknownConnector"),
    ("UnpublishFirmware", {"checksum": "0" * 32}, "NoFirmware"),
]


async def test_every_command_is_answered_by_the_schema() -> None:
    async with station() as (central, _):
        for action, payload, expected in CASES:
            answer = await ask(central, action, payload)
            assert isinstance(answer, dict), (action, answer)
            assert answer["status"] == expected, (action, answer)
        assert await ask(central, "CostUpdated", {"totalCost": 1.5, "transactionId": "x"}) == {}
        assert await ask(central, "GetLocalListVersion", {}) == {"versionNumber": 2}
        assert await ask(central, "GetTransactionStatus", {}) == {"messagesInQueue": False}
        assert (await ask(central, "MakeCoffee", {}))[0] == "NotImplemented"
        assert (await ask(central, "ReserveNow", {"id": 1}))[0] == "FormatViolation"
    assert len(COMMANDS) == 40, "all that the version has"


# -- the device model --------------------------------------------------------------------------------------------


async def report(central: Central, request_id: int) -> list[dict[str, Any]]:
    with trio.fail_after(60):
        while True:
            parts = [part for part in central.actions("NotifyReport") if part["requestId"] == request_id]
            if parts and not parts[-1]["tbc"]:
                break
            await trio.sleep(0.01)
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    return [entry for part in parts for entry in part["reportData"]]


@pytest.mark.parametrize("size", [0, 2000])
async def test_a_full_inventory_comes_in_parts_and_tells_every_variable_once(size: int) -> None:
    from gateways.simulator.memory import Model

    async with station(models=(Model("V", "M", "1.0", 22_000, 2, variables=size),)) as (central, one):
        assert await ask(central, "GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"}) == {"status": "Accepted"}
        found = await report(central, 5)
        assert len(found) == len(one.model.variables) == (size or len(found))
        assert len({str((entry["component"], entry["variable"])) for entry in found}) == len(found)
        by_name = {(e["component"]["name"], e["variable"]["name"]): e for e in found}
        assert by_name["ChargingStation", "VendorName"]["variableAttribute"][0]["value"] == "V"
        assert "value" not in by_name["SecurityCtrlr", "BasicAuthPassword"]["variableAttribute"][0]
        assert by_name["EVSE", "Power"]["variableAttribute"][1] == {
            "type": "MaxSet", "value": "22000", "mutability": "ReadOnly", "constant": True,
        }  # fmt: skip
        await ask(central, "GetBaseReport", {"requestId": 6, "reportBase": "ConfigurationInventory"})
        writable = await report(central, 6)
        assert 30 < len(writable) < len(found)
        assert {entry["variableAttribute"][0]["mutability"] for entry in writable} == {"ReadWrite", "WriteOnly"}
        wanted = {
            "requestId": 7,
            "componentVariable": [{"component": {"name": "evse"}, "variable": {"name": "AvailabilityState"}}],
        }
        await ask(central, "GetReport", wanted)
        assert [entry["component"]["evse"]["id"] for entry in await report(central, 7)] == [1, 2]
        await ask(central, "GetReport", {"requestId": 8, "componentCriteria": ["Problem"]})
        assert {"requestId": 8} not in central.actions("NotifyReport"), "nothing has a problem"


async def test_variables_are_read_and_written_by_their_rights_types_and_limits() -> None:
    async with station() as (central, one):
        reads = [
            variable("txctrlr", "TXSTARTPOINT"),
            variable("TxCtrlr", "Nothing"),
            variable("Nothing", "TxStartPoint"),
            variable("SecurityCtrlr", "BasicAuthPassword"),
            {**variable("TxCtrlr", "TxStartPoint"), "attributeType": "Target"},
        ]
        answer = await ask(central, "GetVariables", {"getVariableData": reads})
        assert [one["attributeStatus"] for one in answer["getVariableResult"]] == [
            "Accepted", "UnknownVariable", "UnknownComponent", "Rejected", "NotSupportedAttributeType",
        ]  # fmt: skip
        assert answer["getVariableResult"][0]["attributeValue"] == "PowerPathClosed"
        writes = [
            (variable("TxCtrlr", "EVConnectionTimeOut"), "30", "Accepted"),
            (variable("TxCtrlr", "EVConnectionTimeOut"), "-1", "Rejected"),
            (variable("TxCtrlr", "EVConnectionTimeOut"), "soon", "Rejected"),
            (variable("TxCtrlr", "TxStartPoint"), "EVConnected,Moon", "Rejected"),
            (variable("ChargingStation", "Model"), "x", "Rejected"),
            (variable("OCPPCommCtrlr", "WebSocketPingInterval"), "10", "RebootRequired"),
            (variable("OCPPCommCtrlr", "NetworkConfigurationPriority"), "4", "Rejected"),
            (variable("SecurityCtrlr", "BasicAuthPassword"), "short", "Rejected"),
        ]
        data = [{**where, "attributeValue": value} for where, value, _ in writes]
        answer = await ask(central, "SetVariables", {"setVariableData": data})
        assert [one["attributeStatus"] for one in answer["setVariableResult"]] == [status for _, _, status in writes]
        assert one.model.get("TxCtrlr", "EVConnectionTimeOut") == "30"
        many = {"getVariableData": [variable("TxCtrlr", "TxStartPoint")] * 51}
        assert (await ask(central, "GetVariables", many))[0] == "OccurrenceConstraintViolation"


async def test_a_new_password_is_used_from_the_next_connection_on() -> None:
    async with station(password="the-first-password") as (central, one):
        await put(central, "SecurityCtrlr", "BasicAuthPassword", "a-password-of-20-chars")
        with trio.fail_after(60):
            while len(central.authorizations) < 2:
                await trio.sleep(0.01)
        await one.online()
        assert central.authorizations[0] != central.authorizations[1]


# -- monitoring ----------------------------------------------------------------------------------------------------


async def test_a_threshold_that_is_crossed_is_told_and_told_again_when_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateways.simulator.v201 import monitoring

    monkeypatch.setattr(monitoring, "CHECK_EVERY", 0.05)
    async with station() as (central, one):
        where = {"component": {"name": "TemperatureSensor", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}
        wanted = {**where, "value": 30, "type": "UpperThreshold", "severity": 4}
        answer = await ask(
            central,
            "SetVariableMonitoring",
            {"setMonitoringData": [wanted, wanted, {**wanted, **variable("TxCtrlr", "TxStartPoint")}]},
        )
        first, second, third = answer["setMonitoringResult"]
        assert (first["status"], second["status"], third["status"]) == ("Accepted", "Duplicate", "UnsupportedMonitorType")
        await one.plug(one.connectors[0])
        await one.start(one.connectors[0], "T1")

        def alerts() -> list[dict[str, Any]]:
            told = [event for notice in central.actions("NotifyEvent") for event in notice["eventData"]]
            return [event for event in told if event.get("variableMonitoringId") == first["id"]]

        with trio.fail_after(60):
            while not alerts():
                await trio.sleep(0.05)
        assert alerts()[0]["trigger"] == "Alerting"
        assert float(alerts()[0]["actualValue"]) > 30
        await one.stop(one.connectors[0], "Local")
        with trio.fail_after(60):
            while len(alerts()) < 2:
                await trio.sleep(0.05)
        assert alerts()[1]["cleared"] is True
        await ask(central, "GetMonitoringReport", {"requestId": 3, "monitoringCriteria": ["ThresholdMonitoring"]})
        monitors = (await central.heard_of("NotifyMonitoringReport"))[0]["monitor"][0]["variableMonitoring"]
        assert {monitor["value"] for monitor in monitors} == {30, 75}
        cleared = await ask(central, "ClearVariableMonitoring", {"id": [first["id"], 1, 99]})
        assert [one["status"] for one in cleared["clearMonitoringResult"]] == ["Accepted", "Rejected", "NotFound"]
        assert await ask(central, "SetMonitoringBase", {"monitoringBase": "HardWiredOnly"}) == {"status": "Accepted"}
        assert await ask(central, "GetMonitoringReport", {"requestId": 4}) == {"status": "EmptyResultSet"}


# -- transactions and availability ---------------------------------------------------------------------------------


async def test_a_remote_start_carries_its_id_and_a_remote_stop_its_reason() -> None:
    async with station() as (central, one):
        start = {"remoteStartId": 77, "evseId": 1, "idToken": TOKEN, "chargingProfile": profile(5, 9000, "TxProfile")}
        assert (await ask(central, "RequestStartTransaction", start))["status"] == "Accepted"
        told = await central.heard_of("TransactionEvent", 2)
        assert told[0]["triggerReason"] == "RemoteStart"
        assert told[0]["transactionInfo"]["remoteStartId"] == 77
        assert "remoteStartId" not in told[1]["transactionInfo"]
        assert 5 in one.profiles
        assert (await ask(central, "RequestStartTransaction", start))["status"] == "Rejected"
        number = told[0]["transactionInfo"]["transactionId"]
        assert (await ask(central, "GetTransactionStatus", {"transactionId": number}))["ongoingIndicator"] is True
        assert await ask(central, "UnlockConnector", {"evseId": 1, "connectorId": 1}) == {
            "status": "OngoingAuthorizedTransaction"
        }
        assert await ask(central, "RequestStopTransaction", {"transactionId": number}) == {"status": "Accepted"}
        await central.heard_of("TransactionEvent", 3)
        await one.emptied()
        assert events(central)[-1] == ("Ended", "RemoteStop")
        assert not one.profiles, "a transaction's own profile goes with it"


async def test_availability_and_an_idle_reset_wait_for_the_transaction() -> None:
    async with station() as (central, one):
        await one.plug(one.connectors[0])
        await one.start(one.connectors[0], "T1")
        away = {"operationalStatus": "Inoperative", "evse": {"id": 1}}
        assert await ask(central, "ChangeAvailability", away) == {"status": "Scheduled"}
        assert await ask(central, "Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        await one.stop(one.connectors[0], "Local")
        boots = await central.heard_of("BootNotification", 2)
        assert boots[1]["reason"] == "ScheduledReset"
        with trio.fail_after(60):
            while central.actions("StatusNotification")[-1]["connectorStatus"] != "Unavailable":
                await trio.sleep(0.01)


async def test_an_immediate_reset_stops_what_runs_and_says_so() -> None:
    async with station() as (central, one):
        await one.start(one.connectors[0], "T1")
        assert await ask(central, "Reset", {"type": "Immediate"}) == {"status": "Accepted"}
        assert (await central.heard_of("BootNotification", 2))[1]["reason"] == "RemoteReset"
        await one.online()
        await one.emptied()
        last = central.actions("TransactionEvent")[-1]
        assert (last["triggerReason"], last["transactionInfo"]["stoppedReason"]) == ("ResetCommand", "ImmediateReset")


async def test_a_reservation_holds_an_evse_for_its_driver_is_used_up_or_expires() -> None:
    async with station() as (central, one):
        reserve = {"id": 4, "expiryDateTime": LATER, "idToken": TOKEN, "evseId": 1}
        assert await ask(central, "ReserveNow", reserve) == {"status": "Accepted"}
        statuses = await central.heard_of("StatusNotification", 2)
        assert statuses[-1]["connectorStatus"] == "Reserved"
        other = {"remoteStartId": 1, "evseId": 1, "idToken": {"idToken": "B2", "type": "ISO14443"}}
        assert (await ask(central, "RequestStartTransaction", other))["status"] == "Rejected"
        await one.start(one.connectors[0], "A1")
        assert (await central.heard_of("TransactionEvent"))[0]["reservationId"] == 4
        await one.stop(one.connectors[0], "Local")
        await one.unplug(one.connectors[0])
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        assert await ask(central, "ReserveNow", {**reserve, "id": 5, "expiryDateTime": later}) == {"status": "Accepted"}
        one.clock.jump(timedelta(hours=1, seconds=1))
        one.stir()
        update = (await central.heard_of("ReservationStatusUpdate"))[0]
        assert update == {"reservationId": 5, "reservationUpdateStatus": "Expired"}


# -- profiles, messages, customers ---------------------------------------------------------------------------------


async def test_profiles_are_kept_reported_summed_up_and_felt() -> None:
    async with station() as (central, one):
        for number, limit, purpose, evse in ((1, 8000, "TxDefaultProfile", 1), (2, 5000, "ChargingStationMaxProfile", 0)):
            payload = {"evseId": evse, "chargingProfile": profile(number, limit, purpose)}
            assert await ask(central, "SetChargingProfile", payload) == {"status": "Accepted"}
        twin = {"evseId": 1, "chargingProfile": profile(3, 1)}
        assert (await ask(central, "SetChargingProfile", twin))["statusInfo"]["reasonCode"] == "DuplicateProfile"
        await ask(central, "GetChargingProfiles", {"requestId": 9, "chargingProfile": {}})
        parts = await central.heard_of("ReportChargingProfiles", 2)
        assert [(part["evseId"], part["tbc"], part["chargingProfile"][0]["id"]) for part in parts] == [
            (0, True, 2),
            (1, False, 1),
        ]
        composite = await ask(central, "GetCompositeSchedule", {"duration": 600, "evseId": 1, "chargingRateUnit": "W"})
        assert composite["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 5000}]
        await one.start(one.connectors[0], "T1")
        assert one.connectors[0].meter.offered_w == 5000
        cleared = {"chargingProfileCriteria": {"chargingProfilePurpose": "ChargingStationMaxProfile"}}
        assert await ask(central, "ClearChargingProfile", cleared) == {"status": "Accepted"}
        assert one.connectors[0].meter.offered_w == 8000


async def test_display_messages_are_kept_listed_and_cleared() -> None:
    async with station() as (central, _):
        assert await ask(central, "SetDisplayMessage", message(1)) == {"status": "Accepted"}
        assert await ask(central, "SetDisplayMessage", message(2, priority="AlwaysFront")) == {"status": "Accepted"}
        assert await ask(central, "SetDisplayMessage", message(3, priority="AlwaysFront")) == {"status": "Accepted"}
        bad = message(4, message={"format": "HTML", "content": "<b>"})
        assert await ask(central, "SetDisplayMessage", bad) == {"status": "NotSupportedMessageFormat"}
        assert await ask(central, "GetDisplayMessages", {"requestId": 2}) == {"status": "Accepted"}
        told = (await central.heard_of("NotifyDisplayMessages"))[0]
        assert [one["id"] for one in told["messageInfo"]] == [1, 3]
        assert await ask(central, "ClearDisplayMessage", {"id": 1}) == {"status": "Accepted"}


async def test_what_is_known_of_a_customer_is_told_and_forgotten() -> None:
    async with station() as (central, one):
        central.rules["Authorize"] = lambda _: {"idTokenInfo": {"status": "Accepted"}}
        await one.authorize("A1")
        both = {"requestId": 8, "report": True, "clear": True, "idToken": TOKEN}
        assert await ask(central, "CustomerInformation", both) == {"status": "Accepted"}
        told = (await central.heard_of("NotifyCustomerInformation"))[0]
        assert told["data"] == "authorization cache: Accepted"
        assert not one.tokens.cache
        await ask(central, "CustomerInformation", {**both, "requestId": 9})
        assert (await central.heard_of("NotifyCustomerInformation", 2))[1]["data"] == ""


# -- certificates, firmware, logs, network -------------------------------------------------------------------------


async def test_certificates_are_asked_for_taken_installed_listed_and_deleted() -> None:
    authority = Authority()
    async with station() as (central, _):
        central.rules["SignCertificate"] = lambda _: {"status": "Accepted"}
        await ask(central, "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
        request = (await central.heard_of("SignCertificate"))[0]
        assert request["certificateType"] == "ChargingStationCertificate"
        signed = {"certificateChain": authority.sign(request["csr"]), "certificateType": "ChargingStationCertificate"}
        assert await ask(central, "CertificateSigned", signed) == {"status": "Accepted"}
        other = {"certificateChain": authority.sign(request["csr"])}
        assert (await ask(central, "CertificateSigned", other))["status"] == "Rejected"
        root = {"certificateType": "CSMSRootCertificate", "certificate": authority.pem}
        assert await ask(central, "InstallCertificate", root) == {"status": "Accepted"}
        found = await ask(central, "GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]})
        hashes = found["certificateHashDataChain"][0]["certificateHashData"]
        assert hashes["serialNumber"] == format(authority.root.serial_number, "x")
        assert await ask(central, "DeleteCertificate", {"certificateHashData": hashes}) == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("", ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]),
        ("#InvalidSignature", ["Downloading", "Downloaded", "InvalidSignature"]),
        ("#DownloadFailed", ["Downloading", "DownloadFailed"]),
        ("#InstallationFailed", ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallationFailed"]),
    ],
)
async def test_an_update_is_told_step_by_step(written: str, steps: list[str]) -> None:
    async with station() as (central, one):
        firmware = {**SOON, "location": SOON["location"] + written, "signingCertificate": Authority().pem, "signature": "cw=="}
        assert await ask(central, "UpdateFirmware", {"requestId": 3, "firmware": firmware}) == {"status": "Accepted"}
        told = await central.heard_of("FirmwareStatusNotification", len(steps))
        assert [one["status"] for one in told] == steps
        if not written:
            assert central.actions("BootNotification")[-1]["reason"] == "FirmwareUpdate"
            assert central.actions("BootNotification")[-1]["chargingStation"]["firmwareVersion"] == "2.0.1"
            assert one.model.get("ChargingStation", "FirmwareVersion") == "2.0.1"


async def test_an_update_waits_for_its_date_and_is_replaced_by_a_newer_one() -> None:
    async with station() as (central, _):
        later = {**SOON, "retrieveDateTime": LATER}
        assert await ask(central, "UpdateFirmware", {"requestId": 3, "firmware": later}) == {"status": "Accepted"}
        assert (await central.heard_of("FirmwareStatusNotification"))[0] == {"status": "DownloadScheduled", "requestId": 3}
        assert await ask(central, "UpdateFirmware", {"requestId": 4, "firmware": SOON}) == {"status": "AcceptedCanceled"}
        told = await central.heard_of("FirmwareStatusNotification", 5)
        assert [(one["requestId"], one["status"]) for one in told[1:]] == [
            (4, "Downloading"), (4, "Downloaded"), (4, "Installing"), (4, "Installed"),
        ]  # fmt: skip


async def test_firmware_is_published_and_withdrawn_and_logs_are_uploaded() -> None:
    async with station() as (central, _):
        publish = {"location": "http://x/fw.bin", "checksum": "a" * 32, "requestId": 6}
        assert await ask(central, "PublishFirmware", publish) == {"status": "Accepted"}
        told = await central.heard_of("PublishFirmwareStatusNotification", 4)
        assert [one["status"] for one in told] == ["Downloading", "Downloaded", "ChecksumVerified", "Published"]
        assert told[-1]["location"][0].endswith("/fw.bin")
        assert await ask(central, "UnpublishFirmware", {"checksum": "a" * 32}) == {"status": "Unpublished"}
        log = {"logType": "SecurityLog", "requestId": 3, "log": {"remoteLocation": "ftp://x/y"}}
        assert (await ask(central, "GetLog", log))["status"] == "Accepted"
        assert (await ask(central, "GetLog", {**log, "requestId": 4}))["status"] in ("Accepted", "AcceptedCanceled")
        told = await central.heard_of("LogStatusNotification", 3)
        assert [one["status"] for one in told if one["requestId"] == 4][:1] == ["Uploading"]


async def test_a_station_moves_to_the_network_profile_of_highest_priority_and_comes_back_when_nobody_is_there() -> None:
    async with station() as (central, one):
        nowhere = {**NETWORK, "ocppCsmsUrl": "ws://127.0.0.1:1/ocpp/t"}
        assert await ask(central, "SetNetworkProfile", {"configurationSlot": 1, "connectionData": nowhere}) == {
            "status": "Accepted"
        }
        await put(central, "OCPPCommCtrlr", "NetworkConfigurationPriority", "1,0")
        assert await ask(central, "Reset", {"type": "Immediate"}) == {"status": "Accepted"}
        await central.heard_of("BootNotification", 2)
        assert one.model.get("OCPPCommCtrlr", "ActiveNetworkProfile") == "0"
        assert one.stats.counts["lost"] >= 3
