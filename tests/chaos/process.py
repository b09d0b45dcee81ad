"""A `csms up` process that can be killed, and the PostgreSQL under it."""

import contextlib
import json
import os
import random
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from storage.embedded import EmbeddedServer

READY_SECONDS = 180.0
"""A safety net: a node is there in a few seconds, on a busy machine in some ten."""
STOP_SECONDS = 180.0
TENANT = "chaos"
PASSWORD = "chaos-password-0123"
TOKEN = "CHAOS1"
ROOT = Path(__file__).parents[2]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: the node is asked in plain HTTP, and to read the machine's certificates takes longer than the question."""


class Node:
    """One data directory and one pair of ports for all incarnations of the node, so that stations find it again."""

    def __init__(self, home: Path) -> None:
        home.chmod(0o711)
        self.data = home / "data"
        self.log = home / "node.log"
        self.owner = "chaos-owner-" + secrets.token_hex(12)
        self.ocpp_port, self.http_port = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.settings: dict[str, str] = {}
        """More of its environment, for nodes that take payments."""

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "CSMS_OWNER_TOKEN": self.owner,
            "CSMS_OCPP__HOST": "127.0.0.1",
            "CSMS_OCPP__PORT": str(self.ocpp_port),
            "CSMS_HTTP__HOST": "127.0.0.1",
            "CSMS_HTTP__PORT": str(self.http_port),
            "CSMS_LOG__LEVEL": "warning",
            "CSMS_LOG__FORMAT": "json",
            **self.settings,
        }

    @property
    def ocpp_url(self) -> str:
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp/{TENANT}"

    def start(self, command: Sequence[str] = ("config.cli", "up"), deadline: float = READY_SECONDS, **pipes: Any) -> float:
        """Start and wait until it is ready; the seconds that took. `command`: module and its first arguments. What a node
        that was killed has left behind lies there still, as for any operator."""
        begun = time.monotonic()
        arguments = [sys.executable, "-m", *command, "--data", str(self.data)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                arguments, env=self.environment, cwd=ROOT, stderr=log, **{"stdin": subprocess.DEVNULL, "stdout": log, **pipes}
            )
        self.starts += 1
        self._until_ready(begun, deadline)
        return time.monotonic() - begun

    def _until_ready(self, begun: float, deadline: float) -> None:
        assert self.process is not None
        while time.monotonic() < begun + deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the node ended with {self.process.returncode}; its log ends:\n{self.tail()}")
            if self.is_ready():
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the node was not ready in {deadline:.0f} s; its log ends:\n{self.tail()}")

    def is_ready(self) -> bool:
        try:
            if json.loads((self.data / "node.json").read_bytes())["pid"] != self.process.pid:  # type: ignore[union-attr]
                return False
            url = f"http://127.0.0.1:{self.http_port}/readyz"
            return httpx.get(url, timeout=5, trust_env=False, verify=NO_TLS).is_success
        except (OSError, ValueError, httpx.HTTPError):
            return False

    def tail(self, size: int = 6000) -> str:
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def end(self) -> None:
        """Node and PostgreSQL, whatever state they are in: nobody runs on after a test, or writes where it is tidied up."""
        self.kill()
        end_postgres(self.data)

    # -- PostgreSQL

    def postmaster(self) -> int | None:
        """Of a server that lives: what a dead one has left in its postmaster.pid may be somebody else's number by now."""
        return EmbeddedServer(self.data).pid

    def kill_postgres(self, immediate: bool) -> bool:
        """SIGKILL of the postmaster, or an immediate stop (SIGQUIT: every backend ends at once, nothing is written). False
        when none lived."""
        return _killed(self.postmaster(), signal.SIGQUIT if immediate else signal.SIGKILL)

    # -- the API

    def api(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.owner}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}/api/v1", headers=headers, timeout=60, trust_env=False)

    def provision(self, identities: Sequence[str], evses: int = 1) -> None:
        with self.api() as api:
            tenant = {"id": TENANT, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"}
            api.post("/tenants", json=tenant).raise_for_status()
            api.put(f"/tenants/{TENANT}/tariffs/T1", json=TARIFF).raise_for_status()
            api.put(f"/tenants/{TENANT}/tokens/ISO14443/{TOKEN}", json={"status": "Accepted"}).raise_for_status()
            for identity in identities:
                body = {"evses": evses, "auth": {"profile": 1, "password": PASSWORD}, "tariff": "T1"}
                api.put(f"/tenants/{TENANT}/stations/{identity}", json=body).raise_for_status()

    def audit(self) -> tuple[int, str]:
        """`csms audit` on this data directory: its exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "config.cli", "audit", "--data", str(self.data)],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


def end_postgres(data: Path) -> None:
    """Of that data directory, where one runs on; returns when it is gone."""
    while _killed(EmbeddedServer(data).pid, signal.SIGQUIT):
        time.sleep(0.05)


def _killed(pid: int | None, sign: signal.Signals) -> bool:
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)
        return True
    return False


TARIFF: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "CHA",
    "id": "T1",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 0.50, "vat": 19.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.40, "vat": 19.0, "step_size": 1},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}


def shown(api: httpx.Client, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the API shows there. Where PostgreSQL was killed a moment ago the node may say so: then it is asked again."""
    end = time.monotonic() + READY_SECONDS
    while True:
        answer = api.get(path, params=params)
        if answer.status_code != 503 or time.monotonic() > end:
            found: dict[str, Any] = answer.raise_for_status().json()
            return found
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Below the range that the system lends to outgoing connections, and never one twice: a port must stay ours while the node
    is dead."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if port in _given:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
            _given.add(port)
    return found


_given: set[int] = set()
