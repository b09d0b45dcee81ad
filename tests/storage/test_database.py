"""The bridge and the database as trio sees them: queries, cancellation, notifications, rows that fail late."""

import asyncio
import threading
from collections.abc import Callable

import asyncpg
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.model.rows import AuditRow
from runtime.store import StoreAway, Verdict
from runtime.turn import MAIN
from storage import limits
from storage.bridge import Bridge
from storage.database import Database
from storage.links import Link
from storage.open import open_database
from tests.kits.postgres import end_connections, run_sql
from tests.storage.turns import ALICE, BOB, CAROL, NOW, Writer, fact


async def _thread() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def test_a_job_runs_on_the_side_thread_and_its_error_comes_back() -> None:
    async def fail() -> None:
        raise LookupError("no")

    bridge = Bridge("side")
    bridge.start()
    assert await bridge.call(_thread) == "side"
    with pytest.raises(LookupError, match="no"):
        await bridge.call(fail)
    await bridge.close()
    await bridge.close()
    with pytest.raises(StoreAway):
        await bridge.call(_thread)


async def test_a_cancelled_call_cancels_its_job_but_a_shielded_one_runs_to_its_end() -> None:
    ended: list[str] = []

    release = asyncio.Event()

    async def job(name: str, begun: Callable[[], None]) -> str:
        begun()
        try:
            await release.wait()
        except asyncio.CancelledError:
            ended.append(f"{name} cancelled")
            raise
        ended.append(f"{name} done")
        return name

    async def given_up(name: str, *, shielded: bool) -> None:
        """Called, begun on the side thread, and then cancelled on ours."""
        token = trio.lowlevel.current_trio_token()
        with trio.CancelScope() as scope:
            await bridge.call(job, name, lambda: token.run_sync_soon(scope.cancel), shielded=shielded)
        assert scope.cancelled_caught

    bridge = Bridge()
    bridge.start()
    with trio.fail_after(60):
        await given_up("read", shielded=False)
        while ended != ["read cancelled"]:
            await trio.sleep(0.01)
        await given_up("commit", shielded=True)
        assert ended == ["read cancelled"], "it runs on, though nobody waits for it"
        bridge.loop.call_soon_threadsafe(release.set)
        while len(ended) < 2:
            await trio.sleep(0.01)
    assert ended == ["read cancelled", "commit done"]
    await bridge.close()


async def test_closing_the_bridge_tells_those_who_wait() -> None:
    bridge = Bridge()
    bridge.start()
    told: list[str] = []

    async def wait() -> None:
        try:
            await bridge.call(asyncio.sleep, 30, shielded=True)
        except StoreAway:
            told.append("away")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        await bridge.close()
    assert told == ["away"]


@pytest.mark.postgres
async def test_a_query_crosses_to_postgresql_and_back(database: Database) -> None:
    assert await database.fetchval("SELECT $1::int + 1", 41) == 42
    assert await database.fetchrow("SELECT 1 WHERE false") is None
    assert await database.execute("CREATE TEMP TABLE a (); CREATE TEMP TABLE b ();")
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.fetch("SELECT * FROM nowhere")
    assert database.health.ready


@pytest.mark.postgres
async def test_a_cancelled_query_gives_its_connection_back(database: Database) -> None:
    for _ in range(limits.READERS * 3):
        with trio.move_on_after(0.01):
            await database.fetch("SELECT pg_sleep(600)")
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(limits.READERS * 3):
                nursery.start_soon(database.fetch, "SELECT 1")


@pytest.mark.postgres
async def test_a_notification_arrives_on_the_trio_thread_also_after_a_reconnect(database: Database, fresh_dsn: str) -> None:
    send, receive = trio.open_memory_channel[tuple[str | None, str]](100)

    def heard(payload: str | None) -> None:
        send.send_nowait((payload, threading.current_thread().name))

    with trio.fail_after(60):
        await database.listen("cards", heard)
        here = threading.current_thread().name
        assert await receive.receive() == (None, here)
        await database.execute("SELECT pg_notify('cards', 'one')")
        assert await receive.receive() == ("one", here)
        await trio.to_thread.run_sync(end_connections, fresh_dsn, "%LISTEN%")
        assert await receive.receive() == (None, here)
        await database.execute("SELECT pg_notify('cards', 'two')")
        assert await receive.receive() == ("two", here)


