"""Rows that gate no reply: frames as they went over the wire, and the sink that takes these and others when it can."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from actors.model.rows import Row


class TraceRow(msgspec.Struct, frozen=True, gc=False):
    """One OCPP frame as it went over the wire, redacted, `direction` in or out; with it, where it was known when the row was
    made, the frame that answered it. The columns of table `trace`, in its order. `Queries.messages` shows every frame alone."""

    tenant: str
    station: str
    at: datetime
    direction: str
    protocol: str
    message_type: str
    action: str
    unique_id: str
    body: str
    error: str | None = None
    correlation: str = ""
    answered_at: datetime | None = None
    answer_type: str = ""
    answer: str = ""
    answer_error: str | None = None

    def frames(self) -> "Sequence[TraceRow]":
        """The frame, and the answer as a row of its own."""
        if self.answered_at is None:
            return (self,)
        asked = msgspec.structs.replace(self, answered_at=None, answer_type="", answer="", answer_error=None)
        answer = msgspec.structs.replace(
            asked, at=self.answered_at, direction="out" if self.direction == "in" else "in", message_type=self.answer_type,
            body=self.answer, error=self.answer_error,
        )  # fmt: skip
        return asked, answer


class Sink(Protocol):
    """Rows that gate nothing, batched and dropped first when the database is slow (traces, last-seen, inbox,
    audit, refused connections). Never blocks."""

    def put(self, row: Row | TraceRow) -> None: ...
