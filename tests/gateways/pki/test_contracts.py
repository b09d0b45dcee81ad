"""Authorize with a contract certificate (C07), OCSP for stations (M06), contracts for vehicles (M01): over 2.0.1 and, inside
DataTransfer, over 1.6; against a responder that is not ours."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from actors.authority.messages import Revoke, Trust
from actors.model.certificate import card_of, hash_of
from actors.model.ids import authority_address
from gateways.pki import contracts
from gateways.pki import ocsp as ocsp_module
from gateways.pki.pool import ContractPool
from tests.gateways.ocpp.node import TENANT, Node, Station, connect, open_node, small_limits
from tests.kits import pki

EMAID = "DEABCC123456789"
DASHED = "DE-ABC-C12345678-9"


class Drive:
    """A vehicle with a contract, at a station of either version."""

    def __init__(self, node: Node, version: str, responder: pki.Responder, root: pki.Ca, sub: pki.Ca) -> None:
        self.node = node
        self.version = version
        self.responder = responder
        self.root = root
        self.sub = sub
        self.station: Station

    def contract(self, common: str = EMAID, **more: Any) -> pki.Leaf:
        leaf = self.sub.issue(common, ocsp=self.responder.url, **more)
        self.responder.issued[leaf.certificate.serial_number] = leaf.certificate
        return leaf

    async def call(self, action: str, payload: dict[str, Any], vendor: str = "org.openchargealliance.iso15118pnc") -> Any:
        if self.version == "ocpp2.0.1":
            return await self.said(action, payload)
        data = msgspec.json.encode(payload).decode()
        answer = await self.station.call("DataTransfer", {"vendorId": vendor, "messageId": action, "data": data})
        assert answer["status"] == "Accepted", answer
        return msgspec.json.decode(answer["data"])

    async def said(self, action: str, payload: dict[str, Any]) -> Any:
        """The answer, whatever the centre asks meanwhile."""
        await self.station.send(msgspec.json.encode([2, action, action, payload]))
        while True:
            message = await self.station.message()
            if message[0] == 2:
                await self.station.send(msgspec.json.encode([4, message[1], "NotSupported", "", {}]))
            elif message[1] == action:
                return message[2]

    async def authorize(self, leaf: pki.Leaf, emaid: str = EMAID, chain: str | None = None) -> tuple[str, str]:
        pem = leaf.pem + (self.sub.pem if chain is None else chain)
        answer = await self.call("Authorize", {"idToken": {"idToken": emaid, "type": "eMAID"}, "certificate": pem})
        return answer["certificateStatus"], answer["idTokenInfo"]["status"]


@asynccontextmanager
async def drive(version: str, **pool: Any) -> AsyncIterator[Drive]:
    root = pki.Ca("MO root")
    sub = pki.Ca("MO sub", root)
    responder = pki.Responder(sub)
    async with open_node(ready=False, limits=small_limits()) as node, trio.open_nursery() as nursery:
        await nursery.start(responder.serve)
        await node.create_tenant()
        await node.register("CP1", versions=("ocpp1.6", "ocpp2.0.1"))
        await node.put_token(EMAID)
        await node.ask(authority_address(TENANT), Trust("contract", root.pem, "op"))
        with trio.fail_after(60):
            found = Drive(node, version, responder, root, sub)
            found.station = await connect(node, "CP1", subprotocols=version)
            boot: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}
            if version == "ocpp2.0.1":
                boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
            assert (await found.station.call("BootNotification", boot))["status"] == "Accepted"
            yield found
        nursery.cancel_scope.cancel()


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A responder that answers is waited for, however long the machine pauses; how long a silent one is, a moved clock shows."""
    if "mock_clock" not in request.fixturenames:
        monkeypatch.setattr(contracts, "CONTRACT_SECONDS", 60.0)
        monkeypatch.setattr(ocsp_module, "OCSP_SECONDS", 60.0)


both = pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])


@both
async def test_a_good_contract_is_accepted_however_its_id_is_written(version: str) -> None:
    async with drive(version) as d:
        assert await d.authorize(d.contract()) == ("Accepted", "Accepted")
        assert await d.authorize(d.contract(DASHED), DASHED.lower()) == ("Accepted", "Accepted")
        assert len(d.responder.asked) == 2


