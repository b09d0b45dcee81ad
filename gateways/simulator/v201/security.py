"""Certificates, firmware and logs of a 2.0.1 station (blocks A, L, M and N01), and its security events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator.certificates import readable
from gateways.simulator.clock import read_time, wire_time
from gateways.simulator.link import Answer

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
STATION, V2G = "ChargingStationCertificate", "V2GCertificate"


def _status(word: str, reason: str | None = None) -> Answer:
    return Answer({"status": word} if reason is None else {"status": word, "statusInfo": {"reasonCode": reason}})


async def sign_certificate(station: Station201, kind: str | None) -> str:
    """Ask for a certificate (None: one for both uses): a new key pair, its CSR, and the central system's word on it."""
    organization = station.model.get("SecurityCtrlr", "OrganizationName")
    csr = station.keys.request(kind or STATION, station.settings.identity, organization)
    payload: Payload = {"csr": csr}
    if kind is not None:
        payload["certificateType"] = kind
    return str((await station.say("SignCertificate", payload)).get("status", "Rejected"))


async def security_event(station: Station201, kind: str, info: str = "") -> None:
    event: Payload = {"type": kind, "timestamp": wire_time(station.clock.now())}
    if info:
        event["techInfo"] = info[:255]
    await station.report("SecurityEventNotification", event)


# -- certificates ----------------------------------------------------------------------------------------------


def _certificate_signed(station: Station201, payload: Payload) -> Answer:
    kind = payload.get("certificateType") or STATION
    if not station.keys.accept(kind, payload["certificateChain"]):
        return Answer(
            {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidCertificate"}},
            partial(security_event, station, "InvalidChargingStationCertificate"),
        )
    if kind != STATION:
        return _status("Accepted")
    return Answer({"status": "Accepted"}, partial(station.take_certificate, station.keys.identity(kind)))


def _install(station: Station201, payload: Payload) -> Answer:
    status = station.keys.install(payload["certificateType"], payload["certificate"])
    return _status(status, {"Rejected": "InvalidCertificate", "Failed": "OutOfStorage"}.get(status))


def _delete(station: Station201, payload: Payload) -> Answer:
    return _status(station.keys.delete(payload["certificateHashData"]))


def _installed(station: Station201, payload: Payload) -> Answer:
    found = []
    for held, data in station.keys.ids(payload.get("certificateType")):
        entry: Payload = {"certificateType": held.kind, "certificateHashData": data}
        if held.children:
            entry["childCertificateHashData"] = [station.keys.hash_data(child) for child in held.children][:4]
        found.append(entry)
    return Answer({"status": "Accepted", "certificateHashDataChain": found} if found else {"status": "NotFound"})


# -- firmware --------------------------------------------------------------------------------------------------


def _update(station: Station201, payload: Payload) -> Answer:
    firmware, request_id = payload["firmware"], int(payload["requestId"])
    certificate = firmware.get("signingCertificate")
    if certificate is not None and not readable(certificate):
        return Answer({"status": "InvalidCertificate"}, partial(security_event, station, "InvalidFirmwareSigningCertificate"))
    install = firmware.get("installDateTime")
    status = station.updater.begin(
        firmware["location"],
        partial(_tell_firmware, station, request_id),
        signed=certificate is not None and firmware.get("signature") is not None,
        scheduled=True,
        retrieve=read_time(firmware["retrieveDateTime"]),
        install=read_time(install) if install else None,
        retries=int(payload.get("retries") or 0),
        request_id=request_id,
    )
    return _status(status, "FwUpdateInProgress" if status == "Rejected" else None)


async def _tell_firmware(station: Station201, request_id: int, status: str) -> None:
    await station.report("FirmwareStatusNotification", {"status": status, "requestId": request_id})
    if status == "InvalidSignature":
        await security_event(station, "InvalidFirmwareSignature")


def _publish(station: Station201, payload: Payload) -> Answer:
    return _status(station.publisher.begin(payload["location"], payload["checksum"], int(payload["requestId"])))


def _unpublish(station: Station201, payload: Payload) -> Answer:
    return _status(station.publisher.end(payload["checksum"]))


# -- logs ------------------------------------------------------------------------------------------------------


def _get_log(station: Station201, payload: Payload) -> Answer:
    request_id, before = int(payload["requestId"]), station.uploader.request_id
    status = station.uploader.begin(
        payload["log"]["remoteLocation"], partial(_tell_log, station, request_id), failure="UploadFailure", request_id=request_id
    )
    name = f"{station.settings.identity}-{payload['logType']}-{request_id}.log"[:255]
    canceled = None
    if status == "AcceptedCanceled" and before is not None:
        canceled = partial(_tell_log, station, before, "AcceptedCanceled")
    return Answer({"status": status, "filename": name}, canceled)


async def _tell_log(station: Station201, request_id: int, status: str) -> None:
    await station.report("LogStatusNotification", {"status": status, "requestId": request_id})


def _set_network_profile(station: Station201, payload: Payload) -> Answer:
    status = station.network.store(int(payload["configurationSlot"]), payload["connectionData"], station.security_profile)
    return _status(status)


COMMANDS: dict[str, Callable[[Station201, Payload], Answer]] = {
    "CertificateSigned": _certificate_signed,
    "DeleteCertificate": _delete,
    "GetInstalledCertificateIds": _installed,
    "GetLog": _get_log,
    "InstallCertificate": _install,
    "PublishFirmware": _publish,
    "SetNetworkProfile": _set_network_profile,
    "UnpublishFirmware": _unpublish,
    "UpdateFirmware": _update,
}
