"""What is remembered of a station's charging profiles and limits. Every type has a golden file in tests/actors/golden."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.composite import Held, Period
from actors.model.intents import ChargingProfile, ChargingSchedule


class ProfileInstalled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="profile_installed"):
    """The station accepted it. It takes the place of the one with its id, and of ours with its purpose, stack level and
    place (K01.FR.05)."""

    held: Held


class ProfilesGone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="profiles_gone"):
    """Cleared, or missing in the station's own report."""

    ids: tuple[int, ...]
    at: datetime


class InventoryAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="inventory_asked"):
    """The station will report what it holds of this (GetChargingProfiles)."""

    request_id: int
    at: datetime
    evse: int | None = None
    ids: tuple[int, ...] = ()
    purpose: str | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] = ()


class PartTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="part_told"):
    """A part of such a report; `more` False: the last one."""

    request_id: int
    evse: int
    source: str
    more: bool
    at: datetime
    profiles: tuple[ChargingProfile, ...] = ()


class LimitTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="limit_told"):
    """Somebody else limits the station, or one EVSE of it."""

    source: str
    at: datetime
    evse: int | None = None
    grid_critical: bool | None = None
    schedules: tuple[ChargingSchedule, ...] = ()


class LimitGone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="limit_gone"):
    source: str
    at: datetime
    evse: int | None = None


class NeedsTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="needs_told"):
    """What a vehicle wants, and what we answered. `profile`: the id of the one that was made for it."""

    evse: int
    needs: dict[str, Any]
    status: str
    at: datetime
    profile: int | None = None


class EvScheduleTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ev_schedule_told"):
    """The schedule that a vehicle chose; `status` is what we answered."""

    evse: int
    time_base: datetime
    schedule: ChargingSchedule
    status: str
    at: datetime
    profile: int | None = None


class Compared(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="compared"):
    """A composite schedule of the station beside ours; `differs` where they do not agree."""

    evse: int
    unit: str
    at: datetime
    differs: bool
    ours: tuple[Period, ...] = ()
    theirs: tuple[Period, ...] = ()


class ProfileOrdered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="profile_ordered"):
    """A profile that we made ourselves is on its way to the station."""

    order: str
    held: Held


class OrderSettled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_settled"):
    """What became of it: `outcome` the station's status, or why there is none."""

    order: str
    outcome: str
    at: datetime


ChargingFact = (
    ProfileInstalled | ProfilesGone | InventoryAsked | PartTold | LimitTold | LimitGone | NeedsTold | EvScheduleTold
    | Compared | ProfileOrdered | OrderSettled
)  # fmt: skip
