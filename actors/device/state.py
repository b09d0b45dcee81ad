"""A device model's state and how facts change it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.device import facts as f
from actors.device import reports
from actors.device.messages import DeviceEvent, Monitor
from actors.device.packs import PINNED, Model, variable_key
from actors.device.reports import MONITORS, VARIABLES, Assembly
from actors.limits import DomainLimits
from actors.model.device import Variable
from actors.model.intents import VariableRef

LIMITS = DomainLimits()


class Asked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An order of ours that the station has not answered."""

    order: str
    purpose: str
    at: datetime
    attempt: int = 1


class KeptMonitor(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`seen`: the number of the report that mentioned it last."""

    monitor: Monitor
    seen: int


class Alert(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Active: told and not cleared. `received` by our clock."""

    event: DeviceEvent
    received: datetime


class Pending(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A setting that waits for a reboot."""

    ref: VariableRef
    attribute: str
    value: str | None
    at: datetime


class DeviceState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`components`: packs (packs.py) by component, `count` variables in all. `number`: of the newest report."""

    components: dict[str, str] = {}
    count: int = 0
    number: int = 0
    reports: tuple[Assembly, ...] = ()
    pruning: tuple[int, bool] | None = None
    """A complete inventory is being carried out: (what it and later ones did not mention goes, of 1.6 keys only)."""
    asked: tuple[Asked, ...] = ()
    attempts: int = 0
    """The number of the inventory that is asked for or comes in; 0 once it is whole."""
    pending: tuple[Pending, ...] = ()
    boots_wanted: bool = False
    monitors: dict[str, KeptMonitor] = {}
    monitoring_base: str | None = None
    monitoring_level: int | None = None
    alerts: dict[str, Alert] = {}
    recent_events: tuple[str, ...] = ()


def alert_key(event: DeviceEvent) -> str:
    """What an alert and its end have in common: the monitor, or the variable where no monitor is named."""
    return f"m{event.monitor}" if event.monitor is not None else f"v{variable_key(event.ref)}"


def event_key(event: DeviceEvent) -> str:
    return f"{event.id}@{event.at.isoformat()}"


def _told(state: DeviceState, variables: Iterable[Variable], seen: int) -> DeviceState:
    model, fresh = Model(state.components), 0
    for variable in variables:
        fresh += model.put(variable, seen)
    return replace(state, components=model.packs(), count=state.count + fresh)


def _variables_told(state: DeviceState, fact: f.VariablesTold) -> DeviceState:
    return _told(state, fact.variables, PINNED if fact.pinned else state.number)


def _keys_told(state: DeviceState, fact: f.KeysTold) -> DeviceState:
    number = state.number + 1
    return replace(_told(state, fact.variables, number), number=number, pruning=(number, True), attempts=0)


def _assembly(state: DeviceState, request_id: int, what: str, at: datetime) -> tuple[DeviceState, Assembly]:
    known = reports.found(state.reports, request_id, what)
    if known is not None:
        return state, known
    number = state.number + 1
    return replace(state, number=number), Assembly(request_id, number, what, at, at)


def _with(state: DeviceState, report: Assembly) -> DeviceState:
    return replace(state, reports=reports.kept(state.reports, report, LIMITS.reports))


def _part_taken(state: DeviceState, fact: f.PartTaken) -> DeviceState:
    state, report = _assembly(state, fact.request_id, VARIABLES, fact.at)
    state = _with(state, reports.with_part(report, fact.seq, fact.more, fact.at))
    return _told(state, fact.variables, report.number) if fact.variables else state


def _monitors_taken(state: DeviceState, fact: f.MonitorsTaken) -> DeviceState:
    state, report = _assembly(state, fact.request_id, MONITORS, fact.at)
    state = _with(state, reports.with_part(report, fact.seq, fact.more, fact.at))
    return _monitors(state, fact.monitors, report.number)


def _report_begun(state: DeviceState, fact: f.ReportBegun) -> DeviceState:
    state, report = _assembly(state, fact.request_id, fact.what, fact.at)
    return _with(state, replace(report, full=True))


def _report_ended(state: DeviceState, fact: f.ReportEnded) -> DeviceState:
    report = reports.found(state.reports, fact.request_id, fact.what)
    if report is None:
        return state
    state = _with(state, replace(report, ended=True))
    if fact.outcome != "complete" or not report.full:
        return state
    if fact.what == MONITORS:
        current = {id: kept for id, kept in state.monitors.items() if kept.seen >= report.number}
        return replace(state, monitors=current)
    return replace(state, pruning=(report.number, False), attempts=0)


def _pruned(state: DeviceState, fact: f.Pruned) -> DeviceState:
    model = Model(state.components)
    gone = sum(model.remove(ref) for ref in fact.refs)
    return replace(state, components=model.packs(), count=state.count - gone, pruning=None if fact.done else state.pruning)


def _ordered(state: DeviceState, fact: f.Ordered) -> DeviceState:
    asked = (*state.asked, Asked(fact.order, fact.purpose, fact.at, fact.attempt))
    attempts = fact.attempt if fact.purpose in ("inventory", "keys") else state.attempts
    return replace(state, asked=asked[-LIMITS.open_orders :], attempts=attempts)


def _order_settled(state: DeviceState, fact: f.OrderSettled) -> DeviceState:
    return replace(state, asked=tuple(asked for asked in state.asked if asked.order != fact.order))


def _reboot_pending(state: DeviceState, fact: f.RebootPending) -> DeviceState:
    key = (variable_key(fact.ref), fact.attribute)
    others = [p for p in state.pending if (variable_key(p.ref), p.attribute) != key]
    pending = (*others, Pending(fact.ref, fact.attribute, fact.value, fact.at))
    return replace(state, pending=pending[-LIMITS.pending_reboot :])


def _rebooted(state: DeviceState, fact: f.Rebooted) -> DeviceState:
    return replace(
        state,
        boots_wanted=False,
        pending=tuple(p for p in state.pending if p.at >= fact.at),
        alerts={key: alert for key, alert in state.alerts.items() if alert.received >= fact.at},
    )


def _boots_asked(state: DeviceState, fact: f.BootsAsked) -> DeviceState:
    return replace(state, boots_wanted=True)


def _monitors(state: DeviceState, told: Iterable[Monitor], seen: int) -> DeviceState:
    monitors = dict(state.monitors)
    for monitor in told:
        key = str(monitor.id)
        if key in monitors or len(monitors) < LIMITS.monitors:
            monitors[key] = KeptMonitor(monitor, seen)
    return replace(state, monitors=monitors)


def _monitors_set(state: DeviceState, fact: f.MonitorsSet) -> DeviceState:
    return _monitors(state, fact.monitors, state.number)


def _monitors_gone(state: DeviceState, fact: f.MonitorsGone) -> DeviceState:
    gone = {str(id) for id in fact.ids}
    return replace(state, monitors={key: kept for key, kept in state.monitors.items() if key not in gone})


def _monitoring_set(state: DeviceState, fact: f.MonitoringSet) -> DeviceState:
    return replace(
        state,
        monitoring_base=fact.base if fact.base is not None else state.monitoring_base,
        monitoring_level=fact.level if fact.level is not None else state.monitoring_level,
    )


def _events_told(state: DeviceState, fact: f.EventsTold) -> DeviceState:
    alerts = dict(state.alerts)
    for event in fact.events:
        if event.trigger != "Alerting":
            continue
        key = alert_key(event)
        alerts.pop(key, None)
        if not event.cleared:
            alerts[key] = Alert(event, fact.at)
            if len(alerts) > LIMITS.alerts:
                del alerts[min(alerts, key=lambda known: (alerts[known].received, known))]
    recent = (*state.recent_events, *map(event_key, fact.events))[-LIMITS.recent_events :]
    return replace(state, alerts=alerts, recent_events=recent)


def _unchanged(state: DeviceState, fact: f.NetworkProfileSet) -> DeviceState:
    """It stands in its book only: nothing is decided by it."""
    return state


_APPLY: dict[type, Callable[[DeviceState, Any], DeviceState]] = {
    f.VariablesTold: _variables_told,
    f.KeysTold: _keys_told,
    f.PartTaken: _part_taken,
    f.MonitorsTaken: _monitors_taken,
    f.ReportBegun: _report_begun,
    f.ReportEnded: _report_ended,
    f.Pruned: _pruned,
    f.Ordered: _ordered,
    f.OrderSettled: _order_settled,
    f.RebootPending: _reboot_pending,
    f.Rebooted: _rebooted,
    f.BootsAsked: _boots_asked,
    f.MonitorsSet: _monitors_set,
    f.MonitorsGone: _monitors_gone,
    f.MonitoringSet: _monitoring_set,
    f.EventsTold: _events_told,
    f.NetworkProfileSet: _unchanged,
}


def apply(state: DeviceState, fact: Any) -> DeviceState:
    return _APPLY[type(fact)](state, fact)
