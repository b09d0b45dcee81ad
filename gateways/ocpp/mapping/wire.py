"""An intent in the words of a version, as its wire structs: the tables applied, and the result held against the schema.

What leaves here is valid by the version's own strict types; what those refuse comes back as Unsupported with the
intent's field, in plain words.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.command import Version, pieces
from gateways.ocpp.mapping.engine import Refuse

Types = Mapping[str, tuple[type, type]]
"""Action -> (request, response), as the rooms of the versions have them."""

_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_LONG = re.compile(r"Expected `str` of length <= (?P<most>\d+)")
_MANY = re.compile(r"Expected `array` of length <= (?P<most>\d+)")
_FEW = re.compile(r"Expected `array` of length >= (?P<least>\d+)")
_ENUM = re.compile(r"Invalid enum value (?P<value>.+)")


class Call(msgspec.Struct, frozen=True):
    """What goes out: `lost` names fields of the intent that this version cannot carry, `more` what follows as CALLs of their
    own, in order."""

    action: str
    request: Any
    lost: tuple[str, ...] = ()
    more: tuple["Call", ...] = ()


def to_call(version: Version, types: Types, intent: i.AnyIntent) -> Call | i.Unsupported:
    """Never raises."""
    lost: list[str] = []
    try:
        carry = version.to(intent)
        calls = [_valid(version, types, carry.shape, action, payload) for action, payload in pieces(carry, intent, lost)]
    except Refuse as refused:
        return i.Unsupported(refused.detail, refused.field or None)
    first, *rest = calls
    return msgspec.structs.replace(first, lost=tuple(dict.fromkeys(lost)), more=tuple(rest))


def _valid(version: Version, types: Types, shape: engine.Shape, action: str, payload: dict[str, Any]) -> Call:
    if action not in types:
        raise Refuse(f"{version.says} has no {action}")
    try:
        return Call(action, msgspec.convert(payload, types[action][0]))
    except msgspec.ValidationError as error:
        detail, path = in_words(str(error), version.says)
        raise Refuse(detail, engine.intent_path(shape, path) or "") from None


def in_words(error: str, says: str) -> tuple[str, str]:
    """A complaint of msgspec for people, and the dotted wire path that it is about."""
    at = _AT.search(error)
    path = at["path"] if at else ""
    text = _AT.sub("", error)
    if missing := _MISSING.match(text):
        return f"{says} needs it", f"{path}.{missing['name']}".lstrip(".")
    if long := _LONG.match(text):
        return f"{says} takes at most {long['most']} characters", path
    if many := _MANY.match(text):
        return f"{says} takes at most {many['most']}", path
    if few := _FEW.match(text):
        return f"{says} needs at least {few['least']}", path
    if enum := _ENUM.match(text):
        return f"{says} does not know {enum['value']}", path
    return f"{says}: {text}", path
