"""A station's certificate signing request, judged before any CA sees it (OCPP 2.0.1 A02, A00.FR.5xx; PROTOCOLS 2.3).

Pure. A request is at most 5,500 characters, so reading it and verifying its signature takes well under a millisecond; signing
is the CA's work and happens elsewhere.
"""

import re

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from actors.model.certificate import SIGNATURE_HASHES, name_of, weak_key

CHARACTERS = 5500
_PEM = re.compile(r"-----BEGIN (NEW )?CERTIFICATE REQUEST-----.+?-----END (NEW )?CERTIFICATE REQUEST-----", re.DOTALL)


class Requested(msgspec.Struct, frozen=True, gc=False):
    """Of a request that is sound in itself."""

    subject: str
    common_name: str
    organization: str | None


class BadCsr(ValueError):
    """The text says what is wrong with it."""


def read(pem: str) -> x509.CertificateSigningRequest:
    """Raises BadCsr."""
    if len(pem) > CHARACTERS:
        raise BadCsr(f"it has more than {CHARACTERS} characters")
    found = _PEM.search(pem)
    if found is None:
        raise BadCsr("it is no PEM certificate request")
    try:
        return x509.load_pem_x509_csr(found[0].encode())
    except Exception as error:
        raise BadCsr(f"it cannot be read: {error}") from None


def inspect(pem: str) -> Requested:
    """Key, algorithm, signature and subject. Raises BadCsr."""
    request = read(pem)
    try:
        weak = weak_key(request.public_key())
        if weak is not None:
            raise BadCsr(weak)
        algorithm = request.signature_hash_algorithm
        if algorithm is None or algorithm.name not in SIGNATURE_HASHES:
            raise BadCsr(f"it is signed with {algorithm.name if algorithm else 'no hash'}: SHA-256 at least")
        if not request.is_signature_valid:
            raise BadCsr("its signature is not that of its key")
        if len(request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) != 1:
            raise BadCsr("its subject has no single common name (CN)")
        common = name_of(request.subject, NameOID.COMMON_NAME) or ""
        return Requested(request.subject.rfc4514_string(), common, name_of(request.subject, NameOID.ORGANIZATION_NAME))
    except BadCsr:
        raise
    except Exception as error:
        raise BadCsr(f"it cannot be read: {error}") from None


def judge(pem: str, names: tuple[str | None, ...], organization: str | None) -> Requested:
    """`inspect`, and is it this station's? CN is one of `names` (serial number, identity), O the operator's name where one is
    set. Raises BadCsr."""
    told = inspect(pem)
    expected = [name for name in names if name]
    if told.common_name.casefold() not in {name.casefold() for name in expected}:
        raise BadCsr(f"its CN is {told.common_name!r}, not the station's serial number or identity ({' or '.join(expected)})")
    if organization and (told.organization or "").casefold() != organization.casefold():
        raise BadCsr(f"its O is {told.organization!r}, not the operator's name {organization!r}")
    return told
