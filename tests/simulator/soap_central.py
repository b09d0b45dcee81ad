"""A few lines of SOAP central system for the simulator's tests, on h11 of its own, and strict.

Every request is validated against the WSDL's schema, and so is every answer of a station to a command; what does not fit ends
the test.
"""

import gzip
import re
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import h11
import httpx
import trio
from lxml import etree

from gateways.ocpp.soap import wsdl
from gateways.ocpp.soap.operations import VERSIONS

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
Rule = Callable[[Any], str]


@cache
def schema(protocol: str, station: bool) -> Any:
    service = VERSIONS[protocol].station if station else VERSIONS[protocol].centre
    types = wsdl._definitions(service, "http://x/")[0]
    return etree.XMLSchema(etree.fromstring(etree.tostring(types[0])))


def namespace(protocol: str, station: bool) -> str:
    version = VERSIONS[protocol]
    return (version.station if station else version.centre).namespace


class SoapCentral:
    """Answers by `rules` (action -> body's children as text); remembers what it heard."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.port = 0
        self.heard: list[tuple[str, Any, dict[str, str]]] = []
        """Action, body element, headers (SOAP's and HTTP's, lower case)."""
        self.malformed = 0
        self.pause = 0.0
        self.invalid: list[str] = []
        self.fault: str | None = None
        self.numbers: dict[str, int] = {}
        now = datetime.now(UTC).isoformat()
        interval = "heartbeatInterval" if protocol == "ocpp1.5" else "interval"
        accepted = "<idTagInfo><status>Accepted</status></idTagInfo>"
        self.rules: dict[str, Rule] = {
            "BootNotification": lambda _: (
                f"<status>Accepted</status><currentTime>{now}</currentTime><{interval}>300</{interval}>"
            ),
            "Heartbeat": lambda _: f"<currentTime>{now}</currentTime>",
            "Authorize": lambda _: accepted,
            "StartTransaction": self._start,
            "StopTransaction": lambda _: accepted,
            "DataTransfer": lambda _: "<status>Accepted</status>",
        }

    def _start(self, body: Any) -> str:
        number = self.numbers.setdefault(etree.tostring(body).decode(), len(self.numbers) + 1)
        return f"<transactionId>{number}</transactionId><idTagInfo><status>Accepted</status></idTagInfo>"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/soap/t"

    def actions(self, action: str) -> list[dict[str, str]]:
        """The leaves of what was heard of an action: name -> text."""
        return [
            {etree.QName(leaf).localname: leaf.text or "" for leaf in body.iter() if not len(leaf)}
            for name, body, _ in self.heard
            if name == action
        ]

    async def heard_of(self, action: str, count: int = 1) -> list[dict[str, str]]:
        with trio.fail_after(60):
            while len(self.actions(action)) < count:
                await trio.sleep(0.01)
        return self.actions(action)

    @property
    def callback(self) -> str:
        return self.heard[0][2]["from"]

    async def command(self, action: str, children: str = "", identity: str = "Q00001", **more: str) -> dict[str, str]:
        """POST a command to the station; the leaves of its answer, or {"fault": subcode}."""
        space = more.get("namespace", namespace(self.protocol, station=True))
        name = action[0].lower() + action[1:]
        body = (
            f'<?xml version="1.0"?><e:Envelope xmlns:e="{SOAP}" xmlns:w="{ADDRESSING}"><e:Header>'
            f'<chargeBoxIdentity xmlns="{space}" e:mustUnderstand="true">{identity}</chargeBoxIdentity>'
            f"<w:MessageID>urn:uuid:m-{action}</w:MessageID><w:Action>/{action}</w:Action>"
            f'</e:Header><e:Body><{name}Request xmlns="{space}">{children}</{name}Request></e:Body></e:Envelope>'
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(self.callback, content=body, headers={"Content-Type": "application/soap+xml"})
        root = etree.fromstring(answer.content)
        assert root.findtext(f".//{{{ADDRESSING}}}RelatesTo") == f"urn:uuid:m-{action}"
        element = root.find(f"{{{SOAP}}}Body")[0]
        if etree.QName(element).localname == "Fault":
            return {"fault": element.findtext(f".//{{{SOAP}}}Subcode/{{{SOAP}}}Value").rpartition(":")[2]}
        self._check(element, station=True)
        return {etree.QName(leaf).localname: leaf.text or "" for leaf in element.iter() if not len(leaf)}

    def _check(self, element: Any, *, station: bool) -> None:
        found = schema(self.protocol, station)
        if not found.validate(etree.fromstring(etree.tostring(element))):
            self.invalid.append(f"{etree.QName(element).localname}: {found.error_log.last_error}")

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def _serve(self, stream: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER)
        headers: dict[str, str] = {}
        data = b""
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                try:
                    http.receive_data(await stream.receive_some(65536))
                except trio.BrokenResourceError:
                    return
            elif isinstance(event, h11.Request):
                headers = {key.decode(): value.decode() for key, value in event.headers}
                headers["path"] = event.target.decode()
                data = b""
            elif isinstance(event, h11.Data):
                data += event.data
            elif isinstance(event, h11.EndOfMessage):
                status, body = self._answer(headers, data)
                await trio.sleep(self.pause)
                out = [("Content-Type", "application/soap+xml"), ("Content-Length", str(len(body)))]
                if status == 200:
                    body = zlib.compress(body)
                    out = [out[0], ("Content-Encoding", "deflate"), ("Content-Length", str(len(body)))]
                head = h11.Response(status_code=status, headers=out)
                try:
                    await stream.send_all(http.send(head) + http.send(h11.Data(data=body)) + http.send(h11.EndOfMessage()))
                except trio.BrokenResourceError:
                    return
                http.start_next_cycle()
            else:
                return

    def _answer(self, headers: dict[str, str], data: bytes) -> tuple[int, bytes]:
        if headers.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        try:
            root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
            body = root.find(f"{{{SOAP}}}Body")[0]
            assert etree.QName(body).namespace == namespace(self.protocol, station=False)
        except (etree.XMLSyntaxError, TypeError, IndexError, AssertionError):
            self.malformed += 1
            return 400, self._fault("ProtocolError")
        for element in root.find(f"{{{SOAP}}}Header"):
            address = element.find(f"{{{ADDRESSING}}}Address")
            headers[etree.QName(element).localname.lower()] = (element if address is None else address).text
        action = re.sub("Request$", "", etree.QName(body).localname)
        action = action[0].upper() + action[1:]
        assert headers["action"] == f"/{action}"
        assert f'action="/{action}"' in headers["content-type"]
        self._check(body, station=False)
        self.heard.append((action, body, headers))
        if self.fault is not None:
            return 400, self._fault(self.fault)
        space = namespace(self.protocol, station=False)
        name = action[0].lower() + action[1:]
        children = self.rules.get(action, lambda _: "")(body)
        text = (
            f'<e:Envelope xmlns:e="{SOAP}" xmlns:w="{ADDRESSING}"><e:Header><w:RelatesTo>{headers["messageid"]}</w:RelatesTo>'
            f'</e:Header><e:Body><{name}Response xmlns="{space}">{children}</{name}Response></e:Body></e:Envelope>'
        )
        return 200, text.encode()

    def _fault(self, subcode: str) -> bytes:
        return (
            f'<e:Envelope xmlns:e="{SOAP}"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode>'
            f'<e:Value xmlns:o="urn://Ocpp/2012/02/">o:{subcode}</e:Value></e:Subcode></e:Code>'
            f'<e:Reason><e:Text xml:lang="en">no</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>'
        ).encode()


@asynccontextmanager
async def soap_central(protocol: str) -> AsyncIterator[SoapCentral]:
    central = SoapCentral(protocol)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, central._serve, 0, host="127.0.0.1"))
        central.port = listeners[0].socket.getsockname()[1]
        yield central
        nursery.cancel_scope.cancel()
    assert central.invalid == []
