"""The desk: where the actors' wishes for the payment provider arrive, from the outbox (topic `psp`).

    desk = PaymentDesk(clients)
    system.outbox.handle(TOPIC, desk.deliver)

The answer is a message for the actor whose wish it was, and its commit settles the wish. What cannot be done now raises, and
the outbox tries again with growing pauses.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

import msgspec

from actors.model.psp import (
    TOPIC,
    AnyCall,
    ChargeSaved,
    ConnectAccount,
    FetchBalance,
    LinkAccount,
    MakeTransfer,
    OpenAccount,
    OpenCheckout,
    PspAnswer,
    PspRefused,
    PspUnsure,
    ReverseTransfer,
    Seen,
)
from gateways.payments.calls import execute
from gateways.payments.client import ClientSource, PaymentsOff, Platform
from gateways.payments.doors import Doors, share
from gateways.payments.errors import Away, KeyRefused
from gateways.payments.limits import DESK_OF_ACCOUNT, DESK_PLACES, DESK_TURNED_AWAY
from runtime.address import Address
from runtime.store import OutboxItem

__all__ = ["TOPIC", "PaymentDesk"]

_call = msgspec.json.Decoder(AnyCall).decode
_BEGINS = (OpenCheckout, ChargeSaved, OpenAccount, LinkAccount, ConnectAccount, FetchBalance)
"""Without a key these are refused, since somebody waits and nothing is owed; a balance is asked for again the next day. All else
waits for a key: it is about money that is held or was taken."""

_SOON_AGAIN = (MakeTransfer, ReverseTransfer)
"""A merchant has nothing to do or to show while nobody knows whether these were done: why wait for the end of a lease?"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PaymentDesk:
    def __init__(self, clients: ClientSource, now: Callable[[], datetime] = _utc_now) -> None:
        self._clients = clients
        self._now = now
        self._counts: Counter[str] = Counter()
        self._doors = Doors(DESK_OF_ACCOUNT, of_platform=lambda: share(DESK_PLACES, len(clients.accounts())))
        self._turned_away: Counter[tuple[Address, str]] = Counter()
        """Tries of a wish on which nothing was sent, as far as remembered; forgotten, they count as sent, which is safe."""

    async def deliver(self, item: OutboxItem) -> PspAnswer:
        """Handler of the outbox. Raises errors.Away, and PaymentsOff."""
        call = _call(item.effect.body)
        try:
            # Whose wish it is says the row, never the wish: a key is only ever taken from among this tenant's.
            client = self._clients.of(item.actor.tenant, call.platform)
            seen = await self._executed(client, item, call)
        except (PaymentsOff, KeyRefused) as off:
            self._counts["no_key"] += 1
            if not isinstance(call, _BEGINS) or (isinstance(call, ChargeSaved) and item.attempt > 1):
                raise  # an earlier try may have put a hold on the card: who is told that there is none lets none go
            return PspAnswer(item.effect.id, call, PspRefused("payments_off", str(off)))
        if isinstance(seen, PspUnsure) and isinstance(call, _SOON_AGAIN):
            raise Away(seen.detail)
        outcome = "refused" if isinstance(seen, PspRefused) else "unsure" if isinstance(seen, PspUnsure) else "done"
        self._counts[outcome] += 1
        return PspAnswer(item.effect.id, call, seen)

    async def _executed(self, client: Platform, item: OutboxItem, call: AnyCall) -> Seen:
        """Raises Away also where too many wishes of the account are under way: its others must not wait behind them."""
        key = (item.actor, item.effect.id)
        with ExitStack() as stack:
            try:
                stack.enter_context(self._doors.through(call.account, call.platform))
            except Away:
                if len(self._turned_away) < DESK_TURNED_AWAY:
                    self._turned_away[key] += 1
                self._counts["turned_away"] += 1
                raise
            unsent = self._turned_away.pop(key, 0)
            return await execute(client, call, self._now(), again=item.attempt - unsent > 1)

    def stats(self) -> Mapping[str, int]:
        """Answered wishes by outcome: done, refused, unsure; no_key: there is none, or it is not taken; turned_away:
        given back, since the account has too many."""
        return self._counts
