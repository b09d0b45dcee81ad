"""Durable timers: one worker that sleeps until the next row is due and hands it to its actor.

A timer fires at least once and is applied once: its row disappears in the commit of the turn it caused, and a second
firing meets GONE. What was delivered and not yet consumed is remembered, so that one slow actor is not fired at again
and again; once it is neither queued nor at hand any more (its actor crashed), it is delivered again after a pause.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import trio

from runtime.address import Address
from runtime.mailbox import Encoded, Envelope
from runtime.store import StoreAway, StoredTimer
from runtime.turn import TimerRow

if TYPE_CHECKING:
    from runtime.system import System


class Timers:
    def __init__(self, system: "System") -> None:
        self._system = system
        self._delivered: dict[tuple[Address, str, datetime], float] = {}
        """When it was handed over; absent again once consumed."""
        self._next: datetime | None = None
        self._nudge = trio.Event()
        self._page = system.limits.timer_batch

    def changed(self, rows: Sequence[TimerRow]) -> None:
        """A commit set timers: sleep shorter when one is due before the one slept for."""
        for row in rows:
            if row.at is not None and (self._next is None or row.at < self._next):
                self._nudge.set()

    def consumed(self, address: Address, fired: tuple[str, datetime]) -> None:
        self._delivered.pop((address, *fired), None)

    async def run(self) -> None:
        system = self._system
        limits = system.limits
        while True:
            self._nudge = trio.Event()
            try:
                busy = await self._fire_due()
                self._next = await system.store.next_timer()
            except StoreAway:
                await trio.sleep(limits.away_backoff_cap)
                continue
            pause = limits.timer_poll
            if self._next is not None:
                pause = min(pause, max(0.0, (self._next - system.clock.now()).total_seconds()))
            if busy:
                pause = min(max(pause, limits.timer_pause), limits.timer_retry)
            with trio.move_on_after(pause):
                await self._nudge.wait()

    async def _fire_due(self) -> bool:
        """Deliver what is due; True while something delivered waits for its actor."""
        system = self._system
        limits = system.limits
        retry = limits.timer_retry
        while True:
            due = await system.store.due_timers(system.clock.now(), self._page)
            now = system.clock.monotonic()
            fresh = 0
            for timer in due:
                key = (timer.actor, timer.name, timer.at)
                since = self._delivered.get(key)
                if since is None or (now - since > retry and not self._waits(timer)):
                    self._delivered[key] = now
                    fresh += self._deliver(timer)
            if len(due) < self._page:
                self._page = limits.timer_batch
                self._forget_stale({(timer.actor, timer.name, timer.at) for timer in due})
                return bool(due)
            if not fresh:
                self._page = min(self._page * 2, limits.sweep_batch_cap)
                return True
            await trio.lowlevel.checkpoint()

    def _waits(self, timer: StoredTimer) -> bool:
        """It is still in its actor's mailbox, or at hand."""
        cell = self._system.registry.cells.get(timer.actor)
        if cell is None:
            return False
        fired = (timer.name, timer.at)
        at_hand: Any = cell.current
        return (at_hand is not None and at_hand.fired == fired) or any(e.fired == fired for e in cell.mailbox.user)

    def _deliver(self, timer: StoredTimer) -> int:
        system = self._system
        address = Address(*timer.actor)
        try:
            cell = system.cell(address) if system.is_here(address) else None
        except LookupError as error:
            system.notice("timer_without_actor", str(error), address)
            return 0
        if cell is None:
            return 0
        if cell.put(Envelope(Encoded(timer.body), fired=(timer.name, timer.at))):
            system.stats.timers_fired += 1
            return 1
        return 0

    def _forget_stale(self, due: set[Any]) -> None:
        """Cancelled or moved timers never come back as consumed."""
        for key in [key for key in self._delivered if key not in due]:
            del self._delivered[key]
