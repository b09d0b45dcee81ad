"""Documents in PostgreSQL and in its twin, and their numbers: without a gap, whoever writes at the same time, whatever dies."""

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import trio

from actors.ports import DocumentSum
from runtime.address import Address
from runtime.store import StoreAway, Verdict
from runtime.turn import MAIN, StagedTurn
from storage.audit import audit
from storage.database import Database
from storage.open import open_database
from tests.kits.postgres import end_connections, run_sql
from tests.storage.shown import AT, cdr, document
from tests.storage.test_queries import Kit, kit, walk  # noqa: F401 (the fixture)
from tests.storage.turns import Writer, fact

CREDIT: dict[str, Any] = {"kind": "credit_note", "series": "brand/credit_note/2026", "gross_minor": -119, "corrects": "d1"}


def actor(id: str, tenant: str = "acme") -> Address:
    return Address(tenant, "payment", id)


async def test_a_document_comes_back_with_its_number_and_stays_as_it_is(kit: Kit) -> None:  # noqa: F811
    await kit.write(document("d1"), document("d2"), actor=actor("p1"))
    await kit.write(document("d1"), document("d3"), document("c1", customer="t_1", **CREDIT), actor=actor("p1"))
    await kit.write(document("d1", tenant="other"), actor=actor("p1", "other"))
    numbers = {}
    for id in ("d1", "d2", "d3", "c1"):
        row = await kit.queries.document("acme", id)
        assert row is not None
        numbers[id] = row.number
    assert numbers == {"d1": 1, "d2": 2, "d3": 3, "c1": 1}
    credit = await kit.queries.document("acme", "c1")
    assert credit == document("c1", customer="t_1", number=1, **CREDIT)
    assert await kit.queries.document("other", "d2") is None


async def test_a_document_with_other_content_under_the_same_id_fails_its_turn_and_uses_up_no_number(kit: Kit) -> None:  # noqa: F811
    await kit.write(document("d1"), actor=actor("p1"))
    other = document("d1", body={"vat": [], "language": "en"})
    outcome = await kit.try_write(document("d2"), other, actor=actor("p2"))
    assert (outcome.verdict, "d1 exists with other content" in outcome.reason) == (Verdict.REJECTED, True)
    twice = await kit.try_write(document("d3"), document("d3", body={"vat": []}), actor=actor("p3"))
    assert twice.verdict is Verdict.REJECTED
    await kit.write(document("d4"), actor=actor("p4"))
    row = await kit.queries.document("acme", "d4")
    assert row is not None
    assert row.number == 2


async def test_documents_are_listed_newest_first_and_by_filters(kit: Kit) -> None:  # noqa: F811
    for n in range(3):
        at = AT + timedelta(days=n)
        await kit.write(document(f"d{n}", at=at, ref=f"s{n % 2}", customer="t_1" if n else ""), actor=actor(f"p{n}"))
    await kit.write(document("c1", at=AT + timedelta(days=9), **CREDIT), actor=actor("p9"))
    ask = kit.queries.documents
    assert [[row.id for row in page] for page in await walk(lambda c: ask("acme", 3, c))] == [["c1", "d2", "d1"], ["d0"]]
    assert [row.id for row in (await ask("acme", 9, None, kind="receipt", ref="s0")).items] == ["d2", "d0"]
    assert [row.id for row in (await ask("acme", 9, None, customer="t_1")).items] == ["d2", "d1"]
    until = await ask("acme", 9, None, since=AT, until=AT + timedelta(days=1))
    assert [row.id for row in until.items] == ["d0"]
    assert (await ask("acme", 9, None, seller="nobody")).items == []


async def test_a_month_is_summed_up_by_kind_and_rate(kit: Kit) -> None:  # noqa: F811
    two = {"vat": [{"rate": "19", "net_minor": 100, "vat_minor": 19}, {"rate": "7", "net_minor": 200, "vat_minor": 14}]}
    minus = {"vat": [{"rate": "19", "net_minor": -100, "vat_minor": -19}]}
    await kit.write(document("d1"), document("d2", body=two), document("c1", body=minus, **CREDIT), actor=actor("p1"))
    await kit.write(document("d3", at=AT + timedelta(days=31)), actor=actor("p2"))
    found = await kit.queries.document_sums("acme", AT, AT + timedelta(days=31), None, None)
    assert list(found) == [
        DocumentSum("credit_note", "EUR", "19", -100, -19, 1),
        DocumentSum("receipt", "EUR", "19", 1137, 216, 2),
        DocumentSum("receipt", "EUR", "7", 200, 14, 1),
    ]
    assert list(await kit.queries.document_sums("acme", AT, AT + timedelta(days=31), "nobody", None)) == []


