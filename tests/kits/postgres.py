"""PostgreSQL for tests: one embedded server a test session, a fresh, migrated database a test.

    def test_sync(fresh_dsn): ...                # a DSN of an empty database with the newest schema
    async def test_it(database): ...             # the same, opened: `database.store`, `database.fetch(...)`

The server is the real one; only fsync is off, and autovacuum, whose transactions now and then hold up the horizon that
the event feed and the ledger's seal wait for. It lives in memory where there is /dev/shm: a fresh database is a
copy of a migrated template, a thousand files, which takes 30 ms there and up to a second on a busy disk. `fresh_dsn` is
synchronous and may be used with any loop. With CSMS_TEST_DSN set (a superuser's) the tests run against that server
instead, PostgreSQL 14 or newer.
"""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import migrate_now
from storage.open import open_database

_numbers = itertools.count(1)
_ROOM = 3 * 2**30
"""Bytes: the server's write-ahead log alone may take two thirds of it."""


def named(dsn: str, database: str) -> str:
    """The DSN of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def run_sql(dsn: str, *statements: str) -> None:
    """Run statements one by one, each by itself, on a loop of their own."""

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def _insist(dsn: str, statement: str) -> None:
    """Run a statement about a whole database: whoever was connected may be leaving still, and the server waits for him for
    five seconds only."""
    end = time.monotonic() + 60
    while True:
        try:
            return run_sql(dsn, statement)
        except asyncpg.ObjectInUseError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def end_connections(dsn: str, like: str = "%") -> None:
    """Terminate the server processes of this database whose last statement is LIKE this."""
    run_sql(
        dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE query LIKE '{like}' AND datname = current_database() AND pid <> pg_backend_pid()",
    )


@contextmanager
def _ended_with_this_process(server: EmbeddedServer, directory: Path) -> Iterator[None]:
    """A test session that is killed leaves no server behind: somebody waits for the end of a pipe from us."""
    code = f"""
import os, shutil, sys, time
sys.stdin.read()
os.kill({server.pid}, {signal.SIGQUIT:d})
time.sleep(1)
shutil.rmtree({str(directory)!r}, ignore_errors=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True) as mourner:
        yield
        mourner.kill()


@contextmanager
def _memory_directory() -> Iterator[Path]:
    """A directory in memory where the system has such and room in it (a container may have 64 MB), else an ordinary
    temporary one."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    with TemporaryDirectory(prefix="voltroupe-test-", dir=memory if roomy else None, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """For a test that starts a server of its own: like tmp_path, but in memory, where initdb takes half a second."""
    with _memory_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a running server (its superuser, database `postgres`)."""
    given = os.environ.get("CSMS_TEST_DSN")
    if given:
        yield given
        return
    with _memory_directory() as directory:
        server = EmbeddedServer(directory)
        dsn = server.start()
        run_sql(dsn, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
        with _ended_with_this_process(server, directory):
            yield dsn
            server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Name of a database with the newest schema, to copy from."""
    name = f"template_{os.getpid()}"
    run_sql(postgres_server, f"CREATE DATABASE {name}")
    migrate_now(named(postgres_server, name))
    return name


@pytest.fixture
def fresh_dsn(postgres_server: str, postgres_template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    strategy = "" if "CSMS_TEST_DSN" in os.environ else "STRATEGY FILE_COPY"  # unknown to PostgreSQL 14
    _insist(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template} {strategy}")
    yield named(postgres_server, name)
    _insist(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(fresh_dsn: str) -> AsyncIterator[Database]:
    async with open_database(fresh_dsn, migrating=False) as opened:
        yield opened
