"""A wallet and the payments that fill it, empty it and go wrong, through the real runtime and a provider in memory."""

from typing import Any

import pytest
import trio

from actors.model import psp
from actors.model.ids import payment_address, wallet_address
from actors.model.rows import EventRow, JournalRow, WalletRow
from actors.payment import messages as pm
from actors.station import messages as m
from actors.wallet import messages as w
from tests.actors.kit import T0, TENANT
from tests.actors.payment.test_through_runtime import Shop

ADDRESS = wallet_address(TENANT, "w1")


class Counter(Shop):
    async def top_up(self, amount: int = 5000, id: str = "t1") -> None:
        order = pm.TopUp("w1", amount, "EUR", save_card=True, mandate="v1")
        opening = pm.OpenAttempt(order, "https://a.test/r", "https://a.test/c", "Wallet")
        opened = await self.ask(payment_address(TENANT, id), opening)
        checkout = str(opened.url).rpartition("/")[2]
        self.provider.changed.clear()  # of earlier top-ups
        self.provider.pay(checkout)
        await self.webhooks({checkout: id})
        await trio.sleep(2)

    async def wallet(self) -> WalletRow:
        row: WalletRow = await self.ask(ADDRESS, w.Look())
        return row

    def balance(self) -> int:
        """Of account 2100/w1: what is owed to the driver."""
        entries = [entry for journal in self.rows.table(JournalRow) for entry in journal.entries]
        mine = [entry for entry in entries if entry.account == "2100/w1"]
        return sum(entry.amount_minor if entry.side == "credit" else -entry.amount_minor for entry in mine)


@pytest.fixture
async def counter(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr("tests.runtime.kit.clock_now", counter.clock.now)
    counter.serve()
    await nursery.start(counter.system.run)
    await counter.furnish()
    await counter.ask(ADDRESS, w.OpenWallet("op"))
    await counter.put_token("WALLET", payment="wallet:w1")
    return counter


async def test_a_card_fills_a_wallet_a_session_uses_it_and_the_mandate_fills_it_again(
    autojump_clock: Any, counter: Counter
) -> None:
    await counter.top_up(2000)
    row = await counter.wallet()
    assert (row.balance_minor, row.has_card) == (2000, True)
    await counter.ask(ADDRESS, w.ChangeWallet("op", auto=w.AutoTopUp(1500, 3000, "v1", T0)))
    start = await counter.start("WALLET")
    await counter.stop(start.number)
    await trio.sleep(5)
    row = await counter.wallet()
    assert row.balance_minor == 2000 - 595 + 3000 == counter.balance()
    assert [type(call).__name__ for call, _ in counter.provider.by_key.values()].count("ChargeSaved") == 1


async def test_a_saved_card_that_wants_its_holder_is_charged_once_and_the_driver_is_told(
    autojump_clock: Any, counter: Counter
) -> None:
    await counter.top_up(1000)
    counter.provider.off_session = "refused"
    await counter.ask(ADDRESS, w.ChangeWallet("op", auto=w.AutoTopUp(1500, 3000, "v1", T0)))
    await trio.sleep(5)
    row = await counter.wallet()
    assert row.auto is not None
    assert row.auto["paused"] == "authentication_required"
    for _ in range(3):
        await counter.station(m.Authorize(counter.token("WALLET")))
    await trio.sleep(5)
    assert sum(isinstance(call, psp.ChargeSaved) for call, _ in counter.provider.by_key.values()) == 1
    assert any(isinstance(row, EventRow) and row.kind == "wallet.topup_failed" for row in counter.store.rows)


async def test_a_wallet_that_closes_gives_the_money_back_to_its_cards(autojump_clock: Any, counter: Counter) -> None:
    await counter.top_up(2000, "t1")
    await counter.top_up(1000, "t2")
    start = await counter.start("WALLET")
    await counter.stop(start.number)
    await trio.sleep(3)
    row = await counter.ask(ADDRESS, w.CloseWallet("op", "moved"))
    assert row.state == "closing"
    await trio.sleep(10)
    row = await counter.wallet()
    assert (row.state, row.balance_minor, counter.balance()) == ("closed", 0, 0)
    assert [intent.refunded_minor for intent in counter.provider.intents.values()] == [2000 - 595, 1000]
