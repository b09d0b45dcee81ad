"""2.0.1 over a real socket: which version is spoken, who may say what and when, and what a broken frame is answered."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.model import intents as i
from actors.model.ids import station_address
from actors.station import messages as s
from gateways.ocpp.admission import allowed_protocols, choose_protocol
from tests.gateways.ocpp.node import TAG, Node, Station, basic, connect, open_node, upgrade

AT = "2026-11-22T11:00:00Z"
BOTH = ("ocpp1.6", "ocpp2.0.1")
STATION = {"vendorName": "Voltroupe", "model": "Test"}
STATUS = {"timestamp": AT, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


async def plug(node: Node, identity: str = "CP1", versions: tuple[str, ...] = BOTH, **options: Any) -> Station:
    await node.register(identity, versions=versions)
    return await connect(node, identity, subprotocols="ocpp2.0.1", **options)


async def boot(station: Station, reason: str = "PowerUp") -> Any:
    return await station.call("BootNotification", {"chargingStation": STATION, "reason": reason})


# -- which version ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "allowed", "spoken"),
    [
        ("ocpp2.0.1, ocpp1.6", BOTH, "ocpp2.0.1"),
        ("ocpp1.6, ocpp2.0.1", BOTH, "ocpp1.6"),
        ("ocpp2.1, ocpp2.0.1", BOTH, "ocpp2.0.1"),
        ("ocpp2.0.1, ocpp1.6", ("1.6",), "ocpp1.6"),
        ("ocpp1.6", ("2.0.1",), None),
        ("ocpp2.0", BOTH, None),
    ],
)
async def test_the_stations_preference_among_what_it_may_speak(
    offered: str, allowed: tuple[str, ...], spoken: str | None
) -> None:
    async with open_node() as node:
        await node.register("CP1", versions=allowed)
        _, response = await upgrade(node, subprotocols=offered)
        assert response.headers.get("sec-websocket-protocol") == spoken


async def test_two_stations_of_two_versions_share_a_listener() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            newer, older = await plug(node, "CP2"), await connect(node, "CP1")
            assert (await boot(newer))["status"] == (await older.boot())["status"] == "Accepted"
            old, new = node.listener.link("demo", "CP1"), node.listener.link("demo", "CP2")
            assert old is not None
            assert new is not None
            assert (old.protocol, new.protocol) == ("ocpp1.6", "ocpp2.0.1")


async def test_an_identity_longer_than_2_x_allows_speaks_1_6() -> None:
    longest, longer = "x" * 48, "x" * 49
    async with open_node() as node:
        for identity, spoken in ((longest, "ocpp2.0.1"), (longer, "ocpp1.6")):
            await node.register(identity, versions=BOTH)
            _, response = await upgrade(node, identity, subprotocols="ocpp2.0.1, ocpp1.6")
            assert response.headers["sec-websocket-protocol"] == spoken
            card = node.cards.station("demo", identity)
            assert card is not None
            assert choose_protocol(("ocpp2.0.1",), allowed_protocols(card))[0] == ("ocpp2.0.1" if identity == longest else None)


async def test_a_colon_in_an_identity_cannot_pass_basic_authentication() -> None:
    async with open_node() as node:
        await node.register("CP:1", versions=BOTH)
        _, response = await upgrade(node, path="/ocpp/demo/CP%3A1", auth=basic("CP:1"), subprotocols="ocpp2.0.1")
        assert response.status == 401


# -- registration ----------------------------------------------------------------------------------------------------------


async def test_before_its_boot_a_station_is_refused_everything_with_security_error() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            token = {"idToken": {"idToken": TAG, "type": "ISO14443"}}
            for action, payload in (("Heartbeat", {}), ("StatusNotification", STATUS), ("Authorize", token)):
                assert (await station.call(action, payload))[2] == "SecurityError", action
            assert (await boot(station))["status"] == "Accepted"
            assert (await station.call("Authorize", token))["idTokenInfo"] == {"status": "Accepted"}


async def test_while_pending_only_what_we_asked_for_is_taken() -> None:
    """B02.FR.09, TC_B_30: a status, for instance, comes because of a TriggerMessage, or is refused."""
    async with open_node(ready=False) as node:
        await node.create_tenant(boot="Pending")
        await node.put_token()
        with trio.fail_after(60):
            station = await plug(node)
            answer = await boot(station)
            assert (answer["status"], answer["interval"] > 0) == ("Pending", True)
            assert (await station.call("StatusNotification", STATUS))[2] == "SecurityError"
            assert (await station.call("Heartbeat", {}))[2] == "SecurityError"
            report = {"requestId": 1, "generatedAt": AT, "seqNo": 0}
            assert (await station.call("NotifyReport", report))[2] == "SecurityError"
            await _command(node, station, i.Trigger("StatusNotification", 1, 1))
            assert await station.call("StatusNotification", STATUS) == {}
            await _command(node, station, i.GetBaseReport("FullInventory", 1))
            assert await station.call("NotifyReport", report) == {}
            assert (await station.call("Authorize", {"idToken": {"idToken": TAG, "type": "ISO14443"}}))[2] == "SecurityError"


async def _command(node: Node, station: Station, intent: i.AnyIntent) -> None:
    """Sent, and accepted by the station."""
    command = s.Command(type(intent).__name__, intent, node.system.now() + timedelta(seconds=60), "test")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.ask, station_address("demo", "CP1"), command)
        call = await station.message()
        await station.send(msgspec.json.encode([3, call[1], {"status": "Accepted"}]))


async def test_a_rejected_station_is_refused_everything_but_its_next_boot() -> None:
    async with open_node(ready=False) as node:
        await node.create_tenant(boot="Rejected")
        with trio.fail_after(60):
            station = await plug(node)
            assert (await boot(station))["status"] == "Rejected"
            assert (await station.call("StatusNotification", STATUS))[2] == "SecurityError"
            assert (await boot(station))["status"] == "Rejected"


# -- frames ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ("what?", [4, "-1", "RpcFrameworkError"]),
        ('{"not":"an array"}', [4, "-1", "RpcFrameworkError"]),
        ("[2]", [4, "-1", "RpcFrameworkError"]),
        ('[2,{},"Heartbeat",{}]', [4, "-1", "RpcFrameworkError"]),
        ('[2,"a","Heartbeat",[]]', [4, "a", "RpcFrameworkError"]),
        ('[9,"a","Heartbeat",{}]', [4, "a", "MessageTypeNotSupported"]),
        ('[2,"a","StartTransaction",{}]', [4, "a", "NotImplemented"]),
        ('[2,"a","Reset",{"type":"Immediate"}]', [4, "a", "NotSupported"]),
        ('[2,"a","BootNotification",{"reason":"PowerUp"}]', [4, "a", "OccurrenceConstraintViolation"]),
        ('[2,"a","StatusNotification",{"connectorStatus":"Busy","evseId":1,"connectorId":1}]',
         [4, "a", "PropertyConstraintViolation"]),
        ('[2,"a","StatusNotification",{"connectorStatus":"Available","evseId":"one","connectorId":1}]',
         [4, "a", "TypeConstraintViolation"]),
    ],
)  # fmt: skip
async def test_a_broken_frame_gets_the_error_of_2_0_1_and_the_connection_stays(frame: str, answer: list[Any]) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await station.send(frame)
            assert (await station.message())[:3] == answer
            assert (await boot(station))["status"] == "Accepted"


async def test_strictly_an_unknown_field_is_a_format_violation() -> None:
    async with open_node(strict=True) as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            assert (await station.call("Heartbeat", {"mine": 1}))[2] == "FormatViolation"
            assert (await station.call("Heartbeat", {"customData": {"vendorId": "v", "mine": 1}}))["currentTime"]


# -- what the actors learn -----------------------------------------------------------------------------------------------------


async def test_a_connector_status_reaches_its_evse() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            assert await station.call("StatusNotification", {**STATUS, "connectorStatus": "Reserved", "evseId": 2}) == {}
            found = await node.queries.station("demo", "CP1")
            assert found is not None
            (evse,) = [row for row in found[2] if row.evse == 2]
            assert evse.status == "Reserved"


async def test_a_group_is_always_told() -> None:
    async with open_node() as node:
        await node.put_token("0456", group="the-family-of-token-0456")
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            answer = await station.call("Authorize", {"idToken": {"idToken": "0456", "type": "ISO14443"}})
            assert answer["idTokenInfo"]["groupIdToken"] == {"idToken": "the-family-of-token-0456", "type": "Central"}


async def test_an_unknown_token_and_a_vendors_message_get_the_words_of_2_0_1() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            unknown = {"idToken": {"idToken": "FFFF", "type": "Central"}}
            assert (await station.call("Authorize", unknown))["idTokenInfo"]["status"] == "Unknown"
            assert (await station.call("DataTransfer", {"vendorId": "v", "data": {"any": 1}}))["status"] == "UnknownVendorId"


async def test_a_token_that_needs_none_is_accepted() -> None:
    """C02.FR.02: a start button has no token."""
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            answer = await station.call("Authorize", {"idToken": {"idToken": "", "type": "NoAuthorization"}})
            assert answer["idTokenInfo"]["status"] == "Accepted"


async def test_no_secret_of_a_station_is_in_its_trace() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            await station.call("Authorize", {"idToken": {"idToken": "87654321", "type": "KeyCode"}})
            await station.call("Authorize", {"idToken": {"idToken": TAG, "type": "ISO14443"}})
        shown = msgspec.json.encode(node.rows.traces).decode()
        assert "Authorize" in shown
        assert "87654321" not in shown
        assert TAG not in shown


# -- what is not as it should be -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ('[2,"q","StatusNotification",{"timestamp":"2026-11-22T11:00:00","connectorStatus":"Charging","evseId":"1","connectorId":1}]',
         {"time_zone", "enum", "type"}),
        ('[2,"q","Heartbeat",{"mine":1,}]', {"json", "unknown_field"}),
    ],
)  # fmt: skip
async def test_the_trace_says_what_was_mended_in_a_frame(frame: str, shown: set[str]) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await plug(node)
            await boot(station)
            await station.send(frame)
            assert (await station.message())[0] == 3
        (row,) = [row for row in node.traces("CP1") if (row.unique_id, row.direction) == ("q", "in")]
        assert row.error is not None
        assert set(row.error.removeprefix("mended: ").split(", ")) == shown
        assert all(row.error is None for row in node.traces("CP1") if row.unique_id != "q")
