"""Wallets through the real runtime, with the ledger's own rules behind them: nothing is spent twice, nothing is lost."""

from typing import Any

import pytest
import trio
from msgspec import UNSET

from actors.limits import DomainLimits
from actors.merchant.messages import PartnerShare, PutMerchant, Seller
from actors.model.decision import Refused
from actors.model.ids import merchant_address, session_address, tenant_address, wallet_address
from actors.model.intents import RequestStart
from actors.model.rows import DocumentRow, HoldRow, JournalRow, SessionRow, WalletLineRow, WalletRow
from actors.model.token import Funds
from actors.ports import MerchantCard
from actors.session.messages import Resolve
from actors.station import messages as m
from actors.tenant.messages import Change
from actors.wallet import messages as w
from tests.actors.kit import STATION, TENANT, FakeLine, House, at, event, reading
from tests.actors.wallet.till import Pay, till

ADDRESS = wallet_address(TENANT, "w1")


class Bank(House):
    """A house with a wallet `w1` that pays for the token WALLET."""

    async def open(self, balance: int = 10_000, **fields: Any) -> None:
        await self.furnish(evses=20)
        await self.ask(ADDRESS, w.OpenWallet("op", **fields))
        await self.put_token("WALLET", payment="wallet:w1")
        if balance:
            await self.top_up(balance)

    async def top_up(self, amount: int, attempt: str = "p1") -> None:
        """What a payment does: its journal and the letter, in one turn."""
        await self.ask((TENANT, "till", attempt), Pay(amount))
        await trio.sleep(0.2)

    async def wallet(self) -> WalletRow:
        row = await self.ask(ADDRESS, w.Look())
        assert isinstance(row, WalletRow)
        return row

    def lines(self) -> list[tuple[str, int, int]]:
        rows = sorted(self.rows.table(WalletLineRow), key=lambda row: row.id)
        return [(row.kind, row.amount_minor, row.balance_minor) for row in rows]

    def holds(self) -> dict[str, str | None]:
        return {row.id: row.outcome for row in self.rows.table(HoldRow)}

    def balance_of(self, account: str, book: str = "brand") -> int:
        """Credits less debits."""
        sums = 0
        for journal in self.rows.table(JournalRow):
            for entry in journal.entries if journal.book == book else ():
                if entry.account == account:
                    sums += entry.amount_minor if entry.side == "credit" else -entry.amount_minor
        return sums

    def row(self, session: str) -> SessionRow:
        row = self.rows.get(SessionRow, TENANT, session)
        assert row is not None
        return row


@pytest.fixture
async def bank(nursery: trio.Nursery) -> Bank:
    bank = Bank()
    till(bank.system)
    await nursery.start(bank.system.run)
    return bank


async def test_what_a_session_costs_is_held_before_its_start_is_answered_and_taken_in_its_booking_turn(
    autojump_clock: Any, bank: Bank
) -> None:
    await bank.open()
    verdict = await bank.station(m.Authorize(bank.token("WALLET")))
    assert verdict.accepted
    assert isinstance(verdict.funds, Funds)
    assert list(bank.holds().values()) == [None], "committed before the answer"
    held = (await bank.wallet()).held_minor
    assert held > 0
    start = await bank.start("WALLET")
    assert start.verdict.funds == verdict.funds, "the same hold"
    await trio.sleep(1)
    await bank.stop(start.number)
    await trio.sleep(1)
    (journal,) = [row for row in bank.journals() if row.ref.startswith("s")]
    assert {(e.account.split("/")[0], e.side, e.amount_minor) for e in journal.entries} == {
        ("2100", "debit", 595),
        ("4000", "credit", 500),
        ("2300", "credit", 95),
    }
    assert list(bank.holds().values()) == ["posted"]
    row = await bank.wallet()
    assert (row.balance_minor, row.held_minor, row.owed_minor) == (9405, 0, 0)
    assert bank.lines() == [("topup", 10_000, 10_000), ("session", -595, 9405)]
    (cdr,) = bank.cdrs()
    assert cdr.journal == journal.id
    assert bank.balance_of("2100/w1") == 9405


