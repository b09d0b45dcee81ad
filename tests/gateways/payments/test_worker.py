"""From the inbox to the actor concerned: fetched anew, in any order, however often, and nobody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.merchant.messages import BRAND
from actors.model import psp
from actors.model.decision import Decision
from actors.model.ids import MERCHANT as MERCHANT_KIND
from actors.model.ids import PAYMENT
from actors.model.rows import MerchantRow
from actors.payment.messages import LookAgain
from actors.ports import PspEvent
from actors.station.messages import Done
from gateways.payments.events import parse
from gateways.payments.limits import WORKER_AT_ONCE, WORKER_ATTEMPTS
from gateways.payments.sweep import Sweep
from gateways.payments.worker import InboxWorker
from runtime.actor import Actor, Context
from runtime.store import StoreAway
from runtime.system import System
from storage.memory import MemoryStore
from storage.memory_inbox import MemoryPspInbox
from storage.memory_queries import MemoryLookups, MemoryQueries
from storage.memory_rows import MemoryRows
from tests.gateways.payments.rig import MERCHANT, OTHER, Rig, rigged
from tests.gateways.payments.signing import event
from tests.kits.patience import until
from tests.storage.shown import payment, tenant


class Nothing(msgspec.Struct, frozen=True):
    pass


class World:
    """A runtime whose payments and merchants only write down what they are told."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.rows = MemoryRows()
        self.begun = datetime.now(UTC)
        self.ahead = timedelta()
        self.inbox = MemoryPspInbox(self.now)
        self.told: list[tuple[str, str, str, Any]] = []
        self.crash = False
        self.system = System(MemoryStore(self.rows))
        for kind in (PAYMENT, MERCHANT_KIND):
            self.system.register(kind, lambda context: Recorder(context, self))
        lookups, queries = MemoryLookups(self.rows), MemoryQueries(self.rows)
        self.worker = InboxWorker(self.inbox, rig.clients, self.system, lookups, queries, now=self.now)
        self.sweep = Sweep(self.inbox, rig.clients, self.system, lookups, self.worker.nudge, self.now)

    def now(self) -> datetime:
        """Moves by `ahead` alone: what is not due stays so, however long a round takes."""
        return self.begun + self.ahead

    def row(self, id: str, **fields: Any) -> None:
        self.rows.write(1, [payment(id, **fields)])

    async def comes(self, type: str, account: str | None = MERCHANT, n: int = 1, **object: Any) -> None:
        endpoint = "account" if account is None else "connect"
        await self.inbox.put(parse(event(type, account, event_id=f"evt_{type}_{n}", **object), endpoint))

    async def work(self) -> list[tuple[str, str, str, Any]]:
        self.told.clear()
        await self.worker.round()
        return self.told


class Recorder(Actor[Nothing]):
    kind = PAYMENT
    state_type = fact_type = durable_type = Nothing

    def __init__(self, context: Context, world: World) -> None:
        super().__init__(context)
        self._world = world

    def initial(self) -> Nothing:
        return Nothing()

    def decide(self, state: Nothing, message: Any, now: datetime) -> Decision:
        here = self.context.address
        if self._world.crash:
            raise RuntimeError("a bug")
        self._world.told.append(
            (here.tenant, here.kind, here.id, message.seen if isinstance(message, psp.PspObserved) else message)
        )
        return Decision(reply=Done())


@asynccontextmanager
async def working() -> AsyncIterator[World]:
    async with rigged() as rig, trio.open_nursery() as nursery:
        world = World(rig)
        await nursery.start(world.system.run)
        yield world
        nursery.cancel_scope.cancel()


async def test_many_events_of_one_hold_are_one_question_and_the_attempt_hears_what_is_true_now() -> None:
    async with working() as world:
        intent = await world.rig.held()
        await world.rig.do(world.rig.capture(intent))
        world.row("p1", intent=intent, account=MERCHANT)
        asked = len(world.rig.sandbox.api.calls)
        for n, type in enumerate(
            ("payment_intent.amount_capturable_updated", "payment_intent.succeeded", "payment_intent.created")
        ):
            await world.comes(type, n=n, id=intent)
        ((tenant, kind, id, seen),) = await world.work()
        assert (tenant, kind, id) == ("acme", PAYMENT, "p1")
        assert (seen.status, seen.received_minor, seen.account) == ("succeeded", 1234, MERCHANT)
        assert len(world.rig.sandbox.api.calls) == asked + 1
        assert await world.inbox.counts() == {"waiting": 0, "parked": 0}
        assert await world.work() == []


