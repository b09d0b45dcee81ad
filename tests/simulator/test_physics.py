"""What every virtual station shares: the meter, the car's battery, and what charging profiles leave of the power."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from gateways.simulator.clock import StationClock
from gateways.simulator.physics.battery import Battery
from gateways.simulator.physics.meter import Meter
from gateways.simulator.physics.sampling import KNOWN, samples
from gateways.simulator.physics.schedule import (
    DEFAULT,
    MAX,
    TRANSACTION,
    Charge,
    Profile,
    composite,
    limit,
    next_change,
    station_limit,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def profile(number: int, purpose: str, watts: float, **more: object) -> Profile:
    values: dict[str, object] = {"stack": 0, "evse": 0, "kind": "Absolute", "periods": ((0.0, watts),), "installed": NOON}
    return Profile(number, purpose, **{**values, **more})  # type: ignore[arg-type]


def test_the_highest_stack_level_wins_within_a_purpose_and_the_lowest_limit_between_them() -> None:
    charge = Charge("7", NOON)
    held = [profile(1, DEFAULT, 5000), profile(2, DEFAULT, 9000, stack=1), profile(3, MAX, 20_000)]
    assert limit(held, 1, charge, NOON) == 9000
    assert station_limit(held, NOON) == 20_000
    own = profile(4, TRANSACTION, 11_000, evse=1)
    assert limit([*held, own], 1, charge, NOON) == 11_000, "a transaction's own profile replaces the default"
    assert limit([*held, own], 2, charge, NOON) == 9000
    assert limit([*held, profile(5, TRANSACTION, 1000, evse=1, transaction="8")], 1, charge, NOON) == 9000


def test_a_stack_level_without_a_schedule_for_the_moment_lets_the_next_one_through() -> None:
    held = [profile(1, DEFAULT, 5000), profile(2, DEFAULT, 9000, stack=1, start=NOON, duration=60)]
    assert limit(held, 1, None, NOON + timedelta(seconds=59)) == 9000
    assert limit(held, 1, None, NOON + timedelta(seconds=60)) == 5000
    assert limit([profile(3, DEFAULT, 1, valid_to=NOON)], 1, None, NOON) is None


def test_a_daily_profile_comes_back_every_day_and_a_relative_one_counts_from_the_start() -> None:
    daily = profile(1, DEFAULT, 0, kind="Recurring", recurrency="Daily", start=NOON, periods=((0, 4000.0), (3600, 8000.0)))
    assert limit([daily], 1, None, NOON + timedelta(days=3, minutes=30)) == 4000
    assert limit([daily], 1, None, NOON + timedelta(days=3, hours=2)) == 8000
    relative = profile(2, TRANSACTION, 0, kind="Relative", evse=1, periods=((0, 9000.0), (600, 3000.0)))
    assert limit([relative], 1, Charge(None, NOON), NOON + timedelta(minutes=9)) == 9000
    assert limit([relative], 1, Charge(None, NOON), NOON + timedelta(minutes=10)) == 3000
    assert next_change([relative], [Charge(None, NOON)], NOON, NOON + timedelta(hours=1)) == NOON + timedelta(minutes=10)


def test_a_composite_schedule_sums_the_evses_and_never_passes_the_stations_own_limit() -> None:
    held = [
        profile(1, MAX, 30_000),
        profile(2, DEFAULT, 0, kind="Absolute", start=NOON, periods=((0, 22_000.0), (600, 10_000.0))),
    ]
    evses = [(1, None, 22_000.0), (2, None, 22_000.0)]
    assert composite(held, evses, NOON, 1200) == [(0, 30_000), (600, 20_000)]
    assert composite(held, evses[:1], NOON, 1200) == [(0, 22_000), (600, 10_000)]


def test_a_meter_counts_what_its_power_gives_and_a_full_car_takes_nothing() -> None:
    meter = Meter(10_000, random.Random(1), 1000.0, battery=Battery(50_000, 25_000))
    meter.begin(NOON)
    assert 10_000 * 0.9 / 60 < meter.read(NOON + timedelta(minutes=1)) - 1000 <= 10_000 / 60
    assert meter.read(NOON) == meter.read(NOON), "a clock that steps back moves nothing"
    meter.limit_w = 1000.0
    assert meter.power(NOON + timedelta(minutes=1)) <= 1000
    meter.battery = Battery(50_000, 50_000)
    assert meter.power(NOON + timedelta(minutes=2)) == 0


def test_a_clock_is_set_by_the_central_system_but_not_set_back_because_an_answer_took_long() -> None:
    clock = StationClock()
    clock.adjust(datetime.now(UTC) - timedelta(seconds=5), took=timedelta(seconds=6))
    assert clock.error == timedelta()
    clock.adjust(datetime.now(UTC) - timedelta(seconds=50), took=timedelta(seconds=6))
    assert -clock.error > timedelta(seconds=49)
    clock.adjust(datetime.now(UTC))
    assert abs(clock.error) < timedelta(seconds=49)


def test_a_battery_takes_less_the_fuller_it_is() -> None:
    taken = [Battery(100.0, charged).accepts(1000) for charged in (50, 80, 90, 98, 100)]
    assert taken == sorted(taken, reverse=True)
    assert (taken[0], taken[-1]) == (1000, 0)
    assert Battery(100.0, 95.0).take(20) == pytest.approx(5)


def test_a_meter_tells_every_measurand_that_it_says_it_knows() -> None:
    meter = Meter(10_000, random.Random(1), battery=Battery.roll(random.Random(1)))
    assert {sample.measurand for sample in samples(meter, KNOWN, NOON)} == set(KNOWN)
    assert samples(meter, ["Humidity"], NOON) == []
