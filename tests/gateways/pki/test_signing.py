"""A station's certificate from its request to the connection that it opens: 1.6 on real sockets, our own CA, real TLS."""

import subprocess
from base64 import encodebytes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from actors.authority.messages import Ensure, Trust
from actors.certificates.messages import Ordered, RaiseProfile, RenewNow, RevokeIssued
from actors.model.ids import CERTIFICATES, authority_address, sibling_address, station_address
from actors.model.rows import BookRow
from actors.station.messages import Register
from gateways.ocpp.tls import StationTls
from storage.cards import Cards
from tests.gateways.ocpp.node import TENANT, Node, Station, connect, open_node, small_limits, upgrade
from tests.kits import pki

KEEPER = sibling_address(TENANT, CERTIFICATES, "CP2")
CPO = "Acme Charging"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "SN-7"}


class House:
    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self.folder = folder

    def client(self, leaf: pki.Leaf | None = None) -> Any:
        return pki.client(self.folder / "server-root.pem", leaf, self.folder)

    async def station(self, leaf: pki.Leaf | None = None, **options: Any) -> Station:
        station = await connect(self.node, "CP2", tls=self.client(leaf), **options)
        assert (await station.call("BootNotification", BOOT))["status"] == "Accepted"
        return station

    def book(self) -> list[dict[str, Any]]:
        return [row.body for row in self.node.rows.table(BookRow) if row.book == "certificate"]

    def issued(self, status: str) -> list[dict[str, Any]]:
        return [body for body in self.book() if body["kind"] == "issued" and body["status"] == status]


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[House]:
    cards = Cards()
    tls = StationTls([pki.server(tmp_path)], cards)
    async with open_node(tls=tls, ready=False, cards=cards, limits=small_limits()) as node:
        await node.create_tenant(cpo_name=CPO)
        await node.register("CP2", profile=2)
        with trio.fail_after(60):
            yield House(node, tmp_path)


async def answer(station: Station, action: str, reply: dict[str, Any]) -> dict[str, Any]:
    """The payload of the next CALL, which is of `action`."""
    call = await station.message()
    assert call[0] == 2, call
    assert call[2] == action, call
    await station.send(msgspec.json.encode([3, call[1], reply]))
    payload: dict[str, Any] = call[3]
    return payload


async def until(condition: Any) -> None:
    while not condition():
        await trio.sleep(0.01)


async def certified(h: House, station: Station, key: Any = None) -> pki.Leaf:
    request, key = pki.csr("SN-7", CPO, key=key)
    assert await station.call("SignCertificate", {"csr": request}) == {"status": "Accepted"}
    signed = await answer(station, "CertificateSigned", {"status": "Accepted"})
    chain = x509.load_pem_x509_certificates(signed["certificateChain"].encode())
    await until(lambda: any(int(body["serial"], 16) == chain[0].serial_number for body in h.issued("accepted")))
    return pki.Leaf(chain[0], key)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_a_request_becomes_a_certificate_with_which_the_station_rises_to_profile_3(tmp_path: Path, kind: str) -> None:
    async with house(tmp_path) as h:
        station = await h.station()
        leaf = await certified(h, station, pki.rsa_key() if kind == "rsa" else None)
        material = await h.node.ask(authority_address(TENANT), Ensure())
        issuing, root = (x509.load_pem_x509_certificate(pem.encode()) for pem in material.chain)
        leaf.certificate.verify_directly_issued_by(issuing)
        issuing.verify_directly_issued_by(root)
        usage = leaf.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert leaf.certificate.subject.rfc4514_string() == f"O={CPO},CN=SN-7"

        order = RaiseProfile(3, "ocpp1.6", "op", current=2)
        assert isinstance(await h.node.ask(KEEPER, order), Ordered)
        change = await answer(station, "ChangeConfiguration", {"status": "Accepted"})
        assert change == {"key": "SecurityProfile", "value": "3"}
        await station.aclose()

        again = await h.station()  # the password is still good: who knows whether the station did it
        await again.aclose()
        await (await h.station(leaf, auth="")).aclose()
        await until(lambda: h.node.cards.station(TENANT, "CP2").profile == 3)
        _, response = await upgrade(h.node, "CP2", tls=h.client())
        assert response.status == 401, "never again a lower profile"
        await (await h.station(leaf, auth="")).aclose()


