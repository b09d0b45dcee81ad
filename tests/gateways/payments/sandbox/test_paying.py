"""A Checkout is opened, paid, held, captured, released: the real stripe package on trio against the sandbox."""

import time
from typing import Any

import pytest
import stripe

from gateways.payments.sandbox import Config
from tests.gateways.payments.sandbox.kit import CONFIG, MERCHANT, ON, OTHER, held, misfits, order, sandboxed
from tests.kits.patience import http_client


async def test_a_checkout_is_paid_held_captured_and_refunded_to_the_cent() -> None:
    """The numbers of MONEY 3.4: 12.34 captured, Stripe takes 0.44, the brand 0.62; of 5.00 refunded 0.25 of the fee come back."""
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api, "challenge")
        assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
        taken = await api.v1.payment_intents.capture_async(
            intent.id,
            {
                "amount_to_capture": 1234,
                "application_fee_amount": 62,
                "expand": ["latest_charge.balance_transaction", "latest_charge.application_fee"],
            },
            ON,
        )
        charge = taken.latest_charge
        assert isinstance(charge, stripe.Charge)
        line, fee = charge.balance_transaction, charge.application_fee
        assert isinstance(line, stripe.BalanceTransaction)
        assert isinstance(fee, stripe.ApplicationFee)
        assert (taken.status, taken.amount_received, charge.amount_captured) == ("succeeded", 1234, 1234)
        assert (line.amount, line.fee, line.net) == (1234, 106, 1128)
        assert {one.type: one.amount for one in line.fee_details} == {"stripe_fee": 44, "application_fee": 62}
        assert charge.amount_refunded == 3766, "what was held and not taken shows as a refund, as with Stripe"
        refund = await api.v1.refunds.create_async(
            {"payment_intent": intent.id, "amount": 500, "refund_application_fee": True, "expand": ["balance_transaction"]}, ON
        )
        assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
        assert refund.balance_transaction.net == -475
        fee = await api.v1.application_fees.retrieve_async(fee.id)
        assert (fee.amount, fee.amount_refunded) == (62, 25)
        for obj in (taken, refund, fee):
            assert misfits(obj) == []


@pytest.mark.parametrize(
    ("card", "result", "country", "wallet"),
    [
        ("frictionless", "authenticated", "DE", None),
        ("challenge", "authenticated", "DE", None),
        ("attempt_acknowledged", "attempt_acknowledged", "DE", None),
        ("exempted", "exempted", "DE", None),
        ("data_share_only", "data_share_only", "DE", None),
        ("not_supported", "not_supported", "DE", None),
        ("processing_error", "processing_error", "DE", None),
        ("failed", "failed", "DE", None),
        ("no_proof", None, "DE", None),
        ("us", None, "US", None),
        ("us_not_supported", "not_supported", "US", None),
        ("gb_no_proof", None, "GB", None),
        ("apple_pay", None, "DE", "apple_pay"),
        ("google_pay", None, "DE", "google_pay"),
        ("google_pay_pan", None, "DE", "google_pay"),
    ],
)
async def test_each_card_brings_the_proof_that_its_name_says(
    card: str, result: str | None, country: str, wallet: str | None
) -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api, card)
        charge = intent.latest_charge
        assert isinstance(charge, stripe.Charge)
        assert charge.payment_method_details is not None
        seen = charge.payment_method_details.card
        assert seen is not None
        assert (seen.three_d_secure.result if seen.three_d_secure else None) == result
        assert (seen.country, seen.wallet.type if seen.wallet else None) == (country, wallet)
        if wallet is not None:
            assert seen.wallet is not None
            assert (seen.wallet.dynamic_last4 is None) == (card == "google_pay_pan")
        assert misfits(intent) == []


async def test_without_asking_for_3ds_most_cards_run_none() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api, payment_method_options={"card": {"request_three_d_secure": "automatic"}})
        charge = intent.latest_charge
        assert isinstance(charge, stripe.Charge)
        assert charge.payment_method_details is not None
        assert charge.payment_method_details.card is not None
        assert charge.payment_method_details.card.three_d_secure is None


