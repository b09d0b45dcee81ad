"""A WebSocket as the OCPP listener needs it: trio-websocket's connection with the data path replaced.

The stock connection costs 150-230 us a message, 20 KB and 0.8 ms of handshake (PERFORMANCE). What is kept of it: its
API, its control frames, its closing and its errors. What is new:

* a handshake that is regular in every respect is read here; an irregular one is left to the stock parser (wsproto and
  h11), which answers it as it always did;
* whole, masked, unfragmented text frames, pings and pongs are read here; from the first byte of anything else (fragments,
  compressed frames, closing, protocol errors, oversize) on, wsproto reads, until it stands between two messages again;
* a poller reads all plain sockets in one task (poller.py); the task of a connection sleeps until something comes that is not
  simple, or the connection ends;
* a message is handed to `on_text` in the task that read it (there is no `get_message`); sending never waits, so it needs
  no lock;
* the parts of the parent that an idle station never needs are built on first use (`__getattr__`).

This leans on internals of trio-websocket 0.12.2 and wsproto 1.x: the version is pinned, and tests/gateways/ocpp/
test_websocket_parity.py holds this class and the stock one against the same wire.
"""

import hashlib
import socket as stdlib_socket
import struct
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import outcome
import trio
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason as CloseCode

from gateways.ocpp.handshake import ACCEPT_GUID, BoundedDeflate, StationRequest, read_request
from gateways.ocpp.limits import COMPRESS_FROM_BYTES, HANDSHAKE_BYTES, READ_BYTES
from gateways.ocpp.poller import Poller
from gateways.ocpp.writer import SocketWriter, Spawn

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the C helper
    from websockets.utils import apply_mask

GOING_AWAY, POLICY, TRY_AGAIN = 1001, 1008, 1013
"""With which we close."""
TEXT, PING, PONG = 0x81, 0x89, 0x8A
_SIMPLE = (TEXT, PONG, PING)
_MASKED = 0x80
_SHORT = 125
_TWO_BYTES = 126
_EIGHT_BYTES = 127

_PARTS: dict[str, Callable[[Any], Any]] = {
    "_wsproto": lambda self: Connection(ConnectionType.SERVER, [] if self._deflate is None else [self._deflate]),
    "_message_parts": lambda self: [],
    "_pings": lambda self: OrderedDict(),
    "_close_handshake": lambda self: trio.Event(),
    "_open_handshake": lambda self: trio.Event(),
    "_for_testing_peer_closed_connection": lambda self: trio.Event(),
}


