"""What a device model shows to the outside: its variables, and the small books beside them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from actors.device.facts import NetworkProfileSet
from actors.device.messages import Monitor
from actors.device.reports import Assembly
from actors.device.state import Alert, Pending
from actors.model import books
from actors.model.decision import AddressKey
from actors.model.device import Variable
from actors.model.intents import VariableRef
from actors.model.rows import BookRow, VariableRow

MONITOR = "monitor"
ALERT = "alert"
REPORT = "report"
REBOOT = "reboot_required"
NETWORK = "network_profile"


def variable_row(here: AddressKey, variable: Variable) -> VariableRow:
    ref = variable.ref
    return VariableRow(
        tenant=here[0],
        station=here[2],
        component=ref.component,
        variable=ref.variable,
        attributes=variable.attributes_json(),
        component_instance=ref.component_instance,
        variable_instance=ref.variable_instance,
        evse=ref.evse,
        connector=ref.connector,
        characteristics=variable.characteristics_json(),
        key_1_6=ref.key_1_6,
    )


def gone_row(here: AddressKey, ref: VariableRef) -> VariableRow:
    return VariableRow(
        tenant=here[0], station=here[2], component=ref.component, variable=ref.variable, attributes=[],
        component_instance=ref.component_instance, variable_instance=ref.variable_instance, evse=ref.evse,
        connector=ref.connector, deleted=True,
    )  # fmt: skip


def entry(here: AddressKey, book: str, key: str, now: datetime, **body: Any) -> BookRow:
    return books.entry(here, book, key, body, now)


def ended(here: AddressKey, book: str, keys: Iterable[str], now: datetime) -> list[BookRow]:
    return [books.entry(here, book, key, None, now) for key in keys]


def where(ref: VariableRef) -> dict[str, Any]:
    """A place in the device model, as every book writes it."""
    component = {"name": ref.component, "instance": ref.component_instance, "evse": ref.evse, "connector": ref.connector}
    return {
        "component": {name: value for name, value in component.items() if value is not None},
        "variable": {"name": ref.variable} | ({"instance": ref.variable_instance} if ref.variable_instance else {}),
    }


def monitor_key(id: int) -> str:
    return f"{id:010d}"


def monitor_row(here: AddressKey, monitor: Monitor, now: datetime) -> BookRow:
    return entry(
        here, MONITOR, monitor_key(monitor.id), now, id=monitor.id, **where(monitor.ref), type=monitor.type,
        value=monitor.value, severity=monitor.severity, transaction=monitor.transaction,
    )  # fmt: skip


def alert_row(here: AddressKey, key: str, alert: Alert, severity: int | None, now: datetime) -> BookRow:
    told = alert.event
    return entry(
        here, ALERT, key, now, event_id=told.id, at=told.at, received=alert.received, **where(told.ref), value=told.actual,
        kind=told.notification_type, monitor=told.monitor, severity=severity, transaction_id=told.transaction_id,
        tech_code=told.tech_code, tech_info=told.tech_info,
    )  # fmt: skip


def report_row(here: AddressKey, report: Assembly, status: str, now: datetime) -> BookRow:
    return entry(
        here, REPORT, f"{report.what}-{report.request_id:010d}", now, request_id=report.request_id, what=report.what,
        full=report.full, parts=report.count, status=status, began=report.began,
    )  # fmt: skip


def pending_row(here: AddressKey, key: str, pending: Pending, now: datetime) -> BookRow:
    return entry(
        here, REBOOT, key, now, **where(pending.ref), key_1_6=pending.ref.key_1_6, attribute=pending.attribute,
        value=pending.value, at=pending.at,
    )  # fmt: skip


def network_row(here: AddressKey, fact: NetworkProfileSet) -> BookRow:
    return entry(
        here, NETWORK, f"{fact.slot:05d}", fact.at, slot=fact.slot, csms_url=fact.csms_url,
        security_profile=fact.security_profile, interface=fact.interface, ocpp_version=fact.ocpp_version,
        message_timeout=fact.message_timeout,
    )  # fmt: skip
