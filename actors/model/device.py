"""The device model: what a station says about itself, in components and variables (OCPP 2.x part 1, annex E).

1.6 stations speak in configuration keys. `variable_for_key` and `key_for_variable` carry a key to its place and back,
exactly, spelling included (device_keys.py is the table); a key that no standard variable can carry stands under the
component `OCPP16`. `merge` folds a station's report into what is known. Passwords are never kept.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from actors.model.device_keys import KEYS, LIMITS, PROFILES, RATE_UNITS, VALUES, VENDOR_COMPONENT, Key, Mutability
from actors.model.device_standard import standard
from actors.model.intents import ReportedVariable, VariableRef
from actors.model.limits import MAX_KEY_VALUE

REDACTED = "***"

_BY_KEY = {key.key.lower(): key for key in KEYS}
_BY_VARIABLE = {(key.component, key.variable, key.instance): key for key in KEYS}
_METER_PUBLIC_KEY = re.compile(r"MeterPublicKey([1-9][0-9]{0,3})")
_PRICE_TEXT = re.compile(r"DefaultPriceText,(.{1,40})")
_SECRET = re.compile(
    r"passw|passphrase|secret|psk$|private.?key|api.?key|authorizationkey|pincode",
    re.IGNORECASE,
)

_NETWORK = re.compile(r"wifi|wlan|wpa|vpn", re.IGNORECASE)
_NETWORK_SECRET = re.compile(r"key|pass|pin", re.IGNORECASE)
"""Looked for one after the other: as one expression they take minutes over a long key, and keys are what stations say."""

Place = tuple[str, str | None, str, str | None, int | None, int | None]
"""(component, its instance, variable, its instance, evse, connector): what makes a variable unique in a station."""


class Attribute(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`type`: Actual, Target, MinSet, MaxSet. `value` is None where it may not be read."""

    value: str | None = None
    type: str = "Actual"
    mutability: str = "ReadWrite"
    persistent: bool = False
    constant: bool = False


class Characteristics(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename="camel"):
    """Of OCPP 2.x VariableCharacteristics."""

    data_type: str = "string"
    supports_monitoring: bool = False
    unit: str | None = None
    min_limit: float | None = None
    max_limit: float | None = None
    values_list: str | None = None


