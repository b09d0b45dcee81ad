"""The repository's own price vectors: small tariffs and sessions whose price was worked out by hand.

A session is written as the preview takes it, so that what is displayed and what is billed are checked as one.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.model.preview import as_json, described, preview
from actors.model.rating import rate
from actors.model.tariff_parse import parse_tariff

FILES = sorted((Path(__file__).parent / "vectors").glob("*.json"))
CASES = [
    pytest.param(vector, id=f"{file.stem}: {vector['name']}")
    for file in FILES
    for vector in json.loads(file.read_text(), parse_float=Decimal)
]


def test_the_vectors_are_there() -> None:
    assert len(CASES) >= 35


@pytest.mark.parametrize("vector", CASES)
def test_a_session_costs_what_was_worked_out_by_hand(vector: dict[str, Any]) -> None:
    tariff = parse_tariff(vector["tariff"])
    usage, zone = described(vector["session"], vector["time_zone"])
    rated = rate(tariff, usage, time_zone=zone)
    expected = vector["expected"]
    assert str(rated.cost.excl.major()) == expected["excl"]
    assert str(rated.cost.incl.major()) == expected["incl"]
    assert [(line.dimension, line.billed, round(line.excl, 6)) for line in rated.lines] == [
        (dimension, Decimal(billed), Decimal(excl)) for dimension, billed, excl in expected["lines"]
    ]
    if "vat" in expected:
        assert [[f"{v.rate:f}", f"{v.amount.major():f}"] for v in rated.cost.vat] == expected["vat"]
    assert rated.limit == expected.get("limit")
    shown = preview(tariff, vector["session"], time_zone=vector["time_zone"])
    assert shown == {**as_json(rated, tariff), "ignored": []}
