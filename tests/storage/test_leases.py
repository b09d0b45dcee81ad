"""A node that starts alone finds nothing leased: what its predecessor had in its hands is due at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from actors.ports import PspEvent
from runtime.address import Address
from runtime.turn import EffectRow
from storage.database import Database
from storage.leases import end_leases
from storage.open import open_database
from storage.stripe_inbox import PostgresStripeInbox
from tests.storage.turns import Writer

pytestmark = pytest.mark.postgres
PAYMENT = Address("acme", "payment", "p1")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def db(fresh_dsn: str) -> AsyncIterator[Database]:
    async with open_database(fresh_dsn, migrating=False) as database:
        yield database


async def _wished(db: Database) -> None:
    await db.store.commit("main", [Writer(PAYMENT).turn(effects=[EffectRow("capture:1", "redeliver", "psp", b"{}", None)])])


async def test_a_wish_that_was_under_way_goes_out_again_at_once_and_counts_its_tries(db: Database) -> None:
    await _wished(db)
    (first,) = await db.store.take_outbox(["psp"], 10, 90.0)
    assert await db.store.take_outbox(["psp"], 10, 90.0) == []
    await end_leases(db, outbox=90.0, inbox=120.0)
    (again,) = await db.store.take_outbox(["psp"], 10, 90.0)
    assert (first.attempt, again.attempt, again.effect) == (1, 2, first.effect)


async def test_what_waits_out_a_long_pause_goes_on_waiting(db: Database) -> None:
    await _wished(db)
    (item,) = await db.store.take_outbox(["psp"], 10, 90.0)
    await db.store.retry_outbox(PAYMENT, item.effect.id, datetime.now(UTC) + timedelta(minutes=10), "away")
    await end_leases(db, outbox=90.0, inbox=120.0)
    assert await db.store.take_outbox(["psp"], 10, 90.0) == []


async def test_a_webhook_that_was_being_worked_off_is_taken_again_and_one_that_was_done_is_not(db: Database) -> None:
    inbox = PostgresStripeInbox(db)
    for id in ("evt_1", "evt_2"):
        await inbox.put(PspEvent(id, "connect", "acct_1", "charge.refunded", AT, "2026-10-28.endive", False, {}))
    await inbox.take(10, 120.0)
    await inbox.done([("", "evt_2")])
    await end_leases(db, outbox=90.0, inbox=120.0)
    assert [(line.event.id, line.attempt) for line in await inbox.take(10, 120.0)] == [("evt_1", 2)]
