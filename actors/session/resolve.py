"""An operator's way out: a session in quarantine, without a tariff, or whose stop never came is billed, corrected or
waived, with a reason that is kept. What was recorded stays in the facts; what is corrected stands beside it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.evse.messages import SessionClosed
from actors.limits import DomainLimits
from actors.model.decision import Decision, Letter, Refused, Timer
from actors.model.ids import evse_address
from actors.model.limits import CLOCK_STEP
from actors.session import facts as f
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.booking import NotBillable, Settlement, settle
from actors.session.phases import SETTLED, allows
from actors.session.rows import event, has_evse, place_of, session_row
from actors.session.state import SessionState
from actors.station.messages import Done

ABANDONED = frozenset({"overdue", "superseded"})
"""An open session with one of these flags may be closed by an operator; any other waits for its stop."""


def decide_resolve(session: str, state: SessionState, message: m.Resolve, now: datetime, limits: DomainLimits) -> Decision:
    refused = _refusal(state, message, now)
    if refused is not None:
        return Decision(reply=refused)
    resolved = f.Resolved(
        message.action, message.reason, message.who, now,
        message.energy_wh, message.started_at, message.ended_at, message.tariff,
    )  # fmt: skip
    after = apply(state, resolved)
    facts: list[Any] = [resolved]
    rows: list[Any] = []
    settlement = Settlement(())
    if message.action == "waive":
        facts.append(f.Waived(message.reason, now))
    else:
        if after.energy_wh is None or after.started_at is None or after.ended_at is None:
            return Decision(reply=_incomplete(after))
        try:
            settlement = settle(session, after, now)
        except NotBillable as reason:
            return Decision(reply=Refused("not_billable", str(reason)))
        facts += settlement.facts
        rows += settlement.rows
    for fact in facts[1:]:
        after = apply(after, fact)
    rows += [session_row(session, after, now), event(session, after, "session.resolved", now)]
    decision = _closing(session, state, after, facts, rows, now)
    return replace(decision, letters=(*decision.letters, *settlement.letters), lane=settlement.lane)


def _closing(
    session: str, before: SessionState, after: SessionState, facts: list[Any], rows: list[Any], now: datetime
) -> Decision:
    if not before.open:
        return Decision(facts=facts, rows=rows, reply=Done())
    place = place_of(after)
    letters: Sequence[Letter] = ()
    if has_evse(place):
        closed = SessionClosed(session, after.ended_at or now)
        letters = (Letter(evse_address(place.tenant, place.station, place.evse), closed),)
    return Decision(
        facts=facts,
        rows=rows,
        letters=letters,
        timers=(Timer("overdue", None),) if before.book is None else (Timer("overdue", None), Timer("gap", None)),
        reply=Done(),
    )


def _refusal(state: SessionState, message: m.Resolve, now: datetime) -> Refused | None:
    if state.place is None or state.phase == "matched":
        return Refused("unknown", "there is no such session")
    if state.phase in SETTLED:
        return Refused("settled", f"the session is already {state.phase}")
    if not message.reason.strip():
        return Refused("invalid", "a reason is needed", "reason")
    if not allows(state.phase, "waived" if message.action == "waive" else "rated"):
        return Refused("active", f"a session that is {state.phase} cannot be resolved")
    if state.open and (message.action == "bill" or not ABANDONED.intersection(state.flags)):
        return Refused("active", "the session is still open: it can be corrected or waived once it is overdue or superseded")
    if message.action == "waive":
        return None
    if message.action == "correct":
        refused = _wrong_correction(state, message, now)
        if refused is not None:
            return refused
    free = state.verdict is not None and state.verdict.payment == "free"
    if message.tariff is None and state.tariff is None and not free:
        return Refused("no_tariff", "name the tariff to bill by", "tariff")
    return None


def _wrong_correction(state: SessionState, message: m.Resolve, now: datetime) -> Refused | None:
    if message.energy_wh is None and message.started_at is None and message.ended_at is None:
        return Refused("invalid", "say what is corrected: energy_wh, started_at or ended_at", "energy_wh")
    if message.energy_wh is not None and message.energy_wh < 0:
        return Refused("invalid", "energy cannot be negative", "energy_wh")
    started, ended = message.started_at or state.started_at, message.ended_at or state.ended_at
    if started is not None and ended is not None and started - ended > CLOCK_STEP:
        return Refused("invalid", "the session would end before it started", "ended_at")
    if ended is not None and message.ended_at is not None and ended > now:
        return Refused("invalid", "the end lies in the future", "ended_at")
    return None


def _incomplete(state: SessionState) -> Refused:
    for value, field in (
        (state.energy_wh, "energy_wh"),
        (state.started_at, "started_at"),
        (state.ended_at, "ended_at"),
    ):
        if value is None:
            return Refused("incomplete", f'{field} was never recorded: use "correct" and give it', field)
    raise AssertionError("complete sessions are not incomplete")
