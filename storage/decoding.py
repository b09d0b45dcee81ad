"""Database records to the rows of actors/model/rows.

Column names are field names, so a record converts as a whole; columns of type json arrive as text and are decoded
first. Times are aware UTC.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

R = TypeVar("R")

_JSON_COLUMNS = frozenset(
    (
        *("settings", "location", "boot", "connectors", "attributes", "characteristics"),
        *("cost", "body", "entries", "detail", "transaction", "terms"),
        *("seller", "refs", "proof", "quote", "refunds", "dispute", "auto"),
    )
)
"""Columns of the row tables that hold JSON; `evse.detail` and `trace.body` share a name with one, see `text`."""

_decode = msgspec.json.Decoder().decode


def to_row(kind: type[R], record: Mapping[str, Any], *, text: Iterable[str] = ()) -> R:
    """One record as a `kind`. `text` names columns that are plain text in this table in spite of their name."""
    fields = {name: record[name] for name in kind.__struct_fields__}  # type: ignore[attr-defined]
    for name in _JSON_COLUMNS.intersection(fields).difference(text):
        if fields[name] is not None:
            fields[name] = _decode(fields[name])
    return msgspec.convert(fields, kind, builtin_types=(bytes,))
