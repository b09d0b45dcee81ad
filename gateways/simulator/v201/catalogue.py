"""The variables of a 2.0.1 station: what its device model consists of, before it has any values of its own.

One immutable list per kind of station, shared by all stations of that kind: a fleet of 2,000 with 2,000 variables each keeps
one list and, per station, only what was changed. Names and types are those of the specification's appendix.
"""

from dataclasses import dataclass
from functools import lru_cache

from gateways.simulator import limits
from gateways.simulator.memory import Model
from gateways.simulator.physics.sampling import KNOWN

Key = tuple[str, str, int, int, str, str]
"""Component, its instance, EVSE, connector, variable, its instance; names in lower case, as they are compared."""

READ, BOTH, WRITE = "ReadOnly", "ReadWrite", "WriteOnly"


@dataclass(frozen=True)
class Variable:
    component: str
    name: str
    value: str = ""
    instance: str | None = None
    """Of the variable."""
    component_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    mutability: str = READ
    type: str = "string"
    unit: str | None = None
    least: float | None = None
    most: float | None = None
    choices: str | None = None
    monitored: bool = False
    reboot: bool = False
    """A change counts from the next boot."""
    most_set: str | None = None
    """The value of its MaxSet attribute, where it has one."""

    @property
    def key(self) -> Key:
        return (
            self.component.lower(),
            (self.component_instance or "").lower(),
            self.evse or 0,
            self.connector or 0,
            self.name.lower(),
            (self.instance or "").lower(),
        )


_MEASURANDS = ",".join(KNOWN)
_UPDATED = "Energy.Active.Import.Register,Power.Active.Import,SoC"
_POINTS = "ParkingBayOccupancy,EVConnected,Authorized,PowerPathClosed,EnergyTransfer"
_STATES = "Available,Occupied,Reserved,Unavailable,Faulted"

