"""Frames as people and the trace may see them: secrets gone, idTags masked.

What a station says about a person is the UID of a token; it is masked in every field that carries one. Passwords and
keys travel in configuration values. Actions that can carry neither are not looked at: a meter value passes untouched. An
unknown action, or a frame that cannot be read, may carry anything.
"""

import re
from typing import Any

import msgspec

REDACTED = "***"
_SECRET = re.compile(r"authorizationkey|password|passphrase|secret|token|privatekey|keycode|pin$", re.IGNORECASE)
"""Names of configuration keys whose value is a secret: the standard's own and what vendors call theirs."""

_TAGS = re.compile(r'("(?:idTag|parentIdTag)"\s*:\s*)"((?:[^"\\]|\\.)*)"')
_PLAIN = frozenset({
    "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "StatusNotification", "CancelReservation", "ChangeAvailability", "ClearCache", "ClearChargingProfile", "GetCompositeSchedule",
    "GetLocalListVersion", "RemoteStopTransaction", "Reset", "SetChargingProfile", "TriggerMessage", "UnlockConnector",
})  # fmt: skip
_TAGGED = frozenset({"Authorize", "StartTransaction", "StopTransaction", "RemoteStartTransaction", "ReserveNow", "SendLocalList"})
_FREE = frozenset({"DataTransfer"})


def mask(tag: str) -> str:
    """Enough of a UID to recognise, too little to use."""
    return f"{tag[:2]}…{tag[-2:]}" if len(tag) > 6 else "…"


def _mask_match(match: re.Match[str]) -> str:
    return f'{match[1]}"{mask(match[2])}"'


def redact_text(action: str, text: str) -> str:
    """A frame, or what of it could be read, for the trace."""
    if action in _PLAIN:
        return text
    if action in _TAGGED:
        return _TAGS.sub(_mask_match, text)
    try:
        return msgspec.json.encode(redact_object(action, msgspec.json.decode(text))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _TAGS.sub(_mask_match, _SETTINGS.sub(_hide_match, text))


_SETTINGS = re.compile(
    r'("(?:value|key|data|[^"\\]*(?:password|authorizationkey|secret)[^"\\]*)"\s*:\s*)"((?:[^"\\]|\\.)*)"', re.IGNORECASE
)


def _hide_match(match: re.Match[str]) -> str:
    return f'{match[1]}"{REDACTED}"'


def redact_object(action: str, value: Any) -> Any:
    """The same for a decoded payload or frame; the shape stays."""
    if isinstance(value, dict):
        hidden = _hidden_key(value)
        return {name: REDACTED if name == hidden else _redact_field(action, name, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [redact_object(action, item) for item in value]
    return value


def _hidden_key(fields: dict[str, Any]) -> str | None:
    """`value` of a key/value pair whose key names a secret."""
    key = fields.get("key")
    return "value" if isinstance(key, str) and "value" in fields and _SECRET.search(key) else None


def _redact_field(action: str, name: str, value: Any) -> Any:
    if isinstance(value, str):
        if name in ("idTag", "parentIdTag"):
            return mask(value)
        if _SECRET.search(name):
            return REDACTED
        if name == "data" and action in _FREE:
            return _free_text(action, value)
    return redact_object(action, value)


def _free_text(action: str, text: str) -> str:
    """DataTransfer carries JSON as text; what it holds is redacted like any object."""
    if text[:1] not in "{[" or len(text) < 2:
        return text
    try:
        return msgspec.json.encode(redact_object(action, msgspec.json.decode(text))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