async def test_a_request_that_comes_twice_gets_the_same_certificate(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        station = await h.station()
        request, _ = pki.csr("SN-7", CPO)
        for _ in range(3):
            assert await station.call("SignCertificate", {"csr": request}) == {"status": "Accepted"}
        first = await answer(station, "CertificateSigned", {"status": "Rejected"})
        await until(lambda: h.issued("rejected"))
        assert await station.call("SignCertificate", {"csr": request}) == {"status": "Accepted"}, "asked again after a no"
        second = await answer(station, "CertificateSigned", {"status": "Accepted"})
        assert first != second
        await until(lambda: h.issued("accepted"))
        assert len(h.book()) == 3, "two issued, one request"


BAD = {
    "is not the station's": lambda: pki.csr("SN-8", CPO),
    "not the operator's name": lambda: pki.csr("SN-7", "Somebody"),
    "no O": lambda: pki.csr("SN-7", None),
    "too short": lambda: pki.csr("SN-7", CPO, key=pki.rsa_key(1024)),
    "a short curve": lambda: pki.csr("SN-7", CPO, key=ec.generate_private_key(ec.SECP192R1())),
    "sha1": lambda: (_by_openssl("-newkey", "rsa:2048", "-sha1"), None),
    "no request": lambda: ("-----BEGIN NOTHING-----", None),
    "cut": lambda: (pki.csr("SN-7", CPO)[0][:200], None),
    "forged": lambda: (_forged(), None),
}


def _by_openssl(*options: str) -> str:
    """What the library itself does not make."""
    command = ["openssl", "req", "-new", "-nodes", "-keyout", "/dev/null", "-subj", f"/O={CPO}/CN=SN-7", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _forged() -> str:
    """The signature of another request under this one's content."""
    one = x509.load_pem_x509_csr(pki.csr("SN-7", CPO)[0].encode())
    der = bytearray(one.public_bytes(Encoding.DER))
    der[der.index(b"SN-7") + 3] ^= 1
    return "-----BEGIN CERTIFICATE REQUEST-----\n" + encodebytes(der).decode() + "-----END CERTIFICATE REQUEST-----\n"


@pytest.mark.parametrize("reason", sorted(BAD))
async def test_a_bad_request_is_refused_at_once_and_is_a_security_event(tmp_path: Path, reason: str) -> None:
    async with house(tmp_path) as h:
        station = await h.station()
        request, _ = BAD[reason]()
        assert await station.call("SignCertificate", {"csr": request}) == {"status": "Rejected"}
        events = [event for event in h.node.rows.events if event.kind == "station.security"]
        assert [event.body["type"] for event in events] == ["CsrRefused"]
        assert not h.book()
        (answered,) = [
            row for row in h.node.traces("CP2") if row.action == "SignCertificate" and row.message_type == "CALLRESULT"
        ]
        assert answered.error == events[0].body["detail"], "the trace says why"
        await certified(h, station)  # a good one is served all the same


async def test_renewal_replaces_the_certificate_and_revocation_closes_the_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        station = await h.station()
        old = await certified(h, station)
        assert isinstance(await h.node.ask(KEEPER, RenewNow("op")), Ordered)
        asked = await answer(station, "ExtendedTriggerMessage", {"status": "Accepted"})
        assert asked == {"requestedMessage": "SignChargePointCertificate"}
        new = await certified(h, station)
        (replaced,) = h.issued("replaced")
        assert int(replaced["serial"], 16) == old.certificate.serial_number

        await h.node.register("CP2", profile=3)
        live = await h.station(new, auth="")
        (in_use,) = h.issued("accepted")
        await h.node.ask(KEEPER, RevokeIssued(in_use["fingerprint"], "lost", "op"))
        assert await live.closed() == (1008, "the certificate was revoked")
        _, response = await upgrade(h.node, "CP2", tls=h.client(new), auth="")
        assert response.status == 401


async def test_an_expired_certificate_is_let_in_as_pending_to_renew_it_where_the_tenant_says_so(tmp_path: Path) -> None:
    cards = Cards()
    tls = StationTls([pki.server(tmp_path)], cards)
    async with open_node(tls=tls, ready=False, cards=cards, limits=small_limits()) as node:
        await node.create_tenant(expired_certificates="pending")
        await node.register("CP2", profile=3)
        h = House(node, tmp_path)
        with trio.fail_after(60):
            ca = pki.Ca("factory")
            await node.ask(authority_address(TENANT), Trust("station", ca.pem, "op"))
            old = ca.issue("CP2", days=1, since=timedelta(days=3))
            station = await connect(node, "CP2", tls=h.client(old), auth="")
            assert (await station.call("BootNotification", BOOT))["status"] == "Pending"
            asked = await answer(station, "ExtendedTriggerMessage", {"status": "Accepted"})
            assert asked == {"requestedMessage": "SignChargePointCertificate"}
            new = await certified(h, station)
            fresh = await connect(node, "CP2", tls=h.client(new), auth="")
            assert (await fresh.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_a_station_with_factory_credentials_stays_pending_until_it_has_ours(
    tmp_path: Path,
) -> None:
    cards = Cards()
    tls = StationTls([pki.server(tmp_path)], cards)
    async with open_node(tls=tls, ready=False, cards=cards, limits=small_limits()) as node:
        await node.create_tenant(cpo_name=CPO)
        await node.register("CP2", profile=3)
        h = House(node, tmp_path)
        with trio.fail_after(60):
            maker = pki.Ca("maker of stations")
            await node.ask(authority_address(TENANT), Trust("factory", maker.pem, "op"))
            delivered = maker.issue("SN-7", organization="Maker")
            _, response = await upgrade(node, "CP2", tls=h.client(delivered), auth="")
            assert response.status == 401, "nobody has said which serial number it has"
            await node.ask(station_address(TENANT, "CP2"), Register(1, 3, None, False, ("ocpp1.6",), None, {}, "op", "SN-7"))
            station = await connect(node, "CP2", tls=h.client(delivered), auth="")
            assert (await station.call("BootNotification", BOOT))["status"] == "Pending"
            refused = await station.call("Authorize", {"idTag": "04A2B3C4"})
            assert refused[2] == "SecurityError"
            await answer(station, "ExtendedTriggerMessage", {"status": "Accepted"})
            own = await certified(h, station)
            fresh = await connect(node, "CP2", tls=h.client(own), auth="")
            assert (await fresh.call("BootNotification", BOOT))["status"] == "Accepted"
