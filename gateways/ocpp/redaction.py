"""Frames as people and the trace may see them: secrets gone, idTags masked.

What a station says about a person is the UID of a token; it is masked in every field that carries one, however the field
is written as long as mending.py would understand it: in other case, as a number. Passwords and keys travel in
configuration values. Actions that can carry neither are not looked at: a meter value passes untouched. An unknown action, or
a frame that cannot be read, may carry anything. Whatever a frame holds, looking at it takes time in proportion to its length.
"""

import re
from typing import Any

import msgspec

REDACTED = "***"
_SECRET = re.compile(r"authorizationkey|password|passphrase|secret|token|privatekey|keycode|pin$", re.IGNORECASE)
"""Names of configuration keys whose value is a secret: the standard's own and what vendors call theirs."""
_SETTING = re.compile(r"^(?:value|key|data)$|password|authorizationkey|secret", re.IGNORECASE)
"""Names whose value is hidden in a frame that cannot be read: what else it says cannot be told."""

TAG_NAMES = frozenset({"idtag", "parentidtag"})
_TAG_END = 'idtag"'
"""How the name of every field in `TAG_NAMES` ends."""
_TAGS = re.compile(r'(idtag"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s"{}\[\],]+)', re.IGNORECASE | re.DOTALL)
_TOKENS = re.compile(
    r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)' r"|'(?:[^'\\]|\\.)*(?:'|\\?\Z)" r"|:|[\s\[\]{},]+|[^\s\[\]{},:\"']+", re.DOTALL
)
"""Any text as strings, colons, what stands between, and bare words; a string that is cut off ends with the text."""
_PLAIN = frozenset({
    "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "StatusNotification", "CancelReservation", "ChangeAvailability", "ClearCache", "ClearChargingProfile", "GetCompositeSchedule",
    "GetLocalListVersion", "RemoteStopTransaction", "Reset", "SetChargingProfile", "TriggerMessage", "UnlockConnector",
})  # fmt: skip
_TAGGED = frozenset({"Authorize", "StartTransaction", "StopTransaction", "RemoteStartTransaction", "ReserveNow", "SendLocalList"})
_FREE = frozenset({"DataTransfer"})


def secret_name(name: str) -> bool:
    """Whether a configuration key of this name holds a secret."""
    return _SECRET.search(name) is not None


def mask(tag: str) -> str:
    """Enough of a UID to recognise, too little to use."""
    return f"{tag[:2]}…{tag[-2:]}" if len(tag) > 6 else "…"


def _mask_match(match: re.Match[str]) -> str:
    return f'{match[1]}"{mask(match[2].strip(chr(34)))}"' if match[2] != "null" else match[0]


def _mask_tags(text: str) -> str:
    """What `_TAGS.sub` makes of it. Forgiving case, the expression is slow to find where it begins; a folded copy tells."""
    if not text.isascii():  # there are letters that the expression takes for an i, and lower() does not
        return _TAGS.sub(_mask_match, text)
    folded = text.lower()
    shown: list[str] = []
    done = 0
    at = folded.find(_TAG_END)
    while at >= 0:
        match = _TAGS.match(text, at)
        if match is None:
            at = folded.find(_TAG_END, at + 1)
            continue
        shown += text[done:at], _mask_match(match)
        done = match.end()
        at = folded.find(_TAG_END, done)
    shown.append(text[done:])
    return "".join(shown)


def redact_text(action: str, text: str) -> str:
    """A frame, or what of it could be read, for the trace."""
    if action in _PLAIN:
        return text
    if action in _TAGGED and "'" not in text and "\\u" not in text:
        return _mask_tags(text)
    try:
        return msgspec.json.encode(redact_object(action, msgspec.json.decode(text))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _redact_unreadable(text)


def _redact_unreadable(text: str) -> str:
    """In one pass: a value is hidden by the name that stands before its colon."""
    shown: list[str] = []
    name = last = ""
    for match in _TOKENS.finditer(text):
        piece = match[0]
        if piece == ":":
            name = _name(last)
        elif not piece[0].isspace() and piece[0] not in "[]{},":
            last = piece
            if name:
                piece, name = _shown(name, piece), ""
        shown.append(piece)
    return "".join(shown)


def _name(token: str) -> str:
    if "\\" in token:
        try:
            return str(msgspec.json.decode(token))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return token.strip("\"'")


def _shown(name: str, token: str) -> str:
    if name.lower() in TAG_NAMES:
        return f'"{mask(token.strip(chr(34) + chr(39)))}"'
    return f'"{REDACTED}"' if _SETTING.search(name) else token


def redact_object(action: str, value: Any) -> Any:
    """The same for a decoded payload or frame; the shape stays."""
    if isinstance(value, dict):
        hidden = _holds_secret(value)
        return {
            name: REDACTED if hidden and name.lower() == "value" else _redact_field(action, name, inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redact_object(action, item) for item in value]
    return value


def _holds_secret(fields: dict[str, Any]) -> bool:
    """Is this a key/value pair whose key names a secret?"""
    return any(name.lower() == "key" and isinstance(key, str) and _SECRET.search(key) for name, key in fields.items())


def _redact_field(action: str, name: str, value: Any) -> Any:
    if name.lower() in TAG_NAMES and isinstance(value, str | int | float):
        return mask(str(value))
    if isinstance(value, str):
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
