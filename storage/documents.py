"""Fiscal documents, read: for the admin API, the pay page and a month's statement."""

from datetime import datetime

from actors.model.rows import DocumentRow
from actors.ports import DocumentSum, Page
from storage.database import Database
from storage.decoding import to_row
from storage.listing import LISTED, Listing, decoded, keyed

_TEXT = ("seller",)
"""A name here, where other tables hold an object of that name."""
_SUMS = """SELECT d.kind, d.currency, v.rate, sum(v.net_minor)::bigint AS net_minor, sum(v.vat_minor)::bigint AS vat_minor,
    count(DISTINCT d.id) AS documents
FROM document d, json_to_recordset(d.body -> 'vat') AS v (rate text, net_minor bigint, vat_minor bigint)
WHERE d.tenant COLLATE "POSIX" = $1 AND d.at >= $2 AND d.at < $3 AND ($4::text IS NULL OR d.seller = $4)
    AND ($5::text IS NULL OR d.customer = $5)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


class DocumentQueries:
    """The part of the Queries port that is about documents."""

    _db: Database

    async def document(self, tenant: str, document: str) -> DocumentRow | None:
        record = await self._db.fetchrow("SELECT * FROM document WHERE tenant = $1 AND id = $2", tenant, document)
        return None if record is None else to_row(DocumentRow, record, text=_TEXT)

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
        """Newest first. Of several filters each must hold; `until` is exclusive."""
        found = Listing("SELECT * FROM document", "tenant" if ref or customer else LISTED, tenant)
        for column, value in {"kind": kind, "seller": seller, "ref": ref, "customer": customer}.items():
            found.given(f"{column} = {{}}", value)
        found.given("at >= {}", since).given("at < {}", until)
        types, key_of = (datetime, str), keyed("at", "id")
        return await found.page(self._db, decoded(DocumentRow, _TEXT), "at, id", types, key_of, limit, cursor, newest=True)

    async def document_sums(
        self, tenant: str, since: datetime, until: datetime, seller: str | None, customer: str | None
    ) -> list[DocumentSum]:
        records = await self._db.fetch(_SUMS, tenant, since, until, seller, customer)
        return [DocumentSum(*record.values()) for record in records]
