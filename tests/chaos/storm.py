"""Random kills under load: stations charge on while the node, PostgreSQL or both die and come back."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import trio

from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import Model
from tests.chaos.process import PASSWORD, READY_SECONDS, TOKEN, Node
from tests.chaos.verify import Verdict, verify

SCENARIO = """
boot
wait 0 0.5
plug @
authorize
start @
meter @ 4 0.3
stop @
unplug @
wait 0 0.5
repeat
"""
FAULTS = Faults(duplicate=0.05, replay=0.05, late=0.01, cut=0.03, garbage=0.01, power_loss=0.01, zombie=0.3, offline=0.01)
MODEL = Model("Chaos", "AC 22", "1", 22_000, 2)
AFTERWARDS = 240.0
"""Seconds at most for a session to end after the last kill, and for what is queued then to be delivered."""
VICTIMS = ("node", "node", "node", "postgres", "postgres at once", "both")


@dataclass
class Result:
    verdict: Verdict
    kills: dict[str, int] = field(default_factory=dict)
    slowest_restart: float = 0.0
    delivered: bool = True
    audit: tuple[int, str] = (0, "")
    exit_code: int = 0
    messages: int = 0

    @property
    def passed(self) -> bool:
        return not self.verdict.problems and self.delivered and self.audit[0] == 0 and self.exit_code == 0


def run_storm(home: Path, kills: int, seed: int, stations: int, say: bool = True) -> Result:
    rng = random.Random(seed)
    node = Node(home)
    try:
        node.start()
        identities = [f"CHAOS{n:03d}" for n in range(stations)]
        node.provision(identities, evses=2)
        plan = Plan(
            url=node.ocpp_url,
            count=stations,
            identities=identities,
            password=PASSWORD,
            tags=(TOKEN,),
            scenario=SCENARIO,
            faults=FAULTS,
            models=(MODEL,),
            seed=seed,
            journals=home / "journals",
            protocols=("ocpp1.6", "ocpp2.0.1"),
            message_attempts=10_000,
            backoff_most=1.0,
        )
        result = trio.run(_rage, node, Fleet(plan), kills, rng, say)
        with node.api() as api:
            result.verdict = verify(home / "journals", api)
        result.exit_code = node.stop()
        result.audit = node.audit()
        return result
    finally:
        node.end()


async def _rage(node: Node, fleet: Fleet, kills: int, rng: random.Random, say: bool) -> Result:
    result = Result(Verdict())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.start)
        await trio.sleep(1.0)
        for n in range(kills):
            await trio.sleep(rng.uniform(0.05, 2.5))
            victim = rng.choice(VICTIMS)
            result.kills[victim] = result.kills.get(victim, 0) + 1
            took = await trio.to_thread.run_sync(kill, node, victim)
            result.slowest_restart = max(result.slowest_restart, took)
            if say:
                counts = fleet.stats.counts
                print(
                    f"kill {n + 1}: {victim}, serving again after {took:.1f} s, {counts['stopped']} sessions so far", flush=True
                )
        stopped = fleet.stats.counts["stopped"]
        with trio.move_on_after(AFTERWARDS):
            while fleet.stats.counts["stopped"] == stopped:  # it does go on after the last kill
                await trio.sleep(0.05)
        result.delivered = await fleet.finish(AFTERWARDS)
        result.messages = fleet.stats.counts["messages"]
        nursery.cancel_scope.cancel()
    return result


def kill(node: Node, victim: str) -> float:
    """Kill, bring back, and say how long it was away."""
    begun = time.monotonic()
    if victim.startswith("postgres"):
        node.kill_postgres(immediate=victim.endswith("at once"))
        while not node.is_ready():  # the node notices, and restarts its embedded server by itself
            if time.monotonic() > begun + READY_SECONDS:
                raise RuntimeError(f"PostgreSQL did not come back; the node's log ends:\n{node.tail()}")
            time.sleep(0.05)
    else:
        if victim == "both":
            node.kill_postgres(immediate=False)
        node.kill()
        node.start()
    return time.monotonic() - begun
