"""Running an actor's `prepare` cheaply: most of them find what they need in memory and never wait.

A cancel scope costs 14 us, which only a prepare that really waits is worth. So the first step of the coroutine is taken without
one; when it finishes there, that was all. When it waits, a scope is opened around the rest, so that a timeout and an operator
can break it off. (A prepare that entered a scope of its own before its first wait cannot be given an outer one afterwards: it
runs on without, under its own.)
"""

import types
from collections.abc import Coroutine, Generator
from typing import Any

import trio


class Waiting:
    """A coroutine at its first wait."""

    __slots__ = ("_coroutine", "_nested", "_trap")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], trap: Any, nested: bool) -> None:
        self._coroutine = coroutine
        self._trap = trap
        self._nested = nested

    async def rest(self, scope: trio.CancelScope) -> Any:
        """Run it to its end; `scope` may break it off (then `scope.cancelled_caught`, and the value is None)."""
        if self._nested:
            return await _go_on(self._coroutine, self._trap)
        with scope:
            return await _go_on(self._coroutine, self._trap)


def first_step(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine's value if it never waited, else a Waiting. Raises what it raises."""
    task = trio.lowlevel.current_task()
    before = getattr(task, "_cancel_status", None)
    try:
        trap = coroutine.send(None)
    except StopIteration as done:
        return done.value
    nested = before is None or getattr(task, "_cancel_status", None) is not before
    return Waiting(coroutine, trap, nested)


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, Any], trap: Any) -> Generator[Any, Any, Any]:
    """What `yield from` does, for a coroutine whose first trap was taken already."""
    try:
        while True:
            try:
                value = yield trap
            except BaseException as error:
                trap = coroutine.throw(error)
            else:
                trap = coroutine.send(value)
    except StopIteration as done:
        return done.value
