"""The audit over money: silent over everything the postings make, and in plain words about each invariant that is broken."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.merchant.messages import Seller
from actors.model import posting
from actors.model.decision import MONEY
from actors.model.money import Money
from actors.model.rating import KindNet
from actors.model.rows import BalanceLineRow, BookRow, HoldRow, JournalRow, PayoutRow, Row, WalletLineRow, WalletRow
from actors.ports import MerchantCard
from runtime.address import Address
from runtime.store import Verdict
from storage.audit import audit
from storage.database import Database
from tests.storage.books import journal
from tests.storage.shown import COST, cdr, payment, session
from tests.storage.turns import Writer, fact

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=400)
OWNER = MerchantCard("acme", "owner", Seller("Owner Ltd", country="DE"), "acct_1", True, "5", "19")
KINDS = (KindNet("energy", Money(1037, "EUR")),)
MOVE: dict[str, Any] = {"tenant": "acme", "currency": "EUR", "at": NOW}
SALE: dict[str, Any] = {"tenant": "acme", "session": "a", "country": "DE", "cost": COST, "kinds": KINDS, "at": NOW}


class Books:
    """One actor that writes whatever a test wants in the books."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writer = Writer(Address("acme", "payment", "a1"))

    async def write(self, *rows: Row | None) -> None:
        turn = self.writer.turn(rows=[row for row in rows if row is not None], facts=[fact()])
        (outcome,) = await self.database.store.commit(MONEY, [turn])
        assert outcome.verdict is Verdict.COMMITTED, outcome
        self.writer.won(turn)

    async def words(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for finding in await audit(self.database):
            found[finding.what] = f"{found.get(finding.what, '')}{finding.subject}: {finding.detail}\n"
        return found

    async def behind_the_triggers(self, statement: str) -> None:
        async def tamper(connection: Any) -> None:
            async with connection.transaction():
                await connection.execute("SET LOCAL ROLE NONE")
                await connection.execute("SET LOCAL session_replication_role = replica")
                await connection.execute(statement)

        await self.database.run(tamper)


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def captured(minor: int = 1234, fee: int = 62) -> tuple[JournalRow, ...]:
    return posting.captured(**SALE, attempt="a1", merchant=OWNER, captured_minor=minor, fee_minor=fee)


def charged(**fields: Any) -> tuple[Row, ...]:
    """A session that a card paid, as it ends up in the tables."""
    paid = {"state": "settled", "session": "a", "merchant": "owner", "account": "acct_1", "fee_minor": 62, "cost": COST}
    paid["journals"] = [row.id for row in captured()]
    ended = {"state": "ended", "phase": "booked", "cost": COST, "cdr": "c1"}
    return session("a", **ended), cdr("c1", "a"), payment("a1", **{**paid, "captured_minor": 1234, **fields})


async def test_it_is_silent_over_a_session_that_a_card_paid_and_its_whole_aftermath(books: Books) -> None:
    await books.write(*charged(), *captured())
    assert await books.words() == {}
    await books.write(posting.psp_fee(**MOVE, charge="ch", ref="a", merchant=OWNER, fee_minor=44))
    refund = posting.refund_direct(
        **SALE, refund="r1", merchant=OWNER, captured_minor=1234, refunded_before_minor=0, amount_minor=500,
        fee_minor=62, fee_returned_minor=25,
    )  # fmt: skip
    ids = [row.id for row in (*captured(), *refund)]
    await books.write(*charged(refunded_minor=500, journals=ids)[2:], *refund)
    disputed: dict[str, Any] = {"dispute": "d", "ref": "a", "merchant": OWNER, "amount_minor": 734}
    await books.write(posting.dispute_opened(**MOVE, **disputed, fee_minor=2000))
    await books.write(posting.dispute_won(**MOVE, **disputed))
    assert await books.words() == {}


async def test_it_is_silent_over_a_dispute_of_what_was_refunded_that_was_lost_and_a_refund_that_came_back(books: Books) -> None:
    refund: dict[str, Any] = {**SALE, "refund": "r1", "merchant": OWNER, "captured_minor": 1234, "amount_minor": 500}
    rows = [*captured(), *posting.refund_direct(**refund, refunded_before_minor=0)]
    await books.write(*charged(refunded_minor=500, journals=[row.id for row in rows]), *rows)
    took: dict[str, Any] = {"dispute": "d", "ref": "a", "merchant": OWNER, "amount_minor": 1234, "fee_minor": 2000}
    lost: dict[str, Any] = {**SALE, "dispute": "d", "merchant": OWNER, "captured_minor": 1234}
    more = [
        posting.dispute_opened(**MOVE, **took),
        *posting.dispute_lost(**lost, refunded_before_minor=500, amount_minor=1234, twice_minor=500),
    ]
    await books.write(*charged(refunded_minor=500, journals=[row.id for row in (*rows, *more)])[2:], *more)
    assert await books.words() == {}
    back = [
        *posting.refund_failed(**refund, refunded_after_minor=734),
        *posting.loss_restated(**lost, key="r1:returned", returned_before_minor=734, step_minor=500),
    ]
    await books.write(*charged(journals=[row.id for row in (*rows, *more, *back)])[2:], *back)
    assert await books.words() == {}


async def test_it_is_silent_over_what_the_brand_sold_at_an_owners_station_by_card(books: Books) -> None:
    owner = msgspec.structs.replace(OWNER, sells="brand")
    sale: dict[str, Any] = {**SALE, "merchant": owner, "captured_minor": 1234}
    rows = posting.captured(**sale, attempt="a1", fee_minor=62)
    await books.write(*charged(journals=[row.id for row in rows]), *rows)
    assert await books.words() == {}
    back = posting.refund_direct(
        **sale, refund="r1", refunded_before_minor=0, amount_minor=500, fee_minor=62, fee_returned_minor=25
    )
    ids = [row.id for row in (*rows, *back)]
    await books.write(*charged(refunded_minor=500, journals=ids)[2:], *back)
    assert await books.words() == {}
    took: dict[str, Any] = {"dispute": "d", "ref": "a", "merchant": owner, "amount_minor": 1234, "fee_minor": 2000}
    lost = [
        posting.dispute_opened(**MOVE, **took),
        *posting.dispute_lost(**sale, dispute="d", refunded_before_minor=500, amount_minor=1234, twice_minor=500),
    ]
    await books.write(*charged(refunded_minor=500, journals=[*ids, *[row.id for row in lost]])[2:], *lost)
    assert await books.words() == {}
    await books.write(*charged(refunded_minor=499, journals=ids)[2:])
    assert "capture" in await books.words()


async def test_what_was_taken_too_much_is_silent_once_it_went_back_and_told_while_it_stays_too_long(books: Books) -> None:
    old: dict[str, Any] = {**SALE, "at": LONG_AGO}
    rows = posting.captured(**old, attempt="a1", merchant=OWNER, captured_minor=1234, excess_minor=2766, fee_minor=200)
    excess: dict[str, Any] = {"id": "taken_too_much:1", "amount_minor": 2766, "excess_minor": 2766, "status": "failed"}
    more: dict[str, Any] = {"excess_minor": 2766, "fee_minor": 200}
    await books.write(*charged(journals=[row.id for row in rows], refunds=[excess], **more), *rows)
    assert "owner 2400 a: -2766 EUR have been there since" in (await books.words())["clearing"]
    back = posting.refund_direct(
        **SALE, refund="r1", merchant=OWNER, captured_minor=1234, refunded_before_minor=0, amount_minor=2766, excess_minor=2766,
        fee_minor=200, fee_returned_minor=138,
    )  # fmt: skip
    given = [{**excess, "status": "succeeded"}]
    await books.write(*charged(journals=[row.id for row in (*rows, *back)], refunds=given, **more)[2:], *back)
    assert await books.words() == {}


async def test_it_is_silent_over_a_session_that_a_wallet_paid(books: Books) -> None:
    sale = posting.WalletSale(
        tenant="acme", session="a", wallet="w", token_ref="t", merchant=OWNER, country="DE", cost=COST, kinds=KINDS
    )
    await books.write(posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=1000))
    hold: dict[str, Any] = {"tenant": "acme", "id": "h", "book": "brand", "account": "2100/w", "currency": "EUR", "ref": "a"}
    await books.write(HoldRow(**hold, amount_minor=1000, at=NOW, expires=NOW + timedelta(days=1)))
    rows = posting.wallet_session(sale, taken_minor=1000, owed_minor=234, at=NOW)
    ended = {"state": "ended", "phase": "booked", "cost": COST, "cdr": "c1"}
    done = HoldRow(**hold, amount_minor=1000, at=NOW, outcome="posted", journal=rows[0].id)
    await books.write(session("a", **ended), cdr("c1", "a", journal=rows[0].id), *rows, done)
    await books.write(*posting.transfer_made(**MOVE, transfer="t1", merchant=OWNER, ref="a", amount_minor=1172))
    back = posting.refund_wallet(sale, refund="r", refunded_before_minor=0, to_wallet_minor=266, off_owed_minor=234, at=NOW)
    await books.write(*back)
    await books.write(*posting.transfer_reversed(**MOVE, reversal="r", merchant=OWNER, ref="a", amount_minor=475))
    assert await books.words() == {}


