"""What no one can do to the books, the owner of the database included, and what the app role may do at all."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from tests.storage.books import POST, batch, journal, sale

RAW_JOURNAL = """INSERT INTO ledger_journal (tenant, id, book, ref, at, content, era)
    VALUES ('acme', '{0}', 'brand', 's', now(), '', 1)"""
Job = Callable[[asyncpg.Connection], Awaitable[None]]


def entries(id: str, *legs: tuple[str, int], first: int = 1, tenant: str = "acme") -> str:
    """One statement that inserts legs as (code, signed amount) on accounts of `tenant`."""
    values = ", ".join(f"({n}, '{code}', {amount})" for n, (code, amount) in enumerate(legs, first))
    return f"""INSERT INTO ledger_entry (tenant, journal, n, account, amount_minor)
        SELECT 'acme', '{id}', v.n, a.id, v.amount FROM (VALUES {values}) AS v (n, code, amount)
        LEFT JOIN ledger_account a ON a.code = v.code AND a.tenant = '{tenant}'"""


async def at_once(connection: asyncpg.Connection, *statements: str) -> None:
    """Run statements in one transaction and commit it."""
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement)


def with_books(dsn: str, job: Job) -> None:
    """Run `job` on a connection of the owner, with one journal posted for acme and one for other."""

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            rows = batch(sale("j1"), sale("j1", tenant="other"))
            assert [row["status"] for row in await connection.fetch(POST, rows)] == ["posted", "posted"]
            await job(connection)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("table", ["ledger_account", "ledger_journal", "ledger_entry", "ledger_link"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET tenant = tenant"])
def test_the_books_are_append_only_even_for_the_owner(fresh_dsn: str, table: str, verb: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        with pytest.raises(asyncpg.RestrictViolationError, match="append only"):
            await connection.execute(verb.format(table))

    with_books(fresh_dsn, job)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [entries("x", ("4000/energy", 5))],
        [entries("x", ("4000/energy", 5), ("1220/t_1", -4))],
        [entries("x", ("4000/energy", 5), ("1220/t_1", -5), tenant="other")],
        [entries("y", ("4000/energy", 5), ("1220/t_1", -5))],
        [entries("x", ("4000/energy", 5)), entries("x", ("1220/t_1", -5), first=2)],
    ],
    ids=["no entries", "one entry", "off by one", "accounts of another tenant", "no such journal", "leg by leg"],
)
def test_a_raw_insert_that_does_not_balance_is_refused(fresh_dsn: str, statements: list[str]) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            await at_once(connection, RAW_JOURNAL.format("x"), *statements)
        assert await connection.fetchval("SELECT count(*) FROM ledger_journal") == 2

    with_books(fresh_dsn, job)


def test_no_entry_slips_in_after_the_constraints_were_checked_early(fresh_dsn: str) -> None:
    """The first trap of MONEY 3.2: a deferred trigger on journals alone has been run by then."""
    whole = entries("x", ("4000/energy", -5), ("1220/t_1", 5))
    early = "SET CONSTRAINTS ALL IMMEDIATE"

    async def job(connection: asyncpg.Connection) -> None:
        for late in (entries("x", ("4000/energy", -999), first=3), entries("x", ("4000/energy", -9), ("1220/t_1", 8), first=3)):
            with pytest.raises(asyncpg.CheckViolationError, match="off by"):
                await at_once(connection, RAW_JOURNAL.format("x"), whole, early, late)
        assert await connection.fetchval("SELECT count(*) FROM ledger_entry WHERE journal = 'x'") == 0
        await at_once(connection, RAW_JOURNAL.format("x"), whole, early)
        assert await connection.fetchval("SELECT count(*) FROM ledger_entry WHERE journal = 'x'") == 2

    with_books(fresh_dsn, job)


def test_a_committed_journal_takes_no_more_entries(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        with pytest.raises(asyncpg.RestrictViolationError, match="is committed"):
            await connection.execute(entries("j1", ("4000/energy", -5), ("1220/t_1", 5), first=8))

    with_books(fresh_dsn, job)


def test_a_journal_cannot_claim_another_transaction(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        claim = RAW_JOURNAL.replace("content, era)", "content, era, txid)").replace("'', 1)", "'', 1, '3')")
        with pytest.raises(asyncpg.RestrictViolationError, match="not its own"):
            await at_once(connection, claim.format("x"))

    with_books(fresh_dsn, job)


def test_a_raw_insert_cannot_overdraw_a_wallet(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        await connection.fetch(POST, batch(journal("up", ("1110", 100), ("2100/w", -100))))
        with pytest.raises(asyncpg.CheckViolationError, match="available_minor"):
            await at_once(connection, RAW_JOURNAL.format("x"), entries("x", ("2100/w", 101), ("1110", -101)))

    with_books(fresh_dsn, job)


@pytest.mark.parametrize(
    "statement",
    [
        RAW_JOURNAL.format("x"),
        entries("j1", ("4000/energy", -5), ("1220/t_1", 5), first=8),
        "INSERT INTO ledger_account (tenant, book, code, currency) VALUES ('acme', 'brand', '1010', 'EUR')",
        "UPDATE ledger_balance SET available_minor = 1000000",
        "DELETE FROM ledger_floor",
        "UPDATE ledger_era SET sealed_upto = '0'",
        "UPDATE ledger_total SET debit_minor = 0",
        "DELETE FROM ledger_link",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "SELECT ledger_write('[]')",
        "SELECT ledger_close(1, '99999999')",
    ],
)
def test_the_app_role_can_do_nothing_but_call_the_four_functions(fresh_dsn: str, statement: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        await connection.execute("SET ROLE csms_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)

    with_books(fresh_dsn, job)


def test_the_app_role_posts_seals_verifies_and_reads(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        await connection.execute("SET ROLE csms_app")
        statuses = [row["status"] for row in await connection.fetch(POST, batch(sale("j2"), journal("x", ("1010", 5))))]
        assert statuses == ["posted", "unbalanced"]
        assert await connection.fetchval("SELECT ledger_resume()") == 1
        assert await connection.fetchval("SELECT ledger_seal()") == 3
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        assert await connection.fetchval("SELECT count(*) FROM ledger_entry") == 9

    with_books(fresh_dsn, job)


def test_a_temporary_table_cannot_stand_in_for_a_ledger_table(fresh_dsn: str) -> None:
    async def job(connection: asyncpg.Connection) -> None:
        await connection.execute("SET ROLE csms_app")
        await connection.execute("CREATE TEMP TABLE ledger_journal (tenant text, id text, content bytea, txid xid8)")
        await connection.execute("CREATE TEMP TABLE ledger_entry (tenant text, journal text, amount_minor bigint)")
        assert await connection.fetchval(POST, batch(sale("j2"))) == "posted"
        assert await connection.fetchval("SELECT count(*) FROM public.ledger_entry WHERE journal = 'j2'") == 3

    with_books(fresh_dsn, job)
