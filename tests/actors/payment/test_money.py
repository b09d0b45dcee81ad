"""Captures whose outcome is unsure or refused, refunds, disputes, corrections: once each, and in the books."""

from typing import Any

import pytest
from msgspec.structs import replace

from actors.merchant.messages import OwnerCredited, OwnerDebited, PartnerShare
from actors.model import psp
from actors.model.decision import Refused
from actors.model.documents import receipt_id
from actors.model.ids import MERCHANT
from actors.payment import messages as m
from actors.payment.rows import redacted
from tests.actors.payment.bench import DEAL, OPEN, QUOTE, STATION, Bench, began, ended
from tests.actors.payment.samples import BILL, SELLER


def refund(id: str = "r1", amount: int | None = None, **more: Any) -> m.RefundPayment:
    return m.RefundPayment(id, "op", "broken plug", amount, **more)


# -- captures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [False, True])
def test_a_capture_of_which_nobody_knows_goes_out_again_under_the_same_key(done: bool) -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    name = next(iter(bench.outbox))
    bench.unsure(name, done=done)
    assert bench.state.phase == "capture_uncertain"
    assert not bench.outbox
    bench.provider.changed.clear()
    bench.pass_(seconds=6)
    assert bench.state.phase == "settled"
    assert len([key for key in bench.provider.executed if "capture" in key]) == 1
    assert bench.state.capture_n == 1


def test_a_webhook_settles_an_unsure_capture_and_it_is_not_sent_again() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    bench.unsure(next(iter(bench.outbox)), done=True)
    bench.webhook()
    assert bench.state.phase == "settled"
    bench.pass_(hours=1)
    assert not bench.state.calls
    assert not bench.outbox


def test_a_refused_capture_is_tried_again_under_another_key() -> None:
    bench = Bench()
    bench.provider.refusals[psp.CaptureIntent] = ["processing_error", "processing_error"]
    bench.capture()
    assert (bench.state.phase, bench.state.reason) == ("capture_failed", "capture_failed")
    bench.pass_(minutes=5)
    assert bench.state.phase == "settled"
    assert bench.state.reason is None
    assert [key.rsplit(":", 1)[0] for key in bench.provider.executed if "capture" in key] == ["a1:capture"]


def test_a_capture_that_is_refused_again_and_again_is_parked_and_tried_daily() -> None:
    bench = Bench()
    bench.provider.refusals[psp.CaptureIntent] = ["processing_error"] * 7
    bench.capture()
    bench.pass_(hours=12)
    assert bench.state.phase == "capture_failed"
    assert bench.kinds_of_events().count("capture_parked") == 1
    bench.pass_(days=3)
    assert bench.state.phase == "settled"


def test_a_hold_that_is_gone_when_it_is_to_be_captured_is_lost_and_visible() -> None:
    bench = Bench()
    bench.charge()
    bench.provider.intents["pi_1"] = replace(bench.provider.intents["pi_1"], status="canceled", capturable_minor=0)
    bench.tell(ended())
    bench.work()
    assert (bench.state.phase, bench.state.reason) == ("lost", "hold_gone")
    assert not bench.journals
    assert not bench.timers


def test_an_account_that_is_taken_from_us_loses_its_hold_and_stops_the_session() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(m.AccountLost("acct_other", bench.now))
    assert bench.state.phase == "charging"
    bench.tell(m.AccountLost("acct_1", bench.now))
    assert (bench.state.phase, bench.state.reason) == ("lost", "account_gone")
    assert len(bench.letters(STATION)) == 2
    assert "lost" in bench.kinds_of_events()


def test_an_account_that_is_taken_from_us_before_the_capture_loses_it() -> None:
    bench = Bench()
    bench.provider.refusals[psp.CaptureIntent] = ["account_invalid"]
    bench.capture()
    assert (bench.state.phase, bench.state.reason) == ("lost", "account_gone")


