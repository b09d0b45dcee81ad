"""A session that a card or a wallet pays: who hears what of it, and that it never costs more than there is."""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.decision import Decision, Letter
from actors.model.hold import HoldError, HoldTerms, hold_for
from actors.model.ids import payment_address, station_address, wallet_address
from actors.model.intents import CommandFailure, CommandResult, RequestStop
from actors.model.rows import JournalRow, SessionRow
from actors.model.tariff import fingerprint
from actors.model.tariff_parse import tariff_of
from actors.model.token import Funds, IdToken, TokenVerdict
from actors.payment.messages import CostTold, SessionBegan, SessionEnded, TellCost
from actors.ports import TariffCard
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.state import SessionState
from actors.station.letters import Order, OrderEnded
from tests.actors.kit import T0, TARIFF, at, event, reading
from tests.kits.examples import examples

LIMITS = DomainLimits()
TOKEN = IdToken("tok_p1", "p1…")
PLACE = m.Place("acme", "CP-1", 1, 1, "Europe/Berlin", "DE", "EUR", {"max_power_w": 22_000})
CARD = TariffCard("acme", "standard", 1, T0, fingerprint(TARIFF), "EUR", TARIFF)
TIMED = {
    **TARIFF,
    "id": "timed",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 1.00, "vat": 19.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1},
                {"type": "TIME", "price": 3.00, "vat": 19.0, "step_size": 1},
            ]
        }
    ],
}


def verdict(status: Any = "Accepted", payment: str = "attempt:p1", limit: int | None = 500) -> TokenVerdict:
    judged = TokenVerdict(status, payment=payment)
    return judged if limit is None else replace(judged, funds=Funds(limit))


class Session:
    """One session, played message by message; `letters` are all that it wrote, `timers` those that are set."""

    def __init__(self, card: TariffCard = CARD) -> None:
        self.state = SessionState()
        self.card = card
        self.letters: list[Letter] = []
        self.rows: list[Any] = []
        self.timers: dict[str, tuple[datetime, Any]] = {}

    def tell(self, message: Any, now: datetime) -> Decision:
        decision = decide("s1", self.state, message, now, LIMITS)
        for fact in decision.facts:
            self.state = apply(self.state, fact)
        self.letters += decision.letters
        self.rows += decision.rows
        for timer in decision.timers:
            self.timers.pop(timer.name, None)
            if timer.at is not None:
                self.timers[timer.name] = (timer.at, timer.message)
        return decision

    def start(self, judged: TokenVerdict | None = None, wh: int = 1000) -> Decision:
        return self.tell(m.Start(PLACE, TOKEN, judged or verdict(), self.card, 42, wh, T0, T0), T0)

    def meter(self, minutes: float, wh: int) -> Decision:
        return self.tell(m.Meter((reading(minutes, wh),), f"h{minutes}", at(minutes)), at(minutes))

    def stop(self, minutes: float, wh: int) -> Decision:
        return self.tell(m.Stop(wh, at(minutes), at(minutes), "Remote"), at(minutes))

    def event(self, type: str, seq: int, minutes: float, judged: TokenVerdict | None = None, **fields: Any) -> Decision:
        told = event(type, seq, minutes, token=TOKEN if judged else None, evse=1, connector=1, **fields)
        return self.tell(m.Event(PLACE, told, judged, self.card, 42, at(minutes)), at(minutes))

    def heard(self, kind: type, to: tuple[str, str, str] = payment_address("acme", "p1")) -> list[Any]:
        return [letter.message for letter in self.letters if letter.to == to and type(letter.message) is kind]

    def orders(self) -> list[Order]:
        return self.heard(Order, station_address("acme", "CP-1"))

    def row(self) -> SessionRow:
        return next(row for row in reversed(self.rows) if isinstance(row, SessionRow))


def test_a_card_hears_that_its_session_began_and_what_it_cost_and_posts_the_journal_itself() -> None:
    session = Session()
    session.start(verdict(limit=5000))
    assert session.heard(SessionBegan) == [SessionBegan("s1", "CP-1", 1, "42", True, T0, "tok_p1")]
    session.stop(60, 11_000)
    (ended,) = session.heard(SessionEnded)
    assert (ended.outcome, ended.n, ended.energy_wh, ended.cost.incl.amount_minor) == ("rated", 1, 10_000, 595)
    assert [(kind.kind, kind.net.amount_minor) for kind in ended.kinds] == [("energy", 500)]
    assert (ended.cdr, ended.fingerprint) == (session.state.cdr, CARD.fingerprint)
    bill = ended.bill
    assert (bill.cost, bill.meter_start_wh, bill.meter_stop_wh, bill.cdr) == (ended.cost, 1000, 11_000, ended.cdr)
    assert [(line.kind, str(line.quantity), str(line.price), line.gross_minor) for line in bill.lines] == [
        ("energy", "10", "0.595", 595)
    ]
    assert not [row for row in session.rows if isinstance(row, JournalRow)]
    assert "cost" not in session.timers
    session.stop(60, 11_000)
    assert len(session.heard(SessionEnded)) == 1, "a retry tells nothing"


