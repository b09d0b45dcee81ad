"""What a session keeps of the events of an OCPP 2.x transaction, whatever the order they come in.

Stations number their events, queue them while offline and repeat what was not answered. So everything here is a
function of the *set* of events: who started, which token pays, between which registers the energy flowed, what the
vehicle did when. The same events in another order, or twice, leave the same book (PROTOCOLS 3.3). Pure values.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.meter import ENERGY_IMPORT, Reading
from actors.model.token import IdToken, TokenVerdict
from actors.model.units import to_wh
from actors.model.usage import Point, measured

LIMITS = DomainLimits()
ENERGY_INTERVAL = "Energy.Active.Import.Interval"
BEGIN, END = "Transaction.Begin", "Transaction.End"
CHARGED = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
"""States of a vehicle that asks, or has asked, for energy: with the first of them the charge began."""

Ranges = tuple[tuple[int, int], ...]


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A register reading: told by event `seq`, read at `at`."""

    seq: int
    at: datetime
    wh: int

    @property
    def order(self) -> tuple[int, datetime, int]:
        """By the station's numbers first: its clock may have been set in between."""
        return self.seq, self.at, self.wh


class Move(msgspec.Struct, frozen=True, gc=False):
    """A change of the charging state."""

    seq: int
    at: datetime
    state: str


class TokenTold(msgspec.Struct, frozen=True, gc=False):
    """A token and what we said to it. `stopping`: it was presented to end the transaction."""

    seq: int
    at: datetime
    token: IdToken
    verdict: TokenVerdict
    stopping: bool = False

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The lowest pays: who started before who stopped, an accepted token before a refused one, the first of them."""
        return self.stopping, not self.verdict.accepted, self.seq


class EndTold(msgspec.Struct, frozen=True, gc=False):
    seq: int
    at: datetime
    received: datetime
    reason: str


class Interval(msgspec.Struct, frozen=True, gc=False):
    """Energy since the reading before. `clock`: clock-aligned, beside periodic ones that tell the same energy again."""

    at: datetime
    wh: Decimal
    clock: bool


class Book(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`ranges`: numbers of the events that came, as inclusive ranges in order. `holed`: there were more gaps than are kept, so
    that it can never be said to be complete. `contents`: hashes of the latest events, to tell a retry from a contradiction.
    `priced_at`: when the running cost was told last, in the answer to event `priced_seq`."""

    ranges: Ranges = ()
    holed: bool = False
    contents: tuple[tuple[int, str], ...] = ()
    contested: tuple[tuple[int, str], ...] = ()
    started: tuple[int, datetime] | None = None
    ended: EndTold | None = None
    earliest: datetime | None = None
    place_seq: int | None = None
    tokens: tuple[TokenTold, ...] = ()
    moves: tuple[Move, ...] = ()
    begin: Mark | None = None
    end: Mark | None = None
    first: Mark | None = None
    last: Mark | None = None
    intervals: tuple[Interval, ...] = ()
    lost_intervals: bool = False
    trigger: str = ""
    offline: bool = False
    remote_start_id: int | None = None
    time_spent_charging: int | None = None
    cable_max_current: int | None = None
    phases_used: int | None = None
    priced_at: datetime | None = None
    priced_seq: int | None = None


EMPTY = Book()


class Metering(msgspec.Struct, frozen=True, gc=False):
    """Between which registers the energy flowed. `summed`: from intervals, counted from 0. `edges`: told at the start and
    at the end, so that no event in between could change it."""

    start_wh: int
    stop_wh: int
    summed: bool = False
    edges: bool = True


# -- sequence numbers


def knows(book: Book, seq: int) -> bool:
    return any(low <= seq <= high for low, high in reversed(book.ranges))


def complete(book: Book) -> bool:
    """Start and end are there, and whatever the station numbered between them."""
    if book.started is None or book.ended is None or book.holed:
        return False
    return _covered(book.ranges, book.started[0], book.ended.seq)


def missing(book: Book) -> list[tuple[int, int]]:
    """Numbers between the first and the last event that have not come, as inclusive ranges."""
    return [(before[1] + 1, after[0] - 1) for before, after in zip(book.ranges, book.ranges[1:], strict=False)]


def content_of(book: Book, seq: int) -> str | None:
    """The hash of event `seq` as it came first; None where that is long ago."""
    for known, content in reversed(book.contents):
        if known == seq:
            return content
    return None


def is_retry(book: Book, event: Any) -> bool:
    """Did this very event come before? A start is known by its moment even when its content is long forgotten."""
    if event.type == "Started" and book.started == (event.seq, event.at):
        return True
    return bool(content_of(book, event.seq) == event.content)


def _covered(ranges: Ranges, low: int, high: int) -> bool:
    return any(first <= low and high <= last for first, last in ranges)


