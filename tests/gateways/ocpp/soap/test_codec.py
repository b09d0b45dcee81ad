"""Every operation of every version, both ways, beside the official schemas where they are at hand."""

from typing import Any

import pytest
from lxml import etree

from gateways.ocpp.soap.codec import read_fields, write_fields
from gateways.ocpp.soap.document import parse, serialise
from gateways.ocpp.soap.envelope import element_name
from gateways.ocpp.soap.operations import VERSIONS, Complex, Service
from tests.gateways.ocpp.soap.kit import official, sample

SIDES = [pytest.param(protocol, side, id=f"{protocol}-{side}") for protocol in VERSIONS for side in ("centre", "station")]
COUNTS = {
    ("ocpp1.2", "centre"): 9, ("ocpp1.2", "station"): 9, ("ocpp1.5", "centre"): 10, ("ocpp1.5", "station"): 15,
    ("ocpp1.6-S", "centre"): 10, ("ocpp1.6-S", "station"): 19,
}  # fmt: skip


def contents(service: Service) -> list[tuple[str, Complex]]:
    found = []
    for operation in service.operations.values():
        found.append((f"{element_name(operation.action)}Request", operation.request))
        found.append((f"{element_name(operation.action)}Response", operation.response))
    return found


def written(service: Service, name: str, kind: Complex, values: dict[str, Any]) -> Any:
    element = etree.Element(f"{{{service.namespace}}}{name}")
    write_fields(kind, values, element, service.namespace)
    return element


@pytest.mark.parametrize(("protocol", "side"), SIDES)
def test_every_message_of_a_version_is_read_as_it_was_written(protocol: str, side: str) -> None:
    service = getattr(VERSIONS[protocol], side)
    assert len(service.operations) == COUNTS[protocol, side]
    for name, kind in contents(service):
        for whole in (True, False):
            values = sample(kind, whole)
            element = parse(serialise(written(service, name, kind, values)))
            assert read_fields(kind, element) == values, name


@pytest.mark.parametrize(("protocol", "side"), SIDES)
def test_what_is_written_is_valid_by_the_official_schema(protocol: str, side: str) -> None:
    path = official(protocol, side)
    if path is None:
        pytest.skip("the official WSDL is not beside this checkout")
    service = getattr(VERSIONS[protocol], side)
    found = etree.parse(str(path)).getroot().find(".//{http://www.w3.org/2001/XMLSchema}schema")
    schema = etree.XMLSchema(etree.fromstring(etree.tostring(found)))
    for name, kind in contents(service):
        for whole in (True, False):
            schema.assertValid(etree.ElementTree(written(service, name, kind, sample(kind, whole))))


def test_empty_elements_and_nil_count_as_absent_and_names_are_found_in_any_case() -> None:
    service = VERSIONS["ocpp1.5"].centre
    kind = service.operations["StopTransaction"].request
    element = parse(
        b'<stopTransactionRequest xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><TransactionID> 7 </TransactionID>'
        b'<idTag/><timestamp i:nil="true">x</timestamp><meterStop><!-- six -->6</meterStop><transactionData/>'
        b"<vendorThing>odd</vendorThing></stopTransactionRequest>"
    )
    assert read_fields(kind, element) == {"transactionId": 7, "meterStop": 6, "vendorThing": "odd"}


def test_a_number_that_is_none_stays_a_text_for_the_mending_to_judge() -> None:
    kind = VERSIONS["ocpp1.5"].centre.operations["StartTransaction"].request
    element = parse(b"<r><connectorId>one</connectorId><meterStart>12.0</meterStart></r>")
    assert read_fields(kind, element) == {"connectorId": "one", "meterStart": "12.0"}


def test_writing_is_strict() -> None:
    service = VERSIONS["ocpp1.5"].station
    element = etree.Element("r")
    with pytest.raises(KeyError, match="connectorId"):
        write_fields(service.operations["UnlockConnector"].request, {}, element, "n")
    with pytest.raises(ValueError, match="type"):
        write_fields(service.operations["Reset"].request, {"type": "Gentle"}, element, "n")
    with pytest.raises(ValueError, match="20 characters"):
        write_fields(service.operations["RemoteStartTransaction"].request, {"idTag": "x" * 21}, element, "n")


def test_characters_that_xml_does_not_know_are_replaced() -> None:
    element = etree.Element("r")
    write_fields(
        VERSIONS["ocpp1.5"].station.operations["ChangeConfiguration"].request, {"key": "a\x00b", "value": "\x1b"}, element, "n"
    )
    assert [child.text for child in element] == ["a\ufffdb", "\ufffd"]
