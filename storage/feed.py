"""The event feed, read below the horizon.

Events get their ids before their transaction commits, so the order of ids is not the order in which they become
visible: a reader that goes by ids skips what commits late. It therefore reads in order of (transaction id, id), and
only below the database's horizon (migration 0025): every transaction below it has ended, so nothing can still appear there.
"""

from collections.abc import Sequence

import msgspec

from actors.ports import InvalidCursor, Page, StoredEvent
from storage.database import Database

_HORIZON = "SELECT horizon()::text"
_EVENTS = """SELECT xid::text, id, tenant, kind, subject, at, body::text FROM event
WHERE (xid, id) > ($1::text::xid8, $2) AND xid < $6::text::xid8
    AND ($3::text IS NULL OR tenant = $3) AND (cardinality($4::text[]) = 0 OR kind = ANY ($4))
ORDER BY event.xid, id LIMIT $5"""

_decode = msgspec.json.Decoder().decode
_LONGEST = 40


class Feed:
    """A cursor reads `transaction-id`: after that event. A poll that found the end moves on to the horizon, so that a
    tenant's quiet feed does not read through everybody else's events again and again. A cursor beyond the horizon is from
    before a crash or a restore of the server, which gives transaction ids out again: it goes back, and skips nothing."""

    def __init__(self, db: Database) -> None:
        self._feed_db = db

    async def events(self, tenant: str | None, kinds: Sequence[str], after: str | None, limit: int) -> Page:
        xid, number = _parse(after)
        horizon = await self._feed_db.fetchval(_HORIZON)  # first: what is read afterwards sees all that is below it
        records = await self._feed_db.fetch(_EVENTS, xid, number, tenant, list(kinds), limit, horizon)
        items = [
            StoredEvent(
                f"{record['xid']}-{record['id']}",
                record["tenant"],
                record["kind"],
                record["subject"],
                record["at"],
                _decode(record["body"]),
            )
            for record in records
        ]
        if len(items) == limit:
            return Page(items, items[-1].id)
        return Page(items, f"{horizon}-0")

    async def last_event(self) -> str:
        horizon = await self._feed_db.fetchval(_HORIZON)
        return f"{horizon}-0"


def _parse(after: str | None) -> tuple[str, int]:
    if not after:
        return "0", 0
    xid, dash, number = after.partition("-")
    if not (dash and xid.isdecimal() and number.isdecimal() and xid.isascii() and len(after) <= _LONGEST):
        raise InvalidCursor(f"not an event id of this feed: {after[:60]!r}")
    if int(xid) >= 2**64 or int(number) >= 2**63:
        raise InvalidCursor(f"not an event id of this feed: {after[:60]!r}")
    return xid, int(number)
