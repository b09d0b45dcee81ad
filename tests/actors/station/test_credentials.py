"""A new password among several settings: settled by its own answer, and by nothing where nobody heard one."""

from datetime import UTC, datetime

import pytest

from actors.model import intents as i
from actors.station import credentials
from actors.station import facts as f
from actors.station.state import StationState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STATE = StationState(next_secret=b"hash", next_secret_by="c1")
PASSWORD = i.VariableRef("SecurityCtrlr", "BasicAuthPassword")
OTHER = i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval")
BOTH = i.SetVariables((i.SetVariable(OTHER, "60"), i.SetVariable(PASSWORD, "correct-horse-battery")))


@pytest.mark.parametrize(
    ("status", "reason", "settled"),
    [
        ("Accepted", None, [f.SecretChanged]),
        ("RebootRequired", None, []),
        ("Rejected", None, [f.SecretDropped]),
        ("Rejected", "NotSent", [f.SecretDropped]),
        ("Rejected", i.NO_ANSWER, []),
    ],
)
def test_the_passwords_own_answer_counts(status: str, reason: str | None, settled: list[type]) -> None:
    told = (i.ReportedVariable(OTHER, status="Accepted"), i.ReportedVariable(PASSWORD, status=status, reason=reason))
    facts = credentials.ended(STATE, "c1", BOTH, i.CommandResult("", variables=told), NOW)
    assert [type(fact) for fact in facts] == settled
