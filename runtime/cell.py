"""The place of one active actor on this node: its mailbox, its task, its incarnations one after another.

One task per active actor lives in `run`: activate, serve the mailbox, and after a crash the same task starts the next
incarnation, so that what was queued meanwhile is still there. The task is serial over its own commit. It ends by
passivation or by an operator; sending to the address starts a new one.
"""

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Any

import outcome
import trio

from runtime.address import Address
from runtime.ask import asking
from runtime.codec import NewerVersion, Undecodable
from runtime.crash import Crashes
from runtime.errors import ActorCrashed, ActorError, ActorStopped, Unavailable
from runtime.incarnation import Conflict, Incarnation, LiveContext, Staged
from runtime.mailbox import Encoded, Envelope, Mailbox
from runtime.restart import Restarts
from runtime.store import Recovered, StoreAway, StoredFact
from runtime.trace import Trace
from runtime.turn import LetterKey

if TYPE_CHECKING:
    from runtime.registry import Kind
    from runtime.system import System

_RECENT = 8


class Status(enum.Enum):
    ACTIVATING = "activating"
    ACTIVE = "active"
    RESTARTING = "restarting"
    COOLING = "cooling"
    """Its restart budget is exhausted (or it cannot be read here): asks are refused for a while."""
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    ENDED = "ended"


class Order:
    """A system message. `done` fires when it was carried out; `error` says why it was not."""

    __slots__ = ("done", "error", "op")

    def __init__(self, op: str) -> None:
        self.op = op
        self.done = trio.Event()
        self.error: str | None = None


