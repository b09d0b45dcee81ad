"""The double-entry books, as they are: accounts, journals, holds, and the trial balance of a day."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from actors.model.ledger import CHART
from gateways.web.api.types import Moment
from gateways.web.call import Call, page_of
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Items, Query, Route, Scope
from gateways.web.views import AccountView, JournalView, journal_view

TAG = "Ledger"


class HoldView(msgspec.Struct, frozen=True):
    """`outcome`: open, posted (with `journal`), void or expired. `at` is when it was made, or when it ended."""

    id: str
    book: str
    account: str
    currency: str
    amount_minor: int
    ref: str
    at: datetime
    expires: datetime | None
    outcome: str
    journal: str | None


class TrialView(msgspec.Struct, frozen=True):
    """A class of accounts on that day. Opening and closing balances are debit minus credit."""

    book: str
    account: str
    name: str
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


class TrialTotal(msgspec.Struct, frozen=True):
    """`off_by_minor`: the sum of all closing balances. Anything but 0 is an error in the books."""

    book: str
    currency: str
    debit_minor: int
    credit_minor: int
    off_by_minor: int


class TrialBalance(msgspec.Struct, frozen=True):
    """The day is the tenant's own: from midnight to midnight in its time zone."""

    day: date
    time_zone: str
    items: list[TrialView]
    totals: list[TrialTotal]


async def list_accounts(call: Call) -> Items[AccountView]:
    asked = {name: call.query[name] for name in ("book", "account")}
    page = await call.env.queries.accounts(call.own, call.query["limit"], call.query["cursor"], **asked)
    return page_of(page, [msgspec.convert(account, AccountView) for account in page.items])


async def list_journals(call: Call) -> Items[JournalView]:
    asked = {name: call.query[name] for name in ("book", "account", "group", "since", "until")}
    page = await call.env.queries.journals(call.own, call.query["ref"], call.query["limit"], call.query["cursor"], **asked)
    return page_of(page, [journal_view(row) for row in page.items])


async def get_journal(call: Call) -> JournalView:
    row = await call.env.queries.journal(call.own, call.path["journal"])
    if row is None:
        raise Problem("not-found", f"there is no journal {call.path['journal']!r}")
    return journal_view(row)


async def get_trial_balance(call: Call) -> TrialBalance:
    zone = ZoneInfo(call.card.time_zone)
    day = call.query["day"] or datetime.now(zone).date()
    since, until = (datetime.combine(when, time(), zone).astimezone(UTC) for when in (day, day + timedelta(days=1)))
    lines = await call.env.queries.trial_balance(call.own, since, until, call.query["book"])
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    items = []
    for line in lines:
        closing = line.closing_minor
        total = sums[line.book, line.currency]
        for n, minor in enumerate((line.debit_minor, line.credit_minor, closing)):
            total[n] += minor
        name = CHART[line.account].name if line.account in CHART else ""
        moved = (line.opening_minor, line.debit_minor, line.credit_minor, closing)
        items.append(TrialView(line.book, line.account, name, line.currency, *moved))
    totals = [TrialTotal(*key, *total) for key, total in sums.items()]
    return TrialBalance(day, call.card.time_zone, items, totals)


async def list_holds(call: Call) -> Items[HoldView]:
    asked = {name: call.query[name] for name in ("account", "ref", "outcome")}
    page = await call.env.queries.holds(call.own, call.query["limit"], call.query["cursor"], **asked)
    views = [
        HoldView(
            id=row.id,
            book=row.book,
            account=row.account,
            currency=row.currency,
            amount_minor=row.amount_minor,
            ref=row.ref,
            at=row.at.astimezone(UTC),
            expires=row.expires and row.expires.astimezone(UTC),
            outcome=row.outcome or "open",
            journal=row.journal,
        )
        for row in page.items
    ]
    return page_of(page, views)


class AuditFinding(msgspec.Struct, frozen=True):
    """`what` is a stable word for programs."""

    what: str
    subject: str
    detail: str


class BooksAuditView(msgspec.Struct, frozen=True):
    """The last audit of the night. `at` null: there was none yet."""

    at: datetime | None
    done_at: datetime | None
    findings: list[AuditFinding]


async def get_books_audit(call: Call) -> BooksAuditView:
    """What did not add up in the night, of this tenant."""
    audit = await call.env.queries.books_audit(call.own)
    if audit is None:
        return BooksAuditView(None, None, [])
    found = [AuditFinding(finding.what, finding.subject, finding.detail) for finding in audit.findings]
    return BooksAuditView(audit.at.astimezone(UTC), audit.done_at.astimezone(UTC), found)


_L = "/api/v1/tenants/{tenant}/ledger"
_BOOK = Query("book", str, "Only of this book: `brand` or a merchant's id")
_ACCOUNT = Query("account", str, "An account with its qualifiers (`2100/w1`), or a code alone for all of its class")
ROUTES = (
    Route(
        method="GET", path=_L + "/accounts", handler=list_accounts, tag=TAG, scope=Scope.TENANT,
        summary="Accounts with their balances per currency", query=(*PAGED, _BOOK, _ACCOUNT), answer=Items[AccountView],
    ),
    Route(
        method="GET", path=_L + "/journals", handler=list_journals, tag=TAG, scope=Scope.TENANT, summary="Journals, newest first",
        query=(
            *PAGED, Query("ref", str, "Only those that refer to this"), _BOOK, _ACCOUNT,
            Query("group", str, "Only those that mirror each other under this group id"),
            Query("since", Moment, "Only those of this time or later"), Query("until", Moment, "Only those before this time"),
        ),
        answer=Items[JournalView],
    ),
    Route(
        method="GET", path=_L + "/journals/{journal}", handler=get_journal, tag=TAG, scope=Scope.TENANT, summary="One journal",
        answer=JournalView,
    ),
    Route(
        method="GET", path=_L + "/trial-balance", handler=get_trial_balance, tag=TAG, scope=Scope.TENANT,
        summary="The trial balance of a day", query=(Query("day", date, "The day, as YYYY-MM-DD; default: today"), _BOOK),
        answer=TrialBalance,
    ),
    Route(
        method="GET", path=_L + "/holds", handler=list_holds, tag=TAG, scope=Scope.TENANT,
        summary="Reservations on wallets, last made first",
        query=(*PAGED, _ACCOUNT, Query("ref", str, "Only those that refer to this"),
               Query("outcome", str, "open, posted, void or expired")),
        answer=Items[HoldView],
    ),
    Route(
        method="GET", path=_L + "/audit", handler=get_books_audit, tag=TAG, scope=Scope.TENANT,
        summary="What the last audit of the night found", answer=BooksAuditView,
    ),
)  # fmt: skip
