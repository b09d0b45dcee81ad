"""The life of one message: what is acknowledged is durable, what is volatile never waits."""

import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, AskCycle, DeadlineExceeded, MailboxFull, Unavailable
from runtime.limits import Limits
from runtime.store import StoreAway
from tests.runtime.kit import Add, Added, Boom, Counter, Decision, Do, FaultyStore, Get, Letter, Note, Tally, facts_of, running

A = ("acme", "counter", "a")
B = ("acme", "counter", "b")
C = ("acme", "counter", "c")


async def test_a_reply_leaves_only_after_what_it_acknowledges_is_committed(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store) as system:
        assert await system.ask(A, Add(3), deadline=30) == 3
        assert facts_of(store, A) == ['{"type":"added","amount":3,"who":""}']


async def test_the_new_state_is_seen_by_nobody_before_the_commit(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Get(), deadline=5)
        store.away = True
        with pytest.raises(Unavailable):
            await system.ask(A, Add(1), deadline=3)
        cell = system.registry.cells[Address(*A)]
        assert cell.incarnation.state.total == 0
        store.away = False
        assert (await system.ask(A, Get(), deadline=10)).total == 1  # the waiting turn was committed in the end


async def test_a_turn_without_anything_durable_never_meets_the_store(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Get(), deadline=5)
        store.away = True
        assert (await system.ask(A, Get(), deadline=5)).total == 0
        assert store.commits == []


async def test_a_fact_that_cannot_be_applied_is_never_written(autojump_clock):
    class Fussy(Counter):
        def apply(self, state, fact):
            if fact.amount < 0:
                raise ValueError("negative")
            return super().apply(state, fact)

    store = FaultyStore()
    async with running(store, factory=Fussy) as system:
        with pytest.raises(ActorCrashed, match="negative"):
            await system.ask(A, Add(-1), deadline=5)
        assert facts_of(store, A) == []
        assert await system.ask(A, Add(2), deadline=5) == 2


async def test_an_actor_is_serial_over_its_own_commit_and_thousands_share_one(autojump_clock):
    store = FaultyStore(latency=0.05)
    async with running(store) as system, trio.open_nursery() as nursery:
        for n in range(50):
            for _ in range(4):
                nursery.start_soon(lambda n=n: system.ask(("acme", "counter", str(n)), Add(1), deadline=60))
    assert all(len(facts_of(store, ("acme", "counter", str(n)))) == 4 for n in range(50))
    assert len(store.commits) < 20  # the store itself asserts one turn an actor and batch


async def test_everything_of_a_turn_is_released_in_order_after_its_commit(autojump_clock):
    seen = []

    class Watcher(Counter):
        def released(self, state, decision):
            if decision.facts:
                seen.append((state.total, len(store.commits)))

    store = FaultyStore()
    async with running(store, factory=Watcher) as system:
        await system.ask(A, Add(1), deadline=5)
        await system.ask(A, Add(1), deadline=5)
    assert seen == [(1, 1), (2, 2)]


async def test_a_hook_that_raises_after_the_commit_restarts_the_actor_but_blames_no_message(autojump_clock):
    class Clumsy(Counter):
        def released(self, state, decision):
            if decision.facts:
                raise OSError("the line broke")

    store, reports = FaultyStore(), []
    async with running(store, factory=Clumsy, reports=reports) as system:
        assert await system.ask(A, Add(1), deadline=5) == 1
        await trio.sleep(0.05)  # an ask queued before the restart would fail fast
        assert (await system.ask(A, Get(), deadline=5)).total == 1
    assert [(r.message_type, r.attempts) for r in reports if hasattr(r, "attempts")] == [("", 0)]


async def test_an_ask_whose_deadline_passed_in_the_queue_is_not_decided_any_more(autojump_clock):
    store = FaultyStore(latency=5.0)
    async with running(store) as system:
        await system.ask(A, Get(), deadline=20)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: system.ask(A, Add(1), deadline=60))
            await trio.sleep(0.1)
            with pytest.raises(DeadlineExceeded):
                await system.ask(A, Add(10), deadline=1)
        assert (await system.ask(A, Get(), deadline=60)).total == 1


async def test_an_asker_that_is_cancelled_leaves_nothing_behind(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store) as system:
        with trio.move_on_after(0.2):
            await system.ask(A, Add(1), deadline=60)
        assert len(system.wheel) == 0
        await trio.sleep(10)
        assert (await system.ask(A, Get(), deadline=60)).total == 0  # still queued when its asker left


