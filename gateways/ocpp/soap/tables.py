"""What the three SOAP versions of OCPP can say: every operation with its fields in the order in which they must be written.

One line an operation, `Name: request -> response`, or a type, `Name: fields`; fields are separated by `;` and read `name type`.
After a name `?` means at most once, `*` any number, `+` at least one, nothing exactly one. `@name` is an XML attribute, `$name`
the text of the element itself. A type is XML Schema's own (string, int, ...), a text of at most n characters (`string<=20`), an
enumeration (`A|B`), or the name of another line. `operations.py` reads this; the codec, the WSDL and the checks follow from it.
Sources: the WSDL files of 1.2, 1.5 and 1.6 (PROTOCOLS 1 and annex H).
"""

TYPES_12 = """
IdTagInfo: status AuthorizationStatus; expiryDate? dateTime; parentIdTag? string
MeterValue: timestamp dateTime; value int
AuthorizationStatus: Accepted|Blocked|Expired|Invalid|ConcurrentTx
RegistrationStatus: Accepted|Rejected
ChargePointErrorCode: ConnectorLockFailure|HighTemperature|Mode3Error|NoError|PowerMeterFailure|PowerSwitchFailure|ReaderFailure|ResetFailure
ChargePointStatus: Available|Occupied|Faulted|Unavailable
FirmwareStatus: Downloaded|DownloadFailed|InstallationFailed|Installed
DiagnosticsStatus: Uploaded|UploadFailed
UnlockStatus: Accepted|Rejected
ResetType: Hard|Soft
ResetStatus: Accepted|Rejected
AvailabilityType: Inoperative|Operative
AvailabilityStatus: Accepted|Rejected|Scheduled
ClearCacheStatus: Accepted|Rejected
ConfigurationStatus: Accepted|Rejected|NotSupported
RemoteStartStopStatus: Accepted|Rejected
"""  # noqa: E501

CENTRE_12 = """
Authorize: idTag string -> idTagInfo IdTagInfo
BootNotification: chargePointVendor string; chargePointModel string; chargePointSerialNumber? string; chargeBoxSerialNumber? string; firmwareVersion? string; iccid? string; imsi? string; meterType? string; meterSerialNumber? string -> status RegistrationStatus; currentTime? dateTime; heartbeatInterval? int
DiagnosticsStatusNotification: status DiagnosticsStatus ->
FirmwareStatusNotification: status FirmwareStatus ->
Heartbeat: -> currentTime dateTime
MeterValues: connectorId int; values* MeterValue ->
StartTransaction: connectorId int; idTag string; timestamp dateTime; meterStart int -> transactionId int; idTagInfo IdTagInfo
StatusNotification: connectorId int; status ChargePointStatus; errorCode ChargePointErrorCode ->
StopTransaction: transactionId int; idTag? string; timestamp dateTime; meterStop int -> idTagInfo? IdTagInfo
"""  # noqa: E501

STATION_12 = """
ChangeAvailability: connectorId int; type AvailabilityType -> status AvailabilityStatus
ChangeConfiguration: key string; value string -> status ConfigurationStatus
ClearCache: -> status ClearCacheStatus
GetDiagnostics: location anyURI; startTime? dateTime; stopTime? dateTime; retries? int; retryInterval? int -> fileName? string
RemoteStartTransaction: idTag string; connectorId? int -> status RemoteStartStopStatus
RemoteStopTransaction: transactionId int -> status RemoteStartStopStatus
Reset: type ResetType -> status ResetStatus
UnlockConnector: connectorId int -> status UnlockStatus
UpdateFirmware: retrieveDate dateTime; location anyURI; retries? int; retryInterval? int ->
"""

