"""What an open session costs so far. Pure: everything it needs is the state.

It is reckoned by the station's own clock and by what is durable: a register that ran backwards, or one that nobody can
explain, is no energy. Only to stop a session in time is it asked what may have flowed while the meter kept silent.
"""

from datetime import datetime, timedelta

from actors.limits import DomainLimits
from actors.model.hold import growth
from actors.model.limits import POWER_TOLERANCE
from actors.model.money import Cost, exponent
from actors.model.rating import Rated, UsageError, rate
from actors.model.usage import usage_of
from actors.session.book import billed_from, never_charged
from actors.session.booking import MOST_WH, NotBillable, max_power, tariff_in
from actors.session.rows import place_of
from actors.session.state import SessionState

LIMITS = DomainLimits()


def cost_so_far(state: SessionState, at: datetime) -> Cost | None:
    """What an open session costs if it ended at `at`; None where that is nobody's or cannot be told."""
    rated = rated_so_far(state, at)
    return None if rated is None else rated.cost


def rated_so_far(state: SessionState, at: datetime, more_wh: int = 0) -> Rated | None:
    """The same with its parts, had `more_wh` been delivered besides. Of a long series of readings only some are looked at:
    when the energy flowed is told a little more coarsely than in the final bill."""
    book = state.book
    if state.started_at is None or not state.open or state.verdict is None or not state.verdict.liable:
        return None
    try:
        tariff = tariff_in(state)
        if tariff is None:
            return None
        start = state.meter_start_wh or 0
        curve = state.curve
        if len(curve) > LIMITS.cost_points:
            curve = curve[:: len(curve) // LIMITS.cost_points + 1]
        if book is None:
            moves, since = list(state.charging), state.started_at
        else:
            moves = [(move.at, move.state) for move in book.moves]
            since = at if never_charged(book) else billed_from(book, state.started_at, at)
        stop = start + delivered(state) + more_wh
        usage = usage_of(curve, moves, since, max(since, at), start, stop, even=tariff.plan.even)
        return rate(tariff, usage, time_zone=place_of(state).time_zone)
    except (NotBillable, UsageError):
        return None


def delivered(state: SessionState) -> int:
    """Wh of an open session, by what is durable of it. What is only shown (`energy_wh`) takes any register below the start for
    one that counts from the session's start (quirk 23); nobody pays by that, unless so much can have flowed."""
    if state.book is not None:
        return state.energy_wh or 0
    if state.meter_start_wh is None or state.started_at is None:
        return 0
    told = sorted([(point.at, int(point.energy_wh)) for point in state.curve if point.energy_wh is not None])
    if not told:
        return 0
    at, register = told[-1]
    if register >= state.meter_start_wh:
        return min(register - state.meter_start_wh, MOST_WH)
    power = max_power(state)
    if power is None or register < max(known for _, known in told):
        return 0
    hours = max(0.0, (at - state.started_at).total_seconds()) / 3600
    return register if 0 <= register <= power * hours * float(POWER_TOLERANCE) else 0


def last_word(state: SessionState) -> datetime:
    """Up to when the station has told something, by its own clock. A price is reckoned by that clock alone."""
    assert state.started_at is not None, "an open session has a start"
    said = [state.started_at, *(point.at for point in state.curve[-3:])]
    if state.newest is not None:
        said.append(state.newest)
    if state.book is not None:
        said += [move.at for move in state.book.moves[-1:]]
    return max(said)


def station_time(state: SessionState, now: datetime) -> datetime:
    """Now by the station's clock: its last word, and how long ago that came."""
    said = last_word(state)
    return said if state.heard_at is None or now <= state.heard_at else said + (now - state.heard_at)


def running_cost(state: SessionState, now: datetime) -> Cost | None:
    """Of an open session whose payer wants to know; None for every other."""
    if state.paying is None or not state.paying.accepted or not state.open:
        return None
    return cost_so_far(state, station_time(state, now))


def next_look(
    state: SessionState, running: Cost | None, limit_minor: int, now: datetime, limits: DomainLimits
) -> datetime | None:
    """When it may have come to its limit at the earliest, were all as dear and fast as it can be. None: never."""
    tariff = tariff_in(state)
    if running is None or tariff is None:
        return None
    hour = growth(tariff, max_power(state) or 0, 3600).scaleb(exponent(running.incl.currency))
    if hour <= 0:
        return None
    spent = (unmetered_cost(state, now, limits) or running).incl.amount_minor
    seconds = float((limit_minor - spent) / hour) * 3600
    return now + max(limits.cost_check, min(timedelta(seconds=seconds), limits.overdue_after))


def unmetered_cost(state: SessionState, now: datetime, limits: DomainLimits) -> Cost | None:
    """The most that it may cost by now where the meter kept silent for longer than it should, had the station given all it can
    since. None: it did not, or nobody knows what the station can give; then only readings and time count."""
    power = max_power(state)
    if power is None or state.started_at is None:
        return None
    here = station_time(state, now)
    metered = max((point.at for point in state.curve if point.energy_wh is not None), default=state.started_at)
    seconds = (here - metered - limits.cost_silence).total_seconds()
    if seconds <= 0:
        return None
    rated = rated_so_far(state, here, int(power * seconds / 3600))
    return None if rated is None else rated.cost
