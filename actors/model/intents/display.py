"""What drivers read at the station (OCPP 2.0.1 blocks I and O)."""

from datetime import datetime
from decimal import Decimal

import msgspec

from actors.model.intents.base import Intent


class MessageText(msgspec.Struct, frozen=True, omit_defaults=True):
    """MessageContentType. `format`: ASCII, HTML, URI, UTF8; `language` RFC 5646."""

    content: str
    format: str = "UTF8"
    language: str | None = None


class DisplayMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """MessageInfoType. `priority`: AlwaysFront, InFront, NormalCycle; `state`: Charging, Faulted, Idle, Unavailable."""

    id: int
    priority: str
    message: MessageText
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    transaction_id: str | None = None
    component: str | None = None
    component_instance: str | None = None
    evse: int | None = None
    connector: int | None = None


class SetDisplayMessage(Intent, frozen=True):
    message: DisplayMessage


class GetDisplayMessages(Intent, frozen=True):
    """O03, O04: the messages come in NotifyDisplayMessages with `request_id`. Status Unknown: nothing follows."""

    request_id: int = 0
    ids: tuple[int, ...] = ()
    priority: str | None = None
    state: str | None = None


class ClearDisplayMessage(Intent, frozen=True):
    id: int


class CostUpdated(Intent, frozen=True):
    """I02: the running cost of a transaction, taxes included, in the tenant's currency (major units)."""

    total_cost: Decimal
    transaction_id: str
