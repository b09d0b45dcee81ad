"""A CA outside that speaks EST, played by a server that is not ours."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from actors.ports import SigningRefused, SigningRequest
from gateways.egress import EgressGate
from gateways.pki.est import EstAuthority, EstError
from tests.kits import pki

ROOT = pki.Ca("EST root")
SUB = pki.Ca("EST sub", ROOT)


class Server:
    def __init__(self, answer: Callable[[bytes], tuple[int, bytes]]) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.url = ""

    async def serve(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/.well-known/est"
        task_status.started()
        await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += await stream.receive_some()
        head, _, body = received.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += await stream.receive_some()
        status, answer = self.answer(body)
        await stream.send_all(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(answer)) + answer
        )
        await stream.aclose()


def issues(body: bytes) -> tuple[int, bytes]:
    """What RFC 7030 has a CA answer: a certs-only PKCS#7 in base64, in whatever order."""
    asked = x509.load_der_x509_csr(base64.b64decode(body))
    leaf = SUB.issue("SN-7", key=_Public(asked.public_key()))
    return 200, base64.encodebytes(
        pkcs7.serialize_certificates([ROOT.certificate, SUB.certificate, leaf.certificate], Encoding.DER)
    )


class _Public:
    """A key of which only the public half is known."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def public_key(self) -> Any:
        return self._key


@asynccontextmanager
async def est(answer: Callable[[bytes], tuple[int, bytes]]) -> AsyncIterator[tuple[Server, EstAuthority]]:
    server = Server(answer)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve)
        with trio.fail_after(60):
            yield server, EstAuthority(EgressGate(["127.0.0.0/8"]), server.url, user="csms", password="secret")
        nursery.cancel_scope.cancel()


def request() -> SigningRequest:
    return SigningRequest("r1", "acme", "CP1", pki.csr("SN-7")[0], "ChargingStationCertificate", datetime.now(UTC))


async def test_the_chain_comes_leaf_first_and_without_the_root() -> None:
    async with est(issues) as (server, ca):
        asked = request()
        leaf, sub = x509.load_pem_x509_certificates((await ca.sign(asked)).encode())
        assert sub == SUB.certificate
        assert leaf.public_key() == x509.load_pem_x509_csr(asked.csr.encode()).public_key()
        (head,) = server.heads
        assert head.startswith("POST /.well-known/est/simpleenroll ")
        assert "content-type: application/pkcs10" in head.lower()
        assert f"authorization: Basic {base64.b64encode(b'csms:secret').decode()}".lower() in head.lower()


async def test_the_cas_that_come_without_their_root_are_kept() -> None:
    def rootless(body: bytes) -> tuple[int, bytes]:
        asked = x509.load_der_x509_csr(base64.b64decode(body))
        leaf = SUB.issue("SN-7", key=_Public(asked.public_key()))
        others = [SUB.certificate, pki.Ca("somebody else").certificate, leaf.certificate]
        return 200, base64.encodebytes(pkcs7.serialize_certificates(others, Encoding.DER))

    async with est(rootless) as (_, ca):
        _, sub = x509.load_pem_x509_certificates((await ca.sign(request())).encode())
        assert sub == SUB.certificate


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_no_is_final(status: int) -> None:
    async with est(lambda body: (status, b"")) as (_, ca):
        with pytest.raises(SigningRefused):
            await ca.sign(request())


@pytest.mark.parametrize("answer", [(202, b""), (401, b""), (503, b""), (200, b"junk"), (200, b"")])
async def test_anything_else_is_tried_again(answer: tuple[int, bytes]) -> None:
    async with est(lambda body: answer) as (_, ca):
        with pytest.raises(EstError):
            await ca.sign(request())


async def test_a_certificate_for_another_key_is_not_taken() -> None:
    def other(body: bytes) -> tuple[int, bytes]:
        leaf = SUB.issue("SN-7")
        return 200, base64.b64encode(pkcs7.serialize_certificates([leaf.certificate], Encoding.DER))

    async with est(other) as (_, ca):
        with pytest.raises(EstError, match="no certificate for the key"):
            await ca.sign(request())
