"""Transfers, payouts and balance lines, read: for the admin API, and for a merchant that compares its account with the books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from actors.merchant.matching import ELSEWHERE, Booked, Subject
from actors.model.rows import BalanceLineRow, PaymentRow, PayoutRow, TransferRow
from actors.ports import MissingLine, Page
from storage import limits
from storage.database import Database
from storage.decoding import to_row
from storage.listing import LISTED, Listing, decoded, keyed

_PAYMENTS = """SELECT * FROM payment WHERE charge = ANY ($1::text[]) OR payment_refunds(refunds) && $1::text[]
    OR (dispute IS NOT NULL AND dispute->>'id' = ANY ($1::text[]))"""
_TRANSFERS = "SELECT * FROM transfer WHERE transfer = ANY ($1::text[]) OR reversal = ANY ($1::text[])"

_BOOKED = """SELECT e.journal, sum(e.amount_minor) FILTER (WHERE a.code = '1100/' || $3) AS available,
    sum(e.amount_minor) FILTER (WHERE a.code = '1110/' || $3) AS pending,
    (SELECT min(b.id) FROM balance_line b WHERE b.journals @> ARRAY[e.journal] AND (b.tenant, b.account) = ($1, $3)) AS line
FROM ledger_entry e JOIN ledger_account a ON a.id = e.account
WHERE e.tenant = $1 AND e.journal = ANY ($4::text[]) AND (a.tenant, a.book) = ($1, $2)
    AND a.code IN ('1100/' || $3, '1110/' || $3)
GROUP BY e.journal"""

_SUMS = """SELECT currency, sum(minor) AS minor FROM (
    SELECT a.currency, e.amount_minor AS minor FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
    WHERE (a.tenant, a.book) = ($1, $2) AND a.code IN ('1100/' || $3, '1110/' || $3)
    UNION ALL SELECT currency, net_minor FROM balance_line WHERE (tenant, account, state) = ($1, $3, $4)
) s GROUP BY currency"""

_UNSETTLED = """SELECT * FROM balance_line WHERE tenant = $1 AND account = $2 AND id > $3
    AND (state IN ('unmatched', 'differs', 'doubled') OR pending_minor + suspense_pending_minor <> moved_minor)
    AND (state IN ('unmatched', 'differs', 'doubled') OR available_on <= $4)
ORDER BY id LIMIT $5"""

_MISSING = """SELECT j.id, j.book, j.ref, j.at, a.currency, split_part(a.code, '/', 2) AS account, sum(e.amount_minor) AS minor
FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
    JOIN ledger_journal j ON (j.tenant, j.id) = (e.tenant, e.journal)
WHERE a.tenant = $1 AND a.code ~ '^11[01]0/' AND j.at >= $2 AND j.at < $3
    AND NOT EXISTS (SELECT FROM balance_line b WHERE b.tenant = $1 AND b.journals @> ARRAY[j.id])
    AND NOT EXISTS (SELECT FROM ledger_entry s JOIN ledger_account t ON t.id = s.account
                    WHERE (s.tenant, s.journal) = (j.tenant, j.id) AND t.code = '2400')
