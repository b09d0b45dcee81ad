"""A charging session, its number, its CDR."""

from datetime import datetime
from typing import Any

from actors.model.money import Cost
from actors.model.rows.base import Row


class SessionRow(Row, frozen=True, gc=False, kw_only=True):
    """`state`: active, ended, quarantined (CONTRACT); `phase` the domain's finer word. `transaction`: what the events of a 2.x
    transaction say besides (actors/session/rows.transaction_view); None for one of 1.6."""

    id: str
    number: int
    station: str
    evse: int
    connector: int
    transaction_id: str
    token_ref: str | None
    token_masked: str | None
    state: str
    phase: str
    started_at: datetime | None
    ended_at: datetime | None
    energy_wh: int | None
    stop_reason: str | None
    cost: Cost | None
    unpriced: bool
    cdr: str | None
    anomalies: tuple[str, ...]
    updated_at: datetime
    transaction: dict[str, Any] | None = None


class NumberRow(Row, frozen=True, gc=False, kw_only=True):
    """Natural key: transaction number -> session, unique over the installation."""

    number: int
    station: str
    session: str


class CdrRow(Row, frozen=True, gc=False, kw_only=True):
    """A CDR, immutable: the OCPI 2.2.1 object in `body`."""

    id: str
    session: str
    journal: str | None
    at: datetime
    body: dict[str, Any]
