"""Letters, durable timers and outbox rows: everything an actor owes survives it, and is settled once."""

from datetime import timedelta
from itertools import pairwise

import trio

from runtime.address import Address
from runtime.limits import Limits
from runtime.store import Outcome, Verdict
from runtime.turn import LetterKey
from tests.runtime.kit import (
    START,
    Add,
    Added,
    Counter,
    Decision,
    Do,
    Effect,
    FaultyStore,
    Get,
    Note,
    Timer,
    clock_now,
    facts_of,
    running,
)

A = ("acme", "counter", "a")
B = ("acme", "counter", "b")


# -- letters


async def test_a_letter_is_applied_once_and_gone_with_the_receivers_commit(autojump_clock):
    store = FaultyStore(latency=0.01)
    async with running(store) as system:
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
        await trio.sleep(1)
        assert (await system.ask(B, Get(), deadline=5)).log == ("a",)
        assert store.letters == {}
        await trio.sleep(20)  # the sweep finds nothing
        assert len(facts_of(store, B)) == 1


class Indifferent(Counter):
    """Letters change nothing."""

    def decide(self, state, message, now):
        return Decision() if isinstance(message, Note) else super().decide(state, message, now)


async def test_a_life_that_begins_with_a_letter_that_changes_nothing_leaves_its_state_behind(autojump_clock):
    store = FaultyStore(latency=0.01)
    async with running(store, factory=Indifferent) as system:
        await system.ask(A, Add(1, letters=((B, Note(5, "a")), (B, Note(6, "b")))), deadline=5)
        await trio.sleep(1)
        assert store.letters == {}
        head = store.head(Address(*B))
        assert (head.seq, head.facts, head.checkpoint_seq) == (2, [], 1)
        assert (await system.ask(B, Get(), deadline=5)).total == 0


async def test_letters_of_one_sender_arrive_in_their_order(autojump_clock):
    store = FaultyStore(latency=0.02)
    async with running(store) as system:
        for n in range(30):
            await system.ask(A, Add(1, letters=((B, Note(1, f"{n}.0")), (B, Note(1, f"{n}.1")))), deadline=5)
        await trio.sleep(10)
        assert (await system.ask(B, Get(), deadline=5)).log == tuple(f"{n}.{m}" for n in range(30) for m in (0, 1))


