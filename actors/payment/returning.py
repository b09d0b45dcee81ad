"""Money that goes back: refunds, ours and those made elsewhere. Pure functions.

What was captured is never refunded twice: a refund takes from what is left after all others, and after what is disputed. First
goes back what was taken too much (capturing.py), which is no part of the sale. The
books follow what the provider shows, in the turn that sees it: a refund when it has succeeded, and back when it failed later.
What went back of a top-up is booked by its wallet, which alone knows what is left there.
"""

from msgspec.structs import replace

from actors.merchant.messages import OwnerDebited
from actors.model import posting, psp
from actors.model.decision import Decision, Refused
from actors.model.ids import merchant_address
from actors.model.money import card_step, chargeable
from actors.model.rows import JournalRow
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.disputing import restate, unreturned
from actors.payment.papers import credit_note_of, reinstated_by
from actors.payment.phases import TAKEN, refund_after
from actors.payment.state import Refund
from actors.payment.turn import EXCESS, Turn
from actors.payment.waiting import keep_early, watch
from actors.ports import MerchantCard
from actors.wallet.messages import TopUpReturned

_REFUND_EVENTS = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
"""The provider's words -> events of phases.REFUNDS."""
CORRECTED, TOO_MUCH = "corrected", "taken_too_much"
_GIVE_BACK = "it could not be refunded: see that the account has the money, then refund this amount here or in the dashboard"


def decide_refund(turn: Turn, message: m.RefundPayment) -> Decision:
    """Idempotent by the caller's id."""
    state = turn.state
    if state.opened is None or state.phase not in TAKEN:
        phase = "unknown" if state.opened is None else state.phase
        return turn.decision(Refused("not_captured", f"nothing was captured, the payment is {phase}"))
    known = next((one for one in state.refunds if one.id == message.id), None)
    if known is not None:
        if message.amount_minor not in (None, known.amount_minor):
            return turn.decision(Refused("differs", f"refund {message.id!r} was for {known.amount_minor}", "amount_minor"))
        return turn.decision(m.RefundTaken(known.id, known.amount_minor))
    left = state.taken_minor - state.claimed_minor
    amount = left if message.amount_minor is None else message.amount_minor
    if amount <= 0 or amount > left:
        return turn.decision(Refused("too_much", f"{left} of {state.taken_minor} can be refunded", "amount_minor"))
    if amount != chargeable(amount, turn.currency):
        step = card_step(turn.currency)
        return turn.decision(Refused("bad_amount", f"{turn.currency} is paid back in multiples of {step}", "amount_minor"))
    if len(state.refunds) >= turn.limits.payment_refunds:
        return turn.decision(Refused("too_many", f"a payment has {turn.limits.payment_refunds} refunds at most"))
    _ask(turn, message.id, message.who, message.reason, amount, message.return_fee)
    return turn.decision(m.RefundTaken(message.id, amount))


def _ask(turn: Turn, id: str, who: str, reason: str, amount: int, return_fee: bool) -> None:
    state, n = turn.state, len(turn.state.refunds) + 1
    assert state.intent is not None
    back = return_fee and turn.account is not None and state.fee_minor > 0
    name = f"refund:{n}"
    turn.put(f.RefundAsked(n, id, who, reason, amount, back, turn.now, min(amount, state.excess_left_minor)))
    turn.tell("refund_asked", refund=id, amount_minor=amount, who=who, why=reason)
    call = psp.RefundCharge(
        key=turn.key(name),
        made_at=turn.now,
        account=turn.account,
        tenant=turn.tenant,
        attempt=turn.attempt,
        intent=state.intent,
        amount_minor=amount,
        currency=turn.currency,
        return_fee=back,
    )
    turn.ask(name, call)


def correct(turn: Turn) -> None:
    """The session costs less than was taken, by its last word: the difference goes back by itself. One that costs more is never
    charged again."""
    state, told = turn.state, turn.state.told
    if told is None or state.phase not in TAKEN or told.outcome not in ("rated", "waived"):
        return
    cost = told.cost.incl.amount_minor if told.cost is not None and told.outcome == "rated" else 0
    too_much = chargeable(state.taken_minor - state.claimed_minor - cost, turn.currency)
    id = f"{CORRECTED}:{told.n}"
    if too_much > 0 and not any(one.id == id for one in state.refunds) and len(state.refunds) < turn.limits.payment_refunds:
        _ask(turn, id, "session", CORRECTED if cost else told.outcome, too_much, True)


