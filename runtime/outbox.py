"""Delivery of "redeliver" effects: leased from the outbox, handed to the topic's handler, settled by an actor.

At least once, idempotent at the receiver. What a handler returns is a message for the actor that wished the effect;
the row is done only when that actor's commit settles it. A handler that raises is tried again with growing pauses; a worker
that dies loses nothing, since its lease ends by itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import trio

from runtime.address import Address
from runtime.reports import summary
from runtime.store import OutboxItem, StoreAway
from runtime.turn import EffectRow

if TYPE_CHECKING:
    from runtime.system import System

Handler = Callable[[OutboxItem], Awaitable[Any]]


class OutboxRegistry:
    """Handlers by topic, and the worker that feeds them."""

    def __init__(self, system: "System") -> None:
        self._system = system
        self._handlers: dict[str, Handler] = {}
        self._under_way: set[tuple[Address, str]] = set()
        self._nudge = trio.Event()

    def handle(self, topic: str, handler: Handler) -> None:
        """`await handler(item)` sends, and returns the message that the owning actor gets. One handler a topic."""
        if topic in self._handlers:
            raise ValueError(f"topic {topic!r} has a handler already")
        self._handlers[topic] = handler
        self._nudge.set()

    def changed(self, effects: Sequence[EffectRow]) -> None:
        """A commit wrote effects: do not wait for the next poll."""
        for effect in effects:
            if effect.klass == "redeliver":
                self._nudge.set()

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    async def run(self) -> None:
        system = self._system
        limits = system.limits
        async with trio.open_nursery() as nursery:
            while True:
                self._nudge = trio.Event()
                room = limits.outbox_batch - len(self._under_way)
                taken: Sequence[OutboxItem] = ()
                if room > 0 and self._handlers:
                    try:
                        taken = await system.store.take_outbox(sorted(self._handlers), room, limits.outbox_lease)
                    except StoreAway:
                        await trio.sleep(limits.away_backoff_cap)
                        continue
                for item in taken:
                    key = (item.actor, item.effect.id)
                    if key not in self._under_way:
                        self._under_way.add(key)
                        nursery.start_soon(self._deliver, item, name="outbox delivery")
                if not taken or len(taken) < room:
                    with trio.move_on_after(limits.outbox_poll):
                        await self._nudge.wait()

    async def _deliver(self, item: OutboxItem) -> None:
        system = self._system
        limits = system.limits
        try:
            try:
                with trio.fail_after(limits.outbox_timeout):
                    message = await self._handlers[item.effect.topic](item)
                await system.ask(item.actor, message, deadline=limits.outbox_timeout, correlation=item.effect.id)
                system.stats.outbox_done += 1
            except Exception as error:
                await self._give_back(item, error)
        finally:
            self._under_way.discard((item.actor, item.effect.id))
            self._nudge.set()

    async def _give_back(self, item: OutboxItem, error: Exception) -> None:
        """Due again later; when even that cannot be written, the lease ends by itself."""
        system = self._system
        limits = system.limits
        system.stats.outbox_failed += 1
        pause = min(limits.outbox_backoff_cap, limits.outbox_backoff * 2.0 ** min(item.attempt - 1, 30))
        at = system.clock.now() + timedelta(seconds=pause * (0.5 + 0.5 * system.random.random()))
        detail = f"{item.effect.topic} {item.effect.id}, attempt {item.attempt}: {summary(error)}"
        system.notice("outbox_failed", detail, item.actor)
        try:
            await system.store.retry_outbox(item.actor, item.effect.id, at, summary(error))
        except StoreAway:
            return
