"""1.6 payloads that break their schema and can still be understood: made into the strict Structs, with a flag for each mend.

Three tiers (DESIGN 5): what the schema accepts never comes here; what has one plausible meaning is accepted and flagged; the
rest is refused with the error code that the specification names. What is plausible is data (quirks.toml) or the type
of a field: a number written as text, a null, a field in other case, a time without zone.
"""

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args, get_origin

import msgspec

from gateways.ocpp.fields import inner_type, max_length
from gateways.ocpp.limits import MENDED_ITEMS
from gateways.ocpp.v16.messages import Wire

QUIRKS: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("quirks.toml").read_text(encoding="utf-8"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNCUT = frozenset(QUIRKS["uncut"]["fields"])
_CLOCK = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2}))?")
_INTEGER = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,9})?")
_MILLISECONDS_FROM = 10**11


class BadPayload(Exception):
    """`code` is the 1.6 error code; `detail` names the field."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def classify(error: Exception) -> BadPayload:
    """The error code for what msgspec found wrong."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        if "missing required field" in text:
            return BadPayload("OccurenceConstraintViolation", text)
        if "unknown field" in text:
            return BadPayload("FormationViolation", text)
        if "length" in text or "enum value" in text or "multiple of" in text or "`int` <=" in text or "`int` >=" in text:
            return BadPayload("PropertyConstraintViolation", text)
        return BadPayload("TypeConstraintViolation", text)
    return BadPayload("FormationViolation", "the payload is not JSON")


class _Field(msgspec.Struct, frozen=True):
    name: str
    wire: str
    type: Any
    required: bool
    longest: int | None
    key: str
    """Under which quirks.toml knows it."""


def mend(kind: type[Wire], payload: bytes) -> tuple[Any, tuple[str, ...]]:
    """(the message, flags). Raises BadPayload."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise classify(error) from None
    flags: dict[str, None] = {}
    return _struct(kind, value, flags, ""), tuple(flags)


@cache
def _fields(kind: type[Wire]) -> dict[str, _Field]:
    found = {}
    for field in msgspec.structs.fields(kind):
        key = f"{kind.__name__}.{field.encode_name}"
        found[field.encode_name.lower()] = _Field(
            field.name, field.encode_name, inner_type(field.type), field.required, max_length(field.type), key
        )
    return found


def _struct(kind: type[Wire], value: Any, flags: dict[str, None], at: str) -> Any:
    if not isinstance(value, dict):
        raise BadPayload("TypeConstraintViolation", f"expected an object at {at or '/'}")
    fields = _fields(kind)
    given: dict[str, Any] = {}
    for name, content in value.items():
        field = fields.get(name.lower())
        if field is None:
            flags["unknown_field"] = None
        elif content is None:
            flags["null"] = None
        elif field.wire not in given or name == field.wire:
            given[field.wire] = content
    built = {}
    for field in fields.values():
        where = f"{at}/{field.wire}"
        if field.wire in given:
            mended = _value(field, given[field.wire], flags, where)
            if mended is not msgspec.UNSET:
                built[field.name] = mended
                continue
        if field.required:
            built[field.name] = _absent(field, flags, where)
    return kind(**built)


def _absent(field: _Field, flags: dict[str, None], at: str) -> Any:
    absent = QUIRKS["absent"]
    if field.key not in absent:
        raise BadPayload("OccurenceConstraintViolation", f"{at} is missing")
    flags[f"{field.wire}_missing"] = None
    value = absent[field.key]
    return EPOCH if value == "epoch" else [] if value == [] else value


def _value(field: _Field, value: Any, flags: dict[str, None], at: str) -> Any:
    kind = field.type
    if kind is str:
        return _text(field, value, flags, at)
    if kind is int:
        return _integer(value, flags, at)
    if kind is datetime:
        return _time(value, flags)
    if get_origin(kind) is Literal:
        return _enum(field, value, flags, at)
    if get_origin(kind) is list:
        return _list(kind, value, flags, at)
    if isinstance(kind, type) and issubclass(kind, Wire):
        return _struct(kind, value, flags, at)
    raise BadPayload("TypeConstraintViolation", at)


def _text(field: _Field, given: Any, flags: dict[str, None], at: str) -> str:
    if isinstance(given, (bool, int, float)):
        flags["type"] = None
        given = msgspec.json.encode(given).decode()
    if not isinstance(given, str):
        raise BadPayload("TypeConstraintViolation", f"expected a text at {at}")
    value: str = given
    if "\x00" in value:
        flags["nul"] = None
        value = value.replace("\x00", "")
    if field.longest is not None and len(value) > field.longest:
        flags["length"] = None
        if field.wire not in _UNCUT:
            value = value[: field.longest]
        elif len(value) > 4 * field.longest:
            raise BadPayload("PropertyConstraintViolation", f"{at} is longer than {field.longest} characters")
    return value


def _integer(value: Any, flags: dict[str, None], at: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = float(value.replace(",", ".")) if any(c in value for c in ".,") else int(value)
        flags["type"] = None
    if isinstance(value, float) and abs(value) < 2**53:
        flags["type"] = None
        value = round(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadPayload("TypeConstraintViolation", f"expected an integer at {at}")
    if abs(value) >= 2**63:
        raise BadPayload("PropertyConstraintViolation", f"{at} does not fit into 64 bits")
    return value


def _time(value: Any, flags: dict[str, None]) -> Any:
    """UNSET when it cannot be read: a required time then counts as absent."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 10**14:
        flags["time_format"] = None
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
    if not isinstance(value, str):
        flags["time_format"] = None
        return msgspec.UNSET
    text = value.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        flags["time_format"] = None
        match = _CLOCK.match(text)
        if match is None:
            return msgspec.UNSET
        try:
            at = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        except ValueError:
            return msgspec.UNSET
    if at.tzinfo is None:
        flags["time_zone"] = None
        at = at.replace(tzinfo=UTC)
    return at


