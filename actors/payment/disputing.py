"""Disputes of what was captured: an inquiry, money withdrawn, won or lost (MONEY 1.5). Pure functions.

The books follow what the provider shows: what it withdrew stands in 1160 until the dispute has ended. One that is seen for the
first time when it is over is booked as if it had been seen all along.
"""

from actors.model import posting, psp
from actors.model.rows import JournalRow
from actors.payment import facts as f
from actors.payment.phases import TAKEN, dispute_after
from actors.payment.returning import keep_early, watch
from actors.payment.state import Dispute
from actors.payment.turn import Turn
from actors.ports import MerchantCard
from actors.wallet.messages import TopUpReturned


def see_dispute(turn: Turn, seen: psp.DisputeSeen, card: MerchantCard) -> None:
    state = turn.state
    if state.opened is None or seen.intent not in (None, state.intent):
        return
    if state.phase not in TAKEN:
        keep_early(turn, seen)
        return
    known = next((one for one in state.disputes if one.dispute == seen.dispute), None)
    if known is None and len(state.disputes) >= turn.limits.payment_disputes:
        turn.tell("mismatch", dispute=seen.dispute)
        return
    for event in _dispute_events(known, seen):
        _dispute_moves(turn, seen, event, card)
    watch(turn)


def _dispute_events(known: Dispute | None, seen: psp.DisputeSeen) -> list[str]:
    """One that is seen for the first time when it is over was open before."""
    if seen.status == "warning_closed":
        return ["closed"]
    if seen.status.startswith("warning"):
        return ["warned"]
    ended = [seen.status] if seen.status in ("won", "lost") else []
    return ["opened", *ended] if known is None or known.status in ("warned", "open") else ended


def _dispute_moves(turn: Turn, seen: psp.DisputeSeen, event: str, card: MerchantCard) -> None:
    known = next((one for one in turn.state.disputes if one.dispute == seen.dispute), None)
    status = dispute_after(known.status if known is not None else "new", event)
    withdrawn = known.withdrawn_minor if known is not None else 0
    journals: list[JournalRow] = []
    if status in ("open", "won", "lost") or (known is not None and known.status == "open" and event == "opened"):
        if not withdrawn and (event == "opened") and _taken_of(seen):
            withdrawn = min(seen.amount_minor, turn.state.captured_minor - turn.state.refunded_minor - turn.state.lost_minor)
            journals += _withdrawn(turn, seen, withdrawn, card)
        if status in ("won", "lost") and withdrawn:
            journals += _ended(turn, seen, status, withdrawn, card)
    new = status or (known.status if known is not None else "new")
    if known is not None and new == known.status and withdrawn == known.withdrawn_minor:
        return
    ids = turn.journals(journals)
    turn.put(f.DisputeMoved(seen.dispute, new, seen.amount_minor, turn.now, seen.reason, seen.evidence_by, withdrawn, ids))
    turn.tell(f"dispute_{new}", dispute=seen.dispute, amount_minor=seen.amount_minor)


def _taken_of(seen: psp.DisputeSeen) -> psp.BalanceLine | None:
    return next((line for line in seen.lines if line.amount_minor < 0), None)


def _withdrawn(turn: Turn, seen: psp.DisputeSeen, amount: int, card: MerchantCard) -> list[JournalRow]:
    line = _taken_of(seen)
    if amount <= 0 or line is None:
        return []
    row = posting.dispute_opened(
        tenant=turn.tenant,
        dispute=seen.dispute,
        ref=turn.ref,
        merchant=card if turn.state.quote is not None else None,
        amount_minor=amount,
        fee_minor=max(0, line.fee_minor),
        currency=turn.currency,
        at=turn.now,
    )
    return [row]


def _ended(turn: Turn, seen: psp.DisputeSeen, status: str, amount: int, card: MerchantCard) -> list[JournalRow]:
    state, quote = turn.state, turn.state.quote
    if status == "won":
        back = next((line for line in seen.lines if line.amount_minor > 0), None)
        row = posting.dispute_won(
            tenant=turn.tenant,
            dispute=seen.dispute,
            ref=turn.ref,
            merchant=card if quote is not None else None,
            amount_minor=amount,
            currency=turn.currency,
            at=turn.now,
            fee_minor=max(0, -back.fee_minor) if back is not None else 0,
        )
        return [row]
    if quote is None:
        told = TopUpReturned(turn.attempt, amount, turn.currency, turn.now, seen.dispute, True)
        turn.to_wallet(told)
        return []
    assert state.cost is not None
    return [
        posting.dispute_lost(
            tenant=turn.tenant,
            dispute=seen.dispute,
            session=turn.ref,
            merchant=card,
            country=quote.country,
            cost=state.cost,
            kinds=state.kinds,
            captured_minor=state.captured_minor,
            refunded_before_minor=state.refunded_minor + state.lost_minor,
            amount_minor=amount,
            at=turn.now,
        )
    ]
