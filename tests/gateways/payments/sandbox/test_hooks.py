"""Webhooks of both endpoints, verified by the stripe package, and what is induced on their way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import stripe
import trio

from gateways.payments.sandbox import Sandbox, limits
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, Inbox, held, misfits, sandboxed
from tests.kits.patience import until


@asynccontextmanager
async def hooked() -> AsyncIterator[tuple[Sandbox, stripe.StripeClient, Inbox, Inbox]]:
    """A sandbox with its two endpoints: the brand's own, and Connect."""
    async with trio.open_nursery() as nursery, sandboxed() as (sandbox, api):
        own, connect = Inbox("whsec_own"), Inbox("whsec_connect")
        for inbox in (own, connect):
            await nursery.start(inbox.serve)
        sandbox.hook(own.url, own.secret)
        sandbox.hook(connect.url, connect.secret, connect=True)
        yield sandbox, api, own, connect
        nursery.cancel_scope.cancel()


async def test_each_endpoint_gets_its_own_events_signed_with_its_own_secret() -> None:
    async with hooked() as (sandbox, api, own, connect):
        intent = await held(sandbox, api, "challenge")
        await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1234, "application_fee_amount": 62}, ON)
        await sandbox.settled()
        assert own.types == ["application_fee.created"]
        assert sorted(connect.types) == [
            "charge.captured",
            "charge.succeeded",
            "checkout.session.completed",
            "payment_intent.amount_capturable_updated",
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.succeeded",
        ]
        assert (own.refused, connect.refused) == ([], [])
        assert {event.account for event in connect.events} == {MERCHANT}
        assert not any(event.livemode for event in connect.events)
        for event in [*own.events, *connect.events]:
            assert misfits(event) == []
            assert event.api_version == "2026-10-28.endive"
        then = next(event for event in connect.events if event.type == "payment_intent.amount_capturable_updated").data.object
        assert (then.status, then.amount_capturable) == ("requires_capture", 5000), "an event keeps what was true at its time"


async def test_an_endpoint_that_fails_is_asked_again_and_meanwhile_the_event_is_listed_as_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RETRIES", (0.01,) * 100_000)
    async with hooked() as (sandbox, api, _own, connect):
        connect.failing = True
        await api.v1.customers.create_async({"email": "a@example.org"}, ON)
        await until(lambda: connect.failed)
        missed = await api.v1.events.list_async({"delivery_success": False}, ON)
        assert [event.type for event in missed.data] == ["customer.created"]
        connect.failing = False
        await sandbox.settled()
        assert connect.types == ["customer.created"]
        assert (await api.v1.events.list_async({"delivery_success": False}, ON)).data == []


async def test_webhooks_are_duplicated_overtaken_dropped_and_spoiled_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELD_MOST", 60.0)
    async with hooked() as (sandbox, api, _own, connect):
        rules = [
            {"event": "payment_intent.created", "what": "duplicate", "seconds": 0.1},
            {"event": "charge.succeeded", "what": "reorder"},
            {"event": "payment_intent.amount_capturable_updated", "what": "drop"},
            {"event": "checkout.session.completed", "what": "bad_signature"},
        ]
        await sandbox.driver.control("faults", webhooks=rules)
        await held(sandbox, api)
        await sandbox.settled()
        assert connect.types.count("payment_intent.created") == 2
        assert len({event.id for event in connect.events if event.type == "payment_intent.created"}) == 1
        assert connect.types[0] != "charge.succeeded", "something overtook it"
        assert "payment_intent.amount_capturable_updated" not in connect.types
        assert connect.refused == ["SignatureVerificationError"]
        assert connect.types.count("checkout.session.completed") == 1, "the next attempt is a good one"
        missed = await api.v1.events.list_async({"delivery_success": False}, ON)
        assert [event.type for event in missed.data] == ["payment_intent.amount_capturable_updated"]
        await sandbox.driver.control("redeliver", id=missed.data[0].id)
        await sandbox.settled()
        assert connect.types[-1] == "payment_intent.amount_capturable_updated"


async def test_a_wrong_mode_is_properly_signed_and_bytes_that_are_no_text_are_not_json() -> None:
    async with hooked() as (sandbox, api, _own, connect):
        rules = [
            {"event": "*", "what": "wrong_mode"},
            {"event": "*", "what": "not_utf8"},
            {"event": "*", "what": "wrong_account"},
        ]
        await sandbox.driver.control("faults", webhooks=rules)
        for _ in range(3):
            await api.v1.customers.create_async({}, ON)
            await sandbox.settled()
        assert connect.events[0].livemode
        assert connect.refused == ["UnicodeDecodeError"]
        assert {event.account for event in connect.events} == {MERCHANT, "acct_1NobodyKnowsMe00"}


async def test_an_endpoint_can_be_made_and_taken_away_by_the_api() -> None:
    async with hooked() as (_sandbox, api, own, _connect):
        made = await api.v1.webhook_endpoints.create_async(
            {"url": own.url, "enabled_events": ["transfer.created"], "connect": True}
        )
        assert made.secret is not None
        assert misfits(made) == []
        assert (await api.v1.webhook_endpoints.retrieve_async(made.id)).to_dict().get("secret") is None
        gone = await api.v1.webhook_endpoints.delete_async(made.id)
        assert gone.deleted


async def test_a_merchant_who_has_left_is_heard_of_once_more_and_then_never() -> None:
    async with hooked() as (sandbox, api, _, connect):
        await held(sandbox, api)
        await sandbox.settled()
        before = len(connect.types)
        await sandbox.driver.control("accounts/deauthorize", id=MERCHANT)
        await sandbox.driver.control("clock", advance=8 * 86400)  # the hold lapses
        await sandbox.settled()
        assert connect.types[before:] == ["account.application.deauthorized"]
