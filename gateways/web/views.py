"""What the API shows: one frozen Struct per thing, and how the stored rows become it.

The words are CONTRACT's. Energy is `_wh`, money is minor units with a currency, times are RFC 3339 in UTC, and a token's UID
is never here: only its masked form.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.rows import (
    AuditRow,
    CdrRow,
    Entry,
    EvseRow,
    InboxRow,
    JournalRow,
    SeenRow,
    SessionRow,
    StationRow,
    TariffRow,
    TenantRow,
    TokenRow,
    VariableRow,
)
from actors.model.token import TokenTerms
from actors.ports import ApiToken, TraceRow
from actors.station.messages import LiveStation, UnregisteredEvse
from gateways.web.veil import veiled_body
from runtime.store import DeadLetter


def utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class TenantView(msgspec.Struct, frozen=True):
    id: str
    name: str
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    created_at: datetime
    settings: dict[str, Any]


def tenant_view(row: TenantRow) -> TenantView:
    return TenantView(
        row.tenant, row.name, row.currency, row.country, row.time_zone, row.unknown_stations,
        row.created_at.astimezone(UTC), row.settings,
    )  # fmt: skip


class ApiTokenView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`token` is there once: in the answer to its creation."""

    id: str
    name: str
    role: str
    created_at: datetime
    expires: datetime | None = None
    revoked_at: datetime | None = None
    token: str | None = None


def api_token_view(row: ApiToken, token: str | None = None) -> ApiTokenView:
    return ApiTokenView(row.id, row.name, row.role, row.created_at.astimezone(UTC), utc(row.expires), utc(row.revoked_at), token)


class AuditView(msgspec.Struct, frozen=True):
    """`action` is the name of the operation, `subject` the path it was about; token UIDs are left out."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: dict[str, Any]


def audit_view(row: AuditRow) -> AuditView:
    return AuditView(row.at.astimezone(UTC), row.who, row.action, row.subject, row.detail)


class ConnectionView(msgspec.Struct, frozen=True):
    """`since` is when the state began; `generation` counts the station's connections."""

    state: Literal["online", "offline"]
    protocol: str | None = None
    since: datetime | None = None
    generation: int = 0
    last_seen: datetime | None = None


class ConnectorView(msgspec.Struct, frozen=True):
    """`status` in OCPP 2.x words, `detail` what the station said itself (Preparing, Charging ...)."""

    id: int
    status: str
    detail: str = ""
    error: str = "NoError"


class EvseView(msgspec.Struct, frozen=True):
    """`code` is the permanent, opaque code in this EVSE's QR; `session` the one under way."""

    id: int
    status: str
    detail: str
    code: str
    connectors: list[ConnectorView]
    session: str | None


class UnregisteredEvseView(msgspec.Struct, frozen=True):
    """An EVSE that the station told a status of, but was not registered with: charges on it wait for an operator."""

    id: int
    status: str
    detail: str
    error: str
    at: datetime


