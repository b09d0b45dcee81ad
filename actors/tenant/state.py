"""A tenant's state: its settings and the head of each tariff. Tokens are not in it: a brand has hundreds of thousands,
and the snapshot in memory answers whether one is known.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.tenant import facts as f


class TariffHead(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest version of a tariff. Versions count on after a deletion."""

    version: int
    fingerprint: str
    valid_from: datetime
    currency: str
    deleted: bool = False


class TenantState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    created: f.Created | None = None
    tariffs: dict[str, TariffHead] = {}


def _created(state: TenantState, fact: f.Created) -> TenantState:
    return replace(state, created=fact)


def _changed(state: TenantState, fact: f.Changed) -> TenantState:
    """What is known of the creation stays but for what was changed."""
    if state.created is None:
        return state
    created = replace(
        state.created,
        name=fact.name,
        time_zone=fact.time_zone,
        unknown_stations=fact.unknown_stations,
        settings=fact.settings,
    )
    return replace(state, created=created)


def _tariff_put(state: TenantState, fact: f.TariffPut) -> TenantState:
    head = TariffHead(fact.version, fact.fingerprint, fact.valid_from, fact.currency)
    return replace(state, tariffs={**state.tariffs, fact.id: head})


def _tariff_deleted(state: TenantState, fact: f.TariffDeleted) -> TenantState:
    known = state.tariffs.get(fact.id)
    if known is None:
        return state
    return replace(state, tariffs={**state.tariffs, fact.id: replace(known, deleted=True)})


def _unchanged(state: TenantState, fact: Any) -> TenantState:
    return state


_APPLY: dict[type, Callable[[TenantState, Any], TenantState]] = {
    f.Created: _created,
    f.Changed: _changed,
    f.TokenPut: _unchanged,
    f.TokenDeleted: _unchanged,
    f.TariffPut: _tariff_put,
    f.TariffDeleted: _tariff_deleted,
}


def apply(state: TenantState, fact: Any) -> TenantState:
    return _APPLY[type(fact)](state, fact)
