"""`csms demo`: the main job in one command."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.data import DataDirectory
from tests.chaos.process import end_postgres
from tests.config.test_cli import csms, environment

pytestmark = pytest.mark.postgres
ANY_PORT = {"CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
PATIENCE = 300
"""Seconds for a demo to show what it is for, and then to end: a safety net."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)  # the embedded server may run under another uid and passes through
    return tmp_path / "d"


def demo_until(seen: Callable[[httpx.Client], bool], data: Path, *arguments: str) -> dict[str, Any]:
    """A demo that is left, as a person would with Ctrl-C, once its API shows what is wanted: its summary."""
    command = [sys.executable, "-m", "config.cli", "demo", "--json", "--data", str(data), *arguments]
    process = subprocess.Popen(command, env=environment() | ANY_PORT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + PATIENCE
        while not _shows(data, seen):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "the demo never came so far"
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
        end_postgres(data)
    assert process.returncode == 0, complaints
    summary: dict[str, Any] = json.loads(said)
    return summary


def _shows(data: Path, seen: Callable[[httpx.Client], bool]) -> bool:
    node, owner = DataDirectory(data).running_node(), data / "owner.token"
    if node is None or not owner.exists():
        return False
    headers = {"Authorization": f"Bearer {owner.read_text().strip()}"}
    with httpx.Client(base_url=f"{node.http}/api/v1/tenants/demo", headers=headers, timeout=60, trust_env=False) as api:
        return api.get("/sessions").is_success and seen(api)


def _all(api: httpx.Client, what: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(what, params={"limit": 1000}).raise_for_status().json()["items"]
    return items


def everybody_charged(api: httpx.Client) -> bool:
    """Each station has ended a session, and one of each way to pay is booked."""
    ended = {session["id"]: session["station"] for session in _all(api, "/sessions") if session["state"] == "ended"}
    journals = [journal for journal in _all(api, "/ledger/journals") if journal["ref"] in ended]
    debited = {entry["account"][:4] for journal in journals for entry in journal["entries"] if entry["side"] == "debit"}
    return len(set(ended.values())) == 4 and debited >= {"1220", "2100", "1110"}


def test_the_demo_charges_rates_and_books(data: Path) -> None:
    summary = demo_until(everybody_charged, data, "--stations", "3")
    assert summary["sessions"] == summary["ended"] == summary["cdrs"] > 0
    assert summary["quarantined"] == summary["errors"] == 0
    assert summary["kwh"] > 0
    assert set(summary["versions"]) == {"ocpp1.5", "ocpp1.6", "ocpp2.0.1"}
    for version in summary["versions"].values():
        assert version["sessions"] == version["cdrs"] == version["booked"] > 0
        assert version["kwh"] > 0
    ways = summary["payment"]
    assert set(ways) == {"invoice", "wallet", "card"}
    for way in ways.values():
        assert way["journals"] >= way["sessions"] > 0
        assert way["amount_minor"] > 0
    assert sum(way["sessions"] for way in ways.values()) == summary["sessions"]
    assert sum(way["amount_minor"] for way in ways.values()) == summary["billed"]["amount_minor"]


def test_the_demo_ends_by_itself_and_can_be_repeated_on_kept_data(data: Path) -> None:
    first = demo_until(lambda api: bool(_all(api, "/sessions")), data, "--stations", "1")
    assert first["sessions"] > 0
    second = csms("demo", "--for", "14s", "--stations", "1", "--data", str(data), env=ANY_PORT)
    assert second.returncode == 0, second.stderr
    assert "ws://127.0.0.1" in second.stdout
    third = csms("audit", "--data", str(data))
    assert (third.returncode, third.stdout) == (0, "")
