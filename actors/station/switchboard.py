"""The live connections of this process, by station. They outlive an incarnation of the station's actor.

A station actor that crashed or was restarted finds its line here again: the socket never notices. Only the
station's own actor writes its entry. Nothing here lasts longer than the process.
"""

from datetime import datetime, timedelta

import msgspec

from actors.model.decision import AddressKey
from actors.model.intents import AnyIntent
from actors.station.messages import Line, WireCall


class OutgoingCall(msgspec.Struct):
    """A CALL that was handed to the line (or is about to be): what its answer must be read against."""

    intent: AnyIntent
    wire: WireCall
    protocol: str
    not_after: datetime


class Connection(msgspec.Struct):
    """The current line of a station, and what is under way on it."""

    line: Line
    protocol: str
    generation: int
    peer: str
    since: datetime
    renew: bool = False
    """The station is here to get another certificate."""
    calls: dict[str, OutgoingCall] = {}
    invited: set[type] = set()
    """Messages that were asked for on it (invited.py)."""


class Pacer:
    """Hands out times so that a storm becomes a trickle: the first comer is served after `pause`, the others in turn."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def next(self, now: datetime, pause: timedelta, per_second: int) -> datetime:
        at = now + pause
        if self._last is not None:
            at = max(at, self._last + timedelta(seconds=1 / per_second))
        self._last = at
        return at


class Switchboard:
    def __init__(self) -> None:
        self._connections: dict[AddressKey, Connection] = {}
        self.greetings = Pacer()

    def get(self, station: AddressKey) -> Connection | None:
        return self._connections.get(station)

    def plug(self, station: AddressKey, connection: Connection) -> None:
        self._connections[station] = connection

    def unplug(self, station: AddressKey, generation: int) -> bool:
        """Forget the connection if it is still this generation (quirk 1: an old socket closes late)."""
        current = self._connections.get(station)
        if current is None or current.generation != generation:
            return False
        del self._connections[station]
        return True

    def __len__(self) -> int:
        return len(self._connections)
