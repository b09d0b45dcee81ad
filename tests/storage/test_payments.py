"""Payment attempts in the read model, in PostgreSQL and in its twin."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.model.decision import MONEY
from actors.model.rows import PaymentRow
from runtime.address import Address
from runtime.store import Verdict
from runtime.turn import TimerRow
from storage import limits
from storage.database import Database
from storage.upkeep import forget_unpaid
from tests.storage.shown import AT, COST, document, payment
from tests.storage.test_queries import Kit, kit, walk  # noqa: F401 (the fixture)
from tests.storage.turns import Writer, fact

FULL: dict[str, Any] = {
    "cost": COST, "captured_minor": 1234, "excess_minor": 66, "refunded_minor": 100, "fee_minor": 62, "psp_fee_minor": 44,
    "station": "s/1", "evse": 1, "code": "DE*ACM*E1", "merchant": "m1", "account": "acct_1", "checkout": "cs_1", "checkout_url": "https://pay.test/cs_1",
    "intent": "pi_1", "charge": "ch_1", "capture_before": AT + timedelta(days=7), "session": "a", "transaction_id": "7",
    "token_ref": "t_1", "reason": "x", "proof": {"result": "authenticated"}, "quote": {"hold_minor": 5000},
    "refunds": [{"id": "r1", "amount_minor": 100}], "dispute": {"dispute": "dp_1"}, "journals": ["j1", "j2"],
}  # fmt: skip


def attempt(id: str, tenant: str = "acme") -> Address:
    return Address(tenant, "payment", id)


async def test_an_attempt_comes_back_as_it_was_written_and_only_forward(kit: Kit) -> None:  # noqa: F811
    first, second = payment("p1"), payment("p1", state="captured", **FULL)
    await kit.write(first, actor=attempt("p1"))
    assert await kit.queries.payment("acme", "p1") == first
    await kit.write(second, actor=attempt("p1"))
    assert await kit.queries.payment("acme", "p1") == second
    assert await kit.queries.payment("other", "p1") is None


async def test_the_provider_s_ids_lead_to_the_attempt_on_the_right_account(kit: Kit) -> None:  # noqa: F811
    await kit.write(payment("p1", **FULL), actor=attempt("p1"))
    await kit.write(payment("p2", tenant="other", intent="pi_2", checkout="cs_2"), actor=attempt("p2", "other"))
    look = kit.lookups
    assert await look.attempt_of_intent("acct_1", "pi_1") == await look.attempt_of_checkout("acct_1", "cs_1") == ("acme", "p1")
    assert await look.attempt_of_intent(None, "pi_2") == await look.attempt_of_checkout(None, "cs_2") == ("other", "p2")
    for account in (None, "acct_2"):
        assert await look.attempt_of_intent(account, "pi_1") is await look.attempt_of_checkout(account, "cs_1") is None


async def test_an_intent_belongs_to_one_attempt(kit: Kit) -> None:  # noqa: F811
    await kit.write(payment("p1", intent="pi_1", account="acct_1"), actor=attempt("p1"))
    outcome = await kit.try_write(payment("p2", intent="pi_1", account="acct_1"), actor=attempt("p2"))
    assert outcome.verdict is Verdict.REJECTED
    await kit.write(payment("p3", intent="pi_1", account="acct_2"), actor=attempt("p3"))


@pytest.mark.parametrize("name", ["state", "station", "session", "wallet", "merchant"])
async def test_attempts_are_listed_newest_first_and_filtered(kit: Kit, name: str) -> None:  # noqa: F811
    for n in range(6):
        fields: dict[str, Any] = {name: "one" if n % 2 else "two", "created_at": AT + timedelta(seconds=n // 2)}
        await kit.write(payment(f"p{n}", **fields), actor=attempt(f"p{n}"))
    await kit.write(payment("px", tenant="other", **{name: "one"}), actor=attempt("px", "other"))
    pages = await walk(lambda cursor: kit.queries.payments("acme", 2, cursor))
    assert [[row.id for row in page] for page in pages] == [["p5", "p4"], ["p3", "p2"], ["p1", "p0"]]
    some = await walk(lambda cursor: kit.queries.payments("acme", 2, cursor, **{name: "one"}))
    assert [[row.id for row in page] for page in some] == [["p5", "p3"], ["p1"]]


# -- what was never paid ends ----------------------------------------------------------------------------------------------


async def test_attempts_that_came_to_nothing_are_forgotten_after_their_days_with_all_that_they_remember(
    database: Database,
) -> None:
    now = datetime.now(UTC)
    old, new = now - timedelta(days=91), now - timedelta(days=89)

    async def write(row: PaymentRow, **more: Any) -> None:
        writer = Writer(attempt(row.id))
        staged = writer.turn(at=row.updated_at, facts=[fact()], rows=[row, *more.pop("rows", ())], **more)
        (outcome,) = await database.store.commit(MONEY, [staged])
        assert outcome.verdict is Verdict.COMMITTED, outcome

    def row(id: str, at: datetime = old, **fields: Any) -> PaymentRow:
        return payment(id, **{"state": "expired", "created_at": at, "updated_at": at, **fields})

    await write(row("expired"))
    await write(row("released", state="released", intent="pi_1", charge="ch_1"))
    for n in range(3):
        await write(row(f"batch{n}"))
    kept = {
        "young": row("young", new),
        "open": row("open", state="checkout_open"),
        "lost": row("lost", state="lost"),
        "settled": row("settled", state="settled", captured_minor=1234),
        "excess": row("excess", state="settled", excess_minor=1234),
        "session": row("session", state="released", session="s1"),
        "journals": row("journals", state="released", journals=["j1"]),
    }
    for one in kept.values():
        await write(one)
    await write(row("document"), rows=[document("d1", ref="document")])
    await write(row("waits"), timers=[TimerRow("look", now, b"{}")])
    await write(row("dead letter"))
    await database.fetch(
        """INSERT INTO dead_letter (id, tenant, kind, actor, at, message_type, body, fingerprint, error, traceback, correlation)
        VALUES ('m1', 'acme', 'payment', 'dead letter', now(), 'psp_observed', '', 'f', 'ValueError', '', 'evt_1')"""
    )

    async def chore() -> int:
        return await database.run(lambda connection: forget_unpaid(connection, now, 90))

    assert [await chore(), await chore()] == [5, 0]
    left = {id for (id,) in await database.fetch("SELECT id FROM payment")}
    assert left == {*kept, "document", "waits", "dead letter"}
    for table in ("head", "fact"):
        remembered = await database.fetch(f"SELECT DISTINCT k.id FROM {table} t JOIN actor k ON k.key = t.actor")
        assert {id for (id,) in remembered} == left, table


async def test_so_many_are_forgotten_at_a_time_the_oldest_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPAID_BATCH", 2)
    now = datetime.now(UTC)
    for n in range(5):
        at = now - timedelta(days=100 + n)
        writer = Writer(attempt(f"p{n}"))
        staged = writer.turn(at=at, facts=[fact()], rows=[payment(f"p{n}", state="expired", created_at=at, updated_at=at)])
        await database.store.commit(MONEY, [staged])
    assert await database.run(lambda connection: forget_unpaid(connection, now, 90)) == 2
    assert [id for (id,) in await database.fetch("SELECT id FROM payment ORDER BY id")] == ["p0", "p1", "p2"]


async def test_an_incarnation_that_slept_through_it_loses_by_the_fence(database: Database) -> None:
    now = datetime.now(UTC)
    at = now - timedelta(days=100)
    writer = Writer(attempt("p"))
    staged = writer.turn(at=at, facts=[fact()], rows=[payment("p", state="expired", created_at=at, updated_at=at)])
    await database.store.commit(MONEY, [staged])
    writer.won(staged)
    assert await database.run(lambda connection: forget_unpaid(connection, now, 90)) == 1
    (outcome,) = await database.store.commit(MONEY, [writer.turn(facts=[fact()], rows=[payment("p", state="releasing")])])
    assert outcome.verdict is not Verdict.COMMITTED
    assert await database.fetchval("SELECT count(*) FROM payment") == 0
