"""A time-boxed trace of one actor: what it handled and how that ended, never the contents."""

from datetime import datetime
from typing import Any


class Trace:
    """A ring of what one actor handled, until its time is over."""

    __slots__ = ("bound", "entries", "until")

    def __init__(self, until: float, bound: int) -> None:
        self.until = until
        self.bound = bound
        self.entries: list[dict[str, Any]] = []

    def add(self, at: datetime, message_type: str, correlation: str, seq: int, seconds: float, end: str) -> None:
        if len(self.entries) >= self.bound:
            del self.entries[0]
        self.entries.append(
            {"at": at, "message": message_type, "correlation": correlation, "seq": seq, "seconds": seconds, "end": end}
        )