def test_a_capture_that_was_done_while_the_account_was_taken_from_us_is_in_the_books() -> None:
    """The driver has paid: his page must not say that he pays nothing, and the money must not be lost to the books."""
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    name, call = next(iter(bench.outbox.items()))
    seen = bench.provider.execute(call)
    bench.tell(m.AccountLost("acct_1", bench.now))
    assert bench.state.phase == "lost"
    bench.tell(psp.PspAnswer(name, call, seen))
    assert (bench.state.phase, bench.state.captured_minor, bench.state.reason) == ("settled", 1234, None)
    assert len(bench.journals) == 3
    bench.webhook()
    assert len(bench.journals) == 3


def test_a_fee_that_is_told_late_is_a_journal_of_its_own() -> None:
    bench = Bench()
    bench.provider.late_lines = True
    bench.capture()
    assert bench.state.phase == "captured"
    assert len(bench.journals) == 2
    bench.pass_(minutes=1)
    bench.provider.tell_line("pi_1")
    bench.pass_(minutes=2)
    assert bench.state.phase == "settled"
    assert len(bench.journals) == 3


def test_a_fee_that_is_never_told_is_left_to_reconciliation() -> None:
    bench = Bench()
    bench.provider.late_lines = True
    bench.capture()
    bench.pass_(days=2)
    assert bench.state.phase == "settled"
    assert bench.state.psp_fee_minor is None
    assert "fee_unknown" in bench.kinds_of_events()
    assert not bench.timers


def test_stale_news_never_moves_it_backwards() -> None:
    bench = Bench()
    bench.hold()
    held = bench.provider.intents["pi_1"]
    bench.tell(m.EvseClaimed(bench.now))
    bench.tell(began())
    bench.tell(ended())
    bench.work()
    bench.tell(psp.PspObserved(held))
    bench.tell(psp.PspObserved(replace(held, status="canceled")))
    assert bench.state.phase == "settled"
    bench = Bench()
    bench.hold()
    bench.tell(m.EvseRefused("claimed", bench.now))
    bench.work()
    bench.tell(psp.PspObserved(held))
    assert bench.state.phase == "released"
    assert not bench.outbox


# -- refunds -----------------------------------------------------------------------------------------------------------


def test_a_refund_is_asked_once_and_in_the_books_when_it_succeeded() -> None:
    bench = Bench()
    bench.capture()
    assert bench.tell(refund(amount=500)) == m.RefundTaken("r1", 500)
    assert bench.tell(refund(amount=500)) == m.RefundTaken("r1", 500)
    assert bench.tell(refund()) == m.RefundTaken("r1", 500)
    assert [name for name in bench.outbox if name.startswith("refund")] == ["refund:1"]
    assert bench.state.refunded_minor == 0
    before = bench.balance()
    bench.work()
    after = bench.balance()
    # MONEY 3.4: 5.00 of 12.34 with 0.25 of the fee.
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in after | before}
    assert {key: value for key, value in moved.items() if value} == {
        "m1:4000/energy": 420, "m1:2300/DE/19": 80, "m1:1100/acct_1": -475, "m1:5010": -21, "m1:1310/DE/19": -4,
        "brand:4200": 21, "brand:2300/DE/19": 4, "brand:1100/brand": -25,
    }  # fmt: skip
    assert bench.row is not None
    assert bench.row.state == "refunded_partial"
    assert bench.row.refunds[0]["status"] == "succeeded"


def test_refunds_never_go_beyond_what_was_captured() -> None:
    bench = Bench()
    assert bench.tell(refund()).code == "not_captured"
    bench.capture()
    assert bench.tell(refund(amount=1235)).code == "too_much"
    assert bench.tell(refund(amount=0)).code == "too_much"
    assert bench.tell(refund("r1", 1000)).amount_minor == 1000
    assert bench.tell(refund("r2", 300)).code == "too_much", "the first one is still under way"
    assert bench.tell(refund("r1", 999)).code == "differs"
    assert bench.tell(refund("r3")).amount_minor == 234
    bench.work()
    assert bench.tell(refund("r4")).code == "too_much"
    assert bench.row is not None
    assert bench.row.state == "refunded"


