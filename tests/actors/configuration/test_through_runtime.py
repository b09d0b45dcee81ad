"""Templates and the configuration of stations through the real runtime, with a line that plays the station's settings."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.campaign import messages as campaign
from actors.configuration import messages as c
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.campaign import ConfigurationWork, Definition
from actors.model.decision import Refused
from actors.model.ids import CONFIGURATION, campaign_address, sibling_address, station_address, template_address
from actors.model.intents import VariableRef
from actors.model.matching import Match
from actors.model.rows import BookRow, VariableRow
from actors.model.settings import Setting, key_of
from actors.station import messages as m
from actors.template import messages as t
from tests.actors.kit import STATION, TENANT, FakeLine, House

STATION_ADDRESS = station_address(TENANT, STATION)
KEEPER = sibling_address(TENANT, CONFIGURATION, STATION)
HEARTBEAT = VariableRef("OCPPCommCtrlr", "HeartbeatInterval")
MEASURANDS = VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands")
OFFLINE = VariableRef("AuthCtrlr", "LocalAuthorizeOffline")
LOCAL = VariableRef("Vendor", "Colour", evse=2)
SETTINGS = (
    Setting(HEARTBEAT, "300"),
    Setting(MEASURANDS, "Energy.Active.Import.Register,SoC"),
    Setting(OFFLINE, "true"),
)
AS_WANTED = {"300": HEARTBEAT, "SoC, Energy.Active.Import.Register": MEASURANDS, "True": OFFLINE}


class Box(FakeLine):
    """A station's settings. `answers`: key -> status of a set; `silent`: it never answers."""

    def __init__(self, house: House, values: dict[str, VariableRef], name: str = STATION, **answers: str) -> None:
        super().__init__(1, lambda intent: self._rendered(intent))
        self.house, self.name, self.protocol = house, name, "ocpp2.0.1"
        self.values = {key_of(ref, "Actual"): value for value, ref in values.items()}
        self.answers, self.silent, self.most = answers, False, 100
        self.intents: list[Any] = []

    def _rendered(self, intent: Any) -> m.WireCall:
        self.intents.append(intent)
        return m.WireCall(type(intent).__name__, b"{}")

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        super().call(command, wire, timeout)
        if not self.silent:
            self.house.system.tell(station_address(TENANT, self.name), m.CommandDone(command, 1, self.answer(self.intents[-1])))

    def answer(self, intent: Any) -> Any:
        if isinstance(intent, i.GetVariables):
            if len(intent.refs) > self.most:
                return i.CommandFailure("error", "OccurrenceConstraintViolation")
            return i.CommandResult("Accepted", variables=tuple(map(self._told, intent.refs)))
        if isinstance(intent, i.SetVariable):
            status = self.answers.get(intent.ref.variable, "Accepted")
            if status == "Accepted":
                self.values[key_of(intent.ref, "Actual")] = intent.value
            return i.CommandResult(status)
        return i.CommandResult("Accepted")

    def _told(self, ref: VariableRef) -> i.ReportedVariable:
        value = self.values.get(key_of(ref, "Actual"))
        return i.ReportedVariable(ref, value, status="Accepted" if value is not None else "UnknownVariable")

    def sets(self) -> list[tuple[str, str]]:
        return [(intent.ref.variable, intent.value) for intent in self.intents if isinstance(intent, i.SetVariable)]


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House(limits=DomainLimits(template_slice=2, campaign_gather=2))
    await nursery.start(house.system.run)
    await house.furnish()
    await trio.sleep(10)  # the first boot is told
    return house


async def connect(house: House, box: Box, *, boot: bool = False, firmware: str | None = None) -> Box:
    house.system.tell(station_address(TENANT, box.name), m.Connected(box, box.protocol, 1, ""))
    if boot:
        await house.station(m.Boot("V", "M", firmware=firmware), box.name)
    await trio.sleep(20)
    return box


async def put(house: House, id: str = "site", settings: tuple[Setting, ...] = SETTINGS, **more: Any) -> Any:
    message = t.Put("Site", settings, **{"enforce": "boot", "who": "op", **more})
    return await house.ask(template_address(TENANT, id), message)


async def assign(house: House, id: str = "site") -> None:
    assert await house.ask(KEEPER, c.Assign(id, "op")) == m.Done()
    await trio.sleep(20)


