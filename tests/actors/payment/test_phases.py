"""The tables of a payment's life: every row, whatever is not a row, and the drawing beside them."""

from pathlib import Path
from typing import get_args

import pytest

from actors.model.transitions import IllegalTransition
from actors.payment import phases
from actors.payment.phases import (
    DISPUTES,
    FINAL,
    LETTING_GO,
    REFUNDS,
    TABLE,
    TAKEN,
    DisputeStatus,
    Event,
    Phase,
    RefundStatus,
    after,
    allows,
    dispute_after,
    public_state,
    refund_after,
)

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


def test_every_phase_can_come_to_an_end() -> None:
    ending = set(FINAL)
    for _ in get_args(Phase):
        ending |= {phase for phase, _, to in TABLE if to in ending}
    assert ending == set(get_args(Phase))


def test_no_start_but_from_a_proof_and_no_charging_but_from_a_start() -> None:
    assert [row[0] for row in TABLE if row[2] == "starting"] == ["proof_ok"]
    assert [row[0] for row in TABLE if row[2] == "charging"] == ["starting"]
    assert [row[0] for row in TABLE if row[2] == "proof_ok"] == ["authorised"]


def test_money_once_taken_is_never_untaken_by_the_table() -> None:
    """It is refunded, which is another table."""
    assert {(phase, to) for phase, _, to in TABLE if phase in TAKEN} == {("captured", "settled")}
    assert {(row[0], row[2]) for row in TABLE if row[0] in FINAL and row[2] not in LETTING_GO} == {("lost", "captured")}


def test_what_is_let_go_is_never_captured() -> None:
    assert {row[2] for row in TABLE if row[0] in LETTING_GO} == {"released", "lost", "captured"}
    # By us, that is: somebody else may take it in the provider's dashboard.
    assert "capturing" not in {row[1] for row in TABLE if row[0] in LETTING_GO}


def test_every_phase_with_a_hold_can_let_it_go_or_lose_it() -> None:
    for phase in ("authorised", "proof_ok", "starting", "charging", "capture_failed"):
        assert {row[2] for row in TABLE if row[0] == phase} & (LETTING_GO | {"lost"}), phase


@pytest.mark.parametrize(("status", "event", "to"), REFUNDS)
def test_every_row_of_a_refund(status: str, event: str, to: str) -> None:
    assert refund_after(status, event) == to


@pytest.mark.parametrize(("status", "event", "to"), DISPUTES)
def test_every_row_of_a_dispute(status: str, event: str, to: str) -> None:
    assert dispute_after(status, event) == to


def test_nothing_else_moves_a_refund_or_a_dispute() -> None:
    known = {(status, event) for status, event, _ in REFUNDS}
    for status in get_args(RefundStatus):
        for event in ("asked", "pending", "succeeded", "failed"):
            assert (refund_after(status, event) is None) == ((status, event) not in known)
    disputed = {(status, event) for status, event, _ in DISPUTES}
    for status in get_args(DisputeStatus):
        for event in ("warned", "opened", "won", "lost", "closed"):
            assert (dispute_after(status, event) is None) == ((status, event) not in disputed)


def test_the_row_says_what_became_of_money_that_was_taken() -> None:
    assert public_state("charging", 0, 0, None) == "charging"
    assert public_state("captured", 1234, 0, None) == "captured"
    assert public_state("settled", 1234, 500, None) == "refunded_partial"
    assert public_state("settled", 1234, 1234, None) == "refunded"
    assert public_state("settled", 1234, 0, "open") == "disputed"
    assert public_state("captured", 1234, 500, "lost") == "dispute_lost"
    assert public_state("settled", 1234, 500, "won") == "refunded_partial"


def test_the_drawing_is_current() -> None:
    drawn = Path(phases.__file__).with_name("phases.mmd").read_text()
    assert drawn == phases.diagram(), "write phases.diagram() to actors/payment/phases.mmd"