def test_sessions_that_are_paid_by_invoice_tell_nobody() -> None:
    session = Session()
    session.start(TokenVerdict("Accepted"))
    session.meter(5, 2000)
    session.stop(60, 11_000)
    assert {letter.to[1] for letter in session.letters} == {"evse"}
    assert [row for row in session.rows if isinstance(row, JournalRow)]
    assert session.state.paying is None


@pytest.mark.parametrize("energy", [0, 10_000])
def test_a_token_that_is_not_good_any_more_is_stopped_and_nobody_is_charged(energy: int) -> None:
    session = Session()
    decision = session.start(verdict("Expired"))
    assert decision.reply.verdict.status == "Expired"
    assert [told.accepted for told in session.heard(SessionBegan)] == [False]
    (order,) = session.orders()
    assert (order.id, order.intent) == ("stop:s1:0", RequestStop("42"))
    session.stop(60, 1000 + energy)
    (ended,) = session.heard(SessionEnded)
    assert (session.state.phase, ended.outcome, ended.cost) == ("waived", "waived", None)


def test_the_same_of_a_transaction_of_2_x() -> None:
    session = Session()
    session.event("Started", 0, 0, verdict("Invalid"), trigger="Authorized", readings=(reading(0, 1000),))
    assert [order.intent for order in session.orders()] == [RequestStop("tx-1")]
    session.event("Ended", 1, 9, readings=(reading(9, 4000),), stopped_reason="Remote")
    assert [ended.outcome for ended in session.heard(SessionEnded)] == ["waived"]


def test_a_wallet_without_credit_is_stopped_and_owes_what_was_delivered() -> None:
    session = Session()
    session.start(verdict("NoCredit", "wallet:w1", None))
    wallet = wallet_address("acme", "w1")
    assert [told.accepted for told in session.heard(SessionBegan, wallet)] == [True]
    assert len(session.orders()) == 1
    assert "no_credit" in session.state.flags


def test_a_session_that_needs_an_operator_is_told_and_told_again_when_it_is_resolved() -> None:
    session = Session()
    session.start(verdict(limit=5000))
    session.stop(1, 900_000)
    (ended,) = session.heard(SessionEnded)
    assert (ended.outcome, ended.n) == ("quarantined", 1)
    assert "energy_exceeds_power" in ended.reason
    session.tell(m.Resolve("correct", "meter fault", "op", energy_wh=300), at(90))
    _, second = session.heard(SessionEnded)
    assert (second.outcome, second.n, second.cost.incl.amount_minor) == ("rated", 2, 18)


def test_a_session_without_a_tariff_is_unpriced_and_told_so() -> None:
    session = Session()
    session.tell(m.Start(PLACE, TOKEN, verdict(), None, 42, 1000, T0, T0), T0)
    session.stop(60, 11_000)
    assert [ended.outcome for ended in session.heard(SessionEnded)] == ["unpriced"]


def test_when_another_token_turns_out_to_pay_the_first_one_hears_that_it_does_not() -> None:
    session = Session()
    session.event("Updated", 3, 3, verdict(limit=5000), trigger="Authorized")
    session.event("Started", 0, 0, verdict(payment="attempt:p0", limit=5000), trigger="Authorized")
    assert [ended.outcome for ended in session.heard(SessionEnded)] == ["waived"]
    assert len(session.heard(SessionBegan, payment_address("acme", "p0"))) == 1


# -- the limit


def test_the_row_shows_what_it_costs_so_far_and_at_its_limit_the_station_is_told_to_stop_once() -> None:
    session = Session()
    session.start(verdict(limit=500))
    session.meter(10, 5000)
    cost = session.row().cost
    assert cost is not None
    assert (cost.incl.amount_minor, session.row().state) == (238, "active")
    assert session.orders() == []
    session.meter(20, 9410)
    session.meter(21, 9500)
    (order,) = session.orders()
    assert (order.id, order.intent, order.by) == ("stop:s1:0", RequestStop("42"), ("acme", "session", "s1"))
    assert "cost_limit" in session.row().anomalies
    session.stop(22, 9500)
    assert session.heard(SessionEnded)[0].cost.incl.amount_minor == 506


