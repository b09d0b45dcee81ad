"""The admin API's questions, answered from the in-memory read models (tests without a database)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from actors.model.ids import SESSION, session_id_for_transaction
from actors.model.matching import KnownStation
from actors.model.rows import (
    BookRow,
    CdrRow,
    EvseRow,
    InboxRow,
    NumberRow,
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
from actors.ports import NumberedSession, Page
from runtime.address import Address
from runtime.store import StoredFact
from storage.memory_documents import MemoryDocumentQueries
from storage.memory_ledger import MemoryLedgerQueries
from storage.memory_merchants import MemoryMerchantLookups, MemoryMerchantQueries
from storage.memory_paging import page
from storage.memory_payments import MemoryPaymentLookups, MemoryPaymentQueries
from storage.memory_rows import MemoryRows
from storage.memory_settling import MemorySettlingLookups, MemorySettlingQueries
from storage.memory_wallets import MemoryWalletQueries
from storage.readings import readings_of, registers_of

History = Callable[[Address], Awaitable[Sequence[StoredFact]]]
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryQueries(
    MemoryPaymentQueries,
    MemoryWalletQueries,
    MemoryMerchantQueries,
    MemorySettlingQueries,
    MemoryLedgerQueries,
    MemoryDocumentQueries,
):
    """`history` gives an actor's facts (the store's `full_history`), from which meter readings are taken."""

    def __init__(self, rows: MemoryRows, history: History | None = None) -> None:
        self._rows = rows
        self._history = history

    def _of(self, kind: type, tenant: str, **equal: Any) -> list[Any]:
        return [
            row
            for row in self._rows.table(kind)
            if row.tenant == tenant and all(getattr(row, field) == value for field, value in equal.items())
        ]

    async def tenants(self, limit: int, cursor: str | None) -> Page:
        live = [row for row in self._rows.table(TenantRow) if not row.deleted]
        return page(live, lambda row: (row.tenant,), limit, cursor)

    async def stations(self, tenant: str, status: str | None, q: str | None, limit: int, cursor: str | None) -> Page:
        pairs = []
        for row in self._of(StationRow, tenant):
            seen = self._rows.get(SeenRow, tenant, row.station)
            statuses = {evse.status for evse in self._of(EvseRow, tenant, station=row.station)}
            statuses.add("online" if seen is not None and seen.online else "offline")
            text = f"{row.station}\n{row.location}".casefold()
            if not row.deleted and (status is None or status in statuses) and (not q or q.casefold() in text):
                pairs.append((row, seen))
        return page(pairs, lambda pair: (pair[0].station,), limit, cursor)

    async def station(self, tenant: str, station: str) -> Any | None:
        row = self._rows.get(StationRow, tenant, station)
        if row is None or row.deleted:
            return None
        evses = sorted(self._of(EvseRow, tenant, station=station), key=lambda evse: evse.evse)
        return row, self._rows.get(SeenRow, tenant, station), evses

    async def evse_by_code(self, tenant: str, code: str) -> Any | None:
        return next((row for row in self._of(EvseRow, tenant, code=code) if code), None)

    async def quirks(self, tenant: str, station: str) -> Sequence[QuirkRow]:
        return sorted(self._of(QuirkRow, tenant, station=station), key=lambda row: row.quirk)

    async def inbox(self, tenant: str, limit: int, cursor: str | None) -> Page:
        return page(self._of(InboxRow, tenant, state="waiting"), lambda row: (row.station,), limit, cursor)

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
        def sort(row: VariableRow) -> tuple[Any, ...]:
            return (
                row.component, row.component_instance or "", row.variable, row.variable_instance or "",
                row.evse or 0, row.connector or 0,
            )  # fmt: skip

        found = [
            row
            for row in self._of(VariableRow, tenant, station=station)
            if (component is None or row.component.lower() == component.lower())
            and (variable is None or row.variable.lower() == variable.lower())
            and (evse is None or (row.evse or 0) == evse)
        ]
        return page(found, sort, limit, cursor)

    async def book(self, tenant: str, station: str, book: str, limit: int, cursor: str | None) -> Page:
        return page(self._of(BookRow, tenant, station=station, book=book), lambda row: (row.key,), limit, cursor)

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
        rows = [
            (n, row)
            for n, row in enumerate(self._rows.traces)
            if (row.tenant, row.station) == (tenant, station)
            and action in (None, row.action)
            and unique_id in (None, row.unique_id)
        ]
        found = page(rows, lambda pair: (pair[1].at, pair[0]), limit, cursor, newest=True)
        return Page([row for _, row in found.items], found.next)

    async def token(self, tenant: str, ref: str) -> Any | None:
        return self._rows.get(TokenRow, tenant, ref)

    async def tokens(self, tenant: str, limit: int, cursor: str | None) -> Page:
        return page(self._of(TokenRow, tenant), lambda row: (row.ref,), limit, cursor)

    def _tariffs(self, tenant: str) -> dict[str, TariffRow]:
        newest: dict[str, TariffRow] = {}
        for row in self._of(TariffRow, tenant):
            if row.id not in newest or row.version > newest[row.id].version:
                newest[row.id] = row
        return newest

    async def tariff(self, tenant: str, tariff_id: str) -> Any | None:
        return self._tariffs(tenant).get(tariff_id)

    async def tariffs(self, tenant: str, limit: int, cursor: str | None) -> Page:
        return page(self._tariffs(tenant).values(), lambda row: (row.id,), limit, cursor)

    async def stations_with_tariff(self, tenant: str, tariff_id: str, limit: int) -> Sequence[str]:
        rows = self._of(StationRow, tenant, tariff=tariff_id)
        return sorted(row.station for row in rows if not row.deleted)[:limit]

    async def session(self, tenant: str, session: str) -> Any | None:
        return self._rows.get(SessionRow, tenant, session)

    async def sessions(self, tenant: str, station: str | None, state: str | None, limit: int, cursor: str | None) -> Page:
        of_tenant = self._of(SessionRow, tenant)
        rows = [row for row in of_tenant if station in (None, row.station) and state in (None, row.state)]
        return page(rows, lambda row: (self._rows.opened[tenant, row.id], row.id), limit, cursor, newest=True)

    async def meter_values(self, tenant: str, session: str) -> Sequence[Any]:
        if self._history is None:
            return ()
        facts = await self._history(Address(tenant, SESSION, session))
        return readings_of(fact.row.body for fact in facts)

    async def meter_registers(self, tenant: str, session: str) -> tuple[int, int] | None:
        facts = () if self._history is None else await self._history(Address(tenant, SESSION, session))
        return registers_of(fact.row.body for fact in facts)

    async def cdr(self, tenant: str, cdr: str) -> Any | None:
        return self._rows.get(CdrRow, tenant, cdr)

    async def cdrs(self, tenant: str, limit: int, cursor: str | None) -> Page:
        return page(self._of(CdrRow, tenant), lambda row: (row.at, row.id), limit, cursor, newest=True)

    async def events(self, tenant: str | None, kinds: Sequence[str], after: str | None, limit: int) -> Page:
        first = int(after) if after and after.isdecimal() else 0
        found = [
            event for event in self._rows.events[first:] if tenant in (None, event.tenant) and (not kinds or event.kind in kinds)
        ][:limit]
        return Page(found, found[-1].id if found else after)

    async def last_event(self) -> str:
        return self._rows.events[-1].id if self._rows.events else "0"

    async def audit(self, tenant: str, limit: int, cursor: str | None) -> Page:
        numbered = [(n, row) for n, row in enumerate(self._rows.audit) if row.tenant == tenant]
        found = page(numbered, lambda pair: (pair[0],), limit, cursor, newest=True)
        return Page([row for _, row in found.items], found.next)

    async def vault_row(self, tenant: str, ref: str) -> VaultRow | None:
        return next(iter(self._of(VaultRow, tenant, ref=ref)), None)


class MemoryLookups(MemoryPaymentLookups, MemoryMerchantLookups, MemorySettlingLookups):
    """What actors may ask in `prepare`."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def _numbered(self, number: NumberRow) -> NumberedSession:
        row: SessionRow | None = self._rows.get(SessionRow, number.tenant, number.session)
        if row is None:
            return NumberedSession(number.number, number.session, number.station, 0, 0, True)
        return _numbered_session(row, number.number)

    async def session_by_number(self, tenant: str, number: int) -> NumberedSession | None:
        row = self._rows.get(NumberRow, number)
        return self._numbered(row) if row is not None and row.tenant == tenant else None

    async def session_by_transaction(self, tenant: str, station: str, transaction_id: str) -> NumberedSession | None:
        row: SessionRow | None = self._rows.get(SessionRow, tenant, session_id_for_transaction(station, transaction_id))
        return None if row is None else _numbered_session(row, row.number)

    async def sealed_tokens(self, tenant: str, refs: Sequence[str]) -> Sequence[VaultRow]:
        found = (self._rows.get(VaultRow, tenant, ref, "token") for ref in sorted(set(refs)))
        return [row for row in found if row is not None]

    async def variables(self, tenant: str, station: str, component: str) -> Sequence[VariableRow]:
        rows = self._rows.table(VariableRow)
        return [row for row in rows if (row.tenant, row.station, row.component, row.evse) == (tenant, station, component, None)]

    async def open_sessions(self, tenant: str, station: str) -> Sequence[NumberedSession]:
        """Oldest first."""
        rows = [
            row for row in self._rows.table(SessionRow) if (row.tenant, row.station, row.state) == (tenant, station, "active")
        ]
        rows.sort(key=lambda row: self._rows.opened[tenant, row.id])
        return [_numbered_session(row, row.number) for row in rows]

    async def book(self, tenant: str, station: str, book: str, limit: int) -> Sequence[BookRow]:
        rows = [r for r in self._rows.table(BookRow) if (r.tenant, r.station, r.book) == (tenant, station, book)]
        return sorted(rows, key=lambda row: str(row.key))[:limit]

    async def known_stations(
        self, tenant: str, after: str, limit: int, names: Sequence[str] | None = None
    ) -> Sequence[KnownStation]:
        found = []
        for row in sorted(self._rows.table(StationRow), key=lambda row: str(row.station)):
            if row.tenant != tenant or row.station <= after or row.deleted or not row.registered:
                continue
            if names is None or row.station in names:
                boot, seen = row.boot or {}, self._rows.get(SeenRow, tenant, row.station)
                vendor, model, firmware = (str(boot.get(name) or "") for name in ("vendor", "model", "firmware"))
                protocol = (seen.protocol if seen is not None else None) or ""
                found.append(KnownStation(row.station, vendor, model, firmware, protocol))
        return found[:limit]


def _numbered_session(row: SessionRow, number: int) -> NumberedSession:
    is_open = row.state == "active"
    return NumberedSession(number, row.id, row.station, row.evse, row.connector, is_open, row.transaction_id, row.started_at)
