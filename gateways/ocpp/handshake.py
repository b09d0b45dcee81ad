"""The WebSocket upgrade, read lean: 10,000 stations that reconnect at once pay for it once each.

A request that is regular in every respect is read here. Whatever is not, goes to the stock parser (wsproto on h11), which
either understands it after all or gives the answer that trio-websocket has always given. One thing is forgiven on
purpose: a missing or odd `Connection` header beside `Upgrade: websocket` (quirk 7).
"""

import re
import zlib
from typing import TYPE_CHECKING

from trio_websocket import WebSocketRequest
from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import RejectConnection, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from gateways.ocpp.websocket import StationSocket

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST_LINE = re.compile(rb"GET ([\x21-\x7e]+) HTTP/1\.1\Z")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\x20-\x7e\t]*)\Z")
"""Blanks around the value are taken off afterwards: an expression that skips them itself can take hours over a line of them."""
_BLANKS = re.compile(rb"[ \t]{16,}")
"""So many blanks mean no more than one, but h11 takes a second for a header of them that ends in a NUL."""
_KEY = re.compile(rb"[+/0-9A-Za-z]{22}==\Z")
_SINGLE = frozenset({b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version"})
_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_DEFLATE_PARAMETERS = frozenset(
    {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"}
)
_REASONS = {401: b"Unauthorized", 404: b"Not Found", 429: b"Too Many Requests", 503: b"Service Unavailable"}


class StationRequest(WebSocketRequest):
    """An upgrade that waits for an answer."""

    _connection: "StationSocket"

    def __init__(self, connection: "StationSocket", event: Request, key: bytes) -> None:
        super().__init__(connection, event)
        self.key = key
        self.extensions: list[str] = list(event.extensions)  # type: ignore[arg-type]

    def header(self, name: bytes) -> bytes | None:
        """The first header of that (lower-case) name."""
        for header, value in self.headers:
            if header == name:
                return bytes(value)
        return None

    async def accept(
        self, *, subprotocol: str | None = None, extra_headers: list[tuple[bytes, bytes]] | None = None
    ) -> "StationSocket":
        self._connection.open(self, subprotocol, extra_headers or [])
        return self._connection

    async def reject(
        self, status_code: int, *, extra_headers: list[tuple[bytes, bytes]] | None = None, body: bytes | None = None
    ) -> None:
        body = body or b""
        lines = [b"HTTP/1.1 %d %s" % (status_code, _REASONS.get(status_code, b""))]
        lines += [b"%s: %s" % header for header in extra_headers or ()]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", body]
        await self._connection.finish(b"\r\n".join(lines))


def read_request(socket: "StationSocket", received: bytearray) -> tuple[StationRequest | None, bytes | None, bytes]:
    """(request, None, bytes after it), (None, the answer to what is wrong, b"") or (None, None, b""): not yet whole."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return (None, *_irregular_so_far(received))
    event = _regular(bytes(received[:end]))
    rest = bytes(received[end + 4 :])
    if event is None:
        stock = _stock(bytes(received))
        if stock is None or isinstance(stock, bytes):
            return None, stock, b""
        event, rest = stock
    key = next(value for name, value in event.extra_headers if name == b"sec-websocket-key")
    return StationRequest(socket, event, bytes(key)), None, rest


def _irregular_so_far(received: bytearray) -> tuple[bytes | None, bytes]:
    """Nothing that starts like this becomes an HTTP request any more: do not wait for the rest."""
    if received[:4] == b"GET "[: len(received)]:
        return None, b""
    answer = _stock(bytes(received))
    return (answer if isinstance(answer, bytes) else None), b""


def _regular(head: bytes) -> Request | None:
    lines = head.split(b"\r\n")
    target = _REQUEST_LINE.match(lines[0])
    if target is None:
        return None
    headers: list[tuple[bytes, bytes]] = []
    seen: dict[bytes, bytes] = {}
    extensions: list[str] = []
    subprotocols: list[str] = []
    for line in lines[1:]:
        match = _HEADER.match(line)
        if match is None:
            return None
        name, value = match[1].lower(), match[2].strip(b" \t")
        if name in _BODY or (name in _SINGLE and name in seen):
            return None
        seen[name] = value
        if name == b"sec-websocket-protocol":
            subprotocols += [part.strip() for part in value.decode("ascii").split(",")]
        elif name == b"sec-websocket-extensions":
            extensions += [part.strip() for part in value.decode("ascii").split(",")]
        elif name != b"host":
            headers.append((name, value))
    if (
        seen.get(b"upgrade", b"").lower() != b"websocket"
        or seen.get(b"sec-websocket-version") != b"13"
        or b"host" not in seen
        or not _KEY.match(seen.get(b"sec-websocket-key", b""))
    ):
        return None
    return Request(
        host=seen[b"host"].decode("ascii"),
        target=target[1].decode("ascii"),
        extensions=extensions,
        extra_headers=headers,
        subprotocols=subprotocols,
    )


def _stock(received: bytes) -> tuple[Request, bytes] | bytes | None:
    """What trio-websocket makes of it: a request with what follows it, an answer, or None (it wants more)."""
    protocol = WSConnection(ConnectionType.SERVER)
    head, end, rest = received.partition(b"\r\n\r\n")
    try:
        protocol.receive_data(_BLANKS.sub(b" ", head) + end + rest)
        for event in protocol.events():
            if isinstance(event, Request):
                return event, rest
    except RemoteProtocolError as error:
        return bytes(protocol.send(error.event_hint or RejectConnection()))
    except (UnicodeError, ValueError):
        return bytes(protocol.send(RejectConnection()))
    return None


class BoundedDeflate(PerMessageDeflate):
    """permessage-deflate without context takeover whose messages cannot grow beyond a bound: a few kilobytes on the wire
    may be gigabytes inflated."""

    def __init__(self, max_message_size: int) -> None:
        super().__init__(client_no_context_takeover=True, server_no_context_takeover=True)
        self._bound = max_message_size
        self._room = max_message_size

    def negotiate(self, offers: list[str]) -> str | None:
        """The header value that answers the first acceptable offer (RFC 7692 section 5.1), None without one."""
        for offer in offers:
            name, *parameters = [part.strip() for part in offer.split(";")]
            if name != self.name or any(p.split("=")[0].strip() not in _DEFLATE_PARAMETERS for p in parameters):
                continue
            try:
                agreed = self.accept(offer.replace('"', ""))
            except ValueError:
                continue
            if isinstance(agreed, str):
                return f"{self.name}; {agreed}"
        return None

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        if opcode.iscontrol() and not rsv.rsv1:
            # wsproto 1.3 forgets here that it stands inside a compressed message: a ping between fragments broke it.
            self._inbound_is_compressible = False
            return RsvBits(False, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        if not self._inbound_compressed or not self._inbound_is_compressible:
            return data
        assert self._decompressor is not None
        try:
            inflated = self._decompressor.decompress(bytes(data), self._room + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._room -= len(inflated)
        return CloseReason.MESSAGE_TOO_BIG if self._room < 0 or self._decompressor.unconsumed_tail else inflated

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        if not self._inbound_is_compressible:
            return None
        if fin:
            self._room = self._bound
        return super().frame_inbound_complete(proto, fin)
