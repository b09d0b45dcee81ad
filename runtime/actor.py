"""The class that the domain extends: one actor kind, one state, one decide.

A subclass holds no lasting state of its own. What lasts is `state`, which only `apply` produces; what lives
(sockets, waiters, caches) may hang on the instance and dies with the incarnation.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from runtime.address import Address
from runtime.turn import Decision

S = TypeVar("S")


class Context(Protocol):
    """What an incarnation may touch of the node."""

    address: Address

    def now(self) -> datetime: ...
    def tell(self, to: Address, message: Any) -> bool:
        """Volatile, never blocks; False when the overflow policy dropped it."""
        ...

    def tell_self(self, message: Any) -> bool: ...
    def after(self, seconds: float, message: Any) -> object:
        """A volatile timer to this incarnation; keep the returned handle and call `.cancel()` on it."""
        ...


class Actor(Generic[S]):
    kind: ClassVar[str]
    state_type: ClassVar[Any]
    """What a checkpoint decodes to (a msgspec Struct)."""
    fact_type: ClassVar[Any]
    """Union of tagged Structs. A class with `bulk: ClassVar[bool] = True` is stored with the meter data."""
    durable_type: ClassVar[Any]
    """Union of tagged Structs that may arrive as letter or timer, so that they can be encoded."""
    version: ClassVar[int] = 1
    """Version of state and facts as written now; older ones pass the upcasters, a newer one refuses to activate."""
    fact_upcasters: ClassVar[Mapping[int, Any]] = {}
    """from-version -> pure function (fact type tag, JSON object) -> JSON object of the next version."""
    state_upcasters: ClassVar[Mapping[int, Any]] = {}
    checkpoint_every: ClassVar[int] = 64
    idle_seconds: ClassVar[float | None] = 300.0
    """Passivate after this long without a message (None: never)."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def initial(self) -> S:
        raise NotImplementedError

    def decide(self, state: S, message: Any, now: datetime) -> Decision:
        """Pure but for reading what hangs on the instance. May raise: that is a crash of this incarnation."""
        raise NotImplementedError

    def apply(self, state: S, fact: Any) -> S:
        """Pure and total. Run before staging, so a fact that cannot be applied is never written."""
        raise NotImplementedError

    needs_prepare: ClassVar[frozenset[type]] = frozenset()
    """Message types for which `prepare` is awaited before `decide`."""

    def prepared(self, state: S, message: Any) -> Any | None:
        """The completed message when it can be had without waiting; None: `prepare` is awaited. Must not raise."""
        return None

    async def prepare(self, state: S, message: Any) -> Any:
        """Fetch what decide needs besides state (a look-up); returns the completed message."""
        return message

    def activated(self, state: S, effects: Sequence[Any]) -> Sequence[Any]:
        """Called once before the mailbox opens, with open "once" effects; returns messages to handle first."""
        return ()

    def released(self, state: S, decision: Any) -> None:
        """After the commit: send "once" effects, publish snapshots. Must not block or raise for outside faults."""

    def deactivated(self) -> None:
        """The incarnation ends (crash, passivation, stop)."""

    def patience(self, state: S) -> float | None:
        """Seconds without a message after which it may be forgotten; None: never."""
        return self.idle_seconds

    def busy(self, state: S) -> bool:
        """True keeps an idle actor from passivating (a live connection, say)."""
        return False

    def redact(self, state: S) -> Any:
        """State as the console may show it: no secrets, no personal data."""
        return msgspec.to_builtins(state)
