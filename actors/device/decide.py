"""What the keeper of a device model answers: reports, values, events. Pure functions; `inventory.py` is what it asks for.

A part of a report is news and its fact; the read model gets the rows of what changed only. Removing what a complete
inventory no longer mentions goes in slices, a turn each, so that no station's model holds up the others.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from actors.device import assembling, inventory, monitoring, reports, variables
from actors.device import facts as f
from actors.device import messages as m
from actors.device.packs import Model, unmentioned, variable_key
from actors.device.reports import VARIABLES, Assembly, with_part
from actors.device.rows import gone_row, pending_row, variable_row
from actors.device.state import DeviceState, Pending, apply
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import NOTHING, AddressKey, Decision, Signal
from actors.model.device import is_secret
from actors.model.feed import event
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from actors.station.messages import Done

DONE = Decision(reply=Done())


def decide_part(here: AddressKey, state: DeviceState, part: m.ReportPart, now: datetime, limits: DomainLimits) -> Decision:
    """NotifyReport. A part that came before changes nothing; one of a report that nobody asked for is taken, too."""
    known = reports.found(state.reports, part.request_id, VARIABLES)
    if not 0 <= part.seq < limits.report_parts or (known is not None and known.has(part.seq)):
        return DONE
    model = Model(state.components)
    room = variables.Room(model, state.count, limits.variables)
    mentioned, news = variables.whole(model, room, part.data)
    fact = f.PartTaken(part.request_id, part.seq, part.more, now, tuple(mentioned), room.refused)
    rows: list[Any] = [variable_row(here, variable) for variable in news]
    if room.refused:
        rows.append(event(here, "station.device_model_full", now, refused=room.refused, kept=limits.variables))
    # The packs need not be made anew to see how far the report has come.
    report = known or Assembly(part.request_id, state.number + 1, VARIABLES, now, now)
    return assembling.progress(here, state, fact, with_part(report, part.seq, part.more, now), known is None, rows, now, limits)


def decide_prune(here: AddressKey, state: DeviceState, message: m.Prune, now: datetime, limits: DomainLimits) -> Decision:
    """One slice of what a complete inventory did not mention."""
    if state.pruning is None:
        return NOTHING
    since, keys_only = state.pruning
    refs = unmentioned(state.components, since, keys_only, limits.prune_slice)
    done = len(refs) < limits.prune_slice
    return Decision(
        facts=(f.Pruned(tuple(refs), done, now),),
        rows=[gone_row(here, ref) for ref in refs],
        signals=() if done else (Signal(here, m.Prune()),),
    )


def decide_intent_done(
    here: AddressKey, state: DeviceState, done: IntentDone, intent: i.AnyIntent, now: datetime, limits: DomainLimits
) -> Decision:
    """A command of somebody's was answered: what does that say of the model?"""
    if isinstance(intent, i.SetVariable | i.SetVariables | i.GetVariables):
        if isinstance(intent, i.GetVariables) and not intent.refs:
            return decide_keys(here, state, done.result, now, limits)
        return decide_values(here, state, intent, done.result, now, limits)
    if isinstance(intent, i.GetBaseReport):
        if done.result.variables:  # a 1.6 station, which told its keys in the answer
            return decide_keys(here, state, done.result, now, limits)
        if intent.base == "FullInventory" and done.result.status == "Accepted" and done.request_id is not None:
            return assembling.decide_begun(here, state, done.request_id, VARIABLES, (), now, limits)
        return NOTHING
    if isinstance(intent, i.GetReport):
        return decide_values(here, state, intent, done.result, now, limits)
    return monitoring.decide_intent_done(here, state, done, intent, now, limits)


def decide_values(
    here: AddressKey, state: DeviceState, intent: i.AnyIntent, result: i.CommandResult, now: datetime, limits: DomainLimits
) -> Decision:
    """Values that were read or set, each with the status that the station gave it."""
    model = Model(state.components)
    room = variables.Room(model, state.count, limits.variables)
    news = variables.values(model, room, variables.revealed(intent, result))
    facts: list[Any] = [f.VariablesTold(tuple(news), now)] if news else []
    rows: list[Any] = [variable_row(here, variable) for variable in news]
    letters: list[Any] = []
    for setting in variables.reboot_needed(intent, result):
        ref = model.canonical(setting.ref)
        value = None if is_secret(ref) else setting.value
        facts.append(f.RebootPending(ref, setting.attribute, value, now))
        rows.append(pending_row(here, pending_key(facts[-1]), Pending(ref, setting.attribute, value, now), now))
    if any(type(fact) is f.RebootPending for fact in facts) and not state.boots_wanted:
        facts.append(f.BootsAsked(now))
        letters.append(inventory.wants_boots(here))
    return Decision(facts=facts, rows=rows, letters=letters)


def pending_key(pending: Pending | f.RebootPending) -> str:
    return f"{variable_key(pending.ref)}:{pending.attribute}"


