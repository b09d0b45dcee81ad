"""One connection of one station, between its socket and its actor.

Inbound: every CALL is asked of the station's actor, one after the other, and answered with what the actor committed.
No answer from the actor (the database is away, say) means no answer to the station: it will send again, and nothing
was acknowledged. Outbound: this is the `Line` that the actor holds; what becomes of its commands is calling.py's matter.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import trio
from trio_websocket import ConnectionClosed

from actors.certificates.messages import CsrReply
from actors.model.ids import station_address
from actors.model.intents import AnyIntent, CommandFailure, Unsupported
from actors.model.rows import EventRow
from actors.station import messages as s
from gateways.ocpp import peer as peers
from gateways.ocpp import rpc
from gateways.ocpp.asked import Asked
from gateways.ocpp.asking import NoAnswer, ask_station
from gateways.ocpp.calling import Calls
from gateways.ocpp.dialect import BadPayload, Dialect, Several
from gateways.ocpp.hub import Hub
from gateways.ocpp.websocket import POLICY, StationSocket
from runtime.address import Address
from runtime.errors import ActorError


class Link:
    __slots__ = (
        "_asked", "_calls", "_certificate", "_correlated", "_credit", "_dialect", "_flooding", "_hub", "_number", "_pumping",
        "_resume", "_rpc", "_working", "address", "generation", "heard_boot", "protocol", "socket", "station", "tenant",
    )  # fmt: skip

    def __init__(
        self,
        hub: Hub,
        socket: StationSocket,
        dialect: Dialect,
        tenant: str,
        station: str,
        generation: int,
        certificate: peers.Peer | None = None,
    ) -> None:
        self._hub = hub
        self.socket = socket
        self._dialect = dialect
        self.protocol = dialect.protocol
        self.tenant = tenant
        self.station = station
        self.address = Address(*station_address(tenant, station))
        self.generation = generation
        self._correlated = f"{station}.{generation:x}."
        self._asked: Asked | None = None
        """The CALL that is with the actor. One at a time, so no closure keeps it."""
        self._rpc = rpc.Rpc(generation, dialect.codes, strict=hub.strict)
        self._working = False
        self._pumping = False
        self._number = 0
        self._calls: Calls | None = None
        """Once there was one; it ends with the connection, so that no cycle is left."""
        self.heard_boot = False
        self._credit: float = hub.limits.message_burst
        self._flooding = 0
        self._resume: trio.Event | None = None
        self._certificate = certificate
        """Which client certificate this connection was opened with (security profile 3)."""
        socket.owner = self
        socket.on_text = self.received
        socket.on_binary = self.received_binary
        socket.on_crowded = self.wait_for_room

    # -- from the station ------------------------------------------------------------------------------------------

    def received(self, text: str) -> None:
        """One text message, in the task that reads the socket. Never raises."""
        self._credit -= 1
        if self._credit <= 0:
            self.socket.crowded = True
        event = self._rpc.receive(text)
        if type(event) is rpc.Call:
            self._called(event, text)
        elif isinstance(event, (rpc.Answer, rpc.Failure)):
            self._answered(event, text)
        elif isinstance(event, rpc.Late):
            self._hub.counters.answers_late += 1
            self.note(("late_answer",))
            kind = "CALLRESULT" if event.type == rpc.CALLRESULT else "CALLERROR"
            self._hub.trace(self, "in", kind, "", event.unique_id, text, "an answer to nothing that is out")
        elif isinstance(event, rpc.Malformed):
            self._malformed(event, text)

    def received_binary(self, data: bytes) -> None:
        """OCPP-J is text: a binary message is answered like any frame that cannot be read."""
        self.received(data.decode("utf-8", "replace"))

    def _called(self, call: rpc.Call, text: str) -> None:
        hub = self._hub
        hub.counters.calls_in += 1
        self._number += 1
        asked = Asked(call, text, hub.now(), f"{self._correlated}{self._number}")
        if not self._working:
            self._working = True
            self._begin(asked)
            if not self._working:
                self._next()
            return
        waiting = self._rpc.inbound
        if waiting is None:
            waiting = self._rpc.inbound = deque()
        waiting.append(asked)
        if len(waiting) >= hub.limits.inbound_calls:
            self.socket.crowded = True

    def _malformed(self, event: rpc.Malformed, text: str) -> None:
        hub = self._hub
        hub.counters.malformed += 1
        self.note(("not_json",))
        hub.trace(self, "in", "malformed", event.action, event.unique_id, text, f"{event.code}: {event.detail}")
        if self._calls is not None and event.unique_id == self._rpc.outstanding:
            self._calls.give_up(CommandFailure("error", event.code, event.detail))
        if event.reply is not None:
            hub.counters.errors_out += 1
            self.post(event.reply, "CALLERROR", event.action, event.unique_id, event.detail)

    def _begin(self, asked: Asked) -> None:
        """Ask the actor; the answer comes back by `_taken` (perhaps at once), without a task per message. Clears
        `_working` when it is through."""
        hub, call = self._hub, asked.call
        try:
            message = self._dialect.read(call)
        except BadPayload as bad:
            hub.counters.malformed += 1
            self.note(("refused",))
            self._fail(asked, bad.code, bad.detail)
            self._working = False
            return
        except Exception as fault:
            hub.fault(f"reading {call.action[:50]}", fault, self)
            self._fail(asked, "InternalError", "")
            self._working = False
            return
        asked.message = message
        asked.mended = self._dialect.mended
        if self._dialect.noted:
            self.note(self._dialect.noted)
        if type(message) is Several:
            hub.spawn(self._recover, asked, None)
            return
        if type(message) is s.Boot and self._impostor(message, asked):
            self._working = False
            return
        self._asked = asked
        hub.system.ask_then(self.address, message, self._taken, deadline=hub.limits.ask_seconds, correlation=asked.correlation)

    def _impostor(self, boot: s.Boot, asked: Asked) -> bool:
        """B01.FR.12: the connection is closed when the boot names another serial number than the certificate."""
        certificate = self._certificate
        if certificate is None or peers.matches_boot(certificate, (boot.serial, boot.box_serial), self.station):
            return False
        hub = self._hub
        hub.counters.refused_certificate += 1
        detail = f"the certificate is of {certificate.name!r}, the boot of serial number {boot.serial!r}"
        body = {"type": "InvalidChargingStationCertificate", "critical": True, "detail": detail}
        hub.sink.put(EventRow(tenant=self.tenant, kind="station.security", subject=self.station, at=hub.now(), body=body))
        hub.trace(self, "in", "CALL", asked.call.action, asked.call.unique_id, asked.text, detail, asked.correlation)
        self.close(POLICY, "the serial number is not that of the certificate")
        return True

    def _revoked(self) -> bool:
        authority = self._hub.snapshots.authority(self.tenant)
        return authority is not None and self._certificate is not None and self._certificate.fingerprint in authority.revoked

    def _taken(self, reply: Any, error: BaseException | None) -> None:
        """In the release of the actor's turn: nothing may be raised here."""
        asked, self._asked = self._asked, None
        assert asked is not None, "one answer to each CALL"
        try:
            if error is not None:
                self._hub.spawn(self._recover, asked, error)
                return
            self._reply(asked, reply)
        except Exception as fault:
            self._hub.fault(f"answering {asked.call.action}", fault, self)
        self._working = False
        if self._rpc.inbound:
            self._next()

    def _next(self) -> None:
        """CALLs are answered in order, one at a time. A loop, not a recursion: thousands may wait, all answered at once."""
        waiting = self._rpc.inbound
        if not waiting or self._pumping:
            return
        self._pumping = True
        try:
            while waiting and not self._working:
                self._working = True
                self._begin(waiting.popleft())
        finally:
            self._pumping = False
            self._maybe_resume()

    def _reply(self, asked: Asked, reply: Any) -> None:
        call = asked.call
        refused = self._dialect.refusal(reply)
        frame = b""
        if refused is None:
            try:
                frame = rpc.result(call.unique_id, self._dialect.write(self._hub.groups.reveal(self.tenant, reply)))
            except Exception as fault:
                self._hub.fault(f"answering {call.action} with {type(reply).__name__}", fault, self)
                refused = "InternalError", ""
        if refused is not None:
            self._fail(asked, *refused)
            return
        if call.confirmed:
            self._hub.counters.answers_out += 1
            self._answer(asked, frame, "CALLRESULT", (reply.detail or None) if type(reply) is CsrReply else None)
        else:
            self._trace_alone(asked)
        if type(asked.message) is s.Boot:
            self.heard_boot = True
            if self._calls is not None:
                self._calls.advance()

    async def _recover(self, asked: Asked, error: BaseException | None) -> None:
        """The first ask failed, or there are several: try again where that is safe, else say what must be said, or nothing."""
        message, correlation = asked.message, asked.correlation
        self._trace_alone(asked)
        try:
            if type(message) is Several:
                reply = await self._ask_all(message, correlation)
            else:
                reply = await self._ask(message, correlation, error)
            self._reply(asked, reply)
        except NoAnswer as silence:
            self._hub.counters.unanswered += 1
            self._hub.exchange(self, asked, "none", "", str(silence))
        except ActorError as failure:
            self._fail(asked, "InternalError", type(failure).__name__)
        except Exception as fault:
            self._hub.fault(f"answering {asked.call.action}", fault, self)
            self._fail(asked, "InternalError", "")
        finally:
            self._working = False
            self._next()

    async def _ask_all(self, several: Several, correlation: str) -> Any:
        """The answer to the last, or the first no."""
        for message in several.before:
            reply = await self._ask(message, correlation)
            if self._dialect.refusal(reply) is not None:
                return reply
        return await self._ask(several.last, correlation)

    async def _ask(self, message: Any, correlation: str, failure: BaseException | None = None) -> Any:
        """The actor's answer, at first or after a first failure. Raises NoAnswer, or ActorError for what is answered with
        InternalError."""
        return await ask_station(self._hub, self.address, message, correlation, self._dialect.unreadable, failure)

    def _fail(self, asked: Asked, code: str, detail: str) -> None:
        if asked.call.confirmed:
            self._hub.counters.errors_out += 1
            self._answer(asked, rpc.error(asked.call.unique_id, code, detail), "CALLERROR", f"{code}: {detail}")
        else:
            self._trace_alone(asked)

    def _answer(self, asked: Asked, frame: bytes, kind: str, error: str | None) -> None:
        try:
            self.socket.post(frame)
        except ConnectionClosed:
            error = "the connection is closed"
        self._hub.exchange(self, asked, kind, frame.decode(), error)

    def _trace_alone(self, asked: Asked) -> None:
        """Its answer is not soon to come, or never: what is waited for must be visible."""
        if not asked.traced:
            asked.traced = True
            self._hub.trace_call(self, asked)

    def post(self, frame: bytes, kind: str, action: str, unique_id: Any, error: str | None = None, correlation: str = "") -> bool:
        try:
            self.socket.post(frame)
        except ConnectionClosed:
            error = "the connection is closed"
        self._hub.trace(self, "out", kind, action, unique_id, frame.decode(), error, correlation)
        return error != "the connection is closed"

    # -- to the station: the Line --------------------------------------------------------------------------------------

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        rendered = self._dialect.render(intent)
        if self._dialect.noted:
            self.note(self._dialect.noted)
        return rendered

    def learn(self, boot: s.Boot) -> None:
        """The card has it too, unless the boot was on another node."""
        self._dialect.learn((boot.vendor, boot.model, boot.firmware or ""), (boot.serial, boot.box_serial))

    def call(self, command: str, wire: s.WireCall, timeout: float) -> None:
        if self._calls is None:
            self._calls = Calls(self, self._hub, self._dialect, self._rpc)
        self._calls.queue(command, wire, timeout)

    def _answered(self, event: rpc.Answer | rpc.Failure, text: str) -> None:
        assert self._calls is not None, "an answer finds what is out"
        self._calls.answered(event, text)

    def note(self, flags: Iterable[str]) -> None:
        """Quirks that the station was seen to have."""
        self._hub.note(self.tenant, self.station, flags)

    def close(self, code: int, reason: str) -> None:
        self.socket.close_soon(code, reason)

    # -- its life ------------------------------------------------------------------------------------------------------

    async def wait_for_room(self) -> None:
        """Read nothing more until the station's CALLs are fewer and its credit is back."""
        self._hub.counters.throttled += 1
        while self._is_crowded() and self.socket.closed is None:
            self._resume = trio.Event()
            await self._resume.wait()
        self.socket.crowded = False

    def _is_crowded(self) -> bool:
        waiting = self._rpc.inbound
        return self._credit <= 0 or (waiting is not None and len(waiting) >= self._hub.limits.inbound_calls)

    def _maybe_resume(self) -> None:
        if self._resume is not None and not self._is_crowded():
            self._resume.set()
            self._resume = None

    def sweep(self) -> None:
        """One tick of the listener's sweeper: credit, liveness, and an end to what lingers."""
        socket, limits = self.socket, self._hub.limits
        if self._credit < limits.message_burst:
            self._refill(limits.messages_per_second * limits.tick)
        if self._asked is not None:
            self._look_after(self._asked)
        if socket.closing:
            socket.closing += 1
            if socket.closing > limits.close_within:
                self._kill("no answer to the close frame")
            return
        if self._certificate is not None and self._revoked():
            self.close(POLICY, "the certificate was revoked")
            return
        if self._resume is not None:
            return  # it talks too much to be dead, and we do not listen
        socket.silent += 1
        if socket.silent < limits.ping_after and self._dialect.rules.silence is None:
            return
        self._is_it_there()

    def _is_it_there(self) -> None:
        """A ping after some silence; an end after too much of it. Of some stations it is known what to expect (quirk 3)."""
        socket, limits, rules = self.socket, self._hub.limits, self._dialect.rules
        longest = limits.silence if rules.silence is None else max(1, round(rules.silence / limits.tick))
        if rules.pings and not socket.pinged and socket.silent >= limits.ping_after:
            self._hub.counters.pings += 1
            socket.post_ping()
        answered_by = limits.ping_after + limits.pong_within
        if socket.silent >= (answered_by if socket.pinged and socket.ponged else longest):
            self._hub.counters.closed_silent += 1
            self._kill("no sign of life")
        elif socket.pinged and not socket.ponged and socket.silent == answered_by:
            self.note(("no_pong",))

    def _look_after(self, asked: Asked) -> None:
        """A CALL that is not answered within a tick or two appears in the trace without its answer, and those behind it too."""
        asked.sweeps += 1
        if asked.sweeps > 1:
            for waiting in (asked, *(self._rpc.inbound or ())):
                self._trace_alone(waiting)

    def _refill(self, credit: float) -> None:
        limits = self._hub.limits
        if self._credit <= 0:
            self._flooding += 1
            if self._flooding * limits.tick >= limits.flood_seconds:
                self._hub.counters.closed_flood += 1
                self.note(("flood",))
                self.close(POLICY, "too many messages")
        else:
            self._flooding = 0
        self._credit = min(self._credit + credit, limits.message_burst)
        self._maybe_resume()

    def _kill(self, reason: str) -> None:
        self.socket.kill(1006, reason)
        if self._resume is not None:
            self._resume.set()

    def replaced(self) -> None:
        """A newer connection of the same station passed authentication: this one is over (quirk 2)."""
        self._hub.counters.replaced += 1
        self.note(("replaced",))
        self.close(1000, "a newer connection of this station is open")

    def ended(self) -> None:
        """The socket is closed: settle what was under way and tell the actor."""
        if self._calls is not None:
            self._calls.ended()
            self._calls = None
        self.socket.unplug()
        closed = self.socket.closed
        code, reason = (closed.code, closed.reason or "") if closed is not None else (1006, "")
        self._hub.system.tell(self.address, s.Disconnected(self.generation, code, reason))
