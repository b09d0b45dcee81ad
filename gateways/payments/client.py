"""The provider's client: made once a node, on trio, with bounded timeouts, and telling nobody about this machine.

    clients = Clients(StripeKeys(secret_key=...))
    clients.of(tenant)              a stripe.StripeClient; raises PaymentsOff
    await clients.close()

Whose key is used is asked by tenant: today all brands of an installation share one platform account, and a tenant's own key
would come in here, and nowhere else.
"""

import logging
from typing import Any, Protocol

import httpx
import msgspec
import stripe

from gateways.payments.limits import CONNECT_SECONDS, READ_SECONDS, SDK_RETRIES

stripe.enable_telemetry = False
# The package tells at INFO of every request, and at DEBUG of its body.
logging.getLogger("stripe").setLevel(logging.WARNING)
logging.getLogger("httpx").setLevel(logging.WARNING)


class StripeKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of Stripe. `base`: all of its hosts, for a test server. `live`: the mode that events must have. The
    secrets of both webhooks may be two each, by a comma, while one is being replaced. `client_id`: ours in OAuth. `tenant`:
    whose platform account it is, to which payouts and corrections of the brand's own account belong."""

    secret_key: str | None = None
    base: str | None = None
    webhook_secret: str | None = None
    connect_webhook_secret: str | None = None
    client_id: str | None = None
    live: bool = False
    tenant: str | None = None

    def __repr__(self) -> str:
        return f"StripeKeys(secret_key={'set' if self.secret_key else None}, base={self.base!r}, live={self.live})"

    __str__ = __repr__


class PaymentsOff(Exception):
    """There is no key, so there are no card payments."""

    def __init__(self) -> None:
        super().__init__("card payments are off: set CSMS_STRIPE__SECRET_KEY (stripe.secret_key)")


class Platform(stripe.StripeClient):
    """The client of a platform account. `connect_id`: its client id in OAuth."""

    connect_id: str | None = None


class ClientSource(Protocol):
    def of(self, tenant: str) -> Platform:
        """The client with the key of this tenant's platform account. Raises PaymentsOff."""
        ...

    def platform(self) -> Platform:
        """That of the account whose webhooks come to our two endpoints. Raises PaymentsOff."""
        ...


class Clients:
    """One platform account for all tenants."""

    def __init__(self, keys: StripeKeys) -> None:
        self.keys = keys
        self._http: stripe.HTTPXClient | None = None
        self._client: Platform | None = None

    def of(self, tenant: str) -> Platform:
        return self.platform()

    def platform(self) -> Platform:
        if self._client is None:
            self._client = self._made()
        return self._client

    def _made(self) -> Platform:
        keys = self.keys
        if not keys.secret_key:
            raise PaymentsOff
        # Named explicitly, so that nothing can fall back to a client that would block the loop.
        self._http = stripe.HTTPXClient(timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS))
        bases: Any = {}
        if keys.base is not None:
            bases = {"api": keys.base, "connect": keys.base, "files": keys.base}
        made = Platform(
            keys.secret_key,
            http_client=self._http,
            base_addresses=bases,
            max_network_retries=SDK_RETRIES,
            client_id=keys.client_id,
        )
        made.connect_id = keys.client_id
        return made

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call]
        self._http = self._client = None
