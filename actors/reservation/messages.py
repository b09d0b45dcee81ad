"""What the keeper of a station's reservations is told (OCPP 2.0.1 block H)."""

from datetime import datetime

import msgspec


class ReservationStatus(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """ReservationStatusUpdate: Expired or Removed. Reply: Done."""

    id: int
    status: str


class ReservationUsed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="reservation_used"):
    """Letter from a session that began with this reservation."""

    id: int
    session: str
    at: datetime
