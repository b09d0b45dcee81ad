"""Scenarios and faults are read strictly; mistakes are named with their line."""

import pytest

from gateways.simulator.faults import Faults
from gateways.simulator.scenario import BUILT_IN, Step, parse


def test_the_scenarios_that_come_along_are_valid() -> None:
    assert all(parse(text) for text in BUILT_IN.values())


def test_comments_and_blank_lines_are_left_out() -> None:
    assert parse("boot # first\n\n  start @ TAG\n") == (Step("boot", ()), Step("start", ("@", "TAG")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("boot\nfly 1", "line 2: unknown verb 'fly'"),
        ("meter 1 2", "line 1: meter takes 3 to 3 words"),
        ("start x", "line 1: start wants a number"),
        ("fault lightning", "line 1: unknown fault"),
        ("stop 1 Bored", "line 1: unknown reason"),
        ("wait soon", "line 1: wait wants a number"),
        ("# nothing", "empty"),
    ],
)
def test_a_mistake_names_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_faults_are_names_with_probabilities() -> None:
    assert Faults.parse(["duplicate=0.5", "garbage"]) == Faults(duplicate=0.5, garbage=0.2)
    for wrong in ("duplicat=0.1", "cut=2", "cut=often"):
        with pytest.raises(ValueError, match="known|one of"):
            Faults.parse([wrong])
