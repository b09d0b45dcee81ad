"""The documents of a payment: a receipt with the capture, a credit note with each refund, a receipt again where one came back.

Pure. A receipt can be made again from the state at any time and is the same: so a credit note is reckoned on what it said.
A top-up has none: what it buys is credit, and the taxes are due when it is used (MONEY 2.5).
"""

from actors.merchant.messages import BRAND, Seller
from actors.model.documents import credit_note, receipt, reinstated
from actors.model.posting import book_of
from actors.model.rows import DocumentRow
from actors.payment.turn import Turn
from actors.ports import MerchantCard


def receipt_of(turn: Turn, card: MerchantCard, captured_minor: int) -> DocumentRow | None:
    """Issued in the turn that books the capture."""
    state, quote = turn.state, turn.state.quote
    if quote is None or state.cost is None:
        return None
    return receipt(
        tenant=turn.tenant,
        payment=turn.attempt,
        session=turn.ref,
        seller_id=BRAND if turn.opened.deal.sells == BRAND else book_of(card),
        seller=turn.opened.deal.seller or Seller("", country=card.seller.country),
        country=quote.country,
        cost=state.cost,
        kinds=state.kinds,
        paid_minor=captured_minor,
        at=state.captured_at or turn.now,
        bill=state.bill,
        language=quote.language,
        shown=quote.shown,
    )


def credit_note_of(turn: Turn, card: MerchantCard, refund: str, amount_minor: int, before_minor: int) -> DocumentRow | None:
    """Issued in the turn that books the refund. `before_minor`: what was taken back before it."""
    original = receipt_of(turn, card, turn.state.captured_minor)
    if original is None:
        return None
    return credit_note(original, refund=refund, amount_minor=amount_minor, credited_before_minor=before_minor, at=turn.now)


def reinstated_by(turn: Turn, card: MerchantCard, refund: str, amount_minor: int, after_minor: int) -> DocumentRow | None:
    """The refund came back: its credit note is taken back by a receipt of the same. `after_minor`: what stays taken back."""
    note = credit_note_of(turn, card, refund, amount_minor, after_minor)
    return None if note is None else reinstated(note, at=turn.now)
