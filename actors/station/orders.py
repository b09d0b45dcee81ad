"""Orders: what our own actors want of the station. Pure functions.

An order waits in the station's state, over disconnections and restarts, until the station is online, its boot accepted
and no command under way; then it is sent once, like a command and through the same lane. Commands of people never wait
for it. Whatever becomes of it is told to who ordered, in the commit that settles it: an order has a durable timer, so the
telling never depends on the station.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.model.decision import NOTHING, AddressKey, Decision, Effect, Letter, Timer
from actors.model.intents import AnyIntent, CommandFailure, CommandResult
from actors.model.rows import VaultRow
from actors.station import facts as f
from actors.station import messages as m
from actors.station.decide import Station
from actors.station.letters import Order, OrderEnded, OrderOverdue, OrderWithdrawn
from actors.station.state import OpenCommand, OpenOrder, StationState

TOPIC = "ocpp"
NOT_SENT = "NotSent"
"""Code of a failure that happened before anything went out."""
_REMOTE = ("RequestStart", "RequestStop")
"""Not before the boot was accepted (PROTOCOLS 2.4)."""


def _name(id: str) -> str:
    return f"order:{id}"


def ended(
    here: Station,
    id: str,
    by: AddressKey,
    outcome: CommandResult | CommandFailure,
    protocol: str = "",
    lost: tuple[str, ...] = (),
    request_id: int | None = None,
) -> Letter:
    return Letter(by, OrderEnded(id, here.id, outcome, protocol, lost, request_id))


def decide_order(
    here: Station, state: StationState, order: Order, name: str, sealed: VaultRow | None, now: datetime, limits: DomainLimits
) -> Decision:
    """Take it, or say at once why not. `sealed`: the intent as it may be kept, where it may not be in plain."""
    if is_known(state, order.id):
        return NOTHING
    failure: CommandFailure | None = None
    if not state.registered:
        failure = CommandFailure("error", "UnknownStation", "there is no such station")
    elif order.not_after <= now:
        failure = CommandFailure("timeout", NOT_SENT, "the time in which this was to be sent is over")
    elif len(state.orders) >= limits.open_orders:
        failure = CommandFailure("error", "Busy", f"{len(state.orders)} orders are waiting")
    if failure is not None:
        return Decision(letters=(ended(here, order.id, order.by, failure),))
    intent = order.intent if sealed is None else None
    fact = f.OrderAccepted(order.id, name, order.not_after, order.by, now, intent, sealed)
    return Decision(facts=(fact,), timers=(Timer(_name(order.id), order.not_after, OrderOverdue(order.id)),))


def is_known(state: StationState, id: str) -> bool:
    return (
        any(order.id == id for order in state.orders)
        or any(command.id == id for command in state.commands)
        or any(settled == id for settled, _ in state.settled)
    )


def waiting(state: StationState, id: str) -> OpenOrder | None:
    return next((order for order in state.orders if order.id == id), None)


def decide_withdrawn(here: Station, state: StationState, message: OrderWithdrawn, now: datetime) -> Decision:
    """Once it is on its way, it is too late: OrderEnded follows then."""
    order = waiting(state, message.id)
    if order is None:
        return NOTHING
    told = CommandFailure("superseded", NOT_SENT, "the order was withdrawn")
    return Decision(
        facts=(f.OrderDropped(message.id, "withdrawn", now),),
        letters=(ended(here, order.id, order.by, told),) if message.tell else (),
        timers=(Timer(_name(message.id), None),),
    )


def decide_overdue(here: Station, state: StationState, message: OrderOverdue, now: datetime) -> Decision:
    order = waiting(state, message.id)
    if order is None:
        return NOTHING
    failure = CommandFailure("timeout", NOT_SENT, "the station could not take it before its time was over")
    return Decision(facts=(f.OrderDropped(order.id, "timeout", now),), letters=(ended(here, order.id, order.by, failure),))


def next_order(state: StationState, now: datetime) -> OpenOrder | None:
    """The oldest that may be sent now, once the lane is free. Commands of people go first."""
    if not state.orders or state.commands or not state.registered:
        return None
    for order in state.orders:
        if order.not_after > now and (
            state.boot_status == "Accepted" or (state.boot_status == "Pending" and order.name not in _REMOTE)
        ):
            return order
    return None


def decide_send(
    order: OpenOrder, wire: m.WireCall, intent: AnyIntent, token_ref: str | None, request_id: int | None, now: datetime
) -> Decision:
    """Commit the attempt; it is sent after the commit (`released`)."""
    fact = f.OrderSent(order.id, wire.action, now, token_ref, getattr(intent, "evse", None), request_id)
    body = msgspec.json.encode({"action": wire.action})
    return Decision(
        facts=(fact,),
        effects=(Effect(order.id, "once", TOPIC, body, order.not_after),),
        timers=(Timer(_name(order.id), None),),
    )


def decide_unsendable(here: Station, order: OpenOrder, failure: CommandFailure, protocol: str, now: datetime) -> Decision:
    return Decision(
        facts=(f.OrderDropped(order.id, failure.reason, now),),
        letters=(ended(here, order.id, order.by, failure, protocol),),
        timers=(Timer(_name(order.id), None),),
    )


def told(
    here: Station,
    commands: Sequence[OpenCommand],
    outcome: CommandResult | CommandFailure,
    protocol: str = "",
    lost: tuple[str, ...] = (),
) -> list[Letter]:
    """OrderEnded for those of `commands` that were orders."""
    return [
        ended(here, command.id, command.by, outcome, protocol, lost, command.request_id)
        for command in commands
        if command.by is not None
    ]


def abandoned(here: Station, state: StationState) -> tuple[list[Letter], list[Timer]]:
    """The station is unregistered: everybody hears that their order will not be carried out (or that nobody can tell)."""
    gone = CommandFailure("error", "UnknownStation", "the station was removed")
    letters = [ended(here, order.id, order.by, gone) for order in state.orders]
    letters += told(here, state.commands, CommandFailure("unknown", detail="the station was removed"))
    return letters, [Timer(_name(order.id), None) for order in state.orders]


def shown(order: OpenOrder) -> dict[str, Any]:
    """For the console: what waits, without what it says."""
    return {"id": order.id, "intent": order.name, "not_after": order.not_after, "by": "/".join(order.by)}
