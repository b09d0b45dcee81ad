"""The station's actor: the shell around its pure functions.

What lasts is the state. What lives hangs on the instance or on the node's switchboard: the line (it outlives a crash
of this actor), routes, remote starts that wait for their transaction. All of it can be derived again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.certificates import messages as certificates
from actors.env import ActorEnv
from actors.model.decision import NOTHING, Decision
from actors.model.ids import CERTIFICATES, DEVICE, STATION, sibling_address
from actors.model.rows import StationRow
from actors.ports import NumberedSession, StationCard
from actors.station import commands, credentials, decide, facts, messages, orders, siblings, state, upkeep, vendors
from actors.station.lane import CallSilent, CommandsLost, Lane, Rendered, SendNext
from actors.station.letters import BootsWanted, Greet, Order, OrderOverdue, OrderWithdrawn
from actors.station.paying import Ask, Wallets
from actors.station.preparing import (
    NEEDS_PREPARE,
    FundedAuthorize,
    NumberedEvent,
    NumberedStart,
    NumberedUnreadable,
    Preparing,
    Unnumbered,
    Unregistering,
)
from actors.station.presence import Presence
from actors.station.routing import Routes
from actors.station.rows import boot_view, made_of
from actors.station.state import StationState
from actors.station.transactions import Transactions
from actors.station.verdicts import authorized, contract_verdict
from actors.wallet.sizing import Funded
from runtime.actor import Actor, Context

_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 10


class HandOver(msgspec.Struct, frozen=True, gc=False):
    """Volatile: the variables of an older release are still here."""


class StationActor(Actor[StationState]):
    kind = STATION
    state_type = StationState
    fact_type = facts.StationFact
    durable_type = Order | OrderWithdrawn | BootsWanted | OrderOverdue | Greet
    """Letters of siblings and other actors of ours, and the station's own timers."""
    version = 2
    """1: no orders, no history of its upkeep, and the variables here. What is new has defaults, so there is nothing to
    convert; variables are handed over at activation."""
    needs_prepare = NEEDS_PREPARE

    def __init__(self, context: Context, env: ActorEnv, siblings: frozenset[str] = frozenset(), ask: Ask | None = None) -> None:
        """`siblings`: kinds of keepers that exist (actors/kinds.py); `ask`: how wallets are asked."""
        super().__init__(context)
        self._env = env
        self._siblings = siblings
        self._tenant = context.address.tenant
        self._here = decide.Station(context.address.tenant, context.address.id)
        self._presence = Presence(env, self._tenant, self._here.id)
        self._lane = Lane(context, env, self._here, self._presence, siblings)
        self._routes = Routes(env.limits.routes)
        self._preparing = Preparing(env, self._here, self._routes, self._lane, Wallets(env, self._here, ask), context.now)
        self._transactions = Transactions(env, self._here, self._presence, self._lane, self._routes)
        self._unregistered: dict[int, messages.UnregisteredEvse] = {}

    def initial(self) -> StationState:
        return StationState()

    def apply(self, state_: StationState, fact: Any) -> StationState:
        return state.apply(state_, fact)

    def busy(self, state: StationState) -> bool:
        return bool(state.commands) or self._presence.connection is not None

    def redact(self, state: StationState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, secret=None, next_secret=None))
        shown["secret"] = "set" if state.secret is not None else "none"
        for command in shown.get("commands", ()):
            command.pop("token_ref", None)
        if state.orders:
            shown["orders"] = [orders.shown(order) for order in state.orders]
        shown.pop("last_security", None)
        connection = self._presence.connection
        if connection is not None:
            shown["connection"] = {"protocol": connection.protocol, "generation": connection.generation}
        return shown

    def activated(self, state: StationState, effects: Sequence[Any]) -> Sequence[Any]:
        first = self._lane.activated(state)
        return (HandOver(), *first) if state.variables and DEVICE in self._siblings else first

    def prepared(self, state: StationState, message: Any) -> Any:
        return self._preparing.at_once(message)

    async def prepare(self, state: StationState, message: Any) -> Any:
        return await self._preparing.look_up(state, message)

    # -- deciding

    def decide(self, state: StationState, message: Any, now: datetime) -> Decision:
        return self._deciders[type(message)](self, state, message, now)

    def _boot(self, state: StationState, boot: messages.Boot, now: datetime) -> Decision:
        self._presence.heard(now)
        env, card, connection = self._env, self._env.snapshots.tenant(self._tenant), self._presence.connection
        protocol = connection.protocol if connection is not None else ""
        greet_at = renewing = None
        if connection is not None and connection.renew and CERTIFICATES in self._siblings:
            renewing = sibling_address(self._tenant, CERTIFICATES, self._here.id)
        if (
            renewing is None
            and card is not None
            and decide.boot_status(card) == "Accepted"
            and decide.news_of_boot(state, boot, protocol)
        ):
            limits = env.limits
            greet_at = env.switchboard.greetings.next(now, limits.greet_after, limits.greetings_per_second)
        return decide.decide_boot(self._here, state, boot, card, now, env.limits, protocol, greet_at, renewing)

    def _greet(self, state: StationState, greet: Greet, now: datetime) -> Decision:
        return decide.decide_greet(self._here, state, greet, self._siblings, siblings.BOOTS, now)

    def _boots_wanted(self, state: StationState, message: BootsWanted, now: datetime) -> Decision:
        return decide.decide_boots_wanted(state, message)

    def _forward(self, state: StationState, message: Any, now: datetime) -> Decision:
        """It belongs to a sibling, whose commit gates the reply."""
        kind = siblings.INBOUND[type(message)]
        refused = self._presence.refusal(state, type(message), now)
        if refused is None and kind not in self._siblings:
            refused = messages.NotAdmitted("NotSupported", f"no {kind} is kept here")
        if refused is not None:
            return Decision(reply=refused)
        if type(message) is certificates.CsrReceived and state.boot is not None:
            serials = tuple(serial for serial in (state.boot.serial, state.boot.box_serial) if serial)
            message = msgspec.structs.replace(message, serials=serials)
        return Decision(forward=(sibling_address(self._tenant, kind, self._here.id), message))

    def _heartbeat(self, state: StationState, message: messages.Heartbeat, now: datetime) -> Decision:
        refused = self._presence.refusal(state, messages.Heartbeat, now)
        return Decision(reply=now if refused is None else refused)

    def _funded_authorize(self, state: StationState, message: FundedAuthorize, now: datetime) -> Decision:
        return self._authorize(state, message.authorize, now, message.funded)

    def _authorize(
        self, state: StationState, message: messages.Authorize, now: datetime, funded: Funded | None = None
    ) -> Decision:
        refused = self._presence.refusal(state, messages.Authorize, now)
        if refused is not None:
            return Decision(reply=refused)
        if message.certificate is None and not message.chain:
            connection = self._presence.connection
            protocol = connection.protocol if connection is not None else ""
            return Decision(reply=authorized(self._env.snapshots, self._here, message.token, protocol, now, funded))
        judged = contract_verdict(self._env.snapshots, self._here, message, now)
        if CERTIFICATES not in self._siblings:
            return Decision(reply=messages.AuthorizeReply(msgspec.structs.replace(judged, status="Invalid"), "CertChainError"))
        presented = certificates.ContractPresented(
            judged, (message.token.ref, *message.spellings), message.certificate, message.chain
        )  # fmt: skip
        return Decision(forward=(sibling_address(self._tenant, CERTIFICATES, self._here.id), presented))

    def _status(self, state: StationState, told: messages.ConnectorStatus, now: datetime) -> Decision:
        refused = self._presence.refusal(state, messages.ConnectorStatus, now)
        if refused is not None:
            return Decision(reply=refused)
        if told.evse == 0:
            return decide.decide_status(self._here, state, told, now, self._env.limits)
        if not 0 < told.evse <= state.evses:
            known = self._unregistered.get(told.evse)
            self._remember(told, now)
            return decide.decide_unregistered_evse(self._here, told, known, now)
        return Decision(forward=((self._tenant, "evse", f"{self._here.id}#{told.evse}"), told))

    def _remember(self, told: messages.ConnectorStatus, now: datetime) -> None:
        kept, limits = self._unregistered, self._env.limits
        if told.evse in kept or (0 < told.evse <= limits.largest_evse and len(kept) < limits.unregistered_evses):
            kept[told.evse] = messages.UnregisteredEvse(told.evse, told.status, told.detail, told.error, now)

    # -- transactions

    def _start(self, state: StationState, numbered: NumberedStart, now: datetime) -> Decision:
        return self._transactions.start(state, numbered, now)

    def _numbered_event(self, state: StationState, numbered: NumberedEvent, now: datetime) -> Decision:
        return self._transactions.event(state, numbered.event, now, numbered.number, numbered.funded)

    def _event(self, state: StationState, event: messages.TransactionEvent, now: datetime) -> Decision:
        return self._transactions.event(state, event, now)

    def _meter(self, state: StationState, meter: messages.TransactionMeter, now: datetime) -> Decision:
        return self._transactions.meter(state, meter, now)

    def _stop(self, state: StationState, stop: messages.TransactionStop, now: datetime) -> Decision:
        return self._transactions.stop(state, stop, now)

    def _unnumbered(self, state: StationState, message: Unnumbered, now: datetime) -> Decision:
        return self._transactions.stop(state, message.stop, now, message.ahead)

    def _unreadable(self, state: StationState, numbered: NumberedUnreadable, now: datetime) -> Decision:
        return self._transactions.unreadable(state, numbered)

    # -- what it tells of itself

    def _data(self, state: StationState, message: messages.DataTransferred, now: datetime) -> Decision:
        refused = self._presence.refusal(state, messages.DataTransferred, now)
        return Decision(reply=refused) if refused is not None else vendors.decide_data(self._here, message, now)

    def _firmware(self, state: StationState, told: messages.FirmwareStatus, now: datetime) -> Decision:
        return self._upkeep(upkeep.decide_firmware, state, told, now)

    def _log(self, state: StationState, told: messages.LogStatus, now: datetime) -> Decision:
        return self._upkeep(upkeep.decide_log, state, told, now)

    def _publish_status(self, state: StationState, told: messages.PublishFirmwareStatus, now: datetime) -> Decision:
        return self._upkeep(upkeep.decide_publish, state, told, now)

    def _security(self, state: StationState, told: messages.SecurityEvent, now: datetime) -> Decision:
        return self._upkeep(upkeep.decide_security, state, told, now)

    def _upkeep(self, decide_: Callable[..., Decision], state: StationState, told: Any, now: datetime) -> Decision:
        refused = self._presence.refusal(state, type(told), now)
        return Decision(reply=refused) if refused else decide_(self._here, state, told, now, self._env.limits)

    def _customer(self, state: StationState, part: messages.CustomerReportPart, now: datetime) -> Decision:
        refused = self._presence.refusal(state, messages.CustomerReportPart, now)
        if refused is not None:
            return Decision(reply=refused)
        limits, sealed = self._env.limits, None
        if upkeep.is_kept(state, part, limits):
            ref = upkeep.customer_ref(self._here.id, part.request_id, part.seq)
            sealed = self._env.vault.seal(self._tenant, ref, upkeep.CUSTOMER_KIND, part.data)
        return upkeep.decide_customer(self._here, state, part, sealed, now, limits)

    def _callback(self, state: StationState, told: messages.Callback, now: datetime) -> Decision:
        return decide.decide_callback(self._here, state, told, now)

    def _register(self, state: StationState, message: messages.Register, now: datetime) -> Decision:
        fresh = [self._new_code() for _ in range(decide.codes_missing(state, message))]
        return decide.decide_register(self._here, state, message, fresh, now)

    def _unregister(self, state: StationState, message: Unregistering, now: datetime) -> Decision:
        decision = decide.decide_unregister(self._here, state, message.message, message.open_sessions, now)
        if not decision.facts:
            return decision
        letters, timers = orders.abandoned(self._here, state)
        return msgspec.structs.replace(
            decision,
            letters=(*decision.letters, *letters),
            timers=(*decision.timers, *timers),
            rows=(*decision.rows, *upkeep.emptied(self._here, state, now, self._env.limits)),
        )

    def _look(self, state: StationState, message: messages.Look, now: datetime) -> Decision:
        connection = self._presence.connection
        return Decision(
            reply=messages.LiveStation(
                online=connection is not None,
                protocol=connection.protocol if connection else None,
                since=connection.since if connection else None,
                generation=connection.generation if connection else 0,
                boot=boot_view(state),
                last_seen=self._presence.last_seen,
                commands=tuple(command.id for command in state.commands),
                unregistered=tuple(self._unregistered[n] for n in sorted(self._unregistered)),
                orders=tuple(order.id for order in state.orders),
            )
        )

    def _route_known(self, state: StationState, route: messages.RouteKnown, now: datetime) -> Decision:
        self._routes.learn(
            NumberedSession(route.number, route.session, self._here.id, route.evse, route.connector, True, route.transaction_id)
        )
        return NOTHING

    # -- the line and the lane of commands

    def _command(self, state: StationState, rendered: Rendered, now: datetime) -> Decision:
        return self._lane.issue(state, rendered, now)

    def _done(self, state: StationState, done: messages.CommandDone, now: datetime) -> Decision:
        self._presence.heard(now)
        return self._lane.done(state, done, now)

    def _silent(self, state: StationState, silent: CallSilent, now: datetime) -> Decision:
        return self._lane.silent(state, silent, now)

    def _lost(self, state: StationState, lost: CommandsLost, now: datetime) -> Decision:
        return commands.decide_lost(self._here, state, lost.ids, now)

    def _hand_over(self, state: StationState, message: HandOver, now: datetime) -> Decision:
        return decide.decide_hand_over(self._here, state, now)

    def _order(self, state: StationState, order: Order, now: datetime) -> Decision:
        return self._lane.order(state, order, now)

    def _withdrawn(self, state: StationState, message: OrderWithdrawn, now: datetime) -> Decision:
        return orders.decide_withdrawn(self._here, state, message, now)

    def _overdue(self, state: StationState, message: OrderOverdue, now: datetime) -> Decision:
        return orders.decide_overdue(self._here, state, message, now)

    def _send_next(self, state: StationState, message: SendNext, now: datetime) -> Decision:
        return self._lane.send_next(state, now)

    def _connected(self, state: StationState, new: messages.Connected, now: datetime) -> Decision:
        decision = self._lane.closed(state, self._presence.connect(new, now), now)
        if state.boot is not None:
            new.line.learn(state.boot)
        shown = credentials.shown(state, new, now)
        if not shown:
            return decision
        rows = commands.changed_row(self._here, state, shown, now)
        return msgspec.structs.replace(decision, facts=(*decision.facts, *shown), rows=(*decision.rows, *rows))

    def _disconnected(self, state: StationState, gone: messages.Disconnected, now: datetime) -> Decision:
        return self._lane.closed(state, self._presence.disconnect(gone.generation, now), now)

    # -- after the commit

    def released(self, state: StationState, decision: Decision) -> None:
        for effect in decision.effects:
            self._lane.send(effect.id)
        for row in decision.rows:
            if type(row) is StationRow:
                self._publish(row)
        if state.orders:
            self._lane.nudge(state)

    def _publish(self, row: StationRow) -> None:
        self._transactions.forget_places()
        self._unregistered = {n: evse for n, evse in self._unregistered.items() if n > row.evses and not row.deleted}
        snapshots = self._env.snapshots
        if row.deleted:
            snapshots.drop_station(row.tenant, row.station)
            connection = self._presence.connection
            if connection is not None:
                connection.line.close(1008, "this station was removed")
            return
        snapshots.put_station(
            StationCard(
                row.tenant,
                row.station,
                row.profile,
                row.auth,
                row.versions,
                row.evses,
                row.tariff,
                row.location,
                row.auth_next,
                row.profile_next,
                row.serial,
                made_of(row.boot),
                row.merchant,
            )
        )

    def _new_code(self) -> str:
        return "".join(_CODE_ALPHABET[byte % len(_CODE_ALPHABET)] for byte in self._env.token_bytes(_CODE_LENGTH))

    _deciders: ClassVar[dict[type, Callable[["StationActor", StationState, Any, datetime], Decision]]] = {
        messages.Boot: _boot,
        messages.Heartbeat: _heartbeat,
        messages.Authorize: _authorize,
        FundedAuthorize: _funded_authorize,
        messages.ConnectorStatus: _status,
        NumberedStart: _start,
        messages.TransactionEvent: _event,
        NumberedEvent: _numbered_event,
        messages.TransactionMeter: _meter,
        messages.TransactionStop: _stop,
        Unnumbered: _unnumbered,
        NumberedUnreadable: _unreadable,
        messages.DataTransferred: _data,
        messages.FirmwareStatus: _firmware,
        messages.LogStatus: _log,
        messages.PublishFirmwareStatus: _publish_status,
        messages.SecurityEvent: _security,
        messages.CustomerReportPart: _customer,
        **dict.fromkeys(siblings.INBOUND, _forward),
        Greet: _greet,
        BootsWanted: _boots_wanted,
        messages.RouteKnown: _route_known,
        messages.Callback: _callback,
        messages.Register: _register,
        Unregistering: _unregister,
        messages.Look: _look,
        Rendered: _command,
        messages.CommandDone: _done,
        Order: _order,
        OrderWithdrawn: _withdrawn,
        OrderOverdue: _overdue,
        SendNext: _send_next,
        HandOver: _hand_over,
        CallSilent: _silent,
        CommandsLost: _lost,
        messages.Connected: _connected,
        messages.Disconnected: _disconnected,
    }
