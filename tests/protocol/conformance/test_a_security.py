"""Block A, security: passwords, TLS, certificates of stations, security profiles."""

import ssl
from datetime import timedelta
from typing import Any

import pytest
import websockets
from cryptography import x509

from tests.kits import pki
from tests.protocol.conformance.kit import ACCEPTED, PASSWORD, TENANT, CallError, Csms, Station, case, now

MTLS = {"profile": 3}


async def refused(csms: Csms, identity: str, **more: Any) -> int:
    """The HTTP status with which an upgrade is turned down."""
    with pytest.raises(websockets.InvalidStatus) as turned_down:
        async with csms.connected(identity, **more):
            raise AssertionError("it was let in")
    return turned_down.value.response.status_code


def settings(answer: str, into: list[str]) -> Any:
    """Answers SetVariables and keeps the values."""

    def told(payload: dict[str, Any]) -> dict[str, Any]:
        results = []
        for one in payload["setVariableData"]:
            into.append(one["attributeValue"])
            results.append({"attributeStatus": answer, "component": one["component"], "variable": one["variable"]})
        return {"setVariableResult": results}

    return told


@case("TC_A_01")
async def test_the_right_password_opens_the_door(csms: Csms) -> None:
    async with csms.station() as station:
        shown = await station.get()
        assert shown["auth"] == {"profile": 1}
        assert (shown["connection"]["state"], shown["boot"]["status"]) == ("online", "Accepted")


@case("TC_A_02")
async def test_a_user_that_is_not_the_stations_identity_is_refused(csms: Csms) -> None:
    async with csms.station() as other, csms.station(boot=False) as station:
        assert await refused(csms, station.identity, user=other.identity) == 401
        assert await refused(csms, station.identity, user=station.identity + "X") == 401
        shown = await csms.until(station.get, lambda row: row["connection"]["state"] == "online")
        assert shown["connection"]["protocol"] == station.protocol, "the connection that was there is not touched"


@case("TC_A_03")
async def test_a_wrong_password_is_refused(csms: Csms) -> None:
    async with csms.station() as station:
        identity = station.identity
    for password in ("wrong-password-0001", PASSWORD + "x", PASSWORD[:-1], "", None):
        assert await refused(csms, identity, password=password) == 401
    async with csms.connected(identity) as again:
        assert (await again.boot())["status"] == "Accepted"


@case("TC_A_04")
async def test_a_station_connects_over_tls_that_is_not_old(csms: Csms) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = csms.tls()
        context.minimum_version = context.maximum_version = version
        async with csms.station(auth={"profile": 2, "password": PASSWORD}, tls=context) as station:
            spoken = station.socket.transport.get_extra_info("ssl_object")
            assert spoken.version() == version.name.replace("_", ".")
            assert (await station.get())["auth"]["profile"] == 2
            assert await refused(csms, station.identity) == 401, "the same password over plain text"


@case("TC_A_06")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_and_weak_ciphers_are_refused(csms: Csms) -> None:
    async with csms.station(auth={"profile": 2, "password": PASSWORD}, tls=csms.tls()) as station:
        old = csms.tls()
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        weak = csms.tls()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        for context in (old, weak):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                async with csms.connected(station.identity, tls=context):
                    raise AssertionError("it was let in")
        assert "currentTime" in await station.call("Heartbeat", {}), "the station that is in notices nothing"


@case("TC_A_07")
async def test_a_client_certificate_of_a_trusted_ca_opens_the_door(csms: Csms) -> None:
    ca = await _trusted(csms, "stations of A07")
    for key in (pki.ec_key(), pki.rsa_key()):
        leaf = ca.issue("A07", key=key)
        async with csms.station(identity="A07", auth=MTLS, tls=csms.tls(leaf)) as station:
            shown = await station.get()
            assert (shown["auth"], shown["connection"]["state"]) == (MTLS, "online")


@case("TC_A_08")
async def test_an_invalid_client_certificate_does_not_open_it(csms: Csms) -> None:
    ca = await _trusted(csms, "stations of A08")
    async with csms.station(identity="A08", auth=MTLS, tls=csms.tls(ca.issue("A08"))) as station:
        assert await refused(csms, "A08", tls=csms.tls()) == 401, "a password instead of a certificate"
        assert await refused(csms, "A08", tls=csms.tls(ca.issue("A09"))) == 401, "another station's"
        expired = ca.issue("A08", days=1, since=timedelta(days=3))
        assert await refused(csms, "A08", tls=csms.tls(expired)) == 401, "an expired one"
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError, websockets.InvalidHandshake)):
            async with csms.connected("A08", tls=csms.tls(pki.Ca("a stranger").issue("A08"))):
                raise AssertionError("it was let in")
        assert await refused(csms, "A08") == 401, "no TLS at all"
        assert "currentTime" in await station.call("Heartbeat", {})


