"""The ledger in memory: what PostgreSQL refuses (migrations 0002 and 0014), and the twin of storage/ledger_queries.py."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.model.ledger import CHART
from actors.model.rows import HoldRow, JournalRow, Row
from actors.ports import BooksAudit, Page, TrialLine
from storage.memory_paging import page

Key = tuple[str, str, str, str]
"""Tenant, book, account, currency."""

_LET_GO = ("void", "expired")


class Books:
    """What accounts with a floor have, beside the tables of MemoryRows (`get(class, *key)`)."""

    def __init__(self, get: Callable[..., Any]) -> None:
        self._get = get
        self._posted: dict[Key, int] = defaultdict(int)
        self._pending: dict[Key, int] = defaultdict(int)

    def reject(self, rows: Sequence[Row]) -> str:
        """Why a turn with these rows is refused; empty when it is not. Holds come before journals, as in PostgreSQL."""
        free: dict[Key, int] = {}
        made: dict[tuple[str, str], HoldRow] = {}
        journals = [row for row in rows if isinstance(row, JournalRow)]
        for hold in sorted([row for row in rows if isinstance(row, HoldRow)], key=_order):
            reason = self._reject_hold(hold, free, made) or _took_wrong(hold, journals)
            if reason:
                return f"hold {hold.id}: {reason}"
        seen: dict[tuple[str, str], JournalRow] = {}
        for journal in journals:
            reason = self._reject_journal(journal, seen.get((journal.tenant, journal.id)), free)
            if reason:
                return f"journal {journal.id}: {reason}"
            seen.setdefault((journal.tenant, journal.id), journal)
        return ""

    def take(self, row: Row) -> None:
        """A row of a turn that was not refused, before it gets into the tables."""
        if isinstance(row, JournalRow) and self._get(JournalRow, row.tenant, row.id) is None:
            for key, minor in _moves(row).items():
                self._posted[key] += minor
        elif isinstance(row, HoldRow):
            known = self._get(HoldRow, row.tenant, row.id)
            if known is None and row.outcome is None:
                self._pending[_key(row)] += row.amount_minor
            elif known is not None and known.outcome is None and row.outcome is not None:
                self._pending[_key(known)] -= known.amount_minor

    def held(self, key: Key) -> int:
        return self._pending.get(key, 0)

    def _available(self, key: Key, free: dict[Key, int]) -> int:
        return free.setdefault(key, self._posted[key] - self._pending[key])

    def _reject_hold(self, hold: HoldRow, free: dict[Key, int], made: dict[tuple[str, str], HoldRow]) -> str:
        known = made.get((hold.tenant, hold.id)) or self._get(HoldRow, hold.tenant, hold.id)
        key = _key(hold)
        if known is not None and (_key(known), known.amount_minor) != (key, hold.amount_minor):
            return f"differs: it exists with {known.amount_minor} on account {known.account}"
        if hold.outcome is None:
            if known is not None:
                return ""
            if hold.amount_minor <= 0 or not hold.id or not hold.ref or not _has_floor(hold.account):
                return "invalid: a hold is a positive amount on an account with a floor"
            if self._available(key, free) < hold.amount_minor:
                return f"overdrawn: {self._available(key, free)} may be spent"
            free[key] -= hold.amount_minor
        elif known is None:
            return "unknown: it was never made"
        elif known.outcome is not None:
            same = (known.outcome, known.journal) == (hold.outcome, hold.journal)
            return "" if same else f"over: it has ended: {known.outcome} {known.journal or ''}".strip()
        elif hold.outcome == "expired" and (known.expires is None or hold.at < known.expires):
            return f"invalid: it expires at {known.expires}"
        elif hold.outcome not in ("posted", *_LET_GO) or (hold.outcome == "posted") != (hold.journal is not None):
            return "invalid: it ends posted with a journal, void or expired"
        else:
            free[key] = self._available(key, free) + known.amount_minor
        made[hold.tenant, hold.id] = merged(known, hold)
        return ""

    def _reject_journal(self, journal: JournalRow, earlier: JournalRow | None, free: dict[Key, int]) -> str:
        known = earlier or self._get(JournalRow, journal.tenant, journal.id)
        if known is not None:
            return "" if _content(known) == _content(journal) else "differs: exists with other content"
        sums: dict[str, int] = defaultdict(int)
        sides: dict[str, set[str]] = defaultdict(set)
        for entry in journal.entries:
            if entry.side not in ("debit", "credit") or entry.amount_minor <= 0:
                return "invalid: an entry is a debit or credit of a positive amount"
            sums[entry.currency] += entry.amount_minor if entry.side == "debit" else -entry.amount_minor
            sides[entry.currency].add(entry.side)
        if not sums or any(sums.values()) or any(len(side) < 2 for side in sides.values()):
            return f"unbalanced: debits and credits differ: {dict(sums)}"
        moves = _moves(journal)
        if any(self._available(key, free) + minor < 0 for key, minor in moves.items()):
            return "overdrawn: an account with a floor would be overdrawn"
        for key, minor in moves.items():
            free[key] += minor
        return ""


def merged(known: HoldRow | None, row: HoldRow) -> HoldRow:
    """A hold as it stands after `row`: it keeps what it was made with, and ends once."""
    if known is None:
        return row
    if row.outcome is None or known.outcome is not None:
        return known
    return msgspec.structs.replace(known, outcome=row.outcome, journal=row.journal, at=row.at, ref=row.ref)


def _order(hold: HoldRow) -> int:
    return 1 if hold.outcome in _LET_GO else 3 if hold.outcome == "posted" else 2


def _key(hold: HoldRow) -> Key:
    return hold.tenant, hold.book, hold.account, hold.currency


def _has_floor(account: str) -> bool:
    known = CHART.get(account.split("/")[0])
    return known is not None and known.floor


def _moves(journal: JournalRow) -> dict[Key, int]:
    """What accounts with a floor gain (credits) by it."""
    moves: dict[Key, int] = defaultdict(int)
    for entry in journal.entries:
        if _has_floor(entry.account):
            key = (journal.tenant, journal.book, entry.account, entry.currency)
            moves[key] += entry.amount_minor if entry.side == "credit" else -entry.amount_minor
    return moves


def _took_wrong(hold: HoldRow, journals: Iterable[JournalRow]) -> str:
    if hold.outcome != "posted":
        return ""
    for journal in journals:
        if (journal.tenant, journal.id) == (hold.tenant, hold.journal):
            took = -_moves(journal).get(_key(hold), 0)
            return (
                ""
                if 1 <= took <= hold.amount_minor
                else f"of {hold.amount_minor} is posted with {hold.journal}, which takes {took}"
            )
    return f"is posted with journal {hold.journal}, which this transaction does not post"


def _content(journal: JournalRow) -> tuple[Any, ...]:
    """What makes a repeated journal the same one: all but when it was written, entries in any order."""
    entries = sorted((entry.account, entry.side, entry.currency, entry.amount_minor) for entry in journal.entries)
    return journal.book, journal.ref, journal.reverses, journal.group_id, entries


def _is_of(code: str, account: str | None) -> bool:
    return account is None or code == account or code.startswith(f"{account}/")


class MemoryLedgerQueries:
    _rows: Any

    def _journals(self, tenant: str, book: str | None = None) -> list[JournalRow]:
        return [row for row in self._rows.table(JournalRow) if row.tenant == tenant and book in (None, row.book)]

    async def accounts(
        self, tenant: str, limit: int, cursor: str | None, *, book: str | None = None, account: str | None = None
    ) -> Page:
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for journal in self._journals(tenant, book):
            for entry in journal.entries:
                if _is_of(entry.account, account):
                    sums[journal.book, entry.account, entry.currency][entry.side == "credit"] += entry.amount_minor
        rows = [
            {
                "book": at[0], "account": at[1], "currency": at[2], "debit_minor": debit, "credit_minor": credit,
                "balance_minor": debit - credit, "held_minor": self._rows.books.held((tenant, *at)),
            }
            for at, (debit, credit) in sums.items()
        ]  # fmt: skip
        return page(rows, lambda row: (row["book"], row["account"], row["currency"]), limit, cursor)

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
        rows = [
            row
            for row in self._journals(tenant, book)
            if ref in (None, row.ref)
            and group in (None, row.group_id)
            and (since is None or row.at >= since)
            and (until is None or row.at < until)
            and any(_is_of(entry.account, account) for entry in row.entries)
        ]
        return page(rows, lambda row: (row.at, row.id), limit, cursor, newest=True)

    async def journal(self, tenant: str, journal: str) -> Any | None:
        return self._rows.get(JournalRow, tenant, journal)

    async def trial_balance(self, tenant: str, since: datetime, until: datetime, book: str | None = None) -> Sequence[TrialLine]:
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for journal in self._journals(tenant, book):
            if journal.at < until:
                for entry in journal.entries:
                    line = sums[journal.book, entry.account.split("/")[0], entry.currency]
                    if journal.at < since:
                        line[0] += entry.amount_minor if entry.side == "debit" else -entry.amount_minor
                    else:
                        line[1 if entry.side == "debit" else 2] += entry.amount_minor
        return [TrialLine(*key, *line) for key, line in sorted(sums.items())]

    async def books_audit(self, tenant: str) -> BooksAudit | None:
        """Nobody audits what is in memory: a test puts here what it wants to be shown."""
        audit: BooksAudit | None = self._rows.books_audit
        if audit is None:
            return None
        found = tuple([finding for finding in audit.findings if finding.tenant == tenant])
        return msgspec.structs.replace(audit, findings=found)

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
        rows = [
            row
            for row in self._rows.table(HoldRow)
            if row.tenant == tenant
            and account in (None, row.account)
            and ref in (None, row.ref)
            and outcome in (None, row.outcome or "open")
        ]
        return page(rows, lambda row: (self._rows.made[row.tenant, row.id], row.id), limit, cursor, newest=True)
