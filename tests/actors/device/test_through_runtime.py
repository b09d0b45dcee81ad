"""A device model through the real runtime: inventories, values, monitors, alerts, and what is asked of the station."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.device import messages as d
from actors.device.packs import Model
from actors.device.state import LIMITS
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.device import Attribute, Characteristics, Variable, variable_for_key
from actors.model.ids import sibling_address, station_address
from actors.model.intents import ReportedVariable, VariableRef
from actors.model.rows import VariableRow
from actors.station import facts as station_facts
from actors.station import messages as m
from actors.station.actor import StationActor
from runtime.address import Address
from runtime.codec import codec_of
from runtime.turn import NO_TURN, StagedTurn
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House

ADDRESS = station_address(TENANT, STATION)
DEVICE = sibling_address(TENANT, "device", STATION)
RW, RO = "ReadWrite", "ReadOnly"


def told(component: str, name: str, value: str | None = "1", mutability: str = RW, **place: Any) -> d.ReportedDevice:
    ref = VariableRef(component, name, **place)
    return d.ReportedDevice(ref, (Attribute(value, mutability=mutability),), Characteristics("string"))


class Bench(House):
    """A station with a line, and its keeper."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.line = FakeLine(wire=self._render)
        self.asked: list[Any] = []
        self.commands = 0

    def _render(self, intent: Any) -> m.WireCall:
        self.asked.append(intent)
        return m.WireCall(type(intent).__name__, b"{}")

    async def open(self, nursery: trio.Nursery, protocol: str = "ocpp2.0.1", **settings: Any) -> None:
        await nursery.start(self.system.run)
        await self.furnish(boot=False, settings=settings)
        self.system.tell(ADDRESS, m.Connected(self.line, protocol, 1, ""))
        await self.station(m.Boot("V", "M", "S-1", "0"))  # its greeting is not due until time passes

    async def boot(self, **fields: Any) -> None:
        self.clock.advance(1)
        await self.station(m.Boot(**({"vendor": "V", "model": "M", "serial": "S-1", "firmware": "1"} | fields)))
        await self.pass_time(5)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await trio.sleep(10)

    async def answer(self, outcome: Any = None) -> None:
        """To the CALL that went out last."""
        done = m.CommandDone(self.line.calls[-1][0], 1, outcome or i.CommandResult("Accepted"))
        self.system.tell(ADDRESS, done)
        await trio.sleep(0.2)

    async def command(self, intent: Any, outcome: Any = None) -> Any:
        self.commands += 1
        answers: list[Any] = []

        async def ask() -> None:
            until = self.clock.now() + timedelta(seconds=60)
            answers.append(await self.ask(ADDRESS, m.Command(f"c{self.commands}", intent, until), 100))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(0.1)
            await self.answer(outcome)
        return answers[0]

    async def part(self, request_id: int, seq: int, more: bool, *data: d.ReportedDevice) -> None:
        assert await self.station(d.ReportPart(request_id, seq, more, T0, data)) == m.Done()
        await trio.sleep(0.1)

    def variables(self) -> dict[str, str | None]:
        rows = self.rows.table(VariableRow)
        return {f"{row.component}.{row.variable}": row.attributes[0]["value"] for row in rows}

    async def book(self, name: str) -> list[dict[str, Any]]:
        return [row.body for row in (await self.queries.book(TENANT, STATION, name, 99, None)).items]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line.body for line in self.rows.events if line.kind == kind]

    def state(self) -> Any:
        return self.system.registry.cells[DEVICE].incarnation.state  # type: ignore[index, union-attr]


@pytest.fixture
async def bench(nursery: trio.Nursery) -> Bench:
    bench = Bench()
    await bench.open(nursery, inventory=True)
    return bench


# -- inventories


