"""Two brands on one node, each with a platform account of its own: PostgreSQL, the sandbox, and a station each."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio
from msgspec.structs import replace

from actors.model.rows import PaymentRow
from config.node import Node, open_node
from config.settings import Settings
from gateways.payments.sandbox import Config, Outcome, Sandbox, open_sandbox
from gateways.payments.sandbox.platform import Platform
from gateways.simulator.v16.station import Station16
from tests.gateways.web.pay.street import OWNER, furnish, station_of
from tests.kits.patience import http_client, until

ACME, BETA = "acme", "beta"
ACCOUNTS = {ACME: "acct_1PlatformOfAcme", BETA: "acct_1PlatformOfBeta"}
MERCHANTS = {ACME: "acct_1OwnerAtAcme00", BETA: "acct_1OwnerAtBeta00"}
_ORDER = re.compile(r'name="order" value="([^"]+)"')


def config_of(tenant: str, account: str = "") -> Config:
    return Config(
        platform=account or ACCOUNTS[tenant], secret_key=f"rk_test_{account or tenant}", client_id=f"ca_{account or tenant}",
        merchants=(MERCHANTS[tenant],),
    )  # fmt: skip


def secrets_of(tenant: str, account: str = "") -> dict[str, Any]:
    """A section of the settings."""
    config = config_of(tenant, account)
    return {
        "account": config.platform, "secret_key": config.secret_key, "client_id": config.client_id,
        "webhook_secret": f"whsec_{config.platform}", "connect_webhook_secret": f"whsec_connect_{config.platform}",
    }  # fmt: skip


class Brand:
    """One of them: its station and the code on it, its platform account at the provider, and its administrator."""

    def __init__(self, tenant: str, town: "Town", admin: httpx.AsyncClient, code: str, password: str) -> None:
        self.tenant, self._town, self.admin, self.code, self.password = tenant, town, admin, code, password
        self.station: Station16 | None = None

    def moved(self, town: "Town") -> None:
        self._town = town

    @property
    def platform(self) -> Platform:
        return self._town.sandbox.platforms[ACCOUNTS[self.tenant]]

    @property
    def page(self) -> str:
        return f"{self._town.node.urls.http}/pay/{self.tenant}/{self.code}"

    async def offers(self) -> bool:
        return _ORDER.search((await self.admin.get(self.page)).text) is not None

    async def order(self) -> str:
        """A driver orders; where the browser is led."""
        found = _ORDER.search((await self.admin.get(self.page)).text)
        assert found is not None, "nothing is offered"
        answer = await self.admin.post(self.page, data={"order": found[1], "consent": "yes"})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    async def pay(self, url: str, card: str = "frictionless") -> Outcome:
        return await self._town.sandbox.driver.pay(url, card)

    async def charges(self, card: str = "frictionless") -> str:
        """Scan, order, pay, and charge; the path of the session's page."""
        outcome = await self.pay(await self.order(), card)
        assert outcome.url is not None, outcome.error
        mine = outcome.url.partition("?")[0]

        async def charging() -> bool:
            return "/stop" in (await self.admin.get(mine)).text

        await until(charging)
        station = self.station
        assert station is not None
        connector = station.connectors[0]

        async def flowed() -> bool:  # what costs less than a card can be charged is given away
            running = connector.transaction
            return running is not None and connector.meter.read(station.clock.real()) - running.meter_start > 1_200

        await until(flowed)
        return mine

    async def session(self) -> PaymentRow:
        """One driver from the scan to the money; the payment, once it is settled."""
        known = {row.id for row in await self.payments()}
        mine = await self.charges()
        await self.admin.post(f"{mine}/stop")
        return await self.settled(known)

    async def settled(self, but: set[str]) -> PaymentRow:
        async def over() -> bool:
            return any(row.state == "settled" and row.id not in but for row in await self.payments())

        await until(over)
        return next(row for row in await self.payments() if row.state == "settled" and row.id not in but)

    async def payments(self) -> list[PaymentRow]:
        return list((await self._town.node.domain.queries.payments(self.tenant, 100, None)).items)

    async def events(self, kind: str) -> list[Any]:
        page = await self._town.node.domain.queries.events(self.tenant, [kind], None, 100)
        return list(page.items)

    def objects(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        """At the provider, on this brand's side of it."""
        found = self.platform.world.objects.values()
        return [obj for obj in found if obj["object"] == kind and account in (None, obj["_account"])]

    def asked(self, path: str) -> list[dict[str, Any]]:
        """Calls that came with this brand's key."""
        return [call for call in self.platform.api.calls if str(call["path"]).startswith(path)]


class Town:
    def __init__(self, node: Node, sandbox: Sandbox) -> None:
        self.node, self.sandbox = node, sandbox
        self.brands: dict[str, Brand] = {}

    def __getitem__(self, tenant: str) -> Brand:
        return self.brands[tenant]

    def received(self) -> Mapping[str, int]:
        return self.node.domain.payments.receiver.stats()


def settings_of(folder: Path, dsn: str, base: str, brands: Mapping[str, Any], **more: Any) -> Settings:
    return Settings(
        data_dir=folder, owner_token=OWNER, database={"dsn": dsn}, ocpp={"host": "127.0.0.1", "port": 0},
        http={"host": "127.0.0.1", "port": 0}, stripe={"api_base": base, "brands": dict(brands), **more},
    )  # fmt: skip


@asynccontextmanager
async def two_brands(dsn: str, folder: Path) -> AsyncIterator[Town]:
    async with open_sandbox(replace(config_of(ACME), others=(config_of(BETA),))) as sandbox:
        sections = {tenant: secrets_of(tenant) for tenant in (ACME, BETA)}
        async with open_town(sandbox, settings_of(folder, dsn, sandbox.url, sections)) as town:
            await furnished(town)
            yield town


@asynccontextmanager
async def open_town(sandbox: Sandbox, settings: Settings) -> AsyncIterator[Town]:
    """The node, with the provider's events of every account on their way to its own endpoints."""
    async with open_node(settings) as node:
        for tenant, brand in settings.stripe.brands.items():
            hooked(sandbox.platforms[brand.account], node, tenant)
            for former in brand.former.values():
                hooked(sandbox.platforms[former.account], node, tenant)
        yield Town(node, sandbox)


def hooked(platform: Platform, node: Node, tenant: str) -> None:
    url, account = f"{node.urls.http}/stripe/{tenant}/webhook", platform.world.platform
    platform.hook(url, f"whsec_{account}")
    platform.hook(f"{url}/connect", f"whsec_connect_{account}", connect=True)


async def furnished(town: Town) -> None:
    """Both tenants, each with a merchant, a tariff and a station with one EVSE."""
    for tenant in (ACME, BETA):
        admin = _admin(town)
        code, password = await furnish(admin, tenant, MERCHANTS[tenant])
        town.brands[tenant] = Brand(tenant, town, admin, code, password)


def _admin(town: Town) -> httpx.AsyncClient:
    return http_client(base_url=f"{town.node.urls.http}/api/v1")


async def returned(town: Town, brand: Brand) -> None:
    """The same brand at a node that was started again."""
    old, brand.admin = brand.admin, _admin(town)
    brand.admin.headers["Authorization"] = old.headers["Authorization"]
    await old.aclose()
    town.brands[brand.tenant] = brand
    brand.moved(town)


@asynccontextmanager
async def open_stations(town: Town) -> AsyncIterator[None]:
    """Both stations are there, and their places are sold."""
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        for brand in town.brands.values():
            stack.push_async_callback(brand.admin.aclose)
            brand.station = station_of(town.node, brand.password, brand.tenant)
            await nursery.start(brand.station.run)
        for brand in town.brands.values():
            await until(brand.offers)
        yield
        nursery.cancel_scope.cancel()
