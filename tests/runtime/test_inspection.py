"""What the console sees and may do, and how a node goes down gracefully."""

from contextvars import ContextVar
from datetime import timedelta

import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, ActorStopped
from runtime.limits import Limits
from runtime.supervisor import ChildSpec
from tests.runtime.kit import (
    Add,
    Boom,
    Counter,
    Decision,
    Do,
    Effect,
    FaultyStore,
    Get,
    Letter,
    Note,
    Timer,
    facts_of,
    node,
    running,
)

A = ("acme", "counter", "a")
B = ("acme", "counter", "b")


async def test_the_tree_shows_services_actors_and_who_stands_above_whom(autojump_clock):
    system = node(FaultyStore())
    system.register("child", Counter, parent=lambda address: Address(address.tenant, "counter", "a"))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Get(), deadline=5)
        await system.ask(("acme", "child", "x"), Get(), deadline=5)
        await system.ask(("other", "counter", "z"), Get(), deadline=5)
        tree = system.inspect.tree()
        assert [service["name"] for service in tree["services"]][:3] == ["deadlines", "committer main", "committer money"]
        assert {service["state"] for service in tree["services"]} == {"running"}
        assert [actor["address"] for actor in tree["actors"]] == ["acme/counter/a", "other/counter/z"]
        assert [child["address"] for child in tree["actors"][0]["children"]] == ["acme/child/x"]
        tenant = system.inspect.tree("acme")
        assert [actor["address"] for actor in tenant["actors"]] == ["acme/counter/a"]
        assert tenant["services"] == []  # a tenant's administrator does not see the node
        assert [line["address"] for line in system.inspect.actors("acme", "child")] == ["acme/child/x"]
        nursery.cancel_scope.cancel()


async def test_one_actor_is_shown_whole_and_redacted(autojump_clock):
    class Secretive(Counter):
        def redact(self, state):
            return {"total": "hidden"}

    async with running(FaultyStore(), factory=Secretive) as system:
        for _ in range(9):
            await system.ask(A, Add(1), deadline=5, correlation="c1")
        with pytest.raises(ActorCrashed):
            await system.ask(A, Boom(), deadline=5)
        await system.ask(A, Get(), deadline=5, correlation="c2")
        await trio.sleep(1)
        shown = system.inspect.actor(A)
        assert shown["state"] == {"total": "hidden"}
        assert (shown["status"], shown["seq"], shown["mailbox"], shown["current"]) == ("active", 9, 0, None)
        assert (shown["crashes"], shown["restarts"], shown["incarnation"]) == (1, 1, 2)
        assert shown["checkpoint"]["behind"] == 1
        assert shown["recent"] == ["Add"] * 6 + ["Boom", "Get"]
        assert shown["correlation"] == "c2"
        assert shown["last_crash"]["error"] == "RuntimeError: boom"
        assert "in decide" in shown["last_crash"]["traceback"]
        assert any("_park" in line or "mailbox.py" in line for line in shown["stack"])
        assert system.inspect.actor(B) is None


async def test_a_redact_that_raises_does_not_hide_the_actor(autojump_clock):
    class Broken(Counter):
        def redact(self, state):
            raise KeyError("x")

    async with running(FaultyStore(), factory=Broken) as system:
        await system.ask(A, Get(), deadline=5)
        assert "redact raised KeyError" in system.inspect.actor(A)["state"]["error"]


async def test_an_actor_waiting_for_its_commit_shows_what_it_has_at_hand_and_for_how_long(autojump_clock):
    store = FaultyStore(latency=10.0)
    async with running(store) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=60)
        nursery.start_soon(lambda: system.ask(A, Add(1), deadline=60))
        await trio.sleep(1)
        nursery.start_soon(lambda: system.ask(A, Get(), deadline=60))
        await trio.sleep(2)
        shown = system.inspect.actor(A)
        assert shown["current"] == "Add"
        assert shown["current_age"] == pytest.approx(3)
        assert shown["queued"] == ["Get"]
        assert system.inspect.stats()["commit_queue"]["main"] == 1


