"""A whole domain in memory: the real runtime, the real actors, a store and rows without a database."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from actors.env import ActorEnv
from actors.kinds import KEEPERS, Keeper, register_all
from actors.limits import DomainLimits
from actors.model.ids import digest, station_address, tenant_address
from actors.model.meter import ENERGY_IMPORT, Reading, Sample
from actors.model.platforms import Platforms
from actors.model.token import IdToken, TokenCard
from actors.station import messages as m
from actors.tenant.messages import Create, PutTariff, PutToken
from runtime.clock import ManualClock
from runtime.store import OutboxItem, StoreAway
from runtime.system import System
from runtime.turn import StagedTurn
from storage.cards import Cards
from storage.memory_ports import MemoryNumbers, MemorySink
from storage.memory_queries import MemoryLookups, MemoryQueries
from storage.memory_rows import MemoryRows
from storage.vault import Vault
from tests.runtime.kit import FaultyStore

T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TENANT = "acme"
STATION = "CP-1"
TARIFF = {
    "country_code": "DE",
    "party_id": "ACM",
    "id": "standard",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def reading(minutes: float, wh: float) -> Reading:
    return Reading(at(minutes), (Sample(Decimal(str(wh)), str(wh)),))


def sample(wh: float, context: str = "Sample.Periodic", measurand: str = ENERGY_IMPORT, **more: Any) -> Sample:
    return Sample(Decimal(str(wh)), str(wh), measurand=measurand, context=context, **more)


def event(type: str, seq: int, minutes: float, trigger: str = "MeterValuePeriodic", **fields: Any) -> m.TransactionEvent:
    """A 2.x event of transaction `tx-1` at `minutes`; its content hash follows from what it says."""
    fields = {"transaction_id": "tx-1", "at": at(minutes), **fields}
    content = fields.pop("content", digest(type, seq, minutes, sorted(fields.items(), key=str)))
    return m.TransactionEvent(type=type, seq=seq, trigger=trigger, content=content, **fields)


class RowStore(FaultyStore):
    """The runtime's store of tests, with the read models beside it."""

    def __init__(self, rows: MemoryRows, clock: ManualClock) -> None:
        super().__init__()
        self.tables, self.clock = rows, clock
        self.reject = lambda turn: rows.reject(turn.rows)

    def _write_rows(self, head: Any, turn: StagedTurn) -> None:
        super()._write_rows(head, turn)
        self.tables.write(turn.seq + 1, turn.rows)

    async def take_outbox(self, topics: Sequence[str], limit: int, lease: float) -> Sequence[OutboxItem]:
        """By the house's clock, which is not the one of the runtime's own tests."""
        await self._travel()
        if self.away:
            raise StoreAway
        now, taken = self.clock.now(), []
        for (actor, _), row in self.effects.items():
            effect, outcome, attempts, due = row
            if outcome is None and effect.klass == "redeliver" and effect.topic in topics and due <= now and len(taken) < limit:
                row[2], row[3] = attempts + 1, now + timedelta(seconds=lease)
                taken.append(OutboxItem(actor, effect, attempts + 1))
        return taken


