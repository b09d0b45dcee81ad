"""Transfers, payouts and balance lines in the read model, in PostgreSQL and in its twin."""

from datetime import timedelta
from typing import Any

from actors.merchant.matching import Booked, Subject
from actors.merchant.rows import card_of
from actors.model import posting
from actors.model.rows import BalanceLineRow, PayoutRow, TransferRow
from actors.ports import MerchantCard, MissingLine
from runtime.address import Address
from tests.storage.shown import AT, merchant, payment, tenant
from tests.storage.test_queries import Kit, kit, walk  # noqa: F401 (the fixture)

M1 = Address("acme", "merchant", "m1")
CARD: MerchantCard = card_of(merchant("m1", account="acct_1"))


def transfer(id: str, **fields: Any) -> TransferRow:
    base: dict[str, Any] = {"kind": "transfer", "role": "owner", "state": "asked", "currency": "EUR", "amount_minor": 1172}
    return TransferRow(**{"tenant": "acme", "id": id, "merchant": "m1", **base, "created_at": AT, "updated_at": AT, **fields})


def payout(id: str, **fields: Any) -> PayoutRow:
    base: dict[str, Any] = {"account": "acct_1", "status": "paid", "currency": "EUR", "amount_minor": 4900}
    return PayoutRow(**{"tenant": "acme", "id": id, "merchant": "m1", **base, "created_at": AT, "updated_at": AT, **fields})


def line(id: str, **fields: Any) -> BalanceLineRow:
    base: dict[str, Any] = {"account": "acct_1", "kind": "charge", "currency": "EUR", "amount_minor": 1234, "fee_minor": 106}
    rest: dict[str, Any] = {"net_minor": 1128, "created": AT, "state": "unmatched", "first_seen_at": AT, "updated_at": AT}
    return BalanceLineRow(**{"tenant": "acme", "id": id, "merchant": "m1", **base, **rest, **fields})


async def test_transfers_and_payouts_come_back_as_they_were_written_and_only_forward(kit: Kit) -> None:  # noqa: F811
    done = transfer(
        "t1", state="done", transfer="tr_1", refs=[["s1", 1172]], left_minor=700, reason="x", journals=["j1"], reversal="trr_1"
    )  # fmt: skip
    await kit.write(transfer("t1"), transfer("t2", merchant="m2"), actor=M1)
    await kit.write(done, actor=M1)
    assert (await kit.queries.transfers("acme", "m1", None, 10, None)).items == [done]
    assert [row.id for row in (await kit.queries.transfers("acme", None, "asked", 10, None)).items] == ["t2"]
    failed = payout("po_1", status="failed", reconciled=True, lines=2, lines_minor=4900, failure="closed", arrival=AT,
        bank_reference="R", automatic=False, journals=["j"])  # fmt: skip
    await kit.write(payout("po_1"), payout("po_2", created_at=AT + timedelta(1)), actor=M1)
    await kit.write(failed, actor=M1)
    assert await kit.queries.payout("acme", "po_1") == failed
    assert await kit.queries.payout("other", "po_1") is None
    pages = await walk(lambda cursor: kit.queries.payouts("acme", None, None, 1, cursor))
    assert [[row.id for row in page] for page in pages] == [["po_2"], ["po_1"]]


