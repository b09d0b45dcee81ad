"""The books: the chart of accounts as data, and the journals that sessions post.

A journal is balanced by construction: its debit is the gross cost, its credits are the net per kind of revenue and the
VAT per rate, which sum to it (rounding.py). PostgreSQL enforces the same again at commit (MONEY 3.1). Accounts carry
qualifiers after a slash: `4000/energy`, `2300/DE/19`, `1220/<token_ref>`. No personal data: a customer is a token_ref.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from actors.model.ids import digest
from actors.model.rating import Rated
from actors.model.rows import Entry, JournalRow

BOOK = "brand"
"""The book of the tenant itself; a merchant's or partner's own book comes with payments (MONEY 3.4)."""

DEBIT: Literal["debit"] = "debit"
CREDIT: Literal["credit"] = "credit"

Side = Literal["debit", "credit"]


class Account(msgspec.Struct, frozen=True):
    """`normal`: the side on which a balance is usual. `qualifiers` name what follows the code."""

    code: str
    name: str
    normal: Side
    qualifiers: tuple[str, ...] = ()
    clearing: bool = False
    """Must return to zero per reference."""
    floor: bool = False
    """May never be overdrawn: keeps a balance row."""


CHART: dict[str, Account] = {
    account.code: account
    for account in (
        Account("1010", "Bank", "debit"),
        Account("1020", "Payout in transit", "debit", clearing=True),
        Account("1100", "Stripe available", "debit", ("stripe account",)),
        Account("1110", "Stripe pending", "debit", ("stripe account",)),
        Account("1160", "Disputed funds", "debit", clearing=True),
        Account("1200", "Roaming receivable", "debit", ("partner",)),
        Account("1210", "Unbilled roaming", "debit", ("partner",), clearing=True),
        Account("1220", "Customer receivable", "debit", ("token_ref",)),
        Account("1250", "Due from brand", "debit"),
        Account("1260", "Due from sponsor", "debit", ("sponsor",)),
        Account("1310", "VAT input", "debit", ("country", "rate")),
        Account("2100", "Driver wallet", "credit", ("wallet",), floor=True),
        Account("2200", "Owner payable", "credit", ("owner",)),
        Account("2210", "Partner payable", "credit", ("partner",)),
        Account("2220", "Roaming payable accrued", "credit", ("partner",)),
        Account("2300", "VAT output", "credit", ("country", "rate")),
        Account("2310", "VAT output abroad", "credit", ("country", "rate")),
        Account("2400", "Suspense", "credit", clearing=True),
        Account("4000", "Charging revenue", "credit", ("kind",)),
        Account("4100", "Roaming revenue as CPO", "credit", ("partner",)),
        Account("4110", "Sales as eMSP", "credit", ("kind",)),
        Account("4200", "Commission income", "credit"),
        Account("5000", "Payment service fees", "debit"),
        Account("5010", "Platform commission", "debit"),
        Account("5020", "Partner share", "debit", ("partner",)),
        Account("5030", "Roaming purchase", "debit", ("partner",)),
        Account("5040", "Promotions", "debit"),
        Account("5050", "Dispute cost", "debit"),
        Account("5060", "Bad debt", "debit"),
        Account("5070", "Rounding", "debit"),
        Account("5080", "Foreign exchange", "debit"),
    )
}


class Unbalanced(AssertionError):
    """A journal whose sides differ was about to be made: a bug, stopped before it is staged."""


def receivable(token_ref: str | None) -> str:
    """The customer's receivable. A session without a token is owed by nobody we know."""
    return f"1220/{token_ref or 'unknown'}"


def revenue(kind: str) -> str:
    return f"4000/{kind}"


def vat_output(country: str, rate: Decimal) -> str:
    """`2300/DE/19`; a rate with decimals keeps them: `2300/CH/8.1`."""
    return f"2300/{country}/{rate.normalize():f}"


def journal_id(session: str, n: int = 0) -> str:
    """Idempotency key of a session's `n`-th booking (a corrected session is credited and booked again)."""
    return "j" + digest("session", session, n)


def journal_for_invoice(
    *,
    tenant: str,
    session: str,
    token_ref: str | None,
    country: str,
    rated: Rated,
    at: datetime,
    book: str = BOOK,
    n: int = 0,
) -> JournalRow | None:
    """The journal of a session that is paid by invoice: receivable against revenue per kind and VAT per rate.

    None for a session that costs nothing: there is nothing to post.
    """
    cost = rated.cost
    currency = cost.incl.currency
    if cost.incl.amount_minor == 0 and cost.excl.amount_minor == 0:
        return None
    entries = [Entry(receivable(token_ref), DEBIT, cost.incl.amount_minor, currency)]
    entries += [
        Entry(revenue(kind.kind), CREDIT, kind.net.amount_minor, currency) for kind in rated.kinds if kind.net.amount_minor
    ]
    entries += [
        Entry(vat_output(country, vat.rate), CREDIT, vat.amount.amount_minor, currency)
        for vat in cost.vat
        if vat.amount.amount_minor
    ]
    return make_journal(journal_id(session, n), tenant, book, session, at, entries)


def reversal(journal: JournalRow, *, at: datetime) -> JournalRow:
    """A credit of the whole journal: the same accounts, sides swapped. Its id follows from the journal's, so that a
    journal is credited once however often that is asked; so does the group of mirrored journals."""
    entries = [Entry(e.account, CREDIT if e.side == DEBIT else DEBIT, e.amount_minor, e.currency) for e in journal.entries]
    key = "j" + digest("reversal", journal.id)
    group = None if journal.group_id is None else "g" + digest("reversal", journal.group_id)
    return make_journal(key, journal.tenant, journal.book, journal.ref, at, entries, journal.id, group)


def make_journal(
    key: str,
    tenant: str,
    book: str,
    ref: str,
    at: datetime,
    entries: Sequence[Entry],
    reverses: str | None = None,
    group_id: str | None = None,
) -> JournalRow:
    """A journal whose sides are equal; Unbalanced is raised where they are not."""
    check_balanced(entries)
    return JournalRow(
        tenant=tenant, id=key, book=book, ref=ref, at=at, entries=tuple(entries), reverses=reverses, group_id=group_id
    )


def check_balanced(entries: Sequence[Entry]) -> None:
    """At least two entries, positive amounts, known accounts, debit equals credit per currency; or Unbalanced."""
    sums: dict[str, int] = {}
    for entry in entries:
        if entry.amount_minor <= 0 or entry.account.split("/")[0] not in CHART or entry.side not in (DEBIT, CREDIT):
            raise Unbalanced(f"not an entry: {entry}")
        sign = 1 if entry.side == DEBIT else -1
        sums[entry.currency] = sums.get(entry.currency, 0) + sign * entry.amount_minor
    if len(entries) < 2 or any(sums.values()):
        raise Unbalanced(f"debit and credit differ: {sums}")
