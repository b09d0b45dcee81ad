"""How much is held, and that stopping at the limit keeps the cost within it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actors.model.display import shown
from actors.model.hold import Hold, HoldError, HoldTerms, hold_for, round_up
from actors.model.rating import rate
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Activity, Usage, UsagePeriod
from tests.actors.model.strategies import ZONES, tariffs
from tests.kits.examples import examples

START = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)


def tariff(*parts: tuple[str, float, int], currency: str = "EUR", **more: Any) -> Tariff:
    components = [{"type": kind, "price": price, "vat": 19, "step_size": step} for kind, price, step in parts]
    return parse_tariff({"currency": currency, "elements": [{"price_components": components}], "tax_included": "YES", **more})


def test_the_reserve_is_what_full_power_costs_until_charging_has_stopped() -> None:
    found = hold_for(tariff(("ENERGY", 0.79, 1)), 150_000)
    assert found.reserve_minor == 297  # 150 kW for 90 s at 0.79: 2.9625 (MONEY 1.2), never rounded down
    assert found.limit_minor == found.hold_minor - 297
    assert found.hold_minor == 6000  # 60 kWh, a tenth of them, and the reserve: 55.11


def test_a_small_evse_holds_what_a_night_costs() -> None:
    assert hold_for(tariff(("ENERGY", 0.5, 1)), 3_700).hold_minor == 2000
    assert hold_for(tariff(("ENERGY", 50, 1), currency="JPY"), 50_000).hold_minor == 3500
    assert hold_for(tariff(("ENERGY", 0.15, 1), currency="KWD"), 50_000).hold_minor == 15_000


def test_what_the_tenant_wants_is_held_where_it_is_enough() -> None:
    terms = HoldTerms(default_minor=3000, most_minor=10_000)
    assert hold_for(tariff(("ENERGY", 0.79, 1)), 150_000, terms).hold_minor == 3000
    tiny = HoldTerms(default_minor=500, most_minor=10_000)
    assert hold_for(tariff(("ENERGY", 0.79, 1)), 150_000, tiny).hold_minor == 800


def test_what_the_tariff_wants_to_be_held_is_held_unless_the_tenant_says_otherwise() -> None:
    wish = tariff(("ENERGY", 0.79, 1), preauthorize_amount=35)
    assert hold_for(wish, 150_000).hold_minor == 3500
    assert hold_for(wish, 150_000, HoldTerms(default_minor=4000)).hold_minor == 4000


def test_a_tariff_with_a_highest_price_is_held_whole_and_never_stopped() -> None:
    limit = {"before_taxes": 8, "after_taxes": 10}
    found = hold_for(tariff(("ENERGY", 0.79, 1), max_price=limit), 150_000)
    assert found == Hold(1100, 1100, 0, 0, "EUR")


def test_the_place_of_a_stopped_vehicle_is_reckoned_with_as_long_as_the_tenant_lets_it() -> None:
    parked = tariff(("ENERGY", 0.5, 1), ("PARKING_TIME", 6, 1))
    assert hold_for(parked, 22_000).occupancy_minor == 300
    assert hold_for(parked, 22_000, HoldTerms(occupancy_s=0)).occupancy_minor == 0


def test_a_hold_that_cannot_cover_what_is_due_before_the_stop_is_refused_with_its_numbers() -> None:
    with pytest.raises(HoldError, match=r"at most 2\.00 EUR may be held, but a charge of use needs 7\.72 EUR") as caught:
        hold_for(tariff(("ENERGY", 0.79, 1)), 150_000, HoldTerms(most_minor=200))
    assert caught.value.code == "too_small"
    assert caught.value.needed_minor == 772


def test_nothing_is_held_for_what_is_free() -> None:
    with pytest.raises(HoldError) as caught:
        hold_for(tariff(("ENERGY", 0, 1)), 22_000)
    assert caught.value.code == "free"


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        (101, "EUR", 200),
        (1000, "EUR", 1000),
        (1001, "EUR", 1500),
        (5011, "EUR", 5500),
        (10_001, "EUR", 15_000),
        (3210, "JPY", 3500),
        (9, "JPY", 9),
        (9001, "KWD", 10_000),
    ],
)
def test_amounts_are_whole_and_simple(amount: int, currency: str, rounded: int) -> None:
    assert round_up(amount, currency) == rounded


@settings(max_examples=examples(300))
@given(tariffs(), ZONES, st.integers(1, 350), st.integers(10, 900), st.integers(1, 120), st.integers(0, 2**32))
def test_stopping_at_the_limit_keeps_the_cost_within_the_hold(
    tariff: Tariff, zone: str, power_kw: int, interval: int, latency: int, seed: int
) -> None:
    """A session of any course: readings at most `interval` apart, each rated as it comes; from the one that shows the limit it
    takes up to `latency` until the power is off, and then the vehicle may stay."""
    assume(not shown(tariff).free)
    dice = Random(seed)
    terms = HoldTerms(meter_interval_s=interval, command_latency_s=latency, default_minor=dice.choice([None, 1, 1, 1]))
    hold = hold_for(tariff, power_kw * 1000, terms)
    assert 0 < hold.limit_minor <= hold.hold_minor
    at, periods = START + timedelta(hours=dice.randrange(20)), []
    for _ in range(60):
        at = _more(periods, at, dice.choice([interval, interval, dice.randint(1, interval)]), power_kw, dice)
        if _cost(tariff, periods, zone) >= hold.limit_minor:
            at = _more(periods, at, latency, power_kw, dice)
            periods.append(UsagePeriod(at, at + timedelta(seconds=terms.occupancy_s), activity="parking"))
            break
    assert _cost(tariff, periods, zone) <= hold.hold_minor


LATE_FEE = {"price_components": [{"type": "FLAT", "price": 5, "step_size": 1}], "restrictions": {"min_duration": 1800}}


@pytest.mark.parametrize(
    "charge",
    [
        tariff(("ENERGY", 1, 1)),
        tariff(("ENERGY", 1, 2500)),
        tariff(("TIME", 60, 1)),
        tariff(("TIME", 60, 300)),
        tariff(("PARKING_TIME", 60, 1)),
        parse_tariff(
            {"currency": "EUR", "elements": [*tariff(("TIME", 60, 1)).body["elements"], LATE_FEE], "tax_included": "YES"}
        ),
    ],
    ids=["kwh", "steps of kwh", "time", "steps of time", "occupancy", "a late fee"],
)
def test_the_reserve_is_no_larger_than_it_has_to_be(charge: Tariff) -> None:
    """Of all limits, and of all moments of the last reading below it, the worst comes within half of the reserve to the hold,
    and not over it."""
    power, parked = Decimal(60), any(c.type == "PARKING_TIME" for e in charge.elements for c in e.components)
    activity: Activity = "parking" if parked else "charging"
    costs = []
    for seconds in range(1, 2400, 6):
        periods = [_at_power(START, seconds, power, activity)]
        before = _cost(charge, periods, "UTC")
        periods.append(_at_power(periods[-1].end, 90, power, activity))
        costs.append((before, _cost(charge, periods, "UTC")))
    left = []
    for default in range(3000, 4000, 10):
        hold = hold_for(charge, 60_000, HoldTerms(default_minor=default, occupancy_s=0))
        assert hold.hold_minor == default
        left += [default - after for before, after in costs if before < hold.limit_minor <= after]
    assert 0 <= min(left) <= hold.reserve_minor // 2


def _at_power(at: datetime, seconds: int, power: Decimal, activity: Activity) -> UsagePeriod:
    energy = power * seconds / 3600 if activity == "charging" else Decimal(0)
    return UsagePeriod(at, at + timedelta(seconds=seconds), energy, activity)


def _cost(tariff: Tariff, periods: list[UsagePeriod], zone: str) -> int:
    return rate(tariff, Usage(tuple(periods)), time_zone=zone).cost.incl.amount_minor


def _more(periods: list[UsagePeriod], at: datetime, seconds: int, power_kw: int, dice: Random) -> datetime:
    activity = dice.choice(["charging"] * 8 + ["withheld", "parking"])
    share = dice.choice([0, 1, 4, 4, 4, 4]) if activity == "charging" else 0
    energy = Decimal(power_kw) * share * seconds / (4 * 3600)
    end = at + timedelta(seconds=seconds)
    periods.append(UsagePeriod(at, end, energy, activity, Decimal(power_kw) * share / 4))
    return end
