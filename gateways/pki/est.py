"""A CA outside, spoken to by EST (RFC 7030, simpleenroll): the StationAuthority of an operator who has a PKI already."""

import base64
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from actors.model import certificate as c
from actors.model import csr as csr_
from actors.ports import SigningRefused, SigningRequest
from gateways.pki.limits import EST_BYTES, EST_SECONDS
from gateways.pki.ocsp import Egress

REFUSED = frozenset({400, 403, 404, 405, 413, 415, 422})
"""HTTP statuses that the same request will meet again. 401 is our own misconfiguration: it is tried until it is mended."""


class EstError(Exception):
    """The CA gave no certificate this time."""


class EstAuthority:
    """`url`: up to and with the label, `https://ca.example.com/.well-known/est`. `user` and `password`: HTTP Basic."""

    def __init__(self, egress: Egress, url: str, *, user: str = "", password: str = "") -> None:
        self._egress = egress
        self._url = url.rstrip("/") + "/simpleenroll"
        self._headers = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
        if user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"

    async def sign(self, request: SigningRequest) -> str:
        asked = csr_.read(request.csr)
        body = base64.encodebytes(asked.public_bytes(Encoding.DER))
        answer = await self._egress.request(
            "POST", self._url, headers=self._headers, body=body, seconds=EST_SECONDS, max_bytes=EST_BYTES
        )  # fmt: skip
        if answer.status in REFUSED:
            raise SigningRefused(f"the CA answered HTTP {answer.status}")
        if answer.status != 200:
            raise EstError(f"the CA answered HTTP {answer.status}")
        return _chain(bytes(answer.body), asked, request.at)


def _chain(body: bytes, asked: x509.CertificateSigningRequest, at: datetime) -> str:
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))
    except Exception as error:
        raise EstError(f"the CA's answer cannot be read: {error}") from None
    key = asked.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    leaf = next((each for each in certificates if _spki(each) == key), None)
    if leaf is None:
        raise EstError("the CA's answer holds no certificate for the key of the request")
    if c.expired([leaf], max(at, leaf.not_valid_before_utc)):
        raise EstError("the CA's certificate is expired")
    return "".join(map(c.to_pem, _upwards(leaf, certificates)))


def _upwards(leaf: x509.Certificate, certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and the CAs above it that came along, as far as they lead; without the root, which whoever trusts it has."""
    path = [leaf]
    for _ in certificates:
        above = next((each for each in certificates if each not in path and c.issued_by(path[-1], each)), None)
        if above is None or above.issuer == above.subject:
            break
        path.append(above)
    return path


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
