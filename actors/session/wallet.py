"""The booking of a session that a wallet pays: what is taken under its hold, what is owed, and who is told. Pure.

It is part of the turn that ends and rates the session, so a hold is finished by the very commit that makes the journal.
"""

from datetime import datetime

import msgspec

from actors.merchant.messages import OwnerCredited, Seller
from actors.model.bill import rated_bases
from actors.model.decision import Letter
from actors.model.ids import merchant_address, wallet_address
from actors.model.ledger import BOOK
from actors.model.posting import Promo, WalletSale, partner_accrued, wallet_account, wallet_session
from actors.model.rating import Rated
from actors.model.rows import HoldRow, JournalRow
from actors.model.token import Funds
from actors.ports import MerchantCard
from actors.session.messages import Place
from actors.session.rows import place_of
from actors.session.state import SessionState
from actors.wallet.messages import WalletCharged

PREFIX = "wallet:"


class WalletBooking(msgspec.Struct, frozen=True):
    rows: tuple[JournalRow | HoldRow, ...]
    letters: tuple[Letter, ...]
    journal: str | None


def funds_of(state: SessionState) -> Funds | None:
    """What there was to pay with, as the session knows it now."""
    if state.paying is not None:
        return state.paying.funds
    verdict = state.verdict
    return verdict.funds if verdict is not None and isinstance(verdict.funds, Funds) else None


def trimmed(merchant: MerchantCard | None) -> MerchantCard | None:
    """What a booking needs of it: facts keep its terms, not its address."""
    if merchant is None:
        return None
    return msgspec.structs.replace(merchant, seller=Seller(merchant.seller.name, country=merchant.seller.country))


def booked(session: str, state: SessionState, rated: Rated, now: datetime) -> WalletBooking:
    """min(hold, price) from the wallet, promo credit first; the rest is owed by the customer."""
    place, verdict, token = place_of(state), state.verdict, state.token
    assert verdict is not None
    assert token is not None
    wallet, funds, cost = verdict.payment[len(PREFIX) :], funds_of(state), rated.cost
    currency = cost.incl.currency
    promo = None
    if funds is not None and funds.promo_minor and cost.incl.amount_minor > 0:
        promo = Promo(min(funds.promo_minor, cost.incl.amount_minor), funds.funded_by, funds.sponsor)
    sale = WalletSale(
        tenant=place.tenant, session=session, wallet=wallet, token_ref=token.ref, merchant=state.merchant,
        country=place.country, cost=cost, kinds=rated.kinds, promo=promo, bases=rated_bases(rated),
    )  # fmt: skip
    due = sale.price_minor - sale.others_minor
    taken = min(funds.hold_minor if funds is not None else 0, due)
    journals = list(wallet_session(sale, taken_minor=taken, owed_minor=due - taken, at=now))
    first = journals[0].id if journals else None
    letters = []
    if sale.owner_minor() and sale.merchant is not None:
        credited = OwnerCredited(session, sale.owner_minor(), currency, now)
        letters.append(Letter(merchant_address(place.tenant, sale.merchant.id), credited))
    for share in sale.merchant.partners if sale.merchant is not None else ():
        accrued = partner_accrued(
            tenant=place.tenant, session=session, partner=share.partner, net_minor=cost.excl.amount_minor,
            percent=share.percent, currency=currency, at=now,
        )  # fmt: skip
        if accrued is not None:
            journals.append(accrued)
            credited = OwnerCredited(session, accrued.entries[0].amount_minor, currency, now, "partner")
            letters.append(Letter(merchant_address(place.tenant, share.partner), credited))
    hold = finished(place, verdict.payment, funds, session, now, first if taken else None)
    charged = WalletCharged(
        session, funds.hold if funds is not None else None, taken, due - taken, currency, now,
        promo.amount_minor if promo is not None else 0, token.ref, sale if sale.price_minor else None,
    )  # fmt: skip
    letters.append(Letter(wallet_address(place.tenant, wallet), charged))
    return WalletBooking((*([hold] if hold is not None else []), *journals), tuple(letters), first)


def finished(
    place: Place, payment: str, funds: Funds | None, session: str, now: datetime, journal: str | None = None
) -> HoldRow | None:
    """The end of the session's hold: posted with `journal`, or void. Promo credit alone has no row."""
    if funds is None or funds.hold is None or not funds.hold_minor or not payment.startswith(PREFIX):
        return None
    return HoldRow(
        tenant=place.tenant, id=funds.hold, book=BOOK, account=wallet_account(payment[len(PREFIX) :]),
        currency=place.currency, amount_minor=funds.hold_minor, ref=session, at=now,
        outcome="posted" if journal is not None else "void", journal=journal,
    )  # fmt: skip
