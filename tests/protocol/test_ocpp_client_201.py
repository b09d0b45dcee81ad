"""The PyPI `ocpp` package as a 2.0.1 station, over a real socket: boots, authorises, charges, and repeats itself."""

import asyncio
import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import ocpp.v201
import pytest
import trio
import websockets
from ocpp.charge_point import camel_to_snake_case, snake_to_camel_case
from ocpp.routing import on
from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from actors.model.ids import station_address, tenant_address
from actors.station import messages as m
from actors.tenant.messages import PutTariff
from gateways.ocpp.v201 import answers, spoken
from gateways.ocpp.v201.messages import TO_STATION
from tests.actors.kit import TARIFF
from tests.gateways.ocpp.node import PASSWORD, TAG, Node, open_node
from tests.gateways.ocpp.said_201 import SAID_201

IDENTITY = "CP201"
TOKEN = {"id_token": TAG, "type": "ISO14443"}
BEGUN = datetime.now(UTC) - timedelta(hours=1)


def _open(url: str, **options: Any) -> Any:
    credentials = base64.b64encode(IDENTITY.encode() + b":" + PASSWORD).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    protocols = ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]
    return websockets.connect(f"{url}/ocpp/demo/{IDENTITY}", subprotocols=protocols, additional_headers=headers, **options)  # type: ignore[arg-type]


async def _in_thread(function: Any, *args: Any) -> Any:
    """asyncio on a thread of its own: the client shares nothing with the node but the socket."""
    return await trio.to_thread.run_sync(partial(asyncio.run, function(*args)), abandon_on_cancel=True)


