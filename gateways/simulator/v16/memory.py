"""What a 1.6 station remembers: transactions, reservations and configuration keys."""

from dataclasses import dataclass
from datetime import datetime

from gateways.simulator import limits
from gateways.simulator.memory import Connector, Model
from gateways.simulator.physics.sampling import KNOWN


@dataclass
class Transaction:
    """`number` is the central system's transactionId, None until the start was acknowledged."""

    connector: int
    id_tag: str
    meter_start: int
    began: datetime
    """Real time."""
    number: int | None = None
    status: str = ""
    stopping: bool = False
    interrupted: bool = False
    next_sample: float = float("inf")
    """trio time of the next periodic reading."""


@dataclass(frozen=True)
class Reservation:
    id: int
    id_tag: str
    parent: str | None
    expires: datetime


@dataclass
class Connector16(Connector):
    status: str = "Available"
    error: str = "NoError"
    transaction: Transaction | None = None
    reservation: Reservation | None = None


def default_configuration(model: Model) -> dict[str, tuple[str, bool]]:
    """1.6 configuration keys: value and whether it is read-only."""
    return {
        "AdditionalRootCertificateCheck": ("false", True),
        "AuthorizeRemoteTxRequests": ("false", False),
        "CertificateSignedMaxChainSize": ("10000", True),
        "CertificateStoreMaxLength": (str(limits.CERTIFICATES_MOST), True),
        "ChargeProfileMaxStackLevel": ("10", True),
        "ChargingScheduleAllowedChargingRateUnit": ("Current,Power", True),
        "ChargingScheduleMaxPeriods": ("100", True),
        "ClockAlignedDataInterval": ("0", False),
        "ConnectionTimeOut": ("60", False),
        "ConnectorPhaseRotation": ("0.RST", False),
        "CpoName": ("Voltroupe", False),
        "GetConfigurationMaxKeys": ("50", True),
        "HeartbeatInterval": ("", False),
        "LocalAuthListEnabled": ("true", False),
        "LocalAuthListMaxLength": (str(limits.LOCAL_LIST_MOST), True),
        "LocalAuthorizeOffline": ("true", False),
        "LocalPreAuthorize": ("false", False),
        "MaxChargingProfilesInstalled": (str(limits.PROFILES_MOST), True),
        "MeterValueSampleInterval": ("60", False),
        "MeterValuesAlignedData": ("Energy.Active.Import.Register", False),
        "MeterValuesSampledData": ("Energy.Active.Import.Register,Power.Active.Import,Current.Import", False),
        "MeterValuesSampledDataMaxLength": (str(len(KNOWN)), True),
        "NumberOfConnectors": (str(model.connectors), True),
        "ReserveConnectorZeroSupported": ("false", True),
        "ResetRetries": ("1", False),
        "SecurityProfile": ("1", False),
        "SendLocalListMaxLength": (str(limits.LOCAL_LIST_MOST), True),
        "StopTransactionOnEVSideDisconnect": ("true", False),
        "StopTransactionOnInvalidId": ("true", False),
        "StopTxnAlignedData": ("", False),
        "StopTxnSampledData": ("Energy.Active.Import.Register,Power.Active.Import,Current.Import", False),
        "SupportedFeatureProfiles": (
            "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
            True,
        ),
        "TransactionMessageAttempts": (str(limits.MESSAGE_ATTEMPTS), False),
        "TransactionMessageRetryInterval": (str(int(limits.RETRY_INTERVAL)), False),
        "UnlockConnectorOnEVSideDisconnect": ("true", False),
        "WebSocketPingInterval": ("0", False),
    }