async def test_a_session_that_a_wallet_paid_has_a_receipt_and_what_is_given_back_a_credit_note(
    autojump_clock: Any, bank: Bank
) -> None:
    seller = Seller("Acme GmbH", ("Hauptstr. 1", "10115 Berlin"), "DE", "DE1")
    bank.env.snapshots.put_merchant(MerchantCard(TENANT, "brand", seller, None, True))
    await bank.open()
    start = await bank.start("WALLET")
    await trio.sleep(1)
    await bank.stop(start.number)
    await trio.sleep(1)
    (receipt,) = bank.rows.table(DocumentRow)
    (cdr,) = bank.cdrs()
    assert (receipt.kind, receipt.seller, receipt.gross_minor, receipt.number) == ("receipt", "brand", 595, 1)
    assert (receipt.ref, receipt.customer, receipt.body["paid"]["method"]) == (cdr.session, "wallet:w1", "wallet")
    assert [line["kind"] for line in receipt.body["lines"]] == ["energy"]
    for n, amount in enumerate((100, 495)):
        await bank.ask(ADDRESS, w.CreditWallet(f"r{n}", "op", cdr.session, amount, "broken plug"))
    notes = [row for row in bank.rows.table(DocumentRow) if row.kind == "credit_note"]
    assert [(note.gross_minor, note.corrects, note.body["seller"]["vat_id"]) for note in notes] == [
        (-100, receipt.id, "DE1"),
        (-495, receipt.id, "DE1"),
    ]
    assert sum(note.body["vat_minor"] for note in notes) == -95
    assert sum(note.body["vat"][0]["net_minor"] for note in notes) == -500


async def test_a_wallet_with_nothing_in_it_is_no_credit_and_a_blocked_one_is_blocked(autojump_clock: Any, bank: Bank) -> None:
    await bank.open(0)
    assert (await bank.station(m.Authorize(bank.token("WALLET")))).status == "NoCredit"
    await bank.top_up(5000)
    await bank.ask(ADDRESS, w.ChangeWallet("op", blocked=True))
    assert (await bank.station(m.Authorize(bank.token("WALLET")))).status == "Blocked"
    await bank.ask(ADDRESS, w.ChangeWallet("op"))
    assert (await bank.station(m.Authorize(bank.token("WALLET")))).status == "Accepted"


async def test_a_token_of_a_wallet_that_does_not_exist_pays_nothing(autojump_clock: Any, bank: Bank) -> None:
    await bank.open()
    await bank.put_token("LOST", payment="wallet:none")
    assert (await bank.station(m.Authorize(bank.token("LOST")))).status == "NoCredit"


async def test_a_remote_start_without_credit_is_refused_and_not_sent(autojump_clock: Any, bank: Bank) -> None:
    await bank.open(0)
    line = FakeLine(wire=m.WireCall("RemoteStartTransaction", b"{}"))
    bank.system.tell((TENANT, "station", STATION), m.Connected(line, "ocpp1.6", 1, "10.0.0.1"))
    await trio.sleep(0.1)
    answer = await bank.station(m.Command("c1", RequestStart("WALLET", 1), at(1)))
    assert isinstance(answer, Refused)
    assert (answer.code, line.calls) == ("no_credit", [])


async def test_a_hold_with_which_nothing_begins_is_let_go(autojump_clock: Any, bank: Bank) -> None:
    await bank.open()
    await bank.station(m.Authorize(bank.token("WALLET")))
    await trio.sleep(bank.env.limits.hold_for.total_seconds() + 5)
    assert list(bank.holds().values()) == ["expired"]
    assert (await bank.wallet()).held_minor == 0