async def boot(house: House, firmware: str | None = None) -> None:
    await house.station(m.Boot("V", "M", firmware=firmware))
    await trio.sleep(20)


def shown(house: House, station: str = STATION) -> dict[str, tuple[str, Any, str]]:
    rows = [row for row in house.rows.table(BookRow) if row.book == "configuration" and row.station == station]
    return {row.body["variable"]["name"]: (row.body["state"], row.body["actual"], row.body["status"]) for row in rows}


def states(house: House, station: str = STATION) -> dict[str, str]:
    return {name: state for name, (state, _, _) in shown(house, station).items()}


def drifts(house: House) -> list[Any]:
    return [line.body["settings"] for line in house.rows.events if line.kind == "station.drift"]


async def test_what_is_as_wanted_is_left_alone_and_what_differs_is_set_once(autojump_clock: Any, house: House) -> None:
    await put(house)
    box = await connect(house, Box(house, {"60": HEARTBEAT, "SoC, Energy.Active.Import.Register": MEASURANDS, "TRUE": OFFLINE}))
    await assign(house)
    assert box.sets() == [("HeartbeatInterval", "300")]
    assert set(states(house).values()) == {"applied"}
    summary = house.rows.get(BookRow, TENANT, STATION, "configuration_summary", "summary").body
    assert (summary["template"], summary["version"], summary["state"]) == ("site", 1, "applied")
    assert (await house.ask(template_address(TENANT, "site"), t.Look()))["stations"] == 1
    await boot(house)
    assert len(box.sets()) == 1


async def test_values_are_read_in_messages_that_the_station_takes(autojump_clock: Any, house: House) -> None:
    told = [{"type": "Actual", "value": "2"}]
    row = VariableRow(
        tenant=TENANT, station=STATION, component="DeviceDataCtrlr", variable="ItemsPerMessage",
        variable_instance="GetVariables", attributes=told,
    )  # fmt: skip
    house.rows.write(1, [row])
    await put(house)
    box = await connect(house, Box(house, AS_WANTED))
    await assign(house)
    assert [len(intent.refs) for intent in box.intents] == [2, 1]


async def test_a_station_that_does_not_like_several_at_once_is_asked_one_by_one(autojump_clock: Any, house: House) -> None:
    await put(house)
    box = Box(house, AS_WANTED)
    box.most = 1
    await connect(house, box)
    await assign(house)
    assert [len(intent.refs) for intent in box.intents] == [3, 1, 1, 1]
    assert set(states(house).values()) == {"applied"}


async def test_refused_and_unknown_settings_show_the_stations_word_and_are_not_asked_again_at_each_boot(
    autojump_clock: Any, house: House
) -> None:
    await put(house, settings=(*SETTINGS, Setting(LOCAL, "red")))
    box = await connect(house, Box(house, AS_WANTED, HeartbeatInterval="Rejected"), boot=True)
    box.values[key_of(HEARTBEAT, "Actual")] = "60"
    await assign(house)
    assert shown(house)["HeartbeatInterval"] == ("refused", "60", "Rejected")
    assert shown(house)["Colour"] == ("refused", None, "UnknownVariable")
    sets = box.sets()
    await boot(house)
    assert box.sets() == sets
    await house.ask(KEEPER, c.ApplyNow("op"))
    await trio.sleep(20)
    assert box.sets() == [*sets, ("HeartbeatInterval", "300")]
    box.answers.clear()
    await boot(house, "2.0")
    assert states(house)["HeartbeatInterval"] == "applied"


async def test_a_setting_that_needs_a_reboot_waits_for_it(autojump_clock: Any, house: House) -> None:
    await put(house)
    box = await connect(house, Box(house, AS_WANTED, HeartbeatInterval="RebootRequired"))
    box.values[key_of(HEARTBEAT, "Actual")] = "60"
    await assign(house)
    assert shown(house)["HeartbeatInterval"] == ("reboot_required", "60", "RebootRequired")
    box.values[key_of(HEARTBEAT, "Actual")] = "300"
    await boot(house)
    assert shown(house)["HeartbeatInterval"] == ("applied", "300", "")
    assert len(box.sets()) == 1