def test_a_station_that_does_not_take_the_order_gets_it_again_and_not_for_ever() -> None:
    session = Session()
    session.start(verdict(limit=100))
    session.meter(10, 5000)
    for n in range(1, LIMITS.stop_attempts + 3):
        wanted = min(n, LIMITS.stop_attempts)
        assert [order.id for order in session.orders()] == [f"stop:s1:{i}" for i in range(wanted)]
        told = CommandResult("Rejected") if n % 2 else CommandFailure("timeout", "NotSent")
        session.tell(OrderEnded(session.state.paying.order, "CP-1", told), at(10 + n))  # type: ignore[union-attr]
        session.meter(10 + n, 5000 + n)
    taken = Session()
    taken.start(verdict(limit=100))
    taken.meter(10, 5000)
    taken.tell(OrderEnded("stop:s1:0", "CP-1", CommandResult("Accepted")), at(10))
    taken.meter(11, 5100)
    assert len(taken.orders()) == 1


def test_a_meter_that_keeps_silent_does_not_keep_the_session_going() -> None:
    session = Session()
    session.start(verdict(limit=500))
    stopped = _run_timers(session, at(600))
    assert session.orders()
    # 8.4 kWh are 5.00 EUR; at 22 kW they take 23 minutes, and 45 s of silence are nothing unusual.
    assert at(23) <= stopped <= at(24.5)


def _run_timers(session: Session, until: datetime) -> datetime:
    while not session.orders():
        due, message = session.timers.pop("cost")
        assert due <= until
        session.tell(message, due)
    return due


@pytest.mark.parametrize(("told", "wh"), [((5000, 900), 0), ((900, 800), 0), ((5, 90), 90)])
def test_a_register_that_runs_backwards_is_no_energy_and_one_that_counts_from_the_start_is(told: Any, wh: int) -> None:
    session = Session()
    session.start(verdict(limit=5000))
    for n, register in enumerate(told):
        session.meter(n + 1, register)
    session.tell(TellCost("p1"), at(5))
    (answer,) = session.heard(CostTold)
    assert answer.energy_wh == wh


def test_a_running_session_says_what_is_durable_of_it_and_only_to_who_pays() -> None:
    session = Session()
    session.start(verdict(limit=5000))
    session.tell(TellCost("p1"), at(1))
    session.meter(10, 5000)
    session.tell(TellCost("p1"), at(30))
    session.tell(TellCost("p2"), at(30))
    none, some = session.heard(CostTold)
    assert (none.cost, some.energy_wh, some.cost.incl.amount_minor) == (None, 4000, 238)
    assert sum(kind.net.amount_minor for kind in some.kinds) == some.cost.excl.amount_minor
    (other,) = session.heard(CostTold, payment_address("acme", "p2"))
    assert other.cost is None
    session.stop(60, 11_000)
    session.tell(TellCost("p1"), at(61))
    assert session.heard(CostTold)[-1].cost.incl.amount_minor == 595


@settings(max_examples=examples(150))
@given(
    body=st.sampled_from([TARIFF, TIMED]),
    most=st.integers(800, 6000),
    power=st.lists(st.integers(0, 22_000), min_size=1, max_size=12),
    gaps=st.lists(st.booleans(), min_size=1, max_size=12),
    latency=st.integers(0, 30),
)
def test_a_session_never_costs_more_than_its_hold(body: Any, most: int, power: list[int], gaps: list[bool], latency: int) -> None:
    """Readings every minute or not at all, any power that the station can give, up to 30 s until the station has stopped."""
    tariff = tariff_of(fingerprint(body), body)
    try:
        hold = hold_for(tariff, 22_000, HoldTerms(default_minor=most))
    except HoldError:
        return
    session = Session(TariffCard("acme", "t", 1, T0, fingerprint(body), "EUR", body))
    session.start(verdict(limit=hold.limit_minor))
    watt_seconds, second, end = 1000 * 3600, 0, 8 * 3600
    ordered = False
    while second < end:
        minute = second // 60
        if second and second % 60 == 0 and not gaps[minute % len(gaps)]:
            session.meter(minute, watt_seconds // 3600)
        due = session.timers.get("cost")
        if due is not None and due[0] <= T0 + timedelta(seconds=second):
            session.timers.pop("cost")
            session.tell(due[1], T0 + timedelta(seconds=second))
        if not ordered and session.orders():
            ordered, end = True, second + latency
            continue
        due = session.timers.get("cost")
        rings = end if due is None else max(second + 1, ceil((due[0] - T0).total_seconds()))
        until = min((minute + 1) * 60, rings, end)  # nothing happens before
        watt_seconds += power[minute % len(power)] * (until - second)
        second = until
    ended = T0 + timedelta(seconds=second)
    session.tell(m.Stop(watt_seconds // 3600, ended, ended, "Remote"), at(9999))
    cost = session.state.cost
    assert cost is not None, session.state.remarks
    assert cost.incl.amount_minor <= hold.hold_minor
