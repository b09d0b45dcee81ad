"""What the keeper of a station's local authorisation list is told (OCPP 2.0.1 block D; 1.6 LocalAuthListManagement)."""

from datetime import datetime
from typing import Literal

import msgspec

from actors.model.decision import AddressKey
from actors.model.intents import SendLocalList
from actors.model.token import TokenCard, TokenNotes


class PutList(msgspec.Struct, frozen=True, gc=False):
    """From now on the station's list is these tokens (references), and is kept in step with what the tenant says of them.
    Reply: Done, or Refused."""

    refs: tuple[str, ...]
    who: str


class PutListFor(msgspec.Struct, frozen=True, gc=False, tag="put_list_for"):
    """Letter from a campaign (`by`): the same, and tell me under `id` (KeeperDone) when the station's list is in step."""

    refs: tuple[str, ...]
    id: str
    by: AddressKey


class DropList(msgspec.Struct, frozen=True, gc=False):
    """The list is emptied, and kept empty. Reply: Done."""

    who: str


class Listed(msgspec.Struct, frozen=True, gc=False):
    """A token of the list as it is now: `card` None where the tenant no longer has it, its status the one at this station.
    Texts are plain."""

    ref: str
    card: TokenCard | None
    text: str | None = None
    group: str | None = None
    notes: TokenNotes | None = None


class SyncDue(msgspec.Struct, frozen=True, gc=False, tag="sync_due"):
    """Timer: see whether the station's list is what it should be, and send the next step."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """Volatile: the next thing to send. `changes`: token reference -> digest of what was said of it ("" where removed)."""

    intent: SendLocalList
    changes: dict[str, str]


class ManualList(msgspec.Struct, frozen=True, gc=False):
    """Volatile: an operator's own SendLocalList was answered; tokens as references."""

    version: int
    update_type: Literal["Full", "Differential"]
    status: str
    entries: dict[str, str]
    masked: dict[str, str]
    at: datetime


class CustomerCleared(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a station forgot a customer (N10); `ref` leaves its list as well."""

    ref: str
    at: datetime
