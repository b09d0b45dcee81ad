"""Reading tariffs: both OCPI versions, every wrong field named, one identity per content."""

import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from actors.model.tariff import fingerprint
from actors.model.tariff_221 import as_221
from actors.model.tariff_parse import TariffError, parse_tariff, tariff_of

TARIFF: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "ABC",
    "id": "night",
    "currency": "EUR",
    "type": "REGULAR",
    "tariff_alt_text": [{"language": "de", "text": "Nachts günstiger"}],
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.1, "vat": 19.0, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6, "step_size": 60},
            ],
            "restrictions": {
                "start_time": "22:00",
                "end_time": "06:00",
                "start_date": "2026-01-01",
                "end_date": "2026-12-31",
                "min_kwh": 1,
                "max_kwh": 20.5,
                "min_current": 6,
                "max_current": 32,
                "min_power": 1.4,
                "max_power": 22,
                "min_duration": 60,
                "max_duration": 7200,
                "day_of_week": ["MONDAY", "SUNDAY"],
            },
        },
        {"price_components": [{"type": "TIME", "price": 2, "step_size": 1}], "restrictions": {"reservation": "RESERVATION"}},
    ],
    "min_price": {"excl_vat": 0.5, "incl_vat": 0.6},
    "max_price": {"excl_vat": 50},
    "last_updated": "2026-01-01T00:00:00Z",
}


