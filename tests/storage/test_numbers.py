"""Transaction numbers: positive, 31 bits, each given out once, and there before anybody asks."""

from typing import Any

import pytest
import trio

from runtime.store import StoreAway
from storage import limits
from storage.database import Database
from storage.numbers import BLOCK, PostgresNumbers

pytestmark = pytest.mark.postgres


async def test_nodes_never_give_out_the_same_number(database: Database) -> None:
    taken: list[int] = []

    async def take(numbers: PostgresNumbers) -> None:
        for _ in range(300):
            taken.append(await numbers.take())
            await trio.lowlevel.checkpoint()

    nodes = [PostgresNumbers(database) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(node.run)
        async with trio.open_nursery() as takers:
            for node in nodes:
                for _ in range(3):
                    takers.start_soon(take, node)
        nursery.cancel_scope.cancel()
    assert len(taken) == len(set(taken)) == 2700
    assert min(taken) > 1000
    assert max(taken) < 2**31


class Counting:
    """The database, counting and on demand away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.calls = 0
        self.away = False

    async def fetchval(self, sql: str) -> Any:
        self.calls += 1
        if self.away:
            raise StoreAway("gone")
        return await self._database.fetchval(sql)


async def test_a_block_lasts_through_an_absence_of_the_database(database: Database) -> None:
    counting = Counting(database)
    numbers = PostgresNumbers(counting)  # type: ignore[arg-type]
    first = await numbers.take()
    counting.away = True
    assert [await numbers.take() for _ in range(BLOCK - 1)] == list(range(first + 1, first + BLOCK))
    with pytest.raises(StoreAway):
        await numbers.take()
    counting.away = False
    assert await numbers.take() >= first + BLOCK


async def test_the_keeper_fetches_the_next_block_before_the_last_one_is_empty(database: Database) -> None:
    counting = Counting(database)
    numbers = PostgresNumbers(counting)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(numbers.run)
        while not counting.calls:
            await trio.sleep(0.01)
        for _ in range(BLOCK - limits.NUMBERS_LOW + 1):
            await numbers.take()
        while counting.calls < 2:
            await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


async def test_many_that_wait_for_an_empty_block_fetch_one_between_them(database: Database) -> None:
    counting = Counting(database)
    numbers = PostgresNumbers(counting)  # type: ignore[arg-type]
    taken: list[int] = []

    async def take() -> None:
        taken.append(await numbers.take())

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(take)
    assert len(set(taken)) == 50
    assert counting.calls == 1


async def test_after_a_restore_to_an_earlier_time_numbers_jump_ahead(database: Database) -> None:
    before = await PostgresNumbers(database).take()
    await database.fetch("INSERT INTO number VALUES ($1, 'acme', 's', 'a')", before + 50_000)
    await database.fetchval("SELECT jump_numbers()")
    assert await PostgresNumbers(database).take() > before + 1_000_000


async def test_the_last_number_is_followed_by_an_error_and_not_by_the_first(database: Database) -> None:
    await database.execute("SELECT setval('transaction_number', 2147482001, false)")
    numbers = PostgresNumbers(database)
    taken = [await numbers.take() for _ in range(BLOCK)]
    assert max(taken) < 2**31
    with pytest.raises(Exception, match="reached maximum value"):
        await numbers.take()
