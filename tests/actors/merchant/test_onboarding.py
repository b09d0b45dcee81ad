"""A merchant's account with the payment provider, through the runtime: three ways to it, and the way back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio

from actors.merchant import messages as m
from actors.merchant.rows import merchant_at
from actors.model import psp
from actors.model.decision import Refused
from actors.model.ids import merchant_address
from actors.model.rows import EventRow, MerchantRow, PaymentRow
from actors.station import messages as s
from actors.tenant.messages import Change
from runtime.store import OutboxItem
from tests.actors.kit import T0, TENANT, House

SELLER = m.Seller("Owner GmbH", ("Weg 1", "50667 Köln"), "DE", "DE123")
PUT = m.PutMerchant("op", SELLER, commission_percent="5")
ACCOUNT = psp.AccountSeen("acct_1", country="DE", currency="EUR", due=("external_account",))
READY = psp.AccountSeen("acct_1", True, True, True, "active", "DE", "EUR")
LINK = psp.LinkSeen("https://connect.test/setup/1")
START = m.StartOnboarding("op", "account_link", "https://csms/back", "https://csms/again", "DE")
HASH = "5f" * 16


class Provider:
    """Answers the calls of the outbox from a script by class of call, and keeps them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.calls: list[Any] = []
        self.answers: dict[type, Any] = {psp.OpenAccount: ACCOUNT, psp.LinkAccount: LINK, psp.FetchAccount: READY}
        house.system.outbox.handle(psp.TOPIC, self.handle)

    async def handle(self, item: OutboxItem) -> Any:
        call = msgspec.json.decode(item.effect.body, type=psp.AnyCall)
        if isinstance(call, psp.FetchBalance):  # of an account that is there: see test_reconcile.py
            return psp.PspAnswer(item.effect.id, call, psp.BalanceSeen(()))
        self.calls.append(call)
        return psp.PspAnswer(item.effect.id, call, self.answers[type(call)])


@asynccontextmanager
async def running() -> AsyncIterator[tuple[House, Provider]]:
    house = House()
    provider = Provider(house)
    async with trio.open_nursery() as nursery:
        await nursery.start(house.system.run)
        await house.furnish()
        yield house, provider
        nursery.cancel_scope.cancel()


def to(merchant: str = "m1") -> tuple[str, str, str]:
    return merchant_address(TENANT, merchant)


def row(house: House, merchant: str = "m1") -> MerchantRow:
    found = house.rows.get(MerchantRow, TENANT, merchant)
    assert isinstance(found, MerchantRow)
    return found


def is_open(house: House, merchant: str = "m1") -> bool:
    card = house.env.snapshots.merchant(TENANT, merchant)
    return card is not None and card.open


async def test_a_merchant_is_known_to_all_when_its_terms_are_committed(autojump_clock: Any) -> None:
    async with running() as (house, _):
        assert await house.ask(to(), m.Look()) is None
        told = await house.ask(to(), PUT)
        assert told == row(house)
        assert (told.onboarding, told.account) == ("none", None)
        card = house.env.snapshots.merchant(TENANT, "m1")
        assert card is not None
        assert (card.seller, card.commission_percent, card.open) == (SELLER, "5", False)
        assert await house.ask(to(), m.Look()) == told


async def test_the_brand_takes_cards_without_an_account_of_its_own(autojump_clock: Any) -> None:
    async with running() as (house, _):
        await house.ask(to("brand"), PUT)
        assert is_open(house, "brand")
        refused = await house.ask(to("brand"), msgspec.structs.replace(PUT, account="acct_1"))
        assert (refused.code, refused.field) == ("invalid", "account")
        assert (await house.ask(to("brand"), START)).code == "conflict"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("seller.name", {"seller": m.Seller(" ")}),
        ("commission_percent", {"commission_percent": "101"}),
        ("commission_percent", {"commission_percent": "five"}),
        ("commission_percent", {"commission_percent": "NaN"}),
        ("commission_vat_percent", {"commission_vat_percent": "-1"}),
        ("min_minor", {"min_minor": -1}),
        ("partners.0.percent", {"partners": (m.PartnerShare("host", "0"),)}),
        ("partners.0.partner", {"partners": (m.PartnerShare("m1", "5"),)}),
        ("partners", {"partners": (m.PartnerShare("host", "60"), m.PartnerShare("other", "41"))}),
        ("partners", {"partners": (m.PartnerShare("host", "6"), m.PartnerShare("host", "4"))}),
    ],
)
async def test_terms_that_cannot_be_kept_are_refused_by_their_field(
    autojump_clock: Any, field: str, change: dict[str, Any]
) -> None:
    async with running() as (house, _):
        refused = await house.ask(to(), msgspec.structs.replace(PUT, **change))
        assert isinstance(refused, Refused)
        assert (refused.code, refused.field) == ("invalid", field)
        assert house.rows.get(MerchantRow, TENANT, "m1") is None