def wallet(**fields: Any) -> WalletRow:
    base: dict[str, Any] = {"state": "open", "currency": "EUR", "balance_minor": 0, "held_minor": 0, "created_at": LONG_AGO}
    return WalletRow(**{"tenant": "acme", "id": "w", **base, "updated_at": LONG_AGO, **fields})


def line(promo: int, taken: int) -> WalletLineRow:
    return WalletLineRow(
        tenant="acme", wallet="w", id="1", at=NOW, kind="session", amount_minor=-taken, balance_minor=0, currency="EUR",
        ref="a", detail={"promo_minor": promo},
    )  # fmt: skip


@pytest.mark.parametrize("promo", [500, 1234])
async def test_a_discount_is_the_difference_between_bill_and_books(books: Books, promo: int) -> None:
    sale = posting.WalletSale(
        tenant="acme", session="a", wallet="w", token_ref="t_1", merchant=None, country="DE", cost=COST, kinds=KINDS,
        promo=posting.Promo(promo, "brand"),
    )  # fmt: skip
    await books.write(posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=5000))
    rows = posting.wallet_session(sale, taken_minor=1234 - promo, owed_minor=0, at=NOW)
    ended = {"state": "ended", "phase": "booked", "cost": COST, "cdr": "c1"}
    await books.write(session("a", **ended), cdr("c1", "a", journal=rows[0].id if rows else None), *rows)
    assert "bill" in await books.words()
    await books.write(line(promo, 1234 - promo))
    assert await books.words() == {}


