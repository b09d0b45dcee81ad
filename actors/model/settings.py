"""Settings that a station should have: where they stand in its device model, and when a value is the wanted one."""

import re
from decimal import Decimal, InvalidOperation

import msgspec

from actors.model.device import key_for_variable, place_of
from actors.model.device_keys import KEYS
from actors.model.device_standard import standard
from actors.model.intents import VariableRef

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")
_TYPES = {(key.component, key.variable, key.instance): key.type for key in KEYS}


class Setting(msgspec.Struct, frozen=True, omit_defaults=True):
    """`ref` of the device model; with `key_1_6` where it was given as a key of 1.6."""

    ref: VariableRef
    value: str
    attribute: str = "Actual"


def key_of(ref: VariableRef, attribute: str) -> str:
    """What is unique of a setting in a station, without case."""
    component, instance, variable, of, evse, connector = place_of(ref)
    where = f"{component}[{instance}]" if instance else component
    where += f"@{evse}" if evse else ""
    where += f".{connector}" if connector else ""
    name = f"{variable}[{of}]" if of else variable
    return f"{where}/{name}".lower() + ("" if attribute == "Actual" else f"#{attribute.lower()}")


def data_type(ref: VariableRef) -> str | None:
    """By the standard's tables; None where they do not know the variable."""
    known = standard(ref.component, ref.variable, ref.variable_instance)
    if known is not None:
        return known.type
    return _TYPES.get((ref.component, ref.variable, ref.variable_instance))


def same_value(ref: VariableRef, wanted: str, actual: str | None) -> bool:
    """Is it the wanted value, as its data type says? Booleans in any case, numbers by what they say, lists without regard to
    blanks; of a list of members (MemberList) not even to the order. Where no table knows the type, by what both look like."""
    if actual is None:
        return False
    wanted, actual = wanted.strip(), actual.strip()
    if wanted == actual:
        return True
    kind = data_type(ref)
    if kind in ("integer", "decimal"):
        return _same_number(wanted, actual)
    if kind == "MemberList":
        return _items(wanted, fold=True) == _items(actual, fold=True)
    if kind in ("SequenceList", "OptionList"):
        return _items(wanted) == _items(actual)
    if kind == "boolean" or {wanted.lower(), actual.lower()} <= {"true", "false"}:
        return wanted.lower() == actual.lower()
    if kind is None and _NUMBER.fullmatch(wanted) and _NUMBER.fullmatch(actual):
        return _same_number(wanted, actual)
    return kind in (None, "string") and "," in wanted and _items(wanted) == _items(actual)


def _same_number(wanted: str, actual: str) -> bool:
    try:
        return Decimal(wanted) == Decimal(actual)
    except InvalidOperation:
        return False


def _items(text: str, *, fold: bool = False) -> list[str]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    return sorted({item.lower() for item in items}) if fold else items


def can_be_carried(setting: Setting, protocol: str) -> bool:
    """Has the version words for it? Keys of 1.x stand for one value each, of variables that the tables know."""
    if not protocol or protocol.startswith("ocpp2"):
        return True
    return setting.attribute == "Actual" and key_for_variable(setting.ref) is not None
