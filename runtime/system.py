"""One node of actors: the face of the runtime, and the tree of its services.

    system = System(store)
    system.register("counter", Counter)
    nursery.start(system.run)
    await system.ask(("acme", "counter", "7"), Add(1), deadline=5)      # seconds from now

An address is always valid: the first message activates its actor from what is durable. What `ask` returns is committed, or
needed no commit. Gateways ask and await; actors only tell.
"""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

import trio

from runtime.address import Address
from runtime.ask import Slot, asking
from runtime.cell import Cell
from runtime.clock import Clock, SystemClock
from runtime.committer import Committer
from runtime.crash import Morgue
from runtime.errors import ActorError, ActorStopped, AskCycle, MailboxFull
from runtime.inspect import Inspector
from runtime.letters import sweep_letters
from runtime.limits import Limits
from runtime.mailbox import Envelope
from runtime.outbox import OutboxRegistry
from runtime.passivation import sweep_idle
from runtime.recovery import Recovery
from runtime.registry import Factory, Kind, Parent, Registry
from runtime.remote import Remote
from runtime.reports import Notice, Reporter, guarded, quiet
from runtime.restart import Budget
from runtime.stats import Stats
from runtime.status import Status
from runtime.store import Store
from runtime.supervisor import ChildSpec, Supervisor
from runtime.timers import Timers
from runtime.transport import Alone, Transport
from runtime.turn import LetterKey
from runtime.wheel import Wheel

_ACTIVE = Status.ACTIVE
Target = Address | tuple[str, str, str]
Then = Callable[[Any, BaseException | None], None]


