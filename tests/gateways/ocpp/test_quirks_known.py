"""What is done for stations that are known for something (quirks/stations.toml, an operator's file), and what is counted for a
station: 1.6, over a real socket against the real actors."""

import itertools
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from actors.model import intents as i
from actors.model.ids import station_address
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.limits import CALL_TICK
from gateways.ocpp.link import Link
from gateways.ocpp.quirks import Registry
from gateways.ocpp.v16.dialect import Dialect
from storage.vault import Vault
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import TAG, Node, Station, connect, open_node, registry, small_limits
from tests.gateways.ocpp.test_quirks import NOW, meter, moment, sessions, start

BOOT = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.2"}
FULL = "BA86I250X5G6MOD5DLKD"
VAULT = Vault(bytes(32))
NUMBERS = itertools.count()


def known(folder: Path, what: str, whom: str = 'vendor = "V"') -> Registry:
    return registry(folder, f'id = "own"\ntier = "repair"\nsays = "..."\n{whom}\n{what}')


def dialect(quirks: Registry | None = None, **boot: str) -> Dialect:
    made = Dialect("demo", VAULT, lambda: NOW, False, quirks)
    made.read(rpc.Call("b", "BootNotification", msgspec.json.encode(BOOT | boot)))
    return made


def started(station: Dialect, tag: str) -> tuple[str, tuple[str, ...]]:
    """(reference of the tag that was understood, flags) of a start with this idTag."""
    told = station.read(rpc.Call("s", "StartTransaction", msgspec.json.encode(start(idTag=tag))))
    return told.token.ref, told.flags


def ref(tag: str) -> str:
    return VAULT.token("demo", tag).ref


async def booted(node: Node) -> Station:
    station = await connect(node)
    assert (await station.call("BootNotification", BOOT))["status"] == "Accepted"
    return station


async def command(node: Node, intent: Any) -> Any:
    """Its id is its own: one that was settled is not sent again."""
    id = f"c{next(NUMBERS)}"
    not_after = node.system.now() + timedelta(seconds=60)
    return await node.ask(station_address("demo", "CP1"), s.Command(id, intent, not_after, "test"))


async def answered(node: Node, station: Station, intent: Any, payload: Any) -> tuple[Any, Any]:
    """(the CALL that the station got, what became of the command) where it answers `payload`."""
    found: list[Any] = []

    async def ask() -> None:
        found.append(await command(node, intent))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        call = await station.message()
        await station.send(msgspec.json.encode([3, call[1], payload]))
    return call, found[0].outcome


# -- connections -----------------------------------------------------------------------------------------------------------


async def test_quirk_02_and_07_and_09_what_a_station_does_is_counted_for_it() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            before = await connect(node, subprotocols=None)
            station = await connect(node, path="/ocpp/demo/cp1")
            await station.boot()
            await station.send('[2,"x","StatusNotification",{"connectorId":"1","errorCode":,"status":"SuspendedEv"}]')
            assert (await station.message())[0] == 3
            await station.send("not json")
            await station.message()
            await station.send('[3,"nothing",{}]')
            await station.call("StatusNotification", {"connectorId": 1, "status": "Dancing"})
            assert (await before.closed())[0] == 1000
            told = await node.quirks()
            for quirk in (
                "zombie", "subprotocol-missing", "identity-spelling", "json-slips", "types", "words", "fields-missing",
                "json-broken", "answers-late", "schema",
            ):  # fmt: skip
                assert told[quirk] == 1, quirk


async def test_quirk_03_a_station_that_bears_no_pings_gets_none_and_is_given_its_own_time(tmp_path: Path) -> None:
    """evcc#32039: some never answer pings. `silence` counts from its last frame."""
    quirks = known(tmp_path, "pings = false\nsilence = 1")
    async with open_node(limits=small_limits(ping_after=2, pong_within=3, silence=10_000), quirks=quirks) as node:
        with trio.fail_after(60):
            began = trio.current_time()
            station = await booted(node)
            assert (await station.closed())[0] == 1006, "and not after the silence that others are granted, 200 s"
            assert trio.current_time() - began > 0.9
            assert node.listener.stats()["pings"] == 0


async def test_quirk_03_unanswered_pings_and_calls_are_counted() -> None:
    async with open_node(limits=small_limits(ping_after=2, pong_within=3, silence=10_000)) as node:
        with trio.fail_after(60):
            station = await booted(node)
            while (await station.frame()).opcode != wire.PING:
                pass
            while "pings-unanswered" not in await node.quirks():
                await trio.sleep(0.02)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            link.call("c", s.WireCall("ClearCache", b"{}"), 0.1)
            while "calls-unanswered" not in await node.quirks():
                await trio.sleep(0.02)


