"""The security extension of OCPP 1.6: all eleven messages, passwords and profiles, in the words of a 1.6 station."""

from typing import Any

import pytest
from cryptography import x509

from tests.kits import pki
from tests.protocol.conformance.kit import ACCEPTED, PASSWORD, TENANT, CallError, Csms, Station, case, now
from tests.protocol.conformance.test_a_security import certificates, refused
from tests.protocol.conformance.test_l_firmware import SIGNATURE, SIGNER, history, security
from tests.protocol.conformance.test_m_certificates import HASH, hex_of, installed, wire_hash
from tests.protocol.conformance.test_n_diagnostics import log, logs, uploads

V16 = "ocpp1.6"
ROOTS = {"CentralSystemRootCertificate": "CSMSRootCertificate", "ManufacturerRootCertificate": "ManufacturerRootCertificate"}
"""Words of 1.6 -> ours."""


@case("16_SecurityEventNotification")
async def test_a_security_event_is_kept_once_however_often_it_is_told(csms: Csms) -> None:
    async with csms.station(V16) as station:
        event = {"type": "TamperDetectionActivated", "timestamp": now(), "techInfo": "door"}
        for _ in range(2):
            assert await station.call("SecurityEventNotification", event) == {}
        assert await station.call("SecurityEventNotification", {"type": "com.example.Odd", "timestamp": now()}) == {}
        book = await csms.until(lambda: station.book("security"), lambda rows: len(rows) == 2)
        told = [(row["type"], row["critical"], row["tech_info"]) for _, row in sorted(book.items())]
        assert told == [("TamperDetectionActivated", True, "door"), ("com.example.Odd", False, None)]
        with pytest.raises(CallError) as wrong:
            await station.raw("SecurityEventNotification", {"type": "x"})
        assert wrong.value.code in ("OccurenceConstraintViolation", "FormationViolation", "ProtocolError")


@case("16_GetLog", "16_LogStatusNotification")
@pytest.mark.parametrize("type", ["DiagnosticsLog", "SecurityLog"])
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "AcceptedCanceled"])
async def test_a_log_is_fetched(csms: Csms, type: str, status: str) -> None:
    answer = {"status": status} | ({"filename": "log.zip"} if status != "Rejected" else {})
    async with csms.station(V16, answers={"GetLog": answer}) as station:
        payload = log(601, type)
        told = await station.command("GetLog", payload)
        assert told["result"] == answer
        assert station.said("GetLog") == [payload]
        if status == "Rejected":
            assert await logs(station, 1) == [("Rejected", 601)]
            return
        await uploads(station, 601, "Uploading", "PermissionDenied")
        assert await logs(station, 3) == [(status, 601), ("Uploading", 601), ("PermissionDenied", 601)]


def update(request_id: int) -> dict[str, Any]:
    firmware = {
        "location": "https://firmware.example/16.bin", "retrieveDateTime": "2026-03-01T00:00:00Z",
        "installDateTime": "2026-03-02T00:00:00Z", "signingCertificate": SIGNER.pem, "signature": SIGNATURE,
    }  # fmt: skip
    return {"requestId": request_id, "retries": 2, "retryInterval": 60, "firmware": firmware}


@case("16_SignedUpdateFirmware", "16_SignedFirmwareStatusNotification")
async def test_signed_firmware_is_offered_and_its_progress_kept(csms: Csms) -> None:
    steps = ("DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled", "InstallRebooting")
    async with csms.station(V16, answers={"SignedUpdateFirmware": ACCEPTED}) as station:
        told = await station.command("SignedUpdateFirmware", update(602))
        assert told["result"] == ACCEPTED
        assert station.said("SignedUpdateFirmware") == [update(602)]
        for status in (*steps, "Installed"):
            payload = {"status": status, "requestId": 602}
            assert await station.call("SignedFirmwareStatusNotification", payload) == {}
        assert await history(station, 8) == [("Accepted", 602), *((step, 602) for step in (*steps, "Installed"))]


@case("16_SignedUpdateFirmware", "16_SignedFirmwareStatusNotification")
@pytest.mark.parametrize("status", ["Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"])
async def test_each_answer_to_signed_firmware_is_told(csms: Csms, status: str) -> None:
    async with csms.station(V16, answers={"SignedUpdateFirmware": {"status": status}}) as station:
        told = await station.command("SignedUpdateFirmware", update(603))
        assert told["result"] == {"status": status}
        assert await history(station, 1) == [(status, 603)]


