"""What a payment attempt answers: a function of its state, a message and the time.

What comes is a wish (gateway), an answer or a sight of the provider, a letter, or a timer. Each has its module; here is only
who is asked: `opening` until there is a hold, `holding` until the order to start, `charging` while the session runs,
`capturing`, `returning` and `disputing` for the money, `releasing` for every way out.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors.model import psp
from actors.model.decision import Decision
from actors.payment import capturing, charging, disputing, holding, opening, releasing, returning
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.phases import CAPTURING, LETTING_GO, PAGE_OPEN
from actors.payment.rows import payment_row
from actors.payment.turn import Turn
from actors.station.letters import OrderEnded
from actors.station.messages import Done


def decide(turn: Turn, message: Any) -> Decision:
    """Dispatch by the message's class; a message of no known class is a bug and raises KeyError."""
    asked = _ASKED.get(type(message))
    if asked is not None:
        return asked(turn, message)
    told = _TOLD[type(message)]
    if turn.state.opened is not None:
        told(turn, message)
    elif isinstance(message, psp.PspAnswer):
        turn.settled.append((message.effect, "failed"))
    return turn.decision(Done() if isinstance(message, psp.PspAnswer | psp.PspObserved) else None)


# -- wishes ------------------------------------------------------------------------------------------------------------


def _look(turn: Turn, message: m.Look) -> Decision:
    return turn.decision(_row(turn))


def _look_again(turn: Turn, message: m.LookAgain) -> Decision:
    """Nothing is looked at that cannot change any more, and nothing twice at once."""
    state = turn.state
    if state.opened is None:
        return turn.decision(None)
    waits = state.phase in ("checkout_open", "authorised", "captured") or state.phase in CAPTURING or state.phase in LETTING_GO
    if waits and not _looked_lately(turn):
        turn.look()
    return turn.decision(_row(turn))


def _looked_lately(turn: Turn) -> bool:
    at = turn.state.looked_at
    return at is not None and turn.now - at < turn.limits.payment_look_again


def _row(turn: Turn) -> Any:
    return payment_row(turn.here, turn.state, turn.now) if turn.state.opened is not None else None


# -- the provider --------------------------------------------------------------------------------------------------------


def _answer(turn: Turn, message: psp.PspAnswer) -> None:
    """Whatever came is looked at like anything else that is seen; a refusal or an unsure answer concerns the call only."""
    name = turn.answered(message.effect, message.seen)
    call, seen = message.call, message.seen
    if isinstance(seen, psp.PspUnsure):
        if name is not None and isinstance(call, psp.CaptureIntent):
            capturing.capture_unsure(turn, seen)
    elif isinstance(seen, psp.PspRefused):
        if name is not None:
            _refused(turn, name, call, seen)
    elif isinstance(seen, psp.RefundSeen) and isinstance(call, psp.RefundCharge) and seen.key is None:
        _see(turn, replace(seen, key=call.key))
    else:
        _see(turn, seen)


def _refused(turn: Turn, name: str, call: psp.AnyCall, seen: psp.PspRefused) -> None:
    match call:
        case psp.OpenCheckout() | psp.ChargeSaved():
            opening.open_refused(turn, seen)
        case psp.CancelIntent():
            releasing.cancel_refused(turn, seen)
        case psp.CaptureIntent():
            capturing.capture_refused(turn, seen)
        case psp.RefundCharge():
            returning.refund_refused(turn, name, seen)
        case psp.ExpireCheckout():
            turn.look()
            turn.look_later(0)
        case _:
            capturing.look_refused(turn, seen)


def _observed(turn: Turn, message: psp.PspObserved) -> None:
    _see(turn, message.seen)


def _see(turn: Turn, seen: psp.Seen) -> None:
    match seen:
        case psp.IntentSeen():
            holding.see_intent(turn, seen)
        case psp.CheckoutSeen():
            opening.see_checkout(turn, seen)
        case psp.RefundSeen():
            returning.see_refund(turn, seen, capturing.card_of(turn))
        case psp.DisputeSeen():
            disputing.see_dispute(turn, seen, capturing.card_of(turn))


# -- timers ------------------------------------------------------------------------------------------------------------


def _look_due(turn: Turn, message: m.LookDue) -> None:
    phase = turn.state.phase
    if phase in PAGE_OPEN:
        opening.look_due(turn, message.tries)
    elif phase in LETTING_GO:
        opening.look_letting_go(turn, message.tries)
    elif phase == "authorised":
        turn.look()
        turn.look_later(message.tries)
    elif phase == "captured":
        capturing.fee_due(turn, message.tries)


def _again_due(turn: Turn, message: m.AgainDue) -> None:
    """A call that nobody needs any more, since what it was to do was seen done, is forgotten."""
    wish = turn.state.calls.get(message.name)
    if wish is None:
        return
    phase, call = turn.state.phase, wish.call
    match call:
        case psp.CaptureIntent():
            wanted = phase in CAPTURING
        case psp.CancelIntent() | psp.ExpireCheckout():
            wanted = phase in LETTING_GO or (isinstance(call, psp.ExpireCheckout) and not turn.state.checkout_over)
        case psp.OpenCheckout():
            wanted = phase == "quoted" or phase in LETTING_GO
        case psp.ChargeSaved() | psp.RefundCharge():
            wanted = True
        case _:
            wanted = False
    if not wanted:
        turn.put(f.Answered(message.name, turn.now))
    elif isinstance(call, psp.CaptureIntent):
        capturing.capture_again(turn, message.name)
    else:
        turn.again(message.name)


def _retry_due(turn: Turn, message: m.RetryDue) -> None:
    if turn.state.phase not in LETTING_GO:
        capturing.retry_due(turn)
    elif turn.state.authorised_at is not None and turn.now >= turn.hold_ends:
        releasing.released(turn)
    else:
        releasing.let_go(turn)


_ASKED: dict[type, Callable[[Turn, Any], Decision]] = {
    m.OpenAttempt: opening.decide_open,
    m.CancelAttempt: opening.decide_cancel,
    m.StopCharging: charging.decide_stop,
    m.RefundPayment: returning.decide_refund,
    m.Look: _look,
    m.LookAgain: _look_again,
}

_TOLD: dict[type, Callable[[Turn, Any], None]] = {
    psp.PspAnswer: _answer,
    psp.PspObserved: _observed,
    m.EvseClaimed: lambda turn, _: holding.evse_claimed(turn),
    m.EvseRefused: holding.evse_refused,
    m.SessionBegan: charging.session_began,
    m.SessionEnded: charging.session_ended,
    m.CostTold: charging.cost_told,
    m.AccountLost: charging.account_lost,
    OrderEnded: holding.order_ended,
    m.LookDue: _look_due,
    m.StartDue: lambda turn, _: holding.start_due(turn),
    m.GuardDue: lambda turn, _: charging.guard_due(turn),
    m.AgainDue: _again_due,
    m.RetryDue: _retry_due,
    m.ExcessDue: lambda turn, _: returning.give_back_excess(turn),
    m.WatchDue: lambda turn, _: returning.watch_due(turn),
}
