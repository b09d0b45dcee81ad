"""Whole nodes in a deterministic simulation: seeded schedules, crashes, lost and doubled deliveries, a store that goes
away, commits of unknown outcome, kills, and a second node that fights for the same actors.

What must hold after every storm, whatever the seed:
  - each acknowledged message is durable exactly once; one whose outcome its asker does not know, at most once;
  - each letter is applied exactly once; those of one sender in their order, as long as an actor lives on one node at a time;
  - each timer that was set is applied exactly once; each effect is settled;
  - state in memory is what its facts say.
`SIM_SEEDS=a-b` runs others; a failure prints its seed.
"""

import random
from collections import Counter as Count
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
import trio
import trio._core._run as trio_run
from trio.testing import MockClock

from runtime.address import Address
from runtime.errors import ActorError
from runtime.limits import Limits
from runtime.network import SimulatedNetwork
from tests.kits.examples import seeds
from tests.runtime.kit import Added, Boom, Counter, Decision, Effect, FaultyStore, Get, Letter, Note, Timer, clock_now, node

SEEDS = seeds(range(6))
ACTORS = [Address("acme", "counter", f"{n}") for n in range(6)]
LIMITS = Limits(idle_sweep=1.0, restart_budget=1000, mailbox=64, letter_sweep=1.0, letter_age=1.0, outbox_backoff_cap=5.0)


class Wish(msgspec.Struct, frozen=True):
    """One random turn: everything it causes is named after `name`."""

    name: str
    letter_to: Address | None = None
    timer: bool = False
    effect: bool = False
    crash: str = ""


class Fickle(Counter):
    """Does what wishes say; crashes at random places, before and after the commit, and forgets itself quickly."""

    checkpoint_every = 5
    idle_seconds = 2.0
    needs_prepare = frozenset({Wish})
    rng = random.Random()

    async def prepare(self, state: Any, message: Wish) -> Wish:
        if Fickle.rng.random() < 0.2:
            await trio.sleep(Fickle.rng.random() * 0.05)
        return message

    def decide(self, state: Any, message: Any, now: Any) -> Any:
        if isinstance(message, Wish):
            if message.crash == "decide":
                raise RuntimeError("wished")
            name = message.name
            soon = timedelta(seconds=Fickle.rng.random() * 5)
            return Decision(
                facts=(Added(1, name),),
                letters=(Letter(message.letter_to, Note(1, f"letter {name}")),) if message.letter_to else (),
                timers=(Timer(name, now + soon, Note(1, f"timer {name}")),) if message.timer else (),
                effects=(Effect(name, "redeliver", "topic"),) if message.effect else (),
                reply=message,
            )
        if isinstance(message, tuple):
            return Decision(facts=(Added(1, f"effect {message[0]}"),), settled=((message[0], "done"),))
        return super().decide(state, message, now)

    def released(self, state: Any, decision: Any) -> None:
        wish = decision.reply
        if isinstance(wish, Wish) and wish.crash == "released":
            raise RuntimeError("after the commit")


def names(store: FaultyStore, actor: Address) -> list[str]:
    return [msgspec.json.decode(fact.row.body)["who"] for fact in store.head(actor).facts]


