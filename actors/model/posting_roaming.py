"""Journals of roaming: as the operator whose station a partner's driver used, and as the provider of a driver who charged
elsewhere (MONEY 2.5, 3.4). Between businesses the supply is taxed where the provider is: abroad by reverse charge.
"""

from collections.abc import Sequence
from datetime import datetime

from actors.merchant.messages import BRAND
from actors.model.ledger import receivable, vat_output
from actors.model.money import Cost, VatAmount
from actors.model.posting_lines import Fact, credit, debit, sold
from actors.model.posting_wallet import wallet_account
from actors.model.rating import KindNet
from actors.model.rows import JournalRow
from actors.model.shares import split_of


def roaming_delivered(
    *, tenant: str, book: str, session: str, partner: str, net_minor: int, currency: str, at: datetime, n: int = 0
) -> JournalRow:
    """As CPO, the CDR: 1210 | 4100, net; the invoice comes later. 1210 returns to zero per session."""
    fact = Fact(tenant, "roaming delivered", f"{session}#{n}", session, currency, at)
    return fact.journal(book, debit(f"1210/{partner}", net_minor), credit(f"4100/{partner}", net_minor))


def roaming_invoiced(
    *,
    tenant: str,
    book: str,
    session: str,
    partner: str,
    net_minor: int,
    currency: str,
    at: datetime,
    country: str = "",
    vat: Sequence[VatAmount] = (),
    n: int = 0,
) -> JournalRow:
    """As CPO, invoiced: 1200 gross | 1210 net, 2300 per rate of `vat`; none under reverse charge."""
    fact = Fact(tenant, "roaming invoiced", f"{session}#{n}", session, currency, at)
    gross = net_minor + sum(part.amount.amount_minor for part in vat)
    taxes = [line for part in vat for line in credit(vat_output(country, part.rate), part.amount.amount_minor)]
    return fact.journal(book, debit(f"1200/{partner}", gross), credit(f"1210/{partner}", net_minor), taxes)


def roaming_bought(
    *,
    tenant: str,
    session: str,
    partner: str,
    purchase_minor: int,
    wallet: str,
    token_ref: str | None,
    country: str,
    cost: Cost,
    kinds: Sequence[KindNet],
    taken_minor: int,
    owed_minor: int,
    at: datetime,
    n: int = 0,
) -> JournalRow:
    """As eMSP: the partner's CDR is a purchase (5030 | 2220), the driver's session a sale where the energy was used (2100, 1220 |
    4110, 2310). `country`: the station's."""
    if taken_minor + owed_minor != cost.incl.amount_minor:
        raise ValueError(f"{taken_minor} taken and {owed_minor} owed are not {cost.incl}")
    fact = Fact(tenant, "roaming bought", f"{session}#{n}", session, cost.incl.currency, at)
    return fact.journal(
        BRAND,
        debit(f"5030/{partner}", purchase_minor),
        debit(wallet_account(wallet), taken_minor),
        debit(receivable(token_ref), owed_minor),
        credit(f"2220/{partner}", purchase_minor),
        sold(split_of(cost, kinds), country, account="4110", vat="2310"),
    )
