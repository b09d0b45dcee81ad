"""The beginning of an attempt: the provider's page, or a charge of a saved card, until there is a hold. Pure functions."""

from actors.merchant.messages import BRAND
from actors.model import psp
from actors.model.decision import Decision, Refused
from actors.model.ids import wallet_address
from actors.model.money import card_step, chargeable
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.holding import see_intent
from actors.payment.messages import AttemptOpened, Quote, TopUp
from actors.payment.phases import LETTING_GO, PAGE_OPEN
from actors.payment.releasing import OPEN, expire_page, expired, let_go, release, released
from actors.payment.rows import hold_of
from actors.payment.turn import LOOK, Turn
from actors.station.messages import Done
from actors.wallet.messages import TopUpFailed


def decide_open(turn: Turn, message: m.OpenAttempt) -> Decision:
    if turn.state.opened is not None:
        return _same(turn, message)
    order = message.order
    refusal = _refusal(turn, order)
    if refusal is not None:
        if isinstance(order, TopUp):
            told = TopUpFailed(turn.attempt, refusal.code, turn.now)
            turn.letter(wallet_address(turn.tenant, order.wallet), told)
        return turn.decision(refusal)
    deal = turn.deal
    if isinstance(order, TopUp):
        assert turn.platform is not None, "the refusal has seen to that"
        deal = f.Deal(BRAND, platform=turn.platform)
    assert deal is not None, "the refusal has seen to that"
    until = turn.now + turn.limits.payment_page
    turn.put(f.Opened(order, deal, message.title, message.return_url, message.cancel_url, until, turn.now))
    turn.timer(LOOK, turn.now + turn.limits.payment_open, m.LookDue())
    if isinstance(order, TopUp) and order.automatic:
        _charge_saved(turn, order)
        return turn.decision(AttemptOpened(turn.attempt, None))
    _open_page(turn, message)
    return turn.decision(later=OPEN)


def _refusal(turn: Turn, order: Quote | TopUp) -> Refused | None:
    if isinstance(order, TopUp):
        if order.amount_minor <= 0:
            return Refused("bad_amount", "amount_minor: a top-up has a positive amount", "amount_minor")
        if order.amount_minor != chargeable(order.amount_minor, order.currency):
            step = card_step(order.currency)
            return Refused("bad_amount", f"amount_minor: {order.currency} is charged in multiples of {step}", "amount_minor")
        if turn.platform is None:
            return Refused("not_open", "this brand takes no cards: it has no account with the payment provider")
        if order.automatic and not (order.customer and order.payment_method and order.mandate):
            return Refused("no_card", "a saved card is charged under a mandate only; save one first", "mandate")
        if order.automatic and order.platform != turn.platform:
            return Refused("no_card", "the card was saved with an account that the brand has no more; save it again", "mandate")
        return None
    if turn.deal is None or turn.deal.merchant != order.merchant:
        return Refused("not_open", f"merchant {order.merchant!r} takes no cards now", "merchant")
    if order.hold_minor <= 0 or order.limit_minor <= 0:
        return Refused("bad_amount", "hold_minor and limit_minor must be positive", "hold_minor")
    return None


def _open_page(turn: Turn, message: m.OpenAttempt) -> None:
    order, name = message.order, turn.name("open")
    quote, top_up = turn.state.quote, turn.state.top_up
    call = psp.OpenCheckout(
        key=turn.key(name),
        made_at=turn.now,
        account=turn.account,
        tenant=turn.tenant,
        attempt=turn.attempt,
        amount_minor=hold_of(turn.state),
        currency=order.currency,
        title=message.title,
        success_url=message.return_url,
        cancel_url=message.cancel_url,
        expires_at=turn.opened.expires_at,
        fee_minor=quote.fee_minor if quote is not None and turn.account is not None else 0,
        locale=order.language,
        customer=top_up.customer if top_up is not None and top_up.platform == turn.platform else None,
        save_card=top_up.save_card if top_up is not None else False,
        mandate=top_up.mandate if top_up is not None else None,
    )
    turn.ask(name, call)


