"""A free actor takes its turn in the asker's task: faster, and still serial, fair and as contained as ever."""

import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, ActorStopped, DeadlineExceeded, MailboxFull
from runtime.limits import Limits
from runtime.reports import CrashReport
from tests.runtime.kit import Add, Added, Boom, Counter, Decision, Do, FaultyStore, Get, facts_of, node, running

A = ("acme", "counter", "a")
B = ("acme", "counter", "b")


async def active(system, *addresses):
    """From here on their turns are taken at once."""
    for address in addresses:
        await system.ask(address, Get(), deadline=5)
    await trio.sleep(0.1)


async def test_a_turn_taken_at_once_wakes_no_task(autojump_clock):
    async with running(FaultyStore()) as system:
        await active(system, A)
        answers = []
        system.ask_then(A, Get(), lambda *answer: answers.append(answer), deadline=5)
        assert [answer.total for answer, _ in answers] == [0]  # without a single await
        system.ask_then(A, Add(2), lambda *answer: answers.append(answer), deadline=5)
        assert len(answers) == 1  # durable: after the commit
        await trio.sleep(1)
        assert answers[1] == (2, None)


async def test_an_asker_that_is_always_answered_at_once_does_not_starve_the_loop(autojump_clock):
    async with running(FaultyStore()) as system, trio.open_nursery() as nursery:
        await active(system, A)
        others = 0

        async def other():
            nonlocal others
            while True:
                await trio.lowlevel.checkpoint()
                others += 1

        nursery.start_soon(other)
        for _ in range(1000):
            await system.ask(A, Get(), deadline=5)
        assert others > 30
        nursery.cancel_scope.cancel()


async def test_a_tell_takes_nobodys_turn_in_the_tellers_task(autojump_clock):
    decided = []

    class Slow(Counter):
        def decide(self, state, message, now):
            decided.append(message)
            return super().decide(state, message, now)

    async with running(FaultyStore(), factory=Slow) as system:
        await active(system, A)
        decided.clear()
        system.tell(A, Get())
        assert decided == []
        await trio.sleep(0.1)
        assert decided == [Get()]


async def test_the_actor_stays_serial_over_its_commit(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store) as system:
        await active(system, A)
        answers = []
        for n in range(5):
            system.ask_then(A, Add(1), lambda *answer: answers.append(answer), deadline=60)
            system.ask_then(A, Get(), lambda answer, error, n=n: answers.append((n, answer.total)), deadline=60)
        await trio.sleep(60)
    assert answers == [(1, None), (0, 1), (2, None), (1, 2), (3, None), (2, 3), (4, None), (3, 4), (5, None), (4, 5)]


async def test_a_crash_at_once_is_the_actors_and_never_the_askers(autojump_clock):
    reports = []
    async with running(FaultyStore(), reports=reports) as system:
        await active(system, A, B)
        ends = []
        system.ask_then(A, Boom(), lambda *answer: ends.append(answer), deadline=5)  # raises nothing here
        system.ask_then(B, Do(Decision(forward=(A, Get()))), lambda *answer: ends.append(answer), deadline=5)
        await trio.sleep(1)
        assert [type(error) for _, error in ends] == [ActorCrashed, ActorCrashed]
        assert sorted(error.attempts for _, error in ends) == [0, 1]
        assert [report.address for report in reports] == [A]
        assert (await system.ask(A, Get(), deadline=5)).total == 0


async def test_an_unknown_lane_at_once_is_a_crash_too(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await active(system, A)
        with pytest.raises(ActorCrashed):
            await system.ask(A, Do(Decision(facts=(Added(1),), lane="express")), deadline=5)
        await trio.sleep(0.1)
        assert await system.ask(A, Add(1), deadline=5) == 1
    assert len(facts_of(store, A)) == 1


async def test_a_chain_of_turns_at_once_is_bounded_and_arrives(autojump_clock):
    class Chain(Counter):
        deepest = 0

        def decide(self, state, message, now):
            if isinstance(message, int):
                Chain.deepest = max(Chain.deepest, system.nested_turns)
                if message:
                    return Decision(forward=(("acme", "counter", str(message - 1)), message - 1))
                return Decision(reply="arrived")
            return super().decide(state, message, now)

    async with running(FaultyStore(), factory=Chain, limits=Limits(nested_turns=3, hops=50)) as system:
        await active(system, *[("acme", "counter", str(n)) for n in range(21)])
        assert await system.ask(("acme", "counter", "20"), 20, deadline=5) == "arrived"
        assert Chain.deepest == 3


async def test_an_actor_that_asks_for_itself_again_while_it_answers_is_not_entered_twice(autojump_clock):
    depth, most = 0, 0

    class Nosy(Counter):
        def decide(self, state, message, now):
            nonlocal depth, most
            depth += 1
            most = max(most, depth)
            try:
                return super().decide(state, message, now)
            finally:
                depth -= 1

    async with running(FaultyStore(), factory=Nosy) as system:
        await active(system, A)
        seen = []

        def again(answer, error):
            seen.append(answer)
            if len(seen) < 50:
                system.ask_then(A, Get(), again, deadline=5)

        system.ask_then(A, Get(), again, deadline=5)
        await trio.sleep(1)
        assert len(seen) == 50
    assert most == 1


async def test_an_edge_that_raises_when_it_is_answered_harms_neither_actor_nor_letters(autojump_clock):
    reports = []

    def broken(answer, error):
        raise OSError("the socket is gone")

    store = FaultyStore()
    async with running(store, reports=reports) as system:
        await active(system, A)
        for message in (Get(), Add(1), Boom()):
            system.ask_then(A, message, broken, deadline=5)
            await trio.sleep(1)
        assert (await system.ask(A, Get(), deadline=5)).total == 1
    assert [report.event for report in reports if not isinstance(report, CrashReport)] == ["answer_not_taken"] * 3
    assert len([report for report in reports if isinstance(report, CrashReport)]) == 1


async def test_an_edge_hears_every_kind_of_no(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store, limits=Limits(mailbox=1)) as system:
        await active(system, A)
        ends = []

        def then(answer, error):
            ends.append(type(error))

        system.ask_then(("acme", "nobody", "x"), Get(), then, deadline=5)
        system.ask_then(A, Add(1), then, deadline=60)  # at hand
        system.ask_then(A, Add(1), then, deadline=0.1)  # queued, too late
        system.ask_then(A, Add(1), then, deadline=60)  # no room
        await trio.sleep(0.5)
        assert ends == [LookupError, MailboxFull, DeadlineExceeded]
        await trio.sleep(10)
        await system.inspect.stop(A)
        system.ask_then(A, Get(), then, deadline=5)
    assert ends[3:] == [type(None), ActorStopped]
    stopped = node(FaultyStore())
    stopped.ask_then(A, Get(), then, deadline=5)
    assert ends[5:] == [ActorStopped]


async def test_a_message_that_can_be_completed_from_memory_waits_for_nobody(autojump_clock):
    class Remembers(Counter):
        needs_prepare = frozenset({str})
        known = False

        def prepared(self, state, message):
            return Add(1) if Remembers.known else None

        async def prepare(self, state, message):
            await trio.sleep(5)
            Remembers.known = True
            return Add(1)

    async with running(FaultyStore(), factory=Remembers) as system:
        await active(system, A)
        start = trio.current_time()
        assert await system.ask(A, "look up", deadline=60) == 1
        assert trio.current_time() - start >= 5
        start = trio.current_time()
        assert await system.ask(A, "look up", deadline=60) == 2
        assert trio.current_time() - start < 1
        assert system.registry.cells[Address(*A)].recent_types()[-1] == "Add"
