"""The table of phases: every row, whatever is not a row, and the drawing beside it."""

from pathlib import Path
from typing import get_args

import pytest

from actors.model.transitions import IllegalTransition
from actors.session import phases
from actors.session.phases import OPEN, SETTLED, TABLE, Event, Phase, after, allows, public_state

ROWS = {(phase, event): to for phase, event, to in TABLE}


@pytest.mark.parametrize(("phase", "event", "to"), TABLE)
def test_every_row_leads_where_it_says(phase: Phase, event: Event, to: Phase) -> None:
    assert allows(phase, event)
    assert after(phase, event) == to


def test_whatever_is_no_row_cannot_be_applied() -> None:
    for phase in get_args(Phase):
        for event in get_args(Event):
            if (phase, event) in ROWS:
                continue
            assert not allows(phase, event)
            with pytest.raises(IllegalTransition):
                after(phase, event)


def test_the_table_is_a_function_and_every_phase_is_reached() -> None:
    assert len(ROWS) == len(TABLE)
    reached = {"new"}
    for _ in get_args(Phase):
        reached |= {to for phase, _, to in TABLE if phase in reached}
    assert reached == set(get_args(Phase))


def test_settled_phases_are_final_and_every_other_one_can_end() -> None:
    for phase in SETTLED:
        assert not [row for row in TABLE if row[0] == phase]
    for phase in OPEN:
        assert allows(phase, "ended") or phase == "authorised"
        assert public_state(phase) == "active"


def test_only_a_rated_session_is_booked_and_only_once() -> None:
    assert [row[0] for row in TABLE if row[1] == "booked"] == ["rated"]


def test_the_drawing_is_current() -> None:
    drawn = Path(phases.__file__).with_name("phases.mmd").read_text()
    assert drawn == phases.diagram(), "write phases.diagram() to actors/session/phases.mmd"
