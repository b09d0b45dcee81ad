"""What the keeper of a station's display messages decides (OCPP 2.0.1 block O): pure functions of state, message and time.

The book follows what the station confirmed: a message is in it when it was accepted or a report named it, and goes when
it was cleared, its end has passed, or a complete report no longer has it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.display import facts as f
from actors.display import messages as m
from actors.display.state import DisplayState, apply, over
from actors.limits import DomainLimits
from actors.model.books import entry
from actors.model.decision import NOTHING, AddressKey, Decision
from actors.model.feed import event
from actors.model.intents import ClearDisplayMessage, GetDisplayMessages, SetDisplayMessage
from actors.station.letters import IntentDone
from actors.station.messages import Done

BOOK = "display"


def decide(here: AddressKey, state: DisplayState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """`here`: the actor's address. A message of no known class is a bug and raises KeyError."""
    return _DECIDE[type(message)](here, state, message, now)


def _intent_done(here: AddressKey, state: DisplayState, done: IntentDone, now: datetime) -> Decision:
    intent, status = done.intent, done.result.status
    if isinstance(intent, SetDisplayMessage) and status == "Accepted":
        return _told(here, state, [f.MessageShown(intent.message, done.at)], now)
    if isinstance(intent, ClearDisplayMessage) and status in ("Accepted", "Unknown"):
        facts = [f.MessagesGone((intent.id,), done.at)] if intent.id in state.held else []
        return _told(here, state, facts, now)
    if isinstance(intent, GetDisplayMessages):
        request_id = done.request_id or intent.request_id
        asked = f.InventoryAsked(request_id, done.at, intent.ids, intent.priority, intent.state)
        if status == "Accepted":
            return _told(here, state, [asked], now)
        if status == "Unknown":  # it has none of these
            return _told(here, state, [asked, f.PartTold(request_id, False, done.at)], now)
    return NOTHING


def _part(here: AddressKey, state: DisplayState, part: m.DisplayPart, now: datetime) -> Decision:
    fact = f.PartTold(part.request_id, part.more, now, part.messages)
    if apply(state, fact) == state:
        return Decision(reply=Done())
    return msgspec.structs.replace(_told(here, state, [fact], now), reply=Done())


def _told(here: AddressKey, state: DisplayState, facts: Sequence[Any], now: datetime) -> Decision:
    """With what is over by now taken away, and a row for every message that is other than before."""
    gone = over(state, now)
    told = (*((f.MessagesGone(gone, now),) if gone else ()), *facts)
    if not told:
        return NOTHING
    after = state
    for fact in told:
        after = apply(after, fact)
    rows = [entry(here, BOOK, id, None, now) for id in state.held if id not in after.held]
    rows += [entry(here, BOOK, id, message, now) for id, message in after.held.items() if state.held.get(id) != message]
    if not rows:
        return Decision(facts=told)
    return Decision(facts=told, rows=(*rows, event(here, "station.display", now, messages=sorted(after.held))))


_DECIDE: dict[type, Callable[[AddressKey, DisplayState, Any, datetime], Decision]] = {
    IntentDone: _intent_done,
    m.DisplayPart: _part,
}
