"""What no station could have delivered is not billed; what is merely odd is noted (quirks 20-24)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from actors.model.limits import CLOCK_STEP
from actors.model.meter import Reading, Sample
from actors.model.plausible import Judgement, judge_session, odd_readings

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
HOUR = START + timedelta(hours=1)


def judge(low: int = 1000, high: int = 21_000, **given: Any) -> Judgement:
    facts: dict[str, Any] = {"start": START, "end": HOUR, "received": HOUR, **given}
    return judge_session(meter_start_wh=low, meter_stop_wh=high, **facts)


def register(minute: int, wh: int) -> Reading:
    return Reading(START + timedelta(minutes=minute), (Sample(Decimal(wh)),))


def test_an_ordinary_session_is_billed() -> None:
    assert judge(readings=[register(10, 5000), register(50, 20_000)]) == Judgement(20_000, ())


def test_a_short_session_of_a_full_battery_is_billed_where_nobody_said_how_strong_the_station_is() -> None:
    assert not judge(0, 80_000, end=START + timedelta(seconds=1)).quarantine


def test_quirk_20_a_clock_that_was_never_set_is_quarantined() -> None:
    unset = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
    judged = judge(start=unset, end=unset + timedelta(hours=1))
    assert judged.names == ("clock_unset",)
    assert judged.quarantine


def test_quirk_20_a_clock_set_while_charging_is_quarantined_too() -> None:
    assert judge(start=datetime(1970, 1, 1, tzinfo=UTC)).quarantine


def test_quirk_20_a_time_zone_mistake_is_noted_and_billed() -> None:
    judged = judge(start=START + timedelta(hours=2), end=HOUR + timedelta(hours=2))
    assert judged.names == ("clock_ahead",)
    assert not judged.quarantine


def test_a_stop_from_next_week_is_quarantined() -> None:
    assert "clock_future" in judge(end=HOUR + timedelta(days=7), received=HOUR).names


def test_an_offline_session_that_arrives_days_later_is_billed() -> None:
    assert judge(received=HOUR + timedelta(days=9)).anomalies == ()


def test_quirk_21_a_lifetime_register_after_a_begin_of_zero_is_quarantined() -> None:
    judged = judge(0, 910_083, end=START + timedelta(minutes=5))
    assert judged.names == ("lifetime_register",)
    assert judged.quarantine


def test_quirk_21_the_samples_show_it_even_where_the_session_was_long() -> None:
    readings = [register(1, 180_000), register(50, 180_083)]
    assert judge(0, 180_083, readings=readings, max_power_w=22_000).names == ("lifetime_register",)


def test_a_meter_that_really_starts_at_zero_is_billed() -> None:
    assert judge(0, 11_000, readings=[register(30, 5500)], max_power_w=22_000).anomalies == ()


def test_quirk_23_a_stop_a_little_below_the_start_is_no_energy() -> None:
    judged = judge(1000, 999)
    assert (judged.energy_wh, judged.names, judged.quarantine) == (0, ("meter_rounding",), False)


def test_a_stop_far_below_the_start_is_quarantined() -> None:
    judged = judge(21_000, 1000)
    assert (judged.energy_wh, judged.names, judged.quarantine) == (0, ("meter_backwards",), True)


def test_quirk_23_session_relative_samples_are_noted() -> None:
    judged = judge(500_000, 520_000, readings=[register(10, 5000), register(55, 19_000)])
    assert (judged.names, judged.quarantine) == (("relative_register",), False)


def test_a_sample_beyond_the_stop_is_quarantined() -> None:
    assert judge(readings=[register(10, 60_000)]).names == ("samples_exceed_stop",)


def test_more_than_the_station_can_deliver_is_quarantined() -> None:
    assert judge(0, 60_000, max_power_w=11_000).names == ("energy_exceeds_power",)
    assert judge(1000, 12_500, max_power_w=11_000).anomalies == ()


def test_more_than_any_vehicle_holds_is_quarantined() -> None:
    assert judge(1, 3_000_001, end=START + timedelta(days=20), received=START + timedelta(days=20)).names == (
        "energy_implausible",
    )


def test_an_end_before_the_start_is_quarantined() -> None:
    assert "end_before_start" in judge(end=START - timedelta(hours=1)).names
    assert judge(end=START - CLOCK_STEP - timedelta(microseconds=1)).quarantine


def test_an_end_that_a_clock_set_in_between_put_before_the_start_is_noted_and_billed() -> None:
    for early in (CLOCK_STEP, timedelta(milliseconds=1)):
        judged = judge(1000, 1900, end=START - early, max_power_w=22_000)
        assert (judged.energy_wh, judged.names, judged.quarantine) == (900, ("clock_stepped",), False)
    assert judge(1000, 31_000, end=START - CLOCK_STEP, max_power_w=22_000).names == ("clock_stepped", "energy_exceeds_power")


def test_a_session_of_three_months_is_looked_at() -> None:
    end = START + timedelta(days=90)
    assert judge(end=end, received=end).names == ("duration_implausible",)


@pytest.mark.parametrize(
    ("samples", "name"),
    [
        ((Sample(Decimal(230), measurand="Voltage", unit="V"),), "no_energy"),
        ((Sample(Decimal(1), phase="L1"), Sample(Decimal(1), phase="L2")), "phase_only"),
        ((Sample(Decimal(1)), Sample(Decimal(7000), measurand="Power.Active.Import", unit="Wh")), "power_in_wh"),
        ((Sample(Decimal(1)), Sample(None, raw="n/a", measurand="Voltage")), "unreadable_value"),
    ],
)
def test_quirks_22_and_24_an_odd_reading_is_noted_by_name(samples: tuple[Sample, ...], name: str) -> None:
    assert odd_readings([Reading(START, samples)]) == (name,)


def test_a_signed_record_is_not_an_unreadable_value() -> None:
    samples = (Sample(Decimal(1)), Sample(None, raw="OCMF|{}|{}", signed=True))
    assert odd_readings([Reading(START, samples)]) == ()
