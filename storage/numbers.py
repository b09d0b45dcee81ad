"""Transaction numbers for OCPP 1.6: positive, 31 bits, unique over the installation, never used again.

A sequence in the database hands out blocks of 1,000, and a node takes numbers from its block in memory. While the
keeper runs, the next block is fetched long before the last one is empty, so that a StartTransaction waits for a
number only when the database is away. What is left of a block when a node stops is never used: a thousand restarts a
day last for five years of numbers, and the sequence ends with an error rather than from the beginning again.
"""

from collections import deque

import trio

from runtime.store import StoreAway
from storage import limits
from storage.database import Database

BLOCK = 1000
"""The increment of the sequence `transaction_number` (migration 0003)."""


class PostgresNumbers:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._blocks: deque[range] = deque()
        self._left = 0
        self._fetching = trio.Lock()
        self._low = trio.Event()

    async def take(self) -> int:
        while not self._left:
            await self._fetch()
        block = self._blocks[0]
        number = block[0]
        if len(block) == 1:
            self._blocks.popleft()
        else:
            self._blocks[0] = block[1:]
        self._left -= 1
        if self._left < limits.NUMBERS_LOW:
            self._low.set()
        return number

    async def _fetch(self) -> None:
        async with self._fetching:
            if self._left:
                return  # whoever waited before brought a block
            await self._add()

    async def _add(self) -> None:
        first = int(await self._db.fetchval("SELECT nextval('transaction_number')"))
        self._blocks.append(range(first, first + BLOCK))
        self._left += BLOCK

    async def run(self) -> None:
        """Keeps the block from running out. Runs until cancelled; a database that is away is tried again."""
        while True:
            if self._left < limits.NUMBERS_LOW:
                try:
                    async with self._fetching:
                        await self._add()
                except StoreAway:
                    await trio.sleep(limits.RETRY_AWAY)
                    continue
            self._low = trio.Event()
            await self._low.wait()