async def test_a_failed_challenge_and_a_decline_leave_the_page_open_and_the_intent_waiting() -> None:
    async with sandboxed() as (sandbox, api):
        session = await api.v1.checkout.sessions.create_async(order(), ON)  # type: ignore[arg-type]
        assert session.url is not None
        outcome = await sandbox.driver.pay(session.url, "challenge", challenge=False)
        assert outcome.error is not None
        assert "unable to authenticate" in outcome.error
        outcome = await sandbox.driver.pay(session.url, "insufficient_funds")
        assert outcome.error == "Your card has insufficient funds."
        seen = await api.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent"]}, ON)
        intent = seen.payment_intent
        assert isinstance(intent, stripe.PaymentIntent)
        assert (seen.status, intent.status) == ("open", "requires_payment_method")
        assert intent.last_payment_error is not None
        assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == ("card_declined", "insufficient_funds")
        with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
            await api.v1.payment_intents.cancel_async(intent.id, {}, ON)
        outcome = await sandbox.driver.pay(session.url, "frictionless")
        assert outcome.url == f"https://pay.example.org/done?s={session.id}"
        assert misfits(intent) == []
        assert (await sandbox.driver.pay(session.url)).error == "You have paid already."


async def test_an_expired_session_cannot_be_paid_and_a_paid_one_not_expired() -> None:
    async with sandboxed() as (sandbox, api):
        session = await api.v1.checkout.sessions.create_async(order(), ON)  # type: ignore[arg-type]
        assert session.url is not None
        gone = await api.v1.checkout.sessions.expire_async(session.id, {}, ON)
        assert (gone.status, gone.url) == ("expired", None)
        assert misfits(gone) == []
        assert "expired" in str((await sandbox.driver.pay(session.url)).error)
        intent = await held(sandbox, api)
        paid = await api.v1.checkout.sessions.list_async({"payment_intent": intent.id}, ON)
        with pytest.raises(stripe.InvalidRequestError, match="status of complete"):
            await api.v1.checkout.sessions.expire_async(paid.data[0].id, {}, ON)


async def test_a_hold_is_released_by_us_or_lapses_by_the_clock_and_never_both_ways() -> None:
    async with sandboxed() as (sandbox, api):
        earliest = int(time.time())
        first, second, third = [await held(sandbox, api) for _ in range(3)]
        freed = await api.v1.payment_intents.cancel_async(first.id, {"cancellation_reason": "requested_by_customer"}, ON)
        assert (freed.status, freed.amount_capturable) == ("canceled", 0)
        await api.v1.payment_intents.capture_async(second.id, {}, ON)
        with pytest.raises(stripe.InvalidRequestError, match="has a status of succeeded"):
            await api.v1.payment_intents.cancel_async(second.id, {}, ON)
        charge = third.latest_charge
        assert isinstance(charge, stripe.Charge)
        assert charge.payment_method_details is not None
        assert charge.payment_method_details.card is not None
        before = charge.payment_method_details.card.capture_before
        assert before is not None
        assert earliest <= before - 7 * 86400 <= time.time()
        await sandbox.driver.control("clock", advance=7 * 86400 + 5)
        lapsed = await api.v1.payment_intents.retrieve_async(third.id, {}, ON)
        assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "automatic")
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.payment_intents.capture_async(third.id, {}, ON)
        assert caught.value.code == "payment_intent_unexpected_state"


async def test_more_than_is_held_and_a_second_capture_are_refused() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 5001}, ON)
        assert (caught.value.code, caught.value.param) == ("amount_too_large", "amount_to_capture")
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 49}, ON)
        assert caught.value.code == "amount_too_small"
        await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 100, "application_fee_amount": 300}, ON)
        fee = sandbox.world.newest(sandbox.world.platform, "application_fee").__next__()
        assert fee["amount"] == 100, "the fee is capped at what was captured"
        with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
            await api.v1.payment_intents.capture_async(intent.id, {}, ON)


async def test_one_merchants_payments_are_unknown_to_another_and_to_the_brand() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        for options in ({}, {"stripe_account": OTHER}):
            with pytest.raises(stripe.InvalidRequestError) as caught:
                await api.v1.payment_intents.retrieve_async(intent.id, {}, options)  # type: ignore[arg-type]
            assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
        with pytest.raises(stripe.PermissionError) as refused:
            await api.v1.payment_intents.retrieve_async(intent.id, {}, {"stripe_account": "acct_unknown"})
        assert refused.value.error is not None
        assert refused.value.error.code == "account_invalid", "the package shows it here only"


