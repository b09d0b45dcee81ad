"""The inside of a node: database, ports, actors. Without listeners it serves the commands, with them it is a node (node.py).

    async with open_domain(settings) as domain:
        await domain.system.ask(...)

Entering opens the database (the embedded one is started or adopted), brings the schema up to date, loads the cards and starts
the actor system; leaving drains it. Losing the database in between is a state that `database.describe()` shows, never an exit.
"""

import hashlib
import math
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import structlog
import trio

from actors.env import ActorEnv
from actors.kinds import register_all
from config.certificates import certificate_desk
from config.data import DataDirectory
from config.errors import EnvironmentFault
from config.payments import Payments, payments_of
from config.reports import report
from config.settings import Settings
from gateways.payments.limits import WORKER_LEASE
from runtime.store import StoreAway
from runtime.supervisor import ChildSpec
from runtime.system import System
from storage.api_tokens import PostgresApiTokens
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.embedded import EmbeddedError
from storage.leases import end_leases
from storage.ledger import LedgerKeeper
from storage.lookups import PostgresLookups
from storage.migrate import SchemaError
from storage.nightly import NightlyAudit
from storage.numbers import PostgresNumbers
from storage.open import open_database
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.snapshots import FreshCards
from storage.vault import KeyFileError, Vault
from storage.vault_keys import confirm_key

DRAIN_SECONDS = 10.0
FLUSH_SECONDS = 5.0
COMMAND_PATIENCE = 15.0
"""A node waits for its database for ever, a command so long."""
_log = structlog.get_logger("csms")


@dataclass(frozen=True, kw_only=True)
class Domain:
    settings: Settings
    data: DataDirectory
    database: Database
    system: System
    cards: FreshCards
    queries: PostgresQueries
    lookups: PostgresLookups
    api_tokens: PostgresApiTokens
    sink: PostgresSink
    vault: Vault
    payments: Payments
    env: ActorEnv
    nursery: trio.Nursery

    def key(self, purpose: bytes) -> bytes:
        """32 bytes for one purpose, derived from the deployment key: the same after a restart, and stored nowhere."""
        return derived_key(self.data, purpose)


def checkpoints_of(data: DataDirectory) -> Checkpoints:
    """The signed checkpoints of the ledger's chain (storage/checkpoints.py)."""
    return Checkpoints(data.path / "checkpoints", derived_key(data, b"ledger chain/v1"))


def derived_key(data: DataDirectory, purpose: bytes) -> bytes:
    return hashlib.blake2b(key=data.key_file.read_bytes(), digest_size=32, person=purpose.ljust(16, b"\0")).digest()


@asynccontextmanager
async def database_of(
    settings: Settings, *, own: bool = False, migrating: bool = True, patience: float = math.inf
) -> AsyncIterator[Database]:
    """The database that the settings name; a server that is away is waited for `patience` seconds. Raises
    EnvironmentFault when it cannot be had."""
    data = DataDirectory(settings.data_dir)
    data.prepare()
    met: deque[Exception] = deque(maxlen=1)
    where = None if settings.dsn else data.path
    opening = open_database(
        settings.dsn, where, own=own, migrating=migrating, away=met.append, unpaid_days=settings.database.unpaid_days
    )
    try:
        async with AsyncExitStack() as stack:
            with trio.move_on_after(patience if settings.dsn else math.inf) as waiting:
                database = await stack.enter_async_context(opening)
            if waiting.cancelled_caught:
                reason = f": {_why(met[-1])}" if met else ""
                raise EnvironmentFault(f"the database does not answer within {patience:.0f} s{reason} (CSMS_DATABASE__DSN)")
            yield database
    except (EmbeddedError, SchemaError) as error:
        raise EnvironmentFault(str(error)) from None
    except asyncpg.PostgresError as error:
        if settings.dsn is None or not isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
            raise
        raise EnvironmentFault(f"the database refuses us: {error} (CSMS_DATABASE__DSN)") from None


def _why(error: Exception) -> str:
    """The last thing that a server which is away was met with, in words."""
    if isinstance(error, socket.gaierror):
        return "nobody knows its host's name"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    return str(error) or type(error).__name__


@asynccontextmanager
async def open_domain(settings: Settings, *, own: bool = False, patience: float = math.inf) -> AsyncIterator[Domain]:
    """`own`: this is the one node of its data directory. Raises EnvironmentFault."""
    data = DataDirectory(settings.data_dir)
    data.prepare()
    try:
        vault = Vault.at(data.key_file)
    except KeyFileError as error:
        raise EnvironmentFault(str(error)) from None
    async with _keyed_database(settings, own, vault, patience) as database, trio.open_nursery() as nursery:
        cards, keeper, sink = FreshCards(database), LedgerKeeper(database), PostgresSink(database)
        nightly = NightlyAudit(database, sink, checkpoints_of(data))
        numbers, lookups = PostgresNumbers(database), PostgresLookups(database)
        for prepare in (cards.load, keeper.begin):
            await _patiently(prepare)
        system = System(database.store, report=report)
        if own:
            await _patiently(partial(end_leases, database, system.limits.outbox_lease, WORKER_LEASE))
        desk = certificate_desk(settings, system, vault, cards)
        payments = payments_of(settings, system, database, lookups, lambda tenant: cards.tenant(tenant) is not None)
        env = ActorEnv(
            snapshots=cards, numbers=numbers, lookups=lookups, vault=vault, sink=sink, pki=desk,
            platforms=payments.clients.platforms,
        )  # fmt: skip
        register_all(system, env)
        system.supervise(ChildSpec(name="database", run=_watch(database)))
        services = (("cards", cards), ("numbers", numbers), ("sink", sink), ("ledger", keeper), ("audit", nightly))
        for name, service in services:
            system.supervise(ChildSpec(name=name, run=service.run))
        await nursery.start(system.run)
        try:
            yield Domain(
                settings=settings,
                data=data,
                database=database,
                system=system,
                cards=cards,
                queries=PostgresQueries(database),
                lookups=lookups,
                api_tokens=PostgresApiTokens(database),
                sink=sink,
                vault=vault,
                payments=payments,
                env=env,
                nursery=nursery,
            )
        finally:
            with trio.CancelScope(shield=True):
                await system.drain(DRAIN_SECONDS)
                with trio.move_on_after(FLUSH_SECONDS):
                    await _flush(sink)
                    await payments.clients.close()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def _keyed_database(settings: Settings, own: bool, vault: Vault, patience: float) -> AsyncIterator[Database]:
    """The database, once it is sure that its references and cells were made under our deployment key."""
    async with database_of(settings, own=own, patience=patience) as database:
        try:
            await _patiently(partial(confirm_key, database, vault))
        except KeyFileError as error:
            raise EnvironmentFault(str(error)) from None
        yield database


async def _patiently(prepare: Callable[[], Any]) -> None:
    """A database that goes away in the middle of a start is waited for, as it is later."""
    while True:
        try:
            await prepare()
            return
        except StoreAway as error:
            _log.warning("database.away", detail=str(error))
            await trio.sleep(0.5)


async def _flush(sink: PostgresSink) -> None:
    try:
        await sink.flush()
    except StoreAway:
        _log.warning("sink.not_flushed", detail="the database is away: the last traces are lost")


def _watch(database: Database) -> Callable[[], Any]:
    """The database's place in the tree: it tells of every change between ready and away, and is never the end of a node."""

    async def watch() -> None:
        known = True
        while True:
            if database.ready != known:
                known = database.ready
                (_log.info if known else _log.warning)("database.ready" if known else "database.away", **database.describe())
            await trio.sleep(0.25)

    return watch
