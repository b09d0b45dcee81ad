"""What the keeper of a station's reservations is told (OCPP 2.0.1 block H)."""

from datetime import datetime

import msgspec

from actors.model.token import IdToken


class ReservationStatus(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """ReservationStatusUpdate: Expired or Removed. Reply: Done."""

    id: int
    status: str


class ReservationUsed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="reservation_used"):
    """Letter from a session that began with this reservation."""

    id: int
    session: str
    at: datetime


class ReservationDone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Volatile: an IntentDone about a ReserveNow with its token as a reference (the actor opened and hid it)."""

    id: int
    token: IdToken
    expires: datetime
    status: str
    at: datetime
    evse: int | None = None
    connector_type: str | None = None
    group_ref: str | None = None


class ReservationDue(msgspec.Struct, frozen=True, gc=False, tag="reservation_due"):
    """Timer: the reservation is over, whether the station says so or not."""

    id: int
    expires: datetime
