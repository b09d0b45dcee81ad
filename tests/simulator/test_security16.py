"""The security extension of a 1.6 station, and its firmware updates: what it answers and what it then tells."""

from datetime import timedelta
from typing import Any

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from gateways.simulator import limits
from tests.simulator.ca import Authority
from tests.simulator.central import Central, central_system
from tests.simulator.test_stations import running

FIRMWARE = {"location": "https://x/fw-3.0.1.bin", "retrieveDateTime": "2026-01-01T00:00:00Z", "signature": "c2lnbmVk"}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STAGE_PAUSE", 0.01)


async def told(central: Central, action: str, count: int) -> list[str]:
    return [payload["status"] for payload in await central.heard_of(action, count)]


async def test_a_station_makes_a_key_asks_for_its_certificate_and_takes_only_the_one_for_that_key() -> None:
    authority = Authority()
    async with central_system() as central, running(central, prefix="S"):
        await central.heard_of("StatusNotification")
        central.rules["SignCertificate"] = lambda _: {"status": "Accepted"}
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await central.command("S00001", "ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        csr = (await central.heard_of("SignCertificate"))[0]["csr"]
        assert x509.load_pem_x509_csr(csr.encode()).subject.rfc4514_string() == "CN=S00001,O=Voltroupe"
        expired = {"certificateChain": authority.sign(csr, days=-1)}
        assert await central.command("S00001", "CertificateSigned", expired) == {"status": "Rejected"}
        assert (await central.heard_of("SecurityEventNotification"))[0]["type"] == "InvalidChargePointCertificate"
        chain = {"certificateChain": authority.sign(csr)}
        assert await central.command("S00001", "CertificateSigned", chain) == {"status": "Accepted"}
        assert await central.command("S00001", "CertificateSigned", chain) == {"status": "Rejected"}, "that key is taken"


async def test_roots_are_installed_listed_by_their_hashes_and_deleted() -> None:
    root = Authority()
    async with central_system() as central, running(central, prefix="S"):
        await central.heard_of("StatusNotification")

        async def ask(action: str, payload: dict[str, Any]) -> Any:
            return await central.command("S00001", action, payload)

        kind = {"certificateType": "CentralSystemRootCertificate"}
        assert await ask("GetInstalledCertificateIds", kind) == {"status": "NotFound"}
        assert await ask("InstallCertificate", {**kind, "certificate": root.pem}) == {"status": "Accepted"}
        assert await ask("InstallCertificate", {**kind, "certificate": "no certificate"}) == {"status": "Rejected"}
        found = (await ask("GetInstalledCertificateIds", kind))["certificateHashData"]
        request = ocsp.OCSPRequestBuilder().add_certificate(root.root, root.root, hashes.SHA256()).build()
        assert found == [
            {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": request.issuer_name_hash.hex(),
                "issuerKeyHash": request.issuer_key_hash.hex(),
                "serialNumber": format(root.root.serial_number, "x"),
            }
        ]
        assert await ask("DeleteCertificate", {"certificateHashData": found[0]}) == {"status": "Accepted"}
        assert await ask("DeleteCertificate", {"certificateHashData": found[0]}) == {"status": "NotFound"}


async def test_a_signed_update_is_told_step_by_step_and_the_station_comes_back_with_the_new_version() -> None:
    async with central_system() as central, running(central, prefix="S"):
        await central.heard_of("StatusNotification")
        update = {"requestId": 7, "firmware": {**FIRMWARE, "signingCertificate": Authority().pem}}
        assert await central.command("S00001", "SignedUpdateFirmware", update) == {"status": "Accepted"}
        assert await told(central, "SignedFirmwareStatusNotification", 6) == [
            "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed",
        ]  # fmt: skip
        assert {payload["requestId"] for payload in central.actions("SignedFirmwareStatusNotification")} == {7}
        assert central.actions("BootNotification")[-1]["firmwareVersion"] == "3.0.1"
        bad = {"requestId": 8, "firmware": {**FIRMWARE, "signingCertificate": "nobody"}}
        assert await central.command("S00001", "SignedUpdateFirmware", bad) == {"status": "InvalidCertificate"}


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("InvalidSignature", ["Downloading", "Downloaded", "InvalidSignature"]),
        ("DownloadFailed", ["Downloading", "Downloading", "DownloadFailed"]),
        ("InstallationFailed", ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallationFailed"]),
    ],
)
async def test_a_written_failure_ends_the_update_there(written: str, steps: list[str]) -> None:
    async with central_system() as central, running(central, prefix="S"):
        await central.heard_of("StatusNotification")
        firmware = {**FIRMWARE, "location": f"{FIRMWARE['location']}#{written}", "signingCertificate": Authority().pem}
        await central.command("S00001", "SignedUpdateFirmware", {"requestId": 7, "retries": 1, "firmware": firmware})
        assert await told(central, "SignedFirmwareStatusNotification", len(steps)) == steps
        assert len(central.actions("BootNotification")) == 1


