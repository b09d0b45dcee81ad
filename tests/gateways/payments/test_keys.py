"""Whose key a wish goes out with, and what becomes of it without one: the desk, its doors, and the endpoints of brands."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio
from msgspec.structs import replace

from actors.model import psp
from actors.model.platforms import Platforms
from gateways.payments.client import Clients, PaymentsOff, StripeKeys
from gateways.payments.desk import PaymentDesk
from gateways.payments.doors import Doors, share
from gateways.payments.errors import Away, KeyRefused
from gateways.payments.limits import DESK_OF_ACCOUNT, DESK_PLACES, SLOW_AT_ONCE
from gateways.payments.sandbox import Config, Rule, Sandbox, open_sandbox
from gateways.payments.standing import WRONG_ACCOUNT, WRONG_KEY, Standing
from gateways.payments.watch import PlatformWatch
from gateways.payments.webhooks import WebhookReceiver
from runtime.address import Address
from runtime.errors import ActorStopped
from runtime.store import OutboxItem
from runtime.turn import EffectRow
from storage.memory_inbox import MemoryPspInbox
from tests.gateways.payments.signing import event, signed
from tests.kits.patience import until

A, B, OLD = "acct_1PlatformA", "acct_1PlatformB", "acct_1PlatformOld"
OWNER = "acct_1OwnerOfBoth"
PLATFORMS = Platforms(
    own={"acme": A, "beta": B}, former={"acme": (OLD,)}, shared=False, keyed=frozenset((A, B))
)  # fmt: skip


def keys_of(tenant: str, account: str, base: str | None, key: str | None) -> StripeKeys:
    setting = f"stripe.brands.{tenant}" + (".former.old" if account == OLD else "")
    return StripeKeys(account=account, tenant=tenant, setting=setting, secret_key=key, base=base)


class Pair:
    def __init__(self, sandbox: Sandbox, clients: Clients) -> None:
        self.sandbox, self.clients = sandbox, clients
        self.desk = PaymentDesk(clients)

    def asked(self, account: str) -> int:
        return len(self.sandbox.platforms[account].api.calls)


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Two brands' accounts, to which the same owner is connected, and one that acme had before, of which the key is missing."""
    first = Config(platform=A, secret_key="rk_test_a", client_id="ca_a", merchants=(OWNER,))
    second = Config(platform=B, secret_key="rk_test_b", client_id="ca_b", merchants=(OWNER,))
    async with open_sandbox(replace(first, others=(second,))) as sandbox:
        brands = (
            keys_of("acme", A, sandbox.url, "rk_test_a"), keys_of("beta", B, sandbox.url, "rk_test_b"),
            keys_of("acme", OLD, sandbox.url, None),
        )  # fmt: skip
        clients = Clients(StripeKeys(base=sandbox.url), brands, PLATFORMS)
        try:
            yield Pair(sandbox, clients)
        finally:
            await clients.close()


def wish(tenant: str, platform: str, n: int = 1, account: str | None = OWNER) -> OutboxItem:
    call = psp.OpenCheckout(
        key=f"k{n}", made_at=datetime.now(UTC), account=account, platform=platform, tenant=tenant, attempt=f"p{n}",
        amount_minor=5000, currency="EUR", title="Charging", success_url="https://pay.example.org/ok",
        cancel_url="https://pay.example.org/back", expires_at=datetime.now(UTC),
    )  # fmt: skip
    return item(tenant, call, f"e{n}")


def item(tenant: str, call: psp.AnyCall, effect: str = "e1") -> OutboxItem:
    row = EffectRow(effect, "redeliver", psp.TOPIC, msgspec.json.encode(call).decode(), None)
    return OutboxItem(Address(tenant, "payment", "p1"), row, 1)


async def test_a_wish_goes_out_with_the_key_of_the_tenant_whose_it_is() -> None:
    async with pair() as both:
        for tenant, platform, other in (("acme", A, B), ("beta", B, A)):
            before = both.asked(other)
            answer = await both.desk.deliver(wish(tenant, platform))
            assert isinstance(answer.seen, psp.CheckoutSeen)
            sessions = both.sandbox.platforms[platform].world.objects
            assert answer.seen.checkout in sessions
            assert both.asked(other) == before


@pytest.mark.parametrize("platform", [B, "acct_1Nobodys", ""])
async def test_what_a_wish_says_of_the_account_opens_no_other_tenants(platform: str) -> None:
    """Also a wish that names the account of the installation, which has no key here."""
    async with pair() as both:
        answer = await both.desk.deliver(wish("acme", platform))
        assert isinstance(answer.seen, psp.PspRefused)
        assert answer.seen.code == "payments_off"
        head: dict[str, Any] = {"key": "k", "made_at": datetime.now(UTC), "account": OWNER, "platform": platform}
        with pytest.raises(PaymentsOff):
            await both.desk.deliver(item("acme", psp.CaptureIntent(intent="pi_1", amount_minor=1, currency="EUR", **head)))
        assert (both.asked(A), both.asked(B)) == (0, 0)


