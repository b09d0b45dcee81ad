"""Frames as people and the trace may see them: secrets gone, idTags masked.

What a station says about a person is the UID of a token; it is masked in every field that carries one, however the field
is written as long as mending.py would understand it: in other case, as a number; of a KeyCode nothing is shown. Passwords and
keys travel in configuration values, in variables of the device model and in network profiles; customer information, contract
certificates and what an EV says to its provider (EXI) are a person's own. Actions that can carry none of it are not looked at:
a meter value passes untouched. An unknown action, or a frame that cannot be read, may carry anything. Whatever a frame holds,
looking at it takes time in proportion to its length.
"""

import re
from typing import Any

import msgspec

REDACTED = "***"
_SECRET = re.compile(r"authorizationkey|password|passphrase|secret|token|privatekey|keycode|pin$", re.IGNORECASE)
"""Names of configuration keys whose value is a secret: the standard's own and what vendors call theirs."""
_SECRET_VARIABLE = re.compile(r"passw|passphrase|secret|authorizationkey|private.?key|psk|keycode|pincode", re.IGNORECASE)
"""Variables of the device model whose value is a secret."""
_SECRET_WORDS = ("passw", "passphrase", "secret", "authorizationkey", "private", "psk", "keycode", "pincode")
"""What `_SECRET_VARIABLE` finds has one of them: reports are long, and those without any are not looked into."""
_SETTING = re.compile(
    r"^(?:value|key|data|attributevalue|actualvalue|certificate|exirequest|exiresponse|customeridentifier|user)$"
    r"|password|authorizationkey|secret|username|pin$",
    re.IGNORECASE,
)
"""Names whose value is hidden in a frame that cannot be read: what else it says cannot be told."""

