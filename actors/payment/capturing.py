"""From what a session cost to money in the books: the capture, its journals, the provider's fee. Pure functions.

What is captured is never more than the cost, the hold, and the limit that the driver was shown (MONEY 1.2). Where somebody takes
more in the provider's dashboard, that is not sold: it is booked as the driver's and refunded at once. One call is under
way at a time, under a key that is committed before it goes out; the journals are written in the turn that sees the money
taken, whoever shows it: the answer, a webhook, or a look of our own.
"""

from actors.merchant.messages import OwnerCredited, Seller
from actors.model import posting, psp
from actors.model.ids import merchant_address
from actors.model.money import Cost, Money, chargeable
from actors.model.rating import KindNet
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.disputing import see_dispute
from actors.payment.floors import smallest
from actors.payment.messages import TopUp
from actors.payment.papers import receipt_of
from actors.payment.phases import CAPTURING, LETTING_GO, PAGE_OPEN
from actors.payment.releasing import lose, release, vacate
from actors.payment.returning import correct, give_back_excess, see_refund
from actors.payment.turn import GUARD, LOOK, RETRY, Turn
from actors.ports import MerchantCard
from actors.wallet.messages import ToppedUp

_WAIT = "the session is stopped; when its cost is known, what was taken beyond it is refunded by itself"
_NONE = "nothing was delivered for it: all of it is refunded by itself"
_LOOK = "it is on the brand's own account; refund it there, or credit the wallet"
_GONE = ("account_invalid",)
"""Words of a provider that will never again let us do anything on that account."""


def card_of(turn: Turn) -> MerchantCard:
    """The merchant as it was when the attempt was opened, for the books."""
    deal = turn.opened.deal
    return MerchantCard(
        turn.tenant,
        deal.merchant,
        Seller("", country=deal.country),
        deal.account,
        True,
        deal.commission_percent,
        deal.commission_vat_percent,
        deal.sells,
        deal.partners,
        deal.min_minor,
    )


def pay(turn: Turn, cost: Cost, kinds: tuple[KindNet, ...], energy_wh: int, fingerprint: str) -> None:
    """A session's cost is known: capture it, or let the hold go where there is nothing to be charged. Where somebody has captured
    it already, so much of that is ours."""
    state, quote = turn.state, turn.state.quote
    assert quote is not None, "a top-up has no session"
    there = state.held_minor if state.past is None else state.past.received_minor
    amount = chargeable(min(cost.incl.amount_minor, there, quote.limit_minor), turn.currency)
    if amount <= 0:
        let_off(turn, "nothing_delivered")
        return
    if amount < smallest(turn.currency, turn.opened.deal.min_minor):
        let_off(turn, "below_minimum")
        return
    turn.put(f.Rated(cost, kinds, turn.now, energy_wh, fingerprint))
    vacate(turn)
    if state.past is None:
        capture(turn, amount)
    else:
        turn.put(f.Capturing(state.capture_n + 1, amount, state.past.fee_minor or 0, turn.now))
        _book(turn, state.past, amount)


def let_off(turn: Turn, reason: str) -> None:
    """A session began, and its driver pays nothing: the hold is let go, or what others have taken of it given back."""
    past = turn.state.past
    if past is None:
        release(turn, reason)
        return
    turn.put(f.Releasing(reason, turn.now))
    vacate(turn)
    _book(turn, past, 0)


def pay_top_up(turn: Turn, top_up: TopUp) -> None:
    """All of it at once: what was paid is what is bought."""
    amount = Money(top_up.amount_minor, top_up.currency)
    turn.put(f.Rated(Cost(amount, amount), (), turn.now))
    vacate(turn)
    capture(turn, top_up.amount_minor)


def capture(turn: Turn, amount: int) -> None:
    """Under a new key. The application fee is told again, for the amount that is taken."""
    state, deal = turn.state, turn.opened.deal
    assert state.intent is not None, "nothing is captured without a hold"
    assert 0 < amount <= state.held_minor, "nothing is captured that is not held"
    fee = 0
    if deal.account is not None and state.quote is not None:
        fee = posting.commission(amount, deal.commission_percent, deal.commission_vat_percent).gross
    name = turn.name("capture")
    turn.put(f.Capturing(state.capture_n + 1, amount, fee, turn.now))
    call = psp.CaptureIntent(
        key=turn.key(name),
        made_at=turn.now,
        account=turn.account,
        intent=state.intent,
        amount_minor=amount,
        currency=turn.currency,
        fee_minor=fee,
    )
    turn.ask(name, call)


