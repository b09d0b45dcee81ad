"""OCPP 1.5 and 1.6-S against a running node, from the station's side: a zeep client with the official WSDL runs a whole session,
a spyne server receives every command. Both packages, and `csms up`, know nothing of each other.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.chaos.process import PASSWORD, TENANT, TOKEN, Node
from tests.gateways.ocpp.soap.kit import official

others = pytest.importorskip("tests.protocol.soap_station", reason="spyne does not run on this Python", exc_type=ImportError)
Listener, Speaker, describe = others.Listener, others.Speaker, others.describe
pytestmark = pytest.mark.postgres

NOW = "2026-11-22T10:00:00Z"
AS_SPYNE_WRITES = NOW.replace("Z", "+00:00")
PROFILE = {
    "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
    },
}  # fmt: skip
SCHEDULE = {"duration": 60, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}]}
Row = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


def same(asked: dict[str, Any], answered: dict[str, Any]) -> Row:
    return asked, asked, answered, answered


SHARED: dict[str, Row] = {
    "CancelReservation": same({"reservationId": 5}, {"status": "Rejected"}),
    "ChangeAvailability": same({"connectorId": 1, "type": "Inoperative"}, {"status": "Scheduled"}),
    "ClearCache": same({}, {"status": "Accepted"}),
    "DataTransfer": same({"vendorId": "v", "messageId": "m", "data": "<d>&"}, {"status": "Accepted", "data": "back"}),
    "GetDiagnostics": same({"location": "ftp://example.com/up", "retries": 2, "startTime": NOW}, {"fileName": "diag.zip"}),
    "GetLocalListVersion": same({}, {"listVersion": 7}),
    "RemoteStopTransaction": same({"transactionId": 77}, {"status": "Rejected"}),
    "ReserveNow": same(
        {"connectorId": 1, "expiryDate": NOW, "idTag": TOKEN, "reservationId": 9, "parentIdTag": "P"}, {"status": "Occupied"}
    ),
    "Reset": same({"type": "Hard"}, {"status": "Accepted"}),
    "UpdateFirmware": same({"location": "ftp://example.com/fw", "retrieveDate": NOW}, {}),
}
"""What an operator says in 1.6 words, what the station hears, what it answers, and what the operator reads."""

LIST_ENTRY = {"idTag": TOKEN, "idTagInfo": {"status": "Accepted"}}
COMMANDS: dict[str, dict[str, Row]] = {
    "ocpp1.5": SHARED
    | {
        "ChangeConfiguration": (
            {"key": "HeartbeatInterval", "value": "60"}, {"key": "HeartBeatInterval", "value": "60"},
            {"status": "NotSupported"}, {"status": "NotSupported"},
        ),
        "GetConfiguration": (
            {"key": ["HeartbeatInterval", "Nonsense"]}, {"key": ["HeartBeatInterval", "Nonsense"]},
            {"configurationKey": [{"key": "HeartBeatInterval", "readonly": False, "value": "60"}], "unknownKey": ["Nonsense"]},
            {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}], "unknownKey": ["Nonsense"]},
        ),
        "RemoteStartTransaction": same({"idTag": TOKEN, "connectorId": 1}, {"status": "Accepted"}),
        "SendLocalList": (
            {"listVersion": 8, "updateType": "Full", "localAuthorizationList": [LIST_ENTRY]},
            {"listVersion": 8, "updateType": "Full", "localAuthorisationList": [LIST_ENTRY]},
            {"status": "VersionMismatch", "hash": "abc"}, {"status": "VersionMismatch"},
        ),
        "UnlockConnector": ({"connectorId": 1}, {"connectorId": 1}, {"status": "Rejected"}, {"status": "UnlockFailed"}),
    },
    "ocpp1.6-S": SHARED
    | {
        "ChangeConfiguration": same({"key": "HeartbeatInterval", "value": "60"}, {"status": "RebootRequired"}),
        "ClearChargingProfile": same({"id": 3}, {"status": "Unknown"}),
        "GetCompositeSchedule": same(
            {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"},
            {"status": "Accepted", "connectorId": 1, "scheduleStart": AS_SPYNE_WRITES, "chargingSchedule": SCHEDULE},
        ),
        "GetConfiguration": same(
            {"key": ["HeartbeatInterval", "Nonsense"]},
            {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}], "unknownKey": ["Nonsense"]},
        ),
        "RemoteStartTransaction": same({"idTag": TOKEN, "connectorId": 1, "chargingProfile": PROFILE}, {"status": "Accepted"}),
        "SendLocalList": same(
            {"listVersion": 8, "updateType": "Full", "localAuthorizationList": [LIST_ENTRY]}, {"status": "Failed"}
        ),
        "SetChargingProfile": same({"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
        "TriggerMessage": same({"requestedMessage": "DiagnosticsStatusNotification"}, {"status": "NotImplemented"}),
        "UnlockConnector": same({"connectorId": 1}, {"status": "NotSupported"}),
    },
}  # fmt: skip
VERSIONS = tuple(COMMANDS)


class SoapNode(Node):
    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"CSMS_EGRESS__ALLOW": '["127.0.0.0/8"]'}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    if official("ocpp1.5", "centre") is None:
        pytest.skip("the official WSDL files are not beside this checkout")
    with TemporaryDirectory(prefix="voltroupe-soap-", ignore_cleanup_errors=True) as home:
        running = SoapNode(Path(home))
        try:
            running.start()
            running.provision([])
            yield running
        finally:
            running.kill()
            running.kill_postgres(immediate=True)


def register(api: httpx.Client, identity: str, protocol: str) -> None:
    body = {"evses": 2, "auth": {"profile": 1, "password": PASSWORD}, "tariff": "T1", "versions": [protocol]}
    api.put(f"/tenants/{TENANT}/stations/{identity}", json=body).raise_for_status()


def listener(protocol: str) -> Any:
    path = official(protocol, "station")
    assert path is not None
    return Listener(path, {action: row[2] for action, row in COMMANDS[protocol].items()})


def speaker(node: Node, protocol: str, identity: str, callback: str) -> Any:
    path = official(protocol, "centre")
    assert path is not None
    return Speaker(path, f"http://127.0.0.1:{node.http_port}/soap/{TENANT}", identity, PASSWORD, callback)


def boot(say: Any) -> Any:
    return say("BootNotification", chargePointVendor="V", chargePointModel="M", firmwareVersion="1.0")


def energy(protocol: str, at: datetime, wh: int) -> dict[str, Any]:
    """Meter values in the words of a version: {field name: value}."""
    if protocol == "ocpp1.5":
        sample = {"_value_1": str(wh / 1000), "unit": "kWh", "measurand": "Energy.Active.Import.Register"}
        return {"values": [{"timestamp": at, "value": [sample]}]}
    sample = {"value": str(wh), "unit": "Wh", "measurand": "Energy.Active.Import.Register", "context": "Sample.Periodic"}
    return {"meterValue": [{"timestamp": at, "sampledValue": [sample]}]}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_zeep_runs_a_whole_session_and_retries_change_nothing(node: Node, protocol: str) -> None:
    identity = f"Z{protocol[-1]}"
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=31)
    later = began + timedelta(minutes=10)
    with node.api() as api:
        register(api, identity, protocol)
        say = speaker(node, protocol, identity, "http://127.0.0.1:9/")
        assert boot(say)["status"] == "Accepted"
        assert abs(say("Heartbeat") - datetime.now(UTC)) < timedelta(minutes=5)
        assert say("Authorize", idTag=TOKEN)["status"] == "Accepted"
        occupied = "Occupied" if protocol == "ocpp1.5" else "Preparing"
        say("StatusNotification", connectorId=1, status=occupied, errorCode="NoError", timestamp=began)
        start = {"connectorId": 1, "idTag": TOKEN, "timestamp": began, "meterStart": 1000}
        started = say("StartTransaction", **start)
        assert say("StartTransaction", **start) == started
        number = started["transactionId"]
        say("MeterValues", connectorId=1, transactionId=number, **energy(protocol, later, 3000))
        if protocol == "ocpp1.5":
            data: Any = [energy(protocol, later + timedelta(minutes=5), 4000)]
        else:
            data = energy(protocol, later + timedelta(minutes=5), 4000)["meterValue"]
        stop = {
            "transactionId": number, "idTag": TOKEN, "timestamp": began + timedelta(minutes=30), "meterStop": 6000,
            "transactionData": data,
        }  # fmt: skip
        stopped = say("StopTransaction", **stop)
        assert say("StopTransaction", **stop) == stopped
        say("FirmwareStatusNotification", status="Installed")
        say("DiagnosticsStatusNotification", status="Uploaded")
        assert say("DataTransfer", vendorId="nobody")["status"] == "UnknownVendorId"
        _charged_once(api, identity, number)


def _charged_once(api: httpx.Client, identity: str, number: int) -> None:
    live = api.get(f"/tenants/{TENANT}/stations/{identity}").json()
    assert live["connection"]["state"] == "online"
    sessions = api.get(f"/tenants/{TENANT}/sessions", params={"station": identity}).json()["items"]
    assert [(s["number"], s["state"], s["energy_wh"]) for s in sessions] == [(number, "ended", 5000)]
    (session,) = sessions
    assert session["cost"]["excl"] == {"amount_minor": 250, "currency": "EUR"}  # 0.50 + 5 kWh at 0.40
    shown = api.get(f"/tenants/{TENANT}/sessions/{session['id']}").json()
    assert len(shown["meter_values"]) >= 2
    cdr = api.get(f"/tenants/{TENANT}/cdrs/{session['cdr']}").json()
    assert float(cdr["total_energy"]) == 5.0
    journal = api.get(f"/tenants/{TENANT}/ledger/journals/{cdr['journal']}").json()
    sides = {side: sum(e["amount_minor"] for e in journal["entries"] if e["side"] == side) for side in ("debit", "credit")}
    assert sides == {"debit": 298, "credit": 298}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_spyne_receives_every_command_and_its_answers_come_back(node: Node, protocol: str) -> None:
    identity = f"S{protocol[-1]}"
    with node.api() as api, listener(protocol) as station:
        assert set(station.operations) == set(COMMANDS[protocol])
        register(api, identity, protocol)
        boot(speaker(node, protocol, identity, station.url))
        for action, (asked, heard, _, result) in COMMANDS[protocol].items():
            answer = api.post(f"/tenants/{TENANT}/stations/{identity}/commands/{action}?version=ocpp1.6", json=asked)
            assert answer.status_code == 200, (action, answer.text)
            told = answer.json()
            assert station.received[action] == heard, action
            assert told["result"] == result, action
            assert (told["protocol"], told["lost"]) == (protocol, [])
        assert set(station.identities) == {identity}
        rows = api.get(f"/tenants/{TENANT}/stations/{identity}/messages", params={"limit": 200}).json()["items"]
        assert {row["protocol"] for row in rows} == {protocol}
        assert not any(TOKEN in row["body"] for row in rows)


def test_variables_of_2_0_1_reach_a_1_5_station_as_its_keys(node: Node) -> None:
    heartbeat = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    retries = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "ResetRetries"}}
    items = [{**heartbeat, "attributeValue": "60"}, {**retries, "attributeValue": "3"}]
    with node.api() as api, listener("ocpp1.5") as station:
        register(api, "V5", "ocpp1.5")
        boot(speaker(node, "ocpp1.5", "V5", station.url))
        answer = api.post(f"/tenants/{TENANT}/stations/V5/commands/SetVariables", json={"setVariableData": items})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert [call["payload"]["key"] for call in told["sent"]["calls"]] == ["HeartBeatInterval", "ResetRetries"]
        assert station.received["ChangeConfiguration"] == {"key": "ResetRetries", "value": "3"}
        results = told["result"]["setVariableResult"]
        assert [result["component"]["name"] for result in results] == ["OCPPCommCtrlr"] * 2
        assert {result["attributeStatus"] for result in results} == {"UnknownVariable"}
        assert (told["protocol"], told["translated"], told["lost"]) == ("ocpp1.5", True, [])
        started = api.post(f"/tenants/{TENANT}/stations/V5/commands/RequestStartTransaction", json={
            "idToken": {"idToken": TOKEN, "type": "ISO14443"}, "remoteStartId": 1, "evseId": 1,
        }).json()  # fmt: skip
        assert station.received["RemoteStartTransaction"] == {"idTag": TOKEN, "connectorId": 1}
        assert (started["result"]["status"], sorted(started["lost"])) == ("Accepted", ["idToken.type", "remoteStartId"])


def test_a_node_that_was_killed_calls_the_station_again_after_its_next_message(node: Node) -> None:
    with listener("ocpp1.5") as station:
        with node.api() as api:
            register(api, "K5", "ocpp1.5")
        say = speaker(node, "ocpp1.5", "K5", station.url)
        boot(say)
        node.kill()
        node.start()
        with node.api() as api:
            url = f"/tenants/{TENANT}/stations/K5/commands/ClearCache"
            assert api.post(url, json={}).status_code == 409
            say.headers = say.headers[:1]  # it does not say where it listens: the node remembers
            say("Heartbeat")
            assert api.post(url, json={}).json()["result"] == {"status": "Accepted"}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_zeep_works_with_our_own_description_too(node: Node, protocol: str) -> None:
    label = protocol.removeprefix("ocpp").removesuffix("-S")
    url = f"http://127.0.0.1:{node.http_port}/soap/{TENANT}?wsdl={label}"
    (service,) = describe(url).services.values()
    assert [port.binding_options["address"] for port in service.ports.values()] == [url.partition("?")[0]]
    assert httpx.get(url.partition("?")[0], trust_env=False).status_code == 404
