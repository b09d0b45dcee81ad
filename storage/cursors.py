"""Page cursors: opaque to their bearer, a list of the last row's sort key inside.

Keyset paging: a page begins after the key in the cursor, so that rows which arrive meanwhile neither repeat nor
hide others, and page 1,000 costs what page 1 costs.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.ports import InvalidCursor as InvalidCursor

_json_encode = msgspec.json.Encoder().encode
_json_decode = msgspec.json.Decoder(list[Any]).decode


def encode(*key: Any) -> str:
    """The cursor after a row whose sort key is `key` (texts, integers, aware times)."""
    return base64.urlsafe_b64encode(_json_encode(key)).rstrip(b"=").decode()


def decode(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """The key inside; None for the first page. Raises InvalidCursor when it does not hold `types`."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key: tuple[Any, ...] = tuple(msgspec.convert(part, kind) for part, kind in zip(_json_decode(raw), types, strict=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise InvalidCursor(f"not a cursor of this list: {cursor[:60]!r}") from error
    if any(isinstance(part, datetime) and part.tzinfo is None for part in key):
        raise InvalidCursor(f"not a cursor of this list: {cursor[:60]!r}")
    return tuple(part.astimezone(UTC) if isinstance(part, datetime) else part for part in key)
