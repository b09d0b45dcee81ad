"""The documents of a wallet's sessions: the receipt with the booking, a credit note with what is given back. Pure.

A top-up has none: what it buys is credit, whose taxes are due when it is used (MONEY 2.5); the statement shows it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from actors.merchant.messages import BRAND, Seller
from actors.model.bill import Bill
from actors.model.decision import Decision
from actors.model.documents import credit_note, receipt
from actors.model.posting import WalletSale
from actors.model.rows import DocumentRow
from actors.wallet import facts as f
from actors.wallet.state import WalletState, apply, sold


def seller_of(sale: WalletSale) -> str:
    """Id of the merchant who sells to the driver."""
    return sale.merchant.id if sale.seller == "owner" and sale.merchant is not None else BRAND


def wallet_receipt(sale: WalletSale, seller: Seller, bill: Bill | None, at: datetime, language: str = "en") -> DocumentRow | None:
    """Of the whole price, also what promo credit paid of it and what is still owed: the sale is made, whoever pays."""
    return receipt(
        tenant=sale.tenant,
        payment=f"wallet:{sale.session}",
        session=sale.session,
        seller_id=seller_of(sale),
        seller=seller,
        country=sale.country,
        cost=sale.cost,
        kinds=sale.kinds,
        paid_minor=sale.price_minor,
        at=at,
        bill=bill,
        nets=sale.bases,
        method="wallet",
        language=language,
        customer=f"wallet:{sale.wallet}",
    )


def documented(state: WalletState, decision: Decision, now: datetime, sellers: Callable[[str], Seller | None]) -> Decision:
    """The same turn with a credit note for what it gives back of a session."""
    notes: Sequence[DocumentRow] = ()
    for fact in decision.facts:
        known = sold(state, fact.session) if type(fact) is f.Credited else None
        if known is not None:
            notes = (*notes, *_note(state, fact, now, sellers))
        state = apply(state, fact)
    return replace(decision, rows=(*decision.rows, *notes)) if notes else decision


def _note(state: WalletState, fact: f.Credited, now: datetime, sellers: Callable[[str], Seller | None]) -> Sequence[DocumentRow]:
    known = sold(state, fact.session)
    assert known is not None, "only what was sold is given back"
    seller = sellers(seller_of(known.sale))
    original = None if seller is None else wallet_receipt(known.sale, seller, None, now)
    if original is None:
        return ()
    amount = fact.to_wallet_minor + fact.off_owed_minor + fact.to_other_minor
    refund = f"{known.sale.wallet}/{fact.id}"
    note = credit_note(original, refund=refund, amount_minor=amount, credited_before_minor=known.refunded_minor, at=now)
    return () if note is None else (note,)
