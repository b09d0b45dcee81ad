"""Journals of direct charges: captured, the provider's fee, refunds, disputes (MONEY 1.5, 3.4).

A direct charge lies on the merchant's own account with the provider: its holder is the seller, bears refunds, disputes and
the provider's fee, and pays the brand an application fee. Where the merchant is the brand itself there is one book and no fee;
where the brand sells at an owner's station, it is a purchase and a sale (posting_resold.py).
"""

from collections.abc import Sequence
from datetime import datetime

from actors.merchant.messages import BRAND
from actors.model.money import Cost
from actors.model.posting_lines import Fact, Lines, credit, debit, earned_fee, negative, paid_fee, sold, swapped, unsold
from actors.model.posting_resold import Resale, is_resold
from actors.model.rating import KindNet
from actors.model.rows import JournalRow
from actors.model.shares import Split, fee_of, split_of
from actors.ports import MerchantCard


def book_of(merchant: MerchantCard) -> str:
    """The book of a merchant: its id. A merchant without an account of its own is paid to the brand's and kept in its book."""
    return BRAND if merchant.account is None else merchant.id


def holder(merchant: MerchantCard) -> str:
    """Qualifier of 1100 and 1110: the account with the provider, `brand` for the brand's own."""
    return merchant.account or BRAND


def fee_country(merchant: MerchantCard, country: str) -> str:
    """Whose VAT a commission bears: a service between businesses is taxed where the merchant is."""
    return merchant.seller.country or country


def captured(
    *,
    tenant: str,
    attempt: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    captured_minor: int,
    fee_minor: int,
    at: datetime,
    excess_minor: int = 0,
) -> tuple[JournalRow, ...]:
    """M: 1110 gross less fee, 5010, 1310 | 4000, 2300. B: 1110 fee | 4200, 2300. Nothing for a capture of nothing.

    `captured_minor` may be less than the cost (the hold was smaller): the merchant waives the rest, and revenue and VAT are
    those of what came. `excess_minor` came beyond it: it is the driver's, | 2400 until it is given back. `fee_minor`: the
    application fee as the provider takes it. Raises ValueError where more is captured than the session cost, or a fee beyond
    what came or of the brand itself.
    """
    taken = captured_minor + excess_minor
    if taken == 0:
        return ()
    book = book_of(merchant)
    if not 0 <= fee_minor <= taken or (fee_minor and book == BRAND):
        raise ValueError(f"an application fee of {fee_minor} of {taken} in book {book}")
    fact = Fact(tenant, "captured", attempt, session, cost.incl.currency, at, book != BRAND)
    if is_resold(merchant):
        resale = _resale(merchant, country, cost, kinds, captured_minor)
        brand_owes, owed = resale.owed(resale.due - (captured_minor - fee_minor))
        kept = debit(f"1110/{holder(merchant)}", taken - fee_minor)
        return (
            fact.journal(book, kept, owed, resale.owner(0, captured_minor), credit("2400", excess_minor)),
            fact.journal(BRAND, debit(f"1110/{BRAND}", fee_minor), resale.brand(0, captured_minor), brand_owes),
        )
    fee, where = fee_of(fee_minor, merchant.commission_vat_percent), fee_country(merchant, country)
    sale = sold(split_of(cost, kinds).of(captured_minor), country)
    pending = debit(f"1110/{holder(merchant)}", taken - fee_minor)
    paid = paid_fee(fee, where, merchant.commission_vat_percent)
    journals = [fact.journal(book, pending, paid, sale, credit("2400", excess_minor))]
    if fee_minor:
        earned = earned_fee(fee, where, merchant.commission_vat_percent)
        journals.append(fact.journal(BRAND, debit(f"1110/{BRAND}", fee_minor), earned))
    return tuple(journals)


def psp_fee(
    *,
    tenant: str,
    charge: str,
    ref: str,
    merchant: MerchantCard | None,
    fee_minor: int,
    currency: str,
    at: datetime,
) -> JournalRow | None:
    """The provider's own fee of a charge, when it tells it: 5000 | 1110. `merchant` None: a charge on the brand's account (a
    top-up). `charge`: id of the charge or attempt, once per fee. `ref`: the session, else the attempt. None for no fee."""
    if not fee_minor:
        return None
    book, account = _where(merchant)
    fact = Fact(tenant, "psp fee", charge, ref, currency, at)
    return fact.journal(book, debit("5000", fee_minor), credit(f"1110/{account}", fee_minor))


