"""Block M, certificates that a station holds, and those of ISO 15118; of block A the certificates for vehicles."""

import base64
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp

from actors.model.certificate import hash_of
from tests.kits import pki
from tests.protocol.conformance.kit import ACCEPTED, Csms, Station, case
from tests.protocol.conformance.outside import serving
from tests.protocol.conformance.test_a_security import certificates, signed

ROOTS = ("CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate")
ROOT = pki.Ca("a root")
SUB = pki.Ca("a sub", ROOT)


def wire_hash(certificate: x509.Certificate, issuer: x509.Certificate) -> dict[str, str]:
    told = hash_of(certificate, issuer)
    return {
        "hashAlgorithm": told.algorithm, "issuerNameHash": told.issuer_name_hash, "issuerKeyHash": told.issuer_key_hash,
        "serialNumber": told.serial_number,
    }  # fmt: skip


HASH = wire_hash(ROOT.certificate, ROOT.certificate)
LEAF = SUB.issue("SECC")
CHAIN = {
    "certificateType": "V2GCertificateChain", "certificateHashData": wire_hash(LEAF.certificate, SUB.certificate),
    "childCertificateHashData": [wire_hash(SUB.certificate, ROOT.certificate)],
}  # fmt: skip


def held(type: str) -> dict[str, Any]:
    return CHAIN if type == "V2GCertificateChain" else {"certificateType": type, "certificateHashData": HASH}


def has(*types: str) -> Any:
    """Answers GetInstalledCertificateIds."""

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        found = [held(type) for type in types if type in payload.get("certificateType", types)]
        return {"status": "Accepted", "certificateHashDataChain": found} if found else {"status": "NotFound"}

    return answer


async def installed(station: Station, *types: str) -> list[dict[str, Any]]:
    """What our list says the station has, once it is certificates of exactly these types."""
    rows: list[dict[str, Any]] = await station.csms.until(
        lambda: certificates(station, "installed"), lambda rows: sorted(row["type"] for row in rows) == sorted(types)
    )
    return rows


def hex_of(shown: dict[str, str]) -> tuple[str, ...]:
    """A hash of the API's, in the order of the wire's."""
    return tuple(shown[name].lower() for name in ("algorithm", "issuer_name_hash", "issuer_key_hash", "serial_number"))


ASKED = {
    "TC_M_13": ["ManufacturerRootCertificate"],
    "TC_M_14": ["V2GRootCertificate"],
    "TC_M_15": ["V2GCertificateChain"],
    "TC_M_16": ["MORootCertificate"],
    "TC_M_18": None,
}


@case(*ASKED)
@pytest.mark.parametrize("id", ASKED)
async def test_a_station_says_which_certificates_it_has(csms: Csms, id: str) -> None:
    every = (*ROOTS, "V2GCertificateChain")
    async with csms.station(answers={"GetInstalledCertificateIds": has(*every)}) as station:
        types = ASKED[id]
        payload = {"certificateType": types} if types else {}
        told = await station.command("GetInstalledCertificateIds", payload)
        wanted = [held(type) for type in types or every]
        assert told["result"] == {"status": "Accepted", "certificateHashDataChain": wanted}
        assert station.said("GetInstalledCertificateIds") == [payload]
        rows = await installed(station, *(types or every))
        for row in rows:
            assert hex_of(row["hash"]) == tuple(value.lower() for value in held(row["type"])["certificateHashData"].values())
            if row["type"] == "V2GCertificateChain":
                (child,) = row["children"]
                assert hex_of(child) == tuple(value.lower() for value in CHAIN["childCertificateHashData"][0].values())


@case("TC_M_18")
async def test_the_operators_button_asks_for_every_type(csms: Csms) -> None:
    async with csms.station(answers={"GetInstalledCertificateIds": has("V2GRootCertificate")}) as station:
        assert (await csms.api.post(f"{station.path}/certificates/read")).status_code == 202
        await installed(station, "V2GRootCertificate")
        await station.hears("GetInstalledCertificateIds", 5)
        asked = {type for payload in station.said("GetInstalledCertificateIds") for type in payload["certificateType"]}
        assert asked == {*ROOTS, "V2GCertificateChain"}