class World:
    """One store, one or two nodes over it, and a record of what was acknowledged."""

    def __init__(self, seed: int, nodes: int) -> None:
        self.rng = random.Random(seed)
        self.store = FaultyStore(latency=0.02, rng=random.Random(seed + 1))
        self.seed = seed
        self.nodes = nodes
        self.live: list[Any] = []
        self.scopes: list[trio.CancelScope] = []
        self.incarnations = 0
        self.acknowledged: dict[str, tuple[Address, Wish]] = {}
        self.asked: dict[str, tuple[Address, Wish]] = {}
        self.sent = Count[str]()
        self.network: SimulatedNetwork | None = None
        Fickle.rng = random.Random(seed + 2)

    async def start_node(self, index: int, nursery: trio.Nursery) -> None:
        self.incarnations += 1
        more: dict[str, Any] = {"node": f"n{index}"}
        if self.network is not None:
            more["transport"] = self.network.transport(f"n{index}")
        system = node(self.store, seed=self.seed * 1000 + self.incarnations, factory=Fickle, limits=LIMITS, **more)
        system.outbox.handle("topic", self._send)
        if self.network is not None:
            self.network.join(system)
        scope = trio.CancelScope()

        async def run(task_status: Any) -> None:
            with scope:
                await system.run(task_status=task_status)

        await nursery.start(run)
        self.live[index : index + 1] = [system]
        self.scopes[index : index + 1] = [scope]

    async def _send(self, item: Any) -> Any:
        await trio.sleep(self.rng.random() * 0.1)
        self.sent[item.effect.id] += 1
        if self.rng.random() < 0.3:
            raise ConnectionError("refused")
        return (item.effect.id,)

    async def client(self, number: int, asks: int) -> None:
        for n in range(asks):
            await trio.sleep(self.rng.random() * 0.2)
            rng = self.rng
            actor = rng.choice(ACTORS)
            wish = Wish(
                f"{number}.{n}",
                letter_to=rng.choice([a for a in ACTORS if a != actor]) if rng.random() < 0.4 else None,
                timer=rng.random() < 0.2,
                effect=rng.random() < 0.2,
                crash=rng.choice(["decide", "released"]) if rng.random() < 0.15 else "",
            )
            self.asked[wish.name] = (actor, wish)
            try:
                await rng.choice(self.live).ask(actor, wish, deadline=rng.choice([0.05, 1.0, 20.0]))
            except ActorError:
                continue
            self.acknowledged[wish.name] = (actor, wish)

    async def gremlin(self) -> None:
        """Everything that may go wrong with store and mailboxes, one thing after another."""
        rng, store = self.rng, self.store
        while True:
            await trio.sleep(rng.random())
            match rng.randrange(6):
                case 0:
                    store.away = True
                    await trio.sleep(rng.random() * 2)
                    store.away = False
                case 1:
                    store.lose_after, store.lose_before = 0.5, 0.2
                    await trio.sleep(rng.random())
                    store.lose_after = store.lose_before = 0.0
                case 2:
                    rng.choice(self.live).tell(rng.choice(ACTORS), Boom(str(rng.random())))
                case 3:
                    await rng.choice(self.live).inspect.restart(rng.choice(ACTORS), timeout=0.1)
                case 4 if store.letters:  # a doubled delivery
                    to, key = rng.choice(list(store.letters))
                    body = store.letters[to, key][1]
                    message = msgspec.json.decode(body, type=Note)
                    rng.choice(self.live).deliver_letter(to, key, message, "")
                case _:
                    await rng.choice(self.live).inspect.checkpoint(rng.choice(ACTORS), timeout=0.1)

    async def killer(self, nursery: trio.Nursery, kills: int) -> None:
        for _ in range(kills):
            await trio.sleep(0.5 + self.rng.random() * 3)
            index = self.rng.randrange(len(self.live))
            self.scopes[index].cancel()
            await trio.sleep(self.rng.random())
            await self.start_node(index, nursery)

    async def settle(self) -> None:
        """The weather is fine again: every obligation must come to its end by itself."""
        self.store.away = False
        self.store.lose_after = self.store.lose_before = 0.0
        if self.network is not None:
            self.network.loss = 0.0
        for _ in range(300):
            await trio.sleep(1)
            open_effects = [row for row in self.store.effects.values() if row[1] is None]
            if not self.store.letters and not self.store.timers and not open_effects:
                return
        raise AssertionError(f"still owed: {self.store.letters}, {self.store.timers}, {self.store.effects}")

    def check(self, *, order: bool) -> None:
        written = {actor: names(self.store, actor) for actor in ACTORS}
        every = Count(name for told in written.values() for name in told)
        assert not [name for name, times in every.items() if times > 1], "something was applied twice"
        for name, (actor, _) in self.acknowledged.items():
            assert name in written[actor], f"{name} was acknowledged by {actor} and is lost"
        for name, (actor, wish) in self.asked.items():
            if name not in written[actor]:
                assert wish.crash == "decide" or name not in self.acknowledged
                assert not [told for told in every if told.endswith(f" {name}")], f"{name} was never written but had effects"
                continue
            if wish.letter_to is not None:
                assert f"letter {name}" in written[wish.letter_to]
            assert (f"timer {name}" in written[actor]) == wish.timer
            assert (f"effect {name}" in written[actor]) == wish.effect
            assert self.sent[name] >= wish.effect
        if order:
            self._check_order(written)

    def _check_order(self, written: dict[Address, list[str]]) -> None:
        """Letters of one sender to one receiver arrive in the order in which the sender's turns were committed."""
        for receiver in ACTORS:
            for sender in ACTORS:
                sent = [name for name in written[sender] if self.asked.get(name, (None, Wish("")))[1].letter_to == receiver]
                got = [told.removeprefix("letter ") for told in written[receiver] if told.startswith("letter ")]
                mine = [name for name in got if self.asked[name][0] == sender]
                assert mine == [name for name in sent if name in mine]

    async def check_memory(self) -> None:
        """With two owners the memory of one may be behind (that is what the fence is for): it looks at durable state again."""
        for actor in ACTORS:
            system = self.live[0]
            if self.nodes > 1:
                await system.inspect.restart(actor)
            state = await system.ask(actor, Get(), deadline=60)
            assert state.total == len(self.store.head(actor).facts)


