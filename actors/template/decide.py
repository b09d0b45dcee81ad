"""What a configuration template does: pure functions. Its stations are told in slices, a turn each, by a durable timer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from actors.configuration.messages import Offered, TemplateGone, TemplateSays
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, AddressKey, Decision, Letter, Refused, Timer
from actors.model.device import is_secret
from actors.model.feed import event
from actors.model.ids import CONFIGURATION, sibling_address
from actors.model.rows import BookRow
from actors.model.settings import key_of
from actors.station.messages import Done
from actors.template import facts as f
from actors.template import messages as m
from actors.template.state import TemplateState, apply

BOOK = "template"
TELL = "tell"
WALK = "walk"
UNKNOWN = Decision(reply=Refused("unknown", "there is no such template"))


def view(id: str, state: TemplateState) -> dict[str, Any]:
    return {
        "id": id,
        "name": state.name,
        "version": state.version,
        "enforce": state.enforce,
        "match": msgspec.to_builtins(state.match) if state.match is not None else None,
        "settings": msgspec.to_builtins(state.settings),
        "stations": len(state.stations),
        "changed_at": state.changed_at,
    }


def _row(here: AddressKey, state: TemplateState, now: datetime) -> BookRow:
    body = view(here[2], state) if state.exists else {}
    return BookRow(tenant=here[0], station="", book=BOOK, key=here[2], body=body, updated_at=now, deleted=not state.exists)


def _keeper(here: AddressKey, station: str) -> AddressKey:
    return sibling_address(here[0], CONFIGURATION, station)


def _says(here: AddressKey, state: TemplateState, station: str) -> Letter:
    told: Any = TemplateGone(here[2])
    if state.exists:
        told = TemplateSays(here[2], state.version, state.enforce, state.settings)
    return Letter(_keeper(here, station), told)


def decide(here: AddressKey, state: TemplateState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    return _DECIDE[type(message)](here, state, message, now, limits)


def _put(here: AddressKey, state: TemplateState, put: m.Put, now: datetime, limits: DomainLimits) -> Decision:
    if len(put.settings) > limits.template_settings:
        return Decision(reply=Refused("invalid", f"at most {limits.template_settings} settings", "settings"))
    seen: set[str] = set()
    for n, setting in enumerate(put.settings):
        key = key_of(setting.ref, setting.attribute)
        if key in seen:
            return Decision(reply=Refused("invalid", "it is there twice", f"settings.{n}"))
        if is_secret(setting.ref):
            return Decision(reply=Refused("invalid", "a template holds no secrets", f"settings.{n}"))
        seen.add(key)
    if put.enforce not in m.ENFORCE:
        return Decision(reply=Refused("invalid", f"one of {', '.join(m.ENFORCE)}", "enforce"))
    said = (state.name, state.settings, state.enforce, state.match)
    if state.exists and said == (put.name, put.settings, put.enforce, put.match):
        return Decision(reply=m.PutDone(state.version, created=False))
    fact = f.Put(put.name, state.version + 1, put.settings, put.enforce, put.who, now, put.match)
    after = apply(state, fact)
    timers = [Timer(TELL, now, m.Tell())] if after.stations else []
    timers.append(Timer(WALK, now if put.match is not None else None, m.Walk()))
    rows = (
        _row(here, after, now),
        event(here, "template.changed" if state.exists else "template.created", now, version=after.version, who=put.who),
    )
    return Decision(facts=(fact,), rows=rows, timers=timers, reply=m.PutDone(after.version, created=not state.exists))


def _delete(here: AddressKey, state: TemplateState, message: m.Delete, now: datetime, limits: DomainLimits) -> Decision:
    if not state.exists:
        return UNKNOWN
    fact = f.Deleted(message.who, now)
    after = apply(state, fact)
    timers = (Timer(WALK, None), Timer(TELL, now if after.stations else None, m.Tell()))
    rows = (_row(here, after, now), event(here, "template.deleted", now, who=message.who))
    return Decision(facts=(fact,), rows=rows, timers=timers, reply=Done())


def _look(here: AddressKey, state: TemplateState, message: m.Look, now: datetime, limits: DomainLimits) -> Decision:
    return Decision(reply=view(here[2], state)) if state.exists else UNKNOWN


def _look_stations(
    here: AddressKey, state: TemplateState, message: m.LookStations, now: datetime, limits: DomainLimits
) -> Decision:
    if not state.exists:
        return UNKNOWN
    return Decision(reply=tuple(sorted(name for name in state.stations if name > message.after)[: message.limit]))


def _joined(here: AddressKey, state: TemplateState, message: m.Joined, now: datetime, limits: DomainLimits) -> Decision:
    told = _says(here, state, message.station)
    if not state.exists:
        return Decision(letters=(told,))
    fact = f.Joined(message.station, now)
    return Decision(facts=(fact,), letters=(told,), rows=(_row(here, apply(state, fact), now),))


def _left(here: AddressKey, state: TemplateState, message: m.Left, now: datetime, limits: DomainLimits) -> Decision:
    if message.station not in state.stations:
        return NOTHING
    fact = f.Left(message.station, now)
    return Decision(facts=(fact,), rows=(_row(here, apply(state, fact), now),))


def _tell(here: AddressKey, state: TemplateState, message: m.Tell, now: datetime, limits: DomainLimits) -> Decision:
    chosen = state.untold(limits.template_slice)
    if not chosen:
        return NOTHING
    fact = f.Told(tuple(chosen), now)
    after = apply(state, fact)
    more = bool(after.untold(1)) if after.exists else bool(after.stations)
    return Decision(
        facts=(fact,),
        letters=[_says(here, state, station) for station in chosen],
        timers=(Timer(TELL, now, m.Tell()),) if more else (),
    )


def _walked(here: AddressKey, state: TemplateState, walked: m.Walked, now: datetime, limits: DomainLimits) -> Decision:
    if state.walking is None or state.match is None:
        return NOTHING
    letters = [Letter(_keeper(here, name), Offered(here[2])) for name in walked.stations if name not in state.stations]
    return Decision(
        facts=(f.Offered(walked.after, walked.more, now),),
        letters=letters,
        timers=(Timer(WALK, now, m.Walk()),) if walked.more else (),
    )


def _walk(here: AddressKey, state: TemplateState, message: m.Walk, now: datetime, limits: DomainLimits) -> Decision:
    """Nothing is to be looked at any more."""
    return NOTHING


_Decider = Callable[[AddressKey, TemplateState, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    m.Put: _put,
    m.Delete: _delete,
    m.Look: _look,
    m.LookStations: _look_stations,
    m.Joined: _joined,
    m.Left: _left,
    m.Tell: _tell,
    m.Walk: _walk,
    m.Walked: _walked,
}
