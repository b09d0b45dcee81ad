"""A fleet of 2.0.1 stations that tell their whole device model at the same moment: stalls, memory, time.

The worst case on purpose: nobody is paced by being asked (brand's setting `inventory` off), every station sends its
NotifyReport parts one after the other as fast as they are answered. Measured are the longest stall of the node's loop and
its memory, against a fresh process, and what the read model holds afterwards.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.database import bench_database
from tests.bench.load import Station, Tally
from tests.bench.node import PASSWORD, TENANT, Load, Node, cpu_by_thread, rss_bytes

PER_PART = 50
AT = "2026-01-01T00:00:00Z"


def parts(variables: int) -> list[str]:
    """The payloads of a report: components of 40 variables, as real stations have them, some below EVSEs."""
    payloads = []
    last = (variables - 1) // PER_PART
    for seq in range(last + 1):
        data = [_variable(n) for n in range(seq * PER_PART, min(variables, (seq + 1) * PER_PART))]
        payload = {"requestId": 1, "generatedAt": AT, "seqNo": seq, "tbc": seq < last, "reportData": data}
        payloads.append(json.dumps(payload))
    return payloads


def _variable(n: int) -> dict[str, Any]:
    component = n // 40
    evse = {"evse": {"id": component % 4, "connectorId": 1}} if component % 4 else {}
    return {
        "component": {"name": f"Component{component}Ctrlr", **evse},
        "variable": {"name": f"Variable{n}"},
        "variableAttribute": [{"type": "Actual", "value": f"value {n}", "mutability": "ReadWrite", "persistent": True}],
        "variableCharacteristics": {"dataType": "string", "maxLimit": 50, "supportsMonitoring": False},
    }


class Reporter(Station):
    protocol = "ocpp2.0.1"
    opening = ("BootNotification",)
    payloads: list[str] = []

    def BootNotification(self) -> str:
        return '{"reason": "PowerUp", "chargingStation": {"model": "Load", "vendorName": "Bench", "firmwareVersion": "1.0"}}'

    def NotifyReport(self) -> str:
        return self.payloads[self.told]

    def report(self) -> None:
        self.told = -1
        self.done = asyncio.get_running_loop().create_future()
        self.script.extend(["NotifyReport"] * len(self.payloads))
        self.next()

    def next(self) -> None:
        if self.script and self.script[0] == "NotifyReport":
            self.told += 1
        super().next()


async def run(args: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    tally, gate = Tally(), asyncio.Semaphore(100)
    Reporter.payloads = parts(args.variables)

    async def open_one(n: int) -> Reporter:
        name = f"B{n:06d}"
        path = f"/ocpp/{TENANT}/{name}"
        async with gate:
            _, station = await loop.create_connection(
                lambda: Reporter(name, path, f"127.0.0.1:{args.port}", "idle", tally, PASSWORD, 1, 1), "127.0.0.1", args.port
            )
            await station.done
        return station

    stations = await asyncio.gather(*(open_one(n) for n in range(args.connections)))
    print(json.dumps({"booted": tally.booted, "errors": tally.errors}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    tally.latencies.clear()
    begun = time.perf_counter()
    for station in stations:
        station.report()
    await asyncio.gather(*(station.done for station in stations))
    elapsed, latencies = time.perf_counter() - begun, sorted(tally.latencies)
    figures = {
        "parts": len(latencies),
        "seconds": round(elapsed, 2),
        "variables_per_second": round(args.connections * args.variables / elapsed),
        "p50_ms": round(latencies[len(latencies) // 2] * 1e3, 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1e3, 1),
        "errors": tally.errors,
    }
    print(json.dumps(figures), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)


class Watch(threading.Thread):
    """The most memory that a process ever took while this ran."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, rss_bytes(self.pid))


def inventories(stations: int, variables: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as home, bench_database(Path(home) / "pg") as (dsn, _, _server):
        (Path(home) / "node").mkdir()
        node = Node(Path(home) / "node", dsn)
        node.start()
        try:
            node.provision(stations, inventory=False)
            node.kill()
            node.start()
            return _measured(node, stations, variables)
        finally:
            node.stop()


def _measured(node: Node, stations: int, variables: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.inventory", f"--port={node.ocpp_port}", f"--connections={stations}"]
    process = subprocess.Popen([*command, f"--variables={variables}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    load = Load.of(process)
    opened = load.ready()
    time.sleep(3)
    before, cpu, watch = rss_bytes(node.pid), cpu_by_thread(node.pid), Watch(node.pid)
    lag = node.buckets("voltroupe_runtime_lag_us")
    watch.start()
    load.release()
    figures = load.measured()
    after_cpu = cpu_by_thread(node.pid)
    used = {name: round((after_cpu[name] - cpu[name]) / max(1, figures["parts"]) * 1e6, 1) for name in cpu}
    lag = {bound: count - lag.get(bound, 0) for bound, count in node.buckets("voltroupe_runtime_lag_us").items()}
    peak = watch.peak
    time.sleep(95)  # the keepers are put away
    watch.over.set()
    load.release()
    process.wait(30)
    return {
        "stations": stations,
        "variables_each": variables,
        **opened,
        **figures,
        "cpu_us_per_part": used,
        "loop_late_by_ms": {f"< {bound / 1e3:.0f}": count for bound, count in lag.items() if count and bound > 16_000},
        "longest_stall_ms": round((node.metric("voltroupe_runtime_lag_max_us") or 0) / 1e3, 1),
        "peak_kb_per_station": round((peak - before) / stations / 1024, 1),
        "peak_kb_per_station_when_put_away": round((watch.peak - before) / stations / 1024, 1),
        "later_kb_per_station": round((rss_bytes(node.pid) - before) / stations / 1024, 1),
        "read_model_of_the_last": _counted(node, f"B{stations - 1:06d}"),
    }


def _counted(node: Node, station: str) -> int:
    found, cursor = 0, ""
    while True:
        page = node.call("GET", f"/api/v1/tenants/{TENANT}/stations/{station}/variables?limit=1000{cursor}")
        found += sum(item["component"]["name"].startswith("Component") for item in page["items"])
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--variables", type=int, default=2000)
    asyncio.run(run(parser.parse_args()))
