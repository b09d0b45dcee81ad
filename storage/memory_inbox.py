"""The inbox of the payment provider's webhooks in memory: the twin of storage/stripe_inbox.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from actors.ports import EventName, PspEvent, WaitingPspEvent


@dataclass
class _Line:
    event: PspEvent
    received_at: datetime
    due: datetime
    state: str = "waiting"
    attempt: int = 0
    error: str | None = None

    def shown(self) -> WaitingPspEvent:
        return WaitingPspEvent(self.event, self.state, self.attempt, self.received_at, self.error)


class MemoryPspInbox:
    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lines: dict[EventName, _Line] = {}

    async def put(self, event: PspEvent) -> bool:
        if event.name in self._lines:
            return False
        self._lines[event.name] = _Line(event, self._now(), self._now())
        return True

    async def take(self, limit: int, lease: float) -> Sequence[WaitingPspEvent]:
        now = self._now()
        ready = [line for line in self._lines.values() if line.state == "waiting" and line.due <= now]
        ready = sorted(ready, key=lambda line: line.due)[:limit]
        for line in ready:
            line.attempt += 1
            line.due = now + timedelta(seconds=lease)
        return [line.shown() for line in sorted(ready, key=lambda line: (line.received_at, line.event.id))]

    async def done(self, names: Sequence[EventName]) -> None:
        for line in self._open(names):
            line.state, line.error = "done", None

    async def retry(self, names: Sequence[EventName], seconds: float, error: str) -> None:
        for line in self._open(names):
            line.due, line.error = self._now() + timedelta(seconds=seconds), error

    async def park(self, names: Sequence[EventName], error: str) -> None:
        for line in self._open(names):
            line.state, line.error = "parked", error

    async def unpark(self, id: str) -> bool:
        parked = [line for line in self._lines.values() if line.event.id == id and line.state == "parked"]
        for line in parked:
            line.state, line.attempt, line.due = "waiting", 0, self._now()
        return bool(parked)

    async def listed(self, state: str, limit: int) -> Sequence[WaitingPspEvent]:
        found = sorted((line for line in self._lines.values() if line.state == state), key=lambda line: line.received_at)
        return [line.shown() for line in found[:limit]]

    async def counts(self) -> dict[str, int]:
        return {state: sum(line.state == state for line in self._lines.values()) for state in ("waiting", "parked")}

    async def prune(self, before: datetime, limit: int) -> int:
        old = [name for name, line in self._lines.items() if line.received_at < before and line.state != "waiting"][:limit]
        for name in old:
            del self._lines[name]
        return len(old)

    def _open(self, names: Sequence[EventName]) -> list[_Line]:
        return [line for name in names if (line := self._lines.get(name)) is not None and line.state == "waiting"]