async def test_a_saved_card_is_charged_without_its_holder_or_asks_for_them() -> None:
    config = Config(merchants=(MERCHANT,))
    async with sandboxed(config) as (sandbox, api):
        for card, asks in (("ask_once", False), ("always_ask", True)):
            params = order(fee=None)
            params["payment_intent_data"]["setup_future_usage"] = "off_session"
            session = await api.v1.checkout.sessions.create_async(params)  # type: ignore[arg-type]
            assert session.url is not None
            assert (await sandbox.driver.pay(session.url, card)).paid
            paid = await api.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent", "customer"]})
            assert isinstance(paid.payment_intent, stripe.PaymentIntent)
            assert isinstance(paid.customer, stripe.Customer)
            saved = await api.v1.customers.payment_methods.list_async(paid.customer.id)
            again = {
                "amount": 2000, "currency": "eur", "customer": paid.customer.id, "payment_method": saved.data[0].id,
                "off_session": True, "confirm": True, "capture_method": "manual",
            }  # fmt: skip
            if asks:
                with pytest.raises(stripe.CardError) as caught:
                    await api.v1.payment_intents.create_async(again)  # type: ignore[arg-type]
                assert (caught.value.code, caught.value.http_status) == ("authentication_required", 402)
            else:
                intent = await api.v1.payment_intents.create_async(again)  # type: ignore[arg-type]
                assert (intent.status, misfits(intent)) == ("requires_capture", [])
            assert [*misfits(paid.customer), *misfits(saved.data[0])] == []


async def test_a_day_later_the_money_is_still_pending_and_after_three_it_is_available() -> None:
    async with sandboxed(CONFIG) as (sandbox, api):
        intent = await held(sandbox, api)
        await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1234, "application_fee_amount": 62}, ON)
        balance = await api.v1.balance.retrieve_async({}, ON)
        assert (balance.available[0].amount, balance.pending[0].amount) == (0, 1128)
        await sandbox.driver.control("clock", advance=86400)
        assert (await api.v1.balance.retrieve_async({}, ON)).pending[0].amount == 1128
        await sandbox.driver.control("clock", advance=2 * 86400 + 1)
        balance = await api.v1.balance.retrieve_async({}, ON)
        assert (balance.available[0].amount, balance.pending[0].amount, misfits(balance)) == (1128, 0, [])


async def test_an_intent_confirmed_with_its_holder_there_leads_to_a_challenge() -> None:
    async with sandboxed() as (_sandbox, api), http_client() as browser:
        wish: Any = {
            "amount": 2000, "currency": "eur", "payment_method": "pm_card_challenge", "confirm": True,
            "return_url": "https://pay.example.org/back",
        }  # fmt: skip
        for said, status, code in (("complete", "succeeded", 303), ("fail", "requires_payment_method", 400)):
            intent = await api.v1.payment_intents.create_async(wish)
            assert (intent.status, misfits(intent)) == ("requires_action", [])
            assert intent.next_action is not None
            assert intent.next_action.redirect_to_url is not None
            url = str(intent.next_action.redirect_to_url.url)
            assert "Complete authentication" in (await browser.get(url)).text
            assert (await browser.post(url, data={"answer": said})).status_code == code
            assert (await api.v1.payment_intents.retrieve_async(intent.id)).status == status
            assert (await browser.post(url, data={"answer": "complete"})).status_code == 400


async def test_a_customer_who_was_deleted_is_gone_and_so_are_their_cards() -> None:
    async with sandboxed() as (_, api):
        kept, gone = [await api.v1.customers.create_async({}) for _ in range(2)]
        card = await api.v1.payment_methods.attach_async("pm_card_frictionless", {"customer": gone.id})
        assert (await api.v1.customers.delete_async(gone.id)).deleted
        assert [one.id for one in (await api.v1.customers.list_async()).data] == [kept.id]
        wish: Any = {"amount": 2000, "currency": "eur", "customer": gone.id, "payment_method": card.id, "confirm": True}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.payment_intents.create_async(wish)
        assert caught.value.code == "resource_missing"
        with pytest.raises(stripe.InvalidRequestError, match="detached"):
            await api.v1.payment_intents.create_async({**wish, "customer": kept.id})
