"""How much is held on a card before charging, and at which cost charging stops (MONEY 1.2).

More than the hold is never taken, so a session has to be stopped before its cost passes it. Between the reading that shows
that the limit was reached and the moment at which power is off lie a meter interval and a command's way; what can come
due in that time is the reserve. It is reckoned with the dearest price of every dimension, whatever its restrictions: dear
times may begin in just that minute. On top is left what a vehicle that stays connected may be charged for its place.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Literal

import msgspec

from actors.model.display import Shown, shown
from actors.model.limits import (
    COMMAND_LATENCY_S,
    HOLD_LEAST_PART,
    HOLD_OCCUPANCY_S,
    HOLD_TYPICAL_KWH,
    HOLD_TYPICAL_S,
    METER_INTERVAL_S,
)
from actors.model.money import chargeable, exponent
from actors.model.tariff import Component, Tariff

_HOUR = Decimal(3600)
_KILO = Decimal(1000)
_ZERO = Decimal(0)
_HUNDRED = Decimal(100)


class HoldTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tenant's own wishes for one currency. `default_minor`: what is held as a rule, None: what the tariff says
    (preauthorize_amount), else as much as a usual charge at this EVSE costs. `most_minor`: more is never held, None: no such
    bound. `occupancy_s`: how long a vehicle that was stopped may still be charged for its place; after that the operator
    bears it."""

    default_minor: int | None = None
    most_minor: int | None = None
    occupancy_s: int = HOLD_OCCUPANCY_S
    meter_interval_s: int = METER_INTERVAL_S
    command_latency_s: int = COMMAND_LATENCY_S


class Hold(msgspec.Struct, frozen=True):
    """In minor units, gross. `hold_minor` is held; at a running cost of `limit_minor` charging is stopped. What lies between
    the two is `reserve_minor` (what may come due until it has stopped) and `occupancy_minor`; both are 0 where the tariff's
    own max_price keeps the cost within the hold."""

    hold_minor: int
    limit_minor: int
    reserve_minor: int
    occupancy_minor: int
    currency: str


class HoldError(ValueError):
    """No hold can be made. `free`: there is nothing to pay, so nothing to hold. `too_small`: the most that may be held does not
    cover what is due before charging could be stopped."""

    def __init__(self, code: Literal["free", "too_small"], detail: str, needed_minor: int = 0) -> None:
        self.code = code
        self.needed_minor = needed_minor
        super().__init__(detail)


def hold_for(tariff: Tariff, max_power_w: int, terms: HoldTerms | None = None) -> Hold:
    """The hold for a charge by `tariff` at an EVSE that gives at most `max_power_w`. Raises HoldError."""
    terms = terms or HoldTerms()
    currency = tariff.currency
    seen = shown(tariff)
    if seen.free:
        raise HoldError("free", "the tariff has no price above zero: there is nothing to hold")
    most, least, usual = terms.most_minor, _least(tariff, seen), _usual(tariff, max_power_w)
    ceiling = _ceiling(seen, currency)
    if ceiling is not None:
        # One minor unit above what the tariff can come to, so that reaching it is no reason to stop.
        enough = _whole(max(ceiling, least) + 1, currency)
        if all(bound is None or enough <= bound for bound in (most, terms.default_minor)):
            return Hold(enough, enough, 0, 0, currency)
    seconds = terms.meter_interval_s + terms.command_latency_s
    reserve = _minor(growth(tariff, max_power_w, seconds), currency)
    occupancy = _occupancy(tariff, seen, terms)
    needed = max(least, _minor(_fees(tariff), currency)) + usual // HOLD_LEAST_PART + 1 + reserve + occupancy
    if most is not None and needed > most:
        raise HoldError(
            "too_small",
            f"at most {_text(most, currency)} may be held, but a charge of use needs {_text(needed, currency)}, "
            f"{_text(reserve, currency)} of it for what comes due before charging has stopped: raise most_minor, have meter "
            "values reported more often, or lower the tariff's fees",
            needed,
        )
    wanted = terms.default_minor
    if wanted is None and tariff.preauthorize is not None:
        wanted = _minor(tariff.preauthorize, currency)
    if wanted is None:
        wanted = round_up(needed + usual, currency)
    elif wanted < needed:
        wanted = round_up(needed, currency)
    if most is not None:
        wanted = min(wanted, most)
    wanted = chargeable(wanted, currency)
    return Hold(wanted, wanted - reserve - occupancy, reserve, occupancy, currency)


