"""One task that waits for thousands of sockets.

A trio task that waits for its own socket pays for every message: a system call to arm it, a parked task, a wake-up. The
sockets of stations are registered once with an epoll of our own instead, trio waits for that one descriptor, and the
callback of whichever socket is readable runs in this task. Where there is no epoll, `Poller.make` answers None and every
connection waits for itself.
"""

import select
from collections.abc import Callable
from time import perf_counter

import trio

from gateways.ocpp.limits import PASS_SECONDS, SOCKETS_PER_PASS


class Poller:
    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}

    @classmethod
    def make(cls) -> "Poller | None":
        return cls() if hasattr(select, "epoll") else None

    def watch(self, descriptor: int, ready: Callable[[], None]) -> bool:
        """Call `ready` whenever there is something to read, until `forget`. It must not raise or block.
        False: the kernel watches no more of them, so whoever asked has to wait for itself."""
        try:
            self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP)
        except (OSError, ValueError):
            return False
        self._ready[descriptor] = ready
        return True

    def forget(self, descriptor: int) -> None:
        """Must come before the descriptor is closed: its number may be another socket's right after."""
        del self._ready[descriptor]
        if not self._epoll.closed:
            self._epoll.unregister(descriptor)

    async def run(self) -> None:
        """Serve what is readable, a bounded number and a bounded time at once, so that nobody else waits long: what came may
        be large."""
        ready = self._ready
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                until = perf_counter() + PASS_SECONDS
                for descriptor, _ in self._epoll.poll(0, SOCKETS_PER_PASS):
                    callback = ready.get(descriptor)
                    if callback is not None:  # an earlier one of this pass may have closed it
                        callback()
                        if perf_counter() > until:
                            await trio.lowlevel.checkpoint()
                            until = perf_counter() + PASS_SECONDS
        finally:
            self._epoll.close()
