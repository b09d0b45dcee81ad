"""Certificates and passwords on the real database, through nodes that die: of each nothing is left but what it committed."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import trio
from cryptography import x509

from actors.authority.messages import Ensure
from actors.certificates.messages import CsrReceived, CsrReply
from actors.env import ActorEnv
from actors.kinds import register_all
from actors.model import intents as i
from actors.model.ids import CERTIFICATES, authority_address, sibling_address, station_address, tenant_address
from actors.ports import SigningRequest, StationCard
from actors.station import messages as m
from actors.station.auth import hash_secret, verify_secret
from actors.tenant.messages import Create
from gateways.egress import EgressGate
from gateways.pki.desk import TOPIC, Desk
from runtime.limits import Limits
from runtime.system import System
from storage.audit import audit
from storage.database import Database
from storage.lookups import PostgresLookups
from storage.numbers import PostgresNumbers
from storage.queries import PostgresQueries
from storage.sink import PostgresSink
from storage.snapshots import FreshCards
from storage.vault import Vault
from tests.actors.kit import STATION, TENANT, FakeLine
from tests.kits import pki

pytestmark = pytest.mark.postgres
HERE = station_address(TENANT, STATION)
KEEPER = sibling_address(TENANT, CERTIFICATES, STATION)
OLD = b"the-first-password"


class Silent:
    """A CA that never answers."""

    def __init__(self) -> None:
        self.asked = trio.Event()

    async def sign(self, request: SigningRequest) -> str:
        self.asked.set()
        await trio.sleep_forever()
        raise AssertionError


class Node:
    def __init__(self, database: Database, ca: Any = None) -> None:
        self.vault = Vault(b"k" * 32)
        self.cards = FreshCards(database)
        self.queries = PostgresQueries(database)
        self.system = System(database.store, limits=Limits(outbox_lease=0.5, outbox_poll=0.1))
        desk = Desk(self.system, self.vault, self.cards, EgressGate(), external=ca)
        self.system.outbox.handle(TOPIC, desk.deliver)
        env = ActorEnv(
            snapshots=self.cards, numbers=PostgresNumbers(database), lookups=PostgresLookups(database), vault=self.vault,
            sink=PostgresSink(database), pki=desk, token_bytes=random.Random(3).randbytes,
        )  # fmt: skip
        register_all(self.system, env)

    async def ask(self, to: tuple[str, str, str], message: Any) -> Any:
        return await self.system.ask(to, message, deadline=60)

    def card(self) -> StationCard:
        found = self.cards.station(TENANT, STATION)
        assert found is not None
        return found

    async def book(self) -> dict[str, Any]:
        page = await self.queries.book(TENANT, STATION, "certificate", 50, None)
        return {row.body["kind"]: row.body["status"] for row in page.items}


@asynccontextmanager
async def living(database: Database, ca: Any = None) -> AsyncIterator[Node]:
    """A node that dies at the end of the block: it is not drained."""
    node = Node(database, ca)
    await node.cards.load()
    async with trio.open_nursery() as nursery:
        await nursery.start(node.system.run)
        with trio.fail_after(120):
            yield node
        nursery.cancel_scope.cancel()


async def furnish(node: Node) -> None:
    await node.ask(tenant_address(TENANT), Create("Acme", "EUR", "DE", "Europe/Berlin", "refuse", "owner"))
    secret = hash_secret(OLD, random.Random(1).randbytes)
    await node.ask(HERE, m.Register(1, 1, secret, False, ("ocpp2.0.1",), None, {}, "owner"))
    await node.ask(HERE, m.Boot("V", "M", "SN-7"))


class Line(FakeLine):
    def __init__(self, generation: int) -> None:
        super().__init__(generation, lambda intent: self._render(intent))
        self.protocol = "ocpp2.0.1"
        self.told: list[Any] = []

    def _render(self, intent: Any) -> m.WireCall:
        self.told.append(intent)
        return m.WireCall(type(intent).__name__, b"{}")

    def sent(self, kind: type) -> list[Any]:
        """What really went out."""
        names = [wire.action for _, wire, _ in self.calls]
        return [told for told in self.told if isinstance(told, kind) and kind.__name__ in names]


async def until(condition: Any) -> None:
    while not condition():
        await trio.sleep(0.02)


async def test_an_accepted_request_is_signed_and_delivered_once_whatever_dies(database: Database) -> None:
    request, _ = pki.csr("SN-7")
    silent = Silent()
    async with living(database, silent) as first:
        await furnish(first)
        told = CsrReceived(request, "ChargingStationCertificate")
        assert await first.ask(HERE, told) == CsrReply("Accepted")
        await silent.asked.wait()
    async with living(database) as second:
        while (await second.book()).get("issued") != "sent":
            await trio.sleep(0.05)
    async with living(database) as third:
        card = third.cards.authority(TENANT)
        assert card is not None, "the CA that the second made is known to the third"
        line = Line(3)
        third.system.tell(HERE, m.Connected(line, "ocpp2.0.1", 3, "peer"))
        await until(lambda: line.sent(i.CertificateSigned))
        (signed,) = line.sent(i.CertificateSigned)
        leaf, *_ = x509.load_pem_x509_certificates(signed.chain.encode())
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(card.chain[0].encode()))
        material = await third.ask(authority_address(TENANT), Ensure())
        assert material.chain == card.chain, "one CA, whoever asks"
        command = next(id for id, wire, _ in line.calls if wire.action == "CertificateSigned")
        third.system.tell(HERE, m.CommandDone(command, 3, i.CommandResult("Accepted")))
        while (await third.book()).get("issued") != "accepted":
            await trio.sleep(0.05)
    async with living(database) as fourth:
        again = Line(4)
        fourth.system.tell(HERE, m.Connected(again, "ocpp2.0.1", 4, "peer"))
        await trio.sleep(0.5)
        assert not again.sent(i.CertificateSigned), "never twice"
    assert await audit(database) == []


@pytest.mark.parametrize("holds", ["next", "current"])
async def test_a_node_that_dies_between_acceptance_and_commit_locks_nobody_out(database: Database, holds: str) -> None:
    new = b"the-second-password!"
    change = i.SetVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword"), new.decode())
    async with living(database) as first:
        await furnish(first)
        line = Line(1)
        first.system.tell(HERE, m.Connected(line, "ocpp2.0.1", 1, "peer", 1, "current"))
        not_after = first.system.clock.now() + timedelta(days=365)
        async with trio.open_nursery() as nursery:

            async def rotate() -> None:
                await first.ask(HERE, m.Command("c1", change, not_after, "op"))

            nursery.start_soon(rotate)
            await until(lambda: line.sent(i.SetVariable))
            nursery.cancel_scope.cancel()  # the CALL is out, the station has decided, and the node dies
    async with living(database) as second:
        card = second.card()
        assert verify_secret(card.secret, OLD), "it may not have taken it"
        assert verify_secret(card.next_secret, new), "or it may"
        second.system.tell(HERE, m.Connected(Line(2), "ocpp2.0.1", 2, "peer", 1, holds))
        await until(lambda: second.card().next_secret is None)
    async with living(database) as third:
        card = third.card()
        assert card.next_secret is None
        assert verify_secret(card.secret, new) == (holds == "next")
        assert verify_secret(card.secret, OLD) == (holds == "current")
    stored = await database.fetch("SELECT body::text AS body FROM fact UNION ALL SELECT body::text FROM event")
    assert all(new.decode() not in row["body"] for row in stored)
    assert await audit(database) == []
