"""Memory under abuse: fuzzed frames and reconnects must not grow the node.

Frames are seeded mutations of valid ones. The node may answer errors and close sockets; it must keep serving.
"""

import base64
import json
import os
import random
import socket
import time
from typing import Any

from tests.bench.node import PASSWORD, TENANT, Node, rss_bytes

VALID = [
    b'[2,"1","Heartbeat",{}]',
    b'[2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]',
    b'[2,"3","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
    b'[2,"4","Authorize",{"idTag":"ABC"}]',
    b'[2,"5","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"1"}]}]}]',
    b'[2,"6","StopTransaction",{"transactionId":-1,"meterStop":5,"timestamp":"2026-01-01T00:00:00Z"}]',
    b'[3,"7",{"status":"Accepted"}]',
    b'[4,"8","InternalError","",{}]',
]


STATIONS = 200
FRAMES_PER_SECOND = 25
"""Of one station: half of what the node accepts without slowing it down."""


def heard(node: Node) -> int:
    """Frames that the node has read so far: CALLs, answers, and what it could not read."""
    names = ("calls_in", "answers_in", "answers_late", "malformed")
    return sum(int(node.metric(f"voltroupe_ocpp_{name}_total") or 0) for name in names)


def mutate(rng: random.Random) -> bytes:
    frame = bytearray(rng.choice(VALID))
    for _ in range(rng.randint(0, 4)):
        kind = rng.randrange(4)
        at = rng.randrange(len(frame)) if frame else 0
        if kind == 0 and frame:
            frame[at] = rng.randrange(256)
        elif kind == 1 and frame:
            del frame[at : at + rng.randint(1, 8)]
        elif kind == 2:
            frame[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
        else:
            frame[at:at] = b"[" * rng.randint(1, 50)
    return bytes(frame)


def text_frame(payload: bytes) -> bytes:
    n = len(payload)
    head = bytes((0x81, 0x80 | n)) if n < 126 else bytes((0x81, 0xFE)) + n.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def connect(port: int, station: str) -> socket.socket:
    auth = base64.b64encode(f"{station}:{PASSWORD}".encode()).decode()
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET /ocpp/{TENANT}/{station} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {auth}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = sock.recv(4096)
        if not chunk:
            raise ConnectionError(head.decode(errors="replace"))
        head += chunk
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise ConnectionError(head.split(b"\r\n", 1)[0].decode(errors="replace"))
    return sock


def drain(sock: socket.socket) -> bool:
    """Read what is there; False once the server has closed."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        sock.settimeout(20)


def fuzz_growth(node: Node, frames: int, reconnects: int, seed: int = 20261122) -> dict[str, Any]:
    """Warm up with a tenth, then measure what the rest adds to the node's RSS."""
    rng = random.Random(seed)
    print(f"fuzz seed {seed}", flush=True)
    refused = 0

    def frames_round(count: int) -> None:
        """Over many stations at once, slower than the node throttles, so that every frame is read."""
        nonlocal refused
        sockets: dict[int, socket.socket] = {}
        for begin in range(0, count, STATIONS):
            due = time.perf_counter() + 1 / FRAMES_PER_SECOND
            for n in range(min(STATIONS, count - begin)):
                try:
                    if n not in sockets:
                        sockets[n] = connect(node.ocpp_port, f"B{n:06d}")
                    sockets[n].sendall(text_frame(mutate(rng)))
                except OSError:
                    refused += n not in sockets
                    sockets.pop(n, None)
            time.sleep(max(0.0, due - time.perf_counter()))
            for n in [n for n, sock in sockets.items() if not drain(sock)]:
                sockets.pop(n).close()
        time.sleep(1)
        for sock in sockets.values():
            sock.close()

    def reconnect_round(count: int) -> None:
        nonlocal refused
        for i in range(count):
            try:
                connect(node.ocpp_port, f"B{i % 200:06d}").close()
            except OSError:
                refused += 1

    frames_round(frames // 5)
    reconnect_round(reconnects // 5)
    time.sleep(3)
    before, read = rss_bytes(node.pid), heard(node)
    frames_round(frames)
    read = heard(node) - read
    after_frames = rss_bytes(node.pid)
    reconnect_round(reconnects)
    time.sleep(3)
    after = rss_bytes(node.pid)
    node.call("GET", f"/api/v1/tenants/{TENANT}/stations?limit=1")
    return {
        "frames": frames,
        "frames_read": read,
        "reconnects": reconnects,
        "seed": seed,
        "refused_connects": refused,
        "growth_frames_mb": round((after_frames - before) / 1e6, 2),
        "growth_total_mb": round((after - before) / 1e6, 2),
    }


def replay(seed: int, index: int) -> str:
    """The index-th fuzzed frame of a seed, to look at."""
    rng = random.Random(seed)
    frame = b""
    for _ in range(index + 1):
        frame = mutate(rng)
    return json.dumps(frame.decode("latin-1"))