TYPES_15 = """
IdTagInfo: status AuthorizationStatus; expiryDate? dateTime; parentIdTag? IdToken
TransactionData: values* MeterValue
MeterValue: timestamp dateTime; value+ Value
Value: $value string; @context? ReadingContext; @format? ValueFormat; @measurand? Measurand; @location? Location; @unit? UnitOfMeasure
KeyValue: key string; readonly boolean; value? string
AuthorisationData: idTag IdToken; idTagInfo? IdTagInfo
IdToken: string<=20
AuthorizationStatus: Accepted|Blocked|Expired|Invalid|ConcurrentTx
ChargeBoxSerialNumber: string<=25
ChargePointModel: string<=20
ChargePointSerialNumber: string<=25
ChargePointVendor: string<=20
FirmwareVersion: string<=50
IccidString: string<=20
ImsiString: string<=20
MeterSerialNumber: string<=25
MeterType: string<=25
ReadingContext: Interruption.Begin|Interruption.End|Sample.Clock|Sample.Periodic|Transaction.Begin|Transaction.End
Measurand: Energy.Active.Export.Register|Energy.Active.Import.Register|Energy.Reactive.Export.Register|Energy.Reactive.Import.Register|Energy.Active.Export.Interval|Energy.Active.Import.Interval|Energy.Reactive.Export.Interval|Energy.Reactive.Import.Interval|Power.Active.Export|Power.Active.Import|Power.Reactive.Export|Power.Reactive.Import|Current.Export|Current.Import|Voltage|Temperature
ValueFormat: Raw|SignedData
UnitOfMeasure: Wh|kWh|varh|kvarh|W|kW|var|kvar|Amp|Volt|Celsius
Location: Inlet|Outlet|Body
RegistrationStatus: Accepted|Rejected
ChargePointErrorCode: ConnectorLockFailure|HighTemperature|Mode3Error|NoError|PowerMeterFailure|PowerSwitchFailure|ReaderFailure|ResetFailure|GroundFailure|OverCurrentFailure|UnderVoltage|WeakSignal|OtherError
ChargePointStatus: Available|Occupied|Faulted|Unavailable|Reserved
FirmwareStatus: Downloaded|DownloadFailed|InstallationFailed|Installed
DiagnosticsStatus: Uploaded|UploadFailed
DataTransferStatus: Accepted|Rejected|UnknownMessageId|UnknownVendorId
UnlockStatus: Accepted|Rejected
ResetType: Hard|Soft
ResetStatus: Accepted|Rejected
AvailabilityType: Inoperative|Operative
AvailabilityStatus: Accepted|Rejected|Scheduled
ClearCacheStatus: Accepted|Rejected
ConfigurationStatus: Accepted|Rejected|NotSupported
RemoteStartStopStatus: Accepted|Rejected
CancelReservationStatus: Accepted|Rejected
ReservationStatus: Accepted|Faulted|Occupied|Rejected|Unavailable
UpdateType: Differential|Full
UpdateStatus: Accepted|Failed|HashError|NotSupported|VersionMismatch
"""  # noqa: E501

CENTRE_15 = """
Authorize: idTag IdToken -> idTagInfo IdTagInfo
BootNotification: chargePointVendor ChargePointVendor; chargePointModel ChargePointModel; chargePointSerialNumber? ChargePointSerialNumber; chargeBoxSerialNumber? ChargeBoxSerialNumber; firmwareVersion? FirmwareVersion; iccid? IccidString; imsi? ImsiString; meterType? MeterType; meterSerialNumber? MeterSerialNumber -> status RegistrationStatus; currentTime dateTime; heartbeatInterval int
DataTransfer: vendorId string; messageId? string; data? string -> status DataTransferStatus; data? string
DiagnosticsStatusNotification: status DiagnosticsStatus ->
FirmwareStatusNotification: status FirmwareStatus ->
Heartbeat: -> currentTime dateTime
MeterValues: connectorId int; transactionId? int; values* MeterValue ->
StartTransaction: connectorId int; idTag IdToken; timestamp dateTime; meterStart int; reservationId? int -> transactionId int; idTagInfo IdTagInfo
StatusNotification: connectorId int; status ChargePointStatus; errorCode ChargePointErrorCode; info? string; timestamp? dateTime; vendorId? string; vendorErrorCode? string ->
StopTransaction: transactionId int; idTag? IdToken; timestamp dateTime; meterStop int; transactionData* TransactionData -> idTagInfo? IdTagInfo
"""  # noqa: E501

STATION_15 = """
CancelReservation: reservationId int -> status CancelReservationStatus
ChangeAvailability: connectorId int; type AvailabilityType -> status AvailabilityStatus
ChangeConfiguration: key string; value string -> status ConfigurationStatus
ClearCache: -> status ClearCacheStatus
DataTransfer: vendorId string; messageId? string; data? string -> status DataTransferStatus; data? string
GetConfiguration: key* string -> configurationKey* KeyValue; unknownKey* string
GetDiagnostics: location anyURI; startTime? dateTime; stopTime? dateTime; retries? int; retryInterval? int -> fileName? string
GetLocalListVersion: -> listVersion int
RemoteStartTransaction: idTag IdToken; connectorId? int -> status RemoteStartStopStatus
RemoteStopTransaction: transactionId int -> status RemoteStartStopStatus
ReserveNow: connectorId int; expiryDate dateTime; idTag IdToken; parentIdTag? IdToken; reservationId int -> status ReservationStatus
Reset: type ResetType -> status ResetStatus
SendLocalList: updateType UpdateType; listVersion int; localAuthorisationList* AuthorisationData; hash? string -> status UpdateStatus; hash? string
UnlockConnector: connectorId int -> status UnlockStatus
UpdateFirmware: retrieveDate dateTime; location anyURI; retries? int; retryInterval? int ->
"""  # noqa: E501

