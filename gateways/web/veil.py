"""What people may see of a message that crashed an actor: its shape and values, but no secret and nobody's token."""

import re
from typing import Any

import msgspec

from gateways.ocpp.redaction import REDACTED, TAG_NAMES, mask, redact_text, secret_name

_PAGES = frozenset({"return_url", "cancel_url", "success_url", "checkout_url"})
"""Whoever knows such a page of a payment may stop the session and read the receipt."""
_TOKEN_NAMES = TAG_NAMES | {"uid", "id_tag", "id_token", "group_id_token", "parent_id_tag"}
_REPR = re.compile(r"""\b(\w{1,64})=((?:b?'[^']*'|b?"[^"]*"|[^\s,()]+))""")
"""What Python shows of a message that has no JSON: `Register(secret='...', evses=2)`."""
_DEPTH = 40


def veiled_body(body: bytes) -> Any:
    """The message as JSON values; when it is none, the text as the trace would show a frame that cannot be read."""
    if not body:
        return None
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        value = body.decode("utf-8", "backslashreplace")
    return _REPR.sub(_hide, redact_text("", value)) if isinstance(value, str) else veiled(value)


def _hide(match: re.Match[str]) -> str:
    name = match[1]
    personal = secret_name(name) or name.casefold() in _TOKEN_NAMES or name in _PAGES
    return f"{name}={REDACTED}" if personal and not name.endswith("_ref") else match[0]


def veiled(value: Any, depth: int = 0) -> Any:
    """Values under the name of a secret are hidden, texts under the name of a token are masked, at any depth."""
    if depth > _DEPTH:
        return REDACTED
    if isinstance(value, list):
        return [veiled(part, depth + 1) for part in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    named_secret = any(isinstance(value.get(name), str) and secret_name(value[name]) for name in ("key", "name", "variable"))
    for name, part in value.items():
        if name.endswith("_ref"):
            shown[name] = part
        elif name in _PAGES and isinstance(part, str):
            shown[name] = REDACTED
        elif secret_name(name) and isinstance(part, str):
            shown[name] = mask(part) if name.casefold().replace("_", "") in TAG_NAMES else REDACTED
        elif named_secret and name in ("value", "attribute_value", "attributeValue"):
            shown[name] = REDACTED
        elif name.casefold() in _TOKEN_NAMES and isinstance(part, str):
            shown[name] = mask(part)
        else:
            shown[name] = veiled(part, depth + 1)
    return shown
