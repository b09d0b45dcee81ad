"""The PyPI `ocpp` package as the station, over a real socket: an independent client runs a session and takes every command."""

import asyncio
import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import ocpp.v16
import pytest
import trio
import websockets
from ocpp.charge_point import camel_to_snake_case, snake_to_camel_case
from ocpp.routing import on
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action

from actors.model.ids import station_address
from actors.station import messages as s
from gateways.ocpp import vocabulary
from tests.gateways.ocpp.node import PASSWORD, TAG, Node, open_node

NOW = "2026-11-22T10:00:00Z"
PROFILE = {
    "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
    },
}  # fmt: skip
COMMANDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CancelReservation": ({"reservationId": 5}, {"status": "Rejected"}),
    "ChangeAvailability": ({"connectorId": 1, "type": "Inoperative"}, {"status": "Scheduled"}),
    "ChangeConfiguration": ({"key": "HeartbeatInterval", "value": "60"}, {"status": "RebootRequired"}),
    "ClearCache": ({}, {"status": "Accepted"}),
    "ClearChargingProfile": ({"id": 3}, {"status": "Unknown"}),
    "DataTransfer": ({"vendorId": "v", "messageId": "m", "data": "d"}, {"status": "Accepted", "data": "back"}),
    "GetCompositeSchedule": (
        {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"},
        {"status": "Accepted", "connectorId": 1, "scheduleStart": NOW, "chargingSchedule": {
            "duration": 60, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}]}},
    ),
    "GetConfiguration": (
        {"key": ["HeartbeatInterval", "Nonsense"]},
        {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}], "unknownKey": ["Nonsense"]},
    ),
    "GetDiagnostics": ({"location": "ftp://example.com/up", "retries": 2, "startTime": NOW}, {"fileName": "diag.zip"}),
    "GetLocalListVersion": ({}, {"listVersion": 7}),
    "RemoteStartTransaction": (
        {"idTag": TAG, "connectorId": 1, "chargingProfile": PROFILE}, {"status": "Accepted"}
    ),
    "RemoteStopTransaction": ({"transactionId": 77}, {"status": "Rejected"}),
    "ReserveNow": (
        {"connectorId": 1, "expiryDate": NOW, "idTag": TAG, "reservationId": 9, "parentIdTag": "P"}, {"status": "Occupied"}
    ),
    "Reset": ({"type": "Hard"}, {"status": "Accepted"}),
    "SendLocalList": (
        {"listVersion": 8, "updateType": "Full", "localAuthorizationList": [{"idTag": TAG, "idTagInfo": {"status": "Accepted"}}]},
        {"status": "VersionMismatch"},
    ),
    "SetChargingProfile": ({"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
    "TriggerMessage": ({"requestedMessage": "DiagnosticsStatusNotification"}, {"status": "NotImplemented"}),
    "UnlockConnector": ({"connectorId": 1}, {"status": "NotSupported"}),
    "UpdateFirmware": ({"location": "ftp://example.com/fw", "retrieveDate": NOW}, {}),
}  # fmt: skip
"""What an operator says in 1.6 words, and what the station answers: both must come through unchanged."""


def _plain(value: Any) -> Any:
    """The package reads numbers of charging profiles as Decimal."""
    return json.loads(json.dumps(value, default=float))


def _answering(received: dict[str, Any]) -> type[ocpp.v16.ChargePoint]:
    """A charge point that keeps what each command carried and answers as COMMANDS says."""

    def handler(action: str, answer: dict[str, Any]) -> Any:
        async def handle(self: Any, **fields: Any) -> Any:
            received[action] = _plain(snake_to_camel_case(fields))
            return getattr(call_result, action)(**camel_to_snake_case(answer))

        handle.__name__ = f"on_{action}"  # the package looks handlers up by the function's name
        return on(Action(action))(handle)

    handlers = {f"on_{action}": handler(action, answer) for action, (_, answer) in COMMANDS.items()}
    return type("Answering", (ocpp.v16.ChargePoint,), handlers)


def _open(url: str, identity: str = "CP1", **options: Any) -> Any:
    credentials = base64.b64encode(identity.encode() + b":" + PASSWORD).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return websockets.connect(f"{url}/ocpp/demo/{identity}", subprotocols=["ocpp1.6"], additional_headers=headers, **options)  # type: ignore[list-item]


async def _session(url: str, compression: str | None) -> dict[str, Any]:
    async with _open(url, compression=compression) as socket:
        point = ocpp.v16.ChargePoint("CP1", socket)
        reading = asyncio.create_task(point.start())
        boot = await point.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        beat = await point.call(call.Heartbeat())
        auth = await point.call(call.Authorize(id_tag=TAG))
        now = datetime.now(UTC)
        await point.call(call.StatusNotification(connector_id=1, error_code="NoError", status="Preparing"))  # type: ignore[arg-type]
        start = call.StartTransaction(connector_id=1, id_tag=TAG, meter_start=100, timestamp=now.isoformat())
        started = await point.call(start)
        again = await point.call(start)
        sampled = [{"value": "150", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}] * 40
        meter = [{"timestamp": now.isoformat(), "sampledValue": sampled}]
        await point.call(call.MeterValues(connector_id=1, meter_value=meter, transaction_id=started.transaction_id))
        stop = call.StopTransaction(meter_stop=300, timestamp=now.isoformat(), transaction_id=started.transaction_id, id_tag=TAG)
        stopped = await point.call(stop)
        stopped_again = await point.call(stop)
        await point.call(call.DiagnosticsStatusNotification(status="Idle"))  # type: ignore[arg-type]
        await point.call(call.FirmwareStatusNotification(status="Installed"))  # type: ignore[arg-type]
        data = await point.call(call.DataTransfer(vendor_id="unknown"))
        reading.cancel()
        return {
            "boot": boot.status, "beat": beat.current_time, "auth": auth.id_tag_info["status"], "started": started,
            "again": again, "stopped": stopped, "stopped_again": stopped_again, "data": data.status,
        }  # fmt: skip


async def _in_thread(function: Any, *args: Any) -> Any:
    """asyncio on a thread of its own: the client shares nothing with the node but the socket."""
    return await trio.to_thread.run_sync(partial(asyncio.run, function(*args)), abandon_on_cancel=True)


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_session_with_the_ocpp_package(compression: str | None) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            told = await _in_thread(_session, node.url, compression)
        assert told["boot"] == "Accepted"
        assert told["auth"] == "Accepted"
        assert told["again"] == told["started"]
        assert told["stopped"].id_tag_info == {"status": "Accepted"}
        assert told["stopped_again"] == told["stopped"]
        assert told["data"] == "UnknownVendorId"
        page = await node.queries.sessions("demo", "CP1", None, 10, None)
        assert [(row.state, row.energy_wh) for row in page.items] == [("ended", 200)]


async def _serve_commands(url: str, received: dict[str, Any], booted: Any, done: Any) -> None:
    async with _open(url) as socket:
        point = _answering(received)("CP1", socket)
        reading = asyncio.create_task(point.start())
        await point.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        booted.set()
        while not done.is_set():
            await asyncio.sleep(0.02)
        reading.cancel()


async def test_all_nineteen_commands_reach_the_ocpp_package_and_its_answers_come_back() -> None:
    received: dict[str, Any] = {}
    booted, done = threading.Event(), threading.Event()
    async with open_node() as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            nursery.start_soon(_in_thread, _serve_commands, node.url, received, booted, done)
            while not booted.is_set():
                await trio.sleep(0.01)
            for action, (payload, answer) in COMMANDS.items():
                parsed = vocabulary.parse_command(action, payload, "ocpp1.6")
                sent = await _send(node, parsed)
                assert received[action] == payload, action
                assert vocabulary.render_result(parsed, sent.outcome) == answer, action
                assert not sent.wire.lost
        done.set()


async def _send(node: Node, parsed: vocabulary.ParsedCommand) -> s.Sent:
    not_after = node.system.now() + timedelta(seconds=60)
    command = s.Command(f"test-{parsed.action}", parsed.intent, not_after, "test")
    sent = await node.system.ask(station_address("demo", "CP1"), command, deadline=60)
    assert isinstance(sent, s.Sent), sent
    return sent
