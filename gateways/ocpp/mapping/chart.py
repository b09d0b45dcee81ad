"""The whole map for people: every command and every message of a station, version by version. Printed from the tables in use."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from actors.model.device_keys import KEYS, VENDOR_COMPONENT
from actors.model.intents import AnyIntent
from gateways.ocpp.mapping import words
from gateways.ocpp.mapping.answers import FROM_1_6, TO_1_5, TO_1_6, TO_2_0_1
from gateways.ocpp.mapping.command import Carry, Version
from gateways.ocpp.mapping.commands_v15 import V15
from gateways.ocpp.mapping.commands_v16 import V16
from gateways.ocpp.mapping.commands_v201 import V201
from gateways.ocpp.mapping.engine import Shape
from gateways.ocpp.mapping.messages import MEANINGS, Told

TABLES: tuple[Version, ...] = (V201, V16, V15)


class FieldView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`field` of the intent or message, `wire` its place in the version's object, `says` how the value changes."""

    field: str
    wire: str
    says: str = ""


class Gap(msgspec.Struct, frozen=True):
    field: str
    why: str


class Way(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way in which a version says it. `when`: for which of them. `said`: an operator may speak so himself."""

    action: str
    when: str = ""
    fields: tuple[FieldView, ...] = ()
    lost: tuple[Gap, ...] = ()
    refused: tuple[Gap, ...] = ()
    said: bool = True
    extension: bool = False


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ways` in the order in which they are tried; `refused`: why nothing (else) can be carried."""

    ways: tuple[Way, ...] = ()
    refused: str = ""


class Row(msgspec.Struct, frozen=True):
    name: str
    says: str
    versions: dict[str, Cell]


class WordTable(msgspec.Struct, frozen=True):
    name: str
    words: dict[str, str]


class KeyView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A configuration key of 1.6 and its variable; `older`: how 1.5 spells it."""

    key: str
    component: str
    variable: str
    instance: str | None = None
    older: str | None = None


class Chart(msgspec.Struct, frozen=True):
    """`versions` newest first. `statuses`: answers that other versions call otherwise, by action."""

    versions: tuple[str, ...]
    commands: tuple[Row, ...]
    messages: tuple[Row, ...]
    words: tuple[WordTable, ...]
    statuses: tuple[WordTable, ...]
    keys: tuple[KeyView, ...]


@cache
def chart() -> Chart:
    return Chart(
        versions=tuple(table.name for table in TABLES),
        commands=tuple(_command(kind) for kind in sorted(get_args(AnyIntent), key=lambda kind: str(kind.__name__))),
        messages=tuple(
            Row(meaning.of.__name__, meaning.says, {table.name: _told(meaning.ways(table.name)) for table in TABLES})
            for meaning in MEANINGS
        ),
        words=tuple(WordTable(name, dict(table)) for name, table in _WORDS.items()),
        statuses=tuple(_statuses()),
        keys=tuple(
            KeyView(key.key, key.component, key.variable, key.instance, words.KEYS_1_5.get(key.key))
            for key in KEYS
            if key.component != VENDOR_COMPONENT
        ),
    )


def _command(kind: Any) -> Row:
    newest = next((carry.action for carry in V201.carries if carry.intent is kind), kind.__name__)
    return Row(kind.__name__, newest, {table.name: _cell(table, kind) for table in TABLES})


def _cell(table: Version, kind: type) -> Cell:
    ways = tuple(_way(carry) for carry in table.carries if carry.intent is kind)
    last = [carry for carry in table.carries if carry.intent is kind][-1:]
    whole = bool(last) and last[0].when is None
    refused, _ = table.cannot.get(kind, ("", None))
    return Cell(ways, "" if whole else refused)


def _way(carry: Carry) -> Way:
    return Way(
        carry.action,
        carry.note,
        tuple(_fields(carry.shape)),
        tuple(_gaps(carry.shape, "lost")),
        tuple(_gaps(carry.shape, "refused")),
        carry.spoken,
        carry.extension,
    )


def _fields(shape: Shape, name: str = "", wire: str = "") -> Iterator[FieldView]:
    for field in shape.fields:
        if field.wire is None:
            continue
        here = name + field.name + ("[]" if field.many else "[0]" if field.first else "")
        there = ".".join(part for part in (wire, field.wire) if part) + ("[]" if field.many and field.wire else "")
        if field.shape is None:
            yield FieldView(here, there, field.codec.says if field.codec is not None else "")
        else:
            yield from _fields(field.shape, here + ".", there)


def _gaps(shape: Shape, kind: str, name: str = "") -> Iterator[Gap]:
    gaps: Mapping[str, str] = shape.lost if kind == "lost" else shape.refused
    for field, why in gaps.items():
        yield Gap(name + field, why)
    for inner in shape.fields:
        if inner.shape is not None:
            yield from _gaps(inner.shape, kind, name + inner.name + ("[]." if inner.many else "[0]." if inner.first else "."))
            if kind == "lost" and inner.first:
                yield Gap(f"{name}{inner.name}[1:]", "one schedule only")


def _told(ways: tuple[Told, ...]) -> Cell:
    return Cell(tuple(map(_told_way, ways)), "" if ways else "has no such message")


def _told_way(told: Told) -> Way:
    fields = tuple(
        FieldView(name, wire, ", ".join(f"{said} = {meant}" for said, meant in told.words.get(name, {}).items() if said != meant))
        for name, wire in told.fields.items()
    )
    lost = tuple(Gap(name, why) for name, why in told.lost.items())
    return Way(told.action, told.note, fields, lost, extension=told.extension)


_WORDS: Mapping[str, Mapping[str, str]] = {
    "Connector status, 1.6 to 2.x": words.STATUS,
    "Reason of a stop, 1.6 to 2.x": words.REASON,
    "Authorisation status, 2.x to 1.x": words.LIST_STATUS,
    "Error code, 1.5 to 1.6": words.ERROR_1_5,
    "Purpose of a charging profile, 2.x to 1.6": words.PURPOSES,
    "Reset, 2.x to 1.x": words.RESETS,
    "Trigger, 2.x to 1.6": words.TRIGGERS,
    "Trigger, 2.x to the 1.6 security extension": words.EXTENDED_TRIGGERS,
    "Certificate use, 2.x to the 1.6 security extension": words.ROOTS,
    "Upload status, 1.x to 2.x": words.LOG_STATUS,
    "Unit, 1.5 to 1.6": words.UNITS_1_5,
}


def _statuses() -> Iterator[WordTable]:
    for says, table in (("1.6 to 2.x", FROM_1_6), ("2.x to 1.6", TO_1_6), ("1.6 to 1.5", TO_1_5), ("1.x to 2.0.1", TO_2_0_1)):
        for action, statuses in table.items():
            yield WordTable(f"{action}, {says}", {said or "(none)": meant for said, meant in statuses.items()})
