"""Idempotency-Key: a POST that is sent again gets the answer of the first, and is done once.

Kept in memory per node and bounded: it covers the client that lost an answer and retries, not a restart of the node.
What must survive a restart has a natural key of its own (a tenant's id, a command's id, a session's resolution).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from gateways.web import limits
from gateways.web.problems import Problem, wrong_parameter

HEADER = "Idempotency-Key"


class Stored(msgspec.Struct, frozen=True):
    status: int
    media: str
    headers: dict[str, str]
    body: bytes


class _Entry(msgspec.Struct):
    fingerprint: bytes
    until: float
    answer: Stored | None = None


Key = tuple[str, str, str]
"""(principal, method and path, the client's key)."""


class Answers:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def begin(self, key: Key, body: bytes) -> Stored | None:
        """The stored answer, or None: go on and call `finish` or `abandon`. Raises Problem when the key is under way
        or was used with another body."""
        if not key[2] or len(key[2]) > limits.IDEMPOTENCY_KEY_CHARS:
            raise wrong_parameter(HEADER, f"1 to {limits.IDEMPOTENCY_KEY_CHARS} characters")
        fingerprint = hashlib.blake2b(body, digest_size=16).digest()
        entry = self._entries.get(key)
        if entry is not None and entry.until > self._clock():
            if entry.fingerprint != fingerprint:
                raise Problem("idempotency-mismatch", "the stored request has another body; use a new key")
            if entry.answer is None:
                raise Problem("idempotency-conflict", "ask again when it is done", retry_after=1)
            return entry.answer
        self._entries[key] = _Entry(fingerprint, self._clock() + limits.IDEMPOTENCY_SECONDS)
        self._entries.move_to_end(key)
        while len(self._entries) > limits.IDEMPOTENCY_KEYS:
            self._entries.popitem(last=False)
        return None

    def finish(self, key: Key, answer: Stored) -> None:
        """A failure of ours (5xx) is not an answer: the client shall try again."""
        entry = self._entries.get(key)
        if entry is None:
            return
        if answer.status >= 500 or len(answer.body) > limits.IDEMPOTENCY_BODY_BYTES:
            del self._entries[key]
        else:
            entry.answer = answer

    def abandon(self, key: Key) -> None:
        """The request ended without an answer (cancelled)."""
        entry = self._entries.get(key)
        if entry is not None and entry.answer is None:
            del self._entries[key]
