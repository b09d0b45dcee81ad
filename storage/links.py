"""Connections that mend themselves. Everything here runs on the side thread's loop (storage/bridge.py).

A link holds one connection for as long as it lives: no pool, no reset between two uses. When the connection is
lost, whatever exception shows it, its user gets StoreAway at once, and the link reconnects in the background with
jittered backoff until it is closed.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import asyncpg

from runtime.store import StoreAway
from storage import limits

T = TypeVar("T")

ALWAYS: Mapping[str, str] = {
    "application_name": "voltroupe",
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    "idle_in_transaction_session_timeout": str(int(limits.STATEMENT_TIMEOUT * 1000)),
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Settings of every connection. The last four end the session of a node that vanished in the middle of a transaction:
its locks would hold up the node that takes over its actors."""

UNHURRIED: Mapping[str, str] = {**ALWAYS, "synchronous_commit": "off"}
"""For what gates nothing (traces, last-seen): it is durable a moment later, and its commits cost no flush of the disk
that the lanes would wait behind."""

PINNED: Mapping[str, str] = {
    **ALWAYS,
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""For statements that always know their keys: index look-ups in a nested loop, whatever the statistics say. A plan
made while the tables were empty would otherwise read them whole once they are full."""

# Classes and codes of SQLSTATE that say nothing about the statement but that the server cannot serve now:
# connection, resources, intervention (shutdown, cancel), system errors, authorisation, a standby, damage.
_AWAY_CLASSES = frozenset(("08", "28", "3D", "53", "57", "58"))
_AWAY_CODES = frozenset(("25006", "XX001", "XX002"))


def is_away(error: BaseException, connection: asyncpg.Connection | None = None) -> bool:
    """Whether this error means that the database, not the statement, is the trouble."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _AWAY_CLASSES or state in _AWAY_CODES
    if isinstance(error, OSError | TimeoutError):
        return True
    return connection is not None and connection.is_closed()


class Link:
    def __init__(self, name: str, dsn: str, settings: Mapping[str, str], changed: Callable[["Link"], None]) -> None:
        """`changed` is called whenever the link went up or down."""
        self.name = name
        self.connection: asyncpg.Connection | None = None
        self.last_error = "not connected yet"
        self.connects = 0
        self._dsn = dsn
        self._settings = dict(settings)
        self._changed = changed
        self._statements: dict[str, Any] = {}
        self._turn = asyncio.Lock()
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        connection, self.connection = self.connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=1.0)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _keep(self) -> None:
        pause = limits.RECONNECT_FIRST
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn,
                    timeout=limits.CONNECT_TIMEOUT,
                    command_timeout=limits.STATEMENT_TIMEOUT,
                    max_cached_statement_lifetime=0,
                    server_settings=self._settings,
                )
            except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._fail(error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
                pause = min(pause * 2, limits.RECONNECT_LONGEST)
                continue
            pause = limits.RECONNECT_FIRST
            self._statements.clear()
            self._down.clear()
            connection.add_termination_listener(self._terminated)
            self.connection = connection
            self.connects += 1
            self._up.set()
            self._changed(self)
            await self._down.wait()

    def _fail(self, error: BaseException) -> None:
        self.last_error = f"{type(error).__name__}: {error}".rstrip(": ")
        self._changed(self)

    def _terminated(self, connection: Any) -> None:
        if self.connection is connection:
            self.lost(ConnectionResetError("the server closed the connection"))

    def lost(self, error: BaseException) -> None:
        """Throw the connection away and begin to reconnect."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        self._up.clear()
        self._down.set()
        if not connection.is_closed():
            connection.terminate()
        self._fail(error)

    async def up(self) -> None:
        """Return once it is connected."""
        await self._up.wait()

    async def get(self) -> asyncpg.Connection:
        """The connection; waits a moment for one that is being made. Raises StoreAway."""
        if self.connection is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._up.wait(), limits.AWAY_GRACE)
            if self.connection is None:
                raise StoreAway(self.last_error)
        return self.connection

    async def use(self, job: Callable[..., Awaitable[T]], *args: Any) -> T:
        """`job(connection, *args)`, one job at a time: a connection carries one statement, and the chores share the
        background's. What shows a lost connection becomes StoreAway; all else is passed on."""
        async with self._turn:
            connection = await self.get()
            try:
                return await job(connection, *args)
            except Exception as error:
                if is_away(error, connection):
                    if self.connection is connection:
                        self.lost(error)
                    raise StoreAway(f"{type(error).__name__}: {error}") from error
                raise

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement, prepared once per connection, and return all rows."""
        return await self.use(self._rows, sql, args)

    async def prepared(self, connection: asyncpg.Connection, sql: str) -> Any:
        """The statement, prepared once per connection."""
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = await connection.prepare(sql)
        return statement

    async def _rows(self, connection: asyncpg.Connection, sql: str, args: tuple[Any, ...]) -> list[asyncpg.Record]:
        statement = await self.prepared(connection, sql)
        rows: list[asyncpg.Record] = await statement.fetch(*args)
        return rows


class Readers:
    """A few links that take turns, for queries."""

    def __init__(self, links: list[Link]) -> None:
        self.links = links
        self._free: asyncio.LifoQueue[Link] = asyncio.LifoQueue()
        self._waiting = 0
        for link in reversed(links):
            self._free.put_nowait(link)

    async def use(self, job: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Like Link.use on whichever link is free. Raises StoreAway, also when too many wait."""
        if self._waiting >= limits.READ_QUEUE:
            raise StoreAway("too many queries are waiting")
        self._waiting += 1
        try:
            link = await self._free.get()
        finally:
            self._waiting -= 1
        try:
            return await link.use(job, *args)
        finally:
            self._free.put_nowait(link)
