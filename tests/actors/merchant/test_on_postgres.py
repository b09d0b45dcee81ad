"""A merchant on the real database: a transfer, a payout, a movement compared with the books; and the audit says nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.env import ActorEnv
from actors.kinds import register_all
from actors.merchant import messages as m
from actors.model import psp
from actors.model.ids import merchant_address, tenant_address
from actors.model.platforms import Platforms
from actors.tenant.messages import Create
from runtime.store import OutboxItem
from runtime.system import System
from storage.cards import Cards
from storage.database import Database
from storage.lookups import PostgresLookups
from storage.numbers import PostgresNumbers
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.vault import Vault
from tests.actors.merchant.kit import PUT, READY

pytestmark = pytest.mark.postgres
M1 = merchant_address("acme", "m1")


async def test_money_that_moves_on_is_kept_and_compared(database: Database, nursery: trio.Nursery) -> None:
    system, queries, now = System(database.store), PostgresQueries(database), datetime.now(UTC)
    env = ActorEnv(
        snapshots=Cards(), numbers=PostgresNumbers(database), lookups=PostgresLookups(database), vault=Vault(b"k" * 32),
        sink=PostgresSink(database), platforms=Platforms(installed=True),
    )  # fmt: skip
    register_all(system, env)
    lines = (
        psp.BalanceLine("txn_1", "payment", 1172, 0, 1172, "EUR", now, "py_1", now, "available", (), "tr_1"),
        psp.BalanceLine("txn_2", "climate_order_purchase", -1, 0, -1, "EUR", now, None, now),
    )
    answers: dict[type, Any] = {
        psp.FetchAccount: READY,
        psp.MakeTransfer: psp.TransferSeen("tr_1", 1172, "EUR", "acct_1"),
        psp.FetchBalance: psp.BalanceSeen((("EUR", 1171, 0),), lines),
    }

    async def handle(item: OutboxItem) -> Any:
        call = msgspec.json.decode(item.effect.body, type=psp.AnyCall)
        return psp.PspAnswer(item.effect.id, call, answers[type(call)])

    async def until(kind: str) -> None:
        with trio.fail_after(60):
            while not (await queries.events("acme", [kind], None, 1)).items:
                await trio.sleep(0.05)

    await nursery.start(system.run)
    await system.ask(tenant_address("acme"), Create("Acme", "EUR", "DE", "UTC", "refuse", "o", {}), deadline=60)
    await system.ask(M1, PUT, deadline=60)
    system.outbox.handle(psp.TOPIC, handle)
    answers_before = answers.pop(psp.FetchBalance)
    answers[psp.FetchBalance] = psp.BalanceSeen(())
    await system.ask(M1, msgspec.structs.replace(PUT, account="acct_1"), deadline=60)
    await system.ask(M1, m.OwnerCredited("s1", 1172, "EUR", now), deadline=60)
    await until("merchant.transferred")
    await until("merchant.reconciled")
    answers[psp.FetchBalance] = answers_before
    await system.ask(M1, psp.PspObserved(psp.PayoutSeen("po_1", "paid", 500, "EUR", automatic=False)), deadline=60)
    await system.ask(M1, m.Reconcile("op"), deadline=60)
    await until("merchant.unmatched")
    found = {row.id: row.state for row in (await queries.balance_lines("acme", 10, None)).items}
    assert found == {"txn_1": "matched", "txn_2": "unmatched"}
    balances = {
        (one["book"], one["account"]): one["balance_minor"]
        for one in (await queries.accounts("acme", 50, None)).items
        if one["balance_minor"]
    }
    assert balances == {
        ("brand", "1100/brand"): -1172, ("brand", "2200/m1"): 1172, ("m1", "1010"): 500, ("m1", "1100/acct_1"): 671,
        ("m1", "1250"): -1172, ("m1", "2400"): 1,
    }  # fmt: skip
    missing = await queries.missing_lines("acme", now - timedelta(days=1), now + timedelta(days=1))
    assert {one.account for one in missing} == {"brand", "acct_1"}, (
        "the brand's side, and a payout that the provider did not show"
    )