def decide_keys(here: AddressKey, state: DeviceState, result: i.CommandResult, now: datetime, limits: DomainLimits) -> Decision:
    """All keys of a 1.6 station, in one answer."""
    if not result.variables:
        return NOTHING
    model = Model(state.components)
    room = variables.Room(model, state.count, limits.variables)
    mentioned, news = variables.keys(model, room, result.variables)
    return Decision(
        facts=(f.KeysTold(tuple(mentioned), now),),
        rows=[variable_row(here, variable) for variable in news],
        signals=(Signal(here, m.Prune()),),
    )


def decide_inherited(here: AddressKey, state: DeviceState, told: m.Inherited, now: datetime, limits: DomainLimits) -> Decision:
    """What the station itself kept before. Its rows are there already; what we know by now is newer."""
    model = Model(state.components)
    fresh = tuple(variable for variable in told.variables if model.known(variable.ref) is None)
    return Decision(facts=(f.VariablesTold(fresh[: limits.variables], now),)) if fresh else NOTHING


def decide_booted(
    here: AddressKey, state: DeviceState, booted: StationBooted, wanted: bool, now: datetime, limits: DomainLimits
) -> Decision:
    """`wanted`: this brand wants inventories taken."""
    facts: list[Any] = []
    rows: list[Any] = []
    letters: list[Any] = []
    if booted.boot is not None and (booted.first or booted.changed):
        model = Model(state.components)
        news = variables.of_boot(model, booted.boot)
        if news:
            facts.append(f.VariablesTold(tuple(news), now, True))
            rows += [variable_row(here, variable) for variable in news]
    over = monitoring.over(here, state, booted.at, pending_key, now)
    if over is not None:
        facts.append(over.fact)
        rows += over.rows
    if wanted and (booted.first or booted.changed):
        order = inventory.order(here, state, booted.protocol, now, limits)
        if order is not None:
            facts.append(order.fact)
            letters.append(order.letter)
    values = inventory.confirm(here, state, booted, now, limits)
    if values is not None:
        facts.append(values.fact)
        letters.append(values.letter)
    after = state
    for fact in facts:
        after = apply(after, fact)
    if (after.pending or after.alerts) and not after.boots_wanted:
        facts.append(f.BootsAsked(now))
        letters.append(inventory.wants_boots(here))
    return Decision(facts=facts, rows=rows, letters=letters)


def decide_order_ended(here: AddressKey, state: DeviceState, ended_: OrderEnded, now: datetime, limits: DomainLimits) -> Decision:
    asked = next((asked for asked in state.asked if asked.order == ended_.id), None)
    if asked is None:
        return NOTHING
    outcome = ended_.outcome
    if isinstance(outcome, i.CommandFailure):
        reason = outcome.code if outcome.code in inventory.NEVER else outcome.reason
        return inventory.decide_failed(here, state, asked, reason, now, limits)
    settled = f.OrderSettled(asked.order, outcome.status, now)
    if asked.purpose == "keys":
        decision = decide_keys(here, state, outcome, now, limits)
    elif asked.purpose == "values":
        decision = decide_values(here, state, i.GetVariables(), outcome, now, limits)
    elif outcome.status in ("Rejected", "NotSupported") or (outcome.status == "Accepted" and ended_.request_id is None):
        return inventory.decide_failed(here, state, asked, outcome.status, now, limits)
    elif outcome.status == "EmptyResultSet":
        decision = monitoring.decide_none(here, state, now) if asked.purpose == "monitors" else NOTHING
    else:
        what = reports.MONITORS if asked.purpose == "monitors" else VARIABLES
        assert ended_.request_id is not None, "looked at above"
        return assembling.decide_begun(here, state, ended_.request_id, what, (settled,), now, limits)
    return msgspec.structs.replace(decision, facts=(settled, *decision.facts))


def decide_inventory_due(
    here: AddressKey, state: DeviceState, message: m.InventoryDue, now: datetime, limits: DomainLimits
) -> Decision:
    """An inventory that came about meanwhile is enough."""
    if not state.attempts or inventory.is_asked(state):
        return NOTHING
    wish = inventory.wish(here, message.purpose, inventory.WORDS[message.purpose], now, limits, state.attempts + 1)
    return Decision(facts=(wish.fact,), letters=(wish.letter,))


_Decider = Callable[[AddressKey, DeviceState, Any, datetime, DomainLimits], Decision]
PLAIN: dict[type, _Decider] = {
    m.ReportPart: decide_part,
    m.MonitoringPart: monitoring.decide_part,
    m.EventsPart: monitoring.decide_events,
    m.ReportSilent: assembling.decide_silent,
    m.Prune: decide_prune,
    m.Inherited: decide_inherited,
    m.InventoryDue: decide_inventory_due,
    OrderEnded: decide_order_ended,
}
"""Messages that need nothing besides the state; the others come with what the actor looked up."""
