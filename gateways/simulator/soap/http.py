"""As much HTTP/1.1 as SOAP needs, on h11: one kept connection out, and one server for the callbacks of a whole fleet."""

import gzip
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11
import trio

from gateways.simulator import limits
from gateways.simulator.link import connect, send_in_dribs
from gateways.simulator.memory import Tls

Headers = list[tuple[str, str]]
_CHUNK = 16 << 10


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


class Client:
    """POSTs to one URL, one after the other, over one connection as long as the server keeps it."""

    def __init__(self, url: str, headers: Headers, tls: Tls) -> None:
        self.url = url
        parts = urlsplit(url)
        self._path = parts.path or "/"
        self._headers = [("Host", parts.netloc.rpartition("@")[2]), ("Accept-Encoding", "gzip, deflate"), *headers]
        self._tls = tls
        self._stream: trio.abc.Stream | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def post(self, body: bytes, headers: Headers, *, slow: bool = False) -> Reply:
        """Raises OSError or EOFError when the server is not there or goes away. A connection that the server closed while
        nobody used it is opened again, once."""
        for fresh in (False, True):
            kept = self._stream is not None
            try:
                return await self._exchange(body, headers, slow)
            except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError) as error:
                await self.close()
                if fresh or not kept:
                    raise EOFError(str(error) or "the server closed the connection") from None
            except BaseException:  # given up half way: what the server still says would be taken for the next answer
                await self.close()
                raise
        raise AssertionError("unreachable")

    async def _exchange(self, body: bytes, headers: Headers, slow: bool) -> Reply:
        if self._stream is None:
            self._stream = await connect(self.url, self._tls)
            self._http = h11.Connection(h11.CLIENT)
        http, stream = self._http, self._stream
        wanted = [*self._headers, *headers, ("Content-Length", str(len(body)))]
        data = http.send(h11.Request(method="POST", target=self._path, headers=wanted)) or b""
        data += http.send(h11.Data(data=body)) or b""
        http.send(h11.EndOfMessage())
        await (send_in_dribs(stream, data) if slow else stream.send_all(data))
        reply = await _read_response(http, stream)
        if http.our_state is h11.DONE and http.their_state is h11.DONE:
            http.start_next_cycle()
        else:
            await self.close()
        return reply

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)


async def _next(http: h11.Connection, stream: trio.abc.Stream) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(bytes(await stream.receive_some(_CHUNK)))
    return event


async def _read_response(http: h11.Connection, stream: trio.abc.Stream) -> Reply:
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = await _next(http, stream)
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > limits.SOAP_BODY_MOST:
                raise EOFError("the answer is too large")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return Reply(head.status_code, inflate(bytes(body), _header(head, b"content-encoding")))
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError("the server closed the connection")


def _header(head: h11.Request | h11.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in head.headers if key == name), "")


def inflate(body: bytes, encoding: str) -> bytes:
    """Raises EOFError on what is no such encoding, or grows beyond all bounds."""
    if encoding not in ("gzip", "deflate"):
        return body
    stream = zlib.decompressobj(31 if encoding == "gzip" else 15)
    try:
        plain = stream.decompress(body, limits.SOAP_BODY_MOST)
    except zlib.error as error:
        raise EOFError(f"{encoding}: {error}") from None
    if stream.unconsumed_tail:
        raise EOFError("the body is too large")
    return plain


def compress(body: bytes) -> bytes:
    return gzip.compress(body, 1)


# -- the stations' server ----------------------------------------------------------------------------------------

Handler = Callable[[bytes], Awaitable["Served | None"]]


@dataclass(frozen=True)
class Served:
    """What a station answers, and does right after. None instead of one: nobody is there, the connection is closed."""

    status: int
    body: bytes
    then: Callable[[], Awaitable[None]] | None = None


class Callbacks:
    """The address at which stations can be called: one listener, a path each. `await nursery.start(callbacks.serve)`."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._handlers: dict[str, Handler] = {}
        self.port = 0

    def address(self, identity: str) -> str:
        return f"http://{self._host}:{self.port}/{identity}"

    def register(self, identity: str, handler: Handler) -> None:
        self._handlers[identity] = handler

    def forget(self, identity: str) -> None:
        self._handlers.pop(identity, None)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host=self._host)
            self.port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, self._connection, listeners)
            task_status.started()

    async def _connection(self, stream: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.SOAP_HEADER_MOST)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError, EOFError):
            while True:
                with trio.move_on_after(limits.SOAP_SERVER_IDLE) as idle:
                    asked = await _read_request(http, stream)
                if idle.cancelled_caught or asked is None:
                    return
                path, body = asked
                handler = self._handlers.get(path.strip("/"))
                served = await handler(body) if handler is not None else None
                if served is None:
                    return
                head = h11.Response(
                    status_code=served.status,
                    headers=[("Content-Type", "application/soap+xml; charset=utf-8"), ("Content-Length", str(len(served.body)))],
                )
                data = (http.send(head) or b"") + (http.send(h11.Data(data=served.body)) or b"")
                http.send(h11.EndOfMessage())
                await stream.send_all(data)
                if served.then is not None:
                    await served.then()
                if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
                    return
                http.start_next_cycle()


async def _read_request(http: h11.Connection, stream: trio.abc.Stream) -> tuple[str, bytes] | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = await _next(http, stream)
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > limits.SOAP_BODY_MOST:
                raise EOFError("the request is too large")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return head.target.decode("latin-1"), inflate(bytes(body), _header(head, b"content-encoding"))
        elif isinstance(event, h11.ConnectionClosed):
            return None
