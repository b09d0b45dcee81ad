"""Registration, the device model and its reports, connections to the centre (block B)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import (
    Component,
    ComponentVariable,
    Number,
    StatusInfo,
    Text6,
    Text16,
    Text20,
    Text25,
    Text50,
    Text255,
    Text512,
    Text1000,
    Text2500,
    Time,
    Variable,
    Wire,
)

BootReason = Literal[
    "ApplicationReset", "FirmwareUpdate", "LocalReset", "PowerUp", "RemoteReset", "ScheduledReset", "Triggered", "Unknown",
    "Watchdog",
]  # fmt: skip
AttributeType = Literal["Actual", "Target", "MinSet", "MaxSet"]
DataType = Literal["string", "decimal", "integer", "dateTime", "boolean", "OptionList", "SequenceList", "MemberList"]
OcppInterface = Literal["Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3"]
SetVariableStatus = Literal[
    "Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType", "RebootRequired",
]  # fmt: skip
ComponentCriterion = Literal["Active", "Available", "Enabled", "Problem"]


class Modem(Wire, frozen=True):
    iccid: Text20 | UnsetType = UNSET
    imsi: Text20 | UnsetType = UNSET


class ChargingStation(Wire, frozen=True):
    model: Text20
    vendor_name: Text50
    serial_number: Text25 | UnsetType = UNSET
    modem: Modem | UnsetType = UNSET
    firmware_version: Text50 | UnsetType = UNSET


class GetVariableData(Wire, frozen=True):
    component: Component
    variable: Variable
    attribute_type: AttributeType | UnsetType = UNSET


class GetVariableResult(Wire, frozen=True):
    attribute_status: Literal["Accepted", "Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"]
    component: Component
    variable: Variable
    attribute_status_info: StatusInfo | UnsetType = UNSET
    attribute_type: AttributeType | UnsetType = UNSET
    attribute_value: Text2500 | UnsetType = UNSET


class VariableAttribute(Wire, frozen=True):
    type: AttributeType | UnsetType = UNSET
    value: Text2500 | UnsetType = UNSET
    mutability: Literal["ReadOnly", "WriteOnly", "ReadWrite"] | UnsetType = UNSET
    persistent: bool | UnsetType = UNSET
    constant: bool | UnsetType = UNSET


class VariableCharacteristics(Wire, frozen=True):
    data_type: DataType
    supports_monitoring: bool
    unit: Text16 | UnsetType = UNSET
    min_limit: float | UnsetType = UNSET
    max_limit: float | UnsetType = UNSET
    values_list: Text1000 | UnsetType = UNSET


class ReportData(Wire, frozen=True):
    component: Component
    variable: Variable
    variable_attribute: Annotated[list[VariableAttribute], Meta(min_length=1, max_length=4)]
    variable_characteristics: VariableCharacteristics | UnsetType = UNSET


class Apn(Wire, frozen=True):
    apn: Text512
    apn_authentication: Literal["CHAP", "NONE", "PAP", "AUTO"]
    apn_user_name: Text20 | UnsetType = UNSET
    apn_password: Text20 | UnsetType = UNSET
    sim_pin: Number | UnsetType = UNSET
    preferred_network: Text6 | UnsetType = UNSET
    use_only_preferred_network: bool | UnsetType = UNSET


class Vpn(Wire, frozen=True):
    server: Text512
    user: Text20
    password: Text20
    key: Text255
    type: Literal["IKEv2", "IPSec", "L2TP", "PPTP"]
    group: Text20 | UnsetType = UNSET


class NetworkConnectionProfile(Wire, frozen=True):
    ocpp_version: Literal["OCPP12", "OCPP15", "OCPP16", "OCPP20"]
    ocpp_transport: Literal["JSON", "SOAP"]
    ocpp_csms_url: Text512
    message_timeout: Number
    security_profile: Number
    ocpp_interface: OcppInterface
    apn: Apn | UnsetType = UNSET
    vpn: Vpn | UnsetType = UNSET


class SetVariableData(Wire, frozen=True):
    attribute_value: Text1000
    component: Component
    variable: Variable
    attribute_type: AttributeType | UnsetType = UNSET


class SetVariableResult(Wire, frozen=True):
    attribute_status: SetVariableStatus
    component: Component
    variable: Variable
    attribute_type: AttributeType | UnsetType = UNSET
    attribute_status_info: StatusInfo | UnsetType = UNSET


class BootNotification(Wire, frozen=True):
    charging_station: ChargingStation
    reason: BootReason


class BootNotificationResponse(Wire, frozen=True):
    current_time: Time
    interval: Number
    status: Literal["Accepted", "Pending", "Rejected"]
    status_info: StatusInfo | UnsetType = UNSET


class HeartbeatResponse(Wire, frozen=True):
    current_time: Time


class Reset(Wire, frozen=True):
    type: Literal["Immediate", "OnIdle"]
    evse_id: Number | UnsetType = UNSET


class ResetResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Scheduled"]
    status_info: StatusInfo | UnsetType = UNSET


class SetVariables(Wire, frozen=True):
    set_variable_data: Annotated[list[SetVariableData], Meta(min_length=1)]


class SetVariablesResponse(Wire, frozen=True):
    set_variable_result: Annotated[list[SetVariableResult], Meta(min_length=1)]


class GetVariables(Wire, frozen=True):
    get_variable_data: Annotated[list[GetVariableData], Meta(min_length=1)]


class GetVariablesResponse(Wire, frozen=True):
    get_variable_result: Annotated[list[GetVariableResult], Meta(min_length=1)]


class GetBaseReport(Wire, frozen=True):
    request_id: Number
    report_base: Literal["ConfigurationInventory", "FullInventory", "SummaryInventory"]


class GetReport(Wire, frozen=True):
    request_id: Number
    component_variable: Annotated[list[ComponentVariable], Meta(min_length=1)] | UnsetType = UNSET
    component_criteria: Annotated[list[ComponentCriterion], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class NotifyReport(Wire, frozen=True):
    request_id: Number
    generated_at: Time
    seq_no: Number
    report_data: Annotated[list[ReportData], Meta(min_length=1)] | UnsetType = UNSET
    tbc: bool | UnsetType = UNSET


class SetNetworkProfile(Wire, frozen=True):
    configuration_slot: Number
    connection_data: NetworkConnectionProfile


class SetNetworkProfileResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Failed"]
    status_info: StatusInfo | UnsetType = UNSET
