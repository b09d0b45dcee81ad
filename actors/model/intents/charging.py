"""Smart charging (OCPP 2.0.1 block K): profiles as 2.x has them; 1.6 carries the first schedule."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from actors.model.intents.base import Intent


class SchedulePeriod(msgspec.Struct, frozen=True, omit_defaults=True):
    """`start_period` seconds from the schedule's start; `limit` in A per phase or W in total."""

    start_period: int
    limit: Decimal
    number_phases: int | None = None
    phase_to_use: int | None = None


class ChargingSchedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """`sales_tariff`: the OCPP object as told, for ISO 15118 (SalesTariffType)."""

    charging_rate_unit: Literal["A", "W"]
    periods: tuple[SchedulePeriod, ...]
    id: int = 1
    start_schedule: datetime | None = None
    duration: int | None = None
    min_charging_rate: Decimal | None = None
    sales_tariff: dict[str, Any] | None = None


class ChargingProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """`purpose` in 2.x words (ChargingStationMaxProfile, TxDefaultProfile, TxProfile,
    ChargingStationExternalConstraints: reported only)."""

    id: int
    stack_level: int
    purpose: str
    kind: Literal["Absolute", "Recurring", "Relative"]
    schedules: tuple[ChargingSchedule, ...]
    recurrency_kind: Literal["Daily", "Weekly"] | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None


class SetChargingProfile(Intent, frozen=True):
    evse: int
    profile: ChargingProfile


class ClearChargingProfile(Intent, frozen=True):
    id: int | None = None
    evse: int | None = None
    purpose: str | None = None
    stack_level: int | None = None


class GetChargingProfiles(Intent, frozen=True):
    """K09: by `ids`, or by the other criteria; the profiles come in ReportChargingProfiles with `request_id`. `sources`:
    EMS, Other, SO, CSO. Status NoProfiles: nothing follows."""

    request_id: int = 0
    evse: int | None = None
    ids: tuple[int, ...] = ()
    purpose: str | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] = ()


class GetCompositeSchedule(Intent, frozen=True):
    evse: int
    duration: int
    charging_rate_unit: Literal["A", "W"] | None = None
