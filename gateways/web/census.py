"""All actors of the node as a list that is searched and sorted, with the rate at which each handles messages.

One survey serves everybody who looks within the same second. A rate is the difference of two surveys, so the first look has none.
Searching goes in slices: a list of 20,000 actors must not hold up the stations.
"""

from collections.abc import Callable
from heapq import nlargest, nsmallest
from typing import Any

import msgspec
import trio

from gateways.web import limits
from gateways.web.env import WebEnv
from runtime.address import Address
from runtime.survey import Line


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`rate`: messages a second since the survey before, None where there is none."""

    line: Line
    rate: float | None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """`text`: part of the address, in any case. `sort` is a key of SORTS, `down` the largest first."""

    tenant: str | None = None
    kind: str = ""
    status: str = ""
    text: str = ""
    sort: str = "address"
    down: bool = False
    offset: int = 0
    limit: int = limits.CONSOLE_LIST_ROWS


class Found(msgspec.Struct, frozen=True):
    entries: list[Entry]
    total: int


SORTS: dict[str, Callable[[Entry], Any]] = {
    "address": lambda entry: entry.line.address,
    "kind": lambda entry: (entry.line.address.kind, entry.line.address),
    "status": lambda entry: (entry.line.status, entry.line.address),
    "mailbox": lambda entry: (entry.line.mailbox, entry.line.address),
    "rate": lambda entry: (-1.0 if entry.rate is None else entry.rate, entry.line.address),
    "age": lambda entry: (-1.0 if entry.line.age is None else entry.line.age, entry.line.address),
    "handled": lambda entry: (entry.line.handled, entry.line.address),
    "restarts": lambda entry: (entry.line.restarts, entry.line.address),
    "crashes": lambda entry: (entry.line.crashes, entry.line.address),
}
LABELS = {"rate": "messages/s", "age": "at hand for"}
"""What people call a sort whose key does not say it."""
WORDS = frozenset({"address", "kind", "status"})
"""Sorts that begin with the smallest: for the others one looks for the largest."""


class Census:
    def __init__(self, env: WebEnv, clock: Callable[[], float] = trio.current_time) -> None:
        self._env = env
        self._clock = clock
        self._entries: list[Entry] = []
        self._taken = float("-inf")
        self._cost = 0.0
        self._handled: dict[Address, int] = {}
        self._counting = trio.Lock()

    async def take(self) -> list[Entry]:
        """Not older than a second (or twenty times what the last one took)."""
        async with self._counting:
            now = self._clock()
            if now - self._taken >= max(limits.CONSOLE_TICK_SECONDS, limits.CONSOLE_SHARE * self._cost) * 0.9:
                lines = await self._env.system.inspect.survey()
                await self._note(lines, now)
                self._cost = self._clock() - now
            return self._entries

    async def _note(self, lines: list[Line], now: float) -> None:
        elapsed = now - self._taken
        before = self._handled if elapsed <= limits.CENSUS_RATE_SECONDS else {}
        entries: list[Entry] = []
        handled: dict[Address, int] = {}
        for n, line in enumerate(lines, start=1):
            old = before.get(line.address)
            handled[line.address] = line.handled
            entries.append(Entry(line, None if old is None or old > line.handled else (line.handled - old) / elapsed))
            if n % limits.CENSUS_SLICE == 0:
                await trio.lowlevel.checkpoint()
        self._entries, self._handled, self._taken = entries, handled, now

    async def find(self, query: Query) -> Found:
        wanted = query.text.casefold()
        found: list[Entry] = []
        entries = await self.take()
        for begin in range(0, len(entries), limits.CENSUS_SLICE):
            found += [entry for entry in entries[begin : begin + limits.CENSUS_SLICE] if _matches(entry.line, query, wanted)]
            await trio.lowlevel.checkpoint()
        choose = nlargest if query.down else nsmallest
        chosen = choose(query.offset + query.limit, found, key=SORTS[query.sort])[query.offset :]
        await trio.lowlevel.checkpoint()
        return Found(chosen, len(found))

    async def by_kind(self, tenant: str | None) -> dict[str, dict[str, int]]:
        """{kind: {status: how many}} of a tenant's actors."""
        counts: dict[str, dict[str, int]] = {}
        for entry in await self.take():
            if tenant is None or entry.line.address.tenant == tenant:
                kind = counts.setdefault(entry.line.address.kind, {})
                kind[entry.line.status] = kind.get(entry.line.status, 0) + 1
        return dict(sorted(counts.items()))


def _matches(line: Line, query: Query, text: str) -> bool:
    address = line.address
    return (
        (query.tenant is None or address.tenant == query.tenant)
        and (not query.kind or address.kind == query.kind)
        and (not query.status or line.status == query.status)
        and (not text or text in str(address).casefold())
    )
