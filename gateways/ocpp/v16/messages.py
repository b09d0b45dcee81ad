"""Every OCPP 1.6 message as a typed Struct: the ten a station sends and the nineteen it is sent.

These are the strict shapes of the official JSON schemas (PROTOCOLS annex A): what they accept is well-formed 1.6,
and everything we send is made from them. What real stations send instead is mended before it gets here
(repair.py). `X` is the request of action X, `XResponse` its answer; `FROM_STATION` and `TO_STATION` list them all.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Text20 = Annotated[str, Meta(max_length=20)]
Text25 = Annotated[str, Meta(max_length=25)]
Text50 = Annotated[str, Meta(max_length=50)]
Text255 = Annotated[str, Meta(max_length=255)]
Text500 = Annotated[str, Meta(max_length=500)]
Time = Annotated[datetime, Meta(tz=True)]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""The schemas name no bound; 64 bits are ours, so that nothing behind the edge meets a larger one."""

RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]
AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
AvailabilityType = Literal["Inoperative", "Operative"]
ChargePointStatus = Literal[
    "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved", "Unavailable", "Faulted",
]  # fmt: skip
ChargePointErrorCode = Literal[
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError", "LocalListConflict",
    "NoError", "OtherError", "OverCurrentFailure", "PowerMeterFailure", "PowerSwitchFailure", "ReaderFailure", "ResetFailure",
    "UnderVoltage", "OverVoltage", "WeakSignal",
]  # fmt: skip
StopReason = Literal[
    "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote", "SoftReset",
    "UnlockCommand", "DeAuthorized",
]  # fmt: skip
ReadingContext = Literal[
    "Interruption.Begin", "Interruption.End", "Sample.Clock", "Sample.Periodic", "Transaction.Begin", "Transaction.End",
    "Trigger", "Other",
]  # fmt: skip
Measurand = Literal[
    "Energy.Active.Export.Register", "Energy.Active.Import.Register", "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval", "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Power.Active.Export", "Power.Active.Import",
    "Power.Offered", "Power.Reactive.Export", "Power.Reactive.Import", "Power.Factor", "Current.Import", "Current.Export",
    "Current.Offered", "Voltage", "Frequency", "Temperature", "SoC", "RPM",
]  # fmt: skip
Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]
MeterLocation = Literal["Cable", "EV", "Inlet", "Outlet", "Body"]
UnitOfMeasure = Literal[
    "Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V", "K", "Celcius", "Celsius", "Fahrenheit",
    "Percent", "Hertz",
]  # fmt: skip
ProfilePurpose = Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
RateUnit = Literal["A", "W"]
TriggerableMessage = Literal[
    "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "StatusNotification",
]  # fmt: skip
TENTH = Decimal("0.1")


