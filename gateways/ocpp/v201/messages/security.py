"""Certificates and security events (blocks A and M)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import (
    CertificateHashData,
    OcspRequestData,
    StatusInfo,
    Text50,
    Text255,
    Text5500,
    Text5600,
    Text7500,
    Text10000,
    Time,
    Wire,
)

CertificateSigningUse = Literal["ChargingStationCertificate", "V2GCertificate"]
GetCertificateIdUse = Literal[
    "V2GRootCertificate", "MORootCertificate", "CSMSRootCertificate", "V2GCertificateChain", "ManufacturerRootCertificate",
]  # fmt: skip


class CertificateHashDataChain(Wire, frozen=True):
    certificate_hash_data: CertificateHashData
    certificate_type: GetCertificateIdUse
    child_certificate_hash_data: Annotated[list[CertificateHashData], Meta(min_length=1, max_length=4)] | UnsetType = UNSET


class SignCertificate(Wire, frozen=True):
    csr: Text5500
    certificate_type: CertificateSigningUse | UnsetType = UNSET


class CertificateSigned(Wire, frozen=True):
    certificate_chain: Text10000
    certificate_type: CertificateSigningUse | UnsetType = UNSET


class InstallCertificate(Wire, frozen=True):
    certificate_type: Literal["V2GRootCertificate", "MORootCertificate", "CSMSRootCertificate", "ManufacturerRootCertificate"]
    certificate: Text5500


class InstallCertificateResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Failed"]
    status_info: StatusInfo | UnsetType = UNSET


class DeleteCertificate(Wire, frozen=True):
    certificate_hash_data: CertificateHashData


class DeleteCertificateResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed", "NotFound"]
    status_info: StatusInfo | UnsetType = UNSET


class GetInstalledCertificateIds(Wire, frozen=True):
    certificate_type: Annotated[list[GetCertificateIdUse], Meta(min_length=1)] | UnsetType = UNSET


class GetInstalledCertificateIdsResponse(Wire, frozen=True):
    status: Literal["Accepted", "NotFound"]
    status_info: StatusInfo | UnsetType = UNSET
    certificate_hash_data_chain: Annotated[list[CertificateHashDataChain], Meta(min_length=1)] | UnsetType = UNSET


class GetCertificateStatus(Wire, frozen=True):
    ocsp_request_data: OcspRequestData


class GetCertificateStatusResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed"]
    status_info: StatusInfo | UnsetType = UNSET
    ocsp_result: Text5500 | UnsetType = UNSET


class Get15118EVCertificate(Wire, frozen=True):
    iso15118_schema_version: Text50
    action: Literal["Install", "Update"]
    exi_request: Text5600


class Get15118EVCertificateResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed"]
    exi_response: Text7500
    status_info: StatusInfo | UnsetType = UNSET


class SecurityEventNotification(Wire, frozen=True):
    type: Text50
    timestamp: Time
    tech_info: Text255 | UnsetType = UNSET
