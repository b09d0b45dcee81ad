"""An EVSE's decisions: statuses in any order, occupancy, meter values without a number."""

from itertools import permutations
from typing import Any

from actors.evse.decide import decide
from actors.evse.messages import ConnectorStatus, Provision, SessionClosed, SessionOpened
from actors.evse.rows import Here
from actors.evse.state import EvseState, apply
from actors.evse.statuses import evse_status
from actors.limits import DomainLimits
from actors.model.decision import Decision
from actors.session.messages import ChargingState, Superseded
from actors.station.messages import TransactionMeter
from tests.actors.kit import T0, at, reading

HERE = Here("acme", "CP/1#a", 2)
LIMITS = DomainLimits()


def play(messages: list[Any], state: EvseState | None = None) -> tuple[EvseState, list[Decision]]:
    state = state or EvseState(code="abc", present=True)
    decisions = []
    for message in messages:
        decision = decide(HERE, state, message, at(60), LIMITS)
        for fact in decision.facts:
            state = apply(state, fact)
        decisions.append(decision)
    return state, decisions


def status(minutes: float, detail: str) -> ConnectorStatus:
    word = detail if detail in ("Available", "Faulted", "Unavailable", "Reserved") else "Occupied"
    return ConnectorStatus(2, 1, word, detail, at=at(minutes))


def letters(decisions: list[Decision]) -> list[Any]:
    return [(letter.to[2], letter.message) for decision in decisions for letter in decision.letters]


def test_the_address_names_station_and_evse_whatever_the_station_is_called() -> None:
    assert Here.at(("acme", "evse", "CP/1#a#2")) == HERE


def test_quirk_18_whatever_order_statuses_come_in_the_newest_is_current() -> None:
    told = [status(1, "Preparing"), status(2, "Charging"), status(3, "Finishing"), status(4, "Available")]
    for order in permutations(told):
        state, decisions = play(list(order))
        assert state.connectors[0].detail == "Available"
        assert all(len(decision.facts) == 1 for decision in decisions), "each is kept"


def test_a_clock_that_was_just_set_steps_back_and_the_last_status_to_come_still_counts() -> None:
    state, _ = play([status(1, "Finishing"), status(0.985, "Available")])
    (connector,) = state.connectors
    assert connector.detail == "Available"


def test_a_status_sent_twice_is_written_once() -> None:
    _, (first, second) = play([status(1, "Charging"), status(1, "Charging")])
    assert (len(first.facts), len(second.facts), second.rows) == (1, 0, ())


def test_a_timestamp_from_the_future_orders_as_now() -> None:
    state, _ = play([status(60 * 24 * 365, "Charging"), ConnectorStatus(2, 1, "Available", "Available", at=at(60))])
    assert state.connectors[0].detail == "Available"


def test_a_status_without_a_time_is_from_now() -> None:
    state, _ = play([status(1, "Charging"), ConnectorStatus(2, 1, "Faulted", "Faulted", "GroundFailure")])
    assert (state.connectors[0].at, state.connectors[0].error) == (at(60), "GroundFailure")


def test_the_open_session_hears_of_each_change_of_the_charging_state_once() -> None:
    _, decisions = play(
        [
            SessionOpened("s1", 1, T0),
            status(1, "Charging"),
            status(2, "Charging"),
            status(3, "SuspendedEV"),
            status(4, "Faulted"),
            status(5, "Finishing"),
        ]
    )
    assert letters(decisions) == [
        ("s1", ChargingState("Charging", at(1))),
        ("s1", ChargingState("SuspendedEV", at(3))),
        ("s1", ChargingState("EVConnected", at(5))),
    ]


def test_a_status_that_overtook_the_start_reaches_the_session_when_it_opens() -> None:
    _, decisions = play([status(2, "Charging"), SessionOpened("s1", 1, at(1))])
    assert letters(decisions) == [("s1", ChargingState("Charging", at(2)))]


def test_a_status_from_before_the_session_says_nothing_about_it() -> None:
    _, decisions = play([status(0, "Charging"), SessionOpened("s2", 1, at(1))])
    assert letters(decisions) == []


def test_a_second_session_supersedes_the_first_and_a_late_one_is_superseded_itself() -> None:
    state, decisions = play([SessionOpened("s1", 1, at(1)), SessionOpened("s2", 1, at(2)), SessionOpened("s0", 1, at(0))])
    assert state.session == "s2"
    assert [(to, message.by) for to, message in letters(decisions) if isinstance(message, Superseded)] == [
        ("s1", "s2"),
        ("s0", "s2"),
    ]


