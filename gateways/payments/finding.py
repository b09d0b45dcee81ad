"""Was this wish fulfilled before? Looked up where the provider is consistent: by id, and by lists with our marks in them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import stripe

from actors.model.psp import (
    AnyCall,
    CancelIntent,
    CaptureIntent,
    ChargeSaved,
    ExpireCheckout,
    MakeTransfer,
    OpenAccount,
    OpenCheckout,
    RefundCharge,
    ReverseTransfer,
    Seen,
)
from gateways.payments.asking import WITH_CHARGE, WITH_INTENT, every, made_since, plain, reading
from gateways.payments.currency import to_stripe
from gateways.payments.limits import PAGE
from gateways.payments.seen import (
    account_seen,
    checkout_seen,
    intent_seen,
    refund_seen,
    reversal_seen,
    transfer_seen,
)


async def find(client: stripe.StripeClient, call: AnyCall) -> Seen | None:
    """What it made, as it is now; None: send it. Wishes that only ask, and those that may be repeated, are not looked for."""
    finder = _FINDERS.get(type(call))
    return None if finder is None else await finder(client, call)


async def _marked(key: str, items: AsyncIterator[dict[str, Any]]) -> dict[str, Any] | None:
    async for item in items:
        if (item.get("metadata") or {}).get("key") == key:
            return item
    return None


async def _checkout(client: stripe.StripeClient, call: OpenCheckout) -> Seen | None:
    expand = ["data.payment_intent.latest_charge"]
    params: Any = {"created": made_since(call.made_at), "limit": PAGE, "expand": expand}
    page = await client.v1.checkout.sessions.list_async(params, reading(call.account))
    found = await _marked(call.key, every(page))
    return None if found is None else checkout_seen(found, call.account)


async def _expired(client: stripe.StripeClient, call: ExpireCheckout) -> Seen | None:
    session = await client.v1.checkout.sessions.retrieve_async(call.checkout, {"expand": WITH_INTENT}, reading(call.account))
    return None if session.status == "open" else checkout_seen(plain(session), call.account)


async def _no_more_held(client: stripe.StripeClient, call: CancelIntent | CaptureIntent) -> Seen | None:
    intent = await client.v1.payment_intents.retrieve_async(call.intent, {"expand": WITH_CHARGE}, reading(call.account))
    return intent_seen(plain(intent), call.account) if intent.status in ("canceled", "succeeded") else None


async def _charge(client: stripe.StripeClient, call: ChargeSaved) -> Seen | None:
    params: Any = {
        "customer": call.customer,
        "created": made_since(call.made_at),
        "limit": PAGE,
        "expand": ["data.latest_charge"],
    }
    found = await _marked(call.key, every(await client.v1.payment_intents.list_async(params, reading(call.account))))
    return None if found is None else intent_seen(found, call.account)


async def _refund(client: stripe.StripeClient, call: RefundCharge) -> Seen | None:
    params: Any = {"payment_intent": call.intent, "limit": PAGE, "expand": ["data.balance_transaction"]}
    amount = to_stripe(call.amount_minor, call.currency)
    async for refund in every(await client.v1.refunds.list_async(params, reading(call.account))):
        # Who has the account can write our mark on a refund of theirs: it is the wish's only if it gave back as much.
        if (refund.get("metadata") or {}).get("key") == call.key and refund["amount"] == amount:
            return refund_seen(refund)
    return None


async def _transfer(client: stripe.StripeClient, call: MakeTransfer) -> Seen | None:
    params: Any = {"transfer_group": call.group, "limit": PAGE, "expand": ["data.balance_transaction"]}
    found = await _marked(call.key, every(await client.v1.transfers.list_async(params, reading(call.account))))
    return None if found is None else transfer_seen(found)


async def _reversal(client: stripe.StripeClient, call: ReverseTransfer) -> Seen | None:
    params: Any = {"limit": PAGE, "expand": ["data.balance_transaction", "data.transfer"]}
    page = await client.v1.transfers.reversals.list_async(call.transfer, params, reading(call.account))
    found = await _marked(call.key, every(page))
    return None if found is None else reversal_seen(found)


async def _account(client: stripe.StripeClient, call: OpenAccount) -> Seen | None:
    params: Any = {"created": made_since(call.made_at), "limit": PAGE}
    found = await _marked(call.key, every(await client.v1.accounts.list_async(params)))
    return None if found is None else account_seen(found)


_FINDERS: dict[type, Callable[[stripe.StripeClient, Any], Awaitable[Seen | None]]] = {
    OpenCheckout: _checkout,
    ExpireCheckout: _expired,
    CancelIntent: _no_more_held,
    CaptureIntent: _no_more_held,
    ChargeSaved: _charge,
    RefundCharge: _refund,
    MakeTransfer: _transfer,
    ReverseTransfer: _reversal,
    OpenAccount: _account,
}
