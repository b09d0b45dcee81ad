"""What a field's type says, and every wrong field of a payload at once: msgspec itself stops at the first.

`wrong_fields` is for people's input (the admin API), never on a station's path: it decodes each field on its own.
"""

import re
import types
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

_PATH = re.compile(r" - at `\$[^`]*`$")
_OWN = re.compile(r" - at `\.(\w+)`$")
"""How a Struct's own check (`__post_init__`) names its field."""


def wrong_fields(kind: Any, value: Any, pointer: str = "") -> list[tuple[str, str]]:
    """(pointer, what is wrong) for each field of `value`, JSON data, that does not fit `kind`; [] when all fit."""
    detail = _wrong(kind, value)
    if detail is None:
        return []
    inner = inner_type(kind)
    found: list[tuple[str, str]] = []
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, dict):
        found = _of_struct(inner, value, pointer)
    elif get_origin(inner) is list and isinstance(value, list):
        (item,) = get_args(inner)
        for n, element in enumerate(value):
            found += wrong_fields(item, element, f"{pointer}/{n}")
    if found:
        return found
    named = _OWN.search(detail)
    return [(f"{pointer}/{named[1]}", _OWN.sub("", detail))] if named else [(pointer, detail)]


def _of_struct(kind: type[msgspec.Struct], value: dict[str, Any], pointer: str) -> list[tuple[str, str]]:
    found = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        at = f"{pointer}/{_escape(name)}"
        if name in value:
            found += wrong_fields(field.type, value[name], at)
        elif field.required:
            found.append((at, "is required"))
    for name in value.keys() - fields.keys():
        found.append((f"{pointer}/{_escape(name)}", "is not a field of this object"))
    return found


def _wrong(kind: Any, value: Any) -> str | None:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError as error:
        return _PATH.sub("", str(error))
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, OverflowError):
        return "cannot be read as JSON"
    return None


def inner_type(kind: Any) -> Any:
    """The type inside Annotated and an optional (`X | UnsetType`)."""
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind = get_args(kind)[0]
        elif origin in (Union, types.UnionType):
            present = [arg for arg in get_args(kind) if arg is not msgspec.UnsetType]
            if len(present) != 1:
                return kind
            kind = present[0]
        else:
            return kind


def max_length(kind: Any) -> int | None:
    """The longest text that a field's type allows; None without a bound."""
    if get_origin(kind) is Annotated:
        bounds = (getattr(meta, "max_length", None) for meta in get_args(kind)[1:])
        return next((bound for bound in bounds if bound is not None), None)
    if get_origin(kind) in (Union, types.UnionType):
        return next((found for found in map(max_length, get_args(kind)) if found is not None), None)
    return None


def bounds(kind: Any) -> tuple[float | None, float | None]:
    """(least, most) of a number's type; None without a bound."""
    metas = _metas(kind)
    return (
        next((meta.ge for meta in metas if meta.ge is not None), None),
        next((meta.le for meta in metas if meta.le is not None), None),
    )


def lengths(kind: Any) -> tuple[int, int | None]:
    """(fewest, most) elements of a list's type."""
    metas = _metas(kind)
    return (
        next((meta.min_length for meta in metas if meta.min_length is not None), 0),
        next((meta.max_length for meta in metas if meta.max_length is not None), None),
    )


def _metas(kind: Any) -> list[msgspec.Meta]:
    """What the type of a field says of itself; not of its elements."""
    if get_origin(kind) is Annotated:
        return [meta for meta in get_args(kind)[1:] if isinstance(meta, msgspec.Meta)]
    if get_origin(kind) in (Union, types.UnionType):
        return [meta for arg in get_args(kind) for meta in _metas(arg)]
    return []


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
