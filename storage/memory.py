"""The store in memory: the twin of the PostgreSQL one, for tests and simulations that bend time.

It passes the same contract suite (tests/storage/test_store_contract.py). Nothing outlives the process. `away = True`
makes every call raise StoreAway, as a database does that went away; what was committed before stays.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import trio

from runtime.address import Address
from runtime.store import (
    DeadLetter,
    Obligations,
    OpenEffect,
    OutboxItem,
    Outcome,
    Recovered,
    StoreAway,
    StoredFact,
    StoredLetter,
    StoredTimer,
    Verdict,
    WaitingLetter,
)
from runtime.turn import NO_TURN, CheckpointRow, EffectRow, LetterKey, StagedTurn
from storage import cursors
from storage.memory_rows import MemoryRows
from storage.rows import UnknownRow, kind_of

_COMMITTED = Outcome(Verdict.COMMITTED)
_CONFLICT = Outcome(Verdict.CONFLICT)
_GONE = Outcome(Verdict.GONE)
_KLASSES = ("redeliver", "once")


class _Head(msgspec.Struct):
    seq: int = 0
    turn: bytes = NO_TURN
    epoch: int = 0


class _Waiting(msgspec.Struct):
    """A letter; `order` is that of the turns which wrote them."""

    order: int
    sent_at: datetime
    body: bytes


class _Open(msgspec.Struct):
    """An outbox row."""

    order: int
    effect: EffectRow
    due: datetime
    attempt: int = 0
    error: str | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """`runtime.store.Store`, and always `ready` as a Health unless it is made `away`."""

    def __init__(self, rows: MemoryRows | None = None, now: Callable[[], datetime] = _utc_now) -> None:
        """`rows` takes the rows of turns (share it with MemoryQueries and the like); `now` is the leases' clock."""
        self.rows = MemoryRows() if rows is None else rows
        self.away = False
        self._now = now
        self._order = count(1)
        self._heads: dict[Address, _Head] = {}
        self._facts: dict[Address, list[StoredFact]] = defaultdict(list)
        self._checkpoints: dict[Address, tuple[int, CheckpointRow]] = {}
        self._letters: dict[Address, dict[LetterKey, _Waiting]] = defaultdict(dict)
        self._timers: dict[Address, dict[str, StoredTimer]] = defaultdict(dict)
        self._outbox: dict[Address, dict[str, _Open]] = defaultdict(dict)
        self._dead: dict[str, DeadLetter] = {}

    @property
    def ready(self) -> bool:
        return not self.away

    def describe(self) -> dict[str, Any]:
        return {"state": "ready" if self.ready else "away", "dsn": "memory"}

    def epoch(self, address: Address) -> int:
        """How often this actor was claimed."""
        head = self._heads.get(address)
        return 0 if head is None else head.epoch

    async def _reach(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.away:
            raise StoreAway("the store is away")

    # Commit

    async def commit(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        await self._reach()
        return [self._commit(turn) for turn in turns]

    def _commit(self, turn: StagedTurn) -> Outcome:
        head = self._heads.get(turn.actor) or _Head()
        if head.turn == turn.turn:
            return _COMMITTED
        if (head.seq, head.turn) != (turn.seq, turn.prev_turn):
            return _CONFLICT
        if self._is_gone(turn):
            return _GONE
        reason = self._broken(turn)
        if reason:
            return Outcome(Verdict.REJECTED, reason)
        self._heads[turn.actor] = _Head(turn.seq + 1, turn.turn, head.epoch)
        self._write(turn)
        return _COMMITTED

    def _is_gone(self, turn: StagedTurn) -> bool:
        if turn.consumed is not None and turn.consumed not in self._letters[turn.actor]:
            return True
        if turn.fired is None:
            return False
        timer = self._timers[turn.actor].get(turn.fired[0])
        return timer is None or timer.at != turn.fired[1]

    def _broken(self, turn: StagedTurn) -> str:
        """What a constraint of the database would say of this turn."""
        try:
            for row in turn.rows:
                kind_of(row)
        except UnknownRow as error:
            return str(error)
        for effect in turn.effects:
            if effect.klass not in _KLASSES:
                return f"effect {effect.id} is of no known class: {effect.klass!r}"
        return self.rows.reject(turn.rows)

    def _write(self, turn: StagedTurn) -> None:
        actor, number = turn.actor, turn.seq + 1
        if turn.consumed is not None:
            del self._letters[actor][turn.consumed]
        if turn.fired is not None:
            del self._timers[actor][turn.fired[0]]
        self._facts[actor] += [StoredFact(number, fact) for fact in sorted(turn.facts, key=lambda fact: fact.n)]
        if turn.checkpoint is not None:
            self._checkpoints[actor] = (number, turn.checkpoint)
        for letter in turn.letters:
            key = LetterKey(actor, number, letter.n)
            self._letters[letter.to][key] = _Waiting(next(self._order), turn.at, letter.body)
        for timer in turn.timers:
            if timer.at is None:
                self._timers[actor].pop(timer.name, None)
            else:
                self._timers[actor][timer.name] = StoredTimer(actor, timer.name, timer.at, timer.body)
        for effect_id, _ in turn.settled:
            self._outbox[actor].pop(effect_id, None)
        for effect in turn.effects:
            self._outbox[actor].setdefault(effect.id, _Open(next(self._order), effect, self._now()))
        self.rows.write(number, turn.rows)

    # Recovery

    async def recover(self, addresses: Sequence[Address], *, claim: bool) -> Sequence[Recovered]:
        await self._reach()
        return [self._recover(address, claim) for address in addresses]

    def _recover(self, address: Address, claim: bool) -> Recovered:
        head = self._heads.get(address)
        if head is not None and claim:
            head.epoch += 1
        seq, checkpoint = self._checkpoints.get(address, (0, None))
        return Recovered(
            seq=0 if head is None else head.seq,
            turn=NO_TURN if head is None else head.turn,
            checkpoint_seq=seq,
            checkpoint=checkpoint,
            facts=[fact for fact in self._facts[address] if fact.seq > seq],
            letters=[StoredLetter(address, key, body) for _, key, body in self._waiting(address)],
            effects=[open_.effect for open_ in self._outbox[address].values() if open_.effect.klass == "once"],
        )

    def _waiting(self, address: Address) -> list[tuple[int, LetterKey, bytes]]:
        return sorted(
            ((letter.order, key, letter.body) for key, letter in self._letters[address].items()),
            key=lambda waiting: waiting[0],
        )

    async def full_history(self, address: Address) -> Sequence[StoredFact]:
        await self._reach()
        return list(self._facts[address])

    async def waiting_letters(self, older_than: datetime, limit: int) -> Sequence[StoredLetter]:
        await self._reach()
        waiting = [
            (letter.order, StoredLetter(to, key, letter.body))
            for to, letters in self._letters.items()
            for key, letter in letters.items()
            if letter.sent_at < older_than
        ]
        return [letter for _, letter in sorted(waiting, key=lambda pair: pair[0])[:limit]]

    # Obligations

    async def due_timers(self, now: datetime, limit: int) -> Sequence[StoredTimer]:
        await self._reach()
        due = [timer for timers in self._timers.values() for timer in timers.values() if timer.at <= now]
        return sorted(due, key=lambda timer: timer.at)[:limit]

    async def next_timer(self) -> datetime | None:
        await self._reach()
        return min((timer.at for timers in self._timers.values() for timer in timers.values()), default=None)

    async def list_timers(
        self, tenant: str | None, actor: Address | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[StoredTimer], str | None]:
        await self._reach()
        after = cursors.decode(cursor, datetime, str, str, str, str)
        found = sorted(
            (timer.at, *timer.actor, timer.name, timer)
            for timers in self._timers.values()
            for timer in timers.values()
            if (timer.actor == actor if actor is not None else tenant in (None, timer.actor.tenant))
        )
        left = [entry for entry in found if after is None or entry[:5] > after]
        page = [entry[5] for entry in left[:limit]]
        return page, cursors.encode(*left[limit - 1][:5]) if len(left) > limit else None

    async def obligations(self, actor: Address, limit: int) -> Obligations:
        await self._reach()
        letters = sorted(self._letters.get(actor, {}).items(), key=lambda item: item[1].order)[:limit]
        effects = sorted(self._outbox.get(actor, {}).values(), key=lambda open_: open_.order)[:limit]
        return Obligations(
            [WaitingLetter(key, letter.sent_at, letter.body) for key, letter in letters],
            [OpenEffect(effect=o.effect, attempt=o.attempt, due=o.due, error=o.error) for o in effects],
        )

    async def take_outbox(self, topics: Sequence[str], limit: int, lease: float) -> Sequence[OutboxItem]:
        await self._reach()
        now = self._now()
        ready = [
            (actor, open_)
            for actor, effects in self._outbox.items()
            for open_ in effects.values()
            if open_.effect.klass == "redeliver" and open_.effect.topic in topics and open_.due <= now
        ]
        taken = []
        for actor, open_ in sorted(ready, key=lambda pair: (pair[1].due, pair[1].order))[:limit]:
            open_.attempt += 1
            open_.due = now + timedelta(seconds=lease)
            taken.append(OutboxItem(actor, open_.effect, open_.attempt))
        return taken

    async def retry_outbox(self, actor: Address, effect_id: str, at: datetime, error: str) -> None:
        await self._reach()
        open_ = self._outbox[actor].get(effect_id)
        if open_ is not None:
            open_.due, open_.error = at, error

    async def bury(self, dead: DeadLetter) -> None:
        await self._reach()
        self._dead.setdefault(dead.id, dead)

    async def dead_letters(
        self, tenant: str | None, state: str | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[DeadLetter], str | None]:
        await self._reach()
        after = cursors.decode(cursor, datetime, str)
        found = sorted(
            (
                dead
                for dead in self._dead.values()
                if (tenant is None or dead.actor.tenant == tenant)
                and (state is None or dead.state == state)
                and (after is None or (dead.at, dead.id) < after)
            ),
            key=lambda dead: (dead.at, dead.id),
            reverse=True,
        )
        if len(found) <= limit:
            return found, None
        return found[:limit], cursors.encode(found[limit - 1].at, found[limit - 1].id)

    async def dead_letter(self, dead_id: str) -> DeadLetter | None:
        await self._reach()
        return self._dead.get(dead_id)

    async def settle_dead_letter(self, dead_id: str, state: str) -> bool:
        await self._reach()
        dead = self._dead.get(dead_id)
        if dead is None or dead.state != "open":
            return False
        self._dead[dead_id] = msgspec.structs.replace(dead, state=state)
        return True
