"""Cards: what a node keeps in memory of tenants, stations, merchants, authorities, tokens and tariffs, so that nobody in a
station's hot path asks a tenant's actor or the database. They are versioned snapshots, at most 5 s stale after a change
made on another node.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from actors.merchant.messages import PartnerShare, Seller
from actors.model.platforms import INSTALLATION
from actors.model.rows import VaultRow
from actors.model.token import TokenCard


class TenantCard(msgspec.Struct, frozen=True, gc=False):
    tenant: str
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    """refuse, inbox or accept."""
    settings: dict[str, Any] = {}


class StationCard(msgspec.Struct, frozen=True, gc=False):
    """What the listener must know before the upgrade. `secret` is keyed BLAKE2b of a generated password, with
    salt (see actors/station/auth.py); profile 0 has none. `next_secret` and `next_profile` (0: none) are good as well while
    the station changes to them; `serial` is the number that a client certificate may name; `made` what its last boot on
    this node said: (vendor, model, firmware), by which its quirks are known before its actor is asked."""

    tenant: str
    station: str
    profile: int
    secret: bytes | None
    versions: tuple[str, ...]
    evses: int
    tariff: str | None
    location: dict[str, Any] = {}
    next_secret: bytes | None = None
    next_profile: int = 0
    serial: str | None = None
    made: tuple[str, str, str] = ("", "", "")
    merchant: str | None = None
    """Who sells here and is paid, as the station says; None: whoever the tenant's settings name (merchant/rows.merchant_at)."""


class MerchantCard(msgspec.Struct, frozen=True, gc=False):
    """A merchant as the pay page, the payments and the sessions need it. `account` None: the brand's own. Percentages as decimal
    text, of the gross; `open`: the provider lets it take cards now (whether payments are configured on a node at all is known
    to its payment gateway). `platform`: the platform account that `account` is connected to."""

    tenant: str
    id: str
    seller: Seller
    account: str | None
    open: bool
    commission_percent: str = "0"
    commission_vat_percent: str = "19"
    sells: str = "owner"
    partners: tuple[PartnerShare, ...] = ()
    min_minor: int | None = None
    connected_to: str | msgspec.UnsetType = msgspec.UNSET
    """Unset for the installation's: facts that carry a card stay as they were written before brands had accounts."""

    @property
    def platform(self) -> str:
        return INSTALLATION if self.connected_to is msgspec.UNSET else self.connected_to

    def open_on(self, platform: str) -> bool:
        """Can it be paid by that platform account now?"""
        return self.open and (self.account is None or self.platform == platform)


class AuthorityCard(msgspec.Struct, frozen=True, gc=False):
    """Whom a tenant trusts. `chain`: the PEM of its own CA, the issuing one first, the root last; empty before there is one.
    `trusted`: (use, PEM) of other CAs, `use` being one of actors/authority/messages.USES. `revoked`: fingerprints
    (actors/model/certificate.py) of certificates that are not accepted any more."""

    tenant: str
    chain: tuple[str, ...] = ()
    trusted: tuple[tuple[str, str], ...] = ()
    revoked: frozenset[str] = frozenset()

    def anchors(self, use: str) -> tuple[str, ...]:
        """PEM of the CAs for one use; our own signs stations."""
        own = self.chain if use == "station" else ()
        return (*own, *(pem for kind, pem in self.trusted if kind == use))


class TariffCard(msgspec.Struct, frozen=True, gc=False):
    """One version of a tariff, frozen into a session at its start by `fingerprint`."""

    tenant: str
    id: str
    version: int
    valid_from: datetime
    fingerprint: str
    currency: str
    body: dict[str, Any]


class Snapshots(Protocol):
    """Cards in memory: look-ups are synchronous and cost no I/O. `put_*` and `drop_*` are called after a commit."""

    def tenant(self, tenant: str) -> TenantCard | None: ...
    def token(self, tenant: str, ref: str) -> TokenCard | None: ...
    def tariff(self, tenant: str, tariff_id: str, at: datetime) -> TariffCard | None:
        """The version in force at `at`."""
        ...

    def station(self, tenant: str, station: str) -> StationCard | None: ...
    def group(self, tenant: str, ref: str) -> VaultRow | None:
        """The sealed text of a group that some token of the tenant has."""
        ...

    def put_group(self, row: VaultRow) -> None: ...
    def authority(self, tenant: str) -> AuthorityCard | None: ...
    def authorities(self) -> Sequence[AuthorityCard]:
        """All of them, the same object until one changes: a listener trusts whom any tenant trusts before it knows for which
        tenant a station comes."""
        ...

    def put_authority(self, card: AuthorityCard) -> None: ...
    def merchant(self, tenant: str, merchant: str) -> MerchantCard | None: ...
    def put_merchant(self, card: MerchantCard) -> None: ...
    def drop_merchant(self, tenant: str, merchant: str) -> None: ...
    def put_tenant(self, card: TenantCard) -> None: ...
    def put_token(self, tenant: str, card: TokenCard) -> None: ...
    def drop_token(self, tenant: str, ref: str) -> None: ...
    def put_tariff(self, card: TariffCard) -> None: ...
    def drop_tariff(self, tenant: str, tariff_id: str) -> None: ...
    def put_station(self, card: StationCard) -> None: ...
    def drop_station(self, tenant: str, station: str) -> None: ...
