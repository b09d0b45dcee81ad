"""The double-entry books, as they are."""

from gateways.web.call import Call, page_of
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Items, Query, Route, Scope
from gateways.web.views import AccountView, JournalView, journal_view

TAG = "Ledger"


async def list_accounts(call: Call) -> Items[AccountView]:
    accounts = await call.env.queries.accounts(call.own)
    return Items([AccountView(**{name: account.get(name, "") for name in AccountView.__struct_fields__}) for account in accounts])


async def list_journals(call: Call) -> Items[JournalView]:
    page = await call.env.queries.journals(call.own, call.query["ref"], call.query["limit"], call.query["cursor"])
    return page_of(page, [journal_view(row) for row in page.items])


async def get_journal(call: Call) -> JournalView:
    row = await call.env.queries.journal(call.own, call.path["journal"])
    if row is None:
        raise Problem("not-found", f"there is no journal {call.path['journal']!r}")
    return journal_view(row)


_L = "/api/v1/tenants/{tenant}/ledger"
ROUTES = (
    Route(
        method="GET", path=_L + "/accounts", handler=list_accounts, tag=TAG, scope=Scope.TENANT,
        summary="Accounts with their balances per currency", answer=Items[AccountView],
    ),
    Route(
        method="GET", path=_L + "/journals", handler=list_journals, tag=TAG, scope=Scope.TENANT, summary="Journals, newest first",
        query=(*PAGED, Query("ref", str, "Only those that refer to this")), answer=Items[JournalView],
    ),
    Route(
        method="GET", path=_L + "/journals/{journal}", handler=get_journal, tag=TAG, scope=Scope.TENANT, summary="One journal",
        answer=JournalView,
    ),
)  # fmt: skip
