"""Stations over SOAP: what they say is what the WSDL wants, in the words of their version, and they can be called back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from gateways.simulator import limits
from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import Model
from gateways.simulator.soap import envelope
from tests.simulator.soap_central import SoapCentral, soap_central

ONE = (Model("Vendor", "One", "1.0", 22_000, 1),)
FAST = "boot\nplug @\nauthorize\nstart @\nmeter @ 2 0.05\nstop @\nunplug @\nrepeat 1\n"
BOTH = pytest.mark.parametrize("protocol", ["ocpp1.5", "ocpp1.6-S"])


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STAGE_PAUSE", 0.01)


def plan(central: SoapCentral, **more: Any) -> Plan:
    wanted = {"models": ONE, "rate": 1000.0, "backoff_most": 0.1, "prefix": "Q", "scenario": "boot\n", **more}
    return Plan(soap_url=central.url, protocols=(central.protocol,), **wanted)


@asynccontextmanager
async def running(protocol: str, **more: Any) -> AsyncIterator[tuple[SoapCentral, Fleet]]:
    async with soap_central(protocol) as central, trio.open_nursery() as nursery:
        fleet = Fleet(plan(central, **more))
        nursery.start_soon(fleet.start)
        await central.heard_of("StatusNotification")
        yield central, fleet
        await fleet.finish(60)


@BOTH
async def test_a_whole_session_is_told(protocol: str) -> None:
    async with soap_central(protocol) as central:
        with trio.fail_after(60):
            await Fleet(plan(central, scenario=FAST, tags=("T1",), password="secret", zipped=protocol == "ocpp1.5")).run()
    told = [action for action, _, _ in central.heard if action != "StatusNotification"]
    assert told == ["BootNotification", "Authorize", "StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
    headers = central.heard[0][2]
    assert headers["path"] == "/soap/t/Q00001"
    assert headers["chargeboxidentity"] == "Q00001"
    assert headers["replyto"] == envelope.ANONYMOUS
    assert headers["from"].startswith("http://127.0.0.1:")
    assert headers["authorization"] == "Basic UTAwMDAxOnNlY3JldA=="
    statuses = [status["status"] for status in central.actions("StatusNotification")]
    stop = central.actions("StopTransaction")[0]
    assert stop["transactionId"] == "1"
    if protocol == "ocpp1.5":
        assert statuses == ["Available", "Occupied", "Occupied", "Occupied", "Available"]
        assert "reason" not in stop
    else:
        assert statuses == ["Available", "Preparing", "Charging", "Finishing", "Available"]
        assert stop["reason"] == "Local"


@BOTH
async def test_every_command_of_the_version_is_answered(protocol: str) -> None:
    old = protocol == "ocpp1.5"
    listed = "localAuthorisationList" if old else "localAuthorizationList"
    entry = f"<{listed}><idTag>A</idTag><idTagInfo><status>Accepted</status></idTagInfo></{listed}>"
    full = "<updateType>Full</updateType>"
    local_list = f"{full}<listVersion>3</listVersion>{entry}" if old else f"<listVersion>3</listVersion>{entry}{full}"
    changed = {"status": "Accepted" if old else "RebootRequired"}
    echo = "<vendorId>Vendor</vendorId><messageId>echo</messageId><data>x</data>"
    cases: list[tuple[str, str, dict[str, str]]] = [
        ("CancelReservation", "<reservationId>3</reservationId>", {"status": "Rejected"}),
        ("ChangeAvailability", "<connectorId>0</connectorId><type>Operative</type>", {"status": "Accepted"}),
        ("ChangeConfiguration", "<key>WebSocketPingInterval</key><value>9</value>", changed),
        ("ClearCache", "", {"status": "Accepted"}),
        ("DataTransfer", echo, {"status": "Accepted", "data": "x"}),
        ("GetLocalListVersion", "", {"listVersion": "0"}),
        ("SendLocalList", local_list, {"status": "Accepted"}),
        ("GetLocalListVersion", "", {"listVersion": "3"}),
        (
            "ReserveNow",
            "<connectorId>1</connectorId><expiryDate>2100-01-01T00:00:00Z</expiryDate><idTag>A</idTag><reservationId>5</reservationId>",
            {"status": "Accepted"},
        ),
        ("CancelReservation", "<reservationId>5</reservationId>", {"status": "Accepted"}),
        ("RemoteStartTransaction", "<idTag>A</idTag>", {"status": "Accepted"}),
        ("UnlockConnector", "<connectorId>1</connectorId>", {"status": "Accepted" if old else "Unlocked"}),
        ("RemoteStopTransaction", "<transactionId>99</transactionId>", {"status": "Rejected"}),
    ]
    async with running(protocol) as (central, _):
        for action, children, expected in cases:
            assert await central.command(action, children) == expected, action
        key = "HeartBeatInterval" if old else "HeartbeatInterval"
        found = await central.command("GetConfiguration", f"<key>{key}</key><key>Nope</key>")
        assert (found["key"], found["readonly"], found["unknownKey"]) == (key, "false", "Nope")
        assert (await central.command("GetDiagnostics", "<location>ftp://x</location>"))["fileName"].startswith("Q00001-")
        date = "<retrieveDate>2026-01-01T00:00:00Z</retrieveDate><location>http://x/fw-2.0.bin</location>"
        assert await central.command("UpdateFirmware", date) in ({}, {"updateFirmwareResponse": ""})
        await central.heard_of("StopTransaction")
        await central.heard_of("BootNotification", 2)
        firmware = [one["status"] for one in await central.heard_of("FirmwareStatusNotification", 2 if old else 4)]
        assert firmware == (["Downloaded", "Installed"] if old else ["Downloading", "Downloaded", "Installing", "Installed"])
        assert central.actions("BootNotification")[1]["firmwareVersion"] == "2.0"
        assert await central.command("Reset", "<type>Soft</type>") == {"status": "Accepted"}
        await central.heard_of("BootNotification", 3)


async def test_what_only_1_6_has_is_unknown_to_1_5_and_known_to_1_6() -> None:
    trigger = "<requestedMessage>Heartbeat</requestedMessage>"
    async with running("ocpp1.5") as (central, _):
        assert await central.command("TriggerMessage", trigger) == {"fault": "NotSupported"}
    async with running("ocpp1.6-S") as (central, _):
        assert await central.command("TriggerMessage", trigger) == {"status": "Accepted"}
        await central.heard_of("Heartbeat")
        asked = "<connectorId>1</connectorId><duration>60</duration><chargingRateUnit>W</chargingRateUnit>"
        composite = await central.command("GetCompositeSchedule", asked)
        assert float(composite["limit"]) > 10_000
        period = "<chargingSchedulePeriod><startPeriod>0</startPeriod><limit>1000.0</limit></chargingSchedulePeriod>"
        profile = (
            "<connectorId>1</connectorId><csChargingProfiles><chargingProfileId>1</chargingProfileId><stackLevel>0</stackLevel>"
            "<chargingProfilePurpose>TxDefaultProfile</chargingProfilePurpose><chargingProfileKind>Relative</chargingProfileKind>"
            f"<chargingSchedule><chargingRateUnit>W</chargingRateUnit>{period}</chargingSchedule></csChargingProfiles>"
        )
        assert await central.command("SetChargingProfile", profile) == {"status": "Accepted"}
        assert (await central.command("GetCompositeSchedule", asked))["limit"] == "1000.0"
        assert await central.command("ClearChargingProfile", "<id>1</id>") == {"status": "Accepted"}


async def test_a_command_for_another_station_or_of_another_version_is_a_fault() -> None:
    async with running("ocpp1.5") as (central, _):
        assert await central.command("ChangeConfiguration", "<value>1</value>") == {"fault": "ProtocolError"}
        assert await central.command("ClearCache", identity="OTHER") == {"fault": "IdentityMismatch"}
        assert await central.command("ClearCache", namespace="urn://Ocpp/Cp/2010/08/") == {"fault": "NotSupported"}


async def test_a_fault_is_counted_and_a_transaction_message_is_tried_again() -> None:
    async with running("ocpp1.5", message_attempts=5) as (central, fleet):
        (station,) = fleet.stations
        await station.online()
        central.fault = "InternalError"
        station.begin(station.connectors[0], "T1")
        await central.heard_of("StartTransaction")
        central.fault = None
        await central.heard_of("StartTransaction", 2)
        first, second = central.actions("StartTransaction")
        assert first == second
        assert fleet.stats.counts["errors"] >= 1


async def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_one() -> None:
    async with running("ocpp1.5") as (central, fleet):
        station, rule = fleet.stations[0], central.rules["Authorize"]
        central.pause = 0.3
        with trio.move_on_after(0.1):
            await station.authorize("A")
        central.pause = 0.0
        central.rules["Authorize"] = lambda _: rule(_).replace("Accepted", "Blocked")
        assert await station.authorize("B") == "Blocked"


async def test_a_station_boots_again_after_a_loss_of_power_but_not_after_one_of_the_network() -> None:
    async with running("ocpp1.5", scenario="boot\nfault network 0.2\nwait 0.5\nboot\nfault power 0.1\n") as (central, _):
        await central.heard_of("Heartbeat")
        await central.heard_of("BootNotification", 2)
        told = [action for action, _, _ in central.heard]
        assert told.index("Heartbeat") < told.index("BootNotification", 1), "not after the loss of the network"


async def test_garbage_duplicates_and_slow_bytes_come_as_ordered() -> None:
    faults = Faults(garbage=1.0, duplicate=1.0, slow=0.3)
    async with soap_central("ocpp1.6-S") as central:
        with trio.fail_after(60):
            await Fleet(plan(central, scenario=FAST, faults=faults, seed=3)).run()
    assert central.malformed >= 5
    assert len(central.actions("StartTransaction")) == 2
    assert len(central.numbers) == 1


def test_what_is_no_envelope_is_said_to_be_none() -> None:
    for bad in (b"", b"<a/>", b"<not", b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>'):
        with pytest.raises(envelope.Unreadable):
            envelope.read(bad)
