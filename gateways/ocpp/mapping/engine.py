"""One table, both ways: how a canonical struct (an intent, a part of one) lies in the JSON object of an OCPP version.

A `Shape` says for every field of the struct whether this version carries it (`fields`), drops it (`lost`), or must not be
sent without it (`refused`). `write` makes the wire object of a struct and names what was lost; `read` is its inverse, for
what a caller says in that version's words. `wire_path` and `intent_path` translate the name of a field, so that
everybody is told about his own. Nothing here knows a version, a station or a connection.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec


class Refuse(Exception):
    """This cannot be carried: `field` is the path in the intent ("profile.schedules[0].id")."""

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class Senseless(ValueError):
    """The request fits its schema and still cannot be meant: `field` is an RFC 6901 pointer."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Codec(msgspec.Struct, frozen=True):
    """How one value is written and read. `out` raises Refuse, `into` ValueError; `says` is for people."""

    out: Callable[[Any], Any]
    into: Callable[[Any], Any]
    says: str = ""


class Field(msgspec.Struct, frozen=True):
    """One field of a struct and its place on the wire, dotted ("evse.id"). `wire` "": its own fields stand in the parent's
    object; None: it is looked at (by `codec`, which may refuse it) and not written.

    `shape`: it is a struct itself; with `many` a tuple of them, with `first` a tuple of which the wire holds one.
    `omit`: a value that the wire leaves out, since it is the wire's default. `fill`: what is written where the struct has
    nothing, made from the struct (None: still nothing)."""

    name: str
    wire: str | None
    codec: Codec | None = None
    shape: "Shape | None" = None
    many: bool = False
    first: bool = False
    omit: Any = None
    fill: Callable[[Any], Any] | None = None


class Shape(msgspec.Struct, frozen=True):
    """`lost` and `refused`: field -> why. `silent`: what only one side needs for itself, so that nobody misses it."""

    of: type
    fields: tuple[Field, ...]
    lost: Mapping[str, str] = {}
    refused: Mapping[str, str] = {}
    silent: tuple[str, ...] = ()


def is_set(struct: Any, name: str) -> bool:
    """Does it say more than nothing?"""
    value = getattr(struct, name)
    if value is None or value == () or value == {}:
        return False
    default = _defaults(struct.__class__).get(name, msgspec.NODEFAULT)
    return default is msgspec.NODEFAULT or bool(value != default)


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


# -- struct -> wire ---------------------------------------------------------------------------------------------------


def write(shape: Shape, struct: Any, lost: list[str], at: str = "", said: str = "") -> dict[str, Any]:
    """The wire object; what it cannot hold is appended to `lost`, elements of a list as `name[]`. `at` and `said` are where
    we are, with and without the number of an element. Raises Refuse."""
    found: dict[str, Any] = {}
    uncarried(shape, struct, lost, at, said)
    for field in shape.fields:
        value = getattr(struct, field.name)
        if (value is None or value == ()) and field.fill is not None:
            value = field.fill(struct)
        if value is None or value == () or (field.omit is not None and value == field.omit):
            continue
        written = _value(field, value, lost, at, said)
        if field.wire == "":
            found.update(written)
        elif field.wire is not None:
            _put(found, field.wire, written)
    return found


def uncarried(shape: Shape, struct: Any, lost: list[str], at: str = "", said: str = "") -> None:
    """What this version has no place for. Raises Refuse."""
    for name, why in shape.refused.items():
        if is_set(struct, name):
            raise Refuse(why, at + name)
    for name in shape.lost:
        if is_set(struct, name) and said + name not in lost:
            lost.append(said + name)


def _value(field: Field, value: Any, lost: list[str], at: str, said: str) -> Any:
    at, said = at + field.name, said + field.name
    if field.shape is not None:
        if field.many:
            return [write(field.shape, item, lost, f"{at}[{n}].", f"{said}[].") for n, item in enumerate(value)]
        if field.first:
            if len(value) > 1:
                lost.append(f"{said}[1:]")
            return write(field.shape, value[0], lost, f"{at}[0].", f"{said}[0].")
        return write(field.shape, value, lost, at + ".", said + ".")
    if field.codec is not None:
        try:
            return field.codec.out(value)
        except Refuse as refused:
            raise Refuse(refused.detail, at + refused.field) from None
    return list(value) if isinstance(value, tuple) else value


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        found = found.setdefault(name, {})
    found[last] = value


# -- wire -> struct ---------------------------------------------------------------------------------------------------


