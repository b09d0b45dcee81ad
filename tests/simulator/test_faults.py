"""What goes wrong goes wrong as ordered, in every version, and the same way for the same seed."""

import json
import math
from typing import Any

import pytest
import trio

from gateways.simulator import limits
from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import Model
from tests.simulator.central import Central, central_system
from tests.simulator.soap_central import soap_central

ONE = (Model("Vendor", "One", "1.0", 22_000, 1),)
FAST = "boot\nplug @\nauthorize\nstart @\nmeter @ 3 0.02\nstop @\nunplug @\nrepeat 3\n"
EVERY = pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])


async def played(protocol: str, scenario: str = FAST, **plan: Any) -> tuple[Central, Fleet]:
    async with central_system(protocol) as central:
        wanted = {"models": ONE, "scenario": scenario, "backoff_most": 0.05, "rate": 1000.0, **plan}
        fleet = Fleet(Plan(url=central.url, protocols=(protocol,), **wanted))
        with trio.fail_after(120):
            await fleet.run(finish_within=60)
    return central, fleet


def content(central: Central) -> list[str]:
    """What was said of transactions, without times, readings and ids that come from the day."""
    found = []
    for _, _, action, payload in central.heard:
        if action in ("StartTransaction", "StopTransaction", "MeterValues"):
            found.append(f"{action} {payload.get('idTag')} {payload.get('transactionId')} {payload.get('reason')}")
        elif action == "TransactionEvent":
            found.append(f"{payload['transactionInfo']['transactionId']} {payload['seqNo']} {payload['triggerReason']}")
    return found


@EVERY
async def test_a_seed_gives_the_same_day_again_and_another_seed_another(protocol: str) -> None:
    faults = Faults(duplicate=0.3, replay=0.3)
    days = [content((await played(protocol, faults=faults, seed=seed, tags=("A", "B")))[0]) for seed in (4, 4, 5)]
    assert days[0] == days[1]
    assert days[0] != days[2]


@EVERY
async def test_a_duplicate_is_the_same_frame_and_a_replay_the_same_content_under_a_new_id(protocol: str) -> None:
    central, fleet = await played(protocol, faults=Faults(duplicate=0.5, replay=0.5), seed=2)
    told = [(unique_id, json.dumps(payload)) for _, unique_id, action, payload in central.heard if "Transaction" in action]
    frames, contents = set(told), {payload for _, payload in told}
    assert len(contents) < len(frames) < len(told)
    assert fleet.stats.counts["faults"] > 0


@EVERY
async def test_messages_overtake_each_other_and_none_is_lost(protocol: str) -> None:
    central, fleet = await played(protocol, faults=Faults(wrong_order=0.5), seed=3)
    assert fleet.stats.counts["faults"] > 0
    if protocol == "ocpp2.0.1":
        told: dict[str, list[int]] = {}
        for event in central.actions("TransactionEvent"):
            told.setdefault(event["transactionInfo"]["transactionId"], []).append(event["seqNo"])
        assert any(numbers != sorted(numbers) for numbers in told.values())
        assert all(sorted(numbers) == list(range(len(numbers))) for numbers in told.values())
    else:
        assert len(central.actions("StartTransaction")) == len(central.actions("StopTransaction")) == 3


@EVERY
async def test_a_clock_that_jumps_is_seen_in_the_timestamps_and_not_in_the_energy(protocol: str) -> None:
    began = trio.current_time()
    central, fleet = await played(protocol, "boot\nplug @\nstart @\nfault clock\nmeter @ 2 0.05\nstop @\nrepeat 1\n", seed=1)
    hours = (trio.current_time() - began) / 3600
    times = [payload.get("timestamp") or payload["meterValue"][0]["timestamp"] for _, _, action, payload in central.heard
             if "Transaction" in action or action == "MeterValues"]  # fmt: skip
    assert len({time[:13] for time in times}) > 1
    assert fleet.stats.energy_wh <= 22_000 * hours + 1, "an hour's would be a thousand times that of the test"


