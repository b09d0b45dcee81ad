"""Virtual actors: an address is always valid, and an actor may be forgotten at any moment."""

import json
from typing import Any, ClassVar

import msgspec
import pytest
import trio

from runtime.address import Address
from runtime.codec import Codec, NewerVersion, Undecodable, codec_of, encode_message
from runtime.errors import ActorCrashed
from runtime.limits import Limits
from runtime.store import StoredFact
from runtime.turn import CheckpointRow, FactRow
from tests.runtime.kit import Add, Added, Counter, Decision, Do, FaultyStore, Get, Note, Tally, facts_of, running

A = ("acme", "counter", "a")


async def test_sending_to_an_address_activates_its_actor_from_what_is_durable(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for _ in range(20):
            await system.ask(A, Add(1), deadline=5)
    async with running(store, seed=2) as system:
        assert (await system.ask(A, Get(), deadline=5)).total == 20
        detail = system.inspect.actor(A)
        assert detail["checkpoint"]["seq"] == 16
        assert detail["checkpoint"]["behind"] == 4


async def test_a_storm_of_activations_becomes_a_few_look_ups(autojump_clock):
    store = FaultyStore(latency=0.01)
    async with running(store) as system, trio.open_nursery() as nursery:
        for n in range(2000):
            nursery.start_soon(lambda n=n: system.ask(("acme", "counter", str(n)), Get(), deadline=30))
    assert sum(store.recoveries) == 2000
    assert len(store.recoveries) < 15


async def test_reading_letters_again_does_not_claim_the_actor_again(autojump_clock):
    store = FaultyStore(latency=0.1)
    async with running(store) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=30)
        for n in range(20):  # claims and mere looks at the same time
            nursery.start_soon(lambda n=n: system.ask(("acme", "counter", f"x{n}"), Get(), deadline=30))
            system.wake_for_letters(Address(*A))
            await trio.sleep(0.02)
    assert {head.epoch for head in store.heads.values()} == {1}


async def test_activations_do_not_queue_behind_commits(autojump_clock):
    store = FaultyStore()

    class SlowCommit(FaultyStore):
        async def commit(self, lane, turns):
            await trio.sleep(10)
            return await super().commit(lane, turns)

    store = SlowCommit()
    async with running(store) as system, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: system.ask(A, Add(1), deadline=60))
        await trio.sleep(0.1)
        assert (await system.ask(("acme", "counter", "b"), Get(), deadline=1)).total == 0


async def test_one_address_that_cannot_be_recovered_does_not_stop_the_others(autojump_clock):
    class Picky(FaultyStore):
        async def recover(self, addresses, *, claim):
            if any(address.id == "7" for address in addresses):
                raise RuntimeError("broken row")
            return await super().recover(addresses, claim=claim)

    async with running(Picky(latency=0.01)) as system:
        ends = {}

        async def ask(n):
            try:
                ends[n] = (await system.ask(("acme", "counter", str(n)), Get(), deadline=30)).total
            except ActorCrashed:
                ends[n] = "crashed"

        async with trio.open_nursery() as nursery:
            for n in range(20):
                nursery.start_soon(ask, n)
        assert ends.pop(7) == "crashed"
        assert set(ends.values()) == {0}


