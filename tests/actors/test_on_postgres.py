"""The whole life of a station on the real database: every row the domain writes, and every question it asks."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from actors.env import ActorEnv
from actors.kinds import register_all
from actors.merchant.messages import Seller
from actors.model import intents as i
from actors.model.ids import session_address, station_address, tenant_address
from actors.model.token import TokenCard
from actors.ports import MerchantCard
from actors.session.messages import Credit, Resolve
from actors.station import messages as m
from actors.tenant.messages import Create, PutTariff, PutToken
from runtime.system import System
from storage.audit import audit
from storage.cards import Cards
from storage.database import Database
from storage.lookups import PostgresLookups
from storage.numbers import PostgresNumbers
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.vault import Vault
from tests.actors.kit import STATION, TARIFF, TENANT, FakeLine, at, event, reading

pytestmark = pytest.mark.postgres
ADDRESS = station_address(TENANT, STATION)


class Node:
    def __init__(self, database: Database, cards: Cards) -> None:
        self.vault = Vault(b"k" * 32)
        self.cards = cards
        self.queries = PostgresQueries(database)
        env = ActorEnv(
            snapshots=cards,
            numbers=PostgresNumbers(database),
            lookups=PostgresLookups(database),
            vault=self.vault,
            sink=PostgresSink(database),
            token_bytes=random.Random(3).randbytes,
        )
        self.system = System(database.store)
        register_all(self.system, env)

    async def ask(self, to: tuple[str, str, str], message: Any) -> Any:
        return await self.system.ask(to, message, deadline=60)

    async def station(self, message: Any) -> Any:
        return await self.ask(ADDRESS, message)


@pytest.fixture
async def node(database: Database, nursery: trio.Nursery) -> AsyncIterator[Node]:
    node = Node(database, Cards())
    await nursery.start(node.system.run)
    await node.ask(tenant_address(TENANT), Create("Acme", "EUR", "DE", "Europe/Berlin", "refuse", "owner"))
    await node.ask(tenant_address(TENANT), PutTariff("standard", TARIFF, None, "owner"))
    token = node.vault.token(TENANT, "GOOD")
    card = TokenCard(token.ref, token.type, "Accepted", token.masked)
    await node.ask(tenant_address(TENANT), PutToken(card, node.vault.seal(TENANT, token.ref, "token", "GOOD"), "owner"))
    await node.station(m.Register(2, 0, None, False, ("ocpp1.6",), "standard", {}, "owner"))
    await node.station(m.Boot("V", "M", "S-1"))
    yield node
    await node.system.drain(60)


def start_of(node: Node, wh: int = 1000, minutes: float = -60) -> m.TransactionStart:
    return m.TransactionStart(1, 1, node.vault.token(TENANT, "GOOD"), wh, at(minutes))


async def test_a_session_leaves_its_rows_its_cdr_and_its_journal(node: Node, database: Database) -> None:
    reply = await node.station(start_of(node))
    await node.station(m.ConnectorStatus(1, 1, "Occupied", "Charging", at=at(-59)))
    await node.station(m.TransactionMeter(1, 1, reply.number, (reading(-30, 6000),), "h1"))
    await node.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    await node.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    (row,) = (await node.queries.sessions(TENANT, STATION, None, 10, None)).items
    assert (row.phase, row.energy_wh, row.cost.incl.amount_minor) == ("booked", 10_000, 595)
    assert (await node.queries.cdr(TENANT, row.cdr)).session == row.id
    (journal,) = (await node.queries.journals(TENANT, row.id, 10, None)).items
    assert {entry.side for entry in journal.entries} == {"debit", "credit"}
    assert len(await node.queries.meter_values(TENANT, row.id)) == 1


async def test_a_session_is_invoiced_and_credited_and_the_audit_is_silent_both_times(node: Node, database: Database) -> None:
    seller = Seller("Acme GmbH", ("Hauptstr. 1", "10115 Berlin"), "DE", "DE1")
    node.cards.put_merchant(MerchantCard(TENANT, "brand", seller, None, True))
    reply = await node.station(start_of(node))
    await node.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    await node.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    (row,) = (await node.queries.sessions(TENANT, STATION, None, 10, None)).items
    (invoice,) = (await node.queries.documents(TENANT, 10, None, ref=row.id)).items
    assert (invoice.kind, invoice.number, invoice.gross_minor, invoice.body["cdr"]) == ("invoice", 1, 595, row.cdr)
    assert await audit(database) == []
    cdr = await node.queries.cdr(TENANT, row.cdr)
    journal = await node.queries.journal(TENANT, cdr.journal)
    for _ in range(2):
        await node.ask(session_address(TENANT, row.id), Credit("broken meter", "op", cdr, journal, invoice))
    assert sum(each.gross_minor for each in (await node.queries.documents(TENANT, 10, None, ref=row.id)).items) == 0
    assert len((await node.queries.cdrs(TENANT, 10, None)).items) == 2
    accounts = (await node.queries.accounts(TENANT, 100, None)).items
    assert {account["balance_minor"] for account in accounts} == {0}
    assert await audit(database) == []


async def test_a_2x_transaction_leaves_the_same_and_the_audit_is_silent(node: Node, database: Database) -> None:
    token = node.vault.token(TENANT, "GOOD")
    started = event("Started", 0, -60, "Authorized", evse=1, connector=1, token=token, readings=(reading(-60, 1000),))
    charging = event("Updated", 1, -59, "ChargingStateChanged", charging_state="Charging")
    metered = event("Updated", 2, -30, readings=(reading(-30, 6000),))
    ended = event("Ended", 3, 0, "StopAuthorized", stopped_reason="Local", readings=(reading(0, 11_000),))
    for told in (started, ended, metered):
        await node.station(told)
    (row,) = (await node.queries.sessions(TENANT, STATION, "active", 10, None)).items
    assert (row.transaction["charging_state"], row.transaction["missing"]) == (None, [[1, 1]])
    found = await PostgresLookups(database).session_by_transaction(TENANT, STATION, "tx-1")
    assert found is not None
    assert (found.number, found.open, found.evse) == (row.number, True, 1)
    assert await audit(database) == []
    await node.station(charging)
    assert (await node.station(ended)).total_cost == Decimal("5.95")
    (row,) = (await node.queries.sessions(TENANT, STATION, "ended", 10, None)).items
    assert (row.phase, row.energy_wh, row.transaction_id, row.stop_reason) == ("booked", 10_000, "tx-1", "Local")
    assert len(await node.queries.meter_values(TENANT, row.id)) == 3
    assert await audit(database) == []


async def test_a_start_on_a_connector_beyond_what_a_row_holds_is_answered_and_kept(node: Node) -> None:
    token = node.vault.token(TENANT, "GOOD")
    reply = await node.station(m.TransactionStart(2**40, 1, token, 0, at(-60)))
    assert isinstance(await node.station(m.TransactionStop(reply.number, 1000, at(0))), m.StopReply)
    (row,) = (await node.queries.sessions(TENANT, STATION, "quarantined", 10, None)).items
    assert (row.number, row.evse) == (reply.number, 0)
    assert (await node.system.store.dead_letters(None, None, 10, None))[0] == []


async def test_a_sample_beyond_what_a_register_can_be_poisons_neither_its_session_nor_what_comes_after(
    node: Node, database: Database
) -> None:
    reply = await node.station(start_of(node))
    await node.station(m.TransactionMeter(1, 1, reply.number, (reading(-50, 1e25),), "h1"))
    await node.station(m.ConnectorStatus(1, 1, "Occupied", "SuspendedEV", at=at(-49)))
    with trio.fail_after(60):
        while await database.fetchval("SELECT count(*) FROM letter"):  # the session has heard of it
            await trio.sleep(0.02)
    await node.station(m.TransactionMeter(1, 1, reply.number, (reading(-30, 6000),), "h2"))
    await node.station(m.TransactionStop(reply.number, 11_000, at(0), "Local"))
    (row,) = (await node.queries.sessions(TENANT, STATION, None, 10, None)).items
    assert (row.phase, row.energy_wh) == ("quarantined", 10_000)
    assert "samples_exceed_stop" in row.anomalies
    assert (await node.system.store.dead_letters(None, None, 10, None))[0] == []


async def test_another_node_finds_numbers_open_sessions_and_what_the_first_one_left(
    node: Node, database: Database, nursery: trio.Nursery
) -> None:
    reply = await node.station(start_of(node))
    await node.system.drain(60)
    other = Node(database, node.cards)
    await nursery.start(other.system.run)
    node.system = other.system
    assert (await other.station(start_of(node))).number == reply.number
    assert (await other.station(m.Unregister("owner"))).code == "active"
    await other.station(m.TransactionMeter(1, 1, reply.number, (reading(-30, 6000),), "h1"))
    await other.station(m.TransactionStop(0, 11_000, at(0), "Local", node.vault.token(TENANT, "GOOD")))
    (row,) = (await node.queries.sessions(TENANT, STATION, None, 10, None)).items
    assert (row.phase, row.number) == ("booked", reply.number)


async def test_strays_variables_and_commands_have_their_rows(node: Node, nursery: trio.Nursery) -> None:
    await node.station(m.TransactionStop(424_242, 11_000, at(0), "Local"))
    (stray,) = (await node.queries.sessions(TENANT, STATION, "quarantined", 10, None)).items
    assert await node.ask(session_address(TENANT, stray.id), Resolve("waive", "nothing known", "op")) == m.Done()
    line = FakeLine(wire=m.WireCall("GetConfiguration", b"{}"))
    node.system.tell(ADDRESS, m.Connected(line, "ocpp1.6", 1, "peer"))
    answers: list[Any] = []

    async def command() -> None:
        ref = i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval", key_1_6="HeartbeatInterval")
        told = i.CommandResult("", variables=(i.ReportedVariable(ref, "300", False),))
        nursery.start_soon(answer, told)
        later = node.system.clock.now() + timedelta(days=365)
        answers.append(await node.station(m.Command("c1", i.GetVariables(), later, "op")))

    async def answer(told: i.CommandResult) -> None:
        with trio.fail_after(60):
            while not line.calls:
                await trio.sleep(0.02)
        node.system.tell(ADDRESS, m.CommandDone("c1", 1, told))

    await command()
    assert isinstance(answers[0], m.Sent)
    told: set[str] = set()
    with trio.fail_after(60):
        while not told >= {"HeartbeatInterval", "VendorName", "SerialNumber"}:
            await trio.sleep(0.05)
            told = {row.variable for row in (await node.queries.variables(TENANT, STATION, 50, None)).items}


async def test_what_an_actor_recovers_is_what_it_was(node: Node, database: Database) -> None:
    """Facts and checkpoints pass through the database and give the same state."""
    reply = await node.station(start_of(node))
    await node.station(m.TransactionMeter(1, 1, reply.number, (reading(-30, 6000),), "h1"))
    (row,) = (await node.queries.sessions(TENANT, STATION, None, 10, None)).items
    for address in (ADDRESS, session_address(TENANT, row.id)):
        with trio.fail_after(60):
            while True:  # another turn of the actor may fall between: its device's questions come when they come
                before = node.system.inspect.actor(address)
                assert await node.system.inspect.checkpoint(address)
                assert await node.system.inspect.restart(address)
                await node.station(m.Look())
                await node.ask(session_address(TENANT, row.id), Resolve("waive", "", "op"))
                after = node.system.inspect.actor(address)
                if after["seq"] == before["seq"]:
                    break
        assert after["state"] == before["state"]
