"""Is the station there, and may it speak? Its line, its generation, when it was last heard. Volatile; the line itself
stands on the node's switchboard, where it outlives a crash of the station's actor.
"""

from datetime import datetime

from actors.env import ActorEnv
from actors.model.ids import station_address
from actors.model.rows import EventRow, SeenRow
from actors.station.decide import refusal
from actors.station.messages import Connected, NotAdmitted
from actors.station.state import StationState
from actors.station.switchboard import Connection


class Presence:
    def __init__(self, env: ActorEnv, tenant: str, station: str) -> None:
        self._address = station_address(tenant, station)
        self._switchboard = env.switchboard
        self._sink = env.sink
        self._seen_every = env.limits.seen_every
        self._due: datetime | None = None
        """When the row is to be written again."""
        self.last_seen: datetime | None = None

    @property
    def connection(self) -> Connection | None:
        return self._switchboard.get(self._address)

    def connect(self, new: Connected, now: datetime) -> Connection | None:
        """Take the new line; returns the one it replaced, closed. The highest generation wins (quirk 2)."""
        old = self.connection
        if old is not None and old.generation >= new.generation:
            if old.generation > new.generation:
                new.line.close(1008, "a newer connection of this station is open")
            return None
        if old is not None:
            old.line.close(1000, "replaced by a newer connection")
        connection = Connection(new.line, new.protocol, new.generation, new.peer, now, new.renew)
        self._switchboard.plug(self._address, connection)
        self.last_seen = now
        self._put(connection, True, now)
        self._tell("station.connected", connection, now)
        return old

    def disconnect(self, generation: int, now: datetime) -> Connection | None:
        """The connection that closed; None where a newer one took its place long before (quirk 1)."""
        connection = self.connection
        if connection is None or not self._switchboard.unplug(self._address, generation):
            return None
        self._put(connection, False, now)
        self._tell("station.disconnected", connection, now)
        return connection

    def heard(self, now: datetime) -> None:
        """Any inbound message is a sign of life; the row is written now and then."""
        self.last_seen = now
        if self._due is not None and now < self._due:
            return
        connection = self.connection
        if connection is not None:
            self._put(connection, True, now)

    def refusal(self, state: StationState, kind: type, now: datetime) -> NotAdmitted | None:
        """It was heard; None where it may send a message of this `kind` now."""
        self.heard(now)
        connection = self.connection if state.boot_status != "Accepted" else None
        spoken = connection.protocol if connection is not None else ""
        return refusal(state, kind, connection.invited if connection and spoken.startswith("ocpp2") else None)

    def _tell(self, kind: str, connection: Connection, now: datetime) -> None:
        """A line of the feed; like last-seen it gates nothing, so a storm of reconnects costs no commit."""
        tenant, _, station = self._address
        body = {"protocol": connection.protocol, "generation": connection.generation}
        self._sink.put(EventRow(tenant=tenant, kind=kind, subject=station, at=now, body=body))

    def _put(self, connection: Connection, online: bool, now: datetime) -> None:
        self._due = now + self._seen_every
        self._sink.put(
            SeenRow(
                tenant=self._address[0],
                station=self._address[2],
                online=online,
                protocol=connection.protocol,
                since=connection.since if online else now,
                generation=connection.generation,
                last_seen=now,
            )
        )