async def test_a_forwarded_message_is_answered_by_the_one_commit_of_its_owner(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        assert await system.ask(A, Do(Decision(forward=(B, Add(5)))), deadline=5) == 5
        assert facts_of(store, A) == []
        assert len(facts_of(store, B)) == 1
        assert len(store.commits) == 1


async def test_a_crash_behind_a_forward_reaches_the_first_asker(autojump_clock):
    async with running(FaultyStore()) as system:
        with pytest.raises(ActorCrashed) as caught:
            await system.ask(A, Do(Decision(forward=(B, Boom("behind")))), deadline=5)
        assert caught.value.address == B
        assert caught.value.attempts == 1


async def test_a_forward_to_a_kind_nobody_registered_fails_the_ask_and_not_the_forwarder(autojump_clock):
    reports = []
    async with running(FaultyStore(), reports=reports) as system:
        with pytest.raises(Exception, match="no actor kind"):
            await system.ask(A, Do(Decision(forward=(("acme", "nothing", "x"), Add(1)))), deadline=5)
    assert reports == []


async def test_forwards_in_a_circle_end(autojump_clock):
    class Ping(Counter):
        def decide(self, state, message, now):
            if message == "round":
                return Decision(forward=(B if self.context.address == A else A, "round"))
            return super().decide(state, message, now)

    async with running(FaultyStore(), factory=Ping) as system:
        with pytest.raises(AskCycle):
            await system.ask(A, "round", deadline=5)


async def test_a_later_decision_answers_every_ask_kept_under_its_key(autojump_clock):
    async with running(FaultyStore()) as system:
        answers = []

        async def wait():
            answers.append(await system.ask(A, Do(Decision(later="k")), deadline=60))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
            await trio.sleep(1)
            assert await system.ask(A, Do(Decision(facts=(Added(1),), answers=(("k", "done"), ("other", 1)))), deadline=5) is None
        assert answers == ["done", "done"]


async def test_a_crash_fails_the_asks_kept_for_later(autojump_clock):
    async with running(FaultyStore()) as system, trio.open_nursery() as nursery:

        async def wait():
            with pytest.raises(ActorCrashed):
                await system.ask(A, Do(Decision(later="k")), deadline=60)

        nursery.start_soon(wait)
        await trio.sleep(1)
        system.tell(A, Boom())


async def test_what_an_actor_keeps_for_later_is_bounded(autojump_clock):
    async with running(FaultyStore(), limits=Limits(later_per_actor=3)) as system, trio.open_nursery() as nursery:

        async def wait(key):
            with pytest.raises(DeadlineExceeded):
                await system.ask(A, Do(Decision(later=key)), deadline=10)

        for n in range(3):
            nursery.start_soon(wait, str(n))
        await trio.sleep(1)
        with pytest.raises(MailboxFull):
            await system.ask(A, Do(Decision(later="one too many")), deadline=10)
        await trio.sleep(20)
        with pytest.raises(DeadlineExceeded):  # the places of those that gave up are free again
            await system.ask(A, Do(Decision(later="room again")), deadline=1)


class Curious(Counter):
    """Asks another actor in `prepare`."""

    needs_prepare = frozenset({str})
    system = None

    async def prepare(self, state, message):
        if message.startswith("ask "):
            return await Curious.system.ask(("acme", "counter", message[4]), message[6:] or Get(), deadline=60)
        return message


async def test_an_ask_in_a_circle_is_refused_not_deadlocked(autojump_clock):
    async with running(FaultyStore(), factory=Curious) as system:
        Curious.system = system
        with pytest.raises(AskCycle) as caught:
            await system.ask(A, "ask b ask c ask a", deadline=60)
        assert caught.value.address == A
        assert trio.current_time() < 5


async def test_two_actors_that_ask_each_other_at_the_same_time_do_not_deadlock(autojump_clock):
    async with running(FaultyStore(latency=0.5), factory=Curious) as system:
        Curious.system = system
        ends = []

        async def go(one, other):
            try:
                ends.append(await system.ask(one, f"ask {other}", deadline=60))
            except AskCycle:
                ends.append("cycle")

        await system.ask(A, Get(), deadline=60)
        await system.ask(B, Get(), deadline=60)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(go, A, "b")
            nursery.start_soon(go, B, "a")
        assert "cycle" in ends
        assert trio.current_time() < 20


async def test_who_waits_for_whom_can_be_seen(autojump_clock):
    class Slow(Curious):
        async def prepare(self, state, message):
            if message == "sleep":
                await trio.sleep(10)
            return await super().prepare(state, message)

    async with running(FaultyStore(), factory=Slow) as system, trio.open_nursery() as nursery:
        Curious.system = system
        nursery.start_soon(lambda: system.ask(A, "ask b sleep", deadline=60))
        await trio.sleep(5)
        edges = {(edge["from"], edge["to"]) for edge in system.inspect.waits()}
        assert edges == {(None, "acme/counter/a"), ("acme/counter/a", "acme/counter/b")}
        assert system.inspect.actor(A)["waiting_on"] == "acme/counter/b"


async def test_a_prepare_that_hangs_can_be_broken_off_by_an_operator(autojump_clock):
    class Hangs(Counter):
        needs_prepare = frozenset({str})

        async def prepare(self, state, message):
            await trio.sleep_forever()

    reports = []
    async with running(FaultyStore(), factory=Hangs, reports=reports) as system, trio.open_nursery() as nursery:

        async def wait():
            with pytest.raises(Exception, match="operator"):
                await system.ask(A, "hang", deadline=600)

        nursery.start_soon(wait)
        await trio.sleep(1)
        assert await system.inspect.restart(A)
        assert (await system.ask(A, Get(), deadline=5)).total == 0
    assert reports == []


async def test_a_prepare_that_takes_too_long_crashes_its_actor_only(autojump_clock):
    class Hangs(Counter):
        needs_prepare = frozenset({str})

        async def prepare(self, state, message):
            await trio.sleep_forever()

    async with running(FaultyStore(), factory=Hangs, limits=Limits(prepare_timeout=2.0)) as system:
        with pytest.raises(ActorCrashed, match="took too long"):
            await system.ask(A, "hang", deadline=60)


async def test_a_prepare_waits_while_the_store_is_away_and_does_not_crash(autojump_clock):
    class Numbered(Counter):
        needs_prepare = frozenset({str})

        async def prepare(self, state, message):
            if trio.current_time() < 10:
                raise StoreAway
            return Add(7)

    reports = []
    async with running(FaultyStore(), factory=Numbered, reports=reports) as system:
        assert await system.ask(A, "number", deadline=60) == 7
    assert reports == []


async def test_the_correlation_of_a_message_reaches_what_it_causes(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        note = Letter(B, Note(1, "x"))
        await system.ask(A, Do(Decision(facts=(Added(1),), letters=(note,))), deadline=5, correlation="frame-7")
        await trio.sleep(1)
    assert [(turn.actor.id, turn.correlation) for batch in store.commits for turn in batch] == [
        ("a", "frame-7"),
        ("b", "frame-7"),
    ]


async def test_a_volatile_timer_reaches_its_own_incarnation_and_no_other(autojump_clock):
    class Alarm(Counter):
        def decide(self, state, message, now):
            if message == "set":
                self.handle = self.context.after(5, Add(1))
                return Decision()
            if message == "cancel":
                self.handle.cancel()
                return Decision()
            return super().decide(state, message, now)

    async with running(FaultyStore(), factory=Alarm) as system:
        await system.ask(A, "set", deadline=5)
        await trio.sleep(6)
        assert (await system.ask(A, Get(), deadline=5)).total == 1
        await system.ask(A, "set", deadline=5)
        await system.ask(A, "cancel", deadline=5)
        await system.ask(A, "set", deadline=5)
        system.tell(A, Boom())
        await trio.sleep(20)
        assert (await system.ask(A, Get(), deadline=5)) == Tally(1, 1, ())


async def test_a_decision_for_an_unknown_lane_or_receiver_crashes_before_anything_is_written(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        with pytest.raises(ActorCrashed):
            await system.ask(A, Do(Decision(facts=(Added(1),), lane="express")), deadline=5)
        with pytest.raises(ActorCrashed, match="no actor kind"):
            await system.ask(A, Do(Decision(letters=(Letter(("acme", "nobody", "x"), Note(1, "")),))), deadline=5)
        assert facts_of(store, A) == []
        assert store.letters == {}
