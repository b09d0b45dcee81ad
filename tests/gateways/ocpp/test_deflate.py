"""permessage-deflate: agreed when offered, without context takeover, and no way to make a little into a lot."""

import tracemalloc
import zlib

import trio
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection

from gateways.ocpp.handshake import BoundedDeflate
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import basic, connect, open_node, small_limits, upgrade

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def compressed(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(data + b"\x00\x00\xff\xff")


async def test_it_is_agreed_when_offered_and_only_then() -> None:
    async with open_node() as node:
        _, response = await upgrade(node, extra=OFFER)
        agreed = response.headers["sec-websocket-extensions"]
        assert agreed.startswith("permessage-deflate;")
        assert "client_no_context_takeover" in agreed
        assert "server_no_context_takeover" in agreed
        _, response = await upgrade(node)
        assert "sec-websocket-extensions" not in response.headers


def test_offers_that_cannot_be_met_are_passed_over() -> None:
    for offers, agreed in (
        (["permessage-deflate; server_max_window_bits=10"], True),
        (["permessage-deflate; server_max_window_bits=8", "permessage-deflate"], True),
        (["permessage-deflate; server_max_window_bits=7"], False),
        (["permessage-deflate; server_max_window_bits=abc"], False),
        (["permessage-deflate; unheard_of"], False),
        (["x-webkit-deflate-frame"], False),
    ):
        assert (BoundedDeflate(1000).negotiate(offers) is not None) == agreed, offers


async def test_compressed_plain_and_fragmented_messages_mix() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node, extra=OFFER)
            beat = b'[2,"%d","Heartbeat",{}]'
            await station.boot()
            for n in range(3):
                await station.stream.send_all(wire.frame(wire.TEXT, compressed(beat % n), rsv=4))
                assert (await station.message())[1] == str(n)
                await station.stream.send_all(wire.frame(wire.TEXT, beat % (n + 10)))
                assert (await station.message())[1] == str(n + 10)
            whole = compressed(beat % 99)
            half = len(whole) // 2
            await station.stream.send_all(wire.frame(wire.TEXT, whole[:half], rsv=4, fin=False) + wire.frame(wire.PING))
            assert (await station.frame()).opcode == wire.PONG
            await station.stream.send_all(wire.frame(wire.CONTINUATION, whole[half:]))
            assert (await station.message())[1] == "99"


async def test_long_answers_are_compressed_and_short_ones_are_not() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node, extra=OFFER)
            await station.send('[2,"' + "x" * 200 + '","Nonsense",{}]')
            assert (await station.frame()).rsv == 0
            link = node.listener.link("demo", "CP1")
            assert link is not None
            link.socket.post(b'"' + b"long " * 1000 + b'"')
            answer = await station.frame()
            assert answer.rsv == 4
            assert len(answer.payload) < 200
            assert inflated(answer.payload).count(b"long") == 1000


async def test_a_bomb_is_closed_with_1009_before_it_is_inflated() -> None:
    async with open_node(limits=small_limits(message_bytes=100_000)) as node:
        with trio.fail_after(60):
            station = await connect(node, extra=OFFER)
            bomb = compressed(b" " * 50_000_000)
            assert len(bomb) < 60_000
            await station.stream.send_all(wire.frame(wire.TEXT, bomb, rsv=4))
            assert (await station.closed())[0] == 1009


def test_a_bomb_is_never_inflated_beyond_the_bound() -> None:
    deflate = BoundedDeflate(100_000)
    assert deflate.negotiate(["permessage-deflate"])
    connection = Connection(ConnectionType.SERVER, [deflate])
    bomb = compressed(b" " * 50_000_000)
    tracemalloc.start()
    connection.receive_data(wire.frame(wire.TEXT, bomb, rsv=4))
    events = list(connection.events())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(events[-1], CloseConnection)
    assert events[-1].code == 1009
    assert peak < 2_000_000


async def test_rubbish_that_claims_to_be_compressed_ends_only_that_connection() -> None:
    async with open_node() as node:
        await node.register("CP2")
        with trio.fail_after(60):
            bad = await connect(node, extra=OFFER)
            good = await connect(node, "CP2", auth=basic("CP2"), extra=OFFER)
            await bad.stream.send_all(wire.frame(wire.TEXT, b"\xff\xfe\xfd not deflate", rsv=4))
            await bad.closed()
            assert (await good.boot())["status"] == "Accepted"


async def test_many_small_frames_that_inflate_to_much_are_read_no_faster_than_they_are_handled() -> None:
    async with open_node(limits=small_limits(inbound_calls=4)) as node:
        with trio.fail_after(60):
            station = await connect(node, extra=OFFER)
            await station.boot()
            node.store.away = True
            status = b'[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]'
            padded = b'[2,"%d","DataTransfer",{"vendorId":"v","data":"' + b"x" * 200_000 + b'"}]'
            frames = [wire.frame(wire.TEXT, compressed(status), rsv=4)]
            frames += [wire.frame(wire.TEXT, compressed(padded % n), rsv=4) for n in range(100)]
            await station.stream.send_all(b"".join(frames))
            link = node.listener.link("demo", "CP1")
            assert link is not None
            while len(link._rpc.inbound or ()) < 4:
                await trio.sleep(0.01)
            await trio.sleep(0.1)
            assert link._rpc.inbound is not None
            assert len(link._rpc.inbound) <= 5
            node.store.away = False
            answered = [(await station.message())[1] for _ in frames]
            assert answered == ["s", *map(str, range(100))]
