"""Envelopes as people and the trace may see them: idTags masked, values of secrets gone (see gateways/ocpp/redaction.py).

A document that was understood is shown as it is but for the texts that hide something. Of one that was not, only the shape of its
elements is sure to be harmless: the text of every element that could hold a token or a secret is taken out.
"""

import re
from typing import Any

from lxml import etree

from gateways.ocpp.redaction import REDACTED, TAG_NAMES, mask, redact_object, secret_name
from gateways.ocpp.soap.codec import local_name

_TEXT = re.compile(r"(<(?:[\w.-]{1,64}:)?(?:idtag|parentidtag|value|key|data|password)\b[^<>]{0,1024}>)[^<]*", re.IGNORECASE)
_SECRET_NAME = re.compile(r"password|secret|authorizationkey")
"""Of an element: a header block of somebody's security extension, say."""
_BARE = re.compile(r"(?:idtag|password|authorizationkey|secret|cdata)", re.IGNORECASE)


def redact_tree(action: str, root: Any) -> str:
    """Of a document with the operation `action`; "": of one that cannot be told."""
    hidden = [(element, text) for element in root.iter() if (text := _hidden(action, element)) is not None]
    clear = [element.text for element, _ in hidden]
    try:
        for element, text in hidden:
            element.text = text
        return str(etree.tostring(root, encoding="unicode"))
    finally:
        for (element, _), text in zip(hidden, clear, strict=True):
            element.text = text


def _hidden(action: str, element: Any) -> str | None:
    """What to show instead of an element's text; None: the text itself."""
    name = local_name(element).lower()
    text = element.text
    if not text or not text.strip():
        return None
    if name in TAG_NAMES:
        return mask(text.strip())
    if name == "data" and action in ("", "DataTransfer"):
        shown = redact_object("DataTransfer", {"data": text})["data"]
        return None if shown == text else str(shown)
    if (name == "value" and _is_secret(element)) or _SECRET_NAME.search(name):
        return REDACTED
    return None


def _is_secret(value: Any) -> bool:
    """Is it the value of a key beside it that names a secret?"""
    parent = value.getparent()
    return parent is not None and any(
        local_name(other).lower() == "key" and secret_name((other.text or "").strip()) for other in parent
    )


def redact_unreadable(text: str) -> str:
    """Of whatever came in place of a document."""
    if "<" not in text:
        return REDACTED if _BARE.search(text) else text
    hidden = _TEXT.sub(lambda match: match[1] + REDACTED, text)
    return REDACTED if "<![CDATA[" in hidden or "&#" in hidden else hidden
