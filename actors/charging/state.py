"""The book of what a station holds: charging profiles, limits of others, what vehicles asked for."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.charging import facts as f
from actors.limits import DomainLimits
from actors.model.composite import EXTERNAL, TX, Held, is_asked
from actors.model.intents import ChargingSchedule
from actors.model.inventory import Inventory, announced, continued, put

LIMITS = DomainLimits()


class ChargingState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`held` by profile id. `limits` by (source, EVSE) as `source#evse`. `orders`: profiles of our own that are on their
    way. `next_profile` is the next id that we give."""

    held: dict[int, Held] = {}
    limits: dict[str, f.LimitTold] = {}
    inventories: dict[int, Inventory] = {}
    needs: dict[int, f.NeedsTold] = {}
    schedules: dict[int, f.EvScheduleTold] = {}
    orders: dict[str, Held] = {}
    next_profile: int = 1


def limit_key(source: str, evse: int | None) -> str:
    return f"{source}#{evse or 0}"


def replaced_by(state: ChargingState, new: Held) -> tuple[int, ...]:
    """Ids of other profiles that give way to this one: same purpose, stack level and place (K01.FR.05), and for a TxProfile
    the same transaction. What others set is not ours to replace."""
    wanted = new.profile
    return tuple(
        id
        for id, one in state.held.items()
        if id != wanted.id
        and one.evse == new.evse
        and one.source == new.source
        and one.profile.purpose == wanted.purpose
        and one.profile.stack_level == wanted.stack_level
        and (wanted.purpose != TX or one.profile.transaction_id == wanted.transaction_id)
    )


def _hold(state: ChargingState, many: Iterable[Held]) -> ChargingState:
    held = dict(state.held)
    highest = state.next_profile
    for one in many:
        held[one.profile.id] = one
        if one.profile.purpose != EXTERNAL:
            highest = max(highest, one.profile.id + 1)
    while len(held) > LIMITS.charging_profiles:
        del held[next(iter(held))]
    _shorten(held, lambda one: one.profile.schedules)
    return replace(state, held=held, next_profile=highest)


def _length(schedule: ChargingSchedule) -> int:
    entries = schedule.sales_tariff.get("salesTariffEntry") if schedule.sales_tariff is not None else None
    return len(schedule.periods) + (len(entries) if isinstance(entries, list) else 0)


def _shorten(book: dict[Any, Any], schedules: Callable[[Any], Iterable[ChargingSchedule]]) -> None:
    """The oldest go until the book has no more periods (of power and of price) than it may: each may have thousands, and all
    are looked at at once."""
    sizes = [(key, sum(map(_length, schedules(told)))) for key, told in book.items()]
    excess = sum(size for _, size in sizes) - LIMITS.charging_periods
    for key, size in sizes[:-1]:  # the newest stays whatever its size: a frame bounds that
        if excess <= 0:
            return
        del book[key]
        excess -= size


def _installed(state: ChargingState, fact: f.ProfileInstalled) -> ChargingState:
    gone = replaced_by(state, fact.held)
    return _hold(_without(state, gone), (fact.held,))


def _without(state: ChargingState, ids: Iterable[int]) -> ChargingState:
    gone = set(ids)
    return replace(state, held={id: one for id, one in state.held.items() if id not in gone}) if gone else state


def _gone(state: ChargingState, fact: f.ProfilesGone) -> ChargingState:
    return _without(state, fact.ids)


def _asked(state: ChargingState, fact: f.InventoryAsked) -> ChargingState:
    return _settle(state, fact.request_id, announced(state.inventories, fact.request_id, fact))


def _part(state: ChargingState, fact: f.PartTold) -> ChargingState:
    ids = tuple(profile.id for profile in fact.profiles)
    inventory = continued(state.inventories, fact.request_id, ids, fact.more)
    state = _hold(state, (Held(fact.evse, profile, fact.at, fact.source) for profile in fact.profiles))
    return _settle(state, fact.request_id, inventory)


def _settle(state: ChargingState, request_id: int, inventory: Inventory) -> ChargingState:
    """Once the report is complete and what it was about is known, what it did not name is gone."""
    if inventory.closed:
        asked = msgspec.convert(inventory.asked, f.InventoryAsked)
        state = _without(state, [id for id, one in state.held.items() if id not in inventory.told and is_asked(asked, one)])
    return replace(state, inventories=put(state.inventories, request_id, inventory, LIMITS.open_reports))


def _ordered(state: ChargingState, fact: f.ProfileOrdered) -> ChargingState:
    orders = _bounded(state.orders, fact.order, fact.held)
    return replace(state, orders=orders, next_profile=max(state.next_profile, fact.held.profile.id + 1))


def _order_ended(state: ChargingState, fact: f.OrderSettled) -> ChargingState:
    return replace(state, orders={id: held for id, held in state.orders.items() if id != fact.order})


def _limit_told(state: ChargingState, fact: f.LimitTold) -> ChargingState:
    limits = {**state.limits, limit_key(fact.source, fact.evse): fact}
    while len(limits) > LIMITS.external_limits:
        del limits[next(iter(limits))]
    _shorten(limits, lambda told: told.schedules)
    return replace(state, limits=limits)


def _limit_gone(state: ChargingState, fact: f.LimitGone) -> ChargingState:
    """Without an EVSE: everything that this source limits."""
    gone = limit_key(fact.source, fact.evse)
    prefix = f"{fact.source}#"
    kept = {
        key: told for key, told in state.limits.items() if key != gone and (fact.evse is not None or not key.startswith(prefix))
    }
    return replace(state, limits=kept)


def _bounded(known: dict[Any, Any], key: Any, fact: Any) -> dict[Any, Any]:
    kept = {**known, key: fact}
    while len(kept) > LIMITS.external_limits:
        del kept[next(iter(kept))]
    return kept


def _needs(state: ChargingState, fact: f.NeedsTold) -> ChargingState:
    return replace(state, needs=_bounded(state.needs, fact.evse, fact))


def _schedule(state: ChargingState, fact: f.EvScheduleTold) -> ChargingState:
    return replace(state, schedules=_bounded(state.schedules, fact.evse, fact))


def _unchanged(state: ChargingState, fact: Any) -> ChargingState:
    return state


_APPLY: dict[type, Callable[[ChargingState, Any], ChargingState]] = {
    f.ProfileInstalled: _installed,
    f.ProfilesGone: _gone,
    f.InventoryAsked: _asked,
    f.PartTold: _part,
    f.LimitTold: _limit_told,
    f.LimitGone: _limit_gone,
    f.NeedsTold: _needs,
    f.EvScheduleTold: _schedule,
    f.Compared: _unchanged,
    f.ProfileOrdered: _ordered,
    f.OrderSettled: _order_ended,
}


def apply(state: ChargingState, fact: Any) -> ChargingState:
    return _APPLY[type(fact)](state, fact)
