"""Somebody captures in the provider's dashboard: the driver pays what the session cost, and no cent more, once, in the books."""

from typing import Any

import msgspec
import pytest

from actors.model import psp
from actors.payment import messages as m
from actors.station.letters import Order
from tests.actors.payment.bench import STATION, Bench, began, ended


def dashboard(bench: Bench, amount: int = 4000, fee: int = 200) -> None:
    """The merchant's own dashboard knows nothing of what we would ask: the fee is that of the whole hold."""
    bench.provider.execute(
        psp.CaptureIntent(key="theirs", made_at=bench.now, intent="pi_1", amount_minor=amount, currency="EUR", fee_minor=fee)
    )


def refunds(bench: Bench) -> list[tuple[str, int, int, str]]:
    return [(one.id, one.amount_minor, one.excess_minor, one.status) for one in bench.state.refunds]


def told(bench: Bench, kind: str) -> list[dict[str, Any]]:
    return [event.body for event in bench.events if event.kind == f"payment.{kind}"]


def capturing() -> Bench:
    bench = Bench()
    bench.charge()
    bench.tell(ended())
    assert bench.state.phase == "capturing"
    return bench


def test_more_than_we_asked_is_booked_as_the_drivers_and_refunded_once() -> None:
    bench = capturing()
    dashboard(bench)
    bench.webhook()
    assert (bench.state.captured_minor, bench.state.excess_minor) == (1234, 2766)
    # 40.00 came less the fee of 2.00; 12.34 are the sale, 27.66 the driver's.
    assert {key: value for key, value in bench.balance().items() if not key.endswith("/19")} == {
        "m1:1110/acct_1": 4000 - 200 - 85, "m1:5000": 85, "m1:5010": 168, "m1:4000/energy": -1037, "m1:2400": -2766,
        "brand:1110/brand": 200, "brand:4200": -168,
    }  # fmt: skip
    bench.work()
    bench.webhook()
    bench.webhook()
    assert refunds(bench) == [("taken_too_much:1", 2766, 2766, "succeeded")]
    assert "m1:2400" not in bench.balance()
    assert (bench.state.refunded_minor, bench.state.phase) == (0, "settled")
    # Of the fee its part came back: what is left is the commission of what was sold.
    assert bench.state.fee_minor - bench.state.fee_returned_minor == 62
    assert bench.balance()["m1:1100/acct_1"] == -2766 + 138
    assert [row.gross_minor for row in bench.documents.values()] == [1234], "the receipt is of the sale, and nothing is credited"
    assert bench.row is not None
    assert (bench.row.state, bench.row.captured_minor, bench.row.excess_minor) == ("settled", 1234, 2766)


def test_less_than_we_asked_is_what_was_paid() -> None:
    bench = capturing()
    dashboard(bench, 1000, 50)
    bench.webhook()
    bench.work()
    assert (bench.state.captured_minor, bench.state.excess_minor, refunds(bench)) == (1000, 0, [])


def test_what_the_dashboard_gave_back_already_is_not_given_back_again() -> None:
    bench = capturing()
    dashboard(bench)
    bench.provider.refund("pi_1", 2766)
    bench.tell(psp.PspObserved(bench.provider.refunds["re_1"]))
    bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
    bench.work()
    assert [one[1:] for one in refunds(bench)] == [(2766, 2766, "succeeded")]
    assert bench.state.refunded_minor == 0


def test_a_later_refund_gives_the_excess_back_first() -> None:
    """One of the whole, made in the dashboard while ours is under way: of it the sale is credited, too."""
    bench = capturing()
    dashboard(bench)
    bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
    bench.provider.refusals[psp.RefundCharge] = ["charge_already_refunded"]
    whole = bench.provider.refund("pi_1", 4000)
    bench.work()
    bench.tell(psp.PspObserved(whole))
    assert [one[1:] for one in refunds(bench)] == [(2766, 2766, "failed"), (4000, 2766, "succeeded")]
    assert bench.state.refunded_minor == 1234
    assert "m1:2400" not in bench.balance()
    bench.pass_(days=3)
    assert len(bench.state.refunds) == 2
    assert not bench.timers