class Cell:
    __slots__ = (
        "active_at", "address", "committing", "correlation", "crashes", "current", "current_since", "handled", "incarnation",
        "kind", "letters", "letters_missed", "mailbox", "number", "prepare_scope", "recent", "restarts", "started_at", "status",
        "system", "task", "trace", "waiting_on",
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

    # -- putting (called by anyone, never blocks)

    def put(self, envelope: Envelope) -> bool:
        if self.mailbox.put(envelope):
            return True
        self.system.stats.dropped += 1
        return False

    def put_letter(self, key: LetterKey, message: Any, correlation: str) -> bool:
        """False: known already, or not now (it stays in the store and is read again)."""
        incarnation = self.incarnation
        if self.letters is not None and key in self.letters:
            return False
        if incarnation is not None and incarnation.consumed is not None and key in incarnation.consumed:
            return False
        if self.letters_missed or self.status in (Status.STOPPED, Status.COOLING):
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
        if self.status is Status.STOPPED or self.status is Status.SUSPENDED:
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
                    await self._activate()
                    alive = await self._serve()
                except Conflict as conflict:
                    await self._lost_race(conflict)
                except Exception as error:
                    alive = await self._crashed(error)
        finally:
            self.task = None
            self._bow_out()

    def _bow_out(self) -> None:
        """Whatever ended the task: nobody waits for it in vain."""
        error = ActorStopped(self.address, "it ended")
        current, self.current = self.current, None
        if current is not None and current.slot is not None:
            current.slot.fail(error)
        self._end_incarnation(error)
        self._fail_asks(error)
        if self.status is not Status.STOPPED:
            self.status = Status.ENDED
        self.system.ended(self)

    async def _activate(self) -> None:
        self.status = Status.ACTIVATING
        system = self.system
        recovered = await system.recovery.recover(self.address, claim=True)
        self.number += 1
        actor = self.kind.factory(LiveContext(self, self.number))
        incarnation = Incarnation(self, actor, self.kind.codec(actor), self.number)
        state, behind = await self._replay(incarnation, recovered)
        incarnation.begin(recovered, state, behind)
        self.incarnation = incarnation
        system.stats.activations += 1
        self.started_at = system.clock.now()
        first = [Envelope(message, incarnation=self.number) for message in actor.activated(state, recovered.effects)]
        self._queue_first(first, recovered)
        self.status = Status.ACTIVE
        self.active_at = system.clock.monotonic()

    async def _replay(self, incarnation: Incarnation, recovered: Recovered) -> tuple[Any, int]:
        """State as of the last commit, from the checkpoint or else from the first fact on."""
        actor, codec = incarnation.actor, incarnation.codec
        stored, state = recovered.facts, None
        if recovered.checkpoint is not None:
            try:
                state = codec.state(recovered.checkpoint)
            except Undecodable as error:
                self.system.notice("checkpoint_undecodable", f"{error}; replaying every fact", self.address)
                stored = await self._full_history()
        if state is None:
            state = actor.initial()
        for n, fact in enumerate(stored):
            state = actor.apply(state, codec.fact(fact.row))
            if n % 256 == 255:
                await trio.lowlevel.checkpoint()
        return state, len(stored)

    async def _full_history(self) -> "list[StoredFact]":
        while True:
            try:
                return list(await self.system.store.full_history(self.address))
            except StoreAway:
                await trio.sleep(self.system.limits.away_backoff_cap)

    def _queue_first(self, first: list[Envelope], recovered: Recovered) -> None:
        """What must come before anything queued: the actor's own first messages, then waiting letters, oldest first.
        A letter that was delivered directly while this activation read the store is not doubled."""
        known = {letter.key for letter in recovered.letters}
        queued = [e for e in self.mailbox.user if e.letter is None or e.letter not in known]
        first += [Envelope(Encoded(letter.body), letter=letter.key) for letter in recovered.letters]
        self.mailbox.user.clear()
        self.mailbox.user.extend(first)
        self.mailbox.user.extend(queued)
        keys = {e.letter for e in self.mailbox.user if e.letter is not None}
        self.letters = keys or None
        self.letters_missed = False

    async def _serve(self) -> bool:
        """Turns until the actor ends (False) or is to be restarted (True)."""
        mailbox = self.mailbox
        user = mailbox.user
        pause = self.system.limits.turns_per_checkpoint
        run = 0
        while True:
            if mailbox.system:
                again = await self._obey(mailbox.system.popleft())
                if again is not None:
                    return again
            elif user and self.status is Status.ACTIVE:
                await self._turn(user.popleft())
                run += 1
                if run >= pause:
                    run = 0
                    await trio.lowlevel.checkpoint()
            elif self.letters_missed and self.status is Status.ACTIVE:
                await self._reload_letters()
            else:
                run = 0
                await mailbox.wait()

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
            message = await self._prepare(incarnation, envelope)
            if message is None:
                self.current = None
                return
        staged = incarnation.decide(envelope, message)
        system.stats.turns += 1
        if staged is None:
            self.current = None
        else:
            await self._commit(staged, staged.decision.lane)

    async def _commit(self, staged: Staged, lane: str) -> None:
        """Park until the turn is released (or raise why it was not) *and* there is something to do next: the committer
        releases it by `settled`, which leaves this task parked as a reader of the mailbox when nothing waits there."""

        def abort(_: Any) -> trio.lowlevel.Abort:
            self.committing = None
            self.mailbox.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        self.system.committer.submit(lane, staged)
        self.committing = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def settled(self, error: Exception | None, wake: bool) -> None:
        task = self.committing
        if task is None:
            return
        self.committing = None
        system = self.system
        system.stats.turn_us.add(int((system.clock.monotonic() - self.current_since) * 1e6))
        if error is not None:
            trio.lowlevel.reschedule(task, outcome.Error(error))
            return
        self.current = None
        mailbox = self.mailbox
        if wake or mailbox.user or mailbox.system or self.letters_missed:
            trio.lowlevel.reschedule(task)
        else:
            mailbox.task = task

    async def _prepare(self, incarnation: Incarnation, envelope: Envelope) -> Any:
        """The completed message, or None when the asker gave up while the store was away."""
        limits = self.system.limits
        slot = envelope.slot
        chain = (*slot.chain, self.address) if slot is not None else (self.address,)
        token = asking.set(chain)
        try:
            while slot is None or not slot.done:
                try:
                    with trio.CancelScope(deadline=trio.current_time() + limits.prepare_timeout) as scope:
                        self.prepare_scope = scope
                        return await incarnation.actor.prepare(incarnation.state, envelope.message)
                    if not self.mailbox.system:
                        raise TimeoutError(f"prepare of {type(envelope.message).__name__} took too long")
                    if slot is not None:
                        slot.fail(ActorStopped(self.address, "interrupted by an operator"))
                    return None
                except (StoreAway, Unavailable):
                    await trio.sleep(limits.away_backoff_cap * (0.25 + 0.25 * self.system.random.random()))
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
        await self._commit(incarnation.stage_bare(checkpoint=False, envelope=envelope), "main")
        morgue.rest(self.address, envelope)
        return True

    async def _reload_letters(self) -> None:
        """The mailbox was full when a letter came: read the waiting ones again, in order."""
        self.letters_missed = False
        recovered = await self.system.recovery.recover(self.address, claim=False)
        for letter in recovered.letters:
            self.put_letter(letter.key, Encoded(letter.body), "")

    # -- endings

    async def _lost_race(self, conflict: Conflict) -> None:
        """Another incarnation moved the head: throw the state away, decide the same message again on the new one.
        When the lost turn may have been committed after all, an ask is not repeated (a letter or timer safely is)."""
        system = self.system
        system.stats.conflicts += 1
        envelope, self.current = self.current, None
        self._end_incarnation(ActorCrashed(self.address, "another incarnation took over"))
        if envelope is None:
            return
        envelope.conflicts += 1
        if envelope.durable:
            self.mailbox.put_front(envelope)
        elif conflict.doubtful:
            if envelope.slot is not None:
                envelope.slot.fail(Unavailable(self.address, "the outcome is unknown: the database went away around the commit"))
        elif envelope.conflicts <= system.limits.conflict_retries:
            self.mailbox.put_front(envelope)
        elif envelope.slot is not None:
            envelope.slot.fail(ActorCrashed(self.address, "other incarnations keep taking its turns"))
        await trio.sleep(0.01 * envelope.conflicts * system.random.random())

    async def _crashed(self, error: Exception) -> bool:
        """Report, purge, back off; True: go on with a new incarnation."""
        envelope, self.current = self.current, None
        self._end_incarnation(ActorCrashed(self.address, "the actor crashed"))
        self._purge(ActorCrashed(self.address, "the actor crashed on another message"))
        if envelope is not None and envelope.fired is not None:
            self.system.timers.returned(self.address, envelope.fired)
        delay = await self.system.morgue.crashed(self, envelope, error, fatal=isinstance(error, NewerVersion))
        if delay is None:
            self.status = Status.COOLING
            self._purge(ActorCrashed(self.address, "it crashed too often and cools down"))
            self.restarts = None
            again = await self._back_off(self.system.limits.cool_down)
            return again and bool(self.mailbox.user)
        self.status = Status.RESTARTING
        self.system.stats.restarts += 1
        return await self._back_off(delay)

    async def _back_off(self, delay: float) -> bool:
        """Wait, but hear the operator: False when the actor is to stop."""
        mailbox = self.mailbox
        with trio.move_on_after(delay) as waiting:
            while True:
                while mailbox.system:
                    order = mailbox.system.popleft()
                    if order.op == "stop":
                        self._stop(order)
                        return False
                    order.error = None if order.op == "restart" else "the actor is restarting"
                    order.done.set()
                    if order.op == "restart":
                        return True
                if delay <= 0 or waiting.cancel_called:
                    break
                await mailbox.wait()
        return True

    def _end_incarnation(self, error: ActorError) -> None:
        incarnation, self.incarnation = self.incarnation, None
        if incarnation is None:
            return
        try:
            incarnation.end(error)
        except Exception as raised:
            self.system.notice("deactivated_raised", f"{type(raised).__name__}: {raised}", self.address)

    def _purge(self, error: ActorError) -> None:
        """Queued asks fail fast, letters and timers come again from the store, tells stay."""
        kept = []
        for envelope in self.mailbox.user:
            if envelope.slot is not None:
                envelope.slot.fail(error)
            elif envelope.fired is not None:
                self.system.timers.returned(self.address, envelope.fired)
            elif envelope.letter is None:
                kept.append(envelope)
        self.mailbox.user.clear()
        self.mailbox.user.extend(kept)
        self.letters = None

    # -- system messages

    async def _obey(self, order: Order) -> bool | None:
        """None: go on serving; True: restart; False: end."""
        try:
            if order.op == "restart":
                self._end_incarnation(ActorCrashed(self.address, "restarted by an operator"))
                self._purge(ActorCrashed(self.address, "restarted by an operator"))
                return True
            if order.op == "stop":
                self._stop(order)
                return False
            if order.op == "suspend":
                self.status = Status.SUSPENDED
                self._fail_asks(ActorStopped(self.address, "suspended"))
            elif order.op == "resume":
                self.status = Status.ACTIVE
            elif order.op == "checkpoint":
                await self._checkpoint(1)
            elif order.op == "drain":
                return await self._drain()
            elif order.op == "passivate":
                return await self._passivate()
            elif order.op == "reload" and not self.letters_missed:
                await self._reload_letters()
            return None
        finally:
            order.done.set()

    def _stop(self, order: Order) -> None:
        self.status = Status.STOPPED
        self._end_incarnation(ActorStopped(self.address, "stopped"))
        self._purge(ActorStopped(self.address, "stopped"))
        order.done.set()

    def _fail_asks(self, error: ActorError) -> None:
        for envelope in list(self.mailbox.user):
            if envelope.slot is not None:
                envelope.slot.fail(error)
                self.mailbox.user.remove(envelope)

    async def _checkpoint(self, behind: int) -> None:
        incarnation = self.incarnation
        if incarnation is not None and incarnation.behind >= behind:
            await self._commit(incarnation.stage_bare(checkpoint=True), "main")

    async def _drain(self) -> bool | None:
        if self.mailbox.user and self.status is Status.ACTIVE:
            return None
        await self._checkpoint(self.system.limits.checkpoint_behind_on_drain)
        return None if self.mailbox.user and self.status is Status.ACTIVE else False

    async def _passivate(self) -> bool | None:
        """End quietly when nothing needs this incarnation; what arrives during the checkpoint keeps it alive."""
        incarnation = self.incarnation
        assert incarnation is not None
        if not self.idle_since(self.active_at) or self.system.committer.away:
            return None
        await self._checkpoint(1)
        if not self.idle_since(self.active_at):
            return None
        self.system.stats.passivations += 1
        self._end_incarnation(ActorStopped(self.address, "passivated"))
        return False

    def idle_since(self, time: float) -> bool:
        """Nothing at hand or queued since `time`, and the actor itself does not mind to be forgotten."""
        incarnation = self.incarnation
        if incarnation is None or self.status is not Status.ACTIVE or self.active_at > time or self.current is not None:
            return False
        if self.mailbox.user or self.mailbox.system or self.letters_missed or self.trace is not None:
            return False
        return not incarnation.open_later() and not incarnation.actor.busy(incarnation.state)

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
