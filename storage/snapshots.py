"""Cards kept fresh: the Snapshots port of a node.

All cards are loaded at start by a query for each kind. After that, changes made on this node are put by its actors after
their commits, and changes made elsewhere are found by asking every few seconds for rows that changed above the
horizon of the last look (`changed` in migration 0003, the horizon in 0025). Asking needs no notification that could get
lost, costs an index look-up for each when nothing changed, and reads a row again rather than missing one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import trio

from actors.merchant.rows import card_of
from actors.model.rows import MerchantRow, VaultRow
from actors.model.token import TokenCard, TokenTerms
from actors.ports import AuthorityCard, MerchantCard, StationCard, TariffCard, TenantCard
from runtime.store import StoreAway
from storage import limits
from storage.cards import Cards
from storage.database import Database
from storage.decoding import to_row

_decode = msgspec.json.Decoder().decode

_TENANTS = """SELECT tenant, currency, country, time_zone, unknown_stations, settings::text, deleted
FROM tenant WHERE changed >= $1::text::xid8"""
_STATIONS = """SELECT tenant, station, profile, auth, versions, evses, tariff, location::text, auth_next, profile_next, serial,
    merchant, boot->>'vendor' AS vendor, boot->>'model' AS model, boot->>'firmware' AS firmware, deleted OR NOT registered AS gone
