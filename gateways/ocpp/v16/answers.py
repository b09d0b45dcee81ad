"""What a 1.6 station answers to a command, read into a canonical result, and a canonical result put in 1.6 words.

Reading is tolerant: a status that the schema does not know is passed on as it is, since the operator must see what the
station said. `CommandResult.data` uses these keys, whatever the version: `version` (local list), `file_name` (log),
`data` (DataTransfer), `schedule` (composite schedule), `certificates` (installed ones) and `reason` ("UnsupportedRequest").
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from actors.model.device import is_secret, key_for_variable, mutability, value_for_16, variable_for_key
from actors.model.intents import CommandFailure, CommandResult, ReportedVariable
from actors.station.vendors import COST_VENDOR, PNC_VENDOR
from gateways.ocpp.mapping.answers import FROM_1_6, TO_1_6, objects, without_none
from gateways.ocpp.v16 import security
from gateways.ocpp.v201 import answers as answers_201

UNSUPPORTED = "UnsupportedRequest"


def read_answer(action: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult | CommandFailure:
    """The canonical result of `answer`, the JSON object of a CALLRESULT to `action` with payload `request`. A failure where a
    DataTransfer carried another message (PROTOCOLS 2.8, 2.9) and the station takes none of that vendor."""
    status = answer.get("status")
    status = status if isinstance(status, str) else ""
    reader = _READERS.get(action)
    if reader is not None:
        return reader(status, request, answer)
    return CommandResult(FROM_1_6.get(action, {}).get(status, status))


def _variables(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    found = []
    for entry in objects(answer.get("configurationKey")):
        key = entry.get("key")
        if not isinstance(key, str):
            continue
        value, readonly = entry.get("value"), entry.get("readonly")
        text = None if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
        ref = variable_for_key(key)
        found.append(ReportedVariable(ref, None if is_secret(ref) else text, readonly if isinstance(readonly, bool) else None))
    unknown = answer.get("unknownKey")
    missing = [key for key in unknown if isinstance(key, str)] if isinstance(unknown, list) else []
    found += [ReportedVariable(variable_for_key(key), status="UnknownVariable") for key in missing]
    return CommandResult("", variables=tuple(found))


def _changed(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    """An accepted change reveals a value of the device model; a secret's is never among them."""
    canonical = FROM_1_6["ChangeConfiguration"].get(status, status)
    asked = msgspec.json.decode(request)
    ref = variable_for_key(asked["key"])
    if status != "Accepted" or is_secret(ref):
        return CommandResult(canonical)
    return CommandResult(canonical, variables=(ReportedVariable(ref, asked["value"]),))


