"""Who has paid for a place: claims of an EVSE by payment attempts. Pure functions.

Opening a pay page blocks nobody: only an authorised hold claims the EVSE. The first one gets it; whoever comes second hears
that at once, and his hold is released. A claim ends with the session of its token, by its attempt, or by time. A session of
another token is recorded all the same, since it is a physical fact, and then the claim is lost.

Claims of which nothing came are remembered by card, as facts, so that a restart forgives none: a card that has kept the place in
vain too often is refused before it claims it again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.evse import facts as f
from actors.evse import messages as m
from actors.evse.rows import Here, evse_rows
from actors.evse.state import Claim, EvseState, apply
from actors.evse.statuses import UNDER_WAY, UNKNOWN, evse_status
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, Decision, Letter, Timer
from actors.model.ids import payment_address
from actors.payment.messages import ClaimEvse, EvseClaimed, EvseRefused, ReleaseEvse

CLAIM = "claim"
"""Name of the timer that ends a claim."""
_UNFIT = {"Faulted": "faulted", "Unavailable": "unavailable", "Reserved": "reserved", UNKNOWN: "unknown"}
"""Status of the whole EVSE -> why nobody may pay for it."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """What a session that begins does to a claim."""

    facts: Sequence[Any] = ()
    letters: Sequence[Letter] = ()
    timers: Sequence[Timer] = ()


def decide_claim(here: Here, state: EvseState, asked: ClaimEvse, now: datetime, limits: DomainLimits) -> Decision:
    """Reply by letter: EvseClaimed or EvseRefused. The same attempt again is answered as before, with its new time."""
    to = payment_address(here.tenant, asked.attempt)
    reason = refusal(state, asked, now) or _too_often(state, asked, now, limits)
    if reason is not None:
        return Decision(letters=(Letter(to, EvseRefused(reason, now)),))
    answer = (Letter(to, EvseClaimed(now)),)
    if state.claim == Claim(asked.attempt, asked.token_ref, asked.until, asked.card):
        return Decision(letters=answer)
    facts: list[Any] = []
    if state.claim is not None and state.claim.attempt != asked.attempt:
        facts.append(f.Unclaimed(state.claim.attempt, "expired", now))
    facts.append(f.Claimed(asked.attempt, asked.token_ref, asked.until, now, asked.card))
    timer = Timer(CLAIM, asked.until, m.ClaimOver(asked.attempt))
    return Decision(facts=facts, rows=evse_rows(here, _after(state, facts), now), letters=answer, timers=(timer,))


def refusal(state: EvseState, asked: ClaimEvse, now: datetime) -> str | None:
    """Why the place cannot be had, None: it can. A session that sits here without a token is the plug of who pays; the
    statuses of a station that holds a place for any EVSE (2.x) say Reserved when the last one is meant."""
    if not state.present:
        return "unknown"
    if asked.until <= now:
        return "unavailable"
    claim = state.claim
    if claim is not None and claim.attempt != asked.attempt and claim.until > now:
        return "claimed"
    if state.session is not None and state.token_ref != asked.token_ref and state.token_ref is not None:
        return "occupied"
    if state.session is None and any(connector.detail in UNDER_WAY for connector in state.connectors):
        return "occupied"
    foreign = [known for known in state.reservations if known.until > now and known.token_ref != asked.token_ref]
    own = any(known.token_ref == asked.token_ref for known in state.reservations)
    if foreign:
        return "reserved"
    status, _ = evse_status([(known.status, known.detail) for known in state.connectors])
    return None if own and status == "Reserved" else _UNFIT.get(status)


def _too_often(state: EvseState, asked: ClaimEvse, now: datetime, limits: DomainLimits) -> str | None:
    """One good card shall not keep a place from everybody by claiming it again and again without charging. The attempt that has
    the place already keeps it."""
    if not asked.card or (state.claim is not None and state.claim.attempt == asked.attempt):
        return None
    idle = sum(one.card == asked.card and one.at > now - limits.claims_window for one in state.idle)
    return "too_often" if idle >= limits.claims_of_card else None


def decide_release(here: Here, state: EvseState, released: ReleaseEvse, now: datetime, limits: DomainLimits) -> Decision:
    return _end(here, state, released.attempt, "released", now)


def decide_over(here: Here, state: EvseState, over: m.ClaimOver, now: datetime, limits: DomainLimits) -> Decision:
    if state.claim is None or state.claim.until > now:
        return NOTHING
    return _end(here, state, over.attempt, "expired", now)


def _end(here: Here, state: EvseState, attempt: str, how: str, now: datetime) -> Decision:
    if state.claim is None or state.claim.attempt != attempt:
        return NOTHING
    fact = f.Unclaimed(attempt, how, now)
    return Decision(facts=(fact,), rows=evse_rows(here, apply(state, fact), now), timers=(Timer(CLAIM, None),))


def begun(here: Here, state: EvseState, token_ref: str | None, now: datetime) -> Ended:
    """A session began: with the claim's token it is what the place was kept for, with another one the claim is lost. One
    without a token may still get the right one."""
    claim = state.claim
    if claim is None or token_ref is None:
        return Ended()
    if claim.token_ref == token_ref:
        return Ended((f.Unclaimed(claim.attempt, "used", now),), (), (Timer(CLAIM, None),))
    told = Letter(payment_address(here.tenant, claim.attempt), EvseRefused("occupied", now))
    return Ended((f.Unclaimed(claim.attempt, "lost", now),), (told,), (Timer(CLAIM, None),))


def decide_authorised(here: Here, state: EvseState, told: m.SessionAuthorised, now: datetime, limits: DomainLimits) -> Decision:
    """The session that sits here has a token now."""
    if state.session != told.session or state.token_ref == told.token_ref:
        return NOTHING
    claimed = begun(here, state, told.token_ref, now)
    facts = (f.Authorised(told.session, told.token_ref, told.at), *claimed.facts)
    rows = evse_rows(here, _after(state, facts), now) if claimed.facts else ()
    return Decision(facts=facts, rows=rows, letters=claimed.letters, timers=claimed.timers)


def decide_reserved(here: Here, state: EvseState, told: m.EvseReserved, now: datetime, limits: DomainLimits) -> Decision:
    return Decision(facts=(f.Reserved(told.id, told.token_ref, told.until, told.group_ref),))


def decide_unreserved(here: Here, state: EvseState, told: m.EvseUnreserved, now: datetime, limits: DomainLimits) -> Decision:
    known = any(reservation.id == told.id for reservation in state.reservations)
    return Decision(facts=(f.Unreserved(told.id),)) if known else NOTHING


def _after(state: EvseState, facts: Sequence[Any]) -> EvseState:
    for fact in facts:
        state = apply(state, fact)
    return state
