"""The event feed against transactions that commit in another order than they wrote."""

import asyncio

import asyncpg
import msgspec
import pytest

from actors.model.rows import EventRow
from storage.feed import Feed
from tests.storage.shown import AT

pytestmark = pytest.mark.postgres

WRITE = "SELECT write_event('{1}', '{1}', $1::json[])"


def event(subject: str, tenant: str = "acme") -> list[str]:
    return [msgspec.json.encode(EventRow(tenant=tenant, kind="k", subject=subject, at=AT, body={})).decode()]


def test_an_event_that_commits_late_is_not_skipped_by_a_reader_that_saw_later_ones(fresh_dsn: str) -> None:
    async def run() -> list[list[str]]:
        slow, quick, reader = [await asyncpg.connect(fresh_dsn) for _ in range(3)]
        feed = Feed(reader)
        seen: list[list[str]] = []
        cursor = None

        async def look() -> None:
            nonlocal cursor
            page = await feed.events("acme", (), cursor, 10)
            seen.append([found.subject for found in page.items])
            cursor = page.next

        await quick.fetch(WRITE, event("first"))
        await look()
        transaction = slow.transaction()
        await transaction.start()
        await slow.fetch(WRITE, event("slow"))
        await quick.fetch(WRITE, event("quick"))
        await look()
        await transaction.commit()
        await look()
        await look()
        for connection in (slow, quick, reader):
            await connection.close()
        return seen

    assert asyncio.run(run()) == [["first"], [], ["slow", "quick"], []]


def test_the_reader_of_a_quiet_tenant_moves_on_with_the_horizon(fresh_dsn: str) -> None:
    async def run() -> None:
        writer = await asyncpg.connect(fresh_dsn)
        feed = Feed(writer)
        for n in range(20):
            await writer.fetch(WRITE, event(str(n), "busy"))
        page = await feed.events("quiet", (), None, 5)
        assert list(page.items) == []
        newest = await writer.fetchval("SELECT max(xid)::text::bigint FROM event")
        assert page.next is not None
        assert int(page.next.partition("-")[0]) > newest
        await writer.close()

    asyncio.run(run())


def test_a_cursor_from_before_a_crash_of_the_server_goes_back_instead_of_skipping(fresh_dsn: str) -> None:
    """A crashed server may give transaction ids out again that were seen already."""

    async def run() -> list[str]:
        writer = await asyncpg.connect(fresh_dsn)
        feed = Feed(writer)
        page = await feed.events("acme", (), f"{2**40}-0", 10)
        await writer.fetch(WRITE, event("after"))
        page = await feed.events("acme", (), page.next, 10)
        await writer.close()
        return [found.subject for found in page.items]

    assert asyncio.run(run()) == ["after"]
