"""One crash is one actor: what comes back, what is lost, what becomes a dead letter."""

import random

import msgspec
import pytest
import trio

from runtime.address import Address
from runtime.errors import ActorCrashed, Poisoned
from runtime.limits import Limits
from runtime.poison import exhume, fingerprint
from runtime.reports import CrashReport, Notice
from runtime.store import DeadLetter
from runtime.turn import LetterKey
from tests.kits.examples import seeds
from tests.runtime.kit import START, Add, Boom, Counter, Decision, Do, FaultyStore, Get, Letter, Note, Timer, node, running

A = ("acme", "counter", "a")
B = ("acme", "counter", "b")


async def test_a_crashed_actor_is_back_within_50_ms_and_its_neighbours_see_nothing(autojump_clock):
    store = FaultyStore(latency=0.005)
    async with running(store) as system:
        await system.ask(A, Add(1), deadline=5)
        await system.ask(B, Add(1), deadline=5)
        neighbour = system.registry.cells[Address(*B)].incarnation
        with pytest.raises(ActorCrashed) as caught:
            await system.ask(A, Boom(), deadline=5)
        assert caught.value.attempts == 1
        crashed = trio.current_time()
        while (cell := system.registry.cells[Address(*A)]).status.value != "active":
            await trio.sleep(0.001)
        assert trio.current_time() - crashed < 0.05
        assert (await system.ask(A, Get(), deadline=5)).total == 1
        assert cell.number == 2
        assert system.registry.cells[Address(*B)].incarnation is neighbour


async def test_queued_tells_survive_a_restart_and_queued_asks_fail_fast(autojump_clock):
    store = FaultyStore(latency=1.0)
    async with running(store) as system:
        await system.ask(A, Get(), deadline=60)
        ends = []

        async def ask(message):
            try:
                ends.append(await system.ask(A, message, deadline=60))
            except ActorCrashed as error:
                ends.append(error.attempts)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, Add(1))
            await trio.sleep(0.01)
            system.tell(A, Add(10))
            system.tell(A, Boom())
            system.tell(A, Add(100))
            nursery.start_soon(ask, Add(1000))
        assert sorted(ends) == [0, 1]
        assert (await system.ask(A, Get(), deadline=60)).total == 111


async def test_a_crash_is_reported_with_all_that_is_needed_to_find_it(autojump_clock):
    reports = []
    async with running(FaultyStore(), reports=reports) as system:
        await system.ask(A, Add(1), deadline=5)
        with pytest.raises(ActorCrashed):
            await system.ask(A, Boom("a bug"), deadline=5, correlation="frame-9")
    (report,) = reports
    assert isinstance(report, CrashReport)
    assert (report.address, report.message_type, report.error, report.attempts) == (A, "Boom", "RuntimeError: a bug", 1)
    assert (report.correlation, report.incarnation, report.restart_in) == ("frame-9", 1, 0.0)
    assert "in decide" in report.traceback
    assert report.fingerprint == fingerprint(Address(*A), Boom("a bug"))