def _at(minutes: int) -> str:
    return (BEGUN + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def _meter(minutes: int, wh: float, context: str = "Sample.Periodic") -> list[dict[str, Any]]:
    unit = {"unit": "kWh", "multiplier": 0}
    samples: list[dict[str, Any]] = [{"value": wh / 1000, "context": context, "unit_of_measure": unit}]
    samples.append({"value": 11.0, "measurand": "Power.Active.Import", "unit_of_measure": {"unit": "W", "multiplier": 3}})
    return [{"timestamp": _at(minutes), "sampled_value": samples}]


def _event(kind: str, seq: int, minutes: int, trigger: str, transaction: dict[str, Any], **more: Any) -> Any:
    return call.TransactionEvent(
        event_type=kind, timestamp=_at(minutes), trigger_reason=trigger, seq_no=seq,  # type: ignore[arg-type]
        transaction_info={"transaction_id": "tx-201-1", **transaction}, **more,
    )  # fmt: skip


EVENTS = [
    _event("Started", 0, 0, "Authorized", {"charging_state": "EVConnected"}, evse={"id": 1, "connector_id": 1}, id_token=TOKEN,
           meter_value=_meter(0, 1000, "Transaction.Begin")),
    _event("Updated", 1, 1, "ChargingStateChanged", {"charging_state": "Charging"}),
    _event("Updated", 2, 20, "MeterValuePeriodic", {}, meter_value=_meter(20, 4000), offline=True),
    _event("Updated", 3, 30, "MeterValuePeriodic", {}, meter_value=_meter(30, 6500)),
    _event("Ended", 4, 40, "StopAuthorized", {"stopped_reason": "Local"}, id_token=TOKEN,
           meter_value=_meter(40, 9000, "Transaction.End")),
]  # fmt: skip


async def _session(url: str, compression: str | None) -> dict[str, Any]:
    async with _open(url, compression=compression) as socket:
        assert socket.subprotocol == "ocpp2.0.1"
        point = ocpp.v201.ChargePoint(IDENTITY, socket)
        reading = asyncio.create_task(point.start())
        station = {"model": "M", "vendor_name": "V", "serial_number": "S1", "firmware_version": "1.0"}
        boot = await point.call(call.BootNotification(charging_station=station, reason="PowerUp"))  # type: ignore[arg-type]
        beat = await point.call(call.Heartbeat())
        for status in ("Available", "Occupied"):
            await point.call(call.StatusNotification(timestamp=_at(0), connector_status=status, evse_id=1, connector_id=1))  # type: ignore[arg-type]
        auth = await point.call(call.Authorize(id_token=TOKEN))
        answers = [await point.call(event) for event in (*EVENTS[:3], *EVENTS[1:], EVENTS[-1], EVENTS[0])]
        event = {
            "event_id": 1, "timestamp": _at(41), "trigger": "Delta", "actual_value": "Available",
            "event_notification_type": "HardWiredNotification", "variable": {"name": "AvailabilityState"},
            "component": {"name": "Connector", "evse": {"id": 1, "connector_id": 1}},
        }  # fmt: skip
        await point.call(call.MeterValues(evse_id=1, meter_value=_meter(41, 9000, "Sample.Clock")))
        await point.call(call.SecurityEventNotification(type="StartupOfTheDevice", timestamp=_at(41)))
        await point.call(call.LogStatusNotification(status="Idle"))  # type: ignore[arg-type]
        await point.call(call.FirmwareStatusNotification(status="Installed", request_id=3))  # type: ignore[arg-type]
        await point.call(call.NotifyEvent(generated_at=_at(41), seq_no=0, event_data=[event]), suppress=False)
        data = await point.call(call.DataTransfer(vendor_id="unknown", data={"any": ["thing"]}))
        reading.cancel()
        return {
            "boot": boot.status, "beat": beat.current_time, "auth": auth.id_token_info["status"], "answers": answers,
            "data": data.status,
        }  # fmt: skip


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_session_with_the_ocpp_package_whose_events_come_again(compression: str | None) -> None:
    async with open_node() as node:
        await node.ask(tenant_address("demo"), PutTariff("standard", TARIFF, None, "test"))
        await node.register(IDENTITY, versions=("ocpp1.6", "ocpp2.0.1"), tariff="standard")
        with trio.fail_after(60):
            told = await _in_thread(_session, node.url, compression)
        assert (told["boot"], told["auth"], told["data"]) == ("Accepted", "Accepted", "UnknownVendorId")
        started, _, updated, *_, ended, ended_again, started_again = told["answers"]
        assert started.id_token_info["status"] == ended.id_token_info["status"] == "Accepted"
        assert updated.id_token_info is None
        assert ended.total_cost == 4.76  # 8 kWh at 0.50 EUR and 19 % VAT
        assert ended_again == ended
        assert started_again.id_token_info == started.id_token_info
        (row,) = (await node.queries.sessions("demo", IDENTITY, None, 10, None)).items
        assert (row.state, row.energy_wh, row.transaction_id, row.evse) == ("ended", 8000, "tx-201-1", 1)
        assert row.stop_reason == "Local"
        (cdr,) = (await node.queries.cdrs("demo", 10, None)).items
        (journal,) = (await node.queries.journals("demo", None, 10, None)).items
        assert (cdr.session, journal.ref) == (row.id, row.id)
        assert sum(entry.amount_minor for entry in journal.entries if entry.side == "debit") == 476
        values = await node.queries.meter_values("demo", row.id)
        assert len(values) == 4
        found = await node.queries.station("demo", IDENTITY)
        assert found is not None
        assert {evse.evse: evse.status for evse in found[2]}[1] == "Available"


# -- commands ----------------------------------------------------------------------------------------------------------------


def _answering(received: dict[str, Any]) -> type[ocpp.v201.ChargePoint]:
    """A station that keeps what each command carried and answers as SAID_201 says."""

    def handler(action: str, answer: dict[str, Any]) -> Any:
        async def handle(self: Any, **fields: Any) -> Any:
            received[action] = json.loads(json.dumps(snake_to_camel_case(fields), default=float))
            return getattr(call_result, action)(**camel_to_snake_case(answer))

        handle.__name__ = f"on_{action}"  # the package looks handlers up by the function's name
        return on(Action(action))(handle)

    handlers = {f"on_{action}": handler(action, answer) for action, (_, answer) in SAID_201.items()}
    return type("Answering", (ocpp.v201.ChargePoint,), handlers)


async def _serve_commands(url: str, received: dict[str, Any], booted: Any, done: Any) -> None:
    async with _open(url) as socket:
        point = _answering(received)(IDENTITY, socket)
        reading = asyncio.create_task(point.start())
        await point.call(call.BootNotification(charging_station={"model": "M", "vendor_name": "V"}, reason="PowerUp"))  # type: ignore[arg-type]
        booted.set()
        while not done.is_set():
            await asyncio.sleep(0.02)
        reading.cancel()


async def test_all_forty_commands_reach_the_ocpp_package_and_its_answers_come_back() -> None:
    assert SAID_201.keys() == TO_STATION.keys()
    received: dict[str, Any] = {}
    booted, done = threading.Event(), threading.Event()
    async with open_node() as node, trio.open_nursery() as nursery:
        await node.register(IDENTITY, versions=("ocpp2.0.1",))
        with trio.fail_after(60):
            nursery.start_soon(_in_thread, _serve_commands, node.url, received, booted, done)
            while not booted.is_set():
                await trio.sleep(0.01)
            for action, (payload, answer) in SAID_201.items():
                intent = spoken.to_intent(action, msgspec.json.decode(msgspec.json.encode(payload), type=TO_STATION[action][0]))
                sent = await _send(node, action, intent)
                assert received[action] == payload, action
                assert answers.write_answer(action, sent.outcome, intent) == answer, action  # type: ignore[arg-type]
                assert not sent.wire.lost
        done.set()


async def _send(node: Node, action: str, intent: Any) -> m.Sent:
    command = m.Command(f"test-{action}", intent, node.system.now() + timedelta(seconds=60), "test")
    sent = await node.system.ask(station_address("demo", IDENTITY), command, deadline=60)
    assert isinstance(sent, m.Sent), sent
    return sent
