"""SOAP 1.2 envelopes with OCPP's header rules: what a request says about itself, and requests, answers and faults of ours.

The body's namespace decides the version, its element the operation (PROTOCOLS 1.1). What stations in the wild leave out is filled
from elsewhere where that is certain: no mustUnderstand, no MessageID, no From, no chargeBoxIdentity (the URL has it), an
empty body whose operation stands in the Action or in the Content-Type. What is odd and harmless is named in `oddities`.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from lxml import etree

from gateways.ocpp.soap import limits
from gateways.ocpp.soap.codec import local_name, write_fields
from gateways.ocpp.soap.faults import Fault, not_supported, protocol_error
from gateways.ocpp.soap.operations import VERSIONS, Complex, Operation, Service, Version, of_namespace

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ANONYMOUS = ADDRESSING + "/anonymous"
NONE = ADDRESSING + "/none"
FAULT_ACTION = ADDRESSING + "/fault"
MEDIA = "application/soap+xml"
_ADDRESSINGS = frozenset({ADDRESSING, "http://schemas.xmlsoap.org/ws/2004/08/addressing"})
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ACTION = re.compile(r"action\s*=\s*\"?([^\";]*)", re.IGNORECASE)


class Heard(msgspec.Struct, frozen=True):
    """A station's request. `body` is the operation's element (an empty one where the Body was empty); `callback` what
    wsa:From says, unless that is nobody."""

    version: Version
    operation: Operation
    body: Any
    message_id: str | None
    identity: str | None
    callback: str | None
    oddities: tuple[str, ...]


class Header(msgspec.Struct):
    """The blocks that mean something to us, as texts."""

    action: str | None = None
    message_id: str | None = None
    relates_to: str | None = None
    from_: str | None = None
    reply_to: str | None = None
    identity: str | None = None
    identity_namespace: str | None = None


def read_request(root: Any, content_type: str, *, strict: bool = False) -> Heard:
    """Raises Fault. `strict`: a header that the specification requires and that is missing is a fault, too."""
    header, body = _parts(root)
    odd: list[str] = []
    said = _action(header, content_type)
    version, operation, element = _operation(body, header, said)
    if said is not None and said.lower() != operation.action.lower():
        raise protocol_error(f"the Action says {said[:50]!r}, the body {operation.action}")
    if header.action is None:
        odd.append("no wsa:Action")
    if header.message_id is None:
        odd.append("no wsa:MessageID")
    if header.identity is None:
        odd.append("no chargeBoxIdentity")
    elif of_namespace(header.identity_namespace) != of_namespace(version.centre.namespace):
        odd.append("chargeBoxIdentity in another namespace")
    if header.reply_to not in (None, ANONYMOUS):
        odd.append("wsa:ReplyTo is not anonymous")
    if strict and odd:
        raise protocol_error("; ".join(odd))
    return Heard(version, operation, element, header.message_id, header.identity, _address(header.from_), tuple(odd))


def _parts(root: Any) -> tuple[Header, list[Any]]:
    """The header and the children of the body."""
    namespace, name = _qualified(root)
    if name != "Envelope" or namespace != ENVELOPE:
        if name == "Envelope" and namespace == ENVELOPE_11:
            raise Fault("VersionMismatch", None, "SOAP 1.2 is spoken here", 500)
        raise protocol_error("this is no SOAP 1.2 envelope")
    header, bodies = Header(), []
    for child in root:
        namespace, name = _qualified(child)
        if namespace == ENVELOPE and name == "Header":
            _read_header(child, header)
        elif namespace == ENVELOPE and name == "Body":
            bodies.append(child)
    if len(bodies) != 1:
        raise protocol_error("an envelope has exactly one Body")
    children = list(bodies[0])
    if len(children) > 1:
        raise protocol_error("a Body holds exactly one operation")
    return header, children


def _read_header(block: Any, header: Header) -> None:
    for child in block:
        namespace, name = _qualified(child)
        folded = name.lower()
        if folded == "chargeboxidentity":
            header.identity, header.identity_namespace = _said(child), namespace
        elif namespace in _ADDRESSINGS:
            _read_addressing(folded, child, header)
        elif child.get(f"{{{ENVELOPE}}}mustUnderstand") in ("true", "1"):
            raise Fault("MustUnderstand", None, f"the header {name[:50]} is not understood", 500)


def _read_addressing(name: str, child: Any, header: Header) -> None:
    match name:
        case "action":
            header.action = _said(child)
        case "messageid":
            header.message_id = _said(child)
        case "relatesto":
            header.relates_to = _said(child)
        case "from":
            header.from_ = _endpoint(child)
        case "replyto":
            header.reply_to = _endpoint(child)
        case _:
            pass


def _operation(body: list[Any], header: Header, said: str | None) -> tuple[Version, Operation, Any]:
    if not body:
        found = of_namespace(header.identity_namespace)
        if said is None or found is None:
            raise protocol_error("the Body is empty, and nothing else says which operation of which version is meant")
        version, service = found
        operation = _named(service, version, said)
        if any(field.required for field in operation.request.fields):
            raise protocol_error(f"the Body is empty: {operation.action}Request is missing")
        return version, operation, Element(f"{{{service.namespace}}}{element_name(operation.action)}Request")
    (element,) = body
    namespace, name = _qualified(element)
    found = of_namespace(namespace)
    if found is None:
        known = ", ".join(version.centre.namespace for version in VERSIONS.values())
        raise protocol_error(f"the namespace {(namespace or '')[:80]!r} is none of OCPP's: {known}")
    version, service = found
    action = name[: -len("Request")] if name.lower().endswith("request") else name
    return version, _named(service, version, action), element


def _named(service: Service, version: Version, action: str) -> Operation:
    for known in service.operations.values():
        if known.action.lower() == action.lower():
            if service is not version.centre:
                raise not_supported(f"{known.action} is an operation of the charge point, not of the central system")
            return known
    raise not_supported(f"OCPP {version.label} has no operation {action[:50]!r} of the central system")


def _action(header: Header, content_type: str) -> str | None:
    """`Authorize` of `/Authorize`, wherever it is said."""
    said = header.action
    if not said:
        match = _ACTION.search(content_type)
        said = match[1].strip() if match else None
    name = (said or "").rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return name[: -len("Request")] if name.lower().endswith("request") else name or None


def _address(text: str | None) -> str | None:
    if text is None or text in (ANONYMOUS, NONE) or len(text) > limits.ADDRESS_CHARACTERS:
        return None
    return text if text.lower().startswith(("http://", "https://")) and text.isprintable() and " " not in text else None


def _qualified(element: Any) -> tuple[str | None, str]:
    name = element.tag
    namespace, brace, local = name[1:].partition("}") if name[:1] == "{" else ("", "", name)
    return (namespace if brace else None), local if brace else name


def _said(element: Any) -> str | None:
    text = (element.text or "").strip()
    if len(text) > limits.HEADER_CHARACTERS:
        raise protocol_error(f"the header {local_name(element)} is longer than {limits.HEADER_CHARACTERS} characters")
    return text or None


def _endpoint(element: Any) -> str | None:
    """The Address of an endpoint reference; some write it without the element around it."""
    for child in element:
        if local_name(child).lower() == "address":
            return _said(child)
    return _said(element)


# -- what we write -------------------------------------------------------------------------------------------------------


def element_name(action: str) -> str:
    """Body elements begin with a lower-case letter."""
    return action[:1].lower() + action[1:]


def new_message_id() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def write_response(version: Version, operation: Operation, values: Mapping[str, Any], relates_to: str | None) -> Any:
    """The answer to a station's request. Raises KeyError or ValueError for values that the version does not allow."""
    root, header, body = _envelope("cs", version.centre.namespace)
    _address_answer(header, f"/{operation.action}Response", relates_to)
    _write_body(body, version.centre.namespace, f"{element_name(operation.action)}Response", operation.response, values)
    return root


