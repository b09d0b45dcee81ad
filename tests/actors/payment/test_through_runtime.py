"""Payments through the real runtime, with the real EVSE, station and session: a provider in memory answers the outbox, a station
of 1.6 or 2.0.1 does what it is ordered to."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.merchant.messages import Seller
from actors.model import psp
from actors.model.decision import Refused
from actors.model.ids import payment_address, station_address
from actors.model.intents import CommandResult, RequestStart, RequestStop
from actors.model.rows import EventRow, EvseRow, PaymentRow
from actors.payment import messages as pm
from actors.ports import MerchantCard
from actors.station import messages as m
from runtime.store import OutboxItem
from tests.actors.kit import STATION, TENANT, FakeLine, House, at, event, reading
from tests.actors.payment.provider import GOOD, WEAK, Provider

SELLER = Seller("Acme", country="DE")
_call = msgspec.json.Decoder(psp.AnyCall).decode


class Shop(House):
    """A house with a merchant and a provider. `ordered`: what the station was asked to carry, in plain."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.provider = Provider(self.clock.now)
        self.ordered: list[Any] = []
        self.lose = 0.0
        """Share of the provider's answers that get lost after it has done the work."""
        self.env.snapshots.put_merchant(
            MerchantCard(TENANT, "m1", SELLER, "acct_1", True, commission_percent="5", commission_vat_percent="19")
        )

    async def deliver(self, item: OutboxItem) -> psp.PspAnswer:
        call = _call(item.effect.body)
        await trio.sleep(0.02)
        seen = self.provider.execute(call)
        if self.random.random() < self.lose:
            if isinstance(call, psp.CaptureIntent | psp.RefundCharge):
                return psp.PspAnswer(item.effect.id, call, psp.PspUnsure("the connection broke"))
            raise ConnectionError("the connection broke")
        return psp.PspAnswer(item.effect.id, call, seen)

    def serve(self) -> None:
        self.system.outbox.handle(psp.TOPIC, self.deliver)

    def attempt(self, id: str = "a1") -> tuple[str, str, str]:
        return payment_address(TENANT, id)

    def quote(self, evse: int = 1) -> pm.Quote:
        card = self.env.snapshots.tariff(TENANT, "standard", self.clock.now())
        assert card is not None
        return pm.Quote(
            STATION, evse, "code", "m1", "standard", card.fingerprint, "EUR", 4000, 3700, 200, "h", "1", at(0), "de", "DE"
        )  # fmt: skip

    async def pay(self, id: str = "a1", *, proof: psp.CardProof = GOOD, evse: int = 1, webhook: bool = True) -> str:
        order = pm.OpenAttempt(self.quote(evse), "https://pay.test/r", "https://pay.test/c", "Charging")
        opened = await self.ask(self.attempt(id), order, deadline=10)
        assert isinstance(opened, pm.AttemptOpened)
        checkout = str(opened.url).rpartition("/")[2]
        self.provider.pay(checkout, proof)
        if webhook:
            await self.webhooks({checkout: id})
        return checkout

    async def webhooks(self, owners: dict[str, str]) -> None:
        while self.provider.changed:
            kind, id = self.provider.changed.pop(0)
            seen = self.provider.seen(kind, id)
            for attempt in set(owners.values()):
                await self.ask(self.attempt(attempt), psp.PspObserved(seen), deadline=10)

    async def row(self, id: str = "a1") -> PaymentRow:
        row: PaymentRow = await self.ask(self.attempt(id), pm.Look(), deadline=10)
        return row

    async def settles(self, id: str = "a1", within: float = 60) -> PaymentRow:
        with trio.fail_after(within):
            while True:
                row = await self.row(id)
                if row.state in ("settled", "released", "expired", "lost", "refunded", "refunded_partial"):
                    return row
                await trio.sleep(0.2)

    async def station_comes(self, protocol: str = "ocpp1.6") -> FakeLine:
        def render(intent: Any) -> m.WireCall:
            self.ordered.append(intent)
            return m.WireCall(type(intent).__name__, b"{}")

        line = FakeLine(1, render)
        self.system.tell(station_address(TENANT, STATION), m.Connected(line, protocol, 1, ""))
        await trio.sleep(0.1)
        return line

    async def order(self, line: FakeLine, kind: type, status: str = "Accepted") -> Any:
        """The next order of a kind, answered by the station."""
        with trio.fail_after(10):
            while not (line.calls and line.calls[-1][1].action == kind.__name__):
                await trio.sleep(0.05)
        id, _, _ = line.calls[-1]
        self.system.tell(station_address(TENANT, STATION), m.CommandDone(id, 1, CommandResult(status)))
        await trio.sleep(0.1)
        return next(intent for intent in reversed(self.ordered) if isinstance(intent, kind))


