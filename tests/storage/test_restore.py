"""The restore runbook names things that exist: its statements run, and what it says they do is so."""

import asyncio
import re
from pathlib import Path

import asyncpg

RUNBOOK = Path(__file__).parents[2] / "storage" / "RESTORE.md"
STATEMENTS = re.findall(r"^ *```sql\n(.*?)^ *```", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)


def test_every_statement_of_the_runbook_runs(fresh_dsn: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(fresh_dsn)
        for statement in STATEMENTS:
            await connection.execute(statement)
        await connection.close()

    assert len(STATEMENTS) == 4
    asyncio.run(run())


def test_numbers_jump_over_what_was_given_out_after_the_restored_moment(fresh_dsn: str) -> None:
    async def run() -> tuple[int, int]:
        connection = await asyncpg.connect(fresh_dsn)
        before = await connection.fetchval("SELECT nextval('transaction_number')")
        await connection.execute("SELECT jump_numbers()")
        after = await connection.fetchval("SELECT nextval('transaction_number')")
        await connection.close()
        return before, after

    before, after = asyncio.run(run())
    assert after - before > 1_000_000
    assert after % 1000 == before % 1000, "blocks stay whole"


def test_document_numbers_go_on_after_the_gap(fresh_dsn: str) -> None:
    async def run() -> int:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.execute("INSERT INTO document_series VALUES ('acme', 'brand/receipt/2026', 7)")
        await connection.execute(next(statement for statement in STATEMENTS if "document_series" in statement))
        last: int = await connection.fetchval("SELECT last FROM document_series")
        await connection.close()
        return last

    assert asyncio.run(run()) == 10_007
