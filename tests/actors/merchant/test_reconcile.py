"""The account with the provider compared with our books: MONEY 7.13, a movement missing, doubled, or wrong by a cent is found."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from actors.merchant import messages as m
from actors.merchant.rows import card_of
from actors.model import posting, psp
from actors.model.money import Cost, Money, VatAmount
from actors.model.rating import KindNet
from actors.model.rows import MerchantRow, PaymentRow
from actors.payment.messages import refund_key
from tests.actors.kit import T0, TENANT
from tests.actors.merchant.kit import Bank, bank, line

COST = Cost(Money(1037, "EUR"), Money(1234, "EUR"), (VatAmount(Decimal(19), Money(197, "EUR")),))
KINDS = (KindNet("energy", Money(1037, "EUR")),)
DAY = timedelta(minutes=24)


def paid(b: Bank, *, fee_minor: int = 44, id: str = "p1") -> None:
    """A session of 12.34 was charged on acct_1 with an application fee of 0.62, and booked (MONEY 3.4)."""
    row: MerchantRow | None = b.house.rows.get(MerchantRow, TENANT, "m1")
    assert row is not None
    card, charge = card_of(row), f"ch_{id}"
    journals = posting.captured(
        tenant=TENANT, attempt=id, session=f"s{id}", merchant=card, country="DE", cost=COST, kinds=KINDS, captured_minor=1234,
        fee_minor=62, at=T0,
    )  # fmt: skip
    fee = posting.psp_fee(
        tenant=TENANT, charge=charge, ref=f"s{id}", merchant=card, fee_minor=fee_minor, currency="EUR", at=T0
    )  # fmt: skip
    assert fee is not None
    payment = PaymentRow(
        tenant=TENANT, id=id, purpose="session", state="captured", currency="EUR", hold_minor=5000, created_at=T0, updated_at=T0,
        account="acct_1", charge=charge, merchant="m1",
    )  # fmt: skip
    b.write(payment, *journals, fee)


CHARGE = line("txn_1", "charge", 1128, "ch_p1", fee=106)
FEE = line("txn_2", "application_fee", 62, "fee_1", about="ch_p1")


async def told(b: Bank, *lines: psp.BalanceLine, merchant: str = "m1", amount: int | None = None) -> None:
    """A reconciliation that is told of these movements."""
    total = sum(one.net_minor for one in lines) if amount is None else amount
    b.provider.balances["brand" if merchant == "brand" else "acct_1"] = psp.BalanceSeen((("EUR", total, 0),), lines)
    await b.ask(m.Reconcile("op"), merchant)
    await b.later(timedelta(seconds=3))


async def test_what_the_books_explain_is_matched_and_becomes_available(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b)
        await told(b, CHARGE)
        row = b.lines()["txn_1"]
        assert (row.state, len(row.journals), row.expected_minor, row.moved_minor) == ("matched", 2, 1128, 1128)
        assert {name: minor for name, minor in b.books("m1").items() if name.startswith("11")} == {"1100/acct_1": 1128}
        assert b.balance("acct_1")["difference_minor"] == 0
        await told(b, FEE, merchant="brand")
        assert b.lines()["txn_2"].state == "matched"
        assert b.books("brand")["1100/brand"] == 62
        assert b.balance()["difference_minor"] == 0
        assert [event["open"] for event in b.events("reconciled")][-2:] == [0, 0]


async def test_money_that_is_not_available_yet_stays_pending(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b)
        await told(b, msgspec.structs.replace(CHARGE, available_on=T0 + 2 * DAY, status="pending"))
        assert b.books("m1")["1110/acct_1"] == 1128
        await b.later(3 * DAY)
        assert b.books("m1")["1100/acct_1"] == 1128
        assert "1110/acct_1" not in b.books("m1")


async def test_a_movement_that_is_wrong_by_a_cent_is_found(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b, fee_minor=43)
        await told(b, CHARGE)
        row = b.lines()["txn_1"]
        assert (row.state, row.net_minor, row.expected_minor, row.suspense_minor) == ("differs", 1128, 1129, 0)
        await b.later(DAY + timedelta(minutes=2))
        row = b.lines()["txn_1"]
        assert (row.state, row.suspense_minor) == ("differs", -1)
        assert b.books("m1")["2400"] == 1
        assert b.books("m1")["1100/acct_1"] == 1128, "the books say what the account says"
        assert [item["line"] for event in b.events("unmatched") for item in event["items"]] == ["txn_1"]


async def test_a_movement_that_comes_twice_is_found(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b)
        again = msgspec.structs.replace(CHARGE, id="txn_9")
        await told(b, CHARGE, again)
        assert {id: row.state for id, row in b.lines().items()} == {"txn_1": "matched", "txn_9": "doubled"}
        await b.later(DAY + timedelta(minutes=2))
        assert b.lines()["txn_9"].suspense_minor == 1128
        assert b.books("m1")["2400"] == -1128


async def test_a_movement_that_the_provider_does_not_show_is_found(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b)
        paid(b, id="p2")
        await told(b, CHARGE, amount=1128)
        missing = await b.house.queries.missing_lines(TENANT, T0, T0 + DAY)
        assert {(one.account, one.minor) for one in missing if one.ref == "sp2"} == {
            ("acct_1", 1172),
            ("acct_1", -44),
            ("brand", 62),
        }
        assert b.balance("acct_1")["difference_minor"] == -1128
        assert b.events("reconciled")[-1]["differs"] == ["EUR"]


async def test_what_nobody_knows_goes_to_suspense_at_once_and_an_operator_says_what_it_is(autojump_clock: Any) -> None:
    async with bank() as b:
        await told(b, line("txn_5", "climate_order_purchase", -300, None))
        row = b.lines()["txn_5"]
        assert (row.state, row.suspense_minor) == ("unmatched", -300)
        assert b.books("m1") == {"1100/acct_1": -300, "2400": 300}
        for account, field in (("9999", "account"), ("1100/acct_1", "account"), ("2400", "account"), ("2100/w1", "account")):
            refused = await b.ask(m.ResolveItem("op", "txn_5", account, "why"))
            assert (refused.code, refused.field) == ("invalid", field)
        assert (await b.ask(m.ResolveItem("op", "txn_6", "5000", "why"))).code == "unknown"
        await b.ask(m.ResolveItem("op", "txn_5", "5000", "a charity"))
        assert b.books("m1") == {"1100/acct_1": -300, "5000": 300}
        row = b.lines()["txn_5"]
        assert (row.state, row.resolved_to, row.reason, row.suspense_minor) == ("resolved", "5000", "a charity", 0)
        assert (await b.ask(m.ResolveItem("op", "txn_5", "5000", "again"))).code == "conflict"


async def test_what_the_books_explain_later_leaves_suspense_by_itself(autojump_clock: Any) -> None:
    async with bank() as b:
        await told(b, CHARGE)
        assert b.lines()["txn_1"].state == "unmatched"
        await b.later(DAY + timedelta(minutes=2))
        assert b.books("m1") == {"1100/acct_1": 1128, "2400": -1128}
        paid(b)
        await b.later(DAY + timedelta(minutes=2))
        row = b.lines()["txn_1"]
        assert (row.state, row.suspense_minor, len(row.corrections)) == ("matched", 0, 2)
        assert "2400" not in b.books("m1")
        assert {name: minor for name, minor in b.books("m1").items() if name.startswith("11")} == {"1100/acct_1": 1128}


async def test_transfers_are_found_on_both_sides(autojump_clock: Any) -> None:
    async with bank() as b:
        await b.letter(m.OwnerCredited("s1", 1172, "EUR", T0))
        await b.letter(m.OwnerDebited("r1", "s1", 475, "EUR", T0))
        await told(
            b, line("b1", "transfer", -1172, "tr_1"), line("b2", "transfer_refund", 475, "trr_1"), merchant="brand"
        )  # fmt: skip
        await told(
            b, line("m1", "payment", 1172, "py_1", about="tr_1"), line("m2", "payment_refund", -475, "pyr_1", about="trr_1")
        )
        assert {id: row.state for id, row in b.lines().items()} == dict.fromkeys(("b1", "b2", "m1", "m2"), "matched")
        assert (b.balance()["difference_minor"], b.balance("acct_1")["difference_minor"]) == (0, 0)


async def test_movements_come_page_by_page_and_only_what_is_new_is_asked_for(autojump_clock: Any) -> None:
    async with bank() as b:
        pages = [
            psp.BalanceSeen((("EUR", 0, 0),), (line("a1", "stripe_fee", -1, None),), "a1"),
            psp.BalanceSeen((("EUR", 0, 0),), (line("a2", "stripe_fee", -2, None, created=T0 + timedelta(seconds=9)),)),
        ]
        nothing = psp.BalanceSeen(())
        b.provider.answers[psp.FetchBalance] = lambda call: pages[call.after is not None] if call.account else nothing
        await b.ask(m.Reconcile("op"))
        await b.later(timedelta(seconds=3))
        assert [call.after for call in b.provider.of(psp.FetchBalance) if call.account] == [None, "a1"]
        assert sorted(b.lines()) == ["a1", "a2"]
        await b.later(DAY + timedelta(minutes=1))
        later = next(call for call in b.provider.of(psp.FetchBalance)[2:] if call.account)
        assert later.since == T0 + timedelta(seconds=9) - b.house.env.limits.reconcile_back
        assert b.books("m1")["2400"] == 3, "what was judged is not judged again"


async def test_refunds_and_disputes_are_found_by_the_keys_under_which_payments_book_them(autojump_clock: Any) -> None:
    async with bank() as b:
        paid(b)
        row: MerchantRow | None = b.house.rows.get(MerchantRow, TENANT, "m1")
        assert row is not None
        card = card_of(row)
        back = posting.refund_direct(
            tenant=TENANT, refund=refund_key("p1", 1), session="sp1", merchant=card, country="DE", cost=COST, kinds=KINDS,
            captured_minor=1234, refunded_before_minor=0, amount_minor=500, fee_minor=62, fee_returned_minor=25, at=T0,
        )  # fmt: skip
        taken = posting.dispute_opened(
            tenant=TENANT, dispute="dp_1", ref="sp1", merchant=card, amount_minor=734, fee_minor=2000, currency="EUR", at=T0
        )  # fmt: skip
        payment: PaymentRow | None = b.house.rows.get(PaymentRow, TENANT, "p1")
        assert payment is not None
        told_ = {"refunds": [{"id": "r-any", "n": 1, "refund": "re_1"}], "dispute": {"id": "dp_1"}}
        b.write(msgspec.structs.replace(payment, **told_), *back, taken)
        await told(b, CHARGE, line("t2", "refund", -475, "re_1"), line("t3", "adjustment", -2734, "dp_1", fee=2000))
        assert {id: one.state for id, one in b.lines().items()} == dict.fromkeys(("txn_1", "t2", "t3"), "matched")
        await told(b, FEE, line("t4", "application_fee_refund", -25, "fr_1", about="ch_p1"), merchant="brand")
        assert b.lines()["t4"].state == "matched"
        assert (b.balance()["difference_minor"], b.balance("acct_1")["difference_minor"]) == (0, 0)
