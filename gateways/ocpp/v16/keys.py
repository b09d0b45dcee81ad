"""1.6 configuration keys and the component.variable they are in OCPP 2.x (PROTOCOLS 5.7).

A key without an equivalent (a vendor's own, or one that is a *characteristic* in 2.x, such as the MaxLength keys) is
variable `key` of component `OCPP16`: shown and writable like any other. The table is read both ways, so every
right-hand side is unique.
"""

import re

from actors.model.intents import VariableRef

COMPONENT = "OCPP16"
"""Where a key lives that 2.x does not know."""

_TABLE = """
AllowOfflineTxForUnknownId            AuthCtrlr.OfflineTxForUnknownIdEnabled
AuthorizationCacheEnabled             AuthCacheCtrlr.Enabled
AuthorizeRemoteTxRequests             AuthCtrlr.AuthorizeRemoteStart
LocalAuthorizeOffline                 AuthCtrlr.LocalAuthorizeOffline
LocalPreAuthorize                     AuthCtrlr.LocalPreAuthorize
ClockAlignedDataInterval              AlignedDataCtrlr.Interval
MeterValuesAlignedData                AlignedDataCtrlr.Measurands
StopTxnAlignedData                    AlignedDataCtrlr.TxEndedMeasurands
MeterValuesSampledData                SampledDataCtrlr.TxUpdatedMeasurands
MeterValueSampleInterval              SampledDataCtrlr.TxUpdatedInterval
StopTxnSampledData                    SampledDataCtrlr.TxEndedMeasurands
StartTxnSampledData                   SampledDataCtrlr.TxStartedMeasurands
ConnectionTimeOut                     TxCtrlr.EVConnectionTimeOut
MaxEnergyOnInvalidId                  TxCtrlr.MaxEnergyOnInvalidId
StopTransactionOnInvalidId            TxCtrlr.StopTxOnInvalidId
StopTransactionOnEVSideDisconnect     TxCtrlr.StopTxOnEVSideDisconnect
UnlockConnectorOnEVSideDisconnect     OCPPCommCtrlr.UnlockOnEVSideDisconnect
HeartbeatInterval                     OCPPCommCtrlr.HeartbeatInterval
ResetRetries                          OCPPCommCtrlr.ResetRetries
WebSocketPingInterval                 OCPPCommCtrlr.WebSocketPingInterval
MessageTimeout                        OCPPCommCtrlr.MessageTimeout[Default]
TransactionMessageAttempts            OCPPCommCtrlr.MessageAttempts[TransactionEvent]
TransactionMessageRetryInterval       OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]
SupportedFileTransferProtocols        OCPPCommCtrlr.FileTransferProtocols
LocalAuthListEnabled                  LocalAuthListCtrlr.Enabled
SendLocalListMaxLength                LocalAuthListCtrlr.ItemsPerMessage
ReserveConnectorZeroSupported         ReservationCtrlr.NonEvseSpecific
ChargeProfileMaxStackLevel            SmartChargingCtrlr.ProfileStackLevel
ChargingScheduleAllowedChargingRateUnit  SmartChargingCtrlr.RateUnit
ChargingScheduleMaxPeriods            SmartChargingCtrlr.PeriodsPerSchedule
ConnectorSwitch3to1PhaseSupported     SmartChargingCtrlr.Phases3to1
AdditionalRootCertificateCheck        SecurityCtrlr.AdditionalRootCertificateCheck
CertSigningWaitMinimum                SecurityCtrlr.CertSigningWaitMinimum
CertSigningRepeatTimes                SecurityCtrlr.CertSigningRepeatTimes
AuthorizationKey                      SecurityCtrlr.BasicAuthPassword
CertificateSignedMaxChainSize         SecurityCtrlr.MaxCertificateChainSize
CpoName                               SecurityCtrlr.OrganizationName
SecurityProfile                       SecurityCtrlr.SecurityProfile
GetConfigurationMaxKeys               DeviceDataCtrlr.ItemsPerMessage[GetVariables]
ISO15118PnCEnabled                    ISO15118Ctrlr.PnCEnabled
CentralContractValidationAllowed      ISO15118Ctrlr.CentralContractValidationAllowed
ContractValidationOffline             ISO15118Ctrlr.ContractValidationOffline
TimeOffset                            ClockCtrlr.TimeOffset
NextTimeOffsetTransitionDateTime      ClockCtrlr.NextTimeOffsetTransitionDateTime
TimeOffsetNextTransition              ClockCtrlr.TimeOffset[NextTransition]
DefaultPriceText                      TariffCostCtrlr.TariffFallbackMessage
PublicKeyWithSignedMeterValue         OCPPCommCtrlr.PublicKeyWithSignedMeterValue
SampledDataSignReadings               SampledDataCtrlr.SignReadings
SampledDataSignStartedReadings        SampledDataCtrlr.SignStartedReadings
SampledDataSignUpdatedReadings        SampledDataCtrlr.SignUpdatedReadings
AlignedDataSignReadings               AlignedDataCtrlr.SignReadings
AlignedDataSignUpdatedReadings        AlignedDataCtrlr.SignUpdatedReadings
"""

_PUBLIC_KEY = re.compile(r"MeterPublicKey\[?(\d{1,3})\]?$")
SECRET_KEYS = frozenset({"authorizationkey"})
"""Keys whose value nobody may read again, in lower case (stations differ in case)."""


def _parse(table: str) -> dict[str, VariableRef]:
    refs = {}
    for line in table.strip().splitlines():
        key, target = line.split()
        component, variable = target.split(".")
        variable, _, instance = variable.partition("[")
        refs[key.lower()] = VariableRef(component, variable, variable_instance=instance.rstrip("]") or None, key_1_6=key)
    return refs


_BY_KEY = _parse(_TABLE)
_BY_REF = {(ref.component, ref.variable, ref.variable_instance): ref.key_1_6 for ref in _BY_KEY.values()}


def ref_of(key: str) -> VariableRef:
    """The variable of a key (any case: it is kept as the station or the caller spelt it)."""
    known = _BY_KEY.get(key.lower())
    if known is not None:
        return known if known.key_1_6 == key else VariableRef(
            known.component, known.variable, variable_instance=known.variable_instance, key_1_6=key
        )
    if match := _PUBLIC_KEY.match(key):
        return VariableRef("FiscalMetering", "PublicKey", evse=int(match[1]), key_1_6=key)
    return VariableRef(COMPONENT, key, key_1_6=key)


def key_of(ref: VariableRef) -> str | None:
    """The 1.6 key of a variable; None when 1.6 has none."""
    if ref.key_1_6 is not None:
        return ref.key_1_6
    if ref.component == COMPONENT:
        return ref.variable
    if (ref.component, ref.variable) == ("FiscalMetering", "PublicKey") and ref.evse is not None:
        return f"MeterPublicKey{ref.evse}"
    return _BY_REF.get((ref.component, ref.variable, ref.variable_instance))
