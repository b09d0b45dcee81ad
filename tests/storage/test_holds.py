"""Holds on wallets: they reserve, end once, and the journal of the same turn takes at most what was held. One suite for
PostgreSQL and the twin in memory; then what PostgreSQL refuses to whoever goes around the functions."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from actors.model.decision import MONEY
from actors.model.rows import HoldRow
from runtime.address import Address
from runtime.store import Verdict
from storage.database import Database
from storage.ledger import verify
from storage.memory_ledger import merged
from tests.storage.books import AT, POST, batch, journal
from tests.storage.test_ledger_bounds import at_once
from tests.storage.test_queries import Kit, kit
from tests.storage.turns import Writer, fact

__all__ = ["kit"]

W1, TOP = Address("acme", "wallet", "w"), Address("acme", "wallet", "top-up")
LATER = AT + timedelta(hours=2)


def hold(id: str = "h1", amount: int = 3000, wallet: str = "w", **fields: Any) -> HoldRow:
    base: dict[str, Any] = {"tenant": "acme", "book": "brand", "account": f"2100/{wallet}", "currency": "EUR", "ref": "s1"}
    return HoldRow(**{**base, "id": id, "amount_minor": amount, "at": AT, "expires": AT + timedelta(hours=1), **fields})


def top_up(minor: int = 5000, wallet: str = "w", id: str = "up") -> Any:
    return journal(id, ("1110/brand", minor), (f"2100/{wallet}", -minor))


def spend(id: str, minor: int, wallet: str = "w") -> Any:
    return journal(id, (f"2100/{wallet}", minor), ("4000/energy", -minor))


def posted(journal: str, id: str = "h1", amount: int = 3000, **fields: Any) -> HoldRow:
    return hold(id, amount, outcome="posted", journal=journal, at=LATER, **fields)


async def refused(kit: Kit, *rows: Any, actor: Address = W1) -> str:
    outcome = await kit.try_write(*rows, actor=actor)
    assert outcome.verdict is Verdict.REJECTED
    return str(outcome.reason)


async def wallet(kit: Kit, wallet: str = "w") -> tuple[int, int]:
    """What it has, and what of it is held."""
    [row] = (await kit.queries.accounts("acme", 10, None, account=f"2100/{wallet}")).items
    return -row["balance_minor"], row["held_minor"]


async def test_a_hold_lessens_what_may_be_spent(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold(), actor=W1)
    assert await wallet(kit) == (5000, 3000)
    assert "overdrawn" in await refused(kit, hold("h2", 2001))
    assert "overdrawn" in await refused(kit, spend("d", 2001))
    await kit.write(spend("d", 2000), actor=W1)
    assert await wallet(kit) == (3000, 3000)
    assert "overdrawn" in await refused(kit, hold("h3", 1))


async def test_a_posted_hold_takes_what_the_journal_of_its_turn_takes_and_frees_the_rest(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold("h1", 5000), actor=W1)
    await kit.write(spend("d", 1234), posted("d", amount=5000), actor=W1)
    assert await wallet(kit) == (3766, 0)
    [row] = (await kit.queries.holds("acme", 10, None)).items
    assert (row.outcome, row.journal, row.amount_minor, row.expires) == ("posted", "d", 5000, AT + timedelta(hours=1))


@pytest.mark.parametrize("first", ["hold", "journal"])
async def test_the_order_of_a_turns_rows_does_not_matter(kit: Kit, first: str) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold("h1", 5000), actor=W1)
    rows = [posted("d", amount=5000), spend("d", 5000)]
    await kit.write(*(rows if first == "hold" else rows[::-1]), actor=W1)
    assert await wallet(kit) == (0, 0)


async def test_a_journal_under_a_hold_takes_no_more_than_it(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold(), actor=W1)
    assert "which takes 3001" in await refused(kit, posted("d"), spend("d", 3001))
    assert "which takes 0" in await refused(kit, posted("d"), journal("d", ("1110/brand", 5), ("4000/energy", -5)))
    assert "does not post" in await refused(kit, posted("other"))
    assert "does not post" in await refused(kit, posted("up"))
    assert await wallet(kit) == (5000, 3000)


@pytest.mark.parametrize("outcome", ["void", "expired"])
async def test_a_hold_that_is_let_go_frees_all_of_it(kit: Kit, outcome: str) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold(), actor=W1)
    await kit.write(hold(outcome=outcome, at=LATER), actor=W1)
    assert await wallet(kit) == (5000, 0)
    assert [row.outcome for row in (await kit.queries.holds("acme", 10, None, outcome=outcome)).items] == [outcome]
    assert (await kit.queries.holds("acme", 10, None, outcome="open")).items == []


async def test_a_hold_ends_once(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold(), actor=W1)
    await kit.write(hold(outcome="void", at=LATER), actor=W1)
    await kit.write(hold(outcome="void", at=LATER), actor=W1)  # the same again changes nothing
    await kit.write(hold(), actor=W1)
    assert await wallet(kit) == (5000, 0)
    assert "it has ended: void" in await refused(kit, hold(outcome="expired", at=LATER))
    assert "it has ended: void" in await refused(kit, posted("d"), spend("d", 5))


async def test_what_makes_no_sense_is_refused(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold(), actor=W1)
    assert "differs" in await refused(kit, hold(amount=2999))
    assert "differs" in await refused(kit, hold(wallet="v"))
    assert "unknown" in await refused(kit, hold("h9", outcome="void"))
    assert "invalid" in await refused(kit, hold("h2", 0))
    assert "invalid" in await refused(kit, hold("h2", account="1110/brand"))
    assert "invalid" in await refused(kit, hold(outcome="expired", at=AT))
    assert "invalid" in await refused(kit, hold(outcome="lost"))
    assert "invalid" in await refused(kit, hold(outcome="posted"))
    assert "overdrawn" in await refused(kit, hold("h2", 1, wallet="never topped up"))


async def test_a_turn_may_swap_one_hold_for_another(kit: Kit) -> None:
    await kit.write(top_up(), actor=W1)
    await kit.write(hold("h1", 5000), actor=W1)
    await kit.write(hold("h2", 4000), hold("h1", 5000, outcome="void", at=LATER), actor=W1)
    assert await wallet(kit) == (5000, 4000)


async def test_holds_are_listed_last_made_first_and_by_account(kit: Kit) -> None:
    await kit.write(top_up(), top_up(wallet="v", id="up2"), actor=W1)
    for n in range(3):
        await kit.write(hold(f"h{n}", 100, at=AT + timedelta(minutes=n), ref=f"s{n}"), actor=W1)
    await kit.write(hold("v", 100, "v"), actor=W1)
    first = await kit.queries.holds("acme", 2, None, account="2100/w")
    rest = await kit.queries.holds("acme", 2, first.next, account="2100/w")
    assert [row.id for page in (first, rest) for row in page.items] == ["h2", "h1", "h0"]
    assert [row.id for row in (await kit.queries.holds("acme", 9, None, ref="s1")).items] == ["h1", "v"]
    assert (await kit.queries.holds("other", 9, None)).items == []


# -- PostgreSQL alone --------------------------------------------------------------------------------------------


async def test_an_over_reserve_rejects_only_its_own_turn(database: Database) -> None:
    writers = [Writer(Address("acme", "wallet", f"w{n}")) for n in range(5)]
    top = Writer(TOP).turn(rows=[top_up(2500)], facts=[fact()])
    await database.store.commit(MONEY, [top])
    turns = [writer.turn(rows=[hold(f"h{n}", 1000)], facts=[fact()]) for n, writer in enumerate(writers)]
    outcomes = [outcome.verdict for outcome in await database.store.commit(MONEY, turns)]
    assert outcomes.count(Verdict.COMMITTED) == 2
    assert outcomes.count(Verdict.REJECTED) == 3
    assert await verify(database) == []


async def test_turns_that_post_and_turns_that_reserve_share_a_batch(database: Database) -> None:
    writers = {n: Writer(Address("acme", "wallet", f"w{n}")) for n in range(4)}
    await database.store.commit(MONEY, [Writer(TOP).turn(rows=[top_up(5000)], facts=[fact()])])
    first = writers[0].turn(rows=[hold("h1", 4000)], facts=[fact()])
    await database.store.commit(MONEY, [first])
    writers[0].won(first)
    turns = [
        writers[0].turn(rows=[spend("d", 1500), posted("d", amount=4000)], facts=[fact()]),
        writers[1].turn(rows=[hold("h2", 1000)], facts=[fact()]),
        writers[2].turn(rows=[hold("h3", 9000)], facts=[fact()]),
    ]
    outcomes = [outcome.verdict for outcome in await database.store.commit(MONEY, turns)]
    assert outcomes == [Verdict.COMMITTED, Verdict.COMMITTED, Verdict.REJECTED]
    assert await database.fetchrow("SELECT available_minor, pending_minor FROM ledger_balance") == (2500, 1000)
    assert await verify(database) == []


MAKE = """INSERT INTO ledger_hold (tenant, id, account, amount_minor, ref, at)
    SELECT 'acme', '{}', id, {}, 's', now() FROM ledger_account WHERE code = '{}'"""
END = "INSERT INTO ledger_hold_end (tenant, hold, outcome, journal, ref, at) VALUES ('acme', '{}', '{}', {}, 's', now())"


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        ([MAKE.format("x", 5001, "2100/w")], "ledger_balance_available_minor_check"),
        ([MAKE.format("x", 5, "1110/brand")], "not on an account with a floor"),
        ([MAKE.format("x", 5, "2100/w"), END.format("x", "posted", "NULL")], "ledger_hold_end_check"),
        ([MAKE.format("x", 5, "2100/w"), END.format("x", "posted", "'up'")], "does not post"),
        ([END.format("y", "void", "NULL")], "ledger_hold_end_tenant_hold_fkey"),
        ([MAKE.format("x", 5, "2100/w"), *[END.format("x", "void", "NULL")] * 2], "ledger_hold_end_pkey"),
        ([MAKE.format("x", 5, "2100/w"), "UPDATE ledger_hold SET amount_minor = 1"], "append only"),
        (["DELETE FROM ledger_hold"], "append only"),
        (["TRUNCATE ledger_hold_end"], "append only"),
        (["TRUNCATE ledger_hold CASCADE"], "append only"),
    ],
)  # fmt: skip
def test_who_goes_around_the_functions_is_bound_by_the_triggers(fresh_dsn: str, statements: list[str], error: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(fresh_dsn)
        assert await connection.fetchval(POST, batch(top_up())) == "posted"
        with pytest.raises(asyncpg.PostgresError, match=error):
            await at_once(connection, *statements)
        assert await connection.fetchrow("SELECT available_minor, pending_minor FROM ledger_balance") == (5000, 0)
        await connection.close()

    asyncio.run(run())


def test_the_app_role_may_only_ask(fresh_dsn: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.execute("SET ROLE csms_app")
        for statement in (
            "INSERT INTO ledger_hold DEFAULT VALUES",
            "DELETE FROM ledger_hold_end",
            "UPDATE ledger_balance SET pending_minor = 0",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        assert await connection.fetch("SELECT * FROM ledger_reserve('[]')") == []
        await connection.close()

    asyncio.run(run())


def test_what_is_changed_behind_the_triggers_is_found(fresh_dsn: str) -> None:
    async def run() -> set[str]:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.fetch(POST, batch(top_up()))
        await connection.execute(MAKE.format("x", 500, "2100/w"))
        async with connection.transaction():
            await connection.fetch(POST, batch(spend("d", 300)))
            await connection.execute(END.format("x", "posted", "'d'"))
        await connection.execute(MAKE.format("y", 500, "2100/w"))
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE ledger_hold SET amount_minor = amount_minor - 201")
        await connection.close()
        other = await asyncpg.connect(fresh_dsn)
        found = {row["what"] for row in await other.fetch("SELECT * FROM ledger_verify()")}
        await other.close()
        return found

    assert asyncio.run(run()) == {"hold", "reserved"}


def test_sixteen_clients_that_reserve_and_draw_end_at_exactly_the_floor(fresh_dsn: str) -> None:
    """Each wants 12 times to reserve 1.00, or to draw it, of a wallet of 100.00: a hundred of 192 wishes come true."""

    async def want(client: int) -> list[str]:
        connection = await asyncpg.connect(fresh_dsn)
        answers = []
        for n in range(12):
            if (client + n) % 2:
                wish = batch(hold(f"{client}-{n}", 100))
                answers.append(await connection.fetchval("SELECT status FROM ledger_reserve($1)", wish))
            else:
                answers.append(await connection.fetchval(POST, batch(spend(f"{client}-{n}", 100))))
        await connection.close()
        return answers

    async def run() -> list[str]:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.fetch(POST, batch(top_up(10_000)))
        answers = [answer for one in await asyncio.gather(*map(want, range(16))) for answer in one]
        left, held = await connection.fetchrow("SELECT available_minor, pending_minor FROM ledger_balance")
        assert (left, held) == (0, answers.count("held") * 100)
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        await connection.close()
        return answers

    answers = asyncio.run(run())
    assert answers.count("held") + answers.count("posted") == 100
    assert answers.count("overdrawn") == 92


def test_a_hold_keeps_what_it_was_made_with() -> None:
    ended = merged(hold(), hold(outcome="void", at=LATER, ref="s2", expires=None))
    assert (ended.expires, ended.at, ended.ref, ended.outcome) == (hold().expires, LATER, "s2", "void")
    assert merged(ended, posted("d")) == ended
