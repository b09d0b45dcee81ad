"""Charging sessions as the API shows them, their meter values, what their signed records are worth, and their CDRs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.rows import CdrRow, SessionRow
from gateways.web.views import utc


class TransactionView(msgspec.Struct, frozen=True):
    """What the events of an OCPP 2.x transaction say besides. `last_seq`: the highest number that came; `started` and
    `ended`: the events of that name came; `missing`: numbers in between that have not come, as inclusive ranges; `offline`: it
    has events of a time without connection. The rest as the station told it."""

    charging_state: str | None
    trigger: str
    last_seq: int | None
    started: bool
    ended: bool
    missing: list[tuple[int, int]]
    offline: bool
    remote_start_id: int | None = None
    time_spent_charging: int | None = None
    cable_max_current: int | None = None
    phases_used: int | None = None


class SessionView(msgspec.Struct, frozen=True):
    """`number` is usable as a 1.6 transactionId. `unpriced`: no tariff was there, which is never 'free'. `transaction`: null for
    a session of OCPP 1.6."""

    id: str
    number: int
    station: str
    evse: int
    connector: int
    transaction_id: str
    token: str | None
    token_ref: str | None
    state: str
    phase: str
    started_at: datetime | None
    ended_at: datetime | None
    energy_wh: int | None
    stop_reason: str | None
    cost: Cost | None
    unpriced: bool
    cdr: str | None
    anomalies: list[str]
    updated_at: datetime
    transaction: TransactionView | None


def session_view(row: SessionRow) -> SessionView:
    return SessionView(
        row.id, row.number, row.station, row.evse, row.connector, row.transaction_id, row.token_masked, row.token_ref,
        row.state, row.phase, utc(row.started_at), utc(row.ended_at), row.energy_wh, row.stop_reason, row.cost,
        row.unpriced, row.cdr, list(row.anomalies), row.updated_at.astimezone(UTC),
        None if row.transaction is None else msgspec.convert(row.transaction, TransactionView),
    )  # fmt: skip


class SampleView(msgspec.Struct, frozen=True):
    """`value` in the base unit; null when the station's text is no number (`raw` has it) or a signed record."""

    measurand: str
    value: Decimal | None
    unit: str
    context: str
    location: str
    phase: str | None
    raw: str


class MeterValueView(msgspec.Struct, frozen=True):
    at: datetime
    samples: list[SampleView]


def meter_value_view(reading: Reading) -> MeterValueView:
    samples = [
        SampleView(sample.measurand, sample.value, sample.unit, sample.context, sample.location, sample.phase, sample.raw)
        for sample in reading.samples
    ]
    return MeterValueView(reading.at.astimezone(UTC), samples)


class SignedRecordView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`verified`: valid, invalid, no_key (the meter's public key is not known), unsupported (algorithm or format) or
    unreadable; the record itself stands in `meter_values`, byte for byte."""

    at: datetime
    context: str
    method: str
    verified: str
    meter: str | None = None
    page: str | None = None
    value: Decimal | None = None
    unit: str | None = None
    detail: str | None = None


class SignedView(msgspec.Struct, frozen=True):
    """`billable`: the first and the last record are valid and nothing speaks against them (`problems`)."""

    records: list[SignedRecordView]
    problems: list[str]
    billable: bool


class SessionDetail(SessionView, frozen=True):
    """A session with its meter values, oldest first, and what its signed ones are worth (null: there are none)."""

    meter_values: list[MeterValueView]
    signed: SignedView | None = None


def session_detail(row: SessionRow, readings: Sequence[Reading], signed: SignedView | None = None) -> SessionDetail:
    view = session_view(row)
    fields = {name: getattr(view, name) for name in SessionView.__struct_fields__}
    return SessionDetail(**fields, meter_values=[meter_value_view(reading) for reading in readings], signed=signed)


def cdr_view(row: CdrRow) -> dict[str, Any]:
    """The OCPI 2.2.1 CDR object with two fields of ours beside its own."""
    return {**row.body, "id": row.id, "session": row.session, "journal": row.journal}
