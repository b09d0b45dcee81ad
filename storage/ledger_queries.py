"""The books, read: accounts, journals, holds, and the trial balance of a day.

Balances are debits less credits: what is owed to us is positive, what we owe and what we earned negative. An account may be
named with its qualifiers (`2100/w1`), or without, which means all of its class.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.model.rows import HoldRow, JournalRow
from actors.ports import BooksAudit, BooksFinding, Page, TrialLine
from storage.database import Database
from storage.decoding import to_row
from storage.listing import LISTED, Listing, decoded, keyed

_JOURNAL = """SELECT j.tenant, j.id, j.book, j.ref, j.at, j.reverses, j.group_id, (
    SELECT json_agg(json_build_object('account', a.code, 'currency', a.currency, 'amount_minor', abs(e.amount_minor),
        'side', CASE WHEN e.amount_minor > 0 THEN 'debit' ELSE 'credit' END) ORDER BY e.n)
    FROM ledger_entry e JOIN ledger_account a ON a.id = e.account WHERE (e.tenant, e.journal) = (j.tenant, j.id)
) AS entries FROM ledger_journal j"""

_TOUCHES = """j.id IN (SELECT e.journal FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
    WHERE a.tenant = $1 AND e.tenant = $1 AND (a.code = {} OR starts_with(a.code, {} || '/')))"""

_ACCOUNTS = """SELECT a.book, a.code, a.currency, b.pending_minor AS held,
    coalesce(t.debit_minor, 0) + coalesce(u.debit_minor, 0) AS debit,
    coalesce(t.credit_minor, 0) + coalesce(u.credit_minor, 0) AS credit
FROM ledger_account a LEFT JOIN ledger_total t ON t.account = a.id LEFT JOIN ledger_balance b ON b.account = a.id
LEFT JOIN (
    SELECT e.account, sum(greatest(e.amount_minor, 0)) AS debit_minor, -sum(least(e.amount_minor, 0)) AS credit_minor
    FROM ledger_era r JOIN ledger_journal j ON j.era = r.era AND j.txid >= r.sealed_upto
    JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id)
    WHERE j.tenant = $1 GROUP BY e.account
) u ON u.account = a.id"""
"""What is sealed is summed up already; what is not is at most a minute's journals, and is added up once."""

_TRIAL = """SELECT a.book, split_part(a.code, '/', 1) AS account, a.currency,
    coalesce(sum(e.amount_minor) FILTER (WHERE j.at < $2), 0) AS opening,
    coalesce(sum(e.amount_minor) FILTER (WHERE j.at >= $2 AND e.amount_minor > 0), 0) AS debit,
    coalesce(-sum(e.amount_minor) FILTER (WHERE j.at >= $2 AND e.amount_minor < 0), 0) AS credit
FROM ledger_journal j JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id) JOIN ledger_account a ON a.id = e.account
WHERE j.tenant COLLATE "POSIX" = $1 AND j.at < $3 AND ($4::text IS NULL OR j.book = $4) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""

_AUDITED = "SELECT at, done_at, findings FROM books_audit WHERE done_at IS NOT NULL ORDER BY at DESC LIMIT 1"

_HOLD = """SELECT h.* FROM (
    SELECT h.tenant, h.id, a.book, a.code AS account, a.currency, h.amount_minor, coalesce(e.ref, h.ref) AS ref,
        coalesce(e.at, h.at) AS at, h.at AS made, h.expires, e.outcome, e.journal
    FROM ledger_hold h JOIN ledger_account a ON a.id = h.account
    LEFT JOIN ledger_hold_end e ON (e.tenant, e.hold) = (h.tenant, h.id)) h"""


class LedgerQueries:
    """The part of the Queries port that is about the books."""

    _db: Database

    async def accounts(
        self, tenant: str, limit: int, cursor: str | None, *, book: str | None = None, account: str | None = None
    ) -> Page:
        found = Listing(_ACCOUNTS, "a.tenant", tenant).given("a.book = {}", book)
        found.given("(a.code = {} OR starts_with(a.code, {} || '/'))", account)

        def balance(record: Any) -> dict[str, Any]:
            return {
                "book": record["book"],
                "account": record["code"],
                "currency": record["currency"],
                "debit_minor": int(record["debit"]),
                "credit_minor": int(record["credit"]),
                "balance_minor": int(record["debit"] - record["credit"]),
                "held_minor": record["held"] or 0,
            }

        key_of = keyed("book", "code", "currency")
        return await found.page(self._db, balance, "a.book, a.code, a.currency", (str, str, str), key_of, limit, cursor)

    async def journals(
        self,
        tenant: str,
        ref: str | None,
        limit: int,
        cursor: str | None,
        *,
        book: str | None = None,
        account: str | None = None,
        group: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page:
        narrow = ref is not None or account is not None
        found = Listing(_JOURNAL, "j.tenant" if narrow else f"j.{LISTED}", tenant).given("j.ref = {}", ref)
        found.given(_TOUCHES, account).given("j.book = {}", book).given("j.group_id = {}", group)
        found.given("j.at >= {}", since).given("j.at < {}", until)
        key_of = keyed("at", "id")
        return await found.page(self._db, decoded(JournalRow), "j.at, j.id", (datetime, str), key_of, limit, cursor, newest=True)

    async def journal(self, tenant: str, journal: str) -> Any | None:
        record = await self._db.fetchrow(f"{_JOURNAL} WHERE j.tenant = $1 AND j.id = $2", tenant, journal)
        return None if record is None else to_row(JournalRow, record)

    async def trial_balance(self, tenant: str, since: datetime, until: datetime, book: str | None = None) -> Sequence[TrialLine]:
        return [
            TrialLine(
                record["book"],
                record["account"],
                record["currency"],
                int(record["opening"]),
                int(record["debit"]),
                int(record["credit"]),
            )
            for record in await self._db.fetch(_TRIAL, tenant, since, until, book)
        ]

    async def books_audit(self, tenant: str) -> BooksAudit | None:
        record = await self._db.fetchrow(_AUDITED)
        if record is None:
            return None
        found = msgspec.json.decode(record["findings"], type=tuple[BooksFinding, ...])
        return BooksAudit(record["at"], record["done_at"], tuple([finding for finding in found if finding.tenant == tenant]))

    async def holds(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        account: str | None = None,
        ref: str | None = None,
        outcome: str | None = None,
    ) -> Page:
        found = Listing(_HOLD, f"h.{LISTED}", tenant).given("h.account = {}", account).given("h.ref = {}", ref)
        found.given("coalesce(h.outcome, 'open') = {}", outcome)
        types = (datetime, str)
        return await found.page(
            self._db, decoded(HoldRow), "h.made, h.id", types, keyed("made", "id"), limit, cursor, newest=True
        )
