"""What stands in the books: journals, holds on accounts with a floor, numbered documents. A turn with a journal takes the
committer's money lane (`MONEY` in actors/model/decision.py)."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.rows.base import Row


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`account` is a code of the chart with qualifiers (`1220/t_ab12`, `2300/DE/19`); `side` debit or credit."""

    account: str
    side: str
    amount_minor: int
    currency: str


class JournalRow(Row, frozen=True, gc=False, kw_only=True):
    """A double-entry journal. `id` is the idempotency key: the same id with other entries is an error."""

    id: str
    book: str
    ref: str
    at: datetime
    entries: tuple[Entry, ...]
    reverses: str | None = None
    group_id: str | None = None


class HoldRow(Row, frozen=True, gc=False, kw_only=True):
    """A reservation on an account with a floor (a wallet), in the ledger. With `outcome` None it is made, pending: what may be
    spent besides gets less; the turn is rejected where that is not there. `posted` finishes it with `journal` of the same
    turn, which takes 1 to `amount_minor` (the rest is free again); `void` and `expired` (not before `expires`) let it go. Each
    hold ends once; its row says the same account and amount again, `at` and `ref` are then those of the end."""

    id: str
    book: str
    account: str
    currency: str
    amount_minor: int
    ref: str
    at: datetime
    expires: datetime | None = None
    outcome: str | None = None
    journal: str | None = None


class DocumentRow(Row, frozen=True, gc=False, kw_only=True):
    """A fiscal document. The store gives it the next number of its `series` (legal entity, kind, year) in the very transaction of
    the turn, so numbers have no gaps; `number` is None until then. `id` follows from what it documents, so it is made once.
    `kind`: receipt, invoice or credit_note. `ref`: the session, else what was paid. `customer`: whose it is, a token_ref or
    wallet, empty for nobody we know. `body`: everything it says; without personal data. `corrects`: id of the document that a
    credit note is about, whose amounts are negative."""

    id: str
    seller: str
    kind: str
    series: str
    at: datetime
    ref: str
    currency: str
    gross_minor: int
    body: dict[str, Any]
    corrects: str | None = None
    customer: str = ""
    number: int | None = None
