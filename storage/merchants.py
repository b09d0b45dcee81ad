"""Merchants, read: for the admin API, and from an account with the payment provider back to whose it is."""

from collections.abc import Sequence

from actors.model.platforms import INSTALLATION
from actors.model.rows import MerchantRow
from actors.payment.phases import NOTHING_HELD
from actors.ports import Page
from storage.database import Database
from storage.decoding import to_row
from storage.listing import Listing, decoded, keyed

_OF_ACCOUNT = "SELECT tenant, id FROM merchant WHERE account = $1 AND ($2::text IS NULL OR platform = $2) LIMIT 1"
_OPEN = """SELECT id FROM payment WHERE tenant = $1 AND account = $2 AND state <> ALL ($3::text[]) AND id > $4
    AND platform = $6 ORDER BY id LIMIT $5"""


class MerchantQueries:
    """The part of the Queries port that is about merchants."""

    _db: Database

    async def merchant(self, tenant: str, merchant: str) -> MerchantRow | None:
        sql = "SELECT * FROM merchant WHERE tenant = $1 AND id = $2 AND NOT deleted"
        record = await self._db.fetchrow(sql, tenant, merchant)
        return None if record is None else to_row(MerchantRow, record)

    async def merchants(self, tenant: str, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM merchant", "NOT deleted AND tenant", tenant)
        return await found.page(self._db, decoded(MerchantRow), "id", (str,), keyed("id"), limit, cursor)


class MerchantLookups:
    """The part of the Lookups port that is about merchants."""

    _db: Database

    async def merchant_of_account(self, account: str, platform: str | None = INSTALLATION) -> tuple[str, str] | None:
        record = await self._db.fetchrow(_OF_ACCOUNT, account, platform)
        return None if record is None else (str(record["tenant"]), str(record["id"]))

    async def open_payments(
        self, tenant: str, account: str, after: str, limit: int, platform: str = INSTALLATION
    ) -> Sequence[str]:
        records = await self._db.fetch(_OPEN, tenant, account, sorted(NOTHING_HELD), after, limit, platform)
        return [str(record["id"]) for record in records]