async def test_sixteen_sessions_at_once_never_take_more_than_there_is(
    autojump_clock: Any, nursery: trio.Nursery, bank: Bank
) -> None:
    await bank.open(2000)
    answers: list[m.StartReply] = []

    async def start(evse: int) -> None:
        answers.append(await bank.start("WALLET", evse=evse))

    for evse in range(1, 17):
        nursery.start_soon(start, evse)
    await trio.sleep(2)
    assert len(answers) == 16
    held = (await bank.wallet()).held_minor
    assert 0 < held <= 2000
    accepted = [reply for reply in answers if reply.verdict.accepted]
    assert 1 <= len(accepted) < 16
    for reply in answers:
        await bank.stop(reply.number, 3000)
    await trio.sleep(2)
    cost = 16 * 119
    row = await bank.wallet()
    assert row.held_minor == 0
    assert row.balance_minor - row.owed_minor == 2000 - cost
    assert bank.balance_of("2100/w1") == row.balance_minor >= 0
    assert all(outcome is not None for outcome in bank.holds().values())
    assert bank.balance_of(f"1220/{bank.token('WALLET').ref}") == -row.owed_minor


async def test_what_goes_beyond_the_hold_is_owed_and_collected_when_money_comes(autojump_clock: Any, bank: Bank) -> None:
    await bank.open(500)
    start = await bank.start("WALLET")
    await trio.sleep(1)
    await bank.stop(start.number)
    await trio.sleep(1)
    ref = bank.token("WALLET").ref
    row = await bank.wallet()
    assert (row.balance_minor, row.owed_minor) == (0, 95)
    assert bank.balance_of(f"1220/{ref}") == -95
    assert (await bank.station(m.Authorize(bank.token("WALLET")))).status == "NoCredit"
    await bank.top_up(1000, "p2")
    row = await bank.wallet()
    assert (row.balance_minor, row.owed_minor) == (905, 0)
    assert bank.balance_of(f"1220/{ref}") == 0
    assert bank.lines()[-2:] == [("topup", 1000, 1000), ("collected", -95, 905)]


async def test_a_start_without_credit_is_recorded_and_stopped_and_owes_what_was_delivered(
    autojump_clock: Any, bank: Bank
) -> None:
    await bank.open(0)
    line = FakeLine(wire=m.WireCall("RemoteStopTransaction", b"{}"))
    bank.system.tell((TENANT, "station", STATION), m.Connected(line, "ocpp1.6", 1, "10.0.0.1"))
    start = await bank.start("WALLET")
    assert start.verdict.status == "NoCredit"
    await trio.sleep(1)
    assert [wire.action for _, wire, _ in line.calls] == ["RemoteStopTransaction"]
    await bank.stop(start.number, 1500, minutes=5)
    await trio.sleep(1)
    assert (await bank.wallet()).owed_minor == 30


async def test_a_session_that_waits_for_an_operator_lets_its_hold_go_and_is_collected_when_resolved(
    autojump_clock: Any, bank: Bank
) -> None:
    await bank.open()
    start = await bank.start("WALLET")
    await trio.sleep(1)
    await bank.stop(start.number, 900, minutes=5)
    await trio.sleep(1)
    (row,) = bank.sessions()
    assert row.state == "quarantined"
    assert list(bank.holds().values()) == ["void"]
    assert (await bank.wallet()).held_minor == 0
    await bank.ask(session_address(TENANT, row.id), Resolve("correct", "meter", "op", energy_wh=10_000))
    await trio.sleep(1)
    wallet = await bank.wallet()
    assert (wallet.balance_minor, wallet.owed_minor) == (9405, 0)
    assert bank.balance_of("2100/w1") == 9405


