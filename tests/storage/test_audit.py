"""`csms audit`: silent over what turns really write, and in plain words about each thing that does not add up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.model.rows import NumberRow, PaymentRow
from actors.payment.phases import OVER
from runtime.address import Address
from runtime.store import Verdict
from runtime.turn import MAIN, CheckpointRow, EffectRow, FactRow, LetterRow, TimerRow
from storage.audit import audit
from storage.database import Database
from tests.storage.books import sale
from tests.storage.shown import COST, cdr, session
from tests.storage.turns import Writer, fact

pytestmark = pytest.mark.postgres

SESSION = Address("acme", "session", "a")
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
BILLED = {"state": "ended", "phase": "booked", "cost": COST, "cdr": "c1"}


async def commit(database: Database, writer: Writer, **parts: Any) -> None:
    turn = writer.turn(**parts)
    (outcome,) = await database.store.commit(MAIN, [turn])
    assert outcome.verdict is Verdict.COMMITTED, outcome
    writer.won(turn)


async def a_charged_session(database: Database) -> Writer:
    """Two turns as a session really takes them: a start with its obligation, and a stop that books."""
    writer = Writer(SESSION)
    number = NumberRow(tenant="acme", number=1001, station="s/1", session="a")
    overdue = TimerRow("overdue", datetime.now(UTC) + timedelta(days=1), b"{}")
    await commit(database, writer, facts=[fact()], rows=[session("a"), number], timers=[overdue])
    await commit(database, writer, facts=[fact(0, bulk=True)])
    bill = [session("a", **BILLED), cdr("c1", "a", journal="j1"), sale("j1", ref="a")]
    await commit(
        database, writer, facts=[fact(0), fact(1), fact(2, bulk=True)], rows=bill, timers=[TimerRow("overdue", None, b"")]
    )
    return writer


async def words(database: Database) -> dict[str, str]:
    """Findings by their word; the texts of one word joined."""
    found: dict[str, str] = {}
    for finding in await audit(database):
        found[finding.what] = f"{found.get(finding.what, '')}{finding.subject}: {finding.detail}\n"
    return found


async def test_it_is_silent_over_a_session_that_was_charged_and_booked(database: Database) -> None:
    await a_charged_session(database)
    assert await audit(database) == []


async def test_it_is_silent_over_an_empty_database(database: Database) -> None:
    assert await audit(database) == []


async def test_it_is_silent_over_what_is_on_its_way(database: Database) -> None:
    writer = Writer(SESSION)
    soon = datetime.now(UTC) - timedelta(seconds=5)
    effect = EffectRow("e", "once", "call", b"", soon)
    letter = LetterRow(Address("acme", "evse", "s/1#1"), 0, b"{}")
    timer = TimerRow("t", soon, b"{}")
    parts: dict[str, Any] = {"letters": [letter], "timers": [timer], "effects": [effect]}
    # Just now, not when the suite was collected: it takes longer than a letter may wait.
    await commit(database, writer, at=datetime.now(UTC), rows=[session("a")], facts=[fact()], **parts)
    assert await audit(database) == []


def order_fact(n: int, type: str, id: str) -> FactRow:
    return FactRow(n, type, 2, msgspec.json.encode({"type": type, "id": id, "by": ["acme", "device", "s/1"]}))


async def test_an_order_that_waits_has_its_timer_and_one_without_is_found(database: Database) -> None:
    writer = Writer(Address("acme", "station", "s/1"))
    facts = [order_fact(n, "order_accepted", f"o{n}") for n in range(3)]
    timers = [TimerRow(f"order:o{n}", datetime.now(UTC) + timedelta(days=1), b"{}") for n in range(3)]
    await commit(database, writer, facts=facts, timers=timers)
    await commit(database, writer, facts=[order_fact(0, "order_sent", "o1")], timers=[TimerRow("order:o1", None, b"")])
    assert await audit(database) == []
    await commit(database, writer, facts=[fact(0)], timers=[TimerRow("order:o2", None, b"")])
    found = await words(database)
    assert list(found) == ["order"]
    assert "acme/station/s/1: order o2" in found["order"]


async def test_it_finds_what_was_left_behind(database: Database) -> None:
    writer = Writer(SESSION)
    effects = [EffectRow("call-1", "once", "call", b"", LONG_AGO), EffectRow("mail-1", "redeliver", "mail", b"", None)]
    letter = LetterRow(Address("acme", "evse", "s/1#1"), 0, b"{}")
    timer = TimerRow("overdue", LONG_AGO, b"{}")
    await commit(database, writer, at=LONG_AGO, facts=[fact()], letters=[letter], timers=[timer], effects=effects)
    await database.execute(
        "UPDATE outbox SET due = now() - interval '1 hour', attempt = 7, error = 'refused' WHERE id = 'mail-1'"
    )
    found = await words(database)
    assert "acme/evse/s/1#1: a letter of acme/session/a (turn 1) has waited since" in found["letter"]
    assert "acme/session/a: its timer overdue has been due since" in found["timer"]
    assert "call-1" in found["outbox"]
    assert "after 7 attempts: refused" in found["outbox"]
    assert "no row in the read model" in found["read model"]


async def test_it_finds_an_open_session_that_nothing_will_wake(database: Database) -> None:
    await commit(database, Writer(SESSION), facts=[fact()], rows=[session("a", updated_at=LONG_AGO)])
    assert "nothing will wake" in (await words(database))["obligation"]


@pytest.mark.parametrize(
    ("state", "found"), [("charging", True), ("disputed", True), *[(state, False) for state in sorted(OVER)]]
)
async def test_it_finds_an_open_payment_that_nothing_will_wake(database: Database, state: str, found: bool) -> None:
    row = PaymentRow(
        tenant="acme", id="a1", purpose="session", state=state, currency="EUR", hold_minor=4000, created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )  # fmt: skip
    await commit(database, Writer(Address("acme", "payment", "a1")), facts=[fact()], rows=[row])
    assert ("payment" in await words(database)) is found


BROKEN = {
    "fact beyond head": "UPDATE head SET seq = 2",
    "missing fact": "DELETE FROM fact WHERE seq = 3 AND n = 0",
    "head without a past": "WITH f AS (DELETE FROM fact) DELETE FROM meter",
    "read model": "DELETE FROM session",
    "number": "UPDATE number SET session = 'b'",
    "unbilled": "DELETE FROM cdr",
    "booked without a bill": "DELETE FROM cdr",
    "bill": "UPDATE session SET cdr = 'c2'",
}


@pytest.mark.parametrize("what", BROKEN)
async def test_it_names_what_was_broken(database: Database, what: str) -> None:
    await a_charged_session(database)
    await database.execute(BROKEN[what])
    assert what in await words(database)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"journal": None}, "no journal books them"),
        ({"journal": "j9"}, "journal j9 is missing"),
        ({"session": "b"}, "session b does not exist"),
        ({"body": {"currency": "EUR", "total_cost": {"excl_vat": 10.37, "incl_vat": 12.35}}}, "the CDR bills 1235"),
        ({"body": {"currency": "SEK", "total_cost": {"excl_vat": 10.37, "incl_vat": 12.34}}}, "SEK"),
        ({"body": {}}, "no total cost"),
    ],
)
async def test_a_bill_is_held_against_its_session_and_its_journal(database: Database, change: dict[str, Any], says: str) -> None:
    writer = Writer(SESSION)
    bill = msgspec.structs.replace(cdr("c1", "a", journal="j1"), **change)
    await commit(database, writer, facts=[fact()], rows=[session("a", **BILLED), bill, sale("j1", ref="a")])
    assert says in (await words(database))["bill"]


async def test_a_session_booked_twice_is_found_and_a_credited_one_is_not(database: Database) -> None:
    writer = await a_charged_session(database)
    again = sale("j2", ref="a")
    await commit(database, writer, facts=[fact()], rows=[again])
    assert "several journals: j1, j2" in (await words(database))["billed twice"]
    sides = {"debit": "credit", "credit": "debit"}
    back = tuple(msgspec.structs.replace(entry, side=sides[entry.side]) for entry in again.entries)
    await commit(database, writer, facts=[fact()], rows=[msgspec.structs.replace(again, id="j3", entries=back, reverses="j2")])
    assert "billed twice" not in await words(database)


async def test_a_free_session_needs_no_journal(database: Database) -> None:
    free = msgspec.structs.replace(
        COST, excl=msgspec.structs.replace(COST.excl, amount_minor=0), incl=msgspec.structs.replace(COST.incl, amount_minor=0)
    )
    body = {"currency": "EUR", "total_cost": {"excl_vat": 0, "incl_vat": 0}}
    rows = [session("a", **{**BILLED, "cost": free}), cdr("c1", "a", body=body)]
    await commit(database, Writer(SESSION), facts=[fact()], rows=rows, checkpoint=CheckpointRow(1, b"{}"))
    assert await audit(database) == []


async def test_what_the_ledger_finds_is_part_of_it(database: Database) -> None:
    await a_charged_session(database)

    async def tamper(connection: Any) -> None:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE NONE")
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE n = 1")

    await database.run(tamper)
    assert {"unbalanced", "changed"} <= set(await words(database))


async def test_a_webhook_that_was_given_up_or_waits_too_long_is_found_and_a_fresh_one_is_not(database: Database) -> None:
    insert = """INSERT INTO stripe_inbox
            (event_id, endpoint, type, created, livemode, subject, state, attempt, error, received_at)
        VALUES ($1, 'account', 'payout.paid', now(), false, '{}', $2, 14, 'ActorCrashed: a bug', $3)"""
    now = datetime.now(UTC)
    await database.fetch(insert, "evt_fresh", "waiting", now)
    await database.fetch(insert, "evt_old", "waiting", LONG_AGO)
    await database.fetch(insert, "evt_parked", "parked", now)
    await database.fetch(insert, "evt_done", "done", LONG_AGO)
    found = {finding.subject: finding.detail for finding in await audit(database)}
    assert set(found) == {"evt_old", "evt_parked"}
    assert "given up after 14 attempts: ActorCrashed: a bug" in found["evt_parked"]
