"""How soon a crashed actor is back: stations whose actor raises in the middle of a transaction, while others charge.

Measured from the exception to the answer that the same message gets on the same socket: the restart, the reading of what is
durable, the second decision and its commit lie in between, and the gateway's pause before it asks again.
"""

import json
import socket
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.crashing import CRASH_WH
from tests.bench.fuzz import connect, text_frame
from tests.bench.node import PASSWORD, TENANT, Load, Node


class Charging:
    """One station on a blocking socket, in a transaction."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.socket: socket.socket = connect(port, name)
        self.serial = 0
        self.received = b""
        self.at = datetime.now(UTC) - timedelta(hours=1)
        self.call("BootNotification", chargePointVendor="Bench", chargePointModel="Crash")
        begun = self.call("StartTransaction", connectorId=1, idTag="BENCH1", meterStart=CRASH_WH - 1000, timestamp=self.stamp())
        self.number = begun["transactionId"]

    def stamp(self) -> str:
        self.at += timedelta(minutes=10)
        return self.at.isoformat()

    def call(self, action: str, **payload: Any) -> dict[str, Any]:
        """The payload of the answer. Raises ConnectionError when the socket closes, RuntimeError for a CALLERROR."""
        self.serial += 1
        self.socket.sendall(text_frame(json.dumps([2, f"crash-{self.serial}", action, payload]).encode()))
        answer = json.loads(self._frame())
        while answer[0] == 2:  # the node asks for the configuration of a station that it has not seen before
            self.socket.sendall(text_frame(json.dumps([4, answer[1], "NotImplemented", "", {}]).encode()))
            answer = json.loads(self._frame())
        if answer[0] != 3:
            raise RuntimeError(f"{action}: {answer}")
        return dict(answer[2])

    def _frame(self) -> bytes:
        while True:
            data = self.received
            if len(data) > 1 and data[0] == 0x81:
                size, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4]), 4)
                if len(data) >= start + size:
                    self.received = data[start + size :]
                    return data[start : start + size]
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError(f"{self.name}: the socket was closed")
            self.received += chunk

    def meter(self, wh: int) -> int:
        """Nanoseconds at which the answer was there."""
        values = [{"timestamp": self.stamp(), "sampledValue": [{"value": str(wh)}]}]
        self.call("MeterValues", connectorId=1, transactionId=self.number, meterValue=values)
        return time.monotonic_ns()


def bench_crash(node: Node, crashes: int, neighbours: int = 50, seconds: float = 20) -> dict[str, Any]:
    """The node is started anew as one that crashes on demand, and once more as itself."""
    log = node.data / "crashes.txt"
    log.unlink(missing_ok=True)
    node.env["BENCH_CRASHES"] = str(log)
    node.restart("tests.bench.crashing")
    load = Load(
        node.ocpp_port, f"/ocpp/{TENANT}/{{id}}", connections=neighbours, seconds=seconds, warmup=2, password=PASSWORD, samples=12
    )
    load.ready()
    quiet, crashed, again = [], {}, []
    for n in range(crashes):
        station = Charging(node.ocpp_port, f"B{neighbours + n:06d}")
        for wh in (CRASH_WH - 900, CRASH_WH - 800):
            begun = time.monotonic_ns()
            quiet.append(station.meter(wh) - begun)
        crashed[station.name] = station.meter(CRASH_WH)
        begun = time.monotonic_ns()
        again.append(station.meter(CRASH_WH + 100) - begun)
        station.call("StopTransaction", transactionId=station.number, meterStop=CRASH_WH + 200, timestamp=station.stamp())
        station.socket.close()
    others = load.measured()
    others |= load.result()
    raised = {name: int(at) for name, at in (line.split() for line in log.read_text().splitlines())}
    back = [(crashed[name] - raised[name]) / 1e6 for name in crashed]
    ended = [node.call("GET", f"/api/v1/tenants/{TENANT}/sessions?station={name}&limit=1")["items"][0] for name in crashed]
    node.env.pop("BENCH_CRASHES")
    node.restart()
    return {
        "crashes": len(raised),
        "answered_after_ms": {"median": round(statistics.median(back), 1), "slowest": round(max(back), 1)},
        "ordinary_answer_ms": round(statistics.median(quiet) / 1e6, 1),
        "next_answer_ms": round(statistics.median(again) / 1e6, 1),
        "sessions_booked": sum(session["cdr"] is not None for session in ended),
        "neighbours": {name: others[name] for name in ("messages", "p50_ms", "p99_ms", "errors")},
    }