@pytest.fixture
async def shop(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    monkeypatch.setattr("tests.runtime.kit.clock_now", shop.clock.now)
    shop.serve()
    await nursery.start(shop.system.run)
    await shop.furnish()
    for evse in (1, 2):
        await shop.station(m.ConnectorStatus(evse, 1, "Available", "Available", at=at(0)))
    return shop


async def test_a_station_of_1_6_is_started_by_a_one_time_token_and_paid(autojump_clock: Any, shop: Shop) -> None:
    line = await shop.station_comes()
    await shop.pay()
    start = await shop.order(line, RequestStart)
    assert len(start.id_token) <= 20
    assert (start.evse, start.token_type) == (1, "Central")
    reply = await shop.start(start.id_token)
    assert reply.verdict.accepted
    assert (await shop.row()).state == "charging"
    await shop.stop(reply.number, 11_000)
    row = await shop.settles()
    assert (row.state, row.captured_minor) == ("settled", 595)
    assert shop.provider.intents["pi_1"].received_minor == 595
    assert {journal.book for journal in shop.journals()} == {"m1", "brand"}
    assert {journal.ref for journal in shop.journals()} == {row.session}
    assert shop.store.letters == {}
    assert [name for address, name in shop.store.timers if address.kind == "payment"] == []
    again = await shop.start(start.id_token, minutes=120, wh=11_000)
    assert not again.verdict.accepted, "the token is good once"


async def test_a_station_of_2_0_1_is_started_by_a_one_time_token_and_paid(autojump_clock: Any, shop: Shop) -> None:
    line = await shop.station_comes("ocpp2.0.1")
    await shop.pay()
    start = await shop.order(line, RequestStart)
    token = shop.token(start.id_token)
    told = event("Started", 0, 0, "RemoteStart", token=token, evse=1, connector=1, readings=(reading(0, 1000),))
    reply = await shop.station(told)
    assert reply.verdict.accepted
    assert (await shop.row()).state == "charging"
    assert await shop.ask(shop.attempt(), pm.StopCharging()) == m.Done()
    stop = await shop.order(line, RequestStop)
    assert stop.transaction_id == "tx-1"
    await shop.station(event("Ended", 1, 60, "RemoteStop", readings=(reading(60, 11_000),)))
    row = await shop.settles()
    assert (row.state, row.captured_minor) == ("settled", 595)


async def test_of_two_who_pay_for_one_place_one_charges_and_the_other_is_released(autojump_clock: Any, shop: Shop) -> None:
    line = await shop.station_comes()
    first = await shop.pay("a1", webhook=False)
    second = await shop.pay("a2", webhook=False)
    async with trio.open_nursery() as both:
        both.start_soon(shop.ask, shop.attempt("a1"), psp.PspObserved(shop.provider.seen("checkout", first)))
        both.start_soon(shop.ask, shop.attempt("a2"), psp.PspObserved(shop.provider.seen("checkout", second)))
    await shop.order(line, RequestStart)
    await trio.sleep(1)
    rows = [await shop.row("a1"), await shop.row("a2")]
    assert sorted(row.state for row in rows) == ["released", "starting"]
    loser = next(row for row in rows if row.state == "released")
    assert loser.reason == "evse_claimed"
    assert [intent.status for intent in shop.provider.intents.values()].count("canceled") == 1
    assert len(shop.ordered) == 1


async def test_of_five_hundred_who_pay_for_one_place_one_holds_and_the_others_are_released_in_time(
    autojump_clock: Any, shop: Shop
) -> None:
    line = await shop.station_comes()
    attempts = {await shop.pay(f"a{n}", webhook=False): f"a{n}" for n in range(500)}
    begin = shop.clock.now()
    async with trio.open_nursery() as all_at_once:
        for checkout, attempt in attempts.items():
            seen = psp.PspObserved(shop.provider.seen("checkout", checkout))
            all_at_once.start_soon(shop.ask, shop.attempt(attempt), seen)
    await shop.order(line, RequestStart)
    while [intent.status for intent in shop.provider.intents.values()].count("requires_capture") > 1:
        await trio.sleep(0.1)
        assert shop.clock.now() - begin < timedelta(seconds=10)
    states = [(await shop.row(attempt)).state for attempt in attempts.values()]
    assert states.count("starting") == 1
    assert len(shop.ordered) == 1


async def test_no_proof_no_start(autojump_clock: Any, shop: Shop) -> None:
    await shop.station_comes()
    await shop.pay(proof=WEAK)
    row = await shop.settles()
    assert (row.state, row.reason) == ("released", "sca_refused")
    assert shop.ordered == []
    assert shop.provider.intents["pi_1"].status == "canceled"


async def test_a_start_after_the_release_is_recorded_answered_invalid_stopped_and_waived(autojump_clock: Any, shop: Shop) -> None:
    line = await shop.station_comes()
    await shop.pay()
    start = await shop.order(line, RequestStart)
    shop.clock.advance(100)
    await trio.sleep(5)
    row = await shop.settles()
    assert (row.state, row.reason) == ("released", "start_timeout")
    reply = await shop.start(start.id_token, minutes=2)
    assert reply.verdict.status == "Invalid"
    assert (await shop.order(line, RequestStop)).transaction_id == str(reply.number)
    await shop.stop(reply.number, 2000)
    await trio.sleep(1)
    (session,) = shop.sessions()
    assert (session.phase, session.cost) == ("waived", None)
    assert shop.journals() == []
    kinds = [event.kind for event in shop.store.rows if isinstance(event, EventRow) and event.subject == "a1"]
    assert "payment.late_start" in kinds
    evse = next(row for row in shop.rows.table(EvseRow) if row.evse == 1)
    assert evse.session is None


async def test_a_station_that_is_away_gets_no_money_held(autojump_clock: Any, shop: Shop) -> None:
    await shop.pay()
    await trio.sleep(1)
    shop.clock.advance(100)
    await trio.sleep(5)
    row = await shop.settles()
    assert (row.state, row.reason) == ("released", "start_timeout")
    assert shop.provider.intents["pi_1"].status == "canceled"


async def test_the_running_session_is_asked_for_its_cost_before_the_hold_ends(autojump_clock: Any, shop: Shop) -> None:
    line = await shop.station_comes()
    await shop.pay()
    start = await shop.order(line, RequestStart)
    reply = await shop.start(start.id_token)
    await shop.station(m.TransactionMeter(1, 1, reply.number, (reading(30, 6000),), "h1"))
    shop.clock.advance(timedelta(days=6, minutes=1).total_seconds())
    row = await shop.settles()
    assert row.captured_minor == 298, "5 kWh at 0.50 and 19 % VAT"
    await shop.stop(reply.number, 11_000)
    await trio.sleep(2)
    assert (await shop.row()).captured_minor == 298, "a later stop may only refund"


async def test_an_attempt_that_nobody_opened_knows_nothing(autojump_clock: Any, shop: Shop) -> None:
    assert await shop.ask(shop.attempt("ghost"), pm.Look()) is None
    assert await shop.ask(shop.attempt("ghost"), pm.LookAgain()) is None
    seen = psp.PspObserved(psp.IntentSeen("pi_9", "requires_capture", 1, 1, 0, "EUR"))
    assert await shop.ask(shop.attempt("ghost"), seen) == m.Done()
    refused = await shop.ask(shop.attempt("ghost"), pm.RefundPayment("r", "op", "x"))
    assert isinstance(refused, Refused)
    assert list(shop.rows.table(PaymentRow)) == []


async def test_a_word_that_crashes_the_payment_for_ever_does_not_keep_its_hold_for_ever(
    autojump_clock: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three crashes and it is a dead letter; the guard before the end of the hold works on."""

    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    line = await shop.station_comes()
    await shop.pay()
    start = await shop.order(line, RequestStart)
    reply = await shop.start(start.id_token)
    monkeypatch.setattr("actors.payment.charging._settle", broken)
    await shop.stop(reply.number, 11_000)
    with trio.fail_after(600):
        while not (await shop.store.dead_letters(TENANT, None, 1, None))[0]:
            await trio.sleep(1)
    await trio.sleep(60)
    assert (await shop.row()).state == "charging"
    await shop.ask(shop.attempt(), pm.GuardDue(), deadline=10)
    row = await shop.settles()
    assert (row.state, row.captured_minor) == ("settled", 595)
    assert shop.provider.intents["pi_1"].status == "succeeded"
