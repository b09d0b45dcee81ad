"""A tenant's administration: pure functions of state, message and time.

`known` tells whether the token is known already (the shell reads it from the snapshot); everything else is state.
"""

from datetime import UTC, datetime
from typing import Any

from actors.model.decision import Decision, Refused
from actors.model.rows import EventRow, TariffRow, TenantRow, TokenRow
from actors.model.tariff import fingerprint
from actors.model.token import TokenCard
from actors.station.messages import Done
from actors.tenant import facts as f
from actors.tenant import messages as m
from actors.tenant.state import TenantState, apply

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def decide_create(tenant: str, state: TenantState, message: m.Create, now: datetime) -> Decision:
    if state.created is not None:
        return Decision(reply=Refused("exists", f"the tenant {tenant} exists already"))
    fact = f.Created(
        message.name, message.currency, message.country, message.time_zone, message.unknown_stations,
        message.who, now, message.settings,
    )  # fmt: skip
    rows = (_row(tenant, fact), _event(tenant, "tenant.created", tenant, now))
    return Decision(facts=(fact,), rows=rows, reply=Done())


def _row(tenant: str, told: f.Created) -> TenantRow:
    return TenantRow(
        tenant=tenant,
        currency=told.currency,
        country=told.country,
        time_zone=told.time_zone,
        unknown_stations=told.unknown_stations,
        created_at=told.at,
        name=told.name,
        settings=told.settings,
    )


def decide_change(tenant: str, state: TenantState, message: m.Change, now: datetime) -> Decision:
    """The same settings again change nothing."""
    if state.created is None:
        return Decision(reply=_no_tenant(tenant))
    fact = f.Changed(message.name, message.time_zone, message.unknown_stations, message.who, now, message.settings)
    after = apply(state, fact)
    if after == state or after.created is None:
        return Decision(reply=Done())
    rows = (_row(tenant, after.created), _event(tenant, "tenant.changed", tenant, now))
    return Decision(facts=(fact,), rows=rows, reply=Done())


def decide_put_token(tenant: str, state: TenantState, message: m.PutToken, known: TokenCard | None, now: datetime) -> Decision:
    """The same card again changes nothing."""
    if state.created is None:
        return Decision(reply=_no_tenant(tenant))
    card = message.card
    if known == card:
        return Decision(reply=m.TokenStored(created=False))
    row = TokenRow(
        tenant=tenant,
        ref=card.ref,
        type=card.type,
        status=card.status,
        masked=card.masked,
        group_ref=card.group_ref,
        expires=card.expires,
        payment=card.payment,
        terms=card.terms,
    )
    event = _event(tenant, "token.changed", card.ref, now, {"status": card.status, "token": card.masked})
    sealed = (message.sealed,) if message.sealed_group is None else (message.sealed, message.sealed_group)
    rows = (*sealed, row, event)
    return Decision(facts=(f.TokenPut(card, message.who, now),), rows=rows, reply=m.TokenStored(created=known is None))


def decide_delete_token(
    tenant: str, state: TenantState, message: m.DeleteToken, known: TokenCard | None, now: datetime
) -> Decision:
    if known is None:
        return Decision(reply=Refused("unknown", "there is no such token"))
    row = TokenRow(tenant=tenant, ref=known.ref, type=known.type, status=known.status, masked=known.masked, deleted=True)
    event = _event(tenant, "token.deleted", known.ref, now, {"token": known.masked})
    return Decision(facts=(f.TokenDeleted(message.ref, message.who, now),), rows=(row, event), reply=Done())


def decide_put_tariff(tenant: str, state: TenantState, message: m.PutTariff, now: datetime) -> Decision:
    """A version per content: the same content again is the version that is in force already."""
    created = state.created
    if created is None:
        return Decision(reply=_no_tenant(tenant))
    currency = str(message.body.get("currency", created.currency))
    if currency != created.currency:
        detail = f"the tenant keeps its books in {created.currency}, the tariff is in {currency}"
        return Decision(reply=Refused("currency", detail, "currency"))
    print_ = fingerprint(message.body)
    head = state.tariffs.get(message.id)
    fresh = head is None or head.deleted
    if head is not None and not fresh and head.fingerprint == print_ and message.valid_from in (None, head.valid_from):
        return Decision(reply=m.TariffStored(False, head.version, print_))
    version = 1 if head is None else head.version + 1
    # A tariff that says no beginning has always been there: a station's clock may run a little behind the operator's
    # PUT, and an offline session may be older than it. Only what replaces a version begins now.
    valid_from = message.valid_from or (ALWAYS if fresh else now)
    fact = f.TariffPut(message.id, version, valid_from, print_, currency, message.body, message.who, now)
    row = TariffRow(
        tenant=tenant,
        id=fact.id,
        version=version,
        valid_from=valid_from,
        fingerprint=print_,
        currency=currency,
        body=fact.body,
    )
    event = _event(tenant, "tariff.changed", fact.id, now, {"version": version})
    return Decision(facts=(fact,), rows=(row, event), reply=m.TariffStored(fresh, version, print_))


def decide_delete_tariff(tenant: str, state: TenantState, message: m.DeleteTariff, now: datetime) -> Decision:
    head = state.tariffs.get(message.id)
    if head is None or head.deleted:
        return Decision(reply=Refused("unknown", "there is no such tariff"))
    row = TariffRow(
        tenant=tenant,
        id=message.id,
        version=head.version,
        valid_from=head.valid_from,
        fingerprint=head.fingerprint,
        currency=head.currency,
        body={},
        deleted=True,
    )
    event = _event(tenant, "tariff.deleted", message.id, now)
    return Decision(facts=(f.TariffDeleted(message.id, message.who, now),), rows=(row, event), reply=Done())


def _no_tenant(tenant: str) -> Refused:
    return Refused("unknown", f"there is no tenant {tenant}")


def _event(tenant: str, kind: str, subject: str, now: datetime, body: dict[str, Any] | None = None) -> EventRow:
    return EventRow(tenant=tenant, kind=kind, subject=subject, at=now, body=body or {})
