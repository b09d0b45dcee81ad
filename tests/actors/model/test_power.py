"""How much a charging point can give, as its station's location says."""

from typing import Any

import pytest

from actors.model.power import power_of


@pytest.mark.parametrize(
    ("told", "evse", "power"),
    [
        (22_000, 1, 22_000),
        (22_000, None, 22_000),
        ([22_000, 150_000], 1, 22_000),
        ([22_000, 150_000], 2, 150_000),
        ([22_000, 150_000], None, 150_000),
        ([22_000, 150_000], 0, 150_000),
        ([22_000], 3, None),
        (["much", 11_000], None, 11_000),
        (["much"], 1, None),
        ([], None, None),
        (0, 1, None),
        (True, 1, None),
        ("22000", 1, None),
        (None, 1, None),
    ],
)
def test_one_number_counts_for_every_evse_and_a_list_for_each(told: Any, evse: int | None, power: int | None) -> None:
    assert power_of({"max_power_w": told}, evse) == power