async def test_a_wallet_that_shows_what_the_books_have_not_is_found(books: Books) -> None:
    await books.write(wallet(balance_minor=1000), posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=1000))
    assert await books.words() == {}
    await books.write(wallet(balance_minor=1001))
    assert "it shows 1001, and 0 held; the books say 1000, and 0 held" in (await books.words())["wallet"]
    await books.write(wallet(balance_minor=1001, updated_at=datetime.now(UTC)))  # the suite may have begun long ago
    assert await books.words() == {}, "what is booked it learns by letter"


async def test_one_cent_changed_by_hand_is_found_wherever_it_is(books: Books) -> None:
    await books.write(*charged(), *captured())
    await books.behind_the_triggers(
        "UPDATE ledger_entry e SET amount_minor = amount_minor + 1 FROM ledger_account a "
        "WHERE a.id = e.account AND a.code = '4200'"
    )
    found = await books.words()
    assert {"unbalanced", "changed", "book", "mirror"} <= found.keys()
    assert "fee 1" in found["mirror"]


async def test_a_cent_that_was_moved_so_that_all_still_balances_is_found(books: Books) -> None:
    await books.write(*charged(), *captured())
    await books.behind_the_triggers(
        "UPDATE ledger_entry e SET amount_minor = amount_minor + CASE left(a.code, 4) WHEN '4200' THEN 1 ELSE -1 END "
        "FROM ledger_account a WHERE a.id = e.account AND a.book = 'brand' AND left(a.code, 4) IN ('4200', '2300')"
    )
    assert {"changed", "mirror"} == set(await books.words())


async def test_a_session_that_a_card_paid_twice_is_found_once_a_refund_would_have_come(books: Books) -> None:
    again = posting.captured(**SALE, attempt="a9", merchant=OWNER, captured_minor=1234, fee_minor=62)
    await books.write(*charged(), *captured(), *again)
    assert "2074 net are booked of 1037" in (await books.words())["billed twice"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"captured_minor": 1235}, "1235 were captured and 0 refunded, its journals book 1234"),
        ({"refunded_minor": 1}, "1234 were captured and 1 refunded, its journals book 1234"),
        ({"journals": ["j1"]}, "of its 1 journals 0 are there"),
        ({"purpose": "topup", "session": None}, "its journals book 0"),
    ],
)
async def test_what_was_captured_is_what_is_booked(books: Books, change: dict[str, Any], says: str) -> None:
    await books.write(*charged(**change), *captured())
    assert says in (await books.words())["capture"]


