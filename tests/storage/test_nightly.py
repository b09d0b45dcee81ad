"""The audit of the night: done once however many nodes ask, told, and signed checkpoints that outlive a rewritten chain."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actors.model.rows import EventRow
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.ledger import seal, verify
from storage.nightly import NightlyAudit
from storage.queries import PostgresQueries
from tests.storage.books import post, sale

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)
SEED = bytes(range(32))


class Told:
    def __init__(self) -> None:
        self.rows: list[Any] = []

    def put(self, row: Any) -> None:
        self.rows.append(row)


async def tamper(database: Database, *statements: str) -> None:
    async def job(connection: Any) -> None:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE NONE")
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)

    await database.run(job)


async def test_of_two_nodes_one_audits_and_the_next_day_it_is_due_again(database: Database, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, SEED)
    nodes = [NightlyAudit(database, Told(), checkpoints) for _ in range(2)]
    assert [await node.once() for node in nodes] == [True, False]
    await database.execute("UPDATE books_audit SET at = at - interval '29 hours'")
    assert [await node.once() for node in nodes] == [True, False]


async def test_one_that_died_in_the_middle_is_made_up_for(database: Database, tmp_path: Path) -> None:
    await database.execute("INSERT INTO books_audit (at) VALUES (now() - interval '1 hour')")
    node = NightlyAudit(database, Told(), Checkpoints(tmp_path, SEED))
    assert not await node.once()
    await database.execute("UPDATE books_audit SET at = at - interval '2 hours'")
    assert await node.once()


async def test_it_tells_what_it_found_and_the_tenant_may_read_it(database: Database, tmp_path: Path) -> None:
    told, queries = Told(), PostgresQueries(database)
    assert await queries.books_audit("acme") is None
    await post(database, sale("j1"), sale("j2", tenant="other"))
    await tamper(database, "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE journal = 'j1' AND n = 1")
    assert await NightlyAudit(database, told, Checkpoints(tmp_path, SEED)).once()
    assert {row.kind for row in told.rows} == {"audit.finding"}
    assert all(isinstance(row, EventRow) and row.tenant == "acme" for row in told.rows)
    seen = await queries.books_audit("acme")
    assert seen is not None
    assert {"changed", "unbalanced"} <= {finding.what for finding in seen.findings}
    other = await queries.books_audit("other")
    assert other is not None
    assert other.findings == ()


async def test_a_checkpoint_is_written_once_a_day_and_verifies(database: Database, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", SEED)
    assert await checkpoints.export(database, NOW) is None, "nothing was ever sealed"
    await post(database, sale("j1"))
    path = await checkpoints.export(database, NOW)
    assert path is not None
    assert path.name == f"checkpoint-{NOW:%Y-%m-%d}.json"
    assert await checkpoints.export(database, NOW) is None
    assert await checkpoints.export(database, NOW + timedelta(days=1)) is not None
    assert await checkpoints.verify(database) == []


async def test_a_chain_that_was_written_anew_is_found_by_the_checkpoint_alone(database: Database, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, SEED)
    await post(database, sale("j1"), sale("j2"))
    await checkpoints.export(database, NOW)
    # Whoever rules the database takes a journal out, and seals the rest again.
    await tamper(
        database,
        "DELETE FROM ledger_entry WHERE journal = 'j2'",
        "DELETE FROM ledger_journal WHERE id = 'j2'",
        "DELETE FROM ledger_link",
        "DELETE FROM ledger_total",
        "UPDATE ledger_era SET sealed_upto = '0'",
    )
    await seal(database)
    assert await verify(database) == []
    assert [(f.tenant, f.subject) for f in await checkpoints.verify(database)] == [("acme", "link 1")]


@pytest.mark.parametrize("forge", ["another key", "another word", "no JSON"])
async def test_a_forged_checkpoint_is_found(database: Database, tmp_path: Path, forge: str) -> None:
    checkpoints = Checkpoints(tmp_path, SEED)
    await post(database, sale("j1"))
    path = await (Checkpoints(tmp_path, bytes(32)) if forge == "another key" else checkpoints).export(database, NOW)
    assert path is not None
    if forge == "another word":
        path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":2'))
    elif forge == "no JSON":
        path.write_bytes(b"{")
    [finding] = await checkpoints.verify(database)
    assert (finding.what, finding.subject) == ("checkpoint", path.name)
