"""Station secrets (security profiles 1 and 2): made, hashed, verified.

A station's password is long and random, so a fast hash is enough and 10,000 stations can reconnect at once:
BLAKE2b keyed with 32 random bytes of its own (PERFORMANCE: a slow hash on connect would dominate everything).
The stored form is `version (1 byte) | key (32) | digest (32)`. The password itself is never stored or logged.
"""

import hashlib
import hmac
from collections.abc import Callable

_VERSION = b"\x01"
_KEY = 32
_DIGEST = 32
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 20
"""1.6 AuthorizationKey takes 16-20 bytes, 2.0.1 BasicAuthPassword 16-40 characters: 20 fits both."""


def new_password(token_bytes: Callable[[int], bytes]) -> str:
    """A password of 20 characters without look-alikes (115 bits)."""
    letters: list[str] = []
    while len(letters) < PASSWORD_LENGTH:
        # A byte of 4 * len(_ALPHABET) and more would favour the first letters.
        letters += [_ALPHABET[byte % len(_ALPHABET)] for byte in token_bytes(32) if byte < 4 * len(_ALPHABET)]
    return "".join(letters[:PASSWORD_LENGTH])


def hash_secret(password: bytes, token_bytes: Callable[[int], bytes]) -> bytes:
    """What is stored of a password; every call gives another value."""
    key = token_bytes(_KEY)
    return _VERSION + key + _digest(password, key)


def verify_secret(stored: bytes | None, password: bytes) -> bool:
    """Constant time in the password. Nothing stored, or an unknown version: False."""
    if stored is None or len(stored) != 1 + _KEY + _DIGEST or stored[:1] != _VERSION:
        return False
    return hmac.compare_digest(_digest(password, stored[1 : 1 + _KEY]), stored[1 + _KEY :])


def _digest(password: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(password, key=key, digest_size=_DIGEST, person=b"ocpp-basic").digest()
