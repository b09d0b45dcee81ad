"""Merchants come in by Account Links, by Accounts v2 and by OAuth, and leave."""

from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
import trio

from gateways.payments.sandbox import Config
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, Inbox, held, misfits, order, sandboxed
from tests.kits.patience import http_client

BACK = {"return_url": "https://csms.example.org/back", "refresh_url": "https://csms.example.org/again"}


async def test_an_account_can_charge_once_its_holder_went_through_the_page() -> None:
    async with sandboxed() as (sandbox, api):
        made = await api.v1.accounts.create_async(
            {
                "country": "DE",
                "controller": {
                    "fees": {"payer": "account"},
                    "losses": {"payments": "stripe"},
                    "requirement_collection": "stripe",
                    "stripe_dashboard": {"type": "full"},
                },
                "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
            }
        )
        assert misfits(made) == []
        assert (made.charges_enabled, made.capabilities.card_payments) == (False, "inactive")  # type: ignore[union-attr]
        assert made.requirements is not None
        assert made.requirements.currently_due
        on = {"stripe_account": made.id}
        with pytest.raises(stripe.InvalidRequestError, match="card_payments is not active"):
            await api.v1.checkout.sessions.create_async(order(), on)  # type: ignore[arg-type]
        for complete in (False, True):
            link = await api.v1.account_links.create_async({"account": made.id, "type": "account_onboarding", **BACK})  # type: ignore[typeddict-item]
            assert misfits(link) == []
            assert (await sandbox.driver.onboard(link.url, complete=complete)).url == BACK["return_url"]
            assert (await sandbox.driver.onboard(link.url)).url == BACK["refresh_url"], "a link works once"
            seen = await api.v1.accounts.retrieve_async(made.id)
            assert (seen.charges_enabled, seen.payouts_enabled) == (complete, complete)
        assert await api.v1.checkout.sessions.create_async(order(), on)  # type: ignore[arg-type]
        capability = await api.v1.accounts.capabilities.retrieve_async(made.id, "card_payments")
        assert (capability.status, misfits(capability)) == ("active", [])


async def test_accounts_v2_make_the_same_merchant_in_other_words() -> None:
    async with sandboxed() as (sandbox, api):
        shown = ["configuration.merchant", "configuration.recipient", "requirements", "identity", "defaults"]
        made = await api.v2.core.accounts.create_async(
            {
                "configuration": {
                    "merchant": {"capabilities": {"card_payments": {"requested": True}}},
                    "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}},
                },
                "identity": {"country": "de"},
                "dashboard": "full",
                "include": shown,  # type: ignore[typeddict-item]
            }
        )
        assert misfits(made) == []
        assert made.configuration is not None
        assert made.configuration.merchant is not None
        assert made.configuration.merchant.capabilities is not None
        assert made.configuration.merchant.capabilities.card_payments is not None
        assert made.configuration.merchant.capabilities.card_payments.status == "restricted"
        link = await api.v2.core.account_links.create_async(
            {
                "account": made.id,
                "use_case": {
                    "type": "account_onboarding",
                    "account_onboarding": BACK,  # type: ignore[typeddict-item]
                },
            }
        )
        assert misfits(link) == []
        await sandbox.driver.onboard(link.url)
        seen = await api.v2.core.accounts.retrieve_async(made.id, {"include": shown})  # type: ignore[typeddict-item]
        assert misfits(seen) == []
        assert seen.configuration.merchant.capabilities.card_payments.status == "active"  # type: ignore[union-attr]
        assert (await api.v1.accounts.retrieve_async(made.id)).charges_enabled
        with pytest.raises(stripe.InvalidRequestError):
            await api.v2.core.accounts.create_async({"identity": {"country": "de"}})


async def test_oauth_brings_an_account_in_once_a_code_and_takes_it_out_again() -> None:
    back = "https://csms.example.org/oauth"
    async with trio.open_nursery() as nursery, sandboxed(Config(redirect_uris=(back,))) as (sandbox, api):
        inbox = Inbox("whsec_c")
        await nursery.start(inbox.serve)
        sandbox.hook(inbox.url, inbox.secret, connect=True)
        url = api.oauth.authorize_url({"scope": "read_write", "state": "s1", "redirect_uri": back})
        outcome = await sandbox.driver.connect(url)
        assert outcome.url is not None
        query = parse_qs(urlsplit(outcome.url).query)
        assert query["state"] == ["s1"]
        answer = await api.raw_request_async(
            "post", "/oauth/token", base="connect", grant_type="authorization_code", code=query["code"][0]
        )
        account = _of(answer)
        assert (await api.v1.accounts.retrieve_async(account)).charges_enabled
        gone = await api.raw_request_async(
            "post", "/oauth/deauthorize", base="connect", client_id=sandbox.world.config.client_id, stripe_user_id=account
        )
        assert _of(gone) == account
        with pytest.raises(stripe.PermissionError):
            await api.v1.accounts.retrieve_async(account)
        await sandbox.settled()
        assert inbox.types == ["account.application.authorized", "account.application.deauthorized"]
        again = parse_qs(urlsplit(str((await sandbox.driver.connect(url, account=account)).url)).query)["code"][0]
        await api.raw_request_async("post", "/oauth/token", base="connect", grant_type="authorization_code", code=again)
        with pytest.raises(stripe.oauth_error.InvalidGrantError):
            await api.raw_request_async("post", "/oauth/token", base="connect", grant_type="authorization_code", code=again)
        with pytest.raises(stripe.PermissionError):
            await api.v1.accounts.retrieve_async(account)
        nursery.cancel_scope.cancel()


def _of(answer: object) -> str:
    import json

    return str(json.loads(answer.body if hasattr(answer, "body") else answer.content)["stripe_user_id"])  # type: ignore[attr-defined]


async def test_oauth_leads_nowhere_but_where_it_is_registered_and_a_no_is_told() -> None:
    back = "https://csms.example.org/oauth"
    async with sandboxed(Config(redirect_uris=(back,))) as (sandbox, api):
        evil = api.oauth.authorize_url({"redirect_uri": "https://evil.example.org/"})
        assert "Invalid redirect URI" in str((await sandbox.driver.connect(evil)).error)
        async with http_client() as http:
            assert (await http.get(f"{sandbox.url}/oauth/authorize?client_id=ca_other&redirect_uri={back}")).status_code == 400
        no = await sandbox.driver.connect(api.oauth.authorize_url({"state": "s2", "redirect_uri": back}), agree=False)
        assert parse_qs(urlsplit(str(no.url)).query)["error"] == ["access_denied"]


async def test_a_merchant_who_leaves_with_open_holds_leaves_them_out_of_reach() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        await sandbox.driver.control("accounts/deauthorize", id=MERCHANT)
        for call in (api.v1.payment_intents.capture_async, api.v1.payment_intents.cancel_async):
            with pytest.raises(stripe.PermissionError):
                await call(intent.id, {}, ON)  # type: ignore[operator]


async def test_an_operator_can_be_shown_a_merchant_in_trouble() -> None:
    async with sandboxed() as (sandbox, api):
        await sandbox.driver.control(
            "accounts/change",
            id=MERCHANT,
            charges_enabled=False,
            capabilities={"card_payments": "inactive"},
            due=["external_account"],
        )
        seen = await api.v1.accounts.retrieve_async(MERCHANT)
        assert (seen.charges_enabled, misfits(seen)) == (False, [])
        events = await api.v1.events.list_async({"types": ["account.updated", "capability.updated"]}, ON)
        assert [one.type for one in events.data] == ["capability.updated", "account.updated"]
