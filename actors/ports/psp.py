"""The webhooks of the payment provider on their way in: the gateway puts them down before it says thanks, a worker takes them
up. What they lead to is asked of the provider again (actors/model/psp.py), so nothing but ids is kept of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from actors.model.platforms import INSTALLATION


class PspEvent(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a webhook of the payment provider: which object changed, by ids, and nothing personal. `endpoint`:
    account or connect; `account`: whose event it is, None: the brand's own. `platform`: the platform account whose endpoint it
    came to. An account that is connected to two of them tells both of the same event, so both make up an event's name here."""

    id: str
    endpoint: str
    account: str | None
    type: str
    created: datetime
    api_version: str | None
    livemode: bool
    subject: dict[str, str]
    platform: str = INSTALLATION

    @property
    def name(self) -> "EventName":
        return self.platform, self.id


EventName = tuple[str, str]
"""(platform account, id of the event)"""


class WaitingPspEvent(msgspec.Struct, frozen=True, gc=False):
    """`state`: waiting, done or parked; `attempt`: how often it was taken."""

    event: PspEvent
    state: str
    attempt: int
    received_at: datetime
    error: str | None = None


class PspInbox(Protocol):
    """Webhooks between their acknowledgement and their effect. All of it raises runtime StoreAway when the database is away."""

    async def put(self, event: PspEvent) -> bool:
        """Returns when it is committed; False: it was there already."""
        ...

    async def take(self, limit: int, lease: float) -> Sequence[WaitingPspEvent]:
        """The next ones due, oldest first. They come again after `lease` seconds unless something is said of them."""
        ...

    async def done(self, names: Sequence[EventName]) -> None: ...
    async def retry(self, names: Sequence[EventName], seconds: float, error: str) -> None: ...
    async def park(self, names: Sequence[EventName], error: str) -> None:
        """Not tried any more until somebody says `unpark`."""
        ...

    async def unpark(self, id: str) -> bool:
        """By its id, on whichever platform account."""
        ...

    async def listed(self, state: str, limit: int) -> Sequence[WaitingPspEvent]:
        """Oldest first."""
        ...

    async def counts(self) -> dict[str, int]:
        """How many wait, and how many are parked."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget what was done with before; how many."""
        ...