@EVERY
async def test_a_silent_station_answers_nothing_until_it_speaks_again(protocol: str) -> None:
    async with central_system(protocol) as central, trio.open_nursery() as nursery:
        plan = {"models": ONE, "scenario": "boot\n", "prefix": "M"}
        fleet = Fleet(Plan(url=central.url, protocols=(protocol,), **plan))  # type: ignore[arg-type]
        nursery.start_soon(fleet.start)
        await central.heard_of("StatusNotification")
        await fleet.stations[0].online()
        silence, answers = trio.CancelScope(), []

        async def silent(*, task_status: trio.TaskStatus[None]) -> None:
            with silence:
                task_status.started()
                await fleet.stations[0].fall_silent(math.inf)

        async def ask() -> None:
            answers.append(await central.command("M00001", "ClearCache", {}))

        await nursery.start(silent)
        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            await trio.sleep(0.2)  # more than enough for an answer
            assert answers == []
            silence.cancel()
        assert answers == [{"status": "Accepted"}]
        assert len(central.sockets) == 1
        await fleet.finish(60)


async def test_a_slow_station_takes_its_time_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DRIB_PAUSE", 0.005)
    began = trio.current_time()
    central, _ = await played("ocpp1.6", FAST.replace("repeat 3", "repeat 1"), faults=Faults(slow=1.0))
    assert trio.current_time() - began > 0.3
    assert len(central.actions("StopTransaction")) == 1


async def test_a_storm_that_is_rolled_takes_the_whole_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STORM_EVERY", 0.3)
    async with central_system() as central, trio.open_nursery() as nursery:
        fleet = Fleet(Plan(url=central.url, models=ONE, count=5, scenario="boot\n", rate=1000.0, faults=Faults(storm=1.0),
                           backoff_most=0.05))  # fmt: skip
        nursery.start_soon(fleet.start)
        await central.heard_of("BootNotification", 10)
        assert await fleet.finish(60)


async def test_a_station_that_skips_its_boot_goes_on_where_it_was() -> None:
    central, fleet = await played("ocpp1.6", "boot\nplug @\nstart @\nfault network 0.2\nwait 0.5\nboot\nstop @\nrepeat 1\n",
                                  faults=Faults(no_boot=1.0))  # fmt: skip
    assert len(central.actions("BootNotification")) == 1
    assert fleet.stats.counts["connects"] == 2
    assert len(central.actions("StopTransaction")) == 1


async def test_a_mixed_fleet_speaks_in_turn_each_to_its_address() -> None:
    async with central_system() as old, soap_central("ocpp1.5") as soap:
        plan = Plan(url=old.url, soap_url=soap.url, protocols=("ocpp1.6", "ocpp1.5"), count=4, models=ONE, scenario=FAST,
                    rate=1000.0)  # fmt: skip
        with trio.fail_after(120):
            await Fleet(plan).run()
    assert {who for who, *_ in old.heard} == {"SIM00001", "SIM00003"}
    assert {headers["chargeboxidentity"] for _, _, headers in soap.heard} == {"SIM00002", "SIM00004"}
    assert len(old.actions("StopTransaction")) == len(soap.actions("StopTransaction")) == 6


@EVERY
async def test_a_profile_that_is_none_is_refused_and_hurts_nobody(protocol: str) -> None:
    async with central_system(protocol) as central, trio.open_nursery() as nursery:
        fleet = Fleet(Plan(url=central.url, protocols=(protocol,), models=ONE, scenario="boot\n", prefix="M"))
        nursery.start_soon(fleet.start)
        await central.heard_of("StatusNotification")
        token = {"idTag": "A"} if protocol == "ocpp1.6" else {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1}
        action = "RemoteStartTransaction" if protocol == "ocpp1.6" else "RequestStartTransaction"
        answer = await central.command("M00001", action, {**token, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}})
        assert answer[0] == ("FormationViolation" if protocol == "ocpp1.6" else "FormatViolation")
        assert (await central.command("M00001", action, token))["status"] == "Accepted"
        await fleet.finish(60)


@EVERY
async def test_all_faults_together_lose_nothing(protocol: str) -> None:
    faults = Faults(
        duplicate=0.2, replay=0.2, cut=0.1, garbage=0.1, wrong_order=0.1, power_loss=0.05, power_resume=0.5, offline=0.02
    )
    central, fleet = await played(protocol, faults=faults, seed=11, count=3)
    assert fleet.stats.counts["dropped"] == 0
    assert fleet.stats.counts["started"] == fleet.stats.counts["stopped"] >= 9
    if protocol == "ocpp2.0.1":
        told: dict[str, set[int]] = {}
        ended = set()
        for event in central.actions("TransactionEvent"):
            told.setdefault(event["transactionInfo"]["transactionId"], set()).add(event["seqNo"])
            ended |= {event["transactionInfo"]["transactionId"]} if event["eventType"] == "Ended" else set()
        assert set(told) == ended
        assert all(numbers == set(range(len(numbers))) for numbers in told.values())
