"""What the messages of several blocks share: the kinds of texts and numbers, tokens, EVSEs, components, certificates.

Every object may carry `customData`, a vendor's own. It is checked as the schema has it and then ignored: what it says is
in the trace, as it came.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

Text6 = Annotated[str, Meta(max_length=6)]
Text8 = Annotated[str, Meta(max_length=8)]
Text16 = Annotated[str, Meta(max_length=16)]
Text20 = Annotated[str, Meta(max_length=20)]
Text25 = Annotated[str, Meta(max_length=25)]
Text32 = Annotated[str, Meta(max_length=32)]
Text36 = Annotated[str, Meta(max_length=36)]
Text40 = Annotated[str, Meta(max_length=40)]
Text50 = Annotated[str, Meta(max_length=50)]
Text64 = Annotated[str, Meta(max_length=64)]
Text128 = Annotated[str, Meta(max_length=128)]
Text255 = Annotated[str, Meta(max_length=255)]
Text500 = Annotated[str, Meta(max_length=500)]
Text512 = Annotated[str, Meta(max_length=512)]
Text800 = Annotated[str, Meta(max_length=800)]
Text1000 = Annotated[str, Meta(max_length=1000)]
Text2500 = Annotated[str, Meta(max_length=2500)]
Text5500 = Annotated[str, Meta(max_length=5500)]
Text5600 = Annotated[str, Meta(max_length=5600)]
Text7500 = Annotated[str, Meta(max_length=7500)]
Text10000 = Annotated[str, Meta(max_length=10000)]
Time = Annotated[datetime, Meta(tz=True)]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""The schemas name no bound; 64 bits are ours, so that nothing behind the edge meets a larger one."""

HashAlgorithm = Literal["SHA256", "SHA384", "SHA512"]
TokenType = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
AuthorizationStatus = Literal[
    "Accepted", "Blocked", "ConcurrentTx", "Expired", "Invalid", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation",
    "NotAtThisTime", "Unknown",
]  # fmt: skip
GenericDeviceModelStatus = Literal["Accepted", "Rejected", "NotSupported", "EmptyResultSet"]


class CustomData(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """The one object that may hold anything besides its fields."""

    vendor_id: Text255


class Wire(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """An object on the wire. An absent optional field is UNSET: OCPP knows no null."""

    custom_data: CustomData | UnsetType = UNSET


class Empty(Wire, frozen=True):
    pass


class StatusInfo(Wire, frozen=True):
    reason_code: Text20
    additional_info: Text512 | UnsetType = UNSET


class StatusResponse(Wire, frozen=True):
    """The answer of many actions."""

    status: Literal["Accepted", "Rejected"]
    status_info: StatusInfo | UnsetType = UNSET


class DeviceModelResponse(Wire, frozen=True):
    """The answer to what asks for reports. EmptyResultSet: none follows."""

    status: GenericDeviceModelStatus
    status_info: StatusInfo | UnsetType = UNSET


class AdditionalInfo(Wire, frozen=True):
    additional_id_token: Text36
    type: Text50


class IdToken(Wire, frozen=True):
    id_token: Text36
    type: TokenType
    additional_info: Annotated[list[AdditionalInfo], Meta(min_length=1)] | UnsetType = UNSET


class OcspRequestData(Wire, frozen=True):
    hash_algorithm: HashAlgorithm
    issuer_name_hash: Text128
    issuer_key_hash: Text128
    serial_number: Text40
    responder_url: Text512 = field(name="responderURL")


class MessageContent(Wire, frozen=True):
    format: Literal["ASCII", "HTML", "URI", "UTF8"]
    content: Text512
    language: Text8 | UnsetType = UNSET


class IdTokenInfo(Wire, frozen=True):
    status: AuthorizationStatus
    cache_expiry_date_time: Time | UnsetType = UNSET
    charging_priority: Number | UnsetType = UNSET
    language1: Text8 | UnsetType = UNSET
    evse_id: Annotated[list[Number], Meta(min_length=1)] | UnsetType = UNSET
    group_id_token: IdToken | UnsetType = UNSET
    language2: Text8 | UnsetType = UNSET
    personal_message: MessageContent | UnsetType = UNSET


class Evse(Wire, frozen=True):
    id: Number
    connector_id: Number | UnsetType = UNSET


class CertificateHashData(Wire, frozen=True):
    hash_algorithm: HashAlgorithm
    issuer_name_hash: Text128
    issuer_key_hash: Text128
    serial_number: Text40


class Component(Wire, frozen=True):
    name: Text50
    evse: Evse | UnsetType = UNSET
    instance: Text50 | UnsetType = UNSET


class Variable(Wire, frozen=True):
    name: Text50
    instance: Text50 | UnsetType = UNSET


class ComponentVariable(Wire, frozen=True):
    component: Component
    variable: Variable | UnsetType = UNSET