async def test_what_is_owed_on_an_account_without_a_key_waits_and_the_setting_is_named() -> None:
    async with pair() as both:
        head: dict[str, Any] = {"key": "k", "made_at": datetime.now(UTC), "account": OWNER, "platform": OLD}
        capture = psp.CaptureIntent(intent="pi_1", amount_minor=1, currency="EUR", **head)
        with pytest.raises(PaymentsOff, match="CSMS_STRIPE__BRANDS__ACME__FORMER__OLD__SECRET_KEY"):
            await both.desk.deliver(item("acme", capture))


async def test_a_key_that_is_refused_is_known_of_its_own_account_alone_until_one_is_taken() -> None:
    async with pair() as both:
        both.sandbox.platforms[A].world.secret_key = "rk_test_new"
        answer = await both.desk.deliver(wish("acme", A))
        assert isinstance(answer.seen, psp.PspRefused), "a driver does not wait for a key"
        refund = psp.FetchRefund(key="k", made_at=datetime.now(UTC), platform=A, refund="re_1")
        with pytest.raises(KeyRefused):
            await both.desk.deliver(item("acme", refund))
        assert dict(both.clients.standing.troubles()) == {A: WRONG_KEY}
        assert isinstance((await both.desk.deliver(wish("beta", B))).seen, psp.CheckoutSeen)
        both.sandbox.platforms[A].world.secret_key = "rk_test_a"
        assert isinstance((await both.desk.deliver(wish("acme", A))).seen, psp.CheckoutSeen)
        assert not both.clients.standing.troubles()


async def test_a_saved_card_that_may_have_been_charged_before_the_key_was_refused_waits_for_a_good_one() -> None:
    async with pair() as both:
        both.sandbox.platforms[A].world.secret_key = "rk_test_new"
        charge = psp.ChargeSaved(
            key="k", made_at=datetime.now(UTC), platform=A, tenant="acme", attempt="p1", amount_minor=5000, currency="EUR",
            customer="cus_1", payment_method="pm_1", mandate="2026-01",
        )  # fmt: skip
        first = await both.desk.deliver(item("acme", charge))
        assert isinstance(first.seen, psp.PspRefused), "nothing was sent before"
        with pytest.raises(KeyRefused):
            await both.desk.deliver(replace(item("acme", charge), attempt=2))


def test_the_key_of_another_account_is_trouble_until_the_right_one_is_there() -> None:
    told: list[str] = []
    standing = Standing(told.append)
    standing.belongs(A, B)
    standing.answered(A, 200)
    assert standing.trouble(A) == WRONG_ACCOUNT, "that it is taken makes it no better"
    standing.belongs(A, A)
    standing.belongs(A, None)
    assert (standing.trouble(A), told) == (None, [A, A])


async def test_nothing_is_sent_with_a_key_that_is_known_to_be_another_accounts() -> None:
    """As when the keys of two brands were entered the wrong way round: what is owed waits for the right one."""
    async with pair() as both:
        both.clients.standing.belongs(A, B)
        answer = await both.desk.deliver(wish("acme", A))
        assert isinstance(answer.seen, psp.PspRefused)
        assert answer.seen.code == "payments_off"
        head: dict[str, Any] = {"key": "k", "made_at": datetime.now(UTC), "account": OWNER, "platform": A}
        with pytest.raises(PaymentsOff, match="CSMS_STRIPE__BRANDS__ACME__SECRET_KEY"):
            await both.desk.deliver(item("acme", psp.CaptureIntent(intent="pi_1", amount_minor=1, currency="EUR", **head)))
        with pytest.raises(PaymentsOff):
            both.clients.platform(A)
        assert (both.asked(A), both.asked(B)) == (0, 0)
        found = await both.clients.asking(A).v1.accounts.retrieve_current_async()
        both.clients.standing.belongs(A, found.id)
        assert isinstance((await both.desk.deliver(wish("acme", A))).seen, psp.CheckoutSeen)


class Tellable:
    """A system in which the brand `broken` cannot be told anything."""

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.told: list[tuple[str, str | None]] = []

    async def ask(self, to: Address, message: Any, **how: Any) -> None:
        if to.tenant == self.broken:
            raise ActorStopped(to, "stopped by an operator")
        self.told.append((to.tenant, message.trouble))


class NothingOpen:
    async def open_by_platform(self) -> list[Any]:
        return []


