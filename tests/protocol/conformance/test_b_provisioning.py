"""Block B, provisioning: boots, variables, reports, resets, network profiles."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, CallError, Csms, case, now

HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
MEASURANDS = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedMeasurands"}}


def read(*values: str) -> Any:
    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        asked = payload["getVariableData"]
        return {
            "getVariableResult": [
                {"attributeStatus": "Accepted", "attributeType": "Actual", "attributeValue": value, **_named(one)}
                for one, value in zip(asked, values, strict=True)
            ]
        }

    return answer


def written(*statuses: str) -> Any:
    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {
            "setVariableResult": [
                {"attributeStatus": status, **_named(one)}
                for one, status in zip(payload["setVariableData"], statuses, strict=True)
            ]
        }

    return answer


def _named(one: dict[str, Any]) -> dict[str, Any]:
    return {"component": one["component"], "variable": one["variable"]}


@case("TC_B_01")
async def test_a_cold_boot_is_accepted_and_shown(csms: Csms) -> None:
    async with csms.station(boot=False) as station:
        answer = await station.boot(serialNumber="SN-1", firmwareVersion="3.1")
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        assert answer["currentTime"].endswith("Z")
        await station.status(1, "Available")
        shown = await station.get()
        assert shown["boot"]["vendor"] == "Conf"
        assert (shown["boot"]["firmware"], shown["boot"]["serial"]) == ("3.1", "SN-1")
        assert shown["connection"]["protocol"] == "ocpp2.0.1"
        assert [evse["status"] for evse in shown["evses"] if evse["id"] == 1] == ["Available"]


async def _pending(csms: Csms, status: str = "Pending") -> None:
    answer = await csms.api.put("/tenants/conf", json={"time_zone": "Europe/Berlin", "settings": {"boot": status}})
    assert answer.status_code == 200, answer.text


async def _accepting(csms: Csms) -> None:
    answer = await csms.api.put("/tenants/conf", json={"time_zone": "Europe/Berlin"})
    assert answer.status_code == 200


@case("TC_B_02")
async def test_a_pending_station_is_configured_and_then_accepted(csms: Csms) -> None:
    await _pending(csms)
    try:
        async with csms.station(boot=False, answers={"SetVariables": written("Accepted"), "GetVariables": read("60")}) as station:
            assert (await station.boot())["status"] == "Pending"
            told = await station.command("SetVariables", {"setVariableData": [{"attributeValue": "60", **HEARTBEAT}]})
            assert told["result"]["setVariableResult"][0]["attributeStatus"] == "Accepted"
            await _accepting(csms)
            assert (await station.boot(reason="Triggered"))["status"] == "Accepted"
            assert (await station.get())["boot"]["status"] == "Accepted"
    finally:
        await _accepting(csms)


@case("TC_B_30")
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_before_acceptance_other_messages_get_a_security_error(csms: Csms, status: str) -> None:
    await _pending(csms, status)
    try:
        async with csms.station(boot=False) as station:
            assert (await station.boot())["status"] == status
            with pytest.raises(CallError) as refused:
                await station.call("Heartbeat", {})
            assert refused.value.code == "SecurityError"
            with pytest.raises(CallError) as refused:
                await station.call("Authorize", {"idToken": {"idToken": "X", "type": "ISO14443"}})
            assert refused.value.code == "SecurityError"
    finally:
        await _accepting(csms)


@case("TC_B_31")
async def test_a_pending_station_may_say_what_it_was_triggered_for(csms: Csms) -> None:
    await _pending(csms)
    try:
        async with csms.station(boot=False, answers={"TriggerMessage": ACCEPTED}) as station:
            assert (await station.boot())["status"] == "Pending"
            wanted = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
            told = await station.command("TriggerMessage", wanted)
            assert told["result"]["status"] == "Accepted"
            await station.status(1, "Available")
            refused = await station.try_command(
                "RequestStartTransaction", {"idToken": {"idToken": "X", "type": "ISO14443"}, "remoteStartId": 1, "evseId": 1}
            )
            assert refused.status_code == 409
            assert not station.said("RequestStartTransaction")
    finally:
        await _accepting(csms)


@case("TC_B_06")
async def test_one_variable_is_read_and_kept(csms: Csms) -> None:
    async with csms.station(answers={"GetVariables": read("300")}) as station:
        told = await station.command("GetVariables", {"getVariableData": [{**HEARTBEAT, "attributeType": "Actual"}]})
        assert told["result"]["getVariableResult"][0]["attributeValue"] == "300"
        asked = station.said("GetVariables")[-1]["getVariableData"]
        assert [one["variable"]["name"] for one in asked] == ["HeartbeatInterval"]
        kept = await csms.until(lambda: station.variable("OCPPCommCtrlr", "HeartbeatInterval"))
        assert kept["attributes"][0]["value"] == "300"


@case("TC_B_07")
async def test_several_variables_are_read_in_one_request(csms: Csms) -> None:
    async with csms.station(answers={"GetVariables": read("300", "Energy.Active.Import.Register")}) as station:
        told = await station.command("GetVariables", {"getVariableData": [HEARTBEAT, MEASURANDS]})
        assert [one["attributeStatus"] for one in told["result"]["getVariableResult"]] == ["Accepted", "Accepted"]
        assert len(station.said("GetVariables")[-1]["getVariableData"]) == 2
        kept = await csms.until(lambda: station.variable("SampledDataCtrlr", "TxUpdatedMeasurands"))
        assert kept["attributes"][0]["value"] == "Energy.Active.Import.Register"


@case("TC_B_09")
async def test_one_variable_is_written_and_kept_when_accepted(csms: Csms) -> None:
    async with csms.station(answers={"SetVariables": written("Accepted")}) as station:
        data = [{**HEARTBEAT, "attributeValue": "42", "attributeType": "Actual"}]
        told = await station.command("SetVariables", {"setVariableData": data})
        assert told["sent"]["setVariableData"][0]["attributeValue"] == "42"
        assert told["result"]["setVariableResult"][0]["attributeStatus"] == "Accepted"
        kept = await csms.until(lambda: station.variable("OCPPCommCtrlr", "HeartbeatInterval"))
        assert kept["attributes"][0]["value"] == "42"


@case("TC_B_10")
async def test_several_variables_are_written_and_only_accepted_ones_kept(csms: Csms) -> None:
    async with csms.station(answers={"SetVariables": written("Accepted", "Rejected")}) as station:
        data = [{**HEARTBEAT, "attributeValue": "42"}, {**MEASURANDS, "attributeValue": "SoC"}]
        told = await station.command("SetVariables", {"setVariableData": data})
        assert [one["attributeStatus"] for one in told["result"]["setVariableResult"]] == ["Accepted", "Rejected"]
        kept = await csms.until(lambda: station.variable("OCPPCommCtrlr", "HeartbeatInterval"))
        assert kept["attributes"][0]["value"] == "42"
        refused = await station.variable("SampledDataCtrlr", "TxUpdatedMeasurands")
        assert refused is None or refused["attributes"][0]["value"] != "SoC"


def _report(request_id: int, seq: int, more: bool, *names: str) -> dict[str, Any]:
    data = [
        {
            "component": {"name": "SmartChargingCtrlr"}, "variable": {"name": name},
            "variableAttribute": [{"type": "Actual", "value": f"v-{name}", "mutability": "ReadOnly"}],
            "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
        }
        for name in names
    ]  # fmt: skip
    return {"requestId": request_id, "generatedAt": now(), "seqNo": seq, "tbc": more, "reportData": data}


@case("TC_B_12", "TC_B_13", "TC_B_14")
@pytest.mark.parametrize("base", ["ConfigurationInventory", "FullInventory", "SummaryInventory"])
async def test_a_base_report_in_parts_becomes_the_device_model(csms: Csms, base: str) -> None:
    async with csms.station(answers={"GetBaseReport": ACCEPTED}) as station:
        told = await station.command("GetBaseReport", {"requestId": 4711, "reportBase": base})
        assert told["result"]["status"] == "Accepted"
        asked = next(one for one in station.said("GetBaseReport") if one["requestId"] == 4711)
        assert asked["reportBase"] == base
        assert await station.call("NotifyReport", _report(4711, 1, False, "Two")) == {}
        assert await station.call("NotifyReport", _report(4711, 0, True, "One")) == {}
        for name in ("One", "Two"):
            kept = await csms.until(lambda name=name: station.variable("SmartChargingCtrlr", name))  # type: ignore[misc]
            assert kept["attributes"][0]["value"] == f"v-{name}"


@case("TC_B_18")
async def test_a_custom_report_names_criteria_and_variables(csms: Csms) -> None:
    def reported(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted" if payload["requestId"] == 5 else "EmptyResultSet"}

    async with csms.station(answers={"GetReport": reported}) as station:
        wanted = [{"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}]
        payload = {"requestId": 5, "componentCriteria": ["Problem", "Available"], "componentVariable": wanted}
        told = await station.command("GetReport", payload)
        assert told["result"]["status"] == "Accepted"
        assert station.said("GetReport")[-1] == payload
        empty = await station.command("GetReport", {"requestId": 6, "componentCriteria": ["Active"]})
        assert empty["result"]["status"] == "EmptyResultSet"


@case("TC_B_20", "TC_B_21", "TC_B_22")
@pytest.mark.parametrize(("kind", "status"), [("OnIdle", "Accepted"), ("OnIdle", "Scheduled"), ("Immediate", "Accepted")])
async def test_a_station_is_reset_and_comes_back(csms: Csms, kind: str, status: str) -> None:
    async with csms.station(answers={"Reset": {"status": status}}) as station:
        told = await station.command("Reset", {"type": kind})
        assert told["result"]["status"] == status
        assert station.said("Reset") == [{"type": kind}]
        identity = station.identity
    async with csms.connected(identity) as again:
        assert (await again.boot(reason="RemoteReset"))["status"] == "Accepted"
        assert (await again.get())["boot"]["reason"] == "RemoteReset"


@case("TC_B_25", "TC_B_26", "TC_B_27")
@pytest.mark.parametrize(("kind", "status"), [("OnIdle", "Accepted"), ("OnIdle", "Scheduled"), ("Immediate", "Accepted")])
async def test_one_evse_is_reset(csms: Csms, kind: str, status: str) -> None:
    async with csms.station(answers={"Reset": {"status": status}}) as station:
        told = await station.command("Reset", {"type": kind, "evseId": 2})
        assert told["result"]["status"] == status
        assert station.said("Reset") == [{"type": kind, "evseId": 2}]


PROFILE = {
    "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://csms.example/ocpp/conf", "messageTimeout": 30,
    "securityProfile": 2, "ocppInterface": "Wired0",
}  # fmt: skip


@case("TC_B_42", "TC_B_44")
@pytest.mark.parametrize("status", ["Accepted", "Failed"])
async def test_a_network_profile_is_written_to_its_slot(csms: Csms, status: str) -> None:
    async with csms.station(answers={"SetNetworkProfile": {"status": status}}) as station:
        told = await station.command("SetNetworkProfile", {"configurationSlot": 1, "connectionData": PROFILE})
        assert told["result"]["status"] == status
        assert station.said("SetNetworkProfile") == [{"configurationSlot": 1, "connectionData": PROFILE}]
