"""Forgetting idle actors: one sweeper for all of them, no timer each.

An actor that handled nothing for as long as its `patience` gets a system message; it ends by itself if nothing came meanwhile.
Nothing is lost by it: every obligation is a letter, an outbox row or a durable timer.
"""

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from runtime.system import System


async def sweep_idle(system: "System") -> None:
    limits = system.limits
    while True:
        await trio.sleep(limits.idle_sweep)
        now = system.clock.monotonic()
        for n, cell in enumerate(list(system.registry.cells.values())):
            incarnation = cell.incarnation
            if incarnation is not None:
                patience = incarnation.actor.patience(incarnation.state)
                if patience is not None and now - cell.active_at >= patience and cell.idle():
                    cell.order("passivate")
            if n % limits.idle_sweep_slice == limits.idle_sweep_slice - 1:
                await trio.lowlevel.checkpoint()
