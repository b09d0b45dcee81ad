"""The whole way, nothing left out: a node on PostgreSQL, our Stripe in its place, a simulated station, and a real browser."""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from config.node import Node, open_node
from config.settings import Settings
from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.sandbox import Sandbox, open_sandbox
from gateways.simulator.memory import Model, StationSettings
from gateways.simulator.stats import Stats
from gateways.simulator.v16.station import Station16
from tests.gateways.web.pay.kit import LOCATION, SELLER, TARIFF
from tests.kits.browser import PATIENCE_MS, in_browser
from tests.kits.patience import http_client, until

OWNER = "owner-token-of-the-street"
ACCOUNT = "acct_1Stadtwerke00000"
POST = Model("Nordlicht", "AC Post 22", "2.4.1", 22_000, 1, pace=60.0)
ENOUGH_KWH = 1.5
"""More than the least amount that a card can be charged: a charge that is stopped earlier may be waived."""


class Street:
    """`station` is CS17 with one EVSE, `code` in its QR."""

    def __init__(self, node: Node, sandbox: Sandbox, station: Station16, admin: httpx.AsyncClient, code: str) -> None:
        self.node, self.sandbox, self.station, self.admin, self.code = node, sandbox, station, admin, code

    @property
    def url(self) -> str:
        return f"{self.node.urls.http}/pay/acme/{self.code}"

    @property
    def connector(self) -> Any:
        return self.station.connectors[0]

    async def payments(self) -> list[Any]:
        return list((await self.node.domain.queries.payments("acme", 20, None)).items)

    async def until(self, question: Callable[[], Awaitable[bool]]) -> None:
        await until(question, pause=0.05)

    async def all_over(self) -> None:
        """Until no payment holds money any more."""

        async def over() -> bool:
            return all(row.state in ("settled", "captured", "released", "expired") for row in await self.payments())

        await self.until(over)

    def held(self) -> list[str]:
        """Intents at the provider that still hold money."""
        objects = self.sandbox.world.objects.values()
        return [obj["id"] for obj in objects if obj["object"] == "payment_intent" and obj["status"] == "requires_capture"]


def settings_of(folder: Path, dsn: str, sandbox: Sandbox) -> Settings:
    return Settings(
        data_dir=folder, owner_token=OWNER, database={"dsn": dsn}, ocpp={"host": "127.0.0.1", "port": 0},
        http={"host": "127.0.0.1", "port": 0},
        stripe={
            "api_base": sandbox.url, "secret_key": sandbox.world.config.secret_key, "client_id": sandbox.world.config.client_id,
            "webhook_secret": "whsec_street_account", "connect_webhook_secret": "whsec_street_connect",
        },
    )  # fmt: skip


@asynccontextmanager
async def high_street(dsn: str, folder: Path) -> AsyncIterator[Street]:
    async with (
        open_sandbox(Config(merchants=(ACCOUNT,))) as sandbox,
        open_node(settings_of(folder, dsn, sandbox)) as node,
        trio.open_nursery() as nursery,
    ):
        sandbox.hook(f"{node.urls.http}/stripe/webhook", "whsec_street_account")
        sandbox.hook(f"{node.urls.http}/stripe/webhook/connect", "whsec_street_connect", connect=True)
        async with http_client(base_url=f"{node.urls.http}/api/v1") as admin:
            code, password = await furnish(admin)
            station = station_of(node, password)
            await nursery.start(station.run)
            street = Street(node, sandbox, station, admin, code)
            await _opened(street)
            yield street
            nursery.cancel_scope.cancel()