async def test_what_somebody_sets_against_the_template_is_drift_until_the_next_boot(
    nursery: trio.Nursery, autojump_clock: Any, house: House
) -> None:
    await put(house)
    box = await connect(house, Box(house, AS_WANTED))
    await assign(house)
    intent = i.SetVariable(HEARTBEAT, "10")
    command = m.Command("by-hand", intent, house.clock.now() + timedelta(hours=1), "op")
    nursery.start_soon(house.ask, STATION_ADDRESS, command)
    await trio.sleep(5)
    assert shown(house)["HeartbeatInterval"] == ("drifted", "10", "")
    key = key_of(HEARTBEAT, "Actual")
    assert drifts(house) == [[{"setting": key, "wanted": "300", "actual": "10"}]]
    await boot(house)
    assert box.values[key] == "300"
    assert states(house)["HeartbeatInterval"] == "applied"


async def test_quirk_05_configuration_that_a_reboot_lost_is_set_again(autojump_clock: Any, house: House) -> None:
    await put(house)
    box = await connect(house, Box(house, AS_WANTED))
    await assign(house)
    key = key_of(HEARTBEAT, "Actual")
    box.values[key] = "86400"
    await boot(house)
    assert box.values[key] == "300"
    assert states(house)["HeartbeatInterval"] == "applied"


async def test_a_template_that_only_reports_sets_nothing_unless_it_is_asked_to(autojump_clock: Any, house: House) -> None:
    await put(house, enforce="report only")
    box = await connect(house, Box(house, {"60": HEARTBEAT, "True": OFFLINE, "SoC": MEASURANDS}))
    await assign(house)
    assert states(house) == {"HeartbeatInterval": "drifted", "TxUpdatedMeasurands": "drifted", "LocalAuthorizeOffline": "applied"}
    await boot(house)
    assert box.sets() == []
    assert len(drifts(house)) == 1
    assert await house.ask(KEEPER, c.ApplyNow("op")) == m.Done()
    await trio.sleep(20)
    assert set(states(house).values()) == {"applied"}


async def test_a_changed_template_reaches_its_stations_and_a_deleted_one_leaves_them(autojump_clock: Any, house: House) -> None:
    await put(house)
    box = await connect(house, Box(house, AS_WANTED))
    await assign(house)
    names = [f"CP-{n}" for n in range(2, 7)]
    for name in names:
        await house.register(name)
        await house.ask(sibling_address(TENANT, CONFIGURATION, name), c.Assign("site", "op"))
    await trio.sleep(20)
    page = await house.ask(template_address(TENANT, "site"), t.LookStations(3))
    assert page == (STATION, "CP-2", "CP-3")
    assert (await put(house, settings=(Setting(HEARTBEAT, "77"),))).version == 2
    await trio.sleep(40)
    assert shown(house) == {"HeartbeatInterval": ("applied", "77", "")}
    assert box.sets() == [("HeartbeatInterval", "77")]
    for name in names:
        assert house.rows.get(BookRow, TENANT, name, "configuration_summary", "summary").body["version"] == 2
    assert await house.ask(template_address(TENANT, "site"), t.Delete("op")) == m.Done()
    await trio.sleep(40)
    assert [row for row in house.rows.table(BookRow) if row.book.startswith("configuration")] == []
    assert (await house.ask(KEEPER, c.ApplyNow("op"))).code == "state"
    assert (await house.station(m.Look())).orders == ()


async def test_a_station_that_does_not_answer_is_tried_a_few_times_and_again_after_its_next_boot(
    autojump_clock: Any, house: House
) -> None:
    await put(house)
    box = Box(house, {"60": HEARTBEAT, **{value: ref for value, ref in AS_WANTED.items() if ref is not HEARTBEAT}})
    box.silent = True
    await connect(house, box)
    await assign(house)
    for _ in range(12):
        house.clock.advance(60)
        await trio.sleep(60)
    assert len(box.intents) == house.env.limits.setting_tries
    assert set(states(house).values()) == {"pending"}
    box.silent = False
    await boot(house)
    assert set(states(house).values()) == {"applied"}


