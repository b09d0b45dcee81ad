"""Whatever a station sends, in whatever order and however often: a session is billed at most once, and for what its
registers say. No loop, no runtime: the decisions alone, with the router between them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.limits import DomainLimits
from actors.model.ids import SESSION, session_id_for_start
from actors.model.meter import Reading, Sample
from actors.model.rows import CdrRow, JournalRow
from actors.model.tariff import fingerprint
from actors.model.token import IdToken, TokenVerdict
from actors.ports import TariffCard
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.phases import SETTLED
from actors.session.state import SessionState
from actors.station.messages import Done, StartReply, StopReply
from tests.actors.kit import T0, TARIFF
from tests.kits.examples import examples

PLACE = m.Place("acme", "CP-1", 1, 1, "Europe/Berlin", "DE", "EUR")
CARD = TariffCard("acme", "standard", 1, T0, fingerprint(TARIFF), "EUR", TARIFF)
TOKEN = IdToken("ref-1", "04A2…81")
LIMITS = DomainLimits()
START_WH = 10_000

minutes = st.integers(min_value=0, max_value=300)
energies = st.integers(min_value=0, max_value=60_000)


def reading(minute: int, wh: int) -> Reading:
    return Reading(T0 + timedelta(minutes=minute), (Sample(Decimal(wh), str(wh)),))


class Sessions(RuleBasedStateMachine):
    """All sessions of one start key, addressed as the station would."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = T0 + timedelta(hours=6)
        self.states: dict[str, SessionState] = {}
        self.rows: dict[str, list[Any]] = {}
        self.numbers: dict[int, str] = {}
        self.next_number = 1
        self.told: dict[str, int] = {}
        self.stops: dict[str, m.Stop] = {}
        self.sent: list[tuple[str, Any]] = []

    def tell(self, session: str, message: Any) -> Any:
        for _ in range(10):
            state = self.states.get(session, SessionState())
            decision = decide(session, state, message, self.now, LIMITS)
            for fact in decision.facts:
                fact = msgspec.convert(msgspec.to_builtins(fact), type(fact))
                state = apply(state, fact)
            self.states[session] = state
            self.rows.setdefault(session, []).extend(decision.rows)
            for letter in decision.letters:
                if letter.to[1] == SESSION:
                    self.tell(letter.to[2], letter.message)
            if decision.forward is None:
                return decision.reply
            (_, _, session), message = decision.forward
        raise AssertionError("forwarded for ever")

    @initialize()
    def first_start(self) -> None:
        self.start("Accepted", "invoice", True)

    @rule(
        status=st.sampled_from(["Accepted", "Accepted", "Blocked"]),
        payment=st.sampled_from(["invoice", "free"]),
        priced=st.booleans(),
    )
    def start(self, status: Any, payment: str, priced: bool) -> None:
        key = session_id_for_start(PLACE.station, PLACE.evse, TOKEN.ref, START_WH, T0)
        before = dict(self.states)
        verdict = TokenVerdict(status, payment=payment)
        start = m.Start(PLACE, TOKEN, verdict, CARD if priced else None, self.next_number, START_WH, T0, self.now)
        reply = self.tell(key, start)
        assert isinstance(reply, StartReply)
        owner = next(name for name, state in self.states.items() if state.number == reply.number)
        self.numbers[reply.number] = owner
        if reply.number == self.next_number:
            self.next_number += 1
            assert all(state.stop is not None for state in before.values()), "a new session only after all others stopped"

    @rule(data=st.data(), minute=minutes, wh=energies)
    def meter(self, data: Any, minute: int, wh: int) -> None:
        session = data.draw(st.sampled_from(sorted(self.states)))
        message = m.Meter((reading(minute, START_WH + wh),), f"{minute}-{wh}", self.now)
        facts = len(self.states[session].meter_keys)
        assert self.tell(session, message) == Done()
        self.sent.append((session, message))
        assert len(self.states[session].meter_keys) >= min(facts, LIMITS.recent_meters)

    @rule(data=st.data(), minute=minutes, state=st.sampled_from(["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected"]))
    def charging_state(self, data: Any, minute: int, state: str) -> None:
        session = data.draw(st.sampled_from(sorted(self.states)))
        self.tell(session, m.ChargingState(state, T0 + timedelta(minutes=minute)))

    @rule(data=st.data(), minute=minutes, wh=energies, token=st.booleans(), sampled=st.booleans())
    def stop(self, data: Any, minute: int, wh: int, token: bool, sampled: bool) -> None:
        session = data.draw(st.sampled_from(sorted(self.states)))
        stop = m.Stop(
            START_WH + wh,
            T0 + timedelta(minutes=minute),
            self.now,
            "Local",
            TOKEN if token else None,
            TokenVerdict("Accepted") if token else None,
            (reading(minute, START_WH + wh),) if sampled else (),
        )
        self.stops.setdefault(session, stop)
        assert isinstance(self.tell(session, stop), StopReply)
        self.sent.append((session, stop))

    @rule(data=st.data())
    def retry(self, data: Any) -> None:
        """Anything sent before comes again: it is answered and changes nothing."""
        if not self.sent:
            return
        session, message = data.draw(st.sampled_from(self.sent[-20:]))
        state, rows = self.states[session], len(self.rows[session])
        self.tell(session, message)
        after = self.states[session]
        assert (after.phase, after.cost, after.cdr, after.energy_wh) == (state.phase, state.cost, state.cdr, state.energy_wh)
        assert len(self._bills(session)) <= 1
        if isinstance(message, m.Stop) and self.stops[session] == message:
            assert len(self.rows[session]) == rows

    @rule(hours=st.integers(min_value=1, max_value=30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        for session in sorted(self.states):
            self.tell(session, m.Overdue(self.now))

    @rule(data=st.data(), action=st.sampled_from(["bill", "correct", "waive"]))
    def resolve(self, data: Any, action: Any) -> None:
        session = data.draw(st.sampled_from(sorted(self.states)))
        energy = 5000 if action == "correct" else None
        ended = T0 + timedelta(hours=2) if action == "correct" else None
        self.tell(session, m.Resolve(action, "because", "op", energy, None, ended, CARD))

    @rule(data=st.data())
    def unreadable(self, data: Any) -> None:
        session = data.draw(st.sampled_from(sorted(self.states)))
        self.tell(session, m.MarkUnreadable("d1", "meter", PLACE, None, self.now))

    def _bills(self, session: str) -> list[CdrRow]:
        return [row for row in self.rows.get(session, ()) if isinstance(row, CdrRow)]

    @invariant()
    def at_most_one_cdr_and_one_balanced_journal(self) -> None:
        for session, state in self.states.items():
            cdrs = self._bills(session)
            journals: Sequence[JournalRow] = [row for row in self.rows[session] if isinstance(row, JournalRow)]
            assert len(cdrs) <= 1
            assert len(journals) <= len(cdrs)
            assert (state.phase == "booked") == (len(cdrs) == 1)
            for journal in journals:
                sides = {side: sum(e.amount_minor for e in journal.entries if e.side == side) for side in ("debit", "credit")}
                assert sides["debit"] == sides["credit"] == state.cost.incl.amount_minor

    @invariant()
    def what_is_billed_is_what_the_registers_say(self) -> None:
        for session, state in self.states.items():
            for cdr in self._bills(session):
                assert round(cdr.body["total_energy"] * 1000) == state.energy_wh
                if state.resolution is None:
                    assert state.energy_wh == self.stops[session].meter_stop_wh - START_WH
                    assert state.anomalies == ()
                    assert state.verdict is not None
                    assert state.verdict.accepted

    @invariant()
    def an_open_session_is_never_priced_and_a_settled_one_keeps_little(self) -> None:
        for state in self.states.values():
            if state.open:
                assert (state.cost, state.cdr) == (None, None)
            if state.phase in SETTLED:
                assert state.curve == ()
            assert len(state.meters) <= LIMITS.recent_meters
            assert len(state.series) <= LIMITS.series_points

    @invariant()
    def a_checkpoint_carries_the_whole_state(self) -> None:
        for state in self.states.values():
            assert msgspec.json.decode(msgspec.json.encode(state), type=SessionState) == state


Sessions.TestCase.settings = settings(max_examples=examples(80), stateful_step_count=25, print_blob=True)
TestSessions = Sessions.TestCase
