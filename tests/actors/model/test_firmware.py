"""Certificates of firmware, before it is offered."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from actors.model.certificate import fingerprint
from actors.model.firmware import problem
from tests.kits import pki

FILE = b"the firmware"
DIGEST = hashlib.sha256(FILE).digest()
NOW = datetime.now(UTC)
MAKER = pki.Ca("maker")
SUB = pki.Ca("maker sub", MAKER)
LEAF = SUB.issue("firmware")
CHAIN = LEAF.pem + SUB.pem
SIGNATURE = base64.b64encode(LEAF.key.sign(FILE, ec.ECDSA(hashes.SHA256()))).decode()


def judged(signing: str = CHAIN, signature: str = SIGNATURE, trusted: tuple[str, ...] = (MAKER.pem,), **more: object) -> object:
    found = problem(signing, signature, trusted, more.get("revoked", frozenset()), NOW, more.get("digest", DIGEST))  # type: ignore[arg-type]
    return found and found[0]


def test_a_certificate_of_a_trusted_maker_over_this_file_is_fit() -> None:
    assert judged() is None
    assert judged(LEAF.pem, trusted=(MAKER.pem, SUB.pem)) is None
    assert judged(trusted=()) is None, "no maker is named: nothing to compare with"
    rsa_leaf = MAKER.issue("firmware", key=pki.rsa_key())
    signature = base64.b64encode(rsa_leaf.key.sign(FILE, padding.PKCS1v15(), hashes.SHA256())).decode()
    assert judged(rsa_leaf.pem, signature) is None


def test_everything_else_is_refused_with_the_field() -> None:
    assert judged("junk") == "signing_certificate"
    assert judged(SUB.issue("old", days=1, since=timedelta(days=2)).pem + SUB.pem) == "signing_certificate"
    assert judged(pki.Ca("stranger").issue("firmware").pem) == "signing_certificate"
    assert judged(LEAF.pem) == "signing_certificate", "the sub-CA is missing"
    for revoked in (LEAF.certificate, SUB.certificate):
        assert judged(revoked=frozenset({fingerprint(revoked)})) == "signing_certificate"
    assert judged(signature="not base64!") == "signature"
    assert judged(digest=hashlib.sha256(b"other firmware").digest()) == "signature"
    assert judged(signature=base64.b64encode(b"nothing").decode()) == "signature"
