"""What must hold for every tariff and every session."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.model.money import exponent
from actors.model.rating import Rated, rate
from actors.model.tariff import Restrictions, Tariff
from actors.model.usage import Usage, UsagePeriod
from tests.actors.model.strategies import ZONES, tariffs, usages

EXACT_STEPS = st.just(1)


@given(tariffs(), usages(), ZONES)
def test_parts_of_a_cost_add_up_to_the_whole(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rate(tariff, usage, time_zone=zone)
    cost = rated.cost
    assert cost.excl.amount_minor + sum(v.amount.amount_minor for v in cost.vat) == cost.incl.amount_minor
    assert sum(kind.net.amount_minor for kind in rated.kinds) == cost.excl.amount_minor
    assert 0 <= cost.excl.amount_minor <= cost.incl.amount_minor
    assert all(v.amount.amount_minor >= 0 for v in cost.vat)
    assert all(kind.net.amount_minor >= 0 for kind in rated.kinds)


@given(tariffs(limits=False), usages(), ZONES)
def test_the_cost_is_the_sum_of_the_lines_rounded_once(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rate(tariff, usage, time_zone=zone)
    unit = Decimal(1).scaleb(-exponent(tariff.currency))
    for money, exact in (
        (rated.cost.excl, sum((line.excl for line in rated.lines), Decimal(0))),
        (rated.cost.incl, sum((line.incl for line in rated.lines), Decimal(0))),
    ):
        assert abs(money.major() - exact) <= unit / 2


@given(tariffs(), usages(), ZONES)
def test_periods_cover_the_session_without_a_gap_and_hold_all_its_energy(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rate(tariff, usage, time_zone=zone)
    assert rated.periods[0].start == usage.periods[0].start
    assert rated.periods[-1].end == usage.periods[-1].end
    assert all(a.end == b.start for a, b in pairwise(rated.periods))
    assert sum(p.energy_kwh for p in rated.periods) == rated.energy_kwh
    assert rated.energy_kwh == sum(p.energy_kwh for p in usage.periods)


@given(tariffs(step=EXACT_STEPS, limits=False), usages(), ZONES, st.data())
def test_cutting_a_session_into_more_periods_does_not_change_its_price(
    tariff: Tariff, usage: Usage, zone: str, data: st.DataObject
) -> None:
    whole = rate(tariff, usage, time_zone=zone)
    cut = rate(tariff, _cut(usage, data), time_zone=zone)
    # Interpolated energy is rounded to 1e-9 kWh at each boundary, and a moment at which an energy bound is met to a
    # microsecond: at 20 a kWh and 20 an hour, less than a thousandth of a cent per boundary.
    assert abs(_excl(whole) - _excl(cut)) < Decimal("0.00001")
    assert whole.energy_kwh == cut.energy_kwh
    assert [line.element for line in whole.lines] == [line.element for line in cut.lines]


@given(tariffs(limits=False), usages(), ZONES, st.data())
def test_cutting_changes_nothing_at_all_where_only_the_clock_of_whole_minutes_decides(
    tariff: Tariff, usage: Usage, zone: str, data: st.DataObject
) -> None:
    free = msgspec.structs.replace(usage, periods=tuple(_without_energy(p) for p in usage.periods))
    assert rate(tariff, free, time_zone=zone).cost == rate(tariff, _cut(free, data), time_zone=zone).cost


@given(tariffs(limits=False), usages(), ZONES)
def test_a_longer_stay_never_costs_less(tariff: Tariff, usage: Usage, zone: str) -> None:
    last = usage.periods[-1]
    longer = UsagePeriod(last.end, last.end + timedelta(hours=1), activity="parking", power_kw=Decimal(0))
    more = Usage((*usage.periods, longer))
    steps = {c.step_size for e in tariff.elements for c in e.components}
    if steps <= {0, 1}:
        assert _excl(rate(tariff, more, time_zone=zone)) >= _excl(rate(tariff, usage, time_zone=zone))


@given(tariffs(step=EXACT_STEPS, limits=False, seconds=st.integers(1, 300).map(lambda m: 60 * m)), usages(), ZONES)
def test_the_walk_agrees_with_asking_every_minute_anew(tariff: Tariff, usage: Usage, zone: str) -> None:
    """An oracle that knows no cuts: each minute it asks the wall clock, the duration and the power. Only energy
    bounds fall inside a minute, so tariffs with them are left out."""
    if tariff.plan.kwh:
        return
    assert abs(_excl(rate(tariff, usage, time_zone=zone)) - minute_by_minute(tariff, usage, zone)) < Decimal("1e-7")


@given(tariffs(), usages(), ZONES)
def test_a_rating_survives_its_fact(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rate(tariff, usage, time_zone=zone)
    assert msgspec.json.decode(msgspec.json.encode(rated), type=Rated) == rated


def minute_by_minute(tariff: Tariff, usage: Usage, zone: str) -> Decimal:
    total = Decimal(0)
    fees: set[tuple[int, int]] = set()
    begin = usage.periods[0].start
    for period in usage.periods:
        minutes = (period.end - period.start) // timedelta(minutes=1)
        for n in range(minutes):
            at = period.start + timedelta(minutes=n)
            local = at.astimezone(ZoneInfo(zone))
            seconds = (at - begin).total_seconds()
            seen: set[str] = set()
            for e, element in enumerate(tariff.elements):
                r = element.restrictions
                if r is not None and not _matches(r, local, seconds, period.power_kw or Decimal(0)):
                    continue
                for c, component in enumerate(element.components):
                    if component.type in seen:
                        continue
                    seen.add(component.type)
                    if component.type == "FLAT" and (e, c) not in fees:
                        fees.add((e, c))
                        total += component.price
                    elif component.type == "ENERGY":
                        total += component.price * period.energy_kwh / minutes
                    elif component.type == ("PARKING_TIME" if period.activity == "parking" else "TIME"):
                        total += component.price / 60
    return total


def _matches(r: Restrictions, local: datetime, seconds: float, power: Decimal) -> bool:
    minute = f"{local:%H:%M}"
    if r.start_minute is not None:
        start, end = _clock(r.start_minute), _clock(r.end_minute or 0)
        inside = start <= minute < end if start < end else minute >= start or minute < end
        if not inside:
            return False
    return (
        (r.days is None or local.weekday() in r.days)
        and (r.min_duration is None or seconds >= r.min_duration)
        and (r.max_duration is None or seconds < r.max_duration)
        and (r.min_power is None or power >= r.min_power)
        and (r.max_power is None or power < r.max_power)
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _excl(rated: Rated) -> Decimal:
    return sum((line.excl for line in rated.lines), Decimal(0))


def _without_energy(period: UsagePeriod) -> UsagePeriod:
    return msgspec.structs.replace(period, energy_kwh=Decimal(0))


def _cut(usage: Usage, data: st.DataObject) -> Usage:
    """Each period cut at whole minutes into up to four; energy is minutes times power, exactly."""
    periods: list[UsagePeriod] = []
    for period in usage.periods:
        minutes = int((period.end - period.start).total_seconds() // 60)
        marks = sorted(data.draw(st.sets(st.integers(1, minutes), max_size=3)) - {minutes})
        left, before = period.energy_kwh, 0
        for mark in [*marks, minutes]:
            energy = left if mark == minutes else period.energy_kwh * (mark - before) / minutes
            periods.append(
                msgspec.structs.replace(
                    period,
                    start=period.start + timedelta(minutes=before),
                    end=period.start + timedelta(minutes=mark),
                    energy_kwh=energy,
                )
            )
            left, before = left - energy, mark
    return Usage(tuple(periods))