def test_opening_and_closing_are_told_at_least_once_and_in_any_order() -> None:
    once, _ = play([SessionOpened("s1", 1, at(1)), SessionClosed("s1", at(2))])
    again, decisions = play([SessionOpened("s1", 1, at(1)), SessionClosed("s1", at(2))], once)
    assert again == once
    assert all(not decision.facts for decision in decisions)
    turned, _ = play([SessionClosed("s1", at(2)), SessionOpened("s1", 1, at(1))])
    assert turned.session is None


def test_closing_an_older_session_leaves_the_current_one() -> None:
    state, _ = play([SessionOpened("s1", 1, at(1)), SessionOpened("s2", 1, at(2)), SessionClosed("s1", at(3))])
    assert state.session == "s2"


def test_without_its_code_an_evse_shows_no_row_and_then_shows_all() -> None:
    state, (first, second) = play([status(1, "Charging"), Provision("code7")], EvseState())
    assert [type(row).__name__ for row in first.rows] == ["EventRow"]
    (row,) = second.rows
    assert (row.code, row.status, row.detail, row.station, row.evse) == ("code7", "Occupied", "Charging", "CP/1#a", 2)
    assert state.present


def test_quirk_22_meter_values_without_a_number_go_to_the_session_that_was_open_then() -> None:
    meter = TransactionMeter(2, 1, None, (reading(5, 100),), "h")
    early = TransactionMeter(2, 1, None, (reading(-5, 100),), "h")
    _, decisions = play([SessionOpened("s1", 1, T0), meter, early, early])
    assert decisions[1].forward is not None
    assert decisions[1].forward[0] == ("acme", "session", "s1")
    assert "meter_without_number" in decisions[1].forward[1].flags
    assert (decisions[2].forward, len(decisions[2].facts)) == (None, 1)
    assert decisions[3].facts == (), "a retry is kept once"


def test_an_evse_shows_its_most_telling_connector() -> None:
    assert evse_status([("Available", "Available"), ("Occupied", "Charging")]) == ("Occupied", "Charging")
    assert evse_status([("Faulted", "Faulted"), ("Available", "Available")]) == ("Available", "Available")
    assert evse_status([("Vendor", "Odd"), ("Unavailable", "Unavailable")]) == ("Unavailable", "Unavailable")
    assert evse_status([]) == ("Unknown", "Unknown")


def test_state_stays_small_however_long_an_evse_lives() -> None:
    told: list[Any] = []
    for n in range(100):
        told += [SessionOpened(f"s{n}", 1, at(n)), status(n, "Charging"), SessionClosed(f"s{n}", at(n))]
    state, _ = play(told)
    assert len(state.closed) == LIMITS.closed_sessions
    assert len(state.connectors) == 1


def test_connectors_that_a_station_makes_up_are_kept_as_facts_and_not_shown_without_end() -> None:
    told = [ConnectorStatus(2, n, "Available", "Available", at=at(1)) for n in range(1, 3 * LIMITS.connectors)]
    state, decisions = play(told)
    assert len(state.connectors) == LIMITS.connectors
    assert all(len(decision.facts) == 1 for decision in decisions)
    state, _ = play([ConnectorStatus(2, 1, "Faulted", "Faulted", at=at(2))], state)
    assert state.connectors[0].status == "Faulted", "those that are known go on as before"


def test_connectors_of_one_evse_have_statuses_of_their_own_and_the_most_telling_one_is_shown() -> None:
    told = [
        ConnectorStatus(2, 1, "Available", "Available", at=at(1)),
        ConnectorStatus(2, 2, "Occupied", "Occupied", at=at(2)),
        ConnectorStatus(2, 1, "Faulted", "Faulted", at=at(3)),
    ]
    state, decisions = play(told)
    assert [(connector.id, connector.status) for connector in state.connectors] == [(1, "Faulted"), (2, "Occupied")]
    assert [decision.rows[0].status for decision in decisions] == ["Available", "Occupied", "Occupied"]
    assert letters(decisions) == [], "2.x statuses say nothing of the charge"


def test_a_transaction_of_another_connector_of_the_evse_takes_its_place_when_the_first_is_over() -> None:
    told = [SessionOpened("s1", 1, at(0)), SessionClosed("s1", at(5)), SessionOpened("s2", 2, at(6))]
    state, _ = play(told)
    assert (state.session, state.connector) == ("s2", 2)
