"""What is known of a station: settings, presence, its EVSEs, its device model, the small books, and strangers that knocked."""

from datetime import datetime
from typing import Any

from actors.model.rows.base import Row


class StationRow(Row, frozen=True, gc=False, kw_only=True):
    """Registered settings and what the last boot said. `auth` is the password's hash (actors/station/auth.py); `auth_next` and
    `profile_next` (0: none) hold while the station changes to them; `serial` is the number that its certificate names."""

    station: str
    registered: bool
    evses: int
    profile: int
    auth: bytes | None
    versions: tuple[str, ...]
    tariff: str | None
    location: dict[str, Any]
    boot: dict[str, Any] | None
    updated_at: datetime
    deleted: bool = False
    auth_next: bytes | None = None
    profile_next: int = 0
    serial: str | None = None
    merchant: str | None = None


class SeenRow(Row, frozen=True, gc=False, kw_only=True):
    """Batched without gating a reply: who is (was last) connected and heard."""

    station: str
    online: bool
    protocol: str | None
    since: datetime
    generation: int
    last_seen: datetime


class EvseRow(Row, frozen=True, gc=False, kw_only=True):
    """`code` is the permanent opaque code that the QR on the EVSE carries. Statuses: OCPP 2.x ConnectorStatus,
    with the 1.6 detail (Preparing, Charging ...) in `detail`. `claimed`: somebody has paid for the place and is about to
    begin."""

    station: str
    evse: int
    code: str
    status: str
    detail: str
    connectors: list[dict[str, Any]]
    session: str | None
    updated_at: datetime
    claimed: bool = False


class VariableRow(Row, frozen=True, gc=False, kw_only=True):
    """One variable of a station's device model; 1.6 keys sit under their component by the data table."""

    station: str
    component: str
    variable: str
    attributes: list[dict[str, Any]]
    """[{type, value, mutability, persistent, constant}]"""
    component_instance: str | None = None
    variable_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    characteristics: dict[str, Any] | None = None
    key_1_6: str | None = None
    deleted: bool = False
    """The station no longer has it."""


class BookRow(Row, frozen=True, gc=False, kw_only=True):
    """An entry of one of the small books that are kept of a station: `book` names it (profile, limit, display,
    reservation, local_list, monitor, alert, report, certificate, log, security ...), `key` is unique in it. `body` is shown by
    the API as it is: no token UID, no secret."""

    station: str
    book: str
    key: str
    body: dict[str, Any]
    updated_at: datetime
    deleted: bool = False


class InboxRow(Row, frozen=True, gc=False, kw_only=True):
    """An unknown station that knocked."""

    station: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    protocol: str | None
    peer: str
    state: str = "waiting"


class QuirkRow(Row, frozen=True, gc=False, kw_only=True):
    """How often a station showed a quirk (gateways/ocpp/quirks). Put: what is to be added; read: what it came to. `tier`: repair,
    accept or reject. The first one of a station and quirk is told as the event `station.quirk`."""

    station: str
    quirk: str
    tier: str
    count: int
    first_at: datetime
    last_at: datetime
