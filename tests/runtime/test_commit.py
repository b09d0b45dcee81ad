"""The committer and the fence: what an unknown outcome, a lost race or a bad turn costs, and whom."""

import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, Unavailable
from runtime.limits import Limits
from runtime.store import StoreAway
from runtime.turn import StagedTurn
from tests.runtime.kit import Add, Added, Counter, Decision, Do, FaultyStore, Get, facts_of, running

A = ("acme", "counter", "a")


def counter(n: int) -> tuple[str, str, str]:
    return ("acme", "counter", str(n))


async def test_the_batch_is_what_queued_during_the_last_flush(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store, limits=Limits(main_batch=10)) as system:
        for n in range(25):
            await system.ask(counter(n), Get(), deadline=60)
        store.commits.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: system.ask(counter(0), Add(1), deadline=60))
            await trio.sleep(0.1)  # the first turn does not linger for company
            for n in range(1, 25):
                nursery.start_soon(lambda n=n: system.ask(counter(n), Add(1), deadline=60))
    assert sorted(len(batch) for batch in store.commits) == [1, 4, 10, 10]


async def test_only_a_batch_that_is_half_full_follows_one_that_is_under_way(autojump_clock):
    under_way = []

    class Watched(FaultyStore):
        async def commit(self, lane, turns):
            under_way.append(len(turns))
            seen.append(tuple(under_way))
            try:
                return await super().commit(lane, turns)
            finally:
                under_way.remove(len(turns))

    seen: list[tuple[int, ...]] = []
    async with running(Watched(latency=1.0), limits=Limits(main_batch=10)) as system:
        for n in range(24):
            await system.ask(counter(n), Get(), deadline=60)
        seen.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: system.ask(counter(0), Add(1), deadline=60))
            await trio.sleep(0.1)
            for n in range(1, 24):
                nursery.start_soon(lambda n=n: system.ask(counter(n), Add(1), deadline=60))
    assert seen[:2] == [(1,), (1, 10)]
    assert max(map(len, seen)) == 2
    assert all(len(batches) == 1 or min(batches) >= 5 or batches[0] == 1 for batches in seen)


async def test_money_turns_have_a_lane_of_their_own_in_small_batches(autojump_clock):
    store = FaultyStore(latency=0.1)
    async with running(store, limits=Limits(money_batch=2)) as system, trio.open_nursery() as nursery:
        for n in range(9):
            nursery.start_soon(lambda n=n: system.ask(counter(n), Do(Decision(facts=(Added(1),), lane="money")), deadline=60))
    assert max(len(batch) for batch in store.commits) == 2
    assert system.stats.batch_sizes["money"].total == 9


async def test_while_the_store_is_away_the_same_turns_are_submitted_until_it_answers(autojump_clock):
    submitted: list[bytes] = []

    class Away(FaultyStore):
        async def commit(self, lane, turns):
            submitted.extend(turn.turn for turn in turns)
            return await super().commit(lane, turns)

    store = Away()
    async with running(store) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=5)
        store.away = True
        answers = []

        async def ask():
            answers.append(await system.ask(A, Add(1), deadline=60))

        nursery.start_soon(ask)
        await trio.sleep(10)
        assert len(submitted) > 3
        assert system.inspect.stats()["store_away_now"]
        store.away = False
        await trio.sleep(5)
        assert answers == [1]
        assert len(set(submitted)) == 1
        assert len(facts_of(store, A)) == 1


async def test_a_commit_with_unknown_outcome_that_happened_is_not_done_twice(autojump_clock):
    store = FaultyStore()
    store.lose_after = 0.7
    async with running(store) as system:
        for n in range(1, 11):
            assert await system.ask(A, Add(1), deadline=600) == n
    assert len(facts_of(store, A)) == 10


async def test_an_ask_waiting_on_a_store_that_stays_away_hears_unavailable(autojump_clock):
    store = FaultyStore()
    store.away = True
    async with running(store) as system:
        with pytest.raises(Unavailable):
            await system.ask(A, Add(1), deadline=5)


async def test_the_loser_of_a_race_reloads_and_decides_again_on_the_winners_state(autojump_clock):
    store = FaultyStore()
    async with running(store, seed=1) as one, running(store, seed=2) as other:
        assert await one.ask(A, Add(1), deadline=5) == 1
        assert await other.ask(A, Add(10), deadline=5) == 11
        assert await one.ask(A, Add(100), deadline=5) == 111  # decided on 1 first, which lost
        assert one.stats.conflicts == 1
        assert one.stats.crashes == 0
    assert len(facts_of(store, A)) == 3


