"""Bytes to an XML tree and back, when anybody may have sent the bytes.

UTF-8 only, no DTD (so no entities and nothing external), bounded in bytes, depth, elements and attributes while it is read, and
in what a few compressed bytes may become. Whatever is refused is a `Fault` that can be answered.

Reading is expat's and writing is lxml's: libxml2 keeps every name and every short text that a thread has ever parsed, so a
sender of made-up names grew the process by 40 MB a second until nothing was parsed any more. An expat parser goes with its
document.
"""

import zlib
from typing import Any
from xml.etree.ElementTree import Element
from xml.parsers import expat

from lxml import etree

from gateways.ocpp.soap import limits
from gateways.ocpp.soap.faults import Fault, protocol_error

_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")


def parse(data: bytes) -> Element:
    """The root element, without comments and processing instructions. Raises Fault."""
    if len(data) > limits.INFLATED_BYTES:
        raise protocol_error(f"a message has at most {limits.INFLATED_BYTES} bytes", status=413)
    if data[:2] in _WIDE:
        raise protocol_error("a message is encoded in UTF-8")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8", "}")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    try:
        parser.Parse(data.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\x00"), True)
    except expat.ExpatError as error:
        raise protocol_error(f"this is not well-formed XML: {error}") from None
    assert builder.root is not None, "a document has a root, or it is not well-formed"
    return builder.root


def _no_doctype(*args: Any) -> None:
    raise protocol_error("a message has no document type declaration")


class _Builder:
    """Elements as they begin and end; the text of an element is what stands before its first child."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= limits.DEPTH:
            raise protocol_error(f"elements stand at most {limits.DEPTH} deep")
        if self._elements > limits.ELEMENTS:
            raise protocol_error(f"a message has at most {limits.ELEMENTS} elements")
        if len(attributes) > limits.ATTRIBUTES:
            raise protocol_error(f"an element has at most {limits.ATTRIBUTES} attributes")
        element = Element(_braced(name), {_braced(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        element = self._open[-1]
        if not len(element):
            element.text = text if element.text is None else element.text + text


def _braced(name: str) -> str:
    """expat says `namespace}name`."""
    return "{" + name if "}" in name else name


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
