"""Every wish against the sandbox: what goes out, what comes back, and what it moves."""

from datetime import timedelta
from typing import Any

import pytest

from actors.model import psp
from gateways.payments.calls import alias
from gateways.payments.sandbox import Config
from tests.gateways.payments.rig import MERCHANT, rigged


async def test_a_checkout_is_opened_with_a_hold_3d_secure_and_our_marks_and_nothing_else() -> None:
    async with rigged() as rig:
        call = rig.open()
        seen = await rig.do(call)
        (sent,) = rig.sent("/v1/checkout/sessions")
    assert (seen.status, seen.intent) == ("open", None)
    assert seen.url.startswith("http")
    assert abs(seen.expires_at - call.expires_at) < timedelta(seconds=2)
    assert (sent["account"], sent["key"]) == (MERCHANT, call.key)
    params = {name: value for name, value in sent["params"].items() if not name.startswith("expand")}
    assert params == {
        "mode": "payment",
        "allowed_payment_method_types[0]": "card",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "5000",
        "line_items[0][price_data][product_data][name]": "Charging",
        "line_items[0][quantity]": "1",
        "payment_intent_data[capture_method]": "manual",
        "payment_intent_data[application_fee_amount]": "250",
        "payment_intent_data[metadata][tenant]": "acme",
        "payment_intent_data[metadata][attempt]": "p1",
        "payment_intent_data[metadata][key]": call.key,
        "payment_method_options[card][request_three_d_secure]": "any",
        "wallet_options[link][display]": "never",
        "adaptive_pricing[enabled]": "false",
        "client_reference_id": "p1",
        "metadata[tenant]": "acme",
        "metadata[attempt]": "p1",
        "metadata[key]": call.key,
        "success_url": call.success_url,
        "cancel_url": call.cancel_url,
        "expires_at": str(int(call.expires_at.timestamp())),
        "locale": "auto",
        "customer_email": "payment-p1@pay.example.org",
    }


def test_an_alias_stands_at_our_own_host_where_that_is_a_name() -> None:
    assert alias("p1", "https://pay.example.org/x") == "payment-p1@pay.example.org"
    for url in ("http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x"):
        assert alias("p1", url) == "payment-p1@example.com"


@pytest.mark.parametrize("minutes", [1, 30, 45, 60 * 48])
async def test_a_second_try_with_the_same_key_says_the_same(minutes: int) -> None:
    async with rigged() as rig:
        call = rig.open(expires_at=rig.now() + timedelta(minutes=minutes))
        first = await rig.do(call)
        await rig.sandbox.driver.control("clock", advance=40)
        assert await rig.do(call) == first
        assert [sent["replayed"] for sent in rig.sent("/v1/checkout/sessions")] == [False, True]


@pytest.mark.parametrize(("minutes", "at_least", "at_most"), [(1, 30, 33), (45, 44, 46), (60 * 48, 60 * 23, 60 * 24)])
async def test_a_page_lives_as_long_as_the_provider_allows(minutes: int, at_least: int, at_most: int) -> None:
    async with rigged() as rig:
        now = rig.now()
        seen = await rig.do(rig.open(expires_at=now + timedelta(minutes=minutes)))
    assert timedelta(minutes=at_least) <= seen.expires_at - now <= timedelta(minutes=at_most)


async def test_from_the_hold_to_the_last_cent_given_back() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        held = await rig.do(psp.FetchIntent(intent=intent, **rig.head()))
        assert (held.status, held.capturable_minor, held.received_minor, held.fee_minor) == ("requires_capture", 5000, 0, 250)
        assert held.proof == psp.CardProof(country="DE", result="authenticated", flow="frictionless", eci="05")
        assert held.card is not None
        assert held.card.startswith("c")
        assert "print" not in held.card, "the provider's fingerprint stays with the provider"
        assert held.capture_before is not None

        taken = await rig.do(rig.capture(intent, 1234, 62))
        assert (taken.status, taken.received_minor, taken.fee_minor, taken.refunded_minor) == ("succeeded", 1234, 62, 0)
        assert {(fee.kind, fee.amount_minor) for fee in taken.line.fees} == {("application_fee", 62), ("stripe_fee", 44)}
        assert (taken.line.amount_minor, taken.line.net_minor, taken.line.source) == (1234, 1128, taken.charge)

        refund = await rig.do(rig.refund(intent, 500))
        assert (refund.status, refund.amount_minor, refund.fee_returned_minor, refund.intent) == ("succeeded", 500, 25, intent)
        assert (await rig.do(psp.FetchIntent(intent=intent, **rig.head()))).refunded_minor == 500
        rest = await rig.do(rig.refund(intent, 734))
        assert refund.fee_returned_minor + rest.fee_returned_minor == 62
        assert (await rig.do(psp.FetchIntent(intent=intent, **rig.head()))).refunded_minor == 1234
        assert await rig.do(psp.FetchRefund(refund=refund.refund, **rig.head())) == refund
        assert (await rig.do(rig.refund(intent, 1))).code == "charge_already_refunded"


