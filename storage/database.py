"""One PostgreSQL as trio sees it: connections by purpose on the side thread, health, queries, notifications.

Each purpose has connections of its own, so that none waits for another: a committer lane each, the runtime's own
questions (recovery, timers, outbox), queries of people, and the background writer of traces.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
import trio

from runtime.store import Store
from storage import limits
from storage.bridge import Bridge
from storage.keys import Keys
from storage.links import ALWAYS, PINNED, UNHURRIED, Link, Readers

T = TypeVar("T")
Handler = Callable[[str | None], None]
Chore = Callable[[Link], Awaitable[None]]


class Database:
    """Also the `runtime.store.Health` of the node. Made by `storage.open.open_database`, which sets `store`."""

    store: Store

    def __init__(self, bridge: Bridge, dsn: str, lanes: Sequence[str], role: str | None = None) -> None:
        """`role` is what every connection works as; None: as the user of `dsn`."""
        self.bridge = bridge
        self.role = role
        self.keys = Keys()
        self.ready = False
        self._dsn = dsn
        self._since = datetime.now(UTC)
        self.lanes = {lane: self._link(f"lane {lane}", PINNED) for lane in lanes}
        self.state = Readers([self._link(f"state {n}", PINNED) for n in range(2)])
        self.readers = Readers([self._link(f"reader {n}", ALWAYS) for n in range(limits.READERS)])
        self.webhooks = self._link("webhooks", PINNED)
        self._background = self._link("background", UNHURRIED)
        self._listener: Link | None = None
        self._handlers: dict[str, list[tuple[trio.lowlevel.TrioToken, Handler]]] = {}
        self._chores: list[asyncio.Task[None]] = []

    def _link(self, name: str, settings: Mapping[str, str], changed: Callable[[Link], None] | None = None) -> Link:
        settings = settings if self.role is None else {**settings, "role": self.role}
        return Link(name, self._dsn, settings, changed or self._changed)

    @property
    def _links(self) -> list[Link]:
        links = [*self.lanes.values(), *self.state.links, *self.readers.links, self.webhooks, self._background]
        return links if self._listener is None else [*links, self._listener]

    @property
    def dsn(self) -> str:
        """Where it is connected to, without the password."""
        parts = urlsplit(self._dsn)
        credentials, _, host = parts.netloc.rpartition("@")
        user = credentials.partition(":")[0]
        query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name != "password"], safe="/")
        return f"{parts.scheme}://{user and user + '@'}{host}{parts.path}{query and '?' + query}"

    # Health

    reconnects = 0
    """How often a link was lost and came back: what was concluded from the server's transaction ids holds no longer."""

    @property
    def health(self) -> "Database":
        return self

    def _changed(self, link: Link) -> None:
        """On the side thread: a link went up or down. Ready means that turns can be committed."""
        if link.connection is not None and link.connects > 1:
            self.keys.forget()
            self.reconnects += 1
        ready = all(lane.connection is not None for lane in self.lanes.values())
        if ready != self.ready:
            self._since = datetime.now(UTC)
            self.ready = ready

    def describe(self) -> dict[str, Any]:
        """State, since when, and what each connection that is down last met."""
        return {
            "state": "ready" if self.ready else "away",
            "since": self._since.isoformat(timespec="seconds"),
            "dsn": self.dsn,
            "role": self.role,
            "connections": sum(link.connection is not None for link in self._links),
            "down": {link.name: link.last_error for link in self._links if link.connection is None},
        }

    # Opening and closing

    async def start(self, first: Chore, chores: Sequence[Chore] = ()) -> None:
        """Connect, and wait until all connections stand and `first` is done. `chores` run on the side thread until the end,
        with the background connection, as `first` does."""
        await self.bridge.call(self._start, first, chores)

    async def _start(self, first: Chore, chores: Sequence[Chore]) -> None:
        for link in self._links:
            link.start()
        await asyncio.gather(*(link.up() for link in self._links))
        await first(self._background)
        self._chores = [asyncio.ensure_future(chore(self._background)) for chore in chores]

    async def close(self) -> None:
        with trio.CancelScope(shield=True):
            await self.bridge.call(self._close)
            await self.bridge.close()

    async def _close(self) -> None:
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await asyncio.gather(*(link.close() for link in self._links))

    # Queries

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows of one statement. Raises StoreAway, or asyncpg's exception for what the database refuses."""
        return await self.bridge.call(self.readers.use, _fetch, sql, args)

    async def unhurried(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Like `fetch`, for a statement that may read all there is (an audit): it has an hour."""
        return await self.bridge.call(self.readers.use, _fetch_unhurried, sql, args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *args: Any) -> Any:
        rows = await self.fetch(sql, *args)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *args: Any) -> str:
        """The command tag. Without arguments `sql` may hold several statements."""
        return await self.bridge.call(self.readers.use, _execute, sql, args)

    async def run(self, job: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """`job(connection)` on the side thread (asyncio!), for several statements that belong together."""
        return await self.bridge.call(self.readers.use, job)

    async def background(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Like `fetch` on the connection of what gates nothing; one statement at a time, never cancelled."""
        return await self.bridge.call(self._background.rows, sql, *args, shielded=True)

    async def webhook(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Like `background`, on the connection of webhooks: it waits for none of the others."""
        return await self.bridge.call(self.webhooks.rows, sql, *args, shielded=True)

    async def background_copy(self, table: str, columns: Sequence[str], lines: bytes) -> None:
        """COPY into a table on that connection, in the text format: for what comes in thousands."""

        async def copy(connection: asyncpg.Connection) -> None:
            # A view, since asyncpg takes bytes for a path, and reads what has `read` in a thread of its own.
            await connection.copy_to_table(table, columns=columns, source=memoryview(lines), format="text")

        await self.bridge.call(self._background.use, copy, shielded=True)

    # Notifications

    async def listen(self, channel: str, handler: Handler) -> None:
        """Call `handler(payload)` on this trio loop for each NOTIFY, and `handler(None)` after each connect."""
        self._handlers.setdefault(channel, []).append((trio.lowlevel.current_trio_token(), handler))
        await self.bridge.call(self._listen, channel)

    async def _listen(self, channel: str) -> None:
        if self._listener is None:
            self._listener = self._link("notifications", ALWAYS, self._listener_changed)
            self._listener.start()
        elif self._listener.connection is not None:
            await self._subscribe(self._listener.connection, channel)

    def _listener_changed(self, link: Link) -> None:
        if link.connection is not None:
            task = asyncio.get_running_loop().create_task(self._subscribe_all(link))
            task.add_done_callback(lambda done: None if done.cancelled() else done.exception())

    async def _subscribe_all(self, link: Link) -> None:
        try:
            for channel in list(self._handlers):
                await link.use(self._subscribe, channel)
        except asyncpg.PostgresError as error:
            link.lost(error)

    async def _subscribe(self, connection: asyncpg.Connection, channel: str) -> None:
        await connection.add_listener(channel, self._notified)
        self._hand_on(channel, None)

    def _notified(self, _: Any, __: int, channel: str, payload: str) -> None:
        self._hand_on(channel, payload)

    def _hand_on(self, channel: str, payload: str | None) -> None:
        for token, handler in self._handlers.get(channel, ()):
            with contextlib.suppress(trio.RunFinishedError):  # whoever listened is gone
                token.run_sync_soon(handler, payload)


async def _fetch(connection: asyncpg.Connection, sql: str, args: tuple[Any, ...]) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
    return rows


async def _fetch_unhurried(connection: asyncpg.Connection, sql: str, args: tuple[Any, ...]) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(sql, *args, timeout=limits.AUDIT_TIMEOUT)
    return rows


async def _execute(connection: asyncpg.Connection, sql: str, args: tuple[Any, ...]) -> str:
    tag: str = await connection.execute(sql, *args)
    return tag
