"""Every OCPP 2.0.1 message as a typed Struct: the 25 that a station sends and the 40 that it is sent (DataTransfer is both).

These are the strict shapes of the official JSON schemas (PROTOCOLS annex B): what they accept is well-formed 2.0.1, and
everything we send is made from them. One module a functional block or a few; `X` is the request of action X, `XResponse` its
answer, other classes are objects inside them, named as in the standard without its `Type`.
"""

from gateways.ocpp.v201.messages import (
    authorization,
    base,
    charging,
    display,
    monitoring,
    provisioning,
    remote,
    security,
    transactions,
    upkeep,
)
from gateways.ocpp.v201.messages.base import Wire

FROM_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "Authorize": (authorization.Authorize, authorization.AuthorizeResponse),
    "BootNotification": (provisioning.BootNotification, provisioning.BootNotificationResponse),
    "ClearedChargingLimit": (charging.ClearedChargingLimit, base.Empty),
    "DataTransfer": (upkeep.DataTransfer, upkeep.DataTransferResponse),
    "FirmwareStatusNotification": (upkeep.FirmwareStatusNotification, base.Empty),
    "Get15118EVCertificate": (security.Get15118EVCertificate, security.Get15118EVCertificateResponse),
    "GetCertificateStatus": (security.GetCertificateStatus, security.GetCertificateStatusResponse),
    "Heartbeat": (base.Empty, provisioning.HeartbeatResponse),
    "LogStatusNotification": (upkeep.LogStatusNotification, base.Empty),
    "MeterValues": (transactions.MeterValues, base.Empty),
    "NotifyChargingLimit": (charging.NotifyChargingLimit, base.Empty),
    "NotifyCustomerInformation": (upkeep.NotifyCustomerInformation, base.Empty),
    "NotifyDisplayMessages": (display.NotifyDisplayMessages, base.Empty),
    "NotifyEVChargingNeeds": (charging.NotifyEVChargingNeeds, charging.NotifyEVChargingNeedsResponse),
    "NotifyEVChargingSchedule": (charging.NotifyEVChargingSchedule, base.StatusResponse),
    "NotifyEvent": (monitoring.NotifyEvent, base.Empty),
    "NotifyMonitoringReport": (monitoring.NotifyMonitoringReport, base.Empty),
    "NotifyReport": (provisioning.NotifyReport, base.Empty),
    "PublishFirmwareStatusNotification": (upkeep.PublishFirmwareStatusNotification, base.Empty),
    "ReportChargingProfiles": (charging.ReportChargingProfiles, base.Empty),
    "ReservationStatusUpdate": (remote.ReservationStatusUpdate, base.Empty),
    "SecurityEventNotification": (security.SecurityEventNotification, base.Empty),
    "SignCertificate": (security.SignCertificate, base.StatusResponse),
    "StatusNotification": (remote.StatusNotification, base.Empty),
    "TransactionEvent": (transactions.TransactionEvent, transactions.TransactionEventResponse),
}
"""Action -> (request, response) of the messages that a station sends."""

TO_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "CancelReservation": (remote.CancelReservation, base.StatusResponse),
    "CertificateSigned": (security.CertificateSigned, base.StatusResponse),
    "ChangeAvailability": (remote.ChangeAvailability, remote.ChangeAvailabilityResponse),
    "ClearCache": (base.Empty, base.StatusResponse),
    "ClearChargingProfile": (charging.ClearChargingProfile, charging.ClearChargingProfileResponse),
    "ClearDisplayMessage": (display.ClearDisplayMessage, display.ClearDisplayMessageResponse),
    "ClearVariableMonitoring": (monitoring.ClearVariableMonitoring, monitoring.ClearVariableMonitoringResponse),
    "CostUpdated": (transactions.CostUpdated, base.Empty),
    "CustomerInformation": (upkeep.CustomerInformation, upkeep.CustomerInformationResponse),
    "DataTransfer": (upkeep.DataTransfer, upkeep.DataTransferResponse),
    "DeleteCertificate": (security.DeleteCertificate, security.DeleteCertificateResponse),
    "GetBaseReport": (provisioning.GetBaseReport, base.DeviceModelResponse),
    "GetChargingProfiles": (charging.GetChargingProfiles, charging.GetChargingProfilesResponse),
    "GetCompositeSchedule": (charging.GetCompositeSchedule, charging.GetCompositeScheduleResponse),
    "GetDisplayMessages": (display.GetDisplayMessages, display.GetDisplayMessagesResponse),
    "GetInstalledCertificateIds": (security.GetInstalledCertificateIds, security.GetInstalledCertificateIdsResponse),
    "GetLocalListVersion": (base.Empty, authorization.GetLocalListVersionResponse),
    "GetLog": (upkeep.GetLog, upkeep.GetLogResponse),
    "GetMonitoringReport": (monitoring.GetMonitoringReport, base.DeviceModelResponse),
    "GetReport": (provisioning.GetReport, base.DeviceModelResponse),
    "GetTransactionStatus": (transactions.GetTransactionStatus, transactions.GetTransactionStatusResponse),
    "GetVariables": (provisioning.GetVariables, provisioning.GetVariablesResponse),
    "InstallCertificate": (security.InstallCertificate, security.InstallCertificateResponse),
    "PublishFirmware": (upkeep.PublishFirmware, base.StatusResponse),
    "RequestStartTransaction": (remote.RequestStartTransaction, remote.RequestStartTransactionResponse),
    "RequestStopTransaction": (remote.RequestStopTransaction, base.StatusResponse),
    "ReserveNow": (remote.ReserveNow, remote.ReserveNowResponse),
    "Reset": (provisioning.Reset, provisioning.ResetResponse),
    "SendLocalList": (authorization.SendLocalList, authorization.SendLocalListResponse),
    "SetChargingProfile": (charging.SetChargingProfile, base.StatusResponse),
    "SetDisplayMessage": (display.SetDisplayMessage, display.SetDisplayMessageResponse),
    "SetMonitoringBase": (monitoring.SetMonitoringBase, base.DeviceModelResponse),
    "SetMonitoringLevel": (monitoring.SetMonitoringLevel, base.StatusResponse),
    "SetNetworkProfile": (provisioning.SetNetworkProfile, provisioning.SetNetworkProfileResponse),
    "SetVariableMonitoring": (monitoring.SetVariableMonitoring, monitoring.SetVariableMonitoringResponse),
    "SetVariables": (provisioning.SetVariables, provisioning.SetVariablesResponse),
    "TriggerMessage": (remote.TriggerMessage, remote.TriggerMessageResponse),
    "UnlockConnector": (remote.UnlockConnector, remote.UnlockConnectorResponse),
    "UnpublishFirmware": (upkeep.UnpublishFirmware, upkeep.UnpublishFirmwareResponse),
    "UpdateFirmware": (upkeep.UpdateFirmware, upkeep.UpdateFirmwareResponse),
}
"""Action -> (request, response) of the commands that a station is sent."""
