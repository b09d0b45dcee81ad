"""The way from trio to asyncpg: one side thread with an asyncio loop that owns every database connection.

A crossing costs about as much as a small query, so callers hand over whole batches and never single statements
where many belong together. A caller that is cancelled stops waiting, and its job on the other side is cancelled too, unless
the crossing is `shielded`: a commit under way always runs to its end, whoever still waits for it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import outcome
import trio

from runtime.store import StoreAway

try:
    import uvloop
except ImportError:  # a platform without it: the standard loop does the same, slower
    uvloop = None  # type: ignore[assignment]

T = TypeVar("T")


class Bridge:
    """Owns the thread. `call` may be used from any trio task of any trio run."""

    def __init__(self, name: str = "database") -> None:
        self._loop: asyncio.AbstractEventLoop = (uvloop or asyncio).new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._end_jobs())
            self._loop.close()

    async def _end_jobs(self) -> None:
        jobs = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def call(self, job: Callable[..., Awaitable[T]], *args: Any, shielded: bool = False) -> T:
        """Run `job(*args)` on the side thread and wait for its result. Raises StoreAway once closed."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise StoreAway("the database connection is closed")
        crossing = _Crossing(self._loop, job, args, shielded)
        self._loop.call_soon_threadsafe(crossing.start)
        result: T = await trio.lowlevel.wait_task_rescheduled(crossing.abandon)
        return result

    async def close(self) -> None:
        """End the loop and its thread; what still runs there is cancelled and told so."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)


class _Crossing:
    """One call on its way there and back. `start`, `_carry` and `_cancel` run on the side thread, the rest on trio's."""

    __slots__ = ("_abandoned", "_args", "_job", "_loop", "_result", "_shielded", "_task", "_token", "_waiter")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, job: Callable[..., Awaitable[Any]], args: tuple[Any, ...], shielded: bool
    ) -> None:
        self._loop = loop
        self._job = job
        self._args = args
        self._shielded = shielded
        self._waiter = trio.lowlevel.current_task()
        self._token = trio.lowlevel.current_trio_token()
        self._task: asyncio.Task[Any] | None = None
        self._abandoned = False
        self._result: outcome.Outcome[Any] | None = None

    def start(self) -> None:
        if self._abandoned and not self._shielded:
            return
        self._task = self._loop.create_task(self._carry())

    async def _carry(self) -> None:
        try:
            self._result = outcome.Value(await self._job(*self._args))
        except asyncio.CancelledError:
            self._result = outcome.Error(StoreAway("the database connection was closed meanwhile"))
        except BaseException as error:
            self._result = outcome.Error(error)
        with contextlib.suppress(trio.RunFinishedError):  # nobody is left to tell
            self._token.run_sync_soon(self._arrive)

    def _arrive(self) -> None:
        if not self._abandoned:
            trio.lowlevel.reschedule(self._waiter, self._result)  # type: ignore[arg-type]

    def abandon(self, _: Any) -> trio.lowlevel.Abort:
        self._abandoned = True
        if not self._shielded:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._cancel)
        return trio.lowlevel.Abort.SUCCEEDED

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
