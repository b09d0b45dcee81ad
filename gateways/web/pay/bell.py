"""Wakes the pages that wait for something to happen to one session or one payment: a single follower of the event feed for all
of them, so that a thousand drivers who watch cost no more than one look-up an event.

    with bell.listening(tenant, subjects) as rung:
        await bell.ready(seconds)
        ...                                     look at what is now, and show it
        await rung.wait()                       whatever happened since one began to look has rung
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager

import trio

from gateways.web.feed import Feed
from gateways.web.limits import FEED_POLL_SECONDS


class Bell:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._waiting: defaultdict[tuple[str, str], set[trio.Event]] = defaultdict(set)
        self._wanted = trio.Event()
        self._following = trio.Event()

    async def run(self) -> None:
        """Follows the feed while anybody listens; runs as long as the app serves."""
        while True:
            await self._wanted.wait()
            newest = await self._feed.newest()
            self._following.set()
            async with aclosing(self._feed.follow(None, frozenset(), newest)) as batches:
                async for batch in batches:
                    for event in batch:
                        for waiting in self._waiting.get((event.tenant, event.subject), ()):
                            waiting.set()
                    if not self._waiting:
                        break
            self._following = trio.Event()
            if self._waiting:  # somebody came while we left, or the node drains: they look again
                for happened in set[trio.Event]().union(*self._waiting.values()):
                    happened.set()
                await trio.sleep(FEED_POLL_SECONDS)
            else:
                self._wanted = trio.Event()

    async def ready(self, seconds: float) -> None:
        """Until everything that happens is heard, or for so long: a database may be away."""
        with trio.move_on_after(seconds):
            await self._following.wait()

    @contextmanager
    def listening(self, tenant: str, subjects: Sequence[str]) -> Iterator[trio.Event]:
        """Set by an event about one of the subjects."""
        happened = trio.Event()
        keys = [(tenant, subject) for subject in subjects]
        for key in keys:
            self._waiting[key].add(happened)
        self._wanted.set()
        try:
            yield happened
        finally:
            for key in keys:
                self._waiting[key].discard(happened)
                if not self._waiting[key]:
                    del self._waiting[key]