async def test_a_turn_that_may_have_been_committed_before_the_race_was_lost_is_not_decided_twice(autojump_clock):
    """COMMIT happened, its outcome was lost, and before the turn came again another node moved the head: asking again
    could book twice, so the asker hears that nobody knows."""
    store = FaultyStore()

    class Line(FaultyStore):
        async def commit(self, lane, turns):
            outcomes = await store.commit(lane, turns)
            if turns[0].actor == A and len(facts_of(store, A)) == 1:
                await other.ask(A, Add(10), deadline=5)
                raise StoreAway
            return outcomes

        async def recover(self, addresses, *, claim):
            return await store.recover(addresses, claim=claim)

    async with running(store, seed=2) as other, running(Line(), seed=1) as one:
        with pytest.raises(Unavailable, match="unknown"):
            await one.ask(A, Add(1), deadline=30)
        assert (await one.ask(A, Get(), deadline=30)).total == 11
    assert len(facts_of(store, A)) == 2


async def test_two_nodes_that_fight_over_one_actor_lose_nothing_acknowledged(autojump_clock):
    store = FaultyStore(latency=0.02)
    acknowledged = 0

    async def hammer(system):
        nonlocal acknowledged
        for _ in range(20):
            try:
                await system.ask(A, Add(1), deadline=60)
            except ActorCrashed:
                continue
            acknowledged += 1

    async with running(store, seed=3) as one, running(store, seed=4) as other, trio.open_nursery() as nursery:
        nursery.start_soon(hammer, one)
        nursery.start_soon(hammer, other)
    assert len(facts_of(store, A)) == acknowledged


async def test_a_turn_that_breaks_a_constraint_fails_alone_and_counts_as_a_crash(autojump_clock):
    store, reports = FaultyStore(latency=0.1), []
    store.reject = lambda turn: turn.actor == A
    async with running(store, reports=reports) as system:
        ends = {}

        async def ask(n):
            try:
                ends[n] = await system.ask(A if n == 0 else counter(n), Add(1), deadline=60)
            except ActorCrashed as error:
                ends[n] = error

        async with trio.open_nursery() as nursery:
            for n in range(20):
                nursery.start_soon(ask, n)
        assert "a constraint" in str(ends.pop(0))
        assert set(ends.values()) == {1}
        assert [r.error for r in reports] == ["TurnRejected: a constraint"]
        store.reject = None
        assert await system.ask(A, Add(1), deadline=5) == 1


async def test_a_turn_the_store_chokes_on_does_not_take_its_batch_along(autojump_clock):
    store = FaultyStore(latency=0.1)
    store.raise_for = lambda turn: turn.actor == A
    async with running(store) as system:
        ends = {}

        async def ask(n):
            try:
                ends[n] = await system.ask(A if n == 0 else counter(n), Add(1), deadline=60)
            except ActorCrashed as error:
                ends[n] = error

        async with trio.open_nursery() as nursery:
            for n in range(20):
                nursery.start_soon(ask, n)
        assert "chokes" in str(ends.pop(0))
        assert set(ends.values()) == {1}


async def test_a_flush_under_way_is_shielded_when_the_node_is_cancelled(autojump_clock):
    ends = []

    class Last(Counter):
        def released(self, state, decision):
            if decision.facts:
                ends.append("released")

        def deactivated(self):
            ends.append("deactivated")

    store = FaultyStore(latency=2.0)
    async with running(store, factory=Last) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=60)

        async def ask():
            with pytest.raises(Exception, match="ended"):
                await system.ask(A, Add(1), deadline=60)

        nursery.start_soon(ask)
        await trio.sleep(0.5)
        system._scope.cancel()
    assert len(facts_of(store, A)) == 1
    assert ends == ["deactivated"]  # what came back from the store afterwards finds nobody to release it


async def test_a_store_that_hangs_does_not_keep_the_node_up_for_ever(autojump_clock):
    class Hangs(FaultyStore):
        async def commit(self, lane, turns):
            await trio.sleep_forever()

    async with running(Hangs(), limits=Limits(flush_shield=5.0)) as system, trio.open_nursery() as nursery:

        async def ask():
            with pytest.raises(Exception, match="ended"):
                await system.ask(A, Add(1), deadline=600)

        nursery.start_soon(ask)
        await trio.sleep(1)
        system._scope.cancel()
    assert trio.current_time() < 30


async def test_every_turn_id_is_new_and_names_its_predecessor(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for _ in range(5):
            await system.ask(A, Add(1), deadline=5)
    turns: list[StagedTurn] = [turn for batch in store.commits for turn in batch]
    assert [turn.seq for turn in turns] == [0, 1, 2, 3, 4]
    assert [turn.prev_turn for turn in turns] == [bytes(16), *(turn.turn for turn in turns[:-1])]
    assert len({turn.turn for turn in turns}) == 5
    assert all(len(turn.turn) == 16 for turn in turns)
    assert store.head(Address(*A)).seq == 5


async def test_a_checkpoint_rides_along_every_n_facts(autojump_clock):
    class Often(Counter):
        checkpoint_every = 3

    store = FaultyStore()
    async with running(store, factory=Often) as system:
        for _ in range(7):
            await system.ask(A, Add(1), deadline=5)
    assert [turn.seq + 1 for batch in store.commits for turn in batch if turn.checkpoint is not None] == [3, 6]
    assert store.head(Address(*A)).checkpoint.body == b'{"total":6,"turns":6,"log":[]}'
