"""What the provider tells of itself: verified, written, acknowledged. What it means is found out later (worker.py).

    status = await receiver.take("connect", body, signature header, tenant)       200, 400, 404 or 503

A brand with a platform account of its own has two endpoints of its own, and only its secrets open them. Which one does says of
which account the event is: the present one, or one that it had before.

Nothing is acknowledged that is not in the inbox, and nothing that was refused is told apart in the answer: whoever forges learns
nothing. No body, no signature and no secret is ever logged.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
import stripe
import structlog
import trio

from actors.ports import PspEvent, PspInbox
from gateways.payments.client import StripeKeys
from gateways.payments.events import parse
from gateways.payments.limits import WEBHOOK_AGE, WEBHOOK_AHEAD, WEBHOOK_SECONDS, WEBHOOK_WARNED
from runtime.store import StoreAway

Endpoint = Literal["account", "connect"]
_log = structlog.get_logger("payments")


class _Lock(msgspec.Struct, frozen=True):
    """One platform account's secrets of one endpoint."""

    platform: str
    live: bool
    secrets: tuple[str, ...]


class WebhookReceiver:
    """`keys`: of the installation's platform account; `others`: those of brands. `arrived` is called after an event was written
    for the first time."""

    def __init__(
        self,
        inbox: PspInbox,
        keys: StripeKeys,
        arrived: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        others: Iterable[StripeKeys] = (),
    ) -> None:
        self._inbox = inbox
        self._locks: dict[tuple[str | None, Endpoint], list[_Lock]] = {}
        for tenant, one in ((None, keys), *((other.tenant, other) for other in others)):
            both: tuple[tuple[Endpoint, str | None], ...]
            both = (("account", one.webhook_secret), ("connect", one.connect_webhook_secret))
            for endpoint, secret in both:
                lock = _Lock(one.account, one.live, _secrets(secret))
                self._locks.setdefault((tenant, endpoint), []).append(lock)
        self._warned: dict[tuple[str | None, Endpoint], float] = {}
        self._arrived = arrived
        self._clock = clock
        self._counts: Counter[str] = Counter()

    async def take(self, endpoint: Endpoint, body: bytes, signature: str | None, tenant: str | None = None) -> int:
        """The HTTP status. `tenant`: whose endpoint it is, None: the installation's. 404: it has none of its own; 503: no
        secret is set, or the database is away; the provider comes again."""
        locks = self._locks.get((tenant, endpoint))
        if locks is None:
            return self._counted(404, "no_such_endpoint")
        if not any(lock.secrets for lock in locks):
            return self._counted(503, "not_configured")
        lock = self._opened(locks, body, signature)
        if lock is None:
            return self._forged(tenant, endpoint)
        try:
            event = parse(body, endpoint, lock.platform)
        except ValueError:
            return self._counted(400, "malformed")
        if (event.account is not None) != (endpoint == "connect"):
            return self._counted(400, "wrong_endpoint")
        if event.livemode != lock.live:
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

    def _opened(self, locks: Iterable[_Lock], body: bytes, signature: str | None) -> _Lock | None:
        """By which one's secret it was signed, lately. The package takes times in the future; we do not."""
        try:
            text = body.decode()
            at = _time_of(signature or "")
        except ValueError:
            return None
        now = self._clock()
        if not now - WEBHOOK_AGE <= at <= now + WEBHOOK_AHEAD:
            return None
        return next((lock for lock in locks if any(_verifies(text, signature, one) for one in lock.secrets)), None)

    def _forged(self, tenant: str | None, endpoint: Endpoint) -> int:
        """Told now and then: what is signed by another brand's secret was probably entered for the wrong address."""
        now = self._clock()
        if now - self._warned.get((tenant, endpoint), 0.0) > WEBHOOK_WARNED:
            self._warned[tenant, endpoint] = now
            _log.warning("webhook.forged", tenant=tenant, endpoint=endpoint)
        return self._counted(400, "forged")

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
