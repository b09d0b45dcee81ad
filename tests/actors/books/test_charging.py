"""The charging book: what the station confirmed is in it, and nothing else."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from actors.charging import messages as m
from actors.charging.decide import Beside, decide
from actors.charging.state import ChargingState, apply
from actors.limits import DomainLimits
from actors.model.composite import Running
from actors.model.decision import Decision
from actors.model.intents import (
    ChargingProfile,
    ChargingSchedule,
    ClearChargingProfile,
    CommandFailure,
    CommandResult,
    GetChargingProfiles,
    GetCompositeSchedule,
    RequestStart,
    SchedulePeriod,
    SetChargingProfile,
)
from actors.model.rows import BookRow, EventRow
from actors.station.letters import IntentDone, OrderEnded
from tests.actors.kit import T0

HERE = ("acme", "charging", "CP-1")
LIMITS = DomainLimits()
TX = Running(1, ("tx-1", "42"), T0 - timedelta(minutes=5))


def profile(id: int, purpose: str = "TxDefaultProfile", level: int = 0, amps: float = 16, **more: Any) -> ChargingProfile:
    schedule = ChargingSchedule("A", (SchedulePeriod(0, Decimal(str(amps))),), start_schedule=T0)
    return ChargingProfile(id, level, purpose, "Absolute", (schedule,), **more)


class Book:
    def __init__(self) -> None:
        self.state = ChargingState()
        self.running: tuple[Running, ...] = ()

    def tell(self, message: Any) -> Decision:
        told = decide(HERE, self.state, Beside(message, self.running), T0, LIMITS)
        for fact in told.facts:
            self.state = apply(self.state, fact)
        return told

    def done(self, intent: Any, status: str = "Accepted", **data: Any) -> Decision:
        return self.tell(IntentDone(intent, CommandResult(status, data), T0, data.pop("request_id", None)))

    @property
    def ids(self) -> list[int]:
        return sorted(self.state.held)


def rows(decision: Decision) -> dict[str, bool]:
    """Key of every book entry that was written -> is it gone?"""
    return {f"{row.book}/{row.key}": row.deleted for row in decision.rows if isinstance(row, BookRow)}


def test_a_profile_is_held_once_the_station_accepted_it() -> None:
    book = Book()
    assert book.done(SetChargingProfile(1, profile(7)), "Rejected").facts == ()
    assert rows(book.done(SetChargingProfile(1, profile(7)))) == {"profile/7": False}
    assert book.ids == [7]


def test_the_same_purpose_and_level_at_the_same_place_replaces_and_another_place_does_not() -> None:
    book = Book()
    book.done(SetChargingProfile(1, profile(1)))
    book.done(SetChargingProfile(2, profile(2)))
    told = book.done(SetChargingProfile(1, profile(3)))
    assert rows(told) == {"profile/1": True, "profile/3": False}
    assert book.ids == [2, 3]


def test_clearing_goes_by_id_alone_or_by_all_criteria_together() -> None:
    book = Book()
    for id, evse, level in ((1, 1, 0), (2, 1, 1), (3, 2, 1)):
        book.done(SetChargingProfile(evse, profile(id, level=level)))
    book.done(ClearChargingProfile(id=1, evse=2))
    assert book.ids == [2, 3]
    book.done(ClearChargingProfile(evse=1, stack_level=1))
    assert book.ids == [3]
    book.done(ClearChargingProfile(purpose="TxProfile"), "Unknown")
    assert book.ids == [3]


def test_a_report_takes_away_what_it_was_about_and_did_not_name_in_whatever_order_it_comes() -> None:
    for late in (False, True):
        book = Book()
        for id, evse in ((1, 1), (2, 1), (3, 2)):
            book.done(SetChargingProfile(evse, profile(id, level=id)))
        ask = IntentDone(GetChargingProfiles(evse=1), CommandResult("Accepted"), T0, 9)
        parts = [
            m.ProfilesPart(9, 1, "CSO", True, (profile(2, level=2),)),
            m.ProfilesPart(9, 1, "EMS", False, (profile(8, "ChargingStationExternalConstraints"),)),
        ]
        for message in (*parts, ask) if late else (ask, *parts):
            book.tell(message)
        assert book.ids == [2, 3, 8]
        assert not book.state.inventories
        assert book.tell(parts[0]).reply is not None, "a repeated part is answered"


def test_no_profiles_is_a_complete_report() -> None:
    book = Book()
    book.done(SetChargingProfile(1, profile(1)))
    book.tell(IntentDone(GetChargingProfiles(purpose="TxDefaultProfile"), CommandResult("NoProfiles"), T0, 4))
    assert book.ids == []


def test_a_remote_start_with_a_profile_puts_it_into_the_book() -> None:
    book = Book()
    book.done(RequestStart("TAG", 1, profile=profile(5, "TxProfile")))
    assert book.ids == [5]


def test_limits_of_others_bound_the_composite_schedule_until_they_are_lifted() -> None:
    book = Book()
    book.done(SetChargingProfile(1, profile(1, amps=32)))
    schedule = ChargingSchedule("A", (SchedulePeriod(0, Decimal(10)),))
    assert rows(book.tell(m.LimitNotified("SO", T0, schedules=(schedule,)))) == {"limit/SO#0": False}
    reply = book.tell(m.Composite(1, 60, "A")).reply
    assert [(start, limit) for start, limit, _ in reply.periods] == [(0, 10)]
    assert rows(book.tell(m.LimitCleared("SO", T0))) == {"limit/SO#0": True}
    assert [limit for _, limit, _ in book.tell(m.Composite(1, 60, "A")).reply.periods] == [32]


def test_a_vehicles_needs_are_answered_with_a_profile_within_limits_tuples_and_time() -> None:
    book = Book()
    needs = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": {"evMaxCurrent": 20}}
    asked = m.ChargingNeeds(1, needs, T0, 3)
    assert book.tell(asked).reply == m.NeedsReply("Rejected"), "no transaction, nothing to bind a TxProfile to"

    book.running = (TX,)
    book.done(SetChargingProfile(0, profile(1, "ChargingStationMaxProfile", amps=13)))
    told = book.tell(asked)
    assert told.reply == m.NeedsReply("Accepted")
    (letter,) = told.letters
    order = letter.message
    assert letter.to == ("acme", "station", "CP-1")
    assert order.not_after - T0 < timedelta(seconds=60)
    made = order.intent.profile
    assert (made.purpose, made.transaction_id) == ("TxProfile", "tx-1")
    assert [p.limit for p in made.schedules[0].periods] == [13]
    assert book.ids == [1], "ordered is not held"
    book.tell(OrderEnded(order.id, "CP-1", CommandResult("Accepted")))
    assert book.ids == [1, made.id]


def test_a_profile_of_our_own_that_the_station_refused_is_not_held_and_is_told() -> None:
    book = Book()
    book.running = (TX,)
    told = book.tell(m.ChargingNeeds(1, {"dcChargingParameters": {"evMaxPower": 90_000}}, T0))
    order = told.letters[0].message
    assert order.intent.profile.schedules[0].charging_rate_unit == "W"
    ended = book.tell(OrderEnded(order.id, "CP-1", CommandFailure("timeout")))
    assert book.ids == []
    assert [row.body["reason"] for row in ended.rows if isinstance(row, EventRow)] == ["timeout"]


def test_a_vehicles_schedule_over_the_limit_is_rejected_and_renegotiated() -> None:
    book = Book()
    book.running = (TX,)
    book.done(SetChargingProfile(1, profile(1, amps=16)))
    over = m.EvSchedule(1, T0, ChargingSchedule("A", (SchedulePeriod(0, Decimal(32)),)), T0)
    told = book.tell(over)
    assert told.reply == m.NeedsReply("Rejected")
    assert [p.limit for p in told.letters[0].message.intent.profile.schedules[0].periods] == [16]
    within = m.EvSchedule(1, T0, ChargingSchedule("A", (SchedulePeriod(0, Decimal(16)),)), T0)
    assert book.tell(within).reply == m.NeedsReply("Accepted")


def test_more_periods_than_the_vehicle_takes_end_in_the_strictest_of_the_rest() -> None:
    book = Book()
    book.running = (TX,)
    periods = tuple(SchedulePeriod(n * 600, Decimal(30 - 5 * n)) for n in range(4))
    held = ChargingProfile(1, 0, "TxDefaultProfile", "Absolute", (ChargingSchedule("A", periods, start_schedule=T0),))
    book.done(SetChargingProfile(1, held))
    made = book.tell(m.ChargingNeeds(1, {}, T0, 2)).letters[0].message.intent.profile
    assert [(p.start_period, p.limit) for p in made.schedules[0].periods] == [(0, 30), (600, 15)]


def test_a_station_that_allows_more_than_our_book_is_noticed() -> None:
    book = Book()
    book.done(SetChargingProfile(1, profile(1, amps=16)))

    def told(limit: float) -> dict[str, Any]:
        schedule = {"start": T0, "unit": "A", "periods": [{"start_period": 0, "limit": limit}]}
        decision = book.done(GetCompositeSchedule(1, 600, "A"), schedule=schedule)
        return next(row.body for row in decision.rows if isinstance(row, BookRow))

    assert told(16)["differs"] is False
    assert told(6)["differs"] is False, "a station may have limits of its own"
    assert told(32)["differs"] is True


def test_profiles_and_limits_of_very_many_periods_push_the_oldest_out() -> None:
    """A station may send thousands of periods in one frame; what looks at all of them must stay quick."""
    schedule = ChargingSchedule("A", tuple(SchedulePeriod(n, Decimal(1)) for n in range(LIMITS.charging_periods // 4)))
    book = Book()
    for n in range(1, 9):
        big = ChargingProfile(n, n, "TxDefaultProfile", "Absolute", (schedule,))
        told = book.tell(m.ProfilesPart(7, 1, "CSO", True, (big,)))
        book.tell(m.LimitNotified("EMS", T0, n, schedules=(schedule,)))
    assert book.ids == [5, 6, 7, 8]
    assert rows(told)["profile/4"] is True
    assert sorted(book.state.limits) == [f"EMS#{n}" for n in (5, 6, 7, 8)]
    book.tell(m.ProfilesPart(7, 1, "CSO", False, (profile(9),)))
    assert book.ids == [6, 7, 8, 9], "a small one, too, where the book is full to the last period"
