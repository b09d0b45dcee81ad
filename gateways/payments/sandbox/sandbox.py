"""One sandbox put together: world, API, pages, control, webhooks, on one port."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.accounts import new_account
from gateways.payments.sandbox.app import Api, Asked, Told
from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.control import PREFIX, control
from gateways.payments.sandbox.delivery import Deliverer
from gateways.payments.sandbox.drive import Driver
from gateways.payments.sandbox.dues import tick
from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.faults import Faults
from gateways.payments.sandbox.hosted import page
from gateways.payments.sandbox.records import new_endpoint_fields
from gateways.payments.sandbox.server import Server
from gateways.payments.sandbox.state_file import StateFile
from gateways.payments.sandbox.world import World

_log = logging.getLogger(__name__)


class Sandbox:
    """`world` may be read by whoever runs it in the same process; a client of another process has the control API."""

    def __init__(self, config: Config, state: Path | None = None) -> None:
        self.world = World(config)
        self.faults = Faults(config.seed)
        self.deliverer = Deliverer(self.world, self.faults)
        self.api = Api(self.world, self.faults)
        self._file = StateFile(self.world, state) if state is not None else None
        self._begin()

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def driver(self) -> Driver:
        """A person with a browser, without the browser."""
        return Driver(self.url)

    def _begin(self) -> None:
        if self._file is not None:
            self._file.load()
        config, world = self.world.config, self.world
        if world.account(world.platform) is None:
            new_account(world, country=config.country, identity=world.platform, made_by="platform", done=True)
        for identity in config.merchants:
            if world.account(identity) is None:
                new_account(world, country=config.country, identity=identity, done=True)
        for hook in config.hooks:
            self.hook(hook.url, hook.secret, hook.connect, hook.events)
        for event in list(world.events):
            self._resume(world.objects[event])

    def _resume(self, event: Obj) -> None:
        """What was not delivered when the sandbox was stopped is delivered now."""
        if event["pending_webhooks"] > 0:
            connect = event["_account"] != self.world.platform
            for endpoint in self.world.newest(self.world.platform, "webhook_endpoint"):
                if endpoint["_connect"] == connect and endpoint["id"] not in event.get("_taken", []):
                    self.deliverer.again(event, endpoint["id"])

    def hook(self, url: str, secret: str, connect: bool = False, events: tuple[str, ...] = ("*",)) -> Obj:
        """Register a webhook endpoint with a secret of the caller's; the same URL again only gets the new secret."""
        world = self.world
        for endpoint in world.newest(world.platform, "webhook_endpoint"):
            if endpoint["url"] == url and endpoint["_connect"] == connect:
                endpoint["_secret"], endpoint["enabled_events"] = secret, list(events)
                world.save(endpoint)
                return endpoint
        endpoint = new_endpoint_fields(url, secret, connect)
        endpoint.update(id=world.new_id("we"), created=world.now(), enabled_events=list(events))
        return world.add(world.platform, endpoint)

    async def handle(self, asked: Asked) -> Told:
        if asked.path.startswith(PREFIX):
            told: Told | None = control(self, asked)
        elif self.faults.down:
            told = Told(0, b"", drop=True)
        else:
            told = self._answer(asked)
        assert told is not None
        if self._file is not None:
            self._file.flush()
        return told

    def _answer(self, asked: Asked) -> Told:
        try:
            tick(self.world)
            shown = page(self.world, asked)
            if shown is not None:
                tick(self.world)
                return shown
            return self.api.answer(asked)
        except Exception:
            _log.exception("the sandbox itself failed at %s %s", asked.method, asked.path)
            failed = {"error": {"type": "api_error", "message": "The sandbox itself failed; its log says why."}}
            return Told(500, msgspec.json.encode(failed))

    async def settled(self, timeout: float = 120.0) -> None:
        """Until no webhook waits any more (those that wait for a retry count, too)."""
        with trio.fail_after(timeout):
            while self.deliverer.waiting:  # noqa: ASYNC110 - a test waits here, nothing else
                await trio.sleep(0.01)

    async def _clockwork(self) -> None:
        while True:
            await trio.sleep(limits.TICK_MOST)
            tick(self.world)
            if self._file is not None:
                self._file.flush()

    async def run(self, host: str, port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(port, host=host)
        bound = listeners[0].socket.getsockname()[1]
        self.world.url = f"http://{host}:{bound}"
        server = Server(self.handle)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.deliverer.run)
            nursery.start_soon(self._clockwork)
            task_status.started(self.world.url)
            try:
                await trio.serve_listeners(server.connection, listeners)
            finally:
                if self._file is not None:
                    self._file.close()


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
