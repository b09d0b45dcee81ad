"""Fields of a message: XML elements to plain values and back, as the table of operations says.

Values are what JSON knows, so that what follows (v16/) need not care which transport a message came by: numbers and booleans are
read where the table has them, everything else is a text. Reading is tolerant and never raises: elements are found by their name
in any case and any namespace, empty ones count as absent, a number that is none stays a text. Writing is strict.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from lxml import etree

from gateways.ocpp.soap.operations import Complex, Field, Simple

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?")
_BOOLEAN = {"true": True, "1": True, "false": False, "0": False}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def local_name(element: Any) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def read_fields(kind: Complex, element: Element) -> dict[str, Any]:
    """What stands in `element`, by the names of the table; what the table does not know keeps its own name, as a text."""
    known = {field.name.lower(): field for field in kind.fields if not field.place}
    found: dict[str, Any] = {}
    for child in element:
        name = local_name(child)
        field = known.get(name.lower())
        if field is None:
            found.setdefault(name, _text(child))
            continue
        value = _read(field.type, child, field.required and not field.many)
        if value is None:
            continue
        if field.many:
            found.setdefault(field.name, []).append(value)
        else:
            found.setdefault(field.name, value)
    for field in kind.fields:
        if field.place == "$":
            found[field.name] = _text(element)
        elif field.place == "@":
            given = _attribute(element, field.name)
            if given:
                found[field.name] = given
    return found


def _read(kind: Simple | Complex, element: Element, required: bool) -> Any:
    """None: it says nothing."""
    if element.get(_NIL) in ("true", "1"):
        return None
    if isinstance(kind, Complex):
        return read_fields(kind, element) or None
    text = _text(element)
    if not text:
        return "" if required and kind.base == "string" and not kind.values else None
    if kind.base == "int":
        return int(text) if _INTEGER.fullmatch(text) else text
    if kind.base == "decimal":
        return float(text) if _DECIMAL.fullmatch(text) else text
    if kind.base == "boolean":
        return _BOOLEAN.get(text.lower(), text)
    return text


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _attribute(element: Element, name: str) -> str | None:
    for given, value in element.attrib.items():
        if str(given).rpartition("}")[2].lower() == name.lower():
            return str(value).strip()
    return None


def write_fields(kind: Complex, values: Mapping[str, Any], parent: etree._Element, namespace: str) -> None:
    """Put `values` into `parent`, in the table's order. Raises KeyError for a required field that is missing, ValueError for a
    value that the table does not allow."""
    for field in kind.fields:
        value = values.get(field.name)
        if value is None or value == []:
            if field.required:
                raise KeyError(field.name)
            continue
        if field.place == "$":
            parent.text = _written(field, value)
        elif field.place == "@":
            parent.set(field.name, _written(field, value))
        else:
            for each in value if field.many else (value,):
                child = etree.SubElement(parent, f"{{{namespace}}}{field.name}")
                if isinstance(field.type, Complex):
                    write_fields(field.type, each, child, namespace)
                else:
                    child.text = _written(field, each)


def _written(field: Field, value: Any) -> str:
    kind = field.type
    assert isinstance(kind, Simple)
    if kind.base == "boolean":
        return "true" if value else "false"
    if isinstance(value, float):
        value = format(Decimal(repr(value)), "f")
    text = _NO_XML.sub("\ufffd", str(value))
    if kind.values and text not in kind.values:
        raise ValueError(f"{field.name} cannot be {text[:50]!r}")
    if kind.longest is not None and len(text) > kind.longest:
        raise ValueError(f"{field.name} has at most {kind.longest} characters")
    return text
