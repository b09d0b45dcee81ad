"""An attempt that pays a session, from the page to the books, and every way out on the way there."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from actors.model import psp
from actors.model.decision import Refused
from actors.model.intents import CommandFailure, CommandResult, RequestStart, RequestStop
from actors.payment import messages as m
from actors.station.letters import Order, OrderEnded
from actors.station.messages import Done
from tests.actors.kit import T0
from tests.actors.payment.bench import DEAL, EVSE, OPEN, QUOTE, SESSION, STATION, Bench, began, cost, ended, kinds
from tests.actors.payment.provider import GOOD, WEAK


def test_a_session_is_paid_from_the_page_to_the_books() -> None:
    bench = Bench()
    assert bench.tell(OPEN) is None, "the page is not there yet"
    call = bench.outbox["open:1"]
    assert isinstance(call, psp.OpenCheckout)
    assert (call.key, call.account, call.amount_minor, call.fee_minor) == ("a1:open:1", "acct_1", 4000, 200)
    bench.work()
    assert bench.answers == [("open", m.AttemptOpened("a1", "https://psp.test/cs_1"))]
    bench.provider.pay("cs_1")
    bench.webhook()
    assert bench.state.phase == "proof_ok"
    claim = bench.post(EVSE, m.ClaimEvse)
    bench.tell(m.EvseClaimed(T0))
    assert bench.state.phase == "starting"
    order = bench.post(STATION, Order)
    assert isinstance(order.intent, RequestStart)
    assert order.not_after == T0 + timedelta(seconds=90)
    assert bench.token is not None
    assert (bench.token.ref, bench.token.status, bench.token.payment) == (claim.token_ref, "Accepted", "attempt:a1")
    assert bench.token.terms is not None
    assert bench.token.terms.limit_minor == 3700
    bench.tell(OrderEnded(order.id, "CP-1", CommandResult("Accepted")))
    bench.tell(began())
    bench.tell(ended(1234))
    assert bench.state.phase == "capturing"
    bench.work()
    assert bench.state.phase == "settled"
    assert bench.provider.intents["pi_1"].received_minor == 1234
    # MONEY 3.4: 12.34 with an application fee of 0.62; this provider's own fee is 0.43.
    assert bench.balance() == {
        "m1:1110/acct_1": 1234 - 62 - 43, "m1:5000": 43, "m1:5010": 52, "m1:1310/DE/19": 10, "m1:4000/energy": -1037,
        "m1:2300/DE/19": -197, "brand:1110/brand": 62, "brand:4200": -52, "brand:2300/DE/19": -10,
    }  # fmt: skip
    assert bench.row is not None
    assert (bench.row.state, bench.row.captured_minor, bench.row.psp_fee_minor) == ("settled", 1234, 43)
    assert bench.row.journals == list(bench.journals)
    assert bench.token.status == "Invalid", "a one-time token is good once"
    assert not bench.timers
    assert not bench.outbox


def test_every_turn_on_the_way_is_in_the_feed() -> None:
    bench = Bench()
    bench.capture()
    assert bench.kinds_of_events() == [
        "quoted", "checkout_open", "authorised", "proof_ok", "starting", "charging", "rated", "capturing", "captured", "settled",
    ]  # fmt: skip


# -- opening ---------------------------------------------------------------------------------------------------------


def test_the_same_opening_again_answers_the_same_and_another_one_is_refused() -> None:
    bench = Bench()
    bench.open()
    assert bench.tell(OPEN) == m.AttemptOpened("a1", "https://psp.test/cs_1")
    other = bench.tell(replace(OPEN, order=replace(QUOTE, hold_minor=5000)))
    assert isinstance(other, Refused)
    assert other.code == "differs"
    assert len(bench.provider.checkouts) == 1


def test_a_merchant_that_takes_no_cards_opens_nothing() -> None:
    bench = Bench(deal=None)
    refused = bench.tell(OPEN)
    assert isinstance(refused, Refused)
    assert refused.code == "not_open"
    assert bench.state.phase == "new"


def test_a_provider_that_refuses_the_page_is_told_to_the_driver() -> None:
    bench = Bench()
    bench.provider.refusals[psp.OpenCheckout] = ["account_invalid"]
    bench.open()
    assert bench.state.phase == "released"
    assert [(key, answer.code) for key, answer in bench.answers] == [("open", "account_invalid")]
    assert isinstance(bench.tell(OPEN), Refused)


def test_a_provider_that_is_away_is_told_in_time_and_its_late_page_is_closed() -> None:
    bench = Bench()
    bench.tell(OPEN)
    call = bench.outbox["open:1"]
    bench.now += timedelta(minutes=4)
    bench.fire("look")
    assert bench.state.phase == "expired"
    assert bench.answers[0][1].code == "psp_away"
    bench.answer("open:1", bench.provider.execute(call))
    bench.work()
    assert bench.provider.checkouts["cs_1"].status == "expired"


def test_a_page_on_which_nobody_pays_expires_without_any_webhook() -> None:
    bench = Bench()
    bench.open()
    bench.pass_(hours=1)
    assert bench.state.phase == "expired"
    assert bench.provider.checkouts["cs_1"].status == "expired"


def test_a_payment_that_no_webhook_tells_is_found_by_looking() -> None:
    bench = Bench()
    bench.open()
    bench.provider.pay("cs_1")
    bench.pass_(seconds=16)
    assert bench.state.phase == "proof_ok"


def test_a_driver_who_comes_back_makes_us_look_but_not_again_and_again() -> None:
    bench = Bench()
    bench.open()
    bench.provider.pay("cs_1")
    row = bench.tell(m.LookAgain())
    assert row.state == "checkout_open"
    bench.tell(m.LookAgain())
    assert [name for name in bench.outbox if name.startswith("look")] == ["look:2"]
    bench.work()
    assert bench.state.phase == "proof_ok"
    assert bench.tell(m.Look()).state == "proof_ok"


def test_who_cancels_on_our_page_can_pay_nowhere_any_more() -> None:
    bench = Bench()
    bench.open()
    assert bench.tell(m.CancelAttempt()) == Done()
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", "cancelled")
    assert bench.provider.checkouts["cs_1"].status == "expired"


def test_who_cancels_here_and_has_paid_there_gets_the_hold_back() -> None:
    bench = Bench()
    bench.open()
    bench.provider.pay("cs_1")
    bench.tell(m.CancelAttempt())
    bench.work()
    assert bench.state.phase == "released"
    assert bench.provider.intents["pi_1"].status == "canceled"


# -- the gate ----------------------------------------------------------------------------------------------------------


def test_a_hold_without_proof_starts_nothing_and_is_cancelled() -> None:
    bench = Bench()
    bench.hold(WEAK)
    assert bench.state.phase == "proof_refused"
    assert not bench.mail
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", "sca_refused")
    assert bench.provider.intents["pi_1"].status == "canceled"
    assert bench.row is not None
    assert bench.row.proof is not None
    assert (bench.row.proof["rule"], bench.row.proof["accepted"]) == ("no proof", False)


def test_a_proof_that_is_late_is_waited_for_while_the_evse_is_claimed() -> None:
    bench = Bench()
    bench.hold(None)
    assert bench.state.phase == "authorised"
    bench.tell(m.EvseClaimed(T0))
    assert bench.state.phase == "authorised", "no start without a proof"
    bench.provider.intents["pi_1"] = replace(bench.provider.intents["pi_1"], proof=GOOD)
    bench.pass_(seconds=20)
    assert bench.state.phase == "starting"


def test_a_proof_that_never_comes_releases_the_hold() -> None:
    bench = Bench()
    bench.hold(None)
    bench.tell(m.EvseClaimed(T0))
    bench.pass_(minutes=5)
    assert (bench.state.phase, bench.state.reason) == ("released", "no_proof")
    assert bench.post(EVSE, m.ReleaseEvse) == m.ReleaseEvse("a1")


# -- the EVSE and the start --------------------------------------------------------------------------------------------


def test_who_comes_second_hears_it_and_is_released_at_once() -> None:
    bench = Bench()
    bench.hold()
    bench.tell(m.EvseRefused("claimed", T0))
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", "evse_claimed")
    assert bench.provider.intents["pi_1"].status == "canceled"
    assert not bench.letters(STATION)


def test_the_evse_hears_by_which_card_it_is_claimed_and_a_card_that_was_refused_lets_its_hold_go() -> None:
    bench = Bench()
    bench.hold()
    assert bench.post(EVSE, m.ClaimEvse).card == "c1"
    bench.tell(m.EvseRefused("too_often", T0))
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", "evse_too_often")
    assert not [letter for letter in bench.letters(STATION) if isinstance(letter, Order)]


def test_a_start_that_does_not_come_is_given_up_and_what_comes_later_is_stopped_and_free() -> None:
    bench = Bench()
    bench.start()
    bench.pass_(seconds=120)
    assert (bench.state.phase, bench.state.reason) == ("released", "start_timeout")
    assert bench.token is not None
    assert bench.token.status == "Invalid"
    assert bench.post(EVSE, m.ReleaseEvse)
    bench.tell(began())
    stop = bench.post(STATION, Order)
    assert stop.intent == RequestStop("42")
    bench.tell(began())
    assert len(bench.letters(STATION)) == 2, "stopped once"
    bench.tell(began("s2", accepted=False))
    assert len(bench.letters(STATION)) == 2, "one whose token was Invalid already stops itself"
    bench.tell(ended(800, outcome="waived"))
    bench.work()
    assert bench.state.phase == "released"
    assert not bench.journals
    assert "late_start" in bench.kinds_of_events()


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (CommandResult("Rejected"), "start_rejected"),
        (CommandFailure("error", "InternalError"), "start_error"),
        (CommandFailure("timeout", "NotSent"), "start_timeout"),
        (CommandFailure("offline"), "start_offline"),
    ],
)
def test_a_station_that_refuses_the_start_releases_the_hold(outcome: Any, reason: str) -> None:
    bench = Bench()
    bench.start()
    bench.tell(OrderEnded("a1:start", "CP-1", outcome))
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", reason)
    assert bench.provider.intents["pi_1"].status == "canceled"


def test_an_order_of_which_nobody_knows_whether_it_arrived_is_waited_for() -> None:
    bench = Bench()
    bench.start()
    bench.tell(OrderEnded("a1:start", "CP-1", CommandFailure("timeout")))
    assert bench.state.phase == "starting"
    bench.tell(began())
    assert bench.state.phase == "charging"


def test_a_second_session_of_the_same_token_is_stopped_and_not_paid() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(began("s2"))
    assert bench.post(STATION, Order).intent == RequestStop("42")
    bench.tell(ended(9999, session="s2"))
    assert bench.state.phase == "charging"
    assert "unpaid" in bench.kinds_of_events()


def test_an_end_that_overtakes_its_beginning_is_paid_all_the_same() -> None:
    bench = Bench()
    bench.start()
    bench.tell(ended(500))
    bench.tell(began())
    bench.work()
    assert bench.state.phase == "settled"
    assert bench.state.captured_minor == 500
    assert len(bench.letters(STATION)) == 1


def test_the_stop_button_orders_the_station_to_stop() -> None:
    bench = Bench()
    bench.hold()
    assert isinstance(bench.tell(m.StopCharging()), Refused)
    bench = Bench()
    bench.charge()
    assert bench.tell(m.StopCharging()) == Done()
    assert bench.post(STATION, Order).intent == RequestStop("42")
    assert bench.tell(m.StopCharging()) == Done()
    assert [order.id for order in bench.letters(STATION)] == ["a1:start", "a1:stop:1", "a1:stop:2"]
    bench.tell(OrderEnded("a1:stop:2", "CP-1", CommandResult("Rejected")))
    assert "stop_failed" in bench.kinds_of_events()


def test_once_it_charges_it_is_too_late_to_cancel() -> None:
    bench = Bench()
    bench.charge()
    refused = bench.tell(m.CancelAttempt())
    assert isinstance(refused, Refused)
    assert refused.code == "too_late"


# -- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gross", "reason"), [(0, "nothing_delivered"), (49, "below_minimum")])
def test_nothing_is_charged_for_nothing_or_below_the_minimum(gross: int, reason: str) -> None:
    bench = Bench()
    bench.capture(gross)
    assert (bench.state.phase, bench.state.reason) == ("released", reason)
    assert bench.provider.intents["pi_1"].received_minor == 0
    assert not bench.journals


def test_a_merchants_own_minimum_may_be_higher() -> None:
    bench = Bench(deal=replace(DEAL, min_minor=200))
    bench.capture(199)
    assert bench.state.reason == "below_minimum"
    bench = Bench(deal=replace(DEAL, min_minor=200))
    bench.capture(200)
    assert bench.state.captured_minor == 200


@pytest.mark.parametrize("gross", [3700, 3701, 4000, 99_999])
def test_never_more_is_captured_than_the_limit_that_was_shown(gross: int) -> None:
    bench = Bench()
    bench.capture(gross)
    assert bench.state.captured_minor == 3700
    assert bench.provider.intents["pi_1"].received_minor == 3700
    assert bench.balance()["m1:2300/DE/19"] == -591, "VAT of what came, not of what it would have cost"


def test_a_waived_session_costs_nothing() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended(outcome="waived"))
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("released", "waived")


@pytest.mark.parametrize("outcome", ["quarantined", "unpriced"])
def test_what_an_operator_must_look_at_keeps_its_hold_until_he_has(outcome: str) -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended(outcome=outcome))
    assert bench.state.phase == "charging"
    assert not bench.outbox
    bench.tell(ended(700, n=2))
    bench.work()
    assert bench.state.captured_minor == 700


# -- the guard -------------------------------------------------------------------------------------------------------


def test_the_guard_captures_what_is_durable_a_day_before_the_hold_ends() -> None:
    bench = Bench()
    bench.charge()
    bench.pass_(days=5, hours=23)
    assert bench.state.phase == "charging"
    bench.pass_(hours=1)
    assert bench.post(SESSION, m.TellCost) == m.TellCost("a1")
    assert bench.post(STATION, Order).intent == RequestStop("42")
    bench.tell(m.CostTold("s1", 9000, bench.now, cost(900), kinds(900)))
    bench.work()
    assert bench.state.phase == "settled"
    assert bench.state.captured_minor == 900


def test_after_the_guard_a_later_stop_may_only_refund() -> None:
    bench = Bench()
    bench.charge()
    bench.pass_(days=6)
    bench.tell(m.CostTold("s1", 9000, bench.now, cost(900), kinds(900)))
    bench.work()
    bench.tell(ended(1500))
    bench.work()
    assert bench.state.captured_minor == 900
    assert not bench.state.refunds
    assert "not_charged_again" in bench.kinds_of_events()
    bench.tell(ended(600, n=2))
    bench.work()
    assert bench.state.refunded_minor == 300


@pytest.mark.parametrize("told", [None, 0])
def test_the_guard_releases_where_nothing_is_durable(told: int | None) -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended(outcome="quarantined"))
    bench.pass_(days=6)
    bench.tell(m.CostTold("s1", 0, bench.now, cost(told) if told is not None else None))
    bench.work()
    assert bench.state.phase == "released"


def test_the_guard_does_not_wait_for_a_session_that_says_nothing() -> None:
    bench = Bench()
    bench.charge()
    bench.pass_(days=6, hours=1)
    assert (bench.state.phase, bench.state.reason) == ("released", "guard")


@pytest.mark.parametrize("phase", ["authorised", "proof_ok", "starting", "charging", "capture_failed", "releasing"])
def test_no_hold_reaches_its_end_untouched(phase: str) -> None:
    """Whatever else goes wrong meanwhile: nobody answers, the provider refuses everything for days."""
    bench = Bench(hold_for=timedelta(days=5))
    ways = {"authorised": lambda: bench.hold(None), "proof_ok": bench.hold, "starting": bench.start, "charging": bench.charge}
    ways.get(phase, bench.charge)()
    if phase in ("capture_failed", "releasing"):
        bench.provider.refusals = {psp.CaptureIntent: ["processing_error"] * 99, psp.CancelIntent: ["processing_error"] * 7}
        bench.tell(ended(700 if phase == "capture_failed" else 0))
    bench.pass_(days=4, hours=1)
    touched = [call for call, _ in bench.provider.by_key.values() if isinstance(call, psp.CaptureIntent | psp.CancelIntent)]
    assert touched, f"a hold that was {phase} was never touched"
    bench.pass_(days=30)
    assert bench.state.phase in ("released", "lost")
    assert not bench.timers


def test_a_hold_whose_end_was_not_told_is_guarded_by_the_shortest_one() -> None:
    bench = Bench()
    bench.open()
    bench.provider.pay("cs_1")
    bench.provider.intents["pi_1"] = replace(bench.provider.intents["pi_1"], capture_before=None)
    bench.webhook()
    assert bench.timers["guard"][0] == T0 + timedelta(days=3, hours=18)
