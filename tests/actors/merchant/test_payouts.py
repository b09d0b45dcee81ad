"""Payouts, booked as they go, and their lines."""

from datetime import timedelta
from typing import Any

import msgspec

from actors.model import psp
from tests.actors.kit import T0
from tests.actors.merchant.kit import bank, line

PENDING = psp.PayoutSeen("po_1", "pending", 4900, "EUR", T0)
PAID = msgspec.structs.replace(PENDING, status="paid", bank_reference="REF1")
LINES = (line("t1", "charge", 5000, "ch_1"), line("t2", "stripe_fee", -100, None), line("t3", "payout", -4900, "po_1"))


async def test_a_payout_is_booked_when_it_is_made_and_when_it_is_paid(autojump_clock: Any) -> None:
    """MONEY 3.4: 1020 | 1100, then 1010 | 1020. Twice told is once booked."""
    async with bank() as b:
        b.provider.answers[psp.FetchPayout] = PAID
        for seen in (PENDING, PENDING):
            await b.ask(psp.PspObserved(seen))
        assert b.books("m1") == {"1020": 4900, "1100/acct_1": -4900}
        for seen in (PAID, PENDING, PAID):
            await b.ask(psp.PspObserved(seen))
        assert b.books("m1") == {"1010": 4900, "1100/acct_1": -4900}
        (row,) = b.payouts()
        assert (row.status, row.account, row.bank_reference, len(row.journals)) == ("paid", "acct_1", "REF1", 2)


async def test_a_payout_that_is_heard_of_late_is_booked_whole(autojump_clock: Any) -> None:
    async with bank() as b:
        b.provider.answers[psp.FetchPayout] = PAID
        await b.ask(psp.PspObserved(PAID), "brand")
        assert b.books("brand") == {"1010": 4900, "1100/brand": -4900}


async def test_a_payout_that_was_paid_may_still_fail_and_then_the_money_is_back(autojump_clock: Any) -> None:
    async with bank() as b:
        b.provider.answers[psp.FetchPayout] = PAID
        await b.ask(psp.PspObserved(PAID))
        failed = msgspec.structs.replace(PAID, status="failed", failure="account_closed")
        await b.ask(psp.PspObserved(failed))
        await b.ask(psp.PspObserved(PAID))
        assert b.books("m1") == {}
        (row,) = b.payouts()
        assert (row.status, row.failure, len(row.journals)) == ("failed", "account_closed", 3)
        assert [event["status"] for event in b.events("payout")] == ["paid", "failed"]


async def test_a_payout_that_failed_on_its_way_never_reached_the_bank(autojump_clock: Any) -> None:
    async with bank() as b:
        b.provider.answers[psp.FetchPayout] = PENDING
        await b.ask(psp.PspObserved(PENDING))
        await b.ask(psp.PspObserved(msgspec.structs.replace(PENDING, status="canceled")))
        assert b.books("m1") == {}


async def test_the_lines_of_a_payout_are_asked_for_until_they_are_complete(autojump_clock: Any) -> None:
    """I11: a payout is the sum of its balance transactions."""
    async with bank() as b:
        b.provider.answers[psp.FetchPayout] = PAID
        await b.ask(psp.PspObserved(PAID))
        await b.settle()
        assert not b.payouts()[0].reconciled
        b.provider.answers[psp.FetchPayout] = msgspec.structs.replace(PAID, reconciled=True, lines=LINES)
        await b.later(timedelta(minutes=2))
        (row,) = b.payouts()
        assert (row.reconciled, row.lines, row.lines_minor) == (True, 2, 4900)
        assert {one.payout for one in b.lines().values()} == {"po_1"}
        assert b.events("payout_differs") == []
        assert b.lines()["t3"].state == "matched"


async def test_a_payout_that_is_not_the_sum_of_its_lines_is_told(autojump_clock: Any) -> None:
    async with bank() as b:
        lines = (*LINES[:1], line("t2", "stripe_fee", -99, None), LINES[2])
        b.provider.answers[psp.FetchPayout] = msgspec.structs.replace(PAID, reconciled=True, lines=lines)
        await b.ask(psp.PspObserved(PAID))
        await b.settle()
        assert b.events("payout_differs") == [{"payout": "po_1", "amount_minor": 4900, "lines_minor": 4901}]
