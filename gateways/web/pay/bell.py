"""Wakes the pages that wait for something to happen to one session or one payment: a single follower of the event feed for all
of them, so that a thousand drivers who watch cost no more than one look-up an event."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing

import trio

from gateways.web.feed import Feed
from gateways.web.limits import FEED_POLL_SECONDS


class Bell:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._waiting: defaultdict[tuple[str, str], set[trio.Event]] = defaultdict(set)
        self._wanted = trio.Event()

    async def run(self) -> None:
        """Follows the feed while anybody listens; runs as long as the app serves."""
        while True:
            await self._wanted.wait()
            async with aclosing(self._feed.follow(None, frozenset(), None)) as batches:
                async for batch in batches:
                    for event in batch:
                        for waiting in self._waiting.get((event.tenant, event.subject), ()):
                            waiting.set()
                    if not self._waiting:
                        break
            if self._waiting:
                await trio.sleep(FEED_POLL_SECONDS)  # somebody came while we left, or the node drains
            else:
                self._wanted = trio.Event()

    async def wait(self, tenant: str, subjects: Sequence[str], seconds: float) -> None:
        """Until an event about one of the subjects, or for so long."""
        happened = trio.Event()
        keys = [(tenant, subject) for subject in subjects]
        for key in keys:
            self._waiting[key].add(happened)
        self._wanted.set()
        try:
            with trio.move_on_after(seconds):
                await happened.wait()
        finally:
            for key in keys:
                self._waiting[key].discard(happened)
                if not self._waiting[key]:
                    del self._waiting[key]
