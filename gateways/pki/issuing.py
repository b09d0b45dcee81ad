"""Making CAs and signing with them. Plain functions that take time; `own.py` calls them in threads.

A tenant's CA has two levels, as the field expects: a root, which a station may be given, and an issuing CA below it, which
signs. All keys are on P-256. A certificate is a function of its request: the serial number is derived with the CA's key, the
signature deterministic (RFC 6979), so a request that is handed in twice gets the same certificate twice.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from actors.model import certificate as c
from actors.model import csr as csr_
from gateways.pki.limits import BACKDATED, ISSUING_LIFE, LEAF_LIFE, ROOT_LIFE

_SERIAL_BYTES = 16


class Pair(msgspec.Struct, frozen=True):
    """A CA: certificate and private key, both PEM."""

    certificate: str
    key: str


def make_authority(name: str, tenant: str, at: datetime) -> tuple[Pair, Pair]:
    """(issuing CA, root) of an operator called `name`."""
    root_key, issuing_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, issuing_name = _ca_name(name, f"{tenant} root CA"), _ca_name(name, f"{tenant} station CA")
    begins = at.replace(microsecond=0) - BACKDATED
    root = (
        _ca(root_name, root_name, root_key.public_key(), begins, ROOT_LIFE, None)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    issuing = (
        _ca(issuing_name, root_name, issuing_key.public_key(), begins, ISSUING_LIFE, 0)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return Pair(c.to_pem(issuing), _key_pem(issuing_key)), Pair(c.to_pem(root), _key_pem(root_key))


def _ca_name(name: str, common: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]), x509.NameAttribute(NameOID.COMMON_NAME, common[:64])]
    return x509.Name(attributes)


def _ca(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, life: timedelta, depth: int | None
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()  # fmt: skip


def sign(ca: Pair, csr: str, request: str, station: str, at: datetime, life: timedelta = LEAF_LIFE) -> str:
    """The certificate for a request that was judged already (actors/model/csr.py), as PEM. Of the request only subject and
    key are taken: what else it wishes for is not ours to grant. Raises BadCsr, BadCertificate."""
    asked = csr_.read(csr)
    issuer = c.read_one(ca.certificate)
    key = serialization.load_pem_private_key(ca.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "our CAs are made above"
    public = asked.public_key()
    begins = at.replace(microsecond=0) - BACKDATED
    identity = x509.UniformResourceIdentifier(c.station_uri(station))
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=isinstance(public, rsa.RSAPublicKey),
        data_encipherment=False, key_agreement=isinstance(public, ec.EllipticCurvePublicKey), key_cert_sign=False,
        crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(_serial(ca.key, request, csr))
        .not_valid_before(begins)
        .not_valid_after(min(begins + life, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([identity]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return c.to_pem(builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True))


def _serial(key: str, request: str, csr: str) -> int:
    """Nobody without the CA's key can tell it before, and the same request has the same."""
    digest = hmac.new(key.encode(), f"{request}\x1f{csr}".encode(), hashlib.sha256).digest()
    return int.from_bytes(bytes((digest[0] & 0x7F | 0x40,)) + digest[1:_SERIAL_BYTES], "big")
