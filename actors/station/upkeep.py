"""What a station reports of its own upkeep: security events, firmware, logs, customer reports. Pure functions.

Each is a fact, a line of the event feed and an entry of a small book (`BookRow`) of the last ones, numbered in the order
of their arrival. Customer reports are personal: their text goes to the vault, and only how far they came is kept here.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from actors.limits import DomainLimits
from actors.model.decision import Decision, Letter
from actors.model.intents import AnyIntent, CommandResult, GetLog, PublishFirmware, UnpublishFirmware, UpdateFirmware
from actors.model.rows import BookRow, VaultRow
from actors.station import facts as f
from actors.station import messages as m
from actors.station.decide import Station
from actors.station.letters import FirmwareProgress
from actors.station.rows import event
from actors.station.state import CustomerReport, StationState, apply, is_of

DONE = Decision(reply=m.Done())
SECURITY = "security"
FIRMWARE = "firmware"
LOG = "log"
CUSTOMER = "customer_report"
CUSTOMER_KIND = "customer_report"
"""Kind of its parts in the vault."""

CRITICAL = frozenset(
    {
        "FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared",
        "MemoryExhaustion", "TamperDetectionActivated", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate",
        "InvalidCsmsCertificate", "InvalidChargingStationCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite",
        "MaintenanceLoginAccepted", "MaintenanceLoginFailed", "DiscardedRenewedClientCertificate",
        "InvalidCentralSystemCertificate", "InvalidChargePointCertificate",
    }
)  # fmt: skip
"""Of the standard's security events (annex E, 2.0.1 and 2.1; the last two are what 1.6 calls them); vendors add
their own, which are not."""


def entries(here: Station, book: str, number: int, bound: int, now: datetime, **body: Any) -> Iterator[BookRow]:
    """The `number`-th entry of a book, and the end of the one that it pushes out."""
    yield BookRow(tenant=here.tenant, station=here.id, book=book, key=f"{number:09d}", body=body, updated_at=now)
    if number >= bound:
        yield _gone(here, book, f"{number - bound:09d}", now)


def decide_security(here: Station, state: StationState, told: m.SecurityEvent, now: datetime, limits: DomainLimits) -> Decision:
    """A station that got no answer tells the same again, which is no second event."""
    detail = told.tech_info[: limits.detail_characters] if told.tech_info else None
    if state.last_security == (told.type, told.at, detail):
        return DONE
    critical = told.type in CRITICAL
    fact = f.SecurityTold(told.type, told.at, now, critical, detail)
    body = {"type": told.type, "at": told.at, "critical": critical, "tech_info": detail}
    rows = [*entries(here, SECURITY, state.security_events, limits.security_events, now, **body)]
    line = event(here.tenant, here.id, "station.security", now, type=told.type, critical=critical)
    return Decision(facts=(fact,), rows=(*rows, line), reply=m.Done())


def decide_firmware(here: Station, state: StationState, told: m.FirmwareStatus, now: datetime, limits: DomainLimits) -> Decision:
    fact = f.FirmwareTold(told.status, now, told.request_id)
    rows = _history(here, FIRMWARE, state.firmware_statuses, limits, now, "status", told.status, told.request_id)
    letters = []
    if state.update is not None and is_of(state.update, told.request_id):
        letters.append(Letter(state.update.by, FirmwareProgress(state.update.order, here.id, told.status, now)))
    line = _line(here, "station.firmware", told.status, told.request_id, now)
    return Decision(facts=(fact,), rows=(*rows, line), letters=letters, reply=m.Done())


def decide_publish(
    here: Station, state: StationState, told: m.PublishFirmwareStatus, now: datetime, limits: DomainLimits
) -> Decision:
    fact = f.PublishTold(told.status, now, told.request_id, told.locations)
    rows = _history(
        here, FIRMWARE, state.firmware_statuses, limits, now, "publish", told.status, told.request_id,
        locations=list(told.locations),
    )  # fmt: skip
    line = _line(here, "station.firmware", told.status, told.request_id, now, publish=True)
    return Decision(facts=(fact,), rows=(*rows, line), reply=m.Done())


def decide_log(here: Station, state: StationState, told: m.LogStatus, now: datetime, limits: DomainLimits) -> Decision:
    fact = f.LogTold(told.status, now, told.request_id)
    rows = _history(here, LOG, state.log_statuses, limits, now, "status", told.status, told.request_id)
    return Decision(facts=(fact,), rows=(*rows, _line(here, "station.log", told.status, told.request_id, now)), reply=m.Done())


def _line(here: Station, kind: str, status: str, request_id: int | None, now: datetime, **more: Any) -> Any:
    if request_id is not None:
        more["request_id"] = request_id
    return event(here.tenant, here.id, kind, now, status=status, **more)


def _history(
    here: Station,
    book: str,
    number: int,
    limits: DomainLimits,
    now: datetime,
    what: str,
    status: str,
    request_id: int | None,
    **more: Any,
) -> list[BookRow]:
    body = {"what": what, "status": status, "at": now, "request_id": request_id, **more}
    return [*entries(here, book, number, limits.status_history, now, **body)]


def requested(
    here: Station, state: StationState, intent: AnyIntent, result: CommandResult, request_id: int | None, now: datetime,
    limits: DomainLimits, id: str = "",
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """The station's answer to a request (the command `id`) for a log or for firmware, as the first line of its history:
    (facts, rows)."""
    if isinstance(intent, GetLog):
        rows = _history(
            here, LOG, state.log_statuses, limits, now, "requested", result.status, request_id,
            log_type=intent.log_type, file_name=result.data.get("file_name"),
        )  # fmt: skip
        return [f.LogRequested(result.status, now, request_id)], rows
    if isinstance(intent, UpdateFirmware | PublishFirmware | UnpublishFirmware):
        what = {UpdateFirmware: "requested", PublishFirmware: "publish_requested"}.get(type(intent), "unpublished")
        rows = _history(here, FIRMWARE, state.firmware_statuses, limits, now, what, result.status, request_id)
        return [f.FirmwareRequested(result.status, now, request_id, id, isinstance(intent, UpdateFirmware))], rows
    return [], []


# -- customer reports ------------------------------------------------------------------------------------------


def customer_ref(station: str, request_id: int, seq: int) -> str:
    """Where a part lies in the vault."""
    return f"customer/{station}/{request_id}/{seq}"


def report_of(state: StationState, request_id: int) -> CustomerReport | None:
    return next((report for report in state.customer if report.request_id == request_id), None)


def is_kept(state: StationState, part: m.CustomerReportPart, limits: DomainLimits) -> bool:
    """Is there room for this part, and is it none of those that came before?"""
    known = report_of(state, part.request_id)
    return 0 <= part.seq < limits.customer_report_parts and (known is None or part.seq not in known.seqs)


def decide_customer(
    here: Station, state: StationState, part: m.CustomerReportPart, sealed: VaultRow | None, now: datetime, limits: DomainLimits
) -> Decision:
    """`sealed`: its text, None when it is not kept (a part too many, or one that is there already)."""
    known = report_of(state, part.request_id)
    if sealed is None and known is not None and (part.seq in known.seqs or known.cut):
        return DONE
    fact = f.CustomerTold(part.request_id, part.seq, part.more, now, sealed is not None)
    after = apply(state, fact)
    report = report_of(after, part.request_id)
    assert report is not None, "the fact has just made it"
    rows: list[Any] = [_report_row(here, report, now)]
    if sealed is not None:
        rows.append(sealed)
    kept = {other.request_id for other in after.customer}
    for other in state.customer:
        if other.request_id not in kept:
            rows += _forgotten(here, other, now)
    if report.complete and (known is None or not known.complete):
        rows.append(event(here.tenant, here.id, "station.customer_report", now, request_id=part.request_id))
    return Decision(facts=(fact,), rows=rows, reply=m.Done())


def emptied(here: Station, state: StationState, now: datetime, limits: DomainLimits) -> list[Any]:
    """The rows that end these books: the station is unregistered."""
    rows: list[Any] = []
    for book, count, bound in (
        (SECURITY, state.security_events, limits.security_events),
        (FIRMWARE, state.firmware_statuses, limits.status_history),
        (LOG, state.log_statuses, limits.status_history),
    ):
        rows += [_gone(here, book, f"{number:09d}", now) for number in range(max(0, count - bound), count)]
    for report in state.customer:
        rows += _forgotten(here, report, now)
    return rows


def _gone(here: Station, book: str, key: str, now: datetime) -> BookRow:
    return BookRow(tenant=here.tenant, station=here.id, book=book, key=key, body={}, updated_at=now, deleted=True)


def _report_row(here: Station, report: CustomerReport, now: datetime) -> BookRow:
    body = {
        "request_id": report.request_id, "parts": len(report.seqs), "complete": report.complete, "cut": report.cut,
    }  # fmt: skip
    return BookRow(tenant=here.tenant, station=here.id, book=CUSTOMER, key=str(report.request_id), body=body, updated_at=now)


def _forgotten(here: Station, report: CustomerReport, now: datetime) -> Iterator[Any]:
    """Its entry, and the keys of its parts: without them the cells are noise."""
    yield _gone(here, CUSTOMER, str(report.request_id), now)
    for seq in report.seqs:
        ref = customer_ref(here.id, report.request_id, seq)
        yield VaultRow(tenant=here.tenant, ref=ref, kind=CUSTOMER_KIND, blind=b"", cell=b"", key=b"")
