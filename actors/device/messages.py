"""What the keeper of a station's device model is told (OCPP 2.0.1 blocks B07-B08, N01-N08, G01).

The station actor admits these and forwards them; the device actor's commit gates the reply, which is Done.
"""

from datetime import datetime

import msgspec

from actors.model.device import Attribute, Characteristics, Variable
from actors.model.intents import VariableRef


class ReportedDevice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One variable of a report (ReportDataType), whole."""

    ref: VariableRef
    attributes: tuple[Attribute, ...]
    characteristics: Characteristics | None = None


class ReportPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyReport: parts by `request_id`, `seq` from 0, the last with `more` False; any order."""

    request_id: int
    seq: int
    more: bool
    generated_at: datetime
    data: tuple[ReportedDevice, ...] = ()


class Monitor(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """VariableMonitoringType. `type`: UpperThreshold, LowerThreshold, Delta, Periodic, PeriodicClockAligned."""

    ref: VariableRef
    id: int
    type: str
    value: float
    severity: int
    transaction: bool = False


class MonitoringPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyMonitoringReport."""

    request_id: int
    seq: int
    more: bool
    generated_at: datetime
    monitors: tuple[Monitor, ...] = ()


class DeviceEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """EventDataType. `trigger`: Alerting, Delta, Periodic; `notification_type`: HardWiredNotification, HardWiredMonitor,
    PreconfiguredMonitor, CustomMonitor."""

    id: int
    at: datetime
    ref: VariableRef
    trigger: str
    actual: str
    notification_type: str
    cause: int | None = None
    cleared: bool = False
    monitor: int | None = None
    transaction_id: str | None = None
    tech_code: str | None = None
    tech_info: str | None = None


class EventsPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyEvent. AvailabilityState of a connector in here equals a StatusNotification (G01, PROTOCOLS 3.4): the
    gateway sends such an event to the EVSE as a ConnectorStatus as well."""

    seq: int
    more: bool
    generated_at: datetime
    events: tuple[DeviceEvent, ...] = ()


class Inherited(msgspec.Struct, frozen=True, gc=False, tag="inherited"):
    """Letter from a station that kept its variables itself, before there were keepers of device models."""

    variables: tuple[Variable, ...]


class ReportSilent(msgspec.Struct, frozen=True, gc=False, tag="report_silent"):
    """Durable timer: the next part of this report should have come."""

    request_id: int


class InventoryDue(msgspec.Struct, frozen=True, gc=False, tag="inventory_due"):
    """Durable timer: the last inventory failed; ask again. `purpose`: as in the fact Ordered."""

    purpose: str


class Prune(msgspec.Struct, frozen=True, gc=False):
    """Volatile: go on removing what a complete inventory no longer mentions."""
