"""Merchants, our client and the sandbox together: accounts, transfers, payouts, and whether all of it adds up."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import trio

from actors.merchant import messages as m
from actors.model import psp
from actors.model.ids import merchant_address
from actors.model.rows import BalanceLineRow, MerchantRow, PayoutRow, TransferRow
from gateways.payments.accounts import authorize_url
from gateways.payments.desk import TOPIC, PaymentDesk
from tests.actors.kit import T0, TENANT, House
from tests.actors.merchant.kit import PUT, Bank, quick
from tests.gateways.payments.rig import MERCHANT, Rig, rigged
from tests.kits.patience import PATIENCE, until

START = m.StartOnboarding("op", "account_link", "https://csms.example.org/back", "https://csms.example.org/again", "DE")


class Place(Bank):
    """A house whose merchants speak to the sandbox, by the sandbox's clock at the start."""

    def __init__(self, house: House, rig: Rig) -> None:
        self.house, self.rig = house, rig

    async def ask(self, message: Any, merchant: str = "m1") -> Any:
        return await self.house.ask(merchant_address(TENANT, merchant), message, deadline=PATIENCE)

    def row(self) -> MerchantRow:
        row = self.house.rows.get(MerchantRow, TENANT, "m1")
        assert isinstance(row, MerchantRow)
        return row

    async def observe(self, call: psp.AnyCall, merchant: str = "m1") -> Any:
        """What the worker does when a webhook says that something changed."""
        seen = await self.rig.do(call)
        await self.ask(psp.PspObserved(seen), merchant)
        return seen

    async def reconcile(self, seen: Callable[[], Any]) -> None:
        """Until it sees so: one that is under way already, since the account was put, is enough for whoever asks, and knows
        less."""

        def ended() -> int:
            return sum(event["account"] == MERCHANT for event in self.events("reconciled"))

        with trio.fail_after(PATIENCE):
            while True:
                before = ended()
                await self.ask(m.Reconcile("op"))
                await until(lambda before=before: ended() > before)
                if seen():
                    return

    def compared(self) -> dict[str, str]:
        """Kind -> state of the movements on the merchant's account."""
        return {row.kind: row.state for row in self.table(BalanceLineRow) if row.account == MERCHANT}


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    async with rigged() as rig, trio.open_nursery() as nursery:
        house = House(limits=quick())
        house.clock.now()
        house.clock.advance((datetime.now(UTC) - T0).total_seconds())
        house.system.outbox.handle(TOPIC, PaymentDesk(rig.clients, rig.now).deliver)
        await nursery.start(house.system.run)
        await house.furnish()
        found = Place(house, rig)
        await found.ask(PUT, "brand")
        await found.ask(PUT)
        yield found
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("method", ["account_link", "accounts_v2"])
async def test_the_holder_of_a_new_account_fills_in_a_page_and_takes_cards(method: Any) -> None:
    async with place() as p:
        at = await p.ask(msgspec.structs.replace(START, method=method))
        assert isinstance(at, m.OnboardingAt)
        assert p.row().onboarding == "pending"
        outcome = await p.rig.sandbox.driver.onboard(str(at.url))
        assert outcome.url == START.return_url
        await p.observe(psp.FetchAccount(**p.rig.head(at.account)))
        assert (p.row().onboarding, p.row().account, p.row().charges_enabled) == ("done", at.account, True)