def _with(ranges: Ranges, seq: int) -> Ranges:
    if not ranges:
        return ((seq, seq),)
    low, high = ranges[-1]
    if seq == high + 1:
        return (*ranges[:-1], (low, seq))
    if seq > high:
        return (*ranges, (seq, seq))
    joined: list[tuple[int, int]] = []
    for first, last in sorted((*ranges, (seq, seq))):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def numbered(book: Book, seq: int, content: str, *, stateless: bool = True) -> Book:
    """The book with this number in it; `stateless`: the event says nothing of the vehicle, so that a gap it fills is one in
    which nothing changed. The second fact of one event changes nothing more."""
    if book.contents and book.contents[-1] == (seq, content):
        return book
    ranges, holed = _with(book.ranges, seq), book.holed
    if len(ranges) > LIMITS.event_ranges:
        ranges, holed = ((ranges[0][0], ranges[1][1]), *ranges[2:]), True
    contents = (*book.contents, (seq, content))[-LIMITS.event_contents :]
    if stateless and book.moves and seq < ranges[-1][1]:
        return replace(book, ranges=ranges, holed=holed, contents=contents, moves=_collapsed(book.moves, ranges))
    return replace(book, ranges=ranges, holed=holed, contents=contents)


def repeats(book: Book, seq: int, state: str) -> bool:
    """Is this the state that the vehicle was in before, with every event in between known?"""
    last = book.moves[-1] if book.moves else None
    return (
        last is not None
        and last.seq < seq
        and last.state == state
        and (last.seq == seq - 1 or _covered(book.ranges, last.seq, seq - 1))
    )


# -- what events tell


def told(book: Book, fact: Any) -> Book:
    """The book with a facts.EventTold in it."""
    seq = fact.seq
    book = numbered(book, seq, fact.content, stateless=fact.charging_state is None)
    started, ended = book.started, book.ended
    if fact.kind == "Started" and (started is None or seq < started[0]):
        started = (seq, fact.at)
    elif fact.kind == "Ended" and (ended is None or seq > ended.seq):
        ended = EndTold(seq, fact.at, fact.received, fact.stopped_reason or "Local")
    moves = book.moves
    if fact.charging_state is not None:
        moves = _moved(moves, Move(seq, fact.at, fact.charging_state), book.ranges)
    return replace(
        book,
        started=started,
        ended=ended,
        earliest=fact.at if book.earliest is None else min(book.earliest, fact.at),
        place_seq=book.place_seq if fact.place is None or fact.place.evse == 0 else seq,
        tokens=book.tokens if fact.token is None else _presented(book.tokens, fact),
        moves=moves,
        trigger=fact.trigger if seq == book.ranges[-1][1] else book.trigger,
        offline=book.offline or fact.offline,
        remote_start_id=fact.remote_start_id if fact.remote_start_id is not None else book.remote_start_id,
        time_spent_charging=_latest(book.time_spent_charging, fact.time_spent_charging),
        cable_max_current=_latest(book.cable_max_current, fact.cable_max_current),
        phases_used=_latest(book.phases_used, fact.phases_used),
    )


def _latest(known: int | None, news: int | None) -> int | None:
    return known if news is None else news


def metered(book: Book, fact: Any, points: Sequence[Point]) -> Book:
    """The book with a facts.EventMetered in it; `points` are those of its readings."""
    book = numbered(book, fact.seq, fact.content)
    begin, end, first, last = book.begin, book.end, book.first, book.last
    intervals = []
    for reading, point in zip(fact.readings, points, strict=True):
        if point.energy_wh is None:
            intervals += _interval(reading)
            continue
        mark = Mark(fact.seq, reading.at, to_wh(point.energy_wh))
        first = mark if first is None or mark.order < first.order else first
        last = mark if last is None or mark.order > last.order else last
        for context, wh in _edges(reading):
            edge = Mark(fact.seq, reading.at, wh)
            if context == BEGIN:
                begin = edge if begin is None or edge.order < begin.order else begin
            else:
                end = edge if end is None or edge.order > end.order else end
    return replace(
        book,
        earliest=fact.at if book.earliest is None else min(book.earliest, fact.at),
        begin=begin,
        end=end,
        first=first,
        last=last,
        **_kept_intervals(book, intervals, first != last),
    )


def _edges(reading: Reading) -> list[tuple[str, int]]:
    """Registers that the station itself names as those of the transaction's begin and end."""
    contexts = {sample.context for sample in reading.samples if sample.measurand == ENERGY_IMPORT}
    found = []
    for context in contexts.intersection((BEGIN, END)):
        value = measured([sample for sample in reading.samples if sample.context == context], ENERGY_IMPORT)
        if value is not None:
            found.append((context, to_wh(value)))
    return found


def _interval(reading: Reading) -> list[Interval]:
    value = measured(reading.samples, ENERGY_INTERVAL)
    if value is None:
        return []
    clock = any(sample.measurand == ENERGY_INTERVAL and sample.context == "Sample.Clock" for sample in reading.samples)
    return [Interval(reading.at, value, clock)]