async def test_an_event_that_comes_before_our_row_knows_the_intent_finds_the_attempt_by_its_marks() -> None:
    async with working() as world:
        opened = await world.rig.do(world.rig.open())
        await world.rig.sandbox.driver.pay(opened.url, "frictionless")
        world.row("p1", account=MERCHANT, checkout=opened.checkout)
        (intent,) = [obj["id"] for obj in world.rig.sandbox.world.newest(MERCHANT, "payment_intent")]
        await world.comes("payment_intent.amount_capturable_updated", id=intent, metadata={"tenant": "acme", "attempt": "p1"})
        await world.comes("charge.succeeded", n=2, id="ch_1", payment_intent=intent)
        assert [(id, seen.intent.intent) for _, _, id, seen in await world.work()] == [("p1", intent)]


async def test_news_of_an_attempt_s_page_and_of_its_intent_are_one_question_as_our_row_knows_them() -> None:
    async with working() as world:
        opened = await world.rig.do(world.rig.open())
        await world.rig.sandbox.driver.pay(opened.url, "frictionless")
        (intent,) = [obj["id"] for obj in world.rig.sandbox.world.newest(MERCHANT, "payment_intent")]
        marks = {"tenant": "acme", "attempt": "p1"}
        for n, fields in enumerate(({"state": "checkout_open"}, {"state": "authorised", "intent": intent})):
            world.row("p1", account=MERCHANT, checkout=opened.checkout, **fields)
            asked = len(world.rig.sandbox.api.calls)
            await world.comes("checkout.session.completed", n=n, id=opened.checkout, metadata=marks)
            await world.comes("payment_intent.amount_capturable_updated", n=n, id=intent, metadata=marks)
            await world.comes("payment_intent.created", n=n, id="pi_forged", metadata=marks)
            ((*_, id, seen),) = await world.work()
            assert id == "p1"
            assert (seen.intent.intent if isinstance(seen, psp.CheckoutSeen) else seen.intent) == intent
            assert len(world.rig.sandbox.api.calls) == asked + 1
            assert (await world.inbox.counts())["waiting"] == 0


@pytest.mark.parametrize("kind", ["payment_intent", "checkout.session"])
async def test_marks_that_a_merchant_writes_into_objects_of_its_own_account_reach_no_attempt_on_it(kind: str) -> None:
    """Its own attempt, its own account, and yet not the page that we asked for: the hold of the driver would be forgotten."""
    async with working() as world:
        page = await world.rig.do(world.rig.open())
        forged = await world.rig.do(world.rig.open(attempt="other"))
        await world.rig.sandbox.driver.pay(forged.url, "frictionless")
        world.row("p1", account=MERCHANT, checkout=page.checkout)
        (intent,) = [obj["id"] for obj in world.rig.sandbox.world.newest(MERCHANT, "payment_intent")]
        id = intent if kind == "payment_intent" else forged.checkout
        await world.comes(f"{kind}.succeeded", id=id, metadata={"tenant": "acme", "attempt": "p1"})
        assert await world.work() == []
        assert world.worker.stats()["foreign"] == 1


async def test_news_of_an_attempt_whose_page_is_not_known_yet_wait_for_it() -> None:
    async with working() as world:
        page = await world.rig.do(world.rig.open())
        world.row("p1", account=MERCHANT, state="quoted")
        await world.comes("checkout.session.completed", id=page.checkout, metadata={"tenant": "acme", "attempt": "p1"})
        assert await world.work() == []
        world.row("p1", account=MERCHANT, state="checkout_open", checkout=page.checkout)
        world.ahead += timedelta(seconds=3)
        assert [id for _, _, id, _ in await world.work()] == ["p1"]


@pytest.mark.parametrize("fields", [{"account": OTHER}, {"account": None}, {"account": MERCHANT, "intent": "pi_other"}])
async def test_marks_that_somebody_forged_on_an_account_of_theirs_reach_nobody(fields: dict[str, Any]) -> None:
    async with working() as world:
        intent = await world.rig.held()
        world.row("victim", **fields)
        marks = {"tenant": "acme", "attempt": "victim"}
        await world.comes("payment_intent.succeeded", id=intent, metadata=marks)
        assert await world.work() == []
        await world.comes("payment_intent.succeeded", n=2, id=intent, metadata={"tenant": "acme", "attempt": "nobody"})
        assert await world.work() == []
        assert world.worker.stats()["foreign"] == 2
        assert (await world.inbox.counts())["waiting"] == 0


async def test_an_object_that_is_not_on_the_account_of_its_event_is_nobody_s() -> None:
    async with working() as world:
        intent = await world.rig.held()
        world.row("p1", intent=intent, account=MERCHANT)
        await world.comes("payment_intent.succeeded", OTHER, id=intent)
        await world.comes("payment_intent.succeeded", "acct_unknown", n=2, id=intent)
        assert await world.work() == []


