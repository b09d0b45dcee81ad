"""The words an operator may command in: any OCPP version's actions, whatever the station itself speaks.

The admin API hands a caller's action and payload to `parse_command` and gets the canonical intent; the station's
outcome is put back into the caller's words by `render_result`. Nothing here knows a station or a connection.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult
from actors.station.messages import WireCall
from gateways.ocpp.fields import wrong_fields
from gateways.ocpp.redaction import redact_object
from gateways.ocpp.v16 import answers, messages, spoken

OCPP_1_6 = "ocpp1.6"
VERSIONS = (OCPP_1_6,)
"""Newest first: where an action exists in several, the newest is meant."""


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
    if version not in (None, *VERSIONS) or action not in messages.TO_STATION:
        raise UnknownCommand(action, version, tuple(sorted(messages.TO_STATION)))
    kind = messages.TO_STATION[action][0]
    wrong = wrong_fields(kind, dict(payload))
    if wrong:
        raise InvalidCommand(action, tuple(FieldError(pointer, detail) for pointer, detail in wrong))
    request = msgspec.json.decode(msgspec.json.encode(payload), type=kind)
    try:
        intent = spoken.to_intent(action, request)
    except spoken.Senseless as error:
        raise InvalidCommand(action, (FieldError(error.field, str(error)),)) from None
    return ParsedCommand(action, OCPP_1_6, intent, dict(payload))


def render_result(parsed: ParsedCommand, outcome: CommandResult | CommandFailure) -> dict[str, Any]:
    """The response object of the caller's version. A CommandFailure is rendered as
    `{"error": reason, "code": ..., "detail": ..., "field": ...}` without the empty ones."""
    if isinstance(outcome, CommandFailure):
        told = {"error": outcome.reason, "code": outcome.code, "detail": outcome.detail, "field": outcome.field}
        return {name: value for name, value in told.items() if value}
    return answers.write_answer(parsed.action, outcome)


@cache
def commands(version: str | None = None) -> tuple[CommandInfo, ...]:
    """Every action of one vocabulary, or of all, in alphabetical order."""
    if version not in (None, *VERSIONS):
        return ()
    return tuple(
        CommandInfo(action, OCPP_1_6, _schema(request), _schema(response))
        for action, (request, response) in sorted(messages.TO_STATION.items())
    )


def _schema(kind: type[messages.Wire]) -> dict[str, Any]:
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = definitions.pop(kind.__name__)
    return {**own, **({"$defs": definitions} if definitions else {})} if "$ref" in root else root


def show_wire(wire: WireCall) -> dict[str, Any]:
    """The payload of a CALL as people may see it: passwords and keys redacted (`sent` of the admin API)."""
    shown = redact_object(wire.action, msgspec.json.decode(wire.payload))
    assert isinstance(shown, dict)
    return shown
