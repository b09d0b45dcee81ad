"""The port to durability. The storage room implements it twice: on PostgreSQL and in memory.

Both pass one contract suite. Every method is a trio coroutine; the implementation may live on another
thread, so callers hand over whole batches and never assume that a cancelled call did not happen.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from runtime.address import Address
from runtime.turn import CheckpointRow, EffectRow, FactRow, LetterKey, StagedTurn


class StoreAway(Exception):
    """The database cannot be reached, or it went away and the outcome is not known.

    After it, submit the *same* turns again: what was committed answers COMMITTED.
    """


class Verdict(enum.Enum):
    COMMITTED = "committed"
    """Written, or found already written by this very turn id."""
    CONFLICT = "conflict"
    """Another incarnation moved the head: throw the state away, reload or stop."""
    GONE = "gone"
    """The letter or the timer that caused the turn was consumed before: drop the turn, keep the state."""
    REJECTED = "rejected"
    """This turn breaks a constraint (`reason` says which). It failed alone; the actor treats it as a crash."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    verdict: Verdict
    reason: str = ""


class StoredFact(msgspec.Struct, frozen=True, gc=False):
    seq: int
    row: FactRow


class StoredLetter(msgspec.Struct, frozen=True, gc=False):
    to: Address
    key: LetterKey
    body: bytes


class StoredTimer(msgspec.Struct, frozen=True, gc=False):
    actor: Address
    name: str
    at: datetime
    body: bytes


class Recovered(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All that an incarnation starts from. `seq` 0 and `turn` NO_TURN: the actor has never committed.

    `facts` are those after the checkpoint in order of (seq, n), bulk ones merged in; `letters` are waiting
    ones, oldest first; `effects` are this actor's open "once" effects (their outcome is unknown).
    """

    seq: int
    turn: bytes
    checkpoint_seq: int = 0
    checkpoint: CheckpointRow | None = None
    facts: Sequence[StoredFact] = ()
    letters: Sequence[StoredLetter] = ()
    effects: Sequence[EffectRow] = ()


class OutboxItem(msgspec.Struct, frozen=True, gc=False):
    """A "redeliver" effect taken by a worker: `attempt` counts from 1; the lease ends by itself."""

    actor: Address
    effect: EffectRow
    attempt: int


class WaitingLetter(msgspec.Struct, frozen=True, gc=False):
    """A letter that its receiver has not consumed yet."""

    key: LetterKey
    sent_at: datetime
    body: bytes


class OpenEffect(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An effect that no turn has settled: `due` is when a worker may take it (again), `error` what went wrong last."""

    effect: EffectRow
    attempt: int
    due: datetime
    error: str | None


class Obligations(msgspec.Struct, frozen=True):
    """What still waits for one actor (letters) and what it still wants of the world (effects), oldest first."""

    letters: Sequence[WaitingLetter] = ()
    effects: Sequence[OpenEffect] = ()


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that crashed its actor too often, kept with what is needed to replay or discard it."""

    id: str
    actor: Address
    at: datetime
    message_type: str
    body: bytes
    fingerprint: str
    error: str
    traceback: str
    correlation: str
    state: str = "open"


class Store(Protocol):
    async def commit(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        """Write a batch in one transaction; one outcome per turn, in order. At most one turn an actor.

        A turn that cannot be written fails alone. Raises StoreAway when the database is away or the
        outcome of COMMIT is unknown: submit again.
        """
        ...

    async def recover(self, addresses: Sequence[Address], *, claim: bool) -> Sequence[Recovered]:
        """What each incarnation starts from; `claim` raises the head's epoch. Raises StoreAway."""
        ...

    async def full_history(self, address: Address) -> Sequence[StoredFact]:
        """Every fact from the first on, for when a checkpoint cannot be decoded. Raises StoreAway."""
        ...

    async def waiting_letters(self, older_than: datetime, limit: int) -> Sequence[StoredLetter]:
        """Letters that nobody has consumed since before `older_than` (the sweep)."""
        ...

    async def due_timers(self, now: datetime, limit: int) -> Sequence[StoredTimer]: ...

    async def next_timer(self) -> datetime | None:
        """When the earliest timer is due; None when there is none."""
        ...

    async def list_timers(
        self, tenant: str | None, actor: Address | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[StoredTimer], str | None]:
        """Durable timers of one actor, else of a tenant, else of all, the next first; with them the cursor of what follows."""
        ...

    async def obligations(self, actor: Address, limit: int) -> Obligations:
        """At most `limit` of each kind."""
        ...

    async def take_outbox(self, topics: Sequence[str], limit: int, lease: float) -> Sequence[OutboxItem]:
        """Lease due "redeliver" effects (SKIP LOCKED); a lease that is not settled ends after `lease` s."""
        ...

    async def retry_outbox(self, actor: Address, effect_id: str, at: datetime, error: str) -> None:
        """Give a leased effect back, due again at `at`."""
        ...

    async def bury(self, dead: DeadLetter) -> None:
        """Keep a dead letter durably; idempotent by id."""
        ...

    async def dead_letters(
        self, tenant: str | None, state: str | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[DeadLetter], str | None]: ...

    async def dead_letter(self, dead_id: str) -> DeadLetter | None: ...

    async def settle_dead_letter(self, dead_id: str, state: str) -> bool:
        """Mark as "replayed" or "discarded"; False when it was not open."""
        ...


class Health(Protocol):
    """What the `database` child of the node shows: losing PostgreSQL is a state, never an exit."""

    @property
    def ready(self) -> bool: ...
    def describe(self) -> dict[str, Any]: ...
