"""Journals of money that moves on: transfers to owners and partners, funds available, payouts, suspense (MONEY 1.5, 3.4).

Transfers leave from the brand's balance only. A partner (site host, referrer) has no book of its own: what it is owed is a
projection of 2210.
"""

from datetime import datetime

from actors.merchant.messages import BRAND
from actors.model.posting_card import holder
from actors.model.posting_lines import Fact, credit, debit
from actors.model.rows import JournalRow
from actors.model.shares import in_proportion, percent_of
from actors.ports import MerchantCard


def transfer_made(
    *, tenant: str, transfer: str, merchant: MerchantCard, ref: str, amount_minor: int, currency: str, at: datetime
) -> tuple[JournalRow, ...]:
    """To an owner. B: 2200 | 1100. M: 1100 | 1250. `transfer`: our key of it. `ref`: the session it pays."""
    fact = Fact(tenant, "transfer", transfer, ref, currency, at, True)
    return (
        fact.journal(BRAND, debit(f"2200/{merchant.id}", amount_minor), credit(f"1100/{BRAND}", amount_minor)),
        fact.journal(merchant.id, debit(f"1100/{holder(merchant)}", amount_minor), credit("1250", amount_minor)),
    )


def transfer_reversed(
    *, tenant: str, reversal: str, merchant: MerchantCard, ref: str, amount_minor: int, currency: str, at: datetime
) -> tuple[JournalRow, ...]:
    """Back from an owner, after `refund_wallet` took it off its due. B: 1100 | 2200. M: 1250 | 1100. `reversal`: our key."""
    fact = Fact(tenant, "transfer reversed", reversal, ref, currency, at, True)
    return (
        fact.journal(BRAND, debit(f"1100/{BRAND}", amount_minor), credit(f"2200/{merchant.id}", amount_minor)),
        fact.journal(merchant.id, debit("1250", amount_minor), credit(f"1100/{holder(merchant)}", amount_minor)),
    )


def partner_share(net_minor: int, percent: str) -> int:
    """30 % of a net of 10.37 is 3.11."""
    return percent_of(net_minor, percent)


def partner_accrued(
    *, tenant: str, session: str, partner: str, net_minor: int, percent: str, currency: str, at: datetime, n: int = 0
) -> JournalRow | None:
    """5020 | 2210: the partner's share of a session's net. `n` as in `wallet_session`. None where it comes to nothing."""
    share = partner_share(net_minor, percent)
    if share <= 0:
        return None
    fact = Fact(tenant, "partner accrued", f"{session}#{n}/{partner}", session, currency, at)
    return fact.journal(BRAND, debit(f"5020/{partner}", share), credit(f"2210/{partner}", share))


def partner_returned(
    *,
    tenant: str,
    refund: str,
    session: str,
    partner: str,
    share_minor: int,
    gross_minor: int,
    refunded_before_minor: int,
    amount_minor: int,
    currency: str,
    at: datetime,
) -> JournalRow | None:
    """A refund of `amount_minor` of a session of `gross_minor` takes back its part of the partner's `share_minor`: 2210 | 5020.
    Counted on the sum so far, so that all refunds together take back exactly the share. None where it comes to nothing."""
    before = in_proportion(refunded_before_minor, share_minor, gross_minor)
    step = in_proportion(refunded_before_minor + amount_minor, share_minor, gross_minor) - before
    if not step:
        return None
    fact = Fact(tenant, "partner returned", f"{refund}/{partner}", session, currency, at)
    return fact.journal(BRAND, debit(f"2210/{partner}", step), credit(f"5020/{partner}", step))


def partner_paid(
    *, tenant: str, transfer: str, partner: str, ref: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """Transferred: 2210 | 1100."""
    fact = Fact(tenant, "partner paid", transfer, ref, currency, at)
    return fact.journal(BRAND, debit(f"2210/{partner}", amount_minor), credit(f"1100/{BRAND}", amount_minor))


def partner_reversed(
    *, tenant: str, reversal: str, partner: str, ref: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """A partner's transfer was reversed: 1100 | 2210."""
    fact = Fact(tenant, "partner reversed", reversal, ref, currency, at)
    return fact.journal(BRAND, debit(f"1100/{BRAND}", amount_minor), credit(f"2210/{partner}", amount_minor))


def funds_available(
    *, tenant: str, book: str, account: str | None, line: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """The provider lets us have what was pending: 1100 | 1110. `line`: id of the balance transaction, or our key of a batch of
    them. `amount_minor` below zero goes the other way. `account` None: the brand's own."""
    fact = Fact(tenant, "funds available", line, line, currency, at)
    name = account or BRAND
    return fact.journal(book, debit(f"1100/{name}", amount_minor), credit(f"1110/{name}", amount_minor))


def payout_created(
    *, tenant: str, book: str, account: str | None, payout: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """1020 | 1100. All of a payout has ref = payout, per which 1020 returns to zero. Below zero: the bank is debited."""
    fact = Fact(tenant, "payout created", payout, payout, currency, at)
    return fact.journal(book, debit("1020", amount_minor), credit(f"1100/{account or BRAND}", amount_minor))


def payout_paid(*, tenant: str, book: str, payout: str, amount_minor: int, currency: str, at: datetime) -> JournalRow:
    """1010 | 1020."""
    fact = Fact(tenant, "payout paid", payout, payout, currency, at)
    return fact.journal(book, debit("1010", amount_minor), credit("1020", amount_minor))


def payout_failed(
    *, tenant: str, book: str, account: str | None, payout: str, amount_minor: int, currency: str, at: datetime, was_paid: bool
) -> JournalRow:
    """Back in the balance: 1100 | 1020; where it had been said to be paid (that happens): 1100 | 1010."""
    fact = Fact(tenant, "payout failed", payout, payout, currency, at)
    return fact.journal(
        book, debit(f"1100/{account or BRAND}", amount_minor), credit("1010" if was_paid else "1020", amount_minor)
    )


def suspense_in(
    *,
    tenant: str,
    book: str,
    account: str | None,
    item: str,
    amount_minor: int,
    currency: str,
    at: datetime,
    pending: bool = False,
) -> JournalRow:
    """A movement at the provider that we cannot explain: 1100 | 2400, below zero the other way; `pending`: 1110. `item`: id of
    the balance transaction, per which 2400 returns to zero."""
    fact = Fact(tenant, "suspense", item, item, currency, at)
    code = "1110" if pending else "1100"
    return fact.journal(book, debit(f"{code}/{account or BRAND}", amount_minor), credit("2400", amount_minor))


def suspense_out(
    *, tenant: str, book: str, item: str, account: str, amount_minor: int, currency: str, at: datetime
) -> JournalRow:
    """It is explained: 2400 | `account` of the chart (with its qualifiers); amount as in `suspense_in`."""
    fact = Fact(tenant, "suspense resolved", item, item, currency, at)
    return fact.journal(book, debit("2400", amount_minor), credit(account, amount_minor))