def problems(body: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(TariffError) as caught:
        parse_tariff(body, **options)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


def test_a_tariff_of_221_is_read_with_all_its_restrictions() -> None:
    tariff = parse_tariff(TARIFF)
    assert (tariff.version, tariff.tax_included, tariff.currency) == ("2.2.1", "NO", "EUR")
    first = tariff.elements[0]
    assert first.components[0].price == Decimal("0.1")
    limits = first.restrictions
    assert limits is not None
    assert (limits.start_minute, limits.end_minute) == (22 * 60, 6 * 60)
    assert (limits.start_date, limits.end_date) == (date(2026, 1, 1), date(2026, 12, 31))
    assert limits.days == {0, 6}
    assert (limits.min_kwh, limits.max_kwh) == (Decimal(1), Decimal("20.5"))
    assert tariff.max_price is not None
    assert tariff.max_price.incl is None


def test_a_tariff_of_230_is_told_by_its_shape() -> None:
    body = {**TARIFF, "tax_included": "YES", "min_price": {"before_taxes": 1}, "max_price": {"before_taxes": 2, "after_taxes": 3}}
    tariff = parse_tariff(body)
    assert (tariff.version, tariff.tax_included) == ("2.3.0", "YES")
    assert tariff.max_price is not None
    assert tariff.max_price.incl == 3


def test_what_the_platform_knows_better_may_be_left_out() -> None:
    tariff = parse_tariff({"currency": "EUR", "elements": [{"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}]}]})
    assert tariff.id == ""


def test_every_wrong_field_is_named_with_its_pointer() -> None:
    body = {
        "currency": "eur",
        "type": "CHEAP",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": "0.3", "step_size": -1},
                    {"price": True, "step_size": 1.5, "vat": 190},
                    7,
                ],
                "restrictions": {
                    "start_time": "24:00", "end_time": "6:00", "start_date": "2026-02-30", "day_of_week": ["MON"],
                    "min_kwh": 5, "max_kwh": 5, "reservation": "YES",
                },
            },
            {"price_components": []},
        ],
        "min_price": {"excl_vat": 5, "incl_vat": 4},
        "start_date_time": "tomorrow",
        "last_updated": 7,
    }  # fmt: skip
    element = "/elements/0/price_components"
    assert set(problems(body)) == {
        "/currency", "/type", "/start_date_time", "/last_updated", "/min_price/incl_vat",
        f"{element}/0/price", f"{element}/0/step_size",
        f"{element}/1/type", f"{element}/1/price", f"{element}/1/step_size", f"{element}/1/vat",
        f"{element}/2", f"{element}/2/type", f"{element}/2/price", f"{element}/2/step_size",
        "/elements/0/restrictions/start_time", "/elements/0/restrictions/end_time",
        "/elements/0/restrictions/start_date", "/elements/0/restrictions/day_of_week",
        "/elements/0/restrictions/max_kwh", "/elements/0/restrictions/reservation",
        "/elements/1/price_components",
    }  # fmt: skip


@pytest.mark.parametrize("body", [None, [], "tariff", 3])
def test_a_body_that_is_no_object_is_one_problem(body: Any) -> None:
    assert list(problems(body)) == [""]


def test_an_empty_object_says_what_is_required() -> None:
    assert problems({}) == {"/currency": "is required", "/elements": "is required"}


def test_the_fix_is_in_the_message() -> None:
    found = problems({"currency": "USD", "elements": [{"price_components": [{"type": "KWH", "price": 1, "step_size": 1}]}]},
                     currency="EUR")  # fmt: skip
    assert found["/currency"] == "must be the tenant's currency EUR, not USD"
    assert found["/elements/0/price_components/0/type"].startswith("must be one of ENERGY, FLAT, PARKING_TIME, TIME")


def test_an_element_that_prices_reservations_holds_only_fees_and_time() -> None:
    body = copy.deepcopy(TARIFF)
    body["elements"][1]["price_components"].append({"type": "ENERGY", "price": 1, "step_size": 1})
    assert list(problems(body)) == ["/elements/1/price_components/1/type"]


def test_prices_that_are_not_finite_numbers_are_refused() -> None:
    for price in (float("nan"), float("inf"), -0.01, 1e300, 10**4000, "1", [1], None):
        body = {"currency": "EUR", "elements": [{"price_components": [{"type": "FLAT", "price": price, "step_size": 1}]}]}
        assert "/elements/0/price_components/0/price" in problems(body)


def test_too_many_elements_are_refused_before_they_are_read() -> None:
    body = {"currency": "EUR", "elements": [{}] * 101}
    assert list(problems(body)) == ["/elements"]


def test_the_list_of_problems_is_bounded() -> None:
    body = {"currency": "EUR", "elements": [{"price_components": [{}] * 12}] * 100}
    assert len(problems(body)) == 100


def test_a_fingerprint_is_of_the_content_not_of_its_spelling() -> None:
    reordered = dict(reversed(TARIFF.items()))
    assert fingerprint(reordered) == fingerprint(TARIFF)
    assert fingerprint({**TARIFF, "last_updated": "2030-01-01T00:00:00Z"}) == fingerprint(TARIFF)
    decimal = copy.deepcopy(TARIFF)
    decimal["elements"][0]["price_components"][0]["price"] = Decimal("0.1")
    decimal["elements"][0]["price_components"][0]["vat"] = 19
    assert fingerprint(decimal) == fingerprint(TARIFF)
    decimal["elements"][0]["price_components"][0]["price"] = Decimal("0.1001")
    assert fingerprint(decimal) != fingerprint(TARIFF)


def test_a_stored_version_is_parsed_once() -> None:
    tariff = parse_tariff(TARIFF)
    assert tariff_of(tariff.fingerprint, TARIFF) is tariff_of(tariff.fingerprint, TARIFF)


def test_a_tariff_that_includes_taxes_is_divided_for_221() -> None:
    body = {
        "currency": "EUR",
        "id": "x",
        "tax_included": "YES",
        "preauthorize_amount": 50,
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.59, "vat": 19, "step_size": 1}]}],
        "min_price": {"before_taxes": 1, "after_taxes": 1.19},
    }
    old = as_221(parse_tariff(body), "DE", "ABC", datetime(2026, 1, 1, tzinfo=UTC))
    assert old["elements"][0]["price_components"] == [{"type": "ENERGY", "price": 0.4958, "step_size": 1, "vat": 19}]
    assert old["min_price"] == {"excl_vat": 1, "incl_vat": 1.19}
    assert "tax_included" not in old
    assert "preauthorize_amount" not in old
    assert (old["country_code"], old["party_id"]) == ("DE", "ABC")
    assert parse_tariff(old).version == "2.2.1"
    assert body["tax_included"] == "YES"