GROUP BY j.id, j.book, j.ref, j.at, a.currency, split_part(a.code, '/', 2)
HAVING sum(e.amount_minor) <> 0 ORDER BY j.at, j.id LIMIT $4"""

_COUNTS = """SELECT account, merchant, currency, state, count(*) AS lines, sum(net_minor) AS net, sum(suspense_minor) AS suspense
FROM balance_line WHERE tenant = $1 GROUP BY account, merchant, currency, state ORDER BY account, currency, state"""


class SettlingQueries:
    """The part of the Queries port that is about settling."""

    _db: Database

    async def transfers(self, tenant: str, merchant: str | None, state: str | None, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM transfer", LISTED if merchant is None else "tenant", tenant)
        found.given("merchant = {}", merchant).given("state = {}", state)
        key_of = keyed("created_at", "id")
        return await found.page(
            self._db, decoded(TransferRow), "created_at, id", (datetime, str), key_of, limit, cursor, newest=True
        )

    async def payouts(self, tenant: str, merchant: str | None, status: str | None, limit: int, cursor: str | None) -> Page:
        found = Listing("SELECT * FROM payout", LISTED, tenant).given("merchant = {}", merchant).given("status = {}", status)
        key_of = keyed("created_at", "id")
        return await found.page(
            self._db, decoded(PayoutRow), "created_at, id", (datetime, str), key_of, limit, cursor, newest=True
        )

    async def payout(self, tenant: str, payout: str) -> PayoutRow | None:
        record = await self._db.fetchrow("SELECT * FROM payout WHERE tenant = $1 AND id = $2", tenant, payout)
        return None if record is None else to_row(PayoutRow, record)

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
        found = Listing("SELECT * FROM balance_line", LISTED if payout is None else "tenant", tenant)
        found.given("merchant = {}", merchant).given("payout = {}", payout)
        found.given("state = ANY ({}::text[])", None if states is None else list(states))
        key_of = keyed("created", "id")
        return await found.page(
            self._db, decoded(BalanceLineRow), "created, id", (datetime, str), key_of, limit, cursor, newest=True
        )

    async def balance_counts(self, tenant: str) -> Sequence[dict[str, Any]]:
        return [
            {**record, "net": int(record["net"]), "suspense": int(record["suspense"])}
            for record in await self._db.fetch(_COUNTS, tenant)
        ]

    async def missing_lines(self, tenant: str, since: datetime, before: datetime) -> Sequence[MissingLine]:
        records = await self._db.fetch(_MISSING, tenant, since, before, limits.MISSING_SHOWN)
        return [MissingLine(r["id"], r["book"], r["account"], r["ref"], r["at"], r["currency"], int(r["minor"])) for r in records]


class SettlingLookups:
    """The part of the Lookups port that is about settling."""

    _db: Database

    async def sole_tenant(self) -> str | None:
        records = await self._db.fetch("SELECT tenant FROM tenant WHERE NOT deleted ORDER BY tenant LIMIT 2")
        return str(records[0]["tenant"]) if len(records) == 1 else None

    async def lines(self, tenant: str, account: str, ids: Sequence[str]) -> Sequence[BalanceLineRow]:
        sql = "SELECT * FROM balance_line WHERE tenant = $1 AND account = $2 AND id = ANY ($3::text[])"
        return [to_row(BalanceLineRow, record) for record in await self._db.fetch(sql, tenant, account, list(ids))]

    async def unsettled_lines(self, tenant: str, account: str, after: str, now: datetime, limit: int) -> Sequence[BalanceLineRow]:
        records = await self._db.fetch(_UNSETTLED, tenant, account, after, now, limit)
        return [to_row(BalanceLineRow, record) for record in records]

    async def behind(self, ids: Sequence[str]) -> Mapping[str, Subject]:
        wanted = sorted(set(ids))
        payments = [to_row(PaymentRow, record) for record in await self._db.fetch(_PAYMENTS, wanted)]
        transfers = [to_row(TransferRow, record) for record in await self._db.fetch(_TRANSFERS, wanted)]
        return subjects(wanted, payments, transfers)

    async def booked(self, tenant: str, book: str, account: str, journals: Sequence[str]) -> Mapping[str, Booked]:
        records = await self._db.fetch(_BOOKED, tenant, book, account, list(journals))
        return {r["journal"]: Booked(int(r["available"] or 0), int(r["pending"] or 0), r["line"]) for r in records}

    async def account_sums(self, tenant: str, book: str, account: str) -> Mapping[str, int]:
        records = await self._db.fetch(_SUMS, tenant, book, account, ELSEWHERE)
        return {str(record["currency"]): int(record["minor"]) for record in records}


def subjects(ids: Sequence[str], payments: Sequence[PaymentRow], transfers: Sequence[TransferRow]) -> Mapping[str, Subject]:
    """Which of the ids is about which of these."""
    wanted = set(ids)
    found: dict[str, Subject] = {}
    for payment in payments:
        names = {payment.charge, *(one.get("refund") for one in payment.refunds), (payment.dispute or {}).get("id")}
        for id in wanted.intersection(name for name in names if name):
            known = found.get(id, Subject())
            found[id] = Subject((*known.payments, payment), known.transfers)
    for transfer in transfers:
        own = transfer.reversal if transfer.kind == "reversal" else transfer.transfer
        if own in wanted:
            known = found.get(own, Subject())
            found[own] = Subject(known.payments, (*known.transfers, transfer))
    return found