class Variable(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    ref: VariableRef
    attributes: tuple[Attribute, ...] = ()
    characteristics: Characteristics = Characteristics()

    @property
    def place(self) -> Place:
        return place_of(self.ref)

    def attributes_json(self) -> list[dict[str, Any]]:
        """As VariableRow keeps them: every member spelt out."""
        return [{name: getattr(a, name) for name in Attribute.__struct_fields__} for a in self.attributes]

    def characteristics_json(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self.characteristics)
        return {"dataType": "string", "supportsMonitoring": False, **found}


def place_of(ref: VariableRef) -> Place:
    return (ref.component, ref.component_instance, ref.variable, ref.variable_instance, ref.evse, ref.connector)


def variable_for_key(key: str) -> VariableRef:
    """Where a 1.6 key lives. Keys are case-insensitive; the spelling is kept in `key_1_6`."""
    known = _BY_KEY.get(key.lower())
    if known is not None:
        return VariableRef(known.component, known.variable, variable_instance=known.instance, key_1_6=key)
    meter = _METER_PUBLIC_KEY.fullmatch(key)
    if meter is not None:
        return VariableRef("FiscalMetering", "PublicKey", evse=int(meter[1]), key_1_6=key)
    price = _PRICE_TEXT.fullmatch(key)
    if price is not None:
        return VariableRef("TariffCostCtrlr", "TariffFallbackMessage", variable_instance=price[1], key_1_6=key)
    return VariableRef(VENDOR_COMPONENT, key, key_1_6=key)


def key_for_variable(ref: VariableRef) -> str | None:
    """The 1.6 key of a variable; None where 1.6 has none."""
    if ref.key_1_6 is not None:
        return ref.key_1_6
    if ref.component == VENDOR_COMPONENT:
        return ref.variable
    if ref.component_instance is None and ref.connector is None:
        if ref.component == "FiscalMetering" and ref.variable == "PublicKey" and ref.evse:
            return f"MeterPublicKey{ref.evse}"
        if ref.component == "TariffCostCtrlr" and ref.variable == "TariffFallbackMessage" and ref.variable_instance:
            return f"DefaultPriceText,{ref.variable_instance}"
        known = _BY_VARIABLE.get((ref.component, ref.variable, ref.variable_instance))
        if known is not None and not ref.evse:
            return known.key
    return None


def mutability(ref: VariableRef) -> Mutability:
    """What the standard says of who may write it; ReadWrite where it says nothing."""
    known = _BY_KEY.get((ref.key_1_6 or "").lower()) or _BY_VARIABLE.get(_standard(ref))
    return known.mutability if known is not None else "ReadWrite"


def is_secret(ref: VariableRef) -> bool:
    """May its value be shown? Standard write-only variables, and vendor keys that sound like a password."""
    return _sounds_secret(ref.variable) or _sounds_secret(ref.key_1_6 or "")


@lru_cache(maxsize=4096)
def _sounds_secret(name: str) -> bool:
    if _SECRET.search(name):
        return True
    network = _NETWORK.search(name)
    return network is not None and _NETWORK_SECRET.search(name, network.end()) is not None


def redact(ref: VariableRef, value: str | None) -> str | None:
    return REDACTED if value and is_secret(ref) else value


def value_for_16(ref: VariableRef, value: str) -> str:
    """A value in 2.x words as the 1.6 key wants it. A caller who spoke 1.6 (`key_1_6`) is not translated."""
    if ref.key_1_6 is not None:
        return value
    if ref.component == "SmartChargingCtrlr" and ref.variable == "RateUnit":
        words = {unit: word for word, unit in RATE_UNITS.items()}
        return ",".join(words.get(item.strip(), item.strip()) for item in value.split(","))
    if ref.component == "SecurityCtrlr" and ref.variable == "BasicAuthPassword":
        # 1.6 writes the key as hexadecimal digits of its bytes, 2.x as text (PROTOCOLS 2.3).
        return value.encode().hex().upper()
    return value


def value_from_16(key: str, value: str) -> str:
    """A 1.6 key's value in 2.x words: rate units, and booleans in lower case (stations write them in any)."""
    known = _BY_KEY.get(key.lower())
    if known is None:
        return value
    if known.variable == "RateUnit":
        return ",".join(RATE_UNITS.get(item.strip(), item.strip()) for item in value.split(","))
    if known.type == "boolean" and value.strip().lower() in ("true", "false"):
        return value.strip().lower()
    return value


def merge(known: Mapping[Place, Variable], reported: Iterable[ReportedVariable]) -> tuple[Variable, ...]:
    """What changed in the device model through a report: the new or changed variables, whole.

    Keys that state another key's maxLimit set it there as well; SupportedFeatureProfiles sets `Available` of the
    components behind them. Variables that the station does not know are not kept.
    """
    changed: dict[Place, Variable] = {}

    def current(ref: VariableRef) -> Variable | None:
        place = place_of(ref)
        return changed.get(place) or known.get(place)

    def put(variable: Variable) -> None:
        changed[variable.place] = variable

    for report in reported:
        if report.status != "Accepted":
            continue
        put(_reported(report, current(report.ref)))
        key = report.ref.key_1_6 or ""
        limit = _limit(key, report.value)
        if limit is not None:
            ref, most = limit
            target = current(ref) or Variable(ref, (), _characteristics(_BY_VARIABLE.get(_standard(ref)), *_standard(ref)))
            put(msgspec.structs.replace(target, characteristics=_with_limit(target.characteristics, most)))
        if key.lower() == "supportedfeatureprofiles" and report.value is not None:
            for variable in _available(report.value):
                put(variable)
    return tuple(variable for place, variable in changed.items() if known.get(place) != variable)


def from_boot(
    *,
    vendor: str,
    model: str,
    serial: str | None = None,
    firmware: str | None = None,
    iccid: str | None = None,
    imsi: str | None = None,
    meter_type: str | None = None,
    meter_serial: str | None = None,
) -> tuple[Variable, ...]:
    """What a BootNotification tells, in the places where 2.x keeps it (PROTOCOLS 5.4)."""
    rows = (
        ("ChargingStation", "VendorName", vendor),
        ("ChargingStation", "Model", model),
        ("ChargingStation", "SerialNumber", serial),
        ("Controller", "FirmwareVersion", firmware),
        ("DataLink", "ICCID", iccid),
        ("DataLink", "IMSI", imsi),
        ("FiscalMetering", "Model", meter_type),
        ("FiscalMetering", "SerialNumber", meter_serial),
    )
    return tuple(
        Variable(
            VariableRef(component, variable),
            (Attribute(value[:MAX_KEY_VALUE], mutability="ReadOnly"),),
            _characteristics(None, component, variable, None),
        )
        for component, variable, value in rows
        if value
    )


def _standard(ref: VariableRef) -> tuple[str, str, str | None]:
    return (ref.component, ref.variable, ref.variable_instance)


def _reported(report: ReportedVariable, before: Variable | None) -> Variable:
    ref = report.ref
    if before is not None and ref.key_1_6 is None and before.ref.key_1_6 is not None:
        # The operator wrote in 2.x words what the station told in 1.6: it is still that key.
        ref = before.ref
    key = _BY_KEY.get((ref.key_1_6 or "").lower()) or _BY_VARIABLE.get(_standard(ref))
    kind = report.attribute
    attributes = before.attributes if before is not None else ()
    old = next((a for a in attributes if a.type == kind), None)
    mutability = key.mutability if key is not None else old.mutability if old is not None else "ReadWrite"
    if report.readonly is not None and mutability != "WriteOnly":
        mutability = "ReadOnly" if report.readonly else "ReadWrite"
    value = report.value
    if value is not None:
        spoken = report.ref.key_1_6
        value = value[:MAX_KEY_VALUE]
        value = value if spoken is None else value_from_16(spoken, value)
    if is_secret(ref) or mutability == "WriteOnly":
        value = None
    new = Attribute(value, kind, mutability, old is not None and old.persistent, old is not None and old.constant)
    others = tuple(a for a in attributes if a.type != kind)
    return Variable(
        ref,
        (new, *others) if kind == "Actual" else (*others, new),
        before.characteristics if before is not None else _characteristics(key, *_standard(ref)),
    )


def reported_whole(
    ref: VariableRef, attributes: Iterable[Attribute], characteristics: Characteristics | None, before: Variable | None
) -> Variable:
    """A variable as a report tells it, whole (ReportDataType). Values that may not be shown are left out, and what the report
    does not say of its characteristics stays as it was, or as the standard has it."""
    secret = is_secret(ref)
    kept = tuple(
        msgspec.structs.replace(a, value=None)
        if a.value is not None and (secret or a.mutability == "WriteOnly")
        else a
        if a.value is None or len(a.value) <= MAX_KEY_VALUE
        else msgspec.structs.replace(a, value=a.value[:MAX_KEY_VALUE])
        for a in attributes
    )
    if characteristics is None:
        known = _BY_VARIABLE.get(_standard(ref))
        characteristics = before.characteristics if before is not None else _characteristics(known, *_standard(ref))
    return Variable(ref, kept, characteristics)


@lru_cache(maxsize=1024)
def _characteristics(key: Key | None, component: str, variable: str, instance: str | None) -> Characteristics:
    """Type and unit from the table of keys, else from the standard's catalogue. Shared: there are few, and many
    stations."""
    values = ",".join(VALUES.get(variable, ())) or None
    if key is not None:
        return Characteristics(key.type, unit=key.unit, values_list=values)
    known = None if component == VENDOR_COMPONENT else standard(component, variable, instance)
    if known is None:
        return Characteristics()
    return Characteristics(known.type, unit=known.units[0] if known.units else None, values_list=values)


def _with_limit(characteristics: Characteristics, most: float) -> Characteristics:
    return msgspec.structs.replace(characteristics, max_limit=most)


def _limit(key: str, value: str | None) -> tuple[VariableRef, float] | None:
    known = _BY_KEY.get(key.lower())
    if known is None or known.key not in LIMITS or value is None or not value.strip().isdecimal():
        return None
    component, variable, instance = LIMITS[known.key]
    owner = _BY_VARIABLE.get((component, variable, instance))
    ref = VariableRef(component, variable, variable_instance=instance, key_1_6=owner.key if owner else None)
    return ref, float(value.strip()[:12])


def _available(profiles: str) -> Iterable[Variable]:
    said = {profile.strip() for profile in profiles.split(",")}
    for profile, component in PROFILES.items():
        yield Variable(
            VariableRef(component, "Available"),
            (Attribute("true" if profile in said else "false", mutability="ReadOnly"),),
            Characteristics("boolean"),
        )