class System:
    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        node: str = "node",
        limits: Limits | None = None,
        report: Reporter = quiet,
        transport: Transport | None = None,
    ) -> None:
        self.store = store
        self.clock: Clock = clock or SystemClock()
        self.random = random or Random()  # noqa: S311  seeded by the system; ids need to be unique, not secret
        self.node = node
        self.limits = limits or Limits()
        self.report = guarded(report)
        self.stats = Stats()
        self.wheel = Wheel(self.limits.deadline_tick)
        self.registry = Registry()
        self.committer = Committer(store, self.limits, self.random, self.stats)
        self.recovery = Recovery(store, self.limits, self.random, self.stats)
        self.morgue = Morgue(self)
        self.timers = Timers(self)
        self.outbox = OutboxRegistry(self)
        self.inspect = Inspector(self)
        self.remote = Remote(self, transport or Alone())
        self.draining = False
        self.nested_turns = 0
        """Turns under way in their askers' tasks, one inside the other (Cell.put)."""
        self._answered_at_once = 0
        self.root = Supervisor(node, self._services(), escalation=Budget(0, 60.0), random=self.random, report=report)
        self._route = None if transport is None else transport.route
        """None: every actor lives here."""
        self._nursery: trio.Nursery | None = None
        self._context = copy_context()
        """What an actor's task inherits: the node's context variables, never those of whoever happened to wake it."""
        self._scope = trio.CancelScope()

    # -- composing

    def register(self, actor_class_kind: str, factory: Factory, *, parent: Parent | None = None) -> None:
        """`factory(context)` makes an incarnation of this kind; `parent(address)` places it in the tree."""
        self.registry.register(Kind(actor_class_kind, factory, parent))

    def supervise(self, spec: ChildSpec) -> None:
        """A service of the node beside the actors (a listener, say): started after them, stopped before them."""
        self.root.add(spec)

    def _services(self) -> list[ChildSpec]:
        """Left to right in order of need; stopped in reverse, so that the last turns still find a committer."""
        limits = self.limits
        runs: list[tuple[str, Callable[..., Any]]] = [("deadlines", self.wheel.run)]
        runs += [(f"committer {lane}", self.committer.service(lane)) for lane in self.committer.lanes]
        runs += [(f"recovery {n + 1}", self.recovery.run) for n in range(limits.recover_lanes)]
        runs.append(("actors", self._host_actors))
        runs += [("passivation", lambda: sweep_idle(self)), ("letters", lambda: sweep_letters(self))]
        runs += [("timers", self.timers.run), ("outbox", self.outbox.run)]
        if limits.lag_interval:
            runs.append(("loop lag", self._measure_lag))
        budget = Budget(limits.service_budget, limits.service_window)
        return [
            ChildSpec(
                name=name, run=run, gated=name == "actors", budget=budget,
                start_timeout=limits.start_timeout, stop_timeout=limits.stop_timeout,
            )
            for name, run in runs
        ]  # fmt: skip

    # -- running

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """The tree, until drained or cancelled. Raises supervisor.Escalated when a service cannot be kept alive."""
        with self._scope:
            await self.root.run(task_status=task_status)

    async def _host_actors(self, *, task_status: Any) -> None:
        """One nursery for all actors; a cell lets nothing but cancellation through."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._context = copy_context()
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None
            self.committer.close()

    async def _measure_lag(self) -> None:
        interval = self.limits.lag_interval
        while True:
            due = trio.current_time() + interval
            await trio.sleep_until(due)
            self.stats.lag(trio.current_time() - due)

    async def drain(self, deadline: float) -> None:
        """Graceful end within `deadline` seconds: no new asks, finish queued turns, checkpoint what is behind, stop.
        A second call while one is under way does nothing."""
        if self.draining:
            return
        self.draining = True
        with trio.move_on_after(deadline):
            for service in ("timers", "outbox", "letters", "passivation"):
                await self.root.remove(service)
            await self._drain_actors()
        self._scope.cancel()

    async def _drain_actors(self) -> None:
        while True:
            cells = [cell for cell in self.registry.cells.values() if cell.task is not None]
            if not cells:
                return
            for cell in cells:
                if cell.refusal() is None and not cell.mailbox.user and not cell.mailbox.system and cell.current is None:
                    cell.order("drain")
            if all(cell.refusal() is not None and cell.finishing is None for cell in cells) and self.committer.idle:
                return
            await trio.sleep(self.limits.drain_step)

    # -- sending

    async def ask(self, to: Target, message: Any, *, deadline: float, correlation: str = "") -> Any:
        """The answer, after the commit it needed. `deadline` is in seconds from now.
        Raises runtime.errors, and LookupError for a kind that nobody registered."""
        if type(to) is not Address:
            to = Address(*to)
        chain = asking.get()
        if self._route is not None and self._route(to) is not None:
            return await self.remote.ask(to, message, deadline, correlation, chain)
        return await self.ask_here(to, message, deadline, correlation, chain)

    async def ask_here(self, to: Address, message: Any, deadline: float, correlation: str, chain: tuple[Address, ...]) -> Any:
        if self.draining and not chain:
            raise ActorStopped(to, "the node drains")
        cell = self.registry.cells.get(to) or self.cell(to)
        refusal = cell.refusal()
        if refusal is not None:
            raise refusal
        if chain:
            self._refuse_cycle(to, chain)
        now = self.clock.monotonic()
        slot = Slot(to, message, chain, self, now, now + deadline)
        self.wheel.add(slot, slot.expires)
        self.stats.asks += 1
        if not cell.put(Envelope(message, slot, correlation)):
            self.wheel.discard(slot)
            raise MailboxFull(to, f"{cell.mailbox.bound} messages are queued")
        if slot.done:
            await self._breathe()
            return await slot.wait()
        asker = self.registry.cells.get(chain[-1]) if chain else None
        if asker is None:
            return await slot.wait()
        asker.waiting_on = to
        try:
            return await slot.wait()
        finally:
            asker.waiting_on = None

    async def _breathe(self) -> None:
        """An ask that was answered at once is no checkpoint; one in every few is made one, or a busy asker starves the loop."""
        self._answered_at_once += 1
        if self._answered_at_once >= self.limits.turns_per_checkpoint:
            self._answered_at_once = 0
            await trio.lowlevel.checkpoint()

    def ask_then(
        self,
        to: Target,
        message: Any,
        then: Then,
        *,
        deadline: float,
        correlation: str = "",
    ) -> None:
        """An ask without a waiting task, for edges with thousands of connections: `then(answer, None)` or `then(None, error)`
        is called once, perhaps before this returns; it must not block, and what it raises is only reported. Not for actors."""
        address = to if type(to) is Address else Address(*to)
        try:
            if self._nursery is None:
                raise ActorStopped(address, "the node is not running")
            if self._route is not None and self._route(address) is not None:
                reported = partial(self._answer, address, then)
                self.background(self._ask_remote_then, address, message, reported, deadline, correlation)
                return
            if self.draining:
                raise ActorStopped(address, "the node drains")
            cell = self.registry.cells.get(address) or self.cell(address)
            if cell.status is not _ACTIVE:
                refusal = cell.refusal()
                if refusal is not None:
                    raise refusal
        except (ActorError, LookupError) as error:
            self._answer(address, then, None, error)
            return
        now = self.clock.monotonic()
        expires = now + deadline
        slot = Slot(address, message, (), self, now, expires, then)
        self.wheel.add(slot, expires)
        self.stats.asks += 1
        if not cell.put(Envelope(message, slot, correlation)):
            slot.fail(MailboxFull(address, f"{cell.mailbox.bound} messages are queued"))

    def _answer(self, to: Address, then: Then, answer: Any, error: BaseException | None) -> None:
        """It runs inside the release of somebody's turn: a fault of the edge must not become the actor's."""
        try:
            then(answer, error)
        except Exception as raised:
            self.notice("answer_not_taken", f"{type(raised).__name__}: {raised}", to)

    async def _ask_remote_then(self, to: Address, message: Any, then: Then, deadline: float, correlation: str) -> None:
        try:
            answer = await self.remote.ask(to, message, deadline, correlation, ())
        except Exception as error:
            then(None, error)
        except BaseException:
            then(None, ActorStopped(to, "the node goes down"))
            raise
        else:
            then(answer, None)

    def tell(self, to: Target, message: Any, *, correlation: str = "") -> bool:
        """Volatile, never blocks. False: refused by the overflow policy, by a stopped actor or a draining node.
        Raises LookupError for a kind that nobody registered."""
        address = to if type(to) is Address else Address(*to)
        if self.draining:
            return False
        return self._put(address, Envelope(message, correlation=correlation))

    def tell_from(self, sender: Address, to: Target, message: Any, correlation: str) -> bool:
        """A tell between actors: goes on while the node drains."""
        address = to if type(to) is Address else Address(*to)
        try:
            return self._put(address, Envelope(message, correlation=correlation))
        except LookupError as error:
            self.notice("tell_without_actor", f"told by {sender}: {error}", Address(*address))
            return False

    def forward(self, to: Address, envelope: Envelope) -> None:
        """Put a message with its reply slot into another mailbox. Raises runtime.errors when it cannot be queued."""
        slot = envelope.slot
        assert slot is not None
        if self._route is not None and self._route(to) is not None:
            self.remote.forward(to, envelope)
            return
        cell = self.registry.cells.get(to)
        if cell is None:
            try:
                cell = self.cell(to)
            except LookupError as error:
                raise ActorStopped(to, str(error)) from error
        if cell.status is not _ACTIVE:
            refusal = cell.refusal()
            if refusal is not None:
                raise refusal
        slot.to = to
        if not cell.put(envelope):
            raise MailboxFull(to, f"{cell.mailbox.bound} messages are queued")

    def deliver_letter(self, to: Address, key: LetterKey, message: Any, correlation: str) -> None:
        """A committed letter, handed over in memory. When that fails it comes from the store."""
        if self.draining:
            return
        if self._route is not None and self._route(to) is not None:
            self.remote.wake(to)
            return
        try:
            cell = self.registry.cells.get(to) or self.cell(to)
        except ActorStopped:
            return
        if cell.put_letter(key, message, correlation):
            self.stats.letters_delivered += 1

    def wake_for_letters(self, to: Address, keys: Sequence[LetterKey] = ()) -> bool:
        """Letters wait for it in the store: activate it, or let it read them (unless its mailbox holds them all already).
        False: it cannot take letters now."""
        if self._route is not None and self._route(to) is not None:
            self.remote.wake(to)
            return True
        cell = self.registry.cells.get(to)
        if cell is None:
            self.cell(to)
        elif cell.status is not Status.ACTIVE:
            return cell.status is Status.ACTIVATING
        elif not (keys and cell.letters and cell.letters.issuperset(keys)):
            cell.order("reload")
        return True

    # -- actors

    def is_here(self, address: Address) -> bool:
        """This node is the one where the actor lives, and it is up."""
        return self._nursery is not None and (self._route is None or self._route(address) is None)

    def cell(self, address: Address) -> Cell:
        """The place of an active actor, activated now if need be. Raises LookupError for an unknown kind."""
        cell = self.registry.cells.get(address)
        if cell is None:
            cell = self.registry.cells[address] = Cell(self, self.registry.kind(address), address)
            self.start(cell)
        return cell

    def start(self, cell: Cell) -> None:
        if self._nursery is None:
            del self.registry.cells[cell.address]
            raise ActorStopped(cell.address, "the node is not running")
        self._context.run(partial(self._nursery.start_soon, cell.run, name="actor"))

    def background(self, run: Callable[..., Any], *args: Any) -> None:
        """A short task beside the actors (waiting for another node)."""
        if self._nursery is not None:
            self._nursery.start_soon(run, *args)

    def ended(self, cell: Cell) -> None:
        """Its task ended: the entry vanishes with its owner. Only a stopped actor keeps its place, to stay stopped."""
        if cell.status is not Status.STOPPED:
            self.registry.cells.pop(cell.address, None)

    def keep_stopped(self, address: Address) -> None:
        """An operator stops an actor that is not active: it is not activated until `restart`."""
        cell = self.registry.cells[address] = Cell(self, self.registry.kind(address), address)
        cell.status = Status.STOPPED

    def notice(self, event: str, detail: str, address: Address | None = None) -> None:
        self.report(Notice(event=event, detail=detail, address=address))

    def new_id(self) -> str:
        return self.random.randbytes(16).hex()

    def now(self) -> datetime:
        return self.clock.now()

    def _put(self, to: Address, envelope: Envelope) -> bool:
        if self._route is not None and self._route(to) is not None:
            return self.remote.tell(to, envelope)
        try:
            cell = self.registry.cells.get(to) or self.cell(to)
        except ActorStopped:
            return False
        return cell.status is not Status.STOPPED and cell.status is not Status.DRAINING and cell.put(envelope)

    def store_away(self) -> bool:
        return self.committer.away or self.recovery.away

    def _refuse_cycle(self, to: Address, chain: tuple[Address, ...]) -> None:
        """Follow who waits for whom from the asked actor; meeting one of the askers would be a deadlock."""
        seen: set[Address] = set()
        at: Address | None = to
        while at is not None and at not in seen:
            if at in chain:
                raise AskCycle(to, f"{' > '.join(map(str, chain))} wait already for {at}")
            seen.add(at)
            cell = self.registry.cells.get(at)
            at = cell.waiting_on if cell is not None else None