def capture_unsure(turn: Turn, seen: psp.PspUnsure) -> None:
    if turn.state.phase == "capturing":
        turn.put(f.CaptureUncertain(seen.detail, turn.now))


def capture_again(turn: Turn, name: str) -> None:
    """With the key it had: the provider does it once."""
    state = turn.state
    if state.phase == "capture_uncertain":
        turn.put(f.Capturing(state.capture_n, state.capture_minor, state.fee_minor, turn.now))
    turn.again(name)


def capture_refused(turn: Turn, seen: psp.PspRefused) -> None:
    """It was not done, and everybody can see that. The hold may be gone: the provider is looked at, and it is tried again."""
    if turn.state.phase not in ("capturing", "capture_uncertain"):
        return
    turn.put(f.CaptureFailed(seen.code, seen.detail, turn.now))
    if seen.code in _GONE:
        lose(turn, "account_gone")
        return
    if turn.state.refusals == turn.limits.payment_refusals:
        turn.tell("capture_parked", code=seen.code, detail=seen.detail)
    turn.look()
    turn.retry_later()


def retry_due(turn: Turn) -> None:
    state = turn.state
    if state.phase != "capture_failed":
        return
    if turn.now >= turn.hold_ends:
        lose(turn, "hold_ended")
    elif not turn.is_asked("capture"):
        capture(turn, state.capture_minor)


# -- money was taken -----------------------------------------------------------------------------------------------


def taken(turn: Turn, seen: psp.IntentSeen) -> None:
    """The provider shows it captured."""
    phase, state = turn.state.phase, turn.state
    ours = phase == "lost" and state.capture_n > 0 and state.cost is not None
    if phase in CAPTURING or ours:
        _book(turn, seen, state.capture_minor)
    elif phase == "captured":
        _fee(turn, seen.line)
    elif phase == "charging":
        _taken_early(turn, seen)
    elif phase in LETTING_GO or phase in (*PAGE_OPEN, "authorised", "proof_ok", "starting"):
        _taken_for_nothing(turn, seen)


def _taken_early(turn: Turn, seen: psp.IntentSeen) -> None:
    """Not by us, and the session goes on: it ends now, since nothing more is held, and its cost is what stays of the money."""
    if turn.state.past is not None:
        return
    turn.put(f.TakenPast(seen, turn.now))
    turn.tell("captured_elsewhere", received_minor=seen.received_minor, action=_WAIT)
    if turn.state.told is None:
        turn.stop_session(turn.state.transaction_id, "payment")


def _taken_for_nothing(turn: Turn, seen: psp.IntentSeen) -> None:
    """Not by us, and nothing was delivered for it. A top-up's money is the brand's own affair: it lies on the brand's account."""
    state = turn.state
    if state.quote is None:
        turn.tell("captured_elsewhere", received_minor=seen.received_minor, action=_LOOK)
        lose(turn, "captured_elsewhere")
        return
    turn.tell("captured_elsewhere", received_minor=seen.received_minor, action=_NONE)
    if state.intent is None:
        turn.put(f.Authorised(seen.intent, seen.received_minor, turn.now, seen.charge))
    if state.phase == "starting":
        turn.put(f.StartFailed("captured_elsewhere", turn.now))
    elif state.phase not in LETTING_GO:
        turn.put(f.Releasing("captured_elsewhere", turn.now))
    vacate(turn)
    _book(turn, seen, 0)