def test_a_refund_of_the_excess_that_is_refused_is_tried_daily_and_then_left_to_an_operator() -> None:
    bench = capturing()
    bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"] * 5
    dashboard(bench)
    bench.webhook()
    bench.pass_(days=10)
    assert [one[3] for one in refunds(bench)] == ["failed"] * 5
    (kept,) = told(bench, "excess_kept")
    assert kept["amount_minor"] == 2766
    assert "refund this amount" in kept["action"]
    assert bench.balance()["m1:2400"] == -2766, "the books say whose it is, and the audit tells how long"
    bench.tell(m.RefundPayment("r1", "op", "by hand", 2766))
    bench.work()
    assert "m1:2400" not in bench.balance()
    assert bench.state.refunded_minor == 0


def test_one_that_is_refused_once_goes_back_the_next_day() -> None:
    bench = capturing()
    bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"]
    dashboard(bench)
    bench.webhook()
    bench.work()
    bench.crash()
    bench.pass_(days=2)
    assert [one[3] for one in refunds(bench)] == ["failed", "succeeded"]
    assert not bench.timers


def test_a_hold_that_is_captured_while_the_session_runs_pays_what_it_cost_and_the_rest_goes_back() -> None:
    bench = Bench()
    bench.charge()
    dashboard(bench)
    bench.webhook()
    bench.webhook()
    assert bench.state.phase == "charging"
    assert isinstance(bench.post(STATION, Order), Order)
    assert bench.state.stops == 1
    assert not bench.journals, "what it cost is not known yet"
    bench.tell(ended(500))
    assert bench.state.phase == "settled"
    bench.work()
    assert (bench.state.captured_minor, refunds(bench)) == (500, [("taken_too_much:1", 3500, 3500, "succeeded")])
    assert "m1:2400" not in bench.balance()
    assert not [key for key in bench.provider.executed if "capture" in key], "nothing was captured by us"


@pytest.mark.parametrize("end", [ended(outcome="waived"), ended(0), ended(20)])
def test_a_session_that_nobody_pays_gives_all_of_it_back(end: m.SessionEnded) -> None:
    bench = Bench()
    bench.charge()
    dashboard(bench)
    bench.webhook()
    bench.tell(end)
    bench.work()
    assert (bench.state.captured_minor, bench.state.excess_minor) == (0, 4000)
    assert refunds(bench) == [("taken_too_much:1", 4000, 4000, "succeeded")]
    assert not {key for key in bench.balance() if ":4000" in key or ":2300" in key or ":2400" in key}
    assert not bench.documents


@pytest.mark.parametrize("where", ["open", "hold", "start", "releasing"])
def test_what_is_captured_before_anything_was_delivered_goes_back_whole(where: str) -> None:
    bench = Bench()
    if where == "open":
        bench.open()
        bench.provider.pay("cs_1")
    elif where == "hold":
        bench.hold()
    else:
        bench.start()
    if where == "releasing":
        bench.tell(m.CancelAttempt())
    dashboard(bench)
    bench.webhook()
    bench.work()
    assert (bench.state.captured_minor, bench.state.excess_minor) == (0, 4000)
    assert bench.provider.intents["pi_1"].refunded_minor == 4000
    assert "m1:2400" not in bench.balance()
    assert bench.state.fee_minor == bench.state.fee_returned_minor == 200
    bench.tell(began())
    assert bench.state.stray == ("s1",), "what begins after it is stopped, and nobody pays it"
    bench.pass_(days=10)
    assert not bench.timers
    assert not bench.outbox


def test_a_dispute_of_what_was_taken_too_much_and_not_given_back_takes_it_from_there_first() -> None:
    bench = capturing()
    bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"] * 9
    dashboard(bench)
    bench.webhook()
    bench.work()
    bench.provider.dispute("pi_1", 4000)
    bench.provider.end_dispute("lost")
    bench.webhook()
    assert (bench.state.lost_minor, bench.state.twice_minor, bench.state.excess_left_minor) == (1234, 0, 0)
    left = bench.balance()
    assert not {"m1:2400", "m1:1160", "m1:2300/DE/19"} & set(left)
    assert left["m1:5060"] == 1037
    bench.pass_(days=10)
    assert len(bench.state.refunds) == 1