def _list_version(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    return CommandResult("", {"version": answer.get("listVersion")})


def _file(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    name = answer.get("fileName")
    return CommandResult("Accepted", {"file_name": name}) if isinstance(name, str) and name else CommandResult("Rejected")


def _accepted(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    return CommandResult("Accepted")


def _data(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult | CommandFailure:
    asked = msgspec.json.decode(request)
    vendor, message = asked.get("vendorId"), asked.get("messageId")
    carried = vendor in (COST_VENDOR, PNC_VENDOR)
    if carried and status != "Accepted":
        return CommandFailure("error", status, f"the station does not take {message} of {vendor}")
    if vendor == PNC_VENDOR:
        return _of_2_0_1(str(message), asked.get("data"), answer.get("data"))
    return CommandResult(status, {"data": answer["data"]} if "data" in answer else {})


def _of_2_0_1(action: str, request: Any, answer: Any) -> CommandResult | CommandFailure:
    """A 2.0.1 response as text; some stations answer with the envelope alone."""
    try:
        told = msgspec.json.decode(answer) if isinstance(answer, str) and answer else {"status": "Accepted"}
    except (msgspec.DecodeError, RecursionError):
        return CommandFailure("error", "FormationViolation", f"the station's answer to {action} cannot be read")
    if not isinstance(told, dict):
        return CommandFailure("error", "FormationViolation", f"the station's answer to {action} is no object")
    return answers_201.read_answer(action, str(request).encode(), told)


def _profile(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    return CommandResult("Rejected", {"reason": UNSUPPORTED}) if status == "NotSupported" else CommandResult(status)


def _schedule(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    schedule = answer.get("chargingSchedule")
    if not isinstance(schedule, dict):
        return CommandResult(status)
    periods = [
        {"start_period": p.get("startPeriod"), "limit": p.get("limit"), "number_phases": p.get("numberPhases")}
        for p in objects(schedule.get("chargingSchedulePeriod"))
    ]
    return CommandResult(status, {"schedule": {
        "evse": answer.get("connectorId"),
        "start": answer.get("scheduleStart"),
        "duration": schedule.get("duration"),
        "unit": schedule.get("chargingRateUnit"),
        "start_schedule": schedule.get("startSchedule"),
        "min_charging_rate": schedule.get("minChargingRate"),
        "periods": periods,
    }})  # fmt: skip


_READERS = {
    "GetConfiguration": _variables,
    "ChangeConfiguration": _changed,
    "GetLocalListVersion": _list_version,
    "GetDiagnostics": _file,
    "UpdateFirmware": _accepted,
    "DataTransfer": _data,
    "SetChargingProfile": _profile,
    "GetCompositeSchedule": _schedule,
    **security.ANSWERS,
}


# -- canonical result -> 1.6 response ---------------------------------------------------------------------------------


def write_answer(action: str, result: CommandResult) -> dict[str, Any]:
    """The response object of `action` in 1.6 words, for a caller who commanded in them."""
    if action in security.TO_STATION:
        return security.write_answer(action, result)
    match action:
        case "GetConfiguration":
            return _configuration(result)
        case "GetLocalListVersion":
            return {"listVersion": result.data.get("version")}
        case "GetDiagnostics":
            return without_none({"fileName": result.data.get("file_name")})
        case "UpdateFirmware":
            return {}
        case "DataTransfer":
            data = result.data.get("data")
            text = data if data is None or isinstance(data, str) else msgspec.json.encode(data).decode()
            return without_none({"status": result.status, "data": text})
        case "SetChargingProfile" if result.data.get("reason") == UNSUPPORTED:
            return {"status": "NotSupported"}
        case "GetCompositeSchedule":
            return _composite(result)
        case _:
            return {"status": TO_1_6.get(action, {}).get(result.status, result.status)}


def _configuration(result: CommandResult) -> dict[str, Any]:
    known: list[dict[str, Any]] = []
    unknown: list[str] = []
    for variable in result.variables:
        key = key_for_variable(variable.ref) or f"{variable.ref.component}.{variable.ref.variable}"
        if variable.status in ("Accepted", "Rejected"):  # rejected: it is there, and may not be read
            readonly = mutability(variable.ref) == "ReadOnly" if variable.readonly is None else variable.readonly
            value = None if variable.value is None else value_for_16(variable.ref, variable.value)
            known.append(without_none({"key": key, "readonly": readonly, "value": value}))
        else:
            unknown.append(key)
    answer: dict[str, Any] = {}
    if known:
        answer["configurationKey"] = known
    if unknown:
        answer["unknownKey"] = unknown
    return answer


def _composite(result: CommandResult) -> dict[str, Any]:
    schedule = result.data.get("schedule")
    if schedule is None:
        return {"status": result.status}
    periods = [
        without_none({"startPeriod": p["start_period"], "limit": p["limit"], "numberPhases": p.get("number_phases")})
        for p in schedule["periods"]
    ]
    return without_none({
        "status": result.status,
        "connectorId": schedule.get("evse"),
        "scheduleStart": schedule.get("start"),
        "chargingSchedule": without_none({
            "duration": schedule.get("duration"),
            "startSchedule": schedule.get("start_schedule"),
            "chargingRateUnit": schedule.get("unit"),
            "chargingSchedulePeriod": periods,
            "minChargingRate": schedule.get("min_charging_rate"),
        }),
    })  # fmt: skip
