"""`csms demo`: the main job in one command."""

import json
from pathlib import Path

import pytest

from tests.config.test_cli import csms

pytestmark = pytest.mark.postgres


def test_the_demo_charges_rates_and_books_and_ends_by_itself() -> None:
    done = csms("demo", "--for", "24s", "--stations", "3", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
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


def test_the_demo_can_be_repeated_on_kept_data(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)
    first = json.loads(csms("demo", "--for", "14s", "--stations", "1", "--json", "--data", str(tmp_path / "d")).stdout)
    second = csms("demo", "--for", "14s", "--stations", "1", "--data", str(tmp_path / "d"))
    assert second.returncode == 0, second.stderr
    assert "ws://127.0.0.1" in second.stdout
    third = csms("audit", "--data", str(tmp_path / "d"))
    assert (third.returncode, third.stdout) == (0, "")
    assert first["sessions"] > 0