async def test_quirk_04_questions_come_at_their_own_pace_and_nothing_waits_behind_them(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_node(limits=small_limits(), quirks=known(tmp_path, "poll_gap = 20")) as node:
        station = await booted(node)
        link = node.listener.link("demo", "CP1")
        assert link is not None
        for n in range(2):
            link.call(f"q{n}", s.WireCall("GetConfiguration", b"{}"), 600)
        link.call("c", s.WireCall("ClearCache", b"{}"), 600)
        for action in ("GetConfiguration", "ClearCache"):
            call = await station.message()
            assert call[2] == action
            await station.send(msgspec.json.encode([3, call[1], {}]))
            assert (await station.call("Heartbeat", {}))["currentTime"]
            mock_clock.jump(CALL_TICK)
        mock_clock.jump(19)
        assert (await station.call("Heartbeat", {}))["currentTime"], "and no question before it"
        mock_clock.jump(2)
        assert (await station.message())[2] == "GetConfiguration"


async def test_quirk_04_a_station_may_need_a_longer_pause_than_others(tmp_path: Path) -> None:
    async with open_node(limits=small_limits(), quirks=known(tmp_path, "call_gap = 0.4")) as node:
        with trio.fail_after(60):
            station = await booted(node)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            for n in range(2):
                link.call(f"c{n}", s.WireCall("ClearCache", b"{}"), 60)
            first = await station.message()
            began = trio.current_time()
            await station.send(msgspec.json.encode([3, first[1], {"status": "Accepted"}]))
            await station.message()
            assert trio.current_time() - began >= 0.4


async def test_quirk_05_what_reboots_a_station_is_not_triggered(tmp_path: Path) -> None:
    quirks = known(tmp_path, 'avoid_triggers = ["BootNotification"]')
    async with open_node(limits=small_limits(), quirks=quirks) as node:
        with trio.fail_after(60):
            station = await booted(node)
            sent = await command(node, i.Trigger("BootNotification"))
            assert (sent.outcome.reason, sent.outcome.field) == ("unsupported", "message")
            assert (await node.quirks())["trigger-reboots"] == 1
            call, outcome = await answered(node, station, i.Trigger("Heartbeat"), {"status": "Accepted"})
            assert (call[2], outcome.status) == ("TriggerMessage", "Accepted")


async def test_quirk_05_a_station_that_does_not_boot_again_keeps_its_quirks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first frame on: before its actor had a turn."""
    monkeypatch.setattr(Link, "learn", lambda self, boot: None)
    quirks = known(tmp_path, 'avoid_triggers = ["*"]', 'vendor = "v"\nmodel = "m*"\nfirmware = "1.*"\nprotocol = ["ocpp1.6"]')
    async with open_node(limits=small_limits(), quirks=quirks) as node:
        with trio.fail_after(60):
            await (await booted(node)).aclose()
            while node.listener.link("demo", "CP1") is not None:
                await trio.sleep(0.01)
            station = await connect(node)
            await station.call("Heartbeat", {})
            assert (await command(node, i.Trigger("Heartbeat"))).outcome.reason == "unsupported"


async def test_quirk_05_a_boot_on_another_node_is_known_to_the_connection_by_its_actor(tmp_path: Path) -> None:
    quirks = known(tmp_path, 'avoid_triggers = ["*"]')
    async with open_node(limits=small_limits(), quirks=quirks) as node:
        with trio.fail_after(60):
            await (await booted(node)).aclose()
            while node.listener.link("demo", "CP1") is not None:
                await trio.sleep(0.01)
            card = node.cards.station("demo", "CP1")
            assert card is not None
            node.cards.put_station(msgspec.structs.replace(card, made=("", "", "")))
            station = await connect(node)
            await station.call("Heartbeat", {})
            assert (await command(node, i.Trigger("Heartbeat"))).outcome.reason == "unsupported"


async def test_quirk_08_a_station_that_floods_is_closed_and_the_flood_is_counted() -> None:
    limits = small_limits(message_burst=20, messages_per_second=1.0, flood_seconds=0.2)
    async with open_node(limits=limits) as node:
        with trio.fail_after(60):
            station = await booted(node)
            with suppress(trio.BrokenResourceError, EOFError):
                for _ in range(2000):
                    await station.send('[2,"x","Heartbeat",{}]')
                    if (await station.frame()).opcode == wire.CLOSE:
                        break
            while "flood" not in await node.quirks():
                await trio.sleep(0.02)


# -- transactions and meters ---------------------------------------------------------------------------------------------


async def test_quirk_14_and_20_to_24_oddities_of_facts_are_counted() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            number = (await station.call("StartTransaction", start(timestamp="2026-11-22T10:00:00")))["transactionId"]
            for sampled in (
                [{"value": "7", "measurand": "Power.Active.Import", "unit": "kWh"}],
                [{"value": "5", "phase": phase} for phase in ("L1", "L2", "L3")],
                [{"value": "none of it"}, {"value": "9"}],
            ):
                assert await station.call("MeterValues", meter(*sampled, transactionId=number)) == {}
            stop = {"transactionId": 0, "meterStop": 50, "timestamp": "1970-01-01T00:00:00Z", "idTag": "SOMEONE"}
            await station.call("StopTransaction", stop)
            told = await node.quirks()
            expected = {
                "clock-written": 1, "clock-wrong": 1, "unit-wrong": 1, "energy-missing": 1, "phases-only": 1,
                "items-unreadable": 1, "number-lost": 1,
            }  # fmt: skip
            assert {name: told.get(name) for name in expected} == expected


async def test_quirk_25_measurands_that_were_accepted_and_do_not_come_are_noticed_once() -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            wanted = i.SetVariable(i.VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands"), "Energy.Active.Import.Register,SoC")
            call, outcome = await answered(node, station, wanted, {"status": "Accepted"})
            assert call[3] == {"key": "MeterValuesSampledData", "value": "Energy.Active.Import.Register,SoC"}
            assert outcome.status == "Accepted"
            number = (await station.call("StartTransaction", start(timestamp=moment(node))))["transactionId"]
            for n in range(7):
                assert "values-unsent" not in await node.quirks() or n >= 3
                value = [{"timestamp": moment(node, n), "sampledValue": [{"value": str(100 + n)}]}]
                assert await station.call("MeterValues", meter(meterValue=value, transactionId=number)) == {}
            assert (await node.quirks())["values-unsent"] == 1


@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_quirk_25_a_station_that_sends_all_or_promised_nothing_is_not_blamed(answer: str) -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            wanted = i.SetVariable(i.VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands"), "SoC,Current.Import.L1")
            await answered(node, station, wanted, {"status": answer})
            for n in range(5):
                sampled = [{"value": "5", "measurand": "SoC"}, {"value": "5", "measurand": "Current.Import", "phase": "L1"}]
                promised = sampled if answer == "Accepted" else []
                value = [{"timestamp": moment(node, n), "sampledValue": [{"value": str(n)}, *promised[n % 2 :][:1]]}]
                await station.call("MeterValues", meter(meterValue=value))
            assert "values-unsent" not in await node.quirks()


# -- tags ------------------------------------------------------------------------------------------------------------------


def test_quirk_26_the_stations_serial_behind_a_tag_is_cut_off_where_it_is_known() -> None:
    keba = dialect(chargePointVendor="KEBA AG", chargePointSerialNumber="17619300")
    assert started(keba, "04A2B3C417619300") == (ref(TAG), ("id_tag_serial_cut",))
    assert started(keba, TAG) == (ref(TAG), ())
    assert started(keba, "04A2B3C4D5E6F7112") == (ref("04A2B3C4D5E6F7112"), ("id_tag_serial",)), "a serial that is not its own"
    other = dialect(chargePointSerialNumber="17619300")
    assert started(other, "04A2B3C417619300")[0] == ref("04A2B3C417619300")


def test_quirk_26_a_full_length_tag_that_comes_back_longer_is_the_one_that_was_sent() -> None:
    station = dialect()
    assert started(station, FULL + "-")[0] == ref(FULL + "-"), "nothing of the kind went out"
    assert isinstance(station.render(i.RequestStart(FULL, evse=1)), s.WireCall)
    told, flags = started(station, FULL.lower() + "-")
    assert (told, "id_tag_cut" in flags) == (ref(FULL), True)
    text = (
        f'[2,"s","StopTransaction",{{"transactionId":5,"meterStop":9,"timestamp":"{NOW.isoformat()}","idTag":"{FULL}\x10\x0e"}}]'
    )
    call = rpc.Rpc(1).receive(text)
    assert isinstance(call, rpc.Call)
    stop = station.read(call)
    assert stop.token.ref == ref(FULL)
    assert "id_tag_cut" in stop.flags


def test_quirk_26_a_full_length_tag_is_cut_for_a_station_that_always_corrupts_it(tmp_path: Path) -> None:
    told, flags = started(dialect(known(tmp_path, "tag_cut = true")), FULL + "XY")
    assert (told, flags) == (ref(FULL), ("length", "id_tag_cut"))


def test_quirk_26_control_characters_are_no_part_of_a_tag() -> None:
    assert started(dialect(), "04A2\x07B3C4") == (ref(TAG), ("id_tag_control",))


def test_quirk_26_a_reader_with_reversed_bytes_is_understood_and_spoken_to_in_its_order(tmp_path: Path) -> None:
    station = dialect(known(tmp_path, "tag_reversed = true"))
    assert started(station, "C4B3A204") == (ref(TAG), ("id_tag_reversed",))
    assert started(station, "no uid at all")[0] == ref("no uid at all")
    sent = station.render(i.RequestStart(TAG, evse=1))
    assert isinstance(sent, s.WireCall)
    assert msgspec.json.decode(sent.payload)["idTag"] == "C4B3A204"
    listed = station.render(
        i.SendLocalList(1, "Full", (i.LocalListEntry(TAG, "Accepted"), i.LocalListEntry("FLEET", "Accepted")))
    )
    assert isinstance(listed, s.WireCall)
    tags = [entry["idTag"] for entry in msgspec.json.decode(listed.payload)["localAuthorizationList"]]
    assert tags == ["C4B3A204", "FLEET"]


async def test_quirk_26_a_tag_in_another_case_is_the_same_one() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            for tag in (TAG.lower(), f" {TAG} "):
                assert (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == "Accepted", tag
            number = (await station.call("StartTransaction", start(idTag=TAG.lower(), timestamp=moment(node))))["transactionId"]
            stop = {"transactionId": number, "meterStop": 150, "timestamp": moment(node, 1), "idTag": TAG}
            await station.call("StopTransaction", stop)
            (row,) = await sessions(node)
            assert (row.state, row.anomalies) == ("ended", ())


# -- profiles ----------------------------------------------------------------------------------------------------------------


def profile(purpose: str = "ChargingStationMaxProfile") -> i.SetChargingProfile:
    schedule = i.ChargingSchedule("A", (i.SchedulePeriod(0, Decimal(10)),))
    return i.SetChargingProfile(0, i.ChargingProfile(8, 0, purpose, "Absolute", (schedule,)))


@pytest.mark.parametrize("answer", ["Rejected", "NotSupported"])
async def test_quirk_27_a_refused_profile_is_told_and_counted(answer: str) -> None:
    async with open_node(limits=small_limits()) as node:
        with trio.fail_after(60):
            station = await booted(node)
            _, outcome = await answered(node, station, profile(), {"status": answer})
            assert outcome.status == "Rejected"
            assert (await node.quirks())["profile-refused"] == 1
            _, outcome = await answered(node, station, i.ClearCache(), {"status": "Rejected"})
            assert (await node.quirks())["profile-refused"] == 1


def test_quirk_27_a_purpose_that_a_maker_refuses_is_not_sent_and_the_field_is_named() -> None:
    evbox = dialect(chargePointVendor="EV-BOX")
    refused = evbox.render(profile())
    assert isinstance(refused, i.Unsupported)
    assert refused.field == "profile.purpose"
    assert evbox.noted == ("purpose_avoided",)
    assert isinstance(evbox.render(profile("TxDefaultProfile")), s.WireCall)
    assert isinstance(dialect().render(profile()), s.WireCall)


# -- the tiers ---------------------------------------------------------------------------------------------------------------


async def test_an_operator_may_refuse_what_could_be_mended_but_no_fact(tmp_path: Path) -> None:
    quirks = registry(tmp_path, 'id = "types"\ntier = "reject"')
    async with open_node(quirks=quirks) as node:
        with trio.fail_after(60):
            station = await booted(node)
            answer = await station.call("StatusNotification", {"connectorId": "1", "errorCode": "NoError", "status": "Available"})
            assert answer[2] == "PropertyConstraintViolation"
            assert "types" in answer[3]
            assert (await station.call("StartTransaction", start(meterStart="100", timestamp=moment(node))))["transactionId"] > 0


async def test_the_first_of_each_quirk_is_an_event_of_the_station() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            for _ in range(3):
                await station.call("StatusNotification", {"connectorId": "1", "errorCode": "NoError", "status": "Available"})
            assert (await node.quirks())["types"] == 3
            told = [event for event in node.rows.events if event.kind == "station.quirk"]
            assert [(event.subject, event.body) for event in told] == [("CP1", {"quirk": "types", "tier": "repair"})]
