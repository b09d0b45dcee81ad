"""The service descriptions, made from the same table that the codec follows: what `GET ...?wsdl` answers.

WSDL 1.1 with the SOAP 1.2 binding, document/literal, one header part (chargeBoxIdentity) in every request, and the WS-Addressing
actions. It says exactly what we serve; the official files say the same in other words (PROTOCOLS 1.1).
"""

from functools import cache
from typing import Any

from lxml import etree

from gateways.ocpp.soap.document import serialise
from gateways.ocpp.soap.envelope import element_name
from gateways.ocpp.soap.operations import VERSIONS, Complex, Field, Service, Simple

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
XSD = "http://www.w3.org/2001/XMLSchema"
WSAW = "http://www.w3.org/2006/05/addressing/wsdl"
HTTP = "http://schemas.xmlsoap.org/soap/http"

BY_LABEL = {version.label: version for version in VERSIONS.values()} | VERSIONS
DEFAULT = "1.5"


@cache
def _described(protocol: str) -> bytes:
    return serialise(_definitions(VERSIONS[protocol].centre, "@location@"))


def describe(label: str, location: str) -> bytes | None:
    """The WSDL of the central system of a version (`1.5`, `ocpp1.6-S`; "" is the default one) at `location`; None for none of
    ours."""
    version = BY_LABEL.get(label or DEFAULT)
    if version is None:
        return None
    attribute = etree.tostring(etree.Element("a", {"b": location}), encoding="unicode")[len('<a b="') : -len('"/>')]
    return _described(version.protocol).replace(b"@location@", attribute.encode())


def _definitions(service: Service, location: str) -> Any:
    names = {"wsdl": WSDL, "soap12": SOAP12, "s": XSD, "wsaw": WSAW, "tns": service.namespace}
    root = etree.Element(f"{{{WSDL}}}definitions", {"targetNamespace": service.namespace}, nsmap=names)
    _schema(etree.SubElement(root, f"{{{WSDL}}}types"), service)
    header = etree.SubElement(root, f"{{{WSDL}}}message", name="Header")
    etree.SubElement(header, f"{{{WSDL}}}part", name="ChargeBoxIdentity", element="tns:chargeBoxIdentity")
    for action in service.operations:
        for suffix, element in (("Input", "Request"), ("Output", "Response")):
            message = etree.SubElement(root, f"{{{WSDL}}}message", name=action + suffix)
            etree.SubElement(message, f"{{{WSDL}}}part", name="parameters", element=f"tns:{element_name(action)}{element}")
    _port_type(root, service)
    _binding(root, service)
    offered = etree.SubElement(root, f"{{{WSDL}}}service", name=service.name)
    port = etree.SubElement(offered, f"{{{WSDL}}}port", name=f"{service.name}Soap12", binding=f"tns:{service.name}Soap")
    etree.SubElement(port, f"{{{SOAP12}}}address", location=location)
    return root


def _port_type(root: Any, service: Service) -> None:
    port_type = etree.SubElement(root, f"{{{WSDL}}}portType", name=service.name)
    for action in service.operations:
        operation = etree.SubElement(port_type, f"{{{WSDL}}}operation", name=action)
        for side, suffix, said in (("input", "Input", f"/{action}"), ("output", "Output", f"/{action}Response")):
            attributes = {"message": f"tns:{action}{suffix}", f"{{{WSAW}}}Action": said}
            etree.SubElement(operation, f"{{{WSDL}}}{side}", attributes)


def _binding(root: Any, service: Service) -> None:
    binding = etree.SubElement(root, f"{{{WSDL}}}binding", name=f"{service.name}Soap", type=f"tns:{service.name}")
    etree.SubElement(binding, f"{{{SOAP12}}}binding", style="document", transport=HTTP)
    for action in service.operations:
        operation = etree.SubElement(binding, f"{{{WSDL}}}operation", name=action)
        etree.SubElement(operation, f"{{{SOAP12}}}operation", soapAction=f"/{action}", style="document")
        given = etree.SubElement(operation, f"{{{WSDL}}}input")
        etree.SubElement(given, f"{{{SOAP12}}}header", use="literal", message="tns:Header", part="ChargeBoxIdentity")
        etree.SubElement(given, f"{{{SOAP12}}}body", use="literal")
        etree.SubElement(etree.SubElement(operation, f"{{{WSDL}}}output"), f"{{{SOAP12}}}body", use="literal")


def _schema(parent: Any, service: Service) -> None:
    schema = etree.SubElement(parent, f"{{{XSD}}}schema", elementFormDefault="qualified", targetNamespace=service.namespace)
    for name, kind in service.types.items():
        _type(schema, name, kind)
    etree.SubElement(schema, f"{{{XSD}}}element", name="chargeBoxIdentity", type="s:string")
    for operation in service.operations.values():
        for suffix, content in (("Request", operation.request), ("Response", operation.response)):
            name = f"{operation.action}{suffix}"
            _type(schema, name, content)
            etree.SubElement(schema, f"{{{XSD}}}element", name=element_name(name), type=f"tns:{name}")


def _type(schema: Any, name: str, kind: Simple | Complex) -> None:
    if isinstance(kind, Simple):
        simple = etree.SubElement(schema, f"{{{XSD}}}simpleType", name=name)
        restriction = etree.SubElement(simple, f"{{{XSD}}}restriction", base=f"s:{kind.base}")
        if kind.longest is not None:
            etree.SubElement(restriction, f"{{{XSD}}}maxLength", value=str(kind.longest))
        for value in kind.values:
            etree.SubElement(restriction, f"{{{XSD}}}enumeration", value=value)
        return
    made = etree.SubElement(schema, f"{{{XSD}}}complexType", name=name)
    text = next((field for field in kind.fields if field.place == "$"), None)
    if text is not None:
        content = etree.SubElement(made, f"{{{XSD}}}simpleContent")
        holder = etree.SubElement(content, f"{{{XSD}}}extension", base=_reference(text))
    else:
        holder = made
        sequence = etree.SubElement(made, f"{{{XSD}}}sequence")
        for field in kind.fields:
            if not field.place:
                _element(sequence, field)
    for field in kind.fields:
        if field.place == "@":
            etree.SubElement(holder, f"{{{XSD}}}attribute", name=field.name, type=_reference(field), use="optional")


def _element(sequence: Any, field: Field) -> None:
    least, most = "1" if field.required else "0", "unbounded" if field.many else "1"
    etree.SubElement(sequence, f"{{{XSD}}}element", name=field.name, type=_reference(field), minOccurs=least, maxOccurs=most)


def _reference(field: Field) -> str:
    kind = field.type
    if kind.name is None:
        assert isinstance(kind, Simple)
        return f"s:{kind.base}"
    return f"tns:{kind.name}"
