"""Envelopes as people and the trace may see them: idTags masked, values of secrets gone (see gateways/ocpp/redaction.py).

A document that was understood is written anew, in the same few prefixes whoever sent it, without the texts that hide
something. Of one that was not, only the shape of its elements is sure to be harmless: the text of every element that could hold
a token or a secret is taken out.
"""

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gateways.ocpp.redaction import REDACTED, TAG_NAMES, mask, redact_object, secret_name
from gateways.ocpp.soap.codec import local_name
from gateways.ocpp.soap.operations import VERSIONS

_PREFIXES = {
    "http://www.w3.org/2003/05/soap-envelope": "env",
    "http://www.w3.org/2005/08/addressing": "wsa",
    **{version.centre.namespace: "cs" for version in VERSIONS.values()},
    **{version.station.namespace: "cp" for version in VERSIONS.values()},
}
_TEXT = re.compile(r"(<(?:[\w.-]{1,64}:)?(?:idtag|parentidtag|value|key|data|password)\b[^<>]{0,1024}>)[^<]*", re.IGNORECASE)
_SECRET_NAME = re.compile(r"password|secret|authorizationkey")
"""Of an element: a header block of somebody's security extension, say."""
_BARE = re.compile(r"idtag|password|authorizationkey|secret|cdata", re.IGNORECASE)


def redact_tree(action: str, root: Any) -> str:
    """Of a document with the operation `action`; "": of one that cannot be told."""
    written: list[str] = []
    _write(action, root, (), {}, written)
    return "".join(written)


def _write(action: str, element: Any, siblings: Any, declared: dict[str, str], written: list[str]) -> None:
    """As deep as `limits.DEPTH` allows."""
    namespace, brace, name = element.tag.rpartition("}")
    namespace = namespace[1:]
    attributes = []
    if brace and declared.get(prefix := _PREFIXES.get(namespace, "")) != namespace:
        declared = declared | {prefix: namespace}
        attributes.append(f"xmlns:{prefix}={quoteattr(namespace)}" if prefix else f"xmlns={quoteattr(namespace)}")
    named = f"{prefix}:{name}" if brace and prefix else name
    attributes += [f"{str(key).rpartition('}')[2]}={quoteattr(value)}" for key, value in element.attrib.items()]
    head = " ".join((named, *attributes))
    hidden = _hidden(action, element, siblings)
    text = escape(element.text or "") if hidden is None else escape(hidden)
    children = list(element)
    if not children and not text:
        written.append(f"<{head}/>")
        return
    written += (f"<{head}>", text if not children else text.strip())
    for child in children:
        _write(action, child, children, declared, written)
    written.append(f"</{named}>")


def _hidden(action: str, element: Any, siblings: Any) -> str | None:
    """What to show instead of an element's text; None: the text itself."""
    text = element.text
    if not text or text.isspace():
        return None
    name = local_name(element).lower()
    if name in TAG_NAMES:
        return mask(text.strip())
    if name == "data" and action in ("", "DataTransfer"):
        return str(redact_object("DataTransfer", {"data": text})["data"])
    if _SECRET_NAME.search(name) or (name == "value" and _is_secret(siblings)):
        return REDACTED
    return None


def _is_secret(siblings: Any) -> bool:
    """Whether a key that stands beside a value names a secret."""
    return any(local_name(other).lower() == "key" and secret_name((other.text or "").strip()) for other in siblings)


def redact_unreadable(text: str) -> str:
    """Of whatever came in place of a document."""
    if "<" not in text:
        return REDACTED if _BARE.search(text) else text
    hidden = _TEXT.sub(lambda match: match[1] + REDACTED, text)
    return REDACTED if "<![CDATA[" in hidden or "&#" in hidden else hidden
