"""Disputes of what was captured: an inquiry, money withdrawn, won or lost (MONEY 1.5). Pure functions.

The books follow what the provider shows: what it withdrew stands in 1160 until the dispute has ended. One that is seen for the
first time when it is over is booked as if it had been seen all along.

A bank may take back what was refunded already: then the driver has that part twice. It is withdrawn like the rest, an operator
is told (the refund is the evidence), and where the dispute is lost it is a loss without VAT, for the refund has corrected that.
Which part is lost how depends on what is refunded, whichever is seen first: so a refund that is seen, or comes back, after the
loss shifts it (`restate`).
"""

from actors.model import posting, psp
from actors.model.rows import JournalRow
from actors.payment import facts as f
from actors.payment.phases import TAKEN, dispute_after
from actors.payment.rows import twice_of
from actors.payment.state import Dispute
from actors.payment.turn import Turn
from actors.payment.waiting import keep_early, watch
from actors.ports import MerchantCard
from actors.wallet.messages import TopUpReturned

_ANSWER = "hand in evidence: this payment was refunded before it was disputed, and the evidence says so"
_CLAIM = "the driver has this twice; whoever sold may claim it back from the driver"


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
    twice, excess = (known.twice_minor, known.excess_minor) if known is not None else (0, 0)
    journals: list[JournalRow] = []
    if status in ("open", "won", "lost") or (known is not None and known.status == "open" and event == "opened"):
        line = _taken_of(seen)
        if not withdrawn and event == "opened" and line is not None:
            # Where the account settles in another currency the line is in that one; reconciliation tells what is missing.
            withdrawn = -line.amount_minor if line.currency == turn.currency else seen.amount_minor
            journals.append(_withdrawn(turn, seen, withdrawn, line, card))
        if status == "lost":
            excess = min(withdrawn, turn.state.excess_left_minor)
            twice = withdrawn - excess - min(withdrawn - excess, unreturned(turn))
        if status in ("won", "lost") and withdrawn:
            journals += _ended(turn, seen, status, withdrawn, (twice, excess), card)
    new = status or (known.status if known is not None else "new")
    if known is not None and new == known.status and withdrawn == known.withdrawn_minor:
        return
    ids = turn.journals(journals)
    told = f.DisputeMoved(
        seen.dispute, new, seen.amount_minor, turn.now, seen.reason, seen.evidence_by, withdrawn, ids, twice, excess
    )  # fmt: skip
    turn.put(told)
    turn.tell(f"dispute_{new}", dispute=seen.dispute, amount_minor=seen.amount_minor)
    _tell_twice(turn, seen)


def unreturned(turn: Turn) -> int:
    """Of what was sold: neither refunded nor lost, as the books have it."""
    return turn.state.captured_minor - turn.state.refunded_minor - turn.state.lost_minor


def _tell_twice(turn: Turn, seen: psp.DisputeSeen) -> None:
    twice = twice_of(turn.state)
    if twice:
        action = _CLAIM if seen.status == "lost" else _ANSWER
        turn.tell("refunded_and_disputed", dispute=seen.dispute, twice_minor=twice, action=action)


def _taken_of(seen: psp.DisputeSeen) -> psp.BalanceLine | None:
    return next((line for line in seen.lines if line.amount_minor < 0), None)


def _withdrawn(turn: Turn, seen: psp.DisputeSeen, amount: int, line: psp.BalanceLine, card: MerchantCard) -> JournalRow:
    return posting.dispute_opened(
        tenant=turn.tenant,
        dispute=seen.dispute,
        ref=turn.ref,
        merchant=card if turn.state.quote is not None else None,
        amount_minor=amount,
        fee_minor=max(0, line.fee_minor) if line.currency == turn.currency else 0,
        currency=turn.currency,
        at=turn.now,
    )


def _ended(
    turn: Turn, seen: psp.DisputeSeen, status: str, amount: int, parts: tuple[int, int], card: MerchantCard
) -> list[JournalRow]:
    """`parts` of the amount: what was refunded before, what was taken too much."""
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
            fee_minor=max(0, -back.fee_minor) if back is not None and back.currency == turn.currency else 0,
        )
        return [row]
    if quote is None:
        # Also what was refunded before: then the driver has it twice, and the wallet owes it.
        told = TopUpReturned(turn.attempt, amount, turn.currency, turn.now, seen.dispute, True)
        turn.to_wallet(told)
        return []
    twice, excess = parts
    return list(
        posting.dispute_lost(
            tenant=turn.tenant,
            dispute=seen.dispute,
            session=turn.ref,
            merchant=card,
            country=quote.country,
            cost=state.sold,
            kinds=state.kinds,
            captured_minor=state.captured_minor,
            refunded_before_minor=state.refunded_minor + state.lost_minor,
            amount_minor=amount,
            twice_minor=twice,
            excess_minor=excess,
            at=turn.now,
        )
    )


def restate(turn: Turn, lost_minor: int, key: str, card: MerchantCard) -> None:
    """Of what lost disputes took, `lost_minor` shall be a loss of what was sold: the VAT follows. `key`: of the refund that
    changed it. Nothing where no dispute was lost."""
    state, quote = turn.state, turn.state.quote
    step = lost_minor - state.lost_minor
    known = next((one for one in reversed(state.disputes) if one.status == "lost"), None)
    if known is None or not step:
        return
    rows: tuple[JournalRow, ...] = ()
    if quote is not None and state.cost is not None:
        rows = posting.loss_restated(
            tenant=turn.tenant,
            dispute=known.dispute,
            key=key,
            session=turn.ref,
            merchant=card,
            country=quote.country,
            cost=state.cost,
            kinds=state.kinds,
            captured_minor=state.captured_minor,
            returned_before_minor=state.refunded_minor + state.lost_minor,
            step_minor=step,
            at=turn.now,
        )
    twice = known.twice_minor - step
    told = f.DisputeMoved(
        known.dispute, known.status, known.amount_minor, turn.now, known.reason, known.evidence_by, known.withdrawn_minor,
        turn.journals(rows), twice, known.excess_minor,
    )  # fmt: skip
    turn.put(told)
