"""Supervisors of long-running services: who is started when, and what happens when one ends.

Children start left to right, each after the one before is ready, and stop in reverse; dynamic children have no order and
stop in parallel. A child's exit becomes a report and a decision (runtime.restart): the strategy says who is restarted with it,

    one_for_one   the child alone                 rest_for_one   it and those started after it
    one_for_all   all of them                     dynamic        the child alone; children come and go at run time

its policy whether (permanent: always; transient: after a crash; temporary: never, not even with its group), its own budget
how often. A group restart leaves alone whom an operator stopped and who had finished. A child that
exhausts its budget stays down and counts against the supervisor's escalation budget; beyond that the supervisor itself fails with
`Escalated`, and the one above decides. A supervisor never touches the store and never waits for a child
without a bound: one that does not stop in time is reported as stuck and left behind.

Actors are not supervised one nursery each (memory): their cells restart themselves by the same arithmetic (runtime.crash).
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal, get_args

import msgspec
import trio

from runtime.reports import ChildReport, Reporter, guarded, quiet, render_traceback, summary
from runtime.restart import Again, Backoff, Budget, Restarts, add_restart

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one", "dynamic"]
Policy = Literal["permanent", "transient", "temporary"]


class Escalated(Exception):
    """The supervisor gave up: too many of its children exhausted their budgets."""


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`run` is an async callable that serves until it is cancelled. When `gated`, it is called with `task_status` and is
    ready once it calls `task_status.started()`."""

    name: str
    run: Callable[..., Any]
    policy: Policy = "permanent"
    gated: bool = False
    budget: Budget = Budget(20, 60.0)
    backoff: Backoff = Backoff()
    start_timeout: float = 30.0
    stop_timeout: float = 15.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"a child needs a name, got {self.name!r}")
        if not callable(self.run):
            raise TypeError(f"child {self.name!r}: run must be an async callable, got {self.run!r}")
        if self.policy not in get_args(Policy):
            raise ValueError(f"child {self.name!r}: policy must be one of {', '.join(get_args(Policy))}, got {self.policy!r}")
        if not isinstance(self.gated, bool):
            raise TypeError(f"child {self.name!r}: gated must be a bool, got {self.gated!r}")
        if not isinstance(self.budget, Budget) or not isinstance(self.backoff, Backoff):
            raise TypeError(f"child {self.name!r}: budget and backoff must be a Budget and a Backoff")
        for field in ("start_timeout", "stop_timeout"):
            if not 0 < getattr(self, field) < float("inf"):
                raise ValueError(f"child {self.name!r}: {field} must be a positive number of seconds")


class _Child:
    """A child spec and its life so far. `life` tells the exit of an earlier run from that of the present one."""

    __slots__ = ("ended", "error", "life", "ready", "restarts", "scope", "since", "spec", "starts", "state")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state = "stopped"
        self.life = 0
        self.starts = 0
        self.since = 0.0
        self.restarts = Restarts()
        self.error = ""
        self.scope = trio.CancelScope()
        self.ready = trio.Event()
        self.ended = trio.Event()

    def started(self, value: Any = None) -> None:
        """The `task_status` of a gated child."""
        if self.state == "starting":
            self.state = "running"
        self.ready.set()


