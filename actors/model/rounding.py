"""From exact amounts to a document's money: rounded once, and split so that the parts sum to the whole.

The total before taxes and the total with taxes are each rounded half away from zero, once per document (MONEY 3.5,
PROTOCOLS 6.4). VAT is their difference. What belongs to a VAT rate or to a kind of revenue is a share of these totals
by largest remainder, so a document's rows always add up to its total.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

import msgspec

from actors.model.money import Cost, Money, VatAmount, to_minor
from actors.model.tariff import Tariff, applicable

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)


class Part(msgspec.Struct, frozen=True, gc=False):
    """One line's exact amounts in major units. `vat` in percent, None where the tariff names no tax."""

    kind: str
    excl: Decimal
    incl: Decimal
    vat: Decimal | None


class Settled(msgspec.Struct, frozen=True):
    """`kinds`: (kind, net) that sum to `cost.excl`. `limit`: which bound of the tariff decided, if any."""

    cost: Cost
    kinds: tuple[tuple[str, Money], ...]
    limit: str | None


def apportion(total: int, weights: Sequence[Decimal]) -> list[int]:
    """`total` split in proportion to `weights` (not negative) by largest remainder; of equals the earlier one wins.
    All weights zero: the first takes it."""
    if len(weights) < 2:
        return [total] * len(weights)
    whole = sum(weights, _ZERO)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    shares = [total * weight / whole for weight in weights]
    parts = [int(share.to_integral_value(ROUND_FLOOR)) for share in shares]
    order = sorted(range(len(parts)), key=lambda n: (parts[n] - shares[n], n))
    for n in order[: total - sum(parts)]:
        parts[n] += 1
    return parts


def settle(tariff: Tariff, parts: Sequence[Part]) -> Settled:
    """The cost of a document with these lines: bounds of the tariff applied, rounded, split."""
    excl = sum((part.excl for part in parts), _ZERO)
    incl = sum((part.incl for part in parts), _ZERO)
    excl, incl, limit = _bounded(tariff, excl, incl)
    currency = tariff.currency
    net, gross = to_minor(excl, currency), to_minor(incl, currency)
    cost = Cost(Money(net, currency), Money(gross, currency), _vat(tariff, parts, gross - net))
    return Settled(cost, _kinds(parts, net, currency), limit)


def _bounded(tariff: Tariff, excl: Decimal, incl: Decimal) -> tuple[Decimal, Decimal, str | None]:
    """min_price and max_price: the amounts before and with taxes are bounded separately. Where a bound states only
    the amount before taxes, the taxes follow it in proportion."""
    low, high = tariff.min_price, tariff.max_price
    limit = None
    if high is not None and (excl > high.excl or (high.incl is not None and incl > high.incl)):
        limit = "max_price"
        capped = min(excl, high.excl)
        incl = incl * capped / excl if high.incl is None else min(incl, high.incl)
        excl = capped
    if low is not None and (excl < low.excl or (low.incl is not None and incl < low.incl)):
        limit = "min_price"
        raised = max(excl, low.excl)
        if low.incl is not None:
            incl = max(incl, low.incl)
        else:
            incl = incl * raised / excl if excl else raised * (1 + (_top_rate(tariff) or _ZERO) / _HUNDRED)
        excl = raised
    return excl, max(excl, incl), limit


def _vat(tariff: Tariff, parts: Sequence[Part], total: int) -> tuple[VatAmount, ...]:
    rates: dict[Decimal, Decimal] = {}
    for part in parts:
        if part.vat is not None:
            rates[part.vat] = rates.get(part.vat, _ZERO) + part.incl - part.excl
    if total and not any(rates.values()):
        # Only a minimum price can get here: there is no line whose tax it could follow.
        rates = {_top_rate(tariff) or _ZERO: Decimal(total)}
    order = sorted(rates)
    shares = apportion(total, [rates[rate] for rate in order])
    return tuple(VatAmount(rate, Money(share, tariff.currency)) for rate, share in zip(order, shares, strict=True))


def _top_rate(tariff: Tariff) -> Decimal | None:
    """Of what a session can come to, as it is shown: a component that never applies has no say."""
    if tariff.tax_included == "N/A":
        return None
    rates = (component.vat for _, _, component in applicable(tariff.elements))
    return max((rate for rate in rates if rate is not None), default=None)


def _kinds(parts: Sequence[Part], net: int, currency: str) -> tuple[tuple[str, Money], ...]:
    weights: dict[str, Decimal] = {}
    for part in parts:
        weights[part.kind] = weights.get(part.kind, _ZERO) + part.excl
    if not weights:
        weights["flat"] = _ZERO
    shares = apportion(net, list(weights.values()))
    return tuple((kind, Money(share, currency)) for kind, share in zip(weights, shares, strict=True))
