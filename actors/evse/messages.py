"""What an EVSE actor is told. It owns its connectors' statuses, which session occupies it, and who has paid for the place.

A claim is asked for by a payment (ClaimEvse, ReleaseEvse in actors/payment/messages.py)."""

from datetime import datetime

import msgspec

from actors.station.messages import ConnectorStatus as ConnectorStatus


class Provision(msgspec.Struct, frozen=True, gc=False, tag="provision"):
    """Letter from the station: this EVSE exists (or not any more), with its permanent code."""

    code: str
    present: bool = True


class SessionOpened(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="session_opened"):
    """Letter from a session that started here. A session that still sits on the EVSE is told Superseded. `token_ref`: whose it
    is, where that is known yet."""

    session: str
    connector: int
    at: datetime
    token_ref: str | None = None


class SessionAuthorised(msgspec.Struct, frozen=True, gc=False, tag="session_authorised"):
    """Letter from a session that began without a token (a transaction of 2.x may begin with the plug): now it has one."""

    session: str
    token_ref: str
    at: datetime


class EvseReserved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="evse_reserved"):
    """Letter from the keeper of the station's reservations: one is open for this EVSE."""

    id: int
    token_ref: str
    until: datetime
    group_ref: str | None = None


class EvseUnreserved(msgspec.Struct, frozen=True, gc=False, tag="evse_unreserved"):
    """Letter from the same: it is over, however."""

    id: int


class ClaimOver(msgspec.Struct, frozen=True, gc=False, tag="claim_over"):
    """Timer: the time of a claim has passed."""

    attempt: str


class SessionClosed(msgspec.Struct, frozen=True, gc=False, tag="session_closed"):
    """Letter from a session that ended or was quarantined."""

    session: str
    at: datetime
