"""Stations that keep their own file of what was acknowledged, a store that loses commits and forgets to say so, actors
that are restarted and a node that is killed. At the end the books are compared with the files. The seed is the test's name.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio._core import _run as trio_run

from actors.limits import DomainLimits
from actors.model.ids import station_address
from actors.model.rows import EvseRow, JournalRow
from actors.station import messages as m
from runtime.errors import ActorError
from tests.actors.kit import TENANT, House, at, event, reading
from tests.kits.examples import seeds

SESSIONS = 6
STATIONS = 4


class Station:
    """One connector that charges again and again, and repeats whatever was not answered."""

    def __init__(self, name: str, node: Callable[[], House], dice: random.Random) -> None:
        self.name = name
        self._node = node
        self._dice = dice
        self.acknowledged: list[tuple[str, int]] = []
        """(transaction, energy) of stops that were answered."""
        self.meters = 0

    async def _ask(self, message: Any) -> Any:
        """As a station does: until there is an answer; now and then once more although there was one."""
        answer: Any = None
        answered = 0
        while not answered or (answered < 3 and self._dice.random() < 0.3):
            try:
                answer = await self._node().ask(station_address(TENANT, self.name), message, deadline=3)
            except ActorError:
                await trio.sleep(self._dice.random())
                continue
            answered += 1
        return answer

    async def run(self) -> None:
        token = self._node().token("GOOD")
        assert (await self._ask(m.Boot("V", "M"))).status == "Accepted"
        register = 1000
        for n in range(SESSIONS):
            begin = n * 100.0
            reply = await self._ask(m.TransactionStart(1, 1, token, register, at(begin)))
            energy = self._dice.randrange(1000, 20_000)
            for k in range(1, 4):
                told = reading(begin + k * 10, register + energy * k // 4)
                meter = m.TransactionMeter(1, 1, reply.number, (told,), f"{n}-{k}")
                assert await self._ask(meter) == m.Done()
                self.meters += 1
            register += energy
            stop = m.TransactionStop(reply.number, register, at(begin + 60), "Local")
            assert isinstance(await self._ask(stop), m.StopReply)
            self.acknowledged.append((str(reply.number), energy))
            await trio.sleep(self._dice.random())


class EventStation(Station):
    """One EVSE that speaks OCPP 2.x, is offline now and then, and does not always keep the order afterwards."""

    async def run(self) -> None:
        token = self._node().token("GOOD")
        assert (await self._ask(m.Boot("V", "M"))).status == "Accepted"
        register = 1000
        for n in range(SESSIONS):
            energy = self._dice.randrange(1000, 20_000)
            told = self._events(f"{self.name}-{n}", n * 100.0, register, energy, token)
            offline = self._dice.randrange(len(told))
            queued = told[offline:]
            if self._dice.random() < 0.5:
                self._dice.shuffle(queued)
            for each in (*told[:offline], *queued):
                reply = await self._ask(each)
                assert isinstance(reply, m.TransactionReply)
                assert (reply.verdict is None) == (each.token is None)
            register += energy
            self.acknowledged.append((f"{self.name}-{n}", energy))
            await trio.sleep(self._dice.random())

    def _events(self, transaction: str, begin: float, register: int, energy: int, token: Any) -> list[m.TransactionEvent]:
        told = [
            event("Started", 0, begin, "CablePluggedIn", transaction_id=transaction, charging_state="EVConnected",
                  evse=self._dice.choice([1, None]), readings=(reading(begin, register),)),
            event("Updated", 1, begin + 1, "Authorized", transaction_id=transaction, token=token, evse=1, connector=1),
            event("Updated", 2, begin + 2, "ChargingStateChanged", transaction_id=transaction, charging_state="Charging"),
        ]  # fmt: skip
        for k in range(3, 6):
            values = (reading(begin + k * 10, register + energy * k // 6),)
            told.append(event("Updated", k, begin + k * 10, transaction_id=transaction, readings=values))
        values = (reading(begin + 60, register + energy),)
        told.append(event("Ended", 6, begin + 60, "StopAuthorized", transaction_id=transaction, readings=values))
        self.meters += 5
        return told


async def _misfortune(house: House, dice: random.Random) -> None:
    """Single actors are restarted while they work."""
    while True:
        await trio.sleep(0.3 * dice.random())
        kind = dice.choice(["station", "evse", "session"])
        ids = [address.id for address in house.store.heads if address.kind == kind]
        if ids:
            await house.system.inspect.restart((TENANT, kind, dice.choice(ids)), timeout=2)


async def _life(house: House, nursery: trio.Nursery, dice: random.Random, *, lucky: bool = False) -> trio.CancelScope:
    """One process: its system and its bad luck, in a scope that can be killed."""
    scope = trio.CancelScope()

    async def live(task_status: Any) -> None:
        with scope:
            async with trio.open_nursery() as inner:
                await inner.start(house.system.run)
                if not lucky:
                    inner.start_soon(_misfortune, house, dice)
                task_status.started()

    await nursery.start(lambda task_status=trio.TASK_STATUS_IGNORED: live(task_status))
    return scope


@pytest.mark.parametrize("seed", seeds(range(1, 7)))
async def test_what_was_acknowledged_is_there_exactly_once(seed: int, autojump_clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio_run._r.seed(seed)
    dice = random.Random(seed)
    names = [f"CP-{n}" for n in range(STATIONS)]
    house = House(seed=seed, limits=DomainLimits())
    house.store.latency = 0.01
    house.store.rng = random.Random(seed + 1000)
    nodes = [house]
    async with trio.open_nursery() as nursery:
        scope = await _life(house, nursery, dice, lucky=True)
        await house.furnish(evses=1)
        for name in names:
            await house.register(name, evses=1)
        house.store.lose_before, house.store.lose_after = 0.05, 0.05
        stations = [
            (EventStation if n % 2 else Station)(name, lambda: nodes[-1], random.Random(seed * 100 + n))
            for n, name in enumerate(names)
        ]
        async with trio.open_nursery() as fleet:
            killer = trio.CancelScope()

            async def kills() -> None:
                nonlocal scope
                with killer:
                    while True:
                        await trio.sleep(0.5 + 1.5 * dice.random())
                        scope.cancel()
                        nodes.append(nodes[-1].after_crash())
                        scope = await _life(nodes[-1], nursery, dice)

            async def charge() -> None:
                async with trio.open_nursery() as charging:
                    for station in stations:
                        charging.start_soon(station.run)
                killer.cancel()

            fleet.start_soon(kills)
            fleet.start_soon(charge)
        house.store.lose_before = house.store.lose_after = 0.0
        await trio.sleep(30)
        nursery.cancel_scope.cancel()
    print(f"seed {seed}: {len(nodes)} lives, {len(house.store.commits)} commits")
    _compare(house, stations)


def _compare(house: House, stations: list[Station]) -> None:
    """File against books: every acknowledged session once, with its energy, one CDR, one journal; every reading once."""
    told = {transaction: energy for station in stations for transaction, energy in station.acknowledged}
    assert len(told) == STATIONS * SESSIONS
    booked = {row.transaction_id: row for row in house.sessions()}
    assert {transaction: row.energy_wh for transaction, row in booked.items()} == told
    assert len({row.number for row in booked.values()}) == len(told), "every session has a number of its own"
    assert {row.phase for row in booked.values()} == {"booked"}
    assert sorted(cdr.session for cdr in house.cdrs()) == sorted(row.id for row in booked.values())
    journals = [row for row in house.store.rows if isinstance(row, JournalRow)]
    assert len(journals) == len(house.journals()) == len(told), "no journal was even written twice"
    bulk = [fact for head in house.store.heads.values() for fact in head.facts if fact.row.bulk]
    assert len(bulk) == sum(station.meters for station in stations)
    assert house.store.letters == {}, "every letter was consumed"
    assert house.store.timers == {}, "no session is open"
    evses = {row.station: row.session for row in house.rows.table(EvseRow)}
    assert evses == {station.name: None for station in stations}, "every EVSE is free again"
