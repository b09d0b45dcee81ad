"""The worked examples of the OCPI chapters, where the reference folder lies beside the repository.

The repository's own vectors (vectors/*.json) do not depend on it.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.model.afir import lint
from actors.model.display import shown
from actors.model.hold import HoldError, hold_for
from actors.model.rating import rate
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.usage import Usage, UsagePeriod
from tests.actors.model.test_display import from_shown

REFERENCE = Path(__file__).parents[3].parent / "shared" / "reference"
VECTORS = REFERENCE / "ocpi-cost-vectors.json"
_BERLIN_OFFSET = timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def _cases() -> list[Any]:
    if not VECTORS.is_file():
        return [pytest.param(None, "", marks=pytest.mark.skip(reason="reference folder not present"))]
    vectors = json.loads(VECTORS.read_text(), parse_float=Decimal)["vectors"]
    return [pytest.param(v, version, id=f"{v['id']}-{version}") for v in vectors for version in v["versions"]]


@pytest.mark.parametrize(("vector", "version"), _cases())
def test_a_worked_example_of_the_specification_is_rated_as_printed(vector: dict[str, Any], version: str) -> None:
    rated = rate(_tariff(vector, version), _usage(vector["usage"]), time_zone="Europe/Berlin")
    expected = vector["expected"]
    excl = sum((line.excl for line in rated.lines), Decimal(0))
    decimals = -Decimal(expected["excl"]).as_tuple().exponent
    if decimals <= 2:
        assert rated.cost.excl.major() == Decimal(expected["excl"])
    else:
        assert round(excl, decimals) == Decimal(expected["excl"])
    if expected["incl"] is not None:
        assert rated.cost.incl.major() == Decimal(expected["incl"])
    if "breakdown" in vector:
        found = [[line.dimension, line.excl] for line in rated.lines]
        assert found == [[row[0], Decimal(row[2])] for row in vector["breakdown"]]


def _tariff(vector: dict[str, Any], version: str) -> Tariff:
    if vector["tariff_file"] is not None:
        text = (REFERENCE / f"ocpi-{version}" / vector["tariff_file"]).read_text()
        return parse_tariff(json.loads(text, parse_float=Decimal))
    usage, step = vector["usage"], vector["usage"]["step_size"]
    elements: list[dict[str, Any]]
    if "periods" in usage:
        first, second = usage["periods"]
        elements = [
            _element("ENERGY", first["price_kwh"], step, {"max_kwh": first["energy_kwh"]}),
            _element("ENERGY", second["price_kwh"], step),
        ]
    elif "price_kwh" in usage:
        elements = [_element("ENERGY", usage["price_kwh"], step)]
    else:
        elements = [_element("TIME", usage["price_h"], step), _element("PARKING_TIME", usage["parking_price_h"], step)]
    return parse_tariff({"currency": vector["currency"], "elements": elements})


def _element(kind: str, price: Any, step: int, restrictions: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "price_components": [{"type": kind, "price": price, "step_size": step}],
        "restrictions": restrictions,
    }


def _usage(usage: dict[str, Any]) -> Usage:
    start = MONDAY + timedelta(hours=8)
    if "start_local" in usage:
        hour, minute = usage["start_local"].split()[-1].split(":")
        start = MONDAY + timedelta(hours=int(hour), minutes=int(minute)) - _BERLIN_OFFSET
    current = None if "current_a" not in usage else Decimal(usage["current_a"])
    periods: list[UsagePeriod] = []
    at = start
    if "reservation_s" in usage:
        until = at + timedelta(seconds=usage["reservation_s"])
        periods.append(UsagePeriod(at, until, activity="reserved"))
        at = until
    if usage.get("reservation_expired"):
        return Usage(tuple(periods), reservation_expired=True)
    rows = usage.get("periods") or [usage]
    for row in rows:
        until = at + timedelta(seconds=row.get("charging_s", 3600))
        power = None if "power_kw" not in row else Decimal(row["power_kw"])
        periods.append(UsagePeriod(at, until, Decimal(row.get("energy_kwh", 0)), "charging", power, current))
        at = until
    if "parking_s" in usage:
        periods.append(UsagePeriod(at, at + timedelta(seconds=usage["parking_s"]), activity="parking"))
    return Usage(tuple(periods))


def _tariff_files() -> list[Any]:
    files = sorted(REFERENCE.glob("ocpi-2.*.*/tariffs/tariff_[1-9p]*.json"))
    if not files:
        return [pytest.param(None, marks=pytest.mark.skip(reason="reference folder not present"))]
    return [pytest.param(file, id=f"{file.parts[-3]}-{file.stem}") for file in files]


@pytest.mark.parametrize("file", _tariff_files())
def test_a_tariff_of_the_specification_is_shown_judged_and_held_for(file: Path) -> None:
    """And a session priced from what was shown costs the same, with a reservation before it."""
    tariff = parse_tariff(json.loads(file.read_text(), parse_float=Decimal))
    seen = shown(tariff)
    assert seen.lines or seen.reservation
    assert all(finding.detail for finding in lint(tariff, 50_000))
    try:
        hold = hold_for(tariff, 50_000)
        assert 0 < hold.limit_minor <= hold.hold_minor
    except HoldError as error:
        assert (error.code, seen.free) == ("free", True)  # noqa: PT017 - there is nothing to hold for a free tariff
    session = {"energy_kwh": Decimal("20.5"), "charging_s": 9000, "parking_s": 4000, "reservation_s": 1500}
    for described in (session, {"reservation_s": 1500, "reservation_expired": True}):
        usage = _usage(described)
        told = rate(parse_tariff(from_shown(seen)), usage, time_zone="Europe/Berlin")
        assert told.cost.incl == rate(tariff, usage, time_zone="Europe/Berlin").cost.incl
