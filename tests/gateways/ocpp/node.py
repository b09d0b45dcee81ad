"""A node without database and HTTP: the real runtime, the real actors, the real listener on a loopback socket."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from actors.env import ActorEnv
from actors.kinds import register_all
from actors.limits import DomainLimits
from actors.model.ids import station_address, tenant_address
from actors.model.token import TokenCard
from actors.ports import TraceRow
from actors.station import messages as s
from actors.station.auth import hash_secret
from actors.tenant.messages import Create, PutToken
from gateways.egress import EgressGate
from gateways.ocpp.limits import GatewayLimits
from gateways.ocpp.listener import Endpoint, Listener
from gateways.ocpp.quirks import Registry, load
from gateways.ocpp.tls import StationTls
from gateways.pki.desk import TOPIC, Desk
from runtime.limits import Limits
from runtime.system import System
from storage.cards import Cards
from storage.memory import MemoryStore
from storage.memory_ports import MemoryNumbers, MemorySink
from storage.memory_queries import MemoryLookups, MemoryQueries
from storage.memory_rows import MemoryRows
from storage.vault import Vault
from tests.gateways.ocpp import wire

TENANT = "demo"
PASSWORD = b"correct-horse-9876"
TAG = "04A2B3C4"
UNASKED = DomainLimits(greet_after=timedelta(hours=1))
"""Two seconds after its boot a station is asked what it has. A test that takes as long would find that CALL among its
answers, so here nobody asks of his own accord."""


class Node:
    def __init__(self, cards: Cards | None = None, **listener: Any) -> None:
        self.rows = MemoryRows()
        self.store = MemoryStore(self.rows)
        self.cards = cards or Cards()
        self.vault = Vault(bytes(range(32)))
        self.sink = MemorySink(self.rows)
        self.queries = MemoryQueries(self.rows, self.store.full_history)
        self.system = System(self.store, limits=Limits(restart_backoff=0.001, deadline_tick=0.005))
        self.desk = Desk(self.system, self.vault, self.cards, EgressGate(["127.0.0.0/8"]))
        self.system.outbox.handle(TOPIC, self.desk.deliver)
        self.env = ActorEnv(
            snapshots=self.cards, numbers=MemoryNumbers(), lookups=MemoryLookups(self.rows), vault=self.vault, sink=self.sink,
            pki=self.desk, limits=UNASKED,
        )  # fmt: skip
        register_all(self.system, self.env)
        self.listener = Listener(self.system, self.cards, self.vault, self.sink, **listener)
        self.url = ""
        self.stop = trio.Event()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def create_tenant(self, tenant: str = TENANT, unknown: str = "refuse", **settings: Any) -> None:
        await self.ask(tenant_address(tenant), Create(tenant, "EUR", "DE", "Europe/Berlin", unknown, "test", settings))

    async def register(
        self,
        station: str,
        *,
        tenant: str = TENANT,
        profile: int = 1,
        password: bytes = PASSWORD,
        evses: int = 2,
        versions: tuple[str, ...] = ("ocpp1.6",),
        tariff: str | None = None,
    ) -> None:
        secret = hash_secret(password, lambda n: bytes(range(n)))
        await self.ask(station_address(tenant, station), s.Register(evses, profile, secret, False, versions, tariff, {}, "test"))

    async def put_token(self, uid: str = TAG, status: Any = "Accepted", group: str | None = None) -> None:
        token = self.vault.token(TENANT, uid)
        named = self.vault.token(TENANT, group).ref if group else None
        card = TokenCard(token.ref, "ISO14443", status, token.masked, named)
        sealed = self.vault.seal(TENANT, token.ref, "token", uid)
        sealed_group = self.vault.seal(TENANT, named, "token", group) if named and group else None
        await self.ask(tenant_address(TENANT), PutToken(card, sealed, "test", sealed_group))

    async def ask(self, to: Any, message: Any) -> Any:
        return await self.system.ask(to, message, deadline=60)

    async def quirks(self, station: str = "CP1") -> dict[str, int]:
        """How often the station was seen to have each quirk."""
        return {row.quirk: row.count for row in await self.queries.quirks(TENANT, station)}

    def traces(self, station: str) -> list[TraceRow]:
        return [row for row in self.rows.traces if row.station == station] if hasattr(self.rows, "traces") else []


@asynccontextmanager
async def open_node(
    *, tls: ssl.SSLContext | StationTls | None = None, behind_tls: bool = False, ready: bool = True, **listener: Any
) -> AsyncIterator[Node]:
    """A node with tenant `demo`, station `CP1` (two EVSEs, `PASSWORD`) and an accepted token, unless not `ready`."""
    node = Node(**listener)
    async with trio.open_nursery() as nursery:
        await nursery.start(node.system.run)
        endpoint = Endpoint("127.0.0.1", 0, tls, behind_tls)
        (node.url,) = await nursery.start(partial(node.listener.serve, [endpoint], stop=node.stop))
        if ready:
            await node.create_tenant()
            await node.register("CP1")
            await node.put_token()
        yield node
        nursery.cancel_scope.cancel()


def registry(folder: Path, *entries: str) -> Registry:
    """Ours, with an operator's file of these entries (the lines below [[quirk]]) laid over it."""
    path = folder / "own.toml"
    path.write_text("".join(f"[[quirk]]\n{entry}\n" for entry in entries), encoding="utf-8")
    return load(path)


