"""Strict mode: the schemas to the letter, each break with the error code that the specification names."""

from typing import Any

import pytest
import trio

from tests.gateways.ocpp.node import TAG, connect, open_node

GOOD: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
BROKEN = [
    ({"status": "Available"}, "OccurenceConstraintViolation"),
    ({**GOOD, "connectorId": "1"}, "TypeConstraintViolation"),
    ({**GOOD, "connectorId": 1.0}, "TypeConstraintViolation"),
    ({**GOOD, "info": None}, "TypeConstraintViolation"),
    ({**GOOD, "info": "x" * 51}, "PropertyConstraintViolation"),
    ({**GOOD, "status": "Occupied"}, "PropertyConstraintViolation"),
    ({**GOOD, "connectorId": 2**63}, "PropertyConstraintViolation"),
    ({**GOOD, "mine": 1}, "FormationViolation"),
]


@pytest.mark.parametrize(("payload", "code"), BROKEN)
async def test_each_break_has_its_code_and_the_connection_stays(payload: dict[str, Any], code: str) -> None:
    async with open_node(strict=True) as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            answer = await station.call("StatusNotification", payload)
            assert (answer[0], answer[2]) == (4, code)
            assert len(answer[3]) <= 255
            assert answer[4] == {}
            assert await station.call("StatusNotification", GOOD) == {}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"status": "Available"}, "OccurenceConstraintViolation"),
        ({**GOOD, "connectorId": "one"}, "TypeConstraintViolation"),
        ({**GOOD, "connectorId": []}, "TypeConstraintViolation"),
        ({**GOOD, "status": "Dancing"}, "PropertyConstraintViolation"),
        ({**GOOD, "connectorId": 2**63}, "PropertyConstraintViolation"),
    ],
)
async def test_what_cannot_be_mended_has_the_same_codes_otherwise(payload: dict[str, Any], code: str) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            assert (await station.call("StatusNotification", payload))[2] == code


@pytest.mark.parametrize(
    ("action", "code"),
    [("Nonsense", "NotImplemented"), ("heartbeat", "NotImplemented"), ("Reset", "NotSupported"), ("", "NotImplemented")],
)
async def test_an_unknown_action_is_not_implemented_and_a_command_is_not_supported(action: str, code: str) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            assert (await station.call(action, {}))[2] == code


async def test_what_a_station_said_is_kept_and_visible_with_its_error_and_without_its_secrets() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            await station.boot()
            await station.call("Authorize", {"idTag": TAG}, "a1")
            await station.call("StatusNotification", {"status": "Dancing"}, "a2")
            await station.send("not json at all")
            await station.message()
            await station.call("Nonsense", {"idTag": TAG, "password": "hunter2"}, "a3")
            rows = list((await node.queries.messages("demo", "CP1", 50, None)).items)
            text = " ".join(row.body for row in rows)
            assert TAG not in text
            assert "hunter2" not in text
            by_id = {(row.unique_id, row.direction): row for row in rows}
            assert by_id["a1", "in"].action == "Authorize"
            assert by_id["a1", "in"].correlation == by_id["a1", "out"].correlation != ""
            assert "OccurenceConstraintViolation" in (by_id["a2", "out"].error or "")
            assert any(row.body == "not json at all" and row.error for row in rows)
            assert {row.direction for row in rows} == {"in", "out"}
