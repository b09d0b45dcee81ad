"""A SOAP station of other people's parts: `zeep` speaks, `spyne` listens, and both know only the official WSDL files.

Nothing of our own codec or tables is used: the listener's types are built from what zeep finds in the description.
"""

import importlib.util
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
import zeep
from lxml import etree
from requests.auth import HTTPBasicAuth
from spyne import Application, ComplexModel, Service, rpc
from spyne.model.complex import ComplexModelMeta
from spyne.model.primitive import AnyUri, Boolean, DateTime, Integer, Unicode
from spyne.model.primitive import Decimal as SpyneDecimal
from spyne.protocol.soap import Soap12
from spyne.server.wsgi import WsgiApplication
from zeep.transports import Transport
from zeep.wsa import WsAddressingPlugin

for _finder in sys.meta_path:
    # spyne brings an old `six`, whose finder lacks a method that whoever imports by hand (pytest, for the next module) calls.
    if type(_finder).__name__ == "_SixMetaPathImporter" and not hasattr(_finder, "find_spec"):
        _finder.find_spec = lambda name, path=None, target=None, own=_finder: (  # type: ignore[method-assign]
            importlib.util.spec_from_loader(name, own) if name in own.known_modules else None
        )

WSA = "http://www.w3.org/2005/08/addressing"
_SIMPLE = {
    "String": Unicode, "Integer": Integer, "Int": Integer, "Boolean": Boolean, "DateTime": DateTime, "Decimal": SpyneDecimal,
    "AnyURI": AnyUri,
}  # fmt: skip


class Speaker:
    """The station as client: `speaker("Authorize", idTag="x")` gives the answer as plain values."""

    def __init__(self, wsdl: Path, url: str, identity: str, password: str, callback: str) -> None:
        session = requests.Session()
        session.trust_env = False
        session.auth = HTTPBasicAuth(identity, password)
        transport = Transport(session=session, timeout=60, operation_timeout=60)
        self.client = zeep.Client(str(wsdl), transport=transport, plugins=[WsAddressingPlugin()])
        (service,) = self.client.wsdl.services.values()
        (port,) = service.ports.values()
        self.namespace = port.binding.name.namespace
        self.proxy = self.client.create_service(str(port.binding.name), url)
        box = etree.Element(f"{{{self.namespace}}}chargeBoxIdentity")
        box.text = identity
        source = etree.Element(f"{{{WSA}}}From")
        etree.SubElement(source, f"{{{WSA}}}Address").text = callback
        self.headers = [box, source]

    def __call__(self, action: str, **fields: Any) -> Any:
        answer = getattr(self.proxy, action)(**fields, _soapheaders=self.headers)
        return zeep.helpers.serialize_object(answer, dict)


class Listener:
    """The station as server: keeps what each operation carried in `received`, answers what `answers` says."""

    def __init__(self, wsdl: Path, answers: dict[str, dict[str, Any]]) -> None:
        self.received: dict[str, dict[str, Any]] = {}
        self.identities: list[str] = []
        self._answers = answers
        self._made: dict[str, Any] = {}
        (service,) = describe(str(wsdl)).services.values()
        (port,) = service.ports.values()
        self.namespace = port.binding.name.namespace
        operations = dict(port.binding._operations)
        self.operations = sorted(operations)
        methods = {name: self._method(name, operation) for name, operation in operations.items()}
        made = type(Service)("Station", (Service,), methods)
        application = Application([made], self.namespace, in_protocol=Soap12(validator="soft"), out_protocol=Soap12())
        self._server = make_server("127.0.0.1", 0, WsgiApplication(application), handler_class=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}/station"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _method(self, name: str, operation: Any) -> Any:
        taken = self._fields(operation.input.body.type)
        given = self._fields(operation.output.body.type)
        lower = name[:1].lower() + name[1:]

        def handle(ctx: Any, *values: Any) -> Any:
            header = ctx.in_header_doc if ctx.in_header_doc is not None else []
            self.identities += [block.text for block in header if etree.QName(block).localname == "chargeBoxIdentity"]
            self.received[name] = {
                field: _plain(value) for field, value in zip(taken, values, strict=True) if value not in (None, [])
            }
            answer = self._answers[name]
            filled = [_filled(kind, answer.get(field)) for field, kind in given.items()]
            return filled[0] if len(filled) == 1 else tuple(filled) if filled else None

        handle.__name__ = name
        return rpc(
            *taken.values(),
            _args=list(taken),
            _in_message_name=f"{{{self.namespace}}}{lower}Request",
            _out_message_name=f"{{{self.namespace}}}{lower}Response",
            **({"_returns": list(given.values()), "_out_variable_names": list(given)} if given else {}),
        )(handle)

    def _fields(self, kind: Any) -> dict[str, Any]:
        return {name: self._element(element) for name, element in kind.elements}

    def _element(self, element: Any) -> Any:
        made = self._type(element.type)
        many = element.max_occurs == "unbounded"
        return made.customize(min_occurs=int(element.min_occurs), max_occurs="unbounded" if many else 1)

    def _type(self, kind: Any) -> Any:
        if not hasattr(kind, "elements"):
            bases = [each.__name__ for each in type(kind).__mro__]
            return next(_SIMPLE[name] for name in bases if name in _SIMPLE)
        if kind.name not in self._made:
            fields = {name: self._element(element) for name, element in kind.elements}
            members = {"__namespace__": self.namespace, "_type_info": list(fields.items())}
            self._made[kind.name] = ComplexModelMeta(kind.name, (ComplexModel,), members)
        return self._made[kind.name]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def describe(where: str) -> Any:
    """A service description as zeep reads it, from a path or a URL."""
    session = requests.Session()
    session.trust_env = False
    return zeep.Client(where, transport=Transport(session=session)).wsdl


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, ComplexModel):
        told = {name: getattr(value, name) for name in type(value)._type_info}
        return {name: _plain(each) for name, each in told.items() if each not in (None, [])}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    return value


def _filled(kind: Any, value: Any) -> Any:
    """A plain answer as spyne wants it."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_filled(kind, each) for each in value]
    if isinstance(value, dict):
        types = kind._type_info
        return kind(**{name: _filled(types[name], each) for name, each in value.items()})
    if issubclass(kind, DateTime):
        return datetime.fromisoformat(value)
    return Decimal(str(value)) if issubclass(kind, SpyneDecimal) and not issubclass(kind, Integer) else value
