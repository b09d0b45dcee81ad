"""Posting: what the ledger takes, what it refuses, and that a refusal costs nobody else anything."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest

from actors.model.rows import Entry
from storage.database import Database
from storage.ledger import verify
from storage.queries import PostgresQueries
from tests.storage.books import POST, batch, journal, post, sale


async def blocked(by: asyncpg.Connection, whom: asyncpg.Connection) -> None:
    """Return once the one waits for a lock of the other, which is asked."""
    async with asyncio.timeout(60):
        while by.get_server_pid() not in await by.fetchval("SELECT pg_blocking_pids($1)", whom.get_server_pid()):
            await asyncio.sleep(0.01)


async def test_a_balanced_journal_is_posted_and_read_back_as_it_was(database: Database) -> None:
    row = sale("j1", ref="s7", group_id="g1")
    assert await post(database, row) == ["posted"]
    assert await PostgresQueries(database).journal("acme", "j1") == row


async def test_the_same_journal_again_changes_nothing(database: Database) -> None:
    later = sale("j1", at=sale("j1").at.replace(year=2027))
    turned = msgspec.structs.replace(sale("j1"), entries=tuple(reversed(sale("j1").entries)))
    assert await post(database, sale("j1")) == ["posted"]
    assert await post(database, later, turned) == ["repeated", "repeated"]
    assert await database.fetchval("SELECT count(*) FROM ledger_entry") == 3


async def test_the_same_id_with_other_content_is_refused(database: Database) -> None:
    assert await post(database, sale("j1"), sale("j1", gross=1200)) == ["posted", "differs"]
    assert await post(database, sale("j1", ref="another"), sale("j1", group_id="g")) == ["differs", "differs"]


async def test_one_refused_journal_leaves_the_others_of_its_batch_posted(database: Database) -> None:
    odd = [
        journal("one-sided", ("1220/x", 5)),
        journal("off-by-one", ("1220/x", 5), ("4000", -4)),
        journal("no-entries"),
        journal("no-such-class", ("0999", 5), ("4000", -5)),
        journal("no-account", ("cash", 5), ("4000", -5)),
        journal("no-currency", ("1010", 5), ("4000", -5), currency="euro"),
        journal("reverses-nothing", ("1010", 5), ("4000", -5), reverses="never"),
    ]
    statuses = await post(database, sale("a"), *odd, sale("b"))
    assert statuses == ["posted", *["unbalanced"] * 2, *["invalid"] * 5, "posted"]
    assert await database.fetchval("SELECT array_agg(id ORDER BY id) FROM ledger_journal") == ["a", "b"]


@pytest.mark.parametrize(
    "entry",
    [Entry("1010", "debit", 0, "EUR"), Entry("1010", "debit", -5, "EUR"), Entry("1010", "left", 5, "EUR"),
     Entry("1010", "debit", 2**70, "EUR")],
)  # fmt: skip
async def test_an_entry_that_makes_no_sense_is_refused_alone(database: Database, entry: Entry) -> None:
    nonsense = msgspec.structs.replace(sale("x"), entries=(entry, Entry("4000", "credit", 5, "EUR")))
    assert await post(database, nonsense, sale("a")) == ["invalid", "posted"]


async def test_what_cannot_even_be_read_is_refused_alone(database: Database) -> None:
    text = batch(sale("a"), sale("b"), sale("c")).replace('"amount_minor":197', '"amount_minor":"much"', 2)
    text = text.replace('"amount_minor":"much"', '"amount_minor":197', 1)
    statuses = [row["status"] for row in await database.fetch(POST, text)]
    assert statuses == ["posted", "invalid", "posted"]


async def test_each_currency_balances_by_itself(database: Database) -> None:
    mixed = msgspec.structs.replace(sale("fx"), entries=(Entry("1010", "debit", 100, "EUR"), Entry("1010", "credit", 100, "SEK")))
    through_clearing = msgspec.structs.replace(
        sale("fx2"),
        entries=(
            Entry("1010", "debit", 100, "EUR"), Entry("5080", "credit", 100, "EUR"),
            Entry("5080", "debit", 1150, "SEK"), Entry("1010", "credit", 1150, "SEK"),
        ),
    )  # fmt: skip
    assert await post(database, mixed, through_clearing) == ["unbalanced", "posted"]


async def test_an_account_with_a_floor_cannot_be_overdrawn_within_one_batch(database: Database) -> None:
    top_up = journal("up", ("1110", 5000), ("2100/w", -5000))
    draws = [journal(f"d{n}", ("2100/w", 1500), ("4000", -1500)) for n in range(5)]
    assert await post(database, top_up, *draws) == ["posted", "posted", "posted", "posted", "overdrawn", "overdrawn"]
    assert await database.fetchval("SELECT available_minor FROM ledger_balance") == 500
    assert await verify(database) == []


async def test_a_wallet_that_never_was_has_nothing(database: Database) -> None:
    assert await post(database, journal("d", ("2100/new", 1), ("4000", -1))) == ["overdrawn"]


async def test_a_journal_and_its_reversal_end_at_zero(database: Database) -> None:
    assert await post(database, sale("j1")) == ["posted"]
    back = journal("j2", ("1220/t_1", -1234), ("4000/energy", 1037), ("2300/DE/19", 197), reverses="j1")
    assert await post(database, back) == ["posted"]
    assert {row["balance_minor"] for row in (await PostgresQueries(database).accounts("acme", 100, None)).items} == {0}


async def test_tenants_and_books_have_accounts_of_their_own(database: Database) -> None:
    assert await post(database, sale("j1"), sale("j1", tenant="other"), sale("j2", book="merchant")) == ["posted"] * 3
    accounts = (await PostgresQueries(database).accounts("acme", 100, None)).items
    assert [(row["book"], row["account"]) for row in accounts] == [
        (book, code) for book in ("brand", "merchant") for code in ("1220/t_1", "2300/DE/19", "4000/energy")
    ]
    others = (await PostgresQueries(database).accounts("other", 100, None)).items
    assert [row["balance_minor"] for row in others] == [1234, -197, -1037]


def test_a_hundred_euros_are_spent_exactly_once_by_sixteen_clients(fresh_dsn: str) -> None:
    async def spend(client: int) -> list[str]:
        connection = await asyncpg.connect(fresh_dsn)
        try:
            return [
                await connection.fetchval(POST, batch(journal(f"{client}-{n}", ("2100/w", 100), ("4000", -100))))
                for n in range(12)
            ]
        finally:
            await connection.close()

    async def run() -> tuple[list[str], int]:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.fetch(POST, batch(journal("up", ("1110", 10000), ("2100/w", -10000))))
        statuses = [status for one in await asyncio.gather(*map(spend, range(16))) for status in one]
        left: int = await connection.fetchval("SELECT available_minor FROM ledger_balance")
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        await connection.close()
        return statuses, left

    statuses, left = asyncio.run(run())
    assert (statuses.count("posted"), statuses.count("overdrawn"), left) == (100, 92, 0)


def test_who_draws_while_another_draws_waits_and_then_learns_what_is_left(fresh_dsn: str) -> None:
    async def run() -> list[str]:
        first, second = await asyncpg.connect(fresh_dsn), await asyncpg.connect(fresh_dsn)
        await first.fetch(POST, batch(journal("up", ("1110", 100), ("2100/w", -100)), sale("opens the accounts")))
        transaction = first.transaction()
        await transaction.start()
        statuses = [await first.fetchval(POST, batch(journal("d1", ("2100/w", 80), ("4000/energy", -80))))]
        waiting = asyncio.ensure_future(second.fetch(POST, batch(journal("d2", ("2100/w", 80), ("4000/energy", -80)))))
        await blocked(first, second)
        assert not waiting.done()
        await transaction.commit()
        statuses += [row["status"] for row in await waiting]
        for connection in (first, second):
            await connection.close()
        return statuses

    assert asyncio.run(run()) == ["posted", "overdrawn"]


def test_clients_that_post_the_same_journal_at_once_agree_on_one(fresh_dsn: str) -> None:
    async def run() -> list[Any]:
        first, second = await asyncpg.connect(fresh_dsn), await asyncpg.connect(fresh_dsn)
        transaction = first.transaction()
        await transaction.start()
        statuses = [await first.fetchval(POST, batch(sale("j1")))]
        waiting = asyncio.ensure_future(second.fetch(POST, batch(sale("j1"), sale("j2"))))
        await blocked(first, second)  # it ran into the first one's row
        assert not waiting.done()
        await transaction.commit()
        statuses += [row["status"] for row in await waiting]
        statuses.append(await second.fetchval(POST, batch(sale("j1", gross=999))))
        await first.close()
        await second.close()
        return statuses

    assert asyncio.run(run()) == ["posted", "repeated", "posted", "differs"]


def test_clients_that_open_the_same_accounts_in_other_orders_do_not_deadlock(fresh_dsn: str) -> None:
    async def client(number: int) -> None:
        connection = await asyncpg.connect(fresh_dsn)
        codes = [f"2100/{n}" for n in range(6)]
        for turn in range(10):
            order = codes if (number + turn) % 2 else codes[::-1]
            rows = [journal(f"{number}-{turn}-{code}", ("1110", 10), (code, -10)) for code in order]
            statuses = [row["status"] for row in await connection.fetch(POST, batch(*rows))]
            assert statuses == ["posted"] * 6
        await connection.close()

    async def run() -> None:
        await asyncio.gather(*map(client, range(4)))

    asyncio.run(run())