async def test_checkouts_refunds_disputes_and_fees_reach_the_attempt() -> None:
    async with working() as world:
        rig = world.rig
        opened = await rig.do(rig.open())
        await rig.sandbox.driver.pay(opened.url, "frictionless")
        intent = (await rig.do(psp.FetchCheckout(checkout=opened.checkout, **rig.head()))).intent.intent
        world.row("p1", checkout=opened.checkout, intent=intent, account=MERCHANT)
        await world.comes("checkout.session.completed", id=opened.checkout)
        ((*_, seen),) = await world.work()
        assert (seen.checkout, seen.status, seen.intent.status) == (opened.checkout, "complete", "requires_capture")

        taken = await rig.do(rig.capture(intent))
        refund = await rig.do(rig.refund(intent))
        await world.comes("refund.created", id=refund.refund)
        assert [seen for *_, seen in await world.work()] == [refund]
        fee = {"id": "fee_1", "object": "application_fee", "account": MERCHANT, "charge": taken.charge}
        told = PspEvent("evt_fee", "account", None, "application_fee.refunded", world.now(), None, False, fee)
        await world.inbox.put(told)
        assert [(id, seen.refunded_minor) for _, _, id, seen in await world.work()] == [("p1", 500)]

        bad = await rig.held("disputed")
        await rig.do(rig.capture(bad))
        world.row("p2", intent=bad, account=MERCHANT)
        (dispute,) = [obj["id"] for obj in rig.sandbox.world.newest(MERCHANT, "dispute")]
        await world.comes("charge.dispute.created", id=dispute)
        assert [(id, seen.dispute) for _, _, id, seen in await world.work()] == [("p2", dispute)]


async def test_what_a_capture_leaves_of_a_hold_is_not_told_as_a_refund() -> None:
    async with working() as world:
        intent = await world.rig.held()
        await world.rig.do(world.rig.capture(intent))
        world.row("p1", intent=intent, account=MERCHANT)
        (rest,) = [obj["id"] for obj in world.rig.sandbox.world.newest(MERCHANT, "refund")]
        await world.comes("refund.created", id=rest)
        assert await world.work() == []
        assert world.worker.stats()["released"] == 1


async def test_accounts_and_payouts_reach_the_merchant_and_the_brand_s_the_brand() -> None:
    async with working() as world:
        row = MerchantRow(tenant="acme", id="m1", seller={}, terms={}, updated_at=world.now(), account=MERCHANT)
        world.rows.write(1, [row, tenant()])
        await world.comes("account.updated", id=MERCHANT)
        told = await world.work()
        assert {(kind, id) for _, kind, id, _ in told} == {(MERCHANT_KIND, "m1")}
        assert [seen.connected for *_, seen in told] == [True]

        await world.rig.funded()
        made = await world.rig.sandbox.driver.control("payouts", account=world.rig.sandbox.world.platform)
        await world.comes("payout.created", None, id=made["payouts"][0]["id"])
        ((owner, kind, id, seen),) = await world.work()
        assert (owner, kind, id, type(seen)) == ("acme", MERCHANT_KIND, BRAND, psp.PayoutSeen)


async def test_an_old_word_that_an_account_is_gone_does_not_hold_once_it_is_connected_again() -> None:
    async with working() as world:
        row = MerchantRow(tenant="acme", id="m1", seller={}, terms={}, updated_at=world.now(), account=MERCHANT)
        world.rows.write(1, [row, tenant()])
        await world.comes("account.application.deauthorized", id="ca_1")
        assert [seen.connected for *_, seen in await world.work()] == [True]
        await world.rig.sandbox.driver.control("accounts/deauthorize", id=MERCHANT)
        await world.comes("account.application.deauthorized", n=2, id="ca_1")
        assert [seen.connected for *_, seen in await world.work()] == [False]


async def test_an_account_that_does_not_answer_holds_up_no_events_of_others() -> None:
    async with working() as world, trio.open_nursery() as nursery:
        slow = [await world.rig.held() for _ in range(WORKER_AT_ONCE + 4)]
        good = await world.rig.held(account=OTHER)
        for n, intent in enumerate(slow):
            world.row(f"slow{n}", intent=intent, account=MERCHANT)
        world.row("good", intent=good, account=OTHER)
        world.rig.fault("GET /v1/payment_intents/*", "delay", account=MERCHANT, seconds=600, times=None)
        asked = len(world.rig.sent("/v1/payment_intents"))
        nursery.start_soon(world.worker.run)
        for n, intent in enumerate(slow):
            await world.comes("payment_intent.succeeded", n=n, id=intent)
        world.worker.nudge()
        await until(lambda: len(world.rig.sent("/v1/payment_intents")) > asked)
        await world.comes("payment_intent.succeeded", OTHER, n=999, id=good)
        world.worker.nudge()
        await until(lambda: world.told)
        assert [id for _, _, id, _ in world.told] == ["good"]
        nursery.cancel_scope.cancel()