async def test_more_than_the_hold_is_never_taken() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        assert isinstance(await rig.do(rig.capture(intent, 5001, 0)), psp.PspRefused)
        assert (await rig.do(psp.FetchIntent(intent=intent, **rig.head()))).status == "requires_capture"


async def test_the_fee_of_the_whole_hold_does_not_outlive_a_smaller_capture() -> None:
    async with rigged() as rig:
        seen = await rig.do(rig.capture(await rig.held(), 100, 0))
        assert [fee.kind for fee in seen.line.fees] == ["stripe_fee"]


async def test_a_refund_of_a_charge_without_a_fee_goes_without_one() -> None:
    async with rigged() as rig:
        intent = await rig.held(fee_minor=0)
        await rig.do(rig.capture(intent, 1234, 0))
        refund = await rig.do(rig.refund(intent, 500))
        assert (refund.amount_minor, refund.fee_returned_minor) == (500, 0)
        assert await rig.do(rig.refund(intent, 500, key=refund.key), again=True) == refund


async def test_a_hold_is_let_go_and_again_and_cannot_be_taken_then() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        cancel = psp.CancelIntent(intent=intent, **rig.head())
        assert (await rig.do(cancel)).status == "canceled"
        assert (await rig.do(psp.CancelIntent(intent=intent, **rig.head()))).status == "canceled"
        late = await rig.do(rig.capture(intent))
        assert (late.status, late.received_minor, late.refunded_minor) == ("canceled", 0, 0)


async def test_a_captured_hold_is_told_as_such_to_whoever_wants_to_let_it_go() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        await rig.do(rig.capture(intent))
        assert (await rig.do(psp.CancelIntent(intent=intent, **rig.head()))).status == "succeeded"


async def test_a_page_is_closed_unless_it_was_paid_a_moment_before() -> None:
    async with rigged() as rig:
        opened = await rig.do(rig.open())
        expire = psp.ExpireCheckout(checkout=opened.checkout, **rig.head())
        assert (await rig.do(expire)).status == "expired"
        assert (await rig.do(psp.ExpireCheckout(checkout=opened.checkout, **rig.head()))).status == "expired"

        paid = await rig.do(rig.open())
        await rig.sandbox.driver.pay(paid.url, "frictionless")
        late = await rig.do(psp.ExpireCheckout(checkout=paid.checkout, **rig.head()))
        assert (late.status, late.intent.status) == ("complete", "requires_capture")


@pytest.mark.parametrize(
    ("card", "wallet", "token"),
    [("apple_pay", "apple_pay", True), ("google_pay", "google_pay", True), ("google_pay_pan", "google_pay", False)],
)
async def test_a_wallet_and_whether_it_used_a_device_token_is_seen(card: str, wallet: str, token: bool) -> None:
    async with rigged() as rig:
        seen = await rig.do(psp.FetchIntent(intent=await rig.held(card), **rig.head()))
    assert (seen.proof.wallet, seen.proof.device_token) == (wallet, token)


async def test_a_card_is_saved_under_a_mandate_and_charged_later_without_its_holder() -> None:
    async with rigged() as rig:
        intent = await rig.held(account=None, fee_minor=0, save_card=True, mandate="v1")
        first = await rig.do(rig.capture(intent, 5000, 0, account=None))
        assert first.customer is not None
        saved: dict[str, Any] = {
            "tenant": "acme", "attempt": "p2", "amount_minor": 2000, "currency": "EUR", "customer": first.customer,
            "payment_method": first.payment_method,
        }  # fmt: skip
        seen = await rig.do(psp.ChargeSaved(mandate="v1", **saved, **rig.head(None)))
        assert (seen.status, seen.capturable_minor) == ("requires_capture", 2000)
        refused = await rig.do(psp.ChargeSaved(mandate="", **saved, **rig.head(None)))
        assert refused.code == "no_mandate"
        (sent,) = [call for call in rig.sent("/v1/payment_intents") if call["params"].get("off_session")]
        assert (sent["params"]["metadata[mandate]"], sent["params"]["capture_method"]) == ("v1", "manual")


