"""Connected accounts: three ways in, the way out, and what is left when an account is gone."""

from urllib.parse import parse_qs, urlsplit

import pytest

from actors.model import psp
from gateways.payments.accounts import authorize_url
from gateways.payments.client import Clients, PaymentsOff, StripeKeys
from tests.gateways.payments.rig import CONFIG, MERCHANT, rigged

OPEN = {"tenant": "acme", "merchant": "m1", "country": "DE"}
URLS = {"return_url": "https://csms.example.org/done", "refresh_url": "https://csms.example.org/again"}


@pytest.mark.parametrize("method", ["account_link", "accounts_v2"])
async def test_an_account_is_opened_once_and_its_holder_led_to_the_provider(method: str) -> None:
    async with rigged() as rig:
        call = psp.OpenAccount(method=method, **OPEN, **rig.head(None))  # type: ignore[arg-type]
        opened = await rig.do(call)
        assert opened.connected
        assert not opened.charges_enabled
        again = await rig.do(call, again=True)
        assert again.account == opened.account
        link = await rig.do(psp.LinkAccount(method=method, **URLS, **rig.head(opened.account)))  # type: ignore[arg-type]
        assert (await rig.sandbox.driver.onboard(link.url)).url == URLS["return_url"]
        known = await rig.do(psp.FetchAccount(**rig.head(opened.account)))
        assert (known.charges_enabled, known.payouts_enabled, known.card_payments, known.due) == (True, True, "active", ())


async def test_oauth_leads_to_an_account_by_a_code_that_is_good_once() -> None:
    async with rigged() as rig:
        url = authorize_url(CONFIG.client_id, "s3cret", "https://csms.example.org/oauth", base=rig.sandbox.url, country="DE")
        asked = parse_qs(urlsplit(url).query)
        assert (asked["scope"], asked["state"], asked["response_type"]) == (["read_write"], ["s3cret"], ["code"])
        back = parse_qs(urlsplit((await rig.sandbox.driver.connect(url)).url or "").query)
        assert back["state"] == ["s3cret"]
        connect = psp.ConnectAccount(tenant="acme", merchant="m1", code=back["code"][0], **rig.head(None))
        seen = await rig.do(connect)
        assert seen.connected
        assert seen.account.startswith("acct_")
        again = psp.ConnectAccount(tenant="acme", merchant="m1", code=back["code"][0], **rig.head(None))
        assert (await rig.do(again)).code == "invalid_grant"


async def test_after_it_was_left_an_account_takes_no_wish_and_says_so() -> None:
    async with rigged() as rig:
        intent = await rig.held()
        leave = psp.DisconnectAccount(**rig.head())
        assert (await rig.do(leave)) == psp.AccountSeen(account=MERCHANT, connected=False)
        assert (await rig.do(psp.DisconnectAccount(**rig.head()))).connected is False
        assert (await rig.do(rig.capture(intent))).code == "account_invalid"
        assert (await rig.do(psp.CancelIntent(intent=intent, **rig.head()))).code == "account_invalid"
        assert (await rig.do(psp.FetchAccount(**rig.head()))).connected is False


async def test_the_brand_s_own_account_is_seen_like_any() -> None:
    async with rigged() as rig:
        seen = await rig.do(psp.FetchAccount(**rig.head(None)))
        assert (seen.account, seen.charges_enabled) == (CONFIG.platform, True)
        assert (await rig.do(psp.DisconnectAccount(**rig.head(None)))).code == "no_account"


async def test_a_payout_is_told_with_the_lines_it_is_made_of() -> None:
    async with rigged() as rig:
        await rig.do(rig.capture(await rig.held("available_now"), 1234, 62))
        made = await rig.sandbox.driver.control("payouts", account=MERCHANT)
        id = made["payouts"][0]["id"]
        await rig.sandbox.driver.control("clock", advance=7 * 86400)
        bare = await rig.do(psp.FetchPayout(payout=str(id), **rig.head()))
        assert (bare.lines, bare.reconciled) == ((), False)
        seen = await rig.do(psp.FetchPayout(payout=str(id), lines=True, **rig.head()))
        assert (seen.amount_minor, seen.status, seen.reconciled) == (1128, "paid", True)
        assert sum(line.net_minor for line in seen.lines if line.kind != "payout") == 1128


async def test_without_a_key_whoever_asks_is_told_which_setting_is_missing() -> None:
    clients = Clients(StripeKeys())
    with pytest.raises(PaymentsOff, match="CSMS_STRIPE__SECRET_KEY"):
        clients.of("acme")
    await clients.close()
