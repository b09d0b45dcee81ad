"""A mixed fleet: 2,000 virtual stations of OCPP 1.5, 1.6 and 2.0.1 on one node, commanded in one vocabulary.

The stations charge and meter in a slow rhythm (`csms station simulate`, a process of its own) while an operator speaks
2.0.1 to every one of them. Counted is what went wrong, on either side: the aim is nothing.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.database import bench_database
from tests.bench.node import PASSWORD, TENANT, Node, cpu_seconds, rss_bytes

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp1.5")
SCENARIO = """
boot
wait 0 60
plug @
authorize
start @
meter @ 4 15
stop @
unplug @
wait 20 60
repeat
"""
SAID: list[tuple[str, dict[str, Any]]] = [
    ("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}}),
    ("SetVariables", {"setVariableData": [{
        "attributeValue": "300", "component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]}),
    ("ClearCache", {}),
]  # fmt: skip
"""In the words of 2.0.1, whatever the station speaks."""
RATE = 40
AT_ONCE = 16


class Operator:
    """Says everything in SAID to every station, a few at a time."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.answered: dict[str, int] = {}
        self.failed: dict[str, int] = {}
        self.seconds: list[float] = []
        self._lock = threading.Lock()

    def say(self, identity: str, action: str, payload: dict[str, Any]) -> None:
        begun = time.perf_counter()
        try:
            answer = self.node.call(
                "POST", f"/api/v1/tenants/{TENANT}/stations/{identity}/commands/{action}?version=ocpp2.0.1", payload
            )
            key, into = str(answer["protocol"]), self.answered
        except urllib.error.HTTPError as error:
            key, into = f"{action}: {error.code} {error.read()[:200].decode()}", self.failed
        except OSError as error:
            key, into = f"{action}: {error}", self.failed
        with self._lock:
            into[key] = into.get(key, 0) + 1
            self.seconds.append(time.perf_counter() - begun)

    def command(self, identities: list[str]) -> dict[str, Any]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for identity in identities:
                for action, payload in SAID:
                    pool.submit(self.say, identity, action, payload)
        took = sorted(self.seconds)
        return {
            "answered": self.answered,
            "failed": self.failed,
            "p50_ms": round(took[len(took) // 2] * 1e3, 1),
            "p99_ms": round(took[int(len(took) * 0.99)] * 1e3, 1),
        }


def mixed_fleet(stations: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as folder:
        home = Path(folder)
        with bench_database(home / "pg") as (dsn, *_):
            (home / "node").mkdir()
            node = Node(home / "node", dsn, {"CSMS_EGRESS__ALLOW": '["127.0.0.0/8", "::1/128"]'})
            node.start()
            try:
                node.provision(stations)
                return _run(node, stations, home)
            finally:
                node.stop()


def _run(node: Node, stations: int, home: Path) -> dict[str, Any]:
    identities = [f"B{n:06d}" for n in range(stations)]
    (home / "slow.txt").write_text(SCENARIO)
    length = stations / RATE + 60 + stations * len(SAID) / 60
    arguments = [
        "--url", f"ws://127.0.0.1:{node.ocpp_port}/ocpp/{TENANT}", "--soap-url", f"{node.ports['http']}/soap/{TENANT}",
        "--protocol", ",".join(PROTOCOLS), "--rate", str(RATE), "--password", PASSWORD, "--token", "BENCH1",
        "--scenario", str(home / "slow.txt"), "--for", f"{length:.0f}s", "--json",
        *(word for identity in identities for word in ("--identity", identity)),
    ]  # fmt: skip
    simulator = subprocess.Popen(
        [sys.executable, "-m", "config.cli", "station", "simulate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    online = _all_online(node, stations, stations / RATE + 60)
    before, begun = cpu_seconds(node.pid), time.perf_counter()
    operator = Operator(node)
    commands = operator.command(identities)
    share = (cpu_seconds(node.pid) - before) / (time.perf_counter() - begun)
    out, _ = simulator.communicate(timeout=length + 120)
    lag = node.metric("voltroupe_runtime_lag_max_us")
    return {
        "stations": stations,
        "online": online,
        "commands": commands,
        "of_one_core": round(share, 2),
        "rss_mb": round(rss_bytes(node.pid) / 1e6),
        "longest_stall_ms": None if lag is None else round(lag / 1e3, 1),
        "fleet": json.loads(out) if out else {"exit": simulator.returncode},
    }


def _all_online(node: Node, stations: int, seconds: float) -> int:
    """How many are online once all of them are, or after so long."""
    deadline = time.monotonic() + seconds
    while True:
        online, cursor = 0, ""
        while True:
            page = node.call("GET", f"/api/v1/tenants/{TENANT}/stations?status=online&limit=1000{cursor}")
            online += len(page["items"])
            if not page["next"]:
                break
            cursor = f"&cursor={page['next']}"
        if online >= stations or time.monotonic() > deadline:
            return online
        time.sleep(1)
