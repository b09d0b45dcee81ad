"""What the keeper of a station's local list decides: pure functions of state, message and time.

Keeping in step is one question asked again and again: what is the next message that brings the station's list closer to
what it should be? (`next_step`.) The first one is Full, the rest Differential, each no larger than the station takes, each
with a version above the one before; what the station did not accept is asked anew. So a crash, a reboot of the station
or a token that was blocked meanwhile need no case of their own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.campaign.watching import Watcher, told
from actors.limits import DomainLimits
from actors.locallist import facts as f
from actors.locallist import messages as m
from actors.locallist.state import LocalListState, apply
from actors.model.books import entry
from actors.model.decision import NOTHING, AddressKey, Decision, Letter, Refused, Timer
from actors.model.feed import event
from actors.model.ids import digest, station_address
from actors.model.intents import CommandFailure, GetLocalListVersion, LocalListEntry, SendLocalList
from actors.model.rows import BookRow, Row
from actors.station.letters import IntentDone, Order, OrderEnded, StationBooted
from actors.station.messages import Done

BOOK = "local_list"
ENTRIES = "local_list_entry"
TIMER = "sync"


class Planned(msgspec.Struct, frozen=True, gc=False):
    """Volatile: SyncDue with the step that is due, sealed into an order (None: the list is as it should be)."""

    step: m.Step | None
    order: Order | None


def decide(here: AddressKey, state: LocalListState, message: Any, now: datetime, limits: DomainLimits) -> Decision:
    """`here`: the actor's address. A message of no known class is a bug and raises KeyError."""
    decision = _DECIDE[type(message)](here, state, message, now, limits)
    after = state
    for fact in decision.facts:
        after = apply(after, fact)
    if not after.watchers:
        return decision
    found = _verdict(state, after, message, limits)
    if found is None:
        return decision
    ok, detail = found
    return msgspec.structs.replace(
        decision,
        facts=(*decision.facts, f.WatchersTold(now)),
        letters=(*decision.letters, *told(after.watchers, here[2], ok=ok, detail=detail)),
    )


def _verdict(before: LocalListState, after: LocalListState, message: Any, limits: DomainLimits) -> tuple[bool, str] | None:
    """What whoever waits for the list to be in step is told: is it, and what is wrong; None: it cannot be told yet."""
    if before.watchers and (not after.managed or after.wanted != before.wanted) and not isinstance(message, m.PutListFor):
        return False, "somebody else changed the list"
    if not after.supported:
        return False, "the station has no local list"
    if after.failures > limits.list_failures:
        return False, f"{after.failures} steps failed; the last: {after.outcome}"
    if isinstance(message, Planned) and message.step is None and not idle(after, limits):
        return True, f"in step, version {after.version}"
    return None


def said(one: m.Listed) -> str:
    """What a station is told of a token, as its type and a digest; "" where it should not have it."""
    card = one.card
    if card is None or one.text is None:
        return ""
    noted = () if one.notes is None else (msgspec.json.encode(one.notes).decode(),)
    return typed(card.type, digest(card.status, card.expires or "", card.group_ref or "", card.type, *noted))


def typed(kind: str | None, text: str) -> str:
    """The type stays readable: a station removes only the token of the very type that it was given, and by then the tenant
    may not know the token any more."""
    return f"{kind or ''}:{text}"


def _type_held(state: LocalListState, ref: str) -> str | None:
    kind, found, _ = state.held.get(ref, "").partition(":")
    return kind if found and kind else None


def idle(state: LocalListState, limits: DomainLimits) -> bool:
    """Nothing may be sent now: a step is on its way, the station cannot, or it failed too often."""
    return state.sending is not None or not state.supported or state.failures > limits.list_failures


def next_step(state: LocalListState, tokens: Sequence[m.Listed], items: int, most: int | None) -> m.Step | None:
    """`tokens`: those wanted and those to be removed, as they are now. `items`: entries that one message may carry; `most`: that
    the station's list can hold. None: the list is as it should be."""
    known = {one.ref: one for one in tokens}
    should: dict[str, str] = {}
    for ref in state.wanted if state.managed else ():
        if ref in known and said(known[ref]) and (most is None or len(should) < most):
            should[ref] = said(known[ref])
    if state.managed and state.full:
        first = list(should)[:items]
        entries = tuple(_entry(known[ref]) for ref in first)
        return m.Step(SendLocalList(state.version + 1, "Full", entries), {ref: should[ref] for ref in first})
    if state.managed:
        gone = [ref for ref in state.held if ref not in should]
        changed = [ref for ref, text in should.items() if state.held.get(ref) != text]
    else:
        gone, changed = list(state.remove), []
    nameless = [ref for ref in gone if ref not in known or known[ref].text is None]
    if state.managed and nameless:  # who was erased has no text left: only a new Full list is without them
        return next_step(msgspec.structs.replace(state, full=True), tokens, items, most)
    gone = [ref for ref in gone if ref not in nameless]
    step = [*gone, *changed][:items]
    if not step:
        return None
    gone_now = set(gone)
    entries = tuple(
        LocalListEntry(known[ref].text or "", token_type=_type_held(state, ref)) if ref in gone_now else _entry(known[ref])
        for ref in step
    )
    changes = {ref: "" if ref in gone_now else should[ref] for ref in step}
    return m.Step(SendLocalList(state.version + 1, "Differential", entries), changes)