def write_request(version: Version, operation: Operation, values: Mapping[str, Any], identity: str, to: str, own: str) -> Any:
    """A command to the station `identity` at its address `to`, with our message id `own`."""
    namespace = version.station.namespace
    root, header, body = _envelope("cp", namespace)
    must = f"{{{ENVELOPE}}}mustUnderstand"
    etree.SubElement(header, f"{{{namespace}}}chargeBoxIdentity", {must: "true"}).text = identity
    etree.SubElement(header, f"{{{ADDRESSING}}}Action", {must: "true"}).text = f"/{operation.action}"
    etree.SubElement(header, f"{{{ADDRESSING}}}MessageID").text = own
    reply = etree.SubElement(header, f"{{{ADDRESSING}}}ReplyTo")
    etree.SubElement(reply, f"{{{ADDRESSING}}}Address").text = ANONYMOUS
    etree.SubElement(header, f"{{{ADDRESSING}}}To", {must: "true"}).text = to
    _write_body(body, namespace, f"{element_name(operation.action)}Request", operation.request, values)
    return root


def write_fault(fault: Fault, version: Version | None, relates_to: str | None) -> Any:
    """In the namespace of the version that was spoken; of the newest where that is not known."""
    namespace = (version or next(iter(VERSIONS.values()))).faults
    root, header, body = _envelope("cs", namespace)
    _address_answer(header, FAULT_ACTION, relates_to)
    fault_element = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    code = etree.SubElement(fault_element, f"{{{ENVELOPE}}}Code")
    etree.SubElement(code, f"{{{ENVELOPE}}}Value").text = f"env:{fault.code}"
    if fault.subcode is not None:
        subcode = etree.SubElement(code, f"{{{ENVELOPE}}}Subcode")
        etree.SubElement(subcode, f"{{{ENVELOPE}}}Value").text = f"cs:{fault.subcode}"
    reason = etree.SubElement(fault_element, f"{{{ENVELOPE}}}Reason")
    etree.SubElement(reason, f"{{{ENVELOPE}}}Text", {_XML_LANG: "en"}).text = fault.reason
    return root