def read(shape: Shape, said: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """The fields of the struct, ready for msgspec.convert. Raises Senseless."""
    found: dict[str, Any] = {}
    for field in shape.fields:
        if field.wire is None:
            continue
        value = said if field.wire == "" else get(said, field.wire)
        if value is None:
            continue
        pointer = f"{at}/{field.wire.replace('.', '/')}" if field.wire else at
        found[field.name] = _read_value(field, value, pointer)
    return found


def _read_value(field: Field, value: Any, pointer: str) -> Any:
    if field.shape is not None:
        if field.many:
            return [read(field.shape, item, f"{pointer}/{n}") for n, item in enumerate(value)]
        one = read(field.shape, value, pointer)
        return [one] if field.first else one
    if field.codec is None:
        return value
    try:
        return field.codec.into(value)
    except Senseless as senseless:
        raise Senseless(pointer + senseless.field, str(senseless)) from None
    except ValueError as error:
        raise Senseless(pointer, str(error)) from None


def get(said: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    found: Any = said
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def unsaid(shape: Shape, said: Mapping[str, Any]) -> list[str]:
    """Dotted names of what the wire object says and no field of the struct takes (customData, above all)."""
    taken = [(path, field) for path, field in _taken(shape)]
    return list(dict.fromkeys(_unsaid(taken, said, "")))


def _taken(shape: Shape) -> Iterator[tuple[str, Field]]:
    for field in shape.fields:
        if field.wire == "" and field.shape is not None:
            yield from _taken(field.shape)
        elif field.wire:
            yield field.wire, field


def _unsaid(taken: list[tuple[str, Field]], said: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, value in said.items():
        here = [(path, field) for path, field in taken if path == name or path.startswith(name + ".")]
        if not here:
            yield at + name
            continue
        whole = next((field for path, field in here if path == name), None)
        if whole is None:
            inner = [(path[len(name) + 1 :], field) for path, field in here]
            if isinstance(value, Mapping):
                yield from _unsaid(inner, value, f"{at}{name}.")
        elif whole.shape is not None:
            inside = list(_taken(whole.shape))
            if isinstance(value, list):
                for item in value:
                    yield from _unsaid(inside, item, f"{at}{name}[].")
            elif isinstance(value, Mapping):
                yield from _unsaid(inside, value, f"{at}{name}.")


# -- names of fields --------------------------------------------------------------------------------------------------

_STEP = re.compile(r"([^.\[\]]+)((?:\[[^\]]*\])?)\.?")


def wire_path(shape: Shape, path: str) -> str | None:
    """The dotted wire name of a field of the struct ("profile.schedules[0].id"); None where the wire has no place for
    it. Of a path that leads into nothing, the last place that there is."""
    found = ""
    for name, index in _STEP.findall(path):
        field = next((field for field in shape.fields if field.name == name), None)
        if field is None or field.wire is None:
            return found or None
        if field.wire:
            found += ("." if found else "") + field.wire + ("" if field.first and index == "[0]" else index)
        if field.shape is None:
            return found or None
        shape = field.shape
    return found or None


def intent_path(shape: Shape, path: str) -> str | None:
    """The struct's name of a dotted wire path; None where nothing of the struct lies there."""
    wire = path
    for field in shape.fields:
        if field.wire is None:
            continue
        if field.wire == "":
            inner = intent_path(field.shape, wire) if field.shape is not None else None
            if inner is not None:
                return f"{field.name}.{inner}"
            continue
        if wire == field.wire or wire.startswith((field.wire + ".", field.wire + "[")):
            rest = wire[len(field.wire) :]
            index, rest = _index(rest)
            name = field.name + ("[0]" if field.first and rest else index)
            inner = intent_path(field.shape, rest) if rest and field.shape is not None else None
            return f"{name}.{inner}" if inner else name
    near = [field.name for field in shape.fields if field.wire and field.wire.startswith(wire + ".")]
    return near[0] if near else None


def _index(rest: str) -> tuple[str, str]:
    index = ""
    if rest.startswith("["):
        index, _, rest = rest.partition("]")
        index += "]"
    return index, rest.lstrip(".")


def pointer(path: str) -> str:
    """An RFC 6901 pointer of a dotted path: `a.b[2].c` is /a/b/2/c, and `a[1:]` /a/1."""
    steps = []
    for name, index in _STEP.findall(path):
        steps.append(name.replace("~", "~0").replace("/", "~1"))
        number = index.strip("[]:")
        if number:
            steps.append(number)
    return "".join("/" + step for step in steps)