async def test_the_holder_of_an_account_lets_us_in_and_goes_again() -> None:
    async with place() as p:
        begun = m.StartOnboarding("op", "oauth", START.return_url, "", state_hash="5f" * 16)
        assert (await p.ask(begun)).url is None
        url = authorize_url(
            p.rig.sandbox.world.config.client_id, "s1", "https://csms.example.org/oauth", base=p.rig.sandbox.url
        )  # fmt: skip
        outcome = await p.rig.sandbox.driver.connect(url)
        (code,) = parse_qs(urlsplit(str(outcome.url)).query)["code"]
        told = await p.ask(m.FinishOAuth("op", code, "5f" * 16))
        assert isinstance(told, MerchantRow)
        assert (told.onboarding, told.charges_enabled) == ("done", True)
        account = told.account
        gone = await p.ask(m.Disconnect("op", "sold"))
        assert (gone.onboarding, gone.account) == ("disconnected", None)
        seen = await p.rig.do(psp.FetchAccount(**p.rig.head(account)))
        assert not seen.connected


async def test_a_code_that_was_used_is_refused_and_nothing_is_connected() -> None:
    async with place() as p:
        await p.ask(m.StartOnboarding("op", "oauth", START.return_url, "", state_hash="5f" * 16))
        refused = await p.ask(m.FinishOAuth("op", "ac_unknown", "5f" * 16))
        assert refused.code == "psp_refused"
        assert p.row().account is None


async def test_transfers_reversals_and_a_payout_that_fails_are_booked_and_add_up() -> None:
    async with place() as p:
        await p.ask(msgspec.structs.replace(PUT, account=MERCHANT))
        await p.ask(m.OwnerCredited("s1", 1172, "EUR", T0))
        await until(lambda: p.transfers() and p.transfers()[0].state == "waiting")
        assert p.transfers()[0].reason == "balance_insufficient", "nothing is on the brand's balance yet"
        await p.rig.funded()
        await p.ask(m.MoveAgain(p.transfers()[0].id))
        await until(lambda: p.transfers()[0].state == "done")
        await p.ask(m.OwnerDebited("r1", "s1", 475, "EUR", T0))
        await until(lambda: p.transfers()[-1].kind == "reversal" and p.transfers()[-1].state == "done")
        assert p.books("brand")["2200/m1"] == 697
        await p.reconcile(lambda: len(p.compared()) == 2 and p.balance(MERCHANT)["difference_minor"] == 0)
        assert p.compared() == {"payment": "matched", "payment_refund": "matched"}

        made = await p.rig.sandbox.driver.control("payouts", account=MERCHANT)
        id = made["payouts"][0]["id"]
        look = psp.FetchPayout(payout=id, **p.rig.head())
        for step, status in (("", "pending"), ("payouts/pay", "paid"), ("payouts/fail", "failed")):
            if step:
                await p.rig.sandbox.driver.control(step, id=id)
            assert (await p.observe(look)).status == status
        (row,) = p.table(PayoutRow)
        assert (row.status, row.amount_minor, len(row.journals)) == ("failed", 697, 3)
        await until(lambda: p.table(PayoutRow)[0].reconciled)
        assert p.table(PayoutRow)[0].lines_minor == 697
        assert p.books("m1") == {"1100/" + MERCHANT: 697, "1250": -697}
        await p.reconcile(lambda: "payout" in p.compared() and p.balance(MERCHANT)["difference_minor"] == 0)
        assert set(p.compared().values()) == {"matched"}


async def test_a_movement_made_past_us_is_found() -> None:
    """Somebody transfers money in the provider's dashboard: our books know nothing of it."""
    async with place() as p:
        await p.ask(msgspec.structs.replace(PUT, account=MERCHANT))
        await p.rig.funded()
        params = {"amount": 321, "currency": "eur", "destination": MERCHANT}
        await p.rig.sandbox.driver.control("dashboard", path="/v1/transfers", params=params)
        await p.reconcile(lambda: p.balance(MERCHANT)["difference_minor"] == 321)
        (row,) = [row for row in p.table(BalanceLineRow) if row.account == MERCHANT]
        assert (row.state, row.net_minor) == ("unmatched", 321)
        await p.ask(m.ResolveItem("op", row.id, "1250", "a present"))
        assert p.books("m1") == {"1100/" + MERCHANT: 321, "1250": -321}
        assert p.table(TransferRow) == []
