"""1.6 configuration keys and where they live in the device model: data, one row a key (PROTOCOLS 2.6 and 5.7).

A row is: key, component, variable, instance of the variable, data type, unit, mutability. Keys that no standard
variable can carry (`OCPP16`) stand under the component of that name, as vendor keys do: shown and writable like any
other. `LIMITS` are keys that say how long another one's list may be (its maxLimit).
"""

from typing import Literal, NamedTuple

VENDOR_COMPONENT = "OCPP16"
"""Own convention: component of every key without a standard variable."""

Mutability = Literal["ReadWrite", "ReadOnly", "WriteOnly"]


class Key(NamedTuple):
    key: str
    component: str
    variable: str
    instance: str | None
    type: str
    unit: str | None
    mutability: Mutability


_RW: Mutability = "ReadWrite"
_RO: Mutability = "ReadOnly"
_WO: Mutability = "WriteOnly"
_OWN = VENDOR_COMPONENT

KEYS: tuple[Key, ...] = (
    # Core
    Key("AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled", None, "boolean", None, _RW),
    Key("AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled", None, "boolean", None, _RW),
    Key("AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart", None, "boolean", None, _RW),
    Key("BlinkRepeat", _OWN, "BlinkRepeat", None, "integer", None, _RW),
    Key("ClockAlignedDataInterval", "AlignedDataCtrlr", "Interval", None, "integer", "s", _RW),
    Key("ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut", None, "integer", "s", _RW),
    Key("ConnectorPhaseRotation", _OWN, "ConnectorPhaseRotation", None, "SequenceList", None, _RW),
    Key("ConnectorPhaseRotationMaxLength", _OWN, "ConnectorPhaseRotationMaxLength", None, "integer", None, _RO),
    Key("GetConfigurationMaxKeys", "DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", "integer", None, _RO),
    Key("HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval", None, "integer", "s", _RW),
    Key("LightIntensity", _OWN, "LightIntensity", None, "integer", "Percent", _RW),
    Key("LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline", None, "boolean", None, _RW),
    Key("LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize", None, "boolean", None, _RW),
    Key("MaxEnergyOnInvalidId", "TxCtrlr", "MaxEnergyOnInvalidId", None, "integer", "Wh", _RW),
    Key("MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands", None, "MemberList", None, _RW),
    Key("MeterValuesAlignedDataMaxLength", _OWN, "MeterValuesAlignedDataMaxLength", None, "integer", None, _RO),
    Key("MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands", None, "MemberList", None, _RW),
    Key("MeterValuesSampledDataMaxLength", _OWN, "MeterValuesSampledDataMaxLength", None, "integer", None, _RO),
    Key("MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval", None, "integer", "s", _RW),
    Key("MinimumStatusDuration", "Connector", "MinimumStatusDuration", None, "integer", "s", _RW),
    Key("NumberOfConnectors", _OWN, "NumberOfConnectors", None, "integer", None, _RO),
    Key("ResetRetries", "OCPPCommCtrlr", "ResetRetries", None, "integer", None, _RW),
    Key("StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect", None, "boolean", None, _RW),
    Key("StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId", None, "boolean", None, _RW),
    Key("StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands", None, "MemberList", None, _RW),
    Key("StopTxnAlignedDataMaxLength", _OWN, "StopTxnAlignedDataMaxLength", None, "integer", None, _RO),
    Key("StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands", None, "MemberList", None, _RW),
    Key("StopTxnSampledDataMaxLength", _OWN, "StopTxnSampledDataMaxLength", None, "integer", None, _RO),
    Key("SupportedFeatureProfiles", _OWN, "SupportedFeatureProfiles", None, "MemberList", None, _RO),
    Key("SupportedFeatureProfilesMaxLength", _OWN, "SupportedFeatureProfilesMaxLength", None, "integer", None, _RO),
    Key("TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", "integer", None, _RW),
    Key(
        "TransactionMessageRetryInterval", "OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent",
        "integer", "s", _RW,
    ),
    Key("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", None, "boolean", None, _RW),
    Key("WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval", None, "integer", "s", _RW),
    # Errata
    Key("MessageTimeout", "OCPPCommCtrlr", "MessageTimeout", "Default", "integer", "s", _RW),
    Key("StopTransactionMaxMeterValues", _OWN, "StopTransactionMaxMeterValues", None, "integer", None, _RW),
    Key("SupportedFileTransferProtocols", "OCPPCommCtrlr", "FileTransferProtocols", None, "MemberList", None, _RO),
    # Local list, reservation
    Key("LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled", None, "boolean", None, _RW),
    Key("LocalAuthListMaxLength", _OWN, "LocalAuthListMaxLength", None, "integer", None, _RO),
    Key("SendLocalListMaxLength", "LocalAuthListCtrlr", "ItemsPerMessage", None, "integer", None, _RO),
    Key("ReserveConnectorZeroSupported", "ReservationCtrlr", "NonEvseSpecific", None, "boolean", None, _RO),
    # Smart charging
    Key("ChargeProfileMaxStackLevel", "SmartChargingCtrlr", "ProfileStackLevel", None, "integer", None, _RO),
    Key("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr", "RateUnit", None, "MemberList", None, _RO),
    Key("ChargingScheduleMaxPeriods", "SmartChargingCtrlr", "PeriodsPerSchedule", None, "integer", None, _RO),
    Key("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr", "Phases3to1", None, "boolean", None, _RO),
    Key("MaxChargingProfilesInstalled", _OWN, "MaxChargingProfilesInstalled", None, "integer", None, _RO),
    # Security
    Key(
        "AdditionalRootCertificateCheck", "SecurityCtrlr", "AdditionalRootCertificateCheck", None,
        "boolean", None, _RO,
    ),
    Key("AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword", None, "passwordString", None, _WO),
    Key("CertificateSignedMaxChainSize", "SecurityCtrlr", "MaxCertificateChainSize", None, "integer", None, _RO),
    Key("CertificateStoreMaxLength", _OWN, "CertificateStoreMaxLength", None, "integer", None, _RO),
    Key("CpoName", "SecurityCtrlr", "OrganizationName", None, "string", None, _RW),
    Key("SecurityProfile", "SecurityCtrlr", "SecurityProfile", None, "integer", None, _RW),
    # Plug & Charge
    Key("ISO15118PnCEnabled", "ISO15118Ctrlr", "PnCEnabled", None, "boolean", None, _RW),
    Key(
        "ISO15118CertificateManagementEnabled", "ISO15118Ctrlr", "V2GCertificateInstallationEnabled", None,
        "boolean", None, _RW,
    ),
    Key(
        "CentralContractValidationAllowed", "ISO15118Ctrlr", "CentralContractValidationAllowed", None,
        "boolean", None, _RW,
    ),
    Key("ContractValidationOffline", "ISO15118Ctrlr", "ContractValidationOffline", None, "boolean", None, _RW),
    Key("CertSigningWaitMinimum", "SecurityCtrlr", "CertSigningWaitMinimum", None, "integer", "s", _RW),
    Key("CertSigningRepeatTimes", "SecurityCtrlr", "CertSigningRepeatTimes", None, "integer", None, _RW),
    # Prices on the display, languages, clock
    Key("CustomDisplayCostAndPrice", "TariffCostCtrlr", "Available", "Cost", "boolean", None, _RO),
    Key("DefaultPrice", "TariffCostCtrlr", "TariffFallbackMessage", None, "string", None, _RW),
    Key("NumberOfDecimalsForCostValues", _OWN, "NumberOfDecimalsForCostValues", None, "integer", None, _RW),
    Key("CustomIdleFeeAfterStop", _OWN, "CustomIdleFeeAfterStop", None, "boolean", None, _RW),
    Key("CustomMultiLanguageMessages", _OWN, "CustomMultiLanguageMessages", None, "boolean", None, _RO),
    Key("Language", _OWN, "Language", None, "string", None, _RW),
    Key("SupportedLanguages", _OWN, "SupportedLanguages", None, "MemberList", None, _RO),
    Key("TimeOffset", "ClockCtrlr", "TimeOffset", None, "string", None, _RW),
    Key(
        "NextTimeOffsetTransitionDateTime", "ClockCtrlr", "NextTimeOffsetTransitionDateTime", None,
        "dateTime", None, _RW,
    ),
    Key("TimeOffsetNextTransition", "ClockCtrlr", "TimeOffset", "NextTransition", "string", None, _RW),
    # Signed meter values
    Key(
        "PublicKeyWithSignedMeterValue", "OCPPCommCtrlr", "PublicKeyWithSignedMeterValue", None,
        "OptionList", None, _RW,
    ),
    Key("SampledDataSignReadings", "SampledDataCtrlr", "SignReadings", None, "boolean", None, _RW),
    Key("StartTxnSampledData", "SampledDataCtrlr", "TxStartedMeasurands", None, "MemberList", None, _RW),
    Key("SampledDataSignStartedReadings", "SampledDataCtrlr", "SignStartedReadings", None, "boolean", None, _RW),
    Key("SampledDataSignUpdatedReadings", "SampledDataCtrlr", "SignUpdatedReadings", None, "boolean", None, _RW),
    Key("AlignedDataSignReadings", "AlignedDataCtrlr", "SignReadings", None, "boolean", None, _RW),
    Key("AlignedDataSignUpdatedReadings", "AlignedDataCtrlr", "SignUpdatedReadings", None, "boolean", None, _RW),
)  # fmt: skip