class AuthView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`password` is there once: in the answer that generated it."""

    profile: int
    password: str | None = None


class StationSummary(msgspec.Struct, frozen=True):
    id: str
    registered: bool
    evses: int
    location: dict[str, Any]
    versions: list[str]
    tariff: str | None
    connection: ConnectionView
    boot: dict[str, Any] | None


class StationView(msgspec.Struct, frozen=True):
    id: str
    registered: bool
    location: dict[str, Any]
    auth: AuthView
    versions: list[str]
    tariff: str | None
    connection: ConnectionView
    boot: dict[str, Any] | None
    evses: list[EvseView]
    unregistered_evses: list[UnregisteredEvseView]
    commands: list[str]
    updated_at: datetime


def connection_view(seen: SeenRow | None, live: LiveStation | None = None) -> ConnectionView:
    """The actor's word, when there is one, over the row's (which is written now and then)."""
    if live is not None and (live.online or seen is None):
        state: Literal["online", "offline"] = "online" if live.online else "offline"
        return ConnectionView(state, live.protocol, utc(live.since), live.generation, utc(live.last_seen))
    if seen is None:
        return ConnectionView("offline")
    online = seen.online and live is None
    since = live.since if live is not None and live.since is not None else seen.since
    return ConnectionView("online" if online else "offline", seen.protocol, utc(since), seen.generation, utc(seen.last_seen))


def station_summary(row: StationRow, seen: SeenRow | None) -> StationSummary:
    return StationSummary(
        row.station, row.registered, row.evses, row.location, list(row.versions), row.tariff, connection_view(seen), row.boot
    )


def evse_view(row: EvseRow) -> EvseView:
    connectors = [
        ConnectorView(
            int(part.get("id", n)), str(part.get("status", "")), str(part.get("detail", "")), str(part.get("error", "NoError"))
        )
        for n, part in enumerate(row.connectors, start=1)
    ]
    return EvseView(row.evse, row.status, row.detail, row.code, connectors, row.session)


def unregistered_view(evse: UnregisteredEvse) -> UnregisteredEvseView:
    return UnregisteredEvseView(evse.id, evse.status, evse.detail, evse.error, evse.at.astimezone(UTC))


def station_view(
    row: StationRow, seen: SeenRow | None, evses: Sequence[EvseRow], live: LiveStation | None, password: str | None = None
) -> StationView:
    return StationView(
        id=row.station,
        registered=row.registered,
        location=row.location,
        auth=AuthView(row.profile, password),
        versions=list(row.versions),
        tariff=row.tariff,
        connection=connection_view(seen, live),
        boot=live.boot if live is not None and live.boot is not None else row.boot,
        evses=[evse_view(evse) for evse in evses],
        unregistered_evses=[unregistered_view(evse) for evse in live.unregistered] if live is not None else [],
        commands=list(live.commands) if live is not None else [],
        updated_at=row.updated_at.astimezone(UTC),
    )


class InboxView(msgspec.Struct, frozen=True):
    station: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    protocol: str | None
    peer: str


def inbox_view(row: InboxRow) -> InboxView:
    return InboxView(
        row.station, row.first_seen.astimezone(UTC), row.last_seen.astimezone(UTC), row.attempts, row.protocol, row.peer
    )


class ComponentRef(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None


class VariableName(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    instance: str | None = None


class VariableView(msgspec.Struct, frozen=True):
    """`key` is the 1.6 configuration key, where the variable has one."""

    component: ComponentRef
    variable: VariableName
    attributes: list[dict[str, Any]]
    characteristics: dict[str, Any] | None
    key: str | None


def variable_view(row: VariableRow) -> VariableView:
    return VariableView(
        ComponentRef(row.component, row.component_instance, row.evse, row.connector),
        VariableName(row.variable, row.variable_instance),
        row.attributes,
        row.characteristics,
        row.key_1_6,
    )


class MessageView(msgspec.Struct, frozen=True):
    """One OCPP frame, passwords and keys redacted. `direction`: in (from the station) or out."""

    at: datetime
    direction: str
    protocol: str
    type: str
    action: str
    unique_id: str
    body: str
    error: str | None
    correlation: str


def message_view(row: TraceRow) -> MessageView:
    return MessageView(
        row.at.astimezone(UTC), row.direction, row.protocol, row.message_type, row.action, row.unique_id, row.body,
        row.error, row.correlation,
    )  # fmt: skip


class SiteView(msgspec.Struct, frozen=True):
    station: str
    evses: list[int]


class TokenView(msgspec.Struct, frozen=True):
    """`uid` is masked; `ref` is what sessions and facts know the token by. `sites`: where it may charge, none: everywhere."""

    type: str
    uid: str
    ref: str
    status: str
    group: str | None
    expires: datetime | None
    payment: str
    sites: list[SiteView] = []
    languages: list[str] = []
    priority: int | None = None


def token_view(row: TokenRow, group: str | None = None) -> TokenView:
    return TokenView(
        row.type, row.masked, row.ref, row.status, group, utc(row.expires), row.payment, *terms_view(row.terms)
    )  # fmt: skip


def terms_view(terms: TokenTerms | None) -> tuple[list[SiteView], list[str], int | None]:
    if terms is None:
        return [], [], None
    return [SiteView(site.station, list(site.evses)) for site in terms.sites], list(terms.languages), terms.priority


TARIFF_OURS = frozenset(("version", "valid_from", "fingerprint"))
"""Fields of ours that stand beside those of an OCPI tariff."""


def tariff_view(row: TariffRow) -> dict[str, Any]:
    """The OCPI object as it was put, with three fields of ours beside its own; a session freezes a version by its
    `fingerprint`."""
    ours = {"version": row.version, "valid_from": row.valid_from.astimezone(UTC), "fingerprint": row.fingerprint}
    return {**row.body, "id": row.id, "currency": row.currency, **ours}


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


class AccountView(msgspec.Struct, frozen=True):
    """`balance_minor` is debit minus credit."""

    book: str
    account: str
    currency: str
    debit_minor: int
    credit_minor: int
    balance_minor: int


class JournalView(msgspec.Struct, frozen=True):
    id: str
    book: str
    at: datetime
    ref: str
    entries: list[Entry]
    reverses: str | None


def journal_view(row: JournalRow) -> JournalView:
    return JournalView(row.id, row.book, row.at.astimezone(UTC), row.ref, list(row.entries), row.reverses)


class DeadLetterSummary(msgspec.Struct, frozen=True):
    id: str
    actor: str
    at: datetime
    message_type: str
    error: str
    fingerprint: str
    correlation: str
    state: str


class DeadLetterView(DeadLetterSummary, frozen=True):
    """`message` is what crashed the actor, as far as it is JSON; secrets in it are hidden, tokens masked."""

    traceback: str
    message: Any


def dead_letter_summary(row: DeadLetter) -> DeadLetterSummary:
    return DeadLetterSummary(
        row.id, str(row.actor), row.at.astimezone(UTC), row.message_type, row.error, row.fingerprint, row.correlation, row.state
    )


def dead_letter_view(row: DeadLetter) -> DeadLetterView:
    message = veiled_body(row.body)
    summary = dead_letter_summary(row)
    fields = {name: getattr(summary, name) for name in DeadLetterSummary.__struct_fields__}
    return DeadLetterView(**fields, traceback=row.traceback, message=message)
