"""How a merchant gets its account with the payment provider, and how it leaves (MONEY 1.6)."""

from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from actors.merchant import messages as m
from actors.model.ids import merchant_address
from gateways.web import identity, limits
from gateways.web.api.merchants import MerchantView, checked_id, merchant_row, merchant_view
from gateways.web.api.types import Country, Reason
from gateways.web.call import Call
from gateways.web.env import CardPayments
from gateways.web.oauth_state import FlowState, hash_of, new_state, read_state
from gateways.web.problems import Problem, wrong_parameter
from gateways.web.table import Answer, Query, Route, Scope

TAG = "Merchants"
CALLBACK = "/api/v1/stripe/oauth/callback"

Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]{1,1000}$")]


class OnboardingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account_link` and `accounts_v2`: the provider makes an account, and its holder fills in a page at `url`; `oauth`: the
    holder of an existing account lets us in. `return_url`: where the holder's browser goes afterwards; `refresh_url`: where it
    goes when the page has expired. `country`: of the seller, for a new account; left out, the one of the merchant's seller."""

    return_url: Url
    method: Literal["account_link", "accounts_v2", "oauth"] = "account_link"
    refresh_url: Url | None = None
    country: Country | None = None


class OnboardingView(msgspec.Struct, frozen=True):
    """`url`: a page that the account's holder opens, once."""

    method: str
    url: str
    account: str | None


class DisconnectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason


def _payments(call: Call) -> CardPayments:
    payments = call.env.settings.card_payments(call.own)
    if payments.off:
        raise Problem("unsupported", payments.off)
    return payments


async def start_onboarding(call: Call) -> OnboardingView:
    body: OnboardingBody = call.body
    payments, id = _payments(call), checked_id(call)
    row = await merchant_row(call)
    state, secret, callback = "", "", ""
    if body.method == "oauth":
        if payments.authorise is None:
            raise Problem("unsupported", f"OAuth needs the platform's client id: set {payments.client_id}")
        flow = FlowState(call.own, id, call.principal.who, body.return_url, call.env.token_bytes(16))
        callback = _callback_url(call)
        secret = new_state(call.env.settings.cookie_key, flow)
        state = hash_of(secret)
    country = body.country or str(row.seller.get("country") or "") or call.card.country
    message = m.StartOnboarding(
        who=call.principal.who, method=body.method, return_url=body.return_url,
        refresh_url=body.refresh_url or body.return_url, country=country, state_hash=state,
    )  # fmt: skip
    at = await call.ask(merchant_address(call.own, id), message, deadline=limits.PROVIDER_SECONDS)
    assert isinstance(at, m.OnboardingAt)
    if at.url is not None or payments.authorise is None:
        return OnboardingView(body.method, at.url or "", at.account)
    return OnboardingView(body.method, payments.authorise(secret, callback), at.account)


def _callback_url(call: Call) -> str:
    public = call.env.settings.public_url
    if public is None:
        raise Problem("unsupported", "the provider must know where we are: set CSMS_HTTP__PUBLIC_URL (http.public_url)")
    return public.rstrip("/") + CALLBACK


async def oauth_callback(call: Call) -> Answer:
    """Opened by the browser of the account's holder, so it carries no bearer token: the `state` says who began it."""
    given = call.query["state"]
    flow = read_state(call.env.settings.cookie_key, given)
    if flow is None:
        raise wrong_parameter("state", "not one of ours: begin the onboarding again")
    if call.query["error"] is not None or call.query["code"] is None:
        return _back(flow, "refused")
    message = m.FinishOAuth(flow.who, call.query["code"], hash_of(given))
    try:
        await call.ask(merchant_address(flow.tenant, flow.merchant), message, deadline=limits.PROVIDER_SECONDS)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _back(flow, "failed", problem.detail)
    return _back(flow, "connected")


def _back(flow: FlowState, outcome: str, detail: str = "") -> Answer:
    told = {"merchant": flow.merchant, "onboarding": outcome, **({"detail": detail} if detail else {})}
    joint = "&" if urlsplit(flow.return_url).query else "?"
    return Answer(status=303, headers={"Location": f"{flow.return_url}{joint}{urlencode(told)}"})


async def disconnect_merchant(call: Call) -> MerchantView:
    _payments(call)
    row = await merchant_row(call)
    if row.account is None:
        raise Problem("conflict", "it has no connected account")
    message = m.Disconnect(call.principal.who, call.body.reason)
    told = await call.ask(merchant_address(call.own, row.id), message, deadline=limits.PROVIDER_SECONDS)
    return merchant_view(call, told)


_M = "/api/v1/tenants/{tenant}/merchants/{merchant}"
ROUTES = (
    Route(
        method="POST", path=_M + "/onboarding", handler=start_onboarding, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Begin to connect an account", body=OnboardingBody, answer=OnboardingView, problems=("conflict", "unsupported"),
        description="The answer holds the address of a page that the account's holder opens. What comes of it is seen in the "
        "merchant: `onboarding`, `due` and `open`.",
    ),
    Route(
        method="GET", path=CALLBACK, handler=oauth_callback, tag=TAG, scope=Scope.PUBLIC, status=303,
        summary="Where the payment provider sends the holder of an account after OAuth",
        description="It goes on to the `return_url` of the onboarding, with `merchant` and `onboarding` (connected, refused or "
        "failed) in the query. A `state` is good once, and for half an hour.",
        query=(
            Query("state", str, "As it was given to the provider", required=True),
            Query("code", str, "What the account's holder granted"),
            Query("error", str, "Why there is no code"),
            Query("scope", str, "What was granted"),
            Query("error_description", str, "The same in words"),
        ),
    ),
    Route(
        method="POST", path=_M + "/disconnect", handler=disconnect_merchant, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Let an account go", body=DisconnectBody, answer=MerchantView, problems=("conflict", "unsupported"),
        description="Refused while payments hold money on it: from then on no new one begins there, so ask again when the last "
        "has ended. Without the account nothing on it could be charged or released.",
    ),
)  # fmt: skip
