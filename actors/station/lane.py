"""The living half of the command lane: what was rendered, what is on its way, who is remembered.

`commands.py` decides; this hands CALLs to the line after their commit, watches over them, and reads the answers. All
of it may be forgotten: a command that nobody can report on any more is settled as unknown, and never sent again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.model import firmware
from actors.model.decision import NOTHING, Decision, Letter, Refused
from actors.model.ids import CONFIGURATION, DEVICE, sibling_address
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, RequestStart, Unsupported, UpdateFirmware
from actors.station import commands, credentials, orders, sealing, siblings, upkeep
from actors.station import messages as m
from actors.station.auth import hash_secret
from actors.station.decide import Station
from actors.station.invited import invited_by
from actors.station.letters import IntentDone, Order
from actors.station.presence import Presence
from actors.station.routing import PendingStart
from actors.station.state import OpenCommand, StationState
from actors.station.switchboard import Connection, OutgoingCall
from runtime.actor import Context

_LOST = "the connection closed before the station answered"
_SILENT = "the connection never reported what became of this command"
_NEVER_SENT = "the connection closed before the command was sent"


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a command with what the line made of it (or why it will not go out)."""

    command: m.Command
    answer: m.WireCall | Unsupported | Refused
    token_ref: str | None = None
    request_id: int | None = None


class CallSilent(msgspec.Struct, frozen=True, gc=False):
    """Volatile timer: the line should have reported on this CALL by now."""

    id: str


class SendNext(msgspec.Struct, frozen=True, gc=False):
    """Volatile: the lane is free, and an order waits."""


class CommandsLost(msgspec.Struct, frozen=True, gc=False):
    """Volatile: of these commands nobody will report any more."""

    ids: tuple[str, ...]


