"""Asks between nodes: one address space over two nodes, over a network that loses, doubles and delays."""

import random
from contextlib import asynccontextmanager

import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, AskCycle, DeadlineExceeded
from runtime.network import SimulatedNetwork
from tests.runtime.kit import Add, Boom, Counter, Decision, Do, FaultyStore, Get, Note, facts_of, node

HERE = ("acme", "counter", "here")
THERE = ("acme", "counter", "there")


def owner(address: Address) -> str:
    return "two" if address.id.startswith("there") else "one"


@asynccontextmanager
async def two_nodes(store, *, factory=Counter, seed=1, **weather):
    print("seed", seed)
    network = SimulatedNetwork(owner, random.Random(seed), **weather)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        systems = []
        for name in ("one", "two"):
            system = node(store, seed=seed + len(name), factory=factory, transport=network.transport(name), node=name)
            network.join(system)
            await nursery.start(system.run)
            systems.append(system)
        yield systems
        nursery.cancel_scope.cancel()


async def test_an_ask_finds_its_actor_on_the_other_node(autojump_clock):
    store = FaultyStore()
    async with two_nodes(store, delay=0.01) as (one, two):
        assert await one.ask(THERE, Add(3), deadline=5) == 3
        assert one.registry.cells == {}
        assert list(two.registry.cells) == [THERE]


async def test_what_it_raises_there_is_raised_here(autojump_clock):
    async with two_nodes(FaultyStore()) as (one, _):
        with pytest.raises(ActorCrashed) as crashed:
            await one.ask(THERE, Boom(), deadline=5)
        assert crashed.value.address == THERE


async def test_a_forward_crosses_nodes_and_its_answer_comes_back(autojump_clock):
    store = FaultyStore()
    async with two_nodes(store, delay=0.01) as (one, _):
        assert await one.ask(HERE, Do(Decision(forward=(THERE, Add(4)))), deadline=5) == 4
        with pytest.raises(ActorCrashed):
            await one.ask(HERE, Do(Decision(forward=(THERE, Boom()))), deadline=5)


async def test_a_doubled_request_is_decided_once(autojump_clock):
    store = FaultyStore(latency=0.05)
    async with two_nodes(store, duplication=1.0, delay=0.2) as (one, _):
        for n in range(1, 11):
            assert await one.ask(THERE, Add(1), deadline=5) == n
    assert len(facts_of(store, THERE)) == 10


async def test_a_lost_message_is_noticed_by_the_deadline(autojump_clock):
    async with two_nodes(FaultyStore(), loss=1.0) as (one, _):
        with pytest.raises(DeadlineExceeded):
            await one.ask(THERE, Add(1), deadline=5)
        assert trio.current_time() == pytest.approx(5, abs=0.1)


async def test_a_cycle_over_two_nodes_is_refused(autojump_clock):
    systems = {}

    class Asks(Counter):
        needs_prepare = frozenset({str})

        async def prepare(self, state, message):
            mine = systems[owner(self.context.address)]
            return await mine.ask(THERE if owner(self.context.address) == "one" else HERE, message, deadline=30)

    async with two_nodes(FaultyStore(), factory=Asks) as (one, two):
        systems.update(one=one, two=two)
        with pytest.raises(AskCycle):
            await one.ask(HERE, "round", deadline=60)
        assert trio.current_time() < 5


async def test_a_letter_reaches_the_other_node_and_a_tell_too(autojump_clock):
    store = FaultyStore()
    async with two_nodes(store, delay=0.01) as (one, two):
        await one.ask(HERE, Add(1, letters=((THERE, Note(5, "letter")),)), deadline=5)
        assert one.tell(THERE, Note(1, "tell"))
        await trio.sleep(1)
        assert sorted((await two.ask(THERE, Get(), deadline=5)).log) == ["letter", "tell"]


async def test_a_letter_whose_wake_up_was_lost_is_swept_up_by_the_owners_node(autojump_clock):
    store = FaultyStore()
    async with two_nodes(store, loss=1.0) as (one, _):
        await one.ask(HERE, Add(1, letters=((THERE, Note(5, "letter")),)), deadline=5)
        await trio.sleep(20)
    assert len(facts_of(store, THERE)) == 1