def _kept_intervals(book: Book, fresh: list[Interval], registers: bool) -> dict[str, Any]:
    """Only a station without a register is billed by its intervals: with two registers they are let go. One that comes
    again (the end may repeat all values of the transaction) is the same interval."""
    if registers:
        return {"intervals": (), "lost_intervals": False} if book.intervals or book.lost_intervals else {}
    if not fresh:
        return {}
    known = {(interval.at, interval.clock): interval for interval in book.intervals}
    for interval in fresh:
        same = known.get((interval.at, interval.clock))
        if same is None or interval.wh > same.wh:
            known[interval.at, interval.clock] = interval
    kept = sorted(known.values(), key=_moment)
    return {"intervals": tuple(kept[: LIMITS.intervals]), "lost_intervals": book.lost_intervals or len(kept) > LIMITS.intervals}


def _moment(interval: Interval) -> datetime:
    return interval.at


def _moved(moves: tuple[Move, ...], move: Move, ranges: Ranges) -> tuple[Move, ...]:
    """Many stations name the state in every event: one that says nothing new is not kept, unless something that is
    missing in between might have said otherwise."""
    if moves and moves[-1].seq < move.seq and moves[-1].state == move.state and _covered(ranges, moves[-1].seq, move.seq):
        return moves
    if not moves or moves[-1].seq < move.seq:
        moves = (*moves, move)
    else:
        moves = _collapsed(tuple(sorted((*moves, move), key=_seq)), ranges)
    most = LIMITS.charging_changes
    return moves if len(moves) <= most else (moves[0], *moves[1 - most :])


def _seq(told: Move | TokenTold) -> int:
    return told.seq


def _collapsed(moves: tuple[Move, ...], ranges: Ranges) -> tuple[Move, ...]:
    """A gap was filled: states that only repeat the one before go."""
    kept: list[Move] = []
    for move in moves:
        if kept and kept[-1].state == move.state and _covered(ranges, kept[-1].seq, move.seq):
            continue
        kept.append(move)
    return tuple(kept)


def _presented(tokens: tuple[TokenTold, ...], fact: Any) -> tuple[TokenTold, ...]:
    stopping = fact.kind == "Ended" or fact.trigger == "StopAuthorized"
    token = TokenTold(fact.seq, fact.at, fact.token, fact.verdict, stopping)
    every = sorted((*tokens, token), key=_seq)
    if len(every) > LIMITS.event_tokens:
        payer = min(every, key=_rank)
        every.remove(next(known for known in every if known is not payer))
    return tuple(every)


def _rank(token: TokenTold) -> tuple[bool, bool, int]:
    return token.rank


# -- what follows from all of them


def payer(book: Book) -> TokenTold | None:
    """Whose session it is. A master pass ends sessions, it pays none (C16)."""
    tokens: Sequence[TokenTold] = book.tokens
    if book.ended is not None and book.ended.reason == "MasterPass":
        tokens = [token for token in tokens if not token.stopping]
    return min(tokens, key=_rank, default=None)


def started_at(book: Book) -> datetime | None:
    """The station's start; as long as that is missing, the earliest event."""
    return book.started[1] if book.started is not None else book.earliest


def begun(book: Book) -> datetime | None:
    """When the vehicle first asked for energy."""
    return min((move.at for move in book.moves if move.state in CHARGED), default=None)


def never_charged(book: Book) -> bool:
    """The station told what the vehicle did, and charging was never part of it."""
    return bool(book.moves) and not any(move.state in CHARGED for move in book.moves)


def billed_from(book: Book, started: datetime, ended: datetime) -> datetime:
    """The first moment in which the vehicle asked for energy; where the station never says, that of the token."""
    first = begun(book)
    if first is None:
        paying = payer(book)
        first = paying.at if paying is not None and not paying.stopping else started
    return min(max(first, started), max(started, ended))


def metering(book: Book) -> Metering | None:
    """Registers that the station names as begin and end go before the first and the last one read; without two of them
    the sum of its intervals counts. None: nobody can tell how much flowed."""
    low, high = book.begin or book.first, book.end or book.last
    if low is not None and high is not None and (low.seq, low.at) != (high.seq, high.at):
        at_start = book.begin is not None or (book.started is not None and low.seq == book.started[0])
        at_end = book.end is not None or (book.ended is not None and high.seq == book.ended.seq)
        return Metering(low.wh, high.wh, edges=at_start and at_end)
    if book.intervals:
        return Metering(0, to_wh(sum((interval.wh for interval in _counted(book)), Decimal(0))), True, False)
    if never_charged(book):
        register = low.wh if low is not None else 0
        return Metering(register, register, edges=False)
    return None


def _counted(book: Book) -> list[Interval]:
    periodic = [interval for interval in book.intervals if not interval.clock]
    return periodic or list(book.intervals)


def summed(book: Book) -> tuple[Point, ...]:
    """Intervals as a register that began at 0: what rating reads its curve from."""
    points, register = [], Decimal(0)
    for interval in _counted(book):
        register += interval.wh
        points.append(Point(interval.at, register))
    return tuple(points)


def settled(book: Book) -> Book:
    """What only pricing needed is let go; retries are still recognised."""
    return replace(book, moves=book.moves[-1:], intervals=(), tokens=())
