"""The running `csms top`: a terminal, a node, and the screen between them.

Looks and keys are two tasks that share the state; a node that is away is said so on the screen, and asked again.
"""

import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live

from config.top.draw import whole
from config.top.look import Look, Node, Rates, Unreachable, first_look, rates
from config.top.model import Order, Quit, Screen, keys_of, press, seen

_KEY_BYTES = 256


class Top:
    def __init__(self, node: Node, screen: Screen, every: float, console: Console) -> None:
        self._node = node
        self._every = every
        self._console = console
        self.screen = screen
        self._look: Look
        self._before: Look | None = None
        self._rates = Rates()
        self._actor: dict[str, Any] | None = None
        self._fault = ""
        self._nudge = trio.Event()
        self._done = trio.Event()
        self._live: Live | None = None

    async def run(self) -> None:
        self._saw(await first_look(self._node, self.screen.query))
        live = Live(console=self._console, screen=True, auto_refresh=False, transient=True)
        with _keys_one_by_one(sys.stdin.fileno()), live:
            self._live = live
            async with trio.open_nursery() as nursery:
                await nursery.start(self._until_told)
                self._draw()
                nursery.start_soon(self._keep_looking)
                nursery.start_soon(self._keep_reading, nursery)
                await self._done.wait()
                nursery.cancel_scope.cancel()

    def _saw(self, look: Look) -> None:
        self._rates = rates(self._before, look)
        self._before = self._look = look
        self.screen = seen(self.screen, [line["address"] for line in look.actors])

    async def _until_told(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Ctrl-C is how many people leave such a program: that is no fault."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                self._done.set()

    async def _keep_looking(self) -> None:
        while True:
            with trio.move_on_after(self._every):
                await self._nudge.wait()
            self._nudge = trio.Event()
            query, opened = self.screen.query, self.screen.opened
            try:
                look = await self._node.look(query)
                actor = await self._node.actor(opened) if opened else None
            except (Unreachable, LookupError) as error:
                self._fault = str(error)
            else:
                self._fault = ""
                self._actor = actor if opened == self.screen.opened else None
                if query == self.screen.query:
                    self._saw(look)
            self._draw()

    async def _keep_reading(self, nursery: trio.Nursery) -> None:
        fd = sys.stdin.fileno()
        while True:
            await trio.lowlevel.wait_readable(fd)
            typed = os.read(fd, _KEY_BYTES)
            if not typed:
                self._done.set()
                return
            for key in keys_of(typed.decode("utf-8", "ignore")):
                self._pressed(key, nursery)

    def _pressed(self, key: str, nursery: trio.Nursery) -> None:
        before = self.screen
        self.screen, wish = press(before, key)
        if isinstance(wish, Quit):
            self._done.set()
        elif isinstance(wish, Order):
            nursery.start_soon(self._give, wish)
        if (self.screen.query, self.screen.opened) != (before.query, before.opened):
            self._actor = None
            self._nudge.set()
        self._draw()

    async def _give(self, order: Order) -> None:
        try:
            told = await self._node.order(order.operation, order.address)
        except Unreachable as error:
            told = str(error)
        self.screen = _with_message(self.screen, told)
        self._nudge.set()
        self._draw()

    def _draw(self) -> None:
        if self._live is not None:
            size = (self._console.width, self._console.height)
            shown = whole(self._node.url, self._look, self._rates, self.screen, self._actor, self._fault, size)
            self._live.update(shown, refresh=True)


def _with_message(screen: Screen, message: str) -> Screen:
    return replace(screen, message=message)


@contextmanager
def _keys_one_by_one(fd: int) -> Iterator[None]:
    """Without waiting for a line, and without an echo; as it was afterwards, whatever happens."""
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