def _entry(one: m.Listed) -> LocalListEntry:
    card = one.card
    assert card is not None, "only tokens that are said something of"
    assert one.text is not None
    entry = LocalListEntry(one.text, card.status, card.expires, one.group, card.type)
    notes = one.notes if card.status == "Accepted" else None
    if notes is None:
        return entry
    first, second, *_ = (*notes.languages, None, None)
    return msgspec.structs.replace(
        entry, evses=notes.evses, priority=notes.priority, language=first, second_language=second
    )  # fmt: skip


# -- the operator ----------------------------------------------------------------------------------------------------------


def _put(here: AddressKey, state: LocalListState, message: m.PutList, now: datetime, limits: DomainLimits) -> Decision:
    refs = tuple(dict.fromkeys(message.refs))
    if len(refs) > limits.list_entries:
        return Decision(reply=Refused("invalid", f"a local list has at most {limits.list_entries} tokens", "tokens"))
    if state.managed and state.wanted == refs and state.failures == 0:
        return Decision(reply=Done())
    return _wanted(here, state, f.ListWanted(refs, True, message.who, now), now)


def _put_for(here: AddressKey, state: LocalListState, message: m.PutListFor, now: datetime, limits: DomainLimits) -> Decision:
    """What failed before is tried again: somebody wants it anew."""
    refs = tuple(dict.fromkeys(message.refs))[: limits.list_entries]
    watched = f.ListWatched(Watcher(message.id, message.by, now))
    if state.managed and state.wanted == refs and state.failures == 0 and state.supported:
        return Decision(facts=(watched,), timers=(Timer(TIMER, now, m.SyncDue()),))
    decision = _wanted(here, state, f.ListWanted(refs, True, "/".join(message.by[1:]), now), now)
    replaced = told(state.watchers, here[2], ok=False, detail="another campaign changed the list")
    others = [letter for letter, watcher in zip(replaced, state.watchers, strict=True) if watcher.by != message.by]
    dropped = (f.WatchersTold(now),) if state.watchers else ()
    return msgspec.structs.replace(decision, facts=(*decision.facts, *dropped, watched), letters=others, reply=None)


def _drop(here: AddressKey, state: LocalListState, message: m.DropList, now: datetime, limits: DomainLimits) -> Decision:
    if not state.managed and not state.held:
        return Decision(reply=Done())
    return _wanted(here, state, f.ListWanted((), True, message.who, now), now)


def _wanted(here: AddressKey, state: LocalListState, fact: f.ListWanted, now: datetime) -> Decision:
    rows = (_summary(here, apply(state, fact), now),)
    return Decision(facts=(fact,), rows=rows, timers=(Timer(TIMER, now, m.SyncDue()),), reply=Done())


# -- keeping in step -------------------------------------------------------------------------------------------------------


def _planned(here: AddressKey, state: LocalListState, planned: Planned, now: datetime, limits: DomainLimits) -> Decision:
    """A timer's turn: without a step the next look is due after a while, since tokens change without telling us."""
    again = Timer(TIMER, now + limits.list_check, m.SyncDue()) if state.managed else Timer(TIMER, None)
    if planned.step is None or planned.order is None:
        return Decision(timers=(again,))
    step = planned.step
    fact = f.StepSent(planned.order.id, step.intent.version, step.intent.update_type, step.changes, now)
    after = apply(state, fact)
    letter = Letter(station_address(here[0], here[2]), planned.order)
    return Decision(facts=(fact,), rows=(_summary(here, after, now),), letters=(letter,), timers=(again,))


