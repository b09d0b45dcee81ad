"""Hypothesis strategies for tariffs and usages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Usage, UsagePeriod

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
_DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_WEEKENDS = st.sampled_from(
    [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 7), (3, 28), (4, 4), (6, 12), (10, 24), (10, 31))]
)
"""Around the days on which some of the zones change their clocks, and one ordinary day."""
_PRICES = st.decimals(min_value=0, max_value=20, places=3)
_VATS = st.none() | st.sampled_from([Decimal(0), Decimal(7), Decimal("8.1"), Decimal(19), Decimal(20)])


@st.composite
def components(draw: st.DrawFn, step: st.SearchStrategy[int]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]))
    return {"type": kind, "price": draw(_PRICES), "vat": draw(_VATS), "step_size": draw(step)}


@st.composite
def restrictions(draw: st.DrawFn, seconds: st.SearchStrategy[int]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    which = draw(st.sets(st.sampled_from(["clock", "days", "kwh", "duration", "power"]), max_size=2))
    if "clock" in which:
        found["start_time"] = f"{draw(st.integers(0, 23)):02}:{draw(st.sampled_from([0, 15, 30])):02}"
        found["end_time"] = f"{draw(st.integers(0, 23)):02}:{draw(st.sampled_from([0, 20, 45])):02}"
    if "days" in which:
        found["day_of_week"] = draw(st.lists(st.sampled_from(_DAYS), min_size=1, max_size=4, unique=True))
    if "kwh" in which:
        found[draw(st.sampled_from(["min_kwh", "max_kwh"]))] = draw(st.integers(1, 40))
    if "duration" in which:
        found[draw(st.sampled_from(["min_duration", "max_duration"]))] = draw(seconds)
    if "power" in which:
        found[draw(st.sampled_from(["min_power", "max_power"]))] = draw(st.integers(1, 60))
    return found or None


@st.composite
def tariffs(
    draw: st.DrawFn,
    *,
    step: st.SearchStrategy[int] = st.sampled_from([0, 1, 60, 100, 900]),
    limits: bool = True,
    seconds: st.SearchStrategy[int] = st.integers(60, 20_000),
) -> Tariff:
    elements = [
        {
            "price_components": draw(st.lists(components(step), min_size=1, max_size=3)),
            "restrictions": draw(restrictions(seconds)),
        }
        for _ in range(draw(st.integers(1, 6)))
    ]
    body: dict[str, Any] = {"currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])), "elements": elements}
    if limits and draw(st.booleans()):
        excl = draw(st.integers(0, 30))
        body["max_price"] = {"excl_vat": excl, "incl_vat": excl + draw(st.integers(0, 5))}
    if limits and draw(st.booleans()) and "max_price" not in body:
        body["min_price"] = {"excl_vat": draw(st.integers(0, 5))}
    return parse_tariff(body)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Contiguous periods. Energy and power are constant rates, so that cutting a period is exact."""
    at = draw(_WEEKENDS) + timedelta(minutes=draw(st.integers(0, 2 * 1440)))
    periods = []
    for _ in range(draw(st.integers(1, 5))):
        minutes = draw(st.integers(1, 600))
        activity = draw(st.sampled_from(["charging", "charging", "withheld", "parking"]))
        energy = Decimal(0)
        power = Decimal(0)
        if activity == "charging":
            power = Decimal(draw(st.integers(0, 50)) * 3) / 2
            energy = power * minutes / 60
        end = at + timedelta(minutes=minutes)
        periods.append(UsagePeriod(at, end, energy, activity, power, power * 4))
        at = end
    return Usage(tuple(periods))
