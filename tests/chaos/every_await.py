"""SIGKILL at the k-th scheduling step of a start and of a stop, for every k, and around every COMMIT in the side thread.

One station, of 1.6 or 2.0.1, plays one session after the other. Before the message under test the node is armed; it dies
at the chosen moment, comes back, and the station repeats what was not acknowledged, as stations do. A phase is over when the
message was answered before the trap could spring.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import trio

from gateways.simulator.journal import Journal
from gateways.simulator.memory import Model, Pending, StationSettings
from gateways.simulator.stats import Stats
from gateways.simulator.v16.station import Station16
from gateways.simulator.v201.station import Station201
from tests.chaos.forked import ForkedNode
from tests.chaos.process import PASSWORD, TOKEN
from tests.chaos.verify import verify

IDENTITY = "AWAIT001"
MODEL = Model("Chaos", "AC 22", "1", 22_000, 1)
STATIONS: dict[str, type[Station16] | type[Station201]] = {"ocpp1.6": Station16, "ocpp2.0.1": Station201}
DELAYS_MS = (0.0, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
"""From before the statement reached PostgreSQL to after its answer."""
SURVIVALS = 3
"""A phase ends after so many k in a row that the message outlived: a stray timer may have taken a step."""


@dataclass
class Result:
    kills: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    """Kills by phase."""
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Rig:
    """A node with a trap, and one station in front of it."""

    def __init__(self, home: Path, protocol: str, model: Model = MODEL) -> None:
        self.home = home
        self.node = ForkedNode(home)
        self.result = Result()
        self.back_at = 0.0
        """When the node was last seen to be ready."""
        settings = StationSettings(
            url=self.node.ocpp_url,
            identity=IDENTITY,
            protocol=protocol,
            model=model,
            password=PASSWORD,
            message_attempts=10_000,
            backoff_most=0.3,
        )
        self.journal = Journal(home / "journals" / f"{IDENTITY}.jsonl")
        kind = STATIONS[protocol]
        self.station: Station16 | Station201 = kind(settings, rng=random.Random(1), stats=Stats(), journal=self.journal)

    async def start(self) -> None:
        await trio.to_thread.run_sync(self.node.start)
        self.back_at = trio.current_time()

    def _order(self, line: str, answer: str) -> list[str]:
        """Tell the node something and wait for its word; a node that dies says nothing."""
        process = self.node.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return []  # nobody is there to be told
        for said in process.stdout:
            if said.startswith(b"died"):
                return []
            if said.decode().startswith(answer):
                return said.decode().split()
        return []

    async def order(self, line: str, answer: str) -> list[str]:
        return await trio.to_thread.run_sync(self._order, line, answer)

    @property
    def died(self) -> bool:
        return self.node.process is not None and self.node.process.poll() is not None

    async def under_fire(self, order: str, pending: Pending) -> bool:
        """Wait until the message is acknowledged, bringing the node back when it dies. True when it died."""
        died = False
        while not pending.done.is_set():
            with trio.move_on_after(0.02):
                await pending.done.wait()
            if self.died:
                died = True
                await self.start()
        if not died and not await self.order("disarm", "counted"):
            died = True  # after the answer had left, before the trap was taken away
            await self.start()
        return died


def run_every_await(home: Path, protocol: str = "ocpp1.6", *, most: int | None = None, say: bool = True) -> Result:
    """`most`: at most so many kills a phase (for a short run)."""
    rig = Rig(home, protocol)
    try:
        trio.run(_run, rig, most, say)
        rig.journal.close()
        with rig.node.api() as api:
            verdict = verify(home / "journals", api)
        rig.result.counts = dict(verdict.counts)
        rig.result.problems += verdict.problems
        rig.node.kill()
        code, said = rig.node.audit()
        if code:
            rig.result.problems.append(f"csms audit: {said}")
        return rig.result
    finally:
        rig.node.end()


async def _run(rig: Rig, most: int | None, say: bool) -> None:
    await rig.start()
    await trio.to_thread.run_sync(rig.node.provision, [IDENTITY])
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.station.run)
        for message in ("start", "stop"):
            await _phase(rig, f"{message} step", message, most, say)
            for kind in ("before", "after"):
                await _phase(rig, f"{message} {kind} commit", message, most, say)
            for delay in DELAYS_MS if most is None else DELAYS_MS[:most]:
                await _one(rig, f"{message} during commit", message, f"during 1 {delay}", say)
        nursery.cancel_scope.cancel()


async def _phase(rig: Rig, name: str, message: str, most: int | None, say: bool) -> None:
    kind = name.split()[1]
    k = survived = 0
    while survived < SURVIVALS and (most is None or k < most):
        k += 1
        survived = 0 if await _one(rig, name, message, f"{kind} {k}", say) else survived + 1


async def _one(rig: Rig, name: str, message: str, trap: str, say: bool) -> bool:
    """A whole session whose `message` goes out while the trap is set. True when the node died of it."""
    station, connector = rig.station, rig.station.connectors[0]
    await station.online()
    await trio.sleep(0.05)  # the bustle of the boot is over: what counts is this message
    died = False
    if message == "start":
        await rig.order(f"arm {trap}", "armed")
    begun = station.begin(connector, TOKEN)  # type: ignore[arg-type]  # each knows its own kind of connector
    assert begun is not None
    died = await rig.under_fire(trap, begun) if message == "start" else await _answered(begun)
    reading = station.meter(connector)  # type: ignore[arg-type]
    assert reading is not None
    await reading.done.wait()
    await station.online()
    if message == "stop":
        await rig.order(f"arm {trap}", "armed")
    ended = station.end(connector)  # type: ignore[arg-type]
    assert ended is not None
    died = await rig.under_fire(trap, ended) if message == "stop" else (await _answered(ended)) or died
    if died:
        rig.result.kills += 1
        rig.result.steps[name] = rig.result.steps.get(name, 0) + 1
    if say:
        print(f"{name}: {trap}: {'killed' if died else 'outlived'}", flush=True)
    return died


async def _answered(pending: Pending) -> bool:
    await pending.done.wait()
    return False
