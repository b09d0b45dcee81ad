"""What the brand owes an owner or partner is sent, and taken back after a refund."""

from datetime import timedelta
from typing import Any

import msgspec
import trio

from actors.merchant import messages as m
from actors.model import psp
from tests.actors.kit import T0
from tests.actors.merchant.kit import PUT, Bank, Provider, bank, quick


def credit(amount: int, ref: str = "s1", **fields: Any) -> m.OwnerCredited:
    return m.OwnerCredited(ref, amount, "EUR", T0, **fields)


def debit(amount: int, session: str = "s1", **fields: Any) -> m.OwnerDebited:
    return m.OwnerDebited(f"refund of {session}", session, amount, "EUR", T0, **fields)


async def test_what_is_worth_a_transfer_is_sent_and_booked_when_the_provider_did_it(autojump_clock: Any) -> None:
    """MONEY 3.4: 11.72 to the owner. B: 2200 | 1100. M: 1100 | 1250."""
    async with bank() as b:
        await b.letter(credit(1172))
        (call,) = b.provider.of(psp.MakeTransfer)
        assert (call.key, call.destination, call.amount_minor, call.account) == ("transfer:acme:m1:1:1", "acct_1", 1172, None)
        (row,) = b.transfers()
        assert (row.state, row.transfer, row.refs, row.left_minor) == ("done", "tr_1", [["s1", 1172]], 1172)
        assert b.books("brand") == {"1100/brand": -1172, "2200/m1": 1172}
        assert b.books("m1") == {"1100/acct_1": 1172, "1250": -1172}


async def test_small_amounts_go_together_after_a_day(autojump_clock: Any) -> None:
    async with bank() as b:
        await b.letter(credit(200, "s1"))
        await b.later(timedelta(minutes=20))
        await b.letter(credit(199, "s2"))
        assert b.provider.of(psp.MakeTransfer) == []
        await b.later(timedelta(minutes=4, seconds=1))
        (call,) = b.provider.of(psp.MakeTransfer)
        assert call.amount_minor == 399
        assert b.transfers()[0].refs == [["s1", 200], ["s2", 199]]


async def test_many_small_ones_go_as_soon_as_they_come_to_something(autojump_clock: Any) -> None:
    async with bank(quick(transfer_refs=3)) as b:
        for n in range(3):
            await b.letter(credit(10, f"s{n}"))
        assert [call.amount_minor for call in b.provider.of(psp.MakeTransfer)] == [30]
        await b.letter(credit(500, "s9"))
        assert [call.amount_minor for call in b.provider.of(psp.MakeTransfer)] == [30, 500]


async def test_without_an_account_it_stays_owed_until_there_is_one(autojump_clock: Any) -> None:
    async with bank(account=None) as b:
        await b.letter(credit(1172))
        await b.later(timedelta(minutes=60))
        assert b.provider.of(psp.MakeTransfer) == []
        await b.ask(msgspec.structs.replace(PUT, account="acct_1"))
        await b.settle()
        assert [call.amount_minor for call in b.provider.of(psp.MakeTransfer)] == [1172]


async def test_too_little_on_the_brand_s_balance_is_no_end(autojump_clock: Any) -> None:
    async with bank() as b:
        done = b.provider.answers[psp.MakeTransfer]
        b.provider.answers[psp.MakeTransfer] = psp.PspRefused("balance_insufficient", "too little")
        await b.letter(credit(1172))
        (row,) = b.transfers()
        assert (row.state, row.reason) == ("waiting", "balance_insufficient")
        assert [event["reason"] for event in b.events("transfer_waiting")] == ["balance_insufficient"]
        assert b.books("brand") == {}
        await b.later(timedelta(seconds=62))
        b.provider.answers[psp.MakeTransfer] = done
        await b.later(timedelta(seconds=122))
        keys = [call.key for call in b.provider.of(psp.MakeTransfer)]
        assert keys == [f"transfer:acme:m1:1:{n}" for n in (1, 2, 3)], "a refusal is remembered by its key"
        assert b.transfers()[0].state == "done"
        assert len(b.events("transfer_waiting")) == 1
        assert b.books("brand") == {"1100/brand": -1172, "2200/m1": 1172}


