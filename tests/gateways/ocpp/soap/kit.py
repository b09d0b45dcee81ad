"""SOAP requests made by hand, and a node that answers them without HTTP."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from lxml import etree

from gateways.egress import EgressGate
from gateways.ocpp.soap.operations import VERSIONS, Complex, Field, Simple
from gateways.ocpp.soap.service import SoapAnswer, SoapRequest, SoapService
from tests.gateways.ocpp.node import PASSWORD, TENANT, Node, open_node

ENV = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
ANON = WSA + "/anonymous"
OFFICIAL = Path(__file__).parents[5] / "shared" / "reference" / "ocpp15"
LOOPBACK = ("127.0.0.0/8",)
ALL = tuple(VERSIONS)
SOAP_15 = "ocpp1.5"
FILES = {
    ("ocpp1.2", "centre"): "centralsystemservice_0.wsdl",
    ("ocpp1.2", "station"): "chargepointservice.wsdl",
    ("ocpp1.5", "centre"): "ocpp_centralsystemservice_1.5_final.wsdl",
    ("ocpp1.5", "station"): "ocpp_chargepointservice_1.5_final.wsdl",
    ("ocpp1.6-S", "centre"): "OCPP_CentralSystemService_1.6.wsdl",
    ("ocpp1.6-S", "station"): "OCPP_ChargePointService_1.6.wsdl",
}


def official(protocol: str, side: str) -> Path | None:
    """The official description, where it lies beside the checkout."""
    path = OFFICIAL / FILES[protocol, side]
    return path if path.is_file() else None


def message(
    action: str,
    body: str = "",
    *,
    protocol: str = SOAP_15,
    namespace: str | None = None,
    identity: str | None = "CP1",
    message_id: str | None = "urn:uuid:1",
    callback: str | None = None,
    extra: str = "",
    header_action: str | None = "",
) -> bytes:
    """An envelope; `body` are the children of the request's element, in the namespace of prefix `c`."""
    ns = VERSIONS[protocol].centre.namespace if namespace is None else namespace
    headers = [] if identity is None else [f'<c:chargeBoxIdentity e:mustUnderstand="true">{identity}</c:chargeBoxIdentity>']
    if header_action is not None:
        headers.append(f"<a:Action>{header_action or '/' + action}</a:Action>")
    if message_id is not None:
        headers.append(f"<a:MessageID>{message_id}</a:MessageID>")
    if callback is not None:
        headers.append(f"<a:From><a:Address>{callback}</a:Address></a:From>")
    name = action[:1].lower() + action[1:] + "Request"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{ENV}" xmlns:a="{WSA}" xmlns:c="{ns}">'
        f"<e:Header>{''.join(headers)}{extra}</e:Header><e:Body><c:{name}>{body}</c:{name}></e:Body></e:Envelope>"
    ).encode()


def fields(**values: Any) -> str:
    return "".join(f"<c:{name}>{value}</c:{name}>" for name, value in values.items())


BOOT = fields(chargePointVendor="Voltroupe", chargePointModel="Test")


def basic(identity: str = "CP1", password: bytes = PASSWORD) -> str:
    return "Basic " + base64.b64encode(identity.encode() + b":" + password).decode()


class SoapNode:
    def __init__(self, node: Node, gate: EgressGate) -> None:
        self.node = node
        self.soap = SoapService(node.listener.hub, node.listener.admission, gate)

    async def post(self, body: bytes, **options: Any) -> SoapAnswer:
        """As the registered station CP1, unless told otherwise."""
        options.setdefault("authorization", basic())
        options.setdefault("tenant", TENANT)
        return await self.soap.answer(SoapRequest(body=body, peer="10.0.0.7", **{"identity": None} | options))

    async def say(self, action: str, body: str = "", **options: Any) -> Any:
        """The answer's body element; a fault fails the test."""
        http = {name: options.pop(name) for name in ("authorization", "tenant", "secure") if name in options}
        answer = await self.post(message(action, body, **options), **http)
        assert answer.status == 200, answer.body
        return read(answer)[1]

    async def insist(self, action: str, body: str = "") -> dict[str, str]:
        """What the answer says to a message that is sent again while it is told to come later, as stations do."""
        while (answer := await self.post(message(action, body))).status == 503:
            await trio.sleep(0.05)
        assert answer.status == 200, answer.body
        return texts(read(answer)[1])

    async def boot(self, **options: Any) -> Any:
        return await self.say("BootNotification", BOOT, **options)


@asynccontextmanager
async def open_soap(
    versions: tuple[str, ...] = ALL, *, gate: EgressGate | None = None, profile: int = 1, **listener: Any
) -> AsyncIterator[SoapNode]:
    async with open_node(**listener) as node, trio.open_nursery() as nursery:
        await node.register("CP1", versions=versions, profile=profile)
        soap_node = SoapNode(node, gate or EgressGate(LOOPBACK))
        nursery.start_soon(soap_node.soap.run)
        yield soap_node
        nursery.cancel_scope.cancel()


def read(answer: SoapAnswer) -> tuple[dict[str, str], Any]:
    """(header blocks by name, the body's element) of an answer."""
    root = etree.fromstring(answer.body)
    header = {etree.QName(block).localname: (block.text or "") for block in root.find(f"{{{ENV}}}Header")}
    return header, root.find(f"{{{ENV}}}Body")[0]


def texts(element: Any) -> dict[str, str]:
    return {etree.QName(leaf).localname: leaf.text or "" for leaf in element.iter() if not len(leaf)}


def fault(answer: SoapAnswer) -> tuple[int, str, str]:
    """(HTTP status, code, subcode) of a fault."""
    _, element = read(answer)
    assert etree.QName(element).localname == "Fault", answer.body
    codes = [value.text.partition(":")[2] for value in element.iter(f"{{{ENV}}}Value")]
    return answer.status, codes[0], codes[1] if len(codes) > 1 else ""


def sample(kind: Simple | Complex, whole: bool, name: str = "") -> Any:
    """A value of a type: with every field, or with those alone that must be."""
    if isinstance(kind, Complex):
        return {field.name: _of(field, whole) for field in kind.fields if whole or field.required}
    if kind.values:
        return kind.values[-1]
    match kind.base:
        case "int":
            return 7
        case "decimal":
            return 16.5
        case "boolean":
            return True
        case "dateTime":
            return "2026-11-22T10:00:00Z"
        case "anyURI":
            return "ftp://example.com/file"
    return "x" * min(kind.longest or 12, 12)


def _of(field: Field, whole: bool) -> Any:
    value = sample(field.type, whole, field.name)
    return [value, value] if field.many and whole else [value] if field.many else value
