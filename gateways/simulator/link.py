"""One WebSocket of one virtual station, with OCPP-J's calls on it.

The WebSocket is the sans-IO client of `websockets`, another implementation than the one our listener stands on. The
station's side of the rules: at most one CALL of its own outstanding, answers matched by unique id, calls of the central
system answered as they come. It can also misbehave on purpose: send raw text, cut the line without a
goodbye, or abandon the socket so that the other side keeps a zombie.
"""

import base64
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec
import trio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from gateways.simulator import limits
from gateways.simulator.memory import Tls

CALL, RESULT, ERROR = 2, 3, 4

Handler = Callable[[str, dict[str, Any]], Awaitable["Answer"]]


class Answer(msgspec.Struct, frozen=True):
    """What a station says to a CALL, and what it does right after having said it."""

    payload: dict[str, Any] | None
    then: Callable[[], Awaitable[None]] | None = None
    error: tuple[str, str] | None = None


class LinkLost(Exception):
    """The connection ended, or its answer did not come, before the call was answered. Its fate is unknown."""


class Refused(Exception):
    """The server did not open the WebSocket: HTTP `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status} before the upgrade")
        self.status = status


class CallError(Exception):
    """The central system answered CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Line(Protocol):
    """What a station needs of its connection, WebSocket or SOAP."""

    closed: trio.Event
    reason: str

    async def call(
        self, action: str, payload: dict[str, Any], unique_id: str, *, copies: int = 1, slow: bool = False
    ) -> dict[str, Any]: ...
    async def send_raw(self, text: str) -> None: ...
    async def close(self) -> None: ...
    async def cut(self, reason: str = "cut") -> None: ...
    def abandon(self) -> trio.abc.AsyncResource | None: ...
    def mute(self) -> None: ...
    def unmute(self) -> None: ...


class Link:
    """`link = await Link.open(nursery, ...)`: its reader lives in that nursery and ends with the socket."""

    def __init__(self, stream: trio.abc.Stream, protocol: ClientProtocol, handler: Handler) -> None:
        self._stream = stream
        self._protocol = protocol
        self._handler = handler
        self._turn = trio.Lock()
        self._writing = trio.Lock()
        self._waiting: dict[str, tuple[trio.Event, list[Any]]] = {}
        self._fragments: list[bytes] = []
        self._voice = trio.Event()
        self._voice.set()
        self._scope = trio.CancelScope()
        self.closed = trio.Event()
        self.reason = ""
        self.strange = 0
        """Frames that match nothing: answers to calls long given up, or errors about frames that were garbage."""

    @classmethod
    async def open(
        cls,
        nursery: trio.Nursery,
        url: str,
        identity: str,
        handler: Handler,
        *,
        password: str | None = None,
        protocol: str = "ocpp1.6",
        tls: Tls = Tls(),
        slow: bool = False,
    ) -> "Link":
        """Connect to `url/identity`. Raises Refused, or OSError and LinkLost when there is no server to talk to."""
        target = f"{url.rstrip('/')}/{quote(identity, safe='')}"
        with trio.move_on_after(limits.CONNECT_TIMEOUT):
            stream = await connect(target, tls)
            try:
                sans_io = ClientProtocol(parse_uri(target), subprotocols=[protocol], max_size=limits.FRAME_MOST)  # type: ignore[list-item]
                await _shake_hands(stream, sans_io, identity, password, slow)
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            link = cls(stream, sans_io, handler)
            nursery.start_soon(link._read, nursery)
            return link
        raise LinkLost(f"{url} did not answer within {limits.CONNECT_TIMEOUT:.0f} s")

    async def call(
        self, action: str, payload: dict[str, Any], unique_id: str, *, copies: int = 1, slow: bool = False
    ) -> dict[str, Any]:
        """Send a CALL (`copies` > 1: the same frame again at once; `slow`: byte by byte) and wait for its answer."""
        async with self._turn:
            if self.closed.is_set():
                raise LinkLost(self.reason)
            arrived = trio.Event()
            slot: list[Any] = []
            self._waiting[unique_id] = (arrived, slot)
            try:
                frame = msgspec.json.encode([CALL, unique_id, action, payload]).decode()
                with trio.move_on_after(limits.CALL_TIMEOUT):
                    for _ in range(copies):
                        await self.send_raw(frame, slow=slow)
                    await arrived.wait()
            finally:
                del self._waiting[unique_id]
        if not slot:
            if not self.closed.is_set():
                await self.cut("no answer in time")
            raise LinkLost(self.reason)
        kind, *rest = slot[0]
        if kind == ERROR:
            raise CallError(str(rest[0]), str(rest[1]) if len(rest) > 1 else "")
        return rest[0] if isinstance(rest[0], dict) else {}

    async def send_raw(self, text: str, *, slow: bool = False) -> None:
        """Anything at all, garbage included."""
        await self._voice.wait()
        if self._protocol.state is not State.OPEN:
            self._end(self.reason or "connection lost")
            raise LinkLost(self.reason)
        self._protocol.send_text(text.encode())
        try:
            await self._flush(slow)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end("connection lost")
            raise LinkLost(self.reason) from None

    async def _flush(self, slow: bool = False) -> None:
        """Frames are taken from the protocol under the lock, so that they leave in the order they were made."""
        async with self._writing:
            for data in self._protocol.data_to_send():
                if data and slow:
                    await send_in_dribs(self._stream, data)
                elif data:
                    await self._stream.send_all(data)
                elif isinstance(self._stream, trio.SocketStream):
                    await self._stream.send_eof()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """The polite way: close frame, its echo, end."""
        with trio.move_on_after(2), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
                await self._flush()
                await self.closed.wait()
        self._end("closed")
        await trio.aclose_forcefully(self._stream)

    async def cut(self, reason: str = "cut") -> None:
        """Power loss with a network that notices: the TCP connection ends, without a close frame."""
        self._end(reason)
        await trio.aclose_forcefully(self._stream)

    def abandon(self) -> trio.abc.Stream:
        """Power loss that nobody notices: nothing is read or answered any more, pings included, and the socket
        stays open as long as the caller keeps what is returned."""
        self._end("abandoned")
        return self._stream

    def mute(self) -> None:
        """From now on nothing is read and nothing sent, pings included; the socket stays open."""
        self._voice = trio.Event()

    def unmute(self) -> None:
        self._voice.set()

    def _end(self, reason: str) -> None:
        if not self.closed.is_set():
            self.reason = reason
            self.closed.set()
            self._voice.set()
            for arrived, _ in self._waiting.values():
                arrived.set()
        self._scope.cancel()

    async def _read(self, nursery: trio.Nursery) -> None:
        with self._scope:
            try:
                while data := await self._stream.receive_some():
                    await self._voice.wait()
                    self._protocol.receive_data(data)
                    self._events(self._protocol.events_received(), nursery)
                    await self._flush()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            close = self._protocol.close_rcvd
            self._end(f"closed by the server: {close.code} {close.reason}".rstrip() if close else "connection lost")

    def _events(self, events: Sequence[Any], nursery: trio.Nursery) -> None:
        """Pings and closes are answered inside the protocol; what is left are texts, whole or in pieces."""
        for frame in events:
            if isinstance(frame, Frame) and frame.opcode in (Opcode.TEXT, Opcode.CONT):
                self._fragments.append(bytes(frame.data))
                if frame.fin:
                    text, self._fragments = b"".join(self._fragments), []
                    self._take(text, nursery)

    def _take(self, text: Any, nursery: trio.Nursery) -> None:
        try:
            frame = msgspec.json.decode(text)
            kind, unique_id = frame[0], frame[1]
        except (msgspec.DecodeError, IndexError, TypeError, KeyError):
            self.strange += 1
            return
        if kind == CALL and len(frame) >= 3:
            nursery.start_soon(self._answer, unique_id, str(frame[2]), frame[3] if len(frame) > 3 else {})
        elif kind in (RESULT, ERROR) and unique_id in self._waiting:
            arrived, slot = self._waiting[unique_id]
            slot.append([kind, *frame[2:]])
            arrived.set()
        else:
            self.strange += 1

    async def _answer(self, unique_id: str, action: str, payload: dict[str, Any]) -> None:
        answer = await self._handler(action, payload)
        with suppress(LinkLost):
            if answer.error is not None:
                frame: list[Any] = [ERROR, unique_id, *answer.error, {}]
            else:
                frame = [RESULT, unique_id, answer.payload]
            await self.send_raw(msgspec.json.encode(frame).decode())
            if answer.then is not None:
                await answer.then()


