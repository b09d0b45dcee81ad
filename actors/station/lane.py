"""The living half of the command lane: what was rendered, what is on its way, who is remembered.

`commands.py` decides; this hands CALLs to the line after their commit, watches over them, and reads the answers. All
of it may be forgotten: a command that nobody can report on any more is settled as unknown, and never sent again.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from actors.env import ActorEnv
from actors.model.decision import NOTHING, Decision, Refused
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, RequestStart, SetVariable, Unsupported
from actors.station import commands
from actors.station import messages as m
from actors.station.auth import hash_secret
from actors.station.decide import Station
from actors.station.presence import Presence
from actors.station.routing import PendingStart
from actors.station.state import StationState
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


class CallSilent(msgspec.Struct, frozen=True, gc=False):
    """Volatile timer: the line should have reported on this CALL by now."""

    id: str


class CommandsLost(msgspec.Struct, frozen=True, gc=False):
    """Volatile: of these commands nobody will report any more."""

    ids: tuple[str, ...]


class Lane:
    def __init__(self, context: Context, env: ActorEnv, here: Station, presence: Presence) -> None:
        self._context = context
        self._env = env
        self._here = here
        self._presence = presence
        self._leaving: dict[str, OutgoingCall] = {}
        """Decided, not yet committed and handed to the line."""
        self._answers: dict[str, m.Sent] = {}
        """Answers of recent commands, for whoever asks the same again."""
        self._pending: list[PendingStart] = []

    def activated(self, state: StationState) -> Sequence[CommandsLost]:
        """A command that is open and not under way on a live line was lost with the process: unknown."""
        connection = self._presence.connection
        under_way = connection.calls if connection is not None else {}
        for command in state.commands:
            if command.id in under_way:
                self._watch(command.id, under_way[command.id].not_after)
        lost = tuple(command.id for command in state.commands if command.id not in under_way)
        return (CommandsLost(lost),) if lost else ()

    def render(self, state: StationState, command: m.Command) -> Rendered:
        refused = commands.refusal(state, command, self._context.now(), self._env.limits)
        if refused is not None:
            return Rendered(command, refused)
        connection = self._presence.connection
        if connection is None:
            return Rendered(command, Refused("offline", "the station is not connected"))
        intent = command.intent
        ref = None
        if isinstance(intent, RequestStart):
            ref = self._env.vault.token(self._here.tenant, intent.id_token).ref
        return Rendered(command, connection.line.render(intent), ref)

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
        return commands.decide_issue(self._here, state, prepared, rendered.token_ref, now)

    def send(self, command: str) -> None:
        """After the commit: hand the CALL to the line, once."""
        call, connection = self._leaving.get(command), self._presence.connection
        if call is None or connection is None:
            self._context.tell_self(m.CommandDone(command, 0, CommandFailure("offline", detail=_NEVER_SENT)))
            return
        connection.calls[command] = self._leaving.pop(command)
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
            return commands.decide_done(self._here, state, done, None, (), None, now)
        sent = m.Sent(call.protocol, call.wire, done.outcome)
        self._remember(done.id, sent)
        self._expect_start(state, done, call.intent, now)
        variables = commands.revealed(call.intent, done.outcome)
        secret = self._new_secret(call, done.outcome)
        return commands.decide_done(self._here, state, done, sent, variables, secret, now)

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

    def _new_secret(self, call: OutgoingCall, outcome: CommandResult | CommandFailure) -> bytes | None:
        """After an accepted password change the old one is refused (A01.FR.03). A caller who speaks 1.6 writes the key
        as hex; the station uses its bytes."""
        intent = call.intent
        if not isinstance(intent, SetVariable) or intent.ref.variable != "BasicAuthPassword":
            return None
        if not isinstance(outcome, CommandResult) or outcome.status != "Accepted":
            return None
        try:
            password = bytes.fromhex(intent.value) if intent.ref.key_1_6 is not None else intent.value.encode()
        except ValueError:
            password = intent.value.encode()
        return hash_secret(password, self._env.token_bytes)
