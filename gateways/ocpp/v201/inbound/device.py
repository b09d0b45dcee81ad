"""The device model (blocks B07-B08, N01-N08, G05): reports, monitors, events."""

from actors.device import messages as d
from actors.model.device import Attribute, Characteristics
from actors.station import messages as s
from gateways.ocpp.dialect import Asker, Several
from gateways.ocpp.v201.inbound.parts import maybe, variable, when
from gateways.ocpp.v201.messages import monitoring, provisioning

_STATUSES = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})


def report(x: provisioning.NotifyReport, asker: Asker, flags: tuple[str, ...], payload: bytes) -> d.ReportPart:
    data = x.report_data if isinstance(x.report_data, list) else ()
    return d.ReportPart(
        x.request_id,
        x.seq_no,
        x.tbc is True,
        when(x.generated_at, asker),
        tuple(_reported(item, f"/reportData/{n}") for n, item in enumerate(data)),
    )


def _reported(x: provisioning.ReportData, at: str) -> d.ReportedDevice:
    known = x.variable_characteristics
    characteristics = None
    if isinstance(known, provisioning.VariableCharacteristics):
        characteristics = Characteristics(
            known.data_type, known.supports_monitoring, maybe(known.unit), maybe(known.min_limit), maybe(known.max_limit),
            maybe(known.values_list),
        )  # fmt: skip
    return d.ReportedDevice(
        variable(x.component, x.variable, at), tuple(map(_attribute, x.variable_attribute)), characteristics
    )  # fmt: skip


def _attribute(x: provisioning.VariableAttribute) -> Attribute:
    kind, mutability = maybe(x.type) or "Actual", maybe(x.mutability) or "ReadWrite"
    return Attribute(maybe(x.value), kind, mutability, x.persistent is True, x.constant is True)


def monitors(x: monitoring.NotifyMonitoringReport, asker: Asker, flags: tuple[str, ...], payload: bytes) -> d.MonitoringPart:
    told = x.monitor if isinstance(x.monitor, list) else ()
    found = []
    for n, group in enumerate(told):
        ref = variable(group.component, group.variable, f"/monitor/{n}")
        found += [d.Monitor(ref, m.id, m.type, m.value, m.severity, m.transaction) for m in group.variable_monitoring]
    return d.MonitoringPart(x.request_id, x.seq_no, x.tbc is True, when(x.generated_at, asker), tuple(found))


def events(x: monitoring.NotifyEvent, asker: Asker, flags: tuple[str, ...], payload: bytes) -> d.EventsPart | Several:
    """With what they say of connectors and the station as statuses before it (G01)."""
    told = tuple(_event(item, asker, f"/eventData/{n}") for n, item in enumerate(x.event_data))
    part = d.EventsPart(x.seq_no, x.tbc is True, when(x.generated_at, asker), told)
    statuses = tuple(status for status in map(_status, told) if status is not None)
    return Several(statuses, part) if statuses else part


def _event(x: monitoring.EventData, asker: Asker, at: str) -> d.DeviceEvent:
    return d.DeviceEvent(
        x.event_id, when(x.timestamp, asker), variable(x.component, x.variable, at), x.trigger, x.actual_value,
        x.event_notification_type, maybe(x.cause), x.cleared is True, maybe(x.variable_monitoring_id), maybe(x.transaction_id),
        maybe(x.tech_code), maybe(x.tech_info),
    )  # fmt: skip


def _status(x: d.DeviceEvent) -> s.ConnectorStatus | None:
    """A Connector's or the ChargingStation's AvailabilityState; of a whole EVSE none is kept besides the device model."""
    ref, status = x.ref, x.actual
    if ref.variable.lower() != "availabilitystate" or status not in _STATUSES:
        return None
    component = ref.component.lower()
    if component == "connector" and ref.evse and ref.connector:
        return s.ConnectorStatus(ref.evse, ref.connector, status, status, at=x.at)
    if component == "chargingstation" and not ref.evse:
        return s.ConnectorStatus(0, 0, status, status, at=x.at)
    return None
