"""A station's keys and certificates: its own key pair and chain, and the roots that it was told to trust.

Keys are made when they are first asked for (P-256), so that a fleet that never signs anything has none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateways.simulator import limits

HashData = dict[str, str]


@dataclass(frozen=True)
class Installed:
    kind: str
    certificate: x509.Certificate
    children: tuple[x509.Certificate, ...] = ()


class KeyStore:
    def __init__(self) -> None:
        self._offered: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        """By kind of certificate: the keys that belong to the chains below."""
        self.chains: dict[str, tuple[x509.Certificate, ...]] = {}
        """Leaf first."""
        self.installed: list[Installed] = []

    def request(self, kind: str, common_name: str, organization: str) -> str:
        """A new key pair, and the PEM of the CSR for it."""
        key = self._offered[kind] = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        return csr.public_bytes(serialization.Encoding.PEM).decode()

    def accept(self, kind: str, chain_pem: str) -> bool:
        """Take a signed chain over, when it is for the key that was offered, valid now, and in order."""
        key = self._offered.get(kind)
        try:
            chain = x509.load_pem_x509_certificates(chain_pem.encode())
        except ValueError:
            return False
        if key is None or not chain or _spki(chain[0].public_key()) != _spki(key.public_key()):
            return False
        now = datetime.now(UTC)
        if not all(c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in chain):
            return False
        if not all(_issued(child, parent) for child, parent in pairwise(chain)):
            return False
        self.keys[kind], self.chains[kind] = self._offered.pop(kind), tuple(chain)
        return True

    def identity(self, kind: str) -> bytes:
        """Key and chain as one PEM, for TLS."""
        key = self.keys[kind].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in self.chains[kind])

    def install(self, kind: str, pem: str) -> str:
        """Accepted, Rejected (not a certificate, or not valid now) or Failed (no room)."""
        try:
            certificate, *rest = x509.load_pem_x509_certificates(pem.encode())
        except ValueError:
            return "Rejected"
        if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
            return "Rejected"
        if any(held.certificate == certificate and held.kind == kind for held in self.installed):
            return "Accepted"
        if len(self.installed) >= limits.CERTIFICATES_MOST:
            return "Failed"
        self.installed.append(Installed(kind, certificate, tuple(rest)))
        return "Accepted"

    def ids(self, kinds: Sequence[str] | None) -> list[tuple[Installed, HashData]]:
        """What is installed of these kinds (None: of all), with its hash data."""
        held = list(self.installed)
        if chain := self.chains.get("V2GCertificate"):
            held.append(Installed("V2GCertificateChain", chain[0], chain[1:]))
        return [(one, self.hash_data(one.certificate)) for one in held if kinds is None or one.kind in kinds]

    def delete(self, wanted: HashData) -> str:
        """Accepted or NotFound; Failed for the station's own certificate, which is not to be deleted."""
        algorithm = wanted["hashAlgorithm"]
        for held in self.installed:
            if _same(self.hash_data(held.certificate, algorithm), wanted):
                self.installed.remove(held)
                return "Accepted"
        own = self.chains.get("ChargingStationCertificate", ())
        if any(_same(self.hash_data(certificate, algorithm), wanted) for certificate in own):
            return "Failed"
        return "NotFound"

    def hash_data(self, certificate: x509.Certificate, algorithm: str = "SHA256") -> HashData:
        """As in an OCSP request (RFC 6960 4.1.1): issuer's name and key hashed, the serial number in hex without zeros."""
        digest = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}[algorithm]
        known = [held.certificate for held in self.installed] + [c for chain in self.chains.values() for c in chain]
        issuer = next((c for c in (certificate, *known) if c.subject == certificate.issuer), certificate)
        return {
            "hashAlgorithm": algorithm,
            "issuerNameHash": digest(certificate.issuer.public_bytes()).hexdigest(),
            "issuerKeyHash": digest(_key_bits(issuer)).hexdigest(),
            "serialNumber": format(certificate.serial_number, "x"),
        }


def readable(pem: str) -> bool:
    """Whether this is a certificate that is valid now."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return False
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc


def _same(one: HashData, other: HashData) -> bool:
    return all(one[name].lower() == str(other[name]).lower() for name in one)


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _spki(key: object) -> bytes:
    assert hasattr(key, "public_bytes")
    data: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return data


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The content of subjectPublicKey, without the tags and the algorithm around it."""
    return _bit_string(_spki(certificate.public_key()))


def _bit_string(spki: bytes) -> bytes:
    """SubjectPublicKeyInfo is SEQUENCE { algorithm SEQUENCE, BIT STRING }: the bits, after the octet of unused ones."""
    _, start = _length(spki, 1)
    algorithm, body = _length(spki, start + 1)
    bits, content = _length(spki, body + algorithm + 1)
    return spki[content + 1 : content + bits]


def _length(der: bytes, at: int) -> tuple[int, int]:
    """A DER length at `at`, and where what it measures begins."""
    first = der[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    return int.from_bytes(der[at + 1 : at + 1 + size], "big"), at + 1 + size
