"""Remote control, availability and reservations (blocks F, G and H)."""

from typing import Literal

from msgspec import UNSET, UnsetType

from gateways.ocpp.v201.messages.base import Evse, IdToken, Number, StatusInfo, Text36, Time, Wire
from gateways.ocpp.v201.messages.charging import ChargingProfile

RequestStartStopStatus = Literal["Accepted", "Rejected"]
ConnectorType = Literal[
    "cCCS1", "cCCS2", "cG105", "cTesla", "cType1", "cType2", "s309-1P-16A", "s309-1P-32A", "s309-3P-16A", "s309-3P-32A",
    "sBS1361", "sCEE-7-7", "sType2", "sType3", "Other1PhMax16A", "Other1PhOver16A", "Other3Ph", "Pan", "wInductive",
    "wResonant", "Undetermined", "Unknown",
]  # fmt: skip
RequestedMessage = Literal[
    "BootNotification", "LogStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "SignChargingStationCertificate", "SignV2GCertificate", "StatusNotification", "TransactionEvent", "SignCombinedCertificate",
    "PublishFirmwareStatusNotification",
]  # fmt: skip


class RequestStartTransaction(Wire, frozen=True):
    id_token: IdToken
    remote_start_id: Number
    evse_id: Number | UnsetType = UNSET
    group_id_token: IdToken | UnsetType = UNSET
    charging_profile: ChargingProfile | UnsetType = UNSET


class RequestStartTransactionResponse(Wire, frozen=True):
    status: RequestStartStopStatus
    status_info: StatusInfo | UnsetType = UNSET
    transaction_id: Text36 | UnsetType = UNSET


class RequestStopTransaction(Wire, frozen=True):
    transaction_id: Text36


class TriggerMessage(Wire, frozen=True):
    requested_message: RequestedMessage
    evse: Evse | UnsetType = UNSET


class TriggerMessageResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]
    status_info: StatusInfo | UnsetType = UNSET


class UnlockConnector(Wire, frozen=True):
    evse_id: Number
    connector_id: Number


class UnlockConnectorResponse(Wire, frozen=True):
    status: Literal["Unlocked", "UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"]
    status_info: StatusInfo | UnsetType = UNSET


class ChangeAvailability(Wire, frozen=True):
    operational_status: Literal["Inoperative", "Operative"]
    evse: Evse | UnsetType = UNSET


class ChangeAvailabilityResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Scheduled"]
    status_info: StatusInfo | UnsetType = UNSET


class StatusNotification(Wire, frozen=True):
    timestamp: Time
    connector_status: Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]
    evse_id: Number
    connector_id: Number


class ReserveNow(Wire, frozen=True):
    id: Number
    expiry_date_time: Time
    id_token: IdToken
    connector_type: ConnectorType | UnsetType = UNSET
    evse_id: Number | UnsetType = UNSET
    group_id_token: IdToken | UnsetType = UNSET


class ReserveNowResponse(Wire, frozen=True):
    status: Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]
    status_info: StatusInfo | UnsetType = UNSET


class CancelReservation(Wire, frozen=True):
    reservation_id: Number


class ReservationStatusUpdate(Wire, frozen=True):
    reservation_id: Number
    reservation_update_status: Literal["Expired", "Removed"]
