"""What the API shows of a station's charging book: one entry a profile and a limit, written where something changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.charging.state import ChargingState
from actors.model.books import entry
from actors.model.decision import AddressKey
from actors.model.rows import EventRow, Row

PROFILES, LIMITS, COMPOSITES, NEEDS = "profile", "limit", "composite", "needs"


def changes(here: AddressKey, before: ChargingState, after: ChargingState, now: datetime) -> Sequence[Row]:
    """Entries of everything that is other in `after`."""
    rows: list[Row] = []
    books: tuple[tuple[str, Mapping[Any, Any], Mapping[Any, Any]], ...] = (
        (PROFILES, before.held, after.held),
        (LIMITS, before.limits, after.limits),
    )
    for book, old, new in books:
        rows += [entry(here, book, key, None, now) for key in old if key not in new]
        rows += [entry(here, book, key, told, now) for key, told in new.items() if old.get(key) != told]
    return rows


def event(here: AddressKey, kind: str, now: datetime, **body: Any) -> EventRow:
    return EventRow(tenant=here[0], kind=kind, subject=here[2], at=now, body=msgspec.to_builtins(body))
