"""Messages that kill their actor: counted by fingerprint, and after the third crash kept as dead letters.

The fingerprint is of what was *asked* (a retry repeats that, whatever a forwarding actor added on the way) and of
the actor that crashed. The counts are volatile and bounded; a dead letter is durable.
"""

import sys
from collections import OrderedDict
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from runtime.address import Address
from runtime.codec import encode_anything
from runtime.limits import Limits
from runtime.store import DeadLetter


def fingerprint(address: Address, message: Any) -> str:
    """32 hex digits, stable over processes."""
    digest = blake2b(digest_size=16)
    for part in (str(address).encode(), type_name(message).encode(), encode_anything(message)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def type_name(message: Any) -> str:
    """`module:Class`, as dead letters keep it."""
    cls = type(message)
    return f"{cls.__module__}:{cls.__qualname__}"


class Poison:
    """How often which fingerprint has crashed its actor. The least recently seen is forgotten first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def crashed(self, mark: str, now: float) -> int:
        """Count one crash; returns how many there were, this one included."""
        count, last = self._seen.pop(mark, (0, now))
        if now - last > self._limits.fingerprint_window:
            count = 0
        self._seen[mark] = (count + 1, now)
        while len(self._seen) > self._limits.fingerprints:
            self._seen.popitem(last=False)
        return count + 1

    def forget(self, mark: str) -> None:
        """It was buried: a replay starts anew."""
        self._seen.pop(mark, None)


def dead_letter(
    *, id: str, address: Address, at: datetime, message: Any, mark: str, error: str, traceback: str, correlation: str
) -> DeadLetter:
    return DeadLetter(
        id=id,
        actor=address,
        at=at,
        message_type=type_name(message),
        body=encode_anything(message),
        fingerprint=mark,
        error=error,
        traceback=traceback,
        correlation=correlation,
    )


def exhume(dead: DeadLetter) -> Any:
    """The message again. Only Structs of modules this program has loaded already; raises ValueError otherwise."""
    module, _, name = dead.message_type.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        raise ValueError(f"dead letter {dead.id}: this program has no message {dead.message_type}")
    try:
        return msgspec.json.decode(dead.body, type=found)
    except msgspec.MsgspecError as error:
        raise ValueError(f"dead letter {dead.id} does not read as {dead.message_type}: {error}") from error
