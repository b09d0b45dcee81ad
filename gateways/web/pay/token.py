"""What opens a driver's own pages, without an account: tokens and order forms, both under one key of the deployment.

A *token* is an attempt's id and its MAC: it can neither be guessed nor made from an id that somebody saw elsewhere (in an
operator's list, at the payment provider), and nothing has to be stored for as long as a receipt is kept. A *form* carries the
id of the attempt that its order button would make, so that a second click is the same attempt, and what was shown.
"""

import hashlib
import hmac
import re
import secrets

import msgspec

_ATTEMPT_BYTES = 12
_MAC_BYTES = 16
_TOKEN = re.compile(r"(a[0-9a-f]{24})([0-9a-f]{32})").fullmatch
_FORM_TOKEN = b"pay-token"
_FORM_ORDER = b"pay-order"


class Form(msgspec.Struct, frozen=True):
    """What an order button stood under. `shown`: hash of the price; `hold_minor` and `limit_minor` as they were shown; `at`:
    seconds since the epoch when the page was made; `language` the one it was in."""

    attempt: str
    tenant: str
    code: str
    fingerprint: str
    shown: str
    hold_minor: int
    limit_minor: int
    terms: str
    language: str
    at: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Form).decode


class Tokens:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def new_attempt(self) -> str:
        return "a" + secrets.token_hex(_ATTEMPT_BYTES)

    def token(self, tenant: str, attempt: str) -> str:
        return attempt + self._mac(_FORM_TOKEN, f"{tenant}/{attempt}".encode())

    def attempt(self, tenant: str, token: str) -> str | None:
        """The attempt that a token opens in this tenant; None for a token that we did not make."""
        found = _TOKEN(token)
        if found is None:
            return None
        attempt, mac = found.groups()
        wanted = self._mac(_FORM_TOKEN, f"{tenant}/{attempt}".encode())
        return attempt if hmac.compare_digest(mac, wanted) else None

    def seal(self, form: Form) -> str:
        """A form as its hidden field carries it."""
        body = _encode(form)
        return body.hex() + "." + self._mac(_FORM_ORDER, body)

    def unseal(self, text: str) -> Form | None:
        body, _, mac = text.partition(".")
        try:
            raw = bytes.fromhex(body)
        except ValueError:
            return None
        if not hmac.compare_digest(mac.encode(), self._mac(_FORM_ORDER, raw).encode()):
            return None
        try:
            return _decode(raw)
        except msgspec.DecodeError:
            return None

    def _mac(self, purpose: bytes, body: bytes) -> str:
        return hashlib.blake2b(body, key=self._key, digest_size=_MAC_BYTES, person=purpose).hexdigest()
