"""One executor for each wish that is about a payment (actors/model/psp.py), parameters as MONEY 1.1 has them.

    seen = await execute(client, call, now, again=item.attempt > 1)

Each wish is done at most once, whatever is lost on the way: a wish that may have been sent before is looked for first (by id
where it changes an object, by our marks in the metadata where it makes one; by lists, since the provider's search lags), and
what is sent carries the key that was committed with the wish.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import stripe
import trio

from actors.model.psp import (
    AnyCall,
    CancelIntent,
    CaptureIntent,
    ChargeSaved,
    ExpireCheckout,
    FetchCheckout,
    FetchDispute,
    FetchIntent,
    FetchRefund,
    MakeTransfer,
    OpenCheckout,
    PspRefused,
    RefundCharge,
    ReverseTransfer,
    Seen,
    SubmitEvidence,
)
from actors.payment.floors import FLOORS
from gateways.payments import accounts, evidence, finding
from gateways.payments.asking import WITH_CHARGE, WITH_INTENT, WITH_LINE, marks, plain, reading, writing
from gateways.payments.currency import UnknownCurrency, to_stripe
from gateways.payments.errors import judged, unsure
from gateways.payments.limits import (
    ASK_FIRST_AFTER,
    CALL_SECONDS,
    CHECKOUT_LONGEST,
    CHECKOUT_MARGIN,
    CHECKOUT_SHORTEST,
)
from gateways.payments.seen import (
    checkout_seen,
    dispute_seen,
    intent_seen,
    refund_seen,
    reversal_seen,
    transfer_seen,
)

_THREE_D_SECURE: Any = {"card": {"request_three_d_secure": "any"}}


async def execute(client: stripe.StripeClient, call: AnyCall, now: datetime, *, again: bool = False) -> Seen:
    """What came of it. `again`: it was tried before. Raises errors.Away for what is worth another try."""
    try:
        with trio.move_on_after(CALL_SECONDS):
            if again or now - call.made_at > ASK_FIRST_AFTER:
                found = await finding.find(client, call)
                if found is not None:
                    return found
            return await _EXECUTORS[type(call)](client, call, now)
    except stripe.StripeError as error:
        return judged(call, error)
    except UnknownCurrency as error:
        return PspRefused("currency_unknown", str(error))
    return unsure(call, f"no answer within {CALL_SECONDS:.0f} s")


async def _open_checkout(client: stripe.StripeClient, call: OpenCheckout, now: datetime) -> Seen:
    floor = FLOORS.get(call.currency)
    if floor is not None and call.amount_minor < floor:
        return PspRefused("amount_too_small", f"at least {floor} minor units of {call.currency}")
    # By when the wish was made: the same key must say the same again.
    soonest, latest = call.made_at + CHECKOUT_SHORTEST + CHECKOUT_MARGIN, call.made_at + CHECKOUT_LONGEST
    intent: dict[str, Any] = {"capture_method": "manual", "metadata": marks(call)}
    if call.account is not None and call.fee_minor:
        intent["application_fee_amount"] = to_stripe(call.fee_minor, call.currency)
    price = {
        "currency": call.currency.lower(),
        "unit_amount": to_stripe(call.amount_minor, call.currency),
        "product_data": {"name": call.title},
    }
    params: dict[str, Any] = {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": intent,
        "payment_method_options": _THREE_D_SECURE,
        "wallet_options": {"link": {"display": "never"}},
        # Amounts are what was shown, in the currency in which it was shown.
        "adaptive_pricing": {"enabled": False},
        "client_reference_id": call.attempt,
        "metadata": marks(call),
        "success_url": call.success_url,
        "cancel_url": call.cancel_url,
        "expires_at": int(min(max(call.expires_at, soonest), latest).timestamp()),
        "locale": call.locale,
        "expand": WITH_INTENT,
    }
    if call.save_card and call.mandate:
        intent["setup_future_usage"] = "off_session"
        intent["metadata"]["mandate"] = call.mandate
    if call.customer is not None:
        params["customer"] = call.customer
    else:
        # Otherwise the page asks the driver for an address, and nobody has to give one (AFIR).
        params["customer_email"] = alias(call.attempt, call.success_url)
        if call.save_card and call.mandate:
            params["customer_creation"] = "always"
    session = await client.v1.checkout.sessions.create_async(params, writing(call))  # type: ignore[arg-type]
    return checkout_seen(plain(session), call.account)


def alias(attempt: str, url: str) -> str:
    """An address of the attempt that nobody reads, at the host of our own pages where that is a name."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if "." in host:
            return f"payment-{attempt}@{host}"
    return f"payment-{attempt}@example.com"


async def _expire_checkout(client: stripe.StripeClient, call: ExpireCheckout, now: datetime) -> Seen:
    try:
        session = await client.v1.checkout.sessions.expire_async(call.checkout, {"expand": WITH_INTENT}, writing(call))
    except stripe.InvalidRequestError:
        return await _fetch_checkout(client, call, now)  # no more open: paid or expired
    return checkout_seen(plain(session), call.account)


async def _fetch_checkout(client: stripe.StripeClient, call: FetchCheckout | ExpireCheckout, now: datetime) -> Seen:
    session = await client.v1.checkout.sessions.retrieve_async(call.checkout, {"expand": WITH_INTENT}, reading(call.account))
    return checkout_seen(plain(session), call.account)


