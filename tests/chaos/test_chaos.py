"""A short run of the kills, and proof that the verifier sees what it is there to see."""

from pathlib import Path

import pytest

from tests.chaos.every_await import STATIONS, run_every_await
from tests.chaos.every_capture import PHASES, run_some
from tests.chaos.storm import run_storm
from tests.chaos.storm_money import run_money_storm

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
SEED = 20261


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)  # the embedded server may run under another uid and passes through
    return tmp_path


def test_nothing_acknowledged_is_lost_doubled_or_invented_when_node_and_database_are_killed(home: Path) -> None:
    print(f"seed {SEED}")
    result = run_storm(home, kills=4, seed=SEED, stations=6)
    assert result.verdict.problems == []
    assert result.delivered
    assert result.audit == (0, "")
    assert result.exit_code == 0
    assert result.verdict.counts["stops"] > 0


@pytest.mark.parametrize("protocol", STATIONS)
def test_a_node_killed_at_the_first_steps_of_a_start_and_a_stop_loses_nothing(home: Path, protocol: str) -> None:
    result = run_every_await(home, protocol, most=2)
    assert result.problems == []
    assert result.kills >= 8
    assert result.counts["sessions"] == result.counts["cdrs"] == result.counts["journals"]


def test_a_node_killed_while_it_holds_captures_refunds_and_transfers_does_each_once(home: Path) -> None:
    result = run_some(home, [("after 1", ""), ("step 28", "drop_after")])
    assert result.problems == []
    assert {name.partition(",")[0] for name in result.kills} == set(PHASES)
    assert result.total >= 10
    assert result.counts["captures"] == 1 + 2  # the top-up, too
    assert (result.counts["refunds"], result.counts["transfers"], result.counts["reversals"]) == (4, 2, 2)


def test_drivers_who_pay_while_node_and_database_are_killed_pay_what_is_in_the_books(home: Path) -> None:
    print(f"seed {SEED}")
    result = run_money_storm(home, kills=4, seed=SEED, drivers=3, say=False)
    assert result.problems == []
    assert result.counts["captures"] > 1  # the top-up is one
