"""Wallets and their statements, read from the in-memory read models: the twin of storage/wallets.py."""

from actors.model.rows import WalletLineRow, WalletRow
from actors.ports import Page
from storage.memory_paging import page
from storage.memory_rows import MemoryRows


class MemoryWalletQueries:
    _rows: MemoryRows

    async def wallet(self, tenant: str, wallet: str) -> WalletRow | None:
        return self._rows.get(WalletRow, tenant, wallet)

    async def wallets(self, tenant: str, limit: int, cursor: str | None, *, state: str | None = None) -> Page:
        found = [row for row in self._rows.table(WalletRow) if row.tenant == tenant and state in (None, row.state)]
        return page(found, lambda row: (row.id,), limit, cursor)

    async def wallet_lines(self, tenant: str, wallet: str, limit: int, cursor: str | None) -> Page:
        found = [row for row in self._rows.table(WalletLineRow) if (row.tenant, row.wallet) == (tenant, wallet)]
        return page(found, lambda row: (row.id,), limit, cursor, newest=True)
