"""The demo's money: a merchant, a wallet that is topped up by card, and drivers who scan a code, pay and charge.

Stripe is played by our test server in this very process (gateways/payments/sandbox), unless the settings name a key of their own:
then cards are for whoever runs the demo to pull out, and these drivers stay at home. They are customers of the outer
contract like the stations: pages by HTTP, forms as a browser without scripts would send them.
"""

import random
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import trio

from config.errors import EnvironmentFault
from config.settings import Settings
from config.stripe_settings import StripeSettings
from gateways.payments.sandbox import Config, Sandbox, open_sandbox

MERCHANT = "hafen"
ACCOUNT = "acct_1DemoHafen00000000"
WALLET = "demo-driver"
TOP_UP_MINOR = 10_000
PER_SESSION_MINOR = 1_000
STATE = "sandbox"
"""Where the test server keeps what it knows, under the data directory: money and books belong together."""
AFTERWARDS = {"return_url": "https://example.org/topped-up", "cancel_url": "https://example.org/wallet"}
CARDS = ("frictionless", "challenge")
STOP = "/stop"
"""What the page has while there is a session to end."""
CHARGE_SECONDS = (3.0, 6.0)
SETTLE_SECONDS = 60.0
"""At most, on a machine that is very busy."""
PAGE_SECONDS = 20.0
FINAL = frozenset(("captured", "settled", "released", "expired", "lost"))
SELLER = {
    "name": "Hafenladen GmbH",
    "address": ["Hafenstrasse 1", "20459 Hamburg"],
    "country": "DE",
    "vat_id": "DE123456789",
    "email": "laden@example.org",
    "phone": "+49 40 123456",
    "complaints": "Schlichtungsstelle, Postfach 1, 20459 Hamburg",
    "terms_url": "https://example.org/agb",
    "privacy_url": "https://example.org/datenschutz",
    "renewable": True,
}
_ORDER = re.compile(r'name="order" value="([^"]+)"')


class Till:
    """Who pays in the demo. `sandbox` None: a Stripe account of the user's own."""

    def __init__(self, sandbox: Sandbox | None, settings: Settings) -> None:
        self.sandbox = sandbox
        self.settings = settings

    @property
    def open(self) -> bool:
        return self.sandbox is not None

    def listen(self, http: str) -> None:
        """The node is there: that is where its events go."""
        given, sandbox = self.settings.stripe, self.sandbox
        if sandbox is None or given.webhook_secret is None or given.connect_webhook_secret is None:
            return
        sandbox.hook(f"{http}/stripe/webhook", given.webhook_secret.get_secret_value())
        sandbox.hook(f"{http}/stripe/webhook/connect", given.connect_webhook_secret.get_secret_value(), connect=True)


@asynccontextmanager
async def open_till(settings: Settings) -> AsyncIterator[Till]:
    """The test server, and the settings of a node that pays through it."""
    if settings.stripe.secret_key is not None:
        yield Till(None, settings)
        return
    kept = Path(settings.data_dir) / STATE
    kept.mkdir(parents=True, exist_ok=True)
    async with open_sandbox(Config(merchants=(ACCOUNT,)), state=kept) as sandbox:
        stripe = StripeSettings.model_validate(
            {
                "api_base": sandbox.url,
                "secret_key": sandbox.world.config.secret_key,
                "client_id": sandbox.world.config.client_id,
                "webhook_secret": "whsec_" + secrets.token_hex(16),
                "connect_webhook_secret": "whsec_" + secrets.token_hex(16),
            }
        )
        yield Till(sandbox, settings.model_copy(update={"stripe": stripe}))


async def furnish(api: httpx.AsyncClient, base: str) -> None:
    """The merchant and the wallet. Repeatable on kept data. `base`: the tenant's path in the API."""
    merchant = {"seller": SELLER, "commission_percent": "5", "account": ACCOUNT}
    wallet = {"session_limit_minor": PER_SESSION_MINOR}
    for path, body in ((f"merchants/{MERCHANT}", merchant), (f"wallets/{WALLET}", wallet)):
        answer = await api.put(f"{base}/{path}", json=body)
        if not answer.is_success:
            raise EnvironmentFault(f"the node answered {answer.status_code} to PUT {path}: {answer.text[:500]}")


