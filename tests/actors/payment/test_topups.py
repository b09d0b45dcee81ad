"""Money for a wallet: on the provider's page, or on a saved card under a mandate."""

import pytest
from msgspec.structs import replace

from actors.model import psp
from actors.model.decision import Refused
from actors.payment import messages as m
from actors.wallet.messages import ToppedUp, TopUpFailed, TopUpReturned
from tests.actors.payment.bench import WALLET, Bench
from tests.actors.payment.provider import WEAK

TOP_UP = m.TopUp("w1", 5000, "EUR", save_card=True, mandate="2026-01")
AUTO = m.TopUp("w1", 5000, "EUR", automatic=True, customer="cus_1", payment_method="pm_1", mandate="2026-01")


def opening(order: m.TopUp) -> m.OpenAttempt:
    return m.OpenAttempt(order, "https://pay.test/r", "https://pay.test/c", "Top-up")


def test_a_top_up_on_the_page_is_captured_at_once_and_its_wallet_told() -> None:
    bench = Bench()
    bench.open(opening(TOP_UP))
    call = bench.provider.asked["cs_1"]
    assert (call.account, call.fee_minor, call.save_card, call.mandate) == (None, 0, True, "2026-01")
    bench.provider.pay("cs_1")
    bench.webhook()
    bench.work()
    assert bench.state.phase == "settled"
    told = bench.post(WALLET, ToppedUp)
    assert (told.attempt, told.amount_minor, told.customer) == ("a1", 5000, "cus_1")
    assert bench.balance() == {"brand:1110/brand": 4900, "brand:5000": 100, "brand:2100/w1": -5000}
    assert not bench.timers


def test_a_top_up_without_proof_is_cancelled_and_its_wallet_told() -> None:
    bench = Bench()
    bench.open(opening(TOP_UP))
    bench.provider.pay("cs_1", WEAK)
    bench.webhook()
    bench.work()
    assert bench.state.phase == "released"
    assert bench.post(WALLET, TopUpFailed).reason == "sca_refused"
    assert not bench.journals


def test_a_saved_card_is_charged_under_its_mandate_without_any_page() -> None:
    bench = Bench()
    assert bench.tell(opening(AUTO)) == m.AttemptOpened("a1", None)
    bench.work()
    assert bench.state.phase == "settled"
    assert bench.state.rule == "mandate"
    assert bench.post(WALLET, ToppedUp).amount_minor == 5000
    assert bench.tell(opening(AUTO)) == m.AttemptOpened("a1", None)


@pytest.mark.parametrize("off_session", ["requires_action", "requires_payment_method", "refused"])
def test_a_saved_card_that_wants_its_holder_is_not_charged_again(off_session: str) -> None:
    bench = Bench()
    bench.provider.off_session = off_session
    bench.tell(opening(AUTO))
    bench.work()
    bench.pass_(days=1)
    told = bench.post(WALLET, TopUpFailed)
    assert told.reason == "authentication_required"
    assert len([call for call, _ in bench.provider.by_key.values() if isinstance(call, psp.ChargeSaved)]) == 1
    assert bench.state.phase in ("released", "releasing")


@pytest.mark.parametrize("missing", ["customer", "payment_method", "mandate"])
def test_nothing_is_charged_without_a_card_and_a_mandate(missing: str) -> None:
    bench = Bench()
    refused = bench.tell(opening(replace(AUTO, **{missing: None})))
    assert isinstance(refused, Refused)
    assert refused.code == "no_card"
    assert bench.post(WALLET, TopUpFailed).reason == "no_card"
    assert not bench.outbox


def test_an_unsure_charge_of_a_saved_card_is_asked_again_with_the_same_key() -> None:
    bench = Bench()
    bench.tell(opening(AUTO))
    bench.unsure("charge:1", done=True)
    bench.provider.changed.clear()
    bench.pass_(minutes=1)
    assert bench.state.phase == "settled"
    assert len(bench.provider.intents) == 1


def test_a_page_that_nobody_pays_on_fails_the_top_up() -> None:
    bench = Bench()
    bench.open(opening(TOP_UP))
    bench.pass_(hours=1)
    assert bench.post(WALLET, TopUpFailed).reason == "page_expired"


def test_what_is_refunded_of_a_top_up_is_its_wallets_to_book() -> None:
    bench = Bench()
    bench.tell(opening(AUTO))
    bench.work()
    count = len(bench.journals)
    assert bench.tell(m.RefundPayment("r1", "op", "closing", 2000)) == m.RefundTaken("r1", 2000)
    bench.work()
    assert bench.post(WALLET, TopUpReturned) == TopUpReturned("a1", 2000, "EUR", bench.now, "a1:refund:1", False)
    assert len(bench.journals) == count
    assert bench.state.refunded_minor == 2000


def test_a_top_up_that_is_disputed_and_lost_comes_off_the_wallet() -> None:
    bench = Bench()
    bench.tell(opening(AUTO))
    bench.work()
    bench.provider.dispute("pi_1", 5000)
    bench.webhook()
    assert bench.balance()["brand:1160"] == 5000
    bench.provider.end_dispute("lost")
    bench.webhook()
    assert bench.post(WALLET, TopUpReturned) == TopUpReturned("a1", 5000, "EUR", bench.now, "dp_1", True)