async def test_a_brand_that_cannot_be_told_of_its_key_keeps_nobody_else_from_hearing_of_theirs() -> None:
    async with pair() as both:
        both.sandbox.platforms[B].world.secret_key = "rk_test_new"
        system: Any = Tellable("acme")
        lookups: Any = NothingOpen()
        await PlatformWatch(both.clients, system, lookups, lambda tenant: True).once()
        assert ("beta", WRONG_KEY) in system.told


async def test_a_platform_account_that_hangs_leaves_places_for_the_others_whatever_accounts_it_is_asked_for() -> None:
    async with pair() as both, trio.open_nursery() as nursery:
        both.sandbox.platforms[A].faults.add([Rule(call="*", what="hang_before", times=None)])

        async def hang(n: int) -> None:
            with suppress(Away):
                await both.desk.deliver(wish("acme", A, n, f"acct_1Owner{n % 4}"))

        for n in range(DESK_PLACES):
            nursery.start_soon(hang, n)
        await until(lambda: both.desk.stats().get("turned_away", 0) == DESK_PLACES - share(DESK_PLACES, 2))
        assert share(DESK_PLACES, 2) < DESK_PLACES / 2
        assert isinstance((await both.desk.deliver(wish("beta", B, 1000))).seen, psp.CheckoutSeen)
        nursery.cancel_scope.cancel()


def test_shares_leave_room_even_if_all_accounts_but_one_are_down() -> None:
    assert share(DESK_PLACES, 1) == DESK_PLACES
    for platforms in range(2, DESK_PLACES // SLOW_AT_ONCE):
        assert (platforms - 1) * share(DESK_PLACES, platforms) < DESK_PLACES


def test_the_doors_of_two_platform_accounts_are_apart_also_for_the_same_connected_account() -> None:
    doors = Doors(DESK_OF_ACCOUNT, lambda: 0.0, of_platform=lambda: 3)
    with ExitStack() as inside:
        for n in range(3):
            inside.enter_context(doors.through(f"acct_{n}", A))
        with pytest.raises(Away, match=A), doors.through("acct_9", A):
            pass
        inside.enter_context(doors.through("acct_1", B))
    with doors.through("acct_9", A):
        pass


# -- the endpoints


NOW = 1_780_000_000


def received(*others: StripeKeys) -> tuple[WebhookReceiver, MemoryPspInbox]:
    inbox = MemoryPspInbox()
    first = StripeKeys(webhook_secret="whsec_i", connect_webhook_secret="whsec_ic")
    return WebhookReceiver(inbox, first, clock=lambda: float(NOW), others=others), inbox


def brand(tenant: str, account: str, secrets: str, **more: Any) -> StripeKeys:
    return StripeKeys(account=account, tenant=tenant, connect_webhook_secret=secrets, **more)


async def test_while_a_secret_is_replaced_both_open_and_afterwards_only_the_new_one() -> None:
    body = event()
    for secrets, good in (("whsec_old", {"old"}), ("whsec_new, whsec_old", {"old", "new"}), ("whsec_new", {"new"})):
        receiver, _ = received(brand("acme", A, secrets))
        signatures = {name: signed(body, f"whsec_{name}", NOW) for name in ("old", "new")}
        answers = {name: await receiver.take("connect", body, header, "acme") for name, header in signatures.items()}
        taken = {name for name, status in answers.items() if status == 200}
        assert taken == good


async def test_the_secret_that_opens_says_of_which_account_of_the_brand_the_event_is() -> None:
    receiver, inbox = received(brand("acme", A, "whsec_a"), brand("acme", OLD, "whsec_o"), brand("beta", B, "whsec_b"))
    for id, secret in (("evt_1", "whsec_a"), ("evt_2", "whsec_o")):
        body = event(event_id=id)
        assert await receiver.take("connect", body, signed(body, secret, NOW), "acme") == 200
    body = event(event_id="evt_3")
    for secret in ("whsec_b", "whsec_ic"):
        assert await receiver.take("connect", body, signed(body, secret, NOW), "acme") == 400
    assert await receiver.take("connect", body, signed(body, "whsec_a", NOW)) == 400, "nor does a brand's open the installation's"
    kept = {line.event.id: line.event.platform for line in await inbox.listed("waiting", 10)}
    assert kept == {"evt_1": A, "evt_2": OLD}
    assert await receiver.take("connect", body, signed(body, "whsec_a", NOW), "gamma") == 404


async def test_each_account_has_its_own_mode() -> None:
    receiver, inbox = received(brand("acme", A, "whsec_a", live=True), brand("beta", B, "whsec_b"))
    for tenant, secret in (("acme", "whsec_a"), ("beta", "whsec_b")):
        body = event(live=True)
        assert await receiver.take("connect", body, signed(body, secret, NOW), tenant) == 200
    assert [line.event.platform for line in await inbox.listed("waiting", 10)] == [A]
    assert receiver.stats()["wrong_mode"] == 1
