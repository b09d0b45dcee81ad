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


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a driver pays for, major units: by kWh and by hour, and once. `grace_minutes`: how long nothing is charged for."""

    per_kwh: Decimal | None = None
    per_hour: Decimal | None = None
    flat: Decimal | None = None
    grace_minutes: int | None = None


class CostDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a 1.6 station with a price display is told besides (PROTOCOLS 2.8). `state`: Charging or Idle; `meter_wh`: the
    reading that the cost is of; `charging` and `idle`: the prices that run now; from `next_at` on those of `next_*`; the rest
    asks for a meter value at a time, an energy, a power or a status."""

    state: str
    at: datetime | None = None
    meter_wh: int | None = None
    charging: Price | None = None
    idle: Price | None = None
    next_at: datetime | None = None
    next_charging: Price | None = None
    next_idle: Price | None = None
    trigger_at: datetime | None = None
    trigger_wh: int | None = None
    trigger_w: int | None = None
    trigger_statuses: tuple[str, ...] = ()


class CostUpdated(Intent, frozen=True):
    """I02: the running cost of a transaction, taxes included, in the tenant's currency (major units)."""

    total_cost: Decimal
    transaction_id: str
    details: CostDetails | None = None


class UserPrice(Intent, frozen=True):
    """What this driver pays, shown after the authorisation (1.6 SetUserPrice; 2.x says it in its answer to Authorize).
    `texts`: the same in more languages."""

    id_token: str
    text: str
    texts: tuple[MessageText, ...] = ()


class FinalCost(Intent, frozen=True):
    """The cost of a transaction that has ended (1.6 FinalCost; 2.x says it in its answer to the last event)."""

    transaction_id: str
    total_cost: Decimal
    text: str = ""
    texts: tuple[MessageText, ...] = ()
    qr_code: str | None = None
