"""What OCPP 1.5 calls otherwise than 1.6, or has no word for: from a 1.6 station's payloads to 1.5's, and back.

Something that 1.5 cannot say is left unsaid (a firmware status `Downloading`), or said coarser (`Charging` is `Occupied`).
"""

from typing import Any

Payload = dict[str, Any]
_STATUSES = dict.fromkeys(("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"), "Occupied")
_ERRORS = {"EVCommunicationError": "Mode3Error", "InternalError": "OtherError", "LocalListConflict": "OtherError",
           "OverVoltage": "OtherError"}  # fmt: skip
_CONTEXTS = {"Trigger": "Sample.Periodic", "Other": "Sample.Periodic"}
_MEASURANDS = {"Current.Offered", "Frequency", "Power.Factor", "Power.Offered", "RPM", "SoC"}
"""Unknown to 1.5."""
_UNITS = {"A": "Amp", "V": "Volt"}
_SAYABLE = {
    "DiagnosticsStatusNotification": ("Uploaded", "UploadFailed"),
    "FirmwareStatusNotification": ("Downloaded", "DownloadFailed", "InstallationFailed", "Installed"),
}
_KEYS = {"HeartbeatInterval": "HeartBeatInterval"}
_KEYS_BACK = {new: old for old, new in _KEYS.items()}


def say(action: str, payload: Payload) -> Payload | None:
    """A 1.6 request in the words of 1.5; None when 1.5 has none for it."""
    if action in _SAYABLE and payload["status"] not in _SAYABLE[action]:
        return None
    if action == "StatusNotification":
        status, error = payload["status"], payload["errorCode"]
        return {**payload, "status": _STATUSES.get(status, status), "errorCode": _ERRORS.get(error, error)}
    if action == "MeterValues":
        rest = {name: value for name, value in payload.items() if name != "meterValue"}
        return {**rest, "values": _values(payload["meterValue"])}
    if action == "StopTransaction":
        rest = {name: value for name, value in payload.items() if name not in ("reason", "transactionData")}
        values = _values(payload.get("transactionData", []))
        return {**rest, "transactionData": [{"values": values}]} if values else rest
    return payload


def _values(readings: list[Payload]) -> list[Payload]:
    found = []
    for reading in readings:
        values = [_value(sample) for sample in reading["sampledValue"] if _fits(sample)]
        if values:
            found.append({"timestamp": reading["timestamp"], "value": values})
    return found


def _fits(sample: Payload) -> bool:
    """1.5 has no phases: of three readings the first phase's is told."""
    return sample.get("measurand") not in _MEASURANDS and sample.get("phase") in (None, "L1", "L1-N")


def _value(sample: Payload) -> Payload:
    value: Payload = {name: sample[name] for name in ("context", "format", "measurand", "location", "unit") if name in sample}
    value["context"] = _CONTEXTS.get(value["context"], value["context"])
    if "unit" in value:
        value["unit"] = _UNITS.get(value["unit"], value["unit"])
    return {**value, ".": sample["value"]}


def told(action: str, result: Payload) -> Payload:
    """The central system's answer to `action`, in the words of 1.6."""
    if action == "BootNotification" and "heartbeatInterval" in result:
        rest = {name: value for name, value in result.items() if name != "heartbeatInterval"}
        return {**rest, "interval": result["heartbeatInterval"]}
    return result


def asked(action: str, payload: Payload) -> Payload:
    """A 1.5 command in the words of 1.6."""
    if action == "SendLocalList":
        rest = {name: value for name, value in payload.items() if name not in ("localAuthorisationList", "hash")}
        return {**rest, "localAuthorizationList": payload.get("localAuthorisationList", [])}
    if action == "ChangeConfiguration":
        return {**payload, "key": _KEYS_BACK.get(payload["key"], payload["key"])}
    if action == "GetConfiguration":
        return {"key": [_KEYS_BACK.get(key, key) for key in payload.get("key", [])]}
    return payload


def answered(action: str, result: Payload) -> Payload:
    """The station's answer to a command, in the words of 1.5."""
    if action == "UnlockConnector":
        return {"status": "Accepted" if result["status"] == "Unlocked" else "Rejected"}
    if action == "ChangeConfiguration" and result["status"] == "RebootRequired":
        return {"status": "Accepted"}
    if action == "GetConfiguration":
        known = [{**entry, "key": _KEYS.get(entry["key"], entry["key"])} for entry in result.get("configurationKey", [])]
        unknown = [_KEYS.get(key, key) for key in result.get("unknownKey", [])]
        return {"configurationKey": known, "unknownKey": unknown}
    return result
