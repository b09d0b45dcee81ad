"""A small store in memory that can be told to fail, and a counter actor, for the runtime's own tests."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
import trio

from runtime.actor import Actor
from runtime.address import Address
from runtime.clock import ManualClock
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
from runtime.system import System
from runtime.turn import NO_TURN, CheckpointRow, LetterKey, StagedTurn


class _Head:
    def __init__(self) -> None:
        self.seq = 0
        self.turn = NO_TURN
        self.epoch = 0
        self.facts: list[StoredFact] = []
        self.checkpoint: CheckpointRow | None = None
        self.checkpoint_seq = 0


class FaultyStore:
    """All of runtime.store.Store, in memory. `faults` decides per call what goes wrong; `latency` makes it wait."""

    def __init__(self, latency: float = 0.0, rng: random.Random | None = None) -> None:
        self.heads: dict[Address, _Head] = {}
        self.letters: dict[tuple[Address, LetterKey], tuple[datetime, bytes]] = {}
        self.timers: dict[tuple[Address, str], tuple[datetime, bytes]] = {}
        self.effects: dict[tuple[Address, str], list[Any]] = {}
        self.dead: dict[str, DeadLetter] = {}
        self.rows: list[Any] = []
        self.latency = latency
        self.rng = rng or random.Random(0)
        self.away = False
        self.lose_before = 0.0
        """Share of commits that fail before anything is written."""
        self.lose_after = 0.0
        """Share of commits that are written whole, but StoreAway says their outcome is unknown."""
        self.commits: list[list[StagedTurn]] = []
        self.recoveries: list[int] = []
        self.reject: Any = None
        self.raise_for: Any = None

    def head(self, address: Address) -> _Head:
        return self.heads.setdefault(Address(*address), _Head())

    async def _travel(self) -> None:
        if self.latency:
            await trio.sleep(self.latency * (0.5 + self.rng.random()))
        else:
            await trio.lowlevel.checkpoint()

    async def commit(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        await self._travel()
        if self.away or self.rng.random() < self.lose_before:
            raise StoreAway
        assert len({turn.actor for turn in turns}) == len(turns), "two turns of one actor in one batch"
        for turn in turns:
            if self.raise_for is not None and self.raise_for(turn):
                raise RuntimeError("the store chokes on this turn")
        outcomes = [self._write(turn) for turn in turns]
        self.commits.append(list(turns))
        await self._travel()
        if self.rng.random() < self.lose_after:
            raise StoreAway
        return outcomes

    def _write(self, turn: StagedTurn) -> Outcome:
        head = self.head(turn.actor)
        if head.turn == turn.turn:
            return Outcome(Verdict.COMMITTED)
        if head.seq != turn.seq or head.turn != turn.prev_turn:
            return Outcome(Verdict.CONFLICT)
        if turn.consumed is not None and (turn.actor, turn.consumed) not in self.letters:
            return Outcome(Verdict.GONE)
        if turn.fired is not None:
            row = self.timers.get((turn.actor, turn.fired[0]))
            if row is None or row[0] != turn.fired[1]:
                return Outcome(Verdict.GONE)
        if self.reject is not None and self.reject(turn):
            return Outcome(Verdict.REJECTED, "a constraint")
        self._write_rows(head, turn)
        return Outcome(Verdict.COMMITTED)

    def _write_rows(self, head: _Head, turn: StagedTurn) -> None:
        seq = turn.seq + 1
        head.seq, head.turn = seq, turn.turn
        head.facts += [StoredFact(seq, row) for row in turn.facts]
        if turn.checkpoint is not None:
            head.checkpoint, head.checkpoint_seq = turn.checkpoint, seq
        if turn.consumed is not None:
            del self.letters[turn.actor, turn.consumed]
        if turn.fired is not None:
            del self.timers[turn.actor, turn.fired[0]]
        for letter in turn.letters:
            self.letters[letter.to, LetterKey(turn.actor, seq, letter.n)] = (turn.at, letter.body)
        for timer in turn.timers:
            if timer.at is None:
                self.timers.pop((turn.actor, timer.name), None)
            else:
                self.timers[turn.actor, timer.name] = (timer.at, timer.body)
        for effect in turn.effects:
            self.effects.setdefault((turn.actor, effect.id), [effect, None, 0, turn.at])
        for effect_id, outcome in turn.settled:
            row = self.effects.get((turn.actor, effect_id))
            if row is not None:
                row[1] = outcome
        self.rows += turn.rows

    async def recover(self, addresses: Sequence[Address], *, claim: bool) -> Sequence[Recovered]:
        await self._travel()
        if self.away:
            raise StoreAway
        self.recoveries.append(len(addresses))
        return [self._recovered(address, claim) for address in addresses]

    def _recovered(self, address: Address, claim: bool) -> Recovered:
        head = self.head(address)
        head.epoch += claim
        letters = [StoredLetter(to, key, body) for (to, key), (_, body) in self.letters.items() if to == address]
        return Recovered(
            seq=head.seq,
            turn=head.turn,
            checkpoint=head.checkpoint,
            checkpoint_seq=head.checkpoint_seq,
            facts=[fact for fact in head.facts if fact.seq > head.checkpoint_seq],
            letters=letters,
            effects=[e[0] for (a, _), e in self.effects.items() if a == address and e[1] is None and e[0].klass == "once"],
        )

    async def full_history(self, address: Address) -> Sequence[StoredFact]:
        await self._travel()
        if self.away:
            raise StoreAway
        return list(self.head(address).facts)

    async def waiting_letters(self, older_than: datetime, limit: int) -> Sequence[StoredLetter]:
        await self._travel()
        if self.away:
            raise StoreAway
        return [StoredLetter(to, key, body) for (to, key), (at, body) in self.letters.items() if at < older_than][:limit]

    async def due_timers(self, now: datetime, limit: int) -> Sequence[StoredTimer]:
        await self._travel()
        if self.away:
            raise StoreAway
        due = [StoredTimer(actor, name, at, body) for (actor, name), (at, body) in self.timers.items() if at <= now]
        return sorted(due, key=lambda timer: timer.at)[:limit]

    async def next_timer(self) -> datetime | None:
        await self._travel()
        return min((at for at, _ in self.timers.values()), default=None)

    async def list_timers(self, tenant: str | None, actor: Address | None, limit: int, cursor: str | None) -> Any:
        await self._travel()
        rows = [StoredTimer(owner, name, at, body) for (owner, name), (at, body) in self.timers.items() if actor in (None, owner)]
        return sorted(rows, key=lambda timer: timer.at)[:limit], None

    async def obligations(self, actor: Address, limit: int) -> Obligations:
        await self._travel()
        letters = [WaitingLetter(key, at, body) for (to, key), (at, body) in self.letters.items() if to == actor]
        effects = [
            OpenEffect(effect=row[0], attempt=row[2], due=row[3], error=None)
            for (owner, _), row in self.effects.items()
            if owner == actor and row[1] is None
        ]
        return Obligations(letters[:limit], effects[:limit])

    async def take_outbox(self, topics: Sequence[str], limit: int, lease: float) -> Sequence[OutboxItem]:
        await self._travel()
        if self.away:
            raise StoreAway
        now = clock_now()
        taken = []
        for (actor, _), row in self.effects.items():
            effect, outcome, attempts, due = row
            if outcome is None and effect.klass == "redeliver" and effect.topic in topics and due <= now and len(taken) < limit:
                row[2], row[3] = attempts + 1, now + timedelta(seconds=lease)
                taken.append(OutboxItem(actor, effect, attempts + 1))
        return taken

    async def retry_outbox(self, actor: Address, effect_id: str, at: datetime, error: str) -> None:
        await self._travel()
        self.effects[actor, effect_id][3] = at

    async def bury(self, dead: DeadLetter) -> None:
        await self._travel()
        if self.away:
            raise StoreAway
        self.dead.setdefault(dead.id, dead)

    async def dead_letters(self, tenant: str | None, state: str | None, limit: int, cursor: str | None) -> Any:
        await self._travel()
        return list(self.dead.values())[:limit], None

    async def dead_letter(self, dead_id: str) -> DeadLetter | None:
        await self._travel()
        return self.dead.get(dead_id)

    async def settle_dead_letter(self, dead_id: str, state: str) -> bool:
        await self._travel()
        dead = self.dead.get(dead_id)
        if dead is None or dead.state != "open":
            return False
        self.dead[dead_id] = msgspec.structs.replace(dead, state=state)
        return True


START = datetime(2026, 1, 1, tzinfo=UTC)


def clock_now() -> datetime:
    """The wall clock of a simulated node: MockClock starts at 0."""
    return START + timedelta(seconds=trio.current_time())


# -- a small domain


class Letter(msgspec.Struct, frozen=True):
    to: tuple[str, str, str]
    message: Any


class Effect(msgspec.Struct, frozen=True):
    id: str
    klass: str
    topic: str
    body: bytes = b""
    not_after: datetime | None = None


class Timer(msgspec.Struct, frozen=True):
    name: str
    at: datetime | None
    message: Any = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    facts: Sequence[Any] = ()
    letters: Sequence[Any] = ()
    signals: Sequence[Any] = ()
    effects: Sequence[Any] = ()
    settled: Sequence[tuple[str, str]] = ()
    timers: Sequence[Any] = ()
    rows: Sequence[Any] = ()
    reply: Any = None
    forward: Any = None
    later: str | None = None
    answers: Sequence[tuple[str, Any]] = ()
    lane: str = "main"


class Added(msgspec.Struct, frozen=True, tag="added"):
    amount: int
    who: str = ""


class Tally(msgspec.Struct, frozen=True):
    total: int = 0
    turns: int = 0
    log: tuple[str, ...] = ()


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A letter or timer: add `amount`, remember `who`."""

    amount: int
    who: str


