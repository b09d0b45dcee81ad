"""Webhooks of the payment provider at a steady rate and in a burst, while sessions run: how late is the acknowledgement?

The generator is open: an event is sent when it is due, whatever became of the ones before, and its latency counts from when
it was due. Each event is verified, committed (fsync on) and acknowledged; behind that the worker fetches its object from the
sandbox, a process of its own, and looks up whose it is. Everything shares the machine's cores: node, PostgreSQL, sandbox,
stations and generator.

Run as a module it is the generator itself, which prints one JSON object.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.bench.node import PASSWORD, TENANT, Load, Node, cpu_by_thread

SECRET = "whsec_bench"
MERCHANT = "acct_1Bench000000000000"
EACH = 3
"""Events about one object, one after the other: an authorisation tells of a checkout, an intent and a charge."""
CONNECTIONS = 64
PADDING = {"description": "x" * 900, "shipping": {"name": "x" * 200, "address": {"line1": "x" * 300}}}
"""An event with its object is some two kilobytes."""


def event(n: int) -> bytes:
    changed = {"id": f"pi_bench{n // EACH}", "object": "payment_intent", "metadata": {}, **PADDING}
    told = {
        "id": f"evt_bench{n}", "object": "event", "api_version": "2026-10-28.endive", "created": int(time.time()),
        "type": "payment_intent.succeeded", "livemode": False, "account": MERCHANT, "data": {"object": changed},
    }  # fmt: skip
    return json.dumps(told).encode()


def request(host: str, body: bytes) -> bytes:
    at = int(time.time())
    signed = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /stripe/webhook/connect HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={at},v1={signed}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Generator:
    def __init__(self, url: str, first: int) -> None:
        self.place = urlsplit(url)
        self.first = first
        self.due: asyncio.Queue[tuple[float, int]] = asyncio.Queue()
        self.latencies: list[float] = []
        self.statuses: dict[str, int] = {}

    async def run(self, rate: float, seconds: float) -> dict[str, Any]:
        workers = [asyncio.create_task(self._connection()) for _ in range(CONNECTIONS)]
        begun = time.perf_counter() + 0.2
        for n in range(int(rate * seconds)):
            due = begun + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self.due.put_nowait((due, self.first + n))
        await self.due.join()
        took = time.perf_counter() - begun
        for worker in workers:
            worker.cancel()
        ordered = sorted(self.latencies) or [0.0]
        at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)  # noqa: E731
        return {
            "offered_per_s": rate,
            "acknowledged": self.statuses.get("200", 0),
            "others": {status: count for status, count in self.statuses.items() if status != "200"},
            "acknowledged_per_s": round(self.statuses.get("200", 0) / took, 1),
            "ack_ms": {"p50": at(0.5), "p99": at(0.99), "max": round(ordered[-1] * 1000, 1)},
        }

    async def _connection(self) -> None:
        host, port = self.place.hostname or "", self.place.port or 80
        reader, writer = await asyncio.open_connection(host, port)
        while True:
            due, n = await self.due.get()
            try:
                writer.write(request(host, event(n)))
                status = await self._status(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                status = type(error).__name__
                reader, writer = await asyncio.open_connection(host, port)
            self.latencies.append(time.perf_counter() - due)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.due.task_done()

    async def _status(self, reader: asyncio.StreamReader) -> str:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        return head.split(b" ", 2)[1].decode()


def bench_webhooks(make_node: Callable[[dict[str, str]], Node], stations: int, seconds: float, burst: float) -> dict[str, Any]:
    """`make_node(environment)` gives a node that was not started; `burst`: seconds of 2,000 a second, nought for none."""
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "gateways.payments.sandbox", "--config", json.dumps({"merchants": [MERCHANT]})],
        stdout=subprocess.PIPE,
    )
    try:
        assert sandbox.stdout is not None
        there = json.loads(sandbox.stdout.readline())
        node = make_node(
            {
                "CSMS_STRIPE__API_BASE": there["url"],
                "CSMS_STRIPE__SECRET_KEY": there["secret_key"],
                "CSMS_STRIPE__CONNECT_WEBHOOK_SECRET": SECRET,
            }
        )
        node.start()
        try:
            return _measured(node, stations, seconds, burst)
        finally:
            node.stop()
    finally:
        sandbox.terminate()
        sandbox.wait(20)


def _measured(node: Node, stations: int, seconds: float, burst: float) -> dict[str, Any]:
    node.provision(stations)
    path = f"/ocpp/{TENANT}/{{id}}"
    load = Load(
        node.ocpp_port, path, connections=stations, seconds=seconds + burst * 8 + 20, pause=0.5, samples=12, password=PASSWORD
    )
    try:
        load.ready()
        before = cpu_by_thread(node.pid)
        figures = {"300 a second": _generated(node, 300, seconds, 0)}
        after = cpu_by_thread(node.pid)
        used = sum(after.values()) - sum(before.values())
        figures["300 a second"]["cpu_of_the_node"] = round(used / seconds, 2)
        figures["300 a second"] |= {"backlog_drained_s": _drained(node, 300)}
        if burst:
            figures["2,000 a second"] = _generated(node, 2000, burst, 1_000_000)
            figures["2,000 a second"] |= {"backlog_drained_s": _drained(node, 300)}
        figures["longest_stall_ms"] = round((node.metric("voltroupe_runtime_lag_max_us") or 0) / 1e3, 1)
    finally:
        measured = load.measured()
        load.result()
    figures["sessions"] = {"messages_per_s": measured["per_second"], "stations": stations, "errors": measured.get("errors")}
    return figures


def _generated(node: Node, rate: float, seconds: float, first: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.webhooks", "--url", node.ports["http"], "--rate", str(rate)]
    done = subprocess.run([*command, "--seconds", str(seconds), "--first", str(first)], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _drained(node: Node, patience: float) -> float | None:
    """Seconds until no event waits any more; None when that takes longer than `patience`."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < patience:
        if _waiting(node) == 0:
            return round(time.perf_counter() - begun, 1)
        time.sleep(0.5)
    return None


def _waiting(node: Node) -> int | None:
    with urllib.request.urlopen(node.ports["http"] + "/metrics", timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("voltroupe_payments_events") and 'kind="waiting"' in line:
                return int(float(line.rsplit(" ", 1)[1]))
    return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.webhooks")
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(Generator(given.url, given.first).run(given.rate, given.seconds))))
