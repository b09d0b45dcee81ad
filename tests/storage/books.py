"""Journals for ledger tests, and a way to post them one batch at a time."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.model.rows import Entry, HoldRow, JournalRow

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def journal(id: str, *entries: tuple[str, int], tenant: str = "acme", currency: str = "EUR", **fields: Any) -> JournalRow:
    """Entries as (account, signed amount): a debit is positive."""
    made = tuple(Entry(account, "debit" if amount > 0 else "credit", abs(amount), currency) for account, amount in entries)
    return JournalRow(**{"tenant": tenant, "id": id, "book": "brand", "ref": "s1", "at": AT, "entries": made, **fields})


def sale(id: str, gross: int = 1234, vat: int = 197, **fields: Any) -> JournalRow:
    """12.34 gross at 19 %: 10.37 and 1.97."""
    return journal(id, ("1220/t_1", gross), ("4000/energy", vat - gross), ("2300/DE/19", -vat), **fields)


def batch(*journals: JournalRow | HoldRow) -> str:
    return msgspec.json.encode(journals).decode()


POST = "SELECT status FROM ledger_post($1::jsonb) ORDER BY n"


async def post(db: Any, *journals: JournalRow) -> list[str]:
    """What became of each."""
    return [row["status"] for row in await db.fetch(POST, batch(*journals))]
