"""The database goes away and comes back: nothing acknowledged is lost, nothing is written twice, nobody exits."""

import contextlib
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import trio

from runtime.address import Address
from runtime.store import StoreAway, StoredFact, Verdict
from runtime.turn import MAIN, LetterKey, StagedTurn
from storage import limits
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrate import SchemaError
from storage.open import open_database
from tests.kits.postgres import end_connections, run_sql
from tests.kits.wire import BreakableWire
from tests.storage.turns import ALICE, BOB, NOW, Writer, fact, letter

pytestmark = pytest.mark.postgres


async def insist(database: Database, turns: list[StagedTurn]) -> tuple[list[Verdict], int]:
    """Submit the same turns until there is an answer: the verdicts, and how often the database was away."""
    away = 0
    with trio.fail_after(60):
        while True:
            try:
                return [outcome.verdict for outcome in await database.store.commit(MAIN, turns)], away
            except StoreAway:
                away += 1
                await trio.sleep(0.01)


async def when_back(database: Database, actor: Address) -> Sequence[StoredFact]:
    """The links come back one by one: that turns are committed again does not mean that questions are answered yet."""
    with trio.fail_after(60):
        while True:
            try:
                return await database.store.full_history(actor)
            except StoreAway:
                await trio.sleep(0.01)


async def test_a_commit_whose_answer_was_lost_is_found_committed_when_submitted_again(fresh_dsn: str) -> None:
    with BreakableWire(fresh_dsn) as wire:
        async with open_database(wire.dsn, migrating=False) as database:
            alice, bob = Writer(ALICE), Writer(BOB)
            first = alice.turn(letters=[letter(BOB)])
            assert await insist(database, [first]) == ([Verdict.COMMITTED], 0)
            alice.won(first)
            turns = [alice.turn(facts=[fact()]), bob.turn(facts=[fact()], consumed=LetterKey(ALICE, 1, 0))]
            wire.lose_answers()
            with pytest.raises(StoreAway):
                await database.store.commit(MAIN, turns)
            assert wire.lost > 0
            assert not database.health.ready
            wire.mend()
            verdicts, _ = await insist(database, turns)
            assert verdicts == [Verdict.COMMITTED, Verdict.COMMITTED]
            [found_alice, found_bob] = await database.store.recover([ALICE, BOB], claim=False)
            assert [stored.seq for stored in found_alice.facts] == [2]
            assert [stored.seq for stored in found_bob.facts] == [1]
            assert not found_bob.letters
            assert database.health.ready


async def test_a_commit_that_never_arrived_is_written_when_submitted_again(fresh_dsn: str) -> None:
    with BreakableWire(fresh_dsn) as wire:
        async with open_database(wire.dsn, migrating=False) as database:
            alice = Writer(ALICE)
            first = alice.turn(facts=[fact()])
            assert (await insist(database, [first]))[0] == [Verdict.COMMITTED]
            alice.won(first)
            second = alice.turn(facts=[fact()])
            wire.lose_requests()
            with pytest.raises(StoreAway):
                await database.store.commit(MAIN, [second])
            wire.mend()
            assert (await insist(database, [second]))[0] == [Verdict.COMMITTED]
            assert [stored.seq for stored in await database.store.full_history(ALICE)] == [1, 2]


async def test_while_away_every_call_says_so_quickly_and_health_tells_why(fresh_dsn: str) -> None:
    with BreakableWire(fresh_dsn) as wire:
        async with open_database(wire.dsn, migrating=False) as database:
            wire.cut()
            with trio.fail_after(60):  # it stays away: whoever waited for it would wait for ever
                for _ in range(2):
                    with pytest.raises(StoreAway):
                        await database.store.commit(MAIN, [Writer(ALICE).turn(facts=[fact()])])
                with pytest.raises(StoreAway):
                    await database.store.recover([ALICE], claim=True)
                with pytest.raises(StoreAway):
                    await database.store.next_timer()
                with pytest.raises(StoreAway):
                    await database.fetch("SELECT 1")
            told = database.health.describe()
            assert told["state"] == "away"
            assert "lane main" in told["down"]
            assert database.dsn.count("@") <= 1
            assert ":" not in database.dsn.split("@")[0].removeprefix("postgresql://")
            wire.mend()
            with trio.fail_after(60):
                while not database.health.ready:
                    await trio.sleep(0.01)


