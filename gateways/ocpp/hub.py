"""What all connections of a listener share: the actors, the trace, the counters, and who is connected.

Counters are plain integers, raw and only ever growing; whoever shows them computes rates.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

import structlog
import trio

from actors.model.rows import QuirkRow
from actors.ports import Sink, Snapshots, TraceRow, Vault
from gateways.ocpp.asked import Asked
from gateways.ocpp.groups import Groups
from gateways.ocpp.limits import TRACE_CHARACTERS, GatewayLimits
from gateways.ocpp.quirks import Registry, ours
from gateways.ocpp.redaction import redact_text
from runtime.address import Address
from runtime.system import System

_log = structlog.get_logger("ocpp")


class Traced(Protocol):
    """Whose message a line of the trace is, and in which protocol."""

    tenant: str
    station: str
    protocol: str


class StationLink(Traced, Protocol):
    """One live connection of a station, as the others need to know it."""

    address: Address
    generation: int

    def replaced(self) -> None:
        """A newer connection of the same station passed authentication: this one is over (quirk 2)."""
        ...


class Ticking(Protocol):
    """Something with a clock of its own: a CALL that may be overdue, a pause that may be over."""

    def tick(self, now: float) -> None: ...


class Counters:
    """Names are those of `stats()`."""

    __slots__ = (
        "accept_failures",
        "accepted",
        "answers_in",
        "answers_late",
        "answers_out",
        "call_timeouts",
        "calls_in",
        "calls_out",
        "closed_flood",
        "closed_silent",
        "contained",
        "crash_retries",
        "errors_out",
        "malformed",
        "pings",
        "poisoned",
        "refused_busy",
        "refused_certificate",
        "refused_handshake",
        "refused_limit",
        "refused_password",
        "refused_unknown",
        "replaced",
        "throttled",
        "unanswered",
    )  # fmt: skip

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    accept_failures: int
    accepted: int
    answers_in: int
    answers_late: int
    answers_out: int
    calls_in: int
    calls_out: int
    call_timeouts: int
    closed_flood: int
    closed_silent: int
    contained: int
    """Faults of this gateway's own code that cost one message or one connection and nothing else."""
    crash_retries: int
    errors_out: int
    malformed: int
    pings: int
    poisoned: int
    refused_busy: int
    refused_certificate: int
    refused_handshake: int
    refused_limit: int
    refused_password: int
    refused_unknown: int
    replaced: int
    throttled: int
    unanswered: int

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


class Hub:
    def __init__(
        self,
        system: System,
        snapshots: Snapshots,
        vault: Vault,
        sink: Sink,
        limits: GatewayLimits,
        *,
        now: Callable[[], datetime],
        strict: bool,
        quirks: Registry | None = None,
    ) -> None:
        self.system = system
        self.snapshots = snapshots
        self.vault = vault
        self.sink = sink
        self.limits = limits
        self.now = now
        self.strict = strict
        self.quirks = quirks or ours()
        self.groups = Groups(snapshots, vault)
        self.counters = Counters()
        self.links: dict[tuple[str, str], StationLink] = {}
        """The newest connection of each station, whatever its transport."""
        self.calling: set[Ticking] = set()
        """Of connections with a CALL out or waiting: the only ones whose clocks are looked at."""
        self.spawn: Callable[..., None] = _no_nursery
        self._generation = 0

    def monotonic(self) -> float:
        return trio.current_time()

    def next_generation(self) -> int:
        """Grows over reconnects and over restarts of the process, since it starts from the clock."""
        self._generation = max(self._generation + 1, int(time.time() * 1000))
        return self._generation

    @contextmanager
    def contained(self, doing: str) -> Iterator[None]:
        """A fault of our own code in here costs what it was doing, never the listener and its other stations."""
        try:
            yield
        except Exception as fault:
            self.fault(doing, fault)

    def fault(self, doing: str, fault: Exception, link: StationLink | None = None) -> None:
        """Our own code failed: counted and logged, with its traceback."""
        self.counters.contained += 1
        _log.error("ocpp.fault", doing=doing, station=None if link is None else "/".join(link.address), exc_info=fault)

    def note(self, tenant: str, station: str, flags: Iterable[str]) -> None:
        """A station showed these marks: each counts for the quirk that it is a mark of. Gates nothing; the sink adds up."""
        now = None
        for flag in flags:
            quirk = self.quirks.of_flag(flag)
            if quirk is not None:
                now = now or self.now()
                row = QuirkRow(
                    tenant=tenant, station=station, quirk=quirk.id, tier=quirk.tier, count=1, first_at=now, last_at=now
                )
                self.sink.put(row)

    def trace(
        self,
        link: StationLink,
        direction: str,
        kind: str,
        action: str,
        unique_id: Any,
        body: str,
        error: str | None = None,
        correlation: str = "",
    ) -> None:
        """One frame, redacted. Gates nothing; dropped first when the database is slow."""
        self.record(link, direction, kind, action, unique_id, body, error, correlation, redact_text)

    def record(
        self,
        link: Traced,
        direction: str,
        kind: str,
        action: str,
        unique_id: Any,
        body: str,
        error: str | None = None,
        correlation: str = "",
        redact: Callable[[str, str], str] | None = None,
    ) -> None:
        """The same for a body that is fit to be seen already, or is made so by `redact(action, body)`."""
        row = TraceRow(
            link.tenant, link.station, self.now(), direction, link.protocol, kind, action, str(unique_id),
            _shown(action, body, redact), error, correlation,
        )  # fmt: skip
        self.sink.put(row)

    def trace_call(self, link: StationLink, asked: Asked) -> None:
        """A CALL of the station without its answer, as of when it came."""
        call = asked.call
        row = TraceRow(
            link.tenant, link.station, asked.at, "in", link.protocol, "CALL" if call.confirmed else "SEND", call.action,
            str(call.unique_id), _shown(call.action, asked.text), _mends(asked), asked.correlation,
        )  # fmt: skip
        self.sink.put(row)

    def exchange(self, link: StationLink, asked: Asked, kind: str, answer: str, error: str | None) -> None:
        """A CALL of the station and what it was answered: one row for both, since these are nearly all frames there are."""
        call = asked.call
        action = call.action
        if asked.traced:
            self.trace(link, "out", kind, action, call.unique_id, answer, error, asked.correlation)
            return
        row = TraceRow(  # by position, which is cheaper
            link.tenant, link.station, asked.at, "in", link.protocol, "CALL", action, str(call.unique_id),
            _shown(action, asked.text), _mends(asked), asked.correlation,
            self.now(), kind, _shown(action, answer), error,
        )  # fmt: skip
        self.sink.put(row)


def _mends(asked: Asked) -> str | None:
    """What the trace says of a frame that was not as it should be."""
    if asked.mended:
        return f"mended: {', '.join(asked.mended)}"
    return "repaired JSON" if asked.call.repaired else None


def _shown(action: str, body: str, redact: Callable[[str, str], str] | None = redact_text) -> str:
    if len(body) > TRACE_CHARACTERS:
        body = body[:TRACE_CHARACTERS]
    if "\x00" in body:
        body = body.replace("\x00", "\ufffd")
    return body if redact is None else redact(action, body)


def _no_nursery(*args: Any) -> None:
    raise RuntimeError("the listener is not running")
