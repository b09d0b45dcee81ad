"""The event feed of a node: one poller reads the table, every SSE subscriber reads the poller's ring.

The poller runs only while somebody listens. A subscriber follows a cursor, not a queue: one that is new, resumes by
Last-Event-ID, or was too slow for the ring reads its pages from the table until it has caught up, and then joins the
ring. So nobody costs memory by being slow, and nobody misses an event.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import TypeVar

import trio

from actors.ports import Queries, StoredEvent
from gateways.web import limits
from runtime.store import StoreAway

T = TypeVar("T")


class Ring:
    """The last events with ever-growing positions: the first one kept is number `start`."""

    def __init__(self, size: int) -> None:
        self._events: deque[StoredEvent] = deque(maxlen=size)
        self.end = 0

    @property
    def start(self) -> int:
        return self.end - len(self._events)

    def extend(self, events: Sequence[StoredEvent]) -> None:
        self._events.extend(events)
        self.end += len(events)

    def since(self, position: int) -> list[StoredEvent]:
        return list(islice(self._events, position - self.start, None))

    def clear(self) -> None:
        """Leave a gap that no position bridges: whoever stands before it reads the table."""
        self._events.clear()
        self.end += 1


class Feed:
    def __init__(self, queries: Queries, *, poll: float = limits.FEED_POLL_SECONDS, ring: int = limits.FEED_RING) -> None:
        self._queries = queries
        self._poll = poll
        self._ring = Ring(ring)
        self._grown = trio.Event()
        self._wanted = trio.Event()
        self._listeners = 0
        self._closed = False

    async def newest(self) -> str:
        """The cursor behind all that has happened: who follows from here misses nothing that happens from now on."""
        return await self._patiently(self._queries.last_event)

    def close(self) -> None:
        """The node drains: every stream ends, so that its client resumes elsewhere."""
        self._closed = True
        self._wake()

    async def run(self) -> None:
        """The poller; runs as long as the app serves."""
        while True:
            await self._wanted.wait()
            cursor = await self.newest()
            self._ring.clear()
            while self._listeners:
                page = await self._patiently(partial(self._queries.events, None, (), cursor, limits.FEED_PAGE))
                if page.items:
                    cursor = page.items[-1].id
                    self._ring.extend(page.items)
                    self._wake()
                if len(page.items) < limits.FEED_PAGE:
                    await trio.sleep(self._poll)
            self._wanted = trio.Event()

    async def _patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer, whenever the database is there to give it: its absence is a state, not an error."""
        while True:
            try:
                return await question()
            except StoreAway:
                await trio.sleep(2 * self._poll)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = trio.Event()

    async def follow(
        self, tenant: str | None, kinds: frozenset[str], after: str | None
    ) -> AsyncGenerator[list[StoredEvent], None]:
        """Batches of events after the cursor (None: from now on), in commit order, until the node drains. An empty batch
        is a sign of life."""
        self._listeners += 1
        self._wanted.set()
        try:
            cursor = after if after is not None else await self.newest()
            # What was read from the table. The poller may be pages behind: then it comes by the ring as well, before what is new.
            read: deque[str] = deque(maxlen=limits.FEED_RING)
            while not self._closed:
                position = self._ring.end
                question = partial(self._queries.events, tenant, sorted(kinds), cursor, limits.FEED_PAGE)
                page = await self._patiently(question)
                if page.items:
                    cursor = page.items[-1].id
                    read.extend(event.id for event in page.items)
                    yield list(page.items)
                    continue
                known = set(read)
                async with aclosing(self._live(position)) as live:
                    async for batch in live:
                        wanted = [event for event in batch if _fits(event, tenant, kinds) and event.id not in known]
                        if wanted:
                            read.clear()
                            known.clear()
                        if batch and not known:
                            cursor = batch[-1].id
                        if wanted or not batch:
                            yield wanted
        finally:
            self._listeners -= 1

    async def _live(self, position: int) -> AsyncGenerator[list[StoredEvent], None]:
        """What the ring gets from `position` on, and a sign of life now and then; ends when the ring has lost the place."""
        while self._ring.start <= position and not self._closed:
            grown = self._grown
            if batch := self._ring.since(position):
                position += len(batch)
                yield batch
                continue
            with trio.move_on_after(limits.SSE_KEEPALIVE_SECONDS) as waited:
                await grown.wait()
            if waited.cancelled_caught:
                yield []


def _fits(event: StoredEvent, tenant: str | None, kinds: frozenset[str]) -> bool:
    return (tenant is None or event.tenant == tenant) and (not kinds or event.kind in kinds)
