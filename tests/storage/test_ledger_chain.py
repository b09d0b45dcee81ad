"""The hash chain: it misses no journal, however late it commits, and shows every change made behind the ledger's back."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from storage.database import Database
from storage.ledger import LedgerKeeper, seal, verify
from storage.queries import PostgresQueries
from tests.storage.books import POST, batch, journal, post, sale


def run(job: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(job(), 30)

    asyncio.run(main())


async def test_sealing_covers_each_journal_once(database: Database) -> None:
    await post(database, sale("a"), sale("b"), sale("c", tenant="other"))
    assert await seal(database) == 3
    assert await seal(database) == 0
    await post(database, sale("d"))
    assert await seal(database) == 1
    links = await database.fetch("SELECT tenant, n, journals FROM ledger_link ORDER BY 1, 2")
    assert [tuple(link) for link in links] == [("acme", 1, 2), ("acme", 2, 1), ("other", 1, 1)]
    assert await verify(database) == []


def test_a_journal_that_commits_late_is_sealed_by_a_later_link(fresh_dsn: str) -> None:
    """The second trap of MONEY 3.2: what is written first may commit last, and a chain by number would skip it."""

    async def job() -> None:
        slow, quick = await asyncpg.connect(fresh_dsn), await asyncpg.connect(fresh_dsn)
        await quick.fetchval(POST, batch(sale("first")))  # opens the accounts, for which the two would wait
        assert await quick.fetchval("SELECT ledger_seal()") == 1
        transaction = slow.transaction()
        await transaction.start()
        assert await slow.fetchval(POST, batch(sale("slow"))) == "posted"
        assert await quick.fetchval(POST, batch(sale("quick"))) == "posted"
        assert await quick.fetchval("SELECT ledger_seal()") == 0, "nothing above the oldest open transaction is sealed"
        await transaction.commit()
        assert await quick.fetchval("SELECT ledger_seal()") == 2
        assert await quick.fetch("SELECT * FROM ledger_verify()") == []
        await slow.close()
        await quick.close()

    run(job)


def test_a_journal_that_commits_after_a_seal_is_still_covered(fresh_dsn: str) -> None:
    async def job() -> None:
        early, slow = await asyncpg.connect(fresh_dsn), await asyncpg.connect(fresh_dsn)
        await early.fetchval(POST, batch(sale("early")))
        transaction = slow.transaction()
        await transaction.start()
        await slow.fetchval(POST, batch(sale("slow")))
        assert await early.fetchval("SELECT ledger_seal()") == 1
        await transaction.commit()
        assert await early.fetchval("SELECT ledger_seal()") == 1
        assert await early.fetchval("SELECT array_agg(journals ORDER BY n) FROM ledger_link") == [1, 1]
        assert await early.fetch("SELECT * FROM ledger_verify()") == []
        await early.close()
        await slow.close()

    run(job)


TAMPERED = {
    "an amount": ("UPDATE ledger_entry SET amount_minor = amount_minor * 2 WHERE journal = 'j2'", {"changed", "total"}),
    "one leg": (
        "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE journal = 'j2' AND n = 1",
        {"unbalanced", "changed", "total"},
    ),
    "an account": (
        "UPDATE ledger_entry e SET account = (SELECT id FROM ledger_account WHERE code = '1110') WHERE journal = 'j2' AND n = 1",
        {"changed", "total"},
    ),
    "a reference": ("UPDATE ledger_journal SET ref = 'other' WHERE id = 'j2'", {"changed"}),
    "a time": ("UPDATE ledger_journal SET at = at + interval '1 day' WHERE id = 'j2'", {"broken chain"}),
    "content and hash": (
        """UPDATE ledger_journal SET ref = 'x', content = ledger_content('brand', 'x', NULL, NULL, (
            SELECT string_agg(concat_ws(' ', a.currency, a.code, e.amount_minor), E'\\x1e'
                ORDER BY a.currency COLLATE "C", a.code COLLATE "C", e.amount_minor)
            FROM ledger_entry e JOIN ledger_account a ON a.id = e.account WHERE e.journal = 'j2')) WHERE id = 'j2'""",
        {"broken chain"},
    ),
    "a whole journal": (
        "WITH gone AS (DELETE FROM ledger_entry WHERE journal = 'j2') DELETE FROM ledger_journal WHERE id = 'j2'",
        {"broken chain", "total"},
    ),
    "a link": ("DELETE FROM ledger_link WHERE n = 1", {"broken chain", "outside the chain"}),
    "a hash in the chain": ("UPDATE ledger_link SET hash = sha256(hash) WHERE n = 1", {"broken chain"}),
    "a wallet": ("UPDATE ledger_balance SET available_minor = 1000000", {"balance"}),
    "a forged old journal": (
        """INSERT INTO ledger_journal (tenant, id, book, ref, at, content, era, txid)
        SELECT tenant, 'forged', book, ref, at, content, era, txid FROM ledger_journal WHERE id = 'j2'""",
        {"changed", "strange account", "broken chain"},
    ),
    "entries without a journal": (
        "INSERT INTO ledger_entry SELECT tenant, 'nobody', n, account, amount_minor FROM ledger_entry WHERE journal = 'j2'",
        {"orphan"},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_change_made_with_triggers_off_is_found(fresh_dsn: str, what: str) -> None:
    statement, expected = TAMPERED[what]

    async def job() -> None:
        connection = await asyncpg.connect(fresh_dsn)
        for n in range(1, 4):
            await connection.fetch(POST, batch(sale(f"j{n}"), journal(f"w{n}", ("1110", 100), ("2100/w", -100))))
            await connection.fetchval("SELECT ledger_seal()")
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)
        found = await connection.fetch("SELECT * FROM ledger_verify('acme')")
        assert {row["what"] for row in found} >= expected, found
        assert await connection.fetch("SELECT * FROM ledger_verify('other')") == []
        await connection.close()

    run(job)


def test_after_a_restored_dump_a_new_era_begins_and_the_chain_goes_on(fresh_dsn: str) -> None:
    """A dump keeps the transaction ids of journals, while the new cluster counts from the beginning."""

    async def job() -> None:
        connection = await asyncpg.connect(fresh_dsn)
        await connection.fetchval(POST, batch(sale("sealed")))
        await connection.fetchval("SELECT ledger_seal()")
        await connection.fetchval(POST, batch(sale("tail")))
        await connection.execute("SET session_replication_role = replica")
        # As if all this had happened in a cluster whose transaction ids were a million ahead.
        await connection.execute("UPDATE ledger_era SET sealed_upto = (sealed_upto::text::bigint + 1000000)::text::xid8")
        await connection.execute("UPDATE ledger_journal SET txid = (txid::text::bigint + 1000000)::text::xid8")
        await connection.execute("""UPDATE ledger_link k SET upto_xid = e.sealed_upto,
            hash = ledger_link_hash('', k.tenant, k.n, k.era, k.from_xid, e.sealed_upto, (
                SELECT ledger_seal_of(id, at, txid, content) FROM ledger_journal WHERE id = 'sealed'))
            FROM ledger_era e""")
        await connection.execute("SET session_replication_role = origin")
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []

        assert await connection.fetchval("SELECT ledger_resume()") == 2
        assert await connection.fetchval("SELECT ledger_resume()") == 2, "once is enough"
        assert await connection.fetchval(POST, batch(sale("new"))) == "posted"
        assert await connection.fetchval("SELECT ledger_seal()") == 1
        links = await connection.fetch("SELECT n, era, journals FROM ledger_link ORDER BY n")
        assert [tuple(link) for link in links] == [(1, 1, 1), (2, 1, 1), (3, 2, 1)]
        assert await connection.fetch("SELECT * FROM ledger_verify()") == []
        await connection.close()

    run(job)


async def test_a_healthy_database_keeps_its_era(database: Database) -> None:
    await post(database, sale("a"))
    await seal(database)
    assert await LedgerKeeper(database).begin() == 1


async def test_balances_are_the_same_before_and_after_sealing(database: Database) -> None:
    queries = PostgresQueries(database)
    await post(database, sale("a"), sale("b", gross=500, vat=80))
    before = (await queries.accounts("acme", 100, None)).items
    await seal(database)
    assert (await queries.accounts("acme", 100, None)).items == before
    await post(database, sale("c"))
    assert (await queries.accounts("acme", 100, None)).items[0] == {
        "book": "brand", "account": "1220/t_1", "currency": "EUR",
        "debit_minor": 2968, "credit_minor": 0, "balance_minor": 2968, "held_minor": 0,
    }  # fmt: skip
