"""From the hold to the order to start: the gate, and the claim of the EVSE. Pure functions.

Nothing starts but from `proof_ok`, and `prove` is the only way there (MONEY 1.3).
"""

from actors.model import psp
from actors.model.intents import CommandFailure
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.capturing import pay_top_up, taken
from actors.payment.phases import LETTING_GO, PAGE_OPEN
from actors.payment.releasing import cancel, gone, let_go, release, vacate
from actors.payment.rows import hold_of
from actors.payment.sca import judge, judge_mandate
from actors.payment.turn import GUARD, LOOK, START, Turn
from actors.station.letters import OrderEnded

_UNCERTAIN = ("timeout", "unknown")
"""Failures after which the station may have got the order all the same; NotSent says that it has not."""


def see_intent(turn: Turn, seen: psp.IntentSeen) -> None:
    """What the provider has now; a state goes only forward on it."""
    state = turn.state
    if state.intent not in (None, seen.intent) or state.opened is None:
        return
    match seen.status:
        case "requires_capture":
            _held(turn, seen)
        case "succeeded":
            taken(turn, seen)
        case "canceled":
            gone(turn)
        case "requires_action" | "requires_payment_method":
            if state.phase == "quoted" and state.top_up is not None and state.top_up.automatic:
                turn.put(f.Releasing(seen.error or "authentication_required", turn.now))
                cancel(turn, seen.intent)


def _held(turn: Turn, seen: psp.IntentSeen) -> None:
    state = turn.state
    if state.phase in PAGE_OPEN:
        _authorise(turn, seen)
    elif state.phase == "authorised" and seen.proof is not None:
        prove(turn, seen.proof)
    elif state.intent is None and (state.phase in LETTING_GO or state.phase in ("expired", "released")):
        turn.put(_authorised(turn, seen))
        if state.phase not in LETTING_GO:
            turn.put(f.Releasing("late_hold", turn.now))
        let_go(turn)


def _authorised(turn: Turn, seen: psp.IntentSeen) -> f.Authorised:
    return f.Authorised(
        seen.intent, seen.capturable_minor, turn.now, seen.charge, seen.capture_before, seen.customer, seen.payment_method,
        seen.card,
    )  # fmt: skip


def _authorise(turn: Turn, seen: psp.IntentSeen) -> None:
    """The hold is there: the EVSE is claimed and the proof looked at in this very turn."""
    turn.put(_authorised(turn, seen))
    if seen.currency != turn.currency or seen.capturable_minor < hold_of(turn.state):
        turn.tell("mismatch", held_minor=seen.capturable_minor, held_currency=seen.currency)
        release(turn, "hold_differs")
        return
    turn.timer(GUARD, turn.guard_at, m.GuardDue())
    turn.timer(START, turn.now + turn.limits.payment_claim, m.StartDue())
    turn.timer(LOOK, None)
    top_up = turn.state.top_up
    if (top_up is not None and top_up.automatic) or seen.proof is not None:
        prove(turn, seen.proof)
    else:
        turn.look_later(0)
    if turn.state.phase in ("authorised", "proof_ok") and turn.state.quote is not None:
        _claim(turn)


def prove(turn: Turn, proof: psp.CardProof | None) -> None:
    """The gate. `proof` None: only under a mandate."""
    top_up = turn.state.top_up
    if top_up is not None and top_up.automatic:
        verdict = judge_mandate(top_up.mandate)
    else:
        assert proof is not None, "what was paid in person is judged by its proof"
        verdict = judge(proof, turn.policy, turn.state.held_minor)
    if not verdict.accepted:
        turn.put(f.ProofRefused(proof, verdict.rule, verdict.detail, turn.now))
        vacate(turn)
        let_go(turn)
        return
    turn.put(f.Proven(proof, verdict.rule, verdict.detail, turn.now))
    turn.timer(LOOK, None)
    if top_up is not None:
        pay_top_up(turn, top_up)
    elif turn.state.evse_held:
        _start(turn)


def _claim(turn: Turn) -> None:
    token, sealed = turn.minter.mint()
    until = turn.now + turn.limits.payment_claim + turn.limits.payment_start
    turn.put(f.EvseAsked(token, sealed, until, turn.now))
    turn.to_evse(m.ClaimEvse(turn.attempt, token.ref, until, turn.state.card or ""))


def evse_claimed(turn: Turn) -> None:
    if turn.state.phase not in ("authorised", "proof_ok") or turn.state.evse_held:
        return
    turn.put(f.EvseHeld(turn.now))
    if turn.state.phase == "proof_ok":
        _start(turn)


def evse_refused(turn: Turn, message: m.EvseRefused) -> None:
    """Somebody else has it, or had it first; also after it was ours, when a session of another token began."""
    if turn.state.phase in ("authorised", "proof_ok", "starting"):
        release(turn, f"evse_{message.reason}")


def _start(turn: Turn) -> None:
    state, quote = turn.state, turn.state.quote
    assert quote is not None, "a top-up starts nothing"
    assert state.sealed is not None, "the EVSE was claimed with a token"
    name, deadline = f"{turn.attempt}:start", turn.now + turn.limits.payment_start
    order = turn.minter.start(name, state.sealed, quote.evse, deadline)
    sealed = state.sealed
    turn.put(f.Ordered(name, deadline, turn.now))
    turn.rows.append(sealed)
    turn.token("Accepted")
    turn.to_station(order)
    turn.timer(START, deadline + turn.limits.payment_start_grace, m.StartDue())


def order_ended(turn: Turn, message: OrderEnded) -> None:
    """What became of an order to start or to stop. Whether it starts, the session says."""
    outcome, state = message.outcome, turn.state
    failure = outcome if isinstance(outcome, CommandFailure) else None
    refused = failure is None and getattr(outcome, "status", "") not in ("Accepted", "Scheduled", "")
    if message.id == state.order:
        sure = failure is not None and (failure.reason not in _UNCERTAIN or failure.code == "NotSent")
        if state.phase == "starting" and (refused or sure):
            release(turn, "start_rejected" if failure is None else f"start_{failure.reason}")
    elif refused or failure is not None:
        turn.tell("stop_failed", order=message.id, why=failure.reason if failure is not None else "rejected")


def start_due(turn: Turn) -> None:
    match turn.state.phase:
        case "authorised":
            release(turn, "no_proof")
        case "proof_ok":
            release(turn, "evse_silent")
        case "starting":
            release(turn, "start_timeout")
