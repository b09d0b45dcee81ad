"""What is remembered of a station's device model. No value of a secret is ever in one. Golden files: tests/actors/golden."""

from datetime import datetime
from typing import ClassVar

import msgspec

from actors.device.messages import DeviceEvent, Monitor
from actors.model.device import Variable
from actors.model.intents import VariableRef


class VariablesTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="variables_told"):
    """Variables that are new or other than before, whole. `pinned`: a boot told them, and no report removes them."""

    variables: tuple[Variable, ...]
    at: datetime
    pinned: bool = False


class KeysTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="keys_told"):
    """All 1.6 keys of the station, each whole; what it told before and not now is gone."""

    bulk: ClassVar[bool] = True

    variables: tuple[Variable, ...]
    at: datetime


class PartTaken(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="part_taken"):
    """A part of a report: all variables in it, whole. `refused`: how many more there was no room for."""

    bulk: ClassVar[bool] = True

    request_id: int
    seq: int
    more: bool
    at: datetime
    variables: tuple[Variable, ...] = ()
    refused: int = 0


class MonitorsTaken(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="monitors_taken"):
    """A part of a monitoring report."""

    bulk: ClassVar[bool] = True

    request_id: int
    seq: int
    more: bool
    at: datetime
    monitors: tuple[Monitor, ...] = ()


class ReportBegun(msgspec.Struct, frozen=True, gc=False, tag="report_begun"):
    """The station accepted to send this report, which will mention everything. `what`: variables or monitors."""

    request_id: int
    what: str
    at: datetime


class ReportEnded(msgspec.Struct, frozen=True, gc=False, tag="report_ended"):
    """`outcome`: complete, or incomplete (its parts stopped coming)."""

    request_id: int
    what: str
    outcome: str
    at: datetime


class Pruned(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="pruned"):
    """Variables that a complete inventory did not mention are gone; `done`: these were the last."""

    refs: tuple[VariableRef, ...]
    done: bool
    at: datetime


class Ordered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ordered"):
    """We asked the station for something. `purpose`: inventory, keys (the inventory of a 1.6 station), monitors or values."""

    order: str
    purpose: str
    at: datetime
    attempt: int = 1


class OrderSettled(msgspec.Struct, frozen=True, gc=False, tag="order_settled"):
    """`status`: the station's word, or the reason why there is none."""

    order: str
    status: str
    at: datetime


class RebootPending(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="reboot_pending"):
    """The station took this value and uses it after its next reboot. `value` None: a secret."""

    ref: VariableRef
    attribute: str
    value: str | None
    at: datetime


class Rebooted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="rebooted"):
    """It booted at `at`: nothing waits for a reboot any more, and alerts from before are over."""

    at: datetime


class BootsAsked(msgspec.Struct, frozen=True, gc=False, tag="boots_asked"):
    """We want to hear of the next boot."""

    at: datetime


class MonitorsSet(msgspec.Struct, frozen=True, gc=False, tag="monitors_set"):
    monitors: tuple[Monitor, ...]
    at: datetime


class MonitorsGone(msgspec.Struct, frozen=True, gc=False, tag="monitors_gone"):
    ids: tuple[int, ...]
    at: datetime


class MonitoringSet(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="monitoring_set"):
    """Base and level (severity from which events are sent) as the station accepted them."""

    at: datetime
    base: str | None = None
    level: int | None = None


class EventsTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="events_told"):
    """Events that were not told before. The value of a secret is left out."""

    bulk: ClassVar[bool] = True

    events: tuple[DeviceEvent, ...]
    at: datetime


class NetworkProfileSet(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="network_profile_set"):
    """B09. Without the passwords of its VPN and APN."""

    slot: int
    csms_url: str
    security_profile: int
    interface: str
    ocpp_version: str
    message_timeout: int
    at: datetime


DeviceFact = (
    VariablesTold | KeysTold | PartTaken | MonitorsTaken | ReportBegun | ReportEnded | Pruned | Ordered | OrderSettled
    | RebootPending | Rebooted | BootsAsked | MonitorsSet | MonitorsGone | MonitoringSet | EventsTold | NetworkProfileSet
)  # fmt: skip