TYPES_16 = """
IdTagInfo: status AuthorizationStatus; expiryDate? dateTime; parentIdTag? IdToken
SampledValue: value string; context? ReadingContext; format? ValueFormat; measurand? Measurand; phase? Phase; location? Location; unit? UnitOfMeasure
MeterValue: timestamp dateTime; sampledValue+ SampledValue
KeyValue: key CiString50Type; readonly boolean; value? CiString500Type
ChargingSchedulePeriod: startPeriod int; limit DecimalOne; numberPhases? int
ChargingSchedule: duration? int; startSchedule? dateTime; chargingRateUnit ChargingRateUnitType; chargingSchedulePeriod+ ChargingSchedulePeriod; minChargingRate? DecimalOne
AuthorizationData: idTag IdToken; idTagInfo? IdTagInfo
ChargingProfile: chargingProfileId int; transactionId? int; stackLevel int; chargingProfilePurpose ChargingProfilePurposeType; chargingProfileKind ChargingProfileKindType; recurrencyKind? RecurrencyKindType; validFrom? dateTime; validTo? dateTime; chargingSchedule ChargingSchedule
IdToken: string<=20
DecimalOne: decimal
CiString20Type: string<=20
CiString25Type: string<=25
CiString50Type: string<=50
CiString255Type: string<=255
CiString500Type: string<=500
AuthorizationStatus: Accepted|Blocked|Expired|Invalid|ConcurrentTx
Reason: EmergencyStop|EVDisconnected|HardReset|Local|Other|PowerLoss|Reboot|Remote|SoftReset|UnlockCommand|DeAuthorized
ReadingContext: Interruption.Begin|Interruption.End|Other|Sample.Clock|Sample.Periodic|Transaction.Begin|Transaction.End|Trigger
Measurand: Current.Export|Current.Import|Current.Offered|Energy.Active.Export.Register|Energy.Active.Import.Register|Energy.Reactive.Export.Register|Energy.Reactive.Import.Register|Energy.Active.Export.Interval|Energy.Active.Import.Interval|Energy.Reactive.Export.Interval|Energy.Reactive.Import.Interval|Frequency|Power.Active.Export|Power.Active.Import|Power.Factor|Power.Offered|Power.Reactive.Export|Power.Reactive.Import|RPM|SoC|Temperature|Voltage
ValueFormat: Raw|SignedData
UnitOfMeasure: Celsius|Fahrenheit|Wh|kWh|varh|kvarh|W|kW|VA|kVA|var|kvar|A|V|K|Percent
Phase: L1|L2|L3|N|L1-N|L2-N|L3-N|L1-L2|L2-L3|L3-L1
Location: Body|Cable|EV|Inlet|Outlet
RegistrationStatus: Accepted|Pending|Rejected
ChargePointErrorCode: ConnectorLockFailure|EVCommunicationError|GroundFailure|HighTemperature|InternalError|LocalListConflict|NoError|OtherError|OverCurrentFailure|OverVoltage|PowerMeterFailure|PowerSwitchFailure|ReaderFailure|ResetFailure|UnderVoltage|WeakSignal
ChargePointStatus: Available|Preparing|Charging|SuspendedEV|SuspendedEVSE|Finishing|Reserved|Faulted|Unavailable
FirmwareStatus: Downloaded|DownloadFailed|Downloading|Idle|InstallationFailed|Installed|Installing
DiagnosticsStatus: Idle|Uploaded|UploadFailed|Uploading
DataTransferStatus: Accepted|Rejected|UnknownMessageId|UnknownVendorId
UnlockStatus: Unlocked|UnlockFailed|NotSupported
ResetType: Hard|Soft
ResetStatus: Accepted|Rejected
AvailabilityType: Inoperative|Operative
AvailabilityStatus: Accepted|Rejected|Scheduled
ClearCacheStatus: Accepted|Rejected
ChargingProfilePurposeType: ChargePointMaxProfile|TxDefaultProfile|TxProfile
ClearChargingProfileStatus: Accepted|Unknown
ConfigurationStatus: Accepted|NotSupported|RebootRequired|Rejected
RemoteStartStopStatus: Accepted|Rejected
CancelReservationStatus: Accepted|Rejected
ChargingRateUnitType: W|A
GetCompositeScheduleStatus: Accepted|Rejected
ReservationStatus: Accepted|Faulted|Occupied|Rejected|Unavailable
UpdateType: Differential|Full
UpdateStatus: Accepted|Failed|NotSupported|VersionMismatch
ChargingProfileKindType: Absolute|Recurring|Relative
RecurrencyKindType: Daily|Weekly
ChargingProfileStatus: Accepted|Rejected|NotSupported
MessageTrigger: BootNotification|DiagnosticsStatusNotification|FirmwareStatusNotification|Heartbeat|MeterValues|StatusNotification
TriggerMessageStatus: Accepted|Rejected|NotImplemented
"""  # noqa: E501

