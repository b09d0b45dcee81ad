"""Our 2.0.1 Structs against the official JSON schemas: generated instances are accepted and rejected alike.

Intended differences, all of them:
* a time must be a time with zone (the schemas take any text, since formats are not checked);
* an integer has at most 64 bits.
"""

import random
from typing import Any, get_args, get_origin

import jsonschema
import msgspec
import pytest

from gateways.ocpp.fields import inner_type
from gateways.ocpp.v201.messages import FROM_STATION, TO_STATION
from gateways.ocpp.v201.messages.base import CustomData, Wire
from tests.protocol.schemas import Generator, accepts, dump, schema_201

ROUNDS = 6
CHANGES = 120
"""Broken copies of an instance that are judged, of several hundred that the larger messages have."""
KINDS: dict[str, Any] = {}
for _table in (FROM_STATION, TO_STATION):
    for _action, (_request, _response) in _table.items():
        KINDS[_action] = _request
        KINDS[f"{_action}Response"] = _response


def test_every_message_of_annex_b_is_here() -> None:
    assert len(FROM_STATION) == 25
    assert len(TO_STATION) == 40
    assert FROM_STATION.keys() & TO_STATION.keys() == {"DataTransfer"}
    assert len(KINDS) == 128


@pytest.mark.parametrize("name", sorted(KINDS))
def test_generated_instances_are_judged_alike(name: str) -> None:
    kind, rules = KINDS[name], schema_201(name)
    validator = jsonschema.Draft6Validator(rules)
    decoder = msgspec.json.Decoder(kind)
    rng = random.Random(name)
    generator = Generator(rng)
    judged = rejected = 0
    for n in range(ROUNDS):
        value = generator.valid(rules, {0: True, 1: False}.get(n))
        broken = list(generator.broken(rules, value))
        for instance in [value, *(broken if len(broken) <= CHANGES else rng.sample(broken, CHANGES))]:
            text = dump(instance)
            expected = accepts(validator, text)
            try:
                decoder.decode(text)
                ours = True
            except msgspec.ValidationError:
                ours = False
            assert ours == expected, f"schema says {expected}: {text}"
            judged += 1
            rejected += not expected
    assert rejected, f"no invalid instance among {judged}"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_we_write_is_valid_and_reads_back(name: str) -> None:
    """Round trip: decoded, encoded by us, still valid and equal."""
    kind, rules = KINDS[name], schema_201(name)
    validator = jsonschema.Draft6Validator(rules)
    generator = Generator(random.Random(f"{name} again"))
    for _ in range(ROUNDS):
        message = msgspec.json.decode(dump(generator.valid(rules)), type=kind)
        written = msgspec.json.encode(message)
        assert accepts(validator, written.decode()), written
        assert msgspec.json.decode(written, type=kind) == message


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_field_names_are_those_of_the_schemas_at_every_depth(name: str) -> None:
    def compare(kind: Any, rules: dict[str, Any], at: str) -> None:
        kind = inner_type(kind)
        if get_origin(kind) is list:
            compare(get_args(kind)[0], rules["items"], f"{at}[]")
        elif isinstance(kind, type) and issubclass(kind, (Wire, CustomData)):
            fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
            ours = {wire: field.required for wire, field in fields.items()}
            theirs = {wire: wire in rules.get("required", []) for wire in rules.get("properties", {})}
            assert ours == theirs, at
            for wire, field in fields.items():
                compare(field.type, rules["properties"][wire], f"{at}.{wire}")

    compare(KINDS[name], schema_201(name), name)


def test_custom_data_may_hold_anything_besides_its_vendor() -> None:
    text = b'{"customData":{"vendorId":"a vendor","anything":[1,{"deep":null}]}}'
    read = msgspec.json.decode(text, type=KINDS["Heartbeat"])
    assert read.custom_data == CustomData(vendor_id="a vendor")
    with pytest.raises(msgspec.ValidationError, match="vendorId"):
        msgspec.json.decode(b'{"customData":{"anything":1}}', type=KINDS["Heartbeat"])


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01", "12:00:00", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_is_a_time_with_zone(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"currentTime": text}), type=KINDS["HeartbeatResponse"])
