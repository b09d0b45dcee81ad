"""A station's answers to the nineteen commands of OCPP 1.6, and what it then does.

A table of action -> function; each returns an Answer whose `then` runs after the answer has left. Anything else is
NotImplemented, as the specification asks of a station that does not know an action.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio

from gateways.simulator.clock import wire_time
from gateways.simulator.link import Answer, CallError, LinkLost
from gateways.simulator.memory import Connector
from gateways.simulator.station import Station

Payload = dict[str, Any]
_REBOOT_KEYS = {"WebSocketPingInterval"}
_NUMBERS = {"HeartbeatInterval", "MeterValueSampleInterval", "ClockAlignedDataInterval", "ConnectionTimeOut", "ResetRetries"}


async def answer(station: Station, action: str, payload: Payload) -> Answer:
    handler = COMMANDS.get(action)
    if handler is None:
        return Answer(None, error=("NotImplemented", f"{action} is unknown to this station"))
    try:
        return handler(station, payload)
    except (KeyError, TypeError, ValueError) as error:
        return Answer(None, error=("FormationViolation", f"{action}: {error!r}"))


def _status(word: str, then: Callable[[], Awaitable[None]] | None = None) -> Answer:
    return Answer({"status": word}, then)


def _connector(station: Station, number: int) -> Connector:
    if not 1 <= number <= len(station.connectors):
        raise ValueError(f"connector {number} does not exist")
    return station.connectors[number - 1]


# -- transactions --------------------------------------------------------------------------------------------


def _remote_start(station: Station, payload: Payload) -> Answer:
    wanted = payload.get("connectorId")
    candidates = station.connectors if wanted is None else [_connector(station, wanted)]
    free = [c for c in candidates if c.operative and c.transaction is None and c.status != "Faulted"]
    if not free:
        return _status("Rejected")
    return _status("Accepted", partial(_started, station, free[0], str(payload["idTag"])))


async def _started(station: Station, connector: Connector, id_tag: str) -> None:
    if station.flag("AuthorizeRemoteTxRequests") and await station.authorize(id_tag) != "Accepted":
        return
    await station.status(connector, "Preparing")
    station.begin(connector, id_tag)
    await station.status(connector, "Charging")


def _remote_stop(station: Station, payload: Payload) -> Answer:
    number = int(payload["transactionId"])
    for connector in station.connectors:
        if connector.transaction is not None and connector.transaction.number == number:
            return _status("Accepted", partial(_stopped, station, connector, "Remote"))
    return _status("Rejected")


async def _stopped(station: Station, connector: Connector, reason: str) -> None:
    station.end(connector, reason)
    await station.status(connector, "Finishing")
    await station.status(connector, "Available" if connector.operative else "Unavailable")


def _unlock(station: Station, payload: Payload) -> Answer:
    connector = _connector(station, payload["connectorId"])
    if connector.transaction is None:
        return _status("Unlocked")
    return _status("Unlocked", partial(_stopped, station, connector, "UnlockCommand"))


def _reserve(station: Station, payload: Payload) -> Answer:
    if payload["connectorId"] == 0:
        return _status("Rejected")
    connector = _connector(station, payload["connectorId"])
    if not connector.operative:
        return _status("Unavailable")
    if connector.transaction is not None or connector.status != "Available":
        return _status("Occupied")
    connector.reservation = int(payload["reservationId"])
    return _status("Accepted", partial(station.status, connector, "Reserved"))


def _cancel_reservation(station: Station, payload: Payload) -> Answer:
    for connector in station.connectors:
        if connector.reservation == int(payload["reservationId"]):
            connector.reservation = None
            return _status("Accepted", partial(station.status, connector, "Available"))
    return _status("Rejected")


# -- configuration and state -----------------------------------------------------------------------------------


def _get_configuration(station: Station, payload: Payload) -> Answer:
    wanted = payload.get("key") or list(station.configuration)
    known = [
        {"key": key, "readonly": station.configuration[key][1], "value": station.configuration[key][0]}
        for key in wanted
        if key in station.configuration
    ]
    result: Payload = {"configurationKey": known}
    if unknown := [key for key in wanted if key not in station.configuration]:
        result["unknownKey"] = unknown
    return Answer(result)


def _change_configuration(station: Station, payload: Payload) -> Answer:
    key, value = payload["key"], str(payload["value"])
    if key not in station.configuration:
        return _status("NotSupported")
    current, readonly = station.configuration[key]
    fits = value.lower() in ("true", "false") if current in ("true", "false") else value.isdigit() or key not in _NUMBERS
    if readonly or not fits:
        return _status("Rejected")
    station.configuration[key] = (value, False)
    return _status("RebootRequired" if key in _REBOOT_KEYS else "Accepted")


def _change_availability(station: Station, payload: Payload) -> Answer:
    operative = {"Operative": True, "Inoperative": False}[payload["type"]]
    number = payload["connectorId"]
    concerned = station.connectors if number == 0 else [_connector(station, number)]
    for connector in concerned:
        connector.operative = operative
    free = [connector for connector in concerned if connector.transaction is None]

    async def announce() -> None:
        for connector in free:
            await station.status(connector, "Available" if operative else "Unavailable")

    return _status("Accepted" if len(free) == len(concerned) else "Scheduled", announce)


def _reset(station: Station, payload: Payload) -> Answer:
    return _status("Accepted", partial(station.reboot, {"Hard": "HardReset", "Soft": "SoftReset"}[payload["type"]]))


def _clear_cache(station: Station, payload: Payload) -> Answer:
    return _status("Accepted")


def _trigger(station: Station, payload: Payload) -> Answer:
    wanted = payload["requestedMessage"]
    number = payload.get("connectorId")
    concerned = station.connectors if not number else [_connector(station, number)]
    if wanted not in (*_NOTICES, "BootNotification", "MeterValues", "StatusNotification"):
        return _status("NotImplemented")
    return _status("Accepted", partial(_triggered, station, wanted, concerned))


_NOTICES: dict[str, Payload] = {
    "Heartbeat": {},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
}


async def _triggered(station: Station, wanted: str, concerned: list[Connector]) -> None:
    if wanted == "BootNotification":
        model = station.settings.model
        await _say(station, wanted, {"chargePointVendor": model.vendor, "chargePointModel": model.model})
    elif wanted == "StatusNotification":
        for connector in concerned:
            await station.status(connector, connector.status, connector.error)
    elif wanted == "MeterValues":
        for connector in concerned:
            if station.meter(connector, "Trigger") is None:
                reading = station.reading(connector, "Trigger")
                await _say(station, wanted, {"connectorId": connector.id, "meterValue": [reading]})
    else:
        await _say(station, wanted, _NOTICES[wanted])


async def _say(station: Station, action: str, payload: Payload) -> None:
    try:
        await station.call(action, payload)
    except (LinkLost, CallError) as error:
        station.stats.problem("errors", f"{station.settings.identity}: {action}: {error}")


# -- lists, profiles, files ------------------------------------------------------------------------------------


def _local_list_version(station: Station, payload: Payload) -> Answer:
    return Answer({"listVersion": station.local_list_version})


def _send_local_list(station: Station, payload: Payload) -> Answer:
    version, full = int(payload["listVersion"]), payload["updateType"] == "Full"
    if not full and version <= station.local_list_version:
        return _status("VersionMismatch")
    if full:
        station.local_list.clear()
    for entry in payload.get("localAuthorizationList", ()):
        if "idTagInfo" in entry:
            station.local_list[entry["idTag"]] = entry["idTagInfo"]
        else:
            station.local_list.pop(entry["idTag"], None)
    station.local_list_version = version
    return _status("Accepted")


def _set_profile(station: Station, payload: Payload) -> Answer:
    number, profile = int(payload["connectorId"]), payload["csChargingProfiles"]
    concerned = station.connectors if number == 0 else [_connector(station, number)]
    if profile["chargingProfilePurpose"] == "TxProfile" and all(c.transaction is None for c in concerned):
        return _status("Rejected")
    station.profiles = [kept for kept in station.profiles if kept[1]["chargingProfileId"] != profile["chargingProfileId"]]
    station.profiles.append((number, profile))
    _apply_limits(station)
    return _status("Accepted")


def _clear_profile(station: Station, payload: Payload) -> Answer:
    def concerned(number: int, profile: Payload) -> bool:
        wanted = (
            ("id", profile["chargingProfileId"]),
            ("connectorId", number),
            ("chargingProfilePurpose", profile["chargingProfilePurpose"]),
            ("stackLevel", profile["stackLevel"]),
        )
        return all(payload.get(key) in (None, value) for key, value in wanted)

    kept = [entry for entry in station.profiles if not concerned(*entry)]
    cleared = len(kept) < len(station.profiles)
    station.profiles = kept
    _apply_limits(station)
    return _status("Accepted" if cleared else "Unknown")


def _limit_w(profile: Payload) -> float:
    """The first period's limit in W; amperes on three phases of 230 V."""
    schedule = profile["chargingSchedule"]
    limit = float(schedule["chargingSchedulePeriod"][0]["limit"])
    return limit if schedule["chargingRateUnit"] == "W" else limit * 690