async def test_the_first_boot_leads_to_a_full_inventory_and_an_ordinary_one_to_nothing(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    assert bench.asked == [i.GetBaseReport("FullInventory", 1)]
    await bench.answer()
    await bench.part(1, 0, False, told("AuthCtrlr", "Enabled", "true"))
    await bench.boot()
    assert len(bench.asked) == 1
    await bench.boot(firmware="2")
    assert bench.asked[1:] == [i.GetBaseReport("FullInventory", 2)]
    assert bench.variables()["Controller.FirmwareVersion"] == "2"


async def test_a_1_6_station_is_asked_for_its_keys_and_they_replace_what_it_told_before(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    bench = Bench()
    await bench.open(nursery, "ocpp1.6", inventory=True)
    await bench.boot()
    assert bench.asked == [i.GetVariables()]

    def key(name: str, value: str) -> ReportedVariable:
        return ReportedVariable(variable_for_key(name), value, False)

    await bench.answer(i.CommandResult("", variables=(key("HeartbeatInterval", "300"), key("Vendor.Old", "x"))))
    assert bench.variables()["OCPP16.Vendor.Old"] == "x"
    assert bench.variables()["ChargingStation.SerialNumber"] == "S-1"
    await bench.command(i.GetVariables(), i.CommandResult("", variables=(key("heartbeatinterval", "60"),)))
    shown = bench.variables()
    assert "OCPP16.Vendor.Old" not in shown
    assert (shown["OCPPCommCtrlr.HeartbeatInterval"], shown["ChargingStation.SerialNumber"]) == ("60", "S-1")


async def test_inventories_can_be_switched_off_by_the_brand(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench()
    await bench.open(nursery, inventory=False)
    await bench.boot()
    assert bench.asked == []
    assert bench.variables()["ChargingStation.Model"] == "M", "what the boot told is known all the same"


async def test_parts_come_in_any_order_and_twice_and_only_a_whole_inventory_removes(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.answer()
    await bench.part(1, 0, True, told("A", "one"), told("A", "two"))
    await bench.part(1, 1, False, told("B", "one"))
    await bench.boot(firmware="2")
    await bench.answer()
    await bench.part(2, 2, False, told("C", "one"))
    await bench.part(2, 0, True, told("A", "one", "changed"))
    commits = len(bench.store.commits)
    await bench.part(2, 0, True, told("A", "one", "a repeated part says nothing"))
    assert len(bench.store.commits) == commits
    assert {"A.two", "B.one"} <= bench.variables().keys(), "part 1 may still mention them"
    await bench.part(2, 1, True, told("B", "two"))
    shown = bench.variables()
    assert not {"A.two", "B.one"} & shown.keys()
    assert (shown["A.one"], shown["B.two"], shown["C.one"], shown["ChargingStation.SerialNumber"]) == ("changed", "1", "1", "S-1")
    assert [(report["request_id"], report["status"], report["parts"]) for report in await bench.book("report")] == [
        (1, "complete", 2),
        (2, "complete", 3),
    ]


async def test_parts_before_the_answer_to_their_request_belong_to_it(autojump_clock: Any, bench: Bench) -> None:
    await bench.command(i.GetReport(), i.CommandResult("Accepted"))
    await bench.part(1, 0, False, told("Old", "x"))
    await bench.boot()
    await bench.part(2, 0, False, told("A", "one"))
    assert "Old.x" in bench.variables()
    await bench.answer()
    assert "Old.x" not in bench.variables()
    assert "A.one" in bench.variables()


async def test_a_partial_report_beside_an_inventory_is_not_undone_by_it(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.answer()
    await bench.part(1, 0, True, told("A", "one"))
    await bench.part(50, 0, False, told("A", "one"), told("New", "x"))
    await bench.part(1, 1, False, told("B", "one"))
    assert {"A.one", "B.one", "New.x"} <= bench.variables().keys()


async def test_a_report_that_never_ends_times_out_removes_nothing_and_is_asked_for_again(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    bench = Bench(limits=DomainLimits(report_silence=timedelta(seconds=60), inventory_pause=timedelta(seconds=100)))
    await bench.open(nursery, inventory=True)
    await bench.command(i.GetReport(), i.CommandResult("Accepted"))
    await bench.part(1, 0, False, told("Old", "x"))
    await bench.boot()
    await bench.answer()
    await bench.part(2, 0, True, told("A", "one"))
    await bench.pass_time(35)
    await bench.part(2, 2, True, told("B", "one"))
    await bench.pass_time(35)
    assert bench.events("station.report")[1:] == [], "a part came in between"
    await bench.pass_time(61)
    assert bench.events("station.report")[-1]["status"] == "incomplete"
    assert "Old.x" in bench.variables()
    assert len(bench.asked) == 2
    await bench.pass_time(101)
    assert bench.asked[2:] == [i.GetBaseReport("FullInventory", 3)]
    await bench.part(2, 1, False, told("C", "one"))
    assert "C.one" in bench.variables(), "what comes late is still true"


async def test_an_inventory_that_fails_is_asked_for_again_a_few_times_and_one_that_is_not_supported_never(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    bench = Bench(limits=DomainLimits(inventory_pause=timedelta(seconds=100), inventory_attempts=3))
    await bench.open(nursery, inventory=True)
    await bench.boot()
    for n in range(3):
        assert len(bench.asked) == n + 1
        await bench.answer(i.CommandFailure("error", "InternalError"))
        await bench.pass_time(100 * (n + 1) + 1)
    assert len(bench.asked) == 3
    await bench.boot(firmware="2")
    await bench.answer(i.CommandResult("NotSupported"))
    await bench.pass_time(1000)
    assert len(bench.asked) == 4
    assert bench.events("station.inventory")[-1] == {"purpose": "inventory", "status": "NotSupported", "again": False}


async def test_only_what_changed_is_written_again(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.answer()
    await bench.part(1, 0, False, *(told("A", f"v{n}") for n in range(20)))
    await bench.command(i.GetBaseReport("FullInventory"), i.CommandResult("Accepted"))
    commits = len(bench.store.commits)
    await bench.part(2, 0, False, *(told("A", f"v{n}", "2" if n == 7 else "1") for n in range(20)))
    rows = [row for batch in bench.store.commits[commits:] for turn in batch for row in turn.rows if type(row) is VariableRow]
    assert [(row.variable, row.attributes[0]["value"]) for row in rows] == [("v7", "2")]


async def test_what_an_inventory_no_longer_mentions_goes_in_slices(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench(limits=DomainLimits(prune_slice=10))
    await bench.open(nursery, inventory=True)
    await bench.part(9, 0, False, *(told(f"C{n % 3}", f"v{n}") for n in range(35)))
    await bench.boot()
    await bench.answer()
    commits = len(bench.store.commits)
    await bench.part(1, 0, False, told("A", "one"))
    await trio.sleep(1)
    sizes = [
        sum(type(row) is VariableRow and row.deleted for row in turn.rows)
        for batch in bench.store.commits[commits:]
        for turn in batch
    ]
    assert [size for size in sizes if size] == [10, 10, 10, 5]
    assert bench.state().count == len(bench.variables())
    assert bench.state().pruning is None


async def test_a_crash_in_the_middle_of_the_removal_ends_it_later(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench(limits=DomainLimits(prune_slice=1))
    await bench.open(nursery, inventory=True)
    await bench.part(9, 0, False, *(told("C", f"v{n}") for n in range(35)))
    await bench.boot()
    await bench.answer()
    part = d.ReportPart(1, 0, False, T0, (told("A", "one"),))
    nursery.start_soon(bench.station, part)
    with trio.fail_after(5):
        while bench.state().pruning is None:
            await trio.lowlevel.checkpoint()
    assert await bench.system.inspect.restart(DEVICE)
    await trio.sleep(1)
    assert not [name for name in bench.variables() if name.startswith("C.")]


async def test_the_model_is_the_same_after_it_was_put_away(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.answer()
    for seq in range(150):
        await bench.part(1, seq, seq < 149, *(told(f"C{seq % 7}", f"v{seq}-{n}") for n in range(3)))
    before = bench.state()
    assert await bench.system.inspect.restart(DEVICE)
    await bench.part(77, 0, False)
    after = bench.state()
    assert after.components == before.components
    assert after.count == before.count == len(bench.variables())


async def test_a_model_is_bounded_and_says_when_it_is_full(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench(limits=DomainLimits(variables=10))
    await bench.open(nursery)
    await bench.part(1, 0, True, *(told("A", f"v{n}") for n in range(8)))
    await bench.part(1, 1, False, *(told("B", f"v{n}") for n in range(8)), told("A", "v1", "still changed"))
    assert len(bench.variables()) == 10
    assert bench.variables()["A.v1"] == "still changed"
    assert bench.events("station.device_model_full") == [{"refused": 6, "kept": 10}]


async def test_passwords_in_a_report_are_nowhere(autojump_clock: Any, bench: Bench) -> None:
    secret = d.ReportedDevice(
        VariableRef("SecurityCtrlr", "BasicAuthPassword"), (Attribute("hunter2hunter2", mutability="WriteOnly"),)
    )
    await bench.part(1, 0, False, secret, told("WifiCtrlr", "WifiPassphrase", "hunter2hunter2"))
    assert bench.variables()["SecurityCtrlr.BasicAuthPassword"] is None
    stored = b"".join(fact.body for batch in bench.store.commits for turn in batch for fact in turn.facts)
    assert b"hunter2" not in stored
    assert b"hunter2" not in msgspec.json.encode(bench.state())


# -- values


async def test_values_that_were_set_are_known_each_by_its_own_status(autojump_clock: Any, bench: Bench) -> None:
    await bench.part(1, 0, False, told("A", "one"), told("A", "two"), told("A", "three", "ro", RO))
    a, b, c = (VariableRef("a", name) for name in ("ONE", "two", "three"))
    intent = i.SetVariables(
        (i.SetVariable(a, "5"), i.SetVariable(b, "6"), i.SetVariable(c, "7"), i.SetVariable(a, "9", "Target"))
    )
    result = i.CommandResult(
        "",
        variables=(
            ReportedVariable(a, "5"),
            ReportedVariable(b, status="RebootRequired"),
            ReportedVariable(c, status="Rejected"),
            ReportedVariable(a, "9", attribute="Target"),
        ),
    )
    await bench.command(intent, result)
    assert bench.variables() == {"A.one": "5", "A.two": "1", "A.three": "ro"}
    (row,) = [row for row in bench.rows.table(VariableRow) if row.variable == "one"]
    assert [(a["type"], a["value"]) for a in row.attributes] == [("Actual", "5"), ("Target", "9")]
    (waiting,) = await bench.book("reboot_required")
    assert (waiting["variable"], waiting["value"], waiting["attribute"]) == ({"name": "two"}, "6", "Actual")


async def test_what_waited_for_a_reboot_is_read_again_after_it(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench()
    await bench.open(nursery)
    await bench.boot()
    await bench.part(1, 0, False, told("A", "two"))
    ref = VariableRef("A", "two")
    await bench.command(i.SetVariable(ref, "6"), i.CommandResult("RebootRequired"))
    assert bench.variables()["A.two"] == "1"
    await bench.boot(reason="RemoteReset")
    assert bench.asked[-1] == i.GetVariables((ref,))
    assert await bench.book("reboot_required") == []
    await bench.answer(i.CommandResult("", variables=(ReportedVariable(ref, "6"),)))
    assert bench.variables()["A.two"] == "6"


async def test_a_network_profile_that_was_accepted_is_shown_without_its_passwords(autojump_clock: Any, bench: Bench) -> None:
    profile = i.NetworkProfile("wss://x/y", 2, "Wired0", 30, apn={"apnPassword": "hunter2"})
    await bench.command(i.SetNetworkProfile(3, profile))
    (shown,) = await bench.book("network_profile")
    assert (shown["slot"], shown["csms_url"]) == (3, "wss://x/y")
    stored = b"".join(row.body for batch in bench.store.commits for turn in batch for row in (*turn.facts, *turn.letters))
    assert b"hunter2" not in stored


# -- monitors, events, alerts


def monitor(id: int, **more: Any) -> d.Monitor:
    return d.Monitor(VariableRef("Temp", "Celsius"), id, "UpperThreshold", 80.0, more.pop("severity", 3), **more)


async def test_monitors_are_booked_as_they_are_set_cleared_and_reported(autojump_clock: Any, bench: Bench) -> None:
    ref = VariableRef("Temp", "Celsius")
    setting = i.MonitorSetting(ref, "UpperThreshold", 80.0, 3)
    answers = [
        {"ref": msgspec.to_builtins(ref), "type": "UpperThreshold", "severity": 3, "id": 11, "status": "Accepted"},
        {"ref": msgspec.to_builtins(ref), "type": "UpperThreshold", "severity": 3, "status": "Rejected"},
    ]
    await bench.command(i.SetVariableMonitoring((setting, setting)), i.CommandResult("", {"monitors": answers}))
    assert [(entry["id"], entry["value"]) for entry in await bench.book("monitor")] == [(11, 80.0)]
    await bench.command(i.GetMonitoringReport(), i.CommandResult("Accepted"))
    part = d.MonitoringPart(1, 0, False, T0, (monitor(12), monitor(13)))
    assert await bench.station(part) == m.Done()
    await trio.sleep(0.1)
    assert [entry["id"] for entry in await bench.book("monitor")] == [12, 13]
    cleared = {"cleared": [{"id": 12, "status": "Accepted"}, {"id": 13, "status": "Rejected"}]}
    await bench.command(i.ClearVariableMonitoring((12, 13)), i.CommandResult("", cleared))
    assert [entry["id"] for entry in await bench.book("monitor")] == [13]


async def test_after_another_monitoring_base_the_station_is_asked_what_is_left(autojump_clock: Any, bench: Bench) -> None:
    await bench.station(d.MonitoringPart(1, 0, False, T0, (monitor(12),)))
    await bench.command(i.SetMonitoringBase("HardWiredOnly"))
    await trio.sleep(0.2)
    assert bench.asked[-1] == i.GetMonitoringReport(1)
    await bench.answer(i.CommandResult("EmptyResultSet"))
    assert await bench.book("monitor") == []
    assert bench.state().monitoring_base == "HardWiredOnly"


def happened(id: int, cleared: bool = False, trigger: str = "Alerting", seconds: float = 0, **more: Any) -> d.DeviceEvent:
    ref = more.pop("ref", VariableRef("Temp", "Celsius", evse=1))
    return d.DeviceEvent(
        id, T0 + timedelta(seconds=seconds), ref, trigger, more.pop("actual", "85"), "CustomMonitor", cleared=cleared,
        monitor=more.pop("monitor", 12), **more,
    )  # fmt: skip


async def tell(bench: Bench, *events: d.DeviceEvent, seq: int = 0) -> None:
    assert await bench.station(d.EventsPart(seq, False, T0, events)) == m.Done()
    await trio.sleep(0.1)


async def test_an_alert_is_active_from_its_event_to_the_one_that_clears_it(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.station(d.MonitoringPart(1, 0, False, T0, (monitor(12, severity=2),)))
    await tell(bench, happened(1))
    await tell(bench, happened(1))
    (alert,) = await bench.book("alert")
    assert (alert["value"], alert["severity"], alert["component"]) == ("85", 2, {"name": "Temp", "evse": 1})
    assert bench.variables()["Temp.Celsius"] == "85"
    await tell(bench, happened(2, cleared=True, seconds=5, actual="60"))
    assert await bench.book("alert") == []
    assert [line["cleared"] for line in bench.events("station.alert")] == [False, True]
    assert bench.variables()["Temp.Celsius"] == "60"


async def test_alerts_from_before_a_boot_are_over_and_those_told_after_it_stay(autojump_clock: Any, bench: Bench) -> None:
    await bench.boot()
    await bench.answer(i.CommandResult("EmptyResultSet"))
    await tell(bench, happened(1), happened(2, monitor=13))
    bench.clock.advance(60)
    await bench.station(m.Boot("V", "M", "S-1", "1"))
    bench.clock.advance(1)
    await tell(bench, happened(3, monitor=13, seconds=61))
    await bench.pass_time(5)
    assert [alert["event_id"] for alert in await bench.book("alert")] == [3]
    await bench.boot()
    assert await bench.book("alert") == []


async def test_periodic_events_are_no_alerts_and_unknown_components_are_taken(autojump_clock: Any, bench: Bench) -> None:
    strange = VariableRef("VendorThing", "Humidity", component_instance="left")
    await tell(bench, happened(1, trigger="Periodic", ref=strange, actual="40"))
    assert await bench.book("alert") == []
    assert bench.variables() == {"VendorThing.Humidity": "40"}


async def test_active_alerts_are_bounded(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench()
    await bench.open(nursery)
    for start in range(0, LIMITS.alerts + 20, 20):
        await tell(bench, *(happened(n, monitor=n) for n in range(start, start + 20)), seq=start)
        bench.clock.advance(1)
    assert len(bench.state().alerts) == len(await _all(bench, "alert")) == LIMITS.alerts


async def _all(bench: Bench, book: str) -> list[Any]:
    return list((await bench.queries.book(TENANT, STATION, book, 1000, None)).items)


# -- an older release


async def test_variables_that_an_older_release_kept_are_handed_over(nursery: trio.Nursery, autojump_clock: Any) -> None:
    bench = Bench()
    codec = codec_of(StationActor)
    old = (Variable(VariableRef("AuthCtrlr", "Enabled"), (Attribute("true"),)),)
    facts = [
        station_facts.Registered(2, 0, None, ("ocpp1.6",), None, {}, ("a", "b"), "op", T0),
        station_facts.VariablesTold(old, T0),
    ]
    rows = [msgspec.structs.replace(row, version=1) for row in codec.facts(facts)]
    turn = StagedTurn(actor=Address(*ADDRESS), seq=0, prev_turn=NO_TURN, turn=b"t" * 16, at=T0, correlation="", facts=rows)
    await bench.store.commit("main", [turn])
    await nursery.start(bench.system.run)
    assert isinstance(await bench.station(m.Look()), m.LiveStation)
    await trio.sleep(0.2)
    assert [variable.ref.variable for variable in _model(bench)] == ["Enabled"]
    assert await bench.system.inspect.restart(ADDRESS)
    await bench.station(m.Look())
    assert bench.system.registry.cells[Address(*ADDRESS)].incarnation.state.variables == ()  # type: ignore[union-attr]


def _model(bench: Bench) -> list[Variable]:
    return list(Model(bench.state().components).all())
