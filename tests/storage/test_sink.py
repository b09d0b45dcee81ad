"""Rows that gate nothing: bounded in memory, patient with a database that is away, never in anybody's way."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.model.rows import AuditRow, EventRow, InboxRow, QuirkRow
from actors.ports import TraceRow
from runtime.store import StoreAway
from storage import limits
from storage.database import Database
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from tests.storage.shown import AT, seen, trace


class FakeDatabase:
    """Counts what is written; `away` refuses like a database that is gone; `gate` holds statements back."""

    def __init__(self) -> None:
        self.away = False
        self.gate: trio.Event | None = None
        self.bodies: dict[str, list[Any]] = {}
        self.statements: list[str] = []

    async def background(self, sql: str, bodies: list[str]) -> None:
        if self.away:
            raise StoreAway("gone")
        kind = sql.removeprefix("SELECT write_").partition("(")[0]
        self.statements.append(kind)
        if self.gate is not None:
            await self.gate.wait()
        self.bodies.setdefault(kind, []).extend(msgspec.json.decode(body) for body in bodies)

    async def background_copy(self, table: str, columns: Sequence[str], lines: bytes) -> None:
        rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines.decode().splitlines()]
        await self.background(f"SELECT write_{table}(", [msgspec.json.encode(row).decode() for row in rows])


@pytest.fixture
def fake() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def sink(fake: FakeDatabase) -> PostgresSink:
    return PostgresSink(fake)  # type: ignore[arg-type]


def knock(station: str = "who", attempts: int = 1) -> InboxRow:
    return InboxRow(tenant="acme", station=station, first_seen=AT, last_seen=AT, attempts=attempts, protocol=None, peer="p")


async def test_the_oldest_traces_give_way_first_and_are_counted(
    fake: FakeDatabase, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SINK_TRACES", 3)
    for n in range(5):
        sink.put(trace(str(n)))
    await sink.flush()
    assert [body["unique_id"] for body in fake.bodies["trace"]] == ["2", "3", "4"]
    assert sink.dropped["trace"] == 2


async def test_a_whole_batch_of_traces_does_not_wait_for_its_time(
    fake: FakeDatabase, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SINK_BATCH", 2)
    monkeypatch.setattr(limits, "SINK_EVERY", 1000.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await wait_all_tasks_blocked()
        for n in range(7):
            sink.put(trace(str(n)))
        await wait_all_tasks_blocked()
        assert [body["unique_id"] for body in fake.bodies["trace"]] == ["0", "1", "2", "3", "4", "5"]
        sink.put(trace("7"))
        await wait_all_tasks_blocked()
        assert len(fake.bodies["trace"]) == 8
        nursery.cancel_scope.cancel()


async def test_large_frames_are_bounded_by_their_size(
    fake: FakeDatabase, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SINK_TRACE_BYTES", 1000)
    for n in range(5):
        sink.put(trace(str(n), body="x" * 400))
    await sink.flush()
    assert [body["unique_id"] for body in fake.bodies["trace"]] == ["3", "4"]
    for n in range(2):
        sink.put(trace(str(n), body="x" * 400))
    assert sink.dropped["trace"] == 3, "what was written no longer counts"


async def test_quirks_add_up_are_written_as_rarely_as_last_seen_and_are_bounded(
    fake: FakeDatabase, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SINK_QUIRKS", 2)
    for name in ("a", "b", "a", "c", "a"):
        sink.put(QuirkRow(tenant="acme", station="s", quirk=name, tier="repair", count=1, first_at=AT, last_at=AT))
    await sink.flush(everything=False)
    sink._seen_all_at = trio.current_time()
    fake.bodies.clear()
    sink.put(QuirkRow(tenant="acme", station="s", quirk="a", tier="repair", count=2, first_at=AT, last_at=AT))
    await sink.flush(everything=False)
    assert "quirk" not in fake.bodies
    await sink.flush()
    assert [(body["quirk"], body["count"]) for body in fake.bodies["quirk"]] == [("a", 2)]
    assert sink.dropped["quirk"] == 1


async def test_a_quirk_that_comes_while_it_is_written_is_counted_once(fake: FakeDatabase, sink: PostgresSink) -> None:
    def once() -> QuirkRow:
        return QuirkRow(tenant="acme", station="s", quirk="a", tier="repair", count=1, first_at=AT, last_at=AT)

    sink.put(once())
    fake.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.flush)
        await wait_all_tasks_blocked()
        sink.put(once())
        fake.gate.set()
    await sink.flush()
    assert [body["count"] for body in fake.bodies["quirk"]] == [1, 1]


async def test_strangers_cannot_fill_the_memory(fake: FakeDatabase, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SINK_LINES", 2)
    for n in range(5):
        sink.put(knock(f"s{n}"))
        sink.put(AuditRow(tenant="acme", at=AT, who=str(n), action="a", subject="s", detail={}))
    await sink.flush()
    assert [body["station"] for body in fake.bodies["inbox"]] == ["s0", "s1"]
    assert [body["who"] for body in fake.bodies["audit"]] == ["3", "4"]
    assert (sink.dropped["inbox"], sink.dropped["line"]) == (3, 3)


async def test_what_waits_while_the_database_is_away_is_written_when_it_is_back(fake: FakeDatabase, sink: PostgresSink) -> None:
    fake.away = True
    sink.put(trace("1"))
    sink.put(seen("s"))
    sink.put(knock())
    sink.put(AuditRow(tenant="acme", at=AT, who="ann", action="a", subject="s", detail={}))
    with pytest.raises(StoreAway):
        await sink.flush()
    sink.put(knock())
    fake.away = False
    await sink.flush()
    assert {kind: len(bodies) for kind, bodies in fake.bodies.items()} == {"trace": 1, "seen": 1, "inbox": 1, "audit": 1}
    assert fake.bodies["inbox"][0]["attempts"] == 2


async def test_order_is_kept_when_a_batch_comes_back(fake: FakeDatabase, sink: PostgresSink) -> None:
    for n in range(3):
        sink.put(trace(str(n)))
    fake.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.flush)
        await trio.testing.wait_all_tasks_blocked()
        sink.put(trace("3"))
        nursery.cancel_scope.cancel()
    fake.gate = None
    await sink.flush()
    assert [body["unique_id"] for body in fake.bodies["trace"]] == ["0", "1", "2", "3"]


async def test_knocks_that_come_while_knocks_are_written_are_counted_once(fake: FakeDatabase, sink: PostgresSink) -> None:
    fake.gate = trio.Event()
    sink.put(knock(attempts=5))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.flush)
        await trio.testing.wait_all_tasks_blocked()
        sink.put(knock(attempts=2))
        fake.gate.set()
    await sink.flush()
    assert [body["attempts"] for body in fake.bodies["inbox"]] == [5, 2]


async def test_a_station_that_came_or_went_is_written_at_once_one_merely_heard_can_wait(
    fake: FakeDatabase, sink: PostgresSink, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await trio.sleep(limits.SEEN_EVERY + 1)
        sink.put(seen("s"))
        await trio.sleep(1)
        assert len(fake.bodies["seen"]) == 1
        for _ in range(5):
            sink.put(seen("s"))
            await trio.sleep(0.6)
        assert len(fake.bodies["seen"]) == 1
        sink.put(seen("s", online=False))
        await trio.sleep(1)
        assert [body["online"] for body in fake.bodies["seen"]] == [True, False]
        sink.put(seen("s", online=False))
        await trio.sleep(limits.SEEN_EVERY + 1)
        assert len(fake.bodies["seen"]) == 3
        nursery.cancel_scope.cancel()


async def test_the_sink_outlives_an_absence_of_the_database(
    fake: FakeDatabase, sink: PostgresSink, autojump_clock: MockClock
) -> None:
    fake.away = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        sink.put(trace("1"))
        await trio.sleep(30)
        fake.away = False
        await trio.sleep(3)
        assert [body["unique_id"] for body in fake.bodies["trace"]] == ["1"]
        nursery.cancel_scope.cancel()


@pytest.mark.postgres
async def test_a_row_that_the_database_refuses_does_not_dam_up_the_others(database: Database) -> None:
    sink = PostgresSink(database)
    never = SimpleNamespace(isoformat=lambda: "never")
    for n in range(3):
        sink.put(trace(str(n), at=AT if n != 1 else never))
    sink.put(trace("3", body="\ud800"))
    await sink.flush()
    found = await PostgresQueries(database).messages("acme", "s/1", 9, None)
    assert {row.unique_id: row.body for row in found.items} == {"0": "[2]", "2": "[2]", "3": "?"}
    assert sink.dropped["refused"] == 1


@pytest.mark.postgres
async def test_audit_lines_and_events_reach_their_tables_in_order(database: Database) -> None:
    sink = PostgresSink(database)
    for n in range(4):
        if n % 2:
            sink.put(EventRow(tenant="acme", kind="k", subject=str(n), at=AT, body={}))
        else:
            sink.put(AuditRow(tenant="acme", at=AT, who=str(n), action="a", subject="s", detail={"n": n}))
    await sink.flush()
    assert [row["who"] for row in await database.fetch("SELECT who FROM audit_log ORDER BY id")] == ["0", "2"]
    events = (await PostgresQueries(database).events("acme", (), None, 9)).items
    assert [event.subject for event in events] == ["1", "3"]


def test_a_trace_row_is_cheap_to_keep(sink: PostgresSink) -> None:
    row: TraceRow = trace("1")
    for _ in range(limits.SINK_TRACES + 10):
        sink.put(row)
    assert sink.stats()["traces"] == limits.SINK_TRACES