def _order_ended(here: AddressKey, state: LocalListState, ended: OrderEnded, now: datetime, limits: DomainLimits) -> Decision:
    outcome = ended.outcome
    status = outcome.reason if isinstance(outcome, CommandFailure) else outcome.status
    if ended.id == state.asking:
        if isinstance(outcome, CommandFailure):
            return _version(here, state, -1, now) if status == "unsupported" else NOTHING
        return _version(here, state, _number(outcome.data.get("version")), now)
    sent = state.sending
    if sent is None or sent.order != ended.id:
        return NOTHING
    fact = f.StepSettled(ended.id, status, now)
    after = apply(state, fact)
    rows: list[Row] = [_summary(here, after, now), event(here, "station.local_list", now, version=after.version, outcome=status)]
    rows += [_entry_row(here, ref, None, now) for ref in state.held if ref not in after.held]
    rows += [_entry_row(here, ref, text, now) for ref, text in after.held.items() if state.held.get(ref) != text]
    timers = () if idle(after, limits) else (Timer(TIMER, now + limits.list_retry * after.failures, m.SyncDue()),)
    return Decision(facts=(fact,), rows=rows, timers=timers)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _version(here: AddressKey, state: LocalListState, version: int, now: datetime) -> Decision:
    fact = f.VersionTold(version, now)
    after = apply(state, fact)
    timers = (Timer(TIMER, now, m.SyncDue()),) if after.managed and after.supported else ()
    return Decision(facts=(fact,), rows=(_summary(here, after, now),), timers=timers)


def _booted(here: AddressKey, state: LocalListState, booted: StationBooted, now: datetime, limits: DomainLimits) -> Decision:
    """New firmware may have lost its list: ask which version it has."""
    if not state.managed and not state.held:
        return NOTHING
    id = "v" + digest(here[2], "version", now)
    order = Order(id, now + limits.list_within, here, GetLocalListVersion())
    return Decision(facts=(f.VersionAsked(id, now),), letters=(Letter(station_address(here[0], here[2]), order),))


# -- what others did to the list -------------------------------------------------------------------------------------------


def _intent_done(here: AddressKey, state: LocalListState, done: IntentDone, now: datetime, limits: DomainLimits) -> Decision:
    if isinstance(done.intent, GetLocalListVersion):
        return _version(here, state, _number(done.result.data.get("version")), now)
    return NOTHING


def _manual(here: AddressKey, state: LocalListState, done: m.ManualList, now: datetime, limits: DomainLimits) -> Decision:
    if done.status != "Accepted":
        return NOTHING
    fact = f.SentByHand(done.version, done.update_type, done.entries, done.at)
    after = apply(state, fact)
    rows: list[Row] = [_summary(here, after, now)]
    rows += [_entry_row(here, ref, None, now) for ref in state.held if ref not in after.held]
    rows += [_entry_row(here, ref, text, now, done.masked.get(ref, "")) for ref, text in after.held.items()]
    return Decision(facts=(fact,), rows=rows, timers=(Timer(TIMER, None),))


def _cleared(here: AddressKey, state: LocalListState, gone: m.CustomerCleared, now: datetime, limits: DomainLimits) -> Decision:
    if gone.ref not in state.held and gone.ref not in state.wanted:
        return NOTHING
    fact = f.CustomerForgotten(gone.ref, gone.at)
    return Decision(facts=(fact,), rows=(_summary(here, apply(state, fact), now),), timers=(Timer(TIMER, now, m.SyncDue()),))


# -- what is shown ---------------------------------------------------------------------------------------------------------


def _summary(here: AddressKey, state: LocalListState, now: datetime) -> BookRow:
    if not state.supported:
        progress = "not supported"
    elif state.sending is not None:
        progress = "sending"
    elif state.failures:
        progress = "failing"
    else:
        progress = "kept" if state.managed else "by hand"
    body = {
        "state": progress, "version": state.version, "held": len(state.held), "wanted": len(state.wanted),
        "failures": state.failures, "outcome": state.outcome,
    }  # fmt: skip
    return entry(here, BOOK, "list", body, now)


def _entry_row(here: AddressKey, ref: str, text: str | None, now: datetime, masked: str = "") -> BookRow:
    body = {"token": masked} if masked else {}
    return entry(here, ENTRIES, ref, None if text is None else body, now)


_Decider = Callable[[AddressKey, LocalListState, Any, datetime, DomainLimits], Decision]
_DECIDE: dict[type, _Decider] = {
    m.PutList: _put,
    m.PutListFor: _put_for,
    m.DropList: _drop,
    Planned: _planned,
    OrderEnded: _order_ended,
    StationBooted: _booted,
    IntentDone: _intent_done,
    m.ManualList: _manual,
    m.CustomerCleared: _cleared,
}