async def _trusted(csms: Csms, name: str, use: str = "station") -> pki.Ca:
    ca = pki.Ca(name)
    body = {"use": use, "certificate": ca.pem}
    answer = await csms.api.post(f"/tenants/{TENANT}/authority/trusted", json=body)
    assert answer.status_code == 201, answer.text
    return ca


@case("TC_A_09")
@pytest.mark.parametrize("by_hand", [False, True], ids=["rotated", "by hand"])
async def test_after_an_accepted_change_the_new_password_is_the_only_one(csms: Csms, by_hand: bool) -> None:
    said: list[str] = []
    async with csms.station(answers={"SetVariables": settings("Accepted", said)}) as station:
        await _change(station, by_hand, "Accepted")
        (data,) = station.said("SetVariables")[-1]["setVariableData"]
        assert (data["component"]["name"], data["variable"]["name"]) == ("SecurityCtrlr", "BasicAuthPassword")
        assert data.get("attributeType", "Actual") == "Actual"
        (new,) = said
        assert 16 <= len(new) <= 40, "what A00.FR.205 allows"
        identity = station.identity
        trace = await station.get("messages", limit=100)
        assert new not in str(trace), "no trace shows it"
        assert new not in str(await station.get("variables", limit=1000)), "nor does the device model"
    assert await refused(csms, identity) == 401
    async with csms.connected(identity, password=new) as again:
        assert (await again.boot())["status"] == "Accepted"


@case("TC_A_10")
@pytest.mark.parametrize("by_hand", [False, True], ids=["rotated", "by hand"])
async def test_after_a_rejected_change_the_old_password_stays(csms: Csms, by_hand: bool) -> None:
    said: list[str] = []
    async with csms.station(answers={"SetVariables": settings("Rejected", said)}) as station:
        await _change(station, by_hand, "Rejected")
        identity = station.identity
    (new,) = said
    assert await refused(csms, identity, password=new) == 401
    async with csms.connected(identity) as again:
        assert (await again.boot())["status"] == "Accepted"


async def _change(station: Station, by_hand: bool, expected: str) -> None:
    if not by_hand:
        answer = await station.csms.api.post(f"{station.path}/auth/rotate")
        assert answer.json() == {"status": expected}
        return
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    data = [{**where, "attributeValue": "an-operators-own-password"}]
    told = await station.command("SetVariables", {"setVariableData": data})
    assert told["result"]["setVariableResult"][0]["attributeStatus"] == expected
    assert "an-operators-own-password" not in str(told)


@case("TC_A_19")
async def test_a_station_rises_to_a_higher_profile_and_never_comes_back_in_a_lower_one(csms: Csms) -> None:
    said: list[str] = []
    answers = {"SetNetworkProfile": ACCEPTED, "SetVariables": settings("Accepted", said), "Reset": ACCEPTED}
    async with csms.station(answers=answers) as station:
        url = f"wss://localhost:{csms.node.tls_port}/ocpp/{TENANT}"
        answer = await csms.api.post(f"{station.path}/auth/profile", json={"profile": 2, "url": url, "slot": 2})
        assert answer.status_code == 202, answer.text
        await station.hears("Reset")
        (network,) = station.said("SetNetworkProfile")
        assert network["configurationSlot"] == 2
        data = network["connectionData"]
        assert (data["securityProfile"], data["ocppCsmsUrl"]) == (2, url)
        assert (data["ocppVersion"], data["ocppTransport"]) == ("OCPP20", "JSON")
        priority = station.said("SetVariables")[-1]["setVariableData"][0]
        assert priority["variable"]["name"] == "NetworkConfigurationPriority"
        assert said[-1].split(",")[0] == "2"
        assert station.said("Reset") == [{"type": "OnIdle"}]
        assert [action for action, _ in station.heard if action in answers] == list(answers), "in this order"
        identity = station.identity
    async with csms.connected(identity, tls=csms.tls()) as again:
        assert (await again.boot(reason="RemoteReset"))["status"] == "Accepted"
        assert (await csms.until(again.get, lambda row: row["auth"]["profile"] == 2))["auth"] == {"profile": 2}
    assert await refused(csms, identity) == 401
    async with csms.connected(identity, tls=csms.tls()) as again:
        lower = {**data, "securityProfile": 1, "ocppCsmsUrl": "ws://localhost/ocpp"}
        answer = await again.try_command("SetNetworkProfile", {"configurationSlot": 1, "connectionData": lower})
        assert answer.status_code == 409, "nor is it told to (A05.FR.07)"
        assert not again.said("SetNetworkProfile")


