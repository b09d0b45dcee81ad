"""A station's answers to the commands of OCPP 1.6, and what it then does.

A table of action -> function; each returns an Answer whose `then` runs after the answer has left. Anything else is
NotImplemented, as the specification asks of a station that does not know an action. Charging profiles are in profiles.py,
the security extension in security.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator.clock import read_time
from gateways.simulator.link import Answer
from gateways.simulator.v16 import profiles, security
from gateways.simulator.v16.memory import Connector16, Reservation
from gateways.simulator.v16.triggers import TRIGGERS, triggered

if TYPE_CHECKING:
    from gateways.simulator.v16.station import Station16

Payload = dict[str, Any]
_REBOOT_KEYS = {"WebSocketPingInterval"}
_NUMBERS = {"HeartbeatInterval", "MeterValueSampleInterval", "ClockAlignedDataInterval", "ConnectionTimeOut", "ResetRetries"}


def answer(station: Station16, action: str, payload: Payload) -> Answer:
    handler = COMMANDS.get(action)
    if handler is None:
        return Answer(None, error=("NotImplemented", f"{action} is unknown to this station"))
    try:
        return handler(station, payload)
    except (KeyError, TypeError, ValueError) as error:
        return Answer(None, error=("FormationViolation", f"{action}: {error!r}"))


def _status(word: str, then: Callable[[], Awaitable[None]] | None = None) -> Answer:
    return Answer({"status": word}, then)


def _connector(station: Station16, number: int) -> Connector16:
    if not 1 <= number <= len(station.connectors):
        raise ValueError(f"connector {number} does not exist")
    return station.connectors[number - 1]


# -- transactions --------------------------------------------------------------------------------------------


def _remote_start(station: Station16, payload: Payload) -> Answer:
    wanted = payload.get("connectorId")
    candidates = station.connectors if wanted is None else [_connector(station, wanted)]
    tag = str(payload["idTag"])
    free = [c for c in candidates if c.operative and c.transaction is None and c.status != "Faulted" and _not_for_others(c, tag)]
    if not free or station.registration != "Accepted":
        return _status("Rejected")
    profile = payload.get("chargingProfile")
    if profile is not None:
        profiles.read(station, free[0].id, profile)
        if profile["chargingProfilePurpose"] != "TxProfile":
            return _status("Rejected")
    return _status("Accepted", partial(_started, station, free[0], tag, profile))


def _not_for_others(connector: Connector16, id_tag: str) -> bool:
    reserved = connector.reservation
    return reserved is None or id_tag in (reserved.id_tag, reserved.parent)


async def _started(station: Station16, connector: Connector16, id_tag: str, profile: Payload | None) -> None:
    if station.flag("AuthorizeRemoteTxRequests") and await station.authorize(id_tag) != "Accepted":
        return
    await station.plug(connector)
    station.begin(connector, id_tag)
    if profile is not None:
        profiles.keep(station, connector.id, profile)
    await station.status(connector, "Charging")


def _remote_stop(station: Station16, payload: Payload) -> Answer:
    number = int(payload["transactionId"])
    for connector in station.connectors:
        if connector.transaction is not None and connector.transaction.number == number:
            return _status("Accepted", partial(_stopped, station, connector, "Remote"))
    return _status("Rejected")


async def _stopped(station: Station16, connector: Connector16, reason: str) -> None:
    station.end(connector, reason)
    await station.status(connector, "Finishing")
    await station.unplug(connector)


def _unlock(station: Station16, payload: Payload) -> Answer:
    connector = _connector(station, payload["connectorId"])
    if connector.transaction is None:
        return _status("Unlocked")
    return _status("Unlocked", partial(_stopped, station, connector, "UnlockCommand"))


def _reserve(station: Station16, payload: Payload) -> Answer:
    if payload["connectorId"] == 0:
        return _status("Rejected")
    connector = _connector(station, payload["connectorId"])
    if not connector.operative:
        return _status("Unavailable")
    if connector.status == "Faulted":
        return _status("Faulted")
    number = int(payload["reservationId"])
    same = connector.reservation is not None and connector.reservation.id == number
    if connector.transaction is not None or (connector.status != "Available" and not same):
        return _status("Occupied")
    expires = read_time(payload["expiryDate"])
    connector.reservation = Reservation(number, str(payload["idTag"]), payload.get("parentIdTag"), expires)
    connector.status = "Reserved"
    station.stir()
    return _status("Accepted", partial(station.tell_status, connector))


def _cancel_reservation(station: Station16, payload: Payload) -> Answer:
    for connector in station.connectors:
        if connector.reservation is not None and connector.reservation.id == int(payload["reservationId"]):
            connector.reservation = None
            return _status("Accepted", partial(station.status, connector, station.idle_status(connector)))
    return _status("Rejected")


# -- configuration and state -----------------------------------------------------------------------------------


def _get_configuration(station: Station16, payload: Payload) -> Answer:
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


def _change_configuration(station: Station16, payload: Payload) -> Answer:
    key, value = payload["key"], str(payload["value"])
    if key not in station.configuration:
        return _status("NotSupported")
    current, readonly = station.configuration[key]
    fits = value.lower() in ("true", "false") if current in ("true", "false") else value.isdigit() or key not in _NUMBERS
    if readonly or not fits:
        return _status("Rejected")
    station.configuration[key] = (value, False)
    station.replan()
    return _status("RebootRequired" if key in _REBOOT_KEYS else "Accepted")


def _change_availability(station: Station16, payload: Payload) -> Answer:
    operative = {"Operative": True, "Inoperative": False}[payload["type"]]
    number = payload["connectorId"]
    concerned = station.connectors if number == 0 else [_connector(station, number)]
    for connector in concerned:
        connector.operative = operative
    free = [connector for connector in concerned if connector.transaction is None]

    async def announce() -> None:
        for connector in free:
            await station.status(connector, station.idle_status(connector))

    return _status("Accepted" if len(free) == len(concerned) else "Scheduled", announce)


def _reset(station: Station16, payload: Payload) -> Answer:
    return _status("Accepted", partial(station.reboot, {"Hard": "HardReset", "Soft": "SoftReset"}[payload["type"]]))


def _clear_cache(station: Station16, payload: Payload) -> Answer:
    return _status("Accepted")


def _trigger(station: Station16, payload: Payload) -> Answer:
    wanted = payload["requestedMessage"]
    number = payload.get("connectorId")
    concerned = station.connectors if not number else [_connector(station, number)]
    if wanted not in TRIGGERS:
        return _status("NotImplemented")
    return _status("Accepted", partial(triggered, station, wanted, concerned))


# -- lists and files --------------------------------------------------------------------------------------------


def _local_list_version(station: Station16, payload: Payload) -> Answer:
    return Answer({"listVersion": station.local_list_version})


def _send_local_list(station: Station16, payload: Payload) -> Answer:
    version, full = int(payload["listVersion"]), payload["updateType"] == "Full"
    if not full and version <= station.local_list_version:
        return _status("VersionMismatch")
    entries = payload.get("localAuthorizationList") or ()
    if len(entries) > station.number("SendLocalListMaxLength"):
        return _status("Failed")
    if full:
        station.local_list.clear()
    for entry in entries:
        if "idTagInfo" in entry:
            station.local_list[entry["idTag"]] = entry["idTagInfo"]
        else:
            station.local_list.pop(entry["idTag"], None)
    station.local_list_version = version
    return _status("Accepted")


def _diagnostics(station: Station16, payload: Payload) -> Answer:
    name = f"{station.settings.identity}-{station.clock.now():%Y%m%d%H%M%S}.zip"

    async def upload() -> None:
        tell = partial(_tell, station, "DiagnosticsStatusNotification")
        station.uploader.begin(payload["location"], tell, failure="UploadFailed")

    return Answer({"fileName": name[:255]}, upload)


def _firmware(station: Station16, payload: Payload) -> Answer:
    retrieve, location = read_time(payload["retrieveDate"]), str(payload["location"])

    async def update() -> None:
        station.updater.begin(
            location,
            partial(_tell, station, "FirmwareStatusNotification"),
            signed=False,
            scheduled=False,
            retrieve=retrieve,
            retries=int(payload.get("retries") or 0),
        )

    return Answer({}, update)


async def _tell(station: Station16, action: str, status: str) -> None:
    await station.report(action, {"status": status})


def _data_transfer(station: Station16, payload: Payload) -> Answer:
    if payload["vendorId"] != station.settings.model.vendor:
        return _status("UnknownVendorId")
    if payload.get("messageId") == "echo":
        return Answer({"status": "Accepted", "data": payload.get("data", "")})
    return _status("UnknownMessageId")


COMMANDS: dict[str, Callable[[Station16, Payload], Answer]] = {
    "CancelReservation": _cancel_reservation,
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": profiles.clear,
    "DataTransfer": _data_transfer,
    "GetCompositeSchedule": profiles.composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": _diagnostics,
    "GetLocalListVersion": _local_list_version,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ReserveNow": _reserve,
    "Reset": _reset,
    "SendLocalList": _send_local_list,
    "SetChargingProfile": profiles.install,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    "UpdateFirmware": _firmware,
    **security.COMMANDS,
}
