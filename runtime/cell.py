"""The place of one active actor on this node: its mailbox, its task, its incarnations one after another.

One task per active actor lives in `run`: activate, serve the mailbox, and after a crash the same task starts the next
incarnation, so that what was queued meanwhile is still there. The task is serial over its own commit. It ends by
passivation or by an operator; sending to the address starts a new one.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import outcome
import trio

from runtime.activation import activate, reload_letters
from runtime.address import Address
from runtime.ask import asking
from runtime.codec import Undecodable
from runtime.crash import Crashes
from runtime.endings import crashed, lost_race
from runtime.errors import ActorCrashed, ActorError, ActorStopped, Unavailable
from runtime.incarnation import Conflict, Incarnation, Staged
from runtime.mailbox import Encoded, Envelope, Mailbox
from runtime.orders import Order, finish, obey
from runtime.prepare import Waiting, first_step
from runtime.reports import summary
from runtime.restart import Restarts
from runtime.status import Status
from runtime.store import StoreAway
from runtime.trace import Trace
from runtime.turn import LetterKey

if TYPE_CHECKING:
    from runtime.registry import Kind
    from runtime.system import System

_RECENT = 8
_ACTIVE = Status.ACTIVE


class Cell:
    __slots__ = (
        "active_at",
        "address",
        "committing",
        "correlation",
        "crashes",
        "current",
        "current_since",
        "finishing",
        "handled",
        "incarnation",
        "kind",
        "letters",
        "letters_missed",
        "mailbox",
        "number",
        "prepare_scope",
        "recent",
        "restarts",
        "started_at",
        "status",
        "system",
        "task",
        "trace",
        "waiting_on",
    )  # fmt: skip

    def __init__(self, system: "System", kind: "Kind", address: Address) -> None:
        self.system = system
        self.kind = kind
        self.address = address
        self.mailbox = Mailbox(system.limits.mailbox)
        self.status = Status.ACTIVATING
        self.incarnation: Incarnation | None = None
        self.number = 0
        """Incarnations so far."""
        self.task: trio.lowlevel.Task | None = None
        self.committing: trio.lowlevel.Task | None = None
        self.current: Envelope | None = None
        self.current_since = 0.0
        self.correlation = ""
        """Of the message last taken: what the actor tells others inherits it."""
        self.active_at = system.clock.monotonic()
        self.started_at: datetime | None = None
        self.handled = 0
        self.recent: list[type] | None = None
        self.letters: set[LetterKey] | None = None
        """Letters queued in the mailbox, so that a second delivery is recognised."""
        self.letters_missed = False
        """A letter found the mailbox full: from here on letters come from the store, in their order."""
        self.restarts: Restarts | None = None
        self.crashes: Crashes | None = None
        self.prepare_scope: trio.CancelScope | None = None
        self.waiting_on: Address | None = None
        self.trace: Trace | None = None
        self.finishing: Order | None = None
        """The order to drain that is being carried out."""

    # -- putting (called by anyone, never blocks)

    def put(self, envelope: Envelope) -> bool:
        mailbox = self.mailbox
        task = mailbox.task
        if (
            task is not None
            and envelope.slot is not None
            and self.status is _ACTIVE
            # Nothing is queued before it, and nobody else's turn is being taken too deep inside another.
            and not (mailbox.user or mailbox.system or self.letters_missed)
            and self.system.nested_turns < self.system.limits.nested_turns
            and self._turn_at_once(envelope, task)
        ):
            return True
        if mailbox.put(envelope):
            return True
        self.system.stats.dropped += 1
        return False

    def _turn_at_once(self, envelope: Envelope, task: trio.lowlevel.Task) -> bool:
        """A free actor takes its turn in the task of the asker: waking its own would cost more than the turn. It stays
        serial, since its task is parked and counts as busy meanwhile; a crash is raised in its task, where it belongs.
        Only for asks: who tells a thousand actors something does not want to wait for a thousand turns.
        False: the message needs a look-up first (`prepare`), which is work for the actor's own task."""
        incarnation = self.incarnation
        assert incarnation is not None
        slot, message = envelope.slot, envelope.message
        if (slot is not None and slot.done) or (envelope.incarnation and envelope.incarnation != self.number):
            return True
        system = self.system
        self.mailbox.task = None
        self.current = envelope
        self.correlation = envelope.correlation
        self.current_since = self.active_at = system.clock.monotonic()
        system.nested_turns += 1
        try:
            if type(message) in incarnation.actor.needs_prepare:
                message = incarnation.actor.prepared(incarnation.state, message)
                if message is None:
                    self.current = None
                    self.mailbox.task = task
                    return False
            recent = self.recent
            if recent is not None and len(recent) == _RECENT:
                recent[self.handled % _RECENT] = type(message)
                self.handled += 1
            else:
                self._note(type(message))
            staged = incarnation.decide(envelope, message)
            if staged is not None:
                system.committer.submit(staged.decision.lane, staged)
        except Exception as error:
            trio.lowlevel.reschedule(task, outcome.Error(error))
            return True
        finally:
            system.nested_turns -= 1
        system.stats.turns += 1
        if staged is not None:
            self.committing = task
            return True
        self.current = None
        if self.trace is not None:
            self.traced(envelope, "answered")
        self._free(task)
        return True

    def _free(self, task: trio.lowlevel.Task) -> None:
        """The turn is over: the actor's task stays parked as the reader of its mailbox unless something waits there."""
        mailbox = self.mailbox
        if mailbox.user or mailbox.system or self.letters_missed or self.status is not _ACTIVE:
            trio.lowlevel.reschedule(task)
        else:
            mailbox.task = task

    async def _park(self) -> None:
        """Until something is put, or a turn that was taken at once wants this task after its commit."""
        self.mailbox.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _: Any) -> trio.lowlevel.Abort:
        self.committing = None
        self.mailbox.task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def put_letter(self, key: LetterKey, message: Any, correlation: str) -> bool:
        """False: known already, or not now (it stays in the store and is read again)."""
        incarnation = self.incarnation
        if self.letters is not None and key in self.letters:
            return False
        if incarnation is not None and incarnation.consumed is not None and key in incarnation.consumed:
            return False
        if self.letters_missed or self.status in (Status.STOPPED, Status.COOLING, Status.DRAINING):
            return False
        if not self.mailbox.put(Envelope(message, correlation=correlation, letter=key)):
            self.letters_missed = True
            return False
        if self.letters is None:
            self.letters = set()
        self.letters.add(key)
        return True

    def forget_letter(self, key: LetterKey) -> None:
        if self.letters is not None:
            self.letters.discard(key)
            if not self.letters:
                self.letters = None

    def order(self, op: str) -> Order:
        order = Order(op)
        if not self.mailbox.put_system(order, self.system.limits.system_lane):
            order.error = "too many system messages are queued"
            order.done.set()
        elif op in ("restart", "stop") and self.prepare_scope is not None:
            self.prepare_scope.cancel()
        return order

    @property
    def seq(self) -> int:
        return self.incarnation.seq if self.incarnation is not None else 0

    def refusal(self) -> ActorError | None:
        """Why an ask is not even queued now; None: it is."""
        if self.status in (Status.STOPPED, Status.SUSPENDED, Status.DRAINING):
            return ActorStopped(self.address, self.status.value)
        if self.status is Status.COOLING:
            return ActorCrashed(self.address, "it crashed too often and cools down")
        return None

    # -- the task

    async def run(self) -> None:
        self.task = trio.lowlevel.current_task()
        try:
            alive = True
            while alive:
                try:
                    self.status = Status.ACTIVATING
                    await activate(self)
                    self.status = Status.ACTIVE if self.finishing is None else Status.DRAINING
                    alive = await self._serve()
                except Conflict as conflict:
                    await lost_race(self, conflict)
                except Exception as error:
                    alive = await self._survive(error)
        finally:
            self.task = None
            self._bow_out()

    async def _survive(self, error: Exception) -> bool:
        """A fault in the handling of a crash ends this cell and no other: the next message starts a new one."""
        envelope = self.current
        try:
            return await crashed(self, error)
        except Exception as worse:
            self.current = envelope  # its asker hears of the end below
            self.system.notice("crash_not_handled", f"{summary(worse)}, while handling {summary(error)}", self.address)
            return False

    def _bow_out(self) -> None:
        """Whatever ended the task: nobody waits for it in vain."""
        error = ActorStopped(self.address, "it ended")
        current, self.current = self.current, None
        if current is not None and current.slot is not None:
            current.slot.fail(error)
        self.end_incarnation(error)
        self.fail_asks(error)
        if self.status is not Status.STOPPED:
            self.status = Status.ENDED
        if self.finishing is not None:
            self.finishing.done.set()
            self.finishing = None
        self.system.ended(self)

    async def _serve(self) -> bool:
        """Turns until the actor ends (False) or is to be restarted (True)."""
        mailbox = self.mailbox
        user = mailbox.user
        pause = self.system.limits.turns_per_checkpoint
        run = 0
        while True:
            if mailbox.system:
                again = await obey(self, mailbox.system.popleft())
                if again is not None:
                    return again
            elif user and (self.status is _ACTIVE or self.status is Status.DRAINING):
                await self._turn(user.popleft())
                run += 1
                if run >= pause:
                    run = 0
                    await trio.lowlevel.checkpoint()
            elif self.letters_missed and self.status is Status.ACTIVE:
                await reload_letters(self)
            elif self.finishing is not None:
                if await finish(self, self.finishing):
                    return False
            else:
                run = 0
                await self._park()

    async def _turn(self, envelope: Envelope) -> None:
        slot = envelope.slot
        if (slot is not None and slot.done) or (envelope.incarnation and envelope.incarnation != self.number):
            return
        incarnation = self.incarnation
        assert incarnation is not None
        system = self.system
        self.current = envelope
        self.correlation = envelope.correlation
        self.current_since = self.active_at = system.clock.monotonic()
        if envelope.durable and await self._consumed_unheard(incarnation, envelope):
            return
        message = envelope.message
        kind = type(message)
        self._note(kind)
        if kind in incarnation.actor.needs_prepare:
            message = incarnation.actor.prepared(incarnation.state, message)
            if message is None:
                message = await self._prepare(incarnation, envelope)
            if message is None:
                self.current = None
                return
        staged = incarnation.decide(envelope, message)
        system.stats.turns += 1
        if staged is None:
            self.current = None
            if self.trace is not None:
                self.traced(envelope, "answered")
        else:
            await self.commit(staged, staged.decision.lane)

    async def commit(self, staged: Staged, lane: str) -> None:
        """Park until the turn is released (or raise why it was not) *and* there is something to do next: the committer
        releases it by `settled`, which leaves this task parked as a reader of the mailbox when nothing waits there."""
        self.system.committer.submit(lane, staged)
        self.committing = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def settled(self, error: Exception | None, wake: bool, now: float) -> None:
        task = self.committing
        if task is None:
            return
        self.committing = None
        self.system.stats.turn_us.add(int((now - self.current_since) * 1e6))
        if error is not None:
            trio.lowlevel.reschedule(task, outcome.Error(error))
            return
        self.current = None
        if wake:
            trio.lowlevel.reschedule(task)
        else:
            self._free(task)

    async def _prepare(self, incarnation: Incarnation, envelope: Envelope) -> Any:
        """The completed message, or None when nobody wants it any more. Waits while the store is away."""
        limits = self.system.limits
        slot = envelope.slot
        token = asking.set((*slot.chain, self.address) if slot is not None else (self.address,))
        try:
            while slot is None or not slot.done:
                try:
                    found = first_step(incarnation.actor.prepare(incarnation.state, envelope.message))
                    if type(found) is not Waiting:
                        return found
                    self.prepare_scope = scope = trio.CancelScope(deadline=trio.current_time() + limits.prepare_timeout)
                    found = await found.rest(scope)
                    if not scope.cancelled_caught:
                        return found
                    if not self.mailbox.system:
                        raise TimeoutError(f"prepare of {type(envelope.message).__name__} took too long")
                    if slot is not None:
                        slot.fail(ActorStopped(self.address, "interrupted by an operator"))
                    return None
                except (StoreAway, Unavailable):
                    await trio.sleep(limits.away_backoff_cap * (0.25 + 0.25 * self.system.random.random()))
                except ActorError as error:
                    if slot is None:
                        raise
                    slot.fail(error)  # another actor had no answer: that is not this one's crash
                finally:
                    self.prepare_scope = None
            return None
        finally:
            asking.reset(token)

    async def _consumed_unheard(self, incarnation: Incarnation, envelope: Envelope) -> bool:
        """Letters and timers come as bytes when they come from the store. What does not decode, and what is a dead letter
        already, is consumed by an empty turn: the actor never hears of it."""
        morgue = self.system.morgue
        message = envelope.message
        if not morgue.buried(self.address, envelope):
            if type(message) is not Encoded:
                return False
            try:
                envelope.message = incarnation.codec.durable(message.body)
                return False
            except Undecodable as error:
                await morgue.bury_unreadable(self.address, envelope, str(error))
        await self.commit(incarnation.stage_bare(checkpoint=False, envelope=envelope), "main")
        morgue.rest(self.address, envelope)
        return True

    # -- endings

    def end_incarnation(self, error: ActorError) -> None:
        incarnation, self.incarnation = self.incarnation, None
        if incarnation is None:
            return
        try:
            incarnation.end(error)
        except Exception as raised:
            self.system.notice("deactivated_raised", f"{type(raised).__name__}: {raised}", self.address)

    def purge(self, error: ActorError) -> None:
        """Queued asks fail fast, timers come again from their worker; tells stay, and letters keep their place."""
        self.fail_asks(error)
        self._keep([envelope for envelope in self.mailbox.user if envelope.fired is None])

    def fail_asks(self, error: ActorError) -> None:
        """Queued asks fail, everything else stays."""
        for envelope in self.mailbox.user:
            if envelope.slot is not None:
                envelope.slot.fail(error)
        self._keep([envelope for envelope in self.mailbox.user if envelope.slot is None])

    def _keep(self, envelopes: list[Envelope]) -> None:
        user = self.mailbox.user
        user.clear()
        user.extend(envelopes)

    def has_work(self) -> bool:
        return bool(self.mailbox.user) and self.status is Status.ACTIVE

    def idle(self) -> bool:
        """Nothing at hand or queued, and the actor itself does not mind to be forgotten."""
        incarnation = self.incarnation
        if incarnation is None or self.status is not Status.ACTIVE or self.current is not None:
            return False
        if self.mailbox.user or self.mailbox.system or self.letters_missed or self.trace is not None:
            return False
        return not incarnation.open_later() and not incarnation.actor.busy(incarnation.state)

    def traced(self, envelope: Envelope | None, end: str) -> None:
        trace = self.trace
        if trace is None:
            return
        now = self.system.clock.monotonic()
        if now >= trace.until:
            self.trace = None
        elif envelope is not None:
            took = now - self.current_since
            trace.add(self.system.clock.now(), type(envelope.message).__name__, envelope.correlation, self.seq, took, end)

    def _note(self, kind: type) -> None:
        recent = self.recent
        if recent is None:
            recent = self.recent = []
        if len(recent) < _RECENT:
            recent.append(kind)
        else:
            recent[self.handled % _RECENT] = kind
        self.handled += 1

    def recent_types(self) -> list[str]:
        """Oldest first."""
        recent = self.recent or []
        turn = self.handled % _RECENT if len(recent) == _RECENT else 0
        return [kind.__name__ for kind in (*recent[turn:], *recent[:turn])]