class Wire(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """An object on the wire. An absent optional field is UNSET: 1.6 knows no null."""


class Empty(Wire, frozen=True):
    pass


class StatusResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected"]


# -- shared objects ----------------------------------------------------------------------------------------------


class IdTagInfo(Wire, frozen=True):
    status: AuthorizationStatus
    expiry_date: Time | UnsetType = UNSET
    parent_id_tag: Text20 | UnsetType = UNSET


class SampledValue(Wire, frozen=True):
    value: str
    context: ReadingContext | UnsetType = UNSET
    format: Literal["Raw", "SignedData"] | UnsetType = UNSET
    measurand: Measurand | UnsetType = UNSET
    phase: Phase | UnsetType = UNSET
    location: MeterLocation | UnsetType = UNSET
    unit: UnitOfMeasure | UnsetType = UNSET


class MeterValue(Wire, frozen=True):
    timestamp: Time
    sampled_value: Annotated[list[SampledValue], Meta(min_length=1)]


class TransactionDatum(Wire, frozen=True):
    """A MeterValue inside StopTransaction, where the schema allows an empty list."""

    timestamp: Time
    sampled_value: list[SampledValue]


def _in_tenths(value: float | UnsetType, name: str) -> None:
    if isinstance(value, float) and Decimal(repr(value)) % TENTH:
        raise ValueError(f"Expected `number` that's a multiple of 0.1 - at `.{name}`")


class ChargingSchedulePeriod(Wire, frozen=True):
    start_period: Number
    limit: float
    number_phases: Number | UnsetType = UNSET

    def __post_init__(self) -> None:
        _in_tenths(self.limit, "limit")


class ChargingSchedule(Wire, frozen=True):
    charging_rate_unit: RateUnit
    charging_schedule_period: list[ChargingSchedulePeriod]
    duration: Number | UnsetType = UNSET
    start_schedule: Time | UnsetType = UNSET
    min_charging_rate: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        _in_tenths(self.min_charging_rate, "minChargingRate")


class ChargingProfile(Wire, frozen=True):
    charging_profile_id: Number
    stack_level: Number
    charging_profile_purpose: ProfilePurpose
    charging_profile_kind: Literal["Absolute", "Recurring", "Relative"]
    charging_schedule: ChargingSchedule
    transaction_id: Number | UnsetType = UNSET
    recurrency_kind: Literal["Daily", "Weekly"] | UnsetType = UNSET
    valid_from: Time | UnsetType = UNSET
    valid_to: Time | UnsetType = UNSET


class LocalListEntry(Wire, frozen=True):
    id_tag: Text20
    id_tag_info: IdTagInfo | UnsetType = UNSET


class ConfigurationKey(Wire, frozen=True):
    key: Text50
    readonly: bool
    value: Text500 | UnsetType = UNSET


# -- station -> centre -------------------------------------------------------------------------------------------


class Authorize(Wire, frozen=True):
    id_tag: Text20


class AuthorizeResponse(Wire, frozen=True):
    id_tag_info: IdTagInfo


class BootNotification(Wire, frozen=True):
    charge_point_vendor: Text20
    charge_point_model: Text20
    charge_point_serial_number: Text25 | UnsetType = UNSET
    charge_box_serial_number: Text25 | UnsetType = UNSET
    firmware_version: Text50 | UnsetType = UNSET
    iccid: Text20 | UnsetType = UNSET
    imsi: Text20 | UnsetType = UNSET
    meter_type: Text25 | UnsetType = UNSET
    meter_serial_number: Text25 | UnsetType = UNSET


class BootNotificationResponse(Wire, frozen=True):
    status: RegistrationStatus
    current_time: Time
    interval: Number


class DataTransfer(Wire, frozen=True):
    vendor_id: Text255
    message_id: Text50 | UnsetType = UNSET
    data: str | UnsetType = UNSET


class DataTransferResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: str | UnsetType = UNSET


class DiagnosticsStatusNotification(Wire, frozen=True):
    status: Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


class FirmwareStatusNotification(Wire, frozen=True):
    status: Literal["Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"]


class HeartbeatResponse(Wire, frozen=True):
    current_time: Time


class MeterValues(Wire, frozen=True):
    connector_id: Number
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)]
    transaction_id: Number | UnsetType = UNSET


class StartTransaction(Wire, frozen=True):
    connector_id: Number
    id_tag: Text20
    meter_start: Number
    timestamp: Time
    reservation_id: Number | UnsetType = UNSET


class StartTransactionResponse(Wire, frozen=True):
    id_tag_info: IdTagInfo
    transaction_id: Number


class StatusNotification(Wire, frozen=True):
    connector_id: Number
    error_code: ChargePointErrorCode
    status: ChargePointStatus
    info: Text50 | UnsetType = UNSET
    timestamp: Time | UnsetType = UNSET
    vendor_id: Text255 | UnsetType = UNSET
    vendor_error_code: Text50 | UnsetType = UNSET


class StopTransaction(Wire, frozen=True):
    meter_stop: Number
    timestamp: Time
    transaction_id: Number
    id_tag: Text20 | UnsetType = UNSET
    reason: StopReason | UnsetType = UNSET
    transaction_data: list[TransactionDatum] | UnsetType = UNSET


class StopTransactionResponse(Wire, frozen=True):
    id_tag_info: IdTagInfo | UnsetType = UNSET


# -- centre -> station -------------------------------------------------------------------------------------------


class CancelReservation(Wire, frozen=True):
    reservation_id: Number


class ChangeAvailability(Wire, frozen=True):
    connector_id: Number
    type: AvailabilityType


class ChangeAvailabilityResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Scheduled"]


class ChangeConfiguration(Wire, frozen=True):
    key: Text50
    value: Text500


class ChangeConfigurationResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]


class ClearChargingProfile(Wire, frozen=True):
    id: Number | UnsetType = UNSET
    connector_id: Number | UnsetType = UNSET
    charging_profile_purpose: ProfilePurpose | UnsetType = UNSET
    stack_level: Number | UnsetType = UNSET


class ClearChargingProfileResponse(Wire, frozen=True):
    status: Literal["Accepted", "Unknown"]


class GetCompositeSchedule(Wire, frozen=True):
    connector_id: Number
    duration: Number
    charging_rate_unit: RateUnit | UnsetType = UNSET


class GetCompositeScheduleResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected"]
    connector_id: Number | UnsetType = UNSET
    schedule_start: Time | UnsetType = UNSET
    charging_schedule: ChargingSchedule | UnsetType = UNSET


