"""OCPP 1.2 and 1.5 in 1.6 words and back: pure functions on the fields of messages (PROTOCOLS 1.3).

What a station says is read by the 1.6 room once it is in 1.6 words, and what is said to it is made there; so only the difference
between the versions is written down here. The caller's words for a result are never asked of a station.
"""

from collections.abc import Mapping
from typing import Any

from actors.model.intents import Unsupported
from gateways.ocpp.mapping.commands_v15 import older
from gateways.ocpp.mapping.words import ERROR_1_5, KEYS_1_5, UNITS_1_5, UNLOCK_1_5, UPDATE_STATUS_1_5
from gateways.ocpp.soap.operations import Version

Fields = dict[str, Any]

_KEYS_BACK = {older.lower(): newer for newer, older in KEYS_1_5.items()}
_UNLOCKED = {older: newer for newer, older in UNLOCK_1_5.items()}
OCCUPIED = "Occupied"
"""1.6 split it in five; the station's own word is kept as what it said."""


class Words:
    """1.6-S: nothing differs. A field of an intent that a version cannot carry is refused by `command`."""

    def __init__(self, version: Version) -> None:
        self.version = version

    def heard(self, action: str, fields: Fields) -> Fields:
        """A station's request, in 1.6 words."""
        return fields

    def said(self, action: str, fields: Fields) -> Fields:
        """Our answer, from 1.6 words."""
        return fields

    def command(self, action: str, fields: Fields) -> Fields | Unsupported:
        """A command, from 1.6 words."""
        if action not in self.version.station.operations:
            return Unsupported(f"OCPP {self.version.label} has no {action} over SOAP")
        return fields

    def commanded(self, action: str, fields: Fields) -> Fields:
        """A command that went out, in 1.6 words again: what an answer is read against."""
        return fields

    def answered(self, action: str, fields: Fields) -> Fields:
        """The station's answer to a command, in 1.6 words."""
        return fields


class Words15(Words):
    def heard(self, action: str, fields: Fields) -> Fields:
        match action:
            case "StatusNotification":
                return _renamed(fields, {"errorCode": ERROR_1_5, "status": {OCCUPIED: "Charging"}})
            case "MeterValues":
                return _moved(fields, "values", "meterValue", [_meter_value(value) for value in _objects(fields.get("values"))])
            case "StopTransaction":
                data = [_meter_value(v) for each in _objects(fields.get("transactionData")) for v in _objects(each.get("values"))]
                return _moved(fields, "transactionData", "transactionData", data)
        return fields

    def said(self, action: str, fields: Fields) -> Fields:
        if action != "BootNotification":
            return fields
        told = _moved(fields, "interval", "heartbeatInterval", fields["interval"])
        return told | {"status": "Rejected"} if told["status"] == "Pending" else told

    def command(self, action: str, fields: Fields) -> Fields | Unsupported:
        carried = super().command(action, fields)
        if isinstance(carried, Unsupported):
            return carried
        match action:
            case "RemoteStartTransaction" if "chargingProfile" in fields:
                return Unsupported(f"a remote start of OCPP {self.version.label} carries no charging profile", "profile")
            case "ChangeConfiguration":
                return fields | {"key": older(fields["key"])}
            case "GetConfiguration" if "key" in fields:
                return fields | {"key": [older(key) for key in fields["key"]]}
            case "SendLocalList":
                return _moved(fields, "localAuthorizationList", "localAuthorisationList", fields.get("localAuthorizationList"))
        return fields

    def commanded(self, action: str, fields: Fields) -> Fields:
        if action == "ChangeConfiguration":
            return fields | {"key": _newer(fields["key"])}
        return fields

    def answered(self, action: str, fields: Fields) -> Fields:
        match action:
            case "UnlockConnector":
                return _renamed(fields, {"status": _UNLOCKED})
            case "SendLocalList":
                return _renamed(fields, {"status": UPDATE_STATUS_1_5})
            case "GetConfiguration":
                known = [entry | {"key": _newer(entry.get("key", ""))} for entry in _objects(fields.get("configurationKey"))]
                unknown = [_newer(key) for key in fields.get("unknownKey", ())]
                return fields | {"configurationKey": known, "unknownKey": unknown}
        return fields


class Words12(Words15):
    """Fewer operations, and meter values that are bare integers in Wh."""

    def command(self, action: str, fields: Fields) -> Fields | Unsupported:
        if action == "GetConfiguration":
            return Unsupported("OCPP 1.2 has no GetConfiguration: its keys can only be written")
        return super().command(action, fields)


def _meter_value(value: Mapping[str, Any]) -> Fields:
    """1.5: samples with attributes; 1.2: one integer."""
    told = value.get("value")
    samples = [_sample(each) for each in told] if isinstance(told, list) else [] if told is None else [{"value": str(told)}]
    return {name: content for name, content in value.items() if name != "value"} | {"sampledValue": samples}


def _sample(value: Any) -> Fields:
    return _renamed(value, {"unit": UNITS_1_5}) if isinstance(value, dict) else {"value": str(value)}


def _objects(value: Any) -> list[Fields]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _renamed(fields: Fields, values: Mapping[str, Mapping[str, str]]) -> Fields:
    """The same fields with some of their values in other words."""
    changed = {
        name: words[fields[name]] for name, words in values.items() if isinstance(fields.get(name), str) and fields[name] in words
    }
    return fields | changed if changed else fields


def _moved(fields: Fields, old: str, new: str, value: Any) -> Fields:
    """Without the field `old`, with `new` unless it is empty."""
    kept = {name: content for name, content in fields.items() if name != old}
    return kept | {new: value} if value not in (None, []) else kept


def _newer(key: str) -> str:
    return _KEYS_BACK.get(key.lower(), key) if isinstance(key, str) else key


BY_PROTOCOL = {"ocpp1.6-S": Words, "ocpp1.5": Words15, "ocpp1.2": Words12}
