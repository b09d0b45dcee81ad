"""Tokens: authorisation, cache and local lists (blocks C and D)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import IdToken, IdTokenInfo, Number, OcspRequestData, StatusInfo, Text5500, Wire

CertificateVerdict = Literal[
    "Accepted", "SignatureError", "CertificateExpired", "CertificateRevoked", "NoCertificateAvailable", "CertChainError",
    "ContractCancelled",
]  # fmt: skip


class AuthorizationData(Wire, frozen=True):
    id_token: IdToken
    id_token_info: IdTokenInfo | UnsetType = UNSET


class Authorize(Wire, frozen=True):
    id_token: IdToken
    certificate: Text5500 | UnsetType = UNSET
    iso15118_certificate_hash_data: Annotated[list[OcspRequestData], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class AuthorizeResponse(Wire, frozen=True):
    id_token_info: IdTokenInfo
    certificate_status: CertificateVerdict | UnsetType = UNSET


class SendLocalList(Wire, frozen=True):
    version_number: Number
    update_type: Literal["Differential", "Full"]
    local_authorization_list: Annotated[list[AuthorizationData], Meta(min_length=1)] | UnsetType = UNSET


class SendLocalListResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed", "VersionMismatch"]
    status_info: StatusInfo | UnsetType = UNSET


class GetLocalListVersionResponse(Wire, frozen=True):
    version_number: Number
