"""Transfers, payouts and balance lines from the in-memory read models: the twin of storage/settling.py."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from actors.merchant.matching import ELSEWHERE, UNEXPLAINED, Booked, Subject
from actors.model.rows import BalanceLineRow, JournalRow, PaymentRow, PayoutRow, TenantRow, TransferRow
from actors.ports import MissingLine, Page
from storage import limits
from storage.memory_paging import page
from storage.memory_rows import MemoryRows
from storage.settling import subjects


def _moves(journal: JournalRow, account: str) -> Iterable[tuple[str, str, int]]:
    """(1100 or 1110, currency, signed amount) of a journal on an account with the provider."""
    for entry in journal.entries:
        code, _, name = entry.account.partition("/")
        if code in ("1100", "1110") and name == account:
            yield code, entry.currency, entry.amount_minor if entry.side == "debit" else -entry.amount_minor


class MemorySettlingQueries:
    _rows: MemoryRows

    async def transfers(self, tenant: str, merchant: str | None, state: str | None, limit: int, cursor: str | None) -> Page:
        found = [
            row
            for row in self._rows.table(TransferRow)
            if row.tenant == tenant and merchant in (None, row.merchant) and state in (None, row.state)
        ]
        return page(found, lambda row: (row.created_at, row.id), limit, cursor, newest=True)

    async def payouts(self, tenant: str, merchant: str | None, status: str | None, limit: int, cursor: str | None) -> Page:
        found = [
            row
            for row in self._rows.table(PayoutRow)
            if row.tenant == tenant and merchant in (None, row.merchant) and status in (None, row.status)
        ]
        return page(found, lambda row: (row.created_at, row.id), limit, cursor, newest=True)

    async def payout(self, tenant: str, payout: str) -> PayoutRow | None:
        return self._rows.get(PayoutRow, tenant, payout)

    async def balance_lines(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        merchant: str | None = None,
        states: Sequence[str] | None = None,
        payout: str | None = None,
    ) -> Page:
        found = [
            row
            for row in self._rows.table(BalanceLineRow)
            if row.tenant == tenant
            and merchant in (None, row.merchant)
            and payout in (None, row.payout)
            and (states is None or row.state in states)
        ]
        return page(found, lambda row: (row.created, row.id), limit, cursor, newest=True)

    async def balance_counts(self, tenant: str) -> Sequence[dict[str, Any]]:
        sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self._rows.table(BalanceLineRow):
            if row.tenant == tenant:
                part = sums[row.account, row.merchant, row.currency, row.state]
                part[0], part[1], part[2] = part[0] + 1, part[1] + row.net_minor, part[2] + row.suspense_minor
        return [
            dict(zip(("account", "merchant", "currency", "state", "lines", "net", "suspense"), (*key, *part), strict=True))
            for key, part in sorted(sums.items())
        ]

    async def missing_lines(self, tenant: str, since: datetime, before: datetime) -> Sequence[MissingLine]:
        taken = {id for row in self._rows.table(BalanceLineRow) if row.tenant == tenant for id in row.journals}
        found = []
        for journal in self._rows.table(JournalRow):
            if journal.tenant != tenant or journal.id in taken or not since <= journal.at < before:
                continue
            codes = [entry.account.partition("/") for entry in journal.entries]
            if any(code == "2400" for code, _, _ in codes):
                continue
            for account in sorted({name for code, _, name in codes if code in ("1100", "1110")}):
                sums: dict[str, int] = defaultdict(int)
                for _, currency, minor in _moves(journal, account):
                    sums[currency] += minor
                found += [
                    MissingLine(journal.id, journal.book, account, journal.ref, journal.at, currency, minor)
                    for currency, minor in sums.items()
                    if minor
                ]
        return sorted(found, key=lambda one: (one.at, one.journal))[: limits.MISSING_SHOWN]


class MemorySettlingLookups:
    _rows: MemoryRows

    async def sole_tenant(self) -> str | None:
        tenants = [row.tenant for row in self._rows.table(TenantRow) if not row.deleted]
        return tenants[0] if len(tenants) == 1 else None

    async def lines(self, tenant: str, account: str, ids: Sequence[str]) -> Sequence[BalanceLineRow]:
        return [row for id in ids if (row := self._rows.get(BalanceLineRow, tenant, account, id)) is not None]

    async def unsettled_lines(self, tenant: str, account: str, after: str, now: datetime, limit: int) -> Sequence[BalanceLineRow]:
        found = [
            row
            for row in self._rows.table(BalanceLineRow)
            if (row.tenant, row.account) == (tenant, account)
            and row.id > after
            and (row.state in UNEXPLAINED or _to_move(row, now))
        ]
        return sorted(found, key=lambda row: str(row.id))[:limit]

    async def behind(self, ids: Sequence[str]) -> Mapping[str, Subject]:
        payments, transfers = list(self._rows.table(PaymentRow)), list(self._rows.table(TransferRow))
        return subjects(sorted(set(ids)), payments, transfers)

    async def booked(self, tenant: str, book: str, account: str, journals: Sequence[str]) -> Mapping[str, Booked]:
        lines = {
            id: row.id
            for row in self._rows.table(BalanceLineRow)
            if (row.tenant, row.account) == (tenant, account)
            for id in row.journals
        }
        found = {}
        for id in journals:
            journal: JournalRow | None = self._rows.get(JournalRow, tenant, id)
            moves = [] if journal is None or journal.book != book else list(_moves(journal, account))
            if moves:
                sums = {name: sum(minor for code, _, minor in moves if code == name) for name in ("1100", "1110")}
                found[id] = Booked(sums["1100"], sums["1110"], lines.get(id))
        return found

    async def account_sums(self, tenant: str, book: str, account: str) -> Mapping[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for journal in self._rows.table(JournalRow):
            if (journal.tenant, journal.book) == (tenant, book):
                for _, currency, minor in _moves(journal, account):
                    sums[currency] += minor
        for row in self._rows.table(BalanceLineRow):
            if (row.tenant, row.account, row.state) == (tenant, account, ELSEWHERE):
                sums[row.currency] += row.net_minor
        return dict(sums)


def _to_move(row: BalanceLineRow, now: datetime) -> bool:
    total = row.pending_minor + row.suspense_pending_minor
    return total != row.moved_minor and row.available_on is not None and row.available_on <= now
