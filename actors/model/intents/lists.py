"""Who may charge, and who is expected: cache, local lists, reservations (OCPP 2.0.1 blocks C, D, H).

Token texts are plain here (they must reach the station) and are redacted wherever an intent is shown.
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.intents.base import Intent
from actors.model.intents.display import MessageText


class ClearCache(Intent, frozen=True):
    pass


class LocalListEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Without `status`: the token is removed (differential only). From `token_type` on only 2.x carries it."""

    id_token: str
    status: str | None = None
    expires: datetime | None = None
    group: str | None = None
    token_type: str | None = None
    group_type: str | None = None
    additional_info: tuple[tuple[str, str], ...] = ()
    evses: tuple[int, ...] = ()
    priority: int | None = None
    language: str | None = None
    second_language: str | None = None
    message: MessageText | None = None


class SendLocalList(Intent, frozen=True):
    version: int
    update_type: Literal["Full", "Differential"]
    entries: tuple[LocalListEntry, ...] = ()


class GetLocalListVersion(Intent, frozen=True):
    pass


class ReserveNow(Intent, frozen=True):
    """`connector_type`: 2.x ConnectorEnum, for a reservation of any EVSE with such a plug."""

    id: int
    expires: datetime
    id_token: str
    evse: int | None = None
    group: str | None = None
    token_type: str | None = None
    group_type: str | None = None
    connector_type: str | None = None


class CancelReservation(Intent, frozen=True):
    id: int