def refund_direct(
    *,
    tenant: str,
    refund: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    captured_minor: int,
    refunded_before_minor: int,
    amount_minor: int,
    at: datetime,
    fee_minor: int = 0,
    fee_returned_before_minor: int = 0,
    fee_returned_minor: int = 0,
    excess_minor: int = 0,
) -> tuple[JournalRow, ...]:
    """M: 4000, 2300 | 1100. What comes back of the application fee is `fee_returned`'s. `refund`: our id of it. `excess_minor` of
    the amount had been taken too much: 2400 | 1100.

    `fee_minor`: what the fee was; `fee_returned_minor`: what the provider gave back of it with this refund. Raises ValueError
    for more than was captured.
    """
    book, after = book_of(merchant), refunded_before_minor + amount_minor - excess_minor
    given = credit(f"1100/{holder(merchant)}", amount_minor), debit("2400", excess_minor)
    money: tuple[JournalRow, ...]
    if is_resold(merchant):
        fact = Fact(tenant, "refund", refund, session, cost.incl.currency, at, True)
        money = _unsold_by_the_brand(
            fact, _resale(merchant, country, cost, kinds, captured_minor), refunded_before_minor, after, given
        )
    else:
        back = split_of(cost, kinds).of(captured_minor).between(refunded_before_minor, after)
        fact = Fact(tenant, "refund", refund, session, cost.incl.currency, at)
        money = (fact.journal(book, unsold(back, country), *given),)
    return *money, *fee_returned(
        tenant=tenant,
        refund=refund,
        session=session,
        merchant=merchant,
        country=country,
        currency=cost.incl.currency,
        fee_minor=fee_minor,
        returned_before_minor=fee_returned_before_minor,
        returned_minor=fee_returned_minor,
        at=at,
    )


def fee_returned(
    *,
    tenant: str,
    refund: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    currency: str,
    fee_minor: int,
    returned_before_minor: int,
    returned_minor: int,
    at: datetime,
) -> tuple[JournalRow, ...]:
    """M: 1100 | 5010, 1310. B: 4200, 2300 | 1100. Where the brand sells it settles what the brand owes for the refund: M: 1100 |
    1250, B: 2200 | 1100. Nothing where nothing came back."""
    if not returned_minor:
        return ()
    if is_resold(merchant):
        fact = Fact(tenant, "fee returned", refund, session, currency, at, True)
        return _fee_settled(fact, merchant, returned_minor)
    rate, where = merchant.commission_vat_percent, fee_country(merchant, country)
    fee = fee_of(fee_minor, rate).between(returned_before_minor, returned_before_minor + returned_minor)
    fact = Fact(tenant, "fee returned", refund, session, currency, at, True)
    return (
        fact.journal(book_of(merchant), debit(f"1100/{holder(merchant)}", returned_minor), negative(paid_fee(fee, where, rate))),
        fact.journal(BRAND, negative(earned_fee(fee, where, rate)), credit(f"1100/{BRAND}", returned_minor)),
    )


def refund_failed(
    *,
    tenant: str,
    refund: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    captured_minor: int,
    refunded_after_minor: int,
    amount_minor: int,
    at: datetime,
    fee_minor: int = 0,
    fee_returned_after_minor: int = 0,
    fee_returned_minor: int = 0,
    excess_minor: int = 0,
) -> tuple[JournalRow, ...]:
    """A refund that was booked did not reach the card: the money is back, and the sale stands again. It is a step back from the
    sum of all refunds, `refunded_after_minor` being what is left of it, so that cents never get lost between refunds."""
    book, before = book_of(merchant), refunded_after_minor + amount_minor - excess_minor
    if is_resold(merchant):
        fact = Fact(tenant, "refund failed", refund, session, cost.incl.currency, at, True)
        given = credit(f"1100/{holder(merchant)}", amount_minor), debit("2400", excess_minor)
        resale = _resale(merchant, country, cost, kinds, captured_minor)
        undone = _unsold_by_the_brand(fact, resale, refunded_after_minor, before, given)
        again = Fact(tenant, "fee taken again", refund, session, cost.incl.currency, at, True)
        fees = _fee_settled(again, merchant, fee_returned_minor) if fee_returned_minor else ()
        return tuple([swapped(journal) for journal in (*undone, *fees)])
    step = split_of(cost, kinds).of(captured_minor).between(refunded_after_minor, before)
    fact = Fact(tenant, "refund failed", refund, session, cost.incl.currency, at)
    back = debit(f"1100/{holder(merchant)}", amount_minor)
    journals = [fact.journal(book, back, sold(step, country), credit("2400", excess_minor))]
    if fee_returned_minor:
        rate, where = merchant.commission_vat_percent, fee_country(merchant, country)
        fee = fee_of(fee_minor, rate).between(fee_returned_after_minor, fee_returned_after_minor + fee_returned_minor)
        fact = Fact(tenant, "fee taken again", refund, session, cost.incl.currency, at, True)
        paid = paid_fee(fee, where, rate)
        journals.append(fact.journal(book, paid, credit(f"1100/{holder(merchant)}", fee_returned_minor)))
        earned = earned_fee(fee, where, rate)
        journals.append(fact.journal(BRAND, debit(f"1100/{BRAND}", fee_returned_minor), earned))
    return tuple(journals)


def dispute_opened(
    *,
    tenant: str,
    dispute: str,
    ref: str,
    merchant: MerchantCard | None,
    amount_minor: int,
    fee_minor: int,
    currency: str,
    at: datetime,
) -> JournalRow:
    """The provider withdrew the disputed amount and its fee: 1160, 5050 | 1100, also of what was refunded before. `merchant`
    None: of a top-up, on the brand's account. `ref`: the session, else the attempt; 1160 returns to zero per ref."""
    book, account = _where(merchant)
    fact = Fact(tenant, "dispute opened", dispute, ref, currency, at)
    taken = credit(f"1100/{account}", amount_minor + fee_minor)
    return fact.journal(book, debit("1160", amount_minor), debit("5050", fee_minor), taken)


