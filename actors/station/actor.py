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
from actors.model.ids import (
    CERTIFICATES,
    DEVICE,
    STATION,
    digest,
    session_address,
    session_id_for_transaction,
    sibling_address,
)
from actors.model.rows import StationRow
from actors.model.token import IdToken, TokenVerdict, judge
from actors.ports import NumberedSession, StationCard, TenantCard
from actors.session.messages import MarkUnreadable, Place
from actors.station import commands, credentials, decide, facts, messages, orders, routing, siblings, state, upkeep, vendors
from actors.station.lane import CallSilent, CommandsLost, Lane, Rendered, SendNext
from actors.station.letters import BootsWanted, Greet, Order, OrderOverdue, OrderWithdrawn
from actors.station.presence import Presence
from actors.station.rows import boot_view
from actors.station.state import StationState
from runtime.actor import Actor, Context

_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 10
_NUMBER_DIGITS = 10
"""Of a transaction number: 31 bits."""


class NumberedStart(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a start with the transaction number it gets if it is none of the retries."""

    start: messages.TransactionStart
    number: int


class Unnumbered(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a stop without a usable number, and the station's open sessions."""

    stop: messages.TransactionStop
    ahead: tuple[str, ...]


class NumberedUnreadable(msgspec.Struct, frozen=True, gc=False):
    unreadable: messages.Unreadable
    number: int


class NumberedEvent(msgspec.Struct, frozen=True, gc=False):
    """Volatile: an event of a transaction whose session may not exist yet, with the number that this would get."""

    event: messages.TransactionEvent
    number: int


class Unregistering(msgspec.Struct, frozen=True, gc=False):
    message: messages.Unregister
    open_sessions: int


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
    needs_prepare = frozenset(
        {
            messages.TransactionStart,
            messages.TransactionMeter,
            messages.TransactionStop,
            messages.TransactionEvent,
            messages.Unreadable,
            messages.Command,
            messages.Unregister,
        }
    )

    def __init__(self, context: Context, env: ActorEnv, siblings: frozenset[str] = frozenset()) -> None:
        """`siblings`: kinds of keepers that exist (actors/kinds.py)."""
        super().__init__(context)
        self._env = env
        self._siblings = siblings
        self._tenant = context.address.tenant
        self._here = decide.Station(context.address.tenant, context.address.id)
        self._presence = Presence(env, self._tenant, self._here.id)
        self._lane = Lane(context, env, self._here, self._presence, siblings)
        self._routes = routing.Routes(env.limits.routes)
        self._places: dict[tuple[int, int], Place] = {}
        self._placed_by: TenantCard | None = None
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

    # -- preparing: what a decision needs besides the state

    def prepared(self, state: StationState, message: Any) -> Any:
        """Events, meter values and stops of a transaction whose route is known wait for nothing."""
        kind = type(message)
        if kind is messages.TransactionEvent:
            known = message.type != "Started" and self._routes.knows(message.transaction_id)
            return message if known else None
        if kind is messages.TransactionMeter:
            number = message.number
            return message if number is None or not self._routes.needs_lookup(number) else None
        if kind is messages.TransactionStop:
            return message if message.number > 0 and not self._routes.needs_lookup(message.number) else None
        return None

    async def prepare(self, state: StationState, message: Any) -> Any:
        if isinstance(message, messages.TransactionMeter):
            if message.number is not None:
                await self._find_route(message.number)
            return message
        if isinstance(message, messages.TransactionStart):
            return NumberedStart(message, await self._env.numbers.take())
        if isinstance(message, messages.TransactionStop):
            if message.number <= 0:
                return Unnumbered(message, tuple(found.session for found in await self._open_sessions()))
            await self._find_route(message.number)
            return message
        if isinstance(message, messages.TransactionEvent):
            return NumberedEvent(message, await self._env.numbers.take())
        if isinstance(message, messages.Command):
            return self._lane.render(state, await self._in_own_words(message))
        if isinstance(message, messages.Unregister):
            return Unregistering(message, len(await self._open_sessions()))
        return await self._prepare_unreadable(message)

    async def _in_own_words(self, command: messages.Command) -> messages.Command:
        """A transaction may be named by our number, in 1.6 words, or as the station calls it, in those of 2.x: the station
        gets its own."""
        named = commands.transaction_named(command.intent)
        own = await self._own_transaction(named) if named is not None else None
        if own is None or own == named:
            return command
        return msgspec.structs.replace(command, intent=commands.about_transaction(command.intent, own))

    async def _own_transaction(self, named: str) -> str | None:
        """How the station calls the transaction; None where nobody knows it. Its own names go before our numbers."""
        if self._routes.knows(named):
            return named
        number = int(named) if named.isascii() and named.isdecimal() and len(named) <= _NUMBER_DIGITS else 0
        known = self._routes.get(number)
        if known is None:
            lookups = self._env.lookups
            known = await lookups.session_by_transaction(self._tenant, self._here.id, named)
            if known is None and number:
                known = await lookups.session_by_number(self._tenant, number)
        return known.transaction_id or None if known is not None and known.station == self._here.id else None

    async def _find_route(self, number: int) -> None:
        if not self._routes.needs_lookup(number):
            return
        found = await self._env.lookups.session_by_number(self._tenant, number)
        if found is not None and found.station == self._here.id:
            self._routes.learn(found)
        else:
            self._routes.learn_foreign(number)

    async def _open_sessions(self) -> Sequence[NumberedSession]:
        """Complete: what was acknowledged is committed, and this reads what is committed."""
        return await self._env.lookups.open_sessions(self._tenant, self._here.id)

    async def _prepare_unreadable(self, message: messages.Unreadable) -> NumberedUnreadable:
        if message.number is not None:
            await self._find_route(message.number)
            return NumberedUnreadable(message, message.number)
        return NumberedUnreadable(message, await self._env.numbers.take() if message.kind in ("start", "event") else 0)

    # -- deciding

    def decide(self, state: StationState, message: Any, now: datetime) -> Decision:
        return self._deciders[type(message)](self, state, message, now)

    def _boot(self, state: StationState, boot: messages.Boot, now: datetime) -> Decision:
        self._presence.heard(now)
        env, card, connection = self._env, self._tenant_card(), self._presence.connection
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
        self._presence.heard(now)
        kind = siblings.INBOUND[type(message)]
        refused = self._refusal(state, type(message))
        if refused is None and kind not in self._siblings:
            refused = messages.NotAdmitted("NotSupported", f"no {kind} is kept here")
        if refused is not None:
            return Decision(reply=refused)
        if type(message) is certificates.CsrReceived and state.boot is not None:
            serials = tuple(serial for serial in (state.boot.serial, state.boot.box_serial) if serial)
            message = msgspec.structs.replace(message, serials=serials)
        return Decision(forward=(sibling_address(self._tenant, kind, self._here.id), message))

    def _heartbeat(self, state: StationState, message: messages.Heartbeat, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.Heartbeat)
        return Decision(reply=now if refused is None else refused)

    def _authorize(self, state: StationState, message: messages.Authorize, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.Authorize)
        if refused is not None:
            return Decision(reply=refused)
        if message.certificate is None and not message.chain:
            return Decision(reply=self._verdict(message.token, now))
        verdict = self._contract_verdict(message, now)
        if CERTIFICATES not in self._siblings:
            return Decision(reply=messages.AuthorizeReply(msgspec.structs.replace(verdict, status="Invalid"), "CertChainError"))
        presented = certificates.ContractPresented(
            verdict, (message.token.ref, *message.spellings), message.certificate, message.chain
        )  # fmt: skip
        return Decision(forward=(sibling_address(self._tenant, CERTIFICATES, self._here.id), presented))

    def _contract_verdict(self, message: messages.Authorize, now: datetime) -> TokenVerdict:
        """Of the contract, however its id is written."""
        for ref in (message.token.ref, *message.spellings):
            card = self._env.snapshots.token(self._tenant, ref)
            if card is not None:
                return judge(card, now)
        return judge(None, now)

    def _status(self, state: StationState, told: messages.ConnectorStatus, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.ConnectorStatus)
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

    def _start(self, state: StationState, numbered: NumberedStart, now: datetime) -> Decision:
        self._presence.heard(now)
        start = numbered.start
        refused = self._refusal(state, messages.TransactionStart)
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
            self._lane.was_remote(start.token.ref, start.evse, now),
            now,
        )

    def _numbered_event(self, state: StationState, numbered: NumberedEvent, now: datetime) -> Decision:
        return self._event(state, numbered.event, now, numbered.number)

    def _event(self, state: StationState, event: messages.TransactionEvent, now: datetime, number: int = 0) -> Decision:
        """The tariff goes along where the session may need it: with what may open it, and with its start."""
        self._presence.heard(now)
        refused = self._refusal(state, messages.TransactionEvent)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or messages.NotAdmitted("SecurityError", "the tenant is unknown"))
        tariff = None
        if state.tariff is not None and (number or event.type == "Started"):
            tariff = self._env.snapshots.tariff(self._tenant, state.tariff, event.at)
        evse = event.evse or 0
        return routing.route_event(
            self._place(state, card, evse, event.connector or 1 if evse else 0),
            state,
            event,
            number,
            self._verdict(event.token, now) if event.token is not None else None,
            tariff,
            self._was_remote(event, now),
            card.settings,
            now,
        )

    def _was_remote(self, event: messages.TransactionEvent, now: datetime) -> bool:
        """By its number; a station that leaves it out, by token, EVSE and time. A number that we gave out before a crash is
        forgotten here, and still ours."""
        if event.remote_start_id is not None:
            self._lane.explains(event.remote_start_id)
            return True
        if event.type != "Started" or event.token is None:
            return False
        return self._lane.was_remote(event.token.ref, event.evse or 0, now)

    def _meter(self, state: StationState, meter: messages.TransactionMeter, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.TransactionMeter)
        if refused is not None:
            return Decision(reply=refused)
        route = self._routes.get(meter.number) if meter.number is not None else None
        return routing.route_meter(self._here, state, meter, route, now)

    def _unnumbered(self, state: StationState, message: Unnumbered, now: datetime) -> Decision:
        return self._stop(state, message.stop, now, message.ahead)

    def _stop(self, state: StationState, stop: messages.TransactionStop, now: datetime, ahead: tuple[str, ...] = ()) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.TransactionStop)
        card = self._tenant_card()
        if refused is not None or card is None:
            return Decision(reply=refused or messages.NotAdmitted("SecurityError", "the tenant is unknown"))
        route = self._routes.get(stop.number)
        verdict = self._verdict(stop.token, now) if stop.token is not None else None
        where = self._place(state, card, route.evse, route.connector) if route else self._place(state, card, 0, 0)
        return routing.route_stop(where, stop, route, ahead, verdict, now, self._env.limits)

    def _unreadable(self, state: StationState, numbered: NumberedUnreadable, now: datetime) -> Decision:
        """The session it concerns, if one is known, else a session of its own keeps it for an operator."""
        message, card = numbered.unreadable, self._tenant_card()
        if not state.registered or card is None:
            return Decision(reply=messages.NotAdmitted("SecurityError", "this station is not registered"))
        route = self._routes.get(numbered.number)
        if message.transaction_id is not None:
            session = session_id_for_transaction(self._here.id, message.transaction_id)
        else:
            session = route.session if route else "x" + digest("unreadable", self._here.id, message.dead_letter)
        where = self._place(state, card, message.evse or 0, 1 if message.evse else 0)
        mark = MarkUnreadable(
            message.dead_letter, message.kind, where, numbered.number, message.at,
            message.transaction_id or "", message.with_token,
        )  # fmt: skip
        return Decision(forward=(session_address(self._tenant, session), mark))

    def _data(self, state: StationState, message: messages.DataTransferred, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.DataTransferred)
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
        self._presence.heard(now)
        refused = self._refusal(state, type(told))
        return Decision(reply=refused) if refused else decide_(self._here, state, told, now, self._env.limits)

    def _customer(self, state: StationState, part: messages.CustomerReportPart, now: datetime) -> Decision:
        self._presence.heard(now)
        refused = self._refusal(state, messages.CustomerReportPart)
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
        self._places.clear()
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
            )
        )

    # -- small look-ups

    def _tenant_card(self) -> TenantCard | None:
        return self._env.snapshots.tenant(self._tenant)

    def _refusal(self, state: StationState, kind: type) -> messages.NotAdmitted | None:
        connection = self._presence.connection if state.boot_status != "Accepted" else None
        spoken = connection.protocol if connection is not None else ""
        return decide.refusal(state, kind, connection.invited if connection and spoken.startswith("ocpp2") else None)

    def _verdict(self, token: IdToken, now: datetime) -> TokenVerdict:
        """A station that lets anybody charge says so instead of naming a token (C02.FR.02)."""
        if token.type == "NoAuthorization":
            return TokenVerdict("Accepted")
        return judge(self._env.snapshots.token(self._tenant, token.ref), now)

    def _place(self, state: StationState, card: TenantCard, evse: int, connector: int) -> Place:
        if card is not self._placed_by:
            self._places.clear()
            self._placed_by = card
        if not 0 <= evse <= state.evses:  # whatever number the station made up: shown, not remembered
            sane = 0 < evse <= self._env.limits.largest_evse
            return routing.place(self._here, state, card, evse if sane else 0, connector if sane else 0)
        found = self._places.get((evse, connector))
        if found is None:
            found = self._places[evse, connector] = routing.place(self._here, state, card, evse, connector)
        return found

    def _new_code(self) -> str:
        return "".join(_CODE_ALPHABET[byte % len(_CODE_ALPHABET)] for byte in self._env.token_bytes(_CODE_LENGTH))

    _deciders: ClassVar[dict[type, Callable[["StationActor", StationState, Any, datetime], Decision]]] = {
        messages.Boot: _boot,
        messages.Heartbeat: _heartbeat,
        messages.Authorize: _authorize,
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
