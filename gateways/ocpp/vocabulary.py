"""The words an operator may command in: any OCPP version's actions, whatever the station itself speaks.

The admin API hands a caller's action and payload to `parse_command` and gets the canonical intent; the station's outcome is put
back into the caller's words by `render_result`, and so is everything that is said about a field (`lost`, `pointer`). Nothing here
knows a station or a connection. What lies where: gateways/ocpp/mapping.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult
from actors.station.messages import WireCall
from gateways.ocpp.fields import wrong_fields
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.answers import SILENT
from gateways.ocpp.mapping.command import Carry, Version, understood
from gateways.ocpp.mapping.commands_v15 import V15
from gateways.ocpp.mapping.commands_v16 import V16
from gateways.ocpp.mapping.commands_v201 import V201
from gateways.ocpp.mapping.engine import Senseless
from gateways.ocpp.mapping.wire import Types
from gateways.ocpp.redaction import redact_object
from gateways.ocpp.v15 import answers as answers_15
from gateways.ocpp.v15 import messages as messages_15
from gateways.ocpp.v16 import actions as actions_16
from gateways.ocpp.v16 import answers as answers_16
from gateways.ocpp.v201 import answers as answers_201
from gateways.ocpp.v201 import messages as messages_201

OCPP_1_5, OCPP_1_6, OCPP_2_0_1 = V15.name, V16.name, V201.name


class Words(msgspec.Struct, frozen=True):
    """A version's vocabulary: its table, its types, and how a result of an action is written in it."""

    table: Version
    types: Types
    write: Callable[[str, CommandResult, AnyIntent], dict[str, Any]]


WORDS: Mapping[str, Words] = {
    OCPP_2_0_1: Words(V201, messages_201.TO_STATION, answers_201.write_answer),
    OCPP_1_6: Words(V16, actions_16.TO_STATION, lambda action, result, intent: answers_16.write_answer(action, result)),
    OCPP_1_5: Words(V15, messages_15.TO_STATION, lambda action, result, intent: answers_15.write_answer(action, result)),
}
"""Newest first: where an action exists in several and the payload fits them all, the newest is meant."""
VERSIONS = tuple(WORDS)


class ParsedCommand(msgspec.Struct, frozen=True):
    """`version` is the vocabulary in which the caller spoke and is answered; `payload` what was said, complete; `unsaid` the
    fields of it that no intent holds, customData above all."""

    action: str
    version: str
    intent: AnyIntent
    payload: dict[str, Any]
    unsaid: tuple[str, ...] = ()


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


# -- what is said -----------------------------------------------------------------------------------------------------


def parse_command(action: str, payload: Mapping[str, Any], version: str | None = None) -> ParsedCommand:
    """`version` None: the newest vocabulary whose action the payload fits. Raises UnknownCommand, InvalidCommand."""
    asked = [version] if version is not None else list(VERSIONS)
    having = [name for name in asked if name in WORDS and action in WORDS[name].types]
    if not having:
        known = {known for name in asked if name in WORDS for known in WORDS[name].types}
        everything = {known for words in WORDS.values() for known in words.types}
        raise UnknownCommand(action, version, tuple(sorted(known or everything)))
    said = dict(payload)
    chosen, wrong = _fitting(action, said, having)
    if wrong:
        raise InvalidCommand(action, tuple(FieldError(pointer, detail) for pointer, detail in wrong))
    words = WORDS[chosen]
    request: Any = msgspec.json.decode(msgspec.json.encode(said), type=words.types[action][0])
    carry = words.table.said(action)
    try:
        intent = understood(carry, msgspec.to_builtins(request, builtin_types=(datetime,)))
    except Senseless as error:
        raise InvalidCommand(action, (FieldError(error.field, str(error)),)) from None
    unsaid = tuple(name for name in engine.unsaid(carry.shape, said) if name not in carry.takes)
    return ParsedCommand(action, chosen, intent, said, unsaid)


