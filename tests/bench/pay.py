"""The driver's way by card: how soon the pay page is there, and how long of scan to charging is ours.

Everything goes over loopback: the node, PostgreSQL, the sandbox in Stripe's place (a process of its own, whose answers cost what
they cost), and virtual stations that start at once when they are told to. A way is: the page, the order, the provider's
page (the time that a person and the bank take there is not ours and not counted), back to our page, until it says that
the vehicle charges.
"""

import json
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import trio

from gateways.payments.sandbox import Driver
from gateways.simulator.memory import Model, StationSettings
from gateways.simulator.stats import Stats
from gateways.simulator.v16.station import Station16
from tests.bench.node import PASSWORD, TENANT, Node

SECRET, CONNECT_SECRET = "whsec_bench_account", "whsec_bench_connect"
MERCHANT = "acct_1Bench000000000000"
SELLER = {
    "name": "Bench GmbH", "address": ["Prüfstraße 1", "20459 Hamburg"], "country": "DE", "vat_id": "DE123456789",
    "email": "laden@example.org", "phone": "+49 40 123456", "complaints": "Schlichtungsstelle, 20459 Hamburg",
    "terms_url": "https://example.org/agb", "privacy_url": "https://example.org/datenschutz",
}  # fmt: skip
TARIFF = {
    "country_code": "DE", "party_id": "BEN", "id": "adhoc", "currency": "EUR", "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.59, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}  # fmt: skip
LOCATION = {"name": "Bench", "address": "Prüfstraße 1", "city": "Hamburg", "postal_code": "20459"}
POST = Model("Nordlicht", "AC Post 22", "2.4.1", 22_000, 1)
FIRST_RENDER_MS = 200
SCAN_TO_CHARGING_S = 3.0
RELEASED_WITHIN_S = 10.0
"""The issue's aims."""
LOOK = 1.0
NETWORKS = 16
"""Addresses of a crowd."""
CROWD = 60
"""Drivers whose phones are being served at the same time; the others wait for their turn at the generator."""
POLL = 0.02
PATIENCE = 60.0
_ORDER = re.compile(r'name="order" value="([^"]+)"').search
CHARGING = "/stop"
"""What the page has while there is something to stop."""


def bench_pay(make_node: Callable[[dict[str, str]], Node], ways: int, pages: int, scans: int) -> dict[str, Any]:
    """`make_node(environment)` gives a node that was not started; `ways` drivers come one after the other, `pages` are
    loaded, `scans` drivers pay for one place at once."""
    port = _free_port()
    hooks = [
        {"url": f"http://127.0.0.1:{port}/stripe/webhook", "secret": SECRET},
        {"url": f"http://127.0.0.1:{port}/stripe/webhook/connect", "secret": CONNECT_SECRET, "connect": True},
    ]
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "gateways.payments.sandbox", "--config", json.dumps({"merchants": [MERCHANT], "hooks": hooks})],
        stdout=subprocess.PIPE,
    )
    try:
        assert sandbox.stdout is not None
        there = json.loads(sandbox.stdout.readline())
        node = make_node(
            {
                "CSMS_HTTP__PORT": str(port),
                "CSMS_STRIPE__API_BASE": there["url"],
                "CSMS_STRIPE__SECRET_KEY": there["secret_key"],
                "CSMS_STRIPE__WEBHOOK_SECRET": SECRET,
                "CSMS_STRIPE__CONNECT_WEBHOOK_SECRET": CONNECT_SECRET,
            }
        )
        node.start()
        try:
            return trio.run(_measured, node, Driver(there["url"]), ways, pages, scans)
        finally:
            node.stop()
    finally:
        sandbox.terminate()
        sandbox.wait(20)


