"""The commands of one connection on their way to the station: one CALL is out at a time, paced and with a timeout, and
whatever becomes of a command is told to the station's actor as CommandDone.

Made with the first command: most connections wait long for theirs.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from actors.model.intents import CommandFailure, CommandResult
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.dialect import Dialect
from gateways.ocpp.hub import Hub, StationLink
from gateways.ocpp.limits import COMMAND_TIMEOUTS_BEFORE_RECONNECT
from gateways.ocpp.quirks.outgoing import is_question
from gateways.ocpp.sequence import Progress
from gateways.ocpp.websocket import GOING_AWAY, StationSocket


class Caller(StationLink, Protocol):
    """The connection whose commands these are."""

    socket: StationSocket
    heard_boot: bool

    def post(self, frame: bytes, kind: str, action: str, unique_id: Any, error: str | None = None, correlation: str = "") -> bool:
        """Send and trace a frame; False: the connection is closed."""
        ...

    def note(self, flags: Iterable[str]) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Outgoing(msgspec.Struct):
    """A command on its way. `deadline` is set when its first CALL went out; `wire` is the one that is meant now."""

    id: str
    wire: s.WireCall
    timeout: float
    deadline: float = 0.0
    progress: Progress | None = None
    """Of a command that takes several CALLs."""


class Calls:
    __slots__ = (
        "_awaiting_boot", "_current", "_dialect", "_hub", "_link", "_next_at", "_next_question_at", "_queue", "_rpc", "_timeouts",
    )  # fmt: skip

    def __init__(self, link: Caller, hub: Hub, dialect: Dialect, rpc_: rpc.Rpc) -> None:
        self._link = link
        self._hub = hub
        self._dialect = dialect
        self._rpc = rpc_
        self._queue: deque[Outgoing] = deque()
        self._current: Outgoing | None = None
        self._next_at = 0.0
        self._next_question_at = 0.0
        self._timeouts = 0
        self._awaiting_boot = False

    def queue(self, command: str, wire: s.WireCall, timeout: float) -> None:
        outgoing = Outgoing(command, wire, timeout or self._hub.limits.call_timeout)
        if wire.more:
            outgoing.progress = Progress(wire)
        if self._link.socket.closed is not None:
            self._tell_done(outgoing, CommandFailure("offline", detail="the connection is closed"))
            return
        queue = self._queue
        if len(queue) >= self._hub.limits.outgoing_calls:
            self._tell_done(outgoing, CommandFailure("error", "Busy", f"{len(queue)} commands are waiting"))
            return
        queue.append(outgoing)
        self.advance()

    def advance(self) -> None:
        """Send the next command if none is out and the station had its pause."""
        if not self._queue or self._current is not None:
            return
        self._hub.calling.add(self)
        now = self._hub.monotonic()
        if now < self._next_at:
            return
        if self._dialect.rules.boot_first and not self._link.heard_boot:
            if not self._awaiting_boot:
                self._awaiting_boot = True
                self._link.note(("boot_awaited",))
            return
        outgoing = self._take(now)
        if outgoing is None:
            return
        self._current = outgoing
        if not outgoing.deadline:
            outgoing.deadline = now + outgoing.timeout
        unique_id, frame = self._rpc.call(outgoing.wire.action, outgoing.wire.payload)
        self._hub.counters.calls_out += 1
        if not self._link.post(frame, "CALL", outgoing.wire.action, unique_id, None, outgoing.id):
            self._rpc.give_up()
            self._done(CommandFailure("offline", detail="the connection is closed"))

    def _take(self, now: float) -> Outgoing | None:
        """The first that may go now: what a station is only asked waits for its pace, and nothing else waits behind it."""
        queue, gap = self._queue, self._dialect.rules.poll_gap
        if gap is None:
            return queue.popleft()
        for n, outgoing in enumerate(queue):
            question = is_question(outgoing.wire.action)
            if not question or now >= self._next_question_at:
                if question:
                    self._next_question_at = now + gap
                del queue[n]
                return outgoing
        return None

    def answered(self, event: rpc.Answer | rpc.Failure, text: str) -> None:
        hub, current = self._hub, self._current
        assert current is not None, "an answer finds what is out"
        hub.counters.answers_in += 1
        self._timeouts = 0
        action = current.wire.action
        if isinstance(event, rpc.Failure):
            hub.trace(self._link, "in", "CALLERROR", action, event.unique_id, text, event.code, current.id)
            self._done(CommandFailure("error", event.code, event.description))
            return
        hub.trace(self._link, "in", "CALLRESULT", action, event.unique_id, text, None, current.id)
        outcome = self._dialect.answer(action, current.wire.payload, event.payload)
        if self._dialect.noted:
            self._link.note(self._dialect.noted)
        self._done(outcome)

    def tick(self, now: float) -> None:
        """Time passes: a CALL may be overdue, a pause over."""
        current = self._current
        if current is not None and now >= current.deadline:
            self._hub.counters.call_timeouts += 1
            self._timeouts += 1
            self._link.note(("call_timeout",))
            self._rpc.give_up()
            self._done(CommandFailure("timeout", detail=f"no answer within {current.timeout:g} s"))
            if self._timeouts >= COMMAND_TIMEOUTS_BEFORE_RECONNECT:
                self._link.close(GOING_AWAY, "no answer to several calls: please reconnect")
        self.advance()
        if self._current is None and not self._queue:
            self._hub.calling.discard(self)

    def _done(self, outcome: CommandResult | CommandFailure) -> None:
        current, self._current = self._current, None
        assert current is not None
        gap = self._dialect.rules.call_gap
        self._next_at = self._hub.monotonic() + (self._hub.limits.call_gap if gap is None else gap)
        if current.progress is None:
            self._tell_done(current, outcome)
            return
        following = current.progress.after(outcome)
        in_time = self._hub.monotonic() < current.deadline
        if following is not None and in_time and self._link.socket.closed is None:
            current.wire = following
            self._queue.appendleft(current)
            return
        self._tell_done(current, current.progress.outcome())

    def _tell_done(self, outgoing: Outgoing, outcome: CommandResult | CommandFailure) -> None:
        done = s.CommandDone(outgoing.id, self._link.generation, outcome)
        self._hub.system.tell(self._link.address, done, correlation=outgoing.id)

    def give_up(self, failure: CommandFailure) -> None:
        """What came instead of an answer cannot be read."""
        if self._current is not None:
            self._rpc.give_up()
            self._done(failure)

    def ended(self) -> None:
        """The connection is over: settle what was under way and what waited."""
        self._hub.calling.discard(self)
        if self._current is not None:
            self._done(CommandFailure("unknown", detail="the connection ended before the answer"))
        for outgoing in self._queue:
            failure = CommandFailure("offline", detail="the connection ended before it was sent")
            self._tell_done(outgoing, failure if outgoing.progress is None else outgoing.progress.outcome(failure))
        self._queue.clear()
