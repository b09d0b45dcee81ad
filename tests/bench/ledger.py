"""What the books carry: two-leg postings one by one, with every check on and a real fsync; a wallet that all want at once; holds
and journals through the committer; and, when asked (`--journals 1000000`), how long verifying very many journals takes.

A posting draws from a wallet (its floor is checked under the lock of its row) and is one transaction of its own: what
MONEY 3.2 measured at about 800 a second on two cores.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import trio

from actors.model.decision import MONEY
from actors.model.rows import HoldRow
from runtime.address import Address
from runtime.store import Verdict
from storage.audit import audit
from storage.ledger import seal, verify
from storage.links import PINNED
from storage.migrate import migrate_now
from storage.open import open_database
from tests.bench.database import bench_database
from tests.storage.books import POST, batch, journal
from tests.storage.turns import Writer, fact

WRITERS = 16
WALLETS = 1_000
RICH = 10**9
LOT = 500
"""Journals a statement, where only their number matters."""


def bench_ledger(home: Path, seconds: float, journals: int) -> dict[str, Any]:
    with bench_database(home) as (dsn, _, _):
        migrate_now(dsn)
        figures = asyncio.run(_postings(dsn, seconds))
        figures["hot wallet"] = asyncio.run(_hot_wallet(dsn))
        figures["through the committer"] = trio.run(_committed, dsn, seconds)
        if journals:
            figures["filling"] = asyncio.run(_filled(dsn, journals))
        figures["verifying"] = trio.run(_verified, dsn)
        return figures


async def _writers(dsn: str, work: Callable[[asyncpg.Connection, int], Awaitable[None]]) -> None:
    async def one(number: int) -> None:
        # As the committer's lanes are: plans made on empty tables would read them whole once they are full.
        connection = await asyncpg.connect(dsn, server_settings={**PINNED, "role": "csms_app"})
        try:
            await work(connection, number)
        finally:
            await connection.close()

    await asyncio.gather(*map(one, range(WRITERS)))


async def _postings(dsn: str, seconds: float) -> dict[str, Any]:
    """Each writer posts its next journal as soon as the last one is durable."""
    waits: list[float] = []

    async def work(connection: asyncpg.Connection, number: int) -> None:
        random_, until, n = random.Random(number), time.perf_counter() + seconds, 0
        while (begun := time.perf_counter()) < until:
            row = journal(
                f"{number}-{n}", (f"2100/w{random_.randrange(WALLETS)}", 1234), ("4000/energy", -1234), at=datetime.now(UTC)
            )
            assert await connection.fetchval(POST, batch(row)) == "posted"
            waits.append(time.perf_counter() - begun)
            n += 1

    connection = await asyncpg.connect(dsn)
    await connection.fetch(POST, batch(*[journal(f"up{n}", ("1110/brand", RICH), (f"2100/w{n}", -RICH)) for n in range(WALLETS)]))
    await connection.close()
    begun = time.perf_counter()
    await _writers(dsn, work)
    waits.sort()
    return {
        "writers": WRITERS,
        "postings": len(waits),
        "per_second": round(len(waits) / (time.perf_counter() - begun)),
        "p50_ms": round(waits[len(waits) // 2] * 1e3, 1),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1e3, 1),
    }


async def _hot_wallet(dsn: str) -> dict[str, Any]:
    """One wallet of 400.00, and 16 writers that each want 50 times 1.00: 400 get it."""
    connection = await asyncpg.connect(dsn)
    await connection.fetch(POST, batch(journal("hot", ("1110/brand", 40_000), ("2100/hot", -40_000))))
    statuses: list[str] = []

    async def work(connection: asyncpg.Connection, number: int) -> None:
        for n in range(50):
            row = journal(f"hot-{number}-{n}", ("2100/hot", 100), ("4000/energy", -100))
            statuses.append(await connection.fetchval(POST, batch(row)))

    begun = time.perf_counter()
    await _writers(dsn, work)
    took = time.perf_counter() - begun
    left = await connection.fetchval(
        "SELECT b.available_minor FROM ledger_balance b JOIN ledger_account a ON a.id = b.account WHERE a.code = '2100/hot'"
    )
    await connection.close()
    counted = {status: statuses.count(status) for status in sorted(set(statuses))}
    return {**counted, "left_minor": left, "per_second": round(len(statuses) / took)}


async def _committed(dsn: str, seconds: float) -> dict[str, Any]:
    """Turns of the money lane in batches of 64: one makes a hold, the next posts under it."""
    turns = 0
    at = datetime.now(UTC)
    async with open_database(dsn, migrating=False) as database:
        writers = [Writer(Address("acme", "wallet", f"w{n}")) for n in range(64)]
        until, n = trio.current_time() + seconds, 0
        begun = trio.current_time()
        while trio.current_time() < until:
            holds = [
                HoldRow(
                    tenant="acme", id=f"h{n}-{w}", book="brand", account=f"2100/w{w}", currency="EUR", amount_minor=5000,
                    ref="s", at=at, expires=at + timedelta(days=1),
                )
                for w in range(len(writers))
            ]  # fmt: skip
            for made in (True, False):
                staged = [
                    writer.turn(facts=[fact()], rows=[hold] if made else _posted(hold))
                    for writer, hold in zip(writers, holds, strict=True)
                ]
                for outcome in await database.store.commit(MONEY, staged):
                    assert outcome.verdict is Verdict.COMMITTED, outcome
                for writer, turn in zip(writers, staged, strict=True):
                    writer.won(turn)
                turns += len(staged)
            n += 1
        return {"turns": turns, "per_second": round(turns / (trio.current_time() - begun))}


def _posted(hold: HoldRow) -> list[Any]:
    row = journal(f"j-{hold.id}", (hold.account, 1234), ("4000/energy", -1234))
    done = HoldRow(
        tenant=hold.tenant, id=hold.id, book=hold.book, account=hold.account, currency=hold.currency,
        amount_minor=hold.amount_minor, ref=hold.ref, at=hold.at, outcome="posted", journal=row.id,
    )  # fmt: skip
    return [done, row]


async def _filled(dsn: str, journals: int) -> dict[str, Any]:
    connection = await asyncpg.connect(dsn)
    begun = time.perf_counter()
    for lot in range(0, journals, LOT):
        rows = [
            journal(f"m{n}", (f"2100/w{n % WALLETS}", 100), ("4000/energy", -84), ("2300/DE/19", -16))
            for n in range(lot, min(lot + LOT, journals))
        ]
        await connection.fetch(POST, batch(*rows))
        if lot % (LOT * 40) == 0:
            await connection.execute("SELECT ledger_seal()")
    await connection.close()
    return {"journals": journals, "per_second": round(journals / (time.perf_counter() - begun))}


async def _verified(dsn: str) -> dict[str, Any]:
    async with open_database(dsn, migrating=False) as database:
        figures: dict[str, Any] = {"journals": await database.fetchval("SELECT count(*) FROM ledger_journal")}
        for name, job in (("seal_s", seal), ("verify_s", verify), ("audit_s", audit)):
            begun = trio.current_time()
            answer = await job(database)  # type: ignore[operator]
            figures[name] = round(trio.current_time() - begun, 2)
            if name != "seal_s":
                assert answer == [], answer[:5]
        return figures
