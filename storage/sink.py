"""Rows that gate nothing: traces, last-seen, knocks of unknown stations, quirks of known ones, the audit log of the API.

`put` never blocks and never fails. Rows wait in bounded buffers and go out in batches on a connection of their own,
so that a slow database costs traces, oldest first, and never a charging session. What is dropped is counted.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import asyncpg
import msgspec
import structlog
import trio

from actors.model.rows import AuditRow, EventRow, InboxRow, QuirkRow, Row, SeenRow
from actors.ports import TraceRow
from runtime.store import StoreAway
from storage import limits
from storage.database import Database
from storage.rows import body_of

_log = structlog.get_logger(__name__)
_Key = tuple[str, ...]
_TRACE = TraceRow.__struct_fields__

_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\ufffd"})
"""What means something in the text format of COPY. Text of PostgreSQL never holds a NUL."""


def _line(row: TraceRow) -> str:
    """A row in the text format of COPY, its fields in the order of _TRACE. Frames come by the thousands: a few looks tell
    whether any of the texts needs care."""
    r = row
    texts = f"{r.tenant}{r.station}{r.protocol}{r.action}{r.unique_id}{r.body}{r.error}{r.correlation}{r.answer}{r.answer_error}"
    if "\\" in texts or "\n" in texts or "\t" in texts or "\r" in texts or "\0" in texts or not _encodes(texts):
        storable: list[Any] = [_storable(value) if isinstance(value, str) else value for value in msgspec.structs.astuple(row)]
        r = TraceRow(*storable)
    answered_at = _NULL if r.answered_at is None else r.answered_at.isoformat()
    return (
        f"{r.tenant}\t{r.station}\t{r.at.isoformat()}\t{r.direction}\t{r.protocol}\t{r.message_type}\t{r.action}\t{r.unique_id}\t"
        f"{r.body}\t{_NULL if r.error is None else r.error}\t{r.correlation}\t{answered_at}\t{r.answer_type}\t{r.answer}\t"
        f"{_NULL if r.answer_error is None else r.answer_error}\n"
    )


def _encodes(text: str) -> bool:
    """False for surrogates, which stand for what was no text."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(text: str) -> str:
    return text.translate(_ESCAPES).encode("utf-8", "replace").decode()


