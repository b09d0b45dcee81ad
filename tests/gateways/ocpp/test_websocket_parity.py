"""Our connection and the stock trio-websocket one, held against the same wire: what a client sees must be the same.

Each case sends raw bytes to an echo server of either kind, cut in three ways, and compares the frames that come back.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketRequest, WebSocketServer

from gateways.ocpp.poller import Poller
from gateways.ocpp.websocket import StationSocket
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close, frame, upgrade

MAX = 4096


async def _stock(listener: trio.SocketListener) -> None:
    async def echo(request: WebSocketRequest) -> None:
        ws = await request.accept(subprotocol=(request.proposed_subprotocols or (None,))[0])
        with suppress(ConnectionClosed):
            while True:
                await ws.send_message(await ws.get_message())

    await WebSocketServer(echo, [listener], max_message_size=MAX).run()


async def _ours(listener: trio.SocketListener, polling: bool = False) -> None:
    async with trio.open_nursery() as nursery:
        poller = Poller() if polling else None
        if poller is not None:
            nursery.start_soon(poller.run)

        async def serve(stream: trio.SocketStream) -> None:
            socket = StationSocket(
                stream, stream.socket._sock, max_message_size=MAX, max_unsent=1 << 20, spawn=nursery.start_soon, poller=poller
            )
            socket.on_text = lambda text: socket.post(text.encode())
            socket.on_binary = lambda data: socket._write(bytes([0x82, len(data)]) + data)
            request = await socket.handshake()
            if request is not None:
                await request.accept(subprotocol=(request.proposed_subprotocols or (None,))[0])
                await socket.run()

        await trio.serve_listeners(serve, [listener])


@asynccontextmanager
async def _server(kind: str) -> AsyncIterator[trio.SocketListener]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial({"stock": _stock, "ours": _ours, "polled": partial(_ours, polling=True)}[kind], listener))
        yield listener
        nursery.cancel_scope.cancel()


async def _connect(listener: trio.SocketListener) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])


def _pieces(data: bytes, how: str) -> list[bytes]:
    if how == "whole":
        return [data]
    if how == "bytes":
        return [data[n : n + 1] for n in range(len(data))]
    rng = random.Random(len(data))
    cuts = sorted(rng.sample(range(1, len(data)), min(4, len(data) - 1))) if len(data) > 1 else []
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


async def _exchange(listener: trio.SocketListener, sent: bytes, how: str) -> list[wire.Received]:
    with trio.fail_after(60):
        stream = await _connect(listener)
        await stream.send_all(upgrade())
        response = await wire.read_response(stream)
        assert response.status == 101
        received = bytearray(response.rest)
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                received.extend(await wire.read_all(stream))

            nursery.start_soon(read)
            with suppress(trio.BrokenResourceError):
                for part in sent.split(PAUSE):
                    for piece in _pieces(part, how) if part else ():
                        await stream.send_all(piece)
                        if how != "whole":
                            await trio.sleep(0.001 if how == "cut" else 0)
                    await trio.testing.wait_all_tasks_blocked(0.03)  # both sides are here: nobody has anything left to do
                await stream.send_eof()
        await stream.aclose()
        return wire.parse(bytes(received))


HELLO = b"hello \xc3\xa4\xe2\x82\xac"
PAUSE = b"|pause|"
"""The stock server echoes from another task: what follows waits until the echo can be out."""
BYE = PAUSE + close(1000, b"bye")
CASES = {
    "a text message": frame(TEXT, HELLO) + BYE,
    "an empty text message": frame(TEXT) + BYE,
    "125 bytes": frame(TEXT, b"a" * 125) + BYE,
    "126 bytes": frame(TEXT, b"a" * 126) + BYE,
    "many messages at once": b"".join(frame(TEXT, b"%d" % n) for n in range(20)) + BYE,
    "a binary message": frame(BINARY, b"\x00\xff\x01") + BYE,
    "another mask": frame(TEXT, HELLO, mask=b"\x00\x00\x00\x00") + frame(TEXT, HELLO, mask=b"\xff\x01\x02\x03") + BYE,
    "three fragments": frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", fin=False) + frame(CONTINUATION, b"c") + BYE,
    "fragments, then whole messages": frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(TEXT, HELLO) * 3 + BYE,
    "a character cut by a fragment": frame(TEXT, b"\xe2\x82", fin=False) + frame(CONTINUATION, b"\xac") + BYE,
    "empty fragments": frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION) + BYE,
    "binary fragments": frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xfe") + BYE,
    "a ping": frame(PING, b"are you there") + BYE,
    "an empty ping": frame(PING) + BYE,
    "a ping of 125 bytes": frame(PING, b"p" * 125) + BYE,
    "a ping between fragments": frame(TEXT, b"a", fin=False) + frame(PING, b"x") + frame(CONTINUATION, b"b") + BYE,
    "a pong nobody asked for": frame(PONG, b"x") + frame(TEXT, HELLO) + BYE,
    "a pong between fragments": frame(TEXT, b"a", fin=False) + frame(PONG, b"x") + frame(CONTINUATION, b"b") + BYE,
    "a ping of 126 bytes": frame(PING, b"p" * 126),
    "a fragmented ping": frame(PING, b"x", fin=False),
    "a message, then close at once": frame(PING) + close(1000),
    "a message inside a message": frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
    "a continuation of nothing": frame(CONTINUATION, b"a"),
    "an unmasked text": frame(TEXT, HELLO, mask=None),
    "an unmasked ping": frame(PING, b"x", mask=None),
    "good, then unmasked": frame(TEXT, HELLO) + PAUSE + frame(TEXT, HELLO, mask=None) + frame(TEXT, HELLO),
    "a reserved bit": frame(TEXT, HELLO, rsv=4),
    "the second reserved bit": frame(TEXT, HELLO, rsv=2),
    "an unknown opcode": frame(3, HELLO),
    "an unknown control opcode": frame(11, HELLO),
    "invalid UTF-8": frame(TEXT, b"a\xff\xfe"),
    "invalid UTF-8 after good": frame(TEXT, HELLO) * 2 + PAUSE + frame(TEXT, b"\xed\xa0\x80") + frame(TEXT, HELLO),
    "a message cut in a character": frame(TEXT, b"\xe2\x82"),
    "invalid UTF-8 over fragments": frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x28\xa1"),
    "a long length for a short message": b"\x81\xfe\x00\x05" + wire.MASK + b"12345",
    "eight bytes of length for a short message": b"\x81\xff" + (200).to_bytes(8, "big") + wire.MASK + b"x" * 200,
    "a negative length": b"\x81\xff" + b"\xff" * 8 + wire.MASK,
    "exactly the maximum": frame(TEXT, b"a" * MAX) + BYE,
    "the maximum in characters": frame(TEXT, "ä".encode() * MAX) + BYE,
    "close 1000": close(1000, b"done"),
    "close 1001": close(1001),
    "close 3000": close(3000, b"library"),
    "close 4999": close(4999),
    "close without a code": close(None),
    "close with one byte": frame(CLOSE, b"\x03"),
    "close 999": close(999),
    "close 1004": close(1004),
    "close 1005": close(1005),
    "close 1006": close(1006),
    "close 1016": close(1016),
    "close 5000": close(5000),
    "close with invalid UTF-8": close(1000, b"\xff\xff"),
    "close twice": BYE + close(1001),
    "a message after close": BYE + frame(TEXT, HELLO),
    "close in a fragmented message": frame(TEXT, b"a", fin=False) + BYE,
    "the end of TCP": frame(TEXT, HELLO),
    "the end of TCP inside a frame": frame(TEXT, HELLO) + frame(TEXT, HELLO)[:7],
    "the end of TCP inside a header": frame(TEXT, HELLO) + b"\x81",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["ours", "polled"])
@pytest.mark.parametrize("how", ["whole", "cut", "bytes"])
@pytest.mark.parametrize("name", CASES)
async def test_a_client_sees_the_same(name: str, how: str, kind: str) -> None:
    sent = CASES[name]
    if how == "bytes" and len(sent) > 700:
        how = "cut"
    async with _server("stock") as stock, _server(kind) as ours:
        expected = await _exchange(stock, sent, how)
        assert await _exchange(ours, sent, how) == expected


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"a" * (MAX + 1)),
        frame(TEXT, b"a" * 70_000),
        frame(TEXT, b"a" * 3000, fin=False) + frame(CONTINUATION, b"b" * 3000, fin=False),
        frame(TEXT, HELLO) + frame(BINARY, b"a" * (MAX + 1)),
    ],
    ids=["one over", "far over", "in fragments", "binary"],
)
@pytest.mark.parametrize("kind", ["stock", "ours", "polled"])
async def test_a_message_too_big_is_answered_with_1009(kind: str, sent: bytes) -> None:
    """The stock connection may lose its close frame to a TCP reset (it closes with bytes unread); ours may not."""
    async with _server(kind) as listener:
        received = await _exchange(listener, sent + BYE, "whole")
    if kind == "stock" and not received:
        return
    last = received[-1]
    assert (last.opcode, last.payload[:2]) == (CLOSE, (1009).to_bytes(2, "big"))


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, HELLO, mask=None),
        frame(TEXT, HELLO) + frame(TEXT, b"a" * 40, mask=None),
        frame(PING, b"x", mask=None),
        frame(3, HELLO),
        frame(TEXT, HELLO, rsv=4),
        frame(TEXT, b"a\xff\xfe"),
        frame(CONTINUATION, b"a"),
        b"\x81\xfe\x00\x05" + wire.MASK + b"12345",
    ],
    ids=["unmasked", "good, then unmasked", "unmasked ping", "opcode", "reserved bit", "UTF-8", "continuation", "long length"],
)
@pytest.mark.parametrize("kind", ["stock", "ours", "polled"])
async def test_a_protocol_error_ends_the_connection_at_once(kind: str, sent: bytes) -> None:
    async with _server(kind) as listener:
        with trio.fail_after(60):
            stream = await _connect(listener)
            await stream.send_all(upgrade())
            response = await wire.read_response(stream)
            await stream.send_all(sent)
            received = wire.parse(response.rest + await wire.read_all(stream))
            assert all(got.opcode == TEXT for got in received)


# -- handshake ---------------------------------------------------------------------------------------------------------

GOOD = upgrade(key=b"0123456789abcdef")
HANDSHAKES = {
    "regular": GOOD,
    "two subprotocols": upgrade(subprotocols="ocpp2.0.1, ocpp1.6"),
    "no subprotocol": upgrade(subprotocols=None),
    "repeated subprotocol header": upgrade(extra="Sec-WebSocket-Protocol: other\r\n"),
    "lower case everything": GOOD.lower().replace(b"get /", b"GET /").replace(b"http/1.1", b"HTTP/1.1"),
    "keep-alive too": GOOD.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
    "no host": GOOD.replace(b"Host: localhost\r\n", b""),
    "no key": b"\r\n".join(line for line in GOOD.split(b"\r\n") if not line.startswith(b"Sec-WebSocket-Key")),
    "no version": GOOD.replace(b"Sec-WebSocket-Version: 13\r\n", b""),
    "version 8": GOOD.replace(b"Version: 13", b"Version: 8"),
    "no upgrade": GOOD.replace(b"Upgrade: websocket\r\n", b""),
    "a plain GET": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST": GOOD.replace(b"GET", b"POST"),
    "HTTP/1.0": GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS\r\n\r\n",
    "garbage": b"hello\r\n\r\n",
    "a space before the colon": GOOD.replace(b"Host:", b"Host :"),
    "a NUL in a header": GOOD.replace(b"localhost", b"local\x00host"),
    "two hosts": upgrade(extra="Host: other\r\n"),
    "obs-fold": upgrade(extra="X-Folded: a\r\n b\r\n"),
    "a header of 20 kB": upgrade(extra="X-Long: " + "a" * 20_000 + "\r\n"),
}


@pytest.mark.parametrize("name", HANDSHAKES)
async def test_an_upgrade_is_answered_alike(name: str) -> None:
    answers = []
    for kind in ("stock", "ours"):
        async with _server(kind) as listener:
            with trio.fail_after(60):
                stream = await _connect(listener)
                await stream.send_all(HANDSHAKES[name])
                answers.append(await wire.read_response(stream))
    stock, ours = answers
    assert ours.status == stock.status
    for header in ("upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-version"):
        assert ours.headers.get(header, "").lower() == stock.headers.get(header, "").lower()


async def test_an_upgrade_may_come_in_pieces_and_with_the_first_message() -> None:
    async with _server("ours") as listener:
        with trio.fail_after(60):
            stream = await _connect(listener)
            sent = GOOD + frame(TEXT, b"early")
            for n in range(len(sent)):
                await stream.send_all(sent[n : n + 1])
            response = await wire.read_response(stream)
            (echo,) = await wire.read_frames(stream, 1, response.rest)
            assert echo.payload == b"early"
            stream = await _connect(listener)
            await stream.send_all(sent)
            response = await wire.read_response(stream)
            (echo,) = await wire.read_frames(stream, 1, response.rest)
            assert echo.payload == b"early"


async def test_quirk_07_an_upgrade_without_connection_header_is_forgiven() -> None:
    async with _server("ours") as listener:
        stream = await _connect(listener)
        await stream.send_all(GOOD.replace(b"Connection: Upgrade\r\n", b""))
        assert (await wire.read_response(stream)).status == 101


async def test_a_closing_handshake_from_our_side_is_the_stock_one() -> None:
    async with trio.open_nursery() as nursery:
        left, right = trio.testing.memory_stream_pair()
        socket = StationSocket(left, None, max_message_size=MAX, max_unsent=1 << 20, spawn=nursery.start_soon)
        await right.send_all(GOOD)
        request = await socket.handshake()
        assert request is not None
        await request.accept(subprotocol="ocpp1.6")
        nursery.start_soon(socket.run)
        await wire.read_response(right)

        async def peer() -> None:
            (received,) = await wire.read_frames(right, 1)
            assert (received.opcode, received.payload) == (CLOSE, b"\x03\xe9going away")
            await right.send_all(frame(PING, b"late") + frame(TEXT, b"late") + close(1001))

        nursery.start_soon(peer)
        with trio.fail_after(60):
            await socket.aclose(1001, "going away")
        assert socket.closed is not None
        assert socket.closed.code == 1001
        with pytest.raises(ConnectionClosed):
            socket.post(b"too late")