# component | variable | instance | mutability | type | unit | value | least..most or choices
_TABLE = f"""
AlignedDataCtrlr | Available | | r | boolean | | true |
AlignedDataCtrlr | Enabled | | rw | boolean | | true |
AlignedDataCtrlr | Interval | | rw | integer | s | 0 | 0..86400
AlignedDataCtrlr | Measurands | | rw | MemberList | | Energy.Active.Import.Register | {_MEASURANDS}
AlignedDataCtrlr | SendDuringIdle | | rw | boolean | | false |
AlignedDataCtrlr | TxEndedInterval | | rw | integer | s | 0 | 0..86400
AlignedDataCtrlr | TxEndedMeasurands | | rw | MemberList | | Energy.Active.Import.Register | {_MEASURANDS}
AuthCacheCtrlr | Available | | r | boolean | | true |
AuthCacheCtrlr | Enabled | | rw | boolean | | true |
AuthCacheCtrlr | LifeTime | | rw | integer | s | 86400 | 0..
AuthCacheCtrlr | Storage | | r | integer | B | 0 |
AuthCtrlr | AuthorizeRemoteStart | | rw | boolean | | false |
AuthCtrlr | Enabled | | rw | boolean | | true |
AuthCtrlr | LocalAuthorizeOffline | | rw | boolean | | true |
AuthCtrlr | LocalPreAuthorize | | rw | boolean | | false |
AuthCtrlr | MasterPassGroupId | | rw | string | | |
AuthCtrlr | OfflineTxForUnknownIdEnabled | | rw | boolean | | true |
ChargingStation | AvailabilityState | | r | OptionList | | Available | {_STATES}
ChargingStation | Available | | r | boolean | | true |
ChargingStation | Model | | r | string | | |
ChargingStation | Problem | | r | boolean | | false |
ChargingStation | SupplyPhases | | r | integer | | 3 |
ChargingStation | VendorName | | r | string | | |
ChargingStation | FirmwareVersion | | r | string | | |
ChargingStation | SerialNumber | | r | string | | |
ClockCtrlr | DateTime | | r | dateTime | | |
ClockCtrlr | NtpServerUri | | rw | string | | |
ClockCtrlr | TimeOffset | | rw | string | | +00:00 |
ClockCtrlr | TimeSource | | rw | SequenceList | | Heartbeat | Heartbeat,NTP,RealTimeClock
ClockCtrlr | TimeZone | | rw | string | | Etc/UTC |
Controller | FirmwareVersion | | r | string | | |
Controller | Temperature | | r | decimal | Celsius | 20 |
CustomizationCtrlr | CustomImplementationEnabled | org.openchargealliance.costmsg | rw | boolean | | false |
DeviceDataCtrlr | BytesPerMessage | GetReport | r | integer | B | 1048576 |
DeviceDataCtrlr | BytesPerMessage | GetVariables | r | integer | B | 1048576 |
DeviceDataCtrlr | BytesPerMessage | SetVariables | r | integer | B | 1048576 |
DeviceDataCtrlr | ItemsPerMessage | GetReport | r | integer | | {limits.REPORT_ITEMS} |
DeviceDataCtrlr | ItemsPerMessage | GetVariables | r | integer | | 50 |
DeviceDataCtrlr | ItemsPerMessage | SetVariables | r | integer | | 50 |
DeviceDataCtrlr | ConfigurationValueSize | | r | integer | | 1000 |
DeviceDataCtrlr | ReportingValueSize | | r | integer | | 2500 |
DisplayMessageCtrlr | Available | | r | boolean | | true |
DisplayMessageCtrlr | Enabled | | rw | boolean | | true |
DisplayMessageCtrlr | DisplayMessages | | r | integer | | 0 | 0..{limits.MESSAGES_MOST}
DisplayMessageCtrlr | PersonalMessageSize | | r | integer | | 512 |
DisplayMessageCtrlr | SupportedFormats | | r | MemberList | | ASCII,UTF8 | ASCII,HTML,URI,UTF8
DisplayMessageCtrlr | SupportedPriorities | | r | MemberList | | AlwaysFront,InFront,NormalCycle | AlwaysFront,InFront,NormalCycle
LocalAuthListCtrlr | Available | | r | boolean | | true |
LocalAuthListCtrlr | BytesPerMessage | | r | integer | B | 1048576 |
LocalAuthListCtrlr | Enabled | | rw | boolean | | true |
LocalAuthListCtrlr | Entries | | r | integer | | 0 | 0..{limits.LOCAL_LIST_MOST}
LocalAuthListCtrlr | ItemsPerMessage | | r | integer | | 500 |
MonitoringCtrlr | Available | | r | boolean | | true |
MonitoringCtrlr | Enabled | | rw | boolean | | true |
MonitoringCtrlr | BytesPerMessage | ClearVariableMonitoring | r | integer | B | 1048576 |
MonitoringCtrlr | BytesPerMessage | SetVariableMonitoring | r | integer | B | 1048576 |
MonitoringCtrlr | ItemsPerMessage | ClearVariableMonitoring | r | integer | | 50 |
MonitoringCtrlr | ItemsPerMessage | SetVariableMonitoring | r | integer | | 50 |
MonitoringCtrlr | OfflineQueuingSeverity | | rw | integer | | 9 | 0..9
MonitoringCtrlr | ActiveMonitoringBase | | r | OptionList | | All | All,FactoryDefault,HardWiredOnly
MonitoringCtrlr | ActiveMonitoringLevel | | r | integer | | 9 | 0..9
OCPPCommCtrlr | ActiveNetworkProfile | | r | integer | | 0 |
OCPPCommCtrlr | FileTransferProtocols | | r | MemberList | | HTTP,HTTPS,FTP | FTP,FTPS,HTTP,HTTPS,SFTP
OCPPCommCtrlr | HeartbeatInterval | | rw | integer | s | 0 | 0..86400
OCPPCommCtrlr | MessageTimeout | Default | r | integer | s | {int(limits.CALL_TIMEOUT)} |
OCPPCommCtrlr | MessageAttemptInterval | TransactionEvent | rw | integer | s | {int(limits.RETRY_INTERVAL)} | 1..3600
OCPPCommCtrlr | MessageAttempts | TransactionEvent | rw | integer | | {limits.MESSAGE_ATTEMPTS} | 1..100
OCPPCommCtrlr | NetworkConfigurationPriority | | rw! | SequenceList | | 0 |
OCPPCommCtrlr | NetworkProfileConnectionAttempts | | rw | integer | | 3 | 1..100
OCPPCommCtrlr | OfflineThreshold | | rw | integer | s | 60 | 0..
OCPPCommCtrlr | QueueAllMessages | | rw | boolean | | false |
OCPPCommCtrlr | ResetRetries | | rw | integer | | 1 | 0..10
OCPPCommCtrlr | RetryBackOffRandomRange | | rw | integer | s | 5 | 0..
OCPPCommCtrlr | RetryBackOffRepeatTimes | | rw | integer | | 5 | 0..
OCPPCommCtrlr | RetryBackOffWaitMinimum | | rw | integer | s | 1 | 0..
OCPPCommCtrlr | UnlockOnEVSideDisconnect | | rw | boolean | | true |
OCPPCommCtrlr | WebSocketPingInterval | | rw! | integer | s | 0 | 0..
ReservationCtrlr | Available | | r | boolean | | true |
ReservationCtrlr | Enabled | | rw | boolean | | true |
ReservationCtrlr | NonEvseSpecific | | r | boolean | | true |
SampledDataCtrlr | Available | | r | boolean | | true |
SampledDataCtrlr | Enabled | | rw | boolean | | true |
SampledDataCtrlr | TxEndedInterval | | rw | integer | s | 0 | 0..86400
SampledDataCtrlr | TxEndedMeasurands | | rw | MemberList | | Energy.Active.Import.Register | {_MEASURANDS}
SampledDataCtrlr | TxStartedMeasurands | | rw | MemberList | | Energy.Active.Import.Register | {_MEASURANDS}
SampledDataCtrlr | TxUpdatedInterval | | rw | integer | s | 60 | 0..86400
SampledDataCtrlr | TxUpdatedMeasurands | | rw | MemberList | | {_UPDATED} | {_MEASURANDS}
SecurityCtrlr | AdditionalRootCertificateCheck | | r | boolean | | false |
SecurityCtrlr | BasicAuthPassword | | w | string | | |
SecurityCtrlr | CertificateEntries | | r | integer | | 0 | 0..{limits.CERTIFICATES_MOST}
SecurityCtrlr | CertSigningRepeatTimes | | rw | integer | | 2 | 0..10
SecurityCtrlr | CertSigningWaitMinimum | | rw | integer | s | 30 | 1..
SecurityCtrlr | Identity | | r | string | | |
SecurityCtrlr | MaxCertificateChainSize | | r | integer | | 10000 |
SecurityCtrlr | OrganizationName | | rw | string | | Voltroupe |
SecurityCtrlr | SecurityProfile | | r | integer | | 0 | 0..3
SmartChargingCtrlr | ACPhaseSwitchingSupported | | r | boolean | | false |
SmartChargingCtrlr | Available | | r | boolean | | true |
SmartChargingCtrlr | Enabled | | rw | boolean | | true |
SmartChargingCtrlr | Entries | ChargingProfiles | r | integer | | 0 | 0..{limits.PROFILES_MOST}
SmartChargingCtrlr | LimitChangeSignificance | | rw | decimal | Percent | 5 | 0..100
SmartChargingCtrlr | PeriodsPerSchedule | | r | integer | | 100 |
SmartChargingCtrlr | Phases3to1 | | r | boolean | | false |
SmartChargingCtrlr | ProfileStackLevel | | r | integer | | 10 |
SmartChargingCtrlr | RateUnit | | r | MemberList | | A,W | A,W
TariffCostCtrlr | Available | Tariff | r | boolean | | true |
TariffCostCtrlr | Available | Cost | r | boolean | | true |
TariffCostCtrlr | Currency | | rw | string | | EUR |
TariffCostCtrlr | Enabled | Tariff | rw | boolean | | true |
TariffCostCtrlr | Enabled | Cost | rw | boolean | | true |
TariffCostCtrlr | TariffFallbackMessage | | rw | string | | |
TariffCostCtrlr | TotalCostFallbackMessage | | rw | string | | |
TokenReader | Token | | r | string | | |
TxCtrlr | EVConnectionTimeOut | | rw | integer | s | 60 | 0..
TxCtrlr | MaxEnergyOnInvalidId | | rw | integer | Wh | 0 | 0..
TxCtrlr | StopTxOnEVSideDisconnect | | rw | boolean | | true |
TxCtrlr | StopTxOnInvalidId | | rw | boolean | | true |
TxCtrlr | TxBeforeAcceptedEnabled | | r | boolean | | false |
TxCtrlr | TxStartPoint | | rw | MemberList | | PowerPathClosed | {_POINTS}
TxCtrlr | TxStopPoint | | rw | MemberList | | EVConnected,Authorized | {_POINTS}
"""
_MUTABILITY = {"r": READ, "rw": BOTH, "rw!": BOTH, "w": WRITE}
_MONITORED = {"Temperature", "Power", "Voltage", "AvailabilityState", "EnergyImportRegister", "DCVoltage", "FanSpeed", "Problem"}


