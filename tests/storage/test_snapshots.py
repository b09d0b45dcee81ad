"""Cards in memory: loaded at start, fresh within seconds, and never older than what this node itself put."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.model.rows import Row
from actors.model.token import Site, TokenCard, TokenTerms
from actors.ports import StationCard, TariffCard, TenantCard
from storage import limits
from storage.cards import Cards
from storage.database import Database
from storage.rows import body_of, kind_of
from storage.snapshots import FreshCards
from storage.upkeep import forget_one_time_tokens
from storage.vault import Vault
from tests.storage.shown import AT, station, tariff, tenant, token

pytestmark = pytest.mark.postgres
TERMS = TokenTerms((Site("s/1", (2,)),), ("de",), -3)


class Elsewhere:
    """Another node's turns: rows written with ever higher numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seq = 0

    async def write(self, *rows: Row) -> None:
        self._seq += 1
        for row in rows:
            sql = f"SELECT write_{kind_of(row)}('{{1}}', ARRAY[$1::bigint], $2::json[])"
            await self._database.fetch(sql, self._seq, [body_of(row)])


@pytest.fixture
def elsewhere(database: Database) -> Elsewhere:
    return Elsewhere(database)


def tariff_card(version: int, days: int = 0) -> TariffCard:
    return TariffCard("acme", "x", version, AT + timedelta(days=days), f"f{version}", "EUR", {})


def test_a_version_that_has_ended_gives_way_to_the_one_before_it() -> None:
    cards = Cards()
    cards.put_tariff(tariff_card(1))
    end = (AT + timedelta(days=7)).isoformat()
    cards.put_tariff(msgspec.structs.replace(tariff_card(2, 5), body={"end_date_time": end}))
    found = [cards.tariff("acme", "x", AT + timedelta(days=days)) for days in (4, 5, 6, 7)]
    assert [card and card.version for card in found] == [1, 2, 2, 1]
    cards.drop_tariff_version("acme", "x", 1)
    assert cards.tariff("acme", "x", AT + timedelta(days=7)) is None


def test_the_version_in_force_is_the_one_that_began_last() -> None:
    cards = Cards()
    for card in (tariff_card(3, 10), tariff_card(1), tariff_card(2, 5), tariff_card(4, 5)):
        cards.put_tariff(card)

    def version(days: float) -> int | None:
        found = cards.tariff("acme", "x", AT + timedelta(days=days))
        return found and found.version

    assert [version(days) for days in (-1, 0, 4.9, 5, 9.9, 10, 99)] == [None, 1, 1, 4, 4, 3, 3]
    cards.put_tariff(tariff_card(3, 1))
    assert version(2) == 3, "a version put again moves"
    cards.drop_tariff_version("acme", "x", 3)
    assert version(2) == 1
    cards.drop_tariff("acme", "x")
    assert version(99) is None


def test_a_dropped_tenant_takes_all_its_cards_along_and_nobody_elses() -> None:
    cards = Cards()
    for name in ("acme", "other"):
        cards.put_tenant(TenantCard(name, "EUR", "DE", "UTC", "refuse"))
        cards.put_station(StationCard(name, "s", 0, None, (), 1, None))
        cards.put_token(name, TokenCard("t", "Central", "Accepted", "…"))
    cards.drop_tenant("acme")
    assert (cards.tenant("acme"), cards.station("acme", "s"), cards.token("acme", "t")) == (None, None, None)
    assert cards.size() == {"tenants": 1, "stations": 1, "tokens": 1, "tariffs": 0}


async def test_every_card_is_there_after_loading(database: Database, elsewhere: Elsewhere) -> None:
    await elsewhere.write(
        tenant(), tenant("gone", deleted=True), token("t", payment="free", terms=TERMS), token("lost", deleted=True),
        tariff("x"), tariff("x", 2, valid_from=AT + timedelta(days=1)),
        station("s/1", tariff="x", location={"a": 1}), station("knocked", registered=False), station("old", deleted=True),
    )  # fmt: skip
    cards = FreshCards(database)
    await cards.load()
    assert cards.tenant("acme") == TenantCard("acme", "EUR", "DE", "Europe/Berlin", "inbox", {"a": [1, None]})
    assert cards.token("acme", "t") == TokenCard("t", "ISO14443", "Accepted", "04A2…81", payment="free", terms=TERMS)
    assert cards.station("acme", "s/1") == StationCard("acme", "s/1", 1, bytes(range(96)), ("ocpp1.6",), 1, "x", {"a": 1})
    found = [cards.tariff("acme", "x", AT + timedelta(days=n)) for n in range(2)]
    assert [card and card.version for card in found] == [1, 2]
    assert cards.size() == {"tenants": 1, "stations": 1, "tokens": 1, "tariffs": 1}


