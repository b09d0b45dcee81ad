"""The live connections of this process, by station. They outlive an incarnation of the station's actor.

A station actor that crashed or was restarted finds its line here again: the socket never notices. Only the
station's own actor writes its entry. Nothing here lasts longer than the process.
"""

from datetime import datetime

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
    calls: dict[str, OutgoingCall] = {}


class Switchboard:
    def __init__(self) -> None:
        self._connections: dict[AddressKey, Connection] = {}

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