async def test_letters_that_waited_are_handled_before_the_mailbox_opens(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.inspect.stop(B)
        for n in range(3):
            await system.ask(A, Add(1, letters=((B, Note(1, str(n))),)), deadline=5)
        assert len(store.letters) == 3
    async with running(store, seed=2) as system:
        assert (await system.ask(B, Get(), deadline=5)).log == ("0", "1", "2")


async def test_a_letter_delivered_twice_is_applied_once_even_when_nobody_remembers_it(autojump_clock):
    store = FaultyStore()
    async with running(store, limits=Limits(consumed_remembered=0)) as system:
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
        await trio.sleep(1)
        for _ in range(3):
            system.deliver_letter(Address(*B), LetterKey(Address(*A), 1, 0), Note(5, "a"), "")
            await trio.sleep(1)
        assert (await system.ask(B, Get(), deadline=5)).total == 5
        assert system.stats.gone == 3


async def test_a_second_delivery_of_a_remembered_letter_is_spared_the_trip(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
        await trio.sleep(1)
        system.deliver_letter(Address(*B), LetterKey(Address(*A), 1, 0), Note(5, "a"), "")
        await trio.sleep(1)
        assert system.stats.gone == 0


async def test_a_letter_lost_on_its_way_is_swept_up(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(B, Get(), deadline=5)
        system.deliver_letter = lambda *args: None  # the hand-over in memory never happens
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
        await trio.sleep(10)
        assert (await system.ask(B, Get(), deadline=5)).log == ("a",)
        assert system.stats.letters_swept >= 1


async def test_letters_that_found_the_mailbox_full_come_later_in_their_order(autojump_clock):
    store = FaultyStore(latency=0.2)
    async with running(store, limits=Limits(mailbox=5, letter_sweep=10_000.0)) as system:
        await system.ask(B, Get(), deadline=60)
        for first in range(0, 40, 8):  # the later ones find room again while earlier ones still wait in the store
            many = tuple((B, Note(1, str(n))) for n in range(first, first + 8))
            await system.ask(A, Add(1, letters=many), deadline=60)
            await trio.sleep(1)
        await trio.sleep(60)
        assert (await system.ask(B, Get(), deadline=60)).log == tuple(str(n) for n in range(40))
        assert len(facts_of(store, B)) == 40


async def test_letters_of_stopped_actors_do_not_hide_those_behind_them(autojump_clock):
    store = FaultyStore()
    async with running(store, limits=Limits(letter_batch=3)) as system:
        system.deliver_letter = lambda *args: None
        for n in range(8):
            stopped = ("acme", "counter", f"stopped {n}")
            await system.inspect.stop(stopped)
            await system.ask(A, Add(1, letters=((stopped, Note(1, "x")),)), deadline=5)
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
        await trio.sleep(30)
        assert len(facts_of(store, B)) == 1
        assert len(store.letters) == 8


async def test_timers_of_stopped_actors_do_not_hide_those_behind_them(autojump_clock):
    store = FaultyStore()
    async with running(store, limits=Limits(timer_batch=3)) as system:
        for n in range(8):
            owner = ("acme", "counter", f"stopped {n}")
            await system.ask(owner, Do(Decision(timers=(Timer("t", START + timedelta(seconds=5), Note(1, "x")),))), deadline=5)
            await system.inspect.stop(owner)
        await system.ask(A, Do(Decision(timers=(Timer("t", START + timedelta(seconds=6), Note(1, "t")),))), deadline=5)
        await trio.sleep(30)
        assert (await system.ask(A, Get(), deadline=5)).log == ("t",)
        assert await system.inspect.restart(("acme", "counter", "stopped 3"))
        await trio.sleep(10)
        assert (await system.ask(("acme", "counter", "stopped 3"), Get(), deadline=5)).log == ("x",)


async def test_a_letter_to_an_actor_in_another_process_waits_for_it(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        system.deliver_letter = lambda *args: None
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
    async with running(store, seed=2) as system:  # nobody sends anything to B: the sweep alone wakes it
        await trio.sleep(10)
        assert len(facts_of(store, B)) == 1


async def test_what_a_process_left_behind_when_it_died_is_delivered_as_soon_as_the_next_one_starts(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        system.deliver_letter = lambda *args: None
        await system.ask(A, Add(1, letters=((B, Note(5, "a")),)), deadline=5)
    await trio.sleep(0.5)
    async with running(store, seed=2, limits=Limits(letter_sweep=10_000.0)):
        await trio.sleep(0.5)
        assert len(facts_of(store, B)) == 1


# -- timers


async def test_a_durable_timer_fires_on_time_and_its_turn_commits_even_without_a_fact(autojump_clock):
    heard = []

    class Waker(Counter):
        def decide(self, state, message, now):
            if isinstance(message, Note):
                heard.append((message.who, trio.current_time()))
                return Decision()
            return super().decide(state, message, now)

    store = FaultyStore()
    async with running(store, factory=Waker) as system:
        timers = (
            Timer("late", START + timedelta(seconds=100), Note(1, "late")),
            Timer("soon", START + timedelta(seconds=10), Note(1, "soon")),
        )
        await system.ask(A, Do(Decision(timers=timers)), deadline=5)
        await trio.sleep(200)
    assert [(who, round(at)) for who, at in heard] == [("soon", 10), ("late", 100)]
    assert store.timers == {}


async def test_a_timer_wakes_an_actor_that_is_not_active_and_outlives_the_process(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Do(Decision(timers=(Timer("t", START + timedelta(seconds=60), Note(3, "t")),))), deadline=5)
    await trio.sleep(100)
    async with running(store, seed=2) as system:
        await trio.sleep(1)
        assert (await system.ask(A, Get(), deadline=5)).log == ("t",)
        assert facts_of(store, A) == ['{"type":"added","amount":3,"who":"t"}']


async def test_a_timer_can_be_moved_and_cancelled(autojump_clock):
    store = FaultyStore()

    def at(seconds):
        return START + timedelta(seconds=seconds)

    async with running(store) as system:
        await system.ask(A, Do(Decision(timers=(Timer("a", at(10), Note(1, "a")), Timer("b", at(10), Note(1, "b"))))), deadline=5)
        await system.ask(A, Do(Decision(timers=(Timer("a", at(50), Note(1, "moved")), Timer("b", None)))), deadline=5)
        await trio.sleep(30)
        assert (await system.ask(A, Get(), deadline=5)).log == ()
        await trio.sleep(30)
        assert (await system.ask(A, Get(), deadline=5)).log == ("moved",)


async def test_a_timer_is_not_fired_at_a_slow_actor_again_and_again(autojump_clock):
    class SlowCommit(FaultyStore):
        async def commit(self, lane, turns):
            await trio.sleep(10)
            return await super().commit(lane, turns)

    store = SlowCommit()
    async with running(store) as system:
        await system.ask(A, Do(Decision(timers=(Timer("t", START, Note(1, "t")),))), deadline=60)
        await trio.sleep(60)
        assert (await system.ask(A, Get(), deadline=60)).log == ("t",)
        assert system.stats.timers_fired == 1


async def test_a_timer_whose_row_was_moved_while_it_was_queued_does_nothing(autojump_clock):
    """The turn of the fired timer meets GONE: the state stays as it was."""
    store = FaultyStore(latency=0.5)
    async with running(store) as system:
        await system.ask(A, Get(), deadline=60)
        await system.ask(A, Do(Decision(timers=(Timer("t", START + timedelta(seconds=20), Note(1, "old")),))), deadline=60)
        await trio.sleep_until(19.9)
        later = START + timedelta(seconds=100)
        await system.ask(A, Do(Decision(timers=(Timer("t", later, Note(1, "new")),), facts=(Added(1),))), deadline=60)
        await trio.sleep(60)
        assert (await system.ask(A, Get(), deadline=60)).log == ()
        await trio.sleep(60)
        assert (await system.ask(A, Get(), deadline=60)).log == ("new",)


async def test_timers_wait_while_the_store_is_away(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Do(Decision(timers=(Timer("t", START + timedelta(seconds=5), Note(1, "t")),))), deadline=5)
        store.away = True
        await trio.sleep(60)
        store.away = False
        await trio.sleep(10)
        assert (await system.ask(A, Get(), deadline=5)).log == ("t",)


# -- outbox


class Buyer(Counter):
    """`Settled` marks the effect done in the commit of the turn that takes its result."""

    def decide(self, state, message, now):
        if isinstance(message, tuple):
            effect_id, result = message
            return Decision(facts=(Added(1, f"{effect_id} {result}"),), settled=((effect_id, "done"),))
        return super().decide(state, message, now)


async def test_an_effect_is_sent_and_settled_by_the_commit_of_the_actor_that_takes_its_result(autojump_clock):
    store = FaultyStore(latency=0.01)
    sent = []

    async def send(item):
        sent.append((item.effect.id, item.attempt, store.effects[item.actor, item.effect.id][1]))
        return (item.effect.id, "paid")

    async with running(store, factory=Buyer) as system:
        system.outbox.handle("pay", send)
        await system.ask(A, Do(Decision(effects=(Effect("e1", "redeliver", "pay"),))), deadline=5)
        await trio.sleep(1)
        assert (await system.ask(A, Get(), deadline=5)).log == ("e1 paid",)
        await trio.sleep(300)
    assert sent == [("e1", 1, None)]
    assert store.effects[Address(*A), "e1"][1] == "done"


async def test_a_failed_delivery_is_tried_again_ever_later_until_it_succeeds(autojump_clock):
    store, reports, at = FaultyStore(), [], []

    async def send(item):
        at.append(trio.current_time())
        if item.attempt < 4:
            raise ConnectionError("refused")
        return (item.effect.id, "sent")

    async with running(store, factory=Buyer, reports=reports) as system:
        system.outbox.handle("hook", send)
        await system.ask(A, Do(Decision(effects=(Effect("e1", "redeliver", "hook"),))), deadline=5)
        await trio.sleep(120)
        assert (await system.ask(A, Get(), deadline=5)).log == ("e1 sent",)
    gaps = [late - early for early, late in pairwise(at)]
    assert len(at) == 4
    assert gaps == sorted(gaps)
    assert [report.event for report in reports] == ["outbox_failed"] * 3


async def test_a_delivery_whose_worker_died_is_repeated_when_its_lease_ends(autojump_clock):
    store, sent = FaultyStore(), []

    async def send(item):
        sent.append(item.attempt)
        if item.attempt == 1:
            await trio.sleep_forever()
        return (item.effect.id, "sent")

    async with running(store, factory=Buyer) as system:
        system.outbox.handle("hook", send)
        await system.ask(A, Do(Decision(effects=(Effect("e1", "redeliver", "hook"),))), deadline=5)
        await trio.sleep(1)
    assert sent == [1]
    async with running(store, factory=Buyer, seed=2) as system:
        system.outbox.handle("hook", send)
        await trio.sleep(200)
        assert (await system.ask(A, Get(), deadline=5)).log == ("e1 sent",)
    assert sent == [1, 2]


async def test_a_delivery_that_outlives_its_lease_is_not_started_twice_by_one_node(autojump_clock):
    store, sent = FaultyStore(), []

    async def send(item):
        sent.append(item.attempt)
        await trio.sleep(20)
        return (item.effect.id, "sent")

    async with running(store, factory=Buyer, limits=Limits(outbox_lease=5.0)) as system:
        system.outbox.handle("hook", send)
        await system.ask(A, Do(Decision(effects=(Effect("e1", "redeliver", "hook"),))), deadline=5)
        await trio.sleep(60)
    assert sent == [1]


async def test_a_result_that_its_actor_cannot_take_is_not_lost(autojump_clock):
    store, sent = FaultyStore(), []

    class Choosy(Buyer):
        def decide(self, state, message, now):
            if isinstance(message, tuple) and len(sent) < 3:
                raise RuntimeError("not now")
            return super().decide(state, message, now)

    async def send(item):
        sent.append(clock_now())
        return (item.effect.id, "sent")

    async with running(store, factory=Choosy) as system:
        system.outbox.handle("hook", send)
        await system.ask(A, Do(Decision(effects=(Effect("e1", "redeliver", "hook"),))), deadline=5)
        await trio.sleep(60)
        assert (await system.ask(A, Get(), deadline=5)).log == ("e1 sent",)


async def test_a_once_effect_is_left_to_its_actor_and_shown_to_the_next_incarnation(autojump_clock):
    found = []

    class Sender(Counter):
        def activated(self, state, effects):
            found.append([effect.id for effect in effects])
            return [Add(100)] if effects else []

    store = FaultyStore()
    async with running(store, factory=Sender) as system:
        await system.ask(A, Do(Decision(effects=(Effect("call-1", "once", "ocpp"),))), deadline=5)
        await system.inspect.restart(A)
        assert (await system.ask(A, Get(), deadline=5)).total == 100
    assert found == [[], ["call-1"]]


async def test_no_more_handlers_are_at_work_than_the_limit_says(autojump_clock):
    store, at_work, most = FaultyStore(), 0, 0

    async def send(item):
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await trio.sleep(1)
        at_work -= 1
        return (item.effect.id, "sent")

    async with running(store, factory=Buyer, limits=Limits(outbox_batch=4)) as system:
        system.outbox.handle("hook", send)
        effects = tuple(Effect(f"e{n}", "redeliver", "hook") for n in range(20))
        await system.ask(A, Do(Decision(effects=effects)), deadline=5)
        await trio.sleep(30)
        assert (await system.ask(A, Get(), deadline=5)).turns == 20
    assert most == 4


def test_gone_is_its_own_verdict():
    assert Outcome(Verdict.GONE).verdict is not Verdict.CONFLICT
