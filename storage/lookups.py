"""The few questions an actor may ask the database, in `prepare` and never while deciding."""

from collections.abc import Sequence

from actors.model.ids import session_id_for_transaction
from actors.model.matching import KnownStation
from actors.model.rows import BookRow, VariableRow, VaultRow
from actors.ports import NumberedSession
from storage.database import Database
from storage.decoding import to_row
from storage.merchants import MerchantLookups
from storage.payments import PaymentLookups
from storage.settling import SettlingLookups

_BY_NUMBER = """SELECT n.number, n.session, n.station, coalesce(s.evse, 0) AS evse, coalesce(s.connector, 0) AS connector,
    coalesce(s.state, 'active') = 'active' AS open, coalesce(s.transaction_id, '') AS transaction_id, s.started_at
FROM number n LEFT JOIN session s ON (s.tenant, s.id) = (n.tenant, n.session)
WHERE n.number = $1 AND n.tenant = $2"""

_BY_ID = """SELECT number, id AS session, station, evse, connector, state = 'active' AS open, transaction_id, started_at
FROM session WHERE tenant = $1 AND id = $2"""

_OPEN = """SELECT number, id AS session, station, evse, connector, true AS open, transaction_id, started_at FROM session
WHERE tenant = $1 AND station = $2 AND state = 'active' ORDER BY opened"""

_TOKENS = """SELECT v.*, k.key FROM vault v JOIN vault_key k USING (tenant, ref, kind)
WHERE v.tenant = $1 AND v.kind = 'token' AND v.ref = ANY ($2::text[])"""

_VARIABLES = "SELECT *, false AS deleted FROM variable WHERE tenant = $1 AND station = $2 AND component = $3 AND evse IS NULL"

_BOOK = """SELECT *, false AS deleted FROM book WHERE tenant = $1 AND station = $2 AND book = $3 ORDER BY key LIMIT $4"""

_KNOWN = """SELECT t.station, coalesce(t.boot->>'vendor', '') AS vendor, coalesce(t.boot->>'model', '') AS model,
    coalesce(t.boot->>'firmware', '') AS firmware, coalesce(s.protocol, '') AS protocol
FROM station t LEFT JOIN seen s ON (s.tenant, s.station) = (t.tenant, t.station)
WHERE t.tenant = $1 AND t.station > $2 AND t.registered AND NOT t.deleted AND ($4::text[] IS NULL OR t.station = ANY ($4))
ORDER BY t.station LIMIT $3"""

_LARGEST = 2**31 - 1


class PostgresLookups(PaymentLookups, MerchantLookups, SettlingLookups):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def session_by_number(self, tenant: str, number: int) -> NumberedSession | None:
        if not 0 < number <= _LARGEST:
            return None  # stations do send 0, -1 and worse (quirk 14)
        record = await self._db.fetchrow(_BY_NUMBER, number, tenant)
        return None if record is None else NumberedSession(*record)

    async def session_by_transaction(self, tenant: str, station: str, transaction_id: str) -> NumberedSession | None:
        record = await self._db.fetchrow(_BY_ID, tenant, session_id_for_transaction(station, transaction_id))
        return None if record is None else NumberedSession(*record)

    async def sealed_tokens(self, tenant: str, refs: Sequence[str]) -> Sequence[VaultRow]:
        records = await self._db.fetch(_TOKENS, tenant, sorted(set(refs)))
        return [to_row(VaultRow, record) for record in records]

    async def variables(self, tenant: str, station: str, component: str) -> Sequence[VariableRow]:
        return [to_row(VariableRow, record) for record in await self._db.fetch(_VARIABLES, tenant, station, component)]

    async def open_sessions(self, tenant: str, station: str) -> Sequence[NumberedSession]:
        """Oldest first."""
        return [NumberedSession(*record) for record in await self._db.fetch(_OPEN, tenant, station)]

    async def book(self, tenant: str, station: str, book: str, limit: int) -> Sequence[BookRow]:
        return [to_row(BookRow, record) for record in await self._db.fetch(_BOOK, tenant, station, book, limit)]

    async def known_stations(
        self, tenant: str, after: str, limit: int, names: Sequence[str] | None = None
    ) -> Sequence[KnownStation]:
        wanted = None if names is None else list(names)
        return [KnownStation(*record) for record in await self._db.fetch(_KNOWN, tenant, after, limit, wanted)]
