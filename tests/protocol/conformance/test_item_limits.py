"""What a station says of the items that it takes in one request is kept to (B05.FR.11, B06.FR.05, N04, N06.FR.04)."""

from typing import Any

import pytest

from tests.protocol.conformance.kit import ACCEPTED, Csms, case, now


def _wheres(count: int) -> list[dict[str, Any]]:
    return [{"component": {"name": "TxCtrlr"}, "variable": {"name": f"V{n}"}} for n in range(count)]


def _monitors(count: int) -> list[dict[str, Any]]:
    return [{"type": "Delta", "value": 1, "severity": 5, **where} for where in _wheres(count)]


COMMANDS: dict[str, tuple[str, str, Any]] = {
    # action -> component that tells the bound, field, items of a number
    "GetVariables": ("DeviceDataCtrlr", "getVariableData", _wheres),
    "SetVariables": ("DeviceDataCtrlr", "setVariableData", lambda n: [{**one, "attributeValue": "1"} for one in _wheres(n)]),
    "SetVariableMonitoring": ("MonitoringCtrlr", "setMonitoringData", _monitors),
    "ClearVariableMonitoring": ("MonitoringCtrlr", "id", lambda n: list(range(1, n + 1))),
}


def _answer(action: str) -> Any:
    def told(payload: dict[str, Any]) -> dict[str, Any]:
        items = next(iter(payload.values()))
        if action == "ClearVariableMonitoring":
            return {"clearMonitoringResult": [{"id": id, "status": "NotFound"} for id in items]}
        same = [{name: one[name] for name in ("component", "variable")} for one in items]
        if action == "SetVariableMonitoring":
            more = [{"type": one["type"], "severity": one["severity"], "status": "Rejected"} for one in items]
            return {"setMonitoringResult": [one | other for one, other in zip(same, more, strict=True)]}
        results = [{**one, "attributeStatus": "UnknownVariable"} for one in same]
        return {"getVariableResult" if action == "GetVariables" else "setVariableResult": results}

    return told


@case("B05_B06_N04_N06_items in one request")
@pytest.mark.parametrize("action", COMMANDS)
async def test_no_request_has_more_items_than_the_station_takes(csms: Csms, action: str) -> None:
    component, field, items = COMMANDS[action]
    async with csms.station(answers={action: _answer(action), "GetBaseReport": ACCEPTED}) as station:
        data = {
            "component": {"name": component}, "variable": {"name": "ItemsPerMessage", "instance": action},
            "variableAttribute": [{"type": "Actual", "value": "3", "mutability": "ReadOnly"}],
        }  # fmt: skip
        report = {"requestId": 77, "generatedAt": now(), "seqNo": 0, "tbc": False, "reportData": [data]}
        assert await station.call("NotifyReport", report) == {}
        await csms.until(lambda: station.variable(component, "ItemsPerMessage"))
        sent = len(station.said(action))
        answer = await station.try_command(action, {field: items(4)})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}/3"), answer.text
        assert len(station.said(action)) == sent
        told = await station.command(action, {field: items(3)})
        assert len(next(iter(told["result"].values()))) == 3
        assert len(station.said(action)[-1][field]) == 3
