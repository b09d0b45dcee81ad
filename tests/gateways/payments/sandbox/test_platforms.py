"""Several platform accounts in one sandbox: apart in keys, objects, webhooks, OAuth and trouble."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import stripe
from msgspec.structs import replace

from gateways.payments.sandbox import Config, Rule, Sandbox
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, client, order, sandboxed

SECOND = Config(platform="acct_1Second", secret_key="sk_test_second", client_id="ca_second", merchants=(MERCHANT,))
TWO = replace(Config(merchants=(MERCHANT,)), others=(SECOND,))


async def test_a_key_opens_its_own_account_and_shows_nothing_of_the_other() -> None:
    async with sandboxed(TWO) as (sandbox, one):
        other = client(sandbox, key=SECOND.secret_key)
        assert (await one.v1.accounts.retrieve_current_async()).id == TWO.platform
        assert (await other.v1.accounts.retrieve_current_async()).id == SECOND.platform
        session = await one.v1.checkout.sessions.create_async(order(), ON)  # type: ignore[arg-type]
        with pytest.raises(stripe.InvalidRequestError, match="No such"):
            await other.v1.checkout.sessions.retrieve_async(session.id, {}, ON)  # type: ignore[arg-type]
        assert (await sandbox.driver.pay(session.url or "", "frictionless")).paid
        assert len((await other.v1.payment_intents.list_async({}, ON)).data) == 0  # type: ignore[arg-type]
        assert len((await one.v1.payment_intents.list_async({}, ON)).data) == 1  # type: ignore[arg-type]
        with pytest.raises(stripe.AuthenticationError):
            await client(sandbox, key="sk_test_nobody").v1.balance.retrieve_async()


async def test_the_same_idempotency_key_is_two_in_two_accounts() -> None:
    async with sandboxed(TWO) as (sandbox, one):
        other = client(sandbox, key=SECOND.secret_key)
        made = [
            await each.v1.checkout.sessions.create_async(order(), {**ON, "idempotency_key": "k"})  # type: ignore[arg-type]
            for each in (one, other, one)
        ]
        assert made[0].id == made[2].id != made[1].id


async def test_oauth_leads_to_the_account_whose_client_id_it_is() -> None:
    async with sandboxed(TWO) as (sandbox, one):
        asked = urlencode(
            {"response_type": "code", "client_id": "ca_second", "redirect_uri": "https://csms.test/back", "state": "s"}
        )
        outcome = await sandbox.driver.connect(f"{sandbox.url}/oauth/authorize?{asked}")
        code = parse_qs(urlsplit(outcome.url or "").query)["code"][0]
        given = {"grant_type": "authorization_code", "code": code}
        with pytest.raises(stripe.oauth_error.InvalidGrantError):
            await one.raw_request_async("post", "/oauth/token", base="connect", **given)
        other = client(sandbox, key=SECOND.secret_key)
        answer = await other.raw_request_async("post", "/oauth/token", base="connect", **given)
        account = answer.data["stripe_user_id"]  # type: ignore[attr-defined]
        assert (await other.v1.accounts.retrieve_async(account)).id == account
        with pytest.raises(stripe.PermissionError):
            await one.v1.accounts.retrieve_async(account)


async def test_faults_outages_and_revoked_keys_are_one_accounts_own() -> None:
    async with sandboxed(TWO) as (sandbox, one):
        other = client(sandbox, key=SECOND.secret_key)
        await sandbox.driver.control("faults", platform=SECOND.platform, down=True)
        with pytest.raises(stripe.APIConnectionError):
            await other.v1.balance.retrieve_async()
        await one.v1.balance.retrieve_async()
        await sandbox.driver.control("faults", platform=SECOND.platform, down=False)
        sandbox.platforms[SECOND.platform].faults.add([Rule(call="GET /v1/balance", what="rate_limit")])
        await one.v1.balance.retrieve_async()
        with pytest.raises(stripe.RateLimitError):
            await other.v1.balance.retrieve_async()
        await sandbox.driver.control("keys", platform=SECOND.platform, secret_key="sk_test_exchanged")
        with pytest.raises(stripe.AuthenticationError):
            await other.v1.balance.retrieve_async()
        await client(sandbox, key="sk_test_exchanged").v1.balance.retrieve_async()


def test_two_accounts_with_one_id_or_one_key_are_refused() -> None:
    for twice in (replace(SECOND, platform=TWO.platform), replace(SECOND, secret_key=TWO.secret_key)):
        with pytest.raises(ValueError, match="of its own"):
            Sandbox(replace(TWO, others=(twice,)))
