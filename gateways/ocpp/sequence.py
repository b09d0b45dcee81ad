"""A command that takes several CALLs: what follows on an answer, and what all answers together say.

SetVariables is one ChangeConfiguration for each variable below 2.x, installed certificates are asked for type by type, and all
keys of 1.6 in several GetVariables (PROTOCOLS 5.2). They go out in order, as one command with one outcome; its time limit is
that of all together.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.model.device import is_secret, variable_for_key
from actors.model.intents import NO_ANSWER, CommandFailure, CommandResult, ReportedVariable
from actors.station.messages import WireCall

Outcome = CommandResult | CommandFailure

_THERE = frozenset({"Accepted", "Rejected"})
_NOT_DONE = {"timeout": NO_ANSWER, "unknown": NO_ANSWER, "offline": "NotSent"}


class Progress(msgspec.Struct):
    """How far a command is. `outcomes` are those of its first CALLs, in order."""

    whole: WireCall
    outcomes: list[Outcome] = []

    def after(self, outcome: Outcome) -> WireCall | None:
        """What is to be sent next. A CALLERROR concerns one CALL; silence and a closed line concern all that follow."""
        self.outcomes.append(outcome)
        done = len(self.outcomes)
        goes_on = isinstance(outcome, CommandResult) or outcome.reason == "error"
        return self.whole.more[done - 1] if goes_on and done <= len(self.whole.more) else None

    def outcome(self, failure: CommandFailure | None = None) -> Outcome:
        """Of the whole. `failure`: why nothing more will be sent."""
        if failure is not None and not self.outcomes:
            return failure
        return combined((self.whole, *self.whole.more), self.outcomes)


def combined(wires: Sequence[WireCall], outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome of the outcomes so far. Where nothing was answered at all, the first failure."""
    if len(wires) == 1:
        return outcomes[0]
    results = [outcome for outcome in outcomes if isinstance(outcome, CommandResult)]
    if not results:
        return outcomes[0]
    if any(wire.action == "ChangeConfiguration" for wire in wires):
        last = outcomes[-1]
        missing: Any = last if isinstance(last, CommandFailure) else CommandFailure("offline")
        padded = [*outcomes, *(missing for _ in wires[len(outcomes) :])]
        unsent = [n >= len(outcomes) for n in range(len(wires))]
        changed = zip(wires, padded, unsent, strict=True)
        return CommandResult("", variables=tuple(_changed(wire, outcome, not_sent) for wire, outcome, not_sent in changed))
    if any(wire.action == "GetVariables" for wire in wires):
        # Nobody asked for these by name: what the station does not know is nothing it left out.
        told = (variable for result in results for variable in result.variables)
        return CommandResult("", variables=tuple(variable for variable in told if variable.status in _THERE))
    found = [certificate for result in results for certificate in result.data.get("certificates", ())]
    status = "Accepted" if found else results[0].status
    return CommandResult(status, results[0].data | {"certificates": found})


def _changed(wire: WireCall, outcome: Outcome, not_sent: bool) -> ReportedVariable:
    asked = msgspec.json.decode(wire.payload)
    ref = variable_for_key(str(asked.get("key")))
    if isinstance(outcome, CommandFailure):
        reason = "NotSent" if not_sent else _NOT_DONE.get(outcome.reason, outcome.code[:20] or "InternalError")
        return ReportedVariable(ref, status="Rejected", reason=reason)
    value = asked.get("value") if outcome.status == "Accepted" and not is_secret(ref) else None
    return ReportedVariable(ref, value, status=outcome.status)
