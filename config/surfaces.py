"""The listeners of a node, as supervised services of its actor system.

A listener that crashed comes back on the port it had. Each is told to stop before the domain drains, and given a moment to say
goodbye to whoever is connected.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from config.errors import EnvironmentFault
from runtime.supervisor import ChildSpec
from runtime.system import System

GOODBYE_SECONDS = 8.0
START_SECONDS = 30.0

Run = Callable[[int, trio.Event, Any], Awaitable[None]]
"""run(port, stop, task_status): serve on `port` (0: any) until `stop`; starts with the URL that was bound."""


class Surface:
    """One listener: `await open(system)`, later `await close()`."""

    def __init__(self, name: str, port: int, run: Run) -> None:
        self.name = name
        self.url = ""
        self._port = port
        self._run = run
        self._stop = trio.Event()
        self._up = trio.Event()
        self._down = trio.Event()

    async def open(self, system: System) -> None:
        system.supervise(ChildSpec(name=self.name, run=self._serve, policy="transient", gated=True, start_timeout=START_SECONDS))
        with trio.move_on_after(START_SECONDS):
            await self._up.wait()
            return
        raise EnvironmentFault(f"the {self.name} listener did not start within {START_SECONDS:.0f} s: its log lines say why")

    async def close(self) -> None:
        self._stop.set()
        with trio.move_on_after(GOODBYE_SECONDS):
            await self._down.wait()

    async def _serve(self, *, task_status: Any) -> None:
        try:
            await self._run(self._port, self._stop, _Started(self, task_status))
        finally:
            if self._stop.is_set():
                self._down.set()

    def bound(self, url: str) -> None:
        self.url = url
        self._port = int(url.rpartition(":")[2].partition("/")[0])
        self._up.set()


class _Started:
    """The task_status that a listener reports its URL to."""

    def __init__(self, surface: Surface, task_status: Any) -> None:
        self._surface = surface
        self._task_status = task_status

    def started(self, value: Any = None) -> None:
        self._surface.bound(value[0] if isinstance(value, list | tuple) else str(value))
        self._task_status.started()
