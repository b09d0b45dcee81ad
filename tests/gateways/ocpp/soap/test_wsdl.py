"""The service descriptions that we make, read by an independent client."""

import io
from typing import Any

import pytest
import zeep
from lxml import etree
from zeep.transports import Transport

from gateways.ocpp.soap import wsdl
from gateways.ocpp.soap.operations import VERSIONS
from tests.gateways.ocpp.soap.kit import official


def client_of(document: bytes) -> zeep.Client:
    return zeep.Client(io.BytesIO(document), transport=Transport())  # type: ignore[arg-type]


def signatures(client: zeep.Client) -> dict[str, tuple[str, str]]:
    """What each operation takes and gives, without the names that a description chooses for its types."""
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    return {
        name: (_shape(operation.input.body.type), _shape(operation.output.body.type))
        for name, operation in port.binding._operations.items()
    }


def _shape(kind: Any) -> Any:
    elements = getattr(kind, "elements", None)
    if not elements and not getattr(kind, "attributes", None):
        return kind.accepted_types[0].__name__ if kind is not None and hasattr(kind, "accepted_types") else None
    inner = [(name, _shape(e.type), str(e.min_occurs), str(e.max_occurs)) for name, e in elements or ()]
    return inner, [name for name, _ in getattr(kind, "attributes", ())]


@pytest.mark.parametrize("protocol", VERSIONS)
def test_zeep_reads_the_description_and_finds_every_operation(protocol: str) -> None:
    made = wsdl.describe(protocol, 'http://node/soap/demo?a=1&b="2"')
    assert made is not None
    client = client_of(made)
    assert set(signatures(client)) == set(VERSIONS[protocol].centre.operations)
    (service,) = client.wsdl.services.values()
    assert [port.binding_options["address"] for port in service.ports.values()] == ['http://node/soap/demo?a=1&b="2"']


@pytest.mark.parametrize("protocol", VERSIONS)
def test_it_says_what_the_official_description_says(protocol: str) -> None:
    path = official(protocol, "centre")
    if path is None:
        pytest.skip("the official WSDL is not beside this checkout")
    made = wsdl.describe(protocol, "http://node/")
    assert made is not None
    assert signatures(client_of(made)) == signatures(client_of(path.read_bytes()))


def test_the_label_chooses_the_version_and_1_5_is_the_default() -> None:
    def namespace(label: str) -> str:
        made = wsdl.describe(label, "http://node/")
        assert made is not None
        return str(etree.fromstring(made).get("targetNamespace"))

    assert namespace("") == namespace("1.5") == "urn://Ocpp/Cs/2012/06/"
    assert namespace("1.2") == "urn://Ocpp/Cs/2010/08/"
    assert namespace("1.6") == namespace("ocpp1.6-S") == "urn://Ocpp/Cs/2015/10/"
    assert wsdl.describe("2.0", "http://node/") is None
