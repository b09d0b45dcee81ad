"""A station's answers to the commands of OCPP 2.0.1: the table of all of them, and those that concern transactions.

Each function returns an Answer whose `then` runs after the answer has left. reports.py has variables and monitors,
charging.py profiles, people.py lists, reservations and messages, security.py certificates, firmware and logs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator.link import Answer
from gateways.simulator.v201 import charging, people, reports, security, transactions
from gateways.simulator.v201.memory import Evse
from gateways.simulator.v201.security import security_event

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

__all__ = ["COMMANDS", "answer", "security_event"]

Payload = dict[str, Any]
Then = Callable[[], Awaitable[Any]]
_NOT_BEFORE_ACCEPTED = ("RequestStartTransaction", "RequestStopTransaction")


def answer(station: Station201, action: str, payload: Payload) -> Answer:
    handler = COMMANDS.get(action)
    if handler is None:
        return Answer(None, error=("NotImplemented", f"{action} is unknown to this station"))
    if station.registration == "Rejected":
        return Answer(None, error=("SecurityError", "the station is not registered"))
    if station.registration != "Accepted" and action in _NOT_BEFORE_ACCEPTED:
        return _status("Rejected", reason="CSNotAccepted")
    try:
        return handler(station, payload)
    except (KeyError, TypeError, ValueError) as error:
        return Answer(None, error=("FormatViolation", f"{action}: {error!r}"[:255]))


def _status(word: str, then: Then | None = None, *, reason: str | None = None, **more: Any) -> Answer:
    payload: Payload = {"status": word, **more}
    if reason is not None:
        payload["statusInfo"] = {"reasonCode": reason}
    return Answer(payload, then)


def _evse(station: Station201, number: int) -> Evse | None:
    return station.connectors[number - 1] if 1 <= number <= len(station.connectors) else None


# -- transactions ----------------------------------------------------------------------------------------------


def _request_start(station: Station201, payload: Payload) -> Answer:
    token, number, profile = payload["idToken"], payload.get("evseId"), payload.get("chargingProfile")
    candidates = station.connectors if number is None else [evse for evse in [_evse(station, number)] if evse is not None]
    if not candidates:
        return _status("Rejected", reason="UnknownEvse")
    free = [evse for evse in candidates if evse.operative and evse.token is None and _not_for_others(station, evse, token)]
    if not free:
        return _status("Rejected", reason="TxInProgress")
    if profile is not None and (profile["chargingProfilePurpose"] != "TxProfile" or profile.get("transactionId") is not None):
        return _status("Rejected", reason="InvalidProfile")
    evse = next((evse for evse in free if evse.plugged), free[0])
    if profile is not None:
        charging.read(station, evse.id, profile)
    evse.remote_start_id = int(payload["remoteStartId"])
    then = partial(_started, station, evse, token, profile)
    if evse.transaction is not None:
        return _status("Accepted", then, transactionId=evse.transaction.id)
    return _status("Accepted", then)


def _not_for_others(station: Station201, evse: Evse, token: Payload) -> bool:
    return all(held.evse != evse.id or station.tokens.is_for(held, token) for held in station.reservations.values())


async def _started(station: Station201, evse: Evse, token: Payload, profile: Payload | None) -> None:
    if station.model.flag("AuthCtrlr", "AuthorizeRemoteStart"):
        status = await station.tokens.authorize(token, partial(station.call, "Authorize"), online=station.is_online)
        if status != "Accepted":
            evse.remote_start_id = None
            return
    if evse.transaction is not None:
        evse.transaction.remote_start_id, evse.remote_start_id = evse.remote_start_id, None
    station.grant(evse, token, "RemoteStart")
    await station.plug(evse)  # the driver stands beside it
    if profile is not None and charging.objection(station, evse.id, profile) is None:
        charging.keep(station, evse.id, profile)
    await station.refresh(evse)


def _request_stop(station: Station201, payload: Payload) -> Answer:
    for evse in station.connectors:
        if evse.transaction is not None and evse.transaction.id == payload["transactionId"]:
            return _status("Accepted", partial(_stopped, station, evse))
    return _status("Rejected", reason="TxNotFound")


async def _stopped(station: Station201, evse: Evse) -> None:
    station.end(evse, "Remote")
    await station.unplug(evse)


def _transaction_status(station: Station201, payload: Payload) -> Answer:
    wanted = payload.get("transactionId")
    waiting = [pending for pending in station.queued if wanted in (None, pending.transaction.id)]
    result: Payload = {"messagesInQueue": bool(waiting)}
    if wanted is not None:
        result["ongoingIndicator"] = any(e.transaction is not None and e.transaction.id == wanted for e in station.connectors)
    return Answer(result)


def _unlock(station: Station201, payload: Payload) -> Answer:
    evse = _evse(station, payload["evseId"])
    if evse is None or payload["connectorId"] != 1:
        return _status("UnknownConnector")
    if evse.transaction is not None and evse.token is not None:
        return _status("OngoingAuthorizedTransaction")
    return _status("Unlocked", partial(station.unplug, evse))


# -- the station -----------------------------------------------------------------------------------------------


def _change_availability(station: Station201, payload: Payload) -> Answer:
    operative = {"Operative": True, "Inoperative": False}[payload["operationalStatus"]]
    wanted = payload.get("evse")
    concerned: list[Evse] = list(station.connectors)
    if wanted is not None:
        evse = _evse(station, wanted["id"])
        if evse is None or wanted.get("connectorId", 1) != 1:
            return _status("Rejected", reason="UnknownEvse")
        concerned = [evse]
    busy = [evse for evse in concerned if evse.transaction is not None and not operative]
    for evse in concerned:
        if evse in busy:
            evse.scheduled = operative
        else:
            evse.operative, evse.scheduled = operative, None
            _drop_reservations(station, evse)
    return _status("Scheduled" if busy else "Accepted", partial(_announce, station, concerned))


def _drop_reservations(station: Station201, evse: Evse) -> None:
    """An EVSE out of service keeps nothing for anybody."""
    for held in list(station.reservations.values()):
        if held.evse == evse.id and not evse.operative:
            station.release(held, "Removed")


async def _announce(station: Station201, evses: list[Evse]) -> None:
    for evse in evses:
        await station.refresh(evse)


def _reset(station: Station201, payload: Payload) -> Answer:
    kind, number = payload["type"], payload.get("evseId")
    if number is not None:
        evse = _evse(station, number)
        if evse is None:
            return _status("Rejected", reason="UnknownEvse")
        waits = kind == "OnIdle" and evse.transaction is not None
        return _status("Scheduled" if waits else "Accepted", partial(_reset_evse, station, evse, waits))
    if kind == "OnIdle":
        return _status("Scheduled" if station.busy else "Accepted", partial(_reset_when_idle, station))
    return _status("Accepted", partial(station.reboot, "RemoteReset"))


async def _reset_when_idle(station: Station201) -> None:
    async def later() -> None:
        await station.idle()
        await station.reboot("ScheduledReset")

    station.nursery.start_soon(later)


async def _reset_evse(station: Station201, evse: Evse, waits: bool) -> None:
    async def later() -> None:
        while waits and evse.transaction is not None:
            await station.next_end()
        station.end(evse, "HardReset")
        operative, evse.operative = evse.operative, False
        await station.refresh(evse)
        evse.operative = operative
        await station.refresh(evse)

    station.nursery.start_soon(later)


def _data_transfer(station: Station201, payload: Payload) -> Answer:
    if payload["vendorId"] != station.settings.model.vendor:
        return _status("UnknownVendorId")
    if payload.get("messageId") == "echo":
        return _status("Accepted", data=payload.get("data", ""))
    return _status("UnknownMessageId")


# -- triggers --------------------------------------------------------------------------------------------------


def _trigger(station: Station201, payload: Payload) -> Answer:
    wanted, target = payload["requestedMessage"], payload.get("evse")
    evse = _evse(station, target["id"]) if target is not None else None
    if target is not None and evse is None:
        return _status("Rejected", reason="UnknownEvse")
    concerned = [evse] if evse is not None else list(station.connectors)
    if wanted == "StatusNotification" and (target is None or target.get("connectorId") != 1):
        return _status("Rejected", reason="UnknownConnectorId")
    if wanted == "BootNotification" and station.registration == "Accepted":
        return _status("Rejected", reason="NotEnabled")
    if wanted == "TransactionEvent" and all(evse.transaction is None for evse in concerned):
        return _status("Rejected", reason="TxNotFound")
    if wanted not in TRIGGERS:
        return _status("NotImplemented")
    return _status("Accepted", partial(TRIGGERS[wanted], station, concerned))


async def _boot(station: Station201, evses: list[Evse]) -> None:
    await station.say("BootNotification", {"chargingStation": station.boot_notification, "reason": "Triggered"})


async def _heartbeat(station: Station201, evses: list[Evse]) -> None:
    await station.say("Heartbeat", {})


async def _statuses(station: Station201, evses: list[Evse]) -> None:
    for evse in evses:
        await station.tell_status(evse)


async def _meter_values(station: Station201, evses: list[Evse]) -> None:
    for evse in evses:
        value = transactions.reading(station, evse, "AlignedDataCtrlr", "Measurands", "Trigger")
        if value is not None:
            await station.say("MeterValues", {"evseId": evse.id, "meterValue": [value]})


async def _transaction_events(station: Station201, evses: list[Evse]) -> None:
    for evse in evses:
        if evse.transaction is not None:
            transactions.event(station, evse, evse.transaction, "Updated", "Trigger")


async def _progress(action: str, station: Station201, evses: list[Evse]) -> None:
    works: dict[str, Any] = {
        "FirmwareStatusNotification": station.updater,
        "LogStatusNotification": station.uploader,
        "PublishFirmwareStatusNotification": station.publisher,
    }
    work = works[action]
    told: Payload = {"status": work.status}
    if work.status != "Idle" and work.request_id is not None:
        told["requestId"] = work.request_id
    if work.status == "Published":
        told["location"] = list(station.publisher.published.values())
    await station.say(action, told)


async def _sign(kind: str | None, station: Station201, evses: list[Evse]) -> None:
    await security.sign_certificate(station, kind)


TRIGGERS: dict[str, Callable[[Station201, list[Evse]], Awaitable[None]]] = {
    "BootNotification": _boot,
    "FirmwareStatusNotification": partial(_progress, "FirmwareStatusNotification"),
    "Heartbeat": _heartbeat,
    "LogStatusNotification": partial(_progress, "LogStatusNotification"),
    "MeterValues": _meter_values,
    "PublishFirmwareStatusNotification": partial(_progress, "PublishFirmwareStatusNotification"),
    "SignChargingStationCertificate": partial(_sign, security.STATION),
    "SignCombinedCertificate": partial(_sign, None),
    "SignV2GCertificate": partial(_sign, security.V2G),
    "StatusNotification": _statuses,
    "TransactionEvent": _transaction_events,
}

COMMANDS: dict[str, Callable[[Station201, Payload], Answer]] = {
    "ChangeAvailability": _change_availability,
    "DataTransfer": _data_transfer,
    "GetTransactionStatus": _transaction_status,
    "RequestStartTransaction": _request_start,
    "RequestStopTransaction": _request_stop,
    "Reset": _reset,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    **charging.COMMANDS,
    **people.COMMANDS,
    **reports.COMMANDS,
    **security.COMMANDS,
}