FROM station WHERE changed >= $1::text::xid8"""
_TOKENS = """SELECT tenant, ref, type, status, masked, group_ref, expires, payment, terms, deleted
FROM token WHERE changed >= $1::text::xid8"""
_GROUPS = """SELECT v.*, k.key FROM vault v JOIN vault_key k USING (tenant, ref, kind)
WHERE v.kind = 'token' AND (v.tenant, v.ref) IN (
    SELECT tenant, group_ref FROM token WHERE changed >= $1::text::xid8 AND group_ref IS NOT NULL AND NOT deleted)"""
_TARIFFS = """SELECT tenant, id, version, valid_from, fingerprint, currency, body::text, deleted
FROM tariff WHERE changed >= $1::text::xid8 ORDER BY tenant, id, version"""
_AUTHORITIES = """SELECT tenant, chain::text, trusted::text, revoked::text FROM authority WHERE changed >= $1::text::xid8"""
_MERCHANTS = "SELECT * FROM merchant WHERE changed >= $1::text::xid8"
_HORIZON = "SELECT horizon()::text"


class FreshCards(Cards):
    """`await load()` once before serving, then `run()` beside everything else."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self._db = db
        self._horizon = "0"
        self._reconnects = 0
        self._put_meanwhile: set[tuple[str, ...]] | None = None
        """What actors of this node put while a look is under way: newer than what the look may bring."""

    async def load(self) -> None:
        """Read every card. Raises StoreAway."""
        await self._db.fetchval("SELECT mend_changed()")
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what changed since the last look. Raises StoreAway. After a reconnect everything is read: a server that
        crashed gives transaction ids out again, and some of them below the old horizon."""
        reconnects = self._db.reconnects
        if reconnects != self._reconnects:
            self._horizon = "0"
        horizon = await self._db.fetchval(_HORIZON)
        self._put_meanwhile = set()
        try:
            tenants = await self._db.fetch(_TENANTS, self._horizon)
            stations = await self._db.fetch(_STATIONS, self._horizon)
            tokens = await self._db.fetch(_TOKENS, self._horizon)
            tariffs = await self._db.fetch(_TARIFFS, self._horizon)
            groups = await self._db.fetch(_GROUPS, self._horizon)
            authorities = await self._db.fetch(_AUTHORITIES, self._horizon)
            merchants = await self._db.fetch(_MERCHANTS, self._horizon)
            meanwhile = self._put_meanwhile
        finally:
            self._put_meanwhile = None
        for take, records in (
            (self._take_tenant, tenants),
            (self._take_station, stations),
            (self._take_token, tokens),
            (self._take_tariff, tariffs),
            (self._take_group, groups),
            (self._take_authority, authorities),
            (self._take_merchant, merchants),
        ):
            for n, record in enumerate(records):
                take(record, meanwhile)
                if n % limits.CARDS_AT_ONCE == limits.CARDS_AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()
        self._horizon = horizon
        self._reconnects = reconnects

    async def run(self) -> None:
        """Refresh until cancelled. While the database is away the cards stay as they are."""
        while True:
            await trio.sleep(limits.CARDS_EVERY)
            try:
                await self.refresh()
            except StoreAway:
                continue

    def _take_tenant(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        tenant = record["tenant"]
        if ("tenant", tenant) in meanwhile:
            return
        if record["deleted"]:
            super().drop_tenant(tenant)
            return
        settings = _decode(record["settings"])
        super().put_tenant(
            TenantCard(tenant, record["currency"], record["country"], record["time_zone"], record["unknown_stations"], settings)
        )

    def _take_station(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        tenant, station = record["tenant"], record["station"]
        if ("station", tenant, station) in meanwhile:
            return
        if record["gone"]:
            super().drop_station(tenant, station)
            return
        made = (record["vendor"] or "", record["model"] or "", record["firmware"] or "")
        super().put_station(
            StationCard(
                tenant, station, record["profile"], record["auth"], tuple(record["versions"]), record["evses"], record["tariff"],
                _decode(record["location"]), record["auth_next"], record["profile_next"], record["serial"], made,
                record["merchant"],
            )
        )  # fmt: skip

    def _take_token(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        tenant, ref, *rest, terms, deleted = record.values()
        if ("token", tenant, ref) in meanwhile:
            return
        if deleted:
            super().drop_token(tenant, ref)
        else:
            arranged = None if terms is None else msgspec.json.decode(terms, type=TokenTerms)
            fields = (*rest, arranged)
            super().put_token(tenant, TokenCard(ref, *fields))

    def _take_group(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        super().put_group(to_row(VaultRow, record))

    def _take_tariff(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        tenant, tariff_id, version, valid_from, fingerprint, currency, body, deleted = record.values()
        if ("tariff", tenant, tariff_id) in meanwhile:
            return
        if deleted:
            super().drop_tariff_version(tenant, tariff_id, version)
            return
        super().put_tariff(TariffCard(tenant, tariff_id, version, valid_from, fingerprint, currency, _decode(body)))

    def _take_authority(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        tenant, chain, trusted, revoked = record.values()
        if ("authority", tenant) not in meanwhile:
            pairs = tuple((use, pem) for use, pem in _decode(trusted))
            super().put_authority(AuthorityCard(tenant, tuple(_decode(chain)), pairs, frozenset(_decode(revoked))))

    def _take_merchant(self, record: Mapping[str, Any], meanwhile: set[tuple[str, ...]]) -> None:
        row = to_row(MerchantRow, record)
        if ("merchant", row.tenant, row.id) in meanwhile:
            return
        if row.deleted:
            super().drop_merchant(row.tenant, row.id)
        else:
            super().put_merchant(card_of(row))

    # What actors put goes straight in, and wins over a look that is under way.

    def _mark(self, *key: str) -> None:
        if self._put_meanwhile is not None:
            self._put_meanwhile.add(key)

    def put_tenant(self, card: TenantCard) -> None:
        self._mark("tenant", card.tenant)
        super().put_tenant(card)

    def drop_tenant(self, tenant: str) -> None:
        self._mark("tenant", tenant)
        super().drop_tenant(tenant)

    def put_authority(self, card: AuthorityCard) -> None:
        self._mark("authority", card.tenant)
        super().put_authority(card)

    def put_merchant(self, card: MerchantCard) -> None:
        self._mark("merchant", card.tenant, card.id)
        super().put_merchant(card)

    def drop_merchant(self, tenant: str, merchant: str) -> None:
        self._mark("merchant", tenant, merchant)
        super().drop_merchant(tenant, merchant)

    def put_station(self, card: StationCard) -> None:
        self._mark("station", card.tenant, card.station)
        super().put_station(card)

    def drop_station(self, tenant: str, station: str) -> None:
        self._mark("station", tenant, station)
        super().drop_station(tenant, station)

    def put_token(self, tenant: str, card: TokenCard) -> None:
        self._mark("token", tenant, card.ref)
        super().put_token(tenant, card)

    def drop_token(self, tenant: str, ref: str) -> None:
        self._mark("token", tenant, ref)
        super().drop_token(tenant, ref)

    def put_tariff(self, card: TariffCard) -> None:
        self._mark("tariff", card.tenant, card.id)
        super().put_tariff(card)

    def drop_tariff(self, tenant: str, tariff_id: str) -> None:
        self._mark("tariff", tenant, tariff_id)
        super().drop_tariff(tenant, tariff_id)
