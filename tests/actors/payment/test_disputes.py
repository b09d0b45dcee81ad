"""Disputes of what was refunded, in whole or in part: what the provider moved is in the books, to the cent, and told."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from actors.model import psp
from actors.payment import messages as m
from actors.payment.state import PaymentState
from actors.wallet.messages import TopUpReturned
from gateways.web.evidence import pack
from tests.actors.payment.bench import WALLET, Bench
from tests.actors.payment.test_topups import TOP_UP, opening


def captured(refunded: int = 0) -> Bench:
    bench = Bench()
    bench.capture()
    if refunded:
        bench.tell(m.RefundPayment("r1", "op", "broken plug", refunded))
        bench.work()
    return bench


def moved(bench: Bench, before: dict[str, int]) -> dict[str, int]:
    after = bench.balance()
    steps = {key: after.get(key, 0) - before.get(key, 0) for key in after | before}
    return {key: step for key, step in steps.items() if step}


def dispute(bench: Bench, amount: int, *ends: str) -> None:
    bench.provider.dispute("pi_1", amount)
    bench.webhook()
    for end in ends:
        bench.provider.end_dispute(end)
        bench.webhook()


def test_what_is_withdrawn_after_a_full_refund_is_in_the_books_and_told() -> None:
    bench = captured(1234)
    before = bench.balance()
    dispute(bench, 1234)
    assert moved(bench, before) == {"m1:1160": 1234, "m1:5050": 2000, "m1:1100/acct_1": -3234}
    told = next(event for event in bench.events if event.kind == "payment.refunded_and_disputed")
    assert told.body["twice_minor"] == 1234
    assert "evidence" in told.body["action"]
    assert bench.row is not None
    assert bench.row.dispute is not None
    assert (bench.row.dispute["withdrawn_minor"], bench.row.dispute["refunded_before_minor"]) == (1234, 1234)
    text = pack(bench.row, None, (), ())["uncategorized_text"]
    assert "1234 (minor units of EUR) of this charge were refunded to the same card, refund re_1" in text
    assert "1234 of what is disputed had been given back already" in text


def test_a_dispute_of_what_was_refunded_that_is_won_leaves_only_its_fee() -> None:
    bench = captured(1234)
    before = bench.balance()
    dispute(bench, 1234, "won")
    assert moved(bench, before) == {"m1:5050": 2000, "m1:1100/acct_1": -2000}
    assert bench.state.lost_minor == bench.state.twice_minor == 0


def test_a_dispute_of_what_was_refunded_that_is_lost_is_a_loss_without_vat() -> None:
    """The refund has corrected the VAT; there is nothing left of the sale."""
    bench = captured(1234)
    before = bench.balance()
    dispute(bench, 1234, "lost")
    assert moved(bench, before) == {"m1:5060": 1234, "m1:5050": 2000, "m1:1100/acct_1": -3234}
    assert (bench.state.lost_minor, bench.state.twice_minor) == (0, 1234)
    assert "m1:2300/DE/19" not in bench.balance()
    actions = [event.body["action"] for event in bench.events if event.kind == "payment.refunded_and_disputed"]
    assert "claim" in actions[-1]


def test_a_dispute_of_the_whole_after_a_part_was_refunded_loses_the_rest_with_its_vat() -> None:
    bench = captured(500)
    before = bench.balance()
    dispute(bench, 1234, "lost")
    # 7.34 left of the sale: 6.17 and 1.17 of VAT; 5.00 went twice.
    assert moved(bench, before) == {"m1:5060": 617 + 500, "m1:2300/DE/19": 117, "m1:5050": 2000, "m1:1100/acct_1": -3234}
    assert (bench.state.lost_minor, bench.state.twice_minor) == (734, 500)
    assert bench.tell(m.RefundPayment("r2", "op", "again", 1)).code == "too_much"


@pytest.mark.parametrize("refund", [1234, 500, 900])
@pytest.mark.parametrize("amount", [1234, 734])
def test_the_books_are_the_same_in_whichever_order_refund_and_loss_are_seen(refund: int, amount: int) -> None:
    """A dashboard's refund may be seen only after the dispute was lost."""
    ends: list[tuple[dict[str, int], int, int]] = []
    for order in itertools.permutations(("refund", "dispute")):
        bench = captured()
        bench.provider.refund("pi_1", refund)
        bench.provider.dispute("pi_1", amount)
        bench.provider.end_dispute("lost")
        seen = {"refund": bench.provider.refunds["re_1"], "dispute": bench.provider.disputes["dp_1"]}
        for kind in order:
            bench.tell(psp.PspObserved(seen[kind]))
        ends.append((bench.balance(), bench.state.lost_minor, bench.state.twice_minor))
        bench.crash()
    assert ends[0] == ends[1]
    assert ends[0][2] == max(0, amount - (1234 - refund))


def test_a_refund_that_comes_back_after_the_loss_makes_it_a_loss_of_what_was_sold() -> None:
    bench = captured(1234)
    dispute(bench, 1234, "lost")
    bench.provider.move_refund("re_1", "failed")
    bench.webhook()
    assert (bench.state.refunded_minor, bench.state.lost_minor, bench.state.twice_minor) == (0, 1234, 0)
    plain = captured()
    dispute(plain, 1234, "lost")
    assert bench.balance() == plain.balance()


def test_a_wallet_owes_what_was_refunded_and_taken_back() -> None:
    bench = Bench()
    bench.open(opening(TOP_UP))
    bench.provider.pay("cs_1")
    bench.webhook()
    bench.work()
    bench.tell(m.RefundPayment("r1", "op", "asked"))
    bench.work()
    before = bench.balance()
    dispute(bench, 5000, "lost")
    # 1160 is emptied by the wallet, which alone knows what is still there.
    assert moved(bench, before) == {"brand:1160": 5000, "brand:5050": 2000, "brand:1100/brand": -7000}
    told: list[Any] = [letter for letter in bench.letters(WALLET) if isinstance(letter, TopUpReturned)]
    assert [(one.amount_minor, one.disputed) for one in told] == [(5000, False), (5000, True)]


def test_a_line_in_the_currency_of_another_balance_is_not_taken_for_the_charges() -> None:
    """An account that settles in another currency: what was disputed is in the charge's, and no fee of the other is booked."""
    bench = captured()
    before = bench.balance()
    seen = bench.provider.dispute("pi_1", 1234)
    (line,) = seen.lines
    foreign = replace(line, currency="CHF", amount_minor=-1162, fee_minor=1884, net_minor=-3046)
    bench.provider.disputes["dp_1"] = replace(seen, lines=(foreign,))
    bench.webhook()
    assert moved(bench, before) == {"m1:1160": 1234, "m1:1100/acct_1": -1234}


def test_what_is_claimed_is_never_more_than_was_captured() -> None:
    bench = captured(1234)
    dispute(bench, 1234)
    assert bench.state.claimed_minor == 1234
    assert isinstance(bench.state, PaymentState)
