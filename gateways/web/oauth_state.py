"""The `state` of an OAuth flow: what ties the answer that a browser brings back to the operator who began it.

It says whose onboarding it is and where the browser goes on, under a keyed hash, so that nobody can make one up; it is
random, and only its own hash leaves this module, so that whoever reads the database cannot use it either. The merchant's
actor takes each one once.
"""

import base64
import binascii
import hashlib
import hmac

import msgspec

_MAC = 32


class FlowState(msgspec.Struct, frozen=True, array_like=True):
    tenant: str
    merchant: str
    who: str
    return_url: str
    nonce: bytes


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(FlowState)


def _mac(key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, key=key, digest_size=_MAC, person=b"csms oauth state").digest()


def new_state(key: bytes, flow: FlowState) -> str:
    body = _encode(flow)
    return base64.urlsafe_b64encode(_mac(key, body) + body).rstrip(b"=").decode()


def read_state(key: bytes, state: str) -> FlowState | None:
    """None: not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
        if not hmac.compare_digest(raw[:_MAC], _mac(key, raw[_MAC:])):
            return None
        return _decoder.decode(raw[_MAC:])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def hash_of(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
