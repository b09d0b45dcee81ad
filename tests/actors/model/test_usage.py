"""From readings and charging states to periods: what was used when, and what the vehicle did."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.meter import Reading, Sample
from actors.model.rating import Rated, UsageError, rate
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Point, Usage, UsagePeriod, point_of, usage_of
from tests.actors.model.strategies import components

START = datetime(2026, 6, 1, 10, tzinfo=UTC)


def minutes(n: float) -> datetime:
    return START + timedelta(minutes=n)


def register(at: float, wh: int) -> Reading:
    return Reading(minutes(at), (Sample(Decimal(wh)),))


def energy(usage: Usage) -> Decimal:
    return sum((period.energy_kwh for period in usage.periods), Decimal(0))


def shape(usage: Usage) -> list[tuple[int, str, Decimal]]:
    return [(int((p.start - START).total_seconds() // 60), p.activity, p.energy_kwh) for p in usage.periods]


def test_the_energy_is_stop_minus_start_whatever_the_samples_say() -> None:
    usage = usage_of([register(10, 5000), register(20, 400)], [], START, minutes(30), 1000, 3000)
    assert energy(usage) == 2
    assert all(period.energy_kwh >= 0 for period in usage.periods)


def test_readings_shape_the_curve() -> None:
    usage = usage_of([register(10, 4000)], [], START, minutes(60), 1000, 5000)
    assert shape(usage) == [(0, "charging", Decimal(3)), (10, "charging", Decimal(1))]


def test_occupancy_runs_only_while_the_vehicle_no_longer_asks_for_power() -> None:
    states = [
        (minutes(-5), "EVConnected"),
        (minutes(1), "Charging"),
        (minutes(10), "SuspendedEVSE"),
        (minutes(20), "Charging"),
        (minutes(30), "SuspendedEV"),
        (minutes(40), "EVConnected"),
    ]
    usage = usage_of([], states, START, minutes(50), 0, 2000)
    assert [(at, activity) for at, activity, _ in shape(usage)] == [
        (0, "charging"), (10, "withheld"), (20, "charging"), (30, "parking"),
    ]  # fmt: skip


def test_energy_flows_while_the_vehicle_charges() -> None:
    states = [(minutes(10), "SuspendedEVSE"), (minutes(20), "Charging"), (minutes(30), "SuspendedEV")]
    usage = usage_of([], states, START, minutes(60), 0, 2000)
    assert shape(usage) == [
        (0, "charging", Decimal(1)), (10, "withheld", Decimal(0)),
        (20, "charging", Decimal(1)), (30, "parking", Decimal(0)),
    ]  # fmt: skip


def test_energy_that_a_meter_saw_during_occupancy_stays_there() -> None:
    usage = usage_of([register(30, 1000), register(60, 1200)], [(minutes(30), "SuspendedEV")], START, minutes(90), 0, 1200)
    assert shape(usage)[1] == (30, "parking", Decimal("0.2"))


def test_states_outside_the_session_do_not_count() -> None:
    usage = usage_of([], [(minutes(-60), "Charging"), (minutes(61), "SuspendedEV")], START, minutes(60), 0, 1)
    assert [p.activity for p in usage.periods] == ["charging"]


def test_without_states_nothing_is_occupancy() -> None:
    assert [p.activity for p in usage_of([], [], START, minutes(60), 0, 1).periods] == ["charging"]


def test_quirk_23_samples_that_count_from_the_session_start_are_shifted() -> None:
    usage = usage_of([register(30, 1500)], [], START, minutes(60), 80_000, 82_000)
    assert shape(usage) == [(0, "charging", Decimal("1.5")), (30, "charging", Decimal("0.5"))]


def test_quirk_23_a_stop_register_below_the_start_is_no_energy() -> None:
    assert energy(usage_of([], [], START, minutes(60), 1000, 999)) == 0


def test_quirk_24_phases_are_summed_where_there_is_no_total() -> None:
    phases = tuple(Sample(Decimal(100), phase=phase) for phase in ("L1", "L2", "L3"))
    assert point_of(Reading(START, phases)).energy_wh == 300
    assert point_of(Reading(START, (*phases, Sample(Decimal(310))))).energy_wh == 310


def test_quirk_22_a_reading_without_energy_leaves_the_total_alone() -> None:
    voltage = Reading(minutes(5), (Sample(Decimal(230), measurand="Voltage", unit="V"),))
    assert energy(usage_of([voltage], [], START, minutes(60), 0, 1000)) == 1


def test_a_momentary_value_holds_until_the_next() -> None:
    points = [Point(minutes(10), power_w=Decimal(11_000)), Point(minutes(20), power_w=Decimal(3000))]
    usage = usage_of(points, [], START, minutes(30), 0, 1000)
    assert [p.power_kw for p in usage.periods] == [Decimal(11), Decimal(3)]


def test_a_session_without_duration_keeps_its_energy() -> None:
    usage = usage_of([], [], START, START, 0, 500)
    assert (len(usage.periods), energy(usage)) == (1, Decimal("0.5"))


def test_an_end_before_the_start_is_no_time() -> None:
    usage = usage_of([], [], START, minutes(-5), 0, 500)
    assert usage.periods[0].start == usage.periods[-1].end == START


def test_a_reservation_comes_first() -> None:
    usage = usage_of([], [], START, minutes(5), 0, 1, reserved_from=minutes(-30))
    assert [p.activity for p in usage.periods] == ["reserved", "charging"]


@given(
    st.lists(st.tuples(st.integers(-10, 200), st.integers(0, 50_000)), max_size=12),
    st.lists(
        st.tuples(st.integers(-10, 200), st.sampled_from(["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"])),
        max_size=8,
    ),
    st.integers(0, 180),
    st.integers(0, 30_000),
    st.integers(0, 30_000),
)
def test_whatever_a_station_sends_the_periods_are_whole(
    samples: list[tuple[int, int]], states: list[tuple[int, str]], length: int, low: int, used: int
) -> None:
    readings = [register(at, wh) for at, wh in samples]
    usage = usage_of(readings, [(minutes(at), s) for at, s in states], START, minutes(length), low, low + used)
    assert energy(usage) == Decimal(used) / 1000
    assert usage.periods[0].start == START
    assert usage.periods[-1].end == minutes(length)
    assert all(a.end == b.start for a, b in pairwise(usage.periods))
    assert all(p.energy_kwh >= 0 and p.end >= p.start for p in usage.periods)
    assert msgspec.json.decode(msgspec.json.encode(usage), type=Usage) == usage


@given(
    st.lists(components(st.sampled_from([0, 1, 60, 100, 900])), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(-10, 200), st.integers(0, 50_000)), max_size=12),
    st.lists(st.tuples(st.integers(-10, 200), st.sampled_from(["Charging", "SuspendedEV", "SuspendedEVSE"])), max_size=3),
    st.integers(0, 180),
    st.integers(0, 30_000),
    st.integers(0, 30_000),
)
def test_a_tariff_that_does_not_ask_when_energy_flowed_prices_a_session_the_same_without_its_readings(
    priced: list[dict[str, Any]],
    samples: list[tuple[int, int]],
    states: list[tuple[int, str]],
    length: int,
    low: int,
    used: int,
) -> None:
    tariff = parse_tariff({"currency": "EUR", "elements": [{"price_components": priced}]})
    assert tariff.plan.even
    readings = [register(at, wh) for at, wh in samples]
    timed = [(minutes(at), state) for at, state in states]
    full, bare = (
        rate(
            tariff,
            usage_of(readings, timed, START, minutes(length), low, low + used, even=even),
            time_zone="Europe/Berlin",
        )
        for even in (False, True)
    )
    assert _in_one_order(bare) == _in_one_order(full)


def _in_one_order(rated: Rated) -> Rated:
    """Lines come in order of first appearance, and energy that flowed late appears late: that is no price."""
    lines = sorted(rated.lines, key=lambda line: (line.element, line.dimension))
    kinds = sorted(rated.kinds, key=lambda kind: kind.kind)
    return msgspec.structs.replace(rated, lines=tuple(lines), kinds=tuple(kinds))


TARIFF = parse_tariff({"currency": "EUR", "elements": [{"price_components": [{"type": "TIME", "price": 1, "step_size": 1}]}]})


@pytest.mark.parametrize(
    "periods",
    [
        (),
        (UsagePeriod(minutes(10), minutes(5)),),
        (UsagePeriod(minutes(0), minutes(10)), UsagePeriod(minutes(5), minutes(20))),
        (UsagePeriod(START, START + timedelta(days=121)),),
        (UsagePeriod(START, minutes(1), Decimal(-1)),),
    ],
)
def test_a_usage_that_makes_no_sense_is_refused(periods: tuple[UsagePeriod, ...]) -> None:
    with pytest.raises(UsageError):
        rate(TARIFF, Usage(periods), time_zone="UTC")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(UsageError):
        rate(TARIFF, usage_of([], [], START, minutes(5), 0, 1), time_zone=zone)