def give_back_excess(turn: Turn) -> None:
    """What was taken past us beyond what we asked for goes back by itself. The provider may refuse, for want of money on the
    account: then it is tried daily, and at last left to an operator, who sees it in 2400."""
    state, limits = turn.state, turn.limits
    ours = [one for one in state.refunds if one.id.startswith(f"{TOO_MUCH}:") and one.status in ("asked", "pending", "succeeded")]
    # One of these that another was faster than has given the driver as much all the same, out of what was sold.
    owed = state.excess_left_minor - sum(one.sold_minor for one in ours)
    amount = chargeable(min(owed, state.taken_minor - state.claimed_minor), turn.currency)
    if amount <= 0:
        if owed > 0 and any(one.status == "open" for one in state.disputes):
            # The bank has it for now; where the dispute is won it is owed again.
            turn.timer(EXCESS, turn.now + limits.payment_daily, m.ExcessDue())
        return
    tries = sum(one.id.startswith(f"{TOO_MUCH}:") for one in state.refunds)
    if tries >= limits.payment_excess_tries or len(state.refunds) >= limits.payment_refunds:
        turn.tell("excess_kept", amount_minor=amount, action=_GIVE_BACK)
        return
    _ask(turn, f"{TOO_MUCH}:{tries + 1}", "payment", TOO_MUCH, amount, True)


def _excess_stays(turn: Turn, known: Refund) -> None:
    """Whoever asked for the refund that did not get through."""
    if known.excess_minor:
        turn.timer(EXCESS, turn.now + turn.limits.payment_daily, m.ExcessDue())


# -- refunds seen ----------------------------------------------------------------------------------------------------


def see_refund(turn: Turn, seen: psp.RefundSeen, card: MerchantCard) -> None:
    state = turn.state
    if state.opened is None or seen.intent not in (None, state.intent):
        return
    if state.phase not in TAKEN:
        keep_early(turn, seen)
        return
    known = _refund_of(turn, seen)
    if known is None:
        # What it shows is done: wishes of ours that were only asked for take nothing from it, it is they that will be refused.
        # Nor does a dispute: the bank took that from the same money.
        given = [one for one in state.refunds if one.status in ("pending", "succeeded")]
        left = state.taken_minor - sum(one.amount_minor for one in given)
        excess = min(seen.amount_minor, state.excess_there_minor)
        # What was taken too much and lost in a dispute since is in the books as that: reconciliation puts such a refund to 2400.
        unsold = state.captured_minor - sum(one.sold_minor for one in given)
        if len(state.refunds) >= turn.limits.payment_refunds_seen or seen.amount_minor > min(left, unsold + excess):
            turn.tell("mismatch", refund=seen.refund, refunded_minor=seen.amount_minor, left_minor=min(left, unsold + excess))
            return
        n = len(state.refunds) + 1
        turn.put(f.RefundFound(n, seen.refund, seen.amount_minor, turn.now, excess))
        known = turn.state.refunds[-1]
    event = _REFUND_EVENTS.get(seen.status, "")
    status = refund_after(known.status, event)
    if status is not None:
        _move(turn, known, status, seen, card)
    elif known.status == "succeeded" and event == "succeeded" and seen.fee_returned_minor > known.fee_returned_minor:
        _more_fee(turn, known, seen, card)
    watch(turn)


def _refund_of(turn: Turn, seen: psp.RefundSeen) -> Refund | None:
    """By its id, or by our mark on one that was asked for. Who has the account can write any mark: so the amount must be ours."""
    known = next((one for one in turn.state.refunds if one.refund == seen.refund), None)
    if known is not None or seen.key is None:
        return known
    for one in turn.state.refunds:
        if one.refund is None and seen.key == turn.key(f"refund:{one.n}") and seen.amount_minor == one.amount_minor:
            return one
    return None


def _move(turn: Turn, known: Refund, status: str, seen: psp.RefundSeen, card: MerchantCard) -> None:
    back = _fee_back(turn, seen) if status == "succeeded" else 0
    excess = None
    if known.status == "asked" and status in ("pending", "succeeded") and known.excess_minor > turn.state.excess_there_minor:
        # Another one was faster, in the dashboard: what this one gives back beyond the excess takes the sale back.
        excess = max(0, turn.state.excess_there_minor)
        known = replace(known, excess_minor=excess)
    journals: tuple[JournalRow, ...] = ()
    if status == "succeeded":
        # What was lost in a dispute in the meantime may turn out to have been refunded before.
        restate(turn, turn.state.lost_minor + min(0, unreturned(turn) - known.sold_minor), _our_id(turn, known), card)
        journals = _booked(turn, known, back, card)
    elif status == "returned":
        journals = _unbooked(turn, known, card)
    detail = seen.reason or ""
    turn.put(f.RefundMoved(known.n, status, turn.now, seen.refund, back, detail, turn.journals(journals), excess))
    if status == "returned":
        again = min(turn.state.twice_minor, unreturned(turn))
        restate(turn, turn.state.lost_minor + again, f"{_our_id(turn, known)}:returned", card)
    turn.tell(f"refund_{status}", refund=known.id, amount_minor=known.amount_minor)
    if status in ("failed", "returned"):
        _excess_stays(turn, known)


def _fee_back(turn: Turn, seen: psp.RefundSeen) -> int:
    """Never more than is left of the fee."""
    return min(seen.fee_returned_minor, turn.state.fee_minor - turn.state.fee_returned_minor)


def refund_refused(turn: Turn, name: str, seen: psp.PspRefused) -> None:
    """The provider will not: nothing was refunded."""
    n = int(name.partition(":")[2])
    known = next((one for one in turn.state.refunds if one.n == n), None)
    status = refund_after(known.status, "failed") if known is not None else None
    if known is not None and status == "failed":
        turn.put(f.RefundMoved(n, status, turn.now, None, 0, seen.code))
        turn.tell("refund_failed", refund=known.id, amount_minor=known.amount_minor, code=seen.code)
        _excess_stays(turn, known)


