"""A session's state; `apply.py` says how facts change it.

The state keeps what the next decision needs, not the history: a compact series of readings for rating
(`actors/model/usage.Point`), the natural keys of recent meter messages, the stop as it was told.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.rating import KindNet
from actors.model.token import Funds, IdToken, TokenVerdict
from actors.model.usage import Point
from actors.ports import MerchantCard, TariffCard
from actors.session.book import Book
from actors.session.messages import Place
from actors.session.phases import OPEN, SETTLED, Phase

LIMITS = DomainLimits()


class StopTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The stop that ended the session: what a retry must equal. The register is None where a 2.x station told none."""

    meter_stop_wh: int | None
    at: datetime
    reason: str
    token: IdToken | None = None
    verdict: TokenVerdict | None = None


class Paying(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The card payment or wallet that pays (`payment`: attempt:ID or wallet:ID), and what it has been told: `n` outcomes, the
    last being `outcome`. `accepted` False: its token is not good any more, nobody is charged. `order`: the last order to stop,
    `stops` how many there were, `stopped` what became of it."""

    payment: str
    accepted: bool = True
    funds: Funds | None = None
    n: int = 0
    outcome: str = ""
    order: str = ""
    stops: int = 0
    stopped: str = ""
    broke: str = ""
    """Why a wallet holds nothing for it."""


class SessionState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """`flags` inform an operator; `anomalies` are why the session is (or was) quarantined.

    `meters` and `latest_meters` hold the natural keys (moment, content hash) of recent meter messages. `row_at` is when the
    read-model row was last written: it is coalesced between transitions.
    """

    phase: Phase = "new"
    place: Place | None = None
    number: int = 0
    transaction_id: str = ""
    token: IdToken | None = None
    verdict: TokenVerdict | None = None
    tariff: TariffCard | None = None
    meter_start_wh: int | None = None
    started_at: datetime | None = None
    generation: int = 0
    reservation: int | None = None
    series: tuple[Point, ...] = ()
    signed: tuple[Reading, ...] = ()
    """Readings with a signed record, for the CDR: the first and the last ones."""
    latest: tuple[Point, ...] = ()
    """Readings that are not yet in `series`: a tuple that grows by one is copied, and every element touched, each time."""
    meters: tuple[tuple[datetime, str], ...] = ()
    latest_meters: tuple[tuple[datetime, str], ...] = ()
    newest: datetime | None = None
    """The latest moment in `meters` and `latest_meters`: what is later than all is no retry. None: not known."""
    charging: tuple[tuple[datetime, str], ...] = ()
    heard_at: datetime | None = None
    row_at: datetime | None = None
    stop: StopTold | None = None
    contradictions: tuple[StopTold, ...] = ()
    """Stops that said something else, or came after an operator had closed the session: their retries change nothing."""
    ended_at: datetime | None = None
    energy_wh: int | None = None
    flags: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()
    cost: Cost | None = None
    cdr: str | None = None
    journal: str | None = None
    resolution: str | None = None
    credited: str | None = None
    """The CDR that took its bill back."""
    matched: str | None = None
    repeated: str | None = None
    """The latest session with this start's key beyond its generations."""
    book: Book | None = None
    """The events of a 2.x transaction; None for a session of 1.6."""
    billed_from: datetime | None = None
    paying: Paying | None = None
    merchant: MerchantCard | None = None
    """Who sells, where a wallet pays."""
    kinds: tuple[KindNet, ...] = ()
    fingerprint: str = ""
    """Of `cost`, where another actor posts the journal: its parts, and the tariff's version."""

    @property
    def curve(self) -> tuple[Point, ...]:
        """All readings."""
        return (*self.series, *self.latest) if self.latest else self.series

    @property
    def meter_keys(self) -> tuple[tuple[datetime, str], ...]:
        return (*self.meters, *self.latest_meters)

    @property
    def open(self) -> bool:
        return self.phase in OPEN

    @property
    def remarks(self) -> tuple[str, ...]:
        """Anomalies and flags for people: what is both is said once."""
        return (*self.anomalies, *(flag for flag in self.flags if flag not in self.anomalies))


def add_flags(have: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Each flag once, in order of appearance, bounded."""
    fresh = tuple(flag for flag in dict.fromkeys(more) if flag not in have)
    return (have + fresh)[: LIMITS.flags] if fresh else have


def row_due(state: SessionState, now: datetime) -> bool:
    """Is a coalesced row to be written now? Between transitions at most one in `row_every`."""
    return state.row_at is None or now - state.row_at >= LIMITS.row_every


def expects_events(state: SessionState) -> bool:
    """Do further events of a 2.x transaction count?"""
    return state.stop is None and state.phase not in SETTLED and state.resolution is None


def charging_event(state: str) -> Any:
    """Charging is charging; every other state of the vehicle or station suspends."""
    return "charging" if state == "Charging" else "suspended"