def _free_port() -> int:
    """The sandbox is told where its webhooks go before the node is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _measured(node: Node, driver: Driver, ways: int, pages: int, scans: int) -> dict[str, Any]:
    http = node.ports["http"]
    codes = await trio.to_thread.run_sync(_furnished, node, ways + 1)
    async with trio.open_nursery() as nursery, httpx.AsyncClient(base_url=http, timeout=30, trust_env=False) as phone:
        for n in range(ways + 1):
            settings = StationSettings(
                url=f"{node.ports['ocpp']}/ocpp/{TENANT}", identity=f"P{n:03d}", model=POST, password=PASSWORD, backoff_most=0.5
            )
            await nursery.start(Station16(settings, rng=random.Random(n), stats=Stats()).run)
        for code in codes:
            with trio.fail_after(PATIENCE):
                while _ORDER((await phone.get(f"/pay/{TENANT}/{code}")).text) is None:
                    await trio.sleep(0.1)
        rendered = [await _page(http, f"/pay/{TENANT}/{codes[n % len(codes)]}") for n in range(pages)]
        taken = [await _way(phone, driver, f"/pay/{TENANT}/{code}") for code in codes[:ways]]
        rush = await _rush(http, driver, f"/pay/{TENANT}/{codes[ways]}", scans)
        nursery.cancel_scope.cancel()
    return {
        "first_render_ms": {**_spread([each * 1000 for each in rendered]), "aim": FIRST_RENDER_MS},
        "scan_to_charging_s": {**_spread([sum(each.values()) for each in taken]), "aim": SCAN_TO_CHARGING_S},
        "of_it_s": {step: _spread([each[step] for each in taken]) for step in taken[0]},
        "ways": len(taken),
        "one code": rush,
    }


def _furnished(node: Node, ways: int) -> list[str]:
    """A merchant, a tariff and a station for each way; the codes of their EVSEs."""
    node.call("POST", "/api/v1/tenants", {"id": TENANT, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"})
    base = f"/api/v1/tenants/{TENANT}"
    node.call("PUT", f"{base}/merchants/m", {"seller": SELLER, "commission_percent": "5", "account": MERCHANT})
    node.call("PUT", f"{base}/tariffs/adhoc", TARIFF)
    body = {
        "evses": 1, "location": LOCATION, "merchant": "m", "tariff": "adhoc", "auth": {"profile": 1, "password": PASSWORD},
    }  # fmt: skip
    return [node.call("PUT", f"{base}/stations/P{n:03d}", body)["evses"][0]["code"] for n in range(ways)]


async def _page(http: str, path: str) -> float:
    """Seconds until the whole page is there, with a connection of its own, as a phone that has just scanned the code."""
    begun = time.perf_counter()
    async with httpx.AsyncClient(base_url=http, timeout=30, trust_env=False) as phone:
        answer = await phone.get(path)
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - begun


async def _way(phone: httpx.AsyncClient, driver: Driver, path: str) -> dict[str, float]:
    """Seconds by step. What passes at the provider's page is left out."""
    begun = time.perf_counter()
    form = _ORDER((await phone.get(path)).text)
    assert form is not None, "nothing is sold there"
    page = time.perf_counter()
    answer = await phone.post(path, data={"order": form[1], "consent": "yes"})
    assert answer.status_code == 303, answer.text
    ordered = time.perf_counter()
    outcome = await driver.pay(answer.headers["Location"], "frictionless")
    assert outcome.url is not None, outcome.error
    back = time.perf_counter()
    await phone.get(outcome.url)
    mine = outcome.url.partition("?")[0]
    with trio.fail_after(PATIENCE):
        while CHARGING not in (await phone.get(mine)).text:
            await trio.sleep(POLL)
    return {"page": page - begun, "order": ordered - page, "from payment to charging": time.perf_counter() - back}


async def _rush(http: str, driver: Driver, path: str, scans: int) -> dict[str, Any]:
    """All open the provider's page of one place, then all pay at once: one charges, the others get their holds back. How long a
    hold lasted is seen from outside, at the provider."""
    pages: list[str] = []
    held: dict[str, list[float]] = {}
    at_once = trio.CapacityLimiter(CROWD)
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(_phone_at(http, f"127.0.1.{n + 1}")) for n in range(NETWORKS)]

        async def order(phone: httpx.AsyncClient) -> None:
            async with at_once:
                form = _ORDER((await phone.get(path)).text)
                assert form is not None
                answer = await phone.post(path, data={"order": form[1], "consent": "yes"})
                assert answer.status_code == 303, answer.text
                pages.append(answer.headers["Location"])

        async with trio.open_nursery() as nursery:
            for n in range(scans):
                nursery.start_soon(order, phones[n % NETWORKS])
    before = await _holds(driver)

    async def look() -> int:
        now = time.perf_counter()
        holding = await _holds(driver) - before
        for id in holding:
            held.setdefault(id, [now, now])[1] = now
        return len(holding)

    async def watch() -> None:
        while True:
            await look()
            await trio.sleep(LOOK)

    async def pay(page: str) -> None:
        async with at_once:
            await driver.pay(page, "frictionless")

    begun = time.perf_counter()
    async with trio.open_nursery() as watching:
        watching.start_soon(watch)
        async with trio.open_nursery() as nursery:
            for page in pages:
                nursery.start_soon(pay, page)
        paid = time.perf_counter()
        with trio.fail_after(PATIENCE):
            while await look() > 1:
                await trio.sleep(LOOK)
        over = time.perf_counter()
        watching.cancel_scope.cancel()
    lasted = sorted(last - first for first, last in held.values())
    return {
        "paid": scans, "paying_took_s": round(paid - begun, 1), "one_hold_left_after_s": round(over - paid, 2),
        "a_loser_was_held_s": _spread(lasted[:-1] or [0.0]), "aim": RELEASED_WITHIN_S,
    }  # fmt: skip


def _phone_at(http: str, address: str) -> httpx.AsyncClient:
    """A crowd is no single address: one is slowed down after so many pages."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(base_url=http, timeout=PATIENCE, transport=transport)


async def _holds(driver: Driver) -> set[str]:
    """Intents of the merchant that hold money at the provider now."""
    account = (await driver.look("money"))["accounts"][MERCHANT]
    return {intent["id"] for intent in account["intents"] if intent["held"]}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)  # noqa: E731
    return {"p50": at(0.5), "p99": at(0.99), "max": round(ordered[-1], 3)}
