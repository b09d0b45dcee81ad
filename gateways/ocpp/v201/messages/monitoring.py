"""Monitors and events of the device model (block N)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import (
    Component,
    ComponentVariable,
    Number,
    StatusInfo,
    Text36,
    Text50,
    Text500,
    Text2500,
    Time,
    Variable,
    Wire,
)

MonitorType = Literal["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
MonitoringCriterion = Literal["ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"]


class ClearMonitoringResult(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotFound"]
    id: Number
    status_info: StatusInfo | UnsetType = UNSET


class EventData(Wire, frozen=True):
    event_id: Number
    timestamp: Time
    trigger: Literal["Alerting", "Delta", "Periodic"]
    actual_value: Text2500
    component: Component
    event_notification_type: Literal["HardWiredNotification", "HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"]
    variable: Variable
    cause: Number | UnsetType = UNSET
    tech_code: Text50 | UnsetType = UNSET
    tech_info: Text500 | UnsetType = UNSET
    cleared: bool | UnsetType = UNSET
    transaction_id: Text36 | UnsetType = UNSET
    variable_monitoring_id: Number | UnsetType = UNSET


class VariableMonitor(Wire, frozen=True):
    id: Number
    transaction: bool
    value: float
    type: MonitorType
    severity: Number


class MonitoringData(Wire, frozen=True):
    component: Component
    variable: Variable
    variable_monitoring: Annotated[list[VariableMonitor], Meta(min_length=1)]


class SetMonitoringData(Wire, frozen=True):
    value: float
    type: MonitorType
    severity: Number
    component: Component
    variable: Variable
    id: Number | UnsetType = UNSET
    transaction: bool | UnsetType = UNSET


class SetMonitoringResult(Wire, frozen=True):
    status: Literal["Accepted", "UnknownComponent", "UnknownVariable", "UnsupportedMonitorType", "Rejected", "Duplicate"]
    type: MonitorType
    component: Component
    variable: Variable
    severity: Number
    id: Number | UnsetType = UNSET
    status_info: StatusInfo | UnsetType = UNSET


class SetMonitoringBase(Wire, frozen=True):
    monitoring_base: Literal["All", "FactoryDefault", "HardWiredOnly"]


class SetMonitoringLevel(Wire, frozen=True):
    severity: Number


class SetVariableMonitoring(Wire, frozen=True):
    set_monitoring_data: Annotated[list[SetMonitoringData], Meta(min_length=1)]


class SetVariableMonitoringResponse(Wire, frozen=True):
    set_monitoring_result: Annotated[list[SetMonitoringResult], Meta(min_length=1)]


class ClearVariableMonitoring(Wire, frozen=True):
    id: Annotated[list[Number], Meta(min_length=1)]


class ClearVariableMonitoringResponse(Wire, frozen=True):
    clear_monitoring_result: Annotated[list[ClearMonitoringResult], Meta(min_length=1)]


class GetMonitoringReport(Wire, frozen=True):
    request_id: Number
    component_variable: Annotated[list[ComponentVariable], Meta(min_length=1)] | UnsetType = UNSET
    monitoring_criteria: Annotated[list[MonitoringCriterion], Meta(min_length=1, max_length=3)] | UnsetType = UNSET


class NotifyMonitoringReport(Wire, frozen=True):
    request_id: Number
    seq_no: Number
    generated_at: Time
    monitor: Annotated[list[MonitoringData], Meta(min_length=1)] | UnsetType = UNSET
    tbc: bool | UnsetType = UNSET


class NotifyEvent(Wire, frozen=True):
    generated_at: Time
    seq_no: Number
    event_data: Annotated[list[EventData], Meta(min_length=1)]
    tbc: bool | UnsetType = UNSET
