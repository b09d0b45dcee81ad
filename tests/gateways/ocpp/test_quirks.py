"""What stations really do, as far as 1.6 meets it, replayed over a real socket against the real actors.

Numbers 1 to 4, 7, 9 and 11 also stand beside what they are about: test_limits, test_line, test_admission, test_rpc. What is done
for stations of some makers only: test_quirks_known; 2.0.1: test_quirks_201; SOAP: soap/test_quirks.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from actors.model import intents as i
from actors.model.ids import station_address
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.v16.dialect import Dialect
from storage.vault import Vault
from tests.gateways.ocpp.node import TAG, Node, Station, connect, open_node, registry, small_limits, upgrade

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def read(action: str, payload: Any, boot: dict[str, str] | None = None) -> Any:
    """The canonical message that a payload (an object, or JSON text) becomes."""
    dialect = Dialect("demo", Vault(bytes(32)), lambda: NOW)
    if boot is not None:
        dialect.read(rpc.Call("b", "BootNotification", msgspec.json.encode(boot)))
    text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
    event = rpc.Rpc(1).receive(f'[2,"a","{action}",{text}]')
    assert isinstance(event, rpc.Call), event
    return dialect.read(event)


def start(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": TAG, "meterStart": 100, "timestamp": "2026-11-22T10:00:00Z"} | changes


def meter(*sampled: dict[str, Any], **changes: Any) -> dict[str, Any]:
    value = {"timestamp": "2026-11-22T10:00:00Z", "sampledValue": list(sampled)}
    return {"connectorId": 1, "transactionId": 5, "meterValue": [value]} | changes


async def booted(node: Node, identity: str = "CP1") -> Station:
    station = await connect(node, identity)
    await station.boot()
    return station


def moment(node: Node, seconds: float = 0) -> str:
    return (node.system.now() + timedelta(seconds=seconds)).isoformat()


async def sessions(node: Node) -> list[Any]:
    return list((await node.queries.sessions("demo", "CP1", None, 50, None)).items)


# -- connections ---------------------------------------------------------------------------------------------------------


async def test_quirk_05_a_station_that_does_not_boot_again_after_a_reconnect_goes_on() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            first = await booted(node)
            await first.aclose()
            second = await connect(node)
            assert (await second.call("Heartbeat", {}))["currentTime"]
            assert (await second.call("StartTransaction", start(timestamp=moment(node))))["transactionId"] > 0


async def test_quirk_05_calls_wait_for_the_boot_of_a_station_that_rejects_them_before(tmp_path: Path) -> None:
    """It is known by the boot before: the connection on which the CALLs wait has had none."""
    known = registry(tmp_path, 'id = "v-boots-first"\ntier = "repair"\nsays = "..."\nvendor = "V"\nboot_first = true')
    async with open_node(limits=small_limits(), quirks=known) as node:
        with trio.fail_after(60):
            before = await connect(node)
            await before.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            await before.aclose()
            while node.listener.link("demo", "CP1") is not None:
                await trio.sleep(0.01)
            station = await connect(node)
            while node.listener.link("demo", "CP1") is None:
                await trio.sleep(0.01)
            link = node.listener.link("demo", "CP1")
            assert link is not None
            link.call("c", s.WireCall("ClearCache", b"{}"), 60)
            while "boot-first" not in await node.quirks():
                await trio.sleep(0.01)
            await trio.sleep(0.25)
            await station.send('[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
            assert (await station.message())[:2] == [3, "b"]
            assert (await station.message())[2] == "ClearCache"


async def test_quirk_06_a_reconnect_storm_with_an_absent_database_ends_with_every_station_served() -> None:
    async with open_node(limits=small_limits(ask_seconds=0.3)) as node:
        names = [f"S{n}" for n in range(30)]
        for name in names:
            await node.register(name)
        node.store.away = True
        with trio.fail_after(60):
            stations = [await connect(node, name) for name in names]
            for station in stations:
                await station.send('[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
            while node.listener.stats()["unanswered"] < len(stations):
                await trio.sleep(0.01)
            node.store.away = False
            boot = {"chargePointVendor": "V", "chargePointModel": "M"}
            for station in stations:
                assert (await station.insist("BootNotification", boot))["status"] == "Accepted"
            assert node.listener.stats()["stations"] == len(names)


async def test_quirk_08_a_sockets_buffers_are_bounded_by_name() -> None:
    limits = small_limits()
    assert limits.message_bytes <= 1 << 20
    assert limits.send_buffer_bytes <= 1 << 20
    assert 0 < limits.inbound_calls < 1000
    assert 0 < limits.outgoing_calls < 1000


# -- framing -------------------------------------------------------------------------------------------------------------


async def test_quirk_09_a_stop_without_a_transaction_id_value_is_understood_and_kept() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.send(f'[2,"s","StopTransaction",{{"transactionId":,"meterStop":5,"timestamp":"{moment(node)}"}}]')
            answer = await station.message()
            assert answer[:2] == [3, "s"]
            (kept,) = await sessions(node)
            assert kept.state == "quarantined"


async def test_quirk_09_garbage_costs_an_error_and_not_the_connection() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            for text in ('[,{"a":1}]', '[2,"x","Heartbeat"', "\x00\x00", "[[[["):
                await station.send(text)
                assert (await station.message())[0] == 4
            assert (await station.call("Heartbeat", {}))["currentTime"]


def test_quirk_10_enum_values_that_are_not_in_the_schema() -> None:
    status = {"connectorId": 1, "errorCode": "SomethingOfOurs", "status": "SuspendedEv"}
    told = read("StatusNotification", status)
    assert (told.status, told.detail, told.error) == ("Occupied", "SuspendedEV", "OtherError")
    stop = {"transactionId": 5, "meterStop": 9, "timestamp": "2026-11-22T10:00:00Z", "reason": "deauthorized"}
    assert read("StopTransaction", stop).reason == "DeAuthorized"
    odd = meter({"value": "21", "measurand": "Vendor.Thing", "unit": "Furlong"})
    (sample,) = read("MeterValues", odd).readings[0].samples
    assert (sample.measurand, sample.unit, sample.value) == ("Vendor.Thing", "Furlong", Decimal(21))


def test_quirk_10_a_missing_measurand_is_the_energy_register() -> None:
    (sample,) = read("MeterValues", meter({"value": "1.5", "unit": "kWh"})).readings[0].samples
    assert (sample.measurand, sample.unit, sample.value) == ("Energy.Active.Import.Register", "Wh", Decimal(1500))


def test_quirk_10_of_duplicate_keys_the_last_counts() -> None:
    text = '{"connectorId":1,"connectorId":2,"errorCode":"NoError","status":"Available"}'
    assert read("StatusNotification", text).evse == 2


async def test_quirk_10_the_misspelt_error_codes_are_kept() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.send('[2,"x","StatusNotification",5]')
            assert (await station.message())[2] == "FormationViolation"
            answer = await station.call("StatusNotification", {"errorCode": "NoError", "status": "Available"})
            assert answer[2] == "OccurenceConstraintViolation"


# -- transactions --------------------------------------------------------------------------------------------------------


async def test_quirk_12_a_retried_start_with_a_new_message_id_is_the_same_transaction() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            told = start(timestamp=moment(node))
            numbers = {(await station.call("StartTransaction", told, f"id-{n}"))["transactionId"] for n in range(3)}
            again = await connect(node)
            numbers.add((await again.call("StartTransaction", told))["transactionId"])
            assert len(numbers) == 1
            assert len(await sessions(node)) == 1


async def test_quirk_13_a_retried_stop_is_counted_once() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            number = (await station.call("StartTransaction", start(timestamp=moment(node))))["transactionId"]
            stop = {"transactionId": number, "meterStop": 300, "timestamp": moment(node, 1), "idTag": TAG}
            first = await station.call("StopTransaction", stop, "a")
            assert [await station.call("StopTransaction", stop, f"b{n}") for n in range(3)] == [first] * 3
            (ended,) = await sessions(node)
            assert (ended.state, ended.energy_wh) == ("ended", 200)


@pytest.mark.parametrize("number", [0, -1, 999_999])
async def test_quirk_14_a_stop_with_a_wrong_number_never_closes_some_other_session(number: int) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            await station.call("StartTransaction", start(timestamp=moment(node)))
            stop = {"transactionId": number, "meterStop": 50, "timestamp": moment(node, 1), "idTag": "SOMEONE"}
            assert isinstance(await station.call("StopTransaction", stop), dict)
            states = sorted(row.state for row in await sessions(node))
            assert states == ["active", "quarantined"]


async def test_quirk_15_a_stop_from_an_offline_queue_days_later_ends_the_session() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            began = node.system.now() - timedelta(days=3)
            number = (await station.call("StartTransaction", start(timestamp=began.isoformat())))["transactionId"]
            await station.aclose()
            later = await connect(node)
            ended = (began + timedelta(hours=2)).isoformat()
            assert await later.call("StopTransaction", {"transactionId": number, "meterStop": 5100, "timestamp": ended}) == {}
            (row,) = await sessions(node)
            assert (row.state, row.energy_wh) == ("ended", 5000)


async def test_quirk_16_a_start_with_an_unknown_tag_is_stored_and_the_tag_is_refused() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            answer = await station.call("StartTransaction", start(idTag="UNKNOWN-TAG", timestamp=moment(node)))
            assert answer["idTagInfo"]["status"] == "Invalid"
            assert answer["transactionId"] > 0
            assert len(await sessions(node)) == 1


async def test_quirk_17_a_start_is_never_answered_with_an_error() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            odd = start(connectorId="1", meterStart="100", timestamp=moment(node), vendorStuff={"a": 1}, reservationId=None)
            assert (await station.call("StartTransaction", odd))["transactionId"] > 0
            elsewhere = start(connectorId=77, timestamp=moment(node))
            assert (await station.call("StartTransaction", elsewhere))["transactionId"] > 0


async def test_quirk_18_statuses_may_come_in_any_order() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            order = ["Charging", "Available", "Finishing", "SuspendedEV", "Preparing", "Faulted", "Reserved", "Unavailable"]
            for status in order:
                told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": moment(node)}
                assert await station.call("StatusNotification", told) == {}
            for connector in (0, 9):
                told = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
                answer = await station.call("StatusNotification", told)
                assert answer == {}


async def test_quirk_19_an_unregistered_station_is_refused_before_it_can_say_anything() -> None:
    async with open_node() as node:
        assert (await upgrade(node, "GHOST"))[1].status == 404
        assert await node.queries.station("demo", "GHOST") is None


async def test_quirk_19_a_pending_station_may_send_what_was_triggered_and_its_facts() -> None:
    async with open_node(ready=False) as node:
        await node.create_tenant(boot="Pending")
        await node.register("CP1")
        await node.put_token()
        with trio.fail_after(60):
            station = await connect(node)
            assert (await station.boot())["status"] == "Pending"
            told = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
            assert await station.call("StatusNotification", told) == {}
            assert (await station.call("Authorize", {"idTag": TAG}))[2] == "SecurityError"
            assert (await station.call("StartTransaction", start(timestamp=moment(node))))["transactionId"] > 0


async def test_quirk_19_a_message_before_the_first_boot_is_a_security_error() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await connect(node)
            assert (await station.call("Heartbeat", {}))[2] == "SecurityError"


# -- meters and clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "flags"),
    [
        ("1970-01-01T00:00:12Z", datetime(1970, 1, 1, 0, 0, 12, tzinfo=UTC), ("clock",)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC), ("time_zone",)),
        ("2026-11-22 10:00:00.123456789", datetime(2026, 11, 22, 10, 0, 0, 123456, UTC), ("time_zone",)),
        ("2026-11-22T11:00:00+01:00", datetime(2026, 11, 22, 10, tzinfo=UTC), ()),
        ("20261122T100000Z", datetime(2026, 11, 22, 10, tzinfo=UTC), ()),
        ("2026-11-22T10:00:00 nonsense", datetime(2026, 11, 22, 10, tzinfo=UTC), ("time_format", "time_zone")),
        (1795341600, datetime(2026, 11, 22, 10, tzinfo=UTC), ("time_format",)),
        (1795341600000, datetime(2026, 11, 22, 10, tzinfo=UTC), ("time_format",)),
        ("", datetime(1970, 1, 1, tzinfo=UTC), ("time_format", "timestamp_missing", "clock")),
        (None, datetime(1970, 1, 1, tzinfo=UTC), ("null", "timestamp_missing", "clock")),
        ("2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC), ("clock",)),
        ("0001-01-01T00:00:00+14:00", datetime(1970, 1, 1, tzinfo=UTC), ("clock",)),
        ("9999-12-31T23:59:59-12:00", datetime(1970, 1, 1, tzinfo=UTC), ("clock",)),
    ],
)  # fmt: skip
def test_quirk_20_clocks_that_are_wrong_are_flagged_and_never_corrected(text: Any, at: datetime, flags: tuple[str, ...]) -> None:
    told = read("StartTransaction", start(timestamp=text))
    assert (told.at, told.flags) == (at, flags)


async def test_quirk_20_a_start_of_1970_can_be_retried_and_is_not_billed() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            told = start(timestamp="1970-01-01T00:00:12Z")
            number = (await station.call("StartTransaction", told))["transactionId"]
            assert (await station.call("StartTransaction", told))["transactionId"] == number
            await station.call("StopTransaction", {"transactionId": number, "meterStop": 300, "timestamp": moment(node)})
            (row,) = await sessions(node)
            assert row.state == "quarantined"


async def test_quirk_21_a_lifetime_register_against_a_start_of_zero_is_not_billed() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            began = node.system.now() - timedelta(minutes=10)
            told = start(meterStart=0, timestamp=began.isoformat())
            number = (await station.call("StartTransaction", told))["transactionId"]
            stop = {"transactionId": number, "meterStop": 910_000, "timestamp": moment(node)}
            assert await station.call("StopTransaction", stop) == {}
            (row,) = await sessions(node)
            assert row.state == "quarantined"


async def test_quirk_22_meter_values_without_energy_or_without_a_session_are_taken() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            began = node.system.now() - timedelta(minutes=30)
            number = (await station.call("StartTransaction", start(timestamp=began.isoformat())))["transactionId"]
            power = meter({"value": "11000", "measurand": "Power.Active.Import"}, transactionId=number)
            assert await station.call("MeterValues", power) == {}
            for changes in ({"transactionId": 424242}, {"connectorId": 0}, {"connectorId": 0, "transactionId": 0}):
                assert await station.call("MeterValues", meter({"value": "5"}, **changes)) == {}
            without = meter({"value": "5"})
            del without["transactionId"]
            assert await station.call("MeterValues", without) == {}
            assert await station.call("MeterValues", {"connectorId": 1, "meterValue": []}) == {}
            await station.call("StopTransaction", {"transactionId": number, "meterStop": 600, "timestamp": moment(node)})
            (row,) = await sessions(node)
            assert row.energy_wh == 500


async def test_quirk_23_a_stop_one_watt_hour_below_the_start_is_no_negative_energy() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station = await booted(node)
            number = (await station.call("StartTransaction", start(timestamp=moment(node, -60))))["transactionId"]
            stop = {"transactionId": number, "meterStop": 99, "timestamp": moment(node)}
            assert await station.call("StopTransaction", stop) == {}
            (row,) = await sessions(node)
            assert row.energy_wh in (None, 0)


def test_quirk_24_a_power_in_watt_hours_is_a_power() -> None:
    told = read("MeterValues", meter({"value": "7,4", "measurand": "Power.Active.Import", "unit": "kWh"}))
    (sample,) = told.readings[0].samples
    assert (sample.value, sample.unit) == (Decimal(7400), "W")
    assert "unit" in told.flags


def test_quirk_24_phases_are_kept_apart() -> None:
    told = read("MeterValues", meter(*({"value": "5", "phase": phase} for phase in ("L1", "L2", "L3-N", "L9"))))
    assert [sample.phase for sample in told.readings[0].samples] == ["L1", "L2", "L3-N", "L9"]


# -- what the repair of a payload may and may not do --------------------------------------------------------------------------


def test_a_number_that_would_fill_memory_stays_a_text() -> None:
    (sample,) = read("MeterValues", meter({"value": "1E+999999999"})).readings[0].samples
    assert (sample.value, sample.raw) == (None, "1E+999999999")


def test_one_unreadable_sample_does_not_cost_the_others() -> None:
    told = read("MeterValues", meter({"value": "5"}, {"nothing": 1}, {"value": {"a": 1}}, {"value": 7}))
    assert [sample.value for sample in told.readings[0].samples] == [Decimal(5), Decimal(7)]
    assert "sample_unreadable" in told.flags


def test_nul_characters_never_reach_an_actor() -> None:
    told = read("DataTransfer", '{"vendorId":"a\\u0000b","data":"\\u0000"}')
    assert (told.vendor_id, told.data) == ("ab", "")


def test_a_signed_meter_value_is_kept_byte_for_byte() -> None:
    ocmf = 'OCMF|{"FV":"1.0","RD":[]}|{"SD":"30"}'
    signed = meter({"value": ocmf, "format": "SignedData", "context": "Transaction.End"})
    (sample,) = read("MeterValues", signed).readings[0].samples
    assert (sample.value, sample.raw, sample.signed) == (None, ocmf, True)


def test_a_tag_is_never_cut() -> None:
    long = "04A2B3C4D5E6F7" + "-SERIAL-12345"
    vault = Vault(bytes(32))
    told = read("StartTransaction", start(idTag=long), {"chargePointVendor": "KEBA AG", "chargePointModel": "P30"})
    assert told.token.ref == vault.token("demo", long).ref
    assert told.flags == ("length", "id_tag_serial")


def test_content_is_told_apart_by_what_was_sent() -> None:
    one, two = read("MeterValues", meter({"value": "5"})), read("MeterValues", meter({"value": "6"}))
    assert one.content != two.content
    assert one.content == read("MeterValues", meter({"value": "5"})).content


async def test_a_command_result_of_a_stale_connection_settles_nothing_of_the_new_one() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        with trio.fail_after(60):
            old = await booted(node)
            answers: list[Any] = []

            async def command() -> None:
                not_after = node.system.now() + timedelta(seconds=60)
                answers.append(await node.ask(station_address("demo", "CP1"), s.Command("c", i.ClearCache(), not_after)))

            nursery.start_soon(command)
            call = await old.message()
            new = await booted(node)
            await new.send(msgspec.json.encode([3, call[1], {"status": "Accepted"}]))
            while not answers or not node.listener.stats()["answers_late"]:
                await trio.sleep(0.01)
            assert isinstance(answers[0].outcome, i.CommandFailure)
