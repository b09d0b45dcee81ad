"""One door an account: how many calls on it may be under way at a time, so that one whose answers do not come takes no places
from the others.

    doors = Doors(most=32)
    with doors.through(account): ...        raises errors.Away for one too many

Usually `most` may be inside. While a call takes longer than SLOW_CALL, or the last one did, it is a few: enough to find out
whether the account is well again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from gateways.payments.errors import Away
from gateways.payments.limits import SLOW_AT_ONCE, SLOW_CALL


class _Door:
    def __init__(self) -> None:
        self.since: dict[object, float] = {}
        self.slow = False


class Doors:
    def __init__(self, most: int, clock: Callable[[], float] = trio.current_time) -> None:
        self._most = most
        self._clock = clock
        self._doors: dict[str | None, _Door] = {}

    @contextmanager
    def through(self, account: str | None) -> Iterator[None]:
        """`account` None: the platform's own."""
        door = self._doors.setdefault(account, _Door())
        now, me = self._clock(), object()
        slow = door.slow or any(now - since > SLOW_CALL for since in door.since.values())
        if len(door.since) >= (SLOW_AT_ONCE if slow else self._most):
            raise Away(f"{len(door.since)} calls on {account or 'the platform'} are under way{', and slow' if slow else ''}")
        door.since[me] = now
        try:
            yield
        finally:
            door.slow = self._clock() - door.since.pop(me) > SLOW_CALL
            if not door.since and not door.slow:
                del self._doors[account]