class GetConfiguration(Wire, frozen=True):
    key: list[Text50] | UnsetType = UNSET


class GetConfigurationResponse(Wire, frozen=True):
    configuration_key: list[ConfigurationKey] | UnsetType = UNSET
    unknown_key: list[Text50] | UnsetType = UNSET


class GetDiagnostics(Wire, frozen=True):
    location: str
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET
    start_time: Time | UnsetType = UNSET
    stop_time: Time | UnsetType = UNSET


class GetDiagnosticsResponse(Wire, frozen=True):
    file_name: Text255 | UnsetType = UNSET


class GetLocalListVersionResponse(Wire, frozen=True):
    list_version: Number


class RemoteStartTransaction(Wire, frozen=True):
    id_tag: Text20
    connector_id: Number | UnsetType = UNSET
    charging_profile: ChargingProfile | UnsetType = UNSET


class RemoteStopTransaction(Wire, frozen=True):
    transaction_id: Number


class ReserveNow(Wire, frozen=True):
    connector_id: Number
    expiry_date: Time
    id_tag: Text20
    reservation_id: Number
    parent_id_tag: Text20 | UnsetType = UNSET


class ReserveNowResponse(Wire, frozen=True):
    status: Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class Reset(Wire, frozen=True):
    type: Literal["Hard", "Soft"]


class SendLocalList(Wire, frozen=True):
    list_version: Number
    update_type: Literal["Differential", "Full"]
    local_authorization_list: list[LocalListEntry] | UnsetType = UNSET


class SendLocalListResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed", "NotSupported", "VersionMismatch"]


class SetChargingProfile(Wire, frozen=True):
    connector_id: Number
    cs_charging_profiles: ChargingProfile


class SetChargingProfileResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotSupported"]


class TriggerMessage(Wire, frozen=True):
    requested_message: TriggerableMessage
    connector_id: Number | UnsetType = UNSET


class TriggerMessageResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]


class UnlockConnector(Wire, frozen=True):
    connector_id: Number


class UnlockConnectorResponse(Wire, frozen=True):
    status: Literal["Unlocked", "UnlockFailed", "NotSupported"]


class UpdateFirmware(Wire, frozen=True):
    location: str
    retrieve_date: Time
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


FROM_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "Authorize": (Authorize, AuthorizeResponse),
    "BootNotification": (BootNotification, BootNotificationResponse),
    "DataTransfer": (DataTransfer, DataTransferResponse),
    "DiagnosticsStatusNotification": (DiagnosticsStatusNotification, Empty),
    "FirmwareStatusNotification": (FirmwareStatusNotification, Empty),
    "Heartbeat": (Empty, HeartbeatResponse),
    "MeterValues": (MeterValues, Empty),
    "StartTransaction": (StartTransaction, StartTransactionResponse),
    "StatusNotification": (StatusNotification, Empty),
    "StopTransaction": (StopTransaction, StopTransactionResponse),
}
"""Action -> (request, response) of the messages that a station sends."""

TO_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "CancelReservation": (CancelReservation, StatusResponse),
    "ChangeAvailability": (ChangeAvailability, ChangeAvailabilityResponse),
    "ChangeConfiguration": (ChangeConfiguration, ChangeConfigurationResponse),
    "ClearCache": (Empty, StatusResponse),
    "ClearChargingProfile": (ClearChargingProfile, ClearChargingProfileResponse),
    "DataTransfer": (DataTransfer, DataTransferResponse),
    "GetCompositeSchedule": (GetCompositeSchedule, GetCompositeScheduleResponse),
    "GetConfiguration": (GetConfiguration, GetConfigurationResponse),
    "GetDiagnostics": (GetDiagnostics, GetDiagnosticsResponse),
    "GetLocalListVersion": (Empty, GetLocalListVersionResponse),
    "RemoteStartTransaction": (RemoteStartTransaction, StatusResponse),
    "RemoteStopTransaction": (RemoteStopTransaction, StatusResponse),
    "ReserveNow": (ReserveNow, ReserveNowResponse),
    "Reset": (Reset, StatusResponse),
    "SendLocalList": (SendLocalList, SendLocalListResponse),
    "SetChargingProfile": (SetChargingProfile, SetChargingProfileResponse),
    "TriggerMessage": (TriggerMessage, TriggerMessageResponse),
    "UnlockConnector": (UnlockConnector, UnlockConnectorResponse),
    "UpdateFirmware": (UpdateFirmware, Empty),
}
"""Action -> (request, response) of the commands that a station is sent."""
