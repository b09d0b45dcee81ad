"""The inbox of the payment provider's webhooks (table `stripe_inbox`): written before they are acknowledged, worked off later.

Writing has a connection of its own and goes in batches: whoever comes while a batch is written waits for the next one. So
the receiver keeps up when the worker's database work is slow, and a burst costs a few commits instead of thousands.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import trio

from actors.ports import EventName, PspEvent, WaitingPspEvent
from runtime.store import StoreAway
from storage import limits
from storage.database import Database

_PUT: Final = """INSERT INTO stripe_inbox (platform, event_id, endpoint, account, type, created, api_version, livemode, subject)
SELECT coalesce(r.platform, ''), r.id, r.endpoint, r.account, r.type, r.created, r.api_version, r.livemode, r.subject
FROM json_to_recordset($1::json) AS r (platform text, id text, endpoint text, account text, type text, created timestamptz,
    api_version text, livemode boolean, subject json)
ORDER BY 1, r.id COLLATE "C" ON CONFLICT (platform, event_id) DO NOTHING RETURNING platform, event_id"""

_TAKE: Final = """WITH taken AS (
    UPDATE stripe_inbox i SET attempt = i.attempt + 1, due = now() + $2::interval
    FROM (SELECT platform, event_id FROM stripe_inbox WHERE state = 'waiting' AND due <= now() ORDER BY due LIMIT $1
          FOR UPDATE SKIP LOCKED) AS ready
    WHERE (i.platform, i.event_id) = (ready.platform, ready.event_id) RETURNING i.*
) SELECT * FROM taken ORDER BY received_at, event_id"""

_NAMED: Final = """FROM unnest($1::text[], $2::text[]) AS n (platform, id)
WHERE (i.platform, i.event_id) = (n.platform, n.id) AND i.state = 'waiting'"""
_DONE: Final = "UPDATE stripe_inbox i SET state = 'done', done_at = now(), error = NULL " + _NAMED  # noqa: S608
_RETRY: Final = "UPDATE stripe_inbox i SET due = now() + $3::interval, error = $4 " + _NAMED  # noqa: S608
_PARK: Final = "UPDATE stripe_inbox i SET state = 'parked', error = $3 " + _NAMED  # noqa: S608
_UNPARK: Final = """UPDATE stripe_inbox SET state = 'waiting', attempt = 0, due = now()
WHERE event_id = $1 AND state = 'parked' RETURNING event_id"""
_LISTED: Final = "SELECT * FROM stripe_inbox WHERE state = $1 ORDER BY received_at LIMIT $2"
_COUNTS: Final = "SELECT state, count(*) AS n FROM stripe_inbox WHERE state IN ('waiting', 'parked') GROUP BY state"
_PRUNE: Final = """DELETE FROM stripe_inbox WHERE (platform, event_id) IN (
    SELECT platform, event_id FROM stripe_inbox WHERE received_at < $1 AND state <> 'waiting' ORDER BY received_at LIMIT $2)
RETURNING event_id"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Batch:
    def __init__(self) -> None:
        self.events: deque[PspEvent] = deque()
        self.written = trio.Event()
        self.new: frozenset[EventName] = frozenset()
        self.error: BaseException | None = None


class PostgresStripeInbox:
    """`actors.ports.PspInbox` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: deque[_Batch] = deque()
        self._writing = False

    async def put(self, event: PspEvent) -> bool:
        batch = self._join(event)
        if not self._writing:
            await self._write()
        await batch.written.wait()
        if batch.error is not None:
            raise StoreAway("the inbox of webhooks could not be written") from batch.error
        return event.name in batch.new

    def _join(self, event: PspEvent) -> _Batch:
        if sum(len(batch.events) for batch in self._waiting) >= limits.WEBHOOK_QUEUE:
            raise StoreAway("too many webhooks wait to be written")
        if not self._waiting or len(self._waiting[-1].events) >= limits.WEBHOOK_BATCH:
            self._waiting.append(_Batch())
        batch = self._waiting[-1]
        batch.events.append(event)
        return batch

    async def _write(self) -> None:
        """Whoever finds nobody writing writes what waits, its own and others'; a caller that is given up does not stop it."""
        self._writing = True
        try:
            with trio.CancelScope(shield=True):
                while self._waiting:
                    batch = self._waiting.popleft()
                    try:
                        body = _encode(list(batch.events)).decode()
                        records = await self._db.webhook(_PUT, body)
                        batch.new = frozenset((record["platform"], record["event_id"]) for record in records)
                    except Exception as error:
                        batch.error = error
                    finally:
                        batch.written.set()
        finally:
            self._writing = False

    async def take(self, limit: int, lease: float) -> Sequence[WaitingPspEvent]:
        return [_waiting(record) for record in await self._db.fetch(_TAKE, limit, timedelta(seconds=lease))]

    async def done(self, names: Sequence[EventName]) -> None:
        await self._db.fetch(_DONE, *_columns(names))

    async def retry(self, names: Sequence[EventName], seconds: float, error: str) -> None:
        await self._db.fetch(_RETRY, *_columns(names), timedelta(seconds=seconds), error)

    async def park(self, names: Sequence[EventName], error: str) -> None:
        await self._db.fetch(_PARK, *_columns(names), error)

    async def unpark(self, id: str) -> bool:
        return bool(await self._db.fetch(_UNPARK, id))

    async def listed(self, state: str, limit: int) -> Sequence[WaitingPspEvent]:
        return [_waiting(record) for record in await self._db.fetch(_LISTED, state, limit)]

    async def counts(self) -> dict[str, int]:
        found = {record["state"]: int(record["n"]) for record in await self._db.fetch(_COUNTS)}
        return {"waiting": found.get("waiting", 0), "parked": found.get("parked", 0)}

    async def prune(self, before: datetime, limit: int) -> int:
        return len(await self._db.fetch(_PRUNE, before, limit))


def _columns(names: Sequence[EventName]) -> tuple[list[str], list[str]]:
    return [platform for platform, _ in names], [id for _, id in names]


def _waiting(record: Mapping[str, Any]) -> WaitingPspEvent:
    fields = {**record, "id": record["event_id"], "subject": _decode(record["subject"])}
    event = PspEvent(**{name: fields[name] for name in PspEvent.__struct_fields__})
    return WaitingPspEvent(event, record["state"], record["attempt"], record["received_at"], record["error"])
