"""Wallets and their statements, read for the admin API."""

from actors.model.rows import WalletLineRow, WalletRow
from actors.ports import Page
from storage.database import Database
from storage.decoding import to_row
from storage.listing import Listing, decoded, keyed


class WalletQueries:
    """The part of the Queries port that is about wallets."""

    _db: Database

    async def wallet(self, tenant: str, wallet: str) -> WalletRow | None:
        record = await self._db.fetchrow("SELECT * FROM wallet WHERE tenant = $1 AND id = $2", tenant, wallet)
        return None if record is None else to_row(WalletRow, record)

    async def wallets(self, tenant: str, limit: int, cursor: str | None, *, state: str | None = None) -> Page:
        """In order of their ids."""
        found = Listing("SELECT * FROM wallet", "tenant", tenant).given("state = {}", state)
        return await found.page(self._db, decoded(WalletRow), "id", (str,), keyed("id"), limit, cursor)

    async def wallet_lines(self, tenant: str, wallet: str, limit: int, cursor: str | None) -> Page:
        """The newest first."""
        found = Listing("SELECT * FROM wallet_line", "tenant", tenant).where("wallet = {}", wallet)
        return await found.page(self._db, decoded(WalletLineRow), "id", (str,), keyed("id"), limit, cursor, newest=True)
