"""Payment attempts, read from the in-memory read models: the twin of storage/payments.py."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from actors.model.platforms import INSTALLATION
from actors.model.rows import PaymentRow
from actors.payment.phases import AWAITING, NOTHING_HELD
from actors.ports import OpenOn, Page, SilentAttempt
from storage.memory_paging import page
from storage.memory_rows import MemoryRows


class MemoryPaymentQueries:
    _rows: MemoryRows

    async def payment(self, tenant: str, payment: str) -> PaymentRow | None:
        return self._rows.get(PaymentRow, tenant, payment)

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
        filters = {"state": state, "station": station, "session": session, "wallet": wallet, "merchant": merchant}
        wanted = {name: value for name, value in filters.items() if value is not None}
        found = [
            row
            for row in self._rows.table(PaymentRow)
            if row.tenant == tenant and all(getattr(row, name) == value for name, value in wanted.items())
        ]
        return page(found, lambda row: (row.created_at, row.id), limit, cursor, newest=True)


class MemoryPaymentLookups:
    _rows: MemoryRows

    async def attempt_of_intent(self, account: str | None, intent: str, platform: str = INSTALLATION) -> tuple[str, str] | None:
        return self._attempt(lambda row: (row.intent, row.account, row.platform) == (intent, account, platform))

    async def attempt_of_checkout(
        self, account: str | None, checkout: str, platform: str = INSTALLATION
    ) -> tuple[str, str] | None:
        return self._attempt(lambda row: (row.checkout, row.account, row.platform) == (checkout, account, platform))

    async def open_by_platform(self) -> Sequence[OpenOn]:
        found = Counter((row.tenant, row.platform) for row in self._rows.table(PaymentRow) if row.state not in NOTHING_HELD)
        return [OpenOn(*key, found[key]) for key in sorted(found)]

    async def silent_attempts(self, before: datetime, after: tuple[str, str], limit: int) -> Sequence[SilentAttempt]:
        waiting = [row for row in self._rows.table(PaymentRow) if row.state in AWAITING and row.updated_at < before]
        waiting = sorted((row for row in waiting if (row.id, row.tenant) > (after[1], after[0])), key=lambda r: (r.id, r.tenant))
        return [SilentAttempt(row.tenant, row.id, row.account, row.platform) for row in waiting[:limit]]

    def _attempt(self, is_it: Callable[[Any], bool]) -> tuple[str, str] | None:
        return next(((row.tenant, row.id) for row in self._rows.table(PaymentRow) if is_it(row)), None)
