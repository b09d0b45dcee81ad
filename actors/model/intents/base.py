"""What every intent and every outcome is."""

from typing import Any, Literal

import msgspec


class Intent(msgspec.Struct, frozen=True, tag=True, tag_field="intent", omit_defaults=True):
    """Base of all intents; tagged, so that one can be kept as JSON (a campaign's, an order's)."""


class VariableRef(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Component and variable of the device model; `key_1_6` when the caller spoke 1.6 (kept for unknown keys)."""

    component: str
    variable: str
    component_instance: str | None = None
    variable_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    key_1_6: str | None = None


NO_ANSWER = "NoAnswer"
"""Reason of a variable that was asked for, and nobody heard what became of it."""


class ReportedVariable(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One value that an answer revealed. `status`: Accepted, UnknownVariable, Rejected ... (2.x GetVariableStatus and
    SetVariableStatus), `reason` what it said of that. `attribute`: Actual, Target, MinSet or MaxSet."""

    ref: VariableRef
    value: str | None = None
    readonly: bool | None = None
    status: str = "Accepted"
    attribute: str = "Actual"
    reason: str | None = None


class CommandResult(msgspec.Struct, frozen=True, omit_defaults=True, tag="result"):
    """A station's answer, canonical: `status` in 2.x words ("" where the answer has none), what else it said in
    `data` (keys: gateways/ocpp/v16/answers.py and v201/answers.py), and the device-model values it revealed. For
    SetVariables the values carry each item's status."""

    status: str
    data: dict[str, Any] = {}
    variables: tuple[ReportedVariable, ...] = ()


class CommandFailure(msgspec.Struct, frozen=True, omit_defaults=True, tag="failure"):
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
