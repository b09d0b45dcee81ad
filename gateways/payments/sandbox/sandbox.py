"""One sandbox put together: platform accounts with API, pages, control and webhooks, on one port."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.app import Api, Asked, Told
from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.control import PREFIX, control
from gateways.payments.sandbox.delivery import Deliverer
from gateways.payments.sandbox.drive import Driver
from gateways.payments.sandbox.dues import tick
from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.faults import Faults
from gateways.payments.sandbox.hosted import page
from gateways.payments.sandbox.platform import Platform
from gateways.payments.sandbox.server import Server
from gateways.payments.sandbox.world import World

_log = logging.getLogger(__name__)


class Sandbox:
    """`world`, `faults` and the like are those of the first platform account, `platforms` all of them by id. They may be read by
    whoever runs it in the same process; a client of another process has the control API."""

    def __init__(self, config: Config, state: Path | None = None) -> None:
        given = (config, *config.others)
        kept = [state, *(state / one.platform if state is not None else None for one in config.others)]
        self.platforms = {one.platform: Platform(one, where) for one, where in zip(given, kept, strict=True)}
        if len(self.platforms) < len(given) or len({one.secret_key for one in given}) < len(given):
            raise ValueError("others: each platform account has an id and a key of its own")
        self._first = self.platforms[config.platform]

    @property
    def world(self) -> World:
        return self._first.world

    @property
    def faults(self) -> Faults:
        return self._first.faults

    @property
    def deliverer(self) -> Deliverer:
        return self._first.deliverer

    @property
    def api(self) -> Api:
        return self._first.api

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def driver(self) -> Driver:
        """A person with a browser, without the browser."""
        return Driver(self.url)

    def hook(self, url: str, secret: str, connect: bool = False, events: tuple[str, ...] = ("*",)) -> Obj:
        return self._first.hook(url, secret, connect, events)

    async def handle(self, asked: Asked) -> Told:
        if asked.path.startswith(PREFIX):
            told = control(self.platforms, self.world.platform, asked)
        else:
            platform = self._of(asked)
            told = Told(0, b"", drop=True) if platform.faults.down else _answer(platform, asked)
        for platform in self.platforms.values():
            platform.flush()
        return told

    def _of(self, asked: Asked) -> Platform:
        """Whose request it is; one that is nobody's the first one refuses."""
        platforms = self.platforms.values()
        return next((one for one in platforms if one.opens(asked) or one.shows(asked)), self._first)

    async def settled(self, timeout: float = 120.0) -> None:
        """Until no webhook waits any more (those that wait for a retry count, too)."""
        with trio.fail_after(timeout):
            while any(one.deliverer.waiting for one in self.platforms.values()):  # noqa: ASYNC110 - a test waits here, nothing else
                await trio.sleep(0.01)

    async def _clockwork(self) -> None:
        while True:
            await trio.sleep(limits.TICK_MOST)
            for platform in self.platforms.values():
                tick(platform.world)
                platform.flush()

    async def run(self, host: str, port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(port, host=host)
        bound = listeners[0].socket.getsockname()[1]
        for platform in self.platforms.values():
            platform.world.url = f"http://{host}:{bound}"
        server = Server(self.handle)
        async with trio.open_nursery() as nursery:
            for platform in self.platforms.values():
                nursery.start_soon(platform.deliverer.run)
            nursery.start_soon(self._clockwork)
            task_status.started(self.world.url)
            try:
                await trio.serve_listeners(server.connection, listeners)
            finally:
                for platform in self.platforms.values():
                    if platform.file is not None:
                        platform.file.close()


def _answer(platform: Platform, asked: Asked) -> Told:
    world = platform.world
    try:
        tick(world)
        shown = page(world, asked)
        if shown is not None:
            tick(world)
            return shown
        return platform.api.answer(asked)
    except Exception:
        _log.exception("the sandbox itself failed at %s %s", asked.method, asked.path)
        failed = {"error": {"type": "api_error", "message": "The sandbox itself failed; its log says why."}}
        return Told(500, msgspec.json.encode(failed))


@asynccontextmanager
async def open_sandbox(
    config: Config | None = None, *, host: str = "127.0.0.1", port: int = 0, state: Path | None = None
) -> AsyncIterator[Sandbox]:
    """A sandbox on a loopback port as long as the block lasts."""
    sandbox = Sandbox(config or Config(), state)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(sandbox.run, host, port)
            try:
                yield sandbox
            finally:
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # what the block raised comes out as it was
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from group.exceptions[0].__cause__
