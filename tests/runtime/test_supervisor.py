"""Supervisors of services: strategies, policies, budgets, escalation; and their arithmetic for any history of crashes."""

import random

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.restart import Again, Backoff, Budget, GiveUp, Restarts, add_restart
from runtime.supervisor import ChildSpec, Escalated, Supervisor
from tests.kits.examples import examples


class Stage:
    """Children that write down when they start and stop, and crash or leave when told."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.cues: dict[str, trio.Event] = {}
        self.errors: dict[str, Exception | None] = {}
        self.starts: dict[str, int] = {}

    def child(self, name: str, *, slow_start: float = 0.0, **more) -> ChildSpec:
        async def run(task_status=trio.TASK_STATUS_IGNORED):
            self.log.append(f"+{name}")
            self.starts[name] = self.starts.get(name, 0) + 1
            self.cues[name] = trio.Event()
            try:
                if slow_start:
                    await trio.sleep(slow_start)
                task_status.started()
                await self.cues[name].wait()
                error = self.errors.pop(name, None)
                if error is not None:
                    raise error
            finally:
                self.log.append(f"-{name}")

        return ChildSpec(name=name, run=run, **more)

    async def crash(self, name: str) -> None:
        self.errors[name] = RuntimeError(f"{name} broke")
        await self.leave(name)

    async def leave(self, name: str) -> None:
        self.cues[name].set()
        await trio.sleep(1)

    def take(self) -> str:
        log, self.log = self.log, []
        return " ".join(log)


async def stage(nursery, strategy, *specs, **more):
    supervisor = Supervisor("s", specs, strategy=strategy, random=random.Random(1), **more)
    await nursery.start(supervisor.run)
    return supervisor


def states(supervisor):
    return {child["name"]: child["state"] for child in supervisor.describe()}


async def test_children_start_left_to_right_each_after_the_one_before_is_ready_and_stop_in_reverse(autojump_clock):
    s = Stage()
    async with trio.open_nursery() as nursery:
        await stage(nursery, "one_for_one", s.child("a", gated=True, slow_start=5), s.child("b"), s.child("c", gated=True))
        assert s.take() == "+a +b +c"
        assert trio.current_time() >= 5
        nursery.cancel_scope.cancel()
    assert s.take() == "-c -b -a"


async def test_one_for_one_restarts_the_child_alone(autojump_clock):
    s = Stage()
    async with trio.open_nursery() as nursery:
        await stage(nursery, "one_for_one", s.child("a"), s.child("b"), s.child("c"))
        s.take()
        await s.crash("b")
        assert s.take() == "-b +b"
        nursery.cancel_scope.cancel()


async def test_one_for_all_restarts_everybody_in_order(autojump_clock):
    s = Stage()
    async with trio.open_nursery() as nursery:
        await stage(nursery, "one_for_all", s.child("a"), s.child("b"), s.child("c"))
        s.take()
        await s.crash("b")
        assert s.take() == "-b -c -a +a +b +c"
        nursery.cancel_scope.cancel()


async def test_rest_for_one_restarts_those_started_after_it(autojump_clock):
    s = Stage()
    async with trio.open_nursery() as nursery:
        await stage(nursery, "rest_for_one", s.child("a"), s.child("b"), s.child("c"), s.child("d"))
        s.take()
        await s.crash("b")
        assert s.take() == "-b -d -c +b +c +d"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("policy", "after_exit", "after_crash"),
    [("permanent", 2, 2), ("transient", 1, 2), ("temporary", 1, 1)],
)
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one", "dynamic"])
async def test_the_policy_says_whether_a_child_is_restarted(autojump_clock, strategy, policy, after_exit, after_crash):
    for end, starts in (("leave", after_exit), ("crash", after_crash)):
        s = Stage()
        async with trio.open_nursery() as nursery:
            await stage(nursery, strategy, s.child("a", policy=policy))
            await trio.sleep(1)
            await getattr(s, end)("a")
            assert s.starts["a"] == starts
            nursery.cancel_scope.cancel()


async def test_a_temporary_sibling_does_not_come_back_with_its_group(autojump_clock):
    s = Stage()
    async with trio.open_nursery() as nursery:
        supervisor = await stage(nursery, "one_for_all", s.child("a"), s.child("t", policy="temporary"))
        await s.crash("a")
        assert s.starts == {"a": 2, "t": 1}
        assert states(supervisor) == {"a": "running", "t": "stopped"}
        nursery.cancel_scope.cancel()


async def test_dynamic_children_come_and_go_and_stop_in_parallel(autojump_clock):
    async def stubborn():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)

    s = Stage()
    async with trio.open_nursery() as nursery:
        supervisor = await stage(nursery, "dynamic")
        for n in range(10):
            supervisor.add(ChildSpec(name=str(n), run=stubborn))
        supervisor.add(s.child("x"))
        await trio.sleep(1)
        await supervisor.remove("x")
        assert s.take() == "+x -x"
        before = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - before == pytest.approx(3)


async def test_a_child_exhausts_its_own_budget_and_its_siblings_keep_theirs(autojump_clock):
    s, reports = Stage(), []
    budget = Budget(2, 60)
    async with trio.open_nursery() as nursery:
        supervisor = await stage(
            nursery,
            "one_for_one",
            s.child("a", budget=budget),
            s.child("b", budget=budget),
            escalation=Budget(1, 60),
            report=reports.append,
        )
        for _ in range(3):
            await s.crash("a")
        assert states(supervisor) == {"a": "given_up", "b": "running"}
        await s.crash("b")
        assert states(supervisor)["b"] == "running"
        assert [(r.child, r.event) for r in reports] == [("a", "crashed"), ("a", "crashed"), ("a", "given_up"), ("b", "crashed")]
        await supervisor.restart("a")  # an operator's restart is on nobody's budget
        await s.crash("a")
        assert states(supervisor)["a"] == "running"
        nursery.cancel_scope.cancel()


async def test_too_many_that_gave_up_escalate_to_the_supervisor_above(autojump_clock):
    s = Stage()
    inner = Supervisor("inner", [s.child("a", budget=Budget(1, 60))], random=random.Random(1))
    outer = Supervisor("outer", [ChildSpec(name="inner", run=inner.run, gated=True, budget=Budget(1, 600)), s.child("b")])
    with pytest.RaisesGroup(Escalated):
        async with trio.open_nursery() as nursery:
            await nursery.start(outer.run)
            s.take()
            await s.crash("a")
            assert s.take() == "-a +a"
            await s.crash("a")
            assert s.take() == "-a +a"  # inner failed, and outer started it anew
            await s.crash("a")
            s.take()
            await s.crash("a")
            raise AssertionError("outer should have failed")
    assert s.take() == "-a -b"


async def test_a_child_that_is_not_ready_in_time_is_stopped_and_counts_as_a_crash(autojump_clock):
    s, reports = Stage(), []
    async with trio.open_nursery() as nursery:
        slow = s.child("a", gated=True, slow_start=100, start_timeout=2.0, budget=Budget(1, 60))
        await stage(nursery, "one_for_one", slow, s.child("b"), escalation=Budget(5, 60), report=reports.append)
        await trio.sleep(20)
        assert s.starts == {"a": 2, "b": 1}
        assert [report.event for report in reports if report.child == "a"] == ["stopped", "crashed", "stopped", "given_up"]
        nursery.cancel_scope.cancel()


async def test_a_child_that_does_not_stop_is_reported_and_left_behind(autojump_clock):
    release = [trio.Event(), trio.Event()]
    runs = iter(release)

    async def deaf():
        mine = next(runs)
        with trio.CancelScope(shield=True):
            await mine.wait()

    s, reports = Stage(), []
    async with trio.open_nursery() as nursery:
        left_behind = ChildSpec(name="deaf", run=deaf, stop_timeout=3.0)
        supervisor = await stage(nursery, "one_for_all", left_behind, s.child("b"), report=reports.append)
        await s.crash("b")
        await trio.sleep(5)
        assert s.starts["b"] == 2  # the others went on without waiting for ever
        assert "stuck" in [report.event for report in reports]
        release[0].set()
        await trio.sleep(1)
        assert s.starts["b"] == 2  # the end of the run left behind is not taken for the present one's
        assert states(supervisor) == {"deaf": "running", "b": "running"}
        release[1].set()
        nursery.cancel_scope.cancel()


async def test_a_reporter_that_raises_harms_nobody(autojump_clock):
    def broken(report):
        raise RuntimeError("no disk")

    s = Stage()
    async with trio.open_nursery() as nursery:
        await stage(nursery, "one_for_one", s.child("a"), report=broken)
        await s.crash("a")
        assert s.starts["a"] == 2
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", 7), ("run", "soon"), ("policy", "eternal"), ("gated", "yes"), ("budget", 3), ("backoff", None),
        ("start_timeout", 0), ("start_timeout", float("inf")), ("stop_timeout", -1),
    ],
)  # fmt: skip
def test_every_field_of_a_child_spec_is_validated(field, value):
    good = ChildSpec(name="c", run=trio.sleep_forever)
    with pytest.raises((ValueError, TypeError)):
        msgspec.structs.replace(good, **{field: value})


def test_nonsense_is_refused_before_anything_starts():
    spec = ChildSpec(name="c", run=trio.sleep_forever)
    with pytest.raises(ValueError, match="strategy"):
        Supervisor("s", strategy="all_for_one")
    with pytest.raises(ValueError, match="already"):
        Supervisor("s", [spec, spec])
    for wrong in ((-1, 5), (1, 0), (1, float("nan"))):
        with pytest.raises(ValueError, match="budget"):
            Budget(*wrong)
    for wrong in ((-1, 1, 0.5), (2, 1, 0.5), (1, 2, 1.5)):
        with pytest.raises(ValueError, match="backoff"):
            Backoff(*wrong)


# -- the arithmetic, for any history

budgets = st.builds(Budget, st.integers(0, 6), st.floats(0.1, 100))
backoffs = st.builds(
    lambda base, more, jitter: Backoff(base, base + more, jitter), st.floats(0, 1), st.floats(0, 10), st.floats(0, 1)
)
gaps = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 0.999)), max_size=40)


@given(budgets, backoffs, gaps)
def test_no_window_ever_holds_more_restarts_than_the_budget(budget, backoff, history):
    restarts, now, granted = Restarts(), 0.0, []
    for gap, luck in history:
        now += gap
        verdict = add_restart(restarts, now, budget, backoff, luck)
        restarts = verdict.restarts
        if isinstance(verdict, Again):
            granted.append(now)
            assert 0 <= verdict.delay <= backoff.cap
        in_window = [at for at in granted if now - at < budget.seconds]
        assert len(in_window) <= budget.restarts
        assert list(restarts.at) == in_window  # what is remembered is bounded by the budget
        assert isinstance(verdict, Again) or len(in_window) == budget.restarts


@given(budgets, backoffs, st.floats(0, 0.999))
def test_a_child_that_was_good_for_a_window_restarts_at_once(budget, backoff, luck):
    verdict = add_restart(Restarts((0.0,)), budget.seconds, budget, backoff, luck)
    assert verdict == (Again(Restarts((budget.seconds,)), 0.0) if budget.restarts else GiveUp(Restarts()))


@given(backoffs, st.floats(0, 0.999), st.integers(1, 30))
def test_with_equal_luck_no_restart_waits_shorter_than_the_one_before(backoff, luck, nth):
    assert backoff.delay(nth, luck) <= backoff.delay(nth + 1, luck)


# -- the supervisor, for any script


@settings(max_examples=examples(60))
@given(
    st.sampled_from(["one_for_one", "one_for_all", "rest_for_one", "dynamic"]),
    st.lists(st.sampled_from(["permanent", "transient", "temporary"]), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 2)), max_size=15),
    st.integers(0, 1000),
)
def test_whatever_happens_each_child_runs_once_at_most_and_all_are_stopped_in_the_end(strategy, policies, script, seed):
    running: dict[str, int] = {}
    cues: dict[str, trio.Event] = {}
    errors: set[str] = set()

    def spec(name, policy):
        async def run():
            running[name] = running.get(name, 0) + 1
            assert running[name] == 1, f"{name} runs twice"
            cues[name] = trio.Event()
            try:
                await cues[name].wait()
                if name in errors:
                    errors.discard(name)
                    raise RuntimeError(name)
            finally:
                running[name] -= 1

        return ChildSpec(name=name, run=run, policy=policy, budget=Budget(3, 5.0), backoff=Backoff(0.1, 1.0))

    specs = [spec(f"c{n}", policy) for n, policy in enumerate(policies)]
    supervisor = Supervisor("s", specs, strategy=strategy, escalation=Budget(100, 5.0), random=random.Random(seed))

    async def main():
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run)
            for index, crashes, pause in script:
                await trio.sleep(pause)
                name = f"c{index % len(policies)}"
                if running.get(name):
                    if crashes:
                        errors.add(name)
                    cues[name].set()
            await trio.sleep(30)  # every backoff is over
            for child in supervisor.describe():
                assert (child["state"] == "running") == bool(running.get(child["name"])), (child, running)
                if policies[int(child["name"][1:])] == "permanent":
                    assert child["state"] in ("running", "given_up")
            nursery.cancel_scope.cancel()
        assert not any(running.values())

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
