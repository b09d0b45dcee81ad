"""An attempt ends on the platform account with which it began; a saved card is one account's own."""

from msgspec.structs import replace

from actors.model import psp
from actors.model.decision import Refused
from actors.payment import messages as m
from actors.wallet.messages import ToppedUp, TopUpFailed
from tests.actors.payment.bench import DEAL, WALLET, Bench
from tests.actors.payment.test_topups import AUTO, TOP_UP, opening


def test_every_call_of_an_attempt_goes_to_the_account_with_which_it_began() -> None:
    bench = Bench(platform="acct_brand", deal=replace(DEAL, platform="acct_brand"))
    bench.open(opening(TOP_UP))
    bench.platform = "acct_other"
    bench.provider.pay("cs_1")
    bench.webhook()
    bench.work()
    assert bench.state.phase == "settled"
    assert len(bench.asked()) > 1
    assert {asked.call.platform for asked in bench.asked()} == {"acct_brand"}
    assert bench.row is not None
    assert bench.row.platform == "acct_brand"
    assert bench.post(WALLET, ToppedUp).platform == "acct_brand"


def test_a_brand_without_an_account_sells_nothing() -> None:
    bench = Bench(platform=None)
    refused = bench.tell(opening(TOP_UP))
    assert isinstance(refused, Refused)
    assert refused.code == "not_open"
    assert not bench.outbox


def test_a_card_that_another_account_knows_is_not_charged_and_the_wallet_told() -> None:
    bench = Bench(platform="acct_brand")
    refused = bench.tell(opening(replace(AUTO, platform="acct_old")))
    assert isinstance(refused, Refused)
    assert refused.code == "no_card"
    assert bench.post(WALLET, TopUpFailed).reason == "no_card"
    assert not bench.outbox


def test_on_the_page_another_accounts_customer_is_a_new_one() -> None:
    for known, customer in (("acct_old", None), ("acct_brand", "cus_1")):
        bench = Bench(platform="acct_brand")
        bench.tell(opening(replace(TOP_UP, customer="cus_1", platform=known)))
        (call,) = bench.outbox.values()
        assert isinstance(call, psp.OpenCheckout)
        assert (call.customer, call.platform) == (customer, "acct_brand")


def test_an_account_that_left_another_platform_account_is_no_loss() -> None:
    bench = Bench(platform="acct_brand", deal=replace(DEAL, platform="acct_brand"))
    bench.open()
    before = bench.state
    bench.tell(m.AccountLost(DEAL.account or "", bench.now, "acct_other"))
    assert bench.state == before
