"""Payloads that break their schema and can still be understood: made into the strict Structs, with a flag for each mend.

Three tiers (DESIGN 5): what the schema accepts never comes here; what has one plausible meaning is accepted and flagged; the
rest is refused with the error code that the specification names. What is plausible is data (the registry, quirks/) or the
type of a field: a number written as text, a null, a field in other case, a time without zone.
"""

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET

from actors.model.units import parse_decimal
from gateways.ocpp.dialect import BadPayload
from gateways.ocpp.fields import bounds, inner_type, lengths, max_length
from gateways.ocpp.limits import MENDED_ITEMS
from gateways.ocpp.quirks import EnumRule, Rules
from gateways.ocpp.quirks.registry import KINDS
from gateways.ocpp.rpc import Codes
from gateways.ocpp.times import EPOCH

_CLOCK = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2}))?")
_INTEGER = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,9})?")
_MILLISECONDS_FROM = 10**11
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SAMPLES = frozenset({"meterValue", "sampledValue", "transactionData"})
_NO_RULE = EnumRule()


class _Field(msgspec.Struct, frozen=True):
    name: str
    wire: str
    type: Any
    required: bool
    longest: int | None
    least: float | None
    most: float | None
    fewest: int
    many: int | None
    key: str
    """Under which the registry knows it."""


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    found = {}
    for field in msgspec.structs.fields(kind):
        least, most = bounds(field.type)
        fewest, many = lengths(field.type)
        found[field.encode_name.lower()] = _Field(
            field.name, field.encode_name, inner_type(field.type), field.required, max_length(field.type), least, most,
            fewest, many, f"{kind.__name__}.{field.encode_name}",
        )  # fmt: skip
    return found


