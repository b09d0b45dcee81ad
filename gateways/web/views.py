"""What the API shows: one frozen Struct per thing, and how the stored rows become it. Stations and sessions have modules
of their own beside this one.

The words are CONTRACT's. Energy is `_wh`, money is minor units with a currency, times are RFC 3339 in UTC, and a token's UID
is never here: only its masked form.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.model.rows import AuditRow, Entry, JournalRow, TariffRow, TenantRow, TokenRow
from actors.model.token import TokenTerms
from actors.ports import ApiToken, TraceRow
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


TARIFF_OURS = frozenset(("version", "valid_from", "fingerprint", "lint"))
"""Fields of ours that stand beside those of an OCPI tariff."""


def tariff_view(row: TariffRow) -> dict[str, Any]:
    """The OCPI object as it was put, with three fields of ours beside its own; a session freezes a version by its
    `fingerprint`."""
    ours = {"version": row.version, "valid_from": row.valid_from.astimezone(UTC), "fingerprint": row.fingerprint}
    return {**row.body, "id": row.id, "currency": row.currency, **ours}


class AccountView(msgspec.Struct, frozen=True):
    """`balance_minor` is debit minus credit; `held_minor` of a wallet is reserved by open holds."""

    book: str
    account: str
    currency: str
    debit_minor: int
    credit_minor: int
    balance_minor: int
    held_minor: int = 0


class JournalView(msgspec.Struct, frozen=True):
    """`group_id`: journals that mirror each other in several books have the same."""

    id: str
    book: str
    at: datetime
    ref: str
    entries: list[Entry]
    reverses: str | None
    group_id: str | None = None


def journal_view(row: JournalRow) -> JournalView:
    return JournalView(row.id, row.book, row.at.astimezone(UTC), row.ref, list(row.entries), row.reverses, row.group_id)


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