async def test_a_transaction_of_2_x_is_held_for_and_stopped_at_its_limit(autojump_clock: Any, bank: Bank) -> None:
    await bank.open(1000)
    line = FakeLine(wire=m.WireCall("RequestStopTransaction", b"{}"))
    line.protocol = "ocpp2.0.1"
    bank.system.tell((TENANT, "station", STATION), m.Connected(line, "ocpp2.0.1", 1, "10.0.0.1"))
    token = bank.token("WALLET")
    first = event("Started", 0, 0, "Authorized", token=token, evse=1, connector=1, readings=(reading(0, 1000),))
    reply = await bank.station(first)
    assert reply.verdict.accepted
    assert reply.verdict.funds.hold is not None
    await bank.station(first)
    await trio.sleep(1)
    assert len(bank.holds()) == 1, "a retry holds nothing more"
    await bank.station(event("Updated", 1, 30, charging_state="Charging", readings=(reading(30, 18_000),)))
    await trio.sleep(1)
    assert len(line.calls) == 1
    await bank.station(event("Ended", 2, 31, "RemoteStop", stopped_reason="Remote", readings=(reading(31, 18_200),)))
    await trio.sleep(1)
    row = await bank.wallet()
    assert row.balance_minor == 0
    assert row.owed_minor == 1023 - 1000


async def test_a_wallet_that_cannot_be_asked_in_time_keeps_no_start_waiting_and_holds_by_letter(
    autojump_clock: Any, nursery: trio.Nursery
) -> None:
    bank = Bank(limits=DomainLimits(hold_patience=0.5))
    till(bank.system)
    await nursery.start(bank.system.run)
    await bank.open()
    await bank.system.inspect.suspend(ADDRESS)
    start = await bank.start("WALLET")
    assert (start.verdict.status, start.verdict.funds) == ("Accepted", UNSET)
    assert (await bank.station(m.Authorize(bank.token("WALLET")))).status == "NoCredit", "nothing is held, nothing is promised"
    await bank.system.inspect.resume(ADDRESS)
    await trio.sleep(2)
    (session,) = bank.sessions()
    held = [hold for hold in bank.rows.table(HoldRow) if hold.outcome is None]
    assert held
    await bank.stop(start.number)
    await trio.sleep(2)
    assert bank.row(session.id).phase == "booked"
    row = await bank.wallet()
    assert (row.balance_minor, row.owed_minor) == (9405, 0)
    assert sorted(outcome or "" for outcome in bank.holds().values())[-1] == "posted"


@pytest.mark.parametrize("named", ["by the station", "by the tenant's settings"])
async def test_at_an_owner_s_station_the_owner_sells_and_is_credited_what_the_brand_owes(
    autojump_clock: Any, bank: Bank, named: str
) -> None:
    await bank.open()
    seller = Seller("Owner GmbH", ("Street 1",), "DE", phone="+49")
    for id, shares in (("host", ()), ("owner1", (PartnerShare("host", "10"),))):
        put = PutMerchant("op", seller, commission_percent="5", partners=shares, account=f"acct_{id}")
        assert not isinstance(await bank.ask(merchant_address(TENANT, id), put), Refused)
    of_station = named == "by the station"
    if not of_station:
        change = Change("Acme", "Europe/Berlin", "refuse", "op", {"merchant": "owner1"})
        assert not isinstance(await bank.ask(tenant_address(TENANT), change), Refused)
    own = "owner1" if of_station else None
    await bank.station(m.Register(2, 0, None, False, ("ocpp1.6",), "standard", {}, "op", merchant=own))
    start = await bank.start("WALLET")
    await bank.stop(start.number)
    await trio.sleep(2)
    assert bank.balance_of("2100/w1") == 9405
    assert bank.balance_of("2200/owner1") == 595 - 30
    assert bank.balance_of("2210/host") == 50
    assert bank.balance_of("4000/energy", "owner1") == 500
    assert bank.balance_of("2300/DE/19", "owner1") == 95
    facts = [fact for head in bank.store.heads.values() for fact in head.facts]
    assert not any(b"Street 1" in fact.row.body for fact in facts if fact.row.type == "started"), "its terms, not its address"
