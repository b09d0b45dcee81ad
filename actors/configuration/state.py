"""A station's configuration: what it should be, what it is as far as we know, and the round that brings both together."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.campaign.watching import Watcher, joined
from actors.configuration import facts as f
from actors.configuration.messages import Value
from actors.model.settings import Setting, can_be_carried, key_of, same_value

UNKNOWN, APPLIED, PENDING, REFUSED = "unknown", "applied", "pending", "refused"
REBOOT, DRIFTED = "reboot_required", "drifted"
SET_ASIDE = frozenset({"Rejected"})
"""Status of a read that only says that the value may not be read (a WriteOnly variable)."""


class Kept(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a setting stands. `status`: the station's word; `tries` in this round."""

    state: str = UNKNOWN
    actual: str | None = None
    status: str = ""
    since: datetime | None = None
    tries: int = 0


class ConfigurationState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`round`: "", reading or setting; `todo`: keys that it has yet to ask or set, `order` what is under way and `keys` what
    that is about. `number` of all orders so far makes an order's id."""

    template: str = ""
    source: str = ""
    version: int = 0
    enforce: str = "boot"
    settings: dict[str, Setting] = {}
    kept: dict[str, Kept] = {}
    protocol: str = ""
    round: str = ""
    sets: bool = False
    items: int = 1
    todo: tuple[str, ...] = ()
    order: str = ""
    keys: tuple[str, ...] = ()
    number: int = 0
    tries: int = 0
    """Reads of this round that failed."""
    resting: bool = False
    """What got no answer is tried again after a while."""
    repeat: bool | None = None
    """Another round is due after this one: does it set?"""
    watchers: tuple[Watcher, ...] = ()

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for kept in self.kept.values():
            found[kept.state] = found.get(kept.state, 0) + 1
        return found


def _assigned(state: ConfigurationState, fact: f.Assigned) -> ConfigurationState:
    return ConfigurationState(
        template=fact.template, source=fact.source, protocol=state.protocol, number=state.number, watchers=state.watchers
    )  # fmt: skip


def _unassigned(state: ConfigurationState, fact: f.Unassigned) -> ConfigurationState:
    return ConfigurationState(protocol=state.protocol, number=state.number)


def _template_told(state: ConfigurationState, fact: f.TemplateTold) -> ConfigurationState:
    settings = {key_of(setting.ref, setting.attribute): setting for setting in fact.settings}
    kept = {
        key: state.kept[key] if key in state.kept and state.settings.get(key) == setting else Kept(since=fact.at)
        for key, setting in settings.items()
    }
    return replace(
        state, version=fact.version, enforce=fact.enforce, settings=settings, kept=kept, round="", todo=(), order="", keys=(),
        repeat=None, resting=False,
    )  # fmt: skip


def _boot_told(state: ConfigurationState, fact: f.BootTold) -> ConfigurationState:
    kept = state.kept
    if fact.changed:
        kept = {key: Kept(since=fact.at) if one.state == REFUSED else one for key, one in kept.items()}
    return replace(state, protocol=fact.protocol, kept=kept)


def _round_begun(state: ConfigurationState, fact: f.RoundBegun) -> ConfigurationState:
    kept, todo = dict(state.kept), []
    for key, setting in state.settings.items():
        if can_be_carried(setting, state.protocol):
            todo.append(key)
            again = fact.anew and kept[key].state == REFUSED
            kept[key] = Kept(since=fact.at) if again else replace(kept[key], tries=0)
        else:
            kept[key] = _changed(kept[key], REFUSED, None, "NotSupported", fact.at)
    return replace(
        state, round="reading", sets=fact.sets, items=max(1, fact.items), todo=tuple(todo), order="", keys=(), kept=kept,
        tries=0, repeat=None, resting=False,
    )  # fmt: skip


def _changed(kept: Kept, to: str, actual: str | None, status: str, at: datetime) -> Kept:
    since = kept.since if kept.state == to else at
    return Kept(to, actual, status, since, kept.tries)


def _asked(state: ConfigurationState, fact: f.Asked) -> ConfigurationState:
    asked = set(fact.keys)
    todo = tuple(key for key in state.todo if key not in asked)
    return replace(state, order=fact.order, keys=fact.keys, todo=todo, number=state.number + 1, resting=False)


