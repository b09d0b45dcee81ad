"""What a session actor is told. Transaction messages come forwarded from the station, completed with what the
decision needs besides the state (token verdict, tariff version, number): that is copied into the facts.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from actors.model.meter import Reading
from actors.model.rows import CdrRow, DocumentRow, JournalRow
from actors.model.token import IdToken, TokenNotes, TokenVerdict
from actors.ports import MerchantCard, TariffCard
from actors.station.messages import TransactionEvent


class Place(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a session happens. `location` is the station's location object (OCPI CdrLocation fields)."""

    tenant: str
    station: str
    evse: int
    connector: int
    time_zone: str
    country: str
    currency: str
    location: dict[str, Any] = {}
    country_code: str = ""
    party_id: str = ""
    """The CPO's OCPI identity, where the tenant's settings name one."""


class Start(msgspec.Struct, frozen=True, gc=False):
    """Reply: StartReply. The same start again (a retry) answers the number of the first. `generation` counts
    equal keys: a session that has *ended* knows its own key and generation, so it forwards the start itself to the
    session of the next one, which flags itself (never merged, never billed without an operator)."""

    place: Place
    token: IdToken
    verdict: TokenVerdict
    tariff: TariffCard | None
    number: int
    meter_start_wh: int
    at: datetime
    received: datetime
    generation: int = 0
    reservation: int | None = None
    flags: tuple[str, ...] = ()
    merchant: MerchantCard | None = None
    """Who sells, where a wallet pays."""


class Meter(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done."""

    readings: tuple[Reading, ...]
    content: str
    received: datetime
    flags: tuple[str, ...] = ()


class Stop(msgspec.Struct, frozen=True, gc=False):
    """Reply: StopReply. Ends, rates and books in one turn."""

    meter_stop_wh: int
    at: datetime
    received: datetime
    reason: str
    token: IdToken | None = None
    verdict: TokenVerdict | None = None
    readings: tuple[Reading, ...] = ()
    flags: tuple[str, ...] = ()


class StrayStop(msgspec.Struct, frozen=True, gc=False):
    """A stop that belongs to no known session: kept, visible, resolvable. Reply: StopReply."""

    place: Place
    number: int
    stop: Stop


class ClaimStop(msgspec.Struct, frozen=True, gc=False):
    """A stop without a usable number (0, -1): whose is it? Forwarded along, answered with StopReply.

    First to the *desk*, the session address that keeps this very stop if nobody claims it: there a retried stop
    finds what became of the first. Then to every open session of the station (`ahead`); those it could belong to
    (token and meter range fit) add themselves to `claims`. Exactly one claim: that session ends. None, or several:
    the desk keeps it as a stray stop, since a stop never closes some other session (quirk 14).
    """

    stray: StrayStop
    desk: str
    ahead: tuple[str, ...]
    claims: tuple[str, ...] = ()
    decided: bool = False


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event of a 2.x transaction. Reply: TransactionReply. `place` has EVSE 0 where the event names none. `number` is the
    session's if this event opens it, and 0 where the station knows that the session exists; then `tariff` comes with
    Started only. `priority`: what the driver's charging is worth to the operator, told when a token is accepted.
    `generation`: of how many ended transactions the station has used this id before. `gap_timeout`: seconds that this tenant
    waits for missing events, None: as long as everybody."""

    place: Place
    told: TransactionEvent
    verdict: TokenVerdict | None
    tariff: TariffCard | None
    number: int
    received: datetime
    flags: tuple[str, ...] = ()
    priority: int | None = None
    generation: int = 0
    gap_timeout: int | None = None
    notes: TokenNotes | None = None
    merchant: MerchantCard | None = None


class MarkUnreadable(msgspec.Struct, frozen=True, gc=False):
    """A message for this session crashed its actor and is dead letter `dead_letter`: quarantine. Reply: what the
    station hears, by `kind` ("start": StartReply, "stop": StopReply, "event": TransactionReply, else Done).
    `transaction_id`: of a 2.x event; `with_token`: it carried one, so that a verdict is owed."""

    dead_letter: str
    kind: str
    place: Place | None
    number: int | None
    at: datetime
    transaction_id: str = ""
    with_token: bool = False


class Resolve(msgspec.Struct, frozen=True, gc=False):
    """An operator settles a quarantined or unpriced session. `action`: "bill" as recorded (with `tariff` when it was
    unpriced), "correct" (given `energy_wh`, `started_at`, `ended_at` replace what was recorded), "waive".
    Reply: Done or Refused. The reason is kept."""

    action: Literal["bill", "correct", "waive"]
    reason: str
    who: str
    energy_wh: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tariff: TariffCard | None = None


class Credit(msgspec.Struct, frozen=True, gc=False):
    """Take the whole bill of an invoiced session back. `cdr`, `journal` and `invoice` (if one was issued) are what it booked, as
    they are stored. Reply: Done or Refused (not_invoiced, conflict). The reason is kept."""

    reason: str
    who: str
    cdr: CdrRow
    journal: JournalRow
    invoice: DocumentRow | None = None


class Look(msgspec.Struct, frozen=True, gc=False):
    """Reply: the session's SessionRow as of now."""


# -- durable: letters and timers ---------------------------------------------------------------------------------


class StopClaimed(msgspec.Struct, frozen=True, gc=False, tag="stop_claimed"):
    """Letter to the desk: `session` was ended by the stop that the desk stands for."""

    session: str
    at: datetime


class Repeated(msgspec.Struct, frozen=True, gc=False, tag="repeated"):
    """Letter to the last session that is found by its key: `session` is the latest start with this key beyond it, or the
    latest transaction with its id."""

    session: str
    at: datetime


class Superseded(msgspec.Struct, frozen=True, gc=False, tag="superseded"):
    """Letter from the EVSE: another session started here while this one was open (its stop never came, or comes
    later from an offline queue)."""

    by: str
    at: datetime


class ChargingState(msgspec.Struct, frozen=True, gc=False, tag="charging_state"):
    """Letter from the EVSE: Charging, SuspendedEV, SuspendedEVSE or EVConnected (OCPP 2.x ChargingStateEnum)."""

    state: str
    at: datetime


class GapOver(msgspec.Struct, frozen=True, gc=False, tag="gap_over"):
    """Timer: the missing events of an ended 2.x transaction have been waited for long enough."""

    since: datetime


class CheckCost(msgspec.Struct, frozen=True, gc=False, tag="check_cost"):
    """Timer: has a session that may not cost more than so much come to it, even without a word of the meter?"""


class Overdue(msgspec.Struct, frozen=True, gc=False, tag="overdue"):
    """Timer: the session has been silent for long. It is flagged, never declared ended (quirk 15)."""

    seen: datetime