class PostgresSink:
    """The Sink port. `run()` beside everything else, `flush()` once more before a node stops."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._traces: deque[TraceRow] = deque()
        self._trace_bytes = 0
        self._batch = trio.Event()
        """A batch of traces is together."""
        self._lines: deque[AuditRow | EventRow] = deque()
        self._inbox: dict[_Key, InboxRow] = {}
        self._quirks: dict[_Key, QuirkRow] = {}
        self._seen: dict[_Key, SeenRow] = {}
        self._seen_as: dict[_Key, tuple[bool, int]] = {}
        """How the database knows a station: (online, generation). Another state is news, the same one can wait."""
        self._seen_all_at = 0.0
        self._flushing = trio.Lock()
        self.written = 0
        self.dropped: dict[str, int] = {"trace": 0, "line": 0, "inbox": 0, "quirk": 0, "refused": 0}

    def put(self, row: Row | TraceRow) -> None:
        if type(row) is TraceRow:
            self._traces.append(row)
            self._trace_bytes += len(row.body) + len(row.answer)
            waiting = len(self._traces)
            if waiting == limits.SINK_BATCH:
                self._batch.set()
            if waiting > limits.SINK_TRACES or self._trace_bytes > limits.SINK_TRACE_BYTES:
                self._drop_traces()
        elif isinstance(row, SeenRow):
            self._seen[row.tenant, row.station] = row
        elif isinstance(row, InboxRow):
            self._put_knock(row)
        elif isinstance(row, QuirkRow):
            self._put_quirk(row)
        elif isinstance(row, AuditRow | EventRow):
            self._lines.append(row)
            if len(self._lines) > limits.SINK_LINES:
                self._lines.popleft()
                self.dropped["line"] += 1
        else:
            raise TypeError(f"{type(row).__name__} belongs into a turn: losing it would lose something")

    def _drop_traces(self) -> None:
        while len(self._traces) > limits.SINK_TRACES or self._trace_bytes > limits.SINK_TRACE_BYTES:
            row = self._traces.popleft()
            self._trace_bytes -= len(row.body) + len(row.answer)
            self.dropped["trace"] += 1

    def _put_knock(self, row: InboxRow) -> None:
        """Knocks of one station add up; strangers beyond the bound are not worth memory."""
        key = (row.tenant, row.station)
        known = self._inbox.get(key)
        if known is not None:
            attempts = known.attempts + row.attempts
            row = msgspec.structs.replace(row, first_seen=known.first_seen, attempts=attempts)
        elif len(self._inbox) >= limits.SINK_LINES:
            self.dropped["inbox"] += 1
            return
        self._inbox[key] = row

    def _put_quirk(self, row: QuirkRow) -> None:
        """Those of one station and quirk add up; they are written as rarely as that a station was heard again."""
        key = (row.tenant, row.station, row.quirk)
        known = self._quirks.get(key)
        if known is not None:
            row = msgspec.structs.replace(row, first_at=known.first_at, count=known.count + row.count)
        elif len(self._quirks) >= limits.SINK_QUIRKS:
            self.dropped["quirk"] += 1
            return
        self._quirks[key] = row

    def stats(self) -> dict[str, int]:
        """Counters and how much waits (metrics)."""
        return {
            "written": self.written,
            "traces": len(self._traces),
            "lines": len(self._lines),
            "seen": len(self._seen),
            "inbox": len(self._inbox),
            "quirks": len(self._quirks),
            **{f"dropped_{name}": count for name, count in self.dropped.items()},
        }

    async def run(self) -> None:
        """Write what waits, every half second, until cancelled. A database that is away is tried again. A whole batch of
        traces goes at once: as many statements as half a second later, and less waits in memory."""
        due = trio.current_time() + limits.SINK_EVERY
        while True:
            with trio.move_on_at(due):
                await self._batch.wait()
            self._batch = trio.Event()
            try:
                if trio.current_time() < due:
                    await self._flush_batch()
                    continue
                due = trio.current_time() + limits.SINK_EVERY
                await self.flush(everything=False)
            except StoreAway:
                await trio.sleep(limits.RETRY_AWAY)

    async def flush(self, *, everything: bool = True) -> None:
        """Write what waits. `everything` includes stations that were merely heard again. Raises StoreAway; what was
        not written yet then goes on waiting."""
        async with self._flushing:
            now = trio.current_time()
            everything = everything or now - self._seen_all_at >= limits.SEEN_EVERY
            await self._flush_keyed("inbox", self._inbox, list(self._inbox))
            await self._flush_seen(everything)
            if everything:
                await self._flush_keyed("quirk", self._quirks, list(self._quirks))
            if everything:
                self._seen_all_at = now
            while self._lines:
                await self._flush_lines()
            while self._traces:
                await self._flush_traces()

    async def _flush_keyed(self, kind: str, waiting: dict[_Key, Any], keys: list[_Key]) -> None:
        for start in range(0, len(keys), limits.SINK_BATCH):
            rows = {key: waiting[key] for key in keys[start : start + limits.SINK_BATCH]}
            await self._write(kind, rows.values())
            for key, row in rows.items():
                if waiting.get(key) is row:  # else a newer one came while this one was written
                    del waiting[key]
                elif kind == "inbox":  # which then counts knocks that are written by now
                    newer = waiting[key]
                    waiting[key] = msgspec.structs.replace(newer, attempts=newer.attempts - row.attempts)
                elif kind == "quirk":
                    newer = waiting[key]
                    waiting[key] = msgspec.structs.replace(newer, count=newer.count - row.count)

    async def _flush_seen(self, everything: bool) -> None:
        keys = [key for key, row in self._seen.items() if everything or self._seen_as.get(key) != (row.online, row.generation)]
        written = {key: (self._seen[key].online, self._seen[key].generation) for key in keys}
        await self._flush_keyed("seen", self._seen, keys)
        self._seen_as.update(written)

    async def _flush_lines(self) -> None:
        kind = "audit" if isinstance(self._lines[0], AuditRow) else "event"
        rows: list[Any] = []
        while self._lines and len(rows) < limits.SINK_BATCH and isinstance(self._lines[0], AuditRow) == (kind == "audit"):
            rows.append(self._lines.popleft())
        try:
            await self._write(kind, rows)
        except BaseException:
            self._lines.extendleft(reversed(rows))
            raise

    async def _flush_batch(self) -> None:
        """One, however many there are: the other rows must get their turn."""
        async with self._flushing:
            if len(self._traces) >= limits.SINK_BATCH:
                await self._flush_traces()
            if len(self._traces) >= limits.SINK_BATCH:
                self._batch.set()

    async def _flush_traces(self) -> None:
        rows = [self._traces.popleft() for _ in range(min(limits.SINK_BATCH, len(self._traces)))]
        size = sum([len(row.body) + len(row.answer) for row in rows])
        self._trace_bytes -= size
        try:
            await self._copy(rows)
        except BaseException:
            self._traces.extendleft(reversed(rows))
            self._trace_bytes += size
            raise

    async def _copy(self, rows: list[TraceRow]) -> None:
        """COPY costs half of what rows as JSON do."""
        try:
            await self._db.background_copy("trace", _TRACE, "".join(map(_line, rows)).encode())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            if len(rows) > 1:
                for row in rows:
                    await self._copy([row])
                return
            self._refused("trace", error)
        else:
            self.written += len(rows)

    def _refused(self, kind: str, error: Exception) -> None:
        """Refused, not away: it would be refused again, and must not dam up what comes behind it."""
        self.dropped["refused"] += 1
        _log.warning("sink.refused", kind=kind, error=str(error))

    async def _write(self, kind: str, rows: Iterable[Row | TraceRow]) -> None:
        rows = list(rows)
        if not rows:
            return
        try:
            bodies = [body_of(row) for row in rows]
            await self._db.background(f"SELECT write_{kind}(NULL, NULL, $1::json[])", bodies)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            if len(rows) > 1:
                for row in rows:
                    await self._write(kind, (row,))
                return
            self._refused(kind, error)
        else:
            self.written += len(rows)
