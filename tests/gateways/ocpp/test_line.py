"""Commands to a station: one CALL at a time, paced, timed, answered to whoever asked, whatever the station does."""

from datetime import timedelta
from typing import Any

import msgspec
import trio

from actors.model import intents as i
from actors.model.ids import station_address
from actors.station import messages as s
from tests.gateways.ocpp.node import Node, Station, connect, open_node, small_limits


async def _booted(node: Node) -> Station:
    station = await connect(node)
    await station.boot()
    return station


async def _command(node: Node, intent: Any, id: str, results: dict[str, Any]) -> None:
    not_after = node.system.now() + timedelta(seconds=60)
    results[id] = await node.system.ask(station_address("demo", "CP1"), s.Command(id, intent, not_after, "test"), deadline=60)


async def test_a_command_goes_out_and_its_answer_comes_back() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            station = await _booted(node)
            results: dict[str, Any] = {}
            nursery.start_soon(_command, node, i.Reset("OnIdle"), "c1", results)
            kind, unique_id, action, payload = await station.message()
            assert (kind, action, payload) == (2, "Reset", {"type": "Soft"})
            assert len(unique_id) <= 36
            await station.send(msgspec.json.encode([3, unique_id, {"status": "Accepted"}]))
            while "c1" not in results:
                await trio.sleep(0.01)
            sent = results["c1"]
            assert isinstance(sent, s.Sent)
            assert (sent.protocol, sent.outcome) == ("ocpp1.6", i.CommandResult("Accepted"))


async def test_one_call_is_out_at_a_time_and_the_stations_own_calls_cross_it() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            station = await _booted(node)
            results: dict[str, Any] = {}
            for n in range(3):
                nursery.start_soon(_command, node, i.ClearCache(), f"c{n}", results)
            seen = []
            for _ in range(3):
                call = await station.message()
                seen.append(call[1])
                await station.send('[2,"mine","Heartbeat",{}]')
                answer = await station.message()
                assert answer[:2] == [3, "mine"], "a second CALL came before the first was answered"
                await station.send(msgspec.json.encode([3, call[1], {"status": "Accepted"}]))
            assert len(set(seen)) == 3
            while len(results) < 3:
                await trio.sleep(0.01)


async def test_a_call_error_is_told_with_its_code() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            station = await _booted(node)
            results: dict[str, Any] = {}
            nursery.start_soon(_command, node, i.ClearCache(), "c", results)
            call = await station.message()
            await station.send(msgspec.json.encode([4, call[1], "NotSupported", "no cache here", {}]))
            while "c" not in results:
                await trio.sleep(0.01)
            assert results["c"].outcome == i.CommandFailure("error", "NotSupported", "no cache here")


async def test_an_unreadable_answer_ends_the_command() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            station = await _booted(node)
            results: dict[str, Any] = {}
            nursery.start_soon(_command, node, i.ClearCache(), "c", results)
            call = await station.message()
            await station.send(f'[3,"{call[1]}",{{"status":')
            while "c" not in results:
                await trio.sleep(0.01)
            assert results["c"].outcome.reason == "error"


async def test_quirk_03_calls_that_time_out_do_not_block_the_next_and_end_in_a_reconnect() -> None:
    """Heartbeats arrive but CALLs time out until the station reconnects (mobilityhouse#350)."""
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await _booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            for n in range(3):
                link.call(f"c{n}", s.WireCall("ClearCache", b"{}"), 0.1)
            calls = [await station.message() for _ in range(2)]
            await station.send(msgspec.json.encode([3, calls[0][1], {"status": "Accepted"}]))
            calls.append(await station.message())
            assert [call[2] for call in calls] == ["ClearCache"] * 3
            assert await station.closed() == (1001, "no answer to several calls: please reconnect")
            stats = node.listener.stats()
            assert (stats["call_timeouts"], stats["answers_late"]) == (3, 1)


async def test_quirk_04_calls_are_paced() -> None:
    async with open_node(limits=small_limits(call_gap=0.3)) as node:
        with trio.fail_after(60):
            station = await _booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            for n in range(2):
                link.call(f"c{n}", s.WireCall("ClearCache", b"{}"), 60)
            call = await station.message()
            begun = trio.current_time()
            await station.send(msgspec.json.encode([3, call[1], {"status": "Accepted"}]))
            await station.message()
            assert trio.current_time() - begun >= 0.29


async def test_the_queue_of_commands_is_bounded() -> None:
    async with open_node(limits=small_limits(outgoing_calls=2)) as node:
        await _booted(node)
        link = node.listener.link("demo", "CP1")
        assert link is not None
        told = _capture(node)
        for n in range(5):
            link.call(f"c{n}", s.WireCall("ClearCache", b"{}"), 60)
        assert [(done.id, done.outcome.code) for done in told] == [("c3", "Busy"), ("c4", "Busy")]


async def test_a_connection_that_ends_settles_what_was_under_way() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await _booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            told = _capture(node)
            link.call("out", s.WireCall("ClearCache", b"{}"), 60)
            link.call("waiting", s.WireCall("ClearCache", b"{}"), 60)
            await station.message()
            await station.aclose()
            while len(told) < 2:
                await trio.sleep(0.01)
            assert [(done.id, done.outcome.reason) for done in told] == [("out", "unknown"), ("waiting", "offline")]
            link.call("after", s.WireCall("ClearCache", b"{}"), 60)
            assert told[-1].outcome.reason == "offline"


def _capture(node: Node) -> list[s.CommandDone]:
    """What the line reports from now on, instead of the actor."""
    told: list[s.CommandDone] = []
    tell = node.system.tell

    def watch(to: Any, message: Any, *, correlation: str = "") -> bool:
        if isinstance(message, s.CommandDone):
            told.append(message)
            return True
        return tell(to, message, correlation=correlation)

    node.system.tell = watch  # type: ignore[method-assign]
    return told
