"""What one turn of an actor asks for, and what of it is written.

`decide` returns a decision; the runtime reads the attributes named in `Decision` below and nothing else,
so the domain keeps its own decision type and imports nothing from here (structural typing). The runtime
encodes facts, letters and timers with the codec of the actor concerned and stages one `StagedTurn`:
everything in it is committed together or not at all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from runtime.address import Address

MAIN = "main"
"""The committer lane of ordinary turns."""


class Letter(Protocol):
    """What another actor must learn: committed with the turn, delivered after it, at least once, applied once."""

    @property
    def to(self) -> tuple[str, str, str]: ...
    @property
    def message(self) -> Any: ...


class Signal(Protocol):
    """A volatile tell, sent after the commit. Lost in a crash, so only for what can be derived again."""

    @property
    def to(self) -> tuple[str, str, str]: ...
    @property
    def message(self) -> Any: ...


class Effect(Protocol):
    """A wish towards the outside, an outbox row with a deterministic id.

    `klass` is "redeliver" (idempotent at the receiver, sent by the outbox worker until an actor's commit
    completes it) or "once" (never resent: the actor's own `released` hook sends it after the commit).
    """

    @property
    def id(self) -> str: ...
    @property
    def klass(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def not_after(self) -> datetime | None: ...


class Timer(Protocol):
    """A durable timer of this actor: `name` is unique per actor, setting it again moves it.

    `at=None` cancels it. Its turn always commits, since it deletes the row.
    """

    @property
    def name(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def message(self) -> Any: ...


class Decision(Protocol):
    """The structure that `Actor.decide` returns (the domain's own class; see actors/model/decision.py).

    At most one of `reply`, `forward` and `later` is set. `forward` is (address, message): the reply slot travels
    on, and one commit, the receiver's, gates it. `later` is a key: the slot is kept until a later decision
    carries `(key, value)` in `answers`, or the asker's deadline passes.
    `rows` are opaque here: the store dispatches them by their type to its tables.
    """

    @property
    def facts(self) -> Sequence[Any]: ...
    @property
    def letters(self) -> Sequence[Any]: ...
    @property
    def signals(self) -> Sequence[Any]: ...
    @property
    def effects(self) -> Sequence[Any]: ...
    @property
    def settled(self) -> Sequence[tuple[str, str]]: ...
    @property
    def timers(self) -> Sequence[Any]: ...
    @property
    def rows(self) -> Sequence[Any]: ...
    @property
    def reply(self) -> Any: ...
    @property
    def forward(self) -> tuple[tuple[str, str, str], Any] | None: ...
    @property
    def later(self) -> str | None: ...
    @property
    def answers(self) -> Sequence[tuple[str, Any]]: ...
    @property
    def lane(self) -> str: ...


class LetterKey(msgspec.Struct, frozen=True, gc=False):
    """Identity of a letter: the n-th letter of the sender's turn `from_seq`."""

    sender: Address
    from_seq: int
    n: int


class FactRow(msgspec.Struct, frozen=True, gc=False):
    """One encoded fact. `type` is its tag, `body` JSON bytes; `bulk` facts (meter readings) live in a table
    of their own and take part in recovery like any other."""

    n: int
    type: str
    version: int
    body: bytes
    bulk: bool = False


class LetterRow(msgspec.Struct, frozen=True, gc=False):
    to: Address
    n: int
    body: bytes


class TimerRow(msgspec.Struct, frozen=True, gc=False):
    """`at=None`: cancel. `body` is the encoded message that the actor gets when it fires."""

    name: str
    at: datetime | None
    body: bytes


class EffectRow(msgspec.Struct, frozen=True, gc=False):
    id: str
    klass: str
    topic: str
    body: bytes
    not_after: datetime | None


class CheckpointRow(msgspec.Struct, frozen=True, gc=False):
    """State after this turn: `version` of the state type, JSON `body`."""

    version: int
    body: bytes


class StagedTurn(msgspec.Struct, gc=False, kw_only=True):
    """One turn on its way to the database.

    The head of `actor` moves from (`seq`, `prev_turn`) to (`seq` + 1, `turn`), or nothing of this is written.
    The turn's number is `seq` + 1: its facts, its checkpoint and its letters (`LetterKey.from_seq`) carry that.
    `turn` and `prev_turn` are 16-byte ids (`prev_turn` is `NO_TURN` for the first one). The same turn may be
    submitted again after an unknown outcome: the store answers COMMITTED when the head already carries it.
    What it writes carries the *new* number: facts, checkpoint and the `from_seq` of its letters are `seq` + 1.
    """

    actor: Address
    seq: int
    prev_turn: bytes
    turn: bytes
    at: datetime
    correlation: str
    facts: Sequence[FactRow] = ()
    letters: Sequence[LetterRow] = ()
    consumed: LetterKey | None = None
    fired: tuple[str, datetime] | None = None
    timers: Sequence[TimerRow] = ()
    effects: Sequence[EffectRow] = ()
    settled: Sequence[tuple[str, str]] = ()
    rows: Sequence[Any] = ()
    checkpoint: CheckpointRow | None = None


NO_TURN = bytes(16)
