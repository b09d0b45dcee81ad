"""Our client against the sandbox, and the wishes of actors with everything filled in that a test does not care about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from actors.model import psp
from gateways.payments.calls import execute
from gateways.payments.client import Clients, Platform, StripeKeys
from gateways.payments.sandbox import Config, Rule, Sandbox, open_sandbox

MERCHANT = "acct_1Merchant000000000"
OTHER = "acct_1Other00000000000000"
CONFIG = Config(merchants=(MERCHANT, OTHER))


class Rig:
    def __init__(self, sandbox: Sandbox, clients: Clients) -> None:
        self.sandbox = sandbox
        self.clients = clients
        self._n = 0

    @property
    def client(self) -> Platform:
        return self.clients.platform()

    def head(self, account: str | None = MERCHANT, **more: Any) -> dict[str, Any]:
        """What every wish has: a key of its own, committed just now."""
        self._n += 1
        return {"key": f"k{self._n}", "made_at": self.now(), "account": account, **more}

    def now(self) -> datetime:
        """The provider's clock, which a test may advance."""
        return datetime.fromtimestamp(self.sandbox.world.now(), UTC)

    async def do(self, call: psp.AnyCall, *, again: bool = False) -> Any:
        return await execute(self.client, call, self.now(), again=again)

    def open(self, **more: Any) -> psp.OpenCheckout:
        base: dict[str, Any] = {
            "tenant": "acme", "attempt": "p1", "amount_minor": 5000, "currency": "EUR", "title": "Charging",
            "success_url": "https://pay.example.org/back?ok", "cancel_url": "https://pay.example.org/back",
            "expires_at": self.now() + timedelta(minutes=45), "fee_minor": 250,
        }  # fmt: skip
        return psp.OpenCheckout(**{**self.head(), **base, **more})

    async def held(self, card: str = "frictionless", **more: Any) -> str:
        """The intent of a hold that was authorised."""
        call = self.open(**more)
        opened = await self.do(call)
        assert isinstance(opened, psp.CheckoutSeen), opened
        outcome = await self.sandbox.driver.pay(opened.url or "", card)
        assert outcome.paid, outcome.error
        seen = await self.do(psp.FetchCheckout(checkout=opened.checkout, **self.head(call.account)))
        assert seen.intent is not None
        return str(seen.intent.intent)

    def capture(self, intent: str, amount: int = 1234, fee: int = 62, **more: Any) -> psp.CaptureIntent:
        return psp.CaptureIntent(
            **{**self.head(), "intent": intent, "amount_minor": amount, "currency": "EUR", "fee_minor": fee, **more}
        )

    def refund(self, intent: str, amount: int = 500, **more: Any) -> psp.RefundCharge:
        base = {
            "tenant": "acme",
            "attempt": "p1",
            "intent": intent,
            "amount_minor": amount,
            "currency": "EUR",
            "return_fee": True,
        }
        return psp.RefundCharge(**{**self.head(), **base, **more})

    def transfer(self, amount: int = 1172, **more: Any) -> psp.MakeTransfer:
        base = {
            "tenant": "acme",
            "merchant": "m1",
            "destination": MERCHANT,
            "amount_minor": amount,
            "currency": "EUR",
            "group": "s1",
        }
        return psp.MakeTransfer(**{**self.head(None), **base, **more})

    async def funded(self) -> None:
        """Money on the brand's own balance that is available at once."""
        intent = await self.held("available_now", account=None, fee_minor=0, amount_minor=50_000)
        await self.do(self.capture(intent, 50_000, 0, account=None))

    def fault(self, call: str, what: Any, **more: Any) -> None:
        self.sandbox.faults.add([Rule(call=call, what=what, **more)])

    def sent(self, path: str) -> list[dict[str, Any]]:
        """What reached the server, by path."""
        return [call for call in self.sandbox.api.calls if str(call["path"]).startswith(path)]


@asynccontextmanager
async def rigged(config: Config = CONFIG) -> AsyncIterator[Rig]:
    async with open_sandbox(config) as sandbox:
        keys = StripeKeys(secret_key=config.secret_key, base=sandbox.url, client_id=config.client_id)
        clients = Clients(keys)
        try:
            yield Rig(sandbox, clients)
        finally:
            await clients.close()
        check_calls([call for call in sandbox.api.calls if call["method"] == "POST"])


def check_calls(calls: list[dict[str, Any]]) -> None:
    """What must hold of everything that ever goes out: only holds, authentication asked for, nothing that opens a way around."""
    for call in calls:
        params, path = call["params"], call["path"]
        assert call["key"], call
        if not isinstance(params, dict):
            continue
        names = " ".join(params)
        for word in ("moto", "card[number]", "payment_method_data", "confirmation_token", "error_on_requires_action"):
            assert word not in names, call
        if path == "/v1/checkout/sessions":
            assert params["payment_intent_data[capture_method]"] == "manual", call
            assert params["payment_method_options[card][request_three_d_secure]"] == "any", call
            assert params["wallet_options[link][display]"] == "never", call
        if path == "/v1/payment_intents":
            assert params["capture_method"] == "manual", call
            assert params["metadata[mandate]"], call