def dispute_won(
    *,
    tenant: str,
    dispute: str,
    ref: str,
    merchant: MerchantCard | None,
    amount_minor: int,
    currency: str,
    at: datetime,
    fee_minor: int = 0,
) -> JournalRow:
    """Reinstated: 1100 | 1160, and 5050 where the provider gives its fee back."""
    book, account = _where(merchant)
    fact = Fact(tenant, "dispute won", dispute, ref, currency, at)
    back = debit(f"1100/{account}", amount_minor + fee_minor)
    return fact.journal(book, back, credit("1160", amount_minor), credit("5050", fee_minor))


def dispute_lost(
    *,
    tenant: str,
    dispute: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    captured_minor: int,
    refunded_before_minor: int,
    amount_minor: int,
    at: datetime,
    twice_minor: int = 0,
    excess_minor: int = 0,
) -> tuple[JournalRow, ...]:
    """5060 net, 2300 VAT | 1160: what was sold was never paid, so its VAT is corrected as by a refund. What is refunded and lost
    counts up together: `refunded_before_minor` has both. `twice_minor` of the amount was refunded before, and its VAT corrected
    then: all of that is 5060. `excess_minor` had been taken too much, and was the driver's: 2400. Where the
    brand sells it bears the loss: B: 5060, 2300 | 2200, M: 1250 | 1160."""
    sold_minor = amount_minor - twice_minor - excess_minor
    step = split_of(cost, kinds).of(captured_minor).between(refunded_before_minor, refunded_before_minor + sold_minor)
    fact = Fact(tenant, "dispute lost", dispute, session, cost.incl.currency, at, is_resold(merchant))
    loss = debit("5060", step.net + twice_minor), _vat(step, country)
    taken = debit("2400", excess_minor), credit("1160", amount_minor)
    if not is_resold(merchant):
        return (fact.journal(book_of(merchant), *loss, *taken),)
    brand_owes, owed = _resale(merchant, country, cost, kinds, captured_minor).owed(sold_minor + twice_minor)
    journals = [fact.journal(book_of(merchant), owed, *taken)]
    if sold_minor + twice_minor:
        journals.append(fact.journal(BRAND, *loss, brand_owes))
    return tuple(journals)


def loss_restated(
    *,
    tenant: str,
    dispute: str,
    key: str,
    session: str,
    merchant: MerchantCard,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    captured_minor: int,
    returned_before_minor: int,
    step_minor: int,
    at: datetime,
) -> tuple[JournalRow, ...]:
    """So much more (below zero: less) of a lost dispute is a loss of what was sold, and not of what had been refunded:
    2300 | 5060, or the other way. `returned_before_minor`: refunded and lost of what was sold, so far. `key`: what
    changed it."""
    split = split_of(cost, kinds).of(captured_minor)
    low, high = sorted((returned_before_minor, returned_before_minor + step_minor))
    vat = _vat(split.between(low, high), country)
    total = sum(minor for _, _, minor in vat)
    if not total:
        return ()
    fact = Fact(tenant, "dispute restated", f"{dispute}/{key}", session, cost.incl.currency, at)
    lines = (vat, credit("5060", total)) if step_minor > 0 else (negative(vat), debit("5060", total))
    return (fact.journal(BRAND if is_resold(merchant) else book_of(merchant), *lines),)


def _resale(merchant: MerchantCard, country: str, cost: Cost, kinds: Sequence[KindNet], captured_minor: int) -> Resale:
    whole = split_of(cost, kinds)
    return Resale(merchant, country, whole.of(captured_minor), whole)


def _unsold_by_the_brand(
    fact: Fact, resale: Resale, before: int, after: int, given: tuple[Lines, Lines]
) -> tuple[JournalRow, ...]:
    """The owner has paid the driver (`given`) for the brand, which owes it what that is beyond the owner's own supply."""
    brand_owes, owed = resale.owed(after - before - resale.bought(before, after).gross)
    owner = fact.journal(book_of(resale.merchant), negative(resale.owner(before, after)), owed, *given)
    return (owner, fact.journal(BRAND, negative(resale.brand(before, after)), brand_owes)) if after > before else (owner,)


def _fee_settled(fact: Fact, merchant: MerchantCard, minor: int) -> tuple[JournalRow, ...]:
    return (
        fact.journal(book_of(merchant), debit(f"1100/{holder(merchant)}", minor), credit("1250", minor)),
        fact.journal(BRAND, debit(f"2200/{merchant.id}", minor), credit(f"1100/{BRAND}", minor)),
    )


def _vat(step: Split, country: str) -> Lines:
    """The debits that take the VAT of a sale back."""
    return [line for line in unsold(step, country) if line[1].startswith("2300")]


def _where(merchant: MerchantCard | None) -> tuple[str, str]:
    return (BRAND, BRAND) if merchant is None else (book_of(merchant), holder(merchant))