@pytest.mark.postgres
async def test_a_constraint_that_is_checked_at_commit_rejects_its_turn_only(fresh_dsn: str) -> None:
    """As the ledger's balance is: the error comes with COMMIT, when the statement had already answered."""
    run_sql(
        fresh_dsn,
        """CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN IF NEW.who = 'mallory' THEN RAISE EXCEPTION 'not mallory'; END IF; RETURN NULL; END $$""",
        """CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON audit_log DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION audited()""",
    )

    def line(who: str) -> AuditRow:
        return AuditRow(tenant="acme", at=NOW, who=who, action="a", subject="s", detail={})

    async with open_database(fresh_dsn, migrating=False) as database:
        turns = [
            Writer(actor).turn(facts=[fact()], rows=[line(who)])
            for actor, who in ((ALICE, "alice"), (BOB, "mallory"), (CAROL, "carol"))
        ]
        outcomes = await database.store.commit(MAIN, turns)
        assert [outcome.verdict for outcome in outcomes] == [Verdict.COMMITTED, Verdict.REJECTED, Verdict.COMMITTED]
        assert outcomes[1].reason == "not mallory"
        states = await database.store.recover([ALICE, BOB, CAROL], claim=False)
        assert [state.seq for state in states] == [1, 0, 1]


@pytest.mark.postgres
async def test_lanes_commit_side_by_side_and_a_lane_takes_its_batches_in_turn(database: Database) -> None:
    writers = [Writer(actor) for actor in (ALICE, BOB, CAROL)]
    turns = [writer.turn(facts=[fact()]) for writer in writers]
    verdicts: list[Verdict] = []

    async def commit(lane: str, at: int) -> None:
        verdicts.extend(outcome.verdict for outcome in await database.store.commit(lane, [turns[at]]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit, MAIN, 0)
        nursery.start_soon(commit, MAIN, 1)
        nursery.start_soon(commit, "money", 2)
    assert verdicts == [Verdict.COMMITTED] * 3


@pytest.mark.postgres
async def test_a_node_works_as_a_role_that_cannot_touch_the_ledger_but_by_its_functions(database: Database) -> None:
    assert await database.fetchval("SELECT current_user") == "csms_app"
    for statement in (
        "INSERT INTO ledger_floor VALUES ('x')",
        "UPDATE ledger_journal SET ref = 'x'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "UPDATE schema_version SET version_num = '0'",
        "CREATE TABLE mine ()",
        "DROP TABLE head",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute(statement)


@pytest.mark.postgres
async def test_without_that_role_the_owner_does(fresh_dsn: str) -> None:
    run_sql(fresh_dsn, "REVOKE ALL ON head FROM csms_app")
    async with open_database(fresh_dsn, migrating=False) as database:
        assert database.role is None
        assert await database.fetchval("SELECT current_user") != "csms_app"


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://me:secret@db.example:5433/csms", "postgresql://me@db.example:5433/csms"),
        ("postgresql://me:s%40cret@/csms?host=/var/run&port=5432", "postgresql://me@/csms?host=/var/run&port=5432"),
        ("postgresql:///csms?user=me&password=secret", "postgresql:///csms?user=me"),
    ],
)
def test_where_it_is_connected_is_shown_without_the_password(dsn: str, shown: str) -> None:
    async def made() -> str:
        return Database(Bridge(), dsn, ["main"]).dsn

    assert asyncio.run(made()) == shown


@pytest.mark.postgres
async def test_turns_are_flushed_to_disk_at_commit_and_what_gates_nothing_later(database: Database) -> None:
    async def of(link: Link) -> str:
        [row] = await database.bridge.call(link.rows, "SHOW synchronous_commit")
        return str(row[0])

    assert [await of(link) for link in database.lanes.values()] == ["on", "on"]
    assert (await database.background("SHOW synchronous_commit"))[0][0] == "off"
