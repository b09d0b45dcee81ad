"""The words an operator may command in: any OCPP version's actions, whatever the station itself speaks.

The admin API hands a caller's action and payload to `parse_command` and gets the canonical intent; the station's
outcome is put back into the caller's words by `render_result`. Nothing here knows a station or a connection.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult
from actors.station.messages import WireCall

OCPP_1_6 = "ocpp1.6"
DEFAULT_VERSION = OCPP_1_6


class ParsedCommand(msgspec.Struct, frozen=True):
    """`version` is the vocabulary in which the caller spoke and is answered; `payload` what was said, complete."""

    action: str
    version: str
    intent: AnyIntent
    payload: dict[str, Any]


class FieldError(msgspec.Struct, frozen=True):
    """`pointer` is an RFC 6901 JSON pointer into the caller's payload ("" for the whole)."""

    pointer: str
    detail: str


class InvalidCommand(Exception):
    """The payload does not fit the action: one error for every wrong field."""

    def __init__(self, action: str, errors: tuple[FieldError, ...]) -> None:
        super().__init__(f"{action}: " + "; ".join(f"{e.pointer or '/'}: {e.detail}" for e in errors))
        self.action = action
        self.errors = errors


class UnknownCommand(Exception):
    """No vocabulary (or not the asked one) has this action. `known` are the actions there are."""

    def __init__(self, action: str, version: str | None, known: tuple[str, ...]) -> None:
        super().__init__(f"no action {action!r}" + (f" in {version}" if version else ""))
        self.action = action
        self.version = version
        self.known = known


class CommandInfo(msgspec.Struct, frozen=True):
    """One action of a vocabulary with the JSON schemas (2020-12, self-contained) of its payload and its result."""

    action: str
    version: str
    request: dict[str, Any]
    response: dict[str, Any]


def parse_command(action: str, payload: Mapping[str, Any], version: str | None = None) -> ParsedCommand:
    """`version` None: the newest vocabulary that has the action. Raises UnknownCommand, InvalidCommand."""
    raise NotImplementedError


def render_result(parsed: ParsedCommand, outcome: CommandResult | CommandFailure) -> dict[str, Any]:
    """The response object of the caller's version. A CommandFailure is rendered as
    `{"error": reason, "code": ..., "detail": ..., "field": ...}` without the empty ones."""
    raise NotImplementedError


def commands(version: str | None = None) -> tuple[CommandInfo, ...]:
    """Every action of one vocabulary, or of all, in alphabetical order."""
    raise NotImplementedError


def show_wire(wire: WireCall) -> dict[str, Any]:
    """The payload of a CALL as people may see it: passwords and keys redacted (`sent` of the admin API)."""
    raise NotImplementedError
