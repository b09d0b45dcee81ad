"""The station's actor: the shell around its pure functions.

What lasts is the state. What lives hangs on the instance or on the node's switchboard: the line (it outlives a crash
of this actor), routes, remote starts that wait for their transaction. All of it can be derived again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.env import ActorEnv
from actors.model.decision import NOTHING, AddressKey, Decision, Refused
from actors.model.ids import STATION, digest, session_address
from actors.model.intents import CommandFailure, CommandResult, RequestStart, SetVariable, Unsupported
from actors.model.rows import SeenRow, StationRow
from actors.model.token import IdToken, TokenVerdict, judge
from actors.ports import NumberedSession, StationCard, TenantCard
from actors.session.messages import MarkUnreadable, Place
from actors.station import commands, decide, facts, messages, routing, state
from actors.station.auth import hash_secret
from actors.station.rows import boot_view
from actors.station.state import StationState
from actors.station.switchboard import Connection, OutgoingCall
from runtime.actor import Actor, Context

_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 10


class NumberedStart(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a start with the transaction number it gets if it is none of the retries."""

    start: messages.TransactionStart
    number: int


class NumberedUnreadable(msgspec.Struct, frozen=True, gc=False):
    unreadable: messages.Unreadable
    number: int


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a command with what the line made of it (or why it will not go out)."""

    command: messages.Command
    answer: messages.WireCall | Unsupported | Refused
    token_ref: str | None


class Unregistering(msgspec.Struct, frozen=True, gc=False):
    message: messages.Unregister
    open_sessions: int


class CallSilent(msgspec.Struct, frozen=True, gc=False):
    """Volatile timer: the line should have reported on this CALL by now."""

    id: str


class CommandsLost(msgspec.Struct, frozen=True, gc=False):
    """Volatile: of these commands nobody will report any more."""

    ids: tuple[str, ...]


class StationActor(Actor[StationState]):
    kind = STATION
    state_type = StationState
    fact_type = facts.StationFact
    durable_type = type(None)
    """Neither letters nor timers come here: what a station must do lies in its outbox."""
    needs_prepare = frozenset(
        {
            messages.TransactionStart,
            messages.TransactionMeter,
            messages.TransactionStop,
            messages.Unreadable,
            messages.Command,
            messages.Unregister,
        }
    )

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        self._tenant = context.address.tenant
        self._here = decide.Station(context.address.tenant, context.address.id)
        self._address: AddressKey = (context.address.tenant, STATION, context.address.id)
        self._routes = routing.Routes(env.limits.routes)
        self._pending: list[routing.PendingStart] = []
        self._places: dict[tuple[int, int], Place] = {}
        self._placed_by: TenantCard | None = None
        self._answers: dict[str, messages.Sent] = {}
        self._leaving: dict[str, OutgoingCall] = {}
        self._last_seen: datetime | None = None
        self._seen_written: datetime | None = None

    def initial(self) -> StationState:
        return StationState()

    def apply(self, state_: StationState, fact: Any) -> StationState:
        return state.apply(state_, fact)

    def busy(self, state: StationState) -> bool:
        return bool(state.commands) or self._connection() is not None

    def redact(self, state: StationState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, secret=None))
        shown["secret"] = "set" if state.secret is not None else "none"
        for command in shown.get("commands", ()):
            command.pop("token_ref", None)
        connection = self._connection()
        if connection is not None:
            shown["connection"] = {"protocol": connection.protocol, "generation": connection.generation}
        return shown

    def activated(self, state: StationState, effects: Sequence[Any]) -> Sequence[Any]:
        """A command that is open and not under way on a live line was lost with the process: unknown."""
        connection = self._connection()
        under_way = connection.calls if connection is not None else {}
        lost = tuple(command.id for command in state.commands if command.id not in under_way)
        for command in state.commands:
            if command.id in under_way:
                self._watch(command.id, under_way[command.id].not_after)
        return (CommandsLost(lost),) if lost else ()

    # -- preparing: what a decision needs besides the state

    async def prepare(self, state: StationState, message: Any) -> Any:
        if isinstance(message, messages.TransactionMeter):
            if message.number is not None:
                await self._find_route(message.number)
            return message
        if isinstance(message, messages.TransactionStart):
            return NumberedStart(message, await self._env.numbers.take())
        if isinstance(message, messages.TransactionStop):
            if message.number > 0:
                await self._find_route(message.number)
            else:
                await self._open_sessions()
            return message
        if isinstance(message, messages.Command):
            return self._render(state, message)
        if isinstance(message, messages.Unregister):
            return Unregistering(message, len(await self._open_sessions()))
        return await self._prepare_unreadable(message)

    async def _find_route(self, number: int) -> None:
        if not self._routes.needs_lookup(number):
            return
        found = await self._env.lookups.session_by_number(self._tenant, number)
        if found is not None and found.station == self._here.id:
            self._routes.learn(found)
        else:
            self._routes.learn_foreign(number)

    async def _open_sessions(self) -> Sequence[NumberedSession]:
        found = await self._env.lookups.open_sessions(self._tenant, self._here.id)
        for route in found:
            known = self._routes.get(route.number)
            if known is None or known.open:
                self._routes.learn(route)
        return found

    async def _prepare_unreadable(self, message: messages.Unreadable) -> NumberedUnreadable:
        if message.number is not None:
            await self._find_route(message.number)
            return NumberedUnreadable(message, message.number)
        return NumberedUnreadable(message, await self._env.numbers.take() if message.kind == "start" else 0)

    def _render(self, state: StationState, command: messages.Command) -> Rendered:
        refused = commands.refusal(state, command, self.context.now(), self._env.limits)
        if refused is not None:
            return Rendered(command, refused, None)
        connection = self._connection()
        if connection is None:
            return Rendered(command, Refused("offline", "the station is not connected"), None)
        intent = command.intent
        ref = self._env.vault.token(self._tenant, intent.id_token).ref if isinstance(intent, RequestStart) else None
        return Rendered(command, connection.line.render(intent), ref)

    # -- deciding

    def decide(self, state: StationState, message: Any, now: datetime) -> Decision:
        return self._deciders[type(message)](self, state, message, now)

    def _boot(self, state: StationState, boot: messages.Boot, now: datetime) -> Decision:
        self._heard(now)
        return decide.decide_boot(self._here, state, boot, self._tenant_card(), now, self._env.limits)

    def _heartbeat(self, state: StationState, message: messages.Heartbeat, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.Heartbeat)
        return Decision(reply=now if refused is None else refused)

    def _authorize(self, state: StationState, message: messages.Authorize, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.Authorize)
        return Decision(reply=self._verdict(message.token, now) if refused is None else refused)

    def _status(self, state: StationState, told: messages.ConnectorStatus, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.ConnectorStatus)
        if refused is not None:
            return Decision(reply=refused)
        if told.evse == 0:
            return decide.decide_status(self._here, state, told, now, self._env.limits)
        if told.evse > state.evses:
            detail = f"the station has {state.evses} EVSE(s), there is no number {told.evse}"
            return Decision(reply=messages.NotAdmitted("PropertyConstraintViolation", detail))
        return Decision(forward=((self._tenant, "evse", f"{self._here.id}#{told.evse}"), told))

    def _start(self, state: StationState, numbered: NumberedStart, now: datetime) -> Decision:
        self._heard(now)
        start = numbered.start
        refused = decide.refusal(state, messages.TransactionStart)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or messages.NotAdmitted("SecurityError", "the tenant is unknown"))
        tariff = None
        if state.tariff is not None:
            tariff = self._env.snapshots.tariff(self._tenant, state.tariff, start.at)
        return routing.route_start(
            self._place(state, card, start.evse, start.connector),
            state,
            start,
            numbered.number,
            self._verdict(start.token, now),
            tariff,
            self._was_remote(start, now),
            now,
        )

    def _meter(self, state: StationState, meter: messages.TransactionMeter, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.TransactionMeter)
        if refused is not None:
            return Decision(reply=refused)
        route = self._routes.get(meter.number) if meter.number is not None else None
        return routing.route_meter(self._here, state, meter, route, now)

    def _stop(self, state: StationState, stop: messages.TransactionStop, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.TransactionStop)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or messages.NotAdmitted("SecurityError", "the tenant is unknown"))
        route = self._routes.get(stop.number)
        candidates = self._routes.open() if stop.number <= 0 else ()
        verdict = self._verdict(stop.token, now) if stop.token is not None else None
        where = self._place(state, card, route.evse, route.connector) if route else self._place(state, card, 0, 0)
        return routing.route_stop(where, stop, route, candidates, verdict, now, self._env.limits)

    def _unreadable(self, state: StationState, numbered: NumberedUnreadable, now: datetime) -> Decision:
        """The session it concerns, if one is known, else a session of its own keeps it for an operator."""
        message, card = numbered.unreadable, self._tenant_card()
        if not state.registered or card is None:
            return Decision(reply=messages.NotAdmitted("SecurityError", "this station is not registered"))
        route = self._routes.get(numbered.number)
        session = route.session if route else "x" + digest("unreadable", self._here.id, message.dead_letter)
        where = self._place(state, card, message.evse or 0, 1 if message.evse else 0)
        mark = MarkUnreadable(message.dead_letter, message.kind, where, numbered.number, message.at)
        return Decision(forward=(session_address(self._tenant, session), mark))

    def _data(self, state: StationState, message: messages.DataTransferred, now: datetime) -> Decision:
        """No vendor's messages are understood yet: they are in the trace, and the station hears so."""
        self._heard(now)
        refused = decide.refusal(state, messages.DataTransferred)
        return Decision(reply=refused or messages.DataReply("UnknownVendorId"))

    def _firmware(self, state: StationState, told: messages.FirmwareStatus, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.FirmwareStatus)
        return Decision(reply=refused) if refused else decide.decide_firmware(self._here, state, told, now)

    def _log(self, state: StationState, told: messages.LogStatus, now: datetime) -> Decision:
        self._heard(now)
        refused = decide.refusal(state, messages.LogStatus)
        return Decision(reply=refused) if refused else decide.decide_log(self._here, state, told, now)

    def _register(self, state: StationState, message: messages.Register, now: datetime) -> Decision:
        fresh = [self._new_code() for _ in range(decide.codes_missing(state, message))]
        return decide.decide_register(self._here, state, message, fresh, now)

    def _unregister(self, state: StationState, message: Unregistering, now: datetime) -> Decision:
        return decide.decide_unregister(self._here, state, message.message, message.open_sessions, now)

    def _look(self, state: StationState, message: messages.Look, now: datetime) -> Decision:
        connection = self._connection()
        return Decision(
            reply=messages.LiveStation(
                online=connection is not None,
                protocol=connection.protocol if connection else None,
                since=connection.since if connection else None,
                generation=connection.generation if connection else 0,
                boot=boot_view(state),
                last_seen=self._last_seen,
                commands=tuple(command.id for command in state.commands),
            )
        )

    def _route_known(self, state: StationState, route: messages.RouteKnown, now: datetime) -> Decision:
        self._routes.learn(
            NumberedSession(route.number, route.session, self._here.id, route.evse, route.connector, route.open)
        )
        return NOTHING

    # -- the lane of commands

    def _command(self, state: StationState, rendered: Rendered, now: datetime) -> Decision:
        command, answer = rendered.command, rendered.answer
        if commands.is_open(state, command.id):
            return Decision(later=command.id)  # asked again while under way: the same answer for both
        if command.id in self._answers:
            return Decision(reply=self._answers[command.id])
        if isinstance(answer, Refused):
            return Decision(reply=answer)
        connection = self._connection()
        if connection is None:
            return Decision(reply=Refused("offline", "the station is not connected"))
        if isinstance(answer, Unsupported):
            failure = CommandFailure("unsupported", detail=answer.detail, field=answer.field)
            wire = messages.WireCall(type(command.intent).__name__, b"{}")
            return Decision(reply=messages.Sent(connection.protocol, wire, failure))
        self._leaving[command.id] = OutgoingCall(command.intent, answer, connection.protocol, command.not_after)
        prepared = messages.PreparedCommand(command, answer)
        return commands.decide_issue(self._here, state, prepared, rendered.token_ref, now)

    def _send(self, command: str) -> None:
        """After the commit: hand the CALL to the line, once."""
        call, connection = self._leaving.get(command), self._connection()
        if call is None or connection is None:
            gone = CommandFailure("offline", detail="the connection closed before the command was sent")
            self.context.tell_self(messages.CommandDone(command, 0, gone))
            return
        seconds = (call.not_after - self.context.now()).total_seconds()
        timeout = max(0.1, min(self._env.limits.call_timeout, seconds))
        connection.calls[command] = self._leaving.pop(command)
        self._watch(command, call.not_after)
        connection.line.call(command, call.wire, timeout)

    def _watch(self, command: str, not_after: datetime) -> None:
        """A line that never reports must not keep a command open for ever."""
        seconds = max(0.0, (not_after - self.context.now()).total_seconds())
        patience = min(self._env.limits.call_timeout, seconds) + self._env.limits.call_grace
        self.context.after(patience, CallSilent(command))

    def _done(self, state: StationState, done: messages.CommandDone, now: datetime) -> Decision:
        connection = self._connection()
        call = connection.calls.pop(done.id, None) if connection is not None else None
        call = call or self._leaving.pop(done.id, None)
        if call is None:
            return commands.decide_done(self._here, state, done, None, (), None, now)
        self._heard(now)
        sent = messages.Sent(call.protocol, call.wire, done.outcome)
        self._remember(done.id, sent)
        self._expect_start(state, done, now)
        secret = self._new_secret(call, done.outcome)
        variables = commands.revealed(call.intent, done.outcome)
        return commands.decide_done(self._here, state, done, sent, variables, secret, now)

    def _silent(self, state: StationState, silent: CallSilent, now: datetime) -> Decision:
        if not commands.is_open(state, silent.id):
            return NOTHING
        failure = CommandFailure("unknown", detail="the connection never reported what became of this command")
        return self._done(state, messages.CommandDone(silent.id, 0, failure), now)

    def _lost(self, state: StationState, lost: CommandsLost, now: datetime) -> Decision:
        return commands.decide_lost(self._here, state, lost.ids, now)

    def _remember(self, command: str, sent: messages.Sent) -> None:
        self._answers[command] = sent
        if len(self._answers) > self._env.limits.recent_commands:
            del self._answers[next(iter(self._answers))]

    def _expect_start(self, state: StationState, done: messages.CommandDone, now: datetime) -> None:
        if not isinstance(done.outcome, CommandResult) or done.outcome.status != "Accepted":
            return
        for command in state.commands:
            if command.id == done.id and command.token_ref is not None:
                until = now + self._env.limits.remote_start_window
                self._pending.append(routing.PendingStart(command.token_ref, command.evse, until))
                del self._pending[: -self._env.limits.pending_starts]

    def _new_secret(self, call: OutgoingCall, outcome: CommandResult | CommandFailure) -> bytes | None:
        """After an accepted password change the old one is refused. 1.6 writes the key as hex and uses its bytes."""
        intent = call.intent
        if not isinstance(intent, SetVariable) or not isinstance(outcome, CommandResult) or outcome.status != "Accepted":
            return None
        if intent.ref.variable != "BasicAuthPassword":
            return None
        try:
            password = bytes.fromhex(intent.value) if intent.ref.key_1_6 is not None else intent.value.encode()
        except ValueError:
            password = intent.value.encode()
        return hash_secret(password, self._env.token_bytes)

    # -- the connection

    def _connected(self, state: StationState, new: messages.Connected, now: datetime) -> Decision:
        """The highest generation wins; the line it replaces is closed (quirk 2)."""
        old = self._connection()
        if old is not None and old.generation >= new.generation:
            if old.generation > new.generation:
                new.line.close(1008, "a newer connection of this station is open")
            return NOTHING
        if old is not None:
            old.line.close(1000, "replaced by a newer connection")
        connection = Connection(new.line, new.protocol, new.generation, new.peer, now)
        self._env.switchboard.plug(self._address, connection)
        self._last_seen = now
        self._put_seen(connection, True, now)
        return self._give_up(state, old, now)

    def _disconnected(self, state: StationState, gone: messages.Disconnected, now: datetime) -> Decision:
        """Only the current generation's close means that the station is away (quirk 1)."""
        connection = self._connection()
        if connection is None or not self._env.switchboard.unplug(self._address, gone.generation):
            return NOTHING
        self._put_seen(connection, False, now)
        return self._give_up(state, connection, now)

    def _give_up(self, state: StationState, closed: Connection | None, now: datetime) -> Decision:
        """CALLs of a closed connection: whether they arrived, nobody can tell."""
        if closed is None or not closed.calls:
            return NOTHING
        decision = commands.decide_lost(self._here, state, tuple(closed.calls), now)
        failure = CommandFailure("unknown", detail="the connection closed before the station answered")
        answers = [(known, messages.Sent(call.protocol, call.wire, failure)) for known, call in closed.calls.items()]
        return msgspec.structs.replace(decision, answers=answers)

    def _heard(self, now: datetime) -> None:
        """Any inbound message is a sign of life; the row is written now and then."""
        self._last_seen = now
        written = self._seen_written
        if written is not None and now - written < self._env.limits.seen_every:
            return
        connection = self._connection()
        if connection is not None:
            self._put_seen(connection, True, now)

    def _put_seen(self, connection: Connection, online: bool, now: datetime) -> None:
        self._seen_written = now
        self._env.sink.put(
            SeenRow(
                tenant=self._tenant,
                station=self._here.id,
                online=online,
                protocol=connection.protocol,
                since=connection.since if online else now,
                generation=connection.generation,
                last_seen=now,
            )
        )

    # -- after the commit

    def released(self, state: StationState, decision: Decision) -> None:
        for effect in decision.effects:
            self._send(effect.id)
        for row in decision.rows:
            if type(row) is StationRow:
                self._publish(row)

    def _publish(self, row: StationRow) -> None:
        self._places.clear()
        snapshots = self._env.snapshots
        if row.deleted:
            snapshots.drop_station(row.tenant, row.station)
            connection = self._connection()
            if connection is not None:
                connection.line.close(1008, "this station was removed")
            return
        snapshots.put_station(
            StationCard(
                row.tenant, row.station, row.profile, row.auth, row.versions, row.evses, row.tariff, row.location
            )
        )

    # -- small look-ups

    def _connection(self) -> Connection | None:
        return self._env.switchboard.get(self._address)

    def _tenant_card(self) -> TenantCard | None:
        return self._env.snapshots.tenant(self._tenant)

    def _verdict(self, token: IdToken, now: datetime) -> TokenVerdict:
        return judge(self._env.snapshots.token(self._tenant, token.ref), now)

    def _place(self, state: StationState, card: TenantCard, evse: int, connector: int) -> Place:
        if card is not self._placed_by:
            self._places.clear()
            self._placed_by = card
        found = self._places.get((evse, connector))
        if found is None:
            found = self._places[evse, connector] = routing.place(self._here, state, card, evse, connector)
        return found

    def _was_remote(self, start: messages.TransactionStart, now: datetime) -> bool:
        for pending in self._pending:
            if pending.explains(start.token.ref, start.evse, now):
                self._pending.remove(pending)
                return True
        return False

    def _new_code(self) -> str:
        return "".join(_CODE_ALPHABET[byte % len(_CODE_ALPHABET)] for byte in self._env.token_bytes(_CODE_LENGTH))

    _deciders: ClassVar[dict[type, Callable[["StationActor", StationState, Any, datetime], Decision]]] = {
        messages.Boot: _boot,
        messages.Heartbeat: _heartbeat,
        messages.Authorize: _authorize,
        messages.ConnectorStatus: _status,
        NumberedStart: _start,
        messages.TransactionMeter: _meter,
        messages.TransactionStop: _stop,
        NumberedUnreadable: _unreadable,
        messages.DataTransferred: _data,
        messages.FirmwareStatus: _firmware,
        messages.LogStatus: _log,
        messages.RouteKnown: _route_known,
        messages.Register: _register,
        Unregistering: _unregister,
        messages.Look: _look,
        Rendered: _command,
        messages.CommandDone: _done,
        CallSilent: _silent,
        CommandsLost: _lost,
        messages.Connected: _connected,
        messages.Disconnected: _disconnected,
    }