async def furnish(admin: httpx.AsyncClient, tenant: str = "acme", account: str = ACCOUNT) -> tuple[str, str]:
    """Tenant, merchant, tariff and station; the EVSE's code and the station's password."""
    admin.headers["Authorization"] = f"Bearer {OWNER}"
    body = {"id": tenant, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"}
    made = await admin.post("/tenants", json=body)
    assert made.status_code == 201, made.text
    admin.headers["Authorization"] = f"Bearer {made.json()['token']}"
    seller = {name: getattr(SELLER, name) for name in SELLER.__struct_fields__}
    merchant = {"seller": {**seller, "address": list(SELLER.address)}, "commission_percent": "5", "account": account}
    for path, content in (("merchants/swm", merchant), ("tariffs/adhoc", TARIFF)):
        answer = await admin.put(f"/tenants/{tenant}/{path}", json=content)
        assert answer.status_code in (200, 201), answer.text
    location = {
        name: value for name, value in LOCATION.items() if name != "max_power_w"
    }  # this energy flows sixty times too fast
    station = {"evses": 1, "location": location, "merchant": "swm", "tariff": "adhoc"}
    answer = await admin.put(f"/tenants/{tenant}/stations/CS17", json=station)
    assert answer.status_code == 201, answer.text
    return answer.json()["evses"][0]["code"], answer.json()["auth"]["password"]


def station_of(node: Node, password: str, tenant: str = "acme") -> Station16:
    url = f"{node.urls.ocpp}/ocpp/{tenant}"
    told = StationSettings(url=url, identity="CS17", model=POST, password=password, backoff_most=0.5)
    station = Station16(told, rng=random.Random(17), stats=Stats())
    station.configuration["MeterValueSampleInterval"] = ("1", False)
    return station


async def _opened(street: Street) -> None:
    """Until the merchant's account is known to be open, and the EVSE free."""

    async def ready() -> bool:
        page = await street.admin.get(street.url, headers={"Accept-Language": "de"})
        return "Zahlungspflichtig bestellen" in page.text

    await street.until(ready)


class Browser:
    """A phone in a driver's hand, in a thread of its own."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def order(self, url: str, button: str = "Order with obligation to pay") -> None:
        page = self.page
        page.goto(url)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name=button).click()
        page.get_by_role("heading", name="Reserve").wait_for()

    def pay(self, card: str) -> None:
        self.page.locator("#pay").wait_for()  # all fields stand before it
        self.page.get_by_label("Card number").fill(card)
        email = self.page.get_by_label("E-mail")
        if email.count():
            email.fill("driver@example.org")
        self.page.locator("#pay").click()

    def see(self, heading: str) -> None:
        self.page.get_by_role("heading", name=heading, exact=True).wait_for()

    def charge_on(self) -> None:
        """Until the page has seen energy flow, by itself: more than it saw first, and enough to be paid for."""
        first, passed_ms = self.energy(), 0
        while self.energy() <= max(first, ENOUGH_KWH):
            self.page.wait_for_timeout(200)
            passed_ms += 200
            assert passed_ms < PATIENCE_MS, f"no energy flows: {self.energy()} kWh"

    def energy(self) -> float:
        """kWh as the page shows them."""
        text = self.page.locator("[data-value=energy]").inner_text()
        return float(text.split("\u00a0")[0].replace(",", ".").replace("–", "0"))

    def shot(self, name: str) -> None:
        """For eyes: a picture of the page, where somebody asks for pictures."""
        if folder := os.environ.get("PAY_SHOTS"):
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    def fetch(self, link: Any) -> bytes:
        """What a link leads to."""
        answer = self.page.request.get(self.page.url.split("/pay/")[0] + link.get_attribute("href"))
        assert answer.ok, answer.status
        body: bytes = answer.body()
        return body


async def drive(act: Callable[[Browser], None], *, script: bool = True, locale: str = "en-GB") -> list[str]:
    """Runs `act` in a fresh browser; what the browser complained about on our pages."""
    return await trio.to_thread.run_sync(_drive, act, script, locale)


def _drive(act: Callable[[Browser], None], script: bool, locale: str) -> list[str]:
    def whole(page: Any) -> None:
        browser = Browser(page)
        try:
            act(browser)
        except BaseException:
            browser.shot("failed")
            raise

    phone = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": script, "locale": locale}
    return in_browser(whole, complaints_of=("/pay/", "/static/"), **phone)
