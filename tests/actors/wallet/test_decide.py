"""A wallet's decisions: holds, promo credit, top-ups under a mandate, what goes back, the end."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from actors.limits import DomainLimits
from actors.merchant.messages import OwnerDebited, PartnerShare, Seller
from actors.model.decision import MONEY, Decision, Refused
from actors.model.ids import merchant_address, payment_address, session_address
from actors.model.money import Cost, Money, VatAmount
from actors.model.posting import Promo, WalletSale
from actors.model.rating import KindNet
from actors.model.rows import EventRow, HoldRow, JournalRow, WalletLineRow, WalletRow
from actors.payment.messages import OpenAttempt, RefundPayment, SessionBegan, SessionEnded
from actors.ports import MerchantCard
from actors.wallet import messages as m
from actors.wallet.decide import decide
from actors.wallet.state import WalletState, apply
from tests.actors.kit import T0, at

HERE = ("acme", "wallet", "w1")
LIMITS = DomainLimits(wallet_holds=3, wallet_promos=2)
COST = Cost(Money(500, "EUR"), Money(595, "EUR"), (VatAmount(Decimal(19), Money(95, "EUR")),))
OWNER = MerchantCard("acme", "owner1", Seller("Owner", country="DE"), "acct_1", True, "5", partners=(PartnerShare("host", "10"),))
AUTO = m.AutoTopUp(1000, 2000, "v1", T0)


class Wallet:
    def __init__(self, balance: int = 5000) -> None:
        self.state = WalletState()
        self.rows: list[Any] = []
        self.letters: list[Any] = []
        self.timers: dict[str, tuple[datetime, Any]] = {}
        self.tell(m.OpenWallet("op"))
        if balance:
            self.tell(m.ToppedUp("p1", balance, "EUR", T0, "cus_1", "pm_1"))

    def tell(self, message: Any, minutes: float = 0) -> Decision:
        decision = decide(HERE, self.state, message, at(minutes), LIMITS, "EUR")
        for fact in decision.facts:
            self.state = apply(self.state, fact)
        self.rows += decision.rows
        self.letters += decision.letters
        for timer in decision.timers:
            self.timers.pop(timer.name, None)
            if timer.at is not None:
                self.timers[timer.name] = (timer.at, timer.message)
        journals = [row for row in decision.rows if isinstance(row, JournalRow | HoldRow)]
        assert bool(journals) == (decision.lane == MONEY)
        return decision

    def hold(self, ref: str = "t1", want: int | None = None, session: str = "", least: int = 1, minutes: float = 0) -> Any:
        return self.tell(m.AskHold(ref, "CP-1", want, least, session), minutes).reply

    def told(self, kind: type) -> list[Any]:
        return [letter.message for letter in self.letters if type(letter.message) is kind]

    def journals(self) -> list[JournalRow]:
        return [row for row in self.rows if isinstance(row, JournalRow)]

    def holds(self) -> dict[str, str | None]:
        return {row.id: row.outcome for row in self.rows if isinstance(row, HoldRow)}

    def lines(self) -> list[tuple[str, int, int]]:
        return [(r.kind, r.amount_minor, r.balance_minor) for r in self.rows if isinstance(r, WalletLineRow)]

    def charged(self, session: str = "s1", taken: int = 595, owed: int = 0, hold: str | None = None, **more: Any) -> Decision:
        return self.tell(m.WalletCharged(session, hold, taken, owed, "EUR", T0, token_ref="t1", **more))


def began(session: str = "s1", hold: str | None = None, accepted: bool = True) -> SessionBegan:
    return SessionBegan(session, "CP-1", 1, "42", accepted, T0, "t1", hold)


def sale(merchant: MerchantCard | None = None, promo: Promo | None = None) -> WalletSale:
    return WalletSale(
        tenant="acme", session="s1", wallet="w1", token_ref="t1", merchant=merchant, country="DE", cost=COST,
        kinds=(KindNet("energy", Money(500, "EUR")),), promo=promo,
    )  # fmt: skip


# -- holds


def test_a_hold_is_what_is_asked_for_as_far_as_it_is_there_and_committed_with_the_answer() -> None:
    wallet = Wallet()
    decision = wallet.tell(m.AskHold("t1", "CP-1", 3000))
    granted = decision.reply
    assert (granted.amount_minor, wallet.state.available_minor) == (3000, 2000)
    (row,) = [row for row in decision.rows if isinstance(row, HoldRow)]
    assert (row.id, row.account, row.amount_minor, row.outcome) == (granted.hold, "2100/w1", 3000, None)
    assert wallet.timers[f"hold:{granted.hold}"][0] == T0 + LIMITS.hold_for
    assert wallet.hold(want=3000) == granted, "the same token at the same station: the same hold"
    assert wallet.hold("t2", 3000).amount_minor == 2000
    refused = wallet.hold("t3", 3000)
    assert isinstance(refused, Refused)
    assert refused.code == "no_credit"


def test_a_session_limit_bounds_a_hold_and_too_little_is_nothing() -> None:
    wallet = Wallet()
    wallet.tell(m.ChangeWallet("op", session_limit_minor=1500))
    assert wallet.hold().amount_minor == 1500
    assert wallet.hold("t2", least=3000).code == "no_credit"


def test_the_session_that_begins_gets_the_hold_and_the_next_one_another() -> None:
    wallet = Wallet()
    first = wallet.hold(want=1000)
    assert wallet.hold(want=1000, session="s1") == first
    assert wallet.hold(want=1000, session="s1") == first
    assert wallet.hold(want=1000, session="s2").hold != first.hold
    assert wallet.timers[f"hold:{first.hold}"][0] == T0 + LIMITS.hold_bound
    wallet.tell(began("s1", first.hold))
    assert f"hold:{first.hold}" not in wallet.timers, "the session ends it"
    wallet.tell(m.HoldOver(first.hold), 60 * 48)
    assert len(wallet.state.holds) == 2


def test_a_hold_with_which_nothing_began_is_let_go_by_time() -> None:
    wallet = Wallet()
    granted = wallet.hold()
    wallet.tell(m.HoldOver(granted.hold), 11)
    assert wallet.holds()[granted.hold] == "expired"
    assert (wallet.state.holds, wallet.state.available_minor) == ((), 5000)


def test_a_session_that_began_without_a_hold_gets_one_by_letter_or_hears_that_there_is_none() -> None:
    wallet = Wallet()
    wallet.tell(began("s1"))
    (told,) = wallet.told(m.HoldTold)
    assert told.granted.amount_minor == 5000
    assert wallet.letters[-1].to == session_address("acme", "s1")
    assert wallet.state.holds[0].began
    wallet.tell(began("s2"))
    assert wallet.told(m.HoldTold)[-1] == m.HoldTold(None, "no_credit")
    wallet.tell(began("s3", accepted=False))
    assert len(wallet.told(m.HoldTold)) == 2, "nobody is charged for it, so nothing is held"


def test_what_a_session_did_not_know_of_its_hold_is_let_go_when_it_ends() -> None:
    wallet = Wallet()
    wallet.tell(began("s1"))
    hold = wallet.state.holds[0].id
    wallet.charged(taken=0, owed=595)
    assert wallet.holds()[hold] == "void"
    assert (wallet.state.balance_minor, wallet.state.owed_minor) == (5000 - 595, 0), "and what it owed is collected at once"


def test_a_waived_session_lets_go_and_a_hold_for_a_session_that_is_over_is_none() -> None:
    wallet = Wallet()
    granted = wallet.hold(session="s1")
    wallet.tell(began("s1", granted.hold))
    before = len(wallet.holds())
    wallet.tell(SessionEnded("s1", "waived", 1, 0, T0, hold=granted.hold))
    assert wallet.state.held_minor == 0
    assert len(wallet.holds()) == before, "its row is the session's to end"
    assert wallet.hold(session="s1").code == "ended"


def test_a_wallet_has_so_many_holds_and_no_more() -> None:
    wallet = Wallet()
    for n in range(3):
        wallet.hold(f"t{n}", 100)
    assert wallet.hold("t9", 100).code == "busy"


def test_while_something_is_owed_nothing_is_held() -> None:
    wallet = Wallet(0)
    wallet.charged(taken=0, owed=595)
    wallet.tell(m.GivePromo("g1", "op", 300, "brand"))
    assert wallet.hold().code == "no_credit"


# -- promo credit


def test_promo_credit_is_used_first_and_what_was_not_used_is_there_again() -> None:
    wallet = Wallet()
    wallet.tell(m.GivePromo("late", "op", 400, "brand"))
    wallet.tell(m.GivePromo("soon", "op", 300, "sponsor", "shop", at(600)))
    granted = wallet.hold(want=1000)
    assert (granted.promo_minor, granted.amount_minor, granted.funded_by, granted.sponsor) == (300, 700, "sponsor", "shop")
    assert wallet.state.promo_minor == 400
    wallet.charged(taken=0, hold=granted.hold, promo_minor=120, sale=sale(promo=Promo(120, "sponsor", "shop")))
    assert wallet.state.promo_minor == 400 + 180
    assert wallet.hold(want=1000, minutes=601).funded_by == "brand", "the other one has expired"


def test_a_wallet_with_promo_credit_alone_holds_without_a_row() -> None:
    wallet = Wallet(0)
    wallet.tell(m.GivePromo("g1", "op", 300, "brand"))
    granted = wallet.hold()
    assert (granted.amount_minor, granted.promo_minor, wallet.holds()) == (0, 300, {})


def test_another_promo_credit_under_an_id_that_was_used_is_refused_rather_than_ignored() -> None:
    wallet = Wallet()
    wallet.tell(m.GivePromo("g1", "op", 300, "brand", expires=at(600)))
    assert isinstance(wallet.tell(m.GivePromo("g1", "op", 300, "brand", expires=at(600)), minutes=1).reply, WalletRow)
    refused = wallet.tell(m.GivePromo("g1", "op", 900, "brand")).reply
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field, wallet.state.promo_minor) == ("differs", "id", 300)


def test_an_operator_s_id_that_looks_like_a_refund_s_swallows_no_refund() -> None:
    wallet = Wallet()
    wallet.tell(m.GivePromo("p1:refund:1", "op", 300, "brand"))
    wallet.tell(m.TopUpReturned("p1", 2000, "EUR", T0, "p1:refund:1"))
    assert wallet.state.balance_minor == 3000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (m.GivePromo("g", "op", 0, "brand"), "amount_minor"),
        (m.GivePromo("g", "op", 5, "sponsor"), "sponsor"),
        (m.GivePromo("g", "op", 5, "brand", expires=T0 - timedelta(days=1)), "expires"),
    ],
)
def test_promo_credit_that_makes_no_sense_names_its_field(given: Any, field: str) -> None:
    assert Wallet().tell(given).reply.field == field


# -- top-ups


def test_a_mandate_charges_the_saved_card_when_little_is_left_and_not_more_often_than_agreed() -> None:
    wallet = Wallet(1500)
    wallet.tell(m.ChangeWallet("op", auto=AUTO))
    assert wallet.told(OpenAttempt) == []
    granted = wallet.hold(want=1000)
    (opened,) = wallet.told(OpenAttempt)
    order = opened.order
    assert (order.automatic, order.amount_minor, order.customer, order.payment_method, order.mandate) == (
        True, 2000, "cus_1", "pm_1", "v1",
    )  # fmt: skip
    (attempt,) = wallet.state.asked
    assert wallet.letters[-1].to == payment_address("acme", attempt)
    wallet.charged(taken=1000, hold=granted.hold)
    assert len(wallet.told(OpenAttempt)) == 1, "one at a time"
    wallet.tell(m.ToppedUp(attempt, 200, "EUR", T0))
    wallet.charged("s2", 0)
    wallet.tell(m.ToppedUp(wallet.state.asked[0], 200, "EUR", T0))
    wallet.charged("s3", 0)
    assert len(wallet.told(OpenAttempt)) == 2, "twice a day"


def test_a_card_that_wants_its_holder_is_not_tried_again_blindly() -> None:
    wallet = Wallet(500)
    wallet.tell(m.ChangeWallet("op", auto=AUTO))
    (attempt,) = wallet.state.asked
    wallet.tell(m.TopUpFailed(attempt, "authentication_required", T0))
    events = [row for row in wallet.rows if isinstance(row, EventRow) and row.kind == "wallet.topup_failed"]
    assert events[0].body["reason"] == "authentication_required"
    wallet.hold(want=100)
    wallet.charged(taken=100)
    assert len(wallet.told(OpenAttempt)) == 1
    wallet.tell(m.ToppedUp("p9", 100, "EUR", T0, "cus_1", "pm_2"))
    wallet.charged("s2", 10)
    assert len(wallet.told(OpenAttempt)) == 2, "a card that was saved anew is"


def test_a_mandate_needs_a_card_and_a_text() -> None:
    assert Wallet(0).tell(m.ChangeWallet("op", auto=AUTO)).reply.code == "no_card"
    empty = m.AutoTopUp(1000, 2000, " ", T0)
    assert Wallet().tell(m.ChangeWallet("op", auto=empty)).reply.field == "auto.mandate"


def test_what_is_owed_is_collected_when_money_comes_the_oldest_first_and_each_once() -> None:
    wallet = Wallet(0)
    wallet.charged("s1", 0, 300)
    wallet.charged("s2", 0, 400)
    wallet.tell(m.ToppedUp("p2", 500, "EUR", T0))
    assert wallet.lines()[-2:] == [("collected", -300, 200), ("collected", -200, 0)]
    assert wallet.state.owed_minor == 200
    wallet.tell(m.ToppedUp("p3", 500, "EUR", T0))
    assert (wallet.state.owed_minor, wallet.state.balance_minor) == (0, 300)
    assert len({journal.id for journal in wallet.journals()}) == 3
    assert {journal.ref for journal in wallet.journals()} == {"s1", "s2"}


@pytest.mark.parametrize("disputed", [False, True])
def test_a_top_up_that_went_back_takes_what_is_there_and_the_rest_is_owed(disputed: bool) -> None:
    wallet = Wallet(5000)
    wallet.charged(taken=4000)
    wallet.tell(m.TopUpReturned("p1", 5000, "EUR", T0, "r1", disputed))
    assert (wallet.state.balance_minor, wallet.state.owed_minor) == (0, 4000)
    (journal,) = wallet.journals()
    assert {(e.account, e.side, e.amount_minor) for e in journal.entries} == {
        ("2100/w1", "debit", 1000), ("1220/w1", "debit", 4000), ("1160" if disputed else "1100/brand", "credit", 5000),
    }  # fmt: skip
    wallet.tell(m.TopUpReturned("p1", 5000, "EUR", T0, "r1", disputed))
    assert len(wallet.journals()) == 1
    wallet.tell(m.ToppedUp("p2", 4000, "EUR", T0))
    assert wallet.journals()[-1].entries[1].account == "1220/w1"


# -- what is given back


def test_many_small_credits_end_exactly_at_the_price_with_the_owner_and_the_partner_giving_theirs() -> None:
    wallet = Wallet()
    wallet.charged(taken=595, sale=sale(OWNER))
    amounts = [100, 100, 100, 100, 100, 95]
    for n, amount in enumerate(amounts):
        reply = wallet.tell(m.CreditWallet(f"c{n}", "op", "s1", amount, "why")).reply
        assert isinstance(reply, WalletRow)
    assert wallet.state.balance_minor == 5000
    sums: dict[tuple[str, str], int] = {}
    for journal in wallet.journals():
        for entry in journal.entries:
            key = journal.book, entry.account
            sums[key] = sums.get(key, 0) + (entry.amount_minor if entry.side == "debit" else -entry.amount_minor)
    assert sums["owner1", "2300/DE/19"] == 95
    assert sums["owner1", "4000/energy"] == 500
    assert sums["brand", "2210/host"] == 50
    debited = [(letter.to, letter.message) for letter in wallet.letters if type(letter.message) is OwnerDebited]
    owner = sum(told.amount_minor for to, told in debited if to == merchant_address("acme", "owner1"))
    host = sum(told.amount_minor for to, told in debited if to == merchant_address("acme", "host"))
    assert (owner, host) == (sale(OWNER).owner_minor(), 50)
    assert wallet.tell(m.CreditWallet("c9", "op", "s1", 1, "why")).reply.code == "too_much"
    assert wallet.tell(m.CreditWallet("c0", "op", "s1", 100, "why")).facts == [], "the same again changes nothing"


def test_a_credit_first_lowers_what_is_owed_of_the_session() -> None:
    wallet = Wallet(0)
    wallet.charged(taken=0, owed=595, sale=sale())
    wallet.tell(m.CreditWallet("c1", "op", "s1", 200, "why"))
    assert (wallet.state.owed_minor, wallet.state.balance_minor) == (395, 0)
    wallet.tell(m.ToppedUp("p2", 395, "EUR", T0))
    wallet.tell(m.CreditWallet("c2", "op", "s1", 395, "why"))
    assert (wallet.state.owed_minor, wallet.state.balance_minor) == (0, 395)


def test_what_a_sponsor_paid_goes_back_to_the_sponsor_last() -> None:
    wallet = Wallet()
    wallet.charged(taken=495, promo_minor=100, sale=sale(promo=Promo(100, "sponsor", "shop")))
    wallet.tell(m.CreditWallet("c1", "op", "s1", 595, "why"))
    assert wallet.state.balance_minor == 5000
    entries = wallet.journals()[-1].entries
    assert ("1260/shop", "credit", 100) in {(e.account, e.side, e.amount_minor) for e in entries}


# -- the end


def test_a_wallet_that_closes_gives_back_to_its_cards_the_latest_first() -> None:
    wallet = Wallet(3000)
    wallet.tell(m.ToppedUp("p2", 1000, "EUR", T0))
    wallet.charged(taken=500)
    wallet.tell(m.CloseWallet("op", "moved"))
    assert wallet.state.phase == "closing"
    asked = {letter.to[2]: letter.message.amount_minor for letter in wallet.letters if type(letter.message) is RefundPayment}
    assert asked == {"p2": 1000, "p1": 2500}
    assert wallet.hold().code == "blocked"
    wallet.tell(m.TopUpReturned("p2", 1000, "EUR", T0, "r2"))
    wallet.tell(m.TopUpReturned("p1", 2500, "EUR", T0, "r1"))
    assert (wallet.state.phase, wallet.state.balance_minor) == ("closed", 0)
    assert wallet.tell(m.CloseWallet("op", "again")).facts == []


def test_what_no_card_takes_back_is_paid_out_and_told() -> None:
    wallet = Wallet(3000)
    wallet.tell(m.CloseWallet("op", "moved"))
    wallet.tell(m.TopUpReturned("p1", 1000, "EUR", T0, "r1"))
    early = wallet.tell(m.CloseWallet("op", "moved", "SEPA 7")).reply
    assert early.code == "refund_pending", "the card's refund may still come: the driver would have it twice"
    wallet.tell(m.CloseWallet("op", "moved", "SEPA 7"), minutes=LIMITS.wallet_refund_days * 1440)
    assert (wallet.state.phase, wallet.state.balance_minor) == ("closed", 0)
    assert wallet.lines()[-1] == ("payout", -2000, 0)
    assert [(e.account, e.amount_minor) for e in wallet.journals()[-1].entries] == [("2100/w1", 2000), ("1010", 2000)]


def test_a_wallet_in_use_does_not_close_and_an_empty_one_does_at_once() -> None:
    wallet = Wallet()
    wallet.hold(want=100)
    assert wallet.tell(m.CloseWallet("op", "moved")).reply.code == "in_use"
    empty = Wallet(0)
    empty.tell(m.CloseWallet("op", "moved"))
    assert empty.state.phase == "closed"


def test_a_wallet_that_nobody_opened_answers_so_but_keeps_money_that_comes() -> None:
    wallet = Wallet.__new__(Wallet)
    wallet.state, wallet.rows, wallet.letters, wallet.timers = WalletState(), [], [], {}
    assert wallet.tell(m.Look()).reply is None
    assert wallet.hold().code == "unknown"
    assert wallet.tell(m.CloseWallet("op", "x")).reply.code == "unknown"
    wallet.tell(m.ToppedUp("p1", 700, "EUR", T0))
    assert (wallet.state.phase, wallet.state.balance_minor) == ("open", 700)