# -- the station's own certificate -----------------------------------------------------------------------------------------


async def certificates(station: Station, kind: str = "issued") -> list[dict[str, Any]]:
    return [row for row in await station.get("certificates") if row["kind"] == kind]


async def signed(station: Station, type: str | None, key: Any = None, count: int = 1) -> tuple[pki.Leaf, list[x509.Certificate]]:
    """A request of the station's, and what the CSMS sends for it: (leaf with its key, the whole chain)."""
    csr, key = pki.csr(station.identity, key=key)
    payload = {"csr": csr} | ({"certificateType": type} if type else {})
    assert await station.call("SignCertificate", payload) == {"status": "Accepted"}
    told = await station.hears("CertificateSigned", count)
    assert told.get("certificateType") == type
    chain = x509.load_pem_x509_certificates(told["certificateChain"].encode())
    assert chain[0].public_key() == key.public_key()
    return pki.Leaf(chain[0], key), chain


@case("TC_A_11")
async def test_a_station_gets_a_new_certificate_at_our_request_and_connects_with_it(csms: Csms) -> None:
    answers = {"TriggerMessage": ACCEPTED, "CertificateSigned": ACCEPTED}
    ca = await _trusted(csms, "stations of A11")
    first = ca.issue("A11")
    async with csms.station(identity="A11", auth=MTLS, tls=csms.tls(first), answers=answers) as station:
        assert (await csms.api.post(f"{station.path}/certificates/renew")).status_code == 202
        assert await station.hears("TriggerMessage") == {"requestedMessage": "SignChargingStationCertificate"}
        leaf, chain = await signed(station, "ChargingStationCertificate")
        pem = await csms.api.get(f"/tenants/{TENANT}/authority/certificate")
        issuing, root = x509.load_pem_x509_certificates(pem.content)
        issuing.verify_directly_issued_by(root)
        leaf.certificate.verify_directly_issued_by(issuing)
        assert chain[1:] in ([issuing], [issuing, root])
        (held,) = await csms.until(lambda: certificates(station), lambda rows: rows and rows[0]["status"] == "accepted")
        assert int(held["serial"], 16) == leaf.certificate.serial_number
        assert held["type"] == "ChargingStationCertificate"
    async with csms.connected("A11", tls=csms.tls(leaf), password=None, answers=answers) as again:
        assert (await again.boot(reason="ApplicationReset"))["status"] == "Accepted"
        newer, _ = await signed(again, "ChargingStationCertificate")
        await csms.until(lambda: certificates(again), lambda rows: {row["status"] for row in rows} == {"accepted", "replaced"})
    async with csms.connected("A11", tls=csms.tls(newer), password=None) as again:
        assert "currentTime" in await again.call("Heartbeat", {})


@case("TC_A_14")
async def test_a_certificate_that_the_station_does_not_take_changes_nothing(csms: Csms) -> None:
    ca = await _trusted(csms, "stations of A14")
    first = csms.tls(ca.issue("A14"))
    answers = {"TriggerMessage": ACCEPTED, "CertificateSigned": {"status": "Rejected"}}
    async with csms.station(identity="A14", auth=MTLS, tls=first, answers=answers) as station:
        assert (await csms.api.post(f"{station.path}/certificates/renew")).status_code == 202
        await station.hears("TriggerMessage")
        await signed(station, "ChargingStationCertificate")
        event = {"type": "InvalidChargingStationCertificate", "timestamp": now(), "techInfo": "wrong chain"}
        assert await station.call("SecurityEventNotification", event) == {}
        (held,) = await csms.until(lambda: certificates(station), lambda rows: rows and rows[0]["status"] != "sent")
        assert held["status"] == "rejected"
        told = (await csms.until(lambda: station.book("security"))).values()
        assert [(row["type"], row["critical"]) for row in told] == [("InvalidChargingStationCertificate", True)]
    async with csms.connected("A14", tls=first, password=None) as again:
        assert (await again.boot())["status"] == "Accepted"


# -- beyond the cases ------------------------------------------------------------------------------------------------------


