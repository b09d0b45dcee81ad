"""How the postings write a journal: its id, its group, its lines. Only posting*.py uses this.

Amounts are minor units. A line of zero is left out; one below zero changes sides, which is what a step back is.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from actors.model.ids import digest
from actors.model.ledger import CREDIT, DEBIT, Side, make_journal, vat_output
from actors.model.rows import Entry, JournalRow
from actors.model.shares import Commission, Split


def journal_id(kind: str, key: str, book: str) -> str:
    """Of what is booked in a book; by it a movement at the provider is found again."""
    return "j" + digest(kind, key, book)


class Fact(msgspec.Struct, frozen=True):
    """What is booked, perhaps in several books: `kind` and `key` name it once and for ever, so the ids follow from them."""

    tenant: str
    kind: str
    key: str
    ref: str
    currency: str
    at: datetime
    mirrored: bool = False

    def journal(self, book: str, *lines: Iterable[tuple[Side, str, int]]) -> JournalRow:
        entries = [
            Entry(account, side if minor > 0 else _other(side), abs(minor), self.currency)
            for part in lines
            for side, account, minor in part
            if minor
        ]
        group = "g" + digest(self.kind, self.key) if self.mirrored else None
        return make_journal(journal_id(self.kind, self.key, book), self.tenant, book, self.ref, self.at, entries, None, group)


Lines = list[tuple[Side, str, int]]


def _other(side: Side) -> Side:
    return CREDIT if side == DEBIT else DEBIT


def debit(account: str, minor: int) -> Lines:
    return [(DEBIT, account, minor)]


def credit(account: str, minor: int) -> Lines:
    return [(CREDIT, account, minor)]


def sold(split: Split, country: str, *, account: str = "4000", vat: str = "2300") -> Lines:
    """Credits of a sale: revenue by kind, VAT by rate. `account`: 4000 of one's own charging, 4110 as an eMSP."""
    nets: Lines = [(CREDIT, f"{account}/{kind}", minor) for kind, minor in split.kinds]
    return nets + [(CREDIT, vat_output(country, rate).replace("2300", vat, 1), minor) for rate, minor in split.vat]


def unsold(split: Split, country: str, *, account: str = "4000", vat: str = "2300") -> Lines:
    """Debits that take a sale back."""
    return [(DEBIT, name, minor) for _, name, minor in sold(split, country, account=account, vat=vat)]


def vat_input(country: str, rate: Decimal) -> str:
    return vat_output(country, rate).replace("2300", "1310", 1)


def paid_fee(fee: Commission, country: str, rate: str) -> Lines:
    """The merchant's side of a commission: cost, and VAT that it gets back."""
    return [(DEBIT, "5010", fee.net), (DEBIT, vat_input(country, Decimal(rate)), fee.vat)]


def earned_fee(fee: Commission, country: str, rate: str) -> Lines:
    """The brand's side of it."""
    return [(CREDIT, "4200", fee.net), (CREDIT, vat_output(country, Decimal(rate)), fee.vat)]


def negative(lines: Lines) -> Lines:
    return [(side, account, -minor) for side, account, minor in lines]


def swapped(journal: JournalRow) -> JournalRow:
    """The same journal with debit and credit changed over. Not a reversal of another one: it stands for itself."""
    entries = [Entry(e.account, CREDIT if e.side == DEBIT else DEBIT, e.amount_minor, e.currency) for e in journal.entries]
    return msgspec.structs.replace(journal, entries=tuple(entries))
