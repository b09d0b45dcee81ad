"""How single values are written in one version and read from it: the codecs that the tables of commands use."""

from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import msgspec

from gateways.ocpp.mapping.engine import Codec, Refuse, Senseless
from gateways.ocpp.times import wire_time

TENTH = Decimal("0.1")


def same(value: Any) -> Any:
    return value


def _decimal(value: float | int) -> Decimal:
    return Decimal(repr(value))


_LARGEST = Decimal("1e15")
"""Beyond, a number in tenths is not exact any more; nothing that charges is near."""


def _tenths(value: Decimal) -> float:
    """Rounded *down*: a limit may be undercut, never exceeded."""
    if not -_LARGEST < value < _LARGEST:
        raise Refuse("is out of the range that OCPP 1.6 can say in tenths")
    return float(value.quantize(TENTH, rounding=ROUND_FLOOR))


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def _integer_id(text: str) -> int:
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdecimal()):
        raise Refuse("OCPP 1.x transactions have integer ids")
    return int(text)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def at_least(least: int) -> Codec:
    """An integer with a lower bound that the schema does not know (PROTOCOLS 8, 4)."""

    def checked(value: int) -> int:
        if value < least:
            raise ValueError(f"must be {least} or greater")
        return value

    def out(value: int) -> int:
        if value < least:
            raise Refuse(f"must be {least} or greater")
        return value

    return Codec(out, checked, f"{least} or greater")


def words(table: Mapping[str, str], what: str, *, back: Mapping[str, str] | None = None, only: bool = True) -> Codec:
    """An enumeration with other names: `table` is canonical -> wire. `back`: where two canonical words are one on the wire,
    the one that is meant; the first in the table otherwise. `only`: other words cannot be carried; they are the same word
    else."""
    inverse: dict[str, str] = {}
    for canonical, wire in table.items():
        inverse.setdefault(wire, canonical)
    inverse.update(back or {})

    def out(value: str) -> str:
        if value not in table and only:
            raise Refuse(f"{what} has no word for {value}")
        return table.get(value, value)

    def into(value: str) -> str:
        return inverse.get(value, value)

    changed = ", ".join(f"{canonical} = {wire}" for canonical, wire in table.items() if canonical != wire)
    return Codec(out, into, changed)


def _location(uri: str) -> str:
    scheme, separator, rest = uri.partition(":")
    if not separator or not rest or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        raise ValueError("must be a URI such as ftp://host/path")
    return uri


def _no_connector(value: int) -> None:
    if value not in (0, 1):
        raise Refuse("an EVSE has one connector in OCPP 1.x")


def _pairs_out(value: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"additionalIdToken": text, "type": kind} for text, kind in value]


def _pairs_into(value: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["additionalIdToken"], item["type"]) for item in value]


def choose(*, true: str, false: str) -> Codec:
    def into(value: str) -> bool:
        return value == true

    return Codec(lambda value: true if value else false, into, f"true = {true}, false = {false}")


def one_of(allowed: Callable[[str], bool], why: str) -> Codec:
    """A word that may only be some."""

    def out(value: str) -> str:
        if not allowed(value):
            raise Refuse(why)
        return value

    def into(value: str) -> str:
        if not allowed(value):
            raise Senseless("", why)
        return value

    return Codec(out, into)


TIME = Codec(wire_time, same, "whole seconds")
TENTHS = Codec(_tenths, _decimal, "rounded down to 0.1")
NUMBER = Codec(_number, _decimal)
INTEGER_ID = Codec(_integer_id, str, "an integer")
JSON_TEXT = Codec(_as_text, same, "JSON as text")
ANY = Codec(same, same)
NOT_NEGATIVE = at_least(0)
POSITIVE = at_least(1)
STATION_IS_0 = Codec(at_least(0).out, lambda value: at_least(0).into(value) or None, "0 is the station")
"""A place whose absence is 0 on the wire."""
LOCATION = Codec(same, _location, "a URI")
ONE_CONNECTOR = Codec(_no_connector, same, "connector 1 only")
PAIRS = Codec(_pairs_out, _pairs_into)
