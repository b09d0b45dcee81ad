"""What the admin API reads is what turns wrote: one suite for PostgreSQL and for the twin in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.model.ids import session_id_for_transaction
from actors.model.matching import KnownStation
from actors.model.meter import Reading, Sample
from actors.model.rows import AuditRow, BookRow, EventRow, InboxRow, NumberRow, QuirkRow, Row, VariableRow
from actors.ports import ApiToken, ApiTokens, InvalidCursor, Lookups, NumberedSession, Page, Queries
from runtime.address import Address
from runtime.store import Store, Verdict
from runtime.turn import MAIN
from storage.api_tokens import PostgresApiTokens
from storage.lookups import PostgresLookups
from storage.memory import MemoryStore
from storage.memory_ports import MemoryApiTokens, MemorySink
from storage.memory_queries import MemoryLookups, MemoryQueries
from storage.open import open_database
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.vault import Vault
from tests.storage.books import journal, sale
from tests.storage.shown import AT, COST, cdr, evse, seen, session, station, tariff, tenant, token, trace
from tests.storage.turns import Writer, fact


class Kit:
    """A store, what reads it, and one writer an actor."""

    def __init__(
        self, store: Store, queries: Queries, lookups: Lookups, tokens: ApiTokens, sink: Any, flush: Callable[[], Awaitable[Any]]
    ) -> None:
        self.store, self.queries, self.lookups, self.tokens = store, queries, lookups, tokens
        self.sink, self.flush = sink, flush
        self.writers: dict[Address, Writer] = {}

    async def write(self, *rows: Row, actor: Address = Address("acme", "tenant", "acme"), **parts: Any) -> None:
        """One turn of `actor` that must win."""
        outcome = await self.try_write(*rows, actor=actor, **parts)
        assert outcome.verdict is Verdict.COMMITTED, outcome

    async def try_write(self, *rows: Row, actor: Address, **parts: Any) -> Any:
        writer = self.writers.setdefault(actor, Writer(actor))
        turn = writer.turn(rows=rows, facts=parts.pop("facts", [fact()]), **parts)
        (outcome,) = await self.store.commit(MAIN, [turn])
        if outcome.verdict is Verdict.COMMITTED:
            writer.won(turn)
        return outcome


async def _nothing() -> None:
    pass


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    if request.param == "memory":
        store = MemoryStore()
        queries = MemoryQueries(store.rows, store.full_history)
        yield Kit(store, queries, MemoryLookups(store.rows), MemoryApiTokens(), MemorySink(store.rows), _nothing)
        return
    async with open_database(request.getfixturevalue("fresh_dsn"), migrating=False) as db:
        sink = PostgresSink(db)
        yield Kit(db.store, PostgresQueries(db), PostgresLookups(db), PostgresApiTokens(db), sink, sink.flush)


@pytest.fixture(autouse=True)
def _server(fresh_dsn: str) -> None:
    """Started before the loop runs: the fixture of the server is synchronous."""


async def walk(ask: Callable[[str | None], Awaitable[Page]]) -> list[list[Any]]:
    """All pages from the first to the last."""
    pages, cursor = [], None
    while True:
        page = await ask(cursor)
        pages.append(list(page.items))
        cursor = page.next
        if cursor is None:
            return pages


async def test_every_row_comes_back_as_it_was_written(kit: Kit) -> None:
    rows = {
        "tenant": tenant(), "token": token("t_1", group_ref="g", expires=AT), "tariff": tariff("x"),
        "station": station("s/1", location={"city": "Köln"}, boot={"model": "M"}, tariff="x"),
        "session": session("a", cost=COST, anomalies=("clock",), energy_wh=1234, transaction={"missing": [[2, 3]]}),
        "cdr": cdr("c", "a"), "journal": sale("j"),
    }  # fmt: skip
    await kit.write(*rows.values())
    q = kit.queries
    assert (await q.tenants(10, None)).items == [rows["tenant"]]
    assert await q.token("acme", "t_1") == rows["token"]
    assert await q.tariff("acme", "x") == rows["tariff"]
    assert await q.station("acme", "s/1") == (rows["station"], None, [])
    assert await q.session("acme", "a") == rows["session"]
    assert await q.cdr("acme", "c") == rows["cdr"]
    assert await q.journal("acme", "j") == rows["journal"]


async def test_nothing_of_a_tenant_is_seen_by_another(kit: Kit) -> None:
    await kit.write(
        tenant(), token("t_1"), tariff("x"), station("s/1"), evse("s/1"), session("a"), cdr("c", "a"), sale("j"),
        NumberRow(tenant="acme", number=1001, station="s/1", session="a"),
        EventRow(tenant="acme", kind="k", subject="s", at=AT, body={}),
        VariableRow(tenant="acme", station="s/1", component="C", variable="V", attributes=[]),
        Vault(bytes(32)).seal("acme", "t_1", "token", "04A2"),
    )  # fmt: skip
    kit.sink.put(trace("1"))
    await kit.flush()
    q, t = kit.queries, "other"
    for found in (
        await q.token(t, "t_1"), await q.tariff(t, "x"), await q.station(t, "s/1"), await q.session(t, "a"), await q.cdr(t, "c"),
        await q.journal(t, "j"), await q.vault_row(t, "t_1"), await kit.lookups.session_by_number(t, 1001),
    ):  # fmt: skip
        assert found is None
    for page in (
        await q.stations(t, None, None, 9, None), await q.inbox(t, 9, None), await q.variables(t, "s/1", 9, None),
        await q.messages(t, "s/1", 9, None), await q.tokens(t, 9, None), await q.tariffs(t, 9, None),
        await q.sessions(t, None, None, 9, None), await q.cdrs(t, 9, None), await q.journals(t, None, 9, None),
        await q.events(t, (), None, 9),
    ):  # fmt: skip
        assert list(page.items) == []
    assert list((await q.accounts(t, 10, None)).items) == list(await kit.lookups.open_sessions(t, "s/1")) == []


async def test_lists_page_through_everything_once(kit: Kit) -> None:
    names = [f"n{n}" for n in range(5)]
    await kit.write(*(station(name) for name in names), *(token(name) for name in names), *(tariff(name) for name in names))
    for name in names:
        await kit.write(session(name), actor=Address("acme", "session", name))
    await kit.write(*(cdr(f"c{name}", name) for name in names), *(sale(name) for name in names))
    await kit.write(*(tenant(name) for name in names))
    for ask, of in (
        (lambda c: kit.queries.stations("acme", None, None, 2, c), lambda pair: pair[0].station),
        (lambda c: kit.queries.tokens("acme", 2, c), lambda row: row.ref),
        (lambda c: kit.queries.tariffs("acme", 2, c), lambda row: row.id),
        (lambda c: kit.queries.tenants(2, c), lambda row: row.tenant),
    ):
        assert [[of(row) for row in page] for page in await walk(ask)] == [["n0", "n1"], ["n2", "n3"], ["n4"]]
    for ask, of in (
        (lambda c: kit.queries.sessions("acme", None, None, 2, c), lambda row: row.id),
        (lambda c: kit.queries.cdrs("acme", 2, c), lambda row: row.session),
        (lambda c: kit.queries.journals("acme", None, 2, c), lambda row: row.id),
    ):
        assert [[of(row) for row in page] for page in await walk(ask)] == [["n4", "n3"], ["n2", "n1"], ["n0"]]


async def test_a_full_last_page_has_no_next(kit: Kit) -> None:
    await kit.write(token("a"), token("b"))
    assert (await kit.queries.tokens("acme", 2, None)).next is None


async def test_rows_that_arrive_while_somebody_pages_do_not_shift_the_pages(kit: Kit) -> None:
    for name in "abc":
        await kit.write(session(name), actor=Address("acme", "session", name))
    first = await kit.queries.sessions("acme", None, None, 1, None)
    await kit.write(session("d"), actor=Address("acme", "session", "d"))
    second = await kit.queries.sessions("acme", None, None, 5, first.next)
    assert [row.id for row in (*first.items, *second.items)] == ["c", "b", "a"]


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "WyJhIiwiYiJd", "e30", "WzFd", "\u2603", "W10", "bnVsbA"])
async def test_a_cursor_that_is_not_ours_is_refused(kit: Kit, cursor: str) -> None:
    await kit.write(token("a"), token("b"))
    with pytest.raises(InvalidCursor):
        await kit.queries.tokens("acme", 1, cursor)


async def test_a_later_turn_replaces_a_row_and_an_earlier_row_of_the_same_turn_gives_way(kit: Kit) -> None:
    actor = Address("acme", "session", "a")
    await kit.write(session("a", energy_wh=1), session("a", energy_wh=2), actor=actor)
    assert (await kit.queries.session("acme", "a")).energy_wh == 2
    await kit.write(session("a", energy_wh=3, state="ended"), actor=actor)
    assert (await kit.queries.session("acme", "a")).energy_wh == 3
    assert [row.id for row in (await kit.queries.sessions("acme", None, "ended", 9, None)).items] == ["a"]
    assert (await kit.queries.sessions("acme", None, "active", 9, None)).items == []


async def test_sessions_are_found_by_station_and_state(kit: Kit) -> None:
    for name, place, state in (("a", "s/1", "active"), ("b", "s/2", "active"), ("c", "s/1", "quarantined")):
        await kit.write(session(name, station=place, state=state), actor=Address("acme", "session", name))
    found = await kit.queries.sessions("acme", "s/1", "quarantined", 9, None)
    assert [row.id for row in found.items] == ["c"]
    assert [row.id for row in (await kit.queries.sessions("acme", "s/1", None, 9, None)).items] == ["c", "a"]


async def test_stations_are_found_by_status_and_text(kit: Kit) -> None:
    await kit.write(
        station("DE-1", location={"city": "Köln"}), station("de-2"), station("fr_%"), station("gone", deleted=True),
        evse("DE-1", status="Occupied"), evse("DE-1", 2), evse("de-2"),
    )  # fmt: skip
    kit.sink.put(seen("DE-1"))
    kit.sink.put(seen("de-2", online=False))
    await kit.flush()

    async def found(status: str | None = None, q: str | None = None) -> list[str]:
        return [row.station for row, _ in (await kit.queries.stations("acme", status, q, 9, None)).items]

    assert await found() == ["DE-1", "de-2", "fr_%"]
    assert await found("online") == ["DE-1"]
    assert await found("offline") == ["de-2", "fr_%"]
    assert await found("Occupied") == ["DE-1"]
    assert await found("Available") == ["DE-1", "de-2"]
    assert await found(q="DE-") == ["DE-1", "de-2"]
    assert await found(q="köln") == ["DE-1"]
    assert await found(q="_%") == ["fr_%"], "no pattern, plain text"
    assert await kit.queries.station("acme", "gone") is None


async def test_the_stations_of_a_tariff_are_named_as_far_as_asked(kit: Kit) -> None:
    await kit.write(
        station("b", tariff="x"), station("a", tariff="x"), station("c", tariff="x"), station("d", tariff="y"), station("e"),
        station("f", tariff="x", registered=False, deleted=True),
    )  # fmt: skip
    await kit.write(station("g", tariff="x", tenant="globex"), actor=Address("globex", "station", "g"))
    assert list(await kit.queries.stations_with_tariff("acme", "x", 9)) == ["a", "b", "c"]
    assert list(await kit.queries.stations_with_tariff("acme", "x", 2)) == ["a", "b"]
    assert list(await kit.queries.stations_with_tariff("acme", "z", 2)) == []


async def test_a_station_comes_with_what_was_seen_of_it_and_its_evses_in_order(kit: Kit) -> None:
    await kit.write(station("s/1"), evse("s/1", 10, detail="Preparing"), evse("s/1", 2))
    kit.sink.put(seen("s/1"))
    kit.sink.put(seen("s/1", last_seen=AT + timedelta(seconds=5)))
    await kit.flush()
    row, last, evses = await kit.queries.station("acme", "s/1")
    assert row.auth == bytes(range(96))
    assert last == seen("s/1", last_seen=AT + timedelta(seconds=5))
    assert [found.evse for found in evses] == [2, 10]
    assert evses[1].detail == "Preparing"


async def test_an_evse_is_found_by_the_code_in_its_qr_and_only_in_its_own_tenant(kit: Kit) -> None:
    await kit.write(evse("s/1", 1, code="k7q"), evse("s/1", 2, code="m3x"), evse("s/9", tenant="brand", code="k7q"))
    await kit.write(evse("s/2", code=""))
    assert await kit.queries.evse_by_code("acme", "m3x") == evse("s/1", 2, code="m3x")
    assert (await kit.queries.evse_by_code("brand", "k7q")).station == "s/9"
    assert await kit.queries.evse_by_code("brand", "m3x") is None
    assert await kit.queries.evse_by_code("acme", "") is None


async def test_what_an_older_connection_says_late_does_not_hide_the_newer_one(kit: Kit) -> None:
    await kit.write(station("s/1"))
    for row in (
        seen("s/1", generation=7, since=AT + timedelta(minutes=1)),
        seen("s/1", generation=6, online=False),
    ):
        kit.sink.put(row)
        await kit.flush()
    _, last, _ = await kit.queries.station("acme", "s/1")
    assert (last.generation, last.online) == (7, True)
    kit.sink.put(seen("s/1", generation=1, since=AT + timedelta(minutes=2)))
    await kit.flush()
    _, last, _ = await kit.queries.station("acme", "s/1")
    assert last.generation == 1, "a node that started again counts from the beginning"


async def test_knocks_of_an_unknown_station_add_up(kit: Kit) -> None:
    first = datetime.now(UTC).replace(microsecond=0)  # old ones are forgotten (storage/upkeep.py)
    for n in range(3):
        at = first + timedelta(seconds=n)
        kit.sink.put(InboxRow(tenant="acme", station="who", first_seen=at, last_seen=at, attempts=1, protocol=None, peer="p"))
        if n != 1:
            await kit.flush()
    (row,) = (await kit.queries.inbox("acme", 9, None)).items
    assert (row.attempts, row.first_seen, row.last_seen) == (3, first, first + timedelta(seconds=2))
    await kit.write(msgspec.structs.replace(row, state="adopted"))
    assert (await kit.queries.inbox("acme", 9, None)).items == []


async def test_quirks_of_a_station_add_up_and_the_first_of_each_is_an_event(kit: Kit) -> None:
    for n, quirk in enumerate(("words", "types", "words", "words")):
        at = AT + timedelta(seconds=n)
        kit.sink.put(QuirkRow(tenant="acme", station="s/1", quirk=quirk, tier="repair", count=1, first_at=at, last_at=at))
        kit.sink.put(QuirkRow(tenant="other", station="s/1", quirk=quirk, tier="repair", count=1, first_at=at, last_at=at))
        if n != 2:
            await kit.flush()
    types, words = await kit.queries.quirks("acme", "s/1")
    assert (types.quirk, types.count, words.quirk, words.count) == ("types", 1, "words", 3)
    assert (words.first_at, words.last_at) == (AT, AT + timedelta(seconds=3))
    assert await kit.queries.quirks("acme", "s/2") == []
    told = (await kit.queries.events("acme", ["station.quirk"], None, 10)).items
    assert [(event.subject, event.body) for event in told] == [
        ("s/1", {"quirk": quirk, "tier": "repair"}) for quirk in ("words", "types")
    ]  # fmt: skip


async def test_a_variable_is_told_apart_by_everything_that_names_it(kit: Kit) -> None:
    names: list[dict[str, Any]] = [
        {}, {"evse": 0}, {"evse": 1}, {"evse": 1, "connector": 1}, {"component_instance": "a"}, {"variable_instance": "a"},
    ]  # fmt: skip
    rows = [
        VariableRow(tenant="acme", station="s/1", component="C", variable="V", attributes=[{"value": str(n)}], **name)
        for n, name in enumerate(names)
    ]
    await kit.write(*rows)
    await kit.write(msgspec.structs.replace(rows[0], attributes=[{"value": "new"}]))
    pages = await walk(lambda cursor: kit.queries.variables("acme", "s/1", 4, cursor))
    assert [len(page) for page in pages] == [4, 2]
    values = {row.attributes[0]["value"] for page in pages for row in page}
    assert values == {"new", "1", "2", "3", "4", "5"}


async def test_an_entry_of_a_book_is_replaced_and_is_gone_when_it_was_deleted(kit: Kit) -> None:
    def entry(book: str, key: str, **body: Any) -> BookRow:
        return BookRow(tenant="acme", station="CP1", book=book, key=key, body=body, updated_at=AT)

    async def shown(book: str, limit: int = 10) -> list[dict[str, Any]]:
        return [row.body for row in (await kit.queries.book("acme", "CP1", book, limit, None)).items]

    await kit.write(
        entry("profile", "2", n=1), entry("profile", "1", n=1), entry("display", "1", n=9), entry("profile", "2", n=2)
    )
    assert await shown("profile") == [{"n": 1}, {"n": 2}]
    assert await shown("display") == [{"n": 9}]
    await kit.write(msgspec.structs.replace(entry("profile", "1"), deleted=True), entry("profile", "3", n=3))
    assert await shown("profile") == [{"n": 2}, {"n": 3}]
    await kit.write(entry("profile", "1", n=4))
    assert await shown("profile", limit=2) == [{"n": 4}, {"n": 2}]
    assert (await kit.queries.book("other", "CP1", "profile", 10, None)).items == []


async def test_actors_find_the_variables_of_a_component_and_the_sealed_texts_of_tokens(kit: Kit) -> None:
    def variable(component: str, name: str, evse: int | None = None) -> VariableRow:
        return VariableRow(tenant="acme", station="CP1", component=component, variable=name, attributes=[], evse=evse)

    await kit.write(variable("LocalAuthListCtrlr", "Entries"), variable("LocalAuthListCtrlr", "X", 1), variable("Other", "Y"))
    found = await kit.lookups.variables("acme", "CP1", "LocalAuthListCtrlr")
    assert [row.variable for row in found] == ["Entries"]
    vault = Vault(bytes(32))
    await kit.write(vault.seal("acme", "t_1", "token", "UID1"), vault.seal("acme", "t_2", "token", "UID2"))
    rows = await kit.lookups.sealed_tokens("acme", ["t_1", "t_1", "nobody"])
    assert [vault.open(row) for row in rows] == ["UID1"]
    assert await kit.lookups.sealed_tokens("other", ["t_1"]) == []


async def test_actors_find_stations_by_name_with_what_their_last_boot_said_and_the_first_entries_of_a_book(kit: Kit) -> None:
    boot = {"vendor": "V", "model": "M", "firmware": "1.0"}
    await kit.write(station("CP1", boot=boot), station("CP2"), station("CP3", deleted=True), station("CP4"))
    kit.sink.put(seen("CP1", protocol="ocpp2.0.1"))
    await kit.flush()
    booted, silent = KnownStation("CP1", "V", "M", "1.0", "ocpp2.0.1"), KnownStation("CP2")
    assert list(await kit.lookups.known_stations("acme", "", 2)) == [booted, silent]
    assert [one.station for one in await kit.lookups.known_stations("acme", "CP1", 10)] == ["CP2", "CP4"]
    assert [one.station for one in await kit.lookups.known_stations("acme", "", 10, ["CP4", "CP9", "CP3"])] == ["CP4"]
    assert list(await kit.lookups.known_stations("other", "", 10)) == []
    for key in ("b", "a", "c"):
        entry = BookRow(tenant="acme", station="", book="template", key=key, body={"key": key}, updated_at=AT)
        await kit.write(entry, msgspec.structs.replace(entry, station="CP1", body={}))
    found = await kit.lookups.book("acme", "", "template", 2)
    assert [(row.key, row.body) for row in found] == [("a", {"key": "a"}), ("b", {"key": "b"})]
    assert list(await kit.lookups.book("other", "", "template", 2)) == []


async def test_messages_come_newest_first_whatever_is_in_them(kit: Kit) -> None:
    for n, action in enumerate(("Boot", "Heartbeat", "Boot")):
        kit.sink.put(trace(str(n), at=AT + timedelta(seconds=n // 2), action=action, body='[2,"\\u0000","\x00 \u2603"]'))
    await kit.flush()
    pages = await walk(lambda cursor: kit.queries.messages("acme", "s/1", 2, cursor))
    assert [[row.unique_id for row in page] for page in pages] == [["2", "1"], ["0"]]
    assert "\u2603" in pages[0][0].body
    boots = await kit.queries.messages("acme", "s/1", 9, None, action="Boot")
    assert [row.unique_id for row in boots.items] == ["2", "0"]
    assert [row.unique_id for row in (await kit.queries.messages("acme", "s/1", 9, None, unique_id="1")).items] == ["1"]


async def test_a_call_and_its_answer_are_two_messages_of_one_trace_row(kit: Kit) -> None:
    later = AT + timedelta(seconds=1)
    kit.sink.put(trace("a", correlation="c1", answered_at=later, answer_type="CALLRESULT", answer="[3]", answer_error="late"))
    kit.sink.put(trace("b", at=later, direction="out"))
    await kit.flush()
    pages = await walk(lambda cursor: kit.queries.messages("acme", "s/1", 1, cursor))
    shown = [row for page in pages for row in page]
    assert [(row.unique_id, row.direction, row.message_type, row.body, row.error) for row in shown] == [
        ("b", "out", "CALL", "[2]", None),
        ("a", "out", "CALLRESULT", "[3]", "late"),
        ("a", "in", "CALL", "[2]", None),
    ]
    assert [row.at for row in shown] == [later, later, AT]
    assert [row.correlation for row in shown] == ["", "c1", "c1"]
    assert all(row.frames() == (row,) for row in shown)


@pytest.mark.parametrize("text", ["\\N", "\\.", "a\tb", "a\nb\r\n", "\\\\n", "\u2028 \u00a0\x1f", "{0}", "\U0001f50c"])
async def test_a_frame_is_kept_as_it_was_whatever_it_holds(kit: Kit, text: str) -> None:
    kit.sink.put(trace(text, body=text, action=text, error=text, answered_at=AT, answer=text, answer_error=text))
    kit.sink.put(trace("next"))
    await kit.flush()
    found = (await kit.queries.messages("acme", "s/1", 9, None)).items
    assert len(found) == 3
    texts = [(row.unique_id, row.body, row.action, row.error) for row in found if row.unique_id != "next"]
    assert texts == [(text, text, text, text)] * 2


async def test_a_deleted_token_and_a_deleted_tariff_are_gone_and_may_come_back(kit: Kit) -> None:
    await kit.write(token("t"), tariff("x"), tariff("x", 2))
    assert (await kit.queries.tariff("acme", "x")).version == 2
    assert [row.version for row in (await kit.queries.tariffs("acme", 9, None)).items] == [2]
    await kit.write(token("t", deleted=True), tariff("x", 2, deleted=True))
    assert await kit.queries.token("acme", "t") is None
    assert await kit.queries.tariff("acme", "x") is None
    assert (await kit.queries.tariffs("acme", 9, None)).items == (await kit.queries.tokens("acme", 9, None)).items == []
    await kit.write(token("t", status="Blocked"), tariff("x", 3))
    assert (await kit.queries.token("acme", "t")).status == "Blocked"
    assert [row.version for row in (await kit.queries.tariffs("acme", 9, None)).items] == [3]


async def test_meter_values_are_every_reading_of_a_session_once_in_order_of_time(kit: Kit) -> None:
    readings = [Reading(AT + timedelta(minutes=n), (Sample(Decimal(n * 100)),)) for n in range(4)]

    def body(*picked: int) -> bytes:
        return msgspec.json.encode({"type": "x", "readings": [readings[n] for n in picked], "other": {"readings": 1}})

    actor = Address("acme", "session", "a")
    await kit.write(session("a"), actor=actor, facts=[fact(0, b'{"type":"started"}')])
    await kit.write(actor=actor, facts=[fact(0, body(2), bulk=True)])
    await kit.write(actor=actor, facts=[fact(0, body(1), bulk=True)])
    await kit.write(actor=actor, facts=[fact(0, body(3)), fact(1, body(0, 2), bulk=True)])
    assert list(await kit.queries.meter_values("acme", "a")) == readings
    assert list(await kit.queries.meter_values("acme", "b")) == []


async def test_a_number_leads_to_its_session_and_to_no_other(kit: Kit) -> None:
    actor = Address("acme", "session", "a")
    number = NumberRow(tenant="acme", number=1001, station="s/1", session="a")
    await kit.write(session("a"), number, actor=actor)
    row = session("a")
    open_one = NumberedSession(1001, "a", "s/1", 1, 1, True, row.transaction_id, row.started_at)
    assert await kit.lookups.session_by_number("acme", 1001) == open_one
    assert list(await kit.lookups.open_sessions("acme", "s/1")) == [open_one]
    for wrong in (0, -1, 7, 2**31, -(2**40)):
        assert await kit.lookups.session_by_number("acme", wrong) is None

    thief = Address("acme", "session", "thief")
    outcome = await kit.try_write(msgspec.structs.replace(number, session="thief"), session("thief"), actor=thief)
    assert outcome.verdict is Verdict.REJECTED
    assert "belongs to session a" in outcome.reason
    assert await kit.queries.session("acme", "thief") is None, "nothing of a rejected turn is written"

    await kit.write(session("a", state="ended"), number, actor=actor)
    assert list(await kit.lookups.open_sessions("acme", "s/1")) == []
    found = await kit.lookups.session_by_number("acme", 1001)
    assert found is not None
    assert not found.open


async def test_a_2x_transaction_leads_to_its_session_by_the_stations_own_id(kit: Kit) -> None:
    id = session_id_for_transaction("s/1", "tx-1")
    row = session(id, transaction_id="tx-1")
    await kit.write(row, actor=Address("acme", "session", id))
    found = NumberedSession(1001, id, "s/1", 1, 1, True, "tx-1", row.started_at)
    assert await kit.lookups.session_by_transaction("acme", "s/1", "tx-1") == found
    for tenant_, station_, transaction in (("acme", "s/2", "tx-1"), ("other", "s/1", "tx-1"), ("acme", "s/1", "TX-1")):
        assert await kit.lookups.session_by_transaction(tenant_, station_, transaction) is None


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (journal("j2", ("1010", 5), ("4000", -4)), "unbalanced"),
        (sale("j1", gross=999), "differs"),
        (cdr("c2", "a"), "has CDR c1 already"),
        (cdr("c1", "a", body={"other": True}), "other content"),
    ],
)
async def test_a_turn_that_breaks_the_books_is_rejected_alone_and_says_why(kit: Kit, bad: Row, word: str) -> None:
    await kit.write(session("a"), sale("j1"), cdr("c1", "a"))
    good, worse = Writer(Address("acme", "session", "good")), Writer(Address("acme", "session", "bad"))
    turns = [good.turn(rows=[session("good"), sale("j9")]), worse.turn(rows=[session("bad"), bad], facts=[fact()])]
    outcomes = await kit.store.commit(MAIN, turns)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.COMMITTED, Verdict.REJECTED]
    assert word in outcomes[1].reason
    assert await kit.queries.session("acme", "good") is not None
    assert await kit.queries.session("acme", "bad") is None
    assert await kit.queries.journal("acme", "j9") is not None
    assert (await kit.store.recover([worse.actor], claim=False))[0].seq == 0


async def test_the_same_cdr_and_journal_again_are_the_same(kit: Kit) -> None:
    await kit.write(cdr("c1", "a"), sale("j1"))
    await kit.write(cdr("c1", "a"), sale("j1"))
    assert len((await kit.queries.journals("acme", "s1", 9, None)).items) == 1
    assert (await kit.queries.journals("acme", "s2", 9, None)).items == []


async def test_the_event_feed_resumes_after_any_event(kit: Kit) -> None:
    start = await kit.queries.last_event()
    for n in range(5):
        kind = "session.started" if n % 2 else "station.booted"
        who = "acme" if n < 4 else "other"
        await kit.write(EventRow(tenant=who, kind=kind, subject=str(n), at=AT, body={"n": n}))
    page = await kit.queries.events(None, (), start, 9)
    assert [event.body["n"] for event in page.items] == [0, 1, 2, 3, 4]
    assert [event.subject for event in (await kit.queries.events(None, (), page.items[2].id, 9)).items] == ["3", "4"]
    assert [event.subject for event in (await kit.queries.events("acme", (), None, 2)).items] == ["0", "1"]
    assert [event.subject for event in (await kit.queries.events(None, ("session.started",), None, 9)).items] == ["1", "3"]
    assert (await kit.queries.events(None, (), page.next, 9)).items == []
    tail = await kit.queries.last_event()
    await kit.write(EventRow(tenant="acme", kind="k", subject="later", at=AT, body={}))
    for cursor in (tail, page.next):
        assert [event.subject for event in (await kit.queries.events(None, (), cursor, 9)).items] == ["later"]


@pytest.mark.parametrize("after", ["x", "1", "-", "1-", "1-x", "99999999999999999999999-1", "1-99999999999999999999", "¹-1"])
async def test_an_event_id_that_is_not_ours_is_refused(database: Any, after: str) -> None:
    with pytest.raises(InvalidCursor):
        await PostgresQueries(database).events(None, (), after, 9)


async def test_api_tokens_are_found_by_hash_and_revoked_once(kit: Kit) -> None:
    owner = ApiToken(id="o", tenant=None, name="owner", role="admin", hash=b"o" * 32, created_at=AT)
    admin = ApiToken(id="a", tenant="acme", name="Ann", role="viewer", hash=b"a" * 32, created_at=AT, expires=AT)
    for one in (owner, admin, msgspec.structs.replace(admin, name="again")):
        await kit.tokens.create(one)
    assert await kit.tokens.find(b"a" * 32) == await kit.tokens.get("a") == admin
    assert await kit.tokens.find(b"x" * 32) is None
    assert list(await kit.tokens.list(None)) == [owner]
    assert list(await kit.tokens.list("acme")) == [admin]
    later = AT + timedelta(hours=1)
    assert [await kit.tokens.revoke(id, later) for id in ("a", "a", "nobody")] == [True, False, False]
    found = await kit.tokens.find(b"a" * 32)
    assert found is not None
    assert found.revoked_at == later


async def test_a_row_that_must_not_be_lost_is_not_for_the_sink(kit: Kit) -> None:
    kit.sink.put(AuditRow(tenant="acme", at=AT, who="ann", action="x", subject="y", detail={}))
    await kit.flush()
    with pytest.raises(TypeError):
        kit.sink.put(session("a"))
