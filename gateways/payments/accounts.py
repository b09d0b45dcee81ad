"""Wishes about connected accounts: opening, linking and leaving them, their payouts and balances.

Three ways lead to a connected account (MONEY 1.6): OAuth for those who have one already, Account Links, and Accounts v2. After
any of them all calls go out with our own key and the account's id; the access token of OAuth is thrown away.
"""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import stripe

from actors.model.psp import (
    AccountSeen,
    BalanceLine,
    ConnectAccount,
    DisconnectAccount,
    FetchAccount,
    FetchBalance,
    FetchPayout,
    LinkAccount,
    OpenAccount,
    PspRefused,
    Seen,
)
from gateways.payments.asking import every, marks, plain, reading, writing
from gateways.payments.client import Platform, StripeKeys
from gateways.payments.limits import BALANCE_LINES, PAGE, PAYOUT_LINES
from gateways.payments.seen import account_seen, balance_lines, balance_seen, link_seen, payout_seen

CONNECT = "https://connect.stripe.com"
_WITH_SOURCE = ["data.source"]


def authorize_url(client_id: str, state: str, redirect_uri: str, *, base: str | None = None, country: str = "") -> str:
    """Where a merchant with an account of its own is sent. `state` is a one-time secret, bound by the caller to tenant and
    operator; `redirect_uri` must be one that is registered with the provider, to the letter."""
    asked = {
        "response_type": "code", "client_id": client_id, "scope": "read_write", "state": state, "redirect_uri": redirect_uri,
    }  # fmt: skip
    if country:
        asked["stripe_user[country]"] = country
    return f"{base or CONNECT}/oauth/authorize?{urlencode(asked)}"


async def _fetch_account(client: stripe.StripeClient, call: FetchAccount, now: datetime) -> Seen:
    if call.account is None:
        return account_seen(plain(await client.v1.accounts.retrieve_current_async()))
    try:
        return account_seen(plain(await client.v1.accounts.retrieve_async(call.account)))
    except stripe.PermissionError:
        return AccountSeen(account=call.account, connected=False)


async def _open_account(client: stripe.StripeClient, call: OpenAccount, now: datetime) -> Seen:
    if call.method == "accounts_v2":
        asked: Any = {
            "identity": {"country": call.country.lower()},
            "dashboard": "full",
            "configuration": {
                "merchant": {"capabilities": {"card_payments": {"requested": True}}},
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}},
            },
            "defaults": {"responsibilities": {"fees_collector": "stripe", "losses_collector": "stripe"}},
            "metadata": marks(call),
        }
        opened = await client.v2.core.accounts.create_async(asked, writing(call))
        return AccountSeen(account=opened.id, country=call.country)
    params: Any = {
        "country": call.country,
        "controller": {
            "fees": {"payer": "account"},
            "losses": {"payments": "stripe"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "full"},
        },
        "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
        "metadata": marks(call),
    }
    return account_seen(plain(await client.v1.accounts.create_async(params, writing(call))))


async def _link_account(client: stripe.StripeClient, call: LinkAccount, now: datetime) -> Seen:
    """A link is for one visit, so each wish makes a new one, and none is made on the account itself."""
    if call.account is None:
        return PspRefused("no_account", "a link is for a connected account")
    urls = {"refresh_url": call.refresh_url, "return_url": call.return_url}
    options: Any = {"idempotency_key": call.key}
    params: Any
    if call.method == "accounts_v2":
        params = {"account": call.account, "use_case": {"type": "account_onboarding", "account_onboarding": urls}}
        return link_seen(plain(await client.v2.core.account_links.create_async(params, options)))
    params = {"account": call.account, "type": "account_onboarding", **urls}
    return link_seen(plain(await client.v1.account_links.create_async(params, options)))


async def _connect_account(client: stripe.StripeClient, call: ConnectAccount, now: datetime) -> Seen:
    """A code is good once. One whose answer was lost is refused the next time, and the merchant goes the way again."""
    answer: Any = await client.raw_request_async(
        "post", "/oauth/token", base="connect", grant_type="authorization_code", code=call.code
    )
    account = answer.data.get("stripe_user_id")
    if not isinstance(account, str):
        return PspRefused("oauth_error", "the answer names no account")
    return account_seen(plain(await client.v1.accounts.retrieve_async(account)))


