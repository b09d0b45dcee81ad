"""A 2.0.1 station: its boot, its transactions by start and stop points, its offline queue and its return to the line."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from gateways.simulator import limits
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import Model
from gateways.simulator.v201.station import Station201
from tests.simulator.central import Central, central_system

ONE = (Model("Vendor", "One", "1.0", 22_000, 1),)
FAST = "boot\nplug @\nauthorize\nstart @\nmeter @ 2 0.05\nstop @\nunplug @\nrepeat 1\n"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STAGE_PAUSE", 0.01)


@asynccontextmanager
async def station(scenario: str = "boot\n", **plan: Any) -> AsyncIterator[tuple[Central, Station201]]:
    async with central_system("ocpp2.0.1") as central, trio.open_nursery() as nursery:
        wanted = {"models": ONE, "rate": 1000.0, "backoff_most": 0.1, "prefix": "V", **plan}
        fleet = Fleet(Plan(url=central.url, protocols=("ocpp2.0.1",), scenario=scenario, **wanted))
        nursery.start_soon(fleet.start)
        await central.heard_of("StatusNotification", 1)
        one = fleet.stations[0]
        assert isinstance(one, Station201)
        await one.online()
        yield central, one
        assert await fleet.finish(60)


@asynccontextmanager
async def without_network(one: Station201) -> AsyncIterator[None]:
    """The line is lost, and comes back at the end of the block."""
    async with trio.open_nursery() as outage:
        outage.start_soon(one.lose_network, math.inf)
        with trio.fail_after(60):
            while one.is_online:
                await trio.sleep(0.01)
        yield
        outage.cancel_scope.cancel()


async def ask(central: Central, action: str, payload: dict[str, Any]) -> Any:
    return await central.command("V00001", action, payload)


async def put(central: Central, component: str, variable: str, value: str) -> None:
    data = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
    result = await ask(central, "SetVariables", {"setVariableData": [data]})
    assert result["setVariableResult"][0]["attributeStatus"] in ("Accepted", "RebootRequired")


def events(central: Central) -> list[tuple[str, str]]:
    return [(e["eventType"], e["triggerReason"]) for e in central.actions("TransactionEvent")]


async def played(scenario: str, **plan: Any) -> tuple[Central, Fleet]:
    async with central_system("ocpp2.0.1") as central:
        wanted = {"models": ONE, "backoff_most": 0.1, **plan}
        fleet = Fleet(Plan(url=central.url, protocols=("ocpp2.0.1",), scenario=scenario, **wanted))
        with trio.fail_after(60):
            await fleet.run()
    return central, fleet


async def test_a_session_is_told_in_the_order_of_the_protocol() -> None:
    central, fleet = await played(FAST, tags=("T1",))
    assert events(central) == [
        ("Started", "Authorized"),
        ("Updated", "ChargingStateChanged"),
        ("Updated", "MeterValuePeriodic"),
        ("Updated", "MeterValuePeriodic"),
        ("Ended", "StopAuthorized"),
    ]
    told = central.actions("TransactionEvent")
    assert [event["seqNo"] for event in told] == [0, 1, 2, 3, 4]
    assert len({event["transactionInfo"]["transactionId"] for event in told}) == 1
    assert [event["transactionInfo"]["chargingState"] for event in told] == [
        "EVConnected", "Charging", "Charging", "Charging", "EVConnected",
    ]  # fmt: skip
    assert told[0]["idToken"] == {"idToken": "T1", "type": "ISO14443"}
    assert told[0]["evse"] == {"id": 1, "connectorId": 1}
    assert told[-1]["transactionInfo"]["stoppedReason"] == "Local"
    begin, end = (value["sampledValue"][0] for value in told[-1]["meterValue"])
    assert (begin["context"], end["context"]) == ("Transaction.Begin", "Transaction.End")
    assert end["value"] >= begin["value"]
    assert not any("offline" in event for event in told)
    assert [status["connectorStatus"] for status in central.actions("StatusNotification")] == [
        "Available",
        "Occupied",
        "Available",
    ]
    assert [e["eventData"][0]["actualValue"] for e in central.actions("NotifyEvent")] == ["Occupied", "Available"]
    assert central.actions("BootNotification")[0]["reason"] == "PowerUp"
    assert fleet.stats.counts["stopped"] == 1


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (
            "EVConnected",
            "EVConnected",
            [
                ("Started", "CablePluggedIn"),
                ("Updated", "Authorized"),
                ("Updated", "ChargingStateChanged"),
                ("Updated", "StopAuthorized"),
                ("Ended", "EVCommunicationLost"),
            ],
        ),
        (
            "Authorized",
            "Authorized",
            [("Started", "Authorized"), ("Updated", "ChargingStateChanged"), ("Ended", "StopAuthorized")],
        ),
        ("EnergyTransfer", "EnergyTransfer", [("Started", "ChargingStateChanged"), ("Ended", "StopAuthorized")]),
        (
            "PowerPathClosed",
            "EVConnected",
            [
                ("Started", "Authorized"),
                ("Updated", "ChargingStateChanged"),
                ("Updated", "StopAuthorized"),
                ("Ended", "EVCommunicationLost"),
            ],
        ),
    ],
)
async def test_where_a_transaction_starts_and_stops_is_the_variables_word(
    start: str, stop: str, expected: list[tuple[str, str]]
) -> None:
    async with station() as (central, one):
        await put(central, "TxCtrlr", "TxStartPoint", start)
        await put(central, "TxCtrlr", "TxStopPoint", stop)
        evse = one.connectors[0]
        await one.plug(evse)
        await one.start(evse, "T1")
        await one.stop(evse, "Local")
        await one.unplug(evse)
        await one.emptied()
        assert events(central) == expected
        last = central.actions("TransactionEvent")[-1]
        assert last["transactionInfo"]["stoppedReason"] == "Local"
        assert sum("idToken" in event for event in central.actions("TransactionEvent")) == 2


async def test_a_car_that_is_pulled_off_ends_the_transaction_with_that_reason() -> None:
    central, _ = await played("boot\nplug @\nstart @\nunplug @\nrepeat 1\n")
    last = central.actions("TransactionEvent")[-1]
    assert (last["triggerReason"], last["transactionInfo"]["stoppedReason"]) == ("EVCommunicationLost", "EVDisconnected")


async def test_events_of_an_offline_time_are_marked_and_delivered_in_order_without_a_new_boot() -> None:
    async with station() as (central, one):
        evse = one.connectors[0]
        await one.plug(evse)
        await one.start(evse, "T1")
        await one.emptied()
        async with without_network(one):
            for _ in range(4):
                one.meter(evse)
            await one.stop(evse, "Local")
            await one.unplug(evse)
        await one.emptied()
    told = central.actions("TransactionEvent")
    assert [event["seqNo"] for event in told] == list(range(len(told)))
    assert [event.get("offline", False) for event in told] == [False, False, True, True, True, True, True]
    assert len(central.actions("BootNotification")) == 1
    assert central.actions("StatusNotification")[-1]["connectorStatus"] == "Available"


async def test_a_loss_of_power_stops_the_transaction_and_a_resumed_one_goes_on_under_its_id() -> None:
    central, _ = await played("boot\nplug @\nstart @\nfault power 0.1\nboot\nrepeat 1\n")
    last = central.actions("TransactionEvent")[-1]
    assert (last["eventType"], last["transactionInfo"]["stoppedReason"]) == ("Ended", "PowerLoss")
    assert [boot["reason"] for boot in central.actions("BootNotification")] == ["PowerUp", "PowerUp"]
    central, _ = await played("boot\nplug @\nstart @\nfault power_resume 0.1\nboot\nmeter @ 1 0.1\nstop @\nrepeat 1\n")
    told = central.actions("TransactionEvent")
    assert len({event["transactionInfo"]["transactionId"] for event in told}) == 1
    assert [event["seqNo"] for event in told] == list(range(len(told)))
    values = [(event, event["meterValue"][0]["sampledValue"][0]) for event in told if "meterValue" in event]
    resumed = next(event for event, value in values if value["context"] == "Interruption.End")
    assert resumed["transactionInfo"]["chargingState"] == "Charging"


async def test_a_token_that_the_central_system_refuses_ends_the_transaction() -> None:
    async with station() as (central, one):
        central.rules["TransactionEvent"] = lambda event: {"idTokenInfo": {"status": "Blocked"}} if "idToken" in event else {}
        await one.start(one.connectors[0], "T1")
        with trio.fail_after(60):
            while one.busy:
                await trio.sleep(0.01)
        await one.emptied()
        last = central.actions("TransactionEvent")[-1]
        assert (last["triggerReason"], last["transactionInfo"]["stoppedReason"]) == ("Deauthorized", "DeAuthorized")


async def test_who_is_trusted_offline_is_the_list_then_the_cache_then_the_variable() -> None:
    async with station() as (central, one):
        entry = {"idToken": {"idToken": "LISTED", "type": "ISO14443"}, "idTokenInfo": {"status": "Blocked"}}
        update = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
        assert await ask(central, "SendLocalList", update) == {"status": "Accepted"}
        central.rules["Authorize"] = lambda _: {"idTokenInfo": {"status": "Invalid"}}
        assert await one.authorize("CACHED") == "Invalid"
        async with without_network(one):
            assert [await one.authorize(tag) for tag in ("LISTED", "CACHED", "NEW")] == ["Blocked", "Invalid", "Accepted"]
            one.model.put("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false")
            assert await one.authorize("NEW") == "Invalid"
        await one.online()


async def test_charging_is_suspended_by_the_car_by_a_limit_of_zero_and_goes_on_after() -> None:
    async with station() as (central, one):
        evse = one.connectors[0]
        await one.plug(evse)
        await one.start(evse, "T1")
        one.pause(evse, True)
        one.pause(evse, False)
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0}]}
        profile = {"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
                   "chargingSchedule": [schedule]}  # fmt: skip
        assert await ask(central, "SetChargingProfile", {"evseId": 1, "chargingProfile": profile}) == {"status": "Accepted"}
        await central.heard_of("TransactionEvent", 5)
        assert await ask(central, "ClearChargingProfile", {"chargingProfileId": 1}) == {"status": "Accepted"}
        told = await central.heard_of("TransactionEvent", 6)
        assert [event["transactionInfo"]["chargingState"] for event in told] == [
            "EVConnected", "Charging", "SuspendedEV", "Charging", "SuspendedEVSE", "Charging",
        ]  # fmt: skip


async def test_a_limit_from_elsewhere_is_told_and_felt_until_it_is_lifted() -> None:
    central, _ = await played("boot\nplug @\nstart @\nlimit @ 4000\nmeter @ 1 0.05\nlimit @\nstop @\nrepeat 1\n")
    limited = central.actions("NotifyChargingLimit")[0]
    assert limited["chargingSchedule"][0]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 4000}]
    assert central.actions("ClearedChargingLimit") == [{"chargingLimitSource": "SO", "evseId": 1}]
    assert events(central).count(("Updated", "ChargingRateChanged")) == 2


async def test_readings_come_at_the_configured_interval_and_with_the_clock() -> None:
    async with station() as (central, one):
        await put(central, "SampledDataCtrlr", "TxUpdatedInterval", "1")
        await put(central, "SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,Voltage")
        await put(central, "AlignedDataCtrlr", "Interval", "1")
        values = await central.heard_of("MeterValues", 1)
        assert values[0]["evseId"] == 1
        await one.start(one.connectors[0], "T1")
        with trio.fail_after(60):
            while not {"MeterValuePeriodic", "MeterValueClock"} <= {trigger for _, trigger in events(central)}:
                await trio.sleep(0.05)
        periodic = next(e for e in central.actions("TransactionEvent") if e["triggerReason"] == "MeterValuePeriodic")
        assert {value["measurand"] for value in periodic["meterValue"][0]["sampledValue"]} == {"SoC", "Voltage"}


async def test_a_pending_station_waits_answers_and_boots_again_and_a_rejected_one_refuses() -> None:
    async with central_system("ocpp2.0.1") as central, trio.open_nursery() as nursery:
        accepted, word = central.rules["BootNotification"], ["Pending"]
        central.rules["BootNotification"] = lambda payload: {**accepted(payload), "status": word[0], "interval": 1}
        fleet = Fleet(Plan(url=central.url, protocols=("ocpp2.0.1",), models=ONE, scenario="boot\n", prefix="V"))
        nursery.start_soon(fleet.start)
        await central.heard_of("BootNotification")
        start = {"remoteStartId": 1, "idToken": {"idToken": "A", "type": "Central"}}

        async def registered(word: str) -> None:
            with trio.fail_after(60):
                while fleet.stations[0].registration != word:
                    await trio.sleep(0.01)

        await registered("Pending")
        assert (await ask(central, "RequestStartTransaction", start))["status"] == "Rejected"
        assert (await ask(central, "TriggerMessage", {"requestedMessage": "BootNotification"}))["status"] == "Accepted"
        with trio.fail_after(60):
            while "Triggered" not in {boot["reason"] for boot in central.actions("BootNotification")}:
                await trio.sleep(0.01)
        word[0] = "Rejected"
        await registered("Rejected")
        assert (await ask(central, "ClearCache", {}))[0] == "SecurityError"
        assert not central.actions("StatusNotification")
        word[0] = "Accepted"
        await central.heard_of("StatusNotification")
        await fleet.finish(60)
