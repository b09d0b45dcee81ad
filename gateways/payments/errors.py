"""What an error of the provider means for a wish: no, not now, or nobody can tell.

PspRefused      it says no, and would again
Away (raised)   it was not done: the outbox tries it again
PspUnsure       it may have been done: of wishes that move money the actor is told so; all others are simply tried again,
                with the same key, after a look at what is there
"""

from collections.abc import Mapping
from typing import Any

import httpx
import stripe
import structlog

from actors.model.psp import (
    AnyCall,
    CaptureIntent,
    MakeTransfer,
    PspRefused,
    PspUnsure,
    RefundCharge,
    ReverseTransfer,
)
from gateways.payments.limits import DETAIL_LOGGED

MOVES_MONEY = (CaptureIntent, RefundCharge, MakeTransfer, ReverseTransfer)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_log = structlog.get_logger("payments")


class Away(Exception):
    """Worth another try later. The text holds neither keys nor personal data."""


class KeyRefused(Away):
    """The provider does not take our key (any more): nothing was done, and nothing will be before somebody mends the settings."""


def code_of(error: stripe.StripeError) -> str:
    """The provider's code; the package forgets it for some classes, but keeps the body."""
    if error.code:
        return str(error.code)
    body = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    return str(found.get("code") or "") if isinstance(found, Mapping) else ""


def what(error: stripe.StripeError) -> str:
    """Class, status, code and parameter: never the message, which may quote what was sent."""
    parts: list[Any] = [type(error).__name__, error.http_status, code_of(error), getattr(error, "param", None)]
    return " ".join(str(part) for part in parts if part)


def judged(call: AnyCall, error: stripe.StripeError) -> PspRefused | PspUnsure:
    """What to answer. Raises Away."""
    if isinstance(error, stripe.PermissionError):
        # Only a connected account can be taken from us; a key without rights for ours is for an operator to mend.
        if call.account is not None or code_of(error) == "account_invalid":
            return PspRefused("account_invalid", what(error))
        raise Away(what(error)) from error
    if isinstance(error, stripe.CardError):
        return PspRefused(code_of(error) or "card_declined", _declined(error))
    if isinstance(error, stripe.oauth_error.OAuthError):
        return PspRefused(code_of(error) or "oauth_error", what(error))
    if isinstance(error, stripe.InvalidRequestError):
        return PspRefused(code_of(error) or "invalid_request", what(error))
    if isinstance(error, stripe.APIConnectionError):
        return _connection(call, error)
    if isinstance(error, stripe.AuthenticationError):
        raise KeyRefused(what(error)) from error
    if isinstance(error, stripe.RateLimitError | stripe.IdempotencyError):
        raise Away(what(error)) from error
    if error.http_status == 409:  # the same key is at work at this moment
        raise Away(what(error)) from error
    return unsure(call, what(error))


def _connection(call: AnyCall, error: stripe.APIConnectionError) -> PspUnsure:
    cause = error.__cause__
    if cause is not None and not isinstance(cause, httpx.HTTPError):
        # Whatever goes wrong in the transport comes as this class, our own bugs included.
        _log.error("payments.transport_broken", cause=f"{type(cause).__name__}: {cause}"[:DETAIL_LOGGED], op=type(call).__name__)
    if isinstance(cause, _NEVER_SENT) and isinstance(call, MOVES_MONEY):
        raise Away(f"cannot be reached: {type(cause).__name__}") from error
    return unsure(call, f"the connection broke: {type(cause).__name__}")


def unsure(call: AnyCall, detail: str) -> PspUnsure:
    """For a wish that was sent and of which no answer came. Raises Away where that needs not be told."""
    if isinstance(call, MOVES_MONEY):
        return PspUnsure(detail)
    raise Away(detail)


def _declined(error: stripe.CardError) -> str:
    """The issuer's reason, as a word."""
    body = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    reason = found.get("decline_code") if isinstance(found, Mapping) else None
    return str(reason or what(error))
