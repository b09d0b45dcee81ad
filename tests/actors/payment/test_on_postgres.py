"""A payment on the real database: every row it writes, its journals in both books, a node that begins again, a silent audit."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio

from actors.merchant.messages import Seller
from actors.model import psp
from actors.model.ids import payment_address, tenant_address
from actors.model.intents import RequestStart
from actors.model.rows import PaymentRow
from actors.payment import messages as pm
from actors.ports import MerchantCard
from actors.station import messages as m
from actors.tenant.messages import Create, PutTariff
from runtime.store import OutboxItem
from storage.audit import audit
from storage.cards import Cards
from storage.database import Database
from tests.actors.kit import STATION, TARIFF, TENANT, FakeLine, at, reading
from tests.actors.payment.provider import Provider
from tests.actors.test_on_postgres import ADDRESS, Node

pytestmark = pytest.mark.postgres
ATTEMPT = payment_address(TENANT, "a1")
_call = msgspec.json.Decoder(psp.AnyCall).decode


class Till(Node):
    def __init__(self, database: Database, cards: Cards, provider: Provider) -> None:
        super().__init__(database, cards)
        self.provider = provider
        self.system.outbox.handle(psp.TOPIC, self._deliver)
        self.cards.put_merchant(
            MerchantCard(TENANT, "m1", Seller("Acme", country="DE"), "acct_1", True, "5", "19"),
        )

    async def _deliver(self, item: OutboxItem) -> psp.PspAnswer:
        call = _call(item.effect.body)
        return psp.PspAnswer(item.effect.id, call, self.provider.execute(call))

    async def row(self, *states: str) -> PaymentRow:
        with trio.fail_after(60):
            while True:
                row: PaymentRow = await self.ask(ATTEMPT, pm.Look())
                if row.state in states:
                    return row
                await trio.sleep(0.05)


@pytest.fixture
async def till(database: Database, nursery: trio.Nursery) -> AsyncIterator[Till]:
    till = Till(database, Cards(), Provider(lambda: datetime.now(UTC)))
    await nursery.start(till.system.run)
    await till.ask(tenant_address(TENANT), Create("Acme", "EUR", "DE", "Europe/Berlin", "refuse", "owner", {"inventory": False}))
    await till.ask(tenant_address(TENANT), PutTariff("standard", TARIFF, None, "owner"))
    await till.station(m.Register(2, 0, None, False, ("ocpp1.6",), "standard", {}, "owner"))
    await till.station(m.Boot("V", "M", "S-1"))
    await till.station(m.ConnectorStatus(1, 1, "Available", "Available", at=datetime.now(UTC)))
    yield till
    await till.system.drain(60)


async def test_a_card_pays_a_session_and_a_part_of_it_goes_back(till: Till, database: Database, nursery: trio.Nursery) -> None:
    ordered: list[Any] = []
    line = FakeLine(wire=lambda intent: ordered.append(intent) or m.WireCall(type(intent).__name__, b"{}"))
    till.system.tell(ADDRESS, m.Connected(line, "ocpp1.6", 1, ""))
    quote = pm.Quote(STATION, 1, "q", "m1", "standard", "f", "EUR", 4000, 3700, 200, "h", "1", at(0), "de", "DE")
    opened = await till.ask(ATTEMPT, pm.OpenAttempt(quote, "https://pay.test/r", "https://pay.test/c", "Charging"))
    till.provider.pay(opened.url.rpartition("/")[2])
    await till.ask(ATTEMPT, pm.LookAgain())
    await till.row("starting")
    with trio.fail_after(60):
        while not line.calls:
            await trio.sleep(0.05)
    start = next(intent for intent in ordered if isinstance(intent, RequestStart))
    token = till.vault.token(TENANT, start.id_token)
    reply = await till.station(m.TransactionStart(1, 1, token, 1000, at(-60)))
    assert reply.verdict.accepted
    await till.station(m.TransactionMeter(1, 1, reply.number, (reading(-30, 6000),), "h1"))
    await till.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    row = await till.row("settled")
    assert (row.captured_minor, row.capture_before is not None) == (595, True)
    stored = await till.queries.token(TENANT, token.ref)
    assert (stored.status, stored.payment) == ("Invalid", "attempt:a1")
    assert row.session is not None
    journals = (await till.queries.journals(TENANT, row.session, 10, None)).items
    assert sorted(journal.book for journal in journals) == ["brand", "m1", "m1"]
    await till.ask(ATTEMPT, pm.RefundPayment("r1", "op", "broken plug", 200))
    await till.row("refunded_partial")

    again = Till(database, till.cards, till.provider)
    await till.system.drain(60)
    await nursery.start(again.system.run)
    row = await again.row("refunded_partial")
    assert (row.refunded_minor, len(row.journals)) == (200, 6)
    assert len((await again.queries.journals(TENANT, row.session, 20, None)).items) == 6
    assert await audit(database) == []
    await again.system.drain(60)
