"""Brings a database's schema up to date: alembic revisions that run plain SQL, over asyncpg.

`NEWEST` is the revision this program was written for. A database that is already there costs one query and no
import of alembic; one that is further along is refused, since an older program would misread it. Two nodes that
start at once take turns (an advisory lock).
"""

import asyncio
from pathlib import Path
from typing import Any, Final

import asyncpg

_SCRIPTS: Final = Path(__file__).parent / "migrations"
NEWEST: Final = max(path.name[1:5] for path in (_SCRIPTS / "versions").glob("r*.py"))
APP_ROLE: Final = "csms_app"
OLDEST_SERVER: Final = 140000
_LOCK: Final = 0x766F6C74726F


class SchemaError(Exception):
    """The database cannot be used by this program; the text says why and what to do."""


async def schema_version(connection: asyncpg.Connection) -> str | None:
    """The revision of this database; None when it has no schema yet."""
    if await connection.fetchval("SELECT to_regclass('schema_version')") is None:
        return None
    version: str | None = await connection.fetchval("SELECT version_num FROM schema_version")
    return version


async def app_role(dsn: str) -> str | None:
    """The role that a node works as, when it exists, may be taken by this DSN's user and has its rights; None when
    the user itself must do (then only the triggers protect the ledger)."""
    connection = await asyncpg.connect(dsn, timeout=10.0)
    try:
        await connection.execute(f"SET ROLE {APP_ROLE}")
        able: bool = await connection.fetchval("SELECT has_table_privilege('head', 'UPDATE')")
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError):
        return None
    finally:
        await connection.close()
    return APP_ROLE if able else None


async def migrate(dsn: str) -> tuple[str | None, str]:
    """The revisions before and after. Runs on asyncio. Raises SchemaError, or what asyncpg raises."""
    connection = await asyncpg.connect(dsn, timeout=10.0)
    try:
        before = await _check(connection)
        if before == NEWEST:
            return before, NEWEST
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if await _check(connection) != NEWEST:
            await _upgrade(dsn)
        return before, NEWEST
    finally:
        await connection.close()


def migrate_now(dsn: str) -> tuple[str | None, str]:
    """The same with a loop of its own, for threads and commands."""
    return asyncio.run(migrate(dsn))


async def _check(connection: asyncpg.Connection) -> str | None:
    if int(await connection.fetchval("SHOW server_version_num")) < OLDEST_SERVER:
        raise SchemaError(f"PostgreSQL 14 or newer is needed, this is {await connection.fetchval('SHOW server_version')}")
    version = await schema_version(connection)
    if version is not None and version > NEWEST:
        raise SchemaError(f"the database has schema {version}, this program knows only {NEWEST}: install a newer voltroupe")
    return version


async def _upgrade(dsn: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    def run(connection: Any) -> None:
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def connect(*_: Any, **__: Any) -> Any:
        return asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()
