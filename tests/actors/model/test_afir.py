"""The price rules for paying ad hoc, one by one."""

from datetime import date
from typing import Any

import pytest

from actors.model.afir import Finding, fit, lint
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff

FAST, SLOW = 150_000, 22_000


def part(kind: str, price: float, step: int = 1, vat: float | None = 19) -> dict[str, Any]:
    return {"type": kind, "price": price, "step_size": step, **({} if vat is None else {"vat": vat})}


def tariff(*components: dict[str, Any], **more: Any) -> Tariff:
    given = {"currency": "EUR", "tax_included": "YES", "elements": [{"price_components": list(components)}], **more}
    if given["tax_included"] is None:
        del given["tax_included"]
    return parse_tariff(given)


def rules(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.severity, finding.pointer) for finding in findings]


KWH, OCCUPANCY = part("ENERGY", 0.59), part("PARKING_TIME", 6)


def test_a_price_per_kwh_and_an_occupancy_fee_per_minute_are_fit_for_a_fast_point() -> None:
    assert lint(tariff(KWH, OCCUPANCY), FAST) == ()


@pytest.mark.parametrize(
    ("found", "rule", "pointer"),
    [
        (tariff(OCCUPANCY), "no_kwh_price", "/elements"),
        (tariff(part("TIME", 6)), "no_kwh_price", "/elements"),
        (tariff(KWH, part("TIME", 6)), "time_price", "/elements/0/price_components/1/type"),
        (tariff(KWH, part("FLAT", 1)), "session_fee", "/elements/0/price_components/1/type"),
        (tariff(KWH, min_price={"before_taxes": 1, "after_taxes": 1.19}), "least_price", "/min_price"),
    ],
)
def test_what_breaks_the_shape_of_a_fast_point_is_an_error_there_and_nothing_at_a_slow_one(
    found: Tariff, rule: str, pointer: str
) -> None:
    assert (rule, "error", pointer) in rules(lint(found, FAST))
    assert not fit(lint(found, FAST))
    assert lint(found, SLOW) == ()
    assert (rule, "warning", pointer) in rules(lint(found, None))
    assert (rule, "warning", pointer) in rules(lint(found, FAST, date(2024, 4, 12)))
    assert (rule, "error", pointer) in rules(lint(found, 50_000, date(2024, 4, 13)))


def test_a_fee_per_session_is_a_warning_on_the_milder_reading() -> None:
    findings = lint(tariff(KWH, part("FLAT", 1)), FAST, strict=False)
    assert rules(findings) == [("session_fee", "warning", "/elements/0/price_components/1/type")]
    assert fit(findings)


def test_prices_of_zero_break_no_shape() -> None:
    assert lint(tariff(KWH, part("TIME", 0), part("FLAT", 0)), FAST) == ()


def test_times_of_day_without_a_price_per_kwh_are_pointed_out() -> None:
    night = {"price_components": [KWH], "restrictions": {"start_time": "20:00", "end_time": "06:00"}}
    assert rules(lint(tariff(KWH, elements=[night]), FAST)) == [("kwh_price_gap", "warning", "/elements")]


def test_a_price_per_minute_must_multiply_back_exactly_at_any_point() -> None:
    at = "/elements/0/price_components/1/price"
    for power in (FAST, SLOW, None):
        assert ("per_minute_inexact", "error", at) in rules(lint(tariff(KWH, part("PARKING_TIME", 2.5)), power))
    # What counts is the price that is shown: 2.50 before 20 % of taxes is 3.00 an hour, 0.05 a minute.
    assert lint(tariff(KWH, part("PARKING_TIME", 2.5, 1, 20), tax_included=None), SLOW) == ()


def test_a_price_must_be_known_gross() -> None:
    unknown = tariff(part("ENERGY", 0.5, 1, None), tax_included="NO")
    assert rules(lint(unknown, SLOW)) == [("gross_unknown", "error", "/elements/0/price_components/0")]
    silent = tariff(part("ENERGY", 0.5, 1, None), tax_included=None)
    assert rules(lint(silent, SLOW)) == [("no_vat", "warning", "/elements/0/price_components/0")]
    mixed = tariff(KWH, part("FLAT", 1, 1, 7), tax_included=None, max_price={"excl_vat": 20})
    assert rules(lint(mixed, SLOW))[0] == ("gross_unknown", "error", "/max_price")


def test_what_makes_a_price_hard_to_read_is_a_warning() -> None:
    limits = {"min_power": 11}
    dear = {"price_components": [part("ENERGY", 0.512345)], "restrictions": limits}
    found = lint(tariff(elements=[dear, {"price_components": [part("ENERGY", 0.5, 1000), part("TIME", 6, 900)]}]), SLOW)
    assert rules(found) == [
        ("depends_on_power", "warning", "/elements/0/price_components/0"),
        ("fine_price", "warning", "/elements/0/price_components/0/price"),
        ("energy_step", "warning", "/elements/1/price_components/0/step_size"),
        ("time_step", "warning", "/elements/1/price_components/1/step_size"),
    ]
    assert fit(found)


def test_a_blocking_fee_that_runs_while_charging_is_pointed_out() -> None:
    late = {"price_components": [part("TIME", 6)], "restrictions": {"min_duration": 14_400}}
    found = lint(tariff(elements=[{"price_components": [KWH]}, late]), SLOW)
    assert rules(found) == [("blocking_fee_as_time", "warning", "/elements/1/price_components/0/type")]


def test_a_tariff_for_a_charging_preference_is_not_meant_for_paying_ad_hoc() -> None:
    assert rules(lint(tariff(KWH, type="PROFILE_GREEN"), SLOW)) == [("not_ad_hoc", "warning", "/type")]
    assert lint(tariff(KWH, type="AD_HOC_PAYMENT"), SLOW) == ()


def test_reservations_are_no_part_of_ad_hoc_charging() -> None:
    reserved = {"price_components": [part("TIME", 2.5), part("FLAT", 1)], "restrictions": {"reservation": "RESERVATION"}}
    assert lint(tariff(elements=[{"price_components": [KWH]}, reserved]), FAST) == ()
