"""Journals of wallet money: top-ups, sessions, what is collected later, refunds into the wallet, closing (MONEY 3.4).

The driver paid the brand before it was known where the energy would come from. Who sells it decides the VAT: the owner of the
station (the brand keeps a commission and owes the rest), or the brand, which then buys from the owner, like an eMSP.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from actors.merchant.messages import BRAND
from actors.model.ledger import receivable
from actors.model.money import Cost
from actors.model.posting_card import fee_country
from actors.model.posting_lines import Fact, Lines, credit, debit, earned_fee, paid_fee, sold, swapped, vat_input
from actors.model.rating import KindNet
from actors.model.rows import JournalRow
from actors.model.shares import Commission, Split, commission, in_proportion, split_of
from actors.ports import MerchantCard


class Promo(msgspec.Struct, frozen=True, gc=False):
    """Promo credit that pays part of a session. `funded_by` brand: a discount where the brand sells, which lowers the tax base;
    where the owner sells, the brand pays the owner for the driver (5040). `sponsor`: owes it (1260), the price stays."""

    amount_minor: int
    funded_by: Literal["brand", "sponsor"]
    sponsor: str | None = None


def wallet_account(wallet: str) -> str:
    return f"2100/{wallet}"


def topped_up(*, tenant: str, attempt: str, wallet: str, amount_minor: int, currency: str, at: datetime) -> JournalRow:
    """1110 | 2100: the gross; the provider's fee is a journal of its own (`psp_fee`)."""
    fact = Fact(tenant, "topped up", attempt, attempt, currency, at)
    return fact.journal(BRAND, debit(f"1110/{BRAND}", amount_minor), credit(wallet_account(wallet), amount_minor))


def topup_returned(
    *,
    tenant: str,
    refund: str,
    attempt: str,
    wallet: str,
    taken_minor: int,
    at: datetime,
    currency: str,
    owed_minor: int = 0,
    token_ref: str | None = None,
    disputed: bool = False,
) -> JournalRow:
    """A top-up goes back to the card: 2100 | 1100. Where it is lost in a dispute (`disputed`): 2100 | 1160. What the wallet has
    not any more is owed by the customer (1220): a wallet is never overdrawn. `refund`: our id of the refund or dispute."""
    fact = Fact(tenant, "top-up returned", refund, attempt, currency, at)
    source = "1160" if disputed else f"1100/{BRAND}"
    owed = debit(receivable(token_ref or wallet), owed_minor)
    return fact.journal(BRAND, debit(wallet_account(wallet), taken_minor), owed, credit(source, taken_minor + owed_minor))