async def connect(target: str, tls: Tls) -> trio.abc.Stream:
    """A TCP connection to the host of a URL, with TLS for `wss` and `https`. Raises OSError."""
    parts = urlsplit(target)
    secure = parts.scheme in ("wss", "https")
    host = parts.hostname or ""
    stream = await trio.open_tcp_stream(host, parts.port or (443 if secure else 80))
    if not secure:
        return stream
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.own is not None:
        with tempfile.NamedTemporaryFile() as file:  # the ssl module reads keys from files only
            file.write(tls.own)
            file.flush()
            context.load_cert_chain(file.name)
    elif tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)


async def send_in_dribs(stream: trio.abc.SendStream, data: bytes) -> None:
    for at in range(0, len(data), limits.DRIB_BYTES):
        await stream.send_all(data[at : at + limits.DRIB_BYTES])
        await trio.sleep(limits.DRIB_PAUSE)


async def _shake_hands(stream: trio.abc.Stream, sans_io: ClientProtocol, identity: str, password: str | None, slow: bool) -> None:
    request = sans_io.connect()
    if password is not None:
        request.headers["Authorization"] = basic(identity, password)
    sans_io.send_request(request)
    try:
        greeting = b"".join(sans_io.data_to_send())
        await (send_in_dribs(stream, greeting) if slow else stream.send_all(greeting))
        while sans_io.state is State.CONNECTING:
            data = await stream.receive_some()
            if data:
                sans_io.receive_data(data)
            else:
                sans_io.receive_eof()
            if sans_io.handshake_exc is not None:
                break
    except (trio.BrokenResourceError, ssl.SSLError) as error:
        raise LinkLost(f"the connection ended during the handshake: {error.__cause__ or error}") from None
    response = next((event for event in sans_io.events_received() if isinstance(event, Response)), None)
    problem = sans_io.handshake_exc
    if isinstance(problem, InvalidStatus) or (response is not None and response.status_code != 101):
        raise Refused(response.status_code if response is not None else 0)
    if problem is not None:
        raise LinkLost(f"no WebSocket here: {problem if isinstance(problem, InvalidHandshake) else type(problem).__name__}")
    if sans_io.subprotocol is None:
        raise LinkLost("the server agrees to none of the station's versions of OCPP")


def basic(identity: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode()
