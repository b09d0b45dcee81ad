"""What a station's actor and our other actors write to each other: letters, and the timers that belong to them.

They are rows until they are read, so each has a tag of its own and may only grow. An *order* is what another actor wants
the station to be told; its end comes back to who ordered. What the station tells of itself (it booted, it answered
somebody's command) goes to the keepers of its books: `siblings.py` says to whom.
"""

from datetime import datetime

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult
from actors.model.rows import VaultRow
from actors.station.messages import Boot


class Order(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order"):
    """Letter from one of our own actors (`by`): send this to the station as soon as it can take it, before `not_after`. The
    station's state keeps it until then, over disconnections and restarts; it is sent at most once. What became of it comes
    back to `by` as the letter OrderEnded. `sealed` instead of `intent` where that holds personal data or secrets: the
    intent as JSON, sealed by the vault under the order's id."""

    id: str
    not_after: datetime
    by: tuple[str, str, str]
    intent: AnyIntent | None = None
    sealed: VaultRow | None = None


class OrderWithdrawn(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_withdrawn"):
    """Letter from who ordered: if it has not been sent, it need not be. No OrderEnded follows, unless it is to be told (`tell`):
    then with the failure `superseded`."""

    id: str
    tell: bool = False


class OrderEnded(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_ended"):
    """Letter to who ordered. `protocol`: what the station spoke; a failure's reason `timeout` also when `not_after`
    came before it could be sent. `request_id`: the one that was filled in where the intent had none."""

    id: str
    station: str
    outcome: CommandResult | CommandFailure
    protocol: str = ""
    lost: tuple[str, ...] = ()
    request_id: int | None = None


class FirmwareProgress(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="firmware_progress"):
    """Letter to whoever ordered the firmware update `order`, until the station says that it has ended: a firmware status in
    2.x words, or `Booted`, with the firmware that an accepted boot named."""

    order: str
    station: str
    status: str
    at: datetime
    firmware: str | None = None


class OrderOverdue(msgspec.Struct, frozen=True, gc=False, tag="order_overdue"):
    """Durable timer: `not_after` of an order has come."""

    id: str


class IntentDone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="intent_done"):
    """Letter to a sibling that keeps a book of what the station holds (actors/station/siblings.py): an operator's or
    another actor's command of its concern was answered. What the sibling ordered itself comes as OrderEnded only.

    An intent that names a token or a customer comes `sealed` (a letter is a row, too): `sealing.opened` gives it in
    either case. Values of secret variables are emptied."""

    intent: AnyIntent | None
    result: CommandResult
    at: datetime
    request_id: int | None = None
    sealed: VaultRow | None = None


class BootsWanted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="boots_wanted"):
    """Letter from a sibling: tell me of the next accepted boot, whatever boot it is. It holds for one boot and is asked for
    again by who needs the next one, so that a fleet that boots at once wakes only siblings that have something to do.
    `standing`: it holds for every boot until it is taken back, and for the answers of siblings.ALSO as well."""

    kind: str
    wanted: bool = True
    standing: bool = False


class StationBooted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="station_booted"):
    """Letter to siblings that care: the station was accepted. `first`: never before; `changed`: another firmware, vendor,
    model, serial number or protocol than at the boot before. An ordinary boot (neither) is told to those who asked by
    BootsWanted only. It comes seconds after the boot, in a storm minutes: greetings are paced."""

    protocol: str
    vendor: str
    model: str
    firmware: str | None
    reason: str
    first: bool
    changed: bool
    at: datetime
    boot: Boot | None = None
    """All that the station said."""


class Greet(msgspec.Struct, frozen=True, gc=False, tag="greet"):
    """Durable timer: it is this boot's turn to be told to the siblings."""

    booted: StationBooted
