"""Stations as the API shows them: their connection, EVSEs and connectors, their variables, and the inbox of those that
nobody registered yet."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from actors.model.rows import EvseRow, InboxRow, QuirkRow, SeenRow, StationRow, VariableRow
from actors.station.messages import LiveStation, UnregisteredEvse
from gateways.web.views import utc


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
    """`code` is the permanent, opaque code in this EVSE's QR; `session` the one under way; `claimed`: somebody has paid for the
    place and is about to begin."""

    id: int
    status: str
    detail: str
    code: str
    connectors: list[ConnectorView]
    session: str | None
    claimed: bool = False


class UnregisteredEvseView(msgspec.Struct, frozen=True):
    """An EVSE that the station told a status of, but was not registered with: charges on it wait for an operator."""

    id: int
    status: str
    detail: str
    error: str
    at: datetime


class SeenQuirkView(msgspec.Struct, frozen=True):
    """What the station was seen to do (`GET /api/v1/quirks` says what that is): how often, and when last. `tier`: repair (read as
    what it means), accept (taken as it came, and flagged), reject (refused, or not sent)."""

    id: str
    tier: str
    count: int
    first_at: datetime
    last_at: datetime


def seen_quirk_view(row: QuirkRow) -> SeenQuirkView:
    return SeenQuirkView(row.quirk, row.tier, row.count, row.first_at.astimezone(UTC), row.last_at.astimezone(UTC))


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
    merchant: str | None
    connection: ConnectionView
    boot: dict[str, Any] | None
    evses: list[EvseView]
    unregistered_evses: list[UnregisteredEvseView]
    commands: list[str]
    updated_at: datetime
    quirks: list[SeenQuirkView] = []


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
    return EvseView(row.evse, row.status, row.detail, row.code, connectors, row.session, row.claimed)


def unregistered_view(evse: UnregisteredEvse) -> UnregisteredEvseView:
    return UnregisteredEvseView(evse.id, evse.status, evse.detail, evse.error, evse.at.astimezone(UTC))


def station_view(
    row: StationRow,
    seen: SeenRow | None,
    evses: Sequence[EvseRow],
    live: LiveStation | None,
    password: str | None = None,
    quirks: Sequence[QuirkRow] = (),
) -> StationView:
    return StationView(
        id=row.station,
        registered=row.registered,
        location=row.location,
        auth=AuthView(row.profile, password),
        versions=list(row.versions),
        tariff=row.tariff,
        merchant=row.merchant,
        connection=connection_view(seen, live),
        boot=live.boot if live is not None and live.boot is not None else row.boot,
        evses=[evse_view(evse) for evse in evses],
        unregistered_evses=[unregistered_view(evse) for evse in live.unregistered] if live is not None else [],
        commands=list(live.commands) if live is not None else [],
        updated_at=row.updated_at.astimezone(UTC),
        quirks=[seen_quirk_view(quirk) for quirk in quirks],
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
