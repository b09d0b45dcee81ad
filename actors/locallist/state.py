"""A station's local list: what it should hold, what it does hold, and the step that is on its way."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.campaign.watching import Watcher, joined
from actors.locallist import facts as f

UNSUPPORTED = ("NotSupported", "unsupported")


class LocalListState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`wanted`: token references in the operator's order. `held`: reference -> digest of what the station was told of it.
    `remove`: what must leave it although nobody keeps the list. `full`: only a Full update makes the station's list known
    again."""

    managed: bool = False
    wanted: tuple[str, ...] = ()
    held: dict[str, str] = {}
    remove: tuple[str, ...] = ()
    version: int = 0
    full: bool = True
    sending: f.StepSent | None = None
    asking: str | None = None
    failures: int = 0
    outcome: str = ""
    """Of the last step."""
    watchers: tuple[Watcher, ...] = ()

    @property
    def supported(self) -> bool:
        return self.outcome not in UNSUPPORTED


def _wanted(state: LocalListState, fact: f.ListWanted) -> LocalListState:
    outcome = state.outcome if state.supported else ""
    return replace(state, managed=fact.managed, wanted=tuple(dict.fromkeys(fact.refs)), failures=0, outcome=outcome)


def _sent(state: LocalListState, fact: f.StepSent) -> LocalListState:
    return replace(state, sending=fact)


def _settled(state: LocalListState, fact: f.StepSettled) -> LocalListState:
    """A step whose end nobody can tell may have been taken: only a Full one is sure after it."""
    sent = state.sending
    if sent is None or sent.order != fact.order:
        return state
    state = replace(state, sending=None, outcome=fact.outcome)
    if fact.outcome == "Accepted":
        held = _changed({} if sent.update_type == "Full" else state.held, sent.changes)
        remove = tuple(ref for ref in state.remove if ref in held)
        return replace(state, held=held, remove=remove, version=sent.version, full=False, failures=0)
    unclear = fact.outcome in ("VersionMismatch", "timeout", "unknown")
    return replace(state, full=state.full or unclear, failures=state.failures + 1)


def _changed(held: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    after = {**held, **changes}
    return {ref: digest for ref, digest in after.items() if digest}


def _asked(state: LocalListState, fact: f.VersionAsked) -> LocalListState:
    return replace(state, asking=fact.order)


def _version(state: LocalListState, fact: f.VersionTold) -> LocalListState:
    if fact.version < 0:
        return replace(state, asking=None, outcome="NotSupported")
    same = fact.version == state.version and not state.full
    return replace(state, asking=None, full=not same, version=max(state.version, fact.version))


def _by_hand(state: LocalListState, fact: f.SentByHand) -> LocalListState:
    """Whoever sends a list by hand keeps it by hand."""
    held = _changed({} if fact.update_type == "Full" else state.held, fact.entries)
    full = state.full and fact.update_type != "Full"
    return replace(state, managed=False, wanted=(), held=held, version=fact.version, full=full, outcome="Accepted")


def _forgotten(state: LocalListState, fact: f.CustomerForgotten) -> LocalListState:
    wanted = tuple(ref for ref in state.wanted if ref != fact.ref)
    remove = (*state.remove, fact.ref) if fact.ref in state.held and fact.ref not in state.remove else state.remove
    return replace(state, wanted=wanted, remove=remove)


def _watched(state: LocalListState, fact: f.ListWatched) -> LocalListState:
    return replace(state, watchers=joined(state.watchers, fact.watcher))


def _watchers_told(state: LocalListState, fact: f.WatchersTold) -> LocalListState:
    return replace(state, watchers=())


_APPLY: dict[type, Callable[[LocalListState, Any], LocalListState]] = {
    f.ListWanted: _wanted,
    f.ListWatched: _watched,
    f.WatchersTold: _watchers_told,
    f.StepSent: _sent,
    f.StepSettled: _settled,
    f.VersionAsked: _asked,
    f.VersionTold: _version,
    f.SentByHand: _by_hand,
    f.CustomerForgotten: _forgotten,
}


def apply(state: LocalListState, fact: Any) -> LocalListState:
    return _APPLY[type(fact)](state, fact)
