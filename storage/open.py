"""The way into this room: one call that opens a database and everything that lives on it.

    async with open_database(dsn="postgresql://...") as db:        # any PostgreSQL from version 14 on
    async with open_database(data_dir=Path("./data")) as db:       # the embedded one, started or adopted

        db.store     runtime.store.Store on PostgreSQL
        db.health    runtime.store.Health; `.ready`, `.describe()`
        db.dsn       what it is connected to, without the password: for people
        await db.fetch(sql, *args)      rows, from a small pool of readers; also fetchrow, fetchval, execute
        await db.run(job)               job(asyncpg connection) on the side thread, for a transaction
        await db.background(sql, *args) the same on the connection of traces and last-seen, which gates nothing
        await db.listen(channel, handler)  handler(payload) is called on the trio thread for each NOTIFY, and
                                        handler(None) after every connect, since some may have been missed

What the database refuses comes as asyncpg's exceptions; a database that is away as runtime.store.StoreAway.
Entering waits until the connections stand (the embedded server was started) and migrates unless told not to;
losing the database later is a state (`db.health`), never an exit. Leaving closes the connections, and stops the
embedded server unless another process still uses it. `own=True` is for the node: a second one on the same data
directory is refused (storage.embedded.DataDirectoryInUse), while commands come and go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import trio

from storage import limits
from storage.bridge import Bridge
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.links import is_away
from storage.migrate import SchemaError, app_role, migrate
from storage.postgres import PostgresStore
from storage.upkeep import first_parts, retention, watch

LANES = ("main", "money")


@asynccontextmanager
async def open_database(
    dsn: str | None = None,
    data_dir: Path | None = None,
    *,
    own: bool = False,
    migrating: bool = True,
    lanes: Sequence[str] = LANES,
    away: Callable[[Exception], None] = lambda error: None,
    unpaid_days: int = limits.UNPAID_DAYS,
) -> AsyncIterator[Database]:
    """Give either `dsn` or `data_dir`. Raises SchemaError, EmbeddedError, and what asyncpg raises for a user or a
    password that the server refuses; waits as long as the server is away, and tells `away` (on the side thread) why.
    `unpaid_days`: so long are payment attempts kept that came to nothing."""
    if dsn is not None:
        async with _connected(dsn, None, migrating, lanes, away, unpaid_days) as database:
            yield database
        return
    if data_dir is None:
        raise ValueError("open_database needs a dsn or a data_dir")
    server = EmbeddedServer(data_dir)
    if own:
        await trio.to_thread.run_sync(server.own)
    try:
        dsn = await trio.to_thread.run_sync(server.start)
        async with _connected(dsn, server, migrating, lanes, away, unpaid_days) as database:
            yield database
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(server.stop)


@asynccontextmanager
async def _connected(
    dsn: str,
    server: EmbeddedServer | None,
    migrating: bool,
    lanes: Sequence[str],
    away: Callable[[Exception], None],
    unpaid_days: int,
) -> AsyncIterator[Database]:
    bridge = Bridge()
    bridge.start()
    try:
        role = await bridge.call(_prepare, dsn, migrating, away)
    except BaseException:
        await bridge.close()
        raise
    database = Database(bridge, dsn, lanes, role)
    database.store = PostgresStore(database)
    chores = [retention(unpaid_days)] if server is None else [retention(unpaid_days), watch(server)]
    try:
        await database.start(first_parts, chores)
        yield database
    finally:
        await database.close()


async def _prepare(dsn: str, migrating: bool, away: Callable[[Exception], None]) -> str | None:
    """On the side thread: wait for the server, however long that takes; the role to work as."""
    pause = limits.RECONNECT_FIRST
    while True:
        try:
            if migrating:
                await migrate(dsn)
            return await app_role(dsn)
        except asyncpg.InvalidAuthorizationSpecificationError:
            raise
        except asyncpg.InvalidCatalogNameError as error:
            raise SchemaError(f"{error}: create it, or name another in the DSN") from None
        except Exception as error:
            if not is_away(error):
                raise
            away(error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, limits.RECONNECT_LONGEST)
