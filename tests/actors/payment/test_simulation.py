"""Drivers who pay until they have charged, on a node whose store loses commits and forgets to say so, whose provider's answers
get lost, whose webhooks are dropped, whose actors are restarted, and which is killed. At the end the provider's book, the
sessions and the journals are compared. The seed is the test's name.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio._core import _run as trio_run

from actors.limits import DomainLimits
from actors.model import psp
from actors.model.ids import station_address
from actors.model.intents import CommandResult, RequestStart
from actors.model.rows import JournalRow, PaymentRow
from actors.payment import messages as pm
from actors.payment.phases import FINAL
from actors.station import messages as m
from runtime.errors import ActorError
from tests.actors.kit import STATION, TENANT, FakeLine, at, reading
from tests.actors.payment.provider import GOOD, WEAK
from tests.actors.payment.test_through_runtime import Shop
from tests.kits.examples import seeds

EVSES = 2
CHARGES = 4
OVER = (*FINAL, "refunded", "refunded_partial")


class Site:
    """A station that does what it is ordered to, and repeats to the node what was not answered."""

    def __init__(self, node: Callable[[], Shop], dice: random.Random) -> None:
        self.node, self.dice = node, dice
        self.generation = 0
        self.lines: list[FakeLine] = []
        self.orders: list[Any] = []
        self.minutes = 0.0
        self.registers = dict.fromkeys(range(1, EVSES + 1), 1000)
        self.charged: dict[str, int] = {}
        """Transaction -> energy, of sessions that the node accepted."""

    async def ask(self, message: Any) -> Any:
        while True:
            try:
                return await self.node().station(message)
            except ActorError:
                await trio.sleep(self.dice.random())

    async def connect(self) -> None:
        """Anew after each life of the node."""
        self.generation += 1

        def render(intent: Any) -> m.WireCall:
            self.orders.append(intent)  # what is rendered need not be sent: the node may die in between
            return m.WireCall(type(intent).__name__, str(len(self.orders) - 1).encode())

        line = FakeLine(self.generation, render)
        self.lines.append(line)
        self.node().system.tell(station_address(TENANT, STATION), m.Connected(line, "ocpp1.6", self.generation, ""))
        await self.ask(m.Boot("V", "M"))
        for evse in range(1, EVSES + 1):
            await self.ask(m.ConnectorStatus(evse, 1, "Available", "Available", at=at(self.minutes)))

    async def obey(self, nursery: trio.Nursery) -> None:
        """Every call is answered; a start leads to a session."""
        known: set[str] = set()
        while True:
            await trio.sleep(0.1)
            for line in self.lines[-1:]:
                for id, wire, _ in list(line.calls):
                    if id in known:
                        continue
                    known.add(id)
                    intent = self.orders[int(wire.payload)]
                    done = m.CommandDone(id, line.generation, CommandResult("Accepted"))
                    self.node().system.tell(station_address(TENANT, STATION), done)
                    if isinstance(intent, RequestStart):
                        nursery.start_soon(self.charge, intent)

    async def charge(self, start: RequestStart) -> None:
        assert start.evse is not None
        self.minutes += 61
        begin, wh = self.minutes, self.registers[start.evse]
        token = self.node().token(start.id_token)
        reply = await self.ask(m.TransactionStart(start.evse, 1, token, wh, at(begin)))
        energy = self.dice.randrange(5000, 30_000) if reply.verdict.accepted else 0
        self.registers[start.evse] = wh + energy
        await trio.sleep(self.dice.random() * 5)
        await self.ask(m.TransactionMeter(start.evse, 1, reply.number, (reading(begin + 30, wh + energy // 2),), f"{begin}"))
        await self.ask(m.TransactionStop(reply.number, wh + energy, at(begin + 60), "Local"))
        if reply.verdict.accepted:
            self.charged[str(reply.number)] = energy


class Driver:
    """Pays for a place until a session of theirs was paid."""

    def __init__(self, name: str, evse: int, node: Callable[[], Shop], dice: random.Random) -> None:
        self.name, self.evse, self.node, self.dice = name, evse, node, dice
        self.attempts: list[str] = []

    async def run(self) -> None:
        for n in range(CHARGES):
            for k in range(40):
                attempt = f"{self.name}-{n}-{k}"
                self.attempts.append(attempt)
                if await self._try(attempt) == "settled":
                    break
                await trio.sleep(self.dice.random() * 10)
            else:
                raise AssertionError(f"{self.name} never charges")

    async def _try(self, attempt: str) -> str:
        order = pm.OpenAttempt(self.node().quote(self.evse), "https://pay.test/r", "https://pay.test/c", "Charging")
        opened = await self._ask(attempt, order)
        if not isinstance(opened, pm.AttemptOpened) or opened.url is None:
            return "not opened"
        provider = self.node().provider
        checkout = opened.url.rpartition("/")[2]
        provider.pay(checkout, WEAK if self.dice.random() < 0.1 else GOOD)
        while True:
            if self.dice.random() < 0.5:
                await self._ask(attempt, pm.LookAgain())
            if self.dice.random() < 0.3:
                await self._ask(attempt, psp.PspObserved(provider.seen("checkout", checkout)))
            row = await self._ask(attempt, pm.Look())
            if row.state in OVER:
                return str(row.state)
            await trio.sleep(1 + self.dice.random())

    async def _ask(self, attempt: str, message: Any) -> Any:
        while True:
            try:
                return await self.node().ask(self.node().attempt(attempt), message, deadline=4)
            except ActorError:
                await trio.sleep(self.dice.random())


async def _misfortune(shop: Shop, dice: random.Random) -> None:
    while True:
        await trio.sleep(dice.random())
        kind = dice.choice(["payment", "evse", "session"])
        ids = [address.id for address in shop.store.heads if address.kind == kind]
        if ids:
            await shop.system.inspect.restart((TENANT, kind, dice.choice(ids)), timeout=2)


async def _life(shop: Shop, nursery: trio.Nursery, dice: random.Random) -> trio.CancelScope:
    scope = trio.CancelScope()

    async def live(task_status: Any) -> None:
        with scope:
            async with trio.open_nursery() as inner:
                shop.serve()
                await inner.start(shop.system.run)
                inner.start_soon(_misfortune, shop, dice)
                task_status.started()

    await nursery.start(lambda task_status=trio.TASK_STATUS_IGNORED: live(task_status))
    return scope


@pytest.mark.parametrize("seed", seeds(range(1, 5)))
async def test_whatever_dies_each_charge_is_paid_once(seed: int, autojump_clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio_run._r.seed(seed)
    dice = random.Random(seed)
    shop = Shop(seed=seed, limits=DomainLimits())
    monkeypatch.setattr("tests.runtime.kit.clock_now", shop.clock.now)
    shop.store.latency = 0.01
    shop.store.rng = random.Random(seed + 1000)
    nodes = [shop]
    site = Site(lambda: nodes[-1], random.Random(seed * 10))
    drivers = [Driver(f"d{n}", n, lambda: nodes[-1], random.Random(seed * 100 + n)) for n in range(1, EVSES + 1)]
    async with trio.open_nursery() as nursery:
        scope = await _life(shop, nursery, dice)
        await shop.furnish(evses=EVSES)
        await site.connect()
        shop.store.lose_before, shop.store.lose_after, shop.lose = 0.05, 0.05, 0.1
        nursery.start_soon(site.obey, nursery)
        async with trio.open_nursery() as paying:
            killer = trio.CancelScope()

            async def kills() -> None:
                nonlocal scope
                with killer:
                    while True:
                        await trio.sleep(2 + 6 * dice.random())
                        scope.cancel()
                        nodes.append(nodes[-1].after_crash())
                        scope = await _life(nodes[-1], nursery, dice)
                        await site.connect()

            async def pay() -> None:
                async with trio.open_nursery() as all_of_them:
                    for driver in drivers:
                        all_of_them.start_soon(driver.run)
                killer.cancel()

            paying.start_soon(kills)
            paying.start_soon(pay)
        nodes[-1].store.lose_before = nodes[-1].store.lose_after = nodes[-1].lose = 0.0
        await trio.sleep(300)
        nursery.cancel_scope.cancel()
    attempts = [attempt for driver in drivers for attempt in driver.attempts]
    print(f"seed {seed}: {len(nodes)} lives, {len(attempts)} attempts, {len(shop.store.commits)} commits")
    _compare(shop, site, attempts)


def _compare(shop: Shop, site: Site, attempts: list[str]) -> None:
    rows = {row.id: row for row in shop.rows.table(PaymentRow)}
    assert set(rows) <= set(attempts)
    assert {row.state for row in rows.values()} <= set(OVER)
    intents = shop.provider.intents
    assert not any(intent.capturable_minor for intent in intents.values()), "something is still held"
    paid = {row.session: row for row in rows.values() if row.captured_minor}
    assert len(paid) == len([row for row in rows.values() if row.captured_minor]) >= EVSES * CHARGES
    sessions = {row.id: row for row in shop.sessions()}
    for session, row in paid.items():
        assert session is not None
        cost = sessions[session].cost.incl.amount_minor
        assert row.captured_minor == min(cost, 3700)
        assert row.intent is not None
        assert intents[row.intent].received_minor == row.captured_minor
    assert sum(intent.received_minor for intent in intents.values()) == sum(row.captured_minor for row in paid.values())
    journals = [row for row in shop.store.rows if isinstance(row, JournalRow)]
    assert len({journal.id for journal in journals}) == len(journals) == 3 * len(paid), "each fact is in the books once"
    left = {address.kind for address, _ in shop.store.timers} | {address.kind for address, _ in shop.store.letters}
    assert not left & {"payment", "evse"}
    assert not [key for key, row in shop.store.effects.items() if key[0].kind == "payment" and row[1] is None]
