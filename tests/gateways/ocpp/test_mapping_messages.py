"""The table of what stations say is what the code does: each row is read by its dialect, field by field."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from actors.station.vendors import PNC_VENDOR
from gateways.ocpp import rpc
from gateways.ocpp.dialect import BadPayload, Several
from gateways.ocpp.dialects import DIALECTS
from gateways.ocpp.mapping import words as w
from gateways.ocpp.mapping.messages import MEANINGS, Told
from gateways.ocpp.v16.actions import FROM_STATION as FROM_16
from gateways.ocpp.v201.messages import FROM_STATION as FROM_201
from storage.vault import Vault
from tests.protocol.schemas import Generator, dump, schema, schema_201

TRIES = 300
"""Generated numbers are negative now and then, and no EVSE is."""
NOW = datetime(2041, 1, 1, tzinfo=UTC)
SCHEMAS: dict[str, Any] = {"ocpp1.6": schema, "ocpp2.0.1": schema_201}
ROWS = [(meaning.of, version, told) for meaning in MEANINGS for version in SCHEMAS for told in meaning.ways(version)]


def test_every_message_of_a_station_has_its_meaning() -> None:
    for version, actions in (("ocpp1.6", FROM_16), ("ocpp2.0.1", FROM_201)):
        there = {told.action for _, known, told in ROWS if known == version and not told.inside}
        assert there == set(actions), version


def read(version: str, told: Told, payload: Any) -> Any:
    dialect = DIALECTS[version]("demo", Vault(bytes(32)), lambda: NOW, False)
    if told.inside:
        envelope = {"vendorId": PNC_VENDOR, "messageId": told.action, "data": dump(payload)}
        return dialect.read(rpc.Call("1", "DataTransfer", dump(envelope).encode()))
    return dialect.read(rpc.Call("1", told.action, dump(payload).encode()))


@pytest.mark.parametrize(("of", "version", "told"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_field_comes_from_where_the_table_says(of: type, version: str, told: Told) -> None:
    """A full message; then the same without one field: exactly what is made of it changes."""
    rules = (schema_201 if told.inside else SCHEMAS[version])(told.action)
    generator = Generator(random.Random(told.action))
    seen: set[str] = set()
    for _ in range(TRIES):
        if seen == set(told.fields):
            break
        full = generator.valid(rules, True)
        try:
            message = _whole(read(version, told, full))
        except BadPayload:
            continue
        assert type(message) is of
        for name, wire in told.fields.items():
            place, value = wire.split("."), full
            for step in place[:-1]:
                value = value[step]
            other = generator.valid(_rules(rules, place), True)
            kept = value[place[-1]]
            value[place[-1]] = other
            try:
                changed = _whole(read(version, told, full))
            except BadPayload:
                continue
            finally:
                value[place[-1]] = kept
            if getattr(changed, name) != getattr(message, name):
                seen.add(name)
    known = {field.name for field in msgspec.structs.fields(of)}
    assert set(told.fields) <= known
    assert seen == set(told.fields), f"nothing was made of {set(told.fields) - seen}"


def _whole(read: Any) -> Any:
    return read.last if isinstance(read, Several) else read


def _rules(rules: dict[str, Any], place: list[str]) -> dict[str, Any]:
    for step in place:
        rules = rules["properties"][step]
    return rules


def test_the_words_are_those_of_the_schemas() -> None:
    assert set(w.STATUS) == set(schema("StatusNotification")["properties"]["status"]["enum"])
    assert set(w.STATUS.values()) == set(schema_201("StatusNotification")["properties"]["connectorStatus"]["enum"])
    reasons = schema_201("TransactionEvent")["properties"]["transactionInfo"]["properties"]["stoppedReason"]["enum"]
    older = schema("StopTransaction")["properties"]["reason"]["enum"]
    assert {w.REASON.get(reason, reason) for reason in older} <= set(reasons)


def test_a_connector_in_use_is_occupied_and_every_other_word_is_the_same() -> None:
    in_use = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}
    assert {wire for wire, canonical in w.STATUS.items() if canonical == "Occupied"} == in_use
    assert all(canonical == wire for wire, canonical in w.STATUS.items() if wire not in in_use)
    assert {w.REASON[wire] for wire in ("HardReset", "SoftReset")} == {"ImmediateReset"}
    assert w.REASON["UnlockCommand"] == "Remote"
    refused_here = ("NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime")
    assert {w.LIST_STATUS[status] for status in refused_here} == {"Blocked"}
    assert w.LIST_STATUS["Unknown"] == "Invalid"