def statuses_of(central: Central, identity: str) -> list[str]:
    mine = [payload for who, _, action, payload in central.heard if who == identity and action == "FirmwareStatusNotification"]
    return [payload["status"] for payload in mine]


async def test_a_plain_update_reboots_too_and_a_share_of_a_fleets_updates_fails_by_the_seed() -> None:
    order = {"location": "http://x/y", "retrieveDate": "2026-01-01T00:00:00Z"}
    last = []
    async with central_system() as central, running(central, prefix="F", count=20, firmware_failures=0.3, seed=5) as fleet:
        await central.heard_of("StatusNotification", 20)
        for station in fleet.stations:
            await central.command(station.settings.identity, "UpdateFirmware", order)
        for station in fleet.stations:
            while True:
                heard = statuses_of(central, station.settings.identity)
                if heard and (heard[-1] == "Installed" or heard[-1].endswith("Failed")):
                    break
                await central.heard_of("FirmwareStatusNotification", len(central.actions("FirmwareStatusNotification")) + 1)
            last.append(heard[-1])
    assert 2 <= sum(status != "Installed" for status in last) <= 12
    assert len(central.actions("BootNotification")) == 20 + last.count("Installed")


async def test_logs_are_uploaded_step_by_step_and_a_newer_request_replaces_the_older() -> None:
    async with central_system() as central, running(central, prefix="S") as fleet:
        await central.heard_of("StatusNotification")
        log = {"logType": "SecurityLog", "requestId": 3, "log": {"remoteLocation": "ftp://x/y"}}
        assert (await central.command("S00001", "GetLog", log))["status"] == "Accepted"
        assert await told(central, "LogStatusNotification", 2) == ["Uploading", "Uploaded"]
        log = {"logType": "DiagnosticsLog", "requestId": 4, "log": {"remoteLocation": "ftp://x/y#PermissionDenied"}}
        assert (await central.command("S00001", "GetLog", log))["filename"] == "S00001-DiagnosticsLog-4.log"
        assert (await told(central, "LogStatusNotification", 4))[2:] == ["Uploading", "PermissionDenied"]
        uploader = fleet.stations[0].uploader  # type: ignore[attr-defined]
        with trio.fail_after(60):
            while uploader.status != "Idle":  # it has heard that we have heard
                await trio.sleep(0.01)
        status = await central.command("S00001", "ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
        assert status == {"status": "Accepted"}
        assert (await told(central, "LogStatusNotification", 5))[4] == "Idle"


async def test_a_reservation_expires_by_the_stations_clock() -> None:
    async with central_system() as central, running(central, prefix="S") as fleet:
        await central.heard_of("StatusNotification")
        (station,) = fleet.stations
        later = (station.clock.now() + timedelta(hours=1)).isoformat()
        reserve = {"connectorId": 1, "expiryDate": later, "idTag": "A", "reservationId": 3}
        assert await central.command("S00001", "ReserveNow", reserve) == {"status": "Accepted"}
        await central.heard_of("StatusNotification", 2)
        station.clock.jump(timedelta(hours=1, seconds=1))
        station.stir()
        statuses = [payload["status"] for payload in await central.heard_of("StatusNotification", 3)]
        assert statuses == ["Available", "Reserved", "Available"]


async def test_a_reading_is_sent_at_the_interval_that_was_configured_with_the_measurands_asked_for() -> None:
    async with central_system() as central, running(central, prefix="S", scenario="boot\nplug @\nstart @\n"):
        await central.heard_of("StatusNotification")
        for key, value in (("MeterValuesSampledData", "SoC,Voltage"), ("MeterValueSampleInterval", "1")):
            await central.command("S00001", "ChangeConfiguration", {"key": key, "value": value})
        readings = await central.heard_of("MeterValues", 2)
        assert {sample["measurand"] for sample in readings[-1]["meterValue"][0]["sampledValue"]} == {"SoC", "Voltage"}