@pytest.mark.parametrize(
    ("amount", "ours", "in_all"),
    [(2766, "refused", 2766), (4000, "refused", 4000), (1000, "refused", 2766), (1000, "done", 3766)],
)
def test_what_the_dashboard_gives_back_while_ours_is_under_way_is_the_excess_all_the_same(
    amount: int, ours: str, in_all: int
) -> None:
    """Whoever captured too much in the dashboard mends it there, too, a moment before our own refund gets through."""
    bench = capturing()
    dashboard(bench)
    bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
    if ours == "refused":
        bench.provider.refusals[psp.RefundCharge] = ["charge_already_refunded"]
    bench.tell(psp.PspObserved(bench.provider.refund("pi_1", amount)))
    bench.work()
    bench.pass_(days=10)
    assert bench.provider.intents["pi_1"].refunded_minor == in_all, "nothing is tried again that is not owed"
    assert "m1:2400" not in bench.balance()
    assert bench.state.refunded_minor == in_all - 2766, "what was given back beyond the excess is of the sale"
    assert (
        bench.balance()["m1:1110/acct_1"] + bench.balance()["m1:1100/acct_1"]
        == 4000 - 200 - 85 - in_all + bench.state.fee_returned_minor
    )


def test_a_refund_that_is_seen_after_its_excess_was_lost_in_a_dispute_is_told_and_breaks_nothing() -> None:
    bench = capturing()
    bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"] * 9
    dashboard(bench)
    bench.webhook()
    bench.work()
    late = bench.provider.refund("pi_1", 2766)
    bench.tell(psp.PspObserved(bench.provider.dispute("pi_1", 4000)))
    bench.tell(psp.PspObserved(bench.provider.end_dispute("lost")))
    bench.tell(psp.PspObserved(late))
    (mismatch,) = [one for one in told(bench, "mismatch") if "refund" in one]
    assert (mismatch["refunded_minor"], mismatch["left_minor"]) == (2766, 1234)
    assert "m1:2400" not in bench.balance()


@pytest.mark.parametrize("how", ["dashboard", "operator"])
def test_a_refund_of_the_excess_that_somebody_else_began_and_that_fails_is_made_good_by_itself(how: str) -> None:
    bench = capturing()
    dashboard(bench)
    if how == "dashboard":
        bench.tell(psp.PspObserved(bench.provider.refund("pi_1", 2766, status="pending")))
        bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
        assert refunds(bench) == [("re_1", 2766, 2766, "pending")], "it is on its way, so we ask for nothing"
    else:
        bench.provider.refusals[psp.RefundCharge] = ["insufficient_funds"]
        bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
        bench.work()
        bench.tell(m.RefundPayment("r1", "op", "by hand", 2766))
        bench.pass_(days=1.5)
    bench.provider.intents["pi_1"] = msgspec.structs.replace(bench.provider.intents["pi_1"], refunded_minor=0)
    bench.tell(psp.PspObserved(bench.provider.move_refund("re_1", "failed")))
    bench.pass_(days=2)
    assert refunds(bench)[-1][1:] == (2766, 2766, "succeeded")
    assert "m1:2400" not in bench.balance()
    assert bench.state.refunded_minor == 0


def test_an_excess_that_was_disputed_before_it_could_go_back_goes_back_once_the_dispute_is_won() -> None:
    bench = capturing()
    bench.provider.refusals[psp.RefundCharge] = ["charge_disputed"]
    dashboard(bench)
    bench.webhook()
    bench.provider.dispute("pi_1", 4000)
    bench.webhook()
    bench.work()
    bench.pass_(days=30)
    assert [one[3] for one in refunds(bench)] == ["failed"]
    bench.provider.end_dispute("won")
    bench.webhook()
    bench.pass_(days=2)
    assert refunds(bench)[-1] == ("taken_too_much:2", 2766, 2766, "succeeded")
    assert "m1:2400" not in bench.balance()
    assert not bench.timers
