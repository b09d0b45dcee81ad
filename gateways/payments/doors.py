"""One door an account: how many calls on it may be under way at a time, so that one whose answers do not come takes no places
from the others.

    doors = Doors(most=32)
    with doors.through(account): ...        raises errors.Away for one too many

Usually `most` may be inside. While a call takes longer than SLOW_CALL, or the last one did, it is a few: enough to find out
whether the account is well again. Where a node has several platform accounts, all accounts of one have no more than
`of_platform` together: what is down is then down for all of its accounts, and the other brands must not wait for it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from actors.model.platforms import INSTALLATION
from gateways.payments.errors import Away
from gateways.payments.limits import SLOW_AT_ONCE, SLOW_CALL


def share(places: int, platforms: int) -> int:
    """Of so many places those that one platform account may take: with one more than there are, so that there are some left even
    if all but one are down; a few in any case."""
    return places if platforms < 2 else max(SLOW_AT_ONCE, places // (platforms + 1))


class _Door:
    def __init__(self) -> None:
        self.since: dict[object, float] = {}
        self.slow = False


class Doors:
    def __init__(
        self, most: int, clock: Callable[[], float] = trio.current_time, *, of_platform: Callable[[], int] | None = None
    ) -> None:
        self._most = most
        self._clock = clock
        self._of_platform = of_platform or (lambda: 1 << 30)
        self._doors: dict[tuple[str, str | None], _Door] = {}
        self._inside: Counter[str] = Counter()

    @contextmanager
    def through(self, account: str | None, platform: str = INSTALLATION) -> Iterator[None]:
        """`account` None: the platform's own."""
        if self._inside.get(platform, 0) >= self._of_platform():
            raise Away(f"{self._inside[platform]} calls of platform account {platform or '(installation)'} are under way")
        key = (platform, account)
        door = self._doors.setdefault(key, _Door())
        now, me = self._clock(), object()
        slow = door.slow or any(now - since > SLOW_CALL for since in door.since.values())
        if len(door.since) >= (SLOW_AT_ONCE if slow else self._most):
            raise Away(f"{len(door.since)} calls on {account or 'the platform'} are under way{', and slow' if slow else ''}")
        door.since[me] = now
        self._inside[platform] += 1
        try:
            yield
        finally:
            self._inside[platform] -= 1
            if not self._inside[platform]:
                del self._inside[platform]
            door.slow = self._clock() - door.since.pop(me) > SLOW_CALL
            if not door.since and not door.slow:
                del self._doors[key]
