"""The admin API's questions, answered by PostgreSQL. Read models only: no question here wakes an actor.

Lists page by keyset: the sort key of the last row is the cursor, every list is served by an index that begins with
the tenant, and one row more than asked for tells whether there is a next page.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.model.ids import SESSION
from actors.model.rows import (
    AuditRow,
    BookRow,
    CdrRow,
    EvseRow,
    InboxRow,
    QuirkRow,
    SeenRow,
    SessionRow,
    StationRow,
    TariffRow,
    TenantRow,
    TokenRow,
    VariableRow,
    VaultRow,
)
from actors.ports import Page, TraceRow
from storage import cursors, limits
from storage.database import Database
from storage.decoding import to_row
from storage.documents import DocumentQueries
from storage.feed import Feed
from storage.ledger_queries import LedgerQueries
from storage.listing import LISTED, Listing, Record, decoded, keyed
from storage.merchants import MerchantQueries
from storage.payments import PaymentQueries
from storage.readings import readings_of, registers_of
from storage.settling import SettlingQueries
from storage.wallets import WalletQueries

_STATION = """SELECT t.*, (SELECT row_to_json(s) FROM seen s WHERE (s.tenant, s.station) = (t.tenant, t.station)) AS seen
FROM station t"""

_READINGS = """SELECT f.body FROM actor a CROSS JOIN LATERAL (
    SELECT m.seq, m.n, m.body FROM meter m WHERE (m.tenant, m.actor) = (a.tenant, a.key)
    UNION ALL SELECT f.seq, f.n, f.body FROM fact f WHERE (f.tenant, f.actor) = (a.tenant, a.key)
) f WHERE (a.tenant, a.kind, a.id) = ($1, $2, $3) ORDER BY f.seq, f.n"""

_FRAMES = """SELECT t.tenant, t.station, t.protocol, t.action, t.unique_id, t.correlation, t.at AS asked_at, t.id, p.part,
    NULL AS answered_at, '' AS answer_type, '' AS answer, NULL AS answer_error,
    CASE p.part WHEN 0 THEN t.at ELSE t.answered_at END AS at,
    CASE WHEN p.part = 0 THEN t.direction WHEN t.direction = 'in' THEN 'out' ELSE 'in' END AS direction,
    CASE p.part WHEN 0 THEN t.message_type ELSE t.answer_type END AS message_type,
    CASE p.part WHEN 0 THEN t.body ELSE t.answer END AS body,
    CASE p.part WHEN 0 THEN t.error ELSE t.answer_error END AS error