def test_a_capture_issues_its_receipt_and_a_refund_its_credit_note() -> None:
    bench = Bench(deal=replace(DEAL, seller=SELLER))
    bench.charge()
    bench.tell(replace(ended(), bill=BILL))
    bench.work()
    (receipt,) = bench.documents.values()
    assert (receipt.id, receipt.kind, receipt.seller, receipt.ref) == (receipt_id("a1"), "receipt", "m1", "s1")
    assert receipt.body["seller"]["vat_id"] == SELLER.vat_id
    assert [line["quantity"] for line in receipt.body["lines"]] == ["15.6"]
    assert (receipt.body["shown"], receipt.body["language"]) == (QUOTE.shown, QUOTE.language)
    bench.tell(refund(amount=500))
    bench.work()
    note = next(row for row in bench.documents.values() if row.kind == "credit_note")
    assert (note.corrects, note.gross_minor, note.body["vat"]) == (
        receipt.id, -500, [{"rate": "19", "net_minor": -420, "vat_minor": -80}],
    )  # fmt: skip
    bench.provider.move_refund("re_1", "failed")
    bench.webhook()
    assert [(row.kind, row.gross_minor) for row in bench.documents.values()] == [
        ("receipt", 1234), ("credit_note", -500), ("receipt", 500),
    ]  # fmt: skip


def test_many_small_refunds_end_at_zero() -> None:
    bench = Bench()
    bench.capture()
    for n in range(12):
        bench.tell(refund(f"r{n}", 101))
        bench.work()
    bench.tell(refund("rest"))
    bench.work()
    left = {key: value for key, value in bench.balance().items() if key.startswith("m1:4000") or "2300/DE/19" in key}
    assert {key: value for key, value in left.items() if key.startswith("m1")} == {}
    assert bench.state.refunded_minor == 1234


def test_a_refund_made_elsewhere_is_in_the_books_too() -> None:
    bench = Bench()
    bench.capture()
    bench.provider.refund("pi_1", 500)
    bench.webhook()
    bench.webhook()
    assert bench.state.refunded_minor == 500
    assert bench.tell(refund()).amount_minor == 734
    assert bench.row is not None
    assert bench.row.refunds[0]["who"] == "provider"


def test_a_refund_made_elsewhere_while_ours_was_under_way_is_in_the_books_and_ours_has_failed() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(refund())
    elsewhere = bench.provider.refund("pi_1", 1234)
    bench.tell(psp.PspObserved(elsewhere, "evt_1"))
    assert bench.state.refunded_minor == 1234
    bench.provider.refusals[psp.RefundCharge] = ["charge_already_refunded"]
    bench.work()
    assert [(one.amount_minor, one.status) for one in bench.state.refunds] == [(1234, "failed"), (1234, "succeeded")]
    assert bench.tell(refund("r2", 1)).code == "too_much"


def test_a_refund_that_only_bears_our_mark_is_not_taken_for_ours() -> None:
    """Whoever has the connected account can write any metadata on it."""
    bench = Bench()
    bench.capture()
    bench.tell(refund(amount=500))
    forged = bench.provider.refund("pi_1", 1, key="a1:refund:1")
    bench.tell(psp.PspObserved(forged, "evt_1"))
    assert bench.state.refunded_minor == 1
    bench.work()
    assert [(one.amount_minor, one.status) for one in bench.state.refunds] == [(500, "succeeded"), (1, "succeeded")]
    assert bench.state.refunded_minor == 501


def test_of_a_currency_with_three_decimals_what_cards_cannot_carry_is_neither_taken_nor_given_back() -> None:
    bench = Bench()
    order = replace(QUOTE, currency="KWD")
    bench.open(replace(OPEN, order=order))
    bench.provider.pay("cs_1")
    bench.webhook()
    bench.tell(m.EvseClaimed(bench.now))
    bench.tell(began())
    bench.tell(ended(1234, currency="KWD"))
    bench.work()
    assert (bench.state.captured_minor, bench.provider.intents["pi_1"].received_minor) == (1230, 1230)
    assert "mismatch" not in bench.kinds_of_events()
    assert bench.tell(refund(amount=505)).code == "bad_amount"
    bench.tell(ended(1225, n=2, currency="KWD"))
    bench.work()
    assert bench.state.refunded_minor == 0
    bench.tell(refund())
    bench.work()
    assert bench.state.refunded_minor == 1230


