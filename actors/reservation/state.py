"""The reservations that a station holds, and the last that it held."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.reservation import facts as f

LIMITS = DomainLimits()


class ReservationState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`over`: those that ended last, so that a late word about one finds what it was."""

    open: dict[int, f.Reserved] = {}
    over: dict[int, f.Ended] = {}


def _reserved(state: ReservationState, fact: f.Reserved) -> ReservationState:
    over = {id: told for id, told in state.over.items() if id != fact.id}
    return replace(state, open={**state.open, fact.id: fact}, over=over)


def _ended(state: ReservationState, fact: f.Ended) -> ReservationState:
    over = {**state.over, fact.id: fact}
    while len(over) > LIMITS.reservations_over:
        del over[next(iter(over))]
    return replace(state, open={id: told for id, told in state.open.items() if id != fact.id}, over=over)


_APPLY: dict[type, Callable[[ReservationState, Any], ReservationState]] = {f.Reserved: _reserved, f.Ended: _ended}


def apply(state: ReservationState, fact: Any) -> ReservationState:
    return _APPLY[type(fact)](state, fact)
