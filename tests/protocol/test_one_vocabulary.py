"""One vocabulary over the admin API: the PyPI `ocpp` package is the station, in 1.6 and in 2.0.1, and takes every command."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import jsonschema
import msgspec
import ocpp.v16
import ocpp.v201
import pytest
import trio
import websockets
from ocpp.charge_point import camel_to_snake_case
from ocpp.routing import on

from gateways.web.app import create_app
from gateways.web.env import WebEnv, WebSettings
from gateways.web.identity import token_hash
from storage.memory_ports import MemoryApiTokens
from tests.gateways.ocpp.node import PASSWORD, TAG, Node, open_node, small_limits
from tests.gateways.ocpp.said_16 import SAID_16
from tests.gateways.ocpp.said_201 import HEARTBEAT, SAID_201, TARGET
from tests.protocol.schemas import accepts, schema_201

KEY = bytes(range(32))
OWNER = "vto_owner-of-the-platform-in-tests"
PACKAGES: dict[str, Any] = {"ocpp1.6": ocpp.v16, "ocpp2.0.1": ocpp.v201}
SAID: dict[str, Mapping[str, tuple[Any, Any]]] = {"ocpp1.6": SAID_16, "ocpp2.0.1": SAID_201}


class Station:
    """What a station of the package heard, raw, in order; it answers as the table of its version says."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.heard: list[tuple[str, Any]] = []
        self.answers = {action: answer for action, (_, answer) in SAID[version].items()}
        self.booted, self.done = threading.Event(), threading.Event()

    def heard_of(self, action: str) -> list[Any]:
        """Payloads of that action: our own actors may ask the station for other things in between."""
        return [payload for heard, payload in self.heard if heard == action]

    def point(self, socket: Any) -> Any:
        package, heard, answers = PACKAGES[self.version], self.heard, self.answers

        def handler(action: str) -> Any:
            async def handle(self: Any, *args: Any, **fields: Any) -> Any:
                return getattr(package.call_result, action)(**camel_to_snake_case(answers[action]))

            handle.__name__ = f"on_{action}"
            return on(package.enums.Action(action))(handle)

        async def route_message(self: Any, raw: str) -> None:
            frame = json.loads(raw)
            if frame[0] == 2:
                heard.append((frame[2], frame[3]))
            await package.ChargePoint.route_message(self, raw)

        handlers: dict[str, Any] = {f"on_{action}": handler(action) for action in answers}
        made = type("Answering", (package.ChargePoint,), {**handlers, "route_message": route_message})
        return made("S", socket)

    async def serve(self, url: str, identity: str) -> None:
        credentials = base64.b64encode(identity.encode() + b":" + PASSWORD).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        package = PACKAGES[self.version]
        async with websockets.connect(
            f"{url}/ocpp/demo/{identity}",
            subprotocols=[self.version],
            additional_headers=headers,  # type: ignore[list-item]
        ) as socket:
            point = self.point(socket)
            reading = asyncio.create_task(point.start())
            if self.version == "ocpp1.6":
                boot = package.call.BootNotification(charge_point_model="M", charge_point_vendor="V")
            else:
                boot = package.call.BootNotification(charging_station={"model": "M", "vendor_name": "V"}, reason="PowerUp")
            await point.call(boot)
            self.booted.set()
            while not self.done.is_set():
                await asyncio.sleep(0.02)
            reading.cancel()


@asynccontextmanager
async def api(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """The admin API over the same runtime as the listener."""
    env = WebEnv(
        system=node.system, store=node.store, queries=node.queries, snapshots=node.cards, vault=node.vault, sink=node.sink,
        lookups=node.env.lookups, health=node.store, api_tokens=MemoryApiTokens(),
        settings=WebSettings(token_key=KEY, cookie_key=KEY, pay_key=KEY, owner_hash=token_hash(KEY, OWNER)),
    )  # fmt: skip
    app = create_app(env)
    async with app.test_app():
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {OWNER}"}
        yield httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers, timeout=60)


