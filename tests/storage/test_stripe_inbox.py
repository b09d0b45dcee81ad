"""Webhooks between acknowledgement and effect: written once, taken under a lease, retried, parked, forgotten."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import trio

from actors.ports import PspEvent, PspInbox
from runtime.store import StoreAway
from storage import limits
from storage.database import Database
from storage.memory_inbox import MemoryPspInbox
from storage.open import open_database
from storage.stripe_inbox import PostgresStripeInbox

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_WAIT = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"


def event(id: str, **subject: str) -> PspEvent:
    return PspEvent(id, "connect", "acct_1", "payment_intent.succeeded", AT, "2026-10-28.endive", False, subject)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def inbox(request: pytest.FixtureRequest) -> AsyncIterator[PspInbox]:
    if request.param == "memory":
        yield MemoryPspInbox()
        return
    async with open_database(request.getfixturevalue("fresh_dsn"), migrating=False) as db:
        yield PostgresStripeInbox(db)


@pytest.fixture(autouse=True)
def _server(fresh_dsn: str) -> None:
    """Started before the loop runs: the fixture of the server is synchronous."""


async def test_the_same_event_is_kept_once(inbox: PspInbox) -> None:
    assert await inbox.put(event("evt_1", intent="pi_1"))
    assert not await inbox.put(event("evt_1"))
    (waiting,) = await inbox.take(10, 60.0)
    assert (waiting.event, waiting.attempt) == (event("evt_1", intent="pi_1"), 1)


async def test_hundreds_at_once_are_all_kept_and_each_is_told_whether_it_was_new(inbox: PspInbox) -> None:
    told: dict[str, list[bool]] = {}

    async def put(id: str) -> None:
        told.setdefault(id, []).append(await inbox.put(event(id)))

    async with trio.open_nursery() as nursery:
        for n in range(600):
            nursery.start_soon(put, f"evt_{n % 300}")
    assert len(told) == 300
    assert (await inbox.counts()) == {"waiting": 300, "parked": 0}
    assert all(any(answers) for answers in told.values())


async def test_what_is_taken_comes_again_after_its_lease_and_never_once_done(inbox: PspInbox) -> None:
    await inbox.put(event("evt_1"))
    await inbox.put(event("evt_2"))
    assert len(await inbox.take(10, 0.0)) == 2
    await inbox.done([("", "evt_1")])
    (again,) = await inbox.take(10, 60.0)
    assert (again.event.id, again.attempt) == ("evt_2", 2)
    assert await inbox.take(10, 60.0) == []


async def test_a_retry_waits_and_what_is_parked_waits_for_an_operator(inbox: PspInbox) -> None:
    await inbox.put(event("evt_1"))
    await inbox.put(event("evt_2"))
    await inbox.take(10, 60.0)
    await inbox.retry([("", "evt_1")], 0.0, "away")
    await inbox.park([("", "evt_2")], "poison")
    (again,) = await inbox.take(10, 60.0)
    assert (again.event.id, again.error) == ("evt_1", "away")
    assert [(line.event.id, line.error) for line in await inbox.listed("parked", 10)] == [("evt_2", "poison")]
    assert await inbox.counts() == {"waiting": 1, "parked": 1}
    assert await inbox.unpark("evt_2")
    assert not await inbox.unpark("evt_2")
    assert [line.event.id for line in await inbox.take(10, 60.0)] == ["evt_2"]


async def test_what_is_done_with_is_forgotten_and_what_waits_is_not(inbox: PspInbox) -> None:
    await inbox.put(event("evt_1"))
    await inbox.put(event("evt_2"))
    await inbox.done([("", "evt_1")])
    later = datetime.now(UTC) + timedelta(seconds=5)
    assert await inbox.prune(later, 10) == 1
    assert await inbox.prune(later, 10) == 0
    assert (await inbox.counts())["waiting"] == 1


@pytest.mark.postgres
async def test_a_caller_that_gives_up_takes_no_other_with_it(database: Database) -> None:
    inbox = PostgresStripeInbox(database)
    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(inbox.put, event(f"evt_{n}"))
        with trio.move_on_after(0):
            await inbox.put(event("evt_gone"))
    assert (await inbox.counts())["waiting"] >= 20
    assert await inbox.put(event("evt_after"))


@pytest.mark.postgres
async def test_more_than_may_wait_are_refused_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_QUEUE", 5)
    monkeypatch.setattr(limits, "WEBHOOK_BATCH", 2)
    inbox, refused = PostgresStripeInbox(database), 0

    async def put(n: int) -> None:
        nonlocal refused
        try:
            await inbox.put(event(f"evt_{n}"))
        except StoreAway:
            refused += 1

    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(put, n)
    assert 0 < refused < 20
    assert (await inbox.counts())["waiting"] == 20 - refused


@pytest.mark.postgres
async def test_webhooks_are_taken_while_all_other_work_of_the_database_stands_still(database: Database) -> None:
    inbox, readers = PostgresStripeInbox(database), limits.READERS
    await database.background("SELECT pg_advisory_lock(7)")
    async with trio.open_nursery() as nursery:
        for _ in range(readers * 2):
            nursery.start_soon(database.fetch, "SELECT pg_advisory_lock(7)")
        with trio.fail_after(60):
            while (await database.background(_WAIT))[0][0] < readers:
                await trio.sleep(0.01)
            for n in range(20):
                assert await inbox.put(event(f"evt_{n}"))
            assert (await database.background(_WAIT))[0][0] == readers
        nursery.cancel_scope.cancel()
