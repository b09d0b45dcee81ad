"""Firmware, logs, customer information and vendor extensions (blocks L, N and P)."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v201.messages.base import (
    CertificateHashData,
    IdToken,
    Number,
    StatusInfo,
    Text32,
    Text50,
    Text64,
    Text255,
    Text512,
    Text800,
    Text5500,
    Time,
    Wire,
)

FirmwareStatus = Literal[
    "Downloaded", "DownloadFailed", "Downloading", "DownloadScheduled", "DownloadPaused", "Idle", "InstallationFailed",
    "Installing", "Installed", "InstallRebooting", "InstallScheduled", "InstallVerificationFailed", "InvalidSignature",
    "SignatureVerified",
]  # fmt: skip
UploadLogStatus = Literal[
    "BadMessage", "Idle", "NotSupportedOperation", "PermissionDenied", "Uploaded", "UploadFailure", "Uploading",
    "AcceptedCanceled",
]  # fmt: skip
PublishFirmwareStatus = Literal[
    "Idle", "DownloadScheduled", "Downloading", "Downloaded", "Published", "DownloadFailed", "DownloadPaused",
    "InvalidChecksum", "ChecksumVerified", "PublishFailed",
]  # fmt: skip


class LogParameters(Wire, frozen=True):
    remote_location: Text512
    oldest_timestamp: Time | UnsetType = UNSET
    latest_timestamp: Time | UnsetType = UNSET


class Firmware(Wire, frozen=True):
    location: Text512
    retrieve_date_time: Time
    install_date_time: Time | UnsetType = UNSET
    signing_certificate: Text5500 | UnsetType = UNSET
    signature: Text800 | UnsetType = UNSET


class UpdateFirmware(Wire, frozen=True):
    request_id: Number
    firmware: Firmware
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


class UpdateFirmwareResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"]
    status_info: StatusInfo | UnsetType = UNSET


class FirmwareStatusNotification(Wire, frozen=True):
    status: FirmwareStatus
    request_id: Number | UnsetType = UNSET


class PublishFirmware(Wire, frozen=True):
    location: Text512
    checksum: Text32
    request_id: Number
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


class PublishFirmwareStatusNotification(Wire, frozen=True):
    status: PublishFirmwareStatus
    location: Annotated[list[Text512], Meta(min_length=1)] | UnsetType = UNSET
    request_id: Number | UnsetType = UNSET


class UnpublishFirmware(Wire, frozen=True):
    checksum: Text32


class UnpublishFirmwareResponse(Wire, frozen=True):
    status: Literal["DownloadOngoing", "NoFirmware", "Unpublished"]


class GetLog(Wire, frozen=True):
    log: LogParameters
    log_type: Literal["DiagnosticsLog", "SecurityLog"]
    request_id: Number
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


class GetLogResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled"]
    status_info: StatusInfo | UnsetType = UNSET
    filename: Text255 | UnsetType = UNSET


class LogStatusNotification(Wire, frozen=True):
    status: UploadLogStatus
    request_id: Number | UnsetType = UNSET


class CustomerInformation(Wire, frozen=True):
    request_id: Number
    report: bool
    clear: bool
    customer_certificate: CertificateHashData | UnsetType = UNSET
    id_token: IdToken | UnsetType = UNSET
    customer_identifier: Text64 | UnsetType = UNSET


class CustomerInformationResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "Invalid"]
    status_info: StatusInfo | UnsetType = UNSET


class NotifyCustomerInformation(Wire, frozen=True):
    data: Text512
    seq_no: Number
    generated_at: Time
    request_id: Number
    tbc: bool | UnsetType = UNSET


class DataTransfer(Wire, frozen=True):
    vendor_id: Text255
    message_id: Text50 | UnsetType = UNSET
    data: Any = UNSET


class DataTransferResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    status_info: StatusInfo | UnsetType = UNSET
    data: Any = UNSET