async def test_a_statement_without_an_answer_counts_as_a_lost_connection(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATEMENT_TIMEOUT", 0.3)
    async with open_database(fresh_dsn, migrating=False) as database:
        with pytest.raises(StoreAway):
            await database.fetch("SELECT pg_sleep(600)")
        with trio.fail_after(60):
            while True:
                with contextlib.suppress(StoreAway):  # on a slow machine a good answer may come too late as well
                    assert await database.fetchval("SELECT 1") == 1
                    break


async def test_postgresql_is_killed_under_load_and_everything_acknowledged_is_there(quick_path: Path) -> None:
    """SIGKILL to the whole server, three times; the node starts it again by itself."""
    random_ = random.Random(7)
    acknowledged: dict[Address, int] = {}
    away = 0

    async def work(database: Database, name: str) -> None:
        nonlocal away
        writer = Writer(Address("acme", "session", name))
        while True:
            turn = writer.turn(facts=[fact(0, b'{"n":%d}' % writer.seq)])
            verdicts, missed = await insist(database, [turn])
            away += missed
            assert verdicts == [Verdict.COMMITTED]
            writer.won(turn)
            acknowledged[writer.actor] = writer.seq

    server = EmbeddedServer(quick_path)
    async with open_database(data_dir=quick_path, own=True) as database:
        async with trio.open_nursery() as nursery:
            for n in range(4):
                nursery.start_soon(work, database, f"s{n}")
            for _ in range(3):
                before = sum(acknowledged.values())
                with trio.fail_after(60):
                    while sum(acknowledged.values()) < before + 50:
                        await trio.sleep(0.01)
                await trio.sleep(random_.uniform(0, 0.1))
                with trio.fail_after(60):
                    while (pid := server.pid) is None:  # the last one's backends may answer a little longer than it lives
                        await trio.sleep(0.01)
                os.kill(pid, signal.SIGKILL)
            before = sum(acknowledged.values())
            with trio.fail_after(60):
                while sum(acknowledged.values()) < before + 50:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        for actor, seq in acknowledged.items():
            history = await when_back(database, actor)
            assert [stored.seq for stored in history][:seq] == list(range(1, seq + 1))
            assert len(history) in (seq, seq + 1)
    assert away > 0
    assert server.pid is None


async def test_a_connection_killed_from_outside_is_replaced_without_being_used(database: Database, fresh_dsn: str) -> None:
    await trio.to_thread.run_sync(end_connections, fresh_dsn)
    with trio.fail_after(60):
        while not database.health.ready or database.health.describe()["down"]:
            await trio.sleep(0.01)
    turn = Writer(ALICE).turn(facts=[fact()], at=NOW)
    assert (await insist(database, [turn]))[0] == [Verdict.COMMITTED]


async def test_a_wrong_password_or_database_is_said_at_once_and_not_waited_for(fresh_dsn: str) -> None:
    parts = urlsplit(fresh_dsn)
    with trio.fail_after(60):
        with pytest.raises(SchemaError, match="does not exist"):
            async with open_database(urlunsplit(parts._replace(path="/nowhere"))):
                pass
        if parts.password is None:
            pytest.skip("this server trusts everybody")
        wrong = parts.netloc.replace(parts.password, "guess")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            async with open_database(urlunsplit(parts._replace(netloc=wrong))):
                pass


async def test_opening_waits_for_a_server_that_is_not_there_yet(fresh_dsn: str) -> None:
    with BreakableWire(fresh_dsn) as wire:
        wire.cut()
        told: list[Exception] = []

        def away(error: Exception) -> None:
            told.append(error)
            if len(told) == 3:
                wire.mend()

        with trio.fail_after(60):
            async with open_database(wire.dsn, away=away) as database:
                assert database.health.ready
        assert len(told) >= 3


async def test_a_missing_right_is_nobodys_turn_to_be_blamed(fresh_dsn: str) -> None:
    """What an operator has to put right in the schema makes the database away; no turn is rejected for it."""
    async with open_database(fresh_dsn, migrating=False) as database:
        alice = Writer(ALICE)
        first = alice.turn(facts=[fact()])
        await asyncpg_do(fresh_dsn, "ALTER TABLE fact RENAME TO fact_elsewhere")
        with pytest.raises(StoreAway, match="fact"):
            await database.store.commit(MAIN, [first])
        await asyncpg_do(fresh_dsn, "ALTER TABLE fact_elsewhere RENAME TO fact")
        assert (await insist(database, [first]))[0] == [Verdict.COMMITTED]


async def asyncpg_do(dsn: str, statement: str) -> None:
    """On a loop of its own, as the owner of the schema."""
    await trio.to_thread.run_sync(run_sql, dsn, statement)