@both
async def test_each_thing_that_can_be_wrong_has_its_status(version: str) -> None:
    async with drive(version) as d:
        old = d.contract(days=1, since=pki.timedelta(days=3))
        assert await d.authorize(old) == ("CertificateExpired", "Expired")
        revoked = d.contract()
        d.responder.says[revoked.certificate.serial_number] = "revoked"
        assert await d.authorize(revoked) == ("CertificateRevoked", "Invalid")
        for said in ("unknown", "forged"):
            doubtful = d.contract()
            d.responder.says[doubtful.certificate.serial_number] = said
            assert await d.authorize(doubtful) == ("CertChainError", "Invalid"), said
        assert await d.authorize(d.contract(), chain="") == ("CertChainError", "Invalid"), "the sub-CA is missing"
        stranger = pki.Ca("stranger").issue(EMAID)
        assert await d.authorize(stranger, chain="") == ("CertChainError", "Invalid")
        assert await d.authorize(d.contract("DEABCC999999999")) == ("CertChainError", "Invalid"), "somebody else's contract"
        assert (await d.call("Authorize", {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": "junk"}))[
            "certificateStatus"
        ] == "CertChainError"


@both
async def test_a_contract_whose_token_may_not_charge_was_cancelled(version: str) -> None:
    async with drive(version) as d:
        await d.node.put_token(EMAID, "Blocked")
        assert await d.authorize(d.contract()) == ("ContractCancelled", "Blocked")
        assert await d.authorize(d.contract("DEABCC000000000"), "DEABCC000000000") == ("ContractCancelled", "Unknown")


async def test_a_certificate_that_we_revoked_ourselves_is_revoked() -> None:
    async with drive("ocpp2.0.1") as d:
        leaf = d.contract()
        card = card_of(leaf.certificate)
        await d.node.ask(authority_address(TENANT), Revoke(card.fingerprint, card.not_after, "op"))
        assert await d.authorize(leaf) == ("CertificateRevoked", "Invalid")


async def test_an_answer_is_kept_until_it_expires_and_a_silent_responder_holds_up_nobody(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with drive("ocpp2.0.1") as d:
        leaf = d.contract()
        for _ in range(3):
            assert await d.authorize(leaf) == ("Accepted", "Accepted")
        assert len(d.responder.asked) == 1
        slow = d.contract()
        d.responder.says[slow.certificate.serial_number] = "silent"
        await d.node.register("CP2", versions=("ocpp2.0.1",))
        other = await connect(d.node, "CP2", subprotocols="ocpp2.0.1")
        judged: list[tuple[str, str]] = []
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                judged.append(await d.authorize(slow))

            nursery.start_soon(wait)
            while len(d.responder.asked) < 2:
                await trio.testing.wait_all_tasks_blocked()
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
            assert (await other.call("BootNotification", boot))["status"] == "Accepted"
            assert not judged
            mock_clock.jump(4.4)  # after 5 s the vehicle gives up
        assert judged == [("CertChainError", "Invalid")]


@both
async def test_a_delegate_of_the_ca_may_answer_and_nobody_else(version: str) -> None:
    async with drive(version) as d:
        d.responder.delegate = d.sub.issue("responder", usage=ExtendedKeyUsageOID.OCSP_SIGNING)
        assert await d.authorize(d.contract()) == ("Accepted", "Accepted")
        d.responder.delegate = d.sub.issue("no responder", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
        assert await d.authorize(d.contract()) == ("CertChainError", "Invalid")


def _asked(d: Drive, leaf: pki.Leaf) -> dict[str, Any]:
    told = hash_of(leaf.certificate, d.sub.certificate)
    return {
        "hashAlgorithm": "SHA256", "issuerNameHash": told.issuer_name_hash, "issuerKeyHash": told.issuer_key_hash,
        "serialNumber": told.serial_number, "responderURL": d.responder.url,
    }  # fmt: skip


@both
async def test_hashes_alone_are_enough_where_the_station_validated_the_chain_itself(version: str) -> None:
    async with drive(version) as d:
        await d.node.ask(authority_address(TENANT), Trust("contract", d.sub.pem, "op"))
        token = {"idToken": EMAID, "type": "eMAID"}
        good, revoked = d.contract(), d.contract()
        d.responder.says[revoked.certificate.serial_number] = "revoked"
        for leaf, status in ((good, "Accepted"), (revoked, "CertificateRevoked")):
            answer = await d.call("Authorize", {"idToken": token, "iso15118CertificateHashData": [_asked(d, leaf)]})
            assert answer["certificateStatus"] == status


@both
async def test_a_station_gets_the_responders_answer_as_it_is_or_failed(version: str) -> None:
    async with drive(version) as d:
        leaf = d.contract()
        answer = await d.call("GetCertificateStatus", {"ocspRequestData": _asked(d, leaf)})
        assert answer["status"] == "Accepted"
        told = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
        assert told.serial_number == leaf.certificate.serial_number
        nowhere = {**_asked(d, d.contract()), "responderURL": "http://127.0.0.1:1/"}
        assert await d.call("GetCertificateStatus", {"ocspRequestData": nowhere}) == {"status": "Failed"}
        private = {**_asked(d, d.contract()), "responderURL": "http://10.0.0.1/"}
        assert await d.call("GetCertificateStatus", {"ocspRequestData": private}) == {"status": "Failed"}, "the gate is shut"


@both
async def test_a_contract_for_the_vehicle_comes_from_the_pool_or_fails_honestly(version: str) -> None:
    class Pool(ContractPool):
        def __init__(self) -> None: ...
        async def answer(self, schema: str, action: str, exi: str) -> str | None:
            return f"{action} {exi}" if schema == "urn:iso:15118:2:2013:MsgDef" else None

    asked = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AAAA"}
    async with drive(version) as d:
        assert await d.call("Get15118EVCertificate", asked) == {"status": "Failed", "exiResponse": ""}
        d.node.desk._pool = Pool()
        assert await d.call("Get15118EVCertificate", asked) == {"status": "Accepted", "exiResponse": "Install AAAA"}


async def test_the_older_vendor_id_is_understood_and_what_is_unknown_is_said_so() -> None:
    async with drive("ocpp1.6") as d:
        leaf = d.contract()
        answer = await d.call(
            "Authorize", {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": leaf.pem + d.sub.pem}, "iso15118"
        )  # fmt: skip
        assert answer["certificateStatus"] == "Accepted"
        send = d.station.call
        pnc = "org.openchargealliance.iso15118pnc"
        assert await send("DataTransfer", {"vendorId": pnc, "messageId": "Levitate"}) == {"status": "UnknownMessageId"}
        assert await send("DataTransfer", {"vendorId": "nobody"}) == {"status": "UnknownVendorId"}
        broken = await send("DataTransfer", {"vendorId": pnc, "messageId": "Authorize", "data": "{not json"})
        assert broken[2] == "FormationViolation"
        csr, _ = pki.csr("CP1")
        told = {"csr": csr, "certificateType": "V2GCertificate"}
        assert (await d.call("SignCertificate", told))["status"] == "Rejected", "no PKI for vehicles is configured"
        traces = " ".join(row.body for row in d.node.traces("CP1"))
        assert EMAID not in traces
        assert "BEGIN CERTIFICATE-----" not in traces


async def test_the_end_of_an_idle_fee_is_told_as_it_comes() -> None:
    async with drive("ocpp1.6") as d:
        vendor = "org.openchargealliance.costmsg"
        data = '{"transactionId": 42, "timestamp": "2026-03-02T12:00:00Z"}'
        for told in (data, "not json at all"):
            answer = await d.station.call("DataTransfer", {"vendorId": vendor, "messageId": "ConnectorUnplugged", "data": told})
            assert answer == {"status": "Accepted"}
        events = [event.body for event in d.node.rows.events if event.kind == "station.data"]
        assert events[0]["transaction_id"] == 42
        answer = await d.station.call("DataTransfer", {"vendorId": vendor, "messageId": "Nothing"})
        assert answer == {"status": "UnknownMessageId"}