def _book(turn: Turn, seen: psp.IntentSeen, owed: int) -> None:
    """`owed`: what we asked for. What came beyond it is the driver's: it stands in 2400 until it is given back."""
    state = turn.state
    amount = min(seen.received_minor, owed)
    excess = 0 if state.top_up is not None else seen.received_minor - amount
    if seen.received_minor != owed:
        turn.tell("mismatch", received_minor=seen.received_minor, expected_minor=owed)
    fee = min(state.fee_minor if seen.fee_minor is None else seen.fee_minor, amount + excess)
    top_up = state.top_up
    if top_up is not None:
        ids = turn.journals((_topped_up(turn, top_up, amount),))
        turn.to_wallet(
            ToppedUp(
                turn.attempt,
                amount,
                turn.currency,
                turn.now,
                seen.customer or state.customer,
                seen.payment_method or state.payment_method,
                turn.opened.deal.platform,
            )
        )
    else:
        ids = turn.journals(_sale(turn, amount, excess, fee))
        turn.document(receipt_of(turn, card_of(turn), amount))
    turn.put(f.Captured(amount, fee, seen.charge, ids, turn.now, excess))
    for name in (GUARD, RETRY):
        turn.timer(name, None)
    turn.timer(LOOK, turn.now + turn.limits.payment_look, m.LookDue(1))
    _fee(turn, seen.line)
    _after_capture(turn)


def _after_capture(turn: Turn) -> None:
    """What was seen too early, and what the session said since it was rated."""
    card = card_of(turn)
    for seen in turn.state.early:
        if isinstance(seen, psp.RefundSeen):
            see_refund(turn, seen, card)
        else:
            see_dispute(turn, seen, card)
    give_back_excess(turn)
    correct(turn)


def _topped_up(turn: Turn, top_up: TopUp, amount: int) -> object:
    return posting.topped_up(
        tenant=turn.tenant,
        attempt=turn.attempt,
        wallet=top_up.wallet,
        amount_minor=amount,
        currency=turn.currency,
        at=turn.now,
    )


def _sale(turn: Turn, amount: int, excess: int, fee: int) -> list[object]:
    state, card, quote = turn.state, card_of(turn), turn.state.quote
    assert quote is not None
    cost = state.sold
    rows: list[object] = list(
        posting.captured(
            tenant=turn.tenant,
            attempt=turn.attempt,
            session=turn.ref,
            merchant=card,
            country=quote.country,
            cost=cost,
            kinds=state.kinds,
            captured_minor=amount,
            excess_minor=excess,
            fee_minor=fee,
            at=turn.now,
        )
    )
    net = posting.split_of(cost, state.kinds).of(amount).net
    for share in card.partners:
        row = posting.partner_accrued(
            tenant=turn.tenant,
            session=turn.ref,
            partner=share.partner,
            net_minor=net,
            percent=share.percent,
            currency=turn.currency,
            at=turn.now,
        )
        if row is not None:
            rows.append(row)
            due = posting.partner_share(net, share.percent)
            to = merchant_address(turn.tenant, share.partner)
            turn.letter(to, OwnerCredited(turn.ref, due, turn.currency, turn.now, "partner"))
    return rows


def _fee(turn: Turn, line: psp.BalanceLine | None) -> None:
    """The provider's own fee: what it took less the application fee, which is in the books already."""
    if line is None:
        return
    told = [fee.amount_minor for fee in line.fees if fee.kind != "application_fee"]
    fee = sum(told) if line.fees else max(0, line.fee_minor - turn.state.fee_minor)
    row = posting.psp_fee(
        tenant=turn.tenant,
        charge=turn.attempt,
        ref=turn.ref,
        merchant=card_of(turn) if turn.state.quote is not None else None,
        fee_minor=fee,
        currency=line.currency,
        at=turn.now,
    )
    # Where the account settles in another currency, the fee is in that one: so the books have it, and the payment names none.
    shown = fee if line.currency == turn.currency else None
    turn.put(f.Settled(shown, turn.journals((row,)), turn.now, line.id))
    turn.timer(LOOK, None)


def fee_due(turn: Turn, tries: int) -> None:
    """The fee was not told with the capture."""
    if tries > turn.limits.payment_fee_looks:
        fee_unknown(turn)
        return
    turn.look()
    turn.look_later(tries)


def fee_unknown(turn: Turn) -> None:
    """It will not be told any more."""
    turn.tell("fee_unknown")
    turn.put(f.Settled(None, (), turn.now))
    turn.timer(LOOK, None)


def look_refused(turn: Turn, seen: psp.PspRefused) -> None:
    """Where the provider does not even show what it has: on an account that is not ours to see any more there is nothing left."""
    phase = turn.state.phase
    if seen.code not in _GONE:
        return
    if phase == "captured":
        fee_unknown(turn)
    elif phase == "charging" or phase in CAPTURING or phase in LETTING_GO:
        lose(turn, "account_gone")