def _envelope(prefix: str, namespace: str) -> tuple[Any, Any, Any]:
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"env": ENVELOPE, "wsa": ADDRESSING, prefix: namespace})
    return root, etree.SubElement(root, f"{{{ENVELOPE}}}Header"), etree.SubElement(root, f"{{{ENVELOPE}}}Body")


def _address_answer(header: Any, action: str, relates_to: str | None) -> None:
    etree.SubElement(header, f"{{{ADDRESSING}}}Action").text = action
    etree.SubElement(header, f"{{{ADDRESSING}}}MessageID").text = new_message_id()
    if relates_to is not None:
        etree.SubElement(header, f"{{{ADDRESSING}}}RelatesTo").text = relates_to
    etree.SubElement(header, f"{{{ADDRESSING}}}To").text = ANONYMOUS


def _write_body(body: Any, namespace: str, name: str, kind: Complex, values: Mapping[str, Any]) -> None:
    write_fields(kind, values, etree.SubElement(body, f"{{{namespace}}}{name}"), namespace)


# -- what a station answers ----------------------------------------------------------------------------------------------


class Answered(msgspec.Struct, frozen=True):
    """`element` holds the answer's fields; `relates_to` what it says it answers."""

    element: Any
    relates_to: str | None


def read_response(root: Any, operation: Operation) -> Answered:
    """The station's answer to our request. Raises Fault: its own fault, or protocol_error for what is no answer to this."""
    header, body = _parts(root)
    if not body:
        if any(field.required for field in operation.response.fields):
            raise protocol_error("the station's answer has an empty Body")
        return Answered(Element("empty"), header.relates_to)
    (element,) = body
    namespace, name = _qualified(element)
    if namespace == ENVELOPE and name == "Fault":
        raise _read_fault(element)
    if name.lower() != f"{operation.action}Response".lower():
        raise protocol_error(f"the station answered {name[:50]} to {operation.action}")
    return Answered(element, header.relates_to)


def _read_fault(element: Any) -> Fault:
    values: list[str] = []
    texts: list[str] = []
    for child in element.iter():
        if child.tag == f"{{{ENVELOPE}}}Value":
            values.append((child.text or "").strip())
        elif child.tag == f"{{{ENVELOPE}}}Text":
            texts.append((child.text or "").strip())
    names = [value.rpartition(":")[2][:50] for value in values]
    code = names[0] if names else "Receiver"
    return Fault(code, names[1] if len(names) > 1 else None, texts[0] if texts else "", 500)