async def test_an_operator_restarts_an_actor_and_queued_tells_stay(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=60)
        nursery.start_soon(lambda: system.ask(A, Add(1), deadline=60))
        await trio.sleep(0.01)
        system.tell(A, Add(10))
        assert await system.inspect.restart(A, timeout=30)
        assert (await system.ask(A, Get(), deadline=60)).total == 11
        assert system.registry.cells[Address(*A)].number == 2


async def test_a_stopped_actor_stays_stopped_with_its_children_until_it_is_restarted(autojump_clock):
    system = node(FaultyStore())
    system.register("child", Counter, parent=lambda address: Address(address.tenant, "counter", "a"))
    child = ("acme", "child", "x")
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Add(1), deadline=5)
        await system.ask(child, Get(), deadline=5)
        assert await system.inspect.stop(A)
        for address in (A, child):
            with pytest.raises(ActorStopped):
                await system.ask(address, Get(), deadline=5)
            assert not system.tell(address, Get())
        assert await system.inspect.restart(A)
        assert (await system.ask(A, Get(), deadline=5)).total == 1
        nursery.cancel_scope.cancel()


async def test_a_suspended_actor_keeps_its_tells_and_refuses_asks(autojump_clock):
    async with running(FaultyStore()) as system:
        await system.ask(A, Add(1), deadline=5)
        assert await system.inspect.suspend(A)
        assert system.tell(A, Add(10))
        with pytest.raises(ActorStopped, match="suspended"):
            await system.ask(A, Get(), deadline=5)
        await trio.sleep(100)
        assert system.inspect.actor(A)["mailbox"] == 1  # not forgotten meanwhile
        assert await system.inspect.resume(A)
        assert (await system.ask(A, Get(), deadline=5)).total == 11


async def test_a_checkpoint_can_be_asked_for(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Add(1), deadline=5)
        assert await system.inspect.checkpoint(A)
        assert store.head(Address(*A)).checkpoint_seq == 2
        assert system.inspect.actor(A)["checkpoint"]["behind"] == 0
        assert not await system.inspect.checkpoint(B)  # not active


async def test_a_trace_shows_what_an_actor_handles_for_a_while_and_no_contents(autojump_clock):
    async with running(FaultyStore(), limits=Limits(trace_entries=3)) as system:
        await system.ask(A, Get(), deadline=5)
        assert system.inspect.trace(A, seconds=10)
        await system.ask(A, Get(), deadline=5)
        for n in range(2):
            await system.ask(A, Add(1), deadline=5, correlation=str(n))
        with pytest.raises(ActorCrashed):
            await system.ask(A, Boom(), deadline=5)
        entries = system.inspect.traced(A)
        assert [(e["message"], e["end"]) for e in entries] == [
            ("Add", "committed"), ("Add", "committed"), ("Boom", "crashed: RuntimeError"),
        ]  # fmt: skip
        await trio.sleep(20)
        await system.ask(A, Get(), deadline=5)
        assert system.inspect.traced(A) == []


async def test_the_system_lane_is_not_blocked_by_a_full_mailbox(autojump_clock):
    store = FaultyStore(latency=0.5)
    async with running(store, limits=Limits(mailbox=50)) as system:
        await system.ask(A, Get(), deadline=60)
        told = sum(system.tell(A, Add(1)) for _ in range(100))
        assert told == 50
        assert system.stats.dropped == 50
        assert await system.inspect.suspend(A)
        assert system.inspect.actor(A)["mailbox"] > 40


