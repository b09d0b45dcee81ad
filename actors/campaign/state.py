"""A campaign's state and how facts change it."""

from collections.abc import Callable, Iterable, Iterator
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
BLOCK = 200
UNDER_WAY = (GATHERING, RUNNING, PAUSED, CANCELLING)


class CampaignState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`blocks`: targets in the order of their waves, `BLOCK` of them each, so that a change copies few. The first `position` have
    had their turn, and those of `queue` have another. `bounds`: model.campaign.wave_bounds; `wave` from 0. `forgiven`:
    failures that an operator has seen."""

    phase: str = ""
    definition: Definition | None = None
    who: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    gathered: bool = False
    after: str = ""
    blocks: tuple[dict[str, Target], ...] = ()
    counts: dict[str, int] = {}
    bounds: tuple[int, ...] = ()
    wave: int = 0
    not_before: datetime | None = None
    position: int = 0
    queue: tuple[str, ...] = ()
    forgiven: int = 0

    def target(self, station: str) -> Target | None:
        return next((block[station] for block in self.blocks if station in block), None)

    def everybody(self, position: int = 0) -> Iterator[tuple[str, Target]]:
        """From the target at `position` on."""
        first, begin = divmod(position, BLOCK)
        for n in range(first, len(self.blocks)):
            items = iter(self.blocks[n].items())
            yield from islice(items, begin, None) if n == first else items

    @property
    def total(self) -> int:
        return sum(map(len, self.blocks))

    @property
    def active(self) -> int:
        return sum(self.counts.get(state, 0) for state in t.ACTIVE)

    def ready(self, most: int) -> list[str]:
        """Who begins next: those whose turn it is again, then the next of this wave."""
        found = list(islice((station for station in self.queue if self._waits(station)), most))
        bound = self.bounds[self.wave] if self.wave < len(self.bounds) else 0
        if len(found) < most and self.position < bound:
            fresh = islice(self.everybody(self.position), bound - self.position)
            more = (station for station, target in fresh if target.state == t.WAITING)
            found += islice(more, most - len(found))
        return found

    def _waits(self, station: str) -> bool:
        target = self.target(station)
        return target is not None and target.state == t.WAITING

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
    blocks, counts, already = list(state.blocks), dict(state.counts), set(fact.already)
    for station in fact.stations:
        if any(station in block for block in blocks):
            continue
        target = Target(since=fact.at)
        if station in already:
            target = moved(target, "already", "it has this already", fact.at) or target
        if not blocks or len(blocks[-1]) == BLOCK:
            blocks.append({})
        elif state.blocks and blocks[-1] is state.blocks[-1]:
            blocks[-1] = dict(blocks[-1])
        blocks[-1][station] = target
        counts[target.state] = counts.get(target.state, 0) + 1
    state = replace(state, blocks=tuple(blocks), counts=counts, after=fact.after)
    if fact.more or state.definition is None:
        return state
    bounds = wave_bounds(state.definition, state.total)
    return replace(state, gathered=True, bounds=bounds, phase=RUNNING if state.phase == GATHERING else state.phase)


def _wave_begun(state: CampaignState, fact: f.WaveBegun) -> CampaignState:
    return replace(state, wave=fact.number, not_before=fact.not_before)


def _moved(state: CampaignState, stations: Iterable[str], event: str, detail: str, at: datetime) -> CampaignState:
    blocks, counts, again = list(state.blocks), dict(state.counts), []
    for station in stations:
        n = next((n for n, block in enumerate(blocks) if station in block), None)
        target = blocks[n][station] if n is not None else None
        after = moved(target, event, detail, at) if target is not None else None
        if n is None or target is None or after is None:
            continue
        if blocks[n] is state.blocks[n]:
            blocks[n] = dict(blocks[n])
        blocks[n][station] = after
        counts[target.state] -= 1
        counts[after.state] = counts.get(after.state, 0) + 1
        if after.state == t.WAITING:
            again.append(station)
    queue = (*state.queue, *again) if again else state.queue
    return replace(state, blocks=tuple(blocks), counts=counts, queue=queue)


def _ordered(state: CampaignState, fact: f.Ordered) -> CampaignState:
    chosen = set(fact.stations)
    state = _moved(state, fact.stations, "asked" if fact.kept else "ordered", "", fact.at)
    position = state.position
    bound = state.bounds[state.wave] if state.wave < len(state.bounds) else position
    for _, target in islice(state.everybody(position), max(0, bound - position)):
        if target.state == t.WAITING:
            break
        position += 1
    queue = tuple(station for station in state.queue if station not in chosen) if state.queue else ()
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
    idle = [station for station, target in state.everybody() if target.state in (t.WAITING, t.RETRYING)]
    return replace(_moved(state, idle, "cancelled", "", fact.at), phase=CANCELLING, reason=fact.reason, queue=())


def _retried(state: CampaignState, fact: f.Retried) -> CampaignState:
    failed = [station for station, target in state.everybody() if target.state == t.FAILED]
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