def classify(error: Exception, codes: Codes) -> BadPayload:
    """The error code for what msgspec found wrong."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        if "missing required field" in text:
            return BadPayload(codes.occurrence, text)
        if "unknown field" in text:
            return BadPayload(codes.formation, text)
        if "`array` of length" in text and codes.counts_items:
            return BadPayload(codes.occurrence, text)
        if "length" in text or "enum value" in text or "multiple of" in text or "` <=" in text or "` >=" in text:
            return BadPayload("PropertyConstraintViolation", text)
        return BadPayload("TypeConstraintViolation", text)
    return BadPayload(codes.formation, "the payload is not JSON")


@lru_cache(maxsize=KINDS)
def mending(rules: Rules, codes: Codes) -> "Mending":
    """One for all stations of a kind."""
    return Mending(rules, codes)


class Mending:
    """For stations with these rules, in a version with these error codes. Holds no state."""

    def __init__(self, rules: Rules, codes: Codes) -> None:
        self.codes = codes
        self._absent_as = rules.absent
        self._enums = rules.enum
        self._uncut = rules.uncut
        self._kept = rules.droppable

    def mend(self, kind: type[msgspec.Struct], payload: bytes) -> tuple[Any, tuple[str, ...]]:
        """(the message, flags). Raises BadPayload."""
        try:
            value = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise classify(error, self.codes) from None
        flags: dict[str, None] = {}
        return self._struct(kind, value, flags, ""), tuple(flags)

    def _struct(self, kind: type[msgspec.Struct], value: Any, flags: dict[str, None], at: str) -> Any:
        if not isinstance(value, dict):
            raise BadPayload("TypeConstraintViolation", f"expected an object at {at or '/'}")
        fields = _fields(kind)
        given: dict[str, Any] = {}
        for name, content in value.items():
            field = fields.get(name.lower())
            if field is None:
                if kind.__struct_config__.forbid_unknown_fields:
                    flags["unknown_field"] = None
            elif content is None and field.type is not Any:
                flags["null"] = None
            elif field.wire not in given or name == field.wire:
                given[field.wire] = content
        built = {}
        for field in fields.values():
            where = f"{at}/{field.wire}"
            if field.wire in given:
                mended = self._value(field, field.type, given[field.wire], flags, where)
                if mended is not UNSET:
                    built[field.name] = mended
                    continue
            if field.required:
                built[field.name] = self._absent(field, flags, where)
        return kind(**built)

    def _absent(self, field: _Field, flags: dict[str, None], at: str) -> Any:
        absent = self._absent_as
        if field.key not in absent:
            raise BadPayload(self.codes.occurrence, f"{at} is missing")
        flags[f"{field.wire}_missing"] = None
        value = absent[field.key]
        return EPOCH if value == "epoch" else [] if value == [] else value

    def _value(self, field: _Field, kind: Any, value: Any, flags: dict[str, None], at: str) -> Any:
        """UNSET: as if it were absent."""
        if kind is str:
            return self._text(field, value, flags, at)
        if kind is int:
            return _integer(field, value, flags, at)
        if kind is float:
            return _number(value, flags, at)
        if kind is bool:
            return _bool(value, flags, at)
        if kind is datetime:
            return _time(value, flags)
        if kind is Any:
            return value
        if get_origin(kind) is Literal:
            return self._enum(field, kind, value, flags, at)
        if get_origin(kind) is list:
            return self._list(field, kind, value, flags, at)
        if field.wire == "customData":
            return self._custom(kind, value, flags, at)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, flags, at)
        raise BadPayload("TypeConstraintViolation", at)

    def _custom(self, kind: Any, value: Any, flags: dict[str, None], at: str) -> Any:
        """Nobody reads it: one that is wrong is none."""
        try:
            return self._struct(kind, value, flags, at)
        except BadPayload:
            flags["custom_data"] = None
            return UNSET

    def _text(self, field: _Field, given: Any, flags: dict[str, None], at: str) -> str:
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
            if field.wire not in self._uncut:
                value = value[: field.longest]
            elif len(value) > 4 * field.longest:
                raise BadPayload("PropertyConstraintViolation", f"{at} is longer than {field.longest} characters")
        return value

    def _enum(self, field: _Field, kind: Any, value: Any, flags: dict[str, None], at: str) -> Any:
        choices = get_args(kind)
        if value in choices:
            return value
        flags["enum"] = None
        if not isinstance(value, str):
            raise BadPayload("TypeConstraintViolation", f"expected a text at {at}")
        rules = self._rules(field)
        folded = {choice.lower(): choice for choice in choices}
        folded |= {alias.lower(): choice for alias, choice in rules.aliases.items()}
        found = folded.get(value.strip().lower())
        if found is not None:
            return found
        other = rules.other
        if other is None:
            raise BadPayload("PropertyConstraintViolation", f"{value[:50]!r} is no value of {at}")
        if other == "drop":
            return UNSET
        return value.replace("\x00", "")[:50] if other == "keep" else other

    def _rules(self, field: _Field) -> EnumRule:
        by_struct = field.key.partition(".")[0]
        return self._enums.get(by_struct) or self._enums.get(field.wire) or _NO_RULE

    def _list(self, field: _Field, kind: Any, value: Any, flags: dict[str, None], at: str) -> Any:
        (item,) = get_args(kind)
        item = inner_type(item)
        alone = dict if isinstance(item, type) and issubclass(item, msgspec.Struct) else (str, int)
        if isinstance(value, alone):
            flags["list"] = None
            value = [value]
        if not isinstance(value, list):
            raise BadPayload("TypeConstraintViolation", f"expected a list at {at}")
        if len(value) > MENDED_ITEMS:
            raise BadPayload(
                "PropertyConstraintViolation", f"{at} has more than {MENDED_ITEMS} elements and does not fit its schema"
            )
        found = []
        for n, element in enumerate(value):
            if element is None:
                flags["null"] = None
                continue
            try:
                found.append(self._value(field, item, element, flags, f"{at}/{n}"))
            except BadPayload:
                if field.wire not in self._kept:
                    raise
                # One unreadable sample must not cost the others.
                flags["sample_unreadable" if field.wire in _SAMPLES else "item_unreadable"] = None
        if len(found) < field.fewest and self._absent_as.get(field.key) != []:
            flags["empty"] = None
            return UNSET
        if field.many is not None and len(found) > field.many:
            if field.wire not in self._kept:
                raise BadPayload(self.codes.occurrence, f"{at} has more than {field.many} elements")
            flags["length"] = None
        return found


def _integer(field: _Field, value: Any, flags: dict[str, None], at: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = float(value.replace(",", ".")) if any(c in value for c in ".,") else int(value)
        flags["type"] = None
    if isinstance(value, float) and abs(value) < 2**53:
        flags["type"] = None
        value = round(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadPayload("TypeConstraintViolation", f"expected an integer at {at}")
    if (field.least is not None and value < field.least) or (field.most is not None and value > field.most):
        raise BadPayload("PropertyConstraintViolation", f"{at} is not between {field.least} and {field.most}")
    return value


def _number(value: Any, flags: dict[str, None], at: str) -> float:
    if isinstance(value, str):
        read = parse_decimal(value)
        if read is not None:
            flags["type"] = None
            return float(read)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise BadPayload("TypeConstraintViolation", f"expected a number at {at}")
    try:
        return float(value)
    except OverflowError:
        raise BadPayload("PropertyConstraintViolation", f"{at} is too large a number") from None


def _bool(value: Any, flags: dict[str, None], at: str) -> bool:
    read = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if read is None:
        raise BadPayload("TypeConstraintViolation", f"expected true or false at {at}")
    if value is not read:
        flags["type"] = None
    return read


def _time(value: Any, flags: dict[str, None]) -> Any:
    """UNSET when it cannot be read: a required time then counts as absent."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 10**14:
        flags["time_format"] = None
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
    if not isinstance(value, str):
        flags["time_format"] = None
        return UNSET
    text = value.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        flags["time_format"] = None
        match = _CLOCK.match(text)
        if match is None:
            return UNSET
        try:
            at = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        except ValueError:
            return UNSET
    if at.tzinfo is None:
        flags["time_zone"] = None
        at = at.replace(tzinfo=UTC)
    return at
