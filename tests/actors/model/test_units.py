"""Numbers and units as stations write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.units import base_unit, parse_decimal, to_wh


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"), ("12.5", "12.5"), ("12,5", "12.5"), (" 7 ", "7"), ("-3", "-3"), ("+3", "3"), (".5", "0.5"),
        ("5.", "5"), ("1.25e3", "1250"), ("1,25E-2", "0.0125"), ("000123", "123"),
    ],
)  # fmt: skip
def test_a_number_is_read_however_it_is_written(text: str, value: str) -> None:
    assert parse_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "-", "abc", "1.2.3", "1,2,3", "NaN", "Infinity", "1e999", "1e99", "0x10", "1 2", "٣", "9" * 60, "1_000"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_decimal(text) is None


@given(st.text(max_size=60))
def test_no_text_makes_it_raise_or_grow(text: str) -> None:
    value = parse_decimal(text)
    assert value is None or len(str(int(value))) < 40


@pytest.mark.parametrize(
    ("value", "unit", "measurand", "expected"),
    [
        ("1.5", "kWh", "Energy.Active.Import.Register", ("1500", "Wh", False)),
        ("1500", None, "Energy.Active.Import.Register", ("1500", "Wh", False)),
        ("11", "kW", "Power.Active.Import", ("11000", "W", False)),
        ("7000", "Wh", "Power.Active.Import", ("7000", "W", True)),
        ("7", "kWh", "Power.Active.Import", ("7000", "W", True)),
        ("21", "Celcius", "Temperature", ("21", "Celsius", False)),
        ("70", "Fahrenheit", "Temperature", ("70", "Fahrenheit", False)),
        ("5", "kvarh", "Energy.Reactive.Import.Register", ("5000", "varh", False)),
        ("50", "Hertz", "Frequency", ("50", "Hertz", False)),
        ("50", None, "Frequency", ("50", "Hertz", False)),
        ("80", "Percent", "SoC", ("80", "Percent", False)),
        ("16", "a", "Current.Import", ("16", "A", False)),
        ("16", "W", "Current.Import", ("16", "W", True)),
        ("3", "bananas", "Vendor.Thing", ("3", "bananas", False)),
    ],
)
def test_units_become_base_units(value: str, unit: str | None, measurand: str, expected: tuple[str, str, bool]) -> None:
    assert base_unit(Decimal(value), unit, measurand) == (Decimal(expected[0]), *expected[1:])


def test_a_multiplier_is_a_power_of_ten() -> None:
    assert base_unit(Decimal(15), "Wh", "Energy.Active.Import.Register", 3)[0] == 15_000


def test_a_register_in_whole_wh_is_rounded_half_up() -> None:
    assert [to_wh(Decimal(v)) for v in ("0.4", "0.5", "-0.5", "1.5")] == [0, 1, 0, 2]
