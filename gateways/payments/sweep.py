"""What nobody told us: a sweep every few minutes for webhooks that were not delivered, and for attempts that wait in silence.

Undelivered events go into the inbox like those that came, so they are worked off once, however they got here. Connected accounts
keep their events to themselves: they are asked where attempts wait, which is where it matters. Platform accounts are swept
side by side, each with time of its own.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import stripe
import structlog
import trio

from actors.model.ids import payment_address
from actors.model.platforms import INSTALLATION
from actors.payment.messages import LookAgain
from actors.ports import Lookups, PspInbox
from gateways.payments.asking import every, reading
from gateways.payments.client import ClientSource, PaymentsOff
from gateways.payments.errors import Away, what
from gateways.payments.events import kept
from gateways.payments.limits import ATTEMPT_SILENT, PAGE, SWEEP_ATTEMPTS, SWEEP_BACK, SWEEP_EVENTS, SWEEP_EVERY, WORKER_ASK
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import StoreAway
from runtime.system import System

_log = structlog.get_logger("payments")


class Sweep:
    def __init__(
        self,
        inbox: PspInbox,
        clients: ClientSource,
        system: System,
        lookups: Lookups,
        arrived: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inbox = inbox
        self._clients = clients
        self._system = system
        self._lookups = lookups
        self._arrived = arrived
        self._now = now
        self._after: tuple[str, str] = ("", "")
        self._counts: Counter[str] = Counter()

    def stats(self) -> Mapping[str, int]:
        """Events that were fetched, and attempts that were made to look."""
        return self._counts

    async def run(self) -> None:
        while True:
            await trio.sleep(SWEEP_EVERY)
            await self.once()

    async def once(self) -> None:
        """One account that is gone, or has too much to tell, hides no other one; neither does a platform account."""
        waiting: set[tuple[str, str]] = set()
        try:
            waiting = await self.attempts()
        except StoreAway as error:
            _log.info("payments.sweep_waits", reason=f"{type(error).__name__}: {error}")
        async with trio.open_nursery() as nursery:
            for platform in self._clients.accounts():
                theirs = sorted(account for of, account in waiting if of == platform)
                nursery.start_soon(self._sweep, platform, theirs)

    async def _sweep(self, platform: str, accounts: Sequence[str]) -> None:
        with trio.move_on_after(SWEEP_EVERY):
            for account in (None, *accounts):
                try:
                    await self.events(account, platform)
                except (StoreAway, PaymentsOff, Away) as error:
                    told = {"platform": platform, "account": account, "reason": f"{type(error).__name__}: {error}"}
                    _log.info("payments.sweep_waits", **told)
                except stripe.StripeError as error:
                    _log.warning("payments.sweep_refused", platform=platform, account=account, reason=what(error))

    async def events(self, account: str | None, platform: str = INSTALLATION) -> int:
        """Put what could not be delivered into the inbox; how many were new."""
        client = self._clients.platform(platform)
        live = client.keys.live
        since = int((self._now() - SWEEP_BACK).timestamp())
        params: Any = {"delivery_success": False, "created": {"gte": since}, "limit": PAGE}
        page = await client.v1.events.list_async(params, reading(account))
        endpoint, new = "account" if account is None else "connect", 0
        async for event in every(page, SWEEP_EVENTS):
            if bool(event.get("livemode")) != live:
                continue
            changed = (event.get("data") or {}).get("object") or {}
            version = event.get("api_version")
            told = kept(event["id"], endpoint, account, event["type"], event["created"], version, live, changed, platform)
            new += await self._inbox.put(told)
        self._counts["events"] += new
        if new:
            self._arrived()
        return new

    async def attempts(self) -> set[tuple[str, str]]:
        """Attempts that have waited for the provider too long are made to look; (platform, connected account)
        of those on one."""
        waiting = await self._lookups.silent_attempts(self._now() - ATTEMPT_SILENT, self._after, SWEEP_ATTEMPTS)
        for one in waiting:
            try:
                to = Address(*payment_address(one.tenant, one.attempt))
                await self._system.ask(to, LookAgain(), deadline=WORKER_ASK)
            except ActorError as error:
                _log.warning("payments.attempt_does_not_look", attempt=one.attempt, reason=str(error))
            self._counts["attempts"] += 1
        # The next sweep goes on behind these: a few that never move must not hide the others.
        self._after = (waiting[-1].tenant, waiting[-1].attempt) if len(waiting) == SWEEP_ATTEMPTS else ("", "")
        return {(one.platform, one.account) for one in waiting if one.account is not None}