async def test_a_session_has_one_cdr_that_bills_it_and_one_that_takes_it_back(kit: Kit) -> None:  # noqa: F811
    taken = {**cdr("c1-1", "s1").body, "credit": True, "credit_reference_id": "c1"}
    await kit.write(cdr("c1", "s1"), actor=actor("p1"))
    await kit.write(cdr("c1-1", "s1", body=taken), actor=actor("p1"))
    for id, body in (("c2", cdr("c2", "s1").body), ("c1-2", {**taken, "id": "c1-2"})):
        outcome = await kit.try_write(cdr(id, "s1", body=body), actor=actor("p2"))
        assert (outcome.verdict, "session s1 has CDR c1" in outcome.reason) == (Verdict.REJECTED, True)
    assert {row.id for row in (await kit.queries.cdrs("acme", 9, None)).items} == {"c1", "c1-1"}


@pytest.mark.postgres
@pytest.mark.parametrize("verb", ["UPDATE document SET gross_minor = 1", "DELETE FROM document", "TRUNCATE document"])
def test_a_document_is_never_changed_even_by_the_owner(fresh_dsn: str, verb: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append only"):
        run_sql(fresh_dsn, verb)


class Issuer:
    """A node that issues documents from its own actors, in batches, some of them in turns that the database refuses."""

    def __init__(self, name: str, database: Database, dice: random.Random) -> None:
        self.name, self.store, self.dice = name, database.store, dice
        self.issued = 0

    async def run(self) -> None:
        for n in range(40):
            turns = [self._turn(n, k) for k in range(self.dice.randint(1, 5))]
            for turn, verdict in zip(turns, await self._commit(turns), strict=True):
                assert verdict is (Verdict.REJECTED if len(turn.rows) > 1 else Verdict.COMMITTED)
                self.issued += verdict is Verdict.COMMITTED

    def _turn(self, n: int, k: int) -> StagedTurn:
        id = f"{self.name}-{n}-{k}"
        row = document(id, series=f"m{self.dice.randrange(2)}/receipt/2026")
        wrong = [document(f"x{id}"), document(f"x{id}", body={"vat": []})] if self.dice.random() < 0.2 else []
        return Writer(actor(id), seed=self.dice.randrange(1 << 30)).turn(facts=[fact()], rows=[row, *wrong])

    async def _commit(self, turns: list[StagedTurn]) -> list[Verdict]:
        while True:
            try:
                return [outcome.verdict for outcome in await self.store.commit(MAIN, turns)]
            except StoreAway:
                await trio.sleep(0.02)


@pytest.mark.postgres
async def test_numbers_have_no_gap_while_two_nodes_issue_turns_are_refused_and_connections_are_killed(fresh_dsn: str) -> None:
    seed = 7
    async with open_database(fresh_dsn, migrating=False) as one, open_database(fresh_dsn, migrating=False) as two:
        nodes = [Issuer(name, db, random.Random(f"{seed}{name}")) for name, db in (("a", one), ("b", two))]
        done = trio.Event()

        async def killer() -> None:
            dice = random.Random(seed)
            while not done.is_set():
                await trio.sleep(dice.uniform(0.01, 0.12))
                await trio.to_thread.run_sync(end_connections, fresh_dsn, "%commit_turns%")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(killer)
            async with trio.open_nursery() as both:
                for node in nodes:
                    both.start_soon(node.run)
            done.set()
        records: list[Any] = []
        while not records:
            try:
                records = list(await one.fetch("SELECT series, number, id FROM document ORDER BY series, number"))
            except StoreAway:
                await trio.sleep(0.05)
        numbers: dict[str, list[int]] = defaultdict(list)
        for record in records:
            numbers[record["series"]].append(record["number"])
        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
        assert len(records) == sum(node.issued for node in nodes)
        assert not any(record["id"].startswith("x") for record in records)
        assert not [finding for finding in await audit(one) if finding.what == "document number"]


@pytest.mark.postgres
async def test_a_document_that_was_taken_out_by_hand_is_found_by_the_audit(fresh_dsn: str) -> None:
    async with open_database(fresh_dsn, migrating=False) as db:
        turn = Writer(actor("p1")).turn(facts=[fact()], rows=[document("d1"), document("d2")])
        await db.store.commit(MAIN, [turn])
        await trio.to_thread.run_sync(
            run_sql, fresh_dsn, "SET session_replication_role = replica; DELETE FROM document WHERE id = 'd1'"
        )
        found = [finding for finding in await audit(db) if finding.what == "document number"]
    assert [(finding.subject, "1 documents numbered up to 2" in finding.detail) for finding in found] == [
        ("brand/receipt/2026", True)
    ]