def _apply_limits(station: Station) -> None:
    now = station.clock.now()
    for connector in station.connectors:
        connector.meter.read(now)
        limits = [_limit_w(profile) for number, profile in station.profiles if number in (0, connector.id)]
        connector.meter.limit_w = min(limits, default=None)


def _composite_schedule(station: Station, payload: Payload) -> Answer:
    number = int(payload["connectorId"])
    concerned = station.connectors if number == 0 else [_connector(station, number)]
    watts = sum(min(c.meter.power_w, c.meter.limit_w if c.meter.limit_w is not None else c.meter.power_w) for c in concerned)
    unit = payload.get("chargingRateUnit", "W")
    period = {"startPeriod": 0, "limit": round(watts if unit == "W" else watts / 690, 1)}
    schedule = {"duration": payload["duration"], "chargingRateUnit": unit, "chargingSchedulePeriod": [period]}
    now = wire_time(station.clock.now())
    return Answer({"status": "Accepted", "connectorId": number, "scheduleStart": now, "chargingSchedule": schedule})


def _diagnostics(station: Station, payload: Payload) -> Answer:
    name = f"{station.settings.identity}-{station.clock.now():%Y%m%d%H%M%S}.zip"
    return Answer({"fileName": name[:255]}, partial(_report, station, "DiagnosticsStatusNotification", ("Uploading", "Uploaded")))


def _firmware(station: Station, payload: Payload) -> Answer:
    stages = ("Downloading", "Downloaded", "Installing", "Installed")
    return Answer({}, partial(_report, station, "FirmwareStatusNotification", stages))


async def _report(station: Station, action: str, stages: tuple[str, ...]) -> None:
    for stage in stages:
        await _say(station, action, {"status": stage})
        await trio.sleep(0.2)


def _data_transfer(station: Station, payload: Payload) -> Answer:
    if payload["vendorId"] != station.settings.model.vendor:
        return _status("UnknownVendorId")
    if payload.get("messageId") == "echo":
        return Answer({"status": "Accepted", "data": payload.get("data", "")})
    return _status("UnknownMessageId")


COMMANDS: dict[str, Callable[[Station, Payload], Answer]] = {
    "CancelReservation": _cancel_reservation,
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": _clear_profile,
    "DataTransfer": _data_transfer,
    "GetCompositeSchedule": _composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": _diagnostics,
    "GetLocalListVersion": _local_list_version,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ReserveNow": _reserve,
    "Reset": _reset,
    "SendLocalList": _send_local_list,
    "SetChargingProfile": _set_profile,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    "UpdateFirmware": _firmware,
}
