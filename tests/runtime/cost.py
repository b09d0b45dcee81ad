"""What the runtime costs: `python -m tests.runtime.cost`.

CPU of one ask (volatile, prepared, durable) without a store's own work, of one activation, and the memory of an idle
actor. Figures, not assertions: machines differ."""

import gc
import time
from collections.abc import Sequence
from typing import Any

import psutil
import trio
import trio.lowlevel

from runtime.address import Address
from runtime.store import Outcome, Recovered, Verdict
from runtime.system import System
from runtime.turn import NO_TURN, StagedTurn
from tests.runtime.kit import Add, Counter, Decision, Get, Tally

ACTORS = 200
ASKS = 20_000
IDLE = 10_000


class Instant:
    """Says yes to everything, a millisecond later."""

    async def commit(self, lane: str, turns: Sequence[StagedTurn]) -> Sequence[Outcome]:
        await trio.sleep(0.001)
        return [Outcome(Verdict.COMMITTED)] * len(turns)

    async def recover(self, addresses: Sequence[Address], *, claim: bool) -> Sequence[Recovered]:
        await trio.lowlevel.checkpoint()
        return [Recovered(seq=0, turn=NO_TURN) for _ in addresses]

    async def waiting_letters(self, *args: Any) -> Sequence[Any]:
        return ()

    async def due_timers(self, *args: Any) -> Sequence[Any]:
        return ()

    async def next_timer(self) -> None:
        return None


class Lean(Counter):
    """The counter without its log, and a prepare that finds everything in memory."""

    idle_seconds = None
    checkpoint_every = 64
    needs_prepare = frozenset({str})

    async def prepare(self, state: Any, message: Any) -> Any:
        return message

    def decide(self, state: Tally, message: Any, now: Any) -> Any:
        return Decision(reply=message) if type(message) is str else super().decide(state, message, now)

    def apply(self, state: Tally, fact: Any) -> Tally:
        return Tally(state.total + fact.amount, state.turns + 1)


async def main() -> None:
    store: Any = Instant()
    system = System(store)
    system.register("counter", Lean)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        for name, message in (("volatile ask", Get()), ("ask with a prepare that does not wait", "x"), ("durable ask", Add(1))):
            await asks(system, message, 2)
            began, cpu = time.perf_counter(), time.process_time()
            await asks(system, message, ASKS // ACTORS)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - began
            print(f"{name:40} {cpu / ASKS * 1e6:6.1f} us of CPU, {ASKS / wall:8.0f} a second")
        print(f"{'mean batch':40} {system.stats.releases / system.stats.commits:6.1f} turns")
        await idle_actors(system)
        nursery.cancel_scope.cancel()


async def asks(system: System, message: Any, each: int) -> None:
    async def client(n: int) -> None:
        for _ in range(each):
            await system.ask(("t", "counter", str(n)), message, deadline=30)

    async with trio.open_nursery() as nursery:
        for n in range(ACTORS):
            nursery.start_soon(client, n)


async def idle_actors(system: System) -> None:
    gc.collect()
    process = psutil.Process()
    before, cpu = process.memory_info().rss, time.process_time()
    for n in range(IDLE):
        system.tell(("t", "counter", f"idle {n}"), Get())
    while sum(cell.handled > 0 for cell in system.registry.cells.values()) < IDLE + ACTORS:
        await trio.sleep(0.02)
    print(f"{'activation':40} {(time.process_time() - cpu) / IDLE * 1e6:6.1f} us of CPU")
    gc.collect()
    print(f"{'idle actor':40} {(process.memory_info().rss - before) / IDLE / 1024:6.1f} KB")
    print(f"{'longest stall of the loop':40} {system.stats.lag_max_us / 1000:6.1f} ms")


if __name__ == "__main__":
    trio.run(main)