def _row(line: str) -> Variable:
    component, name, instance, rights, kind, unit, value, range_ = (word.strip() for word in line.split("|"))
    least, dots, most = range_.partition("..")
    return Variable(
        component,
        name,
        value,
        instance or None,
        mutability=_MUTABILITY[rights],
        type=kind,
        unit=unit or None,
        least=float(least) if dots and least else None,
        most=float(most) if dots and most else None,
        choices=range_ if range_ and not dots else None,
        monitored=name in _MONITORED,
        reboot=rights.endswith("!"),
    )


_STATION = tuple(_row(line) for line in _TABLE.strip().splitlines())


def _evse(number: int, power_w: float) -> list[Variable]:
    def one(
        component: str,
        name: str,
        value: str,
        kind: str,
        unit: str | None = None,
        choices: str | None = None,
        most_set: str | None = None,
    ) -> Variable:
        return Variable(
            component,
            name,
            value,
            evse=number,
            connector=1 if component == "Connector" else None,
            type=kind,
            unit=unit,
            choices=choices,
            monitored=name in _MONITORED,
            most_set=most_set,
        )

    return [
        one("EVSE", "AllowReset", "true", "boolean"),
        one("EVSE", "AvailabilityState", "Available", "OptionList", choices=_STATES),
        one("EVSE", "Available", "true", "boolean"),
        one("EVSE", "Power", "0", "decimal", "W", most_set=f"{power_w:.0f}"),
        one("EVSE", "SupplyPhases", "3", "integer"),
        one("EVSE", "Problem", "false", "boolean"),
        one("Connector", "AvailabilityState", "Available", "OptionList", choices=_STATES),
        one("Connector", "Available", "true", "boolean"),
        one("Connector", "ConnectorType", "cType2" if power_w < 50_000 else "cCCS2", "string"),
        one("Connector", "SupplyPhases", "3", "integer"),
        one("FiscalMetering", "EnergyImportRegister", "0", "decimal", "Wh"),
        one("TemperatureSensor", "Temperature", "20", "decimal", "Celsius"),
    ]


_FILLERS = (
    ("AirCoolingSystem", "FanSpeed", "integer", "RPM"),
    ("AcDcConverter", "DCVoltage", "decimal", "V"),
    ("OverCurrentProtection", "Operated", "boolean", None),
    ("HumiditySensor", "Humidity", "decimal", "RH"),
)


def _filler(n: int) -> Variable:
    component, name, kind, unit = _FILLERS[n % len(_FILLERS)]
    value = "false" if kind == "boolean" else "400"
    instance = f"{n // len(_FILLERS) + 1}"
    return Variable(component, name, value, component_instance=instance, type=kind, unit=unit, monitored=name in _MONITORED)


@lru_cache(maxsize=64)
def catalogue(model: Model) -> tuple[tuple[Variable, ...], dict[Key, int]]:
    """All variables of a kind of station, and where to find one; grown with fans and converters to `model.variables`."""
    found = list(_STATION)
    for number in range(1, model.connectors + 1):
        found += _evse(number, model.power_w)
    wanted = min(model.variables, limits.VARIABLES_MOST)
    found += [_filler(n) for n in range(wanted - len(found))]
    return tuple(found), {variable.key: n for n, variable in enumerate(found)}
