"""One embedded PostgreSQL for both sides of the bench: a database for the node, one for the peer, same settings."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from storage.embedded import EmbeddedServer


def _with_database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path="/" + name))


@contextmanager
def bench_database(home: Path) -> Iterator[tuple[str, str, int]]:
    """(DSN for the node, DSN for the peer, pid of the server), fsync and synchronous_commit on."""
    home.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(home)
    dsn = server.start()

    async def create() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for name in ("bench_ours", "bench_peer"):
                await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()

    asyncio.run(create())
    try:
        assert server.pid is not None
        yield _with_database(dsn, "bench_ours"), _with_database(dsn, "bench_peer"), server.pid
    finally:
        server.stop()
