"""A kept local list comes to what the tenant wants, step by step, whatever happens on the way."""

import random
from typing import Any

import pytest

from actors.limits import DomainLimits
from actors.locallist import facts as f
from actors.locallist import messages as m
from actors.locallist.decide import Planned, decide, next_step
from actors.locallist.state import LocalListState, apply
from actors.model.decision import Decision
from actors.model.intents import CommandFailure, CommandResult, GetLocalListVersion, LocalListEntry, SendLocalList
from actors.model.token import TokenCard
from actors.station.letters import IntentDone, Order, OrderEnded, StationBooted
from tests.actors.kit import T0
from tests.kits.examples import seeds

HERE = ("acme", "local_list", "CP-1")
LIMITS = DomainLimits()


def listed(n: int, status: Any = "Accepted") -> m.Listed:
    return m.Listed(f"t{n}", TokenCard(f"t{n}", "ISO14443", status, f"…{n}"), f"UID{n}")


class Station:
    """Holds a list as the standard says."""

    def __init__(self) -> None:
        self.version = 0
        self.entries: dict[str, str | None] = {}

    def take(self, intent: Any) -> str:
        if intent.update_type == "Full":
            self.entries = {entry.id_token: entry.status for entry in intent.entries}
        elif intent.version <= self.version:
            return "VersionMismatch"
        else:
            for entry in intent.entries:
                if entry.status is None:
                    self.entries.pop(entry.id_token, None)
                else:
                    self.entries[entry.id_token] = entry.status
        self.version = intent.version
        return "Accepted"


class Keeper:
    def __init__(self) -> None:
        self.state = LocalListState()
        self.tokens: dict[str, m.Listed] = {}
        self.count = 0

    def tell(self, message: Any) -> Decision:
        told = decide(HERE, self.state, message, T0, LIMITS)
        for fact in told.facts:
            self.state = apply(self.state, fact)
        return told

    def step(self, items: int = 3, most: int | None = None) -> Any:
        """The next order, or None."""
        if self.state.sending is not None:
            return None
        step = next_step(self.state, list(self.tokens.values()), items, most)
        if step is None:
            return None
        self.count += 1
        order = Order(f"o{self.count}", T0, HERE, step.intent)
        self.tell(Planned(step, order))
        return order

    def sync(self, station: Station, items: int = 3, most: int | None = None) -> int:
        steps = 0
        while (order := self.step(items, most)) is not None:
            assert len(order.intent.entries) <= items
            steps += 1
            assert steps < 100
            self.tell(OrderEnded(order.id, "CP-1", CommandResult(station.take(order.intent))))
        return steps

    def want(self, *numbers: int) -> None:
        for n in numbers:
            self.tokens.setdefault(f"t{n}", listed(n))
        self.tell(m.PutList(tuple(f"t{n}" for n in numbers), "op"))


def test_a_long_list_goes_out_full_first_then_in_differences_of_what_the_station_takes() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(*range(8))
    assert keeper.sync(station) == 3
    assert station.entries == {f"UID{n}": "Accepted" for n in range(8)}
    assert station.version == 3
    assert keeper.sync(station) == 0


def test_what_changes_of_a_token_reaches_the_list_and_what_is_no_longer_wanted_leaves_it() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1, 2)
    keeper.sync(station)
    keeper.tokens["t1"] = listed(1, "Blocked")
    keeper.want(1, 3)
    keeper.sync(station)
    assert station.entries == {"UID1": "Blocked", "UID3": "Accepted"}
    keeper.tell(m.DropList("op"))
    keeper.sync(station)
    assert station.entries == {}


def test_a_version_mismatch_and_an_unknown_end_are_mended_by_a_full_list() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1)
    keeper.sync(station)
    station.version = 50
    keeper.want(1, 2)
    order = keeper.step()
    assert keeper.tell(OrderEnded(order.id, "CP-1", CommandResult(station.take(order.intent)))).timers
    order = keeper.step()
    assert order.intent.update_type == "Full"
    keeper.tell(OrderEnded(order.id, "CP-1", CommandFailure("unknown")))
    keeper.sync(station)
    assert set(station.entries) == {"UID1", "UID2"}


def test_a_station_without_local_lists_is_left_in_peace() -> None:
    keeper = Keeper()
    keeper.want(1)
    order = keeper.step()
    told = keeper.tell(OrderEnded(order.id, "CP-1", CommandFailure("unsupported")))
    assert not told.timers
    assert not keeper.state.supported


