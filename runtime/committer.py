"""Turns of all actors into few transactions: what queued during the last flush is the next batch.

Every lane flushes on its own; an actor is serial over its own commit, so a batch holds at most one turn of it. A batch
that is half full need not wait for the one before: it follows it to the store at once, so that the store has work while
this side releases turns. A flush is shielded from cancellation. When the store is away or COMMIT's outcome is unknown, *the
same turns* are submitted again until the store answers: a look-up would not be decisive, the turn id is.

The committer releases a turn itself, by calling `settle` of the cell that staged it, so that the cell's task need
not be woken when nothing waits in its mailbox.
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

import trio

from runtime.limits import Limits
from runtime.stats import Stats
from runtime.store import Outcome, Store, StoreAway, Verdict
from runtime.turn import StagedTurn

_AHEAD = 2
"""Flushes of one lane at a time: one in the store, and one that waits at its door."""


class Ticket(Protocol):
    """A staged turn and who waits for it."""

    @property
    def turn(self) -> StagedTurn: ...

    doubtful: bool
    """A submission of it had an unknown outcome."""

    def settle(self, outcome: Outcome, now: float) -> None:
        """Release the turn, at `now` of the monotonic clock. Must not raise or block."""
        ...


class Flusher:
    """One of the flushes that a lane may have under way."""

    def __init__(self) -> None:
        self.tickets: Sequence[Ticket] = ()
        """In its hands; they survive a restart of the service."""
        self.shield = trio.CancelScope(shield=True)
        self.task: trio.lowlevel.Task | None = None
        """Parked: there is nothing for it."""


class Lane:
    """One queue, and who flushes it."""

    def __init__(self, name: str, batch: int) -> None:
        self.name = name
        self.batch = batch
        self.plenty = (batch + 1) // 2
        """So many are worth a transaction of their own while another one is under way."""
        self.queue: deque[Ticket] = deque()
        self.flushers = [Flusher() for _ in range(_AHEAD)]
        self.under_way = 0
        """Batches with the store."""

    @property
    def flushing(self) -> int:
        return sum(len(flusher.tickets) for flusher in self.flushers)

    def put(self, ticket: Ticket) -> None:
        queue = self.queue
        queue.append(ticket)
        if not self.under_way or len(queue) >= self.plenty:
            self.wake()

    @property
    def ripe(self) -> bool:
        """Is there a batch to take now? With one under way, only plenty."""
        return bool(self.queue) and (not self.under_way or len(self.queue) >= self.plenty)

    def wake(self) -> None:
        for flusher in self.flushers:
            task = flusher.task
            if task is not None:
                flusher.task = None
                trio.lowlevel.reschedule(task)
                return

    async def take(self, flusher: Flusher) -> None:
        def abort(_: Any) -> trio.lowlevel.Abort:
            flusher.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        while not self.ripe:
            flusher.task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(abort)
        queue = self.queue
        flusher.tickets = [queue.popleft() for _ in range(min(self.batch, len(queue)))]


class Committer:
    def __init__(self, store: Store, limits: Limits, random: Random, stats: Stats) -> None:
        self._store = store
        self._limits = limits
        self._random = random
        self._stats = stats
        self.lanes = {"main": Lane("main", limits.main_batch), "money": Lane("money", limits.money_batch)}
        self._shield_ends = float("inf")
        self.away = False
        """The last submission met StoreAway: waiting turns are not lost, only late."""

    def submit(self, lane: str, ticket: Ticket) -> None:
        self.lanes[lane].put(ticket)

    def close(self) -> None:
        """The node goes down: a flush under way may end, but not take for ever."""
        self._shield_ends = trio.current_time() + self._limits.flush_shield
        for lane in self.lanes.values():
            for flusher in lane.flushers:
                flusher.shield.deadline = self._shield_ends

    @property
    def idle(self) -> bool:
        return not any(lane.queue or lane.flushing for lane in self.lanes.values())

    def service(self, name: str) -> Callable[[], Any]:
        """The endless flush loops of one lane; what they had in hand survives their restart."""
        lane = self.lanes[name]

        async def flush_forever() -> None:
            lane.under_way = 0
            async with trio.open_nursery() as nursery:
                for flusher in lane.flushers:
                    nursery.start_soon(self._run, lane, flusher)

        return flush_forever

    async def _run(self, lane: Lane, flusher: Flusher) -> None:
        while True:
            if not flusher.tickets:
                await lane.take(flusher)
            outcomes: Sequence[Outcome] | None = None
            lane.under_way += 1
            with trio.CancelScope(shield=True, deadline=self._shield_ends) as flusher.shield:
                outcomes = await self._flush(lane, flusher)
            lane.under_way -= 1
            if outcomes is None:  # the shield ended first: the node goes down, and what was submitted stays unknown
                await trio.lowlevel.checkpoint()
                continue
            if lane.ripe:
                lane.wake()
            tickets, flusher.tickets = flusher.tickets, ()
            now = trio.current_time()
            for ticket, outcome in zip(tickets, outcomes, strict=True):
                ticket.settle(outcome, now)

    async def _flush(self, lane: Lane, flusher: Flusher) -> Sequence[Outcome]:
        tickets = flusher.tickets
        turns = [ticket.turn for ticket in tickets]
        attempt = 0
        while True:
            started = trio.current_time()
            try:
                outcomes = await self._guarded(lane.name, turns)
            except StoreAway:
                self.away = True
                self._stats.store_away += 1
                for ticket in tickets:
                    ticket.doubtful = True
                flusher.shield.shield = False  # between two attempts the node may go down: nothing is under way
                await trio.sleep(self._pause(attempt))
                flusher.shield.shield = True
                attempt += 1
                continue
            self.away = False
            self._stats.flushed(lane.name, len(turns), trio.current_time() - started)
            return outcomes

    async def _guarded(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        """One commit. An error that is not StoreAway condemns no neighbour: the turns go again one by one, which the
        turn ids make safe, and the one that still fails is rejected."""
        try:
            outcomes = await self._store.commit(lane, turns)
        except StoreAway:
            raise
        except Exception as error:
            if len(turns) == 1:
                return [Outcome(Verdict.REJECTED, f"{type(error).__name__}: {error}")]
            return [(await self._guarded(lane, [turn]))[0] for turn in turns]
        if len(outcomes) != len(turns):
            raise RuntimeError(f"the store answered {len(outcomes)} outcomes for {len(turns)} turns")
        return outcomes

    def _pause(self, attempt: int) -> float:
        pause = min(self._limits.away_backoff_cap, self._limits.away_backoff * 2.0 ** min(attempt, 20))
        return pause * (0.5 + 0.5 * self._random.random())
