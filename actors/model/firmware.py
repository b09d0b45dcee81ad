"""Is this firmware fit to be offered? (OCPP 2.0.1 A00.FR.705, .707, L01.FR.11; 1.6 security extension). Pure.

A secure update names the certificate that signed it. Before a station is sent anything, that certificate must be readable, in
force, not revoked, and lead to a manufacturer's CA that the tenant trusts, where it trusts any. The signature itself is over
the file, which the station downloads and we do not see; where its digest is known it is verified as well.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from actors.model import certificate as c


def problem(
    signing: str, signature: str, trusted: Sequence[str], revoked: frozenset[str], now: datetime, digest: bytes | None = None
) -> tuple[str, str] | None:
    """(field, what is wrong) of `signing_certificate` (PEM, perhaps with the CAs above it) and `signature` (base64); None when
    the firmware may be offered. `trusted`: PEM of manufacturers' CAs; `digest`: SHA-256 of the file."""
    try:
        chain = c.read_chain(signing)
    except c.BadCertificate as error:
        return "signing_certificate", str(error)
    leaf = chain[0]
    weak = c.weak_key(leaf.public_key())
    if weak is not None:
        return "signing_certificate", weak
    if c.expired([leaf], now):
        valid = f"{leaf.not_valid_before_utc.isoformat()} to {leaf.not_valid_after_utc.isoformat()}"
        return "signing_certificate", f"it is valid from {valid}"
    path: Sequence[x509.Certificate] = chain
    if trusted:
        found = c.path_to(leaf, chain[1:], [c.read_one(pem) for pem in trusted])
        if found is None:
            return "signing_certificate", "it leads to no manufacturer's CA that the tenant trusts"
        if c.expired(found, now):
            return "signing_certificate", "a CA above it is not valid now"
        path = found
    if any(c.fingerprint(each) in revoked for each in path):
        return "signing_certificate", "it was revoked"
    try:
        data = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return "signature", "it is not base64"
    if digest is not None and not _signs(leaf, data, digest):
        return "signature", "it is not that of the certificate over this file"
    return None


def _signs(certificate: x509.Certificate, signature: bytes, digest: bytes) -> bool:
    key, algorithm = certificate.public_key(), utils.Prehashed(hashes.SHA256())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), algorithm)
        else:
            return False
        return True
    except (InvalidSignature, ValueError):
        return False
