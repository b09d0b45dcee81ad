"""The event stream over a real socket, and the feed behind it: nothing missed, nothing twice, one poller."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import trio
import trio.testing

from actors.model.rows import EventRow
from gateways.web import limits
from gateways.web.feed import Feed
from storage.memory_queries import MemoryQueries
from storage.memory_rows import MemoryRows
from tests.gateways.web.rig import OWNER, serving
from tests.kits.patience import PATIENCE, http_client

_numbers = itertools.count(1)


def happened(rows: MemoryRows, tenant: str = "acme", kind: str = "session.started") -> str:
    subject = f"s{next(_numbers)}"
    rows.write(0, [EventRow(tenant=tenant, kind=kind, subject=subject, at=datetime.now(UTC), body={"n": 1})])
    return subject


@asynccontextmanager
async def stream(url: str, token: str, **kwargs: Any) -> AsyncIterator[Any]:
    """Yields `next_event()` -> (id, data), once the stream has begun."""
    client = http_client(base_url=url, headers={"Authorization": f"Bearer {token}"})
    async with client, client.stream("GET", "/api/v1/events", **kwargs) as response:
        assert response.status_code == 200, await response.aread()
        lines = response.aiter_lines()
        assert await anext(lines) == "retry: 2000"

        async def next_event() -> tuple[str, Any]:
            event_id = ""
            with trio.fail_after(PATIENCE):
                async for line in lines:
                    if line.startswith("id: "):
                        event_id = line[4:]
                    elif line.startswith("data: "):
                        return event_id, msgspec.json.decode(line[6:])
            raise AssertionError("the stream ended")

        yield next_event


async def test_a_stream_tells_what_happens_from_now_on_and_resumes_after_the_last_id() -> None:
    async with serving() as (rig, url):
        happened(rig.rows)
        async with stream(url, OWNER) as next_event:
            wanted = [happened(rig.rows), happened(rig.rows)]
            first = await next_event()
            assert [first[1]["subject"], (await next_event())[1]["subject"]] == wanted
            assert first[1]["at"].endswith("Z")
        missed = happened(rig.rows)
        async with stream(url, OWNER, headers={"Last-Event-ID": first[0]}) as next_event:
            assert [(await next_event())[1]["subject"] for _ in range(2)] == [wanted[1], missed]
            live = happened(rig.rows)
            assert (await next_event())[1]["subject"] == live


async def test_a_stream_is_filtered_by_tenant_and_kind() -> None:
    async with serving() as (rig, url):
        await rig.tenant("acme")
        token = await rig.api_token("acme", "viewer")
        async with (
            stream(url, token, params={"after": "0", "kind": "session.ended,station.booted"}) as own,
            stream(url, OWNER, params={"after": "0", "tenant": "volt"}) as volts,
        ):
            happened(rig.rows, "volt", "session.ended")
            happened(rig.rows, "acme", "session.started")
            happened(rig.rows, "acme", "station.booted")
            event = (await own())[1]
            assert (event["tenant"], event["kind"]) == ("acme", "station.booted")
            event = (await volts())[1]
            assert (event["tenant"], event["kind"]) == ("volt", "session.ended")


async def test_streams_end_when_the_node_drains() -> None:
    with trio.fail_after(PATIENCE):
        async with serving() as (rig, url):
            client = http_client(base_url=url, headers={"Authorization": f"Bearer {OWNER}"})
            async with client, client.stream("GET", "/api/v1/events") as response:
                rig.app.services.close()
                assert [line async for line in response.aiter_lines()][:1] == ["retry: 2000"]
            assert (await rig.anyone.get("/readyz")).status_code == 503


class CountingQueries(MemoryQueries):
    polls = 0

    async def events(self, *args: Any) -> Any:
        self.polls += 1
        return await super().events(*args)


async def test_many_subscribers_share_one_poller_and_a_slow_one_falls_back_to_the_table(
    monkeypatch: Any, autojump_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(limits, "FEED_PAGE", 10)
    rows = MemoryRows()
    queries = CountingQueries(rows)
    feed = Feed(queries, poll=0.01, ring=20)
    got: dict[int, list[str]] = {n: [] for n in range(30)}
    wanted: list[str] = []

    async def subscribe(n: int) -> None:
        async for batch in feed.follow("acme", frozenset(), None):
            got[n] += [event.subject for event in batch]
            if n == 7:
                await trio.sleep(0.15)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        for n in got:
            nursery.start_soon(subscribe, n)
        await trio.sleep(0.1)
        for _ in range(20):
            wanted += [happened(rows) for _ in range(10)]
            await trio.sleep(0.02)
        queries.polls = 0
        await trio.sleep(0.5)
        assert queries.polls < 80, "thirty idle subscribers must not poll"
        with trio.fail_after(10):
            while any(len(subjects) < len(wanted) for subjects in got.values()):
                await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    assert all(subjects == wanted for subjects in got.values())


async def test_a_wrong_last_event_id_or_too_many_streams_are_refused_before_the_stream_begins(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "SSE_STREAMS_PER_PRINCIPAL", 1)
    async with serving() as (rig, url):
        async with stream(url, OWNER):
            client = http_client(base_url=url, headers={"Authorization": f"Bearer {OWNER}"})
            async with client:
                assert (await client.get("/api/v1/events")).status_code == 429
        assert rig.app.services.streams is not None


class HeldQueries(MemoryQueries):
    """The poller, who asks for everybody's events, is held up at a gate."""

    def __init__(self, rows: MemoryRows) -> None:
        super().__init__(rows)
        self.gate, self.held = trio.Event(), trio.Event()

    async def events(self, tenant: str | None, *args: Any) -> Any:
        if tenant is None:
            self.held.set()
            await self.gate.wait()
        return await super().events(tenant, *args)


async def test_what_was_read_from_the_table_does_not_come_again_from_a_poller_that_is_pages_behind(
    monkeypatch: Any, autojump_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(limits, "FEED_PAGE", 2)
    rows = MemoryRows()
    queries = HeldQueries(rows)
    feed = Feed(queries, poll=0.01)
    got: list[str] = []

    async def follow(tenant: str, got: list[str]) -> None:
        async for batch in feed.follow(tenant, frozenset(), "0"):
            got.extend(event.subject for event in batch)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        nursery.start_soon(follow, "somebody", [])
        await queries.held.wait()
        wanted = [happened(rows) for _ in range(5)]
        nursery.start_soon(follow, "acme", got)
        await trio.testing.wait_all_tasks_blocked()
        assert got == wanted, "from the table"
        queries.gate.set()
        await trio.sleep(1)
        wanted.append(happened(rows))
        await trio.sleep(1)
        assert got == wanted
        nursery.cancel_scope.cancel()