async def test_lines_that_are_not_settled_are_found_again(kit: Kit) -> None:  # noqa: F811
    full = line("b", state="differs", expected_minor=1127, journals=["j1"], corrections=["j2"], suspense_minor=1, payout="po_1",
        suspense_pending_minor=1, pending_minor=1128, moved_minor=2, resolved_to="5000", reason="r", source="ch_1", about="x",
        available_on=AT)  # fmt: skip
    matched = {"state": "matched", "journals": ["j9"]}
    await kit.write(
        line("a", **matched), full, line("c", pending_minor=5, available_on=AT, **matched), line("e", account="acct_2"),
        line("d", pending_minor=5, available_on=AT + timedelta(days=7), **matched), actor=M1,
    )  # fmt: skip
    found = await kit.lookups.unsettled_lines("acme", "acct_1", "", AT + timedelta(hours=1), 10)
    assert [row.id for row in found] == ["b", "c"]
    assert found[0] == full
    assert [row.id for row in await kit.lookups.unsettled_lines("acme", "acct_1", "b", AT + timedelta(days=8), 1)] == ["c"]
    assert [row.id for row in await kit.lookups.lines("acme", "acct_1", ["b", "e", "zz"])] == ["b"]
    listed = await kit.queries.balance_lines("acme", 10, None, merchant="m1", states=("differs",))
    assert [row.id for row in listed.items] == ["b"]
    assert [row.id for row in (await kit.queries.balance_lines("acme", 10, None, payout="po_1")).items] == ["b"]
    counts = {(one["account"], one["state"]): (one["lines"], one["suspense"]) for one in await kit.queries.balance_counts("acme")}
    assert counts == {("acct_1", "matched"): (3, 0), ("acct_1", "differs"): (1, 1), ("acct_2", "unmatched"): (1, 0)}


async def test_the_provider_s_ids_lead_to_payments_and_transfers(kit: Kit) -> None:  # noqa: F811
    paid = payment("p1", charge="ch_1", refunds=[{"id": "r1", "refund": "re_1"}], dispute={"id": "dp_1"})
    moved, back = transfer("t1", transfer="tr_1"), transfer("t2", kind="reversal", transfer="tr_1", reversal="trr_1")
    await kit.write(paid, actor=Address("acme", "payment", "p1"))
    await kit.write(moved, back, actor=M1)
    found = await kit.lookups.behind(["ch_1", "re_1", "dp_1", "tr_1", "trr_1", "zz"])
    assert found == {
        **dict.fromkeys(("ch_1", "re_1", "dp_1"), Subject((paid,))), "tr_1": Subject((), (moved,)), "trr_1": Subject((), (back,))
    }  # fmt: skip


async def test_what_journals_did_to_an_account_and_which_of_them_no_movement_shows(kit: Kit) -> None:  # noqa: F811
    journals = posting.transfer_made(
        tenant="acme", transfer="t1", merchant=CARD, ref="s1", amount_minor=1172, currency="EUR", at=AT
    )  # fmt: skip
    moved = posting.funds_available(
        tenant="acme", book="m1", account="acct_1", line="x", amount_minor=1172, currency="EUR", at=AT
    )  # fmt: skip
    odd = posting.suspense_in(
        tenant="acme", book="m1", account="acct_1", item="y", amount_minor=7, currency="EUR", at=AT
    )  # fmt: skip
    await kit.write(*journals, moved, odd, actor=M1)
    ours, theirs = journals[1], journals[0]
    ids = [ours.id, theirs.id, moved.id, "none"]
    assert await kit.lookups.booked("acme", "m1", "acct_1", ids) == {ours.id: Booked(1172, 0), moved.id: Booked(1172, -1172)}
    assert await kit.lookups.account_sums("acme", "m1", "acct_1") == {"EUR": 1179}
    before = AT + timedelta(days=1)
    missing = await kit.queries.missing_lines("acme", AT, before)
    assert {one.journal for one in missing} == {ours.id, theirs.id}
    assert MissingLine(ours.id, "m1", "acct_1", "s1", AT, "EUR", 1172) in missing
    await kit.write(line("l1", journals=[ours.id]), line("l2", state="elsewhere", net_minor=30), actor=M1)
    assert [one.journal for one in await kit.queries.missing_lines("acme", AT, before)] == [theirs.id]
    assert (await kit.lookups.booked("acme", "m1", "acct_1", ids))[ours.id] == Booked(1172, 0, "l1")
    assert await kit.lookups.account_sums("acme", "m1", "acct_1") == {"EUR": 1209}


async def test_a_tenant_that_is_alone_is_known_to_be(kit: Kit) -> None:  # noqa: F811
    assert await kit.lookups.sole_tenant() is None
    await kit.write(tenant())
    assert await kit.lookups.sole_tenant() == "acme"
    await kit.write(tenant("other"), actor=Address("other", "tenant", "other"))
    assert await kit.lookups.sole_tenant() is None
