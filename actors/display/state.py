"""The messages that a station's display holds, by id."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.display import facts as f
from actors.limits import DomainLimits
from actors.model.intents import DisplayMessage
from actors.model.inventory import Inventory, announced, continued, put

LIMITS = DomainLimits()


class DisplayState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    held: dict[int, DisplayMessage] = {}
    inventories: dict[int, Inventory] = {}


def over(state: DisplayState, now: datetime) -> tuple[int, ...]:
    """Messages whose end has passed: the station has taken them away by itself (O01.FR.07)."""
    return tuple(id for id, message in state.held.items() if message.end is not None and message.end <= now)


def _hold(state: DisplayState, messages: Iterable[DisplayMessage]) -> DisplayState:
    held = {**state.held, **{message.id: message for message in messages}}
    while len(held) > LIMITS.display_messages:
        del held[next(iter(held))]
    return replace(state, held=held)


def _shown(state: DisplayState, fact: f.MessageShown) -> DisplayState:
    return _hold(state, (fact.message,))


def _without(state: DisplayState, ids: Iterable[int]) -> DisplayState:
    gone = set(ids)
    return replace(state, held={id: message for id, message in state.held.items() if id not in gone})


def _gone(state: DisplayState, fact: f.MessagesGone) -> DisplayState:
    return _without(state, fact.ids)


def _asked(state: DisplayState, fact: f.InventoryAsked) -> DisplayState:
    return _settle(state, fact.request_id, announced(state.inventories, fact.request_id, fact))


def _part(state: DisplayState, fact: f.PartTold) -> DisplayState:
    ids = tuple(message.id for message in fact.messages)
    inventory = continued(state.inventories, fact.request_id, ids, fact.more)
    return _settle(_hold(state, fact.messages), fact.request_id, inventory)


def _settle(state: DisplayState, request_id: int, inventory: Inventory) -> DisplayState:
    if inventory.closed:
        asked = msgspec.convert(inventory.asked, f.InventoryAsked)
        gone = [id for id, message in state.held.items() if id not in inventory.told and _covers(asked, message)]
        state = _without(state, gone)
    return replace(state, inventories=put(state.inventories, request_id, inventory, LIMITS.open_reports))


def _covers(asked: f.InventoryAsked, message: DisplayMessage) -> bool:
    """Would the report that was asked for name this message? One without a state is shown in all of them."""
    return (
        (not asked.ids or message.id in asked.ids)
        and asked.priority in (None, message.priority)
        and (asked.state is None or message.state in (None, asked.state))
    )


_APPLY: dict[type, Callable[[DisplayState, Any], DisplayState]] = {
    f.MessageShown: _shown,
    f.MessagesGone: _gone,
    f.InventoryAsked: _asked,
    f.PartTold: _part,
}


def apply(state: DisplayState, fact: Any) -> DisplayState:
    return _APPLY[type(fact)](state, fact)