async def test_a_provider_that_is_away_costs_growing_pauses_and_never_an_event() -> None:
    async with working() as world:
        intent = await world.rig.held()
        world.row("p1", intent=intent, account=MERCHANT)
        await world.comes("payment_intent.succeeded", id=intent)
        world.rig.fault("GET /v1/payment_intents/*", "rate_limit", times=None)
        for attempt in range(1, 5):
            assert await world.work() == []
            assert await world.work() == []  # not due yet
            world.ahead += timedelta(seconds=2.0**attempt)
        world.rig.sandbox.faults.rules.clear()
        assert len(await world.work()) == 1


async def test_an_event_that_its_actor_cannot_take_is_parked_and_can_be_tried_again() -> None:
    async with working() as world:
        intent = await world.rig.held()
        world.row("p1", intent=intent, account=MERCHANT)
        await world.comes("payment_intent.succeeded", id=intent)
        world.crash = True
        for _ in range(WORKER_ATTEMPTS):
            await world.work()
            world.ahead += timedelta(seconds=1000)
        assert await world.inbox.counts() == {"waiting": 0, "parked": 1}
        (parked,) = await world.inbox.listed("parked", 10)
        assert parked.error
        world.crash = False
        assert await world.inbox.unpark(parked.event.id)


async def test_events_that_concern_nobody_are_done_with_unasked() -> None:
    async with working() as world:
        asked = len(world.rig.sandbox.api.calls)
        await world.comes("customer.created", id="cus_1")
        await world.comes("charge.succeeded", n=2, id="ch_1")
        assert await world.work() == []
        assert len(world.rig.sandbox.api.calls) == asked
        assert world.worker.stats() == {"ignored": 2}


async def test_what_a_merchant_sells_elsewhere_on_its_account_is_not_asked_for() -> None:
    async with working() as world:
        asked = len(world.rig.sandbox.api.calls)
        await world.comes("payment_intent.succeeded", id="pi_shop", metadata={"order": "77"})
        await world.comes("checkout.session.completed", n=2, id="cs_shop")
        await world.comes("refund.created", n=3, id="re_shop", payment_intent="pi_shop")
        await world.comes("charge.dispute.created", n=4, id="dp_shop", payment_intent="pi_shop")
        assert await world.work() == []
        assert len(world.rig.sandbox.api.calls) == asked
        assert world.worker.stats()["foreign"] == 4


async def test_a_sweep_fetches_what_could_not_be_delivered_once() -> None:
    async with working() as world:
        sandbox = world.rig.sandbox
        sandbox.hook("http://127.0.0.1:9/closed", "whsec_1", True)
        intent = await world.rig.held()
        world.row("p1", intent=intent, account=MERCHANT)
        new = await world.sweep.events(MERCHANT)
        assert new > 0
        assert await world.sweep.events(MERCHANT) == 0
        assert ("acme", PAYMENT, "p1") in {told[:3] for told in await world.work()}


async def test_a_sweep_of_an_account_that_is_gone_does_not_hide_the_others() -> None:
    async with working() as world:
        sandbox = world.rig.sandbox
        sandbox.hook("http://127.0.0.1:9/closed", "whsec_1", True)
        old = world.now() - timedelta(hours=1)
        gone, well = sorted((MERCHANT, OTHER))
        intent = await world.rig.held(account=well)
        for account in (gone, well):
            world.row(account, state="capture_uncertain", updated_at=old, account=account)
        world.row("p1", intent=intent, account=well)
        await sandbox.driver.control("accounts/deauthorize", id=gone)
        await world.sweep.once()
        assert ("acme", PAYMENT, "p1") in {told[:3] for told in await world.work()}


async def test_a_sweep_makes_attempts_look_that_have_waited_in_silence() -> None:
    async with working() as world:
        old, now = world.now() - timedelta(hours=1), world.now()
        world.row("waits", state="capture_uncertain", updated_at=old, account=MERCHANT)
        world.row("pays", state="checkout_open", updated_at=now)
        world.row("charges", state="charging", updated_at=old)
        assert await world.sweep.attempts() == {("", MERCHANT)}
        assert [(id, message) for _, _, id, message in world.told] == [("waits", LookAgain())]


async def test_the_worker_wakes_at_once_and_outlives_a_database_that_goes_away() -> None:
    async with working() as world, trio.open_nursery() as nursery:
        intent = await world.rig.held()
        world.row("p1", intent=intent, account=MERCHANT)
        take, failures = world.inbox.take, [StoreAway("away")]

        async def failing(limit: int, lease: float) -> Any:
            if failures:
                raise failures.pop()
            return await take(limit, lease)

        world.inbox.take = failing  # type: ignore[method-assign]
        nursery.start_soon(world.worker.run)
        await world.comes("payment_intent.succeeded", id=intent)
        world.worker.nudge()
        await until(lambda: world.told)
        nursery.cancel_scope.cancel()
    assert not failures
