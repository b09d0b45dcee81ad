"""Looks after the keys of the platform accounts, and tells whose they are when one cannot be used.

An account of a brand's own is asked for its id, at the start and now and then: a key of another account would make holds that
nobody finds again. One in trouble is asked often, so that cards are taken again soon after somebody has mended it. What is
wrong is an event of the tenant (`merchant.platform`), once when it begins and once when it ends, with what is open meanwhile.
"""

from collections.abc import Callable
from typing import Any

import stripe
import structlog
import trio

from actors.merchant.messages import BRAND, PlatformTrouble
from actors.model.ids import merchant_address
from actors.model.platforms import INSTALLATION
from actors.ports import Lookups
from gateways.payments.client import Clients, PaymentsOff
from gateways.payments.errors import what
from gateways.payments.limits import WATCH_CALL, WATCH_EVERY, WATCH_TROUBLED, WORKER_ASK
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import StoreAway
from runtime.system import System

NO_KEY = "no_key"
_log = structlog.get_logger("payments")


class PlatformWatch:
    """`exists`: is there such a tenant? The settings may name one that is not made yet."""

    def __init__(self, clients: Clients, system: System, lookups: Lookups, exists: Callable[[str], bool]) -> None:
        self._clients = clients
        self._system = system
        self._lookups = lookups
        self._exists = exists
        self._changed = trio.Event()
        clients.standing.changed = self._wake

    def _wake(self, account: str) -> None:
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self.once()
            pause = WATCH_TROUBLED if self._clients.standing.troubles() else WATCH_EVERY
            with trio.move_on_after(pause):
                await self._changed.wait()

    async def once(self) -> None:
        """Ask every account that should be asked, side by side, and tell what is to be told."""
        self._changed = trio.Event()
        accounts = self._clients.accounts()
        async with trio.open_nursery() as nursery:
            for account in accounts:
                if account != INSTALLATION or self._clients.standing.trouble(account) is not None:
                    nursery.start_soon(self._look, account)
        self._changed = trio.Event()  # what these have found is told now
        try:
            await self._tell()
        except StoreAway as error:
            _log.info("payments.trouble_not_told", reason=f"{type(error).__name__}: {error}")

    async def _look(self, account: str) -> None:
        try:
            with trio.move_on_after(WATCH_CALL):
                found: Any = await self._clients.asking(account).v1.accounts.retrieve_current_async()
                self._clients.standing.belongs(account, None if account == INSTALLATION else found.id)
        except stripe.PermissionError:
            self._clients.standing.belongs(account, None)  # a restricted key that may do what it is for
        except stripe.StripeError as error:
            _log.info("payments.account_not_known", platform=account or "(installation)", reason=what(error))
        except PaymentsOff:
            return

    async def _tell(self) -> None:
        platforms = self._clients.platforms
        opened = {(one.tenant, one.platform): one.payments for one in await self._lookups.open_by_platform()}
        named = {(tenant, platform) for tenant in {*platforms.own, *platforms.former} for platform in platforms.all_of(tenant)}
        if platforms.owner is not None:
            named.add((platforms.owner, INSTALLATION))
        orphans = {key for key in opened if key[1] == INSTALLATION or not platforms.with_key(key[1])}
        for tenant, platform in sorted(named | orphans):
            if not self._exists(tenant):
                continue
            trouble = self.trouble(platform)
            if trouble is None and (tenant, platform) not in named and platform != INSTALLATION:
                continue
            told = PlatformTrouble(platform, trouble, self._setting(tenant, platform), opened.get((tenant, platform), 0))
            try:
                await self._system.ask(Address(*merchant_address(tenant, BRAND)), told, deadline=WORKER_ASK)
            except ActorError as error:  # of this brand alone: the others hear of theirs
                _log.warning("payments.trouble_not_told", tenant=tenant, reason=f"{type(error).__name__}: {error}")

    def trouble(self, platform: str) -> str | None:
        """Why nothing can begin on it, nor go on."""
        return self._clients.standing.trouble(platform) if self._clients.platforms.with_key(platform) else NO_KEY

    def _setting(self, tenant: str, platform: str) -> str:
        keys = self._clients.keys.get(platform)
        return f"stripe.brands.{tenant}.former" if keys is None else keys.variable("secret_key")
