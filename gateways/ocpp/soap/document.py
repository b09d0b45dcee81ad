"""Bytes to an XML tree and back, when anybody may have sent the bytes.

UTF-8 only, no DTD (so no entities and nothing external), bounded in bytes, depth, elements and attributes, and in what a few
compressed bytes may become. Whatever is refused is a `Fault` that can be answered.
"""

import zlib
from typing import Any

from lxml import etree

from gateways.ocpp.soap import limits
from gateways.ocpp.soap.faults import Fault, protocol_error

_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_FORBIDDEN = ("<!DOCTYPE", "<!ENTITY", "<!ELEMENT", "<!ATTLIST", "<!NOTATION")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")


def parse(data: bytes) -> Any:
    """The root element. Comments and processing instructions are gone. Raises Fault."""
    if len(data) > limits.INFLATED_BYTES:
        raise protocol_error(f"a message has at most {limits.INFLATED_BYTES} bytes", status=413)
    if data[:2] in _WIDE:
        raise protocol_error("a message is encoded in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise protocol_error("a message is encoded in UTF-8") from None
    if any(word in text for word in _FORBIDDEN):
        raise protocol_error("a message has no document type declaration")
    try:
        root = etree.fromstring(text.strip("\ufeff \t\r\n\x00").encode(), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise protocol_error(f"this is not well-formed XML: {error}") from None
    _measure(root)
    return root


def _parser() -> etree.XMLParser:
    """A new one for each document: a parser is not to be used by two at a time, and keeps the names it has seen."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        collect_ids=False,
    )


def _measure(root: Any) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise protocol_error("a message has no document type declaration")
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        if depth > limits.DEPTH:
            raise protocol_error(f"elements stand at most {limits.DEPTH} deep")
        if count > limits.ELEMENTS:
            raise protocol_error(f"a message has at most {limits.ELEMENTS} elements")
        if len(element.attrib) > limits.ATTRIBUTES:
            raise protocol_error(f"an element has at most {limits.ATTRIBUTES} attributes")
        if not isinstance(element.tag, str):
            raise protocol_error("a message has no entities")


def serialise(root: Any) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def inflate(data: bytes, encoding: str) -> bytes:
    """The body as it was before `Content-Encoding`. Raises Fault: unknown encoding (415), broken, or a bomb (413)."""
    for each in reversed([part.strip().lower() for part in encoding.split(",")]):
        if each in ("", "identity"):
            continue
        if each in ("gzip", "x-gzip"):
            data = _inflated(data, _GZIP)
        elif each == "deflate":
            data = _deflated(data)
        else:
            raise protocol_error(f"the content encoding {each[:30]!r} is not known; send gzip, deflate or none", status=415)
    return data


def _deflated(data: bytes) -> bytes:
    """Wrapped in zlib by the specification, bare by a widespread mistake."""
    try:
        return _inflated(data, zlib.MAX_WBITS)
    except Fault as fault:
        if fault.status == 413:
            raise
        return _inflated(data, _RAW)


def _inflated(data: bytes, bits: int) -> bytes:
    machine = zlib.decompressobj(bits)
    try:
        made = machine.decompress(data, limits.INFLATED_BYTES + 1)
    except zlib.error:
        raise protocol_error("the compressed body cannot be read") from None
    if len(made) > limits.INFLATED_BYTES:
        raise protocol_error(f"a message has at most {limits.INFLATED_BYTES} bytes once it is decompressed", status=413)
    if not machine.eof or machine.unused_data:
        raise protocol_error("the compressed body cannot be read")
    return made


def deflate(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """(body, Content-Encoding) of an answer for a client that sent this `Accept-Encoding`."""
    if len(data) < limits.COMPRESS_FROM_BYTES:
        return data, None
    for encoding, bits in (("gzip", _GZIP), ("deflate", zlib.MAX_WBITS)):
        if _accepts(accepted, encoding):
            machine = zlib.compressobj(6, zlib.DEFLATED, bits)
            return machine.compress(data) + machine.flush(), encoding
    return data, None


def _accepts(header: str, encoding: str) -> bool:
    for part in header.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        if name.strip() == encoding:
            quality = parameters.replace(" ", "").removeprefix("q=")
            return quality not in ("0", "0.0", "0.00", "0.000")
    return False
