"""The horizon is this database's own: what runs beside it on the same server holds up no seal, no event and no card."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from storage.feed import Feed
from tests.kits.postgres import named, run_sql
from tests.storage.books import POST, batch, sale
from tests.storage.test_feed import WRITE, event

pytestmark = pytest.mark.postgres

_XID = "SELECT pg_current_xact_id()::text::bigint"
_HORIZON = "SELECT horizon()::text::bigint"


@pytest.fixture
def beside(postgres_server: str) -> Iterator[str]:
    """The DSN of somebody else's database on the same server."""
    name = f"beside_{os.getpid()}"
    run_sql(postgres_server, f"CREATE DATABASE {name}")
    yield named(postgres_server, name)
    run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[int]:
    """A transaction that has written, or is about to, and does not end; its id."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        yield await connection.fetchval(_XID)
    await connection.close()


async def event_of(dsn: str) -> None:
    """A transaction that begins and ends now."""
    connection = await asyncpg.connect(dsn)
    await connection.fetch(WRITE, event("now"))
    await connection.close()


def with_connection(dsn: str, job: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        await job(connection)
        await connection.close()

    asyncio.run(run())


def test_a_long_transaction_of_another_database_holds_up_neither_seal_nor_events(fresh_dsn: str, beside: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        async with writing(beside) as stranger:
            assert await connection.fetchval(POST, batch(sale("j1"))) == "posted"
            assert await connection.fetchval("SELECT ledger_seal()") == 1
            assert await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint") == stranger
            await connection.fetch(WRITE, event("told"))
            page = await Feed(connection).events("acme", (), None, 10)
            assert [found.subject for found in page.items] == ["told"]
            assert await connection.fetchval(_HORIZON) > stranger
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []

    with_connection(fresh_dsn, job)


def test_nor_does_one_that_works_as_another_user_than_the_node(fresh_dsn: str, beside: str) -> None:
    """A node that may not look into other users' sessions still sees whose database they are in."""

    async def job(connection: asyncpg.Connection) -> None:
        await connection.execute("SET ROLE csms_app")
        async with writing(beside) as stranger:
            await connection.fetch(WRITE, event("told"))
            assert await connection.fetchval(_HORIZON) > stranger

    with_connection(fresh_dsn, job)


def test_one_of_this_database_holds_it_whoever_else_runs(fresh_dsn: str, beside: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        async with writing(beside), writing(fresh_dsn) as ours, writing(beside), writing(fresh_dsn):
            await connection.fetch(WRITE, event("later"))
            assert await connection.fetchval(_HORIZON) == ours
            assert (await Feed(connection).events("acme", (), None, 10)).items == []
        assert [found.subject for found in (await Feed(connection).events("acme", (), None, 10)).items] == ["later"]

    with_connection(fresh_dsn, job)


def test_it_never_passes_the_transaction_that_asks(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            own = await connection.fetchval(_XID)
            await connection.fetchval(POST, batch(sale("j1")))
            await event_of(fresh_dsn)
            assert await connection.fetchval(_HORIZON) == own
            assert await connection.fetchval("SELECT ledger_seal()") == 0

    with_connection(fresh_dsn, job)


def test_it_never_goes_back_while_strangers_come_and_go(fresh_dsn: str, beside: str) -> None:
    """Cursors of the feed would go back with it, and events be told twice."""

    async def job(connection: asyncpg.Connection) -> None:
        done = asyncio.Event()

        async def stranger() -> None:
            other = await asyncpg.connect(beside)
            while not done.is_set():
                async with other.transaction():
                    await other.fetchval(_XID)
                    await other.fetchval("SELECT 1")
            await other.close()

        async with asyncio.TaskGroup() as strangers:
            for _ in range(3):
                strangers.create_task(stranger())
            last = 0
            for _ in range(500):
                now = await connection.fetchval(_HORIZON)
                assert now >= last
                last = now
            done.set()

    with_connection(fresh_dsn, job)
