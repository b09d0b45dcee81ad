"""Transactions, meter values and running costs (blocks E, I and J)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import (
    Evse,
    IdToken,
    IdTokenInfo,
    MessageContent,
    Number,
    Text20,
    Text36,
    Text50,
    Text2500,
    Time,
    Wire,
)

Measurand = Literal[
    "Current.Export", "Current.Import", "Current.Offered", "Energy.Active.Export.Register", "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Register", "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval",
    "Energy.Active.Import.Interval", "Energy.Active.Net", "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval",
    "Energy.Reactive.Net", "Energy.Apparent.Net", "Energy.Apparent.Import", "Energy.Apparent.Export", "Frequency",
    "Power.Active.Export", "Power.Active.Import", "Power.Factor", "Power.Offered", "Power.Reactive.Export",
    "Power.Reactive.Import", "SoC", "Voltage",
]  # fmt: skip
Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]
ReadingContext = Literal[
    "Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic", "Transaction.Begin",
    "Transaction.End", "Trigger",
]  # fmt: skip
StoppedReason = Literal[
    "DeAuthorized", "EmergencyStop", "EnergyLimitReached", "EVDisconnected", "GroundFault", "ImmediateReset", "Local",
    "LocalOutOfCredit", "MasterPass", "Other", "OvercurrentFault", "PowerLoss", "PowerQuality", "Reboot", "Remote",
    "SOCLimitReached", "StoppedByEV", "TimeLimitReached", "Timeout",
]  # fmt: skip
TriggerReason = Literal[
    "Authorized", "CablePluggedIn", "ChargingRateChanged", "ChargingStateChanged", "Deauthorized", "EnergyLimitReached",
    "EVCommunicationLost", "EVConnectTimeout", "MeterValueClock", "MeterValuePeriodic", "TimeLimitReached", "Trigger",
    "UnlockCommand", "StopAuthorized", "EVDeparted", "EVDetected", "RemoteStop", "RemoteStart", "AbnormalCondition",
    "SignedDataReceived", "ResetCommand",
]  # fmt: skip


class SignedMeterValue(Wire, frozen=True):
    signed_meter_data: Text2500
    signing_method: Text50
    encoding_method: Text50
    public_key: Text2500


class UnitOfMeasure(Wire, frozen=True):
    unit: Text20 | UnsetType = UNSET
    multiplier: Number | UnsetType = UNSET


class SampledValue(Wire, frozen=True):
    value: float
    context: ReadingContext | UnsetType = UNSET
    measurand: Measurand | UnsetType = UNSET
    phase: Phase | UnsetType = UNSET
    location: Literal["Body", "Cable", "EV", "Inlet", "Outlet"] | UnsetType = UNSET
    signed_meter_value: SignedMeterValue | UnsetType = UNSET
    unit_of_measure: UnitOfMeasure | UnsetType = UNSET


class MeterValue(Wire, frozen=True):
    sampled_value: Annotated[list[SampledValue], Meta(min_length=1)]
    timestamp: Time


class TransactionInfo(Wire, frozen=True):
    transaction_id: Text36
    charging_state: Literal["Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"] | UnsetType = UNSET
    time_spent_charging: Number | UnsetType = UNSET
    stopped_reason: StoppedReason | UnsetType = UNSET
    remote_start_id: Number | UnsetType = UNSET


class TransactionEvent(Wire, frozen=True):
    event_type: Literal["Ended", "Started", "Updated"]
    timestamp: Time
    trigger_reason: TriggerReason
    seq_no: Number
    transaction_info: TransactionInfo
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)] | UnsetType = UNSET
    offline: bool | UnsetType = UNSET
    number_of_phases_used: Number | UnsetType = UNSET
    cable_max_current: Number | UnsetType = UNSET
    reservation_id: Number | UnsetType = UNSET
    evse: Evse | UnsetType = UNSET
    id_token: IdToken | UnsetType = UNSET


class TransactionEventResponse(Wire, frozen=True):
    total_cost: float | UnsetType = UNSET
    charging_priority: Number | UnsetType = UNSET
    id_token_info: IdTokenInfo | UnsetType = UNSET
    updated_personal_message: MessageContent | UnsetType = UNSET


class GetTransactionStatus(Wire, frozen=True):
    transaction_id: Text36 | UnsetType = UNSET


class GetTransactionStatusResponse(Wire, frozen=True):
    messages_in_queue: bool
    ongoing_indicator: bool | UnsetType = UNSET


class MeterValues(Wire, frozen=True):
    evse_id: Number
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)]


class CostUpdated(Wire, frozen=True):
    total_cost: float
    transaction_id: Text36
