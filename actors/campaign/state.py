"""A campaign's state and how facts change it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.campaign import facts as f
from actors.campaign import targets as t
from actors.campaign.targets import Target, moved
from actors.model.campaign import Definition, wave_bounds

DRAFT, SCHEDULED, GATHERING, RUNNING = "draft", "scheduled", "gathering", "running"
PAUSED, CANCELLING, CANCELLED, ENDED, DELETED = "paused", "cancelling", "cancelled", "ended", "deleted"
UNDER_WAY = (GATHERING, RUNNING, PAUSED, CANCELLING)


class CampaignState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`targets` in the order of their waves: the first `position` have had their turn, and those of `queue` have another.
    `bounds`: model.campaign.wave_bounds; `wave` from 0. `forgiven`: failures that an operator has seen."""

    phase: str = ""
    definition: Definition | None = None
    who: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    gathered: bool = False
    after: str = ""
    targets: dict[str, Target] = {}
    counts: dict[str, int] = {}
    bounds: tuple[int, ...] = ()
    wave: int = 0
    not_before: datetime | None = None
    position: int = 0
    queue: tuple[str, ...] = ()
    forgiven: int = 0

    @property
    def active(self) -> int:
        return sum(self.counts.get(state, 0) for state in t.ACTIVE)

    def ready(self, most: int) -> list[str]:
        """Who begins next: those whose turn it is again, then the next of this wave."""
        found = [station for station in self.queue if self.targets[station].state == t.WAITING][:most]
        bound = self.bounds[self.wave] if self.wave < len(self.bounds) else 0
        if len(found) < most and self.position < bound:
            fresh = islice(self.targets.items(), self.position, bound)
            more = (station for station, target in fresh if target.state == t.WAITING)
            found += islice(more, most - len(found))
        return found

    @property
    def wave_over(self) -> bool:
        """Everybody of the waves until now has come to an end."""
        return not self.active and not self.counts.get(t.RETRYING, 0) and not self.ready(1)


def _created(state: CampaignState, fact: f.Created) -> CampaignState:
    phase = SCHEDULED if fact.definition.start_at is not None else DRAFT
    return CampaignState(phase=phase, definition=fact.definition, who=fact.who, created_at=fact.at)


def _started(state: CampaignState, fact: f.Started) -> CampaignState:
    return replace(state, phase=GATHERING, started_at=fact.at)


def _targets_taken(state: CampaignState, fact: f.TargetsTaken) -> CampaignState:
    known, counts = dict(state.targets), dict(state.counts)
    already = set(fact.already)
    for station in fact.stations:
        if station in known:
            continue
        target = Target(since=fact.at)
        if station in already:
            target = moved(target, "already", "it has this already", fact.at) or target
        known[station] = target
        counts[target.state] = counts.get(target.state, 0) + 1
    state = replace(state, targets=known, counts=counts, after=fact.after)
    if fact.more or state.definition is None:
        return state
    bounds = wave_bounds(state.definition, len(known))
    return replace(state, gathered=True, bounds=bounds, phase=RUNNING if state.phase == GATHERING else state.phase)


def _wave_begun(state: CampaignState, fact: f.WaveBegun) -> CampaignState:
    return replace(state, wave=fact.number, not_before=fact.not_before)


def _moved(state: CampaignState, stations: Iterable[str], event: str, detail: str, at: datetime) -> CampaignState:
    known, counts, again = dict(state.targets), dict(state.counts), []
    for station in stations:
        target = known.get(station)
        after = moved(target, event, detail, at) if target is not None else None
        if target is None or after is None:
            continue
        counts[target.state] -= 1
        counts[after.state] = counts.get(after.state, 0) + 1
        known[station] = after
        if after.state == t.WAITING:
            again.append(station)
    queue = (*state.queue, *again) if again else state.queue
    return replace(state, targets=known, counts=counts, queue=queue)


def _ordered(state: CampaignState, fact: f.Ordered) -> CampaignState:
    state = _moved(state, fact.stations, "asked" if fact.kept else "ordered", "", fact.at)
    position = state.position
    bound = state.bounds[state.wave] if state.wave < len(state.bounds) else position
    for target in islice(state.targets.values(), position, bound):
        if target.state == t.WAITING:
            break
        position += 1
    queue = tuple(station for station in state.queue if state.targets[station].state == t.WAITING)
    return replace(state, position=position, queue=queue)


def _one_moved(state: CampaignState, fact: f.Moved) -> CampaignState:
    return _moved(state, (fact.station,), fact.event, fact.detail, fact.at)


def _withdrawing(state: CampaignState, fact: f.Withdrawing) -> CampaignState:
    return _moved(state, fact.stations, "withdrawing", "", fact.at)


def _paused(state: CampaignState, fact: f.Paused) -> CampaignState:
    return replace(state, phase=PAUSED, reason=fact.reason)


def _resumed(state: CampaignState, fact: f.Resumed) -> CampaignState:
    phase = RUNNING if state.gathered else GATHERING
    return replace(state, phase=phase, reason="", forgiven=state.counts.get(t.FAILED, 0))


def _cancelled(state: CampaignState, fact: f.Cancelled) -> CampaignState:
    idle = [station for station, target in state.targets.items() if target.state in (t.WAITING, t.RETRYING)]
    return replace(_moved(state, idle, "cancelled", "", fact.at), phase=CANCELLING, reason=fact.reason, queue=())


def _retried(state: CampaignState, fact: f.Retried) -> CampaignState:
    failed = [station for station, target in state.targets.items() if target.state == t.FAILED]
    state = replace(_moved(state, failed, "again", "", fact.at), forgiven=0)
    return replace(state, phase=RUNNING, ended_at=None) if state.phase == ENDED else state


def _ended(state: CampaignState, fact: f.Ended) -> CampaignState:
    return replace(state, phase=fact.phase, ended_at=fact.at, not_before=None)


def _deleted(state: CampaignState, fact: f.Deleted) -> CampaignState:
    return CampaignState(phase=DELETED)


_APPLY: dict[type, Callable[[CampaignState, Any], CampaignState]] = {
    f.Created: _created,
    f.Started: _started,
    f.TargetsTaken: _targets_taken,
    f.WaveBegun: _wave_begun,
    f.Ordered: _ordered,
    f.Moved: _one_moved,
    f.Withdrawing: _withdrawing,
    f.Paused: _paused,
    f.Resumed: _resumed,
    f.Cancelled: _cancelled,
    f.Retried: _retried,
    f.Ended: _ended,
    f.Deleted: _deleted,
}


def apply(state: CampaignState, fact: Any) -> CampaignState:
    return _APPLY[type(fact)](state, fact)
