"""Our 1.6 Structs against the official JSON schemas: generated instances are accepted and rejected alike.

Intended differences, all of them:
* a time must be a time with zone (the schemas take any text, since formats are not checked);
* an integer has at most 64 bits;
* StopTransaction takes the unit `Hertz` as MeterValues does (its schema lacks the word).
"""

import random
from typing import Any

import jsonschema
import msgspec
import pytest

from gateways.ocpp.v16 import messages, security
from gateways.ocpp.v16.actions import FROM_STATION, TO_STATION
from tests.protocol.schemas import Generator, accepts, dump, schema

ROUNDS = 25
KINDS: dict[str, Any] = {}
for _table in (FROM_STATION, TO_STATION):
    for _action, (_request, _response) in _table.items():
        KINDS[_action] = _request
        KINDS[f"{_action}Response"] = _response


def test_every_message_of_annex_a_is_here() -> None:
    assert len(messages.FROM_STATION) == 10
    assert len(messages.TO_STATION) == 19


def test_every_message_of_the_security_extension_is_here() -> None:
    assert len(security.FROM_STATION) == 4
    assert len(security.TO_STATION) == 7
    assert len(FROM_STATION) + len(TO_STATION) == 10 + 19 + 11


@pytest.mark.parametrize("name", sorted(KINDS))
def test_generated_instances_are_judged_alike(name: str) -> None:
    kind, rules = KINDS[name], schema(name)
    validator = jsonschema.Draft4Validator(rules)
    decoder = msgspec.json.Decoder(kind)
    generator = Generator(random.Random(name))
    judged = rejected = 0
    for n in range(ROUNDS):
        value = generator.valid(rules, {0: True, 1: False}.get(n))
        for instance in [value, *generator.broken(rules, value)]:
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
    assert rejected or not rules.get("properties"), f"no invalid instance among {judged}"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_we_write_is_valid_and_reads_back(name: str) -> None:
    """Round trip: decoded, encoded by us, still valid and equal."""
    kind, rules = KINDS[name], schema(name)
    validator = jsonschema.Draft4Validator(rules)
    generator = Generator(random.Random(f"{name} again"))
    for _ in range(ROUNDS):
        message = msgspec.json.decode(dump(generator.valid(rules)), type=kind)
        written = msgspec.json.encode(message)
        assert accepts(validator, written.decode()), written
        assert msgspec.json.decode(written, type=kind) == message


def test_the_field_names_are_those_of_the_schemas() -> None:
    for name, kind in KINDS.items():
        ours = {field.encode_name: field.required for field in msgspec.structs.fields(kind)}
        rules = schema(name)
        theirs = {field: field in rules.get("required", []) for field in rules.get("properties", {})}
        assert ours == theirs, name


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01", "12:00:00", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_is_a_time_with_zone(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"currentTime": text}), type=KINDS["HeartbeatResponse"])


def test_an_integer_has_at_most_64_bits() -> None:
    for number, fits in ((2**63 - 1, True), (2**63, False), (10**400, False)):
        text = b'{"transactionId":%d}' % number
        if fits:
            msgspec.json.decode(text, type=KINDS["RemoteStopTransaction"])
        else:
            with pytest.raises(msgspec.ValidationError):
                msgspec.json.decode(text, type=KINDS["RemoteStopTransaction"])
