"""What is remembered of a station's reservations. Every type has a golden file in tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.model.token import IdToken


class Reserved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="reserved"):
    """The station accepted it; one with the same id is replaced (H01.FR.02)."""

    id: int
    token: IdToken
    expires: datetime
    at: datetime
    evse: int | None = None
    connector_type: str | None = None
    group_ref: str | None = None


class Ended(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ended"):
    """`how`: used (by `session`), cancelled, expired, removed (the station let it go, a fault say)."""

    id: int
    how: str
    at: datetime
    session: str | None = None


ReservationFact = Reserved | Ended
