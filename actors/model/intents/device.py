"""The device model from outside (OCPP 2.0.1 blocks B and N): variables, reports, monitors, network profiles.

A `request_id` of 0 is filled in by the station's lane with one that was never used for that station.
"""

from typing import Any

import msgspec

from actors.model.intents.base import Intent, VariableRef


class SetVariable(Intent, frozen=True):
    ref: VariableRef
    value: str
    attribute: str = "Actual"


class SetVariables(Intent, frozen=True):
    """B05: several at once. Below 2.x there is one call for each: whoever commands a mixed fleet sends SetVariable."""

    settings: tuple[SetVariable, ...]


class GetVariables(Intent, frozen=True):
    """Empty `refs`: everything the station will tell (1.6 GetConfiguration without keys). `attributes`, where given, says for
    each of `refs` which attribute is meant (Actual else)."""

    refs: tuple[VariableRef, ...] = ()
    attributes: tuple[str, ...] = ()


class VariableWanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A component, or one variable of it, as GetReport and GetMonitoringReport name them."""

    component: str
    component_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    variable: str | None = None
    variable_instance: str | None = None


class GetBaseReport(Intent, frozen=True):
    """`base`: ConfigurationInventory, FullInventory or SummaryInventory. The answer comes in NotifyReport parts."""

    base: str
    request_id: int = 0


class GetReport(Intent, frozen=True):
    """`criteria`: Active, Available, Enabled, Problem. Status EmptyResultSet: no parts follow."""

    request_id: int = 0
    criteria: tuple[str, ...] = ()
    wanted: tuple[VariableWanted, ...] = ()


class SetMonitoringBase(Intent, frozen=True):
    """`base`: All, FactoryDefault or HardWiredOnly."""

    base: str


class SetMonitoringLevel(Intent, frozen=True):
    """Severity 0 to 9: events less severe (higher) are not sent."""

    severity: int


class MonitorSetting(msgspec.Struct, frozen=True, omit_defaults=True):
    """`type`: UpperThreshold, LowerThreshold, Delta, Periodic, PeriodicClockAligned. `id` replaces that monitor."""

    ref: VariableRef
    type: str
    value: float
    severity: int
    id: int | None = None
    transaction: bool = False


class SetVariableMonitoring(Intent, frozen=True):
    """N04. Result data: `monitors`: [{ref, type, severity, id, status}] in the order asked."""

    monitors: tuple[MonitorSetting, ...]


class ClearVariableMonitoring(Intent, frozen=True):
    """N06. Result data: `cleared`: [{id, status}]."""

    ids: tuple[int, ...]


class GetMonitoringReport(Intent, frozen=True):
    """`criteria`: ThresholdMonitoring, DeltaMonitoring, PeriodicMonitoring."""

    request_id: int = 0
    criteria: tuple[str, ...] = ()
    wanted: tuple[VariableWanted, ...] = ()


class NetworkProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """B09 NetworkConnectionProfileType. `vpn` and `apn` as OCPP has them (their passwords are secrets)."""

    csms_url: str
    security_profile: int
    interface: str
    message_timeout: int
    ocpp_version: str = "OCPP20"
    ocpp_transport: str = "JSON"
    vpn: dict[str, Any] | None = None
    apn: dict[str, Any] | None = None


class SetNetworkProfile(Intent, frozen=True):
    slot: int
    profile: NetworkProfile
