"""The end of a session: ended, rated and booked in one turn, or kept for an operator.

The order of the questions is the promise. Is it a retry? Then the same answer, and nothing changes. Does anything
forbid a bill? Then quarantine. Only what is left is priced, and the CDR and its journal are part of the very turn that
ends the session: there is no moment in which a session is ended but not yet billed.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.evse.messages import SessionClosed
from actors.limits import DomainLimits
from actors.model.decision import MAIN, Decision, Letter, Timer
from actors.model.ids import evse_address, session_address
from actors.model.token import TokenVerdict
from actors.session import facts as f
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.booking import NotBillable, Settlement, energy_of, findings, settle
from actors.session.rows import event, has_evse, place_of, session_row
from actors.session.state import SessionState, StopTold
from actors.station.messages import StopReply

BLOCKING_FLAGS = frozenset({"repeated_after_stop", "unknown_evse"})
"""Flags that a session may gather on its way and that nobody but an operator may bill over."""
TOO_LATE = "the payment was over before it began: nobody is charged"


def decide_stop(session: str, state: SessionState, stop: m.Stop, now: datetime, limits: DomainLimits) -> Decision:
    told = state.stop
    if told is not None or state.phase in ("booked", "waived") or state.book is not None:
        # A session of 2.x is ended by its own events: a number of 1.6 that hits it is mangled, or its station changed versions.
        return _stopped_again(session, state, told, stop, now)
    facts: list[Any] = []
    metered = state
    if stop.readings:
        facts.append(f.Metered(stop.readings, "transaction-data", stop.received))
        metered = apply(state, facts[0])
    end = _end(metered, stop, now)
    after = metered
    for fact in end:
        after = apply(after, fact)
    return close(session, state, after, [*facts, *end], now, lambda _: StopReply(stop.verdict))


def _end(state: SessionState, stop: m.Stop, now: datetime) -> list[Any]:
    """Ended, and why it is not billed if it is not."""
    flags = stop.flags
    if stop.token is not None and stop.verdict is not None and not _may_stop(state, stop.token.ref, stop.verdict):
        flags = (*flags, "stopped_by_other_token")
    energy = energy_of(state, stop.meter_stop_wh)
    if state.meter_start_wh is None or state.phase == "quarantined":
        return [_ended(stop, energy, flags)]
    if nobody_pays(state):
        return [_ended(stop, energy, flags), f.Waived(TOO_LATE, now)]
    anomalies, noted = findings(state, stop.meter_stop_wh, stop.at, stop.received)
    ended = _ended(stop, energy, (*flags, *noted))
    anomalies += [flag for flag in (*state.flags, *flags) if flag in BLOCKING_FLAGS and flag not in anomalies]
    verdict = state.verdict
    if verdict is not None and not verdict.accepted:
        if not energy and not anomalies:
            return [ended, f.Waived("nothing was delivered to a token that was not accepted", now)]
        if not verdict.liable:
            anomalies.append("token_not_accepted")
    if anomalies:
        return [ended, f.Quarantined(tuple(anomalies), now)]
    return [ended]


def nobody_pays(state: SessionState) -> bool:
    """A card's or wallet's token that is not good any more: what it began is stopped, and nobody is charged or asked."""
    verdict = state.verdict
    return verdict is not None and bool(verdict.paid_by) and not verdict.liable


def _ended(stop: m.Stop, energy: int | None, flags: tuple[str, ...]) -> f.Ended:
    return f.Ended(stop.meter_stop_wh, stop.at, stop.received, stop.reason, energy, stop.token, stop.verdict, flags)


def _may_stop(state: SessionState, ref: str, verdict: TokenVerdict) -> bool:
    """The same token, or one of the same group, ends a session (PROTOCOLS 2.5). Another one is only flagged: that
    the station ended the session is a fact."""
    started = state.verdict
    if state.token is None or state.token.ref == ref:
        return True
    return started is not None and started.group_ref is not None and started.group_ref == verdict.group_ref


def close(
    session: str, before: SessionState, after: SessionState, facts: list[Any], now: datetime, reply: Callable[[SessionState], Any]
) -> Decision:
    """The whole turn of a session that leaves its open phases: if `after` is plainly ended it is priced here. `reply` makes
    the answer of what came out."""
    rows: list[Any] = []
    lane = MAIN
    letters: list[Letter] = []
    if after.phase == "ended":
        after, settlement = _settle(session, after, facts, now)
        rows += settlement.rows
        letters += settlement.letters
        lane = settlement.lane
    place = place_of(after)
    kind = "session.quarantined" if after.phase == "quarantined" else "session.ended"
    rows += [session_row(session, after, now), event(session, after, kind, now)]
    if before.open and has_evse(place):
        closed = SessionClosed(session, after.ended_at or now)
        letters.append(Letter(evse_address(place.tenant, place.station, place.evse), closed))
    timers = (Timer("overdue", None),) if before.open else ()
    return Decision(facts=facts, rows=rows, letters=letters, timers=timers, reply=reply(after), lane=lane)


def _settle(session: str, state: SessionState, facts: list[Any], now: datetime) -> tuple[SessionState, Settlement]:
    """Adds the facts of pricing; a tariff or a usage that cannot be rated waits for an operator."""
    try:
        settlement = settle(session, state, now)
    except NotBillable as reason:
        settlement = Settlement((f.Quarantined((f"not_billable: {reason}",), now),))
    facts += settlement.facts
    for fact in settlement.facts:
        state = apply(state, fact)
    return state, settlement


def _stopped_again(session: str, state: SessionState, told: StopTold | None, stop: m.Stop, now: datetime) -> Decision:
    """The same stop again changes nothing (quirk 13); another content is kept and flagged, never billed again."""
    reply = StopReply(stop.verdict)
    same = StopTold(stop.meter_stop_wh, stop.at, stop.reason)
    if told is not None and _content(told) == same:
        return Decision(reply=reply)
    if any(_content(known) == same for known in state.contradictions):
        return Decision(reply=reply)
    fact = f.StopContradicted(stop.meter_stop_wh, stop.at, stop.received, stop.reason, stop.token)
    after = apply(state, fact)
    rows = (session_row(session, after, now), event(session, after, "session.flagged", now))
    return Decision(facts=(fact,), rows=rows, reply=reply)


def _content(told: StopTold) -> StopTold:
    return replace(told, token=None, verdict=None) if told.token is not None or told.verdict is not None else told


def decide_stray(session: str, state: SessionState, stray: m.StrayStop, now: datetime, limits: DomainLimits) -> Decision:
    """A stop of no known session is kept where an operator can resolve it, and answered neutrally (quirk 19)."""
    stop = stray.stop
    if state.phase != "new":
        return Decision(reply=StopReply(stop.verdict))
    facts: list[Any] = [
        f.StrayStopped(stray.place, stray.number, stop.meter_stop_wh, stop.at, stop.received, stop.reason, stop.token, stop.flags)
    ]
    after = apply(state, facts[0])
    if stop.readings:
        facts.append(f.Metered(stop.readings, "transaction-data", stop.received))
        after = apply(after, facts[1])
    rows = (session_row(session, after, now), event(session, after, "session.quarantined", now))
    return Decision(facts=facts, rows=rows, reply=StopReply(stop.verdict))


def decide_claim(session: str, state: SessionState, claim: m.ClaimStop, now: datetime, limits: DomainLimits) -> Decision:
    """One step of the search for the session of a stop without a number (see ClaimStop)."""
    stop = claim.stray.stop
    tenant = claim.stray.place.tenant
    if claim.decided:
        if not state.open:
            return _forward(tenant, claim.desk, claim.stray)
        return _claimed(session, state, claim, now, limits)
    if session == claim.desk:
        if state.phase != "new" or not claim.ahead:
            return decide_stray(session, state, claim.stray, now, limits)
        return _forward(tenant, claim.ahead[0], claim)
    claims = (*claim.claims, session) if _could_be_mine(state, stop) else claim.claims
    ahead = claim.ahead[1:]
    if ahead:
        return _forward(tenant, ahead[0], replace(claim, claims=claims, ahead=ahead))
    if len(claims) != 1:
        return _forward(tenant, claim.desk, claim.stray)
    decided = replace(claim, claims=claims, ahead=(), decided=True)
    if claims[0] == session:
        return _claimed(session, state, decided, now, limits)
    return _forward(tenant, claims[0], decided)


def _claimed(session: str, state: SessionState, claim: m.ClaimStop, now: datetime, limits: DomainLimits) -> Decision:
    """End this session, and tell the desk in the same commit, so that a retry finds the answer there."""
    stop = claim.stray.stop
    stop = replace(stop, flags=(*stop.flags, "number_lost"))
    decision = decide_stop(session, state, stop, now, limits)
    letter = Letter(session_address(claim.stray.place.tenant, claim.desk), m.StopClaimed(session, now))
    return replace(decision, letters=(*decision.letters, letter))


def _forward(tenant: str, session: str, message: Any) -> Decision:
    return Decision(forward=(session_address(tenant, session), message))


def _could_be_mine(state: SessionState, stop: m.Stop) -> bool:
    """Open, the same token (or one of its group), a register not below the start, a time not before it."""
    if not state.open or state.meter_start_wh is None or state.started_at is None or state.token is None:
        return False
    if stop.meter_stop_wh < state.meter_start_wh or stop.at < state.started_at:
        return False
    if stop.token is None:
        return True
    if stop.token.ref == state.token.ref:
        return True
    return stop.verdict is not None and _may_stop(state, stop.token.ref, stop.verdict)