async def top_up(api: httpx.AsyncClient, base: str, till: Till) -> None:
    """The driver fills the wallet by card, with the bank's question."""
    assert till.sandbox is not None
    answer = await api.post(f"{base}/wallets/{WALLET}/topup", json={"amount_minor": TOP_UP_MINOR, **AFTERWARDS})
    if not answer.is_success:
        raise EnvironmentFault(f"the node answered {answer.status_code} to the top-up: {answer.text[:500]}")
    outcome = await till.sandbox.driver.pay(answer.json()["url"], "challenge")
    if not outcome.paid:
        raise EnvironmentFault(f"the wallet could not be topped up: {outcome.error}")

    async def filled() -> bool:
        return bool((await api.get(f"{base}/wallets/{WALLET}")).json()["balance_minor"] >= TOP_UP_MINOR)

    await _until(filled, SETTLE_SECONDS)


async def drive(api: httpx.AsyncClient, station: str, url: str, till: Till, leaving: trio.Event) -> None:
    """One driver after the other at one code, until `leaving`; whoever charges then stops properly. `station`: its path in the
    API. It is told to meter every second, so that there is something to see."""
    assert till.sandbox is not None

    async def eager() -> bool:
        told = {"key": "MeterValueSampleInterval", "value": "1"}
        return (await api.post(f"{station}/commands/ChangeConfiguration", json=told)).is_success

    await _until(eager, SETTLE_SECONDS)
    dice = random.Random()  # noqa: S311 - which card, how long: nothing here is a secret
    async with httpx.AsyncClient(timeout=PAGE_SECONDS, trust_env=False) as phone:
        while not leaving.is_set():
            with suppress(httpx.HTTPError):  # a page that did not come: the next driver tries again
                await _charge(phone, url, till.sandbox, dice, leaving)
            with trio.move_on_after(0.5 + dice.random()):
                await leaving.wait()


async def _charge(phone: httpx.AsyncClient, url: str, sandbox: Sandbox, dice: random.Random, leaving: trio.Event) -> None:
    page = await phone.get(url)
    form = _ORDER.search(page.text)
    if form is None:
        return  # occupied, offline, or not open yet
    answer = await phone.post(url, data={"order": form[1], "consent": "yes"})
    if answer.status_code != 303:
        return
    outcome = await sandbox.driver.pay(answer.headers["Location"], dice.choice(CARDS))
    if outcome.url is None:
        return
    mine = outcome.url.partition("?")[0]
    await phone.get(outcome.url)

    async def charges() -> bool:
        return STOP in (await phone.get(mine)).text

    if await _until(charges, PAGE_SECONDS):
        await trio.sleep(CHARGE_SECONDS[0])  # what costs less than a card can be charged is given away
        with trio.move_on_after(dice.uniform(0.0, CHARGE_SECONDS[1] - CHARGE_SECONDS[0])):
            await leaving.wait()
        await phone.post(f"{mine}/stop")
    else:
        await phone.post(f"{mine}/cancel")


async def settled(api: httpx.AsyncClient, base: str) -> None:
    """Until no payment has anything before it, or for as long as people wait for that."""

    async def over() -> bool:
        return all(item["state"] in FINAL for item in await _payments(api, base))

    await _until(over, SETTLE_SECONDS)


async def _payments(api: httpx.AsyncClient, base: str) -> list[dict[str, Any]]:
    answer = await api.get(f"{base}/payments", params={"limit": 1000})
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return [item for item in items if item["state"] not in ("quoted", "checkout_open")]


async def _until(question: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """False when it was not so in this time."""
    with trio.move_on_after(seconds):
        while True:
            if await question():
                return True
            await trio.sleep(0.2)
    return False
