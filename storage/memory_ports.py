"""The remaining ports in memory, for tests without a database: numbers, the sink, API tokens.

Cards (`storage.cards`) and the vault (`storage.vault`) need no twin: they never touch a database.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from actors.model.rows import AuditRow, EventRow, InboxRow, QuirkRow, Row, SeenRow
from actors.ports import ApiToken, TraceRow
from storage.memory_rows import MemoryRows

SINKABLE = (TraceRow, SeenRow, InboxRow, QuirkRow, AuditRow, EventRow)
"""Rows that may be lost."""


class MemoryNumbers:
    """Transaction numbers from `first` on."""

    def __init__(self, first: int = 1001) -> None:
        self._next = first

    async def take(self) -> int:
        number = self._next
        self._next += 1
        return number


class MemorySink:
    """Writes at once. Like the real one it adds up the knocks of an unknown station, and the quirks of a known one."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def put(self, row: Row | TraceRow) -> None:
        if not isinstance(row, SINKABLE):
            raise TypeError(f"{type(row).__name__} belongs into a turn: losing it would lose something")
        if isinstance(row, InboxRow):
            known: InboxRow | None = self._rows.get(InboxRow, row.tenant, row.station)
            if known is not None:
                attempts = known.attempts + row.attempts
                row = msgspec.structs.replace(row, first_seen=known.first_seen, attempts=attempts)
        elif isinstance(row, QuirkRow):
            self._put_quirk(row)
            return
        self._rows.write(0, [row])

    def _put_quirk(self, row: QuirkRow) -> None:
        known: QuirkRow | None = self._rows.get(QuirkRow, row.tenant, row.station, row.quirk)
        if known is not None:
            row = msgspec.structs.replace(row, first_at=known.first_at, count=known.count + row.count)
        self._rows.write(0, [row])
        if known is None:
            told = {"quirk": row.quirk, "tier": row.tier}
            event = EventRow(tenant=row.tenant, kind="station.quirk", subject=row.station, at=row.first_at, body=told)
            self._rows.write(0, [event])


class MemoryApiTokens:
    """Bearer tokens of the admin API."""

    def __init__(self) -> None:
        self._tokens: dict[str, ApiToken] = {}

    async def find(self, hash: bytes) -> ApiToken | None:
        return next((token for token in self._tokens.values() if token.hash == hash), None)

    async def get(self, id: str) -> ApiToken | None:
        return self._tokens.get(id)

    async def create(self, token: ApiToken) -> None:
        self._tokens.setdefault(token.id, token)

    async def revoke(self, id: str, at: datetime) -> bool:
        token = self._tokens.get(id)
        if token is None or token.revoked_at is not None:
            return False
        self._tokens[id] = msgspec.structs.replace(token, revoked_at=at)
        return True

    async def list(self, tenant: str | None) -> Sequence[ApiToken]:
        found = [token for token in self._tokens.values() if token.tenant == tenant]
        return sorted(found, key=lambda token: token.created_at)
