"""The wall clock on ordinary days and on those that have 23, 24.5 or 25 hours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.clock import clock_cuts
from tests.actors.model.strategies import ZONES

BERLIN = ZoneInfo("Europe/Berlin")


def test_an_ordinary_day_is_cut_at_its_local_times() -> None:
    start, end = datetime(2026, 6, 1, 20, tzinfo=UTC), datetime(2026, 6, 2, 20, tzinfo=UTC)
    cuts = clock_cuts(start, end, (0, 360), BERLIN)
    assert cuts == [datetime(2026, 6, 1, 22, tzinfo=UTC), datetime(2026, 6, 2, 4, tzinfo=UTC)]


def test_both_ends_are_outside() -> None:
    start, end = datetime(2026, 6, 1, 22, tzinfo=UTC), datetime(2026, 6, 2, 4, tzinfo=UTC)
    assert clock_cuts(start, end, (0, 360), BERLIN) == []


@pytest.mark.parametrize(
    ("zone", "day", "jump"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ],
)
def test_the_jump_of_the_clock_is_a_cut(zone: str, day: datetime, jump: datetime) -> None:
    assert jump in clock_cuts(day, day + timedelta(days=1), (), ZoneInfo(zone))


@given(ZONES, st.integers(0, 365 * 24), st.integers(0, 1439))
def test_between_two_cuts_no_local_time_is_passed(zone: str, hours: int, minute: int) -> None:
    where = ZoneInfo(zone)
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    end = start + timedelta(hours=36)
    edges = [start, *clock_cuts(start, end, (0, minute), where), end]

    def side(at: datetime) -> tuple[object, bool]:
        local = at.astimezone(where)
        return local.date(), local.hour * 60 + local.minute >= minute

    for begin, until in pairwise(edges):
        for n in range(int((until - begin).total_seconds() // 300)):
            assert side(begin + timedelta(minutes=5 * n)) == side(begin), (begin, until)
