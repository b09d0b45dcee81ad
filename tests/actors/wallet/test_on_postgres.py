"""Wallets on the real database: its floors, its holds, its audit."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from actors.env import ActorEnv
from actors.kinds import register_all
from actors.model.ids import station_address, tenant_address, wallet_address
from actors.model.token import TokenCard
from actors.station import messages as m
from actors.tenant.messages import Create, PutTariff, PutToken
from actors.wallet import messages as w
from runtime.system import System
from storage.audit import audit
from storage.cards import Cards
from storage.database import Database
from storage.lookups import PostgresLookups
from storage.numbers import PostgresNumbers
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.vault import Vault
from tests.actors.kit import STATION, TARIFF, TENANT, at
from tests.actors.wallet.till import Pay, till

pytestmark = pytest.mark.postgres
WALLET = wallet_address(TENANT, "w1")
EVSES = 16


class Node:
    def __init__(self, database: Database, seed: int = 3) -> None:
        self.vault = Vault(b"k" * 32)
        self.queries = PostgresQueries(database)
        env = ActorEnv(
            snapshots=Cards(), numbers=PostgresNumbers(database), lookups=PostgresLookups(database), vault=self.vault,
            sink=PostgresSink(database), token_bytes=random.Random(seed).randbytes,
        )  # fmt: skip
        self.env = env
        self.system = System(database.store)
        register_all(self.system, env)
        till(self.system)

    async def ask(self, to: tuple[str, str, str], message: Any) -> Any:
        return await self.system.ask(to, message, deadline=60)

    async def station(self, message: Any) -> Any:
        return await self.ask(station_address(TENANT, STATION), message)

    async def balances(self) -> dict[str, int]:
        """Debits less credits."""
        page = await self.queries.accounts(TENANT, 100, None)
        return {line["account"]: line["balance_minor"] for line in page.items}

    async def until(self, **wanted: Any) -> Any:
        with trio.fail_after(60):
            while True:
                row = await self.queries.wallet(TENANT, "w1")
                if row is not None and all(getattr(row, name) == value for name, value in wanted.items()):
                    return row
                await trio.sleep(0.02)


@pytest.fixture
async def node(database: Database, nursery: trio.Nursery) -> AsyncIterator[Node]:
    node = Node(database)
    await nursery.start(node.system.run)
    await node.ask(tenant_address(TENANT), Create("Acme", "EUR", "DE", "Europe/Berlin", "refuse", "owner"))
    await node.ask(tenant_address(TENANT), PutTariff("standard", TARIFF, None, "owner"))
    token = node.vault.token(TENANT, "WALLET")
    card = TokenCard(token.ref, token.type, "Accepted", token.masked, payment="wallet:w1")
    await node.ask(tenant_address(TENANT), PutToken(card, node.vault.seal(TENANT, token.ref, "token", "WALLET"), "owner"))
    await node.station(m.Register(EVSES, 0, None, False, ("ocpp1.6",), "standard", {}, "owner"))
    await node.station(m.Boot("V", "M", "S-1"))
    await node.ask(WALLET, w.OpenWallet("op"))
    yield node
    await node.system.drain(60)


async def _charge(node: Node, evse: int, answers: dict[int, Any]) -> None:
    token = node.vault.token(TENANT, "WALLET")
    answers[evse] = await node.station(m.TransactionStart(evse, 1, token, 1000, at(-60)))


async def test_sixteen_sessions_of_one_wallet_end_at_its_floor_and_the_rest_is_owed_and_collected(
    node: Node, database: Database
) -> None:
    await node.ask((TENANT, "till", "p1"), Pay(1500))
    await node.until(balance_minor=1500)
    answers: dict[int, Any] = {}
    async with trio.open_nursery() as nursery:
        for evse in range(1, EVSES + 1):
            nursery.start_soon(_charge, node, evse, answers)
    row = await node.queries.wallet(TENANT, "w1")
    assert row is not None
    assert 0 < row.held_minor <= 1500
    assert await audit(database) == []
    for evse, reply in answers.items():
        await node.station(m.TransactionStop(reply.number, 3000, at(evse), "Local"))
    cost = EVSES * 119
    await node.until(balance_minor=0, held_minor=0, owed_minor=cost - 1500)
    accounts = await node.balances()
    assert accounts["2100/w1"] == 0
    ref = node.vault.token(TENANT, "WALLET").ref
    assert accounts[f"1220/{ref}"] == cost - 1500
    assert await audit(database) == []
    await node.ask((TENANT, "till", "p2"), Pay(1000))
    row = await node.until(owed_minor=0)
    assert row.balance_minor == 2500 - cost
    accounts = await node.balances()
    assert (accounts["2100/w1"], accounts.get(f"1220/{ref}", 0)) == (-row.balance_minor, 0)
    lines = (await node.queries.wallet_lines(TENANT, "w1", 100, None)).items
    assert sum(line.amount_minor for line in lines) == row.balance_minor
    assert lines[0].balance_minor == row.balance_minor
    assert await audit(database) == []


async def test_a_wallet_is_there_after_its_node_has_died(node: Node, database: Database, nursery: trio.Nursery) -> None:
    await node.ask((TENANT, "till", "p1"), Pay(5000))
    await node.until(balance_minor=5000)
    answers: dict[int, Any] = {}
    await _charge(node, 1, answers)
    other = Node(database, 4)
    other.env.snapshots.put_tenant(node.env.snapshots.tenant(TENANT))  # type: ignore[arg-type]
    ref = node.vault.token(TENANT, "WALLET").ref
    other.env.snapshots.put_token(TENANT, node.env.snapshots.token(TENANT, ref))  # type: ignore[arg-type]
    await nursery.start(other.system.run)
    held = (await other.ask(WALLET, w.Look())).held_minor
    assert held > 0
    await other.station(m.TransactionStop(answers[1].number, 11_000, at(0), "Local"))
    row = await other.until(held_minor=0)
    assert row.balance_minor == 5000 - 595
    assert await audit(database) == []
    await other.system.drain(60)
