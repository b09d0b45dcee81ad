"""The session of an attempt: it began, it was told to stop, it ended, its hold is about to end. Pure functions.

Letters may overtake each other, so the end of a session may be heard of before its beginning. A session that this attempt does
not pay (it began too late, it is a second one) is stopped once, and nobody is charged for it; one whose token was not good any
more stops itself (actors/session/payer.py).
"""

from actors.model.decision import Decision, Refused
from actors.payment import capturing
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.capturing import let_off, pay
from actors.payment.phases import CAPTURING, FINAL, TAKEN
from actors.payment.releasing import lose, release
from actors.payment.returning import correct
from actors.payment.turn import GUARD, START, Turn
from actors.station.messages import Done

_FOR_OPERATORS = ("quarantined", "unpriced")


def session_began(turn: Turn, message: m.SessionBegan) -> None:
    state = turn.state
    if state.opened is None or state.session == message.session or message.session in state.stray:
        return
    if state.phase == "starting" and message.accepted:
        turn.put(f.Began(message.session, message.transaction_id, message.at))
        turn.timer(START, None)
        return
    if len(state.stray) < turn.limits.payment_strays:
        turn.put(f.Strayed(message.session, message.transaction_id, turn.now))
    turn.tell("late_start", session=message.session, transaction=message.transaction_id)
    if message.accepted:
        turn.stop_session(message.transaction_id, "payment")
    if turn.state.phase == "starting":
        release(turn, "start_not_accepted")


def decide_stop(turn: Turn, message: m.StopCharging) -> Decision:
    state = turn.state
    if state.phase != "charging" or not turn.stop_session(state.transaction_id, message.who):
        return turn.decision(Refused("not_charging", f"there is nothing to stop, the payment is {state.phase}"))
    return turn.decision(Done())


def session_ended(turn: Turn, message: m.SessionEnded) -> None:
    state = turn.state
    if state.opened is None:
        return
    if state.phase == "starting" and message.session not in state.stray:
        turn.put(f.Began(message.session, "", message.at))
        turn.timer(START, None)
    elif state.session != message.session:
        _unpaid(turn, message)
        return
    told = turn.state.told
    if told is not None and told.n >= message.n:
        return
    turn.put(f.SessionTold(message, turn.now))
    phase = turn.state.phase
    if phase == "charging":
        _settle(turn, message)
    elif phase in TAKEN:
        correct(turn)
        _dearer(turn, message)
    elif phase not in CAPTURING:
        _unpaid(turn, message)


def _settle(turn: Turn, message: m.SessionEnded) -> None:
    if message.outcome in _FOR_OPERATORS:
        turn.tell("waits_for_operator", outcome=message.outcome, why=message.reason)
    elif message.outcome == "waived" or message.cost is None:
        let_off(turn, "waived")
    else:
        pay(turn, message.cost, message.kinds, message.energy_wh, message.fingerprint)


def _unpaid(turn: Turn, message: m.SessionEnded) -> None:
    """Its cost is nobody's: an operator sees it in the feed."""
    if message.outcome == "rated" and message.cost is not None and message.cost.incl.amount_minor > 0:
        turn.tell("unpaid", session=message.session, cost_minor=message.cost.incl.amount_minor)


def _dearer(turn: Turn, message: m.SessionEnded) -> None:
    state = turn.state
    if message.outcome == "rated" and message.cost is not None and message.cost.incl.amount_minor > state.captured_minor:
        more = message.cost.incl.amount_minor - state.captured_minor
        turn.tell("not_charged_again", session=message.session, more_minor=more)


def account_lost(turn: Turn, message: m.AccountLost) -> None:
    """What is held on it is out of our reach; what was taken is the merchant's own affair from now on."""
    phase = turn.state.phase
    if message.account != turn.account or phase == "new" or phase in FINAL:
        return
    if message.platform != turn.opened.deal.platform:
        return
    if phase in TAKEN:
        capturing.fee_unknown(turn)
    else:
        lose(turn, "account_gone")


# -- the guard -----------------------------------------------------------------------------------------------------


def guard_due(turn: Turn) -> None:
    """The hold ends in a day: what is durable by now is captured, or it is let go. No hold is left to end by itself."""
    phase = turn.state.phase
    if phase in ("authorised", "proof_ok", "starting"):
        release(turn, "guard")
    elif phase == "charging" and not turn.state.guarded:
        turn.put(f.Guarded(turn.now))
        turn.tell("guard")
        turn.to_session(m.TellCost(turn.attempt))
        if turn.state.told is None:
            turn.stop_session(turn.state.transaction_id, "payment")
        turn.timer(GUARD, turn.now + turn.limits.payment_guard_answer, m.GuardDue())
    elif phase == "charging":
        turn.tell("guard_unanswered")
        let_off(turn, "guard")


def cost_told(turn: Turn, message: m.CostTold) -> None:
    if turn.state.phase != "charging" or not turn.state.guarded or turn.state.session != message.session:
        return
    if message.cost is None:
        let_off(turn, "guard")
    else:
        pay(turn, message.cost, message.kinds, message.energy_wh, message.fingerprint)
