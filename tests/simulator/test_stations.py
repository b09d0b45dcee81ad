"""Virtual stations behave as the field's stations do, faults included."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from gateways.simulator import link as link_module
from gateways.simulator.clock import read_time
from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.journal import read_journal
from gateways.simulator.memory import Model
from gateways.simulator.v16.commands import COMMANDS
from tests.simulator.central import Central, central_system

ONE = (Model("Vendor", "One", "1", 22_000, 1),)
FAST = "boot\nplug @\nauthorize\nstart @\nmeter @ 2 0.05\nstop @\nunplug @\nrepeat 1\n"


@asynccontextmanager
async def running(central: Central, **plan: Any) -> AsyncIterator[Fleet]:
    fleet = Fleet(Plan(url=central.url, **{"models": ONE, "scenario": "boot", "rate": 1000.0, "backoff_most": 0.1, **plan}))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fleet.start)
        yield fleet
        await fleet.finish(60)


async def test_a_session_is_told_in_the_order_of_the_protocol() -> None:
    async with central_system() as central:
        fleet = Fleet(Plan(url=central.url, models=ONE, scenario=FAST, tags=("T1",)))
        with trio.fail_after(60):
            await fleet.run()
        told = [action for _, _, action, _ in central.heard if action != "StatusNotification"]
    assert told == [
        "BootNotification", "Authorize", "StartTransaction", "MeterValues", "MeterValues", "StopTransaction",
    ]  # fmt: skip
    statuses = [payload["status"] for payload in central.actions("StatusNotification")]
    assert statuses == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    start, stop = central.actions("StartTransaction")[0], central.actions("StopTransaction")[0]
    assert start["idTag"] == "T1"
    assert stop["transactionId"] == 1
    assert stop["meterStop"] >= start["meterStart"]
    assert fleet.stats.counts["stopped"] == 1


async def test_the_clock_is_taken_from_the_boot_reply() -> None:
    async with central_system() as central:
        central.now = lambda: "2026-01-01T00:00:00Z"
        await Fleet(Plan(url=central.url, models=ONE, scenario=FAST)).run()
    assert central.actions("StartTransaction")[0]["timestamp"].startswith("2026-01-01T00:")


async def test_energy_never_exceeds_power_times_time() -> None:
    async with central_system() as central:
        script = FAST.replace("meter @ 2 0.05", "meter @ 10 0.1")
        await Fleet(Plan(url=central.url, models=(Model("V", "HPC", "1", 300_000, 1),), scenario=script)).run()
    start, stop = central.actions("StartTransaction")[0], central.actions("StopTransaction")[0]
    hours = (read_time(stop["timestamp"]) - read_time(start["timestamp"])).total_seconds() / 3600
    assert 0 < stop["meterStop"] - start["meterStart"] <= 300_000 * hours + 1


async def test_the_password_is_sent_as_basic_and_a_refusal_is_counted_and_retried() -> None:
    async with central_system() as central:
        central.reject = 401
        async with running(central, password="secret", prefix="X") as fleet:
            with trio.fail_after(60):
                while fleet.stats.counts["refused"] < 2:
                    await trio.sleep(0.01)
            central.reject = None
            await central.heard_of("BootNotification")
        assert set(central.authorizations) == {"Basic WDAwMDAxOnNlY3JldA=="}
        assert "HTTP 401" in fleet.stats.last_problem


async def test_a_pending_boot_is_repeated_until_accepted_and_nothing_else_is_said_before() -> None:
    async with central_system() as central:
        accepted = central.rules["BootNotification"]
        answers = iter(["Pending", "Rejected"])

        def boot(payload: dict[str, Any]) -> Any:
            return {**accepted(payload), "status": next(answers, "Accepted"), "interval": 0}

        central.rules["BootNotification"] = boot
        async with running(central):
            await central.heard_of("StatusNotification")
        assert [action for _, _, action, _ in central.heard][:4] == ["BootNotification"] * 3 + ["StatusNotification"]


async def test_a_start_whose_answer_was_lost_is_sent_again_unchanged_and_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async with central_system() as central:
        start, authorize = central.rules["StartTransaction"], central.rules["Authorize"]
        patience = link_module.limits.CALL_TIMEOUT

        def last_before(payload: dict[str, Any]) -> Any:
            monkeypatch.setattr(link_module.limits, "CALL_TIMEOUT", 0.2)
            return authorize(payload)

        def twice_silent(payload: dict[str, Any]) -> Any:
            if len(central.actions("StartTransaction")) == 1:
                return None
            monkeypatch.setattr(link_module.limits, "CALL_TIMEOUT", patience)
            return None if len(central.actions("StartTransaction")) == 2 else start(payload)

        central.rules |= {"Authorize": last_before, "StartTransaction": twice_silent}
        with trio.fail_after(60):
            await Fleet(Plan(url=central.url, models=ONE, scenario=FAST, backoff_most=0.1)).run()
        starts = central.actions("StartTransaction")
        assert len(starts) == 3
        assert starts[0] == starts[1] == starts[2]
        order = [action for _, _, action, _ in central.heard if action.endswith(("Transaction", "Values"))]
        assert order == ["StartTransaction"] * 3 + ["MeterValues"] * 2 + ["StopTransaction"]


async def test_an_offline_station_keeps_charging_and_delivers_its_queue_in_order() -> None:
    script = "boot\nstart @\nfault network 0.6\nmeter @ 4 0.1\nstop @\nrepeat 1\n"
    async with central_system() as central:
        fleet = Fleet(Plan(url=central.url, models=ONE, scenario=script, backoff_most=0.1))
        with trio.fail_after(60):
            await fleet.run()
        order = [action for _, _, action, _ in central.heard if action.endswith(("Transaction", "Values"))]
        assert order == ["StartTransaction", *["MeterValues"] * 4, "StopTransaction"]
        assert fleet.stats.counts["connects"] == 2
        assert {payload["transactionId"] for payload in central.actions("MeterValues")} == {1}


async def test_after_a_loss_of_power_the_transaction_is_stopped_with_the_reason() -> None:
    async with central_system() as central:
        async with running(central, scenario="boot\nstart @\nfault power 0.1\n"):
            stops = await central.heard_of("StopTransaction")
        assert stops[0]["reason"] == "PowerLoss"
        actions = [action for _, _, action, _ in central.heard]
        assert actions.index("StopTransaction") > len(actions) - actions[::-1].index("BootNotification") - 1


async def test_a_station_whose_driver_leaves_during_a_loss_of_power_still_comes_back_and_delivers() -> None:
    async with central_system() as central:
        fleet = Fleet(Plan(url=central.url, models=ONE, scenario="boot\nstart @\nfault power 60\n", backoff_most=0.1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fleet.start)
            await central.heard_of("StartTransaction")
            with trio.fail_after(60):
                while fleet.stats.online:
                    await trio.sleep(0.01)
            assert await fleet.finish(60)
        assert [payload["reason"] for payload in central.actions("StopTransaction")] == ["PowerLoss"]


async def test_a_zombie_leaves_its_old_socket_open() -> None:
    async with central_system() as central, running(central, scenario="boot\nfault zombie 0.1\n", prefix="Z"):
        await central.heard_of("BootNotification")
        old = central.sockets["Z00001"]
        await central.heard_of("BootNotification", 2)
        assert old.closed is None
        assert central.sockets["Z00001"] is not old


async def test_faults_change_how_often_but_never_what_is_said() -> None:
    faults = Faults(duplicate=0.5, replay=0.5, cut=0.2, garbage=0.3)
    async with central_system() as central:
        fleet = Fleet(
            Plan(
                url=central.url,
                count=3,
                models=ONE,
                scenario=FAST.replace("repeat 1", "repeat 3"),
                faults=faults,
                seed=7,
                backoff_most=0.05,
            )
        )
        with trio.fail_after(60):
            await fleet.run()
    starts = {json.dumps(payload, sort_keys=True) for payload in central.actions("StartTransaction")}
    stops = {(payload["transactionId"], payload["meterStop"]) for payload in central.actions("StopTransaction")}
    assert len(central.actions("StartTransaction")) > len(starts)
    assert len(starts) == len(stops) == 9
    assert fleet.stats.counts["contradictions"] == 0
    assert fleet.stats.counts["garbage"] > 0


async def test_a_refused_tag_ends_the_round_and_a_start_that_is_refused_is_stopped() -> None:
    async with central_system() as central:
        central.rules["Authorize"] = lambda _: {"idTagInfo": {"status": "Blocked"}}
        await Fleet(Plan(url=central.url, models=ONE, scenario=FAST)).run()
        assert central.actions("StartTransaction") == []
        central.rules["StartTransaction"] = lambda _: {"transactionId": 5, "idTagInfo": {"status": "Blocked"}}
        async with running(central, scenario="boot\nstart @\n"):
            stops = await central.heard_of("StopTransaction")
        assert (stops[0]["transactionId"], stops[0]["reason"]) == (5, "DeAuthorized")


async def test_the_journal_holds_exactly_what_was_acknowledged(tmp_path: Path) -> None:
    async with central_system() as central:
        central.rules["MeterValues"] = lambda _: ValueError("no")
        fleet = Fleet(Plan(url=central.url, models=ONE, scenario=FAST, journals=tmp_path, message_attempts=1, prefix="J"))
        await fleet.run()
    lines = read_journal(tmp_path / "J00001.jsonl")
    acked = [line for line in lines if line["kind"] == "acked"]
    assert [line["action"] for line in acked if line["action"].endswith("Transaction")] == ["StartTransaction", "StopTransaction"]
    assert "MeterValues" not in {line["action"] for line in acked}
    assert "MeterValues" in {line["action"] for line in lines}
    assert next(line for line in acked if line["action"] == "StartTransaction")["result"]["transactionId"] == 1


async def test_a_storm_brings_every_station_back() -> None:
    async with central_system() as central, running(central, count=20) as fleet:
        await central.heard_of("BootNotification", 20)
        await fleet.storm()
        await central.heard_of("BootNotification", 40)
        with trio.fail_after(60):
            while fleet.stats.online < 20:
                await trio.sleep(0.01)


# -- commands ----------------------------------------------------------------------------------------------


ACCEPTED = {"status": "Accepted"}
COMMAND_CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("CancelReservation", {"reservationId": 9}, {"status": "Rejected"}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}, {"status": "Accepted"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, {"status": "Accepted"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "soon"}, {"status": "Rejected"}),
    ("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "9"}, {"status": "Rejected"}),
    ("ChangeConfiguration", {"key": "Mystery", "value": "9"}, {"status": "NotSupported"}),
    ("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "9"}, {"status": "RebootRequired"}),
    ("ClearCache", {}, {"status": "Accepted"}),
    ("ClearChargingProfile", {}, {"status": "Unknown"}),
    ("DataTransfer", {"vendorId": "Vendor", "messageId": "echo", "data": "x"}, {"status": "Accepted", "data": "x"}),
    ("DataTransfer", {"vendorId": "Other"}, {"status": "UnknownVendorId"}),
    ("GetLocalListVersion", {}, {"listVersion": 0}),
    ("RemoteStopTransaction", {"transactionId": 77}, {"status": "Rejected"}),
    (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": "2100-01-01T00:00:00Z", "idTag": "A", "reservationId": 3},
        {"status": "Accepted"},
    ),
    ("SendLocalList", {"listVersion": 4, "updateType": "Full"}, {"status": "Accepted"}),
    ("SendLocalList", {"listVersion": 0, "updateType": "Differential"}, {"status": "VersionMismatch"}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}, {"status": "Accepted"}),
    ("UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}),
    ("UpdateFirmware", {"location": "http://x/y", "retrieveDate": "2026-01-01T00:00:00Z"}, {}),
    ("UnlockConnector", {"connectorId": 8}, ["FormationViolation", "UnlockConnector: ValueError('connector 8 does not exist')"]),
    ("MakeCoffee", {}, ["NotImplemented", "MakeCoffee is unknown to this station"]),
]


async def test_every_command_is_answered() -> None:
    async with central_system() as central, running(central, prefix="C") as fleet:
        await central.heard_of("StatusNotification")
        for action, payload, expected in COMMAND_CASES:
            assert await central.command("C00001", action, payload) == expected, action
        config = await central.command("C00001", "GetConfiguration", {"key": ["HeartbeatInterval", "Nope"]})
        assert config == {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}],
            "unknownKey": ["Nope"],
        }
        assert (await central.command("C00001", "GetDiagnostics", {"location": "ftp://x"}))["fileName"].startswith("C00001-")
        await central.heard_of("DiagnosticsStatusNotification", 2)
        await central.heard_of("FirmwareStatusNotification", 4)
        assert fleet.stats.counts["commands"] == len(COMMAND_CASES) + 2
    assert len(COMMANDS) == 19 + 7  # the security extension has cases of its own


async def test_a_charging_profile_limits_the_meter() -> None:
    period = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1000}]}
    profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
               "chargingProfileKind": "Relative", "chargingSchedule": period}  # fmt: skip
    async with central_system() as central, running(central, prefix="P"):
        await central.heard_of("StatusNotification")
        answer = await central.command("P00001", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        assert answer == {"status": "Accepted"}
        composite = await central.command("P00001", "GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 1000}]
        assert await central.command("P00001", "ClearChargingProfile", {"id": 1}) == {"status": "Accepted"}


async def test_a_remote_start_and_stop_run_a_whole_transaction() -> None:
    async with central_system() as central, running(central, prefix="R"):
        await central.heard_of("StatusNotification")
        assert await central.command("R00001", "RemoteStartTransaction", {"idTag": "T9"}) == {"status": "Accepted"}
        assert (await central.heard_of("StartTransaction"))[0]["idTag"] == "T9"
        with trio.fail_after(60):  # the station knows the number once the answer has reached it
            while await central.command("R00001", "RemoteStopTransaction", {"transactionId": 1}) != {"status": "Accepted"}:
                await trio.sleep(0.02)
        assert (await central.heard_of("StopTransaction"))[0]["reason"] == "Remote"


async def test_a_reset_stops_what_runs_and_boots_again() -> None:
    async with central_system() as central, running(central, prefix="B", scenario="boot\nstart @\n"):
        await central.heard_of("StartTransaction")
        assert await central.command("B00001", "Reset", {"type": "Hard"}) == {"status": "Accepted"}
        await central.heard_of("BootNotification", 2)
        assert (await central.heard_of("StopTransaction"))[0]["reason"] == "HardReset"