async def storm(world: World, *, kills: int, weather: dict[str, float] | None = None) -> None:
    async with trio.open_nursery() as nursery:
        if weather is not None:
            world.network = SimulatedNetwork(lambda a: f"n{int(a.id) % world.nodes}", random.Random(world.seed + 3), **weather)
            await nursery.start(world.network.run)
        for index in range(world.nodes):
            await world.start_node(index, nursery)
        async with trio.open_nursery() as trouble:
            trouble.start_soon(world.gremlin)
            trouble.start_soon(world.killer, nursery, kills)
            async with trio.open_nursery() as clients:
                for number in range(8):
                    clients.start_soon(world.client, number, 25)
            await trio.sleep(1)
            trouble.cancel_scope.cancel()
        for index, scope in enumerate(world.scopes):  # a node whose killer was called off between kill and start
            if scope.cancel_called:
                await world.start_node(index, nursery)
        await world.settle()
        world.check(order=world.nodes == 1 or weather is not None)
        await world.check_memory()
        nursery.cancel_scope.cancel()


def summary(world: World) -> str:
    return (
        f"asked {len(world.asked)}, acknowledged {len(world.acknowledged)}, incarnations of nodes {world.incarnations}, "
        f"commits {len(world.store.commits)}, at {clock_now():%M:%S}"
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_one_node_in_a_storm_loses_nothing_and_does_nothing_twice(autojump_clock, seed):
    print("SIM_SEEDS =", seed)
    trio_run._r.seed(seed)
    world = World(seed, 1)
    await storm(world, kills=0)
    print(summary(world))
    assert len(world.acknowledged) > 30


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_node_killed_again_and_again_loses_nothing_acknowledged(autojump_clock, seed):
    print("SIM_SEEDS =", seed)
    trio_run._r.seed(seed)
    world = World(seed, 1)
    await storm(world, kills=5)
    print(summary(world))


@pytest.mark.parametrize("seed", SEEDS)
async def test_two_nodes_that_both_believe_to_own_every_actor_still_write_one_history(autojump_clock, seed):
    print("SIM_SEEDS =", seed)
    trio_run._r.seed(seed)
    world = World(seed, 2)
    await storm(world, kills=2)
    print(summary(world))


@pytest.mark.parametrize("seed", SEEDS)
async def test_two_nodes_over_a_bad_network_share_one_address_space(autojump_clock, seed):
    print("SIM_SEEDS =", seed)
    trio_run._r.seed(seed)
    world = World(seed, 2)
    await storm(world, kills=1, weather={"loss": 0.1, "duplication": 0.2, "delay": 0.05})
    print(summary(world))


def test_the_same_seed_is_the_same_history():
    histories = []
    for _ in range(2):
        trio_run._r.seed(7)
        world = World(7, 1)
        trio.run(partial(storm, world, kills=3), clock=MockClock(autojump_threshold=0))
        histories.append([names(world.store, actor) for actor in ACTORS])
    assert histories[0] == histories[1]
