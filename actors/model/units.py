"""Units and numbers of meter values, as stations write them, in the base units of the canonical model.

1.6 sends values as text, in Wh or kWh, with a point or a comma, sometimes with an exponent; 2.x adds a power-of-ten
multiplier (PROTOCOLS 5.6). Whatever cannot be read is None: the caller keeps the raw text.
"""

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_MAX_DIGITS = 40
_MAX_EXPONENT = 30
_PLAIN_DIGITS = 18

_KILO = {"kWh": "Wh", "kvarh": "varh", "kVAh": "VAh", "kW": "W", "kVA": "VA", "kvar": "var"}
_SAME = {"Celcius": "Celsius", "Hz": "Hertz", "%": "Percent"}
_KNOWN = {*_KILO, *_KILO.values(), *_SAME.values(), "A", "V", "Celsius", "Fahrenheit", "K", "Percent", "Hertz", "RPM"}
_FOLDED = {unit.lower(): unit for unit in (*_KNOWN, *_SAME)}

_DEFAULT = {
    "Energy": "Wh",
    "Power": "W",
    "Current": "A",
    "Voltage": "V",
    "SoC": "Percent",
    "Temperature": "Celsius",
    "Frequency": "Hertz",
    "RPM": "RPM",
}
_POWER_FOR_ENERGY = {"Wh": "W", "varh": "var", "VAh": "VA"}


def parse_decimal(text: str) -> Decimal | None:
    """`"12,5"`, `" 1.25e3 "`, `"-0"`: a finite number of sane size, or None. Never raises; a number with an exponent
    that would fill memory is none."""
    if len(text) <= _PLAIN_DIGITS and text.isascii() and text.replace(".", "", 1).isdecimal():
        return Decimal(text)  # nearly every value: no sign, no exponent, no comma
    stripped = text.strip()
    if len(stripped) > _MAX_DIGITS or not _NUMBER.fullmatch(stripped):
        return None
    value = Decimal(stripped.replace(",", "."))
    return value if abs(value.adjusted()) <= _MAX_EXPONENT else None


def base_unit(value: Decimal, unit: str | None, measurand: str, multiplier: int = 0) -> tuple[Decimal, str, bool]:
    """`(value, unit, odd)` in the base unit: kWh, kW ... times 1000; `Celcius` is Celsius; case is forgiven.

    `odd`: the unit does not fit the measurand. A power in Wh is taken as W (quirk 24); any other stays as it came.
    A missing unit is the measurand's own. `multiplier`: 2.x power of ten.
    """
    natural = _DEFAULT.get(measurand.split(".", 1)[0], "")
    written = unit or natural
    known = _FOLDED.get(written.lower(), written)
    known = _SAME.get(known, known)
    if multiplier and abs(multiplier) <= _MAX_EXPONENT:
        value = value.scaleb(multiplier)
    if known in _KILO:
        value, known = value * 1000, _KILO[known]
    if measurand.startswith("Power.") and known in _POWER_FOR_ENERGY:
        return value, _POWER_FOR_ENERGY[known], True
    odd = bool(natural) and known != natural and _family(known) != _family(natural)
    return value, known, odd


def _family(unit: str) -> str:
    """Units that may stand for each other: the reactive and apparent siblings, and temperatures."""
    if unit in ("Wh", "varh", "VAh"):
        return "energy"
    if unit in ("W", "var", "VA"):
        return "power"
    if unit in ("Celsius", "Fahrenheit", "K"):
        return "temperature"
    return unit


def to_wh(value: Decimal) -> int:
    """A register in whole Wh, half up."""
    return int((value + Decimal("0.5")).to_integral_value("ROUND_FLOOR"))
