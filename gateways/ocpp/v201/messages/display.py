"""Messages on the station's display (block O)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import Component, MessageContent, Number, StatusInfo, Text36, Time, Wire

MessagePriority = Literal["AlwaysFront", "InFront", "NormalCycle"]
MessageState = Literal["Charging", "Faulted", "Idle", "Unavailable"]
DisplayMessageStatus = Literal[
    "Accepted", "NotSupportedMessageFormat", "Rejected", "NotSupportedPriority", "NotSupportedState", "UnknownTransaction",
]  # fmt: skip


class MessageInfo(Wire, frozen=True):
    id: Number
    priority: MessagePriority
    message: MessageContent
    display: Component | UnsetType = UNSET
    state: MessageState | UnsetType = UNSET
    start_date_time: Time | UnsetType = UNSET
    end_date_time: Time | UnsetType = UNSET
    transaction_id: Text36 | UnsetType = UNSET


class SetDisplayMessage(Wire, frozen=True):
    message: MessageInfo


class SetDisplayMessageResponse(Wire, frozen=True):
    status: DisplayMessageStatus
    status_info: StatusInfo | UnsetType = UNSET


class GetDisplayMessages(Wire, frozen=True):
    request_id: Number
    id: Annotated[list[Number], Meta(min_length=1)] | UnsetType = UNSET
    priority: MessagePriority | UnsetType = UNSET
    state: MessageState | UnsetType = UNSET


class GetDisplayMessagesResponse(Wire, frozen=True):
    status: Literal["Accepted", "Unknown"]
    status_info: StatusInfo | UnsetType = UNSET


class NotifyDisplayMessages(Wire, frozen=True):
    request_id: Number
    message_info: Annotated[list[MessageInfo], Meta(min_length=1)] | UnsetType = UNSET
    tbc: bool | UnsetType = UNSET


class ClearDisplayMessage(Wire, frozen=True):
    id: Number


class ClearDisplayMessageResponse(Wire, frozen=True):
    status: Literal["Accepted", "Unknown"]
    status_info: StatusInfo | UnsetType = UNSET
