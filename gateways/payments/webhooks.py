"""What the provider tells of itself: verified, written, acknowledged. What it means is found out later (worker.py).

    status = await receiver.take("connect", body, signature header)       200, 400 or 503

Nothing is acknowledged that is not in the inbox, and nothing that was refused is told apart in the answer: whoever forges learns
nothing. No body, no signature and no secret is ever logged.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

import stripe
import structlog
import trio

from actors.ports import PspEvent, PspInbox
from gateways.payments.client import StripeKeys
from gateways.payments.events import parse
from gateways.payments.limits import WEBHOOK_AGE, WEBHOOK_AHEAD, WEBHOOK_SECONDS
from runtime.store import StoreAway

Endpoint = Literal["account", "connect"]
_log = structlog.get_logger("payments")


class WebhookReceiver:
    """`arrived` is called after an event was written for the first time."""

    def __init__(
        self,
        inbox: PspInbox,
        keys: StripeKeys,
        arrived: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inbox = inbox
        self._live = keys.live
        self._secrets = {"account": _secrets(keys.webhook_secret), "connect": _secrets(keys.connect_webhook_secret)}
        self._arrived = arrived
        self._clock = clock
        self._counts: Counter[str] = Counter()

    async def take(self, endpoint: Endpoint, body: bytes, signature: str | None) -> int:
        """The HTTP status. 503: not configured, or the database is away; the provider comes again."""
        if not self._secrets[endpoint]:
            return self._counted(503, "not_configured")
        if not self.is_genuine(endpoint, body, signature):
            return self._counted(400, "forged")
        try:
            event = parse(body, endpoint)
        except ValueError:
            return self._counted(400, "malformed")
        if (event.account is not None) != (endpoint == "connect"):
            return self._counted(400, "wrong_endpoint")
        if event.livemode != self._live:
            # The endpoint of live connected accounts gets their tests, too: that is in order, and none of our business.
            return self._counted(200, "wrong_mode")
        return await self._kept(event)

    async def _kept(self, event: PspEvent) -> int:
        try:
            with trio.fail_after(WEBHOOK_SECONDS):
                is_new = await self._inbox.put(event)
        except (StoreAway, trio.TooSlowError) as error:
            _log.warning("webhook.not_kept", type=event.type, reason=type(error).__name__)
            return self._counted(503, "not_kept")
        if is_new:
            self._arrived()
        return self._counted(200, "kept" if is_new else "repeated")

    def is_genuine(self, endpoint: Endpoint, body: bytes, signature: str | None) -> bool:
        """Signed with one of the endpoint's secrets, lately. The package takes times in the future; we do not."""
        try:
            text = body.decode()
            at = _time_of(signature or "")
        except ValueError:
            return False
        now = self._clock()
        if not now - WEBHOOK_AGE <= at <= now + WEBHOOK_AHEAD:
            return False
        return any(_verifies(text, signature, secret) for secret in self._secrets[endpoint])

    def _counted(self, status: int, what: str) -> int:
        self._counts[what] += 1
        return status

    def stats(self) -> Mapping[str, int]:
        """Webhooks by what became of them."""
        return self._counts


def _secrets(configured: str | None) -> tuple[str, ...]:
    return tuple(secret for part in (configured or "").split(",") if (secret := part.strip()))


def _time_of(signature: str) -> int:
    """Of `t=...,v1=...`; the first one, which is also the one that the package takes."""
    times = [part.partition("=")[2] for part in signature.split(",") if part.partition("=")[0] == "t"]
    if not times or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        raise ValueError("no time in the signature")
    return int(times[0])


def _verifies(text: str, signature: str | None, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(text, signature, secret))
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        return False  # TypeError: the constant-time comparison takes no text beyond ASCII
