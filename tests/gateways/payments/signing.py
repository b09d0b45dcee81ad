"""Webhooks as the provider signs them; written against its documentation, without its package."""

import hashlib
import hmac
import json
import time
from typing import Any

SECRET, CONNECT_SECRET = "whsec_account_test", "whsec_connect_test"


def signature(body: bytes, secret: str, at: int, *more: str) -> str:
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return ",".join((f"t={at}", f"v1={made}", *more))


def signed(body: bytes, secret: str = CONNECT_SECRET, at: int | None = None) -> str:
    return signature(body, secret, int(time.time()) if at is None else at)


def event(
    type: str = "payment_intent.succeeded",
    account: str | None = "acct_1",
    live: bool = False,
    event_id: str = "evt_1",
    **object: Any,
) -> bytes:
    """`object`: fields of the object that changed."""
    changed = {"id": "pi_1", "object": "payment_intent", "metadata": {}, **object}
    told: dict[str, Any] = {
        "id": event_id, "object": "event", "api_version": "2026-10-28.endive", "created": 1_772_366_400, "type": type,
        "livemode": live, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "data": {"object": changed},
    }  # fmt: skip
    if account is not None:
        told["account"] = account
    return json.dumps(told).encode()