async def test_a_lost_dispute_leaves_what_was_captured_as_it_was(books: Books) -> None:
    disputed: dict[str, Any] = {"dispute": "d", "merchant": OWNER, "amount_minor": 1234}
    opened = posting.dispute_opened(**MOVE, **disputed, ref="a", fee_minor=2000)
    (lost,) = posting.dispute_lost(**SALE, **disputed, captured_minor=1234, refunded_before_minor=0)
    ids = [row.id for row in (*captured(), opened, lost)]
    await books.write(*charged(journals=ids, state="dispute_lost"), *captured(), opened, lost)
    assert await books.words() == {}


async def test_a_top_up_is_what_its_wallet_got(books: Books) -> None:
    row = posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=5000)
    paid: dict[str, Any] = {"purpose": "topup", "state": "settled", "wallet": "w", "merchant": "brand"}
    await books.write(payment("a2", **paid, captured_minor=5000, journals=[row.id]), row)
    assert await books.words() == {}
    await books.write(payment("a2", **paid, captured_minor=5001, journals=[row.id]))
    assert "5001 were captured" in (await books.words())["capture"]


async def test_a_card_that_paid_more_than_the_bill_is_found_unless_a_refund_is_on_its_way(books: Books) -> None:
    paid = charged()
    less = cdr("c1", "a", body={"currency": "EUR", "total_cost": {"excl_vat": 8.4, "incl_vat": 10}})
    cost = msgspec.structs.replace(COST, excl=Money(840, "EUR"), incl=Money(1000, "EUR"))
    await books.write(
        session("a", state="ended", phase="booked", cost=cost, cdr="c1", updated_at=NOW), less, paid[2], *captured()
    )
    assert "a card paid 1234" in (await books.words())["bill"]
    refund = {"id": "r", "amount_minor": 234, "status": "pending"}
    await books.write(charged(refunds=[refund])[2])
    assert await books.words() == {}
    await books.write(charged(refunds=[refund | {"status": "returned"}])[2])
    assert "a card paid 1234" in (await books.words())["bill"], "the card's bank sent it back: the driver has not got it"


async def test_more_refunded_than_captured_is_found(books: Books) -> None:
    await books.write(*charged(refunded_minor=1235), *captured())
    assert "1234 were captured, and 1235 refunded" in (await books.words())["refund"]


async def test_a_hold_that_nobody_ended_is_found(books: Books) -> None:
    await books.write(posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=1000))
    made: dict[str, Any] = {"tenant": "acme", "book": "brand", "account": "2100/w", "currency": "EUR", "ref": "a", "at": LONG_AGO}
    await books.write(HoldRow(**made, id="h1", amount_minor=10, expires=LONG_AGO))
    await books.write(HoldRow(**made, id="h2", amount_minor=10, expires=NOW + timedelta(days=1)))
    found = await books.words()
    assert list(found) == ["hold"]
    assert found["hold"].startswith("h1: it holds 10 of 2100/w")


async def test_a_wallet_that_has_less_than_is_held_is_found(books: Books) -> None:
    await books.write(posting.topped_up(**MOVE, attempt="a2", wallet="w", amount_minor=1000))
    await books.write(
        HoldRow(
            tenant="acme", id="h", book="brand", account="2100/w", currency="EUR", amount_minor=900, ref="a", at=NOW,
            expires=NOW + timedelta(days=1),
        )
    )  # fmt: skip
    await books.behind_the_triggers("UPDATE ledger_hold SET amount_minor = 1001")
    assert {"overdrawn", "reserved"} == set(await books.words())


@pytest.mark.parametrize(
    ("account", "days", "odd"),
    [("1020", 9, False), ("1020", 11, True), ("1160", 149, False), ("1160", 151, True), ("2400", 2, True)],
)
async def test_what_stays_on_a_clearing_account_is_found_after_its_limit(
    books: Books, account: str, days: int, odd: bool
) -> None:
    at = NOW - timedelta(days=days)
    await books.write(journal("j", (account, 500), ("1010", -500), ref="po_1", at=at))
    assert ("clearing" in await books.words()) == odd
    await books.write(journal("k", (account, -500), ("1010", 500), ref="po_1"))
    assert await books.words() == {}


