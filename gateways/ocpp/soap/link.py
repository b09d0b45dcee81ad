"""A SOAP station as its actor sees it: a `Line`, though there is no connection.

It exists from the first message that the station proves to be its own until the station was silent for two heartbeat intervals
and some grace, or until a newer connection takes its place. Commands go to the address that the station named (wsa:From), one
at a time, paced, through the egress gate; whatever becomes of one is told to the actor as CommandDone.
"""

from collections import deque
from typing import Any

import msgspec
import trio

from actors.limits import DomainLimits
from actors.model.ids import station_address
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.station import messages as s
from actors.station.credentials import CURRENT
from gateways import egress
from gateways.ocpp.admission import Proof
from gateways.ocpp.hub import Hub
from gateways.ocpp.limits import CALL_TICK
from gateways.ocpp.quirks.outgoing import is_question
from gateways.ocpp.sequence import Progress
from gateways.ocpp.soap import document, envelope, limits
from gateways.ocpp.soap.codec import read_fields
from gateways.ocpp.soap.dialect import SoapDialect
from gateways.ocpp.soap.faults import Fault
from gateways.ocpp.soap.redaction import redact_tree, redact_unreadable
from runtime.address import Address

_HEARTBEATS = DomainLimits().heartbeat_interval
_LIVES = 2
"""Heartbeats that may be missed."""


class Outgoing(msgspec.Struct):
    """`wire` is the CALL that is meant now, `timeout` what is left for it and those that follow."""

    id: str
    wire: s.WireCall
    timeout: float
    progress: Progress | None = None
    """Of a command that takes several CALLs."""


