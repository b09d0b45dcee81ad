"""What an operator can want of a station: intents in terms of OCPP 2.x, carried to any version by its dialect.

An intent says *what*, a dialect says *how* or answers a typed Unsupported. Results come back canonical and
are rendered in the caller's vocabulary (gateways/ocpp/vocabulary.py). Fields follow OCPP 2.1 names in snake
case; `evse=None` or 0 means the station. Sources: PROTOCOLS 5.2, OCPP 2.0.1 part 2, annexes A and B.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec


class Intent(msgspec.Struct, frozen=True, tag=True, tag_field="intent", omit_defaults=True):
    """Base of all intents; stored as JSON in the facts of the station's command lane."""


class SchedulePeriod(msgspec.Struct, frozen=True, omit_defaults=True):
    """`start_period` seconds from the schedule's start; `limit` in A per phase or W in total."""

    start_period: int
    limit: Decimal
    number_phases: int | None = None


class ChargingSchedule(msgspec.Struct, frozen=True, omit_defaults=True):
    charging_rate_unit: Literal["A", "W"]
    periods: tuple[SchedulePeriod, ...]
    id: int = 1
    start_schedule: datetime | None = None
    duration: int | None = None
    min_charging_rate: Decimal | None = None


class ChargingProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """`purpose` in 2.x words (ChargingStationMaxProfile, TxDefaultProfile, TxProfile)."""

    id: int
    stack_level: int
    purpose: str
    kind: Literal["Absolute", "Recurring", "Relative"]
    schedules: tuple[ChargingSchedule, ...]
    recurrency_kind: Literal["Daily", "Weekly"] | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None


class RequestStart(Intent, frozen=True):
    """`id_token` is sealed plain text (it must reach the station): redacted wherever it is shown."""

    id_token: str
    evse: int | None = None
    remote_start_id: int = 0
    profile: ChargingProfile | None = None


class RequestStop(Intent, frozen=True):
    """`transaction_id` as the station knows it (1.6: the number as text)."""

    transaction_id: str


class VariableRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Component and variable of the device model; `key_1_6` when the caller spoke 1.6 (kept for unknown keys)."""

    component: str
    variable: str
    component_instance: str | None = None
    variable_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    key_1_6: str | None = None


class SetVariable(Intent, frozen=True):
    ref: VariableRef
    value: str
    attribute: str = "Actual"


class GetVariables(Intent, frozen=True):
    """Empty `refs`: everything the station will tell (1.6 GetConfiguration without keys)."""

    refs: tuple[VariableRef, ...] = ()


class ChangeAvailability(Intent, frozen=True):
    operative: bool
    evse: int | None = None
    connector: int | None = None


class Reset(Intent, frozen=True):
    """`type`: Immediate (1.6 Hard) or OnIdle (1.6 Soft)."""

    type: Literal["Immediate", "OnIdle"]
    evse: int | None = None


class UnlockConnector(Intent, frozen=True):
    evse: int
    connector: int = 1


class Trigger(Intent, frozen=True):
    """`message` in 2.x words (LogStatusNotification is 1.6 DiagnosticsStatusNotification)."""

    message: str
    evse: int | None = None


class ClearCache(Intent, frozen=True):
    pass


class LocalListEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Without `status`: the token is removed (differential only)."""

    id_token: str
    status: str | None = None
    expires: datetime | None = None
    group: str | None = None


class SendLocalList(Intent, frozen=True):
    version: int
    update_type: Literal["Full", "Differential"]
    entries: tuple[LocalListEntry, ...] = ()


class GetLocalListVersion(Intent, frozen=True):
    pass


class ReserveNow(Intent, frozen=True):
    id: int
    expires: datetime
    id_token: str
    evse: int | None = None
    group: str | None = None


class CancelReservation(Intent, frozen=True):
    id: int


class SetChargingProfile(Intent, frozen=True):
    evse: int
    profile: ChargingProfile


class ClearChargingProfile(Intent, frozen=True):
    id: int | None = None
    evse: int | None = None
    purpose: str | None = None
    stack_level: int | None = None


class GetCompositeSchedule(Intent, frozen=True):
    evse: int
    duration: int
    charging_rate_unit: Literal["A", "W"] | None = None


class GetLog(Intent, frozen=True):
    """1.6 GetDiagnostics for log_type DiagnosticsLog."""

    location: str
    log_type: str = "DiagnosticsLog"
    request_id: int = 0
    oldest: datetime | None = None
    latest: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


class UpdateFirmware(Intent, frozen=True):
    location: str
    retrieve_at: datetime
    request_id: int = 0
    retries: int | None = None
    retry_interval: int | None = None


class DataTransfer(Intent, frozen=True):
    """`data` is text towards 1.6, any JSON towards 2.x."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None


AnyIntent = (
    RequestStart | RequestStop | SetVariable | GetVariables | ChangeAvailability | Reset | UnlockConnector | Trigger
    | ClearCache | SendLocalList | GetLocalListVersion | ReserveNow | CancelReservation | SetChargingProfile
    | ClearChargingProfile | GetCompositeSchedule | GetLog | UpdateFirmware | DataTransfer
)  # fmt: skip


class ReportedVariable(msgspec.Struct, frozen=True, omit_defaults=True):
    ref: VariableRef
    value: str | None = None
    readonly: bool | None = None
    status: str = "Accepted"
    """Accepted, UnknownVariable, Rejected ... (2.x GetVariableStatus)."""


class CommandResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """A station's answer, canonical: `status` in 2.x words ("" where the answer has none), what else it said in
    `data` (composite schedule, listVersion, fileName ...), and the device-model values it revealed."""

    status: str
    data: dict[str, Any] = {}
    variables: tuple[ReportedVariable, ...] = ()


class CommandFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command that got no result. `reason`: error (CALLERROR), timeout, offline, unsupported, unknown (the node
    died while it was under way), superseded."""

    reason: Literal["error", "timeout", "offline", "unsupported", "unknown", "superseded"]
    code: str = ""
    detail: str = ""
    field: str | None = None


class Unsupported(msgspec.Struct, frozen=True, omit_defaults=True):
    """This version cannot carry the intent: `field` says which part."""

    detail: str
    field: str | None = None
