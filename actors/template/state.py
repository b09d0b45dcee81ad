"""A template's state: what it says, and which stations have it (with the version that each was told)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.model.matching import Match
from actors.model.settings import Setting
from actors.template import facts as f


class TemplateState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`version` goes on after a deletion, so that a later template of the same id is never taken for the former."""

    exists: bool = False
    name: str = ""
    version: int = 0
    settings: tuple[Setting, ...] = ()
    enforce: str = "boot"
    match: Match | None = None
    stations: dict[str, int] = {}
    walking: str | None = None
    """Stations after this one are still to be looked at for those that match."""
    changed_at: datetime | None = None

    def untold(self, most: int) -> list[str]:
        found = []
        for station, version in self.stations.items():
            if version < self.version:
                found.append(station)
                if len(found) == most:
                    break
        return found


def _put(state: TemplateState, fact: f.Put) -> TemplateState:
    return replace(
        state,
        exists=True,
        name=fact.name,
        version=fact.version,
        settings=fact.settings,
        enforce=fact.enforce,
        match=fact.match,
        walking="" if fact.match is not None else None,
        changed_at=fact.at,
    )


def _joined(state: TemplateState, fact: f.Joined) -> TemplateState:
    return replace(state, stations=state.stations | {fact.station: state.version})


def _left(state: TemplateState, fact: f.Left) -> TemplateState:
    return replace(state, stations={name: told for name, told in state.stations.items() if name != fact.station})


def _told(state: TemplateState, fact: f.Told) -> TemplateState:
    if not state.exists:
        gone = set(fact.stations)
        return replace(state, stations={name: told for name, told in state.stations.items() if name not in gone})
    return replace(state, stations=state.stations | dict.fromkeys(fact.stations, state.version))


def _offered(state: TemplateState, fact: f.Offered) -> TemplateState:
    return replace(state, walking=fact.after if fact.more else None)


def _deleted(state: TemplateState, fact: f.Deleted) -> TemplateState:
    return TemplateState(version=state.version + 1, stations=state.stations, changed_at=fact.at)


_APPLY: dict[type, Callable[[TemplateState, Any], TemplateState]] = {
    f.Put: _put,
    f.Joined: _joined,
    f.Left: _left,
    f.Told: _told,
    f.Offered: _offered,
    f.Deleted: _deleted,
}


def apply(state: TemplateState, fact: Any) -> TemplateState:
    return _APPLY[type(fact)](state, fact)
