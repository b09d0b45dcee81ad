"""The order in which elements are written: WSDL types are sequences, and a strict reader insists.

`name` is an element with text, `name:Type` one with children, `@name` an attribute, `.` the element's own text. Repeated
elements are lists. Taken from the WSDL files of both versions.
"""

from dataclasses import dataclass

Sequence = tuple[str, ...]


def _words(text: str) -> Sequence:
    return tuple(text.split())


_BOOT = _words(
    "chargePointVendor chargePointModel chargePointSerialNumber chargeBoxSerialNumber firmwareVersion iccid imsi meterType"
    " meterSerialNumber"
)
_COMMON = {
    "AuthorizeRequest": _words("idTag"),
    "BootNotificationRequest": _BOOT,
    "DataTransferRequest": _words("vendorId messageId data"),
    "DiagnosticsStatusNotificationRequest": _words("status"),
    "FirmwareStatusNotificationRequest": _words("status"),
    "HeartbeatRequest": (),
    "StartTransactionRequest": _words("connectorId idTag timestamp meterStart reservationId"),
    "StatusNotificationRequest": _words("connectorId status errorCode info timestamp vendorId vendorErrorCode"),
    # answers of the station
    "CancelReservationResponse": _words("status"),
    "ChangeAvailabilityResponse": _words("status"),
    "ChangeConfigurationResponse": _words("status"),
    "ClearCacheResponse": _words("status"),
    "DataTransferResponse": _words("status data"),
    "GetConfigurationResponse": _words("configurationKey:KeyValue unknownKey"),
    "GetDiagnosticsResponse": _words("fileName"),
    "GetLocalListVersionResponse": _words("listVersion"),
    "RemoteStartTransactionResponse": _words("status"),
    "RemoteStopTransactionResponse": _words("status"),
    "ReserveNowResponse": _words("status"),
    "ResetResponse": _words("status"),
    "SendLocalListResponse": _words("status hash"),
    "UnlockConnectorResponse": _words("status"),
    "UpdateFirmwareResponse": (),
    "KeyValue": _words("key readonly value"),
}
_V15 = {
    **_COMMON,
    "MeterValuesRequest": _words("connectorId transactionId values:MeterValue"),
    "StopTransactionRequest": _words("transactionId idTag timestamp meterStop transactionData:TransactionData"),
    "TransactionData": _words("values:MeterValue"),
    "MeterValue": _words("timestamp value:Value"),
    "Value": _words("@context @format @measurand @location @unit ."),
}
_V16 = {
    **_COMMON,
    "MeterValuesRequest": _words("connectorId transactionId meterValue:MeterValue"),
    "StopTransactionRequest": _words("transactionId idTag timestamp meterStop reason transactionData:MeterValue"),
    "MeterValue": _words("timestamp sampledValue:SampledValue"),
    "SampledValue": _words("value context format measurand phase location unit"),
    "ClearChargingProfileResponse": _words("status"),
    "GetCompositeScheduleResponse": _words("status connectorId scheduleStart chargingSchedule:ChargingSchedule"),
    "ChargingSchedule": _words("duration startSchedule chargingRateUnit chargingSchedulePeriod:Period minChargingRate"),
    "Period": _words("startPeriod limit numberPhases"),
    "SetChargingProfileResponse": _words("status"),
    "TriggerMessageResponse": _words("status"),
}


@dataclass(frozen=True)
class Version:
    protocol: str
    centre: str
    """Namespace of the CentralSystemService."""
    station: str
    """Namespace of the ChargePointService."""
    faults: str
    orders: dict[str, Sequence]

    def knows(self, action: str) -> bool:
        """Whether a station of this version has the command."""
        return f"{action}Response" in self.orders and not action.startswith(("Authorize", "Boot"))


V15 = Version("ocpp1.5", "urn://Ocpp/Cs/2012/06/", "urn://Ocpp/Cp/2012/06/", "urn://Ocpp/2012/02/", _V15)
V16 = Version("ocpp1.6-S", "urn://Ocpp/Cs/2015/10/", "urn://Ocpp/Cp/2015/10/", "urn://Ocpp/Cp/2015/10/", _V16)

INTEGERS = frozenset(
    _words(
        "chargingProfileId connectorId duration heartbeatInterval id interval listVersion numberPhases reservationId"
        " retries retryInterval stackLevel startPeriod transactionId"
    )
)
DECIMALS = frozenset(("limit", "minChargingRate"))
LISTS = frozenset(("localAuthorisationList", "localAuthorizationList", "chargingSchedulePeriod"))
"""Elements that are lists however often they occur; `key` is one too, in GetConfiguration only."""
