"""What a wallet answers: pure functions of state, message and time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actors.limits import DomainLimits
from actors.model.decision import AddressKey, Decision, Refused
from actors.payment.messages import SessionBegan, SessionEnded
from actors.wallet import credits, holds, topups
from actors.wallet import facts as f
from actors.wallet import messages as m
from actors.wallet.state import WalletState
from actors.wallet.turn import Turn


def decide(here: AddressKey, state: WalletState, message: Any, now: datetime, limits: DomainLimits, currency: str) -> Decision:
    """`here`: the actor's address; `currency`: the tenant's. A message of no known class is a bug and raises KeyError."""
    turn = Turn(here, state, now, limits)
    if isinstance(message, m.OpenWallet):
        return _open(turn, message, currency)
    return _DECIDE[type(message)](turn, message)


def _open(turn: Turn, message: m.OpenWallet, currency: str) -> Decision:
    if turn.state.phase:
        return turn.done(Refused("exists", f"the wallet is {turn.state.phase}"))
    refused = _wrong_limit(message.session_limit_minor)
    if not currency:
        refused = Refused("unknown", "there is no such tenant")
    if refused is not None:
        return turn.done(refused)
    turn.add(f.Opened(currency, message.who, turn.now, message.owner, message.session_limit_minor))
    turn.event("opened")
    return turn.done(turn.row())


def _wrong_limit(limit: int | None) -> Refused | None:
    return Refused("invalid", "must be above zero", "session_limit_minor") if limit is not None and limit <= 0 else None


def _change(turn: Turn, message: m.ChangeWallet) -> Decision:
    state, auto = turn.state, message.auto
    if state.phase not in ("open", "blocked"):
        return turn.done(Refused("not_open" if state.phase else "unknown", "only an open wallet can be changed"))
    refused = _wrong_limit(message.session_limit_minor)
    if refused is None and auto is not None:
        refused = _wrong_auto(state, auto)
    if refused is not None:
        return turn.done(refused)
    turn.add(f.Changed(message.who, turn.now, message.session_limit_minor, auto, message.blocked))
    topups.auto_top_up(turn)
    return turn.done(turn.row())


def _wrong_auto(state: WalletState, auto: m.AutoTopUp) -> Refused | None:
    for field in ("below_minor", "amount_minor", "per_day"):
        if getattr(auto, field) <= 0:
            return Refused("invalid", "must be above zero", f"auto.{field}")
    if not auto.mandate.strip():
        return Refused("invalid", "name the version of the text that the driver agreed to", "auto.mandate")
    if state.payment_method is None:
        return Refused("no_card", "no card is saved: top up once with save_card", "auto")
    return None


def _ask(turn: Turn, message: m.AskHold) -> Decision:
    return turn.done(holds.ask(turn, message))


def _answered(does: Callable[[Turn, Any], Refused | None]) -> Callable[[Turn, Any], Decision]:
    """Its reply is the wallet as it is then, or why not."""

    def decide(turn: Turn, message: Any) -> Decision:
        refused = does(turn, message)
        return turn.done(turn.row() if refused is None else refused)

    return decide


def _heard(does: Callable[[Turn, Any], None]) -> Callable[[Turn, Any], Decision]:
    """A letter or a timer: nobody waits."""

    def decide(turn: Turn, message: Any) -> Decision:
        does(turn, message)
        return turn.done()

    return decide


def _charged(turn: Turn, told: m.WalletCharged) -> None:
    """The session booked it, and ended its hold with it."""
    turn.add(
        f.Charged(
            told.session, told.hold, told.taken_minor, told.owed_minor, turn.now, told.promo_minor, told.token_ref, told.sale
        )
    )
    cost = told.taken_minor + told.owed_minor + told.promo_minor
    turn.line(
        "session", -told.taken_minor, told.session, cost_minor=cost, promo_minor=told.promo_minor, owed_minor=told.owed_minor
    )
    turn.event("charged", session=told.session, taken_minor=told.taken_minor, owed_minor=told.owed_minor)
    if told.hold is not None:
        turn.timer(holds.timer_of(told.hold), None)
    holds.let_go(turn, told.session, told.hold)
    topups.collect(turn)
    topups.auto_top_up(turn)


def _look(turn: Turn, message: m.Look) -> Decision:
    return Decision(reply=turn.row())


_DECIDE: dict[type, Callable[[Turn, Any], Decision]] = {
    m.ChangeWallet: _change,
    m.AskHold: _ask,
    m.HoldOver: _heard(holds.over),
    SessionBegan: _heard(holds.began),
    SessionEnded: _heard(holds.ended),
    m.WalletCharged: _heard(_charged),
    m.ToppedUp: _heard(topups.topped_up),
    m.TopUpFailed: _heard(topups.failed),
    m.TopUpReturned: _heard(topups.returned),
    m.GivePromo: _answered(credits.give_promo),
    m.CreditWallet: _answered(credits.credit),
    m.CloseWallet: _answered(credits.close),
    m.Look: _look,
}