class Fleet:
    def __init__(self, client: httpx.AsyncClient, station: Station) -> None:
        self.client = client
        self.station = station

    async def command(self, action: str, payload: Any, version: str | None = None) -> httpx.Response:
        params = {"version": version} if version else {}
        return await self.client.post(
            f"/api/v1/tenants/demo/stations/S1/commands/{action}", json=payload, params=params
        )  # fmt: skip


@asynccontextmanager
async def fleet(version: str) -> AsyncIterator[Fleet]:
    """A node, its API, and a station of that version, booted."""
    station = Station(version)
    async with open_node(limits=small_limits()) as node, api(node) as client, trio.open_nursery() as nursery:
        await node.register("S1", versions=(version,))

        async def run() -> None:
            serve = partial(asyncio.run, station.serve(node.url, "S1"))
            await trio.to_thread.run_sync(serve, abandon_on_cancel=True)

        nursery.start_soon(run)
        with trio.fail_after(60):
            while not station.booted.is_set():
                await trio.sleep(0.01)
            yield Fleet(client, station)
        station.done.set()


@pytest.mark.parametrize("version", sorted(PACKAGES))
async def test_every_command_reaches_the_package_in_its_own_words_and_its_answers_come_back(version: str) -> None:
    async with fleet(version) as there:
        for action, (payload, answer) in SAID[version].items():
            told = await there.command(action, payload, version)
            if action == "UpdateFirmware" and version == "ocpp1.6":
                assert told.json()["result"] == {}
            assert told.status_code == 200, (action, told.text)
            body = told.json()
            assert payload in there.station.heard_of(action), action
            assert body["result"] == answer, action
            assert (body["protocol"], body["translated"], body["lost"]) == (version, False, []), action
            assert body["sent_action"] == action


async def test_a_remote_start_in_1_6_words_starts_a_2_0_1_station() -> None:
    async with fleet("ocpp2.0.1") as there:
        told = await there.command("RemoteStartTransaction", {"idTag": TAG, "connectorId": 2})
        assert told.status_code == 200, told.text
        action = "RequestStartTransaction"
        (heard,) = there.station.heard_of(action)
        assert (heard["idToken"], heard["evseId"]) == ({"idToken": TAG, "type": "ISO14443"}, 2)
        assert heard["remoteStartId"] > 0
        body = told.json()
        assert (body["version"], body["protocol"], body["sent_action"]) == ("ocpp1.6", "ocpp2.0.1", action)
        assert (body["result"], body["translated"], body["lost"]) == ({"status": "Accepted"}, True, [])
        assert TAG not in json.dumps(body["sent"])


async def test_all_keys_of_a_2_0_1_station_are_asked_for_in_several_calls() -> None:
    async with fleet("ocpp2.0.1") as there:
        told = await there.command("GetConfiguration", {})
        assert told.status_code == 200, told.text
        asked = [call["payload"] for call in told.json()["sent"]["calls"]]
        assert len(asked) > 2
        assert [payload for payload in there.station.heard_of("GetVariables") if payload in asked] == asked
        found = {key["key"]: key.get("value") for key in told.json()["result"]["configurationKey"]}
        assert found["HeartbeatInterval"] == "60"


async def test_1_6_commands_are_taken_by_a_2_0_1_station_or_refused_with_the_field() -> None:
    async with fleet("ocpp2.0.1") as there:
        for action, (payload, _) in SAID_16.items():
            told = await there.command(action, payload, "ocpp1.6")
            if action == "SetChargingProfile":
                assert told.status_code == 422
                assert told.json()["errors"][0]["pointer"] == "/csChargingProfiles/transactionId"
            elif action in ("UpdateFirmware", "SignedUpdateFirmware"):
                # The station says InvalidCertificate, for which the plain one of 1.6 has no word.
                assert told.status_code == (502 if action == "UpdateFirmware" else 200), told.text
            else:
                assert told.status_code == 200, (action, told.text)
                assert told.json()["lost"] == [], action