async def _charge_saved(client: stripe.StripeClient, call: ChargeSaved, now: datetime) -> Seen:
    if not call.mandate:
        return PspRefused("no_mandate", "a saved card is charged under a mandate only")
    params: dict[str, Any] = {
        "amount": to_stripe(call.amount_minor, call.currency),
        "currency": call.currency.lower(),
        "capture_method": "manual",
        "allowed_payment_method_types": ["card"],
        "customer": call.customer,
        "payment_method": call.payment_method,
        "confirm": True,
        "off_session": True,
        "metadata": {**marks(call), "mandate": call.mandate},
        "expand": WITH_CHARGE,
    }
    intent = await client.v1.payment_intents.create_async(params, writing(call))  # type: ignore[arg-type]
    return intent_seen(plain(intent), call.account)


async def _fetch_intent(client: stripe.StripeClient, call: Any, now: datetime) -> Seen:
    intent = await client.v1.payment_intents.retrieve_async(call.intent, {"expand": WITH_CHARGE}, reading(call.account))
    return intent_seen(plain(intent), call.account)


async def _cancel_intent(client: stripe.StripeClient, call: CancelIntent, now: datetime) -> Seen:
    async def send(suffix: str) -> Any:
        return await client.v1.payment_intents.cancel_async(call.intent, {"expand": WITH_CHARGE}, writing(call, suffix))

    return await _guarded(client, call, now, send)


async def _capture_intent(client: stripe.StripeClient, call: CaptureIntent, now: datetime) -> Seen:
    params: dict[str, Any] = {"amount_to_capture": to_stripe(call.amount_minor, call.currency), "expand": WITH_CHARGE}
    if call.account is not None:
        # Also nought: otherwise the fee of the whole hold stands.
        params["application_fee_amount"] = to_stripe(call.fee_minor, call.currency)

    async def send(suffix: str) -> Any:
        return await client.v1.payment_intents.capture_async(call.intent, params, writing(call, suffix))  # type: ignore[arg-type]

    return await _guarded(client, call, now, send)


async def _guarded(
    client: stripe.StripeClient, call: CancelIntent | CaptureIntent, now: datetime, send: Callable[[str], Awaitable[Any]]
) -> Seen:
    """A change that the intent's own status lets happen once. So a failure that the provider only repeats by heart, from the
    first time this key was used, may be asked again under another key."""
    try:
        try:
            return intent_seen(plain(await send("")), call.account)
        except stripe.APIError as error:
            if not _replayed(error):
                raise
            return intent_seen(plain(await send(f":{int(now.timestamp())}")), call.account)
    except stripe.InvalidRequestError as error:
        seen = await _fetch_intent(client, call, now)
        if getattr(seen, "status", "") in ("canceled", "succeeded"):
            return seen
        return judged(call, error)


def _replayed(error: stripe.APIError) -> bool:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return (error.http_status or 0) >= 500 and headers.get("idempotent-replayed") == "true"


async def _refund_charge(client: stripe.StripeClient, call: RefundCharge, now: datetime) -> Seen:
    params: dict[str, Any] = {
        "payment_intent": call.intent,
        "amount": to_stripe(call.amount_minor, call.currency),
        "metadata": marks(call),
        "expand": WITH_LINE,
    }
    try:
        if call.account is not None and call.return_fee:
            with_fee: Any = {**params, "refund_application_fee": True}
            return refund_seen(plain(await client.v1.refunds.create_async(with_fee, writing(call))))
    except stripe.InvalidRequestError as error:
        if error.param != "refund_application_fee":
            raise
    # Also of a charge without a fee, for which the provider refuses to give one back.
    suffix = ":no fee" if call.account is not None and call.return_fee else ""
    return refund_seen(plain(await client.v1.refunds.create_async(params, writing(call, suffix))))  # type: ignore[arg-type]


async def _fetch_refund(client: stripe.StripeClient, call: FetchRefund, now: datetime) -> Seen:
    refund = await client.v1.refunds.retrieve_async(call.refund, {"expand": WITH_LINE}, reading(call.account))
    return refund_seen(plain(refund))


async def _fetch_dispute(client: stripe.StripeClient, call: FetchDispute, now: datetime) -> Seen:
    return dispute_seen(plain(await client.v1.disputes.retrieve_async(call.dispute, {}, reading(call.account))))


async def _make_transfer(client: stripe.StripeClient, call: MakeTransfer, now: datetime) -> Seen:
    params: dict[str, Any] = {
        "amount": to_stripe(call.amount_minor, call.currency),
        "currency": call.currency.lower(),
        "destination": call.destination,
        "transfer_group": call.group,
        "metadata": marks(call),
        "expand": WITH_LINE,
    }
    transfer = await client.v1.transfers.create_async(params, writing(call))  # type: ignore[arg-type]
    return transfer_seen(plain(transfer))


async def _reverse_transfer(client: stripe.StripeClient, call: ReverseTransfer, now: datetime) -> Seen:
    params: dict[str, Any] = {
        "amount": to_stripe(call.amount_minor, call.currency),
        "metadata": marks(call),
        "expand": [*WITH_LINE, "transfer"],
    }
    reversal = await client.v1.transfers.reversals.create_async(call.transfer, params, writing(call))  # type: ignore[arg-type]
    return reversal_seen(plain(reversal))


_EXECUTORS: dict[type, Callable[[stripe.StripeClient, Any, datetime], Awaitable[Seen]]] = {
    OpenCheckout: _open_checkout,
    ExpireCheckout: _expire_checkout,
    FetchCheckout: _fetch_checkout,
    ChargeSaved: _charge_saved,
    FetchIntent: _fetch_intent,
    CancelIntent: _cancel_intent,
    CaptureIntent: _capture_intent,
    RefundCharge: _refund_charge,
    FetchRefund: _fetch_refund,
    FetchDispute: _fetch_dispute,
    SubmitEvidence: evidence.submit,
    MakeTransfer: _make_transfer,
    ReverseTransfer: _reverse_transfer,
    **accounts.EXECUTORS,
}
