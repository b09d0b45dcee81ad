"""Smart charging (block K)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from gateways.ocpp.v201.messages.base import Number, StatusInfo, Text32, Text36, Time, Wire

ChargingProfilePurpose = Literal[
    "ChargingStationExternalConstraints", "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile",
]  # fmt: skip
ChargingLimitSource = Literal["EMS", "Other", "SO", "CSO"]
ChargingRateUnit = Literal["W", "A"]


class ClearChargingProfileCriteria(Wire, frozen=True):
    evse_id: Number | UnsetType = UNSET
    charging_profile_purpose: ChargingProfilePurpose | UnsetType = UNSET
    stack_level: Number | UnsetType = UNSET


class ChargingProfileCriterion(Wire, frozen=True):
    charging_profile_purpose: ChargingProfilePurpose | UnsetType = UNSET
    stack_level: Number | UnsetType = UNSET
    charging_profile_id: Annotated[list[Number], Meta(min_length=1)] | UnsetType = UNSET
    charging_limit_source: Annotated[list[ChargingLimitSource], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class ChargingSchedulePeriod(Wire, frozen=True):
    start_period: Number
    limit: float
    number_phases: Number | UnsetType = UNSET
    phase_to_use: Number | UnsetType = UNSET


class CompositeSchedule(Wire, frozen=True):
    charging_schedule_period: Annotated[list[ChargingSchedulePeriod], Meta(min_length=1)]
    evse_id: Number
    duration: Number
    schedule_start: Time
    charging_rate_unit: ChargingRateUnit


class ChargingLimit(Wire, frozen=True):
    charging_limit_source: ChargingLimitSource
    is_grid_critical: bool | UnsetType = UNSET


class RelativeTimeInterval(Wire, frozen=True):
    start: Number
    duration: Number | UnsetType = UNSET


class Cost(Wire, frozen=True):
    cost_kind: Literal["CarbonDioxideEmission", "RelativePricePercentage", "RenewableGenerationPercentage"]
    amount: Number
    amount_multiplier: Number | UnsetType = UNSET


class ConsumptionCost(Wire, frozen=True):
    start_value: float
    cost: Annotated[list[Cost], Meta(min_length=1, max_length=3)]


class SalesTariffEntry(Wire, frozen=True):
    relative_time_interval: RelativeTimeInterval
    e_price_level: Annotated[int, Meta(ge=0, le=2**63 - 1)] | UnsetType = UNSET
    consumption_cost: Annotated[list[ConsumptionCost], Meta(min_length=1, max_length=3)] | UnsetType = UNSET


class SalesTariff(Wire, frozen=True):
    id: Number
    sales_tariff_entry: Annotated[list[SalesTariffEntry], Meta(min_length=1, max_length=1024)]
    sales_tariff_description: Text32 | UnsetType = UNSET
    num_e_price_levels: Number | UnsetType = UNSET


class ChargingSchedule(Wire, frozen=True):
    id: Number
    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: Annotated[list[ChargingSchedulePeriod], Meta(min_length=1, max_length=1024)]
    start_schedule: Time | UnsetType = UNSET
    duration: Number | UnsetType = UNSET
    min_charging_rate: float | UnsetType = UNSET
    sales_tariff: SalesTariff | UnsetType = UNSET


class AcChargingParameters(Wire, frozen=True):
    energy_amount: Number
    ev_min_current: Number
    ev_max_current: Number
    ev_max_voltage: Number


class DcChargingParameters(Wire, frozen=True):
    ev_max_current: Number
    ev_max_voltage: Number
    energy_amount: Number | UnsetType = UNSET
    ev_max_power: Number | UnsetType = UNSET
    state_of_charge: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    ev_energy_capacity: Number | UnsetType = UNSET
    full_soc: Annotated[int, Meta(ge=0, le=100)] | UnsetType = field(default=UNSET, name="fullSoC")
    bulk_soc: Annotated[int, Meta(ge=0, le=100)] | UnsetType = field(default=UNSET, name="bulkSoC")


class ChargingNeeds(Wire, frozen=True):
    requested_energy_transfer: Literal["DC", "AC_single_phase", "AC_two_phase", "AC_three_phase"]
    ac_charging_parameters: AcChargingParameters | UnsetType = UNSET
    dc_charging_parameters: DcChargingParameters | UnsetType = UNSET
    departure_time: Time | UnsetType = UNSET


class ChargingProfile(Wire, frozen=True):
    id: Number
    stack_level: Number
    charging_profile_purpose: ChargingProfilePurpose
    charging_profile_kind: Literal["Absolute", "Recurring", "Relative"]
    charging_schedule: Annotated[list[ChargingSchedule], Meta(min_length=1, max_length=3)]
    recurrency_kind: Literal["Daily", "Weekly"] | UnsetType = UNSET
    valid_from: Time | UnsetType = UNSET
    valid_to: Time | UnsetType = UNSET
    transaction_id: Text36 | UnsetType = UNSET


class SetChargingProfile(Wire, frozen=True):
    evse_id: Number
    charging_profile: ChargingProfile


class GetChargingProfiles(Wire, frozen=True):
    request_id: Number
    charging_profile: ChargingProfileCriterion
    evse_id: Number | UnsetType = UNSET


class GetChargingProfilesResponse(Wire, frozen=True):
    status: Literal["Accepted", "NoProfiles"]
    status_info: StatusInfo | UnsetType = UNSET


class ReportChargingProfiles(Wire, frozen=True):
    request_id: Number
    charging_limit_source: ChargingLimitSource
    charging_profile: Annotated[list[ChargingProfile], Meta(min_length=1)]
    evse_id: Number
    tbc: bool | UnsetType = UNSET


class ClearChargingProfile(Wire, frozen=True):
    charging_profile_id: Number | UnsetType = UNSET
    charging_profile_criteria: ClearChargingProfileCriteria | UnsetType = UNSET


class ClearChargingProfileResponse(Wire, frozen=True):
    status: Literal["Accepted", "Unknown"]
    status_info: StatusInfo | UnsetType = UNSET


class GetCompositeSchedule(Wire, frozen=True):
    duration: Number
    evse_id: Number
    charging_rate_unit: ChargingRateUnit | UnsetType = UNSET


class GetCompositeScheduleResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected"]
    status_info: StatusInfo | UnsetType = UNSET
    schedule: CompositeSchedule | UnsetType = UNSET


class NotifyChargingLimit(Wire, frozen=True):
    charging_limit: ChargingLimit
    charging_schedule: Annotated[list[ChargingSchedule], Meta(min_length=1)] | UnsetType = UNSET
    evse_id: Number | UnsetType = UNSET


class ClearedChargingLimit(Wire, frozen=True):
    charging_limit_source: ChargingLimitSource
    evse_id: Number | UnsetType = UNSET


class NotifyEVChargingNeeds(Wire, frozen=True):
    charging_needs: ChargingNeeds
    evse_id: Number
    max_schedule_tuples: Number | UnsetType = UNSET


class NotifyEVChargingNeedsResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Processing"]
    status_info: StatusInfo | UnsetType = UNSET


class NotifyEVChargingSchedule(Wire, frozen=True):
    time_base: Time
    charging_schedule: ChargingSchedule
    evse_id: Number
