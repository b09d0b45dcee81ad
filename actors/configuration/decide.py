"""What the keeper of a station's configuration does: pure functions of state, message and time.

All its work is done in rounds: read every value, compare, and set what differs, one order under way at a time. A round is
begun by a durable timer: after an assignment, after a change of the template, after every accepted boot, and on demand.
What gets no answer is tried a few times and then waits for the next boot. What people set against the template shows as
drift at once, and is put right at the next boot.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from actors.campaign.watching import Watcher, told
from actors.configuration import facts as f
from actors.configuration import messages as m
from actors.configuration.rows import drift, rows
from actors.configuration.state import DRIFTED, PENDING, REBOOT, REFUSED, SET_ASIDE, ConfigurationState, apply
from actors.device.variables import reboot_needed, revealed
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, AddressKey, Decision, Letter, Refused, Timer
from actors.model.ids import CONFIGURATION, station_address, template_address
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, GetVariables, SetVariable, VariableRef
from actors.model.settings import can_be_carried, key_of
from actors.station.letters import BootsWanted, IntentDone, Order, OrderEnded, OrderWithdrawn
from actors.station.messages import Done
from actors.template.messages import Joined, Left

ROUND = "round"
_LONGEST = 2500
"""Of a value that is kept (ValueSize of 2.0.1)."""


class Turn:
    def __init__(self, here: AddressKey, state: ConfigurationState, now: datetime, limits: DomainLimits) -> None:
        self.here, self.before, self.state, self.now, self.limits = here, state, state, now, limits
        self.facts: list[Any] = []
        self.letters: list[Letter] = []
        self.timers: dict[str, Timer] = {}
        self.rested = False
        """What got no answer may be tried again now."""

    def put(self, fact: Any) -> None:
        self.state = apply(self.state, fact)
        self.facts.append(fact)

    def round(self, due: m.RoundDue, at: datetime | None = None) -> None:
        self.timers[ROUND] = Timer(ROUND, at or self.now, due)

    def decision(self, reply: Any = None) -> Decision:
        if not self.facts:
            return Decision(letters=self.letters, timers=tuple(self.timers.values()), reply=reply)
        written = list(rows(self.here, self.before, self.state, self.now))
        line = drift(self.here, self.before, self.state, self.limits.drift_shown, self.now)
        if line is not None:
            written.append(line)
        return Decision(
            facts=self.facts, letters=self.letters, timers=tuple(self.timers.values()), rows=written, reply=reply
        )  # fmt: skip

    # -- the template that it has

    def assign(self, template: str, source: str, who: str) -> None:
        if self.state.template == template:
            return
        station = self.here[2]
        self.withdraw()
        if self.state.template:
            self.tell_watchers(ok=False, detail="another template was assigned")
            self.letters.append(Letter(template_address(self.here[0], self.state.template), Left(station)))
        self.put(f.Assigned(template, source, who, self.now))
        self.letters.append(Letter(template_address(self.here[0], template), Joined(station)))
        self.letters.append(Letter(station_address(self.here[0], station), BootsWanted(CONFIGURATION, standing=True)))
        self.timers[ROUND] = Timer(ROUND, None)

    def unassign(self, who: str, *, leave: bool) -> None:
        self.withdraw()
        self.tell_watchers(ok=False, detail="the station has no template any more")
        if leave:
            self.letters.append(Letter(template_address(self.here[0], self.state.template), Left(self.here[2])))
        wanted = BootsWanted(CONFIGURATION, wanted=False, standing=True)
        self.letters.append(Letter(station_address(self.here[0], self.here[2]), wanted))
        self.put(f.Unassigned(who, self.now))
        self.timers[ROUND] = Timer(ROUND, None)

    def withdraw(self) -> None:
        """What this round wanted is not wanted any more."""
        if self.state.order:
            self.letters.append(Letter(station_address(self.here[0], self.here[2]), OrderWithdrawn(self.state.order)))

    # -- a round

    def go_on(self) -> None:
        """The next order of the round, or its end."""
        state = self.state
        if not state.round or state.order or (state.resting and not self.rested):
            return
        if state.round == "reading" and state.todo:
            self._read()
            return
        if state.round == "setting":
            for key in state.todo:
                if state.kept[key].state in (PENDING, DRIFTED):
                    self._set(key)
                    return
        repeat = state.repeat
        self.put(f.RoundEnded(self.now, repeat is not None))
        if repeat is not None:
            self.round(m.RoundDue(repeat))
            return
        self._settled()

    def _read(self) -> None:
        """As many as the station takes."""
        keys = self.state.todo[: self.state.items]
        refs = tuple(self._ref(key) for key in keys)
        attributes = tuple(self.state.settings[key].attribute for key in keys)
        plain = all(attribute == "Actual" for attribute in attributes)
        self._order("read", keys, GetVariables(refs, () if plain else attributes))

    def _set(self, key: str) -> None:
        setting = self.state.settings[key]
        self._order("set", (key,), SetVariable(self._ref(key), setting.value, setting.attribute))

    def _ref(self, key: str) -> VariableRef:
        return self.state.settings[key].ref

    def _order(self, purpose: str, keys: tuple[str, ...], intent: AnyIntent) -> None:
        id = f"configuration:{self.state.number + 1}"
        self.put(f.Asked(id, purpose, keys, self.now))
        order = Order(id, self.now + self.limits.setting_within, self.here, intent)
        self.letters.append(Letter(station_address(self.here[0], self.here[2]), order))

    def _settled(self) -> None:
        """Whoever waits hears, unless something is still pending."""
        counts = self.state.counts()
        if not self.state.version or counts.get(PENDING, 0):
            return
        refused = [key for key, kept in self.state.kept.items() if kept.state == REFUSED]
        detail = "in step"
        if refused:
            detail = f"{len(refused)} refused: {', '.join(refused[:3])} ({self.state.kept[refused[0]].status})"
        elif counts.get(DRIFTED, 0):
            detail = f"{counts[DRIFTED]} drifted, which this template only reports"
        elif counts.get(REBOOT, 0):
            detail = f"{counts[REBOOT]} after the next reboot"
        self.tell_watchers(ok=not refused, detail=detail)

    def tell_watchers(self, *, ok: bool, detail: str) -> None:
        if not self.state.watchers:
            return
        self.letters += told(self.state.watchers, self.here[2], ok=ok, detail=detail)
        self.put(f.WatchersTold(self.now))


def decide(turn: Turn, message: Any) -> Decision:
    """A message of no known class is a bug and raises KeyError."""
    found = _DECIDE[type(message)](turn, message)
    if found is not None:
        return found
    turn.go_on()
    return turn.decision()


# -- assigning -------------------------------------------------------------------------------------------------------------


def _assign(turn: Turn, message: m.Assign) -> Decision:
    turn.assign(message.template, "hand", message.who)
    return turn.decision(Done())


def _unassign(turn: Turn, message: m.Unassign) -> Decision:
    if not turn.state.template:
        return Decision(reply=Refused("unknown", "this station has no template"))
    turn.unassign(message.who, leave=True)
    return turn.decision(Done())


def _assign_for(turn: Turn, message: m.AssignFor) -> None:
    known = turn.state.template == message.template
    turn.assign(message.template, "campaign", "/".join(message.by[1:]))
    turn.put(f.Watched(Watcher(message.id, message.by, turn.now)))
    if known and turn.state.version:
        _again(turn, m.RoundDue(turn.state.enforce == "boot", anew=True))


def _offered(turn: Turn, message: m.Offered) -> Decision:
    """At the next boot it is seen which template matches."""
    if turn.state.source not in ("", "match") or turn.state.template:
        return NOTHING
    return Decision(letters=(Letter(station_address(turn.here[0], turn.here[2]), BootsWanted(CONFIGURATION)),))


def _template_says(turn: Turn, told: m.TemplateSays) -> None:
    state = turn.state
    if told.template != state.template or told.version <= state.version:
        return
    turn.withdraw()
    turn.put(f.TemplateTold(told.template, told.version, told.enforce, told.settings, turn.now))
    turn.round(m.RoundDue(told.enforce == "boot"))


def _template_gone(turn: Turn, told: m.TemplateGone) -> None:
    if told.template == turn.state.template:
        turn.unassign("gone", leave=False)


# -- what begins a round ---------------------------------------------------------------------------------------------------


def _again(turn: Turn, due: m.RoundDue) -> None:
    """Now, or after the round that is under way."""
    if turn.state.round:
        turn.put(f.Repeat(due.sets, turn.now))
    else:
        turn.round(due)


def _apply_now(turn: Turn, message: m.ApplyNow) -> Decision:
    if not turn.state.template:
        return Decision(reply=Refused("state", "this station has no template: assign one first"))
    _again(turn, m.RoundDue(sets=True, anew=True))
    return turn.decision(Done())


def _booted(turn: Turn, message: m.Booted) -> None:
    told, matched = message.told, message.matched
    state = turn.state
    if state.source in ("", "match") and matched != (state.template or None):
        if matched is not None:
            turn.assign(matched, "match", "match")
        else:
            turn.unassign("match", leave=True)
    if not turn.state.template:
        return
    turn.put(f.BootTold(told.protocol, turn.now, told.first or told.changed))
    if not turn.state.version:
        return  # the template answers, and then it begins
    turn.rested = True  # the station is there
    if turn.state.round == "reading" and not _has_read(turn.state):
        return  # all is read after this boot
    _again(turn, m.RoundDue(turn.state.enforce == "boot"))


def _has_read(state: ConfigurationState) -> bool:
    """Has something of this round been answered before?"""
    carried = [key for key, setting in state.settings.items() if can_be_carried(setting, state.protocol)]
    return len(state.todo) + len(state.keys) < len(carried)


def _begin(turn: Turn, begin: m.Begin) -> None:
    """A round, or the next try of the one that is under way."""
    turn.rested = True
    if turn.state.version and not turn.state.round:
        turn.put(f.RoundBegun(begin.due.sets, begin.items, turn.now, begin.due.anew))


# -- what the station says -------------------------------------------------------------------------------------------------


def _order_ended(turn: Turn, ended: OrderEnded) -> None:
    state = turn.state
    if ended.id != state.order:
        return
    outcome = ended.outcome
    if isinstance(outcome, CommandFailure):
        _failed(turn, ended.id, outcome)
        return
    if state.round == "reading":
        values = _read_values(turn, state.keys, outcome)
    else:
        values = (m.Value(state.keys[0], state.settings[state.keys[0]].value, _set_status(state, outcome)),)
    turn.put(f.Answered(ended.id, values, turn.now))


def _read_values(turn: Turn, keys: Iterable[str], result: CommandResult) -> tuple[m.Value, ...]:
    """One for each that was asked; what the station left out it does not know."""
    told = {key_of(value.ref, value.attribute): value for value in result.variables}
    found = []
    for key in keys:
        value = told.get(key)
        if value is None:
            found.append(m.Value(key, None, "UnknownVariable"))
        else:
            text = value.value[:_LONGEST] if value.value is not None else None
            status = value.status if value.value is not None or value.status != "Accepted" else next(iter(SET_ASIDE))
            found.append(m.Value(key, text, status))
    return tuple(found)


def _set_status(state: ConfigurationState, result: CommandResult) -> str:
    for value in result.variables:
        if key_of(value.ref, value.attribute) == state.keys[0] and value.status:
            return value.status if value.status != "Accepted" else result.status or "Accepted"
    return result.status or "Accepted"


def _failed(turn: Turn, order: str, failure: CommandFailure) -> None:
    """No answer, or an error. Several at once that a station does not take are asked one by one; a single one that it cannot
    be asked is refused; all else is tried again."""
    state, keys = turn.state, turn.state.keys
    if failure.code == "UnknownStation":
        turn.unassign("gone", leave=True)
        return
    reason = failure.code if failure.reason == "error" and failure.code else failure.reason
    if failure.reason in ("unsupported", "error") and failure.code != "Busy":
        if len(keys) > 1:
            turn.put(f.Unanswered(order, reason, True, True, turn.now))
        else:
            turn.put(f.Answered(order, (m.Value(keys[0], state.kept[keys[0]].actual, reason),), turn.now))
        return
    tries = state.tries if state.round == "reading" else state.kept[keys[0]].tries
    again = tries + 1 < turn.limits.setting_tries
    turn.put(f.Unanswered(order, reason, again, False, turn.now))
    if again:
        turn.timers[ROUND] = Timer(ROUND, turn.now + turn.limits.setting_pause, m.RoundDue(state.sets))


def _intent_done(turn: Turn, done: IntentDone) -> None:
    """Somebody else set values, or read them."""
    if done.intent is None or not turn.state.kept:
        return
    pending = {key_of(s.ref, s.attribute): s.value for s in reboot_needed(done.intent, done.result)}
    shown = revealed(done.intent, done.result)
    values = [
        m.Value(key, value.value[:_LONGEST])
        for value in shown
        if value.status == "Accepted"
        and value.value is not None
        and (key := key_of(value.ref, value.attribute)) in turn.state.kept
    ]
    values += [m.Value(key, value) for key, value in pending.items() if key in turn.state.kept]
    news = tuple(value for value in values if _is_news(turn.state, value))
    if news:
        turn.put(f.Seen(news, turn.now))


def _is_news(state: ConfigurationState, value: m.Value) -> bool:
    kept = state.kept[value.key]
    return value.key not in state.keys and (kept.actual != value.value or kept.state not in ("applied", DRIFTED))


_DECIDE: dict[type, Callable[[Turn, Any], Decision | None]] = {
    m.Assign: _assign,
    m.Unassign: _unassign,
    m.ApplyNow: _apply_now,
    m.AssignFor: _assign_for,
    m.Offered: _offered,
    m.TemplateSays: _template_says,
    m.TemplateGone: _template_gone,
    m.Begin: _begin,
    m.Booted: _booted,
    OrderEnded: _order_ended,
    IntentDone: _intent_done,
}
