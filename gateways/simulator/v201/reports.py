"""Variables and monitors on the wire: Get/SetVariables, the reports in parts, and the five monitoring commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator.clock import wire_time
from gateways.simulator.link import Answer
from gateways.simulator.v201.catalogue import Variable

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
_PASSWORD_LENGTH = range(16, 41)


def _too_many(station: Station201, component: str, action: str, items: list[Payload]) -> Answer | None:
    if len(items) > station.model.number(component, "ItemsPerMessage", action):
        return Answer(None, error=("OccurrenceConstraintViolation", f"{action}: at most ItemsPerMessage entries"))
    return None


def _get_variables(station: Station201, payload: Payload) -> Answer:
    wanted = payload["getVariableData"]
    refused = _too_many(station, "DeviceDataCtrlr", "GetVariables", wanted)
    return refused or Answer({"getVariableResult": [station.model.read(one) for one in wanted]})


def _set_variables(station: Station201, payload: Payload) -> Answer:
    wanted = payload["setVariableData"]
    if refused := _too_many(station, "DeviceDataCtrlr", "SetVariables", wanted):
        return refused
    results, password = [], None
    for one in wanted:
        result, changed = station.model.write(one, partial(_objection, station))
        results.append(result)
        if changed is not None and changed.name == "BasicAuthPassword":
            password = str(one["attributeValue"])
    station.replan()
    return Answer({"setVariableResult": results}, partial(_new_password, station, password) if password is not None else None)


def _objection(station: Station201, variable: Variable, value: str) -> str | None:
    """What a variable cannot know: whether a password is long enough, whether a slot exists."""
    if variable.name == "BasicAuthPassword" and len(value) not in _PASSWORD_LENGTH:
        return "InvalidValue"
    if variable.name == "NetworkConfigurationPriority" and not station.network.knows(value):
        return "InvalidValue"
    return None


async def _new_password(station: Station201, password: str) -> None:
    """The station comes back with it."""
    station.password = password
    await station.drop()


def _get_base_report(station: Station201, payload: Payload) -> Answer:
    found = station.model.base_report(payload["reportBase"])
    return _reported(station, "NotifyReport", "reportData", payload["requestId"], found)


def _get_report(station: Station201, payload: Payload) -> Answer:
    found = station.model.custom_report(payload.get("componentVariable"), payload.get("componentCriteria"))
    return _reported(station, "NotifyReport", "reportData", payload["requestId"], found)


def _get_monitoring_report(station: Station201, payload: Payload) -> Answer:
    found = station.monitors.report(payload.get("componentVariable"), payload.get("monitoringCriteria"))
    return _reported(station, "NotifyMonitoringReport", "monitor", payload["requestId"], found)


def _reported(station: Station201, action: str, field: str, request_id: int, found: list[Payload]) -> Answer:
    if not found:
        return Answer({"status": "EmptyResultSet"})
    return Answer({"status": "Accepted"}, partial(_parts, station, action, field, request_id, found))


async def _parts(station: Station201, action: str, field: str, request_id: int, found: list[Payload]) -> None:
    """The report in as many parts as ItemsPerMessage makes of it; a part that was lost with the line is sent again."""
    size = int(station.model.number("DeviceDataCtrlr", "ItemsPerMessage", "GetReport"))
    generated = wire_time(station.clock.now())
    for number, at in enumerate(range(0, len(found), size)):
        part = {
            "requestId": request_id,
            "generatedAt": generated,
            "seqNo": number,
            "tbc": at + size < len(found),
            field: found[at : at + size],
        }
        if station.registration == "Pending":
            await station.say(action, part)
        else:
            await station.report(action, part)


def _set_monitoring(station: Station201, payload: Payload) -> Answer:
    wanted = payload["setMonitoringData"]
    refused = _too_many(station, "MonitoringCtrlr", "SetVariableMonitoring", wanted)
    return refused or Answer({"setMonitoringResult": [station.monitors.put(one) for one in wanted]})


def _clear_monitoring(station: Station201, payload: Payload) -> Answer:
    wanted = payload["id"]
    refused = _too_many(station, "MonitoringCtrlr", "ClearVariableMonitoring", wanted)
    return refused or Answer({"clearMonitoringResult": [{"id": n, "status": station.monitors.clear(n)} for n in wanted]})


def _set_base(station: Station201, payload: Payload) -> Answer:
    station.monitors.set_base(payload["monitoringBase"])
    return Answer({"status": "Accepted"})


def _set_level(station: Station201, payload: Payload) -> Answer:
    severity = int(payload["severity"])
    if not 0 <= severity <= 9:
        return Answer({"status": "Rejected", "statusInfo": {"reasonCode": "ValueOutOfRange"}})
    station.model.put("MonitoringCtrlr", "ActiveMonitoringLevel", str(severity))
    return Answer({"status": "Accepted"})


COMMANDS: dict[str, Callable[[Station201, Payload], Answer]] = {
    "ClearVariableMonitoring": _clear_monitoring,
    "GetBaseReport": _get_base_report,
    "GetMonitoringReport": _get_monitoring_report,
    "GetReport": _get_report,
    "GetVariables": _get_variables,
    "SetMonitoringBase": _set_base,
    "SetMonitoringLevel": _set_level,
    "SetVariableMonitoring": _set_monitoring,
    "SetVariables": _set_variables,
}
