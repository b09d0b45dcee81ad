"""What a part of a price is made of: the net per kind of revenue and the VAT per rate of any amount of it.

A capture may be less than the session cost, and a charge may be refunded bit by bit. Each time the split of the amount *so
far* is computed, and what was booked before is taken off (MONEY 3.5), so that many small refunds end exactly at the
original. For that no part may shrink while the amount grows. Largest remainder does not keep that promise (the "Alabama
paradox"); the rounding of Webster does, ends exactly at the whole, and for one rate of VAT is plain rounding half up.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from actors.model.money import Cost
from actors.model.rating import KindNet

_HUNDRED = Decimal(100)


def share(total: int, weights: Sequence[int]) -> list[int]:
    """`total`, at most the sum of `weights`, split in proportion to them by Webster's rounding; grows with `total` part by part.

    Raises ValueError for a total below zero or beyond the whole.
    """
    whole = sum(weights)
    if not 0 <= total <= whole:
        raise ValueError(f"{total} is no part of {whole}")
    if total == 0:
        return [0] * len(weights)
    parts = [(2 * total * weight + whole) // (2 * whole) for weight in weights]
    # A part's claim to its k-th unit is weight / (2k - 1): units are given in order of claims, of equals the earlier one wins.
    while (left := total - sum(parts)) != 0:
        if left > 0:
            n = max(range(len(parts)), key=lambda n: (Fraction(weights[n], 2 * parts[n] + 1), -n))
            parts[n] += 1
        else:
            n = min((n for n in range(len(parts)) if parts[n]), key=lambda n: (Fraction(weights[n], 2 * parts[n] - 1), -n))
            parts[n] -= 1
    return parts


class Split(msgspec.Struct, frozen=True):
    """`kinds`: (kind of revenue, net), `vat`: (rate in percent, amount), in minor units."""

    kinds: tuple[tuple[str, int], ...]
    vat: tuple[tuple[Decimal, int], ...]

    @property
    def net(self) -> int:
        return sum(minor for _, minor in self.kinds)

    @property
    def gross(self) -> int:
        return self.net + sum(minor for _, minor in self.vat)

    def of(self, gross: int) -> "Split":
        """The split of the first `gross` of it: VAT first, as a document rounds it, then the net by kind. Raises ValueError
        beyond it."""
        net, *vats = share(gross, [self.net, *[minor for _, minor in self.vat]])
        nets = share(net, [minor for _, minor in self.kinds])
        return Split(
            tuple([(kind, minor) for (kind, _), minor in zip(self.kinds, nets, strict=True)]),
            tuple([(rate, minor) for (rate, _), minor in zip(self.vat, vats, strict=True)]),
        )

    def between(self, before: int, after: int) -> "Split":
        """What the step from `before` to `after` of it adds."""
        low, high = self.of(before), self.of(after)
        return Split(
            tuple([(kind, minor - less) for (kind, minor), (_, less) in zip(high.kinds, low.kinds, strict=True)]),
            tuple([(rate, minor - less) for (rate, minor), (_, less) in zip(high.vat, low.vat, strict=True)]),
        )


def split_of(cost: Cost, kinds: Sequence[KindNet]) -> Split:
    """A rated session's own split. Raises ValueError where kinds and VAT are not the cost's."""
    split = Split(
        tuple([(kind.kind, kind.net.amount_minor) for kind in kinds]),
        tuple([(vat.rate, vat.amount.amount_minor) for vat in cost.vat]),
    )
    if (split.net, split.gross) != (cost.excl.amount_minor, cost.incl.amount_minor):
        raise ValueError(f"kinds and VAT make {split.net} net, {split.gross} gross; the cost says {cost}")
    return split


class Commission(NamedTuple):
    """A fee with the VAT in it: `gross` = `net` + `vat`, in minor units."""

    gross: int
    net: int
    vat: int

    def between(self, before: int, after: int) -> "Commission":
        """What of it the step from `before` to `after` of its gross is."""
        net = share(after, [self.net, self.vat])[0] - share(before, [self.net, self.vat])[0]
        return Commission(after - before, net, after - before - net)


def percent_of(minor: int, percent: str) -> int:
    """Rounded half away from zero."""
    return int((minor * Decimal(percent) / _HUNDRED).to_integral_value(ROUND_HALF_UP))


def commission(gross_minor: int, percent: str, vat_percent: str) -> Commission:
    """What the brand keeps of a gross price: `percent` of it, in which VAT of `vat_percent` is (MONEY 3.4: 5 % of 12.34 is 0.62,
    0.52 + 0.10 at 19 %). This gross is the application fee of a direct charge."""
    return fee_of(min(percent_of(gross_minor, percent), gross_minor), vat_percent)


def fee_of(fee_minor: int, vat_percent: str) -> Commission:
    """A fee as it was taken, split in net and VAT."""
    net = int((fee_minor * _HUNDRED / (_HUNDRED + Decimal(vat_percent))).to_integral_value(ROUND_HALF_UP))
    return Commission(fee_minor, net, fee_minor - net)


def in_proportion(part: int, of: int, whole: int) -> int:
    """`part` * `of` / `whole`, rounded half up: how much of `of` goes with `part` of `whole`. 0 where the whole is nothing."""
    return (2 * part * of + whole) // (2 * whole) if whole else 0
