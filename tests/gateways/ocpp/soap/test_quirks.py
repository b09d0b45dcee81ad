"""What stations really do, as far as it comes by SOAP: what is known of them, and what is read in 1.6 words, is the same."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.model import intents as i
from gateways import egress
from gateways.ocpp.quirks import Registry
from tests.gateways.ocpp.node import TAG, TENANT, registry, small_limits
from tests.gateways.ocpp.soap.kit import BOOT, SoapNode, basic, fault, fields, message, open_soap, texts
from tests.gateways.ocpp.soap.test_link import CALLBACK, FakeGate, outcome, reply, status

SOAP_16 = "ocpp1.6-S"


def known(folder: Path, what: str) -> Registry:
    return registry(folder, f'id = "own"\ntier = "repair"\nsays = "..."\nvendor = "volt*"\nprotocol = ["ocpp1.*"]\n{what}')


def at(node: SoapNode, seconds: float = 0) -> str:
    return (node.node.system.now() + timedelta(seconds=seconds)).isoformat()


async def start(node: SoapNode, **changes: Any) -> int:
    told = {"connectorId": 1, "idTag": TAG, "timestamp": at(node, -1800), "meterStart": 100} | changes
    return int(texts(await node.say("StartTransaction", fields(**told)))["transactionId"])


async def stop(node: SoapNode, number: int, register: int, **changes: Any) -> None:
    told = {"transactionId": number, "idTag": TAG, "timestamp": at(node), "meterStop": register} | changes
    await node.say("StopTransaction", fields(**told))


async def sessions(node: SoapNode) -> list[Any]:
    return list((await node.node.queries.sessions(TENANT, "CP1", None, 50, None)).items)


def values(node: SoapNode, *samples: str, **changes: Any) -> str:
    told = fields(**({"connectorId": 1} | changes))
    return told + f"<c:values><c:timestamp>{at(node)}</c:timestamp>{''.join(samples)}</c:values>"


# -- connections ---------------------------------------------------------------------------------------------------------


async def test_quirk_03_calls_that_get_no_answer_end_in_their_time_and_are_counted() -> None:
    gate = FakeGate(lambda action, operation: egress.EgressTimeout("slow"))
    async with open_soap(gate=gate) as node:
        await node.boot(callback=CALLBACK)
        assert (await outcome(node, i.ClearCache())).reason == "timeout"
        assert (await node.node.quirks())["calls-unanswered"] == 1
        assert await node.say("Heartbeat") is not None


@pytest.mark.parametrize("what", ["poll_gap = 0.5", "call_gap = 0.5"])
async def test_quirk_04_calls_come_at_the_pace_that_its_maker_needs(tmp_path: Path, what: str) -> None:
    gate = FakeGate(lambda action, operation: reply(operation, ""))
    async with open_soap(gate=gate, limits=small_limits(), quirks=known(tmp_path, what)) as node:
        with trio.fail_after(60):
            await node.boot(callback=CALLBACK)
            link = node.soap.link(TENANT, "CP1")
            assert link is not None
            wire = link.render(i.GetVariables((i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval"),)))
            assert not isinstance(wire, i.Unsupported)
            began = trio.current_time()
            for n in range(2):
                link.call(f"q{n}", wire, 5)
            while len(gate.calls) < 2:
                await trio.sleep(0.01)
            assert trio.current_time() - began > 0.4


async def test_quirk_05_what_reboots_it_is_not_triggered_and_without_a_second_boot_that_is_still_known(tmp_path: Path) -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate, quirks=known(tmp_path, 'avoid_triggers = ["Boot*"]')) as node:
        await node.boot(protocol=SOAP_16, callback=CALLBACK)
        link = node.soap.link(TENANT, "CP1")
        assert link is not None
        link.end(1001, "as if the node had restarted")
        await node.say("Heartbeat", protocol=SOAP_16)
        assert (await outcome(node, i.Trigger("BootNotification"))).field == "message"
        assert not gate.calls
        assert (await node.node.quirks())["trigger-reboots"] == 1


async def test_quirk_06_while_the_database_is_away_nothing_is_acknowledged_and_it_may_come_again() -> None:
    async with open_soap(limits=small_limits(ask_seconds=0.3)) as node:
        node.node.store.away = True
        answer = await node.post(message("BootNotification", BOOT))
        assert answer.status == 503
        assert dict(answer.headers)["Retry-After"]
        node.node.store.away = False
        with trio.fail_after(60):
            assert (await node.insist("BootNotification", BOOT))["status"] == "Accepted"


async def test_quirk_07_an_identity_in_another_case_is_the_same_station() -> None:
    async with open_soap() as node:
        await node.boot(identity="cp1")
        assert node.soap.link(TENANT, "CP1") is not None


async def test_quirk_08_a_station_that_says_too_much_is_told_to_come_later() -> None:
    async with open_soap(limits=small_limits(message_burst=3, messages_per_second=0.1)) as node:
        await node.boot()
        answers = [await node.post(message("Heartbeat")) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 503, 503]


# -- framing -------------------------------------------------------------------------------------------------------------


async def test_quirk_09_an_envelope_that_lacks_something_is_answered_and_counted() -> None:
    async with open_soap() as node:
        await node.boot(message_id=None, header_action=None)
        assert (await node.node.quirks())["soap-envelope"] == 1
        assert fault(await node.post(b"<Envelope>"))[2] == "ProtocolError"


async def test_quirk_10_words_types_and_what_is_missing() -> None:
    async with open_soap() as node:
        await node.boot()
        await node.say("StatusNotification", fields(connectorId="1.0", status="free"))
        told = await node.node.quirks()
        assert {"words", "types", "fields-missing"} <= told.keys()
        nonsense = message("StatusNotification", fields(connectorId=1, errorCode="NoError", status="Dancing"))
        assert fault(await node.post(nonsense))[2] == "ProtocolError"
        assert (await node.node.quirks())["schema"] == 1


# -- transactions --------------------------------------------------------------------------------------------------------


async def test_quirk_12_and_13_a_repeated_start_and_stop_count_once() -> None:
    async with open_soap() as node:
        await node.boot()
        began, ended = at(node, -1800), at(node)
        number = await start(node, timestamp=began)
        assert await start(node, timestamp=began) == number
        for _ in range(2):
            await stop(node, number, 300, timestamp=ended)
        (row,) = await sessions(node)
        assert (row.state, row.energy_wh, row.anomalies) == ("ended", 200, ())


async def test_quirk_14_and_19_a_stop_of_no_session_is_kept_and_ends_no_other() -> None:
    async with open_soap() as node:
        stranger = await node.post(message("Heartbeat", identity="GHOST"), authorization=basic("GHOST"))
        assert fault(stranger)[2] == "IdentityMismatch"
        await node.boot()
        await start(node)
        await stop(node, 0, 50, idTag="SOMEONE")
        assert sorted(row.state for row in await sessions(node)) == ["active", "quarantined"]
        assert (await node.node.quirks())["number-lost"] == 1


async def test_quirk_15_a_stop_from_an_offline_queue_days_later_ends_its_session() -> None:
    async with open_soap() as node:
        await node.boot()
        days = -3 * 86_400
        number = await start(node, timestamp=at(node, days))
        await stop(node, number, 5100, timestamp=at(node, days + 7200))
        (row,) = await sessions(node)
        assert (row.state, row.energy_wh) == ("ended", 5000)


async def test_quirk_16_and_17_a_start_with_an_unknown_tag_is_kept_and_the_tag_refused() -> None:
    async with open_soap() as node:
        await node.boot()
        told = fields(connectorId=1, idTag="UNKNOWN", timestamp=at(node), meterStart=0)
        answer = texts(await node.say("StartTransaction", told))
        assert answer["status"] == "Invalid"
        assert int(answer["transactionId"]) > 0
        assert len(await sessions(node)) == 1


async def test_quirk_18_statuses_in_any_order_end_nothing() -> None:
    async with open_soap() as node:
        await node.boot()
        await start(node)
        for word in ("Available", "Occupied", "Faulted", "Unavailable", "Reserved", "Available"):
            await node.say("StatusNotification", fields(connectorId=1, errorCode="NoError", status=word, timestamp=at(node)))
        (row,) = await sessions(node)
        assert row.state == "active"


# -- meters and clocks ---------------------------------------------------------------------------------------------------


async def test_quirk_20_a_clock_of_1970_is_kept_and_not_billed() -> None:
    async with open_soap() as node:
        await node.boot()
        number = await start(node, timestamp="1970-01-01T00:00:12Z")
        await stop(node, number, 300, timestamp=at(node).partition("+")[0])
        (row,) = await sessions(node)
        assert row.state == "quarantined"
        assert {"clock-wrong", "clock-written"} <= (await node.node.quirks()).keys()


@pytest.mark.parametrize(("begin", "end", "state"), [(0, 910_000, "quarantined"), (100, 99, "ended")])
async def test_quirk_21_and_23_registers_that_cannot_be_make_no_bill(begin: int, end: int, state: str) -> None:
    async with open_soap() as node:
        await node.boot()
        await stop(node, await start(node, meterStart=begin), end)
        (row,) = await sessions(node)
        assert row.state == state
        assert state == "quarantined" or row.energy_wh in (None, 0)


async def test_quirk_22_and_24_readings_without_energy_or_with_phases_alone_leave_the_total() -> None:
    async with open_soap() as node:
        await node.boot()
        number = await start(node)
        power = '<c:value measurand="Power.Active.Import" unit="kWh">7</c:value>'
        await node.say("MeterValues", values(node, power, transactionId=number), protocol="ocpp1.5")
        sampled = "".join(
            f"<c:sampledValue><c:value>100</c:value><c:phase>{phase}</c:phase></c:sampledValue>" for phase in ("L1", "L2", "L3")
        )
        told = fields(connectorId=1) + f"<c:meterValue><c:timestamp>{at(node)}</c:timestamp>{sampled}</c:meterValue>"
        await stop(node, number, 600)
        (row,) = await sessions(node)
        assert row.energy_wh == 500
        await node.say("MeterValues", told, protocol=SOAP_16)
        found = await node.node.quirks()
        assert (found["energy-missing"], found["unit-wrong"], found["phases-only"]) == (1, 1, 1)


async def test_quirk_25_measurands_that_were_accepted_and_do_not_come_are_noticed() -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate) as node:
        await node.boot(callback=CALLBACK)
        wanted = i.SetVariable(i.VariableRef("SampledDataCtrlr", "TxUpdatedMeasurands"), "Voltage")
        assert (await outcome(node, wanted)).status == "Accepted"
        for n in range(4):
            await node.say("MeterValues", values(node, f"<c:value>{n}</c:value>"))
        assert (await node.node.quirks())["values-unsent"] == 1


# -- identity and control ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "heard", "quirk"),
    [("tag_reversed = true", "C4B3A204", "tag-reversed"), ("tag_serial = true", TAG + "S1", "tag-serial")],
)
async def test_quirk_26_a_tag_is_read_as_the_card_has_it(tmp_path: Path, what: str, heard: str, quirk: str) -> None:
    async with open_soap(quirks=known(tmp_path, what)) as node:
        boot = fields(chargePointVendor="Voltroupe", chargePointModel="Test", chargePointSerialNumber="S1")
        await node.say("BootNotification", boot)
        assert texts(await node.say("Authorize", fields(idTag=heard)))["status"] == "Accepted"
        assert (await node.node.quirks())[quirk] == 1


@pytest.mark.parametrize("protocol", ["ocpp1.5", SOAP_16])
async def test_quirk_26_a_station_is_spoken_to_in_the_order_of_its_reader(tmp_path: Path, protocol: str) -> None:
    gate = FakeGate(status("Accepted"))
    async with open_soap(gate=gate, quirks=known(tmp_path, "tag_reversed = true")) as node:
        await node.boot(protocol=protocol, callback=CALLBACK)
        await outcome(node, i.RequestStart(TAG, evse=1))
        ((_, _, root, _),) = gate.calls
        assert texts(root)["idTag"] == "C4B3A204"


async def test_quirk_27_a_refused_profile_is_counted_and_a_known_purpose_is_not_sent() -> None:
    gate = FakeGate(status("Rejected"))
    async with open_soap(gate=gate) as node:
        maker = fields(chargePointVendor="EV-BOX", chargePointModel="Elvi")
        await node.say("BootNotification", maker, protocol=SOAP_16, callback=CALLBACK)
        schedule = i.ChargingSchedule("A", (i.SchedulePeriod(0, Decimal(10)),))
        for purpose in ("ChargingStationMaxProfile", "TxDefaultProfile"):
            await outcome(node, i.SetChargingProfile(0, i.ChargingProfile(8, 0, purpose, "Absolute", (schedule,))))
        told = await node.node.quirks()
        assert (told["purpose-unsent"], told["profile-refused"], len(gate.calls)) == (1, 1, 1)