def small_limits(**changes: Any) -> GatewayLimits:
    """Bounds that a test can wait for. Those that a machine which pauses could break are as long as ever: where one of them is
    what a test is about, it says so."""
    defaults: dict[str, Any] = {"tick": 0.02, "call_gap": 0.0}
    return GatewayLimits(**(defaults | changes))


def basic(user: str, password: bytes = PASSWORD) -> str:
    return "Authorization: Basic " + base64.b64encode(user.encode() + b":" + password).decode() + "\r\n"


class Station:
    """A station of raw frames on a raw socket."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._data = b""
        self._next = 0

    async def send(self, text: str | bytes) -> None:
        await self.stream.send_all(wire.frame(wire.TEXT, text.encode() if isinstance(text, str) else text))

    async def frame(self) -> wire.Received:
        """The next frame of any kind."""
        while True:
            try:
                frames = wire.parse(self._data[: self._length_of_first()])
            except (AssertionError, IndexError):
                frames = []
            if frames:
                self._data = self._data[self._length_of_first() :]
                return frames[0]
            chunk = await self.stream.receive_some(65536)
            if not chunk:
                raise EOFError("the node closed the connection")
            self._data += chunk

    def _length_of_first(self) -> int:
        length = self._data[1] & 0x7F
        if length < 126:
            return 2 + length
        size = 2 if length == 126 else 8
        return 2 + size + int.from_bytes(self._data[2 : 2 + size], "big")

    async def message(self) -> list[Any]:
        """The next text message, pings answered."""
        while True:
            got = await self.frame()
            if got.opcode == wire.PING:
                await self.stream.send_all(wire.frame(wire.PONG, got.payload))
            elif got.opcode == wire.TEXT:
                decoded: list[Any] = msgspec.json.decode(got.payload)
                return decoded
            else:
                raise AssertionError(f"unexpected {got}")

    async def closed(self) -> tuple[int, str]:
        """(code, reason) of the close frame that comes next, other messages skipped; (1006, "") without one."""
        while True:
            try:
                got = await self.frame()
            except (EOFError, trio.BrokenResourceError):
                return 1006, ""
            if got.opcode == wire.CLOSE:
                return int.from_bytes(got.payload[:2], "big"), got.payload[2:].decode()

    async def call(self, action: str, payload: Any, unique_id: str = "") -> Any:
        """The payload of the CALLRESULT, or the CALLERROR as a list."""
        self._next += 1
        unique_id = unique_id or f"m{self._next}"
        await self.send(msgspec.json.encode([2, unique_id, action, payload]))
        answer = await self.message()
        assert answer[1] == unique_id, answer
        return answer[2] if answer[0] == 3 else answer

    async def insist(self, action: str, payload: Any) -> Any:
        """The payload of the answer to a message that is sent again, unchanged, until there is one, as stations do. For nodes
        that give up on an answer soon: whatever was said to an earlier attempt counts as well."""
        text = msgspec.json.encode([2, "again", action, payload])
        while True:
            await self.send(text)
            with trio.move_on_after(1):
                while (answer := await self.message())[0] == 2:
                    pass
                assert answer[:2] == [3, "again"], answer
                return answer[2]

    async def boot(self) -> Any:
        return await self.call("BootNotification", {"chargePointVendor": "Voltroupe", "chargePointModel": "Test"})

    async def aclose(self) -> None:
        await self.stream.aclose()


async def upgrade(
    node: Node,
    identity: str = "CP1",
    *,
    path: str | None = None,
    auth: str | None = None,
    subprotocols: str | None = "ocpp1.6",
    extra: str = "",
    tls: ssl.SSLContext | None = None,
) -> tuple[Station, wire.Response]:
    """Connect and send an upgrade request; whatever answer came."""
    stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", node.port)
    if tls is not None:
        stream = trio.SSLStream(stream, tls, server_hostname="localhost")
    headers = (basic(identity) if auth is None else auth) + extra
    await stream.send_all(wire.upgrade(path or f"/ocpp/{TENANT}/{identity}", subprotocols=subprotocols, extra=headers))
    response = await wire.read_response(stream)
    station = Station(stream)
    station._data = response.rest
    return station, response


async def connect(node: Node, identity: str = "CP1", **options: Any) -> Station:
    station, response = await upgrade(node, identity, **options)
    assert response.status == 101, response
    return station
