"""Refunds, transfers, disputes, payouts: what becomes of the money, and that every balance is the sum of its lines."""

from io import BytesIO
from typing import Any

import pytest
import stripe

from gateways.payments.sandbox import Sandbox
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, OTHER, held, misfits, sandboxed


async def captured(
    sandbox: Sandbox, api: stripe.StripeClient, card: str = "frictionless", amount: int = 1234, fee: int | None = 62
) -> stripe.PaymentIntent:
    intent = await held(sandbox, api, card)
    params: Any = {"amount_to_capture": amount, "expand": ["latest_charge"]} | ({"application_fee_amount": fee} if fee else {})
    return await api.v1.payment_intents.capture_async(intent.id, params, ON)


async def test_many_small_refunds_return_the_whole_fee_and_not_a_cent_more() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await captured(sandbox, api)
        for part in (1, 333, 400, 7, 493):
            await api.v1.refunds.create_async(
                {"payment_intent": intent.id, "amount": part, "refund_application_fee": True, "metadata": {"key": str(part)}}, ON
            )
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1}, ON)
        assert caught.value.code == "charge_already_refunded"
        money = await sandbox.driver.look("money")
        mine = money["accounts"][MERCHANT]["intents"][0]
        assert (mine["captured"], mine["refunded"], mine["fee"], mine["fee_refunded"]) == (1234, 1234, 62, 62)
        assert money["consistent"]
        listed = await api.v1.refunds.list_async({"payment_intent": intent.id, "limit": 3}, ON)
        assert (len(listed.data), listed.has_more) == (3, True)
        everything = [one async for one in listed.auto_paging_iter()]
        assert len(everything) == 6, "five of ours, and the rest of the hold that was never taken"
        assert sorted(one.amount for one in everything if one.balance_transaction) == [1, 7, 333, 400, 493]
        assert misfits(everything[0]) == []


async def test_a_refund_that_the_bank_sends_back_is_money_on_the_balance_again() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await captured(sandbox, api, "refund_fails")
        refund = await api.v1.refunds.create_async({"payment_intent": intent.id}, ON)
        assert refund.status == "succeeded"
        await sandbox.driver.control("clock", advance=3601)
        refund = await api.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]}, ON)
        assert refund.status == "failed"
        assert isinstance(refund.failure_balance_transaction, stripe.BalanceTransaction)
        assert refund.failure_balance_transaction.net == 1234
        again = await api.v1.refunds.create_async({"payment_intent": intent.id}, ON)
        assert again.amount == 1234
        slow = await captured(sandbox, api, "refund_pending")
        refund = await api.v1.refunds.create_async({"payment_intent": slow.id}, ON)
        assert (refund.status, misfits(refund)) == ("pending", [])
        await sandbox.driver.control("clock", advance=5 * 86400 + 1)
        assert (await api.v1.refunds.retrieve_async(refund.id, {}, ON)).status == "succeeded"


async def topped_up(sandbox: Sandbox, api: stripe.StripeClient, amount: int = 5000) -> None:
    """A top-up on the brand's own account, its money available."""
    wish: Any = {"amount": amount, "currency": "eur", "payment_method": "pm_card_available_now", "confirm": True}
    await api.v1.payment_intents.create_async(wish)


async def test_a_transfer_needs_available_money_and_a_reversal_what_was_not_reversed() -> None:
    async with sandboxed() as (sandbox, api):
        wish: Any = {
            "amount": 1172,
            "currency": "eur",
            "destination": MERCHANT,
            "transfer_group": "S1",
            "metadata": {"key": "t1"},
        }
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.transfers.create_async(wish)
        assert caught.value.code == "balance_insufficient"
        await topped_up(sandbox, api)
        assert (await api.v1.balance.retrieve_async()).available[0].amount == 4900, "50.00 less Stripe's 1.00, as in MONEY 3.4"
        transfer = await api.v1.transfers.create_async({**wish, "expand": ["balance_transaction", "destination_payment"]})
        assert misfits(transfer) == []
        assert (await api.v1.balance.retrieve_async({}, ON)).available[0].amount == 1172
        first = await api.v1.transfers.reversals.create_async(transfer.id, {"amount": 475, "expand": ["balance_transaction"]})
        assert misfits(first) == []
        with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
            await api.v1.transfers.reversals.create_async(transfer.id, {"amount": 698})
        await api.v1.transfers.reversals.create_async(transfer.id)
        seen = await api.v1.transfers.list_async({"transfer_group": "S1"})
        assert [(one.amount_reversed, one.reversed, len(one.reversals.data)) for one in seen.data] == [(1172, True, 2)]
        money = await sandbox.driver.look("money")
        assert money["accounts"][MERCHANT]["balance"]["eur"] == {"available": 0, "pending": 0}
        assert money["accounts"][sandbox.world.platform]["balance"]["eur"]["available"] == 4900
        with pytest.raises(stripe.InvalidRequestError, match="platform"):
            await api.v1.transfers.create_async(wish, ON)