class FakeLine:
    """A connection that keeps what was sent; `render` answers `wire`, an Unsupported or what a function makes."""

    def __init__(self, generation: int = 1, wire: Any = None) -> None:
        self.generation = generation
        self.protocol = "ocpp1.6"
        self.wire = wire if wire is not None else m.WireCall("Reset", b'{"type":"Soft"}')
        self.calls: list[tuple[str, m.WireCall, float]] = []
        self.closed: list[tuple[int, str]] = []

    def learn(self, boot: Any) -> None:
        pass

    def render(self, intent: Any) -> Any:
        return self.wire(intent) if callable(self.wire) else self.wire

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        self.calls.append((command, wire, timeout))

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class House:
    """One node with tenant, tariff, tokens and a registered station."""

    def __init__(
        self,
        *,
        seed: int = 1,
        limits: DomainLimits | None = None,
        keepers: Mapping[str, Keeper] | None = None,
        pki: Any = None,
        platforms: Platforms = Platforms(installed=True),
    ) -> None:
        self.keepers = KEEPERS if keepers is None else keepers
        self.rows = MemoryRows()
        self.clock = ManualClock(T0)
        self.store = RowStore(self.rows, self.clock)
        self.random = random.Random(seed)
        self.env = ActorEnv(
            snapshots=Cards(),
            numbers=MemoryNumbers(),
            lookups=MemoryLookups(self.rows),
            vault=Vault(b"k" * 32),
            sink=MemorySink(self.rows),
            token_bytes=self.random.randbytes,
            platforms=platforms,
            limits=limits or DomainLimits(),
            pki=pki,
        )
        self.queries = MemoryQueries(self.rows)
        self.system = self._node()

    def _node(self) -> System:
        # Every life has randomness of its own: two that made the same turn ids would be one writer to the fence.
        system = System(self.store, clock=self.clock, random=random.Random(self.random.getrandbits(64)))
        register_all(system, self.env, self.keepers)
        return system

    def after_crash(self) -> Self:
        """The same database, another process: nothing that lived is left."""
        house = House.__new__(type(self))
        house.__dict__.update(self.__dict__)
        house.env = ActorEnv(
            snapshots=self.env.snapshots,
            numbers=self.env.numbers,
            lookups=self.env.lookups,
            vault=self.env.vault,
            sink=self.env.sink,
            token_bytes=self.random.randbytes,
            platforms=self.env.platforms,
            limits=self.env.limits,
            pki=self.env.pki,
        )
        house.system = house._node()
        return house

    async def ask(self, to: tuple[str, str, str], message: Any, deadline: float = 5.0) -> Any:
        return await self.system.ask(to, message, deadline=deadline)

    async def station(self, message: Any, station: str = STATION) -> Any:
        return await self.ask(station_address(TENANT, station), message)

    def token(self, uid: str) -> IdToken:
        return self.env.vault.token(TENANT, uid)

    async def furnish(self, *, evses: int = 2, boot: bool = True, tariff: str | None = "standard", settings: Any = None) -> None:
        """Without inventories, unless `settings` say so: most tests count what goes to a station."""
        settings = {"inventory": False} | (settings or {})
        await self.ask(tenant_address(TENANT), Create("Acme", "EUR", "DE", "Europe/Berlin", "refuse", "owner", settings))
        await self.ask(tenant_address(TENANT), PutTariff("standard", TARIFF, None, "owner"))
        for uid, status, payment in (
            ("GOOD", "Accepted", "invoice"),
            ("FREE", "Accepted", "free"),
            ("BAD", "Blocked", "invoice"),
        ):
            await self.put_token(uid, status, payment)
        await self.register(STATION, evses=evses, tariff=tariff)
        if boot:
            await self.station(m.Boot("V", "M"))

    async def put_token(self, uid: str, status: Any = "Accepted", payment: str = "invoice", group: str | None = None) -> Any:
        token = self.token(uid)
        card = TokenCard(token.ref, token.type, status, token.masked, group, None, payment)
        sealed = self.env.vault.seal(TENANT, token.ref, "token", uid)
        return await self.ask(tenant_address(TENANT), PutToken(card, sealed, "owner"))

    async def register(self, station: str = STATION, *, evses: int = 2, tariff: str | None = "standard") -> Any:
        message = m.Register(evses, 0, None, False, ("ocpp1.6",), tariff, {}, "owner")
        return await self.station(message, station)

    async def start(self, uid: str = "GOOD", *, evse: int = 1, wh: int = 1000, minutes: float = 0) -> m.StartReply:
        start = m.TransactionStart(evse, 1, self.token(uid), wh, at(minutes))
        reply = await self.station(start)
        assert isinstance(reply, m.StartReply)
        return reply

    async def stop(
        self, number: int, wh: int = 11_000, *, minutes: float = 60, uid: str | None = None, readings: Sequence[Reading] = ()
    ) -> m.StopReply:
        token = self.token(uid) if uid is not None else None
        stop = m.TransactionStop(number, wh, at(minutes), "Local", token, tuple(readings))
        reply = await self.station(stop)
        assert isinstance(reply, m.StopReply)
        return reply

    def sessions(self) -> list[Any]:
        from actors.model.rows import SessionRow

        return list(self.rows.table(SessionRow))

    def cdrs(self) -> list[Any]:
        from actors.model.rows import CdrRow

        return list(self.rows.table(CdrRow))

    def journals(self) -> list[Any]:
        from actors.model.rows import JournalRow

        return list(self.rows.table(JournalRow))
