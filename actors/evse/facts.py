"""What is remembered of an EVSE. Every type has a golden file in tests/actors/golden."""

from datetime import datetime
from typing import ClassVar

import msgspec

from actors.model.meter import Reading


class Provisioned(msgspec.Struct, frozen=True, gc=False, tag="provisioned"):
    """The EVSE exists (or not any more); `code` is permanent."""

    code: str
    present: bool
    at: datetime


class StatusTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="status_told"):
    """A connector's status. `status` in OCPP 2.x words, `detail` what the station said. `late`: an older one than what
    is known; it is history and changes nothing (quirk 18)."""

    connector: int
    status: str
    detail: str
    at: datetime
    received: datetime
    error: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error: str | None = None
    late: bool = False


class Occupied(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="occupied"):
    """`session` opened at `at` and now sits here. `token_ref`: of who pays it, where that is known yet."""

    session: str
    connector: int
    at: datetime
    token_ref: str | None = None


class Released(msgspec.Struct, frozen=True, gc=False, tag="released"):
    """`session` ended (or was quarantined); another one may have taken its place long before."""

    session: str
    at: datetime


class Unattributed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="unattributed"):
    """Meter values that belong to no session: kept, never lost (quirk 22)."""

    bulk: ClassVar[bool] = True

    connector: int
    number: int | None
    readings: tuple[Reading, ...]
    content: str
    received: datetime
    flags: tuple[str, ...] = ()


class Authorised(msgspec.Struct, frozen=True, gc=False, tag="authorised"):
    """The session that sits here has got a token: a transaction of 2.x may begin with the plug."""

    session: str
    token_ref: str
    at: datetime


class Claimed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="claimed"):
    """The place is kept for `token_ref` until `until`: payment `attempt` holds the money for it, on `card` (a pseudonym)."""

    attempt: str
    token_ref: str
    until: datetime
    at: datetime
    card: str = ""


class Unclaimed(msgspec.Struct, frozen=True, gc=False, tag="unclaimed"):
    """`how`: used (its session began), released, expired, or lost (a session of another token began)."""

    attempt: str
    how: str
    at: datetime


class Reserved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="reserved"):
    """The station holds a reservation for this EVSE, for `token_ref` or one of `group_ref`."""

    id: int
    token_ref: str
    until: datetime
    group_ref: str | None = None


class Unreserved(msgspec.Struct, frozen=True, gc=False, tag="unreserved"):
    id: int


EvseFact = (
    Provisioned | StatusTold | Occupied | Released | Unattributed
    | Authorised | Claimed | Unclaimed | Reserved | Unreserved
)  # fmt: skip