class Add(msgspec.Struct, frozen=True):
    amount: int
    who: str = ""
    letters: tuple[tuple[tuple[str, str, str], Note], ...] = ()


class Get(msgspec.Struct, frozen=True):
    pass


class Boom(msgspec.Struct, frozen=True, tag="boom"):
    text: str = "boom"


class Do(msgspec.Struct, frozen=True):
    """Decide exactly this."""

    decision: Any


class Counter(Actor[Tally]):
    """Adds. `Boom` crashes it, `Do` makes it decide what the test wants."""

    kind = "counter"
    state_type = Tally
    fact_type = Added
    durable_type: ClassVar[Any] = Note | Boom
    checkpoint_every = 8
    idle_seconds = 30.0

    def initial(self) -> Tally:
        return Tally()

    def decide(self, state: Tally, message: Any, now: datetime) -> Any:
        if isinstance(message, Add):
            letters = [Letter(to, note) for to, note in message.letters]
            return Decision(facts=(Added(message.amount, message.who),), letters=letters, reply=state.total + message.amount)
        if isinstance(message, Note):
            return Decision(facts=(Added(message.amount, message.who),))
        if isinstance(message, Get):
            return Decision(reply=state)
        if isinstance(message, Do):
            return message.decision
        if isinstance(message, Boom):
            raise RuntimeError(message.text)
        return Decision(reply=message)

    def apply(self, state: Tally, fact: Added) -> Tally:
        log = (*state.log, fact.who)[-200:] if fact.who else state.log
        return Tally(state.total + fact.amount, state.turns + 1, log)


def node(store: Any, *, seed: int = 1, clock: Any = None, factory: Any = Counter, **more: Any) -> System:
    system = System(store, clock=clock or ManualClock(START, origin=0.0), random=random.Random(seed), **more)
    system.register("counter", factory)
    return system


@asynccontextmanager
async def running(store: Any, *, reports: list[Any] | None = None, **more: Any) -> AsyncIterator[System]:
    """A node that serves while the block runs and is cancelled after it. `reports` collects what it reports."""
    system = node(store, report=(reports if reports is not None else []).append, **more)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield system
        nursery.cancel_scope.cancel()


def facts_of(store: FaultyStore, address: tuple[str, str, str]) -> list[str]:
    """Bodies of what is durable, in order."""
    return [fact.row.body.decode() for fact in store.head(Address(*address)).facts]
