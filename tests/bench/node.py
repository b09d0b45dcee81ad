"""Starting and measuring the two servers that the bench compares: our node (`csms up`) and the peer.

Both run as processes of their own on loopback and use the same PostgreSQL server with the same settings.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
OWNER = "bench-owner-token-" + base64.b32encode(os.urandom(15)).decode().lower()
PASSWORD = "bench-password-0123"
TENANT = "bench"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_by_thread(pid: int) -> dict[str, float]:
    """CPU seconds of the thread that runs the actors, and of all others (the database thread, for the most part)."""
    seconds = {"main": 0.0, "other": 0.0}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        seconds["main" if int(task.name) == pid else "other"] += (int(fields[11]) + int(fields[12])) / TICK
    return seconds


def cpu_of_database(pid: int) -> float:
    """CPU seconds of a PostgreSQL server: its postmaster `pid` with all that it started, ended ones included."""
    seconds = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        if int(path.parent.name) == pid:
            seconds += sum(map(int, fields[11:15])) / TICK
        elif int(fields[1]) == pid:
            seconds += sum(map(int, fields[11:13])) / TICK
    return seconds


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


class Node:
    """A `csms up` process on `data`; its admin API as `call`."""

    def __init__(self, data: Path, dsn: str | None = None, env: dict[str, str] | None = None) -> None:
        self.data = data
        self.env = os.environ | {
            "CSMS_OWNER_TOKEN": OWNER,
            "CSMS_OCPP__HOST": "127.0.0.1",
            "CSMS_OCPP__PORT": "0",
            "CSMS_HTTP__HOST": "127.0.0.1",
            "CSMS_HTTP__PORT": "0",
        }
        if dsn:
            self.env["CSMS_DATABASE__DSN"] = dsn
        self.env |= env or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.ports: dict[str, Any] = {}
        self.program = "config.cli"

    def restart(self, program: str = "config.cli") -> None:
        """Stop, and start as `program`, a module with the command line of `csms`."""
        self.stop()
        self.program = program
        self.start()

    def start(self, deadline: float = 60) -> float:
        """Start and wait for `ready`; the seconds it took."""
        begun = time.perf_counter()
        (self.data / "node.json").unlink(missing_ok=True)
        log = (self.data / "bench-node.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.program, "up", "--data", str(self.data)], env=self.env, stdout=log, stderr=log
        )
        while time.perf_counter() - begun < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the node ended with {self.process.returncode}; see {log.name}")
            if (self.data / "node.json").exists():
                self.ports = json.loads((self.data / "node.json").read_text())
                if self._answers():
                    return time.perf_counter() - begun
            time.sleep(0.02)
        raise RuntimeError(f"the node was not ready in {deadline} s; see {log.name}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.ports["http"] + "/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def ocpp_port(self) -> int:
        return int(self.ports["ocpp"].split(":")[2].split("/")[0])

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.ports["http"] + path,
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {OWNER}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def metric(self, name: str) -> float | None:
        with urllib.request.urlopen(self.ports["http"] + "/metrics", timeout=30) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " ") or line.startswith(name + "{"):
                    return float(line.rsplit(" ", 1)[1])
        return None

    def buckets(self, name: str) -> dict[float, int]:
        """How many values lie in each bucket of a histogram, by its upper bound."""
        found: dict[float, int] = {}
        below = 0
        with urllib.request.urlopen(self.ports["http"] + "/metrics", timeout=30) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + "_bucket"):
                    bound, count = float(line.split('le="')[1].split('"')[0]), int(float(line.rsplit(" ", 1)[1]))
                    found[bound], below = count - below, count
        return found

    def provision(self, stations: int, prefix: str = "B", **settings: Any) -> None:
        """Tenant (with these settings), tariff, token, and `stations` stations of profile 1 with one EVSE each."""
        brand = {"id": TENANT, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin", "settings": settings}
        self.call("POST", "/api/v1/tenants", brand)
        base = f"/api/v1/tenants/{TENANT}"
        self.call("PUT", f"{base}/tariffs/T1", TARIFF)
        self.call("PUT", f"{base}/tokens/ISO14443/BENCH1", {"status": "Accepted", "payment": "invoice"})
        rows = ["station,evses,profile,password,tariff"]
        rows += [f"{prefix}{i:06d},1,1,{PASSWORD},T1" for i in range(stations)]
        for k in range(1, len(rows), 1000):
            self.call("POST", f"{base}/stations/import", "\n".join([rows[0], *rows[k : k + 1000]]).encode(), "text/csv")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


TARIFF = {
    "country_code": "DE",
    "party_id": "BEN",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.49, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}


class PeerNode:
    """The peer process; same face as far as the bench needs it."""

    def __init__(self, dsn: str, port: int, log: Path) -> None:
        self.ocpp_port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.peer", "--dsn", dsn, "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != b"ready":
            raise RuntimeError(f"the peer did not start; see {log}")

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Load:
    """A load generator process; `ready` waits until its stations are connected, `result` for its figures."""

    def __init__(self, port: int, path: str, **options: Any) -> None:
        arguments = [
            f"--{key.replace('_', '-')}" + ("" if value is True else f"={value}")
            for key, value in options.items()
            if value is not None
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", "--port", str(port), "--path", path, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @classmethod
    def of(cls, process: "subprocess.Popen[bytes]") -> "Load":
        """Another generator that speaks in the same lines."""
        load = cls.__new__(cls)
        load.process = process
        return load

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def ready(self) -> dict[str, Any]:
        return self._line()

    def measured(self) -> dict[str, Any]:
        """Its figures, once the time of the measurement is over."""
        return self._line()

    def result(self) -> dict[str, Any]:
        figures = self._line()
        self.process.wait(60)
        return figures

    def release(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