async def test_a_capture_before_the_session_ended_is_no_bill_without_a_cdr(books: Books) -> None:
    rows = charged()
    await books.write(session("a", updated_at=NOW), rows[2], *captured())
    assert await books.words() == {}


def movement(id: str = "txn_1", **fields: Any) -> BalanceLineRow:
    base: dict[str, Any] = {"account": "acct_1", "merchant": "owner", "kind": "charge", "currency": "EUR", "amount_minor": 1234}
    more: dict[str, Any] = {"fee_minor": 62, "net_minor": 1172, "created": LONG_AGO, "first_seen_at": LONG_AGO, "updated_at": NOW}
    return BalanceLineRow(**{"tenant": "acme", "id": id, "state": "matched", **base, **more, **fields})


def compared(difference: int = 0) -> BookRow:
    body = {"at": "2026-03-01T12:00:00Z", "booked_minor": 1172, "difference_minor": difference}
    return BookRow(
        tenant="acme", station="", book="psp_balance", key="acct_1/EUR", body=body, updated_at=NOW - timedelta(hours=1)
    )  # fmt: skip


async def test_movements_that_are_booked_once_to_the_cent_are_silent(books: Books) -> None:
    [owner, _] = captured()
    await books.write(*charged(), *captured(), movement(journals=[owner.id]), compared())
    suspended = posting.suspense_in(**MOVE, book="owner", account="acct_1", item="txn_2", amount_minor=-150)
    resolved = posting.suspense_out(**MOVE, book="owner", item="txn_2", account="5000", amount_minor=-150)
    odd = movement("txn_2", kind="x", net_minor=-150, state="resolved", corrections=[suspended.id, resolved.id])
    await books.write(suspended, resolved, odd)
    assert await books.words() == {}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([{"state": "unmatched"}], "charge of 1172 EUR is unmatched since"),
        ([{"state": "unmatched", "first_seen_at": NOW}], None),
        ([{"state": "differs"}], "is differs since"),
        ([{"net_minor": 1171}], "comes to 1171, its journals to 1172"),
        ([{"journals": []}], "comes to 1172, its journals to 0"),
        ([{}, {"id": "txn_9"}], "several movements of acct_1 are booked by it: txn_1, txn_9"),
    ],
)
async def test_a_movement_that_is_missing_doubled_or_a_cent_wrong_is_found(
    books: Books, lines: list[dict[str, Any]], says: str | None
) -> None:
    [owner, _] = captured()
    told = [movement(**{"journals": [owner.id], **line}) for line in lines]
    await books.write(*charged(), *captured(), *told)
    found = await books.words()
    assert says in found["movement"] if says else found == {}


async def test_what_is_booked_and_the_provider_does_not_know_is_found_a_day_after(books: Books) -> None:
    old = posting.psp_fee(**{**MOVE, "at": LONG_AGO}, charge="ch", ref="a", merchant=OWNER, fee_minor=44)
    await books.write(old, posting.psp_fee(**MOVE, charge="ch2", ref="a", merchant=OWNER, fee_minor=44))
    assert await books.words() == {}, "nobody has compared it yet"
    await books.write(compared())
    assert "moves -44 of acct_1, of which the provider knows nothing" in (await books.words())["movement"]


async def test_a_balance_that_differs_from_the_providers_is_found(books: Books) -> None:
    await books.write(compared(-3))
    assert "it was -3 more than the books say" in (await books.words())["balance at the provider"]


async def test_a_payout_that_is_not_the_sum_of_its_movements_is_found(books: Books) -> None:
    base: dict[str, Any] = {"merchant": "owner", "account": "acct_1", "status": "paid", "currency": "EUR", "created_at": NOW}
    made: dict[str, Any] = {"tenant": "acme", "id": "po_1", **base, "updated_at": NOW, "amount_minor": 5000, "reconciled": True}
    await books.write(PayoutRow(**made, lines=2, lines_minor=5000))
    assert await books.words() == {}
    await books.write(PayoutRow(**made, lines=2, lines_minor=4999))
    assert "it is 5000, its 2 movements come to 4999" in (await books.words())["payout"]