async def test_a_station_gets_the_template_that_matches_when_it_boots_and_loses_it_when_it_fits_no_longer(
    autojump_clock: Any, house: House
) -> None:
    box = await connect(house, Box(house, AS_WANTED), boot=True, firmware="1.0")
    await put(house, match=Match(vendor="v", firmware="1.*"))
    await put(house, "other", match=Match(vendor="nobody"))
    await trio.sleep(40)
    assert shown(house) == {}  # nothing happens before it boots
    await boot(house, "1.0")
    assert set(states(house).values()) == {"applied"}
    await boot(house, "2.0")
    assert shown(house) == {}
    assert (await house.ask(template_address(TENANT, "site"), t.Look()))["stations"] == 0
    assert box.sets() == []


async def test_what_was_assigned_by_hand_is_not_replaced_by_what_matches(autojump_clock: Any, house: House) -> None:
    await put(house)
    await put(house, "auto", settings=(Setting(HEARTBEAT, "1"),), match=Match())
    box = await connect(house, Box(house, AS_WANTED))
    await assign(house)
    await boot(house, "3.0")
    assert len(shown(house)) == 3
    assert box.sets() == []


async def test_what_1_6_has_no_key_for_is_refused_without_asking_a_station_of_1_6(autojump_clock: Any, house: House) -> None:
    await put(house, settings=(Setting(HEARTBEAT, "300"), Setting(LOCAL, "red")))
    box = Box(house, AS_WANTED)
    box.protocol = "ocpp1.6"
    await connect(house, box, boot=True, firmware="1.1")
    await assign(house)
    await boot(house)
    assert shown(house)["Colour"] == ("refused", None, "NotSupported")
    assert states(house)["HeartbeatInterval"] == "applied"


async def test_a_template_holds_no_secrets_and_nothing_twice(autojump_clock: Any, house: House) -> None:
    secret = await put(house, settings=(Setting(VariableRef("SecurityCtrlr", "BasicAuthPassword"), "x"),))
    assert (secret.code, secret.field) == ("invalid", "settings.0")
    twice = await put(house, settings=(Setting(HEARTBEAT, "1"), Setting(VariableRef("ocppcommctrlr", "heartbeatinterval"), "2")))
    assert (twice.code, twice.field) == ("invalid", "settings.1")
    assert isinstance(await house.ask(template_address(TENANT, "site"), t.Look()), Refused)


async def test_a_campaign_gives_a_template_to_many_and_ends_when_nothing_is_pending(autojump_clock: Any, house: House) -> None:
    await put(house)
    await house.register("CP-2")
    good = await connect(house, Box(house, {"60": HEARTBEAT, "SoC": MEASURANDS, "True": OFFLINE}), boot=True, firmware="1")
    await connect(house, Box(house, {"60": HEARTBEAT}, "CP-2", HeartbeatInterval="Rejected"), boot=True, firmware="1")
    address = campaign_address(TENANT, "k")
    given = Definition(name="settings", work=ConfigurationWork("site"), match=Match())
    await house.ask(address, campaign.Create(given, "op"))
    await house.ask(address, campaign.Control("start", "op"))
    await trio.sleep(60)
    page = await house.ask(address, campaign.LookStations(10))
    told = {item["station"]: (item["state"], item["detail"]) for item in page.items}
    assert told[STATION] == ("done", "in step")
    assert told["CP-2"][0] == "failed"
    assert told["CP-2"][1].startswith("3 refused: ")
    assert len(good.sets()) == 2
    assert (await house.ask(address, campaign.Look()))["state"] == "ended"


async def test_another_process_goes_on_with_the_round(autojump_clock: Any) -> None:
    first = House()
    async with trio.open_nursery() as nursery:
        await nursery.start(first.system.run)
        await first.furnish()
        await trio.sleep(10)
        await put(first)
        await first.ask(KEEPER, c.Assign("site", "op"))
        await trio.sleep(20)
        assert len((await first.station(m.Look())).orders) == 1
        nursery.cancel_scope.cancel()
    second = first.after_crash()
    async with trio.open_nursery() as nursery:
        await nursery.start(second.system.run)
        box = Box(second, AS_WANTED)
        box.values[key_of(HEARTBEAT, "Actual")] = "60"
        await connect(second, box)
        assert set(states(second).values()) == {"applied"}
        assert box.sets() == [("HeartbeatInterval", "300")]
        nursery.cancel_scope.cancel()
