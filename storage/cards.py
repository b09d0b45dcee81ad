"""Cards in memory: what the hot path must know of tenants, stations, tokens, tariffs and CAs without any I/O.

This is the whole of the Snapshots port. Where the cards come from is another matter: in tests they are put by
hand, in a node `storage.snapshots` loads them at start and keeps them fresh.
"""

from bisect import insort
from datetime import datetime

from actors.model.rows import VaultRow
from actors.model.tariff import has_ended
from actors.model.token import TokenCard
from actors.ports import AuthorityCard, MerchantCard, StationCard, TariffCard, TenantCard


def _by_validity(card: TariffCard) -> tuple[datetime, int]:
    return (card.valid_from, card.version)


class Cards:
    """Look-ups are single dictionary accesses; a tariff's versions are kept in order of validity."""

    def __init__(self) -> None:
        self._tenants: dict[str, TenantCard] = {}
        self._stations: dict[tuple[str, str], StationCard] = {}
        self._tokens: dict[tuple[str, str], TokenCard] = {}
        self._tariffs: dict[tuple[str, str], list[TariffCard]] = {}
        self._groups: dict[tuple[str, str], VaultRow] = {}
        self._authorities: dict[str, AuthorityCard] = {}
        self._all_authorities: tuple[AuthorityCard, ...] = ()
        self._merchants: dict[tuple[str, str], MerchantCard] = {}

    def tenant(self, tenant: str) -> TenantCard | None:
        return self._tenants.get(tenant)

    def station(self, tenant: str, station: str) -> StationCard | None:
        return self._stations.get((tenant, station))

    def token(self, tenant: str, ref: str) -> TokenCard | None:
        return self._tokens.get((tenant, ref))

    def tariff(self, tenant: str, tariff_id: str, at: datetime) -> TariffCard | None:
        """The version in force at `at`: of those that have not ended the one that began last, and of two that began together the
        newer. So one that ends gives way to the one before it."""
        for card in reversed(self._tariffs.get((tenant, tariff_id), ())):
            if card.valid_from <= at and not has_ended(card.body, at):
                return card
        return None

    def group(self, tenant: str, ref: str) -> VaultRow | None:
        return self._groups.get((tenant, ref))

    def put_group(self, row: VaultRow) -> None:
        self._groups[row.tenant, row.ref] = row

    def authority(self, tenant: str) -> AuthorityCard | None:
        return self._authorities.get(tenant)

    def authorities(self) -> tuple[AuthorityCard, ...]:
        return self._all_authorities

    def put_authority(self, card: AuthorityCard) -> None:
        self._authorities[card.tenant] = card
        self._all_authorities = tuple(self._authorities.values())

    def merchant(self, tenant: str, merchant: str) -> MerchantCard | None:
        return self._merchants.get((tenant, merchant))

    def put_merchant(self, card: MerchantCard) -> None:
        self._merchants[card.tenant, card.id] = card

    def drop_merchant(self, tenant: str, merchant: str) -> None:
        self._merchants.pop((tenant, merchant), None)

    def put_tenant(self, card: TenantCard) -> None:
        self._tenants[card.tenant] = card

    def drop_tenant(self, tenant: str) -> None:
        """The brand is gone: so is everything it had."""
        self._tenants.pop(tenant, None)
        if self._authorities.pop(tenant, None) is not None:
            self._all_authorities = tuple(self._authorities.values())
        for cards in (self._stations, self._tokens, self._tariffs, self._groups, self._merchants):
            for key in [key for key in cards if key[0] == tenant]:
                del cards[key]

    def put_station(self, card: StationCard) -> None:
        self._stations[card.tenant, card.station] = card

    def drop_station(self, tenant: str, station: str) -> None:
        self._stations.pop((tenant, station), None)

    def put_token(self, tenant: str, card: TokenCard) -> None:
        self._tokens[tenant, card.ref] = card

    def drop_token(self, tenant: str, ref: str) -> None:
        self._tokens.pop((tenant, ref), None)

    def put_tariff(self, card: TariffCard) -> None:
        versions = self._tariffs.setdefault((card.tenant, card.id), [])
        versions[:] = [known for known in versions if known.version != card.version]
        insort(versions, card, key=_by_validity)

    def drop_tariff(self, tenant: str, tariff_id: str) -> None:
        self._tariffs.pop((tenant, tariff_id), None)

    def drop_tariff_version(self, tenant: str, tariff_id: str, version: int) -> None:
        """Take one version out, as a node finds it deleted elsewhere; newer ones may have come since."""
        versions = self._tariffs.get((tenant, tariff_id), [])
        versions[:] = [card for card in versions if card.version != version]
        if not versions:
            self._tariffs.pop((tenant, tariff_id), None)

    def size(self) -> dict[str, int]:
        """How many cards of each kind are held (inspection, metrics)."""
        return {
            "tenants": len(self._tenants),
            "stations": len(self._stations),
            "tokens": len(self._tokens),
            "tariffs": len(self._tariffs),
        }
