"""Fiscal documents, read from the in-memory read models: the twin of storage/documents.py."""

from datetime import datetime

from actors.model.rows import DocumentRow
from actors.ports import DocumentSum, Page
from storage.memory_paging import page
from storage.memory_rows import MemoryRows


class MemoryDocumentQueries:
    _rows: MemoryRows

    async def document(self, tenant: str, document: str) -> DocumentRow | None:
        return self._rows.get(DocumentRow, tenant, document)

    async def documents(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        kind: str | None = None,
        seller: str | None = None,
        ref: str | None = None,
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page:
        wanted = {"kind": kind, "seller": seller, "ref": ref, "customer": customer}
        given = {name: value for name, value in wanted.items() if value is not None}
        found = [
            row
            for row in self._rows.table(DocumentRow)
            if row.tenant == tenant
            and all(getattr(row, name) == value for name, value in given.items())
            and (since is None or row.at >= since)
            and (until is None or row.at < until)
        ]
        return page(found, lambda row: (row.at, row.id), limit, cursor, newest=True)

    async def document_sums(
        self, tenant: str, since: datetime, until: datetime, seller: str | None, customer: str | None
    ) -> list[DocumentSum]:
        sums: dict[tuple[str, str, str], tuple[int, int, int]] = {}
        for row in self._rows.table(DocumentRow):
            if row.tenant != tenant or not since <= row.at < until:
                continue
            if seller not in (None, row.seller) or customer not in (None, row.customer):
                continue
            for vat in row.body["vat"]:
                key = (row.kind, row.currency, vat["rate"])
                net, tax, count = sums.get(key, (0, 0, 0))
                sums[key] = (net + vat["net_minor"], tax + vat["vat_minor"], count + 1)
        return [DocumentSum(*key, *values) for key, values in sorted(sums.items())]
