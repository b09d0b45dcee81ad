"""One OCPP 2.x transaction, its events in any order, each as often as it likes: the bill is the one of the quiet day on
which they came in order, once. No loop, no runtime: the decisions alone. Hypothesis prints how to repeat a failure.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.limits import DomainLimits
from actors.model.meter import Reading, Sample
from actors.model.rows import CdrRow, JournalRow
from actors.model.tariff import fingerprint
from actors.model.token import IdToken, TokenVerdict
from actors.ports import TariffCard
from actors.session import book as b
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.phases import SETTLED
from actors.session.state import SessionState
from actors.station.messages import TransactionEvent, TransactionReply
from tests.actors.kit import T0
from tests.kits.examples import examples

LIMITS = DomainLimits()
NOW = T0 + timedelta(hours=8)
ELEMENTS = [
    {
        "price_components": [{"type": "ENERGY", "price": 0.30, "vat": 19.0, "step_size": 1}],
        "restrictions": {"start_time": "13:30", "end_time": "14:10"},
    },
    {
        "price_components": [
            {"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1},
            {"type": "TIME", "price": 1.20, "vat": 19.0, "step_size": 60},
            {"type": "PARKING_TIME", "price": 6.00, "vat": 19.0, "step_size": 60},
        ]
    },
]
TARIFF = {"id": "by-time", "currency": "EUR", "elements": ELEMENTS, "last_updated": "2026-01-01T00:00:00Z"}
CARD = TariffCard("acme", "by-time", 1, T0, fingerprint(TARIFF), "EUR", TARIFF)
VERDICTS = {"good": TokenVerdict("Accepted", None, None, "g1"), "mate": TokenVerdict("Accepted", None, None, "g1"),
            "bad": TokenVerdict("Blocked")}  # fmt: skip
CONTEXTS = ("Sample.Periodic", "Sample.Clock")


def place(evse: int) -> m.Place:
    return m.Place("acme", "CP-1", evse, 1 if evse else 0, "Europe/Berlin", "DE", "EUR")


def message(told: TransactionEvent) -> m.Event:
    verdict = VERDICTS[told.token.ref] if told.token is not None else None
    return m.Event(place(told.evse or 0), told, verdict, CARD, 7, NOW)


class Run:
    """The session of one transaction, told a sequence of events."""

    def __init__(self, events: Sequence[TransactionEvent]) -> None:
        self.state = SessionState()
        self.rows: list[Any] = []
        self.replies: list[TransactionReply] = []
        for told in events:
            self.tell(message(told))

    def tell(self, what: Any) -> None:
        decision = decide("s1", self.state, what, NOW, LIMITS)
        if decision.forward is not None:
            return
        if isinstance(what, m.Event):
            assert isinstance(decision.reply, TransactionReply), "an event is always answered"
            self.replies.append(decision.reply)
        for fact in decision.facts:
            self.state = apply(self.state, msgspec.json.decode(msgspec.json.encode(fact), type=type(fact)))
        self.rows += decision.rows
        assert msgspec.json.decode(msgspec.json.encode(self.state), type=SessionState) == self.state

    def bill(self) -> Any:
        """What money and people see of it."""
        state = self.state
        return (
            [row.body for row in self.rows if isinstance(row, CdrRow)],
            [row.entries for row in self.rows if isinstance(row, JournalRow)],
            (state.phase, state.energy_wh, state.cost, state.meter_start_wh, state.started_at, state.ended_at),
            (sorted(state.anomalies), sorted(set(state.flags)), state.billed_from, state.token, state.stop),
        )


@st.composite
def readings(draw: Any, seconds: int, register: int) -> tuple[Reading, ...]:
    kind = draw(st.sampled_from(["none", "register", "register", "phases", "power", "interval"]))
    context = draw(st.sampled_from(CONTEXTS))
    when = T0 + timedelta(seconds=seconds)
    if kind == "none":
        return ()
    if kind == "phases":
        third = Decimal(register) / 3
        return (Reading(when, tuple(Sample(third, str(third), context=context, phase=f"L{n}") for n in (1, 2, 3))),)
    if kind == "power":
        watts = Decimal(draw(st.integers(0, 22_000)))
        return (Reading(when, (Sample(watts, str(watts), "Power.Active.Import", "W", context),)),)
    if kind == "interval":
        wh = Decimal(draw(st.integers(0, 900)))
        return (Reading(when, (Sample(wh, str(wh), "Energy.Active.Import.Interval", context=context),)),)
    return (Reading(when, (Sample(Decimal(register), str(register), context=context),)),)


@st.composite
def transactions(draw: Any) -> list[TransactionEvent]:
    """The events of a transaction in the order in which they happened."""
    count = draw(st.integers(2, 9))
    first = draw(st.sampled_from([0, 0, 0, 5, 400]))
    seconds, register = 0, draw(st.sampled_from([0, 1000, 1_000_000]))
    begun = register
    evse_at, edges = draw(st.integers(0, count - 1)), draw(st.booleans())
    told: list[TransactionEvent] = []
    for n in range(count):
        kind = "Started" if n == 0 else "Ended" if n == count - 1 else "Updated"
        token = draw(st.sampled_from([None, None, "good", "mate", "bad"])) if n else draw(st.sampled_from([None, "good", "bad"]))
        state = draw(st.sampled_from([None, None, "EVConnected", "Charging", "Charging", "SuspendedEV", "SuspendedEVSE", "Idle"]))
        values = draw(readings(seconds, register))
        if edges and kind == "Started":
            values = (Reading(T0, (Sample(Decimal(begun), "", context="Transaction.Begin"),)),)
        if edges and kind == "Ended":
            values += (Reading(T0 + timedelta(seconds=seconds), (Sample(Decimal(register), "", context="Transaction.End"),)),)
        triggers = ["MeterValuePeriodic"] if token is None else ["Authorized", "StopAuthorized"]
        told.append(
            TransactionEvent(
                type=kind,
                transaction_id="tx-1",
                seq=first + n,
                at=T0 + timedelta(seconds=seconds),
                trigger=draw(st.sampled_from(triggers)),
                content=f"h{n}",
                offline=draw(st.booleans()),
                evse=1 if n == evse_at else None,
                token=IdToken(token, token) if token is not None else None,
                charging_state=state,
                stopped_reason=draw(st.sampled_from([None, "Remote", "MasterPass"])) if kind == "Ended" else None,
                readings=values,
            )
        )
        step = draw(st.integers(0, 3000))
        seconds += step
        register += step * draw(st.integers(0, 22_000)) // 3600
    return told


@given(data=st.data(), told=transactions())
@settings(max_examples=examples(300), print_blob=True)
def test_any_order_with_any_repetition_leaves_the_same_bill(data: Any, told: list[TransactionEvent]) -> None:
    quiet = Run(told)
    assert not quiet.state.open, "Started and Ended and all between: it is over"
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=6))
    stormy = Run(data.draw(st.permutations([*told, *repeated])))
    assert stormy.bill() == quiet.bill()
    again = Run([*told, *told])
    assert again.bill() == quiet.bill()
    assert again.replies[-1] == quiet.replies[-1], "the same Ended, the same cost"


@given(data=st.data(), told=transactions())
@settings(max_examples=examples(200), print_blob=True)
def test_what_is_lost_and_comes_late_is_waited_for_and_nothing_is_billed_before(data: Any, told: list[TransactionEvent]) -> None:
    lost = data.draw(st.lists(st.sampled_from(told), min_size=1, unique_by=lambda each: each.seq))
    early = [each for each in told if each not in lost]
    run = Run(early)
    assert run.state.stop is None
    assert not [row for row in run.rows if isinstance(row, CdrRow)]
    for late in data.draw(st.permutations(lost)):
        run.tell(message(late))
    assert run.bill() == Run(told).bill()


@given(data=st.data(), told=transactions())
@settings(max_examples=examples(200), print_blob=True)
def test_what_never_comes_bills_at_most_what_the_registers_say(data: Any, told: list[TransactionEvent]) -> None:
    ended = told[-1]
    kept = data.draw(st.lists(st.sampled_from(told[:-1]), max_size=len(told) - 2, unique_by=lambda each: each.seq))
    run = Run([*data.draw(st.permutations(kept)), ended])
    run.tell(m.GapOver(NOW))
    state = run.state
    assert state.stop is not None
    assert "gap" in state.flags
    bills = [row for row in run.rows if isinstance(row, CdrRow)]
    assert len(bills) == (state.phase == "booked")
    if bills:
        assert state.book is not None
        assert state.book.started is not None or state.book.begin is not None
        whole = Run(told).state
        assert state.energy_wh is not None
        assert whole.energy_wh is not None
        assert state.energy_wh <= whole.energy_wh + 1
    before = run.bill()
    for late in [each for each in told if each not in kept]:
        run.tell(message(late))
    assert run.bill()[:2] == before[:2], "what comes after that is kept, and billed no more"


@given(data=st.data(), told=transactions())
@settings(max_examples=examples(150), print_blob=True)
def test_the_book_is_bounded_and_its_ranges_say_what_came(data: Any, told: list[TransactionEvent]) -> None:
    run = Run(data.draw(st.permutations(told[1:])))
    book = run.state.book
    assert book is not None
    came = {each.seq for each in told[1:]}
    assert {n for low, high in book.ranges for n in range(low, high + 1)} == came
    assert all(b.knows(book, seq) for seq in came)
    assert b.missing(book) == []
    assert run.state.phase not in SETTLED
    assert len(book.contents) <= LIMITS.event_contents


class Lives(RuleBasedStateMachine):
    """A transaction among everything else that may befall a session: operators, dead letters, letters of the EVSE, timers,
    meter values without a number. Nothing of it raises, and no bill is written twice."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(())
        self.told: list[TransactionEvent] = []

    @initialize(told=transactions())
    def begin(self, told: list[TransactionEvent]) -> None:
        self.told = told

    @rule(data=st.data())
    def event(self, data: Any) -> None:
        self.run.tell(message(data.draw(st.sampled_from(self.told))))

    @rule(data=st.data())
    def contradiction(self, data: Any) -> None:
        known = data.draw(st.sampled_from(self.told))
        kind = data.draw(st.sampled_from(["Started", "Updated", "Ended"]))
        other = msgspec.structs.replace(
            known, content="other", type=kind, at=T0 + timedelta(minutes=data.draw(st.integers(0, 90)))
        )
        self.run.tell(message(other))

    @rule(data=st.data())
    def further(self, data: Any) -> None:
        known = data.draw(st.sampled_from(self.told))
        seq = known.seq + data.draw(st.integers(-20, 20))
        self.run.tell(message(msgspec.structs.replace(known, seq=seq, content=f"{known.type}{seq}")))

    @rule(
        what=st.sampled_from([m.GapOver(NOW), m.Overdue(T0), m.Look(), m.MarkUnreadable("d", "event", place(1), 9, NOW, "tx-1")])
    )
    def other(self, what: Any) -> None:
        self.run.tell(what)

    @precondition(lambda self: self.run.state.phase != "new")
    @rule(
        what=st.sampled_from(
            [
                m.Superseded("s0", NOW),
                m.ChargingState("SuspendedEV", T0),
                m.Meter((Reading(T0, (Sample(Decimal(7), "7"),)),), "m", NOW),
            ]
        )
    )
    def from_the_evse(self, what: Any) -> None:
        self.run.tell(what)

    @rule(action=st.sampled_from(["bill", "correct", "waive"]))
    def operator(self, action: Any) -> None:
        correct = action == "correct"
        self.run.tell(
            m.Resolve(action, "because", "op", 5000 if correct else None, T0 if correct else None, NOW if correct else None, CARD)
        )

    @invariant()
    def at_most_one_bill_and_a_balanced_one(self) -> None:
        run, state = self.run, self.run.state
        bills = [row for row in run.rows if isinstance(row, CdrRow)]
        journals = [row for row in run.rows if isinstance(row, JournalRow)]
        assert len(bills) == (state.phase == "booked")
        assert len(journals) <= len(bills)
        for journal in journals:
            sides = {side: sum(e.amount_minor for e in journal.entries if e.side == side) for side in ("debit", "credit")}
            assert sides["debit"] == sides["credit"]
        if state.open:
            assert (state.cost, state.cdr) == (None, None)


Lives.TestCase.settings = settings(max_examples=examples(80), stateful_step_count=25, print_blob=True)
TestLives = Lives.TestCase