@case("16_SignedFirmwareStatusNotification")
async def test_a_wrong_signature_is_a_status_and_a_security_event(csms: Csms) -> None:
    async with csms.station(V16, answers={"SignedUpdateFirmware": ACCEPTED}) as station:
        told = await station.command("UpdateFirmware", update(604), "ocpp2.0.1")
        assert (told["sent_action"], told["translated"], told["lost"]) == ("SignedUpdateFirmware", True, [])
        assert station.said("SignedUpdateFirmware") == [update(604)]
        await station.call("SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 604})
        await security(station, "InvalidFirmwareSignature")
        assert await history(station, 2) == [("Accepted", 604), ("InvalidSignature", 604)]


TRIGGERED = {
    "BootNotification": {"chargePointVendor": "Conf", "chargePointModel": "One"},
    "LogStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Heartbeat": {},
    "MeterValues": {"connectorId": 1, "meterValue": [{"timestamp": now(), "sampledValue": [{"value": "5"}]}]},
    "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
}


@case("16_ExtendedTriggerMessage")
@pytest.mark.parametrize("message", list(TRIGGERED))
async def test_a_message_is_triggered_and_taken(csms: Csms, message: str) -> None:
    async with csms.station(V16, answers={"ExtendedTriggerMessage": ACCEPTED}) as station:
        payload = {"requestedMessage": message} | ({"connectorId": 1} if message in ("MeterValues", "StatusNotification") else {})
        told = await station.command("ExtendedTriggerMessage", payload)
        assert told["result"] == ACCEPTED
        assert station.said("ExtendedTriggerMessage") == [payload]
        action = "SignedFirmwareStatusNotification" if message == "FirmwareStatusNotification" else message
        await station.call(action, TRIGGERED[message])


@case("16_ExtendedTriggerMessage")
@pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
async def test_a_trigger_that_is_refused_is_told_as_such(csms: Csms, status: str) -> None:
    async with csms.station(V16, answers={"ExtendedTriggerMessage": {"status": status}}) as station:
        told = await station.command("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        assert told["result"] == {"status": status}


@case("16_InstallCertificate")
@pytest.mark.parametrize("status", ["Accepted", "Failed", "Rejected"])
@pytest.mark.parametrize("type", list(ROOTS))
async def test_a_root_is_installed(csms: Csms, type: str, status: str) -> None:
    async with csms.station(V16, answers={"InstallCertificate": {"status": status}}) as station:
        root = pki.Ca(f"{type} of 1.6")
        told = await station.command("InstallCertificate", {"certificateType": type, "certificate": root.pem})
        assert told["result"] == {"status": status}
        (heard,) = station.said("InstallCertificate")
        assert heard["certificateType"] == type
        assert x509.load_pem_x509_certificate(heard["certificate"].encode()) == root.certificate
        rows = await installed(station, *([ROOTS[type]] if status == "Accepted" else []))
        if rows:
            expected = wire_hash(root.certificate, root.certificate)
            assert hex_of(rows[0]["hash"]) == tuple(value.lower() for value in expected.values())


@case("16_GetInstalledCertificateIds", "16_DeleteCertificate")
@pytest.mark.parametrize("status", ["Accepted", "Failed", "NotFound"])
async def test_what_a_station_has_is_read_and_deleted(csms: Csms, status: str) -> None:
    def has(payload: dict[str, Any]) -> dict[str, Any]:
        mine = payload["certificateType"] == "ManufacturerRootCertificate"
        return {"status": "Accepted", "certificateHashData": [HASH]} if mine else {"status": "NotFound"}

    async with csms.station(V16, answers={"GetInstalledCertificateIds": has, "DeleteCertificate": {"status": status}}) as station:
        for type, expected in (("CentralSystemRootCertificate", None), ("ManufacturerRootCertificate", [HASH])):
            told = await station.command("GetInstalledCertificateIds", {"certificateType": type})
            assert told["result"].get("certificateHashData") == expected
        assert [one["certificateType"] for one in station.said("GetInstalledCertificateIds")] == list(ROOTS)
        await installed(station, "ManufacturerRootCertificate")
        told = await station.command("DeleteCertificate", {"certificateHashData": HASH})
        assert told["result"] == {"status": status}
        assert station.said("DeleteCertificate") == [{"certificateHashData": HASH}]
        await installed(station, *(["ManufacturerRootCertificate"] if status == "Failed" else []))


# -- certificates, passwords, profiles -------------------------------------------------------------------------------------


async def signed(station: Station) -> pki.Leaf:
    csr, key = pki.csr(station.identity)
    assert await station.call("SignCertificate", {"csr": csr}) == ACCEPTED
    told = await station.hears("CertificateSigned")
    assert set(told) == {"certificateChain"}
    leaf, *_ = chain = x509.load_pem_x509_certificates(told["certificateChain"].encode())
    pem = await station.csms.api.get(f"/tenants/{TENANT}/authority/certificate")
    issuing, root = x509.load_pem_x509_certificates(pem.content)
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    assert chain[1] == issuing
    return pki.Leaf(leaf, key)


@case("16_SignCertificate", "16_CertificateSigned", "16_ExtendedTriggerMessage", "16_SecurityProfile")
async def test_a_station_gets_a_certificate_and_rises_to_profile_3_with_it(csms: Csms) -> None:
    answers = {"ExtendedTriggerMessage": ACCEPTED, "CertificateSigned": ACCEPTED, "ChangeConfiguration": ACCEPTED}
    body = {"auth": {"profile": 2, "password": PASSWORD}}
    async with csms.station(V16, tls=csms.tls(), answers=answers, **body) as station:
        too_early = await csms.api.post(f"{station.path}/auth/profile", json={"profile": 3})
        assert too_early.status_code == 409, "it needs a certificate first"
        assert (await csms.api.post(f"{station.path}/certificates/renew")).status_code == 202
        assert await station.hears("ExtendedTriggerMessage") == {"requestedMessage": "SignChargePointCertificate"}
        leaf = await signed(station)
        await csms.until(lambda: certificates(station), lambda rows: [row["status"] for row in rows] == ["accepted"])
        assert (await csms.api.post(f"{station.path}/auth/profile", json={"profile": 3})).status_code == 202
        assert await station.hears("ChangeConfiguration") == {"key": "SecurityProfile", "value": "3"}
        identity = station.identity
    async with csms.connected(identity, V16, password=None, tls=csms.tls(leaf)) as again:
        assert (await again.boot())["status"] == "Accepted"
        await csms.until(again.get, lambda row: row["auth"]["profile"] == 3)
        assert await refused(csms, identity, protocol=V16, tls=csms.tls()) == 401, "never again with a password"
        (row,) = await certificates(again)
        revoked = await csms.api.post(f"{again.path}/certificates/revoke", json={"fingerprint": row["fingerprint"]})
        assert revoked.status_code == 204, revoked.text
        await csms.until(again.get, lambda row: row["connection"]["state"] == "offline")
    assert await refused(csms, identity, protocol=V16, password=None, tls=csms.tls(leaf)) == 401


@case("16_SignCertificate")
async def test_a_request_that_is_not_the_stations_is_refused(csms: Csms) -> None:
    async with csms.station(V16) as station:
        for csr in (pki.csr("SOMEBODY-ELSE")[0], "-----BEGIN CERTIFICATE REQUEST-----"):
            assert await station.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
        assert await station.get("certificates") == []


@case("16_CertificateSigned")
async def test_a_certificate_that_the_station_does_not_take_is_known_as_rejected(csms: Csms) -> None:
    async with csms.station(V16, answers={"CertificateSigned": {"status": "Rejected"}}) as station:
        await signed(station)
        await security(station, "InvalidChargePointCertificate")
        await csms.until(lambda: certificates(station), lambda rows: [row["status"] for row in rows] == ["rejected"])


@case("16_AuthorizationKey")
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_a_new_password_is_the_only_one_once_it_was_accepted(csms: Csms, status: str) -> None:
    async with csms.station(V16, answers={"ChangeConfiguration": {"status": status}}) as station:
        assert (await csms.api.post(f"{station.path}/auth/rotate")).json() == {"status": status}
        (change,) = station.said("ChangeConfiguration")
        assert change["key"] == "AuthorizationKey"
        new = bytes.fromhex(change["value"]).decode()
        assert 16 <= len(new) <= 40
        trace = str(await station.get("messages", limit=100))
        assert change["value"] not in trace
        assert new not in trace
        identity = station.identity
    good, bad = (new, PASSWORD) if status == "Accepted" else (PASSWORD, new)
    assert await refused(csms, identity, protocol=V16, password=bad) == 401
    async with csms.connected(identity, V16, password=good) as again:
        assert (await again.boot())["status"] == "Accepted"


@case("16_SecurityProfile")
async def test_a_station_rises_to_profile_2_by_one_key(csms: Csms) -> None:
    async with csms.station(V16, answers={"ChangeConfiguration": ACCEPTED}) as station:
        assert (await csms.api.post(f"{station.path}/auth/profile", json={"profile": 2})).status_code == 202
        assert await station.hears("ChangeConfiguration") == {"key": "SecurityProfile", "value": "2"}
        identity = station.identity
    async with csms.connected(identity, V16, tls=csms.tls()) as again:
        assert (await again.boot())["status"] == "Accepted"
        await csms.until(again.get, lambda row: row["auth"]["profile"] == 2)
        lower = await again.try_command("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"})
        assert lower.status_code == 409
    assert await refused(csms, identity, protocol=V16) == 401
