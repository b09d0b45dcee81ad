"""Monitors, events and alerts (OCPP 2.0.1 block N): pure functions.

An alert is active from the event that tells it to the one that clears it, or to a boot: after that the station tells anew
what is still the matter. Periodic and delta events are values of the device model and nothing more.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from actors.device import assembling, inventory, reports, variables
from actors.device import facts as f
from actors.device import messages as m
from actors.device.packs import Model
from actors.device.reports import MONITORS, Assembly, with_part
from actors.device.rows import (
    ALERT,
    MONITOR,
    REBOOT,
    alert_row,
    ended,
    monitor_key,
    monitor_row,
    network_row,
    variable_row,
)
from actors.device.state import DeviceState, Pending, alert_key, apply, event_key
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import NOTHING, AddressKey, Decision, Letter
from actors.model.feed import event
from actors.station.letters import IntentDone
from actors.station.messages import Done

DONE = Decision(reply=Done())


# -- monitors -------------------------------------------------------------------------------------------------------


def decide_part(here: AddressKey, state: DeviceState, part: m.MonitoringPart, now: datetime, limits: DomainLimits) -> Decision:
    """NotifyMonitoringReport: assembled as variables are."""
    known = reports.found(state.reports, part.request_id, MONITORS)
    if not 0 <= part.seq < limits.report_parts or (known is not None and known.has(part.seq)):
        return DONE
    told = tuple(
        msgspec.structs.replace(monitor, ref=Model(state.components).canonical(monitor.ref)) for monitor in part.monitors
    )
    fact = f.MonitorsTaken(part.request_id, part.seq, part.more, now, told)
    report = with_part(known or Assembly(part.request_id, state.number + 1, MONITORS, now, now), part.seq, part.more, now)
    after = apply(state, fact)
    rows: list[Any] = [monitor_row(here, monitor, now) for monitor in told if str(monitor.id) in after.monitors]
    if report.complete and report.full:
        rows += assembling.gone_monitors(here, after, report.number, now)
    return assembling.progress(here, state, fact, report, known is None, rows, now, limits)


def decide_intent_done(
    here: AddressKey, state: DeviceState, done: IntentDone, intent: i.AnyIntent, now: datetime, limits: DomainLimits
) -> Decision:
    """The station's answer to a command on monitors or network profiles."""
    result = done.result
    if isinstance(intent, i.SetVariableMonitoring):
        return _set(here, state, intent, result, now)
    if isinstance(intent, i.ClearVariableMonitoring):
        ids = [told["id"] for told in result.data.get("cleared", ()) if told.get("status") in ("Accepted", "NotFound")]
        gone = tuple(id for id in ids if str(id) in state.monitors)
        rows = ended(here, MONITOR, [monitor_key(id) for id in gone], now)
        return Decision(facts=(f.MonitorsGone(gone, now),), rows=rows) if gone else NOTHING
    if result.status != "Accepted":
        return NOTHING
    if isinstance(intent, i.GetMonitoringReport):
        if intent.criteria or intent.wanted or done.request_id is None:
            return NOTHING
        return assembling.decide_begun(here, state, done.request_id, MONITORS, (), now, limits)
    if isinstance(intent, i.SetMonitoringBase):
        # Which monitors are left only the station can say.
        wish = inventory.wish(here, "monitors", i.GetMonitoringReport(), now, limits)
        return Decision(facts=(f.MonitoringSet(now, base=intent.base), wish.fact), letters=(wish.letter,))
    if isinstance(intent, i.SetMonitoringLevel):
        return Decision(facts=(f.MonitoringSet(now, level=intent.severity),))
    if isinstance(intent, i.SetNetworkProfile):
        profile = intent.profile
        fact = f.NetworkProfileSet(
            intent.slot, profile.csms_url, profile.security_profile, profile.interface, profile.ocpp_version,
            profile.message_timeout, now,
        )  # fmt: skip
        return Decision(facts=(fact,), rows=(network_row(here, fact),))
    return NOTHING


