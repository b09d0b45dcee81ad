"""The security extension of OCPP 1.6: its eleven messages, read and written (security whitepaper edition 3, PROTOCOLS 2.1).

Wire types, `READERS` for what a station sends, and the two halves of an answer; how intents are carried stands with all others
in gateways/ocpp/mapping. A station speaks it or it does not; that is seen by what it sends (dialect.py). Certificates of
ISO 15118 do not travel here but in DataTransfer.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from actors.certificates.messages import CsrReceived, CsrReply
from actors.model.intents import CommandResult
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.mapping.answers import HASH_FIELDS
from gateways.ocpp.mapping.words import ROOTS
from gateways.ocpp.times import utc
from gateways.ocpp.v16.messages import Empty, Number, StatusResponse, Text50, Text255, Time, Wire

Text40 = Annotated[str, Meta(max_length=40)]
Text128 = Annotated[str, Meta(max_length=128)]
Text512 = Annotated[str, Meta(max_length=512)]
Text800 = Annotated[str, Meta(max_length=800)]
Text5500 = Annotated[str, Meta(max_length=5500)]
Text10000 = Annotated[str, Meta(max_length=10000)]
CertificateUse = Literal["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
UploadStatus = Literal[
    "BadMessage", "Idle", "NotSupportedOperation", "PermissionDenied", "Uploaded", "UploadFailure", "Uploading",
]  # fmt: skip
SignedFirmwareStatus = Literal[
    "Downloaded", "DownloadFailed", "Downloading", "DownloadScheduled", "DownloadPaused", "Idle", "InstallationFailed",
    "Installing", "Installed", "InstallRebooting", "InstallScheduled", "InstallVerificationFailed", "InvalidSignature",
    "SignatureVerified",
]  # fmt: skip
ExtendedTrigger = Literal[
    "BootNotification", "LogStatusNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues",
    "SignChargePointCertificate", "StatusNotification",
]  # fmt: skip

_TYPES = {wire: canonical for canonical, wire in ROOTS.items()}
STATION_CERTIFICATE = "ChargingStationCertificate"


class CertificateHashData(Wire, frozen=True):
    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: Text128
    issuer_key_hash: Text128
    serial_number: Text40


class CertificateSigned(Wire, frozen=True):
    certificate_chain: Text10000


class DeleteCertificate(Wire, frozen=True):
    certificate_hash_data: CertificateHashData


class DeleteCertificateResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed", "NotFound"]


class ExtendedTriggerMessage(Wire, frozen=True):
    requested_message: ExtendedTrigger
    connector_id: Number | UnsetType = UNSET


class ExtendedTriggerMessageResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]


class GetInstalledCertificateIds(Wire, frozen=True):
    certificate_type: CertificateUse


class GetInstalledCertificateIdsResponse(Wire, frozen=True):
    status: Literal["Accepted", "NotFound"]
    certificate_hash_data: Annotated[list[CertificateHashData], Meta(min_length=1)] | UnsetType = UNSET


class LogParameters(Wire, frozen=True):
    remote_location: Text512
    oldest_timestamp: Time | UnsetType = UNSET
    latest_timestamp: Time | UnsetType = UNSET


class GetLog(Wire, frozen=True):
    log: LogParameters
    log_type: Literal["DiagnosticsLog", "SecurityLog"]
    request_id: Number
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


class GetLogResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled"]
    filename: Text255 | UnsetType = UNSET


class InstallCertificate(Wire, frozen=True):
    certificate_type: CertificateUse
    certificate: Text5500


class InstallCertificateResponse(Wire, frozen=True):
    status: Literal["Accepted", "Failed", "Rejected"]


class LogStatusNotification(Wire, frozen=True):
    status: UploadStatus
    request_id: Number | UnsetType = UNSET


class SecurityEventNotification(Wire, frozen=True):
    type: Text50
    timestamp: Time
    tech_info: Text255 | UnsetType = UNSET


class SignCertificate(Wire, frozen=True):
    csr: Text5500


class SignedFirmwareStatusNotification(Wire, frozen=True):
    status: SignedFirmwareStatus
    request_id: Number | UnsetType = UNSET


class Firmware(Wire, frozen=True):
    location: Text512
    retrieve_date_time: Time
    signing_certificate: Text5500
    signature: Text800
    install_date_time: Time | UnsetType = UNSET


class SignedUpdateFirmware(Wire, frozen=True):
    request_id: Number
    firmware: Firmware
    retries: Number | UnsetType = UNSET
    retry_interval: Number | UnsetType = UNSET


class SignedUpdateFirmwareResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"]


FROM_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "LogStatusNotification": (LogStatusNotification, Empty),
    "SecurityEventNotification": (SecurityEventNotification, Empty),
    "SignCertificate": (SignCertificate, StatusResponse),
    "SignedFirmwareStatusNotification": (SignedFirmwareStatusNotification, Empty),
}
TO_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    "CertificateSigned": (CertificateSigned, StatusResponse),
    "DeleteCertificate": (DeleteCertificate, DeleteCertificateResponse),
    "ExtendedTriggerMessage": (ExtendedTriggerMessage, ExtendedTriggerMessageResponse),
    "GetInstalledCertificateIds": (GetInstalledCertificateIds, GetInstalledCertificateIdsResponse),
    "GetLog": (GetLog, GetLogResponse),
    "InstallCertificate": (InstallCertificate, InstallCertificateResponse),
    "SignedUpdateFirmware": (SignedUpdateFirmware, SignedUpdateFirmwareResponse),
}


# -- what a station says ---------------------------------------------------------------------------------------------------


def _maybe(value: Any) -> Any:
    return None if value is UNSET else value


def _security_event(x: SecurityEventNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.SecurityEvent:
    at, _ = utc(x.timestamp, asker.now(), ())
    return s.SecurityEvent(x.type, at, _maybe(x.tech_info))


READERS: dict[str, Callable[[Any, Asker, tuple[str, ...], bytes], Any]] = {
    "SecurityEventNotification": _security_event,
    "LogStatusNotification": lambda x, asker, flags, payload: s.LogStatus(x.status, _maybe(x.request_id)),
    "SignCertificate": lambda x, asker, flags, payload: CsrReceived(x.csr, STATION_CERTIFICATE),
    "SignedFirmwareStatusNotification": lambda x, asker, flags, payload: s.FirmwareStatus(x.status, _maybe(x.request_id)),
}
WRITERS: dict[type, Callable[[Any], Wire]] = {CsrReply: lambda x: StatusResponse(status=x.status)}


# -- answers ---------------------------------------------------------------------------------------------------------------


def _installed(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    kind = _TYPES.get(msgspec.json.decode(request).get("certificateType"), "")
    listed = answer.get("certificateHashData")
    found = [
        {"type": kind, "hash": told, "children": []}
        for told in (_told_hash(item) for item in (listed if isinstance(listed, list) else ()))
        if told is not None
    ]
    return CommandResult(status, {"certificates": found})


def _told_hash(item: Any) -> dict[str, str] | None:
    if not isinstance(item, dict):
        return None
    told = {name: item.get(wire) for name, wire in HASH_FIELDS.items()}
    return {name: str(value) for name, value in told.items()} if all(isinstance(v, str) for v in told.values()) else None


def _log_file(status: str, request: bytes, answer: Mapping[str, Any]) -> CommandResult:
    name = answer.get("filename")
    return CommandResult(status, {"file_name": name} if isinstance(name, str) and name else {})


ANSWERS: dict[str, Callable[[str, bytes, Mapping[str, Any]], CommandResult]] = {
    "GetInstalledCertificateIds": _installed,
    "GetLog": _log_file,
}


def write_answer(action: str, result: CommandResult) -> dict[str, Any]:
    """A result in the words of the extension."""
    answer: dict[str, Any] = {"status": result.status}
    if action == "GetInstalledCertificateIds":
        listed = [
            {wire: item["hash"][name] for name, wire in HASH_FIELDS.items()} for item in result.data.get("certificates", ())
        ]
        if listed:
            answer["certificateHashData"] = listed
    elif action == "GetLog" and result.data.get("file_name"):
        answer["filename"] = result.data["file_name"]
    return answer
