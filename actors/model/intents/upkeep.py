"""Keeping a station up: logs, firmware, customer information, vendor messages (OCPP 2.0.1 blocks L, N, P)."""

from datetime import datetime
from typing import Any

from actors.model.intents.base import Intent
from actors.model.intents.security import CertificateHash


class GetLog(Intent, frozen=True):
    """1.6 GetDiagnostics for log_type DiagnosticsLog, or GetLog of its security extension where the station is known to speak
    that, or the caller did (`extended`). Result data: `file_name`."""

    location: str
    log_type: str = "DiagnosticsLog"
    request_id: int = 0
    oldest: datetime | None = None
    latest: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None
    extended: bool = False


class UpdateFirmware(Intent, frozen=True):
    """With `signing_certificate` (PEM) and `signature` (base64) it is a secure update (L01; 1.6 SignedUpdateFirmware)."""

    location: str
    retrieve_at: datetime
    request_id: int = 0
    retries: int | None = None
    retry_interval: int | None = None
    install_at: datetime | None = None
    signing_certificate: str | None = None
    signature: str | None = None


class PublishFirmware(Intent, frozen=True):
    """L03: `checksum` is the MD5 of the file in hex."""

    location: str
    checksum: str
    request_id: int = 0
    retries: int | None = None
    retry_interval: int | None = None


class UnpublishFirmware(Intent, frozen=True):
    checksum: str


class CustomerInformation(Intent, frozen=True):
    """N09, N10: exactly one of `id_token` (with its type), `customer_identifier`, `certificate`."""

    report: bool
    clear: bool
    request_id: int = 0
    id_token: str | None = None
    token_type: str | None = None
    customer_identifier: str | None = None
    certificate: CertificateHash | None = None


class DataTransfer(Intent, frozen=True):
    """`data` is text towards 1.6, any JSON towards 2.x. Result data: `data`."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None
