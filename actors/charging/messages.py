"""What the keeper of a station's charging profiles is told (OCPP 2.0.1 block K).

The station actor admits these and forwards them; the commit of the actor here gates the reply: Done, if nothing else
is named.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model.composite import Held
from actors.model.intents import ChargingProfile, ChargingSchedule


class ProfilesPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """ReportChargingProfiles: `source` EMS, Other, SO or CSO."""

    request_id: int
    evse: int
    source: str
    more: bool
    profiles: tuple[ChargingProfile, ...] = ()


class LimitNotified(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyChargingLimit: somebody else limits the station (K11-K13)."""

    source: str
    at: datetime
    evse: int | None = None
    grid_critical: bool | None = None
    schedules: tuple[ChargingSchedule, ...] = ()


class LimitCleared(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """ClearedChargingLimit (K14)."""

    source: str
    at: datetime
    evse: int | None = None


class ChargingNeeds(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyEVChargingNeeds (K15): `needs` as OCPP has it (ChargingNeedsType). Reply: NeedsReply."""

    evse: int
    needs: dict[str, Any]
    at: datetime
    max_schedule_tuples: int | None = None


class NeedsReply(msgspec.Struct, frozen=True, gc=False):
    """`status`: Accepted, Processing or Rejected."""

    status: str


class EvSchedule(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyEVChargingSchedule (K15-K17). Reply: NeedsReply (Accepted or Rejected: over the limits)."""

    evse: int
    time_base: datetime
    schedule: ChargingSchedule
    at: datetime


class Composite(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Ask (from the API): what should this EVSE's composite schedule be, by our own book? Reply: CompositeReply."""

    evse: int
    duration: int
    unit: str | None = None


class CompositeReply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`periods`: (start in seconds from `start`, limit, phases); limit None: nothing limits."""

    start: datetime
    unit: str
    periods: tuple[tuple[int, Decimal | None, int | None], ...] = ()


class Holding(msgspec.Struct, frozen=True, gc=False):
    """Ask: which profiles does the station hold, by our book? Reply: HoldingReply."""


class HoldingReply(msgspec.Struct, frozen=True, gc=False):
    profiles: tuple[Held, ...]
