"""Composite schedules: which profile wins, when, and in which unit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.model.composite import Held, Period, Running, composite, limit_at
from actors.model.intents import ChargingProfile, ChargingSchedule, SchedulePeriod

T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TX = Running(1, ("tx-1", "42"), T0 - timedelta(minutes=30))


def profile(
    id: int, purpose: str, *periods: tuple[int, float], level: int = 0, kind: Any = "Absolute", unit: Any = "A", **more: Any
) -> ChargingProfile:
    schedule = ChargingSchedule(
        unit,
        tuple(SchedulePeriod(start, Decimal(str(limit)), more.get("phases")) for start, limit in periods),
        start_schedule=more.get("start", T0 if kind != "Relative" else None),
        duration=more.get("duration"),
    )
    return ChargingProfile(
        id, level, purpose, kind, (schedule,), more.get("recurrency"), more.get("valid_from"), more.get("valid_to"),
        more.get("transaction"),
    )  # fmt: skip


def held(one: ChargingProfile, evse: int = 1, minutes: float = 0) -> Held:
    return Held(evse, one, T0 + timedelta(minutes=minutes))


def limits(*held_: Held, evse: int = 1, duration: int = 3600, unit: str = "A", running: tuple[Running, ...] = ()) -> list[Any]:
    return [(p.start, p.limit) for p in composite(held_, running, evse, T0, duration, unit)]


def test_nothing_limits_where_no_profile_is_held() -> None:
    assert composite((), (), 1, T0, 60, "A") == (Period(0, None),)


def test_the_highest_active_stack_level_wins_and_gives_way_when_it_is_over() -> None:
    low = held(profile(1, "TxDefaultProfile", (0, 16)))
    high = held(profile(2, "TxDefaultProfile", (0, 32), (600, 20), level=5, duration=1200))
    assert limits(low, high) == [(0, 32), (600, 20), (1200, 16)]


def test_a_tx_profile_takes_the_place_of_every_default_but_never_of_the_stations_maximum() -> None:
    default = held(profile(1, "TxDefaultProfile", (0, 6), level=9))
    mine = held(profile(2, "TxProfile", (0, 25), transaction="tx-1"))
    most = held(profile(3, "ChargingStationMaxProfile", (0, 20)), evse=0)
    assert limits(default, mine, running=(TX,)) == [(0, 25)]
    assert limits(default, mine, most, running=(TX,)) == [(0, 20)]
    assert limits(default, mine, most) == [(0, 6)], "without its transaction a TxProfile says nothing"


def test_a_tx_profile_of_another_transaction_says_nothing() -> None:
    other = held(profile(2, "TxProfile", (0, 25), transaction="tx-0"))
    assert limits(other, running=(TX,)) == [(0, None)]
    by_number = held(profile(2, "TxProfile", (0, 25), transaction="42"))
    assert limits(by_number, running=(TX,)) == [(0, 25)]


def test_what_was_set_for_the_evse_goes_before_what_was_set_for_all_at_the_same_level() -> None:
    every = held(profile(1, "TxDefaultProfile", (0, 32)), evse=0)
    one = held(profile(2, "TxDefaultProfile", (0, 10)), evse=1)
    assert limits(every, one) == [(0, 10)]
    assert limits(every, one, evse=2) == [(0, 32)]


def test_the_grid_connection_is_limited_by_profiles_of_the_station_alone() -> None:
    default = held(profile(1, "TxDefaultProfile", (0, 6)), evse=0)
    most = held(profile(3, "ChargingStationMaxProfile", (0, 20)), evse=0)
    assert limits(default, most, evse=0) == [(0, 20)]


def test_a_relative_schedule_counts_from_the_start_of_the_transaction() -> None:
    mine = held(profile(2, "TxProfile", (0, 32), (2400, 8), kind="Relative", transaction="tx-1"))
    assert limits(mine, running=(TX,)) == [(0, 32), (600, 8)]


def test_a_recurring_schedule_comes_again_every_day_and_every_week() -> None:
    yesterday = T0 - timedelta(days=1, hours=1)
    daily = held(
        profile(1, "TxDefaultProfile", (0, 10), (1800, 16), kind="Recurring", recurrency="Daily", start=yesterday, duration=7200)
    )
    assert limits(daily, duration=2 * 86_400) == [
        (0, 16), (3600, None), (82_800, 10), (84_600, 16), (90_000, None), (169_200, 10), (171_000, 16),
    ]  # fmt: skip
    last_week = T0 - timedelta(days=7)
    weekly = held(profile(1, "TxDefaultProfile", (0, 10), kind="Recurring", recurrency="Weekly", start=last_week, duration=600))
    assert limits(weekly, duration=8 * 86_400) == [(0, 10), (600, None), (604_800, 10), (605_400, None)]


def test_a_profile_counts_only_while_it_is_valid() -> None:
    window = {"valid_from": T0 + timedelta(seconds=60), "valid_to": T0 + timedelta(seconds=120)}
    assert limits(held(profile(1, "TxDefaultProfile", (0, 10), **window))) == [(0, None), (60, 10), (120, None)]


def test_amperes_are_per_phase_and_watts_of_all_of_them() -> None:
    three = held(profile(1, "TxDefaultProfile", (0, 16)))
    assert limits(three, unit="W") == [(0, Decimal("11040.00"))]
    one = held(profile(1, "TxDefaultProfile", (0, 16), phases=1))
    assert limits(one, unit="W") == [(0, Decimal("3680.00"))]
    watts = held(profile(1, "TxDefaultProfile", (0, 11_040), unit="W"))
    assert limits(watts) == [(0, Decimal("16.00"))]


_kinds = st.sampled_from(["Absolute", "Relative", "Recurring"])
_seconds = st.integers(-4000, 4000)


@st.composite
def _any_held(draw: st.DrawFn) -> Held:
    kind = draw(_kinds)
    starts = sorted({0, *draw(st.lists(st.integers(1, 3000), max_size=3))})
    one = profile(
        draw(st.integers(1, 9)),
        draw(st.sampled_from(["TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile"])),
        *[(start, draw(st.integers(1, 32))) for start in starts],
        level=draw(st.integers(0, 3)),
        kind=kind,
        start=T0 + timedelta(seconds=draw(_seconds)),
        duration=draw(st.none() | st.integers(1, 4000)),
        recurrency="Daily" if kind == "Recurring" else None,
        valid_to=draw(st.none() | st.builds(lambda s: T0 + timedelta(seconds=s), _seconds)),
        transaction=draw(st.sampled_from(["tx-1", "tx-0", None])),
    )
    return held(one, draw(st.integers(0, 1)), -60)


@given(st.lists(_any_held(), max_size=4), st.integers(0, 7000), st.booleans())
def test_the_schedule_says_at_every_second_what_limits_that_second(book: list[Held], second: int, charging: bool) -> None:
    running = (TX,) if charging else ()
    periods = composite(book, running, 1, T0, 7200, "A")
    told = [p for p in periods if p.start <= second][-1]
    at = T0 + timedelta(seconds=second)
    assert (told.limit, told.phases) == limit_at(book, running, 1, at, T0, "A")