def _fitting(action: str, said: dict[str, Any], having: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """The first version that the payload fits; where none does, that with most of its fields, and what is wrong there."""
    wrong = {}
    for name in having:
        wrong[name] = wrong_fields(WORDS[name].types[action][0], said)
        if not wrong[name]:
            return name, []

    def alike(name: str) -> int:
        return len(said.keys() & {field.encode_name for field in msgspec.structs.fields(WORDS[name].types[action][0])})

    nearest = max(having, key=alike)
    return nearest, wrong[nearest]


# -- what is told back ------------------------------------------------------------------------------------------------


def refusal(parsed: ParsedCommand, outcome: CommandResult | CommandFailure) -> CommandFailure | None:
    """Why the outcome is none that the caller's version could tell: its response to this action knows no refusal."""
    if isinstance(outcome, CommandFailure):
        return outcome
    told = parsed.action in SILENT and outcome.status not in ("", "Accepted", "AcceptedCanceled")
    if told and not any(field.encode_name == "status" for field in msgspec.structs.fields(_response(parsed))):
        return CommandFailure("error", outcome.status, f"the station answered {outcome.status}")
    return None


def _response(parsed: ParsedCommand) -> Any:
    return WORDS[parsed.version].types[parsed.action][1]


def render_result(parsed: ParsedCommand, outcome: CommandResult | CommandFailure) -> dict[str, Any]:
    """The response object of the caller's version. A CommandFailure is rendered as
    `{"error": reason, "code": ..., "detail": ..., "field": ...}` without the empty ones."""
    if isinstance(outcome, CommandFailure):
        told = {"error": outcome.reason, "code": outcome.code, "detail": outcome.detail, "field": outcome.field}
        return {name: value for name, value in told.items() if value}
    return WORDS[parsed.version].write(parsed.action, outcome, parsed.intent)


def _carry(parsed: ParsedCommand) -> Carry:
    return WORDS[parsed.version].table.said(parsed.action)


def lost(parsed: ParsedCommand, names: tuple[str, ...]) -> list[str]:
    """What could not be carried, in the caller's field names (dotted; `[]` any element of a list). What he did not say he
    does not miss."""
    shape = _carry(parsed).shape
    places = (engine.wire_path(shape, name) for name in names)
    said = (place for place in places if place is not None and _says(parsed.payload, place))
    return list(dict.fromkeys((*said, *parsed.unsaid)))


_INDEX = re.compile(r"\[[^\]]*\]")


def _says(payload: Mapping[str, Any], place: str) -> bool:
    return any(True for _ in _found(payload, _INDEX.sub("", place).split(".")))


def _found(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _found(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _found(value[path[0]], path[1:])


def pointer(parsed: ParsedCommand, field: str) -> str:
    """An RFC 6901 pointer into the caller's payload for a field of the intent."""
    place = engine.wire_path(_carry(parsed).shape, field)
    return engine.pointer(field if place is None else place)


def translated(parsed: ParsedCommand, protocol: str, wire: WireCall) -> bool:
    """Did the station get other words than the caller's?"""
    if parsed.version == protocol.removesuffix("-S"):
        return bool(wire.more)
    return bool(wire.more) or wire.action != parsed.action or msgspec.json.decode(wire.payload) != parsed.payload


def show_wire(wire: WireCall) -> dict[str, Any]:
    """The payload of a CALL as people may see it: passwords and keys redacted (`sent` of the admin API). Of a command that takes
    several CALLs: `{"calls": [{"action", "payload"}, ...]}`."""
    if wire.more:
        calls = [{"action": each.action, "payload": _shown(each)} for each in (wire, *wire.more)]
        return {"calls": calls}
    return _shown(wire)


def _shown(wire: WireCall) -> dict[str, Any]:
    shown = redact_object(wire.action, msgspec.json.decode(wire.payload))
    assert isinstance(shown, dict)
    return shown


# -- the catalogue ----------------------------------------------------------------------------------------------------


@cache
def commands(version: str | None = None) -> tuple[CommandInfo, ...]:
    """Every action of one vocabulary, or of all (newest first), in alphabetical order."""
    names = VERSIONS if version is None else (version,)
    return tuple(
        CommandInfo(action, name, _schema(request), _schema(response))
        for name in names
        if name in WORDS
        for action, (request, response) in sorted(WORDS[name].types.items())
    )


def _schema(kind: type) -> dict[str, Any]:
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = definitions.pop(kind.__name__)
    return {**own, **({"$defs": definitions} if definitions else {})} if "$ref" in root else root