def test_a_step_that_fails_again_and_again_stops_until_the_operator_speaks() -> None:
    keeper = Keeper()
    keeper.want(1)
    for _ in range(LIMITS.list_failures):
        order = keeper.step()
        assert keeper.tell(OrderEnded(order.id, "CP-1", CommandResult("Failed"))).timers
    order = keeper.step()
    assert not keeper.tell(OrderEnded(order.id, "CP-1", CommandResult("Failed"))).timers
    keeper.want(1)
    assert keeper.state.failures == 0


def test_other_firmware_is_asked_for_its_version_and_a_lost_list_is_sent_again() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1)
    keeper.sync(station)
    told = keeper.tell(StationBooted("ocpp2.0.1", "V", "M", "2", "FirmwareUpdate", False, True, T0))
    order = told.letters[0].message
    assert order.intent == GetLocalListVersion()
    station.entries, station.version = {}, 0
    keeper.tell(OrderEnded(order.id, "CP-1", CommandResult("", {"version": 0})))
    keeper.sync(station)
    assert station.entries == {"UID1": "Accepted"}


def test_a_list_sent_by_hand_is_shown_and_no_longer_kept_and_a_forgotten_customer_leaves_it() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1)
    keeper.sync(station)
    keeper.tell(m.ManualList(9, "Full", "Accepted", {"t5": "by hand", "t6": "by hand"}, {"t5": "…5"}, T0))
    station.version, station.entries = 9, {"UID5": "Accepted", "UID6": "Accepted"}
    assert (keeper.state.managed, sorted(keeper.state.held)) == (False, ["t5", "t6"])
    assert keeper.step() is None
    keeper.tokens["t5"] = listed(5)
    keeper.tell(m.CustomerCleared("t5", T0))
    keeper.sync(station)
    assert station.entries == {"UID6": "Accepted"}


def test_an_erased_token_leaves_a_kept_list_though_its_text_is_gone() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1, 2)
    keeper.sync(station)
    keeper.tokens["t1"] = m.Listed("t1", None, None)
    keeper.sync(station)
    assert station.entries == {"UID2": "Accepted"}


def test_the_version_that_an_operator_asked_for_is_taken_note_of() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1)
    keeper.sync(station)
    keeper.tell(IntentDone(GetLocalListVersion(), CommandResult("", {"version": 7}), T0))
    assert keeper.state.full


@pytest.mark.parametrize("seed", seeds(range(30)))
def test_whatever_happens_on_the_way_the_list_ends_as_it_should(seed: int) -> None:
    dice = random.Random(seed)
    keeper, station = Keeper(), Station()
    for _ in range(40):
        match dice.randrange(5):
            case 0:
                keeper.want(*dice.sample(range(10), dice.randrange(10)))
            case 1:
                if keeper.state.wanted:
                    n = int(dice.choice(keeper.state.wanted)[1:])
                    keeper.tokens[f"t{n}"] = listed(n, dice.choice(["Accepted", "Blocked", "Expired"]))
            case 2:
                station.entries, station.version = {}, 0
                keeper.tell(f_version(keeper))
            case _:
                order = keeper.step(dice.randrange(1, 5))
                if order is not None:
                    lost, answered = dice.random() < 0.2, dice.random() < 0.8
                    status = "" if lost else station.take(order.intent)
                    outcome = CommandResult(status) if not lost and answered else CommandFailure("unknown")
                    keeper.tell(OrderEnded(order.id, "CP-1", outcome))
    keeper.tell(m.PutList(keeper.state.wanted, "op"))
    keeper.state = apply(keeper.state, f.ListWanted(keeper.state.wanted, True, "op", T0))
    keeper.sync(station)
    expected = {f"UID{ref[1:]}": keeper.tokens[ref].card.status for ref in keeper.state.wanted}  # type: ignore[union-attr]
    assert station.entries == expected, f"seed {seed}"


def f_version(keeper: Keeper) -> IntentDone:
    return IntentDone(GetLocalListVersion(), CommandResult("", {"version": 0}), T0)


def test_what_is_removed_is_named_with_the_type_that_the_station_was_given_though_the_tenant_forgot_the_token() -> None:
    keeper, station = Keeper(), Station()
    keeper.want(1, 2)
    keeper.sync(station)
    keeper.tokens["t1"] = m.Listed("t1", None, "UID1")
    order = keeper.step()
    assert order.intent == SendLocalList(2, "Differential", (LocalListEntry("UID1", token_type="ISO14443"),))
