"""What a 2.0.1 station does for people: lists of whom it knows, reservations, messages on its display, data on a customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator import limits
from gateways.simulator.clock import read_time, wire_time
from gateways.simulator.link import Answer
from gateways.simulator.v201.memory import Evse, Reservation
from gateways.simulator.v201.tokens import key_of

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
PART = 512
"""Characters of one part of what is told about a customer."""


def _status(word: str, reason: str | None = None) -> Answer:
    return Answer({"status": word} if reason is None else {"status": word, "statusInfo": {"reasonCode": reason}})


# -- whom the station knows ------------------------------------------------------------------------------------


def _clear_cache(station: Station201, payload: Payload) -> Answer:
    if not station.model.flag("AuthCacheCtrlr", "Enabled"):
        return _status("Rejected", "NotEnabled")
    station.tokens.cache.clear()
    return _status("Accepted")


def _send_local_list(station: Station201, payload: Payload) -> Answer:
    if not station.model.flag("LocalAuthListCtrlr", "Enabled"):
        return _status("Failed", "NotEnabled")
    return _status(station.tokens.update(payload))


def _local_list_version(station: Station201, payload: Payload) -> Answer:
    return Answer({"versionNumber": station.tokens.version})


# -- reservations ----------------------------------------------------------------------------------------------


def _reserve(station: Station201, payload: Payload) -> Answer:
    if not station.model.flag("ReservationCtrlr", "Enabled"):
        return _status("Rejected", "NotEnabled")
    number, evse_id = int(payload["id"]), payload.get("evseId")
    if evse_id is not None and not 1 <= evse_id <= len(station.connectors):
        return _status("Rejected", "UnknownEvse")
    candidates = station.connectors if evse_id is None else [station.connectors[evse_id - 1]]
    if kind := payload.get("connectorType"):
        have = "cType2" if station.settings.model.power_w < 50_000 else "cCCS2"
        if kind != have:
            return _status("Rejected", "UnknownConnectorType")
    mine = station.reservations.get(number)
    free = [e for e in candidates if station.status_of(e) == "Available" or (mine is not None and mine.evse == e.id)]
    if not free:
        return _status("Unavailable" if not any(evse.operative for evse in candidates) else "Occupied")
    if len(station.reservations) >= limits.RESERVATIONS_MOST:
        return _status("Rejected", "OutOfStorage")
    expires = read_time(payload["expiryDateTime"])
    station.reservations[number] = Reservation(number, payload["idToken"], payload.get("groupIdToken"), expires, evse_id)
    station.stir()
    return Answer({"status": "Accepted"}, partial(_refresh, station, candidates))


def _cancel(station: Station201, payload: Payload) -> Answer:
    held = station.reservations.get(int(payload["reservationId"]))
    if held is None:
        return _status("Rejected", "NotFound")
    station.release(held, None)
    return _status("Accepted")


async def _refresh(station: Station201, evses: list[Evse]) -> None:
    for evse in evses:
        await station.refresh(evse)


# -- the display -----------------------------------------------------------------------------------------------


def _set_message(station: Station201, payload: Payload) -> Answer:
    message = payload["message"]
    if message["message"]["format"] not in station.model.members("DisplayMessageCtrlr", "SupportedFormats"):
        return _status("NotSupportedMessageFormat")
    if message["priority"] not in station.model.members("DisplayMessageCtrlr", "SupportedPriorities"):
        return _status("NotSupportedPriority")
    wanted = message.get("transactionId")
    if wanted is not None and all(evse.transaction is None or evse.transaction.id != wanted for evse in station.connectors):
        return _status("UnknownTransaction")
    _forget_old_messages(station)
    if message["id"] not in station.messages and len(station.messages) >= limits.MESSAGES_MOST:
        return _status("Rejected", "OutOfStorage")
    if message["priority"] == "AlwaysFront":  # O01.FR.11: there is one at the front
        for number in [n for n, held in station.messages.items() if held["priority"] == "AlwaysFront"]:
            del station.messages[number]
    station.messages[message["id"]] = message
    return _status("Accepted")


def _forget_old_messages(station: Station201) -> None:
    now = station.clock.now()
    running = {evse.transaction.id for evse in station.connectors if evse.transaction is not None}
    for number, held in list(station.messages.items()):
        over = held.get("endDateTime") is not None and read_time(held["endDateTime"]) <= now
        if over or held.get("transactionId") not in (None, *running):
            del station.messages[number]


def _get_messages(station: Station201, payload: Payload) -> Answer:
    _forget_old_messages(station)
    found = [
        message
        for message in station.messages.values()
        if message["id"] in payload.get("id", [message["id"]])
        and payload.get("priority") in (None, message["priority"])
        and payload.get("state") in (None, message.get("state"))
    ]
    if not found:
        return _status("Unknown")
    told = {"requestId": payload["requestId"], "messageInfo": found, "tbc": False}
    return Answer({"status": "Accepted"}, partial(station.report, "NotifyDisplayMessages", told))


def _clear_message(station: Station201, payload: Payload) -> Answer:
    return _status("Accepted" if station.messages.pop(payload["id"], None) is not None else "Unknown")


def _cost_updated(station: Station201, payload: Payload) -> Answer:
    for evse in station.connectors:
        if evse.transaction is not None and evse.transaction.id == payload["transactionId"]:
            evse.transaction.cost = float(payload["totalCost"])
    return Answer({})


# -- customers -------------------------------------------------------------------------------------------------


def _customer(station: Station201, payload: Payload) -> Answer:
    named = [payload.get(name) for name in ("idToken", "customerIdentifier", "customerCertificate")]
    if sum(name is not None for name in named) != 1:
        return _status("Invalid", "MissingParam")
    if not payload["report"] and not payload["clear"]:
        return _status("Rejected", "UnsupportedParam")
    lines = _known_of(station, payload, forget=payload["clear"])
    if not payload["report"]:
        lines = []
    return Answer({"status": "Accepted"}, partial(_tell, station, payload["requestId"], "\n".join(lines)))


def _known_of(station: Station201, payload: Payload, *, forget: bool) -> list[str]:
    """What is kept on a customer, as lines; a station keeps nothing under names and certificates, only under tokens."""
    token = payload.get("idToken")
    if token is None:
        return []
    key, lines = key_of(token), []
    if key in station.tokens.cache:
        lines.append(f"authorization cache: {station.tokens.cache[key][0].get('status')}")
    if key in station.tokens.local_list:
        lines.append(f"local list: {station.tokens.local_list[key].get('status')}")
    mine = [held for held in station.reservations.values() if key_of(held.token) == key]
    lines += [f"reservation {held.id} until {wire_time(held.expires)}" for held in mine]
    if forget:
        station.tokens.cache.pop(key, None)
        station.tokens.local_list.pop(key, None)
        for held in mine:
            station.release(held, "Removed")
    return lines


async def _tell(station: Station201, request_id: int, text: str) -> None:
    generated = wire_time(station.clock.now())
    parts = [text[at : at + PART] for at in range(0, len(text), PART)] or [""]
    for number, part in enumerate(parts):
        told = {
            "data": part,
            "tbc": number < len(parts) - 1,
            "seqNo": number,
            "generatedAt": generated,
            "requestId": request_id,
        }
        await station.report("NotifyCustomerInformation", told)


COMMANDS: dict[str, Callable[[Station201, Payload], Answer]] = {
    "CancelReservation": _cancel,
    "ClearCache": _clear_cache,
    "ClearDisplayMessage": _clear_message,
    "CostUpdated": _cost_updated,
    "CustomerInformation": _customer,
    "GetDisplayMessages": _get_messages,
    "GetLocalListVersion": _local_list_version,
    "ReserveNow": _reserve,
    "SendLocalList": _send_local_list,
    "SetDisplayMessage": _set_message,
}