def test_no_more_of_the_application_fee_comes_back_than_was_taken() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(psp.PspObserved(replace(bench.provider.refund("pi_1", 500), fee_returned_minor=5000), "evt_1"))
    assert (bench.state.refunded_minor, bench.state.fee_returned_minor) == (500, bench.state.fee_minor)


def test_a_pending_refund_is_watched_without_webhooks() -> None:
    bench = Bench()
    bench.capture()
    seen = bench.provider.refund("pi_1", 500, status="pending")
    bench.tell(psp.PspObserved(seen))
    assert bench.state.refunded_minor == 0
    bench.provider.move_refund("re_1", "succeeded")
    bench.pass_(hours=7)
    assert bench.state.refunded_minor == 500
    assert not bench.timers


def test_a_refund_that_comes_back_is_taken_out_of_the_books_again() -> None:
    bench = Bench()
    bench.capture()
    before = bench.balance()
    bench.tell(refund(amount=500))
    bench.work()
    bench.provider.move_refund("re_1", "failed")
    bench.webhook()
    bench.webhook()
    assert bench.state.refunded_minor == 0
    assert bench.state.fee_returned_minor == 0
    assert bench.balance() == before
    assert bench.tell(refund("r2")).amount_minor == 1234


def test_a_refund_that_the_provider_refuses_has_failed_and_another_one_may_follow() -> None:
    bench = Bench()
    bench.capture()
    bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"]
    bench.tell(refund(amount=500))
    bench.work()
    assert bench.state.refunds[0].status == "failed"
    bench.tell(refund("r2", 500))
    bench.work()
    assert bench.state.refunded_minor == 500


def test_an_unsure_refund_goes_out_again_under_the_same_key() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(refund(amount=500))
    bench.unsure("refund:1", done=True)
    bench.provider.changed.clear()
    bench.pass_(seconds=6)
    assert bench.state.refunded_minor == 500
    assert len(bench.provider.refunds) == 1


def test_refunds_that_are_seen_before_the_capture_wait_for_it() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    name, call = next(iter(bench.outbox.items()))
    bench.provider.execute(call)
    bench.provider.refund("pi_1", 500)
    bench.provider.dispute("pi_1", 734)
    bench.tell(psp.PspObserved(bench.provider.refunds["re_1"]))
    bench.tell(psp.PspObserved(bench.provider.disputes["dp_1"]))
    assert bench.state.phase == "capturing"
    bench.answer(name)
    assert bench.state.refunded_minor == 500
    assert bench.state.dispute is not None
    assert bench.state.dispute.withdrawn_minor == 734


# -- what the session says later -------------------------------------------------------------------------------------


def test_a_session_that_is_corrected_downwards_gives_the_difference_back_once() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(ended(1000, n=2))
    bench.tell(ended(1000, n=2))
    bench.work()
    assert bench.state.refunded_minor == 234
    bench.tell(ended(outcome="waived", n=3))
    bench.work()
    assert bench.state.refunded_minor == 1234


def test_a_session_that_is_corrected_upwards_is_never_charged_again() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(ended(2000, n=2))
    bench.work()
    assert bench.state.captured_minor == 1234
    assert bench.provider.intents["pi_1"].received_minor == 1234


def test_a_correction_during_the_capture_is_refunded_after_it() -> None:
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    bench.tell(ended(1000, n=2))
    bench.work()
    assert (bench.state.captured_minor, bench.state.refunded_minor) == (1234, 234)


# -- disputes ----------------------------------------------------------------------------------------------------------


def test_a_dispute_that_is_won_leaves_only_its_fee() -> None:
    bench = Bench()
    bench.capture()
    before = bench.balance()
    bench.provider.dispute("pi_1", 1234)
    bench.webhook()
    assert bench.row is not None
    assert bench.row.state == "disputed"
    assert bench.tell(refund()).code == "too_much", "the money is not there"
    bench.provider.end_dispute("won")
    bench.webhook()
    bench.webhook()
    after = bench.balance()
    assert {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)} == {
        "m1:1100/acct_1": -2000, "m1:5050": 2000,
    }  # fmt: skip
    assert bench.row.state == "settled"
    assert not bench.timers


