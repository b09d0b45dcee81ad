"""An entry of one of the small books that are kept of a station, as its keeper writes it."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.decision import AddressKey
from actors.model.rows import BookRow


def entry(here: AddressKey, book: str, key: object, body: Any, now: datetime) -> BookRow:
    """`here`: the keeper's address, whose id is the station's. `body`: what the API shows, plain or a Struct; None: the entry
    is gone."""
    shown = {} if body is None else msgspec.to_builtins(body)
    return BookRow(tenant=here[0], station=here[2], book=book, key=str(key), body=shown, updated_at=now, deleted=body is None)