LIMITS: dict[str, tuple[str, str, str | None]] = {
    "ConnectorPhaseRotationMaxLength": (_OWN, "ConnectorPhaseRotation", None),
    "MeterValuesAlignedDataMaxLength": ("AlignedDataCtrlr", "Measurands", None),
    "MeterValuesSampledDataMaxLength": ("SampledDataCtrlr", "TxUpdatedMeasurands", None),
    "StopTxnAlignedDataMaxLength": ("AlignedDataCtrlr", "TxEndedMeasurands", None),
    "StopTxnSampledDataMaxLength": ("SampledDataCtrlr", "TxEndedMeasurands", None),
    "SupportedFeatureProfilesMaxLength": (_OWN, "SupportedFeatureProfiles", None),
    "LocalAuthListMaxLength": ("LocalAuthListCtrlr", "Entries", None),
    "CertificateStoreMaxLength": ("SecurityCtrlr", "CertificateEntries", None),
    "MaxChargingProfilesInstalled": ("SmartChargingCtrlr", "Entries", "ChargingProfiles"),
}
"""Key -> (component, variable, instance) whose characteristics.maxLimit it says."""

PROFILES: dict[str, str] = {
    "LocalAuthListManagement": "LocalAuthListCtrlr",
    "Reservation": "ReservationCtrlr",
    "SmartCharging": "SmartChargingCtrlr",
}
"""Feature profile in SupportedFeatureProfiles -> component whose `Available` it says."""

VALUES: dict[str, tuple[str, ...]] = {
    "PublicKeyWithSignedMeterValue": ("Never", "OncePerTransaction", "EveryMeterValue"),
    "RateUnit": ("A", "W"),
}
"""Allowed values of lists, by variable."""

RATE_UNITS: dict[str, str] = {"Current": "A", "Power": "W"}