async def test_a_dispute_takes_the_money_with_a_fee_and_evidence_can_bring_it_back() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await captured(sandbox, api, "disputed")
        found = await api.v1.disputes.list_async({"payment_intent": intent.id}, ON)
        dispute = found.data[0]
        assert misfits(dispute) == []
        assert [(line.amount, line.fee, line.net) for line in dispute.balance_transactions] == [(-1234, 2000, -3234)]
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.refunds.create_async({"payment_intent": intent.id}, ON)
        assert caught.value.code == "charge_disputed"
        pdf = BytesIO(b"%PDF-1.7")
        pdf.name = "receipt.pdf"
        upload: Any = {"purpose": "dispute_evidence", "file": pdf}
        file = await api.v1.files.create_async(upload, {**ON})  # the package writes into the options it is given
        assert (file.filename, file.type, misfits(file)) == ("receipt.pdf", "pdf", [])
        evidence: Any = {"receipt": file.id, "uncategorized_text": "winning_evidence"}
        saved = await api.v1.disputes.update_async(dispute.id, {"evidence": evidence, "submit": False}, ON)
        assert (saved.status, saved.evidence_details.has_evidence) == ("needs_response", True)
        won = await api.v1.disputes.update_async(dispute.id, {"submit": True}, ON)
        assert (won.status, won.evidence_details.submission_count) == ("won", 1)
        assert sum(line.net for line in won.balance_transactions) == -2000
        other = await captured(sandbox, api)
        assert isinstance(other.latest_charge, stripe.Charge)
        opened = await sandbox.driver.control("disputes", id=other.latest_charge.id, reason="product_not_received")
        await sandbox.driver.control("clock", advance=15 * 86400)
        lost = await api.v1.disputes.retrieve_async(opened["id"], {}, ON)
        assert (lost.status, lost.evidence_details.past_due) == ("lost", True), "nobody answered in time"
        assert (await sandbox.driver.look("money"))["consistent"]


async def test_an_automatic_payout_is_the_sum_of_its_lines_and_may_fail_after_it_was_paid() -> None:
    async with sandboxed() as (sandbox, api):
        first, second = await captured(sandbox, api), await captured(sandbox, api, amount=2000)
        await api.v1.refunds.create_async({"payment_intent": second.id, "amount": 700}, ON)
        await sandbox.driver.control("clock", advance=4 * 86400)
        made = await sandbox.driver.control("payouts", account=MERCHANT)
        payout = await api.v1.payouts.retrieve_async(made["payouts"][0]["id"], {}, ON)
        assert (payout.status, payout.reconciliation_status, misfits(payout)) == ("pending", "in_progress", [])
        await sandbox.driver.control("payouts/pay", id=payout.id)
        payout = await api.v1.payouts.retrieve_async(payout.id, {}, ON)
        assert (payout.status, payout.reconciliation_status) == ("paid", "completed")
        listed = await api.v1.balance_transactions.list_async({"payout": payout.id, "limit": 2}, ON)
        lines = [one async for one in listed.auto_paging_iter()]
        assert sum(line.net for line in lines if line.type != "payout") == payout.amount
        assert sorted(line.type for line in lines) == ["charge", "charge", "payout", "refund"]
        for line in lines:
            assert misfits(line) == []
        await sandbox.driver.control("payouts/fail", id=payout.id)
        payout = await api.v1.payouts.retrieve_async(payout.id, {}, ON)
        assert (payout.status, payout.failure_code) == ("failed", "account_closed")
        again = await sandbox.driver.control("payouts", account=MERCHANT)
        assert again["payouts"][0]["amount"] == payout.amount, "what came back goes out with the next one"
        assert first.id != second.id


async def test_a_payout_by_hand_is_limited_by_what_is_available_and_has_no_lines() -> None:
    async with sandboxed() as (sandbox, api):
        await topped_up(sandbox, api)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.payouts.create_async({"amount": 4901, "currency": "eur"})
        assert caught.value.code == "balance_insufficient"
        payout = await api.v1.payouts.create_async({"amount": 800, "currency": "eur"})
        with pytest.raises(stripe.InvalidRequestError, match="automatic"):
            await api.v1.balance_transactions.list_async({"payout": payout.id})
        assert (await api.v1.payouts.cancel_async(payout.id)).status == "canceled"
        assert (await api.v1.balance.retrieve_async()).available[0].amount == 4900


async def test_what_was_done_is_found_by_its_metadata() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        found = await api.v1.payment_intents.search_async({"query": "metadata['attempt']:'A1' AND status:'requires_capture'"}, ON)
        assert [one.id for one in found.data] == [intent.id]
        none = await api.v1.payment_intents.search_async({"query": 'metadata["attempt"]:"A2"'}, ON)
        assert none.data == []
        with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
            await api.v1.payment_intents.search_async({"query": "everything, please"}, ON)


async def test_money_from_outside_the_eea_costs_more_and_each_currency_has_its_own_balance() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await captured(sandbox, api, "us", 10_000 // 2, None)
        lines = await api.v1.balance_transactions.list_async({"type": "charge"}, ON)
        assert [(one.amount, one.fee_details[-1].amount) for one in lines.data] == [(5000, 188)]
        wish: Any = {"amount": 20_000, "currency": "huf", "payment_method": "pm_card_available_now", "confirm": True}
        await api.v1.payment_intents.create_async(wish, {"stripe_account": OTHER})
        balance = await api.v1.balance.retrieve_async({}, {"stripe_account": OTHER})
        assert [one.currency for one in balance.available] == ["huf"]
        with pytest.raises(stripe.InvalidRequestError, match="divisible by 100"):
            await api.v1.payouts.create_async({"amount": 1_050, "currency": "huf"}, {"stripe_account": OTHER})
        assert intent.status == "succeeded"
