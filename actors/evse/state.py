"""An EVSE's state: its connectors' statuses, which session occupies it, and for whom the place is kept."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.evse import facts as f
from actors.limits import DomainLimits

LIMITS = DomainLimits()


class Connector(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest status by the station's clock (`at`), never ahead of ours."""

    id: int
    status: str
    detail: str
    at: datetime
    error: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error: str | None = None


class Claim(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who has paid for the place, and until when it is kept."""

    attempt: str
    token_ref: str
    until: datetime
    card: str = ""


class Idle(msgspec.Struct, frozen=True, gc=False):
    """`card` kept the place and nothing began."""

    card: str
    at: datetime


class Reservation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One that the station holds for this EVSE."""

    id: int
    token_ref: str
    until: datetime
    group_ref: str | None = None


class EvseState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`session` sits here since `opened_at`; `closed` are recent ones whose opening may still be on its way."""

    code: str = ""
    present: bool = False
    connectors: tuple[Connector, ...] = ()
    session: str | None = None
    connector: int = 0
    opened_at: datetime | None = None
    closed: tuple[str, ...] = ()
    unattributed: tuple[datetime, str] | None = None
    """Natural key of the last meter message that belonged to nobody."""
    token_ref: str | None = None
    """Of `session`; None where it has no token yet."""
    claim: Claim | None = None
    reservations: tuple[Reservation, ...] = ()
    idle: tuple[Idle, ...] = ()
    """Claims of the last hour or so of which nothing came, oldest first; at most LIMITS.claims_idle."""


def connector_of(state: EvseState, connector: int) -> Connector | None:
    for known in state.connectors:
        if known.id == connector:
            return known
    return None


def _provisioned(state: EvseState, fact: f.Provisioned) -> EvseState:
    return replace(state, code=fact.code, present=fact.present)


def _status_told(state: EvseState, fact: f.StatusTold) -> EvseState:
    if fact.late:
        return state
    told = Connector(fact.connector, fact.status, fact.detail, fact.at, fact.error, fact.info, fact.vendor_id, fact.vendor_error)
    others = [known for known in state.connectors if known.id != fact.connector]
    if len(others) >= LIMITS.connectors:  # a station that makes numbers up: in the journal, not in every row
        return state
    return replace(state, connectors=tuple(sorted((*others, told), key=_by_id)))


def _by_id(connector: Connector) -> int:
    return connector.id


def _occupied(state: EvseState, fact: f.Occupied) -> EvseState:
    return replace(state, session=fact.session, connector=fact.connector, opened_at=fact.at, token_ref=fact.token_ref)


def _released(state: EvseState, fact: f.Released) -> EvseState:
    closed = (*state.closed, fact.session)[-LIMITS.closed_sessions :]
    if state.session != fact.session:
        return replace(state, closed=closed)
    return replace(state, session=None, connector=0, opened_at=None, token_ref=None, closed=closed)


def _unattributed(state: EvseState, fact: f.Unattributed) -> EvseState:
    return replace(state, unattributed=(fact.readings[0].at, fact.content)) if fact.readings else state


def _authorised(state: EvseState, fact: f.Authorised) -> EvseState:
    return replace(state, token_ref=fact.token_ref) if state.session == fact.session else state


def _claimed(state: EvseState, fact: f.Claimed) -> EvseState:
    return replace(state, claim=Claim(fact.attempt, fact.token_ref, fact.until, fact.card))


def _unclaimed(state: EvseState, fact: f.Unclaimed) -> EvseState:
    known = state.claim
    if known is None or known.attempt != fact.attempt:
        return state
    if fact.how not in ("released", "expired") or not known.card:
        return replace(state, claim=None)
    recent = [one for one in state.idle if one.at > fact.at - LIMITS.claims_window]
    return replace(state, claim=None, idle=(*recent, Idle(known.card, fact.at))[-LIMITS.claims_idle :])


def _reserved(state: EvseState, fact: f.Reserved) -> EvseState:
    others = tuple(known for known in state.reservations if known.id != fact.id)
    told = Reservation(fact.id, fact.token_ref, fact.until, fact.group_ref)
    return replace(state, reservations=(*others, told)[-LIMITS.evse_reservations :])


def _unreserved(state: EvseState, fact: f.Unreserved) -> EvseState:
    return replace(state, reservations=tuple(known for known in state.reservations if known.id != fact.id))


_APPLY: dict[type, Callable[[EvseState, Any], EvseState]] = {
    f.Provisioned: _provisioned,
    f.StatusTold: _status_told,
    f.Occupied: _occupied,
    f.Released: _released,
    f.Unattributed: _unattributed,
    f.Authorised: _authorised,
    f.Claimed: _claimed,
    f.Unclaimed: _unclaimed,
    f.Reserved: _reserved,
    f.Unreserved: _unreserved,
}


def apply(state: EvseState, fact: Any) -> EvseState:
    return _APPLY[type(fact)](state, fact)
