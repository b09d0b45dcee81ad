"""What a virtual station is told and what it remembers, whatever it speaks: plain data, no line and no time of its own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from gateways.simulator import limits
from gateways.simulator.faults import Faults
from gateways.simulator.physics.meter import Meter


@dataclass(frozen=True)
class Model:
    vendor: str
    model: str
    firmware: str
    power_w: float
    connectors: int = 1
    pace: float = 1.0
    """Energy flows so many times faster than the clock says: for demonstrations only."""
    variables: int = 0
    """The size of a 2.0.1 device model; 0 is as many as the station really has."""


MODELS = (
    Model("Nordlicht", "AC Post 22", "2.4.1", 22_000, 2),
    Model("Kupfer&Co", "WallOne 11", "1.9.0", 11_000, 1),
    Model("Bergmann", "HPC 150", "5.0.3", 150_000, 2),
)


@dataclass(frozen=True)
class Tls:
    """Files for `wss` and `https`: whom to trust (None: the system's), and for security profile 3 who the station is."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    own: bytes | None = None
    """PEM of key and chain, instead of the two files: what the central system has signed meanwhile."""


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
    tls: Tls = Tls()
    zipped: bool = False
    """SOAP: requests are sent compressed."""
    firmware_failures: float = 0.0
    """The share of firmware updates that go wrong, at a step that the dice choose."""
    token_type: str = "ISO14443"  # noqa: S105 (a kind of card, not a secret)
    """2.0.1: the type of what drivers present."""


@dataclass
class Connector:
    """One outlet with its meter. Subclassed by version, which adds the transaction."""

    id: int
    meter: Meter
    operative: bool = True


@dataclass
class Pending:
    """A transaction message in the station's memory, as in its flash: it survives lost lines and lost power."""

    action: str
    payload: dict[str, Any]
    transaction: Any
    unique_id: str
    done: trio.Event = field(default_factory=trio.Event)
    refusals: int = 0
    sent: int = 0