class WalletSale(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a wallet pays, as its journals and those of its refunds need it. `merchant` None: the brand's own station.
    `promo`: what promo credit paid of it. Build it from the session's booking and keep its parts in facts."""

    tenant: str
    session: str
    wallet: str
    token_ref: str | None
    merchant: MerchantCard | None
    country: str
    cost: Cost
    kinds: tuple[KindNet, ...]
    promo: Promo | None = None
    bases: tuple[tuple[Decimal | None, int], ...] = ()
    """The net per rate of VAT (None: no tax named), where it was told: what documents say of it."""

    @property
    def seller(self) -> Literal["owner", "reseller", "brand"]:
        if self.merchant is None or self.merchant.id == BRAND:
            return "brand"
        return "owner" if self.merchant.sells == "owner" else "reseller"

    @property
    def discount_minor(self) -> int:
        """What the price is lowered by."""
        return self.promo.amount_minor if self.promo and self.promo.funded_by == "brand" and self.seller != "owner" else 0

    @property
    def price_minor(self) -> int:
        return self.cost.incl.amount_minor - self.discount_minor

    @property
    def others_minor(self) -> int:
        """What somebody else pays of the price: a sponsor, or the brand to the owner."""
        return self.promo.amount_minor - self.discount_minor if self.promo else 0

    def sale(self) -> Split:
        return split_of(self.cost, self.kinds).of(self.price_minor)

    def fee(self) -> Commission:
        assert self.merchant is not None
        return commission(self.cost.incl.amount_minor, self.merchant.commission_percent, self.merchant.commission_vat_percent)

    def owner_minor(self) -> int:
        """What 2200 is credited: the merchant's due, to be transferred. 0 where the brand owns the station."""
        return 0 if self.seller == "brand" else self.cost.incl.amount_minor - self.fee().gross

    def journals(self, fact: Fact, paid: Lines, before: int, after: int) -> tuple[JournalRow, ...]:
        """The step from `before` to `after` of the price, `paid` being its debits; a refund is a step back."""
        split, whole = self.sale(), self.price_minor
        step = split.between(before, after)
        if self.merchant is None or self.seller == "brand":
            return (fact.journal(BRAND, paid, sold(step, self.country)),)
        owner = f"2200/{self.merchant.id}"
        rate, where = self.merchant.commission_vat_percent, fee_country(self.merchant, self.country)
        fee = self.fee()
        if self.seller == "owner":
            cut = fee.between(in_proportion(before, fee.gross, whole), in_proportion(after, fee.gross, whole))
            due = after - before - cut.gross
            return (
                fact.journal(BRAND, paid, credit(owner, due), earned_fee(cut, where, rate)),
                fact.journal(self.merchant.id, debit("1250", due), paid_fee(cut, where, rate), sold(step, self.country)),
            )
        whole_due = self.owner_minor()
        supply = split_of(self.cost, self.kinds).of(whole_due)
        low, high = in_proportion(before, whole_due, whole), in_proportion(after, whole_due, whole)
        bought = supply.between(low, high)
        purchase = debit(f"5030/{self.merchant.id}", bought.net)
        for vat, minor in bought.vat:
            purchase += debit(vat_input(self.country, vat), minor)
        own = sold(step, self.country, account="4110")
        brand = fact.journal(BRAND, paid, purchase, credit(owner, high - low), own)
        if high == low:
            return (brand,)
        return brand, fact.journal(self.merchant.id, debit("1250", high - low), sold(bought, self.country))

    def other_payer(self, minor: int) -> Lines:
        if self.promo is None or not minor:
            return []
        return debit(f"1260/{self.promo.sponsor or 'unknown'}" if self.promo.funded_by == "sponsor" else "5040", minor)


def wallet_session(sale: WalletSale, *, taken_minor: int, owed_minor: int, at: datetime, n: int = 0) -> tuple[JournalRow, ...]:
    """What a session cost, from the wallet (2100), owed by the customer (1220), by a sponsor (1260) or paid by the brand (5040).

    Owner sells: B | 2200/owner, 4200, 2300; M 1250, 5010, 1310 | 4000, 2300. Brand sells at an owner's station: B also 5030,
    1310 | 2200/owner, 4110, 2300; M 1250 | 4000, 2300. Own station: B | 4000, 2300. Transfer `sale.owner_minor()` then. `n`:
    counts up the bookings of a session that was corrected. Raises ValueError where the parts do not make the price.
    """
    if taken_minor + owed_minor + sale.others_minor != sale.price_minor:
        raise ValueError(f"{taken_minor} taken, {owed_minor} owed and {sale.others_minor} of others are not {sale.price_minor}")
    if not sale.price_minor:
        return ()
    currency = sale.cost.incl.currency
    fact = Fact(sale.tenant, "wallet session", f"{sale.session}#{n}", sale.session, currency, at, sale.seller != "brand")
    paid = debit(wallet_account(sale.wallet), taken_minor) + debit(receivable(sale.token_ref), owed_minor)
    return sale.journals(fact, paid + sale.other_payer(sale.others_minor), 0, sale.price_minor)


def refund_wallet(
    sale: WalletSale,
    *,
    refund: str,
    refunded_before_minor: int,
    at: datetime,
    to_wallet_minor: int,
    off_owed_minor: int = 0,
    to_other_minor: int = 0,
) -> tuple[JournalRow, ...]:
    """Part of a wallet session's price is given back: to the wallet, off what the customer owes, to the sponsor (or brand) whose
    promo credit paid it. The mirror of `wallet_session`, in proportion and on the sum so far: B 2200/owner, 4200, 2300 | 2100;
    M 4000, 2300 | 1250, 5010, 1310. Where the owner was paid already, `transfer_reversed` of `refund_due(...)` follows.

    `refunded_before_minor` is the sum of all three of earlier refunds. Raises ValueError beyond the price.
    """
    amount = to_wallet_minor + off_owed_minor + to_other_minor
    currency = sale.cost.incl.currency
    fact = Fact(sale.tenant, "wallet refund", refund, sale.session, currency, at, sale.seller != "brand")
    given = debit(wallet_account(sale.wallet), to_wallet_minor) + debit(receivable(sale.token_ref), off_owed_minor)
    given += sale.other_payer(to_other_minor)
    # A refund is booked as a sale of the same step would be, sides swapped: the first refund of 5.00 is split as 5.00 is.
    step = sale.journals(fact, given, refunded_before_minor, refunded_before_minor + amount)
    return tuple([swapped(journal) for journal in step])


def refund_due(sale: WalletSale, refunded_before_minor: int, amount_minor: int) -> int:
    """What such a refund takes back from 2200/owner, in minor units: the owner's transfer is reversed by so much."""
    before, after, whole = refunded_before_minor, refunded_before_minor + amount_minor, sale.price_minor
    if sale.seller == "brand":
        return 0
    if sale.seller == "owner":
        fee = sale.fee().gross
        return amount_minor - in_proportion(after, fee, whole) + in_proportion(before, fee, whole)
    return in_proportion(after, sale.owner_minor(), whole) - in_proportion(before, sale.owner_minor(), whole)


def collected(
    *, tenant: str, wallet: str, token_ref: str | None, session: str, key: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """The wallet pays what was owed of a session: 2100 | 1220. `key`: the top-up or whatever made it possible."""
    fact = Fact(tenant, "collected", f"{wallet}/{session}/{key}", session, currency, at)
    return fact.journal(BRAND, debit(wallet_account(wallet), amount_minor), credit(receivable(token_ref), amount_minor))


def wallet_closed(
    *, tenant: str, wallet: str, key: str, amount_minor: int, currency: str, at: datetime, source: str = f"1100/{BRAND}"
) -> JournalRow:
    """What is left is paid out to the driver: 2100 | 1100. `key`: of the pay-out. `source`: 1010 where it came from the bank, not
    through the provider."""
    fact = Fact(tenant, "wallet closed", key, wallet, currency, at)
    return fact.journal(BRAND, debit(wallet_account(wallet), amount_minor), credit(source, amount_minor))
