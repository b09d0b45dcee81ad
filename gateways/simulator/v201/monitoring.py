"""Monitors of a 2.0.1 station (block N): set, cleared and reported, and the alerts when a monitored variable crosses.

Three kinds: hard-wired (availability, which nobody can take away), preconfigured by the maker (a temperature), and custom.
A threshold speaks when it is crossed and once more, cleared, when that is over.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import trio

from gateways.simulator import limits
from gateways.simulator.clock import wire_time
from gateways.simulator.link import CallError, LinkLost
from gateways.simulator.v201.device_model import component_of, name_of

if TYPE_CHECKING:
    from gateways.simulator.v201.memory import Evse
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
CHECK_EVERY = 1.0
CHECK_EVERY_PRECONFIGURED = 10.0
"""Seconds between two looks: what the maker had put in is in no hurry, and a fleet of thousands is cheap so."""
OVERHEATED = 75.0
_CRITERIA = {
    "ThresholdMonitoring": ("UpperThreshold", "LowerThreshold"),
    "DeltaMonitoring": ("Delta",),
    "PeriodicMonitoring": ("Periodic", "PeriodicClockAligned"),
}


@dataclass
class Monitor:
    id: int
    variable: int
    type: str
    value: float
    severity: int
    transaction: bool = False
    kind: str = "CustomMonitor"
    raised: bool = False
    reference: str = ""
    """Delta: the value that was told last."""
    next: float = 0.0
    """Periodic: trio time; PeriodicClockAligned: the slot of the day."""


class Monitors:
    def __init__(self, station: Station201) -> None:
        self._station = station
        self._ids = itertools.count(1)
        self._events = itertools.count(1)
        self.active: dict[int, Monitor] = {}
        self.base = "All"
        self._preconfigure()

    def _preconfigure(self) -> None:
        for evse in self._station.connectors:
            number = self._station.model.number_of("TemperatureSensor", "Temperature", evse=evse.id)
            monitor = Monitor(next(self._ids), number, "UpperThreshold", OVERHEATED, 3, kind="PreconfiguredMonitor")
            self.active[monitor.id] = monitor

    # -- what the central system asks -----------------------------------------------------------------------

    def put(self, request: Payload) -> Payload:
        """One SetMonitoringData -> one SetMonitoringResult."""
        result = {name: request[name] for name in ("type", "severity", "component", "variable")}
        model = self._station.model
        found = model.find(request["component"], request["variable"])
        if isinstance(found, str):
            return {**result, "status": found}
        variable, kind, value = model.variables[found], request["type"], float(request["value"])
        numeric = variable.type in ("integer", "decimal")
        if not variable.monitored or (kind.endswith("Threshold") and not numeric):
            return {**result, "status": "UnsupportedMonitorType"}
        outside = kind.endswith("Threshold") and variable.most is not None and value > variable.most
        if not 0 <= int(request["severity"]) <= 9 or outside or (kind != "LowerThreshold" and value < 0):
            return {**result, "status": "Rejected"}
        number = request.get("id")
        if number is not None:
            held = self.active.get(number)
            if held is None or held.kind == "HardWiredMonitor" or held.variable != found:
                return {**result, "status": "Rejected"}
        else:
            if any(m.variable == found and m.type == kind and m.severity == request["severity"] for m in self.active.values()):
                return {**result, "status": "Duplicate"}
            if len(self.active) >= limits.MONITORS_MOST:
                return {**result, "status": "Rejected"}
            number = next(self._ids)
        monitor = Monitor(number, found, kind, value, int(request["severity"]), bool(request.get("transaction", False)))
        monitor.reference = model.at(found)
        monitor.next = trio.current_time() + value
        self.active[number] = monitor
        self._station.stir()
        return {**result, "status": "Accepted", "id": number}

    def clear(self, number: int) -> str:
        if number not in self.active:
            return "NotFound"
        if self.active[number].kind != "CustomMonitor":
            return "Rejected"
        del self.active[number]
        return "Accepted"

    def set_base(self, base: str) -> None:
        """All keeps what is; the others drop what was added, and HardWiredOnly what the maker had put in as well."""
        self.base = base
        self._station.model.put("MonitoringCtrlr", "ActiveMonitoringBase", base)
        if base == "All":
            return
        self.active = {n: m for n, m in self.active.items() if m.kind != "CustomMonitor" and base != "HardWiredOnly"}
        if base == "FactoryDefault" and not self.active:
            self._preconfigure()

    def report(self, wanted: list[Payload] | None, criteria: list[str] | None) -> list[Payload]:
        model = self._station.model
        numbers = None if wanted is None else {n for entry in wanted for n in model.matching(entry)}
        types = None if criteria is None else {kind for criterion in criteria for kind in _CRITERIA[criterion]}
        by_variable: dict[int, list[Payload]] = {}
        for monitor in self.active.values():
            if (numbers is None or monitor.variable in numbers) and (types is None or monitor.type in types):
                told = {
                    "id": monitor.id,
                    "transaction": monitor.transaction,
                    "value": monitor.value,
                    "type": monitor.type,
                    "severity": monitor.severity,
                }
                by_variable.setdefault(monitor.variable, []).append(told)
        return [
            {
                "component": component_of(model.variables[n]),
                "variable": name_of(model.variables[n]),
                "variableMonitoring": monitors,
            }
            for n, monitors in by_variable.items()
        ]

    # -- what happens -----------------------------------------------------------------------------------------

    def check(self, now: datetime) -> float:
        """Raise what crossed since the last look; seconds until the next one is worth it."""
        station = self._station
        if not self.active or not station.model.flag("MonitoringCtrlr", "Enabled"):
            return limits.TICK_MOST
        found = [event for monitor in list(self.active.values()) for event in self._look(monitor, now)]
        if found:
            severity = min(self.active[event["variableMonitoringId"]].severity for event in found)
            self.tell(found, severity)
        if any(monitor.kind == "CustomMonitor" for monitor in self.active.values()):
            return CHECK_EVERY
        return CHECK_EVERY_PRECONFIGURED if station.busy else limits.TICK_MOST

    def _look(self, monitor: Monitor, now: datetime) -> list[Payload]:
        value = self._station.model.at(monitor.variable)
        if monitor.transaction and not self._station.busy:
            return []
        if monitor.type.endswith("Threshold"):
            over = float(value) > monitor.value if monitor.type == "UpperThreshold" else float(value) < monitor.value
            if over == monitor.raised:
                return []
            monitor.raised = over
            return [self._event(monitor, "Alerting", value, now, cleared=not over)]
        if monitor.type == "Delta":
            if not self._moved(monitor, value):
                return []
            monitor.reference = value
            return [self._event(monitor, "Delta", value, now)]
        if not self._due(monitor, now):
            return []
        return [self._event(monitor, "Periodic", value, now)]

    def _moved(self, monitor: Monitor, value: str) -> bool:
        try:
            return abs(float(value) - float(monitor.reference)) >= max(monitor.value, 1e-9)
        except ValueError:
            return value != monitor.reference

    def _due(self, monitor: Monitor, now: datetime) -> bool:
        every = max(monitor.value, CHECK_EVERY)
        if monitor.type == "Periodic":
            if trio.current_time() < monitor.next:
                return False
            monitor.next = trio.current_time() + every
            return True
        slot = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() // every
        due, monitor.next = slot != monitor.next and monitor.raised, slot
        monitor.raised = True  # the first look only finds the slot
        return due

    def _event(self, monitor: Monitor, trigger: str, value: str, now: datetime, *, cleared: bool = False) -> Payload:
        variable = self._station.model.variables[monitor.variable]
        event: Payload = {
            "eventId": next(self._events),
            "timestamp": wire_time(now),
            "trigger": trigger,
            "actualValue": value,
            "component": component_of(variable),
            "variable": name_of(variable),
            "variableMonitoringId": monitor.id,
            "eventNotificationType": monitor.kind,
        }
        if cleared:
            event["cleared"] = True
        return event

    def availability(self, evse: Evse, status: str) -> Payload:
        """NotifyEvent of a connector's new status: the hard-wired notification that 2.0.1 has beside StatusNotification."""
        now = wire_time(self._station.clock.now())
        event = {
            "eventId": next(self._events),
            "timestamp": now,
            "trigger": "Delta",
            "actualValue": status,
            "component": {"name": "Connector", "evse": {"id": evse.id, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
            "eventNotificationType": "HardWiredNotification",
        }
        return {"generatedAt": now, "seqNo": 0, "tbc": False, "eventData": [event]}

    def tell(self, events: list[Payload], severity: int) -> None:
        """Unless nobody wants to hear of this severity; offline it waits when it is severe enough for that."""
        station = self._station
        if severity > station.model.number("MonitoringCtrlr", "ActiveMonitoringLevel"):
            return
        payload = {"generatedAt": wire_time(station.clock.now()), "seqNo": 0, "tbc": False, "eventData": events}
        station.nursery.start_soon(self._tell, payload, severity)

    async def _tell(self, payload: Payload, severity: int) -> None:
        station = self._station
        try:
            await station.call("NotifyEvent", payload)
        except LinkLost:
            if severity <= station.model.number("MonitoringCtrlr", "OfflineQueuingSeverity"):
                station.events.append(payload)
        except CallError as error:
            station.stats.problem("errors", f"{station.settings.identity}: NotifyEvent: {error}")