TAG_NAMES = frozenset({"idtag", "parentidtag", "idtoken", "additionalidtoken"})
_TAG_ENDS = ('idtag"', 'idtoken"')
"""How the names of all fields in `TAG_NAMES` end. In 2.x `idToken` is an object as well, and in it the text."""
_TAGS = re.compile(r'(id(?:tag|token)"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s"{}\[\],]+)', re.IGNORECASE | re.DOTALL)
_TOKENS = re.compile(
    r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)' r"|'(?:[^'\\]|\\.)*(?:'|\\?\Z)" r"|:|[\s\[\]{},]+|[^\s\[\]{},:\"']+", re.DOTALL
)
"""Any text as strings, colons, what stands between, and bare words; a string that is cut off ends with the text."""
_PLAIN = frozenset({
    "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "StatusNotification", "CancelReservation", "ChangeAvailability", "ClearCache", "ClearChargingProfile", "GetCompositeSchedule",
    "GetLocalListVersion", "RemoteStopTransaction", "Reset", "SetChargingProfile", "TriggerMessage", "UnlockConnector",
    # 2.0.1
    "CertificateSigned", "ClearDisplayMessage", "ClearVariableMonitoring", "ClearedChargingLimit", "CostUpdated",
    "DeleteCertificate", "GetBaseReport", "GetCertificateStatus", "GetChargingProfiles", "GetDisplayMessages",
    "GetInstalledCertificateIds", "GetMonitoringReport", "GetReport", "GetTransactionStatus", "InstallCertificate",
    "LogStatusNotification", "NotifyChargingLimit", "NotifyDisplayMessages", "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule", "NotifyMonitoringReport", "PublishFirmwareStatusNotification", "ReportChargingProfiles",
    "RequestStopTransaction", "ReservationStatusUpdate", "SecurityEventNotification", "SetDisplayMessage", "SetMonitoringBase",
    "SetMonitoringLevel", "SetVariableMonitoring", "SignCertificate", "UnpublishFirmware",
    # security extension of 1.6
    "ExtendedTriggerMessage", "SignedFirmwareStatusNotification",
})  # fmt: skip
_TAGGED = frozenset({
    "Authorize", "StartTransaction", "StopTransaction", "RemoteStartTransaction", "ReserveNow", "SendLocalList",
    "RequestStartTransaction", "TransactionEvent",
})  # fmt: skip
"""Nothing but tokens to hide; Authorize may bring a certificate."""
_MODEL = frozenset({"NotifyReport", "NotifyEvent", "GetVariables", "SetVariables"})
_FREE = frozenset({"DataTransfer"})
_VALUES = frozenset({"value", "attributevalue", "actualvalue"})
_PERSONAL = frozenset({"customeridentifier", "exirequest", "exiresponse"})
_OF_ACTION = {
    "Authorize": frozenset({"certificate"}),
    "DataTransfer": frozenset({"certificate"}),
    "NotifyCustomerInformation": frozenset({"data"}),
    "SetNetworkProfile": frozenset({"key", "user", "apnusername"}),
}
"""Names that are harmless elsewhere."""
_LOGIN = re.compile(r"://[^/@\s\"]*@")
"""The user and password in a URL: where firmware comes from and logs go to."""


def secret_name(name: str) -> bool:
    """Whether a configuration key of this name holds a secret."""
    return _SECRET.search(name) is not None


def mask(tag: str) -> str:
    """Enough of a UID to recognise, too little to use."""
    return f"{tag[:2]}…{tag[-2:]}" if len(tag) > 6 else "…"


def _mask_match(match: re.Match[str]) -> str:
    return f'{match[1]}"{mask(match[2].strip(chr(34)))}"' if match[2] != "null" else match[0]


def _mask_tags(text: str, folded: str) -> str:
    """What `_TAGS.sub` makes of it. Forgiving case, the expression is slow to find where it begins; the folded copy tells."""
    if not text.isascii():  # there are letters that the expression takes for an i or a k, and lower() does not
        return _TAGS.sub(_mask_match, text)
    for end in _TAG_ENDS:
        at = folded.find(end)
        if at < 0:
            continue
        shown: list[str] = []
        done = 0
        while at >= 0:
            match = _TAGS.match(text, at)
            if match is None:
                at = folded.find(end, at + 1)
                continue
            shown += text[done:at], _mask_match(match)
            done = match.end()
            at = folded.find(end, done)
        shown.append(text[done:])
        text = "".join(shown)
        folded = text.lower()
    return text


def redact_text(action: str, text: str) -> str:
    """A frame, or what of it could be read, for the trace."""
    if action in _PLAIN:
        return text
    if "\\u" not in text and "'" not in text:
        if action in _MODEL:
            folded = text.lower()
            if not any(word in folded for word in _SECRET_WORDS):
                return text
        elif action in _TAGGED:
            folded = text.lower()
            if "keycode" not in folded and '"certificate"' not in folded:
                return _mask_tags(text, folded)
    try:
        return msgspec.json.encode(redact_object(action, msgspec.json.decode(text))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _redact_unreadable(text)


def _redact_unreadable(text: str) -> str:
    """In one pass: a value is hidden by the name that stands before its colon."""
    whole = "keycode" in text.lower()
    shown: list[str] = []
    name = last = ""
    for match in _TOKENS.finditer(text):
        piece = match[0]
        if piece == ":":
            name = _name(last)
        elif not piece[0].isspace() and piece[0] not in "[]{},":
            last = piece
            if name:
                piece, name = _shown(name, piece, whole), ""
        shown.append(piece)
    return "".join(shown)


def _name(token: str) -> str:
    if "\\" in token:
        try:
            return str(msgspec.json.decode(token))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return token.strip("\"'")


def _shown(name: str, token: str, whole: bool) -> str:
    """`whole`: a token may be a KeyCode."""
    if name.lower() in TAG_NAMES and not whole:
        return f'"{mask(token.strip(chr(34) + chr(39)))}"'
    return f'"{REDACTED}"' if name.lower() in TAG_NAMES or _SETTING.search(name) else token


def redact_object(action: str, value: Any) -> Any:
    """The same for a decoded payload or frame; the shape stays."""
    if isinstance(value, dict):
        hidden = _holds_secret(value)
        return {
            name: _hide_values(inner) if hidden and name.lower() in _HIDEABLE else _redact_field(action, name, inner, value)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redact_object(action, item) for item in value]
    return value


_HIDEABLE = _VALUES | {"variableattribute"}


def _holds_secret(fields: dict[str, Any]) -> bool:
    """Is this a key/value pair whose key names a secret, or a variable that does?"""
    for name, named in fields.items():
        folded = name.lower()
        if folded == "key" and isinstance(named, str) and _SECRET.search(named):
            return True
        if folded == "variable" and isinstance(named, dict):
            return any(_SECRET_VARIABLE.search(text) for text in named.values() if isinstance(text, str))
    return False


def _hide_values(value: Any) -> Any:
    """The value of a secret, or its attributes with theirs."""
    if isinstance(value, list):
        return [_hide_values(item) for item in value]
    if isinstance(value, dict):
        return {name: REDACTED if name.lower() in _VALUES else inner for name, inner in value.items()}
    return REDACTED


def _redact_field(action: str, name: str, value: Any, beside: dict[str, Any]) -> Any:
    folded = name.lower()
    if folded in TAG_NAMES and isinstance(value, str | int | float):
        return REDACTED if _is_key_code(beside) else mask(str(value))
    if folded in _PERSONAL or folded in _OF_ACTION.get(action, ()):
        return REDACTED if not isinstance(value, dict | list) else redact_object(action, value)
    if isinstance(value, str):
        if _SECRET.search(name):
            return REDACTED
        if name == "data" and action in _FREE:
            return _free_text(action, value)
        return _LOGIN.sub(f"://{REDACTED}@", value) if "://" in value else value
    if isinstance(value, int | float) and _NUMBER_SECRET.search(name):
        return REDACTED
    return redact_object(action, value)


_NUMBER_SECRET = re.compile(r"pin$|password", re.IGNORECASE)


def _is_key_code(fields: dict[str, Any]) -> bool:
    return any(name.lower() == "type" and str(kind).lower() == "keycode" for name, kind in fields.items())


def _free_text(action: str, text: str) -> str:
    """DataTransfer carries JSON as text; what it holds is redacted like any object."""
    if text[:1] not in "{[" or len(text) < 2:
        return text
    try:
        return msgspec.json.encode(redact_object(action, msgspec.json.decode(text))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