CRITICAL = {
    "FirmwareUpdated": True, "FailedToAuthenticateAtCsms": False, "CsmsFailedToAuthenticate": False, "SettingSystemTime": True,
    "StartupOfTheDevice": True, "ResetOrReboot": True, "SecurityLogWasCleared": True,
    "ReconfigurationOfSecurityParameters": False, "MemoryExhaustion": True, "InvalidMessages": False,
    "AttemptedReplayAttacks": False, "TamperDetectionActivated": True, "InvalidFirmwareSignature": True,
    "InvalidFirmwareSigningCertificate": True, "InvalidCsmsCertificate": True, "InvalidChargingStationCertificate": True,
    "InvalidTLSVersion": True, "InvalidTLSCipherSuite": True, "MaintenanceLoginAccepted": True, "MaintenanceLoginFailed": True,
    "com.example.Vendor": False,
}  # fmt: skip


@case("A04_security events")
async def test_every_security_event_is_confirmed_and_kept_and_a_repeated_one_is_none(csms: Csms) -> None:
    async with csms.station() as station:
        for type in CRITICAL:
            event = {"type": type, "timestamp": now(), "techInfo": f"about {type}"}
            for _ in range(2):
                assert await station.call("SecurityEventNotification", event) == {}
        book = await csms.until(lambda: station.book("security"), lambda rows: len(rows) >= len(CRITICAL))
        told = [(row["type"], row["critical"]) for _, row in sorted(book.items())]
        assert told == list(CRITICAL.items())
        assert {row["tech_info"] for row in book.values()} == {f"about {type}" for type in CRITICAL}


async def _renews_while_pending(csms: Csms, identity: str, old: pki.Leaf) -> None:
    """It is let in for a new certificate and nothing else, gets one, and is accepted with that."""
    answers = {"TriggerMessage": ACCEPTED, "CertificateSigned": ACCEPTED}
    async with csms.station(identity=identity, auth=MTLS, tls=csms.tls(old), answers=answers, boot=False) as station:
        assert (await station.boot())["status"] == "Pending"
        with pytest.raises(CallError) as other:
            await station.call("StatusNotification", AVAILABLE | {"timestamp": now()})
        assert other.value.code == "SecurityError"
        assert await station.hears("TriggerMessage") == {"requestedMessage": "SignChargingStationCertificate"}
        leaf, _ = await signed(station, "ChargingStationCertificate")
        await csms.until(lambda: certificates(station), lambda rows: rows and rows[0]["status"] == "accepted")
    async with csms.connected(identity, password=None, tls=csms.tls(leaf)) as again:
        assert (await again.boot(reason="ApplicationReset"))["status"] == "Accepted"


@case("A00_an expired certificate is renewed")
async def test_a_station_whose_certificate_has_expired_may_come_in_for_a_new_one_only(csms: Csms) -> None:
    ca = await _trusted(csms, "stations of A00")
    expired = ca.issue("A00", days=1, since=timedelta(days=3))
    tenant = {"time_zone": "Europe/Berlin"}
    answer = await csms.api.put(f"/tenants/{TENANT}", json={**tenant, "settings": {"expired_certificates": "pending"}})
    assert answer.is_success, answer.text
    try:
        await _renews_while_pending(csms, "A00", expired)
    finally:
        assert (await csms.api.put(f"/tenants/{TENANT}", json=tenant)).is_success
    assert await refused(csms, "A00", password=None, tls=csms.tls(expired)) == 401


@case("A00_the factory's certificate is replaced")
async def test_a_station_with_its_factorys_certificate_may_come_in_for_ours_only(csms: Csms) -> None:
    factory = await _trusted(csms, "factory of A00", "factory")
    old = factory.issue("A00F", organization="Maker")
    await _renews_while_pending(csms, "A00F", old)


@case("B01_the serial number of the certificate")
async def test_a_boot_that_names_another_serial_number_than_the_certificate_ends_the_connection(csms: Csms) -> None:
    ca = await _trusted(csms, "stations of B01")
    async with csms.station(identity="B01S", auth=MTLS, tls=csms.tls(ca.issue("B01S")), boot=False) as station:
        assert (await station.boot(serialNumber="SN-B01"))["status"] == "Accepted"
    by_serial = csms.tls(ca.issue("SN-B01"))
    async with csms.connected("B01S", password=None, tls=by_serial) as again:
        assert (await again.boot(serialNumber="SN-B01"))["status"] == "Accepted"
    async with csms.connected("B01S", password=None, tls=by_serial) as impostor:
        with pytest.raises(ConnectionError):
            await impostor.boot(serialNumber="SN-OTHER")
        assert impostor.socket.close_code == 1008
        assert (await impostor.get())["boot"]["serial"] == "SN-B01"


AVAILABLE = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available"}