async def test_variables_reach_a_1_6_station_as_its_keys() -> None:
    async with fleet("ocpp1.6") as there:
        other = {"component": {"name": "OCPP16"}, "variable": {"name": "Vendor.Key"}}
        items = [{**HEARTBEAT, "attributeValue": "60"}, {**TARGET, "attributeValue": "1"}, {**other, "attributeValue": "x"}]
        told = await there.command("SetVariables", {"setVariableData": items})
        assert told.status_code == 200, told.text
        body = told.json()
        assert there.station.heard_of("ChangeConfiguration") == [
            {"key": "HeartbeatInterval", "value": "60"}, {"key": "Vendor.Key", "value": "x"},
        ]  # fmt: skip
        statuses = [item["attributeStatus"] for item in body["result"]["setVariableResult"]]
        assert statuses == ["RebootRequired", "UnknownVariable", "RebootRequired"]
        assert (body["translated"], body["lost"]) == (True, ["setVariableData[1]"])
        assert [call["action"] for call in body["sent"]["calls"]] == ["ChangeConfiguration"] * 2
        read = await there.command("GetVariables", {"getVariableData": [HEARTBEAT, other]})
        assert [item["attributeStatus"] for item in read.json()["result"]["getVariableResult"]] == ["Accepted", "UnknownVariable"]
        report = await there.command("GetBaseReport", {"requestId": 3, "reportBase": "FullInventory"})
        assert report.json()["result"]["statusInfo"]["reasonCode"] == "BuiltByCentre"
        assert report.json()["lost"] == ["requestId"]


async def test_profiles_of_a_1_6_station_are_told_by_our_own_book() -> None:
    async with fleet("ocpp1.6") as there:
        asked = {"requestId": 9, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
        nothing = (await there.command("GetChargingProfiles", asked)).json()
        assert (nothing["result"]["status"], nothing["reported"]) == ("NoProfiles", [])
        schedule = {"id": 3, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.19}]}
        profile = {
            "id": 5, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }  # fmt: skip
        there.station.answers["SetChargingProfile"] = {"status": "Accepted"}
        for evse in (1, 2):
            told = await there.command("SetChargingProfile", {"evseId": evse, "chargingProfile": {**profile, "id": 5 + evse}})
            assert told.json()["result"]["status"] == "Accepted", told.text
        heard = len(there.station.heard)
        with trio.fail_after(60):
            while len(reported := (await there.command("GetChargingProfiles", asked)).json()["reported"]) < 2:
                await trio.sleep(0.05)
        asked_since = {action for action, _ in there.station.heard[heard:]}
        assert asked_since <= {"GetConfiguration", "GetLocalListVersion"}, "the station is not asked, but for what we ask anyway"
        assert [(part["requestId"], part["evseId"], part.get("tbc", False)) for part in reported] == [(9, 1, True), (9, 2, False)]
        for part in reported:
            assert accepts(jsonschema.Draft6Validator(schema_201("ReportChargingProfiles")), json.dumps(part))
        answer = (await there.command("GetChargingProfiles", {**asked, "evseId": 2})).json()
        assert (answer["result"]["status"], answer["sent"], len(answer["reported"])) == ("Accepted", {}, 1)
        assert answer["result"]["statusInfo"]["reasonCode"] == "BuiltByCentre"


async def test_every_2_0_1_command_is_taken_by_a_1_6_station_or_refused_with_the_field() -> None:
    async with fleet("ocpp1.6") as there:
        taken = []
        for action, (payload, _) in SAID_201.items():
            told = await there.command(action, payload, "ocpp2.0.1")
            assert told.status_code in (200, 422, 502), (action, told.text)
            if told.status_code == 200:
                taken.append(action)
                msgspec.convert(told.json()["lost"], list[str])
            elif told.status_code == 422:
                assert told.json()["type"].endswith("not-carried")
        assert {"CancelReservation", "ClearCache", "DataTransfer", "DeleteCertificate", "GetLog", "SendLocalList"} <= set(taken)


async def test_what_is_shown_of_a_network_profile_hides_its_passwords() -> None:
    async with fleet("ocpp2.0.1") as there:
        sent = (await there.command("SetNetworkProfile", SAID_201["SetNetworkProfile"][0])).json()["sent"]["connectionData"]
        assert sent["apn"]["apnPassword"] == sent["vpn"]["password"] == sent["vpn"]["key"] == "***"