@pytest.mark.parametrize("method", ["account_link", "accounts_v2"])
async def test_an_account_is_made_and_its_holder_gets_a_page(autojump_clock: Any, method: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), PUT)
        at = await house.ask(to(), msgspec.structs.replace(START, method=method))
        assert at == m.OnboardingAt(LINK.url, "acct_1")
        opened, linked = provider.calls
        assert (opened.key, opened.method, opened.country, opened.merchant) == ("open:acme:m1:1", method, "DE", "m1")
        assert (linked.key, linked.method, linked.account) == ("link:acme:m1:1", method, "acct_1")
        assert (row(house).onboarding, row(house).account, row(house).due) == ("pending", "acct_1", ["external_account"])
        assert not is_open(house)
        await house.ask(to(), psp.PspObserved(READY))
        assert row(house).onboarding == "done"
        assert is_open(house)


async def test_a_second_page_is_for_the_account_that_is_there(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), PUT)
        await house.ask(to(), START)
        await house.ask(to(), START)
        assert [type(call) for call in provider.calls] == [psp.OpenAccount, psp.LinkAccount, psp.LinkAccount]
        assert [call.key for call in provider.calls[1:]] == ["link:acme:m1:1", "link:acme:m1:2"]


async def test_a_refusal_of_the_provider_is_told_and_leaves_nothing_open(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), PUT)
        provider.answers[psp.OpenAccount] = psp.PspRefused("country_unsupported", "AQ")
        refused = await house.ask(to(), START)
        assert (refused.code, "country_unsupported" in refused.detail) == ("psp_refused", True)
        assert row(house).onboarding == "none"
        provider.answers[psp.OpenAccount] = ACCOUNT
        assert (await house.ask(to(), START)).account == "acct_1"


async def oauth(house: House) -> Any:
    started = await house.ask(to(), m.StartOnboarding("op", "oauth", "https://csms/back", "", state_hash=HASH))
    assert started == m.OnboardingAt(None, None)


async def test_the_holder_of_an_account_lets_us_in(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), PUT)
        await oauth(house)
        assert row(house).onboarding == "started"
        provider.answers[psp.ConnectAccount] = READY
        told = await house.ask(to(), m.FinishOAuth("op", "ac_123", HASH))
        assert isinstance(told, MerchantRow)
        assert (told.account, told.onboarding) == ("acct_1", "done")
        assert provider.calls[-1].code == "ac_123"
        assert is_open(house)
        again = await house.ask(to(), m.FinishOAuth("op", "ac_123", HASH))
        assert again.code == "wrong_state", "a state is good once"


async def test_an_answer_with_another_state_or_too_late_reaches_nobody(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), PUT)
        for given in (HASH, ""):
            assert (await house.ask(to(), m.FinishOAuth("op", "ac_123", given))).code == "wrong_state"
        await oauth(house)
        for given in ("aa" * 16, ""):
            assert (await house.ask(to(), m.FinishOAuth("op", "ac_123", given))).code == "wrong_state"
        house.clock.advance(house.env.limits.oauth_within.total_seconds() + 1)
        assert (await house.ask(to(), m.FinishOAuth("op", "ac_123", HASH))).code == "wrong_state"
        assert provider.calls == []


