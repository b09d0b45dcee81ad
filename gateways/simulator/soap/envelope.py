"""SOAP 1.2 envelopes with WS-Addressing, written and read: what a station's side needs, no more.

Reading is hardened as for anything that comes over a network: no DTD, no entities, nothing fetched.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateways.simulator.soap.tables import DECIMALS, INTEGERS, LISTS, Version

Payload = dict[str, Any]
SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ANONYMOUS = f"{ADDRESSING}/anonymous"
MEDIA = "application/soap+xml"
_E, _A = f"{{{SOAP}}}", f"{{{ADDRESSING}}}"


class Unreadable(ValueError):
    """Not an envelope that can be understood."""


@dataclass(frozen=True)
class Heard:
    """An envelope that came: `action` without `Request` or `Response`; `fault` instead of a payload."""

    action: str
    namespace: str
    payload: Payload
    message_id: str | None = None
    relates_to: str | None = None
    identity: str | None = None
    fault: tuple[str, str] | None = None


def request(version: Version, action: str, payload: Payload, identity: str, to: str, sender: str | None) -> bytes:
    """A station's request to the central system."""
    headers = [
        (f"{{{version.centre}}}chargeBoxIdentity", identity, True),
        (f"{_A}Action", f"/{action}", True),
        (f"{_A}MessageID", f"urn:uuid:{uuid.uuid4()}", False),
        (f"{_A}ReplyTo", ANONYMOUS, False),
        (f"{_A}To", to, True),
    ]
    if sender is not None:
        headers.insert(3, (f"{_A}From", sender, False))
    name = action[0].lower() + action[1:]
    return _write(version, version.centre, f"{name}Request", f"{action}Request", payload, headers)


def response(version: Version, action: str, payload: Payload, relates_to: str | None) -> bytes:
    """A station's answer to a command."""
    headers = [
        (f"{_A}Action", f"/{action}Response", False),
        (f"{_A}MessageID", f"urn:uuid:{uuid.uuid4()}", False),
    ]
    if relates_to is not None:
        headers.append((f"{_A}RelatesTo", relates_to, False))
    name = action[0].lower() + action[1:]
    return _write(version, version.station, f"{name}Response", f"{action}Response", payload, headers)


def fault(version: Version, code: str, subcode: str, reason: str, relates_to: str | None) -> bytes:
    """`code` Sender or Receiver; `subcode` of the protocol (NotSupported, IdentityMismatch, ...)."""
    envelope = etree.Element(f"{_E}Envelope", nsmap={"s": SOAP, "a": ADDRESSING, "o": version.faults})
    header = etree.SubElement(envelope, f"{_E}Header")
    etree.SubElement(header, f"{_A}Action").text = f"{ADDRESSING}/soap/fault"
    if relates_to is not None:
        etree.SubElement(header, f"{_A}RelatesTo").text = relates_to
    body = etree.SubElement(etree.SubElement(envelope, f"{_E}Body"), f"{_E}Fault")
    outer = etree.SubElement(body, f"{_E}Code")
    etree.SubElement(outer, f"{_E}Value").text = f"s:{code}"
    etree.SubElement(etree.SubElement(outer, f"{_E}Subcode"), f"{_E}Value").text = f"o:{subcode}"
    text = etree.SubElement(etree.SubElement(body, f"{_E}Reason"), f"{_E}Text")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    text.text = reason
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _write(
    version: Version, namespace: str, root: str, order: str, payload: Payload, headers: list[tuple[str, str, bool]]
) -> bytes:
    envelope = etree.Element(f"{_E}Envelope", nsmap={"s": SOAP, "a": ADDRESSING, "o": namespace})
    header = etree.SubElement(envelope, f"{_E}Header")
    for name, value, must in headers:
        element = etree.SubElement(header, name)
        if must:
            element.set(f"{_E}mustUnderstand", "true")
        if name in (f"{_A}From", f"{_A}ReplyTo"):
            element = etree.SubElement(element, f"{_A}Address")
        element.text = value
    body = etree.SubElement(envelope, f"{_E}Body")
    _fill(version, namespace, etree.SubElement(body, f"{{{namespace}}}{root}"), order, payload)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _fill(version: Version, namespace: str, element: Any, order: str, fields: Payload) -> None:
    """The children in the order of the table. A field that the table does not have is a mistake here, not on the wire."""
    words = version.orders[order]
    known = {word.partition(":")[0].lstrip("@") for word in words}
    if unknown := set(fields) - known:
        raise ValueError(f"{order} of {version.protocol} has no {', '.join(sorted(unknown))}")
    for word in words:
        name, _, inner = word.partition(":")
        value = fields.get(name.lstrip("@"))
        if value is None:
            continue
        if name == ".":
            element.text = _text(value)
        elif name.startswith("@"):
            element.set(name[1:], _text(value))
        else:
            for one in value if isinstance(value, list) else [value]:
                child = etree.SubElement(element, f"{{{namespace}}}{name}")
                if inner:
                    _fill(version, namespace, child, inner, one)
                else:
                    child.text = _text(one)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read(data: bytes) -> Heard:
    """Raises Unreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(str(error)) from None
    body = root.find(f"{_E}Body")
    if root.tag != f"{_E}Envelope" or body is None or root.getroottree().docinfo.doctype:
        raise Unreadable("no SOAP 1.2 envelope")
    elements = [child for child in body if isinstance(child.tag, str)]
    if len(elements) != 1:
        raise Unreadable(f"{len(elements)} elements in the body")
    element = elements[0]
    name = etree.QName(element)
    headers = {etree.QName(each).localname.lower(): each for each in root.iterfind(f"{_E}Header/*")}

    def said(header: str) -> str | None:
        found = headers.get(header)
        return found.text.strip() if found is not None and found.text else None

    if name.localname == "Fault" and name.namespace == SOAP:
        code = element.findtext(f"{_E}Code/{_E}Subcode/{_E}Value") or element.findtext(f"{_E}Code/{_E}Value") or "?"
        text = element.findtext(f"{_E}Reason/{_E}Text") or ""
        return Heard("", "", {}, relates_to=said("relatesto"), fault=(code.rpartition(":")[2], text))
    action = name.localname
    for ending in ("Request", "Response"):
        action = action.removesuffix(ending)
    return Heard(
        action[:1].upper() + action[1:],
        name.namespace or "",
        _fields(element, LISTS | {"key"} if name.localname == "getConfigurationRequest" else LISTS),
        said("messageid"),
        said("relatesto"),
        said("chargeboxidentity"),
    )


def _fields(element: Any, lists: frozenset[str]) -> Payload:
    found: Payload = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        value = _fields(child, lists) if len(child) else _value(name, (child.text or "").strip())
        if name in lists:
            found.setdefault(name, []).append(value)
        elif value != "" or name in ("value", "data"):
            found[name] = value
    return found


def _value(name: str, text: str) -> Any:
    try:
        if name in INTEGERS:
            return int(text)
        return float(text) if name in DECIMALS else text
    except ValueError:
        raise Unreadable(f"{name}: {text!r} is no number") from None
