"""What a station sees while its actor crashes, stops, or the database is away: never a false acknowledgement."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

from actors.model.ids import station_address
from actors.session.actor import SessionActor
from actors.station.actor import StationActor
from runtime.address import Address
from tests.gateways.ocpp.node import TAG, Node, connect, open_node, small_limits


def _crash(monkeypatch: pytest.MonkeyPatch, actor: type, message: str, times: int) -> Callable[[], int]:
    """`actor.decide` raises on that message, so many times."""
    left = times
    decide = actor.decide

    def crashing(self: Any, state: Any, told: Any, now: Any) -> Any:
        nonlocal left
        if type(told).__name__ == message and left > 0:
            left -= 1
            raise ZeroDivisionError("injected")
        return decide(self, state, told, now)

    monkeypatch.setattr(actor, "decide", crashing)
    return lambda: times - left


def _start(node: Node) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": node.system.now().isoformat()}


async def test_a_start_that_crashes_its_actor_once_is_asked_again_and_the_station_notices_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crashed = _crash(monkeypatch, SessionActor, "Start", 1)
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            started = await station.call("StartTransaction", _start(node))
            assert started["idTagInfo"]["status"] == "Accepted"
            assert crashed() == 1
            assert node.listener.stats()["crash_retries"] >= 1


async def test_a_poisonous_start_is_a_dead_letter_and_still_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    _crash(monkeypatch, SessionActor, "Start", 1000)
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            started = await station.call("StartTransaction", _start(node))
            assert started["transactionId"] > 0
            dead, _ = await node.store.dead_letters(None, None, 10, None)
            assert len(dead) == 1
            page = await node.queries.sessions("demo", "CP1", None, 10, None)
            assert [row.state for row in page.items] == ["quarantined"]
            assert (await station.call("Heartbeat", {}))["currentTime"]
            assert node.listener.stats()["poisoned"] == 1


async def test_a_poisonous_transaction_event_is_a_dead_letter_and_still_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    _crash(monkeypatch, SessionActor, "Event", 1000)
    event = {
        "eventType": "Started", "timestamp": "2026-11-22T11:00:00Z", "triggerReason": "Authorized", "seqNo": 0,
        "transactionInfo": {"transactionId": "tx-1"}, "evse": {"id": 1}, "idToken": {"idToken": TAG, "type": "ISO14443"},
    }  # fmt: skip
    async with open_node() as node:
        await node.register("CP1", versions=("ocpp2.0.1",))
        with trio.fail_after(60):
            station = await connect(node, subprotocols="ocpp2.0.1")
            await station.call("BootNotification", {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"})
            assert isinstance(await station.call("TransactionEvent", event), dict)
            dead, _ = await node.store.dead_letters(None, None, 10, None)
            assert len(dead) == 1
            page = await node.queries.sessions("demo", "CP1", None, 10, None)
            assert [row.state for row in page.items] == ["quarantined"]
            assert (await station.call("Heartbeat", {}))["currentTime"]


async def test_a_poisonous_heartbeat_is_answered_with_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _crash(monkeypatch, StationActor, "Heartbeat", 1000)
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            answer = await station.call("Heartbeat", {})
            assert answer[:1] + answer[2:3] == [4, "InternalError"]
            assert (await station.call("Authorize", {"idTag": TAG}))["idTagInfo"]["status"] == "Accepted"


async def test_a_crash_of_one_station_costs_no_other_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_node() as node:
        await node.register("CP2")
        with trio.fail_after(60):
            bad, good = await connect(node), await connect(node, "CP2")
            await bad.boot()
            await good.boot()
            _crash(monkeypatch, StationActor, "Authorize", 3)
            answer = await bad.call("Authorize", {"idTag": TAG})
            assert answer[0] == 4
            assert (await good.call("Heartbeat", {}))["currentTime"]
            assert node.listener.stats()["stations"] == 2


async def test_a_restarted_station_actor_keeps_its_connection_and_its_transaction() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            number = (await station.call("StartTransaction", _start(node)))["transactionId"]
            await node.system.inspect.restart(Address(*station_address("demo", "CP1")))
            assert (await station.call("Heartbeat", {}))["currentTime"]
            stop = {"transactionId": number, "meterStop": 1200, "timestamp": node.system.now().isoformat()}
            assert await station.call("StopTransaction", stop) == {}
            page = await node.queries.sessions("demo", "CP1", None, 10, None)
            assert [(row.number, row.energy_wh) for row in page.items] == [(number, 200)]


async def test_quirk_06_while_the_database_is_away_nothing_is_acknowledged_and_the_socket_stays() -> None:
    async with open_node(limits=small_limits(ask_seconds=0.2)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.insist("BootNotification", {"chargePointVendor": "Voltroupe", "chargePointModel": "Test"})
            start = _start(node)
            node.store.away = True
            before = node.listener.stats()["unanswered"]
            await station.send(_call("s1", "StartTransaction", start))
            while node.listener.stats()["unanswered"] == before:
                await trio.sleep(0.01)
            assert node.listener.stats()["stations"] == 1
            node.store.away = False
            # Nothing was said to the first attempt: what comes next is the answer to a later one.
            started = await station.insist("StartTransaction", start)
            assert started["transactionId"] > 0
            page = await node.queries.sessions("demo", "CP1", None, 10, None)
            assert len(page.items) == 1


async def test_a_call_that_waits_for_its_answer_is_in_the_trace_already_and_the_answer_follows_alone() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            node.store.away = True
            await station.send(_call("s1", "StartTransaction", _start(node)))
            await station.send(_call("h1", "Heartbeat", {}))

            def traced() -> list[tuple[str, str]]:
                return [(row.message_type, row.unique_id) for row in node.traces("CP1") if row.unique_id in ("s1", "h1")]

            while len(traced()) < 2:
                await trio.sleep(0.01)
            assert traced() == [("CALL", "s1"), ("CALL", "h1")]
            node.store.away = False
            while len(traced()) < 4:
                await trio.sleep(0.01)
            assert sorted(traced()[2:]) == [("CALLRESULT", "h1"), ("CALLRESULT", "s1")]
            shown = {row.unique_id: row.body for row in node.traces("CP1") if row.message_type == "CALLRESULT"}
            assert '"transactionId"' in shown["s1"]


async def test_a_station_that_was_stopped_by_an_operator_gets_no_answer() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            await node.system.inspect.stop(Address(*station_address("demo", "CP1")))
            await station.send(_call("h", "Heartbeat", {}))
            while not node.listener.stats()["unanswered"]:
                await trio.sleep(0.01)
            await station.send("what is answered without an actor")
            assert (await station.message())[:2] == [4, "-1"], "and it comes first"


def _call(unique_id: str, action: str, payload: Any) -> str:
    return msgspec.json.encode([2, unique_id, action, payload]).decode()
