"""Actors are known to the database by interned bigints: the table `actor`, and a bounded copy of it in memory."""

from collections.abc import Iterable
from itertools import islice

import asyncpg

from runtime.address import Address
from storage import limits

_INTERN = "SELECT intern_actors($1, $2, $3)"


class KeyForgotten(Exception):
    """A reconnect emptied the copy between `ensure` and the look-up: begin again."""


class Keys:
    """Lives on the side thread. A key never changes, so the copy can only be incomplete, not wrong; it is
    forgotten on every reconnect all the same, since the server may be one that lost its last transactions."""

    def __init__(self) -> None:
        self._known: dict[Address, int] = {}
        self.forgotten = 0
        """How often. What was looked up before is worth nothing after."""

    def __getitem__(self, address: Address) -> int:
        try:
            return self._known[address]
        except KeyError:
            raise KeyForgotten(str(address)) from None

    def forget(self) -> None:
        self._known.clear()
        self.forgotten += 1

    def learn(self, address: Address, key: int) -> None:
        self._known[address] = key

    async def ensure(self, connection: asyncpg.Connection, addresses: Iterable[Address]) -> None:
        """Make sure that each address has a key. Runs by itself, never inside the caller's transaction: a key
        that is rolled back while it is remembered here would orphan its actor."""
        known = self._known
        if len(known) > limits.INTERNED_KEYS:
            for address in list(islice(known, limits.INTERNED_KEYS // 10)):
                del known[address]
        missing = [address for address in addresses if address not in known]
        if not missing:
            return
        keys = await connection.fetchval(_INTERN, *map(list, zip(*missing, strict=True)))
        known.update(zip(missing, keys, strict=True))