async def test_the_third_crash_on_one_message_makes_it_a_dead_letter_before_the_asker_hears_of_it(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for attempt in (1, 2):
            with pytest.raises(ActorCrashed) as crashed:
                await system.ask(A, Boom(), deadline=5)
            assert crashed.value.attempts == attempt
            await trio.sleep(1)
        with pytest.raises(Poisoned) as poisoned:
            await system.ask(A, Boom(), deadline=5, correlation="c")
        dead = store.dead[poisoned.value.dead_letter]
        assert (dead.actor, dead.message_type, dead.correlation) == (A, "tests.runtime.kit:Boom", "c")
        assert exhume(dead) == Boom()
        await trio.sleep(1)
        assert (await system.ask(A, Get(), deadline=5)).total == 0
        with pytest.raises(ActorCrashed) as again:  # buried once, it is counted anew
            await system.ask(A, Boom(), deadline=5)
        assert again.value.attempts == 1


async def test_other_messages_are_counted_apart(autojump_clock):
    async with running(FaultyStore()) as system:
        for n in range(5):
            with pytest.raises(ActorCrashed) as crashed:
                await system.ask(A, Boom(str(n)), deadline=5)
            assert crashed.value.attempts == 1
            await trio.sleep(1)


async def test_a_retry_counts_as_the_same_message_whatever_the_forwarder_added(autojump_clock):
    """The station's actor stamps the time of arrival on what it forwards; the station's retry is still the same message."""

    class Stamped(msgspec.Struct, frozen=True):
        at: float

    class Forwarder(Counter):
        def decide(self, state, message, now):
            if self.context.address == A and message == "start":
                return Decision(forward=(B, Stamped(trio.current_time())))
            if isinstance(message, Stamped):
                raise RuntimeError("always")
            return super().decide(state, message, now)

    store = FaultyStore()
    async with running(store, factory=Forwarder) as system:
        ends = []
        for _ in range(3):
            try:
                await system.ask(A, "start", deadline=5)
            except (ActorCrashed, Poisoned) as error:
                ends.append(type(error).__name__)
            await trio.sleep(1)
    assert ends == ["ActorCrashed", "ActorCrashed", "Poisoned"]
    assert [dead.actor for dead in store.dead.values()] == [B]


async def test_nobody_is_told_of_a_dead_letter_that_is_not_durable_yet(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        for _ in range(2):
            with pytest.raises(ActorCrashed):
                await system.ask(A, Boom(), deadline=5)
            await trio.sleep(1)
        heard = []

        async def ask():
            with pytest.raises(Poisoned):
                await system.ask(A, Boom(), deadline=60)
            heard.append(len(store.dead))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            store.away = True
            await trio.sleep(5)
            assert heard == []
            store.away = False
        assert heard == [1]


async def test_a_letter_that_crashes_its_receiver_is_buried_and_consumed(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Do(Decision(letters=(Letter(B, Boom()), Letter(B, Note(5, "after"))))), deadline=5)
        await trio.sleep(5)
        assert (await system.ask(B, Get(), deadline=5)).log == ("after",)
        assert store.letters == {}
        assert [dead.message_type for dead in store.dead.values()] == ["tests.runtime.kit:Boom"]


async def test_a_timer_that_crashes_its_actor_is_buried_and_consumed(autojump_clock):
    store = FaultyStore()
    async with running(store) as system:
        await system.ask(A, Do(Decision(timers=(Timer("t", START, Boom()),))), deadline=5)
        await trio.sleep(30)
        assert store.timers == {}
        assert len(store.dead) == 1
        assert (await system.ask(A, Get(), deadline=5)).total == 0


async def test_a_letter_that_nobody_can_read_is_kept_raw_and_crashes_nothing(autojump_clock):
    store, reports = FaultyStore(), []
    async with running(store, reports=reports) as system:
        await system.ask(A, Do(Decision(letters=(Letter(B, Note(1, "fine")),))), deadline=5)
        await trio.sleep(1)
        store.letters[Address(*B), LetterKey(Address(*A), 99, 0)] = (START, b'{"type":"of a later release"}')
        await trio.sleep(10)
        assert store.letters == {}
        (dead,) = store.dead.values()
        assert dead.body == b'{"type":"of a later release"}'
        assert (await system.ask(B, Get(), deadline=5)).log == ("fine",)
        assert not [report for report in reports if isinstance(report, CrashReport)]


async def test_an_actor_that_crashes_too_often_cools_down_and_its_siblings_do_not_notice(autojump_clock):
    reports = []
    async with running(FaultyStore(), reports=reports, limits=Limits(restart_budget=4, cool_down=20.0)) as system:
        await system.ask(B, Add(1), deadline=5)
        for n in range(5):
            with pytest.raises(ActorCrashed):
                await system.ask(A, Boom(str(n)), deadline=60)
            await trio.sleep(1)
        system.tell(A, Add(7))
        with pytest.raises(ActorCrashed, match="cools down"):
            await system.ask(A, Get(), deadline=60)
        assert (await system.ask(B, Get(), deadline=5)).total == 1
        assert system.inspect.actor(A)["status"] == "cooling"
        await trio.sleep(25)
        assert (await system.ask(A, Get(), deadline=60)).total == 7
    assert [report.event for report in reports if isinstance(report, Notice)] == ["gave_up"]


async def test_restarts_wait_longer_and_longer_but_the_first_not_at_all(autojump_clock):
    reports = []
    async with running(FaultyStore(), reports=reports) as system:
        for n in range(6):
            with pytest.raises(ActorCrashed):
                await system.ask(A, Boom(str(n)), deadline=60)
            await trio.sleep(1)
    delays = [report.restart_in for report in reports]
    assert delays[0] == 0.0
    assert all(0.5 * 0.02 * 2**n <= delay <= 0.02 * 2**n for n, delay in enumerate(delays[1:]))


async def test_too_many_children_that_gave_up_restart_their_parent_and_nobody_else(autojump_clock):
    reports = []
    limits = Limits(restart_budget=0, escalation_budget=2, cool_down=5.0)
    store = FaultyStore()
    system = node(store, report=reports.append, limits=limits)
    system.register("child", Counter, parent=lambda address: Address(address.tenant, "counter", "a"))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await system.ask(A, Add(1), deadline=5)
        await system.ask(B, Add(1), deadline=5)
        for n in range(3):
            with pytest.raises(ActorCrashed):
                await system.ask(("acme", "child", str(n)), Boom(), deadline=5)
        await trio.sleep(1)
        assert system.registry.cells[Address(*A)].number == 2
        assert system.registry.cells[Address(*B)].number == 1
        assert (await system.ask(A, Get(), deadline=5)).total == 1
        nursery.cancel_scope.cancel()
    assert [r.event for r in reports if isinstance(r, Notice)] == ["gave_up", "gave_up", "gave_up", "escalated"]


async def test_a_factory_that_raises_is_a_crash_and_its_asker_hears_of_it(autojump_clock):
    def broken(context):
        raise OSError("no such table")

    async with running(FaultyStore(), factory=broken) as system:
        with pytest.raises(ActorCrashed):
            await system.ask(A, Get(), deadline=5)


async def test_what_cannot_even_be_shown_still_has_a_fingerprint_and_a_dead_letter():
    class Nasty:
        def __repr__(self):
            raise RuntimeError("not even that")

    assert fingerprint(Address(*A), Nasty()) == fingerprint(Address(*A), Nasty())
    assert fingerprint(Address(*A), Boom("x")) != fingerprint(Address(*A), Boom("y"))
    assert fingerprint(Address(*A), Boom("x")) != fingerprint(Address(*B), Boom("x"))


async def test_an_exception_that_cannot_be_shown_and_a_broken_crash_handler_stay_one_actors_trouble(autojump_clock):
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError("not even that")

    class Evil(Counter):
        def decide(self, state, message, now):
            if message == "evil":
                raise Unspeakable
            return super().decide(state, message, now)

    reports = []
    async with running(FaultyStore(), factory=Evil, reports=reports) as system:
        await system.ask(B, Add(1), deadline=5)
        with pytest.raises(ActorCrashed, match="cannot be shown"):
            await system.ask(A, "evil", deadline=5)
        await trio.sleep(0.1)
        neighbour = system.registry.cells[Address(*B)].incarnation
        system.morgue.crashed = None  # calling it raises
        with pytest.raises(Exception, match="ended"):
            await system.ask(A, Boom(), deadline=5)
        del system.morgue.crashed
        assert (await system.ask(A, Get(), deadline=5)).total == 0
        assert system.registry.cells[Address(*B)].incarnation is neighbour
    assert [report.event for report in reports if isinstance(report, Notice)] == ["crash_not_handled"]


async def test_only_messages_of_this_program_are_exhumed():
    def dead(message_type: str, body: bytes = b"{}") -> DeadLetter:
        return DeadLetter(
            id="d", actor=Address(*A), at=START, message_type=message_type, body=body, fingerprint="", error="", traceback="",
            correlation="",
        )  # fmt: skip

    for strange in ("os:system", "tests.runtime.kit:FaultyStore", "nowhere:Thing", "tests.runtime.kit", ""):
        with pytest.raises(ValueError, match="no message"):
            exhume(dead(strange))
    with pytest.raises(ValueError, match="does not read"):
        exhume(dead("tests.runtime.kit:Add"))


async def test_a_dead_letter_can_be_replayed_once_its_bug_is_gone(autojump_clock):
    broken = True

    class Fixed(Counter):
        def decide(self, state, message, now):
            if broken and isinstance(message, Add):
                raise RuntimeError("bug")
            return super().decide(state, message, now)

    store = FaultyStore()
    async with running(store, factory=Fixed) as system:
        for _ in range(3):
            with pytest.raises((ActorCrashed, Poisoned)):
                await system.ask(A, Add(3), deadline=5)
            await trio.sleep(1)
        (dead,) = store.dead.values()
        with pytest.raises(ActorCrashed):
            await system.inspect.replay(dead.id)
        assert store.dead[dead.id].state == "open"
        broken = False
        await trio.sleep(1)
        assert await system.inspect.replay(dead.id) == 3
        assert store.dead[dead.id].state == "replayed"
        with pytest.raises(LookupError):
            await system.inspect.replay(dead.id)


async def test_a_dead_letter_that_two_replay_at_once_is_handled_once(autojump_clock):
    store = FaultyStore(latency=0.1)
    async with running(store) as system:
        body = msgspec.json.encode(Add(3))
        await store.bury(
            DeadLetter(
                id="d", actor=Address(*A), at=START, message_type=f"{Add.__module__}:{Add.__qualname__}", body=body,
                fingerprint="", error="", traceback="", correlation="",
            )
        )  # fmt: skip
        answers: list[object] = []

        async def click() -> None:
            try:
                answers.append(await system.inspect.replay("d"))
            except LookupError:
                answers.append("settled")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(click)
            nursery.start_soon(click)
        assert sorted(answers, key=str) == [3, "settled"]
        assert await system.ask(A, Add(0), deadline=5) == 3


@pytest.mark.parametrize("seed", seeds(range(5)))
async def test_a_storm_of_poison_costs_the_neighbours_nothing(autojump_clock, seed):
    print("seed", seed)
    rng = random.Random(seed)
    store = FaultyStore(latency=0.01, rng=rng)
    async with running(store, seed=seed) as system:
        acknowledged = dict.fromkeys(range(10), 0)
        stop = trio.Event()

        async def good(n):
            for _ in range(20):
                await system.ask(("acme", "counter", f"good {n}"), Add(1), deadline=5)
                acknowledged[n] += 1
                await trio.sleep(rng.random() * 0.1)

        async def bad(n):
            while not stop.is_set():
                system.tell(("acme", "counter", f"bad {n}"), Boom(str(rng.random())))
                await trio.sleep(rng.random() * 0.05)

        async with trio.open_nursery() as storm:
            for n in range(5):
                storm.start_soon(bad, n)
            async with trio.open_nursery() as nursery:
                for n in range(10):
                    nursery.start_soon(good, n)
            stop.set()
        assert set(acknowledged.values()) == {20}
