"""The reply slot of an ask: one parked asker, one deadline, one call chain.

The slot travels with the message, also when an actor forwards it, and is answered exactly once: by the commit of
whoever owns the message in the end, by a crash, or by the deadline wheel. There is no cancel scope per ask.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

import msgspec
import outcome
import trio

from runtime.address import Address
from runtime.errors import DeadlineExceeded, Unavailable
from runtime.wheel import Wheel

asking: ContextVar[tuple[Address, ...]] = ContextVar("asking", default=())
"""The actors that wait for what the current task does, outermost first. Set around an actor's `prepare`."""


class Desk(Protocol):
    """What a slot needs of its node."""

    wheel: Wheel

    def store_away(self) -> bool: ...

    def notice(self, event: str, detail: str, address: Address | None = None) -> None: ...


class Slot(msgspec.Struct, eq=False, gc=False):
    """Made by `System`, which puts it into the wheel. An error in it must not outlive `wait`: its traceback would lead back
    here, where the garbage collector does not look."""

    to: Address
    """Who is to answer now; moves with a forward."""
    origin: Any
    """The message as it was asked. A retry repeats it, whatever a forwarding actor makes of it."""
    chain: tuple[Address, ...]
    desk: Desk
    since: float
    expires: float
    then: Callable[[Any, BaseException | None], None] | None = None
    """Called with (answer, None) or (None, error) instead of waking a task. Must not block."""
    task: trio.lowlevel.Task | None = None
    answer: outcome.Outcome[Any] | None = None
    """It came before anybody waited."""
    done: bool = False
    hops: int = 0
    bucket: int = -1

    def resolve(self, value: Any) -> None:
        """Later answers to the same ask are ignored, as are answers after the deadline."""
        if self.done:
            return
        self.done = True
        self.desk.wheel.discard(self)
        if self.then is not None:
            self._hand_over(value, None)
        elif self.task is not None:
            trio.lowlevel.reschedule(self.task, outcome.Value(value))
        else:
            self.answer = outcome.Value(value)

    def fail(self, error: BaseException) -> None:
        if self.done:
            return
        self.done = True
        self.desk.wheel.discard(self)
        if self.then is not None:
            self._hand_over(None, error)
        elif self.task is not None:
            trio.lowlevel.reschedule(self.task, outcome.Error(error))
        else:
            self.answer = outcome.Error(error)

    def _hand_over(self, answer: Any, error: BaseException | None) -> None:
        """This runs inside the release of somebody's turn: a fault of the edge must not become the actor's."""
        assert self.then is not None
        try:
            self.then(answer, error)
        except Exception as raised:
            self.desk.notice("answer_not_taken", f"{type(raised).__name__}: {raised}", self.to)

    def expire(self) -> None:
        if self.desk.store_away():
            self.fail(Unavailable(self.to, "the database is away"))
        else:
            self.fail(DeadlineExceeded(self.to, f"no answer to {type(self.origin).__name__}"))

    async def wait(self) -> Any:
        """Park the asking task until the slot is answered; it may be already, by a turn taken while putting the message."""
        answer, self.answer = self.answer, None
        if answer is not None:
            return answer.unwrap()

        def abort(_: Any) -> trio.lowlevel.Abort:
            self.done = True
            self.desk.wheel.discard(self)
            return trio.lowlevel.Abort.SUCCEEDED

        self.task = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(abort)