class SoapLink:
    __slots__ = (
        "_current", "_gap_until", "_gate", "_hub", "_live", "_number", "_pumping", "_question_at", "_queue", "_scope",
        "_silent_after", "address", "answering", "callback", "callback_known", "credit", "credit_at", "dialect", "ended",
        "generation", "interval", "proof", "protocol", "station", "tenant",
    )  # fmt: skip

    def __init__(
        self,
        hub: Hub,
        gate: egress.EgressGate,
        live: "set[SoapLink]",
        dialect: SoapDialect,
        tenant: str,
        station: str,
        proof: Proof,
    ) -> None:
        self._hub = hub
        self._gate = gate
        self._live = live
        self.dialect = dialect
        self.protocol = dialect.protocol
        self.tenant = tenant
        self.station = station
        self.address = Address(*station_address(tenant, station))
        self.generation = hub.next_generation()
        self.callback: str | None = None
        self.callback_known = False
        """Whether the actor was asked where the station is to be called."""
        self.interval = _heartbeats(hub, tenant)
        self.answering = 0
        """Requests of this station that are with its actor."""
        self.credit: float = hub.limits.message_burst
        self.credit_at = hub.monotonic()
        self.proof = proof
        self.ended = False
        self._number = 0
        self._queue: deque[Outgoing] = deque()
        self._current: Outgoing | None = None
        self._scope: trio.CancelScope | None = None
        self._pumping = False
        self._gap_until = 0.0
        self._question_at = 0.0
        self._silent_after = 0.0
        self.heard()

    # -- from the station ------------------------------------------------------------------------------------------------

    def heard(self) -> None:
        """Any message of the station, and any answer, is a sign of life."""
        self._silent_after = self._hub.monotonic() + _LIVES * self.interval + limits.GRACE_SECONDS

    def booted(self, interval: int) -> None:
        """The heartbeat interval (or the wait before the next boot) that the station was given; 0: it chooses."""
        self.interval = min(interval, limits.LONGEST_INTERVAL) if interval > 0 else _heartbeats(self._hub, self.tenant)
        self.heard()

    def is_silent(self, now: float) -> bool:
        return now >= self._silent_after

    def differs(self, proof: Proof) -> bool:
        """Whether a message was proved in a way that the actor has to hear of. That the next password has become the present
        one it knows itself."""
        return proof.profile != self.proof.profile or (proof.secret != self.proof.secret and proof.secret != CURRENT)

    def takes_one_more(self) -> bool:
        """Whether this station may send another message now; those it may are counted."""
        bounds, now = self._hub.limits, self._hub.monotonic()
        self.credit = min(bounds.message_burst, self.credit + (now - self.credit_at) * bounds.messages_per_second)
        self.credit_at = now
        if self.credit < 1 or self.answering >= limits.REQUESTS_PER_STATION:
            self._hub.counters.throttled += 1
            return False
        self.credit -= 1
        return True

    def correlation(self) -> str:
        self._number += 1
        return f"{self.station}.{self.generation:x}.{self._number}"

    # -- to the station: the Line ----------------------------------------------------------------------------------------

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        rendered = self.dialect.render(intent)
        self.note()
        return rendered

    def learn(self, boot: s.Boot) -> None:
        """The card has it too, unless the boot was on another node."""
        self.dialect.learn((boot.vendor, boot.model, boot.firmware or ""), (boot.serial, boot.box_serial))

    def note(self) -> None:
        """Count what the dialect noted of the last message, intent or answer."""
        if self.dialect.noted:
            self._hub.note(self.tenant, self.station, self.dialect.noted)

    def call(self, command: str, wire: s.WireCall, timeout: float) -> None:
        outgoing = Outgoing(command, wire, timeout or self._hub.limits.call_timeout, Progress(wire) if wire.more else None)
        if self.ended:
            self._tell_done(outgoing, CommandFailure("offline", detail="the station has been away for too long"))
            return
        if len(self._queue) >= self._hub.limits.outgoing_calls:
            self._tell_done(outgoing, CommandFailure("error", "Busy", f"{len(self._queue)} commands are waiting"))
            return
        self._queue.append(outgoing)
        if not self._pumping:
            self._pumping = True
            self._hub.spawn(self._pump)

    def close(self, code: int, reason: str) -> None:
        """The actor is done with this line; a station that speaks again gets a new one."""
        self.end(code, reason)

    def replaced(self) -> None:
        self._hub.counters.replaced += 1
        self._hub.note(self.tenant, self.station, ("replaced",))
        self.end(1000, "a newer connection of this station is open")

    def end(self, code: int, reason: str) -> None:
        """Settle what was under way and tell the actor. Only the newest link is forgotten by its key."""
        if self.ended:
            return
        self.ended = True
        key = (self.tenant, self.station)
        if self._hub.links.get(key) is self:
            del self._hub.links[key]
        self._live.discard(self)
        if self._scope is not None:
            self._scope.cancel()
        while self._queue:
            self._given_up(self._queue.popleft())
        self._hub.system.tell(self.address, s.Disconnected(self.generation, code, reason))

    async def _pump(self) -> None:
        """One command after the other, while there are any."""
        try:
            while self._queue:
                await trio.sleep_until(max(self._gap_until, trio.current_time()))
                if not self._queue:
                    break
                self._current = self._take()
                if self._current is None:
                    await trio.sleep(CALL_TICK)
                    continue
                began = self._hub.monotonic()
                outcome: CommandResult | CommandFailure
                outcome = CommandFailure("unknown", detail="the station went away before it answered")
                with trio.CancelScope() as self._scope:
                    try:
                        outcome = await self._exchange(self._current)
                    except Exception as fault:
                        self._hub.fault(f"sending {self._current.wire.action}", fault, self)
                        outcome = CommandFailure("unknown", detail="an internal error")
                self._current.timeout -= self._hub.monotonic() - began
                self._finished(outcome)
        finally:
            self._pumping = False
            if self._current is not None:
                self._finished(CommandFailure("unknown", detail="the node stopped before the answer"))

    def _take(self) -> Outgoing | None:
        """The first that may go now: what a station is only asked waits for its pace, and nothing else waits behind it."""
        for n, outgoing in enumerate(self._queue):
            if self._hub.monotonic() >= self._question_at or not is_question(outgoing.wire.action):
                del self._queue[n]
                return outgoing
        return None

    def _finished(self, outcome: CommandResult | CommandFailure) -> None:
        current, self._current, self._scope = self._current, None, None
        assert current is not None
        rules = self.dialect.rules
        self._gap_until = self._hub.monotonic() + (self._hub.limits.call_gap if rules.call_gap is None else rules.call_gap)
        if rules.poll_gap is not None and is_question(current.wire.action):
            self._question_at = self._hub.monotonic() + rules.poll_gap
        if current.progress is None:
            self._tell_done(current, outcome)
            return
        following = current.progress.after(outcome)
        if following is not None and current.timeout > 0 and not self.ended:
            current.wire = following
            self._queue.appendleft(current)
            return
        self._tell_done(current, current.progress.outcome())

    async def _exchange(self, outgoing: Outgoing) -> CommandResult | CommandFailure:
        hub, wire = self._hub, outgoing.wire
        to = self.callback
        if to is None:
            return CommandFailure("offline", detail="the station never said where it listens (wsa:From), so it cannot be called")
        operation = self.dialect.version.station.operations[wire.action]
        own = envelope.new_message_id()
        try:
            fields = msgspec.json.decode(wire.payload)
            root = envelope.write_request(self.dialect.version, operation, fields, self.station, to, own)
        except (KeyError, ValueError) as wrong:
            return CommandFailure("unsupported", detail=f"OCPP {self.dialect.version.label} cannot carry this: {wrong}")
        hub.counters.calls_out += 1
        self._trace("out", "CALL", wire.action, own, redact_tree(wire.action, root), None, outgoing.id)
        try:
            answer = await self._gate.request(
                "POST",
                to,
                headers={
                    "Content-Type": f'{envelope.MEDIA}; charset=utf-8; action="/{wire.action}"',
                    "Accept": envelope.MEDIA,
                    "Accept-Encoding": "gzip, deflate",
                },
                body=document.serialise(root),
                seconds=outgoing.timeout,
                max_bytes=limits.INFLATED_BYTES,
            )
        except egress.EgressError as problem:
            outcome = self._not_answered(problem)
            self._trace("in", "none", wire.action, own, "", f"{outcome.code or outcome.reason}: {outcome.detail}", outgoing.id)
            return outcome
        return self._answered(outgoing, own, answer)

    def _not_answered(self, problem: egress.EgressError) -> CommandFailure:
        if isinstance(problem, egress.EgressTimeout):
            self._hub.counters.call_timeouts += 1
            self._hub.note(self.tenant, self.station, ("call_timeout",))
            return CommandFailure("timeout", detail=str(problem))
        if isinstance(problem, egress.EgressRefused):
            return CommandFailure("error", "EgressRefused", str(problem))
        if problem.sent:
            return CommandFailure("unknown", detail=str(problem))
        return CommandFailure("offline", detail=f"the station cannot be reached at its address: {problem}")

    def _answered(self, outgoing: Outgoing, own: str, answer: egress.EgressAnswer) -> CommandResult | CommandFailure:
        hub, wire = self._hub, outgoing.wire
        hub.counters.answers_in += 1
        operation = self.dialect.version.station.operations[wire.action]
        body, text = answer.body, ""
        try:
            body = document.inflate(body, answer.headers.get("content-encoding", ""))
            root = document.parse(body)
            text = redact_tree(wire.action, root)
            answered = envelope.read_response(root, operation)
            self.heard()
            odd = None
            if answered.relates_to not in (None, own):
                odd = f"it relates to {answered.relates_to}"
                if hub.strict:
                    raise Fault("Receiver", "ProtocolError", odd, 500)
            self._trace("in", "CALLRESULT", wire.action, own, text, odd, outgoing.id)
            fields = read_fields(operation.response, answered.element)
            self._learn(outgoing, fields)
            outcome = self.dialect.answer(wire.action, wire.payload, fields)
            self.note()
            return outcome
        except Fault as fault:
            code, reason = fault.subcode or fault.code, fault.reason
            if answer.status >= 300 and not text:
                code, reason = "HttpError", f"HTTP {answer.status}: {reason}"
            text = text or redact_unreadable(body.decode("utf-8", "replace"))
            self._trace("in", "CALLERROR", wire.action, own, text, f"{code}: {reason}", outgoing.id)
            return CommandFailure("error", code, reason)

    def _learn(self, outgoing: Outgoing, fields: dict[str, Any]) -> None:
        """A station that accepted another heartbeat interval is silent for longer, or shorter."""
        if outgoing.wire.action != "ChangeConfiguration" or fields.get("status") != "Accepted":
            return
        asked = msgspec.json.decode(outgoing.wire.payload)
        if str(asked.get("key")).lower() == "heartbeatinterval" and str(asked.get("value")).isdecimal():
            self.booted(int(asked["value"][:9]))

    def _given_up(self, outgoing: Outgoing) -> None:
        failure = CommandFailure("offline", detail="the station went away before it was sent")
        self._tell_done(outgoing, failure if outgoing.progress is None else outgoing.progress.outcome(failure))

    def _tell_done(self, outgoing: Outgoing, outcome: CommandResult | CommandFailure) -> None:
        self._hub.system.tell(self.address, s.CommandDone(outgoing.id, self.generation, outcome), correlation=outgoing.id)

    def _trace(self, way: str, kind: str, action: str, unique_id: str, body: str, error: str | None, correlation: str) -> None:
        self._hub.record(self, way, kind, action, unique_id, body, error, correlation)


def _heartbeats(hub: Hub, tenant: str) -> int:
    """What stations of a tenant are told at their boot, for one that booted before this process did."""
    card = hub.snapshots.tenant(tenant)
    told = card.settings.get("heartbeat_interval") if card is not None else None
    return told if isinstance(told, int) and told > 0 else _HEARTBEATS
