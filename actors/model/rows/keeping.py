"""What belongs to no one room: the event feed, who did what, sealed personal data."""

from datetime import datetime
from typing import Any

from actors.model.rows.base import Row


class EventRow(Row, frozen=True, gc=False, kw_only=True):
    """A line of the event feed (SSE). `kind` is dotted: `session.started`, `station.booted` ..."""

    kind: str
    subject: str
    at: datetime
    body: dict[str, Any]


class AuditRow(Row, frozen=True, gc=False, kw_only=True):
    """Who did what through the API or the console."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: dict[str, Any]


class VaultRow(Row, frozen=True, gc=False, kw_only=True):
    """A sealed personal value: `cell` is ciphertext, `blind` its index for equality look-up, `key` its wrapped
    data key, which the store keeps in a table of its own (empty once the subject was erased)."""

    ref: str
    kind: str
    blind: bytes
    cell: bytes
    key: bytes = b""