def _enum(field: _Field, value: Any, flags: dict[str, None], at: str) -> Any:
    choices = get_args(field.type)
    if value in choices:
        return value
    flags["enum"] = None
    if not isinstance(value, str):
        raise BadPayload("TypeConstraintViolation", f"expected a text at {at}")
    rules = _rules(field)
    folded = {choice.lower(): choice for choice in choices}
    folded |= {alias.lower(): choice for alias, choice in rules.get("aliases", {}).items()}
    found = folded.get(value.strip().lower())
    if found is not None:
        return found
    other = rules.get("other")
    if other is None:
        raise BadPayload("PropertyConstraintViolation", f"{value[:50]!r} is no value of {at}")
    return value.replace("\x00", "")[:50] if other == "keep" else other


def _rules(field: _Field) -> dict[str, Any]:
    enums = QUIRKS["enum"]
    by_struct = field.key.partition(".")[0]
    rules: dict[str, Any] = enums.get(by_struct) or enums.get(field.wire) or {}
    return rules


def _list(kind: Any, value: Any, flags: dict[str, None], at: str) -> list[Any]:
    (item,) = get_args(kind)
    item = inner_type(item)
    if isinstance(value, dict):
        flags["list"] = None
        value = [value]
    if not isinstance(value, list):
        raise BadPayload("TypeConstraintViolation", f"expected a list at {at}")
    if len(value) > MENDED_ITEMS:
        raise BadPayload("PropertyConstraintViolation", f"{at} has more than {MENDED_ITEMS} elements and does not fit its schema")
    found = []
    for n, element in enumerate(value):
        if element is None:
            flags["null"] = None
            continue
        try:
            found.append(_struct(item, element, flags, f"{at}/{n}"))
        except BadPayload:
            # One unreadable sample must not cost the others.
            flags["sample_unreadable"] = None
    return found
