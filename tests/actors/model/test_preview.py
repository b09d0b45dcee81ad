"""Describing a session in words of the API, and what is wrong with a description."""

from typing import Any

import pytest

from actors.model.preview import PreviewError, preview
from actors.model.tariff_parse import parse_tariff

TARIFF = parse_tariff(
    {
        "id": "t",
        "currency": "EUR",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1},
                    {"type": "TIME", "price": 1, "step_size": 1},
                ]
            }
        ],
    }
)


def wrong(description: Any) -> dict[str, str]:
    with pytest.raises(PreviewError) as caught:
        preview(TARIFF, description)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


def test_the_answer_is_the_cost_and_its_lines() -> None:
    answer = preview(TARIFF, {"energy_wh": 10_000, "charging_s": 1800})
    assert answer["cost"] == {
        "excl": {"amount_minor": 550, "currency": "EUR"},
        "incl": {"amount_minor": 645, "currency": "EUR"},
        "vat": [{"rate": 19, "amount": {"amount_minor": 95, "currency": "EUR"}}],
    }
    assert answer["lines"][0] == {
        "element": 0, "dimension": "ENERGY", "kind": "energy", "volume": 10, "billed": 10, "unit": "kWh", "price": 0.5,
        "vat": 19, "excl": 5, "incl": 5.95,
    }  # fmt: skip
    assert (answer["energy_wh"], answer["charging_s"], answer["limit"]) == (10_000, 1800, None)


def test_kwh_and_kw_are_understood_and_a_power_gives_the_duration() -> None:
    answer = preview(TARIFF, {"energy_kwh": 22, "power_kw": 11})
    assert (answer["energy_wh"], answer["charging_s"]) == (22_000, 7200)


def test_a_session_as_the_api_shows_it_can_be_priced_again() -> None:
    session = {
        "started_at": "2026-06-01T10:00:00Z", "ended_at": "2026-06-01T12:00:00Z", "energy_wh": 5000, "parking_s": 1800,
        "station": "CP-1", "state": "ended",
    }  # fmt: skip
    answer = preview(TARIFF, session)
    assert (answer["charging_s"], answer["parking_s"], answer["energy_wh"]) == (5400, 1800, 5000)
    assert answer["ignored"] == ["state", "station"]


def test_an_empty_description_costs_nothing_here() -> None:
    assert preview(TARIFF, {})["cost"]["incl"]["amount_minor"] == 0


@pytest.mark.parametrize(
    ("description", "pointer"),
    [
        ([], ""),
        ({"energy_wh": "ten"}, "/energy_wh"),
        ({"energy_wh": -1}, "/energy_wh"),
        ({"energy_wh": float("nan")}, "/energy_wh"),
        ({"charging_s": 1e9}, "/charging_s"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": ["UTC"]}, "/time_zone"),
        ({"start": "tomorrow"}, "/start"),
        ({"start": 7}, "/start"),
        ({"end": "later"}, "/end"),
        ({"start": "2026-06-01T10:00:00Z", "end": "2026-06-01T09:00:00Z"}, "/end"),
        ({"periods": []}, "/periods"),
        ({"periods": [{"energy_wh": 1}, {"activity": "sleeping"}]}, "/periods/1/activity"),
        ({"periods": [{"energy_wh": 1}, 3]}, "/periods/1"),
        ({"reservation_expired": True}, "/reservation_s"),
    ],
)
def test_a_wrong_field_is_named(description: Any, pointer: str) -> None:
    assert list(wrong(description)) == [pointer]


def test_periods_that_add_up_to_too_much_are_refused() -> None:
    days = 100 * 86_400
    assert list(wrong({"periods": [{"charging_s": days}, {"charging_s": days}]})) == [""]