async def test_an_idle_actor_is_forgotten_with_a_checkpoint_and_comes_back_whole(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for _ in range(3):
            await system.ask(A, Add(1), deadline=5)
        await trio.sleep(60)
        assert Address(*A) not in system.registry.cells
        assert store.head(Address(*A)).checkpoint_seq == 4
        assert (await system.ask(A, Get(), deadline=5)).total == 3
        await trio.sleep(60)
        assert store.head(Address(*A)).seq == 4  # nothing was behind: nothing was written
        assert system.stats.passivations == 2


async def test_how_long_an_idle_actor_is_kept_may_depend_on_its_state(autojump_clock):
    class Brief(Counter):
        def patience(self, state):
            return 5.0 if state.total else None

    async with running(FaultyStore(), factory=Brief) as system:
        await system.ask(A, Get(), deadline=5)
        await trio.sleep(600)
        assert Address(*A) in system.registry.cells
        await system.ask(A, Add(1), deadline=5)
        await trio.sleep(20)
        assert Address(*A) not in system.registry.cells


async def test_a_busy_actor_is_not_forgotten(autojump_clock):
    class Busy(Counter):
        def busy(self, state):
            return True

    async with running(FaultyStore(), factory=Busy) as system:
        await system.ask(A, Get(), deadline=5)
        await trio.sleep(300)
        assert Address(*A) in system.registry.cells


async def test_an_actor_that_owes_an_answer_is_not_forgotten(autojump_clock):
    async with running(FaultyStore()) as system, trio.open_nursery() as nursery:
        answer = []

        async def ask():
            answer.append(await system.ask(A, Do(Decision(later="k")), deadline=500))

        nursery.start_soon(ask)
        await trio.sleep(200)
        await system.ask(A, Do(Decision(answers=(("k", 1),))), deadline=5)
        await trio.sleep(1)
        assert answer == [1]


async def test_what_arrives_while_an_actor_is_being_forgotten_is_kept(autojump_clock):
    store = FaultyStore(latency=2.0)
    async with running(store, limits=Limits(idle_sweep=1.0)) as system:
        await system.ask(A, Add(1), deadline=60)
        total = 1
        for n in range(60):  # one of these meets the commit of the passivation
            await trio.sleep(29.0 + n * 0.1)
            total += 1
            assert await system.ask(A, Add(1), deadline=60) == total
        assert system.stats.passivations > 0
    assert len(facts_of(store, A)) == total


async def test_an_undecodable_checkpoint_falls_back_to_replay_from_the_first_fact(autojump_clock):
    store, reports = FaultyStore(), []
    async with running(store) as system:
        for _ in range(10):
            await system.ask(A, Add(1), deadline=5)
    store.head(Address(*A)).checkpoint = CheckpointRow(1, b'{"total":"a lot"}')
    async with running(store, seed=2, reports=reports) as system:
        assert (await system.ask(A, Get(), deadline=5)).total == 10
    assert [report.event for report in reports] == ["checkpoint_undecodable"]


async def test_what_a_newer_release_wrote_refuses_to_activate(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Add(1), deadline=5)
    store.head(Address(*A)).facts[0] = StoredFact(1, FactRow(0, "added", 2, b'{"type":"added","amount":1,"curb":true}'))
    async with running(store, seed=2) as system:
        with pytest.raises(ActorCrashed):
            await system.ask(A, Get(), deadline=5)
        await trio.sleep(0.1)
        with pytest.raises(ActorCrashed, match="cools down"):
            await system.ask(A, Get(), deadline=5)
        assert "NewerVersion" in system.inspect.actor(A)["last_crash"]["error"]
    assert len(facts_of(store, A)) == 1


class Gained(msgspec.Struct, frozen=True, tag="gained"):
    """What `added` became in version 3, with another unit."""

    milli: int


class Purse(msgspec.Struct, frozen=True):
    milli: int = 0


def _rename(tag: str, fact: dict[str, Any]) -> dict[str, Any]:
    return {**fact, "type": "gained"} if tag == "added" else fact


def _scale(tag: str, fact: dict[str, Any]) -> dict[str, Any]:
    return {"type": "gained", "milli": fact["amount"] * 1000}


class Modern(Counter):
    """The same actor two versions later."""

    version = 3
    state_type = Purse
    fact_type = Gained
    fact_upcasters: ClassVar[Any] = {1: _rename, 2: _scale}
    state_upcasters: ClassVar[Any] = {
        1: lambda state: {"milli": state["total"]},
        2: lambda state: {"milli": state["milli"] * 1000},
    }

    def initial(self):
        return Purse()

    def decide(self, state, message, now):
        return Decision(reply=state.milli)

    def apply(self, state, fact):
        return Purse(state.milli + fact.milli)


async def test_facts_and_checkpoints_of_old_versions_are_upcast_one_version_at_a_time(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for _ in range(11):
            await system.ask(A, Add(1), deadline=5)
    async with running(store, seed=2, factory=Modern) as system:
        assert await system.ask(A, Get(), deadline=5) == 11_000
    store.head(Address(*A)).checkpoint = None
    store.head(Address(*A)).checkpoint_seq = 0
    async with running(store, seed=3, factory=Modern) as system:
        assert await system.ask(A, Get(), deadline=5) == 11_000


def test_bodies_are_the_same_bytes_every_time():
    codec = codec_of(Counter)
    assert codec.facts([Added(2, "x"), Added(3)]) == [
        FactRow(0, "added", 1, b'{"type":"added","amount":2,"who":"x"}'),
        FactRow(1, "added", 1, b'{"type":"added","amount":3,"who":""}'),
    ]
    assert codec.checkpoint(Tally(5, 2, ("x",))) == CheckpointRow(1, b'{"total":5,"turns":2,"log":["x"]}')
    assert encode_message(Note(1, "w")) == b'{"type":"note","amount":1,"who":"w"}'


def test_what_has_no_tag_cannot_be_kept():
    class Untagged(msgspec.Struct):
        x: int

    for keep in (
        lambda: codec_of(Counter).facts([Untagged(1)]),
        lambda: encode_message(Untagged(1)),
        lambda: encode_message("text"),
    ):
        with pytest.raises(TypeError, match="tag"):
            keep()


def test_bulk_facts_are_marked():
    class Reading(msgspec.Struct, frozen=True, tag="reading"):
        bulk: ClassVar[bool] = True
        wh: int

    codec = Codec(
        state_type=Tally, fact_type=Added | Reading, durable_type=Note, version=1, fact_upcasters={}, state_upcasters={}
    )
    assert [row.bulk for row in codec.facts([Added(1), Reading(5)])] == [False, True]
    assert codec.fact(FactRow(1, "reading", 1, b'{"type":"reading","wh":5}')) == Reading(5)


def test_bytes_that_are_not_what_they_claim_are_named():
    codec = codec_of(Counter)
    with pytest.raises(Undecodable, match="added version 1"):
        codec.fact(FactRow(0, "added", 1, b'{"type":"added"}'))
    with pytest.raises(Undecodable):
        codec.state(CheckpointRow(1, b"["))
    with pytest.raises(Undecodable):
        codec.durable(json.dumps({"type": "unknown"}).encode())
    with pytest.raises(NewerVersion):
        codec.state(CheckpointRow(2, b"{}"))
