"""What an EVSE actor is told. It owns its connectors' statuses and which session occupies it."""

from datetime import datetime

import msgspec

from actors.station.messages import ConnectorStatus as ConnectorStatus


class Provision(msgspec.Struct, frozen=True, gc=False, tag="provision"):
    """Letter from the station: this EVSE exists (or not any more), with its permanent code."""

    code: str
    present: bool = True


class SessionOpened(msgspec.Struct, frozen=True, gc=False, tag="session_opened"):
    """Letter from a session that started here. A session that still sits on the EVSE is told Superseded."""

    session: str
    connector: int
    at: datetime


class SessionClosed(msgspec.Struct, frozen=True, gc=False, tag="session_closed"):
    """Letter from a session that ended or was quarantined."""

    session: str
    at: datetime