FROM trace t CROSS JOIN (VALUES (0), (1)) AS p (part)"""
"""Part 0 of a row is the frame itself, part 1 the one that answered it."""

_VARIABLE_KEY = """station, component, coalesce(component_instance, ''), variable, coalesce(variable_instance, ''),
    coalesce(evse, -1), coalesce(connector, -1)"""


_decode_json = msgspec.json.Decoder().decode


def _station_pair(record: Record) -> tuple[StationRow, SeenRow | None]:
    seen = record["seen"]
    return to_row(StationRow, record), msgspec.convert(_decode_json(seen), SeenRow) if seen else None


class PostgresQueries(Feed, PaymentQueries, WalletQueries, MerchantQueries, SettlingQueries, LedgerQueries, DocumentQueries):
    """The Queries port; the event feed is in storage/feed.py, payments in storage/payments.py, merchants in
    storage/merchants.py, the books in storage/ledger_queries.py, documents in
    storage/documents.py."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._db = db

    async def tenants(self, limit: int, cursor: str | None) -> Page:
        after = cursors.decode(cursor, str) or ("",)
        records = await self._db.fetch(
            "SELECT * FROM tenant WHERE tenant > $1 AND NOT deleted ORDER BY tenant LIMIT $2", after[0], limit + 1
        )
        more = cursors.encode(records[limit - 1]["tenant"]) if len(records) > limit else None
        return Page([to_row(TenantRow, record) for record in records[:limit]], more)

    async def stations(self, tenant: str, status: str | None, q: str | None, limit: int, cursor: str | None) -> Page:
        """`status`: online, offline, or a connector status that any of its EVSEs has; `q`: part of the identity or the
        location."""
        found = Listing(_STATION, "NOT t.deleted AND t.tenant", tenant)
        online = "EXISTS (SELECT FROM seen s WHERE (s.tenant, s.station) = (t.tenant, t.station) AND s.online)"
        if status in ("online", "offline"):
            found.where(f"{online} = {{}}", status == "online")
        else:
            evse = "SELECT FROM evse e WHERE (e.tenant, e.station) = (t.tenant, t.station)"
            found.given(f"EXISTS ({evse} AND e.status = {{}})", status)
        found.given("strpos(lower(t.station || ' ' || t.location::text), lower({})) > 0", q or None)
        return await found.page(self._db, _station_pair, "t.station", (str,), keyed("station"), limit, cursor)

    async def station(self, tenant: str, station: str) -> Any | None:
        record = await self._db.fetchrow(f"{_STATION} WHERE t.tenant = $1 AND t.station = $2 AND NOT t.deleted", tenant, station)
        if record is None:
            return None
        evses = await self._db.fetch("SELECT * FROM evse WHERE tenant = $1 AND station = $2 ORDER BY evse", tenant, station)
        row, seen = _station_pair(record)
        return row, seen, [to_row(EvseRow, evse, text=("detail",)) for evse in evses]

    async def evse_by_code(self, tenant: str, code: str) -> Any | None:
        sql = "SELECT * FROM evse WHERE code = $1 AND tenant = $2 AND code <> ''"  # the index evse_code is for these words
        record = await self._db.fetchrow(sql, code, tenant)
        return None if record is None else to_row(EvseRow, record, text=("detail",))

    async def quirks(self, tenant: str, station: str) -> Sequence[QuirkRow]:
        told = "SELECT * FROM quirk WHERE tenant = $1 AND station = $2 ORDER BY quirk LIMIT $3"
        return [to_row(QuirkRow, record) for record in await self._db.fetch(told, tenant, station, limits.QUIRKS_SHOWN)]

    async def inbox(self, tenant: str, limit: int, cursor: str | None) -> Page:
        """Those still waiting; a knock that was written after the station had been registered does not count."""
        known = "SELECT FROM station s WHERE (s.tenant, s.station) = (t.tenant, t.station) AND s.registered AND NOT s.deleted"
        scope = f"t.state = 'waiting' AND NOT EXISTS ({known}) AND t.tenant"
        found = Listing("SELECT t.* FROM inbox t", scope, tenant)
        return await found.page(self._db, decoded(InboxRow), "t.station", (str,), keyed("station"), limit, cursor)

    async def variables(
        self,
        tenant: str,
        station: str,
        limit: int,
        cursor: str | None,
        *,
        component: str | None = None,
        variable: str | None = None,
        evse: int | None = None,
    ) -> Page:
        found = Listing("SELECT *, false AS deleted FROM variable", "tenant", tenant).where("station = {}", station)
        found.given("lower(component) = lower({})", component).given("lower(variable) = lower({})", variable)
        found.given("coalesce(evse, 0) = {}", evse)

        def key_of(row: Record) -> tuple[Any, ...]:
            evse, connector = (-1 if row[name] is None else row[name] for name in ("evse", "connector"))
            instances = (row["component_instance"] or "", row["variable_instance"] or "")
            return station, row["component"], instances[0], row["variable"], instances[1], evse, connector

        types = (str, str, str, str, str, int, int)
        return await found.page(self._db, decoded(VariableRow), _VARIABLE_KEY, types, key_of, limit, cursor)

    async def book(self, tenant: str, station: str, book: str, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT *, false AS deleted FROM book", "tenant", tenant)
        found = found.where("station = {}", station).where("book = {}", book)
        return await found.page(self._db, decoded(BookRow), "key", (str,), keyed("key"), limit, cursor)

    async def messages(
        self,
        tenant: str,
        station: str,
        limit: int,
        cursor: str | None,
        *,
        action: str | None = None,
        unique_id: str | None = None,
    ) -> Page:
        found = Listing(_FRAMES, "(p.part = 0 OR t.answered_at IS NOT NULL) AND t.tenant", tenant)
        found.where("t.station = {}", station).given("t.action = {}", action).given("t.unique_id = {}", unique_id)
        types = (datetime, int, int)
        after = cursors.decode(cursor, *types)
        found.given("t.at <= {}", after and after[0])  # the index does not understand the whole key
        make, key_of = decoded(TraceRow, text=("body",)), keyed("asked_at", "id", "part")
        return await found.page(self._db, make, "t.at, t.id, p.part", types, key_of, limit, cursor, newest=True)

    async def token(self, tenant: str, ref: str) -> Any | None:
        return await self._one(TokenRow, "SELECT * FROM token WHERE tenant = $1 AND ref = $2 AND NOT deleted", tenant, ref)

    async def tokens(self, tenant: str, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM token", "NOT deleted AND tenant", tenant)
        return await found.page(self._db, decoded(TokenRow), "ref", (str,), keyed("ref"), limit, cursor)

    async def tariff(self, tenant: str, tariff_id: str) -> Any | None:
        """The newest version."""
        sql = "SELECT * FROM tariff WHERE tenant = $1 AND id = $2 AND NOT deleted ORDER BY version DESC LIMIT 1"
        return await self._one(TariffRow, sql, tenant, tariff_id)

    async def tariffs(self, tenant: str, limit: int, cursor: str | None) -> Page:
        """The newest version of each."""
        newer = "SELECT FROM tariff n WHERE (n.tenant, n.id) = (t.tenant, t.id) AND n.version > t.version AND NOT n.deleted"
        scope = f"NOT t.deleted AND NOT EXISTS ({newer}) AND t.tenant"
        found = Listing("SELECT t.* FROM tariff t", scope, tenant)
        return await found.page(self._db, decoded(TariffRow), "t.id", (str,), keyed("id"), limit, cursor)

    async def stations_with_tariff(self, tenant: str, tariff_id: str, limit: int) -> Sequence[str]:
        sql = "SELECT station FROM station WHERE tenant = $1 AND tariff = $2 AND NOT deleted ORDER BY station LIMIT $3"
        return [str(record["station"]) for record in await self._db.fetch(sql, tenant, tariff_id, limit)]

    async def session(self, tenant: str, session: str) -> Any | None:
        return await self._one(SessionRow, "SELECT * FROM session WHERE tenant = $1 AND id = $2", tenant, session)

    async def sessions(self, tenant: str, station: str | None, state: str | None, limit: int, cursor: str | None) -> Page:
        """Newest first, in the order in which they first appeared."""
        found = Listing("SELECT * FROM session", LISTED if station is None else "tenant", tenant)
        found.given("station = {}", station).given("state = {}", state)
        key_of = keyed("opened")
        return await found.page(self._db, decoded(SessionRow), "opened", (int,), key_of, limit, cursor, newest=True)

    async def meter_values(self, tenant: str, session: str) -> Sequence[Any]:
        records = await self._db.fetch(_READINGS, tenant, SESSION, session)
        return readings_of(record["body"].encode() for record in records)

    async def meter_registers(self, tenant: str, session: str) -> tuple[int, int] | None:
        records = await self._db.fetch(_READINGS, tenant, SESSION, session)
        return registers_of(record["body"].encode() for record in records)

    async def cdr(self, tenant: str, cdr: str) -> Any | None:
        return await self._one(CdrRow, "SELECT * FROM cdr WHERE tenant = $1 AND id = $2", tenant, cdr)

    async def cdrs(self, tenant: str, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM cdr", LISTED, tenant)
        key_of = keyed("at", "id")
        return await found.page(self._db, decoded(CdrRow), "at, id", (datetime, str), key_of, limit, cursor, newest=True)

    async def audit(self, tenant: str, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM audit_log", "tenant", tenant)
        return await found.page(self._db, decoded(AuditRow), "id", (int,), keyed("id"), limit, cursor, newest=True)

    async def vault_row(self, tenant: str, ref: str) -> VaultRow | None:
        """With an empty key once the subject was erased."""
        sql = """SELECT v.*, coalesce(k.key, ''::bytea) AS key FROM vault v LEFT JOIN vault_key k USING (tenant, ref, kind)
            WHERE v.tenant = $1 AND v.ref = $2 ORDER BY v.kind LIMIT 1"""
        return await self._one(VaultRow, sql, tenant, ref)

    async def _one(self, kind: type[Any], sql: str, *args: Any) -> Any | None:
        record = await self._db.fetchrow(sql, *args)
        return None if record is None else to_row(kind, record)
