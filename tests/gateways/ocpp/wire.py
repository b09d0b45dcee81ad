"""A WebSocket client of bytes: it sends exactly what a test says, and shows exactly what came back."""

import base64
import os
import struct
from typing import NamedTuple

import trio

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x12\x34\x56\x78"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = MASK) -> bytes:
    """One frame with the shortest length encoding; `mask=None` sends it unmasked."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0 if mask is None else 0x80
    if len(payload) <= 125:
        head += bytes([bit | len(payload)])
    elif len(payload) <= 0xFFFF:
        head += struct.pack("!BH", bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", bit | 127, len(payload))
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Received(NamedTuple):
    opcode: int
    fin: bool
    rsv: int
    payload: bytes


def parse(data: bytes) -> list[Received]:
    """Frames of a server (unmasked); a cut one at the end is an error."""
    frames = []
    at = 0
    while at < len(data):
        first, length = data[at], data[at + 1]
        assert not length & 0x80, "a server must not mask"
        at += 2
        if length == 126:
            (length,) = struct.unpack_from("!H", data, at)
            at += 2
        elif length == 127:
            (length,) = struct.unpack_from("!Q", data, at)
            at += 8
        assert at + length <= len(data), "cut frame"
        frames.append(Received(first & 0x0F, bool(first & 0x80), first >> 4 & 7, data[at : at + length]))
        at += length
    return frames


def upgrade(
    path: str = "/ocpp/demo/CP1", *, subprotocols: str | None = "ocpp1.6", extra: str = "", key: bytes | None = None
) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(key or os.urandom(16)).decode()}",
    ]
    if subprotocols is not None:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocols}")
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    rest: bytes


async def read_response(stream: trio.abc.Stream) -> Response:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await stream.receive_some(4096)
        if not chunk:
            break
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Response(int(first.split()[1]), headers, rest)


async def read_all(stream: trio.abc.Stream) -> bytes:
    """Until the other side closes; a reset ends it as well."""
    data = b""
    try:
        while chunk := await stream.receive_some(65536):
            data += chunk
    except trio.BrokenResourceError:
        pass
    return data


async def read_frames(stream: trio.abc.Stream, count: int, data: bytes = b"") -> list[Received]:
    """The next `count` frames (no more than that may have been sent)."""
    while True:
        try:
            frames = parse(data)
            if len(frames) >= count:
                return frames
        except (AssertionError, IndexError, struct.error):
            pass
        chunk = await stream.receive_some(65536)
        assert chunk, f"closed after {parse(data)}"
        data += chunk
