"""What a decide function answers with. Plain values: no trio, no runtime, no I/O.

The runtime reads these attributes structurally (see runtime/turn.py); everything in one decision is
committed together or not at all, and goes out only after the commit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.model.rows import HoldRow, JournalRow

AddressKey = tuple[str, str, str]
"""(tenant, kind, id): an actor address as a plain value."""

MAIN = "main"
MONEY = "money"
"""Committer lanes. Turns that carry journals or holds go to the money lane, in small batches of their own."""


def lane_of(rows: Iterable[Any]) -> str:
    """The lane of a turn that writes these rows."""
    return MONEY if any(isinstance(row, JournalRow | HoldRow) for row in rows) else MAIN


class Letter(msgspec.Struct, frozen=True, gc=False):
    """Committed with the turn, delivered after it, applied once by the receiver."""

    to: AddressKey
    message: Any


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A volatile tell after the commit, for what can be derived again."""

    to: AddressKey
    message: Any


class Effect(msgspec.Struct, frozen=True, gc=False):
    """An outbox row. `klass`: "redeliver" or "once" (DESIGN 3); `id` deterministic, unique per actor."""

    id: str
    klass: str
    topic: str
    body: bytes
    not_after: datetime | None = None


class Timer(msgspec.Struct, frozen=True, gc=False):
    """A durable timer of this actor; `at=None` cancels the one of that name."""

    name: str
    at: datetime | None
    message: Any = None


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    facts: Sequence[Any] = ()
    letters: Sequence[Letter] = ()
    signals: Sequence[Signal] = ()
    effects: Sequence[Effect] = ()
    settled: Sequence[tuple[str, str]] = ()
    """Outbox rows that this turn completes: (effect id, outcome: "done", "failed", "unknown")."""
    timers: Sequence[Timer] = ()
    rows: Sequence[Any] = ()
    """Rows of actors/model/rows: read models, natural keys, journals, events, vault entries."""
    reply: Any = None
    forward: tuple[AddressKey, Any] | None = None
    """Not me: the actor at this address answers this message. One commit, the receiver's, gates the reply."""
    later: str | None = None
    """The answer comes with a later decision whose `answers` names this key."""
    answers: Sequence[tuple[str, Any]] = ()
    lane: str = MAIN


NOTHING = Decision()


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A reply that says no: `code` is a stable word for programs, `detail` names the field and the fix."""

    code: str
    detail: str
    field: str | None = None
