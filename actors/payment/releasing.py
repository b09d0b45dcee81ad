"""Letting a hold go: who does not need it any more, and how it ends. Pure functions.

Whoever lets a hold go does so through `release`: the EVSE is free again, the one-time token is not good any more, and the
provider is asked until it shows that nothing is held.
"""

from actors.model import psp
from actors.model.decision import Refused
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.phases import CAPTURING, LETTING_GO, PAGE_OPEN
from actors.payment.turn import GUARD, LOOK, RETRY, START, Turn
from actors.wallet.messages import TopUpFailed

OPEN = "open"
"""Key of the answers that wait for the provider's page."""


def release(turn: Turn, reason: str) -> None:
    """The hold is not needed, or must not be used. From every phase in which nothing was captured."""
    if turn.state.phase == "starting":
        turn.put(f.StartFailed(reason, turn.now))
    else:
        turn.put(f.Releasing(reason, turn.now))
    vacate(turn)
    let_go(turn)


def vacate(turn: Turn) -> None:
    """The EVSE is free for others, and who comes late with the token hears that it is Invalid."""
    state = turn.state
    if state.token is not None and state.session is None:
        turn.to_evse(m.ReleaseEvse(turn.attempt))
    if state.order is not None:
        turn.token("Invalid")
    for name in (LOOK, START, GUARD):
        turn.timer(name, None)


def let_go(turn: Turn) -> None:
    """Ask the provider to, whatever there is to be let go; the end is what it shows."""
    state = turn.state
    if state.intent is not None:
        cancel(turn, state.intent)
    elif state.checkout is not None and not state.checkout_over:
        expire_page(turn)
        turn.look_later(0)
    elif turn.is_asked("open") or turn.is_asked("charge"):
        turn.look_later(0)  # its answer says what there is
    elif state.checkout is not None:
        turn.look()  # paid in the last second, and not known by which intent
        turn.look_later(0)
    else:
        released(turn)


def cancel(turn: Turn, intent: str) -> None:
    if turn.is_asked("cancel"):
        return
    name = turn.name("cancel")
    turn.ask(name, psp.CancelIntent(key=turn.key(name), made_at=turn.now, account=turn.account, intent=intent))


def cancel_refused(turn: Turn, seen: psp.PspRefused) -> None:
    if turn.state.phase not in LETTING_GO:
        return
    if seen.code == "account_invalid":
        lose(turn, "account_gone")
        return
    if turn.state.refusals == turn.limits.payment_refusals:
        turn.tell("release_refused", code=seen.code)
    turn.retry_later()


def released(turn: Turn, reason: str | None = None) -> None:
    turn.put(f.Released(turn.now, reason))
    _over(turn)


def expired(turn: Turn, reason: str) -> None:
    turn.put(f.Expired(reason, turn.now))
    _over(turn)


def lose(turn: Turn, reason: str) -> None:
    """The hold is gone or was taken by others: nobody can be charged any more, so nothing more is delivered."""
    state = turn.state
    if state.phase in (*PAGE_OPEN, "authorised", "proof_ok"):
        turn.put(f.Releasing(reason, turn.now))
    elif state.phase == "starting":
        turn.put(f.StartFailed(reason, turn.now))
    if state.session is not None and state.told is None:
        turn.stop_session(state.transaction_id, "payment")
    vacate(turn)
    turn.put(f.Lost(reason, turn.now))
    _over(turn)


def gone(turn: Turn) -> None:
    """The provider shows it cancelled."""
    phase = turn.state.phase
    if phase == "checkout_open" or (phase == "quoted" and turn.state.top_up is None):
        expired(turn, "cancelled")
    elif phase in LETTING_GO:
        released(turn)
    elif phase in ("quoted", "authorised", "proof_ok"):
        vacate(turn)
        released(turn, "hold_gone")
    elif phase == "starting":
        turn.put(f.StartFailed("hold_gone", turn.now))
        vacate(turn)
        released(turn)
    elif phase == "charging" or phase in CAPTURING:
        lose(turn, "hold_gone")


def _over(turn: Turn) -> None:
    """Nothing was captured, and nothing will be."""
    state = turn.state
    for name in (LOOK, START, GUARD, RETRY):
        turn.timer(name, None)
    reason = state.reason or state.phase
    turn.to_wallet(TopUpFailed(turn.attempt, reason, turn.now))
    turn.answers.append((OPEN, Refused(reason, f"the payment page is not there: {reason}")))


def expire_page(turn: Turn) -> None:
    """Nobody wants it any more: nobody shall be able to pay on it."""
    state = turn.state
    if state.checkout is None or state.checkout_over or turn.is_asked("expire"):
        return
    name = turn.name("expire")
    turn.ask(name, psp.ExpireCheckout(key=turn.key(name), made_at=turn.now, account=turn.account, checkout=state.checkout))