async def test_one_time_tokens_of_card_payments_leave_the_memory_once_no_session_can_be_theirs(
    database: Database, elsewhere: Elsewhere
) -> None:
    """Each payment makes one: kept for ever, they would fill every node."""
    now = datetime(2040, 1, 1, tzinfo=UTC)  # the database does its own chore beside us, by today's clock
    over = now - timedelta(days=limits.ONE_TIME_DAYS, hours=1)
    gone = now - timedelta(days=limits.ONE_TIME_GONE_DAYS, hours=1)
    await elsewhere.write(
        token("now", payment="attempt:a1", expires=now), token("over", payment="attempt:a2", expires=over),
        token("gone", payment="attempt:a3", expires=gone), token("card", payment="invoice", expires=gone),
    )  # fmt: skip
    cards = FreshCards(database)
    await cards.load()

    async def chore() -> int:
        return await database.run(lambda connection: forget_one_time_tokens(connection, now))

    assert await chore() == 2
    await cards.refresh()
    known = {name for name in ("now", "over", "gone", "card") if cards.token("acme", name) is not None}
    assert known == {"now", "card"}
    assert await chore() == 0
    assert [ref for (ref,) in await database.fetch("SELECT ref FROM token ORDER BY ref")] == ["card", "now", "over"]


async def test_what_a_station_said_it_is_comes_along(database: Database, elsewhere: Elsewhere) -> None:
    await elsewhere.write(station("s/1", boot={"vendor": "V", "model": "M", "firmware": "1"}), station("s/2"))
    cards = FreshCards(database)
    await cards.load()
    made = [card.made for name in ("s/1", "s/2") if (card := cards.station("acme", name)) is not None]
    assert made == [("V", "M", "1"), ("", "", "")]


async def test_the_sealed_texts_of_groups_come_along_and_those_of_other_tokens_do_not(
    database: Database, elsewhere: Elsewhere
) -> None:
    vault = Vault(bytes(32))
    sealed = {name: vault.seal("acme", name, "token", name) for name in ("g_1", "g_2", "t_1")}
    await elsewhere.write(token("t_1", group_ref="g_1"), sealed["t_1"], sealed["g_1"])
    cards = FreshCards(database)
    await cards.load()
    assert cards.group("acme", "g_1") == sealed["g_1"]
    assert cards.group("acme", "t_1") is None
    await elsewhere.write(token("t_2", group_ref="g_2"), sealed["g_2"])
    await cards.refresh()
    assert cards.group("acme", "g_2") == sealed["g_2"]


async def test_changes_made_elsewhere_arrive_with_the_next_look(database: Database, elsewhere: Elsewhere) -> None:
    await elsewhere.write(tenant(), token("t"), tariff("x"), station("s"))
    cards = FreshCards(database)
    await cards.load()
    await elsewhere.write(
        tenant(unknown_stations="accept"), token("t", status="Blocked"), tariff("x", 2), station("s", evses=2), token("u")
    )
    await cards.refresh()
    card = cards.tenant("acme")
    assert card is not None
    assert card.unknown_stations == "accept"
    found = (cards.token("acme", "t"), cards.station("acme", "s"), cards.tariff("acme", "x", AT), cards.token("acme", "u"))
    assert [getattr(one, field) for one, field in zip(found, ("status", "evses", "version", "ref"), strict=True)] == [
        "Blocked", 2, 2, "u",
    ]  # fmt: skip
    await elsewhere.write(token("t", deleted=True), tariff("x", 2, deleted=True), station("s", deleted=True))
    await cards.refresh()
    assert (cards.token("acme", "t"), cards.station("acme", "s"), cards.tariff("acme", "x", AT)) == (None, None, None)
    await elsewhere.write(tenant(deleted=True))
    await cards.refresh()
    assert (cards.tenant("acme"), cards.token("acme", "u")) == (None, None)


