"""Registers at the edge of what 64 bits hold."""

from msgspec.structs import replace

from actors.session.booking import MOST_WH, energy_of
from actors.session.state import SessionState


def test_two_absurd_registers_still_give_an_energy_that_a_row_can_hold() -> None:
    state = replace(SessionState(), meter_start_wh=-(2**63))
    assert energy_of(state, 2**63 - 1) == MOST_WH
    assert energy_of(replace(state, meter_start_wh=5), 3) == 0
