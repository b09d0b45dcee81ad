"""The schema: made once, found up to date cheaply, refused when newer; partitions ahead of time."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import trio

from runtime.turn import MAIN
from storage import rows
from storage.database import Database
from storage.migrate import NEWEST, SchemaError, migrate, migrate_now
from storage.open import open_database
from storage.upkeep import forget_inbox, keep_partitions
from tests.kits.postgres import named, run_sql
from tests.storage.turns import ALICE, Writer, fact

pytestmark = pytest.mark.postgres

_LOOKED_FOR_RULES = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE '%partition_rule%' AND pid <> pg_backend_pid()"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty_dsn(postgres_server: str) -> Any:
    name = f"empty_{os.getpid()}"
    run_sql(postgres_server, f"CREATE DATABASE {name}")
    yield named(postgres_server, name)
    run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_empty_database_is_brought_to_the_newest_schema_once(empty_dsn: str) -> None:
    assert migrate_now(empty_dsn) == (None, NEWEST)
    assert migrate_now(empty_dsn) == (NEWEST, NEWEST)


def test_two_nodes_that_start_at_once_migrate_once(empty_dsn: str) -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(*(migrate(empty_dsn) for _ in range(3)))

    assert {after for _, after in asyncio.run(both())} == {NEWEST}


async def test_a_database_without_a_schema_is_opened_for_a_look_without_a_warning(
    empty_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_database(empty_dsn, migrating=False) as database:
        assert await database.fetchval(_LOOKED_FOR_RULES) == 1
    assert [record.message for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_an_owner_who_may_not_make_roles_is_served_too(postgres_server: str) -> None:
    """As on a hosted database: he works as himself, and the ledger is guarded by its triggers only."""
    name = f"plain_{os.getpid()}"
    run_sql(postgres_server, f"CREATE ROLE {name} LOGIN PASSWORD 'x'", f"CREATE DATABASE {name} OWNER {name}")
    parts = urlsplit(named(postgres_server, name))
    host = parts.netloc.rpartition("@")[2]
    try:
        async with open_database(urlunsplit(parts._replace(netloc=f"{name}:x@{host}"))) as database:
            assert database.role is None
            [outcome] = await database.store.commit(MAIN, [Writer(ALICE).turn(facts=[fact()])])
            assert not outcome.reason
            assert await _keep(database, datetime(2035, 1, 1, tzinfo=UTC)) > 0
    finally:
        run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")


def test_a_newer_schema_is_refused(fresh_dsn: str) -> None:
    run_sql(fresh_dsn, "UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match=r"9999.*newer voltroupe"):
        migrate_now(fresh_dsn)


def test_an_up_to_date_database_does_not_load_alembic(fresh_dsn: str) -> None:
    code = f"""
import sys
from storage.migrate import migrate_now
migrate_now({fresh_dsn!r})
assert "alembic" not in sys.modules and "sqlalchemy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


async def test_every_row_class_has_its_writer(database: Database) -> None:
    found = {name for (name,) in await database.fetch("SELECT proname FROM pg_proc WHERE proname LIKE 'write\\_%'")}
    assert {f"write_{kind}" for kind in rows.KINDS.values()} <= found


async def _keep(database: Database, now: datetime) -> int:
    return await database.run(lambda connection: keep_partitions(connection, now))


async def _part_of(database: Database, table: str) -> list[str]:
    return [name for (name,) in await database.fetch(f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1")]


async def test_no_time_is_refused_and_a_waiting_row_moves_into_its_partition(database: Database) -> None:
    writer = Writer(ALICE)
    future = datetime(2031, 5, 17, 12, tzinfo=UTC)
    for at in (datetime(1970, 1, 1, tzinfo=UTC), future):
        turn = writer.turn(at=at, facts=[fact(), fact(1, bulk=True)])
        [outcome] = await database.store.commit(MAIN, [turn])
        assert not outcome.reason
        writer.won(turn)
    assert await _part_of(database, "fact") == ["fact_default", "fact_default"]
    assert await _keep(database, future) > 0
    assert await _part_of(database, "fact") == ["fact_default", "fact_p2031050100"]
    assert await _part_of(database, "meter") == ["meter_default", "meter_p2031051700"]
    assert await _keep(database, future) == 0
    assert [stored.seq for stored in await database.store.full_history(ALICE)] == [1, 1, 2, 2]
    [found] = await database.store.recover([ALICE], claim=False)
    assert len(found.facts) == 4


async def test_a_node_that_was_off_for_long_has_its_partitions_before_its_first_turn(fresh_dsn: str) -> None:
    parts = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(event|trace|fact|meter)_p[0-9]+$'"
    drop_all = f"DO $$ DECLARE part text; BEGIN FOR part IN {parts} LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END $$"
    await trio.to_thread.run_sync(run_sql, fresh_dsn, drop_all)
    async with open_database(fresh_dsn, migrating=False) as database:
        names = [name for (name,) in await database.fetch(parts)]
    for kind, ahead in {"event": 4, "fact": 2, "meter": 3, "trace": 2}.items():
        assert sum(name.startswith(f"{kind}_p") for name in names) > ahead, kind


async def test_events_end_after_their_two_days_and_traces_after_a_week(database: Database) -> None:
    now = datetime.now(UTC)
    names = "SELECT relname FROM pg_class WHERE relname ~ '^(event|trace|fact|meter)_p[0-9]+$'"
    before = {name for (name,) in await database.fetch(names)}
    await _keep(database, now + timedelta(days=30))
    after = {name for (name,) in await database.fetch(names)}
    assert not {name for name in before & after if name.startswith(("event", "trace"))}
    assert {name for name in before if name.startswith(("fact", "meter"))} <= after


async def test_stations_that_nobody_knows_are_forgotten_by_age_and_beyond_so_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.limits.INBOX_STATIONS", 3)
    now = datetime.now(UTC)  # the node's own chore may look at these rows, too
    knocked = "INSERT INTO inbox VALUES ($1, $2, $3, $3, 1, NULL, '192.0.2.1', 'waiting')"
    for n in range(5):
        await database.execute(knocked, "acme", f"CP{n}", now - timedelta(hours=n))
    for n in (1, 29, 31):
        await database.execute(knocked, "other", f"D{n}", now - timedelta(days=n))
    await database.run(lambda connection: forget_inbox(connection, now))
    left = [station for (station,) in await database.fetch("SELECT station FROM inbox ORDER BY tenant, station")]
    assert left == ["CP0", "CP1", "CP2", "D1", "D29"]
    assert await database.run(lambda connection: forget_inbox(connection, now)) == 0


async def test_a_busy_table_is_left_for_later(database: Database, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.limits.PARTITION_LOCK_TIMEOUT_MS", 50)
    await database.execute("DELETE FROM partition_rule WHERE parent <> 'fact'")

    async def while_somebody_reads(connection: asyncpg.Connection) -> int:
        other = await asyncpg.connect(fresh_dsn)
        try:
            async with other.transaction():
                await other.execute("LOCK TABLE fact_default IN ACCESS SHARE MODE")
                return await keep_partitions(connection, datetime(2040, 1, 1, tzinfo=UTC))
        finally:
            await other.close()

    assert await database.run(while_somebody_reads) == 0
    assert await _keep(database, datetime(2040, 1, 1, tzinfo=UTC)) == 3
