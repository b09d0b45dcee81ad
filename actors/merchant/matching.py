"""What in our books a movement at the provider stands for. Pure functions.

A balance transaction names what it is about by the provider's id. From that follow the ids of the journals that must have
booked it (posting.py makes them from what is booked), and the sum of their entries on 1100 and 1110 of that account must be
its net, to the cent. What is not found, found twice or comes to something else is for `reconcile.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.merchant.messages import BRAND
from actors.model.posting_lines import journal_id
from actors.model.rows import PaymentRow, TransferRow
from actors.payment.messages import refund_key

MATCHED, DIFFERS, DOUBLED, UNMATCHED = "matched", "differs", "doubled", "unmatched"
RESOLVED, ELSEWHERE = "resolved", "elsewhere"
UNEXPLAINED = (UNMATCHED, DIFFERS, DOUBLED)
"""What the books do not say the same of, and an operator may have to."""

CHARGES = frozenset(("charge", "payment"))
REFUNDS = frozenset(("refund", "payment_refund"))
REFUND_FAILURES = frozenset(("refund_failure", "payment_failure_refund"))
FEES, FEE_REFUNDS = "application_fee", "application_fee_refund"
TRANSFERS = frozenset(("transfer",))
REVERSALS = frozenset(("transfer_refund", "transfer_cancel", "transfer_failure"))
PAYOUTS = frozenset(("payout",))
PAYOUTS_BACK = frozenset(("payout_failure", "payout_cancel"))
KNOWN = frozenset(
    (*CHARGES, *REFUNDS, *REFUND_FAILURES, FEES, FEE_REFUNDS, *TRANSFERS, *REVERSALS, *PAYOUTS, *PAYOUTS_BACK, "adjustment"),
)
"""Kinds of movement that we know how to book. The provider's list has grown with every release."""


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a line is about, as far as our rows know: found by `source` or `about`."""

    payments: tuple[PaymentRow, ...] = ()
    transfers: tuple[TransferRow, ...] = ()


class Booked(msgspec.Struct, frozen=True, gc=False):
    """What a journal did to an account with the provider. `line`: of the movement that it was matched with before."""

    available_minor: int
    pending_minor: int
    line: str | None = None

    @property
    def net(self) -> int:
        return self.available_minor + self.pending_minor


class Line(msgspec.Struct, frozen=True):
    """A movement, and what was said of it before."""

    id: str
    kind: str
    net_minor: int
    currency: str
    created: datetime
    source: str | None = None
    about: str | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    state: str
    journals: tuple[str, ...] = ()
    expected_minor: int | None = None
    pending_minor: int = 0


def candidates(tenant: str, book: str, line: Line, subject: Subject) -> tuple[tuple[str, ...], ...]:
    """Ids of journals that may have booked it: each group together, the groups one or the other."""
    groups: list[Sequence[str]] = []
    for payment in subject.payments:
        if payment.tenant == tenant:
            groups += _of_payment(book, line, payment)
    for transfer in subject.transfers:
        if transfer.tenant == tenant:
            groups += _of_transfer(book, line, transfer)
    if line.source is not None and line.kind in PAYOUTS:
        groups.append([journal_id("payout created", line.source, book)])
    if line.source is not None and line.kind in PAYOUTS_BACK:
        groups.append([journal_id("payout failed", line.source, book)])
    return tuple(tuple(group) for group in groups)


def _of_payment(book: str, line: Line, payment: PaymentRow) -> list[Sequence[str]]:
    kind, own = line.kind, (payment.account is None) == (book == BRAND)
    if own and kind in CHARGES:
        fee = [journal_id("psp fee", key, book) for key in (payment.charge or payment.id, payment.id)]
        return [[journal_id(what, payment.id, book), *fee] for what in ("captured", "topped up")]
    if own and kind in REFUNDS | REFUND_FAILURES:
        whats = ("refund failed", "fee taken again") if kind in REFUND_FAILURES else ("refund", "fee returned", "top-up returned")
        keys = [key for one in payment.refunds if one.get("refund") == line.source for key in _refund_keys(payment, one)]
        return [[journal_id(what, key, book) for what in whats] for key in keys]
    if kind == FEES and book == BRAND:
        return [[journal_id("captured", payment.id, BRAND)]]
    if kind == FEE_REFUNDS and book == BRAND:
        keys = [key for one in payment.refunds for key in _refund_keys(payment, one)]
        return [[journal_id("fee returned", key, BRAND)] for key in keys]
    if own and kind == "adjustment" and payment.dispute is not None:
        key = str(payment.dispute.get("id") or "")
        return [[journal_id("dispute opened" if line.net_minor < 0 else "dispute won", key, book)]]
    return []


def _refund_keys(payment: PaymentRow, refund: Mapping[str, Any]) -> list[str]:
    return [refund_key(payment.id, refund["n"])] if refund.get("n") else []


def _of_transfer(book: str, line: Line, transfer: TransferRow) -> list[Sequence[str]]:
    """At the brand under the transfer's own id; on the connected account it came as a payment."""
    back = transfer.kind == "reversal"
    if back != (line.kind in REVERSALS | REFUNDS) or not (back or line.kind in TRANSFERS | CHARGES):
        return []
    owner = journal_id("transfer reversed" if back else "transfer", transfer.id, book)
    partner = journal_id("partner reversed" if back else "partner paid", transfer.id, book)
    return [[owner], [partner]]


def judge(line: Line, groups: Sequence[Sequence[str]], booked: Mapping[str, Booked]) -> Verdict:
    """A group that comes to the net wins; else the one of which most is there tells how it differs, or whose it is already."""
    verdict = Verdict(UNMATCHED)
    for group in groups:
        there = tuple(id for id in dict.fromkeys(group) if id in booked)
        if not there:
            continue
        expected = sum(booked[id].net for id in there)
        if any(booked[id].line not in (None, line.id) for id in there):
            if verdict.state == UNMATCHED:
                verdict = Verdict(DOUBLED, (), 0)
            continue
        pending = sum(booked[id].pending_minor for id in there)
        if expected == line.net_minor:
            return Verdict(MATCHED, there, expected, pending)
        if verdict.state != DIFFERS or len(there) > len(verdict.journals):
            verdict = Verdict(DIFFERS, there, expected, pending)
    return verdict
