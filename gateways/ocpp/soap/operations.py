"""The table of operations, read: what each version says, with which fields, in which order, in which namespace.

    VERSIONS["ocpp1.5"].centre.operations["Authorize"].request.fields

A `Service` is one side's: `centre` what a station calls, `station` what the centre calls (PROTOCOLS 1.2).
"""

import re
from collections.abc import Callable

import msgspec

from gateways.ocpp.soap import tables

BUILT_IN = frozenset({"string", "int", "decimal", "boolean", "dateTime", "anyURI"})
_FIELD = re.compile(r"(?P<place>[@$]?)(?P<name>\w+)(?P<occurs>[?*+]?) (?P<type>\w+)")


class Simple(msgspec.Struct, frozen=True):
    """Text with a meaning. `base` is XML Schema's type; `name` None: the base itself is meant."""

    name: str | None
    base: str
    longest: int | None = None
    values: tuple[str, ...] = ()


class Complex(msgspec.Struct, frozen=True):
    """Elements in order. `name` None: the content of an operation's own element."""

    name: str | None
    fields: tuple["Field", ...]


class Field(msgspec.Struct, frozen=True):
    """`place`: "" an element, "@" an attribute, "$" the text of the element."""

    name: str
    type: Simple | Complex
    required: bool
    many: bool
    place: str = ""


class Operation(msgspec.Struct, frozen=True):
    action: str
    request: Complex
    response: Complex


class Service(msgspec.Struct, frozen=True):
    """`types`: those with a name, in the order in which each is used first."""

    name: str
    namespace: str
    operations: dict[str, Operation]
    types: dict[str, Simple | Complex]


class Version(msgspec.Struct, frozen=True):
    """`protocol` as in a station's `versions`, `label` as people say, `faults` the namespace of a fault's subcode."""

    protocol: str
    label: str
    centre: Service
    station: Service
    faults: str


def _types(text: str) -> dict[str, Simple | Complex]:
    lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
    made: dict[str, Simple | Complex] = {name: Simple(None, name) for name in BUILT_IN}

    def made_of(name: str) -> Simple | Complex:
        if name not in made:
            made[name] = _type(name, lines[name])
        return made[name]

    def _type(name: str, line: str) -> Simple | Complex:
        base, bounded, longest = line.partition("<=")
        if bounded or line in BUILT_IN:
            return Simple(name, base, int(longest) if bounded else None)
        if " " not in line:
            return Simple(name, "string", None, tuple(line.split("|")))
        return Complex(name, _fields(line, made_of))

    for name in lines:
        made_of(name)
    return made


def _fields(line: str, made_of: Callable[[str], Simple | Complex]) -> tuple[Field, ...]:
    fields = []
    for part in line.split("; ") if line else ():
        match = _FIELD.fullmatch(part)
        assert match is not None, part
        occurs = match["occurs"]
        fields.append(Field(match["name"], made_of(match["type"]), occurs in ("", "+"), occurs in ("*", "+"), match["place"]))
    return tuple(fields)


def _service(name: str, namespace: str, text: str, types: dict[str, Simple | Complex]) -> Service:
    operations = {}
    for line in text.strip().splitlines():
        action, _, said = line.partition(":")
        request, _, response = said.partition("->")
        operations[action] = Operation(
            action,
            Complex(None, _fields(request.strip(), types.__getitem__)),
            Complex(None, _fields(response.strip(), types.__getitem__)),
        )
    used: dict[str, Simple | Complex] = {}
    for operation in operations.values():
        _collect(operation.request, used)
        _collect(operation.response, used)
    return Service(name, namespace, operations, used)


def _collect(kind: Simple | Complex, used: dict[str, Simple | Complex]) -> None:
    if kind.name is not None:
        used[kind.name] = kind
    if isinstance(kind, Complex):
        for field in kind.fields:
            _collect(field.type, used)


def _version(label: str, protocol: str, date: str, faults: str | None, types: str, centre: str, station: str) -> Version:
    known = _types(types)
    heard, said = f"urn://Ocpp/Cs/{date}/", f"urn://Ocpp/Cp/{date}/"
    return Version(
        protocol,
        label,
        _service("CentralSystemService", heard, centre, known),
        _service("ChargePointService", said, station, known),
        faults or heard,
    )


_ALL = (
    _version("1.6", "ocpp1.6-S", "2015/10", None, tables.TYPES_16, tables.CENTRE_16, tables.STATION_16),
    _version("1.5", "ocpp1.5", "2012/06", "urn://Ocpp/2012/02/", tables.TYPES_15, tables.CENTRE_15, tables.STATION_15),
    _version("1.2", "ocpp1.2", "2010/08", None, tables.TYPES_12, tables.CENTRE_12, tables.STATION_12),
)
VERSIONS = {version.protocol: version for version in _ALL}
"""By the name that a station's setting `versions` uses, newest first."""

_BY_NAMESPACE = {
    service.namespace.rstrip("/").lower(): (version, service) for version in _ALL for service in (version.centre, version.station)
}


def of_namespace(namespace: str | None) -> tuple[Version, Service] | None:
    """The version and the side that a namespace belongs to; its final slash may be missing (the text of 1.6 prints it so)."""
    return _BY_NAMESPACE.get((namespace or "").rstrip("/").lower())