async def test_a_boot_changes_no_card_and_wakes_nobody(database: Database, elsewhere: Elsewhere) -> None:
    await elsewhere.write(station("s"))
    changed = "SELECT changed::text FROM station"
    before = await database.fetchval(changed)
    await elsewhere.write(station("s", boot={"model": "M"}, updated_at=AT + timedelta(days=1)))
    assert await database.fetchval(changed) == before
    await elsewhere.write(station("s", boot={"model": "M"}, auth=None))
    assert await database.fetchval(changed) != before


async def test_after_a_reconnect_everything_is_read_again(database: Database, elsewhere: Elsewhere) -> None:
    """A server that crashed gives transaction ids out again, and some of them below the horizon of the last look."""
    cards = FreshCards(database)
    await cards.load()
    cards._horizon = str(2**40)
    await cards.refresh()
    database.reconnects += 1
    await cards.refresh()
    assert int(cards._horizon) < 2**40


async def test_a_change_that_commits_late_is_not_missed(database: Database, elsewhere: Elsewhere) -> None:
    cards = FreshCards(database)
    await cards.load()
    entered, leave = trio.Event(), trio.Event()
    token_ = trio.lowlevel.current_trio_token()

    async def slowly(connection: Any) -> None:
        async with connection.transaction():
            await connection.fetch("SELECT write_token('{1}', '{1}', $1::json[])", [body_of(token("slow"))])
            token_.run_sync_soon(entered.set)
            while not leave.is_set():
                await connection.execute("SELECT pg_sleep(0.01)")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.run, slowly)
        await entered.wait()
        await elsewhere.write(token("quick"))
        await cards.refresh()
        assert cards.token("acme", "quick") is not None
        assert cards.token("acme", "slow") is None
        leave.set()
    await cards.refresh()
    assert cards.token("acme", "slow") is not None


async def test_what_this_node_puts_during_a_look_is_newer_than_what_the_look_brings(
    database: Database, elsewhere: Elsewhere
) -> None:
    await elsewhere.write(token("t"), station("s"))

    class Slow:
        """The database, but the station query waits for a hook."""

        reconnects = 0

        def __init__(self, hook: Callable[[], Awaitable[None]]) -> None:
            self.hook = hook
            self.fetchval = database.fetchval

        async def fetch(self, sql: str, *args: Any) -> Any:
            found = await database.fetch(sql, *args)
            if "FROM tariff" in sql:
                await self.hook()
            return found

    async def put() -> None:
        cards.put_token("acme", TokenCard("t", "ISO14443", "Blocked", "…"))
        cards.drop_station("acme", "s")

    cards = FreshCards(Slow(put))  # type: ignore[arg-type]
    await cards.refresh()
    found = cards.token("acme", "t")
    assert found is not None
    assert found.status == "Blocked"
    assert cards.station("acme", "s") is None


async def test_marks_from_before_a_restored_dump_do_not_count_as_changed_for_ever(
    database: Database, elsewhere: Elsewhere
) -> None:
    await elsewhere.write(token("t"), station("s"))
    for table in ("token", "station"):
        await database.execute(f"UPDATE {table} SET changed = '99999999999'")
    cards = FreshCards(database)
    await cards.load()
    assert cards.token("acme", "t") is not None
    highest = await database.fetchval(
        "SELECT max(changed::text::bigint) FROM (SELECT changed FROM token UNION SELECT changed FROM station) c"
    )
    assert highest < 99999999999


async def test_how_long_ten_thousand_stations_take(database: Database) -> None:
    """Printed; how fast it must be is for measurements on a quiet machine to say."""
    await database.fetch(
        """INSERT INTO station SELECT 'acme', 'station-' || n, true, 2, 1, sha256(n::text::bytea), '{ocpp1.6}', 'x',
            '{"city": "Köln", "address": "Domplatz 1"}', NULL, now(), false, n, 1 FROM generate_series(1, 10000) n"""
    )
    cards = FreshCards(database)
    started = trio.current_time()
    with trio.fail_after(60):
        await cards.load()
    print(f"10,000 station cards in {trio.current_time() - started:.3f} s")
    assert cards.size()["stations"] == 10_000
