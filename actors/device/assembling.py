"""Reports in parts, as they come and end: of variables and of monitors alike. Pure functions (reports.py is the counting).

What a part tells is in the model at once. A report that is whole, and was to mention everything, removes the rest; one
whose parts stop coming ends by its timer and removes nothing.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.device import facts as f
from actors.device import inventory, reports
from actors.device import messages as m
from actors.device.reports import MONITORS, VARIABLES, Assembly
from actors.device.rows import MONITOR, REPORT, ended, monitor_key, report_row
from actors.device.state import DeviceState
from actors.limits import DomainLimits
from actors.model.decision import AddressKey, Decision, Signal, Timer
from actors.model.feed import event
from actors.station.messages import Done


def timer_name(what: str, request_id: int) -> str:
    return f"report:{what}:{request_id}"


def progress(
    here: AddressKey,
    state: DeviceState,
    fact: Any,
    report: Assembly,
    begun: bool,
    rows: list[Any],
    now: datetime,
    limits: DomainLimits,
) -> Decision:
    """A part came: the report goes on, or is whole."""
    facts: list[Any] = [fact]
    timers: list[Timer] = []
    signals: tuple[Signal, ...] = ()
    name = timer_name(report.what, report.request_id)
    if report.complete:
        facts.append(f.ReportEnded(report.request_id, report.what, "complete", now))
        timers = [] if begun else [Timer(name, None)]
        rows = [*rows, *whole_rows(here, state, report, now)]
        if report.full and report.what == VARIABLES:
            signals = (Signal(here, m.Prune()),)
    elif begun:
        timers = [Timer(name, now + limits.report_silence, m.ReportSilent(report.request_id))]
        rows = [*rows, report_row(here, report, "running", now)]
    forgotten = _pushed_out(here, state, report, now, limits) if begun else []
    return Decision(facts=facts, rows=[*rows, *forgotten], timers=timers, signals=signals, reply=Done())


def whole_rows(here: AddressKey, state: DeviceState, report: Assembly, now: datetime) -> list[Any]:
    return [
        report_row(here, report, "complete", now),
        event(here, "station.report", now, request_id=report.request_id, what=report.what, status="complete", full=report.full),
    ]


def _pushed_out(here: AddressKey, state: DeviceState, report: Assembly, now: datetime, limits: DomainLimits) -> list[Any]:
    """Entries of reports that are no longer remembered."""
    remembered = {(known.what, known.request_id) for known in reports.kept(state.reports, report, limits.reports)}
    gone = [known for known in state.reports if (known.what, known.request_id) not in remembered]
    return ended(here, REPORT, [f"{known.what}-{known.request_id:010d}" for known in gone], now)


def decide_begun(
    here: AddressKey,
    state: DeviceState,
    request_id: int,
    what: str,
    settled: tuple[Any, ...],
    now: datetime,
    limits: DomainLimits,
) -> Decision:
    """The station will send a report that mentions everything; some send its parts before they say so."""
    facts: list[Any] = [*settled, f.ReportBegun(request_id, what, now)]
    known = reports.found(state.reports, request_id, what)
    name = timer_name(what, request_id)
    if known is not None and known.complete:
        facts.append(f.ReportEnded(request_id, what, "complete", now))
        rows: list[Any] = [report_row(here, msgspec.structs.replace(known, full=True), "complete", now)]
        signals = (Signal(here, m.Prune()),) if what == VARIABLES else ()
        if what == MONITORS:
            rows += gone_monitors(here, state, known.number, now)
        return Decision(facts=facts, rows=rows, signals=signals)
    report = known or Assembly(request_id, state.number + 1, what, now, now)
    rows = [report_row(here, msgspec.structs.replace(report, full=True), "running", now)]
    return Decision(facts=facts, rows=rows, timers=(Timer(name, now + limits.report_silence, m.ReportSilent(request_id)),))


def decide_silent(here: AddressKey, state: DeviceState, silent: m.ReportSilent, now: datetime, limits: DomainLimits) -> Decision:
    """No part for a while? Then it has ended as it is, and removes nothing."""
    facts: list[Any] = []
    rows: list[Any] = []
    timers: list[Timer] = []
    for report in state.reports:
        if report.request_id != silent.request_id or report.ended:
            continue
        due = report.at + limits.report_silence
        if due > now:
            timers.append(Timer(timer_name(report.what, report.request_id), due, silent))
            continue
        facts.append(f.ReportEnded(report.request_id, report.what, "incomplete", now))
        rows += [
            report_row(here, report, "incomplete", now),
            event(
                here, "station.report", now,
                request_id=report.request_id, what=report.what, status="incomplete", full=report.full,
            ),
        ]  # fmt: skip
        if report.full and report.what == VARIABLES:
            timers += inventory.again(state, inventory.INVENTORY, now, limits)
    return Decision(facts=facts, rows=rows, timers=timers)


def gone_monitors(here: AddressKey, state: DeviceState, since: int, now: datetime) -> list[Any]:
    """Entries of monitors that a complete report did not mention."""
    gone = [kept.monitor.id for kept in state.monitors.values() if kept.seen < since]
    return list(ended(here, MONITOR, [monitor_key(id) for id in gone], now))