def _set(
    here: AddressKey, state: DeviceState, intent: i.SetVariableMonitoring, result: i.CommandResult, now: datetime
) -> Decision:
    """Answers come in the order of the request (N04); one without an id set nothing."""
    told = result.data.get("monitors", ())
    model, kept = Model(state.components), []
    if len(told) == len(intent.monitors):
        for wanted, answer in zip(intent.monitors, told, strict=True):
            id = answer.get("id", wanted.id)
            if answer.get("status") == "Accepted" and isinstance(id, int):
                ref = model.canonical(wanted.ref)
                kept.append(m.Monitor(ref, id, wanted.type, wanted.value, wanted.severity, wanted.transaction))
    if not kept:
        return NOTHING
    fact = f.MonitorsSet(tuple(kept), now)
    after = apply(state, fact)
    rows = [monitor_row(here, monitor, now) for monitor in kept if str(monitor.id) in after.monitors]
    return Decision(facts=(fact,), rows=rows)


def decide_none(here: AddressKey, state: DeviceState, now: datetime) -> Decision:
    """The station has no monitors at all."""
    ids = tuple(kept.monitor.id for kept in state.monitors.values())
    if not ids:
        return NOTHING
    rows = ended(here, MONITOR, [monitor_key(id) for id in ids], now)
    return Decision(facts=(f.MonitorsGone(ids, now),), rows=rows)


# -- events ---------------------------------------------------------------------------------------------------------


def decide_events(here: AddressKey, state: DeviceState, part: m.EventsPart, now: datetime, limits: DomainLimits) -> Decision:
    """NotifyEvent. A repeated event is none; a component that nobody knew is one from now on."""
    recent = set(state.recent_events)
    model = Model(state.components)
    fresh = []
    for told in part.events:
        if event_key(told) not in recent:
            recent.add(event_key(told))
            shown = variables.shown(told, limits.detail_characters)
            fresh.append(msgspec.structs.replace(shown, ref=model.canonical(told.ref)))
    if not fresh:
        return DONE
    facts: list[Any] = [f.EventsTold(tuple(fresh), now)]
    room = variables.Room(model, state.count, limits.variables)
    news = variables.values(model, room, variables.values_of(fresh))
    if news:
        facts.append(f.VariablesTold(tuple(news), now))
    rows: list[Any] = [variable_row(here, variable) for variable in news]
    after = apply(state, facts[0])
    rows += _alert_rows(here, state, after, fresh, now)
    letters: tuple[Letter, ...] = ()
    if after.alerts and not state.boots_wanted:
        facts.append(f.BootsAsked(now))
        letters = (inventory.wants_boots(here),)
    return Decision(facts=facts, rows=rows, letters=letters, reply=Done())


def _alert_rows(
    here: AddressKey, before: DeviceState, after: DeviceState, fresh: list[m.DeviceEvent], now: datetime
) -> list[Any]:
    rows: list[Any] = ended(here, ALERT, sorted(before.alerts.keys() - after.alerts.keys()), now)
    shown: set[str] = set()
    for told in fresh:
        if told.trigger != "Alerting":
            continue
        key = alert_key(told)
        severity = _severity(after, told)
        rows.append(
            event(
                here, "station.alert", now, component=told.ref.component, variable=told.ref.variable, evse=told.ref.evse,
                value=told.actual, cleared=told.cleared, severity=severity, tech_code=told.tech_code,
            )
        )  # fmt: skip
        if key in after.alerts and key not in shown:
            shown.add(key)
            rows.append(alert_row(here, key, after.alerts[key], _severity(after, after.alerts[key].event), now))
    return rows


def _severity(state: DeviceState, told: m.DeviceEvent) -> int | None:
    kept = state.monitors.get(str(told.monitor)) if told.monitor is not None else None
    return kept.monitor.severity if kept is not None else None


class Over(msgspec.Struct, frozen=True):
    """What a boot ends."""

    fact: f.Rebooted
    rows: list[Any]


def over(
    here: AddressKey, state: DeviceState, booted: datetime, pending_key: Callable[[Pending], str], now: datetime
) -> Over | None:
    """Alerts from before the boot, and settings that waited for it; our wish to hear of it is fulfilled."""
    if not (state.alerts or state.pending or state.boots_wanted):
        return None
    fact = f.Rebooted(booted)
    after = apply(state, fact)
    rows: list[Any] = ended(here, ALERT, sorted(state.alerts.keys() - after.alerts.keys()), now)
    waited = [pending for pending in state.pending if pending not in after.pending]
    rows += ended(here, REBOOT, [pending_key(pending) for pending in waited], now)
    return Over(fact, rows)