def judged(state: ConfigurationState, value: Value, at: datetime, *, sets: bool) -> Kept:
    """Where a setting stands after its value was read. `sets`: what differs will be set."""
    kept, setting = state.kept[value.key], state.settings[value.key]
    if value.status == "Accepted" and same_value(setting.ref, setting.value, value.value):
        return _changed(kept, APPLIED, value.value, "", at)
    if value.status in SET_ASIDE:
        if kept.state in (APPLIED, REBOOT):
            return kept
        return _changed(kept, PENDING if sets else UNKNOWN, None, value.status, at)
    if value.status != "Accepted":
        return _changed(kept, REFUSED, value.value, value.status, at)
    if kept.state == REFUSED:
        return _changed(kept, REFUSED, value.value, kept.status, at)  # it has been asked, and said no
    return _changed(kept, PENDING if sets else DRIFTED, value.value, "", at)


def set_to(state: ConfigurationState, value: Value, at: datetime) -> Kept:
    """Where a setting stands after the station was told to set it."""
    kept = state.kept[value.key]
    if value.status == "Accepted":
        return _changed(kept, APPLIED, value.value, "", at)
    if value.status == "RebootRequired":
        return _changed(kept, REBOOT, kept.actual, value.status, at)
    return _changed(kept, REFUSED, kept.actual, value.status, at)


def _answered(state: ConfigurationState, fact: f.Answered) -> ConfigurationState:
    kept = dict(state.kept)
    for value in fact.values:
        if value.key in kept:
            reading = state.round == "reading"
            kept[value.key] = judged(state, value, fact.at, sets=state.sets) if reading else set_to(state, value, fact.at)
    state = replace(state, kept=kept, order="", keys=())
    return _compared(state)


def _compared(state: ConfigurationState) -> ConfigurationState:
    """All is read: what is pending is set, one after the other."""
    if state.round != "reading" or state.todo or state.order or not state.sets:
        return state
    pending = tuple(key for key, kept in state.kept.items() if kept.state == PENDING)
    return replace(state, round="setting", todo=pending)


def _unanswered(state: ConfigurationState, fact: f.Unanswered) -> ConfigurationState:
    kept, keys = dict(state.kept), state.keys
    if not fact.again:
        for key in keys:
            kept[key] = _changed(kept[key], kept[key].state, kept[key].actual, fact.reason, fact.at)
            if kept[key].state == UNKNOWN:
                kept[key] = replace(kept[key], state=PENDING)
    elif not fact.one_by_one:
        kept |= {key: replace(kept[key], tries=kept[key].tries + 1) for key in keys}
    todo = (*state.todo, *keys) if fact.again else state.todo
    if not fact.again and state.round == "reading":
        todo = ()  # the station is not there: nothing more is asked of it now
    tries = state.tries + (state.round == "reading")
    items = 1 if fact.one_by_one else state.items
    resting = fact.again and not fact.one_by_one
    return replace(state, kept=kept, order="", keys=(), todo=todo, tries=tries, items=items, resting=resting)


def _seen(state: ConfigurationState, fact: f.Seen) -> ConfigurationState:
    kept = dict(state.kept)
    for value in fact.values:
        if value.key not in kept:
            continue
        after = judged(state, value, fact.at, sets=False)
        if kept[value.key].state == REBOOT and after.state == DRIFTED:
            after = replace(kept[value.key], actual=value.value)  # it uses the new value after its reboot only
        kept[value.key] = after
    return replace(state, kept=kept)


def _round_ended(state: ConfigurationState, fact: f.RoundEnded) -> ConfigurationState:
    return replace(state, round="", todo=(), order="", keys=(), repeat=None)


def _repeat(state: ConfigurationState, fact: f.Repeat) -> ConfigurationState:
    return replace(state, repeat=bool(state.repeat) or fact.sets)


def _watched(state: ConfigurationState, fact: f.Watched) -> ConfigurationState:
    return replace(state, watchers=joined(state.watchers, fact.watcher))


def _watchers_told(state: ConfigurationState, fact: f.WatchersTold) -> ConfigurationState:
    return replace(state, watchers=())


_APPLY: dict[type, Callable[[ConfigurationState, Any], ConfigurationState]] = {
    f.Assigned: _assigned,
    f.Unassigned: _unassigned,
    f.TemplateTold: _template_told,
    f.BootTold: _boot_told,
    f.RoundBegun: _round_begun,
    f.Asked: _asked,
    f.Answered: _answered,
    f.Unanswered: _unanswered,
    f.Seen: _seen,
    f.RoundEnded: _round_ended,
    f.Repeat: _repeat,
    f.Watched: _watched,
    f.WatchersTold: _watchers_told,
}


def apply(state: ConfigurationState, fact: Any) -> ConfigurationState:
    return _APPLY[type(fact)](state, fact)
