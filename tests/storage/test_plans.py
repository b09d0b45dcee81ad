"""Plans that were made while the tables were empty must still be good when they are full (PERFORMANCE, DESIGN 3)."""

import asyncio

import asyncpg
import pytest

from storage.links import PINNED
from storage.rows import body_of
from tests.storage.books import sale
from tests.storage.shown import cdr

pytestmark = pytest.mark.postgres

RIVALS = """
SELECT t.relname, i.relname FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0] AND a.attname = 'tenant'
JOIN pg_index p ON p.indrelid = t.oid AND p.indisprimary AND p.indkey[0] = x.indkey[0]
WHERE NOT x.indisprimary AND x.indcollation[0] = p.indcollation[0] AND NOT t.relispartition
  AND t.relnamespace = 'public'::regnamespace
"""


def test_beside_its_key_no_index_of_a_table_begins_with_the_tenant(fresh_dsn: str) -> None:
    """Such an index is smaller, and on an empty table looks as good for a look-up by key (0002, 0003)."""

    async def run() -> list[tuple[str, ...]]:
        connection = await asyncpg.connect(fresh_dsn)
        rivals = [tuple(row) for row in await connection.fetch(RIVALS)]
        await connection.close()
        return rivals

    assert asyncio.run(run()) == []


def test_writing_reads_as_little_from_full_tables_as_from_empty_ones(fresh_dsn: str) -> None:
    async def run() -> dict[str, int]:
        connection = await asyncpg.connect(fresh_dsn, server_settings=dict(PINNED))

        async def write(start: int, count: int) -> None:
            for kind, rows in (
                ("journal", [sale(f"j{n}") for n in range(start, start + count)]),
                ("cdr", [cdr(f"c{n}", f"s{n}") for n in range(start, start + count)]),
            ):
                keys = list(range(count))
                bodies = [body_of(row) for row in rows]
                reasons = await connection.fetchval(f"SELECT write_{kind}($1, $2, $3)", keys, keys, bodies)
                assert not any(reasons)

        for start in range(0, 2000, 100):
            await write(start, 100)
        await connection.close()
        # A new connection plans anew: the tables are full, but nobody has analysed them yet.
        connection = await asyncpg.connect(fresh_dsn, server_settings=dict(PINNED))
        async with connection.transaction():
            await write(2000, 10)
            rows = await connection.fetch("SELECT relname, idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables")
        await connection.close()
        return {name: read for name, read in rows if name in ("ledger_journal", "ledger_entry", "cdr")}

    read = asyncio.run(run())
    assert all(count < 100 for count in read.values()), read
