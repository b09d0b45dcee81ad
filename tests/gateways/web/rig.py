"""A whole node but for sockets and PostgreSQL: real runtime, real actors, the ports in memory, and the web app on top."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import trio
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from actors.env import ActorEnv
from actors.kinds import register_all
from actors.model.platforms import Platforms
from actors.ports import ApiToken
from gateways.egress import EgressGate
from gateways.payments.accounts import authorize_url
from gateways.pki.desk import Desk
from gateways.web.app import WebApp, create_app, serve
from gateways.web.env import CardPayments, WebEnv, WebSettings
from gateways.web.identity import new_token, token_hash
from runtime.system import System
from storage.cards import Cards
from storage.memory import MemoryStore
from storage.memory_ports import MemoryApiTokens, MemoryNumbers, MemorySink
from storage.memory_queries import MemoryLookups, MemoryQueries
from storage.memory_rows import MemoryRows
from storage.vault import Vault
from tests.kits.patience import until

KEY = bytes(range(32))
OWNER = "vto_owner-of-the-platform-in-tests"


class Compiled(BytecodeCache):
    """The pages as the first app compiled them: there is an app a test, and it is most of what one costs."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


WebApp.jinja_options = {"bytecode_cache": Compiled()}


class Rig:
    def __init__(self) -> None:
        self.rows = MemoryRows()
        self.store = MemoryStore(self.rows)
        self.cards = Cards()
        self.vault = Vault(bytes(32))
        self.sink = MemorySink(self.rows)
        self.tokens = MemoryApiTokens()
        self.queries = MemoryQueries(self.rows, self.store.full_history)
        self.lookups = MemoryLookups(self.rows)
        self.seed = 20260722
        self.system = System(self.store, random=random.Random(self.seed))
        self.actor_env = ActorEnv(
            platforms=Platforms(installed=True), snapshots=self.cards, numbers=MemoryNumbers(), lookups=self.lookups,
            vault=self.vault, sink=self.sink,
            pki=Desk(self.system, self.vault, self.cards, EgressGate()),
        )  # fmt: skip
        register_all(self.system, self.actor_env)
        self.env = WebEnv(
            system=self.system,
            store=self.store,
            queries=self.queries,
            snapshots=self.cards,
            vault=self.vault,
            sink=self.sink,
            lookups=self.lookups,
            health=self.store,
            api_tokens=self.tokens,
            settings=WebSettings(
                token_key=KEY,
                cookie_key=KEY,
                pay_key=KEY,
                owner_hash=token_hash(KEY, OWNER),
                public_url="http://test",
                card_payments=lambda tenant: CardPayments(authorise=partial(authorize_url, "ca_1", base="https://connect.test")),
            ),
            ocpp_stats=lambda: {"connections": 3, "frames_in": 17},
            versions={"voltroupe": "0.1.0"},
        )
        self.app: WebApp = create_app(self.env)
        self.owner = self.client(OWNER)
        self.anyone = self.client(None)

    def client(self, token: str | None) -> httpx.AsyncClient:
        """Speaks ASGI to the app, raw paths included. It buffers answers, so streams need `serving`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers, timeout=20)

    async def tenant(self, tenant: str = "acme", **more: Any) -> httpx.AsyncClient:
        """A tenant and its administrator's client."""
        body = {"id": tenant, "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin", **more}
        answer = await self.owner.post("/api/v1/tenants", json=body)
        assert answer.status_code == 201, answer.text
        return self.client(answer.json()["token"])

    async def api_token(self, tenant: str | None, role: str, **more: Any) -> str:
        token = new_token()
        row = ApiToken(
            id=f"t{len(await self.tokens.list(tenant))}{role}{tenant}",
            tenant=tenant,
            name=role,
            role=role,
            hash=token_hash(KEY, token),
            created_at=datetime.now(UTC),
            **more,
        )
        await self.tokens.create(row)
        return token

    async def until(self, seen: Callable[[], bool]) -> None:
        """What comes by itself, soon."""
        await until(seen)

    async def quiet(self) -> None:
        """Until nobody has anything to do: no message waits or is at hand, no letter is on its way."""

        def still() -> bool:
            cells = self.system.registry.cells.values()
            busy = any(cell.mailbox.user or cell.mailbox.system or cell.current is not None for cell in cells)
            return self.system.committer.idle and not busy and not any(self.store._letters.values())

        await until(still)

    def audited(self, action: str) -> list[Any]:
        return [row for row in self.rows.audit if row.action == action]


@asynccontextmanager
async def running(*, lifespan: bool = True) -> AsyncIterator[Rig]:
    """The node, up. `lifespan=False` leaves the app's own start to a server (see `serving`)."""
    rig = Rig()
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.system.run)
        if lifespan:
            async with rig.app.test_app():
                yield rig
        else:
            yield rig
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Rig, str]]:
    """The node behind a real socket, for streams and browsers."""
    async with running(lifespan=False) as rig, trio.open_nursery() as nursery:
        shutdown = trio.Event()
        urls = await nursery.start(partial(serve, rig.app, "127.0.0.1", 0, shutdown=shutdown))
        yield rig, urls[0]
        shutdown.set()
