"""What the gateway keeps in memory, one of each per app. All of it may be lost at any moment."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import trio

from gateways.web import limits
from gateways.web.census import Census
from gateways.web.connections import Room
from gateways.web.env import WebEnv
from gateways.web.feed import Feed
from gateways.web.idempotency import Answers
from gateways.web.identity import Identities, Throttle
from gateways.web.metrics import Metrics
from gateways.web.proxies import TrustedProxies
from gateways.web.pulse import Pulse
from gateways.web.table import Route


class Streams:
    """Counts open SSE streams, in all and per principal (or whoever else may not take them all)."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._open: Counter[str] = Counter()

    def full(self, who: str) -> bool:
        return self._open.total() >= self._most or self._open[who] >= self._most_each

    @contextmanager
    def held(self, who: str) -> Iterator[None]:
        """Around a stream, from its first byte on: one that never begins holds nothing."""
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    def __len__(self) -> int:
        return self._open.total()


class Services:
    def __init__(self, env: WebEnv, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.closing = trio.Event()
        self.identities = Identities(env.api_tokens, env.settings.token_key, env.settings.owner_hash, env.now, clock)
        self.throttle = Throttle()
        self.answers = Answers(clock)
        self.feed = Feed(env.queries)
        self.streams = Streams(limits.SSE_STREAMS, limits.SSE_STREAMS_PER_PRINCIPAL)
        self.proxies = TrustedProxies(env.settings.trusted_proxies)
        self.room = Room(env.settings.connections, env.settings.connections_per_address, self.proxies)
        self.metrics = Metrics(env, self.streams, self.room)
        self.pulse = Pulse(env)
        self.census = Census(env)
        self.fragment: Callable[..., Awaitable[str]]
        """Renders a template outside a request: streams outlive the one that opened them."""
        self.routes: Sequence[Route] = ()
        self.document: dict[str, Any] = {}
        self.docs: str | None = None

    def close(self) -> None:
        """Graceful shutdown begins: streams end, readiness says no."""
        self.closing.set()
        self.feed.close()
