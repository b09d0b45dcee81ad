"""What an operator can want of a station: intents in terms of OCPP 2.x, carried to any version by its dialect.

An intent says *what*, a dialect says *how* or answers a typed Unsupported. Results come back canonical and
are rendered in the caller's vocabulary (gateways/ocpp/vocabulary.py). Fields follow OCPP 2.1 names in snake
case; `evse=None` or 0 means the station. Sources: PROTOCOLS 5.2, OCPP 2.0.1 part 2, annexes A and B.

One module a functional block: remote.py (E, F, G), device.py (B, N01-N08), charging.py (K), lists.py (C, D, H),
security.py (A, M), upkeep.py (L, N09-N10, P) and display.py (I, O).
"""

from actors.model.intents.base import (
    NO_ANSWER,
    CommandFailure,
    CommandResult,
    Intent,
    ReportedVariable,
    Unsupported,
    VariableRef,
)
from actors.model.intents.charging import (
    ChargingProfile,
    ChargingSchedule,
    ClearChargingProfile,
    GetChargingProfiles,
    GetCompositeSchedule,
    SchedulePeriod,
    SetChargingProfile,
)
from actors.model.intents.device import (
    ClearVariableMonitoring,
    GetBaseReport,
    GetMonitoringReport,
    GetReport,
    GetVariables,
    MonitorSetting,
    NetworkProfile,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetNetworkProfile,
    SetVariable,
    SetVariableMonitoring,
    SetVariables,
    VariableWanted,
)
from actors.model.intents.display import (
    ClearDisplayMessage,
    CostDetails,
    CostUpdated,
    DisplayMessage,
    FinalCost,
    GetDisplayMessages,
    MessageText,
    Price,
    SetDisplayMessage,
    UserPrice,
)
from actors.model.intents.lists import (
    CancelReservation,
    ClearCache,
    GetLocalListVersion,
    LocalListEntry,
    ReserveNow,
    SendLocalList,
)
from actors.model.intents.remote import (
    ChangeAvailability,
    GetTransactionStatus,
    RequestStart,
    RequestStop,
    Reset,
    Trigger,
    UnlockConnector,
)
from actors.model.intents.security import (
    CertificateHash,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from actors.model.intents.upkeep import (
    CustomerInformation,
    DataTransfer,
    GetLog,
    PublishFirmware,
    UnpublishFirmware,
    UpdateFirmware,
)

AnyIntent = (
    RequestStart | RequestStop | SetVariable | SetVariables | GetVariables | ChangeAvailability | Reset | UnlockConnector
    | Trigger | GetTransactionStatus | ClearCache | SendLocalList | GetLocalListVersion | ReserveNow | CancelReservation
    | SetChargingProfile | ClearChargingProfile | GetChargingProfiles | GetCompositeSchedule | GetLog | UpdateFirmware
    | PublishFirmware | UnpublishFirmware | CustomerInformation | DataTransfer | GetBaseReport | GetReport
    | SetMonitoringBase | SetMonitoringLevel | SetVariableMonitoring | ClearVariableMonitoring | GetMonitoringReport
    | SetNetworkProfile | CertificateSigned | InstallCertificate | DeleteCertificate | GetInstalledCertificateIds
    | SetDisplayMessage | GetDisplayMessages | ClearDisplayMessage | CostUpdated
    | UserPrice | FinalCost
)  # fmt: skip

__all__ = [
    "NO_ANSWER",
    "AnyIntent",
    "CancelReservation",
    "CertificateHash",
    "CertificateSigned",
    "ChangeAvailability",
    "ChargingProfile",
    "ChargingSchedule",
    "ClearCache",
    "ClearChargingProfile",
    "ClearDisplayMessage",
    "ClearVariableMonitoring",
    "CommandFailure",
    "CommandResult",
    "CostDetails",
    "CostUpdated",
    "CustomerInformation",
    "DataTransfer",
    "DeleteCertificate",
    "DisplayMessage",
    "FinalCost",
    "GetBaseReport",
    "GetChargingProfiles",
    "GetCompositeSchedule",
    "GetDisplayMessages",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "GetMonitoringReport",
    "GetReport",
    "GetTransactionStatus",
    "GetVariables",
    "InstallCertificate",
    "Intent",
    "LocalListEntry",
    "MessageText",
    "MonitorSetting",
    "NetworkProfile",
    "Price",
    "PublishFirmware",
    "ReportedVariable",
    "RequestStart",
    "RequestStop",
    "ReserveNow",
    "Reset",
    "SchedulePeriod",
    "SendLocalList",
    "SetChargingProfile",
    "SetDisplayMessage",
    "SetMonitoringBase",
    "SetMonitoringLevel",
    "SetNetworkProfile",
    "SetVariable",
    "SetVariableMonitoring",
    "SetVariables",
    "Trigger",
    "UnlockConnector",
    "UnpublishFirmware",
    "Unsupported",
    "UpdateFirmware",
    "UserPrice",
    "VariableRef",
    "VariableWanted",
]
