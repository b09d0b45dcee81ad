"""A firmware campaign through the real runtime: its station hears an order, and its statuses reach the campaign."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.campaign import messages as m
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.campaign import Definition, FirmwareWork
from actors.model.decision import Refused
from actors.model.ids import campaign_address, station_address
from actors.model.matching import Match
from actors.model.rows import BookRow
from actors.station import messages as station
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House

ADDRESS = station_address(TENANT, STATION)
CAMPAIGN = campaign_address(TENANT, "c1")
WORK = FirmwareWork("http://fw/fw-2.0.bin", "2.0")
UPDATE = station.WireCall("UpdateFirmware", b"{}")


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House(limits=DomainLimits(campaign_gather=2))
    await nursery.start(house.system.run)
    await house.furnish()
    return house


async def connect(house: House, wire: Any = UPDATE, protocol: str = "ocpp2.0.1", name: str = STATION) -> FakeLine:
    line = FakeLine(1, wire)
    house.system.tell(station_address(TENANT, name), station.Connected(line, protocol, 1, ""))
    await trio.sleep(0.1)
    return line


async def begin(house: House, **more: Any) -> None:
    given = Definition(name="spring", work=WORK, **{"match": Match(), **more})
    assert await house.ask(CAMPAIGN, m.Create(given, "op")) == station.Done()
    assert (await house.ask(CAMPAIGN, m.Control("start", "op")))["state"] == "gathering"
    await trio.sleep(20)


async def answer(house: House, line: FakeLine, status: str = "Accepted") -> None:
    done = station.CommandDone(line.calls[-1][0], 1, i.CommandResult(status))
    house.system.tell(ADDRESS, done)
    await trio.sleep(0.1)


async def stations(house: House) -> dict[str, tuple[str, str]]:
    page = await house.ask(CAMPAIGN, m.LookStations(1000))
    return {item["station"]: (item["state"], item["detail"]) for item in page.items}


async def test_the_statuses_of_the_update_that_it_ordered_reach_the_campaign_and_no_others(
    autojump_clock: Any, house: House
) -> None:
    line = await connect(house)
    await begin(house)
    assert await stations(house) == {STATION: ("ordered", "")}
    (call,) = line.calls
    assert call[0] == "campaign:c1:1"
    await house.station(station.FirmwareStatus("Downloading", 1))
    assert await stations(house) == {STATION: ("running", "Downloading")}
    await answer(house, line)
    await house.station(station.FirmwareStatus("DownloadFailed", 99))
    assert await stations(house) == {STATION: ("running", "Downloading")}
    await house.station(station.FirmwareStatus("Installed", 1))
    assert await stations(house) == {STATION: ("done", "Installed")}
    shown = await house.ask(CAMPAIGN, m.Look())
    assert (shown["state"], shown["counts"]["done"]) == ("ended", 1)
    assert house.rows.get(BookRow, TENANT, "", "campaign", "c1").body["state"] == "ended"
    assert "campaign.ended" in [line.kind for line in house.rows.events]


async def test_a_boot_with_the_new_version_is_success_without_any_request_id(autojump_clock: Any, house: House) -> None:
    line = await connect(house, protocol="ocpp1.6")
    await begin(house)
    await answer(house, line)
    await house.station(station.FirmwareStatus("Installing"))
    await house.station(station.Boot("V", "M", firmware="1.0"))
    assert await stations(house) == {STATION: ("running", "Installing")}
    await house.station(station.Boot("V", "M", firmware="2.0"))
    assert await stations(house) == {STATION: ("done", "booted with 2.0")}


async def test_an_update_that_somebody_else_ordered_takes_the_watch_away(autojump_clock: Any, house: House) -> None:
    line = await connect(house)
    await begin(house)
    await answer(house, line)
    async with trio.open_nursery() as nursery:
        other = station.Command("mine", i.UpdateFirmware("http://other", T0), T0 + timedelta(hours=1), "op")
        nursery.start_soon(house.ask, ADDRESS, other)
        await trio.sleep(0.1)
        await answer(house, line, "AcceptedCanceled")
    await house.station(station.FirmwareStatus("Installed", 2))
    assert await stations(house) == {STATION: ("running", "Accepted")}


async def test_a_station_that_has_the_version_is_left_alone(autojump_clock: Any, house: House) -> None:
    await house.station(station.Boot("V", "M", firmware="2.0"))
    line = await connect(house)
    await begin(house)
    assert await stations(house) == {STATION: ("done", "it has this already")}
    assert line.calls == []


async def test_targets_are_those_that_match_when_it_starts(autojump_clock: Any, house: House) -> None:
    for n in range(7):
        await house.register(f"CP-{n + 2}")
        await house.station(station.Boot("Vend" if n % 2 else "Other", "M", firmware="1.0"), f"CP-{n + 2}")
    await begin(house, match=Match(vendor="vend*"))
    assert sorted(await stations(house)) == ["CP-3", "CP-5", "CP-7"]
    await house.register("CP-99")
    await house.station(station.Boot("Vend", "M", firmware="1.0"), "CP-99")
    assert len(await stations(house)) == 3


async def test_more_stations_than_a_campaign_may_have_end_it_before_it_begins(nursery: trio.Nursery, autojump_clock: Any) -> None:
    house = House(limits=DomainLimits(campaign_gather=2, campaign_targets=3))
    await nursery.start(house.system.run)
    await house.furnish()
    for n in range(5):
        await house.register(f"CP-{n + 2}")
    await begin(house)
    shown = await house.ask(CAMPAIGN, m.Look())
    assert shown["state"] == "cancelled"
    assert "more than 3 stations" in shown["reason"]


async def test_paused_it_withdraws_what_was_not_sent_and_resumed_it_orders_that_again(autojump_clock: Any, house: House) -> None:
    await begin(house)
    assert await stations(house) == {STATION: ("ordered", "")}
    await house.ask(CAMPAIGN, m.Control("pause", "op"))
    await trio.sleep(20)
    assert await stations(house) == {STATION: ("waiting", "")}
    assert (await house.station(station.Look())).orders == ()
    line = await connect(house)
    assert line.calls == []
    assert isinstance(await house.ask(CAMPAIGN, m.Delete("op")), Refused)
    await house.ask(CAMPAIGN, m.Control("resume", "op"))
    await trio.sleep(20)
    assert [call[0] for call in line.calls] == ["campaign:c1:2"]


async def test_a_station_that_was_removed_fails_and_the_others_go_on(autojump_clock: Any, house: House) -> None:
    await begin(house, match=None, stations=("CP-GONE", STATION), attempts=3)
    assert await stations(house) == {"CP-GONE": ("failed", "UnknownStation"), STATION: ("ordered", "")}


@pytest.mark.parametrize("phase", ["gathering", "ordered", "running"])
async def test_another_process_goes_on_where_this_one_died(autojump_clock: Any, phase: str) -> None:
    """The process dies; what was committed is all that the next one knows."""
    first = House(limits=DomainLimits(campaign_gather=2))
    async with trio.open_nursery() as nursery:
        await nursery.start(first.system.run)
        await first.furnish()
        for n in range(5):
            await first.register(f"CP-{n + 2}")
        await first.ask(CAMPAIGN, m.Create(Definition(name="spring", work=WORK, match=Match()), "op"))
        await first.ask(CAMPAIGN, m.Control("start", "op"))
        if phase != "gathering":
            await trio.sleep(20)
        if phase == "running":
            line = await connect(first)
            await answer(first, line)
        nursery.cancel_scope.cancel()
    second = first.after_crash()
    async with trio.open_nursery() as nursery:
        await nursery.start(second.system.run)
        await trio.sleep(30)
        assert len(await stations(second)) == 6
        line = await connect(second)
        if phase != "running":
            assert len(line.calls) == 1
            await answer(second, line)
        assert (await stations(second))[STATION] == ("running", "Accepted")
        assert len(line.calls) == (0 if phase == "running" else 1)
        await second.station(station.FirmwareStatus("Installed", 1))
        assert (await stations(second))[STATION] == ("done", "Installed")
        nursery.cancel_scope.cancel()


async def test_commands_in_the_wrong_state_are_refused_and_a_deleted_campaign_is_gone(autojump_clock: Any, house: House) -> None:
    assert (await house.ask(CAMPAIGN, m.Look())).code == "unknown"
    await house.ask(CAMPAIGN, m.Create(Definition(name="x", work=WORK, match=Match()), "op"))
    for action in ("pause", "resume", "retry"):
        assert (await house.ask(CAMPAIGN, m.Control(action, "op"))).code == "state"  # type: ignore[arg-type]
    assert await house.ask(CAMPAIGN, m.Delete("op")) == station.Done()
    assert (await house.ask(CAMPAIGN, m.Look())).code == "unknown"
    assert house.rows.get(BookRow, TENANT, "", "campaign", "c1") is None
