"""Certificates made here, with `cryptography` alone: CAs, stations, contracts, responders. Nothing of ours signs or checks
them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID


def name(common: str, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def key_pem(key: Any) -> str:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    return pem.decode()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Ca:
    """A root, or a CA below `parent`."""

    def __init__(self, common: str, parent: "Ca | None" = None, *, organization: str = "Test", days: int = 3650) -> None:
        self.key = ec_key()
        self.name = name(common, organization)
        signer, issuer = (parent.key, parent.name) if parent else (self.key, self.name)
        self.certificate = _builder(self.name, issuer, self.key.public_key(), days=days, ca=True).sign(signer, hashes.SHA256())
        self.pem = pem(self.certificate)

    def issue(
        self,
        common: str,
        *,
        organization: str | None = "Test",
        key: Any = None,
        days: int = 365,
        since: timedelta = timedelta(hours=1),
        usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH,
        names: tuple[x509.GeneralName, ...] = (),
        ocsp: str | None = None,
    ) -> "Leaf":
        key = key or ec_key()
        builder = _builder(name(common, organization), self.name, key.public_key(), days=days, ca=False, since=since)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        if ocsp is not None:
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp))
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return Leaf(builder.sign(self.key, hashes.SHA256()), key)


class Leaf:
    def __init__(self, certificate: x509.Certificate, key: Any) -> None:
        self.certificate = certificate
        self.key = key
        self.pem = pem(certificate)

    def files(self, folder: Path, stem: str = "leaf") -> tuple[Path, Path]:
        chain, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        chain.write_text(self.pem)
        key.write_text(key_pem(self.key))
        return chain, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, *, days: int, ca: bool, since: timedelta = timedelta(hours=1)
) -> x509.CertificateBuilder:
    begins = datetime.now(UTC) - since
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def csr(common: str, organization: str | None = "Test", *, key: Any = None, algorithm: Any = None) -> tuple[str, Any]:
    """(PEM, key)."""
    key = key or ec_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(common, organization))
    request = builder.sign(key, algorithm or hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode(), key


def server(folder: Path, stem: str = "server", *, key: Any = None) -> tuple[Path, Path]:
    """(chain, key) files of a server for localhost, its own root."""
    ca = Ca(f"{stem} root")
    leaf = ca.issue("localhost", usage=ExtendedKeyUsageOID.SERVER_AUTH, names=(x509.DNSName("localhost"),), key=key)
    files = leaf.files(folder, stem)
    (folder / f"{stem}-root.pem").write_text(ca.pem)
    return files


def client(root: Path, leaf: Leaf | None = None, folder: Path | None = None) -> ssl.SSLContext:
    """A client that trusts the server's `root` and shows `leaf`."""
    context = ssl.create_default_context(cafile=str(root))
    if leaf is not None:
        assert folder is not None
        stem = f"client-{leaf.certificate.serial_number:x}"
        chain, key = leaf.files(folder, stem)
        context.load_cert_chain(chain, key)
    return context


class Responder:
    """An OCSP responder on a socket of this machine. `says` maps serial numbers to what it answers: good, revoked, unknown,
    or "silent" (no answer at all) or "forged" (signed by somebody else)."""

    def __init__(self, ca: Ca) -> None:
        self.ca = ca
        self.says: dict[int, str] = {}
        self.asked: list[int] = []
        self.url = ""
        self.delegate: Leaf | None = None
        self.next_update = timedelta(hours=1)
        self.issued: dict[int, x509.Certificate] = {}

    async def serve(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/ocsp"
        task_status.started()
        await trio.serve_listeners(self._answer, listeners)

    async def _answer(self, stream: trio.SocketStream) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += await stream.receive_some()
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )  # fmt: skip
        while len(body) < length:
            body += await stream.receive_some()
        serial = ocsp.load_der_ocsp_request(body).serial_number
        self.asked.append(serial)
        said = self.says.get(serial, "good")
        if said == "silent":
            await trio.sleep_forever()
        der = self.response(serial, said)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(der) + der)
        await stream.aclose()

    def response(self, serial: int, said: str) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        revoked = said == "revoked"
        status = {
            "revoked": ocsp.OCSPCertStatus.REVOKED, "unknown": ocsp.OCSPCertStatus.UNKNOWN,
        }.get(said, ocsp.OCSPCertStatus.GOOD)  # fmt: skip
        signer, key = self.ca.certificate, self.ca.key
        if self.delegate is not None:
            signer, key = self.delegate.certificate, self.delegate.key
        if said == "forged":
            stranger = Ca("stranger")
            signer, key = stranger.certificate, stranger.key
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.issued[serial],
            issuer=self.ca.certificate,
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=now,
            next_update=now + self.next_update,
            revocation_time=now if revoked else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
