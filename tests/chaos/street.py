"""A node that can be told to die, a sandbox that lives on beside it, one station, and the people at it: a driver with a card, a
driver with a wallet, an operator. They repeat what such people and Stripe repeat: a page that did not load, a request without an
answer, a webhook that nobody took.

What has become of a payment is read from the node's database, past the node: a question to it would be a step of it.
"""

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import trio

from actors.model.rows import PaymentRow, TransferRow
from config.domain import database_of
from config.settings import Settings
from gateways.payments.sandbox import Config
from gateways.payments.sandbox.config import Hook
from gateways.simulator.memory import Model
from runtime.store import StoreAway
from storage.queries import PostgresQueries
from tests.chaos.every_await import IDENTITY, Rig
from tests.chaos.process import PASSWORD, TENANT, TOKEN, free_ports
from tests.kits.sandbox import SandboxProcess, sandbox_process

ACCOUNT = "acct_1ChaosOwner000000"
MERCHANT = "owner"
WALLET = "driver"
TOP_UP = 5_000_000
"""Enough for every session of a long run."""
SECRETS = ("whsec_chaos_account", "whsec_chaos_connect")
POST = Model("Chaos", "AC 22", "1", 22_000, 1, pace=600.0)
"""A second of charging costs some euros: more than the smallest payment, and than the smallest transfer at once."""
PATIENCE = 180.0
"""A safety net, in seconds with a node that is there."""
PAGE_SECONDS = 10.0
SANDBOX_SECONDS = 120.0
"""The provider does not die: who asks it waits."""
TARIFF: dict[str, Any] = {
    "country_code": "DE", "party_id": "CHA", "id": "T1", "currency": "EUR", "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 2.0, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}  # fmt: skip
SELLER = {
    "name": "Chaos Laden GmbH", "address": ["Hafenstrasse 1", "20459 Hamburg"], "country": "DE", "vat_id": "DE123456789",
    "email": "laden@example.org", "phone": "+49 40 123456", "complaints": "Schlichtungsstelle, Postfach 1, 20459 Hamburg",
    "terms_url": "https://example.org/agb", "privacy_url": "https://example.org/datenschutz",
}  # fmt: skip
LOCATION = {"name": "Parkhaus", "address": "Hafenstrasse 1", "postal_code": "20459", "city": "Hamburg"}
_ORDER = re.compile(r'name="order" value="([^"]+)"')


class NeverSettled(Exception):
    """Something waited longer than anybody would."""


class Street(Rig):
    """Open it with `open_street`."""

    sandbox: SandboxProcess
    queries: PostgresQueries
    client: httpx.AsyncClient

    def __init__(self, home: Path) -> None:
        super().__init__(home, "ocpp1.6", POST)
        self.post: Any = self.station
        self.connector: Any = self.station.connectors[0]
        self.sandbox_port = free_ports(1)[0]
        self.code = ""
        given = Config()
        self.node.settings = {
            "CSMS_STRIPE__API_BASE": f"http://127.0.0.1:{self.sandbox_port}",
            "CSMS_STRIPE__SECRET_KEY": given.secret_key,
            "CSMS_STRIPE__WEBHOOK_SECRET": SECRETS[0],
            "CSMS_STRIPE__CONNECT_WEBHOOK_SECRET": SECRETS[1],
        }

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.node.http_port}"

    def sandbox_config(self) -> Config:
        """Money is available at once: what is transferred must be there."""
        hook = f"{self.http}/stripe/webhook"
        hooks = (Hook(hook, SECRETS[0]), Hook(f"{hook}/connect", SECRETS[1], connect=True))
        return Config(merchants=(ACCOUNT,), hooks=hooks, available_after=0)

    # -- questions that cost the node no step

    async def payment(self, attempt: str) -> PaymentRow:
        row = await self.queries.payment(TENANT, attempt)
        assert row is not None, f"{attempt} is lost"
        return row

    async def transfers(self) -> list[TransferRow]:
        """The newest, most of a run's: what waits and what is done, transfers and reversals."""
        return list((await self.queries.transfers(TENANT, None, None, 20, None)).items)

    async def until(self, question: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> bool:
        """Looks now and then, and brings the node back when it has died. True when it died meanwhile. Raises NeverSettled."""
        died, since = False, trio.current_time()
        while not await question():
            await trio.sleep(0.02)
            if self.died:
                died = True
                await self.start()
                since = trio.current_time()
            if trio.current_time() > since + seconds:
                raise NeverSettled
        return died

    async def disarmed(self) -> bool:
        """True when it died before it could be told."""
        if await self.order("disarm", "counted"):
            return False
        await self.start()
        return True

    # -- people

    async def page(self, method: str, url: str, **given: Any) -> httpx.Response:
        """As a browser: loaded again when it did not come, or when the node says that it cannot just now."""
        since = trio.current_time()
        while True:
            if self.died:
                await self.start()
                since = trio.current_time()
            try:
                answer = await self.client.request(method, url, **given)
                if answer.status_code < 500:
                    return answer
            except httpx.HTTPError:
                answer = None
            if trio.current_time() > since + PATIENCE:
                raise NeverSettled(f"{method} {url}: {answer and answer.text[:300]}")
            await trio.sleep(0.05)

    async def api(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """A request of the operator's, repeated until it has its answer."""
        headers = {"Authorization": f"Bearer {self.node.owner}", **({"Idempotency-Key": key} if key else {})}
        answer = await self.page(method, f"{self.http}/api/v1{path}", json=body, headers=headers)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    async def ordered(self, code: str = "") -> tuple[str, str]:
        """A driver scans and orders: the provider's page, and the payment's id."""
        url = f"{self.http}/pay/{TENANT}/{code or self.code}"
        since = trio.current_time()
        while True:
            shown = await self.page("GET", url)
            form = _ORDER.search(shown.text)
            if form is not None:
                answer = await self.page("POST", url, data={"order": form[1], "consent": "yes"})
                page = answer.headers.get("Location", "")
                if answer.status_code == 303 and page.startswith(self.sandbox.url):
                    return page, await self._attempt_of(page)
            if trio.current_time() > since + PATIENCE:
                raise NeverSettled(f"no order can be given: {shown.text}")
            await trio.sleep(0.1)

    async def _attempt_of(self, page: str) -> str:
        while True:
            with suppress(StoreAway):
                rows: Sequence[PaymentRow] = (await self.queries.payments(TENANT, 50, None)).items
                return next(row.id for row in rows if row.checkout_url == page)
            await trio.sleep(0.05)

    async def webhooks_again(self, rng: random.Random, count: int = 8) -> None:
        """Stripe sends what it has sent before, in any order."""
        events = []
        for account in ({}, {"Stripe-Account": ACCOUNT}):
            headers = {"Authorization": f"Bearer {self.sandbox.secret_key}", **account}
            url = f"{self.sandbox.url}/v1/events"
            answer = await self.client.get(url, params={"limit": count}, headers=headers, timeout=SANDBOX_SECONDS)
            events += [event["id"] for event in answer.raise_for_status().json()["data"]]
        for id in rng.sample(events, len(events)):
            await self.sandbox.driver.control("redeliver", id=id)


@asynccontextmanager
async def open_street(home: Path, kind: type[Street] = Street) -> AsyncIterator[Street]:
    street = kind(home)
    try:
        async with sandbox_process(street.sandbox_config(), home / "sandbox", street.sandbox_port) as street.sandbox:
            await street.start()
            async with (
                database_of(Settings(data_dir=street.node.data), migrating=False) as database,
                httpx.AsyncClient(timeout=PAGE_SECONDS, trust_env=False) as street.client,
                trio.open_nursery() as nursery,
            ):
                street.queries = PostgresQueries(database)
                await _furnish(street)
                await nursery.start(street.station.run)
                await street.station.online()
                await _top_up(street)
                yield street
                nursery.cancel_scope.cancel()
    finally:
        street.journal.close()
        street.node.end()


async def _furnish(street: Street) -> None:
    tenant = {"id": TENANT, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"}
    await street.api("POST", "/tenants", tenant)
    of = f"/tenants/{TENANT}"
    await street.api("PUT", f"{of}/tariffs/T1", TARIFF)
    merchant = {"seller": SELLER, "commission_percent": "5", "account": ACCOUNT}
    await street.api("PUT", f"{of}/merchants/{MERCHANT}", merchant)
    await street.api("PUT", f"{of}/wallets/{WALLET}", {"session_limit_minor": 10_000})
    await street.api("PUT", f"{of}/tokens/ISO14443/{TOKEN}", {"status": "Accepted", "payment": f"wallet:{WALLET}"})
    street.code = await furnish_station(street, IDENTITY)


async def furnish_station(street: Street, identity: str) -> str:
    """The code on its EVSE."""
    station = {
        "evses": 1, "location": LOCATION, "merchant": MERCHANT, "tariff": "T1", "auth": {"profile": 1, "password": PASSWORD},
    }  # fmt: skip
    made = await street.api("PUT", f"/tenants/{TENANT}/stations/{identity}", station)
    code: str = made["evses"][0]["code"]
    return code


async def _top_up(street: Street) -> None:
    wallet = f"/tenants/{TENANT}/wallets/{WALLET}"
    back = {"return_url": "https://example.org/topped-up", "cancel_url": "https://example.org/wallet"}
    page = await street.api("POST", f"{wallet}/topup", {"id": "first", "amount_minor": TOP_UP, **back})
    outcome = await street.sandbox.driver.pay(page["url"], "challenge")
    assert outcome.paid, outcome.error

    async def there() -> bool:
        return bool((await street.api("GET", wallet))["balance_minor"] == TOP_UP)

    await street.until(there)
