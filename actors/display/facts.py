"""What is remembered of a station's display messages. Every type has a golden file in tests/actors/golden."""

from datetime import datetime

import msgspec

from actors.model.intents import DisplayMessage


class MessageShown(msgspec.Struct, frozen=True, gc=False, tag="message_shown"):
    """The station accepted it; one with the same id is replaced (O06)."""

    message: DisplayMessage
    at: datetime


class MessagesGone(msgspec.Struct, frozen=True, gc=False, tag="messages_gone"):
    """Cleared, over, or missing in the station's own report."""

    ids: tuple[int, ...]
    at: datetime


class InventoryAsked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="inventory_asked"):
    """The station will tell its messages of this kind (GetDisplayMessages)."""

    request_id: int
    at: datetime
    ids: tuple[int, ...] = ()
    priority: str | None = None
    state: str | None = None


class PartTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="part_told"):
    """A part of such a report; `more` False: the last one."""

    request_id: int
    more: bool
    at: datetime
    messages: tuple[DisplayMessage, ...] = ()


DisplayFact = MessageShown | MessagesGone | InventoryAsked | PartTold