async def test_an_account_is_nobody_s_twice(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        given = msgspec.structs.replace(PUT, account="acct_1")
        await house.ask(to(), given)
        assert (await house.ask(to("m2"), given)).code == "conflict"
        await house.ask(to("m2"), PUT)
        await house.ask(to("m2"), m.StartOnboarding("op", "oauth", "https://csms/back", "", state_hash=HASH))
        provider.answers[psp.ConnectAccount] = READY
        assert (await house.ask(to("m2"), m.FinishOAuth("op", "ac_1", HASH))).code == "conflict"
        assert row(house, "m2").account is None


async def test_an_account_given_by_hand_is_looked_at(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), msgspec.structs.replace(PUT, account="acct_1"))
        with trio.fail_after(5):
            while not is_open(house):
                await trio.sleep(0.01)
        assert [type(call) for call in provider.calls] == [psp.FetchAccount]
        other = await house.ask(to(), msgspec.structs.replace(PUT, account="acct_2"))
        assert (other.code, other.field) == ("conflict", "account")


async def test_an_account_that_went_away_closes_payment_by_card(autojump_clock: Any) -> None:
    async with running() as (house, _):
        await house.ask(to(), msgspec.structs.replace(PUT, account="acct_1"))
        await house.ask(to(), psp.PspObserved(READY))
        assert is_open(house)
        gone = psp.AccountSeen("acct_1", connected=False)
        await house.ask(to(), psp.PspObserved(gone))
        assert (row(house).onboarding, row(house).account) == ("disconnected", None)
        assert not is_open(house)
        kinds = [event.kind for event in house.rows.events if event.kind.startswith("merchant.")]
        assert kinds[-1] == "merchant.disconnected"
        await house.ask(to(), psp.PspObserved(gone))
        assert len([event for event in house.rows.events if event.kind == "merchant.disconnected"]) == 1


def payment(state: str) -> PaymentRow:
    return PaymentRow(
        tenant=TENANT, id="p1", purpose="session", state=state, currency="EUR", hold_minor=100, created_at=T0, updated_at=T0,
        account="acct_1",
    )  # fmt: skip


async def test_an_account_is_let_go_when_its_last_hold_has_ended(autojump_clock: Any) -> None:
    async with running() as (house, provider):
        await house.ask(to(), msgspec.structs.replace(PUT, account="acct_1"))
        await house.ask(to(), psp.PspObserved(READY))
        house.rows.write(1, [payment("charging")])
        refused = await house.ask(to(), m.Disconnect("op", "sold"))
        assert refused.code == "open_holds"
        assert not is_open(house), "no payment begins there any more"
        house.rows.write(2, [payment("settled")])
        provider.answers[psp.DisconnectAccount] = psp.AccountSeen("acct_1", connected=False)
        told = await house.ask(to(), m.Disconnect("op", "sold"))
        assert (told.onboarding, told.account) == ("disconnected", None)
        assert (await house.ask(to(), m.Disconnect("op", "sold"))).code == "conflict"


async def test_a_station_sells_for_the_merchant_that_it_or_its_tenant_names(autojump_clock: Any) -> None:
    async with running() as (house, _):
        snapshots = house.env.snapshots
        assert merchant_at(snapshots, TENANT, "CP-1") is None
        await house.ask(to("brand"), PUT)
        await house.ask(to("m1"), PUT)
        await house.ask((TENANT, "tenant", TENANT), Change("Acme", "Europe/Berlin", "refuse", "owner", {"merchant": "brand"}))
        named = merchant_at(snapshots, TENANT, "CP-1")
        assert named is not None
        assert named.id == "brand"
        register = s.Register(2, 0, None, False, ("ocpp1.6",), "standard", {}, "owner", merchant="m1")
        await house.station(register)
        named = merchant_at(snapshots, TENANT, "CP-1")
        assert named is not None
        assert named.id == "m1"
        assert merchant_at(snapshots, TENANT, "nowhere") is None


async def test_what_may_be_shown_of_a_merchant_holds_no_state_of_a_flow(autojump_clock: Any) -> None:
    async with running() as (house, _):
        await house.ask(to(), PUT)
        await oauth(house)
        events = [event for event in house.rows.events if isinstance(event, EventRow) or event.kind.startswith("merchant")]
        assert HASH not in repr(events)
        assert HASH not in repr(row(house))
