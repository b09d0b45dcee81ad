"""Asking OCSP responders (RFC 6960), through the egress gate, and believing them only as far as they can be checked.

An answer is good until its nextUpdate and is kept so long. `raw` passes it on as it came (GetCertificateStatus, M06), `status`
judges it: the one who signed it must be the issuer of the certificate concerned, or a delegate that the issuer named.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog
import trio
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from actors.model import certificate as c
from actors.station.messages import OcspRequest
from gateways.pki.limits import OCSP_BYTES, OCSP_CACHED, OCSP_KEPT, OCSP_PENDING, OCSP_SECONDS, OCSP_SKEW

GOOD, REVOKED = "good", "revoked"
_HASHES: dict[str, hashes.HashAlgorithm] = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}
_log = structlog.get_logger("pki")


class Egress(Protocol):
    """The part of the egress gate that is needed here."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", seconds: float, max_bytes: int
    ) -> Any:
        """An answer with `status`, `headers` and `body`."""
        ...


class Responders:
    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._kept: OrderedDict[tuple[str, ...], tuple[datetime, bytes]] = OrderedDict()
        self._asking = trio.CapacityLimiter(OCSP_PENDING)

    async def raw(self, asked: OcspRequest, at: datetime) -> bytes | None:
        """The responder's answer (DER) about a certificate that is known by its hashes; None when none is to be had."""
        key = _key(asked)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > at:
            self._kept.move_to_end(key)
            return kept[1]
        request = _request(asked)
        if request is None or self._asking.available_tokens < 1:
            return None
        async with self._asking:
            der = await self._fetch(asked.responder_url, request)
        answer = _successful(der, asked) if der is not None else None
        if der is None or answer is None:
            return None
        until = _until(answer, at)
        if until is None:
            return None
        self._kept[key] = (until, der)
        if len(self._kept) > OCSP_CACHED:
            self._kept.popitem(last=False)
        return der

    async def _fetch(self, url: str, request: bytes) -> bytes | None:
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        try:
            answer = await self._egress.request(
                "POST", url, headers=headers, body=request, seconds=OCSP_SECONDS, max_bytes=OCSP_BYTES
            )  # fmt: skip
        except Exception as error:
            _log.warning("pki.ocsp_unanswered", url=url, detail=str(error))
            return None
        if answer.status != 200:
            _log.warning("pki.ocsp_unanswered", url=url, detail=f"HTTP {answer.status}")
            return None
        return bytes(answer.body)

    async def status(self, asked: OcspRequest, issuers: Sequence[x509.Certificate], at: datetime) -> str | None:
        """GOOD or REVOKED; None when it cannot be known. `issuers`: certificates that we trust already, the issuer's among
        them or above it."""
        der = await self.raw(asked, at)
        if der is None:
            return None
        answer = ocsp.load_der_ocsp_response(der)
        if not signed_for(answer, asked, issuers, at):
            _log.warning("pki.ocsp_untrusted", url=asked.responder_url, serial=asked.serial_number)
            return None
        if answer.certificate_status == ocsp.OCSPCertStatus.REVOKED:
            return REVOKED
        return GOOD if answer.certificate_status == ocsp.OCSPCertStatus.GOOD else None


def question(certificate: x509.Certificate, issuer: x509.Certificate) -> OcspRequest | None:
    """Whom to ask about a certificate, and how it is named there; None when it names no responder."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    for description in access:
        where = description.access_location
        if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(where, x509.UniformResourceIdentifier):
            told = c.hash_of(certificate, issuer)
            return OcspRequest(told.algorithm, told.issuer_name_hash, told.issuer_key_hash, told.serial_number, where.value)
    return None


def _key(asked: OcspRequest) -> tuple[str, ...]:
    """The responder is part of it: nobody answers for somebody else."""
    hashed = (asked.issuer_name_hash.lower(), asked.issuer_key_hash.lower(), asked.serial_number.lower().lstrip("0"))
    return (asked.algorithm, *hashed, asked.responder_url)


def _request(asked: OcspRequest) -> bytes | None:
    try:
        algorithm = _HASHES[asked.algorithm]
        name, key = bytes.fromhex(asked.issuer_name_hash), bytes.fromhex(asked.issuer_key_hash)
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, int(asked.serial_number, 16), algorithm)
        return builder.build().public_bytes(serialization.Encoding.DER)
    except (KeyError, ValueError, OverflowError):
        return None


def _successful(der: bytes, asked: OcspRequest) -> ocsp.OCSPResponse | None:
    """The answer, if it is one and about the certificate that was asked for."""
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        return answer if answer.serial_number == int(asked.serial_number, 16) else None
    except Exception:
        return None


def _until(answer: ocsp.OCSPResponse, at: datetime) -> datetime | None:
    """How long it is good; None when it is not."""
    if answer.this_update_utc > at + OCSP_SKEW:
        return None
    until = answer.next_update_utc or min(answer.this_update_utc, at) + OCSP_KEPT
    return until if until > at else None


def signed_for(answer: ocsp.OCSPResponse, asked: OcspRequest, trusted: Sequence[x509.Certificate], at: datetime) -> bool:
    """Did the issuer of the certificate sign this, or a delegate that it certified for that (RFC 6960, 4.2.2.2)?"""
    candidates = [*answer.certificates, *trusted]
    for signer in candidates:
        if not _signed_by(answer, signer):
            continue
        path = c.path_to(signer, answer.certificates, trusted)
        if path is None or c.expired(path, at):
            continue
        if _is_issuer(signer, asked):
            return True
        if len(path) > 1 and _is_issuer(path[1], asked) and _may_sign_ocsp(signer):
            return True
    return False


def _is_issuer(ca: x509.Certificate, asked: OcspRequest) -> bool:
    own = c.hash_of(ca, ca, asked.algorithm)  # its own key and name, whoever issued it
    return own.issuer_key_hash == asked.issuer_key_hash.lower()


def _may_sign_ocsp(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _signed_by(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), answer.signature_hash_algorithm
    if algorithm is None or algorithm.name not in c.SIGNATURE_HASHES:
        return False
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        else:
            return False
        return True
    except InvalidSignature:
        return False