class Lane:
    def __init__(self, context: Context, env: ActorEnv, here: Station, presence: Presence, siblings: Collection[str]) -> None:
        self._context = context
        self._env = env
        self._here = here
        self._presence = presence
        self._siblings = siblings
        self._nudged = False
        """A SendNext is under way."""
        self._leaving: dict[str, OutgoingCall] = {}
        """Decided, not yet committed and handed to the line."""
        self._answers: dict[str, m.Sent] = {}
        """Answers of recent commands, for whoever asks the same again."""
        self._pending: list[PendingStart] = []

    def activated(self, state: StationState) -> Sequence[Any]:
        """A command that is open and not under way on a live line was lost with the process: unknown."""
        connection = self._presence.connection
        under_way = connection.calls if connection is not None else {}
        for command in state.commands:
            if command.id in under_way:
                self._watch(command.id, under_way[command.id].not_after)
        lost = tuple(command.id for command in state.commands if command.id not in under_way)
        if lost:
            return (CommandsLost(lost),)
        return (SendNext(),) if state.orders else ()

    def render(self, state: StationState, command: m.Command) -> Rendered:
        refused = commands.refusal(state, command, self._context.now(), self._env.limits) or self._unfit(command.intent)
        if refused is not None:
            return Rendered(command, refused)
        connection = self._presence.connection
        if connection is None:
            return Rendered(command, Refused("offline", "the station is not connected"))
        intent, request_id = commands.numbered(state, command.intent)
        answer = connection.line.render(intent)
        if isinstance(answer, m.WireCall):
            answer, request_id = commands.carried(answer, command.intent, request_id)
        command = msgspec.structs.replace(command, intent=intent)
        return Rendered(command, answer, self._token_ref(intent), request_id)

    def _token_ref(self, intent: AnyIntent) -> str | None:
        if not isinstance(intent, RequestStart):
            return None
        return self._env.vault.token(self._here.tenant, intent.id_token).ref

    def issue(self, state: StationState, rendered: Rendered, now: datetime) -> Decision:
        command, answer = rendered.command, rendered.answer
        if commands.is_open(state, command.id):
            return Decision(later=command.id)  # asked again while under way: the same answer for both
        if command.id in self._answers:
            return Decision(reply=self._answers[command.id])
        if isinstance(answer, Refused):
            return Decision(reply=answer)
        connection = self._presence.connection
        if connection is None:
            return Decision(reply=Refused("offline", "the station is not connected"))
        if isinstance(answer, Unsupported):
            failure = CommandFailure("unsupported", detail=answer.detail, field=answer.field)
            wire = m.WireCall(type(command.intent).__name__, b"{}")
            return Decision(reply=m.Sent(connection.protocol, wire, failure))
        self._leaving[command.id] = OutgoingCall(command.intent, answer, connection.protocol, command.not_after)
        prepared = m.PreparedCommand(command, answer)
        secret = self._secret_hash(command.intent)
        return commands.decide_issue(self._here, state, prepared, rendered.token_ref, now, rendered.request_id, secret)

    # -- orders of our own actors

    def nudge(self, state: StationState) -> None:
        """After every turn: an order that can go out now goes out next."""
        if self._nudged or self._presence.connection is None:
            return
        if orders.next_order(state, self._context.now()) is not None:
            self._nudged = self._context.tell_self(SendNext())

    def order(self, state: StationState, order: Order, now: datetime) -> Decision:
        """A sealed intent is opened for its name only."""
        sealed, name = order.sealed, "sealed"
        try:
            intent = sealing.opened(self._env.vault, order)
            name = type(intent).__name__
            if sealed is None and sealing.needs_seal(intent):
                sealed = sealing.seal(self._env.vault, self._here.tenant, order.id, intent)
        except Exception as broken:  # another key, another tenant's cell: whatever the vault says
            failure = CommandFailure("error", "Unreadable", f"the order cannot be read: {type(broken).__name__}")
            return Decision(letters=(orders.ended(self._here, order.id, order.by, failure),))
        return orders.decide_order(self._here, state, order, name, sealed, now, self._env.limits)

    def send_next(self, state: StationState, now: datetime) -> Decision:
        self._nudged = False
        connection, order = self._presence.connection, orders.next_order(state, now)
        if connection is None or order is None:
            return NOTHING
        try:
            given = sealing.opened(self._env.vault, Order(order.id, order.not_after, order.by, order.intent, order.sealed))
        except Exception as broken:
            failure = CommandFailure("error", "Unreadable", f"the order cannot be read: {type(broken).__name__}")
            return orders.decide_unsendable(self._here, order, failure, connection.protocol, now)
        refused = credentials.refusal(state, given) or self._unfit(given)
        if refused is not None:
            failure = CommandFailure("error", "SecurityError", refused.detail)
            return orders.decide_unsendable(self._here, order, failure, connection.protocol, now)
        intent, request_id = commands.numbered(state, given)
        wire = connection.line.render(intent)
        if isinstance(wire, Unsupported):
            failure = CommandFailure("unsupported", detail=wire.detail, field=wire.field)
            return orders.decide_unsendable(self._here, order, failure, connection.protocol, now)
        wire, request_id = commands.carried(wire, given, request_id)
        self._leaving[order.id] = OutgoingCall(intent, wire, connection.protocol, order.not_after)
        decision = orders.decide_send(order, wire, intent, self._token_ref(intent), request_id, now)
        begun = credentials.begun(state, intent, order.id, self._secret_hash(intent), now)
        if not begun:
            return decision
        rows = commands.changed_row(self._here, state, begun, now)
        return msgspec.structs.replace(decision, facts=(*decision.facts, *begun), rows=(*decision.rows, *rows))

    def send(self, command: str) -> None:
        """After the commit: hand the CALL to the line, once."""
        call, connection = self._leaving.get(command), self._presence.connection
        if call is None or connection is None:
            self._context.tell_self(m.CommandDone(command, 0, CommandFailure("offline", detail=_NEVER_SENT)))
            return
        connection.calls[command] = self._leaving.pop(command)
        invited = invited_by(call.intent)
        if invited is not None:
            connection.invited.add(invited)
        self._watch(command, call.not_after)
        connection.line.call(command, call.wire, max(0.1, self._patience(call.not_after)))

    def _watch(self, command: str, not_after: datetime) -> None:
        """A line that never reports must not keep a command open for ever."""
        self._context.after(self._patience(not_after) + self._env.limits.call_grace, CallSilent(command))

    def _patience(self, not_after: datetime) -> float:
        left = (not_after - self._context.now()).total_seconds()
        return max(0.0, min(self._env.limits.call_timeout, left))

    def done(self, state: StationState, done: m.CommandDone, now: datetime) -> Decision:
        connection = self._presence.connection
        call = connection.calls.pop(done.id, None) if connection is not None else None
        call = call or self._leaving.pop(done.id, None)
        if call is None:
            return commands.decide_done(self._here, state, done, None, None, now)
        command = commands.open_command(state, done.id)
        sent = m.Sent(call.protocol, call.wire, done.outcome, command.request_id if command is not None else None)
        self._remember(done.id, sent)
        self._expect_start(state, done, call.intent, now)
        concern = self._concern(state, call.intent, command, done, now)
        history: tuple[Sequence[Any], Sequence[Any]] = ((), ())
        if command is not None and isinstance(done.outcome, CommandResult):
            history = upkeep.requested(
                self._here, state, call.intent, done.outcome, command.request_id, now, self._env.limits, done.id
            )  # fmt: skip
        return commands.decide_done(self._here, state, done, sent, call.intent, now, concern, history)

    def _concern(
        self, state: StationState, intent: AnyIntent, command: OpenCommand | None, done: m.CommandDone, now: datetime
    ) -> list[Letter]:
        """To the siblings that keep a book of what this command changed; not of what they ordered themselves."""
        if command is None or not isinstance(done.outcome, CommandResult):
            return []
        letters = []
        for kind in siblings.concerned(intent, self._siblings, state.standing):
            to = sibling_address(self._here.tenant, kind, self._here.id)
            if command.by is not None and tuple(command.by) == to:
                continue
            plain, sealed = sealing.without_secrets(intent), None
            if sealing.needs_seal(plain) and kind not in (DEVICE, CONFIGURATION):
                sealed = sealing.seal(self._env.vault, self._here.tenant, done.id, plain)
            result = sealing.result_without_secrets(done.outcome)
            told = IntentDone(plain if sealed is None else None, result, now, command.request_id, sealed)
            letters.append(Letter(to, told))
        return letters

    def silent(self, state: StationState, silent: CallSilent, now: datetime) -> Decision:
        if not commands.is_open(state, silent.id):
            return NOTHING
        return self.done(state, m.CommandDone(silent.id, 0, CommandFailure("unknown", detail=_SILENT)), now)

    def closed(self, state: StationState, connection: Connection | None, now: datetime) -> Decision:
        """CALLs of a closed connection: whether they arrived, nobody can tell."""
        if connection is None or not connection.calls:
            return NOTHING
        decision = commands.decide_lost(self._here, state, tuple(connection.calls), now)
        failure = CommandFailure("unknown", detail=_LOST)
        answers = [(known, m.Sent(call.protocol, call.wire, failure)) for known, call in connection.calls.items()]
        return msgspec.structs.replace(decision, answers=answers)

    def was_remote(self, token_ref: str, evse: int, now: datetime) -> bool:
        """Does an accepted remote start explain this one? It explains one start only."""
        for pending in self._pending:
            if pending.explains(token_ref, evse, now):
                self._pending.remove(pending)
                return True
        return False

    def explains(self, remote_start_id: int) -> bool:
        """Is this the number of a remote start that the station accepted? It is used up."""
        for pending in self._pending:
            if pending.remote_start_id == remote_start_id:
                self._pending.remove(pending)
                return True
        return False

    def _remember(self, command: str, sent: m.Sent) -> None:
        self._answers[command] = sent
        if len(self._answers) > self._env.limits.recent_commands:
            del self._answers[next(iter(self._answers))]

    def _expect_start(self, state: StationState, done: m.CommandDone, intent: AnyIntent, now: datetime) -> None:
        if not isinstance(done.outcome, CommandResult) or done.outcome.status != "Accepted":
            return
        for command in state.commands:
            if command.id == done.id and command.token_ref is not None:
                until = now + self._env.limits.remote_start_window
                started = intent.remote_start_id if isinstance(intent, RequestStart) else 0
                self._pending.append(PendingStart(command.token_ref, command.evse, until, started))
                del self._pending[: -self._env.limits.pending_starts]

    def _unfit(self, intent: AnyIntent) -> Refused | None:
        """Firmware whose signing certificate is not fit is not offered (A00.FR.707). Who stands for it is looked at where the
        tenant trusts manufacturers' CAs; without any there is nothing to compare with."""
        if not isinstance(intent, UpdateFirmware) or intent.signing_certificate is None:
            return None
        authority = self._env.snapshots.authority(self._here.tenant)
        trusted = authority.anchors("manufacturer") if authority is not None else ()
        revoked = authority.revoked if authority is not None else frozenset()
        found = firmware.problem(intent.signing_certificate, intent.signature or "", trusted, revoked, self._context.now())
        return Refused("invalid", found[1], found[0]) if found is not None else None

    def _secret_hash(self, intent: AnyIntent) -> bytes | None:
        """Of the new password, where the intent sets one."""
        password = credentials.password_in(intent)
        return hash_secret(password, self._env.token_bytes) if password is not None else None
