"""The security extension of 1.6: certificates, logs, signed firmware, security events and the triggers for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateways.simulator.certificates import readable
from gateways.simulator.clock import read_time, wire_time
from gateways.simulator.link import Answer
from gateways.simulator.v16.triggers import triggered

if TYPE_CHECKING:
    from gateways.simulator.v16.station import Station16

Payload = dict[str, Any]
KIND = "ChargingStationCertificate"


async def sign_certificate(station: Station16) -> str:
    """Ask for a certificate: a new key pair, its CSR, and the central system's word on it."""
    csr = station.keys.request(KIND, station.settings.identity, station.configuration["CpoName"][0])
    answer = await station.say("SignCertificate", {"csr": csr})
    return str(answer.get("status", "Rejected"))


async def security_event(station: Station16, kind: str, info: str = "") -> None:
    event: Payload = {"type": kind, "timestamp": wire_time(station.clock.now())}
    if info:
        event["techInfo"] = info[:255]
    await station.say("SecurityEventNotification", event)


def _certificate_signed(station: Station16, payload: Payload) -> Answer:
    if station.keys.accept(KIND, payload["certificateChain"]):
        return Answer({"status": "Accepted"}, partial(station.take_certificate, station.keys.identity(KIND)))
    return Answer({"status": "Rejected"}, partial(security_event, station, "InvalidChargePointCertificate"))


def _install(station: Station16, payload: Payload) -> Answer:
    return Answer({"status": station.keys.install(payload["certificateType"], payload["certificate"])})


def _delete(station: Station16, payload: Payload) -> Answer:
    return Answer({"status": station.keys.delete(payload["certificateHashData"])})


def _installed(station: Station16, payload: Payload) -> Answer:
    found = [data for _, data in station.keys.ids([payload["certificateType"]])]
    return Answer({"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"})


def _get_log(station: Station16, payload: Payload) -> Answer:
    request_id = int(payload["requestId"])
    status = station.uploader.begin(
        payload["log"]["remoteLocation"],
        partial(_tell, station, "LogStatusNotification", request_id),
        failure="UploadFailure",
        request_id=request_id,
    )
    name = f"{station.settings.identity}-{payload['logType']}-{request_id}.log"
    return Answer({"status": status, "filename": name[:255]})


def _signed_update(station: Station16, payload: Payload) -> Answer:
    firmware, request_id = payload["firmware"], int(payload["requestId"])
    if not readable(firmware["signingCertificate"]):
        return Answer({"status": "InvalidCertificate"}, partial(security_event, station, "InvalidFirmwareSigningCertificate"))
    status = station.updater.begin(
        firmware["location"],
        partial(_tell, station, "SignedFirmwareStatusNotification", request_id),
        signed=True,
        scheduled=True,
        retrieve=read_time(firmware["retrieveDateTime"]),
        install=read_time(firmware["installDateTime"]) if firmware.get("installDateTime") else None,
        retries=int(payload.get("retries") or 0),
        request_id=request_id,
    )
    return Answer({"status": status})


async def _tell(station: Station16, action: str, request_id: int, status: str) -> None:
    await station.report(action, {"status": status, "requestId": request_id})
    if status == "InvalidSignature":
        await security_event(station, "InvalidFirmwareSignature")


def _extended_trigger(station: Station16, payload: Payload) -> Answer:
    wanted, number = payload["requestedMessage"], payload.get("connectorId")
    if number and not 1 <= number <= len(station.connectors):
        return Answer({"status": "Rejected"})
    concerned = station.connectors if not number else [station.connectors[number - 1]]
    if wanted == "SignChargePointCertificate":
        return Answer({"status": "Accepted"}, partial(_sign, station))
    if wanted == "LogStatusNotification":
        return Answer({"status": "Accepted"}, partial(_progress, station, wanted, station.uploader))
    if wanted == "FirmwareStatusNotification":
        return Answer({"status": "Accepted"}, partial(_progress, station, "SignedFirmwareStatusNotification", station.updater))
    if wanted in ("BootNotification", "Heartbeat", "MeterValues", "StatusNotification"):
        return Answer({"status": "Accepted"}, partial(triggered, station, wanted, concerned))
    return Answer({"status": "NotImplemented"})


async def _sign(station: Station16) -> None:
    await sign_certificate(station)


async def _progress(station: Station16, action: str, work: Any) -> None:
    status: Payload = {"status": work.status}
    if work.request_id is not None and work.status != "Idle":
        status["requestId"] = work.request_id
    await station.say(action, status)


COMMANDS: dict[str, Callable[[Station16, Payload], Answer]] = {
    "CertificateSigned": _certificate_signed,
    "DeleteCertificate": _delete,
    "ExtendedTriggerMessage": _extended_trigger,
    "GetInstalledCertificateIds": _installed,
    "GetLog": _get_log,
    "InstallCertificate": _install,
    "SignedUpdateFirmware": _signed_update,
}