def growth(tariff: Tariff, max_power_w: int, seconds: int) -> Decimal:
    """By how much, in major units and gross, the cost of a running session can grow within `seconds`: the dearest price of every
    dimension, a step of each, and every fee per session that may come due later than at the start."""
    energy = Decimal(max_power_w) * seconds / (_KILO * _HOUR)
    kwh, per_hour = _dearest(tariff, "ENERGY"), max(_dearest(tariff, "TIME"), _dearest(tariff, "PARKING_TIME"))
    steps = _step(tariff, "ENERGY") / _KILO, max(_step(tariff, "TIME"), _step(tariff, "PARKING_TIME"))
    flats = [choice for choice in tariff.plan.charging.flat if choice.component.price]
    later = _ZERO if len(flats) == 1 and flats[0].restrictions is None else _fees(tariff)
    return kwh * (energy + steps[0]) + per_hour * (seconds + steps[1]) / _HOUR + later


def round_up(amount_minor: int, currency: str) -> int:
    """The next amount that people find simple: whole units of the currency; from ten on multiples of five of the second digit
    (15, 50, 55, 5500)."""
    unit = _unit(currency)
    major = -(-amount_minor // unit)
    step = 1
    if major > 10:
        step = 5 * int(Decimal(1).scaleb(len(str(major - 1)) - 2))
    return -(-major // step) * step * unit


def _whole(amount_minor: int, currency: str) -> int:
    unit = _unit(currency)
    return -(-amount_minor // unit) * unit


def _occupancy(tariff: Tariff, seen: Shown, terms: HoldTerms) -> int:
    """What a stopped vehicle may still be charged for its place: as long as the tenant lets it, or as the tariff's own end of the
    fee does. A vehicle that was stopped asks for power still; one that has had enough is what this is for."""
    if seen.occupancy is None:
        return 0
    due = _dearest(tariff, "PARKING_TIME") * terms.occupancy_s / _HOUR
    cap = seen.occupancy.cap
    return _minor(due if cap is None else min(due, cap), tariff.currency)


def _fees(tariff: Tariff) -> Decimal:
    return sum((_gross(tariff, c) for c in _components(tariff) if c.type == "FLAT"), _ZERO)


def _least(tariff: Tariff, seen: Shown) -> int:
    """The least price, which is due the moment that a session begins."""
    limit = seen.min_price
    if limit is None:
        return 0
    gross = limit.gross if limit.gross is not None else limit.net * (_HUNDRED + _top_rate(tariff)) / _HUNDRED
    return _minor(gross, tariff.currency)


def _unit(currency: str) -> int:
    return int(Decimal(1).scaleb(exponent(currency)))


def _usual(tariff: Tariff, max_power_w: int) -> int:
    """What a usual charge costs here: HOLD_TYPICAL_KWH, or what this EVSE gives in HOLD_TYPICAL_S."""
    seconds = Decimal(HOLD_TYPICAL_S)
    energy = Decimal(max_power_w) * seconds / (_KILO * _HOUR)
    if energy > HOLD_TYPICAL_KWH:
        seconds = seconds * HOLD_TYPICAL_KWH / energy
        energy = Decimal(HOLD_TYPICAL_KWH)
    return _minor(_dearest(tariff, "ENERGY") * energy + _dearest(tariff, "TIME") * seconds / _HOUR, tariff.currency)


def _ceiling(seen: Shown, currency: str) -> int | None:
    """The most that a session can cost, where the tariff bounds it gross."""
    limit = seen.max_price
    return None if limit is None or limit.gross is None else _minor(limit.gross, currency)


def _components(tariff: Tariff) -> list[Component]:
    """Those that price a charge, not a reservation."""
    elements = [e for e in tariff.elements if e.restrictions is None or e.restrictions.reservation is None]
    return [component for element in elements for component in element.components]


def _dearest(tariff: Tariff, dimension: str) -> Decimal:
    return max((_gross(tariff, c) for c in _components(tariff) if c.type == dimension), default=_ZERO)


def _step(tariff: Tariff, dimension: str) -> Decimal:
    steps = (c.step_size for c in _components(tariff) if c.type == dimension and c.step_size > 1)
    return Decimal(max(steps, default=0))


def _gross(tariff: Tariff, component: Component) -> Decimal:
    if tariff.tax_included != "NO" or component.vat is None:
        return component.price
    return component.price * (_HUNDRED + component.vat) / _HUNDRED


def _top_rate(tariff: Tariff) -> Decimal:
    return max((c.vat for c in _components(tariff) if c.vat is not None), default=_ZERO)


def _minor(amount: Decimal, currency: str) -> int:
    """Rounded up: what may come due is never reckoned too low."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_CEILING))


def _text(amount_minor: int, currency: str) -> str:
    places = exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f} {currency}"
