"""Who calls: bearer tokens, the principals behind them, and what happens to those who guess.

Tokens are generated secrets of 256 bits, so a keyed BLAKE2b is the right hash: nothing to brute-force, nothing to
slow down on every request. The key keeps a stolen table useless. Look-ups are cached for a few seconds only,
which bounds how long a revoked token still works. People with passwords are another matter and come with /auth.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

import msgspec

from actors.ports import ApiToken, ApiTokens
from gateways.web import limits

OWNER_PREFIX = "vto_"
TENANT_PREFIX = "vta_"
"""Prefixes let secret scanners and people recognise a token; they mean nothing to the gateway."""

OWNER = "owner"
ADMIN = "admin"
VIEWER = "viewer"

READ = "read"
WRITE = "write"
PLATFORM = "platform"
_RIGHTS: dict[str, frozenset[str]] = {
    OWNER: frozenset((READ, WRITE, PLATFORM)),
    ADMIN: frozenset((READ, WRITE)),
    VIEWER: frozenset((READ,)),
}


class Principal(msgspec.Struct, frozen=True):
    """`tenant` None: the platform owner, who reaches all tenants. `id` is what the audit log says."""

    id: str
    tenant: str | None
    role: str
    name: str = ""

    @property
    def who(self) -> str:
        return f"token:{self.id}"

    def may(self, right: str) -> bool:
        return right in _RIGHTS.get(self.role, frozenset())

    def reaches(self, tenant: str) -> bool:
        return self.tenant is None or self.tenant == tenant


CONFIGURED_OWNER = Principal("owner", None, OWNER, "platform owner (configured)")


def new_token(*, owner: bool = False) -> str:
    """A fresh bearer token; it is shown once and only its hash is kept."""
    return (OWNER_PREFIX if owner else TENANT_PREFIX) + secrets.token_urlsafe(32)


def new_token_id() -> str:
    return "t" + secrets.token_hex(8)


def token_hash(key: bytes, token: str) -> bytes:
    """Keyed BLAKE2b-256 of a token: what `ApiTokens.find` is asked for."""
    return hashlib.blake2b(token.encode(), key=key, digest_size=32, person=b"voltroupe-api").digest()


class Throttle:
    """Counts failures per client address in a window that opens with the first; bounded in addresses."""

    def __init__(self, limit: int = limits.AUTH_FAILURES, window: float = limits.AUTH_WINDOW) -> None:
        self._limit = limit
        self._window = window
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def retry_after(self, address: str, now: float) -> int | None:
        """Seconds to wait when the address has used up its failures, else None."""
        start, count = self._failures.get(address, (now, 0))
        left = start + self._window - now
        return max(1, int(left)) if count >= self._limit and left > 0 else None

    def failed(self, address: str, now: float) -> None:
        start, count = self._failures.pop(address, (now, 0))
        if now - start >= self._window:
            start, count = now, 0
        self._failures[address] = (start, count + 1)
        while len(self._failures) > limits.AUTH_ADDRESSES:
            self._failures.popitem(last=False)


class Identities:
    """From a bearer token, or the token id in a console session, to a principal."""

    def __init__(
        self, tokens: ApiTokens, key: bytes, owner_hash: bytes | None, now: Callable[[], datetime], clock: Callable[[], float]
    ) -> None:
        self._tokens = tokens
        self._key = key
        self._owner_hash = owner_hash
        self._now = now
        self._clock = clock
        self._cache: OrderedDict[bytes | str, tuple[float, Principal]] = OrderedDict()

    def known(self, token: str) -> Principal | None:
        """Without I/O: the configured owner, or a token seen a moment ago."""
        hashed = token_hash(self._key, token)
        if self._owner_hash is not None and hmac.compare_digest(hashed, self._owner_hash):
            return CONFIGURED_OWNER
        return self._cached(hashed)

    def once_known(self, token: str) -> bool:
        """Was it good when it was seen last, however long ago? Whoever guesses behind the same proxy does not shut it out."""
        return token_hash(self._key, token) in self._cache

    async def find(self, token: str) -> Principal | None:
        """None: no such token, or not any more. Raises StoreAway."""
        known = self.known(token)
        if known is not None:
            return known
        hashed = token_hash(self._key, token)
        return self._judge(hashed, await self._tokens.find(hashed))

    async def by_id(self, token_id: str) -> Principal | None:
        """The principal of a console session. Raises StoreAway."""
        if token_id == CONFIGURED_OWNER.id:
            return CONFIGURED_OWNER if self._owner_hash is not None else None
        return self._cached(token_id) or self._judge(token_id, await self._tokens.get(token_id))

    def forget(self, token_id: str) -> None:
        """After a revocation on this node."""
        for key in [key for key, (_, principal) in self._cache.items() if principal.id == token_id]:
            del self._cache[key]

    def _cached(self, key: bytes | str) -> Principal | None:
        until, principal = self._cache.get(key, (0.0, None))
        return principal if until > self._clock() else None

    def _judge(self, key: bytes | str, token: ApiToken | None) -> Principal | None:
        if token is None or token.revoked_at is not None or (token.expires is not None and token.expires <= self._now()):
            self._cache.pop(key, None)
            return None
        role = OWNER if token.tenant is None and token.role == ADMIN else token.role
        principal = Principal(token.id, token.tenant, role, token.name)
        self._cache[key] = (self._clock() + limits.PRINCIPAL_SECONDS, principal)
        self._cache.move_to_end(key)
        while len(self._cache) > limits.PRINCIPAL_CACHE:
            self._cache.popitem(last=False)
        return principal