class Supervisor:
    def __init__(
        self,
        name: str,
        children: Sequence[ChildSpec] = (),
        *,
        strategy: Strategy = "one_for_one",
        escalation: Budget = Budget(0, 60.0),
        random: Random | None = None,
        report: Reporter = quiet,
    ) -> None:
        if strategy not in get_args(Strategy):
            raise ValueError(f"supervisor {name!r}: strategy must be one of {', '.join(get_args(Strategy))}, got {strategy!r}")
        self.name = name
        self.strategy: Strategy = strategy
        self._children: dict[str, _Child] = {}
        self._escalation = escalation
        self._given_up = Restarts()
        self._random = random or Random()  # noqa: S311  only spreads restarts
        self._report = guarded(report)
        self._exits: deque[tuple[_Child, int, Exception | None]] = deque()
        self._news = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._stopping = False
        for spec in children:
            self.add(spec)

    # -- the face

    def add(self, spec: ChildSpec) -> None:
        """Before `run`: a child to start. Afterwards only for dynamic and one_for_one: started now, not waited for."""
        if spec.name in self._children:
            raise ValueError(f"supervisor {self.name!r} has a child {spec.name!r} already")
        if self._nursery is not None and self.strategy not in ("dynamic", "one_for_one"):
            raise RuntimeError(f"supervisor {self.name!r}: children of a {self.strategy} group are fixed once it runs")
        child = self._children[spec.name] = _Child(spec)
        if self._nursery is not None:
            self._spawn(child)

    async def remove(self, name: str) -> None:
        """Stop a child and forget it."""
        child = self._children.pop(name)
        await self._stop(child)

    async def restart(self, name: str) -> None:
        """An operator's restart: on nobody's budget."""
        child = self._children[name]
        await self._stop(child)
        child.restarts = Restarts()
        await self._start(child)

    def describe(self) -> list[dict[str, Any]]:
        """Children as values, for the tree."""
        return [
            {
                "name": child.spec.name,
                "state": child.state,
                "restarts": max(0, child.starts - 1),
                "last_crash": child.error or None,
                "since": child.since,
            }
            for child in self._children.values()
        ]

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; raises Escalated. Children live in scopes of their own, so that a cancelled supervisor still
        stops them in order."""
        escalated: Escalated | None = None
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._stopping = False
            try:
                for child in list(self._children.values()):
                    await self._start(child)
                task_status.started()
                await self._watch()
            except Escalated as error:
                escalated = error
            finally:
                self._stopping = True
                with trio.CancelScope(shield=True):
                    await self._stop_all(list(self._children.values()))
                self._nursery = None
                nursery.cancel_scope.cancel()
        if escalated is not None:
            raise escalated

    async def _watch(self) -> None:
        while True:
            while self._exits:
                await self._exited(*self._exits.popleft())
            self._news = trio.Event()
            await self._news.wait()

    # -- one child

    def _spawn(self, child: _Child) -> None:
        assert self._nursery is not None
        child.life += 1
        child.starts += 1
        child.state = "starting"
        child.since = trio.current_time()
        child.scope = trio.CancelScope(shield=True)
        child.ready = trio.Event()
        child.ended = trio.Event()
        self._nursery.start_soon(self._live, child, child.life, name=f"{self.name}/{child.spec.name}")

    async def _live(self, child: _Child, life: int) -> None:
        error: Exception | None = None
        ended = child.ended
        try:
            with child.scope:
                if child.spec.gated:
                    await child.spec.run(task_status=child)
                else:
                    child.started()
                    await child.spec.run()
        except Exception as raised:
            error = raised
        finally:
            ended.set()
        if life == child.life and child.state in ("starting", "running"):
            child.state = "ended"
            self._exits.append((child, life, error))
            self._news.set()

    async def _start(self, child: _Child) -> None:
        """Spawn and wait until it is ready, has ended, or took too long. A dynamic child is not waited for."""
        self._spawn(child)
        if self.strategy == "dynamic":
            return
        with trio.move_on_after(child.spec.start_timeout):
            async with trio.open_nursery() as race:
                for event in (child.ready, child.ended):
                    race.start_soon(_first, event, race.cancel_scope)
        if child.state == "starting" and not child.ended.is_set():
            await self._stop(child)
            child.state = "ended"
            self._exits.append((child, child.life, TimeoutError(f"not ready after {child.spec.start_timeout} s")))
            self._news.set()

    async def _stop(self, child: _Child) -> None:
        """Cancel it and wait, but not for ever."""
        waits = child.state in ("starting", "running")
        child.state = "stopped"
        if not waits:
            child.life += 1  # a restart under way finds that it is not wanted any more
            return
        child.scope.cancel()
        with trio.move_on_after(child.spec.stop_timeout):
            await child.ended.wait()
        if not child.ended.is_set():
            self._report(ChildReport(supervisor=self.name, child=child.spec.name, event="stuck"))
        elif not self._stopping:
            self._report(ChildReport(supervisor=self.name, child=child.spec.name, event="stopped"))

    async def _stop_all(self, children: Sequence[_Child]) -> None:
        if self.strategy == "dynamic":
            async with trio.open_nursery() as nursery:
                for child in children:
                    nursery.start_soon(self._stop, child)
            return
        for child in reversed(children):
            await self._stop(child)

    # -- exits

    async def _exited(self, child: _Child, life: int, error: Exception | None) -> None:
        if life != child.life or child.state != "ended" or self._stopping:
            return
        text = render_traceback(error, 24) if error is not None else ""
        child.error = summary(error) if error is not None else ""
        if child.spec.policy == "temporary" or (child.spec.policy == "transient" and error is None):
            child.state = "exited"
            self._told(child, "exited" if error is None else "crashed", text, None)
            if self.strategy == "dynamic":
                self._children.pop(child.spec.name, None)
            return
        now = trio.current_time()
        verdict = add_restart(child.restarts, now, child.spec.budget, child.spec.backoff, self._random.random())
        child.restarts = verdict.restarts
        if isinstance(verdict, Again):
            self._told(child, "exited" if error is None else "crashed", text, verdict.delay)
            await self._restart(child, verdict.delay)
            return
        child.state = "given_up"
        self._told(child, "given_up", text, None)
        above = add_restart(self._given_up, now, self._escalation, child.spec.backoff, 0.0)
        self._given_up = above.restarts
        if not isinstance(above, Again):
            raise Escalated(f"{self.name}: {child.spec.name} gave up after {child.starts} starts: {child.error}") from error

    async def _restart(self, child: _Child, delay: float) -> None:
        if self.strategy in ("one_for_one", "dynamic"):
            assert self._nursery is not None
            child.state = "restarting"
            self._nursery.start_soon(self._restart_later, child, child.life, delay, name=f"{self.name}/restart")
            return
        members = list(self._children.values())
        if self.strategy == "rest_for_one":
            members = members[members.index(child) :]
        members = [m for m in members if m is child or m.state in ("starting", "running", "ended")]
        await self._stop_all(members)
        await trio.sleep(delay)
        for member in members:
            if member is child or member.spec.policy != "temporary":
                await self._start(member)

    async def _restart_later(self, child: _Child, life: int, delay: float) -> None:
        await trio.sleep(delay)
        if child.life == life and child.state == "restarting" and not self._stopping:
            await self._start(child)

    def _told(self, child: _Child, event: str, text: str, restart_in: float | None) -> None:
        self._report(
            ChildReport(
                supervisor=self.name, child=child.spec.name, event=event, error=child.error, traceback=text, restart_in=restart_in
            )
        )


async def _first(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