def _charge_saved(turn: Turn, order: TopUp) -> None:
    assert order.customer, "the refusal has seen to that"
    assert order.payment_method, "the refusal has seen to that"
    assert order.mandate, "the refusal has seen to that"
    name = turn.name("charge")
    call = psp.ChargeSaved(
        key=turn.key(name),
        made_at=turn.now,
        tenant=turn.tenant,
        attempt=turn.attempt,
        amount_minor=order.amount_minor,
        currency=order.currency,
        customer=order.customer,
        payment_method=order.payment_method,
        mandate=order.mandate,
    )
    turn.ask(name, call)


def _same(turn: Turn, message: m.OpenAttempt) -> Decision:
    """The same again answers the same, or waits for the same page."""
    state = turn.state
    if turn.opened.order != message.order:
        return turn.decision(Refused("differs", "this attempt was opened with another order", "order"))
    if state.phase == "quoted" and not _is_automatic(turn):
        return turn.decision(later=OPEN)
    if state.phase in ("expired", "released", "releasing") and state.intent is None:
        return turn.decision(refused_open(turn))
    return turn.decision(AttemptOpened(turn.attempt, state.checkout_url))


def _is_automatic(turn: Turn) -> bool:
    top_up = turn.state.top_up
    return top_up is not None and top_up.automatic


def refused_open(turn: Turn) -> Refused:
    reason = turn.state.reason or turn.state.phase
    return Refused(reason, f"the payment page is not there: {reason}")


def decide_cancel(turn: Turn, message: m.CancelAttempt) -> Decision:
    state = turn.state
    if state.opened is None:
        return turn.decision(Refused("unknown", "there is no such attempt"))
    if state.phase in (*PAGE_OPEN, "authorised", "proof_ok", "starting"):
        release(turn, "cancelled")
        return turn.decision(Done())
    if state.phase in LETTING_GO or state.phase in ("expired", "released"):
        return turn.decision(Done())
    return turn.decision(Refused("too_late", f"the payment is {state.phase}; stop the session instead"))


# -- what is seen ------------------------------------------------------------------------------------------------


def see_checkout(turn: Turn, seen: psp.CheckoutSeen) -> None:
    state = turn.state
    if state.checkout not in (None, seen.checkout):
        return
    if state.checkout is None:
        url = seen.url if seen.status == "open" else None
        turn.put(f.CheckoutOpened(seen.checkout, url, seen.expires_at, turn.now))
        if turn.state.phase == "checkout_open":
            turn.answers.append((OPEN, AttemptOpened(turn.attempt, url)))
            turn.look_later(0)
    if seen.status != "open" and not turn.state.checkout_over:
        turn.put(f.CheckoutOver(seen.status, turn.now))
    if seen.intent is not None:
        see_intent(turn, seen.intent)
    phase = turn.state.phase
    if seen.status == "expired" and turn.state.intent is None:
        if phase in PAGE_OPEN:
            expired(turn, "page_expired")
        elif phase in LETTING_GO:
            released(turn)
    elif seen.status == "open" and turn.state.intent is None and (phase in LETTING_GO or phase in ("expired", "released")):
        expire_page(turn)


def open_refused(turn: Turn, seen: psp.PspRefused) -> None:
    """The page was not opened, or the saved card not charged: nothing is held."""
    if turn.state.phase in ("quoted", *LETTING_GO):
        released(turn, seen.code if turn.state.phase == "quoted" else None)


def look_due(turn: Turn, tries: int) -> None:
    """No webhook so far, while nothing is held."""
    state = turn.state
    if state.phase == "quoted":
        if _is_automatic(turn):
            turn.look_later(tries)  # the call has its outbox row; what it did must be known before this ends
        else:
            expired(turn, "psp_away")
        return
    if state.expires_at is not None and turn.now >= state.expires_at:
        expire_page(turn)
    else:
        turn.look()
    turn.look_later(tries)


def look_letting_go(turn: Turn, tries: int) -> None:
    if not turn.state.calls:
        let_go(turn)
    turn.look_later(tries)
