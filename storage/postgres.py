"""The runtime's store on PostgreSQL. What each call does to the database stands in commit, recover, obligations and waiting."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from runtime.address import Address
from runtime.store import (
    DeadLetter,
    Obligations,
    OutboxItem,
    Outcome,
    Recovered,
    StoreAway,
    StoredFact,
    StoredLetter,
    StoredTimer,
)
from runtime.turn import MAIN, StagedTurn
from storage import limits, obligations, recover, waiting
from storage.commit import Committer
from storage.database import Database

T = TypeVar("T")


class PostgresStore:
    """`runtime.store.Store`. A lane that the database was not opened with is served by the main one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lanes = {lane: Committer(link, database.keys) for lane, link in database.lanes.items()}

    async def commit(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        if not turns:
            return []
        committer = self._lanes.get(lane) or self._lanes[MAIN]
        return await self._database.bridge.call(committer.commit, turns, shielded=True)

    async def recover(self, addresses: Sequence[Address], *, claim: bool) -> Sequence[Recovered]:
        found: list[Recovered] = []
        for start in range(0, len(addresses), limits.RECOVER_AT_ONCE):
            some = addresses[start : start + limits.RECOVER_AT_ONCE]
            found += await self._ask(recover.claim_and_read if claim else recover.read, some, self._database.keys)
        return found

    async def full_history(self, address: Address) -> Sequence[StoredFact]:
        return await self._ask(recover.history, address)

    async def waiting_letters(self, older_than: datetime, limit: int) -> Sequence[StoredLetter]:
        return await self._ask(recover.waiting_letters, older_than, limit)

    async def due_timers(self, now: datetime, limit: int) -> Sequence[StoredTimer]:
        return await self._ask(obligations.due_timers, now, limit)

    async def next_timer(self) -> datetime | None:
        return await self._ask(obligations.next_timer)

    async def list_timers(
        self, tenant: str | None, actor: Address | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[StoredTimer], str | None]:
        return await self._ask(waiting.timers, tenant, actor, limit, cursor)

    async def obligations(self, actor: Address, limit: int) -> Obligations:
        return await self._ask(waiting.obligations, actor, limit)

    async def take_outbox(self, topics: Sequence[str], limit: int, lease: float) -> Sequence[OutboxItem]:
        return await self._ask(obligations.take_outbox, topics, limit, lease)

    async def retry_outbox(self, actor: Address, effect_id: str, at: datetime, error: str) -> None:
        await self._ask(obligations.retry_outbox, actor, effect_id, at, error)

    async def bury(self, dead: DeadLetter) -> None:
        await self._ask(obligations.bury, dead)

    async def dead_letters(
        self, tenant: str | None, state: str | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[DeadLetter], str | None]:
        return await self._ask(obligations.dead_letters, tenant, state, limit, cursor)

    async def dead_letter(self, dead_id: str) -> DeadLetter | None:
        return await self._ask(obligations.dead_letter, dead_id)

    async def settle_dead_letter(self, dead_id: str, state: str) -> bool:
        return await self._ask(obligations.settle_dead_letter, dead_id, state)

    async def _ask(self, job: Callable[..., Awaitable[T]], *args: Any) -> T:
        """`job(connection, *args)` on a connection for the runtime's questions; deadlocks are run again."""
        for _ in range(limits.SERIALIZATION_RETRIES):
            try:
                return await self._database.bridge.call(self._database.state.use, job, *args)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
        raise StoreAway("met a deadlock again and again")
