"""Standard components and variables of OCPP 2.0.1 (annex E, appendices v1.4): names, data types and units.

It tells the characteristics of a variable that a station reported without them, as every 1.6 station does. A word is
`Variable[instance]:type:unit`; `<...>` stands for any instance. Generic variables may occur on any component.
"""

from typing import NamedTuple


class Standard(NamedTuple):
    """`instance` None: without one; "*": any. `units`: the first is the one to assume."""

    component: str
    variable: str
    instance: str | None
    type: str
    units: tuple[str, ...]


_COMPONENTS = {
    "AlignedDataCtrlr": """
    Available:boolean Enabled:boolean Interval:integer:s Measurands:MemberList SendDuringIdle:boolean
    SignReadings:boolean TxEndedInterval:integer:s TxEndedMeasurands:MemberList
    """,
    "AuthCacheCtrlr": """
    Available:boolean Enabled:boolean LifeTime:integer Policy:OptionList Storage:integer:B
    DisablePostAuthorize:boolean
    """,
    "AuthCtrlr": """
    AdditionalInfoItemsPerMessage:integer AuthorizeRemoteStart:boolean Enabled:boolean
    LocalAuthorizeOffline:boolean LocalPreAuthorize:boolean MasterPassGroupId:string
    OfflineTxForUnknownIdEnabled:boolean DisableRemoteAuthorization:boolean
    """,
    "CHAdeMOCtrlr": """
    SelftestActive:boolean CHAdeMOProtocolNumber:integer VehicleStatus:boolean DynamicControl:boolean
    HighCurrentControl:boolean HighVoltageControl:boolean AutoManufacturerCode:integer
    """,
    "ChargingStation": """
    AllowNewSessionsPendingFirmwareUpdate:boolean AvailabilityState:OptionList Available:boolean Model:string
    SupplyPhases:integer VendorName:string
    """,
    "ClockCtrlr": """
    DateTime:dateTime NextTimeOffsetTransitionDateTime:dateTime NtpServerUri:string NtpSource:OptionList
    TimeAdjustmentReportingThreshold:integer TimeOffset:string TimeSource:SequenceList TimeZone:string
    """,
    "ConnectedEV": """
    ProtocolAgreed:string ProtocolSupportedByEV[<*>]:string VehicleID:string
    """,
    "Connector": """
    AvailabilityState:OptionList Available:boolean ChargeProtocol:string ConnectorType:string
    SupplyPhases:integer
    """,
    "Controller": """
    MaxMsgElements:integer
    """,
    "CPPWMController": """
    State:string
    """,
    "CustomizationCtrlr": """
    CustomImplementationEnabled[<*>]:boolean
    """,
    "DeviceDataCtrlr": """
    BytesPerMessage[GetReport]:integer BytesPerMessage[GetVariables]:integer
    BytesPerMessage[SetVariables]:integer ConfigurationValueSize:integer ItemsPerMessage[GetReport]:integer
    ItemsPerMessage[GetVariables]:integer ItemsPerMessage[SetVariables]:integer ReportingValueSize:integer
    ValueSize:integer
    """,
    "DisplayMessageCtrlr": """
    Available:boolean DisplayMessages:integer Enabled:boolean PersonalMessageSize:integer
    SupportedFormats:MemberList SupportedPriorities:MemberList
    """,
    "DistributionPanel": """
    ChargingStation:string DistributionPanel:string Fuse[<*>]:integer:A
    """,
    "EVSE": """
    AllowReset:boolean AvailabilityState:OptionList Available:boolean EvseId:string Power:decimal:W|kW
    SupplyPhases:integer ISO15118EvseId:string
    """,
    "FiscalMetering": """
    EnergyExport:decimal:Wh|kWh EnergyExportRegister:decimal:Wh|kWh EnergyImport:decimal:Wh|kWh
    EnergyImportRegister:decimal:Wh|kWh
    """,
    "ISO15118Ctrlr": """
    CentralContractValidationAllowed:boolean ContractValidationOffline:boolean SeccId:string
    MaxScheduleEntries:integer RequestedEnergyTransferMode:OptionList RequestMeteringReceipt:boolean
    CountryName:string OrganizationName:string PnCEnabled:boolean V2GCertificateInstallationEnabled:boolean
    ContractCertificateInstallationEnabled:boolean
    """,
    "LocalAuthListCtrlr": """
    Available:boolean BytesPerMessage:integer Enabled:boolean Entries:integer ItemsPerMessage:integer
    Storage:integer:B DisablePostAuthorize:boolean
    """,
    "LocalEnergyStorage": """
    Capacity:decimal:Wh
    """,
    "MonitoringCtrlr": """
    Available:boolean BytesPerMessage[ClearVariableMonitoring]:integer
    BytesPerMessage[SetVariableMonitoring]:integer Enabled:boolean
    ItemsPerMessage[ClearVariableMonitoring]:integer ItemsPerMessage[SetVariableMonitoring]:integer
    OfflineQueuingSeverity:integer MonitoringBase:OptionList MonitoringLevel:integer
    ActiveMonitoringBase:OptionList ActiveMonitoringLevel:integer
    """,
    "OCPPCommCtrlr": """
    ActiveNetworkProfile:string FileTransferProtocols:MemberList HeartbeatInterval:integer:s
    MessageTimeout[Default]:integer:s MessageAttemptInterval[TransactionEvent]:integer
    MessageAttempts[TransactionEvent]:integer NetworkConfigurationPriority:string
    NetworkProfileConnectionAttempts:integer OfflineThreshold:integer:s PublicKeyWithSignedMeterValue:OptionList
    QueueAllMessages:boolean ResetRetries:integer RetryBackOffRandomRange:integer
    RetryBackOffRepeatTimes:integer RetryBackOffWaitMinimum:integer UnlockOnEVSideDisconnect:boolean
    WebSocketPingInterval:integer:s FieldLength:integer
    """,
    "ReservationCtrlr": """
    Available:boolean Enabled:boolean NonEvseSpecific:boolean
    """,
    "SampledDataCtrlr": """
    Available:boolean Enabled:boolean SignReadings:boolean TxEndedInterval:integer:s
    TxEndedMeasurands:MemberList TxStartedMeasurands:MemberList TxUpdatedInterval:integer:s
    TxUpdatedMeasurands:MemberList RegisterValuesWithoutPhases:boolean
    """,
    "SecurityCtrlr": """
    AdditionalRootCertificateCheck:boolean BasicAuthPassword:passwordString CertificateEntries:integer
    CertSigningRepeatTimes:integer CertSigningWaitMinimum:integer:s Identity:identifierString
    MaxCertificateChainSize:integer OrganizationName:string SecurityProfile:integer
    """,
    "SmartChargingCtrlr": """
    ACPhaseSwitchingSupported:boolean Available:boolean Enabled:boolean Entries[ChargingProfiles]:integer
    ExternalControlSignalsEnabled:boolean LimitChangeSignificance:decimal:Percent
    NotifyChargingLimitWithSchedules:boolean PeriodsPerSchedule:integer Phases3to1:boolean
    ProfileStackLevel:integer RateUnit:MemberList
    """,
    "TariffCostCtrlr": """
    Available[Tariff]:boolean Available[Cost]:boolean Currency:string Enabled[Tariff]:boolean
    Enabled[Cost]:boolean TariffFallbackMessage:string TotalCostFallbackMessage:string
    """,
    "TokenReader": """
    Token:string TokenType:OptionList
    """,
    "TxCtrlr": """
    ChargingTime:decimal:s EVConnectionTimeOut:integer:s MaxEnergyOnInvalidId:integer
    StopTxOnEVSideDisconnect:boolean StopTxOnInvalidId:boolean TxBeforeAcceptedEnabled:boolean
    TxStartPoint:MemberList TxStopPoint:MemberList
    """,
}

