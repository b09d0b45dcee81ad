"""Money that comes in and goes back: top-ups, by hand and under a mandate, and what is owed, which is collected first. Pure."""

from actors.model.ids import digest, payment_address
from actors.model.posting import collected, topup_returned
from actors.payment.messages import OpenAttempt, TopUp
from actors.wallet import facts as f
from actors.wallet import messages as m
from actors.wallet.state import DAY
from actors.wallet.turn import Turn


def topped_up(turn: Turn, told: m.ToppedUp) -> None:
    """The payment has booked it. Money that came for a wallet that nobody opened opens it: it is the driver's."""
    if not turn.state.phase:
        turn.add(f.Opened(told.currency, "payment", turn.now))
    turn.add(f.ToppedUp(told.attempt, told.amount_minor, turn.now, told.customer, told.payment_method, told.platform))
    turn.line("topup", told.amount_minor, told.attempt)
    turn.event("topped_up", attempt=told.attempt, amount_minor=told.amount_minor)
    collect(turn)


def collect(turn: Turn) -> None:
    """What sessions cost beyond the wallet, the oldest first, as far as there is money that is not held."""
    for owed in turn.state.owed:
        amount = min(owed.minor, turn.state.available_minor)
        if amount <= 0:
            return
        ref, key = owed.token_ref or turn.wallet, str(turn.state.collections)
        journal = collected(
            tenant=turn.tenant, wallet=turn.wallet, token_ref=ref, session=owed.session, key=key, amount_minor=amount,
            currency=turn.state.currency, at=turn.now,
        )  # fmt: skip
        turn.add(f.Collected(owed.session, ref, amount, key, turn.now))
        turn.post(journal)
        turn.line("collected", -amount, owed.session, journal)


def failed(turn: Turn, told: m.TopUpFailed) -> None:
    """A card that failed is not charged again blindly: somebody has to look first (MONEY 1.3)."""
    automatic = told.attempt in turn.state.asked
    if automatic:
        turn.add(f.TopUpFailed(told.attempt, told.reason, turn.now))
    if turn.state.phase:
        turn.event("topup_failed", attempt=told.attempt, reason=told.reason, automatic=automatic)


def returned(turn: Turn, told: m.TopUpReturned) -> None:
    """A top-up went back to the card, or is lost. What is not there any more is owed."""
    refund = told.refund or told.attempt
    if f"refund:{refund}" in turn.state.ids or not turn.state.phase:
        return
    taken = min(told.amount_minor, max(0, turn.state.available_minor))
    owed = told.amount_minor - taken
    journal = topup_returned(
        tenant=turn.tenant, refund=refund, attempt=told.attempt, wallet=turn.wallet, taken_minor=taken, at=turn.now,
        currency=turn.state.currency, owed_minor=owed, disputed=told.disputed,
    )  # fmt: skip
    turn.add(f.Returned(told.attempt, refund, taken, owed, turn.now, told.disputed))
    turn.post(journal)
    turn.line("payout", -taken, told.attempt, journal, refund=refund, owed_minor=owed, disputed=told.disputed)
    if turn.state.phase == "closing" and not turn.state.balance_minor and not turn.state.owed:
        turn.add(f.Closed("", 0, turn.now))
        turn.event("closed")


def auto_top_up(turn: Turn) -> None:
    """Charge the saved card where the driver agreed to it, and it has not failed."""
    state, auto = turn.state, turn.state.auto
    if auto is None or state.phase != "open" or state.paused or state.asked or state.payment_method is None:
        return
    if state.available_minor - state.owed_minor >= auto.below_minor:
        return
    if sum(turn.now - at < DAY for at in state.tried) >= auto.per_day:
        return
    attempt = "w" + digest("auto top-up", turn.tenant, turn.wallet, len(state.tried), turn.now)
    order = TopUp(
        turn.wallet, auto.amount_minor, state.currency, automatic=True, customer=state.customer,
        payment_method=state.payment_method, mandate=auto.mandate, platform=state.platform,
    )  # fmt: skip
    turn.add(f.TopUpAsked(attempt, auto.amount_minor, turn.now))
    turn.tell(payment_address(turn.tenant, attempt), OpenAttempt(order, "", "", "Wallet"))