async def test_counters_are_raw_and_complete(autojump_clock):
    async with running(FaultyStore(latency=0.01)) as system:
        await system.ask(A, Add(1), deadline=5)
        await system.ask(A, Get(), deadline=5)
        stats = system.inspect.stats()
        assert (stats["turns"], stats["volatile_turns"], stats["releases"], stats["commits"], stats["asks"]) == (2, 1, 1, 1, 2)
        assert stats["batch_sizes"]["main"]["count"] == 1
        assert stats["commit_us"]["main"]["p50"] >= 5_000
        assert stats["actors"] == {"counter": {"active": 1}}
        await trio.sleep(5)
        assert system.inspect.stats()["lag_us"]["count"] >= 10


async def test_a_service_of_the_node_starts_after_the_actors_and_stops_before_them(autojump_clock):
    log = []
    system = node(FaultyStore())

    async def listener(task_status):
        log.append(await system.ask(A, Add(1), deadline=5))
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                log.append(await system.ask(A, Add(1), deadline=5))

    system.supervise(ChildSpec(name="listener", run=listener, gated=True))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        nursery.cancel_scope.cancel()
    assert log == [1, 2]


# -- drain


async def test_a_drain_finishes_what_is_queued_and_refuses_what_is_new(autojump_clock):
    store = FaultyStore(latency=0.5)
    system = node(store)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Get(), deadline=60)
        answers = []

        async def ask():
            answers.append(await system.ask(A, Add(1), deadline=60))

        for _ in range(5):
            nursery.start_soon(ask)
        await trio.sleep(0.1)
        nursery.start_soon(system.drain, 60)
        await trio.sleep(0.1)
        with pytest.raises(ActorStopped, match="drains"):
            await system.ask(A, Get(), deadline=5)
        assert not system.tell(A, Get())
    assert answers == [1, 2, 3, 4, 5]
    assert system.registry.cells == {}


async def test_a_drain_writes_checkpoints_only_where_they_are_behind(autojump_clock):
    class Rarely(Counter):
        checkpoint_every = 1000

    store = FaultyStore()
    system = node(store, factory=Rarely)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        for _ in range(20):
            await system.ask(A, Add(1), deadline=5)
        await system.ask(B, Add(1), deadline=5)
        await system.drain(60)
    assert store.head(Address(*A)).checkpoint_seq == 21
    assert store.head(Address(*B)).checkpoint is None


async def test_a_drain_takes_forwards_along(autojump_clock):
    store = FaultyStore(latency=0.5)
    system = node(store)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        answers = []

        async def ask():
            answers.append(await system.ask(A, Do(Decision(forward=(B, Add(7)))), deadline=60))

        nursery.start_soon(ask)
        await trio.sleep(0.01)
        await system.drain(60)
    assert answers == [7]


async def test_what_an_actor_asks_while_deciding_is_answered_during_a_drain(autojump_clock):
    class Asks(Counter):
        needs_prepare = frozenset({str})

        async def prepare(self, state, message):
            await trio.sleep(1)
            return Add(await system.ask(B, Add(3), deadline=30))

    system = node(FaultyStore(), factory=Asks)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        answers = []

        async def ask():
            answers.append(await system.ask(A, "prepare", deadline=30))

        nursery.start_soon(ask)
        await trio.sleep(0.5)
        await system.drain(60)
        await system.drain(60)  # a second one is harmless
    assert answers == [3]


async def test_an_actors_task_does_not_inherit_the_context_of_whoever_woke_it(autojump_clock):
    request = ContextVar("request", default="none")
    seen = []

    class Looks(Counter):
        needs_prepare = frozenset({Get})

        async def prepare(self, state, message):
            seen.append(request.get())
            return message

    async with running(FaultyStore(), factory=Looks) as system:
        request.set("the first asker's")
        await system.ask(A, Get(), deadline=5)
        await system.ask(A, Get(), deadline=5)
    assert seen == ["none", "none"]


async def test_a_drain_does_not_wait_for_ever(autojump_clock):
    store = FaultyStore()
    system = node(store)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Get(), deadline=5)
        store.away = True
        system.tell(A, Add(1))
        await trio.sleep(1)
        await system.drain(10)
    assert trio.current_time() < 20