def _our_id(turn: Turn, known: Refund) -> str:
    return m.refund_key(turn.attempt, known.n)


def _booked(turn: Turn, known: Refund, back: int, card: MerchantCard) -> tuple[JournalRow, ...]:
    state, quote = turn.state, turn.state.quote
    if quote is None:
        told = TopUpReturned(turn.attempt, known.amount_minor, turn.currency, turn.now, _our_id(turn, known))
        turn.to_wallet(told)
        return ()
    before = state.refunded_minor + state.lost_minor
    rows = posting.refund_direct(
        tenant=turn.tenant,
        refund=_our_id(turn, known),
        session=turn.ref,
        merchant=card,
        country=quote.country,
        cost=state.sold,
        kinds=state.kinds,
        captured_minor=state.captured_minor,
        refunded_before_minor=before,
        amount_minor=known.amount_minor,
        excess_minor=known.excess_minor,
        at=turn.now,
        fee_minor=state.fee_minor,
        fee_returned_before_minor=state.fee_returned_minor,
        fee_returned_minor=back,
    )
    if known.sold_minor:
        turn.document(credit_note_of(turn, card, _our_id(turn, known), known.sold_minor, before))
    return (*rows, *_partners(turn, known, before, card))


def _partners(turn: Turn, known: Refund, before: int, card: MerchantCard) -> list[JournalRow]:
    """Their shares go back in proportion."""
    state, rows = turn.state, []
    net = posting.split_of(state.sold, state.kinds).of(state.captured_minor).net if card.partners else 0
    for share in card.partners:
        row = posting.partner_returned(
            tenant=turn.tenant,
            refund=_our_id(turn, known),
            session=turn.ref,
            partner=share.partner,
            share_minor=posting.partner_share(net, share.percent),
            gross_minor=state.captured_minor,
            refunded_before_minor=before,
            amount_minor=known.sold_minor,
            currency=turn.currency,
            at=turn.now,
        )
        if row is not None:
            rows.append(row)
            to = merchant_address(turn.tenant, share.partner)
            back = row.entries[0].amount_minor
            turn.letter(to, OwnerDebited(turn.ref, turn.ref, back, turn.currency, turn.now, "partner"))
    return rows


def _more_fee(turn: Turn, known: Refund, seen: psp.RefundSeen, card: MerchantCard) -> None:
    """The provider counted the fee's part after the refund itself: the first time that it does, it is booked."""
    state, quote, back = turn.state, turn.state.quote, _fee_back(turn, seen)
    if quote is None or known.fee_returned_minor or not back:
        return
    rows = posting.fee_returned(
        tenant=turn.tenant,
        refund=_our_id(turn, known),
        session=turn.ref,
        merchant=card,
        country=quote.country,
        currency=turn.currency,
        fee_minor=state.fee_minor,
        returned_before_minor=state.fee_returned_minor,
        returned_minor=back,
        at=turn.now,
    )
    ids = turn.journals(rows)
    turn.put(f.RefundMoved(known.n, known.status, turn.now, seen.refund, back, "", ids))


def _unbooked(turn: Turn, known: Refund, card: MerchantCard) -> tuple[JournalRow, ...]:
    """It came back from the card's bank. A top-up's is for an operator: its wallet has given the money away already."""
    state, quote = turn.state, turn.state.quote
    if quote is None:
        return ()
    after = state.refunded_minor + state.lost_minor - known.sold_minor
    if known.sold_minor:
        turn.document(reinstated_by(turn, card, _our_id(turn, known), known.sold_minor, after))
    return posting.refund_failed(
        tenant=turn.tenant,
        refund=_our_id(turn, known),
        session=turn.ref,
        merchant=card,
        country=quote.country,
        cost=state.sold,
        kinds=state.kinds,
        captured_minor=state.captured_minor,
        refunded_after_minor=after,
        amount_minor=known.amount_minor,
        excess_minor=known.excess_minor,
        at=turn.now,
        fee_minor=state.fee_minor,
        fee_returned_after_minor=state.fee_returned_minor - known.fee_returned_minor,
        fee_returned_minor=known.fee_returned_minor,
    )


# -- looking ourselves ---------------------------------------------------------------------------------------------------


def watch_due(turn: Turn) -> None:
    if turn.is_asked("watch"):
        watch(turn)
        return
    for refund in turn.state.refunds:
        if refund.status == "pending" and refund.refund is not None:
            name = turn.name("watch")
            turn.ask(name, psp.FetchRefund(key=turn.key(name), made_at=turn.now, account=turn.account, refund=refund.refund))
    for dispute in turn.state.disputes:
        if dispute.status in ("open", "warned"):
            name = turn.name("watch")
            call = psp.FetchDispute(key=turn.key(name), made_at=turn.now, account=turn.account, dispute=dispute.dispute)
            turn.ask(name, call)
    watch(turn)
