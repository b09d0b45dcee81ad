"""Holds: what is kept of a wallet for a session that is about to begin. Pure.

A hold is committed, in the ledger too, before the station is answered. Until its session has said that it began, the wallet lets
it go by time; from then on the session ends it, in the turn that books or waives.
"""

from datetime import datetime

from actors.model.decision import Refused
from actors.model.ids import session_address
from actors.payment.messages import SessionBegan, SessionEnded
from actors.wallet import facts as f
from actors.wallet.messages import AskHold, HoldGranted, HoldOver, HoldTold
from actors.wallet.state import Hold, Promo, WalletState, hold_of
from actors.wallet.topups import auto_top_up
from actors.wallet.turn import Turn


def timer_of(hold: str) -> str:
    return f"hold:{hold}"


def ask(turn: Turn, asked: AskHold) -> HoldGranted | Refused:
    """The hold that there is for this token and station (or this session), or a new one, or why there is none."""
    state = turn.state
    if asked.session and asked.session in state.over:
        return Refused("ended", "this session is over")
    known = _known(state, asked)
    if known is None:
        return _made(turn, asked)
    if asked.session and not known.session:
        turn.add(f.HoldBound(known.id, asked.session, turn.now))
        turn.timer(timer_of(known.id), turn.now + turn.limits.hold_bound, HoldOver(known.id))
    return _granted(state, known)


def _known(state: WalletState, asked: AskHold) -> Hold | None:
    if asked.session:
        mine = next((hold for hold in state.holds if hold.session == asked.session), None)
        if mine is not None:
            return mine
    return next(
        (hold for hold in state.holds if not hold.session and (hold.token_ref, hold.station) == (asked.token_ref, asked.station)),
        None,
    )


def _granted(state: WalletState, hold: Hold) -> HoldGranted:
    promo = next((known for known in state.promos if known.id == hold.promo), None)
    if promo is None or not hold.promo_minor:
        return HoldGranted(hold.id, hold.amount_minor, state.currency)
    return HoldGranted(hold.id, hold.amount_minor, state.currency, hold.promo_minor, promo.funded_by, promo.sponsor)


def _made(turn: Turn, asked: AskHold) -> HoldGranted | Refused:
    state = turn.state
    refused = _refusal(turn)
    if refused is not None:
        return refused
    most = state.promo_minor + state.available_minor
    for bound in (asked.want_minor, state.session_limit_minor):
        most = most if bound is None else min(most, bound)
    promo = _promo(state, turn.now)
    promo_minor = min(promo.left_minor, most) if promo is not None else 0
    amount = min(state.available_minor, most - promo_minor)
    if amount + promo_minor < max(1, asked.least_minor):
        auto_top_up(turn)
        return Refused("no_credit", f"{amount + promo_minor} {state.currency} are available, at least {asked.least_minor} needed")
    lasts = turn.limits.hold_bound if asked.session else turn.limits.hold_for
    hold = Hold(
        turn.new_hold_id(), asked.token_ref, asked.station, amount, turn.now + lasts, promo_minor,
        promo.id if promo is not None and promo_minor else "", asked.session,
    )  # fmt: skip
    turn.add(
        f.HoldMade(hold.id, hold.token_ref, hold.station, amount, hold.expires, turn.now, promo_minor, hold.promo, hold.session)
    )
    turn.hold(hold)
    turn.timer(timer_of(hold.id), hold.expires, HoldOver(hold.id))
    auto_top_up(turn)
    return _granted(turn.state, hold)


def _refusal(turn: Turn) -> Refused | None:
    state = turn.state
    if not state.phase:
        return Refused("unknown", "there is no such wallet")
    if state.phase != "open":
        return Refused("blocked", f"the wallet is {state.phase}")
    if len(state.holds) >= turn.limits.wallet_holds:
        return Refused("busy", f"{len(state.holds)} holds are open")
    if state.owed:
        auto_top_up(turn)
        return Refused("no_credit", f"{state.owed_minor} {state.currency} of earlier sessions are owed")
    return None


def _promo(state: WalletState, now: datetime) -> Promo | None:
    """The one that ends first."""
    usable = [promo for promo in state.promos if promo.left_minor and (promo.expires is None or promo.expires > now)]
    return min(usable, key=lambda promo: (promo.expires is None, promo.expires or now), default=None)


def over(turn: Turn, message: HoldOver) -> None:
    hold = hold_of(turn.state, message.hold)
    if hold is None or hold.began:
        return
    _end(turn, hold, "expired")


def _end(turn: Turn, hold: Hold, how: str) -> None:
    turn.hold(hold, how)
    turn.add(f.HoldEnded(hold.id, how, turn.now))
    turn.timer(timer_of(hold.id), None)


def began(turn: Turn, told: SessionBegan) -> None:
    """Its hold is the session's from now on. One that began without gets one by letter, or hears that there is nothing."""
    hold = hold_of(turn.state, told.hold)
    if hold is not None:
        turn.add(f.HoldBound(hold.id, told.session, turn.now, True))
        turn.timer(timer_of(hold.id), None)
        return
    if not told.accepted or told.session in turn.state.over:
        return
    answer = ask(turn, AskHold(told.token_ref, told.station, session=told.session))
    to = session_address(turn.tenant, told.session)
    if isinstance(answer, Refused):
        turn.tell(to, HoldTold(None, answer.code))
        return
    turn.add(f.HoldBound(answer.hold, told.session, turn.now, True))
    turn.timer(timer_of(answer.hold), None)
    turn.tell(to, HoldTold(answer))


def ended(turn: Turn, told: SessionEnded) -> None:
    """Waived, or for an operator: the session let its hold go. What is rated comes as WalletCharged."""
    if told.outcome != "rated":
        let_go(turn, told.session, told.hold)


def let_go(turn: Turn, session: str, finished: str | None) -> None:
    """The session is over: `finished` is the hold that it ended itself; one that it never heard of ends here."""
    for hold in [hold for hold in turn.state.holds if hold.session == session]:
        if hold.id == finished:
            turn.add(f.HoldEnded(hold.id, "void", turn.now))
            turn.timer(timer_of(hold.id), None)
        else:
            _end(turn, hold, "void")
