"""What stations really do, as far as 2.0.1 meets it, replayed over a real socket against the real actors."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from actors.model import intents as i
from actors.station import messages as s
from gateways.ocpp.quirks import Registry
from tests.gateways.ocpp.node import TAG, Node, Station, connect, open_node, registry, small_limits, upgrade
from tests.gateways.ocpp.test_quirks_known import answered, command
from tests.gateways.ocpp.test_v201_line import boot, plug

TOKEN = {"idToken": TAG, "type": "ISO14443"}
TX = "tx-1"


async def booted(node: Node, identity: str = "CP1") -> Station:
    station = await plug(node, identity)
    assert (await boot(station))["status"] == "Accepted"
    return station


def moment(node: Node, seconds: float = 0) -> str:
    return (node.system.now() + timedelta(seconds=seconds)).isoformat()


def event(kind: str, seq: int, at: str, register: Any = None, **changes: Any) -> dict[str, Any]:
    """A TransactionEvent; `register`: Wh at the outlet, or a list of sampled values."""
    told: dict[str, Any] = {
        "eventType": kind, "timestamp": at, "triggerReason": "Authorized", "seqNo": seq,
        "transactionInfo": {"transactionId": TX}, "evse": {"id": 1, "connectorId": 1},
    }  # fmt: skip
    if kind == "Started":
        told["idToken"] = TOKEN
    if register is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        sampled = register if isinstance(register, list) else [{"value": register, "context": context}]
        told["meterValue"] = [{"timestamp": at, "sampledValue": sampled}]
    return told | changes


async def whole(node: Node, station: Station, begin: Any, end: Any, minutes: int = 30) -> None:
    """A transaction that ends now."""
    started = moment(node, -60 * minutes)
    await station.call("TransactionEvent", event("Started", 0, started, begin))
    assert isinstance(await station.call("TransactionEvent", event("Ended", 1, moment(node), end)), dict)


async def sessions(node: Node) -> list[Any]:
    return list((await node.queries.sessions("demo", "CP1", None, 50, None)).items)


def known(folder: Path, what: str) -> Registry:
    return registry(
        folder, f'id = "own"\ntier = "repair"\nsays = "..."\nvendor = "volt*"\nmodel = "test"\nprotocol = ["ocpp2.*"]\n{what}'
    )


async def status(station: Station, node: Node, **changes: Any) -> Any:
    told = {"timestamp": moment(node), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    return await station.call("StatusNotification", told | changes)


# -- connections ---------------------------------------------------------------------------------------------------------


async def test_quirk_01_and_02_a_newer_connection_wins_and_the_older_one_takes_nothing_with_it() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            old = await booted(node)
            new = await connect(node, subprotocols="ocpp2.0.1")
            assert (await old.closed())[0] == 1000
            await old.aclose()
            assert (await new.call("Heartbeat", {}))["currentTime"]
            assert node.listener.stats()["stations"] == 1
            assert (await node.quirks())["zombie"] == 1


async def test_quirk_03_heartbeats_arrive_and_calls_time_out_until_it_is_told_to_reconnect() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            for n in range(3):
                link.call(f"c{n}", s.WireCall("ClearCache", b"{}"), 0.1)
            assert [(await station.message())[2] for _ in range(3)] == ["ClearCache"] * 3
            assert (await station.closed())[0] == 1001
            assert (await node.quirks())["calls-unanswered"] == 3


async def test_quirk_04_questions_are_paced_where_a_maker_needs_it(tmp_path: Path) -> None:
    async with open_node(limits=small_limits(), quirks=known(tmp_path, "poll_gap = 0.4")) as node:
        with trio.fail_after(60):
            station = await booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            began = trio.current_time()
            for n in range(2):
                link.call(f"q{n}", s.WireCall("GetVariables", b"{}"), 60)
            first = await station.message()
            await station.send(msgspec.json.encode([3, first[1], {}]))
            await station.message()
            assert trio.current_time() - began >= 0.4


async def test_quirk_05_without_a_second_boot_it_goes_on_and_what_reboots_it_is_not_triggered(tmp_path: Path) -> None:
    quirks = known(tmp_path, 'avoid_triggers = ["BootNotification"]')
    async with open_node(limits=small_limits(), quirks=quirks) as node:
        with trio.fail_after(60):
            await (await booted(node)).aclose()
            while node.listener.link("demo", "CP1") is not None:
                await trio.sleep(0.01)
            station = await connect(node, subprotocols="ocpp2.0.1")
            assert (await station.call("Heartbeat", {}))["currentTime"]
            assert (await command(node, i.Trigger("BootNotification"))).outcome.reason == "unsupported"
            _, outcome = await answered(node, station, i.Trigger("Heartbeat"), {"status": "Accepted"})
            assert outcome.status == "Accepted"


async def test_quirk_06_a_storm_while_the_database_is_away_ends_with_every_station_served() -> None:
    async with open_node(limits=small_limits(ask_seconds=0.3)) as node:
        names = [f"S{n}" for n in range(10)]
        with trio.fail_after(60):
            stations = [await plug(node, name) for name in names]
            node.store.away = True
            told = {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"}
            for station in stations:
                await station.send(msgspec.json.encode([2, "b", "BootNotification", told]))
            while node.listener.stats()["unanswered"] < len(stations):
                await trio.sleep(0.01)
            node.store.away = False
            for station in stations:
                assert (await station.insist("BootNotification", told))["status"] == "Accepted"


async def test_quirk_07_without_a_subprotocol_and_in_another_case_it_is_let_in() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            await node.register("CP1", versions=("ocpp2.0.1",))
            station, response = await upgrade(node, path="//ocpp/demo/cp1/", subprotocols=None)
            assert response.status == 101
            assert (await boot(station))["status"] == "Accepted"
            assert {"subprotocol-missing", "identity-spelling"} <= (await node.quirks()).keys()


async def test_quirk_08_a_message_beyond_the_bound_ends_its_connection_alone() -> None:
    async with open_node(limits=small_limits(message_bytes=64 * 1024)) as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.send('[2,"x","DataTransfer",{"vendorId":"' + "x" * 70_000 + '"}]')
            assert (await station.closed())[0] == 1009
            again = await connect(node, subprotocols="ocpp2.0.1")
            assert (await again.call("Heartbeat", {}))["currentTime"]


# -- framing -------------------------------------------------------------------------------------------------------------


async def test_quirk_09_slips_of_json_are_read_and_garbage_costs_an_error() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.send(
                f'[2,"s","StatusNotification",{{"timestamp":"{moment(node)}","connectorStatus":"Available","evseId":1,'
                '"connectorId":1,"customData":,}]'.replace(",}", "}")
                + "\x00"
            )
            assert (await station.message())[:2] == [3, "s"]
            for text in ("[2,", "nonsense", '[2,"x","Heartbeat"'):
                await station.send(text)
                assert (await station.message())[0] == 4
            told = await node.quirks()
            assert (told["json-slips"], told["json-broken"]) == (1, 3)


async def test_quirk_10_words_and_types_that_the_schema_does_not_have() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            assert await status(station, node, connectorStatus="Charging", evseId="1") == {}
            told = event("Started", 0, moment(node), 100, mine=1)
            del told["triggerReason"]
            assert isinstance(await station.call("TransactionEvent", told), dict)
            assert (await status(station, node, connectorStatus="Dancing"))[2] == "PropertyConstraintViolation"
            answer = await station.call("StatusNotification", {"connectorStatus": "Available", "evseId": 1})
            assert answer[2] == "OccurrenceConstraintViolation"
            assert {"words", "types", "fields-missing", "fields-odd", "schema"} <= (await node.quirks()).keys()


async def test_quirk_11_a_late_answer_reaches_no_other_call() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            link.call("late", s.WireCall("ClearCache", b"{}"), 0.1)
            given_up = await station.message()
            while not node.listener.stats()["call_timeouts"]:
                await trio.sleep(0.01)
            await station.send(msgspec.json.encode([3, given_up[1], {"status": "Rejected"}]))
            _, outcome = await answered(node, station, i.ClearCache(), {"status": "Accepted"})
            assert outcome == i.CommandResult("Accepted")
            assert (await node.quirks())["answers-late"] == 1


# -- transactions --------------------------------------------------------------------------------------------------------


async def test_quirk_12_and_13_events_that_come_again_change_nothing() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            first = event("Started", 0, moment(node, -600), 100)
            last = event("Ended", 1, moment(node), 300)
            answers = [await station.call("TransactionEvent", told) for told in (first, first, last, last, first)]
            assert answers[2] == answers[3]
            again = await connect(node, subprotocols="ocpp2.0.1")
            assert await again.call("TransactionEvent", last) == answers[2]
            (row,) = await sessions(node)
            assert (row.state, row.energy_wh) == ("ended", 200)


async def test_quirk_15_an_offline_queue_that_arrives_days_later_ends_its_session() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            began = node.system.now() - timedelta(days=3)
            await station.call("TransactionEvent", event("Started", 0, began.isoformat(), 100))
            await station.aclose()
            later = await connect(node, subprotocols="ocpp2.0.1")
            ended = (began + timedelta(hours=2)).isoformat()
            await later.call("TransactionEvent", event("Ended", 1, ended, 5100, offline=True))
            (row,) = await sessions(node)
            assert (row.state, row.energy_wh) == ("ended", 5000)


async def test_quirk_16_and_17_an_unknown_token_is_refused_and_its_event_is_kept() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            told = event("Started", 0, moment(node), 100, idToken={"idToken": "NOBODY", "type": "ISO14443"}, offline=True)
            answer = await station.call("TransactionEvent", told)
            assert answer["idTokenInfo"]["status"] == "Unknown"
            elsewhere = event("Started", 0, moment(node), 100, evse={"id": 77}, transactionInfo={"transactionId": "tx-2"})
            assert isinstance(await station.call("TransactionEvent", elsewhere), dict)
            assert len(await sessions(node)) == 2


async def test_quirk_18_statuses_in_any_order_end_nothing() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.call("TransactionEvent", event("Started", 0, moment(node), 100))
            for word in ("Available", "Faulted", "Occupied", "Unavailable", "Reserved", "Available"):
                assert await status(station, node, connectorStatus=word) == {}
            (row,) = await sessions(node)
            assert row.state == "active"


async def test_quirk_19_strangers_are_refused_and_an_end_of_nothing_is_kept() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            assert (await upgrade(node, "GHOST", subprotocols="ocpp2.0.1"))[1].status == 404
            station = await booted(node)
            assert isinstance(await station.call("TransactionEvent", event("Ended", 3, moment(node), 300)), dict)
            assert [row.state for row in await sessions(node)] == ["active"], "it waits for the events that are missing"


# -- meters and clocks ---------------------------------------------------------------------------------------------------


async def test_quirk_20_a_clock_of_1970_and_a_time_without_zone() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.call("TransactionEvent", event("Started", 0, "1970-01-01T00:00:12Z", 100))
            await station.call("TransactionEvent", event("Ended", 1, moment(node).partition("+")[0], 300))
            (row,) = await sessions(node)
            assert row.state == "quarantined"
            assert {"clock-wrong", "clock-written"} <= (await node.quirks()).keys()


async def test_quirk_21_a_begin_of_zero_against_a_lifetime_register_is_not_billed() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            await whole(node, await booted(node), 0, 910_000, minutes=10)
            (row,) = await sessions(node)
            assert row.state == "quarantined"


async def test_quirk_22_batches_without_energy_and_of_no_transaction_leave_the_total() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.call("TransactionEvent", event("Started", 0, moment(node, -1800), 100))
            power = [{"value": 11_000, "measurand": "Power.Active.Import"}]
            await station.call("TransactionEvent", event("Updated", 1, moment(node, -900), power))
            for evse in (0, 1):
                value = [{"timestamp": moment(node), "sampledValue": [{"value": 5}]}]
                assert await station.call("MeterValues", {"evseId": evse, "meterValue": value}) == {}
            await station.call("TransactionEvent", event("Ended", 2, moment(node), 600))
            (row,) = await sessions(node)
            assert row.energy_wh == 500
            assert (await node.quirks())["energy-missing"] == 1


async def test_quirk_23_samples_from_the_sessions_start_and_an_end_a_little_below_make_no_energy() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            await whole(node, await booted(node), 100, 99)
            (row,) = await sessions(node)
            assert row.energy_wh in (None, 0)


async def test_quirk_24_phases_are_summed_and_a_power_in_watt_hours_is_a_power() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await whole(node, station, _phases(100), _phases(300))
            (row,) = await sessions(node)
            assert row.energy_wh == 600
            power = [{"value": 7, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kWh"}}]
            value = [{"timestamp": moment(node), "sampledValue": power}]
            await station.call("MeterValues", {"evseId": 2, "meterValue": value})
            told = await node.quirks()
            assert (told["phases-only"], told["unit-wrong"]) == (2, 1)


def _phases(value: int) -> list[dict[str, Any]]:
    return [{"value": value, "phase": phase} for phase in ("L1", "L2", "L3")]


async def test_quirk_25_measurands_that_were_accepted_and_do_not_come_are_noticed() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            ref = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedMeasurands"}}
            wanted = i.SetVariables((i.SetVariable(i.VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands"), "SoC,Voltage"),))
            call, _ = await answered(
                node, station, wanted, {"setVariableResult": [ref | {"attributeStatus": "Accepted"}]}
            )  # fmt: skip
            assert call[2] == "SetVariables"
            for seq, kind in enumerate(("Started", "Updated", "Updated", "Updated")):
                await station.call("TransactionEvent", event(kind, seq, moment(node, seq), 100 + seq))
            assert (await node.quirks())["values-unsent"] == 1


# -- identity and control ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "heard"), [("tag_reversed = true", "C4B3A204"), ("tag_serial = true", TAG + "S-1")])
async def test_quirk_26_a_tag_is_read_as_the_card_has_it(tmp_path: Path, what: str, heard: str) -> None:
    async with open_node(quirks=known(tmp_path, what)) as node:
        with trio.fail_after(60):
            station = await plug(node)
            maker = {"vendorName": "Voltroupe", "model": "Test", "serialNumber": "S-1"}
            await station.call("BootNotification", {"chargingStation": maker, "reason": "PowerUp"})
            for text, type in ((heard, "ISO14443"), (TAG.lower(), "eMAID")):
                answer = await station.call("Authorize", {"idToken": {"idToken": text, "type": type}})
                assert answer["idTokenInfo"]["status"] == "Accepted", text
            told = await node.quirks()
            assert sum(told.get(name, 0) for name in ("tag-reversed", "tag-serial")) == 1


async def test_quirk_26_a_token_longer_than_those_of_1_6_is_never_cut() -> None:
    longest = "X" * 36
    async with open_node() as node:
        await node.put_token(longest)
        with trio.fail_after(60):
            station = await booted(node)
            answer = await station.call("Authorize", {"idToken": {"idToken": longest, "type": "Central"}})
            assert answer["idTokenInfo"]["status"] == "Accepted"


async def test_quirk_27_a_refused_profile_is_counted_and_a_known_purpose_is_not_sent(tmp_path: Path) -> None:
    quirks = known(tmp_path, 'refused_purposes = ["ChargingStationMaxProfile"]')
    async with open_node(limits=small_limits(), quirks=quirks) as node:
        with trio.fail_after(60):
            station = await booted(node)
            assert (await command(node, _profile("ChargingStationMaxProfile"))).outcome.field == "profile.purpose"
            _, outcome = await answered(node, station, _profile("TxDefaultProfile"), {"status": "Rejected"})
            assert outcome.status == "Rejected"
            told = await node.quirks()
            assert (told["purpose-unsent"], told["profile-refused"]) == (1, 1)


def _profile(purpose: str) -> i.SetChargingProfile:
    schedule = i.ChargingSchedule("A", (i.SchedulePeriod(0, Decimal(10)),))
    return i.SetChargingProfile(0, i.ChargingProfile(8, 0, purpose, "Absolute", (schedule,)))
