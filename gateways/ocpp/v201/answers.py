"""What a 2.0.1 station answers to a command, read into a canonical result, and a canonical result put in 2.0.1 words.

Reading is tolerant: a status that the schema does not know is passed on as it is, since the operator must see what the station
said. `CommandResult.data` uses the keys of v16/answers.py and these: `reason` and `info` (statusInfo), `transaction_id` (a
remote start that found one), `ongoing` and `messages_in_queue`, `certificates`, `monitors` and `cleared`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.model import intents as i
from actors.model.device import is_secret, mutability
from actors.model.intents import CommandResult, ReportedVariable, VariableRef
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.answers import (
    BUILT_BY_CENTRE,
    DATA,
    HASH_FIELDS,
    TO_2_0_1,
    objects,
    text,
    without_none,
)
from gateways.ocpp.mapping.shapes_v201 import REF

UNSUPPORTED = "UnsupportedRequest"


def read_answer(action: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    """The canonical result of `answer`, the JSON object of a CALLRESULT to `action` with payload `request`."""
    reader = _READERS.get(action)
    if reader is not None:
        return reader(request, answer)
    data = {name: answer[wire] for name, wire in DATA.get(action, {}).items() if wire in answer}
    return CommandResult(text(answer.get("status")), data | _info(answer.get("statusInfo")))


def _info(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        return {}
    return without_none({"reason": said.get("reasonCode"), "info": said.get("additionalInfo")})


def _ref(said: Mapping[str, Any]) -> VariableRef | None:
    try:
        return msgspec.convert(engine.read(REF, said), VariableRef)
    except (msgspec.ValidationError, ValueError):
        return None


def _got(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    found = []
    for said in objects(answer.get("getVariableResult")):
        ref = _ref(said)
        if ref is None:
            continue
        value = said.get("attributeValue")
        found.append(
            ReportedVariable(
                ref,
                None if is_secret(ref) or not isinstance(value, str) else value,
                status=text(said.get("attributeStatus")),
                attribute=text(said.get("attributeType")) or "Actual",
                reason=_info(said.get("attributeStatusInfo")).get("reason"),
            )
        )
    return CommandResult("", variables=tuple(found))


def _set(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    """With the values that were asked for: an accepted one is what the station now has. One alone gives its status to the
    whole."""
    asked = {}
    for said in objects(msgspec.json.decode(request).get("setVariableData")):
        ref = _ref(said)
        if ref is not None:
            asked[place(ref), text(said.get("attributeType")) or "Actual"] = said.get("attributeValue")
    found = []
    for said in objects(answer.get("setVariableResult")):
        ref = _ref(said)
        if ref is None:
            continue
        attribute, status = text(said.get("attributeType")) or "Actual", text(said.get("attributeStatus"))
        value = asked.get((place(ref), attribute)) if status == "Accepted" and not is_secret(ref) else None
        reason = _info(said.get("attributeStatusInfo")).get("reason")
        found.append(ReportedVariable(ref, value, status=status, attribute=attribute, reason=reason))
    return CommandResult(found[0].status if len(found) == 1 else "", variables=tuple(found))


def place(ref: VariableRef) -> tuple[Any, ...]:
    """What makes a variable the same one: names have no case."""
    return (
        ref.component.lower(), (ref.component_instance or "").lower(),
        ref.variable.lower(), (ref.variable_instance or "").lower(),
        ref.evse or 0, ref.connector or 0,
    )  # fmt: skip


def _schedule(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    status, data = text(answer.get("status")), _info(answer.get("statusInfo"))
    schedule = answer.get("schedule")
    if not isinstance(schedule, dict):
        return CommandResult(status, data)
    periods = [
        {name: p.get(wire) for name, wire in _PERIOD.items() if name != "phase_to_use" or wire in p}
        for p in objects(schedule.get("chargingSchedulePeriod"))
    ]
    return CommandResult(status, data | {"schedule": {
        "evse": schedule.get("evseId"), "start": schedule.get("scheduleStart"), "duration": schedule.get("duration"),
        "unit": schedule.get("chargingRateUnit"), "start_schedule": None, "min_charging_rate": None, "periods": periods,
    }})  # fmt: skip


_PERIOD = {"start_period": "startPeriod", "limit": "limit", "number_phases": "numberPhases", "phase_to_use": "phaseToUse"}


def _hash(said: Any) -> dict[str, str]:
    return {name: text(said.get(wire)) for name, wire in HASH_FIELDS.items()} if isinstance(said, dict) else {}


def _certificates(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    found = [
        {
            "type": text(chain.get("certificateType")),
            "hash": _hash(chain.get("certificateHashData")),
            "children": [_hash(child) for child in objects(chain.get("childCertificateHashData"))],
        }
        for chain in objects(answer.get("certificateHashDataChain"))
    ]
    return CommandResult(text(answer.get("status")), {"certificates": found} | _info(answer.get("statusInfo")))


def _monitors(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    found = []
    for said in objects(answer.get("setMonitoringResult")):
        ref = _ref(said)
        if ref is not None:
            one = {name: said.get(name) for name in ("type", "severity", "id", "status")}
            found.append(without_none({"ref": msgspec.to_builtins(ref), **one}) | _info(said.get("statusInfo")))
    return CommandResult("", {"monitors": found})


def _cleared(request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    found = [{"id": said.get("id"), "status": text(said.get("status"))} for said in objects(answer.get("clearMonitoringResult"))]
    return CommandResult("", {"cleared": found})


_READERS: dict[str, Callable[[bytes, Mapping[str, Any]], CommandResult]] = {
    "GetVariables": _got,
    "SetVariables": _set,
    "GetCompositeSchedule": _schedule,
    "GetInstalledCertificateIds": _certificates,
    "SetVariableMonitoring": _monitors,
    "ClearVariableMonitoring": _cleared,
    "CostUpdated": lambda request, answer: CommandResult("Accepted"),
}


# -- canonical result -> 2.0.1 response -------------------------------------------------------------------------------


def write_answer(action: str, result: CommandResult, intent: i.AnyIntent) -> dict[str, Any]:
    """The response object of `action` in 2.0.1 words, for a caller whose `intent` it was."""
    writer = _WRITERS.get(action)
    if writer is not None:
        return writer(result, intent)
    answer = {wire: result.data[name] for name, wire in DATA.get(action, {}).items() if result.data.get(name) is not None}
    if action in _WITHOUT_STATUS:
        return answer
    return _status(action, result) | answer


_WITHOUT_STATUS = frozenset({"GetLocalListVersion", "GetTransactionStatus", "CostUpdated"})


def _status(action: str, result: CommandResult) -> dict[str, Any]:
    status = TO_2_0_1.get(action, {}).get(result.status, result.status)
    reason, info = result.data.get("reason"), result.data.get("info")
    if reason is None and status != result.status and result.status:
        reason, info = UNSUPPORTED, f"the station said {result.status}"
    return {"status": status} | _status_info(reason, info)


def _status_info(reason: str | None, info: str | None = None, name: str = "statusInfo") -> dict[str, Any]:
    return {name: without_none({"reasonCode": reason, "additionalInfo": info})} if reason else {}


def _report(action: str) -> Callable[[CommandResult, Any], dict[str, Any]]:
    def written(result: CommandResult, intent: Any) -> dict[str, Any]:
        if result.status:
            return _status(action, result)
        # The station answered with its keys: there is no report to wait for, and what it told is in the device model.
        told = any(variable.status == "Accepted" for variable in result.variables)
        return {"status": "Accepted" if told else "EmptyResultSet"} | _status_info(*BUILT_BY_CENTRE)

    return written


def _got_said(result: CommandResult, intent: i.GetVariables) -> dict[str, Any]:
    told = {(place(variable.ref), variable.attribute): variable for variable in result.variables}
    attributes = [*intent.attributes, *("Actual" for _ in intent.refs[len(intent.attributes) :])]
    found = []
    for ref, attribute in zip(intent.refs, attributes, strict=False):
        variable = told.get((place(ref), attribute))
        status = "UnknownVariable" if variable is None else variable.status
        said: dict[str, Any] = {}
        if variable is not None and status == "Accepted":
            if variable.value is None and (is_secret(ref) or mutability(ref) == "WriteOnly"):
                status = "Rejected"
            else:
                said = {"attributeValue": variable.value or ""}
        found.append({"attributeStatus": status, **said, **_about(ref, attribute, variable)})
    return {"getVariableResult": found}


def _set_said(result: CommandResult, intent: i.SetVariables) -> dict[str, Any]:
    told = {(place(variable.ref), variable.attribute): variable for variable in result.variables}
    found = []
    for setting in intent.settings:
        variable = told.get((place(setting.ref), setting.attribute))
        if variable is not None:
            status = variable.status
        elif len(intent.settings) == 1 and result.status:
            status = result.status
        else:
            status = "NotSupportedAttributeType" if setting.attribute != "Actual" else "UnknownVariable"
        found.append({"attributeStatus": status, **_about(setting.ref, setting.attribute, variable)})
    return {"setVariableResult": found}


def _about(ref: VariableRef, attribute: str, variable: ReportedVariable | None) -> dict[str, Any]:
    kind = {"attributeType": attribute} if attribute != "Actual" else {}
    reason = None if variable is None else variable.reason
    return kind | engine.write(REF, ref, []) | _status_info(reason, name="attributeStatusInfo")


def _schedule_said(result: CommandResult, intent: i.GetCompositeSchedule) -> dict[str, Any]:
    schedule = result.data.get("schedule")
    answer = _status("GetCompositeSchedule", result)
    if schedule is None:
        return answer
    periods = [without_none({wire: p.get(name) for name, wire in _PERIOD.items()}) for p in schedule["periods"]]
    return answer | {"schedule": without_none({
        "evseId": intent.evse if schedule.get("evse") is None else schedule["evse"],
        "duration": intent.duration if schedule.get("duration") is None else schedule["duration"],
        "scheduleStart": schedule.get("start") or schedule.get("start_schedule"),
        "chargingRateUnit": schedule.get("unit"),
        "chargingSchedulePeriod": periods,
    })}  # fmt: skip


def _hash_said(hash_: Mapping[str, Any]) -> dict[str, Any]:
    return {wire: hash_[name] for name, wire in HASH_FIELDS.items() if name in hash_}


def _certificates_said(result: CommandResult, intent: Any) -> dict[str, Any]:
    chains = []
    for found in result.data.get("certificates", ()):
        chain = {"certificateHashData": _hash_said(found["hash"]), "certificateType": found["type"]}
        children = [_hash_said(child) for child in found.get("children", ())]
        chains.append(chain | ({"childCertificateHashData": children} if children else {}))
    answer = _status("GetInstalledCertificateIds", result)
    return answer | ({"certificateHashDataChain": chains} if chains else {})


def _monitors_said(result: CommandResult, intent: Any) -> dict[str, Any]:
    found = []
    for told in result.data.get("monitors", ()):
        ref = msgspec.convert(told["ref"], VariableRef)
        one = {name: told[name] for name in ("id", "status", "type", "severity") if name in told}
        found.append(one | engine.write(REF, ref, []) | _status_info(told.get("reason"), told.get("info")))
    return {"setMonitoringResult": found}


_WRITERS: dict[str, Callable[[CommandResult, Any], dict[str, Any]]] = {
    "GetVariables": _got_said,
    "SetVariables": _set_said,
    "GetBaseReport": _report("GetBaseReport"),
    "GetReport": _report("GetReport"),
    "GetCompositeSchedule": _schedule_said,
    "GetInstalledCertificateIds": _certificates_said,
    "SetVariableMonitoring": _monitors_said,
    "ClearVariableMonitoring": lambda result, intent: {"clearMonitoringResult": list(result.data.get("cleared", ()))},
}