def test_a_dispute_that_is_lost_corrects_the_vat_and_can_not_be_refunded() -> None:
    bench = Bench()
    bench.capture()
    bench.tell(refund(amount=500))
    bench.work()
    bench.provider.dispute("pi_1", 734)
    bench.provider.end_dispute("lost")
    bench.webhook()
    assert bench.row is not None
    assert bench.row.state == "dispute_lost"
    balance = bench.balance()
    assert "m1:1160" not in balance
    assert "m1:2300/DE/19" not in balance
    assert bench.tell(refund("r2")).code == "too_much"


def test_an_inquiry_moves_no_money() -> None:
    bench = Bench()
    bench.capture()
    count = len(bench.journals)
    bench.provider.dispute("pi_1", 1234, "warning_needs_response")
    bench.webhook()
    assert bench.row is not None
    assert bench.row.dispute is not None
    assert bench.row.dispute["status"] == "warned"
    assert "watch" in bench.timers
    bench.provider.disputes["dp_1"] = replace(bench.provider.disputes["dp_1"], status="warning_closed")
    bench.pass_(hours=7)
    assert bench.row.dispute["status"] == "closed"
    assert len(bench.journals) == count


def test_partners_get_their_share_of_the_net_and_give_it_back_with_refunds() -> None:
    bench = Bench(deal=replace(DEAL, partners=(PartnerShare("host", "30"),)))
    bench.capture()
    assert bench.balance()["brand:2210/host"] == -311
    assert bench.letters(MERCHANT)[-1] == OwnerCredited("s1", 311, "EUR", bench.now, "partner")
    bench.tell(refund(amount=500))
    bench.work()
    bench.tell(refund("r2"))
    bench.work()
    assert "brand:2210/host" not in bench.balance()
    back = [letter.amount_minor for letter in bench.letters(MERCHANT) if isinstance(letter, OwnerDebited)]
    assert sum(back) == 311


def test_a_merchant_without_an_account_of_its_own_pays_no_application_fee() -> None:
    bench = Bench(deal=replace(DEAL, merchant="brand", account=None))
    bench.open(replace(OPEN, order=replace(QUOTE, merchant="brand")))
    bench.provider.pay("cs_1")
    bench.webhook()
    assert bench.provider.asked["cs_1"].fee_minor == 0
    bench.tell(m.EvseClaimed(bench.now))
    bench.tell(began())
    bench.tell(ended())
    bench.work()
    assert {journal.book for journal in bench.journals.values()} == {"brand"}
    assert bench.state.fee_minor == 0


def test_the_console_sees_no_page_and_no_sealed_token() -> None:
    bench = Bench()
    bench.hold()
    shown = str(redacted(bench.state))
    assert "pay.test" not in shown
    assert "psp.test" not in shown
    assert "sealed" not in shown
    bench = Bench()
    bench.open()
    bench.tell(m.LookAgain())
    assert "psp.test" not in str(redacted(bench.state))


def test_refusals_that_are_no_answers_to_anything_change_nothing() -> None:
    bench = Bench()
    bench.capture()
    before = bench.state
    bench.tell(psp.PspAnswer("capture:99", psp.FetchIntent(key="x", made_at=bench.now, intent="pi_1"), psp.PspRefused("gone")))
    assert bench.state == before
    assert isinstance(bench.tell(m.StopCharging()), Refused)


def test_a_fee_in_the_currency_that_the_account_settles_in_is_booked_in_it_and_not_shown_as_the_payments() -> None:
    bench = Bench()
    bench.provider.late_lines = True
    bench.capture()
    bench.tell(psp.PspObserved(replace(bench.provider.intents["pi_1"], line=bench.provider._line(1190, 60, "CHF"))))
    assert bench.state.phase == "settled"
    assert bench.row is not None
    assert bench.row.psp_fee_minor is None, "the row's amounts are in the payment's own currency"
    fees = [entry for journal in bench.journals.values() for entry in journal.entries if entry.account == "5000"]
    assert [(entry.amount_minor, entry.currency) for entry in fees] == [(42, "CHF")]
