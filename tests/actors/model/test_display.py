"""What is shown of a tariff, and that it is what is charged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.display import PriceLine, Shown, When, per_minute, shown
from actors.model.rating import rate
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Usage, UsagePeriod
from tests.actors.model.strategies import ZONES, tariffs, usages


def body(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "T", "currency": "EUR", "elements": list(elements), **more}


def part(kind: str, price: float, vat: float | None = 19, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": price, "step_size": step, **({} if vat is None else {"vat": vat})}


def test_prices_are_shown_gross_per_kwh_then_per_minute_then_per_session() -> None:
    found = shown(
        parse_tariff(
            body(
                {"price_components": [part("FLAT", 1), part("PARKING_TIME", 6), part("TIME", 1.2), part("ENERGY", 0.5)]},
                {"price_components": [part("TIME", 3)], "restrictions": {"reservation": "RESERVATION"}},
            )
        )
    )
    assert [(line.kind, line.unit, line.gross) for line in found.lines] == [
        ("energy", "kWh", Decimal("0.595")),
        ("time", "min", Decimal("0.0238")),
        ("occupancy", "min", Decimal("0.119")),
        ("flat", "session", Decimal("1.19")),
    ]
    assert [(line.kind, line.gross) for line in found.reservation] == [("reservation", Decimal("0.0595"))]
    assert found.determinable
    assert not found.free


def test_a_price_without_a_finite_form_per_minute_is_shown_per_hour() -> None:
    assert per_minute(Decimal("2.5")) is None
    assert per_minute(Decimal(6)) == Decimal("0.1")
    line = shown(parse_tariff(body({"price_components": [part("TIME", 2.5, None)]}))).lines[0]
    assert (line.unit, line.gross) == ("h", Decimal("2.5"))


def test_windows_and_bounds_are_told_in_plain_values() -> None:
    limits = {
        "start_time": "22:00",
        "end_time": "06:00",
        "day_of_week": ["SUNDAY", "MONDAY"],
        "end_date": "2027-01-01",
        "min_duration": 3600,
        "max_kwh": 20,
        "min_power": 11,
    }
    found = shown(parse_tariff(body({"price_components": [part("ENERGY", 0.3)], "restrictions": limits})))
    assert found.lines[0].when == When(
        since="22:00",
        until="06:00",
        last_date="2027-01-01",
        days=("monday", "sunday"),
        min_s=3600,
        max_kwh=Decimal(20),
        min_kw=Decimal(11),
    )


def test_a_component_that_another_always_hides_is_not_shown() -> None:
    found = shown(
        parse_tariff(
            body(
                {"price_components": [part("ENERGY", 0.2)], "restrictions": {"end_time": "06:00"}},
                {"price_components": [part("ENERGY", 0.4)]},
                {"price_components": [part("ENERGY", 9), part("FLAT", 1)]},
            )
        )
    )
    assert [line.gross for line in found.lines] == [Decimal("0.238"), Decimal("0.476"), Decimal("1.19")]


def test_an_occupancy_fee_says_when_it_starts_and_what_it_can_come_to() -> None:
    limits = {"min_duration": 3600, "max_duration": 3600 * 5}
    found = shown(parse_tariff(body({"price_components": [part("PARKING_TIME", 6, None)], "restrictions": limits})))
    assert found.occupancy is not None
    assert found.occupancy.gross == Decimal("0.1")
    assert found.occupancy.after_s == 3600
    assert found.occupancy.cap == Decimal(24)
    endless = shown(parse_tariff(body({"price_components": [part("PARKING_TIME", 6, None)]})))
    assert endless.occupancy is not None
    assert endless.occupancy.cap is None


def test_taxes_that_come_on_top_without_a_rate_make_no_gross_price() -> None:
    found = shown(parse_tariff(body({"price_components": [part("ENERGY", 0.4, None)]}, tax_included="NO")))
    assert not found.determinable
    assert found.lines[0].gross is None
    assert found.lines[0].net == found.lines[0].amount == Decimal("0.4")


def test_a_bound_of_the_price_is_shown_gross_where_one_rate_makes_it() -> None:
    component = part("ENERGY", 0.4, 20)
    found = shown(parse_tariff(body({"price_components": [component]}, max_price={"excl_vat": 10})))
    assert found.max_price is not None
    assert found.max_price.gross == Decimal(12)
    mixed = shown(parse_tariff(body({"price_components": [component, part("FLAT", 1, 7)]}, max_price={"excl_vat": 10})))
    assert mixed.max_price is not None
    assert mixed.max_price.gross is None


def test_a_tariff_of_zeros_is_free_and_one_with_a_least_price_is_not() -> None:
    assert shown(parse_tariff(body({"price_components": [part("ENERGY", 0)]}))).free
    assert not shown(parse_tariff(body({"price_components": [part("ENERGY", 0)]}, min_price={"excl_vat": 1}))).free


def test_the_hash_names_what_was_shown_to_the_last_digit() -> None:
    one = shown(parse_tariff(body({"price_components": [part("ENERGY", 0.4)]})))
    same = shown(parse_tariff(body({"price_components": [part("ENERGY", 0.4)]})))
    other = shown(parse_tariff(body({"price_components": [part("ENERGY", 0.40001)]})))
    assert one.hash == same.hash != other.hash
    assert len(one.hash) == 32
    assert '"gross":"0.476"' in one.text


NEVER_APPLIES = body({"price_components": [part("ENERGY", 0, None), part("ENERGY", 0, 7)]}, min_price={"excl_vat": 1})
NO_TAX = body({"price_components": [part("ENERGY", 0, 7)]}, min_price={"before_taxes": 1}, tax_included="N/A")


@pytest.mark.parametrize("least", [NEVER_APPLIES, NO_TAX], ids=["behind one that always applies", "no tax at all"])
def test_a_least_price_is_shown_and_charged_without_the_tax_of_a_component_that_never_applies(least: dict[str, Any]) -> None:
    tariff, at = parse_tariff(least), datetime(2026, 3, 7, tzinfo=UTC)
    seen = shown(tariff).min_price
    assert seen is not None
    assert (seen.net, seen.gross) == (1, 1)
    cost = rate(tariff, Usage((UsagePeriod(at, at + timedelta(minutes=1), Decimal(0), "charging"),)), time_zone="UTC").cost
    assert (cost.excl.amount_minor, cost.incl.amount_minor) == (100, 100)


@given(tariffs(), usages(), ZONES, st.sampled_from(["NO", "YES", "N/A", None]))
def test_a_session_priced_from_what_was_shown_costs_what_rating_says(
    tariff: Tariff, usage: Usage, zone: str, taxes: str | None
) -> None:
    if taxes is not None:
        tariff = parse_tariff(_newer(tariff.body, taxes))
    seen = shown(tariff)
    rebuilt = parse_tariff(from_shown(seen))
    told, charged = rate(rebuilt, usage, time_zone=zone), rate(tariff, usage, time_zone=zone)
    assert told.cost.incl == charged.cost.incl
    assert [line.incl for line in told.lines] == [line.incl for line in charged.lines]


def _newer(given: dict[str, Any], taxes: str) -> dict[str, Any]:
    """The same prices under another reading of taxes (OCPI 2.3.0)."""
    found = {**given, "tax_included": taxes}
    for field in ("min_price", "max_price"):
        if field in found:
            limit = found[field]
            found[field] = {"before_taxes": limit["excl_vat"], "after_taxes": limit.get("incl_vat", limit["excl_vat"])}
    return found


def from_shown(seen: Shown) -> dict[str, Any]:
    """A tariff made of nothing but what a driver was shown: gross prices, windows, steps and ranks."""
    lines = sorted((*seen.lines, *seen.reservation), key=lambda line: line.rank)
    found: dict[str, Any] = {
        "currency": seen.currency,
        "tax_included": "YES",
        "elements": [{"price_components": [_component(line)], "restrictions": _restrictions(line)} for line in lines],
    }
    for field, limit in (("min_price", seen.min_price), ("max_price", seen.max_price)):
        if limit is not None:
            found[field] = {"before_taxes": limit.net, **({} if limit.gross is None else {"after_taxes": limit.gross})}
    return found


def _component(line: PriceLine) -> dict[str, Any]:
    kinds = {"energy": "ENERGY", "time": "TIME", "occupancy": "PARKING_TIME", "flat": "FLAT"}
    kind = kinds.get(line.kind, "FLAT" if line.unit == "session" else "TIME")  # a reservation is priced once or by time
    price = line.amount * 60 if line.unit == "min" else line.amount
    found = {"type": kind, "price": price, "step_size": line.step}
    # Without a rate there is no tax to take out of the price: net and gross are the same.
    return found if line.vat is None else {**found, "vat": line.vat}


def _restrictions(line: PriceLine) -> dict[str, Any] | None:
    when = line.when or When()
    names = {
        "reservation": {"reservation": "RESERVATION", "reservation_expired": "RESERVATION_EXPIRES"}.get(line.kind),
        "start_time": when.since,
        "end_time": when.until,
        "start_date": when.first_date,
        "end_date": when.last_date,
        "day_of_week": [day.upper() for day in when.days],
        "min_kwh": when.min_kwh,
        "max_kwh": when.max_kwh,
        "min_duration": when.min_s,
        "max_duration": when.max_s,
        "min_power": when.min_kw,
        "max_power": when.max_kw,
        "min_current": when.min_a,
        "max_current": when.max_a,
    }
    return {name: value for name, value in names.items() if value is not None and value != []} or None
