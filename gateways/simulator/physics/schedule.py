"""What a station's charging profiles leave of its power, at a moment and over a time.

The rules are those of both versions (1.6 section 3.13, 2.0.1 block K): within a purpose the highest stack level that has a
schedule for the moment counts; a transaction's own profile replaces the default; the lowest of what the purposes allow is
the limit. Limits are W for the whole connector: amperes were turned into watts when the profile came in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX, DEFAULT, TRANSACTION, EXTERNAL = "max", "default", "transaction", "external"
_EVERY = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}
_MOST_RECURRENCES = 400


@dataclass(frozen=True)
class Profile:
    """`evse` 0 is the whole station (MAX, EXTERNAL) or any EVSE (DEFAULT). `periods`: seconds after the start, W."""

    id: int
    purpose: str
    stack: int
    evse: int
    kind: str
    periods: tuple[tuple[float, float], ...]
    installed: datetime
    start: datetime | None = None
    duration: float | None = None
    recurrency: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction: str | None = None


@dataclass(frozen=True)
class Charge:
    """What runs at an EVSE: which transaction, and since when (relative profiles count from there)."""

    transaction: str | None
    began: datetime


def limit(profiles: Iterable[Profile], evse: int, charge: Charge | None, at: datetime) -> float | None:
    """W that this EVSE may draw, None when nothing limits it. The station's own maximum is `station_limit`'s matter."""
    best: dict[str, tuple[int, float]] = {}
    for profile in profiles:
        if profile.purpose == MAX or (profile.purpose == EXTERNAL and profile.evse == 0):
            continue
        if profile.evse not in (0, evse) or not _concerns(profile, charge):
            continue
        watts = _limit_of(profile, charge, at)
        if watts is not None and profile.stack >= best.get(profile.purpose, (-1, 0.0))[0]:
            best[profile.purpose] = (profile.stack, watts)
    if TRANSACTION in best:
        best.pop(DEFAULT, None)
    return min((watts for _, watts in best.values()), default=None)


def station_limit(profiles: Iterable[Profile], at: datetime) -> float | None:
    """W that all EVSEs together may draw."""
    best: dict[str, tuple[int, float]] = {}
    for profile in profiles:
        if profile.evse == 0 and profile.purpose in (MAX, EXTERNAL):
            watts = _limit_of(profile, None, at)
            if watts is not None and profile.stack >= best.get(profile.purpose, (-1, 0.0))[0]:
                best[profile.purpose] = (profile.stack, watts)
    return min((watts for _, watts in best.values()), default=None)


def next_change(profiles: Sequence[Profile], charges: Iterable[Charge | None], at: datetime, until: datetime) -> datetime:
    """The next moment after `at` at which a limit may change, `until` at the latest."""
    changes = [moment for charge in charges for moment in _moments(profiles, charge, at, until)]
    return min((moment for moment in changes if moment > at), default=until)


def composite(
    profiles: Sequence[Profile], evses: Sequence[tuple[int, Charge | None, float]], at: datetime, duration: float
) -> list[tuple[int, float]]:
    """`[(second, W), ...]` from `at` on. `evses`: number, what runs there, W of its hardware; all of them for the station's
    connection to the grid, one for that EVSE, which cannot have more than the station either."""
    until = at + timedelta(seconds=duration)
    moments = {at}
    for _, charge, _ in evses:
        moments.update(m for m in _moments(profiles, charge, at, until) if at < m < until)
    found: list[tuple[int, float]] = []
    for moment in sorted(moments):
        total = 0.0
        for number, charge, hardware in evses:
            allowed = limit(profiles, number, charge, moment)
            total += hardware if allowed is None else min(hardware, allowed)
        station = station_limit(profiles, moment)
        watts = total if station is None else min(total, station)
        if not found or found[-1][1] != watts:
            found.append((int((moment - at).total_seconds()), watts))
    return found


def _concerns(profile: Profile, charge: Charge | None) -> bool:
    if profile.purpose != TRANSACTION:
        return True
    return charge is not None and profile.transaction in (None, charge.transaction)


def _origin(profile: Profile, charge: Charge | None, at: datetime) -> datetime:
    if profile.kind == "Relative":
        return charge.began if charge is not None else at
    start = profile.start or profile.valid_from or profile.installed
    if profile.kind == "Recurring" and profile.recurrency in _EVERY and at >= start:
        every = _EVERY[profile.recurrency]
        return start + (at - start) // every * every
    return start


def _limit_of(profile: Profile, charge: Charge | None, at: datetime) -> float | None:
    if profile.valid_from is not None and at < profile.valid_from:
        return None
    if profile.valid_to is not None and at >= profile.valid_to:
        return None
    elapsed = (at - _origin(profile, charge, at)).total_seconds()
    if elapsed < 0 or (profile.duration is not None and elapsed >= profile.duration):
        return None
    return next((watts for start, watts in reversed(profile.periods) if start <= elapsed), None)


def _moments(profiles: Sequence[Profile], charge: Charge | None, at: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    for profile in profiles:
        found += [moment for moment in (profile.valid_from, profile.valid_to) if moment is not None]
        origin = _origin(profile, charge, at)
        steps = [start for start, _ in profile.periods] + ([profile.duration] if profile.duration is not None else [])
        every = _EVERY.get(profile.recurrency or "") if profile.kind == "Recurring" else None
        for _ in range(_MOST_RECURRENCES):
            found += [origin + timedelta(seconds=step) for step in steps]
            if every is None or origin + every > until:
                break
            origin += every
    return found
