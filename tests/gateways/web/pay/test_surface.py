"""The pay pages as a surface: alone on a node of their own, quick, in colours that everybody can read, with nothing to hide."""

import re
import time
from itertools import pairwise
from pathlib import Path

import httpx
import msgspec
import pytest

from config.node import open_node
from config.settings import Settings
from gateways.web.app import create_app
from gateways.web.pay import guest
from tests.gateways.web.pay.kit import Lot, parking_lot, payment
from tests.kits.patience import http_client

CSS = (Path(guest.__file__).parents[1] / "static" / "pay.css").read_text()
FIRST_RENDER = 0.2
"""Seconds (the issue's aim, on loopback)."""


def alone(lot: Lot, *surfaces: str) -> httpx.AsyncClient:
    """The same node with these surfaces only."""
    settings = msgspec.structs.replace(lot.rig.env.settings, surfaces=frozenset(surfaces))
    app = create_app(msgspec.structs.replace(lot.rig.env, settings=settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")  # type: ignore[arg-type]


async def test_a_node_of_the_role_pay_serves_the_pages_its_health_and_nothing_else() -> None:
    async with parking_lot() as lot, alone(lot, "pay") as node:
        assert (await node.get(f"/pay/acme/{lot.code}")).status_code == 200
        assert (await node.get("/static/pay.css")).status_code == 200
        for path in ("/healthz", "/metrics"):
            assert (await node.get(path)).status_code == 200
        for path in ("/api/v1/tenants", "/api/v1/openapi.json", "/console", "/console/login"):
            assert (await node.get(path)).status_code == 404


async def test_a_node_without_the_role_has_no_pay_pages() -> None:
    async with parking_lot() as lot, alone(lot, "api", "console") as node:
        assert (await node.get(f"/pay/acme/{lot.code}")).status_code == 404
        assert (await node.get("/console/login")).status_code == 200


async def test_the_first_page_is_there_before_the_driver_notices() -> None:
    async with parking_lot() as lot, alone(lot, "pay") as node:
        began = time.thread_time()
        answer = await node.get(f"/pay/acme/{lot.code}")
        assert answer.status_code == 200
        assert time.thread_time() - began < 5 * FIRST_RENDER, "of the processor, whatever else this machine does"


def colours(dark: bool) -> dict[str, str]:
    found = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return {
        **dict(re.findall(r"--([\w-]+): (#\w+)", found[0])),
        **(dict(re.findall(r"--([\w-]+): (#\w+)", found[1])) if dark else {}),
    }


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    digits = colour.lstrip("#")
    parts = [digits[n : n + 2] for n in (0, 2, 4)] if len(digits) == 6 else [digit * 2 for digit in digits]
    values = [int(part, 16) / 255 for part in parts]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAIRS = [
    ("ink", "paper"), ("ink", "card"), ("muted", "paper"), ("muted", "card"), ("accent", "paper"), ("accent", "card"),
    ("accent-ink", "accent"), ("good", "good-paper"), ("warn", "warn-paper"), ("bad", "bad-paper"),
]  # fmt: skip


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_the_contrast_that_accessibility_asks_for(dark: bool) -> None:
    known = colours(dark)
    for text, behind in PAIRS:
        light, deep = sorted((luminance(known[text]), luminance(known[behind])), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, f"{text} on {behind}"


async def test_every_field_has_a_label_every_section_a_name_and_headings_leave_no_step_out() -> None:
    async with parking_lot() as lot:
        row = payment("a" + "0" * 24, "checkout_open", checkout_url="https://checkout.stripe.com/1", code=lot.code)
        lot.rig.rows.write(1, [row])
        for path in (lot.code, f"s/{lot.token(row.id)}", "nothere"):
            html = (await lot.get(path)).text
            assert html.count("<h1") == 1
            levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
            assert all(after - before <= 1 for before, after in pairwise(levels)), levels
            ids = re.findall(r'\bid="([^"]+)"', html)
            assert len(ids) == len(set(ids))
            assert set(re.findall(r'(?:aria-labelledby|for)="([^"]+)"', html)) <= set(ids)
            inputs = [field for field in re.findall(r"<input[^>]+>", html) if 'type="hidden"' not in field]
            assert all(re.search(r'id="([^"]+)"', field) for field in inputs)
            assert '<a class="skip" href="#main">' in html
            assert re.search(r'<main id="main"', html)


async def test_a_token_is_in_no_log(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    async with parking_lot() as lot:
        row = payment("a" + "0" * 24, "charging", session="nowhere", code=lot.code)
        lot.rig.rows.write(1, [row])
        token = lot.token(row.id)
        for path in (f"s/{token}", f"s/{token}/receipt.pdf", f"s/{token}x"):
            await lot.get(path)
        await lot.client.post(f"/pay/acme/s/{token}/stop")
        metrics = (await lot.client.get("/metrics")).text
        printed = capsys.readouterr()
        assert token[25:] not in printed.out + printed.err + caplog.text + metrics
        assert "pay session_page" in metrics


@pytest.mark.postgres
async def test_a_whole_node_can_be_told_to_carry_the_pay_pages_alone(fresh_dsn: str, tmp_path: Path) -> None:
    here = {"host": "127.0.0.1", "port": 0}
    settings = Settings(data_dir=tmp_path, database={"dsn": fresh_dsn}, ocpp=here, http=here)  # type: ignore[arg-type]
    async with open_node(settings, ("pay",)) as node, http_client(base_url=node.urls.http) as client:
        assert node.urls.ocpp == ""
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/pay/acme/abc")).status_code == 404
        assert "We do not know this code" in (await client.get("/pay/acme/abc")).text
        assert (await client.get("/console/login")).status_code == 404
