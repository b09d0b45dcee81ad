"""What a virtual station is and what it remembers: plain data, no line and no time of its own."""

from dataclasses import dataclass, field
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.clock import Meter
from gateways.simulator.faults import Faults


@dataclass(frozen=True)
class Model:
    vendor: str
    model: str
    firmware: str
    power_w: float
    connectors: int = 1
    pace: float = 1.0
    """Energy flows so many times faster than the clock says: for demonstrations only."""


MODELS = (
    Model("Nordlicht", "AC Post 22", "2.4.1", 22_000, 2),
    Model("Kupfer&Co", "WallOne 11", "1.9.0", 11_000, 1),
    Model("Bergmann", "HPC 150", "5.0.3", 150_000, 2),
)


@dataclass(frozen=True)
class StationSettings:
    """What a station is told when it is set up. `url` ends before the identity."""

    url: str
    identity: str
    model: Model = MODELS[0]
    password: str | None = None
    protocol: str = "ocpp1.6"
    faults: Faults = Faults()
    message_attempts: int = limits.MESSAGE_ATTEMPTS
    backoff_most: float = limits.BACKOFF_MOST


@dataclass
class Transaction:
    """`number` is the central system's transactionId, None until the start was acknowledged."""

    connector: int
    id_tag: str
    meter_start: int
    number: int | None = None
    status: str = ""
    stopping: bool = False


@dataclass
class Connector:
    id: int
    meter: Meter
    status: str = "Available"
    error: str = "NoError"
    operative: bool = True
    transaction: Transaction | None = None
    reservation: int | None = None


@dataclass
class Pending:
    """A transaction message in the station's memory. `payload` is final but for the transaction's number."""

    action: str
    payload: dict[str, Any]
    transaction: Transaction
    unique_id: str
    done: trio.Event = field(default_factory=trio.Event)
    refusals: int = 0
    sent: int = 0


def default_configuration(model: Model) -> dict[str, tuple[str, bool]]:
    """1.6 configuration keys: value and whether it is read-only."""
    return {
        "AuthorizeRemoteTxRequests": ("false", False),
        "ClockAlignedDataInterval": ("0", False),
        "ConnectionTimeOut": ("60", False),
        "GetConfigurationMaxKeys": ("50", True),
        "HeartbeatInterval": ("", False),
        "LocalAuthListEnabled": ("true", False),
        "LocalAuthListMaxLength": ("1000", True),
        "LocalAuthorizeOffline": ("true", False),
        "LocalPreAuthorize": ("false", False),
        "MeterValueSampleInterval": ("60", False),
        "MeterValuesSampledData": ("Energy.Active.Import.Register,Power.Active.Import,Current.Import", False),
        "NumberOfConnectors": (str(model.connectors), True),
        "ResetRetries": ("1", False),
        "StopTransactionOnInvalidId": ("true", False),
        "SupportedFeatureProfiles": (
            "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
            True,
        ),
        "TransactionMessageAttempts": (str(limits.MESSAGE_ATTEMPTS), False),
        "TransactionMessageRetryInterval": (str(int(limits.RETRY_INTERVAL)), False),
        "UnlockConnectorOnEVSideDisconnect": ("true", False),
        "WebSocketPingInterval": ("0", False),
    }
