"""The object that an event is about, as the provider has it now."""

from datetime import datetime
from typing import Any

import stripe
import trio

from actors.model.psp import (
    AccountSeen,
    AnyCall,
    FetchAccount,
    FetchCheckout,
    FetchDispute,
    FetchIntent,
    FetchPayout,
    FetchRefund,
    PspRefused,
    PspUnsure,
    Seen,
)
from gateways.payments.asking import plain, reading
from gateways.payments.calls import execute
from gateways.payments.errors import Away, what
from gateways.payments.events import Target
from gateways.payments.limits import CALL_SECONDS
from gateways.payments.seen import transfer_seen

_KEY = "event"
"""Questions carry no key of idempotency; the field wants one."""


class Gone(Exception):
    """There is no such object on this account, or no account any more: nothing of ours."""


async def fetch(client: stripe.StripeClient, target: Target, now: datetime) -> Seen:
    """An account that is said to be gone may be connected again by now. Raises Gone, and errors.Away for what is worth another
    try."""
    if target.kind in ("transfer", "charge"):
        return await _directly(client, target, now)
    seen = await execute(client, _question(target, now), now)
    if isinstance(seen, PspRefused) and target.kind == "gone":
        return AccountSeen(account=target.id, connected=False)
    if isinstance(seen, PspRefused):
        raise Gone(f"{seen.code} {seen.detail}")
    assert not isinstance(seen, PspUnsure), "a question has no effect to be unsure of"
    return seen


def _question(target: Target, now: datetime) -> AnyCall:
    head: dict[str, Any] = {"key": _KEY, "made_at": now, "account": target.account, "platform": target.platform}
    match target.kind:
        case "checkout":
            return FetchCheckout(checkout=target.id, **head)
        case "intent":
            return FetchIntent(intent=target.id, **head)
        case "refund":
            return FetchRefund(refund=target.id, **head)
        case "dispute":
            return FetchDispute(dispute=target.id, **head)
        case "payout":
            return FetchPayout(payout=target.id, lines=target.lines, **head)
        case _:
            return FetchAccount(**head)


async def _directly(client: stripe.StripeClient, target: Target, now: datetime) -> Seen:
    """A transfer; or the intent of a charge, of which an application fee told."""
    try:
        with trio.move_on_after(CALL_SECONDS):
            options = reading(target.account)
            if target.kind == "transfer":
                found = await client.v1.transfers.retrieve_async(target.id, {"expand": ["balance_transaction"]}, options)
                return transfer_seen(plain(found))
            charge = plain(await client.v1.charges.retrieve_async(target.id, {}, options))
            intent = charge.get("payment_intent")
            if not isinstance(intent, str):
                raise Gone("a charge without an intent")
            return await fetch(client, Target("intent", target.account, intent, platform=target.platform), now)
    except stripe.InvalidRequestError as error:
        raise Gone(what(error)) from error
    except stripe.StripeError as error:
        raise Away(what(error)) from error
    raise Away("no answer in time")