async def test_letters_written_during_a_drain_wait_for_the_next_node(autojump_clock):
    store = FaultyStore(latency=0.2)
    system = node(store)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Get(), deadline=5)
        nursery.start_soon(lambda: system.ask(A, Do(Decision(letters=(Letter(B, Note(4, "a")),))), deadline=60))
        await trio.sleep(0.01)
        await system.drain(60)
    assert len(store.letters) == 1
    async with running(store, seed=2):
        await trio.sleep(10)
    assert len(facts_of(store, B)) == 1


async def test_suspended_and_stopped_actors_do_not_hold_up_a_drain(autojump_clock):
    system = node(FaultyStore())
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        for address in (A, B):
            await system.ask(address, Get(), deadline=5)
        await system.inspect.suspend(A)
        system.tell(A, Add(1))
        await system.inspect.stop(B)
        await system.drain(60)
    assert trio.current_time() < 5


# -- lists, branches, timers, and what waits


def family(store=None, **more):
    system = node(store or FaultyStore(), **more)
    system.register("child", Counter, parent=lambda address: Address(address.tenant, "counter", "a"))
    return system


async def test_a_branch_shows_one_level_a_page_at_a_time_and_how_much_is_below(autojump_clock):
    system = family()
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        for n in range(5):
            await system.ask(("acme", "child", f"{n}"), Get(), deadline=5)
        top = await system.inspect.branch()
        assert [str(line.address) for line in top.lines] == [f"acme/child/{n}" for n in range(5)]  # their parent is not active
        await system.ask(A, Get(), deadline=5)
        await system.ask(("other", "counter", "z"), Get(), deadline=5)
        top = await system.inspect.branch(limit=1)
        assert ([str(line.address) for line in top.lines], top.below, top.hidden) == (["acme/counter/a"], [5], 1)
        second = await system.inspect.branch(limit=1, after=top.next)
        assert ([str(line.address) for line in second.lines], second.next) == (["other/counter/z"], None)
        below = await system.inspect.branch(A, limit=3)
        assert ([line.address.id for line in below.lines], below.hidden, below.next) == (
            ["0", "1", "2"],
            2,
            ("acme", "child", "2"),
        )
        assert (await system.inspect.branch(tenant="other")).hidden == 0
        assert [str(line.address) for line in (await system.inspect.branch(tenant="other")).lines] == ["other/counter/z"]
        nursery.cancel_scope.cancel()


async def test_a_survey_lets_others_run_between_its_slices(autojump_clock):
    async with running(FaultyStore(), limits=Limits(survey_slice=10)) as system:
        for n in range(95):
            await system.ask(("acme", "counter", str(n)), Get(), deadline=5)
        turns = 0

        async def others():
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            await trio.lowlevel.checkpoint()
            before = turns
            lines = await system.inspect.survey("acme", "counter")
            assert turns - before >= 8, "nine pauses between ten slices; which of two goes first in each round is chance"
            nursery.cancel_scope.cancel()
        assert len(lines) == 95
        assert {(line.status, line.handled, line.current) for line in lines} == {("active", 1, None)}


async def test_durable_and_volatile_timers_are_shown_the_next_one_first(autojump_clock):
    class Alarmed(Counter):
        def __init__(self, context):
            super().__init__(context)
            context.after(60, Note(1, "soon"))

    store = FaultyStore()
    async with running(store, factory=Alarmed) as system:
        later, sooner = (system.clock.now() + timedelta(hours=hours) for hours in (2, 1))
        for name, at in (("b", later), ("c", sooner)):
            await system.ask(A, Do(Decision(timers=(Timer(name, at, Note(1, "t")),))), deadline=5)
        shown = await system.inspect.timers("acme", A)
        assert [(t["name"], t["at"], t["message"]) for t in shown["durable"]] == [("c", sooner, "note"), ("b", later, "note")]
        assert [(t["actor"], t["message"]) for t in shown["volatile"]] == [("acme/counter/a", "Note")]
        assert 55 < shown["volatile"][0]["left"] <= 61
        assert (await system.inspect.timers("other"))["volatile"] == []


