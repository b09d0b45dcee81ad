"""Stations whose drivers share a wallet, with top-ups in between, on a store that loses commits, under restarts and kills. At the
end the wallet is compared with the books: every cent is in one place, every hold has ended once. The seed is the test's name.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio._core import _run as trio_run

from actors.limits import DomainLimits
from actors.model.ids import session_address, wallet_address
from actors.model.rows import HoldRow, JournalRow, SessionRow, WalletRow
from actors.session.messages import Resolve
from actors.station import messages as m
from actors.wallet import messages as w
from runtime.errors import ActorError
from tests.actors.kit import TENANT, House, at, event, reading
from tests.actors.test_simulation import Station, _life
from tests.actors.wallet.till import Pay, till
from tests.kits.examples import seeds

SESSIONS = 5
STATIONS = 4
TOPUPS = 12


class Driver(Station):
    """Authorises, charges and repeats whatever was not answered; the token's wallet pays."""

    async def run(self) -> None:
        token = self._node().token("WALLET")
        await self._ask(m.Boot("V", "M"))
        register = 1000
        for n in range(SESSIONS):
            begin, energy = n * 100.0, self._dice.randrange(500, 9000)
            if self._dice.random() < 0.7:
                await self._ask(m.Authorize(token))
            if self._dice.random() < 0.5:
                transaction = f"{self.name}-{n}"
                started = event("Started", 0, begin, "Authorized", transaction_id=transaction, token=token, evse=1, connector=1,
                                readings=(reading(begin, register),))  # fmt: skip
                await self._ask(started)
                ended = event("Ended", 1, begin + 60, "StopAuthorized", transaction_id=transaction, stopped_reason="Local",
                              readings=(reading(begin + 60, register + energy),))  # fmt: skip
                await self._ask(ended)
            else:
                reply = await self._ask(m.TransactionStart(1, 1, token, register, at(begin)))
                transaction = str(reply.number)
                await self._ask(m.TransactionStop(reply.number, register + energy, at(begin + 60), "Local"))
            self.acknowledged.append((transaction, energy))
            register += energy
            await trio.sleep(self._dice.random())


@pytest.mark.parametrize("seed", seeds(range(1, 6)))
async def test_every_cent_of_a_wallet_is_in_one_place(seed: int, autojump_clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio_run._r.seed(seed)
    dice = random.Random(seed)
    soon = timedelta(minutes=1)
    house = House(seed=seed, limits=DomainLimits(hold_for=soon, hold_bound=soon * 2))
    till(house.system)
    house.store.latency = 0.01
    house.store.rng = random.Random(seed + 1000)
    nodes = [house]
    names = [f"CP-{n}" for n in range(STATIONS)]
    paid = 0
    async with trio.open_nursery() as nursery:
        scope = await _life(house, nursery, dice, lucky=True)
        await house.furnish(evses=1)
        for name in names:
            await house.register(name, evses=1)
        await house.ask(wallet_address(TENANT, "w1"), w.OpenWallet("op"))
        await house.put_token("WALLET", payment="wallet:w1")
        house.store.lose_before = house.store.lose_after = 0.05
        drivers = [Driver(name, lambda: nodes[-1], random.Random(seed * 100 + n)) for n, name in enumerate(names)]
        async with trio.open_nursery() as fleet:
            killer = trio.CancelScope()

            async def kills() -> None:
                nonlocal scope
                with killer:
                    while True:
                        await trio.sleep(0.5 + 1.5 * dice.random())
                        scope.cancel()
                        node = nodes[-1].after_crash()
                        till(node.system)
                        nodes.append(node)
                        scope = await _life(node, nursery, dice)

            async def top_up() -> None:
                nonlocal paid
                for n in range(TOPUPS):
                    amount = dice.randrange(50, 500) + (0 if n else 2000)  # some sessions find enough for a hold, others do not
                    while True:
                        try:
                            await nodes[-1].ask((TENANT, "till", f"p{n}"), Pay(amount), deadline=3)
                            break
                        except ActorError:
                            await trio.sleep(0.2)
                    paid += amount
                    await trio.sleep(dice.random())

            async def charge() -> None:
                async with trio.open_nursery() as charging:
                    charging.start_soon(top_up)
                    for driver in drivers:
                        charging.start_soon(driver.run)
                killer.cancel()

            fleet.start_soon(kills)
            fleet.start_soon(charge)
        house.store.lose_before = house.store.lose_after = 0.0
        await trio.sleep(30)
        for row in list(house.rows.table(SessionRow)):
            if row.state == "quarantined":
                await nodes[-1].ask(session_address(TENANT, row.id), Resolve("waive", "test", "op"))
        await trio.sleep(130)
        nursery.cancel_scope.cancel()
    print(f"seed {seed}: {len(nodes)} lives, {len(house.store.commits)} commits, {paid} paid in")
    _compare(house, drivers, paid)


def _compare(house: House, drivers: list[Driver], paid: int) -> None:
    told = {transaction: energy for driver in drivers for transaction, energy in driver.acknowledged}
    rows = {row.transaction_id: row for row in house.rows.table(SessionRow)}
    assert {transaction: row.energy_wh for transaction, row in rows.items()} == told
    assert {row.phase for row in rows.values()} == {"booked"}
    cost = sum(row.cost.incl.amount_minor for row in rows.values())
    sums: dict[str, int] = {}
    for journal in house.rows.table(JournalRow):
        for entry in journal.entries:
            name = entry.account.split("/")[0]
            sums[name] = sums.get(name, 0) + (entry.amount_minor if entry.side == "credit" else -entry.amount_minor)
    (wallet,) = house.rows.table(WalletRow)
    assert sums["4000"] + sums["2300"] == cost
    assert sums["2100"] == wallet.balance_minor >= 0
    assert -sums.get("1220", 0) == wallet.owed_minor
    assert wallet.balance_minor - wallet.owed_minor == paid - cost
    assert wallet.held_minor == 0
    assert wallet.owed_minor == 0 or wallet.balance_minor == 0, "what can be collected is collected"
    holds = list(house.rows.table(HoldRow))
    assert holds
    assert {hold.outcome for hold in holds} <= {"posted", "void", "expired"}
    posted = {hold.journal for hold in holds if hold.outcome == "posted"}
    assert len(posted) == sum(hold.outcome == "posted" for hold in holds), "a journal takes from one hold"
    assert house.store.letters == {}, "every letter was consumed"
