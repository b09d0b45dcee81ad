"""The inbox of one actor: two bounded lanes, system before user, and one parked reader.

A deque and a parked task are 3 to 15 times a memory channel. The price: neither putting nor taking is a trio
checkpoint, so the reader pauses every few turns by itself (`Limits.turns_per_checkpoint`).

What happens when the user lane is full is a property of the message's class, declared there as
`overflow: ClassVar[str]`: "reject" (the default: the sender is told), "drop_new" (the same, and not worth a
log line) or "drop_old" (the oldest queued message of that class makes room: for values that supersede each other).
"""

from collections import deque
from datetime import datetime
from typing import Any

import msgspec
import trio

from runtime.ask import Slot
from runtime.turn import LetterKey


class Encoded:
    """Stands for a letter or timer as the store gave it; decoded at its turn, by the codec of its actor."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body


class Envelope(msgspec.Struct, eq=False, gc=False):
    """A message on its way through one mailbox. At most one of `slot`, `letter` and `fired` is set. Nothing that it holds leads
    back to it, so the garbage collector need not know of the thousands that are under way."""

    message: Any
    slot: Slot | None = None
    correlation: str = ""
    letter: LetterKey | None = None
    fired: tuple[str, datetime] | None = None
    incarnation: int = 0
    """Only for messages of an incarnation to itself: it must not reach its successor. 0: any."""
    conflicts: int = 0

    @property
    def durable(self) -> bool:
        """It is kept by the store as well, and comes again when this copy is lost."""
        return self.letter is not None or self.fired is not None


class Mailbox:
    __slots__ = ("bound", "dropped", "system", "task", "user")

    def __init__(self, bound: int) -> None:
        self.user: deque[Envelope] = deque()
        self.system: deque[Any] | None = None
        self.task: trio.lowlevel.Task | None = None
        self.bound = bound
        self.dropped = 0

    def put(self, envelope: Envelope) -> bool:
        """False: full, and the overflow policy kept it out."""
        if len(self.user) >= self.bound and not self._make_room(type(envelope.message)):
            self.dropped += 1
            return False
        self.user.append(envelope)
        self.wake()
        return True

    def put_front(self, envelope: Envelope) -> None:
        """What was already taken goes back (its turn lost a race); never refused."""
        self.user.appendleft(envelope)

    def put_system(self, message: Any, bound: int) -> bool:
        if self.system is None:
            self.system = deque()
        if len(self.system) >= bound:
            return False
        self.system.append(message)
        self.wake()
        return True

    def wake(self) -> None:
        task = self.task
        if task is not None:
            self.task = None
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        """Park until something is put. The caller has looked before: this does not."""

        def abort(_: Any) -> trio.lowlevel.Abort:
            self.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        self.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def _make_room(self, message_type: type) -> bool:
        if getattr(message_type, "overflow", "reject") != "drop_old":
            return False
        for index, queued in enumerate(self.user):
            if type(queued.message) is message_type and queued.slot is None and not queued.durable:
                del self.user[index]
                self.dropped += 1
                return True
        return False