_GENERIC = """
    ACCurrent:decimal:A Active:boolean ACVoltage:decimal:V AllowReset:boolean Angle:decimal:Deg Attempts:integer
    Available:boolean Certificate:string Color:string Complete:boolean ConnectedTime:decimal:s Count:integer
    CurrentImbalance:decimal:Percent DataText:string DateTime:dateTime DCCurrent:decimal:A DCVoltage:decimal:V
    ECVariant:string Enabled:boolean Energy:decimal:Wh|kWh Entries:integer Fallback:boolean FanSpeed:decimal:RPM
    FirmwareVersion:string Force:decimal:N Formats:MemberList Frequency:decimal:Hz FuseRating:decimal:A
    Height:decimal:m Humidity:decimal:RH Hysteresis:decimal:Percent ICCID:string Impedance:decimal:Ohm
    IMSI:string Interval:integer:s Length:decimal:m Light:decimal:lx Manufacturer:string Message:string
    MinimumStatusDuration:integer:s Mode:string Model:string NetworkAddress:string Operated:boolean
    OperatingTimes:string Overload:boolean Percent:decimal:Percent PhaseRotation:OptionList
    PostChargingTime:decimal:s Power:decimal:W|kW Problem:boolean Protecting:boolean SerialNumber:string
    SignalStrength:decimal:dBm State:string StateOfCharge:decimal:Percent Storage:integer:B SupplyPhases:integer
    Suspending:boolean Suspension:boolean Temperature:decimal:Celsius|Fahrenheit Time:dateTime Timeout:decimal:s
    Tries:integer Tripped:boolean VendorName:string VersionDate:dateTime VersionNumber:string
    VoltageImbalance:decimal:Percent
"""


def _read(component: str, words: str) -> list[Standard]:
    found = []
    for word in words.split():
        name, kind, *unit = word.split(":")
        variable, _, instance = name.partition("[")
        instance = instance.rstrip("]")
        units = tuple(unit[0].split("|")) if unit else ()
        found.append(Standard(component, variable, "*" if instance == "<*>" else instance or None, kind, units))
    return found


STANDARD: dict[tuple[str, str, str | None], Standard] = {
    (row.component, row.variable, row.instance): row
    for component, words in _COMPONENTS.items()
    for row in _read(component, words)
}
GENERIC: dict[str, Standard] = {row.variable: row for row in _read("*", _GENERIC)}


def standard(component: str, variable: str, instance: str | None) -> Standard | None:
    """The catalogue's row for a variable; one of any instance, or a generic one, where it has none of its own."""
    for found in ((component, variable, instance), (component, variable, "*"), (component, variable, None)):
        row = STANDARD.get(found)
        if row is not None:
            return row
    return GENERIC.get(variable)
