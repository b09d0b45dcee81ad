"""Bounds: too large, too many, too fast, too slow, too silent. Every one has an end, and none costs another station anything."""

import errno
import time
from datetime import datetime

import msgspec
import pytest
import trio

from gateways.ocpp.handshake import read_request
from gateways.ocpp.v16 import inbound
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import basic, connect, open_node, small_limits, upgrade

BEAT = '[2,"h","Heartbeat",{}]'


async def test_a_message_too_large_closes_with_1009() -> None:
    async with open_node(limits=small_limits(message_bytes=70_000)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            padding = "x" * 65_000
            assert (await station.call("DataTransfer", {"vendorId": "v", "data": padding}))["status"]
            await station.send(f'[2,"a","DataTransfer",{{"vendorId":"v","data":"{"x" * 80_000}"}}]')
            assert (await station.closed())[0] == 1009


@pytest.mark.parametrize(
    "line", [b"x:" + b" " * 15_000 + b"\xff", b"x:" + b"\t" * 15_000 + b"\x00", b"x: " + b"a " * 7_500 + b"\x0b"]
)
def test_no_header_takes_longer_to_read_than_its_length_deserves(line: bytes) -> None:
    """Before any password, in the loop that serves all stations: one such line took hours once."""
    began = time.thread_time()
    request, answer, _ = read_request(None, bytearray(b"GET /ocpp/demo/CP1 HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n"))  # type: ignore[arg-type]
    assert time.thread_time() - began < 0.25
    assert request is None
    assert answer is not None


async def test_calls_sent_at_once_are_all_answered_in_order() -> None:
    async with open_node(limits=small_limits(inbound_calls=4)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            frames = [wire.frame(wire.TEXT, b'[2,"%d","Heartbeat",{}]' % n) for n in range(200)]
            await station.stream.send_all(b"".join(frames))
            answered = [(await station.message())[1] for _ in frames]
            assert answered == [str(n) for n in range(200)]


async def test_a_station_that_is_too_fast_is_read_more_slowly() -> None:
    limits = small_limits(message_burst=20, messages_per_second=1000.0)
    async with open_node(limits=limits) as node:
        with trio.fail_after(60):
            fast = await connect(node)
            await node.register("CP2")
            calm = await connect(node, "CP2")
            await fast.boot()
            await calm.boot()
            for n in range(100):
                await fast.send(f'[2,"{n}","Heartbeat",{{}}]')
            assert (await calm.call("Heartbeat", {}))["currentTime"]
            for n in range(100):
                assert (await fast.message())[1] == str(n)
            assert node.listener.stats()["throttled"] >= 1


async def test_a_station_that_stays_too_fast_is_closed_with_1008() -> None:
    limits = small_limits(message_burst=20, messages_per_second=0.0, flood_seconds=0.1)
    async with open_node(limits=limits) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            for _ in range(30):
                await station.send(BEAT)
            assert await station.closed() == (1008, "too many messages")
            assert node.listener.stats()["closed_flood"] == 1


async def test_a_station_that_does_not_read_is_cut_off_and_its_buffer_is_bounded() -> None:
    limits = small_limits(send_buffer_bytes=20_000, message_burst=10**9, inbound_calls=10**6)
    async with open_node(limits=limits) as node:
        with trio.fail_after(60):
            station = await connect(node)
            long_id = "x" * 250
            batch = wire.frame(wire.TEXT, f'[2,"{long_id}","Nonsense",{{}}]'.encode()) * 200
            try:
                while True:
                    await station.stream.send_all(batch)
            except trio.BrokenResourceError:
                pass
            while node.listener.stats()["stations"]:
                await trio.sleep(0.01)


async def test_a_silent_station_is_pinged_and_ended_when_it_stops_answering() -> None:
    """Quirk 2: a power cut leaves a zombie; a ping has a deadline."""
    async with open_node(limits=small_limits(ping_after=3, pong_within=20)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            for _ in range(2):
                ping = await station.frame()
                assert ping.opcode == wire.PING
                await station.stream.send_all(wire.frame(wire.PONG, ping.payload))
            assert node.listener.stats()["stations"] == 1
            while node.listener.stats()["stations"]:
                await trio.sleep(0.01)
            assert node.listener.stats()["closed_silent"] == 1


async def test_quirk_02_any_frame_is_a_sign_of_life() -> None:
    async with open_node(limits=small_limits(ping_after=10, pong_within=10)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            for _ in range(30):
                await trio.sleep(0.02)
                await station.send(BEAT)
            assert node.listener.stats()["pings"] == 0


async def test_quirk_03_a_station_that_never_answered_a_ping_gets_more_time() -> None:
    async with open_node(limits=small_limits(ping_after=2, pong_within=3, silence=30)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await trio.sleep(0.2)
            assert node.listener.stats()["stations"] == 1, station
            while node.listener.stats()["stations"]:
                await trio.sleep(0.02)


async def test_an_upgrade_that_does_not_come_is_ended() -> None:
    async with open_node(limits=small_limits(handshake_seconds=0.1)) as node:
        with trio.fail_after(60):
            stream = await trio.open_tcp_stream("127.0.0.1", node.port)
            await stream.send_all(b"GET /ocpp/demo/CP1 HTTP/1.1\r\nHost")
            assert await wire.read_all(stream) == b""
            while node.listener.stats()["handshaking"]:
                await trio.sleep(0.01)


async def test_connections_are_counted_and_the_bound_holds() -> None:
    async with open_node(limits=small_limits(connections=3)) as node:
        await node.register("CP2")
        with trio.fail_after(60):
            stations = [await connect(node), await connect(node, "CP2")]
            idle = await trio.open_tcp_stream("127.0.0.1", node.port)
            while node.listener.stats()["handshaking"] < 1:
                await trio.sleep(0.01)
            beyond = await trio.open_tcp_stream("127.0.0.1", node.port)
            assert await wire.read_all(beyond) == b""
            assert node.listener.stats()["refused_busy"] == 1
            await idle.aclose()
            while node.listener.stats()["handshaking"]:
                await trio.sleep(0.01)
            assert (await stations[0].boot())["status"] == "Accepted"


async def test_a_binary_message_is_answered_and_the_connection_stays() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.stream.send_all(wire.frame(wire.BINARY, b"\x00\xff\xfe"))
            assert (await station.message())[:3] == [4, "-1", "FormationViolation"]
            assert (await station.boot())["status"] == "Accepted"


async def test_the_end_of_the_node_closes_with_1001() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            node.stop.set()
            assert await station.closed() == (1001, "the central system restarts")


# -- the newest connection wins (quirks 1 and 2) -------------------------------------------------------------------------


async def test_quirk_01_an_old_socket_that_closes_late_does_not_unregister_the_new_one() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            old = await connect(node)
            await old.boot()
            new = await connect(node)
            assert (await old.closed())[0] == 1000
            await new.boot()
            await old.stream.send_all(wire.close(1000))
            await old.aclose()
            while node.listener.stats()["connections"] > 1:
                await trio.sleep(0.01)
            assert (await new.call("Heartbeat", {}))["currentTime"]
            link = node.listener.link("demo", "CP1")
            assert link is not None
            connection = node.env.switchboard.get(link.address)
            assert connection is not None
            assert connection.generation == link.generation
            assert node.listener.stats()["replaced"] == 1


async def test_quirk_02_a_zombie_never_locks_its_station_out() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            zombies = [await connect(node) for _ in range(5)]
            station = await connect(node)
            assert (await station.boot())["status"] == "Accepted"
            assert node.listener.stats()["stations"] == 1
            assert zombies


async def test_twenty_reconnects_leave_one_connection_and_rising_generations() -> None:
    async with open_node() as node:
        generations = []
        with trio.fail_after(60):
            for _ in range(20):
                station, response = await upgrade(node, auth=basic("CP1"))
                assert response.status == 101
                await station.boot()
                link = node.listener.link("demo", "CP1")
                assert link is not None
                generations.append(link.generation)
            assert generations == sorted(set(generations))
            assert msgspec.json.encode(generations[-1]) == str(generations[-1]).encode()


async def test_idle_upgrades_give_way_to_stations() -> None:
    async with open_node(limits=small_limits(handshakes=3, dawdle_seconds=0.1, handshake_seconds=30.0)) as node:
        with trio.fail_after(60):
            idle = [await trio.open_tcp_stream("127.0.0.1", node.port) for _ in range(3)]
            while node.listener.stats()["handshaking"] < 3:
                await trio.sleep(0.01)
            await trio.sleep(0.15)
            station = await connect(node)
            assert (await station.boot())["status"] == "Accepted"
            assert await wire.read_all(idle[0]) == b""


async def test_thousands_of_refused_calls_at_once_are_answered_without_recursion() -> None:
    async with open_node(limits=small_limits(message_burst=10**6, inbound_calls=10**6)) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            count = 3000
            frames = [wire.frame(wire.TEXT, b'[2,"%d","Reset",{}]' % n) for n in range(count)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(station.stream.send_all, b"".join(frames))
                for n in range(count):
                    assert (await station.message())[1:3] == [str(n), "NotSupported"]


async def test_a_fault_of_our_own_costs_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_node() as node:
        await node.register("CP2")
        with trio.fail_after(60):
            first, second = await connect(node), await connect(node, "CP2")
            await first.boot()
            await second.boot()
            monkeypatch.setitem(inbound.READERS, "StatusNotification", _fails)
            answer = await first.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
            assert answer[2] == "InternalError"
            monkeypatch.setitem(inbound.WRITERS, datetime, _fails)
            assert (await first.call("Heartbeat", {}))[2] == "InternalError"
            monkeypatch.undo()
            assert (await first.call("Heartbeat", {}))["currentTime"]
            assert (await second.call("Heartbeat", {}))["currentTime"]
            assert node.listener.stats()["contained"] == 2


def _fails(*args: object) -> None:
    raise ZeroDivisionError("injected")


async def test_a_kernel_that_watches_no_more_sockets_costs_speed_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            first = await connect(node)
            await first.boot()
            await node.register("CP2")
            with monkeypatch.context() as full:
                full.setattr(node.listener._poller, "_epoll", _NoRoom())
                second = await connect(node, "CP2")
                await second.boot()
            assert "currentTime" in await second.call("Heartbeat", {})
            await second.aclose()
            assert "currentTime" in await first.call("Heartbeat", {})


class _NoRoom:
    closed = False

    def register(self, *_: int) -> None:
        raise OSError(errno.ENOSPC, "max_user_watches")