@case("TC_M_19")
async def test_what_is_not_found_any_more_leaves_the_list(csms: Csms) -> None:
    found = ["MORootCertificate"]
    async with csms.station(answers={"GetInstalledCertificateIds": lambda payload: has(*found)(payload)}) as station:
        await station.command("GetInstalledCertificateIds", {"certificateType": ["MORootCertificate"]})
        await installed(station, "MORootCertificate")
        found.clear()
        told = await station.command("GetInstalledCertificateIds", {"certificateType": ["MORootCertificate"]})
        assert told["result"] == {"status": "NotFound"}
        await installed(station)


@case("TC_M_20", "TC_M_21")
@pytest.mark.parametrize("status", ["Accepted", "Failed", "NotFound"])
async def test_a_certificate_is_deleted_by_its_hash(csms: Csms, status: str) -> None:
    answers = {"GetInstalledCertificateIds": has("CSMSRootCertificate"), "DeleteCertificate": {"status": status}}
    async with csms.station(answers=answers) as station:
        await station.command("GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]})
        (row,) = await installed(station, "CSMSRootCertificate")
        answer = await csms.api.post(f"{station.path}/certificates/remove", json={"hash": row["hash"]})
        assert answer.status_code == 202, answer.text
        heard = (await station.hears("DeleteCertificate"))["certificateHashData"]
        assert {name: value.lower() for name, value in heard.items()} == {name: value.lower() for name, value in HASH.items()}
        told = await station.command("DeleteCertificate", {"certificateHashData": HASH})
        assert told["result"] == {"status": status}
        await installed(station, *(["CSMSRootCertificate"] if status == "Failed" else []))


@case("TC_M_01", "TC_M_02", "TC_M_03", "TC_M_04", "TC_M_05")
@pytest.mark.parametrize("status", ["Accepted", "Failed", "Rejected"])
@pytest.mark.parametrize("type", ROOTS)
async def test_a_root_is_installed(csms: Csms, type: str, status: str) -> None:
    async with csms.station(answers={"InstallCertificate": {"status": status}}) as station:
        root = pki.Ca(f"{type} of the test")
        body = {"type": type, "certificate": root.pem}
        assert (await csms.api.post(f"{station.path}/certificates/install", json=body)).status_code == 202
        heard = await station.hears("InstallCertificate")
        assert heard["certificateType"] == type
        assert x509.load_pem_x509_certificate(heard["certificate"].encode()) == root.certificate
        told = await station.command("InstallCertificate", {"certificateType": type, "certificate": root.pem})
        assert told["result"] == {"status": status}
        rows = await installed(station, *([type] if status == "Accepted" else []))
        if rows:
            expected = wire_hash(root.certificate, root.certificate)
            assert hex_of(rows[0]["hash"]) == tuple(value.lower() for value in expected.values())
            assert rows[0]["subject"] == root.certificate.subject.rfc4514_string()


# -- ISO 15118 -------------------------------------------------------------------------------------------------------------


@case("TC_M_24")
async def test_a_station_gets_the_responders_answer_about_a_certificate(csms: Csms) -> None:
    responder = pki.Responder(SUB)
    leaf = SUB.issue("charging for a vehicle")
    responder.issued[leaf.certificate.serial_number] = leaf.certificate
    asked: list[int] = []

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append(ocsp.load_der_ocsp_request(body).serial_number)
        return 200, responder.response(asked[-1], responder.says.get(asked[-1], "good"))

    async with csms.station() as station, serving(answer) as url:
        request = {**wire_hash(leaf.certificate, SUB.certificate), "responderURL": f"{url}/ocsp"}
        for _ in range(2):
            told = await station.call("GetCertificateStatus", {"ocspRequestData": request})
            assert told["status"] == "Accepted"
            response = ocsp.load_der_ocsp_response(base64.b64decode(told["ocspResult"]))
            assert response.serial_number == leaf.certificate.serial_number
            assert response.certificate_status == ocsp.OCSPCertStatus.GOOD
        assert asked == [leaf.certificate.serial_number], "kept until its nextUpdate (M06)"
        nobody = {**request, "serialNumber": "77", "responderURL": "http://127.0.0.1:1/ocsp"}
        assert await station.call("GetCertificateStatus", {"ocspRequestData": nobody}) == {"status": "Failed"}


@case("TC_M_26", "TC_M_28")
@pytest.mark.parametrize("action", ["Install", "Update"])
async def test_a_vehicles_contract_comes_from_the_pool(csms_with_pki: Csms, pki_ports: tuple[int, int], action: str) -> None:
    csms = csms_with_pki
    said: list[dict[str, Any]] = []

    def pool(path: str, body: bytes) -> tuple[int, bytes]:
        said.append(msgspec.json.decode(body))
        assert path == "/contracts"
        return 200, msgspec.json.encode({"exiResponse": f"answer to {said[-1]['action']}"})

    asked = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": "RVhJIG9mIGEgdmVoaWNsZQ=="}
    async with csms.station() as station:
        async with serving(pool, pki_ports[1]):
            answer = await station.call("Get15118EVCertificate", asked)
            assert answer == {"status": "Accepted", "exiResponse": f"answer to {action}"}
            assert said == [asked], "handed on as it came"
        failed = await station.call("Get15118EVCertificate", asked)
        assert failed == {"status": "Failed", "exiResponse": ""}, "the pool is away"
        assert "RVhJIG9m" not in str(await station.get("messages", limit=100)), "what a vehicle says is not kept in the trace"


class _Public:
    """A key of which only the public half is known."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def public_key(self) -> Any:
        return self._key


def est(path: str, body: bytes) -> tuple[int, bytes]:
    """A CA outside (RFC 7030): certs-only PKCS#7."""
    asked = x509.load_der_x509_csr(base64.b64decode(body))
    common = asked.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    leaf = SUB.issue(str(common), key=_Public(asked.public_key()))
    assert path == "/.well-known/est/simpleenroll"
    return 200, base64.encodebytes(pkcs7.serialize_certificates([leaf.certificate, SUB.certificate], Encoding.DER))


@case("TC_A_12", "TC_A_13")
@pytest.mark.parametrize(
    ("type", "trigger", "wire"),
    [("V2GCertificate", "SignV2GCertificate", "V2GCertificate"), ("Combined", "SignCombinedCertificate", None)],
)
async def test_a_station_gets_a_certificate_for_vehicles(
    csms_with_pki: Csms, pki_ports: tuple[int, int], type: str, trigger: str, wire: str | None
) -> None:
    answers = {"TriggerMessage": ACCEPTED, "CertificateSigned": ACCEPTED}
    async with serving(est, pki_ports[0]), csms_with_pki.station(answers=answers) as station:
        answer = await csms_with_pki.api.post(f"{station.path}/certificates/renew", json={"type": type})
        assert answer.status_code == 202, answer.text
        assert await station.hears("TriggerMessage") == {"requestedMessage": trigger}
        leaf, chain = await signed(station, wire)
        assert chain[1:] == [SUB.certificate], "with the CA under the root that vehicles have"
        (row,) = await csms_with_pki.until(lambda: certificates(station), lambda rows: rows and rows[0]["status"] == "accepted")
        assert (row["type"], int(row["serial"], 16)) == (type, leaf.certificate.serial_number)


@case("TC_A_13")
async def test_a_request_without_a_type_is_for_our_door_and_so_for_this_station_only(csms: Csms) -> None:
    """No CA for vehicles is needed for that: many stations of 2.0.1 leave the type out."""
    async with csms.station(answers={"CertificateSigned": ACCEPTED}) as station:
        csr, _ = pki.csr("SOMEBODY-ELSE")
        refused = await station.call("SignCertificate", {"csr": csr})
        assert (refused["status"], refused["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidCSR")
        leaf, _ = await signed(station, None)
        (row,) = await csms.until(lambda: certificates(station), lambda rows: rows and rows[0]["status"] == "accepted")
        assert (row["type"], int(row["serial"], 16)) == ("Combined", leaf.certificate.serial_number)
        higher = await csms.api.post(f"{station.path}/auth/profile", json={"profile": 3, "url": "wss://csms.example/ocpp"})
        assert higher.status_code == 202, "profile 3 is open to who has it"
        vehicles, _ = pki.csr(station.identity)
        refused = await station.call("SignCertificate", {"csr": vehicles, "certificateType": "V2GCertificate"})
        assert refused["status"] == "Rejected", "that needs a PKI that vehicles trust"