CENTRE_16 = """
Authorize: idTag IdToken -> idTagInfo IdTagInfo
BootNotification: chargePointVendor CiString20Type; chargePointModel CiString20Type; chargePointSerialNumber? CiString25Type; chargeBoxSerialNumber? CiString25Type; firmwareVersion? CiString50Type; iccid? CiString20Type; imsi? CiString20Type; meterType? CiString25Type; meterSerialNumber? CiString25Type -> status RegistrationStatus; currentTime dateTime; interval int
DataTransfer: vendorId CiString255Type; messageId? CiString50Type; data? string -> status DataTransferStatus; data? string
DiagnosticsStatusNotification: status DiagnosticsStatus ->
FirmwareStatusNotification: status FirmwareStatus ->
Heartbeat: -> currentTime dateTime
MeterValues: connectorId int; transactionId? int; meterValue* MeterValue ->
StartTransaction: connectorId int; idTag IdToken; timestamp dateTime; meterStart int; reservationId? int -> transactionId int; idTagInfo IdTagInfo
StatusNotification: connectorId int; status ChargePointStatus; errorCode ChargePointErrorCode; info? CiString50Type; timestamp? dateTime; vendorId? CiString255Type; vendorErrorCode? CiString50Type ->
StopTransaction: transactionId int; idTag? IdToken; timestamp dateTime; meterStop int; reason? Reason; transactionData* MeterValue -> idTagInfo? IdTagInfo
"""  # noqa: E501

STATION_16 = """
CancelReservation: reservationId int -> status CancelReservationStatus
ChangeAvailability: connectorId int; type AvailabilityType -> status AvailabilityStatus
ChangeConfiguration: key CiString50Type; value CiString500Type -> status ConfigurationStatus
ClearCache: -> status ClearCacheStatus
ClearChargingProfile: id? int; connectorId? int; chargingProfilePurpose? ChargingProfilePurposeType; stackLevel? int -> status ClearChargingProfileStatus
DataTransfer: vendorId CiString255Type; messageId? CiString50Type; data? string -> status DataTransferStatus; data? string
GetCompositeSchedule: connectorId int; duration int; chargingRateUnit? ChargingRateUnitType -> status GetCompositeScheduleStatus; connectorId? int; scheduleStart? dateTime; chargingSchedule? ChargingSchedule
GetConfiguration: key* CiString50Type -> configurationKey* KeyValue; unknownKey* CiString50Type
GetDiagnostics: location anyURI; startTime? dateTime; stopTime? dateTime; retries? int; retryInterval? int -> fileName? CiString255Type
GetLocalListVersion: -> listVersion int
RemoteStartTransaction: connectorId? int; idTag IdToken; chargingProfile? ChargingProfile -> status RemoteStartStopStatus
RemoteStopTransaction: transactionId int -> status RemoteStartStopStatus
ReserveNow: connectorId int; expiryDate dateTime; idTag IdToken; parentIdTag? IdToken; reservationId int -> status ReservationStatus
Reset: type ResetType -> status ResetStatus
SendLocalList: listVersion int; localAuthorizationList* AuthorizationData; updateType UpdateType -> status UpdateStatus
SetChargingProfile: connectorId int; csChargingProfiles ChargingProfile -> status ChargingProfileStatus
TriggerMessage: requestedMessage MessageTrigger; connectorId? int -> status TriggerMessageStatus
UnlockConnector: connectorId int -> status UnlockStatus
UpdateFirmware: retrieveDate dateTime; location anyURI; retries? int; retryInterval? int ->
"""  # noqa: E501