async def test_what_waits_for_an_actor_is_shown_by_type_and_time_only(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.inspect.stop(B)
        await system.ask(
            A, Do(Decision(letters=(Letter(B, Note(4, "secret")),), effects=(Effect("e1", "redeliver", "mail"),))), deadline=5
        )
        waiting = await system.inspect.obligations(B)
        assert [(letter["from"], letter["message"]) for letter in waiting["letters"]] == [("acme/counter/a", "note")]
        assert "secret" not in str(waiting)
        assert [(e["id"], e["topic"], e["attempt"]) for e in (await system.inspect.obligations(A))["effects"]] == [
            ("e1", "mail", 0)
        ]


# -- one actor is drained


async def test_a_drained_actor_finishes_its_queue_takes_nothing_new_and_leaves_its_place(autojump_clock):
    class Rarely(Counter):
        checkpoint_every = 1000

    store = FaultyStore(latency=0.5)
    async with running(store, factory=Rarely) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=60)
        answers = []

        async def ask():
            answers.append(await system.ask(A, Add(1), deadline=60))

        async def drain():
            answers.append(await system.inspect.drain(A, timeout=60))

        for _ in range(6):
            nursery.start_soon(ask)
        await trio.sleep(0.1)
        nursery.start_soon(drain)
        await trio.sleep(1.6)
        assert system.inspect.actor(A)["status"] == "draining"
        with pytest.raises(ActorStopped, match="draining"):
            await system.ask(A, Get(), deadline=5)
        assert not system.tell(A, Get())
        await trio.sleep(30)
        assert answers == [1, 2, 3, 4, 5, 6, True]
        assert system.registry.cells == {}
        assert store.head(Address(*A)).checkpoint_seq == 7
        assert (await system.ask(A, Get(), deadline=5)).total == 6  # the next message activates it again


async def test_a_drain_goes_on_after_a_crash_of_what_was_queued(autojump_clock):
    async with running(FaultyStore(latency=0.5)) as system, trio.open_nursery() as nursery:
        await system.ask(A, Get(), deadline=60)
        system.tell(A, Add(1))
        system.tell(A, Boom())
        system.tell(A, Add(5))
        drained = []

        async def drain():
            drained.append(await system.inspect.drain(A, timeout=60))

        nursery.start_soon(drain)
        await trio.sleep(20)
        assert drained == [True]
        assert (await system.ask(A, Get(), deadline=5)).total == 6


async def test_a_drained_actor_waits_for_the_answers_it_owes_but_not_for_ever(autojump_clock):
    async with running(FaultyStore(), limits=Limits(drain_actor=20)) as system, trio.open_nursery() as nursery:
        asked = []

        async def ask():
            try:
                asked.append(await system.ask(A, Do(Decision(later="k")), deadline=600))
            except ActorStopped as error:
                asked.append(str(error))

        nursery.start_soon(ask)
        await trio.sleep(0.1)
        assert not await system.inspect.drain(A, timeout=5)
        assert asked == []
        await trio.sleep(20)
        assert len(asked) == 1
        assert "drained" in asked[0]


async def test_an_operator_calls_a_drain_off(autojump_clock):
    async with running(FaultyStore()) as system, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: system.ask(A, Do(Decision(later="k", answers=())), deadline=5))
        await trio.sleep(0.1)
        assert not await system.inspect.drain(A, timeout=0.1)
        assert await system.inspect.resume(A)
        assert (await system.ask(A, Get(), deadline=5)).total == 0
        assert system.inspect.actor(A)["status"] == "active"
        nursery.cancel_scope.cancel()
