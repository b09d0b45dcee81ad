"""The books as they are asked for: by account with and without qualifiers, by book, group and time, and as a trial balance."""

from datetime import timedelta

from actors.ports import TrialLine
from runtime.address import Address
from tests.storage.books import AT, journal, sale
from tests.storage.test_queries import Kit, kit

__all__ = ["kit"]

ACTOR = Address("acme", "session", "s1")
DAY = timedelta(days=1)


async def post_some(kit: Kit) -> None:
    await kit.write(
        journal("up", ("1110/brand", 5000), ("2100/w", -5000), at=AT - DAY),
        sale("a", group_id="g"),
        sale("b", group_id="g", book="owner", at=AT + timedelta(hours=1)),
        journal("c", ("2100/w", 100), ("4000/energy", -100), at=AT + DAY, ref="s2"),
        sale("a", tenant="other"),
        actor=ACTOR,
    )


async def ids(kit: Kit, ref: str | None = None, **asked: object) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await kit.queries.journals("acme", ref, 2, cursor, **asked)  # type: ignore[arg-type]
        found += [row.id for row in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_journals_are_found_by_account_book_group_and_time(kit: Kit) -> None:
    await post_some(kit)
    assert await ids(kit) == ["c", "b", "a", "up"]
    assert await ids(kit, account="2100") == await ids(kit, account="2100/w") == ["c", "up"]
    assert await ids(kit, account="2100/") == await ids(kit, account="210") == []
    assert await ids(kit, account="2300/DE") == ["b", "a"]
    assert await ids(kit, book="owner") == ["b"]
    assert await ids(kit, group="g") == ["b", "a"]
    assert await ids(kit, since=AT, until=AT + DAY) == ["b", "a"]
    assert await ids(kit, "s2", account="4000") == ["c"]


async def test_accounts_are_paged_and_narrowed(kit: Kit) -> None:
    await post_some(kit)
    first = await kit.queries.accounts("acme", 3, None)
    rest = await kit.queries.accounts("acme", 9, first.next)
    assert [(row["book"], row["account"]) for page in (first, rest) for row in page.items] == [
        *(("brand", code) for code in ("1110/brand", "1220/t_1", "2100/w", "2300/DE/19", "4000/energy")),
        *(("owner", code) for code in ("1220/t_1", "2300/DE/19", "4000/energy")),
    ]
    [wallet] = (await kit.queries.accounts("acme", 9, None, account="2100")).items
    assert (wallet["debit_minor"], wallet["credit_minor"], wallet["balance_minor"]) == (100, 5000, -4900)
    assert len((await kit.queries.accounts("acme", 9, None, book="owner", account="4000")).items) == 1


async def test_a_trial_balance_says_what_was_there_and_what_moved(kit: Kit) -> None:
    await post_some(kit)
    assert list(await kit.queries.trial_balance("acme", AT, AT + DAY, "brand")) == [
        TrialLine("brand", "1110", "EUR", 5000, 0, 0),
        TrialLine("brand", "1220", "EUR", 0, 1234, 0),
        TrialLine("brand", "2100", "EUR", -5000, 0, 0),
        TrialLine("brand", "2300", "EUR", 0, 0, 197),
        TrialLine("brand", "4000", "EUR", 0, 0, 1037),
    ]
    whole = await kit.queries.trial_balance("acme", AT - DAY, AT + 2 * DAY)
    assert {line.book for line in whole} == {"brand", "owner"}
    assert sum(line.closing_minor for line in whole) == 0
