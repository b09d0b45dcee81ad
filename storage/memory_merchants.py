"""Merchants, read from the in-memory read models: the twin of storage/merchants.py."""

from collections.abc import Sequence

from actors.model.platforms import INSTALLATION
from actors.model.rows import MerchantRow, PaymentRow
from actors.payment.phases import NOTHING_HELD
from actors.ports import Page
from storage.memory_paging import page
from storage.memory_rows import MemoryRows


class MemoryMerchantQueries:
    _rows: MemoryRows

    async def merchant(self, tenant: str, merchant: str) -> MerchantRow | None:
        row: MerchantRow | None = self._rows.get(MerchantRow, tenant, merchant)
        return row if row is not None and not row.deleted else None

    async def merchants(self, tenant: str, limit: int, cursor: str | None) -> Page:
        found = [row for row in self._rows.table(MerchantRow) if row.tenant == tenant and not row.deleted]
        return page(found, lambda row: (row.id,), limit, cursor)


class MemoryMerchantLookups:
    _rows: MemoryRows

    async def merchant_of_account(self, account: str, platform: str | None = INSTALLATION) -> tuple[str, str] | None:
        for row in self._rows.table(MerchantRow):
            if row.account == account and platform in (None, row.platform):
                return row.tenant, row.id
        return None

    async def open_payments(
        self, tenant: str, account: str, after: str, limit: int, platform: str = INSTALLATION
    ) -> Sequence[str]:
        found = (
            row.id
            for row in self._rows.table(PaymentRow)
            if (row.tenant, row.account, row.platform) == (tenant, account, platform)
            and row.state not in NOTHING_HELD
            and row.id > after
        )
        return sorted(found)[:limit]
