"""Sockets of strangers cost no station its own: the HTTP server's room, and clients that take nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio import serve

from gateways.web import limits
from gateways.web.connections import Room, RoomConfig, bound_connections
from gateways.web.proxies import TrustedProxies

QUICK = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
FLOOD = b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n"


class App:
    """/quick answers at once, /slow when it is told, /flood with more than any buffer of the system takes."""

    def __init__(self) -> None:
        self.go_on, self.began, self.ended = trio.Event(), trio.Event(), trio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.began.set()
        if scope["path"] == "/slow":
            await self.go_on.wait()
        body = b"x" * 64_000_000 if scope["path"] == "/flood" else b"ok"
        head = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})
        self.ended.set()


@asynccontextmanager
async def serving(total: int, each: int = 0, proxies: tuple[str, ...] = ()) -> AsyncIterator[tuple[App, Room, partial[Any]]]:
    bound_connections()
    app, config, stop = App(), RoomConfig(), trio.Event()
    config.bind, config.room, config.graceful_timeout = ["127.0.0.1:0"], Room(total, each, TrustedProxies(proxies)), 1.0
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        urls = await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait, mode="asgi"))
        place = urlsplit(urls[0])
        with trio.fail_after(60):
            yield app, config.room, partial(trio.open_tcp_stream, place.hostname or "", place.port or 0)
        app.go_on.set()
        stop.set()


async def heard(stream: trio.SocketStream) -> bytes:
    """All until the server closes."""
    found = b""
    try:
        async for part in stream:
            found += part
    except trio.BrokenResourceError:
        pass
    return found


async def asked(stream: trio.SocketStream, request: bytes) -> bytes:
    """One small answer, whole."""
    await stream.send_all(request)
    found = b""
    while not found.endswith(b"ok"):
        part = await stream.receive_some()
        if not part:
            break
        found += part
    return found


async def until(room: Room, **told: int) -> None:
    while any(room.stats()[name] != count for name, count in told.items()):
        await trio.sleep(0.01)


async def test_where_there_is_no_room_the_longest_idle_gives_way_to_a_newcomer() -> None:
    async with serving(3) as (_, room, connect):
        kept = []
        for _ in range(3):
            stream = await connect()
            kept.append(stream)
            assert (await asked(stream, QUICK)).startswith(b"HTTP/1.1 200")
            await until(room, idle=len(kept))
        assert (await asked(kept[0], QUICK)).startswith(b"HTTP/1.1 200"), "the first has worked last now"
        await until(room, idle=3)
        newcomer = await connect()
        assert (await asked(newcomer, QUICK)).startswith(b"HTTP/1.1 200")
        assert await heard(kept[1]) == b"", "closed: it was idle the longest"
        assert (await asked(kept[0], QUICK)).startswith(b"HTTP/1.1 200")
        assert (await asked(kept[2], QUICK)).startswith(b"HTTP/1.1 200")
        assert (len(room), room.evicted, room.refused) == (3, 1, 0)


async def test_who_dawdles_over_header_lines_gives_way() -> None:
    async with serving(2) as (_, room, connect):
        dawdlers = [await connect() for _ in range(2)]
        for stream in dawdlers:
            await stream.send_all(b"GET /quick HTTP/1.1\r\nHost: x\r\nx-slow: ")
        await until(room, idle=2)
        assert (await asked(await connect(), QUICK)).startswith(b"HTTP/1.1 200")
        assert await heard(dawdlers[0]) == b""


async def test_work_under_way_is_not_cut_off_and_the_newcomer_is_told() -> None:
    async with serving(1) as (app, room, connect):
        worker = await connect()
        await worker.send_all(SLOW)
        await app.began.wait()
        assert (await heard(await connect())).startswith(b"HTTP/1.1 503 ")
        app.go_on.set()
        assert (await worker.receive_some()).startswith(b"HTTP/1.1 200")
        assert room.refused == 1
        await worker.aclose()
        await until(room, connections=0)
        assert (await asked(await connect(), QUICK)).startswith(b"HTTP/1.1 200"), "its place is free again"


async def test_one_address_takes_no_more_than_its_share() -> None:
    async with serving(10, each=1) as (app, room, connect):
        worker = await connect()
        await worker.send_all(SLOW)
        await app.began.wait()
        assert (await heard(await connect())).startswith(b"HTTP/1.1 503 ")
        assert len(room) == 1


async def test_a_client_that_takes_nothing_of_its_answer_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNREAD_SECONDS", 0.2)
    async with serving(5) as (app, room, connect):
        stream = await connect()
        await stream.send_all(FLOOD)
        await app.ended.wait()
        await until(room, connections=0)
        assert room.unread == 1
        assert (await asked(await connect(), QUICK)).startswith(b"HTTP/1.1 200")


async def test_a_proxy_of_the_operators_own_brings_everybody_and_has_no_share() -> None:
    async with serving(10, each=1, proxies=("127.0.0.0/8",)) as (app, room, connect):
        worker = await connect()
        await worker.send_all(SLOW)
        await app.began.wait()
        assert (await asked(await connect(), QUICK)).startswith(b"HTTP/1.1 200")
        assert room.refused == 0


async def test_who_speaks_http_2_is_told_that_nobody_does_and_let_go() -> None:
    """A connection that was promised HTTP/2 counted as busy, and stayed for ever without a word."""
    async with serving(5) as (_, room, connect):
        stream = await connect()
        await stream.send_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert (await heard(stream)).startswith(b"HTTP/1.1 505 ")
        await until(room, connections=0)
        offered = (
            b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"
        )
        assert (await asked(await connect(), offered)).startswith(b"HTTP/1.1 200"), "an offer may be declined"
        assert room.failed == 0


@pytest.mark.parametrize("path", [b"/\xff", b"/quick"])
async def test_no_frame_of_http_2_ends_the_server(path: bytes) -> None:
    """A path that is not ASCII, and a body that goes on after the answer, once ended the node."""
    async with serving(5) as (_, _, connect):
        stream = await connect()
        told = H2Connection(H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False))
        told.initiate_connection()
        told.send_headers(1, [(b":method", b"POST"), (b":path", path), (b":scheme", b"http"), (b":authority", b"x")])
        told.send_data(1, b"more")
        await stream.send_all(told.data_to_send())
        await heard(stream)
        assert (await asked(await connect(), QUICK)).startswith(b"HTTP/1.1 200")


async def test_what_goes_wrong_in_one_connection_ends_that_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    create = H11Protocol._create_stream

    async def breaking(self: Any, request: Any) -> None:
        if request.target == b"/poison":
            raise KeyError("poison")
        await create(self, request)

    monkeypatch.setattr(H11Protocol, "_create_stream", breaking)
    async with serving(5) as (app, room, connect):
        neighbour = await connect()
        await neighbour.send_all(SLOW)
        await app.began.wait()
        stream = await connect()
        await stream.send_all(b"GET /poison HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await heard(stream) == b""
        await until(room, connections=1, failed=1)
        app.go_on.set()
        assert (await neighbour.receive_some()).startswith(b"HTTP/1.1 200")