async def test_a_card_is_not_saved_without_the_text_that_was_agreed_to() -> None:
    async with rigged() as rig:
        await rig.do(rig.open(account=None, save_card=True, mandate=None))
        (sent,) = rig.sent("/v1/checkout/sessions")
    assert not [name for name in sent["params"] if "setup_future_usage" in name]


async def test_a_transfer_and_its_reversal_move_the_brand_s_money() -> None:
    async with rigged() as rig:
        await rig.funded()
        transfer = await rig.do(rig.transfer(1172))
        assert (transfer.amount_minor, transfer.destination, transfer.line.net_minor) == (1172, MERCHANT, -1172)
        back = psp.ReverseTransfer(
            tenant="acme", merchant="m1", transfer=transfer.transfer, amount_minor=475, currency="EUR", **rig.head(None)
        )
        seen = await rig.do(back)
        assert (seen.transfer, seen.amount_minor, seen.reversed_minor, seen.key) == (transfer.transfer, 475, 475, back.key)
        assert seen.reversal is not None
        assert (await rig.do(rig.transfer(10_000_000))).code == "balance_insufficient"


async def test_balances_are_walked_from_the_oldest_line_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateways.payments.accounts.BALANCE_LINES", 3)
    monkeypatch.setattr("gateways.payments.accounts.PAGE", 2)
    async with rigged() as rig:
        for amount in (101, 102, 103, 104, 105, 106, 107):
            await rig.do(rig.capture(await rig.held(), amount, 0))
            await rig.sandbox.driver.control("clock", advance=60)
        since = rig.now() - timedelta(hours=1)
        seen = await rig.do(psp.FetchBalance(since=since, **rig.head()))
        lines, rounds = list(seen.lines), 0
        while seen.more is not None and rounds < 20:
            seen = await rig.do(psp.FetchBalance(since=since, after=seen.more, **rig.head()))
            lines += seen.lines
            rounds += 1
    assert rounds
    assert [line.amount_minor for line in lines] == [101, 102, 103, 104, 105, 106, 107]
    assert sum(seen.amounts[0][1:]) == sum(line.net_minor for line in lines)


async def test_each_currency_is_taken_in_its_own_units() -> None:
    cases = [("JPY", 5000, 1234, "5000", "1234"), ("ISK", 5000, 1234, "500000", "123400"), ("KWD", 5009, 1237, "5000", "1230"),
             ("HUF", 500_000, 123_456, "500000", "123456")]  # fmt: skip
    async with rigged() as rig:
        for currency, hold, cost, sent_hold, sent_cost in cases:
            intent = await rig.held(currency=currency, amount_minor=hold, fee_minor=0)
            seen = await rig.do(rig.capture(intent, cost, 0, currency=currency))
            opened = [c for c in rig.sent("/v1/checkout/sessions") if c["method"] == "POST"][-1]
            taken = [c for c in rig.sent("/v1/payment_intents") if c["path"].endswith("/capture")][-1]
            assert opened["params"]["line_items[0][price_data][unit_amount]"] == sent_hold
            assert taken["params"]["amount_to_capture"] == sent_cost
            assert seen.received_minor == (1230 if currency == "KWD" else cost)
        small = await rig.do(rig.open(amount_minor=49))
        assert small.code == "amount_too_small"
        assert (await rig.do(rig.open(currency="XAU"))).code == "currency_unknown"


async def test_a_dispute_is_seen_with_its_money_and_answered_with_files() -> None:
    async with rigged(Config(merchants=(MERCHANT,))) as rig:
        intent = await rig.held("disputed")
        await rig.do(rig.capture(intent))
        await rig.sandbox.driver.control("clock", advance=5)
        assert (await rig.do(psp.FetchIntent(intent=intent, **rig.head()))).disputed
        (id,) = [obj["id"] for obj in rig.sandbox.world.newest(MERCHANT, "dispute")]
        seen = await rig.do(psp.FetchDispute(dispute=id, **rig.head()))
        assert (seen.amount_minor, seen.intent, seen.status) == (1234, intent, "needs_response")
        assert [line.amount_minor for line in seen.lines] == [-1234]
        call = psp.SubmitEvidence(
            dispute=id, texts={"product_description": "12 kWh"}, files={"receipt": ("receipt.pdf", "JVBERi0xLjQ=")}, **rig.head()
        )
        answer = await rig.do(call)
        assert isinstance(answer, psp.DisputeSeen), answer
        assert answer.status == "under_review"
        assert (await rig.do(psp.SubmitEvidence(dispute=id, files={"receipt": ("r", "?")}, **rig.head()))).code == "file_invalid"