async def _disconnect_account(client: stripe.StripeClient, call: DisconnectAccount, now: datetime) -> Seen:
    if call.account is None:
        return PspRefused("no_account", "only a connected account can be disconnected")
    keys = client.keys if isinstance(client, Platform) else StripeKeys()
    if keys.client_id is None:
        return PspRefused("no_client_id", f"to leave an account, set {keys.variable('client_id')}")
    left = {"client_id": keys.client_id, "stripe_user_id": call.account}
    with contextlib.suppress(stripe.oauth_error.InvalidClientError):  # not connected any more: that was the wish
        await client.raw_request_async("post", "/oauth/deauthorize", base="connect", **left)
    return AccountSeen(account=call.account, connected=False)


async def _fetch_payout(client: stripe.StripeClient, call: FetchPayout, now: datetime) -> Seen:
    options = reading(call.account)
    payout = plain(await client.v1.payouts.retrieve_async(call.payout, {"expand": ["balance_transaction"]}, options))
    lines: tuple[BalanceLine, ...] = ()
    if call.lines and payout.get("automatic"):
        params: Any = {"payout": call.payout, "limit": PAGE, "expand": _WITH_SOURCE}
        page = await client.v1.balance_transactions.list_async(params, options)
        lines = balance_lines(await _sourced(client, [line async for line in every(page, PAYOUT_LINES)]))
    return payout_seen(payout, lines)


async def _fetch_balance(client: stripe.StripeClient, call: FetchBalance, now: datetime) -> Seen:
    """Lists come newest first. So either we go backwards from a known line, or we narrow the time until all of it fits."""
    options = reading(call.account)
    balance = plain(await client.v1.balance.retrieve_async({}, options))
    since, end = int(call.since.timestamp()), int(now.timestamp())
    until: int | None = None
    while True:
        lines, whole = await _some_lines(client, since, until, call.after, options)
        if whole and not lines and until is not None:
            since, until = until, None  # nothing in the first part of the time: on to the rest
        elif whole or call.after is not None or (until is not None and until - since <= 1):
            break
        else:
            until = since + max(1, ((end if until is None else until) - since) // 2)
    more = None if (whole and until is None) or not lines else lines[-1].id
    return balance_seen(balance, lines, more)


async def _some_lines(
    client: stripe.StripeClient, since: int, until: int | None, after: str | None, options: Any
) -> tuple[tuple[BalanceLine, ...], bool]:
    """Lines oldest first, and whether these are all."""
    created = {"gte": since} if until is None else {"gte": since, "lt": until}
    params: Any = {"created": created, "limit": PAGE, "expand": _WITH_SOURCE}
    if after is not None:
        params = {"ending_before": after, "limit": PAGE, "expand": _WITH_SOURCE}
    page = await client.v1.balance_transactions.list_async(params, options)
    found: list[dict[str, Any]] = []
    most = BALANCE_LINES if until is None or until - since > 1 else PAYOUT_LINES
    while True:
        items = [plain(item) for item in page.data]
        found = [*found, *(reversed(items) if after is not None else items)]
        if not page.has_more or len(found) >= most:
            break
        page = await (page.previous_page_async() if after is not None else page.next_page_async())
    ordered = found if after is not None else found[::-1]
    return balance_lines(await _sourced(client, ordered)), not page.has_more


async def _sourced(client: stripe.StripeClient, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A fee that was given back names the fee only; whose charge it was is asked, once for each fee."""
    fees: dict[str, dict[str, Any]] = {}
    for line in lines:
        source = line.get("source")
        if isinstance(source, dict) and source.get("object") == "fee_refund" and isinstance(source.get("fee"), str):
            fee = source["fee"]
            if fee not in fees:
                fees[fee] = plain(await client.v1.application_fees.retrieve_async(fee))
            source["fee"] = fees[fee]
    return lines


EXECUTORS: dict[type, Callable[[stripe.StripeClient, Any, datetime], Awaitable[Seen]]] = {
    FetchAccount: _fetch_account,
    OpenAccount: _open_account,
    LinkAccount: _link_account,
    ConnectAccount: _connect_account,
    DisconnectAccount: _disconnect_account,
    FetchPayout: _fetch_payout,
    FetchBalance: _fetch_balance,
}