async def test_a_refund_takes_its_part_back_from_the_transfer_that_paid_the_session(autojump_clock: Any) -> None:
    """MONEY 3.4: 4.75 back. B: 1100 | 2200."""
    async with bank() as b:
        await b.letter(credit(1172, "s1"))
        await b.letter(credit(900, "s2"))
        await b.letter(debit(475, "s1"))
        (call,) = b.provider.of(psp.ReverseTransfer)
        assert (call.key, call.transfer, call.amount_minor) == ("reversal:acme:m1:3:1", "tr_1", 475)
        rows = b.transfers()
        assert [(row.kind, row.state, row.left_minor) for row in rows] == [
            ("transfer", "done", 697), ("transfer", "done", 900), ("reversal", "done", 0),
        ]  # fmt: skip
        assert (rows[2].transfer, rows[2].reversal) == ("tr_1", "trr_1")
        assert b.books("brand") == {"1100/brand": -1597, "2200/m1": 1597}
        assert b.books("m1") == {"1100/acct_1": 1597, "1250": -1597}


async def test_a_refund_larger_than_any_transfer_takes_from_several_and_the_rest_from_what_comes(autojump_clock: Any) -> None:
    async with bank() as b:
        await b.letter(credit(600, "s1"))
        await b.letter(credit(700, "s2"))
        await b.letter(debit(1500, "s1"))
        reversed_ = sorted((call.transfer, call.amount_minor) for call in b.provider.of(psp.ReverseTransfer))
        assert reversed_ == [("tr_1", 600), ("tr_2", 700)]
        await b.letter(credit(900, "s3"))
        assert b.provider.of(psp.MakeTransfer)[-1].amount_minor == 700, "200 are still owed back"
        assert b.books("brand") == {"1100/brand": -700, "2200/m1": 700}


async def test_what_was_not_sent_yet_needs_no_reversal(autojump_clock: Any) -> None:
    async with bank() as b:
        await b.letter(credit(300, "s1"))
        await b.letter(debit(300, "s1"))
        await b.later(timedelta(minutes=48))
        assert (b.provider.of(psp.MakeTransfer), b.provider.of(psp.ReverseTransfer)) == ([], [])


async def test_a_partner_is_paid_from_what_the_brand_owes_partners(autojump_clock: Any) -> None:
    """MONEY 3.4: site host 3.11. B: 2210 | 1100. A partner has no book for it."""
    async with bank(quick(transfer_at_once_minor=1)) as b:
        await b.letter(credit(311, role="partner"))
        await b.letter(debit(100, role="partner"))
        assert b.books("brand") == {"1100/brand": -211, "2210/m1": 211}
        assert b.books("m1") == {}


async def test_nobody_knows_whether_it_was_done_so_it_is_asked_again_with_the_same_key(autojump_clock: Any) -> None:
    async with bank() as b:
        done = b.provider.answers[psp.MakeTransfer]
        b.provider.answers[psp.MakeTransfer] = psp.PspUnsure("lost answer")
        await b.letter(credit(1172))
        assert b.transfers()[0].state == "asked"
        b.provider.answers[psp.MakeTransfer] = done
        await b.later(timedelta(minutes=4))
        assert {call.key for call in b.provider.of(psp.MakeTransfer)} == {"transfer:acme:m1:1:1"}
        assert b.books("brand") == {"1100/brand": -1172, "2200/m1": 1172}


async def test_a_crash_of_the_node_loses_no_transfer_and_makes_none_twice(autojump_clock: Any) -> None:
    async with bank() as b:
        b.provider.answers[psp.MakeTransfer] = psp.PspUnsure("the node dies now")
        await b.letter(credit(1172))
        house = b.house
    house = house.after_crash()

    provider = Provider(house)
    async with trio.open_nursery() as nursery:
        await nursery.start(house.system.run)
        again = Bank(house, provider)
        await again.later(timedelta(minutes=4))
        assert [call.key for call in provider.of(psp.MakeTransfer)] == ["transfer:acme:m1:1:1"]
        assert again.books("brand") == {"1100/brand": -1172, "2200/m1": 1172}
        nursery.cancel_scope.cancel()


async def test_what_no_transfer_can_carry_waits_for_what_it_can_go_with(autojump_clock: Any) -> None:
    """A third decimal: the provider moves tens of fils only, and the books follow what it moves."""
    async with bank() as b:
        await b.letter(m.OwnerCredited("s1", 1234, "KWD", T0))
        await b.letter(m.OwnerCredited("s2", 1236, "KWD", T0))
        assert [call.amount_minor for call in b.provider.of(psp.MakeTransfer)] == [1230, 1240]
        assert b.books("brand")["1100/brand"] == -2470
