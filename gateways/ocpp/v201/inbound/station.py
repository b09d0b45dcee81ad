"""What a station says of itself (blocks A04, B, G, H, L, N, O, P): boots, statuses, progress, events, displays, vendors' data."""

from typing import Any

from msgspec import UNSET

from actors.display.messages import DisplayPart
from actors.model.intents import DisplayMessage, MessageText
from actors.reservation.messages import ReservationStatus
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.times import utc, wire_time
from gateways.ocpp.v201.inbound.parts import maybe, not_negative, place, when
from gateways.ocpp.v201.messages import base, display, provisioning, remote, security, upkeep

HEARTBEAT = s.Heartbeat()


def boot(x: provisioning.BootNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.Boot:
    told = x.charging_station
    modem = told.modem if isinstance(told.modem, provisioning.Modem) else provisioning.Modem()
    return s.Boot(
        told.vendor_name, told.model, maybe(told.serial_number), maybe(told.firmware_version), maybe(modem.iccid),
        maybe(modem.imsi), reason=x.reason,
    )  # fmt: skip


def heartbeat(x: base.Empty, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.Heartbeat:
    return HEARTBEAT


def status(x: remote.StatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.ConnectorStatus:
    at, odd = utc(x.timestamp, asker.now(), ())
    evse, connector = not_negative(x.evse_id, "/evseId"), not_negative(x.connector_id, "/connectorId")
    return s.ConnectorStatus(evse, connector, x.connector_status, x.connector_status, at=None if odd else at)


def firmware(x: upkeep.FirmwareStatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.FirmwareStatus:
    return s.FirmwareStatus(x.status, maybe(x.request_id))


def published(
    x: upkeep.PublishFirmwareStatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes
) -> s.PublishFirmwareStatus:
    return s.PublishFirmwareStatus(x.status, maybe(x.request_id), tuple(maybe(x.location) or ()))


def log(x: upkeep.LogStatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.LogStatus:
    return s.LogStatus(x.status, maybe(x.request_id))


def security_event(
    x: security.SecurityEventNotification, asker: Asker, flags: tuple[str, ...], payload: bytes
) -> s.SecurityEvent:
    return s.SecurityEvent(x.type, when(x.timestamp, asker), maybe(x.tech_info))


def customer(x: upkeep.NotifyCustomerInformation, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.CustomerReportPart:
    return s.CustomerReportPart(x.request_id, x.seq_no, x.tbc is True, x.data, when(x.generated_at, asker))


def data(x: upkeep.DataTransfer, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.DataTransferred:
    return s.DataTransferred(x.vendor_id, maybe(x.message_id), maybe(x.data))


def reservation(x: remote.ReservationStatusUpdate, asker: Asker, flags: tuple[str, ...], payload: bytes) -> ReservationStatus:
    return ReservationStatus(x.reservation_id, x.reservation_update_status)


def displays(x: display.NotifyDisplayMessages, asker: Asker, flags: tuple[str, ...], payload: bytes) -> DisplayPart:
    told = x.message_info if isinstance(x.message_info, list) else ()
    found = tuple(_displayed(item, f"/messageInfo/{n}") for n, item in enumerate(told))
    return DisplayPart(x.request_id, x.tbc is True, found)


def _displayed(x: display.MessageInfo, at: str) -> DisplayMessage:
    text = MessageText(x.message.content, x.message.format, maybe(x.message.language))
    name = instance = evse = connector = None
    if isinstance(x.display, base.Component):
        name, instance = x.display.name, maybe(x.display.instance)
        evse, connector = place(x.display.evse, f"{at}/display/evse")
    return DisplayMessage(
        x.id, x.priority, text, maybe(x.state), maybe(x.start_date_time), maybe(x.end_date_time), maybe(x.transaction_id),
        name, instance, evse, connector,
    )  # fmt: skip


def booted(x: s.BootReply) -> provisioning.BootNotificationResponse:
    return provisioning.BootNotificationResponse(
        status=x.status,  # type: ignore[arg-type]
        current_time=wire_time(x.at),
        interval=x.interval,
    )


def data_reply(x: s.DataReply) -> upkeep.DataTransferResponse:
    told: Any = UNSET if x.data is None else x.data
    return upkeep.DataTransferResponse(status=x.status, data=told)  # type: ignore[arg-type]
