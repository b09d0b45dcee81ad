"""What a 2.0.1 station remembers besides its device model: EVSEs, transactions, reservations, messages, network slots."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateways.simulator.memory import Connector

Payload = dict[str, Any]


@dataclass
class Transaction:
    id: str
    began: datetime
    """Real time."""
    meter_start: int
    token: Payload | None = None
    token_told: bool = False
    remote_start_id: int | None = None
    reservation: int | None = None
    seq_no: int = 0
    state: str = "EVConnected"
    charging_since: datetime | None = None
    charged_seconds: float = 0.0
    interrupted: bool = False
    ended: bool = False
    energy_wh: int = 0
    """Charged, once it has ended."""
    cost: float | None = None
    """What the central system last said that it costs."""
    next_sample: float = float("inf")
    """trio time of the next periodic reading."""
    next_kept: float = float("inf")
    """trio time of the next reading that only the last event carries."""
    readings: list[Payload] = field(default_factory=list)
    """Of the last event: the first reading, and those of TxEndedInterval."""


@dataclass
class Evse(Connector):
    """An EVSE with one connector, number 1. `id` is the EVSE's."""

    status: str = "Available"
    told: str = ""
    """The status that the central system was last told."""
    plugged: bool = False
    token: Payload | None = None
    """Who may charge here now."""
    remote_start_id: int | None = None
    flowing: bool = False
    reached: frozenset[str] = frozenset()
    transaction: Transaction | None = None
    scheduled: bool | None = None
    """Operative or not, once the transaction is over."""


@dataclass(frozen=True)
class Reservation:
    id: int
    token: Payload
    group: Payload | None
    expires: datetime
    evse: int | None
