"""What the web gateway is handed by the composition root: everything it may touch, and nothing it could build.

The gateway keeps no state that must last. It asks actors through the `system`, reads rows through `queries`, and
recognises callers by `api_tokens`; what it holds in memory (failed logins, idempotent answers, the fan-out of the event
feed) may be lost with the process at any moment.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from actors.ports import ApiTokens, Lookups, MerchantCard, PspInbox, Queries, Sink, Snapshots, Vault
from gateways.ocpp.quirks import Registry, ours
from gateways.ocpp.soap.service import SoapService
from runtime.store import Health, Store
from runtime.system import System


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _no_stats() -> Mapping[str, Any]:
    return {}


class CardPayments(msgspec.Struct, frozen=True, kw_only=True):
    """What the admin API must know of the payment provider for one tenant. `off`: why it takes no cards, empty where it does.
    `authorise`: from a one-time state and our callback's URL to the page on which the holder of an account lets us in; None:
    OAuth is not set up, for want of the setting `client_id`."""

    off: str = ""
    authorise: Callable[[str, str], str] | None = None
    client_id: str = "CSMS_STRIPE__CLIENT_ID (stripe.client_id)"


def _no_payments(tenant: str) -> CardPayments:
    return CardPayments(off="card payments are off on this node: set CSMS_STRIPE__SECRET_KEY (stripe.secret_key)")


def _as_it_says(card: MerchantCard) -> bool:
    return card.open


class Webhooks(Protocol):
    """Who takes what the payment provider tells (gateways/payments/webhooks.py)."""

    async def take(
        self, endpoint: Literal["account", "connect"], body: bytes, signature: str | None, tenant: str | None = None
    ) -> int:
        """The HTTP status to answer with. `tenant`: whose endpoint it is, None: the installation's."""
        ...


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`token_key` (32 bytes) is the key of the token hashes and of nothing else; `cookie_key` signs the console's
    sessions. Both come from the deployment's secret in the data directory, so that they survive a restart.
    `owner_hash` is `identity.token_hash(token_key, owner token)` when the owner's token is set by configuration;
    a generated one is found in `api_tokens`. `public_url` is what links carry; an https one makes cookies Secure."""

    token_key: bytes
    cookie_key: bytes
    owner_hash: bytes | None = None
    public_url: str | None = None
    behind_tls: bool = False
    """A balancer in front ends TLS: what a SOAP station sends came encrypted."""
    ocpp_url: str | None = None
    card_payments: Callable[[str], CardPayments] = _no_payments
    """By tenant."""
    pay_key: bytes
    """32 bytes: the key of the pay pages' tokens. It comes from the deployment's secret, so that receipts open for years."""
    payment_pages: tuple[str, ...] = ("https://checkout.stripe.com",)
    """Origins of the payment provider's own pages, to which an order leads."""
    surfaces: frozenset[str] = frozenset(("api", "console", "pay"))
    connections: int = 10_000
    connections_per_address: int = 2_000
    """Beyond these one that is idle gives way, or the new one is refused; 0 bounds none of one address."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For and X-Forwarded-Proto are believed."""


class WebEnv(msgspec.Struct, frozen=True, kw_only=True):
    """`ocpp_stats` gives the listener's raw counters (numbers by name); `versions` what /healthz tells
    (`voltroupe`, `postgresql` ...); `protocols` the versions of OCPP that stations may use; `soap` answers those of them
    that come over HTTP, None where this node takes no stations; `quirks` with an
    operator's own entries."""

    system: System
    store: Store
    queries: Queries
    snapshots: Snapshots
    vault: Vault
    sink: Sink
    lookups: Lookups
    health: Health
    api_tokens: ApiTokens
    settings: WebSettings
    ocpp_stats: Callable[[], Mapping[str, Any]] = _no_stats
    versions: Mapping[str, str] = {}
    protocols: tuple[str, ...] = ("ocpp1.6",)
    soap: SoapService | None = None
    quirks: Registry = msgspec.field(default_factory=ours)
    webhooks: Webhooks | None = None
    """Takes what the payment provider tells; None where this node serves no payments."""
    psp_inbox: PspInbox | None = None
    """What those webhooks became, for the platform's operator."""
    takes_cards: Callable[[MerchantCard], bool] = _as_it_says
    """Can cards be taken for this merchant now: by the provider's word of its account, and by the brand's key?"""
    payment_stats: Callable[[], Mapping[str, Any]] = _no_stats
    now: Callable[[], datetime] = _utc_now
    token_bytes: Callable[[int], bytes] = secrets.token_bytes
    """The source of generated station passwords."""
