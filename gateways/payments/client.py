"""The provider's clients: one for each platform account, made when it is first needed, on trio, with bounded timeouts, and
telling nobody about this machine.

    clients = Clients(StripeKeys(secret_key=...))
    clients.of(tenant, platform)    a stripe.StripeClient; raises PaymentsOff
    await clients.close()

`of` is the one place where it is decided whose key is used: by the tenant whose wish it is. A wish names the platform account
that it was made for (a hold is captured where it is), but only among its own tenant's is that account looked for. Each account
has connections of its own, so that one that hangs takes none from the others.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import httpx
import msgspec
import stripe

from actors.model.platforms import INSTALLATION, Platforms
from gateways.payments.limits import CONNECT_SECONDS, READ_SECONDS, SDK_RETRIES
from gateways.payments.standing import WRONG_ACCOUNT, Standing

stripe.enable_telemetry = False
# The package tells at INFO of every request, and at DEBUG of its body.
logging.getLogger("stripe").setLevel(logging.WARNING)
logging.getLogger("httpx").setLevel(logging.WARNING)


class StripeKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of one platform account. `account`: its id, INSTALLATION for that of the whole node; `tenant`: whose
    it is, to whom its payouts and corrections belong; `setting`: the section, for messages. `base`: all of the provider's hosts,
    for a test server. `live`: the mode that events must have. The secrets of both webhooks may be two each, by a comma, while
    one is being replaced. `client_id`: ours in OAuth."""

    account: str = INSTALLATION
    tenant: str | None = None
    setting: str = "stripe"
    secret_key: str | None = None
    base: str | None = None
    webhook_secret: str | None = None
    connect_webhook_secret: str | None = None
    client_id: str | None = None
    live: bool = False

    def __repr__(self) -> str:
        key = "set" if self.secret_key else None
        return f"StripeKeys({self.setting}, account={self.account!r}, secret_key={key}, base={self.base!r}, live={self.live})"

    __str__ = __repr__

    def variable(self, key: str) -> str:
        """The environment variable and the setting, for a message."""
        setting = f"{self.setting}.{key}"
        return f"CSMS_{setting.replace('.', '__').upper()} ({setting})"


class PaymentsOff(Exception):
    """There is no key, so there are no card payments."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or "card payments are off: set CSMS_STRIPE__SECRET_KEY (stripe.secret_key)")


class Platform(stripe.StripeClient):
    """The client of a platform account. `keys`: what the settings say of it."""

    keys: StripeKeys


class _Http(stripe.HTTPXClient):
    """Hears of every answer whether the key is still good."""

    def __init__(self, account: str, standing: Standing) -> None:
        super().__init__(timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS))
        self._account, self._standing = account, standing

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content, status, told = await super().request_async(method, url, headers, post_data)
        if "/oauth/" not in url:  # there a 401 is about the client id, or about an account that has left
            self._standing.answered(self._account, status)
        return content, status, told


class ClientSource(Protocol):
    def of(self, tenant: str, platform: str = INSTALLATION) -> Platform:
        """The client of this platform account, if it is one of the tenant's. Raises PaymentsOff."""
        ...

    def platform(self, account: str = INSTALLATION) -> Platform:
        """That of the account whose webhook came. Raises PaymentsOff, also where its key is that of another account."""
        ...

    @property
    def platforms(self) -> Platforms: ...

    def accounts(self) -> Sequence[str]:
        """All platform accounts that have a key."""
        ...


class Clients:
    """`others`: of the brands that have an account of their own, former ones too."""

    def __init__(self, keys: StripeKeys, others: Iterable[StripeKeys] = (), platforms: Platforms = Platforms()) -> None:
        self.keys = {one.account: one for one in (keys, *others)}
        self._platforms = platforms
        self.standing = Standing()
        self._https: dict[str, stripe.HTTPXClient] = {}
        self._clients: dict[str, Platform] = {}

    @property
    def platforms(self) -> Platforms:
        return self._platforms

    def accounts(self) -> Sequence[str]:
        return [account for account, keys in self.keys.items() if keys.secret_key]

    def of(self, tenant: str, platform: str = INSTALLATION) -> Platform:
        if not self._platforms.has(tenant, platform):
            where = f"stripe.brands.{tenant}.former"
            raise PaymentsOff(f"{platform} is no platform account of {tenant}; if it was one, name it and its key in {where}")
        return self.platform(platform)

    def platform(self, account: str = INSTALLATION) -> Platform:
        if self.standing.trouble(account) == WRONG_ACCOUNT:
            # It would be taken, and move another brand's money, or answer that what is there does not exist.
            setting = self.keys[account].variable("secret_key")
            raise PaymentsOff(f"the key is that of another account than {account}: set {setting}")
        return self.asking(account)

    def asking(self, account: str = INSTALLATION) -> Platform:
        """Also where the key is known to be that of another account: to ask whose it is by now. Raises PaymentsOff."""
        if account not in self._clients:
            self._clients[account] = self._made(account)
        return self._clients[account]

    def _made(self, account: str) -> Platform:
        keys = self.keys.get(account)
        if keys is None:
            raise PaymentsOff(f"the settings name no platform account {account} any more (stripe.brands)")
        if not keys.secret_key:
            raise PaymentsOff(f"card payments are off: set {keys.variable('secret_key')}")
        # Named explicitly, so that nothing can fall back to a client that would block the loop.
        self._https[account] = _Http(account, self.standing)
        bases: Any = {}
        if keys.base is not None:
            bases = {"api": keys.base, "connect": keys.base, "files": keys.base}
        made = Platform(
            keys.secret_key,
            http_client=self._https[account],
            base_addresses=bases,
            max_network_retries=SDK_RETRIES,
            client_id=keys.client_id,
        )
        made.keys = keys
        return made

    async def close(self) -> None:
        for http in self._https.values():
            await http.close_async()  # type: ignore[no-untyped-call]
        self._https.clear()
        self._clients.clear()
