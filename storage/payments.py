"""Payment attempts, read: for the admin API and the pay page, and from the provider's ids back to the attempt.

A provider's ids are unique on a platform account, so the look-ups by them are asked with that and with no
tenant: a webhook does not know for whom it comes. What they answer names the tenant, and all that follows is in its scope.
"""

from collections.abc import Sequence
from datetime import datetime

from actors.model.platforms import INSTALLATION
from actors.model.rows import PaymentRow
from actors.payment.phases import AWAITING, NOTHING_HELD
from actors.ports import OpenOn, Page, SilentAttempt
from storage.database import Database
from storage.decoding import to_row
from storage.listing import LISTED, Listing, decoded, keyed

_OF_INTENT = "SELECT tenant, id FROM payment WHERE intent = $1 AND coalesce(account, '') = $2 AND platform = $3"
_OF_CHECKOUT = "SELECT tenant, id FROM payment WHERE checkout = $1 AND coalesce(account, '') = $2 AND platform = $3"

_SILENT = f"""SELECT tenant, id AS attempt, account, platform FROM payment
WHERE state IN ({", ".join(f"'{phase}'" for phase in AWAITING)})
    AND updated_at < $1 AND (id, tenant) > ($2, $3) ORDER BY id, tenant LIMIT $4"""  # noqa: S608
"""Index payment_silent, which names the same phases; the planner takes it for constants only, so they are no argument."""


_OPEN_BY_PLATFORM = f"""SELECT tenant, platform, count(*)::int FROM payment
WHERE state NOT IN ({", ".join(f"'{state}'" for state in sorted(NOTHING_HELD))})
GROUP BY tenant, platform ORDER BY tenant, platform"""  # noqa: S608
"""Index payment_open, likewise."""


class PaymentQueries:
    """The part of the Queries port that is about payments."""

    _db: Database

    async def payment(self, tenant: str, payment: str) -> PaymentRow | None:
        record = await self._db.fetchrow("SELECT * FROM payment WHERE tenant = $1 AND id = $2", tenant, payment)
        return None if record is None else to_row(PaymentRow, record)

    async def payments(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        state: str | None = None,
        station: str | None = None,
        session: str | None = None,
        wallet: str | None = None,
        merchant: str | None = None,
    ) -> Page:
        """Newest first. Of several filters each must hold."""
        filters = {"station": station, "session": session, "wallet": wallet, "merchant": merchant}
        narrow = any(value is not None for value in filters.values())
        found = Listing("SELECT * FROM payment", "tenant" if narrow else LISTED, tenant)
        for column, value in filters.items():
            found.given(f"{column} = {{}}", value)
        found.given("state = {}", state)
        types = (datetime, str)
        key_of = keyed("created_at", "id")
        return await found.page(self._db, decoded(PaymentRow), "created_at, id", types, key_of, limit, cursor, newest=True)


class PaymentLookups:
    """The part of the Lookups port that is about payments."""

    _db: Database

    async def attempt_of_intent(self, account: str | None, intent: str, platform: str = INSTALLATION) -> tuple[str, str] | None:
        return await self._attempt(_OF_INTENT, intent, account, platform)

    async def attempt_of_checkout(
        self, account: str | None, checkout: str, platform: str = INSTALLATION
    ) -> tuple[str, str] | None:
        return await self._attempt(_OF_CHECKOUT, checkout, account, platform)

    async def silent_attempts(self, before: datetime, after: tuple[str, str], limit: int) -> Sequence[SilentAttempt]:
        records = await self._db.fetch(_SILENT, before, after[1], after[0], limit)
        return [SilentAttempt(*record) for record in records]

    async def open_by_platform(self) -> Sequence[OpenOn]:
        records = await self._db.fetch(_OPEN_BY_PLATFORM)
        return [OpenOn(*record) for record in records]

    async def _attempt(self, sql: str, id: str, account: str | None, platform: str) -> tuple[str, str] | None:
        record = await self._db.fetchrow(sql, id, account or "", platform)
        return None if record is None else (str(record["tenant"]), str(record["id"]))
