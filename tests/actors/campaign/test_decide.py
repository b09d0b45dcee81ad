"""A campaign's decisions: waves, pauses, windows, retries, budget. Without a runtime."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from actors.campaign import targets as t
from actors.campaign.messages import LookStations
from actors.model.campaign import Budget, Wave, Window, is_open, next_time, wave_bounds
from actors.model.decision import Refused
from actors.model.intents import CommandFailure, CommandResult, UpdateFirmware
from actors.station.letters import OrderEnded
from tests.actors.campaign.kit import Bench, definition
from tests.actors.kit import T0

EVENTS = sorted({event for _, event in t.TABLE})


@pytest.mark.parametrize(("state", "event"), list(product(t.STATES, EVENTS)))
def test_every_event_in_every_state_does_what_the_table_says_and_else_nothing(state: str, event: str) -> None:
    before = t.Target(state, 1, 1, "x", T0, T0)
    after = t.moved(before, event, "", T0)
    assert (None if after is None else after.state) == t.TABLE.get((state, event))


def test_every_state_can_be_reached_and_only_ends_have_no_way_on() -> None:
    reached = {t.WAITING} | set(t.TABLE.values())
    assert reached == set(t.STATES)
    assert set(t.STATES) - {state for state, _ in t.TABLE} == {t.DONE, t.CANCELLED}


@dataclass
class Shape:
    given: dict[str, Any]
    total: int
    bounds: tuple[int, ...]


@pytest.mark.parametrize(
    "shape",
    [
        Shape({}, 5, (5,)),
        Shape({}, 0, ()),
        Shape({"wave_size": 2}, 5, (2, 4, 5)),
        Shape({"wave_size": 5}, 5, (5,)),
        Shape({"wave_size": 5}, 0, ()),
        Shape({"waves": (Wave(percent=Decimal(1)), Wave(percent=Decimal(10)), Wave())}, 200, (2, 22, 200)),
        Shape({"waves": (Wave(percent=Decimal(1)), Wave(percent=Decimal(10)), Wave())}, 3, (1, 2, 3)),
        Shape({"waves": (Wave(count=3), Wave(count=100))}, 10, (3, 10)),
        Shape({"waves": (Wave(count=3),)}, 10, (3, 10)),
    ],
    ids=str,
)
def test_waves_cover_all_stations_and_none_is_empty(shape: Shape) -> None:
    assert wave_bounds(definition(1, **shape.given), shape.total) == shape.bounds


def test_a_window_over_midnight_is_read_in_the_zone_of_the_tenant() -> None:
    night = Window(22 * 60, 6 * 60)
    assert is_open(night, "Europe/Berlin", datetime(2026, 7, 1, 20, 30, tzinfo=UTC))
    assert not is_open(night, "Europe/Berlin", datetime(2026, 7, 1, 19, 30, tzinfo=UTC))
    assert is_open(night, "Europe/Berlin", datetime(2026, 7, 2, 3, 59, tzinfo=UTC))
    assert not is_open(night, "Europe/Berlin", datetime(2026, 7, 2, 4, 0, tzinfo=UTC))
    assert next_time(22 * 60, "Europe/Berlin", datetime(2026, 7, 1, 20, 30, tzinfo=UTC)) == datetime(2026, 7, 2, 20, tzinfo=UTC)


def test_a_time_that_the_change_of_clocks_leaves_out_still_comes() -> None:
    found = next_time(2 * 60 + 30, "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert datetime(2026, 3, 29, 0, tzinfo=UTC) < found <= datetime(2026, 3, 29, 2, tzinfo=UTC)


def test_at_most_so_many_are_ordered_at_once_and_each_success_makes_room_for_the_next() -> None:
    bench = Bench(definition(5, at_once=2))
    bench.start()
    assert list(bench.open) == ["CP-000", "CP-001"]
    order = bench.open["CP-000"]
    assert isinstance(order.intent, UpdateFirmware)
    assert (order.id, order.by) == ("campaign:c1:1", ("acme", "campaign", "c1"))
    bench.accept("CP-000")
    assert bench.states()["CP-000"] == "running"
    for status in ("Downloading", "Downloaded", "Installing", "Installed", "Installed"):
        bench.says("CP-000", status)
    assert bench.states()["CP-000"] == "done"
    assert list(bench.open) == ["CP-001", "CP-002"]


def test_a_wave_ends_before_the_next_begins_and_pauses_between() -> None:
    bench = Bench(definition(4, waves=(Wave(count=1), Wave()), wave_pause=60))
    bench.start()
    assert list(bench.open) == ["CP-000"]
    bench.accept("CP-000")
    bench.says("CP-000", "Booted", "2.0")
    assert bench.states()["CP-000"] == "done"
    assert not bench.open
    bench.fire(timedelta(seconds=59))
    assert not bench.open
    bench.fire(timedelta(seconds=1))
    assert list(bench.open) == ["CP-001", "CP-002", "CP-003"]
    for station in list(bench.open):
        bench.accept(station)
        bench.says(station, "Installed")
    assert bench.state.phase == "ended"
    assert [row.kind for row in bench.events if row.kind != "campaign.station"] == [
        "campaign.created", "campaign.started", "campaign.wave", "campaign.wave", "campaign.ended",
    ]  # fmt: skip
    assert "target/CP-000" not in bench.timers


def test_a_failed_station_tries_again_after_a_while_and_then_has_failed() -> None:
    bench = Bench(definition(1, attempts=2, retry_wait=300))
    bench.start()
    bench.accept("CP-000")
    bench.says("CP-000", "DownloadFailed")
    assert bench.states() == {"CP-000": "retrying"}
    bench.fire(timedelta(seconds=299))
    assert not bench.open
    bench.fire(timedelta(seconds=1))
    assert bench.open["CP-000"].id == "campaign:c1:2"
    bench.accept("CP-000", "Rejected")
    assert bench.states() == {"CP-000": "failed"}
    assert bench.state.phase == "ended"
    assert bench.targets["CP-000"].detail == "Rejected"
    bench.control("retry")
    assert bench.open["CP-000"].id == "campaign:c1:3"


def test_an_answer_to_an_attempt_that_is_over_changes_nothing() -> None:
    bench = Bench(definition(1, attempts=2, retry_wait=60))
    bench.start()
    first = bench.open["CP-000"]
    bench.accept("CP-000", "Rejected")
    bench.fire(timedelta(seconds=60))
    assert bench.states() == {"CP-000": "ordered"}
    bench.tell(OrderEnded(first.id, "CP-000", CommandResult("Accepted")))
    assert bench.states() == {"CP-000": "ordered"}


def test_an_order_whose_connection_closed_before_it_went_out_was_no_attempt() -> None:
    bench = Bench(definition(1))
    bench.start()
    bench.end("CP-000", CommandFailure("offline"))
    assert bench.open["CP-000"].id == "campaign:c1:2"
    assert bench.targets["CP-000"].attempt == 1


def test_a_station_that_says_nothing_until_its_deadline_has_failed() -> None:
    bench = Bench(definition(1, deadline=600))
    bench.start()
    bench.accept("CP-000")
    bench.says("CP-000", "Downloading")
    bench.fire(timedelta(seconds=611))
    assert bench.states() == {"CP-000": "failed"}
    assert bench.targets["CP-000"].detail == "timeout (it had come to Downloading)"
    bench.says("CP-000", "Installed")
    assert bench.states() == {"CP-000": "done"}


def test_an_order_of_which_nobody_knows_is_not_sent_again_while_the_station_may_have_it() -> None:
    bench = Bench(definition(1, attempts=2, retry_wait=60, deadline=24 * 3600))
    bench.start()
    bench.end("CP-000", CommandFailure("unknown"))
    assert bench.states() == {"CP-000": "running"}
    bench.says("CP-000", "Downloading")
    bench.fire(timedelta(hours=1))
    assert bench.states() == {"CP-000": "running"}
    silent = Bench(definition(1, attempts=2, retry_wait=60))
    silent.start()
    silent.end("CP-000", CommandFailure("unknown"))
    silent.fire(timedelta(minutes=17))
    assert silent.open["CP-000"].id == "campaign:c1:2"


def test_more_failures_than_the_budget_allows_pause_it_and_what_was_not_sent_is_withdrawn() -> None:
    bench = Bench(definition(10, at_once=4, budget=Budget(percent=Decimal(10))))
    bench.start()
    bench.end("CP-000", CommandFailure("unsupported"))
    assert bench.state.phase == "running"
    bench.accept("CP-001")
    bench.accept("CP-002", "Rejected")
    assert (bench.state.phase, bench.state.reason) == ("paused", "2 of 10 stations failed; the budget is 1")
    bench.deliver()
    bench.fire()
    assert bench.states()["CP-001"] == "running"
    assert not bench.open
    assert bench.state.counts["waiting"] == 7
    bench.says("CP-001", "Installed")
    assert not bench.open
    assert isinstance(bench.control("pause"), Refused)
    bench.control("resume")
    bench.fire()
    assert len(bench.open) == 4
    assert {bench.targets[station].attempt for station in bench.open} == {1}


def test_cancelled_means_nobody_begins_and_whoever_has_begun_is_waited_for() -> None:
    bench = Bench(definition(6, at_once=3))
    bench.start()
    bench.accept("CP-000")
    bench.control("cancel")
    assert bench.state.phase == "cancelling"
    bench.fire()
    bench.accept("CP-001")  # it had gone out already
    bench.deliver()
    assert bench.states()["CP-002"] == "cancelled"
    bench.says("CP-000", "Installed")
    bench.says("CP-001", "InstallationFailed")
    assert bench.state.phase == "cancelled"
    assert bench.states() == {
        "CP-000": "done", "CP-001": "failed", **{f"CP-00{k}": "cancelled" for k in range(2, 6)}
    }  # fmt: skip
    assert not bench.open


def test_orders_are_given_within_the_window_and_what_could_not_be_sent_waits_for_the_next() -> None:
    bench = Bench(definition(2, at_once=1, window=Window(22 * 60, 23 * 60)))  # 13:00 in Berlin now
    bench.start()
    assert not bench.open
    bench.fire(timedelta(hours=9))
    order = bench.open["CP-000"]
    assert order.not_after == datetime(2026, 3, 2, 22, tzinfo=UTC)
    bench.fire(timedelta(hours=1))  # the station was away
    assert bench.states() == {"CP-000": "waiting", "CP-001": "waiting"}
    assert bench.targets["CP-000"].attempt == 0
    bench.fire(timedelta(hours=23))
    assert list(bench.open) == ["CP-000"]


def test_it_starts_by_itself_when_its_time_has_come() -> None:
    bench = Bench(definition(2, start_at=T0 + timedelta(hours=1)))
    assert bench.state.phase == "scheduled"
    bench.fire(timedelta(minutes=59))
    assert not bench.orders
    bench.fire(timedelta(minutes=1))
    assert len(bench.open) == 2


def test_a_campaign_for_nobody_ends_at_once() -> None:
    bench = Bench(definition(0))
    bench.start()
    assert bench.state.phase == "ended"


def test_stations_are_paged_in_the_order_of_their_waves_and_by_state() -> None:
    bench = Bench(definition(5, at_once=2))
    bench.start()
    page = bench.tell(LookStations(2))
    assert ([item["station"] for item in page.items], page.next) == (["CP-000", "CP-001"], "CP-001")
    page = bench.tell(LookStations(3, None, "CP-001"))
    assert ([item["station"] for item in page.items], page.next) == (["CP-002", "CP-003", "CP-004"], None)
    page = bench.tell(LookStations(10, "ordered"))
    assert [item["station"] for item in page.items] == ["CP-000", "CP-001"]
    assert isinstance(bench.tell(LookStations(10, None, "nobody")), Refused)


def test_a_large_campaign_is_taken_and_ordered_in_slices() -> None:
    bench = Bench(definition(20, at_once=20))
    bench.control("start")
    bench.fire()
    assert len(bench.open) == 20
    assert len({order.id for _, order in bench.orders}) == 1  # ids are unique by station


def test_hundreds_of_stations_get_their_turn_in_order_once_each() -> None:
    bench = Bench(definition(450, at_once=100, waves=(Wave(count=230), Wave())))
    bench.start()
    while bench.state.phase == "running":
        for station in list(bench.open):
            bench.accept(station)
            bench.says(station, "Installed")
        bench.fire()
    assert bench.state.phase == "ended"
    assert [station for station, _ in bench.orders] == [f"CP-{k:03d}" for k in range(450)]
    assert bench.state.counts["done"] == 450
    seen: list[str] = []
    after: str | None = None
    while page := bench.tell(LookStations(100, None, after)):
        seen += [item["station"] for item in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [f"CP-{k:03d}" for k in range(450)]
