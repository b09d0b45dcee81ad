"""X.509 certificates as OCPP looks at them: read, named, hashed, judged. Pure: bytes in, values out.

Certificates travel as PEM. What identifies one to a station is CertificateHashData (hashes of the issuer's name and key, as
in OCSP, and the serial number); what identifies one to us is the SHA-256 of its DER, in hex: its *fingerprint*.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from actors.model.intents import CertificateHash

MAX_CHAIN = 8
"""Certificates of a chain that are looked at; no PKI of this field is deeper than five."""
RSA_BITS = 2048
RSA_BITS_MOST = 8192
"""Larger keys are slow to verify and used by nobody."""
EC_BITS = 224
STATION_URI = "urn:ocpp:station:"
"""Before the percent-encoded identity in the subject alternative name of a certificate that we issue to a station."""
SIGNATURE_HASHES = frozenset({"sha256", "sha384", "sha512"})
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


class BadCertificate(ValueError):
    """It cannot be read, or is not fit for its use; the text says why."""


class Card(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A certificate as people see it. `serial`: hex without leading zeros; `names`: subject alternative names."""

    fingerprint: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    common_name: str | None = None
    organization: str | None = None
    names: tuple[str, ...] = ()
    ca: bool = False


def read_chain(pem: str) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM text, in its order. Raises BadCertificate."""
    parts = _PEM.findall(pem)
    if not parts:
        raise BadCertificate("there is no PEM certificate in it")
    if len(parts) > MAX_CHAIN:
        raise BadCertificate(f"a chain of more than {MAX_CHAIN} certificates")
    return tuple(_read(part) for part in parts)


def read_one(pem: str) -> x509.Certificate:
    """The first certificate. Raises BadCertificate."""
    return read_chain(pem)[0]


def read_der(der: bytes) -> x509.Certificate:
    """Raises BadCertificate."""
    try:
        return x509.load_der_x509_certificate(der)
    except Exception as error:
        raise BadCertificate(f"it cannot be read: {error}") from None


@lru_cache(maxsize=4096)
def _read(pem: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.subject.rfc4514_string()
        return certificate
    except Exception as error:
        raise BadCertificate(f"it cannot be read: {error}") from None


def station_uri(identity: str) -> str:
    return STATION_URI + quote(identity, safe="")


def to_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def card_of(certificate: x509.Certificate) -> Card:
    """Raises BadCertificate where a name in it is malformed."""
    try:
        return Card(
            fingerprint(certificate),
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            f"{certificate.serial_number:x}",
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            name_of(certificate.subject, NameOID.COMMON_NAME),
            name_of(certificate.subject, NameOID.ORGANIZATION_NAME),
            _alternatives(certificate),
            is_ca(certificate),
        )
    except (ValueError, x509.DuplicateExtension) as error:
        raise BadCertificate(f"it cannot be read: {error}") from None


def name_of(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    """The last one, which is the most specific."""
    found = name.get_attributes_for_oid(oid)
    if not found:
        return None
    value = found[-1].value
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _alternatives(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    kinds = (x509.DNSName, x509.UniformResourceIdentifier)
    return tuple(name.value for name in names if isinstance(name, kinds))[:MAX_CHAIN]


def is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        return False


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Names match and the signature is the issuer's."""
    try:
        certificate.verify_directly_issued_by(issuer)
        return True
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False


def path_to(
    leaf: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...] | None:
    """The chain from `leaf` to one of `roots`, both included, through CAs of `between` (or of `roots`); None where there is
    none. Times are not looked at: see `expired`."""
    trusted = {fingerprint(root) for root in roots}
    path = [leaf]
    candidates = [*roots, *between]
    while len(path) <= MAX_CHAIN:
        last = path[-1]
        if fingerprint(last) in trusted:
            return tuple(path)
        issuer = next(
            (ca for ca in candidates if ca not in path and ca.subject == last.issuer and is_ca(ca) and issued_by(last, ca)), None
        )
        if issuer is None:
            return None
        path.append(issuer)
    return None


def expired(path: Sequence[x509.Certificate], now: datetime) -> bool:
    """Is any of them not valid yet, or no longer?"""
    return any(not c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in path)


def hash_of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> CertificateHash:
    """CertificateHashData: as a station names an installed certificate. A root is its own issuer."""
    kind = _HASHES[algorithm]
    key = issuer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return CertificateHash(
        algorithm,
        _digest(kind, certificate.issuer.public_bytes()),
        _digest(kind, _key_bits(key)),
        f"{certificate.serial_number:x}",
    )


def same_hash(one: CertificateHash, other: CertificateHash) -> bool:
    """Hexadecimal digits in any case, the serial number with or without leading zeros."""
    return _plain(one) == _plain(other)


def _plain(told: CertificateHash) -> tuple[str, str, str, str]:
    serial = told.serial_number.lower().removeprefix("0x").lstrip("0")
    return told.algorithm.upper(), told.issuer_name_hash.lower(), told.issuer_key_hash.lower(), serial


def _digest(kind: type[hashes.HashAlgorithm], data: bytes) -> str:
    digest = hashes.Hash(kind())
    digest.update(data)
    return digest.finalize().hex()


def _key_bits(spki: bytes) -> bytes:
    """The content of the BIT STRING at the end of a SubjectPublicKeyInfo, without its count of unused bits."""
    at, end = _content(spki, 0)
    _, algorithm_end = _content(spki, at)
    bits, bits_end = _content(spki, algorithm_end)
    assert bits_end <= end
    return spki[bits + 1 : bits_end]


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER element at `at` begins and ends."""
    length = der[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    size = length & 0x7F
    begins = at + 2 + size
    return begins, begins + int.from_bytes(der[at + 2 : begins], "big")


def weak_key(key: object) -> str | None:
    """Why a public key may not be used by a station (PROTOCOLS 2.3); None when it may."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS:
            return f"an RSA key of {key.key_size} bits is too short: {RSA_BITS} at least"
        return None if key.key_size <= RSA_BITS_MOST else f"an RSA key of {key.key_size} bits is too long"
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < EC_BITS:
            return f"a key on {key.curve.name} is too short: {EC_BITS} bits at least"
        return None
    return "its key is neither RSA nor elliptic curve"