class StationSocket(SocketWriter, WebSocketConnection):
    """The server's side of one connection. `raw` is the socket under a plain `trio.SocketStream`, None under TLS."""

    _initial_request = None
    _id = 0
    _subprotocol: str | None = None
    _path: str | None = None
    _handshake_headers: tuple[tuple[bytes, bytes], ...] = ()
    _close_reason: CloseReason | None = None
    _connection_proposal = None
    _message_size = 0
    _deflate: BoundedDeflate | None = None
    _slow = False
    _partial: bytearray | None = None
    _needed = 0
    _parked: trio.lowlevel.Task | None = None
    """The task in `run`, while the poller reads for it."""
    silent = 0
    """Ticks of the sweeper since the last byte came in."""
    ponged = False
    pinged = False
    closing = 0
    """Ticks of the sweeper since our close frame went out; 0: it did not."""
    owner: Any = None
    """What serves this connection, for whoever sweeps over all of them."""
    crowded = False
    """Set by the receiver of messages: `on_crowded` is awaited before anything more is read."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        raw: stdlib_socket.socket | None,
        *,
        max_message_size: int,
        max_unsent: int,
        spawn: Spawn,
        scratch: memoryview | None = None,
        poller: Poller | None = None,
    ) -> None:
        # The parent's constructor is not called: it builds channels, events and parsers that few connections need.
        self._stream = stream
        self._raw = raw
        self._max_message_size = max_message_size
        self._max_unsent = max_unsent
        self._spawn = spawn
        self._scratch = scratch if scratch is not None else memoryview(bytearray(READ_BYTES))
        self._poller = poller if raw is not None else None
        self._reader_running = True
        self.on_text: Callable[[str], object] = _drop
        self.on_binary: Callable[[bytes], object] = _drop
        self.on_crowded: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint

    def __getattr__(self, name: str) -> Any:
        try:
            part = _PARTS[name](self)
        except KeyError:
            raise AttributeError(name) from None
        setattr(self, name, part)
        return part

    @property
    def is_client(self) -> bool:
        return False

    @property
    def is_server(self) -> bool:
        return True

    def client_certificate(self) -> bytes | None:
        """What the client proved itself with in TLS, as DER. After the first byte was read."""
        if not isinstance(self._stream, trio.SSLStream):
            return None
        der = self._stream.getpeercert(binary_form=True)
        return der if isinstance(der, bytes) else None

    # -- handshake -------------------------------------------------------------------------------------------------

    async def handshake(self) -> StationRequest | None:
        """The upgrade that was asked for; None when there is none to answer (refused as malformed, or gone)."""
        received = bytearray()
        while True:
            data = await self._receive()
            if not data:
                return None
            received += data
            request, answer, rest = read_request(self, received)
            if request is not None:
                self._partial = bytearray(rest) if rest else None
                return request
            if answer is not None or len(received) > HANDSHAKE_BYTES:
                await self.finish(answer or b"HTTP/1.1 431 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return None

    async def finish(self, last: bytes) -> None:
        """Send `last` and close the TCP connection: the end of an upgrade that was refused."""
        self._reader_running = False
        self._write(last)
        if self._out is not None:
            await self._drained()
        self._close_reason = CloseReason(1006, "Rejected WebSocket handshake")
        await self._close_stream()

    def open(self, request: StationRequest, subprotocol: str | None, extra: list[tuple[bytes, bytes]]) -> None:
        """Complete the handshake. permessage-deflate is agreed when offered, without context takeover: with it, a
        connection would hold 34 KB more."""
        lines = [
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            b64encode(hashlib.sha1(request.key + ACCEPT_GUID, usedforsecurity=False).digest()),
            b"\r\n",
        ]
        if subprotocol is not None:
            lines += (b"Sec-WebSocket-Protocol: ", subprotocol.encode("ascii"), b"\r\n")
        if request.extensions:
            deflate = BoundedDeflate(self._max_message_size)
            agreed = deflate.negotiate(request.extensions)
            if agreed is not None:
                self._deflate = deflate
                lines += (b"Sec-WebSocket-Extensions: ", agreed.encode("ascii"), b"\r\n")
        for name, value in extra:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        self._subprotocol = subprotocol
        self._path = request.path
        self._write(b"".join(lines))

    # -- receiving -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read until the connection ends, handing messages to `on_text` and `on_binary`."""
        if self._partial is not None:
            rest, self._partial = bytes(self._partial), None
            await self._received(rest)
        while self._reader_running:
            if self._poller is not None and not self._slow and not self.crowded:
                left = await self._parked_while_simple(self._poller)
                if left is None:
                    await self._abort_web_socket()
                    break
                await self._finish_received(left)
                continue
            data = await self._receive()
            if not data:
                await self._abort_web_socket()
                break
            self.silent = 0
            self.pinged = False
            await self._received(data)
        await self._close_stream()

    async def _parked_while_simple(self, poller: Poller) -> bytes | None:
        """The poller reads for this task until something comes that it cannot finish: that rest is returned, None when the
        connection is gone."""
        descriptor = self._raw.fileno() if self._raw is not None else -1
        if descriptor < 0:
            return None

        def abort(_: Any) -> trio.lowlevel.Abort:
            self._parked = None
            poller.forget(descriptor)
            return trio.lowlevel.Abort.SUCCEEDED

        if not poller.watch(descriptor, self._readable):
            self._poller = None
            return b""
        self._parked = trio.lowlevel.current_task()
        rest: bytes | None = await trio.lowlevel.wait_task_rescheduled(abort)
        return rest

    def _readable(self) -> None:
        """Called by the poller: read and handle what is simple, without waking the connection's task."""
        assert self._raw is not None
        try:
            count = self._raw.recv_into(self._scratch)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._unpark(outcome.Value(None))
            return
        self.silent = 0
        self.pinged = False
        try:
            rest = self._read_frames(bytes(self._scratch[:count]))
        except Exception as error:
            self._unpark(outcome.Error(error))
            return
        if self._slow or self.crowded or not self._reader_running:
            self._unpark(outcome.Value(rest))

    def _unpark(self, value: outcome.Outcome[bytes | None]) -> None:
        """The connection's task goes on. Nothing happens when it is awake."""
        task, self._parked = self._parked, None
        if task is not None and self._poller is not None and self._raw is not None:
            self._poller.forget(self._raw.fileno())
            trio.lowlevel.reschedule(task, value)

    async def _receive(self) -> bytes:
        """b"": the connection is gone, in whatever way."""
        raw = self._raw
        try:
            if raw is None:
                return bytes(await self._stream.receive_some(READ_BYTES))
            while True:
                await trio.lowlevel.wait_readable(raw)
                try:
                    count = raw.recv_into(self._scratch)
                except BlockingIOError:
                    continue
                return bytes(self._scratch[:count])
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError, ValueError):
            return b""

    async def _received(self, data: bytes) -> None:
        if not self._slow:
            data = self._read_frames(data)
        await self._finish_received(data)

    async def _finish_received(self, data: bytes) -> None:
        if self._slow:
            await self._read_slowly(data)
        if self.crowded and self._reader_running:
            await self.on_crowded()

    def _read_frames(self, data: bytes) -> bytes:
        """Handle the whole frames in `data` that are simple; an incomplete one is kept for later. What is left for
        wsproto is returned, with `_slow` set."""
        if self._partial is not None:
            self._partial += data
            if len(self._partial) < self._needed:
                return b""
            data, self._partial = bytes(self._partial), None
        at, end = 0, len(data)
        while at < end and not self._slow and self._reader_running:
            if end - at < 2:
                self._keep(data[at:], 2)
                return b""
            first, length = data[at], data[at + 1] & 0x7F
            body = at + 6
            if length > _SHORT:
                body += 2 if length == _TWO_BYTES else 8
                if end < body:
                    self._keep(data[at:], body - at)
                    return b""
                length = int.from_bytes(data[at + 2 : body - 4])
            if not data[at + 1] & _MASKED or not self._is_simple(first, length, body - at):
                self._slow = True
                break
            stop = body + length
            if stop > end:
                self._keep(data[at:], stop - at)
                return b""
            payload = apply_mask(data[body:stop], data[body - 4 : body])
            if first == TEXT:
                try:
                    text = payload.decode()
                except UnicodeDecodeError:
                    self._slow = True
                    break
                self.on_text(text)
            elif first == PONG:
                self._ponged(payload)
            else:
                self._write(bytes((PONG, length)) + payload)
            at = stop
        return data[at:]

    def _is_simple(self, first: int, length: int, header: int) -> bool:
        """A whole frame that needs no state: its kind, its shortest length encoding, its size."""
        if header == 6:
            return first in _SIMPLE
        shortest = _SHORT if header == 8 else 0xFFFF
        return first == TEXT and shortest < length <= self._max_message_size

    def _keep(self, incomplete: bytes, needed: int) -> None:
        self._partial = bytearray(incomplete)
        self._needed = needed

    def _ponged(self, payload: bytes) -> None:
        self.ponged = True
        pings = self.__dict__.get("_pings")
        while pings and payload in pings:
            key, waiter = pings.popitem(False)
            waiter.set()
            if key == payload:
                break

    async def _read_slowly(self, data: bytes) -> None:
        """wsproto's turn. What it finds is handled by the parent's own handlers."""
        protocol: Any = self._wsproto
        if self._partial is not None:
            data, self._partial = bytes(self._partial) + data, None
        if data and protocol.state is not ConnectionState.CLOSED:
            protocol.receive_data(data)
        try:
            for event in protocol.events():
                if not self._reader_running:
                    break
                await self._handle(event)
                if self.crowded and self._reader_running:
                    await self.on_crowded()  # before the next one is inflated: a read of 64 KB may hold 60 MB
        except ConnectionClosed:
            self._reader_running = False
        decoder = protocol._proto._frame_decoder
        if (
            self._reader_running
            and protocol.state is ConnectionState.OPEN
            and decoder.header is None
            and not len(decoder.buffer)
            and protocol._proto._message_decoder.opcode is None
        ):
            self._slow = False

    async def _handle(self, event: Event) -> None:
        if isinstance(event, (TextMessage, BytesMessage)):
            await self._handle_message_event(event)
        elif isinstance(event, Pong):
            self._ponged(bytes(event.payload))
        elif isinstance(event, Ping):
            if self._wsproto.state is ConnectionState.OPEN:
                await self._send(event.response())
        elif isinstance(event, CloseConnection):
            if event.code == CloseCode.MESSAGE_TOO_BIG and self._wsproto.state is ConnectionState.OPEN:
                self._too_big()
            else:
                await self._handle_close_connection_event(event)

    async def _handle_message_event(self, event: TextMessage | BytesMessage) -> None:
        if self.closing:
            return
        self._message_size += len(event.data)
        self._message_parts.append(bytes(event.data) if isinstance(event, BytesMessage) else event.data)
        if self._message_size > self._max_message_size:
            self._too_big()
        elif event.message_finished:
            parts: list[Any] = self._message_parts
            self._message_parts, self._message_size = [], 0
            if isinstance(event, TextMessage):
                self.on_text("".join(parts))
            else:
                self.on_binary(b"".join(parts))

    def _too_big(self) -> None:
        """What still comes is read and dropped until the peer answers the close frame: an unread byte at the end would
        make TCP take the close frame back."""
        self._message_size = 0
        self._message_parts = []
        self.close_soon(1009, f"Exceeded maximum message size: {self._max_message_size} bytes")

    async def _abort_web_socket(self) -> None:
        if self._close_reason is None:
            self._close_reason = CloseReason(1006, None)
        self._reader_running = False
        if "_close_handshake" in self.__dict__:
            self._close_handshake.set()

    async def _close_web_socket(self, code: int, reason: str | None = None) -> None:
        self._close_reason = CloseReason(code, reason)

    async def aclose(self, code: int = 1000, reason: str | None = None) -> None:
        """Close and wait until the other side has, too. `run` must be reading."""
        self.close_soon(code, reason or "")
        try:
            if self._reader_running:
                await self._close_handshake.wait()
        finally:
            self._unpark(outcome.Value(None))
            await self._close_stream()

    async def get_message(self) -> str | bytes:
        raise RuntimeError("messages are handed to on_text and on_binary as they come")

    # -- sending ---------------------------------------------------------------------------------------------------

    def post(self, payload: bytes) -> None:
        """Send a text message, or queue what the socket does not take at once. Raises ConnectionClosed."""
        if self._close_reason is not None:
            raise ConnectionClosed(self._close_reason)
        length = len(payload)
        if self._deflate is not None and length >= COMPRESS_FROM_BYTES:
            self._write(self._wsproto.send(TextMessage(data=payload.decode())))
        elif length <= _SHORT:
            self._write(bytes((TEXT, length)) + payload)
        elif length <= 0xFFFF:
            self._write(struct.pack("!BBH", TEXT, _TWO_BYTES, length) + payload)
        else:
            self._write(struct.pack("!BBQ", TEXT, _EIGHT_BYTES, length) + payload)

    def post_ping(self) -> None:
        self.pinged = True
        self._write(b"\x89\x00")

    def close_soon(self, code: int, reason: str) -> None:
        """Send a close frame; the peer's, the sweeper or the end of TCP finish it. Never waits."""
        if self._close_reason is not None:
            return
        self.closing = 1
        self._slow = True
        self._write(self._wsproto.send(CloseConnection(code=code, reason=reason)))
        self._close_reason = CloseReason(code, reason)

    def kill(self, code: int = 1006, reason: str = "") -> None:
        """Drop the TCP connection now."""
        if self._close_reason is None:
            self._close_reason = CloseReason(code, reason)
        self._reader_running = False
        self._unpark(outcome.Value(None))
        stream = self._stream
        while isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        if isinstance(stream, trio.SocketStream):
            stream.socket.close()

    def unplug(self) -> None:
        """Let go of whoever received messages: no cycle is left for the garbage collector."""
        self.owner = None
        self.on_text = self.on_binary = _drop
        self.on_crowded = trio.lowlevel.checkpoint

    async def _send(self, event: Event) -> None:
        self._write(self._wsproto.send(event))
        if self._out is not None:
            await self._drained()


def _drop(message: object) -> None:
    """Nobody listens yet."""
