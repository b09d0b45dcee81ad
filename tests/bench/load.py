"""The load generator: many OCPP 1.6 stations in one lean asyncio process, the same for us and for the peer.

It speaks raw WebSocket frames (mask key zero, so that masking costs the generator nothing while the server
still unmasks), writes JSON by hand, since it runs on the core that the database needs, and keeps one CALL
outstanding per connection, as a station does. It counts, times, stops by itself and prints a JSON object when all
are connected, one when the time is over, and one at the end. Bounded by --connections and --seconds; loopback only.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

try:
    import uvloop
except ImportError:  # the ratios hold without it; the generator is just slower
    uvloop = None

START, MINUTE = timedelta(minutes=2), timedelta(minutes=1)
METERS_PER_HEARTBEAT = 4
"""A heartbeat comes after the first of every four samples."""


def frame(payload: bytes) -> bytes:
    n = len(payload)
    if n < 126:
        return bytes((0x81, 0x80 | n)) + b"\0\0\0\0" + payload
    if n > 65_535:
        return bytes((0x81, 0xFF)) + n.to_bytes(8, "big") + b"\0\0\0\0" + payload
    return bytes((0x81, 0xFE)) + n.to_bytes(2, "big") + b"\0\0\0\0" + payload


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


class Tally:
    """What happened, over all stations of this process."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.by_action: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.opened = 0
        self.booted = 0
        self.closed = 0
        self.last_boot = 0.0

    def error(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


class Station(asyncio.Protocol):
    """One station: handshake, then the script of its mode ("mix" loops sessions, "idle" boots and rests)."""

    protocol = "ocpp1.6"
    opening = ("BootNotification", "StatusNotification")
    pause = 0.0
    """Seconds between an answer and the next CALL; nought: as fast as it goes."""

    def __init__(
        self, name: str, path: str, host: str, mode: str, tally: Tally, password: str | None, samples: int, first: int
    ) -> None:
        """`samples` a session, `first` in the first one: stations that all began at once would stop all at once."""
        self.name, self.path, self.host, self.mode, self.tally = name, path, host, mode, tally
        self.samples, self.coming = samples, first
        self.password = password
        self.buffer = b""
        self.upgraded = False
        self.stopping = False
        self.sent_at = 0.0
        self.action = ""
        self.serial = 0
        self.number = 0
        self.meter = 1000
        # Sessions replay at full speed what a station did days ago, a minute per sample at 6 kW: their figures stay
        # plausible, so every one of them is rated, booked and journalled.
        self.clock = datetime.now(UTC) - timedelta(days=20)
        self.script: deque[str] = deque()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        auth = ""
        if self.password is not None:
            auth = "Authorization: Basic " + base64.b64encode(f"{self.name}:{self.password}".encode()).decode() + "\r\n"
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {self.protocol}\r\n{auth}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.tally.closed += 1
        if not self.stopping:
            self.tally.error("closed" if self.upgraded else "refused")
        if not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            head, sep, rest = self.buffer.partition(b"\r\n\r\n")
            if not sep:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.tally.error(head.split(b"\r\n", 1)[0].decode(errors="replace"))
                self.stopping = True
                self.transport.close()
                return
            self.upgraded = True
            self.tally.opened += 1
            self.buffer = rest
            self.script.extend(self.opening)
            self.next()
        while len(self.buffer) > 1 and self._one_frame():
            pass

    def _one_frame(self) -> bool:
        buffer = self.buffer
        opcode, n, offset = buffer[0] & 15, buffer[1] & 127, 2
        if n == 126:
            if len(buffer) < 4:
                return False
            n, offset = int.from_bytes(buffer[2:4], "big"), 4
        elif n == 127:
            if len(buffer) < 10:
                return False
            n, offset = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < offset + n:
            return False
        payload, self.buffer = buffer[offset : offset + n], buffer[offset + n :]
        if opcode == 1:
            self.received(payload)
        elif opcode == 9:
            self.transport.write(bytes((0x8A, 0x80 | len(payload))) + b"\0\0\0\0" + payload)
        elif opcode == 8:
            self.transport.close()
        return True

    def received(self, payload: bytes) -> None:
        kind = payload[1:2]
        if kind == b"2":
            unique = json.loads(payload)[1]
            self.transport.write(frame(json.dumps([4, unique, "NotImplemented", "", {}]).encode()))
            return
        now = time.perf_counter()
        tally = self.tally
        if kind != b"3":
            tally.error(f"{self.action}: {payload[:80].decode(errors='replace')}")
        else:
            tally.latencies.append(now - self.sent_at)
            tally.by_action[self.action] = tally.by_action.get(self.action, 0) + 1
            if self.action == "StartTransaction":
                self.number = json.loads(payload)[2]["transactionId"]
            elif self.action == "BootNotification":
                tally.booted += 1
                tally.last_boot = now
        if self.pause:
            asyncio.get_running_loop().call_later(self.pause, self.go_on)
        else:
            self.go_on()

    def go_on(self) -> None:
        if self.stopping:
            self.transport.close()
        else:
            self.next()

    def next(self) -> None:
        if not self.script:
            if self.mode == "idle":
                if not self.done.done():
                    self.done.set_result(None)
                return
            self.script.append("StartTransaction")
            samples, self.coming = self.coming, self.samples
            for n in range(samples):
                self.script.append("MeterValues")
                if n % METERS_PER_HEARTBEAT == 0:
                    self.script.append("Heartbeat")
            self.script.append("StopTransaction")
        self.action = self.script.popleft()
        self.serial += 1
        body = f'[2, "{self.name}-{self.serial}", "{self.action}", {getattr(self, self.action)()}]'
        self.sent_at = time.perf_counter()
        self.transport.write(frame(body.encode()))

    def BootNotification(self) -> str:
        return (
            '{"chargePointVendor": "Bench", "chargePointModel": "Load", '
            f'"chargePointSerialNumber": "{self.name[:25]}", "firmwareVersion": "1.0"}}'
        )

    def StatusNotification(self) -> str:
        at = stamp(datetime.now(UTC))
        return f'{{"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "{at}"}}'

    def StartTransaction(self) -> str:
        self.clock += START
        return f'{{"connectorId": 1, "idTag": "BENCH1", "meterStart": {self.meter}, "timestamp": "{stamp(self.clock)}"}}'

    def MeterValues(self) -> str:
        self.meter += 100
        self.clock += MINUTE
        return (
            f'{{"connectorId": 1, "transactionId": {self.number}, "meterValue": [{{"timestamp": "{stamp(self.clock)}", '
            f'"sampledValue": [{{"value": "{self.meter}", "measurand": "Energy.Active.Import.Register", "unit": "Wh", '
            '"context": "Sample.Periodic"}, {"value": "230.1", "measurand": "Voltage", "unit": "V", "phase": "L1"}, '
            '{"value": "6000", "measurand": "Power.Active.Import", "unit": "W"}]}]}'
        )

    def StopTransaction(self) -> str:
        return (
            f'{{"transactionId": {self.number}, "idTag": "BENCH1", "meterStop": {self.meter}, '
            f'"timestamp": "{stamp(self.clock)}", "reason": "Local"}}'
        )

    def Heartbeat(self) -> str:
        return "{}"


async def run(args: argparse.Namespace) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    Station.pause = args.pause
    tally = Tally()
    begun = time.perf_counter()
    gate = asyncio.Semaphore(args.opening)

    async def open_one(i: int) -> Station | None:
        name = f"{args.prefix}{i:06d}"
        path = args.path.replace("{id}", name)
        async with gate:
            try:
                host, first = f"{args.host}:{args.port}", i * 7 % args.samples + 1
                _, station = await loop.create_connection(
                    lambda: Station(name, path, host, args.mode, tally, args.password, args.samples, first), args.host, args.port
                )
            except OSError as error:
                tally.error(f"connect: {error.strerror}")
                return None
        if args.mode == "idle":
            await station.done
        return station

    opened = await asyncio.gather(*(open_one(i) for i in range(args.connections)))
    stations = [s for s in opened if s is not None]
    opened_in = time.perf_counter() - begun
    if args.mode == "mix":
        await asyncio.sleep(args.warmup)
    print(
        json.dumps({"ready": tally.opened, "booted": tally.booted, "seconds": round(opened_in, 3), "errors": tally.errors}),
        flush=True,
    )
    tally.latencies.clear()
    tally.by_action.clear()
    measured = time.perf_counter()
    if args.hold:
        await loop.run_in_executor(None, sys.stdin.readline)
    else:
        await asyncio.sleep(args.seconds)
    elapsed = time.perf_counter() - measured
    latencies = sorted(tally.latencies)
    n = len(latencies)
    print(
        json.dumps({
            "messages": n,
            "seconds": round(elapsed, 3),
            "per_second": round(n / elapsed, 1),
            "p50_ms": round(latencies[n // 2] * 1e3, 2) if n else None,
            "p99_ms": round(latencies[int(n * 0.99)] * 1e3, 2) if n else None,
            "by_action": dict(tally.by_action),
        }),
        flush=True,
    )  # fmt: skip
    for station in stations:
        station.stopping = True
        if args.mode == "idle":
            station.transport.close()
    await asyncio.wait([asyncio.ensure_future(asyncio.wait_for(asyncio.shield(s.done), 10)) for s in stations])
    return {
        "booted": tally.booted,
        "all_booted_s": round(tally.last_boot - begun, 3),
        "errors": tally.errors,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/{id}")
    parser.add_argument("--prefix", default="B")
    parser.add_argument("--password")
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--opening", type=int, default=200, help="handshakes under way at once")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--samples", type=int, default=12, help="meter samples a session")
    parser.add_argument("--pause", type=float, default=0, help="seconds between an answer and the next CALL")
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--mode", choices=("mix", "idle"), default="mix")
    parser.add_argument("--hold", action="store_true", help="keep the connections until a line arrives on standard input")
    args = parser.parse_args()
    if uvloop is not None:
        uvloop.install()
    print(json.dumps(asyncio.run(run(args))), flush=True)


if __name__ == "__main__":
    main()
